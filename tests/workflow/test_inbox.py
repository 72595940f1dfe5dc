"""Whose inbox a case is in: letters with those who may sign them, suspensions with those who may end them, numbers found first."""

from __future__ import annotations

import pytest

from states.kinds.letter import LETTERS
from workflow import demo, engine, notices, queries, store
from workflow.deadlines import NEVER


@pytest.fixture(scope="module")
def asked(office, stage):
    """A visit of which two bodies are asked: the police by account, another on paper."""
    ref = stage.file("vptt.han", "visit")
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    on_paper = next(o.code for o in office.organisations.values() if o.kind == "consulted" and not o.has_account)
    stage.act("cv.binh", ref, "consult", agencies=["cong_an", on_paper], question="Đề nghị cho ý kiến.", due_at=stage.soon())
    stage.deliver()
    return ref


def inbox(office, stage, who, **filters):
    found = queries.list_cases(office, stage.actor(who), {"inbox": True, "limit": 100, **filters})["items"]
    return {item["id"]: item for item in found}


def letters_of(stage, ref):
    """Ids of the letters of a case by type; of several the last."""
    return {stage.row(id_)["fields"]["letter"]: id_ for id_ in stage.children(ref, "letter")}


def choice(office, stage, who, ref, name):
    return next(a for a in queries.choices(office, stage.actor(who), ref) if a["name"] == name)


def main_of(office, stage, who, ref):
    main, _ = queries.main_first(queries.choices(office, stage.actor(who), ref))
    return main and main["name"]


def test_a_letter_carries_its_type_in_its_row(stage, asked):
    for name, id_ in letters_of(stage, asked).items():
        assert stage.row(id_)["category"] == name


def test_a_draft_waits_for_those_who_may_sign_it(office, stage, asked):
    receipt = letters_of(stage, asked)["receipt"]
    for who in ("motcua.mai", "tp.hoa"):
        item = inbox(office, stage, who)[receipt]
        assert item["main_action"]["name"] == "sign" and [w["role"] for w in item["waits_for"]] == list(LETTERS["receipt"].signers)
    for who in ("cv.binh", "gd.khanh", "ubnd.minh", "vt.van"):
        assert receipt not in inbox(office, stage, who), who
    assert receipt in inbox(office, stage, "motcua.mai", mine=True) and receipt not in inbox(office, stage, "tp.hoa", mine=True)


@pytest.mark.parametrize("who", ["motcua.mai", "cv.binh", "tp.hoa", "gd.khanh", "ubnd.minh", "vpub.nga"])
def test_whoever_has_a_draft_in_the_inbox_may_sign_it(office, stage, asked, who):
    for id_, item in inbox(office, stage, who).items():
        if item["kind"] == "letter" and item["state"] == "drafted":
            assert {m.role for m in stage.actor(who).memberships} & set(LETTERS[stage.row(id_)["category"]].signers)


def test_a_sealed_letter_waits_for_the_registry_and_keeps_the_case_open(office, stage):
    """The contract counts every letter not yet issued, the printed form of a question asked by account too."""
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "reported")
    stage.letters(ref)
    approved = stage.file("vptt.han", "visit")
    demo.advance(stage, approved, "visit", "consulted")
    stage.deliver()
    sheet = next(i for i in stage.children(approved, "letter", "sealed") if stage.row(i)["category"] == "consult")
    assert stage.row(sheet)["due_at"] < NEVER and sheet in inbox(office, stage, "vt.van")
    opened = engine.open_case(office, stage.actor("vt.van"), "letter", {}, parent=ref, letter="guide").case_id
    stage.act("tp.hoa", opened, "sign")
    assert "no_open_child" in {r["code"] for r in choice(office, stage, "ptp.ngoc", ref, "close")["reasons"]}
    stage.act("vt.van", opened, "issue", number="77/SNgV")
    assert stage.act("ptp.ngoc", ref, "close") == "closed"


def test_a_reply_is_due_with_the_clock_it_stops(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "approved")
    stage.deliver()
    approval = letters_of(stage, ref)["approval"]
    row = stage.row(ref)
    usual = office.deadlines.after(demo.clock.moment(stage.row(approval)["created_at"]), "T21")
    assert stage.row(approval)["due_at"] == min(usual, row["clocks"]["statutory_due"])
    assert approval in inbox(office, stage, "vt.van")


def test_a_draft_opened_before_types_were_kept_is_in_somebodys_inbox(office, stage, asked, monkeypatch):
    """No letter may drop out of every inbox because its row was written by an earlier release."""
    written = store.write

    def untyped(connection, change):
        for row in change.rows.get("cases", ()):
            row[store.CASE.index("category")] = None
        return written(connection, change)

    monkeypatch.setattr(store, "write", untyped)
    old = engine.open_case(office, stage.actor("vt.van"), "letter", {}, parent=asked, letter="receipt").case_id
    monkeypatch.undo()
    assert stage.row(old)["category"] is None
    for who in ("cv.binh", "tp.hoa", "gd.khanh"):
        assert old in inbox(office, stage, who), who


