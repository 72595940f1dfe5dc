"""Types a dossier into the form as a person would: screen by screen, row by row, by what each entry is."""

from __future__ import annotations

from states import FLOWS
from states.language import Field, Group, Rows
from workflow import clock, demo

PDF = {"name": "de-nghi.pdf", "mimeType": "application/pdf", "buffer": demo.PDF}


def put(page, item: Field, name: str, value) -> None:
    """One entry, as its declaration says."""
    at = f"[name='{name}']"
    if item.type == "bool":
        page.set_checked(at, bool(value))
    elif item.type == "choices":
        for code in value:
            page.check(f"{at}[value={code}]")
    elif item.type in ("choice", "country", "language", "agency"):
        page.select_option(at, value)
    elif item.type == "moment":
        page.fill(at, f"{clock.local(clock.moment(value)):%Y-%m-%dT%H:%M}" if value.endswith("Z") else value)
    else:
        page.fill(at, str(value))


def add_rows(page, name: str, wanted: int) -> None:
    """Press “add” until there are so many rows."""
    while page.locator(f"fieldset[id='{name}'] > .row-card").count() < wanted:
        before = page.locator(f"fieldset[id='{name}'] > .row-card").count()
        page.click(f"button[name=add][value='{name}']")
        page.locator(f"fieldset[id='{name}'] > .row-card").nth(before).wait_for()


def put_rows(page, item: Rows, name: str, rows) -> None:
    """All rows of a list, with the lists inside them."""
    add_rows(page, name, len(rows))
    for index, row in enumerate(rows):
        put_all(page, item.fields, row, f"{name}.{index}.")


def put_all(page, declared, values, at: str = "") -> None:
    """Every value that is given, those that others depend on first."""
    for item in sorted(declared, key=lambda x: x.when is not None):
        value = values.get(item.name)
        if value in (None, "", [], {}):
            continue
        if isinstance(item, Field):
            put(page, item, f"{at}{item.name}", value)
        elif isinstance(item, Group):
            put_all(page, item.fields, value, f"{at}{item.name}.")
        else:
            put_rows(page, item, f"{at}{item.name}", value)


def fill_screens(person, kind: str, values, *, check: bool = False) -> str:
    """The whole form from its first screen to the papers; answers the id of the draft."""
    flow, page = FLOWS[kind], person.page
    person.go(f"/apply/{kind}?category={values['category']}")
    for screen in flow.screens:
        if check:
            person.check("form")
        put_all(page, [item for item in flow.fields if item.name in screen.fields], values)
        go_on(page)
    return ref_of(page)


def go_on(page) -> None:
    """Press the main button of a screen; the next one is there, scripts and all, when this returns."""
    here = page.url.split("#")[0]
    page.click("#wizard .bar .btn-main")
    page.wait_for_url(lambda url: "/cases/" in url and url.split("#")[0] != here and "/edit/" in url)
    page.wait_for_load_state("load")


def ref_of(page) -> str:
    """The id in the address of a case's page."""
    return page.url.split("/cases/")[1].split("/")[0].split("#")[0]


def send(person, ref: str) -> str:
    """Upload the request and send; answers the printed code."""
    page = person.go(f"/cases/{ref}/edit/papers")
    page.set_input_files("#p-request", PDF)
    page.check("form[action$='/papers/request'] [name=not_classified]")
    page.click("form[action$='/papers/request'] button")
    assert "de-nghi.pdf" in page.inner_text("#papers")
    page = person.go(f"/cases/{ref}/edit/check")
    person.check("form")
    page.check("[name=undertaking]")
    page.click("#send button[name=go]")
    assert "/do/" not in page.url and "/edit/" not in page.url, page.inner_text("main")[:1500]
    person.check("submit")
    return ref_of(page)
