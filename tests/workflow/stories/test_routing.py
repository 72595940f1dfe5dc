"""Who is asked, told, or has to permit: for each rule R1–R20 a dossier in which it fires and one in which it keeps silent, and what follows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
import pytest

from tests.oracle.builder import free_guide
from workflow import clock, demo, engine, queries, routing
from workflow.errors import Invalid, NeedsUnmet, WorkflowError
from workflow.facts import routed
from workflow.localities import Profile, load_profile


def place(commune: str = "Phường Minh Họa", **more: Any) -> dict[str, Any]:
    """A row of a programme."""
    return {"row": "p", "on": "2026-12-10", "commune": commune, "place": "Nơi minh họa", **more}


def visit(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A visit by one foreign correspondent."""
    return {"kind": "visit", "itinerary": list(rows) or [place()], "crew": [{"nationality": "FI"}], **more}


def device(**more: Any) -> dict[str, Any]:
    """A visit with one piece of equipment."""
    return visit(equipment=[{"row": "e", "type": "Máy quay", **more}])


def interview(agency: str) -> dict[str, Any]:
    """An interview of a leader of that body."""
    return {"kind": "interview", "leader": {"agency": agency}, "crew": [{"nationality": "JP"}]}


class Case(NamedTuple):
    """A dossier in a locality, the topics an officer noted, and what the rule makes of it: (act, bodies) each."""

    rule: str
    locality: str
    dossier: dict[str, Any]
    makes: frozenset[tuple[str, tuple[str, ...]]] = frozenset()
    topics: tuple[str, ...] = ()
    off: bool = False


def asks(*bodies: str) -> frozenset[tuple[str, tuple[str, ...]]]:
    return frozenset({("consult", bodies)})


def makes(act: str, *bodies: str) -> frozenset[tuple[str, tuple[str, ...]]]:
    return frozenset({(act, bodies)})


