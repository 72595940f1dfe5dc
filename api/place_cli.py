"""`fpd places`: the list of communes as a file, out and in again.

Exit codes: 0 done, 1 refused or something found, 2 bad use. Sentences stand in both languages, as on every command.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect

from api.installation import actor_named, open_office, parts_of
from states.language import Text
from workflow import place_files as files
from workflow import places
from workflow.errors import Invalid


def add(commands: Any) -> None:
    """Hang the command and what it can do on the parser of `fpd`."""
    part = parts_of(commands, "places", "communes: import and export a province's list", __doc__, "import|export")
    bring = part("import", "replace a province's list by a CSV file; rows are ended, never overwritten", run_import)
    bring.add_argument("file", type=Path, metavar="FILE")
    bring.add_argument(
        "--province", type=_province, metavar="CODE", help="only the rows of this province (two figures); default: the file's, else this locality's"
    )
    bring.add_argument("--dry-run", action="store_true", help="only say what would change")
    bring.add_argument("--by", metavar="USER", help="the administrator who does it; without, the record says: the system")
    take = part("export", "the list in force as CSV, to a file or to the screen", run_export)
    take.add_argument("file", type=Path, nargs="?", metavar="FILE")
    take.add_argument("--province", type=_province, metavar="CODE", help="default: this locality's")


def _province(text: str) -> str:
    code = text.zfill(2)
    if code in places.provinces():
        return code
    raise argparse.ArgumentTypeError(f"“{text}”: không có tỉnh mang mã này / there is no province of this code")


def _has_table(connection: Connection) -> bool:
    return inspect(connection).has_table("communes")


def run_import(args: argparse.Namespace) -> int:
    """Bring a list in: what would change is printed, then done."""
    if not args.file.is_file():
        print(f"Không có tệp {args.file}. / There is no file {args.file}.", file=sys.stderr)
        return 2
    office = open_office(_has_table)
    try:
        actor = actor_named(office, args.by)
        files.needs_admin(actor)
        with args.file.open("rb") as source:
            rows = files.read(source.read(files.LIMIT + 1), office.profile.province, only=args.province or "")
        with office.db.read() as connection:
            plan = files.plan(connection, rows)
        print("\n".join(_planned(plan)))
        if args.dry_run or not plan.changes:
            return 0
        files.carry_out(office, actor, plan, rows, args.file.name)
        print(f"Đã ghi {len(plan.changes)} thay đổi / {len(plan.changes)} change(s) written")
        return 0
    except Invalid as error:
        for texts in error.fields.values():
            for text in texts:
                print(text.vi, "/", text.en, file=sys.stderr)
        return 1
    finally:
        office.db.close()


def _planned(plan: files.Plan) -> list[str]:
    lines = []
    for change in plan.changes:
        sign = "±" if change.ends is not None and change.enters is not None else "+" if change.enters is not None else "-"
        lines.append(f"{sign} {_row(change.row)}")
        if sign == "±" and change.ends is not None:
            lines.append(f"    trước / before: {_row(change.ends)}")
    named = ", ".join(f"{code} {places.provinces()[code].name}" for code in plan.provinces)
    ends = sum(1 for change in plan.changes if change.enters is None)
    lines.append(f"{named}: {len(plan.changes)} thay đổi ({ends} dòng kết thúc), {plan.same} dòng giữ nguyên")
    lines.append(f"{named}: {len(plan.changes)} change(s) ({ends} row(s) end), {plan.same} stay as they are")
    return lines


def _row(row: Any) -> str:
    commune = places.commune_of(row)
    known = ", ".join(_said(mark["label"], mark["text"]) for mark in places.place_marks(commune))
    until = f"–{row['valid_to']}" if row["valid_to"] else ""
    standing = places.STANDINGS[row["standing"]]
    source = f" ({row['source']})" if row["source"] else ""
    return f"{row['code']} {commune.full}, {row['valid_from']}{until}; {known}; {standing.vi} / {standing.en}{source}"


def _said(label: Text, text: Text) -> str:
    return f"{label.vi} / {label.en}: {text.vi} / {text.en}"


def run_export(args: argparse.Namespace) -> int:
    """Write the list in force."""
    office = open_office(_has_table)
    try:
        with office.db.read() as connection:
            rows = places.rows_of(connection, args.province or office.profile.province)
    finally:
        office.db.close()
    data = files.to_csv(rows)
    if args.file:
        args.file.write_bytes(data)
        print(f"{len(rows)} dòng / row(s)")
    else:
        sys.stdout.write(data.decode("utf-8-sig"))
    return 0
