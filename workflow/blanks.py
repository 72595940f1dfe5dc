"""Typed words without the people in them: what a letter says, made fit for a page that names nobody."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from states import Flow
from states.language import Field, Group, Rows
from workflow.fold import fold

BLANK = "…"
# Parts of a dossier that say who somebody is; what is typed there stands on no public page.
PRIVATE = frozenset({"outlet", "signer", "contact", "licence", "leader", "crew"})
_TYPED = frozenset({"text", "longtext", "phone", "email"})
_SHORTEST, _SHORTEST_PART = 3, 4
_ADDRESS = re.compile(r"[^\s@<>(),;]+@[^\s@<>(),;]+|\+?\d(?:[ .()-]?\d){8,}")


def private_words(flow: Flow, fields: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """What a dossier says of people: each typed value, and whether it is a person's name, whose parts give them away too."""
    for item in flow.fields:
        value = fields.get(item.name)
        rows = value if isinstance(value, list) else [value]
        if isinstance(item, Field):
            if item.personal and value:
                yield str(value), item.personal == "name"
            continue
        for row in rows:
            if isinstance(row, Mapping):
                yield from _of_row(item, row)


def _of_row(item: Group | Rows, row: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    for part in item.fields:
        if isinstance(part, Field) and row.get(part.name) and (part.personal or (item.name in PRIVATE and part.type in _TYPED)):
            yield str(row[part.name]), part.name == "name" and item.name != "outlet"


def blanked(text: str, words: Iterable[tuple[str, bool]]) -> str:
    """The text with these words, addresses and long numbers left blank; case and accents make no difference."""
    text = _ADDRESS.sub(BLANK, unicodedata.normalize("NFC", text))
    for word, is_name in sorted(set(words), key=lambda item: -len(item[0])):
        text = _without(text, fold(word), any_case=True)
        for part in fold(word).split() if is_name else ():
            if len(part) >= _SHORTEST_PART:
                text = _without(text, part, any_case=False)
    return text


def _without(text: str, word: str, *, any_case: bool) -> str:
    if len(word) < _SHORTEST:
        return text
    folded, at = _folded(text)
    pattern = r"(?<!\w)" + r"\s+".join(re.escape(part) for part in word.split()) + r"(?!\w)"
    for found in reversed(list(re.finditer(pattern, folded))):
        first, last = at[found.start()], at[found.end() - 1]
        if any_case or text[first].isupper():
            text = text[:first] + BLANK + text[last + 1 :]
    return text


def _folded(text: str) -> tuple[str, list[int]]:
    """The folded text, letter by letter, and where each letter of it stood."""
    letters, at = [], []
    for index, char in enumerate(text):
        for letter in " " if char.isspace() else fold(char):
            letters.append(letter)
            at.append(index)
    return "".join(letters), at
