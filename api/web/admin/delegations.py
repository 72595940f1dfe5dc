"""Delegations on pages: everybody's for the administrator and the director, one's own beside the account."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import current_app, flash, make_response, redirect, render_template, request

from api import login
from api.language import t
from api.security import request_id
from api.web import forms, web
from api.web.admin import SUBJECTS, Subject, reader
from api.web.apply import sentences
from api.web.public import account_page, safe_next
from states import FLOWS
from states import roles as R
from states.language import AnyField, Choice, Field, Text
from states.machine import role_refusal
from workflow import delegations, users
from workflow.authority import FORMS, LENDERS, Actor
from workflow.errors import Invalid, NotFound, RoleRefused, WorkflowError

SUBJECTS.append(
    Subject(
        "/admin/delegations",
        Text("Ủy quyền", "Delegations"),
        Text("Ai làm thay ai, việc gì, theo văn bản nào; người thứ hai xác nhận.", "Who acts for whom, in what, on which paper; a second person confirms."),
        order=40,
    )
)


def office() -> Any:
    """The office of this process."""
    return current_app.extensions["office"]


def declared(lenders: list[Actor] | None = None) -> tuple[Field, ...]:
    """The fields of the form: with the principal for an administrator, without for a person's own; actions that can be lent only."""
    own = login.needed()
    names = set(delegations.lendable(own)) if lenders is None else {name for person in lenders for name in delegations.lendable(person)}
    fields = [item for item in delegations.DECLARED if lenders is not None or item.name != "principal"]
    return tuple(replace(item, choices=_words(names)) if item.name == "actions" else item for item in fields)


def _words(names: set[str]) -> tuple[Choice, ...]:
    """Actions with words that tell them apart: what only some kinds of case have, with the kind."""
    found = []
    for choice in next(item for item in delegations.DECLARED if item.name == "actions").choices:
        if choice.code in names:
            kinds = [flow.title for kind, flow in FLOWS.items() if choice.code in flow.actions]
            words = choice.label
            if not all(choice.code in FLOWS[kind].actions for kind in ("visit", "interview")):
                vi, en = ", ".join(kind.vi.lower() for kind in kinds), ", ".join(kind.en.lower() for kind in kinds)
                words = Text(f"{words.vi} ({vi})", f"{words.en} ({en})")
            found.append(Choice(choice.code, words))
    return tuple(found)


def people() -> dict[str, list[dict[str, Any]]]:
    """Who may lend and who may act for another, once each, for the choices of the form."""
    with office().db.read() as connection:
        lenders, others = users.people(connection, sorted(LENDERS)), users.people(connection, delegations.DELEGATES)
    return {"lenders": _once(lenders), "delegates": _once(others)}


def _once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({row["username"]: row for row in rows}.values())


@web.app_template_global()
def action_label_of(name: str, kinds: list[str]) -> Text:
    """What an action of a delegation is called."""
    return delegations.action_words(name, tuple(kinds))


@web.app_template_global()
def kind_title(kind: str) -> Text:
    """What a kind is called."""
    return FLOWS[kind].title


@web.app_template_global()
def form_words(code: str) -> Text:
    """The words of a form of signature."""
    return FORMS[code]


def of_account(values: dict[str, Any] | None = None, errors: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """What the account page shows of delegations: given, held, done in my name, and the form where there is anything to lend."""
    me = login.needed()
    mine = delegations.listed(office(), me)
    lends = me.has(*LENDERS)
    return {
        "given": [d for d in mine if d["principal"]["username"] == me.username],
        "taken": [d for d in mine if d["delegate"]["username"] == me.username],
        "done": delegations.acts_in_name_of(office(), me), "lends": lends, "fields": declared() if lends else (),
        "people": people() if lends else {}, "values": values or {}, "errors": errors or {},
    }  # fmt: skip


def _entered(fields: tuple[AnyField, ...]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Enter what was typed; answers it with the sentences of what is wrong, both empty when it is done."""
    values = forms.typed(fields, request.form)
    try:
        delegations.enter(office(), login.needed(), forms.to_json(fields, values), request_id=request_id())
    except Invalid as invalid:
        return values, sentences(invalid.fields)
    flash(t("Đã nhập ủy quyền; có hiệu lực sau khi người thứ hai xác nhận.", "The delegation is entered; it is in force once a second person confirms it."))
    return {}, {}


@web.route("/admin/delegations", methods=["GET", "POST"])
def admin_delegations() -> Any:
    """All delegations; the administrator enters, the director or another administrator confirms, the auditor reads."""
    actor = reader()
    enters = actor.has(R.ADMIN)
    who = people()
    fields = declared(_actors(who["lenders"])) if enters else ()
    values: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        if not enters:  # a leader's own delegation is entered beside the account
            raise RoleRefused((role_refusal((R.ADMIN,)),))
        values, errors = _entered(fields)
        if not errors:
            return redirect("/admin/delegations#main", 303)
    body = render_template(
        "admin/delegations.html", items=delegations.listed(office(), actor), fields=fields, people=who, values=values, errors=errors,
        longest=_longest(),
    )  # fmt: skip
    return make_response(body, 422 if errors else 200)


def _longest() -> int:
    with office().db.read() as connection:
        office().refresh(connection)
    return delegations.longest(office())


def _actors(rows: list[dict[str, Any]]) -> list[Actor]:
    return [actor for row in rows if (actor := users.actor_by_username(office(), row["username"])) is not None]


@web.post("/account/delegations")
def enter_own_delegation() -> Any:
    """Enter a delegation of my own authority."""
    values, errors = _entered(declared())
    if errors:
        return make_response(account_page(of_account(values, errors)), 422)
    return redirect("/account#delegations", 303)


DOING = {"confirm": delegations.confirm, "end": delegations.end}


@web.post("/delegations/<id_>/<what>")
def change_delegation(id_: str, what: str) -> Any:
    """Confirm or end a delegation, then back to where the button stood."""
    if what not in DOING:
        raise NotFound()
    back = safe_next(request.form.get("next"), "/account#delegations")
    try:
        DOING[what](office(), login.needed(), id_, request_id=request_id())
        flash(t("Ủy quyền đã có hiệu lực.", "The delegation is in force.") if what == "confirm" else t("Ủy quyền đã chấm dứt.", "The delegation has ended."))
    except NotFound:
        raise
    except WorkflowError as refused:
        for text in _told(refused):
            flash(t(text.vi, text.en), "error")
    return redirect(back, 303)


def _told(refused: WorkflowError) -> list[Text]:
    """The sentences of a refusal: its reasons or fields where it has them."""
    if isinstance(refused, Invalid):
        return [text for texts in refused.fields.values() for text in texts]
    return [reason.message for reason in getattr(refused, "reasons", ())] or [refused.message]
