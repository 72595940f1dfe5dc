"""A visit of foreign press: hoạt động báo chí tại địa phương (Nghị định 262/2026, art. 6, 7, 16)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from states import asked, needs, shared
from states.flow import Flow
from states.language import (  # fmt: skip
    AnyField,
    Effect,
    Facts,
    Field,
    Paper,
    Rows,
    Screen,
    State,
    Step,
    Text,
    When,
    cancel,
    choices,
    clock,
    letter,
    mail,
    steps,
)
from states.roles import APPLICANT, COMMITTEE, DIRECTOR, GUIDE, HEAD, OFFICER, REGISTRY  # fmt: skip

PLACES = choices(
    ("heritage", "Di tích, danh thắng, điểm du lịch", "Heritage, scenery, tourism"),
    ("enterprise", "Doanh nghiệp, khu công nghiệp", "Enterprise, industrial zone"),
    ("school", "Trường học", "School"),
    ("hospital", "Bệnh viện", "Hospital"),
    ("social_centre", "Cơ sở bảo trợ xã hội", "Social centre"),
    ("military", "Địa điểm quân sự", "Military site"),
    ("detention", "Nơi giam giữ", "Place of detention"),
    ("court", "Tòa án", "Court"),
)

INTERVIEWS = When("activities", ("interview",))

FIELDS: tuple[AnyField, ...] = (
    *asked.APPLICANT_BLOCK,
    Field("title", "text", Text("Tên chương trình", "Title of the programme"), flag="legal", max_length=200),
    Field("purpose", "longtext", Text("Mục đích", "Purpose"), flag="legal"),
    Field("content", "longtext", Text("Nội dung", "Content"), flag="legal"),
    Field("first_day", "date", Text("Ngày đầu tại địa phương", "First day in the province"), flag="legal"),
    Field("last_day", "date", Text("Ngày cuối tại địa phương", "Last day in the province"), flag="legal"),
    asked.CREW,
    Rows("itinerary", Text("Chương trình", "Programme"), flag="legal", minimum=1, maximum=100, one=Text("Hoạt động", "Activity"), fields=(
        Field("on", "date", Text("Ngày", "Day"), flag="legal"),
        Field("from", "time", Text("Từ giờ", "From"), flag="needed"),
        Field("to", "time", Text("Đến giờ", "To"), flag="needed"),
        Field("commune", "text", Text("Xã, phường, đặc khu", "Commune or ward"), flag="legal", max_length=120, suggest="communes"),
        Field("place", "text", Text("Địa điểm", "Place"), flag="legal", max_length=300),
        Field("address", "text", Text("Địa chỉ", "Address"), max_length=300),
        Field("gps", "text", Text("Tọa độ", "Coordinates"), max_length=60, help=Text("Ví dụ 10.0301, 105.7801.", "For example 10.0301, 105.7801.")),
        Field("activities", "choices", Text("Hoạt động", "Activities"), flag="needed", choices=choices(
            ("filming", "Quay phim", "Filming"),
            ("photo", "Chụp ảnh", "Photography"),
            ("interview", "Phỏng vấn", "Interviews"),
            ("observation", "Quan sát", "Observation"),
            ("live", "Truyền trực tiếp", "Live broadcast"),
            ("drone", "Thiết bị bay", "Drone"),
        )),
        Field("host", "text", Text("Đơn vị tiếp", "Host"), flag="needed", max_length=300,
              help=Text("Chưa có thì ghi “đề nghị Sở Ngoại vụ bố trí”.", "If there is none yet: “to be arranged by the Department”.")),
        Field("host_person", "text", Text("Người tiếp", "Who receives the crew"), max_length=200, personal="name"),
        Field("host_phone", "phone", Text("Điện thoại người tiếp", "Telephone of the host"), max_length=40, personal="contact"),
        Field("host_confirmed", "bool", Text("Đơn vị tiếp đã xác nhận", "The host has confirmed")),
        Field("leader", "agency", Text("Đề nghị phỏng vấn lãnh đạo của", "A leader asked for, of"),
              help=Text("Phỏng vấn lãnh đạo có hồ sơ và thời hạn riêng; mở kèm từ đây.", "A leader's interview has its own case and clock; it is opened from here.")),
        Rows("people", Text("Người dự kiến phỏng vấn", "People to be interviewed"), flag="legal", maximum=20, when=INTERVIEWS, one=Text("Người được phỏng vấn", "Interviewee"), fields=(
            Field("name", "text", Text("Họ và tên (hoặc nhóm người)", "Name (or group of people)"), flag="legal", max_length=200, personal="name"),
            Field("position", "text", Text("Chức vụ, nghề nghiệp", "Position or occupation"), flag="needed", max_length=200),
        )),
        Rows("questions", Text("Câu hỏi dự kiến", "Expected questions"), flag="legal", maximum=30, when=INTERVIEWS, one=Text("Câu hỏi", "Question"), fields=(
            Field("text", "longtext", Text("Câu hỏi", "Question"), flag="legal", max_length=1000),
        )),
        Field("crew_group", "text", Text("Nhóm (nếu đoàn chia nhóm)", "Group (where the crew splits)"), max_length=40,
              help=Text("Hai hoạt động cùng giờ phải ghi hai nhóm khác nhau.", "Two activities at one time need two different groups.")),
        Field("overnight", "text", Text("Nơi nghỉ đêm", "Overnight at"), flag="needed", max_length=300),
        Field("transport", "text", Text("Phương tiện đi lại", "Transport"), max_length=200),
        Field("place_kind", "choice", Text("Loại địa điểm", "Kind of place"), choices=PLACES, help=Text(
            "Chọn nếu là một trong các nơi này: cần hỏi cơ quan quản lý.", "Choose where it is one of these: the body in charge is asked.")),
        Field("province", "text", Text("Tỉnh, thành phố khác (nếu có)", "Another province (if any)"), max_length=120),
    )),
    asked.EQUIPMENT,
    Field("publication", "longtext", Text("Kế hoạch đăng, phát", "Publication or broadcast plan"), flag="legal"),
)  # fmt: skip

PAPERS = (
    Paper("request", Text("Văn bản đề nghị có ký, đóng dấu", "Request, signed and sealed"), flag="legal"),
    Paper("passport", Text("Trang hộ chiếu", "Passport pages"), flag="needed", sensitive=True),
    Paper("card", Text("Thẻ phóng viên, thẻ trợ lý", "Press and assistant cards"), flag="needed", sensitive=True),
    Paper("licence", Text("Giấy phép của Bộ Ngoại giao", "Licence of the Ministry"), flag="needed"),
    Paper("programme", Text("Chương trình chi tiết", "Detailed programme")),
    Paper("host_confirmation", Text("Xác nhận của đơn vị tiếp", "Host's confirmation")),
    Paper("permit", Text("Giấy phép riêng (biên giới, thiết bị bay, tần số)", "Special permit (border, drone, radio)")),
    Paper("decision_scan", Text("Bản chụp văn bản của UBND", "Scan of the People's Committee's paper"), office=True),
    Paper("answer_scan", Text("Bản chụp trả lời giấy", "Scan of a paper answer"), office=True),
    Paper("other", Text("Giấy tờ khác", "Other paper")),
)

SCREENS = (
    Screen("outlet", Text("Cơ quan đề nghị", "Applicant"), ("category", "outlet", "bureau", "signer", "contact", "guide_agency", "licence", "ministry_notice")),
    Screen("content", Text("Nội dung", "Content"), ("title", "purpose", "content", "first_day", "last_day")),
    Screen("crew", Text("Đoàn", "Crew"), ("crew",)),
    Screen("programme", Text("Chương trình", "Programme"), ("itinerary",)),
    Screen("equipment", Text("Thiết bị, đăng phát", "Equipment, output"), ("equipment", "publication")),
)

REVIEW = ("under_review", "clarification_required", "pending_endorsement", "pending_decision", "pending_committee")

STATES = (
    *shared.drafting_states(),
    State("pending_committee", Text("Chờ UBND quyết định", "Pending committee"), "review", (COMMITTEE,), outward="considered", deadline="statutory"),
    State("approved", Text("Đã chấp thuận", "Approved"), "approved", (GUIDE,), Text("đến ngày đầu của chương trình", "until the first day"), outward="decided", deadline="first_day"),
    State("accompanied", Text("Đang tác nghiệp", "Accompanied"), "accompanied", (GUIDE,), outward="decided", deadline="report"),
    State("suspended", Text("Tạm đình chỉ", "Suspended"), "accompanied", (DIRECTOR, COMMITTEE), outward="suspended", deadline="ministry_measure"),
    State("reported", Text("Đã báo cáo", "Reported"), "reported", (HEAD,), outward="ended", deadline="close"),
    State("closed", Text("Đã kết thúc", "Closed"), None, end=True, outward="ended"),
    *shared.ended_states("discarded", "not_accepted", "rejected", "withdrawn", "stopped", "cancelled", "no_show", "revoked"),
)  # fmt: skip


def _decides(facts: Facts) -> bool:
    return facts.authority == "decide"


def _coordinates(facts: Facts) -> bool:
    return facts.authority != "decide"


# What goes out with an approval. Where the Ministry licensed the visit the reply is a letter of coordination.
NOTICES: tuple[Effect, ...] = (
    letter("ministry_notice", sealed=True),
    letter("host_notice", sealed=True),
    letter("introduction", sealed=True, when=lambda f: bool(f.settings.get("sea_rows"))),
    letter("courtesy", sealed=True),
)
REPLIES: tuple[Effect, ...] = (letter("approval", sealed=True, when=_decides), letter("coordination", sealed=True, when=_coordinates))
AFTER = (mail("applicant"), mail("officer"), mail("registry"))

DECIDING = (needs.not_conflicted, needs.silence_acknowledged)
APPROVE_NEEDS = (
    needs.level_is_mine, needs.third_person, needs.seen_is_current, needs.not_conflicted,
    needs.consultations_settled, needs.silence_acknowledged, needs.licence_covers_rows,
)  # fmt: skip
REJECT_NEEDS = (
    needs.level_is_mine, needs.third_person, needs.seen_is_current, needs.not_conflicted,
    needs.silence_acknowledged, needs.decision_is_ours, needs.ground_given,
)  # fmt: skip
ALTERNATIVES = Field("alternatives", "longtext", Text("Giải pháp thay thế", "Alternatives"))
APPROVE_INPUTS = (shared.SEEN, shared.ROW_DECISIONS, shared.CONDITIONS, shared.WITHOUT, shared.SILENCE)
REJECT_INPUTS = (shared.SEEN, shared.GROUNDS, shared.REASON, ALTERNATIVES, shared.WITHOUT)


def _keep_log(facts: Facts) -> Mapping[str, Any]:
    """The guide's log by row, the last word on each; late entries are marked by the date they name."""
    log = dict(facts.memory.get("log") or {})
    days = {row.get("row"): row.get("on") for row in facts.fields.get("itinerary") or ()}
    for row in facts.given.get("rows") or ():
        name = needs.row_of(row)
        late = bool(days.get(name)) and str(days[name]) < facts.today.isoformat()
        log[name] = {**row, "row": name, "at": facts.now.isoformat(), "late": late}
    return {"log": log}


