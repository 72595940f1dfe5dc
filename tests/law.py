"""Rules of an office set for a test, as two people would have set them: a version of the locality's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from workflow import clock, store


def set_rule(office, code: str, value: str, *, since: str = "2000-01-01", unit: str | None = None) -> None:
    """Put a version of the locality's own in force from a day."""

    def work(connection):
        was = office.rulebook.on(clock.today())[code] if office._rulebook else None
        store.execute(connection, "DELETE FROM rule_versions WHERE id = :id", id=f"test:{code}")
        store.execute(
            connection,
            "INSERT INTO rule_versions (id, code, locality, value, unit, basis, valid_from, standing, status, entered_by, entered_at)"
            " VALUES (:id, :code, :place, :value, :unit, 'office', :since, 'confirmed', 'in_force', 'system', :at)",
            id=f"test:{code}", code=code, place=office.profile.code, value=value, unit=unit or (was.unit if was else "text"), since=since,
            at=clock.stamp(clock.now()),
        )  # fmt: skip

    _change(office, work)


def drop_rule(office, code: str) -> None:
    """Take the test's version away again."""
    _change(office, lambda connection: store.execute(connection, "DELETE FROM rule_versions WHERE id = :id", id=f"test:{code}"))


def _change(office, work) -> None:
    with office.db.read() as connection:
        office.refresh(connection)
    office.db.transact(work)
    office.forget()
    with office.db.read() as connection:
        office.refresh(connection, force=True)


@contextmanager
def ruled(office, code: str, value: str, **rest) -> Iterator[None]:
    """A rule as long as the block runs."""
    set_rule(office, code, value, **rest)
    try:
        yield
    finally:
        drop_rule(office, code)
