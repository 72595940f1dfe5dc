"""A form that arrived after its session had ended: kept sealed in the sign-in page, offered again to the same person.

Nothing of it is stored here. The browser holds it as sealed text that only this installation opens, within an hour, and
what it held is sent on by the person's own press, never by itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import current_app, request

from api import login
from api.web import web
from workflow import Actor, clock
from workflow.crypto import KeysError

PLACE = "pending"
MOST = 400_000  # characters of a form that are carried through the sign-in page
KEPT = timedelta(hours=1)
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_LEFT_OUT = ("csrf_token",)


@web.app_template_global()
def author() -> str:
    """The mark by which a form is known again as this person's."""
    who = login.actor()
    return _mark(who) if who else ""


def _mark(who: Actor) -> str:
    mark: str = current_app.extensions["office"].keys.blind(f"author {who.id}")
    return mark


def kept() -> str:
    """The form of this request, sealed, if it can be offered again after signing in; else nothing."""
    if request.method != "POST" or request.mimetype not in FORMS or not request.form.get("author"):
        return ""
    fields = [[name, value] for name, value in request.form.items(multi=True) if name not in _LEFT_OUT]
    if sum(len(name) + len(value) for name, value in fields) > MOST:
        return ""
    held = {"path": request.path, "fields": fields, "files": bool(request.files), "at": clock.stamp(clock.now())}
    sealed: str = current_app.extensions["office"].keys.seal(held, PLACE)
    return sealed[1:]


def opened(sealed: str, who: Actor) -> dict[str, Any] | None:
    """What was kept, for the person who typed it; None where it is of somebody else, too old or not ours."""
    if not sealed:
        return None
    try:
        held: dict[str, Any] = current_app.extensions["office"].keys.open(sealed, PLACE)
    except (KeysError, ValueError):
        return None
    if dict(held["fields"]).get("author") != _mark(who) or clock.now() - clock.moment(held["at"]) > KEPT:
        return None
    return held
