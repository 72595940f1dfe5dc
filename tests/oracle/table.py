"""The machines of visit, interview, consultation and letter, typed by hand from machines.md (sections 1-4), contract.md and security.md 3.

Nothing here is imported from or compared with the product: the tests compare the product with this. Where the
documents leave something open, the reading chosen is marked READING.
"""

from __future__ import annotations

KINDS = ("visit", "interview", "consultation", "letter")

# --- states: (phase or None, waits_for, end, resting, label_vi, label_en) ---
# Ends have no phase: "an ended case shows the phase it left, a flow's end states null" (contract 2, Details).
# READING: `closed` has the phase `reported` in machines.md's table; the contract's null wins for the flow.
# A label is None where machines.md names none (English of most ends, all of the child kinds).

STATES: dict[str, dict[str, tuple[str | None, tuple[str, ...], bool, bool, str | None, str | None]]] = {
    "visit": {
        "draft": (None, ("applicant",), False, False, "Bản nháp", "Draft"),
        "requested": ("requested", ("intake",), False, False, "Đã gửi", "Requested"),
        "supplement_required": ("requested", ("applicant",), False, False, "Cần bổ sung hồ sơ", "Supplement required"),
        "under_review": ("review", ("officer",), False, False, "Sở Ngoại vụ đang thẩm định", "Under review"),
        "clarification_required": ("review", ("applicant",), False, False, "Cần làm rõ", "Clarification required"),
        "pending_endorsement": ("review", ("head",), False, False, "Chờ lãnh đạo phòng", "Pending endorsement"),
        "pending_decision": ("review", ("director",), False, False, "Chờ lãnh đạo Sở", "Pending decision"),
        "pending_committee": ("review", ("committee",), False, False, "Chờ UBND quyết định", "Pending committee"),
        "approved": ("approved", ("guide",), False, False, "Đã chấp thuận", "Approved"),
        "accompanied": ("accompanied", ("guide",), False, False, "Đang tác nghiệp", "Accompanied"),
        "suspended": ("accompanied", ("director", "committee"), False, False, "Tạm đình chỉ", "Suspended"),
        "reported": ("reported", ("head",), False, False, "Đã báo cáo", "Reported"),
        "closed": (None, (), True, False, "Đã kết thúc", "Closed"),
        "discarded": (None, (), True, False, "Đã bỏ", None),
        "not_accepted": (None, (), True, False, "Không tiếp nhận", None),
        "rejected": (None, (), True, False, "Không chấp thuận", None),
        "withdrawn": (None, (), True, False, "Đã rút", None),
        "stopped": (None, (), True, False, "Dừng giải quyết", None),
        "cancelled": (None, (), True, False, "Đã hủy", None),
        "no_show": (None, (), True, False, "Không đến", None),
        "revoked": (None, (), True, False, "Thu hồi", None),
    },
    "interview": {
        "draft": (None, ("applicant",), False, False, "Bản nháp", "Draft"),
        "requested": ("requested", ("intake",), False, False, "Đã gửi", "Requested"),
        "supplement_required": ("requested", ("applicant",), False, False, "Cần bổ sung hồ sơ", "Supplement required"),
        "under_review": ("review", ("officer",), False, False, "Sở Ngoại vụ đang thẩm định", "Under review"),
        "clarification_required": ("review", ("applicant",), False, False, "Cần làm rõ", "Clarification required"),
        "pending_endorsement": ("review", ("head",), False, False, "Chờ lãnh đạo phòng", "Pending endorsement"),
        "pending_decision": ("review", ("director",), False, False, "Chờ lãnh đạo Sở", "Pending decision"),
        "pending_interviewee": ("review", ("leader_office",), False, False, "Chờ cơ quan của người được phỏng vấn", "Pending interviewee"),
        "approved": ("approved", ("guide",), False, False, "Đã chấp thuận", "Approved"),
        "accompanied": ("accompanied", ("guide",), False, False, "Đang tác nghiệp", "Accompanied"),
        "reported": ("reported", ("head",), False, False, "Đã báo cáo", "Reported"),
        "closed": (None, (), True, False, "Đã kết thúc", "Closed"),
        "discarded": (None, (), True, False, "Đã bỏ", None),
        "not_accepted": (None, (), True, False, "Không tiếp nhận", None),
        "rejected": (None, (), True, False, "Không chấp thuận", None),
        "withdrawn": (None, (), True, False, "Đã rút", None),
        "stopped": (None, (), True, False, "Dừng giải quyết", None),
        "cancelled": (None, (), True, False, "Đã hủy", None),
        "no_show": (None, (), True, False, "Không đến", None),
    },
    "consultation": {
        "asked": (None, ("consultee",), False, False, None, None),
        "answered": (None, (), True, False, None, None),  # amend_answer goes to itself: an end all the same
        "lapsed": (None, (), False, True, None, None),
        "cancelled": (None, (), True, False, None, None),
    },
    "letter": {
        "drafted": (None, ("officer", "head", "director"), False, False, None, None),  # READING: whoever may sign; machines.md names nobody
        "sealed": (None, ("registry",), False, False, None, None),
        "issued": (None, (), False, True, None, None),
        "void": (None, (), True, False, None, None),
        "replaced": (None, (), True, False, None, None),
        "recalled": (None, (), True, False, None, None),
    },
}

