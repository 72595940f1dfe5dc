"""The calendar over HTTP: the feed without a session, the address that is shown once, and the page in both languages."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import icalendar
import pytest

from api.rest import feeds as endpoint
from states.language import Text
from workflow import clock, demo, feeds, store, users

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def wednesday():
    """The clock at the day after 24 November, a new day off."""
    with clock.at(NOW):
        yield


@pytest.fixture(scope="module")
def scene(lite):
    """A guided visit next week, another one at the same place, and a request at the desk."""
    stage = demo.Stage(lite)
    with clock.at(NOW - timedelta(days=2)):
        refs = []
        for guide in ("hd.thao", "hd.uyen"):
            ref = stage.file("vptt.han", "visit", fields=demo.FLOWS["visit"].example(datetime(2026, 12, 3).date()))
            demo.advance(stage, ref, "visit", "approved")
            stage.letters(ref)
            stage.act("cv.binh", ref, "assign_guide", guide=guide)
            refs.append(stage.row(ref)["code"])
        stage.file("vptt.lam", "visit")
    return refs


@pytest.fixture
def english(lite):
    """Switches accounts to English and back."""
    changed = []

    def switch(username):
        changed.append(users.actor_by_username(lite, username))
        users.set_language(lite, changed[-1], "en")

    yield switch
    for actor in changed:
        users.set_language(lite, actor, "vi")


def page(browser, who, path="/calendar", status=200):
    answer = browser(who).client.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.get_data(as_text=True)


def press(browser, who, do):
    """A button of the feed on the page of the account."""
    return browser(who).client.post("/account/feed", data={"csrf_token": browser(who).token, "do": do})


def made(browser, who):
    """The address of a new feed, as the page shows it."""
    text = press(browser, who, "make").get_data(as_text=True)
    return re.search(r"<textarea[^>]*>([^<]+)</textarea>", text)[1]


def fetch(app, address):
    """The feed as a calendar program fetches it: no cookie, no header of ours."""
    return app.test_client().get(address.split("localhost", 1)[1] if "localhost" in address else address)


# --- the feed ----------------------------------------------------------------------------------------------------


def test_a_program_without_a_session_reads_the_calendar(app, browser, scene):
    answer = fetch(app, made(browser, "hd.thao"))
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not answer.headers.getlist("Set-Cookie")
    words = [str(part["SUMMARY"]) for part in icalendar.Calendar.from_ical(answer.data).walk("VEVENT")]
    assert any(word.startswith("Hướng dẫn đoàn: ") and scene[0] in word for word in words) and not any(scene[1] in word for word in words)


def test_the_language_is_that_of_the_account(app, browser, scene, english):
    address = made(browser, "hd.thao")
    english("hd.thao")
    assert "Guide duty: " in fetch(app, address).get_data(as_text=True)


def test_a_calendar_with_nothing_in_it_is_still_one(app, browser, scene):
    read = icalendar.Calendar.from_ical(fetch(app, made(browser, "qt.yen")).data)
    assert not read.walk("VEVENT") and len(read.walk("VTIMEZONE")) == 1


def test_links_lead_to_the_public_address(app, browser, scene, monkeypatch):
    address = made(browser, "hd.thao")
    assert address.startswith("http://localhost/api/v1/calendar.ics?token=")
    assert "URL:http://localhost/cases/" in fetch(app, address).get_data(as_text=True)
    monkeypatch.setitem(app.config, "FPD", replace(app.config["FPD"], public_url="https://press.example.org/"))
    path = address.split("localhost", 1)[1]
    assert "URL:https://press.example.org/cases/" in app.test_client().get(path).get_data(as_text=True)
    assert made(browser, "hd.thao").startswith("https://press.example.org/api/v1/calendar.ics?token=")


def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(app, browser):
    revoked = made(browser, "vt.van").rsplit("=", 1)[1]
    replaced = revoked
    revoked = made(browser, "vt.van").rsplit("=", 1)[1]
    assert press(browser, "vt.van", "revoke").status_code == 303
    answers = {}
    for name, query in {
        "missing": "", "empty": "?token=", "unknown": f"?token={'0' * 64}", "short": "?token=abc", "odd": "?token=%00%C3%A9' OR 1=1--",
        "upper": f"?token={revoked.upper()}", "replaced": f"?token={replaced}", "revoked": f"?token={revoked}", "long": f"?token={'a' * 5000}",
    }.items():  # fmt: skip
        answer = app.test_client().get(f"/api/v1/calendar.ics{query}")
        answers[name] = (answer.status_code, answer.headers["Content-Type"], answer.data)
    assert set(answers.values()) == {(404, "application/problem+json", answers["unknown"][2])}


def test_the_token_is_in_no_log(app, browser, caplog, monkeypatch):
    """Not when it is right, not when it is wrong, not when the service breaks while it serves the feed."""
    address = made(browser, "cv.binh")
    token = address.rsplit("=", 1)[1]
    caplog.set_level(logging.DEBUG)
    fetch(app, address)
    fetch(app, address[:-1] + ("0" if address[-1] != "0" else "1"))

    def broken(*_):
        raise RuntimeError("the calendar broke")

    monkeypatch.setattr(endpoint.feeds, "feed", broken)
    assert fetch(app, address).status_code == 500
    assert "the calendar broke" in caplog.text, "what went wrong is logged"
    assert token[:-1] not in caplog.text and "token=" not in caplog.text


def test_only_reading_is_possible(app, browser):
    path = made(browser, "cv.binh").split("localhost", 1)[1]
    head = app.test_client().head(path)
    assert head.status_code == 200 and head.data == b""
    assert {app.test_client().open(path, method=method).status_code for method in ("POST", "PUT", "DELETE")} == {405}


def test_the_document_describes_it(app):
    told = app.test_client().get("/api/v1/openapi.json").json["paths"]["/api/v1/calendar.ics"]["get"]
    assert told["security"] == [] and set(told["responses"]) == {"200", "404"} and "text/calendar" in told["responses"]["200"]["content"]
    assert [(item["name"], item["in"], item["required"]) for item in told["parameters"]] == [("token", "query", True)]


# --- the address -------------------------------------------------------------------------------------------------


def test_an_address_is_shown_once(app, browser):
    assert "Tạo địa chỉ</button>" in page(browser, "pgd.linh", "/account")
    address = made(browser, "pgd.linh")
    token = address.rsplit("=", 1)[1]
    for path in ("/account", "/calendar", "/inbox"):
        assert token not in page(browser, "pgd.linh", path)
    assert "chưa dùng" in page(browser, "pgd.linh", "/account")
    fetch(app, address)
    text = page(browser, "pgd.linh", "/account")
    assert "dùng gần nhất 10:00, 25/11/2026" in text and "Tạo địa chỉ mới, bỏ địa chỉ cũ" in text


def test_a_new_address_ends_the_one_before_and_revoking_ends_all(app, browser):
    first = made(browser, "ptp.ngoc")
    second = made(browser, "ptp.ngoc")
    assert [fetch(app, address).status_code for address in (first, second)] == [404, 200]
    answer = press(browser, "ptp.ngoc", "revoke")
    assert answer.status_code == 303 and answer.headers["Location"] == "/account#feed"
    text = page(browser, "ptp.ngoc", "/account")
    assert "Đã thu hồi địa chỉ lịch" in text and "Tạo địa chỉ</button>" in text
    assert fetch(app, second).status_code == 404


def test_making_one_needs_a_session_and_the_mark_of_the_form(app, browser):
    assert app.test_client().post("/account/feed", data={"do": "make"}).status_code in (303, 401)
    assert browser("cv.dung").client.post("/account/feed", data={"do": "make"}).status_code == 400
    assert press(browser, "cv.dung", "both").status_code == 422
    assert "Tạo địa chỉ</button>" in page(browser, "cv.dung", "/account"), "nothing was made"


# --- the page ----------------------------------------------------------------------------------------------------


def test_it_is_for_people_signed_in_and_stands_in_the_menu(app, browser, scene):
    answer = app.test_client().get("/calendar")
    assert answer.status_code == 303 and answer.headers["Location"] == "/sign-in?next=/calendar"
    assert '<a href="/calendar" aria-current="page">Lịch</a>' in page(browser, "cv.binh")
    assert '<a href="/calendar"' not in app.test_client().get("/").get_data(as_text=True)


@pytest.mark.parametrize("who", [account[0] for account in demo.ACCOUNTS])
def test_everybody_has_a_page_in_both_languages_and_all_views(browser, scene, english, who):
    for language, heading in (("vi", "Tháng 12 năm 2026"), ("en", "December 2026")):
        if language == "en":
            english(who)
        for view in ("month", "list"):
            assert heading in page(browser, who, f"/calendar?month=2026-12&view={view}")
        assert "30/11 – 06/12/2026" in page(browser, who, "/calendar?view=week&day=2026-12-03")


def test_a_month_is_a_table_with_headings(browser, scene):
    text = page(browser, "tp.hoa", "/calendar?month=2026-12")
    table = text[text.index("<table") : text.index("</table>")]
    assert "<caption" in table and table.count('<th scope="col">') == 8 and table.count('<th scope="row">') == 5
    assert table.count("<td") == 35 and scene[0] in table and f'href="/cases/{scene[0]}"' in table
    assert "(ngày" not in table and "ngày 1/2" in table and "ngày 2/2" in table
    assert "cal-list cal-narrow" in text, "phones are shown the list of the same month"


def test_a_month_leaves_the_programme_to_week_and_list(browser, scene):
    month = page(browser, "hd.thao", "/calendar?month=2026-12")
    week = page(browser, "hd.thao", "/calendar?view=week&day=2026-12-03")
    assert "Hoạt động của đoàn" not in month[: month.index("</table>")] and "Hoạt động của đoàn" in month[month.index("</table>") :]
    assert week[: week.index("</table>")].count("Hoạt động của đoàn") == 3 and "Chợ nổi minh họa, Phường Cái Răng" in week


def test_one_gets_about_by_links(browser, scene):
    text = page(browser, "tp.hoa", "/calendar?month=2026-12&view=list")
    for href in ("/calendar?month=2026-11&amp;view=list", "/calendar?month=2027-01&amp;view=list", "/calendar?month=2026-12&amp;view=week"):
        assert f'href="{href}"' in text, href
    week = page(browser, "tp.hoa", "/calendar?month=2026-12&view=week&day=2026-12-03")
    for href in ("view=week&amp;day=2026-11-26", "view=week&amp;day=2026-12-10"):
        assert href in week, href
    for target in re.findall(r'href="(/calendar[^"]*)"', text + week):
        page(browser, "tp.hoa", target.replace("&amp;", "&"))


def test_days_off_stand_there_with_their_document(browser, english):
    text = page(browser, "qt.yen", "/calendar?month=2026-11")
    assert re.search(r"<b>Nghỉ: [^<]*Văn hóa Việt Nam</b> <span>[^<]*28/2026/QH16", text)
    english("qt.yen")
    assert re.search(r"<b>Off: [^<]*</b> <span>[^<]*28/2026/QH16", page(browser, "qt.yen", "/calendar?month=2026-11"))


def test_an_unconfirmed_year_is_said_to_be_one(browser, english):
    assert "chưa được xác nhận" not in page(browser, "cv.binh", "/calendar?month=2026-11")
    assert "Lịch làm việc năm 2031 chưa được xác nhận." in page(browser, "cv.binh", "/calendar?month=2031-01")
    english("cv.binh")
    assert "The calendar of 2031 is not confirmed." in page(browser, "cv.binh", "/calendar?month=2031-01")


def test_clashes_are_said_to_the_desk_and_not_outside(browser, scene, english):
    text = page(browser, "tp.hoa", "/calendar?month=2026-12&view=list")
    assert "Trùng lịch" in text and "2 đoàn đến cùng một nơi, trùng giờ, ngày 03/12/2026: Chợ nổi minh họa" in text
    assert "Trùng lịch" not in page(browser, "vptt.han", "/calendar?month=2026-12&view=list")
    english("tp.hoa")
    assert "2 visits are at one place at the same time on 03/12/2026" in page(browser, "tp.hoa", "/calendar?month=2026-12&view=list")


def test_an_empty_month_says_so_and_what_comes_next(browser, scene, english):
    text = page(browser, "hd.thao", "/calendar?month=2026-09")
    assert "Không có hoạt động trong tháng này." in text
    assert "Tiếp theo:" in text and "03/12/2026" in text and scene[0] in text
    assert "Trong một năm tới cũng chưa có gì." in page(browser, "qt.yen", "/calendar?month=2026-09&view=list")
    english("hd.thao")
    text = page(browser, "hd.thao", "/calendar?view=week&day=2026-10-05")
    assert "Nothing this week." in text and "Next:" in text


@pytest.mark.parametrize(
    "query", ["month=2026-13", "month=1999-12", "month=9999-12", "month=abc", "month=2026-1", "view=year", "view=week&day=2026-02-30",
              "view=week&day=0001-01-01", "month=%F0%9F%8E%A5", "month=%3Cb%3Ex"],
)  # fmt: skip
def test_what_cannot_be_read_is_told_and_never_breaks(browser, scene, query):
    text = page(browser, "cv.binh", f"/calendar?{query}", 422)
    assert "Không đọc được" in text and "Tháng 11 năm 2026" in text and "<b>x" not in text


def test_the_ends_of_what_can_be_read(browser):
    for query in ("month=2000-01", "month=2100-12", "view=week&day=2000-01-01", "view=week&day=2100-12-31"):
        for target in re.findall(r'href="(/calendar[^"]*)"', page(browser, "cv.binh", f"/calendar?{query}")):
            assert browser("cv.binh").client.get(target.replace("&amp;", "&")).status_code in (200, 422)


def test_a_crowded_day_shows_some_and_where_the_rest_is(browser, monkeypatch):
    day = datetime(2026, 11, 26, 1, tzinfo=UTC)
    many = tuple(
        feeds.Event("statutory", f"{n:032}", f"CT-V-2026-{n:04}", Text("Đang xem xét", "Being considered"), day + timedelta(minutes=n), None, 1, NOW)
        for n in range(40)
    )
    monkeypatch.setattr(feeds, "agenda", lambda *_, **__: feeds.Agenda(many, cut=True))
    text = page(browser, "cv.binh", "/calendar?month=2026-11")
    table = text[text.index("<table") : text.index("</table>")]
    assert table.count("CT-V-2026-") == 2 * 4 and "và 36 mục nữa" in table and "quá nhiều mục" in text
    assert page(browser, "cv.binh", "/calendar?view=week&day=2026-11-26").count("Hạn trả lời theo quy định") == 80


def test_a_page_costs_as_many_statements_however_much_is_on_it(lite, browser, scene, monkeypatch):
    page(browser, "tp.hoa")
    counts = []
    for month in ("2026-12", "2026-11", "2027-06"):
        asked = []
        with monkeypatch.context() as patch:
            real = store.cursor_of
            patch.setattr(store, "cursor_of", lambda connection, asked=asked, real=real: asked.append(1) or real(connection))
            page(browser, "tp.hoa", f"/calendar?month={month}")
        counts.append(len(asked))
    assert counts[0] == counts[1] and counts[2] == counts[0] + 2, "an empty month looks for what comes next"
