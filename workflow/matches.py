"""Requests that may be one, or in each other's way: found by marks, told to whoever may see both, settled by a recorded act.

A match warns and links; it stops nothing. Requests that have ended match nobody. An applicant is told of the own
organisation's requests alone, by the same rule that says which cases exist for them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from states import FLOWS
from states import roles as R
from states.language import Text, blank
from states.machine import role_refusal
from states.matches import OVERLAP, STRONG, WEAK, Fact, Member, Side, Stay, compare, joined, strength_of
from workflow import authority, clock, engine, marks, queries, store
from workflow.authority import Actor, Row
from workflow.errors import Conflict, Invalid, NeedsUnmet, NotFound, RoleRefused
from workflow.facts import dropped_of
from workflow.office import Office, organisation_dict
from workflow.schemas import TEXTS

ACTION = "not_duplicate"
KEPT = "not_duplicates"  # in a case's memory: the other case, and which facts were settled by whom
SETTLERS = (R.OFFICER, R.INTAKE, R.HEAD)
MOST = 500
STRENGTHS: dict[str, Text] = {
    STRONG: Text("Có thể là một hồ sơ nộp hai lần", "May be one request sent twice"),
    WEAK: Text("Có thể cùng đoàn", "May be the same crew"),
    OVERLAP: Text("Vướng nhau về nơi hoặc giờ", "In each other's way at a place or time"),
}
_OTHER_KIND = Text("khác loại hồ sơ", "a request of another kind")
_ORDER = {name: at for at, name in enumerate(STRENGTHS)}


@dataclass(frozen=True, slots=True)
class Match:
    """Another case with what the two share; `settled` where somebody has said of all of it that it is no duplicate."""

    own_kind: str
    row: Row
    facts: tuple[Fact, ...]
    settled: Mapping[str, Any] | None

    @property
    def strength(self) -> str:
        """How sure it is that the two are one."""
        return strength_of(self.facts, self.row["kind"] == self.own_kind)

    @property
    def keys(self) -> frozenset[str]:
        """Everything the two share, by marks."""
        return frozenset().union(*(fact.keys for fact in self.facts))

    @property
    def seen(self) -> str:
        """A mark of what the two share: whoever settles it names what was seen."""
        return hashlib.sha256("\n".join(sorted(self.keys)).encode()).hexdigest()[:32]


def matches_of(office: Office, actor: Actor, ref: str) -> list[dict[str, Any]]:
    """Open cases that share people on the same days, or a place or leader at the same time, as far as the person may see them.

    The surest first; those that are settled last. Raises `NotFound`.
    """
    with office.db.read() as connection:
        row, _ = queries.loaded(office, connection, actor, ref)
        return [match_dict(office, actor, match) for match in found_for(office, connection, actor, row)]


def of_typed(office: Office, connection: Connection, actor: Actor, kind: str, fields: Mapping[str, Any], case_id: str = "") -> list[dict[str, Any]]:
    """The same for a dossier as it is typed, before it is sent; `case_id` is the draft it stands in, if there is one."""
    own = {"id": case_id, "kind": kind, "fields": fields, "memory": {}}
    return [match_dict(office, actor, match) for match in found_for(office, connection, actor, own) if match.settled is None]


def found_for(office: Office, connection: Connection, actor: Actor, own: Row) -> list[Match]:
    """The matches of a case, or of a dossier that is none yet. Two statements, whatever there is."""
    if own["kind"] not in marks.PRESS or not own.get("is_open", True):
        return []
    mine = marks.side_of(office.keys, own["kind"], own["fields"], own["memory"])
    found = []
    for row, side in _others(connection, actor, own["id"], mine):
        held = authority.roles_on(row, actor)
        if not authority.visible(row, actor, held):
            continue
        facts = compare(mine, marks.agreed(side, None, row["memory"]))
        if facts:
            found.append(Match(own["kind"], row, facts, _settled(own, row, facts)))
    if not actor.staff:
        found = [match for match in found if match.settled is None]
    return sorted(found, key=lambda match: (match.settled is not None, _ORDER[match.strength], match.row["code"] or "", match.row["id"]))


_COLUMNS = (
    "c.id, c.code, c.kind, c.state, c.title, c.outlet, c.first_day, c.last_day, c.organisation_id, c.created_by, c.channel, c.officer_id, c.guide_id,"
    " c.office_id, c.referred, c.accepted, c.memory, m.row_id"
)


def _others(connection: Connection, actor: Actor, id_: str, mine: Side) -> Iterable[tuple[dict[str, Any], Side]]:
    """Open cases with a mark in common, each with what of it bears such a mark."""
    rows = [*_with_people(connection, actor, id_, mine), *_with_spots(connection, actor, id_, mine)]
    # A dossier in a form does not say which draft it is: the draft has the very same rows, which no other case has.
    own_rows = ({member.row for member in mine.crew} | {stay.row for stay in mine.stays}) - {marks.LEADER} if not id_ else set()
    itself = {row["id"] for row in rows if row["row_id"] in own_rows}
    met: dict[str, tuple[dict[str, Any], list[Member], list[Stay]]] = {}
    for row in rows:
        if row["id"] in itself:
            continue
        _, members, stays = met.setdefault(row["id"], (row, [], []))
        if "spot" in row:
            stays.append(Stay(row["row_id"], row["spot"], row["starts"] or "", row["ends"] or "", mine.kind == "visit"))
        else:
            members.append(Member(row["row_id"], row["passport"] or "", row["card"] or "", row["name"] or ""))
    for row, members, stays in met.values():
        case = {**row, "memory": orjson.loads(row["memory"]), "parent": None}
        out = dropped_of(case["memory"])
        crew, taken = (tuple(m for m in members if m.row not in out), tuple(s for s in stays if s.row not in out))
        yield case, Side(row["kind"], row["first_day"] or "", row["last_day"] or "", crew, taken)


def _with_people(connection: Connection, actor: Actor, id_: str, mine: Side) -> list[dict[str, Any]]:
    """Crew members of other open cases who bear a mark of ours, on days in common; an interview's days only the comparison can tell."""
    people = {mark for member in mine.crew for mark in (member.passport, member.card, member.name) if mark}
    passport, card, name = (store.among(connection, f"m.{column}", "marks") for column in ("passport", "card", "name"))
    scope, values = _scope(connection, actor)
    return store.query(
        connection,
        f"SELECT {_COLUMNS}, m.passport, m.card, m.name FROM crew_marks m JOIN cases c ON c.id = m.case_id"
        f" WHERE ({passport} OR {card} OR {name}) AND c.is_open AND c.id <> :id AND {scope}"
        " AND (c.kind = 'interview' OR :any OR (c.first_day <= :last AND c.last_day >= :first))"
        # That an interview goes with a visit has been said already.
        " AND (c.kind = :kind OR NOT EXISTS (SELECT 1 FROM relations r WHERE r.case_id IN (c.id, :id) AND r.related_id IN (c.id, :id)))"
        " ORDER BY c.id, m.row_id LIMIT :most",
        marks=store.values_of(connection, people), id=id_, kind=mine.kind, any=mine.kind == "interview", first=mine.first_day, last=mine.last_day, most=MOST, **values,
    )  # fmt: skip


