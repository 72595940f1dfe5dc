"""Versions of a dossier: content hash, decision hash, which fields are open, what of it is searchable."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from states import Child, Flow
from states import roles as R
from states.language import AnyField, Field, Group, blank, local_day, value_at
from states.needs import asked_items
from states.pointers import declared_at
from states.shared import mark_of
from workflow import clock
from workflow.crypto import Keyring, row_place
from workflow.fold import fold

IDENTITY = ("passport_no", "card_no", "visa_no")
RETURNED = ("supplement_required", "clarification_required")


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value, in hex."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def content_hash(fields: Mapping[str, Any], papers: Mapping[str, Any]) -> str:
    """The hash of a round's snapshot: its fields and the hashes of its papers."""
    return digest({"fields": fields, "papers": {name: paper["hash"] for name, paper in papers.items()}})


def decision_hash(content: str, proposal_hash: str, children: Iterable[Child]) -> str:
    """What a decider has seen: content, the round's last proposal, every consultation that is not cancelled."""
    asked = sorted([c.id, c.head_hash] for c in children if c.kind == "consultation" and c.state != "cancelled")
    return digest([content, proposal_hash, asked])


def open_targets(flow: Flow, state: str, facts: Any) -> frozenset[str] | None:
    """What the applicant may change now: None for everything (a draft), else the pointers asked for."""
    if state == flow.start and flow.openers and state == "draft":
        return None
    if state in RETURNED:
        return frozenset(item["target"] for item in asked_items(facts))
    return frozenset()


