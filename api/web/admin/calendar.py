"""The working calendar as a page: a year at a glance, its rows, and the forms that change them.

Every change is pressed twice: the first press shows what it would move, the second does it. Nothing is lost on the way:
the second form carries what was typed in the first.
"""

from __future__ import annotations

import calendar as months
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, current_app, flash, make_response, redirect, render_template, request

from api.language import label, t
from api.security import request_id
from api.web import web
from api.web.admin import SUBJECTS, Subject, reader
from api.web.apply import sentences
from states import roles as R
from states.language import Choice, Field, Text
from workflow import calendar_files as files
from workflow import calendar_table as table
from workflow import clock
from workflow.calendar import WEEKDAYS, WorkCalendar, days_of
from workflow.calendar_table import KINDS, STANDINGS, Change
from workflow.errors import Busy, Invalid, NotFound

SUBJECTS.append(
    Subject(
        "/admin/calendar",
        Text("Lịch làm việc", "Working calendar"),
        Text(
            "Ngày nghỉ, ngày làm bù, ngày làm việc nửa buổi: mọi hạn trả lời được đếm theo lịch này.",
            "Days off, worked Saturdays, half days: every due date is counted by this calendar.",
        ),
        order=10,
    )
)

_DAY = (
    Field("on", "date", Text("Ngày", "Day"), required=True),
    Field("kind", "choice", Text("Loại ngày", "Kind of day"), required=True, choices=tuple(Choice(code, text) for code, text in KINDS.items())),
    Field("opens", "time", Text("Mở cửa (nửa ngày)", "Opens (half day)")),
    Field("closes", "time", Text("Đóng cửa (nửa ngày)", "Closes (half day)")),
    Field("name", "text", Text("Tên", "Name"), required=True, max_length=200),
    Field("name_en", "text", Text("Tên tiếng Anh", "Name in English"), max_length=200),
    Field(
        "standing", "choice", Text("Tình trạng", "Standing"), required=True, choices=tuple(Choice(code, text) for code, text in STANDINGS.items()),
        help=Text("Đã xác nhận và dự kiến được tính; đề xuất thì chưa.", "Confirmed and expected days count; proposed ones do not."),
    ),
)  # fmt: skip
_DOCUMENT = (
    Field(
        "document", "text", Text("Số văn bản", "Document number"), max_length=120,
        help=Text("Bắt buộc với ngày đã xác nhận, ví dụ 9441/TB-BNV.", "Needed for a confirmed day, for example 9441/TB-BNV."),
    ),
    Field("document_on", "date", Text("Ngày văn bản", "Date of the document")),
)  # fmt: skip
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_REASON = Field("reason", "text", Text("Lý do", "Reason"), required=True, max_length=500)


@dataclass(frozen=True, slots=True)
class Form:
    """One way to change a row: its title, its fields, and how the change is made of what was typed."""

    title: Text
    button: Text
    fields: tuple[Field, ...]
    plan: Callable[[Any, str, Mapping[str, str]], Change]
    danger: bool = False


def _correction(connection: Any, mark: str, typed: Mapping[str, str]) -> Change:
    return table.to_correct(connection, mark, typed)


FORMS = {
    "enter": Form(
        Text("Thêm một ngày", "Enter a day"), Text("Ghi vào lịch", "Enter it"), (*_DAY, *_DOCUMENT),
        lambda connection, mark, typed: table.to_enter(connection, typed),
    ),
    "correct": Form(Text("Sửa một dòng", "Correct a row"), Text("Sửa dòng này", "Correct it"), (*_DAY, *_DOCUMENT, _REASON), _correction),
    "confirm": Form(
        Text("Xác nhận một dòng", "Confirm a row"), Text("Xác nhận", "Confirm it"), _DOCUMENT,
        lambda connection, mark, typed: table.to_confirm(connection, mark, typed["document"], typed["document_on"]),
    ),
    "end": Form(
        Text("Bỏ một dòng", "End a row"), Text("Bỏ dòng này", "End it"), (_REASON,), lambda connection, mark, typed: table.to_end(connection, mark), danger=True
    ),
}  # fmt: skip


def _office() -> Any:
    return current_app.extensions["office"]


# --- the year ----------------------------------------------------------------------------------------------------


