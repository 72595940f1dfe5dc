"""The return loop in its parts: what is open, what differs, reasons of the list, gaps told late, opinions that stand, whose desk."""

from __future__ import annotations

import copy
import re
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from states import FLOWS, pointers
from states.language import Field, Group, Rows, blank
from workflow import bundles, clock, demo, differences, dossier, engine, queries, returns
from workflow.errors import Invalid, NeedsUnmet
from workflow.localities import known, load_profile
from workflow.locality_check import examine, return_targets

KINDS = ("visit", "interview")
WORDS = st.sampled_from(["", "a", "b", "Chợ nổi", "XP0000001"])


# --- random dossiers, as far as locks and differences look at them -----------------------------------------------


def value(draw, part):
    """A value of an entry: words, or for a list inside a row rows of its own."""
    if isinstance(part, Field):
        return draw(WORDS)
    return [{"row": f"i{n}", part.fields[0].name: draw(WORDS)} for n in range(draw(st.integers(1, 2)))]


@st.composite
def dossiers(draw, kind, ids=("r1", "r2", "r3", "r4")):
    """Fields of a kind with some entries filled in: plain, grouped, and rows with ids."""
    found = {}
    for item in FLOWS[kind].fields:
        if not draw(st.booleans()):
            continue
        if isinstance(item, Field):
            found[item.name] = draw(WORDS)
        elif isinstance(item, Group):
            found[item.name] = {part.name: value(draw, part) for part in item.fields if draw(st.booleans())}
        else:
            rows = draw(st.lists(st.sampled_from(ids), unique=True, max_size=3))
            found[item.name] = [{"row": row, **{part.name: value(draw, part) for part in item.fields if draw(st.booleans())}} for row in rows]
    return found


@st.composite
def changed(draw, kind, fields):
    """The same dossier with a few changes: an entry, a cell, a row added, dropped, moved."""
    after = copy.deepcopy(fields)
    for _ in range(draw(st.integers(0, 3))):
        item = draw(st.sampled_from(FLOWS[kind].fields))
        if isinstance(item, Field):
            after[item.name] = draw(WORDS)
            continue
        chosen = draw(st.sampled_from(item.fields))
        part = chosen.name
        if isinstance(item, Group):
            after[item.name] = {**after.get(item.name, {}), part: value(draw, chosen)}
            continue
        rows = after.setdefault(item.name, [])
        match draw(st.sampled_from(["cell", "add", "drop", "turn"])):
            case "cell" if rows:
                draw(st.sampled_from(rows))[part] = value(draw, chosen)
            case "drop" if rows:
                rows.remove(draw(st.sampled_from(rows)))
            case "add":
                rows.append({"row": f"new{len(rows)}", part: value(draw, chosen)})
            case "turn":
                rows.reverse()
        if not rows and item.name not in fields:
            del after[item.name]
    return after


def leaves(kind, fields):
    """Every entry by pointer, and of every list the order of its rows: an independent picture of a dossier."""
    found = {}
    for item in FLOWS[kind].fields:
        value, at = fields.get(item.name), f"/{item.name}"
        if isinstance(item, Field):
            found[at] = value
        elif isinstance(item, Group):
            found |= {f"{at}/{part.name}": (value or {}).get(part.name) for part in item.fields}
        else:
            found[f"{at}#"] = [row["row"] for row in value or ()]
            found |= {f"{at}/{row['row']}/{part.name}": row.get(part.name) for row in value or () for part in item.fields}
    return found


def covered(target, leaf):
    """Whether a target opens an entry; the order of the rows of a list is open with the list alone."""
    return leaf in (target, f"{target}#") or leaf.startswith(f"{target}/")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_exactly_what_was_asked_for_is_open(kind, data):
    """Random dossiers, random targets, random changes: refused if and only if an entry changed that no target covers."""
    flow, before = FLOWS[kind], data.draw(dossiers(kind))
    offered = [t.pointer for g in pointers.targets(flow.fields, flow.papers, before) for t in g.targets if t.pointer.startswith("/")]
    targets = frozenset(data.draw(st.lists(st.sampled_from(offered), max_size=4)))
    after = data.draw(changed(kind, before))
    old, new = leaves(kind, before), leaves(kind, after)
    moved = [leaf for leaf in {*old, *new} if old.get(leaf) != new.get(leaf) and not any(covered(target, leaf) for target in targets)]
    # Cells of a row that came or went are told by the order of the rows already.
    closed = {leaf.strip("/").split("/")[0].rstrip("#") for leaf in moved}
    assert set(dossier.locked(targets, before, after)) == closed


