"""Due dates counted anew: what a corrected calendar or a changed rule does to the open cases, foreseen or carried out.

Answered and extended cases keep their dates. Each moved case has one entry with the old and the new sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from states import flow_for
from states import roles as R
from states.language import Effect, Text
from workflow import clock, engine, store
from workflow.authority import Actor, Row
from workflow.calendar import WorkCalendar
from workflow.deadlines import Deadlines, promised
from workflow.errors import Conflict
from workflow.office import Office
from workflow.rules import RuleBook
from workflow.store import Change

_COUNTED_WORDS = ("statutory", "intake", "report", "close")


def foreseen(office: Office, *, calendar: WorkCalendar | None = None, rulebook: RuleBook | None = None) -> list[dict[str, Any]]:
    """Which open cases would have another due date with this calendar or these rules, and which: nothing is written.

    Answers rows {id, code, kind, state, before, after, holder_before, holder_after} of moments, by code: the date of the
    reply, and by when whoever holds the case should act.
    """
    with office.db.read() as connection:
        office.refresh(connection)
        return [
            {
                "id": row["id"], "code": row["code"], "kind": row["kind"], "state": row["state"], "before": promised(row["clocks"]),
                "after": promised(clocks), "holder_before": row["due_at"], "holder_after": due_at,
            }
            for row, clocks, due_at in _recounted(office, connection, calendar or office.calendar, rulebook or office.rulebook)
        ]  # fmt: skip


def recount(office: Office, actor: Actor, why: Text, *, request_id: str = "") -> list[str]:
    """Count the due dates of all open cases anew, after the calendar or a rule has changed; answers the codes of those that moved.

    Each moved case has one entry `recount` with the old and the new sum. Answered and extended cases keep their dates.
    """
    office.forget()
    with office.db.read() as connection:
        office.refresh(connection, force=True)
        found = [row["id"] for row, _, _ in _recounted(office, connection, office.calendar, office.rulebook)]
    return [code for code in (_until_it_stands_still(office, _one(office, actor, id_, why, request_id)) for id_ in found) if code]


def _until_it_stands_still(office: Office, work: Callable[[Connection], str]) -> str:
    """Somebody may act on the case at the same moment: it is judged again on what they left."""
    for _ in range(20):
        try:
            return office.db.transact(work)
        except Conflict:
            continue
    raise Conflict("changed_meanwhile")


def _one(office: Office, actor: Actor, id_: str, why: Text, request_id: str) -> Callable[[Connection], str]:
    def work(connection: Connection) -> str:
        row = store.load(connection, id_)
        again = _counted_again(office, row, office.calendar, office.rulebook) if row else None
        if row is None or again is None:
            return ""
        clocks, due_at = again
        old, new = (orjson.loads(item.get("sums") or "[null,null]") for item in (row["clocks"], clocks))
        inputs = {"why": why.as_dict(), "before": old, "after": new}
        role = next((name for name in (R.ADMIN, R.DIRECTOR) if actor.has(name)), R.CLOCK)
        now = engine.later(row, clock.now())
        done = engine.plain_act(
            connection, row, actor, "recount", role, row["memory"], inputs, now, request_id, clocks={**clocks, "case_id": id_}, due_at=due_at
        )
        change = Change()
        engine.post_effect(change, row, Effect("mail", "recounted"), done.version, engine.bare_facts(row, now), actor, role, done.entry_hash, "recount")
        store.write(connection, change)
        return str(row["code"] or id_)

    return work


def _recounted(office: Office, connection: Connection, calendar: WorkCalendar, rulebook: RuleBook) -> Iterator[tuple[Row, dict[str, Any], str]]:
    """Open cases whose clocks read otherwise when counted anew: (case, new clocks, new due moment of its holder)."""
    ids = store.query(
        connection, "SELECT c.id FROM cases c JOIN case_clock k ON k.case_id = c.id WHERE c.is_open AND k.received_at IS NOT NULL ORDER BY c.code"
    )
    for found in ids:
        row = store.load(connection, found["id"])
        again = _counted_again(office, row, calendar, rulebook) if row else None
        if row is not None and again is not None:
            yield row, *again


def _counted_again(office: Office, row: Row, calendar: WorkCalendar, rulebook: RuleBook) -> tuple[dict[str, Any], str] | None:
    """The clocks and the holder's due moment of a case by this calendar and these rules, or None where nothing moves."""
    clocks = row["clocks"]
    day = clocks.get("rules_on") or clock.local(clock.moment(clocks["received_at"])).date().isoformat()
    deadlines = Deadlines(rulebook.on(date.fromisoformat(day)), calendar)
    again = deadlines.counted_again(clocks, row["kind"], row["fields"].get("category"))
    word = flow_for(row["kind"]).states[row["state"]].deadline
    due_at = row["due_at"]
    if word in _COUNTED_WORDS:
        facts = replace(engine.bare_facts(row, _entered_at(row)), fields=row["fields"])
        due_at = deadlines.holder_due(word, facts, again)
    kept = ("statutory_due", "work_due", "first_due")
    moved = any(again.get(name) != clocks.get(name) for name in kept) or due_at != row["due_at"]
    return (again, due_at) if moved else None


def _entered_at(row: Row) -> datetime:
    """When a case came into its state, or was extended there: the moment from which its holder's time runs."""
    into = {s.action for s in flow_for(row["kind"]).steps if s.target == row["state"] and (s.source != s.target or s.action == "extend")}
    acts = row["memory"].get("acts") or {}
    return clock.moment(max((acts[name]["at"] for name in into if name in acts), default=row["updated_at"]))
