"""The desk: inbox, lists, one case, acting on it, its history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import current_app, flash, make_response, redirect, render_template, request

from api import login
from api.language import label, t
from api.security import request_id
from api.web import asking, forms, web
from api.web.apply import catalogues, sentences
from states import FLOWS
from states import roles as R
from states.kinds.interview import QUESTIONS
from states.kinds.letter import LETTERS
from states.kinds.visit import LOG_ROWS
from states.language import AnyField, Field, Group, Rows, Text
from states.needs import row_of
from states.pointers import row_words as row_words_of
from states.shared import REPORT, ROW_DECISIONS
from workflow import (
    choices,
    clock,
    differences,
    edit_case,
    history,
    letters,
    list_cases,
    open_case,
    papers,
    perform,
    preview,
    queries,
    read_case,
    recuse,
    returns,
    routing,
)
from workflow.audit.verify import verify
from workflow.desk import internals, stuck_on
from workflow.errors import Invalid, NeedsUnmet, NotFound, WorkflowError
from workflow.matches import matches_of
from workflow.queries import PHASE_LABELS

PHASES = ("requested", "review", "approved", "accompanied", "reported")


def office() -> Any:
    """The office of this process."""
    return current_app.extensions["office"]


def _page(inbox: bool) -> dict[str, Any]:
    given = {k: v for k, v in request.args.to_dict().items() if k in queries.FILTERS}
    filters = queries.parse_filters(given)
    if inbox:
        filters["inbox"] = True
        if request.args.get("tab") != "unit":
            filters["mine"] = True
    page = list_cases(office(), login.needed(), filters)
    following = None
    if page["next_cursor"]:
        from urllib.parse import urlencode

        extra = {"tab": request.args["tab"]} if request.args.get("tab") == "unit" else {}
        following = "?" + urlencode({**{k: v for k, v in given.items() if k != "cursor"}, **extra, "cursor": page["next_cursor"]})
    return {"items": page["items"], "following": following, "given": given}


@web.get("/cases")
def cases() -> Any:
    """Every case I may see, filtered; to an applicant first what waits for them."""
    actor, page = login.needed(), _page(False)
    waiting = list_cases(office(), actor, {"inbox": True, "mine": True})["items"] if actor.has(R.APPLICANT) and not page["given"] else []
    return render_template("cases.html", **page, waiting=waiting, flows=FLOWS, phases=PHASE_LABELS)


@web.get("/inbox")
def inbox() -> Any:
    """What waits for me, the most urgent first."""
    found = _page(True)
    today = clock.today()
    groups: dict[str, list[Any]] = {"answered": [], "overdue": [], "today": [], "later": []}
    for item in found["items"]:
        if item["applicant_answered"]:
            groups["answered"].append(item)
            continue
        due = item["due_at"] and clock.moment(item["due_at"])
        name = "later" if not due else "overdue" if due < clock.now() else "today" if clock.local(due).date() == today else "later"
        groups[name].append(item)
    return render_template("inbox.html", groups=groups, tab=request.args.get("tab", "mine"), **found)


@web.app_template_global()
def title_words(case: dict[str, Any]) -> str:
    """The title of a case in a list. A letter is named after its type, in the reader's language; a request as its author named it."""
    if case["kind"] != "letter":
        return case["title"] or ""
    return next((label(item.label) for item in LETTERS.values() if item.label.vi == case["title"]), case["title"] or "")


