"""The public tracking of a case: by its code and six figures, without an account, and without anybody's name.

What is told is made of closed lists, dates and, of what was typed, only the words of the letters that went to the
applicant, with every name and number of the dossier and of the office's people left blank.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson
from sqlalchemy import Connection

from states import FLOWS, Flow
from states import roles as R
from states.kinds.visit import STEPS as VISIT_STEPS
from states.language import Choice, Field, Text, moment
from workflow import blanks, clock, guidance, law, pins, queries, store, throttle
from workflow.authority import Actor, Row
from workflow.deadlines import Deadline, lateness, promised, sums_of
from workflow.errors import NotFound, SlowDown
from workflow.facts import agreed_of, dropped_of
from workflow.office import Office
from workflow.queries import OUTWARD, PHASE_LABELS

PUBLIC = ("visit", "interview")
UNIT = Text("Sở Ngoại vụ", "Department of Foreign Affairs")
# Who may be told the figures of a case and print its receipt.
TOLD = frozenset({R.APPLICANT, R.INTAKE, R.OFFICER, R.HEAD, R.DIRECTOR})
_CODE = re.compile(r"[A-Z]{1,8}-[A-Z]{1,4}-[0-9]{4}-[0-9]{1,8}")
_PIN = re.compile(r"[0-9]{6}")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_LONGEST = 80


# --- by code and figures ---------------------------------------------------------------------------------------------


def typed_code(text: str) -> str:
    """A code as it is printed, out of what somebody typed: capitals, plain dashes, no spaces."""
    return "".join(text[: _LONGEST * 4].split()).translate(_DASHES).upper()[:_LONGEST]


def look(office: Office, code: str, pin: str, address: str) -> dict[str, Any]:
    """What the public page tells of a case.

    Raises `NotFound`, the same for every cause and after the same work, and `SlowDown` where too many wrong figures came
    from this address or for this code.
    """
    wanted, limits = typed_code(code), office.profile.tracking_limits
    figures = "".join(pin[:_LONGEST].split())
    tried = throttle.marked(office, wanted, address)
    with office.db.read() as connection:
        _open_again(throttle.closed_until(connection, limits, tried))
    asked = wanted if _CODE.fullmatch(wanted) else ""
    figures = figures if _PIN.fullmatch(figures) else ""

    def work(connection: Connection) -> tuple[Any, str | None]:
        until = throttle.entered(connection, limits, tried)
        case_id = None if until else pins.opens(office, connection, asked, figures)
        if case_id:
            throttle.taken_back(connection, tried)
        return until, case_id

    until, case_id = office.db.transact(work)
    _open_again(until)
    if case_id is None:
        raise NotFound(nothing(office))
    with office.db.read() as connection:
        office.refresh(connection)
        row = store.load(connection, case_id)
        assert row is not None, "figures belong to a case, and no case is ever deleted"
        return public(office, connection, row)


def nothing(office: Office) -> Text:
    """The one answer to wrong figures, an unknown code and everything else."""
    desk = office.profile.raw["desk"]
    return Text(
        f"Không tìm thấy hồ sơ với mã và số tra cứu này. Hãy xem lại giấy tiếp nhận, hoặc liên hệ {desk['vi']}, điện thoại {desk['phone']}.",
        f"There is no case with this code and PIN. Please look at the receipt again, or contact the {desk['en']}, telephone {desk['phone']}.",
    )


_TOO_MANY = Text("Quá nhiều lần thử sai. Hãy thử lại sau {at} (giờ Hà Nội).", "Too many wrong tries. Try again after {at} (Hà Nội time).")


def _open_again(until: Any) -> None:
    if until is not None:
        at = f"{clock.local(until):%H:%M:%S, %d/%m/%Y}"
        raise SlowDown(_TOO_MANY.format(at=at), max(1, int((until - clock.now()).total_seconds()) + 1))


# --- what is told ----------------------------------------------------------------------------------------------------


def public(office: Office, connection: Connection, row: Row) -> dict[str, Any]:
    """All that is told of a case outside; texts are {vi, en}, moments stored texts. No name, no outlet, no place."""
    flow = FLOWS[row["kind"]]
    state, clocks, now = flow.states[row["state"]], row["clocks"], clock.now()
    code = queries.outward_code(state, row)
    late, overdue = lateness(clocks, now, owed(row))
    hide = _hiding(connection, flow, row)
    law_sum, work_sum = sums_of(clocks)
    chosen = law_sum or work_sum
    found: dict[str, Any] = {
        "code": row["code"], "kind": row["kind"], "kind_label": flow.title.as_dict(), "as_of": clock.stamp(now),
        "word": {"code": code, "label": OUTWARD[code].as_dict()}, "result": _result(state.name, row), "ending": _ending(state, code),
        "accepted": bool(row["accepted"]), "submitted_at": clocks.get("submitted_at"), "received_at": clocks.get("received_at"),
        "first_day": row["first_day"] if row["kind"] == "visit" else None, "last_day": row["last_day"] if row["kind"] == "visit" else None,
        "unit": UNIT.as_dict(), "desk": {"name": office.profile.text("desk").as_dict(), "phone": office.profile.raw["desk"]["phone"]},
        "steps": steps(connection, row),
        "promised": {
            "due_at": promised(clocks), "first_due_at": clocks.get("first_due"), "answered_at": clocks.get("answered_at"),
            "extended": bool(clocks.get("extended")), "settled": bool(clocks.get("answered_at")) or state.end, "late": late, "overdue": overdue, "sum": chosen.as_dict() if chosen else None,
            "basis": law.words(office.profile.law, chosen.basis).as_dict() if chosen else None,
        },
        "moves": _moves(connection, row, hide), "apology": _as_dict(apology(row, hide)), "next": _next(row, code).as_dict(),
        "more": _more(office, row) if code == "more" else None, "change": _change(connection, row) if code == "changed" else None,
        "suspension": _suspension(row, hide) if code == "suspended" else None, "guidance": _guidance(office, row, hide, overdue),
    }  # fmt: skip
    return found


def _as_dict(text: Text | None) -> dict[str, str] | None:
    return text.as_dict() if text else None


class _Hide:
    """Leaves the people of one case blank in the words of its letters."""

    def __init__(self, words: list[tuple[str, bool]]):
        self.words = words

    def __call__(self, text: Any) -> str | None:
        return blanks.blanked(str(text), self.words) if text else None


def _hiding(connection: Connection, flow: Flow, row: Row) -> _Hide:
    people = store.query(
        connection,
        "SELECT DISTINCT u.name FROM users u WHERE u.id IN (:officer, :guide, :leader) OR u.id IN (SELECT e.actor_id FROM audit_entry e WHERE e.case_id = :id)",
        officer=row["officer_id"] or "", guide=row["guide_id"] or "", leader=row["leader_id"] or "", id=row["id"],
    )  # fmt: skip
    acts = (row["memory"].get("acts") or {}).values()
    told = [str((act.get("given") or {}).get(name, {}).get("name") or "") for act in acts for name in ("signer", "speaker") if _named(act, name)]
    words = [*blanks.private_words(flow, row["fields"]), *((person["name"], False) for person in people), *((name, True) for name in told if name)]
    return _Hide(words)


def _named(act: Mapping[str, Any], name: str) -> bool:
    return isinstance((act.get("given") or {}).get(name), Mapping)


def _acts(row: Row) -> dict[str, Any]:
    return dict(row["memory"].get("acts") or {})


def _given(row: Row, name: str) -> Mapping[str, Any]:
    given: Mapping[str, Any] = (_acts(row).get(name) or {}).get("given") or {}
    return given


# --- the word, the steps ---------------------------------------------------------------------------------------------

_RESULTS = {
    "approved": Text("Chấp thuận", "Approved"),
    "approved_partly": Text("Chấp thuận một phần", "Approved partly"),
    "refused": Text("Không chấp thuận", "Refused"),
}
_DECIDING = ("approve", "accept_interview", "confirm_paper_approval", "confirm_paper_acceptance")


def _result(state: str, row: Row) -> dict[str, Any] | None:
    """What was decided: of a case that stands at a decision, none of one that ended without."""
    if state not in ("approved", "accompanied", "suspended", "rejected", "reported", "closed"):
        return None
    code = "refused" if state == "rejected" else "approved_partly" if _partly(row) else "approved"
    return {"code": code, "label": _RESULTS[code].as_dict()}


def _partly(row: Row) -> bool:
    """Whether the decision left something out: rows of the programme, or questions."""
    if row["kind"] == "visit":
        return bool(dropped_of(row["memory"]))
    questions = _given(row, "accept_interview").get("questions") or _given(row, "enter_paper_decision").get("questions") or ()
    return any(item.get("result") == "decline" for item in questions)


def _ending(state: Any, code: str) -> dict[str, str] | None:
    """How it ended, where it has."""
    return _as_dict(queries.outward_detail(state, code)) if code == "ended" else None


_INTERVIEW = Text("Phỏng vấn", "Interview")


def steps(connection: Connection, row: Row) -> list[dict[str, Any]]:
    """The phases {name, label, look, at, until}: `look` is done, now, todo or end; `until` {from, to} where one is expected.

    A case that ended on the way shows how, and none of the phases that it will not reach.
    """
    flow, now = FLOWS[row["kind"]], clock.now()
    entries = store.query(connection, "SELECT from_state, to_state, at FROM audit_entry WHERE case_id = :id ORDER BY seq", id=row["id"])
    reached: dict[str, str] = {"requested": str(row["clocks"].get("received_at") or "")}
    for entry in entries:
        state = flow.states.get(entry["to_state"] or "")
        if state and state.phase:
            reached.setdefault(state.phase, entry["at"])
    names = list(PHASE_LABELS)
    here = names.index(row["phase"]) if row["phase"] in names else 0
    ended, closed = flow.states[row["state"]].end, row["state"] == "closed"
    shown = [name for index, name in enumerate(names) if not ended or (index <= here and name in reached)]
    found = []
    for name in shown:
        index = names.index(name)
        look = "done" if ended or index < here else "now" if index == here else "todo"
        label = _INTERVIEW if name == "accompanied" and row["kind"] == "interview" else PHASE_LABELS[name]
        found.append({
            "name": name, "label": label.as_dict(), "look": look, "at": reached.get(name) if index <= here else None,
            "until": _expected(row, name) if look != "done" else None,
        })  # fmt: skip
    if ended:
        label = flow.states[row["state"]].label
        found.append({"name": "ended", "label": label.as_dict(), "look": "end" if not closed else "done", "at": row["updated_at"] if not entries else
                      next((e["at"] for e in reversed(entries) if e["from_state"] != e["to_state"]), clock.stamp(now)), "until": None})  # fmt: skip
    return found


def _expected(row: Row, phase: str) -> dict[str, str] | None:
    """The dates of a phase that is still to come or running: the promised reply, the programme, the interview."""
    if phase == "approved" and row["phase"] in ("requested", "review"):
        due = promised(row["clocks"])
        return {"from": due, "to": due} if due else None
    if phase != "accompanied" or row["phase"] == "reported":
        return None
    if row["kind"] == "visit":
        return {"from": row["first_day"], "to": row["last_day"]} if row["first_day"] and row["last_day"] else None
    slot = agreed_of(row["memory"]).get("slot") or {}
    return {"from": slot["from"], "to": slot.get("to") or slot["from"]} if slot.get("from") else None


# --- the date, and why it moved ----------------------------------------------------------------------------------------

_BECAUSE = Text(" vì {reason}", " because {reason}")
_SORRY = Text("xin lỗi quý cơ quan", "we apologise")
_SILENCE = Text(" Im lặng không bao giờ là từ chối.", " Silence is never a refusal.")


# Ends that are told by a letter which is the reply: until it is issued the reply is owed.
_TOLD_BY_REPLY = ("rejected", "not_accepted", "stopped")


def owed(row: Row) -> bool:
    """Whether a written reply may still be late: of an open case, and of one whose refusal has not been sent yet."""
    return bool(row["is_open"]) or row["state"] in _TOLD_BY_REPLY


def apology(row: Row, hide: Any = str) -> Text | None:
    """The sentence beside the word where a reply is late or was put off: both dates, and that the office is sorry."""
    clocks, now = row["clocks"], clock.now()
    first, due, answered = clocks.get("first_due"), promised(clocks), clocks.get("answered_at")
    late, overdue = lateness(clocks, now, owed(row))
    put_off = bool(clocks.get("extended")) and first and due and first != due
    if not first or not (late or overdue or (put_off and owed(row) and not answered)):
        return None
    begin = Text(f"Hẹn trả lời {_day(first)}", f"A reply was promised for {_day(first)}")
    if put_off:
        begin = Text(f"{begin.vi}, lùi đến {_day(due)}", f"{begin.en}, then put off to {_day(due)}")
        why = hide(_given(row, "extend").get("reason") or "")
        if why:
            because = _BECAUSE.format(reason=_clause(why))
            begin = Text(begin.vi + because.vi, begin.en + because.en)
    if answered:
        return Text(
            f"{begin.vi}; đã trả lời {_day(answered)}; {_SORRY.vi} vì sự chậm trễ.", f"{begin.en}; it was sent on {_day(answered)}; {_SORRY.en} for the delay."
        )
    if overdue:
        today = _day(clock.stamp(now))
        return Text(
            f"{begin.vi}; đến {today} vẫn chưa có văn bản trả lời; {_SORRY.vi}.{_SILENCE.vi}",
            f"{begin.en}; on {today} the written reply is still not there; {_SORRY.en}.{_SILENCE.en}",
        )
    return Text(f"{begin.vi}; {_SORRY.vi}.", f"{begin.en}; {_SORRY.en}.")


def _clause(words: Any) -> str:
    """Typed words as the end of a sentence of ours."""
    return str(words).strip().rstrip(".;")


def _day(stored: Any) -> str:
    """dd/mm/yyyy in Hà Nội of a stored date or moment."""
    text = str(stored)
    read = clock.local(clock.moment(text)).date() if len(text) > 10 else date.fromisoformat(text)
    return f"{read:%d/%m/%Y}"


_LAW_RUNS = Text("Chờ quý cơ quan bổ sung; thời hạn do luật định không dừng lại.", "You were asked for more; the term set by law did not stop.")
_STOPPED = Text("Chờ quý cơ quan bổ sung; những ngày này không tính vào thời hạn.", "You were asked for more; these days are not counted.")


def _moves(connection: Connection, row: Row, hide: _Hide) -> list[dict[str, Any]]:
    """Why the date is what it is now, oldest first: {what, at, from, to, why}."""
    clocks = row["clocks"]
    pauses = [*orjson.loads(clocks.get("pauses") or "[]"), *([{"from": clocks["paused_since"], "to": None}] if clocks.get("paused_since") else [])]
    why = _LAW_RUNS if clocks.get("statutory_due") else _STOPPED
    found = [{"what": "pause", "at": item["from"], "from": item["from"], "to": item["to"], "why": why.as_dict()} for item in pauses]
    act = _acts(row).get("extend")
    if act and clocks.get("extended"):
        reason = _clause(hide((act.get("given") or {}).get("reason")) or "")
        told = {"vi": reason, "en": reason} if reason else None
        found.append({"what": "extension", "at": act["at"], "from": clocks.get("first_due"), "to": promised(clocks), "why": told})
    return sorted([*found, *_recounts(connection, row)], key=lambda item: str(item["at"]))


def _recounts(connection: Connection, row: Row) -> list[dict[str, Any]]:
    """Dates counted anew, after the calendar or a rule was corrected."""
    rows = store.query(
        connection,
        "SELECT e.seq, e.at, o.field, o.value FROM audit_entry e JOIN opening o ON o.stream = e.stream AND o.seq = e.seq"
        " WHERE e.case_id = :id AND e.action = 'recount' ORDER BY e.seq",
        id=row["id"],
    )
    told: dict[int, dict[str, Any]] = {}
    for item in rows:
        told.setdefault(item["seq"], {"at": item["at"]})[item["field"].removeprefix("input.")] = orjson.loads(item["value"])
    return [
        {"what": "recount", "at": item["at"], "from": _reply_of(item["before"]), "to": _reply_of(item["after"]), "why": item["why"]}
        for item in told.values()
        if all(isinstance(item.get(name), kind) for name, kind in (("before", list), ("after", list), ("why", dict)))
        and _reply_of(item["before"]) != _reply_of(item["after"])
    ]


def _reply_of(sums: list[Any]) -> str | None:
    """The date of the reply out of the two sums of a case."""
    found = next((item for item in sums if item), None)
    return Deadline.of(found).due_at if found else None


# --- what comes next ---------------------------------------------------------------------------------------------------

_NEXT: dict[str, Text] = {
    "waiting": Text(
        "Đang chờ giấy tiếp nhận: bộ phận một cửa kiểm tra hồ sơ rồi cấp giấy tiếp nhận, hoặc yêu cầu bổ sung. Quý cơ quan chưa phải làm gì.",
        "Waiting for the receipt: the desk checks the file and issues the receipt, or asks for more. There is nothing for you to do.",
    ),
    "considered": Text(
        "Sở Ngoại vụ đang xem xét; văn bản trả lời sẽ gửi trước ngày hẹn. Quý cơ quan chưa phải làm gì.",
        "The Department is considering it; the written reply comes before the promised date. There is nothing for you to do.",
    ),
    "more": Text(
        "Cần quý cơ quan: đăng nhập để sửa các mục nêu dưới đây rồi gửi lại, hoặc nộp tại bộ phận một cửa.",
        "This waits for you: sign in, change the items below and send again, or bring them to the desk.",
    ),
    "issuing": Text(
        "Văn bản trả lời đang được phát hành. Điều kiện kèm theo và người hướng dẫn có trong hồ sơ khi đăng nhập.",
        "The written reply is being issued. Conditions and the guide are in the case when you sign in.",
    ),
    "sent": Text(
        "Văn bản trả lời đã phát hành. Điều kiện kèm theo và người hướng dẫn có trong hồ sơ khi đăng nhập. Cần thay đổi thì liên hệ bộ phận một cửa.",
        "The written reply has been issued. Conditions and the guide are in the case when you sign in. For changes contact the desk.",
    ),
    "changed": Text(
        "Những điều khác đã chấp thuận vẫn giữ nguyên. Cần thay đổi nữa thì liên hệ bộ phận một cửa.",
        "Everything else that was approved stays valid. For further changes contact the desk.",
    ),
    "working": Text(
        "Đoàn đang tác nghiệp theo chương trình đã chấp thuận. Cần thay đổi thì liên hệ bộ phận một cửa.",
        "Work is under way as approved. For changes contact the desk.",
    ),
    "suspended": Text(
        "Hoạt động tạm dừng cho đến khi có thông báo. Hãy liên hệ bộ phận một cửa.", "The activity is halted until you are told. Please contact the desk."
    ),
    "refused": Text("Lý do và việc có thể làm tiếp nêu dưới đây.", "The reason, and what you may do next, stand below."),
    "reported": Text(
        "Chuyến hoạt động đã xong; Sở Ngoại vụ hoàn tất báo cáo rồi kết thúc hồ sơ. Quý cơ quan không phải làm gì.",
        "The activity is over; the Department completes its report and closes the case. There is nothing for you to do.",
    ),
    "ended": Text("Hồ sơ đã kết thúc. Có thể nộp hồ sơ mới bất cứ lúc nào.", "The case has ended. You may file a new request at any time."),
}


def _next(row: Row, code: str) -> Text:
    """What comes next, and for whom it waits."""
    if row["state"] in guidance.REFUSALS:
        return _NEXT["refused"]
    if row["state"] == "reported":
        return _NEXT["reported"]
    if code == "received":
        return _NEXT["waiting"]
    if code == "decided":
        return _NEXT["working" if row["state"] == "accompanied" else "sent" if row["clocks"].get("answered_at") else "issuing"]
    return _NEXT[code]


_AFTER_SILENCE = Text(
    "Quá ngày này mà chưa có trả lời thì Sở Ngoại vụ đôn đốc; sau đó hồ sơ được xem xét như đang có hoặc dừng giải quyết.",
    "If there is no answer by then, the Department sends a reminder; after that the file is considered as it is, or stopped.",
)


def _more(office: Office, row: Row) -> dict[str, Any]:
    """What was asked for: the items by their labels, the provision, by when, and what silence leads to."""
    given = _given(row, "ask_clarification" if row["state"] == "clarification_required" else "ask_supplement")
    flow, texts = FLOWS[row["kind"]], office.profile.law
    items = [
        {"label": queries.declared(flow, item["target"]).as_dict(), "basis": law.words(texts, item["basis"]).as_dict() if item.get("basis") else None}
        for item in given.get("items") or ()
    ]
    respond_by = moment(given.get("respond_by"))
    return {"items": items, "respond_by": clock.stamp(respond_by) if respond_by else None, "silence": _AFTER_SILENCE.as_dict()}


def _change(connection: Connection, row: Row) -> dict[str, Any]:
    """Old and new: of a visit its days, of an interview its hour; `new` is None while the new ones are not fixed."""
    acts = _acts(row)
    last = max((acts[name] for name in queries.CHANGES if name in acts), key=lambda act: str(act["at"]))
    decided = min((str(acts[name]["at"]) for name in _DECIDING if name in acts), default="")
    # New days are a new version of the dossier: what was approved is an earlier one.
    newest = row["dossier_no"] - (1 if last["given"].get("dates") else 0)
    old = _days_at(connection, row["id"], decided, newest) if row["kind"] == "visit" else _hour_of(row)
    return {"what": "days" if row["kind"] == "visit" else "hour", "at": last["at"], "old": old, "new": _new_days(row, acts, last)}


def _days_at(connection: Connection, case_id: str, at: str, newest: int) -> dict[str, Any] | None:
    """First and last day of the programme as it was approved."""
    rows = store.query(
        connection, "SELECT fields FROM dossiers WHERE case_id = :id AND at <= :at AND no <= :newest ORDER BY no DESC LIMIT 1", id=case_id, at=at, newest=newest
    )
    fields = store.read_fields(store.keys_of(connection), rows[0]["fields"], case_id) if rows else {}
    return {"from": fields["first_day"], "to": fields["last_day"]} if fields.get("first_day") and fields.get("last_day") else None


def _hour_of(row: Row) -> dict[str, Any] | None:
    slot = _given(row, "accept_interview").get("slot") or _given(row, "enter_paper_decision").get("slot") or {}
    return {"from": slot["from"], "to": slot.get("to") or slot["from"]} if slot.get("from") else None


def _new_days(row: Row, acts: Mapping[str, Any], last: Mapping[str, Any]) -> dict[str, Any] | None:
    if row["kind"] == "visit":
        return {"from": row["first_day"], "to": row["last_day"]} if last["given"].get("dates") and row["first_day"] else None
    if "postpone" in acts and last is acts["postpone"]:
        return None  # other times are proposed; which one it will be is not agreed yet
    slot = agreed_of(row["memory"]).get("slot") or {}
    return {"from": slot["from"], "to": slot.get("to") or slot["from"]} if slot.get("from") else None


def _imposers() -> tuple[Choice, ...]:
    step = next(step for step in VISIT_STEPS if step.action == "record_suspension")
    return next(item.choices for item in step.inputs if isinstance(item, Field) and item.name == "imposed_by")


def _suspension(row: Row, hide: _Hide) -> dict[str, Any]:
    """Since when, by whose order, until when, and why; a halt of our own is reviewed with the Ministry's measure."""
    acts = _acts(row)
    name = max((n for n in ("suspend", "record_suspension") if n in acts), key=lambda n: str(acts[n]["at"]))
    given = acts[name].get("given") or {}
    by = next(
        (choice.label for choice in _imposers() if choice.code == given.get("imposed_by")), UNIT if name == "suspend" else Text("Cơ quan khác", "Another body")
    )
    since, until = moment(given.get("from")) or moment(acts[name]["at"]), moment(given.get("to"))
    return {
        "by": by.as_dict(), "since": clock.stamp(since) if since else None, "until": clock.stamp(until) if until else None,
        "whole": not given.get("scope"), "reason": hide(given.get("reason")),
    }  # fmt: skip


