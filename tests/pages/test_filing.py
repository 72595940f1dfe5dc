"""Filing in a real browser: nothing typed is lost, whatever goes away in the middle."""

from __future__ import annotations

import hashlib
import io
import os
from datetime import timedelta

import pytest
from pypdf import PdfWriter

from states import FLOWS
from tests.pages.filing import PDF, Keys, Mouse, add_rows, fill_screens, go_on, ref_of, send
from workflow import clock, demo, edit_case, store

pytestmark = pytest.mark.browser


def large(today):
    """A visit of five people, eight activities in three communes, four devices; six questions at one of them."""
    example = FLOWS["visit"].example(today)
    later = (today + timedelta(days=700)).isoformat()
    roles = ("correspondent", "cameraman", "sound", "producer", "interpreter")
    example["crew"] = [
        {
            "name": f"AINO MALLI {n}",
            "role": role,
            "nationality": "FI",
            "passport_no": f"XQ900000{n}",
            "passport_expires_on": later,
            "card_no": f"M-9{n}",
            "card_expires_on": later,
        }
        for n, role in enumerate(roles)
    ]
    communes = (
        "Phường Cái Răng",
        "Phường Cái Răng",
        "Phường Cái Răng",
        "Xã Thới Lai",
        "Xã Thới Lai",
        "Phường Thới An Đông",
        "Phường Thới An Đông",
        "Phường Thới An Đông",
    )
    example["itinerary"] = [
        {
            "on": (today + timedelta(days=n // 4)).isoformat(),
            "from": f"{8 + 2 * (n % 4):02d}:00",
            "to": f"{9 + 2 * (n % 4):02d}:00",
            "commune": commune,
            "place": f"Điểm minh họa {n}",
            "activities": ["filming"],
            "host": f"Đơn vị minh họa {n}",
        }
        for n, commune in enumerate(communes)
    ]
    example["itinerary"][2] |= {
        "activities": ["filming", "interview"],
        "people": [{"name": "Ông Mẫu", "position": "Nông dân"}],
        "questions": [{"text": f"Câu hỏi minh họa số {n}?"} for n in range(6)],
    }
    example["equipment"] = [{"type": "Máy quay", "serial": f"MH-{n}", "quantity": 1} for n in range(4)]
    return example


def another_pdf():
    """A request that is not the one sent first."""
    made, out = PdfWriter(), io.BytesIO()
    made.add_blank_page(200, 300)
    made.write(out)
    return out.getvalue()


def stored(lite, ref):
    with lite.db.read() as connection:
        return store.load(connection, ref)["fields"]


def settled(page):
    """Wait until everything typed is on the server."""
    page.locator("#saved:not(.bad)", has_text=":").wait_for()
    page.wait_for_timeout(500)
    page.locator("#saved:not(.bad)", has_text=":").wait_for()


# Once in the ordinary suite; FPD_BROWSER=all for both languages at both widths.
EVERY = os.environ.get("FPD_BROWSER") == "all"
WAYS = [(1280, "vi"), *([(390, "vi"), (1280, "en"), (390, "en")] if EVERY else [])]


@pytest.mark.parametrize(("width", "language"), WAYS)
def test_a_large_visit_is_filed_returned_and_answered(person, lite, width, language):
    """Five people, eight rows in three communes, four devices, six questions; two entries and a paper come back; three differences are read. No mouse."""
    applicant, stage = person("vptt.han", width=width, language=language), demo.Stage(lite)
    ref = fill_screens(applicant, "visit", large(clock.today() + timedelta(days=20 + 10 * WAYS.index((width, language)))), check=True, hand=Keys)
    kept = stored(lite, ref)
    assert [len(kept[name]) for name in ("crew", "itinerary", "equipment")] == [5, 8, 4]
    assert len(kept["itinerary"][2]["questions"]) == 6 and len({row["commune"] for row in kept["itinerary"]}) == 3
    code = send(applicant, ref, Keys)
    assert code.startswith("CT-V-") and stage.row(ref)["state"] == "requested"

    desk = person("motcua.mai", width=width, language=language)
    page = desk.go(f"/cases/{code}/do/ask_supplement")
    number, place = f"/crew/{kept['crew'][1]['row']}/card_no", f"/itinerary/{kept['itinerary'][3]['row']}/place"
    keys = Keys(page)
    for target in (number, place, "paper:request"):
        box = f"details:has(input[value='{target}'])"
        if page.get_attribute(box, "open") is None:
            keys.press(f"{box} > summary")
        keys.tick(f"input[value='{target}']")
    with page.expect_navigation():
        keys.press("button[name=choose]")
    for index, reason in enumerate(("card_missing", "place_unclear", "paper_unreadable")):
        keys.pick(f"input[name='items.{index}.code']", reason)
    desk.check("slip")
    keys.type("[name=respond_by]", f"{clock.local(clock.now() + timedelta(days=2)):%Y-%m-%dT%H:%M}")
    with page.expect_navigation():
        keys.press("button[name=go]")
    assert stage.row(ref)["state"] == "supplement_required", page.inner_text("main")[:1500]

    page = applicant.go(f"/cases/{code}/answer")
    applicant.check()
    assert page.locator("form.answer input[type=text]:visible").count() == 2, "only what was asked for is open"
    keys = Keys(page)
    keys.type("[name='crew.1.card_no']", "M-0999")
    keys.type("[name='itinerary.3.place']", "Điểm minh họa đã sửa")
    keys.upload("[name='paper.request']", {**PDF, "name": "de-nghi-2.pdf", "buffer": another_pdf()})
    with page.expect_navigation():
        keys.press("button[value=send]")
    assert stage.row(ref)["state"] == "requested" and stage.row(ref)["round"] == 2, page.inner_text("main")[:1500]
    page = desk.go(f"/cases/{code}/do/accept")
    keys = Keys(page)
    keys.choose("[name=officer]", "cv.binh")
    with page.expect_navigation():
        keys.press("button[name=go]")
    assert stage.row(ref)["state"] == "under_review", page.inner_text("main")[:1500]
    officer = person("cv.binh", width=width, language=language)
    page = officer.go(f"/cases/{code}")
    officer.check("differences")
    told = page.locator("#differences tbody tr")
    assert told.count() == 3, page.inner_text("#differences")
    words = page.inner_text("#differences")
    assert "M-0999" in words and "Điểm minh họa đã sửa" in words and "de-nghi-2.pdf" in words
    for one in (applicant, desk, officer):
        one.vietnamese()


def test_the_form_is_filled_in_by_keyboard_alone(person, lite):
    """Every entry of a screen is reached by Tab in its order, the row is added and the screen is left by keys."""
    applicant = person("vptt.han")
    page = applicant.go("/apply/visit?category=A1")
    _tab_to(page, "outlet.name")
    page.keyboard.type("Hãng gõ phím")
    _tab_to(page, "outlet.country")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    chosen = page.input_value("[name='outlet.country']")
    page.keyboard.press("Tab")
    _press(page, "#wizard .bar .btn-main", "Enter")
    page.wait_for_url("**/edit/content*")
    ref = ref_of(page)
    assert stored(lite, ref)["outlet"] == {"name": "Hãng gõ phím", "country": chosen} and chosen
    page = applicant.go(f"/cases/{ref}/edit/crew")
    names = page.eval_on_selector_all("#crew .row-card input:not([type=hidden]), #crew .row-card select", "all => all.map(one => one.name)")
    met = [_tab_to(page, name) for name in names]
    assert met == sorted(met), "the order of the keyboard is the order of the page"
    _press(page, "button[name=add][value=crew]", "Enter")
    page.locator("[id='crew.1']").wait_for()
    _tab_to(page, "crew.1.name")
    page.keyboard.type("AINO MALLI")
    page.keyboard.press("Tab")
    settled(page)
    assert stored(lite, ref)["crew"][1]["name"] == "AINO MALLI"
    applicant.check()


def test_a_visit_and_its_interview_are_sent_with_one_press_by_keyboard(person, lite):
    """The interview of a programme row: opened from the check, given the visit's letter, sent with the visit; two numbers, two dates."""
    applicant, stage = person("vptt.han"), demo.Stage(lite)
    example = FLOWS["visit"].example(clock.today() + timedelta(days=90))
    example["itinerary"][0]["leader"] = "vp_ubnd"
    visit = stage.file("vptt.han", "visit", fields=example, submit=False)
    page = applicant.go(f"/cases/{visit}/edit/check")
    page.click("#linked button")
    interview = ref_of(page)
    assert interview != visit
    given = {name: value for name, value in FLOWS["interview"].example(clock.today() + timedelta(days=90)).items() if name != "crew"}
    edit_case(lite, stage.actor("vptt.han"), interview, given, version=stage.row(interview)["version"])
    page = applicant.go(f"/cases/{visit}/edit/check")
    assert "Còn thiếu" in page.inner_text("#together") and page.locator("[name=with]").count() == 0
    applicant.check("an interview that lacks its letter")
    _press(page, "form[action$='/same-letter'] button", "Enter")
    page.locator("[name=with]").wait_for()
    assert page.is_checked("[name=with]") and "request" in stage.row(interview)["papers"]
    applicant.check("an interview that is ready")
    _tab_to(page, "with")
    _tab_to(page, "undertaking")
    page.keyboard.press("Space")
    _press(page, "#send button[name=go]", "Enter")
    page.wait_for_url("**/sent*")
    applicant.check("sent")
    told = page.inner_text("main")
    assert stage.row(visit)["code"] in told and stage.row(interview)["code"] in told and told.count("Hạn trả lời") == 2


def _tab_to(page, name):
    """Press Tab until an entry has the focus; answers where it stands in the order of the page."""
    Keys(page).to(f"[name='{name}']", within=200)
    return page.evaluate("[...document.querySelectorAll('input, select, textarea, button, a, summary')].indexOf(document.activeElement)")


def _press(page, selector, key):
    """Press Tab until a button has the focus, then the key."""
    Keys(page).to(selector, within=300)
    page.keyboard.press(key)
    page.wait_for_load_state()


def test_every_entry_is_on_the_server_before_the_screen_is_left(person, lite):
    applicant = person("vptt.han")
    page = applicant.go("/apply/visit?category=A1")
    page.fill("[name='outlet.name']", "Hãng vừa gõ")
    page.press("[name='outlet.name']", "Tab")
    settled(page)
    ref = ref_of(page)
    assert stored(lite, ref)["outlet"]["name"] == "Hãng vừa gõ"
    page.select_option("[name='outlet.country']", "FI")
    settled(page)
    assert stored(lite, ref)["outlet"]["country"] == "FI"
    page = applicant.go(f"/cases/{ref}/edit/crew")
    add_rows(Mouse(page), "crew", 2)
    page.fill("[name='crew.1.name']", "AINO MALLI")
    page.press("[name='crew.1.name']", "Tab")
    settled(page)
    first = stored(lite, ref)["crew"]
    page.fill("[name='crew.1.passport_no']", "XQ1234567")
    page.press("[name='crew.1.passport_no']", "Tab")
    settled(page)
    again = stored(lite, ref)["crew"]
    assert again[1]["passport_no"] == "XQ1234567" and [row["row"] for row in first] == [row["row"] for row in again], "a row keeps its id"
    applicant.check()


def test_the_network_goes_and_comes_back(person, lite):
    applicant = person("vptt.han")
    page = applicant.go("/apply/visit?category=A1")
    go_on(page)
    ref = ref_of(page)
    applicant.context.set_offline(True)
    try:
        page.fill("[name=title]", "Gõ khi mất mạng")
        page.press("[name=title]", "Tab")
        page.locator("#saved.bad").wait_for()
        assert "Mất kết nối" in page.inner_text("#saved") and "title" not in stored(lite, ref)
    finally:
        applicant.context.set_offline(False)
        applicant.faults.clear()  # the browser itself complains of requests without a network
    settled(page)
    assert stored(lite, ref)["title"] == "Gõ khi mất mạng"


def test_a_press_is_not_lost_when_a_save_is_answered_under_the_finger(person, lite):
    """What a save has to say moves the button: it waits until the button is let go."""
    applicant = person("vptt.han")
    page = applicant.go("/apply/visit?category=A1")
    go_on(page)
    ref = ref_of(page)
    applicant.go(f"/cases/{ref}/edit/crew")
    page.set_viewport_size({"width": 1280, "height": 4000})  # the bar is at its place under the form, not at the foot of the window
    held = []
    page.route("**/edit/crew", lambda route: held.append(route))
    with page.expect_request(lambda asked: asked.method == "POST"):
        page.fill("[name='crew.0.passport_expires_on']", "2001-01-01")
        page.press("[name='crew.0.passport_expires_on']", "Tab")
    box = page.locator("#wizard .bar .btn-main").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 5)
    page.mouse.down()
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        held.pop().continue_()
    page.unroute("**/edit/crew")
    page.wait_for_timeout(300)
    page.mouse.up()
    page.wait_for_url("**/edit/programme*")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_the_session_ends_and_the_post_is_offered_again(person, lite):
    applicant = person("vptt.han", width=1281)
    page = applicant.go("/apply/visit?category=A1")
    go_on(page)
    ref = ref_of(page)
    token = next(c["value"] for c in applicant.context.cookies() if c["name"] == "fpd")
    mine = hashlib.sha256(token.encode()).hexdigest()
    assert lite.db.transact(lambda c: store.execute(c, "UPDATE user_session SET expires_at = '2000-01-01T00:00:00.000000Z' WHERE id_hash = :id", id=mine))
    page.fill("[name=title]", "Gõ khi phiên đã hết")
    page.press("[name=title]", "Tab")
    page.locator("#saved.bad").wait_for()
    page.fill("[name=purpose]", "Mục đích gõ sau đó")
    applicant.press("#wizard .bar .btn-main")
    assert "Những gì Ông/Bà vừa nhập được giữ lại" in page.inner_text("main")
    applicant.check()
    page.fill("#username", "vptt.han")
    page.fill("#password", demo.PASSWORD)
    applicant.press("main button")
    assert "Nội dung đã nhập vẫn còn" in page.inner_text("main")
    applicant.check()
    applicant.press("main .btn-main")
    kept = stored(lite, ref)
    assert kept["title"] == "Gõ khi phiên đã hết" and kept["purpose"] == "Mục đích gõ sau đó"


def test_the_browser_keeps_nothing(person, lite):
    applicant = person("vptt.han")
    page = applicant.go("/apply/visit?category=A1")
    go_on(page)
    page = applicant.go(f"/cases/{ref_of(page)}/edit/crew")
    page.fill("[name='crew.0.passport_no']", "XQ7654321")
    page.press("[name='crew.0.passport_no']", "Tab")
    settled(page)
    held = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert held == "[{},{}]" and not page.evaluate("indexedDB.databases().then(found => found.length)")
    applicant.check()
