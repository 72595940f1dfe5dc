"""Delegations over HTTP and on pages: entered, confirmed, used, seen by whom they concern, ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.conftest import Browser
from workflow import clock, demo, queries


@pytest.fixture(scope="module")
def stage(lite):
    return demo.Stage(lite)


def paper(**changed):
    day = clock.today()
    asked = {
        "principal": "ubnd.minh", "delegate": "gd.khanh", "actions": ["approve", "reject"], "form": "TUQ", "from": day.isoformat(),
        "to": (day + timedelta(days=20)).isoformat(), "paper_no": "45/UQ-UBND", "paper_on": day.isoformat(),
    }  # fmt: skip
    return {**asked, **changed}


@pytest.fixture
def in_force(browser):
    """A delegation of ubnd.minh to gd.khanh; ended after the test."""
    made = browser("ubnd.minh").post("/delegations", paper())
    assert made.status_code == 201, made.json
    assert browser("pgd.linh").post(f"/delegations/{made.json['id']}/confirm").json["standing"] == "in_force"
    yield made.json["id"]
    assert browser("ubnd.minh").send("DELETE", f"/delegations/{made.json['id']}").status_code == 204


def at_decision(stage):
    stage.actors.clear()
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_decision")
    return ref


def test_the_contract_of_a_delegation(browser):
    principal, delegate, second = browser("ubnd.minh"), browser("gd.khanh"), browser("pgd.linh")
    made = principal.post("/delegations", paper(kinds=["visit"]))
    assert made.status_code == 201 and made.headers["Location"].endswith(made.json["id"])
    assert {n: made.json[n] for n in ("actions", "kinds", "form", "paper_no", "standing")} == {
        "actions": ["approve", "reject"], "kinds": ["visit"], "form": "TUQ", "paper_no": "45/UQ-UBND", "standing": "entered",
    }  # fmt: skip
    path = f"/delegations/{made.json['id']}"
    for who in (principal, delegate):
        refused = who.post(f"{path}/confirm")
        assert refused.status_code == 409 and [r["code"] for r in refused.json["reasons"]] == ["second_person"]
    assert browser("cv.binh").post(f"{path}/confirm").status_code == 404
    assert browser("cv.binh").send("DELETE", path).status_code == 404
    assert browser("ktr.xuan").send("DELETE", path).status_code == 403
    assert second.post(f"{path}/confirm").status_code == 200
    assert second.post(f"{path}/confirm").json["code"] == "state"
    assert [d["id"] for d in delegate.get("/me").json["delegations"]] == [made.json["id"]]
    assert made.json["id"] in [d["id"] for d in browser("ktr.xuan").get("/delegations").json["items"]]
    assert made.json["id"] not in [d["id"] for d in browser("tp.hoa").get("/delegations").json["items"]]
    assert principal.send("DELETE", path).status_code == principal.send("DELETE", path).status_code == 204
    assert delegate.get("/me").json["delegations"] == []


@pytest.mark.parametrize(("body", "fields"), [
    ({}, {"delegate", "actions", "form", "from", "to", "paper_no", "paper_on"}), (paper(form="KT"), {"form"}), (paper(to="2020-01-01"), {"to"}),
    (paper(extra=1), {"extra"}), (paper(actions="approve"), {"actions"}), (paper(paper_no="x" * 61), {"paper_no"}), (paper(delegate=5), {"delegate"}),
    (paper(**{"from": "31/12/2026"}), {"from"}), (paper(paper_no="a\x00"), {"paper_no"}),
])  # fmt: skip
def test_a_bad_body_is_told_by_field(browser, body, fields):
    answer = browser("ubnd.minh").post("/delegations", body)
    assert answer.status_code == 422 and set(answer.json["errors"]) == fields
    assert all(text["vi"] and text["en"] for texts in answer.json["errors"].values() for text in texts)


def test_entering_for_another_is_the_administrators(browser):
    assert browser("gd.khanh").post("/delegations", paper()).status_code == 403
    made = browser("qt.yen").post("/delegations", paper())
    assert made.status_code == 201
    assert browser("qt.yen").post(f"/delegations/{made.json['id']}/confirm").status_code == 409
    assert browser("ubnd.minh").post(f"/delegations/{made.json['id']}/confirm").status_code == 200
    assert browser("qt.yen").send("DELETE", f"/delegations/{made.json['id']}").status_code == 204


def test_an_act_in_anothers_name(browser, stage, in_force):
    ref = at_decision(stage)
    director = browser("gd.khanh")
    case = director.get(f"/cases/{ref}").json
    item = next(a for a in director.get(f"/cases/{ref}/actions").json["items"] if a["name"] == "approve")
    assert not item["allowed"] and [(w["delegation"], w["principal"]["username"], w["allowed"]) for w in item["through"]] == [(in_force, "ubnd.minh", True)]
    own = director.act(ref, "approve", case["version"], seen=case["decision_hash"])
    assert own.status_code == 409 and [r["code"] for r in own.json["reasons"]] == ["level_is_mine"]
    other = browser("pgd.linh").act(ref, "approve", case["version"], seen=case["decision_hash"], acting_for=in_force)
    assert other.status_code == 422 and list(other.json["errors"]) == ["acting_for"]
    done = director.act(ref, "approve", case["version"], seen=case["decision_hash"], acting_for=in_force)
    assert done.status_code == 200 and done.json["state"] == "approved", done.json
    entry = director.get(f"/cases/{ref}/history").json["items"][-1]
    assert entry["acting_for"] == {"username": "ubnd.minh", "name": "Đỗ Thử Minh", "form": "TUQ", "paper_no": "45/UQ-UBND"}
    assert all(e["acting_for"] is None for e in browser("vptt.han").get(f"/cases/{ref}/history").json["items"])


def page(browser, who, path, **form):
    client = browser(who).client
    if not form:
        return client.get(path)
    return client.post(path, data={"csrf_token": browser(who).token, **form})


def test_the_form_of_an_action_offers_in_whose_name(browser, stage, in_force):
    ref = at_decision(stage)
    shown = page(browser, "gd.khanh", f"/cases/{ref}").get_data(as_text=True)
    assert "thay Đỗ Thử Minh (TUQ)" in shown
    form = page(browser, "gd.khanh", f"/cases/{ref}/do/approve").get_data(as_text=True)
    assert f'<option value="{in_force}" selected>' in form and "Thay Đỗ Thử Minh (TUQ số 45/UQ-UBND)" in form and "Việc này đang bị khóa" not in form
    case = browser("gd.khanh").get(f"/cases/{ref}").json
    sent = {"version": str(case["version"]), "seen": case["decision_hash"], "go": "1"}
    assert page(browser, "gd.khanh", f"/cases/{ref}/do/approve", **sent).status_code == 409
    wrong = page(browser, "gd.khanh", f"/cases/{ref}/do/approve", **sent, acting_for="0" * 32)
    assert wrong.status_code == 422 and "Không có ủy quyền nào đang hiệu lực" in wrong.get_data(as_text=True)
    assert page(browser, "gd.khanh", f"/cases/{ref}/do/approve", **sent, acting_for=in_force).status_code == 303
    words = "Phạm Thử Khánh thay Đỗ Thử Minh (TUQ số 45/UQ-UBND)"
    assert words in page(browser, "gd.khanh", f"/cases/{ref}").get_data(as_text=True)
    assert words in page(browser, "gd.khanh", f"/cases/{ref}/history").get_data(as_text=True)
    stage.deliver()
    letter = next(i for i in stage.children(ref, "letter") if stage.row(i)["category"] == "approval")
    sheet = page(browser, "gd.khanh", f"/cases/{letter}").get_data(as_text=True)
    assert "TUQ. PHÓ CHỦ TỊCH UBND" in sheet and "ủy quyền số 45/UQ-UBND" in sheet
    mine = page(browser, "ubnd.minh", "/account").get_data(as_text=True)
    assert "Đã làm nhân danh tôi" in mine and stage.row(ref)["code"] in mine


def test_a_page_open_when_the_delegation_ends_says_so(browser, stage):
    ref = at_decision(stage)
    made = browser("ubnd.minh").post("/delegations", paper()).json["id"]
    browser("pgd.linh").post(f"/delegations/{made}/confirm")
    case = browser("gd.khanh").get(f"/cases/{ref}").json
    assert browser("ubnd.minh").send("DELETE", f"/delegations/{made}").status_code == 204
    sent = {"version": str(case["version"]), "seen": case["decision_hash"], "acting_for": made}
    answer = page(browser, "gd.khanh", f"/cases/{ref}/do/approve", **sent)
    assert answer.status_code == 422 and "Ủy quyền số 45/UQ-UBND" in answer.get_data(as_text=True)


def test_entering_and_confirming_on_pages(browser):
    day = clock.today()
    typed = {"delegate": "ptp.ngoc", "actions": "endorse", "form": "Q", "from": day.isoformat(), "to": "", "paper_no": "8/QĐ", "paper_on": day.isoformat()}
    wrong = page(browser, "tp.hoa", "/account/delegations", **typed)
    text = wrong.get_data(as_text=True)
    assert wrong.status_code == 422 and 'value="8/QĐ"' in text and "Mục này không được để trống" in text
    assert page(browser, "tp.hoa", "/account/delegations", **{**typed, "to": day.isoformat()}).status_code == 303
    id_ = browser("tp.hoa").get("/delegations").json["items"][0]["id"]
    board = page(browser, "gd.khanh", "/admin/delegations").get_data(as_text=True)
    assert f"/delegations/{id_}/confirm" in board and "8/QĐ" in board
    assert f"/delegations/{id_}/confirm" not in page(browser, "ktr.xuan", "/admin/delegations").get_data(as_text=True)
    assert page(browser, "gd.khanh", f"/delegations/{id_}/confirm", next="/admin/delegations").headers["Location"] == "/admin/delegations"
    assert "Tôi làm thay" in page(browser, "ptp.ngoc", "/account").get_data(as_text=True)
    assert page(browser, "gd.khanh", f"/delegations/{id_}/confirm", next="https://evil.example/").headers["Location"] == "/account#delegations"
    assert page(browser, "tp.hoa", f"/delegations/{id_}/end", next="/account").status_code == 303
    assert page(browser, "cv.binh", "/admin/delegations").status_code == 403
    assert page(browser, "tp.hoa", f"/delegations/{id_}/sell", next="/account").status_code == 404


def test_the_administrator_enters_for_anybody_on_the_page(browser):
    day = clock.today().isoformat()
    typed = {"principal": "gd.khanh", "delegate": "tp.hoa", "actions": "refer_up", "form": "Q", "from": day, "to": day, "paper_no": "9/QĐ", "paper_on": day}
    assert page(browser, "qt.yen", "/admin/delegations", **{**typed, "delegate": "gd.khanh"}).status_code == 422
    assert page(browser, "qt.yen", "/admin/delegations", **typed).status_code == 303
    made = next(d for d in browser("qt.yen").get("/delegations").json["items"] if d["paper_no"] == "9/QĐ")
    assert page(browser, "gd.khanh", "/admin/delegations", **typed).status_code == 403
    assert browser("qt.yen").send("DELETE", f"/delegations/{made['id']}").status_code == 204


def test_an_act_that_leaves_nobody_says_so_on_the_page_after_it(browser, stage, lite):
    """The only other director is assigned as officer: then nobody is left to refer the visit up."""
    ref = at_decision(stage)
    assert Browser(browser("gd.khanh").client.application, "pgd.linh").post(f"/cases/{ref}/recusal", {"reason": "Người quen."}).status_code == 204
    version = browser("gd.khanh").get(f"/cases/{ref}").json["version"]
    sent = {"version": str(version), "reason": "Xem lại.", "go": "1"}
    back = page(browser, "gd.khanh", f"/cases/{ref}/do/send_back", **sent)
    assert back.status_code == 303
    stage.actors.clear()
    assert queries.read_case(lite, stage.actor("tp.hoa"), ref)["state"] == "under_review"
    version = browser("tp.hoa").get(f"/cases/{ref}").json["version"]
    lend_officer(lite, stage)
    try:
        moved = page(browser, "tp.hoa", f"/cases/{ref}/do/assign_officer", version=str(version), officer="gd.khanh", reason="Đổi người.", go="1")
        assert moved.status_code == 303
        shown = browser("tp.hoa").client.get(f"/cases/{ref}").get_data(as_text=True)
        assert "phải do những người khác nhau" in shown and 'class="alert late" role="status"' in shown
    finally:
        take_officer(lite, stage)


def lend_officer(office, stage):
    from workflow import users

    office.db.transact(lambda c: users.grant(c, stage.actor("gd.khanh").id, office.organisations["sngv"].id, "officer"))
    stage.actors.clear()


def take_officer(office, stage):
    from workflow import users

    office.db.transact(lambda c: users.end_membership(c, stage.actor("gd.khanh").id, office.organisations["sngv"].id, "officer"))
    stage.actors.clear()
