"""Answering a file that was returned: only what was asked for can be changed, with the reason beside it; then it goes back.

One form for entries, papers and a note, so that nothing typed is lost when a file is uploaded or an entry refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import current_app, flash, make_response, redirect, render_template, request

from api import login
from api.errors import STATUS
from api.language import label, t
from api.rest.cases import received
from api.security import request_id
from api.web import forms, web
from api.web.apply import catalogues, sentences
from states import FLOWS, Flow, pointers
from states.language import AnyField, Field, Group, Rows
from workflow import differences, edit_case, papers, perform, queries, read_case
from workflow.dossier import RETURNED
from workflow.errors import Invalid, NeedsUnmet, NotFound, WorkflowError

SENDS = {"supplement_required": "resubmit", "clarification_required": "clarify"}


def office() -> Any:
    """The office of this process."""
    return current_app.extensions["office"]


# --- what is open, as a form -------------------------------------------------------------------------------------


def _below(case: Mapping[str, Any], at: str) -> list[dict[str, Any]]:
    """The items asked at a pointer itself."""
    return [item for item in case["items"] if item["target"] == at]


def _opened(case: Mapping[str, Any], at: str) -> bool:
    return at in case["open_fields"]


def _named(case: Mapping[str, Any], at: str, row: Mapping[str, Any], index: int) -> list[str]:
    """The pointers that a row answers to: by its id, and by its place."""
    return [f"{at}/{row.get('row')}", f"{at}/{index}"]


def sections(flow: Flow, case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The open part of a dossier in the order of its form: whole entries, and parts or rows of which some entries are open.

    A section is {`item`, `whole`, `asked`, `parts`}: of a part `parts` are {`name`, `words`, `open`: [(field, asked)], `rest`}, one for each row.
    """
    found = []
    for item in flow.fields:
        at = f"/{item.name}"
        if _opened(case, at):
            found.append({"item": item, "whole": True, "asked": _below(case, at), "parts": []})
        elif not isinstance(item, Field):
            parts = list(_parts(case, item, at))
            if parts:
                found.append({"item": item, "whole": False, "asked": [], "parts": parts})
    return found


def _parts(case: Mapping[str, Any], item: Group | Rows, at: str) -> Iterator[dict[str, Any]]:
    if isinstance(item, Group):
        yield from _part(case, item.fields, [at], item.name, "", None, case["fields"].get(item.name) or {})
        return
    for index, row in enumerate(case["fields"].get(item.name) or ()):
        words = f"{label(item.one or item.label)} {index + 1}: {pointers.row_words(row)}".rstrip(": ")
        yield from _part(case, item.fields, _named(case, at, row, index), f"{item.name}.{index}", words, row.get("row"), row)


