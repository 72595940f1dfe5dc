"""Persons and duties: no two steps of one round by one person, and the office goes on when a role falls away."""

from __future__ import annotations

import itertools

import pytest

from tests.law import ruled
from workflow import demo, doctor, engine, queries, store, users
from workflow.errors import NeedsUnmet, WorkflowError

ROLE_OF = {"recommend": "officer", "endorse": "head", "refer": "director", "decide": {"visit": "committee", "interview": "leader_office"}}


def everyman(office, stage, kind, first, second, mark="x"):
    """An account that holds the roles of two steps; its id is fresh for each pair."""
    name = f"{kind}.{first}.{second}.{mark}"
    queries.organisations(office)
    roles = {ROLE_OF[s] if isinstance(ROLE_OF[s], str) else ROLE_OF[s][kind] for s in (first, second)}

    def work(connection):
        id_ = users.add_user(connection, name, f"Người {name}", "x")
        for role in roles:
            org = {"committee": "ubnd", "leader_office": "vp_ubnd"}.get(role, "sngv")
            users.grant(connection, id_, office.organisations[org].id, role)

    office.db.transact(work)
    office.forget()
    return name


def take(stage, kind, ref, step, who):
    if step == "recommend":
        return stage.act(who, ref, "recommend", **demo.proposal(stage, ref, kind))
    if step == "endorse":
        return stage.act(who, ref, "endorse")
    if step == "refer":
        return stage.act(who, ref, "refer_up" if kind == "visit" else "forward")
    if kind == "visit":
        return stage.act(who, ref, "approve")
    given = {"slot": stage.row(ref)["fields"]["slots"][0], "speaker": {"name": "A"}, "speaker_basis": "head"}
    return stage.act(who, ref, "accept_interview", **given)


@pytest.mark.parametrize("kind", ["visit", "interview"])
def test_no_two_steps_of_a_round_by_one_person(office, stage, kind):
    order = ("recommend", "endorse", "refer", "decide")
    usual = {"recommend": "cv.binh", "endorse": "tp.hoa", "refer": "gd.khanh", "decide": "ubnd.minh" if kind == "visit" else "vpub.nga"}
    for first, second in itertools.combinations(order, 2):
        who = everyman(office, stage, kind, first, second)
        ref = stage.file("vptt.han", kind)
        demo.advance(stage, ref, kind, "under_review", officer=who if "recommend" in (first, second) else "cv.binh")
        officer = who if "recommend" in (first, second) else "cv.binh"
        stage.act(officer, ref, "consult", agencies=["cong_an"], question="Hỏi.", due_at=stage.soon())
        demo.answer_all(stage, ref)
        for step in order:
            if step == second:
                with pytest.raises(NeedsUnmet) as caught:
                    take(stage, kind, ref, step, who)
                assert {"second_person", "third_person"} & {r.code for r in caught.value.reasons}, (first, second)
                break
            take(stage, kind, ref, step, who if step == first else usual[step])


def test_a_file_sent_back_stays_in_its_round_and_bars_the_same_people(office, stage):
    """Sent back and appraised again it is still one round: no person of a later step takes an earlier one, nor the reverse."""
    director = everyman(office, stage, "visit", "recommend", "refer", "again")
    endorser = everyman(office, stage, "visit", "endorse", "decide", "again")
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "consulted")
    take(stage, "visit", ref, "recommend", "cv.binh")
    take(stage, "visit", ref, "endorse", endorser)
    take(stage, "visit", ref, "refer", director)
    stage.act("ubnd.minh", ref, "send_back", reason="Làm rõ chương trình.")
    stage.act("tp.hoa", ref, "assign_officer", officer=director, reason="Người trước nghỉ.")
    with pytest.raises(NeedsUnmet) as caught:
        take(stage, "visit", ref, "recommend", director)
    assert {r.code for r in caught.value.reasons} == {"second_person"}
    stage.act("tp.hoa", ref, "assign_officer", officer="cv.dung", reason="Người trước đã trình Sở.")
    take(stage, "visit", ref, "recommend", "cv.dung")
    office.db.transact(lambda c: users.grant(c, stage.actor(director).id, office.organisations["sngv"].id, "head"))
    stage.actors.pop(director)
    with pytest.raises(NeedsUnmet) as caught:
        take(stage, "visit", ref, "endorse", director)
    assert "second_person" in {r.code for r in caught.value.reasons}
    take(stage, "visit", ref, "endorse", "ptp.ngoc")
    take(stage, "visit", ref, "refer", director)
    with pytest.raises(NeedsUnmet) as caught:
        take(stage, "visit", ref, "decide", endorser)
    assert {r.code for r in caught.value.reasons} == {"third_person"}
    take(stage, "visit", ref, "decide", "ubnd.minh")


