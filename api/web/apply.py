"""Filing: choose a kind, fill in the form, attach papers, send."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request

from api import login
from api.language import current, label, t
from api.rest.cases import received
from api.web import web
from states import FLOWS
from states.language import AnyField, Field, Text
from workflow import categories as known_categories
from workflow import law, queries, read_case, world
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
        "countries": world.countries(current()), "languages": world.languages(current()), "suggest": {**SUGGESTED, "communes": [value for value, _ in office().places.choices()]},
    }  # fmt: skip


@web.get("/apply")
def apply() -> Any:
    """The first question: who files. The answer decides form, papers, clock and who decides."""
    may_file()
    told = told_categories()
    return render_template("apply.html", groups=[(heading, [told[code] for code in codes]) for heading, codes in known_categories.GROUPS])


def may_file() -> Any:
    """Who may file a request: applicants, and the desk for one who filed on paper."""
    actor = login.needed()
    if not actor.has("applicant", "intake"):
        raise RoleRefused(())
    return actor


@web.get("/apply/elsewhere/<key>")
def apply_elsewhere(key: str) -> Any:
    """What the province may not decide: why, where to go, and the way on for whoever still wants a written answer."""
    may_file()
    found = known_categories.NATIONAL_LEADER if key == known_categories.NATIONAL_LEADER.key else known_categories.referral_of(key)
    if found is None:
        raise NotFound()
    onward = "/apply/interview?category=A2" if found is known_categories.NATIONAL_LEADER else f"/apply/visit?category={found.key}"
    return render_template("apply_elsewhere.html", referral=found, onward=onward)


def flash_refusal(error: WorkflowError) -> None:
    """Tell on the next page why something was refused: what is wrong with what was given, else the refusal itself."""
    texts = [text for found in getattr(error, "fields", {}).values() for text in found] or [error.message]
    flash(" ".join(label(text) for text in texts), "error")


@web.post("/cases/<ref>/papers/<name>")
def upload(ref: str, name: str) -> Any:
    """Attach a paper and come back to where it was done."""
    actor = login.needed()
    case = read_case(office(), actor, ref)
    sent = request.files.get("file")
    back = f"/cases/{case['id']}/edit/papers#papers" if case["state"] == "draft" else f"/cases/{case['id']}#papers"
    try:
        if sent is None or not sent.filename:
            raise Invalid({"file": [FAULTS["empty"]]})
        _, stored = received(ref, name, sent)
    except NotFound:
        raise
    except WorkflowError as error:
        flash_refusal(error)
        return redirect(back.replace("#papers", "#main"), 303)  # the message stands at the top
    if stored["held"]:
        why = label(queries.HELD[stored["held"]].as_dict())
        flash(t("Đã tải lên và giữ lại: {why}. Người khác chưa xem được, đến khi cán bộ xác nhận tệp không mật.",
                "Uploaded and held back: {why}. Nobody else sees it until an officer confirms that it is not classified.", why=why))  # fmt: skip
    else:
        flash(t("Đã tải lên.", "Uploaded."))
    return redirect(back, 303)


SUGGESTED = {"equipment": ("Máy quay", "Máy ảnh", "Ống kính", "Micrô", "Đèn", "Chân máy", "Máy ghi âm", "Máy tính xách tay", "Flycam", "Bộ truyền tín hiệu")}


@web.app_template_global()
def language_name(code: str) -> str:
    """The name of a language, else its code."""
    return label(world.language(code)) or code


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
def country_names(code: str) -> Text:
    """The names of a country of the list, else its code."""
    return world.country(code) or Text(code, code)


@web.app_template_global()
def country_name(code: str) -> str:
    """The name of a country in the reader's language."""
    return label(country_names(code))
