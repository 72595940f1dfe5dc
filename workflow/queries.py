"""Reading: one case as a person may see it, what they may do there and why not, lists, history.

Everything here reads; nothing changes. Each list page costs a constant number of queries.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from states import FLOWS, Flow, flow_for, hints, refusals
from states import roles as R
from states.kinds.letter import LETTERS
from states.language import PHASES, Field, Group, Paper, Refusal, Rows, State, Step, Text
from states.machine import role_refusal
from states.needs import asked_items
from workflow import authority, bundles, clock, delegations, dossier, engine, reads, returns, schemas, store, vault
from workflow.authority import Actor, Mandate, Row
from workflow.deadlines import NEVER, OUTSIDE, lateness, of_case
from workflow.errors import Invalid, NotFound
from workflow.facts import facts_of
from workflow.fold import fold
from workflow.office import Office, Organisation, organisation_dict
from workflow.reads import Reading
from workflow.schemas import TEXTS

OUTWARD: dict[str, Text] = {
    "draft": Text("Bản nháp", "Draft"),
    "received": Text("Đã tiếp nhận", "Received"),
    "considered": Text("Đang xem xét", "Being considered"),
    "more": Text("Cần bổ sung", "More information needed"),
    "decided": Text("Đã có kết quả", "Decided"),
    "changed": Text("Đã điều chỉnh", "Changed"),
    "suspended": Text("Tạm đình chỉ", "Suspended"),
    "ended": Text("Đã kết thúc", "Ended"),
}
PHASE_LABELS: dict[str, Text] = {
    "requested": Text("Đề nghị", "Requested"),
    "review": Text("Thẩm định", "Review"),
    "approved": Text("Chấp thuận", "Approved"),
    "accompanied": Text("Hướng dẫn tác nghiệp", "Accompanied"),
    "reported": Text("Báo cáo", "Reported"),
}


def loaded(office: Office, connection: Connection, actor: Actor, ref: str) -> tuple[dict[str, Any], frozenset[str]]:
    """A case and the roles by which the person reads it; raises `NotFound` where it does not exist for them.

    To the person's own roles come those that a delegation lends, while the case waits for an act that was delegated.
    """
    office.refresh(connection)
    row = store.load(connection, ref)
    if row is None:
        raise NotFound()
    held = authority.roles_on(row, actor)
    lent = authority.opened(row, delegations.in_force(connection, actor)) if actor.delegate else frozenset()
    if not lent and not authority.visible(row, actor, held):
        raise NotFound()
    return row, held | lent


def read_case(office: Office, actor: Actor, ref: str) -> dict[str, Any]:
    """One case in the shape of the contract. An auditor's reading is itself recorded."""
    with office.db.read() as connection:
        row, held = loaded(office, connection, actor, ref)
        found = case_dict(office, connection, row, actor, held)
    if R.AUDITOR in held:
        reads.note(office, Reading(actor.id, row["id"], "case", R.AUDITOR, "view", Text("Kiểm tra, thanh tra", "Inspection")))
    return found


def _people(connection: Connection, *ids: str | None) -> dict[str, dict[str, str]]:
    wanted = sorted({id_ for id_ in ids if id_})
    if not wanted:
        return {}
    marks = ", ".join(f":p{'abcdefghijklmnopqrstuvwxyz'[i]}" for i in range(len(wanted[:26])))
    values = {f"p{'abcdefghijklmnopqrstuvwxyz'[i]}": id_ for i, id_ in enumerate(wanted[:26])}
    rows = store.query(connection, f"SELECT id, username, name FROM users WHERE id IN ({marks})", **values)
    return {r["id"]: {"username": r["username"], "name": r["name"]} for r in rows}


def fields_for(row: Row, actor: Actor, held: frozenset[str]) -> dict[str, Any]:
    """The dossier as this person may read it: whole, masked, or only the bundle of a consultation."""
    fields = dict(row["fields"])
    if row["kind"] == "letter" and authority.outside(held, actor) and R.LEADER_OFFICE not in held:
        return {k: v for k, v in fields.items() if k in ("letter", "subject", "body", "recipients", "facts")}
    if row["kind"] == "consultation" and R.CONSULTEE in held:
        fields.pop("rule", None)  # why it is asked may come of the desk's own topics, which are told to nobody outside
    elif row["kind"] == "consultation" and row["parent"] and fields.get("bundle"):
        # What the body itself reads in full is not for every reader of its answer.
        fields["bundle"] = dossier.masked_bundle(flow_for(row["parent"]["kind"]).fields, fields["bundle"], held)
    if row["kind"] not in ("visit", "interview"):
        return fields
    return dossier.masked(flow_for(row["kind"]).fields, fields, held)


def _visible_children(office: Office, row: Row, actor: Actor) -> list[dict[str, Any]]:
    found = []
    for id_, kind, state, _, _, fields, _, code, organisation_id, title in row["children"]:
        child = {
            "id": id_, "kind": kind, "state": state, "organisation_id": organisation_id, "parent": row,
            "fields": orjson.loads(fields), "created_by": "", "channel": row["channel"],
        }  # fmt: skip
        if authority.visible(child, actor, authority.roles_on(child, actor)):
            label = FLOWS[kind].states[state].label
            found.append({"id": id_, "kind": kind, "state": state, "code": code, "title": title, "state_label": label.as_dict()})
    return found


_RELATED = (
    "SELECT c.id, c.code, c.kind, c.state, c.title, c.organisation_id, c.created_by, c.officer_id, c.guide_id, c.office_id, c.referred, c.accepted,"
    " c.channel, c.is_open FROM relations r JOIN cases c ON c.id = CASE WHEN r.case_id = :id THEN r.related_id ELSE r.case_id END"
    " WHERE r.case_id = :id OR r.related_id = :id ORDER BY r.at, c.id"
)


def _related(connection: Connection, row: Row, actor: Actor) -> list[dict[str, Any]]:
    """The requests that belong with this one, as far as the person sees them."""
    if row["kind"] not in ("visit", "interview"):
        return []
    found = []
    for other in store.query(connection, _RELATED, id=row["id"]):
        case = {**other, "parent": None, "fields": {}, "children": [], "memory": {}}
        held = authority.roles_on(case, actor)
        if authority.visible(case, actor, held):
            state = FLOWS[other["kind"]].states[other["state"]]
            label = outward_label(state, case) if authority.outside(held, actor) else state.label
            words = {"kind_label": FLOWS[other["kind"]].title.as_dict(), "state_label": label.as_dict()}
            found.append({name: other[name] for name in ("id", "code", "kind", "state", "title")} | words)
    return found


