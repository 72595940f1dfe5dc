"""What the desk knows of a case beyond the applicant's words: the unit's proposal, the opinions side by side, a letter's signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from states import FLOWS
from states import roles as R
from states.language import Text
from workflow import doctor
from workflow.authority import Actor, Row
from workflow.office import Office
from workflow.queries import loaded

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

    `stuck` (for staff: whom the case waits for and who is not there), `proposal` (None, or who proposed what and
    who endorsed it), `opinions` (one for each body asked; without the answer for those who only see that it was
    asked), `decision` (what was approved, for everybody on the case; who decided only for staff), `account` (the
    guide's log and report) and `signature` (of a letter). Raises `NotFound` where the case does not exist for the
    person.
    """
    with office.db.read() as connection:
        row, held = loaded(office, connection, actor, ref)
        stuck = doctor.held_up(connection, row) if actor.staff else []
    press = row["kind"] in ("visit", "interview")
    return {
        "stuck": [sentence.as_dict() for sentence in stuck],
        "proposal": _proposal(row) if press and held & PROPOSAL_READERS else None,
        "opinions": _opinions(office, row, bool(held & OPINION_READERS)) if press and actor.staff and held & ASKED_READERS else [],
        "decision": _decision(row, actor.staff, actor.staff or bool(held & {R.GUIDE, R.LEADER_OFFICE})) if press else None,
        "account": _account(row) if press and held & REPORT_READERS else None,
        "signature": _signature(row) if row["kind"] == "letter" else None,
    }


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
    found = []
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


def _signature(row: Row) -> dict[str, Any]:
    """Number, date and signer of a letter as far as they exist."""
    acts = _acts(row["memory"])
    issued, signed = (acts.get("issue") or {}).get("given") or {}, acts.get("sign") or {}
    return {
        "number": issued.get("number"), "on": issued.get("on"), "signer": signed.get("name"), "role": signed.get("role"),
        "capacity": (signed.get("given") or {}).get("capacity"),
    }  # fmt: skip
