"""The record defends itself in both databases, and verification finds what a privileged attacker does."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from workflow import db, demo, store
from workflow.audit import entry
from workflow.audit.verify import verify


@pytest.fixture(scope="module")
def filed(office, stage):
    """A case with a handful of entries."""
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_decision")
    return ref


def raw(office, sql, **values):
    """A statement by somebody who holds the database, without the service's guards."""
    engine = db.engine_for(office.db.url, guarded=False)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.execute(sa.text(sql), values)
    finally:
        engine.dispose()


@pytest.mark.parametrize("sql", [
    "UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry", "UPDATE opening SET value = '1'", "DELETE FROM opening",
    "UPDATE dossiers SET fields = '{}'", "DELETE FROM cases", "UPDATE cases SET state = 'approved'",
])  # fmt: skip
def test_the_record_is_append_only(office, filed, sql):
    with pytest.raises(DBAPIError):
        raw(office, sql)
    with pytest.raises(DBAPIError):
        office.db.transact(lambda connection: connection.exec_driver_sql(sql))


def test_an_entry_must_follow_and_fit(office, filed):
    with office.db.read() as connection:
        last = store.query(connection, "SELECT * FROM audit_entry WHERE case_id = :id ORDER BY seq DESC LIMIT 1", id=filed)[0]
    columns = [c for c in last if c != "id"]
    sql = f"INSERT INTO audit_entry ({', '.join(columns)}) VALUES ({', '.join(':' + c for c in columns)})"
    for change in ({"seq": last["seq"] + 2}, {"seq": last["seq"] + 1, "prev": "0" * 64},
                   {"seq": last["seq"] + 1, "prev": last["entry_hash"], "canonical": "{}"}, {}):  # fmt: skip
        with pytest.raises(DBAPIError):
            raw(office, sql, **{**{c: last[c] for c in columns}, **change})
    if office.db.dialect == "sqlite":
        with pytest.raises(DBAPIError):
            raw(office, sql.replace("INSERT", "INSERT OR REPLACE"), **{c: last[c] for c in columns})
    else:
        with pytest.raises(DBAPIError):
            raw(office, "TRUNCATE audit_entry CASCADE")


def test_a_state_without_an_entry_cannot_be_committed(office, filed):
    def work(connection):
        store.execute(connection, "UPDATE cases SET version = version + 1, head_hash = :h, state = 'approved' WHERE id = :id", h="f" * 64, id=filed)

    with pytest.raises(Exception) as caught:
        office.db.transact(work)
    assert "foreign key" in str(caught.value).lower()


DROP = {
    "sqlite": ["DROP TRIGGER audit_entry_no_update", "DROP TRIGGER audit_entry_no_delete", "DROP TRIGGER audit_entry_chain",
               "DROP TRIGGER opening_no_update", "DROP TRIGGER opening_no_delete", "DROP TRIGGER cases_version"],
    "postgresql": ["ALTER TABLE audit_entry DISABLE TRIGGER USER", "ALTER TABLE opening DISABLE TRIGGER USER", "ALTER TABLE cases DISABLE TRIGGER USER",
                   "ALTER TABLE cases DROP CONSTRAINT fk_cases_head"],
}  # fmt: skip
ATTACKS = {
    "edited": ("UPDATE audit_entry SET canonical = replace(canonical, 'cong', 'x') || ' ' WHERE case_id = :id AND seq = 3", "hash"),
    "edited column": ("UPDATE audit_entry SET actor_id = 'mallory' WHERE case_id = :id AND seq = 3", "columns"),
    "deleted": ("DELETE FROM audit_entry WHERE case_id = :id AND seq = 3", "gap"),
    "truncated": ("DELETE FROM audit_entry WHERE case_id = :id AND seq = (SELECT max(seq) FROM audit_entry WHERE case_id = :id)", "head"),
    "reordered": ("UPDATE audit_entry SET seq = CASE seq WHEN 2 THEN -3 WHEN 3 THEN -2 END WHERE case_id = :id AND seq IN (2, 3)", "gap"),
    "opening swapped": ("UPDATE opening SET value = '\"x\"' WHERE stream = 'case/' || :id AND field = 'input.opinion'", "commitment"),
    "opening removed": ("DELETE FROM opening WHERE stream = 'case/' || :id AND field = 'input.opinion'", "missing-opening"),
    "state changed": ("UPDATE cases SET state = 'approved' WHERE id = :id", "state"),
    "rewound": ("UPDATE cases SET version = version - 1 WHERE id = :id", "head"),
}


def test_verification_finds_every_attack(office, stage):
    refs = {}
    for name in ATTACKS:
        refs[name] = ref = stage.file("vptt.han", "visit")
        demo.advance(stage, ref, "visit", "pending_decision")
    with office.db.read() as connection:
        assert verify(connection).integrity == "clean"
    for statement in DROP[office.db.dialect]:
        raw(office, statement)
    for name, (sql, code) in ATTACKS.items():
        raw(office, sql, id=refs[name])
        with office.db.read() as connection:
            report = verify(connection, refs[name])
        assert report.integrity == "broken", name
        assert code in {finding.code for finding in report.findings}, (name, report.lines())
        assert report.lines()[-1].startswith("integrity: broken; completeness: ")


def test_migrations_go_down_and_up_and_equal_the_models(url, tmp_path, postgres):
    from alembic import command

    target = f"sqlite:///{tmp_path / 'm.sqlite3'}" if url.startswith("sqlite") else postgres()
    db.migrate(target)
    command.check(db._alembic(target))
    db.downgrade(target, "base")
    db.migrate(target)
    command.check(db._alembic(target))


def test_canonical_bytes():
    import json

    import rfc8785
    from hypothesis import given
    from hypothesis import strategies as st

    text = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"))).map(lambda s: __import__("unicodedata").normalize("NFC", s))
    values = st.recursive(
        st.booleans() | st.integers(-(2**53 - 1), 2**53 - 1) | text,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), inner, max_size=4),
        max_leaves=12,
    )

    @given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), values, max_size=6))
    def same(document):
        made = entry.canonical(document)
        assert made == json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        assert made == rfc8785.dumps(document)

    same()
    for bad in ({"a": 1.5}, {"a": None}, {"ạ": 1}, {"a": 2**53}, {"a": "e\u0301"}):
        with pytest.raises(ValueError):
            entry.canonical(bad)
