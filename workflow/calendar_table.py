"""The table of special days as the office keeps it: entered, corrected, confirmed, ended, and what a change would move.

Only an administrator changes it, alone: a calendar day repeats a published document, it decides nothing. A row is ended
and never overwritten. Each change is one entry of the record in the transaction that makes it; afterwards the due dates
of open cases are counted again, each move recorded in its case (`recounting.recount`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from sqlalchemy import Connection

from states import roles as R
from states.language import Text
from workflow import chance, clock, store
from workflow.audit import system
from workflow.authority import SYSTEM, Actor
from workflow.calendar import COUNTED, INSERT, WorkCalendar, days_of
from workflow.errors import Busy, Conflict, Invalid, NotFound, RoleRefused
from workflow.localities import known
from workflow.office import Office

KINDS = {"off": Text("Nghỉ", "Day off"), "work": Text("Làm việc", "Worked day"), "half": Text("Làm nửa ngày", "Half day")}
STANDINGS = {
    "confirmed": Text("Đã xác nhận", "Confirmed"), "expected": Text("Dự kiến", "Expected"),
    "proposed": Text("Đề xuất, chưa tính", "Proposed, not counted"),
}  # fmt: skip
COLUMNS = ("locality", "on_date", "kind", "opens", "closes", "name", "name_en", "document", "document_on", "standing")
YEARS = range(2000, 2101)
_PICKED = "SELECT id, locality, on_date, kind, opens, closes, name, name_en, document, document_on, standing, ended_at FROM calendar_days"

_WORDS = {
    "required": Text("Cần nhập mục này.", "This is needed."),
    "date": Text("Ngày phải có dạng năm-tháng-ngày hoặc ngày/tháng/năm và có trong lịch.", "A date is year-month-day or day/month/year and exists."),
    "year": Text("Năm phải từ 2000 đến 2100.", "The year is from 2000 to 2100."),
    "hour": Text("Giờ phải có dạng 11:30.", "An hour is written 11:30."),
    "order": Text("Giờ đóng cửa phải sau giờ mở cửa.", "Closing comes after opening."),
    "half": Text("Nửa ngày làm việc cần giờ đóng cửa.", "A half day needs its closing hour."),
    "whole": Text("Chỉ nửa ngày làm việc mới có giờ riêng.", "Only a half day has hours of its own."),
    "kind": Text("Loại ngày phải là một trong: off, work, half.", "The kind of day is one of: off, work, half."),
    "standing": Text("Tình trạng phải là một trong: confirmed, expected, proposed.", "The standing is one of: confirmed, expected, proposed."),
    "document": Text("Ngày đã xác nhận cần số văn bản quy định.", "A confirmed day needs the number of its document."),
    "future": Text("Văn bản không thể đề ngày trong tương lai.", "A document is not dated in the future."),
    "locality": Text("Không có địa phương mã này.", "There is no locality of this code."),
    "long": Text("Dài quá {n} ký tự.", "Longer than {n} characters."),
    "marks": Text("Có ký tự không in được.", "It holds characters that cannot be printed."),
    "taken": Text("Ngày này đã có một dòng; hãy sửa dòng đó.", "This day has a row already: correct that one."),
    "gone": Text("Dòng này vừa có người thay đổi; hãy xem lại bảng.", "Somebody has just changed this row: look at the table again."),
    "same": Text("Không có gì thay đổi.", "Nothing is changed."),
    "unfinished": Text(
        "Lịch đã được ghi, nhưng chưa tính lại xong hạn của các hồ sơ: hãy bấm “Tính lại hạn”, hoặc chạy “fpd calendar recount”.",
        "The calendar is written, but not all due dates are counted again: press “Count again”, or run “fpd calendar recount”.",
    ),
    "counted": Text("Dòng này đã được xác nhận.", "This row is confirmed already."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the table: a row that ends, a row that begins, or one in place of the other."""

    action: str
    ends: Mapping[str, Any] | None = None
    enters: Mapping[str, Any] | None = None

    @property
    def row(self) -> Mapping[str, Any]:
        """The row it is about: the new one, else the one that ends."""
        found = self.enters if self.enters is not None else self.ends
        assert found is not None
        return found

    @property
    def text(self) -> Text:
        """The change in words, for the cases whose due dates move by it."""
        row, day = self.row, date.fromisoformat(self.row["on_date"])
        document = f", {row['document']}" if row["document"] else ""
        what = KINDS[row["kind"]] if self.enters is not None else Text("bỏ dòng", "row ended")
        return Text(
            f"Lịch làm việc {day:%d/%m/%Y}: {what.vi.lower()} – {row['name']}{document}",
            f"Working calendar {day:%d/%m/%Y}: {what.en.lower()} – {row['name_en'] or row['name']}{document}",
        )


