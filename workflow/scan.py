"""The periodic scan: what a case owes to time. It warns, reminds and lets consultations lapse; it decides nothing.

Each rule looks at one open case and answers whom to tell what, once, and which act of the clock is due. Notices go
through the outbox under a key of case, event and due date, so that a second scan tells nothing again; acts go through
`perform`. The clock never ends a visit or an interview (domain, section 5.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import Connection

from states import FLOWS
from states import roles as R
from states.language import moment
from workflow import clock, deadlines, delegations, doctor, notices, outbox, store
from workflow.authority import CLOCK
from workflow.engine import by_clock
from workflow.facts import agreed_of
from workflow.mail import Post
from workflow.office import Office

PAGE = 500
# Who is told at which level; who rises with it.
AT_HALF, AT_MOST = ("officer_or_intake",), ("officer_or_intake", "head")
AT_DUE, AT_OVERDUE = ("officer_or_intake", "head", "director"), ("director", "head", "officer_or_intake")
VISITS = ("visit", "interview")
ASKED_OF_APPLICANT = {"supplement_required": "ask_supplement", "clarification_required": "ask_clarification"}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Telling:
    """Something to tell of a case: its name, who hears it, and what makes it one event (a due date, a day)."""

    name: str
    to: tuple[str, ...]
    once: str


@dataclass(frozen=True, slots=True)
class Doing:
    """An act of the clock on a case."""

    action: str


@dataclass(frozen=True)
class Look:
    """What a rule looks with: the office, its calendar and rules, and one moment for all cases of a scan."""

    office: Office
    now: datetime

    @property
    def stamp(self) -> str:
        """The moment as stored text."""
        return clock.stamp(self.now)

    @property
    def today(self) -> date:
        """The local date."""
        return clock.local(self.now).date()

    def number(self, code: str) -> float:
        """A count of the rule table of today: these are the office's own habits, not terms of the case."""
        return self.office.rules.number(code)

    @cached_property
    def percents(self) -> list[int]:
        """The warning levels, rising."""
        return sorted(int(part) for part in self.office.rules.text("levels").split(","))

    def before(self, due: datetime, code: str) -> datetime:
        """A moment before a due one by the working days of a rule."""
        return self.office.calendar.before(due, self.number(code))


Rule = Callable[[Look, Row], Iterator[Telling | Doing]]


# --- the clocks of a case --------------------------------------------------------------------------------------


def _levels(look: Look, row: Row) -> Iterator[Telling | Doing]:
    """50 %, 80 %, the due day, overdue: the highest level reached, with rising recipients."""
    due = deadlines.promised(row)
    received, until = moment(row["received_at"]), moment(due)
    if row["kind"] not in VISITS or row["answered_at"] or received is None or until is None:
        return
    percents = look.percents
    if look.now > until:
        yield Telling("level_overdue", AT_OVERDUE, str(due))
    elif look.today == clock.local(until).date():
        yield Telling("level_due", AT_DUE, str(due))
    else:
        share = _share(look, received, until)
        reached = [level for level in percents if share >= level]
        if reached:
            first = reached[-1] <= percents[0]
            yield Telling(f"level_{reached[-1]}", AT_HALF if first else AT_MOST, str(due))


def _share(look: Look, received: datetime, due: datetime) -> float:
    """How much of the working time between receipt and due date is over, in per cent."""
    whole = look.office.calendar.elapsed(received, due)
    return 100 * look.office.calendar.elapsed(received, look.now) / whole if whole > 0 else 100.0


def _undecided(look: Look, row: Row) -> Iterator[Telling | Doing]:
    """Due today, the office has closed, nothing is decided: late, unless somebody apologises."""
    due = deadlines.promised(row)
    until = moment(due)
    in_review = row["kind"] in VISITS and FLOWS[row["kind"]].states[row["state"]].phase in ("requested", "review")
    if in_review and until is not None and not row["answered_at"] and look.now >= until and look.today == clock.local(until).date():
        yield Telling("late_unless_apologised", ("director", "head"), str(due))


def _intake(look: Look, row: Row) -> Iterator[Telling | Doing]:
    """Requested and nothing done with it when the time for intake is over."""
    if row["kind"] in VISITS and row["state"] == "requested" and look.stamp > row["due_at"]:
        yield Telling("intake_waits", ("head",), row["due_at"])


# --- questions to others ---------------------------------------------------------------------------------------


def _acted(row: Row, action: str) -> Mapping[str, Any]:
    return (row["memory"].get("acts") or {}).get(action) or {}


def _reminded_since(row: Row, since: datetime) -> bool:
    last = moment(_acted(row, "remind").get("at"))
    return last is not None and last >= since


def _reminder_at(look: Look, asked: datetime, due: datetime) -> datetime:
    """Half a working day before the due moment; the middle of a term that is shorter than that."""
    at = look.before(due, "reminder")
    return at if at > asked else asked + (due - asked) / 2