def case_dict(office: Office, connection: Connection, row: dict[str, Any], actor: Actor, held: frozenset[str]) -> dict[str, Any]:
    """The contract's Case, as far as this person may know it."""
    flow = flow_for(row["kind"])
    state = flow.states[row["state"]]
    clocks = row["clocks"]
    now = clock.now()
    outside = authority.outside(held, actor)
    people = _people(connection, row["officer_id"], row["guide_id"], row["leader_id"])
    late, overdue = lateness(clocks, now, row["is_open"])
    facts = facts_of(office, flow, row, actor, held, now=now)
    holds_seen = any(any(item.name == "seen" for item in step.inputs) and held & set(step.by) for step in flow.leaving(row["state"]))
    parent = row["parent"]
    if parent:
        main = {**parent, "fields": {}, "parent": None}
        if not authority.visible(main, actor, authority.roles_on(main, actor)):
            parent = None
    unit = Text("Sở Ngoại vụ", "Department of Foreign Affairs")
    found: dict[str, Any] = {
        "id": row["id"], "code": row["code"], "kind": row["kind"], "flow_version": row["flow_version"],
        "state": row["state"], "phase": row["phase"], "version": row["version"], "round": row["round"],
        "content_hash": row["content_hash"], "fields": fields_for(row, actor, held),
        "organisation": organisation_dict(office.organisation(row["organisation_id"])),
        "officer": None if outside else people.get(row["officer_id"] or ""),
        "guide": people.get(row["guide_id"] or "") if _guide_known(row) or not outside else None,
        "leader": None if outside else people.get(row["leader_id"] or ""),
        "authority": row["authority"], "urgent": bool(row["urgent"]),
        "submitted_at": clocks.get("submitted_at"), "received_at": clocks.get("received_at"),
        "registered_late": bool(clocks.get("registered_late")), "answered_at": clocks.get("answered_at"),
        "due": {"statutory": clocks.get("statutory_due"), "work": clocks.get("work_due")},
        "first_due": clocks.get("first_due"), "extended": bool(clocks.get("extended")), "late": late, "overdue": overdue,
        "parent": {"id": parent["id"], "code": parent["code"], "kind": parent["kind"]} if parent else None,
        "children": _visible_children(office, row, actor), "related": _related(connection, row, actor),
        "decision_hash": facts.decision_hash if holds_seen else None,
        "unit": unit.as_dict(), "title": row["title"], "outlet": row["outlet"],
        "state_label": (state.label if not outside else outward_label(state, row)).as_dict(),
        "outward": outward_label(state, row).as_dict(),
        "phase_label": PHASE_LABELS[row["phase"]].as_dict() if row["phase"] else None,
        "kind_label": flow.title.as_dict(), "is_open": bool(row["is_open"]), "ended": state.end,
        "waits_for": [{"role": role, "label": R.ROLES[role].as_dict()} for role in waits_of(office, flow, row)] if not outside else [],
        "due_at": None if row["due_at"] == NEVER else row["due_at"], "first_day": row["first_day"], "last_day": row["last_day"],
        "urgent_why": row["memory"].get("urgent") or None,
        "channel": row["channel"], "head_hash": row["head_hash"], "created_at": row["created_at"], "updated_at": row["updated_at"],
        "mine": sorted(held), "papers": {name: paper["id"] for name, paper in row["papers"].items() if _told_of(row, actor, held, name, paper["id"])},
    }  # fmt: skip
    found["papers"] |= scans_sent(office, connection, row, held)[1]
    if not outside:
        found["applicant_answered"] = row["returned_to"] == actor.id
    if not outside and flow.internal:
        found["internal"] = {item.name: (row["memory"].get("internal") or {}).get(item.name) or [] for item in flow.internal}
    if row["kind"] in ("visit", "interview"):
        found["open_fields"] = _open_fields(flow, row, facts, held)
        if row["state"] in dossier.RETURNED:
            found["items"] = returns.items_of(office.profile, flow, found["fields"], asked_items(facts))
    return found


def _told_of(row: Row, actor: Actor, held: frozenset[str], name: str, paper_id: str) -> bool:
    """Whether this person is told that a paper is there: all who read papers, but for one that is held back."""
    return authority.reads_papers(held) and (paper_id not in held_papers(row) or may_open(row, actor, held, name, paper_id))


def _open_fields(flow: Flow, row: Row, facts: Any, held: frozenset[str]) -> list[str] | None:
    if R.APPLICANT not in held:
        return []
    targets = dossier.open_targets(flow, row["state"], facts)
    return None if targets is None else sorted(targets)


def _guide_known(row: Row) -> bool:
    return row["phase"] in ("approved", "accompanied", "reported")


# Acts that move an approval to other days, another hour or place.
CHANGES = ("postpone", "reschedule")


def outward_code(state: State, row: Row) -> str:
    """Which of the outward words a visit or an interview stands at: a key of `OUTWARD`.

    A list knows by `changed` whether an approval was moved, a case that is loaded by its memory; the calendar's rows know neither.
    """
    if state.outward == "decided" and not state.end:
        memory = row.get("memory")
        acts = (memory.get("acts") or {}) if isinstance(memory, Mapping) else {}
        moved = row["changed"] if "changed" in row else any(name in acts for name in CHANGES)
        return "changed" if moved else "decided"
    return state.outward or ""


def outward_label(state: State, row: Row) -> Text:
    """The word an applicant reads; a decision says which one, an end how it ended."""
    if state.outward is None or row["kind"] not in ("visit", "interview"):
        return state.label
    code = outward_code(state, row)
    word = OUTWARD[code]
    how = outward_detail(state, code)
    return Text(f"{word.vi}: {how.vi[:1].lower()}{how.vi[1:]}", f"{word.en}: {how.en[:1].lower()}{how.en[1:]}") if how else word


def outward_detail(state: State, code: str) -> Text | None:
    """What stands behind the word of a decision or an end; None where the word says it all."""
    if code == "decided":
        return state.label if state.end else Text("Chấp thuận", "Approved")
    return state.label if code == "ended" and state.name != "closed" else None


# --- what may be done ------------------------------------------------------------------------------------------


def choices(office: Office, actor: Actor, ref: str) -> list[dict[str, Any]]:
    """Every action of the flow from this state: allowed or not, all reasons, what lifts each, who could.

    Staff, committee and auditors see every action; others those of their own roles.
    """
    with office.db.read() as connection:
        row, held = loaded(office, connection, actor, ref)
        return choices_for(office, connection, row, actor, held)


def choices_for(office: Office, connection: Connection, row: dict[str, Any], actor: Actor, held: frozenset[str]) -> list[dict[str, Any]]:
    """The same, on a case that is loaded already. What is closed to the person may be open in another's name (`through`)."""
    flow, own = flow_for(row["kind"]), authority.roles_on(row, actor)
    mandates = delegations.in_force(connection, actor)
    found = []
    outside = authority.outside(held, actor)
    for step in flow.leaving(row["state"]):
        mine = own & set(step.by)
        through = [_through(office, connection, flow, row, step, actor, own, m) for m in mandates if _lends(row, step, own, m)]
        if outside and not mine and not through:
            continue
        reasons: tuple[Refusal, ...] = (role_refusal(step.by),)
        lacking: tuple[Refusal, ...] = ()
        if mine:
            reasons, lacking = _judged(office, connection, flow, row, step, actor, mine, frozenset())
        found.append({**choice_dict(office, step, reasons, mine=bool(mine), lacking=lacking), "through": through})
    return found