# --- reading -----------------------------------------------------------------------------------------------------


def rows_of(connection: Connection, year: int | None = None, *, ended: bool = False) -> list[dict[str, Any]]:
    """Rows by day, with the names of who entered and ended them; of one year, of all without; `ended` adds those that no longer stand."""
    first, last = (f"{year}-01-01", f"{year}-12-31") if year else ("", "9999")
    return store.query(
        connection,
        "SELECT d.id, d.locality, d.on_date, d.kind, d.opens, d.closes, d.name, d.name_en, d.document, d.document_on, d.standing, d.entered_by,"
        " d.entered_at, d.ended_by, d.ended_at, u.name AS entered_name, e.name AS ended_name FROM calendar_days d"
        " LEFT JOIN users u ON u.id = d.entered_by LEFT JOIN users e ON e.id = d.ended_by"
        " WHERE d.on_date BETWEEN :first AND :last AND (:ended = 1 OR d.ended_at IS NULL) ORDER BY d.on_date, d.locality, d.entered_at",
        first=first, last=last, ended=int(ended),
    )  # fmt: skip


def row_of(connection: Connection, mark: str) -> dict[str, Any]:
    """A row in force by its id. Raises `NotFound` for one that is absent, `Invalid` for one that has ended."""
    rows = store.query(connection, _PICKED + " WHERE id = :mark", mark=mark)
    if not rows:
        raise NotFound()
    if rows[0]["ended_at"]:
        raise Invalid({"_": [_WORDS["gone"]]})
    return rows[0]


# --- checking what is entered ------------------------------------------------------------------------------------


