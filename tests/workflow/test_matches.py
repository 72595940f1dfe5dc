"""Requests that may be one: found without accents and by number, never outside the own organisation, settled by a recorded act."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from states import FLOWS
from tests.house.ground import ROOT
from workflow import clock, demo, engine, marks, matches, preview, queries, registry, store
from workflow import reads as record
from workflow.audit.verify import verify
from workflow.errors import Conflict, Invalid, NeedsUnmet, NotFound, RoleRefused

MORNING = datetime(2026, 11, 16, 2, tzinfo=UTC)
CANARY = "Đề tài kín 5b2e"
_numbers = iter(range(10_000, 99_999))


@pytest.fixture(autouse=True)
def monday():
    """The clock at a Monday morning."""
    with clock.at(MORNING):
        yield


def crew(*people, **more):
    """Rows of a crew out of (name, passport, card)."""
    return [{"name": name, "role": "correspondent", "nationality": "FI", "passport_no": passport, "passport_expires_on": "2029-01-01", "card_no": card,
             "card_expires_on": "2029-01-01", **more} for name, passport, card in people]  # fmt: skip


def someone(name="Người Nào Đó"):
    """A person nobody else is."""
    number = next(_numbers)
    return (f"{name} {number}", f"PX{number}", f"C{number}")


def programme(first, last, place, **hours):
    return {"first_day": first, "last_day": last, "itinerary": [{"on": first, "from": "08:00", "to": "09:30", "commune": "Phường Cái Răng", "place": place,
            "activities": ["photo"], **hours}]}  # fmt: skip


def visit(stage, people, first="2026-12-01", last="2026-12-03", who="vptt.han", place="", submit=True, hours=None, **fields):
    place = place or f"Nơi {next(_numbers)}"
    return stage.file(who, "visit", submit=submit, fields={**programme(first, last, place, **(hours or {})), "crew": crew(*people), **fields})


def interview(stage, people, *slots, who="vptt.han", leader="Lãnh Thử Đạo", related=None, **fields):
    asked = {"name": leader, "position": "Phó Chủ tịch", "agency": "vp_ubnd"}
    rows = [{"from": f"2026-12-{a}:00Z", "to": f"2026-12-{b}:00Z"} for a, b in slots]
    return stage.file(who, "interview", fields={"crew": crew(*people), "leader": asked, "slots": rows, **fields}, related=related)


def found(stage, ref, who="cv.binh"):
    """What a person is told: the other case's id to (strength, kinds of facts)."""
    items = matches.matches_of(stage.office, stage.actor(who), ref)
    return {item["case"]["id"]: (item["strength"], [fact["what"] for fact in item["facts"]]) for item in items}


# --- what matches -------------------------------------------------------------------------------------------------


def test_the_same_passport_is_found_however_it_is_typed(stage):
    name, passport, card = someone()
    one = visit(stage, [(name, passport, card)])
    other = visit(stage, [("Tên Khác Hẳn", f"{passport[:2].lower()} {passport[2:]}", "")], "2026-12-03", "2026-12-04", who="vptt.lam")
    assert found(stage, one) == {other: ("strong", ["passport"])} and found(stage, other) == {one: ("strong", ["passport"])}


def test_the_same_press_card_is_found(stage):
    name, passport, card = someone()
    one = visit(stage, [(name, passport, card)])
    other = visit(stage, [("Ai Khác", f"{passport}9", card.lower())], who="vptt.lam")
    assert found(stage, one) == {other: ("strong", ["card"])}


def test_a_name_without_accents_is_the_weaker_match(stage):
    number = next(_numbers)
    one = visit(stage, [(f"NGUYỄN THỬ ĐẸP {number}", f"A{number}", "")])
    other = visit(stage, [(f"nguyen thu dep {number}", f"B{number}", "")])
    assert found(stage, one) == {other: ("weak", ["name"])}


@pytest.mark.parametrize("first,last,meets", [
    ("2026-12-03", "2026-12-03", True), ("2026-12-04", "2026-12-05", False), ("2026-11-30", "2026-12-01", True), ("2026-11-20", "2026-11-30", False),
    ("2026-11-20", "2026-12-31", True), ("2026-12-02", "2026-12-02", True),
])  # fmt: skip
def test_days_have_to_overlap(stage, first, last, meets):
    person = someone()
    one = visit(stage, [person])
    other = visit(stage, [person], first, last)
    assert found(stage, one) == ({other: ("strong", ["passport"])} if meets else {})


