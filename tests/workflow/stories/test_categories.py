"""Who files decides what follows: a story of each category A1–A12, from the request to its right end."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from states import FLOWS
from tests.oracle.builder import free_guide
from workflow import clock, demo, queries
from workflow.categories import categories, referral_of
from workflow.errors import NeedsUnmet

# Code: kind of form, official form, authority, rule of the clock, working days, whether the law sets them.
TABLE = {
    "A1": ("visit", "04/BC-BNG", "decide", "T01", 5, True),
    "A2": ("interview", "", "decide", "T02", 5, True),
    "A3": ("visit", "01/BC-BNG", "coordinate", "coordination", 5, False),
    "A4": ("visit", "01/BC-BNG", "decide", "T04", 5, False),
    "A5": ("visit", "01/BC-BNG", "host", "coordination", 5, False),
    "A6": ("visit", "", "coordinate", "coordination", 5, False),
    "A7": ("visit", "01/BC-BNG", "host", "coordination", 5, False),
    "A8": ("visit", "01/BC-BNG", "decide", "T01", 5, False),
    "A9": ("visit", "06/BC-BNG", "decide", "T13", 10, False),
    "A10": ("visit", "", "opinion", "T12", 5, True),
    "A11": ("interview", "", "decide", "T02", 5, False),
    "A12": ("visit", "", "decide", "T01", 5, False),
}


def licensed(category: str) -> dict:
    """A dossier of that category, the Ministry's licence valid on all its days."""
    day = clock.today()
    licence = {"number": "GP-07/BNG", "valid_from": (day - timedelta(days=5)).isoformat(), "valid_to": (day + timedelta(days=60)).isoformat()}
    return {"category": category, "licence": licence}


def reasons(refused) -> set[str]:
    """The codes of a refusal."""
    assert isinstance(refused, NeedsUnmet), refused
    return {reason.code for reason in refused.reasons}


def letters(stage, ref: str) -> dict[str, str]:
    """The letters of a case: type and state."""
    return {orjson.loads(fields)["letter"]: state for _, kind, state, _, _, fields, *_ in stage.row(ref)["children"] if kind == "letter"}


def assert_nothing_pends(stage, ref: str, state: str) -> None:
    """The case has ended in that state, with no part of it left open and its letters out."""
    stage.deliver()
    row = stage.row(ref)
    assert (row["state"], bool(row["is_open"])) == (state, False)
    assert FLOWS[row["kind"]].states[state].end
    left = [(child[1], child[2]) for child in row["children"] if child[1] != "letter" and child[4]]
    assert not left, left


# --- form, clock, authority -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", TABLE)
def test_the_category_sets_form_clock_and_authority(stage, code):
    kind, form, authority, rule, days, statutory = TABLE[code]
    category = categories()[code]
    assert (category.kind, category.form, category.authority, category.clock, category.statutory) == (kind, form, authority, rule, statutory)
    ref = stage.file("vptt.han", kind, fields=licensed(code))
    row = stage.row(ref)
    unit = stage.office.rules[rule].unit
    due = stage.office.calendar.count(clock.moment(row["clocks"]["received_at"]), days, unit).due
    assert row["authority"] == authority
    assert row["clocks"]["work_due"] == clock.stamp(due), "clock W runs on every request"
    assert row["clocks"]["statutory_due"] == (clock.stamp(due) if statutory else None), "clock S only where the law sets it"
    told = queries.deadlines(stage.office, stage.actor("vptt.han"), ref)
    assert {item["code"] for item in told if item["clock"] in ("statutory", "work")} == {rule}
    # Only the paper that the kind itself calls legal stops a filing; what the category usually needs is told, and may come later.
    assert set(row["papers"]) == {"request"} == {paper.name for paper in FLOWS[kind].papers if paper.flag == "legal"} <= set(category.papers)


# --- the resident bureau ------------------------------------------------------------------------------------------


def test_a1_a_resident_bureau_is_approved_by_the_province(stage):
    ref = stage.file("vptt.han", "visit", fields={"category": "A1"})
    demo.advance(stage, ref, "visit", "pending_committee")
    free_guide(stage, ref)
    for stop in ("approved", "guided", "accompanied", "reported", "closed"):
        demo.step(stage, ref, "visit", stop)
    found = letters(stage, ref)
    assert found["approval"] == "issued" and "coordination" not in found
    assert_nothing_pends(stage, ref, "closed")