def _keep_permit(facts: Facts) -> Mapping[str, Any]:
    permits = dict(facts.memory.get("permits") or {})
    permits[needs.row_of(facts.given)] = {k: v for k, v in facts.given.items() if k != "row"}
    return {"permits": permits}


def _keep_suspension(facts: Facts) -> Mapping[str, Any]:
    return {"suspended": {"by": "other", "imposed_by": facts.given.get("imposed_by"), "to": facts.given.get("to")}}


def _keep_order(facts: Facts) -> Mapping[str, Any]:
    return {"suspended": {"by": "us", "incident": facts.given.get("incident")}}


def _keep_resumed(facts: Facts) -> Mapping[str, Any]:
    return {"suspended": None}


LOG_ROWS = Rows("rows", Text("Nhật ký từng hoạt động", "Log, row by row"), ids=False, maximum=100, one=Text("Hoạt động", "Row"), fields=(
    Field("row", "pointer", Text("Hoạt động", "Row"), required=True, max_length=200),
    Field("result", "choice", Text("Kết quả", "Result"), required=True, choices=shared.REPORT_RESULTS),
    Field("start", "time", Text("Bắt đầu", "Start")),
    Field("end", "time", Text("Kết thúc", "End")),
    Field("note", "longtext", Text("Ghi chú (chỉ nêu sự việc)", "Note (facts only)"), max_length=1000),
))  # fmt: skip
DOCUMENTS = Rows("documents_shown", Text("Giấy tờ đã xuất trình", "Documents shown"), ids=False, one=Text("Người", "Person"), fields=(
    Field("row", "pointer", Text("Thành viên", "Crew member"), required=True, max_length=200),
    Field("shown", "bool", Text("Đã xuất trình", "Shown")),
))  # fmt: skip

