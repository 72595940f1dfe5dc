"""One shared, model-less machine per kind: the only user of `transitions`.

The machine is built once and never changed; an act drives it on a small token that is thrown away, never
on a stored row. It answers whether an action may start from a state and where it leads; whether the needs
are met is judged before, all of them at once, by `refusals`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from transitions import Machine, MachineError

from states.flow import Flow
from states.language import Facts, Refusal, Refused, Step, Text
from states.roles import ROLES

ROLE = Refusal("role", Text("Vai trò của Ông/Bà không làm được việc này.", "Your role does not include this action."))
STATE = Refusal("state", Text("Hồ sơ không ở bước cho phép việc này.", "The case is not at a step that allows this action."))


class Token:
    """What a machine moves: one state, for the length of one act."""

    __slots__ = ("state",)

    def __init__(self, state: str):
        self.state = state


def _guard(event: Any) -> bool:
    facts, step = event.kwargs["facts"], event.kwargs["step"]
    return not refusals(step, facts)


def build(flow: Flow) -> Machine:
    """The machine of a flow. No model, no free jumps, no queue shared between threads."""
    return Machine(
        model=None,
        initial=None,
        states=list(flow.states),
        transitions=[{"trigger": step.action, "source": step.source, "dest": step.target, "conditions": [_guard]} for step in flow.steps],
        auto_transitions=False,
        send_event=True,
        queued=False,
    )


@cache
def _machine(kind: str, version: int) -> Machine:
    from states import flow_for

    return build(flow_for(kind, version))


def role_refusal(step_roles: frozenset[str] | tuple[str, ...]) -> Refusal:
    """The one reason told to somebody who holds none of the roles; names the roles that could."""
    return Refusal(ROLE.code, ROLE.message, None, tuple(role for role in ROLES if role in step_roles))


def refusals(step: Step, facts: Facts) -> tuple[Refusal, ...]:
    """Every unmet need of a step, at once. Needs of the input are asked only when an input was sent."""
    if not facts.roles & set(step.by):
        return (role_refusal(step.by),)
    return tuple(need.refusal(facts) for need in step.needs if (facts.asked or not need.of_input) and not need.test(facts))


def hints(step: Step, facts: Facts) -> tuple[Refusal, ...]:
    """What the usual use of a step still lacks; it stays open for its other uses."""
    return tuple(need.refusal(facts) for need in step.hints if not need.test(facts))


def walk(flow: Flow, action: str, facts: Facts) -> Step:
    """Decide one act: the step it takes. Touches nothing.

    Raises `Refused` with the reason `state` when the action does not start here, `role` when the person
    holds none of its roles here, or with every unmet need.
    """
    step = flow.table.get((action, facts.state))
    if step is None:
        raise Refused((STATE,))
    token = Token(facts.state)
    try:
        moved = _machine(flow.kind, flow.version).events[action].trigger(token, facts=facts, step=step)
    except (MachineError, KeyError, ValueError) as error:
        raise Refused((STATE,)) from error
    if not moved:  # the library says a bare no; the reasons are asked again, all of them
        raise Refused(refusals(step, facts))
    if token.state != step.target:
        raise AssertionError(f"machine and table disagree on {flow.kind} {action} from {facts.state}")
    return step
