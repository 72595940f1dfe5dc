"""What a visit and an interview have in common: the applicant's block, the crew, filing, intake, the
return loop, extension, the report and the ends. Each kind file says from which of its states."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from states import needs
from states.language import AnyField, Facts, Field, Group, Rows, State, Step, Text, cancel, choices, clock, letter, mail, opens, steps, value_at  # fmt: skip
from states.roles import APPLICANT, CLOCK, COMMITTEE, DIRECTOR, GUIDE, HEAD, INTAKE, OFFICER, REGISTRY  # fmt: skip

CHANNELS = choices(("paper", "Nộp trực tiếp", "At the counter"), ("post", "Bưu chính", "By post"), ("email", "Thư điện tử", "By e-mail"))

# Set by the desk, never by the applicant: topics only add bodies to ask; they are no ground and are told to nobody outside.
TOPICS = Field("topics", "choices", Text("Chủ đề (nội bộ)", "Topics (internal)"), choices=choices(
    ("religion", "Tôn giáo", "Religion"),
    ("ethnicity", "Dân tộc", "Ethnicity"),
    ("democracy", "Dân chủ", "Democracy"),
    ("human_rights", "Nhân quyền", "Human rights"),
    ("sea_islands", "Biển, đảo", "Sea and islands"),
    ("defence", "Quốc phòng", "Defence"),
    ("culture", "Văn hóa, di sản, du lịch", "Culture, heritage, tourism"),
    ("business", "Doanh nghiệp, đầu tư", "Business and investment"),
    ("children", "Trẻ em, giáo dục", "Children, education"),
    ("health", "Y tế, bảo trợ xã hội", "Health, social care"),
    ("open_case", "Vụ án, điều tra", "Court case, investigation"),
))  # fmt: skip

# --- inputs used by many actions -----------------------------------------------------------------------

REASON = Field("reason", "longtext", Text("Lý do", "Reason"), required=True, min_length=1)
REASON_FREE = Field("reason", "longtext", Text("Lý do (không bắt buộc)", "Reason (optional)"))
NOTE = Field("note", "longtext", Text("Ghi chú", "Note"))
GROUNDS = Field("grounds", "choices", Text("Căn cứ", "Grounds"), required=True)
GROUNDS_FREE = Field("grounds", "choices", Text("Căn cứ", "Grounds"))
SEEN = Field("seen", "text", Text("Dấu nội dung đã xem", "Mark of what was seen"), required=True, max_length=64)
OPINION = Field("opinion", "longtext", Text("Ý kiến", "Opinion"))
SILENCE = Field("silence_reason", "longtext", Text("Lý do quyết định khi cơ quan bắt buộc không trả lời", "Reason to go on without a blocking agency's answer"))
WITHOUT = Field("without_opinion", "agencies", Text("Quyết định khi không có ý kiến của", "Decided without the opinion of"))
CONDITIONS = Rows("conditions", Text("Điều kiện", "Conditions"), ids=False, maximum=30, one=Text("Điều kiện", "Condition"), fields=(
    Field("text", "longtext", Text("Nội dung điều kiện", "Condition"), required=True, max_length=1000),
    Field("owner", "text", Text("Ai theo dõi", "Who follows it"), max_length=200),
))  # fmt: skip
ROW_RESULTS = choices(("keep", "Giữ", "Keep"), ("condition", "Điều kiện", "With a condition"), ("replace", "Thay", "Replace"), ("drop", "Bỏ", "Drop"))
ROW_DECISIONS = Rows("rows", Text("Từng dòng", "Row by row"), ids=False, maximum=200, one=Text("Dòng", "Row"),
                     help=Text("Dòng không chọn gì được giữ như đã đề xuất.", "A row left without a choice stays as proposed."), fields=(
    Field("row", "pointer", Text("Dòng", "Row"), required=True, max_length=200),
    Field("result", "choice", Text("Kết quả", "Result"), required=True, choices=ROW_RESULTS),
    Field("reason", "longtext", Text("Lý do hoặc điều kiện", "Reason or condition"), max_length=1000),
))  # fmt: skip
ITEMS = Rows("items", Text("Các mục cần bổ sung", "Items to be supplied"), ids=False, required=True, minimum=1, maximum=50, one=Text("Mục", "Item"), fields=(
    Field("target", "pointer", Text("Mục", "Item"), required=True, max_length=200),
    Field("code", "choice", Text("Lý do trong danh mục", "Reason of the list")),
    Field("reason", "longtext", Text("Thiếu hoặc sai gì, sửa thế nào", "What is missing or wrong, how to mend it"), max_length=1000),
    Field("basis", "basis", Text("Căn cứ pháp lý", "Legal basis"), max_length=60),
))  # fmt: skip
RESPOND_BY = Field("respond_by", "moment", Text("Hạn trả lời", "To respond by"), required=True)
PROPOSAL = Field("proposal", "choice", Text("Đề xuất", "Proposal"), required=True, choices=choices(
    ("approve", "Chấp thuận", "Approve"),
    ("approve_partly", "Chấp thuận một phần", "Approve partly"),
    ("reject", "Không chấp thuận", "Refuse"),
))  # fmt: skip
ACCOMPANIMENT = Group("accompaniment", Text("Hướng dẫn tác nghiệp", "Accompaniment"), fields=(
    Field("kind", "choice", Text("Hình thức", "Form"), choices=choices(
        ("guide", "Có cán bộ hướng dẫn", "A guide"),
        ("liaison", "Có đầu mối liên lạc", "A liaison"),
        ("none", "Không cử người", "None"),
    )),
    Field("reason", "longtext", Text("Lý do không cử người", "Reason for none"), max_length=1000),
))  # fmt: skip
SIGNER = Field("signer", "signer", Text("Người ký văn bản", "Who signed the paper"), required=True)
SCAN = Field("scan", "paper", Text("Bản chụp", "Scan"))
DOC_NO = Field("doc_no", "text", Text("Số văn bản", "Document number"), max_length=60)
DOC_DATE = Field("doc_date", "date", Text("Ngày văn bản", "Document date"))
REPORT_RESULTS = choices(
    ("done", "Đã thực hiện", "Done"), ("changed", "Thực hiện có thay đổi", "Done with a change"), ("not_done", "Không thực hiện", "Not done")
)
REPORT = Group("report", Text("Báo cáo", "Report"), required=True, fields=(
    Field("summary", "longtext", Text("Tóm tắt", "Summary"), required=True),
    Field("people_met", "longtext", Text("Đã gặp ai (chức vụ)", "People met (by function)")),
    Field("incidents", "longtext", Text("Vụ việc phát sinh", "Incidents")),
    Field("publication_plan", "longtext", Text("Kế hoạch đăng, phát", "Publication plan")),
    Field("difficulties", "longtext", Text("Vướng mắc, kiến nghị", "Difficulties and proposals")),
))  # fmt: skip


def report_with(rows: Rows) -> Group:
    """The report with its rows: of a programme, or of questions."""
    return Group("report", REPORT.label, required=True, fields=(*REPORT.fields, rows))  # type: ignore[arg-type]


def fingerprint(value: Any) -> str:
    """A short mark of a value, to tell later whether it changed."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def target_value(target: str, fields: Mapping[str, Any], papers: Mapping[str, Any]) -> Any:
    """What an item points at: a field, a row, a list, or `paper:<name>`."""
    if target.startswith("paper:"):
        return papers.get(target.removeprefix("paper:"))
    return value_at(fields, target)


