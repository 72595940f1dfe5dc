"""`fpd calendar`: count a term, keep the table from the command line, say what is doubtful about it.

Exit codes: 0 done, 1 refused or something found, 2 bad use. Sentences stand in both languages, as on every command.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SQLAlchemyError

from api.installation import actor_named, open_office, parts_of
from api.settings import Settings, read_settings
from states.language import Text
from workflow import calendar_files as files
from workflow import calendar_table as table
from workflow import clock
from workflow.audit import system
from workflow.authority import CLOCK
from workflow.calendar import UNITS, WEEKDAYS, Counted, Skipped, WorkCalendar, load_calendar, seed_calendar, seeded, years_ahead
from workflow.db import reachable
from workflow.errors import Invalid
from workflow.localities import DEFAULT, in_force, known, load_profile

_LONGEST = {"wd": 5000, "d": 5000, "h": 100_000}
_MORNING = time(9, 0)
_HOURS = ("opens", "closes", "cutoff")


def add(commands: Any) -> None:
    """Hang the command and what it can do on the parser of `fpd`."""
    part = parts_of(commands, "calendar", "working days: count a term, import, export, check", __doc__, "due|import|export|check|seed|recount")
    due = part("due", "when a term ends, and the sum behind it", run_due)
    due.add_argument("received", type=_received, metavar="RECEIVED", help="2026-11-19 (9:00 is meant), 2026-11-19T16:45 (Hà Nội), or with a zone")
    due.add_argument("value", type=_value, metavar="N")
    due.add_argument("--unit", choices=list(UNITS), default="wd", help="wd working days (default), d calendar days, h hours")
    due.add_argument("--locality", type=_locality, metavar="L", help="whose hours and days of its own; default: the installation's")
    bring = part("import", "rows of a CSV or ICS file; nothing that the file leaves out is ended", run_import)
    bring.add_argument("file", type=Path, metavar="FILE")
    bring.add_argument("--year", type=int, help="only the rows of this year")
    bring.add_argument("--dry-run", action="store_true", help="only say what would change")
    bring.add_argument("--by", metavar="USER", help="the administrator who does it; without, the record says: the system")
    take = part("export", "the rows in force as a file, or to the screen", run_export)
    take.add_argument("file", type=Path, nargs="?", metavar="FILE", help="ends in .csv or .ics")
    take.add_argument("--year", type=int)
    take.add_argument("--format", choices=["csv", "ics"], help="where no file name tells it; default csv")
    part("check", "years without a confirmed calendar, rows not confirmed, contradictions; 1 where something is found", run_check)
    seed = part("seed", "fill an empty table: confirmed years of the seed file, others from public holidays, expected", run_seed)
    seed.add_argument("years", type=int, nargs="*", metavar="YEAR", help="default: last year to the year after next")
    part("recount", "count the due dates of open cases again by the table as it stands", run_recount)


# --- arguments ---------------------------------------------------------------------------------------------------


def _received(text: str) -> datetime:
    try:
        found = clock.at_local(date.fromisoformat(text), _MORNING) if len(text) == 10 else datetime.fromisoformat(text)
        found = found if found.tzinfo else found.replace(tzinfo=clock.ZONE)
        if found.year in table.YEARS:
            return found
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"“{text}”: cần ngày như 2026-11-19 hoặc giờ như 2026-11-19T16:45 / a date or a moment is needed")


def _value(text: str) -> float:
    try:
        found = float(text.replace(",", "."))
        if 0 < found < max(_LONGEST.values()):
            return found
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"“{text}”: cần một số lớn hơn 0 / a number above 0 is needed")


def _locality(text: str) -> str:
    if text in known():
        return text
    raise argparse.ArgumentTypeError(f"“{text}”: không có địa phương này / no such locality; {', '.join(known())}")


def _bad_use(text: Text) -> int:
    print(text.vi, "/", text.en, file=sys.stderr)
    return 2


# --- the calendar of this installation -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """A calendar to count with, and where it came from."""

    calendar: WorkCalendar
    source: Text


def _has_table(connection: Connection) -> bool:
    """Whether the migrations that count here have run."""
    found = inspect(connection)
    return found.has_table("calendar_days") and any(column["name"] == "standing" for column in found.get_columns("calendar_days"))


def _calendar(settings: Settings, wanted: str, years: range) -> Found:
    """The calendar of a locality: of the one named, else of this installation's. `years` are what the shipped rows have to cover."""
    database = reachable(settings.database_url)
    try:
        place = wanted or settings.locality or (in_force(database) if database else DEFAULT)
        days = {}
        if database:
            with database.read() as connection:
                days = load_calendar(connection, place) if _has_table(connection) else {}
    finally:
        if database:
            database.close()
    profile = load_profile(place)
    hours = {name: profile.hour(name) for name in _HOURS}
    if days:
        return Found(WorkCalendar(days, **hours), Text("bảng lịch của hệ thống này", "the table of this installation"))
    shipped = Text("lịch kèm theo sản phẩm, chưa có bảng riêng", "the calendar shipped with the product: there is no table yet")
    return Found(WorkCalendar(seeded(years), **hours), shipped)


