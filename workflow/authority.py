"""Who a person is on one case: roles relative to it, and whether it exists for them at all.

Roles come from memberships; what a membership gives on a case depends on the case: the assigned officer
is officer, another is none. Basis: the permission matrix of the product (security, section 3.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from states import FLOWS
from states import roles as R
from states.language import Paper, Step, Text

SYSTEM = "system"
DEPARTMENT = (R.INTAKE, R.OFFICER, R.HEAD, R.DIRECTOR)
# Whose authority can be lent: leaders' (permission matrix, row *delegate authority*). Others are replaced by assignment.
LENDERS = frozenset({R.HEAD, R.DIRECTOR, R.COMMITTEE})
# In what capacity a delegate acts (Nghị định 30/2020, art. 13): the words that stand before the signature.
FORMS: dict[str, Text] = {"TL": Text("thừa lệnh", "by order"), "TUQ": Text("thừa ủy quyền", "by delegation"), "Q": Text("quyền", "acting head")}


@dataclass(frozen=True, slots=True)
class Membership:
    """One role of a person in one organisation."""

    organisation_id: str
    organisation: str
    organisation_kind: str
    role: str
    lead: bool


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody signed in (or the clock), as the engine knows them; `epoch` dates their rights.

    `delegate`: a confirmed delegation names them, so that asking for those in force is worth a query. `acting` is the
    delegation that one act is taken under; it is set for that act only and lends nothing for the next.
    """

    id: str
    username: str
    name: str
    language: str
    epoch: int
    memberships: tuple[Membership, ...] = ()
    title_vi: str = ""
    title_en: str = ""
    delegate: bool = False
    acting: Mandate | None = None

    @property
    def persons(self) -> frozenset[str]:
        """Whom the duties are judged on: the person, and the one in whose name they act."""
        return frozenset({self.id, self.acting.principal.id}) if self.acting else frozenset({self.id})

    def through(self, mandate: Mandate) -> Actor:
        """The same person acting in another's name."""
        return replace(self, acting=mandate)

    def speaks_as(self, role: str) -> bool:
        """Whether the person, or the one in whose name they act, holds a role."""
        return self.has(role) or (self.acting is not None and role in LENDERS and self.acting.principal.has(role))

    def has(self, *names: str) -> bool:
        """Whether one of the memberships carries one of these roles."""
        return any(m.role in names for m in self.memberships)

    def organisations(self, role: str) -> frozenset[str]:
        """Ids of the organisations in which the person holds the role."""
        return frozenset(m.organisation_id for m in self.memberships if m.role == role)

    @property
    def staff(self) -> bool:
        """Members of the Department, the People's Committee, the registry and auditors read the desk's words."""
        return self.has(*DEPARTMENT, R.REGISTRY, R.COMMITTEE, R.AUDITOR)


@dataclass(frozen=True, slots=True)
class Mandate:
    """A delegation in force: who lends their authority to one person, for which actions of which kinds, on which paper.

    No kinds means all. The principal stands here with their own memberships only, so that nothing lent to them can be
    lent on.
    """

    id: str
    principal: Actor
    actions: frozenset[str]
    kinds: frozenset[str]
    form: str
    paper_no: str
    valid_from: str
    valid_to: str

    def covers(self, kind: str, action: str) -> bool:
        """Whether the paper names this action, on cases of this kind."""
        return action in self.actions and (not self.kinds or kind in self.kinds)

    @property
    def mark(self) -> dict[str, str]:
        """What the entry of an act holds of it (security, section 4.2)."""
        return {"person": self.principal.id, "paper": self.paper_no, "form": self.form}

    @property
    def signs_for_committee(self) -> bool:
        """A written delegation (TUQ.) of a leader of the People's Committee; TL. and Q. pass no decision on."""
        return self.form == "TUQ" and self.principal.has(R.COMMITTEE)


CLOCK = Actor(SYSTEM, "clock", "Hệ thống", "vi", 0)

Row = Mapping[str, Any]


def main_of(row: Row) -> Row:
    """The case that relations are judged on: the parent of a consultation or letter, else the case itself."""
    return row.get("parent") or row


def is_author_side(row: Row, actor: Actor) -> bool:
    """The applicant's side of a case: its author, a lead of the organisation, intake for files keyed in."""
    own = actor.organisations(R.APPLICANT)
    if row["organisation_id"] in own:
        if row["created_by"] == actor.id:
            return True
        if any(m.lead for m in actor.memberships if m.role == R.APPLICANT and m.organisation_id == row["organisation_id"]):
            return True
    return row["channel"] != "online" and actor.has(R.INTAKE)


