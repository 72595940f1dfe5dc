"""Due dates of a case: the statutory clock S, the work clock W, and by when whoever holds it should act.

S runs from receipt and is never paused; W pauses while the applicant is asked (domain, section 5.3).
Every length comes from the locality profile; working days from the office's calendar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson

from states import Facts
from states.language import moment
from workflow import clock
from workflow.calendar import Counted, WorkCalendar
from workflow.localities import Profile

NEVER = "9999-12-31T00:00:00.000000Z"


def end_of(day: date, calendar: WorkCalendar) -> str:
    """The end of the working day, as a stored moment."""
    return clock.stamp(clock.at_local(day, calendar.closes))


def noon_of(day: date) -> str:
    """The middle of a local day: the moment of dispatch of a paper that only bears a date."""
    return clock.stamp(clock.at_local(day, time(12, 0)))


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Counts due dates with one profile and one calendar."""

    profile: Profile
    calendar: WorkCalendar

    def count(self, start: datetime, name: str) -> Counted:
        """Working days of a clock from a moment, with the days counted and skipped."""
        return self.calendar.add_working_days(start, self.profile.days(name))

    def after(self, start: datetime, name: str) -> str:
        """The due moment of a clock from a moment."""
        return clock.stamp(self.count(start, name).due)

    def statutory_name(self, kind: str) -> str:
        """Which statutory clock a kind has."""
        return "statutory_interview" if kind == "interview" else "statutory"

    def started(self, kind: str, received: datetime, submitted: datetime) -> dict[str, Any]:
        """The clock row at submission."""
        due = self.after(received, self.statutory_name(kind))
        limit = self.count(received, "lapse_of_registration").due
        return {
            "submitted_at": clock.stamp(submitted),
            "received_at": clock.stamp(received),
            "registered_late": submitted > limit,
            "answered_at": None,
            "statutory_due": due,
            "work_due": due,
            "first_due": due,
            "extended": False,
            "paused_since": None,
            "pauses": "[]",
        }

    def paused(self, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """The work clock stops."""
        return {**row, "paused_since": row.get("paused_since") or clock.stamp(now)}

    def resumed(self, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """The work clock goes on: its due date moves by the working days of the pause."""
        since = moment(row.get("paused_since"))
        if since is None:
            return dict(row)
        pauses = [*orjson.loads(row.get("pauses") or "[]"), {"from": row["paused_since"], "to": clock.stamp(now)}]
        lost = self.calendar.working_days_between(since, now)
        due = moment(row.get("work_due"))
        later = self.calendar.add_working_days(due, lost).due if due and lost else due
        return {**row, "paused_since": None, "pauses": orjson.dumps(pauses).decode(), "work_due": clock.stamp(later) if later else None}

    def extended(self, row: Mapping[str, Any], new_date: str) -> dict[str, Any]:
        """A new promised date; the first one stays and counts."""
        due = end_of(date.fromisoformat(new_date), self.calendar)
        return {**row, "extended": True, "statutory_due": due, "work_due": due}

    def latest_respond_by(self, row: Mapping[str, Any]) -> datetime | None:
        """One working day before the statutory date: after it nobody could still decide in time."""
        due = moment(row.get("statutory_due"))
        if due is None:
            return None
        day = clock.local(due).date() - timedelta(days=1)
        while not self.calendar.is_working(day):
            day -= timedelta(days=1)
        return clock.at_local(day, self.calendar.closes)

    def grace_until(self, first_day: str | None) -> datetime | None:
        """When a crew that has not come may be marked as a no-show."""
        if not first_day:
            return None
        start = clock.at_local(date.fromisoformat(first_day), self.calendar.opens)
        return self.count(start, "no_show_grace").due

    def holder_due(self, word: str | None, facts: Facts, clock_row: Mapping[str, Any]) -> str:
        """By when whoever holds the case in this state should act; `NEVER` where nothing runs."""
        now = facts.now
        statutory = clock_row.get("statutory_due") or NEVER
        match word:
            case "statutory":
                return str(statutory)
            case "intake":
                return min(self.after(now, "intake"), str(statutory))
            case "respond_by" | "due_at":
                given = moment(facts.given.get("respond_by") or facts.fields.get("due_at"))
                return clock.stamp(given.astimezone(UTC)) if given else str(statutory)
            case "first_day":
                first = facts.fields.get("first_day")
                return clock.stamp(clock.at_local(date.fromisoformat(first), self.calendar.opens)) if first else NEVER
            case "report":
                last = facts.fields.get("last_day")
                start = clock.at_local(date.fromisoformat(last), self.calendar.opens) if last else now
                return self.after(max(start, now), "report") if not last else self.after(start, "report")
            case "close" | "sign":
                return self.after(now, word)
            case "issue":
                return self.after(now, "sign")
            case "ministry_measure":
                until = moment(facts.given.get("to")) if facts.given.get("imposed_by") else None
                if until:  # others suspended it, to a day they named: till then there is nothing to record
                    return clock.stamp(until.astimezone(UTC))
                return clock.stamp(now + timedelta(hours=self.profile.days("ministry_measure_hours")))
        return NEVER


def lateness(row: Mapping[str, Any], now: datetime, is_open: bool) -> tuple[str | None, bool]:
    """(`late`: null, with_apology or without; `overdue`), computed when read and never stored."""
    first = row.get("first_due")
    if not first:
        return None, False
    stamp = clock.stamp(now)
    answered = row.get("answered_at")
    moment_of_answer = answered or (stamp if is_open else None)
    late = None
    if moment_of_answer and moment_of_answer > first:
        late = "with_apology" if row.get("extended") else "without"
    return late, bool(is_open and not answered and stamp > (row.get("statutory_due") or first))
