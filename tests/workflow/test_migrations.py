"""The migrations: equal to the models, up, down and up again with data, one runner at a time, whole or not at all."""

from __future__ import annotations

import multiprocessing

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.conftest import Ledger
from workflow import db
from workflow.models import Base

TRIGGERS = {"sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'", "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"}
APPEND_ONLY = ("audit_entry", "opening", "dossiers", "reads")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request, tmp_path):
    """The address of an empty database, on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'folder' / 'm.sqlite3'}"
    return request.getfixturevalue("postgres")()


def look(url, ask):
    engine = db.engine_for(url, guarded=False)
    try:
        with engine.connect() as connection:
            return ask(connection)
    finally:
        engine.dispose()


def tables(url):
    return set(look(url, lambda connection: sa.inspect(connection).get_table_names())) - {"alembic_version"}


def fill(url):
    database = db.Database(url)
    case = Ledger(database).story("requested")
    database.close()
    return case


def test_the_migration_makes_what_the_models_say(url):
    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata)

    assert look(url, differences) == []
    assert tables(url) == set(Base.metadata.tables)


def test_what_a_comparison_does_not_see(url):
    """Autogeneration sees no check constraint, no deferral, no trigger and no storage setting."""

    def ask(connection):
        inspector = sa.inspect(connection)
        checks = {check["name"] for check in inspector.get_check_constraints("audit_entry")}
        keys = {key["name"]: key for key in inspector.get_foreign_keys("cases")}
        triggers = set(connection.exec_driver_sql(TRIGGERS[connection.dialect.name]).scalars())
        return checks, keys, triggers, connection.dialect.name

    checks, keys, triggers, dialect = look(url, ask)
    assert "ck_audit_entry_hashes" in checks
    head = keys["fk_cases_head"]
    assert head["constrained_columns"] == ["id", "version", "head_hash"]
    assert head["referred_columns"] == ["case_id", "seq", "entry_hash"]
    assert head["options"].get("deferrable") is True and head["options"].get("initially") == "DEFERRED"
    assert {"audit_entry_chain", "cases_version", "cases_no_delete"} <= triggers
    if dialect == "sqlite":
        assert {f"{t}_no_{verb}" for t in APPEND_ONLY for verb in ("update", "delete")} <= triggers
        assert {"opening_once", "dossiers_once", "reads_once", "cases_once"} <= triggers
    else:
        assert {f"{t}_no_{what}" for t in APPEND_ONLY for what in ("change", "truncate")} <= triggers

        def always(connection):
            return set(connection.exec_driver_sql("SELECT tgenabled FROM pg_trigger WHERE NOT tgisinternal").scalars())

        assert look(url, always) == {"A"}
        sql = "SELECT reloptions FROM pg_class WHERE relname = 'cases'"
        assert look(url, lambda connection: connection.exec_driver_sql(sql).scalar()) == ["fillfactor=80"]


def test_up_down_and_up_with_data(empty):
    db.migrate(empty)
    fill(empty)
    db.migrate(empty)  # of no effect the second time, and harmless to what is there
    assert look(empty, lambda connection: connection.exec_driver_sql("SELECT count(*) FROM audit_entry").scalar()) == 2
    db.downgrade(empty, "base")
    assert tables(empty) == set()
    if empty.startswith("postgresql"):
        left = "SELECT count(*) FROM pg_proc WHERE proname LIKE 'fpd@_%' ESCAPE '@'".replace("%", "%%")
        assert look(empty, lambda connection: connection.execute(sa.text(left.replace("%%", "%"))).scalar()) == 0
    db.migrate(empty)
    assert tables(empty) == set(Base.metadata.tables)
    fill(empty)


def test_two_runners_at_once(empty):
    context = multiprocessing.get_context("spawn")
    runners = [context.Process(target=db.migrate, args=(empty,)) for _ in range(3)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(60)
    assert [runner.exitcode for runner in runners] == [0, 0, 0]
    assert tables(empty) == set(Base.metadata.tables)


def test_a_migration_that_fails_leaves_nothing(empty):
    db.migrate(empty)
    db.downgrade(empty, "base")
    look(empty, lambda connection: (connection.exec_driver_sql("CREATE TABLE papers (id TEXT)"), connection.commit()))
    with pytest.raises(sa.exc.DBAPIError):
        db.migrate(empty)
    assert tables(empty) == {"papers"}
    look(empty, lambda connection: (connection.exec_driver_sql("DROP TABLE papers"), connection.commit()))
    db.migrate(empty)
    assert tables(empty) == set(Base.metadata.tables)


def test_a_fresh_postgresql_database_a_module(postgres_url):
    assert tables(postgres_url) == set()
