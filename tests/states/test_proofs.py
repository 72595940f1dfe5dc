"""Each obligation of a kind, with a badly written one that is refused with a sentence."""

from dataclasses import replace

import pytest

from states import FLOWS, needs
from states.flow import Flow
from states.language import Facts, Field, FlowError, Need, Refused, State, Step, Text, letter
from states.machine import _machine, walk

T = Text("chữ", "text")
OPEN = State("open", T, "requested", ("officer",))
DONE = State("done", T, end=True)
GO = Step("go", "open", "done", ("officer",), T)


def flow(*, states=(OPEN, DONE), steps=(GO,), **rest):
    return Flow(kind="t", version=1, series="T", title=T, start="open", states_=states, steps=steps, **rest)


def test_a_good_one_is_accepted():
    assert flow().table["go", "open"].target == "done"


BAD = {
    "cannot be reached": {"states": (OPEN, DONE, State("lost", T, None, end=True))},
    "leads to no end": {"states": (OPEN, DONE, State("trap", T, "review", ("officer",))),
                        "steps": (GO, Step("fall", "open", "trap", ("officer",), T), Step("stay", "trap", "trap", ("officer",), T))},
    "is left by": {"steps": (GO, Step("back", "done", "open", ("officer",), T))},
    "one destination": {"steps": (GO, replace(GO, target="open"))},
    "waits for nobody": {"states": (replace(OPEN, waits_for=()), DONE)},
    "who can do nothing there": {"states": (replace(OPEN, waits_for=("head",)), DONE)},
    "names nothing that lifts": {"steps": (replace(GO, needs=(Need("n", T, lambda f: True),)),)},
    "neither an action nor an event": {"steps": (replace(GO, needs=(Need("n", T, lambda f: True, lifted_by=("magic",)),)),)},
    "sends to action": {"steps": (replace(GO, needs=(Need("n", T, lambda f: True, instead="magic"),)),)},
    "lacks a text": {"steps": (replace(GO, label=Text("chữ", " ")),)},
    "clock would decide": {"steps": (replace(GO, by=("officer", "clock"), decides=True),)},
    "clock would end": {"steps": (replace(GO, by=("officer", "clock")),), "decisions": ("done",)},
    "who is no role": {"steps": (replace(GO, by=("officer", "king")),)},
    "does not exist": {"steps": (replace(GO, target="nowhere"),)},
    "not a plain code": {"steps": (replace(GO, action="đi"),)},
    "officials kept apart": {"checked": 1, "entry": "open", "decisions": ("done",)},
    "without a coded ground": {"states": (OPEN, replace(DONE, ended_by_refusal=True)), "steps": (replace(GO, then=(letter("refusal"),)),)},
    "without a letter": {"states": (OPEN, replace(DONE, ended_by_refusal=True)),
                         "steps": (replace(GO, inputs=(Field("ground", "choice", T), Field("reason", "text", T))),)},
    "which does not exist": {"states": (replace(OPEN, phase="dream"), DONE)},
    "may be taken by nobody": {"steps": (replace(GO, by=()),)},
}  # fmt: skip


@pytest.mark.parametrize("sentence", BAD)
def test_a_bad_one_is_refused_with_its_sentence(sentence):
    with pytest.raises(FlowError, match=sentence):
        flow(**BAD[sentence])


@pytest.mark.parametrize("kind", FLOWS)
def test_the_machine_and_the_compiled_table_are_equal(kind):
    found = FLOWS[kind]
    machine = _machine(kind, found.version)
    assert set(machine.states) == set(found.states), "no state of the library's own"
    assert set(machine.events) == set(found.actions), "no free jumps"
    for name, event in machine.events.items():
        arrows = {(name, source): t[0].dest for source, t in event.transitions.items()}
        assert arrows == {key: s.target for key, s in found.table.items() if key[0] == name}
    assert machine.models == []


def test_all_unmet_needs_are_told_at_once():
    from datetime import UTC, datetime

    now = datetime(2026, 11, 25, tzinfo=UTC)
    facts = Facts("visit", "pending_decision", now, now.date(), persons=frozenset({"p"}), roles=frozenset({"director"}), role="director",
                  duties={"recommend": frozenset({"p"})}, conflicted=frozenset({"p"}), given={"seen": "x"}, decision_hash="y",
                  settings={"decision_level": "committee"})  # fmt: skip
    with pytest.raises(Refused) as caught:
        walk(FLOWS["visit"], "approve", facts)
    assert {r.code for r in caught.value.reasons} == {"level_is_mine", "third_person", "seen_is_current", "not_conflicted"}
    assert all(r.message.vi and r.message.en for r in caught.value.reasons)


def test_duties_count_both_persons_of_a_delegation():
    from datetime import UTC, datetime

    now = datetime(2026, 11, 25, tzinfo=UTC)
    facts = Facts("visit", "pending_committee", now, now.date(), persons=frozenset({"delegate", "principal"}), duties={"endorse": frozenset({"principal"})})
    assert not needs.third_person.test(facts)
    assert needs.third_person.test(replace(facts, duties={"endorse": frozenset({"somebody"})}))