def _stepper(case: dict[str, Any], entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The five phases: done with its date, the current one, the future ones."""
    flow = FLOWS[case["kind"]]
    reached: dict[str, str] = {}
    for entry in entries:
        state = flow.states.get(entry["to"] or "")
        if state and state.phase and state.phase not in reached:
            reached[state.phase] = entry["at"]
    if case["kind"] == "interview":
        words = {**{k: v.as_dict() for k, v in PHASE_LABELS.items()}, "accompanied": {"vi": "Phỏng vấn", "en": "Interview"}}
    else:
        words = {k: v.as_dict() for k, v in PHASE_LABELS.items()}
    now = PHASES.index(case["phase"]) if case["phase"] in PHASES else -1
    found = []
    for index, name in enumerate(PHASES):
        if case["ended"] and case["state"] == "closed":
            look = "done"
        else:
            look = "done" if index < now else "now" if index == now else "todo"
        found.append({"name": name, "label": words[name], "look": look, "at": reached.get(name) if index <= now else None})
    return found


def _next_sentence(case: dict[str, Any]) -> dict[str, str] | None:
    """What happens next and who it waits for, in words."""
    flow = FLOWS[case["kind"]]
    state = flow.states[case["state"]]
    if state.end or state.resting:
        return None
    if not login.needed().staff and case["kind"] in ("visit", "interview"):
        if R.APPLICANT in state.waits_for:
            return {"vi": "Đang chờ quý cơ quan.", "en": "This waits for you."}
        return {"vi": "Sở Ngoại vụ đang xử lý.", "en": "The Department is working on it."}
    roles = [item["role"] for item in case["waits_for"]] or state.waits_for
    who = {"vi": ", ".join(R.ROLES[r].vi for r in roles), "en": ", ".join(R.ROLES[r].en for r in roles)}
    note = state.waits_note.as_dict() if state.waits_note else {"vi": "", "en": ""}
    return {"vi": f"Chờ {who['vi']} {note['vi']}".strip() + ".", "en": f"Waits for: {who['en']} {note['en']}".strip() + "."}


@web.get("/cases/<ref>")
def case(ref: str) -> Any:
    """One case: head, stepper, what may be done and why not, dossier, opinions, letters, timeline."""
    actor = login.needed()
    found = read_case(office(), actor, ref)
    entries = history(office(), actor, found["id"])
    acts = choices(office(), actor, found["id"])
    flow = FLOWS[found["kind"]]
    main, more = queries.main_first(acts)
    shut = [a for a in acts if not queries.is_open(a)]
    closed = [a for a in shut if (a["mine"] or a["through"]) and not a["quiet"]]
    others = [a for a in shut if not a["mine"] and not a["through"]]
    shared = {"case": found, "flow": flow, "entries": entries, "main": main, "others": more, "closed": closed, "not_mine": others}
    inside = internals(office(), actor, found["id"])
    shared |= {"deadlines": inside["deadlines"], "names": office().organisations}
    if found["kind"] == "letter":
        parent = read_case(office(), actor, found["parent"]["id"]) if found["parent"] else None
        issued = next((e for e in reversed(entries) if e["action"] == "issue"), None)
        return render_template("letter.html", **shared, parent=parent, meta=LETTERS[found["fields"]["letter"]], issued=issued, act=inside["signature"])
    asked, attached = _asked(found), _papers(found["id"])
    scans_sent = [paper for paper in attached if asked and paper["sensitive"]]  # of the request; a question's own papers are scans of answers
    return render_template(
        "case.html", **shared, stepper=_stepper(found, entries), next=_next_sentence(found), letters=letters(office(), actor, found["id"]),
        attached=_with_history([paper for paper in attached if paper not in scans_sent]), scans_sent=_with_history(scans_sent), opinions=inside["opinions"], scans=[p for p in _papers_of(found) if p.office], proposal=inside["proposal"],
        routing=inside["routing"], places=inside["places"], matches=matches_of(office(), actor, found["id"]) if actor.staff else [], topics=_topics(found), stuck=stuck_on(office(), actor, found["id"]), decision=inside["decision"], account=inside["account"], report_fields=REPORT.fields,
        tracking=inside["tracking"], differences=_differences(found), asked=asked,
        sent=_sent_along((asked or {}).get("bundle") or {}),
        letter_types=FLOWS["letter"].fields[0].choices,  # type: ignore[union-attr]
    )  # fmt: skip


def _differences(found: dict[str, Any]) -> dict[str, Any] | None:
    """What was changed when the file came back, for those who handle it; a round that does not exist is the last one."""
    actor = login.needed()
    if not actor.staff or found["kind"] not in ("visit", "interview") or found["round"] == 1:
        return None
    try:
        return differences.of_case(office(), actor, found["id"], request.args.get("round", ""))
    except Invalid:
        return differences.of_case(office(), actor, found["id"])


def _topics(found: dict[str, Any]) -> dict[str, Any] | None:
    """The topics that whoever appraises may note, with those noted."""
    if not {"officer", "head", "intake"} & set(found["mine"]) or not found["is_open"] or found["phase"] not in ("requested", "review"):
        return None
    declared = FLOWS[found["kind"]].internal
    return {"choices": declared[0].choices, "noted": found["internal"][declared[0].name]} if declared else None


@web.post("/cases/<ref>/recusal")
def step_back(ref: str) -> Any:
    """Declare a conflict of interest on a case; what that leaves without anybody stands on the page after it."""
    try:
        done = recuse(office(), login.needed(), ref, request.form.get("reason", "").strip()[:2000], request_id=request_id())
    except Invalid:
        flash(t("Phải nêu lý do để từ chối xử lý. Chưa có gì được ghi.", "A reason is needed to step back. Nothing was recorded."), "error")
        return redirect(f"/cases/{ref}#main", 303)
    flash(t("Đã ghi: Ông/Bà không xử lý hồ sơ này nữa.", "Recorded: you have no further action on this case."))
    return redirect(f"/cases/{done.case_id}#main", 303)


@web.post("/cases/<ref>/topics")
def topics(ref: str) -> Any:
    """Note the topics of a case."""
    version = request.form.get("version", "")
    done = edit_case(
        office(), login.needed(), ref, {"topics": request.form.getlist("topics")}, version=int(version) if version.isdigit() else None, request_id=request_id()
    )
    flash(t("Đã ghi chủ đề.", "The topics are noted."))
    return redirect(f"/cases/{done.case_id}#main", 303)


def _papers(ref: str) -> list[dict[str, Any]]:
    try:
        return papers(office(), login.needed(), ref)
    except NotFound:
        return []


def _with_history(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The papers in use, each with the older versions that it replaced; one that is alone of its name stands by itself."""
    newest: dict[str, dict[str, Any]] = {}
    shown = []
    for row in sorted(rows, key=lambda row: not row["current"]):
        if row["current"] or row["name"] not in newest:
            shown.append({**row, "older": []})
            newest.setdefault(row["name"], shown[-1])
        else:
            newest[row["name"]]["older"].append(row)
    return shown


def _papers_of(found: dict[str, Any]) -> list[Any]:
    kind = found["parent"]["kind"] if found["kind"] == "consultation" and found["parent"] else found["kind"]
    return list(FLOWS[kind].papers) if kind in FLOWS else []


def _sent_along(bundle: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """What a consulted body was sent: the declared fields that are in it, rows with the parts that are, and what has no field of its own.

    The body does not see the case it belongs to, so that the fields are found by their names, which visit and interview share.
    """
    declared = {item.name: item for kind in ("interview", "visit") for item in FLOWS[kind].fields}
    shown: list[Any] = []
    for name, value in bundle.items():
        item = declared.get(name)
        if isinstance(item, Rows) and isinstance(value, list):
            there = {part for row in value for part in row}
            item = replace(item, fields=tuple(part for part in item.fields if part.name in there))
        if item is not None:
            shown.append(item)
    return shown, {name: value for name, value in bundle.items() if name not in declared}


def _asked(found: dict[str, Any]) -> dict[str, Any] | None:
    """For a consultation: the question and what was sent along."""
    return found["fields"] if found["kind"] == "consultation" else None


def _words_of(name: str, *declared: AnyField) -> dict[str, Text]:
    """The labels of the choices of a field of that name, by code."""
    return {choice.code: choice.label for item in declared if isinstance(item, Field) and item.name == name for choice in item.choices}


OUTCOMES = _words_of("outcome", *FLOWS["consultation"].actions["answer"][0].inputs)
RESULTS = _words_of("result", *ROW_DECISIONS.fields, *QUESTIONS.fields)
LOGGED = _words_of("result", *LOG_ROWS.fields)


@web.app_template_global()
def result_label(code: str) -> Any:
    """The words of what is proposed for a row or a question."""
    return RESULTS[code]


@web.app_template_global()
def log_label(code: str) -> Any:
    """The words of what became of a row."""
    return LOGGED[code]


@web.app_template_global()
def row_words(fields: dict[str, Any], pointer: str) -> str:
    """A row of the dossier in a few words, by its id or a pointer to it."""
    wanted = row_of({"row": pointer})
    rows = (row for value in fields.values() if isinstance(value, list) for row in value if isinstance(row, dict))
    return next((_row_label(row) for row in rows if row.get("row") == wanted), pointer)


@web.app_template_global()
def outcome_label(code: str) -> Any:
    """The words of an opinion's outcome."""
    return OUTCOMES.get(code)


# --- acting ------------------------------------------------------------------------------------------------------

# Acts that judge the whole file: their form shows the proposal, the opinions and the dossier beside what is to be filled in.
JUDGING = frozenset({
    "recommend", "endorse", "refer_up", "forward", "approve", "reject", "accept_interview", "decline_interview", "confirm_paper_approval",
    "confirm_paper_refusal", "confirm_paper_acceptance", "confirm_paper_decline",
})  # fmt: skip
# What a program may leave unsaid but a person at the page has to tick.
INSISTED = {"submit": ("undertaking",)}


def _prefilled(found: dict[str, Any], step: Any, inside: dict[str, Any]) -> dict[str, Any]:
    """A form that starts where the case stands: one row for every row that is to be judged."""
    values: dict[str, Any] = {}
    for item in step.inputs:
        if isinstance(item, Group):
            inner = {}
            for part in item.fields:
                if isinstance(part, Rows):
                    inner[part.name] = _rows_for(found, part)
            if item.name == "slot" and found["fields"].get("slots"):
                inner = forms.stored(item.fields, found["fields"]["slots"][0])
            values[item.name] = inner
        elif isinstance(item, Rows):
            values[item.name] = _proposed_rows(_rows_for(found, item, step.action), item, step.action, inside["proposal"])
        elif item.name in ("respond_by", "due_at"):
            values[item.name] = f"{clock.local(_proposed_date(found, item.name)):%Y-%m-%dT%H:%M}"
        elif item.name == "form" and found["fields"].get("form"):
            values[item.name] = found["fields"]["form"]
        elif item.name == "place" and found["fields"].get("place"):
            values[item.name] = found["fields"]["place"]
        elif item.name == "speaker" and found["fields"].get("leader"):
            leader = found["fields"]["leader"]
            values[item.name] = f"{leader.get('name', '')}, {leader.get('position', '')}"
        elif item.name == "agencies":
            values[item.name] = [body["code"] for body in proposed_bodies(inside)]
        elif item.name == "bundle":
            values[item.name] = list(dict.fromkeys(pointer for opinion in _to_ask_again(inside) for pointer in opinion["bundle"]))
        elif item.name == "question" and step.action == "consult":
            asked = [row["question"] for row in inside["routing"] if row["act"] == "consult" and row["waits"] and row["question"]]
            before = [opinion["question"] for opinion in _to_ask_again(inside) if opinion["question"]]
            values[item.name] = "\n".join(dict.fromkeys([*(text["vi"] for text in asked), *before]))  # a letter between offices is in Vietnamese
        elif item.type == "date" and item.name in ("on", "doc_date"):
            values[item.name] = clock.today().isoformat()
    if step.action in ("refuse_intake", "refer_out"):
        values |= _pointed_elsewhere(found)
    if step.action == "consult":
        values["dropped"] = [{"agency": body["code"], "rule": _rule_of(body)} for body in proposed_bodies(inside)]
    return values


def _proposed_date(found: dict[str, Any], name: str) -> Any:
    """By when an answer is asked for at first: in the usual time, to an applicant not later than the rules allow."""
    due = office().deadlines.count(clock.now(), "T23").due
    latest = (
        office().deadlines.latest_respond_by({"statutory_due": found["due"]["statutory"], "work_due": found["due"]["work"]}) if name == "respond_by" else None
    )
    return min(due, latest) if latest and latest > clock.now() else due


def _pointed_elsewhere(found: dict[str, Any]) -> dict[str, Any]:
    """Where a request that is not the province's has to go, by its category or the leader asked; the answer is written in Vietnamese."""
    referral = routing.referral(office().profile, found["kind"], found["fields"])
    return {"ground": referral.ground, "reason": referral.why.vi, "where_to_go": referral.where.vi} if referral else {}


# --- consulting: bodies that the rules propose, each ticked, or left out with a reason -----------------------------


def proposed_bodies(inside: dict[str, Any]) -> list[dict[str, Any]]:
    """The bodies still to be asked: code, name, every rule that names it, and for one to be asked again what has changed."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in inside["routing"]:
        if row["act"] == "consult" and row["waits"]:
            for code in row["agencies"]:
                found.setdefault(code, []).append(row)
    again = {item["agency_code"]: item["changed"] for item in _to_ask_again(inside)}
    names = office().organisations
    return [
        {"code": code, "name": names[code].name, "rules": found.get(code, []), "again": again.get(code, [])}
        for code in dict.fromkeys([*found, *again])
        if code in names
    ]


def _to_ask_again(inside: dict[str, Any]) -> list[dict[str, Any]]:
    """The opinions that rest on something that has changed."""
    return [item for item in inside["opinions"] if item["changed"] and item["left"] is None]


def _rule_of(body: dict[str, Any]) -> str:
    """The first rule that names a body; none where the officer chose it."""
    return body["rules"][0]["rule"] if body["rules"] else ""


def _consult_choices(inside: dict[str, Any], agencies: list[Any]) -> dict[str, Any]:
    """What the form of `consult` offers: bodies by rule, others of the catalogue to add, and those that are being asked already."""
    bodies, names = proposed_bodies(inside), office().organisations
    asked = {body["code"] for body in bodies}
    running = [item["agency_code"] for item in inside["opinions"] if item["state"] in ("asked", "lapsed") and not item["superseded"]]
    running = [code for code in running if code not in asked]
    others = [o for o in agencies if o.code not in asked | set(running)]
    return {
        "bodies": bodies, "others": others, "running": [names[code].name for code in running if code in names],
        "identity": office().profile.identity_readers,
    }  # fmt: skip


def _leave_out(given: dict[str, Any], bodies: list[dict[str, Any]], later: list[str]) -> dict[str, list[str]]:
    """Read what was left unticked: dropped with its reason, or kept for a question of its own; answers what lacks a reason, by field."""
    asked, lacking, dropped = set(given.get("agencies") or ()), {}, []
    reasons = {row.get("agency"): row.get("reason") for row in given.pop("dropped", None) or ()}
    for at, body in enumerate(bodies):
        code = body["code"]
        if code in asked or (code in later and not reasons.get(code)):
            continue
        if not reasons.get(code):
            lacking[f"dropped.{at}.reason"] = [t("Nêu lý do không hỏi {who}.", "Say why {who} is not asked.", who=label(body["name"]))]
        dropped.append({"agency": code, "rule": _rule_of(body), "reason": reasons.get(code)})
    given.setdefault("agencies", [])
    if dropped:
        given["dropped"] = dropped
    return lacking


def _proposed_rows(rows: list[dict[str, Any]], item: Rows, action: str, proposal: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Whoever checks or decides starts from what the unit proposed, row by row."""
    if action not in JUDGING or proposal is None:
        return rows
    proposed = proposal["given"].get(item.name) or []
    if item.name == "conditions":
        return [dict(row) for row in proposed]
    known = {row_of(row): row for row in proposed}
    return [{**known.get(row["row"], {}), **row} if "row" in row else row for row in rows]


def _rows_for(found: dict[str, Any], item: Rows, action: str = "") -> list[dict[str, Any]]:
    fields = found["fields"]
    names = {"rows": "itinerary", "questions": "questions", "documents_shown": "crew", "dates": "itinerary"}
    if item.name in names and action not in ("answer", "amend_answer"):
        return [{"row": row["row"], "label": _row_label(row)} for row in fields.get(names[item.name]) or ()]
    return [{}] if item.required else []


def _row_label(row: dict[str, Any]) -> str:
    """A row in a few words."""
    from api.language import day

    if "on" in row:
        return f"{day(row['on'])} {row.get('from', '')} · {row.get('place', '')}"
    return str(row.get("text") or row.get("name") or "")


def _choices_for(found: dict[str, Any], step: Any, inside: dict[str, Any]) -> dict[str, Any]:
    """Choices of people, grounds, scans and dossier entries for the fields of an action."""
    office_, kind = office(), found["kind"]
    people = []
    wanted = {i.name for i in step.inputs if isinstance(i, Field) and i.type == "user"}
    if wanted:
        roles = ("officer",) if "officer" in wanted else ("guide",) if "guide" in wanted else ("officer", "head", "leader_office")
        from workflow import users

        with office_.db.read() as connection:
            people = users.people(connection, roles)
    from workflow.facts import ground_use

    use = "not_accepted" if step.action in ("refuse_intake", "refer_out") else ground_use(step.action)
    targets = []
    if kind in ("visit", "interview"):
        flow = FLOWS[kind]
        targets = [pair for item in flow.fields for pair in _sendable(found, item)]
    scans = []
    if any(isinstance(i, Field) and i.type == "paper" for i in step.inputs):
        scans = [p for p in _papers(found["id"]) if p["name"] in ("decision_scan", "answer_scan", "permit", "brief", "other")]
    silent = []
    if any(i.name == "without_opinion" for i in step.inputs):
        silent = [c for c in inside["opinions"] if c["state"] == "lapsed"]
    return {
        "people": people, "grounds": [g for g in office_.profile.grounds if use in g.uses], "targets": targets, "scans": scans,
        "silent": silent,
    }  # fmt: skip


def _sendable(found: dict[str, Any], item: AnyField) -> list[tuple[str, Text]]:
    """A part of the dossier that can be sent along with a question; of a list its rows as well, so that one place may be asked about alone."""
    rows = found["fields"].get(item.name) or () if isinstance(item, Rows) and item.name != "crew" else ()
    return [(f"/{item.name}", item.label), *((f"/{item.name}/{row['row']}", Text(said, said)) for row in rows if (said := f"– {row_words_of(row)}"))]


@web.route("/cases/<ref>/do/<action>", methods=["GET", "POST"])
def do(ref: str, action: str) -> Any:
    """The form of one action; pressed, it is done once and the case page says so."""
    actor = login.needed()
    found = read_case(office(), actor, ref)
    flow = FLOWS[found["kind"]]
    step = flow.table.get((action, found["state"]))
    if action not in flow.actions:
        raise NotFound()
    choice = next((c for c in choices(office(), actor, found["id"]) if c["name"] == action), None)
    if step is None or choice is None:
        flash(t("Việc này không còn ở bước hiện tại.", "This action is not open at the current step."), "error")
        return redirect(f"/cases/{found['code'] or found['id']}#main", 303)
    declared = tuple(item for item in step.inputs if item.name not in _hidden(actor, found, step))
    inside = internals(office(), actor, found["id"])
    judged = action in JUDGING
    render = {
        "case": found, "flow": flow, "step": step, "choice": choice, "declared": declared, **catalogues(), **_choices_for(found, step, inside),
        "proposal": inside["proposal"] if judged else None, "opinions": inside["opinions"] if judged else [], "judged": judged,
        "route": preview.of_draft(office(), actor, found["id"]) if action == "submit" else None,
    }  # fmt: skip
    render["shut"] = not render["route"] and not queries.is_open(choice)  # a route says by itself what stops it
    if action in returns.ASKING:
        render["slip"] = asking.offered(found)
    if action == "consult":
        render["asking"] = _consult_choices(inside, render["agencies"])
    if request.method == "GET":
        values = forms.one_empty_row(declared, _prefilled(found, step, inside))
        return render_template("act.html", values=values, errors={}, reasons=[], **render)
    values = forms.typed(step.inputs, request.form)
    if forms.changed_rows(step.inputs, values, request.form):
        return render_template("act.html", values=values, errors={}, reasons=[], **render)
    if action in returns.ASKING:
        again, lacking_items = asking.settle(found, values, request.form)
        if again:
            return make_response(render_template("act.html", values=values, errors=lacking_items, reasons=[], **render), 422 if lacking_items else 200)
    given = forms.to_json(step.inputs, values)
    unticked = [name for name in INSISTED.get(action, ()) if not given.get(name)]
    if unticked:
        told = t("Phải đánh dấu cam kết này trước khi gửi.", "Tick this undertaking before sending.")
        return make_response(render_template("act.html", values=values, errors={name: [told] for name in unticked}, reasons=[], **render), 422)
    _drop_unanswered(given)
    lacking = _leave_out(given, render["asking"]["bodies"], request.form.getlist("later")) if action == "consult" else {}
    if lacking:
        return make_response(render_template("act.html", values=values, errors=lacking, reasons=[], **render), 422)
    if any(item.name == "seen" for item in step.inputs):
        given["seen"] = request.form.get("seen", "")
    version = request.form.get("version", "")
    beside = {"acting_for": request.form["acting_for"]} if request.form.get("acting_for") else None
    nobody = stuck_on(office(), actor, found["id"])
    try:
        done = perform(office(), actor, ref, action, given, version=int(version) if version.isdigit() else None, beside=beside, request_id=request_id())
    except Invalid as invalid:
        return make_response(render_template("act.html", values=_relabelled(found, values), errors=sentences(invalid.fields), reasons=[], **render), 422)
    except NeedsUnmet as unmet:
        told = [queries.refusal_dict(reason) for reason in unmet.reasons]
        return make_response(render_template("act.html", values=_relabelled(found, values), errors={}, reasons=told, **render), 409)
    except WorkflowError as error:
        from api.errors import STATUS

        who = f" {error.data['who']}, {error.data.get('when', '')}" if error.data.get("who") else ""
        return make_response(
            render_template("act.html", values=_relabelled(found, values), errors={"_": [label(error.message) + who]}, reasons=[], **render),
            STATUS.get(error.code, 409),
        )
    flash(t("Đã xong: {what}.", "Done: {what}.", what=label(step.label)))
    try:
        after = read_case(office(), actor, done.case_id)
        for sentence in stuck_on(office(), actor, done.case_id):
            if sentence not in nobody:  # told when it arises, not when the date comes
                flash(label(sentence), "error")
    except NotFound:
        return redirect("/inbox#main", 303)
    # A fragment of its own: without one the browser keeps that of the page before, and the message is out of sight.
    return redirect(f"/cases/{after['code'] or after['id']}#main", 303)


def _hidden(actor: Any, found: dict[str, Any], step: Any) -> set[str]:
    """Inputs a person is not shown: the content mark, and the desk's fields when filing for oneself."""
    hidden = {"seen"}
    if step.action == "submit" and found["channel"] == "online":
        hidden |= {"channel", "received_at", "incoming_no"}
    if found["kind"] == "interview":
        hidden |= {"rows"}  # an interview is judged question by question; it has no programme
    return hidden


def _drop_unanswered(given: dict[str, Any]) -> None:
    """Rows that were offered and left without a result are not part of what was said."""
    for name in ("rows", "questions", "documents_shown", "dates"):
        for holder in (given, given.get("report") if isinstance(given.get("report"), dict) else None):
            if holder and isinstance(holder.get(name), list):
                holder[name] = [row for row in holder[name] if set(row) - {"row"}]
                if not holder[name]:
                    holder.pop(name)


def _relabelled(found: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Typed rows with their words again."""
    known = {
        row["row"]: _row_label(row) for rows in found["fields"].values() if isinstance(rows, list) for row in rows if isinstance(row, dict) and "row" in row
    }
    for rows in [*values.values(), *(inner for group in values.values() if isinstance(group, dict) for inner in group.values())]:
        if isinstance(rows, list):
            for row in rows:
                if isinstance(row, dict) and row.get("row") in known:
                    row["label"] = known[row["row"]]
    return values


@web.post("/cases/<ref>/letters")
def new_letter(ref: str) -> Any:
    """Open a letter by hand on a case."""
    actor = login.needed()
    found = read_case(office(), actor, ref)
    done = open_case(
        office(),
        actor,
        "letter",
        {},
        parent=found["id"],
        letter=request.form.get("letter", ""),
        replaces=request.form.get("replaces") or None,
        request_id=request_id(),
    )
    return redirect(f"/cases/{read_case(office(), actor, done.case_id)['code']}#main", 303)


@web.get("/cases/<ref>/history")
def history_page(ref: str) -> Any:
    """The whole record of a case, with the state of its chain."""
    actor = login.needed()
    found = read_case(office(), actor, ref)
    entries = history(office(), actor, found["id"])
    with office().db.read() as connection:
        report = verify(connection, found["id"])
    return render_template("history.html", case=found, entries=list(reversed(entries)), report=report)