DRONE, SATELLITE = {"device": "drone"}, {"type": "Điện thoại vệ tinh Minh Họa"}
FIRES = [
    Case("R1", "can-tho", visit(), asks("cong_an")),
    Case("R1", "cao-bang", interview("vp_ubnd"), asks("cong_an")),
    Case("R2", "cao-bang", visit(place("Xã Đàm Thủy")), asks("bo_chqs", "bien_phong")),
    Case("R2", "quang-ngai", visit(place("xã pờ y")), asks("bo_chqs", "bien_phong")),  # by its old name, written small
    Case("R3", "cao-bang", visit(place("Xã Đàm Thủy")), makes("permit", "cong_an")),
    Case("R4", "can-tho", visit(place("Xã Vĩnh Hải")), makes("permit", "cong_an") | makes("notice", "cong_an", "bien_phong")),
    Case("R4", "hai-phong", visit(place("Đặc khu Bạch Long Vĩ")), makes("permit", "cong_an") | makes("notice", "cong_an", "bien_phong")),
    Case("R5", "can-tho", visit(place(place_kind="military")), asks("bo_chqs")),
    Case("R5", "can-tho", interview("vp_ubnd"), asks("bo_chqs"), ("defence",)),
    Case("R6", "can-tho", visit(), asks("ban_tuyengiao_danvan") | asks("so_dantoc"), ("religion",)),
    Case("R6", "hai-phong", interview("vp_ubnd"), asks("ban_tuyengiao_danvan") | asks("cong_an", "bo_chqs"), ("human_rights", "sea_islands")),
    Case("R7", "cao-bang", visit(place("Xã Trùng Khánh")), asks("so_vhttdl")),
    Case("R7", "can-tho", visit(), asks("so_vhttdl"), ("culture",)),
    Case("R8", "hai-phong", visit(place(place_kind="enterprise")), asks("bql_kcn", "so_congthuong")),
    Case("R9", "can-tho", visit(place(place_kind="school")), asks("so_gddt")),
    Case("R9", "can-tho", visit(place(place_kind="hospital")), asks("so_yte")),
    Case("R10", "can-tho", visit(place(place_kind="detention")), makes("refer", "cong_an")),
    Case("R10", "can-tho", interview("vp_ubnd"), makes("refer", "cong_an"), ("open_case",)),
    Case("R11", "can-tho", visit(), makes("notice", "commune")),
    Case("R12", "can-tho", interview("vp_tinh_uy"), makes("office") | asks("ban_tuyengiao_danvan")),
    Case("R13", "can-tho", interview("vp_doan_dbqh_hdnd"), makes("office")),
    Case("R14", "can-tho", interview("ubnd"), makes("office")),
    Case("R15", "can-tho", interview("so_nnmt"), makes("office")),
    Case("R15", "cao-bang", interview("ubnd_xa"), makes("office")),
    Case("R16", "can-tho", visit(place(activities=["drone"])), makes("permit", "bo_chqs")),
    Case("R16", "can-tho", device(**DRONE), makes("permit", "bo_chqs")),
    Case("R16", "can-tho", device(model="Flycam X"), makes("permit", "bo_chqs")),
    Case("R17", "can-tho", visit(place(activities=["live"])), makes("permit")),
    Case("R17", "can-tho", device(**SATELLITE), makes("permit")),
    Case("R18", "can-tho", device(temporary=True), makes("inform")),
    Case("R19", "can-tho", visit(place(), place("Phường Rạch Giá", row="q", province="An Giang")), makes("copy")),
    Case("R20", "can-tho", visit(), makes("notice", "bo_ngoai_giao")),
    Case("R20", "hai-phong", interview("vp_ubnd"), makes("notice", "bo_ngoai_giao")),
]  # fmt: skip
SILENT = [
    Case("R1", "can-tho", visit(), off=True),  # a locality may switch a rule off
    Case("R2", "can-tho", visit(place("Xã Đàm Thủy"))),  # the same dossier in a province without a land border
    Case("R2", "cao-bang", visit(place("Xã Trùng Khánh"))),
    Case("R3", "cao-bang", visit(place("Xã Đàm Thủy"), crew=[{"nationality": "VN"}])),  # a permit is for foreigners
    Case("R3", "can-tho", visit(place("Xã Đàm Thủy"))),
    Case("R4", "cao-bang", visit(place("Xã Vĩnh Hải"))),
    Case("R4", "can-tho", visit(place("Phường Ninh Kiều"))),
    Case("R4", "can-tho", visit(place("Xã Vĩnh Hải", province="Cà Mau"))),  # permitted over there
    Case("R5", "can-tho", visit(place(place_kind="school"))),
    Case("R6", "can-tho", visit()),  # the words of a dossier tag nothing: a topic is a person's note
    Case("R6", "can-tho", visit(purpose="Phóng sự về tôn giáo, dân tộc")),
    Case("R7", "can-tho", visit(place("Xã Trùng Khánh"))),
    Case("R8", "hai-phong", visit(place(place_kind="school"))),
    Case("R9", "can-tho", visit(place(place_kind="enterprise"))),
    Case("R10", "can-tho", visit(place(place_kind="heritage"))),
    Case("R11", "can-tho", interview("vp_ubnd")),  # an interview comes to no commune
    Case("R12", "can-tho", interview("vp_ubnd")),
    Case("R13", "can-tho", interview("vp_tinh_uy")),
    Case("R14", "can-tho", interview("so_nnmt")),
    Case("R15", "can-tho", interview("vp_ubnd")),
    Case("R15", "can-tho", interview("trung_uong")),  # a national leader has no office here
    Case("R16", "can-tho", device(type="Máy quay", maker="Dronex")),  # a word, not a piece of one
    Case("R17", "can-tho", visit(place(activities=["filming"]))),
    Case("R18", "can-tho", device(temporary=False)),
    Case("R19", "can-tho", visit(place("Phường Ninh Kiều", province="thành phố Cần Thơ"))),
    Case("R20", "can-tho", visit(), off=True),
]  # fmt: skip


def profile_of(case: Case) -> Profile:
    """The locality's profile, in which the rule may be switched off."""
    found = load_profile(case.locality)
    return Profile(found.code, {**found.raw, "routing_off": [case.rule]}) if case.off else found


def found_by(case: Case) -> frozenset[tuple[str, tuple[str, ...]]]:
    """What the rule of a case makes of its dossier."""
    rules = routing.fired(profile_of(case), case.dossier["kind"], case.dossier, case.topics)
    assert all(rule.why.vi and rule.why.en and rule.basis for rule in rules), "each says why, in both languages, and on which basis"
    return frozenset((rule.act, rule.agencies) for rule in rules if rule.rule == case.rule)


