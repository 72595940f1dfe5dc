"""The cells that are tried: every state × action × relation, and what the table says of each."""

from __future__ import annotations

from datetime import time

from tests.oracle import table
from tests.oracle.builder import OF_INTERVIEW, OF_VISIT, PEOPLE, WITHDRAWN
from workflow import clock

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
