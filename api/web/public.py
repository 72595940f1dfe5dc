"""Home, signing in, language, help, and the page of an error."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import current_app, g, make_response, redirect, render_template, request
from markupsafe import Markup

from api import language, login
from api.errors import catalogue
from api.rest.accounts import attempt
from api.web import pending, web
from api.web.apply import told_categories
from states import FLOWS, chart
from states.language import Text
from workflow import categories as known_categories
from workflow import notices, queries, users
from workflow.authority import Actor
from workflow.errors import NotFound


def error_page(status: int, code: str, text: Text, extra: dict[str, Any]) -> Any:
    """What happened, that nothing was saved, what to do, and a code to quote."""
    if status == 401:
        held = pending.kept()
        if held:  # what was typed is offered again after signing in
            return make_response(render_template("sign_in.html", error=None, username="", next="", pending=held), 401)
        return redirect(f"/sign-in?next={request.path}", 303)
    body = render_template("error.html", status=status, code=code, text=text, extra=extra, request_id=g.get("request_id", ""))
    return make_response(body, status)


def safe_next(value: str | None, fallback: str) -> str:
    """Only a path of this service may follow a sign-in."""
    value = value or ""
    parts = urlsplit(value)
    plain = value.startswith("/") and not value.startswith("//") and "\\" not in value and value.isprintable()
    return value if plain and not parts.scheme and not parts.netloc else fallback


@web.app_context_processor
def _common() -> dict[str, Any]:
    """What every page shows: who is there, what waits, where they are."""
    actor = login.actor()
    office = current_app.extensions["office"]
    counts = None
    if actor and request.endpoint and request.endpoint.startswith("web."):
        counts = queries.inbox_counts(office, actor)
    return {
        "me": actor, "office_name": office.profile.text("name"), "desk": office.profile.raw["desk"], "counts": counts,
        "demo": not current_app.config["FPD"].production, "path": request.path, "here": request.endpoint,
        "office_place": office.profile.text("place"), "committee_name": office.profile.text("committee"),
    }  # fmt: skip


@web.get("/")
def home() -> Any:
    """The public front page: send a request, track one, who decides what, whom to ask; time limits, fees, personal data."""
    told = told_categories()
    office = current_app.extensions["office"]
    groups = [(heading, [told[code] for code in codes]) for heading, codes in known_categories.GROUPS]
    terms = {code: {"value": int(office.rules.number(code)), "unit": office.rules[code].unit, "basis": office.rules[code].basis} for code in _TOLD_TERMS}
    return render_template("home.html", groups=groups, fee=office.profile.text("fee"), reply=terms["T01"], data=terms)


# The terms that the front page tells: of a reply, and of requests about personal data.
_TOLD_TERMS = ("T01", "T34", "T34.access", "T34.restrict", "T34.erase")


def start_page(actor: Actor) -> str:
    """The page of use to a person who has just signed in: their work, the cases they may read, the administration, or their account."""
    if actor.has("applicant", "auditor"):
        return "/cases"
    working = any(m.role != "admin" for m in actor.memberships)
    return "/inbox" if working else "/admin" if actor.has("admin") else "/account"


@web.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Any:
    """Sign in with a form."""
    following = safe_next(request.values.get("next"), "")
    error, username = None, ""
    if request.method == "POST":
        username = request.form.get("username", "").strip()[:200]
        actor, throttled = attempt(username, request.form.get("password", "")[:1000])
        if actor:
            token = users.open_session(current_app.extensions["office"], actor, request.remote_addr or "", request.user_agent.string)
            held = pending.opened(request.form.get("pending", ""), actor)
            if held:
                response = make_response(render_template("pending.html", held=held, new_csrf=login.csrf_of(token)))
            else:
                response = redirect(following or start_page(actor), 303)
            login.set_cookie(response, token)
            return response
        error = "slow" if throttled else "wrong"
    status = 429 if error == "slow" else 401 if error else 200
    return make_response(render_template("sign_in.html", error=error, username=username, next=following, pending=request.form.get("pending", "")), status)


@web.post("/sign-out")
def sign_out() -> Any:
    """Sign out."""
    users.end_session(current_app.extensions["office"], login.secret())
    response = redirect("/", 303)
    login.clear_cookie(response)
    return response


@web.post("/language/<code>")
def language_(code: str) -> Any:
    """Choose the language; kept with the account, or in a cookie for visitors."""
    if code not in ("vi", "en"):
        raise NotFound()
    response = redirect(safe_next(request.form.get("next"), "/"), 303)
    actor = login.actor()
    if actor:
        users.set_language(current_app.extensions["office"], actor, code)
    language.keep(response, code)
    return response


@web.get("/account")
def account() -> Any:
    """My roles, sessions, delegations and notices."""
    return account_page()


def account_page(delegating: dict[str, Any] | None = None) -> str:
    """The account page; `delegating` holds what was typed into the form of a delegation, with its faults."""
    from api.web.admin.delegations import of_account

    actor = login.needed()
    office = current_app.extensions["office"]
    names = {item.id: item for item in queries.organisations(office)}
    from states.roles import ROLES

    return render_template(
        "account.html", sessions=users.sessions_of(office, actor), notices=notices.of_person(office, actor), names=names, roles=ROLES,
        current_hash=login.reference(), choice=notices.choice(office, actor), modes=notices.MODES, delegating=delegating or of_account(),
    )  # fmt: skip


@web.post("/account/sessions/<id_hash>")
def end_session(id_hash: str) -> Any:
    """End one of my sessions."""
    users.end_own_session(current_app.extensions["office"], login.needed(), id_hash)
    return redirect("/account", 303)


@web.post("/account/notices")
def read_notices() -> Any:
    """Mark my notices as read."""
    queries.mark_notices_read(current_app.extensions["office"], login.needed())
    return redirect("/account", 303)


@web.post("/account/mail")
def choose_mail() -> Any:
    """How I want to be told by mail."""
    notices.choose(current_app.extensions["office"], login.needed(), request.form.get("mode", ""))
    return redirect("/account#notices", 303)


@web.get("/help")
def help_() -> Any:
    """The kinds, and the words of the office."""
    return render_template("help.html", flows=FLOWS, codes=catalogue())


@web.get("/help/flows/<kind>")
def help_flow(kind: str) -> Any:
    """A kind: drawing, the same in words, rules table."""
    flow = FLOWS.get(kind)
    if flow is None:
        raise NotFound()
    chosen = language.current()
    state, path, case = None, (), None
    ref = request.args.get("case")
    if ref and login.actor():
        from api.rest.flows import travelled

        state, path = travelled(current_app.extensions["office"], login.needed(), ref, kind)
        case = ref
    drawing = Markup(chart.svg(flow, chosen, state=state, path=path))  # noqa: S704  our own text, escaped where it is made
    return render_template("help_flow.html", flow=flow, drawing=drawing, words=chart.text(flow, chosen), rules=chart.rules(flow, chosen), case=case)
