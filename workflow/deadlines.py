"""Due dates of a case and the sum behind each: statutory clock S, work clock W, and by when whoever holds it should act.

S runs from receipt and is never paused; W pauses while the applicant is asked (domain, section 5.3). Lengths come
from the rule table as it stood on the day of receipt, working days from the office's calendar. A `Deadline` is the
one explanation that page, API and mail show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from states import Facts
from states.language import Text, moment
from workflow import clock
from workflow.calendar import UNITS, Counted, WorkCalendar
from workflow.categories import clock_of
from workflow.rules import Rule, Rules

if TYPE_CHECKING:
    from workflow.office import Office

NEVER = "9999-12-31T00:00:00.000000Z"
PAUSED = Text("Tạm dừng: chờ cơ quan đề nghị bổ sung", "Paused: the applicant was asked for more")


def end_of(day: date, calendar: WorkCalendar) -> str:
    """The end of the working day, as a stored moment."""
    return clock.stamp(clock.at_local(day, calendar.closes))


def noon_of(day: date) -> str:
    """The middle of a local day: the moment of dispatch of a paper that only bears a date."""
    return clock.stamp(clock.at_local(day, time(12, 0)))


def promised(clocks: Mapping[str, Any]) -> str | None:
    """The date a case is to be answered by: the law's where it sets one, else the office's own."""
    return clocks.get("statutory_due") or clocks.get("work_due")


@dataclass(frozen=True, slots=True)
class Deadline:
    """One due date with its sum. Moments are stored texts; `counted` and `skipped` name local days.

    `skipped` rows are {date, why {vi, en}, document}; `paused` rows {from, to}; `unconfirmed` names the years whose
    calendar nobody has confirmed and through which the sum runs.
    """

    code: str
    clock: str
    label: Text
    starts_at: str
    due_at: str
    first_due_at: str
    value: float
    unit: str
    basis: str
    counted: tuple[str, ...] = ()
    skipped: tuple[Mapping[str, Any], ...] = ()
    paused: tuple[Mapping[str, str], ...] = ()
    unconfirmed: tuple[int, ...] = ()
    rule: str = ""
    extended: bool = False
    about: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The wire shape, and what is stored with the case."""
        return {
            "code": self.code, "clock": self.clock, "label": self.label.as_dict(), "starts_at": self.starts_at, "due_at": self.due_at,
            "first_due_at": self.first_due_at, "value": int(self.value) if self.value == int(self.value) else self.value, "unit": self.unit,
            "basis": self.basis, "counted": list(self.counted), "skipped": [dict(row) for row in self.skipped],
            "paused": [dict(row) for row in self.paused], "unconfirmed_years": list(self.unconfirmed), "rule": self.rule,
            "extended": self.extended, "about": self.about,
        }  # fmt: skip

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Deadline:
        """The same deadline out of its wire shape."""
        return cls(
            told["code"], told["clock"], Text(told["label"]["vi"], told["label"]["en"]), told["starts_at"], told["due_at"], told["first_due_at"],
            float(told["value"]), told["unit"], told["basis"], tuple(told["counted"]), tuple(told["skipped"]), tuple(told["paused"]),
            tuple(told["unconfirmed_years"]), told.get("rule", ""), bool(told.get("extended")), told.get("about", ""),
        )  # fmt: skip

    def as_text(self, language: str) -> str:
        """The sum in plain lines, for mail and print."""
        english = language == "en"
        lines = [f"{self.label.en if english else self.label.vi}: {local_moment(self.due_at)}" + (f" ({self.about})" if self.about else "")]
        if not self.unit:
            return lines[0]
        length = f"{self.as_dict()['value']} {UNITS[self.unit].en if english else UNITS[self.unit].vi}"
        lines += [f"{'Counted from' if english else 'Tính từ'} {local_moment(self.starts_at)}; {length}; {'basis' if english else 'căn cứ'} {self.basis}."]
        if self.extended:
            lines.append(f"{'First date' if english else 'Ngày hẹn đầu'}: {local_moment(self.first_due_at)}.")
        if self.counted:
            lines.append(f"{'Days counted' if english else 'Các ngày được tính'}: {', '.join(map(_day, self.counted))}.")
        lines += [
            f"{'Not counted' if english else 'Không tính'}: {_day(row['date'])}, {row['why']['en' if english else 'vi']}"
            + (f" ({row['document']})" if row["document"] else "")
            for row in self.skipped
        ]
        if self.unconfirmed:
            years = ", ".join(map(str, self.unconfirmed))
            lines.append(f"The calendar of {years} is not confirmed yet." if english else f"Lịch làm việc năm {years} chưa được xác nhận.")
        return "\n".join(lines)


