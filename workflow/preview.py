"""The route a dossier would take if it were sent now: steps, dates with their sums, bodies, papers, what is missing.

The engine's own rules run on the typed dossier without writing anything; sent at once it takes this very route.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from states import FLOWS, Facts, Flow, refusals
from states import roles as R
from states.checks import Limits, Note, checked
from states.language import Text, missing, moment
from states.machine import role_refusal
from workflow import clock, dossier, engine, matches, routing, schemas
from workflow.authority import Actor
from workflow.calendar import Counted
from workflow.categories import Category, authority_of, categories, category_dict
from workflow.deadlines import Deadline, Deadlines, promised
from workflow.errors import Invalid, RoleRefused
from workflow.office import Office, Organisation
from workflow.schemas import TEXTS

# The stations of each level, with the share of the term that each may take.
_SHARES: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    "visit": {
        "committee": (("requested", "split_intake"), ("under_review", "split_review"), ("pending_endorsement", ""), ("pending_decision", "split_department"),
                      ("pending_committee", "split_committee")),
        "department": (("requested", "split_intake"), ("under_review", "split_review"), ("pending_endorsement", ""), ("pending_decision", "split_department")),
    },
    "interview": {
        "": (("requested", "split_intake"), ("under_review", "split_review"), ("pending_endorsement", ""), ("pending_decision", "split_department"),
             ("pending_interviewee", "split_committee")),
    },
}  # fmt: skip
_UNIT = Text("Sở Ngoại vụ", "Department of Foreign Affairs")
# What happens at a station, in the words of whoever waits for it.
_DOES = {
    "requested": Text("Một cửa tiếp nhận", "The desk takes it in"),
    "under_review": Text("Chuyên viên thẩm định, lấy ý kiến", "An officer appraises and consults"),
    "pending_endorsement": Text("Lãnh đạo phòng xem xét", "The head of unit checks"),
    "pending_decision": Text("Lãnh đạo Sở xem xét", "The Department's director checks"),
    "pending_committee": Text("UBND quyết định, trả lời", "The People's Committee decides and answers"),
    "pending_interviewee": Text("Cơ quan của lãnh đạo trả lời", "The leader's office answers"),
    "approved": Text("Văn bản trả lời đến quý cơ quan", "You receive the written reply"),
    "accompanied": Text("Tác nghiệp, có cán bộ hướng dẫn", "The visit, with a guide"),
    "reported": Text("Sở báo cáo Bộ Ngoại giao", "The Department reports to the Ministry"),
    "closed": Text("Kết thúc", "Closed"),
    "not_accepted": Text("Trả lời bằng văn bản: nơi cần đến", "A written answer: where to go"),
}
# The last station where the licence is not the province's, and in an interview.
_COORDINATES = Text("UBND gửi văn bản phối hợp", "The People's Committee sends a letter of coordination")
_ADVISES = Text("UBND gửi văn bản góp ý", "The People's Committee sends its opinion")
_INTERVIEW = Text("Buổi phỏng vấn", "The interview")
_ANSWERS = Text("Gửi câu trả lời bằng văn bản", "The written answers are delivered")
_SIGNS = Text("Lãnh đạo Sở quyết định, trả lời", "The Department's director decides and answers")


@dataclass(frozen=True, slots=True)
class _Ask:
    """One preview: who asks about which dossier, received when."""

    office: Office
    actor: Actor
    flow: Flow
    values: Mapping[str, Any]
    papers: frozenset[str]
    received: datetime
    counting: Deadlines
    case_id: str = ""


def preview(office: Office, actor: Actor, kind: Any, fields: Any, papers: Any = ()) -> dict[str, Any]:
    """The route of a dossier of `kind` with these `fields` (as for `POST /cases`), if it were sent now with these `papers` (names).

    Staff read the bodies that would be asked; an applicant reads steps, dates, hosts and the papers to have. `matches` are
    open cases with the same people, place or leader at the time, as far as the person may see them.
    Raises `RoleRefused` for who may neither file nor read files, `Invalid` by field. No effect.
    """
    if not actor.staff and not actor.has(R.APPLICANT):
        raise RoleRefused((role_refusal((R.APPLICANT, R.INTAKE)),))
    flow = FLOWS.get(kind) if isinstance(kind, str) else None
    if flow is None or kind not in _SHARES:
        raise Invalid({"kind": [TEXTS["choice"]]})
    values = schemas.drop_nulls(schemas.load(flow.fields, fields, strict=False))
    _name_rows(values)
    there = _named_papers(flow, papers)
    with office.db.read() as connection:
        office.refresh(connection)
        now = clock.now()
        return _route(connection, _Ask(office, actor, flow, values, there, now, office.deadlines))


def of_draft(office: Office, actor: Actor, ref: str) -> dict[str, Any] | None:
    """The route of a stored draft, a paper one counted from its receipt; None for what is no draft of a visit or an interview.

    Raises `NotFound` where the case does not exist for the person.
    """
    from workflow.queries import loaded

    with office.db.read() as connection:
        row, _ = loaded(office, connection, actor, ref)
        if row["kind"] not in _SHARES or row["state"] != FLOWS[row["kind"]].start:
            return None
        now = clock.now()
        received = moment((row["memory"].get("behalf") or {}).get("received_at"))
        received = min(received, now) if received else now
        counting = office.deadlines_on(clock.local(received).date().isoformat())
        return _route(connection, _Ask(office, actor, FLOWS[row["kind"]], row["fields"], frozenset(row["papers"]), received, counting, row["id"]))


def _name_rows(values: Mapping[str, Any]) -> None:
    """Rows that have no id yet are named by their place (`itinerary-1`), so that the answer can point at them."""
    for name, rows in values.items():
        for at, row in enumerate(rows if isinstance(rows, list) else ()):
            row["row"] = row.get("row") or f"{name}-{at + 1}"


def _named_papers(flow: Flow, papers: Any) -> frozenset[str]:
    """The names of the papers said to be there; raises `Invalid` at the first that the kind does not have."""
    if not isinstance(papers, Iterable) or isinstance(papers, (str, bytes, Mapping)):
        raise Invalid({"papers": [TEXTS["list"]]})
    known = {paper.name for paper in flow.papers if not paper.office}
    listed = list(papers)
    wrong = {f"papers/{at}": [TEXTS["choice"]] for at, name in enumerate(listed) if not isinstance(name, str) or name not in known}
    if wrong:
        raise Invalid(wrong)
    return frozenset(listed)


def _route(connection: Connection, ask: _Ask) -> dict[str, Any]:
    office, flow, values, counting = ask.office, ask.flow, ask.values, ask.counting
    law, work = counting.reply(flow.kind, values.get("category"), ask.received)
    hurry = dossier.urgency(values, promised({"statutory_due": law.due_at if law else None, "work_due": work.due_at}))
    category = categories().get(values.get("category") or "")
    rules = routing.fired(office.profile, flow.kind, values, places=office.places)
    referral = routing.referral(office.profile, flow.kind, values)
    steps = _referred(ask) if referral else _steps(ask, law or work)
    found: dict[str, Any] = {
        "kind": flow.kind, "received_at": clock.stamp(ask.received), "authority": authority_of(values.get("category")),
        "category": _category(counting, flow, category), "refer": referral.as_dict() if referral else None,
        "urgent": hurry is not None, "urgent_why": hurry,
        "statutory_due": law.due_at if law else None, "work_due": work.due_at, "due": [item.as_dict() for item in (law, work) if item],
        "steps": steps, "unconfirmed_years": sorted({year for step in steps if step["sum"] for year in step["sum"]["unconfirmed_years"]}),
        "hosts": _hosts(values),
        "missing": [{"pointer": at, "label": text.as_dict(), "flag": flag} for flag in ("legal", "needed") for at, text in missing(flow.fields, values, flag)],
        "warnings": [note_dict(note) for note in noted(office, values)],
        "papers": _papers(flow, category, ask.papers), "refusals": _refusals(flow, values, ask.papers),
        "prerequisites": [_prerequisite(ask, item) for item in rules if item.act in ("permit", "inform", "copy", "refer")],
        "answered_by": _answered_by(office, flow, values), "matches": matches.of_typed(office, connection, ask.actor, flow.kind, values, ask.case_id),
        "places": routing.places_named(office.profile, values, office.places),
    }  # fmt: skip
    if ask.actor.staff:
        found["bodies"] = _bodies(ask)
        found["told"] = [_named(office, code) for code in routing.told(rules, office.organisations)]
        found["communes"] = routing.communes_told(rules, values)
    return found


def noted(office: Office, values: Mapping[str, Any]) -> list[Note]:
    """What is odd in a dossier, by the office's limits as of today; none of it holds a request up."""
    targets = office.profile.targets
    limits = Limits(int(targets["passport_validity"].value), int(targets["travel_between_communes"].value))
    return checked(values, clock.today(), limits)


