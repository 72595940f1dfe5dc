"""The table typed by hand is itself sound, and says what the sentences of machines.md say."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.oracle import table


def steps(kind, action):
    return {(source, target): set(roles) for name, source, target, roles in table.ARROWS[kind] if name == action}


def sources(kind, action):
    return {source for source, _ in steps(kind, action)}


REVIEW = {"under_review", "clarification_required", "pending_endorsement", "pending_decision", "pending_committee"}


def test_counts():
    assert {kind: len(table.STATES[kind]) for kind in table.KINDS} == {"visit": 21, "interview": 19, "consultation": 4, "letter": 6}
    # contract 4: 76 states in all eight kinds; change 10, incident 4, correction 7, complaint 5
    assert sum(len(table.STATES[kind]) for kind in table.KINDS) == 76 - 26
    print("cells:", Counter(kind for kind, *_ in table.cells()), sum(1 for _ in table.cells()))


@pytest.mark.parametrize("kind", table.KINDS)
def test_arrows_join_known_states_and_an_action_has_one_destination(kind):
    seen = Counter((action, source) for action, source, _, _ in table.ARROWS[kind])
    assert not [key for key, count in seen.items() if count > 1]
    for _, source, target, roles in table.ARROWS[kind]:
        assert source in table.STATES[kind]
        assert target in table.STATES[kind]
        assert roles


@pytest.mark.parametrize("kind", table.KINDS)
def test_every_state_is_reachable_and_leads_to_an_end(kind):
    reached = {table.START[kind], *table.ALSO_STARTS.get(kind, ())}
    while True:
        more = {target for _, source, target, _ in table.ARROWS[kind] if source in reached} - reached
        if not more:
            break
        reached |= more
    assert reached == set(table.STATES[kind])
    good = {state for state, row in table.STATES[kind].items() if row[2]}
    while True:
        more = {source for _, source, target, _ in table.ARROWS[kind] if target in good} - good
        if not more:
            break
        good |= more
    assert good == set(table.STATES[kind])


@pytest.mark.parametrize("kind", table.KINDS)
def test_ends_are_left_by_nothing_and_all_else_is_left(kind):
    left = {source for _, source, target, _ in table.ARROWS[kind] if source != target}
    for state, (_, waits, end, resting, *_rest) in table.STATES[kind].items():
        assert (state in left) is not end, state
        assert bool(waits) is not (end or resting), state
        assert not (end and resting), state


def test_the_clock_takes_no_arrow_into_an_end_of_a_visit_or_interview():
    for kind in ("visit", "interview"):
        assert not [a for a in table.ARROWS[kind] if "clock" in a[3] and table.STATES[kind][a[2]][2]]


@pytest.mark.parametrize("kind", table.KINDS)
def test_tables_name_only_actions_there_are(kind):
    assert {key.partition("@")[0] for key in table._NEEDS[kind]} <= set(table.ACTIONS[kind])
    assert set(table._REQUIRED[kind]) <= set(table.ACTIONS[kind])
    for (action, _), needs in table.NEEDS[kind].items():
        required = table.REQUIRED_INPUT[kind][action]
        if "reason_given" in needs:
            assert "reason" in required, action
        if "seen_is_current" in needs:
            assert "seen" in required, action
        if "ground_of_competence" in needs:
            assert "ground" in required, action


def test_interview_has_the_visits_actions_without_those_named():
    gone = set(
        "refer_up conclude approve confirm_paper_approval confirm_paper_refusal record_permit log suspend record_suspension"
        " resume record_resumption announce_hearing hear revoke".split()
    )
    added = set(
        "forward accept_interview decline_interview confirm_paper_acceptance confirm_paper_decline brief propose_slots agree_slot"
        " reschedule not_held deliver_answers return_answers".split()
    )
    assert set(table.ACTIONS["visit"]) - set(table.ACTIONS["interview"]) == gone
    assert set(table.ACTIONS["interview"]) - set(table.ACTIONS["visit"]) == added
    assert set(table.STATES["visit"]) - set(table.STATES["interview"]) == {"pending_committee", "suspended", "revoked"}
    assert set(table.STATES["interview"]) - set(table.STATES["visit"]) == {"pending_interviewee"}
    changed = {"send_back", "recall", "reject", "postpone", "call_off", "start", "file_report", "return_report"}

    def read(state):
        return "pending_interviewee" if state == "pending_committee" else state

    for action in set(table.ACTIONS["visit"]) - gone - changed:
        visit = {(read(s), read(t)): r for (s, t), r in steps("visit", action).items() if s != "suspended"}
        assert visit == steps("interview", action), action


# (kind, state, action, relation, answer)
SPOTS = [
    # visit, before accept
    ("visit", "draft", "submit", "applicant", (200, "allowed")),
    ("visit", "draft", "submit", "applicant_lead", (200, "allowed")),
    ("visit", "draft", "submit", "applicant_other_org", (404, "not_found")),
    ("visit", "draft", "submit", "intake", (404, "not_found")),
    ("visit", "draft", "submit", "intake_keyed", (200, "allowed")),
    ("visit", "draft", "accept", "head", (404, "not_found")),
    ("visit", "draft", "approve", "auditor", (403, "role")),
    ("visit", "requested", "submit", "applicant", (409, "state")),
    ("visit", "requested", "accept", "intake", (200, "allowed")),
    ("visit", "requested", "accept", "head", (200, "allowed")),
    ("visit", "requested", "accept", "director", (403, "role")),
    ("visit", "requested", "accept", "registry", (404, "not_found")),
    ("visit", "requested", "accept", "applicant_colleague", (404, "not_found")),
    ("visit", "requested", "correct_typing", "intake", (200, "allowed")),
    ("visit", "requested", "correct_typing", "officer", (403, "role")),
    ("visit", "under_review", "correct_typing", "officer", (200, "allowed")),
    ("visit", "supplement_required", "take_back", "intake", (200, "allowed")),
    ("visit", "clarification_required", "take_back", "intake", (403, "role")),
    ("visit", "clarification_required", "take_back", "officer", (200, "allowed")),
    ("visit", "clarification_required", "remind", "intake", (200, "allowed")),
    # visit, review
    ("visit", "under_review", "recommend", "officer", (200, "allowed")),
    ("visit", "under_review", "recommend", "officer_other", (403, "role")),
    ("visit", "under_review", "recommend", "committee", (404, "not_found")),
    ("visit", "under_review", "refer_out", "head", (200, "allowed")),
    ("visit", "under_review", "accept", "intake", (409, "state")),
    ("visit", "under_review", "forward", "director", (404, "not_found")),
    ("visit", "pending_endorsement", "endorse", "director", (200, "allowed")),
    ("visit", "pending_endorsement", "recall", "officer", (200, "allowed")),
    ("visit", "pending_endorsement", "recall", "head", (403, "role")),
    ("visit", "pending_decision", "recall", "head", (200, "allowed")),
    ("visit", "pending_decision", "send_back", "head", (403, "role")),
    ("visit", "pending_decision", "send_back", "committee", (404, "not_found")),
    ("visit", "pending_decision", "approve", "director", (200, "allowed")),
    ("visit", "pending_committee", "approve", "director", (403, "role")),
    ("visit", "pending_committee", "approve", "committee", (200, "allowed")),
    ("visit", "pending_committee", "recall", "director", (200, "allowed")),
    ("visit", "pending_committee", "enter_paper_decision", "registry", (200, "allowed")),
    ("visit", "pending_committee", "enter_paper_decision", "head", (403, "role")),
    ("visit", "pending_committee", "confirm_paper_approval", "head", (200, "allowed")),
    ("visit", "under_review", "answer", "consultee", (404, "not_found")),
    # visit, after approval
    ("visit", "approved", "start", "guide", (200, "allowed")),
    ("visit", "approved", "start", "guide_other", (404, "not_found")),
    ("visit", "approved", "log", "guide", (409, "state")),
    ("visit", "suspended", "log", "guide", (200, "allowed")),
    ("visit", "accompanied", "suspend", "committee", (200, "allowed")),
    ("visit", "suspended", "revoke", "director", (200, "allowed")),
    ("visit", "accompanied", "revoke", "director", (409, "state")),
    ("visit", "reported", "close", "officer", (403, "role")),
    ("visit", "reported", "close", "head", (200, "allowed")),
    ("visit", "closed", "close", "head", (409, "state")),
    ("visit", "approved", "call_off", "leader_office", (404, "not_found")),
    ("visit", "approved", "start", "admin", (404, "not_found")),
    # interview
    ("interview", "pending_interviewee", "accept_interview", "leader_office", (200, "allowed")),
    ("interview", "pending_interviewee", "accept_interview", "director", (403, "role")),
    ("interview", "pending_interviewee", "accept_interview", "committee", (404, "not_found")),
    ("interview", "pending_interviewee", "recall", "director", (200, "allowed")),
    ("interview", "pending_interviewee", "send_back", "director", (403, "role")),
    ("interview", "pending_decision", "reject", "director", (200, "allowed")),
    ("interview", "pending_interviewee", "reject", "director", (409, "state")),
    ("interview", "pending_decision", "approve", "director", (404, "not_found")),
    ("interview", "requested", "accept_interview", "leader_office", (409, "state")),
    ("interview", "draft", "accept_interview", "leader_office", (404, "not_found")),
    ("interview", "approved", "agree_slot", "applicant", (200, "allowed")),
    ("interview", "approved", "call_off", "leader_office", (200, "allowed")),
    ("interview", "accompanied", "not_held", "guide", (200, "allowed")),
    ("interview", "accompanied", "deliver_answers", "guide", (403, "role")),
    # consultation and letter
    ("consultation", "asked", "answer", "consultee", (200, "allowed")),
    ("consultation", "asked", "answer", "consultee_other", (404, "not_found")),
    ("consultation", "asked", "answer", "applicant", (404, "not_found")),
    ("consultation", "asked", "answer", "officer", (403, "role")),
    ("consultation", "lapsed", "record_answer", "registry", (200, "allowed")),
    ("consultation", "answered", "answer", "consultee", (409, "state")),
    ("consultation", "answered", "amend_answer", "consultee", (200, "allowed")),
    ("consultation", "asked", "cancel_consultation", "head", (200, "allowed")),
    ("consultation", "asked", "remind", "leader_office", (404, "not_found")),
    ("letter", "drafted", "sign", "intake", (200, "allowed")),
    ("letter", "sealed", "withdraw_signature", "intake", (403, "role")),
    ("letter", "sealed", "issue", "intake", (200, "allowed")),
    ("letter", "sealed", "issue", "head", (403, "role")),
    ("letter", "issued", "replace", "registry", (200, "allowed")),
    ("letter", "issued", "recall", "director", (200, "allowed")),
    ("letter", "issued", "recall", "applicant", (403, "role")),
    ("letter", "sealed", "recall", "applicant", (404, "not_found")),
    ("letter", "drafted", "issue", "registry", (409, "state")),
    ("letter", "issued", "issue", "consultee", (404, "not_found")),
]


@pytest.mark.parametrize(("kind", "state", "action", "relation", "answer"), SPOTS)
def test_spot(kind, state, action, relation, answer):
    assert table.expected(kind, state, action, relation) == answer


def test_sentences():
    assert sources("visit", "withdraw") == {"requested", "supplement_required"} | REVIEW
    assert sources("visit", "extend") == {"requested", "supplement_required"} | REVIEW
    assert sources("visit", "assign_officer") == REVIEW | {"approved", "accompanied", "suspended", "reported"}
    assert steps("visit", "file_report") == {("accompanied", "reported"): {"guide", "officer"}, ("suspended", "reported"): {"guide", "officer"}}
    assert steps("interview", "file_report") == {("accompanied", "reported"): {"guide", "officer"}}
    assert steps("interview", "deliver_answers") == {("approved", "reported"): {"officer"}, ("accompanied", "accompanied"): {"officer"}}
    assert steps("letter", "withdraw_signature") == {("sealed", "drafted"): {"officer", "head", "director", "committee", "leader_office"}}
    needs = table.NEEDS["visit"]
    assert needs["ask_clarification", "under_review"] == needs["ask_supplement", "requested"]
    assert needs["confirm_paper_approval", "pending_committee"][:2] == ("paper_entered", "second_person")
    assert needs["confirm_paper_approval", "pending_committee"][2:] == needs["approve", "pending_committee"]
    assert needs["confirm_paper_refusal", "pending_committee"][2:] == needs["reject", "pending_committee"]
    assert needs["cancel", "approved"] == ()
    needs = table.NEEDS["interview"]
    assert "nothing_to_speak" in needs["deliver_answers", "approved"]
    assert "nothing_to_speak" not in needs["deliver_answers", "accompanied"]
    assert "level_is_mine" not in needs["reject", "pending_decision"]
    assert needs["decline_interview", "pending_interviewee"] == ("ground_given",)


def test_facts_change_who_sees():
    assert not table.visible("visit", "not_accepted", "registry")
    assert table.visible("visit", "not_accepted", "registry", accepted=True)  # by refer_out
    assert not table.visible("visit", "rejected", "committee", referred=False)  # by the director
    assert not table.visible("consultation", "asked", "committee")
    assert table.visible("consultation", "asked", "committee", referred=True)
    assert not table.visible("letter", "issued", "applicant", to_applicant=False)
    assert table.expected("letter", "drafted", "sign", "leader_office", parent="interview") == (200, "allowed")
    assert table.expected("visit", "stopped", "recommend", "officer") == (403, "role")
    assert table.expected("visit", "stopped", "recommend", "officer", accepted=True) == (409, "state")


def test_what_this_step_leaves_for_later():
    assert table.answered_now("visit", "accompanied", "suspend", "director") == (409, "needs")
    assert table.answered_now("visit", "accompanied", "suspend", "officer") == (403, "role")
    assert table.answered_now("visit", "approved", "suspend", "director") == (409, "state")
    assert table.answered_now("visit", "accompanied", "log", "guide") == (200, "allowed")


def test_every_cell_is_answered():
    answers = Counter(table.expected(*cell) for cell in table.cells())
    assert set(answers) == {(200, "allowed"), (403, "role"), (404, "not_found"), (409, "state")}
    print(answers)