def local_moment(stored: str) -> str:
    """HH:MM dd/mm/yyyy in Hà Nội time of a stored moment."""
    return f"{clock.local(clock.moment(stored)):%H:%M %d/%m/%Y}"


def _day(on: str) -> str:
    return f"{date.fromisoformat(on):%d/%m/%Y}"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Counts due dates with the rules of one day and one calendar."""

    rules: Rules
    calendar: WorkCalendar

    def count(self, start: datetime, code: str) -> Counted:
        """The sum of a rule from a moment."""
        rule = self.rules[code]
        return self.calendar.count(start, rule.number, rule.unit)

    def after(self, start: datetime, code: str) -> str:
        """The due moment of a rule from a moment."""
        return clock.stamp(self.count(start, code).due)

    def deadline(self, start: datetime, code: str, name: str, *, label: Text | None = None, about: str = "", due_at: str | None = None) -> Deadline:
        """A due date by a rule with its sum. A date that a person has set (`due_at`) keeps the days from start to it."""
        rule = self.rules[code]
        counted = self.calendar.count(start, rule.number, rule.unit)
        return self._told(rule, name, start, counted, label, due_at or clock.stamp(counted.due), about=about)

    def _told(
        self, rule: Rule, name: str, start: datetime, counted: Counted, label: Text | None, due_at: str,
        *, paused: tuple[Mapping[str, str], ...] = (), about: str = "",
    ) -> Deadline:  # fmt: skip
        return Deadline(
            rule.code, name, label or rule.label, clock.stamp(start), due_at, due_at, rule.number, rule.unit, rule.basis,
            tuple(day.isoformat() for day in counted.counted), tuple(_skipped(item) for item in counted.skipped), paused,
            counted.unconfirmed_years, rule.id, about=about,
        )  # fmt: skip

    # --- the clocks of a case ------------------------------------------------------------------------------------

    def reply(self, kind: str, category: str | None, received: datetime) -> tuple[Deadline | None, Deadline]:
        """(S, W) of a request from its receipt; S is None where the law sets no date."""
        code, statutory = clock_of(kind, category)
        work = self.deadline(received, code, "work")
        return (replace(work, clock="statutory") if statutory else None), work

    def started(self, kind: str, category: str | None, received: datetime, submitted: datetime) -> dict[str, Any]:
        """The clock row at submission."""
        law, work = self.reply(kind, category, received)
        limit = self.count(received, "T21").due
        return {
            "submitted_at": clock.stamp(submitted),
            "received_at": clock.stamp(received),
            "registered_late": submitted > limit,
            "answered_at": None,
            "statutory_due": law.due_at if law else None,
            "work_due": work.due_at,
            "first_due": law.due_at if law else work.due_at,
            "extended": False,
            "paused_since": None,
            "pauses": "[]",
            "rules_on": self.rules.on.isoformat(),
            "sums": _sums(law, work),
        }

    def paused(self, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """The work clock stops."""
        return {**row, "paused_since": row.get("paused_since") or clock.stamp(now)}

    def resumed(self, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """The work clock goes on: its due date moves by the working days of the pause."""
        if moment(row.get("paused_since")) is None:
            return dict(row)
        pauses = [*orjson.loads(row.get("pauses") or "[]"), {"from": row["paused_since"], "to": clock.stamp(now)}]
        after = {**row, "paused_since": None, "pauses": orjson.dumps(pauses).decode()}
        law, before = sums_of(row)
        if before is None or moment(row.get("received_at")) is None:
            return after
        work = self._work(after, before.code)
        moved = {} if after.get("extended") else {"work_due": work.due_at}
        if not after.get("extended") and not after.get("statutory_due"):
            moved["first_due"] = work.due_at  # no law sets a date here: what was promised moves with the pause
        return {**after, **moved, "sums": _sums(law, work if moved else replace(work, due_at=after["work_due"]))}

    def _work(self, row: Mapping[str, Any], code: str) -> Deadline:
        """W anew from its rule: the days on which the applicant was asked for more are left out."""
        received, rule = clock.moment(row["received_at"]), self.rules[code]
        pauses = orjson.loads(row.get("pauses") or "[]")
        lost = 0
        while True:
            counted = self.calendar.count(received, rule.number + lost, rule.unit)
            idle = {day for day in counted.counted if any(_within(day, pause) for pause in pauses)}
            if rule.unit != "wd" or len(idle) == lost:
                break
            lost = len(idle)
        told = self._told(rule, "work", received, counted, None, clock.stamp(counted.due), paused=tuple(pauses))
        dropped = tuple({"date": day.isoformat(), "why": PAUSED.as_dict(), "document": ""} for day in sorted(idle))
        kept = tuple(day for day in told.counted if date.fromisoformat(day) not in idle)
        skipped = tuple(sorted((*told.skipped, *dropped), key=lambda item: str(item["date"])))
        return replace(told, counted=kept, skipped=skipped)

    def extended(self, row: Mapping[str, Any], new_date: str) -> dict[str, Any]:
        """A new promised date; the first one stays and counts."""
        due = end_of(date.fromisoformat(new_date), self.calendar)
        law, work = sums_of(row)
        return {
            **row, "extended": True, "statutory_due": due if row.get("statutory_due") else None, "work_due": due,
            "sums": _sums(*(replace(item, due_at=due, extended=True) if item else None for item in (law, work))),
        }  # fmt: skip

    def counted_again(self, row: Mapping[str, Any], kind: str, category: str | None) -> dict[str, Any]:
        """The clock row by the calendar and the rules as they are now. A date promised in an extension stays as promised."""
        received = moment(row.get("received_at"))
        if received is None or row.get("extended") or row.get("answered_at"):
            return dict(row)
        law, work = self.reply(kind, category, received)
        work = self._work(row, work.code)
        first = law.due_at if law else work.due_at
        again = {**row, "rules_on": self.rules.on.isoformat()}
        return {**again, "statutory_due": law.due_at if law else None, "work_due": work.due_at, "first_due": first, "sums": _sums(law, work)}

    # --- who holds it, until when ----------------------------------------------------------------------------------

    def latest_respond_by(self, row: Mapping[str, Any]) -> datetime | None:
        """One working day before the promised date: after it nobody could still decide in time."""
        due = moment(promised(row))
        if due is None:
            return None
        day = self.calendar.previous_working(clock.local(due).date() - timedelta(days=1))
        return clock.at_local(day, self.calendar.closes)

    def grace_until(self, first_day: str | None) -> datetime | None:
        """When a crew that has not come may be marked as a no-show."""
        if not first_day:
            return None
        return self.count(clock.at_local(date.fromisoformat(first_day), self.calendar.opens), "no_show").due

    def report_start(self, last_day: str | None, now: datetime) -> datetime:
        """The end of the programme, from which the report is counted."""
        return clock.at_local(date.fromisoformat(last_day), self.calendar.opens) if last_day else now

    def holder_due(self, word: str | None, facts: Facts, clock_row: Mapping[str, Any]) -> str:
        """By when whoever holds the case in this state should act; `NEVER` where nothing runs."""
        now = facts.now
        reply = promised(clock_row) or NEVER
        match word:
            case "statutory":
                return str(reply)
            case "intake":
                return min(self.after(now, "T22"), str(reply))
            case "respond_by" | "due_at":
                given = moment(facts.given.get("respond_by") or facts.fields.get("due_at"))
                return clock.stamp(given.astimezone(UTC)) if given else str(reply)
            case "first_day":
                first = facts.fields.get("first_day")
                return clock.stamp(clock.at_local(date.fromisoformat(first), self.calendar.opens)) if first else NEVER
            case "report":
                return self.after(self.report_start(facts.fields.get("last_day"), now), "T09")
            case "close":
                return self.after(now, "close")
            case "sign" | "issue":
                return self.after(now, "T21")
            case "ministry_measure":
                until = moment(facts.given.get("to")) if facts.given.get("imposed_by") else None
                if until:  # others suspended it, to a day they named: till then there is nothing to record
                    return clock.stamp(until.astimezone(UTC))
                return self.after(now, "T10")
        return NEVER


def _within(day: date, pause: Mapping[str, str]) -> bool:
    """Whether a working day was lost to a pause: it lies after the day the pause began, up to the day it ended."""
    return clock.local(clock.moment(pause["from"])).date() < day <= clock.local(clock.moment(pause["to"])).date()


def _skipped(item: Any) -> dict[str, Any]:
    return {"date": item.on.isoformat(), "why": item.why.as_dict(), "document": item.document}


def _sums(law: Deadline | None, work: Deadline | None) -> str:
    return orjson.dumps([item.as_dict() if item else None for item in (law, work)]).decode()


def sums_of(row: Mapping[str, Any]) -> tuple[Deadline | None, Deadline | None]:
    """(S, W) as stored with a case; (None, None) where its clocks have not started, or started before sums were kept."""
    told = orjson.loads(row.get("sums") or "[null, null]")
    return tuple(Deadline.of(item) if item else None for item in told)  # type: ignore[return-value]


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
    return late, bool(is_open and not answered and stamp > (promised(row) or first))


# --- all due dates of one case -------------------------------------------------------------------------------------

_HEARD = Text("Giải trình trước khi thu hồi", "Explanation before a revocation")
_RESPOND = Text("Cơ quan đề nghị trả lời", "The applicant answers")
_INTAKE = Text("Tiếp nhận hồ sơ", "Intake of the file")
_ISSUE = Text("Ký, phát hành văn bản", "Sign and issue the letter")
OUTSIDE = frozenset({"statutory", "work", "supplement", "hearing"})


def of_case(office: Office, row: Mapping[str, Any]) -> list[Deadline]:
    """Every due date that runs in a case (a row of `store.load`), each with its sum: the one explanation for page, API and mail."""
    counting, now = office.deadlines_for(row), clock.now()
    if row["kind"] == "consultation":
        return [_asked(counting, row["fields"].get("agency", ""), row["created_at"], row["due_at"])] if row["state"] in ("asked", "lapsed") else []
    if row["kind"] == "letter":
        return [counting.deadline(clock.moment(row["created_at"]), "T21", "letter", label=_ISSUE, due_at=row["due_at"])] if row["is_open"] else []
    found = [item for item in sums_of(row["clocks"]) if item]
    found += _of_state(counting, row, now)
    for _, kind, state, _, _, fields, _, _, _, _ in row["children"]:
        if kind == "consultation" and state == "asked":
            asked = orjson.loads(fields)
            found.append(_asked(counting, asked.get("agency", ""), asked.get("asked_at") or row["updated_at"], asked["due_at"]))
    return found


def _asked(counting: Deadlines, agency: str, asked_at: str, due_at: str) -> Deadline:
    """A consultation's date: set by the officer, shown beside what the rule would give."""
    due = clock.stamp(clock.moment(due_at))
    return counting.deadline(clock.moment(asked_at), "T23", "consultation", about=agency, due_at=due)


