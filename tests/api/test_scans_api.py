"""The scans that the police read with their question, over HTTP: the page, the API, the record; and the same 404 for everybody else."""

from __future__ import annotations

import html
import re

import pytest

from tests.api.test_pages import page, post, stage, visitor  # noqa: F401  the signed-in clients of the pages
from workflow import demo, reads

NOBODY = "0" * 32


@pytest.fixture(scope="module")
def asked(stage):  # noqa: F811
    """A visit with its scans, put to the police and to one other body with the same parts: (request, {agency: question}, id of the passport's scan)."""
    ref = stage.file("vptt.han", "visit", papers=demo.SCANS)
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    stage.act("cv.binh", ref, "consult", agencies=["cong_an", "so_vhttdl"], question="Đề nghị cho ý kiến.", due_at=stage.soon(), bundle=["/crew", "/itinerary"])
    questions = {stage.row(id_)["fields"]["agency"]: id_ for id_ in stage.children(ref, "consultation")}
    return ref, questions, stage.row(ref)["papers"]["passport"]["id"]


def sent(text):
    """What a page says was sent along."""
    return html.unescape(text.split('id="bundle"')[1].split('id="deadlines"')[0])


def test_the_police_find_and_open_them_on_the_page_of_their_question(stage, visitor, asked):  # noqa: F811
    ref, questions, passport = asked
    text = page(visitor("ca.phuc"), f"/cases/{questions['cong_an']}")
    part = sent(text)
    assert f'href="/papers/{passport}"' in part and "Trang hộ chiếu" in part and "nhạy cảm, mỗi lần mở được ghi" in part
    assert text.count(passport) == 1 and 'id="papers"' not in text, "it stands once, and no empty list of papers beside it"
    assert stage.row(ref)["code"] not in text
    answer = visitor("ca.phuc").get(f"/papers/{passport}")
    assert answer.status_code == 200 and answer.data == demo.PDF and answer.headers["Content-Disposition"].startswith("attachment")
    for who in ("vhttdl.son", "cv.binh"):
        other = page(visitor(who), f"/cases/{questions['so_vhttdl' if who == 'vhttdl.son' else 'cong_an']}")
        assert passport not in other, who


def test_a_program_of_the_police_finds_them_in_the_case_and_its_papers(asked, browser):
    _, questions, passport = asked
    client = browser("ca.phuc")
    case = client.get(f"/cases/{questions['cong_an']}").json
    assert case["papers"]["passport"] == passport and set(case["papers"]) == {"passport", "card"} and case["parent"] is None
    items = client.get(f"/cases/{questions['cong_an']}/papers").json["items"]
    assert {item["name"]: (item["id"], item["sensitive"]) for item in items}["passport"] == (passport, True)
    answer = client.get(f"/papers/{passport}/content")
    assert answer.status_code == 200 and answer.data == demo.PDF


@pytest.mark.parametrize("who", ["vhttdl.son", "qs.quan", "hd.uyen", "vptt.lam"])
def test_for_everybody_else_they_are_absent_byte_for_byte(asked, browser, visitor, who):  # noqa: F811
    """Another body that was asked the same, one that was not asked, a guide, another outlet: as for a paper that is not there."""
    _, questions, passport = asked
    client = browser(who)
    kept = lambda a: (a.status_code, a.data, a.headers.get("Content-Type"))  # noqa: E731
    gone = kept(client.get(f"/papers/{NOBODY}/content"))
    assert gone[0] == 404 and kept(client.get(f"/papers/{passport}/content")) == gone
    assert kept(client.get(f"/papers/{passport}/content?purpose=Theo+c%C3%B4ng+v%C4%83n&how=view")) == gone
    assert kept(client.get(f"/cases/{questions['cong_an']}/papers")) == kept(client.get(f"/cases/{NOBODY}/papers")) == gone
    here, there = (visitor(who).get(f"/papers/{id_}") for id_ in (passport, NOBODY))  # but for the mark of the request itself
    assert here.status_code == there.status_code == 404
    same = lambda a, id_: re.sub(r'value="[^"]*"|· [0-9a-f]{16}', "", a.get_data(as_text=True).replace(id_, ""))  # noqa: E731
    assert same(here, passport) == same(there, NOBODY)
    if who == "vhttdl.son":
        assert client.get(f"/cases/{questions['so_vhttdl']}").json["papers"] == {}
        assert kept(client.get(f"/cases/{questions['so_vhttdl']}/papers")) == gone


def test_the_auditor_reads_who_opened_them_and_for_which_agency(stage, visitor, browser, asked):  # noqa: F811
    ref, questions, passport = asked
    browser("ca.phuc").get(f"/papers/{passport}/content")
    code = stage.row(questions["cong_an"])["code"]
    first = browser("ktr.xuan").get(f"/audit/reads?paper={passport}").json["items"][0]
    assert first["person"]["username"] == "ca.phuc" and first["role"] == "consultee" and first["organisation"]["code"] == "cong_an"
    assert first["case"]["id"] == ref and code in first["purpose"]["vi"]
    text = html.unescape(page(visitor("ktr.xuan"), f"/audit/reads?paper={passport}&each=true"))
    assert "Lý Thử Phúc" in text and "Công an thành phố" in text and "Cơ quan được lấy ý kiến".lower() in text.lower() and code in text


def test_after_the_answer_a_purpose_is_asked_for(stage, visitor, lite):  # noqa: F811
    ref = stage.file("vptt.han", "visit", papers=demo.SCANS)
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    stage.act("cv.binh", ref, "consult", agencies=["cong_an"], question="Hỏi.", due_at=stage.soon())
    demo.answer_all(stage, ref)
    question, passport = stage.row(stage.children(ref, "consultation")[0]), stage.row(ref)["papers"]["passport"]["id"]
    text = page(visitor("ca.phuc"), f"/papers/{passport}")
    assert 'name="purpose"' in text and question["code"] in text and stage.row(ref)["code"] not in text and ref not in text
    assert post(visitor("ca.phuc"), f"/papers/{passport}", purpose="xem", how="view").status_code == 422
    opened = post(visitor("ca.phuc"), f"/papers/{passport}", purpose="Đối chiếu lại khi sửa ý kiến", how="view")
    assert opened.status_code == 200 and opened.data == demo.PDF
    found = reads.listed(lite, stage.actor("ktr.xuan"), {"paper": passport})["items"]
    assert [(item["how"], item["purpose"]["vi"]) for item in found] == [("view", "Đối chiếu lại khi sửa ý kiến")]


def test_the_form_of_consulting_says_which_body_reads_scans(stage, visitor):  # noqa: F811
    ref = stage.file("vptt.han", "visit")
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    text = html.unescape(page(visitor("cv.binh"), f"/cases/{ref}/do/consult"))
    told = "mở được bản chụp hộ chiếu, thẻ"
    police = text.split('name="agencies" value="cong_an"')[1].split('name="agencies"')[0]
    assert text.count(told) == 1 and told in police
    assert "Không chọn mục nào" in text
