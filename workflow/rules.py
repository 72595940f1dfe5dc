"""The rule table: every number of the law and of the office with unit, basis and validity.

Rows are versions; a row is ended and never overwritten. A case is bound to the version in force on its day of
receipt (Nghị định 262/2026 art. 26). A locality's own row wins over the national one of the same day.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from states.language import Text
from workflow import clock, store

FOLDER = Path(__file__).resolve().parent.parent / "localities" / "national"
UNITS = ("wd", "d", "h", "text")


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of one rule. `value` is text as written: a count, or a word where the unit is `text`."""

    id: str
    code: str
    value: str
    unit: str
    basis: str
    locality: str
    valid_from: date
    valid_to: date | None
    standing: str
    label: Text

    @property
    def number(self) -> float:
        """The value as a count of its unit."""
        return float(self.value)

    def covers(self, on: date) -> bool:
        """Whether this version is in force on a day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


class Rules:
    """The rules in force on one day."""

    def __init__(self, on: date, rows: Iterable[Rule]):
        self.on = on
        self._by_code: dict[str, Rule] = {}
        rows = tuple(rows)
        # A duty younger than the case has no older version: its first one is the only word there is. Of two that begin on
        # one day that is the one that was replaced before it began: the younger binds from its own first day only.
        for row in sorted((r for r in rows if r.valid_from > on), key=lambda r: (r.valid_from, r.valid_to is None), reverse=True):
            self._by_code[row.code] = row
        # The national row first, then the locality's; of two of one place the younger one.
        for row in sorted((r for r in rows if r.covers(on)), key=lambda r: (r.locality != "", r.valid_from)):
            self._by_code[row.code] = row

    def __getitem__(self, code: str) -> Rule:
        return self._by_code[code]

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def __iter__(self) -> Any:
        return iter(self._by_code.values())

    def number(self, code: str) -> float:
        """The count of a rule; raises KeyError for a code that has no row on that day."""
        return self._by_code[code].number

    def text(self, code: str) -> str:
        """The word of a rule."""
        return self._by_code[code].value

    def flag(self, code: str) -> bool:
        """A yes-or-no rule."""
        return self._by_code[code].value == "yes"


class RuleBook:
    """All versions in force at some time, and the rules of any one day."""

    def __init__(self, rows: Iterable[Rule]):
        self.rows = tuple(rows)
        self._days: dict[date, Rules] = {}

    def on(self, day: date) -> Rules:
        """The rules in force on a day; the first known ones before the first of them."""
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = Rules(day, self.rows)
        return found


@lru_cache(maxsize=1)
def declared() -> Mapping[str, dict[str, Any]]:
    """Every code of the seed file with what it says of it: label, versions."""
    return {row["code"]: row for row in tomllib.loads((FOLDER / "rules.toml").read_text("utf-8"))["rule"]}


def label_of(code: str) -> Text:
    """The words of a rule's code."""
    row = declared().get(code)
    return Text(row["label"]["vi"], row["label"]["en"]) if row else Text(code, code)


def seed_rules(connection: Connection, locality: str = "", overrides: Iterable[Mapping[str, Any]] = ()) -> int:
    """Enter the national versions that the table lacks and a locality's own; answers how many were added."""
    there = {r["id"] for r in store.query(connection, "SELECT id FROM rule_versions")}
    added = 0
    versions = [(row["code"], "", version) for row in declared().values() for version in row["version"]]
    versions += [(row["code"], locality, row) for row in overrides]
    for code, place, version in versions:
        mark = _mark(place, code, version["from"])
        if mark in there:
            continue
        added += store.execute(
            connection,
            "INSERT INTO rule_versions (id, code, locality, value, unit, basis, valid_from, valid_to, standing, status, entered_by, entered_at)"
            " VALUES (:id, :code, :locality, :value, :unit, :basis, :first, :last, :standing, 'in_force', 'system', :at)",
            id=mark, code=code, locality=place, value=str(version["value"]), unit=version["unit"], basis=version["basis"], first=str(version["from"]),
            last=str(version["to"]) if version.get("to") else None, standing=version.get("standing", "unconfirmed"), at=clock.stamp(clock.now()),
        )  # fmt: skip
    return added


def _mark(place: str, code: str, first: Any) -> str:
    """The id of a shipped version: the same on every machine."""
    return hashlib.sha256(f"rule:{place}:{code}:{first}".encode()).hexdigest()[:32]


def _shipped() -> list[Rule]:
    return [
        Rule(
            _mark("", row["code"], v["from"]), row["code"], str(v["value"]), v["unit"], v["basis"], "", v["from"], v.get("to"), v["standing"],
            Text(row["label"]["vi"], row["label"]["en"]),
        )
        for row in declared().values()
        for v in row["version"]
    ]  # fmt: skip


def load_rules(connection: Connection, locality: str) -> RuleBook:
    """Every version in force or ended, national and of one locality; drafts are left out."""
    rows = store.query(
        connection,
        "SELECT id, code, value, unit, basis, locality, valid_from, valid_to, standing FROM rule_versions"
        " WHERE status = 'in_force' AND locality IN ('', :locality) ORDER BY code, valid_from",
        locality=locality,
    )
    if not rows:  # a database that nobody has set up yet counts by the rules as shipped
        return RuleBook(_shipped())
    return RuleBook(map(rule_of, rows))


def rule_of(row: Mapping[str, Any]) -> Rule:
    """A version out of its row of the table."""
    last = date.fromisoformat(row["valid_to"]) if row["valid_to"] else None
    first = date.fromisoformat(row["valid_from"])
    return Rule(
        row["id"], row["code"], row["value"], row["unit"], row["basis"], row["locality"], first, last, row["standing"], label_of(row["code"])
    )  # fmt: skip
