"""Categories and the route preview over HTTP and on the pages: who reads what, what is refused, and that nothing is written."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from states import FLOWS
from workflow import clock, demo, law, preview, store
from workflow.categories import GROUPS, NATIONAL_LEADER, categories, referral_of


@pytest.fixture(scope="module")
def stage(lite):
    return demo.Stage(lite)


@pytest.fixture(scope="module")
def visitor(app):
    """Signed-in clients of the pages by user name."""
    known = {}

    def get(username: str):
        if username not in known:
            client = app.test_client()
            client.post("/api/v1/session", json={"username": username, "password": demo.PASSWORD})
            known[username] = client
        return known[username]

    return get


def page(client, path: str, status: int = 200) -> str:
    """The text of a page."""
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.get_data(as_text=True)


def post(client, path: str, **form):
    """A form sent with the token of its page."""
    token = re.search(r'name="csrf_token" value="([^"]*)"', page(client, path))[1]
    return client.post(path, data={"csrf_token": token, **form})


def fields(kind: str = "visit", **more):
    return {**FLOWS[kind].example(clock.today() + timedelta(days=20)), **more}


def sea_row(**more):
    """A row in a sea-border commune."""
    return {**fields()["itinerary"][0], "commune": "Xã Vĩnh Hải", **more}


# --- the API ------------------------------------------------------------------------------------------------------


def test_the_route_is_told_to_applicant_and_desk_and_bodies_to_the_desk_alone(browser):
    body = {"kind": "visit", "fields": fields(itinerary=[sea_row()]), "papers": ["request"]}
    mine, desk = (browser(who).post("/cases/preview", body) for who in ("vptt.han", "cv.binh"))
    assert mine.status_code == desk.status_code == 200
    assert {"steps", "due", "hosts", "prerequisites", "missing", "papers", "refusals"} <= set(mine.json)
    assert set(desk.json) - set(mine.json) == {"bodies", "told", "communes"}
    assert [x["agency"]["code"] for x in desk.json["bodies"]] == ["cong_an"] and desk.json["communes"] == ["Xã Vĩnh Hải"]
    assert mine.json["hosts"] == ["UBND phường minh họa"] and mine.json["refusals"] == []
    permit = next(p for p in mine.json["prerequisites"] if p["rule"] == "R4")
    assert permit["places"][0]["text"] == "Xã Vĩnh Hải, Chợ nổi minh họa" and permit["takes"] == {"value": 5, "unit": "wd", "basis": permit["takes"]["basis"]}
    assert {d["clock"] for d in mine.json["due"]} == {"statutory", "work"} and all(d["counted"] for d in mine.json["due"])


def test_what_is_missing_and_what_would_stop_it(browser):
    told = browser("vptt.han").post("/cases/preview", {"kind": "visit", "fields": {"category": "A1"}}).json
    assert {x["code"] for x in told["refusals"]} == {"fields_complete", "papers_complete", "correspondent_present"}
    assert {x["pointer"] for x in told["missing"] if x["flag"] == "legal"} >= {"/title", "/crew", "/itinerary"}
    assert {p["name"]: (p["flag"], p["there"]) for p in told["papers"]} == {
        "request": ("legal", False), "passport": ("needed", False), "card": ("needed", False)}  # fmt: skip


@pytest.mark.parametrize("who", ["ca.phuc", "hd.thao", "vpub.nga", "qt.yen"])
def test_nobody_else_previews(browser, who):
    answer = browser(who).post("/cases/preview", {"kind": "visit", "fields": fields()})
    assert answer.status_code == 403 and answer.json["code"] == "role"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"kind": "visit", "fields": {"no_such": 1}}, "no_such"), ({"kind": "letter", "fields": {}}, "kind"), ({"kind": ["visit"], "fields": {}}, "kind"),
        ({"fields": {}}, "kind"), ({"kind": "visit", "fields": [], "more": 1}, "more"), ({"kind": "visit", "fields": {"first_day": "soon"}}, "first_day"),
        ({"kind": "visit", "fields": {"topics": ["religion"]}}, "topics"), ({"kind": "visit", "fields": {}, "papers": ["no_such"]}, "papers/0"),
        ({"kind": "visit", "fields": {}, "papers": "request"}, "papers"), ({"kind": "visit", "fields": {}, "papers": [["request"]]}, "papers/0"),
        ({"kind": "visit", "fields": {"itinerary": [{"commune": {}}]}}, "itinerary/0/commune"),
    ],
)  # fmt: skip
def test_wrong_input_is_told_by_field(browser, body, where):
    answer = browser("vptt.han").post("/cases/preview", body)
    assert answer.status_code == 422 and where in answer.json["errors"], answer.json


def rows_of(lite) -> dict[str, list]:
    """Every row of every table but the sessions, which each request touches."""
    with lite.db.read() as connection:
        names = set(sa.inspect(connection).get_table_names()) - {"sessions"}
        return {name: sorted(str(row) for row in store.query(connection, f"SELECT * FROM {name}")) for name in names}


def test_a_preview_leaves_no_trace(lite, stage, browser, monkeypatch):
    ref = stage.file("vptt.han", "visit", submit=False, fields=fields(itinerary=[sea_row()]))
    browser("vptt.han").get("/me")
    before, statements = rows_of(lite), []
    written = store._named
    monkeypatch.setattr(store, "_named", lambda text, dialect: statements.append(text) or written(text, dialect))
    preview.preview(lite, stage.actor("cv.binh"), "visit", fields(), ["request"])
    preview.of_draft(lite, stage.actor("vptt.han"), ref)
    asked = list(statements)
    assert asked and all(text.lstrip().upper().startswith("SELECT") for text in asked), asked
    assert browser("vptt.han").post("/cases/preview", {"kind": "visit", "fields": fields()}).status_code == 200
    assert rows_of(lite) == before


def test_categories_are_public(browser, lite):
    items = {item["code"]: item for item in browser(None).get("/categories").json["items"]}
    assert list(items) == [f"A{n}" for n in range(1, 13)]
    keys = {"code", "label", "kind", "authority", "form", "papers", "clock", "statutory", "basis", "note", "refer", "where"}
    assert all(set(item) == keys for item in items.values())
    assert items["A1"]["clock"] == {"code": "T01", "value": 5, "unit": "wd"} and items["A1"]["statutory"]
    assert {code for code, item in items.items() if item["refer"]} == {"A8", "A9", "A12"} == {code for code, item in items.items() if item["where"]}
    assert all(law.find(lite.profile.law, item["basis"]) for item in items.values()), "each basis is in the catalogue of legal texts"


# --- the first question --------------------------------------------------------------------------------------------


def test_the_first_question_leads_each_category_to_its_form_or_elsewhere(visitor):
    text = page(visitor("vptt.han"), "/apply")
    assert sorted(code for _, codes in GROUPS for code in codes) == sorted(categories())
    for code, category in categories().items():
        path = f"/apply/elsewhere/{code}" if category.refer else f"/apply/{category.kind}?category={code}"
        assert f'href="{path}"' in text, code
        assert category.label.vi in text and (category.refer or category.note).vi in text
    assert "Trả lời trong 5 ngày làm việc, hạn luật định" in text and "hạn do cơ quan tự đặt" in text


@pytest.mark.parametrize("code", [code for code, item in categories().items() if not item.refer])
def test_the_form_opens_with_the_category_filled_in(visitor, code):
    kind = categories()[code].kind
    text = page(visitor("vptt.han"), f"/apply/{kind}?category={code}")
    assert re.search(rf'<option value="{code}" selected>', text)
    assert f'class="cat-note is-chosen" data-category="{code}"' in text and categories()[code].note.vi in text
    other = "interview" if kind == "visit" else "visit"
    moved = visitor("vptt.han").get(f"/apply/{other}?category={code}")
    assert moved.status_code == 303 and moved.headers["Location"] == f"/apply/{kind}?category={code}"


def test_a11_opens_in_written_form(visitor, stage):
    for code, form in (("A11", "written"), ("A2", None)):
        made = post(visitor("vptt.han"), "/apply/interview", category=code)
        ref = made.headers["Location"].split("/")[2]
        assert made.status_code == 303 and stage.row(ref)["fields"].get("form") == form
    ref = post(visitor("vptt.han"), "/apply/interview", category="A11").headers["Location"].split("/")[2]
    assert '<option value="written" selected>' in page(visitor("vptt.han"), f"/cases/{ref}/edit/time")


@pytest.mark.parametrize("key", ["A8", "A9", "A12", "national"])
def test_the_courteous_page_says_why_and_where(visitor, lite, key):
    referral = NATIONAL_LEADER if key == "national" else referral_of(key)
    text = page(visitor("vptt.han"), f"/apply/elsewhere/{key}")
    assert referral.why.vi in text and referral.where.vi in text and lite.profile.raw["desk"]["phone"] in text
    onward = re.search(r'href="(/apply/(?:visit|interview)\?category=A\d+)"', text)[1]
    assert 'value="A' in page(visitor("vptt.han"), onward)


def test_no_such_page_and_not_for_others(visitor):
    page(visitor("vptt.han"), "/apply/elsewhere/A1", 404)
    page(visitor("vptt.han"), "/apply/elsewhere/zzz", 404)
    for path in ("/apply", "/apply/elsewhere/A8", "/apply/visit"):
        page(visitor("ca.phuc"), path, 403)
    assert re.search(r'<option value="" ?>', page(visitor("vptt.han"), "/apply/visit?category=%3Cscript%3E"))


def test_a_request_that_turns_into_somebody_elses_is_told_before_it_is_saved(visitor, lite):
    def cases() -> int:
        with lite.db.read() as connection:
            return store.query(connection, "SELECT count(*) AS n FROM cases")[0]["n"]

    before = cases()
    answer = post(visitor("vptt.han"), "/apply/visit", category="A8", **{"outlet.name": "Hãng đã gõ"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and referral_of("A8").where.vi in text and "Chưa lưu." in text and "Hãng đã gõ" in text and cases() == before
    assert 'name="told" value="A8"' in text
    answer = post(visitor("vptt.han"), "/apply/visit", category="A8", told="A8")
    assert answer.status_code == 303 and cases() == before + 1


def test_a_national_leader_leads_to_the_referral_and_a_local_one_does_not(visitor, stage):
    ref = stage.file("vptt.han", "interview", submit=False)
    leader = {"leader.agency": "trung_uong", "leader.name": "X", "leader.position": "Y", "purpose": "Z"}
    version = str(stage.row(ref)["version"])
    answer = post(visitor("vptt.han"), f"/cases/{ref}/edit/leader", version=version, **leader)
    assert NATIONAL_LEADER.why.vi in answer.get_data(as_text=True) and answer.status_code == 200 and str(stage.row(ref)["version"]) == version
    assert post(visitor("vptt.han"), f"/cases/{ref}/edit/leader", version=version, told="national", **leader).status_code == 303
    assert stage.row(ref)["fields"]["leader"]["agency"] == "trung_uong" and stage.row(ref)["office_id"] is None
    local = {**leader, "leader.agency": "so_nnmt", "version": str(stage.row(ref)["version"])}
    assert post(visitor("vptt.han"), f"/cases/{ref}/edit/leader", **local).status_code == 303


def test_the_desk_finds_where_to_go_filled_in(visitor, stage):
    ref = stage.file("vptt.han", "visit", fields={"category": "A9"})
    text = page(visitor("motcua.mai"), f"/cases/{ref}/do/refuse_intake")
    assert referral_of("A9").where.vi in text and '<option value="wrong_category" selected>' in text
    plain = stage.file("vptt.han", "visit")
    assert " selected>" not in page(visitor("motcua.mai"), f"/cases/{plain}/do/refuse_intake")
    leader = {"leader": {**FLOWS["interview"].example(clock.today())["leader"], "agency": "trung_uong"}}
    ref = stage.file("vptt.han", "interview", fields=leader)
    demo.advance(stage, ref, "interview", "under_review")
    assert NATIONAL_LEADER.where.vi in page(visitor("tp.hoa"), f"/cases/{ref}/do/refer_out")


# --- the route on the pages -----------------------------------------------------------------------------------------


def test_the_last_step_shows_the_route_with_its_sums(visitor, stage):
    ref = stage.file("vptt.han", "visit", submit=False, fields=fields(itinerary=[sea_row()], category="A1"))
    text = page(visitor("vptt.han"), f"/cases/{ref}/do/submit")
    told = preview.of_draft(stage.office, stage.actor("vptt.han"), ref)
    for step in told["steps"]:
        assert step["does"]["vi"] in text
    assert text.count("Cách tính") >= 4 and "Ngày được tính" in text
    assert "Giấy phép vào khu vực biên giới biển" in text and "xin trước 5 ngày làm việc" in text
    assert "Chưa gửi được" not in text and "Cơ quan sẽ được hỏi" not in text, "who is asked is the desk's own"


def test_what_stops_it_is_told_once(visitor, stage):
    ref = stage.file("vptt.han", "visit", submit=False, fields=fields(crew=[]))
    text = page(visitor("vptt.han"), f"/cases/{ref}/do/submit")
    assert text.count("Đoàn phải có ít nhất một phóng viên") == 1 and 'id="route-stops"' in text
    answer = post(visitor("vptt.han"), f"/cases/{ref}/do/submit", version=str(stage.row(ref)["version"]), undertaking="1", go="1")
    assert answer.status_code == 409 and answer.get_data(as_text=True).count("Đoàn phải có ít nhất một phóng viên") == 1


def test_an_urgent_one_says_why(visitor, stage):
    ref = stage.file("vptt.han", "visit", submit=False)
    assert "khẩn không phải là căn cứ từ chối" in page(visitor("vptt.han"), f"/cases/{ref}/do/submit")


def test_the_check_shows_the_route_of_what_was_typed_and_what_is_missing(visitor, stage):
    ref = stage.file("vptt.han", "visit", submit=False)
    form = {"version": str(stage.row(ref)["version"]), "category": "A10"}
    assert post(visitor("vptt.han"), f"/cases/{ref}/edit/outlet", **form).status_code == 303
    version = stage.row(ref)["version"]
    text = page(visitor("vptt.han"), f"/cases/{ref}/edit/check")
    assert 'id="route"' in text and "UBND gửi văn bản góp ý" in text and "Còn thiếu nội dung luật buộc" in text
    assert f'href="/cases/{ref}/edit/outlet#outlet.name"' in text and stage.row(ref)["version"] == version, "looking changes nothing"


def test_the_desk_that_keys_a_file_in_sees_the_bodies(visitor, stage):
    from workflow import engine

    behalf = {"organisation": "hangtin_a", "channel": "paper"}
    ref = engine.open_case(stage.office, stage.actor("motcua.mai"), "visit", fields(), on_behalf_of=behalf).case_id
    text = page(visitor("motcua.mai"), f"/cases/{ref}/do/submit")
    assert "Cơ quan sẽ được hỏi" in text and "Công an thành phố" in text


# --- consulting ------------------------------------------------------------------------------------------------------


@pytest.fixture
def school(stage):
    """A visit to a school under review by cv.binh: police and education department are proposed."""
    ref = stage.file("vptt.han", "visit", fields=fields(itinerary=[{**fields()["itinerary"][0], "place_kind": "school"}]))
    demo.advance(stage, ref, "visit", "under_review")
    return ref


def consult_form(stage, ref: str, **more):
    """What the officer's form sends, both bodies in it."""
    base = {
        "version": str(stage.row(ref)["version"]), "question": "Đề nghị cho ý kiến.", "due_at": "2030-01-08T17:00", "dropped.n": "2", "go": "1",
        "dropped.0.agency": "cong_an", "dropped.0.rule": "R1", "dropped.0.reason": "", "dropped.1.agency": "so_gddt", "dropped.1.rule": "R9",
        "dropped.1.reason": "",
    }  # fmt: skip
    return {**base, **more}


