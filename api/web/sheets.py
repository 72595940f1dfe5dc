"""Sheets to print, sign and seal: the filled request in both languages, and the notice to the Ministry.

Laid out after forms 04/BC-BNG and 01/BC-BNG (Nghị định 262/2026, annex) as far as they are known.
"""

from __future__ import annotations

from typing import Any

from flask import render_template
from markupsafe import Markup, escape

from api import login
from api.web import web
from api.web.apply import country_names, office
from states import FLOWS
from states.language import AnyField, Choice, Field, Text
from workflow import categories as known_categories
from workflow import clock, read_case
from workflow.errors import NotFound


def _sheet(ref: str, template: str) -> Any:
    case = read_case(office(), login.needed(), ref)
    flow = FLOWS[case["kind"]]
    if not flow.screens:
        raise NotFound()
    category = known_categories.categories().get(str(case["fields"].get("category") or ""))
    return render_template(
        template, case=case, flow=flow, fields=case["fields"], form=category.form if category else "", category=category, today=clock.today(),
        named={item.name: item for item in flow.fields},
    )  # fmt: skip


@web.get("/cases/<ref>/form")
def form_sheet(ref: str) -> Any:
    """The request as it was typed, to be printed, signed and sealed."""
    return _sheet(ref, "sheets/request.html")


@web.get("/cases/<ref>/ministry-notice")
def notice_sheet(ref: str) -> Any:
    """The notice that a resident bureau sends the Ministry at the same time (Nghị định 262/2026 art. 16)."""
    return _sheet(ref, "sheets/ministry_notice.html")


@web.app_template_global()
def text_of(vi: str, en: str) -> Text:
    """A text of the sheet itself in both languages."""
    return Text(vi, en)


@web.app_template_global()
def both(text: Text, between: str = " / ") -> Any:
    """A text in both languages, once where they are the same."""
    return text.vi if text.vi == text.en else Markup('{}{}<span lang="en"><i>{}</i></span>').format(text.vi, between, text.en)


@web.app_template_global()
def in_both(item: Field, value: Any) -> Any:
    """A value as a bilingual sheet shows it; a blank line where there is none."""
    if value in (None, "", []):
        return Markup('<span class="blank"></span>')
    if item.type in ("choice", "choices"):
        return Markup("; ").join(both(_label(item.choices, code)) for code in (value if isinstance(value, list) else [value]))
    if item.type == "country":
        return both(country_names(value))
    if item.type == "date":
        return f"{value[8:10]}/{value[5:7]}/{value[:4]}"
    if item.type == "moment":
        return f"{clock.local(clock.moment(value)):%H:%M, %d/%m/%Y}"
    if item.type == "bool":
        return both(Text("có", "yes"))
    return escape(str(value))


def _label(choices: tuple[Choice, ...], code: str) -> Text:
    return next((choice.label for choice in choices if choice.code == code), Text(code, code))


@web.app_template_global()
def part(declared: tuple[AnyField, ...], name: str) -> AnyField:
    """One declared field by its name."""
    return next(item for item in declared if item.name == name)
