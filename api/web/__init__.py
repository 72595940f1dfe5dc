"""Pages: rendered on the server, Vietnamese first, complete without JavaScript."""

from __future__ import annotations

from flask import Blueprint

web = Blueprint("web", __name__)

from api.web import admin, apply, asking, calendar, cases, papers, public, registry, returned, shared, sheets, together, track, wizard  # noqa: E402  they hang their routes on it

__all__ = [
    "admin",
    "apply",
    "asking",
    "calendar",
    "cases",
    "papers",
    "public",
    "registry",
    "returned",
    "shared",
    "sheets",
    "together",
    "track",
    "web",
    "wizard",
]