def read_day(text: str) -> date | None:
    """A date written as 2026-11-24 or 24/11/2026; None for anything else."""
    parts = text.strip().split("/")
    if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts):
        text = f"{parts[2]:0>4}-{parts[1]:0>2}-{parts[0]:0>2}"
    try:
        return date.fromisoformat(text.strip()) if len(text.strip()) == 10 else None
    except ValueError:
        return None


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row out of what was typed or read from a file. Raises `Invalid` with a sentence for each wrong field.

    Fields: on, locality ('' for the whole nation), kind, opens, closes (HH:MM, half days), name, name_en, document,
    document_on, standing.
    """
    wrong: dict[str, list[Text]] = {}
    text = {name: _clean(given.get(name), name, wrong) for name in ("locality", "kind", "opens", "closes", "name", "name_en", "document", "standing")}
    row: dict[str, Any] = {**text, "opens": None, "closes": None}
    row["on_date"] = _date(given.get("on"), "on", wrong, needed=True)
    row["document_on"] = _date(given.get("document_on"), "document_on", wrong)
    if row["document_on"] and row["document_on"] > clock.today().isoformat():
        wrong.setdefault("document_on", []).append(_WORDS["future"])
    for name, allowed in (("kind", KINDS), ("standing", STANDINGS), ("locality", ("", *known()))):
        if text[name] not in allowed:
            wrong.setdefault(name, []).append(_WORDS[name])
    if not text["name"]:
        wrong.setdefault("name", []).append(_WORDS["required"])
    if text["standing"] == "confirmed" and not text["document"]:
        wrong.setdefault("document", []).append(_WORDS["document"])
    _hours(text, row, wrong)
    if wrong:
        raise Invalid(wrong)
    return {name: row[name] for name in COLUMNS}


def _clean(value: Any, name: str, wrong: dict[str, list[Text]]) -> str:
    text = " ".join(unicodedata.normalize("NFC", str(value or "")).split())
    limit = {"name": 200, "name_en": 200, "document": 120}.get(name, 40)
    if len(text) > limit:
        wrong.setdefault(name, []).append(_WORDS["long"].format(n=limit))
    elif not text.isprintable():
        wrong.setdefault(name, []).append(_WORDS["marks"])
    return text


def _date(value: Any, name: str, wrong: dict[str, list[Text]], *, needed: bool = False) -> str | None:
    text = str(value or "").strip()
    if not text:
        if needed:
            wrong.setdefault(name, []).append(_WORDS["required"])
        return None
    day = read_day(text)
    if day is None or (needed and day.year not in YEARS):
        wrong.setdefault(name, []).append(_WORDS["date" if day is None else "year"])
        return None
    return day.isoformat()


def _hours(text: Mapping[str, str], row: dict[str, Any], wrong: dict[str, list[Text]]) -> None:
    for name in ("opens", "closes"):
        if not text[name]:
            continue
        try:
            row[name] = f"{time.fromisoformat(text[name].zfill(5)):%H:%M}"
        except ValueError:
            wrong.setdefault(name, []).append(_WORDS["hour"])
    if text["kind"] == "half":
        if not text["closes"]:
            wrong.setdefault("closes", []).append(_WORDS["half"])
        elif row["opens"] and row["closes"] and row["opens"] >= row["closes"]:
            wrong.setdefault("closes", []).append(_WORDS["order"])
    elif text["kind"] in KINDS and (text["opens"] or text["closes"]):
        wrong.setdefault("opens" if text["opens"] else "closes", []).append(_WORDS["whole"])


# --- planning a change -------------------------------------------------------------------------------------------


def to_enter(connection: Connection, given: Mapping[str, Any]) -> Change:
    """A new row. Raises `Invalid` where the day has one already."""
    row = checked(given)
    if standing_row(connection, row["locality"], row["on_date"]):
        raise Invalid({"on": [_WORDS["taken"]]})
    return Change("calendar_enter", enters=row)


def to_correct(connection: Connection, mark: str, given: Mapping[str, Any]) -> Change:
    """A row in place of another, on the same day or a different one. Raises `Invalid` where nothing would change."""
    was, row = row_of(connection, mark), checked(given)
    if all(was[name] == row[name] for name in COLUMNS):
        raise Invalid({"_": [_WORDS["same"]]})
    other = standing_row(connection, row["locality"], row["on_date"])
    if other and other["id"] != mark:
        raise Invalid({"on": [_WORDS["taken"]]})
    return Change("calendar_correct", was, row)


def to_confirm(connection: Connection, mark: str, document: str, document_on: str) -> Change:
    """An expected or proposed row becomes a confirmed one, on a document. Raises `Invalid` without the document."""
    was = row_of(connection, mark)
    if was["standing"] == "confirmed":
        raise Invalid({"_": [_WORDS["counted"]]})
    given = {**was, "on": was["on_date"], "document": document, "document_on": document_on, "standing": "confirmed"}
    return Change("calendar_confirm", was, checked(given))


def to_end(connection: Connection, mark: str) -> Change:
    """A row that no longer stands."""
    return Change("calendar_end", row_of(connection, mark))


def standing_row(connection: Connection, locality: str, on: str) -> dict[str, Any] | None:
    """The row in force of a locality ('' the nation) and day."""
    rows = store.query(
        connection, _PICKED + " WHERE locality = :place AND on_date = :day AND ended_at IS NULL",
        place=locality, day=on,
    )  # fmt: skip
    return rows[0] if rows else None


# --- the effect, and carrying it out -----------------------------------------------------------------------------


def counts(office: Office, change: Change) -> bool:
    """Whether a change touches what this office counts with: not where only a proposal or another locality is concerned."""
    return any(row is not None and row["standing"] in COUNTED and row["locality"] in ("", office.profile.code) for row in (change.ends, change.enters))


def calendar_after(office: Office, changes: Sequence[Change]) -> WorkCalendar:
    """The calendar as it would be; nothing is written."""
    with office.db.read() as connection:
        rows = rows_of(connection)
    gone = {change.ends["id"] for change in changes if change.ends is not None}
    rows = [row for row in rows if row["id"] not in gone] + [dict(change.enters) for change in changes if change.enters is not None]
    return office.calendar_with(days_of(rows, office.profile.code))


def moves(office: Office, changes: Sequence[Change]) -> list[dict[str, Any]]:
    """The open cases whose due dates would move by these changes, as `recounting.foreseen` tells them."""
    from workflow import recount as recounting

    if not any(counts(office, change) for change in changes):
        return []
    return recounting.foreseen(office, calendar=calendar_after(office, changes))


def needs_admin(actor: Actor) -> None:
    """Raises `RoleRefused` unless an administrator asks, or whoever holds the server's command line."""
    if not (actor.has(R.ADMIN) or actor.id == SYSTEM):
        raise RoleRefused()


