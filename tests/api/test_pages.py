"""The pages as a browser without scripts sees them: where one lands, what is told where, what the form insists on."""

from __future__ import annotations

import io
import re

import pytest

from workflow import clock, demo


@pytest.fixture(scope="module")
def stage(lite):
    return demo.Stage(lite)


@pytest.fixture(scope="module")
def visitor(app):
    """Signed-in clients of the pages by user name; each with the answer that signing in gave."""
    known = {}

    def get(username):
        if username not in known:
            client = app.test_client()
            page = client.get("/sign-in").get_data(as_text=True)
            found = re.search(r'name="csrf_token" value="([^"]*)"', page)
            token = {"csrf_token": found[1]} if found else {}
            answer = client.post("/sign-in", data={"username": username, "password": demo.PASSWORD, **token})
            assert answer.status_code == 303, answer.get_data(as_text=True)[:500]
            client.landed = answer.headers["Location"]
            known[username] = client
        return known[username]

    return get


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.get_data(as_text=True)


def post(client, path, at=None, **form):
    """Press a button of the page at `at` (the same path if not told)."""
    token = re.search(r'name="csrf_token" value="([^"]*)"', page(client, at or path))[1]
    return client.post(path, data={"csrf_token": token, **form})


def draft(stage):
    return stage.file("vptt.han", "visit", submit=False)


@pytest.mark.parametrize(("who", "start"), [("qt.yen", "/admin"), ("ktr.xuan", "/cases"), ("vptt.han", "/cases"), ("cv.binh", "/inbox"), ("ca.phuc", "/inbox")])
def test_signing_in_leads_to_a_page_of_use(visitor, who, start):
    assert visitor(who).landed == start
    page(visitor(who), start)


def test_the_administrator_is_told_where_administration_is(visitor):
    assert "fpd user" in page(visitor("qt.yen"), "/account") and "fpd user" not in page(visitor("cv.binh"), "/account")


def test_sending_needs_the_ticked_undertaking_and_nothing_typed_is_lost(stage, visitor):
    ref = draft(stage)
    version = str(stage.row(ref)["version"])
    answer = post(visitor("vptt.han"), f"/cases/{ref}/do/submit", version=version, go="1")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and 'href="#undertaking"' in text and 'aria-describedby="undertaking-e"' in text
    assert stage.row(ref)["state"] == "draft"
    answer = post(visitor("vptt.han"), f"/cases/{ref}/do/submit", version=version, undertaking="1", go="1")
    assert answer.status_code == 303 and stage.row(ref)["state"] == "requested"
    assert answer.headers["Location"] == f"/cases/{stage.row(ref)['code']}#main"


def test_a_typed_form_comes_back_with_labels_and_what_was_typed(stage, visitor):
    ref = stage.file("vptt.han", "visit")
    form = {"version": str(stage.row(ref)["version"]), "go": "1"}
    text = post(visitor("motcua.mai"), f"/cases/{ref}/do/accept", **form).get_data(as_text=True)
    assert "(Chuyên viên thụ lý)" in text and "(officer)" not in text
    form |= {"ground": "", "reason": "Chữ đã nhập.", "where_to_go": "Cục Báo chí"}
    text = post(visitor("motcua.mai"), f"/cases/{ref}/do/refuse_intake", **form).get_data(as_text=True)
    assert "Chữ đã nhập." in text and "Cục Báo chí" in text and "(ground)" not in text


def test_labels_of_a_form_keyed_in_for_somebody(visitor):
    answer = post(visitor("motcua.mai"), "/apply/visit", **{"behalf.organisation": "", "behalf.channel": ""})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "(Cơ quan đề nghị)" in text and "organisation)</small>" not in text


def first_button(text):
    return re.search(r"<button[^>]*>", text[text.index('<form method="post" class="form act"') :])[0]


def test_enter_in_a_field_never_decides(stage, visitor):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_committee")
    assert " disabled" in first_button(page(visitor("ubnd.minh"), f"/cases/{ref}/do/approve"))
    assert " disabled" in first_button(page(visitor("ubnd.minh"), f"/cases/{ref}/do/reject"))
    assert " disabled" not in first_button(page(visitor("ubnd.minh"), f"/cases/{ref}/do/send_back"))


def test_a_closed_act_offers_no_form_and_what_was_typed_meanwhile_is_kept(stage, visitor):
    ref = stage.file("vptt.han", "visit")
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    path = f"/cases/{ref}/do/recommend"
    text = page(visitor("motcua.mai"), path)
    assert 'class="form act"' not in text and "Việc của: chuyên viên thụ lý." in text and "Về hồ sơ" in text
    assert 'class="form act"' in page(visitor("cv.binh"), path)
    form = {"version": str(stage.row(ref)["version"]), "go": "1", "proposal": "approve", "reason": "Chữ đã nhập."}
    answer = post(visitor("motcua.mai"), path, at="/account", **form)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 403 and 'class="form act"' in text and "Chữ đã nhập." in text and stage.row(ref)["state"] == "under_review"


