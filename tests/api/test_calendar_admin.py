"""The calendar's page as an administrator, a director and an auditor meet it; nothing typed is lost, nothing is a 500."""

from __future__ import annotations

import io
import re

import pytest

from workflow import calendar_table as table
from workflow import clock, demo, recount, store
from workflow.errors import Busy

DAY = {"locality": "", "on": "2026-12-11", "kind": "off", "opens": "", "closes": "", "name": "Nghỉ bão", "name_en": "Storm", "standing": "confirmed",
       "document": "12/UBND", "document_on": ""}  # fmt: skip


@pytest.fixture(scope="module")
def visitor(browser):
    return lambda username: browser(username).client


def page(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.get_data(as_text=True)


def post(browser, username, path, **form):
    found = browser(username)
    return found.client.post(path, data={"csrf_token": found.token, **form}, content_type="multipart/form-data")


def mark(lite, on, locality=""):
    with lite.db.read() as connection:
        row = table.standing_row(connection, locality, on)
    return row["id"] if row else None


def entries(lite):
    with lite.db.read() as connection:
        return store.query(connection, "SELECT count(*) AS n FROM audit_entry WHERE stream = 'system'")[0]["n"]


# --- who may -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("username", ["qt.yen", "gd.khanh", "ktr.xuan"])
def test_administrator_director_and_auditor_read(visitor, username):
    client = visitor(username)
    assert 'href="/admin/calendar"' in page(client, "/admin") and 'href="/admin"' in page(client, "/cases")
    text = page(client, "/admin/calendar?year=2026")
    assert "Ngày Văn hóa Việt Nam" in text and "28/2026/QH16" in text
    assert ("/admin/calendar/new" in text) == (username == "qt.yen") and ("/correct" in text) == (username == "qt.yen")
    assert client.get("/admin/calendar.csv").status_code == 200


@pytest.mark.parametrize("username", ["cv.binh", "tp.hoa", "ubnd.minh", "vptt.han", "ca.phuc", "motcua.mai"])
@pytest.mark.parametrize("path", ["/admin", "/admin/calendar", "/admin/calendar.csv", "/admin/calendar.ics", "/admin/calendar/new", "/admin/calendar/import"])
def test_others_do_not(visitor, username, path):
    assert 'href="/admin"' not in page(visitor(username), "/account")
    assert visitor(username).get(path).status_code == 403


@pytest.mark.parametrize("username", ["gd.khanh", "ktr.xuan", "cv.binh", "vptt.han"])
def test_only_the_administrator_changes(lite, browser, username):
    row, before = mark(lite, "2026-11-24"), entries(lite)
    for path in ("new", "import", "recount", f"{row}/correct", f"{row}/end", f"{row}/confirm"):
        answer = post(browser, username, f"/admin/calendar/{path}", **DAY, reason="x", go="1", text="on,kind,name\n2026-12-11,off,x\n")
        assert answer.status_code == 403, path
    assert entries(lite) == before and mark(lite, "2026-11-24") == row and mark(lite, "2026-12-11") is None


def test_a_visitor_signs_in_first(app):
    assert app.test_client().get("/admin/calendar").headers["Location"] == "/sign-in?next=/admin/calendar"


def test_a_form_without_its_token_is_refused(visitor):
    assert visitor("qt.yen").post("/admin/calendar/new", data={**DAY, "go": "1"}).status_code == 400


# --- the year ----------------------------------------------------------------------------------------------------


def test_the_year_marks_days_by_word_and_sign(visitor):
    text = page(visitor("qt.yen"), "/admin/calendar?year=2026")
    assert len(re.findall(r'<table class="month">', text)) == 12
    cell = re.search(r'<td class="off"><a href="#d-2026-11-24" title="Ngày Văn hóa Việt Nam">24<small>([^<]*)</small>', text)
    assert cell and cell[1].strip() == "– nghỉ"
    assert re.search(r'<td class="work"><a href="#d-2026-08-22"[^>]*>22<small>\+ làm</small>', text)
    assert re.search(r'proposed"><a href="#d-2026-11-23"[^>]*>23<small>\(– nghỉ\)</small>', text)
    assert 'id="d-2026-11-24"' in text and "Lịch năm 2026 đã được xác nhận" in text
    assert len(re.findall(r"<tr id=\"d-2026", text)) == 19


def test_an_unconfirmed_year_is_told(visitor):
    text = page(visitor("qt.yen"), "/admin/calendar?year=2027")
    assert "chưa được xác nhận" in text and "– nghỉ ?" in text
    assert "chưa có dòng nào" in page(visitor("qt.yen"), "/admin/calendar?year=2050")


@pytest.mark.parametrize("year", ["", "x", "99999", "-1", "1812", "2026; DROP", "²"])
def test_a_strange_year_is_this_year(visitor, year):
    assert f"Lịch làm việc {clock.today().year}" in page(visitor("qt.yen"), f"/admin/calendar?year={year}")


def test_english_is_complete(browser):
    client = browser("gd.khanh").client
    post(browser, "gd.khanh", "/language/en", next="/admin")
    try:
        text = page(client, "/admin/calendar?year=2026")
        assert "Viet Nam Culture Day" in text and "Working calendar 2026" in text and "Proposed, not counted" in text
        main = text.split('<main id="main"')[1].split("</main>")[0]
        assert "Ngày" not in main and "nghỉ" not in main.lower()
        assert "Rules" in page(client, "/admin") or "Working calendar" in page(client, "/admin")
    finally:
        post(browser, "gd.khanh", "/language/vi", next="/admin")


# --- changing it ---------------------------------------------------------------------------------------------------


def test_a_day_is_entered_after_its_effect_was_shown(lite, browser, visitor):
    stage = demo.Stage(lite)
    ref = stage.file("vptt.han", "visit")
    before = stage.row(ref)["clocks"]["statutory_due"]
    due = clock.local(clock.moment(before)).date().isoformat()
    given = {**DAY, "on": due}
    shown = post(browser, "qt.yen", "/admin/calendar/new", **given)
    text = shown.get_data(as_text=True)
    assert shown.status_code == 200 and "hồ sơ đang mở sẽ đổi hạn" in text and stage.row(ref)["code"] in text
    assert mark(lite, due) is None and stage.row(ref)["clocks"]["statutory_due"] == before, "the first press writes nothing"
    kept = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text.split("<main")[1]))
    assert {name: kept[name] for name in given} == given
    done = post(browser, "qt.yen", "/admin/calendar/new", **{name: kept[name] for name in given}, go="1")
    assert done.status_code == 303 and done.headers["Location"] == f"/admin/calendar?year={due[:4]}#main"
    after = page(visitor("qt.yen"), f"/admin/calendar?year={due[:4]}")
    assert stage.row(ref)["code"] in after and "Nghỉ bão" in after and "Tạ Thử Yên" in after
    assert stage.row(ref)["clocks"]["statutory_due"] > before
    assert post(browser, "qt.yen", f"/admin/calendar/{mark(lite, due)}/end", reason="thử", go="1").status_code == 303
    assert stage.row(ref)["clocks"]["statutory_due"] == before
    assert "✕ Đã bỏ" in page(visitor("ktr.xuan"), f"/admin/calendar?year={due[:4]}&ended=1") and "✕" not in page(
        visitor("ktr.xuan"), f"/admin/calendar?year={due[:4]}"
    )