# --- due -----------------------------------------------------------------------------------------------------------


def run_due(args: argparse.Namespace) -> int:
    """Print the due moment, then every day counted and skipped with its reason."""
    settings = read_settings()
    if args.value > _LONGEST[args.unit] or (args.unit == "d" and args.value != int(args.value)):
        return _bad_use(Text("N quá lớn, hoặc không phải số ngày nguyên.", "N is too large, or no whole number of days."))
    try:
        # 200 working days are less than a year: this covers the term wherever it lies.
        years = range(args.received.year - 1, min(args.received.year + int(args.value / 200) + 2, table.YEARS.stop))
        found = _calendar(settings, args.locality or "", years)
    except SQLAlchemyError as error:
        print("Không đọc được cơ sở dữ liệu / the database cannot be read:", str(error).splitlines()[0], file=sys.stderr)
        return 1
    counted = found.calendar.count(args.received, args.value, args.unit)
    print("\n".join(_told(args, found, counted)))
    return 0


def _told(args: argparse.Namespace, found: Found, counted: Counted) -> list[str]:
    unit = UNITS[args.unit]
    number = f"{args.value:g}"
    received = clock.local(args.received)
    lines = [_moment(clock.local(counted.due)), "", f"Nhận / received: {_moment(received)}"]
    if args.unit == "h":
        lines.append(f"Cộng {number} giờ liên tục, kể cả đêm và ngày nghỉ / {number} hours on end, nights and days off included")
        return [*lines, f"Lịch / calendar: {found.source.vi} / {found.source.en}"]
    if counted.starts != received.date():
        lines.append(f"Tính là nhận ngày / counts as received on: {_day(counted.starts)}")
    lines += [f"Tính {number} {unit.vi}, không kể ngày nhận / {number} {unit.en}, the day of receipt not counted:"]
    lines += [f"  {n:>3}  {_day(day)}{_half(found.calendar, day)}" for n, day in enumerate(counted.counted, 1)]
    if counted.skipped:
        lines.append(f"Không tính / skipped: {len(counted.skipped)}")
        lines += [f"    –  {_day(day.on)}: {_why(found.calendar, day)}" for day in counted.skipped]
    lines += [f"Cảnh báo: năm {year} chưa có lịch được xác nhận / warning: the calendar of {year} is not confirmed" for year in counted.unconfirmed_years]
    return [*lines, f"Lịch / calendar: {found.source.vi} / {found.source.en}"]


def _moment(local: datetime) -> str:
    name = WEEKDAYS[local.weekday()]
    return f"{local:%Y-%m-%d %H:%M}{f':{local:%S}' if local.second else ''} ({name.vi} / {name.en})"


def _day(day: date) -> str:
    name = WEEKDAYS[day.weekday()]
    return f"{day.isoformat()} {name.vi} / {name.en}"


def _why(calendar: WorkCalendar, day: Skipped) -> str:
    why = Text("nghỉ hằng tuần", "weekly day off") if day.why == WEEKDAYS[day.on.weekday()] and day.on not in calendar.days else day.why
    return f"{why.vi} / {why.en}{f' ({day.document})' if day.document else ''}"


def _half(calendar: WorkCalendar, day: date) -> str:
    special = calendar.days.get(day)
    if special is None:
        return ""
    hours = f", đến {calendar.hours(day)[1]:%H:%M} / until {calendar.hours(day)[1]:%H:%M}" if special.kind == "half" else ""
    return f": {special.text.vi} / {special.text.en}{hours}{f' ({special.document})' if special.document else ''}"


# --- the table -----------------------------------------------------------------------------------------------------


def _refused(error: Invalid) -> int:
    for texts in error.fields.values():
        for text in texts:
            print(text.vi, "/", text.en, file=sys.stderr)
    return 1


