"""The warning before anybody is stuck: which steps nobody is left for, agreed with brute force and with a second telling of the rules."""

from __future__ import annotations

import itertools

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from states import FLOWS
from tests.law import ruled
from workflow import demo, doctor, engine, store, users
from workflow.authority import Actor, Mandate, Membership
from workflow.desk import stuck_on
from workflow.remaining import Roster, assign, lacking, paths

# --- the matcher against brute force -------------------------------------------------------------------------

PERSONS = "abcde"
WAY = st.frozensets(st.sampled_from(PERSONS), min_size=1, max_size=2)


@settings(max_examples=300, deadline=None)
@given(ways=st.lists(st.lists(WAY, max_size=4), min_size=1, max_size=5), apart=st.frozensets(st.tuples(st.integers(0, 4), st.integers(0, 4))))
def test_the_matcher_agrees_with_brute_force(ways, apart):
    def separate(i, j):
        return i < j and (i, j) in apart

    def fits(chosen):
        return all(not (separate(i, j) and chosen[i] & chosen[j]) for i, j in itertools.combinations(range(len(chosen)), 2))

    found = assign(ways, separate)
    assert (found is not None) == any(fits(chosen) for chosen in itertools.product(*ways))
    if found is not None:
        assert fits(found) and all(way in offered for way, offered in zip(found, ways, strict=True))


@settings(max_examples=200, deadline=None)
@given(ways=st.lists(st.lists(WAY, max_size=4), min_size=1, max_size=4))
def test_all_apart_is_a_choice_of_different_people(ways):
    found = assign(ways, lambda i, j: True)
    assert (found is not None) == any(sum(map(len, chosen)) == len(frozenset().union(*chosen)) for chosen in itertools.product(*ways))


# --- random small offices against the rules told a second time -----------------------------------------------

# Who is kept from a step, in plain sets: the acts of the round that exclude a person from it (security, section 3.4).
KEEPS = {
    "recommend": {"open", "submit", "answer", "endorse", "refer_up", "forward"},
    "endorse": {"open", "submit", "answer", "recommend", "refer_up", "forward"},
    "refer_up": {"open", "submit", "answer", "recommend", "endorse"},
    "forward": {"open", "submit", "answer", "recommend", "endorse"},
    "approve": {"open", "submit", "answer", "recommend", "endorse", "refer_up", "forward"},
    "accept_interview": {"open", "submit", "answer", "recommend", "endorse", "refer_up", "forward"},
    "enter_paper_decision": set(),
    "confirm_paper_approval": {"enter_paper_decision"},
    "confirm_paper_acceptance": {"enter_paper_decision"},
    "close": {"file_report"},
    "file_report": set(),
}
HOLD = {
    "recommend": ("officer",), "endorse": ("head", "director"), "refer_up": ("director",), "forward": ("director",), "approve": ("committee",),
    "accept_interview": ("leader_office",), "enter_paper_decision": ("registry", "officer"), "confirm_paper_approval": ("registry", "officer", "head"),
    "confirm_paper_acceptance": ("registry", "officer", "head"), "close": ("head", "director"), "file_report": ("guide", "officer"),
}  # fmt: skip


@pytest.fixture(scope="module")
def examples(lite):
    """One stored case of each kind in each state that is walked."""
    stage, found = demo.Stage(lite), {}
    for kind, last in (("visit", "pending_committee"), ("interview", "pending_interviewee")):
        for state in ("under_review", "pending_endorsement", "pending_decision", last, "reported"):
            ref = stage.file("vptt.han", kind)
            if state == "reported":
                from tests.oracle.builder import build

                ref = build(stage, kind, "reported").ref
            else:
                demo.advance(stage, ref, kind, "consulted" if state == "under_review" else state)
            found[kind, state] = stage.row(ref)
    return found


def member(name, roles, office_id):
    org = {"committee": "o-ubnd", "leader_office": office_id}
    return Actor(name, name, f"Người {name}", "vi", 1, tuple(Membership(org.get(r, "o-so"), r, "x", r, False) for r in roles))


ROLES = ["officer", "head", "director", "committee", "leader_office", "registry", "guide"]
SMALL = st.dictionaries(st.sampled_from("abcdef"), st.frozensets(st.sampled_from(ROLES), min_size=1, max_size=3), min_size=1, max_size=6)
# An office with somebody for everything: chance alone makes one in which a case can go on too seldom.
FULL = {name: frozenset({role}) for name, role in zip("abcde", ROLES, strict=False)} | {"f": frozenset({"registry", "guide"})}
DONE = st.dictionaries(
    st.sampled_from(["open", "submit", "answer_", "recommend", "endorse", "refer_up", "forward"]),
    st.frozensets(st.sampled_from("abcdef"), max_size=2),
    max_size=4,
)


