"""Runs migrations on the database that the configuration names."""

from alembic import context

from workflow.db import engine_for
from workflow.models import Base

engine = engine_for(context.config.attributes["url"], guarded=False)

with engine.connect() as connection:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit() if not sqlite else None
engine.dispose()
