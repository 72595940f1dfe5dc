"""The record of reads: who opened an identity paper, or a case as an auditor, when, in which capacity, how and for what.

A row is written and committed before the first byte leaves, and can be neither changed nor deleted (its purpose may be sealed anew under another key). It stays when the
paper itself is erased. Whoever opens too many papers within an hour is refused, and the refusal is a row as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from states import FLOWS
from states import roles as R
from states.language import Text
from states.machine import role_refusal
from workflow import clock, store
from workflow.authority import Actor
from workflow.crypto import KeysError
from workflow.errors import Invalid, RoleRefused, SlowDown
from workflow.office import Office, organisation_dict
from workflow.schemas import TEXTS

HOW: dict[str, Text] = {
    "view": Text("xem", "viewed"), "download": Text("tải về", "downloaded"), "print": Text("in", "printed"), "refused": Text("bị từ chối", "refused"),
}  # fmt: skip
ASKED: dict[str, Text] = {
    "download": Text("tải về", "keep a copy"), "view": Text("chỉ xem", "only look at it"), "print": Text("in ra giấy", "print it"),
}  # fmt: skip
REFUSED = "refused"
HOUR = timedelta(hours=1)
_TOO_MANY = Text(
    "Trong một giờ chỉ mở được {n} giấy tờ nhạy cảm. Lần này đã được ghi và đánh dấu; hãy đợi, hoặc báo lãnh đạo nếu cần gấp.",
    "No more than {n} sensitive papers may be opened within an hour. This try is recorded and marked; wait, or tell your head if it is urgent.",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One opening of something: by whom, as what, how and why. `what` is `case`, `paper:<id>`, `registry` or `registry:numbers`."""

    user_id: str
    case_id: str
    what: str
    role: str
    how: str
    purpose: Text | str
    paper_id: str | None = None


def note(office: Office, reading: Reading, *, limited: bool = False) -> None:
    """Record a reading; it is committed when this returns.

    `limited`: beyond the hour's number of papers raises `SlowDown`, and what is recorded is the refusal.
    """
    most = office.profile.papers.reads_an_hour

    def work(connection: Connection) -> int:
        _one_at_a_time(connection, reading.user_id)
        before = _within_the_hour(connection, reading.user_id) if limited else []
        if len(before) < most:
            _write(office, connection, [reading])
            return 0
        _write(office, connection, [replace(reading, how=REFUSED)])
        return wait_until(before[most - 1])

    wait = office.db.transact(work)
    if wait:
        raise SlowDown(_TOO_MANY.format(n=most), wait)


def note_all(office: Office, readings: Sequence[Reading]) -> None:
    """Record what one person read of several cases at once; it is committed when this returns."""
    if readings:
        office.db.transact(lambda connection: _write(office, connection, readings))


def _within_the_hour(connection: Connection, user_id: str) -> list[str]:
    """When a person opened papers in the last hour, newest first."""
    rows = store.query(
        connection,
        "SELECT at FROM reads WHERE user_id = :user AND at > :since AND paper_id IS NOT NULL AND how <> :refused ORDER BY at DESC",
        user=user_id, since=clock.stamp(clock.now() - HOUR), refused=REFUSED,
    )  # fmt: skip
    return [row["at"] for row in rows]


def _write(office: Office, connection: Connection, readings: Sequence[Reading]) -> None:
    at = clock.stamp(clock.now())
    rows = []
    for one in readings:
        purpose = one.purpose.as_dict() if isinstance(one.purpose, Text) else one.purpose
        rows.append([one.user_id, one.case_id, one.what, one.role, one.how, office.keys.seal(purpose, place(one.user_id, at)), one.paper_id])
    listed = "json_each(:rows)" if connection.dialect.name == "sqlite" else "json_array_elements(CAST(:rows AS json))"
    columns = ", ".join(f"value ->> {n}" for n in range(7))
    store.execute(
        connection,
        f"INSERT INTO reads (at, user_id, case_id, what, role, how, purpose, paper_id) SELECT :at, {columns} FROM {listed}",
        at=at, rows=orjson.dumps(rows).decode(),
    )  # fmt: skip


def wait_until(at: str) -> int:
    """Seconds until an hour after a stored moment, one at least."""
    return max(1, int((clock.moment(at) + HOUR - clock.now()).total_seconds()) + 1)