@web.get("/admin/calendar")
def admin_calendar() -> Any:
    """A year at a glance, its rows, and what is doubtful about the calendar."""
    reader()
    office, ended = _office(), request.args.get("ended") == "1"
    year = _year(request.args.get("year")) or clock.today().year
    with office.db.read() as connection:
        rows = table.rows_of(connection)
        shown = table.rows_of(connection, year, ended=True) if ended else [row for row in rows if row["on_date"][:4] == str(year)]
        reached = table.reached_years(connection)
    years = sorted({*(int(row["on_date"][:4]) for row in rows), clock.today().year, year - 1, year, year + 1} & set(table.YEARS))
    calendar = office.calendar_with(days_of(rows, office.profile.code))
    return render_template(
        "admin/calendar.html", year=year, years=years, rows=shown, months=glance(year, calendar, _proposed(rows, office.profile.code)), confirmed=calendar.is_confirmed(year), kinds=KINDS,
        standings=STANDINGS, findings=table.findings(rows, calendar, reached, clock.today().year), weekdays=WEEKDAYS, hours=office.profile.raw["hours"],
        reached=reached.get(year, 0), ended=ended, empty=not rows,
    )  # fmt: skip


def _proposed(rows: Sequence[Mapping[str, Any]], locality: str) -> dict[date, Mapping[str, Any]]:
    return {date.fromisoformat(r["on_date"]): r for r in rows if r["standing"] == "proposed" and r["locality"] in ("", locality)}


