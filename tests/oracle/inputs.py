"""What each arrow needs to be taken: the input, what has to happen before, and the moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.law import set_rule
from tests.oracle.builder import ITEMS, REPORT, Built, build, free_guide, press_case, successor
from workflow import clock, demo, queries
from workflow.demo import Stage

REASON = {"reason": "Có lý do."}


# A letter that this person may sign, by the default table of signers.
SIGNED_BY: dict[str, dict[str, str]] = {
    "motcua.mai": {"name": "receipt"}, "cv.binh": {"name": "consult"}, "ptp.ngoc": {"name": "guide"}, "pgd.linh": {"name": "approval"},
    "ubnd.quang": {"name": "approval"}, "vpub.phuong": {"name": "acceptance", "parent": "interview"},
}  # fmt: skip


def _rows(stage: Stage, ref: str, result: str = "done") -> list[dict[str, Any]]:
    return [{"row": r["row"], "result": result} for r in stage.row(ref)["fields"].get("itinerary", ())]


def seen(stage: Stage, ref: str, username: str) -> str:
    """The mark of what a decider sees."""
    return queries.read_case(stage.office, stage.actor(username), ref)["decision_hash"]


def accepting(stage: Stage, ref: str, form: str = "in_person") -> dict[str, Any]:
    """What an office says when it accepts an interview."""
    return {
        "slot": stage.row(ref)["fields"]["slots"][0], "place": "UBND", "form": form, "speaker": {"name": "Đỗ Thử An", "position": "Chủ tịch"},
        "speaker_basis": "head",
    }  # fmt: skip


def enter_paper(stage: Stage, ref: str, kind: str, outcome: str, by: str = "vt.van") -> None:
    """A paper decision entered by the registry."""
    scan = stage.attach("vt.van", ref, "decision_scan")
    more = accepting(stage, ref) if kind == "interview" and outcome == "approve" else {}
    grounds = {"grounds": ["safety"], "reason": "Thiên tai."} if outcome == "reject" else {}
    stage.act(by, ref, "enter_paper_decision", doc_no="1/UBND", doc_date=clock.today().isoformat(), outcome=outcome, scan=scan,
              signer={"name": "Huỳnh Thử Tâm", "position": "Chủ tịch"}, **more, **grounds)  # fmt: skip


class Prepared:
    """An arrow ready to be taken: the case, who takes it, with what, when, and which answer is due."""

    def __init__(self, ref: str, username: str, given: dict[str, Any], at, needs: str | None = None):
        self.ref, self.username, self.given, self.at, self.needs = ref, username, given, at, needs


def prepare(stage: Stage, kind: str, state: str, action: str, username: str) -> Prepared:
    """Build a fresh case in `state` and meet the needs of `action` for this person."""
    written = kind == "interview" and (action, state) in (("deliver_answers", "approved"), ("return_answers", "reported"))
    built: Built = build(stage, kind, state)
    ref, at = built.ref, built.at
    given: dict[str, Any] = {}
    row = stage.row(ref)
    match action:
        case "accept":
            given = {"officer": "cv.binh"}
        case "ask_supplement" | "ask_clarification":
            given = {"items": ITEMS, "respond_by": stage.soon(1)}
        case "resubmit" | "clarify":
            given = {"note": "Đã giải thích."}
        case "take_back":
            given = {**REASON, "agreed": True}
        case "refuse_intake" | "refer_out":
            given = {"ground": "wrong_authority", "reason": "Không thuộc thẩm quyền.", "where_to_go": "Bộ Ngoại giao"}
        case "correct_typing":
            return _keyed_in(stage, kind, state, username)
        case "assign_officer":
            given = {"officer": "cv.dung", **REASON}
        case "consult":
            given = {"agencies": ["so_vhttdl"], "question": "Hỏi.", "due_at": stage.soon(1)}
        case "record_permit":
            given = {"row": f"/itinerary/{row['fields']['itinerary'][0]['row']}", "number": "GP-1"}
        case "extend":
            given = {**REASON, "new_date": (clock.today() + timedelta(days=14)).isoformat()}
        case "recommend":
            given = demo.proposal(stage, ref, kind)
        case "approve":
            if state == "pending_decision":
                set_rule(stage.office, "decision_level", "department")
            given = {"seen": seen(stage, ref, username)}
        case "reject":
            if state == "pending_decision" and kind == "visit":
                set_rule(stage.office, "decision_level", "department")
            given = {"seen": seen(stage, ref, username), "grounds": ["safety"], "reason": "Thiên tai."}
        case "decline_interview":
            given = {"seen": seen(stage, ref, username), "grounds": ["interviewee_declines"], "reason": "Bận công tác."}
        case "accept_interview":
            given = {"seen": seen(stage, ref, username), **accepting(stage, ref)}
        case "enter_paper_decision":
            scan = stage.attach("vt.van", ref, "decision_scan")
            given = {"doc_no": "1", "doc_date": clock.today().isoformat(), "outcome": "reject", "scan": scan, "signer": {"name": "Huỳnh Thử Tâm"},
                     "grounds": ["safety"], "reason": "Thiên tai."}  # fmt: skip
        case "confirm_paper_approval" | "confirm_paper_acceptance" | "confirm_paper_refusal" | "confirm_paper_decline":
            outcome = "approve" if action in ("confirm_paper_approval", "confirm_paper_acceptance") else "reject"
            by = "cv.binh" if username == "vt.van" else "vt.van"
            enter_paper(stage, ref, kind, outcome, by)
            given = {"seen": seen(stage, ref, username)}
        case "assign_guide":
            free_guide(stage, ref)
            given = {"guide": "hd.uyen"}
        case "start":
            stage.letters(ref)
        case "log":
            # Nothing can be done while suspended: the row is logged as not done.
            given = {"rows": _rows(stage, ref, "done" if state == "accompanied" else "not_done")}
        case "suspend":
            return Prepared(ref, username, {"incident": "x", **REASON}, at, "violation_noted")
        case "resume":
            return Prepared(ref, username, REASON, at, "violation_settled")
        case "record_resumption":
            given = {"note": "Được tiếp tục."}
        case "record_suspension":
            given = {"imposed_by": "border_guard", **REASON}
        case "hear":
            with clock.at(at):
                stage.act("cv.binh", ref, "announce_hearing", **REASON, respond_by=stage.soon(2))
            given = {"waived": True}
        case "revoke":
            given = {"grounds": ["licence_revoked"], **REASON, "urgent": True}
            if username == "pgd.linh":  # who approved may revoke: this one was the Department's own decision
                set_rule(stage.office, "decision_level", "department")
                ref, at = _decided_here(stage, state)
        case "postpone":
            given = {**REASON, "dates": [{"row": row["fields"]["itinerary"][0]["row"], "on": clock.today().isoformat()}]} if kind == "visit" else REASON
        case "conclude":
            ref = press_case(stage, kind, state, fields={"category": "A10"}).ref
            stage.letters(ref)
        case "mark_no_show":
            at = stage.given_up(ref)
        case "file_report":
            left = [{"row": r["row"], "result": "not_done", "note": "Dừng."} for r in row["fields"].get("itinerary", ())]
            given = {"report": {**REPORT, "rows": left} if kind == "visit" else REPORT}
        case "close":
            stage.letters(ref)
        case "stop":
            at += timedelta(days=2)
            with clock.at(at):
                stage.act("motcua.mai" if state == "supplement_required" else "cv.binh", ref, "remind")
        case "endorse" | "refer_up" | "forward" | "submit" | "discard" | "withdraw" | "remind" | "cancel" | "lapse" | "replace":
            pass
        case "brief":
            given = {"text": "Nội dung trả lời.", "checked_by": "tp.hoa"}
        case "propose_slots":
            given = {"slots": [{"from": stage.soon(1)}]}
        case "agree_slot":
            stage.act("cv.binh", ref, "propose_slots", slots=[{"from": stage.soon(1)}])
            given = {"none_fits": True}
        case "deliver_answers" | "return_answers" if written:
            return _written(stage, action, username)
        case "deliver_answers":
            return _spoken_with_writing(stage, username)
        case "answer" | "amend_answer":
            given = {"outcome": "no_objection", "opinion": "Không có ý kiến."}
        case "record_answer":
            given = {"outcome": "conditions", "doc_no": "2", "scan": stage.attach("vt.van", ref, "answer_scan")}
        case "cancel_consultation":
            given = dict(REASON)
            if username == "cv.binh":  # an officer takes back what was added by hand, not what a rule proposed
                ref = build(stage, kind, state, agency="so_vhttdl").ref
        case "sign":
            ref = build(stage, kind, state, **SIGNED_BY[username]).ref
        case "issue":
            given = {"number": "3/UBND", "on": clock.today().isoformat()}
            if username == "motcua.mai":
                ref = build(stage, kind, state, name="receipt", signer="tp.hoa").ref
        case "withdraw_signature":
            ref = build(stage, kind, state, **SIGNED_BY[username], signer=username).ref
        case _:
            given = dict(REASON)
    if action == "lapse":
        at += timedelta(days=2)
    if action == "replace":
        successor(stage, row["parent"]["id"], ref)
    if action == "record_resumption":
        at = max(at, clock.now()) + timedelta(days=1)
    return Prepared(ref, username, given, at)


def _decided_here(stage: Stage, state: str) -> tuple[str, Any]:
    """A visit that a director approved, in `approved` or suspended by the border guard."""
    ref = build(stage, "visit", "pending_decision").ref
    stage.act("gd.khanh", ref, "approve")
    if state == "suspended":
        stage.letters(ref)
        free_guide(stage, ref)
        stage.act("cv.binh", ref, "assign_guide", guide="hd.thao")
        stage.act("cv.binh", ref, "start")
        stage.act("cv.binh", ref, "record_suspension", imposed_by="border_guard", reason="Đồn Biên phòng yêu cầu.")
    return ref, clock.now()


def _keyed_in(stage: Stage, kind: str, state: str, username: str) -> Prepared:
    from states import FLOWS
    from workflow import engine

    ref = engine.open_case(
        stage.office, stage.actor("motcua.mai"), kind, FLOWS[kind].example(clock.today()),
        on_behalf_of={"organisation": "hangtin_a", "channel": "post"},
    ).case_id  # fmt: skip
    stage.attach("motcua.mai", ref, "request")
    stage.act("motcua.mai", ref, "submit", undertaking=True)
    if state == "under_review":
        stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    return Prepared(ref, username, {"fields": {"purpose": "Đã sửa lỗi nhập."}}, clock.now())


def _interview_approved(stage: Stage, form: str) -> str:
    ref = build(stage, "interview", "pending_interviewee").ref
    stage.act("cv.binh", ref, "brief", text="Nội dung trả lời.", checked_by="tp.hoa")
    stage.act("vpub.nga", ref, "accept_interview", **accepting(stage, ref, form))
    return ref


def _written(stage: Stage, action: str, username: str) -> Prepared:
    ref = _interview_approved(stage, "written")
    if action == "return_answers":
        stage.act("cv.binh", ref, "deliver_answers", answers="Trả lời.")
        return Prepared(ref, username, REASON, clock.now())
    return Prepared(ref, username, {"answers": "Trả lời."}, clock.now())


def _spoken_with_writing(stage: Stage, username: str) -> Prepared:
    ref = stage.file("vptt.thu", "interview")
    demo.advance(stage, ref, "interview", "consulted")
    asked = [{"row": q["row"], "result": "other_form" if i else "accept"} for i, q in enumerate(stage.row(ref)["fields"]["questions"])]
    stage.act("cv.binh", ref, "recommend", proposal="approve", questions=asked)
    for stop in ("pending_decision", "pending_interviewee"):
        demo.step(stage, ref, "interview", stop)
    stage.act("cv.binh", ref, "brief", text="Nội dung.", checked_by="tp.hoa")
    stage.act("vpub.nga", ref, "accept_interview", **accepting(stage, ref))
    free_guide(stage, ref)
    stage.act("cv.binh", ref, "assign_guide", guide="hd.thao")
    stage.letters(ref)
    stage.act("hd.thao", ref, "start")
    return Prepared(ref, username, {"answers": "Trả lời."}, clock.now())
