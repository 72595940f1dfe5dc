"""The slip of a return: everything that can be asked for to tick, then a reason for each item. No script is needed.

The ticks are the truth: what is ticked is an item, what is not is none. An item keeps what was typed for it until its tick goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app
from werkzeug.datastructures import MultiDict

from api.language import label, t
from api.web import web
from states import FLOWS, Flow, pointers
from workflow import law, returns

Form = MultiDict[str, str]


def _profile() -> Any:
    return current_app.extensions["office"].profile


def offered(found: Mapping[str, Any]) -> dict[str, Any]:
    """What the form of a slip offers: the targets in groups, and the provisions that reasons of the list rest on."""
    flow = FLOWS[found["kind"]]
    bases = sorted({reason.basis for reason in _profile().returns.values()})
    return {"groups": pointers.targets(flow.fields, flow.papers, found["fields"]), "bases": [(basis, law.words(_profile().law, basis)) for basis in bases]}


@web.app_template_global("slip_cards")
def items_shown(found: Mapping[str, Any], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of a slip as cards: what was typed, the words for the target, the reasons of the list that fit it."""
    flow = FLOWS[found["kind"]]
    return [
        {
            **row,
            "words": pointers.words(flow.fields, flow.papers, found["fields"], row["target"]),
            "reasons": returns.reasons_for(_profile(), flow, row["target"]),
        }
        for row in values.get("items") or ()
        if row.get("target")
    ]


def settle(found: Mapping[str, Any], values: dict[str, Any], form: Form) -> tuple[bool, dict[str, list[str]]]:
    """Bring the typed items in line with the ticks; answers whether the form is to be shown again, and what it still lacks.

    Its buttons: `choose` (cards for what is ticked), `drop` (take an item away), `fill` (the sentence of the chosen code, to be edited).
    """
    if "slip" not in form:
        return False, {}
    flow, typed = FLOWS[found["kind"]], {row["target"]: row for row in values.get("items") or () if row.get("target")}
    ticked = [target for target in dict.fromkeys(form.getlist("pick")) if target != form.get("drop") and _there(flow, found, target)]
    values["items"] = [typed.get(target) or _fresh(flow, target) for target in ticked]
    if form.get("fill"):
        values["items"] = [_filled(row) for row in values["items"]]
    if any(form.get(name) for name in ("choose", "drop", "fill")):
        return True, {}
    new = [target for target in ticked if target not in typed]
    if new:
        return True, {"items": [t("Nêu lý do cho các mục mới chọn rồi gửi.", "Give a reason for the items just chosen, then send.")]}
    return False, {}


def _there(flow: Flow, found: Mapping[str, Any], target: str) -> bool:
    return pointers.exists(flow.fields, flow.papers, found["fields"], target)


def _fresh(flow: Flow, target: str) -> dict[str, Any]:
    """A new card; where one reason alone speaks of just this target it is chosen already."""
    own = [reason for reason in returns.reasons_for(_profile(), flow, target) if pointers.key_of(flow.fields, target) in reason.on]
    return {"target": target, "code": own[0].code if len(own) == 1 else "", "reason": "", "basis": ""}


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    """The sentence and the basis of the chosen code, where nothing was typed."""
    reason = _profile().returns.get(row.get("code") or "")
    if reason is None:
        return dict(row)
    return {**row, "reason": row.get("reason") or reason.text.vi, "basis": row.get("basis") or reason.basis}


@web.app_template_global()
def target_words(kind: str, fields: Mapping[str, Any], target: str) -> str:
    """What a pointer names, in the reader's language."""
    return label(_words(kind, fields, target))


@web.app_template_global()
def target_words_vi(kind: str, fields: Mapping[str, Any], target: str) -> str:
    """What a pointer names, in Vietnamese: letters are."""
    return _words(kind, fields, target).vi


def _words(kind: str, fields: Mapping[str, Any], target: str) -> Any:
    flow = FLOWS[kind]
    return pointers.words(flow.fields, flow.papers, fields, target)