START = {"visit": "draft", "interview": "draft", "consultation": "asked", "letter": "drafted"}
ALSO_STARTS = {"letter": ("sealed",)}  # letters of a decision are born sealed

# --- arrows, one row per line of the tables: (action, sources, target or "=", roles) ---

_ROWS: dict[str, list[tuple[str, str, str, str]]] = {
    "visit": [
        ("submit", "draft", "requested", "applicant"),
        ("discard", "draft", "discarded", "applicant"),
        ("accept", "requested", "under_review", "intake head"),
        ("ask_supplement", "requested", "supplement_required", "intake"),
        ("resubmit", "supplement_required", "requested", "applicant"),
        ("ask_clarification", "under_review", "clarification_required", "officer"),
        ("clarify", "clarification_required", "under_review", "applicant"),
        ("remind", "supplement_required clarification_required", "=", "intake officer clock"),
        ("take_back", "supplement_required", "requested", "intake head"),
        ("take_back", "clarification_required", "under_review", "officer head"),
        ("allow_supplement", "requested under_review", "=", "head"),
        ("refuse_intake", "requested", "not_accepted", "intake"),
        ("refer_out", "under_review", "not_accepted", "head"),
        ("correct_typing", "requested under_review", "=", "intake officer"),
        (
            "assign_officer",
            "under_review clarification_required pending_endorsement pending_decision pending_committee approved accompanied suspended reported",
            "=",
            "head director",
        ),
        ("consult", "under_review", "=", "officer"),
        ("record_permit", "under_review approved accompanied", "=", "applicant officer"),
        (
            "extend",
            "requested supplement_required under_review clarification_required pending_endorsement pending_decision pending_committee",
            "=",
            "head director",
        ),
        ("recommend", "under_review", "pending_endorsement", "officer"),
        ("endorse", "pending_endorsement", "pending_decision", "head director"),
        ("send_back", "pending_endorsement", "under_review", "head director"),
        ("send_back", "pending_decision", "under_review", "director"),
        ("send_back", "pending_committee", "under_review", "committee"),
        ("recall", "pending_endorsement", "under_review", "officer"),
        ("recall", "pending_decision", "under_review", "head"),
        ("recall", "pending_committee", "under_review", "director"),
        ("refer_up", "pending_decision", "pending_committee", "director"),
        ("approve", "pending_decision", "approved", "director"),
        ("approve", "pending_committee", "approved", "committee"),
        ("reject", "pending_decision", "rejected", "director"),
        ("reject", "pending_committee", "rejected", "committee"),
        ("enter_paper_decision", "pending_committee", "=", "registry officer"),
        ("confirm_paper_approval", "pending_committee", "approved", "registry officer head"),
        ("confirm_paper_refusal", "pending_committee", "rejected", "registry officer head"),
        ("assign_guide", "approved accompanied", "=", "officer head"),
        ("start", "approved", "accompanied", "guide officer"),
        ("log", "accompanied suspended", "=", "guide officer"),
        ("suspend", "accompanied", "suspended", "director committee"),
        ("record_suspension", "accompanied", "suspended", "guide officer head"),
        ("resume", "suspended", "accompanied", "director committee"),
        ("record_resumption", "suspended", "accompanied", "guide officer"),
        ("announce_hearing", "approved suspended", "=", "officer head"),
        ("hear", "approved suspended", "=", "applicant officer"),
        ("revoke", "approved suspended", "revoked", "director committee"),
        ("cancel", "approved", "cancelled", "applicant"),
        ("postpone", "approved", "=", "officer director"),
        ("call_off", "approved", "cancelled", "director committee"),
        ("conclude", "approved", "closed", "officer head"),
        ("mark_no_show", "approved", "no_show", "guide officer"),
        ("file_report", "accompanied suspended", "reported", "guide officer"),
        ("return_report", "reported", "accompanied", "head director"),
        ("close", "reported", "closed", "head director"),
        (
            "withdraw",
            "requested supplement_required under_review clarification_required pending_endorsement pending_decision pending_committee",
            "withdrawn",
            "applicant",
        ),
        ("stop", "supplement_required clarification_required", "stopped", "head"),
    ],
    "interview": [
        # as visit
        ("submit", "draft", "requested", "applicant"),
        ("discard", "draft", "discarded", "applicant"),
        ("accept", "requested", "under_review", "intake head"),
        ("ask_supplement", "requested", "supplement_required", "intake"),
        ("resubmit", "supplement_required", "requested", "applicant"),
        ("ask_clarification", "under_review", "clarification_required", "officer"),
        ("clarify", "clarification_required", "under_review", "applicant"),
        ("remind", "supplement_required clarification_required", "=", "intake officer clock"),
        ("take_back", "supplement_required", "requested", "intake head"),
        ("take_back", "clarification_required", "under_review", "officer head"),
        ("allow_supplement", "requested under_review", "=", "head"),
        ("refuse_intake", "requested", "not_accepted", "intake"),
        ("refer_out", "under_review", "not_accepted", "head"),
        ("correct_typing", "requested under_review", "=", "intake officer"),
        (
            "assign_officer",
            "under_review clarification_required pending_endorsement pending_decision pending_interviewee approved accompanied reported",
            "=",
            "head director",
        ),
        ("consult", "under_review", "=", "officer"),
        (
            "extend",
            "requested supplement_required under_review clarification_required pending_endorsement pending_decision pending_interviewee",
            "=",
            "head director",
        ),
        ("recommend", "under_review", "pending_endorsement", "officer"),
        ("endorse", "pending_endorsement", "pending_decision", "head director"),
        ("enter_paper_decision", "pending_interviewee", "=", "registry officer"),
        ("assign_guide", "approved accompanied", "=", "officer head"),
        ("cancel", "approved", "cancelled", "applicant"),
        ("mark_no_show", "approved", "no_show", "guide officer"),
        ("close", "reported", "closed", "head director"),
        (
            "withdraw",
            "requested supplement_required under_review clarification_required pending_endorsement pending_decision pending_interviewee",
            "withdrawn",
            "applicant",
        ),
        ("stop", "supplement_required clarification_required", "stopped", "head"),
        # changed
        ("send_back", "pending_endorsement", "under_review", "head director"),
        ("send_back", "pending_decision", "under_review", "director"),
        ("send_back", "pending_interviewee", "under_review", "leader_office"),
        ("recall", "pending_endorsement", "under_review", "officer"),
        ("recall", "pending_decision", "under_review", "head"),
        ("recall", "pending_interviewee", "under_review", "director"),
        ("reject", "pending_decision", "rejected", "director"),
        ("postpone", "approved", "=", "leader_office officer director"),
        ("call_off", "approved", "cancelled", "leader_office director"),
        ("start", "approved", "accompanied", "guide officer"),
        ("file_report", "accompanied", "reported", "guide officer"),
        ("return_report", "reported", "accompanied", "head director"),
        # added
        ("forward", "pending_decision", "pending_interviewee", "director"),
        ("accept_interview", "pending_interviewee", "approved", "leader_office"),
        ("decline_interview", "pending_interviewee", "rejected", "leader_office"),
        ("confirm_paper_acceptance", "pending_interviewee", "approved", "registry officer head"),
        ("confirm_paper_decline", "pending_interviewee", "rejected", "registry officer head"),
        ("brief", "under_review pending_interviewee approved", "=", "officer leader_office"),
        ("propose_slots", "under_review pending_interviewee approved", "=", "officer leader_office"),
        ("agree_slot", "under_review pending_interviewee approved", "=", "applicant"),
        ("reschedule", "approved", "=", "officer leader_office"),
        ("not_held", "accompanied", "approved", "guide officer"),
        ("deliver_answers", "approved", "reported", "officer"),
        ("deliver_answers", "accompanied", "=", "officer"),
        ("return_answers", "reported", "approved", "head director"),
    ],
    "consultation": [
        ("answer", "asked lapsed", "answered", "consultee"),
        ("record_answer", "asked lapsed", "answered", "registry officer"),
        ("amend_answer", "answered", "=", "consultee"),
        ("remind", "asked", "=", "officer clock"),
        ("lapse", "asked", "lapsed", "clock officer"),
        ("cancel_consultation", "asked", "cancelled", "officer head clock"),
    ],
    "letter": [
        ("sign", "drafted", "sealed", "intake officer head director committee leader_office"),
        ("issue", "sealed", "issued", "registry intake"),
        ("withdraw_signature", "sealed", "drafted", "officer head director committee leader_office"),
        ("void", "drafted", "void", "officer registry clock"),
        ("replace", "issued", "replaced", "registry"),
        ("recall", "issued", "recalled", "director committee"),
    ],
}