def carry_out(office: Office, actor: Actor, changes: Sequence[Change], reason: str = "", *, request_id: str = "") -> list[str]:
    """Write the changes, all or none, each with its entry of the record; answers the codes of the open cases that moved.

    Raises `RoleRefused`, and `Invalid` where somebody else changed a row meanwhile. The due dates are counted again
    after the table is written; were the machine to stop in between, `recount` does it. Raises `Busy`, saying so, where
    the table is written and the counting could not be finished.
    """
    needs_admin(actor)

    def work(connection: Connection) -> None:
        now = clock.stamp(clock.now())
        for change in changes:
            _write(connection, actor, change, now)
            told = {"row": {name: change.row[name] for name in COLUMNS}, "reason": reason}
            if change.ends is not None and change.enters is not None:
                told["was"] = {name: change.ends[name] for name in COLUMNS}
            system.record(connection, actor, change.action, told, request_id=request_id)

    office.db.transact(work)
    office.forget()
    told = [change.text for change in changes if counts(office, change)]
    if not told:
        return []
    try:
        return recount(office, actor, _with_others(told))
    except (Busy, Conflict):
        raise Busy(_WORDS["unfinished"]) from None


def _with_others(told: Sequence[Text]) -> Text:
    first, more = told[0], len(told) - 1
    return Text(f"{first.vi} (và {more} thay đổi khác)", f"{first.en} (and {more} more)") if more else first


def recount(office: Office, actor: Actor, why: Text) -> list[str]:
    """Count the due dates of open cases again by the table as it stands; answers the codes of those that moved."""
    from workflow import recount as recounting

    needs_admin(actor)
    office.forget()
    return recounting.recount(office, actor, why)


def _write(connection: Connection, actor: Actor, change: Change, now: str) -> None:
    if change.ends is not None:
        touched = store.execute(
            connection, "UPDATE calendar_days SET ended_by = :who, ended_at = :at WHERE id = :mark AND ended_at IS NULL",
            who=actor.id, at=now, mark=change.ends["id"],
        )  # fmt: skip
        if not touched:
            raise Invalid({"_": [_WORDS["gone"]]})
    if change.enters is not None and not store.execute(
        connection, INSERT, id=chance.public_id(), entered_by=actor.id, entered_at=now, **{name: change.enters[name] for name in COLUMNS}
    ):
        raise Invalid({"on": [_WORDS["taken"]]})


# --- what is doubtful about the table ----------------------------------------------------------------------------


