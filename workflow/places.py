"""Communes, wards and special zones of a province: which there are, what is known of each, and which one a typed name means.

The list is a table that is filled and replaced from files (`workflow.place_files`); the locality's profile adds marks and old
names. Whether a commune lies at the border, at the sea or on an island is `yes`, `no` or `unknown`, and unknown is told as
unknown: it never passes for no.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection

from states.language import Text
from workflow import clock, store
from workflow.fold import fold, spelling, vi_sort_key
from workflow.rules import FOLDER

KINDS: dict[str, Text] = {
    "xa": Text("xã", "commune"), "phuong": Text("phường", "ward"), "dac_khu": Text("đặc khu", "special zone"),
}  # fmt: skip
ATTRIBUTES = ("border", "sea", "island")
MARKS: dict[str, Text] = {
    "border": Text("biên giới đất liền", "land border"), "belt": Text("vành đai biên giới", "border belt"), "gate": Text("cửa khẩu", "border gate"),
    "prohibited": Text("vùng cấm", "prohibited zone"), "sea": Text("biên giới biển", "sea border"), "island": Text("đảo", "island"),
    "military": Text("quân sự", "military"), "heritage": Text("di sản, di tích", "heritage"), "geopark": Text("công viên địa chất", "geopark"),
}  # fmt: skip
VALUES: dict[str, Text] = {
    "yes": Text("có", "yes"), "no": Text("không", "no"), "unknown": Text("chưa xác định", "not determined"),
}  # fmt: skip
STANDINGS: dict[str, Text] = {
    "sourced": Text("có nguồn", "sourced"), "memory": Text("theo trí nhớ", "from memory"), "unconfirmed": Text("chưa xác nhận", "unconfirmed"),
}  # fmt: skip
COLUMNS = ("province", "code", "name", "kind", *ATTRIBUTES, "valid_from", "valid_to", "source", "standing")

# What a name begins with, folded: today's kinds, and those of before July 2025, which tell nothing of today's.
_BEFORE = {
    ("xa",): "xa", ("x.",): "xa", ("phuong",): "phuong", ("p.",): "phuong", ("p",): "phuong", ("dac", "khu"): "dac_khu", ("dk.",): "dac_khu",
    ("thi", "tran"): "", ("tt.",): "", ("thi", "xa"): "", ("tx.",): "", ("huyen",): "", ("h.",): "", ("quan",): "", ("q.",): "",
    ("thanh", "pho"): "", ("tp.",): "", ("tinh",): "", ("t.",): "",
}  # fmt: skip
_BEHIND = {("commune",): "xa", ("ward",): "phuong", ("special", "zone"): "dac_khu", ("city",): "", ("province",): ""}
_MEANT_KEPT = 2000
_GLUED = re.compile(r"^(\w{1,2}\.)(?=\S)")  # P.Ninh Kiều


# --- provinces ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Province:
    """A province or city of today by its official code, and the names of those that went into it."""

    code: str
    name: str
    old: tuple[str, ...] = ()


@cache
def provinces() -> Mapping[str, Province]:
    """The provinces by code."""
    rows = tomllib.loads((FOLDER / "provinces.toml").read_text("utf-8"))["provinces"]
    return {row["code"]: Province(row["code"], row["name"], tuple(row.get("old", ()))) for row in rows}


def province_code(name: str) -> str:
    """The code of the province of that name, of today or of before July 2025, with or without its kind; empty for no such name."""
    return _province_names().get(bare(name), "")


@cache
def _province_names() -> Mapping[str, str]:
    return {fold(name): found.code for found in provinces().values() for name in (*found.old, found.name)}


def bare(name: str) -> str:
    """A name folded and without the word for what it is, however that is written."""
    return _readings(name)[-1].folded


# --- a typed name -------------------------------------------------------------------------------------------------


class _Reading(NamedTuple):
    """One way to understand a typed name: its kind where it says one of today's, and the name itself."""

    kind: str
    folded: str
    spelled: str  # empty where it was typed without accents

    def means(self, commune: Commune) -> bool:
        """Whether the commune may be meant: kind and accents aside."""
        return self.folded == fold(commune.name)

    def names(self, commune: Commune) -> bool:
        """Whether it is named as it is written, as far as the reading says kind and accents."""
        return self.means(commune) and self.kind in ("", commune.kind) and self.spelled in ("", spelling(commune.name))