ARROWS: dict[str, list[tuple[str, str, str, frozenset[str]]]] = {
    kind: [
        (action, source, source if target == "=" else target, frozenset(roles.split())) for action, sources, target, roles in rows for source in sources.split()
    ]
    for kind, rows in _ROWS.items()
}

ACTIONS: dict[str, list[str]] = {kind: sorted({arrow[0] for arrow in arrows}) for kind, arrows in ARROWS.items()}

# --- needs, in the order written; conditional ones (for done, for reject, from approved) are listed too where they can apply ---

_ASK = "items_given supplement_trips_left respond_by_leaves_time"
_APPROVE = "level_is_mine third_person seen_is_current not_conflicted consultations_settled silence_acknowledged licence_covers_rows"
_REJECT = "level_is_mine third_person seen_is_current not_conflicted silence_acknowledged decision_is_ours ground_given"

# By action, or by "action@source" where the source changes them. An action not named here has none.
_NEEDS: dict[str, dict[str, str]] = {
    "visit": {
        "submit": "fields_complete papers_complete correspondent_present dates_valid received_at_plausible",
        "accept": "in_our_authority",
        "ask_supplement": _ASK,
        "resubmit": "items_answered",
        "ask_clarification": _ASK,
        "clarify": "items_answered",
        "take_back": "reason_given respond_by_passed_or_agreed",
        "allow_supplement": "reason_given",
        "refuse_intake": "ground_of_competence",
        "refer_out": "ground_of_competence",
        "correct_typing": "keyed_in_by_us",
        "assign_officer": "reason_given",
        "consult": "agency_not_open",
        "extend": "not_extended before_due",
        "recommend": "not_conflicted routing_settled consultations_settled prerequisites_known licence_covers_rows ground_given decision_is_ours",
        "endorse": "second_person not_conflicted somebody_decides",
        "send_back": "reason_given",
        "recall": "reason_given",
        "refer_up": "level_is_committee third_person not_conflicted consultations_settled",
        "approve": _APPROVE,
        "reject": _REJECT,
        "enter_paper_decision": "scan_present",
        "confirm_paper_approval": "paper_entered second_person " + _APPROVE,
        "confirm_paper_refusal": "paper_entered second_person " + _REJECT,
        "assign_guide": "guide_free",
        "start": "approval_issued guide_assigned_or_unaccompanied day_reached licence_valid",
        "log": "row_of_this_programme row_in_force row_permits_held",
        "suspend": "violation_noted",
        "record_suspension": "reason_given",
        "resume": "violation_settled",
        "record_resumption": "imposed_by_other suspension_over",
        "announce_hearing": "reason_given",
        "hear": "hearing_announced",
        "revoke": "heard_or_urgent same_level violation_recorded_or_other_ground",
        "postpone": "reason_given licence_covers_rows",
        "call_off": "reason_given",
        "conclude": "authority_is_opinion reply_issued",
        "mark_no_show": "grace_passed",
        "file_report": "report_complete all_rows_logged",
        "return_report": "reason_given",
        "close": "second_person ministry_report_sent no_open_child",
        "stop": "respond_by_passed reminder_sent",
    },
    "interview": {
        "submit": "fields_complete papers_complete correspondent_present dates_valid received_at_plausible questions_given purpose_given",
        "accept": "in_our_authority",
        "ask_supplement": _ASK,
        "resubmit": "items_answered",
        "ask_clarification": _ASK,
        "clarify": "items_answered",
        "take_back": "reason_given respond_by_passed_or_agreed",
        "allow_supplement": "reason_given",
        "refuse_intake": "ground_of_competence",
        "refer_out": "ground_of_competence",
        "correct_typing": "keyed_in_by_us",
        "assign_officer": "reason_given",
        "consult": "agency_not_open",
        "extend": "not_extended before_due",
        # READING: the cell is complete in itself; decision_is_ours and the visit's other needs of recommend do not apply.
        "recommend": "not_conflicted level_is_local questions_screened routing_settled consultations_settled ground_given",
        "endorse": "second_person not_conflicted somebody_decides",
        "send_back": "reason_given",
        "recall": "reason_given",
        "forward": "third_person not_conflicted consultations_settled silence_acknowledged",
        "reject": "third_person seen_is_current not_conflicted silence_acknowledged decision_is_ours ground_given ground_of_eligibility",
        "enter_paper_decision": "scan_present",
        "accept_interview": "speaker_may_speak seen_is_current third_person",
        "decline_interview": "ground_given",
        "confirm_paper_acceptance": "paper_entered second_person speaker_may_speak seen_is_current third_person",
        "confirm_paper_decline": "paper_entered second_person ground_given",
        "brief": "second_person",  # only to release a version
        "agree_slot": "slots_proposed",
        "reschedule": "reason_given speaker_may_speak",
        "postpone": "reason_given",
        "call_off": "reason_given",
        "assign_guide": "guide_free",
        "start": "approval_issued guide_assigned_or_unaccompanied slot_reached form_is_spoken",
        "not_held": "reason_given",
        "deliver_answers@approved": "has_written_questions brief_released nothing_to_speak",
        "deliver_answers@accompanied": "has_written_questions brief_released",
        "mark_no_show": "grace_passed",
        "file_report": "report_complete",
        "return_report": "reason_given was_spoken",
        "return_answers": "reason_given was_written_only",
        "close": "second_person ministry_report_sent no_open_child",
        "stop": "respond_by_passed reminder_sent",
    },
    "consultation": {"record_answer": "scan_present secret_by_registry", "lapse": "respond_by_passed", "cancel_consultation": "cancel_is_mine"},
    "letter": {"sign": "signer_may_sign"},
}

