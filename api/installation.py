"""What the commands of `fpd` share that have parts: how they hang on the parser, the office they work in, the person who does it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from api.settings import read_settings
from workflow.authority import CLOCK, Actor
from workflow.db import reachable

if TYPE_CHECKING:
    from workflow import Office


def parts_of(commands: Any, name: str, said: str, told: str | None, names: str) -> Callable[..., argparse.ArgumentParser]:
    """Hang a command on the parser of `fpd` and answer what adds a part to it: its name, one line of help, what runs it.

    `said`: the line in the list of commands; `told`: its own help; `names`: its parts, as that help lists them: `import|export`.
    """
    made = commands.add_parser(name, help=said, description=told)
    parts = made.add_subparsers(dest="part", required=True, metavar=names)

    def part(name: str, text: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        found: argparse.ArgumentParser = parts.add_parser(name, help=text, description=text)
        found.set_defaults(run=run)
        return found

    return part


def open_office(migrated: Callable[[Connection], bool]) -> Office:
    """The office of this installation, under its own keys.

    `migrated` tells whether the tables that the command needs are there. Raises ValueError, with what to do, where they are not.
    """
    from workflow import Office

    settings = read_settings()
    database = reachable(settings.database_url)
    if database is None:
        raise ValueError("Chưa có cơ sở dữ liệu; chạy “fpd migrate” / there is no database yet: run “fpd migrate”")
    try:
        with database.read() as connection:
            if not migrated(connection):
                raise ValueError("Cơ sở dữ liệu chưa cập nhật; chạy “fpd migrate” / the database is not up to date: run “fpd migrate”")
    finally:
        database.close()
    return Office.open(settings.database_url, settings.var / "files", settings.locality, settings.keys())


def actor_named(office: Office, username: str | None) -> Actor:
    """Who does it: the account of this name, without a name the system. Raises ValueError where there is no such account."""
    from workflow import users

    if not username:
        return CLOCK
    found = users.actor_by_username(office, username)
    if found is None:
        raise ValueError(f"Không có tài khoản {username} / there is no account {username}")
    return found
