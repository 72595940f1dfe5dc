"""The return loop over HTTP and on the pages as a browser without scripts sees them."""

from __future__ import annotations

import html
import io
import re
from datetime import timedelta

import pytest

from states import FLOWS
from tests.api.test_pages import page, post, visitor  # noqa: F401
from workflow import clock, demo


@pytest.fixture(scope="module")
def stage(lite):
    return demo.Stage(lite)


@pytest.fixture
def filed(stage):
    return stage.file("vptt.han", "visit", fields=FLOWS["visit"].example(clock.today() + timedelta(days=40)))


def cell(stage, ref, name="passport_no", at=0):
    return f"/crew/{stage.row(ref)['fields']['crew'][at]['row']}/{name}"


def returned(stage, ref, *targets):
    codes = {"paper:request": "no_signature_or_seal", "/purpose": "purpose_unclear", "/crew": "crew_incomplete", "/contact/phone": "contact_unreachable"}
    items = [{"target": target, "code": codes.get(target, "contradiction")} for target in targets]
    stage.act("motcua.mai", ref, "ask_supplement", items=items, respond_by=stage.soon(1))
    return stage.row(ref)["code"]


# --- the API -----------------------------------------------------------------------------------------------------


def test_a_slip_names_cells_rows_lists_and_papers(browser, stage, filed):
    row = f"/itinerary/{stage.row(filed)['fields']['itinerary'][0]['row']}"
    items = [
        {"target": cell(stage, filed), "code": "passport_six_months"}, {"target": row, "code": "place_unclear"},
        {"target": "/equipment", "reason": "Thiếu máy ghi âm.", "basis": "262/5"}, {"target": "paper:passport", "code": "paper_unreadable"},
    ]  # fmt: skip
    body = {"items": items, "respond_by": clock.stamp(clock.later(days=1))}
    refused = browser("motcua.mai").act(filed, "ask_supplement", stage.row(filed)["version"], **body)
    assert refused.status_code == 422 and list(refused.json["errors"]) == ["items/0/code"]
    items[0]["code"] = "passport_unreadable"
    done = browser("motcua.mai").act(filed, "ask_supplement", stage.row(filed)["version"], **body)
    assert done.status_code == 200, done.json
    seen = browser("vptt.han").get(f"/cases/{filed}").json
    assert seen["open_fields"] == sorted(item["target"] for item in items)
    assert all(item["reason"] and item["basis"] and item["label"]["en"] and item["words"]["en"] for item in seen["items"])


def test_an_item_without_basis_answers_which(browser, stage, filed):
    body = {"items": [{"target": "/purpose", "reason": "Chưa rõ."}], "respond_by": clock.stamp(clock.later(days=1))}
    refused = browser("motcua.mai").act(filed, "ask_supplement", stage.row(filed)["version"], **body)
    assert refused.status_code == 409 and [r["code"] for r in refused.json["reasons"]] == ["items_given"]
    assert "Mục đích" in refused.json["reasons"][0]["message"]["vi"] and "Purpose" in refused.json["reasons"][0]["message"]["en"]


def test_other_cells_of_the_row_stay_locked(browser, stage, filed):
    returned(stage, filed, cell(stage, filed))
    crew = stage.row(filed)["fields"]["crew"]
    for rows in ([{**crew[0], "name": "KHÁC"}, crew[1]], crew[:1], [*crew, {"name": "MỚI"}], list(reversed(crew))):
        answer = browser("vptt.han").send("PATCH", f"/cases/{filed}", json={"fields": {"crew": rows}}, headers=match(stage, filed))
        assert answer.status_code == 422 and answer.json["code"] == "locked" and list(answer.json["errors"]) == ["crew"]
    assert stage.row(filed)["fields"]["crew"] == crew
    good = browser("vptt.han").send(
        "PATCH", f"/cases/{filed}", json={"fields": {"crew": [{**crew[0], "passport_no": "XQ1"}, crew[1]]}}, headers=match(stage, filed)
    )
    assert good.status_code == 200


def match(stage, ref):
    return {"If-Match": f'"{stage.row(ref)["version"]}"'}


