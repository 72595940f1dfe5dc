"""A rule changed by two persons: what the replay names is what moves, and nothing else does."""

from __future__ import annotations

import shutil
import threading
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from states.language import Text
from workflow import Office, authority, clock, demo, law, queries, recount, remaining, rule_changes, rules, store, users
from workflow.audit.verify import verify
from workflow.deadlines import of_case
from workflow.errors import Conflict, Invalid, NeedsUnmet, NotFound, RoleRefused
from workflow.routing import national as routing_rules
from workflow.rule_changes import ReplayChanged, Settled
from workflow.rule_replay import mark_of, replay
from workflow.rule_values import SENTENCES, newest, value_words
from workflow.rules import Rule

THURSDAY = datetime(2026, 11, 19, 2, tzinfo=UTC)  # 9:00 in Hà Nội
FRIDAY, MONDAY = THURSDAY + timedelta(days=1), THURSDAY + timedelta(days=4)
ADMIN, DIRECTOR = "qt.yen", "gd.khanh"


def row(stage, ref):
    return stage.row(ref)


def due(stage, ref):
    return row(stage, ref)["clocks"]["statutory_due"]


def entries(office, ref, action):
    with office.db.read() as connection:
        return store.query(connection, "SELECT e.seq, e.actor_id FROM audit_entry e WHERE e.case_id = :id AND e.action = :action", id=ref, action=action)


def told(office, action):
    """What the newest entry of the stream `system` with that action says."""
    with office.db.read() as connection:
        found = store.query(
            connection,
            "SELECT o.field, o.value FROM opening o WHERE o.stream = 'system' AND o.seq ="
            " (SELECT max(seq) FROM audit_entry WHERE stream = 'system' AND action = :action)",
            action=action,
        )
    return {r["field"].removeprefix("input."): orjson.loads(r["value"]) for r in found}


def clean(office):
    with office.db.read() as connection:
        assert verify(connection).integrity == "clean"


def draft(office, stage, code, value, valid_from, *, unit="wd", basis="262/16(3)", who=ADMIN, **rest):
    return rule_changes.draft(office, stage.actor(who), code, value, unit, basis, valid_from, "Theo văn bản mới.", **rest)


def confirm(office, stage, id_, who=DIRECTOR, **rest):
    return rule_changes.confirm(office, stage.actor(who), id_, **rest)


def stored_replay(office, id_):
    with office.db.read() as connection:
        return orjson.loads(store.query(connection, "SELECT replay FROM rule_versions WHERE id = :id", id=id_)[0]["replay"])


def versions(office, code):
    with office.db.read() as connection:
        return store.query(connection, "SELECT * FROM rule_versions WHERE code = :code ORDER BY valid_from, entered_at", code=code)


def due_codes(found):
    return [item["code"] for item in found if item["what"] == "due"]


# --- the whole way -----------------------------------------------------------------------------------------------------


def test_five_days_become_seven_for_exactly_the_open_cases_received_since(office, stage):
    with clock.at(THURSDAY):
        before = stage.file("vptt.han", "visit")
    with clock.at(FRIDAY):
        moving = [stage.file("vptt.han", "visit") for _ in range(2)]
        demo.advance(stage, moving[1], "visit", "under_review")
        extended, answered, ended = (stage.file("vptt.han", "visit") for _ in range(3))
        other = stage.file("vptt.lam", "interview")
        stage.act("motcua.mai", extended, "accept", officer="cv.binh")
        stage.act("tp.hoa", extended, "extend", reason="Chờ ý kiến.", new_date="2026-12-04")
        demo.advance(stage, answered, "visit", "approved")
        stage.letters(answered)
        stage.act("vptt.han", ended, "withdraw")
    was = {ref: row(stage, ref)["clocks"] for ref in (before, extended, answered, ended, other)}
    with clock.at(MONDAY):
        id_ = draft(office, stage, "T01", "7", "2026-11-20")
        codes = sorted(row(stage, ref)["code"] for ref in moving)
        found = stored_replay(office, id_)
        assert due_codes(found) == codes and {item["what"] for item in found} == {"due"}
        # five working days after Friday the 20th, the 24th being a day off; seven
        assert found[0]["before"]["vi"] == "Trả lời: 17:00 30/11/2026" and found[0]["after"]["en"] == "Reply: 17:00 02/12/2026"
        assert office.rules.number("T01") == 5 and due(stage, moving[0]) == "2026-11-30T10:00:00.000000Z"
        assert confirm(office, stage, id_) == codes
        later = stage.file("vptt.han", "visit")
    for ref in moving:
        assert due(stage, ref) == "2026-12-02T10:00:00.000000Z" and len(entries(office, ref, "recount")) == 1
        told_by = of_case(office, row(stage, ref))[0]
        assert (told_by.value, told_by.unit, told_by.rule) == (7, "wd", id_)
    assert {ref: row(stage, ref)["clocks"] for ref in was} == was and not any(entries(office, ref, "recount") for ref in was)
    assert of_case(office, row(stage, later))[0].value == 7
    shipped, ended_now, new = versions(office, "T01")
    assert shipped["valid_to"] == "2026-06-30" and ended_now["valid_to"] == "2026-11-19" and ended_now["value"] == "5"
    assert (new["id"], new["status"], new["standing"], new["valid_to"]) == (id_, "in_force", "confirmed", None)
    said = told(office, "rule_confirm")
    assert said["rule"] == id_ and said["ends"] == ended_now["id"] and due_codes(said["replay"]) == codes
    assert told(office, "rule_draft")["reason"] == "Theo văn bản mới."
    clean(office)


