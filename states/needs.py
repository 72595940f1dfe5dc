"""Named conditions of a step: a code, a sentence in both languages, what lifts it, a pure test of the facts.

Codes are public. Numbers and lists that the law or the office sets come in through `Facts.settings`;
nothing here knows a date, an agency or a limit by heart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from states import roles
from states.language import OFFICE_TIME, AnyField, Child, Facts, Need, Paper, Text, blank, missing, moment
from states.language import local_day as _day

# Events, other than actions of the kind, that can lift a need.
EVENTS = frozenset({"time", "edit", "upload", "appoint", "setting", "child", "reload"})


def _list(items: Iterable[str]) -> str:
    return ", ".join(items)


# --- filing --------------------------------------------------------------------------------------------


def fields_complete(declared: tuple[AnyField, ...]) -> Need:
    """Every field that the law names is filled in. Basis: Nghị định 63/2010 art. 18(6)."""

    def detail(facts: Facts) -> Text | None:
        labels = [label for _, label in missing(declared, facts.fields)]
        if not labels:
            return None
        return Text(f"Còn thiếu nội dung luật buộc: {_list(x.vi for x in labels)}.", f"Still missing what the law requires: {_list(x.en for x in labels)}.")

    return Need(
        "fields_complete",
        Text("Còn thiếu nội dung luật buộc.", "Something the law requires is still missing."),
        lambda f: not missing(declared, f.fields),
        lifted_by=("edit",),
        lift=Text("Điền các mục còn thiếu rồi gửi lại.", "Fill in the missing entries, then send."),
        who=(roles.APPLICANT,),
        detail=detail,
    )


def papers_complete(declared: tuple[Paper, ...]) -> Need:
    """Every paper that the law names is attached."""
    legal = tuple(paper for paper in declared if paper.flag == "legal" and not paper.office)

    def lacking(facts: Facts) -> list[Paper]:
        return [paper for paper in legal if paper.name not in facts.papers]

    return Need(
        "papers_complete",
        Text("Còn thiếu giấy tờ luật buộc.", "A paper the law requires is missing."),
        lambda f: not lacking(f),
        lifted_by=("upload",),
        lift=Text("Tải lên giấy tờ còn thiếu.", "Upload the missing paper."),
        who=(roles.APPLICANT,),
        detail=lambda f: Text(
            f"Còn thiếu giấy tờ: {_list(p.label.vi for p in lacking(f))}.", f"Papers still missing: {_list(p.label.en for p in lacking(f))}."
        ),
    )


correspondent_present = Need(
    "correspondent_present",
    Text(
        "Đoàn phải có ít nhất một phóng viên hoặc biên tập viên; trợ lý báo chí không được làm thay.",
        "The crew needs at least one correspondent or editor; an assistant may not stand in.",
    ),
    lambda f: any(row.get("role") in ("correspondent", "editor") for row in f.fields.get("crew") or ()),
    lifted_by=("edit",),
    lift=Text("Thêm một phóng viên vào đoàn.", "Add a correspondent to the crew."),
    who=(roles.APPLICANT,),
)


def _dates(facts: Facts) -> Text | None:
    first, last = _day(facts.fields.get("first_day")), _day(facts.fields.get("last_day"))
    if "itinerary" in facts.fields or first or last:
        if first is None or last is None:
            return Text("Chưa có ngày đầu hoặc ngày cuối.", "The first or the last day is missing.")
        if last < first:
            return Text("Ngày cuối đứng trước ngày đầu.", "The last day is before the first day.")
        if first < facts.today:
            return Text("Ngày đầu đã qua.", "The first day has already passed.")
        for row in facts.fields.get("itinerary") or ():
            on = _day(row.get("on"))
            if on is not None and not first <= on <= last:
                return Text(f"Hoạt động ngày {on:%d/%m/%Y} nằm ngoài thời gian đề nghị.", f"The activity on {on:%d/%m/%Y} lies outside the days asked for.")
    slots = facts.fields.get("slots") or ()
    if slots and all((_day(slot.get("from")) or facts.today) < facts.today for slot in slots):
        return Text("Mọi thời điểm đề xuất đều đã qua.", "Every proposed time has already passed.")
    return None


dates_valid = Need(
    "dates_valid",
    Text("Ngày tháng trong hồ sơ chưa hợp lý.", "The dates in the dossier do not fit together."),
    lambda f: _dates(f) is None,
    lifted_by=("edit",),
    lift=Text("Sửa lại ngày.", "Correct the dates."),
    who=(roles.APPLICANT,),
    detail=_dates,
)

received_at_plausible = Need(
    "received_at_plausible",
    Text("Ngày nhận không được ở tương lai.", "The moment of receipt may not lie in the future."),
    lambda f: (moment(f.given.get("received_at")) or f.now) <= f.now,
    lifted_by=("reload",),
    lift=Text("Nhập đúng ngày giờ ghi trên dấu đến.", "Enter the moment stamped on the letter."),
    of_input=True,
)

questions_given = Need(
    "questions_given",
    Text("Cần gửi trước ít nhất một câu hỏi.", "At least one question must be sent in advance."),
    lambda f: any(not blank(row.get("text")) for row in f.fields.get("questions") or ()),
    lifted_by=("edit",),
    lift=Text("Thêm câu hỏi dự kiến.", "Add the questions you mean to ask."),
    who=(roles.APPLICANT,),
)

purpose_given = Need(
    "purpose_given",
    Text("Cần nêu mục đích phỏng vấn.", "The purpose of the interview must be told."),
    lambda f: not blank(f.fields.get("purpose")),
    lifted_by=("edit",),
    lift=Text("Viết mục đích.", "Write the purpose."),
    who=(roles.APPLICANT,),
)

# --- intake and the return loop ----------------------------------------------------------------------

in_our_authority = Need(
    "in_our_authority",
    Text(
        "Loại đề nghị này không thuộc thẩm quyền của tỉnh; hãy từ chối tiếp nhận và chỉ nơi cần đến.",
        "This kind of request is not the province's to receive; refuse intake and say where to go.",
    ),
    lambda f: f.fields.get("category") not in f.settings.get("referred_out", ()),
    instead="refuse_intake",
    lift=Text("Dùng “Từ chối tiếp nhận”.", "Use “Refuse intake”."),
    who=(roles.INTAKE,),
)


def _said(facts: Facts, target: Any) -> Text:
    """A target in words, as far as the office has told them."""
    found = facts.settings.get("words", {}).get(target)
    return found or Text(str(target), str(target))


def _names(facts: Facts, targets: Iterable[Any]) -> Text:
    told = [_said(facts, target) for target in targets]
    return Text(_list(text.vi for text in told), _list(text.en for text in told))


def _without(facts: Facts, part: str) -> list[Any]:
    """The targets of items that lack this part."""
    return [item.get("target") for item in facts.given.get("items") or () if blank(item.get(part))]


def _items_lacking(facts: Facts) -> Text | None:
    basis, reason = _without(facts, "basis"), _without(facts, "reason")
    if not basis and not reason:
        return None
    at, why = _names(facts, basis), _names(facts, reason)
    vi = [f"chưa có căn cứ – {at.vi}" if basis else "", f"chưa nêu thiếu gì, sửa thế nào – {why.vi}" if reason else ""]
    en = [f"no legal basis – {at.en}" if basis else "", f"what is missing and how to mend it is not said – {why.en}" if reason else ""]
    return Text(f"Chưa gửi được: {'; '.join(filter(None, vi))}.", f"Not ready to be sent: {'; '.join(filter(None, en))}.")


# All gaps at once, in writing, each with its reason and basis. Basis: Nghị định 63/2010 art. 18(5), 20(4).
items_given = Need(
    "items_given",
    Text("Phải nêu ít nhất một mục cần bổ sung, mỗi mục có lý do và căn cứ.", "Name at least one item, each with its reason and its legal basis."),
    lambda f: bool(f.given.get("items")) and _items_lacking(f) is None,
    lifted_by=("reload",),
    lift=Text("Chọn mục, chọn lý do trong danh mục hoặc viết lý do và căn cứ.", "Choose the items, and a reason of the list or your own with its basis."),
    of_input=True,
    detail=_items_lacking,
)


def _trips(facts: Facts) -> int:
    asked = ("ask_supplement", "ask_clarification")
    return sum(facts.acts[name].count for name in asked if name in facts.acts)


def _trips_allowed(facts: Facts) -> int:
    more = facts.acts.get("allow_supplement")
    return int(facts.settings.get("supplement_trips", 2)) + (more.count if more else 0)


def _allowed_since(facts: Facts) -> bool:
    """Whether the head has allowed one more since the file was last returned."""
    more = facts.acts.get("allow_supplement")
    asked = [facts.acts[name].at for name in ("ask_supplement", "ask_clarification") if name in facts.acts]
    return more is not None and all(more.at >= at for at in asked)


def _late_gaps(facts: Facts) -> tuple[Any, ...]:
    """Items that stood in the file as they do now when it was first returned, and were not named then."""
    return () if _allowed_since(facts) else tuple(facts.settings.get("late_gaps", ()))


def _trips_detail(facts: Facts) -> Text | None:
    if _trips(facts) >= _trips_allowed(facts):
        n = _trips_allowed(facts)
        return Text(f"Hồ sơ đã được trả {n} lần, đủ số lần cho phép.", f"The file has been returned {n} times, which is all that is allowed.")
    late = _names(facts, _late_gaps(facts))
    return Text(
        f"Đã có trong hồ sơ từ lần trả đầu mà khi đó không nêu: {late.vi}. Cần ý kiến của lãnh đạo phòng.",
        f"Already in the file when it was first returned, and not named then: {late.en}. The head has to allow it.",
    )


# All gaps are told at the first return: what was overlooked then costs a note of the head, like a return too many.
supplement_trips_left = Need(
    "supplement_trips_left",
    Text("Đã yêu cầu bổ sung đủ số lần cho phép.", "The permitted number of supplement requests has been used."),
    lambda f: _trips(f) < _trips_allowed(f) and not _late_gaps(f),
    lifted_by=("allow_supplement",),
    lift=Text("Lãnh đạo phòng dùng “Cho bổ sung thêm một lần”, có lý do.", "The head uses “Allow one more supplement”, with a reason."),
    who=(roles.HEAD,),
    detail=_trips_detail,
)


def _leaves_time(facts: Facts) -> bool:
    by, latest = moment(facts.given.get("respond_by")), moment(facts.settings.get("respond_by_latest"))
    return by is None or (facts.now < by and (latest is None or by <= latest))


def _local(at: datetime) -> str:
    return f"{at.astimezone(OFFICE_TIME):%H:%M %d/%m/%Y}"


def _respond_detail(facts: Facts) -> Text | None:
    by, latest = moment(facts.given.get("respond_by")), moment(facts.settings.get("respond_by_latest"))
    if by is not None and by <= facts.now:
        return Text("Hạn trả lời đã qua.", "The date to respond has already passed.")
    if latest is None:
        return None
    if latest <= facts.now:
        return Text(
            f"Muộn nhất phải là {_local(latest)}, một ngày làm việc trước hạn luật định, và lúc đó đã qua: không trả hồ sơ được nữa.",
            f"The latest is {_local(latest)}, a working day before the statutory date, and that has passed: the file cannot be returned any more.",
        )
    return Text(
        f"Hạn trả lời muộn nhất là {_local(latest)}, một ngày làm việc trước hạn luật định.",
        f"The latest date to respond is {_local(latest)}, a working day before the statutory date.",
    )


respond_by_leaves_time = Need(
    "respond_by_leaves_time",
    Text("Hạn bổ sung phải còn ít nhất một ngày làm việc trước hạn luật định.", "The date to respond must leave a working day before the statutory date."),
    _leaves_time,
    lifted_by=("reload",),
    lift=Text("Chọn hạn sớm hơn, hoặc quyết định trên hồ sơ hiện có.", "Choose an earlier date, or decide on the file as it is."),
    of_input=True,
    detail=_respond_detail,
)


def asked_items(facts: Facts) -> list[Mapping[str, Any]]:
    """The items of the last supplement or clarification asked for."""
    act = facts.acts.get("ask_clarification" if facts.state == "clarification_required" else "ask_supplement")
    return list(act.given.get("items") or ()) if act else []


def _unanswered(facts: Facts) -> Text:
    left = _names(facts, facts.settings.get("unanswered", ()))
    return Text(f"Chưa sửa và chưa giải thích: {left.vi}.", f"Neither changed nor explained: {left.en}.")


items_answered = Need(
    "items_answered",
    Text("Còn mục chưa sửa và chưa có giải thích.", "An item is neither changed nor explained."),
    lambda f: not blank(f.given.get("note")) or not f.settings.get("unanswered"),
    lifted_by=("edit",),
    lift=Text("Sửa mục được hỏi, hoặc ghi chú giải thích.", "Change the item asked about, or explain in a note."),
    who=(roles.APPLICANT,),
    of_input=True,
    detail=_unanswered,
)


def _given(name: str, code: str, text: Text, lift: Text) -> Need:
    return Need(code, text, lambda f: not blank(f.given.get(name)), lifted_by=("reload",), lift=lift, of_input=True)


reason_given = _given("reason", "reason_given", Text("Phải nêu lý do.", "A reason must be given."), Text("Viết lý do.", "Write the reason."))


def _respond_by(facts: Facts) -> datetime | None:
    act = facts.acts.get("ask_clarification" if facts.state == "clarification_required" else "ask_supplement")
    return moment(act.given.get("respond_by")) if act else None


def _respond_by_passed(facts: Facts) -> bool:
    by = _respond_by(facts)
    return by is not None and facts.now > by


respond_by_passed = Need(
    "respond_by_passed",
    Text("Chưa hết hạn trả lời.", "The date to respond has not passed."),
    _respond_by_passed,
    lifted_by=("time",),
    lift=Text("Chờ đến hết hạn.", "Wait until the date has passed."),
)

respond_by_passed_or_agreed = Need(
    "respond_by_passed_or_agreed",
    Text(
        "Chưa hết hạn bổ sung, và cơ quan đề nghị chưa đồng ý lấy lại hồ sơ.", "The date has not passed and the applicant has not agreed to take the file back."
    ),
    lambda f: _respond_by_passed(f) or f.given.get("agreed") is True,
    lifted_by=("time", "reload"),
    lift=Text("Chờ hết hạn, hoặc ghi nhận sự đồng ý.", "Wait, or record the applicant's agreement."),
    of_input=True,
)


def _reminded(facts: Facts) -> bool:
    asked = facts.acts.get("ask_clarification" if facts.state == "clarification_required" else "ask_supplement")
    reminder = facts.acts.get("remind")
    return bool(asked and reminder and reminder.at >= asked.at)


reminder_sent = Need(
    "reminder_sent",
    Text("Chưa gửi đôn đốc lần nào.", "No reminder has been sent."),
    _reminded,
    lifted_by=("remind",),
    lift=Text("Gửi đôn đốc trước.", "Send a reminder first."),
    who=(roles.INTAKE, roles.OFFICER),
)

ground_of_competence = Need(
    "ground_of_competence",
    Text("Căn cứ từ chối tiếp nhận phải thuộc danh mục.", "The ground must be one of the closed list for refusing intake."),
    lambda f: f.given.get("ground") in f.settings.get("grounds_not_accepted", ()),
    lifted_by=("reload",),
    lift=Text("Chọn một căn cứ trong danh mục.", "Choose a ground of the list."),
    of_input=True,
)

keyed_in_by_us = Need(
    "keyed_in_by_us",
    Text("Chỉ sửa lỗi nhập của hồ sơ do Sở nhập.", "Only a file keyed in at the desk may be corrected here."),
    lambda f: f.keyed_in,
    instead="ask_supplement",
    lift=Text("Yêu cầu cơ quan đề nghị tự sửa.", "Ask the applicant to correct it."),
    who=(roles.INTAKE,),
    quiet=True,
)

# --- consulting, proposing -----------------------------------------------------------------------------


def consultations(facts: Facts) -> tuple[Child, ...]:
    """The consultations of a case."""
    return tuple(child for child in facts.children if child.kind == "consultation")


def _agency(child: Child) -> str:
    return str(child.fields.get("agency", ""))


def current(facts: Facts) -> tuple[Child, ...]:
    """Of the consultations the last one of each agency: one that was asked again stands in the place of the one before."""
    before = facts.settings.get("superseded", ())
    return tuple(child for child in consultations(facts) if child.id not in before)


def to_ask_again(facts: Facts) -> dict[str, Any]:
    """The agencies whose question held something that has changed since, with what changed in words.

    One whose question was cancelled is not asked again, nor one that was dropped with a reason in this round.
    """
    changed = facts.settings.get("outdated", {})
    dropped = {agency for agency, row in (facts.memory.get("dropped") or {}).items() if row.get("round") == facts.round}
    return {
        _agency(child): changed[child.id]
        for child in current(facts)
        if child.id in changed and child.state != "cancelled" and _agency(child) not in dropped
    }  # fmt: skip


def _open_again(facts: Facts) -> list[str]:
    """The agencies named that are being asked already, about the file as it is now."""
    changed = facts.settings.get("outdated", {})
    running = {_agency(child) for child in current(facts) if child.state in ("asked", "lapsed") and child.id not in changed}
    return sorted(running & set(facts.given.get("agencies") or ()))


agency_not_open = Need(
    "agency_not_open",
    Text("Cơ quan này đang được hỏi.", "This agency is being asked already."),
    lambda f: not _open_again(f),
    lifted_by=("child",),
    lift=Text("Chờ trả lời hoặc hủy lần hỏi trước.", "Wait for the answer or cancel the first question."),
    who=(roles.OFFICER,),
    of_input=True,
)


def unrouted(facts: Facts) -> list[str]:
    """Bodies still to be asked: those a routing rule proposes that were neither asked nor dropped with a reason, and those to be asked again."""
    asked = {_agency(child) for child in consultations(facts)}
    dropped = set(facts.memory.get("dropped") or ())
    first = [row["agency"] for row in facts.settings.get("proposed", ()) if row["agency"] not in asked | dropped]
    return list(dict.fromkeys([*first, *to_ask_again(facts)]))


def _agencies_said(facts: Facts, codes: Iterable[str]) -> Text:
    names = facts.settings.get("agency_names", {})
    told = [(names.get(code), code) for code in codes]
    return Text(_list(n.vi if n else c for n, c in told), _list(n.en if n else c for n, c in told))


def _to_ask(facts: Facts) -> Text | None:
    again = to_ask_again(facts)
    if not again:
        return None
    first = [code for code in unrouted(facts) if code not in again]
    who, told = _agencies_said(facts, again), _agencies_said(facts, first)
    vi, en = (f" Chưa hỏi: {told.vi}.", f" Not asked yet: {told.en}.") if first else ("", "")
    return Text(
        f"Hồ sơ đã sửa phần gửi kèm câu hỏi; phải hỏi lại: {who.vi}.{vi}", f"What was sent along with a question has changed; to be asked again: {who.en}.{en}"
    )


def _for_approval(need: Need) -> Need:
    """The same need, asked only where the proposal is to approve, wholly or partly."""
    return replace(need, test=lambda f: f.given.get("proposal") not in ("approve", "approve_partly") or need.test(f), of_input=True)


def _for_rejection(need: Need) -> Need:
    return replace(need, test=lambda f: f.given.get("proposal") != "reject" or need.test(f), of_input=True)


_routing = Need(
    "routing_settled",
    Text("Còn cơ quan theo quy tắc chưa được hỏi.", "A body that the rules propose has not been asked."),
    lambda f: not unrouted(f),
    lifted_by=("consult",),
    lift=Text("Hỏi cơ quan đó, hoặc bỏ qua và nêu lý do.", "Ask it, or drop it with a reason."),
    who=(roles.OFFICER,),
    detail=_to_ask,
)
routing_settled = _for_approval(_routing)
somebody_to_ask = replace(
    _routing,
    code="somebody_to_ask",
    text=Text("Mọi cơ quan theo quy tắc đã được hỏi.", "Every body that the rules propose has been asked."),
    test=lambda f: bool(unrouted(f)),
    detail=None,
)


def towards_approval(need: Need) -> Need:
    """The need as a hint of the step that proposes: what an approval still lacks, while a refusal may be proposed."""

    def detail(facts: Facts) -> Text:
        told = (need.detail(facts) if need.detail else None) or need.text
        return Text(f"Chưa đề xuất chấp thuận được. {told.vi}", f"Approval cannot be proposed yet. {told.en}")

    return replace(need, detail=detail)


routing_hint = towards_approval(_routing)


def _unsettled(facts: Facts) -> list[Child]:
    left, again = [], to_ask_again(facts)
    for child in current(facts):
        if _agency(child) in again:
            left.append(child)
            continue
        if child.state in ("answered", "cancelled"):
            continue
        if child.state == "lapsed":
            silence = child.fields.get("silence_means", "none")
            if silence != "blocking" or not blank(facts.given.get("silence_reason")):
                continue
        left.append(child)
    return left


def _waiting_for(facts: Facts) -> Text | None:
    left, again = [_agency(child) for child in _unsettled(facts)], to_ask_again(facts)
    if not left:
        return None
    waited = _agencies_said(facts, (code for code in left if code not in again))
    stale = _agencies_said(facts, (code for code in left if code in again))
    vi = [f"Còn chờ ý kiến: {waited.vi}." if waited.vi else "", f"Phải hỏi lại vì hồ sơ đã sửa: {stale.vi}." if stale.vi else ""]
    en = [f"Opinions still awaited: {waited.en}." if waited.en else "", f"To be asked again, the file has changed: {stale.en}." if stale.en else ""]
    return Text(" ".join(filter(None, vi)), " ".join(filter(None, en)))


consultations_settled = Need(
    "consultations_settled",
    Text("Còn cơ quan chưa trả lời.", "An opinion is still awaited."),
    lambda f: not _unsettled(f),
    lifted_by=("child", "time"),
    lift=Text("Chờ trả lời, ghi nhận trả lời giấy, hoặc hết hạn hỏi.", "Wait for the answer, record a paper answer, or let the date pass."),
    who=(roles.CONSULTEE, roles.OFFICER, roles.REGISTRY),
    detail=_waiting_for,
)
consultations_settled_unless_urgent = replace(consultations_settled, test=lambda f: f.urgent or not _unsettled(f))
consultations_settled_to_approve = _for_approval(consultations_settled_unless_urgent)
consultations_hint = towards_approval(consultations_settled_unless_urgent)


def dropped_rows(facts: Facts) -> frozenset[str]:
    """Row ids that the decision (or, before it, the proposal) drops: the latest word on rows since the case was last proposed."""
    rows: Iterable[Mapping[str, Any]] = facts.given.get("rows") or ()
    if not rows:
        proposed = facts.acts.get("recommend")
        told = [facts.acts[name] for name in ("approve", "enter_paper_decision", "endorse", "recommend") if name in facts.acts]
        worded = [act for act in told if act.given.get("rows") and (proposed is None or act.at >= proposed.at)]
        rows = max(worded, key=lambda act: act.at).given["rows"] if worded else ()
    return frozenset(row_of(row) for row in rows if row.get("result") == "drop")


def row_of(row: Mapping[str, Any]) -> str:
    """The row id in a decision row, given as an id or as a pointer such as /itinerary/<id>."""
    return str(row.get("row", "")).rstrip("/").rsplit("/", 1)[-1]


def kept_days(facts: Facts) -> list[date]:
    """The days of the programme rows that are not dropped; for an interview, of its slots."""
    out = dropped_rows(facts)
    rows = facts.fields.get("itinerary") or ()
    days = [_day(row.get("on")) for row in rows if row.get("row") not in out]
    return sorted(day for day in days if day is not None)


def _uncovered(facts: Facts, days: list[date]) -> Text | None:
    category = facts.fields.get("category")
    if not days:
        return None
    if category in ("A1", "A2"):
        holders = [row for row in facts.fields.get("crew") or () if not blank(row.get("card_no"))]
        if not any(row.get("role") in ("correspondent", "editor") for row in holders):
            return Text("Chưa có thẻ phóng viên nước ngoài của phóng viên nào.", "No correspondent holds a press card.")
        for row in holders:
            until = _day(row.get("card_expires_on"))
            if until is None or until < days[-1]:
                name = row.get("name", "")
                return Text(f"Thẻ của {name} không còn giá trị vào ngày {days[-1]:%d/%m/%Y}.", f"The card of {name} is not valid on {days[-1]:%d/%m/%Y}.")
    elif category in ("A3", "A4", "A5", "A6", "A7"):
        licence = facts.fields.get("licence") or {}
        since, until = _day(licence.get("valid_from")), _day(licence.get("valid_to"))
        if since is None or until is None:
            return Text("Chưa có thời hạn giấy phép của Bộ Ngoại giao.", "The validity of the Ministry's licence is missing.")
        if days[0] < since or days[-1] > until:
            return Text(
                f"Giấy phép có giá trị {since:%d/%m/%Y} – {until:%d/%m/%Y}, không phủ hết chương trình.",
                f"The licence runs {since:%d/%m/%Y} – {until:%d/%m/%Y} and does not cover the programme.",
            )
    return None


_licence = Need(
    "licence_covers_rows",
    Text("Thẻ hoặc giấy phép không phủ hết chương trình.", "Card or licence does not cover the programme."),
    lambda f: _uncovered(f, kept_days(f)) is None,
    lifted_by=("ask_clarification", "recommend"),
    lift=Text("Bỏ hoạt động ngoài thời hạn, hoặc yêu cầu làm rõ.", "Drop the activities outside it, or ask for clarification."),
    who=(roles.OFFICER,),
    detail=lambda f: _uncovered(f, kept_days(f)),
)
licence_covers_rows = _licence
licence_covers_kept_rows = _for_approval(_licence)
licence_covers_new_days = replace(
    _licence,
    test=lambda f: _uncovered(f, sorted(d for d in map(_day, f.given.get("dates") or ()) if d)) is None,
    detail=lambda f: _uncovered(f, sorted(d for d in map(_day, f.given.get("dates") or ()) if d)),
    lifted_by=("reload",),
    of_input=True,
)
licence_valid = replace(
    _licence,
    code="licence_valid",
    test=lambda f: _uncovered(f, [f.today]) is None,
    detail=lambda f: _uncovered(f, [f.today]),
    lifted_by=("edit", "time"),
    lift=Text("Xuất trình thẻ hoặc giấy phép còn hạn.", "Show a card or licence that is valid."),
)


def _unknown_permits(facts: Facts) -> list[str]:
    held = facts.memory.get("permits") or {}
    if "" in held:  # a permit for the whole programme
        return []
    conditions = {row_of(r) for r in facts.given.get("rows") or () if r.get("result") in ("condition", "drop")}
    return [row for row in facts.settings.get("permits_needed", ()) if row not in held and row not in conditions]


prerequisites_known = _for_approval(
    Need(
        "prerequisites_known",
        Text("Có hoạt động cần giấy phép riêng chưa được ghi nhận.", "An activity needs a permit that is not on record."),
        lambda f: not _unknown_permits(f),
        lifted_by=("record_permit",),
        lift=Text("Ghi giấy phép, hoặc đặt điều kiện cho dòng đó.", "Record the permit, or keep the row with a condition."),
        who=(roles.APPLICANT, roles.OFFICER),
    )
)


def _grounded(facts: Facts) -> bool:
    grounds = facts.given.get("grounds") or ()
    return bool(grounds) and set(grounds) <= set(facts.settings.get("grounds", grounds)) and not blank(facts.given.get("reason"))


ground_given = Need(
    "ground_given",
    Text("Phải có căn cứ trong danh mục và lý do.", "A ground of the closed list and a reason are needed."),
    _grounded,
    lifted_by=("reload",),
    lift=Text("Chọn căn cứ và viết lý do.", "Choose the ground and write the reason."),
    of_input=True,
)
ground_given_to_reject = _for_rejection(ground_given)

ground_of_eligibility = Need(
    "ground_of_eligibility",
    Text(
        "Sở chỉ được từ chối vì điều kiện; ý của người được phỏng vấn do cơ quan của họ quyết.",
        "The Department may refuse on eligibility only; the interviewee's own no is for that office.",
    ),
    lambda f: "interviewee_declines" not in (f.given.get("grounds") or ()),
    lifted_by=("reload",),
    lift=Text("Chọn căn cứ khác hoặc chuyển cơ quan của người được phỏng vấn.", "Choose another ground or forward it."),
    of_input=True,
)

_ours = Need(
    "decision_is_ours",
    Text("Bộ Ngoại giao đã cấp phép: tỉnh không được từ chối, chỉ điều phối.", "The Ministry has licensed this: the province coordinates and cannot refuse."),
    lambda f: f.authority == "decide",
    instead="approve",
    lift=Text("Chấp thuận, bỏ những dòng không thực hiện được.", "Approve, dropping the rows that cannot be done."),
    who=(roles.DIRECTOR, roles.COMMITTEE),
)
decision_is_ours = _ours
decision_is_ours_to_reject = _for_rejection(_ours)

level_is_local = _for_approval(
    Need(
        "level_is_local",
        Text(
            "Người được đề nghị phỏng vấn không thuộc cấp địa phương; hướng dẫn gửi Bộ Ngoại giao.",
            "The leader asked is not a local one; refer the outlet to the Ministry.",
        ),
        lambda f: bool(f.settings.get("leader_is_local")),
        instead="refer_out",
        lift=Text("Dùng “Chuyển nơi khác”.", "Use “Refer out”."),
        who=(roles.HEAD,),
    )
)


def _screened(facts: Facts) -> bool:
    asked = {row.get("row") for row in facts.fields.get("questions") or ()}
    results = {row_of(row): row for row in facts.given.get("questions") or ()}
    return asked <= set(results) and all(row.get("result") != "decline" or not blank(row.get("ground")) for row in results.values())


questions_screened = _for_approval(
    Need(
        "questions_screened",
        Text("Mỗi câu hỏi cần kết quả; câu không trả lời cần căn cứ.", "Every question needs a result, a declined one a ground."),
        _screened,
        lifted_by=("reload",),
        lift=Text("Ghi kết quả cho từng câu hỏi.", "Set the result of each question."),
        who=(roles.OFFICER,),
    )
)

# --- persons and duties --------------------------------------------------------------------------------


def _did(facts: Facts, *actions: str) -> frozenset[str]:
    return frozenset().union(*(facts.duties.get(action, frozenset()) for action in actions))


AUTHORS = ("open", "edit", "submit", "resubmit", "clarify")


def _apart(text: Text, lift: Text, *actions: str, code: str, persons: Callable[[Facts], frozenset[str]] | None = None) -> Need:
    return Need(code, text, lambda f: not (persons(f) if persons else f.persons) & _did(f, *actions), lifted_by=("appoint",), lift=lift)


_another = Text("Một người khác có cùng vai trò phải làm việc này.", "Another person with the role has to do this.")

not_conflicted = Need(
    "not_conflicted",
    Text("Ông/Bà có liên quan đến hồ sơ này nên không được xử lý.", "You have a conflict of interest in this case."),
    lambda f: not f.persons & f.conflicted,
    lifted_by=("appoint",),
    lift=_another,
)


def _second_person(text: Text, *actions: str, who: tuple[str, ...] = ()) -> Need:
    """Not who wrote the content, gave an opinion or took one of these steps in the round.

    A profile's `allow_two_person` lets one person recommend and endorse, and no more than that.
    """

    def test(facts: Facts) -> bool:
        merged = ("recommend", "endorse") if facts.settings.get("allow_two_person") else ()
        return not facts.persons & _did(facts, *AUTHORS, "answer", *(name for name in actions if name not in merged))

    return Need("second_person", text, test, lifted_by=("appoint",), lift=_another, who=who)


# A file sent back is appraised again in the same round, so that the later steps count against the earlier ones too.
second_person_recommends = _second_person(
    Text(
        "Người nộp, sửa nội dung, cho ý kiến, thẩm định hoặc chuyển hồ sơ trong vòng này không được trình.",
        "Who wrote, sent, endorsed, referred or gave an opinion in this round may not recommend.",
    ),
    "endorse", "refer_up", "forward",
)  # fmt: skip
second_person_endorses = _second_person(
    Text(
        "Người nộp, sửa nội dung, cho ý kiến, trình hoặc chuyển hồ sơ trong vòng này không được thẩm định.",
        "Who wrote, sent, recommended, referred or gave an opinion in this round may not endorse.",
    ),
    "recommend", "refer_up", "forward", who=(roles.HEAD, roles.DIRECTOR),
)  # fmt: skip

_THIRD_TEXT = Text(
    "Người đã nộp, trình, thẩm định, cho ý kiến hoặc chuyển hồ sơ trong vòng này không được quyết định.",
    "Who submitted, recommended, endorsed, referred or gave an opinion in this round may not decide.",
)
third_person = _apart(_THIRD_TEXT, _another, *AUTHORS, "answer", "recommend", "endorse", "refer_up", "forward", code="third_person")
third_person_refers = _apart(
    Text(
        "Người đã nộp, trình, thẩm định hoặc cho ý kiến trong vòng này không được chuyển tiếp.",
        "Who submitted, recommended, endorsed or gave an opinion in this round may not refer it.",
    ),
    _another, *AUTHORS, "answer", "recommend", "endorse", code="third_person",
)  # fmt: skip


def signer_of_paper(facts: Facts) -> frozenset[str]:
    """Who signed the paper decision: a user id, or `name:<folded name>` for a person without an account."""
    act = facts.acts.get("enter_paper_decision")
    signer = (act.given.get("signer") or {}) if act else {}
    return frozenset({str(signer.get("person", ""))}) if signer else frozenset()


signer_is_third = _apart(
    Text(
        "Người ký văn bản giấy đã tham gia vòng này nên không được quyết định.",
        "The signer of the paper took part in this round and may not decide.",
    ),
    Text("Cần văn bản do người khác ký.", "A paper signed by another person is needed."),
    *AUTHORS, "answer", "recommend", "endorse", "refer_up", "forward", code="third_person", persons=signer_of_paper,
)  # fmt: skip
signer_not_conflicted = replace(
    not_conflicted,
    text=Text("Người ký văn bản giấy có liên quan đến hồ sơ.", "The signer of the paper has a conflict of interest."),
    test=lambda f: not signer_of_paper(f) & f.conflicted,
)

second_person_confirms = _apart(
    Text("Người nhập văn bản giấy không được tự xác nhận.", "Who entered the paper may not confirm it."),
    _another, "enter_paper_decision", code="second_person",
)  # fmt: skip
second_person_closes = Need(
    "second_person",
    Text("Người lập báo cáo không được tự kết thúc hồ sơ.", "Who reported may not close the case."),
    lambda f: (
        ("file_report" not in f.acts and "deliver_answers" not in f.acts)
        or not f.persons & frozenset().union(*(f.acts[a].by for a in ("file_report", "deliver_answers") if a in f.acts))
    ),
    lifted_by=("appoint",),
    lift=_another,
    who=(roles.HEAD, roles.DIRECTOR),
)
somebody_decides = Need(
    "somebody_decides",
    Text("Nếu Ông/Bà đồng ý thì không còn lãnh đạo Sở nào để quyết định.", "If you endorse, no other director is left to act."),
    lambda f: f.role != roles.DIRECTOR or bool(f.settings.get("other_directors")),
    lifted_by=("appoint",),
    lift=Text("Cử hoặc ủy quyền một lãnh đạo khác.", "Appoint or delegate another director."),
    who=(roles.ADMIN,),
)

# --- deciding --------------------------------------------------------------------------------------------

level_is_committee = Need(
    "level_is_committee",
    Text("Việc này do Sở quyết định, không trình UBND.", "The Department decides this itself."),
    lambda f: f.settings.get("decision_level") == "committee",
    instead="approve",
    lift=Text("Quyết định tại Sở.", "Decide in the Department."),
    who=(roles.DIRECTOR,),
    quiet=True,
)
level_is_mine = Need(
    "level_is_mine",
    Text(
        "Việc này do UBND quyết định; Sở không có ủy quyền đang hiệu lực.", "The People's Committee decides this; the Department holds no delegation in force."
    ),
    lambda f: (
        f.role == roles.COMMITTEE
        or f.settings.get("decision_level") == "department"
        or (f.role == roles.DIRECTOR and bool(f.settings.get("signs_for_committee")))
    ),
    instead="refer_up",
    lift=Text("Dùng “Trình UBND”.", "Use “Refer to the People's Committee”."),
    who=(roles.DIRECTOR,),
)
seen_is_current = Need(
    "seen_is_current",
    Text("Hồ sơ hoặc ý kiến đã thay đổi từ khi Ông/Bà mở trang; hãy xem lại.", "The dossier or an opinion has changed since you opened the page; look again."),
    lambda f: f.given.get("seen") == f.decision_hash,
    lifted_by=("reload",),
    lift=Text("Mở lại trang và xem phần đã đổi.", "Open the page again and look at what changed."),
    of_input=True,
)


def without_opinion(facts: Facts) -> list[str]:
    """Agencies that let the date pass and whose silence means nothing."""
    return [_agency(child) for child in current(facts) if child.state == "lapsed" and child.fields.get("silence_means", "none") != "no_objection"]


silence_acknowledged = Need(
    "silence_acknowledged",
    Text("Phải xác nhận quyết định khi không có ý kiến.", "Confirm that you decide without an opinion."),
    lambda f: set(without_opinion(f)) <= set(f.given.get("without_opinion") or ()),
    lifted_by=("reload",),
    lift=Text("Đánh dấu từng cơ quan không trả lời.", "Tick each agency that did not answer."),
    of_input=True,
)

scan_present = Need(
    "scan_present",
    Text("Chưa có bản chụp văn bản giấy.", "The scan of the paper is missing."),
    lambda f: bool(f.given.get("paper_only")) or f.given.get("scan") in f.settings.get("scans", ()),
    lifted_by=("upload",),
    lift=Text("Tải bản chụp lên rồi chọn.", "Upload the scan, then choose it."),
    of_input=True,
)


def paper_entered(*outcomes: str) -> Need:
    """A paper decision with one of these outcomes was entered in this round."""

    def test(facts: Facts) -> bool:
        act = facts.acts.get("enter_paper_decision")
        return bool(act and act.round == facts.round and act.given.get("outcome") in outcomes)

    return Need(
        "paper_entered",
        Text("Chưa nhập văn bản giấy có kết quả này.", "No paper decision with this outcome has been entered."),
        test,
        lifted_by=("enter_paper_decision",),
        lift=Text("Văn thư hoặc chuyên viên nhập văn bản giấy.", "Registry or the officer enters the paper."),
        who=(roles.REGISTRY, roles.OFFICER),
    )


def _entered(facts: Facts) -> Facts:
    """The same facts with the entered paper in place of the input: the paper's content is what is judged."""
    act = facts.acts.get("enter_paper_decision")
    if act is None:
        return facts
    return replace(facts, given={**act.given, "seen": facts.given.get("seen")}, role=roles.COMMITTEE)


