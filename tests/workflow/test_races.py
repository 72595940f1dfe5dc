"""Two deciders at once, one key many times, a kill in the middle: a tenth of what `make soak` plays, by the same players."""

from __future__ import annotations

import random

import pytest

from tests import rounds
from workflow import Once, engine
from workflow.errors import WorkflowError


@pytest.fixture
def chooser():
    """Chance by a seed that is printed; FPD_SEED replays it."""
    number = rounds.seed()
    print(f"FPD_SEED={number}")
    return random.Random(number)


def test_racing_deciders_have_one_winner(office, stage, chooser):
    tally = rounds.race_pairs(office, stage, 20, chooser)
    assert not tally.findings
    assert tally.figures["pairs"] == 20


def test_a_kill_at_a_random_moment_loses_nothing_acknowledged(office, stage, chooser):
    tally = rounds.kills(office, stage, 10, chooser)
    assert not tally.findings
    assert tally.figures["kills"] == 10 <= tally.figures["acknowledged"]


def test_one_key_over_http_is_answered_ten_times_alike(office, stage, chooser):
    tally = rounds.key_groups(office, stage, 2, chooser)
    assert not tally.findings
    assert tally.figures["groups"] == 2


def test_one_key_sent_ten_times_has_one_effect(office, stage):
    ref = stage.file("vptt.han", "visit")
    version = stage.row(ref)["version"]
    actor = stage.actor("motcua.mai")
    key = Once(actor.id, "scope", "key-1", "body")
    found = rounds.at_once(*[lambda: engine.perform(office, actor, ref, "accept", {"officer": "cv.binh"}, version=version, once=key)] * 10)
    assert [type(d) for d in found] == [engine.Done] * 10, found
    assert [d.replayed for d in found].count(False) == 1
    assert {d.version for d in found} == {version + 1}
    assert stage.row(ref)["version"] == version + 1


def test_ten_keys_on_one_version_have_one_winner(office, stage):
    """A key of one's own does not excuse a lost race."""
    ref = stage.file("vptt.han", "visit")
    version = stage.row(ref)["version"]
    actor = stage.actor("motcua.mai")
    keys = [Once(actor.id, "scope", f"own-{n}", "body") for n in range(10)]
    found = rounds.at_once(*(lambda k=key: engine.perform(office, actor, ref, "accept", {"officer": "cv.binh"}, version=version, once=k) for key in keys))
    lost = [error for error in found if isinstance(error, WorkflowError)]
    assert len(lost) == 9
    assert {error.code for error in lost} <= {"changed_meanwhile", "stale"}
    assert all(error.data["who"] == actor.name and error.data["when"] for error in lost)
    assert stage.row(ref)["version"] == version + 1


def test_one_key_on_an_opening_opens_one_case(office, stage):
    actor = stage.actor("vptt.han")
    key = Once(actor.id, "POST /cases", "key-2", "body")
    found = rounds.at_once(*[lambda: engine.open_case(office, actor, "visit", {"title": "Chuyến"}, once=key)] * 10)
    assert [type(d) for d in found] == [engine.Done] * 10, found
    assert [d.replayed for d in found].count(False) == 1
    assert len({d.case_id for d in found}) == 1


def test_a_repeated_key_draws_no_number(office, stage):
    """The losers of the race are undone whole: numbers of a series have no gaps."""
    actor = stage.actor("vptt.han")
    refs = [stage.file("vptt.han", "visit", submit=False) for _ in range(3)]
    for ref in refs:
        version, key = stage.row(ref)["version"], Once(actor.id, ref, "key-3", "body")
        found = rounds.at_once(*[lambda r=ref, v=version, k=key: engine.perform(office, actor, r, "submit", {"undertaking": True}, version=v, once=k)] * 10)
        assert [type(d) for d in found] == [engine.Done] * 10, found
    numbers = [int(stage.row(ref)["code"].rsplit("-", 1)[1]) for ref in refs]
    assert numbers == list(range(numbers[0], numbers[0] + 3))
