"""A question to another agency: lấy ý kiến. A child of a visit or an interview, opened by `consult` alone."""

from __future__ import annotations

from states import needs, shared
from states.flow import Flow
from states.language import AnyField, Field, Rows, State, Step, Text, choices, mail, steps
from states.roles import CLOCK, CONSULTEE, HEAD, OFFICER, REGISTRY

FIELDS: tuple[AnyField, ...] = (
    Field("agency", "agency", Text("Cơ quan được hỏi", "Agency asked")),
    Field("question", "longtext", Text("Nội dung hỏi", "Question")),
    Field("due_at", "moment", Text("Trả lời trước", "To answer by")),
    Field("rule", "text", Text("Quy tắc đề xuất", "Rule that proposed it")),
    Field("silence_means", "text", Text("Nếu không trả lời", "What silence means")),
    Field("bundle", "answer", Text("Phần hồ sơ gửi kèm", "Part of the dossier sent along"), personal="bundle"),
)  # fmt: skip

OUTCOME = Field("outcome", "choice", Text("Ý kiến", "Opinion"), required=True, choices=choices(
    ("no_objection", "Không có ý kiến khác", "No objection"),
    ("conditions", "Đồng ý có điều kiện", "Agreed with conditions"),
    ("objection", "Không đồng ý", "Objection"),
    ("outside_competence", "Ngoài thẩm quyền", "Outside our competence"),
))  # fmt: skip
PAPER_ONLY = Field("paper_only", "bool", Text("Trả lời chỉ có trên giấy (gửi qua văn thư)", "The answer exists on paper only (through the registry)"))

ANSWER: tuple[AnyField, ...] = (
    OUTCOME,
    Field("opinion", "longtext", Text("Nội dung ý kiến", "Opinion in words"), help=Text(
        "Không nhập nội dung mật. Nếu có, chọn “chỉ có trên giấy”.", "Type nothing classified. If it is, choose “on paper only”.")),
    shared.CONDITIONS,
    shared.ROW_DECISIONS,
    shared.DOC_NO,
    shared.DOC_DATE,
    PAPER_ONLY,
    Rows("facts", Text("Thông tin, số liệu kèm theo", "Facts supplied"), ids=False, one=Text("Thông tin", "Fact"), fields=(
        Field("text", "longtext", Text("Nội dung", "Text"), required=True, max_length=2000),
    )),
)  # fmt: skip

STATES = (
    State("asked", Text("Đang hỏi", "Asked"), "review", (CONSULTEE,), deadline="due_at"),
    State("lapsed", Text("Quá hạn, không trả lời", "Lapsed"), "review", resting=True),
    State("answered", Text("Đã trả lời", "Answered"), "review", end=True),
    State("cancelled", Text("Đã hủy", "Cancelled"), "review", end=True),
)

ANSWERED = (mail("officer"),)

STEPS: tuple[Step, ...] = (
    *steps("answer", ("asked", "lapsed"), "answered", (CONSULTEE,), Text("Trả lời", "Answer"), inputs=ANSWER,
           needs=(needs.nothing_secret_typed,), then=ANSWERED, append_only=True, weight=10),
    *steps("record_answer", ("asked", "lapsed"), "answered", (REGISTRY, OFFICER), Text("Ghi trả lời giấy", "Record a paper answer"),
           inputs=(OUTCOME, shared.DOC_NO, shared.DOC_DATE, shared.SCAN, PAPER_ONLY),
           needs=(needs.scan_present, needs.secret_by_registry, needs.nothing_secret_typed), then=ANSWERED, weight=20),
    Step("amend_answer", "answered", "answered", (CONSULTEE,), Text("Sửa ý kiến", "Amend the answer"), ANSWER,
         (needs.parent_undecided, needs.nothing_secret_typed), (mail("holder"),), append_only=True, weight=20),
    Step("remind", "asked", "asked", (OFFICER, CLOCK), Text("Đôn đốc", "Remind"), (), (), (mail("consultee"),), weight=30),
    Step("lapse", "asked", "lapsed", (CLOCK, OFFICER), Text("Ghi quá hạn, không trả lời", "Mark as lapsed"), (), (needs.consultation_due_passed,),
         (mail("officer"), mail("head")), weight=40),
    Step("cancel_consultation", "asked", "cancelled", (OFFICER, HEAD, CLOCK), Text("Hủy lần hỏi", "Cancel the question"), (shared.REASON,),
         (needs.cancel_is_mine, needs.parent_ended), (mail("consultee"),), danger=True, weight=60),
)  # fmt: skip

FLOW = Flow(kind="consultation", version=1, series="C", title=Text("Lấy ý kiến", "Consultation"), start="asked", states_=STATES, steps=STEPS, fields=FIELDS)
