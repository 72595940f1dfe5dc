"""A letter of a case: drafted, sealed, issued (Nghị định 30/2020 on official documents, art. 13, 15, 18).

`LETTERS` says of each letter its form code, who may sign it by default, whether it is the reply that ends
the clocks, and to whom it goes. The signer table of a locality profile wins over `signers`.
"""

from __future__ import annotations

from dataclasses import dataclass

from states import needs, shared
from states.flow import Flow
from states.language import AnyField, Field, Rows, State, Step, Text, choices, clock, mail
from states.roles import CLOCK, COMMITTEE, DIRECTOR, HEAD, INTAKE, LEADER_OFFICE, OFFICER, REGISTRY


@dataclass(frozen=True, slots=True)
class Letter:
    """One type of letter. `form` marks the one-stop desk's D01–D05; `to` lists roles and `ministry`, `hosts`.

    `says` is the letter's one formal sentence, in the language of the document itself: Vietnamese, for the courtesy letter English.
    """

    code: str
    label: Text
    signers: tuple[str, ...]
    to: tuple[str, ...]
    form: bool = False
    reply: bool = False
    says: str = ""


_OFFICE = (DIRECTOR, HEAD)

LETTERS: dict[str, Letter] = {
    "receipt": Letter("D01", Text("Giấy tiếp nhận và hẹn trả kết quả", "Receipt"), (INTAKE, HEAD), ("applicant",), form=True,
        says="Sở Ngoại vụ xác nhận đã tiếp nhận hồ sơ đề nghị nêu dưới đây."),
    "supplement": Letter("D02", Text("Phiếu yêu cầu bổ sung hồ sơ", "Supplement slip"), (INTAKE, OFFICER, HEAD), ("applicant",), form=True,
        says="Đề nghị quý cơ quan bổ sung, làm rõ hồ sơ theo các mục sau."),
    "not_accepted": Letter("D03", Text("Phiếu từ chối tiếp nhận", "Refusal to accept"), (INTAKE, HEAD), ("applicant",), form=True, reply=True,
        says="Sở Ngoại vụ không tiếp nhận hồ sơ nêu dưới đây vì lý do sau."),
    "apology": Letter("D04", Text("Văn bản xin lỗi và đề nghị gia hạn", "Apology and extension"), (HEAD, DIRECTOR, INTAKE), ("applicant",), form=True,
        says="Sở Ngoại vụ xin lỗi quý cơ quan vì chưa trả lời đúng hạn và đề nghị gia hạn."),
    "stopped": Letter("D05", Text("Thông báo dừng giải quyết", "Notice of stopping"), (HEAD, INTAKE), ("applicant",), form=True, reply=True,
        says="Sở Ngoại vụ dừng giải quyết hồ sơ nêu dưới đây."),
    "consult": Letter("D08", Text("Công văn lấy ý kiến", "Letter of consultation"), (OFFICER, *_OFFICE), ("consultee",),
        says="Đề nghị quý cơ quan cho ý kiến về nội dung sau."),
    "submission": Letter("D09", Text("Tờ trình, công văn tham mưu", "Submission"), (DIRECTOR,), ("committee",),
        says="Kính trình xem xét, quyết định đề nghị nêu dưới đây."),
    "approval": Letter("D10", Text("Công văn chấp thuận", "Letter of approval"), (DIRECTOR, COMMITTEE), ("applicant",), reply=True,
        says="Chấp thuận hoạt động báo chí theo chương trình đã đề nghị."),
    "coordination": Letter("D10", Text("Công văn phối hợp", "Letter of coordination"), (DIRECTOR, COMMITTEE), ("applicant",), reply=True,
        says="Thống nhất phối hợp để đoàn hoạt động theo giấy phép đã được cấp."),
    "acceptance": Letter("D10", Text("Công văn nhận lời phỏng vấn", "Letter of acceptance"), (LEADER_OFFICE, DIRECTOR), ("applicant",), reply=True,
        says="Nhận lời phỏng vấn theo đề nghị của quý cơ quan."),
    "refusal": Letter("D11", Text("Công văn không chấp thuận", "Letter of refusal"), (DIRECTOR, COMMITTEE, LEADER_OFFICE), ("applicant",), reply=True,
        says="Không chấp thuận đề nghị nêu dưới đây."),
    "ministry_notice": Letter("D13", Text("Thông báo gửi Bộ Ngoại giao", "Notice to the Ministry of Foreign Affairs"), (DIRECTOR, HEAD, COMMITTEE), ("ministry",),
        says="Trân trọng thông báo kết quả giải quyết đề nghị nêu dưới đây."),
    "host_notice": Letter("D14", Text("Công văn thông báo chương trình", "Notice of the programme to hosts"), (DIRECTOR, HEAD, COMMITTEE), ("hosts",),
        says="Trân trọng thông báo chương trình của đoàn để quý đơn vị chuẩn bị tiếp."),
    "introduction": Letter("D15", Text("Giấy giới thiệu", "Letter of introduction"), (COMMITTEE,), ("applicant",),
        says="Trân trọng giới thiệu đoàn đến làm việc theo chương trình đã được chấp thuận."),
    "guide": Letter("D16", Text("Phân công cán bộ hướng dẫn", "Assignment of the guide"), (HEAD, DIRECTOR), ("guide",),
        says="Phân công cán bộ hướng dẫn đoàn trong thời gian hoạt động tại địa phương."),
    "speaking_delegation": Letter("D17", Text("Giấy ủy quyền phát ngôn", "Delegation to speak"), (LEADER_OFFICE,), ("leader_office",),
        says="Ủy quyền phát ngôn, trả lời phỏng vấn theo nội dung nêu dưới đây."),
    "suspension": Letter("D19", Text("Văn bản tạm đình chỉ", "Suspension"), (DIRECTOR, COMMITTEE), ("applicant", "ministry"),
        says="Tạm đình chỉ hoạt động của đoàn."),
    "revocation": Letter("D20", Text("Văn bản thu hồi chấp thuận", "Revocation"), (DIRECTOR, COMMITTEE), ("applicant",),
        says="Thu hồi văn bản chấp thuận đã cấp."),
    "report": Letter("D22", Text("Báo cáo kết quả", "Report"), (HEAD, DIRECTOR), ("ministry",),
        says="Báo cáo kết quả hoạt động của đoàn tại địa phương."),
    "courtesy": Letter("D28", Text("Thư ngỏ và thẻ chương trình (tiếng Anh)", "Courtesy letter and itinerary card"), (DIRECTOR, HEAD), ("applicant",),
        says="We are pleased to send you this letter and the programme as approved."),
}  # fmt: skip

