"""Vietnamese words compared: folded for search, spelled for "the same word", and in the order of a dictionary.

Kept in columns or worked out here, so that both databases agree and neither needs a collation of its own.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# The dictionary's letters, with the four that only foreign names have; tones ngang, huyền, hỏi, ngã, sắc, nặng.
_LETTERS = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_TONES = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}
_ORDER = {letter: index for index, letter in enumerate(_LETTERS)}
# What stands before what at one place of a word: nothing, a space, a sign, a figure, a letter, a letter of another script.
_SPACE, _SIGN, _FIGURE, _LETTER, _OTHER = range(5)

SortKey = tuple[tuple[tuple[int, int], ...], tuple[int, ...], str]


@lru_cache(maxsize=4096)  # the names of a case are folded at every act on it
def fold(text: str) -> str:
    """`Điện Biên Phủ` becomes `dien bien phu`: casefold, đ to d, accents dropped, spaces single."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


@lru_cache(maxsize=4096)
def spelling(text: str) -> str:
    """The words of a text with each tone behind its word: `Thuỷ` and `Thủy` are one word, `Hà` and `Hạ` are two."""
    words = []
    for word in unicodedata.normalize("NFC", text.casefold()).split():
        marks = [part for part in unicodedata.normalize("NFD", word) if part in _TONES]
        words.append("".join(_letter(char)[0] for char in word) + "".join(sorted(marks)))
    return " ".join(words)


@lru_cache(maxsize=4096)
def vi_sort_key(text: str) -> SortKey:
    """The order of a Vietnamese dictionary: letters first, then tones; the text itself where both are the same.

    A letter with a mark that Vietnamese does not have stands with its plain letter (`Åland` with `A`).
    """
    read = [_letter(char) for char in unicodedata.normalize("NFC", text.casefold())]
    return tuple(_place(base) for base, _ in read), tuple(tone for _, tone in read), text


def _letter(char: str) -> tuple[str, int]:
    """A letter without its tone, and the tone (0 for ngang)."""
    parts = unicodedata.normalize("NFD", char)
    tone = next((_TONES[part] for part in parts if part in _TONES), 0)
    return unicodedata.normalize("NFC", "".join(part for part in parts if part not in _TONES)), tone


def _place(base: str) -> tuple[int, int]:
    """Where a letter without tone stands among all signs."""
    if base not in _ORDER:
        base = unicodedata.normalize("NFD", base)[:1]
    if base in _ORDER:
        return _LETTER, _ORDER[base]
    if base.isspace():
        return _SPACE, 0
    rank = _FIGURE if base.isdigit() else _OTHER if base.isalpha() else _SIGN
    return rank, ord(base) if base else 0
