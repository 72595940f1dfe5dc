"""Runs migrations on the database that the configuration names: all of them in one transaction, one runner at a time."""

from alembic import context

from workflow.db import engine_for
from workflow.models import Base

engine = engine_for(context.config.attributes["url"], guarded=False)

try:
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")  # batches rebuild tables; of no effect once begun
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # A long index build may take its time; waiting for another runner too, but not for a table in use.
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql("SET lock_timeout = '60s'")
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(6018001)")
            connection.exec_driver_sql("SET lock_timeout = '3s'")
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
finally:
    engine.dispose()