def _readings(name: str) -> list[_Reading]:
    """The whole name, and the name without the word before or behind it. `Xà Phiên` is no xã, which only its list can tell."""
    words = _GLUED.sub(r"\1 ", unicodedata.normalize("NFC", name).casefold().strip()).split()
    folded = fold(" ".join(words)).split()
    found = [_reading("", words)]
    for size in (2, 1):
        kind = _BEFORE.get(tuple(folded[:size]))
        if kind is not None and len(words) > size:
            return [*found, _reading(kind, words[size:])]
    for size in (2, 1):
        kind = _BEHIND.get(tuple(folded[-size:]))
        if kind is not None and len(words) > size:
            return [*found, _reading(kind, words[:-size])]
    return found


def _reading(kind: str, words: list[str]) -> _Reading:
    text = " ".join(words)
    return _Reading(kind, fold(text), "" if fold(text) == text else spelling(text))


# --- communes -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MarkedCommune:
    """What the locality's profile says of a commune: its marks and its old names."""

    name: str
    old: tuple[str, ...]
    marks: frozenset[str]
    standing: str
    source: str


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune, ward or special zone. `more`: marks of the profile besides the three attributes; `old`: names it had before.

    `code` is empty for one that only the profile knows.
    """

    province: str
    code: str
    name: str
    kind: str
    border: str = "unknown"
    sea: str = "unknown"
    island: str = "unknown"
    valid_from: str = ""
    valid_to: str | None = None
    source: str = ""
    standing: str = "unconfirmed"
    more: frozenset[str] = frozenset()
    old: tuple[str, ...] = ()

    @property
    def full(self) -> str:
        """The name with its kind, as it is written in Vietnamese: `Đặc khu Lý Sơn`."""
        return f"{KINDS[self.kind].vi.capitalize()} {self.name}" if self.kind else self.name

    @property
    def title(self) -> Text:
        """The name with its kind in both languages."""
        return Text(self.full, f"{self.name} {KINDS[self.kind].en}" if self.kind else self.name)

    @property
    def attributes(self) -> dict[str, str]:
        """Border, sea, island: `yes`, `no` or `unknown`."""
        return {"border": self.border, "sea": self.sea, "island": self.island}

    @property
    def marks(self) -> frozenset[str]:
        """What holds for it, as the routing rules ask: the attributes that are yes, and the profile's other marks."""
        return self.more | {name for name, value in self.attributes.items() if value == "yes"}

    def as_dict(self) -> dict[str, Any]:
        """The wire shape."""
        return {
            "code": self.code, "province": self.province, "name": self.title.as_dict(), "kind": self.kind, **self.attributes,
            "marks": [mark | {name: mark[name].as_dict() for name in ("label", "text")} for mark in place_marks(self)],
            "valid_from": self.valid_from, "valid_to": self.valid_to, "standing": self.standing, "source": self.source,
        }  # fmt: skip


def place_marks(commune: Commune) -> list[dict[str, Any]]:
    """What is known of a commune, for showing: {mark, value, label, text} for border, sea and island, then each further mark.

    `value` is `yes`, `no` or `unknown`; `label` and `text` are in both languages, and unknown is said in words.
    """
    values = {**commune.attributes, **{name: "yes" for name in MARKS if name in commune.more}}
    return [{"mark": mark, "value": value, "label": MARKS[mark], "text": VALUES[value]} for mark, value in values.items()]


UNLISTED = Text(
    "Không có trong danh mục xã, phường, đặc khu: chưa xét được quy tắc về biên giới, biển, đảo.",
    "Not in the list of communes: the rules on border, sea and islands could not be looked at.",
)
ALIKE = Text(
    "Có {n} nơi trùng tên này: {names}. Hãy ghi đủ loại và dấu; đến lúc đó, dấu hiệu của mọi nơi đều được xét.",
    "{n} places bear this name: {names}. Write kind and accents; till then the marks of all of them count.",
)


def told(row: str, name: str, found: tuple[Commune, ...]) -> dict[str, Any]:
    """What a typed name turned out to mean, for showing: {row, commune, found: communes, note}.

    `note` says in both languages what is wrong with a name that means none or several; None where it means one.
    """
    note = UNLISTED if not found else None
    if len(found) > 1:
        note = Text(
            ALIKE.vi.format(n=len(found), names=", ".join(c.full for c in found)), ALIKE.en.format(n=len(found), names=", ".join(c.title.en for c in found))
        )
    return {"row": row, "commune": name, "found": [c.as_dict() for c in found], "note": note.as_dict() if note else None}


