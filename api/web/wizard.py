"""Filling in a request, screen by screen: everything typed is kept, whatever else is wrong with it.

A draft is on the server from the first screen on. Each screen is saved whole when it is left, when a row is added or
removed and, where the browser runs our script, after every entry. What cannot be read is told beside its entry; the
rest of the screen is saved all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from flask import flash, jsonify, make_response, redirect, render_template, request

from api import login
from api.language import label, t
from api.security import request_id
from api.web import forms, web
from api.web.apply import catalogues, may_file, office, sentences, told_categories
from states import FLOWS, Flow, pointers
from states.language import AnyField, Field, Rows, Screen, Text, missing
from workflow import categories as known_categories
from workflow import copying, edit_case, open_case, papers, preview, read_case, routing, together
from workflow.engine import BEHALF
from workflow.errors import Invalid, NotFound, Stale, VersionRequired

PAPERS = Screen("papers", Text("Giấy tờ", "Papers"))
CHECK = Screen("check", Text("Kiểm tra, gửi", "Check and send"))


def screens_of(flow: Flow) -> tuple[Screen, ...]:
    """The screens of a kind, with those that every request ends with."""
    return (*flow.screens, PAPERS, CHECK)


def screen_of(flow: Flow, name: str) -> Screen:
    """One screen by its name; raises `NotFound`."""
    found = next((screen for screen in screens_of(flow) if screen.name == name), None)
    if found is None:
        raise NotFound()
    return found


def part_of(flow: Flow, screen: Screen, values: dict[str, Any]) -> tuple[AnyField, ...]:
    """The fields of a screen that are asked of this category of applicant."""
    return tuple(item for item in flow.fields if item.name in screen.fields and (item.when is None or item.when.holds(values)))


def _left(flow: Flow, fields: dict[str, Any]) -> dict[str, int]:
    """How many entries that the law names are still empty, by screen."""
    home = {name: screen.name for screen in flow.screens for name in screen.fields}
    found: dict[str, int] = {}
    for pointer, _ in missing(flow.fields, fields):
        screen = home[pointer.split("/")[1]]
        found[screen] = found.get(screen, 0) + 1
    return found


def _papers_left(flow: Flow, attached: list[dict[str, Any]]) -> int:
    there = {paper["name"] for paper in attached if paper["current"]}
    return sum(paper.flag == "legal" and not paper.office and paper.name not in there for paper in flow.papers)


def _noted(fields: dict[str, Any]) -> dict[str, list[str]]:
    """What is odd, by the names of the inputs."""
    found: dict[str, list[str]] = {}
    for note in preview.noted(office(), fields):
        found.setdefault(forms.dotted(note.pointer, fields), []).append(label(note.text))
    return found


def _page(flow: Flow, screen: Screen, values: dict[str, Any], errors: dict[str, list[str]], status: int = 200, **more: Any) -> Any:
    """One screen with what was typed."""
    case = more.get("case")
    fields = {**(case["fields"] if case else {}), **{k: v for k, v in values.items() if v not in ("", None)}}
    attached = papers(office(), login.needed(), case["id"]) if case else []
    declared = part_of(flow, screen, fields)
    chosen = str(fields.get("category") or "")
    leader = fields.get("leader") if isinstance(fields.get("leader"), dict) else None
    category = known_categories.categories().get(chosen)
    left = _left(flow, case["fields"]) if case else {}
    every = screens_of(flow)
    at = every.index(screen)
    body = render_template(
        "wizard.html", flow=flow, screen=screen, screens=every, before=every[at - 1] if at else None, after=every[at + 1] if at + 1 < len(every) else None,
        at=at, declared=declared, values=forms.one_empty_row(declared, values), errors=errors, noted=_noted(case["fields"]) if case else {},
        left=left | ({"papers": n} if (n := _papers_left(flow, attached)) and case else {}), attached=attached,
        notes=told_categories() if screen is every[0] else {}, chosen=chosen, paper_flags=preview.papers_of(flow, category),
        referral=routing.referral(office().profile, flow.kind, fields) if case is None or screen.name in ("outlet", "leader", "check") else None,
        **catalogues(str((leader or {}).get("agency") or "")), **{"keyed": False, "behalf": {}, "asked_back": False, "added": "", **more},
    )  # fmt: skip
    return make_response(body, status)


def _asked_back(flow: Flow, values: dict[str, Any]) -> bool:
    """Whether the request has just turned into one that is decided elsewhere: then that is told before anything is saved."""
    found = routing.referral(office().profile, flow.kind, values)
    return found is not None and request.form.get("told") != found.key


def _wants_json() -> bool:
    return request.accept_mimetypes.best == "application/json"


# --- a new request -----------------------------------------------------------------------------------------------


def _first_values(flow: Flow, code: str) -> dict[str, Any]:
    """A form opened from the first question: the category is filled in, and what follows from it."""
    category = known_categories.categories().get(code)
    return {"category": category.code} if category else {}


@web.route("/apply/<kind>", methods=["GET", "POST"])
def apply_form(kind: str) -> Any:
    """The first screen of a new request; sent, the draft is there and the next screen opens."""
    flow = FLOWS.get(kind)
    if flow is None or not flow.screens:
        raise NotFound()
    actor = may_file()
    screen, desk = flow.screens[0], actor.has("intake") and not actor.has("applicant")
    if request.method == "GET":
        asked = known_categories.categories().get(request.args.get("category", ""))
        if asked is not None and asked.kind != kind:
            return redirect(f"/apply/{asked.kind}?category={asked.code}", 303)
        return _page(flow, screen, _first_values(flow, request.args.get("category", "")), {}, keyed=desk)
    declared = tuple(item for item in flow.fields if item.name in screen.fields)
    values, behalf = forms.typed(declared, request.form), forms.typed(BEHALF, request.form, "behalf.")
    if _asked_back(flow, values):
        return _page(flow, screen, values, {}, keyed=desk, behalf=behalf, asked_back=True)
    given = forms.to_json(declared, values) | _of_category(flow, values)
    on_behalf = forms.to_json(BEHALF, behalf) if desk else None
    wrong: dict[str, list[Text]] = {}
    try:
        done = open_case(office(), actor, kind, given, on_behalf_of=on_behalf, request_id=request_id())
    except Invalid as invalid:
        wrong = invalid.fields
        try:
            done = open_case(office(), actor, kind, forms.without(given, wrong), on_behalf_of=on_behalf, request_id=request_id())
        except Invalid:  # who it is for cannot be read: there is nothing to keep it under
            return _page(flow, screen, values, sentences(wrong), 422, keyed=desk, behalf=behalf)
    case = read_case(office(), actor, done.case_id)
    if _wants_json():
        return _saved(flow, case, sentences(wrong))
    if wrong:
        return _page(flow, screen, _with_rows(declared, values, case), sentences(wrong), 422, case=case)
    return redirect(f"/cases/{case['id']}/edit/{screens_of(flow)[1].name}#main", 303)


def _of_category(flow: Flow, values: dict[str, Any]) -> dict[str, Any]:
    """What the answer to the first question fills in: written questions only are an interview in writing."""
    category = known_categories.categories().get(str(values.get("category") or ""))
    return {"form": category.interview_form} if category and category.interview_form and flow.kind == "interview" else {}


# --- one screen of a draft ---------------------------------------------------------------------------------------


def _draft(ref: str) -> tuple[Any, dict[str, Any], Flow]:
    """A draft that the person may fill in; raises `NotFound`."""
    actor = login.needed()
    case = read_case(office(), actor, ref)
    if not FLOWS[case["kind"]].screens or case.get("open_fields") is not None:
        raise NotFound()
    return actor, case, FLOWS[case["kind"]]


@web.get("/cases/<ref>/edit")
def edit(ref: str) -> Any:
    """Go on where something that the law names is still missing, else at the check; a returned file is answered on its own page."""
    case = read_case(office(), login.needed(), ref)
    if case.get("open_fields"):
        return redirect(f"/cases/{case['id']}/answer#main", 303)
    _, case, flow = _draft(ref)
    left = _left(flow, case["fields"])
    name = next((screen.name for screen in flow.screens if screen.name in left), CHECK.name if case["fields"] else flow.screens[0].name)
    return redirect(f"/cases/{case['id']}/edit/{name}#main", 303)


@web.route("/cases/<ref>/edit/<name>", methods=["GET", "POST"])
def edit_screen(ref: str, name: str) -> Any:
    """Show a screen; sent, save what can be read of it and go where the pressed button leads."""
    actor, case, flow = _draft(ref)
    screen = screen_of(flow, name)
    declared = part_of(flow, screen, case["fields"])
    if request.method == "GET" or not screen.fields:
        if screen is CHECK:
            return check_page(flow, case)
        return _page(flow, screen, forms.stored(declared, case["fields"]), {}, case=case)
    if screen is flow.screens[0]:  # the category decides what else is asked, and may just have changed
        declared = tuple(item for item in flow.fields if item.name in screen.fields)
    values = forms.typed(declared, request.form)
    if not request.form.get("remove") and not request.form.get("add") and _asked_back(flow, {**case["fields"], **values}):
        return _page(flow, screen, values, {}, case=case, asked_back=True)
    pressed = forms.changed_rows(declared, values, request.form)
    try:
        wrong = _save(actor, case, declared, values)
    except (Stale, VersionRequired) as stale:
        told = t("Hồ sơ đã được sửa ở nơi khác; những gì đã nhập ở đây vẫn còn. Bấm lưu lần nữa để ghi đè màn hình này.",
                 "The draft was changed elsewhere; what you typed here is kept. Save once more to write over this screen.")  # fmt: skip
        if _wants_json():
            return make_response(jsonify({"message": told, "version": getattr(stale, "version", case["version"])}), 412)
        return _page(flow, screen, values, {"_": [told]}, 412, case=read_case(office(), actor, ref))
    case = read_case(office(), actor, ref)
    if _wants_json():
        return _saved(flow, case, sentences(wrong))
    if wrong or pressed:
        errors = sentences(wrong)
        return _page(flow, screen, _with_rows(declared, values, case), errors, 422 if errors else 200, case=case, added=request.form.get("add", ""))
    every = screens_of(flow)
    at = every.index(screen)
    going = {"back": max(at - 1, 0), "stay": at}.get(request.form.get("then", ""), min(at + 1, len(every) - 1))
    if request.form.get("then") == "stay":
        flash(t("Đã lưu.", "Saved."))
    return redirect(f"/cases/{case['id']}/edit/{every[going].name}#main", 303)


def _save(actor: Any, case: dict[str, Any], declared: tuple[AnyField, ...], values: dict[str, Any]) -> dict[str, list[Text]]:
    """Save a screen as far as it can be read; answers what could not. Nothing is written where nothing changed."""
    version = request.form.get("version", "")
    given = forms.to_json(declared, values, keep_empty=True)
    wrong: dict[str, list[Text]] = {}
    for _ in range(2):
        if all((case["fields"].get(name) or None) == (value or None) for name, value in given.items()):
            return wrong
        try:
            edit_case(office(), actor, case["id"], given, version=int(version) if version.isdigit() else None, request_id=request_id())
            return wrong
        except Invalid as invalid:
            if wrong:
                raise
            wrong = invalid.fields
            given = forms.without(given, wrong)
    return wrong


def _with_rows(declared: tuple[AnyField, ...], values: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    """What was typed, its new rows under the ids they have been given."""
    for item in declared:
        if isinstance(item, Rows):
            for typed, kept in zip(values.get(item.name) or (), case["fields"].get(item.name) or (), strict=False):
                typed["row"] = kept.get("row")
                _with_rows(item.fields, typed, {"fields": kept})
    return values


def _saved(flow: Flow, case: dict[str, Any], errors: dict[str, list[str]]) -> Any:
    """What a script is told after a save: version and address, ids of rows, what is wrong or odd, what is left by screen."""
    return jsonify({
        "version": case["version"], "address": f"/cases/{case['id']}/edit/", "saved_at": case["updated_at"], "rows": forms.row_names(flow.fields, case["fields"]),
        "errors": errors, "noted": _noted(case["fields"]), "left": _left(flow, case["fields"]),
    })  # fmt: skip


# --- the last screen ---------------------------------------------------------------------------------------------


def check_page(
    flow: Flow, case: dict[str, Any], values: dict[str, Any] | None = None, errors: dict[str, list[str]] | None = None, status: int = 200, **more: Any
) -> Any:
    """The last screen with what was typed and ticked on it; `chosen` are the drafts to be sent with it, all that are ready if it is not told."""
    return _page(flow, CHECK, values or {}, errors or {}, status, case=case, **_checking(flow, case), **{"chosen_with": None, "unsent": [], **more})


def _checking(flow: Flow, case: dict[str, Any]) -> dict[str, Any]:
    """The route this draft would take, what it lacks with the way there, the interviews of its programme, the drafts that may go with it."""
    route = preview.of_draft(office(), login.needed(), case["id"]) or {}
    companions = together.companions(office(), login.needed(), case)
    drafts = [beside(case, other) for other in companions if together.is_draft(other)]
    return {
        "route": route, "lacking": _placed(flow, case, route.get("missing", ())), "odd": _placed(flow, case, route.get("warnings", ())),
        "step": flow.table["submit", "draft"], "sending": sending_of(flow, case, any(draft["ready"] for draft in drafts)), "linked": _linked(case, companions),
        "together": drafts, "letter": together.letter_for(office(), login.needed(), case, companions),
    }  # fmt: skip


def _placed(flow: Flow, case: dict[str, Any], items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What is said of entries, each with its screen, the name of its input and the words for where that is."""
    home = {name: screen.name for screen in flow.screens for name in screen.fields}
    return [
        {
            **item, "screen": home[item["pointer"].split("/")[1]], "name": forms.dotted(item["pointer"], case["fields"]),
            "where": pointers.words(flow.fields, flow.papers, case["fields"], item["pointer"]),
        }
        for item in items
    ]  # fmt: skip


