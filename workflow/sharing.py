"""Standing subscribers of the locality: told once on approval and once on report, with the least that is useful.

Who they are stands in the profile. What they read is written down when it happens: outlet, names of the crew, day,
commune and place; they have no part in the case itself and no action anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection

from states import FLOWS
from states import roles as R
from workflow import chance, clock, notices, store
from workflow.authority import Actor, Row
from workflow.crypto import Keyring
from workflow.errors import NotFound
from workflow.facts import agreed_of, dropped_of
from workflow.mail import Post
from workflow.office import Office

APPROVAL, REPORT = "approved", "reported"  # the words of the profile
_ACTS = frozenset(
    step.action
    for kind in ("visit", "interview")
    for step in FLOWS[kind].steps
    if (step.decides and step.target == "approved") or (step.target == "reported" and step.source != "reported")
)


def event_of(connection: Connection, message: Mapping[str, Any], payload: Mapping[str, Any]) -> str | None:
    """What the act behind a message of the outbox is to subscribers: an approval, a report or nothing."""
    if payload.get("action") not in _ACTS:
        return None
    rows = store.query(
        connection,
        "SELECT from_state, to_state, decides FROM audit_entry WHERE case_id = :id AND seq = :seq",
        id=message["case_id"], seq=message["seq"],
    )  # fmt: skip
    if not rows or rows[0]["from_state"] == rows[0]["to_state"]:
        return None
    return {"approved": APPROVAL if rows[0]["decides"] else None, "reported": REPORT}.get(rows[0]["to_state"])


def shown(row: Row) -> dict[str, Any]:
    """The minimum view of a case: outlet, names of the crew, day, commune and place of what was not dropped."""
    fields = row["fields"]
    dropped = dropped_of(row["memory"])
    programme = [
        {"on": r.get("on", ""), "commune": r.get("commune", ""), "place": r.get("place", "")}
        for r in fields.get("itinerary") or () if r.get("row") not in dropped
    ]  # fmt: skip
    if row["kind"] == "interview":
        programme = _agreed(row["memory"])
    crew = [r.get("name", "") for r in fields.get("crew") or () if r.get("row") not in dropped]
    return {"outlet": row["outlet"], "crew": crew, "programme": programme}


def _agreed(memory: Mapping[str, Any]) -> list[dict[str, str]]:
    """Day and place of an interview, as last agreed."""
    agreed = agreed_of(memory)
    begins = (agreed.get("slot") or {}).get("from")
    if not begins:
        return []
    return [{"on": clock.local(clock.moment(begins)).date().isoformat(), "commune": "", "place": agreed.get("place") or ""}]


def share(office: Office, connection: Connection, message: Mapping[str, Any], payload: Mapping[str, Any], post: Post | None) -> int:
    """Tell the standing subscribers of what a message speaks of, in its transaction and once per event; answers how many."""
    event = event_of(connection, message, payload)
    agencies: tuple[str, ...] = office.profile.subscribers(event) if event else ()
    told = 0
    for code in agencies:
        organisation = office.organisations.get(code)
        row = store.load(connection, message["case_id"]) if organisation else None
        if organisation is None or row is None:
            continue
        id_ = chance.public_id()
        if not _shared(office.keys, connection, id_, organisation.id, row, str(event)):
            continue
        told += 1
        for person in sorted(notices.members(connection, organisation.id)):
            notices.tell(connection, person, f"shared_{event}:{id_}", f"shared:{id_}", post, row=row, seq=message["seq"])
    return told


def _shared(keys: Keyring, connection: Connection, id_: str, organisation_id: str, row: Row, event: str) -> int:
    return store.execute(
        connection,
        "INSERT INTO shares (id, case_id, organisation_id, event, shown, at) VALUES (:id, :case, :org, :event, :shown, :at)"
        " ON CONFLICT (case_id, organisation_id, event) DO NOTHING",
        id=id_, case=row["id"], org=organisation_id, event=event, shown=keys.seal(orjson.dumps(shown(row)).decode(), place(id_)), at=clock.stamp(clock.now()),
    )  # fmt: skip


def place(id_: str) -> str:
    """What a shared view is bound to."""
    return f"shares/{id_}"


_COLUMNS = "s.id, s.event, s.shown, s.at, s.organisation_id, c.code, c.kind"


def listed(office: Office, actor: Actor, limit: int = 200) -> list[dict[str, Any]]:
    """What was shared with the person's organisations, newest first; an auditor reads what was shared with any."""
    mine = sorted({m.organisation_id for m in actor.memberships})
    found: list[dict[str, Any]] = []
    with office.db.read() as connection:
        for organisation in [""] if actor.has(R.AUDITOR) else mine:
            found += store.query(
                connection,
                f"SELECT {_COLUMNS} FROM shares s JOIN cases c ON c.id = s.case_id WHERE :org = '' OR s.organisation_id = :org"
                f" ORDER BY s.at DESC, s.id LIMIT {int(limit)}",
                org=organisation,
            )
    return [_read(office, row) for row in sorted(found, key=lambda row: row["at"], reverse=True)[:limit]]


def one(office: Office, actor: Actor, id_: str) -> dict[str, Any]:
    """One shared view; raises `NotFound` where it is not of the person's organisation."""
    with office.db.read() as connection:
        rows = store.query(connection, f"SELECT {_COLUMNS} FROM shares s JOIN cases c ON c.id = s.case_id WHERE s.id = :id", id=id_)
    if not rows or not (actor.has(R.AUDITOR) or rows[0]["organisation_id"] in {m.organisation_id for m in actor.memberships}):
        raise NotFound()
    return _read(office, rows[0])


def _read(office: Office, row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "shown": orjson.loads(office.keys.read(row["shown"], place(row["id"])))}