def _on_paper_detail(detail: Callable[[Facts], Text | None] | None) -> Callable[[Facts], Text | None] | None:
    return None if detail is None else lambda facts: detail(_entered(facts))


def on_paper(need: Need) -> Need:
    """The need judged on the paper that was entered; without a paper only `paper_entered` speaks."""
    return replace(
        need,
        test=lambda f: "enter_paper_decision" not in f.acts or need.test(_entered(f)),
        detail=_on_paper_detail(need.detail),
        of_input=need.of_input and need.code == "seen_is_current",
        lifted_by=("enter_paper_decision",),
        lift=Text("Nhập lại đúng theo văn bản giấy.", "Enter the paper again as it stands."),
        who=(roles.REGISTRY, roles.OFFICER),
    )


def _speaks(facts: Facts) -> bool:
    if facts.given.get("speaker_basis") != "delegation":
        return True
    slot = facts.given.get("slot") or {}
    on = _day(slot.get("from"))
    since, until = _day(facts.given.get("delegation_from")), _day(facts.given.get("delegation_to"))
    return not blank(facts.given.get("delegation_no")) and bool(on and since and until and since <= on <= until)


speaker_may_speak = Need(
    "speaker_may_speak",
    Text(
        "Người trả lời phải là người đứng đầu, người phát ngôn, hoặc có ủy quyền bằng văn bản còn hiệu lực vào ngày đó.",
        "The speaker must be the head, the regular spokesperson, or hold a written delegation valid on that day.",
    ),
    _speaks,
    lifted_by=("reload",),
    lift=Text("Nhập số, ngày và thời hạn văn bản ủy quyền.", "Enter number and validity of the written delegation."),
    of_input=True,
)

