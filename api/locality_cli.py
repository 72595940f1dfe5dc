"""`fpd locality`: which profiles there are, whether one may be used, and which one this installation uses.

Exit codes: 0 done, 1 refused or something found, 2 bad use. Sentences stand in both languages, as on every command.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from api.installation import parts_of
from api.settings import Settings, read_settings
from workflow import db, localities, locality_check


def add(commands: Any) -> None:
    """Hang the command and what it can do on the parser of `fpd`."""
    part = parts_of(commands, "locality", "profiles: list, check, use", __doc__, "list|check|use")
    part("list", "code, name and what the office has not confirmed yet; * is the one in use", run_list)
    check = part("check", "every fault of a profile with file, key and a sentence; all profiles where none is named", run_check)
    check.add_argument("which", nargs="?", metavar="CODE|FILE")
    use = part("use", "set the locality of this installation's database and enter its bodies, legal texts and rules", run_use)
    use.add_argument("which", metavar="CODE")


def run_list(_: argparse.Namespace) -> int:
    """Each profile in two lines; a bad one says so."""
    settings = read_settings()
    try:
        here, ticked = _of_the_database(settings)
    except SQLAlchemyError as error:
        print("Không đọc được cơ sở dữ liệu / the database cannot be read:", str(error).splitlines()[0], file=sys.stderr)
        return 1
    faulty = 0
    for code in localities.known():
        mark = "*" if code == (settings.locality or here) else " "
        try:
            profile = localities.load_profile(code)
        except localities.BadProfile as bad:
            faulty = 1
            print(f"{mark} {code:<12} hỏng / bad: {len(bad.lines)}; fpd locality check {code}")
            continue
        left = [entry for entry in profile.unconfirmed if entry.subject not in ticked]
        print(f"{mark} {code:<12} {profile.name.vi} / {profile.name.en}")
        print(f"    chưa xác nhận / unconfirmed: {_counted(left)}")
    return faulty


def _of_the_database(settings: Settings) -> tuple[str, frozenset[str]]:
    """The locality that the database was set to, and what was ticked there; the default and nothing where there is none."""
    database = db.reachable(settings.database_url)
    if database is None:
        return localities.DEFAULT, frozenset()
    try:
        here = localities.in_force(database)
        if not inspect(database.engine).has_table("confirmations"):
            return here, frozenset()
        with database.read() as connection:
            return here, frozenset(localities.confirmed(connection))
    finally:
        database.close()


def _counted(entries: Iterable[localities.Entry]) -> str:
    sections: dict[str, int] = {}
    for entry in entries:
        sections[entry.section] = sections.get(entry.section, 0) + 1
    words = (f"{localities.SECTIONS[section].vi} / {localities.SECTIONS[section].en} {count}" for section, count in sections.items())
    return "; ".join(words) or "–"


def run_check(args: argparse.Namespace) -> int:
    """Faults, one a line; the national files are looked at with every profile."""
    faults: list[object] = list(locality_check.check_national())
    paths = [_path(args.which)] if args.which else [localities.FOLDER / f"{code}.toml" for code in localities.known()]
    for path in paths:
        data, wrong = locality_check.check_file(path)
        found: list[object] = [*wrong] or _faults_of_places(path.stem, data)
        faults += found
        if not found:
            print(f"{path.name}: đúng / good")
    for fault in dict.fromkeys(faults):
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _faults_of_places(code: str, data: dict[str, Any]) -> list[object]:
    """The faults of the list of communes beside a good profile, and the marked communes that it does not have."""
    profile = localities.Profile(code, data)
    try:
        unlisted = [commune.full for commune in profile.places.communes if not commune.code] if profile.listed else []
    except ValueError as error:
        return list(str(error).splitlines())
    return [f"communes/{code}.csv: “{name}” có dấu nhưng không có trong danh mục / has marks and is not in the list" for name in unlisted]


def _path(which: str) -> Path:
    """A code of a profile that is here, or else a file."""
    return localities.FOLDER / f"{which}.toml" if which in localities.known() else Path(which)


def run_use(args: argparse.Namespace) -> int:
    """Set the locality; refused where the database holds cases of another one, or where the profile is bad."""
    settings = read_settings()
    settings.var.mkdir(parents=True, exist_ok=True)
    db.migrate(settings.database_url)
    database = db.Database(settings.database_url)
    try:
        done = localities.use(database, args.which)
    finally:
        database.close()
    print(
        f"{args.which}: {len(done.agencies)} cơ quan / bodies, {len(done.texts)} văn bản / legal texts, {done.rules} quy tắc / rules,"
        f" {done.communes} xã, phường, đặc khu / communes"
        " mới hoặc đã sửa / new or changed"
    )
    if settings.locality and settings.locality != args.which:
        print(
            f"FPD_LOCALITY={settings.locality} vẫn được ưu tiên; bỏ biến này để dùng {args.which}."
            f" / FPD_LOCALITY={settings.locality} still wins; unset it to use {args.which}.",
            file=sys.stderr,
        )
    return 0