def locked(targets: frozenset[str] | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Top-level fields that differ although no open pointer covers what changed in them."""
    if targets is None:
        return []
    closed = []
    for name in {*before, *after}:
        if before.get(name) == after.get(name) or f"/{name}" in targets:
            continue
        inner = [t.strip("/").split("/") for t in targets if t.startswith(f"/{name}/")]
        if not inner or _strip(before.get(name), inner) != _strip(after.get(name), inner):
            closed.append(name)
    return sorted(closed)


def _strip(value: Any, paths: list[list[str]]) -> Any:
    """The value without what the open paths name, to compare the rest."""
    out = orjson.loads(orjson.dumps(value)) if value is not None else {}
    for path in paths:
        holder: Any = out
        for part in path[1:-1]:
            holder = value_at({"x": holder}, f"x/{part}")
        last = path[-1]
        if isinstance(holder, dict):
            holder.pop(last, None)
        elif isinstance(holder, list):
            for index, row in enumerate(holder):
                if isinstance(row, dict) and (row.get("row") == last or str(index) == last):
                    holder[index] = None
    return out


def unanswered(facts: Any) -> list[str]:
    """Items asked for whose target still looks as it did when it was asked."""
    asked = facts.memory.get("asked") or {}
    return [target for target, mark in asked.items() if mark_of(target, facts) == mark]


# Who reads what of a person in full (permission matrix, rows *identity papers*, *health note*; personal data, section 7).
# Names are read by whoever reads the dossier.
READERS: Mapping[str, frozenset[str]] = {
    "identity": frozenset({R.APPLICANT, R.INTAKE, R.OFFICER, R.DIRECTOR}),
    "contact": frozenset({R.APPLICANT, R.INTAKE, R.OFFICER, R.HEAD, R.DIRECTOR, R.GUIDE}),
    "emergency": frozenset({R.APPLICANT, R.OFFICER, R.GUIDE}),
    "health": frozenset({R.APPLICANT, R.OFFICER, R.GUIDE}),
}


def masked(declared: Iterable[AnyField], fields: Mapping[str, Any], held: frozenset[str] = frozenset(), *, identity: bool = False) -> dict[str, Any]:
    """The dossier as somebody with these roles reads it: the rest of what identifies a person is shortened.

    `identity` is for the bodies that read the numbers of identity papers of what they are asked about.
    """
    hidden = {name for name, readers in READERS.items() if not held & readers} - ({"identity"} if identity else set())
    return _masked(declared, fields, hidden) if hidden else dict(fields)


def masked_bundle(declared: Iterable[AnyField], shown: Mapping[str, Any], held: frozenset[str]) -> dict[str, Any]:
    """The part of a dossier that a consulted body was shown, as somebody else with these roles reads it.

    A bundle names whole entries (`crew`) and places inside them (`crew/<row>/passport_no`, `crew/<row>`).
    """
    hidden, fields = {name for name, readers in READERS.items() if not held & readers}, tuple(declared)
    out: dict[str, Any] = {}
    for name, value in shown.items():
        item = declared_at(fields, f"/{name}")
        if isinstance(item, Field):
            out[name] = shortened(value) if item.personal in hidden and not blank(value) else value
        elif item is None:
            out[name] = value
        else:
            out[name] = [_masked(item.fields, row, hidden) for row in value] if isinstance(value, list) else _masked(item.fields, value, hidden)
    return out


def _masked(declared: Iterable[AnyField], values: Mapping[str, Any], hidden: set[str]) -> dict[str, Any]:
    out = dict(values)
    for item in declared:
        value: Any = out.get(item.name)
        if blank(value):
            continue
        if isinstance(item, Field):
            if item.personal in hidden:
                out[item.name] = shortened(value)
        elif isinstance(item, Group):
            out[item.name] = _masked(item.fields, value, hidden)
        else:
            out[item.name] = [_masked(item.fields, row, hidden) for row in value]
    return out


def shortened(value: Any) -> str:
    """What is left of a number for those who may not read it: its last three characters, of a long one."""
    text = str(value)
    return f"…{text[-3:]}" if len(text) > 5 else "…"


def bundle(declared: Iterable[AnyField], fields: Mapping[str, Any], pointers: Iterable[str], *, identity: bool = False) -> dict[str, Any]:
    """The part of a dossier that a consulted agency is shown; by default the programme, and who comes.

    `identity` is for the bodies that read the numbers of identity papers (permission matrix, row *identity papers*):
    by default they get the whole crew. All others get the numbers shortened, and by default none.
    """
    fields = masked(declared, fields, identity=identity)
    chosen = list(pointers) or ["/title", "/purpose", "/content", "/first_day", "/last_day", "/itinerary", "/questions", "/outlet", "/leader"]
    shown: dict[str, Any] = {}
    for pointer in chosen:
        value = value_at(fields, pointer)
        if value is not None:
            shown[pointer.strip("/").split("/")[0] if pointer.count("/") == 1 else pointer.strip("/")] = value
    if not list(pointers):
        shown["crew"] = (
            fields.get("crew") or []
            if identity
            else [{"name": row.get("name", ""), "role": row.get("role", ""), "nationality": row.get("nationality", "")} for row in fields.get("crew") or ()]
        )
    return shown


def sealed(declared: Iterable[AnyField], values: Mapping[str, Any], keys: Keyring, place: str) -> dict[str, Any]:
    """The dossier as it is stored: every personal value sealed to its place, a row's by the id of the row."""
    out = dict(values)
    for item in declared:
        value, where = out.get(item.name), f"{place}/{item.name}"
        if value is None:
            continue
        if isinstance(item, Field):
            if item.personal and value != "":
                out[item.name] = keys.seal(value, where)
        elif isinstance(item, Group):
            out[item.name] = sealed(item.fields, value, keys, where)
        else:
            out[item.name] = [sealed(item.fields, row, keys, row_place(where, index, row)) for index, row in enumerate(value)]
    return out


def stored(declared: Iterable[AnyField], values: Mapping[str, Any], keys: Keyring, case_id: str) -> str:
    """The JSON text of a dossier as its row keeps it."""
    return orjson.dumps(sealed(declared, values, keys, case_id)).decode()


def summary(kind: str, fields: Mapping[str, Any], keys: Keyring) -> dict[str, Any]:
    """The columns of a case that lists show and search, out of its dossier.

    Names of people and the ends of their papers' numbers are found by keyed marks; they do not stand there to be read.
    """
    outlet = fields.get("outlet") or {}
    leader = fields.get("leader") or {}
    title = fields.get("title") or (f"{leader.get('position', '')} {leader.get('name', '')}".strip()) or fields.get("subject") or ""
    first, last = days_of(fields)
    words = [
        title, outlet.get("name", ""), fields.get("purpose", ""), leader.get("name", ""),
        *(f"{row.get('commune', '')} {row.get('place', '')}" for row in fields.get("itinerary") or ()),
    ]  # fmt: skip
    return {
        "title": str(title)[:300],
        "outlet": str(outlet.get("name", ""))[:300],
        "country": outlet.get("country"),
        "category": fields.get("category"),
        "first_day": first,
        "last_day": last,
        "search_text": " ".join([fold(" ".join(str(word) for word in words if word))[:8000], *sorted(_marks(fields, keys))]),
    }


ENDS = 4  # figures or letters at the end of a paper's number by which it is asked for on the telephone


def _marks(fields: Mapping[str, Any], keys: Keyring) -> set[str]:
    """By what people of a dossier are found: the words of their names, the numbers of their papers and the ends of these."""
    people = [*(fields.get("crew") or ()), fields.get("contact") or {}]
    found = {mark for person in people for mark in keys.marks_of(fold(str(person.get("name") or "")))}
    for person in people:
        for name in IDENTITY:
            number = number_of(person.get(name))
            found |= {keys.asked(number), keys.asked(number[-ENDS:])} if number else set()
    return found


def number_of(value: Any) -> str:
    """A paper's number as it is compared: folded, letters and figures alone."""
    return "".join(c for c in fold(str(value or "")) if c.isalnum())


def days_of(fields: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """First and last day of a programme, or of the times proposed for an interview (ISO dates)."""
    slots = sorted(day for slot in fields.get("slots") or () if (day := local_day(slot.get("from"))))
    first, last = (slots[0].isoformat(), slots[-1].isoformat()) if slots else (None, None)
    return fields.get("first_day") or first, fields.get("last_day") or last


def urgency(fields: Mapping[str, Any], due: str | None) -> dict[str, str] | None:
    """Whether the first activity comes before the date of reply (a stored moment): both days, or None.

    Set by rule, with its reason; shorter internal targets, never a ground (domain, section 4.2).
    """
    first, _ = days_of(fields)
    if not first or not due:
        return None
    day = clock.local(clock.moment(due)).date().isoformat()
    return {"first_day": str(first), "due": day} if str(first) <= day else None
