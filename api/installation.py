"""What the commands of `fpd` that keep a table share: the office they work in and the person who does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from api.settings import read_settings
from workflow.authority import CLOCK, Actor
from workflow.db import reachable

if TYPE_CHECKING:
    from workflow import Office


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
