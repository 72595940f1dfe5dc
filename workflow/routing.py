"""Routing R1–R20: which bodies a dossier is put to, which papers it needs, who is told, and why. Rules are data.

The engine proposes; an officer adds, or drops with a reason; a named person decides. Nothing here asks anybody.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from states.language import Text
from workflow.categories import NATIONAL_LEADER, Referral, referral_of
from workflow.fold import fold
from workflow.localities import Profile
from workflow.places import Places, bare, province_code
from workflow.places import told as told_place
from workflow.rules import FOLDER


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that applies to a dossier: to which rows, which bodies it names, and why."""

    rule: str
    act: str
    agencies: tuple[str, ...]
    why: Text
    basis: str
    rows: tuple[str, ...] = ()
    due: str = ""
    question: Text | None = None
    permit: Text | None = None
    ahead: bool = False
    standing: str = "sourced"


@lru_cache(maxsize=1)
def national() -> tuple[dict[str, Any], ...]:
    """The rules of the whole country."""
    return tuple(tomllib.loads((FOLDER / "routing.toml").read_text("utf-8"))["rule"])


def rules_of(profile: Profile) -> Iterator[Mapping[str, Any]]:
    """The country's rules without those the locality switches off, and the locality's own."""
    own = profile.raw.get("routing_rules") or ()
    off = set(profile.raw.get("routing_off") or ()) | {row["rule"] for row in own if row.get("instead")}
    yield from (row for row in national() if row["rule"] not in off)
    yield from own


def elsewhere(profile: Profile, row: Mapping[str, Any]) -> bool:
    """Whether a row of the programme lies in another province; one that went into this province is this province."""
    named = str(row.get("province") or "")
    if not named:
        return False
    code = province_code(named)
    return code != profile.province if code else bare(named) != bare(profile.text("place").vi)


def places_named(profile: Profile, fields: Mapping[str, Any], places: Places | None = None) -> list[dict[str, Any]]:
    """The communes of the programme as the list knows them, each name once, as `places.told` tells them; of this province only."""
    places, seen = places or profile.places, dict[str, dict[str, Any]]()
    for row in fields.get("itinerary") or ():
        if isinstance(row, Mapping) and row.get("commune") and not elsewhere(profile, row):
            name = str(row["commune"])
            if name not in seen:
                seen[name] = told_place(str(row.get("row", "")), name, places.resolve(name))
    return list(seen.values())


def level_of(profile: Profile, agency: str) -> str:
    """The level of the leader whose agency was named: party, council, committee, department, commune, national; else empty."""
    found = profile.leader(agency)
    return str(found["level"]) if found else ""


def office_of(profile: Profile, agency: str) -> str:
    """The agency whose office answers an interview of that leader; empty where it is not a local one (R12–R15)."""
    found = profile.leader(agency)
    return str(found.get("office") or "") if found else ""


def referral(profile: Profile, kind: str, fields: Mapping[str, Any]) -> Referral | None:
    """Why a request is not the province's at all, and where to go: by its category, or by the leader asked; None where it is ours."""
    found = referral_of(str(fields.get("category") or ""))
    if found is None and kind == "interview" and level_of(profile, str((fields.get("leader") or {}).get("agency") or "")) == "national":
        return NATIONAL_LEADER
    return found


def fired(profile: Profile, kind: str, fields: Mapping[str, Any], topics: Iterable[str] = (), places: Places | None = None) -> list[Fired]:
    """Every rule that applies to a dossier of a kind, in the order of the table.

    `places` are the communes in force; without, those that come with the profile.
    """
    seen = _Dossier(profile, fields, frozenset(topics), places or profile.places)
    found = []
    for row in rules_of(profile):
        if kind not in row["kinds"]:
            continue
        rows = seen.matching(row)
        if rows is None:
            continue
        found.append(
            Fired(
                row["rule"], row["act"], seen.agencies(row), _text(row["why"]), row["basis"], rows, row.get("due", ""),
                _text(row["question"]) if row.get("question") else None, _text(row["permit"]) if row.get("permit") else None,
                bool(row.get("ahead")), row.get("standing", "sourced"),
            )
        )  # fmt: skip
    return found


def proposed(rules: Iterable[Fired], known: Iterable[str]) -> list[dict[str, Any]]:
    """The bodies to be asked, each once with every rule that names it: {agency, rule, why, due, question, rows, also}.

    `known` are the agency codes of the catalogue: a body the locality does not have cannot be asked.
    """
    known, found = frozenset(known), dict[str, dict[str, Any]]()
    for item in rules:
        if item.act != "consult":
            continue
        for agency in item.agencies:
            if agency not in known:
                continue
            if agency in found:
                found[agency]["also"].append({"rule": item.rule, "why": item.why.as_dict()})
                continue
            question = item.question.as_dict() if item.question else None
            found[agency] = {
                "agency": agency, "rule": item.rule, "why": item.why.as_dict(), "due": item.due, "question": question, "rows": list(item.rows),
                "basis": item.basis, "also": [],
            }  # fmt: skip
    return list(found.values())


