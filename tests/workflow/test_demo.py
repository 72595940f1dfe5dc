"""The demo: a case in every state of every kind, on both databases, and a record that verifies."""

from states import FLOWS
from workflow import demo, store
from workflow.audit.verify import verify


def test_every_state_has_a_case_and_the_record_is_clean(office):
    demo.load(office)
    with office.db.read() as connection:
        there = {(r["kind"], r["state"]) for r in store.query(connection, "SELECT DISTINCT kind, state FROM cases")}
        stuck = store.query(connection, "SELECT * FROM outbox WHERE state <> 'done'")
        report = verify(connection)
    assert {(kind, state) for kind, flow in FLOWS.items() for state in flow.states} <= there
    assert stuck == []
    assert report.integrity == "clean" and report.entries > 500


def test_walk_goes_from_application_to_closed(lite):
    told: list[str] = []
    assert demo.walk(lite, told.append)
    assert any("level_is_mine" in line or "UBND" in line for line in told)
    assert told[-1].startswith("integrity: clean")