def mark_of(target: str, facts: Facts) -> str:
    """How a target looks now, to tell later whether it changed. The office keys the mark, so that it gives away no short value."""
    keyed = facts.settings.get("keyed") or str
    return str(keyed(fingerprint(target_value(target, facts.fields, facts.papers))))


def keep_asked(facts: Facts) -> Mapping[str, Any]:
    """Remember how each item looked when it was asked for, to tell later whether it was answered; and what the first slip named, on which version."""
    targets = [item["target"] for item in facts.given.get("items") or ()]
    first = facts.memory.get("first_asked") or {"targets": targets, "no": facts.settings.get("dossier_no")}
    return {"asked": {target: mark_of(target, facts) for target in targets}, "first_asked": first}


def keep_decider(facts: Facts) -> Mapping[str, Any]:
    """Remember at which level it was decided: only that level may revoke. A signature TUQ. is the Committee's decision."""
    return {"decided_role": COMMITTEE if facts.settings.get("signs_for_committee") else facts.role}


def drafting_states() -> tuple[State, ...]:
    """The states up to the review, with the applicant's own ends."""
    return (
        State("draft", Text("Bản nháp", "Draft"), None, (APPLICANT,), outward="draft"),
        State("requested", Text("Đã gửi", "Requested"), "requested", (INTAKE,), outward="received", deadline="intake"),
        State("supplement_required", Text("Cần bổ sung hồ sơ", "Supplement required"), "requested", (APPLICANT,),
              outward="more", deadline="respond_by"),
        State("under_review", Text("Sở Ngoại vụ đang thẩm định", "Under review"), "review", (OFFICER,), outward="considered", deadline="statutory"),
        State("clarification_required", Text("Cần làm rõ", "Clarification required"), "review", (APPLICANT,),
              outward="more", deadline="respond_by"),
        State("pending_endorsement", Text("Chờ lãnh đạo phòng", "Pending endorsement"), "review", (HEAD,), outward="considered", deadline="statutory"),
        State("pending_decision", Text("Chờ lãnh đạo Sở", "Pending decision"), "review", (DIRECTOR,), outward="considered", deadline="statutory"),
    )  # fmt: skip


