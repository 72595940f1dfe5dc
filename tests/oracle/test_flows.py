"""The kinds against the table typed by hand: states, actions, destinations, roles, exactly."""

import pytest

from states import FLOWS
from tests.oracle import table


@pytest.mark.parametrize("kind", table.ARROWS)
def test_exactly_the_states_and_arrows_of_the_contract(kind):
    flow = FLOWS[kind]
    assert set(flow.states) == set(table.STATES[kind])
    mine = {(s.action, s.source): (s.target, frozenset(s.by)) for s in flow.steps}
    assert mine == table.arrows(kind)


@pytest.mark.parametrize("kind", table.ARROWS)
def test_served_as_written(kind, browser):
    served = browser(None).get(f"/flows/{kind}").json
    assert {s["name"] for s in served["states"]} == set(table.STATES[kind])
    arrows = {(s["action"], s["from"]): (s["to"], frozenset(s["by"])) for s in served["steps"]}
    assert arrows == table.arrows(kind)
    assert all(s["label"]["vi"] and s["label"]["en"] for s in served["states"] + served["steps"])


@pytest.mark.parametrize("kind", table.WAITS)
def test_phases_and_whom_each_state_waits_for(kind):
    for name, (phase, waits) in table.WAITS[kind].items():
        state = FLOWS[kind].states[name]
        assert (state.phase, list(state.waits_for)) == (phase, waits), name
    for name, state in FLOWS[kind].states.items():
        assert state.end == (name not in table.WAITS[kind]), name


def test_counts_told_in_the_contract():
    assert sum(len(table.STATES[k]) for k in ("visit", "interview", "consultation", "letter")) == 21 + 19 + 4 + 6
