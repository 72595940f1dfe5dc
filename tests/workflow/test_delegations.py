"""Acting in another's name: only under a paper in force, only what it names, with the duties of both persons, and both in the record."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from states import FLOWS, Act, Facts, refusals
from tests.oracle.builder import build
from workflow import clock, delegations, demo, engine, queries, store, users
from workflow.audit.verify import verify
from workflow.authority import LENDERS
from workflow.desk import internals
from workflow.errors import Conflict, Invalid, NeedsUnmet, NotFound, RoleRefused, WorkflowError


def fresh(stage, *names):
    """A start or an end dates the rights of both sides anew: whoever acts next signs in again."""
    for name in names:
        stage.actors.pop(name, None)
    return [stage.actor(name) for name in names]


def paper(principal, delegate, *actions, form="TUQ", kinds=(), since=0, until=30, **changed):
    day = clock.today()
    return {
        "principal": principal, "delegate": delegate, "actions": list(actions), "kinds": list(kinds), "form": form,
        "from": (day + timedelta(days=since)).isoformat(), "to": (day + timedelta(days=until)).isoformat(), "paper_no": "12/UQ", "paper_on": day.isoformat(),
        **changed,
    }  # fmt: skip


def lend(office, stage, principal, delegate, *actions, confirm="qt.yen", **rest):
    """A delegation in force, entered by the principal and confirmed by the administrator."""
    id_ = delegations.enter(office, fresh(stage, principal)[0], paper(principal, delegate, *actions, **rest))
    if confirm:
        delegations.confirm(office, fresh(stage, confirm)[0], id_)
    fresh(stage, principal, delegate)
    return id_


def end(office, stage, who, id_):
    delegations.end(office, fresh(stage, who)[0], id_)
    stage.actors.clear()


def press(stage, who, ref, action, id_, **given):
    """Take an action in another's name on the current version."""
    row = stage.row(ref)
    if "seen" in {i.name for s in FLOWS[row["kind"]].actions[action] for i in s.inputs}:
        given.setdefault("seen", queries.read_case(stage.office, stage.actor(who), ref)["decision_hash"])
    return engine.perform(stage.office, stage.actor(who), ref, action, given, version=row["version"], beside={"acting_for": id_})


def choice(stage, who, ref, action):
    return next((c for c in queries.choices(stage.office, stage.actor(who), ref) if c["name"] == action), None)


def at_decision(stage, kind="visit"):
    ref = stage.file("vptt.han", kind)
    demo.advance(stage, ref, kind, "pending_decision")
    return ref


# --- entering ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("changed", "field"), [
    ({"delegate": "ai.do"}, "delegate"), ({"delegate": "ubnd.minh"}, "delegate"), ({"actions": ["fly"]}, "actions"), ({"actions": []}, "actions"),
    ({"actions": ["endorse"]}, "actions"), ({"actions": ["approve", "recommend"]}, "actions"), ({"actions": ["approve"], "kinds": ["consultation"]}, "actions"),
    ({"kinds": ["party"]}, "kinds"), ({"form": "KT"}, "form"), ({"until": -1, "since": -9}, "to"), ({"until": 2, "since": 5}, "to"), ({"until": 400}, "to"),
    ({"paper_no": ""}, "paper_no"), ({"paper_on": None}, "paper_on"), ({"paper_on": (clock.today() + timedelta(days=1)).isoformat()}, "paper_on"),
    ({"delegate": "vptt.han"}, "delegate"), ({"delegate": "ktr.xuan"}, "delegate"), ({"delegate": "qt.yen"}, "delegate"), ({"delegate": "ca.phuc"}, "delegate"),
    ({"since": "soon"}, "from"),
])  # fmt: skip
def test_a_bad_paper_is_refused_by_field(office, stage, changed, field):
    since, until = changed.get("since", 0), changed.get("until", 30)
    asked = paper("ubnd.minh", "gd.khanh", "approve", since=0 if isinstance(since, str) else since, until=until)
    asked |= {name: value for name, value in changed.items() if name not in ("since", "until")}
    if isinstance(since, str):
        asked["from"] = since
    with pytest.raises(Invalid) as caught:
        delegations.enter(office, stage.actor("ubnd.minh"), asked)
    assert list(caught.value.fields) == [field]
    assert all(text.vi and text.en for texts in caught.value.fields.values() for text in texts)


