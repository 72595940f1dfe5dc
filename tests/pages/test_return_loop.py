"""The return loop in a real browser: the slip by keyboard, the answer on a phone, old beside new; each page read by axe, in both languages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from states import FLOWS
from workflow import clock, demo


@pytest.fixture(scope="module")
def case(lite):
    stage = demo.Stage(lite)
    ref = stage.file("vptt.han", "visit", fields=FLOWS["visit"].example(clock.today() + timedelta(days=40)))
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    stage.act("cv.binh", ref, "consult", agencies=["cong_an"], question="Hỏi.", due_at=stage.soon(1), bundle=["/itinerary"])
    demo.answer_all(stage, ref)
    return stage, ref


def test_a_file_goes_back_and_comes_back(person, case):
    stage, ref = case
    place = f"/itinerary/{stage.row(ref)['fields']['itinerary'][0]['row']}/place"
    officer = person("cv.binh", language="en")
    page = officer.go(f"/cases/{ref}/do/ask_clarification")
    officer.check()
    page.focus(f"details:has(input[value='{place}']) summary")
    page.keyboard.press("Enter")
    page.focus(f"input[value='{place}']")
    page.keyboard.press("Space")
    page.check("input[value='/purpose']")
    page.focus("button[name=choose]")
    page.keyboard.press("Enter")
    assert page.input_value("[name='items.1.target']") == place and "Activity 1" in page.inner_text("#items")
    officer.check("slip")
    page.check("input[name='items.1.code'][value=place_unclear]")
    page.click("button[name=go]")
    assert stage.row(ref)["state"] == "clarification_required", page.inner_text("main")[:800]

    applicant = person("vptt.han", width=390)
    page = applicant.go(f"/cases/{ref}/answer")
    applicant.check()
    assert page.locator("form.answer input[type=text]:visible").count() == 1 and "Địa điểm chưa rõ" in page.inner_text("form.answer")
    page.fill("[name='itinerary.0.place']", "Chợ nổi, cầu cảng số 2")
    page.click("button[value=send]")
    assert "Mục đích" in page.inner_text("[role=alert]") and page.input_value("[name='itinerary.0.place']") == "Chợ nổi, cầu cảng số 2"
    applicant.check("refused")
    page.fill("#note", "Mục đích như đã nêu.")
    page.click("button[value=send]")
    assert stage.row(ref)["state"] == "under_review" and stage.row(ref)["round"] == 2

    page = officer.go("/inbox")
    officer.check("answered")
    assert page.inner_text("main section:first-of-type h2") == "Answered, for you to look at"
    page = officer.go(f"/cases/{ref}")
    officer.check("differences")
    told = page.inner_text("#differences")
    assert "cầu cảng số 2" in told and "Mục đích như đã nêu." in told and "Ask again" in page.inner_text("main")
    officer.go(f"/cases/{ref}/do/consult")
    officer.check("again")
    phone = person("tp.hoa", width=390)
    phone.go(f"/cases/{ref}#differences")
    phone.check("differences")