PAPER_INPUTS = (
    shared.DOC_NO, shared.DOC_DATE,
    shared.SIGNER,
    Field("capacity", "text", Text("Tư cách ký (TM., KT., TL., TUQ.)", "Capacity of signature"), max_length=60),
    Field("outcome", "choice", Text("Kết quả trên văn bản", "Outcome on the paper"), required=True, choices=choices(
        ("approve", "Chấp thuận", "Approved"), ("reject", "Không chấp thuận", "Refused"),
    )),
    shared.ROW_DECISIONS, shared.CONDITIONS, shared.GROUNDS_FREE, shared.REASON_FREE, shared.WITHOUT, shared.SCAN,
)  # fmt: skip

CALL_OFF = (needs.reason_given,)

STEPS: tuple[Step, ...] = (
    *shared.filing_steps(FIELDS, PAPERS),
    *shared.intake_steps(),
    *shared.office_steps(REVIEW, "pending_committee", ("approved", "accompanied", "suspended", "reported")),
    shared.CONSULT,
    *steps("record_permit", ("under_review", "approved", "accompanied"), "=", (APPLICANT, OFFICER), Text("Ghi giấy phép riêng", "Record a permit"),
           inputs=(
               Field("row", "pointer", Text("Dòng (để trống: cả chương trình)", "Row (empty: the whole programme)"), max_length=200),
               Field("paper", "paper", Text("Bản chụp giấy phép", "Scan of the permit")),
               Field("number", "text", Text("Số", "Number"), max_length=60),
               Field("on", "date", Text("Ngày cấp", "Issued on")),
               Field("issuer", "text", Text("Nơi cấp", "Issuer"), max_length=200),
               Field("valid_to", "date", Text("Có giá trị đến", "Valid to")),
           ), keep=_keep_permit, weight=72),
    Step("recommend", "under_review", "pending_endorsement", (OFFICER,), Text("Trình lãnh đạo phòng", "Recommend"),
         (shared.PROPOSAL, Field("reason", "longtext", Text("Lý do, tóm tắt thẩm định", "Reason, summary of the appraisal")),
          shared.ROW_DECISIONS, shared.CONDITIONS, shared.GROUNDS_FREE, shared.ACCOMPANIMENT),
         (needs.not_conflicted, needs.second_person_recommends, needs.routing_settled, needs.consultations_settled_to_approve,
          needs.prerequisites_known, needs.licence_covers_kept_rows, needs.ground_given_to_reject, needs.decision_is_ours_to_reject),
         (mail("head"),), weight=10, hints=(needs.routing_hint, needs.consultations_hint)),
    Step("endorse", "pending_endorsement", "pending_decision", (HEAD, DIRECTOR), Text("Đồng ý, trình lãnh đạo Sở", "Endorse"),
         (shared.OPINION, shared.ROW_DECISIONS, shared.CONDITIONS, shared.GROUNDS_FREE),
         (needs.second_person_endorses, needs.not_conflicted, needs.somebody_decides), (mail("director"),), weight=10),
    *(Step("send_back", source, "under_review", by, Text("Trả lại chuyên viên", "Send back"), (shared.REASON,), (needs.reason_given,), (mail("officer"),), weight=50)
      for source, by in (("pending_endorsement", (HEAD, DIRECTOR)), ("pending_decision", (DIRECTOR,)), ("pending_committee", (COMMITTEE,)))),
    *(Step("recall", source, "under_review", by, Text("Rút lại bản trình", "Recall"), (shared.REASON,), (needs.reason_given,), (mail("holder"),), weight=55)
      for source, by in (("pending_endorsement", (OFFICER,)), ("pending_decision", (HEAD,)), ("pending_committee", (DIRECTOR,)))),
    Step("refer_up", "pending_decision", "pending_committee", (DIRECTOR,), Text("Trình UBND", "Refer to the People's Committee"),
         (shared.OPINION, shared.SILENCE),
         (needs.level_is_committee, needs.third_person_refers, needs.not_conflicted, needs.consultations_settled),
         (letter("submission"), mail("committee")), weight=10),
    *(Step("approve", source, "approved", by, Text("Chấp thuận", "Approve"), APPROVE_INPUTS, APPROVE_NEEDS, (*REPLIES, *NOTICES, *AFTER),
           decides=True, keep=shared.keep_decider, weight=15)
      for source, by in (("pending_decision", (DIRECTOR,)), ("pending_committee", (COMMITTEE,)))),
    *(Step("reject", source, "rejected", by, Text("Không chấp thuận", "Refuse"), REJECT_INPUTS, REJECT_NEEDS,
           (letter("refusal", sealed=True), letter("ministry_notice", sealed=True), cancel("children"), *AFTER), decides=True, danger=True, weight=25)
      for source, by in (("pending_decision", (DIRECTOR,)), ("pending_committee", (COMMITTEE,)))),
    Step("enter_paper_decision", "pending_committee", "pending_committee", (REGISTRY, OFFICER), Text("Nhập quyết định trên giấy", "Enter a paper decision"),
         PAPER_INPUTS, (needs.scan_present,), (mail("confirmers"),), weight=30),
    Step("confirm_paper_approval", "pending_committee", "approved", shared.CONFIRMERS, Text("Xác nhận chấp thuận trên giấy", "Confirm the paper approval"),
         (shared.SEEN,),
         (needs.paper_entered("approve"), needs.second_person_confirms, needs.signer_is_third, needs.seen_is_current, needs.signer_not_conflicted,
          *(needs.on_paper(n) for n in (needs.consultations_settled, needs.silence_acknowledged, needs.licence_covers_rows))),
         (clock("answered_on_paper"), *NOTICES, *AFTER), decides=True, keep=lambda f: {"decided_role": COMMITTEE}, weight=32),
    Step("confirm_paper_refusal", "pending_committee", "rejected", shared.CONFIRMERS, Text("Xác nhận từ chối trên giấy", "Confirm the paper refusal"),
         (shared.SEEN,),
         (needs.paper_entered("reject"), needs.second_person_confirms, needs.signer_is_third, needs.seen_is_current, needs.signer_not_conflicted,
          needs.decision_is_ours, *(needs.on_paper(n) for n in (needs.silence_acknowledged, needs.ground_given))),
         (clock("answered_on_paper"), letter("ministry_notice", sealed=True), cancel("children"), *AFTER), decides=True, danger=True, weight=34),
    *steps("assign_guide", ("approved", "accompanied"), "=", (OFFICER, HEAD), Text("Cử cán bộ hướng dẫn", "Assign a guide"),
           inputs=(Field("guide", "user", Text("Cán bộ hướng dẫn", "Guide"), required=True),
                   Field("handover", "longtext", Text("Nội dung bàn giao", "Handover"))),
           needs=(needs.guide_free,), then=(letter("guide"), mail("guide")), weight=20),
    Step("start", "approved", "accompanied", shared.GUIDE_OR_OFFICER, Text("Bắt đầu hướng dẫn", "Start"), (DOCUMENTS,),
         (needs.approval_issued, needs.guide_assigned_or_unaccompanied, needs.day_reached, needs.licence_valid), weight=10),
    *steps("log", ("accompanied", "suspended"), "=", shared.GUIDE_OR_OFFICER, Text("Ghi nhật ký", "Log"), inputs=(LOG_ROWS, DOCUMENTS),
           needs=(needs.row_of_this_programme, needs.row_in_force, needs.row_permits_held), append_only=True, keep=_keep_log, weight=15),
    Step("suspend", "accompanied", "suspended", (DIRECTOR, COMMITTEE), Text("Tạm đình chỉ", "Suspend"),
         (Field("incident", "text", Text("Vụ việc", "Incident"), max_length=64), shared.REASON_FREE,
          Field("scope", "pointers", Text("Phạm vi", "Scope"))),
         (needs.violation_noted,), (letter("suspension", sealed=True), mail("ministry"), clock("ministry_measure")),
         danger=True, keep=_keep_order, weight=60),
    Step("record_suspension", "accompanied", "suspended", (GUIDE, OFFICER, HEAD), Text("Ghi việc bị cơ quan khác đình chỉ", "Record a suspension by others"),
         (Field("imposed_by", "choice", Text("Cơ quan đình chỉ", "Imposed by"), choices=choices(
             ("border_guard", "Bộ đội Biên phòng", "Border guard"), ("ministry", "Bộ Ngoại giao", "The Ministry"))),
          Field("from", "moment", Text("Từ", "From")), Field("to", "moment", Text("Đến", "To")),
          Field("paper", "paper", Text("Văn bản", "Paper")), shared.REASON),
         (needs.reason_given,), (mail("director"),), danger=True, keep=_keep_suspension, weight=62),
    Step("resume", "suspended", "accompanied", (DIRECTOR, COMMITTEE), Text("Cho tiếp tục", "Resume"),
         (Field("ministry_measure", "longtext", Text("Biện pháp của Bộ Ngoại giao", "The Ministry's measure")), shared.REASON_FREE),
         (needs.violation_settled,), (mail("applicant"), mail("guide")), keep=_keep_resumed, weight=10),
    Step("record_resumption", "suspended", "accompanied", shared.GUIDE_OR_OFFICER, Text("Ghi việc được tiếp tục", "Record the resumption"),
         (shared.NOTE,), (needs.imposed_by_other, needs.suspension_over), (mail("director"),), keep=_keep_resumed, weight=20),
    *steps("announce_hearing", ("approved", "suspended"), "=", (OFFICER, HEAD), Text("Thông báo để giải trình", "Announce a hearing"),
           inputs=(shared.GROUNDS_FREE, shared.REASON, Field("respond_by", "moment", Text("Giải trình trước", "To be heard by"))),
           needs=(needs.reason_given,), then=(mail("applicant"),), weight=80),
    *steps("hear", ("approved", "suspended"), "=", (APPLICANT, OFFICER), Text("Giải trình", "Be heard"),
           inputs=(Field("explanation", "longtext", Text("Nội dung giải trình", "Explanation")),
                   Field("waived", "bool", Text("Không giải trình", "The hearing is waived"))),
           needs=(needs.hearing_announced,), weight=30),
    *steps("revoke", ("approved", "suspended"), "revoked", (DIRECTOR, COMMITTEE), Text("Thu hồi văn bản chấp thuận", "Revoke"),
           inputs=(shared.GROUNDS, shared.REASON, Field("urgent", "bool", Text("Khẩn, không chờ giải trình", "Urgent, without a hearing")),
                   Field("report", "longtext", Text("Báo cáo phần đã thực hiện", "Report of what was done"))),
           needs=(needs.heard_or_urgent, needs.same_level, needs.violation_recorded_or_other_ground),
           then=(letter("revocation", sealed=True), letter("ministry_notice", sealed=True),
                 letter("report", when=lambda f: "start" in f.acts), cancel("children"), mail("applicant")), danger=True, weight=85),
    Step("cancel", "approved", "cancelled", (APPLICANT,), Text("Hủy chuyến", "Cancel"), (shared.REASON_FREE,), (),
         (cancel("children"), mail("guide"), mail("host")), danger=True, weight=90),
    Step("postpone", "approved", "approved", (OFFICER, DIRECTOR), Text("Hoãn", "Postpone"),
         (shared.REASON, Rows("dates", Text("Ngày mới theo dòng", "New days by row"), ids=False, one=Text("Dòng", "Row"), fields=(
             Field("row", "pointer", Text("Dòng", "Row"), required=True, max_length=200),
             Field("on", "date", Text("Ngày mới", "New day"), required=True))),
          Field("instructed_by", "text", Text("Theo chỉ đạo của", "Instructed by"), max_length=200)),
         (needs.reason_given, needs.licence_covers_new_days), (mail("applicant"), mail("guide")), weight=70),
    Step("call_off", "approved", "cancelled", (DIRECTOR, COMMITTEE), Text("Hủy từ phía tỉnh", "Call off"), (shared.REASON,), CALL_OFF,
         (cancel("children"), mail("applicant"), mail("guide"), mail("officer")), danger=True, weight=88),
    Step("conclude", "approved", "closed", (OFFICER, HEAD), Text("Kết thúc việc góp ý", "Conclude"), (shared.NOTE,),
         (needs.authority_is_opinion, needs.reply_issued), weight=75),
    Step("mark_no_show", "approved", "no_show", shared.GUIDE_OR_OFFICER, Text("Ghi đoàn không đến", "Mark a no-show"), (shared.NOTE,),
         (needs.grace_passed,), (letter("ministry_notice"), cancel("children"), mail("applicant")), danger=True, weight=82),
    *steps("file_report", ("accompanied", "suspended"), "reported", shared.GUIDE_OR_OFFICER, Text("Nộp báo cáo", "File the report"),
           inputs=(shared.report_with(LOG_ROWS),), needs=(needs.report_complete, needs.all_rows_logged),
           then=(letter("report"), mail("head")), weight=25),
    Step("return_report", "reported", "accompanied", (HEAD, DIRECTOR), Text("Trả lại báo cáo", "Return the report"), (shared.REASON,),
         (needs.reason_given,), (mail("guide"),), weight=52),
    *shared.report_steps(),
)  # fmt: skip


