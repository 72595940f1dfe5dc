"""The worker: what has to follow an act is taken from the outbox and done; what time brings is looked for.

Letters are opened as children, notices written for whoever may read them when they are sent, children of an ended
case closed by the clock through `perform`, mails handed to the relay. What the database alone keeps stands in one
transaction with the mark of delivery, so that a worker killed in between leaves neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event
from typing import Any

import orjson
from sqlalchemy import Connection

from states import FLOWS
from states.kinds.letter import LETTERS
from workflow import clock, engine, mail, notices, outbox, periodic, sharing, store, users
from workflow.authority import CLOCK
from workflow.mail import Post
from workflow.office import Office
from workflow.store import Change


def run(office: Office, stop: Event, every: float = 1.0, post: Post | None = None) -> None:
    """Deliver, and run what is due by the clock, until told to stop; `every` is the wait in seconds when nothing is due."""
    worker = outbox.worker_name()
    while not stop.is_set():
        try:
            busy = deliver(office, post, worker) + periodic.run_due(office, worker, post)
        except Exception as error:  # the loop outlives any single fault; the fault is shown and tried again
            print(f"worker: {outbox.sentence(error)}", flush=True)
            busy = 0
        if not busy:
            stop.wait(every)


def drain(office: Office, limit: int = 10_000, post: Post | None = None) -> int:
    """Deliver until nothing is due; answers how many messages were done."""
    total, worker = 0, outbox.worker_name()
    while total < limit:
        done = deliver(office, post, worker)
        if not done:
            return total
        total += done
    return total


def once(office: Office, post: Post | None = None) -> int:
    """Run what is due by the clock and deliver what is due, then stop; answers how many messages were done."""
    done = drain(office, post=post)
    periodic.run_due(office, outbox.worker_name(), post)
    return done + drain(office, post=post)


def deliver(office: Office, post: Post | None = None, worker: str = "") -> int:
    """Deliver one batch of due messages in order; answers how many were done."""
    worker = worker or outbox.worker_name()
    return sum(_one(office, id_, post, worker) for id_ in outbox.due(office))


def _one(office: Office, id_: int, post: Post | None, worker: str) -> int:
    def work(connection: Connection) -> Any:
        message = outbox.take(office, connection, id_)
        if message is None:
            return None
        if message["kind"] in _OUTSIDE:
            return message if outbox.claim(connection, message, worker) else None
        office.refresh(connection)
        _inside(office, connection, message, post)
        return outbox.done(connection, id_)

    claimed = False
    try:
        found = office.db.transact(work)
        if isinstance(found, dict):
            claimed = True
            note = _OUTSIDE[found["kind"]](office, found, post)
            return int(office.db.transact(lambda connection: outbox.done(connection, id_, worker, note)))
        return 1 if found else 0
    except Exception as error:  # one bad message must not stop the others; it is set aside after some tries
        for_good, why = isinstance(error, mail.Undeliverable), outbox.sentence(error)
        holder = worker if claimed else None
        office.db.transact(lambda connection: outbox.fail(connection, id_, why, for_good=for_good, worker=holder))
        return 0


# --- what is done in the transaction of the message ----------------------------------------------------------


def _inside(office: Office, connection: Connection, message: Mapping[str, Any], post: Post | None) -> None:
    payload = orjson.loads(message["payload"])
    if message["kind"] == "letter":
        _letter(office, connection, message, payload)
    elif message["kind"] == "mail":
        notices.tell_of(office, connection, message, payload, post)
    else:
        raise ValueError(f"messages of kind {message['kind']} are unknown to this version")
    sharing.share(office, connection, message, payload, post)


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


# --- what is done outside of it, under a claim; each answers a note to keep, or nothing ------------------------


def _send(office: Office, message: Mapping[str, Any], post: Post | None) -> str | None:
    if post is None:
        raise ValueError("no mail relay is set (FPD_SMTP_URL)")
    with office.db.read() as connection:
        office.refresh(connection)
        found = notices.prepare(office, connection, message, post)
    if isinstance(found, str):
        return found
    mail.send(post, found)
    return None


def _cancel(office: Office, message: Mapping[str, Any], _: Post | None) -> None:
    """The case has ended: its open questions are cancelled and its drafts void, by the clock."""
    with office.db.read() as connection:
        row = store.load(connection, message["case_id"])
    reason = {"reason": "Hồ sơ chính đã kết thúc."}
    for id_, kind, state, *_rest in row["children"] if row else ():
        if kind == "consultation" and state == "asked":
            by_clock(office, id_, "cancel_consultation", reason)
        elif kind == "letter" and state == "drafted" and not _speaks_for_the_end(row, id_):
            by_clock(office, id_, "void", reason)


def by_clock(office: Office, ref: str, action: str, given: Mapping[str, Any]) -> bool:
    """An act of the clock; a case that has moved on by itself in the meantime is left alone (False)."""
    with office.db.read() as connection:
        row = store.load(connection, ref)
    if row is None or (action, row["state"]) not in FLOWS[row["kind"]].table:
        return False
    return engine.by_clock(office, ref, action, given, row["version"])


def _speaks_for_the_end(row: Mapping[str, Any] | None, id_: str) -> bool:
    """Letters that belong to the end itself stay: the notice to the Ministry, the report."""
    for child in row["children"] if row else ():
        if child[0] == id_:
            name = orjson.loads(child[5]).get("letter")
            return name in ("ministry_notice", "report", "apology") or (name in LETTERS and LETTERS[name].reply)
    return False


_OUTSIDE = {"send": _send, "cancel": _cancel}