# --- extending ------------------------------------------------------------------------------------------

not_extended = Need(
    "not_extended",
    Text("Đã gia hạn một lần; không được gia hạn nữa.", "It has been extended once; there is no second extension."),
    lambda f: not f.extended,
    instead="recommend",
    lift=Text("Quyết định trên hồ sơ hiện có.", "Decide on the file as it is."),
    who=(roles.OFFICER,),
)
before_due = Need(
    "before_due",
    Text("Đã quá hạn trả lời; chỉ được gia hạn trước hạn.", "The date has passed; an extension must come before it."),
    lambda f: f.due_at is None or f.now <= f.due_at,
    instead="recommend",
    lift=Text("Quyết định ngay.", "Decide now."),
    who=(roles.OFFICER,),
)

# --- after the approval ---------------------------------------------------------------------------------

guide_free = Need(
    "guide_free",
    Text("Cán bộ hướng dẫn đã nhận một đoàn khác cùng ngày.", "The guide already has another visit on those days."),
    lambda f: not f.settings.get("guide_clash"),
    lifted_by=("reload",),
    lift=Text("Chọn người khác.", "Choose another guide."),
    of_input=True,
    detail=lambda f: Text(
        f"Cán bộ hướng dẫn trùng lịch với hồ sơ {f.settings.get('guide_clash')}.", f"The guide is taken by case {f.settings.get('guide_clash')} on those days."
    ),
)
approval_issued = Need(
    "approval_issued",
    Text("Văn bản trả lời chưa được phát hành.", "The reply letter has not been issued."),
    lambda f: f.answered,
    lifted_by=("child",),
    lift=Text("Văn thư cấp số và phát hành văn bản.", "Registry numbers and issues the letter."),
    who=(roles.REGISTRY,),
)
reply_issued = replace(approval_issued, code="reply_issued")


