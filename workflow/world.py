"""Countries and languages by code, in both languages, as the Unicode CLDR names them.

Babel carries the data and is read when somebody first asks, not when the service starts. A few names follow the usage of
the Ministry instead (`localities/national/world.toml`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

from states.language import Text
from workflow.fold import fold, vi_sort_key
from workflow.rules import FOLDER

# Two-letter codes of CLDR that name no territory: unions, parts of the world, test scripts, nowhere.
_NO_TERRITORY = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})


class Named(NamedTuple):
    """One choice of a list: its code and its name in both languages."""

    code: str
    vi: str
    en: str

    @property
    def text(self) -> Text:
        """The name."""
        return Text(self.vi, self.en)


def countries(lang: str = "vi") -> tuple[Named, ...]:
    """Every territory with an ISO 3166-1 alpha-2 code, and those in use that CLDR adds (Kosovo and a few islands), by name."""
    return _in_order("countries", lang)


def country(code: str) -> Text | None:
    """The name of a territory; None for no such code."""
    found = _countries().get(code)
    return found.text if found else None


def languages(lang: str = "vi") -> tuple[Named, ...]:
    """Every language of ISO 639-1, and those that are official somewhere, by name."""
    return _in_order("languages", lang)


def language(code: str) -> Text | None:
    """The name of a language; None for no such code."""
    found = _languages().get(code)
    return found.text if found else None


@cache
def _in_order(what: str, lang: str) -> tuple[Named, ...]:
    """A list by the names of one language: the order of a Vietnamese dictionary, or that of letters without marks."""
    found: Iterable[Named] = (_countries() if what == "countries" else _languages()).values()
    if lang == "en":
        return tuple(sorted(found, key=lambda item: (fold(item.en), item.code)))
    return tuple(sorted(found, key=lambda item: (vi_sort_key(item.vi), item.code)))


@cache
def _countries() -> Mapping[str, Named]:
    vi, en = _names("territories")
    codes = (code for code in en if len(code) == 2 and code.isalpha() and code not in _NO_TERRITORY and code in vi)
    return _named(codes, vi, en, "countries")


@cache
def _languages() -> Mapping[str, Named]:
    from babel.core import get_global

    vi, en = _names("languages")
    official = {code for spoken in get_global("territory_languages").values() for code, said in spoken.items() if said.get("official_status")}
    codes = (code for code in en if code.isalpha() and code in vi and (len(code) == 2 or code in official))
    return _named(codes, vi, en, "languages")


def _names(part: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    from babel import Locale  # large; whoever names no country does without it

    return getattr(Locale("vi"), part), getattr(Locale("en"), part)


def _named(codes: Iterable[str], vi: Mapping[str, str], en: Mapping[str, str], part: str) -> dict[str, Named]:
    own: Mapping[str, Mapping[str, str]] = tomllib.loads((FOLDER / "world.toml").read_text("utf-8")).get(part, {})
    return {code: Named(code, own.get(code, {}).get("vi", vi[code]), own.get(code, {}).get("en", en[code])) for code in codes}
