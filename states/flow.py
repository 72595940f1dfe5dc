"""A flow: the life of one kind of case, and the proofs that refuse a badly written one.

A `Flow` is built once, when its kind file is imported. Every obligation of a kind is checked there: a
state nobody can reach, an end that can be left, a need that nothing lifts or a path to a decision that
fewer than three officials see stops the service from starting, with a sentence that says what to mend.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from states import roles
from states.language import PERSONAL, PHASES, TYPES, AnyField, Field, FlowError, Group, Need, Paper, Rows, Screen, State, Step, Text
from states.needs import EVENTS


@dataclass(frozen=True)
class Flow:
    """One kind of case: its states, steps, fields and papers, proved when built.

    `series` is the letter of its printed codes; `also_starts` are further states in which an effect may
    open one; `openers` the roles that may open one by hand; `checked` the number of different officials
    every path to a decision must pass (0 where the kind has no such decision).
    """

    kind: str
    version: int
    series: str
    title: Text
    start: str
    states_: tuple[State, ...]
    steps: tuple[Step, ...]
    fields: tuple[AnyField, ...] = ()
    papers: tuple[Paper, ...] = ()
    also_starts: tuple[str, ...] = ()
    openers: tuple[str, ...] = ()
    checked: int = 0
    entry: str = "requested"
    decisions: tuple[str, ...] = ()
    mails: Mapping[str, Text] = field(default_factory=dict)
    example: Callable[[date], dict[str, Any]] | None = None
    internal: tuple[Field, ...] = ()
    screens: tuple[Screen, ...] = ()

    states: dict[str, State] = field(init=False)
    table: dict[tuple[str, str], Step] = field(init=False)
    actions: dict[str, tuple[Step, ...]] = field(init=False)
    roles_of: dict[str, frozenset[str]] = field(init=False)
    needs_of: dict[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        grouped: dict[str, list[Step]] = {}
        for step in self.steps:
            grouped.setdefault(step.action, []).append(step)
        put = object.__setattr__
        put(self, "states", {state.name: state for state in self.states_})
        put(self, "table", {(step.action, step.source): step for step in self.steps})
        put(self, "actions", {name: tuple(found) for name, found in grouped.items()})
        put(self, "roles_of", {n: frozenset(r for s in found for r in s.by) for n, found in grouped.items()})
        put(self, "needs_of", {n: frozenset(need.code for s in found for need in s.needs) for n, found in grouped.items()})
        prove(self)

    def leaving(self, state: str) -> tuple[Step, ...]:
        """The steps that may be taken from a state, arrows to itself included, in the order of their weight."""
        return tuple(sorted((s for s in self.steps if s.source == state), key=lambda s: s.weight))

    def is_open(self, state: str) -> bool:
        """A case in an end or a resting state is not open."""
        return not (self.states[state].end or self.states[state].resting)


def prove(flow: Flow) -> None:
    """Check every obligation of a kind; raise `FlowError` with the first sentence that fails."""
    for proof in PROOFS:
        for sentence in proof(flow):
            raise FlowError(f"{flow.kind}: {sentence}")


def _names(flow: Flow) -> Iterable[str]:
    """Names are unique, known and plain ASCII; phases, roles and types are of the language."""
    if len(flow.states) != len(flow.states_):
        yield "two states have the same name"
    if len(flow.table) != len(flow.steps):
        seen: set[tuple[str, str]] = set()
        for step in flow.steps:
            key = (step.action, step.source)
            if key in seen:
                yield f"action {step.action} leaves {step.source} twice; an action has one destination"
            seen.add(key)
    for name in (*flow.states, *flow.actions):
        if not name.isascii() or not name.replace("_", "a").isalpha():
            yield f"{name} is not a plain code; use ASCII letters and underscores"
    for state in flow.states_:
        if state.phase is not None and state.phase not in PHASES:
            yield f"state {state.name} is in phase {state.phase}, which does not exist"
        for role in state.waits_for:
            if role not in roles.ROLES:
                yield f"state {state.name} waits for {role}, who is no role"
    for step in flow.steps:
        for name in (step.source, step.target):
            if name not in flow.states:
                yield f"action {step.action} names state {name}, which does not exist"
        for role in step.by:
            if role not in roles.ROLES:
                yield f"action {step.action} is given to {role}, who is no role"
        if not step.by:
            yield f"action {step.action} from {step.source} may be taken by nobody"
    for name in (flow.start, *flow.also_starts):
        if name not in flow.states:
            yield f"it starts in {name}, which does not exist"


def _screens(flow: Flow) -> Iterable[str]:
    """Where a kind is filled in screen by screen, every field stands on exactly one of them."""
    shown = [name for screen in flow.screens for name in screen.fields]
    if flow.screens and sorted(shown) != sorted(item.name for item in flow.fields):
        odd = sorted({*shown} ^ {item.name for item in flow.fields}) or sorted(name for name in shown if shown.count(name) > 1)
        yield f"the screens do not show each field once: {', '.join(odd)}"


def _personal(flow: Flow) -> Iterable[str]:
    """Personal data is of a known class: by that it is masked."""
    for item in _each_field(flow.fields):
        if item.personal and item.personal not in PERSONAL:
            yield f"field {item.name} is personal as {item.personal}, which is no class of personal data"


def _each_field(declared: Iterable[AnyField]) -> Iterable[Field]:
    for item in declared:
        if isinstance(item, Field):
            yield item
        else:
            yield from _each_field(item.fields)


def _reach(start: Iterable[str], arrows: Iterable[tuple[str, str]]) -> set[str]:
    onward: dict[str, list[str]] = {}
    for source, target in arrows:
        onward.setdefault(source, []).append(target)
    found, queue = set(start), deque(start)
    while queue:
        for target in onward.get(queue.popleft(), ()):
            if target not in found:
                found.add(target)
                queue.append(target)
    return found


def _reachable(flow: Flow) -> Iterable[str]:
    """Every state is reached from a start."""
    found = _reach((flow.start, *flow.also_starts), ((s.source, s.target) for s in flow.steps))
    for name in flow.states:
        if name not in found:
            yield f"state {name} cannot be reached from {flow.start}"


def _ends(flow: Flow) -> Iterable[str]:
    """Every state leads to an end (searched backwards from the ends), and no end is left."""
    ends = [state.name for state in flow.states_ if state.end]
    if not ends:
        yield "it has no end"
    back = _reach(ends, ((s.target, s.source) for s in flow.steps))
    for name in flow.states:
        if name not in back:
            yield f"state {name} leads to no end"
    for step in flow.steps:
        if flow.states[step.source].end and step.target != step.source:
            yield f"end {step.source} is left by {step.action}"


def _waits(flow: Flow) -> Iterable[str]:
    """Every state that is no end names who it waits for; ends and resting states wait for nobody."""
    for state in flow.states_:
        if state.end or state.resting:
            if state.waits_for:
                yield f"state {state.name} is an end or rests, yet waits for {', '.join(state.waits_for)}"
        elif not state.waits_for:
            yield f"state {state.name} waits for nobody"
        elif not any(set(state.waits_for) & set(s.by) for s in flow.steps if s.source == state.name):
            yield f"state {state.name} waits for {', '.join(state.waits_for)}, who can do nothing there"


def _needs(flow: Flow) -> Iterable[str]:
    """Every need names what lifts it, or what to do instead, and that action or event exists."""
    for need in {id(n): n for step in flow.steps for n in step.needs}.values():
        if need.fixed:
            if need.instead not in flow.actions:
                yield f"need {need.code} sends to action {need.instead}, which does not exist"
        elif not need.lifted_by:
            yield f"need {need.code} names nothing that lifts it"
        for name in need.lifted_by:
            if name not in EVENTS and name not in flow.actions:
                yield f"need {need.code} is lifted by {name}, which is neither an action nor an event"


def _texts(flow: Flow) -> Iterable[str]:
    """Every label, need, input and mail exists in both languages."""

    def fields(items: Iterable[AnyField], where: str) -> Iterable[tuple[str, Text]]:
        for item in items:
            yield f"{where} {item.name}", item.label
            if item.help:
                yield f"help of {item.name}", item.help
            if isinstance(item, Field):
                if item.type not in TYPES:
                    raise FlowError(f"{flow.kind}: {where} {item.name} has type {item.type}, which does not exist")
                for choice in item.choices:
                    yield f"choice {choice.code} of {item.name}", choice.label
            else:
                yield from fields(item.fields, f"{where} {item.name}/")

    def all_texts() -> Iterable[tuple[str, Text]]:
        yield "title", flow.title
        for state in flow.states_:
            yield f"state {state.name}", state.label
        for step in flow.steps:
            yield f"action {step.action}", step.label
            yield from fields(step.inputs, f"input of {step.action}")
            for need in step.needs:
                yield f"need {need.code}", need.text
                if need.lift:
                    yield f"what lifts {need.code}", need.lift
            for need in step.hints:
                yield f"hint {need.code}", need.text
        yield from fields(flow.fields, "field")
        for paper in flow.papers:
            yield f"paper {paper.name}", paper.label

    for where, text in all_texts():
        if not text.vi.strip() or not text.en.strip():
            yield f"{where} lacks a text in one of the two languages"


def _clock(flow: Flow) -> Iterable[str]:
    """The clock ends no visit and no interview, approves nothing and refuses nothing."""
    for step in flow.steps:
        if roles.CLOCK in step.by:
            if flow.decisions and flow.states[step.target].end:
                yield f"the clock would end a case by {step.action}"
            if step.decides:
                yield f"the clock would decide by {step.action}"


def _officials(flow: Flow) -> Iterable[str]:
    """Every path from the entry to a decision passes enough different officials.

    A step counts when its needs keep its person apart from those before it; a paper decision counts its
    signer. Searched over (state, number of officials passed), the smallest number winning.
    """
    if not flow.checked:
        return
    best: dict[str, int] = {flow.entry: 0}
    queue = deque([flow.entry])
    while queue:
        state = queue.popleft()
        for step in flow.steps:
            if step.source != state or step.target == state:
                continue
            apart = any(need.code in ("second_person", "third_person") for need in step.needs)
            official = not set(step.by) & {roles.APPLICANT, roles.CLOCK, roles.GUIDE, roles.CONSULTEE}
            passed = best[state] + (1 if apart and official else 0)
            if step.target not in best or passed < best[step.target]:
                best[step.target] = passed
                queue.append(step.target)
    for decision in flow.decisions:
        if decision in best and best[decision] < flow.checked:
            yield f"a path from {flow.entry} to {decision} passes only {best[decision]} officials kept apart, not {flow.checked}"


def _refusals(flow: Flow) -> Iterable[str]:
    """Every rejection-like end is reached with a coded ground, a reason and a letter."""
    for step in flow.steps:
        if flow.states[step.target].ended_by_refusal and step.target != step.source:
            names = {item.name for item in step.inputs}
            on_paper = any(need.code == "paper_entered" for need in step.needs)
            if not on_paper and not ({"ground", "grounds"} & names and "reason" in names):
                yield f"{step.action} refuses without a coded ground and a reason"
            if not any(effect.kind == "letter" for effect in step.then):
                yield f"{step.action} refuses without a letter"


PROOFS: tuple[Callable[[Flow], Iterable[str]], ...] = (
    _names, _screens, _personal, _reachable, _ends, _waits, _needs, _texts, _clock, _officials, _refusals,
)  # fmt: skip


def all_needs(flow: Flow) -> dict[str, Need]:
    """Every need of a flow by its public code."""
    return {need.code: need for step in flow.steps for need in step.needs}


__all__ = ["Flow", "FlowError", "Group", "Rows", "all_needs", "prove"]