def test_only_the_holder_of_an_authority_or_an_administrator_enters(office, stage):
    with pytest.raises(RoleRefused):
        delegations.enter(office, stage.actor("gd.khanh"), paper("ubnd.minh", "gd.khanh", "approve"))
    for who in ("cv.binh", "motcua.mai", "vpub.nga", "vptt.han"):
        with pytest.raises(Invalid) as caught:
            delegations.enter(office, stage.actor(who), paper(who, "cv.dung", "recommend"))
        assert list(caught.value.fields) == ["principal"], who
    with pytest.raises(Invalid) as caught:
        delegations.enter(office, stage.actor("qt.yen"), paper("no.body", "gd.khanh", "approve"))
    assert list(caught.value.fields) == ["principal"]


def test_a_second_person_confirms(office, stage):
    id_ = delegations.enter(office, stage.actor("ubnd.minh"), paper("ubnd.minh", "gd.khanh", "approve"))
    for who in ("ubnd.minh", "gd.khanh"):
        with pytest.raises(NeedsUnmet) as caught:
            delegations.confirm(office, stage.actor(who), id_)
        assert [r.code for r in caught.value.reasons] == ["second_person"]
    with pytest.raises(RoleRefused):
        delegations.confirm(office, stage.actor("ktr.xuan"), id_)
    for stranger in ("tp.hoa", "vptt.han"):
        with pytest.raises(NotFound):
            delegations.confirm(office, stage.actor(stranger), id_)
    before = [store_epoch(office, name) for name in ("ubnd.minh", "gd.khanh", "pgd.linh")]
    delegations.confirm(office, stage.actor("pgd.linh"), id_)
    assert [store_epoch(office, name) for name in ("ubnd.minh", "gd.khanh", "pgd.linh")] == [before[0] + 1, before[1] + 1, before[2]]
    stage.actors.clear()
    with pytest.raises(Conflict) as again:
        delegations.confirm(office, stage.actor("qt.yen"), id_)
    assert again.value.code == "state"
    end(office, stage, "ubnd.minh", id_)
    with pytest.raises(Conflict):
        delegations.confirm(office, stage.actor("qt.yen"), id_)
    by_admin = delegations.enter(office, stage.actor("qt.yen"), paper("ubnd.minh", "gd.khanh", "approve"))
    with pytest.raises(NeedsUnmet):
        delegations.confirm(office, stage.actor("qt.yen"), by_admin)
    delegations.confirm(office, stage.actor("ubnd.minh"), by_admin)
    stage.actors.clear()
    end(office, stage, "gd.khanh", by_admin)
    delegations.end(office, stage.actor("gd.khanh"), by_admin)  # a second end changes nothing
    with office.db.read() as connection:
        told = [r["action"] for r in store.query(connection, "SELECT action FROM audit_entry WHERE stream = 'system' ORDER BY seq DESC LIMIT 6")]
        assert verify(connection).findings == []
    assert told == ["end_delegation", "confirm_delegation", "enter_delegation", "end_delegation", "confirm_delegation", "enter_delegation"]


def store_epoch(office, username):
    with office.db.read() as connection:
        return store.query(connection, "SELECT epoch FROM users WHERE username = :name", name=username)[0]["epoch"]


# --- acting --------------------------------------------------------------------------------------------------