def test_an_interview_of_the_same_people_is_told_as_another_kind(stage):
    person = someone()
    one = visit(stage, [person])
    other = interview(stage, [person], ("02T01:30", "02T02:30"))
    assert found(stage, one) == {other: ("weak", ["passport", "other_kind"])}
    text = matches.matches_of(stage.office, stage.actor("cv.binh"), one)[0]["text"]
    assert text == {"vi": "cùng hộ chiếu (1 người), trùng ngày 02/12/2026; khác loại hồ sơ", "en": "the same passport (1 of the crew), common days 02/12/2026; a request of another kind"}  # fmt: skip


def test_an_interview_that_belongs_to_the_visit_is_no_surprise(stage):
    person = someone()
    one = visit(stage, [person])
    other = interview(stage, [person], ("02T01:30", "02T02:30"), related=one, leader=f"Lãnh Thử {next(_numbers)}")
    assert found(stage, one) == {} == found(stage, other)


def test_two_crews_at_one_place_at_once_are_told(stage):
    place = f"Nhà Văn Hóa {next(_numbers)}"
    one = visit(stage, [someone()], place=place)
    at_once = visit(stage, [someone()], place=place.lower().replace("ă", "a"), hours={"from": "09:00", "to": "10:00"}, who="vptt.lam")
    later = visit(stage, [someone()], place=place, hours={"from": "09:30", "to": "10:00"})
    unknown = visit(stage, [someone()], place=place, hours={"from": None, "to": None})
    assert found(stage, one) == {at_once: ("overlap", ["place"]), unknown: ("overlap", ["place"])}
    assert set(found(stage, later)) == {at_once, unknown}


def test_one_leader_at_the_same_time_and_no_more_once_agreed(stage):
    leader = f"Lãnh Thử {next(_numbers)}"
    one = interview(stage, [someone()], ("08T01:00", "08T02:00"), ("09T07:00", "09T08:00"), leader=leader)
    other = interview(stage, [someone()], ("09T07:30", "09T08:30"), who="vptt.lam", leader=leader.upper())
    apart = interview(stage, [someone()], ("09T08:30", "09T09:30"), leader=leader)
    assert found(stage, one) == {other: ("overlap", ["leader"])} and found(stage, apart) == {}
    demo.advance(stage, one, "interview", "approved")
    agreed = queries.read_case(stage.office, stage.actor("cv.binh"), one)
    assert agreed["state"] == "approved" and found(stage, other) == {} == found(stage, one), "the first slot was agreed; the second is free"


def test_an_interview_moved_to_another_time_is_found_there(stage):
    leader = f"Lãnh Thử {next(_numbers)}"
    one = interview(stage, [someone()], ("08T01:00", "08T02:00"), leader=leader)
    demo.advance(stage, one, "interview", "approved")
    other = interview(stage, [someone()], ("15T01:00", "15T02:00"), who="vptt.lam", leader=leader)
    assert found(stage, other) == {}
    stage.act("vpub.nga", one, "reschedule", slot={"from": "2026-12-15T01:30:00Z", "to": "2026-12-15T02:30:00Z"}, reason="Bận họp.")
    assert found(stage, other) == {one: ("overlap", ["leader"])}
    assert set(found(stage, one)) == {other}


def test_what_has_ended_is_no_duplicate(stage):
    person = someone()
    one, other = visit(stage, [person]), visit(stage, [person])
    stage.act("vptt.han", other, "withdraw", reason="Gửi nhầm.")
    assert found(stage, one) == {} == found(stage, other)


