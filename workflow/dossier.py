"""Versions of a dossier: content hash, decision hash, which fields are open, what of it is searchable."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from states import Child, Flow
from states.language import AnyField, Field, Group, value_at
from states.needs import asked_items
from states.shared import mark_of
from workflow import clock
from workflow.crypto import Keyring, row_place
from workflow.fold import fold

IDENTITY = ("passport_no", "card_no")
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


def masked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The dossier with the numbers of identity papers shortened to their last three characters."""
    out = dict(fields)
    if isinstance(out.get("crew"), list):
        out["crew"] = [{k: (f"…{str(v)[-3:]}" if k in IDENTITY and v else v) for k, v in row.items()} for row in out["crew"]]
    return out


def bundle(fields: Mapping[str, Any], pointers: Iterable[str], *, identity: bool = False) -> dict[str, Any]:
    """The part of a dossier that a consulted agency is shown; by default the programme, and who comes.

    `identity` is for the bodies that read the numbers of identity papers (permission matrix, row *identity papers*);
    all others get them shortened.
    """
    fields = fields if identity else masked(fields)
    chosen = list(pointers) or ["/title", "/purpose", "/content", "/first_day", "/last_day", "/itinerary", "/questions", "/outlet", "/leader"]
    shown: dict[str, Any] = {}
    for pointer in chosen:
        value = value_at(fields, pointer)
        if value is not None:
            shown[pointer.strip("/").split("/")[0] if pointer.count("/") == 1 else pointer.strip("/")] = value
    if not list(pointers):
        shown["crew"] = [
            {"name": row.get("name", ""), "role": row.get("role", ""), "nationality": row.get("nationality", "")} for row in fields.get("crew") or ()
        ]
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


def summary(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a case that lists show and search, out of its dossier."""
    outlet = fields.get("outlet") or {}
    leader = fields.get("leader") or {}
    title = fields.get("title") or (f"{leader.get('position', '')} {leader.get('name', '')}".strip()) or fields.get("subject") or ""
    slots = [slot.get("from", "")[:10] for slot in fields.get("slots") or () if slot.get("from")]
    words = [
        title, outlet.get("name", ""), fields.get("purpose", ""), leader.get("name", ""),
        *(row.get("name", "") for row in fields.get("crew") or ()),
        *(f"{row.get('commune', '')} {row.get('place', '')}" for row in fields.get("itinerary") or ()),
    ]  # fmt: skip
    return {
        "title": str(title)[:300],
        "outlet": str(outlet.get("name", ""))[:300],
        "country": outlet.get("country"),
        "category": fields.get("category"),
        "first_day": fields.get("first_day") or (min(slots) if slots else None),
        "last_day": fields.get("last_day") or (max(slots) if slots else None),
        "search_text": fold(" ".join(str(word) for word in words if word))[:8000],
    }


def urgency(kind: str, fields: Mapping[str, Any], due: str | None) -> dict[str, str] | None:
    """Whether the first activity comes before the date of reply (a stored moment): both days, or None.

    Set by rule, with its reason; shorter internal targets, never a ground (domain, section 4.2).
    """
    first = summary(kind, fields)["first_day"]
    if not first or not due:
        return None
    day = clock.local(clock.moment(due)).date().isoformat()
    return {"first_day": str(first), "due": day} if str(first) <= day else None
