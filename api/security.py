"""What stands before and after every request: access table, host, CSRF, size, headers."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from api import login
from api.access import ACCESS, LOCAL, PUBLIC
from api.errors import HttpProblem
from workflow import chance

SAFE = ("GET", "HEAD", "OPTIONS")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self';"
    " form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def request_id() -> str:
    """The mark of this request: in the answer's header, in the log and in the entries that it writes."""
    return str(g.get("request_id", ""))


def install(app: Flask) -> None:
    """Attach to an application."""
    app.before_request(_before)
    app.after_request(_after)


def _before() -> None:
    g.request_id = chance.token(8)
    hosts = _settings().trusted_hosts
    if hosts and request.host.split(":")[0] not in hosts:
        raise HttpProblem(400, "host")
    if request.method == "TRACE":
        raise HttpProblem(405, "method")
    endpoint = request.endpoint
    if endpoint is None:
        return
    rule = ACCESS.get(endpoint)
    if rule is None:
        raise HttpProblem(404, "not_found")
    if rule == LOCAL and request.remote_addr not in ("127.0.0.1", "::1"):
        raise HttpProblem(404, "not_found")
    if rule not in (PUBLIC, LOCAL) and login.actor() is None:
        raise HttpProblem(401, "login_required")
    if request.method not in SAFE:
        _same_origin()
        if rule != PUBLIC:
            sent = request.headers.get("X-CSRFToken") or (request.form.get("csrf_token", "") if _is_form() else "")
            if not sent or not chance.same(sent, login.csrf_token()):
                raise HttpProblem(400, "csrf")


def _settings():  # type: ignore[no-untyped-def]
    from flask import current_app

    return current_app.config["FPD"]


def _is_form() -> bool:
    return request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data")


def _same_origin() -> None:
    """A browser says where a post comes from; another site's is refused, sign-in included."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise HttpProblem(400, "csrf")
    origin = request.headers.get("Origin")
    if origin and origin != "null" and urlsplit(origin).netloc != request.host:
        raise HttpProblem(400, "csrf")


def _after(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if _settings().https:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if request.endpoint not in ("static", "vendor", "favicon"):
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Cookie"
    return response