def glance(year: int, calendar: WorkCalendar, proposed: Mapping[date, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Twelve months of weeks of days; None outside the month. A day has its kind, its name, whether it is confirmed,
    and the kind that is proposed for it."""
    return [
        {
            "name": Text(f"Tháng {month}", _MONTHS[month - 1]),
            "weeks": [
                [_cell(day, calendar, proposed.get(day)) if day.month == month else None for day in week] for week in months.Calendar().monthdatescalendar(year, month)
            ],
        }
        for month in range(1, 13)
    ]  # fmt: skip


def _cell(day: date, calendar: WorkCalendar, proposal: Mapping[str, Any] | None) -> dict[str, Any]:
    special = calendar.days.get(day)
    kind = special.kind if special else "" if day.weekday() < 5 else "weekend"
    text = special.text if special else Text(proposal["name"], proposal["name_en"] or proposal["name"]) if proposal else None
    asked = proposal["kind"] if proposal and not special else ""
    return {"day": day, "kind": kind, "text": text, "confirmed": special is None or special.confirmed, "proposed": asked}


def _year(text: str | None) -> int | None:
    year = int(text) if text and text.isascii() and text.isdigit() and len(text) < 5 else 0
    return year if year in table.YEARS else None


@web.get("/admin/calendar.<form>")
def admin_calendar_file(form: str) -> Any:
    """The rows in force of a year, or of all, as CSV or ICS."""
    reader()
    if form not in ("csv", "ics"):
        raise NotFound()
    year = _year(request.args.get("year"))
    with _office().db.read() as connection:
        rows = table.rows_of(connection, year)
    data = files.to_csv(rows) if form == "csv" else files.to_ics(rows)
    name = f"fpd-calendar{f'-{year}' if year else ''}.{form}"
    kind = "text/csv; charset=utf-8" if form == "csv" else "text/calendar; charset=utf-8"
    return Response(data, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


# --- one row -----------------------------------------------------------------------------------------------------


@web.route("/admin/calendar/new", methods=["GET", "POST"])
def admin_calendar_new() -> Any:
    """Enter a day."""
    return _changed("enter", "")


@web.route("/admin/calendar/<mark>/<what>", methods=["GET", "POST"])
def admin_calendar_row(mark: str, what: str) -> Any:
    """Correct, confirm or end a row."""
    if what not in ("correct", "confirm", "end"):
        raise NotFound()
    return _changed(what, mark)


def _changed(what: str, mark: str) -> Any:
    """Form, then what it would move, then done."""
    reader(R.ADMIN)
    form = FORMS[what]
    row = None
    try:
        row = _row(mark) if mark else None
        if request.method == "GET":
            return _form(what, row, _first(row), {})
        typed = {item.name: request.form.get(item.name, "") for item in form.fields} | {"locality": request.form.get("locality", "")}
        if _REASON in form.fields and not typed["reason"].strip():
            raise Invalid({"reason": [Text("Cần nêu lý do.", "A reason is needed.")]})
        with _office().db.read() as connection:
            change = form.plan(connection, mark, typed)
        if request.form.get("go") != "1":
            return render_template("admin/calendar_effect.html", what=what, form=form, typed=typed, row=row, **_effect([change]))
        return _done([change], typed.get("reason", "")[:500])
    except Invalid as error:
        if mark and row is None:  # somebody has ended it meanwhile: there is no form to show
            flash(" ".join(text for texts in sentences(error.fields).values() for text in texts), "error")
            return redirect("/admin/calendar#main", 303)
        return make_response(_form(what, row, _typed(request.form), sentences(error.fields)), 422)


def _done(changes: Sequence[Change], reason: str) -> Any:
    """Carry the changes out and say so on the page of their year."""
    try:
        moved = table.carry_out(_office(), reader(R.ADMIN), changes, reason, request_id=request_id())
        cases = ", ".join(moved[:10]) + (" …" if len(moved) > 10 else "")
        flash(
            t("Đã ghi {n} thay đổi. {m} hồ sơ đang mở đổi hạn{cases}.", "{n} change(s) entered. Open cases with a new due date: {m}{cases}.",
              n=len(changes), m=len(moved), cases=f": {cases}" if cases else "")
        )  # fmt: skip
    except Busy as error:
        flash(label(error.message), "error")
    return redirect(f"/admin/calendar?year={changes[0].row['on_date'][:4]}#main", 303)


def _row(mark: str) -> dict[str, Any]:
    with _office().db.read() as connection:
        return table.row_of(connection, mark)


def _first(row: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a form holds when it is opened: the row, or the day that was asked for."""
    if row is None:
        return {"on": request.args.get("on", "")[:10], "standing": "confirmed", "kind": "off", "locality": ""}
    return {**row, "on": row["on_date"], "reason": ""}


def _typed(form: Mapping[str, str]) -> dict[str, str]:
    return {name: str(value)[:600] for name, value in form.items()}


def _form(what: str, row: Mapping[str, Any] | None, values: Mapping[str, Any], errors: Mapping[str, list[str]]) -> str:
    return render_template(
        "admin/calendar_form.html", what=what, form=FORMS[what], row=row, values=values, errors=errors, kinds=KINDS, standings=STANDINGS,
        places=["", _office().profile.code, *([row["locality"]] if row and row["locality"] not in ("", _office().profile.code) else [])],
    )  # fmt: skip


def _effect(changes: Sequence[Change]) -> dict[str, Any]:
    """What a confirmation page tells: the changes, and the open cases whose due date they would move."""
    counted = any(table.counts(_office(), change) for change in changes)
    return {"changes": changes, "moves": table.moves(_office(), changes), "counted": counted, "kinds": KINDS, "standings": STANDINGS}


# --- a file ------------------------------------------------------------------------------------------------------


@web.route("/admin/calendar/import", methods=["GET", "POST"])
def admin_calendar_import() -> Any:
    """A file is chosen; what it would change is shown; then it is done, if the table still stands as it was shown."""
    reader(R.ADMIN)
    if request.method == "GET":
        return render_template("admin/calendar_import.html", errors={}, year="")
    year = request.form.get("year", "").strip()[:10]
    try:
        if year and _year(year) is None:
            raise Invalid({"year": [Text("Năm phải từ 2000 đến 2100.", "The year is from 2000 to 2100.")]})
        data = _sent()
        with _office().db.read() as connection:
            plan = files.plan(connection, files.read(data), _year(year))
        if request.form.get("go") != plan.mark or not plan.changes:
            again = bool(request.form.get("go"))
            return render_template("admin/calendar_plan.html", plan=plan, year=year, text=data.decode("utf-8-sig"), again=again, **_effect(plan.changes))
        return _done(plan.changes, t("Nhập từ tệp", "Imported from a file"))
    except Invalid as error:
        return make_response(render_template("admin/calendar_import.html", errors=sentences(error.fields), year=year), 422)


def _sent() -> bytes:
    """The file as uploaded, or as the page that showed its effect sends it back."""
    if "text" in request.form:
        return request.form["text"].encode()
    given = request.files.get("file")
    if given is None or not given.filename:
        raise Invalid({"file": [Text("Hãy chọn một tệp CSV hoặc ICS.", "Choose a CSV or ICS file.")]})
    return given.stream.read(files.LIMIT + 1)


@web.post("/admin/calendar/recount")
def admin_calendar_recount() -> Any:
    """Count the due dates of open cases again: for a machine that stopped between a change and its effect."""
    moved = table.recount(_office(), reader(R.ADMIN), Text("Tính lại hạn theo lịch làm việc", "Due dates counted again by the working calendar"))
    flash(t("Đã tính lại: {m} hồ sơ đang mở đổi hạn.", "Counted again. Open cases with a new due date: {m}.", m=len(moved)))
    return redirect("/admin/calendar#main", 303)
