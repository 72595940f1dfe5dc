"""The HTTP border: statuses and codes in their order, versions, keys, CSRF, headers, papers, lists."""

from __future__ import annotations

import io
import re

import pytest

from api.access import ACCESS
from states import FLOWS
from tests.conftest import Browser
from workflow import clock, demo, store

PDF = demo.PDF


@pytest.fixture(scope="module")
def whole_demo(lite):
    """The office with a case in every state."""
    demo.load(lite)
    return lite


@pytest.fixture(scope="module")
def stage(lite):
    return demo.Stage(lite)


def draft(browser, who="vptt.han", kind="visit"):
    fields = browser(who).get(f"/flows/{kind}/example").json
    answer = browser(who).post("/cases", {"kind": kind, "fields": fields})
    assert answer.status_code == 201, answer.json
    return answer.json


def filed(browser, kind="visit"):
    case = draft(browser, kind=kind)
    up = browser("vptt.han").send("POST", f"/cases/{case['id']}/papers/request", data={"file": (io.BytesIO(PDF), "a.pdf")})
    assert up.status_code == 201, up.data
    sent = browser("vptt.han").act(case["id"], "submit", up.json["version"], undertaking=True)
    assert sent.status_code == 200, sent.json
    return sent.json


def test_every_route_is_in_the_access_table_and_back(app):
    routes = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert routes == set(ACCESS)


def test_unsafe_routes_need_the_token_and_a_session(app, browser):
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        methods = rule.methods - {"GET", "HEAD", "OPTIONS"}
        if not methods or ACCESS[rule.endpoint] == "public":
            continue
        path = re.sub(r"<[^>]*>", "x", re.sub(r"<int:[^>]*>", "1", rule.rule.replace("<kind>", "visit")))
        for method in methods:
            assert client.open(path, method=method).status_code in (303, 401), path
            signed = browser("cv.binh").client.open(path, method=method)
            assert signed.status_code == 400, (path, method, signed.status_code)


def test_another_site_may_not_post(app):
    body = {"username": "cv.binh", "password": demo.PASSWORD}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert app.test_client().post("/api/v1/session", json=body, headers=headers).status_code == 400


def test_headers_on_every_answer(app):
    for path in ("/", "/api/v1/flows", "/api/v1/nowhere", "/sign-in"):
        headers = app.test_client().get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"] and "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"


def test_sessions_end(app):
    one = Browser(app, "cv.dung")
    assert one.get("/me").status_code == 200
    assert one.send("DELETE", "/session").status_code == 204
    assert one.get("/me").status_code == 401


def test_wrong_password_and_throttle(app):
    client = app.test_client()
    codes = [client.post("/api/v1/session", json={"username": "ai.do", "password": "sai"}).status_code for _ in range(7)]
    assert codes[:5] == [401] * 5 and codes[5:] == [429, 429]