def test_the_department_signs_for_the_committee_only_under_a_paper(office, stage):
    ref = at_decision(stage)
    assert {r.code for r in stage.refused("pgd.linh", ref, "approve", seen="x").reasons} >= {"level_is_mine"}
    id_ = lend(office, stage, "ubnd.minh", "pgd.linh", "approve", "reject", kinds=("visit",))
    closed = choice(stage, "pgd.linh", ref, "approve")
    assert not closed["allowed"] and [r["code"] for r in closed["reasons"]] == ["level_is_mine"]
    assert [(w["delegation"], w["principal"]["username"], w["form"], w["paper"], w["allowed"]) for w in closed["through"]] == [
        (id_, "ubnd.minh", "TUQ", "12/UQ", True)
    ]
    own = stage.refused("pgd.linh", ref, "approve", seen=queries.read_case(office, stage.actor("pgd.linh"), ref)["decision_hash"])
    assert [r.code for r in own.reasons] == ["level_is_mine"]  # the paper opens nothing that is done in one's own name
    press(stage, "pgd.linh", ref, "approve", id_)
    row, pair = stage.row(ref), sorted(stage.actor(n).id for n in ("pgd.linh", "ubnd.minh"))
    assert row["state"] == "approved" and row["memory"]["acts"]["approve"]["by"] == pair and row["memory"]["decided_role"] == "committee"
    entry = queries.history(office, stage.actor("ktr.xuan"), ref, canonical=True)[-1]
    assert entry["acting_for"] == {"username": "ubnd.minh", "name": "Đỗ Thử Minh", "form": "TUQ", "paper_no": "12/UQ"}
    assert orjson.loads(entry["canonical"])["acting_for"] == {"person": stage.actor("ubnd.minh").id, "paper": "12/UQ", "form": "TUQ"}
    assert entry["actor"]["username"] == "pgd.linh" and entry["role"] == "director"
    done = delegations.acts_in_name_of(office, stage.actor("ubnd.minh"))
    assert [(a["action"], a["name"], a["code"]) for a in done] == [("approve", "Hoàng Thử Linh", row["code"])]
    stage.deliver()
    letter = next(i for i in stage.children(ref, "letter") if stage.row(i)["category"] == "approval")
    signature = internals(office, stage.actor("pgd.linh"), letter)["signature"]
    assert signature["acting_for"]["form"] == "TUQ" and signature["acting_for"]["position"] == "Phó Chủ tịch UBND"
    # A case decided in the Committee's name is theirs to see, and to revoke.
    assert queries.read_case(office, stage.actor("ubnd.quang"), ref)["state"] == "approved"
    assert choice(stage, "ubnd.quang", ref, "revoke")["mine"]
    with office.db.read() as connection:
        assert verify(connection).findings == []
    end(office, stage, "ubnd.minh", id_)


@pytest.mark.parametrize("form", ["TL", "Q"])
def test_no_other_form_passes_a_decision_on(office, stage, form):
    id_ = lend(office, stage, "ubnd.minh", "gd.khanh", "approve", form=form)
    ref = at_decision(stage)
    with pytest.raises(NeedsUnmet) as caught:
        press(stage, "gd.khanh", ref, "approve", id_)
    assert [r.code for r in caught.value.reasons] == ["level_is_mine"]
    end(office, stage, "gd.khanh", id_)


def test_what_a_paper_does_not_carry_is_refused_with_its_number_and_why(office, stage):
    ref = at_decision(stage)
    waiting = lend(office, stage, "ubnd.minh", "gd.khanh", "approve", confirm=None)
    other_action = lend(office, stage, "ubnd.minh", "gd.khanh", "reject")
    later = lend(office, stage, "ubnd.minh", "gd.khanh", "approve", since=3)
    theirs = lend(office, stage, "ubnd.minh", "pgd.linh", "approve")
    over = lend(office, stage, "ubnd.minh", "gd.khanh", "approve", until=0)
    ended = lend(office, stage, "ubnd.minh", "gd.khanh", "approve")
    end(office, stage, "ubnd.minh", ended)
    words = {
        waiting: "chưa được người thứ hai xác nhận", other_action: "không giao việc “Chấp thuận”", later: "chỉ có giá trị từ", ended: "đã chấm dứt lúc",
        theirs: "Không có ủy quyền nào", "d1": "Không có ủy quyền nào",
    }  # fmt: skip
    for id_, word in words.items():
        with pytest.raises(Invalid) as caught:
            press(stage, "gd.khanh", ref, "approve", id_)
        (text,) = caught.value.fields["acting_for"]
        assert word in text.vi and (id_ in (theirs, "d1") or "12/UQ" in text.vi and "12/UQ" in text.en), text
    tomorrow = clock.now() + timedelta(days=1)
    with clock.at(tomorrow), pytest.raises(Invalid) as caught:
        press(stage, "gd.khanh", ref, "approve", over)
    assert "chỉ có giá trị từ" in caught.value.fields["acting_for"][0].vi
    assert stage.row(ref)["state"] == "pending_decision"
    press(stage, "gd.khanh", ref, "approve", over)  # its last day is today, and counts
    for id_ in (waiting, other_action, later, theirs, over):
        end(office, stage, "qt.yen", id_)