def _accompanied(facts: Facts) -> bool:
    proposal = facts.acts.get("recommend")
    kind = ((proposal.given.get("accompaniment") or {}) if proposal else {}).get("kind")
    return "assign_guide" in facts.acts or kind == "none"


guide_assigned_or_unaccompanied = Need(
    "guide_assigned_or_unaccompanied",
    Text("Chưa cử cán bộ hướng dẫn.", "No guide has been assigned."),
    _accompanied,
    lifted_by=("assign_guide",),
    lift=Text("Cử cán bộ hướng dẫn.", "Assign a guide."),
    who=(roles.OFFICER, roles.HEAD),
)
day_reached = Need(
    "day_reached",
    Text("Chưa đến ngày đầu của chương trình.", "The first day has not come."),
    lambda f: not kept_days(f) or f.today >= kept_days(f)[0],
    lifted_by=("time",),
    lift=Text("Chờ đến ngày đầu.", "Wait for the first day."),
)


def agreed_slot(facts: Facts) -> Mapping[str, Any]:
    """The slot of the interview as last agreed: the acceptance, or what a rescheduling made of it."""
    last: Mapping[str, Any] = {}
    when: datetime | None = None
    for name in ("accept_interview", "confirm_paper_acceptance", "reschedule"):
        act = facts.acts.get(name)
        if act is None or (when is not None and act.at < when):
            continue
        given = facts.acts["enter_paper_decision"].given if name.startswith("confirm") else act.given
        last, when = {**last, **given}, act.at
    return last


