"""The machines, typed by hand from the contract; nothing here is derived from the product's code.

`ARROWS[kind][action]` lists (sources, target or "=", roles). `expected` says what a person in a relation to
a case is answered: 404, 403, 409 `state`, or that the arrow is allowed once its needs are met.
"""

from __future__ import annotations

REVIEW_V = ["under_review", "clarification_required", "pending_endorsement", "pending_decision", "pending_committee"]
REVIEW_I = ["under_review", "clarification_required", "pending_endorsement", "pending_decision", "pending_interviewee"]

VISIT_STATES = {
    "draft": (None, ["applicant"]), "requested": ("requested", ["intake"]), "supplement_required": ("requested", ["applicant"]),
    "under_review": ("review", ["officer"]), "clarification_required": ("review", ["applicant"]), "pending_endorsement": ("review", ["head"]),
    "pending_decision": ("review", ["director"]), "pending_committee": ("review", ["committee"]), "approved": ("approved", ["guide"]),
    "accompanied": ("accompanied", ["guide"]), "suspended": ("accompanied", ["director", "committee"]), "reported": ("reported", ["head"]),
}  # fmt: skip
ENDS_V = ["closed", "discarded", "not_accepted", "rejected", "withdrawn", "stopped", "cancelled", "no_show", "revoked"]
INTERVIEW_STATES = {k: v for k, v in VISIT_STATES.items() if k not in ("pending_committee", "suspended")} | {
    "pending_interviewee": ("review", ["leader_office"])
}
ENDS_I = [name for name in ENDS_V if name != "revoked"]

STATES = {
    "visit": [*VISIT_STATES, *ENDS_V],
    "interview": [*INTERVIEW_STATES, *ENDS_I],
    "consultation": ["asked", "answered", "lapsed", "cancelled"],
    "letter": ["drafted", "sealed", "issued", "void", "replaced", "recalled"],
}
WAITS = {"visit": VISIT_STATES, "interview": INTERVIEW_STATES}

VISIT = {
    "submit": [(["draft"], "requested", ["applicant"])],
    "discard": [(["draft"], "discarded", ["applicant"])],
    "accept": [(["requested"], "under_review", ["intake", "head"])],
    "ask_supplement": [(["requested"], "supplement_required", ["intake"])],
    "resubmit": [(["supplement_required"], "requested", ["applicant"])],
    "ask_clarification": [(["under_review"], "clarification_required", ["officer"])],
    "clarify": [(["clarification_required"], "under_review", ["applicant"])],
    "remind": [(["supplement_required", "clarification_required"], "=", ["intake", "officer", "clock"])],
    "take_back": [(["supplement_required"], "requested", ["intake", "head"]), (["clarification_required"], "under_review", ["officer", "head"])],
    "allow_supplement": [(["requested", "under_review"], "=", ["head"])],
    "refuse_intake": [(["requested"], "not_accepted", ["intake"])],
    "refer_out": [(["under_review"], "not_accepted", ["head"])],
    "correct_typing": [(["requested", "under_review"], "=", ["intake", "officer"])],
    "assign_officer": [([*REVIEW_V, "approved", "accompanied", "suspended", "reported"], "=", ["head", "director"])],
    "consult": [(["under_review"], "=", ["officer"])],
    "record_permit": [(["under_review", "approved", "accompanied"], "=", ["applicant", "officer"])],
    "extend": [(["requested", "supplement_required", *REVIEW_V], "=", ["head", "director"])],
    "recommend": [(["under_review"], "pending_endorsement", ["officer"])],
    "endorse": [(["pending_endorsement"], "pending_decision", ["head", "director"])],
    "send_back": [(["pending_endorsement"], "under_review", ["head", "director"]), (["pending_decision"], "under_review", ["director"]),
                  (["pending_committee"], "under_review", ["committee"])],
    "recall": [(["pending_endorsement"], "under_review", ["officer"]), (["pending_decision"], "under_review", ["head"]),
               (["pending_committee"], "under_review", ["director"])],
    "refer_up": [(["pending_decision"], "pending_committee", ["director"])],
    "approve": [(["pending_decision"], "approved", ["director"]), (["pending_committee"], "approved", ["committee"])],
    "reject": [(["pending_decision"], "rejected", ["director"]), (["pending_committee"], "rejected", ["committee"])],
    "enter_paper_decision": [(["pending_committee"], "=", ["registry", "officer"])],
    "confirm_paper_approval": [(["pending_committee"], "approved", ["registry", "officer", "head"])],
    "confirm_paper_refusal": [(["pending_committee"], "rejected", ["registry", "officer", "head"])],
    "assign_guide": [(["approved", "accompanied"], "=", ["officer", "head"])],
    "start": [(["approved"], "accompanied", ["guide", "officer"])],
    "log": [(["accompanied", "suspended"], "=", ["guide", "officer"])],
    "suspend": [(["accompanied"], "suspended", ["director", "committee"])],
    "record_suspension": [(["accompanied"], "suspended", ["guide", "officer", "head"])],
    "resume": [(["suspended"], "accompanied", ["director", "committee"])],
    "record_resumption": [(["suspended"], "accompanied", ["guide", "officer"])],
    "announce_hearing": [(["approved", "suspended"], "=", ["officer", "head"])],
    "hear": [(["approved", "suspended"], "=", ["applicant", "officer"])],
    "revoke": [(["approved", "suspended"], "revoked", ["director", "committee"])],
    "cancel": [(["approved"], "cancelled", ["applicant"])],
    "postpone": [(["approved"], "=", ["officer", "director"])],
    "call_off": [(["approved"], "cancelled", ["director", "committee"])],
    "conclude": [(["approved"], "closed", ["officer", "head"])],
    "mark_no_show": [(["approved"], "no_show", ["guide", "officer"])],
    "file_report": [(["accompanied", "suspended"], "reported", ["guide", "officer"])],
    "return_report": [(["reported"], "accompanied", ["head", "director"])],
    "close": [(["reported"], "closed", ["head", "director"])],
    "withdraw": [(["requested", "supplement_required", *REVIEW_V], "withdrawn", ["applicant"])],
    "stop": [(["supplement_required", "clarification_required"], "stopped", ["head"])],
}  # fmt: skip