def named(case: Case) -> str:
    return f"{case.rule}-{case.locality}-{case.dossier['kind']}"


@pytest.mark.parametrize("case", FIRES, ids=named)
def test_the_rule_fires(case):
    assert found_by(case) == case.makes


@pytest.mark.parametrize("case", SILENT, ids=named)
def test_the_rule_keeps_silent(case):
    assert found_by(case) == frozenset()


def test_every_rule_has_both_stories():
    every = {f"R{number}" for number in range(1, 21)}
    assert {case.rule for case in FIRES} == every == {case.rule for case in SILENT} == {row["rule"] for row in routing.national()}


@pytest.mark.parametrize("case", FIRES, ids=named)
def test_the_bodies_are_the_localitys_own(case):
    """Whatever a rule names is in the catalogue of that locality; a commune is told by its name."""
    known = load_profile(case.locality).agencies
    assert {body for _, bodies in case.makes for body in bodies} - {"commune"} <= set(known)


def test_a_body_named_by_two_rules_is_asked_once_with_both_reasons():
    rules = routing.fired(load_profile("cao-bang"), "visit", visit(place("Xã Đàm Thủy", place_kind="military")))
    army = [row for row in routing.proposed(rules, load_profile("cao-bang").agencies) if row["agency"] == "bo_chqs"]
    assert [(row["rule"], [also["rule"] for also in row["also"]]) for row in army] == [("R2", ["R5"])]


def test_a_localitys_own_rule_stands_beside_or_instead():
    base = load_profile("can-tho")
    own = {**routing.national()[0], "rule": "CT1", "agencies": ["so_nnmt"]}
    beside = Profile(base.code, {**base.raw, "routing_rules": [own]})
    instead = Profile(base.code, {**base.raw, "routing_rules": [{**own, "rule": "R1", "instead": True}]})
    asked = [[row["agency"] for row in routing.proposed(routing.fired(p, "visit", visit()), base.agencies)] for p in (beside, instead)]
    assert asked == [["cong_an", "so_nnmt"], ["so_nnmt"]]


# --- what follows on a case ---------------------------------------------------------------------------------------


def opened(stage, ref: str) -> dict[str, str]:
    """The bodies asked in a case and how far each has come."""
    return {orjson.loads(c[5])["agency"]: c[2] for c in stage.row(ref)["children"] if c[1] == "consultation"}


def reasons(refused) -> set[str]:
    """The codes of a refusal."""
    assert isinstance(refused, NeedsUnmet), refused
    return {reason.code for reason in refused.reasons}


def programme(days: int, *rows: dict[str, Any]) -> dict[str, Any]:
    """Fields of a visit some days ahead, with these rows in place of the example's."""
    day = (clock.today() + timedelta(days=days)).isoformat()
    basics = {"from": "10:00", "to": "11:00", "activities": ["filming"], "host": "Đơn vị minh họa"}
    return {"first_day": day, "last_day": day, "itinerary": [{**basics, "on": day, **{k: v for k, v in row.items() if k not in ("row", "on")}} for row in rows]}


def letters(stage, ref: str) -> dict[str, str]:
    """The letters of a case by type."""
    return {orjson.loads(c[5])["letter"]: c[0] for c in stage.row(ref)["children"] if c[1] == "letter"}


@pytest.mark.parametrize(
    ("agency", "answers", "level"),
    [("vp_tinh_uy", "vp_tinh_uy", "party"), ("vp_doan_dbqh_hdnd", "vp_doan_dbqh_hdnd", "council"), ("vp_ubnd", "vp_ubnd", "committee"),
     ("so_nnmt", "so_nnmt", "department"), ("ubnd_xa", "ubnd_xa", "commune")],
)  # fmt: skip
def test_r12_to_r15_choose_the_leaders_office_and_never_consult_it(stage, agency, answers, level):
    leader = {"name": "Lãnh đạo Minh Họa", "position": "Lãnh đạo", "agency": agency}
    ref = stage.file("vptt.han", "interview", fields={"leader": leader})
    assert stage.office.organisation(stage.row(ref)["office_id"]).code == answers
    assert routing.level_of(stage.office.profile, agency) == level
    proposed = [row["agency"] for row in routed(stage.office, stage.row(ref))["proposed"]]
    assert proposed == ["cong_an", *(["ban_tuyengiao_danvan"] if level == "party" else [])]
    demo.advance(stage, ref, "interview", "pending_interviewee")
    assert answers not in opened(stage, ref) and stage.row(ref)["state"] == "pending_interviewee"