def test_the_form_lists_each_proposed_body_ticked_with_rule_and_why(visitor, school):
    text = page(visitor("cv.binh"), f"/cases/{school}/do/consult")
    for code, rule, why in (("cong_an", "R1", "Công an chủ trì"), ("so_gddt", "R9", "Trường học, trẻ em")):
        assert f'name="agencies" value="{code}" checked' in text and f'<span class="badge">{rule}</span>' in text and why in text
    assert 'name="agencies" value="so_nnmt">' in text, "others may be added"


def test_unticking_needs_a_reason_and_becomes_a_dropped_body(visitor, stage, school):
    path = f"/cases/{school}/do/consult"
    answer = post(visitor("cv.binh"), path, **consult_form(stage, school, agencies="cong_an"))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Nêu lý do không hỏi Sở Giáo dục và Đào tạo." in text and 'href="#dropped.1.reason"' in text
    assert stage.row(school)["version"] == int(consult_form(stage, school)["version"]) and not stage.row(school)["memory"].get("dropped")
    answer = post(visitor("cv.binh"), path, **consult_form(stage, school, agencies="cong_an", **{"dropped.1.reason": "Trường đã đồng ý."}))
    assert answer.status_code == 303, answer.get_data(as_text=True)[:2000]
    assert stage.row(school)["memory"]["dropped"] == {"so_gddt": {"rule": "R9", "reason": "Trường đã đồng ý.", "round": 1}}
    assert [stage.row(c)["fields"]["agency"] for c in stage.children(school, "consultation")] == ["cong_an"]


