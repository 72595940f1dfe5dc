"""The calendar in a real browser: no sideways scroll, no accessibility fault, the list on a phone and the table on a desk."""

from __future__ import annotations

import pytest

from workflow import clock, demo, users

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def scene(lite):
    """A guided visit today and a request at the desk."""
    stage = demo.Stage(lite)
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "guided")
    stage.file("vptt.lam", "visit")
    return stage.row(ref)["code"]


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_view_is_sound_at_both_widths(lite, person, scene, width, language):
    one = person("hd.thao", width=width)
    users.set_language(lite, users.actor_by_username(lite, "hd.thao"), language)
    for view in ("month", "week", "list"):
        page = one.go(f"/calendar?view={view}")
        one.check()
        assert page.locator("table.cal").is_visible() == (width > 880 and view != "list")
        assert page.locator(".cal-entries").first.is_visible() == (width < 880 or view == "list")
    one.go("/calendar?month=9999-99")
    one.check()


def test_the_keyboard_reaches_every_link_of_a_day(person, scene):
    page = person("hd.thao").go("/calendar")
    wanted = page.locator(f"td.is-today a[href='/cases/{scene}']").first
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.evaluate("link => link === document.activeElement"):
            break
    assert wanted.evaluate("link => link === document.activeElement")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{scene}")


def test_the_address_is_shown_once_and_copied_whole(person, scene, site):
    one = person("hd.thao")
    page = one.go("/account")
    page.click("#feed button")
    one.check()
    address = page.locator("#feed-address").input_value()
    assert address.startswith(f"{site}/api/v1/calendar.ics?token=") and page.request.get(address).status == 200
    one.go("/account")
    one.check()
    assert address not in page.content() and f"{clock.today():%d/%m/%Y}" in page.inner_text("#feed")
