"""The calendar as a file: CSV for a spreadsheet, ICS (RFC 5545) for a calendar program; out and in again without loss.

A file that comes in is untrusted: it is small, it is text, each row is checked like a typed one, and all of its faults
are told with their line. What a file does not hold stays in the table: an import never ends a row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from states.language import Text
from workflow import clock, sheets
from workflow.calendar_table import COLUMNS, Change, checked, read_day, rows_of
from workflow.errors import Invalid
from workflow.sheets import WORDS, at, refused

if TYPE_CHECKING:
    from icalendar import Event

LIMIT = 256 * 1024
ROWS = 1000
HEADER = ("on", "locality", "kind", "opens", "closes", "name", "name_en", "document", "document_on", "standing")
_LONGEST = 31
_FIELDS = {
    "on": Text("ngày", "day"), "locality": Text("địa phương", "locality"), "kind": Text("loại", "kind"), "opens": Text("giờ mở cửa", "opens"),
    "closes": Text("giờ đóng cửa", "closes"), "name": Text("tên", "name"), "name_en": Text("tên tiếng Anh", "English name"),
    "document": Text("văn bản", "document"), "document_on": Text("ngày văn bản", "document date"), "standing": Text("tình trạng", "standing"),
}  # fmt: skip
_WORDS = {
    "ics": Text("Không đọc được tệp ICS.", "The ICS file cannot be read."),
    "timed": Text("sự kiện phải trọn ngày, không có giờ.", "an event lasts whole days, without an hour."),
    "again": Text("sự kiện lặp lại không được nhận; hãy ghi từng ngày.", "a repeating event is not taken: write each day."),
    "span": Text("sự kiện dài quá {n} ngày hoặc kết thúc trước khi bắt đầu.", "an event is longer than {n} days, or ends before it begins."),
    "twice": Text("ngày này đã có ở trên.", "this day stands further up already."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do: changes in the order of days, how many rows are there already, and what the file leaves out.

    `kept`: rows of the file that say no standing and therefore do not replace the row in force; `absent`: rows in force
    of the same years that the file does not hold. Both stay as they are.
    """

    changes: tuple[Change, ...]
    same: int
    kept: tuple[Mapping[str, Any], ...]
    absent: tuple[Mapping[str, Any], ...]

    @property
    def mark(self) -> str:
        """A short word for exactly these changes: what was shown is what is done."""
        parts = [(c.action, c.ends and c.ends["id"], c.enters and sorted(c.enters.items(), key=str)) for c in self.changes]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


# --- out ---------------------------------------------------------------------------------------------------------


def to_csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as CSV in UTF-8 with a byte order mark, which spreadsheets need to see the accents; no cell is a formula."""
    return sheets.written(HEADER, ([row.get("on_date" if name == "on" else name) for name in HEADER] for row in rows))


def to_ics(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as all-day events. What a calendar program has no word for stands in properties of our own (X-FPD-…)."""
    from icalendar import Calendar  # large; whoever reads and writes no file does without it

    calendar = Calendar()
    calendar.add("prodid", "-//Foreign Press Desk//Working calendar//VI")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for row in rows:
        calendar.add_component(_event(row))
    return bytes(calendar.to_ical())


def _event(row: Mapping[str, Any]) -> Event:
    from icalendar import Event

    event = Event()
    day = date.fromisoformat(row["on_date"])
    place = f"{row['locality']}." if row["locality"] else ""
    event.add("uid", f"{row['on_date']}.{place}calendar@fpd")
    event.add("dtstamp", clock.moment(row["entered_at"]))
    event.add("dtstart", day)
    event.add("dtend", day + timedelta(days=1))
    event.add("summary", row["name"])
    if row["document"]:
        event.add("description", row["document"])
    event.add("status", "CONFIRMED" if row["standing"] == "confirmed" else "TENTATIVE")
    event.add("transp", "TRANSPARENT")
    for name in HEADER[1:]:
        if name != "name" and row[name]:
            event.add(_own(name), str(row[name]))
    return event


def _own(name: str) -> str:
    return f"X-FPD-{name.upper().replace('_', '-')}"


# --- in ----------------------------------------------------------------------------------------------------------


