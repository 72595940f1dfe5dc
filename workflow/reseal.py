"""Sealing anew after a key was rotated, and what still lies under which key.

Each value is opened with the key it lies under and sealed with the one in use, bound to the same place. A row is written
only if it still holds the text that was read: whoever changes it meanwhile wins. What was done stays done, so that a run
that was broken off is simply begun again. The record keeps its proofs: entries commit to what was typed, never to ciphertext.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from workflow import engine, pins, reads, sharing, store, vault
from workflow.audit.entry import opening_place
from workflow.crypto import MARK, Keyring, KeysError, key_of, sealed_in
from workflow.db import resealing
from workflow.office import Office

PAGE = 100  # rows read at once and written in one transaction
TRIES = 50  # values of one key that are opened to tell whether it is the right one

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column that holds sealed values: what tells its rows apart, and the place a row's text belongs to.

    `named`: the column that holds the name of the key, where the text itself does not.
    """

    table: str
    key: tuple[str, ...]
    name: str
    place: Callable[[Row], str]
    beside: tuple[str, ...] = ()
    named: str = ""

    @property
    def title(self) -> str:
        """`table.column`."""
        return f"{self.table}.{self.name}"

    def text(self, row: Row) -> str:
        """What a row holds, in the form in which sealed text names its key."""
        stored = row[self.name] or ""
        return f"{MARK}{row[self.named]}:{stored}" if self.named and stored else stored

    def set(self, text: str) -> dict[str, str]:
        """The columns that hold this text."""
        if not self.named:
            return {self.name: text}
        return {self.named: key_of(text), self.name: text.partition(":")[2]}


# Every column in which a sealed value may stand; a test holds this list against every column of a database that was lived in.
COLUMNS = (
    Column("dossiers", ("case_id", "no"), "fields", lambda row: str(row["case_id"])),
    Column("opening", ("stream", "seq", "field"), "value", lambda row: opening_place(row["stream"], row["seq"], row["field"])),
    Column("papers", ("id",), "wrapped_key", lambda row: vault.place(row["id"], "key"), named="key_id"),
    Column("papers", ("id",), "filename", lambda row: vault.place(row["id"], "filename")),
    Column("tracking_pins", ("case_id",), "pin", lambda row: pins.place(row["case_id"])),
    Column("shares", ("id",), "shown", lambda row: sharing.place(row["id"])),
    Column("reads", ("id",), "purpose", lambda row: reads.place(row["user_id"], row["at"]), beside=("user_id", "at")),
    Column("idempotency", ("user_id", "scope", "key"), "body", lambda row: engine.answer_place(row["user_id"], row["scope"], row["key"])),
)


# --- what lies under which key ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Lying:
    """How many values lie under a key, and whether any of those tried opened with it."""

    values: int = 0
    tried: int = 0
    opens: bool = False


def survey(office: Office) -> dict[str, Lying]:
    """What lies under each key, by its name, at one moment: the keys of the file in their order, then names that are not in it."""
    found: dict[str, Lying] = {}
    with office.db.read() as connection:
        for column in COLUMNS:
            for rows in _pages(lambda column, after: _page(connection, column, after), column):
                for row in rows:
                    _count(office.keys, found, sealed_in(column.text(row), column.place(row)))
    order = [*office.keys.names, *sorted(found.keys() - set(office.keys.names))]
    return {name: found.get(name, Lying()) for name in order}


def _count(keys: Keyring, found: dict[str, Lying], values: Iterable[tuple[str, str]]) -> None:
    for sealed, place in values:
        lying = found.setdefault(key_of(sealed), Lying())
        lying.values += 1
        if not lying.opens and lying.tried < TRIES:
            lying.tried += 1
            lying.opens = keys.opens(sealed, place)


def fitting(keys: Keyring, found: Mapping[str, Lying]) -> None:
    """Raise `KeysError` where these are the keys of another installation: what was sealed here would be lost to this one.

    They are where nothing at all opens, or nothing of what lies under the name of the key in use.
    """
    there = {name: lying for name, lying in found.items() if lying.values}
    current = there.get(keys.current)
    if there and (not any(lying.opens for lying in there.values()) or (current is not None and not current.opens)):
        raise KeysError(
            "Tệp khóa này không phải của cơ sở dữ liệu này: không mở được giá trị nào. Chưa có gì thay đổi. / "
            "This file of keys is not the one of this database: it opens no value. Nothing was changed."
        )