def permits(rules: Iterable[Fired]) -> dict[str, list[Fired]]:
    """The rows that need another body's paper, with the rules that say so."""
    found: dict[str, list[Fired]] = {}
    for item in rules:
        if item.act == "permit":
            for row in item.rows:
                found.setdefault(row, []).append(item)
    return found


def rows_told_ahead(rules: Iterable[Fired]) -> tuple[str, ...]:
    """Rows of which other bodies must be told in writing some hours before (sea-border areas)."""
    return tuple(row for item in rules if item.ahead for row in item.rows)


def told(rules: Iterable[Fired], known: Iterable[str]) -> list[str]:
    """Bodies of the catalogue that are told of an approved programme, besides the hosts and the Ministry."""
    known = frozenset(known)
    agencies = [agency for item in rules if item.act == "notice" for agency in item.agencies]
    return [agency for agency in dict.fromkeys(agencies) if agency in known and agency != "bo_ngoai_giao"]


def communes_told(rules: Iterable[Fired], fields: Mapping[str, Any]) -> list[str]:
    """The communes of the programme that are told of it (R11); another province tells its own (R19)."""
    rules = tuple(rules)
    if not any(item.act == "notice" and "commune" in item.agencies for item in rules):
        return []
    elsewhere = {row for item in rules if item.act == "copy" for row in item.rows}
    here = (row for row in fields.get("itinerary") or () if row.get("commune") and row.get("row") not in elsewhere)
    return list(dict.fromkeys(str(row["commune"]) for row in here))


def _text(value: Mapping[str, str]) -> Text:
    return Text(value["vi"], value["en"])


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the programme or of the equipment: the words a condition may name, by kind of condition."""

    id: str
    words: Mapping[str, frozenset[str]]
    elsewhere: bool = False
    temporary: bool = False
    said: str = ""

    @classmethod
    def of_place(cls, row: Mapping[str, Any], profile: Profile, places: Places) -> _Row:
        words = {
            "marks": places.marks(str(row.get("commune", ""))), "activities": frozenset(row.get("activities") or ()),
            "places": frozenset({row["place_kind"]} if row.get("place_kind") else ()),
        }  # fmt: skip
        return cls(str(row.get("row", "")), words, elsewhere(profile, row))

    @classmethod
    def of_device(cls, row: Mapping[str, Any]) -> _Row:
        said = f" {fold(' '.join(str(row.get(name) or '') for name in ('type', 'maker', 'model')))} "
        words = {"devices": frozenset({row["device"]} if row.get("device") else ())}
        return cls(str(row.get("row", "")), words, temporary=bool(row.get("temporary")), said=said)

    def meets(self, when: Mapping[str, Any]) -> bool:
        """Whether any one condition holds for the row."""
        if any(not has.isdisjoint(when.get(name, ())) for name, has in self.words.items() if has):
            return True
        return bool((self.temporary and when.get("temporary")) or (self.said and any(f" {word} " in self.said for word in when.get("words", ()))))


class _Dossier:
    """A dossier as the conditions of a rule look at it; what they ask of a row is gathered once for all rules."""

    def __init__(self, profile: Profile, fields: Mapping[str, Any], topics: frozenset[str], places: Places):
        self.profile, self.topics = profile, topics
        self.itinerary = [_Row.of_place(row, profile, places) for row in fields.get("itinerary") or () if isinstance(row, Mapping)]
        self.equipment = [_Row.of_device(row) for row in fields.get("equipment") or () if isinstance(row, Mapping)]
        self.level = level_of(profile, str((fields.get("leader") or {}).get("agency") or ""))
        crew = [row for row in fields.get("crew") or () if isinstance(row, Mapping)]
        self.foreign = any(row.get("nationality") not in (None, "", "VN") for row in crew) or not crew

    def matching(self, rule: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Ids of the rows a rule speaks of, or None where it does not apply."""
        when = rule.get("when")
        if when is None:
            return ()
        if rule.get("foreign") and not self.foreign:
            return None
        if when.get("elsewhere"):
            rows = [row.id for row in self.itinerary if row.elsewhere]
        else:  # what happens in another province is decided and permitted over there
            rows = [row.id for row in self.itinerary if not row.elsewhere and row.meets(when)]
        rows += [row.id for row in self.equipment if row.meets(when)]
        whole = not self.topics.isdisjoint(when.get("topics", ())) or (bool(self.level) and self.level in when.get("levels", ()))
        return tuple(rows) if rows or whole else None

    def agencies(self, rule: Mapping[str, Any]) -> tuple[str, ...]:
        """The bodies a rule names; a sector stands for whoever is competent for the topic here."""
        found: list[str] = []
        for code in rule.get("agencies") or ():
            if not code.startswith("sector:"):
                found.append(code)
                continue
            sectors = self.profile.raw.get("sectors") or {}
            wanted = self.topics & set((rule.get("when") or {}).get("topics", ()))
            found += [sectors[topic] for topic in sorted(wanted) if topic in sectors]
        return tuple(dict.fromkeys(found))
