"""A real server and a real browser. Where there is no Chromium the tests say so and are skipped."""

from __future__ import annotations

import re
import shutil
import threading
from urllib.parse import urlsplit

import pytest

from tests.servers import http_server
from workflow import demo, worker

# The Chromium without windows first: it draws the same pages with a third of the work.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def site(app, lite):
    """The address of a running service with its worker."""
    stop = threading.Event()
    delivering = threading.Thread(target=worker.run, args=(lite, stop, 0.2), daemon=True)
    with http_server(app, threads=4) as port:
        delivering.start()
        yield f"http://127.0.0.1:{port}"
        stop.set()
        delivering.join(60)


@pytest.fixture(scope="module")
def chromium():
    """A headless browser."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: browser tests are skipped")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


# Levels A and AA; what is in order is not written out.
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
READ: set[tuple[str | None, ...]] = set()  # kinds of pages that axe has read


class Person:
    """One person at one browser window; every page is checked for console errors, outside requests and axe."""

    def __init__(self, chromium, site: str, username: str | None, width: int = 1280, language: str = "vi"):
        self.site, self.username = site, username
        self.context = chromium.new_context(viewport={"width": width, "height": 900})
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type == "error" and "status of 4" not in m.text else None)
        self.page.on("request", lambda r: self.faults.append(f"outside: {r.url}") if not r.url.startswith((site, "data:")) else None)
        self.page.on("pageerror", lambda e: self.faults.append(str(e)))
        if username:
            self.go("/sign-in")
            self.page.fill("#username", username)
            self.page.fill("#password", demo.PASSWORD)
            self.press("main button")
        if language == "en":  # it is kept with the account: give it back with `vietnamese`
            self.menu()
            self.press("button[lang=en]")

    def menu(self) -> None:
        """Unfold the menu of a narrow screen."""
        self.page.wait_for_load_state()  # the script that folds it has run then
        key = self.page.locator(".menu-key[aria-expanded=false]:visible")
        if key.count():
            key.click()

    def vietnamese(self) -> None:
        """Give the account its language back."""
        if self.page.get_attribute("html", "lang") == "en":
            self.menu()
            self.press("button[lang=vi]")

    def press(self, selector: str) -> None:
        """Press a button that leads to a page."""
        with self.page.expect_navigation():
            self.page.click(selector)

    def go(self, path: str):
        self.page.goto(self.site + path)
        return self.page

    def check(self, after: str = ""):
        """No console error, no outside request, no axe violation of level A or AA, no sideways scroll.

        Axe reads a page once of each kind: the same form, or the page after the same action, is not read again.
        """
        self.page.wait_for_load_state()  # on a busy machine a button's answer has come, but not yet its page
        assert not self.faults, (self.page.url, self.faults)
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, (self.page.url, f"{wide} px sideways")
        kind = (
            re.sub(r"/cases/[^/?#]+", "/cases/x", urlsplit(self.page.url).path),
            after,
            str(self.page.viewport_size),
            self.page.get_attribute("html", "lang"),
        )
        if after and kind in READ:
            return
        READ.add(kind)
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page, options=WCAG).response["violations"]
        told = [(v["id"], [n["html"][:120] for n in v["nodes"][:2]]) for v in found]
        assert not told, (self.page.url, told)

    def do(self, ref: str, action: str, fill=None):
        """Open the form of an action, fill it in, press its button; the case page must say that it is done."""
        self.go(f"/cases/{ref}/do/{action}")
        self.check(after=f"before {action}")
        if fill:
            fill(self.page)
        self.press("button[name=go]")
        assert "/do/" not in self.page.url, self.page.inner_text("main")[:1500]
        self.check(after=action)
        return self.page


@pytest.fixture(scope="module")
def person(chromium, site):
    """Signed-in people by name."""
    known: dict[str, Person] = {}

    def get(username: str, **rest) -> Person:
        key = f"{username}{rest}"
        if key not in known:
            known[key] = Person(chromium, site, username, **rest)
        return known[key]

    yield get
    for one in known.values():
        one.context.close()