def test_differences_are_served_to_those_who_read_the_case(browser, stage, filed):
    returned(stage, filed, "/purpose", "paper:request")
    assert browser("cv.binh").get(f"/cases/{filed}/differences").json == {"rounds": [], "round": None, "returns": []}
    browser("vptt.han").send("PATCH", f"/cases/{filed}", json={"fields": {"purpose": "Phóng sự mới."}}, headers=match(stage, filed))
    stage.attach("vptt.han", filed, "request")
    stage.act("vptt.han", filed, "resubmit")
    code = stage.row(filed)["code"]
    for who in ("motcua.mai", "cv.binh", "tp.hoa", "gd.khanh", "ktr.xuan", "vptt.han"):
        found = browser(who).get(f"/cases/{code}/differences")
        assert found.status_code == 200 and found.json["round"] == 2, who
        purpose, paper = found.json["returns"][0]["items"]
        assert purpose["old"] and purpose["new"] == "Phóng sự mới." and purpose["label"]["en"] == "Purpose"
        assert paper["hidden"] == (who == "cv.binh"), "who is not the officer of the case opens none of its papers"
        for file in (paper["old"], paper["new"]) if not paper["hidden"] else ():
            with browser(who).get(f"/papers/{file['id']}/content") as answer:
                assert answer.status_code == 200
    absent = browser("vptt.lam").get("/cases/CT-V-2026-9999/differences")
    for who in ("vptt.lam", "ca.phuc", "ubnd.minh", "hd.thao"):
        hidden = browser(who).get(f"/cases/{filed}/differences")
        assert hidden.status_code == 404 and (who != "vptt.lam" or hidden.data == absent.data), who
    for wrong in ("9", "x", "1"):
        assert browser("cv.binh").get(f"/cases/{filed}/differences?round={wrong}").status_code == 422
    assert browser(None).get(f"/cases/{filed}/differences").status_code == 401


def test_a_passport_is_masked_where_the_file_masks_it(browser, stage, filed):
    crew = stage.row(filed)["fields"]["crew"]
    returned(stage, filed, cell(stage, filed), "paper:passport")
    browser("vptt.han").send(
        "PATCH", f"/cases/{filed}", json={"fields": {"crew": [{**crew[0], "passport_no": "ZZ7654321"}, crew[1]]}}, headers=match(stage, filed)
    )
    stage.attach("vptt.han", filed, "passport")
    stage.act("vptt.han", filed, "resubmit")
    for who, reads in (("cv.binh", False), ("motcua.mai", True), ("tp.hoa", False), ("ktr.xuan", False)):
        answer = browser(who).get(f"/cases/{filed}/differences")
        number, paper = answer.json["returns"][0]["items"]
        assert (("ZZ7654321" in answer.get_data(as_text=True)) == reads) and number["new"] in ("ZZ7654321", "…321"), who
        assert paper["hidden"] == (not reads) and (paper["new"] is None) == (not reads)


def test_a_letter_row_has_no_differences(browser, stage, filed):
    returned(stage, filed, "/purpose")
    stage.deliver()
    letter = stage.children(filed, "letter")[0]
    assert browser("motcua.mai").get(f"/cases/{letter}/differences").status_code == 404
    assert "Mục đích: " in html.unescape(page_of(browser, letter)), "the slip names each item in words"


def page_of(browser, ref):
    client = browser("motcua.mai").client
    return client.get(f"/cases/{ref}").get_data(as_text=True)


# --- the slip ----------------------------------------------------------------------------------------------------


