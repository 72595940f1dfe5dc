"""Old and new side by side: what the applicant changed between the file that was returned and the one that came back.

`compare` is pure. The two versions are found by the record: the entry that returned the file names the content it was
returned with, the entry that brought it back the content it came back with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from states import Flow, flow_for, pointers
from states import roles as R
from states.language import AnyField, Field, Group, Text, blank, value_at
from workflow import queries, reads, returns, store
from workflow.authority import Actor, Row
from workflow.errors import Invalid, NotFound
from workflow.office import Office
from workflow.reads import Reading
from workflow.schemas import TEXTS

CHANGED, ADDED, REMOVED, MOVED = "changed", "added", "removed", "moved"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: where, how (`changed`, `added`, `removed`, rows `moved`), what stood there and what stands there now."""

    pointer: str
    kind: str
    old: Any
    new: Any


def compare(declared: Iterable[AnyField], before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Everything that differs between two versions of a dossier, in the order of its form; a row is the one with the same id.

    An entry that holds nothing is the same as one that is not there.
    """
    found: list[Difference] = []
    for item in declared:
        old, new, at = before.get(item.name), after.get(item.name), f"/{item.name}"
        if isinstance(item, Field):
            found += _of_value(at, old, new)
        elif isinstance(item, Group):
            found += _of_fields(item.fields, at, old or {}, new or {})
        else:
            found += _of_rows(item.fields, at, old or [], new or [])
    return tuple(found)


def _of_value(at: str, old: Any, new: Any) -> list[Difference]:
    if old == new or (blank(old) and blank(new)):
        return []
    return [Difference(at, ADDED if blank(old) else REMOVED if blank(new) else CHANGED, old, new)]


def _of_fields(declared: Iterable[AnyField], at: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    return [one for part in declared for one in _of_value(f"{at}/{part.name}", old.get(part.name), new.get(part.name))]


def _of_rows(declared: Iterable[AnyField], at: str, old: list[Any], new: list[Any]) -> list[Difference]:
    parts = tuple(declared)
    before, after = {row["row"]: row for row in old}, {row["row"]: row for row in new}
    found: list[Difference] = []
    for name, row in before.items():
        if name in after:
            found += _of_fields(parts, f"{at}/{name}", row, after[name])
        else:
            found.append(Difference(f"{at}/{name}", REMOVED, row, None))
    found += [Difference(f"{at}/{name}", ADDED, None, row) for name, row in after.items() if name not in before]
    stayed = [name for name in before if name in after]
    now = [name for name in after if name in before]
    return found + ([Difference(at, MOVED, stayed, now)] if stayed != now else [])


def compare_papers(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """The papers that were replaced or added between two versions, by name."""
    names = dict.fromkeys([*before, *after])
    return tuple(one for name in names for one in _of_value(f"{pointers.PAPER}{name}", before.get(name), after.get(name)))


# --- of a case ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Return:
    """One time that the file was out: when it was asked for what, and how it came back into which round."""

    action: str
    asked_at: str
    closed_by: str
    closed_at: str
    round: int
    before: str
    after: str


def returns_of(connection: Connection, case_id: str) -> list[Return]:
    """Every time the file was out and is back, oldest first; one that was taken back counts into the round that went on."""
    entries = store.query(
        connection,
        "SELECT at, action, from_state, to_state, round, canonical FROM audit_entry WHERE case_id = :id AND from_state <> to_state ORDER BY seq",
        id=case_id,
    )
    found, asked = [], None
    for entry in entries:
        if entry["action"] in returns.ASKING:
            asked = entry
        elif asked is not None and entry["action"] in (*returns.ANSWERING, "take_back"):
            before, after = (orjson.loads(one["canonical"])["content_hash"] for one in (asked, entry))
            found.append(Return(asked["action"], asked["at"], entry["action"], entry["at"], entry["round"], before, after))
            asked = None
    return found


def _version(connection: Connection, case_id: str, content: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields and papers of the version with this content."""
    row = store.query(
        connection, "SELECT fields, papers FROM dossiers WHERE case_id = :id AND content_hash = :content ORDER BY no DESC LIMIT 1", id=case_id, content=content
    )[0]
    return store.read_fields(store.keys_of(connection), row["fields"], case_id), orjson.loads(row["papers"])


def of_case(office: Office, actor: Actor, ref: str, round_: str = "") -> dict[str, Any]:
    """What changed when the file came back into a round (the last one where none is named), as far as this person may read it.

    {`rounds`, `round`, `returns`: [{`action`, `label`, `asked_at`, `closed_by`, `closed_at`, `note`, `items`}]}; an item is
    {`pointer`, `label`, `kind`, `old`, `new`}, of a paper `old` and `new` are {`id`, `filename`, `at`}. Values are masked as in the
    file itself; `hidden` marks one that this person does not read. Raises `NotFound`, and `Invalid` for a round that nothing came back into.
    """
    with office.db.read() as connection:
        row, held = queries.loaded(office, connection, actor, ref)
        if row["kind"] not in ("visit", "interview"):
            raise NotFound()
        all_ = returns_of(connection, row["id"])
        rounds = sorted({one.round for one in all_})
        if round_ and round_ not in map(str, rounds):
            raise Invalid({"round": [TEXTS["choice"]]})
        chosen = int(round_) if round_ else rounds[-1] if rounds else None
        versions = [(one, _version(connection, row["id"], one.before), _version(connection, row["id"], one.after)) for one in all_ if one.round == chosen]
    files = _files(office, actor, row["id"]) if chosen else {}
    told = [_told(row, actor, held, one, before, after, files) for one, before, after in versions]
    if R.AUDITOR in held and told:
        reads.note(office, Reading(actor.id, row["id"], "differences", R.AUDITOR, "view", Text("Kiểm tra, thanh tra", "Inspection")))
    return {"rounds": rounds, "round": chosen, "returns": told}


def _files(office: Office, actor: Actor, case_id: str) -> dict[str, dict[str, Any]]:
    """The papers that this person may open, by id."""
    try:
        return {paper["id"]: paper for paper in queries.papers(office, actor, case_id)}
    except NotFound:
        return {}


Version = tuple[Mapping[str, Any], Mapping[str, Any]]


def _told(row: Row, actor: Actor, held: frozenset[str], one: Return, before: Version, after: Version, files: Mapping[str, Any]) -> dict[str, Any]:
    flow = flow_for(row["kind"])
    items = [_field_told(flow, row, actor, held, found, before[0], after[0]) for found in compare(flow.fields, before[0], after[0])]
    items += [_paper_told(flow, found, files) for found in compare_papers(before[1], after[1])]
    act = (row["memory"].get("acts") or {}).get(one.closed_by) or {}
    return {
        "action": one.action, "label": queries.action_label(row["kind"], one.action).as_dict(), "asked_at": one.asked_at,
        "closed_by": one.closed_by, "closed_label": queries.action_label(row["kind"], one.closed_by).as_dict(), "closed_at": one.closed_at,
        "note": (act.get("given") or {}).get("note") if act.get("at") == one.closed_at else None, "items": items,
    }  # fmt: skip


def _field_told(
    flow: Flow, row: Row, actor: Actor, held: frozenset[str], found: Difference, before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """A difference as this person reads it: found on what stands there, told in what the file itself would show them."""
    old, new = (queries.fields_for({**row, "fields": fields}, actor, held) for fields in (before, after))
    values = (found.old, found.new) if found.kind == MOVED else (value_at(old, found.pointer), value_at(new, found.pointer))
    label = pointers.words(flow.fields, flow.papers, before if found.kind == REMOVED else after, found.pointer)
    return {"pointer": found.pointer, "label": label.as_dict(), "kind": found.kind, "old": values[0], "new": values[1], "hidden": False}


def _paper_told(flow: Flow, found: Difference, files: Mapping[str, Any]) -> dict[str, Any]:
    def file(paper: Mapping[str, Any] | None) -> dict[str, Any] | None:
        there = files.get(paper["id"]) if paper else None
        return {"id": there["id"], "filename": there["filename"], "at": there["at"]} if there else None

    old, new = file(found.old), file(found.new)
    label = pointers.words(flow.fields, flow.papers, {}, found.pointer)
    return {"pointer": found.pointer, "label": label.as_dict(), "kind": found.kind, "old": old, "new": new, "hidden": old is None and new is None}


KIND_WORDS: dict[str, Text] = {
    CHANGED: Text("đã sửa", "changed"), ADDED: Text("thêm mới", "added"), REMOVED: Text("đã bỏ", "removed"), MOVED: Text("đổi thứ tự", "put in another order"),
}  # fmt: skip
