"""Clocks S and W of a case, the sum that is stored with it, and due dates counted anew."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from states.language import Text
from workflow import calendar, clock, demo, queries, recount, store
from workflow.audit.verify import verify
from workflow.deadlines import Deadline, Deadlines, local_moment, promised, sums_of
from workflow.rules import RuleBook, load_rules

THURSDAY = datetime(2026, 11, 19, 2, 0, tzinfo=UTC)  # 09:00 in Hà Nội; 24/11 is off


def counting(office, day=date(2026, 11, 19)):
    with office.db.read() as connection:
        office.refresh(connection)
    return Deadlines(office.rulebook.on(day), office.calendar)


def clocks_of(stage, ref):
    return stage.row(ref)["clocks"]


def history(office, ref, action):
    with office.db.read() as connection:
        rows = store.query(
            connection, "SELECT e.seq, o.field, o.value FROM audit_entry e JOIN opening o ON o.stream = e.stream AND o.seq = e.seq WHERE e.case_id = :id AND e.action = :action",
            id=ref, action=action)  # fmt: skip
    found: dict[int, dict] = {}
    for row in rows:
        found.setdefault(row["seq"], {})[row["field"].removeprefix("input.")] = orjson.loads(row["value"])
    return [found[seq] for seq in sorted(found)]


@pytest.mark.parametrize("category, statutory, code, authority", [
    ("A1", True, "T01", "decide"), ("A3", False, "coordination", "coordinate"), ("A4", False, "T04", "decide"), ("A5", False, "coordination", "host"),
    ("A10", True, "T12", "opinion"),
])  # fmt: skip
def test_who_files_sets_the_clock(office, stage, category, statutory, code, authority):
    with clock.at(THURSDAY):
        ref = stage.file("vptt.han", "visit", fields={"category": category})
    row = stage.row(ref)
    law, work = sums_of(row["clocks"])
    assert (law is not None) is statutory and work.code == code and row["authority"] == authority
    assert (row["clocks"]["statutory_due"] is not None) is statutory
    assert row["due_at"] <= promised(row["clocks"])


def test_the_sum_names_its_days_and_is_the_same_everywhere(office, stage):
    with clock.at(THURSDAY):
        ref = stage.file("vptt.han", "visit")
        told = queries.deadlines(office, stage.actor("vptt.han"), ref)
    law = next(item for item in told if item["clock"] == "statutory")
    assert law["counted"] == ["2026-11-20", "2026-11-23", "2026-11-25", "2026-11-26", "2026-11-27"]
    assert [(row["date"], row["document"]) for row in law["skipped"]][-1] == ("2026-11-24", "28/2026/QH16")
    assert law["due_at"] == clocks_of(stage, ref)["statutory_due"] and law["value"] == 5 and law["unit"] == "wd" and law["basis"] == "262/16(3)"
    text = Deadline.of(law).as_text("vi")
    assert "24/11/2026, Ngày Văn hóa Việt Nam" in text and local_moment(law["due_at"]) in text and "20/11/2026" in text
    assert Deadline.of(law).as_dict() == law
    english = Deadline.of(law).as_text("en")
    assert "Days counted" in english and "Culture Day (28/2026/QH16)" in english


def test_s_is_equal_with_and_without_a_supplement_and_w_moves_by_the_pause(office, stage):
    with clock.at(THURSDAY):
        one, other = (stage.file("vptt.han", "visit") for _ in range(2))
        stage.act("motcua.mai", one, "ask_supplement", items=[{"target": "/purpose", "reason": "Chưa rõ.", "basis": "262/16(3)"}], respond_by=stage.soon(4))
    with clock.at(THURSDAY + timedelta(days=4)):  # Monday 23/11
        stage.act("vptt.han", one, "resubmit", note="Đã rõ.")
    a, b = clocks_of(stage, one), clocks_of(stage, other)
    assert a["statutory_due"] == b["statutory_due"]
    # Friday and Monday were lost; Saturday and Sunday were none to lose.
    assert clock.local(clock.moment(a["work_due"])).date() == date(2026, 12, 1)
    _, work = sums_of(a)
    assert work.due_at == a["work_due"] and len(work.counted) == 5
    assert [row["date"] for row in work.skipped if "bổ sung" in row["why"]["vi"]] == ["2026-11-20", "2026-11-23"]
    assert len(work.paused) == 1


@given(start=st.integers(0, 6), length=st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_a_pause_costs_its_working_days_and_no_more(lite, start, length):
    deadlines = counting(lite)
    received = THURSDAY + timedelta(hours=start)
    row = deadlines.started("visit", "A1", received, received)
    began, ended = received + timedelta(hours=1), received + timedelta(hours=1, days=length)
    after = deadlines.resumed(deadlines.paused(row, began), ended)
    lost = deadlines.calendar.working_days_between(began, ended)
    plain = deadlines.calendar.count(received, 5 + lost, "wd").due
    assert after["work_due"] == clock.stamp(plain) and after["statutory_due"] == row["statutory_due"]
    if deadlines.calendar.working_days_between(began, ended) == 0:
        assert after["work_due"] == row["work_due"]


def test_an_extension_keeps_the_first_date(office, stage):
    with clock.at(THURSDAY):
        ref = stage.file("vptt.han", "visit")
        first = clocks_of(stage, ref)["first_due"]
        stage.act("tp.hoa", ref, "extend", reason="Chờ Công an.", new_date="2026-12-04")
        told = [item for item in queries.deadlines(office, stage.actor("tp.hoa"), ref) if item["clock"] in ("statutory", "work")]
    after = clocks_of(stage, ref)
    assert after["first_due"] == first and clock.local(clock.moment(after["statutory_due"])).date() == date(2026, 12, 4)
    assert all(item["extended"] and item["first_due_at"] == first and item["due_at"] == after["statutory_due"] for item in told)


def test_a_case_keeps_the_rules_of_its_day_of_receipt(office):
    older, newer = counting(office, date(2026, 6, 30)), counting(office, date(2026, 7, 1))
    received = datetime(2026, 6, 30, 2, tzinfo=UTC)
    assert older.deadline(received, "T05", "x").value == 10 and newer.deadline(received, "T05", "x").value == 7
    assert older.rules["T01"].basis == "88/13" and newer.rules["T01"].basis == "262/16(3)"


def test_a_corrected_calendar_moves_open_cases_with_an_entry_each_and_no_answered_one(office, stage):
    with clock.at(THURSDAY):
        moves, early = stage.file("vptt.han", "visit"), stage.file("vptt.lam", "interview")
        extended = stage.file("vptt.han", "visit")
        stage.act("tp.hoa", extended, "extend", reason="Chờ.", new_date="2026-12-04")
        ended = stage.file("vptt.han", "visit")
        stage.act("vptt.han", ended, "withdraw")
        before = {ref: clocks_of(stage, ref)["statutory_due"] for ref in (moves, early, extended, ended)}

    def declare(connection):  # Friday 27/11 becomes a day off
        store.execute(
            connection,
            "INSERT INTO calendar_days (id, on_date, kind, name, name_en, document, standing, entered_by, entered_at)"
            " VALUES ('x', '2026-11-27', 'off', 'Nghỉ bão', 'Storm', '9/CĐ', 'confirmed', 'system', :at)",
            at=clock.stamp(clock.now()),
        )

    office.db.transact(declare)
    with clock.at(THURSDAY + timedelta(hours=2)):
        with office.db.read() as connection:
            fresh = office.calendar_with(calendar.load_calendar(connection))
        foreseen = {row["id"] for row in recount.foreseen(office, calendar=fresh)}
        codes = recount.recount(office, stage.actor("qt.yen"), Text("Nghỉ bão 27/11.", "Storm on 27/11."))
        assert recount.recount(office, stage.actor("qt.yen"), Text("Lần hai.", "Again.")) == []
    assert {moves, early} <= foreseen and extended not in foreseen and ended not in foreseen
    assert {stage.row(ref)["code"] for ref in (moves, early)} <= set(codes)
    for ref in (moves, early):
        assert clock.local(clock.moment(clocks_of(stage, ref)["statutory_due"])).date() == date(2026, 11, 30)
        (entry,) = history(office, ref, "recount")
        assert entry["before"][0]["due_at"] == before[ref] and entry["after"][0]["due_at"] == clocks_of(stage, ref)["statutory_due"]
        assert entry["why"]["en"] == "Storm on 27/11."
    assert clocks_of(stage, ended)["statutory_due"] == before[ended] and not history(office, extended, "recount")
    told = queries.deadlines(office, stage.actor("vptt.han"), moves)
    assert any(row["document"] == "9/CĐ" for row in told[0]["skipped"])
    with office.db.read() as connection:
        assert verify(connection).integrity == "clean"


def test_rules_of_an_empty_database_are_those_shipped(database):
    with database.read() as connection:
        book = load_rules(connection, "can-tho")
    assert isinstance(book, RuleBook) and book.on(date(2026, 11, 19)).number("T01") == 5


def test_urgent_is_set_by_rule_with_its_reason(office, stage):
    with clock.at(THURSDAY):
        soon = stage.file("vptt.han", "visit")
        later = stage.file("vptt.han", "visit", fields=demo.FLOWS["visit"].example(date(2026, 12, 20)))
        seen = [queries.read_case(office, stage.actor("tp.hoa"), ref) for ref in (soon, later)]
    assert [case["urgent"] for case in seen] == [True, False]
    due = clock.local(clock.moment(seen[0]["due"]["statutory"])).date().isoformat()
    assert seen[0]["urgent_why"] == {"first_day": "2026-11-19", "due": due} and seen[1]["urgent_why"] is None