NEEDS: dict[str, dict[tuple[str, str], tuple[str, ...]]] = {
    kind: {(action, source): tuple(_NEEDS[kind].get(f"{action}@{source}", _NEEDS[kind].get(action, "")).split()) for action, source, _, _ in ARROWS[kind]}
    for kind in KINDS
}

# --- required input: what a need asks for, plus the contract's list. An action not named requires nothing. ---
# READING: an input with a default (`respond_by` of announce_hearing), with an alternative (`slot` or `none_fits`,
# `scan` or `paper_only`) or for one case only (`report` of revoke; slot, speaker, basis of a paper acceptance) is not required.

_REQUIRED: dict[str, dict[str, str]] = {
    "visit": {
        "accept": "officer",
        "ask_supplement": "items respond_by",
        "ask_clarification": "items respond_by",
        "take_back": "reason",
        "allow_supplement": "reason",
        "refuse_intake": "ground",
        "refer_out": "ground",
        "assign_officer": "officer reason",
        "consult": "agencies question due_at",
        "recommend": "proposal",
        "send_back": "reason",
        "recall": "reason",
        "approve": "seen",
        "reject": "seen grounds reason",
        "enter_paper_decision": "outcome scan",
        "confirm_paper_approval": "seen",
        "confirm_paper_refusal": "seen",
        "assign_guide": "guide",
        "record_suspension": "reason",  # READING: its input names no reason, its need asks for one
        "announce_hearing": "reason",
        "postpone": "reason",
        "call_off": "reason",
        "file_report": "report",
        "return_report": "reason",
    },
    "interview": {
        "accept": "officer",
        "ask_supplement": "items respond_by",
        "ask_clarification": "items respond_by",
        "take_back": "reason",
        "allow_supplement": "reason",
        "refuse_intake": "ground",
        "refer_out": "ground",
        "assign_officer": "officer reason",
        "consult": "agencies question due_at",
        "recommend": "proposal",
        "send_back": "reason",
        "recall": "reason",
        "reject": "seen grounds reason",
        "enter_paper_decision": "outcome scan",
        "accept_interview": "seen slot speaker speaker_basis",
        "decline_interview": "seen grounds reason",
        "confirm_paper_acceptance": "seen",
        "confirm_paper_decline": "seen",
        "reschedule": "slot speaker speaker_basis reason",
        "postpone": "reason",
        "call_off": "reason",
        "assign_guide": "guide",
        "not_held": "reason",
        "file_report": "report",
        "return_report": "reason",
        "return_answers": "reason",
    },
    "consultation": {"answer": "outcome", "record_answer": "outcome", "amend_answer": "outcome"},
    "letter": {},
}