def roles_on(row: Row, actor: Actor) -> frozenset[str]:
    """The roles this person holds on this case (a row of `store.load`). The clock holds its own."""
    if actor.id == SYSTEM:
        return frozenset({R.CLOCK})
    main = main_of(row)
    kind = row["kind"]
    held: set[str] = set()
    for membership in actor.memberships:
        role = membership.role
        if role in (R.INTAKE, R.HEAD, R.DIRECTOR, R.REGISTRY, R.AUDITOR):
            held.add(role)
        elif role == R.OFFICER:
            if main["officer_id"] == actor.id:
                held.add(role)
        elif role == R.GUIDE:
            if main["guide_id"] == actor.id and kind in ("visit", "interview"):
                held.add(role)
        elif role == R.COMMITTEE:
            if main["referred"] and main["kind"] == "visit":
                held.add(role)
        elif role == R.LEADER_OFFICE:
            if kind != "consultation" and main["kind"] == "interview" and main["office_id"] == membership.organisation_id:
                held.add(role)
        elif role == R.CONSULTEE and kind == "consultation" and row["organisation_id"] == membership.organisation_id:
            held.add(role)
    if kind in ("visit", "interview") and is_author_side(row, actor):
        held.add(R.APPLICANT)
    return frozenset(held)


def lent(row: Row, mandate: Mandate) -> frozenset[str]:
    """The roles on this case that a delegation lends: the principal's own, as far as they can be lent."""
    return roles_on(row, mandate.principal) & LENDERS


def role_of_act(step: Step, held: frozenset[str], lent_roles: frozenset[str], asked: str | None) -> str:
    """The role an act is recorded under: the one asked for, else one that was lent for it, else the first that the step names."""
    fitting = [role for role in step.by if role in held]
    if asked in fitting:
        return str(asked)
    return next((role for role in fitting if role in lent_roles), fitting[0] if fitting else R.CLOCK if R.CLOCK in held else "")


def opened(row: Row, mandates: Iterable[Mandate]) -> frozenset[str]:
    """The roles by which a delegate may read this case now: it stands at a step that one of the lent actions starts from.

    What is lent opens nothing besides: neither other kinds nor cases that wait for something else.
    """
    found: set[str] = set()
    for mandate in mandates:
        roles = lent(row, mandate)
        if not roles or not visible(row, mandate.principal, roles):
            continue
        if any(mandate.covers(row["kind"], step.action) and roles & set(step.by) for step in FLOWS[row["kind"]].leaving(row["state"])):
            found |= roles
    return frozenset(found)


_AFTER_APPROVAL = ("approved", "accompanied", "suspended", "reported", "closed", "cancelled", "no_show", "revoked")
SENT = ("issued", "replaced", "recalled")


def addressed_to_applicant(row: Row) -> bool:
    """A letter that went to the applicant."""
    recipients = row.get("fields", {}).get("recipients") or ()
    return row["state"] in SENT and any(item.get("role") == R.APPLICANT for item in recipients)


def visible(row: Row, actor: Actor, held: frozenset[str]) -> bool:
    """Whether the case exists for this person. Where it does not, it answers like one that is absent."""
    if actor.id == SYSTEM or R.AUDITOR in held:
        return True
    kind = row["kind"]
    main = main_of(row)
    if kind in ("visit", "interview"):
        if R.APPLICANT in held:
            return True
        if row["state"] in ("draft", "discarded"):
            return False
    elif kind == "letter" and is_author_side(main, actor) and addressed_to_applicant(row):
        return True
    if actor.has(*DEPARTMENT):
        return True
    if R.REGISTRY in held:
        return bool(main["accepted"]) or kind == "letter"
    if R.COMMITTEE in held or R.CONSULTEE in held or R.LEADER_OFFICE in held:
        return True
    return R.GUIDE in held and row["state"] in _AFTER_APPROVAL


# Who reads scans of identity papers on a case itself (permission matrix, row *identity papers*), and who may say that a paper is no secret.
# A consulted body reads them through its question: `bundles.scans`.
IDENTITY_READERS = frozenset({R.APPLICANT, R.INTAKE, R.OFFICER, R.DIRECTOR})
RELEASERS = frozenset({R.INTAKE, R.OFFICER, R.HEAD})
_PAPER_READERS = frozenset({R.APPLICANT, R.INTAKE, R.OFFICER, R.HEAD, R.DIRECTOR, R.COMMITTEE, R.LEADER_OFFICE, R.AUDITOR, R.REGISTRY})


def reads_papers(held: frozenset[str]) -> bool:
    """Whether somebody with these roles on a case reads any of its papers."""
    return bool(held & _PAPER_READERS)


def reads_paper(paper: Paper, held: frozenset[str], actor: Actor) -> bool:
    """Whether this person reads one kind of paper of a case on which they hold these roles."""
    if not reads_papers(held) or (paper.office and outside(held, actor) and R.LEADER_OFFICE not in held):
        return False
    return not paper.sensitive or bool(held & IDENTITY_READERS)


def releases(paper: Paper, held: frozenset[str]) -> bool:
    """Whether somebody with these roles may look at a paper that is held back and say that it is no secret."""
    return bool(held & (RELEASERS & IDENTITY_READERS if paper.sensitive else RELEASERS))


def outside(held: frozenset[str], actor: Actor) -> bool:
    """Whether the person reads the applicant's words: neither staff nor committee nor auditor."""
    return not actor.staff