def test_a_change_for_the_future_moves_nothing_now_and_binds_who_comes_then(office, stage):
    with clock.at(MONDAY):
        now = stage.file("vptt.lam", "interview")
        id_ = draft(office, stage, "T02", "3", "2026-12-07", basis="262/16(2)")
        assert stored_replay(office, id_) == []
        assert confirm(office, stage, id_) == []
        same = stage.file("vptt.lam", "interview")
    with clock.at(datetime(2026, 12, 6, 2, tzinfo=UTC)):
        eve = stage.file("vptt.lam", "interview")
    with clock.at(datetime(2026, 12, 7, 2, tzinfo=UTC)):
        then = stage.file("vptt.lam", "interview")
    assert [of_case(office, row(stage, ref))[0].value for ref in (now, same, eve, then)] == [5, 5, 5, 3]
    assert due(stage, then) == "2026-12-10T10:00:00.000000Z"


def test_a_case_of_the_last_day_ends_under_the_older_rules(office, stage):
    """Nghị định 262/2026 art. 26: received 30/6/2026 under the decree of 2012, received 1/7/2026 under the new one."""
    older, newer = (office.deadlines_on(day) for day in ("2026-06-30", "2026-07-01"))
    received = datetime(2026, 6, 30, 2, tzinfo=UTC)
    for code, was, now in (("T05", (10, "wd", "88/5"), (7, "wd", "262/5")), ("T27.admit", (10, "d", "KN"), (7, "wd", "155"))):
        for counting, expected in ((older, was), (newer, now)):
            found = counting.deadline(received, code, "x")
            assert (found.value, found.unit, found.basis) == expected
    with clock.at(received):
        last = stage.file("vptt.lam", "interview")
    with clock.at(received + timedelta(days=1)):
        first = stage.file("vptt.lam", "interview")
        # both stay bound to their own day whatever is read later
        assert [of_case(office, row(stage, ref))[0].basis for ref in (last, first)] == ["88/13", "262/16(2)"]
    assert [row(stage, ref)["clocks"]["rules_on"] for ref in (last, first)] == ["2026-06-30", "2026-07-01"]
    with clock.at(received + timedelta(days=1, hours=1)):
        made = Rule("draft", "T02", "2", "wd", "262/16(2)", "", date(2026, 7, 1), None, "confirmed", Text("", ""))
        named = due_codes(replay(office, made))
    assert row(stage, first)["code"] in named and row(stage, last)["code"] not in named


