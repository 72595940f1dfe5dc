"""What an applicant may do after a refusal: the reason as the letter gives it, what helps next time, and who hears a complaint.

Law and advice are data (`localities/national/remedies.toml`); terms come from the rule table as it stood on the day of the
decision. Nothing here decides anything.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from states import FLOWS
from states.language import Text
from workflow import clock, law, routing
from workflow.authority import Row
from workflow.calendar import UNITS
from workflow.office import Office
from workflow.rules import FOLDER, Rules

REFUSALS = ("rejected", "not_accepted", "stopped", "revoked")
# The acts that lead to each of these ends.
_ACTS = {
    "rejected": ("reject", "decline_interview", "confirm_paper_refusal", "confirm_paper_decline"),
    "not_accepted": ("refuse_intake", "refer_out"),
    "stopped": ("stop",),
    "revoked": ("revoke",),
}
_BY_LEADER_OFFICE = ("decline_interview", "confirm_paper_decline")
# A decision on paper is entered and confirmed by others than those who took it.
_ON_PAPER = ("confirm_paper_refusal", "confirm_paper_decline")


@dataclass(frozen=True, slots=True)
class Resolver:
    """Who resolves complaints about decisions of one level, first and second."""

    first: Text
    second: Text
    basis: str


@dataclass(frozen=True)
class Remedies:
    """The file of remedies, read."""

    resolvers: Mapping[str, Resolver]
    terms: Mapping[str, str]
    ground: Mapping[str, Text]
    ending: Mapping[str, Text]


@lru_cache(maxsize=1)
def remedies() -> Remedies:
    """What the data say."""
    raw = tomllib.loads((FOLDER / "remedies.toml").read_text("utf-8"))
    resolvers = {row["level"]: Resolver(_text(row["first"]), _text(row["second"]), row["basis"]) for row in raw["resolver"]}
    return Remedies(
        resolvers, raw["terms"], {code: _text(text) for code, text in raw["ground"].items()}, {state: _text(text) for state, text in raw["ending"].items()}
    )


def _text(value: Mapping[str, str]) -> Text:
    return Text(value["vi"], value["en"])


def after(office: Office, row: Row) -> dict[str, Any] | None:
    """What may be done after the refusal that ended a case; None for a case that was not refused.

    `grounds` {label, basis}, `reason`, `alternatives` and `where_to_go` are the letter's own words (None: the letter names
    none), `where` is where such a request belongs by law, `again` what helps next time, `complaint` the way to complain.
    """
    if row["state"] not in REFUSALS or row["kind"] not in ("visit", "interview"):
        return None
    name, act = _decided(row)
    told = told_by(row, name)
    codes = list(told.get("grounds") or ([told["ground"]] if told.get("ground") else []))
    known = {ground.code: ground for ground in office.profile.grounds}
    referral = routing.referral(office.profile, row["kind"], row["fields"]) if row["state"] == "not_accepted" else None
    advice = [remedies().ground[code] for code in codes if code in remedies().ground] or [remedies().ending[row["state"]]]
    on = clock.local(clock.moment(act["at"])).date()
    return {
        "ending": FLOWS[row["kind"]].states[row["state"]].label.as_dict(), "decided_at": act["at"],
        "grounds": [{"label": known[code].label.as_dict(), "basis": known[code].basis} for code in codes if code in known],
        "reason": told.get("reason"), "alternatives": told.get("alternatives"), "where_to_go": told.get("where_to_go"),
        "where": referral.where.as_dict() if referral else None,
        "again": [text.as_dict() for text in dict.fromkeys(advice)],
        "complaint": complaint(office, level_of(row, name), office.rulebook.on(on)),
    }  # fmt: skip


def _decided(row: Row) -> tuple[str, Mapping[str, Any]]:
    """The act that ended the case: the last of those that lead to this end."""
    acts = row["memory"].get("acts") or {}
    found = [(name, acts[name]) for name in _ACTS[row["state"]] if name in acts]
    return max(found, key=lambda item: str(item[1]["at"])) if found else ("", {"at": row["updated_at"], "role": "", "given": {}})


def told_by(row: Row, name: str) -> Mapping[str, Any]:
    """The words of an act: those of the paper that was entered, where the decision was taken on paper."""
    acts = row["memory"].get("acts") or {}
    told: Mapping[str, Any] = (acts.get("enter_paper_decision" if name in _ON_PAPER else name) or {}).get("given") or {}
    return told


def level_of(row: Row, name: str) -> str:
    """Whose decision it was, as complaints go: of the Department, the People's Committee, or the body that answers for a leader."""
    if name in _BY_LEADER_OFFICE:
        return "leader_office"
    # A visit that was laid before the Committee is the Committee's decision, whoever signed for it on a delegation.
    return "committee" if row["kind"] == "visit" and row["referred"] and row["state"] in ("rejected", "revoked", "suspended") else "department"


def complaint(office: Office, level: str, rules: Rules) -> dict[str, Any]:
    """How to complain about a decision of a level: who hears it, in which terms, with the provisions."""
    found, texts = remedies().resolvers[level], office.profile.law
    terms = {
        name: {"value": int(rules.number(code)), "unit": rules[code].unit, "words": _term(rules, code).as_dict(), "basis": rules[code].basis,
               "basis_words": law.words(texts, rules[code].basis).as_dict()}
        for name, code in remedies().terms.items()
    }  # fmt: skip
    return {
        "first": found.first.as_dict(), "second": found.second.as_dict(), "basis": found.basis, "basis_words": law.words(texts, found.basis).as_dict(),
        "terms": terms,
    }  # fmt: skip


def _term(rules: Rules, code: str) -> Text:
    value, unit = int(rules.number(code)), UNITS[rules[code].unit]
    return Text(f"{value} {unit.vi}", f"{value} {unit.en}")
