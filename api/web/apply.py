"""Filing: choose a kind, fill in the form, attach papers, send."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, make_response, redirect, render_template, request

from api import login
from api.language import label, t
from api.rest.cases import received
from api.security import request_id
from api.web import forms, web
from states import FLOWS
from states.language import AnyField, Field, Text
from workflow import categories as known_categories
from workflow import edit_case, law, open_case, papers, preview, queries, read_case, routing
from workflow.engine import BEHALF
from workflow.errors import Invalid, NotFound, RoleRefused, WorkflowError
from workflow.filecheck import FAULTS


def office() -> Any:
    """The office of this process."""
    return current_app.extensions["office"]


def sentences(errors: dict[str, Any]) -> dict[str, list[str]]:
    """Field errors in the reader's language, by dotted name."""
    return {name.strip("/").replace("/", "."): [label(text) for text in texts] for name, texts in errors.items()}


def leaders(chosen: str = "") -> list[dict[str, Any]]:
    """The leaders who can be asked for an interview, each with the office that answers; one line where two bodies mean the same people.

    `chosen`: the agency that stands in the dossier, offered in any case.
    """
    known, found = office().organisations, dict[str, dict[str, Any]]()
    for row in sorted(office().profile.leaders, key=lambda row: row.agency != chosen):
        national = row.level == "national"
        if not national and (row.agency not in known or row.office not in known):
            continue
        answers = None if national else known[row.office].name
        name = Text(f"{row.label.vi} ({answers.vi})", f"{row.label.en} ({answers.en})") if answers else row.label
        found.setdefault(name.vi, {"code": row.agency, "name": name, "national": national})
    order = [row.agency for row in office().profile.leaders]
    return sorted(found.values(), key=lambda item: order.index(item["code"]))


def told_categories() -> dict[str, dict[str, Any]]:
    """Every category by its code, with its clock by the rules of today and its papers in words."""
    with office().db.read() as connection:
        office().refresh(connection)
    found = {}
    for item in known_categories.categories().values():
        labels = {paper.name: paper.label for paper in FLOWS[item.kind].papers}
        told = known_categories.category_dict(item, office().rules)
        found[item.code] = told | {"paper_labels": [labels[name].as_dict() for name in item.papers if name in labels]}
    return found


def catalogues(leader: str = "") -> dict[str, Any]:
    """What choices of a form come from the office: countries, leaders (with the one that stands in the dossier), organisations."""
    found = queries.organisations(office())
    return {
        "leader_offices": leaders(leader),
        "requesting": [o for o in found if o.kind == "requesting"],
        "agencies": [o for o in found if o.kind in ("consulted", "leader_office", "committee")],
        "countries": COUNTRIES, "languages": LANGUAGES,
    }  # fmt: skip


@web.get("/apply")
def apply() -> Any:
    """The first question: who files. The answer decides form, papers, clock and who decides."""
    _may_file()
    told = told_categories()
    return render_template("apply.html", groups=[(heading, [told[code] for code in codes]) for heading, codes in known_categories.GROUPS])


def _may_file() -> Any:
    """Who may file a request: applicants, and the desk for one who filed on paper."""
    actor = login.needed()
    if not actor.has("applicant", "intake"):
        raise RoleRefused(())
    return actor


@web.get("/apply/elsewhere/<key>")
def apply_elsewhere(key: str) -> Any:
    """What the province may not decide: why, where to go, and the way on for whoever still wants a written answer."""
    _may_file()
    found = known_categories.NATIONAL_LEADER if key == known_categories.NATIONAL_LEADER.key else known_categories.referral_of(key)
    if found is None:
        raise NotFound()
    onward = "/apply/interview?category=A2" if found is known_categories.NATIONAL_LEADER else f"/apply/visit?category={found.key}"
    return render_template("apply_elsewhere.html", referral=found, onward=onward)


def _form(flow: Any, values: dict[str, Any], errors: dict[str, list[str]], status: int = 200, **more: Any) -> Any:
    declared = more.pop("declared", flow.fields)
    chosen = str(values.get("category") or "")
    leader = values.get("leader") if isinstance(values.get("leader"), dict) else None
    category = known_categories.categories().get(chosen)
    body = render_template(
        "apply_form.html", flow=flow, declared=declared, values=forms.one_empty_row(declared, values), errors=errors,
        **catalogues(str((leader or {}).get("agency") or "")), notes=told_categories(), chosen=chosen,
        paper_flags=preview.papers_of(flow, category), referral=routing.referral(office().profile, flow.kind, values), **more,
    )  # fmt: skip
    return make_response(body, status)


def _asked_back(flow: Any, values: dict[str, Any]) -> bool:
    """Whether the request has just turned into one that is decided elsewhere: then that is told before anything is saved."""
    found = routing.referral(office().profile, flow.kind, values)
    return found is not None and request.form.get("told") != found.key


