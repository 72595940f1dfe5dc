"""Signing in and out, and who I am."""

from __future__ import annotations

from typing import Any

from flask import current_app, jsonify, request

from api import login
from api.errors import TEXTS, HttpProblem, problem
from api.language import current
from api.rest import rest
from api.rest.body import json_body, known, text_of
from states.roles import ROLES
from workflow import Actor, delegations, queries, users


def user_dict(actor: Actor) -> dict[str, Any]:
    """The account on the wire."""
    return {
        "id": actor.id, "username": actor.username, "name": actor.name, "language": actor.language,
        "title": {"vi": actor.title_vi, "en": actor.title_en},
    }  # fmt: skip


def attempt(username: str, password: str) -> tuple[Actor | None, bool]:
    """Try a sign-in; answers (account or None, throttled)."""
    office = current_app.extensions["office"]
    address = request.remote_addr or ""
    if users.throttled(office, username, address):
        return None, True
    return users.sign_in(office, username, password, address), False


@rest.post("/session")
def sign_in() -> Any:
    """Sign in; sets the cookie and answers the CSRF token."""
    if request.mimetype != "application/json":
        raise HttpProblem(415, "media_type")
    body = json_body()
    known(body, "username", "password", "otp")
    username = text_of(body, "username", required=True, limit=200) or ""
    password = text_of(body, "password", required=True, limit=1000) or ""
    actor, throttled = attempt(username, password)
    if throttled:
        raise HttpProblem(429, "slow_down")
    if actor is None:
        return problem(401, "login_required", TEXTS["bad_credentials"], current())
    token = users.open_session(current_app.extensions["office"], actor, request.remote_addr or "", request.user_agent.string)
    response = jsonify({"user": user_dict(actor), "csrf_token": login.csrf_of(token)})
    login.set_cookie(response, token)
    return response


@rest.delete("/session")
def sign_out() -> Any:
    """Sign out."""
    users.end_session(current_app.extensions["office"], login.secret())
    response = current_app.response_class(status=204)
    login.clear_cookie(response)
    return response


@rest.post("/session/confirm")
def confirm() -> Any:
    """Renew the fresh check with the password."""
    body = json_body()
    known(body, "password", "otp")
    password = text_of(body, "password", required=True, limit=1000) or ""
    actor, throttled = attempt(login.needed().username, password)
    if throttled:
        raise HttpProblem(429, "slow_down")
    if actor is None:
        return problem(401, "reauth_required", TEXTS["bad_credentials"], current())
    return "", 204


@rest.get("/me")
def me() -> Any:
    """The account, its memberships and delegations."""
    actor = login.needed()
    office = current_app.extensions["office"]
    names = {item.id: item for item in queries.organisations(office)}
    return jsonify({
        "user": user_dict(actor), "csrf_token": login.csrf_token(),
        "memberships": [
            {"organisation": {"code": m.organisation, "name": names[m.organisation_id].name.as_dict()}, "role": m.role,
             "role_label": ROLES[m.role].as_dict(), "lead": m.lead}
            for m in actor.memberships if m.organisation_id in names
        ],
        "delegations": delegations.of_person(office, actor),
    })  # fmt: skip