def test_the_slip_is_made_without_a_script(visitor, stage, filed):  # noqa: F811
    desk, path = visitor("motcua.mai"), f"/cases/{filed}/do/ask_supplement"
    shown = page(desk, path)
    number = cell(stage, filed)
    for target in (number, "/crew", "/purpose", "/outlet/name", "paper:request", number.rsplit("/", 1)[0]):
        assert f'name="pick" value="{target}"' in shown, target
    assert "Thành viên 1: AINO ESIMERKKI" in shown and "Hoạt động 1: " in shown
    form = {"slip": "1", "items.n": "0", "version": stage.row(filed)["version"], "respond_by": f"{clock.local(clock.later(days=1)):%Y-%m-%dT%H:%M}"}
    chosen = post(desk, path, **form, pick=[number, "paper:request"], choose="1")
    text = chosen.get_data(as_text=True)
    assert chosen.status_code == 200 and 'name="items.1.target" value="paper:request"' in text and "AINO ESIMERKKI – Số hộ chiếu" in text
    assert re.search(r'value="passport_unreadable" checked', text), "one reason alone speaks of this entry: it is chosen"
    form |= {
        "items.n": "2",
        "items.0.target": number,
        "items.0.code": "passport_unreadable",
        "items.1.target": "paper:request",
        "items.1.reason": "Mờ trang 2.",
    }
    more = post(desk, path, **form, pick=[number, "paper:request", "/purpose"], go="1")
    assert more.status_code == 422 and "Mờ trang 2." in more.get_data(as_text=True) and 'value="/purpose"' in more.get_data(as_text=True)
    filled = post(desk, path, **form, pick=[number, "paper:request"], fill="1").get_data(as_text=True)
    assert stage.office.profile.returns["passport_unreadable"].text.vi in re.search(r'name="items.0.reason"[^>]*>([^<]*)<', filled)[1]
    refused = post(desk, path, **form, pick=[number, "paper:request"], go="1")
    text = html.unescape(refused.get_data(as_text=True))
    assert refused.status_code == 409 and "chưa có căn cứ – Giấy tờ: Văn bản đề nghị" in text and "Mờ trang 2." in text
    wrong = post(desk, path, **form, **{"items.1.basis": "zzz/1"}, pick=[number, "paper:request"], go="1")
    assert wrong.status_code == 422 and 'aria-describedby="items.1.basis-e"' in wrong.get_data(as_text=True)
    dropped = post(desk, path, **form, pick=[number, "paper:request"], drop="paper:request").get_data(as_text=True)
    assert 'name="items.n" value="1"' in dropped
    sent = post(desk, path, **form, **{"items.1.basis": "262/16(3)"}, pick=[number, "paper:request"], go="1")
    assert sent.status_code == 303 and stage.row(filed)["state"] == "supplement_required"
    kept = stage.row(filed)["memory"]["acts"]["ask_supplement"]["given"]["items"]
    assert [(item["target"], item["basis"]) for item in kept] == [(number, "262/5(1)(b)"), ("paper:request", "262/16(3)")]
    told = page(visitor("vptt.han"), f"/cases/{filed}")
    assert "AINO ESIMERKKI – Số hộ chiếu" in told and f'href="/cases/{stage.row(filed)["code"]}/answer"' in told


def test_an_empty_or_forged_slip_is_told(visitor, stage, filed):  # noqa: F811
    desk, path = visitor("motcua.mai"), f"/cases/{filed}/do/ask_supplement"
    form = {"slip": "1", "items.n": "0", "version": stage.row(filed)["version"], "respond_by": f"{clock.local(clock.later(days=1)):%Y-%m-%dT%H:%M}"}
    assert post(desk, path, **form, go="1").status_code == 422
    forged = post(desk, path, **form, pick=["/crew/nobody/name", "paper:decision_scan", "/nothing"], choose="1")
    assert forged.status_code == 200 and 'name="items.n" value="0"' in forged.get_data(as_text=True)
    assert stage.row(filed)["state"] == "requested"


# --- answering ---------------------------------------------------------------------------------------------------


def inputs(text):
    """The names of what can be typed in the form of the answer."""
    form = re.search(r'<form method="post" class="form answer".*?</form>', text, re.DOTALL)[0]
    names = re.findall(r'<(?:input|select|textarea)[^>]*?\bname="([^"]+)"', form)
    return {name for name in names if name not in ("csrf_token", "author", "version", "note", "not_classified") and not name.endswith((".n", ".row"))}


def test_the_page_has_only_what_was_asked_for(visitor, stage, filed):  # noqa: F811
    returned(stage, filed, cell(stage, filed, at=1), "/contact/phone", "/purpose", "paper:request")
    text = page(visitor("vptt.han"), f"/cases/{filed}/answer")
    assert inputs(text) == {"crew.1.passport_no", "contact.phone", "purpose", "paper.request"}
    assert "MIKKO MALLI" in text and "M-0413" in text, "the rest of the row stands there to be read"
    assert "AINO ESIMERKKI" not in re.search(r"<main.*</main>", text, re.DOTALL)[0].split("</h1>")[1].split("note")[0]
    reason = stage.office.profile.returns["no_signature_or_seal"]
    assert reason.text.vi in text and "khoản 3 Điều 16" in text