def findings(rows: Sequence[Mapping[str, Any]], calendar: WorkCalendar, reached: Mapping[int, int], this_year: int) -> list[Text]:
    """What somebody should look at, in sentences: years that open cases reach without a confirmed calendar, rows that
    are not confirmed, rows that contradict each other.

    `rows`: in force; `calendar`: made of them; `reached`: how many open cases have a due date in a year.
    """
    found = [
        Text(f"Năm {year} chưa có lịch được xác nhận; {n} hồ sơ đang mở có hạn trong năm này.",
             f"The calendar of {year} is not confirmed; {n} open case(s) have a due date in it.")
        for year, n in sorted(reached.items()) if not calendar.is_confirmed(year)
    ]  # fmt: skip
    for year in sorted({int(row["on_date"][:4]) for row in rows}):
        expected = sum(row["standing"] == "expected" and row["on_date"][:4] == str(year) for row in rows)
        if expected and year >= this_year:
            found.append(Text(f"Năm {year}: {expected} dòng mới là dự kiến.", f"{year}: {expected} row(s) are merely expected."))
    for row in rows:
        found += _doubts(row, rows, calendar)
    return found


def _doubts(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], calendar: WorkCalendar) -> list[Text]:
    day = date.fromisoformat(row["on_date"])
    nation = next((r for r in rows if r["on_date"] == row["on_date"] and r["locality"] == "" and r["standing"] in COUNTED), None) if row["locality"] else None
    at = f"{row['on_date']}{' (' + row['locality'] + ')' if row['locality'] else ''}"
    found = []
    if row["standing"] == "proposed":
        found.append(
            Text(f"{at}: {row['name']} – chưa tính; hãy xác nhận hoặc bỏ.", f"{at}: {row['name_en'] or row['name']} – not counted; confirm or end it.")
        )
    if row["kind"] == "work" and day.weekday() < 5 and not (nation and nation["kind"] != "work"):
        found.append(Text(f"{at}: ghi là ngày làm việc nhưng vốn không phải ngày nghỉ.", f"{at}: entered as a worked day, but it is no day off anyway."))
    if nation and all(nation[name] == row[name] for name in ("kind", "opens", "closes")):
        found.append(Text(f"{at}: dòng của địa phương không khác dòng toàn quốc.", f"{at}: the locality's row says the same as the national one."))
    if row["kind"] == "half" and row["closes"] and not (row["opens"] or f"{calendar.opens:%H:%M}") < row["closes"] <= f"{calendar.closes:%H:%M}":
        found.append(Text(f"{at}: giờ của nửa ngày nằm ngoài giờ làm việc.", f"{at}: the hours of the half day lie outside working hours."))
    others = {r["standing"] for r in rows if r["document"] == row["document"] and r["on_date"][:4] == row["on_date"][:4]} if row["document"] else set()
    if row["standing"] != "confirmed" and "confirmed" in others:
        found.append(Text(f"{at}: văn bản {row['document']} đã được xác nhận ở dòng khác, dòng này thì chưa.",
                          f"{at}: document {row['document']} is confirmed in another row, but not in this one."))  # fmt: skip
    return found


def reached_years(connection: Connection) -> dict[int, int]:
    """How many open cases have a due date in each year."""
    rows = store.query(
        connection, "SELECT c.due_at, k.statutory_due, k.work_due FROM cases c LEFT JOIN case_clock k ON k.case_id = c.id WHERE c.is_open"
    )  # fmt: skip
    found: dict[int, int] = {}
    for row in rows:
        stamps = {value for value in row.values() if value and value < "9999"}
        for year in {clock.local(clock.moment(value)).year for value in stamps}:
            found[year] = found.get(year, 0) + 1
    return found


def examine(office: Office) -> list[Text]:
    """Everything doubtful about the calendar of an installation, open cases whose due dates are counted by an older one included."""
    from workflow import recount as recounting

    with office.db.read() as connection:
        rows, reached = rows_of(connection), reached_years(connection)
    calendar = calendar_after(office, ())
    found = findings(rows, calendar, reached, clock.today().year)
    if not rows:
        found.insert(0, Text("Bảng lịch còn trống: chạy “fpd calendar seed”.", "The calendar is empty: run “fpd calendar seed”."))
    late = recounting.foreseen(office, calendar=calendar)
    if late:
        found.append(Text(f"{len(late)} hồ sơ đang mở còn tính hạn theo lịch cũ: chạy “fpd calendar recount”.",
                          f"{len(late)} open case(s) still have due dates by an older calendar: run “fpd calendar recount”."))  # fmt: skip
    return found