def slot_day(facts: Facts) -> date | None:
    """The local day of the agreed slot."""
    return _day((agreed_slot(facts).get("slot") or {}).get("from"))


slot_reached = Need(
    "slot_reached",
    Text("Chưa đến ngày phỏng vấn.", "The day of the interview has not come."),
    lambda f: (slot_day(f) or f.today) <= f.today,
    lifted_by=("time", "reschedule"),
    lift=Text("Chờ đến ngày, hoặc đổi lịch.", "Wait for the day, or reschedule."),
)
form_is_spoken = Need(
    "form_is_spoken",
    Text("Phỏng vấn này chỉ trả lời bằng văn bản.", "This interview is answered in writing only."),
    lambda f: agreed_slot(f).get("form", f.fields.get("form")) != "written",
    instead="deliver_answers",
    lift=Text("Dùng “Gửi câu trả lời”.", "Use “Deliver answers”."),
    who=(roles.OFFICER,),
    quiet=True,
)
nothing_to_speak = replace(
    form_is_spoken,
    code="nothing_to_speak",
    text=Text("Còn phần trả lời trực tiếp.", "Part of the interview is to be spoken."),
    test=lambda f: agreed_slot(f).get("form", f.fields.get("form")) == "written",
    instead="start",
    lift=Text("Bắt đầu buổi phỏng vấn trước.", "Start the interview first."),
)