def _previewed(flow: Any, values: dict[str, Any], there: list[str], **more: Any) -> Any:
    """The form as it was typed, with the route it would take; nothing is saved."""
    try:
        route = preview.preview(office(), login.needed(), flow.kind, forms.to_json(more.get("declared", flow.fields), values), there)
    except Invalid as invalid:
        return _form(flow, values, sentences(invalid.fields), 422, **more)
    return _form(flow, values, {}, route=route, **more)


def _first_values(flow: Any, code: str) -> dict[str, Any]:
    """A form opened from the first question: the category is filled in, and what follows from it."""
    category = known_categories.categories().get(code)
    if category is None:
        return {}
    return {"category": category.code} | ({"form": category.interview_form} if category.interview_form and flow.kind == "interview" else {})


@web.route("/apply/<kind>", methods=["GET", "POST"])
def apply_form(kind: str) -> Any:
    """A new request: everything on one page, rows added and removed without losing a word."""
    flow = FLOWS.get(kind)
    if flow is None or kind not in ("visit", "interview"):
        raise NotFound()
    actor = _may_file()
    desk = actor.has("intake") and not actor.has("applicant")
    if request.method == "GET":
        asked = known_categories.categories().get(request.args.get("category", ""))
        if asked is not None and asked.kind != kind:
            return redirect(f"/apply/{asked.kind}?category={asked.code}", 303)
        return _form(flow, _first_values(flow, request.args.get("category", "")), {}, keyed=desk, behalf={})
    values = forms.typed(flow.fields, request.form)
    behalf = forms.typed(BEHALF, request.form, "behalf.")
    if forms.changed_rows(flow.fields, values, request.form):
        return _form(flow, values, {}, keyed=desk, behalf=behalf)
    if request.form.get("then") == "preview":
        return _previewed(flow, values, [], keyed=desk, behalf=behalf)
    if _asked_back(flow, values):
        return _form(flow, values, {}, keyed=desk, behalf=behalf, asked_back=True)
    try:
        done = open_case(
            office(), actor, kind, forms.to_json(flow.fields, values), on_behalf_of=forms.to_json(BEHALF, behalf) if desk else None, request_id=request_id()
        )
    except Invalid as invalid:
        return _form(flow, values, sentences(invalid.fields), 422, keyed=desk, behalf=behalf)
    flash(t("Đã lưu bản nháp. Hãy tải giấy tờ rồi gửi.", "The draft is saved. Upload the papers, then send."))
    return redirect(f"/cases/{done.case_id}/edit#papers", 303)


def open_part(flow: Any, case: dict[str, Any]) -> tuple[AnyField, ...]:
    """The fields open to the applicant now: all in a draft, those asked for in a returned file."""
    targets = case.get("open_fields")
    if targets is None:
        return tuple(flow.fields)
    names = {target.strip("/").split("/")[0] for target in targets if target.startswith("/")}
    return tuple(item for item in flow.fields if item.name in names)


@web.route("/cases/<ref>/edit", methods=["GET", "POST"])
def edit(ref: str) -> Any:
    """Change a draft, or what was asked for."""
    actor = login.needed()
    case = read_case(office(), actor, ref)
    if case["kind"] not in ("visit", "interview") or case.get("open_fields") == []:
        raise NotFound()
    flow = FLOWS[case["kind"]]
    declared = open_part(flow, case)
    more = {
        "case": case, "declared": declared, "attached": papers(office(), actor, ref), "keyed": False, "behalf": {},
        "labels": {item["target"]: queries.declared(flow, item["target"]) for item in case.get("items", ())},
    }  # fmt: skip
    if request.method == "GET":
        return _form(flow, forms.stored(declared, case["fields"]), {}, **more)
    values = forms.typed(declared, request.form)
    if forms.changed_rows(declared, values, request.form):
        return _form(flow, values, {}, **more)
    if request.form.get("then") == "preview" and case["state"] == "draft":
        return _previewed(flow, values, sorted({paper["name"] for paper in more["attached"] if paper["current"]}), **more)
    if _asked_back(flow, values):
        return _form(flow, values, {}, asked_back=True, **more)
    version = request.form.get("version", "")
    try:
        edit_case(
            office(), actor, ref, forms.to_json(declared, values, keep_empty=True), version=int(version) if version.isdigit() else None, request_id=request_id()
        )
    except Invalid as invalid:
        return _form(flow, values, sentences(invalid.fields), 422, **more)
    except WorkflowError as error:
        return _form(flow, values, {"_": [label(error.message)]}, 412, **more)
    flash(t("Đã lưu.", "Saved."))
    if request.form.get("then") == "submit":
        action = {"draft": "submit", "supplement_required": "resubmit", "clarification_required": "clarify"}[case["state"]]
        return redirect(f"/cases/{case['id']}/do/{action}#main", 303)
    return redirect(f"/cases/{case['id']}/edit#main", 303)