def test_another_kind_is_refused_by_name(office, stage):
    id_ = lend(office, stage, "gd.khanh", "tp.hoa", "reject", kinds=("interview",), form="Q")
    ref = at_decision(stage)
    with pytest.raises(Invalid) as caught:
        press(stage, "tp.hoa", ref, "reject", id_)
    assert "không giao loại hồ sơ" in caught.value.fields["acting_for"][0].vi
    end(office, stage, "gd.khanh", id_)


def test_nothing_is_passed_on(office, stage):
    """Only the principal's own roles are lent: what they hold by delegation stays behind."""
    first = lend(office, stage, "ubnd.minh", "gd.khanh", "approve")
    second = lend(office, stage, "gd.khanh", "pgd.linh", "approve")
    ref = at_decision(stage)
    with pytest.raises(NeedsUnmet) as caught:
        press(stage, "pgd.linh", ref, "approve", second)
    assert [r.code for r in caught.value.reasons] == ["level_is_mine"]
    lent = lend(office, stage, "gd.khanh", "tp.hoa", "refer_up", form="Q")
    with pytest.raises(Invalid) as refused:
        delegations.enter(office, stage.actor("tp.hoa"), paper("tp.hoa", "ptp.ngoc", "refer_up"))
    assert list(refused.value.fields) == ["actions"]
    for id_ in (first, second, lent):
        end(office, stage, "qt.yen", id_)


def test_without_acting_for_nothing_changes(office, stage):
    id_ = lend(office, stage, "gd.khanh", "ptp.ngoc", "refer_up", "send_back", form="Q")
    ref = at_decision(stage)
    with pytest.raises(RoleRefused):
        stage.act("ptp.ngoc", ref, "refer_up")
    press(stage, "ptp.ngoc", ref, "refer_up", id_)
    entry = queries.history(office, stage.actor("gd.khanh"), ref)[-1]
    assert (entry["actor"]["username"], entry["acting_for"]["username"], entry["role"]) == ("ptp.ngoc", "gd.khanh", "director")
    end(office, stage, "ptp.ngoc", id_)


def test_a_capacity_that_needs_a_paper_is_signed_only_under_it(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "under_review")
    letter = engine.open_case(office, stage.actor("vt.van"), "letter", {"body": "Nội dung."}, parent=ref, letter="apology").case_id
    signer = "gd.khanh" if "director" in queries.signers_of(office, "apology") else "tp.hoa"
    for capacity in ("TL", "TUQ"):
        told = stage.refused(signer, letter, "sign", capacity=capacity)
        assert [r.code for r in told.reasons] == ["signer_may_sign"] and capacity in told.reasons[0].message.vi
    id_ = lend(office, stage, signer, "cv.dung", "sign", form="TL")
    press(stage, "cv.dung", letter, "sign", id_, capacity="TL")
    assert internals(office, stage.actor(signer), letter)["signature"]["acting_for"]["form"] == "TL"
    assert stage.row(letter)["state"] == "sealed"
    end(office, stage, signer, id_)


# --- duties: both persons ------------------------------------------------------------------------------------

ROLE = {"recommend": "officer", "endorse": "head", "refer_up": "director", "approve": "committee"}
USUAL = {"recommend": "cv.binh", "endorse": "tp.hoa", "refer_up": "gd.khanh", "approve": "ubnd.minh"}


def somebody(office, name, *roles):
    def work(connection):
        id_ = users.add_user(connection, name, f"Người {name}", "x")
        for role in roles:
            users.grant(connection, id_, office.organisations["ubnd" if role == "committee" else "sngv"].id, role)

    queries.organisations(office)
    office.db.transact(work)
    office.forget()
    return name


def do(stage, ref, step, who, id_=None):
    given = demo.proposal(stage, ref, "visit") if step == "recommend" else {}
    if id_:
        return press(stage, who, ref, step, id_, **given)
    return stage.act(who, ref, step, **given)