def test_another_decides_and_only_the_visits_since_then(office, stage):
    with clock.at(THURSDAY):
        old = stage.file("vptt.han", "visit")
        demo.advance(stage, old, "visit", "pending_decision")
    with clock.at(FRIDAY):
        found = {}
        for stop in ("requested", "pending_decision", "pending_committee", "approved"):
            found[stop] = stage.file("vptt.han", "visit")
            demo.advance(stage, found[stop], "visit", stop)
        other = stage.file("vptt.lam", "interview")
        demo.advance(stage, other, "interview", "pending_decision")
    with clock.at(MONDAY):
        id_ = draft(office, stage, "decision_level", "department", "2026-11-20", unit="text", basis="262/24")
        levels = {item["id"]: item for item in stored_replay(office, id_) if item["what"] == "level"}
        listed = levels.keys()
        assert {found[stop] for stop in ("requested", "pending_decision", "pending_committee")} <= listed
        assert not {old, found["approved"], other} & listed and all(row(stage, id_)["clocks"]["rules_on"] >= "2026-11-20" for id_ in listed)
        told_of = levels[found["pending_decision"]]
        assert told_of["before"]["vi"] == "UBND quyết định" and told_of["after"]["en"] == "the Department decides"
        assert "nếu rút lại" in levels[found["pending_committee"]]["after"]["vi"]
        refused = stage.refused(DIRECTOR, found["pending_decision"], "approve", seen="0" * 64)
        assert "level_is_mine" in {reason.code for reason in refused.reasons}
        assert confirm(office, stage, id_) == []
        assert stage.act(DIRECTOR, found["pending_decision"], "approve") == "approved"
        refused = stage.refused(DIRECTOR, old, "approve", seen="0" * 64)
        assert "level_is_mine" in {reason.code for reason in refused.reasons}
    clean(office)


def test_who_recommended_may_endorse_and_is_named(office, stage):
    with clock.at(FRIDAY):
        ref, elsewhere = (stage.file("vptt.han", "visit") for _ in range(2))
        demo.advance(stage, ref, "visit", "pending_endorsement")
        demo.advance(stage, elsewhere, "visit", "under_review")

    def promote(connection):
        unit = store.query(connection, "SELECT id FROM organisations WHERE code = 'sngv'")[0]["id"]
        users.grant(connection, stage.actor("cv.binh").id, unit, "head", False)

    office.db.transact(promote)
    stage.actors.clear()
    with clock.at(MONDAY):
        id_ = draft(office, stage, "allow_two_person", "yes", "2026-11-20", unit="text", basis="office")
        mine = [item for item in stored_replay(office, id_) if item["id"] in (ref, elsewhere)]
        assert [(item["id"], item["what"]) for item in mine] == [(ref, "duty")]
        name = stage.actor("cv.binh").name
        assert mine[0]["before"]["vi"] == f"không được: Đồng ý, trình lãnh đạo Sở ({name})" and mine[0]["after"]["en"] == f"possible: Endorse ({name})"
        stage.refused("cv.binh", ref, "endorse")
        confirm(office, stage, id_)
        assert stage.act("cv.binh", ref, "endorse") == "pending_decision"


def test_fewer_trips_close_an_action(office, stage):
    with clock.at(FRIDAY):
        ref, fresh = (stage.file("vptt.han", "visit") for _ in range(2))
        items = [{"target": "/purpose", "reason": "Nêu rõ hơn.", "basis": "262/16(3)"}]
        stage.act("motcua.mai", ref, "ask_supplement", items=items, respond_by=stage.soon(3))
        stage.act("motcua.mai", ref, "take_back", reason="Đã rõ.", agreed=True)
    with clock.at(MONDAY):
        id_ = draft(office, stage, "supplement_trips", "1", "2026-11-20", unit="text", basis="63/20(4)")
        mine = {item["id"]: item for item in stored_replay(office, id_)}
        assert fresh not in mine and mine[ref]["what"] == "other"
        assert mine[ref]["after"]["vi"].startswith("không được: Yêu cầu bổ sung") and mine[ref]["before"]["en"].startswith("possible: ")
        confirm(office, stage, id_)
        refused = stage.refused("motcua.mai", ref, "ask_supplement", items=items, respond_by=stage.soon(3))
        assert {reason.code for reason in refused.reasons} == {"supplement_trips_left"}


# --- two persons -------------------------------------------------------------------------------------------------------


