"""Whether the steps that a case still has to take leave a different person for each of them.

The duty rules keep persons apart, so that an office can run out of people long before a date does. This walks the steps
that remain (recommend, endorse, refer up or forward, decide, also on paper; report and close), finds for each who could
take it by the rules of the kind itself, and looks for one choice of persons that fits them all. A delegate stands there as
two persons: the delegate and the principal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from sqlalchemy import Connection

from states import FLOWS, Act, Facts, Flow
from states.language import Step, Text
from states.needs import AUTHORS
from workflow import authority, clock, delegations, store, users
from workflow.authority import Actor, Mandate, Row
from workflow.facts import conflicted, facts_of
from workflow.office import Office

Way = frozenset[str]
# Needs that speak of the person or of whose decision it is, not of the dossier.
PERSONAL = frozenset({"second_person", "third_person", "not_conflicted", "level_is_mine", "level_is_committee"})
DUTIES = frozenset({"second_person", "third_person"})
NOT_THEIRS = Text("không thuộc cấp quyết định", "is not of the level that decides")


def assign(ways: Sequence[Sequence[Way]], apart: Callable[[int, int], bool]) -> list[Way] | None:
    """One way for every step so that steps which must be `apart` share no person, or None where there is no such choice.

    `ways[i]` are the ways to take step i, `apart(i, j)` whether two steps (i < j) exclude one person. Tries the step with the
    fewest ways first; the steps of a case are few.
    """
    order = sorted(range(len(ways)), key=lambda i: len(ways[i]))
    chosen: dict[int, Way] = {}

    def fits(i: int, way: Way) -> bool:
        return all(not way & other or not apart(min(i, j), max(i, j)) for j, other in chosen.items())

    def fill(at: int) -> bool:
        if at == len(order):
            return True
        i = order[at]
        for way in sorted(ways[i], key=lambda one: (len(one), sorted(one))):
            if fits(i, way):
                chosen[i] = way
                if fill(at + 1):
                    return True
                del chosen[i]
        return False

    return [chosen[i] for i in range(len(ways))] if fill(0) else None


@dataclass(slots=True)
class Roster:
    """The people of the office with their roles, and the delegations in force between them: read once for many cases."""

    people: dict[str, Actor]
    lent: list[tuple[Actor, Mandate]] = field(default_factory=list)

    @classmethod
    def read(cls, connection: Connection) -> Roster:
        """The officials with an active account, in two or three queries."""
        grouped: dict[str, list[dict[str, Any]]] = {}
        for row in store.query(connection, f"{users.ACTOR} WHERE u.active AND m.role NOT IN ('applicant', 'consultee', 'auditor') ORDER BY u.username, m.id"):
            grouped.setdefault(row["id"], []).append(row)
        people = {id_: actor for id_, rows in grouped.items() if (actor := users.actor_of(rows)) is not None}
        lent = [(people[delegate], mandate) for delegate, mandate in delegations.all_in_force(connection) if delegate in people]
        return cls(people, lent)


@dataclass(frozen=True, slots=True)
class Station:
    """One step that remains: the ways to take it, who is barred by what, colleagues without the role, the names of who is left."""

    step: Step
    ways: tuple[Way, ...]
    barred: tuple[tuple[Actor, Text], ...]
    others: tuple[Actor, ...]
    names: tuple[str, ...] = ()


_PROPOSING = (("recommend", "under_review"), ("endorse", "pending_endorsement"))
# What comes before the director, by the state a case is in.
_BEFORE: dict[str, tuple[tuple[str, str], ...]] = {
    "under_review": _PROPOSING, "clarification_required": _PROPOSING, "pending_endorsement": _PROPOSING[1:], "pending_decision": (),
}  # fmt: skip


def paths(flow: Flow, row: Row, level: str) -> list[list[Step]]:
    """The ways a case may still go to its decision, or from its report to its end, the usual one first.

    `level`: `committee` or `department`, who decides a visit. Empty where no person's duty is in question.
    """
    state = row["state"]
    if state == "reported":
        return [[flow.table["close", "reported"]]]
    if state in ("accompanied", "suspended"):
        return [[flow.table["file_report", state], flow.table["close", "reported"]]]
    if state in ("pending_committee", "pending_interviewee"):
        return _decisions(flow, state, entered=_entered(row))
    if state not in _BEFORE:
        return []
    head = [flow.table[name, source] for name, source in _BEFORE[state]]
    here = [[*head, flow.table["approve", "pending_decision"]]] if flow.kind == "visit" else []
    if here and level == "department":
        return here
    passed, last = ("refer_up", "pending_committee") if here else ("forward", "pending_interviewee")
    return [*([*head, flow.table[passed, "pending_decision"], *tail] for tail in _decisions(flow, last, entered=False)), *here]


def _entered(row: Row) -> bool:
    act = (row["memory"].get("acts") or {}).get("enter_paper_decision")
    return bool(act and act["round"] == row["round"])


def _decisions(flow: Flow, state: str, *, entered: bool) -> list[list[Step]]:
    """How it is decided there: by an account, by a paper already entered, by one to be entered."""
    own, confirm = ("approve", "confirm_paper_approval") if flow.kind == "visit" else ("accept_interview", "confirm_paper_acceptance")
    on_paper = [flow.table["enter_paper_decision", state], flow.table[confirm, state]]
    return [[flow.table[own, state]], *([on_paper[1:]] if entered else []), on_paper]


def stations(office: Office, roster: Roster, row: Row, path: Iterable[Step]) -> list[Station]:
    """The steps of a path with those who could take each."""
    steps = list(path)
    anew = any(step.action == "enter_paper_decision" for step in steps)
    return [_station(office, roster, _as_there(row, step, anew), step) for step in steps]


def _as_there(row: Row, step: Step, anew: bool) -> dict[str, Any]:
    """The case as it would stand at a step: referred up where it waits for the Committee, in a new round once it was clarified.

    `anew`: the path enters a paper, so that one entered before no longer counts.
    """
    memory = dict(row["memory"])
    duties = dict(memory.get("duties") or {})
    if row["state"] == "clarification_required":
        duties = {name: people for name, people in duties.items() if name in AUTHORS}
    if anew:
        duties.pop("enter_paper_decision", None)
        memory["acts"] = {name: act for name, act in (memory.get("acts") or {}).items() if name != "enter_paper_decision"}
    memory["duties"] = duties
    return {**row, "state": step.source, "memory": memory, "referred": row["referred"] or step.source == "pending_committee"}


def _station(office: Office, roster: Roster, row: dict[str, Any], step: Step) -> Station:
    ways: list[Way] = []
    barred: list[tuple[Actor, Text]] = []
    others: list[Actor] = []
    facts = _facts(office, row, step)
    for person in roster.people.values():
        held = authority.roles_on(row, person) & set(step.by)
        why = _why_barred(row, step, facts, person, held or frozenset(step.by))
        if held and why is None:
            ways.append(person.persons)
        elif held and why and why is not NOT_THEIRS:
            barred.append((person, why))
        elif why is None and not person.has(*delegations.APART):
            others.append(person)
    for delegate, mandate in roster.lent:
        who, lent = delegate.through(mandate), authority.lent(row, mandate)
        held = (authority.roles_on(row, delegate) | lent) & set(step.by)
        if mandate.covers(row["kind"], step.action) and held and _why_barred(row, step, facts, who, held, lent) is None:
            ways.append(who.persons)
    ways = list(dict.fromkeys(ways))
    left = frozenset[str]().union(*ways)
    return Station(step, tuple(ways), tuple(barred), tuple(others), tuple(p.name for p in roster.people.values() if p.id in left))


def _facts(office: Office, row: Row, step: Step) -> Facts:
    """What the rules see of the case there; the person is put in for each one asked about."""
    nobody = Actor("", "", "", "vi", 0)
    return facts_of(office, FLOWS[row["kind"]], row, nobody, frozenset(step.by), now=clock.now(), target=step.target, action=step.action)


def _why_barred(row: Row, step: Step, facts: Facts, who: Actor, held: frozenset[str], lent: frozenset[str] = frozenset()) -> Text | None:
    """Why the rules of persons close a step to somebody, in words that follow the name; None where they do not.

    `NOT_THEIRS` where no duty is broken but the decision belongs to another level.
    """
    if who.persons & set(row["memory"].get("recused") or ()):
        return Text("đã xin không xử lý", "declared a conflict")
    settings = facts.settings if who.acting is None else {**facts.settings, "signs_for_committee": who.acting.signs_for_committee}
    barred = conflicted(row["fields"], row["memory"], who)
    own = replace(facts, persons=who.persons, roles=held, role=authority.role_of_act(step, held, lent, None), settings=settings, conflicted=barred)
    failed = {need.code for need in step.needs if need.code in PERSONAL and not need.test(own)}
    if not failed:
        return None
    if "not_conflicted" in failed and who.persons & barred:
        return Text("có liên quan đến hồ sơ", "has a conflict of interest")
    return _duty_words(step, own) if failed & DUTIES else NOT_THEIRS


def _duty_words(step: Step, facts: Facts) -> Text:
    """The earlier acts that keep a person from a step, in words that follow the name."""
    told = []
    for name, people in facts.duties.items():
        alone = replace(facts, duties={name: people}, acts={})
        if people & facts.persons and not all(need.test(alone) for need in step.needs if need.code in DUTIES):
            told.append(_act_words(facts.kind, name))
    for name in ("file_report", "deliver_answers") if step.action == "close" else ():
        if name in facts.acts and facts.acts[name].by & facts.persons:
            told.append(_act_words(facts.kind, name))
    told = list(dict.fromkeys(told)) or [Text("không được làm bước này trong vòng này", "may not take this step in this round")]
    return Text(", ".join(text.vi for text in told), ", ".join(text.en for text in told))


def _act_words(kind: str, action: str) -> Text:
    if action in AUTHORS:
        return Text("đã nộp hoặc sửa nội dung", "wrote or sent the content")
    if action == "answer":
        return Text("đã cho ý kiến", "gave an opinion")
    words = delegations.action_words(action, (kind,))
    return Text(f"đã làm “{words.vi}”", f"took “{words.en}”")


def keeps_apart(settings: Mapping[str, Any], kind: str, first: Step, then: Step) -> bool:
    """Whether who takes one step may not take a later one: asked of the rules of the later step itself."""
    now, who = clock.now(), frozenset({"somebody"})
    facts = Facts(
        kind, then.source, now, now.date(), persons=who, duties={first.action: who}, acts={first.action: Act(who, now, 1, {})}, settings=settings,
        role=then.by[0], roles=frozenset(then.by),
    )  # fmt: skip
    return any(not need.test(facts) for need in then.needs if need.code in DUTIES)


def fitting(settings: Mapping[str, Any], kind: str, found: Sequence[Station]) -> list[Way] | None:
    """One way for every station, or None."""
    apart = {(i, j): keeps_apart(settings, kind, found[i].step, found[j].step) for i, j in combinations(range(len(found)), 2)}
    return assign([station.ways for station in found], lambda i, j: apart[i, j])


def short(settings: Mapping[str, Any], kind: str, found: Sequence[Station]) -> list[Station]:
    """The fewest stations that already cannot be filled together, the earliest first; empty where all can."""
    if fitting(settings, kind, found) is not None:
        return []
    for size in range(1, len(found) + 1):
        for part in combinations(found, size):
            if fitting(settings, kind, part) is None:
                return list(part)
    return list(found)


def lacking(office: Office, roster: Roster, row: Row) -> list[Station]:
    """The stations of a case that nobody is left for, by whatever way it may go; empty where one way can be gone to the end."""
    settings = office.settings_on(office.rules_for(row), row["kind"])
    told: list[Station] = []
    for path in paths(FLOWS[row["kind"]], row, settings["decision_level"]):
        missing = short(settings, row["kind"], stations(office, roster, row, path))
        if not missing:
            return []
        told = told or missing  # the usual way comes first, and is the one that is told
    return told
