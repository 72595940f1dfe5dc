"""The words in which a request kind is written: texts, fields, papers, states, steps, needs, effects.

Everything here is frozen data. A kind file builds one `Flow` from these words; pages, the REST API,
drawings, rules tables and the engine read the same objects, so that none can disagree with another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

OFFICE_TIME = timezone(timedelta(hours=7))  # the whole country keeps one time without summer time
PHASES = ("requested", "review", "approved", "accompanied", "reported")

# What a field or an input may hold. The borders (API, forms, files) derive their checks from these words.
TYPES = frozenset(
    {
        "text", "longtext", "date", "time", "moment", "integer", "bool", "choice", "choices",
        "country", "language", "email", "phone", "user", "agency", "agencies", "pointer", "pointers",
        "paper", "basis", "signer", "answer",
    }
)  # fmt: skip


# Classes of personal data: whose names they are, numbers of identity papers, how somebody is reached.
PERSONAL = frozenset({"name", "identity", "contact", "emergency", "health", "bundle"})


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence or label in both languages of the office."""

    vi: str
    en: str

    def format(self, **values: object) -> Text:
        """Fill named blanks in both languages."""
        return Text(self.vi.format(**values), self.en.format(**values))

    def as_dict(self) -> dict[str, str]:
        """The wire shape of every label: {vi, en}."""
        return {"vi": self.vi, "en": self.en}


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a closed list."""

    code: str
    label: Text


def choices(*pairs: tuple[str, str, str]) -> tuple[Choice, ...]:
    """A closed list out of (code, vi, en)."""
    return tuple(Choice(code, Text(vi, en)) for code, vi, en in pairs)


@dataclass(frozen=True, slots=True)
class When:
    """A field is asked only where another, of the same row or of the whole dossier, holds one of these values."""

    name: str
    values: tuple[Any, ...]

    def holds(self, *scopes: Mapping[str, Any]) -> bool:
        """Whether it is so; the scopes from the nearest to the whole dossier."""
        found = next((scope[self.name] for scope in scopes if self.name in scope), None)
        return bool(set(self.values) & set(found)) if isinstance(found, list | tuple) else found in self.values


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a dossier or of an action's input.

    `flag` says how strongly it is asked: `legal` (the law names it; only these may block sending),
    `needed` (needed to decide; may be asked for once) or `optional`. Basis: Nghị định 63/2010 art. 18(6).
    `personal` names the class of what identifies a person (`PERSONAL`): such a value is stored sealed, and who reads it
    in full is said by its class. Basis: Luật 91/2025/QH15. `when` says where it is asked at all; `suggest` names a list
    of the office that a form offers beside typing freely.
    """

    name: str
    type: str
    label: Text
    flag: str = "optional"
    required: bool = False
    help: Text | None = None
    choices: tuple[Choice, ...] = ()
    min_length: int = 0
    max_length: int = 4000
    minimum: int | None = None
    maximum: int | None = None
    personal: str = ""
    when: When | None = None
    suggest: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Several fields under one name, an object on the wire."""

    name: str
    label: Text
    fields: tuple[Field, ...]
    flag: str = "optional"
    required: bool = False
    help: Text | None = None
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of like rows, each with a stable `row` id given by the server."""

    name: str
    label: Text
    fields: tuple[Field | Rows, ...]
    flag: str = "optional"
    required: bool = False
    minimum: int = 0
    maximum: int = 100
    help: Text | None = None
    one: Text | None = None
    ids: bool = True
    when: When | None = None


AnyField = Field | Group | Rows


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen of the form: the fields that are filled in together."""

    name: str
    label: Text
    fields: tuple[str, ...] = ()
    help: Text | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """A file that belongs to a dossier. `office` papers are scans kept by the desk, not by the applicant."""

    name: str
    label: Text
    flag: str = "optional"
    sensitive: bool = False
    office: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """A named condition of a case. `waits_for` names the roles that hold it; ends and resting states none."""

    name: str
    label: Text
    phase: str | None = None
    waits_for: tuple[str, ...] = ()
    waits_note: Text | None = None
    outward: str | None = None
    deadline: str | None = None
    end: bool = False
    resting: bool = False
    ended_by_refusal: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an action is closed: a public code, a sentence, what lifts it, and which roles could."""

    code: str
    message: Text
    lifted_by: Text | None = None
    who: tuple[str, ...] = ()
    quiet: bool = False