def sending_of(flow: Flow, case: dict[str, Any], several: bool = False) -> tuple[AnyField, ...]:
    """What is asked when a request is sent; where `several` may be sent at once the undertaking says that it is given for each."""
    hidden = {"channel", "received_at", "incoming_no"} if case["channel"] == "online" else set()
    found = tuple(item for item in flow.table["submit", "draft"].inputs if item.name not in hidden)
    return tuple(_for_each(item) if several and isinstance(item, Field) else item for item in found)


_EACH = Text(
    "Cam kết này được đưa ra cho hồ sơ này và cho từng hồ sơ được chọn gửi cùng, và được ghi riêng vào mỗi hồ sơ",
    "This undertaking is given for this request and for each one ticked to be sent with it, and is recorded in each",
)
_ALL = Text("áp dụng cho mọi hồ sơ gửi cùng lúc", "counts for all that are sent together")


def _for_each(item: Field) -> Field:
    said = f"{item.label.vi}. {_EACH.vi}." if item.name == "undertaking" else f"{item.label.vi}; {_ALL.vi}"
    told = f"{item.label.en}. {_EACH.en}." if item.name == "undertaking" else f"{item.label.en}; {_ALL.en}"
    return replace(item, label=Text(said, told))


def beside(case: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A draft that belongs with this one: what it still lacks with the way there, and by when it would be answered if it went now."""
    flow, actor = FLOWS[other["kind"]], login.needed()
    route = preview.of_draft(office(), actor, other["id"]) or {}
    told = [refusal for refusal in route.get("refusals", ()) if refusal["code"] not in ("fields_complete", "papers_complete")]
    return {
        "case": other, "ready": bool(route) and not route["refusals"], "due": route.get("statutory_due") or route.get("work_due"),
        "lacking": [item for item in _placed(flow, other, route.get("missing", ())) if item["flag"] == "legal"],
        "papers": [paper for paper in route.get("papers", ()) if paper["flag"] == "legal" and not paper["there"]], "told": told, "letter": together.letter_for(office(), actor, other, [case]),
    }  # fmt: skip


def _linked(case: dict[str, Any], companions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the programme that ask for a leader and have no interview yet; it is opened from here, with a clock of its own."""
    opened = Counter((other["fields"].get("leader") or {}).get("agency") for other in companions if other["kind"] == "interview")
    found = []
    for row in case["fields"].get("itinerary") or ():
        if opened[row.get("leader")]:
            opened[row["leader"]] -= 1
        elif row.get("leader"):
            found.append(row)
    return found


@web.post("/cases/<ref>/copy")
def copy_case(ref: str) -> Any:
    """A new draft out of a past request of one's own organisation."""
    actor = may_file()
    case = read_case(office(), actor, ref)
    flow = FLOWS.get(case["kind"])
    if flow is None or not flow.screens or not {"applicant", "intake"} & set(case["mine"]):
        raise NotFound()
    done = open_case(office(), actor, case["kind"], copying.copied(flow.fields, case["fields"]), on_behalf_of=_behalf_of(actor, case), request_id=request_id())
    flash(
        t("Đã sao chép thành bản nháp mới. Ngày, chữ ký và giấy tờ phải điền lại.", "Copied into a new draft. Days, signature and papers are to be given anew.")
    )
    return redirect(f"/cases/{done.case_id}/edit", 303)


@web.post("/cases/<ref>/interview")
def linked_interview(ref: str) -> Any:
    """The interview that a row of the programme asks for: a case of its own, linked, with what is known copied."""
    actor = may_file()
    case = read_case(office(), actor, ref)
    fields = copying.interview_of(case["fields"], request.form.get("row", "")) if {"applicant", "intake"} & set(case["mine"]) else None
    if fields is None:
        raise NotFound()
    done = open_case(office(), actor, "interview", fields, on_behalf_of=_behalf_of(actor, case), related=case["id"], request_id=request_id())
    flash(t("Đã mở hồ sơ phỏng vấn kèm theo; hồ sơ này có thời hạn riêng.", "The interview that goes with it is opened; it has a clock of its own."))
    return redirect(f"/cases/{done.case_id}/edit", 303)


def _behalf_of(actor: Any, case: dict[str, Any]) -> dict[str, Any] | None:
    """For whom the desk opens another request: the same organisation, by the channel of the first."""
    if actor.has("applicant") or not case["organisation"]:
        return None
    return {"organisation": case["organisation"]["code"], "channel": case["channel"] if case["channel"] != "online" else "paper"}


@web.app_template_global()
def screen_path(case: dict[str, Any], name: str) -> str:
    """Where a screen of a draft is."""
    return f"/cases/{case['id']}/edit/{name}"
