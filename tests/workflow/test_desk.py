"""What the desk tells of a case beyond the applicant's words, and to whom."""

from __future__ import annotations

import pytest

from tests.oracle.builder import free_guide
from workflow import demo
from workflow.desk import internals
from workflow.errors import NotFound


@pytest.fixture(scope="module")
def told(office):
    """A visit that was decided on the unit's conditions, logged and reported; answers what each person is told of it."""
    stage = demo.Stage(office)
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "consulted")
    rows = stage.row(ref)["fields"]["itinerary"]
    proposed = [{"row": rows[0]["row"], "result": "condition", "reason": "Chỉ quay ở khu công cộng."}]
    stage.act("cv.binh", ref, "recommend", **demo.proposal(stage, ref, "visit"), rows=proposed, conditions=[{"text": "Có cán bộ đi cùng.", "owner": "Sở"}])
    for stop in ("pending_decision", "pending_committee"):
        demo.step(stage, ref, "visit", stop)
    stage.act("ubnd.minh", ref, "approve", conditions=[{"text": "Không quay cơ sở quốc phòng.", "owner": "Sở Ngoại vụ"}])
    free_guide(stage, ref)
    for stop in ("guided", "accompanied", "reported"):
        demo.step(stage, ref, "visit", stop)
    return lambda who: internals(office, stage.actor(who), ref)


def test_the_decision_is_told_to_all_and_the_decider_to_staff(told):
    for who in ("vptt.han", "hd.thao", "cv.binh", "ubnd.minh", "ktr.xuan"):
        assert [c["text"] for c in told(who)["decision"]["given"]["conditions"]] == ["Không quay cơ sở quốc phòng."], who
    assert told("tp.hoa")["decision"]["by"] == "Đỗ Thử Minh"
    assert told("vptt.han")["decision"]["by"] is None and told("hd.thao")["decision"]["by"] is None


def test_what_was_only_proposed_stays_inside(told):
    assert "rows" not in told("vptt.han")["decision"]["given"]
    assert told("hd.thao")["decision"]["given"]["rows"][0]["reason"] == "Chỉ quay ở khu công cộng."
    assert told("vptt.han")["proposal"] is None and told("vptt.han")["opinions"] == [] and told("vptt.han")["account"] is None


def test_the_report_is_read_by_those_who_close(told):
    for who in ("tp.hoa", "gd.khanh", "hd.thao", "ktr.xuan"):
        account = told(who)["account"]
        assert account["report"]["summary"].startswith("Chương trình") and len(account["log"]) == 3, who
    assert told("motcua.mai")["account"] is None


def test_opinions_are_read_by_those_who_may(told):
    assert {o["outcome"] for o in told("tp.hoa")["opinions"]} == {"no_objection", "conditions"}
    assert {o["outcome"] for o in told("motcua.mai")["opinions"]} == {None}
    assert told("hd.thao")["opinions"] == []
    with pytest.raises(NotFound):
        told("ca.phuc")
