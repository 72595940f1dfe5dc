"""The working calendar: days off, worked Saturdays and half days, and counting over them in three units.

The days are rows of a table that the office keeps (`workflow.calendar_table`); weekends are not written down. The
rules of counting are those of Bộ luật Dân sự 2015 (91/2015/QH13) art. 147-148: the day of receipt is not counted, a
term ends with its last day, and where that day is a day off, with the next working day (art. 148(5)). The office's
day ends at its closing hour. A receipt after the cut-off or on a day off counts for the next working day.

Units: `wd` *ngày làm việc*, `d` *ngày*, `h` *giờ*. Hours run through nights, weekends and days off (art. 147(1)).
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from states.language import Text
from workflow import clock, store

UNITS: dict[str, Text] = {
    "wd": Text("ngày làm việc", "working days"), "d": Text("ngày", "days"), "h": Text("giờ", "hours"),
}  # fmt: skip
WEEKDAYS = (
    Text("Thứ Hai", "Monday"), Text("Thứ Ba", "Tuesday"), Text("Thứ Tư", "Wednesday"), Text("Thứ Năm", "Thursday"),
    Text("Thứ Sáu", "Friday"), Text("Thứ Bảy", "Saturday"), Text("Chủ Nhật", "Sunday"),
)  # fmt: skip
COUNTED = ("confirmed", "expected")

_SEED = Path(__file__).resolve().parent.parent / "localities" / "national" / "calendar.toml"
_LIMIT = 5000
_KEPT = 4096
_ONE_DAY = timedelta(days=1)
_MOVED = Text("{day}; hạn kết thúc vào ngày làm việc kế tiếp", "{day}; the term ends with the next working day")
_MOVED_BY = "BLDS 2015 148(5)"


@dataclass(frozen=True, slots=True)
class Day:
    """A day that differs from its weekday: `off`, `work` or `half`, why, by which document, confirmed or not.

    `opens` and `closes` are the hours of a half day; `national` is false for a row of the locality alone.
    """

    kind: str
    name: str
    document: str
    confirmed: bool
    name_en: str = ""
    opens: time | None = None
    closes: time | None = None
    national: bool = True

    @property
    def text(self) -> Text:
        """The day's name in both languages; Vietnamese stands in where no English was entered."""
        return Text(self.name, self.name_en or self.name)


class Skipped(NamedTuple):
    """A day that was passed over in counting: why, and the document that says so (empty for a weekend)."""

    on: date
    why: Text
    document: str


@dataclass(frozen=True, slots=True)
class Counted:
    """A due moment with the sum behind it. `starts` is the day the receipt counts for; hours have no days to list."""

    due: datetime
    starts: date
    counted: tuple[date, ...]
    skipped: tuple[Skipped, ...]
    unconfirmed_years: tuple[int, ...] = field(default=())


