"""The kinds against the table typed by hand: states, actions, destinations, roles, needs, inputs; nothing more and nothing less."""

import pytest

from states import FLOWS
from tests.oracle import table

# Needs beyond the contract's list, each demanded by a rule of it: separation of duties (security 3.4), the decider's mark of what was seen,
# a signature that is one's own, a reason for what cannot be undone.
ADDED_NEEDS = {
    ("recommend", "second_person"), ("decline_interview", "seen_is_current"), ("decline_interview", "third_person"),
    ("confirm_paper_decline", "seen_is_current"), ("confirm_paper_decline", "third_person"), ("answer", "nothing_secret_typed"),
    ("record_answer", "nothing_secret_typed"), ("amend_answer", "nothing_secret_typed"), ("amend_answer", "parent_undecided"),
    ("cancel_consultation", "parent_ended"), ("issue", "form_of_intake"), ("issue", "third_person"), ("withdraw_signature", "own_signature"),
    ("void", "reason_given"), ("replace", "successor_issued"), ("recall", "reason_given"),
}  # fmt: skip
# A paper that a People's Committee signed is of the committee's level by being there: nothing is left to ask.
HELD_BY_THE_STATE = {("confirm_paper_approval", "level_is_mine"), ("confirm_paper_refusal", "level_is_mine")}
# Inputs without which the act would say nothing: the ground and reason of an ending, the new date of an extension, the signer who is judged.
ADDED_INPUTS = {
    "extend": {"reason", "new_date"}, "refer_out": {"reason"}, "refuse_intake": {"reason"}, "revoke": {"grounds", "reason"},
    "enter_paper_decision": {"signer"}, "cancel_consultation": {"reason"}, "issue": {"number"}, "recall": {"reason"}, "void": {"reason"},
}  # fmt: skip


def arrows(kind):
    return {(action, source): (target, roles) for action, source, target, roles in table.ARROWS[kind]}


@pytest.mark.parametrize("kind", table.KINDS)
def test_exactly_the_states_and_arrows_of_the_contract(kind):
    flow = FLOWS[kind]
    assert set(flow.states) == set(table.STATES[kind])
    assert {(s.action, s.source): (s.target, frozenset(s.by)) for s in flow.steps} == arrows(kind)


@pytest.mark.parametrize("kind", table.KINDS)
def test_served_as_written(kind, browser):
    served = browser(None).get(f"/flows/{kind}").json
    assert {s["name"] for s in served["states"]} == set(table.STATES[kind])
    assert {(s["action"], s["from"]): (s["to"], frozenset(s["by"])) for s in served["steps"]} == arrows(kind)
    assert all(s["label"]["vi"] and s["label"]["en"] for s in served["states"] + served["steps"])
    for state in served["states"]:
        phase, waits, end, resting, vi, en = table.STATES[kind][state["name"]]
        assert (tuple(state["waits_for"]), state["end"], state["resting"]) == (waits, end, resting), state
        assert vi is None or state["label"]["vi"] == vi
        assert en is None or state["label"]["en"] == en
        if kind in ("visit", "interview"):
            assert state["phase"] == phase


@pytest.mark.parametrize("kind", table.KINDS)
def test_needs_of_every_arrow(kind):
    for (action, source), codes in table.NEEDS[kind].items():
        have = {need.code for need in FLOWS[kind].table[action, source].needs}
        assert {code for code in set(codes) - have if (action, code) not in HELD_BY_THE_STATE} == set(), (action, source)
        assert {code for code in have - set(codes) if (action, code) not in ADDED_NEEDS} == set(), (action, source)


@pytest.mark.parametrize("kind", table.KINDS)
def test_no_input_is_required_that_nobody_asks_for(kind):
    for action, wanted in table.REQUIRED_INPUT[kind].items():
        required = {item.name for step in FLOWS[kind].actions[action] for item in step.inputs if item.required}
        assert required - set(wanted) - ADDED_INPUTS.get(action, set()) == set(), action
