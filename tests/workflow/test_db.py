"""The one transaction helper and the guards of both databases."""

from __future__ import annotations

import multiprocessing
import sqlite3
from threading import Thread

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from workflow import clock, db, store
from workflow.audit.entry import GENESIS
from workflow.errors import Busy
from workflow.models import CodeCounter

REFUSALS = (DBAPIError, sqlite3.DatabaseError, psycopg.DatabaseError)


def count(database, series):
    with database.read() as connection:
        rows = store.query(connection, "SELECT last FROM code_counter WHERE series = :s", s=series)
    return rows[0]["last"] if rows else 0


def draw(url, series, times):
    database = db.Database(url)
    for _ in range(times):
        database.transact(lambda connection: store.next_number(connection, series))
    database.close()


# --- one transaction -----------------------------------------------------------------------------------------


def test_all_or_nothing(database):
    def fails(connection):
        store.next_number(connection, "lost")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        database.transact(fails)
    assert count(database, "lost") == 0
    assert database.transact(lambda connection: store.next_number(connection, "kept")) == 1
    assert count(database, "kept") == 1


def test_a_read_writes_nothing(database):
    with database.read() as connection:
        store.next_number(connection, "read")
    assert count(database, "read") == 0


def test_a_read_sees_one_moment(database):
    with database.read() as connection:
        sql = "SELECT count(*) AS n FROM code_counter WHERE series = 'meanwhile'"
        before = store.query(connection, sql)
        writer = Thread(target=database.transact, args=(lambda c: store.next_number(c, "meanwhile"),))
        writer.start()
        writer.join(20)
        assert store.query(connection, sql) == before
    assert count(database, "meanwhile") == 1


def test_writers_after_readers_are_not_held_to_a_snapshot(database):
    """The isolation of a read is given back with its connection."""
    with database.read():
        pass
    if database.dialect == "postgresql":
        sql = "SELECT current_setting('transaction_isolation') AS level"
        assert database.transact(lambda connection: store.query(connection, sql)) == [{"level": "read committed"}]


def test_threads_and_processes_lose_nothing(database):
    threads = [Thread(target=draw, args=(database.url, "many", 20)) for _ in range(3)]
    threads += [Thread(target=lambda: [database.transact(lambda c: store.next_number(c, "many")) for _ in range(20)]) for _ in range(3)]
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=draw, args=(database.url, "many", 20)) for _ in range(2)]
    for item in [*processes, *threads]:
        item.start()
    for item in [*threads, *processes]:
        item.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert count(database, "many") == 160


def test_the_whole_work_is_done_again(database, monkeypatch):
    monkeypatch.setattr(clock, "sleep", lambda seconds: None)
    lost = sqlite3.OperationalError("database is locked") if database.dialect == "sqlite" else psycopg.errors.SerializationFailure("lost")
    calls = []

    def twice(connection):
        calls.append(store.next_number(connection, "again"))
        if len(calls) < 3:
            raise lost
        return "done"

    assert database.transact(twice) == "done"
    assert calls == [1, 1, 1] and count(database, "again") == 1


def test_busy_when_it_never_works_and_no_second_try_of_an_error(database, monkeypatch):
    waits = []
    monkeypatch.setattr(clock, "sleep", waits.append)
    lost = sqlite3.OperationalError("database is locked") if database.dialect == "sqlite" else psycopg.errors.DeadlockDetected("lost")
    calls = []

    def never(connection):
        calls.append(store.next_number(connection, "never"))
        raise lost

    with pytest.raises(Busy):
        database.transact(never)
    assert len(calls) == db.TRIES == len(waits) + 1 and count(database, "never") == 0
    calls.clear()

    def wrong(connection):
        calls.append(1)
        raise ValueError

    with pytest.raises(ValueError):
        database.transact(wrong)
    assert calls == [1]


def test_who_comes_second_with_a_key_finds_the_answer_of_the_first(database):
    if database.dialect != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    columns = "user_id, scope, key, body_hash, at"
    insert = f"INSERT INTO idempotency ({columns}) VALUES ('u', 's', 'k', 'b', '2026')"
    looks = []

    def work(connection):
        looks.append(len(store.query(connection, "SELECT 1 AS n FROM idempotency WHERE key = 'k'")))
        if looks == [0]:  # between our look and our write
            database.transact(lambda other: store.execute(other, insert))
        return "found" if looks[-1] else store.execute(connection, insert)

    assert database.transact(work) == "found" and looks == [0, 1]


