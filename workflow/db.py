"""The database: engine, sessions, and the one transaction helper. SQLite and PostgreSQL alike.

SQLite runs in WAL with `synchronous=FULL` (anything less loses acknowledged commits at a power cut); a
writer takes an advisory file lock before BEGIN IMMEDIATE, so that many writers queue instead of colliding.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from workflow import chance, clock
from workflow.crypto import Keyring, unsealed
from workflow.errors import Busy

try:
    import fcntl
except ImportError:  # Windows: busy_timeout alone keeps writers apart
    fcntl = None  # type: ignore[assignment]

T = TypeVar("T")
TRIES = 6
_GUARDED = {"audit_entry", "opening", "dossiers", "reads"}
# What of the append-only tables may be sealed anew under another key (see `resealing`); the triggers see to the rest.
_RESEALED = {("opening", "value"), ("dossiers", "fields"), ("reads", "purpose")}
_AGAIN = {"40001", "40P01", "55P03"}
_RACED = ("uq_audit_entry", "pk_idempotency")
_REFUSED = {
    sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_DROP_TRIGGER, sqlite3.SQLITE_DROP_INDEX, sqlite3.SQLITE_ALTER_TABLE,
    sqlite3.SQLITE_CREATE_TRIGGER, sqlite3.SQLITE_CREATE_TEMP_TRIGGER, sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH,
}  # fmt: skip
# Switches that would put the guards or the durability out of work; they are set before the authorizer is.
_SWITCHES = {"writable_schema", "recursive_triggers", "foreign_keys", "ignore_check_constraints", "synchronous", "journal_mode"}


def sha256_text(text: str) -> str:
    """The hash of an entry's canonical text, for the guard inside SQLite."""
    return hashlib.sha256(b"fpd-entry-v1\x00" + text.encode()).hexdigest()


def _authorise(action: int, one: str | None, two: str | None, *_: Any) -> int:
    if action in (sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE) and one in _GUARDED:
        return sqlite3.SQLITE_DENY
    if action in _REFUSED:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and two is not None and (one or "").lower() in _SWITCHES:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _authorise_reseal(action: int, one: str | None, two: str | None, *rest: Any) -> int:
    return sqlite3.SQLITE_OK if action == sqlite3.SQLITE_UPDATE and (one, two) in _RESEALED else _authorise(action, one, two, *rest)


@contextmanager
def resealing(connection: Connection) -> Iterator[None]:
    """Inside, in a transaction of `transact`, sealed values of the append-only tables may be replaced by other sealed values.

    The triggers go on refusing whatever would change more than ciphertexts, and everybody else.
    """
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name != "sqlite":
        driver.execute("SET LOCAL fpd.reseal = 'on'")
        yield
        return
    driver.set_authorizer(_authorise_reseal)
    try:
        yield
    finally:  # setting one makes every prepared statement ask again
        driver.set_authorizer(_authorise)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare_sqlite(guarded: bool, fast: bool) -> Callable[[Any, Any], None]:
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL", f"synchronous={'NORMAL' if fast else 'FULL'}", "foreign_keys=ON", "recursive_triggers=ON",
            "busy_timeout=10000",
        ):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("fpd_sha256", 1, sha256_text, deterministic=True)
        connection.create_function("fpd_unsealed", 1, unsealed, deterministic=True)
        if guarded:
            connection.set_authorizer(_authorise)

    return prepare


def _prepare_postgres(generic: bool) -> Callable[[Any, Any], None]:
    settings = "SET statement_timeout = '5s'; SET lock_timeout = '3s'; SET idle_in_transaction_session_timeout = '15s'"
    if generic:  # the writer's few statements find their rows by key: planning them anew each time costs more than running them
        settings += "; SET plan_cache_mode = force_generic_plan"

    def prepare(connection: Any, _: Any) -> None:
        connection.prepare_threshold = 1
        with connection.cursor() as cursor:
            cursor.execute(settings)
        connection.commit()

    return prepare


def engine_for(url: str, *, guarded: bool = True, fast: bool = False, generic: bool = False, **rest: Any) -> Engine:
    """An engine with the pragmas and guards of its database. `fast` exists for measuring only.

    `generic` keeps one plan for each statement (PostgreSQL); `rest` goes to SQLAlchemy's `create_engine`.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"check_same_thread": False, "cached_statements": 512}, pool_size=8, max_overflow=8)
        event.listen(engine, "connect", _prepare_sqlite(guarded, fast))
    else:
        engine = create_engine(parsed, pool_size=4, max_overflow=8, pool_recycle=1800, **rest)
        event.listen(engine, "connect", _prepare_postgres(generic))
    return engine


def reachable(url: str) -> Database | None:
    """The database of that address if it can be looked at without making it: a file is not made by asking."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and not (address.database and Path(address.database).is_file()):
        return None
    return Database(url)