def test_order_of_refusals(browser):
    case = filed(browser)
    ref, version = case["id"], case["version"]
    intake, officer = browser("motcua.mai"), browser("cv.binh")
    absent = browser("vptt.lam").post("/cases/" + "0" * 32 + "/actions/accept", {})
    theirs = browser("vptt.lam").post(f"/cases/{ref}/actions/accept", {"officer": 7})
    assert absent.status_code == theirs.status_code == 404 and absent.data == theirs.data
    assert intake.post(f"/cases/{ref}/actions/nothing", {}).data == absent.data
    assert intake.send("POST", f"/cases/{ref}/actions/accept", data=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert officer.act(ref, "accept", 99).status_code == 403
    assert intake.post(f"/cases/{ref}/actions/accept", {}).status_code == 428
    assert intake.post(f"/cases/{ref}/actions/accept", {}, headers={"If-Match": "*"}).status_code == 428
    stale = intake.act(ref, "accept", version - 1)
    assert stale.status_code == 412 and stale.json["who"] and stale.json["when"]
    assert browser("tp.hoa").act(ref, "endorse", version).json["code"] == "state"
    assert intake.act(ref, "accept", version).status_code == 422
    wrong = intake.act(ref, "accept", version, officer="tp.hoa", extra=1)
    assert wrong.status_code == 422 and set(wrong.json["errors"]) == {"extra"}
    assert "officer" in intake.act(ref, "accept", version, officer="tp.hoa").json["errors"]
    done = intake.act(ref, "accept", version, officer="cv.binh")
    assert done.status_code == 200 and done.headers["ETag"] == f'"{version + 1}"' and done.json["state"] == "under_review"


def test_a_key_is_answered_again_word_for_word(browser):
    case = filed(browser)
    headers = {"If-Match": f'"{case["version"]}"', "Idempotency-Key": "k-1"}
    path = f"/cases/{case['id']}/actions/accept"
    first = browser("motcua.mai").post(path, {"officer": "cv.binh"}, headers=headers)
    again = browser("motcua.mai").post(path, {"officer": "cv.binh"}, headers=headers)
    assert first.status_code == again.status_code == 200 and first.data == again.data
    assert again.headers["Idempotent-Replayed"] == "true" and again.headers["ETag"] == first.headers["ETag"]
    assert browser("motcua.mai").post(path, {"officer": "cv.dung"}, headers=headers).json["code"] == "idempotency_mismatch"


def test_returned_fields_only_are_open(browser):
    case = filed(browser)
    ask = {"items": [{"target": "/purpose", "reason": "Chưa rõ", "basis": "262/16(3)"}], "respond_by": clock.stamp(clock.later(days=1))}
    asked = browser("motcua.mai").act(case["id"], "ask_supplement", case["version"], **ask)
    assert asked.status_code == 200, asked.json
    applicant, etag = browser("vptt.han"), {"If-Match": asked.headers["ETag"]}
    closed = applicant.send("PATCH", f"/cases/{case['id']}", json={"fields": {"title": "Khác"}}, headers=etag)
    assert closed.status_code == 422 and closed.json["code"] == "locked"
    refused = applicant.act(case["id"], "resubmit", asked.json["version"])
    assert refused.status_code == 409 and refused.json["reasons"][0]["code"] == "items_answered"
    changed = applicant.send("PATCH", f"/cases/{case['id']}", json={"fields": {"purpose": "Rõ hơn."}}, headers=etag)
    assert changed.status_code == 200, changed.json
    back = applicant.act(case["id"], "resubmit", changed.json["version"])
    assert back.status_code == 200 and back.json["round"] == 2


def test_bad_fields_are_told_by_name(browser):
    answer = browser("vptt.han").post("/cases", {"kind": "visit", "fields": {"first_day": "32/1", "crew": [{"role": "king"}], "x": 1, "outlet": 3}})
    assert answer.status_code == 422
    assert {"first_day", "crew/0/role", "x", "outlet"} <= set(answer.json["errors"])
    assert all(text["vi"] and text["en"] for texts in answer.json["errors"].values() for text in texts)


@pytest.mark.parametrize("data,name,status", [
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", 415), (b"MZ\x90", "a.pdf", 415), (b"", "a.pdf", 422),
    (b"%PDF-1.4\n" + b"x" * (10 * 1024 * 1024), "big.pdf", 413),
])  # fmt: skip
def test_files_are_judged_by_content(browser, data, name, status):
    case = draft(browser)
    answer = browser("vptt.han").send("POST", f"/cases/{case['id']}/papers/request", data={"file": (io.BytesIO(data), name)})
    assert answer.status_code == status


def test_a_paper_is_an_attachment_and_only_for_those_who_may(browser):
    case = filed(browser)
    paper = browser("vptt.han").get(f"/cases/{case['id']}/papers").json["items"][0]
    with browser("vptt.han").get(f"/papers/{paper['id']}/content") as answer:
        assert answer.status_code == 200 and answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.data == PDF and "sandbox" in answer.headers["Content-Security-Policy"]
    assert browser("vptt.lam").get(f"/papers/{paper['id']}/content").status_code == 404


def test_lists_page_and_search_without_accents(browser, stage):
    for _ in range(4):
        stage.file("vptt.han", "visit", fields={"title": "Đặng Thị Xâm Nhập Mặn"})
    officer = browser("tp.hoa")
    found = officer.get("/cases?q=dang+thi+XAM&limit=2").json
    assert len(found["items"]) == 2 and found["next_cursor"]
    more = officer.get(f"/cases?q=dang+thi&limit=2&cursor={found['next_cursor']}").json
    ids = [c["id"] for c in found["items"] + more["items"]]
    assert len(set(ids)) == 4
    assert browser("vptt.lam").get("/cases?q=dang+thi").json["items"] == []
    for bad in ("limit=0", "limit=a", "sort=x", "kind=x", "open=1", "cursor=!!", "x=1", "from=1"):
        assert officer.get(f"/cases?{bad}").status_code == 422, bad


def test_lists_show_exactly_what_may_be_read(browser, whole_demo):
    lite = whole_demo
    for who in [a[0] for a in demo.ACCOUNTS]:
        items, cursor = [], ""
        while True:
            page = browser(who).get(f"/cases?limit=100{cursor}").json
            items += page["items"]
            if not page["next_cursor"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        for item in items[:40]:
            assert browser(who).get(f"/cases/{item['id']}").status_code == 200, (who, item["kind"], item["state"])
        mine = {i["id"] for i in items}
        with lite.db.read() as connection:
            from workflow import store

            # A letter reaches its applicant through the case it belongs to, not as a row of its own.
            but = "WHERE kind <> 'letter' " if who.startswith("vptt") else ""
            every = [r["id"] for r in store.query(connection, f"SELECT id FROM cases {but}ORDER BY created_at LIMIT 60")]
        for id_ in every:
            assert (browser(who).get(f"/cases/{id_}").status_code == 200) == (id_ in mine), (who, id_)


CANARIES = (
    "Công an", "cong_an", "Quân sự", "bo_chqs", "so_vhttdl", "Sở Văn hóa, Thể thao", "so_nnmt", "Nông nghiệp", "Nguyễn Thử Bình", "cv.binh",
    "Hồ Thử Dung", "cv.dung", "Lê Thử Hoa", "tp.hoa", "Đặng Thử Ngọc", "ptp.ngoc", "Phạm Thử Khánh", "gd.khanh", "Võ Thử Mai", "motcua.mai",
    "Cao Thử Vân", "vt.van", "Bùi Thử Quang", "ubnd.quang", "ubnd.minh", "Dương Thử Nga", "vpub.nga", "Đồng ý đề xuất", "Hồ sơ đủ, chương trình",
    "Kính trình", "Kính chuyển", "Chờ lãnh đạo", "Chờ UBND", "Chờ cơ quan của người", "Pending ", '"R1"',
)  # fmt: skip


@pytest.mark.parametrize(("kind", "owner"), [("visit", "vptt.han"), ("interview", "vptt.lam")])
def test_an_applicant_reads_no_agency_official_or_internal_word(browser, whole_demo, kind, owner):
    """In every state of every case of theirs: answers of the API, pages in both languages, letters, lists, notices, refusals."""
    client = browser(owner)

    def page(path):
        # What one may choose from, such as the offices of leaders, is the same list for everybody.
        return re.sub(r"<option[^>]*>[^<]*</option>", "", client.client.get(path).get_data(as_text=True))

    def answer(path):
        return client.get(path).get_data(as_text=True)

    with whole_demo.db.read() as connection:
        rows = store.query(connection, "SELECT id, version, state FROM cases WHERE kind = :kind", kind=kind)
    common = [answer("/cases?limit=100"), answer("/agencies"), answer("/me"), page("/cases"), page("/account"), page("/"), page("/apply")]
    # The interviewee and the chosen office stand in the applicant's own form, a leader's name in the example's letters too.
    own = {"vpub.nga", "ubnd.minh"} if kind == "interview" else set()
    drawing = answer(f"/flows/{kind}/chart.svg")
    seen_states = set()
    for row in rows:
        if client.get(f"/cases/{row['id']}").status_code != 200:
            continue
        seen_states.add(row["state"])
        case = f"/cases/{row['id']}"
        told = [answer(case + part) for part in ("", "/actions", "/history", "/letters", "/papers", "/deadlines")]
        told += [page(case + part) for part in ("", "/history", "/edit", "/do/withdraw", "/do/cancel", "/do/submit", "/do/hear")]
        # The drawing of the procedure is public; where the case stands in it is not told.
        assert answer(f"/flows/{kind}/chart.svg?case={row['id']}") == drawing
        told.append(client.act(row["id"], "withdraw", row["version"] + 7).get_data(as_text=True))
        told.append(client.act(row["id"], "endorse", row["version"]).get_data(as_text=True))
        for letter in client.get(case + "/letters").json["items"]:
            told += [
                answer(f"/cases/{letter['id']}"),
                answer(f"/cases/{letter['id']}/history"),
                page(f"/cases/{letter['id']}"),
                page(f"/cases/{letter['id']}/history"),
            ]
        for word in CANARIES:
            if word not in own:
                assert all(word not in text for text in told), (row["state"], word, next(text for text in told if word in text)[:3000])
    for word in CANARIES:
        assert all(word not in text for text in common), word
    assert seen_states == set(FLOWS[kind].states)


def test_the_document_lists_one_operation_per_action(browser):
    document = browser(None).get("/openapi.json").json
    operations = {op["operationId"] for path in document["paths"].values() for op in path.values()}
    for flow in FLOWS.values():
        assert {f"act_{name}" for name in flow.actions} <= operations


def test_health(app):
    client = app.test_client()
    assert client.get("/healthz").status_code == 200 and client.get("/readyz").json == {"status": "ready"}
    assert client.get("/favicon.ico").status_code == 200
    assert client.get("/api/v1/docs").status_code == 200


@pytest.mark.parametrize("beside", [{"acting_for": "d1"}, {"comment": 7}, {"role": ["head"]}, {"comment": "a\x00b"}])
def test_what_stands_beside_the_input_is_judged_with_the_fields(browser, beside):
    """Nobody learns of a wrong body before they learn that the action is not theirs, or that the case has moved on (security 3.2)."""
    case = filed(browser)
    assert browser("vptt.han").act(case["id"], "accept", case["version"], **beside).status_code == 403
    assert browser("motcua.mai").act(case["id"], "accept", case["version"] + 1, officer="cv.binh", **beside).status_code == 412
    assert browser("motcua.mai").act(case["id"], "resubmit", case["version"], **beside).status_code == 403
    answer = browser("motcua.mai").act(case["id"], "accept", case["version"], officer="cv.binh", **beside)
    assert (answer.status_code, list(answer.json["errors"])) == (422, list(beside))
    assert browser("motcua.mai").get(f"/cases/{case['id']}").json["version"] == case["version"]


def test_all_processes_of_an_installation_read_one_whole_key(tmp_path):
    """Workers start together: none may read a key that another is still writing."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    from api.app import _secret

    for number in range(60):
        gate = Barrier(8)

        def start(_, folder=tmp_path / str(number), gate=gate):
            gate.wait()
            return _secret(folder)

        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(start, range(8)))
        assert len(keys) == 1 and len(keys.pop()) == 64
        assert [path.name for path in (tmp_path / str(number)).iterdir()] == ["secret"]
