"""The rule table and the legal catalogue as pages: two presses, two persons, and what was typed is kept."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from workflow import clock, demo, law, rule_changes, store, users


@pytest.fixture(scope="module")
def stage(lite):
    return demo.Stage(lite)


@pytest.fixture(scope="module")
def visitor(app):
    """Signed-in clients of the pages by user name."""
    known = {}

    def get(username):
        if username not in known:
            client = app.test_client()
            answer = client.post("/sign-in", data={"username": username, "password": demo.PASSWORD, **token(client.get("/sign-in"))})
            assert answer.status_code == 303
            known[username] = client
        return known[username]

    return get


def token(answer):
    found = re.search(r'name="csrf_token" value="([^"]*)"', answer.get_data(as_text=True))
    return {"csrf_token": found[1]} if found else {}


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.get_data(as_text=True)[-600:])
    return answer.get_data(as_text=True)


def post(client, path, at=None, **form):
    """Press a button of the page at `at` (the same path if not told)."""
    return client.post(path, data={**token(client.get(at or path)), **form})


def in_english(client):
    post(client, "/language/en", at="/admin", next="/admin")


def rule(lite, code):
    with lite.db.read() as connection:
        return store.query(connection, "SELECT * FROM rule_versions WHERE code = :code ORDER BY valid_from DESC, entered_at DESC", code=code)[0]


def hidden(text):
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))


TODAY = clock.today().isoformat()
TYPED = {"value": "7", "unit": "wd", "basis": "262/16(3)", "valid_from": TODAY, "locality": "", "reason": "Chữ đã nhập & giữ."}


@pytest.mark.parametrize("path", ["/admin/rules", "/admin/law"])
def test_who_reads(visitor, path):
    for who in ("qt.yen", "gd.khanh", "ktr.xuan"):
        assert path in page(visitor(who), "/admin")
        page(visitor(who), path)
    for who in ("cv.binh", "tp.hoa", "vptt.han", "ubnd.minh", "ca.phuc"):
        assert visitor(who).get(path).status_code == 403


def test_every_rule_is_shown_with_value_basis_and_standing(visitor):
    text = page(visitor("qt.yen"), "/admin/rules")
    for word in ("T01", "T27.admit", "decision_level", "5 ngày làm việc", "khoản 3 Điều 16, 262/2026/NĐ-CP", "UBND quyết định", "50 %, 80 %", "Chưa xác nhận"):
        assert word in text
    for name in ("g-law", "g-office", "g-words"):
        assert f'id="{name}"' in text
    assert "/admin/rules/change/T01" in text and "/admin/rules/change/" not in page(visitor("ktr.xuan"), "/admin/rules")
    for who in ("gd.khanh", "ktr.xuan", "cv.binh"):
        assert visitor(who).get("/admin/rules/change/T01").status_code == 403
    assert visitor("qt.yen").get("/admin/rules/change/T99").status_code == 404
    assert visitor("qt.yen").get(f"/admin/rules/version/{'0' * 32}").status_code == 404


def test_a_wrong_form_comes_back_with_its_sentences_and_what_was_typed(visitor):
    answer = post(visitor("qt.yen"), "/admin/rules/change/T01", **{**TYPED, "value": "bảy", "basis": "999/1", "valid_from": "2026-02-31"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and 'value="bảy"' in text and 'value="999/1"' in text and "Chữ đã nhập &amp; giữ." in text
    assert 'href="#value"' in text and 'aria-describedby="basis-e"' in text and "(Giá trị mới)" in text and "Cần một ngày có thật" in text
    answer = post(visitor("qt.yen"), "/admin/rules/change/decision_level")
    assert answer.status_code == 422 and 'href="#value"' in answer.get_data(as_text=True)
    long = post(visitor("qt.yen"), "/admin/rules/change/T01", **{**TYPED, "reason": "x" * 5000, "value": "1" * 3000})
    assert long.status_code == 422
    assert rule_versions_of(visitor) == []


def rule_versions_of(visitor):
    """Drafts that the page shows as waiting."""
    return re.findall(r'<a href="/admin/rules/version/(\w+)">(?:T01|decision_level) –', page(visitor("qt.yen"), "/admin/rules"))


def test_two_presses_then_the_second_person(visitor, stage, lite):
    ref = stage.file("vptt.han", "visit")
    code, was = stage.row(ref)["code"], stage.row(ref)["clocks"]["statutory_due"]
    shown = post(visitor("qt.yen"), "/admin/rules/change/T01", **TYPED)
    text = shown.get_data(as_text=True)
    assert shown.status_code == 200 and code in text and "5 ngày làm việc" in text and "7 ngày làm việc" in text
    kept = hidden(text)
    assert kept["value"] == "7" and len(kept["seen"]) == 64 and rule(lite, "T01")["status"] == "in_force"
    late = stage.file("vptt.han", "visit")  # the list is another by now: it is shown again, and nothing is entered
    again = post(visitor("qt.yen"), "/admin/rules/change/T01", **{**TYPED, "seen": kept["seen"]}, go="1")
    text = again.get_data(as_text=True)
    assert again.status_code == 200 and stage.row(late)["code"] in text and "Danh sách vừa thay đổi" in text and rule(lite, "T01")["status"] == "in_force"
    sent = post(visitor("qt.yen"), "/admin/rules/change/T01", **{**TYPED, "seen": hidden(text)["seen"]}, go="1")
    assert sent.status_code == 303
    here = sent.headers["Location"].removesuffix("#main")
    draft = rule(lite, "T01")
    assert draft["status"] == "draft" and draft["reason"] == TYPED["reason"] and here.endswith(draft["id"])
    own = page(visitor("qt.yen"), here)
    assert "/confirm" not in own and "/withdraw" in own
    assert "/confirm" not in page(visitor("ktr.xuan"), here) and "/refuse" not in page(visitor("ktr.xuan"), here)
    assert post(visitor("ktr.xuan"), f"{here}/confirm", at=here).status_code == 403
    refused = post(visitor("qt.yen"), f"{here}/confirm", at=here, seen="")
    assert refused.status_code == 409 and "không được tự xác nhận" in refused.get_data(as_text=True)
    in_english(visitor("gd.khanh"))
    waiting = page(visitor("gd.khanh"), "/admin/rules")
    assert "Waiting for the second person" in waiting and "See the effect and confirm" in waiting
    offered = page(visitor("gd.khanh"), here)
    mark = re.search(r'name="seen" value="(\w{64})"', offered)[1]
    third = stage.file("vptt.han", "visit")
    stale = post(visitor("gd.khanh"), f"{here}/confirm", at=here, seen=mark)
    text = stale.get_data(as_text=True)
    assert stale.status_code == 409 and "no longer the list you saw" in text and f"+ {stage.row(third)['code']}" in text
    assert rule(lite, "T01")["status"] == "draft" and stage.row(ref)["clocks"]["statutory_due"] == was
    done = post(visitor("gd.khanh"), f"{here}/confirm", at=here, seen=re.search(r'name="seen" value="(\w{64})"', text)[1])
    assert done.status_code == 303 and rule(lite, "T01")["status"] == "in_force"
    assert stage.row(ref)["clocks"]["statutory_due"] > was
    told = page(visitor("gd.khanh"), here)
    assert "Confirmed. 3 open cases have a new due date" in told and "Effect as it was confirmed" in told and code in told
    twice = post(visitor("pgd.linh"), f"{here}/confirm", at=here, seen=mark)
    assert twice.status_code == 409 and "không còn chờ" in twice.get_data(as_text=True)
    assert "3 phiên bản" in page(visitor("qt.yen"), "/admin/rules")


def test_refusing_needs_a_reason_and_withdrawing_is_the_drafters(visitor, stage, lite):
    day = (clock.today() + timedelta(days=30)).isoformat()
    id_ = rule_changes.draft(lite, stage.actor("qt.yen"), "T23", "4", "wd", "office", day, "Hỏi nhiều cơ quan.")
    here = f"/admin/rules/version/{id_}"
    unsaid = post(visitor("pgd.linh"), f"{here}/refuse", at=here, reason="  ")
    assert unsaid.status_code == 422 and "Cần nêu lý do từ chối." in unsaid.get_data(as_text=True)
    long = post(visitor("pgd.linh"), f"{here}/refuse", at=here, reason="dài " * 400)
    assert long.status_code == 422 and "dài dài" in long.get_data(as_text=True)
    assert post(visitor("pgd.linh"), f"{here}/withdraw", at=here).status_code == 403
    assert post(visitor("pgd.linh"), f"{here}/burn", at=here).status_code == 404
    assert post(visitor("pgd.linh"), f"{here}/refuse", at=here, reason="Hai ngày là đủ.").status_code == 303
    told = page(visitor("ktr.xuan"), here)
    assert "Hai ngày là đủ." in told and "Bị từ chối" in told and "/confirm" not in told
    assert "bị từ chối hoặc đã rút: 1" in page(visitor("qt.yen"), "/admin/rules")
    again = rule_changes.draft(lite, stage.actor("qt.yen"), "T23", "4", "wd", "office", day, "Hỏi nhiều cơ quan.")
    here = f"/admin/rules/version/{again}"
    twice = post(visitor("qt.yen"), "/admin/rules/change/T23", **{**TYPED, "value": "5", "basis": "office", "valid_from": day})
    assert twice.status_code == 422 and "đã có một thay đổi chờ" in twice.get_data(as_text=True)
    assert post(visitor("qt.yen"), f"{here}/withdraw", at=here).status_code == 303 and rule(lite, "T23")["status"] == "withdrawn"


def test_a_value_is_ticked_by_two(visitor, lite):
    here = f"/admin/rules/version/{rule(lite, 'hearing')['id']}"
    assert "/tick" not in page(visitor("gd.khanh"), here) and "/tick" in page(visitor("qt.yen"), here)
    assert post(visitor("qt.yen"), f"{here}/tick", at=here, reason="Đã hỏi.").status_code == 303
    assert rule(lite, "hearing")["standing"] == "unconfirmed" and "/tick" not in page(visitor("qt.yen"), here)
    second = post(visitor("qt.yen"), f"{here}/tick", at=here)
    assert second.status_code == 409 and "không được đánh dấu thứ hai" in second.get_data(as_text=True)
    assert "Đã hỏi." in page(visitor("pgd.linh"), here)
    assert post(visitor("pgd.linh"), f"{here}/tick", at=here).status_code == 303 and rule(lite, "hearing")["standing"] == "confirmed"


def test_the_catalogue_is_read_by_three_and_ticked_by_one(visitor, lite):
    text = page(visitor("gd.khanh"), "/admin/law")
    assert "262/2026/NĐ-CP" in text and "replaced by 262/2026/NĐ-CP" in text and 'name="code"' not in text
    assert post(visitor("gd.khanh"), "/admin/law", code="262").status_code == 403
    assert post(visitor("qt.yen"), "/admin/law", code="nichts").status_code == 404
    assert post(visitor("qt.yen"), "/admin/law", code="262", note="x" * 201).status_code == 422
    assert post(visitor("qt.yen"), "/admin/law", code="262", note="Công báo số 100").status_code == 303
    with lite.db.read() as connection:
        assert law.cited(connection, "262/16(3)").checked_by == users.actor_by_username(lite, "qt.yen").name
    assert "Compared" in page(visitor("gd.khanh"), "/admin/law")


def test_a_rule_that_cites_what_no_longer_holds_is_told_on_both_pages(visitor, lite):
    def spoil(connection):
        store.execute(connection, "UPDATE legal_texts SET valid_to = '2026-07-31' WHERE code = '34'")

    lite.db.transact(spoil)
    for path in ("/admin/rules", "/admin/law"):
        assert "T24 – " in page(visitor("qt.yen"), path) and "hết hiệu lực sau 31/07/2026" in page(visitor("qt.yen"), path)