REQUIRED_INPUT: dict[str, dict[str, tuple[str, ...]]] = {
    kind: {action: tuple(_REQUIRED[kind].get(action, "").split()) for action in ACTIONS[kind]} for kind in KINDS
}

# In this step an otherwise allowed press is answered 409 `needs`.
FEATURE_LATER = {("visit", "suspend"), ("visit", "resume")}

# --- relations of a person to the case ---

_PARENT = (
    "applicant applicant_lead applicant_other_org intake officer officer_other head director committee"
    " leader_office consultee guide guide_other registry auditor admin"
).split()

RELATIONS: dict[str, tuple[str, ...]] = {
    "visit": tuple(_PARENT),
    "interview": tuple(_PARENT),
    "consultation": ("consultee", "consultee_other", *(name for name in _PARENT if name != "consultee")),
    "letter": tuple(_PARENT),
}
# Answered by the functions too, not counted as cells: same organisation, neither author nor lead; who keyed the file in on behalf.
EXTRA_RELATIONS = ("applicant_colleague", "intake_keyed")

# The path by which the oracle takes a state to have been reached, where it matters who sees it. Pass accepted= or referred= for another.
#   not_accepted by refuse_intake, withdrawn from requested, stopped from supplement_required: all before `accept`.
#   A visit from pending_committee on came through refer_up.
_BEFORE_ACCEPT = {"draft", "discarded", "requested", "supplement_required", "not_accepted", "withdrawn", "stopped"}
_AFTER_REFERRAL = {"pending_committee", "approved", "accompanied", "suspended", "reported", "closed", "rejected", "cancelled", "no_show", "revoked"}
_FROM_APPROVED = {"approved", "accompanied", "suspended", "reported", "closed", "cancelled", "no_show", "revoked"}