@pytest.mark.parametrize(("given", "field"), [
    ({"on": "2026-02-30"}, "on"), ({"on": ""}, "on"), ({"document": ""}, "document"), ({"kind": "half"}, "closes"), ({"name": ""}, "name"),
    ({"kind": "feast"}, "kind"), ({"on": "2026-11-24"}, "on"), ({"locality": "ha-noi"}, "locality"), ({"document_on": "2999-01-01"}, "document_on"),
])  # fmt: skip
def test_wrong_data_comes_back_with_its_sentence(lite, browser, given, field):
    answer = post(browser, "qt.yen", "/admin/calendar/new", **{**DAY, "name": "Nghỉ <bão>", **given}, go="1")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and f'href="#{field}"' in text and 'class="trouble"' in text
    if field != "name":
        assert 'value="Nghỉ &lt;bão&gt;"' in text, "what was typed stays, and stays text"
    if field == "on":
        assert f'value="{given["on"]}"' in text
    assert mark(lite, "2026-12-11") is None


def test_a_half_day_a_correction_and_its_reason(lite, browser, visitor):
    half = {**DAY, "on": "2026-12-31", "kind": "half", "closes": "11:30"}
    assert post(browser, "qt.yen", "/admin/calendar/new", **half, go="1").status_code == 303
    assert re.search(r'<td class="half"><a href="#d-2026-12-31"[^>]*>31<small>½</small>', page(visitor("qt.yen"), "/admin/calendar?year=2026"))
    row = mark(lite, "2026-12-31")
    assert 'value="11:30"' in page(visitor("qt.yen"), f"/admin/calendar/{row}/correct")
    without = post(browser, "qt.yen", f"/admin/calendar/{row}/correct", **{**half, "closes": "12:00"}, reason=" ", go="1")
    assert without.status_code == 422 and 'href="#reason"' in without.get_data(as_text=True)
    same = post(browser, "qt.yen", f"/admin/calendar/{row}/correct", **half, reason="x", go="1")
    assert same.status_code == 422 and "Không có gì thay đổi" in same.get_data(as_text=True)
    assert post(browser, "qt.yen", f"/admin/calendar/{row}/correct", **{**half, "closes": "12:00"}, reason="nhầm giờ", go="1").status_code == 303
    gone = browser("qt.yen").client.get(f"/admin/calendar/{row}/correct")
    assert gone.status_code == 303 and "vừa có người thay đổi" in page(visitor("qt.yen"), "/admin/calendar")
    assert post(browser, "qt.yen", f"/admin/calendar/{row}/end", reason="x", go="1").status_code == 303
    assert mark(lite, "2026-12-31") != row and mark(lite, "2026-12-31") is not None
    assert browser("qt.yen").client.get(f"/admin/calendar/{'0' * 32}/end").status_code == 404
    assert browser("qt.yen").client.get(f"/admin/calendar/{row}/undo").status_code == 404