def test_who_left_a_crew_is_found_no_more(stage):
    person, stays_on = someone(), someone()
    one = visit(stage, [person])
    draft = visit(stage, [person, stays_on], submit=False)
    assert set(found(stage, one, "vptt.han")) == {draft}
    rows = stage.row(draft)["fields"]["crew"]
    engine.edit_case(stage.office, stage.actor("vptt.han"), draft, {"crew": rows[1:]}, version=stage.row(draft)["version"])
    assert found(stage, one, "vptt.han") == {}
    with stage.office.db.read() as connection:
        left = store.query(
            connection, "SELECT person, passport, card, name, words FROM crew_marks WHERE case_id = :id AND row_id = :row", id=draft, row=rows[0]["row"]
        )
    assert left == [dict.fromkeys(("person", "passport", "card", "name", "words"))], "nothing of the person stays"


def test_a_row_that_was_dropped_is_in_nobodys_way(stage):
    place = f"Bến {next(_numbers)}"
    one = visit(stage, [someone()], place=place)
    other = visit(stage, [someone()], place=place)
    demo.advance(stage, one, "visit", "consulted")
    row = stage.row(one)["fields"]["itinerary"][0]["row"]
    stage.act("cv.binh", one, "recommend", proposal="approve_partly", rows=[{"row": row, "result": "drop", "reason": "Đang sửa chữa."}])
    assert found(stage, other) == {} == found(stage, one)


# --- what is written ----------------------------------------------------------------------------------------------


def test_nothing_of_anybody_stands_in_clear(stage):
    name, passport, card = someone("Ngô Thử Kín")
    ref = visit(stage, [(name, passport, card)], place="Chùa Riêng Tư")
    with stage.office.db.read() as connection:
        rows = [
            *store.query(connection, "SELECT * FROM crew_marks WHERE case_id = :id", id=ref),
            *store.query(connection, "SELECT * FROM slot_marks WHERE case_id = :id", id=ref),
        ]
    text = str(rows).lower()
    assert len(rows) == 2
    for word in (name, passport, card, passport[-4:], "ngo thu kin", "kín", "chua rieng", "chùa", "cai rang"):
        assert word.lower() not in text


def test_only_an_act_that_changes_the_dossier_writes_marks(stage, monkeypatch):
    written = []
    add = store.Change.add
    monkeypatch.setattr(store.Change, "add", lambda self, table, row: (written.append(table), add(self, table, row)))
    ref = visit(stage, [someone(), someone()], submit=False)
    assert (written.count("crew_marks"), written.count("slot_marks"), written.count("outlet_marks")) == (2, 1, 1)
    written.clear()
    engine.edit_case(stage.office, stage.actor("vptt.han"), ref, {"title": "Tên khác"}, version=stage.row(ref)["version"])
    stage.act("vptt.han", ref, "submit", undertaking=True)
    demo.advance(stage, ref, "visit", "approved")
    assert "dossiers" in written and not [table for table in written if table.endswith("_marks")]
    rows = stage.row(ref)["fields"]["itinerary"]
    written.clear()
    stage.act("pgd.linh", ref, "postpone", dates=[{"row": rows[0]["row"], "on": "2026-12-09"}], reason="Mưa bão.")
    assert [table for table in written if table.endswith("_marks")] == ["slot_marks"]


def test_older_cases_get_their_marks_from_the_worker(stage, ledger):
    person = someone()
    one, other = visit(stage, [person]), visit(stage, [person])
    before = found(stage, one)
    for table in ("crew_marks", "slot_marks", "outlet_marks"):
        ledger.attack(f"DELETE FROM {table}")
    assert found(stage, one) == {}
    assert marks.fill(stage.office) >= 2 and marks.fill(stage.office) == 0
    assert found(stage, one) == before == {other: ("strong", ["passport"])}


# --- who is told --------------------------------------------------------------------------------------------------


def test_an_applicant_never_learns_of_another_organisation(stage):
    """The same crew, place and leader, down to the last digit: nothing of it, not by count either."""
    person, place, leader = someone(), f"Nơi {next(_numbers)}", f"Lãnh Thử {next(_numbers)}"
    visit(stage, [person], place=place, who="vptt.lam", title=CANARY)
    interview(stage, [person], ("02T01:30", "02T02:30"), who="vptt.lam", leader=leader, title=CANARY)
    fields = {**FLOWS["visit"].example(clock.today()), **programme("2026-12-01", "2026-12-03", place), "crew": crew(person)}
    told = preview.preview(stage.office, stage.actor("vptt.han"), "visit", fields)
    assert told["matches"] == [] and CANARY not in str(told)
    desk = preview.preview(stage.office, stage.actor("cv.binh"), "visit", fields)
    assert len(desk["matches"]) == 2 and CANARY in str(desk["matches"])
    draft = visit(stage, [person], place=place, submit=False)
    for ref in (draft, interview(stage, [person], ("02T01:30", "02T02:30"), leader=leader)):
        mine = matches.matches_of(stage.office, stage.actor("vptt.han"), ref)
        assert CANARY not in str(mine) and all(item["case"]["organisation"]["code"] == "hangtin_a" for item in mine)
    route = preview.of_draft(stage.office, stage.actor("vptt.han"), draft)
    assert CANARY not in str(route) and [item["case"]["kind"] for item in route["matches"]] == ["interview"]


