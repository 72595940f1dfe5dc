"""The public tracking: the word and the dates of each case, nobody's name, figures that are guessed by nobody."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from states import FLOWS
from states.language import Field, Text
from workflow import blanks, clock, demo, guidance, pins, queries, recount, store, throttle, tracking
from workflow.errors import NotFound, SlowDown
from workflow.rules import FOLDER, declared

# Product, section 5.3, by hand: which word each state of a visit and of an interview stands at.
WORDS = {
    "Đã tiếp nhận": ["requested"],
    "Đang xem xét": ["under_review", "pending_endorsement", "pending_decision", "pending_committee", "pending_interviewee"],
    "Cần bổ sung": ["supplement_required", "clarification_required"],
    "Đã có kết quả": ["approved", "accompanied", "rejected"],
    "Tạm đình chỉ": ["suspended"],
    "Đã kết thúc": ["reported", "closed", "withdrawn", "cancelled", "stopped", "not_accepted", "no_show", "revoked", "discarded"],
    "Bản nháp": ["draft"],
}
MONDAY = clock.at_local(date(2026, 11, 9), demo.time(9, 10))


@pytest.fixture(autouse=True)
def monday():
    """A week without days off: a request of Monday morning is answered by the next Monday."""
    with clock.at(MONDAY):
        yield


def told(office, ref):
    with office.db.read() as connection:
        office.refresh(connection)
        return tracking.public(office, connection, store.load(connection, ref))


def pin_of(office, ref):
    with office.db.read() as connection:
        return pins.of(office, connection, store.load(connection, ref)["id"])


def later(days):
    return clock.at(MONDAY + timedelta(days=days))


ADDRESSES = (f"10.{a}.{b}.{c}" for a in range(256) for b in range(256) for c in range(1, 255))


def wrong(pin):
    return f"{(int(pin) + 1) % 1_000_000:06d}"


# --- the word ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["visit", "interview"])
def test_every_state_has_the_word_of_the_table(kind):
    wanted = {state: word for word, states in WORDS.items() for state in states}
    flow = FLOWS[kind]
    said = {name: queries.OUTWARD[queries.outward_code(state, {"kind": kind, "memory": {}})].vi for name, state in flow.states.items()}
    assert said == {name: wanted[name] for name in flow.states}
    moved = {"kind": kind, "memory": {"acts": {"postpone": {"at": "2026"}}}}
    changed = {name for name, state in flow.states.items() if queries.outward_code(state, moved) == "changed"}
    assert changed == {"approved", "accompanied"}


def test_a_request_on_its_way(office, stage):
    ref = stage.file("vptt.han", "visit")
    found = told(office, ref)
    assert found["word"]["label"] == {"vi": "Đã tiếp nhận", "en": "Received"} and not found["accepted"]
    assert "đang chờ giấy tiếp nhận" in found["next"]["vi"].lower() and found["promised"]["due_at"][:10] == "2026-11-16"
    assert found["promised"]["sum"]["counted"] == ["2026-11-10", "2026-11-11", "2026-11-12", "2026-11-13", "2026-11-16"]
    assert found["apology"] is None and found["guidance"] is None and found["moves"] == []
    demo.advance(stage, ref, "visit", "pending_committee")
    found = told(office, ref)
    assert found["word"]["code"] == "considered" and found["accepted"] and [s["look"] for s in found["steps"]] == ["done", "now", "todo", "todo", "todo"]
    assert found["steps"][2]["until"]["to"][:10] == "2026-11-16"
    assert not re.search("Công an|Quân sự|UBND|committee", json.dumps(found["steps"], ensure_ascii=False))


def test_a_late_case_shows_both_dates_and_says_sorry(office, stage):
    ref = stage.file("vptt.han", "visit")
    with later(9):
        found = told(office, ref)
    assert found["promised"]["overdue"] and found["promised"]["late"] == "without"
    assert (
        found["apology"]["vi"] == "Hẹn trả lời 16/11/2026; đến 18/11/2026 vẫn chưa có văn bản trả lời; xin lỗi quý cơ quan. Im lặng không bao giờ là từ chối."
    )
    assert "16/11/2026" in found["apology"]["en"] and "18/11/2026" in found["apology"]["en"] and "apologise" in found["apology"]["en"]
    assert found["guidance"]["complaint"]["first"]["vi"] == "Giám đốc Sở Ngoại vụ" and "ending" not in found["guidance"]


def test_an_extension_shows_the_first_date_the_new_one_and_why(office, stage):
    ref = stage.file("vptt.han", "visit")
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    stage.act("tp.hoa", ref, "extend", reason="chờ xác minh địa điểm.", new_date="2026-11-19")
    found = told(office, ref)
    assert found["apology"]["vi"] == "Hẹn trả lời 16/11/2026, lùi đến 19/11/2026 vì chờ xác minh địa điểm; xin lỗi quý cơ quan."
    assert found["promised"]["first_due_at"][:10] == "2026-11-16" and found["promised"]["due_at"][:10] == "2026-11-19"
    assert [(m["what"], m["from"][:10], m["to"][:10]) for m in found["moves"]] == [("extension", "2026-11-16", "2026-11-19")]
    with later(11):
        late = told(office, ref)["apology"]["vi"]
    assert "16/11/2026" in late and "19/11/2026" in late and "20/11/2026" in late


def test_an_answer_that_came_late_says_when_it_was_promised(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "approved")
    assert told(office, ref)["next"]["vi"].startswith("Văn bản trả lời đang được phát hành")
    with later(8):
        stage.letters(ref)
        found = told(office, ref)
    assert found["word"]["code"] == "decided" and found["result"]["code"] == "approved" and found["promised"]["late"] == "without"
    assert found["apology"]["vi"] == "Hẹn trả lời 16/11/2026; đã trả lời 17/11/2026; xin lỗi quý cơ quan vì sự chậm trễ."


def test_a_pause_is_told_with_what_it_did_to_the_date(office, stage):
    for category, said in (("A1", "không dừng"), ("A3", "không tính")):
        fields = {"category": category, "licence": {"number": "1", "valid_from": "2026-01-01", "valid_to": "2027-01-01"}}
        ref = stage.file("vptt.han", "visit", fields=fields)
        items = [{"target": "/title", "reason": "Nêu rõ hơn.", "basis": "262/16(3)"}]
        stage.act("motcua.mai", ref, "ask_supplement", items=items, respond_by=stage.soon(2))
        found = told(office, ref)
        assert found["word"]["label"]["vi"] == "Cần bổ sung" and found["more"]["items"][0]["label"]["vi"] == "Tên chương trình"
        assert found["more"]["respond_by"] and "dừng giải quyết" in found["more"]["silence"]["vi"] and "Nêu rõ hơn" not in json.dumps(found)
        assert found["moves"][0]["what"] == "pause" and found["moves"][0]["to"] is None and said in found["moves"][0]["why"]["vi"]


def test_a_corrected_calendar_is_told_as_the_reason(office, stage):
    ref = stage.file("vptt.han", "visit")
    day = date(2026, 11, 12)
    before = told(office, ref)["promised"]["due_at"]
    office.db.transact(
        lambda connection: store.execute(
            connection,
            "INSERT INTO calendar_days (id, locality, on_date, kind, name, name_en, document, standing, entered_by, entered_at)"
            " VALUES (:id, '', :on, 'off', 'Nghỉ bão', 'Storm', '77/CĐ', 'confirmed', 'system', :at)",
            id="f" * 32, on=day.isoformat(), at=clock.stamp(clock.now()),
        )
    )  # fmt: skip
    recount.recount(office, stage.actor("qt.yen"), Text("Nghỉ vì bão.", "Storm."))
    found = told(office, ref)
    moves = [m for m in found["moves"] if m["what"] == "recount"]
    assert moves and moves[-1]["from"] == before and moves[-1]["to"] == found["promised"]["due_at"] != before and moves[-1]["why"]["vi"] == "Nghỉ vì bão."
    office.db.transact(lambda connection: store.execute(connection, "UPDATE calendar_days SET ended_at = :at WHERE id = :id", at="2026", id="f" * 32))
    recount.recount(office, stage.actor("qt.yen"), Text("Bỏ ngày nghỉ.", "No day off."))


def test_changed_days_and_hours_stand_old_beside_new(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "approved")
    rows = stage.row(ref)["fields"]["itinerary"]
    stage.act("cv.binh", ref, "postpone", reason="Bão.", dates=[{"row": r["row"], "on": f"2026-11-2{n}"} for n, r in enumerate(rows)])
    found = told(office, ref)
    assert found["word"]["label"] == {"vi": "Đã điều chỉnh", "en": "Changed"}
    assert found["change"]["old"] == {"from": "2026-11-09", "to": "2026-11-10"} and found["change"]["new"] == {"from": "2026-11-20", "to": "2026-11-22"}
    seen = queries.read_case(office, stage.actor("vptt.han"), ref)
    listed = queries.list_cases(office, stage.actor("vptt.han"), queries.parse_filters({"state": "approved", "limit": "100"}))["items"]
    assert seen["state_label"]["vi"] == "Đã điều chỉnh" and [item["state_label"]["vi"] for item in listed if item["id"] == ref] == ["Đã điều chỉnh"]

    other = stage.file("vptt.lam", "interview")
    demo.advance(stage, other, "interview", "approved")
    old = told(office, other)
    assert old["word"]["code"] == "decided"
    stage.act(
        "cv.binh",
        other,
        "reschedule",
        slot={"from": "2026-11-19T02:00:00Z"},
        speaker={"name": "Đỗ Thử Minh", "position": "PCT"},
        speaker_basis="head",
        reason="Trùng lịch.",
    )
    found = told(office, other)
    assert found["word"]["code"] == "changed" and found["change"]["what"] == "hour"
    assert found["change"]["old"]["from"] == "2026-11-09T01:30:00.000000Z" and found["change"]["new"]["from"] == "2026-11-19T02:00:00.000000Z"
    stage.act("cv.binh", other, "postpone", reason="Lãnh đạo bận.")
    assert told(office, other)["change"]["new"] is None


def test_a_halt_says_since_when_by_whom_and_until_when(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "accompanied", guide="hd.uyen")
    until = clock.stamp(clock.now() + timedelta(days=1))
    stage.act("hd.uyen", ref, "record_suspension", imposed_by="border_guard", reason="Đồn yêu cầu dừng.", to=until)
    found = told(office, ref)
    assert found["word"]["label"]["vi"] == "Tạm đình chỉ" and found["guidance"] is None
    assert found["suspension"] == {
        "by": {"vi": "Bộ đội Biên phòng", "en": "Border guard"}, "since": clock.stamp(MONDAY), "until": until, "whole": True, "reason": "Đồn yêu cầu dừng.",
    }  # fmt: skip


def test_an_end_says_which_and_shows_no_step_that_will_not_come(office, stage):
    ref = stage.file("vptt.han", "visit")
    stage.act("vptt.han", ref, "withdraw", reason="Đổi kế hoạch.")
    found = told(office, ref)
    assert found["word"]["label"]["vi"] == "Đã kết thúc" and found["ending"] == {"vi": "Đã rút", "en": "Withdrawn"} and found["guidance"] is None
    assert [(s["name"], s["look"]) for s in found["steps"]] == [("requested", "done"), ("ended", "end")] and found["apology"] is None
    with later(30):
        assert told(office, ref)["apology"] is None, "nothing is owed any more"


# --- after a refusal -----------------------------------------------------------------------------------------------


def refused(stage, kind):
    ref = stage.file("vptt.han" if kind == "visit" else "vptt.lam", kind)
    demo.advance(stage, ref, kind, "pending_committee" if kind == "visit" else "pending_interviewee", word="reject")
    given = {"grounds": ["safety"], "reason": "Địa điểm đang phòng chống thiên tai.", "alternatives": "Dời sang tháng sau."}
    stage.act("ubnd.quang" if kind == "visit" else "vpub.nga", ref, "reject" if kind == "visit" else "decline_interview", **given)
    return ref


@pytest.mark.parametrize(("kind", "first"), [("visit", "Chủ tịch Ủy ban nhân dân cấp tỉnh"), ("interview", "Thủ trưởng cơ quan đã trả lời đề nghị phỏng vấn")])
def test_a_refusal_names_reason_alternative_and_who_hears_a_complaint(office, stage, kind, first):
    ref = refused(stage, kind)
    found = told(office, ref)
    assert found["word"]["label"]["vi"] == "Đã có kết quả" and found["result"]["code"] == "refused"
    way = found["guidance"]
    assert way["ending"]["vi"] == "Không chấp thuận" and way["grounds"] == [
        {"label": {"vi": "An toàn, thiên tai, dịch bệnh", "en": "Safety, disaster or epidemic"}, "basis": "262/16"}
    ]
    assert way["reason"] == "Địa điểm đang phòng chống thiên tai." and way["alternatives"] == "Dời sang tháng sau."
    complain = way["complaint"]["terms"]["complain"]
    assert way["complaint"]["first"]["vi"] == first and complain["words"]["vi"] == "90 ngày" and complain["basis"] == "KN"
    assert way["complaint"]["terms"]["admit"]["words"]["en"] == "7 working days" and way["again"]
    with later(10):
        assert "vẫn chưa có văn bản trả lời" in told(office, ref)["apology"]["vi"], "a refusal that was not sent is late like any reply"
        stage.letters(ref)
        assert "đã trả lời 19/11/2026" in told(office, ref)["apology"]["vi"]


def test_other_refusals_lead_to_the_department(office, stage):
    out = stage.file("vptt.han", "visit")
    stage.act("motcua.mai", out, "refuse_intake", ground="wrong_authority", reason="Thuộc Bộ Ngoại giao.", where_to_go="Bộ Ngoại giao")
    stopped = stage.file("vptt.han", "visit")
    stage.act("motcua.mai", stopped, "ask_supplement", items=[{"target": "/crew", "reason": "Thiếu.", "basis": "262/16(3)"}], respond_by=stage.soon(1))
    with later(3):
        stage.act("motcua.mai", stopped, "remind")
        stage.act("tp.hoa", stopped, "stop")
        revoked = stage.file("vptt.han", "visit")
        demo.advance(stage, revoked, "visit", "approved")
        stage.act("ubnd.minh", revoked, "revoke", grounds=["licence_revoked"], reason="Giấy phép đã bị thu hồi.", urgent=True)
        ways = {name: told(office, ref)["guidance"] for name, ref in (("out", out), ("stopped", stopped), ("revoked", revoked))}
    assert {name: way["complaint"]["first"]["vi"] for name, way in ways.items()} == {
        "out": "Giám đốc Sở Ngoại vụ", "stopped": "Giám đốc Sở Ngoại vụ", "revoked": "Chủ tịch Ủy ban nhân dân cấp tỉnh",
    }  # fmt: skip
    assert ways["out"]["where_to_go"] == "Bộ Ngoại giao" and ways["out"]["alternatives"] is None and ways["stopped"]["reason"] is None
    assert "giấy phép mới" in ways["revoked"]["again"][0]["vi"]


def test_the_data_of_remedies_are_whole():
    import tomllib

    found = guidance.remedies()
    grounds = {row["code"] for row in tomllib.loads((FOLDER / "grounds.toml").read_text("utf-8"))["grounds"]}
    assert set(found.ground) == grounds and set(found.ending) == set(guidance.REFUSALS)
    assert set(found.terms.values()) <= set(declared()) and set(found.resolvers) == {"department", "committee", "leader_office"}
    texts = [*found.ground.values(), *found.ending.values(), *(t for r in found.resolvers.values() for t in (r.first, r.second))]
    assert all(text.vi.strip() and text.en.strip() for text in texts)
    for kind in ("visit", "interview"):
        ends = {state.name for state in FLOWS[kind].states_ if state.ended_by_refusal or state.name == "stopped"}
        assert ends <= set(guidance.REFUSALS)
        acts = {step.action for step in FLOWS[kind].steps if step.target in guidance.REFUSALS}
        assert acts <= {name for names in guidance._ACTS.values() for name in names}


# --- nobody's name -------------------------------------------------------------------------------------------------


def canaries():
    """A visit with something to find in every field that says who somebody is."""
    fields = FLOWS["visit"].example(clock.today())
    fields["outlet"]["name"] = "Đài Hoàng Yến Xanh"
    fields["signer"] = {"name": "Oskar Kanarienvogel", "position": "Giám sự Hót Vang"}
    fields["contact"] = {"name": "Trịnh Hoàng Oanh", "phone": "+84 91 234 5678", "email": "hoanganh@kanarie.example"}
    fields["licence"] = {"number": "GP-KANARIE-7", "valid_from": "2026-01-01", "valid_to": "2027-12-31"}
    for index, member in enumerate(fields["crew"]):
        member |= {"name": f"LINNEA SISKIN{index}", "passport_no": f"KAN{index}99887", "card_no": f"C-KAN{index}"}
    return fields


CANARIES = re.compile(
    r"Hoàng Yến|Kanarien|Oskar|Hót Vang|Oanh|234 ?5678|kanarie|KANARIE|SISKIN|Siskin|LINNEA|KAN\d|C-KAN|Thử|hangtin_a|minh họa", re.IGNORECASE
)


def test_no_canary_sings_in_public(office, stage):
    """Names in the dossier, of officials, and repeated in the words of the letters: none is told."""
    ref = stage.file("vptt.han", "visit", fields=canaries())
    said = ["cần gặp bà Trịnh Hoàng Oanh (ong Oskar  kanarienvogel), điện thoại +84 91 234 5678, hoanganh@kanarie.example",
            "hộ chiếu KAN099887 của Linnea Siskin0, thẻ C-KAN1, giấy phép gp-kanarie-7; ĐÀI HOÀNG YẾN XANH; anh Kanarienvogel; Nguyễn Thử Bình đã báo"]  # fmt: skip
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    stage.act("tp.hoa", ref, "extend", reason=said[0], new_date="2026-11-19")
    found = [told(office, ref)]
    demo.advance_from(stage, ref, "visit", "consulted")
    stage.act("cv.binh", ref, "recommend", **demo.proposal(stage, ref, "visit", "reject"))
    demo.advance_from(stage, ref, "visit", "pending_decision", "pending_committee")
    stage.act("ubnd.quang", ref, "reject", grounds=["safety"], reason=said[1], alternatives=said[0])
    found.append(told(office, ref))
    for item in found:
        text = json.dumps(item, ensure_ascii=False)
        assert not CANARIES.search(text), CANARIES.search(text)
    assert found[0]["apology"]["vi"].count(blanks.BLANK) >= 3 and "cần gặp bà" in found[0]["apology"]["vi"]
    own = queries.read_case(office, stage.actor("vptt.han"), ref)
    with office.db.read() as connection:
        row, held = queries.loaded(office, connection, stage.actor("vptt.han"), ref)
        assert tracking.own(office, connection, row, held)["guidance"]["reason"] == said[1], "signed in, the letter's words stand in full"
    assert own["fields"]["crew"][0]["name"] == "LINNEA SISKIN0"


def test_every_typed_part_of_who_somebody_is_is_private():
    for kind in ("visit", "interview"):
        for item in FLOWS[kind].fields:
            if item.name in blanks.PRIVATE:
                row = {part.name: "Vẹt Xám Châu Phi" for part in item.fields if isinstance(part, Field) and part.type in ("text", "phone", "email")}
                words = set(blanks.private_words(FLOWS[kind], {item.name: [row] if hasattr(item, "ids") else row}))
                assert {word for word, _ in words} == {"Vẹt Xám Châu Phi"}


@given(
    st.lists(st.text("abcđêôơướ ", min_size=4, max_size=20).filter(lambda w: len(w.strip()) > 3), min_size=1, max_size=4),
    st.text("abcđ .,…(\n", max_size=40), st.booleans(),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_a_word_that_is_left_out_is_not_there(words, around, upper):
    """Wherever the words stand as words, in whatever case, they are gone; what is left was in the text before."""
    text = f"{around} {' ; '.join(word.upper() if upper else word for word in words)} {around}"
    left = blanks.blanked(text, [(word, False) for word in words])
    for word in words:
        assert f"; {' '.join(word.split())} ;".casefold() not in f"; {left} ;".casefold()
    assert all(part in " ".join(text.split()) for part in left.split() if blanks.BLANK not in part)


# --- the figures ---------------------------------------------------------------------------------------------------


def test_figures_are_drawn_once_sealed_and_stand_nowhere_else(office, stage):
    ref = stage.file("vptt.han", "visit")
    pin = pin_of(office, ref)
    assert re.fullmatch(r"\d{6}", pin)
    demo.advance(stage, ref, "visit", "approved")
    stage.letters(ref)
    assert pin_of(office, ref) == pin
    with office.db.read() as connection:
        stored = store.query(connection, "SELECT pin FROM tracking_pins WHERE case_id = :id", id=ref)[0]["pin"]
        assert pin not in stored
        for table, column in (
            ("audit_entry", "canonical"),
            ("outbox", "payload"),
            ("cases", "memory"),
            ("cases", "search_text"),
            ("idempotency", "body"),
            ("notices", "name"),
        ):
            rows = store.query(connection, f"SELECT {column} AS text FROM {table}")
            assert not [row for row in rows if re.search(rf"(?<!\d){pin}(?!\d)", row["text"] or "")], table


def test_a_draft_has_none_and_older_cases_get_them(office, stage):
    draft = stage.file("vptt.han", "visit", submit=False)
    assert pin_of(office, draft) is None
    ref = stage.file("vptt.han", "visit")
    office.db.transact(lambda connection: store.execute(connection, "DELETE FROM tracking_pins WHERE case_id = :id", id=ref))
    assert pin_of(office, ref) is None and pins.complete(office) == 1 and pin_of(office, ref) and pins.complete(office) == 0


def test_sealed_figures_open_for_their_own_case_only(office, stage):
    one, other = stage.file("vptt.han", "visit"), stage.file("vptt.han", "visit")
    office.db.transact(
        lambda connection: store.execute(
            connection, "UPDATE tracking_pins SET pin = (SELECT pin FROM tracking_pins WHERE case_id = :a) WHERE case_id = :b", a=one, b=other
        )
    )
    from workflow.crypto import KeysError

    with pytest.raises(KeysError):
        pin_of(office, other)
    office.db.transact(lambda connection: store.execute(connection, "DELETE FROM tracking_pins WHERE case_id = :b", b=other))
    pins.complete(office)


def test_typed_with_spaces_dashes_and_small_letters(office, stage):
    ref = stage.file("vptt.han", "visit")
    code, pin = stage.row(ref)["code"], pin_of(office, ref)
    typed = f" {code.lower().replace('-', '–')} "
    assert tracking.look(office, typed, f"{pin[:3]} {pin[3:]}", next(ADDRESSES))["code"] == code


def test_every_failure_costs_the_same_statements(office, stage, monkeypatch):
    """Unknown, malformed, a draft's id, another kind's code, wrong figures: the same answer after the same statements."""
    ref = stage.file("vptt.han", "visit")
    code, pin = stage.row(ref)["code"], pin_of(office, ref)
    letter = next(iter(stage.children(refused(stage, "visit"), "consultation")))
    draft = stage.file("vptt.han", "visit", submit=False)
    asked = []
    real, opened = store.cursor_of, office.keys.open
    monkeypatch.setattr(store, "cursor_of", lambda connection: asked.append("statement") or real(connection))
    monkeypatch.setattr(office.keys, "open", lambda *given: asked.append("opened") or opened(*given))
    answers = {}
    for name, (typed, figures) in {
        "wrong": (code, wrong(pin)), "none": (code, ""), "short": (code, pin[:5]), "unknown": (code[:-4] + "9999", pin), "malformed": ("x" * 500, pin),
        "draft": (draft, pin), "child": (stage.row(letter)["code"], pin), "odd": ("Ω\x00\ud800' OR 1=1 --", "١٢٣٤٥٦"),
    }.items():  # fmt: skip
        asked.clear()
        with pytest.raises(NotFound) as refusal:
            tracking.look(office, typed, figures, next(ADDRESSES))
        answers[name] = (refusal.value.message, refusal.value.code, tuple(asked))
    assert len(set(answers.values())) == 1, answers
    assert office.profile.raw["desk"]["phone"] in answers["wrong"][0].vi and "opened" in answers["wrong"][2]


@given(st.text(max_size=60) | st.from_regex(r"[A-Z]{1,3}-[VI]-[0-9]{4}-[0-9]{1,4}", fullmatch=True), st.text(max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("CT-V-2026-0001\x00", "000000\x00").via("a null")
def test_whatever_is_typed_is_refused_in_words(lite, code, pin):
    with clock.at(MONDAY), pytest.raises((NotFound, SlowDown)):
        tracking.look(lite, code, pin, next(ADDRESSES))


# --- the limits ----------------------------------------------------------------------------------------------------


def attempt(office, code, pin, address):
    try:
        tracking.look(office, code, pin, address)
    except NotFound:
        return "wrong"
    except SlowDown as slow:
        return slow
    return "right"


@pytest.fixture
def known(office, stage):
    """A case that was sent: code and figures."""
    ref = stage.file("vptt.han", "visit")
    return stage.row(ref)["code"], pin_of(office, ref)


def at_once(jobs):
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda job: job(), jobs))


def test_ten_wrong_tries_an_hour_from_one_address_however_many_come_at_once(office, known):
    home, limits = next(ADDRESSES), office.profile.tracking_limits

    def job(n):
        def run():
            with clock.at(MONDAY):
                return attempt(office, f"CT-V-2026-{9000 + n}", "000000", home)

        return run

    found = at_once([job(n) for n in range(40)])
    assert found.count("wrong") == limits.per_address == 10 and all(isinstance(f, SlowDown) for f in found if f != "wrong")
    slow = attempt(office, *known, home)
    assert isinstance(slow, SlowDown) and slow.data["wait"] == limits.window_minutes * 60 + 1, "closed, even for right figures"
    assert "10:10:00" in slow.message.vi and "10:10:00" in slow.message.en
    assert attempt(office, *known, next(ADDRESSES)) == "right", "others are not locked out"
    with clock.at(MONDAY + timedelta(seconds=slow.data["wait"])):
        assert attempt(office, *known, home) == "right"


def test_five_wrong_tries_an_hour_at_one_case_from_one_address(office, known):
    code, pin = known
    home, other = next(ADDRESSES), next(ADDRESSES)
    found = [attempt(office, code, wrong(pin), home) for _ in range(7)]
    assert found[:5] == ["wrong"] * 5 and all(isinstance(f, SlowDown) for f in found[5:])
    assert attempt(office, code, pin, other) == "right", "whoever types wrong figures elsewhere locks nobody out"


def test_right_figures_reset_nothing(office, known):
    """Somebody with a case of their own cannot buy further guesses with it."""
    code, pin = known
    home = next(ADDRESSES)
    guesses = []
    for n in range(20):
        guesses.append(attempt(office, f"CT-V-2026-{8000 + n}", "000000", home))
        attempt(office, code, pin, home)
    assert guesses.count("wrong") == 10


def test_right_figures_are_never_counted(office, known):
    code, pin = known
    home = next(ADDRESSES)

    def run():
        with clock.at(MONDAY):
            return attempt(office, code, pin, home)

    assert at_once([run] * 40) == ["right"] * 40


def test_many_addresses_cannot_try_all_figures_and_lock_nobody_out(office, known):
    code, pin = known
    owner, limits = next(ADDRESSES), office.profile.tracking_limits
    assert attempt(office, code, pin, owner) == "right"

    def job(address):
        def run():
            with clock.at(MONDAY):
                return attempt(office, code, wrong(pin), address)

        return run

    found = at_once([job(next(ADDRESSES)) for _ in range(70)])
    assert found.count("wrong") == limits.per_case
    assert isinstance(attempt(office, code, pin, next(ADDRESSES)), SlowDown), "an address that never opened it waits"
    assert attempt(office, code, pin, owner) == "right", "the one that has opened it before does not"
    with clock.at(MONDAY + timedelta(minutes=61)):
        assert attempt(office, code, pin, next(ADDRESSES)) == "right"


def test_a_code_that_does_not_exist_is_limited_alike(office):
    code, home = "CT-V-2026-7777", next(ADDRESSES)
    found = [attempt(office, code, "123456", home) for _ in range(6)]
    assert found[:5] == ["wrong"] * 5 and isinstance(found[5], SlowDown)


def test_what_counts_as_one_address():
    assert throttle.home_of("192.0.2.7") == "192.0.2.7" == throttle.home_of("::ffff:192.0.2.7")
    assert throttle.home_of("2001:db8:1:2:3:4:5:6") == throttle.home_of("2001:db8:1:2::9") != throttle.home_of("2001:db8:1:3::9")
    assert throttle.home_of("unix") == "unix" and throttle.home_of("") == ""


def test_no_address_and_no_code_is_kept_and_old_counts_go(office, known):
    code, pin = known
    attempt(office, code, wrong(pin), "198.51.100.23")
    with office.db.read() as connection:
        rows = store.query(connection, "SELECT * FROM tracking_tries")
    kept = orjson.dumps(rows).decode()
    assert rows and "198.51" not in kept and code not in kept
    with clock.at(MONDAY + timedelta(days=40)):
        throttle.forget(office)
    with office.db.read() as connection:
        assert not store.query(connection, "SELECT * FROM tracking_tries")


def test_whoever_is_not_told_the_figures_has_no_receipt(office, stage):
    ref = stage.file("vptt.han", "visit")
    sheet = tracking.receipt(office, stage.actor("vptt.han"), ref)
    assert not sheet["accepted"] and sheet["pin"] == pin_of(office, ref) and sheet["papers"][0]["vi"].startswith("Văn bản đề nghị")
    demo.advance(stage, ref, "visit", "pending_committee")
    stage.letters(ref)
    sheet = tracking.receipt(office, stage.actor("motcua.mai"), ref)
    assert sheet["accepted"] and sheet["number"]["number"] and sheet["due_at"][:10] == "2026-11-16" and sheet["channel"]["vi"] == "Qua mạng"
    for name in ("vptt.han", "cv.binh", "tp.hoa", "gd.khanh"):
        assert tracking.receipt(office, stage.actor(name), ref)["pin"]
    for name in ("vptt.thu", "vptt.lam", "cv.dung", "ubnd.minh", "ca.phuc", "hd.thao", "vt.van", "ktr.xuan", "qt.yen"):
        with pytest.raises(NotFound):
            tracking.receipt(office, stage.actor(name), ref)
    with pytest.raises(NotFound):
        tracking.receipt(office, stage.actor("vptt.han"), stage.file("vptt.han", "visit", submit=False))