def _consultation(look: Look, row: Row) -> Iterator[Telling | Doing]:
    """A reminder before the answer is due; when it is over, leads, officer and head are told and the question lapses."""
    due, asked = moment(row["due_at"]), clock.moment(row["created_at"])
    if row["kind"] != "consultation" or row["state"] != "asked" or due is None:
        return
    if look.now > due:
        yield Telling("consultation_due", ("leads", "officer", "head"), row["due_at"])
        yield Doing("lapse")
    elif look.now >= (at := _reminder_at(look, asked, due)) and not _reminded_since(row, at):
        yield Doing("remind")


def _supplement(look: Look, row: Row) -> Iterator[Telling | Doing]:
    """The applicant is reminded once before the date given, and once after it has passed."""
    action = ASKED_OF_APPLICANT.get(row["state"])
    asked = _acted(row, action) if action and row["kind"] in VISITS else {}
    due = moment((asked.get("given") or {}).get("respond_by"))
    if due is None:
        return
    since = due if look.now > due else _reminder_at(look, clock.moment(asked["at"]), due)
    if look.now >= since and not _reminded_since(row, since):
        yield Doing("remind")


# --- before and during the programme ---------------------------------------------------------------------------


def begins(row: Row) -> datetime | None:
    """When the first activity of a visit, or the agreed interview, begins; at the start of the day where no hour is named."""
    if row["kind"] == "interview":
        return moment((agreed_of(row["memory"]).get("slot") or {}).get("from"))
    if not row["first_day"]:
        return None
    hours = [item["from"] for item in row["fields"].get("itinerary") or () if item.get("on") == row["first_day"] and item.get("from")]
    return clock.at_local(date.fromisoformat(row["first_day"]), time.fromisoformat(min(hours)) if hours else time(0, 0))


def _guide(look: Look, row: Row) -> Iterator[Telling | Doing]:
    """No guide is named and the first day is near."""
    start = begins(row) if row["state"] == "approved" else None
    unaccompanied = ((_acted(row, "recommend").get("given") or {}).get("accompaniment") or {}).get("kind") == "none"
    if start is None or row["guide_id"] or unaccompanied or look.now > start:
        return
    opening = clock.at_local(clock.local(start).date(), look.office.calendar.opens)
    if look.now >= look.before(opening, "guide_before"):
        yield Telling("guide_missing", ("officer", "head"), clock.stamp(start))


def _crew(look: Look, row: Row) -> Iterator[Telling | Doing]:
    """The first activity began hours ago and nobody has started: the call list is opened."""
    start = begins(row) if row["state"] == "approved" else None
    if start is not None and look.now >= start + timedelta(hours=look.number("no_show_calls")):
        yield Telling("crew_missing", ("guide", "officer", "head"), clock.stamp(start))


def _cards(look: Look, row: Row) -> Iterator[Telling | Doing]:
    """A press card or the licence ends soon while the visit is going to be or is under way."""
    if row["kind"] != "visit" or row["state"] not in ("approved", "accompanied", "suspended"):
        return
    dates = [person.get("card_expires_on") for person in row["fields"].get("crew") or ()]
    dates.append((row["fields"].get("licence") or {}).get("valid_to"))
    limit = (look.today + timedelta(days=look.number("card_warning"))).isoformat()
    ending = sorted({str(on) for on in dates if on and str(on) <= limit})
    for on in ending:
        yield Telling("card_ends", ("officer", "guide"), on)


def _report(look: Look, row: Row) -> Iterator[Telling | Doing]:
    """The report is overdue: the guide hears it, a working day later the head."""
    if row["kind"] not in VISITS or row["state"] != "accompanied" or look.stamp <= row["due_at"]:
        return
    yield Telling("report_late", ("guide_or_officer",), row["due_at"])
    if look.office.calendar.elapsed(clock.moment(row["due_at"]), look.now) >= 1:
        yield Telling("report_late", ("head",), f"{row['due_at']}:head")


def _letter(look: Look, row: Row) -> Iterator[Telling | Doing]:
    """A letter is signed and has not been issued in time."""
    if row["kind"] == "letter" and row["state"] == "sealed" and look.stamp > row["due_at"]:
        yield Telling("letter_late", ("registry", "head"), row["due_at"])


RULES: tuple[Rule, ...] = (_levels, _undecided, _intake, _consultation, _supplement, _guide, _crew, _cards, _report, _letter)


# --- going through the open cases ------------------------------------------------------------------------------

_OPEN = (
    "SELECT c.id, c.kind, c.state, c.version, c.due_at, c.officer_id, c.guide_id, c.first_day, c.last_day, c.memory, c.created_at,"
    " k.received_at, k.answered_at, k.statutory_due, k.work_due, k.extended,"
    " CASE WHEN c.state IN ('approved', 'accompanied', 'suspended') THEN d.fields END AS fields"
    " FROM cases c LEFT JOIN case_clock k ON k.case_id = c.id JOIN dossiers d ON d.case_id = c.id AND d.no = c.dossier_no"
    " WHERE c.is_open AND (c.due_at > :due OR (c.due_at = :due AND c.id > :id))"
    f" ORDER BY c.due_at, c.id LIMIT {PAGE}"
)