def test_the_swap_is_confirmed_with_its_document(lite, browser, visitor):
    row = mark(lite, "2026-11-23")
    assert "đã có văn bản trong tay" in page(visitor("qt.yen"), f"/admin/calendar/{row}/confirm")
    without = post(browser, "qt.yen", f"/admin/calendar/{row}/confirm", document="", document_on="", go="1")
    assert without.status_code == 422 and 'href="#document"' in without.get_data(as_text=True)
    assert post(browser, "qt.yen", f"/admin/calendar/{row}/confirm", document="5/TB-BNV", document_on="2026-11-02", go="1").status_code == 303
    with lite.db.read() as connection:
        lite.refresh(connection)
    assert not lite.calendar.is_working(clock.moment("2026-11-23").date())


def test_a_change_that_could_not_be_followed_up_says_so(lite, browser, visitor, monkeypatch):
    """The row is written; the due dates are not: both are told, and the page has the button that mends it."""

    def busy(*_, **__):
        raise Busy()

    monkeypatch.setattr(recount, "recount", busy)
    assert post(browser, "qt.yen", "/admin/calendar/new", **{**DAY, "on": "2027-03-08"}, go="1").status_code == 303
    text = page(visitor("qt.yen"), "/admin/calendar?year=2027")
    assert "Lịch đã được ghi, nhưng chưa tính lại xong" in text and "Tính lại hạn" in text and mark(lite, "2027-03-08")