def _judged(
    office: Office, connection: Connection, flow: Flow, row: dict[str, Any], step: Step, who: Actor, held: frozenset[str], lent: frozenset[str]
) -> tuple[tuple[Refusal, ...], tuple[Refusal, ...]]:
    """Why a step is closed to somebody who holds one of its roles, and what its usual use lacks."""
    facts = facts_of(
        office, flow, row, who, held & set(step.by), now=clock.now(), role=authority.role_of_act(step, held, lent, None), target=step.target,
        action=step.action, extra=_asked(connection, row, step, who),
    )  # fmt: skip
    if who.persons & set(row["memory"].get("recused") or ()):
        from states.needs import not_conflicted

        return (not_conflicted.refusal(facts),), hints(step, facts)
    return refusals(step, facts), hints(step, facts)


def _lends(row: Row, step: Step, own: frozenset[str], mandate: Mandate) -> bool:
    """Whether a delegation adds something to a step: a role of it, or the Committee's signature to a director's."""
    if not mandate.covers(row["kind"], step.action):
        return False
    signs = mandate.signs_for_committee and bool(own & set(step.by)) and any(need.code == "level_is_mine" for need in step.needs)
    return signs or bool(authority.lent(row, mandate) & set(step.by))


def _through(
    office: Office, connection: Connection, flow: Flow, row: dict[str, Any], step: Step, actor: Actor, own: frozenset[str], mandate: Mandate
) -> dict[str, Any]:
    """One way to take a step in another's name: whose, on which paper, and whether it is open."""
    lent = authority.lent(row, mandate)
    reasons, lacking = _judged(office, connection, flow, row, step, actor.through(mandate), own | lent, lent)
    return {
        "delegation": mandate.id, "principal": {"username": mandate.principal.username, "name": mandate.principal.name}, "form": mandate.form,
        "paper": mandate.paper_no, "allowed": not reasons, "reasons": [refusal_dict(r) for r in reasons], "hints": [refusal_dict(r) for r in lacking],
    }  # fmt: skip


def main_first(acts: list[dict[str, Any]]) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """Of the choices that are open: the one to take next, if there is one, and the others in their order.

    The next step takes the case on (`forward`) and lacks nothing of its usual use (`hints`).
    """
    ranked = sorted(filter(is_open, acts), key=lambda a: (a["danger"], a["weight"]))
    main = next((a for a in ranked if a["forward"] and not _hints(a)), None)
    return main, [a for a in ranked if a is not main]


def is_open(choice: Mapping[str, Any]) -> bool:
    """Whether the person may take it now, in their own name or in another's."""
    return bool(choice["allowed"] or in_another_name(choice))