def run_import(args: argparse.Namespace) -> int:
    """Bring rows in from a file: what would change is printed, then done."""
    if not args.file.is_file():
        return _bad_use(Text(f"Không có tệp {args.file}.", f"There is no file {args.file}."))
    office = open_office(_has_table)
    try:
        actor = actor_named(office, args.by)
        table.needs_admin(actor)
        with args.file.open("rb") as source:
            given = files.read(source.read(files.LIMIT + 1))
        with office.db.read() as connection:
            plan = files.plan(connection, given, args.year)
        print("\n".join(_planned(plan)))
        if args.dry_run or not plan.changes:
            return 0
        moved = table.carry_out(office, actor, plan.changes, args.file.name)
        print(f"Đã ghi {len(plan.changes)} thay đổi / {len(plan.changes)} change(s) written")
        return _moved(moved)
    except Invalid as error:
        return _refused(error)
    finally:
        office.db.close()


def _planned(plan: files.Plan) -> list[str]:
    lines = []
    for change in plan.changes:
        sign = "±" if change.ends is not None else "+"
        lines.append(f"{sign} {_row(change.row)}")
        if change.ends is not None:
            lines.append(f"    trước / before: {_row(change.ends)}")
    lines += [f"= {_row(row)}  (giữ dòng đã có / the row in force stays)" for row in plan.kept]
    lines.append(f"{len(plan.changes)} thay đổi, {plan.same} dòng đã có, {len(plan.absent)} dòng không có trong tệp và được giữ nguyên")
    lines.append(f"{len(plan.changes)} change(s), {plan.same} there already, {len(plan.absent)} not in the file and left as they are")
    return lines


def _row(row: Any) -> str:
    kind, standing = table.KINDS[row["kind"]], table.STANDINGS[row["standing"]]
    place = f" [{row['locality']}]" if row["locality"] else ""
    document = f", {row['document']}" if row["document"] else ""
    return f"{row['on_date']}{place} {kind.vi} / {kind.en}: {row['name']}{document} ({standing.vi} / {standing.en})"


def _moved(codes: list[str]) -> int:
    print(f"{len(codes)} hồ sơ đang mở đổi hạn / {len(codes)} open case(s) moved" + (f": {', '.join(codes)}" if codes else ""))
    return 0


def run_export(args: argparse.Namespace) -> int:
    """Write the rows in force."""
    form = args.format or (args.file.suffix.lower().lstrip(".") if args.file else "csv")
    if form not in ("csv", "ics"):
        return _bad_use(Text("Tên tệp phải kết thúc bằng .csv hoặc .ics.", "The file name ends in .csv or .ics."))
    office = open_office(_has_table)
    try:
        with office.db.read() as connection:
            rows = table.rows_of(connection, args.year)
    finally:
        office.db.close()
    data = files.to_csv(rows) if form == "csv" else files.to_ics(rows)
    if args.file:
        args.file.write_bytes(data)
        print(f"{len(rows)} dòng / row(s)")
    else:
        sys.stdout.write(data.decode("utf-8-sig"))
    return 0


def run_check(_: argparse.Namespace) -> int:
    """Say what is doubtful; 0 where nothing is."""
    office = open_office(_has_table)
    try:
        found = table.examine(office)
    finally:
        office.db.close()
    for text in found:
        print(text.vi, "/", text.en)
    if not found:
        print("Lịch đã được xác nhận, không có gì mâu thuẫn / the calendar is confirmed and nothing contradicts")
    return 1 if found else 0


def run_seed(args: argparse.Namespace) -> int:
    """Fill the table where it has never had a row for a day."""
    if any(year not in table.YEARS for year in args.years):
        return _bad_use(Text("Năm phải từ 2000 đến 2100.", "The year is from 2000 to 2100."))
    office = open_office(_has_table)
    try:
        added = office.db.transact(lambda connection: _seed(connection, args.years or list(years_ahead())))
        print(f"Thêm {added} dòng / {added} row(s) added")
        if added:
            return _moved(table.recount(office, CLOCK, Text("Nạp lịch làm việc", "The working calendar was filled")))
    finally:
        office.db.close()
    return 0


def _seed(connection: Connection, years: list[int]) -> int:
    added = seed_calendar(connection, years)
    if added:
        system.record(connection, CLOCK, "calendar_seed", {"years": years, "added": added})
    return added


def run_recount(_: argparse.Namespace) -> int:
    """Count the due dates of open cases again."""
    office = open_office(_has_table)
    try:
        return _moved(table.recount(office, CLOCK, Text("Tính lại hạn theo lịch làm việc", "Due dates counted again by the working calendar")))
    finally:
        office.db.close()
