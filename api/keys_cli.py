"""`fpd keys`: the keys of personal data: made, followed by a new one, checked, and taken out once nothing lies under them.

Exit codes: 0 done, 1 refused or something found, 2 bad use. Sentences stand in both languages, as on every command.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from api.installation import open_office, parts_of
from api.settings import read_settings
from workflow import crypto, db, reseal
from workflow.office import Office

_READY = "0009"  # the migration that lets sealed values be sealed anew


def add(commands: Any) -> None:
    """Hang the command and what it can do on the parser of `fpd`."""
    part = parts_of(
        commands, "keys", "khóa dữ liệu cá nhân / keys of personal data: new, rotate, reseal, check, retire", __doc__, "new|rotate|reseal|check|retire"
    )
    part("new", "tạo tệp khóa / make the file of keys", run_new)
    part("rotate", "thêm một khóa, dùng từ nay (khởi động lại dịch vụ) / one more key, in use from now on (start services again)", run_rotate)
    part("reseal", "niêm lại bằng khóa đang dùng những gì còn dưới khóa cũ / seal what lies under older keys under the one in use", run_reseal)
    part("check", "khóa nào có, còn bao nhiêu giá trị dưới mỗi khóa / which keys there are, and how many values lie under each", run_check)
    retire = part("retire", "bỏ khỏi tệp một khóa không còn giá trị nào / take a key out of the file under which nothing lies any more", run_retire)
    retire.add_argument("name", metavar="NAME", help="tên khóa, ví dụ k1 / the name of the key, as k1")


def run_new(_: argparse.Namespace) -> int:
    """Make the file of keys; one that is there is left as it is."""
    path = read_settings().keys_path
    if not crypto.write_private(path, crypto.new_keys()):
        print(f"Đã có tệp khóa {path}; không ghi đè / there is a file of keys already, it is left as it is: {path}", file=sys.stderr)
        return 1
    return _shown(path)


def run_rotate(_: argparse.Namespace) -> int:
    """Add a key. Services have to be started again to use it."""
    path = read_settings().keys_path
    crypto.keys_at(path)
    crypto.write_private(path, crypto.with_new_key(path.read_text("utf-8")), replace=True)
    _shown(path)
    print("Khởi động lại mọi tiến trình, rồi chạy “fpd keys reseal” / start every process of the service again, then run “fpd keys reseal”")
    return 0


def run_check(_: argparse.Namespace) -> int:
    """The keys and what lies under each; where there is no database yet, the keys alone."""
    settings = read_settings()
    shown = _shown(settings.keys_path)
    database = db.reachable(settings.database_url)
    if database is None:
        return shown
    database.close()
    office = _office()
    try:
        found = reseal.survey(office)
        print("\n".join(_told(office.keys, found)))
        reseal.fitting(office.keys, found)
    finally:
        office.db.close()
    return int(any(lying.values and not lying.opens for lying in found.values()))


def run_reseal(_: argparse.Namespace) -> int:
    """Seal anew, and tell what was done, what did not open and what is left."""
    office = _office()
    try:
        outcome = reseal.reseal(office, _progress if sys.stderr.isatty() else lambda outcome: None)
        left = reseal.survey(office)
    finally:
        office.db.close()
    print(f"Đã niêm lại {outcome.values} giá trị trong {outcome.rows} dòng / {outcome.values} value(s) in {outcome.rows} row(s) were sealed anew")
    if outcome.overtaken:
        print(
            f"{outcome.overtaken} dòng vừa được sửa, giữ bản mới; hãy chạy lại / "
            f"{outcome.overtaken} row(s) were changed meanwhile and keep what they say: run it again"
        )
    for lost in outcome.lost:
        print(f"không mở được / does not open: {lost.column} [{lost.row}] ({lost.values}): {lost.why}", file=sys.stderr)
    print("\n".join(_told(office.keys, left)))
    return 1 if outcome.lost else 0


def run_retire(args: argparse.Namespace) -> int:
    """Take a key out of the file; its line is kept in a file beside it, for backups of before."""
    path = read_settings().keys_path
    crypto.keys_at(path)
    rest, line = crypto.without_key(path.read_text("utf-8"), args.name)
    office = _office()
    try:
        reseal.free(office.keys, reseal.survey(office), args.name)
    finally:
        office.db.close()
    aside = path.with_name(f"{path.name}.retired")
    before = aside.read_text("utf-8") if aside.exists() else ""
    crypto.write_private(aside, f"{before}{line}\n", replace=True)
    crypto.write_private(path, rest, replace=True)
    print(
        f"Đã bỏ khóa {args.name}, cất ở {aside}: bản sao lưu cũ còn cần khóa này; hủy khi không còn bản sao lưu nào như vậy / "
        f"{args.name} was taken out and put into {aside}: backups of before still need it; destroy it when none of them is left"
    )
    return _shown(path)


def _shown(path: Path) -> int:
    keys = crypto.keys_at(path)
    print(f"{path}: {', '.join(keys.names)}; đang dùng / in use: {keys.current}")
    print("Giữ một bản ở nơi khác với dữ liệu: mất khóa là mất dữ liệu cá nhân / keep a copy apart from the data: without the keys it cannot be read")
    return 0


def _told(keys: crypto.Keyring, found: Mapping[str, reseal.Lying]) -> list[str]:
    """One line a key."""
    lines = []
    for name, lying in found.items():
        line = f"{name}: {lying.values} giá trị / value(s)"
        if name not in keys.names:
            line += "; khóa không có trong tệp / the key is not in the file"
        elif lying.values and not lying.opens:
            line += "; không mở được / does not open"
        lines.append(line)
    return [*lines, "index: dùng để tìm, không đổi được / for searching, is never rotated"]


def _progress(outcome: reseal.Outcome) -> None:
    print(outcome.values, end="\r", file=sys.stderr)


def _office() -> Office:
    """The office under the keys that are there: none are made here, which would be the wrong ones."""
    crypto.keys_at(read_settings().keys_path)
    return open_office(_ready)


def _ready(connection: Connection) -> bool:
    if not inspect(connection).has_table("alembic_version"):
        return False
    return bool(connection.execute(text("SELECT 1 FROM alembic_version WHERE version_num >= :least"), {"least": _READY}).scalar())
