"""The rule table as pages: every value with its basis and validity, and the way to change one by two persons.

A change is pressed twice by whoever drafts it: the first press shows what it would do to every open case, the second
enters it. The second person is shown the effect as it is then, and confirms that one and no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app, flash, make_response, redirect, render_template, request

from api.language import label, t
from api.security import request_id
from api.web import web
from api.web.admin import SUBJECTS, Subject, reader
from states import roles as R
from states.language import Choice, Field, Text
from workflow import rule_changes, rules
from workflow.deadlines import UNITS
from workflow.errors import Conflict, Invalid, NeedsUnmet, NotFound
from workflow.rule_changes import ACTIONS, CONFIRMERS, ReplayChanged
from workflow.rule_replay import WHAT, mark_of
from workflow.rule_values import GROUPS, WORDS, newest, units_of, value_words

SUBJECTS.append(
    Subject(
        "/admin/rules",
        Text("Thời hạn, cấp quyết định, phân công", "Terms, levels and duties"),
        Text(
            "Mọi con số của luật và của cơ quan với căn cứ và hiệu lực; thay đổi cần hai người và được chạy thử trên hồ sơ đang mở.",
            "Every number of the law and of the office with basis and validity; a change takes two persons and is tried on the open cases.",
        ),
        order=20,
    )
)

_SHOWN = 100
_NAMES = ("value", "unit", "basis", "valid_from", "locality", "reason")


def _office() -> Any:
    return current_app.extensions["office"]


@web.get("/admin/rules")
def admin_rules() -> Any:
    """All rules by group, what waits for the second person, and what is doubtful about a basis."""
    found = rule_changes.overview(_office(), reader())
    return render_template("admin/rules.html", titles=GROUPS, **found)


# --- drafting ----------------------------------------------------------------------------------------------------------


@web.route("/admin/rules/change/<code>", methods=["GET", "POST"])
def admin_rule_change(code: str) -> Any:
    """A form, then what the change would do to the open cases, then the draft that waits for the second person."""
    actor, office = reader(R.ADMIN), _office()
    if code not in rules.declared():
        raise NotFound()
    if request.method == "GET":
        return _form(code, _first(code), {})
    typed = {name: request.form.get(name, "")[:2000] for name in _NAMES}
    try:
        made = rule_changes.preview(office, actor, {**typed, "code": code})
        mark, seen = mark_of(made.replay), request.form.get("seen", "")
        if request.form.get("go") != "1" or seen != mark:
            return render_template("admin/rule_effect.html", made=made, typed=typed, mark=mark, again=bool(seen), **_words(made.rule, made.former))
        id_ = rule_changes.draft(office, actor, code, **typed, made=made, request_id=request_id())
    except Invalid as error:
        return make_response(_form(code, typed, _sentences(error)), 422)
    flash(t("Đã ghi thay đổi; chờ người thứ hai xác nhận.", "The change is entered and waits for the second person."), "ok")
    return redirect(f"/admin/rules/version/{id_}#main", 303)


def _words(rule: Any, former: Any) -> dict[str, Any]:
    return {
        "new": value_words(rule.code, rule.value, rule.unit), "old": value_words(former.code, former.value, former.unit) if former else None,
        "what": WHAT, "shown": _SHOWN,
    }  # fmt: skip


def _first(code: str) -> dict[str, str]:
    """What the form holds when it is opened: the newest version."""
    with _office().db.read() as connection:
        _office().refresh(connection, force=True)
    held = newest(_office().rulebook.rows, code)
    return {"value": held.value, "unit": held.unit, "basis": held.basis} if held else {}


def _form(code: str, values: Mapping[str, Any], errors: Mapping[str, list[str]]) -> str:
    held = newest(_office().rulebook.rows, code)
    now = {"words": value_words(code, held.value, held.unit), "basis": held.basis, "since": held.valid_from} if held else None
    return render_template(
        "admin/rule_form.html",
        code=code,
        title=rules.label_of(code),
        fields=_fields(code),
        values=values,
        errors=errors,
        held=now,
        place=_office().profile.code,
    )


def _fields(code: str) -> tuple[Field, ...]:
    """The fields of a code: a choice where its words are a closed list."""
    label_of_value = Text("Giá trị mới", "New value")
    if code in WORDS:
        value = Field("value", "choice", label_of_value, required=True, choices=tuple(Choice(word, text) for word, text in WORDS[code].items()))
    else:
        hints = {
            "levels": Text("Hai số phần trăm, ví dụ 50,80.", "Two percentages, such as 50,80."),
            "T36": Text("Tháng-ngày, ví dụ 12-20.", "Month-day, such as 12-20."),
        }
        value = Field("value", "text", label_of_value, required=True, max_length=40, help=hints.get(code))
    units = units_of(code)
    unit = (Field("unit", "choice", Text("Đơn vị", "Unit"), required=True, choices=tuple(Choice(u, UNITS[u]) for u in units)),) if units != ("text",) else ()
    return (
        value, *unit,
        Field("basis", "text", Text("Căn cứ", "Basis"), required=True, max_length=60),
        Field("valid_from", "date", Text("Áp dụng cho hồ sơ nhận từ ngày", "For cases received from"), required=True),
        Field("reason", "longtext", Text("Lý do", "Reason"), required=True, max_length=1000),
    )  # fmt: skip


def _sentences(error: Invalid) -> dict[str, list[str]]:
    """Sentences by field; what belongs to no field of the form stands above it."""
    told: dict[str, list[str]] = {}
    for name, texts in error.fields.items():
        told.setdefault(name if name in _NAMES else "_", []).extend(label(text) for text in texts)
    return {name: told[name] for name in ("_", *_NAMES) if name in told}


# --- one version, and the second person ----------------------------------------------------------------------------------


@web.get("/admin/rules/version/<id_>")
def admin_rule(id_: str) -> Any:
    """One version: what it says, what it would do now if it waits, and who did what with it."""
    return _version(id_)


def _version(id_: str, status: int = 200, **rest: Any) -> Any:
    found = rule_changes.one(_office(), reader(), id_)
    told = {"errors": {}, "problem": None, "typed": "", **rest}
    return make_response(render_template("admin/rule.html", v=found, what=WHAT, acts=ACTIONS, shown=_SHOWN, **told), status)


@web.post("/admin/rules/version/<id_>/<what>")
def admin_rule_act(id_: str, what: str) -> Any:
    """Confirm, refuse, withdraw or tick a version. What cannot be done is told on its page, with the effect as it is now."""
    actor, office, reason = reader(*CONFIRMERS), _office(), request.form.get("reason", "")[:2000]
    try:
        if what == "confirm":
            told = _confirmed(rule_changes.confirm(office, actor, id_, seen=request.form.get("seen", "")[:64], request_id=request_id()))
        elif what == "refuse":
            rule_changes.refuse(office, actor, id_, reason, request_id=request_id())
            told = t("Đã từ chối thay đổi.", "The change is refused.")
        elif what == "withdraw":
            rule_changes.withdraw(office, actor, id_, reason, request_id=request_id())
            told = t("Đã rút thay đổi.", "The change is withdrawn.")
        elif what == "tick":
            done = rule_changes.tick(office, actor, id_, reason, request_id=request_id())
            told = (
                t("Giá trị đã được xác nhận.", "The value is confirmed.")
                if done
                else t("Đã đánh dấu; cần người thứ hai.", "Ticked; a second person is needed.")
            )
        else:
            raise NotFound()
    except ReplayChanged as changed:
        return _version(id_, 409, problem=changed.message, typed=reason)
    except Invalid as error:
        return _version(id_, 422, errors=_sentences(error), typed=reason)
    except (Conflict, NeedsUnmet) as error:
        reasons = [r.message for r in getattr(error, "reasons", ())]
        return _version(id_, 409, problem=reasons[0] if reasons else error.message, typed=reason)
    flash(told, "ok")
    return redirect(f"/admin/rules/version/{id_}#main", 303)


def _confirmed(moved: list[str]) -> str:
    cases = ", ".join(moved[:10]) + (" …" if len(moved) > 10 else "")
    return t(
        "Đã xác nhận. {n} hồ sơ đang mở đổi hạn{cases}.",
        "Confirmed. {n} open case(s) have a new due date{cases}.",
        n=len(moved),
        cases=f": {cases}" if cases else "",
    )
