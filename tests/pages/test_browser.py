"""A visit and an interview from application to closed, in a real browser, every page looked over."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from states import FLOWS
from tests.pages.filing import fill_screens, send
from workflow import clock, demo

pytestmark = pytest.mark.browser


def issue_all(person, lite, code, ref):
    """The registry issues what is signed; what waits for a signature is signed first, each by somebody entitled."""
    from states.kinds.letter import LETTERS

    stage = demo.Stage(lite)
    signers = {"intake": "motcua.mai", "head": "ptp.ngoc", "director": "gd.khanh", "committee": "ubnd.minh", "leader_office": "vpub.nga"}
    until = time.monotonic() + 20
    number = 0
    while time.monotonic() < until:
        with lite.db.read() as connection:
            from workflow import store

            pending = store.query(connection, "SELECT count(*) AS n FROM outbox WHERE state = 'pending' AND kind = 'letter'")[0]["n"]
        if not pending:
            break
        time.sleep(0.2)
    for id_ in stage.children(ref, "letter", "drafted"):
        name = stage.row(id_)["fields"]["letter"]
        person(next(signers[s] for s in LETTERS[name].signers if s in signers)).do(id_, "sign")
    for id_ in stage.children(ref, "letter", "sealed"):
        number += 1
        person("vt.van").do(id_, "issue", lambda p, n=number: p.fill("[name=number]", f"{n}/{code[-4:]}"))


def test_visit_from_application_to_closed(person, lite):
    applicant = person("vptt.han")
    ref = fill_screens(applicant, "visit", FLOWS["visit"].example(clock.today()))  # axe reads these screens in test_filing
    code = send(applicant, ref)
    assert code.startswith("CT-V-")

    person("motcua.mai").do(code, "accept", lambda p: p.select_option("[name=officer]", "cv.binh"))
    officer = person("cv.binh")

    def ask(p):
        p.check("[name=agencies][value=cong_an]")
        p.check("[name=agencies][value=bo_chqs]")
        p.fill("[name=question]", "Đề nghị cho ý kiến.")

    officer.do(code, "consult", ask)
    stage = demo.Stage(lite)
    for child in stage.children(ref, "consultation"):
        who = {"cong_an": "ca.phuc", "bo_chqs": "qs.quan"}[stage.row(child)["fields"]["agency"]]
        consultee = person(who)
        consultee.go("/inbox")
        consultee.check()
        assert stage.row(child)["code"] in consultee.page.inner_text("main")
        consultee.do(child, "answer", lambda p: p.locator("[name=outcome]").first.select_option("no_objection"))
    officer.do(code, "recommend", lambda p: p.select_option("[name=proposal]", "approve"))
    person("tp.hoa").do(code, "endorse")
    director = person("gd.khanh")
    director.go(f"/cases/{code}")
    assert "UBND quyết định" in director.page.inner_text(".closed"), "a closed action says why"
    director.do(code, "refer_up")
    person("ubnd.minh").do(code, "approve")
    issue_all(person, lite, code, ref)
    officer.do(code, "assign_guide", lambda p: p.select_option("[name=guide]", "hd.thao"))
    guide = person("hd.thao")
    guide.do(code, "start")

    def log(p):
        for index in range(3):
            p.locator(f"[name='rows.{index}.result'][value=done]").check(force=True)

    guide.do(code, "log", log)
    guide.do(code, "file_report", lambda p: p.fill("[name='report.summary']", "Đúng chương trình."))
    issue_all(person, lite, code, ref)
    head = person("tp.hoa")
    head.do(code, "close")
    assert stage.row(ref)["state"] == "closed"
    auditor = person("ktr.xuan")
    auditor.go(f"/cases/{code}/history")
    auditor.check()
    assert "nguyên vẹn" in auditor.page.inner_text("main")
    for word in ("Công an", "Quân sự", "Nguyễn Thử Bình", "Phạm Thử Khánh", "R1"):
        applicant.go(f"/cases/{code}")
        assert word not in applicant.page.inner_text("body"), word
    applicant.check()


def test_interview_from_application_to_closed(person, lite):
    applicant = person("vptt.lam")
    example = FLOWS["interview"].example(clock.today())
    start = clock.local(clock.now() - timedelta(minutes=5))
    ref = fill_screens(applicant, "interview", {**example, "slots": [{"from": f"{start:%Y-%m-%dT%H:%M}"}]}, check=True)
    code = send(applicant, ref)
    assert code.startswith("CT-I-")
    person("motcua.mai").do(code, "accept", lambda p: p.select_option("[name=officer]", "cv.dung"))
    officer = person("cv.dung")
    officer.do(code, "consult", lambda p: p.fill("[name=question]", "Đề nghị cho ý kiến."))
    stage = demo.Stage(lite)
    for child in stage.children(ref, "consultation"):
        person("ca.phuc").do(child, "answer", lambda p: p.locator("[name=outcome]").first.select_option("no_objection"))

    def recommend(p):
        p.select_option("[name=proposal]", "approve")
        for index in range(2):
            p.locator(f"[name='questions.{index}.result'][value=accept]").check(force=True)

    officer.do(code, "recommend", recommend)
    person("tp.hoa").do(code, "endorse")
    person("gd.khanh").do(code, "forward")
    person("vpub.nga").do(code, "accept_interview", lambda p: p.select_option("[name=speaker_basis]", "head"))
    issue_all(person, lite, code, ref)
    officer.do(code, "assign_guide", lambda p: p.select_option("[name=guide]", "hd.uyen"))
    guide = person("hd.uyen")
    guide.do(code, "start")
    guide.do(code, "file_report", lambda p: p.fill("[name='report.summary']", "Đã phỏng vấn."))
    issue_all(person, lite, code, ref)
    person("ptp.ngoc").do(code, "close")
    assert stage.row(ref)["state"] == "closed"


@pytest.mark.parametrize("width,language", [(390, "en"), (1280, "en"), (390, "vi")])
def test_pages_hold_at_every_width_in_both_languages(person, lite, width, language):
    stage = demo.Stage(lite)
    with lite.db.read() as connection:
        from workflow import store

        codes = [
            r["code"]
            for r in store.query(
                connection, "SELECT code FROM cases WHERE code IS NOT NULL AND kind IN ('visit', 'interview', 'letter') ORDER BY created_at LIMIT 4"
            )
        ]
    who = person("tp.hoa", width=width, language=language)
    for path in ("/", "/inbox", "/cases", "/account", "/help", "/help/flows/visit", *(f"/cases/{c}" for c in codes)):
        who.go(path)
        who.check()
    applicant = person("vptt.han", width=width, language=language)
    for path in ("/cases", "/apply", "/apply/visit", "/apply/interview"):
        applicant.go(path)
        applicant.check()
    # The language is kept with the account: give it back.
    for one in (who, applicant):
        one.vietnamese()
    assert stage.actor("tp.hoa").language in ("vi", "en")


def test_a_case_is_read_part_by_part(person, chromium, lite, site):
    """One part at a time, each with an address; the foot bar and the folded menu of a phone; everything open without scripts."""
    stage = demo.Stage(lite)
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_endorsement")
    who = person("tp.hoa", width=390)
    page = who.go(f"/cases/{ref}")
    assert page.locator(".part:visible").count() == 1 and page.is_visible("#part-file") and page.is_visible(".footbar .btn-main")
    assert page.is_hidden("nav.mainnav a[href='/help']")
    page.focus(".menu-key")
    page.keyboard.press("Enter")
    assert page.is_visible("nav.mainnav a[href='/help']") and page.get_attribute(".menu-key", "aria-expanded") == "true"
    for part in ("part-opinions", "part-letters", "part-time"):
        page.focus(f"#parts a[href='#{part}']")
        page.keyboard.press("Enter")
        page.wait_for_selector(f"#{part}:visible")
        assert page.locator(".part:visible").count() == 1 and page.get_attribute("#parts a[aria-current]", "href") == f"#{part}"
        who.check(part)
    page.go_back()
    page.wait_for_selector("#part-letters:visible")
    page.goto("about:blank")
    who.go(f"/cases/{ref}#deadlines")
    assert page.is_visible("#deadlines") and page.is_hidden("#part-file")
    page.emulate_media(media="print")
    assert page.is_visible("#part-file") and page.is_visible("#part-letters") and page.is_hidden(".footbar")
    plain = chromium.new_context(java_script_enabled=False, storage_state=who.context.storage_state())
    bare = plain.new_page()
    bare.goto(f"{site}/cases/{ref}")
    assert bare.locator(".part:visible").count() == 4 and bare.is_visible("nav.mainnav a[href='/help']")
    plain.close()


def test_a_button_stays_filled_where_the_keyboard_reaches_it(person):
    visitor = person(None)
    page = visitor.go("/sign-in")
    page.focus("#password")
    page.keyboard.press("Tab")
    colours = "(() => { const s = getComputedStyle(document.activeElement); return [document.activeElement.className, s.backgroundColor, s.color]; })()"
    while "btn-main" not in page.evaluate("document.activeElement.className"):
        page.keyboard.press("Tab")
    assert page.evaluate(colours) == ["btn btn-main", "rgb(18, 58, 104)", "rgb(255, 255, 255)"]
    visitor.check(after="a focused button")