def ended_states(*names: str) -> tuple[State, ...]:
    """The ends of a visit or an interview, by name."""
    labels = {
        "discarded": Text("Đã bỏ", "Discarded"),
        "not_accepted": Text("Không tiếp nhận", "Not accepted"),
        "rejected": Text("Không chấp thuận", "Refused"),
        "withdrawn": Text("Đã rút", "Withdrawn"),
        "stopped": Text("Dừng giải quyết", "Stopped"),
        "cancelled": Text("Đã hủy", "Cancelled"),
        "no_show": Text("Không đến", "No show"),
        "revoked": Text("Thu hồi", "Revoked"),
    }
    refusing = {"not_accepted", "rejected", "revoked"}
    return tuple(
        State(name, labels[name], None, end=True, outward="decided" if name == "rejected" else "ended",
              ended_by_refusal=name in refusing)
        for name in names
    )  # fmt: skip


def filing_steps(fields: tuple[AnyField, ...], papers: Any, extra: Iterable[Any] = ()) -> tuple[Step, ...]:
    """From the draft to the desk."""
    submit_inputs = (
        Field("undertaking", "bool", Text("Cam kết tuân thủ pháp luật Việt Nam và khai đúng sự thật; đã đọc thông báo về dữ liệu cá nhân",
                                          "We undertake to obey Vietnamese law and to tell the truth; the privacy notice was read")),
        Field("channel", "choice", Text("Kênh nhận (hồ sơ nhập thay)", "Channel (keyed in for the applicant)"), choices=CHANNELS),
        Field("received_at", "moment", Text("Nhận lúc (hồ sơ nhập thay)", "Received at (keyed in for the applicant)")),
        Field("incoming_no", "text", Text("Số đến", "Incoming number"), max_length=60),
    )  # fmt: skip
    return (
        Step("submit", "draft", "requested", (APPLICANT,), Text("Gửi hồ sơ", "Submit"), submit_inputs,
             (needs.fields_complete(fields), needs.papers_complete(papers), needs.correspondent_present,
              needs.dates_valid, needs.received_at_plausible, *extra),
             (clock("start"), mail("applicant"), mail("intake")), new_round=False, weight=10),
        Step("discard", "draft", "discarded", (APPLICANT,), Text("Bỏ bản nháp", "Discard the draft"), danger=True, weight=90),
    )  # fmt: skip