def test_the_second_person_is_another_and_may_be_nobody_else(office, stage):
    with clock.at(MONDAY):
        id_ = draft(office, stage, "T22", "2", "2026-12-01", basis="office")
        for who, wrong in ((ADMIN, NeedsUnmet), ("cv.binh", RoleRefused), ("ktr.xuan", RoleRefused), ("vptt.han", RoleRefused)):
            for act in (rule_changes.confirm, lambda *given: rule_changes.refuse(*given, "Không.")):
                with pytest.raises(wrong):
                    act(office, stage.actor(who), id_)
        with pytest.raises(RoleRefused):
            rule_changes.withdraw(office, stage.actor(DIRECTOR), id_)
        with pytest.raises(RoleRefused):
            draft(office, stage, "T23", "3", "2026-12-01", basis="office", who=DIRECTOR)
        with pytest.raises(NotFound):
            confirm(office, stage, "0" * 32)
        with pytest.raises(Invalid) as twice:
            draft(office, stage, "T22", "3", "2026-12-01", basis="office")
        assert twice.value.fields == {"code": [SENTENCES["waiting"]]}
        with pytest.raises(Invalid) as unsaid:
            rule_changes.refuse(office, stage.actor(DIRECTOR), id_, " ")
        assert set(unsaid.value.fields) == {"reason"}
        rule_changes.refuse(office, stage.actor(DIRECTOR), id_, "Một ngày là đủ.")
        assert told(office, "rule_refuse")["reason"] == "Một ngày là đủ."
        for act in (confirm, lambda *given: rule_changes.refuse(given[0], stage.actor(DIRECTOR), given[2], "Không.")):
            with pytest.raises(Settled):
                act(office, stage, id_)
        again = draft(office, stage, "T22", "2", "2026-12-01", basis="office")
        rule_changes.withdraw(office, stage.actor(ADMIN), again, "Nhập nhầm.")
        assert [v["status"] for v in versions(office, "T22")] == ["in_force", "refused", "withdrawn"]
        assert office.rules.number("T22") == 1
        seen = rule_changes.one(office, stage.actor("ktr.xuan"), id_)
        assert [(e["action"], e["reason"]) for e in seen["entries"]] == [("rule_draft", "Theo văn bản mới."), ("rule_refuse", "Một ngày là đủ.")]
    clean(office)


def test_nobody_confirms_an_effect_that_was_not_shown(office, stage):
    with clock.at(MONDAY):
        id_ = draft(office, stage, "T01", "6", "2026-11-23")
        shown = stored_replay(office, id_)
        late = stage.file("vptt.han", "visit")
        was = row(stage, late)["clocks"]
        with pytest.raises(ReplayChanged) as changed:
            confirm(office, stage, id_)
        code = row(stage, late)["code"]
        assert changed.value.was == shown and [item["code"] for item in changed.value.replay if item not in shown] == [code]
        assert row(stage, late)["clocks"] == was and office.rules.number("T01") == 7
        page = rule_changes.one(office, stage.actor(DIRECTOR), id_)
        assert [item["code"] for item in page["come"]] == [code] and page["gone"] == [] and page["mark"] == mark_of(page["now"])
        with pytest.raises(ReplayChanged):
            confirm(office, stage, id_, seen="0" * 64)
        assert confirm(office, stage, id_, seen=page["mark"]) == due_codes(page["now"])
        assert row(stage, late)["clocks"]["statutory_due"] != was["statutory_due"]
        newest_of = versions(office, "T01")
        assert newest_of[-2]["valid_to"] == "2026-11-22"
    clean(office)


