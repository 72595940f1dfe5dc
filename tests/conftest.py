"""Shared ground of the tests: both databases, an office with the demo's people, an application."""

from __future__ import annotations

import shutil

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from tests.servers import application, postgres_server
from workflow import Office, chance, db, demo, store, users
from workflow.audit import entry

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
    with postgres_server() as make:
        yield make


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
def postgres_url(postgres):
    """The address of a fresh, empty PostgreSQL database, one a module."""
    return postgres()


@pytest.fixture(scope="module")
def database(url):
    """An empty migrated database, on both kinds."""
    found = db.Database(url)
    yield found
    found.close()


class Ledger:
    """Writes bare cases and entries into a database: the storage rooms alone, without kinds and people."""

    def __init__(self, database: db.Database):
        self.database = database

    def entry(self, case: str, seq: int, prev: str, target: str, *, source: str | None = None, inputs=None, **changed):
        """The columns of one well-formed entry and the rows of its openings; `changed` spoils columns on purpose."""
        opened = {f"input.{name}": (chance.salt(), value) for name, value in (inputs or {}).items()}
        document = {
            "fmt": "fpd-audit/1", "stream": f"case/{case}", "seq": seq, "at": f"2026-11-24T01:02:{seq:02}.000000Z", "actor": "u1",
            "role": "officer", "action": "go", "to": target, "round": 1, "prev": prev,
            "commitments": {name: entry.commitment(name, salt, value) for name, (salt, value) in opened.items()},
        }  # fmt: skip
        if source:
            document["from"] = source
        text = entry.canonical(document)
        row = {
            "stream": f"case/{case}", "seq": seq, "case_id": case, "at": document["at"], "actor_id": "u1", "role": "officer", "org_id": None,
            "action": "go", "from_state": source, "to_state": target, "round": 1, "decides": False, "prev": prev,
            "entry_hash": entry.entry_hash(text), "canonical": text.decode(),
        }  # fmt: skip
        return {**row, **changed}, [(f"case/{case}", seq, name, salt.hex(), value) for name, (salt, value) in opened.items()]

    def case_row(self, case: str, head: str, state: str = "draft", **changed):
        """The columns of a case at version 1."""
        row = dict.fromkeys(store.CASE)
        row.update(
            id=case, kind="visit", flow_version=1, state=state, version=1, round=1, head_hash=head, created_by="system", channel="online",
            urgent=False, referred=False, accepted=False, is_open=True, due_at="9999-12-31T00:00:00.000000Z", title="", outlet="",
            memory="{}", dossier_no=1, search_text="", created_at="2026-11-24T01:02:03.000000Z", updated_at="2026-11-24T01:02:03.000000Z",
        )  # fmt: skip
        return {**row, **changed}

    def open(self, case: str | None = None, **changed) -> str:
        """A case with its first entry, in one transaction: the key to the head is deferred."""
        case = case or chance.public_id()
        first, openings = self.entry(case, 1, entry.GENESIS, "draft", inputs={"opinion": '"yes"'})

        def work(connection):
            self.insert(connection, "cases", self.case_row(case, first["entry_hash"], **changed))
            self.insert(connection, "audit_entry", first)
            for row in openings:
                self.insert(connection, "opening", dict(zip(store.TABLES["opening"], row, strict=True)))
            self.insert(connection, "dossiers", {
                "case_id": case, "no": 1, "round": 1, "fields": "{}", "papers": "{}", "content_hash": "0" * 64,
                "at": first["at"], "by_id": "u1"})  # fmt: skip

        self.database.transact(work)
        return case

    def step(self, case: str, target: str, **changed) -> None:
        """One more entry, and the case moved with it."""

        def work(connection):
            was = store.query(connection, "SELECT version, head_hash, state FROM cases WHERE id = :id", id=case)[0]
            new, openings = self.entry(case, was["version"] + 1, was["head_hash"], target, source=was["state"], inputs={"opinion": '"no"'}, **changed)
            store.execute(
                connection, "UPDATE cases SET version = version + 1, head_hash = :head, state = :state WHERE id = :id",
                head=new["entry_hash"], state=target, id=case)  # fmt: skip
            self.insert(connection, "audit_entry", new)
            for row in openings:
                self.insert(connection, "opening", dict(zip(store.TABLES["opening"], row, strict=True)))

        self.database.transact(work)

    def story(self, *targets: str) -> str:
        """A case that went through these states."""
        case = self.open()
        for target in targets:
            self.step(case, target)
        return case

    @staticmethod
    def insert(connection, table: str, row, verb: str = "INSERT") -> None:
        """One row into a table; the verb may be `INSERT OR REPLACE` on SQLite."""
        names = ", ".join(row)
        store.execute(connection, f"{verb} INTO {table} ({names}) VALUES ({', '.join(':' + name for name in row)})", **row)

    def attack(self, *statements: str, **values) -> None:
        """Statements by somebody who holds the database: no authorizer, no foreign keys, no recursive triggers."""
        engine = db.engine_for(self.database.url, guarded=False)
        try:
            with engine.connect() as connection:
                if engine.dialect.name == "sqlite":
                    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
                    connection.exec_driver_sql("PRAGMA recursive_triggers=OFF")
                    connection.exec_driver_sql("BEGIN")
                for statement in statements:
                    store.execute(connection, statement, **values)
                connection.connection.commit()  # the driver's own: the statements went past SQLAlchemy
        finally:
            engine.dispose()


@pytest.fixture(scope="module")
def ledger(database):
    """Bare cases and entries, on both databases."""
    return Ledger(database)


@pytest.fixture(scope="module")
def office(url, tmp_path_factory):
    """An office with the demo's organisations and accounts, on both databases."""
    found = Office.open(url, tmp_path_factory.mktemp("files"))
    demo.load_accounts(found)
    with found.db.read() as connection:  # its catalogues are there from the start, whichever test comes first
        found.refresh(connection)
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
    return application(lite)


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