def test_the_main_button_and_what_an_approval_lacks(stage, visitor):
    ref = stage.file("vptt.han", "visit")
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    text = page(visitor("cv.binh"), f"/cases/{ref}")
    assert re.search(r'class="btn btn-main block" href="/cases/[^"]+/do/consult"', text)
    assert "Chưa đề xuất chấp thuận được." in text and "/do/recommend" in text
    assert "Sửa lỗi nhập" not in text, "closed by the nature of the case: not a thing to wait for"


def test_an_upload_comes_back_to_the_papers_and_its_fault_to_the_top(stage, visitor):
    ref = draft(stage)
    token = re.search(r'name="csrf_token" value="([^"]*)"', page(visitor("vptt.han"), f"/cases/{ref}/edit/papers"))[1]
    path = f"/cases/{ref}/papers/programme"
    good = visitor("vptt.han").post(path, data={"csrf_token": token, "file": (io.BytesIO(demo.PDF), "a.pdf")})
    assert good.headers["Location"].endswith("/edit/papers#papers")
    bad = visitor("vptt.han").post(path, data={"csrf_token": token, "file": (io.BytesIO(b"MZ"), "a.exe")})
    assert bad.headers["Location"].endswith("/edit/papers#main")
    assert "Đính kèm giấy tờ" in page(visitor("vptt.han"), f"/cases/{ref}")


def test_notices_are_in_the_menu_with_the_unread_ones(stage, visitor):
    stage.file("vptt.han", "visit")
    stage.deliver()
    text = page(visitor("motcua.mai"), "/inbox")
    assert re.search(r'<a href="/account#notices">Thông báo <span class="n">\d+</span>', text)
    assert 'id="notices"' in page(visitor("motcua.mai"), "/account")
    post(visitor("motcua.mai"), "/account/notices", at="/account")
    assert '<a href="/account#notices">Thông báo</a>' in page(visitor("motcua.mai"), "/inbox")


def test_an_interview_shows_the_name_of_its_language_and_office(stage, visitor):
    ref = stage.file("vptt.han", "interview")
    text = page(visitor("vptt.han"), f"/cases/{ref}")
    assert re.search(r'<dd class="pre">\s*Tiếng Việt\s*</dd>', text) and "vp_ubnd" not in text


def test_an_applicant_reads_first_what_waits_for_them(stage, visitor):
    waiting, sent = draft(stage), stage.file("vptt.han", "visit")
    shown = page(visitor("vptt.han"), "/cases")
    mine = shown.split("Cần quý cơ quan")[1].split("Tất cả hồ sơ")[0]
    assert f"/cases/{waiting}/edit" in mine and sent not in mine and f"/cases/{sent}" not in mine
    assert "Cần quý cơ quan" not in page(visitor("vptt.han"), "/cases?open=false"), "a filtered list is what was asked for"
    assert "Cần quý cơ quan" not in page(visitor("cv.binh"), "/cases")


def test_papers_that_may_not_be_opened_are_not_said_to_be_missing(stage, visitor):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "accompanied", guide="hd.thao")
    shown = page(visitor("hd.thao"), f"/cases/{ref}")
    assert "Chưa có giấy tờ." not in shown and "Không có giấy tờ nào Ông/Bà được mở" in shown
    assert "request.pdf" in page(visitor("cv.binh"), f"/cases/{ref}")


def test_a_letter_is_named_in_the_language_of_the_reader(stage, visitor):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "under_review")
    client = visitor("tp.hoa")
    assert "Giấy tiếp nhận và hẹn trả kết quả" in page(client, "/inbox?tab=unit")
    post(client, "/language/en", at="/inbox", next="/inbox")
    try:
        shown = page(client, "/inbox?tab=unit")
        assert "Giấy tiếp nhận" not in shown and "day(s)" not in shown
    finally:
        post(client, "/language/vi", at="/inbox", next="/inbox")


def test_the_column_of_who_is_waited_for_speaks_to_everybody(stage, visitor):
    draft(stage)
    stage.file("vptt.han", "visit")
    column = re.findall(r'data-label="Đang chờ">([^<]*)', page(visitor("vptt.han"), "/cases"))
    assert {"Quý cơ quan", "Sở Ngoại vụ"} <= set(column)


def test_a_consulted_body_reads_what_was_sent_along_in_words(lite, browser):
    """Labels, names of countries and roles, and dates as people write them; no key, code or column that was not sent."""
    stage = demo.Stage(lite)
    ref = stage.file("vptt.han", "visit")
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    stage.act("cv.binh", ref, "consult", agencies=["so_vhttdl"], question="Đề nghị cho ý kiến.", due_at=stage.soon())
    child = stage.row(stage.children(ref, "consultation")[0])
    page = browser("vhttdl.son").client.get(f"/cases/{child['code']}").get_data(as_text=True)
    sent = page.split('id="bundle"')[1].split('id="papers"')[0]
    for word in ("Ngày đầu tại địa phương", "Chương trình", "Phóng viên", "Phần Lan", clock.today().strftime("%d/%m/%Y")):
        assert word in sent, word
    for raw in ("first_day", "itinerary", "correspondent", ">FI<", clock.today().isoformat(), "Số hộ chiếu"):
        assert raw not in sent, raw
