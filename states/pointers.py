"""What a pointer names in a dossier: whether it points at anything, what it is called, and everything it could point at.

A pointer is a JSON Pointer into `fields` (`/purpose`, `/crew`, `/crew/<row>`, `/crew/<row>/passport_no`) or `paper:<name>`.
Rows are named by their `row` id; a number counts as the place of a row, as in RFC 6901.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from states.language import AnyField, Field, Group, Paper, Rows, Text, local_day

PAPER = "paper:"
_WORDS_KEPT = 60


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that can be pointed at, with the words for it. `key` is the pointer without its row (`crew.passport_no`)."""

    pointer: str
    label: Text
    key: str


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """The targets that belong together on a form: a part of the dossier, one row of a list, the papers."""

    label: Text
    targets: tuple[Target, ...]


def parts_of(pointer: str) -> list[str]:
    """The steps of a pointer into a dossier."""
    return pointer[1:].split("/")


def row_at(rows: Iterable[Any], name: str) -> Mapping[str, Any] | None:
    """The row of that id, else the one at that place."""
    listed = [row for row in rows if isinstance(row, Mapping)]
    named = next((row for row in listed if row.get("row") == name), None)
    if named is not None:
        return named
    return listed[int(name)] if name.isascii() and name.isdigit() and int(name) < len(listed) else None


def declared_at(declared: Iterable[AnyField], pointer: str) -> AnyField | None:
    """The declaration that a pointer leads to: for a row that of its list. None where it leads nowhere."""
    items, found, at_row = tuple(declared), None, False
    for part in parts_of(pointer):
        if at_row:
            at_row = False
            continue
        found = next((item for item in items if item.name == part), None)
        if found is None:
            return None
        items = () if isinstance(found, Field) else tuple(found.fields)
        at_row = isinstance(found, Rows)
    return found


def exists(declared: Iterable[AnyField], papers: Iterable[Paper], fields: Mapping[str, Any], pointer: str) -> bool:
    """Whether a pointer names something of this dossier: a declared field, even an empty one, a row that is there, a paper of the applicant's."""
    if pointer.startswith(PAPER):
        return any(paper.name == pointer.removeprefix(PAPER) and not paper.office for paper in papers)
    if not pointer.startswith("/"):
        return False
    items, value = tuple(declared), fields
    steps = iter(parts_of(pointer))
    for part in steps:
        item = next((x for x in items if x.name == part), None)
        if item is None:
            return False
        items = () if isinstance(item, Field) else tuple(item.fields)
        value = (value or {}).get(part)  # type: ignore[assignment]
        if isinstance(item, Rows):
            name = next(steps, None)
            if name is None:
                return True
            value = row_at(value or (), name)  # type: ignore[assignment]
            if value is None:
                return False
    return True


def key_of(declared: Iterable[AnyField], pointer: str) -> str:
    """A pointer without the rows it goes through: `crew.passport_no`, `crew` for the list and for each of its rows."""
    if pointer.startswith(PAPER):
        return pointer
    kept, items = [], tuple(declared)
    steps = iter(parts_of(pointer))
    for part in steps:
        kept.append(part)
        item = next((x for x in items if x.name == part), None)
        items = () if item is None or isinstance(item, Field) else tuple(item.fields)
        if isinstance(item, Rows):
            next(steps, None)
    return ".".join(kept)


# --- words -------------------------------------------------------------------------------------------------------


def _day(value: Any) -> str:
    found = local_day(value)
    return f"{found:%d/%m/%Y}" if found else str(value)


def row_words(row: Mapping[str, Any]) -> str:
    """A row in a few words: a person's name, day and place, what a thing is, the beginning of a question; empty for an empty row."""
    if row.get("on") or row.get("place"):
        when = " ".join(part for part in (_day(row["on"]) if row.get("on") else "", str(row.get("from") or "")) if part)
        said = " · ".join(part for part in (when, str(row.get("place") or row.get("commune") or "")) if part)
    elif row.get("type"):
        said = " ".join(str(row[name]) for name in ("type", "maker", "model") if row.get(name))
    else:
        said = str(row.get("name") or row.get("text") or (_day(row["from"]) if row.get("from") else ""))
    return said if len(said) <= _WORDS_KEPT else f"{said[: _WORDS_KEPT - 1]}…"