FIELDS: tuple[AnyField, ...] = (
    Field("letter", "choice", Text("Loại văn bản", "Type of letter"), flag="legal", required=True,
          choices=choices(*((name, item.label.vi, item.label.en) for name, item in LETTERS.items()))),
    Field("subject", "text", Text("Trích yếu", "Subject"), max_length=300),
    Field("body", "longtext", Text("Nội dung", "Text"), max_length=20000),
    Rows("recipients", Text("Nơi nhận", "Recipients"), ids=False, maximum=60, one=Text("Nơi nhận", "Recipient"), fields=(
        Field("name", "text", Text("Nơi nhận", "Recipient"), required=True, max_length=300),
        Field("role", "text", Text("Tư cách", "Capacity"), max_length=60),
    )),
    Field("facts", "answer", Text("Dữ kiện", "Facts")),
    Field("replaces", "text", Text("Thay thế văn bản", "Replaces"), max_length=64),
)  # fmt: skip

STATES = (
    State("drafted", Text("Dự thảo", "Drafted"), None, (OFFICER, HEAD, DIRECTOR), deadline="sign"),
    State("sealed", Text("Đã ký, chờ phát hành", "Sealed"), None, (REGISTRY,), deadline="issue"),
    State("issued", Text("Đã phát hành", "Issued"), None, resting=True),
    State("void", Text("Đã bỏ", "Void"), None, end=True),
    State("replaced", Text("Đã thay thế", "Replaced"), None, end=True),
    State("recalled", Text("Đã thu hồi", "Recalled"), None, end=True),
)

SIGNERS = (INTAKE, OFFICER, HEAD, DIRECTOR, COMMITTEE, LEADER_OFFICE)

STEPS: tuple[Step, ...] = (
    Step("sign", "drafted", "sealed", SIGNERS, Text("Ký", "Sign"),
         (Field("capacity", "choice", Text("Tư cách ký", "Capacity"), choices=choices(
             ("TM", "TM. (thay mặt)", "TM. (for the collective)"), ("KT", "KT. (ký thay)", "KT. (for the head)"),
             ("TL", "TL. (thừa lệnh)", "TL. (by order)"), ("TUQ", "TUQ. (thừa ủy quyền)", "TUQ. (by delegation)"))),),
         (needs.signer_may_sign,), (mail("registry"),), weight=10),
    Step("issue", "sealed", "issued", (REGISTRY, INTAKE), Text("Cấp số và phát hành", "Number and issue"),
         (Field("number", "text", Text("Số", "Number"), required=True, min_length=1, max_length=60),
          Field("on", "date", Text("Ngày (để trống: hôm nay)", "Date (empty: today)")),
          Field("channel", "choice", Text("Gửi bằng", "Sent by"), choices=choices(
              ("electronic", "Văn bản điện tử", "Electronically"), ("post", "Bưu chính", "By post"), ("hand", "Trao tay", "By hand")))),
         (needs.form_of_intake, needs.not_decider), (clock("letter_issued"), mail("recipients")), weight=10),
    Step("withdraw_signature", "sealed", "drafted", (OFFICER, HEAD, DIRECTOR, COMMITTEE, LEADER_OFFICE), Text("Rút chữ ký", "Withdraw the signature"),
         (shared.REASON_FREE,), (needs.own_signature,), weight=60),
    Step("void", "drafted", "void", (OFFICER, REGISTRY, CLOCK), Text("Bỏ dự thảo", "Void"), (shared.REASON,), (needs.reason_given,), danger=True, weight=80),
    Step("replace", "issued", "replaced", (REGISTRY,), Text("Ghi đã thay thế", "Mark as replaced"),
         (Field("successor", "text", Text("Văn bản thay thế", "Replacing letter"), max_length=64),), (needs.successor_issued,), weight=70),
    Step("recall", "issued", "recalled", (DIRECTOR, COMMITTEE), Text("Thu hồi văn bản", "Recall"), (shared.REASON,), (needs.reason_given,), danger=True, weight=80),
)  # fmt: skip

FLOW = Flow(
    kind="letter",
    version=1,
    series="L",
    title=Text("Văn bản", "Letter"),
    start="drafted",
    also_starts=("sealed",),
    states_=STATES,
    steps=STEPS,
    fields=FIELDS,
    openers=("officer", "registry"),
)
