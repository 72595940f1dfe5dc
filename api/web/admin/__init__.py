"""Administration: one page a subject. An administrator enters; the director reads and confirms where two are needed; an auditor reads.

Each subject is a module of this package that adds itself to `SUBJECTS`; the index is made of that list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import render_template

from api import login
from api.web import web
from states import roles as R
from states.language import Text
from workflow.authority import Actor
from workflow.errors import RoleRefused

READERS = (R.ADMIN, R.DIRECTOR, R.AUDITOR)


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject of the index: where it is, what it is called, what one does there; `order` places it, `readers` may open it."""

    path: str
    title: Text
    about: Text
    order: int = 50
    readers: tuple[str, ...] = READERS


SUBJECTS: list[Subject] = []


def reader(*roles: str) -> Actor:
    """Whoever is signed in, if they hold one of the roles (administrator, director, auditor where none is named). Raises `RoleRefused`."""
    actor = login.needed()
    if not actor.has(*(roles or READERS)):
        raise RoleRefused()
    return actor


@web.get("/admin")
def admin_index() -> Any:
    """The subjects that this person may open."""
    actor = reader()
    return render_template("admin/index.html", subjects=sorted((s for s in SUBJECTS if actor.has(*s.readers)), key=lambda s: s.order))


from api.web.admin import agencies, calendar, delegations, law, messages, places, rules  # noqa: E402  each subject hangs its routes on the pages and itself on the list

__all__ = ["READERS", "SUBJECTS", "Subject", "agencies", "calendar", "delegations", "law", "messages", "places", "reader", "rules"]
