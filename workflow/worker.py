"""The worker: what has to follow an act is taken from the outbox and done, once.

Letters are opened as children, notices written for whoever holds the role when they are sent, children of
an ended case closed by the clock through `perform`. Effect and mark of delivery stand in one transaction,
so that a worker killed in between leaves neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from threading import Event
from typing import Any

import orjson
from sqlalchemy import Connection

from states import FLOWS
from states import roles as R
from states.kinds.letter import LETTERS
from workflow import authority, clock, engine, store, users
from workflow.authority import CLOCK
from workflow.errors import WorkflowError
from workflow.office import Office
from workflow.store import Change

MAX_TRIES = 8
BATCH = 50


def run(office: Office, stop: Event, every: float = 1.0) -> None:
    """Deliver until told to stop."""
    while not stop.is_set():
        try:
            delivered = deliver(office)
        except Exception as error:  # the loop outlives any single fault; the fault is shown and tried again
            print(f"worker: {type(error).__name__}: {error}", flush=True)
            delivered = 0
        if not delivered:
            stop.wait(every)


def drain(office: Office, limit: int = 10_000) -> int:
    """Deliver until nothing is due; answers how many messages were done."""
    total = 0
    while total < limit:
        done = deliver(office)
        if not done:
            return total
        total += done
    return total


def deliver(office: Office) -> int:
    """Deliver one batch of due messages in order; answers how many were done."""
    now = clock.stamp(clock.now())
    with office.db.read() as connection:
        due = store.query(
            connection,
            f"SELECT id, case_id FROM outbox o WHERE state = 'pending' AND next_at <= :now AND NOT EXISTS"
            f" (SELECT 1 FROM outbox b WHERE b.case_id = o.case_id AND b.state = 'pending' AND b.id < o.id AND b.next_at > :now)"
            f" ORDER BY id LIMIT {BATCH}",
            now=now,
        )
    return sum(_one(office, message["id"]) for message in due)


def _one(office: Office, id_: int) -> int:
    lock = "" if office.db.dialect == "sqlite" else " FOR UPDATE SKIP LOCKED"

    def work(connection: Connection) -> Any:
        rows = store.query(connection, f"SELECT * FROM outbox WHERE id = :id AND state = 'pending'{lock}", id=id_)
        if not rows:
            return None
        message = rows[0]
        office.refresh(connection)
        after = _HANDLERS[message["kind"]](office, connection, message, orjson.loads(message["payload"]))
        if after is None:
            _done(connection, id_)
        return (after, message) if after is not None else True

    try:
        found = office.db.transact(work)
        if isinstance(found, tuple):
            for ref, action, given in found[0]:
                _by_clock(office, ref, action, given)
            office.db.transact(lambda connection: _done(connection, id_))
        return 1 if found else 0
    except Exception as error:  # one bad message must not stop the others; it is parked after some tries
        fault = error  # the name of an except clause does not outlive it
        office.db.transact(lambda connection: _failed(connection, id_, fault))
        return 0


def _done(connection: Connection, id_: int) -> None:
    store.execute(connection, "UPDATE outbox SET state = 'done', done_at = :now WHERE id = :id AND state = 'pending'", now=clock.stamp(clock.now()), id=id_)


def _failed(connection: Connection, id_: int, error: Exception) -> None:
    rows = store.query(connection, "SELECT tries FROM outbox WHERE id = :id AND state = 'pending'", id=id_)
    if not rows:
        return
    tries = rows[0]["tries"] + 1
    wait = timedelta(seconds=min(3600, 2**tries))
    store.execute(
        connection,
        "UPDATE outbox SET tries = :tries, state = :state, next_at = :next, error = :error WHERE id = :id",
        tries=tries, state="parked" if tries >= MAX_TRIES else "pending", next=clock.stamp(clock.now() + wait),
        error=f"{type(error).__name__}: {error}"[:500], id=id_,
    )  # fmt: skip


def _by_clock(office: Office, ref: str, action: str, given: Mapping[str, Any]) -> None:
    """An act of the clock; a child that has moved on by itself in the meantime is left alone."""
    with office.db.read() as connection:
        row = store.load(connection, ref)
    if row is None or (action, row["state"]) not in FLOWS[row["kind"]].table:
        return
    try:
        engine.perform(office, CLOCK, ref, action, given, version=row["version"])
    except WorkflowError as refused:
        if refused.code not in ("stale", "state", "changed_meanwhile"):
            raise


# --- handlers: they work in the transaction of the message, or answer acts to be performed after it -----------


def _letter(office: Office, connection: Connection, message: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    main = store.load(connection, message["case_id"])
    if main is None:
        return
    actor = users.actor_by_id(connection, payload["actor"]) or CLOCK
    agencies = payload.get("agencies") or [None]
    for agency in agencies:
        origin = f"{payload['entry']}:letter:{message['name']}:{agency or ''}"
        if store.query(connection, "SELECT id FROM cases WHERE origin = :origin", origin=origin):
            continue
        # A question to an agency with an account is sealed by the press itself; on paper it has to be signed.
        by_account = agency is not None and office.organisations[agency].has_account
        sealed = bool(payload.get("sealed")) or by_account
        fields: dict[str, Any] = {"recipients": engine.letter_recipients(office, main, message["name"], agency)}
        fields["facts"] = letter_facts(office, main, payload)
        if agency and payload.get("question"):
            fields["body"] = payload["question"]
        signed = None
        if sealed:
            signed = {
                "by": payload["persons"], "name": payload.get("actor_name", ""), "at": message["at"], "round": 1,
                "role": payload["role"], "given": {}, "count": 1,
            }  # fmt: skip
        change = Change()
        extra = {"opened_by": {"entry": payload["entry"], "person": payload["actor"]}}
        engine.open_letter(
            office, connection, change, main, message["name"], fields, actor, payload["role"], clock.now(),
            sealed=sealed, origin=origin, extra=extra, signed=signed,
        )  # fmt: skip
        store.write(connection, change)


def letter_facts(office: Office, main: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a letter states: the case, and the words of the act that called for it."""
    organisation = office.organisation(main["organisation_id"])
    labels = {ground.code: ground for ground in office.profile.grounds}
    told = dict(payload.get("told") or {})
    codes = told.pop("grounds", None) or ([told.pop("ground")] if told.get("ground") else [])
    facts: dict[str, Any] = {
        "code": main["code"] or "", "outlet": main["outlet"], "title": main["title"], "organisation": organisation.name.vi if organisation else "",
        "action": payload.get("action", ""), **told,
    }  # fmt: skip
    if codes:
        facts["grounds"] = [{"label": labels[c].label.vi, "basis": labels[c].basis} for c in codes if c in labels]
    for name in ("first_day", "last_day"):
        if main.get(name):
            facts[name] = main[name]
    due = main["clocks"].get("statutory_due")
    if due:
        facts["due"] = due
    return facts