def test_due_dates_can_be_counted_again(browser, visitor):
    assert post(browser, "qt.yen", "/admin/calendar/recount").status_code == 303
    assert "Đã tính lại" in page(visitor("qt.yen"), "/admin/calendar")


# --- files ---------------------------------------------------------------------------------------------------------


def test_download_and_import_again_changes_nothing(browser, visitor):
    answer = visitor("ktr.xuan").get("/admin/calendar.csv?year=2026")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="fpd-calendar-2026.csv"' and answer.data.startswith(b"\xef\xbb\xbf")
    assert visitor("ktr.xuan").get("/admin/calendar.ics").content_type == "text/calendar; charset=utf-8"
    assert visitor("ktr.xuan").get("/admin/calendar.exe").status_code == 404
    again = post(browser, "qt.yen", "/admin/calendar/import", file=(io.BytesIO(answer.data), "a.csv"), year="")
    text = again.get_data(as_text=True)
    assert again.status_code == 200 and "0 thay đổi" in text and 'name="go"' not in text


def test_an_import_is_shown_then_done_and_shown_again_if_the_table_moved(lite, browser):
    data = "on,kind,name,document,standing\n2028-06-05,off,Mới,9/TB,confirmed\n2028-11-24,off,Ngày Văn hóa,9/TB,confirmed\n".encode()
    shown = post(browser, "qt.yen", "/admin/calendar/import", file=(io.BytesIO(data), "a.csv"), year="2028").get_data(as_text=True)
    assert "2 thay đổi" in shown and "<b>+</b>" in shown and "<b>±</b>" in shown and mark(lite, "2028-06-05") is None
    go = re.search(r'name="go" value="(\w+)"', shown)[1]
    text = re.search(r"<textarea[^>]*>(.*?)</textarea>", shown, re.DOTALL)[1]
    assert post(browser, "qt.yen", "/admin/calendar/new", **{**DAY, "on": "2028-06-05"}, go="1").status_code == 303
    moved = post(browser, "qt.yen", "/admin/calendar/import", text=text, year="2028", go=go)
    assert moved.status_code == 200 and "Bảng vừa có thay đổi khác" in moved.get_data(as_text=True)
    go = re.search(r'name="go" value="(\w+)"', moved.get_data(as_text=True))[1]
    before = entries(lite)
    assert post(browser, "qt.yen", "/admin/calendar/import", text=text, year="2028", go=go).status_code == 303
    assert entries(lite) == before + 2
    with lite.db.read() as connection:
        assert table.standing_row(connection, "", "2028-06-05")["name"] == "Mới"


@pytest.mark.parametrize(("data", "told"), [
    (b"", "không có dòng nào"), (b"\x89PNG\r\n\x1a\n\xff", "không phải văn bản UTF-8"), (b"x" * (1 << 20), "lớn quá 256 KB"),
    (b"on,kind,name\n2026-02-30,off,<script>\n", "Dòng 2: ngày"), (b"on,kind,name\n2026-12-01,off,a\n2026-12-01,off,b\n", "Dòng 3"),
    (b"BEGIN:VCALENDAR\nx", "Không đọc được tệp ICS"),
])  # fmt: skip
def test_a_hostile_file_is_a_sentence(browser, data, told):
    answer = post(browser, "qt.yen", "/admin/calendar/import", file=(io.BytesIO(data), "a.csv"), year="")
    assert answer.status_code == 422 and told in answer.get_data(as_text=True)


def test_no_file_and_a_strange_year_are_told(browser):
    answer = post(browser, "qt.yen", "/admin/calendar/import", year="")
    assert answer.status_code == 422 and "Hãy chọn một tệp" in answer.get_data(as_text=True)
    answer = post(browser, "qt.yen", "/admin/calendar/import", file=(io.BytesIO(b"on,kind,name\n"), "a.csv"), year="hai nghìn")
    assert answer.status_code == 422 and "từ 2000 đến 2100" in answer.get_data(as_text=True)