def test_a_suspension_by_others_waits_for_who_records_its_end(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "accompanied", guide="hd.uyen")
    guide = demo._guide(stage, ref)
    until = stage.soon(1)
    stage.act(guide, ref, "record_suspension", imposed_by="border_guard", reason="Khu vực biên giới.", to=until)
    assert stage.row(ref)["due_at"] == until
    for who in ("gd.khanh", "ubnd.minh"):
        assert ref not in inbox(office, stage, who), who
    for who in (guide, "cv.binh"):
        assert inbox(office, stage, who)[ref]["main_action"]["name"] == "record_resumption", who
    listed = {i["id"]: i for i in queries.list_cases(office, stage.actor("gd.khanh"), {"state": "suspended"})["items"]}
    assert [w["role"] for w in listed[ref]["waits_for"]] == ["guide", "officer"]
    assert [w["role"] for w in queries.read_case(office, stage.actor("gd.khanh"), ref)["waits_for"]] == ["guide", "officer"]
    assert choice(office, stage, "gd.khanh", ref, "resume")["allowed"] is False


def test_what_an_approval_lacks_is_told_before_anything_is_typed(office, stage):
    ref = stage.file("vptt.han", "visit")
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    recommend = choice(office, stage, "cv.binh", ref, "recommend")
    assert recommend["allowed"] and recommend["hints"][0]["code"] == "routing_settled"
    assert main_of(office, stage, "cv.binh", ref) == "consult"
    demo.advance_from(stage, ref, "visit", "consulted")
    assert main_of(office, stage, "cv.binh", ref) == "recommend"
    assert choice(office, stage, "cv.binh", ref, "recommend")["hints"] == []
    assert choice(office, stage, "cv.binh", ref, "consult")["hints"][0]["code"] == "somebody_to_ask"


def test_a_refusal_may_be_proposed_before_anybody_was_asked(office, stage):
    ref = stage.file("vptt.han", "visit")
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    assert stage.act("cv.binh", ref, "recommend", **demo.proposal(stage, ref, "visit", "reject")) == "pending_endorsement"


def test_neither_danger_nor_a_way_back_is_the_main_button(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "approved")
    assert choice(office, stage, "ubnd.minh", ref, "call_off")["allowed"] and main_of(office, stage, "ubnd.minh", ref) is None
    demo.advance_from(stage, ref, "visit", "guided", "accompanied", "reported")
    assert choice(office, stage, "tp.hoa", ref, "return_report")["allowed"] and not choice(office, stage, "tp.hoa", ref, "close")["allowed"]
    assert main_of(office, stage, "tp.hoa", ref) is None


def test_what_the_nature_of_a_case_closes_is_marked_quiet(office, stage, asked):
    typing = choice(office, stage, "cv.binh", asked, "correct_typing")
    assert typing["quiet"] and typing["reasons"][0]["code"] == "keyed_in_by_us"
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "approved")
    assert choice(office, stage, "cv.binh", ref, "conclude")["quiet"] and choice(office, stage, "vptt.han", ref, "hear")["quiet"]
    assert not choice(office, stage, "cv.binh", ref, "start")["quiet"]


def test_an_upload_is_recorded_as_one_and_makes_an_author(office, stage):
    ref = stage.file("vptt.han", "visit", submit=False)
    told = [e["action"] for e in queries.history(office, stage.actor("vptt.han"), ref)]
    assert told == ["open", "attach"]
    assert stage.row(ref)["memory"]["duties"]["edit"] == [stage.actor("vptt.han").id]
    engine.edit_case(office, stage.actor("vptt.han"), ref, {"purpose": "Phóng sự."}, version=stage.row(ref)["version"])
    assert [e["action"] for e in queries.history(office, stage.actor("vptt.han"), ref)][-1] == "edit"


def test_a_number_finds_its_case_first_on_every_page(office, stage, asked):
    code, found, cursor = stage.row(asked)["code"], [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = queries.list_cases(office, stage.actor("cv.binh"), {"q": code.lower(), "limit": 2, **more})
        found += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert found[0]["code"] == code and len({item["id"] for item in found}) == len(found) >= 4
    letter = stage.row(letters_of(stage, asked)["receipt"])["code"]
    assert queries.list_cases(office, stage.actor("cv.binh"), {"q": letter})["items"][0]["code"] == letter


def test_a_forged_place_in_a_search_is_refused(office, stage, asked):
    with pytest.raises(queries.Invalid):
        queries.list_cases(office, stage.actor("cv.binh"), {"q": stage.row(asked)["code"], "cursor": queries.encode_cursor("1) OR (1 x", "y")})


def test_outside_one_reads_whom_a_case_waits_for(office, stage, asked):
    def words(who, ref):
        return next(i for i in queries.list_cases(office, stage.actor(who), {"limit": 100})["items"] if i["id"] == ref)["waits_unit"]["vi"]

    assert words("vptt.han", asked) == "Sở Ngoại vụ"
    draft = stage.file("vptt.han", "visit", submit=False)
    assert words("vptt.han", draft) == "Quý cơ quan"
    police = next(c for c in stage.children(asked, "consultation") if stage.row(c)["fields"]["agency"] == "cong_an")
    assert words("ca.phuc", police) == "Quý cơ quan"


def test_unread_notices_are_counted_with_the_inbox(office, stage, asked):
    actor = stage.actor("motcua.mai")
    unread = [n for n in notices.of_person(office, actor, 1000) if not n["read_at"]]
    assert queries.inbox_counts(office, actor)["notices"] == len(unread) > 0
    queries.mark_notices_read(office, actor)
    assert queries.inbox_counts(office, actor)["notices"] == 0
