"""Messages: what waits in the outbox, what is set aside, and the last run of each periodic job."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template

from api.language import t
from api.web import web
from api.web.admin import SUBJECTS, Subject, reader
from states import roles as R
from states.language import Text
from states.machine import role_refusal
from workflow import notices, outbox, periodic
from workflow.errors import NotFound, RoleRefused

SUBJECTS.append(
    Subject(
        "/admin/messages",
        Text("Thông báo và thư", "Messages and mail"),
        Text("Việc chờ gửi, việc để riêng vì gửi không được, các lần rà thời hạn.", "What waits to be sent, what is set aside, the runs of the periodic jobs."),
        order=70,
    )
)
KINDS: dict[str, Text] = {
    "letter": Text("Mở văn bản", "Open a letter"),
    "mail": Text("Thông báo", "Notice"),
    "send": Text("Thư điện tử", "E-mail"),
    "cancel": Text("Đóng việc con", "Close what hangs on it"),
}
STATES: dict[str, Text] = {"pending": Text("chờ gửi", "waiting"), "parked": Text("để riêng", "set aside"), "done": Text("đã xong", "done")}
DOING = {"retry": outbox.retry, "aside": outbox.set_aside}


@web.get("/admin/messages")
def admin_messages() -> Any:
    """The page; administrators have buttons, directors and auditors read."""
    actor = reader()
    office, settings = current_app.extensions["office"], current_app.config["FPD"]
    with office.db.read() as connection:
        counts, rows, runs = outbox.counts(connection), outbox.troubled(connection), periodic.last_runs(connection)
    return render_template(
        "admin/messages.html", counts=counts, rows=rows, runs=runs, kinds=KINDS, states=STATES, words=notices.words, may=actor.has(R.ADMIN),
        relay=settings.post, tries=outbox.MAX_TRIES,
    )  # fmt: skip


@web.post("/admin/messages/<int:id_>/<what>")
def admin_message(id_: int, what: str) -> Any:
    """Try a message again, or set it aside; administrators only, and written to the record."""
    actor = reader()
    if what not in DOING or id_ > 2**62:
        raise NotFound()
    if not actor.has(R.ADMIN):
        raise RoleRefused((role_refusal((R.ADMIN,)),))
    DOING[what](current_app.extensions["office"], actor, id_)
    flash(t("Sẽ thử lại ngay.", "It is tried again now.") if what == "retry" else t("Đã để riêng.", "It is set aside."))
    return redirect("/admin/messages", 303)
