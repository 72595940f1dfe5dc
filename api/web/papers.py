"""Opening a paper with its purpose, confirming that one is no secret, and the record of who read what."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import current_app, flash, make_response, redirect, render_template, request

from api import login
from api.language import label, t
from api.rest.cases import paper_response
from api.security import request_id
from api.web import web
from workflow import attachments, clock, reads, release
from workflow.errors import Conflict, Invalid


def office() -> Any:
    """The office of this process."""
    return current_app.extensions["office"]


@web.route("/papers/<paper_id>", methods=["GET", "POST"])
def paper(paper_id: str) -> Any:
    """Download a paper; where a purpose is needed and not plain from the reader's work, ask for it first."""
    typed = request.form if request.method == "POST" else {}
    try:
        return paper_response(paper_id, typed.get("how") or "download", typed.get("purpose", ""))
    except Invalid as invalid:
        asked = attachments.purpose_of(office(), login.needed(), paper_id)
        told = [label(text) for texts in invalid.fields.values() for text in texts] if request.method == "POST" else []
        body = render_template("paper_purpose.html", asked=asked, ways=reads.ASKED, typed=typed, told=told)
        return make_response(body, 422 if told else 200)


@web.post("/papers/<paper_id>/release")
def release_paper(paper_id: str) -> Any:
    """Confirm that a paper which is held back is no state secret."""
    try:
        done = release(office(), login.needed(), paper_id, request.form.get("note", "")[:1000], request_id=request_id())
    except Conflict as conflict:
        flash(label(conflict.message) if conflict.code != "state" else t("Giấy tờ này không bị giữ lại.", "This paper is not held back."), "error")
        return redirect(f"/cases/{attachments.purpose_of(office(), login.needed(), paper_id)['case']['id']}#main", 303)
    flash(t("Đã xác nhận: giấy tờ không mật, những người xử lý hồ sơ xem được.", "Confirmed as not classified: those who work on the case can see it."))
    return redirect(f"/cases/{done.case_id}#main", 303)


@web.get("/audit/reads")
def audit_reads() -> Any:
    """Who opened identity papers and, as an auditor, cases: in full on the screen, on one page when printed."""
    actor = reads.reader(login.needed())
    given = {k: v for k, v in request.args.to_dict().items() if k in (*reads.FILTERS, "each")}
    told: dict[str, list[str]] = {}
    try:
        filters = reads.parse({k: v for k, v in given.items() if k != "each"})
    except Invalid as invalid:
        told = {name: [label(text) for text in texts] for name, texts in invalid.fields.items()}
        filters = reads.parse({k: v for k, v in given.items() if k != "each" and k not in told})
    following = None
    if given.get("each"):
        page = reads.listed(office(), actor, {**filters, "limit": reads.LINES})
        found = {"by": "each", "rows": page["items"], "total": None, "cut": False}
        if page["next_cursor"]:
            following = "?" + urlencode({**{k: v for k, v in given.items() if k != "cursor"}, "cursor": page["next_cursor"]})
    else:
        found = reads.report(office(), actor, filters)
    singly = "?" + urlencode({**{k: v for k, v in given.items() if k not in ("cursor", "limit")}, "each": "true"})
    body = render_template(
        "reads.html", found=found, given=given, errors=told, following=following, singly=singly, hows=reads.HOW, limits=office().profile.papers,
        now=clock.stamp(clock.now()),
    )  # fmt: skip
    return make_response(body, 422 if told else 200)