def _accepted(kind: str, state: str, accepted: bool | None) -> bool:
    if accepted is not None:
        return accepted
    return kind in ("consultation", "letter") or state not in _BEFORE_ACCEPT  # a child's parent is past accept


def _referred(kind: str, state: str, referred: bool | None) -> bool:
    if referred is not None:
        return referred
    return kind == "visit" and state in _AFTER_REFERRAL  # a child's parent is not referred up


def visible(
    kind: str, state: str, relation: str, *, accepted: bool | None = None, referred: bool | None = None, parent: str = "visit", to_applicant: bool = True
) -> bool:
    """Whether the person sees the case at all (else 404). `parent` and `to_applicant` are of children only."""
    if relation == "auditor":
        return True
    if relation in ("admin", "applicant_other_org", "guide_other", "consultee_other", "applicant_colleague"):
        return False
    if kind == "consultation":
        if relation == "committee":
            return _referred(kind, state, referred)
        return relation in ("consultee", "intake", "intake_keyed", "officer", "officer_other", "head", "director", "registry")
    if kind == "letter":
        if relation in ("applicant", "applicant_lead"):
            return to_applicant and state in ("issued", "replaced", "recalled")
        if relation == "committee":
            return _referred(kind, state, referred)
        if relation == "leader_office":
            return parent == "interview"
        return relation in ("intake", "intake_keyed", "officer", "officer_other", "head", "director", "registry")
    unsent = state in ("draft", "discarded")
    if relation in ("applicant", "applicant_lead", "intake_keyed"):
        return True
    if relation in ("intake", "officer", "officer_other", "head", "director"):
        return not unsent
    if relation == "committee":
        return kind == "visit" and _referred(kind, state, referred)
    if relation == "leader_office":
        return kind == "interview" and not unsent
    if relation == "guide":
        return state in _FROM_APPROVED
    if relation == "registry":
        return _accepted(kind, state, accepted)
    if relation == "consultee":
        return False  # the parent answers 404 to its consultee
    raise KeyError(relation)