INTERVIEW = {
    "submit": VISIT["submit"], "discard": VISIT["discard"], "accept": VISIT["accept"], "ask_supplement": VISIT["ask_supplement"],
    "resubmit": VISIT["resubmit"], "ask_clarification": VISIT["ask_clarification"], "clarify": VISIT["clarify"], "remind": VISIT["remind"],
    "take_back": VISIT["take_back"], "allow_supplement": VISIT["allow_supplement"], "refuse_intake": VISIT["refuse_intake"],
    "refer_out": VISIT["refer_out"], "correct_typing": VISIT["correct_typing"], "consult": VISIT["consult"], "recommend": VISIT["recommend"],
    "endorse": VISIT["endorse"], "assign_guide": VISIT["assign_guide"], "cancel": VISIT["cancel"], "mark_no_show": VISIT["mark_no_show"],
    "close": VISIT["close"], "stop": VISIT["stop"],
    "assign_officer": [([*REVIEW_I, "approved", "accompanied", "reported"], "=", ["head", "director"])],
    "extend": [(["requested", "supplement_required", *REVIEW_I], "=", ["head", "director"])],
    "withdraw": [(["requested", "supplement_required", *REVIEW_I], "withdrawn", ["applicant"])],
    "send_back": [(["pending_endorsement"], "under_review", ["head", "director"]), (["pending_decision"], "under_review", ["director"]),
                  (["pending_interviewee"], "under_review", ["leader_office"])],
    "recall": [(["pending_endorsement"], "under_review", ["officer"]), (["pending_decision"], "under_review", ["head"]),
               (["pending_interviewee"], "under_review", ["director"])],
    "forward": [(["pending_decision"], "pending_interviewee", ["director"])],
    "reject": [(["pending_decision"], "rejected", ["director"])],
    "accept_interview": [(["pending_interviewee"], "approved", ["leader_office"])],
    "decline_interview": [(["pending_interviewee"], "rejected", ["leader_office"])],
    "enter_paper_decision": [(["pending_interviewee"], "=", ["registry", "officer"])],
    "confirm_paper_acceptance": [(["pending_interviewee"], "approved", ["registry", "officer", "head"])],
    "confirm_paper_decline": [(["pending_interviewee"], "rejected", ["registry", "officer", "head"])],
    "brief": [(["under_review", "pending_interviewee", "approved"], "=", ["officer", "leader_office"])],
    "propose_slots": [(["under_review", "pending_interviewee", "approved"], "=", ["officer", "leader_office"])],
    "agree_slot": [(["under_review", "pending_interviewee", "approved"], "=", ["applicant"])],
    "reschedule": [(["approved"], "=", ["officer", "leader_office"])],
    "postpone": [(["approved"], "=", ["leader_office", "officer", "director"])],
    "call_off": [(["approved"], "cancelled", ["leader_office", "director"])],
    "start": [(["approved"], "accompanied", ["guide", "officer"])],
    "not_held": [(["accompanied"], "approved", ["guide", "officer"])],
    "deliver_answers": [(["approved"], "reported", ["officer"]), (["accompanied"], "=", ["officer"])],
    "return_report": [(["reported"], "accompanied", ["head", "director"])],
    "return_answers": [(["reported"], "approved", ["head", "director"])],
    "file_report": [(["accompanied"], "reported", ["guide", "officer"])],
}  # fmt: skip