def _guidance(office: Office, row: Row, hide: _Hide, overdue: bool) -> dict[str, Any] | None:
    """The way on after a refusal; of a case that is halted by us or overdue only the way to complain."""
    found = guidance.after(office, row)
    if found:
        return {**found, **{name: hide(found[name]) for name in ("reason", "alternatives", "where_to_go")}}
    ours = row["state"] == "suspended" and (row["memory"].get("suspended") or {}).get("by") == "us"
    if not ours and not overdue:
        return None
    return {"complaint": guidance.complaint(office, guidance.level_of(row, ""), office.rules)}


# --- for those who are on the case ---------------------------------------------------------------------------------------


def own(office: Office, connection: Connection, row: Row, held: frozenset[str]) -> dict[str, Any] | None:
    """What the case page shows of the tracking: the figures for applicant and desk, the sentence of a late reply, the way on.

    None for a draft, for other kinds, and for those who are not told the figures.
    """
    if row["kind"] not in PUBLIC or not row["code"] or not held & TOLD:
        return None
    return {
        "pin": pins.of(office, connection, row["id"]),
        "accepted": bool(row["accepted"]),
        "apology": _as_dict(apology(row)),
        "guidance": guidance.after(office, row),
    }


def receipt(office: Office, actor: Actor, ref: str) -> dict[str, Any]:
    """The receipt of a case, or while the desk has not accepted it the acknowledgement that it was sent (`accepted`).

    Raises `NotFound` for a draft, for other kinds, and for whoever is not told the figures.
    """
    with office.db.read() as connection:
        row, held = queries.loaded(office, connection, actor, ref)
        told = own(office, connection, row, held)
        if told is None:
            raise NotFound()
        return _sheet(office, row, told["pin"])