class Database:
    """One database, shared by all threads of a process."""

    def __init__(self, url: str, *, fast: bool = False, keys: Keyring | None = None):
        self.url = url
        self.keys = keys
        self.engine = engine_for(url, fast=fast)
        self.dialect = self.engine.dialect.name
        # One snapshot for all statements of a read: lists and their counts, and above all the verifier, which
        # would otherwise see an entry of a later moment than its case and call a sound record broken.
        self._reader = self._writer = self.engine
        forms = self.engine
        event.listen(self.engine, "connect", self._lend_keys)
        if self.dialect != "sqlite":
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ")
            self._writer = engine_for(url, generic=True, isolation_level="AUTOCOMMIT")
            event.listen(self._writer, "connect", self._lend_keys)
        else:  # the driver begins nothing by itself: without this a session would commit each statement
            forms = self.engine.execution_options()
            event.listen(forms, "begin", _begin)
        self.session: Callable[[], Session] = sessionmaker(forms, expire_on_commit=False)
        self._kept: tuple[int, Connection] | None = None
        self._mutex = RLock()
        path = make_url(url).database
        self._lock_path = Path(f"{path}.lock") if self.dialect == "sqlite" and path and path != ":memory:" else None
        self._lock_file: int | None = None

    def _lend_keys(self, _: Any, record: Any) -> None:
        """Whoever reads a case through a connection of this database opens what is sealed in it."""
        record.info["keys"] = self.keys

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction on one snapshot; whatever it changes is undone."""
        with self._reader.connect() as connection:
            if self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN")
                try:
                    yield connection
                finally:
                    connection.connection.rollback()
            else:
                yield connection
                connection.rollback()

    def transact(self, work: Callable[[Connection], T], *, one_write: bool = False) -> T:
        """Run the whole of `work` in one write transaction; on a lost race of the database, run it again.

        `one_write`: the work reads and then writes by one statement, which is a transaction by itself on
        PostgreSQL and saves two round trips; where it has to write more, the first such statement of `store`
        opens the transaction. On SQLite it is there from the start. Raises `Busy` when it could not be done in
        several tries; nothing is written then.
        """
        for attempt in range(TRIES):
            try:
                return self._once(work, one_write)
            except Exception as error:
                if not _try_again(error):
                    raise
                if attempt == TRIES - 1:
                    raise Busy() from error
                clock.sleep(chance.jitter(0.02 * 2**attempt))
        raise Busy()

    def _once(self, work: Callable[[Connection], T], one_write: bool) -> T:
        if self.dialect != "sqlite":
            with self._writer.connect() as connection:
                return self._judged(connection, work, None if one_write else "BEGIN")
        with self._writing():
            return self._judged(self._kept_writer(), work, "BEGIN IMMEDIATE")

    @staticmethod
    def _judged(connection: Connection, work: Callable[[Connection], T], opening: str | None) -> T:
        """The work between BEGIN and COMMIT, on a connection that begins nothing by itself."""
        raw: Any = connection.connection
        cursor = raw.cursor()
        try:
            if opening:
                cursor.execute(opening)
            done = work(connection)
            if _in_transaction(raw):
                cursor.execute("COMMIT")
            return done
        except BaseException:
            if _in_transaction(raw):
                cursor.execute("ROLLBACK")
            raise
        finally:
            cursor.close()

    def _kept_writer(self) -> Connection:
        """SQLite has one writer at a time: its connection is kept, one a process, and used under the mutex only."""
        here = os.getpid()
        if self._kept is None or self._kept[0] != here:
            self._kept = (here, self.engine.connect())
        return self._kept[1]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._mutex:
            if self._lock_path is None or fcntl is None:
                yield
                return
            if self._lock_file is None:
                self._lock_file = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock_file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give back every connection."""
        if self._kept is not None:
            self._kept[1].close()
            self._kept = None
        self.engine.dispose()
        self._writer.dispose()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None


def _in_transaction(raw: Any) -> bool:
    """Whether a transaction is open on the driver's connection; false where the connection is lost."""
    driver = raw.dbapi_connection
    if isinstance(driver, sqlite3.Connection):
        return driver.in_transaction
    return not driver.closed and driver.info.transaction_status != 0


def _try_again(error: BaseException) -> bool:
    original = error.orig if isinstance(error, DBAPIError) else error
    if getattr(original, "sqlstate", None) in _AGAIN:
        return True
    if isinstance(original, sqlite3.OperationalError):
        return "locked" in str(original) or "busy" in str(original)
    # Some unique keys are the last guard of a race: whoever comes second judges the case, or finds the answer, anew.
    # SQLite has one writer at a time, so that nobody comes second there.
    return getattr(original, "sqlstate", None) == "23505" and any(key in str(original) for key in _RACED)


# --- migrations ----------------------------------------------------------------------------------------------


def _alembic(url: str) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).resolve().parent.parent / "migrations"))
    config.attributes["url"] = url
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Bring a database up to a revision; two at once wait for each other. Makes the folder of a SQLite file."""
    from alembic import command

    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    command.upgrade(_alembic(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Take a database down to a revision."""
    from alembic import command

    command.downgrade(_alembic(url), revision)
