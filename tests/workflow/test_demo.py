"""The demo: a case in every state of every kind, on both databases, and a record that verifies."""

import shutil
from datetime import date, time

import pytest

from states import FLOWS
from workflow import Office, clock, demo, queries, store
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
    asked = [question for question in _questions_to_the_police(office) if question["state"] == "asked"]
    assert asked and all(row["passport_no"].isalnum() for q in asked for row in q["fields"]["bundle"]["crew"])
    assert any(set(question["papers"]) == set(demo.SCANS) for question in asked), "and some that come with scans"


@pytest.fixture
def empty(request, sqlite_template, tmp_path):
    """An office without accounts, of the locality that the test names."""
    shutil.copy(sqlite_template, tmp_path / "empty.sqlite3")
    office = Office.open(f"sqlite:///{tmp_path / 'empty.sqlite3'}", tmp_path / "files", getattr(request, "param", "can-tho"))
    yield office
    office.db.close()


@pytest.mark.parametrize("day", [date(2027, 2, 14), date(2027, 5, 10)])
def test_it_loads_in_the_days_after_a_long_holiday(empty, day):
    """Tết, and the end of April: for a week and more no working day has gone by."""
    with clock.at(clock.at_local(day, time(16))):
        assert demo.load(empty) > 50


def _questions_to_the_police(office):
    """What the police were asked in the demo, as they read it."""
    police = demo.Stage(office).actor("ca.phuc")
    return [queries.read_case(office, police, item["id"]) for item in queries.list_cases(office, police, {"limit": 100})["items"]]


@pytest.mark.parametrize("empty", ["can-tho", "hai-phong", "quang-ngai", "cao-bang"], indirect=True)
def test_walk_goes_from_application_to_closed(empty):
    told: list[str] = []
    assert demo.walk(empty, told.append)
    assert any("UBND quyết định" in line for line in told)
    assert told[-1].startswith("integrity: clean")
    if empty.profile.code == "cao-bang":  # a border commune: the border guard is asked, and the permit has to be on record
        assert any(line.startswith("R2: Ban Chỉ huy Bộ đội Biên phòng") for line in told)
        assert any("recommend ✗ needs" in line and "giấy phép riêng" in line for line in told) and any("record_permit" in line for line in told)
