"""Brings a fresh case into any state of its kind, and knows what each arrow needs to be taken."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from workflow import clock, demo, engine
from workflow.demo import Stage

# Who stands in which relation of the table to the cases built here.
PEOPLE = {
    "applicant": "vptt.thu", "applicant_lead": "vptt.han", "applicant_other_org": "vptt.lam", "intake": "motcua.mai", "officer": "cv.binh",
    "officer_other": "cv.dung", "head": "ptp.ngoc", "director": "pgd.linh", "committee": "ubnd.quang", "leader_office": "vpub.phuong",
    "consultee": "ca.phuc", "consultee_other": "vhttdl.son", "guide": "hd.thao", "guide_other": "hd.uyen", "registry": "vt.van",
    "auditor": "ktr.xuan", "admin": "qt.yen",
}  # fmt: skip
# What the table has to be told of the paths taken here.
WITHDRAWN = {"accepted": True}  # withdrawn from under_review
OF_VISIT = {"referred": True}  # a letter's visit was referred up and approved
OF_INTERVIEW = {"parent": "interview"}

ITEMS = [{"target": "/purpose", "reason": "Chưa rõ.", "basis": "262/16(3)"}]
REPORT = {"summary": "Đúng chương trình."}


class Built:
    """A case in a state, with the moment at which it stands."""

    def __init__(self, ref: str, at):
        self.ref, self.at = ref, at


def press_case(stage: Stage, kind: str, state: str, *, fields: dict[str, Any] | None = None) -> Built:
    """A visit or an interview in a state, author vptt.thu, officer cv.binh, guide hd.thao, all by `perform`."""
    now = clock.now()
    if state in ("draft", "discarded"):
        ref = stage.file("vptt.thu", kind, submit=False, fields=fields)
        if state == "discarded":
            stage.act("vptt.thu", ref, "discard")
        return Built(ref, now)
    ref = stage.file("vptt.thu", kind, fields=fields)
    if state in ("supplement_required", "stopped"):
        stage.act("motcua.mai", ref, "ask_supplement", items=ITEMS, respond_by=stage.soon(1))
        if state == "stopped":
            with clock.at(now + timedelta(days=2)):
                stage.act("motcua.mai", ref, "remind")
                stage.act("tp.hoa", ref, "stop")
            now += timedelta(days=2)
    elif state == "not_accepted":
        stage.act("motcua.mai", ref, "refuse_intake", ground="wrong_authority", reason="Không thuộc thẩm quyền.", where_to_go="Bộ Ngoại giao")
    elif state == "clarification_required":
        demo.advance(stage, ref, kind, "under_review")
        stage.act("cv.binh", ref, "ask_clarification", items=ITEMS, respond_by=stage.soon(1))
    elif state == "withdrawn":
        demo.advance(stage, ref, kind, "under_review")
        stage.act("vptt.han", ref, "withdraw")
    elif state == "rejected":
        demo.advance(stage, ref, kind, "pending_committee" if kind == "visit" else "pending_interviewee", word="reject")
        given = {"grounds": ["safety"], "reason": "Thiên tai."}
        stage.act("ubnd.minh" if kind == "visit" else "vpub.nga", ref, "reject" if kind == "visit" else "decline_interview", **given)
    elif state in ("cancelled", "revoked", "no_show", "suspended"):
        _approved_with_guide(stage, ref, kind)
        if state == "cancelled":
            stage.act("vptt.han", ref, "cancel")
        elif state == "revoked":
            stage.act("ubnd.minh", ref, "revoke", grounds=["licence_revoked"], reason="Đã bị thu hồi.", urgent=True)
        elif state == "no_show":
            now = stage.given_up(ref)
            with clock.at(now):
                stage.act("hd.thao", ref, "mark_no_show")
        else:
            stage.letters(ref)
            stage.act("hd.thao", ref, "start")
            stage.act("hd.thao", ref, "record_suspension", imposed_by="border_guard", reason="Đồn Biên phòng yêu cầu.", to=stage.soon(0.1))
            now += timedelta(days=1)
    elif state in ("approved", "accompanied", "reported", "closed"):
        _approved_with_guide(stage, ref, kind)
        if state != "approved":
            stage.letters(ref)
            stage.act("hd.thao", ref, "start")
        if state in ("reported", "closed"):
            demo.step(stage, ref, kind, "reported")
        if state == "closed":
            demo.step(stage, ref, kind, "closed")
    elif state != "requested":
        stop = {"under_review": "consulted"}.get(state, state)
        demo.advance(stage, ref, kind, stop)
    assert stage.row(ref)["state"] == state, (kind, state, stage.row(ref)["state"])
    return Built(ref, now)


def _approved_with_guide(stage: Stage, ref: str, kind: str) -> None:
    """Approved and guided by hd.thao, who is freed from earlier test cases first."""
    demo.advance(stage, ref, kind, "approved")
    free_guide(stage, ref)
    stage.act("cv.binh", ref, "assign_guide", guide="hd.thao")


def free_guide(stage: Stage, ref: str) -> None:
    """Earlier cases of the test occupy the guide on the same days: hand them to nobody's days by closing them."""
    from workflow import store

    with stage.office.db.read() as connection:
        rows = store.query(
            connection,
            "SELECT c.id, c.kind, c.state, c.officer_id, u.username AS author FROM cases c JOIN users u ON u.id = c.created_by"
            " WHERE c.guide_id IS NOT NULL AND c.is_open AND c.id <> :ref AND c.kind IN ('visit', 'interview')"
            " AND c.state IN ('approved', 'accompanied', 'suspended')",
            ref=ref,
        )
    for row in rows:
        officer = next(name for name in ("cv.binh", "cv.dung") if stage.actor(name).id == row["officer_id"])
        if row["state"] == "accompanied" and row["kind"] == "interview":
            stage.act(officer, row["id"], "file_report", report=REPORT)
        elif row["state"] in ("accompanied", "suspended"):
            left = [{"row": r["row"], "result": "not_done", "note": "Dừng."} for r in stage.row(row["id"])["fields"]["itinerary"]]
            stage.act(officer, row["id"], "file_report", report={**REPORT, "rows": left})
        else:
            stage.act(row["author"], row["id"], "cancel")