def free(keys: Keyring, found: Mapping[str, Lying], name: str) -> None:
    """Raise `KeysError` unless a key may be taken out: nothing lies under it, and this is the database of these keys."""
    fitting(keys, found)
    if not found[keys.current].values:
        raise KeysError(
            f"Cơ sở dữ liệu này không có gì dưới khóa đang dùng “{keys.current}”: có đúng cơ sở dữ liệu không? / "
            f"Nothing in this database lies under “{keys.current}”, the key in use: is it the right database?"
        )
    left = found[name].values if name in found else 0
    if left:
        raise KeysError(
            f"Còn {left} giá trị dưới khóa “{name}”; hãy chạy “fpd keys reseal”. Khóa vẫn giữ nguyên. / "
            f"{left} value(s) still lie under “{name}”: run “fpd keys reseal”. The key stays."
        )


# --- sealing anew ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lost:
    """A row with values that did not open: where it stands, how many, and the first reason."""

    column: str
    row: str
    values: int
    why: str


@dataclass(slots=True)
class Outcome:
    """What a run did: values sealed anew, rows that somebody changed meanwhile, rows that did not open whole."""

    values: int = 0
    rows: int = 0
    overtaken: int = 0
    lost: list[Lost] = field(default_factory=list)


def reseal(office: Office, told: Callable[[Outcome], None] = lambda outcome: None) -> Outcome:
    """Seal everything that lies under older keys under the one in use; `told` hears of each page that was written.

    May be broken off and run again, also beside a running service. Raises `KeysError`, with nothing changed, where the keys
    are not those of this database.
    """
    fitting(office.keys, survey(office))
    outcome = Outcome()
    for column in COLUMNS:
        for rows in _pages(lambda column, after: _read(office, column, after), column):
            _write(office, column, _anew(office.keys, column, rows, outcome), outcome)
            told(outcome)
    return outcome


@dataclass(frozen=True, slots=True)
class _Change:
    row: Row
    now: str
    values: int


def _anew(keys: Keyring, column: Column, rows: Iterable[Row], outcome: Outcome) -> list[_Change]:
    """What a page is to become; what does not open is noted and left."""
    changes = []
    for row in rows:
        made = keys.resealed(column.text(row), column.place(row))
        if made.lost:
            outcome.lost.append(Lost(column.title, ", ".join(f"{name}={row[name]}" for name in column.key), made.lost, made.why))
        if made.moved:
            changes.append(_Change(row, made.text, made.moved))
    return changes


def _write(office: Office, column: Column, changes: list[_Change], outcome: Outcome) -> None:
    """One page in one transaction, each row only if it still holds what was read."""
    if not changes:
        return

    def work(connection: Connection) -> list[_Change]:
        with resealing(connection):
            return [change for change in changes if _put(connection, column, change)]

    done = office.db.transact(work)
    outcome.rows += len(done)
    outcome.values += sum(change.values for change in done)
    outcome.overtaken += len(changes) - len(done)


def _put(connection: Connection, column: Column, change: _Change) -> int:
    now = column.set(change.now)
    held = {name: change.row[name] for name in (*column.key, *now)}
    sets, same = ", ".join(f"{name} = :new_{name}" for name in now), " AND ".join(f"{name} = :{name}" for name in held)
    return store.execute(connection, f"UPDATE {column.table} SET {sets} WHERE {same}", **held, **{f"new_{name}": value for name, value in now.items()})


# --- going through a table -------------------------------------------------------------------------------------


def _pages(read: Callable[[Column, Row | None], list[dict[str, Any]]], column: Column) -> Iterator[list[dict[str, Any]]]:
    """The rows of a table in the order of their key, page by page."""
    rows = read(column, None)
    while rows:
        yield rows
        rows = read(column, rows[-1]) if len(rows) == PAGE else []


def _read(office: Office, column: Column, after: Row | None) -> list[dict[str, Any]]:
    """A page in a read of its own: nothing is held open while it is worked on."""
    with office.db.read() as connection:
        return _page(connection, column, after)


def _page(connection: Connection, column: Column, after: Row | None) -> list[dict[str, Any]]:
    named = (column.named,) if column.named else ()
    names, key = ", ".join(dict.fromkeys((*column.key, *column.beside, column.name, *named))), ", ".join(column.key)
    last = {name: after[name] for name in column.key} if after else {}
    where = f" WHERE ({key}) > ({', '.join(f':{name}' for name in last)})" if last else ""
    return store.query(connection, f"SELECT {names} FROM {column.table}{where} ORDER BY {key} LIMIT {PAGE}", **last)
