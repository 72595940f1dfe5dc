"""The hot path to the database: one statement reads a case, one change writes it.

Plain driver statements, built once and kept, in the same text for SQLite and PostgreSQL where that is
possible. On PostgreSQL a whole change is one data-modifying statement, on SQLite one statement a table.
The ORM is not used here: its unit of work would cost more than everything else together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection

from workflow.crypto import Keyring, KeysError, is_sealed

CASE = (
    "id", "code", "kind", "flow_version", "state", "phase", "version", "round", "head_hash", "parent_id", "origin",
    "organisation_id", "created_by", "channel", "officer_id", "guide_id", "leader_id", "office_id", "returned_to", "category", "authority",
    "urgent", "referred", "accepted", "is_open", "due_at", "title", "outlet", "country", "first_day", "last_day", "memory",
    "dossier_no", "search_text", "created_at", "updated_at",
)  # fmt: skip
CLOCKS = (
    "case_id", "submitted_at", "received_at", "registered_late", "answered_at", "statutory_due", "work_due", "first_due",
    "extended", "paused_since", "pauses", "rules_on", "sums",
)  # fmt: skip
TABLES: dict[str, tuple[str, ...]] = {
    "cases": CASE,
    "audit_entry": (
        "stream", "seq", "case_id", "at", "actor_id", "role", "org_id", "action", "from_state", "to_state", "round",
        "decides", "prev", "entry_hash", "canonical",
    ),
    "opening": ("stream", "seq", "field", "salt", "value"),
    "dossiers": ("case_id", "no", "round", "fields", "papers", "content_hash", "at", "by_id"),
    "case_clock": CLOCKS,
    "crew_marks": ("case_id", "row_id", "person", "passport", "card", "name", "words"),
    "slot_marks": ("case_id", "row_id", "spot", "starts", "ends"),
    "outlet_marks": ("case_id", "outlet", "name", "country"),
    "outbox": ("case_id", "seq", "kind", "name", "payload", "dedupe", "at", "state", "tries", "next_at"),
    "idempotency": ("user_id", "scope", "key", "body_hash", "status", "case_id", "version", "at"),
    "papers": ("id", "case_id", "name", "file_hash", "size", "media_type", "filename", "uploaded_by", "at", "cipher_hash", "key_id", "wrapped_key", "role", "org_id"),
    "relations": ("case_id", "related_id", "at"),
    "acted_for": ("case_id", "seq", "delegation_id", "principal_id"),
    "tracking_pins": ("case_id", "pin", "at"),
}  # fmt: skip
_TYPES = {
    "flow_version": "integer", "version": "integer", "round": "integer", "dossier_no": "integer", "seq": "integer",
    "no": "integer", "tries": "integer", "status": "integer", "size": "bigint",
    "urgent": "boolean", "referred": "boolean", "accepted": "boolean", "is_open": "boolean", "decides": "boolean",
    "registered_late": "boolean", "extended": "boolean",
}  # fmt: skip
_BOOLEANS = frozenset(name for name, kind in _TYPES.items() if kind == "boolean")
PARENT = (
    "id", "code", "kind", "state", "version", "organisation_id", "created_by", "channel", "officer_id", "guide_id", "leader_id",
    "office_id", "referred", "accepted", "is_open", "title", "outlet", "memory", "head_hash", "round",
)  # fmt: skip


@dataclass(slots=True)
class Change:
    """Everything one act writes. `update` changes the case; rows go to their tables in the same transaction.

    `principal_id` is set where the act is taken in another's name: then the rights of both have to be as they were.
    """

    case_id: str = ""
    version: int = 0
    state: str = ""
    actor_id: str = ""
    epoch: int = 0
    principal_id: str = ""
    principal_epoch: int = 0
    update: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, list[Sequence[Any]]] = field(default_factory=dict)

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        """One row for a table, by column name; a column not named is null."""
        self.rows.setdefault(table, []).append([row.get(name) for name in TABLES[table]])


def _named(sql: str, dialect: str) -> str:
    """`:name` becomes psycopg's `%(name)s`."""
    if dialect == "postgresql":
        return re.sub(r"(?<!:):([a-z_]+)", r"%(\1)s", sql)
    return sql


@lru_cache(maxsize=8)
def _load_sql(dialect: str, by: str) -> str:
    array, build = ("json_group_array", "json_array") if dialect == "sqlite" else ("json_agg", "json_build_array")
    columns = ", ".join(f"c.{name}" for name in CASE if name != "search_text")
    parents = ", ".join(f"p.{name}" for name in PARENT)
    clocks = ", ".join(f"k.{name}" for name in CLOCKS)
    return _named(
        f"SELECT {columns}, d.fields, d.papers, d.content_hash, {clocks}, {parents},"
        f" (SELECT {array}({build}(h.id, h.kind, h.state, h.head_hash, h.is_open, g.fields, h.memory, h.code, h.organisation_id, h.title))"
        "  FROM cases h JOIN dossiers g ON g.case_id = h.id AND g.no = h.dossier_no WHERE h.parent_id = c.id)"
        " FROM cases c JOIN dossiers d ON d.case_id = c.id AND d.no = c.dossier_no"
        " LEFT JOIN case_clock k ON k.case_id = c.id LEFT JOIN cases p ON p.id = c.parent_id"
        f" WHERE c.{by} = :ref",
        dialect,
    )  # fmt: skip