def consultation(stage: Stage, state: str, *, agency: str = "cong_an") -> Built:
    """A consultation, of the police unless said otherwise, in a state; its visit is under review by cv.binh."""
    now = clock.now()
    visit = press_case(stage, "visit", "requested").ref
    demo.advance(stage, visit, "visit", "under_review")
    stage.act("cv.binh", visit, "consult", agencies=[agency], question="Đề nghị cho ý kiến.", due_at=stage.soon(1))
    ref = stage.children(visit, "consultation")[0]
    if state == "answered":
        stage.act("ca.phuc", ref, "answer", outcome="no_objection")
    elif state == "cancelled":
        stage.act("tp.hoa", ref, "cancel_consultation", reason="Không cần nữa.")
    elif state == "lapsed":
        now += timedelta(days=2)
        with clock.at(now):
            stage.act("cv.binh", ref, "lapse")
    return Built(ref, now)


def letter(stage: Stage, state: str, *, name: str = "approval", parent: str = "visit", signer: str = "gd.khanh") -> Built:
    """A letter of an approved case in a state; decided and, unless asked otherwise, signed by others than those who will be tried."""
    main = press_case(stage, parent, "approved").ref
    opened = engine.open_case(stage.office, stage.actor("vt.van"), "letter", {"body": "Nội dung."}, parent=main, letter=name).case_id
    if state == "void":
        stage.act("vt.van", opened, "void", reason="Soạn nhầm.")
    elif state != "drafted":
        stage.act(signer, opened, "sign")
    if state in ("issued", "replaced", "recalled"):
        stage.act("vt.van", opened, "issue", number="1/UBND")
    if state == "recalled":
        stage.act("gd.khanh", opened, "recall", reason="Sai.")
    if state == "replaced":
        successor(stage, main, opened)
        stage.act("vt.van", opened, "replace")
    return Built(opened, clock.now())


def successor(stage: Stage, main: str, old: str) -> str:
    """An issued letter that replaces another."""
    ref = engine.open_case(stage.office, stage.actor("vt.van"), "letter", {}, parent=main, letter="approval", replaces=old).case_id
    stage.act("gd.khanh", ref, "sign")
    stage.act("vt.van", ref, "issue", number="2/UBND")
    return ref


def build(stage: Stage, kind: str, state: str, **rest: Any) -> Built:
    """A fresh case of a kind in a state."""
    if kind == "consultation":
        return consultation(stage, state, **rest)
    if kind == "letter":
        return letter(stage, state, **rest)
    return press_case(stage, kind, state, **rest)