class WorkCalendar:
    """Counts over one table of special days, with the hours of one office.

    `opens`, `closes`: local hours of a whole working day; `cutoff`: receipts later than this count for the next one.
    """

    def __init__(self, days: Mapping[date, Day], opens: time = time(7, 30), closes: time = time(17, 0), cutoff: time = time(16, 30)):
        self.days, self.opens, self.closes, self.cutoff = dict(days), opens, closes, cutoff
        # One day still guessed is enough to doubt its year; a locality's own day confirms nothing of the nation's.
        listed = {on.year for on, day in self.days.items() if day.national}
        self._confirmed = listed - {on.year for on, day in self.days.items() if not day.confirmed}
        self._halves = any(day.kind == "half" for day in self.days.values())
        self._sums: dict[tuple[date, int], Counted] = {}

    # --- one day -------------------------------------------------------------------------------------------------

    def is_working(self, day: date) -> bool:
        """Whether the office works on that day, be it half of it."""
        special = self.days.get(day)
        return special.kind != "off" if special else day.weekday() < 5

    def hours(self, day: date) -> tuple[time, time]:
        """When the office opens and closes on a working day."""
        special = self.days.get(day) if self._halves else None
        if special is None or special.kind != "half":
            return self.opens, self.closes
        closes = special.closes or self.closes
        return min(special.opens or self.opens, closes), closes

    def ends(self, day: date) -> datetime:
        """The moment of closing on a day; on a day off, what it would be on a whole one."""
        return clock.at_local(day, self.hours(day)[1])

    def is_confirmed(self, year: int) -> bool:
        """Whether a year has its calendar: national rows are there and none of the year is merely expected."""
        return year in self._confirmed

    def why_off(self, day: date) -> Skipped:
        """Why a day is not worked, and the document that says so."""
        special = self.days.get(day)
        return Skipped(day, special.text, special.document) if special else Skipped(day, WEEKDAYS[day.weekday()], "")

    def next_working(self, day: date) -> date:
        """The day itself if it is worked, else the next one that is. Raises ValueError when there is none."""
        return self._working_from(day, _ONE_DAY)

    def previous_working(self, day: date) -> date:
        """The day itself if it is worked, else the last one before it that is. Raises ValueError when there is none."""
        return self._working_from(day, -_ONE_DAY)

    def _working_from(self, day: date, step: timedelta) -> date:
        for _ in range(_LIMIT):
            if self.is_working(day):
                return day
            day += step
        raise ValueError("the calendar has no working day")

    def receipt_day(self, received: datetime) -> date:
        """The day a receipt counts for: on a half day the cut-off is not after closing."""
        moment = clock.local(received)
        day = moment.date()
        if self.is_working(day) and moment.time() > min(self.cutoff, self.hours(day)[1]):
            day += _ONE_DAY
        return self.next_working(day)

    # --- forward -------------------------------------------------------------------------------------------------

    def count(self, start: datetime, value: float, unit: str) -> Counted:
        """The end of a term that starts with a receipt at `start`, with its sum.

        `wd`: the end of the last working day; a fraction (0.5) ends within the hours of one. `d`: calendar days,
        whole ones, moved to the next working day where the last is off (BLDS 2015 art. 148(5)). `h`: real hours from
        the moment itself. Raises ValueError for a negative or endless value, a fraction of a calendar day, or another unit.
        """
        if unit not in UNITS:
            raise ValueError(f"{unit} is no unit: wd, d or h")
        if not 0 <= value <= (_LIMIT * 24 if unit == "h" else _LIMIT):
            raise ValueError(f"{value} {unit} cannot be counted")
        if unit == "h":
            return Counted(start + timedelta(hours=value), clock.local(start).date(), (), ())
        if unit == "d":
            if value != int(value):
                raise ValueError("calendar days are whole")
            return self._calendar_days(self.receipt_day(start), int(value))
        whole = int(value)
        if whole == value:
            return self.add_working_days(start, whole)
        # The part of a day that is left over ends within the hours of the day after the whole ones.
        found = self.add_working_days(start, whole + 1)
        due = self._at(found.counted[-1], Fraction(value) - whole)
        return Counted(due, found.starts, found.counted, found.skipped, found.unconfirmed_years)

    def add_working_days(self, received: datetime, count: int) -> Counted:
        """The end of the `count`-th working day after receipt, with the days counted and skipped."""
        start = self.receipt_day(received)
        found = self._sums.get((start, count))
        if found is None:
            if len(self._sums) >= _KEPT:
                self._sums.clear()
            found = self._sums[start, count] = self._working_days(start, count)
        return found

    def _working_days(self, start: date, count: int) -> Counted:
        day = start
        counted: list[date] = []
        skipped: list[Skipped] = []
        while len(counted) < count:
            day += _ONE_DAY
            if self.is_working(day):
                counted.append(day)
            else:
                skipped.append(self.why_off(day))
            if len(skipped) > _LIMIT:
                raise ValueError("the calendar has no working day")
        return Counted(self.ends(day), start, tuple(counted), tuple(skipped), self._doubted(start, day))

    def _calendar_days(self, start: date, count: int) -> Counted:
        last = start + timedelta(days=count)
        end = self.next_working(last)
        counted = tuple(start + timedelta(days=n + 1) for n in range(count))
        passed = (self.why_off(last + timedelta(days=n)) for n in range((end - last).days))
        moved = tuple(Skipped(s.on, _about(s.why), s.document or _MOVED_BY) for s in passed)
        return Counted(self.ends(end), start, counted, moved, self._doubted(start, end))

    def _doubted(self, first: date, last: date) -> tuple[int, ...]:
        return tuple(year for year in range(first.year, last.year + 1) if year not in self._confirmed)

    # --- within working hours ------------------------------------------------------------------------------------

    def before(self, due: datetime, value: float) -> datetime:
        """The moment `value` working days earlier, in working hours: 0.5 is half the hours of a working day.

        A moment outside working hours counts as the closing before it; a result on the edge of two days is the
        closing of the first. Raises ValueError for a negative or endless value.
        """
        if not 0 <= value <= _LIMIT:
            raise ValueError(f"{value} working days cannot be counted")
        day, part = self._place(due)
        if part == 0:
            day, part = self.previous_working(day - _ONE_DAY), Fraction(1)
        rest = part - Fraction(value)
        while rest <= 0:
            day, rest = self.previous_working(day - _ONE_DAY), rest + 1
        return self._at(day, rest)

    def elapsed(self, since: datetime, until: datetime) -> float:
        """Working days between two moments, by working hours: half a day's hours are 0.5, nights and days off nothing."""
        (first, begun), (last, done) = self._place(since), self._place(until)
        between = self._days_between(first, last) if first <= last else -self._days_between(last, first)
        return float(between + done - begun)

    def working_days_between(self, since: datetime, until: datetime) -> int:
        """Working days that lie after the local day of `since`, up to that of `until`."""
        return self._days_between(clock.local(since).date(), clock.local(until).date())

    def _days_between(self, day: date, last: date) -> int:
        found = 0
        while day < last:
            day += _ONE_DAY
            found += self.is_working(day)
        return found

    def _place(self, moment: datetime) -> tuple[date, Fraction]:
        """A working day and the share of its hours that is over at a moment; a day off is the closing before it."""
        local = clock.local(moment)
        day = local.date()
        if not self.is_working(day):
            return self.previous_working(day), Fraction(1)
        opens, closes = (_micros(hour) for hour in self.hours(day))
        at = _micros(local.time())
        if at >= closes:
            return day, Fraction(1)
        return day, Fraction(max(0, at - opens), closes - opens) if closes > opens else Fraction(0)

    def _at(self, day: date, part: Fraction) -> datetime:
        """The moment at which a share of a day's working hours is over."""
        opens, closes = self.hours(day)
        return clock.at_local(day, opens) + timedelta(microseconds=round(part * (_micros(closes) - _micros(opens))))