def test_r2_r3_a_border_row_asks_army_and_border_guard_and_needs_the_permit(towns):
    stage = towns("cao-bang")
    ref = stage.file("vptt.han", "visit", fields=programme(5, place("Xã Đàm Thủy")))
    demo.advance(stage, ref, "visit", "under_review")
    asked = [row["agency"] for row in routed(stage.office, stage.row(ref))["proposed"]]
    assert asked == ["cong_an", "bo_chqs", "bien_phong", "so_vhttdl"]
    stage.act("cv.binh", ref, "consult", agencies=asked, question="Đề nghị cho ý kiến.", due_at=stage.soon())
    assert set(opened(stage, ref)) == set(asked)
    demo.answer_all(stage, ref)
    assert reasons(stage.refused("cv.binh", ref, "recommend", proposal="approve", reason="Đủ.")) == {"prerequisites_known"}
    row = stage.row(ref)["fields"]["itinerary"][0]["row"]
    stage.act("cv.binh", ref, "record_permit", row=row, number="12/GP-CA", issuer="Công an tỉnh")
    assert stage.act("cv.binh", ref, "recommend", proposal="approve", reason="Đủ.") == "pending_endorsement"


def sea_visit(stage, category: str = "A1") -> str:
    """A visit to a sea-border commune in three days, approved now; its letters sealed and not yet issued."""
    fields = programme(3, place("Xã Vĩnh Hải"))
    licence = {"number": "GP-9", "valid_from": clock.today().isoformat(), "valid_to": (clock.today() + timedelta(days=30)).isoformat()}
    ref = stage.file("vptt.han", "visit", fields={**fields, "category": category, "licence": licence})
    demo.advance(stage, ref, "visit", "consulted")
    row = stage.row(ref)["fields"]["itinerary"][0]["row"]
    condition = [{"row": row, "result": "condition", "reason": "Có giấy phép vào khu vực biên giới biển."}]
    stage.act("cv.binh", ref, "recommend", proposal="approve", reason="Đủ.", rows=condition)
    for stop in ("pending_decision", "pending_committee"):
        demo.step(stage, ref, "visit", stop)
    free_guide(stage, ref)
    demo.step(stage, ref, "visit", "approved")
    stage.deliver()
    return ref


def issue(stage, ref: str, *names: str) -> None:
    """Issue the letters of these types; all that are sealed without any."""
    for number, (name, id_) in enumerate(letters(stage, ref).items()):
        if stage.row(id_)["state"] == "sealed" and (not names or name in names):
            stage.act("vt.van", id_, "issue", number=f"{number + 1}/UBND", on=clock.today().isoformat())


def arrival(stage, ref: str) -> tuple[str, datetime]:
    """The row of a one-row programme and the moment at which it begins."""
    row = stage.row(ref)["fields"]["itinerary"][0]
    return row["row"], datetime.fromisoformat(f"{row['on']}T{row['from']}:00+07:00")


def test_r4_a_sea_row_waits_for_its_permit(stage):
    ref = sea_visit(stage)
    found = letters(stage, ref)
    introduction, notice = (stage.row(found[name])["fields"] for name in ("introduction", "host_notice"))
    assert [r["role"] for r in introduction["recipients"]] == ["applicant"]
    told = {r["name"] for r in notice["recipients"]}
    names = stage.office.organisations
    assert {names["cong_an"].name.vi, names["bien_phong"].name.vi, "UBND và Công an Xã Vĩnh Hải"} <= told
    issue(stage, ref)
    stage.act("cv.binh", ref, "assign_guide", guide="hd.thao")
    row, begins = arrival(stage, ref)
    with clock.at(begins):
        stage.act("hd.thao", ref, "start")
        done = [{"row": row, "result": "done", "start": "10:00", "end": "11:00"}]
        assert reasons(stage.refused("hd.thao", ref, "log", rows=done)) == {"row_permits_held"}
        assert stage.act("hd.thao", ref, "log", rows=[{"row": row, "result": "not_done", "note": "Chờ giấy phép."}]) == "accompanied"
        stage.act("cv.binh", ref, "record_permit", row=row, number="77/GP-CA", issuer="Công an")
        assert stage.act("hd.thao", ref, "log", rows=done) == "accompanied"