def test_any_other_unique_key_is_told_at_once(database):
    tries = []

    def work(connection):
        tries.append(1)
        for _ in range(2):
            store.execute(connection, "INSERT INTO code_counter (series, last) VALUES ('twice', 1)")

    with pytest.raises(REFUSALS):
        database.transact(work)
    assert tries == [1] and count(database, "twice") == 0


def test_a_writer_waits_for_one_who_does_not_know_the_lock_file(database):
    if database.dialect != "sqlite":
        pytest.skip("a matter of SQLite's file lock")
    other = sqlite3.connect(sa.make_url(database.url).database, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    waiting = Thread(target=database.transact, args=(lambda connection: store.next_number(connection, "wait"),))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    other.execute("ROLLBACK")
    other.close()
    waiting.join(20)
    assert count(database, "wait") == 1


def test_sessions_undo_and_keep(database):
    with database.session() as session:
        session.add(CodeCounter(series="orm", last=1))
        session.flush()
        session.rollback()
    with database.session() as session:
        assert session.get(CodeCounter, "orm") is None
        session.add(CodeCounter(series="orm", last=7))
        session.commit()
    assert count(database, "orm") == 7


# --- settings ------------------------------------------------------------------------------------------------


def test_settings_of_a_connection(database):
    with database.read() as connection:
        if database.dialect == "sqlite":
            pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}
            for name, value in pragmas.items():
                assert connection.exec_driver_sql(f"PRAGMA {name}").scalar() == value, name
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() >= 5000
        else:
            shown = {n: connection.exec_driver_sql(f"SHOW {n}").scalar() for n in ("statement_timeout", "lock_timeout", "synchronous_commit")}
            assert shown == {"statement_timeout": "5s", "lock_timeout": "3s", "synchronous_commit": "on"}
            assert connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar() == "15s"
            assert connection.connection.dbapi_connection.prepare_threshold == 1


@pytest.mark.parametrize("sql", [
    "UPDATE audit_entry SET action = 'x'", "DELETE FROM opening", "DELETE FROM dossiers", "DROP TABLE reads", "DROP TRIGGER cases_version",
    "DROP INDEX uq_audit_entry_decision", "ALTER TABLE cases ADD COLUMN x", "ATTACH ':memory:' AS other", "PRAGMA writable_schema=ON",
    "PRAGMA recursive_triggers=OFF", "PRAGMA foreign_keys=OFF", "PRAGMA synchronous=OFF", "PRAGMA Journal_Mode=DELETE",
    "CREATE TEMP TRIGGER quiet BEFORE INSERT ON audit_entry BEGIN SELECT 1; END",
])  # fmt: skip
def test_the_service_itself_cannot_put_the_guards_away(database, sql):
    if database.dialect != "sqlite":
        pytest.skip("the authorizer is SQLite's")
    with pytest.raises(DBAPIError, match="not authorized"), database.read() as connection:
        connection.exec_driver_sql(sql)


# --- guards inside the database, by raw SQL --------------------------------------------------------------------


@pytest.fixture(scope="module")
def case(ledger):
    return ledger.story("requested", "under_review")


@pytest.mark.parametrize("sql", [
    "UPDATE audit_entry SET action = 'x' WHERE case_id = :id", "DELETE FROM audit_entry WHERE case_id = :id",
    "UPDATE opening SET value = '1' WHERE stream = 'case/' || :id", "DELETE FROM opening WHERE stream = 'case/' || :id",
    "UPDATE dossiers SET fields = '1' WHERE case_id = :id", "DELETE FROM dossiers WHERE case_id = :id",
    "UPDATE cases SET title = 'x' WHERE id = :id", "UPDATE cases SET version = version + 2 WHERE id = :id",
    "UPDATE cases SET version = version - 1 WHERE id = :id", "UPDATE cases SET id = 'other', version = version + 1 WHERE id = :id",
    "DELETE FROM cases WHERE id = :id",
])  # fmt: skip
def test_nothing_written_is_changed(ledger, case, sql):
    with pytest.raises(REFUSALS):
        ledger.attack(sql, id=case)