def _of_state(counting: Deadlines, row: Mapping[str, Any], now: datetime) -> list[Deadline]:
    """The dates that belong to the state a case stands in."""
    acts = row["memory"].get("acts") or {}
    clocks = row["clocks"]
    match row["state"]:
        case "requested" if clocks.get("submitted_at"):
            return [counting.deadline(clock.moment(clocks["submitted_at"]), "T22", "intake", label=_INTAKE)]
        case "supplement_required" | "clarification_required":
            act = acts.get("ask_clarification" if row["state"] == "clarification_required" else "ask_supplement") or {}
            return _until(act, (act.get("given") or {}).get("respond_by"), "supplement", _RESPOND, "63/18")
        case "accompanied":
            return [counting.deadline(counting.report_start(row["last_day"], now), "T09", "report")]
        case "suspended":
            act = acts.get("suspend") or acts.get("record_suspension") or {}
            began = clock.moment(act["at"]) if act else now
            return [counting.deadline(began, "T10", "ministry_measure", due_at=row["due_at"])]
        case "reported":
            act = acts.get("file_report") or acts.get("deliver_answers")
            return [counting.deadline(clock.moment(act["at"]) if act else now, "close", "close")]
        case "approved":
            act = acts.get("announce_hearing") or {}
            return _until(act, (act.get("given") or {}).get("respond_by"), "hearing", _HEARD, "262/7(3)")
    return []


def _until(act: Mapping[str, Any], until: Any, name: str, label: Text, basis: str) -> list[Deadline]:
    """A date that a person has named; it has no sum."""
    read = moment(until)
    if read is None or not act:
        return []
    due = clock.stamp(read.astimezone(UTC))
    return [Deadline("", name, label, str(act["at"]), due, due, 0, "", basis)]