@pytest.mark.parametrize("barred", ["delegate", "principal"])
@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(ROLE, 2)))
def test_no_two_steps_of_a_round_by_either_person(office, stage, first, second, barred):
    """Whoever of the two took the first step, the second is closed to the pair: a delegate counts as both persons (X-01)."""
    mark = f"{first}.{second}.{barred}"
    principal = somebody(office, f"p.{mark}", ROLE[second], *([ROLE[first]] if barred == "principal" else []))
    delegate = somebody(office, f"d.{mark}", "officer", *([ROLE[first]] if barred == "delegate" and first != "recommend" else []))
    earlier = principal if barred == "principal" else delegate
    id_ = lend(office, stage, principal, delegate, second, form="Q")
    ref = stage.file("vptt.han", "visit")
    officer = earlier if first == "recommend" else "cv.binh"
    demo.advance(stage, ref, "visit", "under_review", officer=officer)
    stage.act(officer, ref, "consult", agencies=["cong_an"], question="Hỏi.", due_at=stage.soon())
    demo.answer_all(stage, ref)
    for step in ROLE:
        if step == second:
            assert not choice(stage, delegate, ref, step)["through"][0]["allowed"]
            with pytest.raises(NeedsUnmet) as caught:
                do(stage, ref, step, delegate, id_)
            assert {"second_person", "third_person"} & {r.code for r in caught.value.reasons}
            break
        do(stage, ref, step, earlier if step == first else officer if step == "recommend" else USUAL[step])


@pytest.mark.parametrize("who", ["principal", "delegate"])
def test_a_recusal_or_a_conflict_of_either_closes_every_way(office, stage, who):
    id_ = lend(office, stage, "gd.khanh", "motcua.mai", "refer_up", "send_back", "assign_officer", "extend", form="Q")
    ref = at_decision(stage)
    assert [c["name"] for c in queries.choices(office, stage.actor("motcua.mai"), ref) if queries.in_another_name(c)] != []
    engine.recuse(office, stage.actor("gd.khanh" if who == "principal" else "motcua.mai"), ref, "Người quen.")
    assert [c["name"] for c in queries.choices(office, stage.actor("motcua.mai"), ref) if queries.in_another_name(c)] == []
    for action, given_ in (("refer_up", {}), ("send_back", {"reason": "Xem lại."}), ("assign_officer", {"officer": "cv.dung", "reason": "Đổi."})):
        with pytest.raises(NeedsUnmet) as caught:
            press(stage, "motcua.mai", ref, action, id_, **given_)
        assert [r.code for r in caught.value.reasons] == ["not_conflicted"], action
    end(office, stage, "gd.khanh", id_)
    contact = stage.row(at_decision(stage))["fields"]["contact"]["name"]
    name = "gd.khanh" if who == "principal" else "motcua.mai"
    kept = stage.actor(name).name
    rename(office, name, contact.upper())
    try:
        again = lend(office, stage, "gd.khanh", "motcua.mai", "refer_up", form="Q")
        with pytest.raises(NeedsUnmet) as caught:
            press(stage, "motcua.mai", at_decision_by_others(stage), "refer_up", again)
        assert "not_conflicted" in {r.code for r in caught.value.reasons}
    finally:
        rename(office, name, kept)
        end(office, stage, "qt.yen", again)


def at_decision_by_others(stage):
    stage.actors.clear()
    return at_decision(stage)


def rename(office, username, name):
    office.db.transact(lambda c: store.execute(c, "UPDATE users SET name = :name WHERE username = :user", name=name, user=username))


MATRIX = [("visit", state) for state in FLOWS["visit"].states] + [("interview", state) for state in FLOWS["interview"].states]


@pytest.fixture(scope="module")
def lent_everything(lite):
    """The intake person acts for a head, a director and a committee leader in all that each may lend."""
    stage = demo.Stage(lite)
    found = {}
    for principal in ("ptp.ngoc", "pgd.linh", "ubnd.quang"):
        names = delegations.lendable(stage.actor(principal))
        for part in (names[:30], names[30:]):
            if part:
                found[lend(lite, stage, principal, "motcua.mai", *part, form="Q")] = principal
    stage.actors.clear()
    return stage, found