def test_one_cell_opens_no_other_of_its_row():
    before = {"crew": [{"row": "a", "name": "X", "passport_no": "1"}, {"row": "b", "name": "Y"}]}
    for target in ("/crew/a/passport_no", "/crew/0/passport_no"):

        def after(**cells):
            return {"crew": [{**before["crew"][0], **cells}, before["crew"][1]]}

        assert dossier.locked(frozenset({target}), before, after(passport_no="2")) == []
        assert dossier.locked(frozenset({target}), before, after(passport_no="2", name="Z")) == ["crew"]
        assert dossier.locked(frozenset({target}), before, {"crew": before["crew"][:1]}) == ["crew"]
        assert dossier.locked(frozenset({target}), before, {"crew": [*before["crew"], {"row": "c"}]}) == ["crew"]
    assert dossier.locked(frozenset({"/crew/a"}), before, {"crew": [{"row": "a", "name": "Z"}, before["crew"][1]]}) == []
    assert dossier.locked(frozenset({"/crew/a"}), before, {"crew": [before["crew"][1]]}) == ["crew"], "a row asked for may not go"


def applied(kind, before, found):
    """A dossier with differences carried out, for the round trip."""
    after = copy.deepcopy(before)
    for one in found:
        steps = one.pointer[1:].split("/")
        item = next(x for x in FLOWS[kind].fields if x.name == steps[0])
        if isinstance(item, Rows):
            rows = after.setdefault(item.name, [])
            if one.kind == differences.MOVED:
                rows.sort(key=lambda row, new=one.new: new.index(row["row"]) if row["row"] in new else len(new))
            elif len(steps) == 3:
                next(row for row in rows if row["row"] == steps[1])[steps[2]] = one.new
            elif one.kind == differences.REMOVED:
                rows[:] = [row for row in rows if row["row"] != steps[1]]
            else:
                rows.append(one.new)
        elif len(steps) == 2:
            after.setdefault(steps[0], {})[steps[1]] = one.new
        else:
            after[steps[0]] = one.new
    return after


def told(kind, fields):
    return {leaf: value for leaf, value in leaves(kind, fields).items() if not blank(value)}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_differences_are_exactly_what_differs(kind, data):
    """Old plus its differences is new, nothing differs from itself, and each named entry does differ."""
    before = data.draw(dossiers(kind))
    after = data.draw(changed(kind, before))
    found = differences.compare(FLOWS[kind].fields, before, after)
    assert differences.compare(FLOWS[kind].fields, before, before) == ()
    got, wanted = told(kind, applied(kind, before, found)), told(kind, after)
    orders = {leaf for leaf in {*got, *wanted} if leaf.endswith("#")}
    assert {k: v for k, v in got.items() if k not in orders} == {k: v for k, v in wanted.items() if k not in orders}
    assert all(set(got.get(leaf, ())) == set(wanted.get(leaf, ())) for leaf in orders)
    assert len({one.pointer for one in found}) == len(found) and all(one.old != one.new for one in found)


def test_a_row_is_the_one_with_the_same_id():
    before = {"crew": [{"row": "a", "name": "X"}, {"row": "b", "name": "Y"}]}
    after = {"crew": [{"row": "b", "name": "Y", "role": "editor"}, {"row": "a", "name": "X"}, {"row": "c", "name": "Z"}]}
    found = {(one.pointer, one.kind) for one in differences.compare(FLOWS["visit"].fields, before, after)}
    assert found == {("/crew/b/role", "added"), ("/crew/c", "added"), ("/crew", "moved")}


# --- reasons of the list -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("locality", known())
def test_every_target_has_a_reason_and_every_reason_a_target(locality):
    """Each can be said of something that can be asked for, rests on a text of the catalogue, and stands in both languages."""
    profile = load_profile(locality)
    keys = set()
    for kind in KINDS:
        flow = FLOWS[kind]
        fields = flow.example(date(2026, 11, 25))
        for name, value in fields.items():
            fields[name] = [{**row, "row": f"r{at}"} for at, row in enumerate(value)] if isinstance(value, list) else value
        for group in pointers.targets(flow.fields, flow.papers, fields):
            for target in group.targets:
                assert returns.reasons_for(profile, flow, target.pointer), target
                keys.add(target.key)
    for reason in profile.returns.values():
        assert any(reason.fits(key) for key in keys), reason.code
        assert reason.text.vi and reason.text.en and len(reason.text.vi) < 400