def test_a_whole_row_and_a_whole_list(visitor, stage, filed):  # noqa: F811
    row = stage.row(filed)["fields"]["itinerary"][0]["row"]
    returned(stage, filed, f"/itinerary/{row}", "/crew")
    text = page(visitor("vptt.han"), f"/cases/{filed}/answer")
    names = inputs(text)
    assert {"itinerary.0.place", "itinerary.0.on", "crew.0.name", "crew.1.card_no"} <= names and "itinerary.1.place" not in names
    assert 'name="add" value="crew"' in text and 'name="add" value="itinerary"' not in text and 'value="itinerary.0"' not in text


def test_answering_saves_uploads_and_sends_in_one_press(visitor, stage, filed):  # noqa: F811
    number = cell(stage, filed, at=1)
    returned(stage, filed, number, "paper:request")
    office, path, before = visitor("vptt.han"), f"/cases/{filed}/answer", stage.row(filed)
    form = {"version": before["version"], "crew.1.passport_no": "XP7777777", "note": ""}
    refused = post(office, path, **form, then="send")
    text = html.unescape(refused.get_data(as_text=True))
    assert refused.status_code == 409 and "Văn bản đề nghị" in text and 'value="XP7777777"' in text
    row = stage.row(filed)
    assert row["fields"]["crew"][1]["passport_no"] == "XP7777777" and row["state"] == "supplement_required", "what was typed is saved"
    stays = {name: value for name, value in row["fields"]["crew"][1].items() if name != "passport_no"}
    assert stays == {name: value for name, value in before["fields"]["crew"][1].items() if name != "passport_no"}
    bad = post(office, path, **form | {"version": row["version"], "note": "Đã nêu."}, **{"paper.request": (io.BytesIO(b"MZ"), "a.pdf")}, then="send")
    text = bad.get_data(as_text=True)
    assert bad.status_code == 422 and 'aria-describedby="paper.request-e"' in text and "Đã nêu." in text
    sent = post(office, path, **form | {"version": row["version"]}, **{"paper.request": (io.BytesIO(demo.PDF), "ky.pdf")}, then="send")
    assert sent.status_code == 303 and stage.row(filed)["state"] == "requested" and stage.row(filed)["round"] == 2
    desk = page(visitor("motcua.mai"), f"/cases/{filed}")
    assert "Đã sửa so với lần trước" in desk and "XP0000002" in desk and "XP7777777" in desk and "ky.pdf" in desk
    assert "Đã sửa so với lần trước" not in page(office, f"/cases/{filed}")
    inbox = page(visitor("motcua.mai"), "/inbox")
    assert "Đã trả lời, chờ Ông/Bà xem" in inbox and inbox.index(stage.row(filed)["code"]) < inbox.index("Sau đó")
    assert page(visitor("motcua.mai"), f"/cases/{filed}?round=9"), "a round that is none is the last one"


def test_saving_keeps_the_note_and_sends_nothing(visitor, stage, filed):  # noqa: F811
    returned(stage, filed, "/purpose")
    office, path = visitor("vptt.han"), f"/cases/{filed}/answer"
    saved = post(office, path, version=stage.row(filed)["version"], purpose="Phóng sự khác.", note="Xin xem lại.", then="save")
    assert saved.status_code == 200 and "Xin xem lại." in saved.get_data(as_text=True)
    assert stage.row(filed)["fields"]["purpose"] == "Phóng sự khác." and stage.row(filed)["state"] == "supplement_required"
    version = stage.row(filed)["version"]
    again = post(office, path, version=version, purpose="Phóng sự khác.", note="", then="save")
    assert again.status_code == 303 and stage.row(filed)["version"] == version, "nothing changed, nothing is written"


def test_rows_are_added_only_where_the_list_was_asked_for(visitor, stage, filed):  # noqa: F811
    returned(stage, filed, "/crew")
    office, path, crew = visitor("vptt.han"), f"/cases/{filed}/answer", stage.row(filed)["fields"]["crew"]
    form = {"version": stage.row(filed)["version"], "crew.n": "2", "note": "Ghi chú giữ lại."}
    form |= {f"crew.{at}.{name}": value for at, row in enumerate(crew) for name, value in row.items()}
    grown = post(office, path, **form, add="crew").get_data(as_text=True)
    assert 'name="crew.2.name"' in grown and "Ghi chú giữ lại." in grown and crew[0]["row"] in grown
    form |= {"crew.n": "3", "crew.2.name": "LIISA LISÄ", "crew.2.role": "producer", "version": stage.row(filed)["version"]}
    assert post(office, path, **form, then="send").status_code == 303
    assert [row["name"] for row in stage.row(filed)["fields"]["crew"]] == ["AINO ESIMERKKI", "MIKKO MALLI", "LIISA LISÄ"]