class Places:
    """The communes of one province, in the order of a Vietnamese dictionary, and the one place that tells what a name means."""

    def __init__(self, listed: Iterable[Commune], marked: Iterable[MarkedCommune] = ()):
        listed = tuple(listed)
        known = {(c.code, c.full): c for c in listed}
        self._index(known.values())
        for mark in marked:
            found = self.resolve(mark.name)
            # What the profile marks keeps its marks, also where the list does not have it.
            commune = found[0] if len(found) == 1 else _of_profile(mark)
            known[commune.code, commune.full] = _with_marks(known.get((commune.code, commune.full), commune), mark)
        self._index(known.values())

    def _index(self, communes: Iterable[Commune]) -> None:
        self._meant: dict[str, tuple[Commune, ...]] = {}
        self.communes = tuple(sorted(communes, key=lambda c: (vi_sort_key(c.name), c.kind, c.code)))
        self._now: dict[str, list[Commune]] = {}
        self._then: dict[str, list[Commune]] = {}
        for commune in self.communes:
            self._now.setdefault(fold(commune.name), []).append(commune)
            for name in commune.old:
                self._then.setdefault(bare(name), []).append(commune)

    def resolve(self, name: str) -> tuple[Commune, ...]:
        """The commune that a typed name means; none for a name that is not in the list, several where it does not tell them apart.

        Case and accents may be missing, and the word for the kind, which may be short (`P.`) or English behind the name.
        Where names are alike, accents and kind tell them apart as far as they were typed. A name of before July 2025 means
        what it went into, unless a commune of today bears it.
        """
        found = self._meant.get(name)
        if found is None:  # the same few names are asked for at every act on a case
            if len(self._meant) >= _MEANT_KEPT:
                self._meant.clear()
            found = self._meant[name] = self._resolved(name)
        return found

    def _resolved(self, name: str) -> tuple[Commune, ...]:
        readings = _readings(name)
        found = [c for reading in readings for c in self._now.get(reading.folded, ())]
        if found:
            named = [c for c in found if any(reading.names(c) for reading in readings)]
            return tuple(dict.fromkeys(named or found))
        return tuple(dict.fromkeys(c for reading in readings for c in self._then.get(reading.folded, ())))

    def marks(self, name: str) -> frozenset[str]:
        """The marks of a named commune; those of all that may be meant, so that no permit is forgotten; none where it is not listed."""
        return frozenset[str]().union(*(commune.marks for commune in self.resolve(name)))

    def search(self, words: str) -> tuple[Commune, ...]:
        """The communes in whose names or old names these words occur; accents, case and đ/d do not matter."""
        wanted = fold(words)
        return tuple(c for c in self.communes if any(wanted in fold(name) for name in (c.full, c.title.en, *c.old)))

    def choices(self) -> list[tuple[str, Text]]:
        """What an entry of a commune offers (a `<datalist>`): the value that is sent, and what it is called in both languages."""
        return [(commune.full, commune.title) for commune in self.communes]


def _of_profile(mark: MarkedCommune) -> Commune:
    """A commune that only the profile knows; found by its name without the kind as well."""
    reading, words = _readings(mark.name)[-1], mark.name.split()
    name = " ".join(words[-len(reading.folded.split()) :]) if reading.kind else mark.name
    return Commune("", "", name, reading.kind, source=mark.source, standing=mark.standing, old=(mark.name,))


def _with_marks(commune: Commune, mark: MarkedCommune) -> Commune:
    """A commune with what the profile says of it; an attribute that the list states is kept as it is."""
    known = {name: "yes" for name in ATTRIBUTES if name in mark.marks and getattr(commune, name) == "unknown"}
    return replace(commune, **known, more=commune.more | (mark.marks - set(ATTRIBUTES)), old=(*commune.old, *mark.old))


# --- the table ----------------------------------------------------------------------------------------------------


def rows_of(connection: Connection, province: str, *, ended: bool = False) -> list[dict[str, Any]]:
    """The rows of a province by name, with who entered and ended them; `ended` adds those that no longer stand."""
    rows = store.query(
        connection,
        "SELECT c.id, c.province, c.code, c.name, c.kind, c.border, c.sea, c.island, c.valid_from, c.valid_to, c.source, c.standing,"
        " c.entered_by, c.entered_at, c.ended_by, c.ended_at, u.name AS entered_name, e.name AS ended_name FROM communes c"
        " LEFT JOIN users u ON u.id = c.entered_by LEFT JOIN users e ON e.id = c.ended_by"
        " WHERE c.province = :province AND (:ended = 1 OR c.ended_at IS NULL)",
        province=province, ended=int(ended),
    )  # fmt: skip
    return sorted(rows, key=lambda row: (vi_sort_key(row["name"]), row["kind"], row["valid_from"], row["entered_at"]))


def in_force(connection: Connection, province: str) -> list[Commune]:
    """The communes that the table has of a province and that exist today."""
    today = clock.today().isoformat()
    rows = rows_of(connection, province)
    return [commune_of(row) for row in rows if row["valid_from"] <= today and (row["valid_to"] or today) >= today]


def commune_of(row: Mapping[str, Any]) -> Commune:
    """A row of the table or of a file."""
    return Commune(**{name: row[name] for name in COLUMNS})
