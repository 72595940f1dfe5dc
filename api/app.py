"""Assembles the application, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from flask import Flask
from flask.json.provider import DefaultJSONProvider
from werkzeug.middleware.proxy_fix import ProxyFix

from api import errors, language, login, security
from api.settings import ROOT, Settings, read_settings
from workflow import Office, chance
from workflow.crypto import write_private


class Json(DefaultJSONProvider):
    """Answers through orjson: times as they are stored, no escapes."""

    def dumps(self, obj: Any, **_: Any) -> str:
        """Text of an object."""
        return orjson.dumps(obj, default=self.default).decode()

    def loads(self, s: Any, **_: Any) -> Any:
        """Object of a text."""
        return orjson.loads(s)


def _secret(folder: Path) -> str:
    """The key of the short-lived messages between two pages: one for all processes of an installation, kept beside its data."""
    path = folder / "secret"
    if not path.is_file():
        write_private(path, chance.token())  # another process may have been first: then its secret stands
    return path.read_text("utf-8")


def create_app(settings: Settings | None = None, office: Office | None = None) -> Flask:
    """The application on a migrated database."""
    settings = settings or read_settings()
    app = Flask("fpd", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "api" / "static"), static_url_path="/static")
    app.json = Json(app)
    app.secret_key = _secret(settings.var)
    app.config.update(FPD=settings, MAX_CONTENT_LENGTH=12 * 1024 * 1024, MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024, MAX_FORM_PARTS=3000)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["office"] = office or Office.open(settings.database_url, settings.var / "files", settings.locality, settings.keys())
    if settings.proxies:  # exactly as many as stand there: of the addresses that a request names, no further one is believed
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    login.install(app)
    security.install(app)
    errors.install(app)
    language.install(app)
    from api.ops import ops
    from api.rest import rest
    from api.web import web

    app.register_blueprint(ops)
    app.register_blueprint(rest, url_prefix="/api/v1")
    app.register_blueprint(web)
    return app