def _one_at_a_time(connection: Connection, user_id: str) -> None:
    """Two readings of one person at once are counted one after the other; SQLite has one writer at a time anyway."""
    if connection.dialect.name != "sqlite":
        store.query(connection, "SELECT pg_advisory_xact_lock(hashtext(:key))", key=f"reads/{user_id}")


def place(user_id: str, at: str) -> str:
    """What the purpose of a reading is bound to."""
    return f"reads/{user_id}/{at}"


# --- looking them up ---------------------------------------------------------------------------------------------

FILTERS = ("paper", "case", "person", "from", "to", "limit", "cursor")
READERS = (R.AUDITOR, R.DIRECTOR)
MOST = 200
# How many rows one printed page holds, and how many are looked at to make one.
LINES = 30
COUNTED = 5000


def reader(actor: Actor) -> Actor:
    """Whoever may look the record up: an auditor all of it, a director their own staff and the auditors. Raises `RoleRefused`."""
    if not actor.has(*READERS):
        raise RoleRefused((role_refusal(READERS),))
    return actor


def parse(given: Mapping[str, str]) -> dict[str, Any]:
    """Check the filters; raises `Invalid` by name."""
    found: dict[str, Any] = {}
    errors: dict[str, list[Text]] = {}
    for name, value in given.items():
        if name not in FILTERS:
            errors[name] = [TEXTS["unknown"]]
        elif value == "":
            continue
        elif name == "limit":
            if not value.isascii() or not value.isdigit() or not 1 <= int(value[:6]) <= MOST:
                errors[name] = [TEXTS["large"].format(n=MOST)]
            found[name] = value
        elif name == "cursor" and (not value.isascii() or not value.isdigit() or len(value) > 18):
            errors[name] = [TEXTS["choice"]]
        elif name in ("from", "to"):
            try:
                found[name] = date.fromisoformat(value if len(value) == 10 else "")
            except ValueError:
                errors[name] = [TEXTS["date"]]
        elif len(value) > 300 or not value.isprintable():
            errors[name] = [TEXTS["long"].format(n=300)]
        else:
            found[name] = value
    if errors:
        raise Invalid(errors)
    return found


def listed(office: Office, actor: Actor, filters: Mapping[str, Any]) -> dict[str, Any]:
    """A page of the record, newest first: {items, next_cursor}.

    An auditor reads all of it; a director what their own staff and the auditors have read.
    """
    limit = int(filters.get("limit") or 100)
    with office.db.read() as connection:
        office.refresh(connection)
        rows = _rows(connection, actor, filters, limit + 1)
    page = rows[:limit]
    return {"items": [_item(office, row) for row in page], "next_cursor": str(page[-1]["id"]) if len(rows) > limit else None}


def _rows(connection: Connection, actor: Actor, filters: Mapping[str, Any], limit: int) -> list[dict[str, Any]]:
    reader(actor)
    where, values = ["1 = 1"], dict[str, Any]()
    if not actor.has(R.AUDITOR):
        where.append(
            "EXISTS (SELECT 1 FROM memberships s LEFT JOIN memberships d ON d.organisation_id = s.organisation_id AND d.user_id = :me AND d.role = 'director'"
            " WHERE s.user_id = r.user_id AND (s.role = 'auditor' OR d.id IS NOT NULL))"
        )
        values["me"] = actor.id
    if "paper" in filters:
        where.append("(r.paper_id = :paper OR r.what = :what)")  # rows of earlier releases bear the paper in `what` alone
        values |= {"paper": filters["paper"], "what": f"paper:{filters['paper']}"}
    if "case" in filters:
        where.append("(c.id = :case OR c.code = :case)")
        values["case"] = filters["case"]
    if "person" in filters:
        where.append("u.username = :person")
        values["person"] = filters["person"]
    if "from" in filters:
        where.append("r.at >= :first")
        values["first"] = clock.stamp(clock.at_local(filters["from"], time(0)))
    if "to" in filters:
        where.append("r.at < :last")
        values["last"] = clock.stamp(clock.at_local(filters["to"], time(0)) + timedelta(days=1))
    if "cursor" in filters:
        where.append("r.id < :cursor")
        values["cursor"] = int(filters["cursor"])
    return store.query(
        connection,
        "SELECT r.id, r.at, r.user_id, r.case_id, r.what, r.role, r.how, r.purpose, u.username, u.name, c.code, c.kind, p.id AS paper, p.name AS paper_name,"
        " (SELECT min(m.organisation_id) FROM memberships m WHERE m.user_id = r.user_id AND m.role = r.role) AS org_id"
        " FROM reads r LEFT JOIN users u ON u.id = r.user_id LEFT JOIN cases c ON c.id = r.case_id LEFT JOIN papers p ON p.id = substr(r.what, 7)"
        f" WHERE {' AND '.join(where)} ORDER BY r.id DESC LIMIT {int(limit)}",
        **values,
    )