def note_dict(note: Note) -> dict[str, Any]:
    """The wire shape of a note."""
    return {"pointer": note.pointer, "code": note.code, "message": note.text.as_dict()}


def _category(counting: Deadlines, flow: Flow, category: Category | None) -> dict[str, Any] | None:
    return category_dict(category, counting.rules) | {"fits": category.kind == flow.kind} if category else None


# --- steps ---------------------------------------------------------------------------------------------------------


def _steps(ask: _Ask, reply: Deadline) -> list[dict[str, Any]]:
    """The stations up to the decision, each with the moment by which it is left; then approval, activity, report."""
    flow, values, counting = ask.flow, ask.values, ask.counting
    authority = authority_of(values.get("category"))
    found = [*_stations(ask, reply, authority), _step(flow, "approved", None)]
    if authority == "opinion":
        return [*found, _step(flow, "closed", None)]
    if flow.kind == "interview" and values.get("form") == "written":
        return [*found, _step(flow, "reported", None, does=_ANSWERS)]
    first, last = dossier.days_of(values)
    report = counting.deadline(counting.report_start(last, ask.received), "T09", "report") if last else None
    does = _INTERVIEW if flow.kind == "interview" else None
    return [*found, _step(flow, "accompanied", None, does=does) | {"from": first, "to": last}, _step(flow, "reported", report)]