def in_another_name(choice: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The delegations through which a choice is open."""
    return [way for way in choice.get("through", ()) if way["allowed"]]


def _hints(choice: Mapping[str, Any]) -> list[Any]:
    """What its usual use lacks, on the way by which it is open."""
    return choice["hints"] if choice["allowed"] else in_another_name(choice)[0]["hints"]


def _asked(connection: Connection, row: Row, step: Step, actor: Actor) -> dict[str, Any]:
    if step.action == "close":
        return {"letters_pending": engine.letters_pending(connection, row["id"])}
    if step.action == "endorse" and actor.speaks_as(R.DIRECTOR):
        return {"other_directors": engine.others_with(connection, R.DIRECTOR, *sorted(actor.persons))}
    return {}


def choice_dict(office: Office, step: Step, reasons: tuple[Refusal, ...], *, mine: bool, lacking: tuple[Refusal, ...] = ()) -> dict[str, Any]:
    """One action on the wire. `quiet`: closed by what kind of case this is, so that a page need not list it."""
    return {
        "name": step.action, "label": step.label.as_dict(), "allowed": not reasons, "reasons": [refusal_dict(r) for r in reasons],
        "input_schema": schemas.json_schema(step.inputs), "to": step.target, "danger": step.danger, "mine": mine, "weight": step.weight,
        "forward": step.forward, "hints": [refusal_dict(r) for r in lacking], "quiet": any(r.quiet for r in reasons),
    }  # fmt: skip


def refusal_dict(reason: Refusal) -> dict[str, Any]:
    """One reason on the wire."""
    return {
        "code": reason.code, "message": reason.message.as_dict(),
        "lifted_by": reason.lifted_by.as_dict() if reason.lifted_by else None,
        "who": [{"role": role, "label": R.ROLES[role].as_dict()} for role in reason.who],
    }  # fmt: skip


# --- history, letters, papers ------------------------------------------------------------------------------------

_WORDS: dict[str, Text] = {
    "open": Text("Mở hồ sơ", "Opened"),
    "edit": Text("Sửa nội dung", "Edited"),
    "attach": Text("Đính kèm giấy tờ", "Paper attached"),
    "release": Text("Xác nhận giấy tờ không mật", "Paper confirmed as not classified"),
    "recuse": Text("Từ chối xử lý vì có liên quan", "Declared a conflict"),
    "note": Text("Ghi chủ đề nội bộ", "Topics noted"),
    "recount": Text("Tính lại thời hạn", "Due dates counted anew"),
    "not_duplicate": Text("Ghi: không trùng hồ sơ khác", "Noted: not a duplicate"),
}


def action_label(kind: str, action: str) -> Text:
    """The words of an action, those outside the flow included."""
    steps = FLOWS[kind].actions.get(action)
    return steps[0].label if steps else _WORDS.get(action, Text(action, action))


def history(office: Office, actor: Actor, ref: str, *, canonical: bool = False) -> list[dict[str, Any]]:
    """The entries of a case, oldest first; applicants and consultees get their own steps and state changes."""
    with office.db.read() as connection:
        row, held = loaded(office, connection, actor, ref)
        entries = store.query(
            connection,
            "SELECT e.seq, e.at, e.action, e.actor_id, e.role, e.org_id, e.from_state, e.to_state, e.round, e.prev, e.entry_hash, e.canonical,"
            " u.username, u.name, o.value AS reason FROM audit_entry e LEFT JOIN users u ON u.id = e.actor_id"
            " LEFT JOIN opening o ON o.stream = e.stream AND o.seq = e.seq AND o.field = 'input.reason'"
            " WHERE e.case_id = :id ORDER BY e.seq",
            id=row["id"],
        )
        principals = _principals(connection, entries)
    outside = authority.outside(held, actor)
    found = []
    for entry in entries:
        own = entry["actor_id"] == actor.id
        moved = entry["from_state"] != entry["to_state"]
        if outside and not own and not moved:
            continue
        shown = not outside or own
        flow = FLOWS[row["kind"]]
        item = {
            "seq": entry["seq"], "at": entry["at"], "action": entry["action"] if shown or _told(flow, entry) else "moved",
            "actor": {"username": entry["username"] or "clock", "name": entry["name"] or "Hệ thống"} if shown else None,
            "acting_for": principals.get(entry["seq"]) if shown else None, "role": entry["role"] if shown else None, "from": entry["from_state"], "to": entry["to_state"],
            "round": entry["round"], "reason": orjson.loads(entry["reason"]) if entry["reason"] and shown else None,
            "hash": entry["entry_hash"], "prev": entry["prev"],
            "label": action_label(row["kind"], entry["action"]).as_dict() if shown or _told(flow, entry) else None,
            "unit": Text("Sở Ngoại vụ", "Department of Foreign Affairs").as_dict() if not shown else None,
            "role_label": R.ROLES[entry["role"]].as_dict() if shown and entry["role"] in R.ROLES else None,
            "from_label": _label_of(flow, entry["from_state"], row, outside), "to_label": _label_of(flow, entry["to_state"], row, outside),
        }  # fmt: skip
        if outside and not own:
            # Which official station a file has reached is the office's own matter; the outward word is not.
            item["from"], item["to"] = _outward_state(flow, entry["from_state"]), _outward_state(flow, entry["to_state"])
            if item["from"] == item["to"]:
                continue
        if canonical and R.AUDITOR in held:
            item["canonical"] = entry["canonical"]
        found.append(item)
    return found


def _principals(connection: Connection, entries: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """In whose name entries were made, by their number, out of the sealed text: person, form, number of the paper."""
    marks = {e["seq"]: orjson.loads(e["canonical"])["acting_for"] for e in entries if '"acting_for":{' in e["canonical"]}
    people = _people(connection, *(mark["person"] for mark in marks.values()))
    unknown = {"username": None, "name": None}
    return {seq: {**people.get(mark["person"], unknown), "form": mark["form"], "paper_no": mark["paper"]} for seq, mark in marks.items()}


_PUBLIC_STATES = {"pending_endorsement", "pending_decision", "pending_committee", "pending_interviewee"}


def _outward_state(flow: Flow, state: str | None) -> str | None:
    return "under_review" if state in _PUBLIC_STATES else state


def _told(flow: Flow, entry: Mapping[str, Any]) -> bool:
    """Steps an applicant is told of by name: those that come out of or into a state they know."""
    return entry["to_state"] not in _PUBLIC_STATES and entry["from_state"] not in _PUBLIC_STATES


def _label_of(flow: Flow, state: str | None, row: Row, outside: bool) -> dict[str, str] | None:
    if state is None or state not in flow.states:
        return None
    found = flow.states[state]
    # An earlier entry keeps the word of its own day, whatever was moved since.
    return (outward_label(found, {"kind": row["kind"], "changed": False}) if outside else found.label).as_dict()


def deadlines(office: Office, actor: Actor, ref: str) -> list[dict[str, Any]]:
    """Every due date of a case with its sum, as far as the person may know them: outside, who was asked is not told."""
    with office.db.read() as connection:
        row, held = loaded(office, connection, actor, ref)
        return deadlines_for(office, row, actor, held)


def deadlines_for(office: Office, row: dict[str, Any], actor: Actor, held: frozenset[str]) -> list[dict[str, Any]]:
    """The same, on a case that is loaded already."""
    found = of_case(office, row)
    if authority.outside(held, actor) and row["kind"] in ("visit", "interview"):
        found = [item for item in found if item.clock in OUTSIDE or (item.clock in ("report",) and R.GUIDE in held)]
    return [item.as_dict() for item in found]


def letters(office: Office, actor: Actor, ref: str) -> list[dict[str, Any]]:
    """The letters of a case that this person may see, newest first."""
    with office.db.read() as connection:
        row, _ = loaded(office, connection, actor, ref)
    found = []
    for id_, kind, state, _, is_open, fields, memory, code, organisation_id, title in row["children"]:
        if kind != "letter":
            continue
        values = orjson.loads(fields)
        child = {
            "id": id_,
            "kind": kind,
            "state": state,
            "organisation_id": organisation_id,
            "parent": row,
            "fields": values,
            "created_by": "",
            "channel": row["channel"],
        }
        if not authority.visible(child, actor, authority.roles_on(child, actor)):
            continue
        issued = (orjson.loads(memory).get("acts") or {}).get("issue", {}).get("given", {})
        name = values["letter"]
        found.append({
            "id": id_, "code": code, "letter": name, "form": LETTERS[name].code, "label": LETTERS[name].label.as_dict(), "state": state,
            "state_label": FLOWS["letter"].states[state].label.as_dict(), "number": issued.get("number"), "on": issued.get("on"),
            "subject": values.get("subject", title), "is_open": bool(is_open),
            "recipients": [item.get("name") for item in values.get("recipients") or ()] if not authority.outside(frozenset(), actor) else [],
        })  # fmt: skip
    return list(reversed(found))


def papers(office: Office, actor: Actor, ref: str) -> list[dict[str, Any]]:
    """The papers of a case, newest first: name, file, who uploaded it as what, when; older versions are marked as replaced.

    One that is held back (`held`) is listed only to its uploader and to those who may release it. Outside, people are not named.
    A consulted body that reads identity papers is given the scans that went along with its question.
    """
    with office.db.read() as connection:
        row, held = loaded(office, connection, actor, ref)
        main, scans = scans_sent(office, connection, row, held)
        if main is not None:
            return _papers_of(office, main, _uploaded(connection, main["id"]), actor, held, lambda _, id_: id_ in scans.values())
        if not authority.reads_papers(held):
            raise NotFound()
        rows = _uploaded(connection, row["id"])
    return _papers_of(office, row, rows, actor, held, lambda name, id_: may_open(row, actor, held, name, id_))


def _uploaded(connection: Connection, case_id: str) -> list[dict[str, Any]]:
    """The rows of all papers of a case, oldest first."""
    return store.query(
        connection,
        "SELECT p.id, p.name, p.filename, p.size, p.media_type, p.file_hash, p.at, p.role, p.org_id, p.uploaded_by, u.name AS person"
        " FROM papers p LEFT JOIN users u ON u.id = p.uploaded_by WHERE p.case_id = :id ORDER BY p.at, p.id",
        id=case_id,
    )


def _papers_of(
    office: Office, row: Row, rows: list[dict[str, Any]], actor: Actor, held: frozenset[str], opens: Callable[[str, str], bool]
) -> list[dict[str, Any]]:
    """Those papers of a case that `opens` lets a person open, by name and id, newest first; `held` are the person's roles."""
    current = {paper["id"] for paper in row["papers"].values()}
    waiting, versions = held_papers(row), dict[str, int]()
    found = []
    for item in rows:
        paper = declared_paper(row, item["name"])
        versions[item["name"]] = versions.get(item["name"], 0) + 1
        if not opens(item["name"], item["id"]):
            continue
        why = waiting.get(item["id"])
        found.append({
            "id": item["id"], "name": item["name"], "label": paper.label.as_dict(), "filename": vault.filename(office, item), "size": item["size"],
            "media_type": item["media_type"], "hash": item["file_hash"], "at": item["at"], "sensitive": paper.sensitive,
            "current": paper.office or item["id"] in current, "version": versions[item["name"]],
            "by": {
                "role": item["role"], "role_label": R.ROLES[item["role"]].as_dict() if item["role"] in R.ROLES else None,
                "organisation": organisation_dict(office.organisation(item["org_id"])),
                "name": None if authority.outside(held, actor) and item["uploaded_by"] != actor.id else item["person"],
            },
            "held": HELD[why["why"]].as_dict() if why else None,
            "releasable": why is not None and why["by"] != actor.id and authority.releases(paper, held),
        })  # fmt: skip
    return list(reversed(found))


def scans_sent(office: Office, connection: Connection, row: Row, held: frozenset[str]) -> tuple[Row | None, dict[str, str]]:
    """For a consulted body at its own question: the request, and the scans of it that it reads, by name (`bundles.scans`).

    No request for everybody else, and for a body that was sent no scans along or reads them no more.
    """
    if row["kind"] != "consultation" or R.CONSULTEE not in held or not (row["memory"].get("shown") or {}).get("papers"):
        return None, {}
    main = store.load(connection, row["parent_id"])
    found = bundles.scans(office, main, row) if main else {}
    return (main, found) if found else (None, {})


# Why a paper is held back, in words.
HELD: dict[str, Text] = {
    "stamp": Text("Tên tệp hoặc nội dung có chữ MẬT, TỐI MẬT hoặc TUYỆT MẬT", "Its name or text bears a stamp of secrecy"),
    "unread": Text("Máy chưa đọc hết được nội dung", "Its text could not be read to the end"),
    "unticked": Text("Là ảnh quét, người tải lên chưa cam kết là không mật", "It is a picture, and the uploader has not said that it is not classified"),
}  # fmt: skip


def held_papers(row: Row) -> Mapping[str, Mapping[str, str]]:
    """The papers of a case that are held back, by id: why, and who uploaded them."""
    found: Mapping[str, Mapping[str, str]] = row["memory"].get("held") or {}
    return found


def declared_paper(row: Row, name: str) -> Paper:
    """The paper of that name as the kind of the case declares it; a consultation has those of the case it belongs to."""
    kind = row["parent"]["kind"] if row["kind"] == "consultation" and row["parent"] else row["kind"]
    return next(paper for paper in FLOWS[kind].papers if paper.name == name)


def may_open(row: Row, actor: Actor, held: frozenset[str], name: str, paper_id: str) -> bool:
    """Whether one paper of a case exists for this person."""
    paper, waiting = declared_paper(row, name), held_papers(row).get(paper_id)
    if not authority.reads_paper(paper, held, actor):
        return False
    return waiting is None or waiting["by"] == actor.id or authority.releases(paper, held)


# --- lists -----------------------------------------------------------------------------------------------------

_LISTED = (
    "c.id, c.code, c.kind, c.state, c.phase, c.version, c.title, c.outlet, c.country, c.urgent, c.due_at, c.is_open, c.created_at,"
    " c.category, (c.state = 'suspended' AND c.memory LIKE :w_imposed) AS imposed,"
    " (c.state IN ('approved', 'accompanied') AND (c.memory LIKE :w_postponed OR c.memory LIKE :w_rescheduled)) AS changed,"
    " c.updated_at, c.first_day, c.last_day, c.organisation_id, c.parent_id, c.channel, c.round, c.created_by,"
    " c.returned_to, k.statutory_due, k.first_due, k.answered_at, k.extended, k.received_at, o.name AS officer_name, g.name AS guide_name,"
    " p.code AS parent_code, p.kind AS parent_kind"
)
SORTS = {"created": ("c.created_at", "DESC"), "-created": ("c.created_at", "DESC"), "due": ("c.due_at", "ASC"), "updated": ("c.updated_at", "DESC")}


def _scope(actor: Actor) -> tuple[str, dict[str, Any]]:
    """The cases a person may see, as a condition with its values: the gateway of every list."""
    parts: list[str] = []
    values: dict[str, Any] = {"v_me": actor.id}
    if actor.has(R.AUDITOR):
        return "1 = 1", values
    if actor.has(*authority.DEPARTMENT):
        parts.append("(c.state NOT IN ('draft', 'discarded') OR c.kind NOT IN ('visit', 'interview'))")
    if actor.has(R.INTAKE):
        parts.append("(c.channel <> 'online' AND c.kind IN ('visit', 'interview'))")
    if actor.has(R.REGISTRY):
        parts.append("(c.kind = 'letter' OR c.accepted OR (c.kind = 'consultation' AND p.accepted))")
    if actor.has(R.COMMITTEE):
        parts.append("((c.kind = 'visit' AND c.referred) OR (p.kind = 'visit' AND p.referred))")
    if actor.has(R.GUIDE):
        parts.append("(c.guide_id = :v_me AND c.state IN ('approved','accompanied','suspended','reported','closed','cancelled','no_show','revoked'))")
    letters = "abcdefgh"
    for index, org in enumerate(sorted(actor.organisations(R.LEADER_OFFICE))[:8]):
        values[f"v_l{letters[index]}"] = org
        name = f":v_l{letters[index]}"
        parts.append(f"(c.kind = 'interview' AND c.office_id = {name} AND c.state NOT IN ('draft', 'discarded'))")
        parts.append(f"(c.kind = 'letter' AND p.kind = 'interview' AND p.office_id = {name})")
    for index, org in enumerate(sorted(actor.organisations(R.CONSULTEE))[:8]):
        values[f"v_c{letters[index]}"] = org
        parts.append(f"(c.kind = 'consultation' AND c.organisation_id = :v_c{letters[index]})")
    own = [(m.organisation_id, m.lead) for m in actor.memberships if m.role == R.APPLICANT][:8]
    for index, (org, lead) in enumerate(own):
        values[f"v_a{letters[index]}"] = org
        mine = "" if lead else " AND c.created_by = :v_me"
        parts.append(f"(c.kind IN ('visit', 'interview') AND c.organisation_id = :v_a{letters[index]}{mine})")
    return ("(" + " OR ".join(parts) + ")") if parts else "1 = 0", values


# A visit that others suspended waits for whoever records that it goes on; quotation marks inside a text are escaped in JSON.
IMPOSED = '%"suspended":{"by":"other"%'
POSTPONED, RESCHEDULED = '%"postpone":{"by":%', '%"reschedule":{"by":%'
RECORDS_RESUMPTION = (R.GUIDE, R.OFFICER)


def signers_of(office: Office, name: str) -> tuple[str, ...]:
    """The roles that may sign a type of letter; the first one is who usually does."""
    return office.profile.signers(name) or LETTERS[name].signers


def waits_of(office: Office, flow: Flow, row: Row) -> tuple[str, ...]:
    """The roles that a case (of a list, or loaded) waits for: those of its state, a draft letter's own signers, who records a resumption."""
    if row["kind"] == "letter" and row["state"] == "drafted" and row["category"] in LETTERS:
        return signers_of(office, row["category"])
    imposed = row["imposed"] if "imposed" in row else row["state"] == "suspended" and (row["memory"].get("suspended") or {}).get("by") == "other"
    return RECORDS_RESUMPTION if imposed else flow.states[row["state"]].waits_for


def _to_sign(office: Office, actor: Actor, mine: bool) -> tuple[list[str], dict[str, Any]]:
    """Drafted letters that this person may sign; as `mine` those they usually sign, as officer those of their own cases."""
    parts: list[str] = []
    values: dict[str, Any] = {}
    for role in dict.fromkeys(m.role for m in actor.memberships):
        names = [n for n in LETTERS if role in signers_of(office, n)[: 1 if mine and role != R.OFFICER else None]]
        if not names:
            continue
        types = ", ".join(f"'{name}'" for name in names)
        condition = f"c.kind = 'letter' AND c.state = 'drafted' AND c.category IN ({types})"
        if role == R.OFFICER:
            condition += " AND p.officer_id = :w_me" if mine else ""
        elif role == R.COMMITTEE:
            condition += " AND p.kind = 'visit' AND p.referred"
        elif role == R.LEADER_OFFICE:
            values["w_office"] = next(iter(sorted(actor.organisations(role))))
            condition += " AND p.kind = 'interview' AND p.office_id = :w_office"
        parts.append(f"({condition})")
    return parts, values


def _scope_with(office: Office, actor: Actor, mandates: tuple[Mandate, ...]) -> tuple[str, dict[str, Any]]:
    """The cases a person may see, those included that wait for an act delegated to them."""
    scope, values = _scope(actor)
    lent = _lent_waits(office, mandates, False)
    if not lent:
        return scope, values
    return f"({scope} OR {' OR '.join(lent)})", {**values, "w_imposed": IMPOSED}


def _lent_waits(office: Office, mandates: Iterable[Mandate], mine: bool) -> list[str]:
    """Conditions of the cases that wait for an act somebody has delegated to the reader, for each role that is lent."""
    parts: list[str] = []
    for mandate in mandates:
        lender = replace(mandate.principal, memberships=tuple(m for m in mandate.principal.memberships if m.role in authority.LENDERS))
        if mandate.covers("letter", "sign"):
            parts += _to_sign(office, lender, mine)[0]
        for kind, state, role in _lent_stations(mandate):
            condition = f"c.kind = '{kind}' AND c.state = '{state.name}'"
            condition += " AND (c.referred OR p.referred)" if role == R.COMMITTEE else ""
            condition += " AND c.memory NOT LIKE :w_imposed" if state.name == "suspended" else ""
            parts.append(f"({condition})")
    return parts


def _lent_stations(mandate: Mandate) -> Iterator[tuple[str, State, str]]:
    """Kinds and states that wait for a role of the principal's, where the delegation names an act of that role."""
    for kind, flow in FLOWS.items():
        for state in flow.states_:
            if (kind, state.name) == ("letter", "drafted"):  # drafts wait for their signers, by type
                continue
            named = [step for step in flow.leaving(state.name) if mandate.covers(kind, step.action)]
            for role in state.waits_for:
                if role in authority.LENDERS and mandate.principal.has(role) and any(role in step.by for step in named):
                    yield kind, state, role


def _waiting(office: Office, actor: Actor, mine: bool, mandates: tuple[Mandate, ...]) -> tuple[str, dict[str, Any]]:
    """Cases that wait for this person (`mine`) or for anybody with one of their roles (the unit), delegations included."""
    parts, values = _to_sign(office, actor, mine)
    parts += _lent_waits(office, mandates, mine)
    values |= {"w_me": actor.id, "w_imposed": IMPOSED}
    for kind, flow in FLOWS.items():
        for state in flow.states_:
            typed = kind == "letter" and state.name == "drafted"
            for role in state.waits_for:
                for membership in (m for m in actor.memberships if m.role == role):
                    condition = f"c.kind = '{kind}' AND c.state = '{state.name}'"
                    if typed:  # drafts of an earlier release bear no type in their row: they wait as their state says
                        condition += " AND c.category IS NULL"
                    if mine and (role, state.name) == (R.INTAKE, "requested"):  # one that was answered goes back to who asked
                        condition += " AND (c.returned_to IS NULL OR c.returned_to = :w_me)"
                    if role == R.OFFICER:
                        main = "c.officer_id" if kind in ("visit", "interview") else "p.officer_id"
                        condition += f" AND {main} = :w_me" if mine else ""
                    elif role == R.GUIDE:
                        condition += " AND c.guide_id = :w_me"
                    elif role == R.APPLICANT:
                        values["w_org"] = membership.organisation_id
                        condition += " AND c.organisation_id = :w_org" + ("" if membership.lead and not mine else " AND c.created_by = :w_me")
                    elif role in (R.CONSULTEE,):
                        values["w_con"] = membership.organisation_id
                        condition += " AND c.organisation_id = :w_con"
                    elif role == R.LEADER_OFFICE:
                        values["w_lead"] = membership.organisation_id
                        condition += " AND c.office_id = :w_lead"
                    elif role == R.COMMITTEE:
                        condition += " AND (c.referred OR p.referred)"
                    if state.name == "suspended":
                        condition += " AND c.memory NOT LIKE :w_imposed"
                    parts.append(f"({condition})")
    imposed = "c.kind = 'visit' AND c.state = 'suspended' AND c.memory LIKE :w_imposed"
    if actor.has(R.GUIDE):
        parts.append("(" + imposed + " AND c.guide_id = :w_me)")
    if actor.has(R.OFFICER):
        parts.append("(" + imposed + (" AND c.officer_id = :w_me)" if mine else ")"))
        # An approved visit without a guide, or one the officer stands in for, is the officer's to move on.
        parts.append("(c.kind IN ('visit', 'interview') AND c.state = 'approved' AND c.officer_id = :w_me AND c.guide_id IS NULL)")
    return ("(" + " OR ".join(dict.fromkeys(parts)) + ")") if parts else "1 = 0", values


# A printed code of a case, as people type it.
_CODE = re.compile(r"[a-z]{1,8}-[vicl]-[0-9]{4}-[0-9]{1,8}", re.IGNORECASE)
# Whoever looks for a number wants the case itself first, then visits and interviews, then what belongs to them.
_NEAREST = "(CASE WHEN c.code = :f_code THEN 0 WHEN c.parent_id IS NULL THEN 1 ELSE 2 END)"
# What the applicant has answered stands on top of the inbox of the person it came back to.
_ANSWERED = "(CASE WHEN c.returned_to = :v_me THEN 0 ELSE 1 END)"


def _ranked(connection: Connection, actor: Actor, place: tuple[str, str] | None) -> bool:
    """Whether something came back to this person: only then is their inbox ordered by it. A further page keeps the order of the first."""
    if place is not None:
        return " " in place[0]
    return bool(store.query(connection, "SELECT 1 AS one FROM cases WHERE returned_to = :me AND is_open LIMIT 1", me=actor.id))


def encode_cursor(*parts: str) -> str:
    """Where the next page of a list begins."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[str, str]:
    """The two parts of a cursor; raises `Invalid` for what none of ours is."""
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if isinstance(found, list) and len(found) == 2 and all(isinstance(part, str) for part in found):
            return found[0], found[1]
    except (ValueError, UnicodeError):
        pass
    raise Invalid({"cursor": [TEXTS["choice"]]})


FLAGS = ("open", "overdue", "mine", "inbox")
FILTERS = (*FLAGS, "kind", "state", "phase", "organisation", "country", "from", "to", "q", "parent", "sort", "limit", "cursor")


def parse_filters(given: Mapping[str, str]) -> dict[str, Any]:
    """Check the filters of a list; raises `Invalid` by name."""
    found: dict[str, Any] = {}
    errors: dict[str, list[Text]] = {}
    for name, value in given.items():
        if name not in FILTERS:
            errors[name] = [TEXTS["unknown"]]
        elif value == "":
            continue
        elif name in FLAGS:
            if value not in ("true", "false"):
                errors[name] = [TEXTS["bool"]]
            found[name] = value == "true"
        elif name == "limit":
            if not value.isascii() or not value.isdigit() or not 1 <= int(value[:6]) <= 100:
                errors[name] = [TEXTS["large"].format(n=100)]
            else:
                found[name] = int(value)
        elif name == "sort":
            if value not in SORTS:
                errors[name] = [TEXTS["choice"]]
            found[name] = value
        elif (name == "kind" and value not in FLOWS) or (name == "phase" and value not in PHASES):
            errors[name] = [TEXTS["choice"]]
        elif name in ("from", "to"):
            try:
                found[name] = schemas.read(Field(name, "date", TEXTS["date"]), value)
            except Exception:  # marshmallow's own error: the sentence is ours
                errors[name] = [TEXTS["date"]]
        elif len(value) > 300 or "\x00" in value or not value.isprintable():
            errors[name] = [TEXTS["long"].format(n=300)]
        else:
            found[name] = value
    if errors:
        raise Invalid(errors)
    return found


def list_cases(office: Office, actor: Actor, filters: Mapping[str, Any]) -> dict[str, Any]:
    """A page of cases: {items, next_cursor}. One query, whatever the number of rows."""
    with office.db.read() as connection:
        office.refresh(connection)
        mandates = delegations.in_force(connection, actor)
        return _page_of(office, connection, actor, filters, mandates)


def _page_of(office: Office, connection: Connection, actor: Actor, filters: Mapping[str, Any], mandates: tuple[Mandate, ...]) -> dict[str, Any]:
    scope, values = _scope_with(office, actor, mandates)
    values |= {"w_imposed": IMPOSED, "w_postponed": POSTPONED, "w_rescheduled": RESCHEDULED}
    where = [scope]
    inbox = filters.get("inbox")
    if inbox or filters.get("mine"):
        waiting, more = _waiting(office, actor, bool(filters.get("mine")) or inbox is not True, mandates)
        where.append("c.is_open" if inbox else "1 = 1")
        where.append(waiting if inbox else f"({waiting} OR c.created_by = :v_me OR c.officer_id = :v_me OR c.guide_id = :v_me)")
        values |= more
    for name in ("kind", "state", "phase", "country"):
        if name in filters:
            where.append(f"c.{name} = :f_{name}")
            values[f"f_{name}"] = filters[name]
    if "open" in filters:
        where.append("c.is_open" if filters["open"] else "NOT c.is_open")
    stamp = clock.stamp(clock.now())
    if "overdue" in filters:
        late = "(c.is_open AND k.answered_at IS NULL AND k.statutory_due < :f_now)"
        where.append(late if filters["overdue"] else f"NOT coalesce({late}, 1 = 0)")
        values["f_now"] = stamp
    if "organisation" in filters:
        where.append("c.organisation_id = (SELECT id FROM organisations WHERE code = :f_org)")
        values["f_org"] = filters["organisation"]
    if "from" in filters:
        where.append("c.last_day >= :f_from")
        values["f_from"] = filters["from"]
    if "to" in filters:
        where.append("c.first_day <= :f_to")
        values["f_to"] = filters["to"]
    if "parent" in filters:
        where.append("(p.id = :f_parent OR p.code = :f_parent)")
        values["f_parent"] = filters["parent"]
    code = next((word.upper() for word in str(filters.get("q", "")).split() if _CODE.fullmatch(word)), None)
    if code:
        values["f_code"] = code
    if "q" in filters:
        for index, word in enumerate(fold(filters["q"]).split()[:6]):
            key = f"f_q{'abcdef'[index]}"
            where.append(f"(c.search_text LIKE :{key} ESCAPE '~' OR c.search_text LIKE :{key}_m)")
            values[f"{key}_m"] = f"%{office.keys.asked(dossier.number_of(word) or word)}%"
            values[key] = "%" + word.replace("~", "~~").replace("%", "~%").replace("_", "~_") + "%"
    column, order = SORTS[filters.get("sort") or ("due" if inbox else "created")]
    limit = int(filters.get("limit") or 25)
    place = decode_cursor(filters["cursor"]) if "cursor" in filters else None
    nearest = _NEAREST if code else _ANSWERED if inbox and column == "c.due_at" and _ranked(connection, actor, place) else "1"
    ranked = nearest != "1"
    if place:
        at, id_ = place
        sign = "<" if order == "DESC" else ">"
        after = f"({column} {sign} :k_at OR ({column} = :k_at AND c.id {sign} :k_id))"
        if ranked:
            near, _, at = at.rpartition(" ")
            if near not in ("0", "1", "2"):
                raise Invalid({"cursor": [TEXTS["choice"]]})
            after = f"({nearest} > {near} OR ({nearest} = {near} AND {after}))"
        where.append(after)
        values |= {"k_at": at, "k_id": id_}
    first = "near, " if ranked else ""
    sql = (
        f"SELECT {_LISTED}, {nearest} AS near FROM cases c LEFT JOIN case_clock k ON k.case_id = c.id LEFT JOIN users o ON o.id = c.officer_id"
        " LEFT JOIN users g ON g.id = c.guide_id LEFT JOIN cases p ON p.id = c.parent_id"
        f" WHERE {' AND '.join(where)} ORDER BY {first}{column} {order}, c.id {order} LIMIT {limit + 1}"
    )
    rows = store.query(connection, sql, **values)
    page = rows[:limit]
    name = column.split(".")[1]
    following = encode_cursor(f"{page[-1]['near']} {page[-1][name]}" if ranked else page[-1][name], page[-1]["id"]) if len(rows) > limit else None
    outside = not actor.staff
    return {"items": [_listed(office, row, stamp, outside, actor, mandates) for row in page], "next_cursor": following}


def _listed(office: Office, row: dict[str, Any], stamp: str, outside: bool, actor: Actor, mandates: tuple[Mandate, ...]) -> dict[str, Any]:
    flow = FLOWS[row["kind"]]
    state = flow.states[row["state"]]
    late, overdue = lateness(row, clock.moment(stamp), bool(row["is_open"]))
    consultee = row["kind"] == "consultation" and outside
    waits = waits_of(office, flow, row)
    return {
        "id": row["id"], "code": row["code"], "kind": row["kind"], "kind_label": flow.title.as_dict(), "state": row["state"],
        "state_label": (outward_label(state, row) if outside else state.label).as_dict(), "phase": row["phase"], "version": row["version"],
        "title": row["title"], "outlet": row["outlet"], "country": row["country"], "urgent": bool(row["urgent"]), "round": row["round"],
        "organisation": organisation_dict(office.organisation(row["organisation_id"])),
        "officer": None if outside else ({"name": row["officer_name"]} if row["officer_name"] else None),
        "waits_for": [{"role": role, "label": R.ROLES[role].as_dict()} for role in waits] if not outside else [],
        "waits_unit": _waits_unit(actor, waits) if outside else None,
        "due_at": None if row["due_at"] == NEVER else row["due_at"], "due": {"statutory": row["statutory_due"]}, "first_due": row["first_due"],
        "overdue": overdue, "late": late, "is_open": bool(row["is_open"]), "created_at": row["created_at"], "updated_at": row["updated_at"],
        "received_at": row["received_at"], "first_day": row["first_day"], "last_day": row["last_day"],
        "applicant_answered": row["returned_to"] == actor.id,
        "parent": {"id": row["parent_id"], "code": row["parent_code"], "kind": row["parent_kind"]} if row["parent_id"] and not consultee else None,
        "main_action": _main_action(office, flow, row, actor),
        **(_lent_to(office, flow, row, actor, mandates) or {"through": None}),
    }  # fmt: skip


def _lent_to(office: Office, flow: Flow, row: Row, actor: Actor, mandates: tuple[Mandate, ...]) -> dict[str, Any] | None:
    """For a case that waits for a role the reader does not hold but was lent: in whose name it would be done, and what."""
    waits = waits_of(office, flow, row)
    if actor.has(*waits):
        return None
    for mandate in mandates:
        roles = {role for role in waits if role in authority.LENDERS and mandate.principal.has(role)}
        for step in flow.leaving(row["state"]):
            if roles & set(step.by) and mandate.covers(row["kind"], step.action) and step.forward:
                principal = {"username": mandate.principal.username, "name": mandate.principal.name}
                way = {"delegation": mandate.id, "principal": principal, "form": mandate.form, "paper": mandate.paper_no}
                return {"through": way, "main_action": {"name": step.action, "label": step.label.as_dict()}}
    return None


def _waits_unit(actor: Actor, waits: tuple[str, ...]) -> dict[str, str] | None:
    """Who a case waits for, told outside: the readers themselves or the Department; which station is the office's own matter."""
    if not waits:
        return None
    if actor.has(*waits):
        return (Text("Ông/Bà", "You") if actor.has(R.GUIDE) else Text("Quý cơ quan", "Your organisation")).as_dict()
    return Text("Sở Ngoại vụ", "Department of Foreign Affairs").as_dict()


def _main_action(office: Office, flow: Flow, row: Row, actor: Actor) -> dict[str, Any] | None:
    """The step that this person would most likely take next; whether it is open the case page says."""
    closed = {"resume", "log"} if row["imposed"] else {"record_resumption"}
    if row["kind"] == "letter" and not actor.has(*waits_of(office, flow, row)):
        closed.add("sign")
    for step in flow.leaving(row["state"]):
        if actor.has(*step.by) and step.forward and step.action not in closed:
            return {"name": step.action, "label": step.label.as_dict()}
    return None


def inbox_counts(office: Office, actor: Actor) -> dict[str, int]:
    """Counters of the inbox (mine, my unit's, overdue and due today) and of unread notices, in one query."""
    with office.db.read() as connection:
        return _counts(office, connection, actor, delegations.in_force(connection, actor))


def _counts(office: Office, connection: Connection, actor: Actor, mandates: tuple[Mandate, ...]) -> dict[str, int]:
    scope, values = _scope_with(office, actor, mandates)
    waiting, more = _waiting(office, actor, True, mandates)
    unit, more_unit = _waiting(office, actor, False, mandates)
    now = clock.now()
    end = clock.stamp(clock.at_local(clock.local(now).date() + timedelta(days=1), office.profile.hour("opens").replace(hour=0, minute=0)))
    row = store.query(
        connection,
        f"SELECT coalesce(sum(CASE WHEN {waiting} THEN 1 ELSE 0 END), 0) AS mine, coalesce(sum(CASE WHEN {unit} THEN 1 ELSE 0 END), 0) AS unit,"
        f" coalesce(sum(CASE WHEN {waiting} AND c.due_at < :i_now THEN 1 ELSE 0 END), 0) AS overdue,"
        f" coalesce(sum(CASE WHEN {waiting} AND c.due_at >= :i_now AND c.due_at < :i_end THEN 1 ELSE 0 END), 0) AS today,"
        " (SELECT count(*) FROM notices n WHERE n.user_id = :v_me AND n.read_at IS NULL) AS notices"
        f" FROM cases c LEFT JOIN cases p ON p.id = c.parent_id WHERE c.is_open AND {scope}",
        **{**values, **more, **more_unit}, i_now=clock.stamp(now), i_end=end,
    )[0]  # fmt: skip
    return {name: int(value) for name, value in row.items()}


def declared(flow: Flow, pointer: str) -> Text:
    """The label of a pointer such as /crew/<row>/passport_no or paper:passport, whatever the row."""
    if pointer.startswith("paper:"):
        return next((p.label for p in flow.papers if p.name == pointer[6:]), Text(pointer, pointer))
    parts, items, labels = pointer.strip("/").split("/"), flow.fields, []
    for part in parts:
        found = next((item for item in items if item.name == part), None)
        if found is None:
            continue
        labels.append(found.label)
        items = found.fields if isinstance(found, Group | Rows) else ()  # type: ignore[assignment]
    return Text(" · ".join(x.vi for x in labels), " · ".join(x.en for x in labels)) if labels else Text(pointer, pointer)


def organisations(office: Office) -> list[Organisation]:
    """The catalogue of organisations by code."""
    with office.db.read() as connection:
        office.refresh(connection)
    return sorted(office.organisations.values(), key=lambda item: item.code)


def mark_notices_read(office: Office, actor: Actor) -> None:
    """Mark all notices of a person as read."""

    def work(connection: Connection) -> None:
        store.execute(connection, "UPDATE notices SET read_at = :now WHERE user_id = :id AND read_at IS NULL", now=clock.stamp(clock.now()), id=actor.id)

    office.db.transact(work)