def test_a_body_may_wait_for_a_question_of_its_own(visitor, stage, school):
    path = f"/cases/{school}/do/consult"
    assert post(visitor("cv.binh"), path, **consult_form(stage, school, agencies="cong_an", later="so_gddt")).status_code == 303
    assert "dropped" not in stage.row(school)["memory"] or not stage.row(school)["memory"]["dropped"]
    text = page(visitor("cv.binh"), path)
    assert 'name="agencies" value="so_gddt" checked' in text and "Đang được hỏi" in text


def test_all_may_be_dropped_with_reasons(visitor, stage, school):
    reasons = {"dropped.0.reason": "Đã trao đổi trực tiếp.", "dropped.1.reason": "Trường đã đồng ý."}
    assert post(visitor("cv.binh"), f"/cases/{school}/do/consult", **consult_form(stage, school, **reasons)).status_code == 303
    assert set(stage.row(school)["memory"]["dropped"]) == {"cong_an", "so_gddt"}


def test_opinions_for_and_against_are_said_in_words_to_those_who_decide(visitor, stage, school):
    agencies = ["cong_an", "so_gddt", "so_vhttdl"]
    stage.act("cv.binh", school, "consult", agencies=agencies, question="Đề nghị cho ý kiến.", due_at=stage.soon())
    child = {stage.row(c)["fields"]["agency"]: c for c in stage.children(school, "consultation")}
    stage.act("vhttdl.son", child["so_vhttdl"], "answer", outcome="conditions", opinion="Giữ khoảng cách.")
    assert "Ý kiến trái nhau" not in page(visitor("cv.binh"), f"/cases/{school}/do/recommend")
    stage.act("ca.phuc", child["cong_an"], "answer", outcome="objection", opinion="Đề nghị bỏ hoạt động thứ nhất.")
    for who, path in (("cv.binh", "/do/recommend"), ("tp.hoa", ""), ("ktr.xuan", "")):
        text = page(visitor(who), f"/cases/{school}{path}")
        assert "Ý kiến trái nhau" in text and "không có biểu quyết" in text, who
    for who in ("vptt.han", "motcua.mai"):
        assert "Ý kiến trái nhau" not in page(visitor(who), f"/cases/{school}"), who


def test_a_consulted_body_reads_question_bundle_and_date_and_nothing_else(visitor, stage, school, browser):
    stage.act("cv.binh", school, "consult", agencies=["cong_an", "so_gddt"], question="Câu hỏi riêng.", due_at=stage.soon())
    child = next(c for c in stage.children(school, "consultation") if stage.row(c)["fields"]["agency"] == "cong_an")
    case, answer = page(visitor("ca.phuc"), f"/cases/{child}"), page(visitor("ca.phuc"), f"/cases/{child}/do/answer")
    assert "Câu hỏi riêng." in case and "Câu hỏi riêng." in answer and "Trả lời chỉ có trên giấy" in answer
    assert "Chợ nổi minh họa" in case and "Tính từ" in case, "the part that was sent, and the date with its sum"
    for text in (case, answer):
        assert "Sở Giáo dục" not in text and "R9" not in text and "lien.he@" not in text and stage.row(school)["code"] not in text
    assert "rule" not in browser("ca.phuc").get(f"/cases/{child}").json["fields"]