def _stations(ask: _Ask, reply: Deadline, authority: str) -> list[dict[str, Any]]:
    """Where the dossier lies till it is answered: the term shared out as the office has set it, its end the promised one."""
    flow, counting = ask.flow, ask.counting
    level = counting.rules.text("decision_level") if flow.kind == "visit" else ""
    shares, found, spent = _SHARES[flow.kind][level], [], 0.0
    total = sum(counting.rules.number(rule) for _, rule in shares if rule)
    for name, rule in shares:
        spent += counting.rules.number(rule) if rule else 0.0
        if name != shares[-1][0]:
            found.append(_step(flow, name, _share(counting, ask.received, reply, spent / total, flow, name)))
            continue
        found.append(_step(flow, name, reply, does=_last_word(flow, name, authority)))
    return found


def _last_word(flow: Flow, name: str, authority: str) -> Text | None:
    """What the last station sends, by who decides; the usual words where it is a decision."""
    if flow.kind == "visit" and authority in ("coordinate", "host"):
        return _COORDINATES
    if flow.kind == "visit" and authority == "opinion":
        return _ADVISES
    return _SIGNS if name == "pending_decision" else None


def _share(counting: Deadlines, start: datetime, reply: Deadline, part: float, flow: Flow, name: str) -> Deadline:
    """The part of the term that is spent when a station is left: half working days, whole calendar days."""
    value = round(reply.value * part * 2) / 2 if reply.unit == "wd" else float(round(reply.value * part))
    return _counted(counting.calendar.count(start, value, reply.unit), start, value, reply, flow.states[name].label)


def _counted(counted: Counted, start: datetime, value: float, reply: Deadline, label: Text) -> Deadline:
    due = clock.stamp(counted.due)
    skipped = tuple({"date": item.on.isoformat(), "why": item.why.as_dict(), "document": item.document} for item in counted.skipped)
    return Deadline(
        "", "step", label, clock.stamp(start), due, due, value, reply.unit, "office", tuple(day.isoformat() for day in counted.counted), skipped,
        unconfirmed=counted.unconfirmed_years,
    )  # fmt: skip


def _referred(ask: _Ask) -> list[dict[str, Any]]:
    """A request that is not ours is answered at the desk, in the time the desk has."""
    desk = ask.counting.deadline(ask.received, "T22", "intake")
    return [_step(ask.flow, "requested", desk), _step(ask.flow, "not_accepted", None)]