def _with_spots(connection: Connection, actor: Actor, id_: str, mine: Side) -> list[dict[str, Any]]:
    """Places and leaders of ours in other open cases of the kind: of visits at about the time, of interviews at any."""
    spot, (scope, values) = store.among(connection, "m.spot", "marks"), _scope(connection, actor)
    since, until = min((stay.starts for stay in mine.stays), default=""), max((stay.ends for stay in mine.stays), default="")
    return store.query(
        connection,
        f"SELECT {_COLUMNS}, m.spot, m.starts, m.ends FROM slot_marks m JOIN cases c ON c.id = m.case_id"
        f" WHERE {spot} AND c.is_open AND c.id <> :id AND c.kind = :kind AND {scope}"
        " AND (c.kind = 'interview' OR (m.starts < :until AND m.ends > :since)) ORDER BY c.id, m.row_id LIMIT :most",
        marks=store.values_of(connection, {stay.spot for stay in mine.stays if stay.spot}), id=id_, kind=mine.kind, since=since, until=until, most=MOST,
        **values,
    )  # fmt: skip


def _scope(connection: Connection, actor: Actor) -> tuple[str, dict[str, Any]]:
    """For those outside only what is of their own organisation leaves the database; what of it they see is judged case by case."""
    if actor.staff:
        return "1 = 1", {}
    own, asked = store.among(connection, "c.organisation_id", "orgs"), store.among(connection, "c.office_id", "orgs")
    return f"({own} OR {asked})", {"orgs": store.values_of(connection, sorted({m.organisation_id for m in actor.memberships}))}


