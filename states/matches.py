"""Whether two requests may be one, or be in each other's way: the same people on the same days, the same place or leader at once.

People and places stand here as marks: equal marks mean the same number, name or place. Nothing is weighed and nobody
is judged; what is found is told in words, and a person decides what it means.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from states.language import Text

# How sure it is that the same people are meant; an overlap says nothing of the people.
STRONG, WEAK, OVERLAP = "strong", "weak", "overlap"
IN_WORDS = 3
DAY_BEGINS, DAY_ENDS = "00:00", "24:00"


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a crew, by the marks of passport, press card and folded name; an empty mark is not known."""

    row: str
    passport: str = ""
    card: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Stay:
    """A place or a leader (`spot`) taken for a time: local `YYYY-MM-DDTHH:MM`, the end not included.

    `firm`: the time is settled and not one of several proposed. `label` is the place in its own words, where they are known.
    """

    row: str
    spot: str
    starts: str
    ends: str
    firm: bool = True
    label: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two requests that are compared; days may be unknown."""

    kind: str
    first_day: str
    last_day: str
    crew: tuple[Member, ...] = ()
    stays: tuple[Stay, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that two requests share. `keys` name it, so that a pair once settled stays so until there is a new one."""

    what: str
    keys: frozenset[str]
    text: Text


def compare(one: Side, other: Side) -> tuple[Fact, ...]:
    """What two requests share, the surest first; empty where they have nothing to do with each other."""
    days = common_days(one, other)
    return (*(_crew(one, other, days) if days else ()), *_at_once(one, other))


def strength_of(facts: Iterable[Fact], same_kind: bool) -> str:
    """How sure it is that two requests are one: by a paper's number in requests of one kind, or less."""
    found = {fact.what for fact in facts}
    if found & {"passport", "card"} and same_kind:
        return STRONG
    return WEAK if found & {"passport", "card", "name"} else OVERLAP


def common_days(one: Side, other: Side) -> tuple[str, str] | None:
    """First and last day that both have, both counted; None where there is none or a day is not known."""
    if not all((one.first_day, one.last_day, other.first_day, other.last_day)):
        return None
    first, last = max(one.first_day, other.first_day), min(one.last_day, other.last_day)
    return (first, last) if first <= last else None


def meet(one: Stay, other: Stay) -> tuple[str, str] | None:
    """The time that two stays share; one that begins when the other ends shares none with it."""
    starts, ends = max(one.starts, other.starts), min(one.ends, other.ends)
    return (starts, ends) if starts < ends else None


# --- people ----------------------------------------------------------------------------------------------------

_SAME = {
    "passport": Text("cùng hộ chiếu ({n} người)", "the same passport ({n} of the crew)"),
    "card": Text("cùng số thẻ ({n} người)", "the same press card ({n} of the crew)"),
    "name": Text("trùng tên khi bỏ dấu ({n} người), số giấy tờ khác hoặc chưa có", "the same name without accents ({n} of the crew), papers differ or are not known"),
}  # fmt: skip
_DAYS = Text("trùng ngày {days}", "common days {days}")


def _crew(one: Side, other: Side, days: tuple[str, str]) -> list[Fact]:
    """People on both sides: by passport, whoever is left by card, whoever is then left by name."""
    found, mine, theirs = [], list(one.crew), list(other.crew)
    for what, words in _SAME.items():
        marks = ({getattr(m, what) for m in mine} & {getattr(m, what) for m in theirs}) - {""}
        if marks:
            found.append(Fact(what, frozenset(marks), words.format(n=len(marks))))
            mine, theirs = ([m for m in side if getattr(m, what) not in marks] for side in (mine, theirs))
    if found:
        last = found[-1]
        found[-1] = Fact(last.what, last.keys, joined(last.text, _DAYS.format(days=span_of(*days))))
    return found


# --- places and leaders ----------------------------------------------------------------------------------------

_PLACE = Text("cùng nơi, trùng giờ: {where}", "one place at the same time: {where}")
_LEADER = {
    True: Text("cùng lãnh đạo, trùng giờ đã hẹn: {where}", "one leader at the same agreed time: {where}"),
    False: Text("cùng lãnh đạo, trùng giờ đề xuất: {where}", "one leader at overlapping proposed times: {where}"),
}
_UNTIMED = Text("chưa rõ giờ", "no time given")
_MORE = Text("và {n} lần khác", "and {n} more")


def _at_once(one: Side, other: Side) -> list[Fact]:
    """Stays of both at one spot at the same time; only requests of one kind take the same sort of spot."""
    if one.kind != other.kind:
        return []
    met = [(a, b, shared) for a in one.stays for b in other.stays if a.spot and a.spot == b.spot and (shared := meet(a, b))]
    if not met:
        return []
    met.sort(key=lambda item: (item[2], item[0].spot))
    keys = frozenset(f"{a.spot}@{shared[0][:10]}" for a, _, shared in met)
    told = list(dict.fromkeys(_where(a, shared) for a, _, shared in met))
    words = joined(*told[:IN_WORDS], *([_MORE.format(n=len(told) - IN_WORDS)] if len(told) > IN_WORDS else []), by="; ")
    firm = all(a.firm and b.firm for a, b, _ in met)
    text = _LEADER[firm] if one.kind == "interview" else _PLACE
    return [Fact("leader" if one.kind == "interview" else "place", keys, Text(text.vi.format(where=words.vi), text.en.format(where=words.en)))]


def _where(stay: Stay, shared: tuple[str, str]) -> Text:
    """When two stays meet, and where, if that has a name."""
    starts, ends = shared
    label, on = f"{stay.label}, " if stay.label else "", day_of(starts)
    if starts[11:] == DAY_BEGINS and ends[11:] == DAY_ENDS:
        return Text(f"{label}{on} ({_UNTIMED.vi})", f"{label}{on} ({_UNTIMED.en})")
    until = ends[11:] if ends[:10] == starts[:10] else f"{day_of(ends)} {ends[11:]}"
    return Text(*[f"{label}{on} {starts[11:]}–{until}"] * 2)


# --- words -----------------------------------------------------------------------------------------------------


def joined(*texts: Text, by: str = ", ") -> Text:
    """Texts in a row, in both languages."""
    return Text(by.join(text.vi for text in texts), by.join(text.en for text in texts))


def day_of(stamp: str) -> str:
    """dd/mm/yyyy of a stored day or local time."""
    return f"{stamp[8:10]}/{stamp[5:7]}/{stamp[:4]}"


def span_of(first: str, last: str) -> str:
    """Two days as people write them: 02–03/12/2026."""
    if first == last:
        return day_of(first)
    if first[:7] == last[:7]:
        return f"{first[8:10]}–{day_of(last)}"
    return f"{first[8:10]}/{first[5:7]}–{day_of(last)}" if first[:4] == last[:4] else f"{day_of(first)}–{day_of(last)}"
