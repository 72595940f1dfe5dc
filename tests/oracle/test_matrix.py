"""Every state × action × relation: over `perform` on both databases, over HTTP on SQLite, against the table.

What the table forbids is tried on a case in the state; what it allows is taken once on a fresh case with its
needs met and must lead where the table says.
"""

from __future__ import annotations

from datetime import time

import pytest

from tests.conftest import Browser
from tests.oracle import table
from tests.oracle.builder import build
from tests.oracle.inputs import prepare
from workflow import clock, demo, engine
from workflow.errors import WorkflowError

CELLS = [(kind, state) for kind in table.ARROWS for state in table.STATES[kind]]
NOON = clock.at_local(clock.today(), time(9, 0))


@pytest.fixture(autouse=True)
def committee_decides(request):
    """Some cells need the Department's own level; every test starts from the committee's."""
    office = request.getfixturevalue("office" if "office" in request.fixturenames else "lite")
    office.profile.raw["decision"]["level"] = "committee"
    yield
    office.profile.raw["decision"]["level"] = "committee"


def answer_of(stage, ref, username, action, given, at):
    """(status-like code, state after) of one try over `perform`."""
    row = stage.row(ref)
    try:
        with clock.at(at):
            engine.perform(stage.office, stage.actor(username), ref, action, given, version=row["version"])
    except WorkflowError as error:
        return error.code, getattr(error, "reasons", ())
    return "done", ()


@pytest.mark.parametrize("kind,state", CELLS)
def test_forbidden_over_perform(stage, kind, state):
    with clock.at(NOON):
        built = build(stage, kind, state)
        actions = sorted({action for rows in table.ARROWS.values() for action in rows})
        tried = 0
        for relation, (username, _) in table.RELATIONS.items():
            for action in actions:
                status, code = table.expected(kind, state, action, relation)
                if status == 200:
                    continue
                got, _ = answer_of(stage, built.ref, username, action, {}, built.at)
                assert got == code, (kind, state, action, relation, got)
                tried += 1
        assert tried > 400
        assert stage.row(built.ref)["state"] == state


ALLOWED = [
    (kind, state, action, relation)
    for kind, state in CELLS
    for action in table.ARROWS[kind]
    for relation in table.RELATIONS
    if table.expected(kind, state, action, relation)[0] == 200
]


@pytest.mark.parametrize("kind", table.ARROWS)
def test_allowed_arrows_are_taken_over_perform(stage, kind):
    for _, state, action, relation in (cell for cell in ALLOWED if cell[0] == kind):
        stage.office.profile.raw["decision"]["level"] = "committee"
        username = table.RELATIONS[relation][0]
        with clock.at(NOON):
            ready = prepare(stage, kind, state, action, username)
        got, reasons = answer_of(stage, ready.ref, username, action, ready.given, ready.at)
        where = (kind, state, action, relation, got, [r.code for r in reasons])
        if ready.needs:
            assert got == "needs" and ready.needs in [r.code for r in reasons], where
        else:
            assert got == "done", where
            assert stage.row(ready.ref)["state"] == table.arrows(kind)[action, state][0], where


@pytest.mark.parametrize("kind,state", CELLS)
def test_forbidden_over_http(lite, browser, kind, state):
    stage = demo.Stage(lite)
    absent = browser("ktr.xuan").post("/cases/00000000000000000000000000000000/actions/accept", {}).data
    with clock.at(NOON):
        built = build(stage, kind, state)
    version = stage.row(built.ref)["version"]
    actions = sorted(table.ARROWS[kind]) + ["no_such_action"]
    for relation, (username, _) in table.RELATIONS.items():
        for action in actions:
            status, code = table.expected(kind, state, action, relation)
            if status == 200:
                continue
            answer = browser(username).act(built.ref, action, version)
            assert (answer.status_code, answer.json["code"]) == (status, code), (kind, state, action, relation)
            assert answer.content_type == "application/problem+json"
            if status == 404:
                assert answer.data == absent


@pytest.mark.parametrize("kind", table.ARROWS)
def test_allowed_arrows_are_taken_over_http(lite, app, kind):
    stage = demo.Stage(lite)
    for _, state, action, relation in (cell for cell in ALLOWED if cell[0] == kind):
        lite.profile.raw["decision"]["level"] = "committee"
        username = table.RELATIONS[relation][0]
        with clock.at(NOON):
            ready = prepare(stage, kind, state, action, username)
        with clock.at(ready.at):
            answer = Browser(app, username).act(ready.ref, action, stage.row(ready.ref)["version"], **ready.given)
        where = (kind, state, action, relation, answer.json)
        if ready.needs:
            assert answer.status_code == 409 and ready.needs in [r["code"] for r in answer.json["reasons"]], where
        else:
            assert answer.status_code == 200, where
            assert stage.row(ready.ref)["state"] == table.arrows(kind)[action, state][0], where


def test_number_of_cells():
    cells = sum(len(table.STATES[k]) * len(table.ARROWS[k]) * len(table.RELATIONS) for k in table.ARROWS)
    print(f"{cells} cells, {len(ALLOWED)} of them allowed")
    assert cells > 23_000
