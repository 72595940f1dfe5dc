"""An interview of a provincial leader: phỏng vấn lãnh đạo (Nghị định 262/2026 art. 16(2), 244/2026 art. 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from states import asked, needs, shared
from states.flow import Flow
from states.kinds import visit
from states.language import (  # fmt: skip
    AnyField,
    Facts,
    Field,
    Group,
    Paper,
    Rows,
    Screen,
    State,
    Step,
    Text,
    blank,
    cancel,
    choices,
    clock,
    letter,
    mail,
    steps,
)
from states.roles import APPLICANT, DIRECTOR, GUIDE, HEAD, LEADER_OFFICE, OFFICER, REGISTRY  # fmt: skip

FORMS = choices(
    ("in_person", "Trực tiếp", "In person"),
    ("online", "Trực tuyến", "Online"),
    ("phone", "Điện thoại", "By telephone"),
    ("written", "Bằng văn bản", "In writing"),
    ("live", "Truyền hình trực tiếp", "Live television"),
    ("recorded", "Ghi hình", "Recorded"),
)
RECORDINGS = choices(("audio", "Ghi âm", "Audio"), ("video", "Ghi hình", "Video"), ("photo", "Chụp ảnh", "Photographs"), ("notes", "Ghi chép", "Notes"))
SLOT_FIELDS = (Field("from", "moment", Text("Từ", "From"), required=True, flag="needed"), Field("to", "moment", Text("Đến", "To"), flag="needed"))

FIELDS: tuple[AnyField, ...] = (
    *asked.APPLICANT_BLOCK,
    Field("title", "text", Text("Tên bài, chương trình", "Title of the piece"), flag="optional", max_length=200),
    Group("leader", Text("Lãnh đạo được đề nghị phỏng vấn", "Leader asked"), flag="legal", fields=(
        Field("name", "text", Text("Họ và tên lãnh đạo", "Leader's name"), flag="legal", max_length=200),
        Field("position", "text", Text("Chức vụ lãnh đạo", "Leader's position"), flag="legal", max_length=200),
        Field("agency", "agency", Text("Cơ quan của lãnh đạo", "Leader's office"), flag="legal"),
        Field("alternates", "longtext", Text("Người có thể trả lời thay", "Who else could answer"), max_length=1000),
    )),
    asked.CREW,
    Field("purpose", "longtext", Text("Mục đích", "Purpose"), flag="legal"),
    Rows("questions", Text("Câu hỏi dự kiến", "Questions"), flag="legal", minimum=1, maximum=30, one=Text("Câu hỏi", "Question"), fields=(
        Field("text", "longtext", Text("Câu hỏi", "Question"), flag="legal", max_length=1000),
        Field("language", "language", Text("Ngôn ngữ", "Language"), flag="needed"),
        Field("translation", "longtext", Text("Bản dịch tiếng Việt", "Vietnamese translation"), max_length=1000),
    )),
    Field("form", "choice", Text("Hình thức", "Form"), flag="needed", choices=FORMS),
    Field("language", "language", Text("Ngôn ngữ phỏng vấn", "Language of the interview"), flag="needed"),
    Rows("slots", Text("Thời điểm đề xuất", "Proposed times"), flag="needed", maximum=3, one=Text("Thời điểm", "Time"), fields=SLOT_FIELDS),
    Field("duration_min", "integer", Text("Thời lượng (phút)", "Duration (minutes)"), flag="needed", minimum=5, maximum=120),
    Field("place", "text", Text("Địa điểm", "Place"), flag="needed", max_length=300),
    Field("interpreter", "choice", Text("Phiên dịch", "Interpreter"), flag="needed", choices=asked.INTERPRETERS),
    Field("recording", "choices", Text("Ghi lại bằng", "Recorded as"), flag="needed", choices=RECORDINGS),
    replace(asked.EQUIPMENT, flag="optional", help=Text("Ghi nếu có mang thiết bị.", "Where equipment is brought.")),
    Field("publication", "longtext", Text("Kế hoạch đăng, phát", "Publication or broadcast plan"), flag="needed"),
    Field("publish_on", "date", Text("Ngày dự kiến đăng, phát", "To appear on"), flag="needed"),
    Field("background", "bool", Text("Xin thêm tư liệu nền (không trích dẫn)", "Background material, not for quotation, is asked for")),
    Field("review", "choice", Text("Người trả lời xem lại bài", "The speaker sees the answers before"), choices=choices(
        ("not_asked", "Chưa bàn", "Not discussed"), ("asked", "Người trả lời yêu cầu", "The speaker asks it"), ("agreed", "Hai bên đã thống nhất", "Agreed by both"),
    ), help=Text("Quyền của người trả lời (Luật Báo chí 126/2025/QH15, Điều 33).", "The speaker's right (Luật Báo chí 126/2025/QH15, art. 33).")),
)  # fmt: skip

SCREENS = (
    Screen("outlet", Text("Cơ quan đề nghị", "Applicant"), ("category", "outlet", "bureau", "signer", "contact", "guide_agency", "licence", "ministry_notice")),
    Screen("leader", Text("Người được phỏng vấn", "Who is asked"), ("title", "leader", "purpose")),
    Screen("crew", Text("Người phỏng vấn", "Interviewers"), ("crew",)),
    Screen("questions", Text("Câu hỏi", "Questions"), ("questions",)),
    Screen("time", Text("Thời gian, hình thức", "Time and form"), ("form", "language", "interpreter", "slots", "duration_min", "place")),
    Screen("equipment", Text("Thiết bị, đăng phát", "Equipment, output"), ("recording", "equipment", "publication", "publish_on", "background", "review")),
)

PAPERS = (
    Paper("request", Text("Thư đề nghị có ký, đóng dấu", "Letter of request, signed and sealed"), flag="legal"),
    Paper("passport", Text("Trang hộ chiếu", "Passport pages"), flag="needed", sensitive=True),
    Paper("card", Text("Thẻ phóng viên", "Press cards"), flag="needed", sensitive=True),
    Paper("licence", Text("Giấy phép của Bộ Ngoại giao", "Licence of the Ministry")),
    Paper("brief", Text("Nội dung trả lời dự kiến", "Answer brief"), office=True),
    Paper("decision_scan", Text("Bản chụp văn bản của cơ quan người được phỏng vấn", "Scan of the office's paper"), office=True),
    Paper("answer_scan", Text("Bản chụp trả lời giấy", "Scan of a paper answer"), office=True),
    Paper("other", Text("Giấy tờ khác", "Other paper")),
)

REVIEW = ("under_review", "clarification_required", "pending_endorsement", "pending_decision", "pending_interviewee")

STATES = (
    *shared.drafting_states(),
    State("pending_interviewee", Text("Chờ cơ quan của người được phỏng vấn", "Pending interviewee"), "review", (LEADER_OFFICE,), outward="considered", deadline="statutory"),
    State("approved", Text("Đã chấp thuận", "Approved"), "approved", (GUIDE,), Text("đến ngày phỏng vấn", "until the day of the interview"), outward="decided", deadline="first_day"),
    State("accompanied", Text("Đang tác nghiệp", "Accompanied"), "accompanied", (GUIDE,), outward="decided", deadline="report"),
    State("reported", Text("Đã báo cáo", "Reported"), "reported", (HEAD,), outward="ended", deadline="close"),
    State("closed", Text("Đã kết thúc", "Closed"), None, end=True, outward="ended"),
    *shared.ended_states("discarded", "not_accepted", "rejected", "withdrawn", "stopped", "cancelled", "no_show"),
)  # fmt: skip

QUESTIONS = Rows("questions", Text("Từng câu hỏi", "Question by question"), ids=False, maximum=30, one=Text("Câu hỏi", "Question"), fields=(
    Field("row", "pointer", Text("Câu hỏi", "Question"), required=True, max_length=200),
    Field("result", "choice", Text("Kết quả", "Result"), required=True, choices=choices(
        ("accept", "Trả lời", "Accept"),
        ("other_form", "Trả lời hình thức khác", "In another form"),
        ("decline", "Không trả lời", "Decline"),
    )),
    Field("ground", "choice", Text("Căn cứ", "Ground")),
))  # fmt: skip
# A slot may be sent as it stands in the dossier, with its row id.
SLOT_INPUT = (*SLOT_FIELDS, Field("row", "text", Text("Dòng trong hồ sơ", "Row of the dossier"), max_length=40))
SLOT = Group("slot", Text("Thời điểm", "Time"), required=True, fields=SLOT_INPUT)
SLOT_FREE = Group("slot", Text("Thời điểm", "Time"), fields=SLOT_INPUT)
SLOTS = Rows("slots", Text("Thời điểm đề xuất", "Proposed times"), ids=False, maximum=6, one=Text("Thời điểm", "Time"), fields=SLOT_INPUT)
PLACE = Field("place", "text", Text("Địa điểm", "Place"), max_length=300)
FORM = Field("form", "choice", Text("Hình thức", "Form"), choices=FORMS)
SPEAKER = Field("speaker", "signer", Text("Người trả lời", "Speaker"), required=True)
BASIS = Field("speaker_basis", "choice", Text("Tư cách trả lời", "Basis to speak"), required=True, choices=choices(
    ("head", "Người đứng đầu", "Head"),
    ("regular_spokesperson", "Người phát ngôn", "Regular spokesperson"),
    ("delegation", "Được ủy quyền bằng văn bản", "Written delegation"),
))  # fmt: skip
DELEGATION = (
    Field("delegation_no", "text", Text("Số văn bản ủy quyền", "Delegation paper number"), max_length=60),
    Field("delegation_from", "date", Text("Ủy quyền từ ngày", "Delegation from")),
    Field("delegation_to", "date", Text("Ủy quyền đến ngày", "Delegation to")),
)

_free: dict[str, AnyField] = {
    "slot": SLOT_FREE,
    "speaker": Field("speaker", "signer", SPEAKER.label),
    "speaker_basis": Field("speaker_basis", "choice", BASIS.label, choices=BASIS.choices),
}
ACCEPTING: tuple[AnyField, ...] = (SLOT, PLACE, FORM, SPEAKER, BASIS, *DELEGATION, QUESTIONS, shared.CONDITIONS)
ACCEPTING_ON_PAPER: tuple[AnyField, ...] = tuple(_free.get(item.name, item) for item in ACCEPTING if item.name != "conditions")

ANSWERED = (mail("applicant"), mail("officer"), mail("registry"))
COURTESY = (
    letter("ministry_notice", sealed=True),
    letter(
        "speaking_delegation",
        sealed=True,
        when=lambda f: needs.agreed_slot(f).get("speaker_basis") == "delegation" or f.given.get("speaker_basis") == "delegation",
    ),
    letter("courtesy", sealed=True),
)


def _keep_brief(facts: Facts) -> Mapping[str, Any]:
    """Versions of the answer brief: who wrote the last one and whether a second person released it."""
    brief = dict(facts.memory.get("brief") or {})
    author = next(iter(sorted(facts.persons)), "")
    if not blank(facts.given.get("text")) or not blank(facts.given.get("file")):
        brief = {
            "version": int(brief.get("version", 0)) + 1,
            "author": author,
            "text": facts.given.get("text"),
            "file": facts.given.get("file"),
            "released": False,
        }
    if not blank(facts.given.get("checked_by")):
        brief |= {"released": True, "checked_by": facts.given["checked_by"]}
    return {"brief": brief}


def _from_visit(*names: str) -> tuple[Step, ...]:
    """Steps of a visit that an interview has unchanged, for the states that it has."""
    here = {state.name for state in STATES}
    return tuple(s for s in visit.STEPS if s.action in names and s.source in here and s.target in here)


def _replace_inputs(names: tuple[str, ...], extra: tuple[AnyField, ...]) -> tuple[AnyField, ...]:
    return (*(item for item in visit.PAPER_INPUTS if item.name not in names), *extra)


# An interview is answered by the leader's office: what the Department may not refuse it passes on.
FORWARD_INSTEAD = replace(
    needs.decision_is_ours, instead="forward", lift=Text("Chuyển cơ quan của người được phỏng vấn.", "Forward it to the interviewee's office.")
)
ACCEPT_NEEDS = (needs.speaker_may_speak, needs.seen_is_current, needs.third_person)

STEPS: tuple[Step, ...] = (
    *shared.filing_steps(FIELDS, PAPERS, (needs.questions_given, needs.purpose_given)),
    *shared.intake_steps(),
    *shared.office_steps(REVIEW, "pending_interviewee", ("approved", "accompanied", "reported")),
    shared.CONSULT,
    Step("recommend", "under_review", "pending_endorsement", (OFFICER,), Text("Trình lãnh đạo phòng", "Recommend"),
         (shared.PROPOSAL, Field("reason", "longtext", Text("Lý do, tóm tắt thẩm định", "Reason, summary of the appraisal")),
          QUESTIONS, shared.ROW_DECISIONS, shared.CONDITIONS, shared.GROUNDS_FREE, shared.ACCOMPANIMENT),
         (needs.not_conflicted, needs.second_person_recommends, needs.level_is_local, needs.questions_screened, needs.routing_settled,
          needs.consultations_settled_to_approve, needs.ground_given_to_reject),
         (mail("head"),), weight=10, hints=(needs.routing_hint, needs.consultations_hint)),
    *_from_visit("endorse"),
    *(s for s in _from_visit("send_back", "recall")),
    Step("send_back", "pending_interviewee", "under_review", (LEADER_OFFICE,), Text("Trả lại chuyên viên", "Send back"), (shared.REASON,), (needs.reason_given,), (mail("officer"),), weight=50),
    Step("recall", "pending_interviewee", "under_review", (DIRECTOR,), Text("Rút lại bản trình", "Recall"), (shared.REASON,), (needs.reason_given,), (mail("holder"),), weight=55),
    Step("forward", "pending_decision", "pending_interviewee", (DIRECTOR,), Text("Chuyển cơ quan của người được phỏng vấn", "Forward to the interviewee's office"),
         (shared.OPINION, shared.WITHOUT, shared.SILENCE),
         (needs.third_person_refers, needs.not_conflicted, needs.consultations_settled, needs.silence_acknowledged),
         (letter("submission"), mail("leader_office")), weight=10),
    Step("reject", "pending_decision", "rejected", (DIRECTOR,), Text("Không chấp thuận", "Refuse"), visit.REJECT_INPUTS,
         (*(n for n in visit.REJECT_NEEDS if n.code not in ("level_is_mine", "decision_is_ours")), FORWARD_INSTEAD, needs.ground_of_eligibility),
         (letter("refusal", sealed=True), letter("ministry_notice", sealed=True), cancel("children"), *ANSWERED),
         decides=True, danger=True, weight=25),
    Step("accept_interview", "pending_interviewee", "approved", (LEADER_OFFICE,), Text("Nhận lời phỏng vấn", "Accept the interview"),
         (shared.SEEN, *ACCEPTING), ACCEPT_NEEDS, (letter("acceptance", sealed=True), *COURTESY, *ANSWERED), decides=True, weight=10),
    Step("decline_interview", "pending_interviewee", "rejected", (LEADER_OFFICE,), Text("Từ chối phỏng vấn", "Decline the interview"),
         (shared.SEEN, shared.GROUNDS, shared.REASON, visit.ALTERNATIVES), (needs.ground_given, needs.seen_is_current, needs.third_person),
         (letter("refusal", sealed=True), letter("ministry_notice", sealed=True), cancel("children"), *ANSWERED),
         decides=True, danger=True, weight=20),
    Step("enter_paper_decision", "pending_interviewee", "pending_interviewee", (REGISTRY, OFFICER), Text("Nhập trả lời trên giấy", "Enter a paper decision"),
         _replace_inputs(("rows",), ACCEPTING_ON_PAPER), (needs.scan_present,), (mail("confirmers"),), weight=30),
    Step("confirm_paper_acceptance", "pending_interviewee", "approved", shared.CONFIRMERS, Text("Xác nhận nhận lời trên giấy", "Confirm the paper acceptance"),
         (shared.SEEN,),
         (needs.paper_entered("approve", "accept"), needs.second_person_confirms, needs.on_paper(needs.speaker_may_speak), needs.seen_is_current, needs.signer_is_third),
         (clock("answered_on_paper"), *COURTESY, *ANSWERED), decides=True, weight=32),
    Step("confirm_paper_decline", "pending_interviewee", "rejected", shared.CONFIRMERS, Text("Xác nhận từ chối trên giấy", "Confirm the paper decline"),
         (shared.SEEN,),
         (needs.paper_entered("reject", "decline"), needs.second_person_confirms, needs.on_paper(needs.ground_given), needs.seen_is_current, needs.signer_is_third),
         (clock("answered_on_paper"), letter("ministry_notice", sealed=True), cancel("children"), *ANSWERED), decides=True, danger=True, weight=34),
    *steps("brief", ("under_review", "pending_interviewee", "approved"), "=", (OFFICER, LEADER_OFFICE), Text("Nội dung trả lời", "Answer brief"),
           inputs=(Field("text", "longtext", Text("Nội dung", "Text"), max_length=20000), Field("file", "paper", Text("Tệp", "File")),
                   Field("checked_by", "user", Text("Người kiểm tra", "Checked by"))),
           needs=(needs.second_person_briefs,), keep=_keep_brief, weight=42),
    *steps("propose_slots", ("under_review", "pending_interviewee", "approved"), "=", (OFFICER, LEADER_OFFICE), Text("Đề xuất thời điểm", "Propose times"),
           inputs=(SLOTS, shared.REASON_FREE), then=(mail("applicant"),), weight=44),
    *steps("agree_slot", ("under_review", "pending_interviewee", "approved"), "=", (APPLICANT,), Text("Trả lời về thời điểm", "Answer on the time"),
           inputs=(SLOT_FREE, Field("none_fits", "bool", Text("Không thời điểm nào phù hợp", "None fits"))),
           needs=(needs.slots_proposed,), then=(mail("officer"), mail("leader_office")), weight=15),
    *_from_visit("assign_guide"),
    Step("start", "approved", "accompanied", shared.GUIDE_OR_OFFICER, Text("Bắt đầu phỏng vấn", "Start"), (visit.DOCUMENTS,),
         (needs.approval_issued, needs.guide_assigned_or_unaccompanied, needs.slot_reached, needs.form_is_spoken), weight=10),
    Step("not_held", "accompanied", "approved", shared.GUIDE_OR_OFFICER, Text("Buổi phỏng vấn không diễn ra", "Not held"), (shared.REASON,),
         (needs.reason_given,), (mail("applicant"), mail("leader_office")), weight=40),
    Step("deliver_answers", "approved", "reported", (OFFICER,), Text("Gửi câu trả lời", "Deliver answers"),
         (Field("answers", "longtext", Text("Câu trả lời", "Answers"), max_length=20000),),
         (needs.has_written_questions, needs.brief_released, needs.nothing_to_speak), (mail("applicant"),), weight=35),
    Step("deliver_answers", "accompanied", "accompanied", (OFFICER,), Text("Gửi câu trả lời", "Deliver answers"),
         (Field("answers", "longtext", Text("Câu trả lời", "Answers"), max_length=20000),),
         (needs.has_written_questions, needs.brief_released), (mail("applicant"),), weight=35),
    Step("reschedule", "approved", "approved", (OFFICER, LEADER_OFFICE), Text("Đổi lịch", "Reschedule"),
         (*(_free.get(i.name, i) for i in (SLOT, PLACE, FORM, SPEAKER, BASIS)), *DELEGATION, shared.REASON),
         (needs.reason_given, needs.speaker_may_speak), (mail("applicant"), mail("guide")), weight=68),
    Step("postpone", "approved", "approved", (LEADER_OFFICE, OFFICER, DIRECTOR), Text("Hoãn", "Postpone"),
         (shared.REASON, SLOTS, Field("instructed_by", "text", Text("Theo chỉ đạo của", "Instructed by"), max_length=200)),
         (needs.reason_given,), (mail("applicant"), mail("guide")), weight=70),
    Step("call_off", "approved", "cancelled", (LEADER_OFFICE, DIRECTOR), Text("Hủy từ phía tỉnh", "Call off"), (shared.REASON,), (needs.reason_given,),
         (cancel("children"), mail("applicant"), mail("guide"), mail("officer")), danger=True, weight=88),
    *_from_visit("cancel", "mark_no_show"),
    Step("file_report", "accompanied", "reported", shared.GUIDE_OR_OFFICER, Text("Nộp báo cáo", "File the report"),
         (shared.report_with(Rows("questions", Text("Từng câu hỏi", "Question by question"), ids=False, one=Text("Câu hỏi", "Question"), fields=(
             Field("row", "pointer", Text("Câu hỏi", "Question"), required=True, max_length=200),
             Field("asked", "bool", Text("Đã hỏi", "Asked")),
             Field("answered", "bool", Text("Đã trả lời", "Answered")),
             Field("note", "longtext", Text("Ghi chú", "Note"), max_length=1000),
         ))),), (needs.report_complete,), (letter("report"), mail("head")), weight=20),
    Step("return_report", "reported", "accompanied", (HEAD, DIRECTOR), Text("Trả lại báo cáo", "Return the report"), (shared.REASON,),
         (needs.reason_given, needs.was_spoken), (mail("guide"),), weight=52),
    Step("return_answers", "reported", "approved", (HEAD, DIRECTOR), Text("Trả lại câu trả lời", "Return the answers"), (shared.REASON,),
         (needs.reason_given, needs.was_written_only), (mail("officer"),), weight=52),
    *shared.report_steps(),
)  # fmt: skip


def example(today: date) -> dict[str, Any]:
    """A complete valid request with invented data; the first slot is today."""
    later = (today + timedelta(days=700)).isoformat()
    day, tomorrow = today.isoformat(), (today + timedelta(days=1)).isoformat()
    return {
        "category": "A2",
        "outlet": {"name": "Hãng truyền hình Minh Họa B (Illustration TV B)", "country": "JP", "media": "television"},
        "bureau": {"name": "Văn phòng thường trú Minh Họa B", "address": "Số 0 phố Ví Dụ, Hà Nội", "head": "Hanako Mihon", "licence_no": "01/GP-MH"},
        "ministry_notice": {"sent": True, "on": day, "number": "02/MH"},
        "signer": {"name": "Hanako Mihon", "position": "Trưởng đại diện"},
        "contact": {"name": "Lê Văn Mẫu", "phone": "+84 24 1111 1111", "email": "lien.he@truyenhinh-minhhoa.example"},
        "title": "Thành phố ven sông",
        "leader": {"name": "Đỗ Thử Minh", "position": "Phó Chủ tịch UBND thành phố", "agency": "vp_ubnd"},
        "crew": [
            {"name": "HANAKO MIHON", "role": "correspondent", "nationality": "JP", "passport_no": "TZ0000003",
             "passport_expires_on": later, "card_no": "M-0501", "card_expires_on": later},
        ],
        "purpose": "Phóng sự về thích ứng với biến đổi khí hậu tại địa phương.",
        "questions": [
            {"text": "Thành phố chuẩn bị gì cho mùa khô năm tới?", "language": "vi"},
            {"text": "How are farmers supported when salt water reaches the fields?", "language": "en",
             "translation": "Nông dân được hỗ trợ thế nào khi nước mặn vào đồng?"},
        ],
        "form": "in_person",
        "language": "vi",
        "slots": [
            {"from": f"{day}T01:30:00Z", "to": f"{day}T02:30:00Z"},
            {"from": f"{tomorrow}T07:00:00Z", "to": f"{tomorrow}T08:00:00Z"},
        ],
        "duration_min": 45,
        "place": "Trụ sở UBND thành phố",
    }  # fmt: skip


FLOW = Flow(
    kind="interview",
    version=1,
    series="I",
    title=Text("Phỏng vấn lãnh đạo", "Leadership interview"),
    start="draft",
    states_=STATES,
    steps=STEPS,
    fields=FIELDS,
    papers=PAPERS,
    openers=("applicant", "intake"),
    checked=3,
    decisions=("approved", "rejected"),
    example=example,
    internal=(shared.TOPICS,),
    screens=SCREENS,
)