def test_a1_may_be_refused_with_a_ground(stage):
    ref = stage.file("vptt.han", "visit", fields={"category": "A1"})
    demo.advance(stage, ref, "visit", "pending_committee", word="reject")
    stage.act("ubnd.minh", ref, "reject", grounds=["safety"], reason="Địa điểm đang phòng chống thiên tai.")
    assert_nothing_pends(stage, ref, "rejected")


def test_a2_an_interview_is_answered_by_the_leaders_office(stage):
    ref = stage.file("vptt.han", "interview", fields={"category": "A2"})
    demo.advance(stage, ref, "interview", "pending_interviewee")
    assert stage.office.organisation(stage.row(ref)["office_id"]).code == "vp_ubnd"
    free_guide(stage, ref)
    for stop in ("approved", "guided", "accompanied", "reported", "closed"):
        demo.step(stage, ref, "interview", stop)
    assert letters(stage, ref)["acceptance"] == "issued"
    assert_nothing_pends(stage, ref, "closed")


# --- licensed by the Ministry: the province coordinates -----------------------------------------------------------


@pytest.mark.parametrize("code", ["A3", "A5", "A6", "A7"])
def test_a_licensed_visit_runs_to_its_end_by_letters_of_coordination(stage, code):
    ref = stage.file("vptt.han", "visit", fields=licensed(code))
    demo.advance(stage, ref, "visit", "consulted")
    turned_down = stage.refused("cv.binh", ref, "recommend", proposal="reject", grounds=["safety"], reason="Không nên.")
    assert "decision_is_ours" in reasons(turned_down), "the province cannot refuse what the Ministry licensed"
    for stop in ("pending_endorsement", "pending_decision", "pending_committee"):
        demo.step(stage, ref, "visit", stop)
    turned_down = stage.refused("ubnd.minh", ref, "reject", grounds=["safety"], reason="Không nên.", seen=seen(stage, ref))
    assert reasons(turned_down) == {"decision_is_ours"}
    assert [reason.lifted_by.en for reason in turned_down.reasons] == ["Approve, dropping the rows that cannot be done."]
    free_guide(stage, ref)
    for stop in ("approved", "guided", "accompanied", "reported", "closed"):
        demo.step(stage, ref, "visit", stop)
    found = letters(stage, ref)
    assert found["coordination"] == "issued" and not {"approval", "refusal"} & set(found), "no decision on the licence is ever written"
    assert_nothing_pends(stage, ref, "closed")


def seen(stage, ref: str) -> str:
    """The mark of what a decider has seen."""
    return queries.read_case(stage.office, stage.actor("ubnd.minh"), ref)["decision_hash"]


@pytest.mark.parametrize("code", ["A5", "A7"])
def test_a_host_owes_the_ministry_a_report_before_it_closes(stage, code):
    ref = stage.file("vptt.han", "visit", fields=licensed(code))
    demo.advance(stage, ref, "visit", "pending_committee")
    free_guide(stage, ref)
    for stop in ("approved", "guided", "accompanied", "reported"):
        demo.step(stage, ref, "visit", stop)
    assert "ministry_report_sent" in reasons(stage.refused("ptp.ngoc", ref, "close"))
    demo.step(stage, ref, "visit", "closed")
    assert letters(stage, ref)["report"] == "issued"


def test_a4_a_changed_programme_waits_for_the_written_approval(stage):
    ref = stage.file("vptt.han", "visit", fields=licensed("A4"))
    demo.advance(stage, ref, "visit", "pending_committee")
    free_guide(stage, ref)
    demo.step(stage, ref, "visit", "approved")
    assert "approval_issued" in reasons(stage.refused("cv.binh", ref, "start")), "not before the paper is out"
    for stop in ("guided", "accompanied", "reported", "closed"):
        demo.step(stage, ref, "visit", stop)
    assert letters(stage, ref)["approval"] == "issued"
    assert_nothing_pends(stage, ref, "closed")


def test_a4_is_the_provinces_own_decision_and_rests_on_a_licence_in_force(stage):
    stale = {**licensed("A4"), "licence": {"number": "GP-01", "valid_from": "2026-01-01", "valid_to": "2026-01-31"}}
    ref = stage.file("vptt.han", "visit", fields=stale)
    demo.advance(stage, ref, "visit", "consulted")
    assert "licence_covers_rows" in reasons(stage.refused("cv.binh", ref, "recommend", **demo.proposal(stage, ref, "visit")))
    stage.act("cv.binh", ref, "recommend", **demo.proposal(stage, ref, "visit", "reject"))
    for stop in ("pending_decision", "pending_committee"):
        demo.step(stage, ref, "visit", stop)
    stage.act("ubnd.minh", ref, "reject", grounds=["outside_licence"], reason="Giấy phép đã hết hạn.")
    assert_nothing_pends(stage, ref, "rejected")