def test_a_bad_reason_is_refused_when_the_profile_is_loaded():
    own = {"code": "can-tho", "returns": [
        {"code": "odd", "on": ["crew.shoe_size", "paper:nothing"], "basis": "999/1", "text": {"vi": "Sai.", "en": ""}, "standing": "unconfirmed"},
    ]}  # fmt: skip
    said = {(fault.key, fault.text.en) for fault in examine(own, "can-tho.toml")}
    assert ("returns[0].on[0]", "there is no field and no paper “crew.shoe_size” in a dossier") in said
    assert any(key == "returns[0].on[1]" for key, _ in said) and any(key == "returns[0].text.en" for key, _ in said)
    assert any(key == "returns[0].basis" and "covered by no row" in text for key, text in said)
    assert {"crew.passport_no", "crew", "licence.*", "paper:passport", "paper:*", "*"} <= return_targets()


def test_a_code_speaks_of_its_target_and_of_the_whole_around_it():
    profile, flow = load_profile("can-tho"), FLOWS["visit"]
    cell = {reason.code for reason in returns.reasons_for(profile, flow, "/crew/a/passport_no")}
    assert "passport_unreadable" in cell and "crew_incomplete" not in cell and "paper_unreadable" not in cell
    whole = {reason.code for reason in returns.reasons_for(profile, flow, "/crew")}
    assert {"crew_incomplete", "passport_unreadable", "card_expired"} <= whole
    assert "no_signature_or_seal" in {reason.code for reason in returns.reasons_for(profile, flow, "paper:request")}
    assert "no_signature_or_seal" not in {reason.code for reason in returns.reasons_for(profile, flow, "paper:passport")}


@pytest.fixture
def filed(stage):
    """A visit some weeks ahead, so that nothing is urgent."""
    ahead = clock.today() + timedelta(days=40)
    return stage.file("vptt.han", "visit", fields=FLOWS["visit"].example(ahead))


def ask(stage, ref, *items, who="motcua.mai", action="ask_supplement"):
    return stage.act(who, ref, action, items=list(items), respond_by=stage.soon(1))


def test_a_code_fills_what_was_left_empty_and_the_sent_words_are_kept(office, stage, filed):
    own = {"target": "/content", "code": "purpose_unclear", "reason": "Nêu rõ sẽ ghi hình ai."}
    ask(stage, filed, {"target": "/purpose", "code": "purpose_unclear"}, own)
    kept = stage.row(filed)["memory"]["acts"]["ask_supplement"]["given"]["items"]
    reason = office.profile.returns["purpose_unclear"]
    assert kept[0] == {"target": "/purpose", "code": "purpose_unclear", "reason": reason.text.vi, "basis": reason.basis}
    assert kept[1] == {**own, "basis": reason.basis}
    items = queries.read_case(office, stage.actor("vptt.han"), filed)["items"]
    assert items[0]["words"] == reason.text.as_dict() and items[0]["label"] == {"vi": "Mục đích", "en": "Purpose"}
    assert items[1]["words"] == {"vi": own["reason"], "en": own["reason"]}, "an edited sentence is nobody's translation"


@pytest.mark.parametrize(("item", "field"), [
    ({"target": "/purpose", "code": "no_such_reason"}, "items/0/code"),
    ({"target": "/purpose", "code": "passport_unreadable"}, "items/0/code"),
    ({"target": "/purpose", "reason": "Chưa rõ.", "basis": "nowhere/3"}, "items/0/basis"),
    ({"target": "/crew/nobody/passport_no", "reason": "Chưa rõ.", "basis": "262/16(3)"}, "items/0/target"),
    ({"target": "/purpose/x", "reason": "Chưa rõ.", "basis": "262/16(3)"}, "items/0/target"),
    ({"target": "paper:decision_scan", "reason": "Chưa rõ.", "basis": "262/16(3)"}, "items/0/target"),
])  # fmt: skip
def test_a_wrong_item_is_refused_by_field(stage, filed, item, field):
    refused = stage.refused("motcua.mai", filed, "ask_supplement", items=[item], respond_by=stage.soon(1))
    assert isinstance(refused, Invalid) and field in refused.fields