def _micros(hour: time) -> int:
    return ((hour.hour * 60 + hour.minute) * 60 + hour.second) * 1_000_000 + hour.microsecond


def _about(day: Text) -> Text:
    return Text(_MOVED.vi.format(day=day.vi), _MOVED.en.format(day=day.en))


# --- the table ---------------------------------------------------------------------------------------------------


def days_of(rows: Iterable[Mapping[str, Any]], locality: str) -> dict[date, Day]:
    """The special days that count for a locality, out of rows in force; its own row wins over the nation's."""
    found: dict[date, Day] = {}
    for row in sorted((r for r in rows if r["standing"] in COUNTED and r["locality"] in ("", locality)), key=lambda r: r["locality"] != ""):
        found[date.fromisoformat(row["on_date"])] = Day(
            row["kind"], row["name"], row["document"], row["standing"] == "confirmed", row["name_en"], _hour(row["opens"]), _hour(row["closes"]),
            row["locality"] == "",
        )  # fmt: skip
    return found


def _hour(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def load_calendar(connection: Connection, locality: str = "") -> dict[date, Day]:
    """The special days in force for a locality: confirmed and expected rows, the nation's and its own."""
    rows = store.query(
        connection,
        "SELECT locality, on_date, kind, opens, closes, name, name_en, document, standing FROM calendar_days"
        " WHERE ended_at IS NULL AND locality IN ('', :locality)",
        locality=locality,
    )
    return days_of(rows, locality)


def seed_rows(years: Iterable[int]) -> list[dict[str, Any]]:
    """First contents of the table, as its columns: every row of the seed file, and for years it does not set the days
    off by the package `holidays`, expected until the yearly notice is there."""
    listed = [_row({"standing": "confirmed", **row}) for row in tomllib.loads(_SEED.read_text("utf-8"))["day"]]
    known = {row["on_date"][:4] for row in listed if row["standing"] in COUNTED}
    guessed = [year for year in years if str(year) not in known]
    if not guessed:
        return listed
    import holidays  # the package is large and only needed to fill the table

    names = {language: holidays.country_holidays("VN", years=guessed, language=language) for language in ("vi", "en_US")}
    days = sorted(on for on in names["vi"] if on.year in guessed)
    return [
        _row({"on": on.isoformat(), "kind": "off", "name": names["vi"][on], "name_en": names["en_US"].get(on, ""), "standing": "expected"}) for on in days
    ] + listed


def _row(given: Mapping[str, str]) -> dict[str, Any]:
    return {
        "locality": "", "on_date": given["on"], "kind": given["kind"], "opens": given.get("opens"), "closes": given.get("closes"), "name": given["name"],
        "name_en": given.get("name_en", ""), "document": given.get("document", ""), "document_on": given.get("document_on"), "standing": given["standing"],
    }  # fmt: skip


def seeded(years: Iterable[int]) -> dict[date, Day]:
    """The special days of a table that has just been filled: what an installation without database counts with."""
    return days_of(seed_rows(years), "")


def years_ahead() -> range:
    """The years a table needs: last year's files are still counted, and dates reach into the two to come."""
    year = clock.today().year
    return range(year - 1, year + 3)


def seed_calendar(connection: Connection, years: Iterable[int]) -> int:
    """Fill the table where it has never had a national row for the day; answers how many rows were added.

    A row that the office has ended stays ended: filling again does not bring it back.
    """
    there = {row["on_date"] for row in store.query(connection, "SELECT on_date FROM calendar_days WHERE locality = ''")}
    added = 0
    for row in seed_rows(years):
        if row["on_date"] not in there:
            mark = hashlib.sha256(f"calendar:{row['on_date']}".encode()).hexdigest()[:32]
            added += store.execute(connection, INSERT, id=mark, entered_by="system", entered_at=clock.stamp(clock.now()), **row)
    return added


INSERT = (
    "INSERT INTO calendar_days (id, locality, on_date, kind, opens, closes, name, name_en, document, document_on, standing, entered_by, entered_at)"
    " VALUES (:id, :locality, :on_date, :kind, :opens, :closes, :name, :name_en, :document, :document_on, :standing, :entered_by, :entered_at)"
    " ON CONFLICT DO NOTHING"
)
