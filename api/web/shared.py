"""What the office shares with standing subscribers: the least of a case, to read and nothing else."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template

from api import login
from api.web import web
from states.language import Text
from workflow import sharing

EVENTS: dict[str, Text] = {sharing.APPROVAL: Text("Đã chấp thuận", "Approved"), sharing.REPORT: Text("Đã báo cáo", "Reported")}


@web.get("/shared")
def shared() -> Any:
    """Everything that was shared with my organisations."""
    actor = login.needed()
    return render_template("shared.html", rows=sharing.listed(current_app.extensions["office"], actor), one=None, events=EVENTS)


@web.get("/shared/<id_>")
def shared_one(id_: str) -> Any:
    """One case as it was shared."""
    actor = login.needed()
    return render_template("shared.html", rows=(), one=sharing.one(current_app.extensions["office"], actor, id_), events=EVENTS)