def _recipients(connection: Connection, row: Mapping[str, Any], name: str, payload: Mapping[str, Any]) -> set[str]:
    """Who reads a notice, found when it is sent: whoever holds the role on the case now."""
    main = authority.main_of(row)

    def holders(*roles: str) -> set[str]:
        return {person["id"] for role in roles for person in _holding(connection, role)}

    def in_organisation(organisation_id: str | None, role: str) -> set[str]:
        rows = store.query(
            connection,
            "SELECT u.id FROM users u JOIN memberships m ON m.user_id = u.id WHERE u.active AND m.organisation_id = :org AND m.role = :role",
            org=organisation_id or "", role=role,
        )  # fmt: skip
        return {r["id"] for r in rows}

    match name:
        case "applicant" | "recipients":
            if name == "recipients" and not authority.addressed_to_applicant(row):
                return set()
            return {main["created_by"]} - {""}
        case "officer":
            return {main["officer_id"]} if main["officer_id"] else set()
        case "guide":
            return {main["guide_id"]} if main["guide_id"] else set()
        case "intake" | "head" | "director" | "registry":
            return holders(name)
        case "committee":
            return holders(R.COMMITTEE) if main["referred"] else set()
        case "confirmers":
            return holders(R.REGISTRY) | ({main["officer_id"]} if main["officer_id"] else set())
        case "leader_office":
            return in_organisation(main["office_id"], R.LEADER_OFFICE)
        case "consultee":
            found: set[str] = set()
            for _, kind, state, _, _, _, _, _, organisation_id, _ in row.get("children") or ():
                if kind == "consultation" and state == "asked":
                    found |= in_organisation(organisation_id, R.CONSULTEE)
            return found or (in_organisation(row["organisation_id"], R.CONSULTEE) if row["kind"] == "consultation" else set())
        case "holder":
            flow = FLOWS[row["kind"]]
            state = flow.states.get(payload.get("from") or row["state"])
            return holders(*(role for role in (state.waits_for if state else ()) if role in (R.HEAD, R.DIRECTOR, R.COMMITTEE)))
        case "asked":
            return set()
    return set()


def _holding(connection: Connection, role: str) -> list[dict[str, Any]]:
    return store.query(connection, "SELECT DISTINCT u.id FROM users u JOIN memberships m ON m.user_id = u.id WHERE u.active AND m.role = :role", role=role)


def _mail(office: Office, connection: Connection, message: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    row = store.load(connection, message["case_id"])
    if row is None:
        return
    for user_id in sorted(_recipients(connection, row, message["name"], payload) - {payload["actor"]}):
        actor = users.actor_by_id(connection, user_id)
        if actor is None or not authority.visible(row, actor, authority.roles_on(row, actor)):
            # A consultee is told of its own consultation, never of the case.
            continue
        store.execute(
            connection,
            "INSERT INTO notices (user_id, case_id, name, at, dedupe) VALUES (:user, :case, :name, :at, :dedupe) ON CONFLICT (dedupe) DO NOTHING",
            user=user_id, case=row["id"], name=message["name"], at=clock.stamp(clock.now()), dedupe=f"{message['dedupe']}:{user_id}",
        )  # fmt: skip


def _cancel(office: Office, connection: Connection, message: Mapping[str, Any], payload: Mapping[str, Any]) -> list[tuple[str, str, dict[str, str]]]:
    """The case has ended: its open questions are cancelled and its drafts void, by the clock."""
    row = store.load(connection, message["case_id"])
    reason = "Hồ sơ chính đã kết thúc."
    acts = []
    for id_, kind, state, *_ in row["children"] if row else ():
        if kind == "consultation" and state == "asked":
            acts.append((id_, "cancel_consultation", {"reason": reason}))
        elif kind == "letter" and state == "drafted" and not _speaks_for_the_end(row, id_):
            acts.append((id_, "void", {"reason": reason}))
    return acts


def _speaks_for_the_end(row: Mapping[str, Any] | None, id_: str) -> bool:
    """Letters that belong to the end itself stay: the notice to the Ministry, the report."""
    for child in row["children"] if row else ():
        if child[0] == id_:
            name = orjson.loads(child[5]).get("letter")
            return name in ("ministry_notice", "report", "apology") or (name in LETTERS and LETTERS[name].reply)
    return False


_HANDLERS = {"letter": _letter, "mail": _mail, "cancel": _cancel}