class Refused(Exception):
    """An action may not be taken now; carries every unmet condition at once."""

    def __init__(self, reasons: Iterable[Refusal]):
        self.reasons = tuple(reasons)
        super().__init__(", ".join(reason.code for reason in self.reasons))


class FlowError(Exception):
    """A kind is badly written; raised when it is built, with a sentence that says what to mend."""


@dataclass(frozen=True, slots=True)
class Act:
    """One earlier act on the case, as far as the rules look back."""

    by: frozenset[str]
    at: datetime
    round: int
    given: Mapping[str, Any]
    count: int = 1
    role: str = ""


@dataclass(frozen=True, slots=True)
class Child:
    """A child case (consultation, letter …) as its parent's rules see it."""

    id: str
    kind: str
    state: str
    head_hash: str
    is_open: bool
    fields: Mapping[str, Any]
    given: Mapping[str, Any]


@dataclass(slots=True)
class Facts:
    """One case, one person, one moment: all that a rule may look at, and nothing that it may change.

    Moments are aware UTC datetimes, `today` the office's local date; persons are user ids (a delegate and
    the principal together stand in `persons`); `given` is the validated input, empty where only the
    possibility is asked. `settings` holds the values of the locality profile and the rule table.
    """

    kind: str
    state: str
    now: datetime
    today: date
    round: int = 1
    persons: frozenset[str] = frozenset()
    role: str = ""
    roles: frozenset[str] = frozenset()
    fields: Mapping[str, Any] = field(default_factory=dict)
    papers: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    acts: Mapping[str, Act] = field(default_factory=dict)
    duties: Mapping[str, frozenset[str]] = field(default_factory=dict)
    children: Sequence[Child] = ()
    parent: Mapping[str, Any] = field(default_factory=dict)
    memory: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    authority: str = "decide"
    urgent: bool = False
    keyed_in: bool = False
    due_at: datetime | None = None
    extended: bool = False
    answered: bool = False
    conflicted: frozenset[str] = frozenset()
    decision_hash: str = ""
    target: str = ""
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Need:
    """A named condition of a step.

    `test` answers True when it is met. `lifted_by` names the actions or events that can lift it; a `fixed`
    need cannot be lifted and names in `instead` the action to take. `of_input` needs judge what was sent
    and are not asked when only the possibility of the step is shown. A `quiet` need speaks of what kind of case
    this is, not of how far it has come: the API tells it, a page does not list the action as "not yet".
    """

    code: str
    text: Text
    test: Callable[[Facts], bool]
    lifted_by: tuple[str, ...] = ()
    lift: Text | None = None
    instead: str | None = None
    who: tuple[str, ...] = ()
    of_input: bool = False
    detail: Callable[[Facts], Text | None] | None = None
    quiet: bool = False

    @property
    def fixed(self) -> bool:
        """A fixed need cannot be lifted, only gone round by another action."""
        return self.instead is not None

    def refusal(self, facts: Facts) -> Refusal:
        """The refusal this need gives on these facts."""
        text = (self.detail(facts) if self.detail else None) or self.text
        return Refusal(self.code, text, self.lift, self.who, self.quiet)


@dataclass(frozen=True, slots=True)
class Effect:
    """What follows a step: `letter:…`, `mail:…`, `open:…`, `clock:…`, `cancel:…`. A word, never a call."""

    kind: str
    name: str
    sealed: bool = False
    when: Callable[[Facts], bool] | None = None

    @property
    def word(self) -> str:
        """The effect as written in the rules table."""
        return f"{self.kind}:{self.name}"


def letter(name: str, *, sealed: bool = False, when: Callable[[Facts], bool] | None = None) -> Effect:
    """A letter to be opened by the worker; `sealed` where the deciding act itself signs it."""
    return Effect("letter", name, sealed, when)


def mail(name: str, *, when: Callable[[Facts], bool] | None = None) -> Effect:
    """A notice to whoever holds that role on the case when it is sent."""
    return Effect("mail", name, when=when)


def opens(name: str) -> Effect:
    """A child case opened in the same transaction."""
    return Effect("open", name)