def intake_steps() -> tuple[Step, ...]:
    """Receiving, refusing and the return loop, as in every press request."""
    back = ("supplement_required", "clarification_required")
    refuse_inputs = (
        Field("ground", "choice", Text("Căn cứ", "Ground"), required=True),
        REASON,
        Field("where_to_go", "longtext", Text("Nơi cần đến thay thế", "Where to go instead"), max_length=1000),
    )
    ask_needs = (needs.items_given, needs.supplement_trips_left, needs.respond_by_leaves_time)
    ask_then = (letter("supplement"), mail("applicant"), clock("pause_w"))
    take_back: dict[str, Any] = {
        "label": Text("Lấy lại hồ sơ", "Take back"),
        "inputs": (REASON, Field("agreed", "bool", Text("Cơ quan đề nghị đồng ý", "The applicant agrees"))),
        "needs": (needs.reason_given, needs.respond_by_passed_or_agreed),
        "then": (clock("resume_w"), mail("applicant")),
        "weight": 40,
    }
    return (
        Step("accept", "requested", "under_review", (INTAKE, HEAD), Text("Tiếp nhận", "Accept"),
             (Field("officer", "user", Text("Chuyên viên thụ lý", "Officer in charge"), required=True),),
             (needs.in_our_authority,),
             (letter("receipt", when=lambda f: "accept" not in f.acts), mail("applicant"), mail("officer")), weight=10),
        Step("ask_supplement", "requested", "supplement_required", (INTAKE,), Text("Yêu cầu bổ sung", "Ask for a supplement"),
             (ITEMS, RESPOND_BY), ask_needs, ask_then, keep=keep_asked, weight=20),
        Step("resubmit", "supplement_required", "requested", (APPLICANT,), Text("Gửi lại", "Resubmit"), (NOTE,),
             (needs.items_answered,), (mail("intake"), clock("resume_w")), new_round=True, weight=10),
        Step("ask_clarification", "under_review", "clarification_required", (OFFICER,), Text("Yêu cầu làm rõ", "Ask for clarification"),
             (ITEMS, RESPOND_BY), ask_needs, ask_then, keep=keep_asked, weight=30),
        Step("clarify", "clarification_required", "under_review", (APPLICANT,), Text("Trả lời làm rõ", "Clarify"), (NOTE,),
             (needs.items_answered,), (mail("officer"), clock("resume_w")), new_round=True, weight=10),
        *steps("remind", back, "=", (INTAKE, OFFICER, CLOCK), Text("Đôn đốc", "Remind"), then=(mail("applicant"),), weight=30),
        Step("take_back", "supplement_required", "requested", (INTAKE, HEAD), **take_back),  # type: ignore[arg-type]
        Step("take_back", "clarification_required", "under_review", (OFFICER, HEAD), **take_back),  # type: ignore[arg-type]
        *steps("allow_supplement", ("requested", "under_review"), "=", (HEAD,), Text("Cho bổ sung thêm một lần", "Allow one more supplement"),
               inputs=(REASON,), needs=(needs.reason_given,), weight=70),
        Step("refuse_intake", "requested", "not_accepted", (INTAKE,), Text("Từ chối tiếp nhận", "Refuse intake"), refuse_inputs,
             (needs.ground_of_competence,), (letter("not_accepted", sealed=True), cancel("children")), danger=True, weight=80),
        Step("refer_out", "under_review", "not_accepted", (HEAD,), Text("Chuyển nơi khác", "Refer out"), refuse_inputs,
             (needs.ground_of_competence,), (letter("not_accepted", sealed=True), cancel("children")), danger=True, weight=80),
        *steps("correct_typing", ("requested", "under_review"), "=", (INTAKE, OFFICER), Text("Sửa lỗi nhập", "Correct typing"),
               inputs=(Field("fields", "answer", Text("Trường sửa", "Fields corrected")),
                       Field("paper", "paper", Text("Giấy làm căn cứ", "Paper it follows"))),
               needs=(needs.keyed_in_by_us,), then=(mail("applicant"),), weight=75),
        *steps("stop", back, "stopped", (HEAD,), Text("Dừng giải quyết", "Stop"), inputs=(REASON_FREE,),
               needs=(needs.respond_by_passed, needs.reminder_sent), then=(letter("stopped", sealed=True), cancel("children")),
               danger=True, weight=85),
    )  # fmt: skip


