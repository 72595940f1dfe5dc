"""Every state × action × relation over `perform`, on both databases, against the table.

What the table forbids is tried on a case in the state; what it allows is taken once on a fresh case with its
needs met and must lead where the table says. Only what waits for a later step of the product ends at its need.
"""

from __future__ import annotations

import pytest

from tests.oracle import table
from tests.oracle.builder import PEOPLE, build
from tests.oracle.cells import ALLOWED, CASE_IDS, CASES, LATER, NOON, UNKNOWN, destination
from tests.oracle.inputs import prepare
from workflow import clock, engine
from workflow.errors import WorkflowError

pytestmark = pytest.mark.usefixtures("committee_decides")


@pytest.mark.parametrize("kind,state,how,facts", CASES, ids=CASE_IDS)
def test_forbidden_over_perform(stage, kind, state, how, facts):
    with clock.at(NOON):
        built = build(stage, kind, state, **how)
    tried = 0
    version = stage.row(built.ref)["version"]
    with clock.at(built.at):
        for relation in table.RELATIONS[kind]:
            actor = stage.actor(PEOPLE[relation])
            for action in (*table.ACTIONS[kind], UNKNOWN):
                status, code = table.expected(kind, state, action, relation, **facts)
                if status == 200:
                    continue
                with pytest.raises(WorkflowError) as refused:
                    engine.perform(stage.office, actor, built.ref, action, {}, version=version)
                assert refused.value.code == code, (kind, state, action, relation)
                tried += 1
    assert tried > 70
    row = stage.row(built.ref)
    assert (row["state"], row["version"]) == (state, version)


@pytest.mark.parametrize("kind", table.KINDS)
def test_allowed_arrows_are_taken_over_perform(stage, committee_decides, kind):
    for _, state, action, username in (cell for cell in ALLOWED if cell[0] == kind):
        committee_decides()
        with clock.at(NOON):
            ready = prepare(stage, kind, state, action, username)
        where, reasons = (kind, state, action, username), ()
        try:
            with clock.at(ready.at):
                engine.perform(stage.office, stage.actor(username), ready.ref, action, ready.given, version=stage.row(ready.ref)["version"])
        except WorkflowError as refused:
            reasons = tuple(r.code for r in getattr(refused, "reasons", ())) or (refused.code,)
        if (kind, action) in LATER:
            assert LATER[kind, action] in reasons, where
        else:
            assert reasons == (), where
            assert stage.row(ready.ref)["state"] == destination(kind, action, state), where


def test_number_of_cells():
    cells = sum(len(table.ACTIONS[kind]) * len(table.RELATIONS[kind]) for kind, *_ in CASES)
    print(f"{cells} cells, {len(ALLOWED)} of them allowed")
    assert cells > 23_000
