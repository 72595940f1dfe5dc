"""What a consulted body is shown of a dossier."""

from __future__ import annotations

from workflow import demo


def test_only_the_police_read_the_numbers_of_identity_papers(office):
    stage = demo.Stage(office)
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "under_review")
    stage.act("cv.binh", ref, "consult", agencies=["cong_an", "bo_chqs"], question="Hỏi.", due_at=stage.soon(), bundle=["/crew", "/title"])
    numbers = {}
    for child in stage.children(ref, "consultation"):
        fields = stage.row(child)["fields"]
        assert set(fields["bundle"]) == {"crew", "title"}
        numbers[fields["agency"]] = [row["passport_no"] for row in fields["bundle"]["crew"]]
    own = [row["passport_no"] for row in stage.row(ref)["fields"]["crew"]]
    assert numbers["cong_an"] == own
    assert numbers["bo_chqs"] == [f"…{number[-3:]}" for number in own]


def test_by_default_nothing_of_identity_papers_goes_along(office):
    stage = demo.Stage(office)
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "under_review")
    stage.act("cv.binh", ref, "consult", agencies=["cong_an"], question="Hỏi.", due_at=stage.soon())
    bundle = stage.row(stage.children(ref, "consultation")[0])["fields"]["bundle"]
    assert {"title", "itinerary", "crew"} <= set(bundle)
    assert all(set(row) == {"name", "role", "nationality"} for row in bundle["crew"])