@pytest.mark.parametrize(("category", "hours", "allowed"), [("A1", 25, True), ("A1", 23, False), ("A6", 13, True), ("A6", 11, False)])
def test_r4_a_sea_row_waits_for_a_day_after_the_notice_or_half_a_one_with_a_delegation(stage, category, hours, allowed):
    ref = sea_visit(stage, category)
    row, begins = arrival(stage, ref)
    issue(stage, ref, "approval", "coordination")
    with clock.at(begins - timedelta(hours=hours)):
        issue(stage, ref, "host_notice")
        stage.act("cv.binh", ref, "record_permit", row=row, number="77/GP-CA", issuer="Công an")
        stage.act("cv.binh", ref, "assign_guide", guide="hd.thao")
    with clock.at(begins):
        stage.act("hd.thao", ref, "start")
        done = [{"row": row, "result": "done"}]
        if allowed:
            assert stage.act("hd.thao", ref, "log", rows=done) == "accompanied"
        else:
            refused = stage.refused("hd.thao", ref, "log", rows=done)
            assert reasons(refused) == {"row_permits_held"}
            assert f"{24 if category == 'A1' else 12} hours" in refused.reasons[0].message.en


def test_r4_no_letter_of_introduction_where_no_row_lies_at_sea(stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "approved")
    stage.deliver()
    assert "introduction" not in letters(stage, ref) and "host_notice" in letters(stage, ref)


def test_r11_r19_r20_host_communes_and_the_ministry_are_told_and_another_province_is_not(stage):
    rows = (place("Phường Ninh Kiều"), place("Xã Thới Lai"), place("Phường Rạch Giá", province="An Giang"))
    ref = stage.file("vptt.han", "visit", fields=programme(4, *rows))
    demo.advance(stage, ref, "visit", "approved")
    stage.deliver()
    found = letters(stage, ref)
    hosts = [r["name"] for r in stage.row(found["host_notice"])["fields"]["recipients"]]
    assert "UBND và Công an Phường Ninh Kiều" in hosts and "UBND và Công an Xã Thới Lai" in hosts
    assert not [name for name in hosts if "Rạch Giá" in name]
    assert [r["name"] for r in stage.row(found["ministry_notice"])["fields"]["recipients"]] == ["Bộ Ngoại giao"]


def test_r20_the_ministry_is_told_of_a_refusal_and_of_an_interview(stage):
    refused = stage.file("vptt.han", "visit")
    demo.advance(stage, refused, "visit", "pending_committee", word="reject")
    stage.act("ubnd.minh", refused, "reject", grounds=["safety"], reason="Thiên tai.")
    accepted = stage.file("vptt.lam", "interview")
    demo.advance(stage, accepted, "interview", "approved")
    stage.deliver()
    assert "ministry_notice" in letters(stage, refused) and "ministry_notice" in letters(stage, accepted)


# --- asking, dropping, cancelling ---------------------------------------------------------------------------------


@pytest.fixture
def school(stage):
    """A visit to a school under review: police (R1) and the education department (R9) are proposed."""
    ref = stage.file("vptt.han", "visit", fields=programme(6, place(place_kind="school")))
    demo.advance(stage, ref, "visit", "under_review")
    return ref


def ask(stage, ref: str, *agencies: str, dropped: list[dict[str, str]] | None = None) -> str:
    """The officer asks these and drops those."""
    more = {"dropped": dropped} if dropped else {}
    return stage.act("cv.binh", ref, "consult", agencies=list(agencies), question="Đề nghị cho ý kiến.", due_at=stage.soon(), **more)


