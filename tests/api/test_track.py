"""The public tracking and the receipt over HTTP: one answer for every failure, no secret in any address, links that no request can bend."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import create_app
from states import FLOWS
from tests.conftest import Browser
from workflow import clock, demo, pins, store

ADDRESSES = (f"10.{a}.{b}.{c}" for a in range(256) for b in range(256) for c in range(1, 255))
WORDS = {
    "Đã tiếp nhận": ["requested"],
    "Đang xem xét": ["under_review", "pending_endorsement", "pending_decision", "pending_committee", "pending_interviewee"],
    "Cần bổ sung": ["supplement_required", "clarification_required"],
    "Đã có kết quả": ["approved", "accompanied", "rejected"],
    "Tạm đình chỉ": ["suspended"],
    "Đã kết thúc": ["reported", "closed", "withdrawn", "cancelled", "stopped", "not_accepted", "no_show", "revoked"],
}
HEADLINES = {
    "approved": "Đã có kết quả: chấp thuận", "accompanied": "Đã có kết quả: chấp thuận", "rejected": "Đã có kết quả: không chấp thuận",
    "reported": "Đã kết thúc: đã báo cáo", "withdrawn": "Đã kết thúc: đã rút", "cancelled": "Đã kết thúc: đã hủy", "stopped": "Đã kết thúc: dừng giải quyết",
    "not_accepted": "Đã kết thúc: không tiếp nhận", "no_show": "Đã kết thúc: không đến", "revoked": "Đã kết thúc: thu hồi",
}  # fmt: skip


@pytest.fixture(scope="module")
def whole_demo(lite):
    """The office with a case in every state."""
    demo.load(lite)
    return lite


@pytest.fixture(scope="module")
def sent(lite):
    """A case that was sent: id, code, figures."""
    stage = demo.Stage(lite)
    ref = stage.file("vptt.han", "visit")
    with lite.db.read() as connection:
        return ref, stage.row(ref)["code"], pins.of(lite, connection, ref)


def ask(app, code, pin, address=None):
    return app.test_client().get(f"/api/v1/public/track/{code}", query_string={"pin": pin}, environ_base={"REMOTE_ADDR": address or next(ADDRESSES)})


def post(app, code, pin, address=None, client=None, **more):
    return (client or app.test_client()).post("/track", data={"code": code, "pin": pin, **more}, environ_base={"REMOTE_ADDR": address or next(ADDRESSES)})


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


def wrong(pin):
    return f"{(int(pin) + 1) % 1_000_000:06d}"


def test_every_case_of_the_demo_stands_at_its_word_on_page_and_api(app, whole_demo):
    wanted = {state: word for word, states in WORDS.items() for state in states}
    seen = set()
    with whole_demo.db.read() as connection:
        rows = store.query(connection, "SELECT id, code, kind, state FROM cases WHERE kind IN ('visit', 'interview') AND code IS NOT NULL")
        figures = {row["id"]: pins.of(whole_demo, connection, row["id"]) for row in rows}
        people = [row["name"] for row in store.query(connection, "SELECT name FROM users")]
    for row in rows:
        told = ask(app, row["code"], figures[row["id"]])
        assert told.status_code == 200, told.data
        assert told.json["word"]["label"]["vi"] == wanted[row["state"]], row
        page = post(app, row["code"], figures[row["id"]])
        headline = re.search(r"<h1[^>]*>(.*?)</h1>", page.get_data(as_text=True), re.S).group(1).strip()
        assert headline == HEADLINES.get(row["state"], wanted[row["state"]]), row
        private = [*people, "Esimerkki", "Mihon", "MALLI", "XP000", "TZ000", "Mẫu", "minhhoa.example", "Minh Họa", "minh họa) A"]
        for answer in (told, page):
            body = answer.get_data(as_text=True)
            assert not [name for name in private if name in body], (row, [name for name in private if name in body])
            assert not re.search(
                "Công an|Quân sự|Biên phòng(?!<)|pending_|under_review", body.replace("Bộ đội Biên phòng", "").replace("Đồn Biên phòng", "")
            ), row
        seen.add((row["kind"], row["state"]))
    assert seen == {(kind, name) for kind in ("visit", "interview") for name, state in FLOWS[kind].states.items() if name not in ("draft", "discarded")}


def test_one_answer_for_every_failure_byte_by_byte(app, lite, sent):
    ref, code, pin = sent
    draft = demo.Stage(lite).file("vptt.han", "visit", submit=False)
    tries = {
        "wrong": (code, wrong(pin)),
        "empty": (code, ""),
        "unknown": (code[:-4] + "9999", pin),
        "draft": (draft, pin),
        "id": (ref, pin),
        "odd": ("%00", "٣"),
    }
    answers = {name: ask(app, *given_) for name, given_ in tries.items()}
    assert {(answer.status_code, answer.content_type, answer.data) for answer in answers.values()} == {(404, "application/problem+json", answers["wrong"].data)}
    assert lite.profile.raw["desk"]["phone"] in answers["wrong"].json["detail"] and answers["wrong"].json["message"]["en"]
    pages = {name: post(app, *given_) for name, given_ in tries.items()}
    plain = {re.sub(r'name="code" value="[^"]*"|/track/[^"]*', "", page.get_data(as_text=True)).replace(" autofocus", "") for page in pages.values()}
    assert {page.status_code for page in pages.values()} == {404} and len(plain) == 1
    assert f'value="{code}"' in pages["wrong"].get_data(as_text=True), "the code that was typed is kept"
    assert pin not in pages["unknown"].get_data(as_text=True), "the figures are not"


def test_right_figures_show_the_case_and_stand_in_no_address(app, sent):
    _, code, pin = sent
    page = post(app, code, pin)
    body = page.get_data(as_text=True)
    assert page.status_code == 200 and page.headers["Cache-Control"] == "no-store" and "Đang chờ giấy tiếp nhận" in body
    assert not re.search(rf'(?:href|action|src)="[^"]*{pin}', body) and "Location" not in page.headers
    assert app.test_client().get(f"/track?code={code}&pin={pin}").get_data(as_text=True).count(pin) == 0


def test_the_page_of_the_code_is_the_same_for_any_code(app, sent):
    _, code, _ = sent
    there, nowhere = (app.test_client().get(f"/track/{c}").get_data(as_text=True).replace(c, "") for c in (code, "CT-V-2026-9998"))
    assert there == nowhere and app.test_client().get(f"/track/{code}").status_code == 200


def test_the_language_is_switched_without_losing_the_case(app, sent):
    _, code, pin = sent
    client = app.test_client()
    page = post(app, code, pin, client=client, language="en")
    assert 'lang="en"' in page.get_data(as_text=True)[:200] and "Received" in text_of(page)
    assert 'lang="en"' in client.get("/track").get_data(as_text=True)[:200]
    assert "Đã tiếp nhận" in text_of(post(app, code, pin, client=client, language="vi"))
    assert post(app, code, pin, language="xx").status_code == 200


def test_another_site_may_not_post_for_a_visitor(app, sent):
    _, code, pin = sent
    answer = app.test_client().post("/track", data={"code": code, "pin": pin}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 400


def test_too_many_tries_say_when_to_come_back_in_both_languages(app, sent):
    _, code, pin = sent
    home = next(ADDRESSES)
    with clock.at(clock.now()):
        for _ in range(5):
            assert ask(app, code, wrong(pin), home).status_code == 404
        slow, page = ask(app, code, pin, home), post(app, code, pin, home)
        again = clock.local(clock.now() + timedelta(hours=1))
    assert slow.status_code == page.status_code == 429 and slow.json["code"] == "slow_down"
    assert slow.headers["Retry-After"] == page.headers["Retry-After"] == "3601"
    told = f"{again:%H:%M:%S, %d/%m/%Y}"
    assert told in slow.json["message"]["vi"] and told in slow.json["message"]["en"]
    assert text_of(page).count(told) == 2 and "Too many wrong tries" in text_of(page) and f'value="{code}"' in page.get_data(as_text=True)
    assert ask(app, code, pin).status_code == 200, "from elsewhere it is open"


def test_a_claimed_address_is_not_believed_unless_a_proxy_of_ours_stands_there(app, lite, sent, tmp_path):
    _, code, pin = sent
    home = next(ADDRESSES)

    def tries(one, hops):
        for n in range(6):
            answer = one.test_client().get(
                f"/api/v1/public/track/{code}", query_string={"pin": wrong(pin)},
                headers={"X-Forwarded-For": f"203.0.113.{n}{hops}"}, environ_base={"REMOTE_ADDR": home},
            )  # fmt: skip
        return answer.status_code

    assert tries(app, "") == 429, "a new name for each try is the same visitor"
    behind = create_app(replace(app.config["FPD"], proxies=1, var=tmp_path), lite)
    assert tries(behind, "") == 404, "the proxy's word counts"
    assert tries(behind, ", 198.51.100.77") == 429, "what the visitor wrote before it does not"


def test_the_qr_code_and_the_sheet_lead_to_the_set_address_whatever_the_host(app, lite, browser, sent, tmp_path):
    import segno

    ref, code, pin = sent
    settings_ = replace(app.config["FPD"], public_url="https://baochi.example/", var=tmp_path)
    other = create_app(settings_, lite)
    cookie = f"fpd={Browser(other, 'vptt.han').client.get_cookie('fpd').value}"
    named = other.test_client(use_cookies=False)
    for host in ("localhost", "evil.example", "baochi.example:444"):
        sheet = named.get(f"/cases/{code}/receipt", headers={"Host": host, "Cookie": cookie})
        assert sheet.status_code == 200 and f"https://baochi.example/track/{code}" in sheet.get_data(as_text=True)
        assert "evil.example" not in sheet.get_data(as_text=True)
    picture = named.get(f"/cases/{code}/receipt/qr.svg", headers={"Host": "evil.example", "Cookie": cookie})
    assert picture.content_type == "image/svg+xml" and b"style" not in picture.data and b"script" not in picture.data
    drawn = ElementTree.fromstring(picture.data)  # noqa: S314  our own drawing
    wanted = segno.make(f"https://baochi.example/track/{code}", error="m", micro=False)
    paths = [re.findall(r' d="([^"]*)"', text) for text in (wanted.svg_inline(scale=4, border=4, light="#fff"), picture.get_data(as_text=True))]
    assert paths[0] == paths[1], "it says the address and no more"
    assert drawn.tag.endswith("svg") and pin not in picture.get_data(as_text=True)
    assert Browser(app, "vptt.han").get(f"/cases/{code}/receipt").json["address"].endswith(f"/track/{code}")


def test_the_receipt_is_an_acknowledgement_until_the_desk_accepts(app, lite, browser):
    stage = demo.Stage(lite)
    ref = stage.file("vptt.han", "visit")
    code, client = stage.row(ref)["code"], browser("vptt.han").client
    before = text_of(client.get(f"/cases/{code}/receipt"))
    assert "XÁC NHẬN ĐÃ GỬI HỒ SƠ" in before and "Đang chờ giấy tiếp nhận" in before and "GIẤY TIẾP NHẬN HỒ SƠ" not in before
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    after = client.get(f"/cases/{code}/receipt").get_data(as_text=True)
    assert "GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ" in after and "Receipt of a request" in after
    with lite.db.read() as connection:
        pin = pins.of(lite, connection, ref)
    for part in (code, pin, "khoản 3 Điều 16", "Không thu phí", lite.profile.raw["desk"]["phone"], "Văn bản đề nghị có ký", "Qua mạng", "5 working days"):
        assert part in after, part
    assert pin in client.get(f"/cases/{code}").get_data(as_text=True), "the case page shows the figures to the applicant"
    assert pin in browser("motcua.mai").client.get(f"/cases/{code}").get_data(as_text=True)
    assert pin not in browser("ktr.xuan").client.get(f"/cases/{code}").get_data(as_text=True), "an auditor reads the case, not its figures"


def test_somebody_elses_receipt_is_like_none(app, browser, sent):
    _, code, pin = sent
    other = "CT-V-2026-9997"
    for path in (f"/cases/{code}/receipt", f"/cases/{code}/receipt/qr.svg"):
        answers = [browser("vptt.lam").client.get(path.replace(code, c)) for c in (code, other)]
        bodies = {a.get_data(as_text=True).replace(a.headers["X-Request-Id"], "").replace(c, "") for a, c in zip(answers, (code, other), strict=True)}
        assert {a.status_code for a in answers} == {404} and len(bodies) == 1
        assert app.test_client().get(path).status_code in (303, 401)
    answers = [browser("vptt.lam").get(f"/cases/{c}/receipt") for c in (code, other)]
    assert {a.status_code for a in answers} == {404} and answers[0].data == answers[1].data
    assert browser("vptt.han").get(f"/cases/{code}/receipt").json["pin"] == pin


def test_the_figures_are_in_no_log(app, browser, sent, caplog):
    _, code, pin = sent
    with caplog.at_level(logging.DEBUG):
        ask(app, code, pin)
        ask(app, code, wrong(pin))
        post(app, code, pin)
        browser("vptt.han").client.get(f"/cases/{code}/receipt")
    assert pin not in caplog.text


def test_mails_and_notices_carry_no_figures(app, lite, sent):
    from workflow import notices

    ref, code, pin = sent
    with lite.db.read() as connection:
        told = store.query(connection, "SELECT user_id, name FROM notices WHERE case_id = :id", id=ref)
        row = store.load(connection, ref)
        texts = [notices.explanation(lite, row, item["name"], language) for item in told for language in ("vi", "en")]
    assert not [text for text in texts if pin in text]


def test_the_front_page_holds_the_four_choices(app):
    for language, words in {
        "vi": ("Gửi đề nghị", "Tra cứu hồ sơ", "Ai quyết định việc gì", "Liên hệ", "Thông báo về dữ liệu cá nhân", "Không thu phí", "91/2025/QH15"),
        "en": ("Send a request", "Track a case", "Who decides what", "Contact", "Privacy notice", "Free of charge", "91/2025/QH15"),
    }.items():
        client = app.test_client()
        client.set_cookie("fpd_lang", language)
        page = client.get("/")
        body = text_of(page)
        assert page.status_code == 200 and all(word in body for word in words)
        assert page.get_data(as_text=True).count("<dt>") == 12


def test_the_api_describes_both(app):
    paths = app.test_client().get("/api/v1/openapi.json").json["paths"]
    assert paths["/api/v1/public/track/{code}"]["get"]["security"] == [] and "429" in paths["/api/v1/public/track/{code}"]["get"]["responses"]
    assert "get" in paths["/api/v1/cases/{ref}/receipt"]


@given(st.text(max_size=40), st.text(max_size=10))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_input_is_a_fault_of_ours(app, code, pin):
    assert post(app, code, pin).status_code in (404, 429)
    assert ask(app, code.replace("/", "").replace("?", "").replace("#", "") or "x", pin).status_code in (404, 308)
    assert app.test_client().get("/track/" + (code.replace("/", "").replace("?", "").replace("#", "") or "x")).status_code in (200, 404, 308)