def test_a_stale_page_loses_nothing(visitor, stage, filed):  # noqa: F811
    returned(stage, filed, "/purpose", "paper:request")
    office, version = visitor("vptt.han"), stage.row(filed)["version"]
    stage.attach("vptt.han", filed, "request")
    late = post(office, f"/cases/{filed}/answer", version=version, purpose="Đã gõ lại.", note="Giữ.", then="send")
    assert late.status_code == 412 and "Đã gõ lại." in late.get_data(as_text=True) and "Giữ." in late.get_data(as_text=True)


def test_the_page_is_nobody_elses_and_of_no_other_state(visitor, stage, filed):  # noqa: F811
    path = f"/cases/{filed}/answer"
    assert visitor("vptt.han").get(path).status_code == 404, "it was not returned"
    returned(stage, filed, "/purpose")
    for who in ("vptt.lam", "vptt.thu", "motcua.mai", "cv.binh", "ca.phuc"):
        assert visitor(who).get(path).status_code == 404, who
    no_token = visitor("vptt.han").post(path, data={"purpose": "x", "version": stage.row(filed)["version"]})
    assert no_token.status_code == 400


def test_the_form_of_consulting_says_who_is_asked_again(visitor, stage, filed):  # noqa: F811
    stage.act("motcua.mai", filed, "accept", officer="cv.binh")
    row = stage.row(filed)["fields"]["itinerary"][0]
    for agency, bundle in (("cong_an", ["/itinerary"]), ("so_vhttdl", ["/purpose"]), ("so_yte", [f"/itinerary/{row['row']}"])):
        stage.act("cv.binh", filed, "consult", agencies=[agency], question=f"Hỏi {agency}.", due_at=stage.soon(1), bundle=bundle)
    demo.answer_all(stage, filed)
    items = [{"target": f"/itinerary/{row['row']}/place", "code": "place_unclear"}]
    stage.act("cv.binh", filed, "ask_clarification", items=items, respond_by=stage.soon(1))
    office = visitor("vptt.han")
    shown = page(office, f"/cases/{filed}/answer")
    assert inputs(shown) == {"itinerary.0.place"}
    assert post(office, f"/cases/{filed}/answer", version=stage.row(filed)["version"], **{"itinerary.0.place": "Chợ nổi số 3"}, then="send").status_code == 303
    officer, path = visitor("cv.binh"), f"/cases/{filed}/do/consult"
    shown = html.unescape(page(officer, path))
    ticked = re.findall(r'name="agencies" value="([a-z_]+)" checked', shown)
    assert sorted(ticked) == ["cong_an", "so_yte"] and "Chợ nổi số 3" in shown and "Hỏi so_yte." in shown and "Hỏi so_vhttdl." not in shown
    assert 'value="/itinerary" checked' in shown and f'value="/itinerary/{row["row"]}" checked' in shown
    case = html.unescape(page(officer, f"/cases/{filed}"))
    assert case.count(">Hỏi lại<") == 4 and "phải hỏi lại" in case, "in the line on the file and on the opinion itself, for two bodies"
    form = {"version": stage.row(filed)["version"], "question": "Hỏi lại.", "due_at": f"{clock.local(clock.later(days=1)):%Y-%m-%dT%H:%M}", "agencies": ["cong_an"],
            "bundle": ["/itinerary"], "dropped.n": "2", "dropped.0.agency": "cong_an", "dropped.1.agency": "so_yte"}  # fmt: skip
    silent = post(officer, path, **form, go="1")
    assert silent.status_code == 422 and "dropped.1.reason" in silent.get_data(as_text=True)
    done = post(officer, path, **form, **{"dropped.1.reason": "Tên gọi khác của cùng một nơi."}, go="1")
    assert done.status_code == 303
    case = html.unescape(page(officer, f"/cases/{filed}"))
    assert ">Hỏi lại<" not in case and "Không hỏi lại: Tên gọi khác của cùng một nơi." in case and "Đã hỏi lại" in case