def _pages(office: Office) -> Iterator[list[dict[str, Any]]]:
    """The open cases, page by page in the order of their due dates; each page in a read of its own."""
    due, last = "", ""
    while True:
        with office.db.read() as connection:
            office.refresh(connection)
            rows = store.query(connection, _OPEN, due=due, id=last)
        for row in rows:
            row["memory"], row["fields"] = orjson.loads(row["memory"]), orjson.loads(row["fields"] or "{}")
        yield rows
        if len(rows) < PAGE:
            return
        due, last = rows[-1]["due_at"], rows[-1]["id"]


def scan(office: Office) -> int:
    """Look at every open case once; answers how many things were told or done. The same scan again does nothing."""
    look = Look(office, clock.now())
    return sum(_looked(office, look, rows) for rows in _pages(office) if rows)


def found_in(look: Look, row: Row) -> list[Telling | Doing]:
    """What all rules find in one case."""
    return [found for rule in RULES for found in rule(look, row)]


def _looked(office: Office, look: Look, rows: Iterable[Row]) -> int:
    found = [(row, item) for row in rows for item in found_in(look, row)]
    told = _told(office, [(row, item) for row, item in found if isinstance(item, Telling)])
    return told + sum(by_clock(office, row["id"], item.action, {}, row["version"], "needs") for row, item in found if isinstance(item, Doing))


def _key(row: Row, item: Telling) -> str:
    return f"scan:{row['id']}:{item.name}:{item.once}"


def _told(office: Office, found: list[tuple[Row, Telling]]) -> int:
    """Put into the outbox what has not been told yet: one question for a page of cases, one write for each new thing."""
    known = _known(office, [_key(row, item) for row, item in found])
    new = [(row, item) for row, item in found if _key(row, item) not in known]

    def work(connection: Connection) -> int:
        return sum(
            outbox.post(connection, row["id"], row["version"], "mail", item.name, {"actor": CLOCK.id, "action": "scan", "to": item.to}, _key(row, item))
            for row, item in new
        )

    return office.db.transact(work) if new else 0


def _known(office: Office, keys: list[str]) -> set[str]:
    if not keys:
        return set()
    each = "SELECT value FROM json_each(:keys)" if office.db.dialect == "sqlite" else "SELECT json_array_elements_text(CAST(:keys AS json))"
    with office.db.read() as connection:
        rows = store.query(connection, f"SELECT dedupe FROM outbox WHERE dedupe IN ({each})", keys=orjson.dumps(keys).decode())
    return {row["dedupe"] for row in rows}


# --- once a day ------------------------------------------------------------------------------------------------


def duties(office: Office, post: Post | None = None) -> int:
    """Roles that an open case waits for and nobody holds, cases whose officer or guide has no account any more, and cases with a
    step that the duties leave nobody for.

    Administrators and directors hear of the first, directors and heads of the others, each once a day. Delegations whose last
    day is over are closed in the record. Answers how many things were found.
    """
    day = clock.today().isoformat()
    delegations.end_due(office)

    def work(connection: Connection) -> int:
        missing = _missing(connection)
        for person in sorted(notices.holding(connection, R.ADMIN, R.DIRECTOR)) if missing else ():
            notices.tell(connection, person, "nobody", f"nobody:{day}", post, asks=True)
        orphaned = store.query(
            connection, "SELECT DISTINCT c.id, c.version FROM cases c JOIN users u ON u.id = c.officer_id OR u.id = c.guide_id WHERE c.is_open AND NOT u.active"
        )
        for case in orphaned:
            payload = {"actor": CLOCK.id, "action": "scan", "to": ("director", "head")}
            outbox.post(connection, case["id"], case["version"], "mail", "orphan", payload, f"scan:{case['id']}:orphan:{day}")
        told = {case["id"] for case in orphaned}
        stuck = {row["id"]: row for row, _ in doctor.stuck_cases(office, connection) if row["id"] not in told}
        for row in stuck.values():
            payload = {"actor": CLOCK.id, "action": "scan", "to": ("head", "director")}
            outbox.post(connection, row["id"], row["version"], "mail", "stuck", payload, f"scan:{row['id']}:stuck:{day}")
        return len(missing) + len(orphaned) + len(stuck)

    return office.db.transact(work)


def _missing(connection: Connection) -> set[str]:
    """Roles without a holder for which an open case waits."""
    there = doctor.holders(connection)
    standing = store.query(connection, "SELECT DISTINCT kind, state FROM cases WHERE is_open")
    waits = {role for row in standing for role in FLOWS[row["kind"]].states[row["state"]].waits_for}
    return {role for role in waits if role in doctor.APPOINTS and not there.get(role)}