_CASE_READ = tuple(name for name in CASE if name != "search_text")
_ID = re.compile(r"[0-9a-f]{32}")


def keys_of(connection: Connection) -> Keyring | None:
    """The keys that a connection was lent by its database; None where that was opened without them."""
    keys: Keyring | None = connection.info.get("keys")
    return keys


def cursor_of(connection: Connection) -> Any:
    """The driver's own cursor of a connection."""
    return connection.connection.cursor()


def load(connection: Connection, ref: str) -> dict[str, Any] | None:
    """One case by its public id or printed code, with dossier, clocks, parent and children; None if absent.

    JSON columns come back read: `fields`, `papers`, `memory`, `children` (list of rows), `clocks`, `parent`.
    """
    dialect = connection.dialect.name
    cursor = cursor_of(connection)
    try:
        cursor.execute(_load_sql(dialect, "id" if _ID.fullmatch(ref) else "code"), {"ref": ref})
        found = cursor.fetchone()
    finally:
        cursor.close()
    return _row(found, keys_of(connection)) if found else None


def read_fields(keys: Keyring | None, text: str, case_id: str) -> dict[str, Any]:
    """A stored dossier, with what was sealed in it opened."""
    if keys is None:
        if is_sealed(text):
            raise KeysError("Cơ sở dữ liệu được mở không kèm khóa. / The database was opened without its keys.")
        found: dict[str, Any] = orjson.loads(text)
        return found
    opened: dict[str, Any] = keys.loads(text, case_id)
    return opened


def _row(found: Sequence[Any], keys: Keyring | None) -> dict[str, Any]:
    at = len(_CASE_READ)
    row: dict[str, Any] = dict(zip(_CASE_READ, found[:at], strict=True))
    row["fields"], row["papers"], row["content_hash"] = read_fields(keys, found[at], row["id"]), orjson.loads(found[at + 1]), found[at + 2]
    at += 3
    clocks = dict(zip(CLOCKS, found[at : at + len(CLOCKS)], strict=True))
    row["clocks"] = clocks if clocks["case_id"] else {}
    at += len(CLOCKS)
    parent = dict(zip(PARENT, found[at : at + len(PARENT)], strict=True))
    if parent["id"]:
        parent["memory"] = orjson.loads(parent["memory"])
        row["parent"] = parent
    else:
        row["parent"] = None
    children = found[-1]
    row["children"] = orjson.loads(children) if isinstance(children, str) else (children or [])
    row["memory"] = orjson.loads(row["memory"])
    return row


_PRINCIPAL = "SELECT 1 FROM users WHERE id = :x_principal AND epoch = :x_principal_epoch AND active"


@lru_cache(maxsize=512)
def _update_sql(dialect: str, columns: tuple[str, ...], two: bool = False) -> str:
    sets = ", ".join(f"{name} = :{name}" for name in columns)
    guard = "EXISTS (SELECT 1 FROM users WHERE id = :x_actor AND epoch = :x_epoch AND active)"
    if dialect == "postgresql":
        guard = "EXISTS (SELECT 1 FROM who)"
    if two:
        guard += " AND " + ("EXISTS (SELECT 1 FROM whose)" if dialect == "postgresql" else f"EXISTS ({_PRINCIPAL})")
    return f"UPDATE cases SET {sets} WHERE id = :x_id AND version = :x_version AND state = :x_state AND (:x_actor = 'system' OR {guard})"


# Rows that are written over: by table, the columns that tell one row from another.
_KEYED = {"case_clock": ("case_id",), "crew_marks": ("case_id", "row_id"), "slot_marks": ("case_id", "row_id"), "outlet_marks": ("case_id",)}
_CONFLICT = {
    table: f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in TABLES[table] if name not in key)
    for table, key in _KEYED.items()
}


@lru_cache(maxsize=64)
def _insert_sql(table: str, rows: int) -> str:
    columns = TABLES[table]
    one = "(" + ", ".join("?" * len(columns)) + ")"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * rows)}{_CONFLICT.get(table, '')}"


