"""The snapshot that the rules look at: one case, one person, one moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from states import Act, Child, Facts, Flow
from states.kinds.letter import LETTERS
from states.language import moment
from states.needs import agreed_slot, dropped_rows
from workflow import bundles, clock, dossier, returns, routing
from workflow.authority import Actor, Row
from workflow.categories import with_delegation
from workflow.deadlines import promised
from workflow.fold import fold
from workflow.office import Office

DECISIONS = frozenset(
    {"approve", "reject", "accept_interview", "decline_interview", "confirm_paper_approval", "confirm_paper_refusal",
     "confirm_paper_acceptance", "confirm_paper_decline", "refuse_intake", "refer_out", "revoke", "stop", "suspend"}
)  # fmt: skip


class _Acts(Mapping[str, Act]):
    """The last act of each name, out of a case's memory; read when a rule looks at it, since most rules look at few."""

    __slots__ = ("_told",)

    def __init__(self, memory: Mapping[str, Any]):
        self._told: Mapping[str, Any] = memory.get("acts") or {}

    def __getitem__(self, name: str) -> Act:
        act = self._told[name]
        return Act(frozenset(act["by"]), moment(act["at"]) or clock.now(), act["round"], act.get("given") or {}, act.get("count", 1), act.get("role", ""))

    def __contains__(self, name: object) -> bool:
        return name in self._told

    def __iter__(self) -> Iterator[str]:
        return iter(self._told)

    def __len__(self) -> int:
        return len(self._told)


class _Children(Sequence[Child]):
    """The children of a case as its rules see them, read when a rule asks for the first of them."""

    __slots__ = ("_found", "_rows")

    def __init__(self, rows: Sequence[Any]):
        self._rows = rows
        self._found: tuple[Child, ...] | None = None

    def _all(self) -> tuple[Child, ...]:
        if self._found is None:
            self._found = tuple(self._read(row) for row in self._rows)
        return self._found

    @staticmethod
    def _read(row: Any) -> Child:
        id_, kind, state, head, is_open, fields, memory, *_ = row
        given = {name: act.get("given") or {} for name, act in (orjson.loads(memory).get("acts") or {}).items()}
        return Child(id_, kind, state, head, bool(is_open), orjson.loads(fields), given)

    def __getitem__(self, at: Any) -> Any:
        return self._all()[at]

    def __iter__(self) -> Iterator[Child]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._rows)


def answerers(row: Row) -> frozenset[str]:
    """Persons who gave an opinion on the case."""
    found: set[str] = set()
    for _, kind, _, _, _, _, memory, *_ in row["children"]:
        if kind == "consultation":
            acts = orjson.loads(memory).get("acts") or {}
            for name in ("answer", "amend_answer"):
                found.update((acts.get(name) or {}).get("by", ()))
    return frozenset(found)


def conflicted(fields: Mapping[str, Any], memory: Mapping[str, Any], actor: Actor) -> frozenset[str]:
    """Persons barred from the case: recused, the applicant's contact or signer, the interviewee.

    Found by folded name, for the acting person, the one in whose name they act, and the signer of a paper, who may have
    no account.
    """
    barred = set(memory.get("recused") or ())
    names = {
        fold(str((fields.get(group) or {}).get("name") or ""))
        for group in ("contact", "signer", "leader")
    } - {""}  # fmt: skip
    for person in (actor, *((actor.acting.principal,) if actor.acting else ())):
        if person.name and fold(person.name) in names:
            barred.add(person.id)
    barred.update(f"name:{name}" for name in names)
    entered = ((memory.get("acts") or {}).get("enter_paper_decision") or {}).get("given") or {}
    signer = entered.get("signer") or {}
    if fold(str(signer.get("name", ""))) in names:
        barred.add(str(signer.get("person")))
    return frozenset(barred)


# What a dossier's routing answers; anything else does not have it looked up.
ROUTED = frozenset({"routing_settled", "somebody_to_ask", "prerequisites_known", "row_permits_held"})
_ROUTED_ACTIONS = frozenset({"consult", "approve", "confirm_paper_approval"})