def test_an_item_named_twice_is_refused(stage, filed):
    item = {"target": "/purpose", "code": "purpose_unclear"}
    refused = stage.refused("motcua.mai", filed, "ask_supplement", items=[item, item], respond_by=stage.soon(1))
    assert set(refused.fields) == {"items/1/target"}


def reason_of(refused, code):
    assert isinstance(refused, NeedsUnmet), refused
    return next(reason for reason in refused.reasons if reason.code == code)


def test_an_item_without_its_basis_is_not_sent_and_is_named(stage, filed):
    rows = stage.row(filed)["fields"]["crew"]
    items = [
        {"target": f"/crew/{rows[0]['row']}/passport_no", "reason": "Không đọc được."},
        {"target": "/purpose", "basis": "262/16(3)"},
        {"target": "paper:request", "code": "paper_unreadable"},
    ]
    told = reason_of(stage.refused("motcua.mai", filed, "ask_supplement", items=items, respond_by=stage.soon(1)), "items_given")
    assert "AINO ESIMERKKI – Số hộ chiếu" in told.message.vi and "Purpose" in told.message.en
    assert "Văn bản đề nghị" not in told.message.vi and stage.row(filed)["state"] == "requested"


# --- only so often, early enough, all at once --------------------------------------------------------------------


def test_the_latest_date_to_respond_is_told(office, stage, filed):
    told = reason_of(stage.refused("motcua.mai", filed, "ask_supplement", items=[PURPOSE], respond_by=stage.soon(30)), "respond_by_leaves_time")
    latest = office.deadlines_for(stage.row(filed)).latest_respond_by(stage.row(filed)["clocks"])
    assert f"{clock.local(latest):%H:%M %d/%m/%Y}" in told.message.vi and f"{clock.local(latest):%d/%m/%Y}" in told.message.en
    past = clock.stamp(clock.now() - timedelta(hours=1))
    told = reason_of(stage.refused("motcua.mai", filed, "ask_supplement", items=[PURPOSE], respond_by=past), "respond_by_leaves_time")
    assert "đã qua" in told.message.vi and "passed" in told.message.en


PURPOSE = {"target": "/purpose", "code": "purpose_unclear"}
CONTENT = {"target": "/content", "code": "purpose_unclear"}


def test_a_gap_overlooked_at_first_needs_the_heads_note(stage, filed):
    """F-33: what stood in the file at the first return and was not named then; what was named, or changed since, may be named again."""
    ask(stage, filed, PURPOSE)
    stage.act("vptt.han", filed, "resubmit", note="Mục đích như đã nêu.")
    told = reason_of(stage.refused("motcua.mai", filed, "ask_supplement", items=[PURPOSE, CONTENT], respond_by=stage.soon(1)), "supplement_trips_left")
    assert "Nội dung" in told.message.vi and "Mục đích" not in told.message.vi
    assert set(told.who) == {"head"} and "lãnh đạo phòng" in told.lifted_by.vi.lower()
    stage.act("tp.hoa", filed, "allow_supplement", reason="Sót ở lần đầu.")
    assert ask(stage, filed, PURPOSE, CONTENT) == "supplement_required"


def test_what_was_named_or_came_later_may_be_named_again(stage, filed):
    ask(stage, filed, {"target": "/crew", "code": "crew_incomplete"})
    row = stage.row(filed)
    more = [*row["fields"]["crew"], {"name": "LIISA LISÄ", "role": "producer"}]
    engine.edit_case(stage.office, stage.actor("vptt.han"), filed, {"crew": more}, version=row["version"])
    stage.act("vptt.han", filed, "resubmit")
    added = stage.row(filed)["fields"]["crew"][-1]["row"]
    assert ask(stage, filed, {"target": f"/crew/{added}/passport_no", "code": "passport_unreadable"}) == "supplement_required"


def test_a_third_slip_says_how_often_and_what_opens_it(stage, filed):
    for _ in range(2):
        ask(stage, filed, PURPOSE)
        stage.act("vptt.han", filed, "resubmit", note="Đã nêu.")
    told = reason_of(stage.refused("motcua.mai", filed, "ask_supplement", items=[PURPOSE], respond_by=stage.soon(1)), "supplement_trips_left")
    assert "2 lần" in told.message.vi and "2 times" in told.message.en
    stage.act("tp.hoa", filed, "allow_supplement", reason="Cần thêm một lần.")
    assert ask(stage, filed, PURPOSE) == "supplement_required"