@pytest.mark.parametrize("level", ["committee", "department"])
@pytest.mark.parametrize(("kind", "state"), [(k, s) for k, end in (("visit", "pending_committee"), ("interview", "pending_interviewee")) for s in ("under_review", "pending_endorsement", "pending_decision", end, "reported")])  # fmt: skip  # noqa: E501
def test_random_small_offices_agree_with_the_rules_told_again(lite, examples, kind, state, level):
    outcomes: set[bool] = set()
    with ruled(lite, "decision_level", level):

        @settings(max_examples=40, deadline=None)
        @given(people=SMALL, done=DONE, recused=st.frozensets(st.sampled_from("abcdef"), max_size=2), officer=st.sampled_from("abcdef"),
               reporter=st.sampled_from("abcdef"))  # fmt: skip
        @example(people=FULL, done={}, recused=frozenset(), officer="a", reporter="f")
        def check(people, done, recused, officer, reporter):
            stored = examples[kind, state]
            duties = {name: sorted(whom) for name, whom in done.items() if name != "answer_" and whom}
            acts = {n: a for n, a in stored["memory"]["acts"].items() if n != "enter_paper_decision"}
            if state == "reported":
                acts["file_report"] = {**acts["file_report"], "by": [reporter]}
            row = {**stored, "officer_id": officer, "guide_id": officer, "children": [],
                   "memory": {**stored["memory"], "duties": duties, "recused": sorted(recused), "acts": acts}}  # fmt: skip
            roster = Roster({name: member(name, sorted(roles), row["office_id"]) for name, roles in people.items()})
            told = lacking(lite, roster, row)
            outcomes.add(bool(told))
            assert bool(told) == (not possible(people, row, level, reporter)), [s.step.action for s in told]

        check()
    assert True in outcomes and (False in outcomes or state == "under_review")


def possible(people, row, level, reporter):
    """Whether some choice of persons takes the case to its end, tried one by one."""
    before = {name: set(whom) for name, whom in row["memory"]["duties"].items()}
    if row["state"] == "reported":
        before["file_report"] = {reporter}
    return any(_walks(people, row, [step.action for step in path], before) for path in ways(row, level))


def ways(row, level):
    """The paths by name, told again for those that the level allows; without delegations the Department signs at its own level only."""
    found = paths(FLOWS[row["kind"]], row, level)
    return [
        path
        for path in found
        if not (level == "committee" and row["kind"] == "visit" and [s.source for s in path if s.action == "approve"] == ["pending_decision"])
    ]


def _walks(people, row, actions, before):
    at_department = "refer_up" not in actions and row["state"] not in ("pending_committee", "pending_interviewee")
    offered = [[p for p, roles in people.items() if _holds(p, roles, action, row, at_department) and p not in row["memory"]["recused"]] for action in actions]
    for chosen in itertools.product(*offered):
        done = {name: set(whom) for name, whom in before.items()}
        for action, person in zip(actions, chosen, strict=True):
            if any(person in done.get(name, ()) for name in KEEPS[action]):
                break
            done.setdefault(action, set()).add(person)
        else:
            return True
    return False


def _holds(person, roles, action, row, at_department):
    wanted = ("director",) if action == "approve" and at_department else HOLD[action]
    return any(role in roles and (role not in ("officer", "guide") or row["officer_id"] == person) for role in wanted)


# --- what a page, the doctor and the command say -------------------------------------------------------------


def hold(office, stage, **active):
    """Open or close accounts, by the name with _ for its dot."""

    def work(connection):
        for name, yes in active.items():
            store.execute(connection, "UPDATE users SET active = :yes WHERE username = :name", yes=yes, name=name.replace("_", "."))

    office.db.transact(work)
    office.forget()
    stage.actors.clear()


def told(office, stage, ref, reader="tp.hoa"):
    return [text.vi for text in stuck_on(office, stage.actor(reader), ref)]