def _written(facts: Facts) -> bool:
    screened = facts.acts.get("recommend")
    rows = (screened.given.get("questions") or ()) if screened else ()
    return agreed_slot(facts).get("form", facts.fields.get("form")) == "written" or any(row.get("result") == "other_form" for row in rows)


has_written_questions = Need(
    "has_written_questions",
    Text("Không có câu hỏi nào trả lời bằng văn bản.", "No question is to be answered in writing."),
    _written,
    instead="start",
    lift=Text("Trả lời tại buổi phỏng vấn.", "Answer at the interview."),
    who=(roles.GUIDE, roles.OFFICER),
    quiet=True,
)
brief_released = Need(
    "brief_released",
    Text("Nội dung trả lời chưa được người thứ hai duyệt.", "The answer brief has not been released by a second person."),
    lambda f: bool((f.memory.get("brief") or {}).get("released")),
    lifted_by=("brief",),
    lift=Text("Soạn nội dung trả lời và ghi người kiểm tra.", "Write the brief and name who checked it."),
    who=(roles.OFFICER, roles.LEADER_OFFICE),
)
second_person_briefs = Need(
    "second_person",
    Text("Người soạn không được tự duyệt nội dung trả lời.", "The author may not release the answer brief."),
    lambda f: (
        blank(f.given.get("checked_by"))
        or (
            f.given["checked_by"] not in f.persons
            if not blank(f.given.get("text")) or not blank(f.given.get("file"))
            else (f.memory.get("brief") or {}).get("author") not in (None, f.given["checked_by"])
        )
    ),
    lifted_by=("reload",),
    lift=Text("Ghi tên người kiểm tra khác người soạn.", "Name a checker who is not the author."),
    of_input=True,
)
slots_proposed = Need(
    "slots_proposed",
    Text("Chưa có thời điểm nào được đề xuất.", "No time has been proposed."),
    lambda f: "propose_slots" in f.acts,
    lifted_by=("propose_slots",),
    lift=Text("Chờ cơ quan đề xuất thời điểm.", "Wait for proposed times."),
    who=(roles.OFFICER, roles.LEADER_OFFICE),
)
was_spoken = Need(
    "was_spoken",
    Text("Chưa có buổi phỏng vấn nào.", "No interview took place."),
    lambda f: "start" in f.acts,
    instead="return_answers",
    lift=Text("Dùng “Trả lại câu trả lời”.", "Use “Return the answers”."),
    who=(roles.HEAD,),
    quiet=True,
)
was_written_only = Need(
    "was_written_only",
    Text("Đã có buổi phỏng vấn; hãy trả lại báo cáo.", "There was an interview; return the report instead."),
    lambda f: "start" not in f.acts,
    instead="return_report",
    lift=Text("Dùng “Trả lại báo cáo”.", "Use “Return the report”."),
    who=(roles.HEAD,),
    quiet=True,
)


def _rows_sent(facts: Facts) -> list[Mapping[str, Any]]:
    return list(facts.given.get("rows") or ())


def _programme(facts: Facts) -> set[str]:
    return {str(row.get("row")) for row in facts.fields.get("itinerary") or ()}


