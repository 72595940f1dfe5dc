"""Types a dossier into the form: screen by screen, row by row, by what each entry is, with a mouse or by the keyboard alone."""

from __future__ import annotations

import re
from datetime import datetime

from playwright.sync_api import TimeoutError

from states import FLOWS
from states.language import Field, Group, Rows
from workflow import clock, demo

PDF = {"name": "de-nghi.pdf", "mimeType": "application/pdf", "buffer": demo.PDF}


class Mouse:
    """A page worked as a hand on a mouse would, at once and without the way there."""

    def __init__(self, page):
        self.page = page

    def press(self, selector: str) -> None:
        self.page.click(selector)

    def type(self, selector: str, text: str) -> None:
        self.page.fill(selector, text)

    def choose(self, selector: str, value: str) -> None:
        self.page.select_option(selector, value)

    def tick(self, selector: str, wanted: bool = True) -> None:
        self.page.set_checked(selector, wanted)

    def upload(self, selector: str, file) -> None:
        self.page.set_input_files(selector, file)


class Keys:
    """A page worked by the keyboard alone: Tab to a control, then what one presses there. It is worked as the browser's locale en-US has it."""

    def __init__(self, page):
        self.page = page

    def to(self, selector: str, within: int = 1500) -> None:
        """Press Tab until the control has the focus, so many times at most; past the end of the page it starts again at its top."""
        for _ in range(within):
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never came to {selector}")

    def press(self, selector: str, key: str = "Enter") -> None:
        self.to(selector)
        self.page.keyboard.press(key)

    def type(self, selector: str, text: str) -> None:
        """Write over what stands there. Dates and times are typed figure by figure, as their boxes take them."""
        self.to(selector)
        kind, keyboard = self.page.evaluate("document.activeElement.type"), self.page.keyboard
        if kind in ("date", "time", "datetime-local"):
            day, _, hour = text.partition("T") if kind == "datetime-local" else (text, "", "") if kind == "date" else ("", "", text)
            if day:
                keyboard.type(day[5:7] + day[8:10] + day[:4])
            if day and hour:
                keyboard.press("ArrowRight")
            if hour:
                keyboard.type(f"{datetime.strptime(hour[:5], '%H:%M'):%I%M%p}")
            return
        keyboard.press("Control+A")
        keyboard.insert_text(text) if text else keyboard.press("Delete")

    def choose(self, selector: str, value: str) -> None:
        """Type the first letters of a choice, as far as the keyboard has them, and go up or down the list from there."""
        self.to(selector)
        label = self.page.evaluate("value => [...document.activeElement.options].find(o => o.value === value)?.text ?? ''", value)
        self.page.keyboard.type(re.match("[a-z]*", label, re.ASCII | re.IGNORECASE)[0])
        steps = self.page.evaluate(
            "value => [...document.activeElement.options].findIndex(o => o.value === value) - document.activeElement.selectedIndex", value
        )
        for _ in range(abs(steps)):
            self.page.keyboard.press("ArrowDown" if steps > 0 else "ArrowUp")
        assert self.page.evaluate("document.activeElement.value") == value

    def tick(self, selector: str, wanted: bool = True) -> None:
        self.to(selector)
        if self.page.evaluate("document.activeElement.checked") != wanted:
            self.page.keyboard.press("Space")

    def pick(self, selector: str, value: str) -> None:
        """Go through a group of radio buttons to one of them."""
        self.to(selector)
        self.page.keyboard.press("Space")
        for _ in range(50):
            if self.page.evaluate("document.activeElement.value") == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no {value} in {selector}")

    def upload(self, selector: str, file) -> None:
        """Open the system's file dialogue from the control; what is picked there is not the page's."""
        self.page.wait_for_load_state()
        for key in ("Space", "Enter", "Space"):  # a busy browser may take a key before it opens dialogues for this page
            self.to(selector)
            try:
                with self.page.expect_file_chooser(timeout=5000) as chooser:
                    self.page.keyboard.press(key)
            except TimeoutError:
                continue
            chooser.value.set_files(file)
            return
        raise AssertionError(f"no dialogue for {selector}")


