"""Text folded for search: case, accents and đ do not matter. Kept in columns, so both databases agree."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_LETTERS = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_TONES = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}
_ORDER = {letter: index for index, letter in enumerate(_LETTERS)}


@lru_cache(maxsize=4096)  # the names of a case are folded at every act on it
def fold(text: str) -> str:
    """`Điện Biên Phủ` becomes `dien bien phu`: casefold, đ to d, accents dropped, spaces single."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def vi_sort_key(text: str) -> list[tuple[int, int]]:
    """The order of a Vietnamese dictionary: letters first, then tones."""
    key: list[tuple[int, int]] = []
    tones: list[tuple[int, int]] = []
    for char in text.casefold():
        parts = unicodedata.normalize("NFD", char)
        tone = next((_TONES[p] for p in parts if p in _TONES), 0)
        base = unicodedata.normalize("NFC", "".join(p for p in parts if p not in _TONES))
        key.append((_ORDER.get(base, ord(base[0]) + 100 if base else 0), 0))
        tones.append((0, tone))
    return key + tones