def test_an_assistant_is_told_of_their_own_alone_and_nobody_of_anothers_draft(stage):
    person = someone()
    one = visit(stage, [person], who="vptt.thu")
    leads = visit(stage, [person], who="vptt.han")
    draft = visit(stage, [person], who="vptt.han", submit=False)
    assert found(stage, one, "vptt.thu") == {}
    assert set(found(stage, leads, "vptt.han")) == {one, draft}
    assert set(found(stage, leads)) == {one}, "a draft is its authors' own"
    for who in ("hd.thao", "ca.phuc", "vpub.nga", "vptt.lam"):
        with pytest.raises(NotFound):
            matches.matches_of(stage.office, stage.actor(who), one)


def test_a_typed_dossier_does_not_match_the_draft_it_stands_in(stage):
    person = someone()
    draft = visit(stage, [person], submit=False)
    fields = stage.row(draft)["fields"]
    assert preview.preview(stage.office, stage.actor("vptt.han"), "visit", fields)["matches"] == []
    assert preview.of_draft(stage.office, stage.actor("vptt.han"), draft)["matches"] == []
    again = visit(stage, [person], submit=False)
    told = preview.preview(stage.office, stage.actor("vptt.han"), "visit", fields)["matches"]
    assert [item["case"]["id"] for item in told] == [again] and told[0]["settled"] is None
    assert told[0]["case"]["state_label"] == {"vi": "Bản nháp", "en": "Draft"}


def test_a_warning_never_stops_anything(stage):
    person = someone()
    visit(stage, [person])
    assert stage.row(visit(stage, [person]))["state"] == "requested"


def test_two_statements_whatever_there_is(stage, monkeypatch):
    people = [someone() for _ in range(3)]
    ref, officer = visit(stage, people), stage.actor("cv.binh")

    def count() -> int:
        asked = []
        plain = store.query
        monkeypatch.setattr(store, "query", lambda connection, sql, **values: (asked.append(sql), plain(connection, sql, **values))[1])
        with stage.office.db.read() as connection:
            matches.found_for(stage.office, connection, officer, store.load(connection, ref))
        monkeypatch.setattr(store, "query", plain)
        return len(asked)

    before = count()
    for _ in range(4):
        visit(stage, people)
    assert before == count() == 2


# --- settling -----------------------------------------------------------------------------------------------------


def settle(stage, who, ref, other, reason="Hai đoàn khác nhau, đã gọi điện xác nhận.", **rest):
    return matches.not_duplicate(stage.office, stage.actor(who), ref, other, reason, **rest)


@pytest.fixture
def pair(stage):
    """The person, and two visits of theirs, the first held by an officer."""
    person = someone()
    one, other = visit(stage, [person]), visit(stage, [person], who="vptt.lam")
    stage.act("motcua.mai", one, "accept", officer="cv.binh")
    return person, one, other