@pytest.mark.parametrize(("kind", "state"), MATRIX)
def test_every_action_in_every_state_is_open_in_anothers_name_only_where_it_is_open_to_them(lite, lent_everything, kind, state):
    """All arrows of the two kinds: open through a delegation exactly where open to the principal by a role that can be lent."""
    stage, lent = lent_everything
    built = build(stage, kind, state)
    with clock.at(built.at):
        own = {p: {c["name"]: c for c in queries.choices(lite, stage.actor(p), built.ref)} for p in set(lent.values()) if visible(lite, stage, p, built.ref)}
        seen = {(w["principal"]["username"], c["name"]): w["allowed"] for c in choices_of(lite, stage, built.ref) for w in c["through"]}
    named = {(principal, action) for id_, principal in lent.items() for action in names_of(lite, id_)}
    for step in FLOWS[kind].leaving(state):
        for principal in own:
            theirs = own[principal].get(step.action)
            expected = bool(theirs and theirs["allowed"] and (principal, step.action) in named and LENDERS & set(step.by))
            assert seen.get((principal, step.action), False) == expected, (step.action, principal)
    assert {principal for principal, _ in seen} <= set(own)
    WAYS.update((kind, state, action) for (_, action), allowed in seen.items() if allowed)


WAYS: set[tuple[str, str, str]] = set()


def test_the_matrix_was_no_empty_one():
    """Most arrows of leaders were open to somebody in the states built, so that their refusal would have been seen."""
    assert len(WAYS) >= 40, len(WAYS)


def choices_of(office, stage, ref):
    try:
        return queries.choices(office, stage.actor("motcua.mai"), ref)
    except NotFound:
        return []


def visible(office, stage, who, ref):
    try:
        queries.read_case(office, stage.actor(who), ref)
        return True
    except NotFound:
        return False


def names_of(office, id_):
    with office.db.read() as connection:
        return orjson.loads(store.query(connection, "SELECT actions FROM delegations WHERE id = :id", id=id_)[0]["actions"])


PERSONAL = {"second_person", "third_person", "not_conflicted"}
ARROWS = [(kind, step) for kind in ("visit", "interview") for step in FLOWS[kind].steps if LENDERS & set(step.by)]
PEOPLE = st.frozensets(st.sampled_from(["d", "p", "x"]), max_size=3)


@settings(max_examples=400, deadline=None)
@given(
    arrow=st.sampled_from(ARROWS),
    duties=st.dictionaries(
        st.sampled_from(["open", "edit", "submit", "answer", "recommend", "endorse", "refer_up", "forward", "enter_paper_decision"]), PEOPLE
    ),
    reported=PEOPLE,
    conflicted=PEOPLE,
    merged=st.booleans(),
)
def test_a_pair_is_barred_exactly_where_one_of_them_is(arrow, duties, reported, conflicted, merged):
    kind, step = arrow
    now = clock.now()

    def barred(*persons):
        acts = {"file_report": Act(reported, now, 1, {})} if reported else {}
        facts = Facts(kind, step.source, now, now.date(), persons=frozenset(persons), role=step.by[0], roles=frozenset(step.by), duties=duties, acts=acts,
                      conflicted=conflicted, settings={"allow_two_person": merged}, asked=False)  # fmt: skip
        return {r.code for r in refusals(step, facts)} & PERSONAL

    assert barred("d", "p") == barred("d") | barred("p")


# --- ending --------------------------------------------------------------------------------------------------


def test_an_ended_delegation_stops_the_press_of_an_open_page(office, stage):
    id_ = lend(office, stage, "ubnd.minh", "gd.khanh", "approve")
    ref = at_decision(stage)
    assert choice(stage, "gd.khanh", ref, "approve")["through"][0]["allowed"]
    page, version = stage.actor("gd.khanh"), stage.row(ref)["version"]
    seen = queries.read_case(office, page, ref)["decision_hash"]
    end(office, stage, "ubnd.minh", id_)
    with pytest.raises(Invalid) as caught:
        engine.perform(office, page, ref, "approve", {"seen": seen}, version=version, beside={"acting_for": id_})
    assert "đã chấm dứt" in caught.value.fields["acting_for"][0].vi
    with pytest.raises(Conflict):  # the same session's own acts: its rights were dated anew
        engine.perform(office, page, ref, "refer_up", {}, version=version)
    assert stage.row(ref)["state"] == "pending_decision" and choice(stage, "gd.khanh", ref, "approve")["through"] == []