row_of_this_programme = Need(
    "row_of_this_programme",
    Text("Có dòng không thuộc chương trình này.", "A row is not part of this programme."),
    lambda f: {row_of(row) for row in _rows_sent(f)} <= _programme(f),
    lifted_by=("reload",),
    lift=Text("Chọn dòng trong chương trình.", "Choose rows of the programme."),
    of_input=True,
)


def _done(facts: Facts) -> set[str]:
    return {row_of(row) for row in _rows_sent(facts) if row.get("result") in ("done", "changed")}


row_in_force = Need(
    "row_in_force",
    Text("Dòng này đang bị đình chỉ hoặc đã bị bỏ; không thể ghi là đã làm.", "The row is suspended or was dropped and cannot be done."),
    lambda f: not (_done(f) & dropped_rows(replace(f, given={}))) and not (_done(f) and (f.state == "suspended" or f.memory.get("suspended"))),
    lifted_by=("resume", "record_resumption"),
    lift=Text("Chờ hết đình chỉ.", "Wait until the suspension ends."),
    who=(roles.DIRECTOR, roles.COMMITTEE),
    of_input=True,
)


def _without_permit(facts: Facts) -> set[str]:
    held = facts.memory.get("permits") or {}
    return set() if "" in held else _done(facts) & (set(facts.settings.get("permits_needed", ())) - set(held))


def _too_soon(facts: Facts) -> list[str]:
    """Days of rows said to be done whose notice to police and border guard did not go out the required hours before."""
    told, hours = moment(facts.settings.get("noticed_at")), facts.settings.get("notice_hours", 24)
    ahead = _done(facts) & set(facts.settings.get("sea_rows", ()))
    late = []
    for row in facts.fields.get("itinerary") or ():
        on = _day(row.get("on"))
        if row.get("row") not in ahead or on is None:
            continue
        begins = datetime.fromisoformat(f"{on.isoformat()}T{row.get('from') or '00:00'}:00+07:00")
        if told is None or told > begins - timedelta(hours=hours):
            late.append(f"{on:%d/%m/%Y}")
    return late


def _permit_detail(facts: Facts) -> Text | None:
    if _without_permit(facts):
        return None
    days, hours = _list(_too_soon(facts)), facts.settings.get("notice_hours", 24)
    return Text(
        f"Hoạt động ở khu vực biên giới biển ({days}) phải được báo Công an, Biên phòng trước {hours} giờ.",
        f"The activity in the sea-border area ({days}) has to be told to police and border guard {hours} hours before.",
    )


row_permits_held = Need(
    "row_permits_held",
    Text("Hoạt động này cần giấy phép riêng chưa được ghi nhận.", "The activity needs a permit that is not on record."),
    lambda f: not _without_permit(f) and not _too_soon(f),
    lifted_by=("record_permit",),
    lift=Text("Ghi giấy phép trước; văn bản thông báo phải phát hành đủ sớm.", "Record the permit first; the notice has to go out in time."),
    who=(roles.APPLICANT, roles.OFFICER, roles.REGISTRY),
    of_input=True,
    detail=_permit_detail,
)


def _incidents(facts: Facts, *states: str) -> list[Child]:
    return [c for c in facts.children if c.kind == "incident" and (not states or c.state in states)]


violation_noted = Need(
    "violation_noted",
    Text("Chưa có vụ việc vi phạm nào được ghi nhận cho hồ sơ này.", "No violation has been noted on this case."),
    lambda f: any(c.id == f.given.get("incident") for c in _incidents(f)) or bool(not f.given and _incidents(f)),
    lifted_by=("child",),
    lift=Text("Cán bộ hướng dẫn hoặc chuyên viên ghi vụ việc.", "Guide or officer notes the incident."),
    who=(roles.GUIDE, roles.OFFICER),
)
violation_settled = Need(
    "violation_settled",
    Text("Vụ việc làm căn cứ đình chỉ chưa được lập biên bản.", "The incident behind the suspension has not been recorded."),
    lambda f: bool(_incidents(f)) and len(_incidents(f)) == len(_incidents(f, "recorded", "settled", "dropped")),
    lifted_by=("child",),
    lift=Text("Lập biên bản hoặc bỏ vụ việc.", "Record or drop the incident."),
    who=(roles.OFFICER, roles.HEAD),
)
imposed_by_other = Need(
    "imposed_by_other",
    Text("Đình chỉ này do lãnh đạo quyết định; chỉ lãnh đạo cho tiếp tục.", "This suspension was ordered here and ends by “Resume”."),
    lambda f: (f.memory.get("suspended") or {}).get("by") == "other",
    instead="resume",
    lift=Text("Dùng “Cho tiếp tục”.", "Use “Resume”."),
    who=(roles.DIRECTOR, roles.COMMITTEE),
    quiet=True,
)
suspension_over = Need(
    "suspension_over",
    Text("Thời gian đình chỉ chưa hết.", "The suspension has not ended."),
    lambda f: f.now >= (moment((f.memory.get("suspended") or {}).get("to")) or f.now),
    lifted_by=("time",),
    lift=Text("Chờ hết thời gian đình chỉ.", "Wait until it ends."),
)
hearing_announced = Need(
    "hearing_announced",
    Text("Chưa có thông báo để giải trình.", "No hearing has been announced."),
    lambda f: "announce_hearing" in f.acts,
    lifted_by=("announce_hearing",),
    lift=Text("Chờ thông báo của Sở.", "Wait for the Department's notice."),
    who=(roles.OFFICER, roles.HEAD),
    quiet=True,
)


def _heard(facts: Facts) -> bool:
    if facts.given.get("urgent") is True and not blank(facts.given.get("reason")):
        return True
    notice = facts.acts.get("announce_hearing")
    if notice is None:
        return False
    by = moment(notice.given.get("respond_by"))
    return "hear" in facts.acts or (by is not None and facts.now > by)


heard_or_urgent = Need(
    "heard_or_urgent",
    Text("Cơ quan đề nghị chưa được giải trình.", "The applicant has not been heard."),
    _heard,
    lifted_by=("announce_hearing", "hear", "time"),
    lift=Text("Thông báo và chờ giải trình, hoặc nêu lý do khẩn.", "Announce a hearing, or give the reason of urgency."),
    who=(roles.OFFICER, roles.HEAD),
    of_input=True,
)
same_level = Need(
    "same_level",
    Text("Chỉ cấp đã chấp thuận mới được thu hồi.", "Only the level that approved may revoke."),
    lambda f: f.role == f.memory.get("decided_role", f.role),
    lifted_by=("appoint",),
    lift=Text("Trình cấp đã chấp thuận.", "Submit it to the level that approved."),
    who=(roles.DIRECTOR, roles.COMMITTEE),
)
violation_recorded_or_other_ground = Need(
    "violation_recorded_or_other_ground",
    Text("Thu hồi vì vi phạm cần biên bản vi phạm.", "Revoking for a violation needs the recorded violation."),
    lambda f: "violation" not in (f.given.get("grounds") or ()) or bool(_incidents(f, "recorded", "settled")),
    lifted_by=("child", "reload"),
    lift=Text("Lập biên bản, hoặc chọn căn cứ khác.", "Record the violation, or choose another ground."),
    who=(roles.OFFICER, roles.HEAD),
    of_input=True,
)
authority_is_opinion = Need(
    "authority_is_opinion",
    Text("Chỉ dùng khi tỉnh chỉ góp ý kiến.", "Only for a request on which the province gives an opinion."),
    lambda f: f.authority == "opinion",
    instead="start",
    lift=Text("Tiếp tục theo chương trình.", "Go on with the programme."),
    who=(roles.GUIDE, roles.OFFICER),
    quiet=True,
)
grace_passed = Need(
    "grace_passed",
    Text("Chưa qua một ngày làm việc kể từ hoạt động đầu.", "One working day since the first row has not passed."),
    lambda f: (until := moment(f.settings.get("grace_until"))) is not None and f.now >= until,
    lifted_by=("time",),
    lift=Text("Chờ thêm và liên hệ với đoàn.", "Wait, and try to reach the crew."),
)
report_complete = Need(
    "report_complete",
    Text("Báo cáo cần phần tóm tắt.", "The report needs its summary."),
    lambda f: not blank((f.given.get("report") or {}).get("summary")),
    lifted_by=("reload",),
    lift=Text("Viết tóm tắt.", "Write the summary."),
    of_input=True,
)


