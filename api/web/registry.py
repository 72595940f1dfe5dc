"""The pages of the registry: outlets by the alphabet, journalists by search, each with past requests and papers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import current_app, flash, make_response, redirect, render_template, request

from api import login
from api.language import label, t
from api.security import request_id
from api.web import web
from states.asked import CREW_ROLES, MEDIA
from states.language import Text
from workflow import matches, registry
from workflow.errors import Conflict, Invalid, NeedsUnmet

ROLES: dict[str, Text] = {choice.code: choice.label for choice in CREW_ROLES}
KINDS: dict[str, Text] = {choice.code: choice.label for choice in MEDIA}


def office() -> Any:
    """The office of this process."""
    return current_app.extensions["office"]


def _given(*names: str) -> dict[str, str]:
    return {name: value for name, value in request.args.to_dict().items() if name in (*names, "cursor") and value}


def _following(found: dict[str, Any], given: dict[str, str]) -> str | None:
    return "?" + urlencode({**given, "cursor": found["next_cursor"]}) if found["next_cursor"] else None


@web.get("/registry")
def registry_outlets() -> Any:
    """Outlets in the order of the alphabet, or those whose name holds the words."""
    given = _given("q")
    try:
        found, errors = registry.outlets(office(), login.needed(), given), {}
    except Invalid as invalid:
        found, errors = {"items": [], "next_cursor": None}, invalid.fields
    page = render_template("registry.html", tab="outlets", found=found, q=given.get("q", ""), errors=errors, following=_following(found, given))
    return make_response(page, 422 if errors else 200)


@web.get("/registry/people")
def registry_people() -> Any:
    """Journalists by name or number; before anything is typed, the form alone."""
    given = _given("q")
    errors: dict[str, list[Text]] = {}
    found: dict[str, Any] = {"items": [], "next_cursor": None}
    try:
        found = registry.people(office(), login.needed(), given)
    except Invalid as invalid:
        errors = invalid.fields if given else {}
    page = render_template("registry.html", tab="people", found=found, q=given.get("q", ""), errors=errors, following=_following(found, given))
    return make_response(page, 422 if errors else 200)


@web.get("/registry/outlets/<id_>")
def registry_outlet(id_: str) -> Any:
    """One outlet."""
    found = registry.outlet(office(), login.needed(), id_, _given())
    return render_template("registry_one.html", outlet=True, found=found, roles=ROLES, media=KINDS, following=_following(found, {}))


@web.get("/registry/people/<id_>")
def registry_person(id_: str) -> Any:
    """One journalist."""
    found = registry.person(office(), login.needed(), id_, _given())
    return render_template("registry_one.html", outlet=False, found=found, roles=ROLES, media=KINDS, following=_following(found, {}))


@web.post("/cases/<ref>/matches/<other>")
def settle_match(ref: str, other: str) -> Any:
    """Record on a case that another is no duplicate of it; where that cannot be, the case page says why."""
    reason = request.form.get("reason", "").strip()[:500]
    try:
        matches.not_duplicate(office(), login.needed(), ref, other, reason, seen=request.form.get("seen", "")[:64], request_id=request_id())
    except Invalid:
        flash(t("Phải nêu lý do vì sao không trùng. Chưa có gì được ghi.", "Say why it is no duplicate. Nothing was recorded."), "error")
    except Conflict:
        told = t(
            "Hai hồ sơ vừa thay đổi; hãy xem lại. Chưa có gì được ghi. Lý do đã nhập: {reason}",
            "One of the two has just changed; look again. Nothing was recorded. You wrote: {reason}",
            reason=reason,
        )
        flash(told, "error")
    except NeedsUnmet as unmet:
        flash(" ".join(label(told.message) for told in unmet.reasons), "error")
    else:
        flash(t("Đã ghi vào lịch sử hồ sơ: không trùng.", "Recorded on the case: not a duplicate."))
    return redirect(f"/cases/{ref}#main", 303)
