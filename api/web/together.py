"""Sending a visit and its interviews with one press, the page that tells what was sent, and one signed letter for both."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request

from api import login
from api.errors import STATUS
from api.language import label, t
from api.security import request_id
from api.web import forms, web
from api.web.apply import flash_refusal, office, sentences
from api.web.wizard import beside, check_page, sending_of
from states import FLOWS
from workflow import read_case, together
from workflow.errors import Invalid, NeedsUnmet, NotFound, WorkflowError
from workflow.together import Outcome, Part


def _own(ref: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A request that the person files, and those that belong with it; raises `NotFound`."""
    case = read_case(office(), login.needed(), ref)
    if case["kind"] not in ("visit", "interview") or "applicant" not in case["mine"]:
        raise NotFound()
    return case, together.companions(office(), login.needed(), case)


def _part(case: dict[str, Any], name: str) -> Part:
    """A request on the version that the form was made with; a form that does not say has seen none."""
    seen = request.form.get(name, "")
    return Part(case["id"], case["kind"], int(seen) if seen.isdecimal() and len(seen) < 10 else 0)


@web.app_template_global()
def name_of(case: dict[str, Any]) -> str:
    """What a request is called in a sentence: its number, before it has one its title."""
    return case["code"] or case["title"] or t("chưa có tên", "no title yet")


@web.app_template_global()
def kind_word(case: dict[str, Any]) -> str:
    """Its kind in the middle of a sentence."""
    return t("phỏng vấn", "interview") if case["kind"] == "interview" else t("hoạt động báo chí", "visit")


@web.post("/cases/<ref>/send")
def send_together(ref: str) -> Any:
    """Send a draft and the ticked drafts that belong with it. Where one of them lacks something nothing is sent, and the page says what."""
    case, companions = _own(ref)
    ticked = set(request.form.getlist("with"))
    others = [other for other in companions if other["id"] in ticked]
    if len(others) < len(ticked):
        raise NotFound()
    flow, actor = FLOWS[case["kind"]], login.needed()
    declared = sending_of(flow, case)
    values = forms.typed(declared, request.form)
    given = forms.to_json(declared, values)
    parts = [_part(case, "version"), *(_part(other, f"version.{other['id']}") for other in others)]
    named = {each["id"]: f"{name_of(each)} ({kind_word(each)})" for each in (case, *others)}

    def refused(status: int, errors: dict[str, list[str]], told: list[str]) -> Any:
        """The same screen again with what was ticked; a request that is sent already has no such screen."""
        if together.is_draft(case):
            return check_page(flow, case, values, errors, status, chosen_with=ticked, unsent=told)
        for text in told:
            flash(text, "error")
        return redirect(f"/cases/{case['id']}/sent#main", 303)

    if not given.get("undertaking"):
        return refused(422, {"undertaking": [t("Phải đánh dấu cam kết này trước khi gửi.", "Tick this undertaking before sending.")]}, [])
    held_up = together.hindrances(office(), actor, parts)
    if held_up:
        return refused(409, {}, [f"{named[id_]}: {label(reason)}" for id_, reasons in held_up.items() for reason in reasons])
    done = together.send(office(), actor, parts, given, request_id=request_id())
    if done[0].refused is not None:
        first = done[0].refused
        errors = sentences(first.fields) if isinstance(first, Invalid) else {}
        return refused(STATUS.get(first.code, 409), errors, [f"{named[done[0].part.case_id]}: {text}" for text in _why(done[0])])
    for outcome in done[1:]:
        for text in _why(outcome):
            flash(t("Chưa gửi được {what}: {why}", "Not sent: {what}. {why}", what=named[outcome.part.case_id], why=text), "error")
    return redirect(f"/cases/{case['id']}/sent#main", 303)


def _why(outcome: Outcome) -> list[str]:
    """Why a request was refused, in sentences."""
    if isinstance(outcome.refused, NeedsUnmet):
        return [label(reason.message) for reason in outcome.refused.reasons]
    return [label(outcome.refused.message)] if isinstance(outcome.refused, WorkflowError) else []


@web.get("/cases/<ref>/sent")
def sent(ref: str) -> Any:
    """What was sent with one press: each request with its number, its promised date and its receipt; and what is still a draft, with what it lacks."""
    case, companions = _own(ref)
    if together.is_draft(case):
        return redirect(f"/cases/{case['id']}/edit/check#main", 303)
    every = sorted([case, *companions], key=lambda each: each["kind"] != "visit")
    left = [beside(case, each) for each in every if together.is_draft(each)]
    return render_template("sent.html", case=case, sent=[each for each in every if not together.is_draft(each)], left=left)


@web.post("/cases/<ref>/same-letter")
def same_letter(ref: str) -> Any:
    """Use a visit's signed letter for its interview as well, and come back to the screen where that was chosen."""
    visit, back = request.form.get("visit", ""), request.form.get("back", "")
    try:
        done = together.use_letter(office(), login.needed(), ref, visit, request_id=request_id())
    except NotFound:
        raise
    except WorkflowError as error:
        flash_refusal(error)
        return redirect(f"/cases/{ref}/edit/check#main", 303)
    flash(t("Đã đính kèm bản sao văn bản đề nghị vào hồ sơ phỏng vấn.", "A copy of the signed request is attached to the interview."))
    return redirect(f"/cases/{visit if back == visit else done.case_id}/edit/check#main", 303)