def put(hand, item: Field, name: str, value) -> None:
    """One entry, as its declaration says."""
    at = f"[name='{name}']"
    if item.type == "bool":
        hand.tick(at, bool(value))
    elif item.type == "choices":
        for code in value:
            hand.tick(f"{at}[value={code}]")
    elif item.type in ("choice", "country", "language", "agency"):
        hand.choose(at, value)
    elif item.type == "moment":
        hand.type(at, f"{clock.local(clock.moment(value)):%Y-%m-%dT%H:%M}" if value.endswith("Z") else value)
    else:
        hand.type(at, str(value))


def add_rows(hand, name: str, wanted: int) -> None:
    """Press “add” until there are so many rows."""
    page = hand.page
    while page.locator(f"fieldset[id='{name}'] > .row-card").count() < wanted:
        before = page.locator(f"fieldset[id='{name}'] > .row-card").count()
        hand.press(f"button[name=add][value='{name}']")
        page.locator(f"fieldset[id='{name}'] > .row-card").nth(before).wait_for()


def put_rows(hand, item: Rows, name: str, rows) -> None:
    """All rows of a list, with the lists inside them."""
    add_rows(hand, name, len(rows))
    for index, row in enumerate(rows):
        put_all(hand, item.fields, row, f"{name}.{index}.")


def put_all(hand, declared, values, at: str = "") -> None:
    """Every value that is given, those that others depend on first."""
    for item in sorted(declared, key=lambda x: x.when is not None):
        value = values.get(item.name)
        if value in (None, "", [], {}):
            continue
        if isinstance(item, Field):
            put(hand, item, f"{at}{item.name}", value)
        elif isinstance(item, Group):
            put_all(hand, item.fields, value, f"{at}{item.name}.")
        else:
            put_rows(hand, item, f"{at}{item.name}", value)


def fill_screens(person, kind: str, values, *, check: bool = False, hand=Mouse) -> str:
    """The whole form from its first screen to the papers; answers the id of the draft."""
    flow, page = FLOWS[kind], person.page
    person.go(f"/apply/{kind}?category={values['category']}")
    for screen in flow.screens:
        if check:
            person.check("form")
        put_all(hand(page), [item for item in flow.fields if item.name in screen.fields], values)
        go_on(page, hand)
    return ref_of(page)


def go_on(page, hand=Mouse) -> None:
    """Press the main button of a screen; the next one is there, scripts and all, when this returns."""
    step = page.inner_text("#left-all")  # not the address: that of a new draft changes with its first save
    hand(page).press("#wizard .bar .btn-main")
    try:
        page.locator("#left-all").filter(has_not_text=step).wait_for()
    except TimeoutError:
        raise AssertionError(f"still at {page.url}: {page.inner_text('main')[:1500]}") from None
    page.wait_for_load_state("load")


def ref_of(page) -> str:
    """The id in the address of a case's page."""
    return page.url.split("/cases/")[1].split("/")[0].split("#")[0]


def send(person, ref: str, hand=Mouse) -> str:
    """Upload the request and send; answers the printed code."""
    page = person.go(f"/cases/{ref}/edit/papers")
    works = hand(page)
    works.upload("#p-request", PDF)
    works.tick("form[action$='/papers/request'] [name=not_classified]")
    works.press("form[action$='/papers/request'] button")
    page.wait_for_url("**#papers")
    assert "de-nghi.pdf" in page.inner_text("#papers")
    page = person.go(f"/cases/{ref}/edit/check")
    person.check("form")
    works.tick("[name=undertaking]")
    with page.expect_navigation():
        works.press("#send button[name=go]")
    assert "/do/" not in page.url and "/edit/" not in page.url, page.inner_text("main")[:1500]
    person.check("submit")
    return ref_of(page)