def test_a_proposed_body_is_asked_or_dropped_before_an_approval_is_proposed(stage, school):
    ask(stage, school, "cong_an")
    demo.answer_all(stage, school)
    assert reasons(stage.refused("cv.binh", school, "recommend", proposal="approve", reason="Đủ.")) == {"routing_settled"}
    ask(stage, school, dropped=[{"agency": "so_gddt", "rule": "R9", "reason": "Trường đã đồng ý bằng văn bản."}])
    assert stage.row(school)["memory"]["dropped"] == {"so_gddt": {"rule": "R9", "reason": "Trường đã đồng ý bằng văn bản.", "round": 1}}
    assert opened(stage, school) == {"cong_an": "answered"}
    assert stage.act("cv.binh", school, "recommend", proposal="approve", reason="Đủ.") == "pending_endorsement"


@pytest.mark.parametrize("reason", [None, "", "   "])
def test_dropping_needs_a_reason(stage, school, reason):
    dropped = {"agency": "so_gddt", "rule": "R9"} | ({} if reason is None else {"reason": reason})
    with pytest.raises(Invalid) as wrong:
        ask(stage, school, "cong_an", dropped=[dropped])
    assert list(wrong.value.fields) == ["dropped/0/reason"] and opened(stage, school) == {}


def test_what_a_rule_proposed_is_cancelled_by_the_head_with_a_reason_and_what_was_added_by_the_officer(stage, school):
    ask(stage, school, "cong_an", "so_gddt", "so_nnmt")
    child = {orjson.loads(c[5])["agency"]: c[0] for c in stage.row(school)["children"] if c[1] == "consultation"}
    assert stage.row(child["so_gddt"])["fields"]["rule"] == "R9" and stage.row(child["so_nnmt"])["fields"]["rule"] == ""
    assert reasons(stage.refused("cv.binh", child["so_gddt"], "cancel_consultation", reason="Không cần nữa.")) == {"cancel_is_mine"}
    with pytest.raises(Invalid):
        stage.act("tp.hoa", child["so_gddt"], "cancel_consultation", reason="")
    assert stage.act("tp.hoa", child["so_gddt"], "cancel_consultation", reason="Chương trình không còn vào trường.") == "cancelled"
    assert stage.act("cv.binh", child["so_nnmt"], "cancel_consultation", reason="Hỏi nhầm.") == "cancelled"


# --- topics: they add bodies, and are told to nobody outside ------------------------------------------------------


def note(stage, ref: str, *topics: str, who: str = "cv.binh"):
    """Note the topics of a case."""
    return engine.edit_case(stage.office, stage.actor(who), ref, {"topics": list(topics)}, version=stage.row(ref)["version"])


def test_topics_add_bodies_only(stage, school):
    before = stage.row(school)
    asked = [row["agency"] for row in routed(stage.office, before)["proposed"]]
    note(stage, school, "religion", "business")
    after = stage.row(school)
    more = [row["agency"] for row in routed(stage.office, after)["proposed"]]
    assert set(asked) < set(more) == {*asked, "ban_tuyengiao_danvan", "so_dantoc", "bql_kcn", "so_congthuong"}
    unchanged = ("content_hash", "fields", "papers", "state", "due_at", "urgent", "authority", "dossier_no")
    assert {name: before[name] for name in unchanged} == {name: after[name] for name in unchanged}
    found = queries.choices(stage.office, stage.actor("cv.binh"), school)
    assert [c["allowed"] for c in found if c["name"] == "recommend"] == [True], "a topic closes nothing: a refusal or an approval is proposed as before"
    note(stage, school)
    assert [row["agency"] for row in routed(stage.office, stage.row(school))["proposed"]] == asked, "taken away again, nothing is left of it"


def test_whoever_notes_topics_is_no_author_of_the_content(stage, school):
    note(stage, school, "culture")
    assert stage.actor("cv.binh").id not in {p for people in stage.row(school)["memory"]["duties"].values() for p in people if people}
    ask(stage, school, "cong_an", "so_gddt", "so_vhttdl")
    demo.answer_all(stage, school)
    assert stage.act("cv.binh", school, "recommend", proposal="approve", reason="Đủ.") == "pending_endorsement"


@pytest.mark.parametrize("who", ["vptt.han", "ca.phuc", "hd.thao"])
def test_only_the_unit_notes_topics(stage, school, who):
    with pytest.raises(WorkflowError) as refused:
        note(stage, school, "culture", who=who)
    assert refused.value.code in ("role", "not_found", "invalid") and not stage.row(school)["memory"].get("internal")
