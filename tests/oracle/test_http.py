"""Every state × action × relation over HTTP, against the table; the statuses and codes of security 3.2."""

from __future__ import annotations

import pytest

from tests.conftest import Browser
from tests.oracle import table
from tests.oracle.builder import PEOPLE, build
from tests.oracle.cells import ALLOWED, CASE_IDS, CASES, LATER, NOON, UNKNOWN, destination
from tests.oracle.inputs import prepare
from workflow import clock, demo

pytestmark = pytest.mark.usefixtures("committee_decides")


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
        committee_decides()
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