CONSULTATION = {
    "answer": [(["asked", "lapsed"], "answered", ["consultee"])],
    "record_answer": [(["asked", "lapsed"], "answered", ["registry", "officer"])],
    "amend_answer": [(["answered"], "=", ["consultee"])],
    "remind": [(["asked"], "=", ["officer", "clock"])],
    "lapse": [(["asked"], "lapsed", ["clock", "officer"])],
    "cancel_consultation": [(["asked"], "cancelled", ["officer", "head", "clock"])],
}
LETTER = {
    "sign": [(["drafted"], "sealed", ["intake", "officer", "head", "director", "committee", "leader_office"])],
    "issue": [(["sealed"], "issued", ["registry", "intake"])],
    "withdraw_signature": [(["sealed"], "drafted", ["officer", "head", "director", "committee", "leader_office"])],
    "void": [(["drafted"], "void", ["officer", "registry", "clock"])],
    "replace": [(["issued"], "replaced", ["registry"])],
    "recall": [(["issued"], "recalled", ["director", "committee"])],
}
ARROWS = {"visit": VISIT, "interview": INTERVIEW, "consultation": CONSULTATION, "letter": LETTER}


def arrows(kind: str) -> dict[tuple[str, str], tuple[str, frozenset[str]]]:
    """(action, source) → (target, roles)."""
    return {
        (action, source): (source if target == "=" else target, frozenset(roles))
        for action, rows in ARROWS[kind].items()
        for sources, target, roles in rows
        for source in sources
    }


# Who stands in which relation to the case under test, and the roles that gives them there.
RELATIONS = {
    "author": ("vptt.han", {"applicant"}),
    "colleague": ("vptt.thu", set()),
    "stranger": ("vptt.lam", set()),
    "intake": ("motcua.mai", {"intake"}),
    "officer": ("cv.binh", {"officer"}),
    "other_officer": ("cv.dung", set()),
    "head": ("ptp.ngoc", {"head"}),
    "director": ("pgd.linh", {"director"}),
    "committee": ("ubnd.quang", {"committee"}),
    "leader_office": ("vpub.phuong", {"leader_office"}),
    "consultee": ("ca.phuc", {"consultee"}),
    "other_consultee": ("vhttdl.son", set()),
    "guide": ("hd.thao", {"guide"}),
    "other_guide": ("hd.uyen", set()),
    "registry": ("vt.van", {"registry"}),
    "auditor": ("ktr.xuan", set()),
    "admin": ("qt.yen", set()),
}
AFTER_APPROVAL = {"approved", "accompanied", "suspended", "reported", "closed", "cancelled", "no_show", "revoked"}
BEFORE_ACCEPT = {"draft", "discarded", "requested", "supplement_required", "not_accepted"}
REFERRED = {"pending_committee", "approved", "accompanied", "suspended", "reported", "closed", "cancelled", "no_show", "revoked", "rejected"}
UNASSIGNED = {"draft", "discarded", "requested", "supplement_required", "not_accepted", "stopped"}
SENT = {"issued", "replaced", "recalled"}


def sees(kind: str, state: str, relation: str) -> bool:
    """Whether the case exists for this person: row *case summary and status* of the permission matrix."""
    if relation == "auditor":
        return True
    if relation in ("admin", "stranger", "colleague", "other_guide", "other_consultee"):
        return False
    if kind in ("visit", "interview"):
        if relation == "author":
            return True
        if state in ("draft", "discarded"):
            return False
        if relation in ("intake", "officer", "other_officer", "head", "director"):
            return True
        if relation == "committee":
            return kind == "visit" and state in REFERRED
        if relation == "leader_office":
            return kind == "interview"
        if relation == "guide":
            return state in AFTER_APPROVAL
        if relation == "registry":
            return state not in BEFORE_ACCEPT | {"stopped"}
        return False
    if kind == "consultation":
        return relation in ("consultee", "intake", "officer", "other_officer", "head", "director", "registry")
    if relation == "author":
        return state in SENT
    return relation in ("intake", "officer", "other_officer", "head", "director", "registry", "committee")


def holds(kind: str, state: str, relation: str) -> set[str]:
    """The roles a person holds on the case in this state."""
    roles = set(RELATIONS[relation][1])
    if kind in ("visit", "interview"):
        roles -= {"consultee"}
        if state in UNASSIGNED:
            roles -= {"officer"}
    else:
        roles -= {"applicant", "guide"}
    return roles


def expected(kind: str, state: str, action: str, relation: str) -> tuple[int, str]:
    """(status, code) by the order of security 3.2; (200, "allowed") where only needs and inputs are left."""
    if not sees(kind, state, relation):
        return 404, "not_found"
    table = arrows(kind)
    if action not in ARROWS[kind]:
        return 404, "not_found"
    held = holds(kind, state, relation)
    anywhere = set().union(*(roles for (name, _), (_, roles) in table.items() if name == action))
    if not held & anywhere:
        return 403, "role"
    arrow = table.get((action, state))
    if arrow is None:
        return 409, "state"
    if not held & arrow[1]:
        return 403, "role"
    return 200, "allowed"
