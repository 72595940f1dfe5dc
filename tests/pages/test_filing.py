"""Filing in a real browser: nothing typed is lost, whatever goes away in the middle."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from states import FLOWS
from tests.pages.filing import add_rows, fill_screens, ref_of, send
from workflow import clock, demo, store

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


def stored(lite, ref):
    with lite.db.read() as connection:
        return store.load(connection, ref)["fields"]


def settled(page):
    """Wait until everything typed is on the server."""
    page.locator("#saved:not(.bad)", has_text=":").wait_for()
    page.wait_for_timeout(500)
    page.locator("#saved:not(.bad)", has_text=":").wait_for()


def test_five_people_eight_rows_four_devices(person, lite):
    applicant = person("vptt.han")
    values = large(clock.today() + timedelta(days=20))
    ref = fill_screens(applicant, "visit", values)
    kept = stored(lite, ref)
    assert [len(kept[name]) for name in ("crew", "itinerary", "equipment")] == [5, 8, 4]
    assert len(kept["itinerary"][2]["questions"]) == 6 and len({row["commune"] for row in kept["itinerary"]}) == 3
    code = send(applicant, ref)
    assert code.startswith("CT-V-") and demo.Stage(lite).row(ref)["state"] == "requested"


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
    add_rows(page, "crew", 2)
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
    page.click("#wizard .bar .btn-main")
    ref = ref_of(page)
    applicant.context.set_offline(True)
    page.fill("[name=title]", "Gõ khi mất mạng")
    page.press("[name=title]", "Tab")
    page.locator("#saved.bad").wait_for()
    assert "Mất kết nối" in page.inner_text("#saved") and "title" not in stored(lite, ref)
    applicant.context.set_offline(False)
    settled(page)
    assert stored(lite, ref)["title"] == "Gõ khi mất mạng"
    applicant.faults.clear()  # the browser itself complains of requests without a network


def test_the_session_ends_and_the_post_is_offered_again(person, lite):
    applicant = person("vptt.han", width=1281)
    page = applicant.go("/apply/visit?category=A1")
    page.click("#wizard .bar .btn-main")
    ref = ref_of(page)
    token = next(c["value"] for c in applicant.context.cookies() if c["name"] == "fpd")
    mine = hashlib.sha256(token.encode()).hexdigest()
    assert lite.db.transact(lambda c: store.execute(c, "UPDATE user_session SET expires_at = '2000-01-01T00:00:00.000000Z' WHERE id_hash = :id", id=mine))
    page.fill("[name=title]", "Gõ khi phiên đã hết")
    page.press("[name=title]", "Tab")
    page.locator("#saved.bad").wait_for()
    page.fill("[name=purpose]", "Mục đích gõ sau đó")
    page.click("#wizard .bar .btn-main")
    assert "Những gì Ông/Bà vừa nhập được giữ lại" in page.inner_text("main")
    applicant.check()
    page.fill("#username", "vptt.han")
    page.fill("#password", demo.PASSWORD)
    page.click("main button")
    assert "Nội dung đã nhập vẫn còn" in page.inner_text("main")
    applicant.check()
    page.click("main .btn-main")
    kept = stored(lite, ref)
    assert kept["title"] == "Gõ khi phiên đã hết" and kept["purpose"] == "Mục đích gõ sau đó"


def test_the_browser_keeps_nothing(person, lite):
    applicant = person("vptt.han")
    page = applicant.go("/apply/visit?category=A1")
    page.click("#wizard .bar .btn-main")
    page = applicant.go(f"/cases/{ref_of(page)}/edit/crew")
    page.fill("[name='crew.0.passport_no']", "XQ7654321")
    page.press("[name='crew.0.passport_no']", "Tab")
    settled(page)
    held = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert held == "[{},{}]" and not page.evaluate("indexedDB.databases().then(found => found.length)")
    applicant.check()