# --- opinion, written answers -------------------------------------------------------------------------------------


def test_a10_ends_with_an_opinion_letter(stage):
    ref = stage.file("vptt.han", "visit", fields={"category": "A10"})
    demo.advance(stage, ref, "visit", "approved")
    assert "reply_issued" in reasons(stage.refused("cv.binh", ref, "conclude")), "the letter goes out first"
    stage.letters(ref)
    row = stage.row(ref)
    assert row["clocks"]["answered_at"] and row["clocks"]["answered_at"] < row["clocks"]["statutory_due"]
    stage.act("cv.binh", ref, "conclude")
    found = letters(stage, ref)
    assert found["coordination"] == "issued" and "approval" not in found
    assert_nothing_pends(stage, ref, "closed")


def test_only_an_opinion_is_concluded(stage):
    ref = stage.file("vptt.han", "visit", fields={"category": "A1"})
    demo.advance(stage, ref, "visit", "approved")
    stage.letters(ref)
    assert reasons(stage.refused("cv.binh", ref, "conclude")) == {"authority_is_opinion"}


def test_a11_is_answered_in_writing_without_guide_or_start(stage):
    assert categories()["A11"].interview_form == "written"
    ref = stage.file("vptt.han", "interview", fields={"category": "A11", "form": "written"})
    demo.advance(stage, ref, "interview", "pending_interviewee")
    stage.act("cv.binh", ref, "brief", text="Nội dung trả lời.", checked_by="tp.hoa")
    slot = stage.row(ref)["fields"]["slots"][0]
    speaker = {"name": "Đỗ Thử Minh", "position": "Phó Chủ tịch UBND"}
    stage.act("vpub.nga", ref, "accept_interview", slot=slot, form="written", speaker=speaker, speaker_basis="head")
    stage.letters(ref)
    assert "form_is_spoken" in reasons(stage.refused("cv.binh", ref, "start"))
    stage.act("cv.binh", ref, "deliver_answers", answers="Câu trả lời đã duyệt.")
    assert stage.row(ref)["guide_id"] is None and "guide" not in letters(stage, ref)
    stage.letters(ref)
    stage.act("ptp.ngoc", ref, "close")
    assert_nothing_pends(stage, ref, "closed")


# --- not the province's: referred out -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["A8", "A9", "A12"])
def test_what_is_not_the_provinces_ends_at_the_desk_with_where_to_go(stage, code):
    referral = referral_of(code)
    ref = stage.file("vptt.han", "visit", fields={"category": code})
    assert reasons(stage.refused("motcua.mai", ref, "accept", officer="cv.binh")) == {"in_our_authority"}
    stage.act("motcua.mai", ref, "refuse_intake", ground=referral.ground, reason=referral.why.vi, where_to_go=referral.where.vi)
    stage.deliver()
    letter = stage.row(stage.children(ref, "letter")[0])
    assert letter["fields"]["letter"] == "not_accepted" and referral.where.vi in str(letter["fields"])
    assert_nothing_pends(stage, ref, "not_accepted")


def test_nothing_of_these_can_be_approved_by_another_way(stage):
    """From `requested` a referred category has no arrow but those that end it or ask the applicant."""
    ref = stage.file("vptt.han", "visit", fields={"category": "A9"})
    onward = {step.action for step in FLOWS["visit"].steps if step.source == "requested" and step.target not in ("requested", "supplement_required")}
    assert onward == {"accept", "refuse_intake", "withdraw"}
    assert reasons(stage.refused("tp.hoa", ref, "accept", officer="cv.binh")) == {"in_our_authority"}


def test_a_national_leader_is_the_ministrys_even_where_the_interview_is_held_here(stage):
    leader = {"name": "Lãnh đạo Minh Họa", "position": "Lãnh đạo cấp cao", "agency": "trung_uong"}
    ref = stage.file("vptt.han", "interview", fields={"category": "A2", "leader": leader})
    assert stage.row(ref)["office_id"] is None, "no local office answers"
    demo.advance(stage, ref, "interview", "consulted")
    assert "level_is_local" in reasons(stage.refused("cv.binh", ref, "recommend", **demo.proposal(stage, ref, "interview")))
    stage.act("tp.hoa", ref, "refer_out", ground="wrong_authority", reason="Thuộc thẩm quyền của Bộ Ngoại giao.", where_to_go="Bộ Ngoại giao")
    assert_nothing_pends(stage, ref, "not_accepted")