def _of_row(item: Rows, rows: Iterable[Any], row: Mapping[str, Any]) -> Text:
    one = item.one or item.label
    number = next((str(at) for at, other in enumerate(rows, 1) if other is row), "")
    said = row_words(row)
    tail = f" {number}" if number else ""
    return Text(f"{one.vi}{tail}: {said}", f"{one.en}{tail}: {said}") if said else Text(f"{one.vi}{tail}", f"{one.en}{tail}")


def _joined(labels: Iterable[Text]) -> Text:
    listed = list(labels)
    return Text(" – ".join(text.vi for text in listed), " – ".join(text.en for text in listed))


def words(declared: Iterable[AnyField], papers: Iterable[Paper], fields: Mapping[str, Any], pointer: str) -> Text:
    """What a pointer names, in words: `Thành viên 1: AINO ESIMERKKI – Số hộ chiếu`. A pointer to nothing is given back as it is."""
    if pointer.startswith(PAPER):
        found = next((paper.label for paper in papers if paper.name == pointer.removeprefix(PAPER)), None)
        return Text(f"Giấy tờ: {found.vi}", f"Paper: {found.en}") if found else Text(pointer, pointer)
    labels: list[Text] = []
    items, value = tuple(declared), fields
    steps = iter(parts_of(pointer))
    for part in steps:
        item = next((x for x in items if x.name == part), None)
        if item is None:
            return Text(pointer, pointer)
        items = () if isinstance(item, Field) else tuple(item.fields)
        value = (value or {}).get(part)  # type: ignore[assignment]
        name = next(steps, None) if isinstance(item, Rows) else None
        if isinstance(item, Rows) and name is not None:
            row = row_at(value or (), name)
            labels.append(_of_row(item, value or (), row) if row is not None else item.one or item.label)
            value = row  # type: ignore[assignment]
        else:
            labels.append(item.label)
    return _joined(labels)


# --- everything that can be pointed at ---------------------------------------------------------------------------

_PLAIN = Text("Nội dung chung", "General")
_WHOLE = Text("Cả danh sách (mở để thêm, bớt dòng)", "The whole list (opens it to add or remove rows)")
_ROW = Text("Cả dòng", "The whole row")
_ALL = Text("Cả mục", "The whole part")
_PAPERS = Text("Giấy tờ", "Papers")


def targets(declared: Iterable[AnyField], papers: Iterable[Paper], fields: Mapping[str, Any]) -> tuple[TargetGroup, ...]:
    """Everything of a dossier that can be asked for, in groups to read: plain fields, parts, each row of each list, papers."""
    items = tuple(declared)
    plain = tuple(Target(f"/{item.name}", item.label, item.name) for item in items if isinstance(item, Field))
    found = [TargetGroup(_PLAIN, plain)] if plain else []
    for item in items:
        if isinstance(item, Group):
            inner = (Target(f"/{item.name}/{part.name}", part.label, f"{item.name}.{part.name}") for part in item.fields)
            found.append(TargetGroup(item.label, (Target(f"/{item.name}", _ALL, item.name), *inner)))
        elif isinstance(item, Rows):
            found.append(TargetGroup(item.label, (Target(f"/{item.name}", _WHOLE, item.name),)))
            found += _row_groups(item, fields.get(item.name) or ())
    return (*found, TargetGroup(_PAPERS, tuple(Target(f"{PAPER}{p.name}", p.label, f"{PAPER}{p.name}") for p in papers if not p.office)))


def _row_groups(item: Rows, rows: Iterable[Any]) -> Iterator[TargetGroup]:
    listed = list(rows)
    for row in listed:
        here = f"/{item.name}/{row.get('row')}"
        cells = (Target(f"{here}/{part.name}", part.label, f"{item.name}.{part.name}") for part in item.fields)
        yield TargetGroup(_of_row(item, listed, row), (Target(here, _ROW, item.name), *cells))