def _sheet(office: Office, row: Row, pin: str | None) -> dict[str, Any]:
    flow, clocks = FLOWS[row["kind"]], row["clocks"]
    law_sum, work_sum = sums_of(clocks)
    chosen = law_sum or work_sum
    channels = {choice.code: choice.label for choice in _channels(flow)} | {"online": Text("Qua mạng", "Online")}
    organisation = office.organisation(row["organisation_id"])
    return {
        "code": row["code"], "pin": pin, "kind": row["kind"], "kind_label": flow.title.as_dict(), "accepted": bool(row["accepted"]),
        "organisation": organisation.name.as_dict() if organisation else None, "title": row["title"], "outlet": row["outlet"],
        "first_day": row["first_day"], "last_day": row["last_day"], "submitted_at": clocks.get("submitted_at"), "received_at": clocks.get("received_at"),
        "channel": channels.get(row["channel"], channels["online"]).as_dict(), "papers": [p.label.as_dict() for p in flow.papers if p.name in row["papers"]],
        "number": _number(row), "due_at": promised(clocks), "first_due_at": clocks.get("first_due"), "extended": bool(clocks.get("extended")),
        "sum": chosen.as_dict() if chosen else None, "basis": law.words(office.profile.law, chosen.basis).as_dict() if chosen else None,
        "fee": office.profile.text("fee").as_dict(), "desk": {"name": office.profile.text("desk").as_dict(), "phone": office.profile.raw["desk"]["phone"]},
        "unit": UNIT.as_dict(), "as_of": clock.stamp(clock.now()), "state_label": queries.outward_label(flow.states[row["state"]], row).as_dict(),
    }  # fmt: skip


def _channels(flow: Flow) -> tuple[Choice, ...]:
    return next(item.choices for item in flow.actions["submit"][0].inputs if isinstance(item, Field) and item.name == "channel")


def _number(row: Row) -> dict[str, str] | None:
    """Number and date of the receipt as it was issued, once it was."""
    for _, kind, state, _, _, fields, memory, *_ in row["children"]:
        if kind == "letter" and state == "issued" and orjson.loads(fields).get("letter") == "receipt":
            given = (orjson.loads(memory).get("acts") or {}).get("issue", {}).get("given", {})
            return {"number": str(given.get("number", "")), "on": str(given.get("on", ""))}
    return None
