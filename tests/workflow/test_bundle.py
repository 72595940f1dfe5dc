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


def test_by_default_the_police_see_the_crew_with_its_numbers_and_others_who_comes(office):
    stage = demo.Stage(office)
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "under_review")
    stage.act("cv.binh", ref, "consult", agencies=["cong_an", "bo_chqs"], question="Hỏi.", due_at=stage.soon())
    bundles = {row["fields"]["agency"]: row["fields"]["bundle"] for row in map(stage.row, stage.children(ref, "consultation"))}
    assert all({"title", "itinerary", "crew"} <= set(bundle) for bundle in bundles.values())
    own = stage.row(ref)["fields"]["crew"]
    assert bundles["cong_an"]["crew"] == own and all(row["passport_no"] for row in own)
    assert all(set(row) == {"name", "role", "nationality"} for row in bundles["bo_chqs"]["crew"])
