"""Health, readiness, and the assets that come out of installed packages."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Response, current_app, send_from_directory

from workflow import store

ops = Blueprint("ops", __name__)
BOOTSTRAP = Path(str(files("flask_bootstrap"))) / "static" / "bootstrap5"
SWAGGER = Path(str(files("flask_swagger_ui"))) / "dist"


@ops.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@ops.get("/readyz")
def readyz() -> tuple[dict[str, str], int]:
    """The database answers and is migrated."""
    try:
        with current_app.extensions["office"].db.read() as connection:
            store.query(connection, "SELECT count(*) AS n FROM organisations")
    except Exception:  # whatever it is, the service is not ready
        return {"status": "unavailable"}, 503
    return {"status": "ready"}, 200


@ops.get("/metrics")
def metrics() -> Response:
    """Counts for a monitor on this machine."""
    with current_app.extensions["office"].db.read() as connection:
        rows = store.query(connection, "SELECT kind, state, count(*) AS n FROM cases GROUP BY kind, state")
        box = store.query(connection, "SELECT state, count(*) AS n FROM outbox GROUP BY state")
    lines = ["# TYPE fpd_cases gauge", *(f'fpd_cases{{kind="{r["kind"]}",state="{r["state"]}"}} {r["n"]}' for r in rows)]
    lines += ["# TYPE fpd_outbox gauge", *(f'fpd_outbox{{state="{r["state"]}"}} {r["n"]}' for r in box)]
    return Response("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")


def vendor(package: str, name: str) -> Response:
    """Third-party styles and scripts straight from the installed packages; nothing is copied, nothing fetched."""
    folder = {"bootstrap": BOOTSTRAP, "swagger-ui": SWAGGER}.get(package)
    if folder is None:
        from api.errors import HttpProblem

        raise HttpProblem(404, "not_found")
    return send_from_directory(folder, name, max_age=86400)


@ops.record_once
def _routes(state) -> None:  # type: ignore[no-untyped-def]
    state.app.add_url_rule("/vendor/<package>/<path:name>", "vendor", vendor)
    state.app.add_url_rule(
        "/favicon.ico", "favicon", lambda: send_from_directory(Path(state.app.static_folder), "favicon.svg", mimetype="image/svg+xml", max_age=86400)
    )