def unlogged(facts: Facts) -> list[str]:
    """Programme rows that neither the log nor the report accounts for."""
    rows = (facts.given.get("report") or {}).get("rows") or ()
    told = {row_of(row) for row in rows if row.get("result") != "not_done" or not blank(row.get("note"))}
    logged = set(facts.memory.get("log") or ())
    out = dropped_rows(replace(facts, given={}))
    return [str(row.get("row")) for row in facts.fields.get("itinerary") or () if row.get("row") not in told | logged | out]


all_rows_logged = Need(
    "all_rows_logged",
    Text("Còn hoạt động chưa được ghi nhật ký.", "A row of the programme is not accounted for."),
    lambda f: not unlogged(f),
    lifted_by=("log",),
    lift=Text("Ghi nhật ký, hoặc ghi không thực hiện và vì sao.", "Log it, or say it was not done and why."),
    who=(roles.GUIDE, roles.OFFICER),
    of_input=True,
)


def _letters(facts: Facts, name: str) -> list[Child]:
    return [c for c in facts.children if c.kind == "letter" and c.fields.get("letter") == name]


ministry_report_sent = Need(
    "ministry_report_sent",
    Text("Chưa gửi báo cáo cho Bộ Ngoại giao.", "The report to the Ministry has not been issued."),
    lambda f: not (f.authority == "host" or f.settings.get("ministry_report")) or any(c.state == "issued" for c in _letters(f, "report")),
    lifted_by=("child",),
    lift=Text("Ký và phát hành báo cáo.", "Sign and issue the report."),
    who=(roles.REGISTRY,),
)


def open_children(facts: Facts) -> list[Child]:
    """Children that must end before the case is closed; corrections and complaints go on alone."""
    return [c for c in facts.children if c.is_open and c.kind in ("consultation", "change", "incident", "letter")]


def unfinished(facts: Facts) -> int:
    """Open children, and letters called for that are still being opened."""
    return len(open_children(facts)) + int(facts.settings.get("letters_pending", 0))


no_open_child = Need(
    "no_open_child",
    Text("Còn văn bản hoặc việc con chưa xong.", "A letter or another part of the case is not finished."),
    lambda f: not unfinished(f),
    lifted_by=("child",),
    lift=Text("Phát hành hoặc hủy văn bản, chờ xong các việc con.", "Issue or void the letters, finish the rest."),
    who=(roles.REGISTRY, roles.OFFICER),
    detail=lambda f: Text(f"Còn {unfinished(f)} văn bản hoặc việc con chưa xong.", f"{unfinished(f)} letters or parts of the case are not finished."),
)

# --- consultation ---------------------------------------------------------------------------------------

parent_undecided = Need(
    "parent_undecided",
    Text("Hồ sơ đã được quyết định; không sửa ý kiến nữa.", "The case has been decided; the opinion stands."),
    lambda f: bool(f.parent.get("undecided", True)),
    instead="remind",
    lift=Text("Gửi văn bản mới cho Sở.", "Write to the Department instead."),
)
consultation_due_passed = replace(respond_by_passed, test=lambda f: (due := moment(f.fields.get("due_at"))) is not None and f.now > due)
secret_by_registry = Need(
    "secret_by_registry",
    Text("Trả lời chỉ có trên giấy do văn thư ghi nhận.", "A paper-only answer is recorded by the registry alone."),
    lambda f: not f.given.get("paper_only") or f.role == roles.REGISTRY,
    lifted_by=("appoint",),
    lift=Text("Văn thư ghi nhận.", "The registry records it."),
    who=(roles.REGISTRY,),
    of_input=True,
)
nothing_secret_typed = Need(
    "nothing_secret_typed",
    Text("Trả lời chỉ trên giấy thì không nhập nội dung và không tải tệp.", "With a paper-only answer no text is typed and no file uploaded."),
    lambda f: not f.given.get("paper_only") or all(blank(f.given.get(name)) for name in ("opinion", "conditions", "rows", "facts", "scan")),
    lifted_by=("reload",),
    lift=Text("Xóa phần nội dung.", "Clear the text."),
    of_input=True,
)
cancel_is_mine = Need(
    "cancel_is_mine",
    Text("Cơ quan do quy tắc đề xuất thì lãnh đạo phòng mới được hủy.", "A body that a rule proposed is cancelled by the head."),
    lambda f: f.role == roles.CLOCK or (f.role == roles.HEAD if f.fields.get("rule") else f.role in (roles.OFFICER, roles.HEAD)),
    lifted_by=("appoint",),
    lift=Text("Lãnh đạo phòng hủy, có lý do.", "The head cancels it, with a reason."),
    who=(roles.HEAD,),
)
parent_ended = Need(
    "parent_ended",
    Text("Hồ sơ chính chưa kết thúc.", "The case it belongs to has not ended."),
    lambda f: f.role != roles.CLOCK or not f.parent.get("is_open", True),
    lifted_by=("child",),
    lift=Text("Chờ hồ sơ chính kết thúc.", "Wait for the case to end."),
)

# --- letter ---------------------------------------------------------------------------------------------

# Capacities that rest on a paper (Nghị định 30/2020, art. 13); TM. and KT. follow from the office itself.
LENT_FORMS = frozenset({"TL", "TUQ", "Q"})


def _without_paper(facts: Facts) -> bool:
    """The signature names a capacity that no delegation in force gives to this act."""
    capacity = facts.given.get("capacity")
    return capacity in LENT_FORMS and capacity != facts.settings.get("acting_form")


signer_may_sign = Need(
    "signer_may_sign",
    Text("Chức vụ này không có thẩm quyền ký loại văn bản này.", "This capacity may not sign this kind of letter."),
    lambda f: f.role in f.settings.get("signers", ()) and not _without_paper(f),
    lifted_by=("appoint",),
    lift=Text("Người có thẩm quyền ký.", "Somebody entitled signs."),
    detail=lambda f: (
        Text(
            f"Ký {f.given['capacity']}. cần làm thay theo một ủy quyền {f.given['capacity']}. đang hiệu lực.",
            f"A signature {f.given['capacity']}. is given in another's name, under a delegation {f.given['capacity']}. in force.",
        )
        if _without_paper(f)
        else None
    ),
)
own_signature = Need(
    "own_signature",
    Text("Chỉ người ký được rút chữ ký, và chỉ trước khi cấp số.", "Only the signer may withdraw the signature, before the number."),
    lambda f: bool(f.persons & (f.acts["sign"].by if "sign" in f.acts else frozenset())),
    lifted_by=("appoint",),
    lift=Text("Người đã ký rút.", "Who signed withdraws it."),
)
not_decider = Need(
    "third_person",
    Text("Người quyết định hoặc ký không được tự phát hành.", "Who decided or signed may not issue the letter."),
    lambda f: (
        (f.role == roles.INTAKE and bool(f.settings.get("form")))
        or not f.persons & ((f.acts["sign"].by if "sign" in f.acts else frozenset()) | frozenset(f.parent.get("deciders", ())))
    ),
    lifted_by=("appoint",),
    lift=_another,
    who=(roles.REGISTRY,),
)
form_of_intake = Need(
    "form_of_intake",
    Text("Một cửa chỉ ký và phát hành các mẫu D01–D05.", "The intake desk signs and issues forms D01–D05 only."),
    lambda f: f.role != roles.INTAKE or bool(f.settings.get("form")),
    lifted_by=("appoint",),
    lift=Text("Văn thư phát hành.", "The registry issues it."),
    who=(roles.REGISTRY,),
    quiet=True,
)
successor_issued = Need(
    "successor_issued",
    Text("Văn bản thay thế chưa được phát hành.", "The letter that replaces it has not been issued."),
    lambda f: bool(f.settings.get("successor_issued")),
    lifted_by=("child",),
    lift=Text("Mở, ký và phát hành văn bản thay thế.", "Open, sign and issue the replacing letter."),
    who=(roles.OFFICER, roles.REGISTRY),
)