def test_one_director_cannot_endorse_and_refer(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_endorsement")
    assert told(office, stage, ref) == []
    hold(office, stage, tp_hoa=False, ptp_ngoc=False, pgd_linh=False)
    try:
        sentences = told(office, stage, ref, "gd.khanh")
        assert any("“Đồng ý, trình lãnh đạo Sở”" in s and "“Trình UBND”" in s and "chỉ còn Phạm Thử Khánh" in s for s in sentences), sentences
        assert any(stage.row(ref)["code"] in text.vi and "different people" in text.en for text in doctor.examine(office))
    finally:
        hold(office, stage, tp_hoa=True, ptp_ngoc=True, pgd_linh=True)
    assert told(office, stage, ref) == []


def test_a_recusal_that_leaves_nobody_is_told_to_the_heads_at_once(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_decision")
    engine.recuse(office, stage.actor("gd.khanh"), ref, "Người quen.")
    assert told(office, stage, ref) == []
    engine.recuse(office, stage.actor("pgd.linh"), ref, "Người quen.")
    (sentence,) = told(office, stage, ref)
    assert all(part in sentence for part in ("“Trình UBND”", "Phạm Thử Khánh đã xin không xử lý", "Hoàng Thử Linh đã xin không xử lý", "UBND bổ nhiệm"))
    with office.db.read() as connection:
        code = stage.row(ref)["code"]
        assert code in {row["code"] for row, _ in doctor.stuck_cases(office, connection)}
        posted = store.query(connection, "SELECT payload FROM outbox WHERE case_id = :id AND kind = 'mail' AND name = 'stuck'", id=ref)
    assert [p for p in posted if orjson.loads(p["payload"])["action"] == "recuse"]


def test_the_assigned_officer_barred_names_who_else_could(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "consulted")
    engine.recuse(office, stage.actor("cv.binh"), ref, "Người quen.")
    (sentence,) = told(office, stage, ref)
    assert "“Trình lãnh đạo phòng”" in sentence and "giao chuyên viên khác" in sentence and "Hồ Thử Dung" in sentence
    stage.act("tp.hoa", ref, "assign_officer", officer="cv.dung", reason="Người trước có liên quan.")
    assert told(office, stage, ref) == []


def test_a_role_that_falls_away_is_told_with_the_cases_concerned(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_endorsement")
    code = stage.row(ref)["code"]
    hold(office, stage, gd_khanh=False, pgd_linh=False)
    try:
        assert any(s.startswith(f"Hồ sơ {code}, bước “Trình UBND”: Không ai giữ vai trò") for s in told(office, stage, ref))
        assert any(code in text.vi for text in doctor.warnings(office))
    finally:
        hold(office, stage, gd_khanh=True, pgd_linh=True)
    hold(office, stage, tp_hoa=False, ptp_ngoc=False, gd_khanh=False, pgd_linh=False)
    try:
        sentences = told(office, stage, ref, "cv.binh")
        assert len(sentences) == len(set(sentences)) and sum("Không ai giữ vai trò Lãnh đạo phòng" in s for s in sentences) == 1
    finally:
        hold(office, stage, tp_hoa=True, ptp_ngoc=True, gd_khanh=True, pgd_linh=True)


def test_whoever_reports_does_not_close(office, stage):
    from tests.oracle.builder import build

    ref = build(stage, "visit", "reported").ref
    hold(office, stage, ptp_ngoc=False, gd_khanh=False, pgd_linh=False)
    try:
        assert told(office, stage, ref) == []
        engine.recuse(office, stage.actor("tp.hoa"), ref, "Người quen.")
        assert any(f"“{FLOWS['visit'].actions['close'][0].label.vi}”" in s for s in told(office, stage, ref))
    finally:
        hold(office, stage, ptp_ngoc=True, gd_khanh=True, pgd_linh=True)


def test_a_paper_that_was_entered_waits_for_a_second_person(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_committee")
    hold(office, stage, ubnd_minh=False, ubnd_quang=False, tp_hoa=False, ptp_ngoc=False)
    try:
        assert not any("Xác nhận" in s for s in told(office, stage, ref, "gd.khanh"))
        engine.recuse(office, stage.actor("cv.binh"), ref, "Người quen.")
        sentences = told(office, stage, ref, "gd.khanh")
        assert sentences, "registry alone cannot enter and confirm"
    finally:
        hold(office, stage, ubnd_minh=True, ubnd_quang=True, tp_hoa=True, ptp_ngoc=True)


def test_a_written_delegation_of_the_committee_is_a_way_on(office, stage):
    """Nobody of the Committee acts, no registry enters papers: the director goes on only with a paper."""
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_decision")
    row = stage.row(ref)
    with office.db.read() as connection:
        office.refresh(connection)
        whole = Roster.read(connection)
    few = {i: a for i, a in whole.people.items() if a.username in ("gd.khanh", "cv.binh")}
    assert [s.step.action for s in lacking(office, Roster(few), row)] == ["approve"]
    principal = stage.actor("ubnd.minh")
    paper = Mandate("m", principal, frozenset({"approve"}), frozenset(), "TUQ", "1", "2000-01-01", "2100-01-01")
    director = stage.actor("gd.khanh")
    assert lacking(office, Roster(few, [(director, paper)]), row) == []
    by_order = Mandate("m", principal, frozenset({"approve"}), frozenset(), "TL", "1", "2000-01-01", "2100-01-01")
    assert lacking(office, Roster(few, [(director, by_order)]), row) != []
    barred = {**row, "memory": {**row["memory"], "recused": [principal.id]}}
    assert lacking(office, Roster(few, [(director, paper)]), barred) != []


def test_taking_people_away_reports_the_cases_it_leaves_stuck(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_decision")
    code = stage.row(ref)["code"]
    before = doctor.warnings(office)
    sngv = office.organisations["sngv"].id
    linh = stage.actor("pgd.linh").id
    engine.recuse(office, stage.actor("gd.khanh"), ref, "Người quen.")
    assert not any(code in text.vi for text in doctor.warnings(office))
    assert office.db.transact(lambda c: users.end_membership(c, linh, sngv, "director"))
    try:
        new = [text for text in doctor.warnings(office) if text not in before]
        assert any(code in text.vi and "“Trình UBND”" in text.vi for text in new)
        assert not office.db.transact(lambda c: users.end_membership(c, linh, sngv, "director"))
    finally:
        office.db.transact(lambda c: users.grant(c, linh, sngv, "director"))
        stage.actors.clear()