def test_the_guard_holds_both_persons(office, stage, monkeypatch):
    """A right of the principal's that changes between judging and writing stops the act; on SQLite writers come one after another."""
    id_ = lend(office, stage, "ubnd.minh", "gd.khanh", "approve")
    ref = at_decision(stage)
    judged, written = engine.walk, store.write

    def meanwhile(*args):
        users_epoch(office, "ubnd.minh")
        return judged(*args)

    def on_older_rights(connection, change):
        change.principal_epoch -= 1
        return written(connection, change)

    if office.db.dialect == "postgresql":
        monkeypatch.setattr(engine, "walk", meanwhile)
    else:
        monkeypatch.setattr(store, "write", on_older_rights)
    with pytest.raises(Conflict) as caught:
        press(stage, "gd.khanh", ref, "approve", id_)
    assert caught.value.code == "changed_meanwhile" and stage.row(ref)["state"] == "pending_decision"
    monkeypatch.undo()
    end(office, stage, "qt.yen", id_)


def users_epoch(office, username):
    return office.db.transact(lambda c: store.execute(c, "UPDATE users SET epoch = epoch + 1 WHERE username = :name", name=username))


def test_revoking_and_approving_at_once_come_one_after_the_other(office, stage):
    """Threads: whoever is first, the record shows no act that began after the end; losers read why."""
    figures = {"approved": 0, "stopped": 0}
    for round_ in range(8):
        id_ = lend(office, stage, "ubnd.minh", "gd.khanh", "approve")
        ref = at_decision(stage)
        deciding, revoking, version = stage.actor("gd.khanh"), stage.actor("ubnd.minh"), stage.row(ref)["version"]
        seen, gate, said = queries.read_case(office, deciding, ref)["decision_hash"], threading.Barrier(2), {}

        def approve(ref=ref, id_=id_, who=deciding, version=version, seen=seen, gate=gate, said=said, wait=round_ % 4):
            gate.wait(30)
            clock.sleep(0.001 * wait)
            try:
                said["done"] = engine.perform(office, who, ref, "approve", {"seen": seen}, version=version, beside={"acting_for": id_})
            except WorkflowError as refused:
                said["refused"] = refused.code

        def revoke(id_=id_, who=revoking, gate=gate, said=said):
            gate.wait(30)
            try:
                delegations.end(office, who, id_)
            except WorkflowError as refused:
                said["kept"] = refused.code

        threads = [threading.Thread(target=work) for work in (approve, revoke)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert "kept" not in said and ("done" in said) != ("refused" in said), said
        state = stage.row(ref)["state"]
        assert state == ("approved" if "done" in said else "pending_decision")
        assert said.get("refused") in (None, "invalid", "changed_meanwhile")
        figures["approved" if "done" in said else "stopped"] += 1
        stage.actors.clear()
    with office.db.read() as connection:
        assert verify(connection).findings == []
        rows = store.query(
            connection,
            "SELECT e.at, d.ended_at FROM acted_for a JOIN audit_entry e ON e.case_id = a.case_id AND e.seq = a.seq JOIN delegations d ON d.id = a.delegation_id",
        )
    assert sum(figures.values()) == 8
    if office.db.dialect == "sqlite":  # one writer at a time: the order of the stamps is the order of the commits
        assert all(r["ended_at"] is None or r["at"] <= r["ended_at"] for r in rows)


def test_a_lost_role_or_a_closed_account_ends_what_rested_on_it(office, stage):
    principal = somebody(office, "p.leaves", "director", "head")
    delegate = somebody(office, "d.leaves", "officer")
    role = lend(office, stage, principal, delegate, "refer_up", form="Q")
    kept = lend(office, stage, principal, delegate, "endorse", form="Q")
    org = office.organisations["sngv"].id
    office.db.transact(lambda c: users.end_membership(c, stage.actor(principal).id, org, "director"))
    stage.actors.clear()
    ref = at_decision(stage)
    with pytest.raises(Invalid) as caught:
        press(stage, delegate, ref, "refer_up", role)
    assert "đã chấm dứt" in caught.value.fields["acting_for"][0].vi
    standing = {d["id"]: d["standing"] for d in delegations.listed(office, stage.actor("qt.yen"))}
    assert (standing[role], standing[kept]) == ("ended", "in_force")
    office.db.transact(lambda c: users.disable(c, principal))
    standing = {d["id"]: d["standing"] for d in delegations.listed(office, stage.actor("qt.yen"))}
    assert standing[kept] == "ended"
    with office.db.read() as connection:
        assert verify(connection).findings == []


def test_the_books_are_closed_on_what_is_over(office, stage):
    id_ = lend(office, stage, "tp.hoa", "ptp.ngoc", "endorse", until=2, form="Q")
    assert delegations.end_due(office) == 0
    with clock.at(clock.now() + timedelta(days=3)):
        assert [d["standing"] for d in delegations.listed(office, stage.actor("tp.hoa")) if d["id"] == id_] == ["expired"]
        assert delegations.end_due(office) == 1 and delegations.end_due(office) == 0
    stage.actors.clear()


# --- finding the work ----------------------------------------------------------------------------------------


def test_what_waits_for_the_principal_is_in_the_delegates_inbox(office, stage):
    registry = "vt.van"
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_endorsement")
    held = lambda who: {i["id"]: i for i in queries.list_cases(office, stage.actor(who), {"inbox": True, "mine": True, "limit": 100})["items"]}  # noqa: E731
    assert ref not in held(registry)
    counts = queries.inbox_counts(office, stage.actor(registry))
    id_ = lend(office, stage, "tp.hoa", registry, "endorse", form="Q", kinds=("visit",))
    item = held(registry)[ref]
    assert item["through"]["principal"]["username"] == "tp.hoa" and item["main_action"]["name"] == "endorse"
    assert queries.inbox_counts(office, stage.actor(registry))["mine"] > counts["mine"]
    assert held("tp.hoa")[ref]["through"] is None
    main, _ = queries.main_first(queries.choices(office, stage.actor(registry), ref))
    assert main["name"] == "endorse"
    press(stage, registry, ref, "endorse", id_)
    assert ref not in held(registry)
    end(office, stage, "tp.hoa", id_)


def test_a_delegate_reads_what_waits_for_the_act_and_nothing_more(office, stage):
    """A leader of the Committee sees visits that were referred up; under a head's paper also those that wait for the head."""
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_endorsement")
    other = stage.file("vptt.han", "visit")
    demo.advance(stage, other, "visit", "under_review")
    with pytest.raises(NotFound):
        queries.read_case(office, stage.actor("ubnd.quang"), ref)
    id_ = lend(office, stage, "tp.hoa", "ubnd.quang", "endorse", form="Q")
    assert queries.read_case(office, stage.actor("ubnd.quang"), ref)["state"] == "pending_endorsement"
    assert ref in {i["id"] for i in queries.list_cases(office, stage.actor("ubnd.quang"), {"limit": 100})["items"]}
    with pytest.raises(NotFound):
        queries.read_case(office, stage.actor("ubnd.quang"), other)
    with pytest.raises(NotFound):
        press(stage, "ubnd.quang", other, "accept", id_)
    press(stage, "ubnd.quang", ref, "endorse", id_)
    with pytest.raises(NotFound):
        queries.read_case(office, stage.actor("ubnd.quang"), ref)
    end(office, stage, "tp.hoa", id_)


def test_a_list_costs_one_query_more_for_delegates_only(office, stage):
    from tests.workflow.test_duties import statements_of

    plain = statements_of(office, lambda: queries.list_cases(office, stage.actor("cv.dung"), {"inbox": True}))
    id_ = lend(office, stage, "tp.hoa", "cv.dung", "endorse", form="Q")
    actor = stage.actor("cv.dung")
    queries.list_cases(office, actor, {"inbox": True})
    counts = {statements_of(office, lambda n=n: queries.list_cases(office, actor, {"inbox": True, "limit": n})) for n in (1, 25, 100)}
    assert len(counts) == 1 and counts.pop() <= plain + 1
    end(office, stage, "tp.hoa", id_)


def test_the_list_of_delegations_is_as_wide_as_the_reader(office, stage):
    id_ = lend(office, stage, "tp.hoa", "ptp.ngoc", "endorse", form="Q")
    ids = lambda who: {d["id"] for d in delegations.listed(office, stage.actor(who))}  # noqa: E731
    assert id_ in ids("tp.hoa") & ids("ptp.ngoc") & ids("gd.khanh") & ids("qt.yen") & ids("ktr.xuan")
    assert id_ not in ids("cv.binh") | ids("vptt.han") | ids("ubnd.minh")
    assert [d["id"] for d in delegations.of_person(office, stage.actor("ptp.ngoc"))] == [id_]
    end(office, stage, "tp.hoa", id_)
