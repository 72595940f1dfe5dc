"""Working days: an office-editable table of days off and of worked Saturdays, and counting over it.

Day of receipt is not counted; receipt after the cut-off or on a day off counts as received on the next
working day; a term ends with the working hours of its last day (Bộ luật Dân sự 2015 art. 147-148, domain 5.2).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import Connection

from workflow import clock, store

_SEED = Path(__file__).resolve().parent.parent / "localities" / "calendar.toml"
_LIMIT = 5000


@dataclass(frozen=True, slots=True)
class Day:
    """A day that differs from its weekday: `off` or `work`, why, by which document, confirmed or not."""

    kind: str
    name: str
    document: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """A due moment with the sum behind it."""

    due: datetime
    starts: date
    counted: tuple[date, ...]
    skipped: tuple[tuple[date, str, str], ...]
    unconfirmed_years: tuple[int, ...] = field(default=())


class WorkCalendar:
    """Counts working days over one table of special days."""

    def __init__(self, days: Mapping[date, Day], opens: time = time(7, 30), closes: time = time(17, 0), cutoff: time = time(16, 30)):
        self.days, self.opens, self.closes, self.cutoff = dict(days), opens, closes, cutoff
        # One day still guessed is enough to doubt its year.
        self._confirmed = {on.year for on in self.days} - {on.year for on, day in self.days.items() if not day.confirmed}

    def is_working(self, day: date) -> bool:
        """Whether the office works on that day."""
        special = self.days.get(day)
        return special.kind == "work" if special else day.weekday() < 5

    def why_off(self, day: date) -> tuple[str, str]:
        """Why a day is not worked, and the document that says so."""
        special = self.days.get(day)
        return (special.name, special.document) if special else ("Thứ Bảy" if day.weekday() == 5 else "Chủ Nhật", "")

    def next_working(self, day: date) -> date:
        """The day itself if it is worked, else the next one that is."""
        for _ in range(_LIMIT):
            if self.is_working(day):
                return day
            day += timedelta(days=1)
        raise ValueError("the calendar has no working day")

    def receipt_day(self, received: datetime) -> date:
        """The day a receipt counts for."""
        moment = clock.local(received)
        day = moment.date()
        if moment.time() > self.cutoff and self.is_working(day):
            day += timedelta(days=1)
        return self.next_working(day)

    def add_working_days(self, received: datetime, count: int) -> Counted:
        """The end of the `count`-th working day after receipt, with the days counted and skipped."""
        start = day = self.receipt_day(received)
        counted: list[date] = []
        skipped: list[tuple[date, str, str]] = []
        while len(counted) < count:
            day += timedelta(days=1)
            if self.is_working(day):
                counted.append(day)
            else:
                skipped.append((day, *self.why_off(day)))
            if len(skipped) > _LIMIT:
                raise ValueError("the calendar has no working day")
        years = tuple(sorted({d.year for d in (*counted, *(s[0] for s in skipped))} - self._confirmed))
        return Counted(clock.at_local(day, self.closes), start, tuple(counted), tuple(skipped), years)

    def working_days_between(self, since: datetime, until: datetime) -> int:
        """Working days that lie after the local day of `since`, up to that of `until`."""
        day, last, found = clock.local(since).date(), clock.local(until).date(), 0
        while day < last:
            day += timedelta(days=1)
            found += self.is_working(day)
        return found


def load_calendar(connection: Connection) -> dict[date, Day]:
    """The table of special days."""
    rows = store.query(connection, "SELECT on_date, kind, name, document, confirmed FROM calendar_days")
    return {date.fromisoformat(r["on_date"]): Day(r["kind"], r["name"], r["document"], bool(r["confirmed"])) for r in rows}


def seeded(years: Iterable[int]) -> dict[date, Day]:
    """First contents of the table: the confirmed rows of the seed file, other years from `holidays`, unconfirmed."""
    found: dict[date, Day] = {}
    listed = tomllib.loads(_SEED.read_text("utf-8"))["day"]
    confirmed = {date.fromisoformat(row["on"]).year for row in listed}
    for year in years:
        if year in confirmed:
            continue
        import holidays  # the package is large and only needed to fill the table

        for on, name in holidays.country_holidays("VN", years=year, language="vi").items():
            found[on] = Day("off", name, "", False)
    for row in listed:
        found[date.fromisoformat(row["on"])] = Day(row["kind"], row["name"], row["document"], True)
    return found


def seed_calendar(connection: Connection, years: Iterable[int]) -> int:
    """Fill the table where it has no row yet; answers how many days were added."""
    there = load_calendar(connection)
    added = 0
    for on, day in seeded(years).items():
        if on not in there:
            added += store.execute(
                connection,
                "INSERT INTO calendar_days (on_date, kind, name, document, confirmed) VALUES (:on, :kind, :name, :document, :confirmed)",
                on=on.isoformat(), kind=day.kind, name=day.name, document=day.document, confirmed=day.confirmed,
            )  # fmt: skip
    return added