def test_a_small_office_may_merge_recommend_and_endorse_only(office, stage):
    with ruled(office, "allow_two_person", "yes"):
        for second in ("endorse", "refer", "decide"):
            who = everyman(office, stage, "visit", "recommend", second, "small")
            ref = stage.file("vptt.han", "visit")
            demo.advance(stage, ref, "visit", "consulted", officer=who)
            take(stage, "visit", ref, "recommend", who)
            if second == "endorse":
                take(stage, "visit", ref, "endorse", who)
                stage.act("gd.khanh", ref, "send_back", reason="Xem lại.")
                take(stage, "visit", ref, "recommend", who)
                continue
            take(stage, "visit", ref, "endorse", "tp.hoa")
            if second == "decide":
                take(stage, "visit", ref, "refer", "gd.khanh")
            with pytest.raises(NeedsUnmet) as caught:
                take(stage, "visit", ref, second, who)
            assert "third_person" in {r.code for r in caught.value.reasons}


def test_the_submitter_never_appraises_and_the_decider_never_issues(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_committee")

    def give(username, org, role):
        office.db.transact(lambda c: users.grant(c, stage.actor(username).id, office.organisations[org].id, role))
        stage.actors.pop(username)

    give("vptt.han", "ubnd", "committee")
    with pytest.raises(NeedsUnmet) as caught:
        stage.act("vptt.han", ref, "approve")
    assert "third_person" in {r.code for r in caught.value.reasons}
    give("ubnd.minh", "sngv", "registry")
    stage.act("ubnd.minh", ref, "approve")
    stage.deliver()
    letter = stage.children(ref, "letter", "sealed")[-1]
    with pytest.raises(NeedsUnmet) as caught:
        stage.act("ubnd.minh", letter, "issue", number="1", on="2026-11-25")
    assert "third_person" in {r.code for r in caught.value.reasons}
    stage.act("vt.van", letter, "issue", number="1", on="2026-11-25")


def test_a_paper_decision_needs_two_people(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_committee")
    scan = stage.attach("vt.van", ref, "decision_scan")
    stage.act("vt.van", ref, "enter_paper_decision", doc_no="1", doc_date="2026-11-25", outcome="approve", scan=scan, signer={"name": "Lê Thử Hoa"})
    with pytest.raises(NeedsUnmet) as caught:
        stage.act("vt.van", ref, "confirm_paper_approval")
    assert "second_person" in {r.code for r in caught.value.reasons}
    assert stage.act("cv.binh", ref, "confirm_paper_approval") == "approved"
    assert stage.row(ref)["clocks"]["answered_at"]


def test_the_signer_of_a_paper_may_not_be_the_contact(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_committee")
    scan = stage.attach("vt.van", ref, "decision_scan")
    contact = stage.row(ref)["fields"]["contact"]["name"]
    stage.act("vt.van", ref, "enter_paper_decision", doc_no="1", doc_date="2026-11-25", outcome="approve", scan=scan, signer={"name": contact.upper()})
    with pytest.raises(NeedsUnmet) as caught:
        stage.act("cv.binh", ref, "confirm_paper_approval")
    assert "not_conflicted" in {r.code for r in caught.value.reasons}


def test_a_recused_person_does_nothing_more(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "pending_decision")
    engine.recuse(office, stage.actor("gd.khanh"), ref, "Người quen.")
    with pytest.raises(NeedsUnmet):
        stage.act("gd.khanh", ref, "refer_up")
    assert stage.act("pgd.linh", ref, "refer_up") == "pending_committee"


@pytest.mark.parametrize("kind", ["visit", "interview"])
def test_closed_by_paper_without_accounts_outside(office, stage, kind):
    """Nobody at UBND, the police or the leader's office has an account."""

    def active(yes):
        def work(connection):
            for name in ("ubnd.minh", "ubnd.quang", "ca.phuc", "vpub.nga", "vpub.phuong"):
                store.execute(connection, "UPDATE users SET active = :yes WHERE username = :name", yes=yes, name=name)

        office.db.transact(work)
        office.forget()

    active(False)
    try:
        ref = stage.file("vptt.han", kind)
        demo.advance(stage, ref, kind, "under_review")
        stage.act("cv.binh", ref, "consult", agencies=["cong_an"], question="Hỏi.", due_at=stage.soon())
        stage.letters(ref)
        child = stage.children(ref, "consultation")[0]
        scan = stage.attach("vt.van", child, "answer_scan")
        stage.act("vt.van", child, "record_answer", outcome="no_objection", doc_no="7", scan=scan)
        for stop in ("pending_endorsement", "pending_decision", "pending_committee" if kind == "visit" else "pending_interviewee"):
            demo.step(stage, ref, kind, stop)
        demo.step(stage, ref, kind, "approved", paper=True)
        from tests.oracle.builder import free_guide

        free_guide(stage, ref)
        for stop in ("guided", "accompanied", "reported"):
            demo.step(stage, ref, kind, stop)
        stage.deliver()
        for id_ in stage.children(ref, "letter", "drafted"):
            name = stage.row(id_)["fields"]["letter"]
            stage.act("gd.khanh" if name != "report" else "tp.hoa", id_, "sign") if name not in ("receipt",) else stage.act("motcua.mai", id_, "sign")
        for id_ in stage.children(ref, "letter", "sealed"):
            stage.act("vt.van", id_, "issue", number="9", on="2026-11-25")
        stage.act("ptp.ngoc", ref, "close")
        assert stage.row(ref)["state"] == "closed"
    finally:
        active(True)


def test_each_role_gone_is_told_with_who_appoints(office, stage):
    for role in ("intake", "officer", "head", "director", "committee", "leader_office", "consultee", "guide", "registry", "auditor", "admin"):

        def flip(yes, role=role):
            office.db.transact(
                lambda c: store.execute(
                    c, "UPDATE users SET active = :yes WHERE id IN (SELECT user_id FROM memberships WHERE role = :role)", yes=yes, role=role
                )
            )

        flip(False)
        try:
            with office.db.read() as connection:
                told = doctor.missing_roles(connection)
            assert any(role_text in sentence.vi for sentence in told for role_text in (doctor.R.ROLES[role].vi,)), role
        finally:
            flip(True)


WAITING = [("visit", stop) for stop in ("requested", "under_review", "pending_endorsement", "pending_decision", "pending_committee", "guided", "reported")]
WAITING += [
    ("interview", stop) for stop in ("requested", "under_review", "pending_endorsement", "pending_decision", "pending_interviewee", "guided", "reported")
]


@pytest.mark.parametrize(("kind", "stop"), WAITING)
def test_the_case_page_says_who_appoints_whom(office, stage, kind, stop):
    """In each state, with the holders of the role it waits for gone: a person of another role reads it on the case."""
    from states import FLOWS
    from states import roles as R
    from tests.oracle.builder import free_guide
    from workflow.desk import stuck_on

    ref = stage.file("vptt.han", kind)
    path = demo.PATHS[kind]
    for at in path[1 : path.index(stop) + 1]:
        if at == "guided":
            free_guide(stage, ref)
        demo.step(stage, ref, kind, at)
    (role,) = FLOWS[kind].states[stage.row(ref)["state"]].waits_for
    reader = "gd.khanh" if role != "director" else "tp.hoa"
    told = lambda: [text.vi for text in stuck_on(office, stage.actor(reader), ref)]  # noqa: E731
    assert told() == []

    def flip(yes):
        office.db.transact(lambda c: store.execute(
            c, "UPDATE users SET active = :yes WHERE id IN (SELECT user_id FROM memberships WHERE role = :role)", yes=yes, role=role))  # fmt: skip

    flip(False)
    try:
        sentences = told()
    finally:
        flip(True)
    assert any(R.ROLES[role].vi in sentence for sentence in sentences), sentences
    if role in ("officer", "guide"):
        assert any("giao người khác" in sentence for sentence in sentences)


def test_rights_taken_away_meanwhile_stop_the_act(office, stage):
    """The epoch of the person is checked in the writing statement itself."""
    ref = stage.file("vptt.han", "visit")
    old = stage.actor("motcua.mai")
    office.db.transact(lambda c: store.execute(c, "UPDATE users SET epoch = epoch + 1 WHERE id = :id", id=old.id))
    with pytest.raises(WorkflowError):
        engine.perform(office, old, ref, "accept", {"officer": "cv.binh"}, version=stage.row(ref)["version"])
    assert stage.row(ref)["state"] == "requested"
    stage.actors.pop("motcua.mai")


def statements_of(office, act):
    """How many statements (SQLite) or round trips (PostgreSQL) a call costs."""
    raw = office.db.engine.raw_connection()
    raw.close()
    seen = []
    if office.db.dialect == "sqlite":
        connections = set()

        def watch(dbapi, *_):
            dbapi.set_trace_callback(lambda sql: seen.append(sql) if not sql.startswith("--") and (not seen or seen[-1] != sql) else None)
            connections.add(dbapi)

        from sqlalchemy import event

        event.listen(office.db.engine, "checkout", watch)
        try:
            act()
        finally:
            event.remove(office.db.engine, "checkout", watch)
            for one in connections:
                one.set_trace_callback(None)
        return len(seen)
    import tempfile

    from psycopg.pq import Trace
    from sqlalchemy import event

    with tempfile.TemporaryFile() as out:
        traced = []

        def watch(dbapi, *_):
            dbapi.pgconn.trace(out.fileno())
            dbapi.pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
            traced.append(dbapi)

        event.listen(office.db.engine, "checkout", watch)
        try:
            act()
        finally:
            event.remove(office.db.engine, "checkout", watch)
            for one in traced:
                one.pgconn.untrace()
        out.seek(0)
        return out.read().count(b"ReadyForQuery")


def test_a_transition_costs_few_statements(office, stage):
    """Target 4: at most 10 statements on SQLite with BEGIN and COMMIT, at most 5 round trips on PostgreSQL."""
    limit = 10 if office.db.dialect == "sqlite" else 5
    for _ in range(2):  # the first time round prepares statements
        ref = stage.file("vptt.han", "visit")
        demo.advance(stage, ref, "visit", "consulted")
        counts = {}
        for who, action, given in (
            ("cv.binh", "recommend", demo.proposal(stage, ref, "visit")),
            ("tp.hoa", "endorse", {}),
            ("gd.khanh", "send_back", {"reason": "Xem lại."}),
        ):
            version, actor = stage.row(ref)["version"], stage.actor(who)
            counts[action] = statements_of(office, lambda a=action, g=given, v=version, p=actor: engine.perform(office, p, ref, a, g, version=v))
    assert max(counts.values()) <= limit, counts


def test_a_list_page_costs_a_constant_number_of_queries(office, stage):
    """Target 13: at most 3 queries a page, whatever the number of rows."""
    actor = stage.actor("tp.hoa")
    counts = set()
    for limit in (1, 25, 100):
        queries.list_cases(office, actor, {"limit": limit})
        counts.add(statements_of(office, lambda n=limit: queries.list_cases(office, actor, {"limit": n, "inbox": True})))
    assert len(counts) == 1 and counts.pop() <= 4  # BEGIN and ROLLBACK included
