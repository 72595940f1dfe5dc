"""Two files that come back: a visit returned at the desk and again in the review, an interview whose question is put in other words."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from states import FLOWS
from workflow import attachments, clock, demo, differences, engine, queries
from workflow.desk import internals


def changes(office, stage, who, ref, round_=""):
    """What changed in a round, by pointer: (old, new)."""
    found = differences.of_case(office, stage.actor(who), ref, round_)
    return {item["pointer"]: (item["old"], item["new"]) for one in found["returns"] for item in one["items"]}


def edit(stage, who, ref, **fields):
    engine.edit_case(stage.office, stage.actor(who), ref, fields, version=stage.row(ref)["version"])


@pytest.fixture
def ahead():
    """A first day far enough for nothing to be urgent."""
    return clock.today() + timedelta(days=40)


def test_a_visit_returned_twice(office, stage, ahead):
    """The desk misses a passport and a paper, the officer a place: each round shows its own changes, and one body is asked again."""
    ref = stage.file("vptt.han", "visit", fields=FLOWS["visit"].example(ahead))
    crew = stage.row(ref)["fields"]["crew"]
    passport = f"/crew/{crew[1]['row']}/passport_no"
    asked = [{"target": passport, "code": "passport_unreadable"}, {"target": "paper:request", "code": "no_signature_or_seal"}]
    stage.act("motcua.mai", ref, "ask_supplement", items=asked, respond_by=stage.soon(1))

    case = queries.read_case(office, stage.actor("vptt.han"), ref)
    assert case["open_fields"] == sorted([passport, "paper:request"])
    for name, value in (("title", "Khác"), ("crew", [{**crew[0], "name": "KHÁC"}, crew[1]]), ("crew", crew[:1]), ("crew", [*crew, {"name": "MỚI"}])):
        with pytest.raises(engine.Invalid) as refused:
            edit(stage, "vptt.han", ref, **{name: value})
        assert refused.value.code == "locked" and set(refused.value.fields) == {name}
    with pytest.raises(engine.Invalid):
        stage.attach("vptt.han", ref, "passport")

    edit(stage, "vptt.han", ref, crew=[crew[0], {**crew[1], "passport_no": "XP0000009"}])
    assert stage.refused("vptt.han", ref, "resubmit").reasons[0].code == "items_answered"
    stage.attach("vptt.han", ref, "request")
    assert stage.act("vptt.han", ref, "resubmit") == "requested"
    assert queries.list_cases(office, stage.actor("motcua.mai"), {"inbox": True, "mine": True})["items"][0]["id"] == ref

    first = changes(office, stage, "motcua.mai", ref)
    assert first[passport] == ("XP0000002", "XP0000009")
    old, new = first["paper:request"]
    assert old["id"] != new["id"] and set(first) == {passport, "paper:request"}
    for file in (old, new):
        assert attachments.open_paper(office, stage.actor("motcua.mai"), file["id"]).filename == "request.pdf"
    masked = changes(office, stage, "tp.hoa", ref)
    assert masked[passport] == ("…002", "…009"), "the head reads no passport number, and still sees that it changed"

    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    rows = stage.row(ref)["fields"]["itinerary"]
    stage.act("cv.binh", ref, "consult", agencies=["cong_an"], question="Hỏi.", due_at=stage.soon(1), bundle=["/itinerary"])
    stage.act("cv.binh", ref, "consult", agencies=["so_vhttdl"], question="Hỏi.", due_at=stage.soon(1), bundle=[f"/itinerary/{rows[0]['row']}"])
    demo.answer_all(stage, ref)
    place = f"/itinerary/{rows[2]['row']}/place"
    stage.act("tp.hoa", ref, "allow_supplement", reason="Địa điểm chỉ rõ khi thẩm định.")
    stage.act("cv.binh", ref, "ask_clarification", items=[{"target": place, "code": "place_unclear"}], respond_by=stage.soon(1))
    edit(stage, "vptt.han", ref, itinerary=[*rows[:2], {**rows[2], "place": "Trạm đo mặn số 2"}])
    assert stage.act("vptt.han", ref, "clarify", note="Trạm số 2, cạnh cống.") == "under_review"

    row = stage.row(ref)
    assert row["officer_id"] == stage.actor("cv.binh").id and row["round"] == 3
    assert changes(office, stage, "cv.binh", ref) == {place: ("Trạm đo mặn minh họa", "Trạm đo mặn số 2")}
    assert changes(office, stage, "cv.binh", ref, "2") == first, "each round keeps its own"
    found = differences.of_case(office, stage.actor("cv.binh"), ref)
    assert found["rounds"] == [2, 3] and found["returns"][0]["note"] == "Trạm số 2, cạnh cống."
    again = {item["agency_code"] for item in internals(office, stage.actor("cv.binh"), ref)["opinions"] if item["changed"]}
    assert again == {"cong_an"}
    stage.act("cv.binh", ref, "consult", agencies=["cong_an"], question="Hỏi lại.", due_at=stage.soon(1), bundle=["/itinerary"])
    demo.answer_all(stage, ref)
    demo.advance_from(stage, ref, "visit", "pending_endorsement", "pending_decision", "pending_committee", "approved")


def test_an_interview_whose_question_is_put_in_other_words(office, stage, ahead):
    """One question of several is open, and so is the list of times; the rest of the file stays as it was."""
    ref = stage.file("vptt.lam", "interview", fields=FLOWS["interview"].example(ahead))
    stage.act("motcua.mai", ref, "accept", officer="cv.dung")
    fields = stage.row(ref)["fields"]
    question = f"/questions/{fields['questions'][0]['row']}/text"
    items = [{"target": question, "code": "questions_unclear"}, {"target": "/slots", "code": "slots_unclear"}]
    assert stage.act("cv.dung", ref, "ask_clarification", items=items, respond_by=stage.soon(1)) == "clarification_required"
    with pytest.raises(engine.Invalid) as refused:
        edit(stage, "vptt.lam", ref, questions=[*fields["questions"], {"text": "Thêm một câu hỏi nữa?", "language": "vi"}])
    assert refused.value.code == "locked"
    slots = [*fields["slots"], {"from": f"{ahead + timedelta(days=1)}T08:00:00+07:00"}]
    edit(stage, "vptt.lam", ref, questions=[{**fields["questions"][0], "text": "Thành phố làm gì trước mùa khô?"}, *fields["questions"][1:]], slots=slots)
    assert stage.act("vptt.lam", ref, "clarify") == "under_review"
    found = changes(office, stage, "cv.dung", ref)
    assert found[question] == (fields["questions"][0]["text"], "Thành phố làm gì trước mùa khô?")
    added = [pointer for pointer, (old, _) in found.items() if pointer.startswith("/slots/") and old is None]
    assert len(added) == 1 and set(found) == {question, *added}
    assert queries.list_cases(office, stage.actor("cv.dung"), {"inbox": True, "mine": True})["items"][0]["id"] == ref


def test_a_file_taken_back_shows_what_was_changed_until_then(office, stage, ahead):
    ref = stage.file("vptt.han", "visit", fields=FLOWS["visit"].example(ahead))
    items = [{"target": "/purpose", "code": "purpose_unclear"}, {"target": "/content", "code": "purpose_unclear"}]
    stage.act("motcua.mai", ref, "ask_supplement", items=items, respond_by=stage.soon(1))
    edit(stage, "vptt.han", ref, purpose="Phóng sự về chợ nổi.")
    assert differences.of_case(office, stage.actor("motcua.mai"), ref) == {"rounds": [], "round": None, "returns": []}, "nothing has come back yet"
    stage.act("motcua.mai", ref, "take_back", reason="Cơ quan đề nghị đồng ý.", agreed=True)
    found = differences.of_case(office, stage.actor("motcua.mai"), ref)
    assert found["rounds"] == [1] and found["returns"][0]["closed_by"] == "take_back"
    assert [item["pointer"] for item in found["returns"][0]["items"]] == ["/purpose"]


def test_an_explained_item_changes_nothing(office, stage, ahead):
    ref = stage.file("vptt.han", "visit", fields=FLOWS["visit"].example(ahead))
    stage.act("motcua.mai", ref, "ask_supplement", items=[{"target": "/purpose", "code": "purpose_unclear"}], respond_by=stage.soon(1))
    stage.act("vptt.han", ref, "resubmit", note="Mục đích đã nêu đủ.")
    one = differences.of_case(office, stage.actor("motcua.mai"), ref)["returns"][0]
    assert one["items"] == [] and one["note"] == "Mục đích đã nêu đủ."
    assert date.fromisoformat(stage.row(ref)["fields"]["first_day"]) == ahead