def settings_of(office: Office, row: Row, action: str = "", wanted: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The values of law, office and profile that the rules of a kind ask for, as of the case's day of receipt."""
    found = dict(office.settings_on(office.rules_for(row), row["kind"]))
    found["leader_is_local"] = row["office_id"] is not None
    if row["kind"] in ("visit", "interview") and (action in _ROUTED_ACTIONS or wanted & ROUTED):
        found |= routed(office, row)
    if row["kind"] == "letter":
        letter = LETTERS[row["fields"]["letter"]]
        found["signers"] = office.profile.signers(row["fields"]["letter"]) or letter.signers
        found["form"] = letter.form
    return found


def dropped_of(memory: Mapping[str, Any]) -> frozenset[str]:
    """Row ids that the decision, or before it the proposal, drops, out of a case's memory: the same word that the rules go by."""
    return dropped_rows(Facts("", "", clock.now(), clock.today(), acts=_Acts(memory)))


def agreed_of(memory: Mapping[str, Any]) -> Mapping[str, Any]:
    """Slot, place and speaker of an interview as last agreed, out of a case's memory; empty before."""
    return agreed_slot(Facts("", "", clock.now(), clock.today(), acts=_Acts(memory)))


def topics_of(row: Row) -> tuple[str, ...]:
    """The topics an officer has marked; internal, never told outside."""
    return tuple((row["memory"].get("internal") or {}).get("topics") or ())


def routed(office: Office, row: Row) -> dict[str, Any]:
    """What the routing rules make of a dossier: bodies proposed, rows that need a permit or a notice ahead.

    The same content, topics and catalogue are routed alike, so it is worked out once for each.
    """
    key = (row["kind"], row["content_hash"], topics_of(row))
    found = office.routes.get(key)
    if found is None:
        rules = routing.fired(office.profile, row["kind"], row["fields"], topics_of(row), office.places)
        found = {
            "proposed": routing.proposed(rules, office.organisations),
            "permits_needed": tuple(routing.permits(rules)),
            "sea_rows": routing.rows_told_ahead(rules),
        }
        office.remember_route(key, found)
    ahead = found["sea_rows"]
    notice = "T25.delegation" if with_delegation(row["fields"].get("category")) else "T25"
    return {**found, "notice_hours": int(office.rules_for(row).number(notice)), "noticed_at": _noticed_at(row) if ahead else None}


def _noticed_at(row: Row) -> str | None:
    """When the notice of the programme to hosts, police and border guard was issued, the first of them."""
    sent = []
    for _, kind, _, _, _, fields, memory, *_ in row["children"]:
        if kind == "letter" and orjson.loads(fields).get("letter") == "host_notice":
            act = (orjson.loads(memory).get("acts") or {}).get("issue")
            if act:
                sent.append(str(act["at"]))
    return min(sent) if sent else None


def ground_use(action: str) -> str:
    """Which part of the closed list an action's grounds come from."""
    if action in ("revoke", "announce_hearing"):
        return "revoke"
    return "decline" if action in ("decline_interview", "confirm_paper_decline") else "reject"


def facts_of(
    office: Office,
    flow: Flow,
    row: Row,
    actor: Actor,
    held: frozenset[str],
    *,
    now: datetime,
    role: str = "",
    given: Mapping[str, Any] | None = None,
    target: str = "",
    action: str = "",
    extra: Mapping[str, Any] | None = None,
) -> Facts:
    """Build the facts of one case for one person. `given` is None where only the possibility is asked."""
    memory = row["memory"]
    # What no need of the action asks for is not gathered; without an action everything is.
    wanted = flow.needs_of[action] if action else None
    children = _Children(row["children"])
    clocks = row["clocks"]
    settings = settings_of(office, row, action, wanted or frozenset())
    settings["grounds"] = office.profile.grounds_for(ground_use(action)) if action else ()
    if clocks and action in ("ask_supplement", "ask_clarification"):
        settings["respond_by_latest"] = office.deadlines_for(row).latest_respond_by(clocks)
    if action in returns.ASKING or row["state"] in dossier.RETURNED:
        settings |= {"keyed": office.keys.blind, "dossier_no": row["dossier_no"]}
    if row["kind"] in ("visit", "interview") and row["children"] and (wanted is None or wanted & bundles.CONCERNED):
        settings |= bundles.standing(office, row)
    if row["state"] == "approved":
        settings["grace_until"] = office.deadlines_for(row).grace_until(row["first_day"])
    held_back = memory.get("held") or ()  # a scan that others may not see yet is none to decide on
    settings["scans"] = [scan for scan in memory.get("scans") or () if scan not in held_back]
    if extra:
        settings.update(extra)
    if actor.acting:
        settings |= {"signs_for_committee": actor.acting.signs_for_committee, "acting_form": actor.acting.form}
    duties = {name: frozenset(people) for name, people in (memory.get("duties") or {}).items()}
    opinions = answerers(row)
    if opinions:
        duties["answer"] = opinions
    parent = row["parent"] or {}
    if parent:
        decided = parent["memory"].get("acts") or {}
        deciders = {person for name, act in decided.items() if name in DECISIONS for person in act["by"]}
        parent = {"is_open": parent["is_open"], "undecided": not deciders, "deciders": tuple(deciders)}
    barred: frozenset[str] = frozenset()
    if wanted is None or "not_conflicted" in wanted:
        barred = conflicted(row["fields"], memory, actor)
    facts = Facts(
        kind=row["kind"], state=row["state"], now=now, today=clock.local(now).date(), round=row["round"],
        persons=actor.persons, role=role, roles=held, fields=row["fields"], papers=row["papers"],
        given=given or {}, acts=_Acts(memory), duties=duties, children=children, parent=parent, memory=memory,
        settings=settings, authority=row["authority"] or "decide", urgent=bool(row["urgent"]),
        keyed_in=row["channel"] != "online", due_at=moment(promised(clocks)) if clocks else None,
        extended=bool(clocks.get("extended")) if clocks else False, answered=bool(clocks.get("answered_at")) if clocks else False,
        conflicted=barred, target=target, asked=given is not None,
    )  # fmt: skip
    if wanted is None or "seen_is_current" in wanted:
        facts.decision_hash = dossier.decision_hash(row["content_hash"], memory.get("proposal_hash", ""), children)
    if row["state"] in dossier.RETURNED:
        settings["unanswered"] = left = dossier.unanswered(facts)
        settings["words"] = returns.words_of(flow, row["fields"], left)
    return facts