def test_said_once_it_is_settled_on_both_cases_and_recorded(stage, pair):
    _, one, other = pair
    done = settle(stage, "cv.binh", one, other)
    assert done["settled"]["by"] == "Nguyễn Thử Bình"
    for ref in (one, other):
        assert [item["settled"]["by"] for item in matches.matches_of(stage.office, stage.actor("tp.hoa"), ref)] == ["Nguyễn Thử Bình"]
    last = queries.history(stage.office, stage.actor("tp.hoa"), one)[-1]
    assert (last["action"], last["label"]["vi"], last["role"], last["reason"]) == (
        "not_duplicate", "Ghi: không trùng hồ sơ khác", "officer", "Hai đoàn khác nhau, đã gọi điện xác nhận.")  # fmt: skip
    assert last["from"] == last["to"] == "under_review"
    version = stage.row(one)["version"]
    settle(stage, "cv.binh", one, other, "Lần nữa.")
    settle(stage, "tp.hoa", other, one)
    assert stage.row(one)["version"] == version, "saying it again adds nothing"
    with stage.office.db.read() as connection:
        assert verify(connection, one).integrity == "clean"
    assert stage.act("cv.binh", one, "consult", agencies=["cong_an"], question="Xin ý kiến.", due_at=stage.soon()) == "under_review", "no act is closed by it"


def test_a_new_fact_warns_again(stage, pair):
    person, one, other = pair
    settle(stage, "cv.binh", one, other)
    more = someone()
    for ref, who in ((one, "vptt.han"), (other, "vptt.lam")):
        row = stage.row(ref)
        asked = "ask_clarification" if row["state"] == "under_review" else "ask_supplement"
        stage.act(
            "cv.binh" if ref == one else "motcua.mai",
            ref,
            asked,
            items=[{"target": "/crew", "reason": "Đủ người chưa?", "basis": "262/16(3)"}],
            respond_by=stage.soon(),
        )
        rows = [*stage.row(ref)["fields"]["crew"], *crew(more)]
        engine.edit_case(stage.office, stage.actor(who), ref, {"crew": rows}, version=stage.row(ref)["version"])
    item = matches.matches_of(stage.office, stage.actor("tp.hoa"), one)[0]
    assert item["settled"] is None and item["text"]["vi"].startswith("cùng hộ chiếu (2 người)")
    settle(stage, "tp.hoa", other, one)
    assert matches.matches_of(stage.office, stage.actor("cv.binh"), one)[0]["settled"]["by"] == "Lê Thử Hoa"


def test_a_settled_pair_is_no_warning_to_the_applicant(stage):
    person = someone()
    one, other = visit(stage, [person]), visit(stage, [person])
    stage.act("motcua.mai", one, "accept", officer="cv.binh")
    assert found(stage, other, "vptt.han")
    settle(stage, "cv.binh", one, other)
    told = matches.matches_of(stage.office, stage.actor("vptt.han"), other)
    assert told == [] and "not_duplicate" not in str(queries.history(stage.office, stage.actor("vptt.han"), one))


def test_who_may_not_and_what_is_refused(stage, pair):
    _, one, other = pair
    version = stage.row(one)["version"]
    for who in ("gd.khanh", "vt.van", "ktr.xuan", "cv.dung"):
        with pytest.raises(NotFound if who == "vt.van" else RoleRefused):
            settle(stage, who, one, other)
    for who in ("vptt.han", "vptt.lam", "ca.phuc"):
        with pytest.raises(NotFound):
            settle(stage, who, one, other)
    with pytest.raises(Invalid):
        settle(stage, "cv.binh", one, other, "  ")
    with pytest.raises(NotFound):
        settle(stage, "cv.binh", one, visit(stage, [someone()]))
    with pytest.raises(NotFound):
        settle(stage, "cv.binh", one, one)
    with pytest.raises(Conflict):
        settle(stage, "cv.binh", one, other, seen="0" * 32)
    engine.recuse(stage.office, stage.actor("cv.binh"), one, "Người quen.")
    with pytest.raises(NeedsUnmet):
        settle(stage, "cv.binh", one, other)
    assert stage.row(one)["version"] == version + 1


def test_the_reason_is_outside_the_sealed_text(stage, pair):
    _, one, other = pair
    settle(stage, "cv.binh", one, other, "Lý do riêng 77ab")
    with stage.office.db.read() as connection:
        entry = store.query(connection, "SELECT canonical FROM audit_entry WHERE case_id = :id ORDER BY seq DESC LIMIT 1", id=one)[0]["canonical"]
    assert "77ab" not in entry and set(orjson.loads(entry)["commitments"]) == {"input.other", "input.reason"}


# --- the registry -------------------------------------------------------------------------------------------------


