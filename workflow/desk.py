"""What the desk knows of a case beyond the applicant's words: the unit's proposal, the opinions side by side, a letter's signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from states import FLOWS
from states import roles as R
from states.language import Text
from workflow import bundles, doctor, routing, tracking
from workflow.authority import Actor, Row
from workflow.facts import topics_of
from workflow.office import Office
from workflow.queries import deadlines_for, loaded

# Who reads the proposal and what the agencies answered; row *read opinions* of the permission matrix.
PROPOSAL_READERS = frozenset({R.OFFICER, R.HEAD, R.DIRECTOR, R.COMMITTEE, R.AUDITOR, R.LEADER_OFFICE})
OPINION_READERS = PROPOSAL_READERS - {R.LEADER_OFFICE}
ASKED_READERS = OPINION_READERS | {R.INTAKE, R.REGISTRY}
REPORT_READERS = PROPOSAL_READERS | {R.GUIDE}
DECIDING = ("approve", "accept_interview", "confirm_paper_approval", "confirm_paper_acceptance")
# What a decision says to everybody on the case, the applicant included; nothing of who was asked or who proposed.
DECIDED = ("conditions", "rows", "slot", "place", "form", "speaker", "questions")


def internals(office: Office, actor: Actor, ref: str) -> dict[str, Any]:
    """The desk's own knowledge of one case, each part as far as this person may read it.

    `deadlines` (every due date with its sum), `proposal` (None, or who proposed what and who endorsed it), `opinions`
    (one for each body asked; without the answer for those who only see that it was asked; `changed` names what it was shown and is
    not so any more, `superseded` says that the body was asked again), `decision` (what was
    approved, for everybody on the case; who decided only for staff), `account` (the guide's log and report), `routing`
    (the rules that apply and how far each has come), `places` (the communes of the programme as the list knows them),
    `signature` (of a letter) and `tracking` (its figures, a late reply in words, the way on after a refusal). Raises `NotFound` where the case
    does not exist for the person.
    """
    with office.db.read() as connection:
        row, held = loaded(office, connection, actor, ref)
        tracked = tracking.own(office, connection, row, held)
    press = row["kind"] in ("visit", "interview")
    return {
        "deadlines": deadlines_for(office, row, actor, held),
        "proposal": _proposal(row) if press and held & PROPOSAL_READERS else None,
        "opinions": _opinions(office, row, bool(held & OPINION_READERS)) if press and actor.staff and held & ASKED_READERS else [],
        "decision": _decision(row, actor.staff, actor.staff or bool(held & {R.GUIDE, R.LEADER_OFFICE})) if press else None,
        "account": _account(row) if press and held & REPORT_READERS else None,
        "routing": _routing(office, row) if press and actor.staff and held & ASKED_READERS else [],
        "places": routing.places_named(office.profile, row["fields"], office.places) if press and actor.staff and held & ASKED_READERS else [],
        "signature": _signature(row) if row["kind"] == "letter" else None,
        "tracking": tracked,
    }


def stuck_on(office: Office, actor: Actor, ref: str) -> list[Text]:
    """For staff: whom a case waits for, now or on its way to the end, where nobody is there. Raises `NotFound`."""
    with office.db.read() as connection:
        row, _ = loaded(office, connection, actor, ref)
        return doctor.held_up(office, connection, row) if actor.staff else []


def _routing(office: Office, row: Row) -> list[dict[str, Any]]:
    """Every routing rule that applies, with how far it has come: asked, dropped with a reason, permit held."""
    asked = {orjson.loads(children[-1][5])["agency"]: children[-1][2] for children in bundles.consulted(row).values()}
    outdated = bundles.standing(office, row)["outdated"]
    again = {orjson.loads(c[5])["agency"] for cs in bundles.consulted(row).values() for c in cs[-1:] if c[0] in outdated and c[2] != "cancelled"}
    again = {code for code in again if left_out(row, code) is None}
    dropped = set(row["memory"].get("dropped") or ())
    held = row["memory"].get("permits") or {}
    found = []
    for item in routing.fired(office.profile, row["kind"], row["fields"], topics_of(row), office.places):
        if item.act == "consult":
            known = [code for code in item.agencies if code in office.organisations]
            for code in known:
                waits = code in again or (code not in asked and code not in dropped)
                found.append(_rule(item, (code,), ASK_AGAIN if code in again else _asked_state(code, asked, dropped), waits=waits))
        elif item.act == "permit":
            held_all = "" in held or set(item.rows) <= set(held)
            found.append(_rule(item, item.agencies, PERMIT_HELD if held_all else PERMIT_MISSING, waits=not held_all))
        else:
            found.append(_rule(item, tuple(code for code in item.agencies if code != "commune"), None))
    return found


def _rule(item: routing.Fired, agencies: tuple[str, ...], state: Text | None, *, waits: bool = False) -> dict[str, Any]:
    return {
        "rule": item.rule, "act": item.act, "agencies": list(agencies), "why": item.why.as_dict(), "basis": item.basis, "rows": list(item.rows),
        "permit": item.permit.as_dict() if item.permit else None, "standing": item.standing, "state": state.as_dict() if state else None,
        "question": item.question.as_dict() if item.question else None, "waits": waits,
    }  # fmt: skip


PERMIT_HELD = Text("đã ghi giấy phép", "permit on record")
ASK_AGAIN = Text("phải hỏi lại", "to be asked again")
PERMIT_MISSING = Text("chưa có giấy phép", "no permit yet")


def _asked_state(agency: str, asked: Mapping[str, str], dropped: set[str]) -> Text:
    if agency in asked:
        return FLOWS["consultation"].states[asked[agency]].label
    return Text("đã bỏ qua, có lý do", "dropped, with a reason") if agency in dropped else Text("chưa hỏi", "not asked yet")


def left_out(row: Row, agency: str) -> str | None:
    """Why a body is not asked again in this round; None where the officer has not said so."""
    dropped = (row["memory"].get("dropped") or {}).get(agency) or {}
    reason: str | None = dropped.get("reason") if dropped.get("round") == row["round"] else None
    return reason


def _acts(memory: Mapping[str, Any]) -> dict[str, Any]:
    return dict(memory.get("acts") or {})


def _proposal(row: Row) -> dict[str, Any] | None:
    """The last recommendation with what the head changed: rows and conditions as they now stand."""
    acts = _acts(row["memory"])
    made = acts.get("recommend")
    if made is None or made["round"] != row["round"]:
        return None
    endorsed = acts.get("endorse")
    if endorsed and (endorsed["round"] != row["round"] or endorsed["at"] < made["at"]):
        endorsed = None
    given = dict(made["given"])
    for name in ("rows", "conditions", "grounds"):
        if endorsed and endorsed["given"].get(name):
            given[name] = endorsed["given"][name]
    return {"by": made["name"], "at": made["at"], "given": given, "endorsed": endorsed, "paper": acts.get("enter_paper_decision")}


def _opinions(office: Office, row: Row, answers: bool) -> list[dict[str, Any]]:
    found, stands, flow = [], bundles.standing(office, row), FLOWS[row["kind"]]
    for id_, kind, state, _, _, fields, memory, code, *_rest in row["children"]:
        if kind != "consultation":
            continue
        values, acts = orjson.loads(fields), _acts(orjson.loads(memory))
        name = next((n for n in ("amend_answer", "answer", "record_answer") if n in acts), None)
        given = acts[name]["given"] if name else {}
        agency = office.organisations.get(values["agency"])
        found.append({
            "id": id_, "code": code, "state": state, "state_label": FLOWS["consultation"].states[state].label.as_dict(),
            "agency": (agency.name if agency else Text(values["agency"], values["agency"])).as_dict(), "agency_code": values["agency"],
            "question": values.get("question"), "due_at": values.get("due_at"), "rule": values.get("rule"),
            "outcome": given.get("outcome") if answers else None, "opinion": given.get("opinion") if answers else None,
            "conditions": (given.get("conditions") or []) if answers else [], "doc_no": given.get("doc_no"), "paper_only": given.get("paper_only"),
            "at": acts[name]["at"] if name else None, "by": acts[name]["name"] if name else None, "recorded": name == "record_answer",
            "superseded": id_ in stands["superseded"], "left": left_out(row, values["agency"]), "bundle": (orjson.loads(memory).get("shown") or {}).get("pointers") or [],
            "changed": [bundles.part_words(flow, row, part).as_dict() for part in stands["outdated"].get(id_, ()) if state != "cancelled"],
        })  # fmt: skip
    return found


def _decision(row: Row, staff: bool, inside: bool) -> dict[str, Any] | None:
    """What was approved and under which conditions: the decider's words; for those inside also the proposal's that were decided on."""
    acts = _acts(row["memory"])
    name = next((n for n in DECIDING if n in acts), None)
    if name is None:
        return None
    paper = acts.get("enter_paper_decision") if name.startswith("confirm_paper") else None
    said: Mapping[str, Any] = (paper or acts[name])["given"]
    proposal = _proposal(row) if inside else None  # an applicant reads what was decided, never what was proposed
    given = {part: said.get(part) or (proposal["given"].get(part) if proposal else None) for part in DECIDED}
    return {
        "at": acts[name]["at"], "given": {part: value for part, value in given.items() if value}, "by": acts[name]["name"] if staff else None,
        "paper": {part: said.get(part) for part in ("doc_no", "doc_date", "signer")} if paper and staff else None,
    }  # fmt: skip


def _account(row: Row) -> dict[str, Any] | None:
    """What the guide wrote of the days: the last word on each row, and the report."""
    log, filed = row["memory"].get("log") or {}, _acts(row["memory"]).get("file_report")
    if not log and filed is None:
        return None
    return {
        "log": list(log.values()),
        "report": filed["given"].get("report") if filed else None,
        "by": filed["name"] if filed else None,
        "at": filed["at"] if filed else None,
    }


def _decided_for(row: Row, signed: Mapping[str, Any]) -> dict[str, Any] | None:
    """In whose name the decision was taken that sealed a letter: two persons signed, and the decision says for whom."""
    if len(signed.get("by") or ()) < 2:
        return None
    decided = _acts((row["parent"] or {}).get("memory") or {}).values()
    return next((act["acting_for"] for act in decided if act.get("acting_for") and act["by"] == signed["by"] and act["at"] == signed["at"]), None)


def _signature(row: Row) -> dict[str, Any]:
    """Number, date and signer of a letter as far as they exist."""
    acts = _acts(row["memory"])
    issued, signed = (acts.get("issue") or {}).get("given") or {}, acts.get("sign") or {}
    return {
        "number": issued.get("number"), "on": issued.get("on"), "signer": signed.get("name"), "role": signed.get("role"),
        "capacity": (signed.get("given") or {}).get("capacity"), "acting_for": signed.get("acting_for") or _decided_for(row, signed),
    }  # fmt: skip
