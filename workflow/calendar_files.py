"""The calendar as a file: CSV for a spreadsheet, ICS (RFC 5545) for a calendar program; out and in again without loss.

A file that comes in is untrusted: it is small, it is text, each row is checked like a typed one, and all of its faults
are told with their line. What a file does not hold stays in the table: an import never ends a row.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from states.language import Text
from workflow import clock
from workflow.calendar_table import COLUMNS, Change, checked, read_day, rows_of
from workflow.errors import Invalid

if TYPE_CHECKING:
    from icalendar import Event

LIMIT = 256 * 1024
ROWS = 1000
HEADER = ("on", "locality", "kind", "opens", "closes", "name", "name_en", "document", "document_on", "standing")
# A cell that begins like this is a formula to a spreadsheet (CWE-1236); it gets an apostrophe, taken off when read again.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "'")
_TOLD = 12
_LONGEST = 31
_FIELDS = {
    "on": Text("ngày", "day"), "locality": Text("địa phương", "locality"), "kind": Text("loại", "kind"), "opens": Text("giờ mở cửa", "opens"),
    "closes": Text("giờ đóng cửa", "closes"), "name": Text("tên", "name"), "name_en": Text("tên tiếng Anh", "English name"),
    "document": Text("văn bản", "document"), "document_on": Text("ngày văn bản", "document date"), "standing": Text("tình trạng", "standing"),
}  # fmt: skip
_WORDS = {
    "empty": Text("Tệp không có dòng nào.", "The file holds no row."),
    "large": Text("Tệp lớn quá {kb} KB; lịch của một năm chỉ vài KB.", "The file is larger than {kb} KB; a year's calendar has a few."),
    "text": Text("Tệp không phải văn bản UTF-8. Trong Excel hãy lưu kiểu “CSV UTF-8”.", "The file is no UTF-8 text. In Excel save it as “CSV UTF-8”."),
    "many": Text("Tệp có quá {n} dòng.", "The file holds more than {n} rows."),
    "header": Text("Dòng đầu phải có các cột on, kind, name; cột lạ: {odd}.", "The first line names the columns on, kind, name; unknown: {odd}."),
    "broken": Text("Tệp CSV bị lỗi ở dòng {n}.", "The CSV is broken at line {n}."),
    "ics": Text("Không đọc được tệp ICS.", "The ICS file cannot be read."),
    "timed": Text("sự kiện phải trọn ngày, không có giờ.", "an event lasts whole days, without an hour."),
    "again": Text("sự kiện lặp lại không được nhận; hãy ghi từng ngày.", "a repeating event is not taken: write each day."),
    "span": Text("sự kiện dài quá {n} ngày hoặc kết thúc trước khi bắt đầu.", "an event is longer than {n} days, or ends before it begins."),
    "twice": Text("ngày này đã có ở trên.", "this day stands further up already."),
    "more": Text("… và {n} lỗi khác.", "… and {n} more."),
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
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for row in rows:
        writer.writerow([_safe(str(row.get("on_date" if name == "on" else name) or "")) for name in HEADER])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_RISKY) else cell


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
    if len(data) > LIMIT:
        raise _refused(_WORDS["large"].format(kb=LIMIT // 1024))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused(_WORDS["text"]) from None
    if "\0" in text:
        raise _refused(_WORDS["text"])
    rows = _from_ics(text) if text.lstrip()[:15].upper() == "BEGIN:VCALENDAR" else _from_csv(text)
    if not rows:
        raise _refused(_WORDS["empty"])
    if len(rows) > ROWS:
        raise _refused(_WORDS["many"].format(n=ROWS))
    return rows


def _refused(*texts: Text) -> Invalid:
    return Invalid({"file": list(texts)})


def _from_csv(text: str) -> list[dict[str, str]]:
    if not text.strip():
        return []
    first = text.lstrip().splitlines()[0]
    # A spreadsheet set to Vietnamese writes semicolons: the comma is its decimal mark.
    lines = csv.reader(io.StringIO(text.lstrip(), newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    rows: list[dict[str, str]] = []
    try:
        header = [cell.strip().lower() for cell in next(lines)]
        odd = [name[:40] for name in header if name not in HEADER]
        if odd or not {"on", "kind", "name"} <= set(header) or len(set(header)) < len(header):
            raise _refused(_WORDS["header"].format(odd=", ".join(odd[:5]) or "–"))
        for cells in lines:
            if any(cell.strip() for cell in cells):
                row = {name: _plain(cell) for name, cell in zip(header, cells, strict=False)}
                rows.append({**row, "at": str(lines.line_num)})
            if len(rows) > ROWS:
                break
    except csv.Error:
        raise _refused(_WORDS["broken"].format(n=lines.line_num)) from None
    return rows


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_RISKY) else cell


def _from_ics(text: str) -> list[dict[str, str]]:
    try:
        from icalendar import Calendar

        calendar = Calendar.from_ical(text)
        events = list(calendar.walk("VEVENT"))
        return [row for number, event in enumerate(events[: ROWS + 1], 1) for row in _days(event, number)]
    except Invalid:
        raise
    except Exception:  # the parser answers broken input with errors of many kinds; all of them mean the same here
        raise _refused(_WORDS["ics"]) from None


def _days(event: Any, number: int) -> list[dict[str, str]]:
    """The days of an event. Where it comes from another program it is a day off, and says no standing."""
    starts, ends = event.decoded("dtstart"), event.decoded("dtend", None)
    if "rrule" in event or "rdate" in event:
        raise _refused(_at(str(number), _WORDS["again"]))
    if isinstance(starts, datetime) or isinstance(ends, datetime):
        raise _refused(_at(str(number), _WORDS["timed"]))
    long = (ends - starts).days if ends else 1
    if not 1 <= long <= _LONGEST:
        raise _refused(_at(str(number), _WORDS["span"].format(n=_LONGEST)))
    row = {name: str(event.get(_own(name), "")) for name in HEADER[1:]} | {"name": str(event.get("summary", "")), "at": str(number)}
    row["kind"] = row["kind"] or "off"
    return [{**row, "on": (starts + timedelta(days=n)).isoformat()} for n in range(long)]


def _at(line: str, text: Text) -> Text:
    return Text(f"Dòng {line}: {text.vi}", f"Line {line}: {text.en}")


# --- what an import would do -------------------------------------------------------------------------------------


def plan(connection: Connection, given: Sequence[Mapping[str, str]], year: int | None = None) -> Plan:
    """What these rows would change in the table, of one year or of all they hold. Raises `Invalid` at `file`, each fault with its line.

    A row that does not say its standing is expected, and takes no place of a row in force.
    """
    rows = _checked_rows([row for row in given if year is None or _year(row) in (None, year)])
    if not rows:
        raise _refused(_WORDS["empty"])
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
            wrong += [_at(item["at"], _named(name, text)) for name, texts in error.fields.items() for text in texts]
            continue
        key = (row["locality"], row["on_date"])
        if key in found:
            wrong.append(_at(item["at"], _named("on", _WORDS["twice"])))
        found[key] = (row, said)
    if wrong:
        rest = [_WORDS["more"].format(n=len(wrong) - _TOLD)] if len(wrong) > _TOLD else []
        raise _refused(*wrong[:_TOLD], *rest)
    return list(found.values())


def _named(name: str, text: Text) -> Text:
    label = _FIELDS[name]
    return Text(f"{label.vi} – {text.vi}", f"{label.en} – {text.en}")
