"""The catalogue of bodies and communes as a page, and what of the locality's profile is not confirmed yet."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, make_response, redirect, render_template, request

from api import login
from api.language import label, t
from api.web import web
from api.web.admin import SUBJECTS, Subject, reader
from api.web.apply import sentences
from states import roles as R
from states.language import Text
from states.machine import role_refusal
from workflow import bodies, localities, places
from workflow.errors import Conflict, Invalid, NotFound, RoleRefused

SUBJECTS.append(
    Subject(
        "/admin/agencies",
        Text("Cơ quan, xã phường", "Bodies and communes"),
        Text(
            "Danh mục cơ quan với hiệu lực và cơ quan kế thừa, đầu mối, nghĩa của việc không trả lời; xã biên giới, biển; mục chưa xác nhận.",
            "Bodies with validity and successor, contacts, what silence means; border and sea communes; what is not confirmed yet.",
        ),
        order=30,
    )
)

# Those one works with first, those one only writes to last.
_ORDER = ("department", "committee", "leader_office", "consulted", "commune", "party", "informed", "ministry", "oversight")
_FROM_MEMORY = {
    "MEMORY: date to be ticked by the office": Text("ngày theo trí nhớ, cần đối chiếu", "date from memory, to be checked"),
    "MEMORY: to be ticked by the office": Text("theo trí nhớ, cần đối chiếu", "from memory, to be checked"),
    "office": Text("giá trị mặc định, cơ quan quyết định", "a default; the office decides"),
    "public list": Text("theo danh mục công khai", "by a public list"),
}


def _office() -> Any:
    return current_app.extensions["office"]


def source(text: str) -> str:
    """Where an entry was read, in the reader's language: what the files mark as memory or as a default is said in words."""
    parts = (part.strip() for part in text.split(";"))
    return "; ".join(label(_FROM_MEMORY[part]) if part in _FROM_MEMORY else part for part in parts)


@web.get("/admin/agencies")
def admin_agencies() -> Any:
    """The catalogue; administrators tick and edit, directors and auditors read."""
    reader()
    return _catalogue("", {})


def _catalogue(note: str, errors: dict[str, list[str]], chosen: tuple[str, ...] = ()) -> str:
    profile = _office().profile
    with _office().db.read() as connection:
        rows, ticked = bodies.catalogue(connection), localities.confirmed(connection)
    listed = {agency.code: agency for agency in profile.agencies.values()}
    order = {code: index for index, code in enumerate(listed)}
    kinds = {kind: index for index, kind in enumerate(_ORDER)}
    rows.sort(key=lambda row: (not row["active"], kinds.get(row["kind"], len(kinds)), order.get(row["code"], len(order)), row["code"]))
    others = [entry for entry in profile.unconfirmed if entry.section not in ("agencies", "communes")]
    left = [entry for entry in profile.unconfirmed if entry.subject not in ticked]
    return render_template(
        "admin/agencies.html", rows=rows, communes=profile.communes, others=others, ticked=ticked, left=len(left), profile=profile,
        entries={(entry.section, entry.key): entry for entry in profile.entries}, kinds=bodies.KINDS, silence=bodies.SILENCE_SHORT, marks=places.MARKS,
        sections=localities.SECTIONS, names={row["code"]: row["name"] for row in rows}, may=login.needed().has(R.ADMIN), note=note, errors=errors,
        chosen=chosen, source=source,
    )  # fmt: skip


@web.post("/admin/agencies/confirm")
def admin_agencies_confirm() -> Any:
    """Tick statements of the profile as compared with their source."""
    actor = reader()
    if not actor.has(R.ADMIN):
        raise RoleRefused((role_refusal((R.ADMIN,)),))
    subjects, note = tuple(request.form.getlist("subject")[:1000]), request.form.get("note", "").strip()[:500]
    faults = {}
    if not subjects:
        faults["subject"] = [t("Hãy chọn ít nhất một mục.", "Choose at least one entry.")]
    if not note:
        faults["note"] = [t("Hãy nêu văn bản hoặc nguồn đã đối chiếu.", "Name the document or source it was compared with.")]
    if faults:
        return make_response(_catalogue(note, faults, subjects), 422)
    done = _office().db.transact(lambda connection: localities.confirm(connection, _office().profile, actor, subjects, note))
    flash(t("Đã xác nhận {n} mục.", "{n} entries confirmed.", n=done))
    return redirect("/admin/agencies", 303)


@web.get("/admin/agencies/<code>")
def admin_agency(code: str) -> Any:
    """One body with its forms."""
    reader()
    return _one(code, {}, {})


def _one(code: str, typed: dict[str, str], errors: dict[str, list[str]]) -> str:
    with _office().db.read() as connection:
        rows = {row["code"]: row for row in bodies.catalogue(connection)}
    if code not in rows:
        raise NotFound()
    row, names = rows[code], {key: row["name"] for key, row in rows.items()}
    agency = _office().profile.agencies.get(code)
    actor = login.needed()
    return render_template(
        "admin/agency.html", row=row, agency=agency, names=names, kinds=bodies.KINDS, silence=bodies.SILENCE, errors=errors,
        typed={"phone": row["phone"], "email": row["email"], "means": "", "reason": "", **typed}, may=actor.has(R.ADMIN),
        second=actor.has(R.ADMIN, R.DIRECTOR) and row["proposal"] is not None and row["proposal"]["by_id"] != actor.id,
        settles=actor.has(R.ADMIN, R.DIRECTOR), source=source,
    )  # fmt: skip


@web.post("/admin/agencies/<code>/<what>")
def admin_agency_change(code: str, what: str) -> Any:
    """Enter the contact, or propose, confirm or withdraw a meaning of silence."""
    if what not in _DOING:
        raise NotFound()
    actor = reader()
    typed = {name: request.form.get(name, "")[:1000] for name in ("phone", "email", "means", "reason")}
    try:
        _office().db.transact(lambda connection: _DOING[what](connection, actor, code, typed))
    except Invalid as error:
        kept = {name: value for name, value in typed.items() if name in request.form}
        return make_response(_one(code, kept, sentences(error.fields)), 422)
    except Conflict:
        flash(t("Đề nghị này đã được xử lý hoặc đã thay đổi; hãy xem lại.", "This proposal has been settled or has changed; look at it again."), "error")
        return redirect(f"/admin/agencies/{code}", 303)
    _office().forget()
    flash(label(_TOLD[what]))
    return redirect(f"/admin/agencies/{code}", 303)


_DOING = {
    "contact": lambda connection, actor, code, typed: bodies.set_contact(connection, actor, code, typed),
    "silence": lambda connection, actor, code, typed: bodies.propose_silence(connection, actor, code, typed["means"], typed["reason"]),
    "confirm": lambda connection, actor, code, typed: bodies.settle_silence(connection, actor, code, confirm=True),
    "withdraw": lambda connection, actor, code, typed: bodies.settle_silence(connection, actor, code, confirm=False),
}
_TOLD = {
    "contact": Text("Đã ghi đầu mối liên lạc.", "The contact is entered."),
    "silence": Text("Đã ghi đề nghị; chờ người thứ hai xác nhận.", "The proposal is entered; it waits for a second person."),
    "confirm": Text("Đã xác nhận; áp dụng cho các lần lấy ý kiến từ nay.", "Confirmed; it holds for consultations from now on."),
    "withdraw": Text("Đã bỏ đề nghị.", "The proposal is withdrawn."),
}