def test_the_mark_of_a_short_value_gives_nothing_away(stage, filed):
    cell = f"/crew/{stage.row(filed)['fields']['crew'][0]['row']}/passport_no"
    ask(stage, filed, {"target": cell, "code": "passport_unreadable"})
    kept = stage.row(filed)["memory"]["asked"][cell]
    assert re.fullmatch(r"\^[a-z2-7]{10}", kept), "keyed, not a bare hash of eight characters"
    told = reason_of(stage.refused("vptt.han", filed, "resubmit"), "items_answered")
    assert "Số hộ chiếu" in told.message.vi and "Passport number" in told.message.en


# --- whose desk it came back to ----------------------------------------------------------------------------------


def mine(office, stage, who, **more):
    return [item["id"] for item in queries.list_cases(office, stage.actor(who), {"inbox": True, "mine": True, "limit": 100, **more})["items"]]


def answered(office, stage, who):
    found = queries.list_cases(office, stage.actor(who), {"inbox": True, "limit": 100})["items"]
    return [item["id"] for item in found if item["applicant_answered"]]


def test_what_was_answered_is_on_top_until_the_officer_acts(office, stage, filed):
    stage.act("motcua.mai", filed, "accept", officer="cv.dung")
    ask(stage, filed, PURPOSE, who="cv.dung", action="ask_clarification")
    assert answered(office, stage, "cv.dung") == []
    stage.act("vptt.han", filed, "clarify", note="Đã rõ.")
    others = stage.file("vptt.han", "visit")
    stage.act("motcua.mai", others, "accept", officer="cv.dung")
    found = mine(office, stage, "cv.dung")
    assert found[0] == filed and others in found and answered(office, stage, "cv.dung") == [filed]
    assert answered(office, stage, "cv.binh") == [], "in nobody else's"
    pages, cursor = [], None
    while True:
        page = queries.list_cases(office, stage.actor("cv.dung"), {"inbox": True, "mine": True, "limit": 1, **({"cursor": cursor} if cursor else {})})
        pages += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert pages == found and len(set(pages)) == len(pages)
    assert queries.read_case(office, stage.actor("cv.dung"), filed)["applicant_answered"]
    assert "applicant_answered" not in queries.read_case(office, stage.actor("vptt.han"), filed)
    stage.act("vptt.han", filed, "record_permit", number="1/GP")
    assert answered(office, stage, "cv.dung") == [filed], "the applicant's own act takes no mark away"
    stage.act("cv.dung", filed, "consult", agencies=["cong_an"], question="Hỏi.", due_at=stage.soon(1))
    assert answered(office, stage, "cv.dung") == []


def test_a_supplement_comes_back_to_who_asked(office, stage, filed):
    ask(stage, filed, PURPOSE)
    stage.act("vptt.han", filed, "resubmit", note="Đã rõ.")
    assert mine(office, stage, "motcua.mai")[0] == filed and answered(office, stage, "motcua.mai") == [filed]
    stage.act("tp.hoa", filed, "accept", officer="cv.binh")
    assert answered(office, stage, "motcua.mai") == answered(office, stage, "cv.binh") == []


def test_the_mark_goes_with_the_case_to_another_officer(office, stage, filed):
    stage.act("motcua.mai", filed, "accept", officer="cv.binh")
    ask(stage, filed, PURPOSE, who="cv.binh", action="ask_clarification")
    stage.act("vptt.han", filed, "clarify", note="Đã rõ.")
    stage.act("tp.hoa", filed, "assign_officer", officer="cv.dung", reason="Nghỉ phép.")
    assert filed in answered(office, stage, "cv.dung") and filed not in answered(office, stage, "cv.binh")