def HOLDS(kind: str, relation: str, state: str, *, accepted: bool | None = None, parent: str = "visit") -> set[str]:
    """The roles the person holds relative to this case."""
    if relation in ("applicant", "applicant_lead"):
        return {"applicant"}
    if relation == "intake_keyed":
        return {"intake", "applicant"}
    if relation == "officer":
        # Nobody is the assigned officer before `accept` names one.
        return {"officer"} if _accepted(kind, state, accepted) else set()
    if relation == "leader_office":
        return {"leader_office"} if "interview" in (kind, parent) else set()
    if relation == "consultee":
        return {"consultee"} if kind == "consultation" else set()
    if relation == "guide":
        return {"guide"} if kind in ("visit", "interview") and state in _FROM_APPROVED else set()
    if relation in ("intake", "head", "director", "committee", "registry"):
        return {relation}
    if relation in ("applicant_other_org", "applicant_colleague", "officer_other", "consultee_other", "guide_other", "auditor", "admin"):
        return set()
    raise KeyError(relation)


def expected(kind: str, state: str, action: str, relation: str, **facts: bool | str | None) -> tuple[int, str]:
    """What security.md 3.2 answers, in its order. 200 `allowed`: the arrow goes once its needs and its input are met."""
    sight = {k: v for k, v in facts.items() if k in ("accepted", "referred", "parent", "to_applicant")}
    if not visible(kind, state, relation, **sight):  # type: ignore[arg-type]
        return 404, "not_found"
    if action not in ACTIONS[kind]:
        return 404, "not_found"
    held = HOLDS(kind, relation, state, **{k: v for k, v in facts.items() if k in ("accepted", "parent")})  # type: ignore[arg-type]
    anywhere: set[str] = set()
    here: set[str] | None = None
    for name, source, _, roles in ARROWS[kind]:
        if name == action:
            anywhere |= roles
            if source == state:
                here = set(roles)
    if not held & anywhere:
        return 403, "role"
    if here is None:
        return 409, "state"
    if not held & here:
        return 403, "role"
    return 200, "allowed"


def answered_now(kind: str, state: str, action: str, relation: str, **facts: bool | str | None) -> tuple[int, str]:
    """`expected`, with what this step does not deliver yet."""
    answer = expected(kind, state, action, relation, **facts)
    return (409, "needs") if answer[0] == 200 and (kind, action) in FEATURE_LATER else answer


def cells():
    """Every (kind, state, action, relation)."""
    for kind in KINDS:
        for state in STATES[kind]:
            for action in ACTIONS[kind]:
                for relation in RELATIONS[kind]:
                    yield kind, state, action, relation