def clock(name: str, *, when: Callable[[Facts], bool] | None = None) -> Effect:
    """A change of the case's clocks in the same transaction."""
    return Effect("clock", name, when=when)


def cancel(name: str) -> Effect:
    """Open children of that kind are ended by the worker, as the clock."""
    return Effect("cancel", name)


@dataclass(frozen=True, slots=True)
class Step:
    """One arrow: from one state, one action, one destination, the roles that may take it.

    `keep` is a pure function that says what the case remembers beyond the last act of each name;
    `weight` orders the buttons (the smallest that is `forward` is the main one); `decides` marks the final decision
    of a round, of which the database holds at most one. `hints` never close a step: unmet, they say what its usual
    use still lacks, and keep it from being the main button.
    """

    action: str
    source: str
    target: str
    by: tuple[str, ...]
    label: Text
    inputs: tuple[AnyField, ...] = ()
    needs: tuple[Need, ...] = ()
    then: tuple[Effect, ...] = ()
    new_round: bool = False
    decides: bool = False
    append_only: bool = False
    danger: bool = False
    weight: int = 50
    hints: tuple[Need, ...] = ()
    keep: Callable[[Facts], Mapping[str, Any]] | None = None

    @property
    def forward(self) -> bool:
        """Whether it may stand as the main button: it takes the case on, and nothing is lost by it."""
        return self.weight < 50 and not self.danger


def steps(action: str, sources: Iterable[str], target: str, by: Iterable[str], label: Text, **rest: Any) -> tuple[Step, ...]:
    """The same action from several states; a target of `"="` leads back to the state it left."""
    roles = tuple(by)
    return tuple(Step(action, source, source if target == "=" else target, roles, label, **rest) for source in sources)


def value_at(fields: Mapping[str, Any], pointer: str) -> Any:
    """The value a JSON Pointer names in a dossier, or None. A row may be named by its `row` id."""
    value: Any = fields
    for part in pointer.strip("/").split("/"):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list | tuple):
            named = [row for row in value if isinstance(row, Mapping) and row.get("row") == part]
            if named:
                value = named[0]
            elif part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            else:
                return None
        else:
            return None
    return value


def blank(value: Any) -> bool:
    """Nothing was written: None, empty text, an empty list or object; False and 0 are answers."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, Mapping):
        return all(blank(item) for key, item in value.items() if key != "row")
    return value is None or value == []


def missing(declared: Iterable[AnyField], values: Mapping[str, Any], flag: str = "legal") -> list[tuple[str, Text]]:
    """The fields of that flag that hold nothing though they are asked, as (JSON Pointer, label), rows and groups included."""
    return _missing(declared, values, flag, "", (values,))


def _missing(declared: Iterable[AnyField], values: Mapping[str, Any], flag: str, at: str, scopes: tuple[Mapping[str, Any], ...]) -> list[tuple[str, Text]]:
    found: list[tuple[str, Text]] = []
    for item in declared:
        pointer, value = f"{at}/{item.name}", values.get(item.name)
        if item.when is not None and not item.when.holds(*scopes):
            continue
        if isinstance(item, Field):
            if item.flag == flag and blank(value):
                found.append((pointer, item.label))
        elif isinstance(item, Group):
            found += _missing(item.fields, value or {}, flag, pointer, (value or {}, *scopes))
        else:
            rows = value or []
            if item.flag == flag and len(rows) < max(1, item.minimum):
                found.append((pointer, item.label))
            for row in rows:
                found += _missing(item.fields, row, flag, f"{pointer}/{row.get('row', '')}", (row, *scopes))
    return found


def moment(value: Any) -> datetime | None:
    """A moment out of an input or a remembered act: an aware datetime, or its RFC 3339 text; else None."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and len(value) > 10:
        try:
            read = datetime.fromisoformat(value)
        except ValueError:
            return None
        return read if read.tzinfo else None
    return None


def local_day(value: Any) -> date | None:
    """The day of a date, or of a moment as the office's calendar has it: 06:30 in Hà Nội is still the day before elsewhere. None for anything else."""
    at = moment(value)
    if at is not None:
        return at.astimezone(OFFICE_TIME).date()
    try:
        return date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        return None
