"""The periodic scan: each rule with a case in which it fires and one in which it does not; told once; nothing decided."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import orjson
import pytest
import sqlalchemy as sa

from states import FLOWS
from workflow import chance, clock, demo, engine, notices, scan, sharing, store, users, worker
from workflow.authority import CLOCK

# A week without a day off: Monday 19/10/2026, 8:00.
MONDAY = date(2026, 10, 19)


def at(days: int, hour: int = 8, minute: int = 0) -> datetime:
    """A moment some days after that Monday."""
    return clock.at_local(MONDAY + timedelta(days=days), time(hour, minute))


@pytest.fixture(autouse=True)
def morning(office, monkeypatch):
    """Every test begins on that Monday, and each visit gets a guide of its own: those of other tests are on the way."""
    office.db.transact(lambda c: store.execute(c, "UPDATE outbox SET state = 'done' WHERE state <> 'done'"))
    guides = {}

    def assign(stage, ref, officer, _):
        name = f"hd.{chance.row_id()}"

        def work(connection):
            id_ = users.add_user(connection, name, "Người Hướng Dẫn", "-")
            users.grant(connection, id_, office.organisations["sngv"].id, "guide")

        office.db.transact(work)
        guides[ref] = name
        stage.act(officer, ref, "assign_guide", guide=name)

    monkeypatch.setattr(demo, "_assign", assign)
    monkeypatch.setattr(demo, "_guide", lambda stage, ref: guides[ref])
    with clock.at(at(0)):
        yield


def fields(first: int = 20, **rest):
    """A dossier whose programme begins so many days after the Monday."""
    found = FLOWS["visit"].example(MONDAY + timedelta(days=first))
    return {**found, **rest}


def visit(stage, stop="requested", first=20, **rest):
    ref = stage.file("vptt.han", "visit", fields=fields(first, **rest))
    if stop != "requested":
        demo.advance(stage, ref, "visit", stop)
    return ref


def told(office, ref):
    """(name, whom) of all the scan has told of a case, in order; and, delivered, that exactly those who may read it were reached."""
    worker.drain(office)
    with office.db.read() as connection:
        rows = store.query(
            connection,
            "SELECT name, payload, dedupe FROM outbox WHERE case_id = :id AND dedupe LIKE :mark AND kind = 'mail' ORDER BY id",
            id=ref,
            mark="scan:%",
        )
        row = store.load(connection, ref)
        for item in rows:
            payload = orjson.loads(item["payload"])
            reached = {n["user_id"] for n in store.query(connection, "SELECT user_id FROM notices WHERE dedupe = :mark || user_id", mark=f"{item['dedupe']}:")}
            assert reached == set(notices.recipients(connection, row, item["name"], payload))
            assert reached or payload["to"] == ["leads"], item["name"]
    return [(item["name"], tuple(orjson.loads(item["payload"])["to"])) for item in rows]


def scanned(office, moment, ref):
    """What two scans at a moment leave told of a case: the second tells and does nothing."""
    with clock.at(moment):
        scan.scan(office)
        assert scan.scan(office) == 0
        return told(office, ref)


def names(found):
    return [name for name, _ in found]


# --- a: the levels ---------------------------------------------------------------------------------------------


def test_levels_rise_and_each_is_told_once(office, stage):
    """Five working days from Monday: due Monday 26/10 at closing; half of it is over on Wednesday, 80 % on Friday."""
    ref = visit(stage, "under_review")
    assert stage.row(ref)["clocks"]["statutory_due"] == clock.stamp(at(7, 17))
    assert scanned(office, at(1), ref) == []
    assert scanned(office, at(3, 16), ref) == [("level_50", ("officer_or_intake",))]
    assert scanned(office, at(4, 16, 30), ref)[1:] == [("level_80", ("officer_or_intake", "head"))]
    assert scanned(office, at(7, 9), ref)[2:] == [("level_due", ("officer_or_intake", "head", "director"))]
    assert names(scanned(office, at(8, 9), ref)[3:]) == ["level_overdue"]
    assert scanned(office, at(9, 9), ref)[4:] == []


def test_without_an_officer_the_desk_is_told(office, stage):
    ref = visit(stage)
    worker.drain(office)
    assert ("level_50", ("officer_or_intake",)) in scanned(office, at(3, 16), ref)
    with office.db.read() as connection:
        reached = store.query(connection, "SELECT user_id FROM notices WHERE case_id = :id AND name = 'level_50'", id=ref)
    assert [r["user_id"] for r in reached] == [stage.actor("motcua.mai").id]


def test_answered_and_ended_cases_are_left_alone(office, stage):
    ref = visit(stage, "guided")  # the reply has been issued
    assert stage.row(ref)["clocks"]["answered_at"]
    assert not [n for n in names(scanned(office, at(9), ref)) if n.startswith("level")]
    gone = visit(stage)
    stage.act("vptt.han", gone, "withdraw")
    assert scanned(office, at(9), gone) == []


def test_a_promised_new_date_begins_its_own_levels(office, stage):
    ref = visit(stage, "under_review")
    assert names(scanned(office, at(4, 16, 30), ref)) == ["level_80"]
    with clock.at(at(4, 17)):
        stage.act("tp.hoa", ref, "extend", reason="Chờ ý kiến.", new_date=(MONDAY + timedelta(days=14)).isoformat())
    assert names(scanned(office, at(8, 9), ref)) == ["level_80", "level_50"]
    assert names(scanned(office, at(14, 9), ref))[-1] == "level_due"


def test_undecided_at_closing_is_late_unless_apologised(office, stage):
    ref, decided = visit(stage, "under_review"), visit(stage, "approved", first=40)
    assert "late_unless_apologised" not in names(scanned(office, at(7, 16, 59), ref))
    assert ("late_unless_apologised", ("director", "head")) in scanned(office, at(7, 17, 1), ref)
    assert "late_unless_apologised" not in names(told(office, decided))


# --- b: consultations ------------------------------------------------------------------------------------------


@pytest.fixture
def asked(office, stage):
    """A visit with two agencies asked till Wednesday 17:00."""
    ref = visit(stage, "under_review")
    stage.act("cv.binh", ref, "consult", agencies=["cong_an", "so_nnmt"], question="Đề nghị cho ý kiến.", due_at=clock.stamp(at(2, 17)))
    worker.drain(office)
    return ref, {stage.row(c)["fields"]["agency"]: c for c in stage.children(ref, "consultation")}


def entries(office, ref, action):
    with office.db.read() as connection:
        return store.query(
            connection, "SELECT actor_id, role, at FROM audit_entry WHERE case_id = :id AND action = :action ORDER BY seq", id=ref, action=action
        )


def test_a_consulted_agency_is_reminded_once_then_lapses_and_is_escalated(office, stage, asked):
    _, children = asked
    child = children["cong_an"]
    scanned(office, at(2, 9), child)
    assert not entries(office, child, "remind")
    scanned(office, at(2, 13), child)  # half a working day before 17:00
    scanned(office, at(2, 15), child)
    (entry,) = entries(office, child, "remind")
    assert (entry["actor_id"], entry["role"]) == (CLOCK.id, "clock")
    assert stage.row(child)["state"] == "asked"
    assert scanned(office, at(2, 17, 5), child) == [("consultation_due", ("leads", "officer", "head"))]
    assert stage.row(child)["state"] == "lapsed"
    assert len(entries(office, child, "lapse")) == 1
    with office.db.read() as connection:
        reached = {r["user_id"] for r in store.query(connection, "SELECT user_id FROM notices WHERE name = 'consultation_due' AND case_id = :id", id=child)}
    assert reached >= {stage.actor(name).id for name in ("ca.phuc", "cv.binh", "tp.hoa")}


def test_an_answered_consultation_is_left_alone_and_one_reminded_by_hand_too(office, stage, asked):
    _, children = asked
    stage.act("ca.phuc", children["cong_an"], "answer", outcome="no_objection", opinion="Không có ý kiến khác.")
    with clock.at(at(2, 13)):
        stage.act("cv.binh", children["so_nnmt"], "remind")
    scanned(office, at(2, 15), children["so_nnmt"])
    assert [e["actor_id"] for e in entries(office, children["so_nnmt"], "remind")] == [stage.actor("cv.binh").id]
    assert scanned(office, at(3), children["cong_an"]) == []
    assert stage.row(children["cong_an"])["state"] == "answered"


# --- c: the applicant ------------------------------------------------------------------------------------------


def test_the_applicant_is_reminded_before_and_after_the_date(office, stage):
    ref = visit(stage)
    items = [{"target": "/crew", "reason": "Thiếu số thẻ.", "basis": "262/16(3)"}]
    stage.act("motcua.mai", ref, "ask_supplement", items=items, respond_by=clock.stamp(at(2, 17)))
    scanned(office, at(1), ref)
    assert not entries(office, ref, "remind")
    for moment in (at(2, 13), at(2, 16)):
        scanned(office, moment, ref)
    assert len(entries(office, ref, "remind")) == 1
    for moment in (at(2, 18), at(3), at(4)):
        scanned(office, moment, ref)
    assert len(entries(office, ref, "remind")) == 2
    assert stage.row(ref)["state"] == "supplement_required"  # the clock ends nothing
    assert {e["role"] for e in entries(office, ref, "remind")} == {"clock"}


def test_a_file_that_came_back_is_not_asked_for_again(office, stage):
    ref = visit(stage, "under_review")
    items = [{"target": "/crew", "reason": "Thiếu số thẻ.", "basis": "262/16(3)"}]
    stage.act("cv.binh", ref, "ask_clarification", items=items, respond_by=clock.stamp(at(2, 17)))
    with clock.at(at(2, 9)):
        stage.act("cv.binh", ref, "take_back", reason="Đã đủ.", agreed=True)
    scanned(office, at(2, 18), ref)
    assert not entries(office, ref, "remind")


# --- d to i ----------------------------------------------------------------------------------------------------


def test_the_head_hears_of_a_file_the_desk_has_not_touched(office, stage):
    ref, taken = visit(stage), visit(stage, "under_review")
    assert "intake_waits" not in names(scanned(office, at(1, 16), ref))
    assert ("intake_waits", ("head",)) in scanned(office, at(1, 17, 5), ref)
    assert "intake_waits" not in names(told(office, taken))


def test_no_guide_the_working_day_before(office, stage):
    """First day Monday 9/11: one working day before it opens is Friday morning."""
    ref, guided = visit(stage, "approved", first=21), visit(stage, "guided", first=28)
    assert "guide_missing" not in names(scanned(office, at(17, 15), ref))
    assert ("guide_missing", ("officer", "head")) in scanned(office, at(18, 9), ref)
    assert "guide_missing" not in names(scanned(office, at(25, 9), guided))


def test_nobody_is_missed_where_nobody_goes_along(office, stage):
    ref = stage.file("vptt.han", "visit", fields=fields(21))
    demo.advance(stage, ref, "visit", "consulted")
    stage.act("cv.binh", ref, "recommend", **demo.proposal(stage, ref, "visit"), accompaniment={"kind": "none", "reason": "Chỉ chụp ngoài trời."})
    demo.advance_from(stage, ref, "visit", "pending_decision", "pending_committee", "approved")
    assert "guide_missing" not in names(scanned(office, at(18, 9), ref))


def test_the_call_list_when_the_crew_has_not_come(office, stage):
    """First activity Monday 9/11 at 8:00; the list is opened two hours later."""
    ref, begun = visit(stage, "guided", first=21), visit(stage, "guided", first=35)
    assert "crew_missing" not in names(scanned(office, at(21, 9, 59), ref))
    assert ("crew_missing", ("guide", "officer", "head")) in scanned(office, at(21, 10, 1), ref)
    with clock.at(at(35, 8)):
        stage.act(demo._guide(stage, begun), begun, "start")
    assert "crew_missing" not in names(scanned(office, at(35, 11), begun))


def test_an_interview_begins_at_its_agreed_slot(office, stage):
    ref = stage.file("vptt.lam", "interview")
    demo.advance(stage, ref, "interview", "guided")
    row = stage.row(ref)
    start = scan.begins(row)
    assert start == clock.moment(row["memory"]["acts"]["accept_interview"]["given"]["slot"]["from"])
    assert "crew_missing" not in names(scanned(office, start + timedelta(hours=1), ref))
    assert "crew_missing" in names(scanned(office, start + timedelta(hours=2, minutes=1), ref))


def test_a_card_that_ends_during_the_programme(office, stage):
    crew = FLOWS["visit"].example(MONDAY + timedelta(days=20))["crew"]
    ending = [{**crew[0], "card_expires_on": (MONDAY + timedelta(days=23)).isoformat()}, crew[1]]
    ref, sound = visit(stage, "guided", first=21, crew=ending), visit(stage, "guided", first=42)
    assert "card_ends" not in names(scanned(office, at(19), ref))
    assert ("card_ends", ("officer", "guide")) in scanned(office, at(20), ref)
    assert "card_ends" not in names(told(office, sound))


def test_a_late_report_is_the_guides_then_the_heads(office, stage):
    """Last day Tuesday 20/10; three working days: due on Friday at closing."""
    ref = visit(stage, "accompanied", first=0)
    due = clock.moment(stage.row(ref)["due_at"])
    assert due == at(4, 17)
    assert "report_late" not in names(scanned(office, due, ref))
    assert ("report_late", ("guide_or_officer",)) in scanned(office, due + timedelta(minutes=5), ref)
    assert ("report_late", ("head",)) not in scanned(office, at(7, 16), ref)
    assert ("report_late", ("head",)) in scanned(office, at(7, 17, 5), ref)
    stage.letters(ref)
    filed = visit(stage, "reported", first=0)
    assert "report_late" not in names(scanned(office, at(9), filed))


def test_a_signed_letter_nobody_issues(office, stage):
    ref = visit(stage, "approved", first=40)
    worker.drain(office)
    sealed, other = stage.children(ref, "letter", "sealed")[:2]
    due = clock.moment(stage.row(sealed)["due_at"])
    stage.act("vt.van", other, "issue", number="77/SNgV", on=clock.today().isoformat())
    assert scanned(office, due, sealed) == []
    assert scanned(office, due + timedelta(minutes=1), sealed) == [("letter_late", ("registry", "head"))]
    assert told(office, other) == []


# --- j: once a day ---------------------------------------------------------------------------------------------


def daily(office, stage, username, name):
    return [n for n in notices.of_person(office, stage.actor(username), 1000) if n["name"] == name]


def test_a_role_nobody_holds_is_told_once_a_day(office, stage):
    visit(stage)
    scan.duties(office)
    assert not daily(office, stage, "qt.yen", "nobody")
    office.db.transact(lambda c: store.execute(c, "UPDATE users SET active = :no WHERE username = 'motcua.mai'", no=False))
    try:
        assert scan.duties(office) == scan.duties(office) == 1
        assert len(daily(office, stage, "qt.yen", "nobody")) == len(daily(office, stage, "gd.khanh", "nobody")) == 1
        assert not daily(office, stage, "cv.binh", "nobody")
        with clock.at(at(1)):
            scan.duties(office)
        assert len(daily(office, stage, "qt.yen", "nobody")) == 2
    finally:
        office.db.transact(lambda c: store.execute(c, "UPDATE users SET active = :yes WHERE username = 'motcua.mai'", yes=True))


def test_a_case_whose_officer_has_left_is_told_to_those_who_may_reassign_it(office, stage):
    ref, kept = visit(stage, "under_review"), visit(stage)
    office.db.transact(lambda c: store.execute(c, "UPDATE users SET active = :no WHERE username = 'cv.binh'", no=False))
    try:
        assert scan.duties(office) >= 1
        scan.duties(office)
        found = told(office, ref)
        assert found == [("orphan", ("director", "head"))]
        assert told(office, kept) == []
    finally:
        office.db.transact(lambda c: store.execute(c, "UPDATE users SET active = :yes WHERE username = 'cv.binh'", yes=True))


# --- the whole -------------------------------------------------------------------------------------------------


def test_levels_do_not_change_a_case(office, stage):
    ref = visit(stage, "under_review")
    before = stage.row(ref)["version"]
    scanned(office, at(8), ref)
    assert stage.row(ref)["version"] == before


def test_the_number_of_questions_does_not_grow_with_the_cases(office, stage):
    """Reads of a scan that finds nothing new: a fixed number a page, however many cases are open."""

    def asked():
        seen = []

        def note(connection, *_):
            seen.append(1)

        sa.event.listen(office.db._reader, "begin", note)
        try:
            scan.scan(office)
        finally:
            sa.event.remove(office.db._reader, "begin", note)
        return len(seen)

    with clock.at(at(7, 9)):
        visit(stage, "under_review")
        scan.scan(office)
        few = asked()
        for _ in range(4):
            visit(stage, "under_review")
        scan.scan(office)
        assert asked() == few <= 4


def test_pages_reach_every_open_case(office, stage, monkeypatch):
    refs = {visit(stage) for _ in range(3)}
    monkeypatch.setattr(scan, "_OPEN", scan._OPEN.replace(f"LIMIT {scan.PAGE}", "LIMIT 2"))
    monkeypatch.setattr(scan, "PAGE", 2)
    seen = [row["id"] for page in scan._pages(office) for row in page]
    assert len(seen) == len(set(seen))
    assert refs <= set(seen)


def test_the_clock_ends_no_visit_or_interview():
    for kind in ("visit", "interview"):
        flow = FLOWS[kind]
        assert not [s for s in flow.steps if "clock" in s.by and flow.states[s.target].end]


# --- standing subscribers --------------------------------------------------------------------------------------


@pytest.fixture
def subscribed(office, monkeypatch):
    """The department of culture is told of approvals and reports."""
    monkeypatch.setattr(type(office.profile), "subscribers", lambda self, event: ("so_vhttdl",) if event in ("approved", "reported") else ())


def test_subscribers_get_the_minimum_once_per_event(office, stage, subscribed):
    ref = visit(stage, "guided", first=0)
    member, auditor, other = stage.actor("vhttdl.son"), stage.actor("ktr.xuan"), stage.actor("ca.phuc")
    mine = [row for row in sharing.listed(office, member) if row["code"] == stage.row(ref)["code"]]
    assert [row["event"] for row in mine] == ["approved"]
    assert set(mine[0]["shown"]) == {"outlet", "crew", "programme"}
    assert {name for row in mine[0]["shown"]["programme"] for name in row} == {"on", "commune", "place"}
    assert mine[0]["shown"]["crew"] == ["AINO ESIMERKKI", "MIKKO MALLI"]
    demo.advance_from(stage, ref, "visit", "accompanied", "reported")
    worker.drain(office)
    again = [row for row in sharing.listed(office, auditor) if row["code"] == stage.row(ref)["code"]]
    assert sorted(row["event"] for row in again) == ["approved", "reported"]
    assert sharing.one(office, member, again[0]["id"])["code"] == stage.row(ref)["code"]
    assert not sharing.listed(office, other)
    with pytest.raises(engine.NotFound):
        sharing.one(office, other, again[0]["id"])
    shared = [n for n in notices.of_person(office, member, 100) if n["name"].startswith("shared_") and n["code"] == stage.row(ref)["code"]]
    assert sorted(n["path"] for n in shared) == sorted(f"/shared/{row['id']}" for row in again)
    assert not any(n["title"] for n in shared)
    stage.refused(member.username, ref, "close")  # no action: not even visible
    with office.db.read() as connection:
        assert not notices.may_read(store.load(connection, ref), member)


def test_a_return_of_the_report_shares_nothing_again(office, stage, subscribed):
    ref = visit(stage, "reported", first=0)
    worker.drain(office)
    with office.db.read() as connection:
        before = store.query(connection, "SELECT id FROM shares WHERE case_id = :id", id=ref)
    stage.act("tp.hoa", ref, "return_report", reason="Bổ sung.")
    demo._report(stage, ref, "visit", demo._guide(stage, ref))
    worker.drain(office)
    with office.db.read() as connection:
        assert store.query(connection, "SELECT id FROM shares WHERE case_id = :id", id=ref) == before
    assert len(before) == 2


def test_no_subscriber_no_share(office, stage, monkeypatch):
    monkeypatch.setattr(type(office.profile), "subscribers", lambda self, event: ())
    ref = visit(stage, "approved")
    worker.drain(office)
    with office.db.read() as connection:
        assert not store.query(connection, "SELECT id FROM shares WHERE case_id = :id", id=ref)


def test_an_interview_shares_day_and_place(office, stage, subscribed):
    ref = stage.file("vptt.lam", "interview")
    demo.advance(stage, ref, "interview", "approved")
    worker.drain(office)
    (row,) = [r for r in sharing.listed(office, stage.actor("vhttdl.son")) if r["code"] == stage.row(ref)["code"]]
    assert row["shown"]["programme"][0]["place"] == "Trụ sở UBND"
    assert row["shown"]["programme"][0]["on"]