@web.post("/cases/<ref>/papers/<name>")
def upload(ref: str, name: str) -> Any:
    """Attach a paper and come back to where it was done."""
    actor = login.needed()
    case = read_case(office(), actor, ref)
    sent = request.files.get("file")
    back = f"/cases/{case['id']}/edit#papers" if case.get("open_fields") != [] and case["kind"] in ("visit", "interview") else f"/cases/{case['id']}#papers"
    try:
        if sent is None or not sent.filename:
            raise Invalid({"file": [FAULTS["empty"]]})
        _, stored = received(ref, name, sent)
    except NotFound:
        raise
    except WorkflowError as error:
        texts = [x for found in getattr(error, "fields", {}).values() for x in found] or [error.message]
        flash(" ".join(label(text) for text in texts), "error")
        return redirect(back.replace("#papers", "#main"), 303)  # the message stands at the top
    if stored["held"]:
        why = label(queries.HELD[stored["held"]].as_dict())
        flash(t("Đã tải lên và giữ lại: {why}. Người khác chưa xem được, đến khi cán bộ xác nhận tệp không mật.",
                "Uploaded and held back: {why}. Nobody else sees it until an officer confirms that it is not classified.", why=why))  # fmt: skip
    else:
        flash(t("Đã tải lên.", "Uploaded."))
    return redirect(back, 303)


# The countries and languages offered in forms; codes are ISO 3166 and ISO 639, other codes may be typed through the API.
COUNTRIES = (
    ("AU", "Úc", "Australia"), ("BE", "Bỉ", "Belgium"), ("CA", "Canada", "Canada"), ("CH", "Thụy Sĩ", "Switzerland"), ("CN", "Trung Quốc", "China"),
    ("CU", "Cuba", "Cuba"), ("DE", "Đức", "Germany"), ("ES", "Tây Ban Nha", "Spain"), ("FI", "Phần Lan", "Finland"), ("FR", "Pháp", "France"),
    ("GB", "Anh", "United Kingdom"), ("ID", "Indonesia", "Indonesia"), ("IN", "Ấn Độ", "India"), ("IT", "Ý", "Italy"), ("JP", "Nhật Bản", "Japan"),
    ("KH", "Campuchia", "Cambodia"), ("KR", "Hàn Quốc", "Korea"), ("LA", "Lào", "Laos"), ("MY", "Malaysia", "Malaysia"), ("NL", "Hà Lan", "Netherlands"),
    ("NO", "Na Uy", "Norway"), ("NZ", "New Zealand", "New Zealand"), ("PH", "Philippines", "Philippines"), ("PL", "Ba Lan", "Poland"),
    ("QA", "Qatar", "Qatar"), ("RU", "Nga", "Russia"), ("SE", "Thụy Điển", "Sweden"), ("SG", "Singapore", "Singapore"), ("TH", "Thái Lan", "Thailand"),
    ("TR", "Thổ Nhĩ Kỳ", "Türkiye"), ("US", "Hoa Kỳ", "United States"), ("VN", "Việt Nam", "Viet Nam"),
)  # fmt: skip
LANGUAGES = (
    ("vi", "Tiếng Việt", "Vietnamese"), ("en", "Tiếng Anh", "English"), ("de", "Tiếng Đức", "German"), ("es", "Tiếng Tây Ban Nha", "Spanish"),
    ("fi", "Tiếng Phần Lan", "Finnish"), ("fr", "Tiếng Pháp", "French"), ("ja", "Tiếng Nhật", "Japanese"), ("ko", "Tiếng Hàn", "Korean"),
    ("ru", "Tiếng Nga", "Russian"), ("zh", "Tiếng Trung", "Chinese"),
)  # fmt: skip


@web.app_template_global()
def language_name(code: str) -> str:
    """The name of a language of the list, else its code."""
    return next((t(vi, en) for known, vi, en in LANGUAGES if known == code), code)


@web.app_template_global()
def agency_name(code: str) -> Any:
    """The name of an organisation of the catalogue, else its code."""
    found = office().organisations.get(code)
    return label(found.name) if found else code


@web.app_template_global()
def basis_words(basis: str) -> str:
    """A provision in words: article and number of the text; the office's own rule said as such."""
    if basis == "office":
        return t("do cơ quan đặt", "set by the office")
    return label(law.words(office().profile.law, basis))


@web.app_template_global()
def entry_words(declared: tuple[AnyField, ...], name: str) -> str:
    """What a form calls an entry, out of its dotted name (`crew.0.role`); nothing where no such entry is declared."""
    items: tuple[AnyField, ...] = (*declared, *BEHALF)
    found: list[str] = []
    for part in name.removeprefix("on_behalf_of.").removeprefix("behalf.").split("."):
        if part.isdigit():
            found.append(str(int(part) + 1))
            continue
        item = next((x for x in items if x.name == part), None)
        if item is None:
            break
        found.append(label(item.label))
        items = () if isinstance(item, Field) else tuple(item.fields)
    return " · ".join(found)


@web.app_template_global()
def country_name(code: str) -> str:
    """The name of a country of the list, else its code."""
    return next((t(vi, en) for known, vi, en in COUNTRIES if known == code), code)