def test_replacing_does_not_pass_even_without_recursive_triggers(ledger, case):
    if ledger.database.dialect != "sqlite":
        pytest.skip("PostgreSQL has no INSERT OR REPLACE")
    with ledger.database.read() as connection:
        kept = {
            "audit_entry": store.query(connection, "SELECT * FROM audit_entry WHERE case_id = :id AND seq = 3", id=case)[0],
            "opening": store.query(connection, "SELECT * FROM opening WHERE stream = 'case/' || :id AND seq = 3", id=case)[0],
            "dossiers": store.query(connection, "SELECT * FROM dossiers WHERE case_id = :id", id=case)[0],
            "cases": store.query(connection, "SELECT * FROM cases WHERE id = :id", id=case)[0],
        }
    for table, row in kept.items():
        names = ", ".join(row)
        with pytest.raises(REFUSALS):
            ledger.attack(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({', '.join(':' + n for n in row)})", **row)


def test_upserts_and_truncation_do_not_pass(ledger, case):
    if ledger.database.dialect != "postgresql":
        pytest.skip("a matter of PostgreSQL")
    with ledger.database.read() as connection:
        row = store.query(connection, "SELECT * FROM opening WHERE stream = 'case/' || :id AND seq = 1", id=case)[0]
    upsert = "INSERT INTO opening (stream, seq, field, salt, value) VALUES (:stream, :seq, :field, :salt, :value)"
    for sql in (
        f"{upsert} ON CONFLICT (stream, seq, field) DO UPDATE SET value = 'x'",
        "TRUNCATE audit_entry CASCADE", "TRUNCATE opening", "TRUNCATE dossiers", "TRUNCATE reads", "TRUNCATE cases CASCADE",
    ):  # fmt: skip
        with pytest.raises(REFUSALS):
            ledger.attack(sql, **row)
    with pytest.raises(REFUSALS):  # ENABLE ALWAYS: the role of a replica does not switch triggers off
        ledger.attack("SET session_replication_role = replica", "DELETE FROM audit_entry WHERE case_id = :id", id=case)


def test_an_entry_must_follow_the_last_one_and_fit_its_hash(ledger, case):
    with ledger.database.read() as connection:
        last = store.query(connection, "SELECT seq, entry_hash FROM audit_entry WHERE case_id = :id ORDER BY seq DESC LIMIT 1", id=case)[0]
    seq, head = last["seq"], last["entry_hash"]
    wrong = {
        "a gap": ledger.entry(case, seq + 2, head, "x"),
        "a number again": ledger.entry(case, seq, head, "x"),
        "not chained": ledger.entry(case, seq + 1, GENESIS, "x"),
        "another text": ledger.entry(case, seq + 1, head, "x", canonical="{}"),
        "another hash": ledger.entry(case, seq + 1, head, "x", entry_hash="f" * 64),
        "a first one that is no first one": ledger.entry("nobody", 2, head, "x"),
    }
    for name, (row, _) in wrong.items():
        with pytest.raises(REFUSALS):
            ledger.attack(f"INSERT INTO audit_entry ({', '.join(row)}) VALUES ({', '.join(':' + n for n in row)})", **row)
            pytest.fail(name)


def test_one_decision_a_round(ledger):
    case = ledger.open()
    ledger.step(case, "approved", decides=True)
    with pytest.raises((*REFUSALS, Busy)):
        ledger.step(case, "rejected", decides=True)
    with ledger.database.read() as connection:
        assert store.query(connection, "SELECT state, version FROM cases WHERE id = :id", id=case) == [{"state": "approved", "version": 2}]


def test_a_case_and_its_entry_come_together_or_not_at_all(ledger, case):
    database = ledger.database

    def alone(connection):
        ledger.insert(connection, "cases", ledger.case_row("alone", "f" * 64))

    def moved(connection):
        store.execute(connection, "UPDATE cases SET version = version + 1, head_hash = :h, state = 'approved' WHERE id = :id", h="f" * 64, id=case)

    def kept_head(connection):
        store.execute(connection, "UPDATE cases SET version = version + 1, state = 'approved' WHERE id = :id", id=case)

    for work in (alone, moved, kept_head):
        with pytest.raises(REFUSALS, match=r"(?i)foreign key"):
            database.transact(work)
    with database.read() as connection:
        assert store.query(connection, "SELECT id FROM cases WHERE id = 'alone'") == []
        assert store.query(connection, "SELECT state FROM cases WHERE id = :id", id=case) == [{"state": "under_review"}]


def test_an_origin_opens_one_child_only(ledger):
    ledger.open(origin="hash:receipt")
    ledger.open(origin=None)
    ledger.open(origin=None)
    with pytest.raises(REFUSALS):
        ledger.open(origin="hash:receipt")


def test_a_bare_shell_cannot_add_to_the_record(ledger, case):
    if ledger.database.dialect != "sqlite":
        pytest.skip("a matter of SQLite")
    shell = sqlite3.connect(sa.make_url(ledger.database.url).database)
    try:
        with pytest.raises(sqlite3.OperationalError, match="fpd_sha256"):
            row, _ = ledger.entry("shell", 1, GENESIS, "x")
            shell.execute(f"INSERT INTO audit_entry ({', '.join(row)}) VALUES ({', '.join(':' + n for n in row)})", row)
    finally:
        shell.close()
