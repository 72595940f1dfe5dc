"""Sheets to print, sign and seal: the filled request in both languages, and the notice to the Ministry.

Laid out after forms 04/BC-BNG and 01/BC-BNG (Nghị định 262/2026, annex) as far as they are known.
"""

from __future__ import annotations

from typing import Any

from flask import render_template

from api import login
from api.web import web
from api.web.apply import office
from states import FLOWS
from states.language import AnyField, Text
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
def part(declared: tuple[AnyField, ...], name: str) -> AnyField:
    """One declared field by its name."""
    return next(item for item in declared if item.name == name)