def office_steps(review: tuple[str, ...], referral: str, later: tuple[str, ...]) -> tuple[Step, ...]:
    """Assigning, extending, withdrawing; `review` are the review states, `later` those after the approval."""
    waiting = ("requested", "supplement_required", *review)
    return (
        *steps("assign_officer", (*review, *later), "=", (HEAD, DIRECTOR), Text("Đổi chuyên viên thụ lý", "Assign another officer"),
               inputs=(Field("officer", "user", Text("Chuyên viên thụ lý", "Officer in charge"), required=True), REASON),
               needs=(needs.reason_given,), then=(mail("officer"),), weight=60),
        *steps("extend", waiting, "=", (HEAD, DIRECTOR), Text("Xin lỗi và gia hạn trả lời", "Apologise and extend"),
               inputs=(REASON, Field("new_date", "date", Text("Ngày hẹn mới", "New date"), required=True)),
               needs=(needs.not_extended, needs.before_due), then=(letter("apology"), clock("extend")), weight=65),
        *steps("withdraw", waiting, "withdrawn", (APPLICANT,), Text("Rút hồ sơ", "Withdraw"), inputs=(REASON_FREE,),
               then=(cancel("children"), mail("asked")), danger=True, weight=90),
    )  # fmt: skip


def keep_dropped(facts: Facts) -> Mapping[str, Any]:
    """Remember the bodies that the officer leaves out, each with rule, reason and round; one that is asked after all is left out no more."""
    asked = set(facts.given.get("agencies") or ())
    dropped = {agency: row for agency, row in (facts.memory.get("dropped") or {}).items() if agency not in asked}
    for row in facts.given.get("dropped") or ():
        dropped[row["agency"]] = {"rule": row.get("rule", ""), "reason": row.get("reason", ""), "round": facts.round}
    return {"dropped": dropped}


CONSULT_INPUTS: tuple[AnyField, ...] = (
    Field("agencies", "agencies", Text("Hỏi cơ quan", "Ask"), required=True),
    Field("question", "longtext", Text("Nội dung hỏi", "Question"), required=True, min_length=1),
    Field("due_at", "moment", Text("Trả lời trước", "To answer by"), required=True),
    Field("bundle", "pointers", Text("Phần hồ sơ được gửi kèm", "Parts of the dossier they see"), help=Text(
        "Không chọn mục nào thì gửi chương trình, tên và quốc tịch của đoàn; cơ quan kiểm tra nhân thân được gửi cả mục thành viên đoàn.",
        "With nothing ticked they see the programme, names and nationalities; a body that checks identity sees the whole crew.")),
    Rows("dropped", Text("Cơ quan theo quy tắc nhưng không hỏi", "Proposed bodies not asked"), ids=False, one=Text("Cơ quan", "Body"), fields=(
        Field("agency", "agency", Text("Cơ quan", "Body"), required=True),
        Field("rule", "text", Text("Quy tắc", "Rule"), max_length=20),
        Field("reason", "longtext", Text("Lý do không hỏi", "Reason"), required=True, min_length=1, max_length=1000),
    )),
)  # fmt: skip

CONSULT = Step(
    "consult", "under_review", "under_review", (OFFICER,), Text("Lấy ý kiến", "Consult"),
    CONSULT_INPUTS, (needs.agency_not_open,), (opens("consultation"), letter("consult"), mail("consultee")), keep=keep_dropped, weight=20,
    hints=(needs.somebody_to_ask,),
)  # fmt: skip


def report_steps() -> tuple[Step, ...]:
    """Checking the report and closing."""
    return (
        Step("close", "reported", "closed", (HEAD, DIRECTOR), Text("Kết thúc hồ sơ", "Close"), (NOTE,),
             (needs.second_person_closes, needs.ministry_report_sent, needs.no_open_child), weight=10),
    )  # fmt: skip


GUIDE_OR_OFFICER = (GUIDE, OFFICER)
CONFIRMERS = (REGISTRY, OFFICER, HEAD)
