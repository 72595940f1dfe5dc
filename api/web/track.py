"""The public tracking page, the receipt, and the QR code that leads from the one to the other.

The figures travel in the body of a form alone: no address of this service holds them, so that none is kept by a proxy,
a browser's history or whatever scans the code.
"""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO
from typing import Any

import segno
from flask import Response, current_app, g, make_response, render_template, request

from api import language, login
from api.web import web
from states.language import Text
from workflow import clock, tracking
from workflow.errors import NotFound, SlowDown


def _page(code: str, status: int = 200, **told: Any) -> Any:
    """The form, with what was typed, and what was found or why nothing is told."""
    return make_response(render_template("track.html", code=code, **{"found": None, "trouble": None, "pin": "", **told}), status)


@web.route("/track", methods=["GET", "POST"])
def track() -> Any:
    """The form of code and figures, and what they open."""
    if request.method == "GET":
        return _page("")
    code, pin = request.form.get("code", "")[:80], request.form.get("pin", "")[:80]
    chosen = request.form.get("language", "")
    if chosen in ("vi", "en"):
        g.language = chosen
    answer = _looked(code, pin)
    if chosen in ("vi", "en"):
        language.keep(answer, chosen)
    return answer


def _looked(code: str, pin: str) -> Any:
    office = current_app.extensions["office"]
    try:
        found = tracking.look(office, code, pin, request.remote_addr or "")
    except NotFound as nothing:
        return _page(code, 404, trouble=nothing.message)
    except SlowDown as slow:
        answer = _page(code, 429, trouble=slow.message, both=True)
        answer.headers["Retry-After"] = str(slow.data["wait"])
        return answer
    return _page(found["code"], found=found, pin=pin)


@web.get("/track/<code>")
def track_code(code: str) -> Any:
    """Where the QR code leads: the form with the code filled in. It is the same page for any code."""
    return _page(tracking.typed_code(code))


@web.get("/cases/<ref>/receipt")
def receipt(ref: str) -> Any:
    """The receipt to print, or the acknowledgement while there is none."""
    found = tracking.receipt(current_app.extensions["office"], login.needed(), ref)
    return render_template("receipt.html", sheet=found, address=_address(found["code"]), sum=found["sum"])


@web.get("/cases/<ref>/receipt/qr.svg")
def receipt_qr(ref: str) -> Response:
    """The address of the tracking page of a case as a QR code; the figures are not in it."""
    found = tracking.receipt(current_app.extensions["office"], login.needed(), ref)
    drawn = BytesIO()
    segno.make(_address(found["code"]), error="m", micro=False).save(drawn, kind="svg", scale=4, border=4, xmldecl=False, light="#fff")
    return Response(drawn.getvalue(), content_type="image/svg+xml")


@web.app_template_global()
def sum_rows(due: dict[str, Any]) -> list[dict[str, Any]]:
    """The days of a sum in their order: counted ones with their number, those left out with the reason, like neighbours together."""
    begun = clock.local(clock.moment(due["starts_at"])).date().isoformat()
    days: list[tuple[str, Text, str, bool]] = [(begun, Text("Nhận hồ sơ, chưa tính", "Received, not counted"), "", False)]
    kind = _COUNTED.get(due["unit"], _COUNTED["d"])
    counted = sorted(on for on in due["counted"] if on != begun or due["unit"] == "h")
    days += [(on, kind.format(n=number), "", False) for number, on in enumerate(counted, 1)]
    days += [(row["date"], _left_out(row["why"]), row["document"], True) for row in due["skipped"]]
    if due["unit"] != "h" and counted:
        days += [(on, _TAKEN_IN, "", False) for on in _between(begun, counted[0]) if on not in {day for day, *_ in days}]
    rows: list[dict[str, Any]] = []
    for on, what, document, off in sorted(days, key=lambda day: day[0]):
        last = rows[-1] if rows else None
        if last and off and last["off"] and (last["what"], last["document"]) == (what, document):
            last["on"].append(on)
        else:
            rows.append({"on": [on], "what": what, "document": document, "off": off, "last": False})
    if counted:
        next(row for row in rows if row["on"] == [counted[-1]] and not row["off"])["last"] = True
    return [{**row, "days": _short(row["on"])} for row in rows]


_COUNTED = {"wd": Text("Ngày làm việc {n}", "Working day {n}"), "d": Text("Ngày {n}", "Day {n}"), "h": Text("Tính theo giờ", "Counted by the hour")}


# Received outside office hours or on a day off: taken in on the next working day, counted from the one after.
_TAKEN_IN = Text("Ngày làm việc tiếp theo: coi là ngày nhận, chưa tính", "The next working day: taken in, not counted")


def _between(first: str, last: str) -> list[str]:
    """The days after one and before another."""
    begin = date.fromisoformat(first)
    return [(begin + timedelta(days=n)).isoformat() for n in range(1, (date.fromisoformat(last) - begin).days)]


def _left_out(why: dict[str, str]) -> Text:
    return Text(f"{why['vi']}, không tính", f"{why['en']}, not counted")


def _short(days: list[str]) -> str:
    """21, 22/11: days of one month together."""
    shown = [f"{on[8:10]}/{on[5:7]}" if index == len(days) - 1 or days[index + 1][5:7] != on[5:7] else on[8:10] for index, on in enumerate(days)]
    return ", ".join(shown)


def _address(code: str) -> str:
    return f"{current_app.config['FPD'].address}/track/{code}"