# --- opinions ----------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_only_a_changed_part_that_was_shown_is_asked_about_again(lite, data):
    """Random dossiers, bundles and changes: outdated if and only if what would be shown now is not what was shown."""
    before = data.draw(dossiers("visit"))
    offered = [t.pointer for g in pointers.targets(FLOWS["visit"].fields, (), before) for t in g.targets]
    asked = data.draw(st.lists(st.sampled_from(offered), max_size=3, unique=True))
    agency = data.draw(st.sampled_from(["cong_an", "so_vhttdl"]))
    was, remembered = bundles.shown(lite, {"kind": "visit", "fields": before, "papers": {}, "content_hash": "a"}, asked, agency)
    after = data.draw(changed("visit", before))
    now = dossier.bundle(FLOWS["visit"].fields, after, asked, identity=agency in lite.profile.identity_readers)
    row = {
        "kind": "visit", "fields": after, "papers": {}, "content_hash": "b", "phase": "review", "round": 2,
        "children": [["id", "consultation", "answered", "", False, "{}", clock_json({"shown": remembered}), "CT-C-2026-0001", "org", ""]],
    }  # fmt: skip
    found = bundles.standing(lite, row)["outdated"]
    assert bool(found) == (was != now and not _only_order(was, now))
    assert all(bundles.part_words(FLOWS["visit"], row, part).vi for part in found.get("id", ()))


def clock_json(value):
    import orjson

    return orjson.dumps(value).decode()


def _only_order(was, now):
    """Rows that only changed their order say the same."""

    def sorted_(bundle):
        rowed = lambda v: isinstance(v, list) and v and all(isinstance(r, dict) and r.get("row") for r in v)  # noqa: E731
        return {name: sorted(value, key=lambda row: row["row"]) if rowed(value) else value for name, value in bundle.items() if value != []}

    return sorted_(was) == sorted_(now)


@pytest.fixture
def consulted(stage, filed):
    """Three bodies asked: about everything, about the first row alone, and by what is sent where nothing is chosen; all have answered but one."""
    stage.act("motcua.mai", filed, "accept", officer="cv.binh")
    rows = stage.row(filed)["fields"]["itinerary"]
    for agency, pointers_ in (("cong_an", ["/itinerary", "/crew"]), ("so_vhttdl", [f"/itinerary/{rows[0]['row']}"])):
        stage.act("cv.binh", filed, "consult", agencies=[agency], question="Hỏi.", due_at=stage.soon(1), bundle=pointers_)
    demo.answer_all(stage, filed)
    stage.act("cv.binh", filed, "consult", agencies=["bo_chqs"], question="Hỏi.", due_at=stage.soon(1))
    return filed


def mend(stage, ref, at=1, **cells):
    """The applicant mends one row of the programme that was asked about, and sends the file back."""
    row = stage.row(ref)
    rows = row["fields"]["itinerary"]
    ask(stage, ref, {"target": f"/itinerary/{rows[at]['row']}", "code": "place_unclear"}, who="cv.binh", action="ask_clarification")
    mended = [{**r, **(cells if i == at else {})} for i, r in enumerate(rows)]
    engine.edit_case(stage.office, stage.actor("vptt.han"), ref, {"itinerary": mended}, version=stage.row(ref)["version"])
    stage.act("vptt.han", ref, "clarify")


def opinions(office, stage, ref):
    from workflow.desk import internals

    return internals(office, stage.actor("cv.binh"), ref)["opinions"]


def test_one_changed_row_concerns_exactly_its_bodies(office, stage, consulted):
    mend(stage, consulted, place="Hợp tác xã mới")
    told = {item["agency_code"]: [part["vi"] for part in item["changed"]] for item in opinions(office, stage, consulted)}
    assert [len(told[code]) for code in ("cong_an", "bo_chqs", "so_vhttdl")] == [1, 1, 0] and "Hợp tác xã mới" in told["cong_an"][0]
    refused = stage.refused("cv.binh", consulted, "recommend", **demo.proposal(stage, consulted, "visit"))
    for code in ("routing_settled", "consultations_settled"):
        message = reason_of(refused, code).message
        assert "Công an" in message.vi and "Quân sự" in message.vi and "Văn hóa" not in message.vi, message


