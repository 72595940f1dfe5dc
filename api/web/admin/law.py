"""The catalogue of legal texts as a page, with the tick that a row was compared with the gazette."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request

from api.language import t
from api.security import request_id
from api.web import web
from api.web.admin import SUBJECTS, Subject, reader
from states import roles as R
from states.language import Text
from workflow import clock, law
from workflow.errors import Invalid
from workflow.schemas import TEXTS

SUBJECTS.append(
    Subject(
        "/admin/law",
        Text("Danh mục văn bản", "Legal catalogue"),
        Text(
            "Văn bản được viện dẫn: số, tên, hiệu lực, văn bản thay thế, đã đối chiếu Công báo hay chưa.",
            "Texts that may be cited: number, title, validity, successor, compared with the gazette or not.",
        ),
        order=30,
    )
)


@web.get("/admin/law")
def admin_law() -> Any:
    """Every text with its validity and whether it was compared; first what is cited today and no longer holds."""
    reader()
    office, today = current_app.extensions["office"], clock.today()
    with office.db.read() as connection:
        office.refresh(connection, force=True)
        texts = law.load(connection)
    cited: dict[str, list[str]] = {}
    for rule in office.rules:
        text = law.find(texts, rule.basis)
        if text:
            cited.setdefault(text.code, []).append(rule.code)
    rows = sorted(texts.values(), key=lambda text: (text.code == law.OFFICE, not text.covers(today), text.code not in cited, text.number))
    open_ = [text for text in rows if text.checked_at is None and text.code != law.OFFICE]
    return render_template(
        "admin/law.html",
        texts=rows,
        by_code=texts,
        cited=cited,
        doubts=law.doubts(texts, office.rulebook.rows, today),
        today=today,
        unchecked=len(open_),
        own=law.OFFICE,
    )


@web.post("/admin/law")
def admin_law_compare() -> Any:
    """Tick one text as compared with the gazette."""
    actor, code = reader(R.ADMIN), request.form.get("code", "")[:60]
    note = request.form.get("note", "").strip()
    if len(note) > 200:
        raise Invalid({"note": [TEXTS["long"].format(n=200)]})
    law.compare(current_app.extensions["office"], actor, code, note, request_id=request_id())
    flash(t("Đã ghi việc đối chiếu.", "The comparison is recorded."), "ok")
    return redirect("/admin/law#rows", 303)