def _item(office: Office, row: Mapping[str, Any]) -> dict[str, Any]:
    paper = str(row["what"]).removeprefix("paper:") if str(row["what"]).startswith("paper:") else None
    return {
        "at": row["at"], "person": {"username": row["username"], "name": row["name"]}, "role": row["role"],
        "role_label": R.ROLES[row["role"]].as_dict() if row["role"] in R.ROLES else None,
        "organisation": organisation_dict(office.organisation(row["org_id"])), "case": {"id": row["case_id"], "code": row["code"]},
        # A scan that was erased leaves its readings: then only its id is known.
        "paper": {"id": paper, "name": row["paper_name"], "label": _paper_label(row)} if paper else None,
        "how": row["how"], "how_label": HOW[row["how"]].as_dict() if row["how"] in HOW else None, "refused": row["how"] == REFUSED,
        "purpose": _purpose(office, row),
    }  # fmt: skip


def _paper_label(row: Mapping[str, Any]) -> dict[str, str] | None:
    kinds = (FLOWS[row["kind"]], FLOWS["visit"], FLOWS["interview"]) if row["kind"] in FLOWS else ()
    return next((paper.label.as_dict() for flow in kinds for paper in flow.papers if paper.name == row["paper_name"]), None)


def _purpose(office: Office, row: Mapping[str, Any]) -> dict[str, str] | None:
    """What was said of the reason, in both languages where it was the reader's open task."""
    if not row["purpose"]:
        return None
    try:
        told = office.keys.open(row["purpose"], place(row["user_id"], row["at"]))
    except KeysError:
        return None
    return told if isinstance(told, dict) else {"vi": told, "en": told}


# --- one page to print -------------------------------------------------------------------------------------------

# From each reading to one line a person: the first of these that fits on a page is what is shown.
GROUPS = ("day", "month", "person")


def report(office: Office, actor: Actor, filters: Mapping[str, Any], lines: int = LINES) -> dict[str, Any]:
    """The readings that the filters find, so many lines at most: each by itself, else gathered by person and day, month or at all.

    {`by`: `each` or one of `GROUPS`, `rows`, `total`, `cut`: whether there are more than were counted}.
    """
    with office.db.read() as connection:
        office.refresh(connection)
        found = _rows(connection, actor, {k: v for k, v in filters.items() if k not in ("limit", "cursor")}, COUNTED + 1)
    items = [_item(office, row) for row in found[:COUNTED]]
    by, rows = "each", items
    for by_next in GROUPS:
        if len(rows) <= lines:
            break
        by, rows = by_next, _gathered(items, by_next)
    return {"by": by, "rows": rows, "total": len(items), "cut": len(found) > COUNTED}


def _gathered(items: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """One row for each person, capacity and span, the newest first: how often, on how many papers, how, for what."""
    size = {"day": 10, "month": 7, "person": 0}[by]
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for item in items:
        span = clock.local(clock.moment(item["at"])).date().isoformat()[:size]
        row = groups.setdefault(
            (item["person"]["username"], item["role"], span),
            {**item, "span": span, "count": 0, "hows": {}, "purposes": [], "papers": set(), "first": item["at"], "last": item["at"], "refused": 0},
        )
        row["count"] += 1
        row["first"] = item["at"]  # they come newest first
        row["hows"][item["how"]] = row["hows"].get(item["how"], 0) + 1
        row["refused"] += item["refused"]
        row["papers"].add((item["paper"] or {}).get("id"))
        if item["purpose"] and item["purpose"] not in row["purposes"]:
            row["purposes"].append(item["purpose"])
    return list(groups.values())