def test_outlets_in_the_order_of_the_alphabet_page_by_page(stage):
    for minute, name in enumerate(("Báo Ánh", "Báo ảnh", "Báo Bình Minh", "Đài Xa")):
        with clock.at(MORNING.replace(minute=minute)):
            visit(stage, [someone()], outlet={"name": name, "country": "FR", "media": "online"})
    visit(stage, [someone()], outlet={"name": "Báo Nháp", "country": "FR"}, submit=False)
    seen, cursor = [], ""
    while True:
        page = registry.outlets(stage.office, stage.actor("cv.binh"), {"q": "", "limit": "2", "cursor": cursor} if cursor else {"limit": "2"})
        seen += [(item["name"], item["country"]) for item in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    french = [name for name, country in seen if country == "FR"]
    assert french == ["Báo ảnh", "Báo Bình Minh", "Đài Xa"], "folded alike they are one outlet, named as the newest request has it; a draft is in no list"
    assert len(seen) == len(set(seen))
    assert [item["name"] for item in registry.outlets(stage.office, stage.actor("cv.binh"), {"q": "dai xa"})["items"]] == ["Đài Xa"]


def test_one_outlet_tells_requests_licences_and_people_and_when_cards_end(stage):
    outlet = {"name": f"Tạp chí {next(_numbers)}", "country": "DE", "media": "print"}
    person = someone()
    licence = {"number": "GP-2026-77", "valid_from": "2026-01-01", "valid_to": "2026-11-17"}
    old = visit(stage, [person], outlet=outlet, licence={**licence, "valid_to": "2026-10-01"})
    with clock.at(datetime(2026, 11, 16, 3, tzinfo=UTC)):
        new = visit(stage, [person, someone()], "2026-12-10", "2026-12-11", outlet=outlet, licence=licence)
    stage.act("vptt.han", old, "withdraw", reason="Đổi ý.")
    item = registry.outlets(stage.office, stage.actor("vt.van"), {"q": outlet["name"]})["items"]
    assert item == [], "the registry of letters sees what was accepted"
    id_ = registry.outlets(stage.office, stage.actor("cv.binh"), {"q": outlet["name"]})["items"][0]["id"]
    told = registry.outlet(stage.office, stage.actor("cv.binh"), id_, {})
    assert [(r["id"], r["state"]) for r in told["items"]] == [(new, "requested"), (old, "withdrawn")]
    assert [(p["number"], p["expires_on"], p["standing"]) for p in told["papers"]] == [("…-77", "2026-11-17", "soon")]
    assert len(told["people"]) == 2 and {p["card"]["standing"] for p in told["people"]} == {"valid"}
    assert person[2] not in str(told) and person[1] not in str(told), "numbers are shortened here"
    with pytest.raises(NotFound):
        registry.outlet(stage.office, stage.actor("vt.van"), id_, {})
    stage.act("motcua.mai", new, "accept", officer="cv.binh")
    assert [r["id"] for r in registry.outlet(stage.office, stage.actor("vt.van"), id_, {})["items"]] == [new]


def reads(office, what):
    with office.db.read() as connection:
        return {(row["user_id"], row["case_id"]) for row in store.query(connection, "SELECT user_id, case_id FROM reads WHERE what = :what", what=what)}


def test_a_journalist_is_found_by_name_by_number_and_by_its_end(stage):
    number = next(_numbers)
    ref = visit(stage, [(f"ÉLISE Đặng-Thử {number}", f"KX{number}", f"T{number}")])
    for words in (
        f"elise {number}",
        "ÉLISE dang-thu",
        f"KX{number}",
        f"kx {number}"[:2] + f"{number}",
        str(number)[-4:],
        f"t{number}",
        f"eli {str(number)[-4:]}",
    ):
        names = [item["name"] for item in registry.people(stage.office, stage.actor("tp.hoa"), {"q": words})["items"]]
        assert f"ÉLISE Đặng-Thử {number}" in names, words
    for words in ("", " ", "e", "123", "é"):
        with pytest.raises(Invalid):
            registry.people(stage.office, stage.actor("tp.hoa"), {"q": words})
    assert registry.people(stage.office, stage.actor("tp.hoa"), {"q": f"KX{number}0"})["items"] == []
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    id_ = registry.people(stage.office, stage.actor("tp.hoa"), {"q": f"KX{number}"})["items"][0]["id"]
    whole = {
        who: registry.person(stage.office, stage.actor(who), id_, {})["papers"]
        for who in ("cv.binh", "gd.khanh", "motcua.mai", "cv.dung", "tp.hoa", "vt.van", "ktr.xuan")
    }
    for who, papers in whole.items():
        shown = {paper["what"]: paper["number"] for paper in papers}
        end = str(number)[-3:]
        full = who in ("cv.binh", "gd.khanh", "motcua.mai")
        assert shown == ({"card": f"T{number}", "passport": f"KX{number}"} if full else {"card": f"…{end}", "passport": f"…{end}"}), who
    people = {name: stage.actor(name).id for name in whole}
    assert {user for user, case in reads(stage.office, "registry:numbers") if case == ref} == {people[name] for name in ("cv.binh", "gd.khanh", "motcua.mai")}
    assert {user for user, case in reads(stage.office, "registry") if case == ref} == {people["ktr.xuan"]}
    told = record.listed(stage.office, stage.actor("ktr.xuan"), {"case": ref})["items"]
    assert {(one["person"]["username"], one["role"], one["how"]) for one in told} == {
        ("cv.binh", "officer", "view"), ("gd.khanh", "director", "view"), ("motcua.mai", "intake", "view"), ("ktr.xuan", "auditor", "view"),
    }  # fmt: skip
    assert all(one["purpose"]["vi"].startswith("Tra cứu") for one in told)


def test_the_newest_request_says_how_a_paper_stands_and_each_is_told_once(stage):
    person, other = someone(), someone()
    visit(stage, [person, other])
    with clock.at(datetime(2026, 11, 18, 2, tzinfo=UTC)):
        newest = visit(stage, [person], "2026-12-20", "2026-12-20", crew=crew(person, card_expires_on="2026-11-10"))
        id_ = registry.people(stage.office, stage.actor("cv.binh"), {"q": person[1]})["items"][0]["id"]
        told = registry.person(stage.office, stage.actor("cv.binh"), id_, {})
    assert [(p["what"], p["standing"], p["case"]["id"]) for p in told["papers"]] == [("card", "expired", newest), ("passport", "valid", newest)]
    assert len(told["items"]) == 2 and other[0] not in str(told)
    first = registry.person(stage.office, stage.actor("cv.binh"), id_, {"limit": "1"})
    second = registry.person(stage.office, stage.actor("cv.binh"), id_, {"limit": "1", "cursor": first["next_cursor"]})
    assert first["items"] + second["items"] == told["items"] and second["next_cursor"] is None


def test_people_found_are_paged_without_loss(stage):
    family = f"Họ{next(_numbers)}"
    for n in range(5):
        visit(stage, [someone(f"Tên{n} {family}")])
    seen, cursor = [], None
    while True:
        page = registry.people(stage.office, stage.actor("cv.binh"), {"q": family, "limit": "2", **({"cursor": cursor} if cursor else {})})
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize("who", ["vptt.han", "ubnd.minh", "vpub.nga", "ca.phuc", "hd.thao", "qt.yen"])
def test_others_do_not_read_it(stage, who):
    for read in (registry.outlets, registry.people):
        with pytest.raises(RoleRefused):
            read(stage.office, stage.actor(who), {"q": "nguyen"})
    for read in (registry.outlet, registry.person):
        with pytest.raises(RoleRefused):
            read(stage.office, stage.actor(who), "aaaaaaaaaa", {})


def test_what_it_is_asked_is_checked(stage):
    for given in ({"limit": "0"}, {"cursor": "x"}, {"sort": "name"}, {"q": "a\x00b"}, {"q": "x" * 301}):
        with pytest.raises(Invalid):
            registry.outlets(stage.office, stage.actor("cv.binh"), given)
    with pytest.raises(NotFound):
        registry.person(stage.office, stage.actor("cv.binh"), "aaaaaaaaaa", {})


def test_nothing_here_counts_or_ranks():
    """The words of a past request are those of the case itself; the module sums nothing."""
    text = (ROOT / "workflow" / "registry.py").read_text("utf-8").lower()
    assert not [word for word in ("count(", "sum(", "avg(") if word in text]