def test_two_confirm_at_once_and_one_wins(office, stage):
    with clock.at(FRIDAY):
        ref = stage.file("vptt.lam", "interview")
    with clock.at(MONDAY):
        id_ = draft(office, stage, "T22", "0.5", "2026-11-20", basis="office")
    barrier, outcomes = threading.Barrier(2), []

    def press(who):
        actor = stage.actor(who)
        barrier.wait(30)
        with clock.at(MONDAY):
            try:
                outcomes.append(rule_changes.confirm(office, actor, id_))
            except Conflict as lost:
                outcomes.append(lost.code)

    stage.actor(DIRECTOR), stage.actor("pgd.linh")
    threads = [threading.Thread(target=press, args=(who,)) for who in (DIRECTOR, "pgd.linh")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    won, lost = sorted(outcomes, key=lambda item: isinstance(item, str))
    assert row(stage, ref)["code"] in won and lost in ("state", "changed_meanwhile")
    with office.db.read() as connection:
        told_once = store.query(
            connection, "SELECT count(*) AS n FROM opening o JOIN audit_entry e ON e.stream = o.stream AND e.seq = o.seq"
            " WHERE o.field = 'input.rule' AND o.value = :id AND e.action = 'rule_confirm'", id=orjson.dumps(id_).decode(),
        )  # fmt: skip
    assert told_once[0]["n"] == 1 and len(entries(office, ref, "recount")) == 1
    assert [v["valid_to"] for v in versions(office, "T22") if v["status"] == "in_force"] == ["2026-11-19", None]
    clean(office)


def test_two_draft_at_once_and_one_waits(office, stage):
    def second_admin(connection):
        unit = store.query(connection, "SELECT id FROM organisations WHERE code = 'quan_tri'")[0]["id"]
        users.grant(connection, users.add_user(connection, "qt.hai", "Đào Thử Hải", "x", demo=True), unit, "admin", False)

    office.db.transact(second_admin)
    barrier, outcomes = threading.Barrier(2), []

    def press(who):
        actor = stage.actor(who)
        barrier.wait(30)
        with clock.at(MONDAY):
            try:
                outcomes.append(rule_changes.draft(office, actor, "T23", "3", "wd", "office", "2026-12-01", "Ý kiến cần lâu hơn."))
            except Invalid as lost:
                outcomes.append(lost.fields)

    stage.actor(ADMIN), stage.actor("qt.hai")
    threads = [threading.Thread(target=press, args=(who,)) for who in (ADMIN, "qt.hai")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(isinstance(item, str) for item in outcomes) == [False, True] and {"code": [SENTENCES["waiting"]]} in outcomes
    drafted = [v for v in versions(office, "T23") if v["status"] == "draft"]
    other = "qt.hai" if drafted[0]["entered_by"] == stage.actor(ADMIN).id else ADMIN
    with clock.at(MONDAY):  # another administrator is a second person too
        assert confirm(office, stage, drafted[0]["id"], who=other) == []
    clean(office)


def test_a_standing_value_is_ticked_by_two(office, stage):
    held = next(rule for rule in office.rulebook.rows if rule.code == "hearing")
    with pytest.raises(RoleRefused):
        rule_changes.tick(office, stage.actor(DIRECTOR), held.id)  # the first tick is an administrator's
    assert rule_changes.tick(office, stage.actor(ADMIN), held.id, "Đã hỏi lãnh đạo.") is False
    assert versions(office, "hearing")[0]["standing"] == "unconfirmed"
    with pytest.raises(NeedsUnmet):
        rule_changes.tick(office, stage.actor(ADMIN), held.id)
    with pytest.raises(RoleRefused):
        rule_changes.tick(office, stage.actor("tp.hoa"), held.id)
    assert rule_changes.tick(office, stage.actor(DIRECTOR), held.id) is True
    found = versions(office, "hearing")[0]
    assert (found["standing"], found["value"], found["confirmed_by"]) == ("confirmed", "1", stage.actor(DIRECTOR).id)
    with pytest.raises(Settled):
        rule_changes.tick(office, stage.actor(ADMIN), held.id)
    assert told(office, "rule_tick")["confirmed"] is True
    clean(office)


# --- what is typed -----------------------------------------------------------------------------------------------------

RIGHT = {"code": "T04", "value": "4", "unit": "wd", "basis": "office", "valid_from": "2026-12-01", "reason": "Vì lý do khác.", "locality": ""}


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"code": "T99"}, "code", "code"), ({"code": ""}, "code", "code"), ({"value": "0"}, "value", "small"), ({"value": "-3"}, "value", "small"),
        ({"value": "bốn"}, "value", "number"), ({"value": "1e3"}, "value", "number"), ({"value": "٣"}, "value", "number"), ({"value": "nan"}, "value", "number"),
        ({"value": "251"}, "value", "large"), ({"value": "1.3"}, "value", "half"), ({"value": "1.5", "unit": "d"}, "value", "whole"),
        ({"unit": "text"}, "unit", "unit"), ({"unit": "weeks"}, "unit", "unit"), ({"code": "reminder", "value": "1", "unit": "h"}, "unit", "unit"),
        ({"code": "decision_level", "value": "ministry", "unit": "text"}, "value", "word"), ({"code": "allow_two_person", "value": "Yes", "unit": "text"}, "value", "word"),
        ({"code": "ministry_report", "value": "maybe", "unit": ""}, "value", "word"), ({"code": "levels", "value": "80,50", "unit": "text"}, "value", "levels"),
        ({"code": "levels", "value": "50", "unit": "text"}, "value", "levels"), ({"code": "levels", "value": "50,80,90", "unit": "text"}, "value", "levels"),
        ({"code": "levels", "value": "0,100", "unit": "text"}, "value", "levels"), ({"code": "supplement_trips", "value": "10", "unit": "text"}, "value", "trips"),
        ({"code": "T36", "value": "12-32", "unit": "text"}, "value", "day"), ({"code": "T36", "value": "02-29", "unit": "text"}, "value", "day"),
        ({"basis": ""}, "basis", "basis"), ({"basis": "999/1"}, "basis", "basis"), ({"basis": "2621/3"}, "basis", "basis"),
        ({"valid_from": "2026-02-30"}, "valid_from", "date"), ({"valid_from": "mai"}, "valid_from", "date"), ({"valid_from": "2101-01-01"}, "valid_from", "year"),
        ({"code": "T27.admit", "basis": "155", "valid_from": "2026-06-30"}, "valid_from", "before"), ({"reason": "  "}, "reason", "reason"),
        ({"locality": "hai-phong"}, "locality", "locality"), ({"reason": "a\u202eb"}, "reason", "marks"), ({"reason": "x" * 1001}, "reason", "long"),
        ({"value": "5"}, "value", "same"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_at_its_field(lite, changed, field, sentence):
    admin = users.actor_by_username(lite, ADMIN)
    with pytest.raises(Invalid) as wrong:
        rule_changes.preview(lite, admin, {**RIGHT, **changed})
    told = wrong.value.fields[field][0]
    start = SENTENCES[sentence].vi.split("{")[0]
    assert set(wrong.value.fields) == {field} and told.vi.startswith(start) and told.en.startswith(SENTENCES[sentence].en.split("{")[0])


def test_every_wrong_field_is_told_at_once(lite):
    with pytest.raises(Invalid) as wrong:
        rule_changes.draft(lite, users.actor_by_username(lite, ADMIN), "T04", "", "", "", "", "")
    assert set(wrong.value.fields) == {"value", "unit", "basis", "valid_from", "reason"}
    assert versions(lite, "T04") and all(v["status"] == "in_force" for v in versions(lite, "T04"))


@pytest.mark.parametrize(
    ("code", "typed", "unit", "kept"),
    [("T04", "2,5", "wd", "2.5"), ("T04", " 10 ", "d", "10"), ("T26", "0", "wd", "0"), ("levels", "60; 90", "text", "60,90"), ("supplement_trips", "03", "text", "3"),
     ("T36", "11-30", "text", "11-30"), ("decision_level", "department", "", "department"), ("T25", "36", "h", "36")],
)  # fmt: skip
def test_what_fits_is_kept_in_one_way_of_writing(lite, code, typed, unit, kept):
    basis = "262/16(3)" if code != "T26" else "03/2"
    made = rule_changes.preview(
        lite, users.actor_by_username(lite, ADMIN), {**RIGHT, "code": code, "value": typed, "unit": unit, "basis": basis, "valid_from": "01/12/2026"}
    )
    assert (made.rule.value, made.rule.valid_from) == (kept, date(2026, 12, 1)) and made.rule.unit in ("wd", "d", "h", "text")
    assert value_words(code, made.rule.value, made.rule.unit).vi and made.former is not None


def test_a_version_of_one_locality_wins_there(office, stage):
    with clock.at(MONDAY):
        place = office.profile.code
        with pytest.raises(Invalid):
            draft(office, stage, "T04", "3", "2026-12-01", basis="office", locality="quang-ngai")
        confirm(office, stage, draft(office, stage, "T04", "3", "2026-12-01", basis="office", locality=place))
    assert [office.rulebook.on(date(2026, month, 1))["T04"].value for month in (11, 12)] == ["5", "3"]
    assert newest(office.rulebook.rows, "T04").valid_to is None and newest(office.rulebook.rows, "T04", place).value == "3"
    with clock.at(MONDAY):
        made = rule_changes.preview(office, stage.actor(ADMIN), {**RIGHT, "value": "6"})
    assert any("phiên bản riêng" in text.vi for text in made.warnings)


def test_a_version_replaced_on_its_first_day_binds_who_came_before_it(office, stage):
    """A duty that begins with the decree has no older version: correcting it from the same day on must not reach back."""
    with clock.at(MONDAY):
        confirm(office, stage, draft(office, stage, "ministry_report", "yes", "2026-07-01", unit="text", basis="262/6(1)"))
    book = office.rulebook
    assert [book.on(day)["ministry_report"].value for day in (date(2026, 6, 30), date(2026, 7, 1), date(2026, 12, 1))] == ["no", "yes", "yes"]


# --- the replay and the truth ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd(lite):
    """Two dozen cases of several days and steps on a SQLite office, one person in two roles among those who handle them."""
    stage = demo.Stage(lite)
    unit = {r["code"]: r["id"] for r in read(lite, "SELECT id, code FROM organisations")}["sngv"]
    lite.db.transact(lambda c: users.grant(c, stage.actor("cv.binh").id, unit, "head", False))
    stage.actors.clear()
    stops = {"visit": ("requested", "under_review", "pending_endorsement", "pending_decision", "pending_committee", "reported"),
             "interview": ("requested", "pending_decision")}  # fmt: skip
    for days in (0, 1, 4):
        with clock.at(THURSDAY + timedelta(days=days)):
            for kind, ends in stops.items():
                for stop in ends:
                    ref = stage.file("vptt.han", kind)
                    demo.advance(stage, ref, kind, stop)
            paused = stage.file("vptt.han", "visit")
            items = [{"target": "/purpose", "reason": "Nêu rõ hơn.", "basis": "262/16(3)"}]
            stage.act("motcua.mai", paused, "ask_supplement", items=items, respond_by=stage.soon(3))
            back = stage.file("vptt.han", "visit", fields={"category": "A4"})
            stage.act("motcua.mai", back, "ask_supplement", items=items, respond_by=stage.soon(3))
            stage.act("motcua.mai", back, "take_back", reason="Đã rõ.", agreed=True)
            late = stage.file("vptt.han", "visit")
            stage.act("tp.hoa", late, "extend", reason="Chờ ý kiến.", new_date="2026-12-18")
    return lite


def read(office, sql, **values):
    with office.db.read() as connection:
        return store.query(connection, sql, **values)


def dates(office):
    """Reply and holder dates of every case, as stored."""
    rows = read(office, "SELECT c.id, c.due_at, COALESCE(k.statutory_due, k.work_due) AS reply FROM cases c LEFT JOIN case_clock k ON k.case_id = c.id")
    return {r["id"]: (r["reply"], r["due_at"]) for r in rows}


def possible(office):
    """What everybody of the office can do on every open case of a request, asked as a page would."""
    found = {}
    with office.db.read() as connection:
        office.refresh(connection, force=True)
        people = remaining.Roster.read(connection).people.values()
        for item in store.query(connection, "SELECT id FROM cases WHERE is_open AND kind IN ('visit', 'interview')"):
            case = store.load(connection, item["id"])
            for person in people:
                held = authority.roles_on(case, person)
                if held and authority.visible(case, person, held):
                    for choice in queries.choices_for(office, connection, case, person, held):
                        found[case["id"], choice["name"], person.id] = choice["allowed"]
    return found


CHANGES = st.one_of(
    st.tuples(st.sampled_from(["T01", "T02", "T04", "T22", "T09", "close", "no_show", "coordination"]), st.sampled_from(["1", "2.5", "3", "6", "7", "12"]), st.just("wd")),
    st.tuples(st.sampled_from(["T01", "T02"]), st.sampled_from(["4", "9"]), st.sampled_from(["d", "h"]).filter(lambda unit: unit == "d")),
    st.sampled_from([("decision_level", "department", "text"), ("allow_two_person", "yes", "text"), ("ministry_report", "yes", "text"),
                     ("supplement_trips", "1", "text"), ("supplement_trips", "0", "text"), ("levels", "40,90", "text")]),
)  # fmt: skip


DAYS = ["2026-11-19", "2026-11-20", "2026-11-21", "2026-11-23", "2026-11-24", "2026-12-01"]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(change=("T01", "7", "wd"), first="2026-11-20")
@example(change=("close", "9", "wd"), first="2026-11-19")
@example(change=("allow_two_person", "yes", "text"), first="2026-11-19")
@example(change=("supplement_trips", "1", "text"), first="2026-11-20")
@example(change=("decision_level", "department", "text"), first="2026-11-19")
@given(change=CHANGES, first=st.sampled_from(DAYS))
def test_the_replay_is_the_difference_that_comes_of_it(crowd, tmp_path_factory, change, first):
    code, value, unit = change
    asks = unit == "text" or code == "no_show"  # no other rule is read by what opens or closes an action
    path = tmp_path_factory.mktemp("copy") / "fpd.sqlite3"
    for suffix in ("", "-wal"):  # nobody else writes there: the file and its journal are one whole
        shutil.copy(crowd.db.url.removeprefix("sqlite:///") + suffix, f"{path}{suffix}")
    office = Office.open(f"sqlite:///{path}", crowd.files)
    stage = demo.Stage(office)
    try:
        with clock.at(MONDAY + timedelta(hours=3)):
            was, could = dates(office), possible(office) if asks else {}
            bound = {r["case_id"] for r in read(office, "SELECT case_id FROM case_clock WHERE rules_on >= :first", first=first)}
            id_ = draft(office, stage, code, value, first, unit=unit, basis="262/16(3)")
            told_of = stored_replay(office, id_)
            moved = confirm(office, stage, id_)
            now, can = dates(office), possible(office) if asks else {}
            again = recount.foreseen(office)
        differ = {ref for ref in was if was[ref] != now[ref]}
        assert {item["id"] for item in told_of if item["what"] == "due"} == differ <= bound and len(moved) == len(differ)
        acts = {ref for ref, *_ in {pair for pair in could.keys() | can.keys() if could.get(pair) != can.get(pair)}}
        named = {item["id"]: item["what"] for item in told_of if item["what"] != "due"}
        # a moved date may open or close an action by itself; what a rule opens or closes is named
        assert acts <= named.keys() | differ and named.keys() <= bound
        assert {ref for ref, what in named.items() if what in ("duty", "other")} <= acts
        assert again == [] and (told_of or first > "2026-11-20" or code not in ("T01", "close", "allow_two_person", "supplement_trips", "decision_level"))
        clean(office)
    finally:
        office.db.close()


# --- the catalogue of law ----------------------------------------------------------------------------------------------


def test_everything_that_is_cited_is_in_the_catalogue(office):
    from workflow.categories import categories

    texts = law.shipped()
    bases = {version["basis"] for code in rules.declared().values() for version in code["version"]}
    bases |= {rule["basis"] for rule in routing_rules()} | {item.basis for item in categories().values()} | {g.basis for g in office.profile.grounds}
    assert len(bases) > 40 and not sorted(basis for basis in bases if law.find(texts, basis) is None)
    successors = {text.successor for text in texts.values() if text.successor}
    assert successors <= texts.keys()
    with office.db.read() as connection:
        assert law.cited(connection, "262/16(3)").number == "262/2026/NĐ-CP" and law.cited(connection, "2626/1") is None
        assert law.cited(connection, "09/2017/5").successor == "244"


def test_a_basis_in_words_says_when_its_text_does_not_hold():
    july, june = date(2026, 7, 1), date(2026, 6, 30)
    assert law.label("262/16(3)", july) == Text("khoản 3 Điều 16, 262/2026/NĐ-CP", "art. 16(3) of 262/2026/NĐ-CP")
    assert law.label("262/7(2)(a)", july).vi == "điểm a khoản 2 Điều 7, 262/2026/NĐ-CP"
    assert law.label("88/13", june).vi == "Điều 13, 88/2012/NĐ-CP"
    assert law.label("88/13", july).vi == "Điều 13, 88/2012/NĐ-CP (hết hiệu lực sau 30/06/2026, thay bằng 262/2026/NĐ-CP)"
    assert law.label("262/5", june).en == "art. 5 of 262/2026/NĐ-CP (in force from 01/07/2026)"
    assert law.label("office", july) == Text("Quy định của cơ quan", "The office's own rule, to be confirmed")
    assert law.label("XYZ/1", july) == Text("XYZ/1", "XYZ/1")


def test_a_rule_that_cites_a_text_no_longer_valid_is_told(office):
    made = Rule("x", "T01", "5", "wd", "88/13", "", date(2026, 8, 1), None, "confirmed", rules.label_of("T01"))
    told_of = law.doubts(law.shipped(), (made,), date(2026, 11, 23))
    assert len(told_of) == 1 and told_of[0].vi.startswith("T01 – Trả lời") and "hết hiệu lực sau 30/06/2026" in told_of[0].vi
    unknown = Rule("y", "T02", "5", "wd", "999/1", "", date(2026, 8, 1), None, "confirmed", rules.label_of("T02"))
    assert "not in the catalogue" in law.doubts(law.shipped(), (unknown,), date(2026, 11, 23))[0].en
    assert law.doubts(law.shipped(), rules.RuleBook(rules._shipped()).rows, date(2026, 11, 23)) == []


def test_a_text_is_ticked_as_compared_by_the_administrator(office, stage):
    for who in (DIRECTOR, "ktr.xuan", "cv.binh"):
        with pytest.raises(RoleRefused):
            law.compare(office, stage.actor(who), "262")
    with pytest.raises(NotFound):
        law.compare(office, stage.actor(ADMIN), "nothing")
    with clock.at(MONDAY):
        law.compare(office, stage.actor(ADMIN), "262", "Công báo số 100")
    with office.db.read() as connection:
        texts = law.load(connection)
    assert (texts["262"].checked_by, texts["262"].checked_at) == (stage.actor(ADMIN).name, clock.stamp(MONDAY)) and texts["88"].checked_at is None
    assert told(office, "law_compare")["text"] == "262" and texts.keys() >= law.shipped().keys()
    clean(office)
