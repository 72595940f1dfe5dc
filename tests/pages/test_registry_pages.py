"""The box of matches and the registry in a real browser: sound at both widths, settled by keyboard, nothing scrolls sideways."""

from __future__ import annotations

import pytest

from workflow import demo, users

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pair(lite):
    """Codes of two visits of one crew, the first held by an officer."""
    stage = demo.Stage(lite)
    one, other = (stage.file(who, "visit") for who in ("vptt.han", "vptt.lam"))
    stage.act("motcua.mai", one, "accept", officer="cv.binh")
    return stage.row(one)["code"], stage.row(other)["code"]


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_is_sound_at_both_widths(lite, person, pair, width, language):
    one = person("cv.binh", width=width)
    users.set_language(lite, users.actor_by_username(lite, "cv.binh"), language)
    page = one.go("/registry")
    one.check()
    page.click("table.t tbody tr:first-child td:first-child a")
    one.check()
    one.go("/registry/people")
    one.check()
    one.go("/registry/people?q=a")
    one.check()
    one.go("/registry/people?q=aino")
    page.click("table.t tbody tr:first-child td:first-child a")
    one.check()
    one.go(f"/cases/{pair[0]}")
    page.click("#matches details summary")
    one.check()


def test_it_is_settled_by_the_keyboard_alone(lite, person, pair):
    page = person("cv.binh").go(f"/cases/{pair[0]}")
    users.set_language(lite, users.actor_by_username(lite, "cv.binh"), "vi")
    page.focus("#matches details summary")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Hai đoàn khác nhau.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/*#main")
    assert "Đã ghi vào lịch sử hồ sơ" in page.inner_text("main") and "Hai đoàn khác nhau." in page.inner_text("#timeline")
    assert page.locator("#matches").count() == 0
    person("cv.binh").check()