def example(today: date) -> dict[str, Any]:
    """A complete valid dossier with invented data; the first day is today."""
    later = (today + timedelta(days=700)).isoformat()
    return {
        "category": "A1",
        "outlet": {"name": "Hãng tin Minh Họa A (Illustration News A)", "country": "FI", "media": "agency"},
        "bureau": {"name": "Văn phòng thường trú Minh Họa A", "address": "Số 0 phố Minh Họa, Hà Nội", "head": "Aino Esimerkki", "licence_no": "00/GP-MH"},
        "ministry_notice": {"sent": True, "on": today.isoformat(), "number": "01/MH"},
        "signer": {"name": "Aino Esimerkki", "position": "Trưởng văn phòng đại diện"},
        "contact": {"name": "Trần Thị Mẫu", "phone": "+84 24 0000 0000", "email": "lien.he@minhhoa.example"},
        "title": "Thích ứng với xâm nhập mặn",
        "purpose": "Phóng sự về đời sống và sản xuất ở vùng hạ lưu.",
        "content": "Ghi hình chợ nổi, phỏng vấn hợp tác xã, trạm đo mặn.",
        "first_day": today.isoformat(),
        "last_day": (today + timedelta(days=1)).isoformat(),
        "crew": [
            {"name": "AINO ESIMERKKI", "role": "correspondent", "nationality": "FI", "passport_no": "XP0000001",
             "passport_expires_on": later, "card_no": "M-0412", "card_expires_on": later},
            {"name": "MIKKO MALLI", "role": "cameraman", "nationality": "FI", "passport_no": "XP0000002",
             "passport_expires_on": later, "card_no": "M-0413", "card_expires_on": later},
        ],
        "itinerary": [
            {"on": today.isoformat(), "from": "08:00", "to": "09:30", "commune": "Phường Cái Răng", "place": "Chợ nổi minh họa",
             "activities": ["filming", "interview"], "host": "UBND phường minh họa",
             "people": [{"name": "Chủ ghe minh họa", "position": "Người bán hàng trên chợ nổi"}],
             "questions": [{"text": "Nước mặn đến sớm thì chợ thay đổi thế nào?"}]},
            {"on": today.isoformat(), "from": "14:00", "to": "15:30", "commune": "Xã Thới Lai", "place": "Hợp tác xã minh họa",
             "activities": ["filming"], "host": "Hợp tác xã minh họa Thới Lai"},
            {"on": (today + timedelta(days=1)).isoformat(), "from": "09:00", "to": "10:00", "commune": "Phường Thới An Đông",
             "place": "Trạm đo mặn minh họa", "activities": ["photo"], "host": "Sở chuyên ngành minh họa"},
        ],
        "equipment": [{"type": "Máy quay", "maker": "Minh Họa", "model": "C70", "serial": "MH-C70-01", "quantity": 2}],
        "publication": "Phát trên truyền hình và báo điện tử trong tháng sau.",
    }  # fmt: skip


FLOW = Flow(
    kind="visit",
    version=1,
    series="V",
    title=Text("Hoạt động báo chí tại địa phương", "Press visit"),
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
