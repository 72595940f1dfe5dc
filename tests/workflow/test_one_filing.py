"""A visit and its interviews in one filing: each sent once, whoever presses how often, and nothing that is somebody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.rounds import at_once
from workflow import attachments, clock, demo, engine, open_case, read_case, together
from workflow.errors import Invalid, NotFound
from workflow.together import Part

GIVEN = {"undertaking": True}


def filing(stage):
    """A visit and two interviews of it, ready to be sent."""
    visit = stage.file("vptt.han", "visit", submit=False)
    return [visit, *(stage.file("vptt.han", "interview", submit=False, related=visit) for _ in range(2))]


def parts_of(stage, refs):
    return [Part(ref, stage.row(ref)["kind"], stage.row(ref)["version"]) for ref in refs]


def test_all_are_sent_the_visit_first_each_on_its_own_record(office, stage):
    refs = filing(stage)
    parts = parts_of(stage, reversed(refs))
    assert together.hindrances(office, stage.actor("vptt.han"), parts) == {}
    done = together.send(office, stage.actor("vptt.han"), parts, GIVEN)
    assert done[0].part.case_id == refs[0] and all(outcome.refused is None for outcome in done) and len(done) == 3
    rows = [stage.row(ref) for ref in refs]
    assert [row["state"] for row in rows] == ["requested"] * 3 and len({row["code"] for row in rows}) == 3
    assert all(row["memory"]["acts"]["submit"]["given"]["undertaking"] is True for row in rows)
    assert all(row["clocks"]["statutory_due"] or row["clocks"]["work_due"] for row in rows)


def test_pressed_five_times_at_once_each_is_sent_once(office, stage):
    refs, actor = filing(stage), stage.actor("vptt.han")
    parts = parts_of(stage, refs)
    found = at_once(*[lambda: together.send(office, actor, parts, GIVEN)] * 5)
    assert all(outcome.refused is None for done in found for outcome in done), found
    assert [stage.row(ref)["version"] for ref in refs] == [part.version + 1 for part in parts]
    numbers = [int(stage.row(ref)["code"].rsplit("-", 1)[1]) for ref in refs[1:]]
    assert abs(numbers[0] - numbers[1]) == 1, "a repeated press draws no number"


def test_what_is_lacking_or_changed_is_known_before_anything_is_sent(office, stage):
    visit, interview, other = filing(stage)
    actor, parts = stage.actor("vptt.han"), parts_of(stage, (visit, interview, other))
    stage.attach("vptt.han", other, "request")
    bare = open_case(office, actor, "interview", {}, related=visit).case_id
    found = together.hindrances(office, actor, [*parts, Part(bare, "interview", 1)])
    assert set(found) == {other, bare} and len(found[bare]) > 1
    assert [stage.row(ref)["state"] for ref in (visit, interview, other, bare)] == ["draft"] * 4


def test_one_refused_later_leaves_the_others_and_a_visit_refused_stops_them(office, stage):
    visit, interview, other = filing(stage)
    actor, parts = stage.actor("vptt.han"), parts_of(stage, (visit, interview, other))
    old = Part(visit, "visit", parts[0].version - 1)
    done = together.send(office, actor, [old, *parts[1:]], GIVEN)
    assert [outcome.refused.code for outcome in done] == ["stale"] and stage.row(interview)["state"] == "draft"
    stage.attach("vptt.han", interview, "request")
    done = together.send(office, actor, parts, GIVEN)
    assert [outcome.refused.code if outcome.refused else None for outcome in done] == [None, "stale", None]
    assert [stage.row(ref)["state"] for ref in (visit, interview, other)] == ["requested", "draft", "requested"]


def test_companions_are_ones_own(office, stage):
    visit, interview, thrown = filing(stage)
    stage.act("vptt.han", thrown, "discard")
    seen = lambda who, ref: [other["id"] for other in together.companions(office, stage.actor(who), read_case(office, stage.actor(who), ref))]  # noqa: E731
    assert seen("vptt.han", visit) == [interview] and seen("vptt.han", interview) == [visit]
    stage.act("vptt.han", visit, "submit", **GIVEN)
    stage.act("vptt.han", interview, "submit", **GIVEN)
    assert seen("vptt.han", visit) == [interview] and seen("motcua.mai", visit) == [], "the desk reads what goes with it, and files nothing with it"


def test_a_letter_is_copied_once_and_stands_by_itself(office, stage):
    visit = stage.file("vptt.han", "visit", submit=False)
    actor = stage.actor("vptt.han")
    interview = open_case(office, actor, "interview", {}, related=visit).case_id
    before = stage.row(interview)["version"]
    together.use_letter(office, actor, interview, visit)
    row = stage.row(interview)
    assert row["version"] == before + 1 and row["papers"]["request"]["hash"] == stage.row(visit)["papers"]["request"]["hash"]
    stage.attach("vptt.han", visit, "request")
    assert stage.row(interview)["papers"] == row["papers"], "a newer letter of the visit is the visit's alone"
    with pytest.raises(Invalid):
        together.use_letter(office, actor, interview, visit)
    for stranger in (stage.file("vptt.han", "visit", submit=False), stage.file("vptt.lam", "visit", submit=False), "x"):
        with pytest.raises(NotFound):
            together.use_letter(office, actor, interview, stranger)
    with pytest.raises(NotFound):
        together.use_letter(office, stage.actor("vptt.lam"), interview, visit)


def test_a_letter_that_is_held_back_serves_nothing_else(office, stage):
    actor = stage.actor("vptt.han")
    visit = stage.file("vptt.han", "visit", submit=False)
    interview = open_case(office, actor, "interview", {}, related=visit).case_id
    held = attachments.store_file(office, "MAT.pdf", demo.PDF) | {"held": "stamp"}
    engine.attach(office, actor, visit, "request", held)
    found = read_case(office, actor, interview)
    assert together.letter_for(office, actor, found, together.companions(office, actor, found)) is None
    with pytest.raises(Invalid):
        together.use_letter(office, actor, interview, visit)
    assert stage.row(interview)["papers"] == {}


def test_one_paper_letter_is_received_once(office, stage):
    """What the desk keyed in as received with the visit counts for its interview, unless the interview says otherwise or is another's."""
    ours, theirs = (office.organisation(stage.row(stage.file(who, "visit", submit=False))["organisation_id"]).code for who in ("vptt.han", "vptt.lam"))
    came = {"received_at": clock.stamp(clock.now() - timedelta(days=3)), "incoming_no": "118"}
    behalf = {"organisation": ours, "channel": "post"}
    visit = stage.file("motcua.mai", "visit", submit=False, on_behalf_of=behalf | came)

    def opened(**changed):
        return stage.row(stage.file("motcua.mai", "interview", submit=False, on_behalf_of=behalf | changed, related=visit))["memory"]["behalf"]

    assert opened() == behalf | came
    assert opened(incoming_no="119") == behalf | {"incoming_no": "119"}, "another letter"
    assert opened(channel="email") == behalf | {"channel": "email"}, "another letter"
    assert opened(organisation=theirs) == behalf | {"organisation": theirs}
    sent = stage.file("motcua.mai", "interview", on_behalf_of=behalf, related=visit)
    assert stage.row(sent)["clocks"]["received_at"] == came["received_at"]
    stage.act("motcua.mai", visit, "submit", undertaking=True, received_at=clock.stamp(clock.now() - timedelta(days=2)), incoming_no="118a")
    assert opened() == behalf | {"received_at": stage.row(visit)["clocks"]["received_at"], "incoming_no": "118a"}, "as it was sent"