def _part(case: Mapping[str, Any], fields: Any, ats: list[str], name: str, words: str, row: str | None, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    whole = row is not None and any(_opened(case, at) for at in ats)
    open_ = [
        (part, [i for at in ats for i in _below(case, f"{at}/{part.name}")])
        for part in fields
        if whole or any(_opened(case, f"{at}/{part.name}") for at in ats)
    ]
    if open_:
        names = {part.name for part, _ in open_}
        rest = [part for part in fields if part.name not in names]
        yield {
            "name": name,
            "words": words,
            "row": row,
            "open": open_,
            "rest": rest,
            "values": values,
            "asked": [i for at in ats for i in _below(case, at)] if whole else [],
        }


def asked_papers(flow: Flow, case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The papers asked for, each with why."""
    return [{"paper": paper, "asked": _below(case, f"{pointers.PAPER}{paper.name}")} for paper in flow.papers if _opened(case, f"{pointers.PAPER}{paper.name}")]


def _stored(found: list[dict[str, Any]], case: Mapping[str, Any]) -> dict[str, Any]:
    """The form as the file stands, by dotted name; whole entries under their own."""
    values: dict[str, Any] = {}
    for section in found:
        if section["whole"]:
            values |= forms.stored((section["item"],), case["fields"])
        for part in section["parts"]:
            open_ = tuple(field for field, _ in part["open"])
            values |= {f"{part['name']}.{key}": value for key, value in forms.stored(open_, part["values"]).items()}
    return values


def _typed(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The form as it was posted."""
    values: dict[str, Any] = {}
    for section in found:
        if section["whole"]:
            values |= forms.typed((section["item"],), request.form)
        for part in section["parts"]:
            open_ = tuple(field for field, _ in part["open"])
            values |= {f"{part['name']}.{key}": value for key, value in forms.typed(open_, request.form, f"{part['name']}.").items()}
    return values


def _pressed(found: list[dict[str, Any]], values: dict[str, Any]) -> bool:
    """Add or remove a row where a button asked for it: of a list that is open whole, or of one inside an open row."""
    for part in (part for section in found for part in section["parts"]):
        lists = {field.name: values[f"{part['name']}.{field.name}"] for field, _ in part["open"] if isinstance(field, Rows)}
        if lists and forms.changed_rows(tuple(field for field, _ in part["open"] if field.name in lists), lists, request.form, f"{part['name']}."):
            return True
    return forms.changed_rows(_whole(found), values, request.form)


def _whole(found: list[dict[str, Any]]) -> tuple[AnyField, ...]:
    return tuple(section["item"] for section in found if section["whole"])


def patch(found: list[dict[str, Any]], case: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What the typed form changes, as the body of an edit: each touched entry whole, everything that is not open as it stands."""
    before, whole = _stored(found, case), _whole(found)
    was, sent = (forms.to_json(whole, form, keep_empty=True) for form in (before, values))
    changed = {name: value for name, value in sent.items() if value != was[name]}
    for section in (s for s in found if not s["whole"]):
        mended = {part["row"]: _mended(part, before, values) for part in section["parts"]}
        if all(mended[part["row"]] == part["values"] for part in section["parts"]):
            continue
        name = section["item"].name
        stands = case["fields"].get(name)
        changed[name] = mended[None] if isinstance(section["item"], Group) else [mended.get(row.get("row"), row) for row in stands or ()]
    return changed


def _mended(part: Mapping[str, Any], before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A row or part with its open entries as typed; one that was left alone or is not open stays to the letter."""
    made = dict(part["values"])
    for field, _ in part["open"]:
        name = f"{part['name']}.{field.name}"
        was, typed = (forms.to_json((field,), {field.name: form.get(name)}) for form in (before, values))
        if typed != was:
            made.pop(field.name, None)
            made |= typed
    return made


# --- the page ----------------------------------------------------------------------------------------------------


def _page(flow: Flow, case: Mapping[str, Any], values: Mapping[str, Any], errors: Mapping[str, Any], status: int = 200, **more: Any) -> Any:
    found = sections(flow, case)
    body = render_template(
        "returned.html", case=case, flow=flow, sections=found, values=values, errors=errors, papers=asked_papers(flow, case),
        attached=papers(office(), login.needed(), case["id"]), send=flow.table[SENDS[case["state"]], case["state"]], **{"note": "", "reasons": [], **more},
        **catalogues(str((case["fields"].get("leader") or {}).get("agency") or "")),
    )  # fmt: skip
    return make_response(body, status)


def _returned(ref: str) -> dict[str, Any]:
    """The case, where it was returned to this person; else it answers like one that is absent."""
    case = read_case(office(), login.needed(), ref)
    if case["kind"] not in ("visit", "interview") or case["state"] not in RETURNED or not case["open_fields"]:
        raise NotFound()
    return case


@web.route("/cases/<ref>/answer", methods=["GET", "POST"])
def answer_return(ref: str) -> Any:
    """What was asked for, entry by entry; saved, or saved and sent back."""
    case = _returned(ref)
    flow = FLOWS[case["kind"]]
    found = sections(flow, case)
    if request.method == "GET":
        return _page(flow, case, forms.one_empty_row(_whole(found), _stored(found, case)), {})
    values, note = _typed(found), request.form.get("note", "")[:4000]
    if _pressed(found, values):
        return _page(flow, case, values, {}, note=note)
    try:
        version = _save(flow, case, found, values)
    except WorkflowError as refused:
        return _refused(flow, ref, values, note, refused)
    if request.form.get("then") != "send":
        flash(t("Đã lưu. Hồ sơ chưa được gửi lại.", "Saved. The file has not been sent back yet."))
        if note.strip():  # a note goes with the file and is kept nowhere before: it stays in the form
            return _page(flow, _returned(ref), values, {}, note=note)
        return redirect(f"/cases/{case['id']}/answer#main", 303)
    action = SENDS[case["state"]]
    try:
        done = perform(office(), login.needed(), ref, action, {"note": note} if note.strip() else {}, version=version, request_id=request_id())
    except WorkflowError as refused:
        return _refused(flow, ref, values, note, refused)
    flash(t("Đã xong: {what}.", "Done: {what}.", what=label(queries.action_label(case["kind"], action))))
    return redirect(f"/cases/{case['code'] or done.case_id}#main", 303)


def _save(flow: Flow, case: Mapping[str, Any], found: list[dict[str, Any]], values: Mapping[str, Any]) -> int | None:
    """Store what was typed and the files that came along; answers the version to go on from. Entries first: a bad one keeps the files out."""
    given = request.form.get("version", "")
    version = int(given) if given.isdigit() else None
    changed = patch(found, case, values)
    if changed:
        version = edit_case(office(), login.needed(), case["id"], changed, version=version, request_id=request_id()).version
    for item in asked_papers(flow, case):
        name = item["paper"].name
        sent = request.files.get(f"paper.{name}")
        if sent is None or not sent.filename:
            continue
        try:
            version = received(case["id"], name, sent)[0].version
        except WorkflowError as refused:
            texts = [text for inner in getattr(refused, "fields", {}).values() for text in inner] or [refused.message]
            raise Invalid({f"paper/{name}": texts}) from refused
    return version


def _refused(flow: Flow, ref: str, values: Mapping[str, Any], note: str, refused: WorkflowError) -> Any:
    """The form as it was typed, with why it was not saved or sent; on the case as it now is."""
    case = _returned(ref)
    if isinstance(refused, Invalid):
        return _page(flow, case, values, sentences(refused.fields), 422, note=note)
    if isinstance(refused, NeedsUnmet):
        return _page(flow, case, values, {}, 409, note=note, reasons=[queries.refusal_dict(reason) for reason in refused.reasons])
    who = f" {refused.data['who']}" if refused.data.get("who") else ""
    return _page(flow, case, values, {"_": [label(refused.message) + who]}, STATUS.get(refused.code, 409), note=note)


@web.app_template_global()
def difference_kind(kind: str) -> Any:
    """The words of how something differs."""
    return differences.KIND_WORDS[kind]


@web.app_template_global()
def declared_of(flow: Flow, pointer: str) -> Any:
    """The declaration a pointer leads to."""
    return pointers.declared_at(flow.fields, pointer)