def test_an_unanswered_question_is_brought_up_to_date_and_stays_one(office, stage, consulted):
    mend(stage, consulted, place="Hợp tác xã mới")
    before = {stage.row(id_)["fields"]["agency"]: id_ for id_ in stage.children(consulted, "consultation")}
    stage.act("cv.binh", consulted, "consult", agencies=["cong_an", "bo_chqs"], question="Hỏi lại.", due_at=stage.soon(2), bundle=["/itinerary"])
    after = {id_: stage.row(id_) for id_ in stage.children(consulted, "consultation")}
    army, police = after[before["bo_chqs"]], [row for row in after.values() if row["fields"]["agency"] == "cong_an"]
    assert len(after) == 4 and army["state"] == "asked" and army["version"] == 2 and army["fields"]["question"] == "Hỏi lại."
    assert army["fields"]["bundle"]["itinerary"][1]["place"] == "Hợp tác xã mới" and army["due_at"] == stage.row(before["bo_chqs"])["due_at"]
    assert sorted(row["state"] for row in police) == ["answered", "asked"]
    stage.deliver()
    from workflow.audit.verify import verify

    with office.db.read() as connection:
        assert verify(connection).integrity == "clean"
    past = [item for item in opinions(office, stage, consulted) if item["superseded"]]
    assert [item["id"] for item in past] == [before["cong_an"]]
    demo.answer_all(stage, consulted)
    stage.act("cv.binh", consulted, "recommend", **demo.proposal(stage, consulted, "visit"))
    demo.advance_from(stage, consulted, "visit", "pending_decision", "pending_committee", "approved")


def test_the_officer_may_leave_it_with_a_reason_for_this_round_only(stage, consulted):
    demo.answer_all(stage, consulted)
    mend(stage, consulted, place="Hợp tác xã mới")
    left = [{"agency": code, "reason": "Chỉ ghi rõ tên, không đổi địa điểm."} for code in ("cong_an", "bo_chqs")]
    stage.act("cv.binh", consulted, "consult", agencies=[], question="–", due_at=stage.soon(1), dropped=left)
    stage.act("cv.binh", consulted, "recommend", **demo.proposal(stage, consulted, "visit"))
    stage.act("cv.binh", consulted, "recall", reason="Cần làm rõ thêm.")
    mend(stage, consulted, at=1, place="Nơi khác hẳn")
    refused = stage.refused("cv.binh", consulted, "recommend", **demo.proposal(stage, consulted, "visit"))
    assert "Công an" in reason_of(refused, "routing_settled").message.vi


def test_what_nobody_was_shown_disturbs_no_opinion(office, stage, consulted):
    """A telephone number mended, a paper replaced: every opinion stands."""
    demo.answer_all(stage, consulted)
    ask(stage, consulted, {"target": "/contact/phone", "code": "contact_unreachable"}, {"target": "paper:request", "code": "paper_unreadable"},
        who="cv.binh", action="ask_clarification")  # fmt: skip
    contact = {**stage.row(consulted)["fields"]["contact"], "phone": "+84 24 1111 1111"}
    engine.edit_case(office, stage.actor("vptt.han"), consulted, {"contact": contact}, version=stage.row(consulted)["version"])
    stage.attach("vptt.han", consulted, "request")
    stage.act("vptt.han", consulted, "clarify")
    assert not [item for item in opinions(office, stage, consulted) if item["changed"]]
    stage.act("cv.binh", consulted, "recommend", **demo.proposal(stage, consulted, "visit"))


def test_a_body_is_not_asked_twice_where_nothing_changed(stage, consulted):
    refused = stage.refused("cv.binh", consulted, "consult", agencies=["bo_chqs"], question="Hỏi.", due_at=stage.soon(1))
    assert reason_of(refused, "agency_not_open")


def test_a_lapsed_question_may_be_put_again_when_the_file_changed(stage, consulted):
    army = next(id_ for id_ in stage.children(consulted, "consultation", "asked"))
    with clock.at(clock.now() + timedelta(days=3)):
        stage.act("cv.binh", army, "lapse")
        mend(stage, consulted, place="Hợp tác xã mới")
        stage.act("cv.binh", consulted, "consult", agencies=["bo_chqs", "cong_an"], question="Hỏi lại.", due_at=stage.soon(1))
        demo.answer_all(stage, consulted)
        stage.act("cv.binh", consulted, "recommend", **demo.proposal(stage, consulted, "visit"))
        demo.advance_from(stage, consulted, "visit", "pending_decision", "pending_committee", "approved")


def test_a_moved_day_after_the_approval_asks_nobody_again(office, stage, consulted):
    demo.answer_all(stage, consulted)
    demo.advance_from(stage, consulted, "visit", "pending_endorsement", "pending_decision", "pending_committee", "approved")
    rows = stage.row(consulted)["fields"]["itinerary"]
    later = (date.fromisoformat(rows[0]["on"]) + timedelta(days=1)).isoformat()
    stage.act("gd.khanh", consulted, "postpone", reason="Mưa bão.", dates=[{"row": rows[0]["row"], "on": later}])
    assert not [item for item in opinions(office, stage, consulted) if item["changed"]]