def _step(flow: Flow, name: str, until: Deadline | None, *, does: Text | None = None) -> dict[str, Any]:
    """One station: its state, what happens there, by when it is left, and the sum of that date."""
    state = flow.states[name]
    return {
        "state": name, "phase": state.phase, "label": state.label.as_dict(), "does": (does or _DOES[name]).as_dict(), "unit": _UNIT.as_dict(),
        "by": until.due_at if until else None, "sum": until.as_dict() if until else None,
        "who": [{"role": role, "label": R.ROLES[role].as_dict()} for role in state.waits_for],
    }  # fmt: skip


# --- papers, permits, bodies ---------------------------------------------------------------------------------------


def _hosts(values: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(str(row["host"]) for row in values.get("itinerary") or () if row.get("host")))


def papers_of(flow: Flow, category: Category | None) -> dict[str, str]:
    """The papers of a kind that a category usually needs: name and flag, `legal` (only these stop a filing) or `needed`."""
    wanted = set(category.papers) if category else {paper.name for paper in flow.papers if paper.flag == "needed"}
    return {p.name: p.flag if p.flag == "legal" else "needed" for p in flow.papers if not p.office and (p.flag == "legal" or p.name in wanted)}


def _papers(flow: Flow, category: Category | None, there: frozenset[str]) -> list[dict[str, Any]]:
    """The papers to have, and whether each is attached."""
    flags = papers_of(flow, category)
    return [
        {"name": p.name, "label": p.label.as_dict(), "flag": flags[p.name], "there": p.name in there} for p in flow.papers if p.name in flags and not p.office
    ]


def _refusals(flow: Flow, values: Mapping[str, Any], papers: frozenset[str]) -> list[dict[str, Any]]:
    """What would stop the sending now: the unmet needs of `submit`, told as everywhere."""
    from workflow.queries import refusal_dict

    now = clock.now()
    facts = Facts(
        flow.kind, flow.start, now, clock.local(now).date(), role=R.APPLICANT, roles=frozenset({R.APPLICANT}), fields=values, papers=dict.fromkeys(papers, ""),
        given={"undertaking": True},
    )  # fmt: skip
    return [refusal_dict(reason) for reason in refusals(flow.table["submit", flow.start], facts)]


def _prerequisite(ask: _Ask, item: routing.Fired) -> dict[str, Any]:
    """A permit or duty of some rows: which, whose, how long it takes, and for what."""
    rows = {row.get("row"): row for name in ("itinerary", "equipment") for row in ask.values.get(name) or ()}
    told = [rows[name] for name in item.rows if name in rows]
    takes = ask.counting.rules[item.due] if item.act == "permit" and item.due else None
    return {
        "rule": item.rule, "act": item.act, "rows": list(item.rows), "places": [_place(row) for row in told], "why": item.why.as_dict(), "basis": item.basis,
        "permit": item.permit.as_dict() if item.permit else None, "issuers": [_named(ask.office, code) for code in item.agencies],
        "takes": {"value": int(takes.number), "unit": takes.unit, "basis": takes.basis} if takes else None, "standing": item.standing,
    }  # fmt: skip


def _place(row: Mapping[str, Any]) -> dict[str, str]:
    """A row in its own words: the day of an activity and where, or what a device is."""
    names = ("commune", "place") if "on" in row or "commune" in row else ("type", "model")
    return {"on": str(row.get("on") or ""), "text": ", ".join(str(row[name]) for name in names if row.get(name))}


def _bodies(ask: _Ask) -> list[dict[str, Any]]:
    office, counting = ask.office, ask.counting
    return [
        {
            "agency": _named(office, row["agency"]), "rule": row["rule"], "why": row["why"], "basis": row["basis"], "also": row["also"],
            "question": row["question"], "due": counting.deadline(ask.received, row["due"] or "T23", "consultation", about=row["agency"]).as_dict(),
        }
        for row in routing.proposed(routing.fired(office.profile, ask.flow.kind, ask.values, places=office.places), office.organisations)
    ]  # fmt: skip


def _named(office: Office, code: str) -> dict[str, Any]:
    found: Organisation | None = office.organisations.get(code)
    return {"code": code, "name": found.name.as_dict() if found else {"vi": code, "en": code}}


def _answered_by(office: Office, flow: Flow, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """The office that answers an interview, or None where the leader asked is not a local one."""
    if flow.kind != "interview":
        return None
    found = office.organisation(engine.leader_office(office, values))
    return {"code": found.code, "name": found.name.as_dict()} if found else None