@lru_cache(maxsize=512)
def _statement(columns: tuple[str, ...], tables: tuple[str, ...], two: bool = False) -> str:
    """PostgreSQL: the whole change as one data-modifying statement; nothing happens unless the case moved."""
    parts = []
    if columns:
        parts.append("who AS (SELECT 1 FROM users WHERE id = :x_actor AND epoch = :x_epoch AND active FOR SHARE)")
        if two:
            parts.append(f"whose AS ({_PRINCIPAL} FOR SHARE)")
        parts.append(f"moved AS ({_update_sql('postgresql', columns, two)} RETURNING 1)")
    else:
        parts.append("moved AS (SELECT 1)")
    for table in tables:
        names = TABLES[table]
        picked = ", ".join(f"CAST(r.v ->> {i} AS {_TYPES.get(name, 'text')})" for i, name in enumerate(names))
        parts.append(
            f"in_{table} AS (INSERT INTO {table} ({', '.join(names)}) SELECT {picked}"
            f" FROM json_array_elements(CAST(:t_{table} AS json)) WITH ORDINALITY AS r(v, n) WHERE EXISTS (SELECT 1 FROM moved)"
            f" ORDER BY r.n {_CONFLICT.get(table, '')})"
        )
    return _named(f"WITH {', '.join(parts)} SELECT count(*) FROM moved", "postgresql")


_ORDER = tuple(TABLES)


def write(connection: Connection, change: Change) -> bool:
    """Write a change inside the running transaction.

    Answers False, with nothing written, when the case no longer has the version and state it was judged on,
    or when the rights of the person, or of the one in whose name they act, changed meanwhile.
    """
    columns = tuple(change.update)
    guards = {
        "x_id": change.case_id, "x_version": change.version, "x_state": change.state,
        "x_actor": change.actor_id, "x_epoch": change.epoch,
    }  # fmt: skip
    two = bool(change.principal_id)
    if two:
        guards |= {"x_principal": change.principal_id, "x_principal_epoch": change.principal_epoch}
    tables = tuple(name for name in _ORDER if change.rows.get(name))
    cursor = cursor_of(connection)
    try:
        if connection.dialect.name == "postgresql":
            rows = {f"t_{name}": orjson.dumps(change.rows[name]).decode() for name in tables}
            cursor.execute(_statement(columns, tables, two), {**change.update, **guards, **rows})
            return bool(cursor.fetchone()[0])
        if columns:
            cursor.execute(_update_sql("sqlite", columns, two), {**change.update, **guards})
            if cursor.rowcount != 1:
                return False
        for name in tables:
            rows_ = change.rows[name]
            for start in range(0, len(rows_), 500):
                part = rows_[start : start + 500]
                cursor.execute(_insert_sql(name, len(part)), [value for row in part for value in row])
        return True
    finally:
        cursor.close()


def query(connection: Connection, sql: str, **values: Any) -> list[dict[str, Any]]:
    """Rows of a plain read as dictionaries, by a driver statement with `:name` blanks."""
    cursor = cursor_of(connection)
    try:
        cursor.execute(_named(sql, connection.dialect.name), values)
        if cursor.description is None:
            return []
        names = [column[0] for column in cursor.description]
        return [{n: bool(v) if n in _BOOLEANS and v is not None else v for n, v in zip(names, row, strict=True)} for row in cursor.fetchall()]
    finally:
        cursor.close()


def among(connection: Connection, column: str, name: str) -> str:
    """A condition: the column holds one of the values bound by `:name` (see `values_of`)."""
    if connection.dialect.name == "postgresql":
        return f"{column} = ANY(CAST(:{name} AS text[]))"
    return f"{column} IN (SELECT value FROM json_each(:{name}))"


def values_of(connection: Connection, values: Iterable[str]) -> Any:
    """Any number of texts as the one value of `among`: a statement stays the same however many there are."""
    found = list(values)
    return found if connection.dialect.name == "postgresql" else orjson.dumps(found).decode()


def begin(connection: Connection) -> None:
    """Open the transaction, where a writer of one statement has to write more than that one (PostgreSQL)."""
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "postgresql" and driver.autocommit and driver.info.transaction_status == 0:
        driver.execute("BEGIN")


def execute(connection: Connection, sql: str, **values: Any) -> int:
    """One plain write with `:name` blanks; answers how many rows it touched."""
    begin(connection)
    cursor = cursor_of(connection)
    try:
        cursor.execute(_named(sql, connection.dialect.name), values)
        return int(cursor.rowcount)
    finally:
        cursor.close()


def next_number(connection: Connection, series: str, count: int = 1) -> int:
    """Draw `count` numbers of a series inside the running transaction; answers the last of them."""
    begin(connection)
    cursor = cursor_of(connection)
    try:
        cursor.execute(
            _named(
                "INSERT INTO code_counter (series, last) VALUES (:series, :count)"
                " ON CONFLICT (series) DO UPDATE SET last = code_counter.last + :count RETURNING last",
                connection.dialect.name,
            ),
            {"series": series, "count": count},
        )
        return int(cursor.fetchone()[0])
    finally:
        cursor.close()
