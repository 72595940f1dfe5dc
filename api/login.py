"""Who is asking: flask-login on server-side sessions. The only importer of flask-login."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Flask, Request, current_app, g, request
from flask_login import LoginManager, current_user

from workflow import Actor, users


class SignedIn:
    """What flask-login holds: an actor, and the session it came with."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, actor: Actor, token: str):
        self.actor = actor
        self.token = token

    def get_id(self) -> str:
        """The session's reference, not the user: sessions are listed and revoked."""
        return hashlib.sha256(self.token.encode()).hexdigest()


manager = LoginManager()
manager.session_protection = None


@manager.request_loader
def _load(asked: Request) -> SignedIn | None:
    token = asked.cookies.get(current_app.config["FPD"].cookie, "")
    if not token or len(token) > 200:
        return None
    actor = users.session_actor(current_app.extensions["office"], token)
    return SignedIn(actor, token) if actor else None


@manager.user_loader
def _never(_: str) -> None:
    """Nobody is loaded from a client-side session."""
    return None


def install(app: Flask) -> None:
    """Attach to an application."""
    manager.init_app(app)
    app.config.update(
        SESSION_COOKIE_NAME="fpd_flash", SESSION_COOKIE_SECURE=app.config["FPD"].https, SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax"
    )


def actor() -> Actor | None:
    """The account of this request, or None."""
    if "actor" not in g:
        g.actor = current_user.actor if current_user and current_user.is_authenticated else None
    found: Actor | None = g.actor
    return found


def needed() -> Actor:
    """The account of this request; the access table has made sure that there is one."""
    found = actor()
    assert found is not None
    return found


def secret() -> str:
    """The session secret this request came with; the access table has made sure that there is one."""
    return str(current_user.token)


def reference() -> str:
    """The stored reference of this request's session: the hash of its secret."""
    return str(current_user.get_id())


def csrf_token() -> str:
    """The token of this session's forms: derived from the session secret, useless without it."""
    token = request.cookies.get(current_app.config["FPD"].cookie, "")
    return hashlib.sha256(b"fpd-csrf\x00" + token.encode()).hexdigest() if token else ""


def csrf_of(token: str) -> str:
    """The same for a session that has just been opened."""
    return hashlib.sha256(b"fpd-csrf\x00" + token.encode()).hexdigest()


def set_cookie(response: Any, token: str) -> None:
    """Hand the session to the browser."""
    settings = current_app.config["FPD"]
    response.set_cookie(settings.cookie, token, httponly=True, secure=settings.https, samesite="Lax", path="/")


def clear_cookie(response: Any) -> None:
    """Take it back."""
    settings = current_app.config["FPD"]
    response.delete_cookie(settings.cookie, path="/", secure=settings.https, httponly=True, samesite="Lax")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
