"""Locality profiles: what the law and the office set, loaded from `localities/<code>.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import time
from functools import cached_property
from pathlib import Path
from typing import Any

from states.language import Text

FOLDER = Path(__file__).resolve().parent.parent / "localities"


@dataclass(frozen=True)
class Ground:
    """A coded ground with the provision it rests on and the decisions it may be used for."""

    code: str
    label: Text
    basis: str
    uses: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """One locality's values. `raw` is the file as read; the properties give it names."""

    code: str
    raw: dict[str, Any]

    def text(self, table: str) -> Text:
        """A bilingual name of the profile."""
        return Text(self.raw[table]["vi"], self.raw[table]["en"])

    @property
    def prefix(self) -> str:
        """First part of every printed code."""
        return str(self.raw["prefix"])

    @property
    def decision_level(self) -> str:
        """`committee` or `department`: who decides a visit (Nghị định 262/2026 art. 16(3), 24)."""
        return str(self.raw["decision"]["level"])

    @cached_property
    def grounds(self) -> tuple[Ground, ...]:
        """The closed list of coded grounds."""
        return tuple(Ground(row["code"], Text(row["label"]["vi"], row["label"]["en"]), row["basis"], tuple(row["for"])) for row in self.raw["grounds"])

    def grounds_for(self, use: str) -> tuple[str, ...]:
        """Codes of the grounds for `reject`, `not_accepted`, `revoke` or `decline`."""
        return self._grounds_by_use.get(use, ())

    @cached_property
    def _grounds_by_use(self) -> dict[str, tuple[str, ...]]:
        uses = {use for ground in self.grounds for use in ground.uses}
        return {use: tuple(ground.code for ground in self.grounds if use in ground.uses) for use in uses}

    def days(self, clock: str) -> int:
        """The length of a clock, in its own unit."""
        return int(self.raw["clocks"][clock]["value"])

    def basis(self, clock: str) -> str:
        """The provision a clock rests on."""
        return str(self.raw["clocks"][clock]["basis"])

    def authority(self, category: str | None) -> str:
        """What the province does with this category: decide, coordinate, host or give an opinion."""
        return str(self.raw["authority"].get(category or "", "decide"))

    @property
    def referred_out(self) -> tuple[str, ...]:
        """Categories that the province may not keep."""
        return tuple(self.raw["referred_out"]["categories"])

    def proposed(self, kind: str) -> list[dict[str, Any]]:
        """The bodies that the routing rules propose for a kind: rule, agency and why."""
        return [row for row in self.raw["routing"] if kind in row["kinds"]]

    @property
    def identity_readers(self) -> tuple[str, ...]:
        """Consulted bodies that read the numbers of identity papers in what is sent to them."""
        return tuple(self.raw["personal_data"]["identity_papers"])

    def signers(self, letter: str) -> tuple[str, ...] | None:
        """The signer table's row for a letter, or None where the default applies."""
        row = self.raw.get("signers", {}).get(letter)
        return tuple(row) if row else None

    def hour(self, name: str) -> time:
        """`opens`, `closes` or `cutoff` of the office day."""
        return time.fromisoformat(self.raw["hours"][name])


def load_profile(code: str) -> Profile:
    """Load a profile by its code; raises `FileNotFoundError` naming the known ones."""
    path = FOLDER / f"{code}.toml"
    if not path.is_file():
        known = sorted(p.stem for p in FOLDER.glob("*.toml") if p.stem != "calendar")
        raise FileNotFoundError(f"no locality {code}; known: {', '.join(known)}")
    return Profile(code, tomllib.loads(path.read_text("utf-8")))
