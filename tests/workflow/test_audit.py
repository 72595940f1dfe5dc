"""Verification finds what somebody with full power over the database does to the record, and nothing where nothing was done."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from workflow import chance
from workflow.audit import entry
from workflow.audit.verify import SENTENCES, verify
from workflow.errors import NotFound

GUARDS = {
    "sqlite": ["DROP TRIGGER audit_entry_no_update", "DROP TRIGGER audit_entry_no_delete", "DROP TRIGGER audit_entry_chain",
               "DROP TRIGGER opening_no_update", "DROP TRIGGER opening_no_delete", "DROP TRIGGER cases_version", "DROP TRIGGER cases_no_delete",
               "DROP TRIGGER dossiers_no_delete"],
    "postgresql": ["ALTER TABLE audit_entry DISABLE TRIGGER USER", "ALTER TABLE opening DISABLE TRIGGER USER",
                   "ALTER TABLE cases DISABLE TRIGGER USER", "ALTER TABLE dossiers DISABLE TRIGGER USER",
                   "ALTER TABLE cases DROP CONSTRAINT fk_cases_head"],
}  # fmt: skip
EDIT = "UPDATE audit_entry SET {} WHERE case_id = :id AND seq = 2"


def report_of(database, case=None):
    with database.read() as connection:
        return verify(connection, case)


@pytest.fixture(scope="module")
def open_house(ledger):
    """The ledger after a privileged attacker has put the guards away."""
    ledger.attack(*GUARDS[ledger.database.dialect])
    return ledger


def codes(ledger, case):
    return {finding.code for finding in report_of(ledger.database, case).findings}


# --- what is hashed --------------------------------------------------------------------------------------------


def test_bytes_and_hashes_are_fixed_for_ever():
    """Known answers, computed apart from this code: a change here would orphan every stored record."""
    document = {"to": "draft", "fmt": "fpd-audit/1", "seq": 1, "decides": True, "papers": ["ả"]}
    text = entry.canonical(document)
    assert text == '{"decides":true,"fmt":"fpd-audit/1","papers":["ả"],"seq":1,"to":"draft"}'.encode()
    assert entry.entry_hash(text) == "9a9f84ba6a918a4e4fb1d694a32c6b40616d89c0cccae9d0506063a260ea3ca3"
    assert entry.commitment("input.reason", bytes(32), '"có"') == "135baa1da86350bc29fdf08d086c675c6d318d55909e2f75902c5a1108e57c47"
    assert entry.GENESIS == "0" * 64


def test_a_commitment_binds_field_salt_and_value():
    salt = chance.salt()
    made = entry.commitment("a", salt, "v")
    assert made != entry.commitment("b", salt, "v") != entry.commitment("a", salt, "w")
    assert made != entry.commitment("a", chance.salt(), "v") and made == entry.commitment("a", salt, "v")


# --- a sound record --------------------------------------------------------------------------------------------


def test_a_sound_record_is_clean(ledger):
    case = ledger.story("requested", "under_review")
    report = report_of(ledger.database, case)
    assert report.integrity == "clean" and report.entries == 3
    assert report.lines() == ["integrity: clean; completeness: not covered by an outside copy; entries: 3"]
    assert report.as_dict() == {"integrity": "clean", "completeness": "not covered by an outside copy", "entries": 3, "findings": []}
    assert report_of(ledger.database).integrity == "clean"


def test_by_code_and_a_mistyped_one(ledger):
    ledger.open(code="V-2026-0001")
    assert report_of(ledger.database, "V-2026-0001").entries == 1
    with pytest.raises(NotFound):
        report_of(ledger.database, "V-2026-0009")


def test_the_number_of_queries_does_not_grow(ledger):
    def asked(connection):
        sent = []
        if connection.dialect.name == "sqlite":
            connection.connection.dbapi_connection.set_trace_callback(sent.append)
        else:
            return None
        verify(connection)
        connection.connection.dbapi_connection.set_trace_callback(None)
        return len(sent)

    with ledger.database.read() as connection:
        before = asked(connection)
    for _ in range(5):
        ledger.story("requested")
    with ledger.database.read() as connection:
        assert asked(connection) == before


def test_a_record_in_use_is_not_called_broken(ledger):
    stop, false_alarms = Event(), []

    def check():
        while not stop.is_set():
            false_alarms.extend(report_of(ledger.database).lines()[:-1])

    checkers = [Thread(target=check) for _ in range(2)]
    for checker in checkers:
        checker.start()
    for _ in range(25):
        ledger.story("requested", "under_review")
    stop.set()
    for checker in checkers:
        checker.join(60)
    assert false_alarms == []


# --- attacks ---------------------------------------------------------------------------------------------------

ATTACKS = {
    "text edited": ([EDIT.format("canonical = replace(canonical, 'officer', 'head')")], {"hash", "columns"}),
    "text edited, hash made to fit": (None, {"chain"}),
    "action column": ([EDIT.format("action = 'x'")], {"columns"}),
    "actor column": ([EDIT.format("actor_id = 'x'")], {"columns"}),
    "role column": ([EDIT.format("role = 'head'")], {"columns"}),
    "organisation column": ([EDIT.format("org_id = 'x'")], {"columns"}),
    "round column": ([EDIT.format("round = 9")], {"columns"}),
    "source column": ([EDIT.format("from_state = 'x'")], {"columns"}),
    "target column": ([EDIT.format("to_state = 'x'")], {"columns"}),
    "case column": ([EDIT.format("case_id = 'x'")], {"columns"}),
    "moment column": ([EDIT.format("at = '2020-01-01T00:00:00.000000Z'")], {"columns", "clock"}),
    "no document": ([EDIT.format("canonical = 'x'")], {"hash", "unreadable"}),
    "a list": ([EDIT.format("canonical = '[]'")], {"hash", "unreadable"}),
    "commitments that are none": ([EDIT.format("""canonical = '{"commitments"' || chr(58) || '"x"}'""")], {"hash", "unreadable"}),
    "deleted": (["DELETE FROM audit_entry WHERE case_id = :id AND seq = 2"], {"gap", "chain", "stray-opening"}),
    "first one deleted": (["DELETE FROM audit_entry WHERE case_id = :id AND seq = 1"], {"gap", "chain"}),
    "truncated": (["DELETE FROM audit_entry WHERE case_id = :id AND seq = 4"], {"head"}),
    "truncated, version set back": (
        ["DELETE FROM audit_entry WHERE case_id = :id AND seq = 4", "UPDATE cases SET version = 3 WHERE id = :id"], {"head"}),
    "all deleted": (["DELETE FROM audit_entry WHERE case_id = :id"], {"no-entries", "stray-opening"}),
    "case deleted": (["DELETE FROM dossiers WHERE case_id = :id", "DELETE FROM cases WHERE id = :id"], {"no-case"}),
    "reordered": (
        ["UPDATE audit_entry SET seq = -seq WHERE case_id = :id AND seq IN (2, 3)",
         "UPDATE audit_entry SET seq = 5 + seq WHERE case_id = :id AND seq < 0"], {"chain", "columns"}),
    "inserted in between": (None, {"gap", "chain"}),
    "inserted at the end": (None, {"head"}),
    "opening swapped": (["UPDATE opening SET value = '1' WHERE stream = 'case/' || :id AND seq = 2"], {"commitment"}),
    "salt swapped": ([f"UPDATE opening SET salt = '{'0' * 64}' WHERE stream = 'case/' || :id AND seq = 2"], {"commitment"}),
    "salt spoilt": (["UPDATE opening SET salt = 'x' WHERE stream = 'case/' || :id AND seq = 2"], {"commitment"}),
    "opening removed": (["DELETE FROM opening WHERE stream = 'case/' || :id AND seq = 2"], {"missing-opening"}),
    "opening added": (["INSERT INTO opening VALUES ('case/' || :id, 2, 'input.more', '00', '1')"], {"stray-opening"}),
    "state changed": (["UPDATE cases SET state = 'approved' WHERE id = :id"], {"state"}),
    "version raised": (["UPDATE cases SET version = version + 1 WHERE id = :id"], {"head"}),
    "head changed": ([f"UPDATE cases SET head_hash = '{'f' * 64}' WHERE id = :id"], {"head"}),
}  # fmt: skip


def by_hand(ledger, name, case):
    """Attacks that must compute hashes, as somebody would who knows this code."""
    with ledger.database.read() as connection:
        from workflow import store

        rows = store.query(connection, "SELECT seq, prev, entry_hash, canonical FROM audit_entry WHERE case_id = :id ORDER BY seq", id=case)
    if name == "text edited, hash made to fit":
        text = rows[1]["canonical"].replace('"actor":"u1"', '"actor":"u2"')
        ledger.attack(EDIT.format("canonical = :text, entry_hash = :hash, actor_id = 'u2'"), text=text, hash=entry.entry_hash(text.encode()), id=case)
        return
    if name == "inserted in between":
        ledger.attack("UPDATE audit_entry SET seq = seq + 10 WHERE case_id = :id AND seq > 2", id=case)
        row, _ = ledger.entry(case, 3, rows[1]["entry_hash"], "rejected", source="requested")
    else:
        row, _ = ledger.entry(case, 5, rows[3]["entry_hash"], "rejected", source="pending_decision")
    ledger.attack(f"INSERT INTO audit_entry ({', '.join(row)}) VALUES ({', '.join(':' + n for n in row)})", **row)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_found(open_house, name):
    ledger = open_house
    case = ledger.story("requested", "under_review", "pending_decision")
    other = ledger.story("requested")
    assert codes(ledger, case) == set()
    statements, expected = ATTACKS[name]
    if statements is None:
        by_hand(ledger, name, case)
    else:
        if ledger.database.dialect == "sqlite":
            statements = [statement.replace("chr(58)", "char(58)") for statement in statements]
        ledger.attack(*statements, id=case)
    found = report_of(ledger.database, case)
    assert found.integrity == "broken" and expected <= {finding.code for finding in found.findings}, found.lines()
    assert {finding.stream for finding in found.findings} == {f"case/{case}"}
    assert codes(ledger, other) == set()
    whole = report_of(ledger.database)
    assert {(f.seq, f.code) for f in found.findings} <= {(f.seq, f.code) for f in whole.findings if f.stream == f"case/{case}"}


def test_findings_are_told_in_both_languages(open_house):
    case = open_house.story("requested")
    open_house.attack(EDIT.format("action = 'x'"), id=case)
    report = report_of(open_house.database, case)
    assert report.lines("vi")[0] == f"case/{case} 2 columns {SENTENCES['columns'].vi}"
    assert report.lines()[0] == f"case/{case} 2 columns {SENTENCES['columns'].en}"
    assert report.lines()[-1] == "integrity: broken; completeness: not covered by an outside copy; entries: 2"
    assert report.as_dict()["findings"] == [{"stream": f"case/{case}", "seq": 2, "code": "columns", "message": SENTENCES["columns"].as_dict()}]
