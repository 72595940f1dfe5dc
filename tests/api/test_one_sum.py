"""A due date explains itself with one and the same sum on the page, in the API and in the mail."""

from __future__ import annotations

import html
from datetime import UTC, datetime

import pytest

from tests.conftest import Browser
from workflow import clock, demo, mail, notices
from workflow.deadlines import Deadline

AT = datetime(2026, 11, 19, 2, 0, tzinfo=UTC)  # 09:00 in Hà Nội; the five days skip a weekend and 24/11


@pytest.fixture(scope="module")
def case(lite):
    stage = demo.Stage(lite)
    with clock.at(AT):
        ref = stage.file("vptt.han", "visit")
        stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    return stage.row(ref)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_page_api_and_mail_tell_the_same_sum(app, lite, case, language):
    browser = Browser(app, "cv.binh")
    told = [item for item in browser.get(f"/cases/{case['id']}/deadlines").json["items"] if item["clock"] in ("statutory", "work")]
    assert [item["clock"] for item in told] == ["statutory", "work"] and told[0]["due_at"] == case["clocks"]["statutory_due"]
    sums = [Deadline.of(item).as_text(language) for item in told]

    assert notices.explanation(lite, case, "level_due", language) == "\n\n".join(sums)
    post = mail.Post("127.0.0.1", 25, False, "desk@example.org", "https://desk.example.org")
    item = mail.Item(notices.words("level_due"), case["code"], f"/cases/{case['code']}", notices.explanation(lite, case, "level_due", language))
    body = mail.compose(post, "cv.binh@example.org", [item], language, "k", AT).get_content().replace("\r\n", "\n")
    assert all(one in body for one in sums)

    browser.client.post(f"/language/{language}", data={"csrf_token": browser.token})
    page = html.unescape(browser.client.get(f"/cases/{case['id']}").get_data(as_text=True))
    part = page[page.index('id="deadlines"') :]
    for item in told:
        for on in item["counted"]:
            assert f"{on[8:10]}/{on[5:7]}" in part
        for row in item["skipped"]:
            assert f"{row['date'][8:10]}/{row['date'][5:7]}: {row['why'][language]}" in part and row["document"] in part
    assert "28/2026/QH16" in part and "28/2026/QH16" in body
    browser.client.post("/language/vi", data={"csrf_token": browser.token})
