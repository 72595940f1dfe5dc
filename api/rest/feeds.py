"""The calendar feed of a person: an address with a token, read by calendar programs without a session."""

from __future__ import annotations

import re

from flask import Response, current_app, request

from api.errors import HttpProblem
from api.rest import rest
from workflow import feeds

_TOKEN = re.compile(r"[0-9a-f]{64}")


def base() -> str:
    """The address of this service for links that leave it: the setting, else the one the request came by."""
    return str(current_app.config["FPD"].public_url or request.host_url).rstrip("/")


def address(token: str) -> str:
    """The full address of a feed; it holds the secret, so that it is shown once and never logged."""
    return f"{base()}/api/v1/calendar.ics?token={token}"


@rest.get("/calendar.ics")
def calendar_feed() -> Response:
    """The calendar of whoever the token belongs to. A token that is missing, unknown or revoked answers 404, all alike."""
    token = request.args.get("token", "")
    office = current_app.extensions["office"]
    owner = feeds.owner_of(office, token) if _TOKEN.fullmatch(token) else None
    if owner is None:
        raise HttpProblem(404, "not_found")
    return Response(feeds.feed(office, owner, base()), content_type="text/calendar; charset=utf-8")
