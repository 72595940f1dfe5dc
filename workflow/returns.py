"""The return loop beyond the rules: coded reasons made into items, what a slip may name, what is told late.

An item is sent as `{target, code?, reason, basis}`. A code of the catalogue fills what the officer left empty; what was sent
is what the record keeps. Which arrows there are, and when they are open, stands in `states.shared` and `states.needs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection

from states import Flow, flow_for, pointers
from states import roles as R
from states.language import Step, Text
from states.shared import target_value
from workflow import store
from workflow.authority import Row
from workflow.errors import Invalid
from workflow.localities import Profile, ReturnReason, covering

ASKING = ("ask_supplement", "ask_clarification")
ANSWERING = ("resubmit", "clarify")
_REASON = Text("Danh mục không có lý do này.", "The list has no such reason.")
_UNFIT = Text("Lý do này không nói về mục đã chọn.", "This reason does not fit the item.")
_BASIS = Text("Căn cứ không có trong danh mục văn bản.", "The basis is not in the catalogue of legal texts.")
_TWICE = Text("Mục này đã có ở trên.", "This item is there already.")


def reasons_for(profile: Profile, flow: Flow, pointer: str) -> list[ReturnReason]:
    """The coded reasons that can be said of a target; those that can be said of anything come last."""
    key = pointers.key_of(flow.fields, pointer)
    found = [reason for reason in profile.returns.values() if reason.fits(key)]
    return sorted(found, key=lambda reason: "*" in reason.on)


def filled(profile: Profile, flow: Flow, items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items with what their codes say where the officer wrote nothing; a letter is Vietnamese, and so is the sentence.

    Raises `Invalid` by field for a code that is unknown or unfit, a basis that the catalogue does not have, an item named twice.
    """
    errors: dict[str, list[Text]] = {}
    found: list[dict[str, Any]] = []
    for at, item in enumerate(items):
        made, reason = dict(item), profile.returns.get(str(item.get("code") or ""))
        if item.get("code") and reason is None:
            errors[f"items/{at}/code"] = [_REASON]
        elif reason is not None and not reason.fits(pointers.key_of(flow.fields, item["target"])):
            errors[f"items/{at}/code"] = [_UNFIT]
        if reason is not None:
            made["reason"], made["basis"] = made.get("reason") or reason.text.vi, made.get("basis") or reason.basis
        if made.get("basis") and covering(profile.law, made["basis"]) is None:
            errors[f"items/{at}/basis"] = [_BASIS]
        if any(made["target"] == other["target"] for other in found):
            errors[f"items/{at}/target"] = [_TWICE]
        found.append(made)
    if errors:
        raise Invalid(errors)
    return found


def said(profile: Profile, item: Mapping[str, Any]) -> Text:
    """The reason of an item: in both languages where the sentence of its code was sent unchanged, else as it was written."""
    reason = profile.returns.get(str(item.get("code") or ""))
    written = str(item.get("reason") or "")
    return reason.text if reason is not None and written in (reason.text.vi, reason.text.en) else Text(written, written)


def items_of(profile: Profile, flow: Flow, fields: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Items as they are told: what was sent, with the words for the target (`label`) and the reason in both languages (`words`)."""
    return [
        {**item, "label": pointers.words(flow.fields, flow.papers, fields, item["target"]).as_dict(), "words": said(profile, item).as_dict()} for item in items
    ]


def words_of(flow: Flow, fields: Mapping[str, Any], targets: Iterable[str]) -> dict[str, Text]:
    """What targets are called, for the sentences of the rules."""
    return {target: pointers.words(flow.fields, flow.papers, fields, target) for target in targets}


# --- told late ---------------------------------------------------------------------------------------------------


def _names_it(asked: str, target: str) -> bool:
    """Whether asking for the one asked for the other as well: the same, or the list or row it is in."""
    return target == asked or target.startswith(f"{asked}/")


def late_gaps(connection: Connection, row: Row, items: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Targets of a later slip that stood in the file as they do now when it was first returned, and were not named then.

    Basis: Nghị định 63/2010 art. 20(4): all gaps are told at once.
    """
    first = row["memory"].get("first_asked")
    if not first:
        return ()
    then = store.query(connection, "SELECT fields, papers FROM dossiers WHERE case_id = :id AND no = :no", id=row["id"], no=first["no"])[0]
    fields, papers = store.read_fields(store.keys_of(connection), then["fields"], row["id"]), orjson.loads(then["papers"])
    return tuple(
        item["target"]
        for item in items
        if not any(_names_it(asked, item["target"]) for asked in first["targets"])
        and target_value(item["target"], fields, papers) == target_value(item["target"], row["fields"], row["papers"])
    )


def resolved(profile: Profile, connection: Connection, step: Step, row: Row, inputs: dict[str, Any]) -> dict[str, Any]:
    """Fill the items of a slip and answer what the rules ask beside it: the words of its targets, and what is told late."""
    flow = flow_for(row["kind"])
    inputs["items"] = filled(profile, flow, inputs.get("items") or ())
    targets = [item["target"] for item in inputs["items"]]
    return {"words": words_of(flow, row["fields"], targets), "late_gaps": late_gaps(connection, row, inputs["items"])}


def points_at(row: Row, pointer: str) -> bool:
    """Whether a slip on this case may name a pointer."""
    flow = flow_for(row["kind"])
    return pointers.exists(flow.fields, flow.papers, row["fields"], pointer)


# --- who has the file now ----------------------------------------------------------------------------------------


def returned_to(row: Row, step: Step, acting: str, given: Mapping[str, Any]) -> str | None:
    """To whose desk a file came back that was answered, until somebody of the office acts on it.

    A clarification goes back to the officer of the case, a supplement to who asked for it.
    """
    if step.action == "clarify":
        found: str | None = row["officer_id"]
        return found
    if step.action == "resubmit":
        asked = (row["memory"].get("acts") or {}).get("ask_supplement") or {}
        return next(iter(asked.get("by") or ()), None)
    if acting in (R.APPLICANT, R.CLOCK):
        kept: str | None = row["returned_to"]
        return kept
    return given["officer"] if step.action == "assign_officer" and row["returned_to"] else None