def read(data: bytes) -> list[dict[str, str]]:
    """The rows of a CSV or ICS file as typed fields, not yet checked. Raises `Invalid` at `file` with a sentence."""
    text = sheets.text_of(data, LIMIT)
    rows = _from_ics(text) if text.lstrip()[:15].upper() == "BEGIN:VCALENDAR" else sheets.rows_of(text, HEADER, ("on", "kind", "name"), ROWS)
    if not rows:
        raise refused(WORDS["empty"])
    if len(rows) > ROWS:
        raise refused(WORDS["many"].format(n=ROWS))
    return rows


def _from_ics(text: str) -> list[dict[str, str]]:
    try:
        from icalendar import Calendar

        calendar = Calendar.from_ical(text)
        events = list(calendar.walk("VEVENT"))
        return [row for number, event in enumerate(events[: ROWS + 1], 1) for row in _days(event, number)]
    except Invalid:
        raise
    except Exception:  # the parser answers broken input with errors of many kinds; all of them mean the same here
        raise refused(_WORDS["ics"]) from None


def _days(event: Any, number: int) -> list[dict[str, str]]:
    """The days of an event. Where it comes from another program it is a day off, and says no standing."""
    starts, ends = event.decoded("dtstart"), event.decoded("dtend", None)
    if "rrule" in event or "rdate" in event:
        raise refused(at(str(number), _WORDS["again"]))
    if isinstance(starts, datetime) or isinstance(ends, datetime):
        raise refused(at(str(number), _WORDS["timed"]))
    long = (ends - starts).days if ends else 1
    if not 1 <= long <= _LONGEST:
        raise refused(at(str(number), _WORDS["span"].format(n=_LONGEST)))
    row = {name: str(event.get(_own(name), "")) for name in HEADER[1:]} | {"name": str(event.get("summary", "")), "at": str(number)}
    row["kind"] = row["kind"] or "off"
    return [{**row, "on": (starts + timedelta(days=n)).isoformat()} for n in range(long)]


# --- what an import would do -------------------------------------------------------------------------------------


def plan(connection: Connection, given: Sequence[Mapping[str, str]], year: int | None = None) -> Plan:
    """What these rows would change in the table, of one year or of all they hold. Raises `Invalid` at `file`, each fault with its line.

    A row that does not say its standing is expected, and takes no place of a row in force.
    """
    rows = _checked_rows([row for row in given if year is None or _year(row) in (None, year)])
    if not rows:
        raise refused(WORDS["empty"])
    there = {(row["locality"], row["on_date"]): row for row in rows_of(connection)}
    changes, kept, same = [], [], 0
    for row, said in rows:
        was = there.get((row["locality"], row["on_date"]))
        if was is None:
            changes.append(Change("calendar_import", enters=row))
        elif all(was[name] == row[name] for name in COLUMNS):
            same += 1
        elif said:
            changes.append(Change("calendar_import", {"id": was["id"], **{name: was[name] for name in COLUMNS}}, row))
        else:
            kept.append(row)
    held, years = {(row["locality"], row["on_date"]) for row, _ in rows}, {row["on_date"][:4] for row, _ in rows}
    absent = tuple(row for key, row in there.items() if key not in held and row["on_date"][:4] in years)
    return Plan(tuple(sorted(changes, key=lambda c: (c.row["on_date"], c.row["locality"]))), same, tuple(kept), absent)


def _year(row: Mapping[str, str]) -> int | None:
    """The year of a row; None where its date cannot be read, which is then told."""
    day = read_day(str(row.get("on") or ""))
    return day.year if day else None


def _checked_rows(given: Sequence[Mapping[str, str]]) -> list[tuple[dict[str, Any], bool]]:
    found: dict[tuple[str, str], tuple[dict[str, Any], bool]] = {}
    wrong: list[Text] = []
    for item in given:
        said = bool(str(item.get("standing") or "").strip())
        try:
            row = checked({**item, "kind": item.get("kind", "").strip().lower(), "standing": item.get("standing", "").strip().lower() or "expected"})
        except Invalid as error:
            wrong += [at(item["at"], _named(name, text)) for name, texts in error.fields.items() for text in texts]
            continue
        key = (row["locality"], row["on_date"])
        if key in found:
            wrong.append(at(item["at"], _named("on", _WORDS["twice"])))
        found[key] = (row, said)
    if wrong:
        raise refused(*wrong)
    return list(found.values())


def _named(name: str, text: Text) -> Text:
    label = _FIELDS[name]
    return Text(f"{label.vi} – {text.vi}", f"{label.en} – {text.en}")
