"""Matches and the registry over HTTP and on the pages: who reads what, one 404 for all, what is recorded, nothing typed lost."""

from __future__ import annotations

import re

import pytest

from workflow import demo, store

CANARY = "Đề tài kín 91fd"


@pytest.fixture(scope="module")
def stage(lite):
    return demo.Stage(lite)


@pytest.fixture(scope="module")
def scene(stage):
    """Two requests of one crew by two organisations, and a third by the first; the first is held by an officer."""
    titles = (("vptt.han", "Một"), ("vptt.lam", CANARY), ("vptt.han", "Ba"))
    one, theirs, own = (stage.file(who, "visit", fields={"title": title}) for who, title in titles)
    stage.act("motcua.mai", one, "accept", officer="cv.binh")
    return {"one": one, "theirs": theirs, "own": own}


@pytest.fixture(scope="module")
def visitor(browser):
    return lambda username: browser(username).client


def page(client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.get_data(as_text=True)


def post(client, path: str, at: str, **form):
    token = re.search(r'name="csrf_token" value="([^"]*)"', page(client, at))[1]
    return client.post(path, data={"csrf_token": token, **form}, follow_redirects=True)


def test_matches_over_http(browser, scene):
    told = browser("cv.binh").get(f"/cases/{scene['one']}/matches").json["items"]
    assert {item["case"]["id"] for item in told} == {scene["theirs"], scene["own"]}
    assert all(item["strength"] == "strong" and item["text"]["vi"].startswith("cùng hộ chiếu (2 người)") for item in told)
    mine = browser("vptt.han").get(f"/cases/{scene['one']}/matches")
    assert [item["case"]["id"] for item in mine.json["items"]] == [scene["own"]] and CANARY not in mine.get_data(as_text=True)


def test_one_404_for_absent_and_not_yours(browser, scene):
    absent = browser("vptt.lam").get("/cases/" + "0" * 32 + "/matches")
    theirs = browser("vptt.lam").get(f"/cases/{scene['one']}/matches")
    assert absent.status_code == theirs.status_code == 404 and absent.data == theirs.data
    for other in (scene["theirs"], "0" * 32):
        answer = browser("vptt.han").post(f"/cases/{scene['one']}/matches/{other}", {"reason": "x"})
        assert answer.status_code == 404 and answer.data == absent.data
    assert browser("vptt.han").post(f"/cases/{scene['one']}/matches/{scene['own']}", {"reason": "x"}).status_code == 403


@pytest.mark.parametrize("body,status", [({}, 422), ({"reason": " "}, 422), ({"reason": 5}, 422), ({"reason": "x", "more": 1}, 422),
                                         ({"reason": "x", "seen": "0" * 32}, 409), ({"reason": "x\x00"}, 422)])  # fmt: skip
def test_bad_bodies_are_told(browser, scene, body, status):
    answer = browser("cv.binh").post(f"/cases/{scene['one']}/matches/{scene['theirs']}", body)
    assert answer.status_code == status and answer.content_type == "application/problem+json"


def test_the_box_on_the_case_page(visitor, stage, scene):
    code = {name: stage.row(ref)["code"] for name, ref in scene.items()}
    text = page(visitor("cv.binh"), f"/cases/{scene['one']}")
    box = text[text.index('id="matches"') :].split("</section>")[0]
    assert code["theirs"] in box and code["own"] in box and "cùng hộ chiếu (2 người)" in box and 'name="reason"' in box
    watching = page(visitor("gd.khanh"), f"/cases/{scene['one']}")
    assert 'id="matches"' in watching and f"/matches/{scene['theirs']}" not in watching, "a director reads it; who appraises settles it"
    assert 'id="matches"' not in page(visitor("vptt.han"), f"/cases/{scene['one']}")


def test_it_is_settled_from_the_page(visitor, stage, scene):
    client, at = visitor("cv.binh"), f"/cases/{scene['one']}"
    path = f"{at}/matches/{scene['theirs']}"
    refused = post(client, path, at, reason="  ").get_data(as_text=True)
    assert "Phải nêu lý do" in refused
    late = post(client, path, at, reason="Lý do đã gõ", seen="0" * 32).get_data(as_text=True)
    assert "Lý do đã gõ" in late and "Chưa có gì được ghi" in late
    seen = re.search(rf'matches/{scene["theirs"]}".*?name="seen" value="([0-9a-f]+)"', page(client, at), re.DOTALL)[1]
    done = post(client, path, at, reason="Hai đoàn của hai hãng.", seen=seen).get_data(as_text=True)
    assert "Đã ghi vào lịch sử hồ sơ" in done and "Đã xem, không trùng" in done and "Hai đoàn của hai hãng." in done
    assert stage.row(scene["theirs"])["code"] not in done[done.index('id="matches"') :].split("</section>")[0]
    assert client.post(path, data={"reason": "x"}).status_code == 400, "without the token nothing is taken"


def test_filing_warns_of_the_own_organisations_requests(visitor, stage, scene):
    draft = stage.file("vptt.han", "visit", submit=False)
    text = page(visitor("vptt.han"), f"/cases/{draft}/do/submit")
    assert "Vẫn gửi được" in text and stage.row(scene["own"])["code"] in text
    assert CANARY not in text and stage.row(scene["theirs"])["code"] not in text
    stage.act("vptt.han", draft, "discard")


def test_the_registry_over_http(browser, scene, stage):
    desk = browser("motcua.mai")
    outlets = desk.get("/registry/outlets?q=minh hoa").json
    assert outlets["items"] and outlets["next_cursor"] is None
    one = desk.get(f"/registry/outlets/{outlets['items'][0]['id']}").json
    assert {"papers", "people", "items", "next_cursor"} <= set(one)
    person = desk.get(f"/registry/people/{one['people'][0]['id']}").json
    assert person["name"] == one["people"][0]["name"] and {r["id"] for r in person["items"]} >= set(scene.values())
    assert desk.get("/registry/people").status_code == 422 and desk.get("/registry/people?q=a").status_code == 422
    assert desk.get("/registry/outlets?limit=x").status_code == 422 and desk.get("/registry/outlets?sort=name").status_code == 422
    for path in ("/registry/outlets/zzzzzzzzzz", "/registry/people/%00", "/registry/people/~"):
        assert desk.get(path).status_code == 404
    for who in ("vptt.han", "hd.thao", "ca.phuc", "ubnd.minh"):
        assert browser(who).get("/registry/outlets").status_code == 403 == browser(who).get("/registry/people?q=aino").status_code
    assert browser().get("/registry/outlets").status_code == 401


def test_an_auditors_look_is_recorded(browser, lite, stage, scene):
    who = stage.actor("ktr.xuan").id

    def looked():
        with lite.db.read() as connection:
            return {row["case_id"] for row in store.query(connection, "SELECT case_id FROM reads WHERE user_id = :id AND what = 'registry'", id=who)}

    before = looked()
    id_ = browser("ktr.xuan").get("/registry/people?q=aino").json["items"][0]["id"]
    browser("ktr.xuan").get(f"/registry/people/{id_}")
    assert looked() - before >= set(scene.values())


def test_the_pages_of_the_registry(visitor, scene):
    client = visitor("tp.hoa")
    text = page(client, "/registry")
    assert "Cơ quan báo chí, phóng viên" in text and "Không đánh giá" in text
    link = re.search(r'href="(/registry/outlets/[a-z0-9]+)"', text)[1]
    outlet = page(client, link)
    assert "Các đề nghị đã gửi" in outlet and "XP0000001" not in outlet
    assert "Sổ không liệt kê mọi người" in page(client, "/registry/people")
    found = page(client, "/registry/people?q=aino")
    assert "AINO ESIMERKKI" in found and "XP0000001" not in found
    assert "AINO ESIMERKKI" in page(client, re.search(r'href="(/registry/people/[a-z0-9]+)"', found)[1])
    assert "Cần ít nhất ba chữ cái" in page(client, "/registry/people?q=a", 422)
    assert "không có ai" in page(client, "/registry/people?q=khongcoai").lower()
    assert 'value="a' in page(client, "/registry?q=" + "a" * 301, 422)
    page(client, "/registry/outlets/khongco", 404)
    assert "/registry" not in page(visitor("vptt.han"), "/cases") and visitor("vptt.han").get("/registry").status_code == 403