def _settled(own: Row, other: Row, facts: Iterable[Fact]) -> Mapping[str, Any] | None:
    """Who has said on either case that the two are no duplicate, if it was said of everything they share now."""
    keys = frozenset().union(*(fact.keys for fact in facts))
    for row, id_ in ((own, other["id"]), (other, own["id"])):
        said = (row["memory"].get(KEPT) or {}).get(id_)
        if said and keys <= frozenset(said["keys"]):
            return dict(said)
    return None


def match_dict(office: Office, actor: Actor, match: Match) -> dict[str, Any]:
    """A match on the wire: the other case as this person may know it, what the two share in words, and how it stands."""
    row, flow = match.row, FLOWS[match.row["kind"]]
    state = flow.states[row["state"]]
    facts = [{"what": fact.what, "text": fact.text.as_dict()} for fact in match.facts]
    words = [fact.text for fact in match.facts]
    if row["kind"] != match.own_kind:
        facts.append({"what": "other_kind", "text": _OTHER_KIND.as_dict()})
        words.append(_OTHER_KIND)
    said = match.settled
    return {
        "case": {
            "id": row["id"], "code": row["code"], "kind": row["kind"], "kind_label": flow.title.as_dict(), "state": row["state"],
            "state_label": (state.label if actor.staff else queries.outward_label(state, row)).as_dict(), "title": row["title"], "outlet": row["outlet"],
            "first_day": row["first_day"], "last_day": row["last_day"], "organisation": organisation_dict(office.organisation(row["organisation_id"])),
        },
        "strength": match.strength, "strength_label": STRENGTHS[match.strength].as_dict(),
        "facts": facts, "text": joined(*words, by="; ").as_dict(), "seen": match.seen,
        "settled": {"by": said["name"], "at": said["at"]} if said else None,
    }  # fmt: skip


# --- settling ---------------------------------------------------------------------------------------------------


def not_duplicate(office: Office, actor: Actor, ref: str, other: str, reason: str, *, seen: str = "", request_id: str = "") -> dict[str, Any]:
    """Record that another case is no duplicate of this one, with the reason; answers the match as it stands then.

    It holds for what the two share now: a new fact warns again. `seen` is the mark of what the person has read; where it is
    given and the two share something else by now, nothing is recorded. Saying it twice is of no effect the second time.
    """

    def work(connection: Connection) -> dict[str, Any]:
        row, held = queries.loaded(office, connection, actor, ref)
        target, _ = queries.loaded(office, connection, actor, other)
        match = next((found for found in found_for(office, connection, actor, row) if found.row["id"] == target["id"]), None)
        if match is None:
            raise NotFound()
        fitting = [role for role in SETTLERS if role in held]
        if not fitting:
            raise RoleRefused((role_refusal(SETTLERS),))
        if blank(reason):
            raise Invalid({"reason": [TEXTS["required"]]})
        if actor.id in (row["memory"].get("recused") or ()):
            raise NeedsUnmet((engine.conflict_refusal(),))
        if seen and seen != match.seen:
            raise Conflict("changed_meanwhile")
        if match.settled is not None:
            return match_dict(office, actor, match)
        now = clock.now()
        said = {"keys": sorted(match.keys), "name": actor.name, "at": clock.stamp(now)}
        memory = {**row["memory"], KEPT: {**(row["memory"].get(KEPT) or {}), target["id"]: said}}
        inputs = {"other": target["code"] or target["id"], "reason": reason}
        engine.plain_act(connection, row, actor, ACTION, fitting[0], memory, inputs, now, request_id)
        return match_dict(office, actor, Match(match.own_kind, match.row, match.facts, said))

    return office.db.transact(work)
