"""Every state × action × relation: over `perform` on both databases, over HTTP on SQLite, against the table.

What the table forbids is tried on a case in the state; what it allows is taken once on a fresh case with its
needs met and must lead where the table says. Only what waits for a later step of the product ends at its need.
"""

from __future__ import annotations

from datetime import time

import pytest

from tests.conftest import Browser
from tests.oracle import table
from tests.oracle.builder import OF_INTERVIEW, OF_VISIT, PEOPLE, WITHDRAWN, build
from tests.oracle.inputs import prepare
from workflow import clock, demo, engine
from workflow.errors import WorkflowError

NOON = clock.at_local(clock.today(), time(9, 0))
UNKNOWN = "no_such_action"


def told(kind: str, state: str) -> dict:
    """What the table has to know of the case that is built for a cell."""
    if kind == "letter":
        return OF_VISIT
    return WITHDRAWN if state == "withdrawn" else {}


# (kind, state, how the case is built, what the table is told of it)
CASES = [(kind, state, {}, told(kind, state)) for kind in table.KINDS for state in table.STATES[kind]]
CASES += [("letter", state, {"parent": "interview"}, OF_INTERVIEW) for state in table.STATES["letter"]]
ALLOWED = [
    (kind, state, action, PEOPLE[relation])
    for kind, state, _, facts in CASES
    for action in table.ACTIONS[kind]
    for relation in table.RELATIONS[kind]
    if table.expected(kind, state, action, relation, **facts)[0] == 200
]
ALLOWED = list(dict.fromkeys(ALLOWED))
LATER = {("visit", "suspend"): "violation_noted", ("visit", "resume"): "violation_settled"}
CASE_IDS = [f"{kind}-{state}{'-of-interview' if how else ''}" for kind, state, how, _ in CASES]


def destination(kind: str, action: str, state: str) -> str:
    return next(target for name, source, target, _ in table.ARROWS[kind] if (name, source) == (action, state))


@pytest.fixture(autouse=True)
def committee_decides(request):
    """Some cells need the Department's own level; every test starts from the committee's and leaves it so."""
    office = request.getfixturevalue("office" if "office" in request.fixturenames else "lite")
    office.profile.raw["decision"]["level"] = "committee"
    yield office.profile.raw["decision"]
    office.profile.raw["decision"]["level"] = "committee"


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
        committee_decides["level"] = "committee"
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


@pytest.mark.parametrize("kind,state,how,facts", CASES, ids=CASE_IDS)
def test_forbidden_over_http(lite, browser, kind, state, how, facts):
    stage = demo.Stage(lite)
    absent = browser("ktr.xuan").post("/cases/00000000000000000000000000000000/actions/accept", {}).data
    with clock.at(NOON):
        built = build(stage, kind, state, **how)
    version = stage.row(built.ref)["version"]
    for relation in table.RELATIONS[kind]:
        client = browser(PEOPLE[relation])
        for action in (*table.ACTIONS[kind], UNKNOWN):
            status, code = table.expected(kind, state, action, relation, **facts)
            if status == 200:
                continue
            answer = client.act(built.ref, action, version)
            assert (answer.status_code, answer.json["code"]) == (status, code), (kind, state, action, relation)
            assert answer.content_type == "application/problem+json"
            if status == 404:
                assert answer.data == absent
    assert stage.row(built.ref)["version"] == version


@pytest.mark.parametrize("kind", table.KINDS)
def test_allowed_arrows_are_taken_over_http(lite, app, committee_decides, kind):
    stage = demo.Stage(lite)
    for _, state, action, username in (cell for cell in ALLOWED if cell[0] == kind):
        committee_decides["level"] = "committee"
        with clock.at(NOON):
            ready = prepare(stage, kind, state, action, username)
        with clock.at(ready.at):
            answer = Browser(app, username).act(ready.ref, action, stage.row(ready.ref)["version"], **ready.given)
        where = (kind, state, action, username, answer.json)
        if (kind, action) in LATER:
            assert answer.status_code == 409 and LATER[kind, action] in [r["code"] for r in answer.json["reasons"]], where
        else:
            assert answer.status_code == 200, where
            assert answer.json["state"] == stage.row(ready.ref)["state"] == destination(kind, action, state), where


def test_number_of_cells():
    cells = sum(len(table.ACTIONS[kind]) * len(table.RELATIONS[kind]) for kind, *_ in CASES)
    print(f"{cells} cells, {len(ALLOWED)} of them allowed")
    assert cells > 23_000
