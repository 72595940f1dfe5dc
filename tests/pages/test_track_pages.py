"""The public pages and the receipt in a real browser: both languages, phone and desk, without a script."""

from __future__ import annotations

import pytest

from workflow import demo, pins

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def refused(lite):
    """A refused visit that is late: code and figures."""
    stage = demo.Stage(lite)
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_committee", word="reject")
    stage.act("ubnd.quang", ref, "reject", grounds=["safety"], reason="Địa điểm đang phòng chống thiên tai.", alternatives="Dời sang tháng sau.")
    with lite.db.read() as connection:
        return stage.row(ref)["code"], pins.of(lite, connection, ref)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_from_the_front_page_to_the_case_and_on(person, refused, width, language):
    code, pin = refused
    visitor = person(None, width=width)
    page = visitor.go("/")
    if page.get_attribute("html", "lang") != language:
        page.click(f"button[lang={language}]")
    visitor.check()
    page.fill("#code", code.lower())
    page.fill("#pin", pin)
    page.click(".track-form button")
    assert page.url.endswith("/track") and pin not in page.url
    assert page.inner_text("h1") == {"vi": "Đã có kết quả: không chấp thuận", "en": "Decided: refused"}[language]
    visitor.check(after=f"tracked {language}")
    page.click("nav button[name=language]")
    assert page.inner_text("h1") == {"en": "Đã có kết quả: không chấp thuận", "vi": "Decided: refused"}[language], "the switch keeps the page"
    page.click("nav button[name=language]")
    visitor.go(f"/track/{code}")
    assert page.evaluate("document.activeElement.id") == "pin", "the code is filled in, the figures are asked for"
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    assert page.inner_text("[role=alert]") and page.input_value("#code") == code
    visitor.check(after=f"refused {language}")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_receipt_and_the_way_on_after_a_refusal(person, refused, width):
    code, pin = refused
    applicant = person("vptt.han", width=width)
    page = applicant.go(f"/cases/{code}")
    applicant.check()
    assert "Dời sang tháng sau." in page.inner_text(".guidance") and pin in page.inner_text("main")
    page = applicant.go(f"/cases/{code}/receipt")
    applicant.check()
    assert pin in page.inner_text(".receipt") and page.evaluate("document.querySelector('.receipt img').naturalWidth") > 100
    page.emulate_media(media="print")
    assert not page.is_visible(".masthead") and page.is_visible(".receipt")
    pdf = page.pdf(prefer_css_page_size=True)
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") + pdf.count(b"/Type /Page/") <= 1, "one sheet of A4"
    page.emulate_media(media="screen")


def test_without_a_script(chromium, site, refused):
    code, pin = refused
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/track/{code}")
    page.fill("#pin", pin)
    page.click("main form button")
    assert "Đã có kết quả" in page.inner_text("h1")
    context.close()
