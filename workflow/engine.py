"""Open, edit, perform: the only writer of a case.

Exactly one function changes a case by an action of its kind, `perform`. Case, audit entry, openings,
deadline row and outgoing messages are written in one transaction; nothing is sent or rendered before it
commits. The order in which a refusal is answered is fixed (security, section 3.2): absent or not visible,
unknown action, stored answer, unreadable body, role in no state, version, state, role here, fields, needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from states import FLOWS, Facts, Flow, Refused, flow_for, walk
from states import roles as R
from states.kinds.letter import LETTERS
from states.language import Effect, Group, Refusal, Rows, Step, Text, blank, moment
from states.machine import role_refusal
from states.needs import row_of
from workflow import authority, bundles, chance, clock, delegations, doctor, dossier, marks, pins, returns, routing, schemas, store
from workflow.audit import entry as audit
from workflow.authority import Actor, Mandate, Row
from workflow.categories import authority_of
from workflow.deadlines import NEVER, noon_of, promised
from workflow.errors import Conflict, Invalid, NeedsUnmet, NotFound, RoleRefused, Stale, TooLarge, VersionRequired, WorkflowError
from workflow.facts import facts_of
from workflow.fold import fold
from workflow.office import Office
from workflow.schemas import TEXTS
from workflow.store import Change

Given = Mapping[str, Any] | Callable[[], Any]
SECRET_INPUTS = frozenset({"seen"})


@dataclass(frozen=True, slots=True)
class Done:
    """What an act left behind: the case, its new version and, for a repeated key, that nothing was done."""

    case_id: str
    version: int
    entry_hash: str = ""
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Once:
    """An idempotency key of one person on one route, with the hash of the body it came with."""

    user_id: str
    scope: str
    key: str
    body_hash: str


@dataclass(slots=True)
class _Entry:
    """The parts of an audit entry that depend on the act."""

    action: str
    role: str
    source: str | None
    target: str
    round: int
    inputs: Mapping[str, Any]
    decides: bool = False
    content_hash: str = ""
    basis: str = ""
    papers: tuple[str, ...] = ()
    extra: Mapping[str, Any] | None = None
    sealed: Mapping[str, str] = field(default_factory=dict)  # openings that hold personal data, as they are stored


def _append(change: Change, row: Mapping[str, Any], actor: Actor, now: str, made: _Entry, request_id: str) -> str:
    """One entry at the end of the case's stream, with salted openings for all that is not a code."""
    stream, seq = f"case/{row['id']}", row["version"] + 1
    commitments: dict[str, str] = {}
    for name, value in made.inputs.items():
        if name in SECRET_INPUTS or value is None:
            continue
        salt, text = chance.salt(), orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        where = f"input.{name}"
        commitments[where] = audit.commitment(where, salt, text)
        change.add("opening", {"stream": stream, "seq": seq, "field": where, "salt": salt.hex(), "value": made.sealed.get(name, text)})
    grounds = made.inputs.get("grounds") or ([made.inputs["ground"]] if made.inputs.get("ground") else [])
    org = _acting_organisation(actor, made.role) or (_acting_organisation(actor.acting.principal, made.role) if actor.acting else "")
    document: dict[str, Any] = {
        "fmt": "fpd-audit/1", "log_id": audit.LOG_ID, "stream": stream, "seq": seq, "at": now, "actor": actor.id, "role": made.role,
        "action": made.action, "to": made.target, "round": made.round, "flow": f"{row['kind']}@{row['flow_version']}",
        "content_hash": made.content_hash, "commitments": commitments, "papers": list(made.papers),
        "prev": row["head_hash"] or audit.GENESIS,
    }  # fmt: skip
    if made.source is not None:
        document["from"] = made.source
    if actor.acting:
        document["acting_for"] = actor.acting.mark
    if org:
        document["org"] = org
    if made.basis:
        document["basis"] = made.basis
    if grounds:
        document["reason_code"] = ",".join(grounds)
    if request_id:
        document["request_id"] = request_id
    if made.inputs.get("seen"):
        document["seen"] = made.inputs["seen"]
    if made.extra:
        document.update(made.extra)
    canonical = audit.canonical(document)
    head = audit.entry_hash(canonical)
    change.add(
        "audit_entry",
        {
            "stream": stream, "seq": seq, "case_id": row["id"], "at": now, "actor_id": actor.id, "role": made.role, "org_id": org or None,
            "action": made.action, "from_state": made.source, "to_state": made.target, "round": made.round, "decides": made.decides,
            "prev": document["prev"], "entry_hash": head, "canonical": canonical.decode(),
        },
    )  # fmt: skip
    return head


def _acting_organisation(actor: Actor, role: str) -> str:
    return next((m.organisation_id for m in actor.memberships if m.role == role), "")


# --- opening -------------------------------------------------------------------------------------------


def open_case(
    office: Office,
    actor: Actor,
    kind: str,
    fields: Any,
    *,
    parent: str | None = None,
    on_behalf_of: Mapping[str, Any] | None = None,
    letter: str | None = None,
    replaces: str | None = None,
    related: str | None = None,
    once: Once | None = None,
    request_id: str = "",
) -> Done:
    """Open a case by hand.

    Visits and interviews by an applicant, or by intake on behalf of one (`on_behalf_of`: organisation code,
    channel, received_at, incoming_no); letters by officer or registry on a parent. `related` names another request of the
    same organisation that it belongs with, such as the visit of an interview. Raises `RoleRefused` for
    anybody else, `Invalid` by field, `NotFound` for an unknown or invisible parent.
    """

    def work(connection: Connection) -> Done:
        office.refresh(connection)
        if once and (done := _replayed(connection, once)):
            return done
        flow = FLOWS.get(kind)
        if flow is None:
            raise Invalid({"kind": [TEXTS["choice"]]})
        if not flow.openers or not actor.has(*flow.openers):
            raise RoleRefused((role_refusal(tuple(flow.openers)),))
        now = _now(office)
        change = Change()
        if kind == "letter":
            id_ = _open_letter_by_hand(office, connection, change, actor, parent, letter, replaces, fields, now)
        else:
            beside = _beside(connection, actor, related) if related is not None else None
            id_ = _open_request(office, connection, change, flow, actor, fields, on_behalf_of, beside, now)
            if beside is not None:
                change.add("relations", {"case_id": id_, "related_id": beside["id"], "at": clock.stamp(now)})
        version = 1
        _remember(change, once, id_, version, now, 201)
        store.write(connection, change)
        return Done(id_, version)

    return office.db.transact(work)


def _now(office: Office) -> datetime:
    return clock.now()


def _open_request(
    office: Office, connection: Connection, change: Change, flow: Flow, actor: Actor, fields: Any,
    behalf: Mapping[str, Any] | None, beside: Row | None, now: datetime,
) -> str:  # fmt: skip
    channel, received, memory = "online", None, {}
    if behalf is not None:
        if not actor.has(R.INTAKE):
            raise RoleRefused((role_refusal((R.INTAKE,)),))
        asked = schemas.load(BEHALF, behalf)
        organisation = office.agency(asked["organisation"], "on_behalf_of/organisation", "requesting").id
        channel, received = asked["channel"], asked.get("received_at")
        if received and (moment(received) or now) > now:
            raise Invalid({"on_behalf_of/received_at": [TEXTS["moment"]]})
        memory = {"behalf": {k: v for k, v in (asked | _came_with(beside, organisation, asked)).items() if v is not None}}
        role = R.INTAKE
    else:
        own = sorted(actor.organisations(R.APPLICANT))
        if not own:
            raise RoleRefused((role_refusal((R.APPLICANT,)),))
        organisation, role = own[0], R.APPLICANT
    values = schemas.drop_nulls(schemas.load(flow.fields, fields, strict=False))
    schemas.give_row_ids(flow.fields, values, {})
    memory["duties"] = {"open": [actor.id]}
    row = _new_row(office, flow, flow.start, organisation, actor.id, channel, values, memory, now)
    row["office_id"] = leader_office(office, values) if flow.kind == "interview" else None
    _write_opening(office, change, row, values, {}, actor, role, now, {})
    return str(row["id"])


def _beside(connection: Connection, actor: Actor, ref: str) -> Row:
    """The request that a new one is linked with; the person must be one who may file on it. Each is read from the other."""
    row = store.load(connection, ref)
    held = authority.roles_on(row, actor) if row else frozenset()
    if row is None or row["kind"] not in ("visit", "interview") or not held & {R.APPLICANT, R.INTAKE}:
        raise Invalid({"related": [TEXTS["case"]]})
    return row


def _came_with(beside: Row | None, organisation: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """When and under which number the letter came in that asks for both: it was received once. Nothing where they came apart."""
    if (
        beside is None
        or (beside["organisation_id"], beside["channel"]) != (organisation, asked["channel"])
        or asked.get("received_at")
        or asked.get("incoming_no")
    ):
        return {}
    sent = (beside["memory"].get("acts") or {}).get("submit") or {"given": {}}
    first = {**(beside["memory"].get("behalf") or {}), **sent["given"]}
    return {name: first[name] for name in ("received_at", "incoming_no") if first.get(name)}


def leader_office(office: Office, fields: Mapping[str, Any]) -> str | None:
    """R12–R15: the office of the leader asked answers an interview; it is chosen, never consulted."""
    code = str((fields.get("leader") or {}).get("agency") or "")
    if routing.level_of(office.profile, code) == "national":
        return None  # the Ministry's, even where the interview is held here (Nghị định 262/2026 art. 16(1))
    found = office.organisations.get(routing.office_of(office.profile, code) or code)
    # A leader whom the locality's table does not name is answered for by an office of leaders, or not here at all.
    listed = office.profile.leader(code) is not None
    return found.id if found and (listed or found.kind == "leader_office") else None


def _new_row(
    office: Office, flow: Flow, state: str, organisation: str | None, created_by: str, channel: str,
    fields: Mapping[str, Any], memory: Mapping[str, Any], now: datetime, *, parent: Row | None = None, origin: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    found = flow.states[state]
    stamp = clock.stamp(now)
    return {
        "id": chance.public_id(), "code": None, "kind": flow.kind, "flow_version": flow.version, "state": state,
        "phase": found.phase, "version": 0, "round": 1, "head_hash": "", "parent_id": parent["id"] if parent else None,
        "origin": origin, "organisation_id": organisation, "created_by": created_by, "channel": channel,
        "officer_id": None, "guide_id": None, "leader_id": None, "office_id": None, "returned_to": None,
        "authority": authority_of(fields.get("category")), "urgent": False, "referred": False, "accepted": False,
        "is_open": flow.is_open(state), "due_at": NEVER, "memory": memory, "dossier_no": 1, "created_at": stamp,
        "updated_at": stamp, **dossier.summary(flow.kind, fields, office.keys),
    }  # fmt: skip


def _write_dossier(
    office: Office, change: Change, row: Row, no: int, round_: int, fields: Mapping[str, Any], papers: Mapping[str, Any], content: str,
    actor: Actor, stamp: str,
) -> None:  # fmt: skip
    """One version of a dossier: what identifies a person is sealed to its place, the content hash is of what was typed.

    The marks by which it is found are written with it, as far as they differ from those of the version before.
    """
    change.add("dossiers", {
        "case_id": row["id"], "no": no, "round": round_, "fields": dossier.stored(flow_for(row["kind"]).fields, fields, office.keys, row["id"]),
        "papers": orjson.dumps(papers).decode(), "content_hash": content, "at": stamp, "by_id": actor.id,
    })  # fmt: skip
    marks.index(change, office.keys, row, fields, row.get("fields"))


def _write_opening(
    office: Office, change: Change, row: dict[str, Any], fields: Mapping[str, Any], papers: Mapping[str, Any], actor: Actor, role: str,
    now: datetime, inputs: Mapping[str, Any], *, extra: Mapping[str, Any] | None = None, clocks: Mapping[str, Any] | None = None,
) -> str:  # fmt: skip
    stamp, content = clock.stamp(now), dossier.content_hash(fields, papers)
    head = _append(change, row, actor, stamp, _Entry("open", role, None, row["state"], 1, inputs, content_hash=content, extra=extra), "")
    change.add("cases", {**row, "version": 1, "head_hash": head, "memory": orjson.dumps(row["memory"]).decode()})
    _write_dossier(office, change, row, 1, 1, fields, papers, content, actor, stamp)
    if clocks is not None:
        change.add("case_clock", {**clocks, "case_id": row["id"]})
    return head


def _open_letter_by_hand(
    office: Office, connection: Connection, change: Change, actor: Actor, parent: str | None, letter: str | None,
    replaces: str | None, fields: Any, now: datetime,
) -> str:  # fmt: skip
    main = store.load(connection, parent) if parent else None
    if main is None or not authority.visible(main, actor, authority.roles_on(main, actor)):
        raise NotFound()
    held = authority.roles_on(main, actor)
    if not held & {R.OFFICER, R.REGISTRY}:
        raise RoleRefused((role_refusal((R.OFFICER, R.REGISTRY)),))
    values = schemas.drop_nulls(schemas.load(FLOWS["letter"].fields, {"letter": letter, **(fields or {})}, strict=False))
    name = values.get("letter")
    if name not in LETTERS:
        raise Invalid({"letter": [TEXTS["choice"]]})
    if replaces:
        old = store.load(connection, replaces)
        if old is None or old["parent_id"] != main["id"] or old["state"] != "issued":
            raise Invalid({"replaces": [TEXTS["choice"]]})
        values["replaces"] = old["id"]
        values = {**old["fields"], **values}
    values.setdefault("recipients", letter_recipients(office, main, name))
    role = R.OFFICER if R.OFFICER in held else R.REGISTRY
    return open_letter(office, connection, change, main, name, values, actor, role, now, sealed=False)


def letter_recipients(office: Office, main: Row, name: str, agency: str | None = None) -> list[dict[str, str]]:
    """Who a letter goes to, by its type: the applicant, the Ministry, hosts, a consulted agency, the guide."""
    found: list[dict[str, str]] = []
    for who in LETTERS[name].to:
        if who == "applicant":
            organisation = office.organisation(main["organisation_id"])
            found.append({"name": organisation.name.vi if organisation else main["outlet"], "role": R.APPLICANT})
        elif who == "ministry":
            found.append({"name": "Bộ Ngoại giao", "role": "ministry"})
        elif who == "hosts":
            hosts = dict.fromkeys(str(row["host"]) for row in main["fields"].get("itinerary") or () if row.get("host"))
            found += [{"name": host, "role": "host"} for host in hosts]
            found += _told_of_programme(office, main)
        elif who == "consultee" and agency:
            found.append({"name": office.organisations[agency].name.vi, "role": R.CONSULTEE})
        elif who == "committee":
            found.append({"name": office.profile.text("committee").vi, "role": R.COMMITTEE})
        elif who == "leader_office":
            leader = office.organisation(main["office_id"])
            found.append({"name": leader.name.vi if leader else "", "role": R.LEADER_OFFICE})
        elif who == "guide":
            found.append({"name": "Cán bộ hướng dẫn", "role": R.GUIDE})
    return found


def _told_of_programme(office: Office, main: Row) -> list[dict[str, str]]:
    """Who else is told of an approved programme by the routing rules: host communes (R11), police and border guard (R4)."""
    rules = routing.fired(office.profile, main["kind"], main["fields"], places=office.places)
    communes, agencies = routing.communes_told(rules, main["fields"]), routing.told(rules, office.organisations)
    return [{"name": f"UBND và Công an {name}", "role": "commune"} for name in communes] + [
        {"name": office.organisations[code].name.vi, "role": R.CONSULTEE} for code in agencies
    ]


def open_letter(
    office: Office, connection: Connection, change: Change, main: Row, name: str, fields: Mapping[str, Any], actor: Actor,
    role: str, now: datetime, *, sealed: bool, origin: str | None = None, extra: Mapping[str, Any] | None = None,
    signed: Mapping[str, Any] | None = None,
) -> str:  # fmt: skip
    """Open a `letter` child of a case, drafted or already sealed by the decision that `extra` names.

    The type stands in `category`, where lists find who may sign it.
    """
    flow = FLOWS["letter"]
    state = "sealed" if sealed else "drafted"
    values = {"subject": LETTERS[name].label.vi, **fields, "letter": name}
    memory: dict[str, Any] = {"acts": {"sign": dict(signed)}} if signed else {}
    row = _new_row(office, flow, state, main["organisation_id"], actor.id, "online", values, memory, now, parent=main, origin=origin)
    row["title"] = LETTERS[name].label.vi
    row["outlet"], row["office_id"], row["officer_id"] = main["outlet"], main["office_id"], None
    row["code"] = _code(office, connection, flow, now)
    row["category"] = name
    row["due_at"] = _letter_due(office, main, name, now)
    row["search_text"] = fold(f"{row['code']} {row['title']} {row['outlet']} {main['code'] or ''}")
    _write_opening(office, change, row, values, {}, actor, role, now, {}, extra=extra)
    return str(row["id"])


def _letter_due(office: Office, main: Row, name: str, now: datetime) -> str:
    """When a letter has to be signed and issued: in the usual time, but a reply before the clock it stops runs out."""
    due = office.deadlines_for(main).after(now, "T21")
    clocks = main.get("clocks") or {}
    reply = promised(clocks)
    return min(due, str(reply)) if LETTERS[name].reply and reply and not clocks.get("answered_at") else due


def _code(office: Office, connection: Connection, flow: Flow, now: datetime, back: int = 0, count: int = 1) -> str:
    series = f"{office.profile.prefix}-{flow.series}-{clock.local(now).year}"
    return f"{series}-{store.next_number(connection, series, count) - back:04d}"


# --- editing the dossier ---------------------------------------------------------------------------------


def _seen_case(connection: Connection, actor: Actor, ref: str) -> tuple[dict[str, Any], frozenset[str]]:
    row = store.load(connection, ref)
    if row is None:
        raise NotFound()
    held = authority.roles_on(row, actor)
    if not authority.visible(row, actor, held):
        raise NotFound()
    return row, held


def _check_version(office: Office, connection: Connection, row: Row, version: int | None, actor: Actor) -> None:
    if version is None:
        raise VersionRequired()
    if version != row["version"]:
        who, when = last_act(connection, row["id"], actor)
        raise Stale(who, when, row["version"])


def last_act(connection: Connection, case_id: str, actor: Actor) -> tuple[str, str]:
    """Who acted last on a case and when; applicants and consultees read the organisation, not the official."""
    rows = store.query(
        connection,
        "SELECT e.at, e.role, u.name, o.name_vi FROM audit_entry e LEFT JOIN users u ON u.id = e.actor_id"
        " LEFT JOIN organisations o ON o.id = e.org_id WHERE e.case_id = :id ORDER BY e.seq DESC LIMIT 1",
        id=case_id,
    )
    if not rows:
        return "", ""
    row = rows[0]
    return (row["name"] if actor.staff else row["name_vi"]) or row["role"], row["at"]


def edit_case(office: Office, actor: Actor, ref: str, fields: Given, *, version: int | None, request_id: str = "") -> Done:
    """Change the dossier where it is open to this person: each named top-level field whole, null clears it.

    Raises `Invalid` with the sentence `locked` for a field that is not open now.
    """

    def work(connection: Connection) -> Done:
        office.refresh(connection)
        row, held = _seen_case(connection, actor, ref)
        flow = flow_for(row["kind"])
        given = fields() if callable(fields) else fields
        desk = held & {R.OFFICER, R.HEAD, R.INTAKE}
        if desk and flow.internal and isinstance(given, dict) and given.keys() & {item.name for item in flow.internal}:
            _check_internal(flow, given)
            _check_version(office, connection, row, version, actor)
            return _note_internal(connection, flow, row, actor, given, _now(office), request_id)
        editors = {R.APPLICANT} if row["kind"] != "letter" else {R.OFFICER, R.REGISTRY}
        if not held & editors:
            raise RoleRefused((role_refusal(tuple(sorted(editors))),))
        _check_version(office, connection, row, version, actor)
        now = _now(office)
        patch = schemas.load(flow.fields, given, strict=False)
        known = {item.name: item for item in flow.fields}
        values = dict(row["fields"])
        for name, value in patch.items():
            if value is None:
                values.pop(name, None)
            else:
                values[name] = schemas.drop_nulls(value)
        touched = {name: values[name] for name in patch if name in values}
        schemas.give_row_ids([known[name] for name in touched], touched, row["fields"])
        values.update(touched)
        facts = facts_of(office, flow, row, actor, held, now=now)
        if row["kind"] == "letter":
            targets: frozenset[str] | None = None if row["state"] == "drafted" else frozenset()
        else:
            targets = dossier.open_targets(flow, row["state"], facts)
        closed = dossier.locked(targets, row["fields"], values)
        if closed:
            raise Invalid({name: [TEXTS["locked"]] for name in closed}, code="locked")
        if row["kind"] == "interview":
            agency = (values.get("leader") or {}).get("agency")
            if agency and office.profile.leader(agency) is None:  # a body without a leader in the locality's table
                office.agency(agency, "leader/agency", "leader_office", "committee", "department", "consulted", "commune", "party", "ministry")
        return _new_dossier(office, connection, flow, row, actor, held, values, row["papers"], now, tuple(patch), request_id)

    return office.db.transact(work)


def _check_internal(flow: Flow, given: Mapping[str, Any]) -> None:
    """Internal fields are the unit's own, and do not mix with the applicant's in one edit; to others they are unknown fields."""
    others = given.keys() - {item.name for item in flow.internal}
    if others:
        raise Invalid({name: [TEXTS["locked"]] for name in sorted(others)}, code="locked")


def _note_internal(connection: Connection, flow: Flow, row: dict[str, Any], actor: Actor, given: Any, now: datetime, request_id: str) -> Done:
    """Note what only the desk sees, such as topics: no part of the dossier and nobody's authorship (security, section 3.4, S1)."""
    if not row["is_open"] or row["phase"] not in ("requested", "review"):
        raise Invalid({name: [TEXTS["locked"]] for name in given}, code="locked")
    noted = schemas.drop_nulls(schemas.load(flow.internal, given, strict=False))
    kept = {**(row["memory"].get("internal") or {}), **{item.name: noted.get(item.name) or [] for item in flow.internal if item.name in given}}
    role = next(r for r in (R.OFFICER, R.HEAD, R.INTAKE) if r in authority.roles_on(row, actor))
    return plain_act(connection, row, actor, "note", role, {**row["memory"], "internal": kept}, noted, now, request_id)


def _new_dossier(
    office: Office, connection: Connection, flow: Flow, row: dict[str, Any], actor: Actor, held: frozenset[str],
    values: Mapping[str, Any], papers: Mapping[str, Any], now: datetime, changed: tuple[str, ...], request_id: str,
    *, paper_rows: tuple[Mapping[str, Any], ...] = (),
) -> Done:  # fmt: skip
    """Write the next version of a dossier as an entry `edit`, or `attach` where papers are what changed.

    Either makes the person an author of the content: the duty is remembered as `edit`.
    """
    role = _author_role(row, actor, held)
    memory = _with_duty(row["memory"], "edit", actor.id)
    content = dossier.content_hash(values, papers)
    stamp = clock.stamp(now)
    change = Change(row["id"], row["version"], row["state"], actor.id, actor.epoch)
    head = _append(
        change, row, actor, stamp,
        _Entry("attach" if paper_rows else "edit", role, row["state"], row["state"], row["round"], {"fields": sorted(changed)}, content_hash=content,
               papers=tuple(p["file_hash"] for p in paper_rows)), request_id,
    )  # fmt: skip
    columns = _columns(office, row, values)
    if row["kind"] == "letter":
        main_code = (row["parent"] or {}).get("code") or ""
        columns = {"search_text": fold(f"{row['code']} {row['title']} {values.get('subject', '')} {row['outlet']} {main_code}")}
    else:
        columns["office_id"] = leader_office(office, values) if flow.kind == "interview" else None
        columns["authority"] = authority_of(values.get("category"))
    change.update = {
        "version": row["version"] + 1, "head_hash": head, "memory": orjson.dumps(memory).decode(), "dossier_no": row["dossier_no"] + 1,
        "updated_at": stamp, **columns,
    }  # fmt: skip
    _write_dossier(office, change, row, row["dossier_no"] + 1, row["round"], values, papers, content, actor, stamp)
    for paper in paper_rows:
        change.add("papers", paper)
    _commit(connection, change, actor)
    return Done(row["id"], row["version"] + 1, head)


def _author_role(row: Row, actor: Actor, held: frozenset[str]) -> str:
    """As what somebody changes a dossier; the desk in the applicant's place is recorded as the desk."""
    if R.APPLICANT in held and row["created_by"] != actor.id and actor.has(R.INTAKE):
        return R.INTAKE
    return next(role for role in (R.APPLICANT, R.OFFICER, R.REGISTRY) if role in held)


def _columns(office: Office, row: Row, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that lists show and search, with the printed code once there is one."""
    found = dossier.summary(row["kind"], fields, office.keys)
    return {**found, "search_text": f"{fold(row['code'])} {found['search_text']}"} if row["code"] else found


def _with_duty(memory: Mapping[str, Any], action: str, *persons: str) -> dict[str, Any]:
    duties = {name: list(people) for name, people in (memory.get("duties") or {}).items()}
    duties[action] = sorted({*duties.get(action, ()), *persons})
    return {**memory, "duties": duties}


def _commit(connection: Connection, change: Change, actor: Actor) -> None:
    if not store.write(connection, change):
        who, when = last_act(connection, change.case_id, actor)
        raise Conflict("changed_meanwhile", who=who, when=when)


_FULL = {
    "files": Text(
        "Hồ sơ này đã có {n} tệp, là số tối đa. Hãy gộp các trang vào một tệp PDF, hoặc liên hệ bộ phận một cửa.",
        "This case holds {n} files, which is the most. Join pages into one PDF, or ask the intake desk.",
    ),
    "bytes": Text(
        "Các tệp của hồ sơ này cộng lại quá {n} MB. Hãy quét ở 150–300 dpi để tệp nhỏ hơn.",
        "The files of this case would exceed {n} MB together. Scan at 150–300 dpi to make them smaller.",
    ),
}  # fmt: skip


def attach(office: Office, actor: Actor, ref: str, name: str, stored: Mapping[str, Any], *, request_id: str = "") -> Done:
    """Add a stored file (`attachments.store_file`) to a case under a paper name of its kind.

    The applicant's papers belong to the dossier and follow the rules of an edit; the desk's scans
    (`office` papers) may be added by whoever enters or records paper acts, and change no content hash.
    A file that is to be held back is remembered as such until `release`. Raises `TooLarge` where the case is full.
    """
    columns = {k: v for k, v in stored.items() if k not in ("held", "shown")}

    def work(connection: Connection) -> Done:
        office.refresh(connection)
        row, held = _seen_case(connection, actor, ref)
        main_kind = row["parent"]["kind"] if row["kind"] == "consultation" and row["parent"] else row["kind"]
        papers = {paper.name: paper for paper in flow_for(main_kind).papers}
        if name not in papers:
            raise NotFound()
        flow, now = flow_for(row["kind"]), _now(office)
        row = _holding_back(row, actor, stored)
        paper_row = {**columns, "case_id": row["id"], "name": name, "uploaded_by": actor.id, "at": clock.stamp(now)}
        if papers[name].office or row["kind"] == "consultation":
            allowed = held & {R.REGISTRY, R.OFFICER, R.HEAD, R.GUIDE, R.LEADER_OFFICE}
            if not allowed:
                raise RoleRefused((role_refusal((R.REGISTRY, R.OFFICER)),))
            return _scanned(office, connection, row, actor, sorted(allowed)[0], paper_row, now, request_id)
        if R.APPLICANT not in held and not (held & {R.OFFICER} and name == "permit"):
            raise RoleRefused((role_refusal((R.APPLICANT,)),))
        facts = facts_of(office, flow, row, actor, held, now=now)
        targets = dossier.open_targets(flow, row["state"], facts)
        if targets is not None and f"paper:{name}" not in targets:
            if name == "permit" and row["state"] in ("under_review", "approved", "accompanied"):
                return _scanned(office, connection, row, actor, R.APPLICANT if R.APPLICANT in held else R.OFFICER, paper_row, now, request_id)
            raise Invalid({f"paper:{name}": [TEXTS["locked"]]}, code="locked")
        _room_for(office, connection, row, paper_row)
        kept = {**row["papers"], name: {"id": stored["id"], "hash": stored["file_hash"]}}
        paper_row |= _uploaded_as(actor, _author_role(row, actor, held))
        return _new_dossier(office, connection, flow, row, actor, held, row["fields"], kept, now, (f"paper:{name}",), request_id, paper_rows=(paper_row,))

    return office.db.transact(work)


def _scanned(office: Office, connection: Connection, row: Row, actor: Actor, role: str, paper_row: dict[str, Any], now: datetime, request_id: str) -> Done:
    """A scan beside the dossier: remembered, so that acts may name it."""
    _room_for(office, connection, row, paper_row)
    memory = {**row["memory"], "scans": [*(row["memory"].get("scans") or ()), paper_row["id"], paper_row["name"]]}
    found = {**paper_row, **_uploaded_as(actor, role)}
    return plain_act(connection, row, actor, "attach", role, memory, {"paper": paper_row["name"]}, now, request_id, found)


def _uploaded_as(actor: Actor, role: str) -> dict[str, str | None]:
    """As what, and for whom, somebody uploads: it stays with the paper when their roles change."""
    return {"role": role, "org_id": _acting_organisation(actor, role) or None}


def _holding_back(row: dict[str, Any], actor: Actor, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The case with a new paper remembered as held back, where it is."""
    if not stored.get("held"):
        return row
    waiting = {**(row["memory"].get("held") or {}), stored["id"]: {"why": stored["held"], "by": actor.id}}
    return {**row, "memory": {**row["memory"], "held": waiting}}


def _room_for(office: Office, connection: Connection, row: Row, paper_row: Mapping[str, Any]) -> None:
    """Whether the case takes one more file; older versions count, for they are kept. Two at once meet at the version of the case."""
    limits = office.profile.papers
    there = store.query(connection, "SELECT count(*) AS files, coalesce(sum(size), 0) AS bytes FROM papers WHERE case_id = :id", id=row["id"])[0]
    if there["files"] >= limits.case_files:
        raise TooLarge(_FULL["files"].format(n=limits.case_files))
    if there["bytes"] + paper_row["size"] > limits.case_mb * 1024 * 1024:
        raise TooLarge(_FULL["bytes"].format(n=limits.case_mb))


def release(office: Office, actor: Actor, paper_id: str, note: str = "", *, request_id: str = "") -> Done:
    """Say, as a named officer other than the uploader, that a paper which is held back is no state secret; from then on it is as any other.

    Raises `NotFound` for whoever may not know of it, `RoleRefused` for its uploader, `Conflict` where it is not held back.
    """
    if len(note) > 1000:
        raise Invalid({"note": [TEXTS["long"].format(n=1000)]})

    def work(connection: Connection) -> Done:
        office.refresh(connection)
        rows = store.query(connection, "SELECT case_id, name FROM papers WHERE id = :id", id=paper_id)
        if not rows:
            raise NotFound()
        row, held = _seen_case(connection, actor, rows[0]["case_id"])
        main_kind = row["parent"]["kind"] if row["kind"] == "consultation" and row["parent"] else row["kind"]
        paper = next(item for item in flow_for(main_kind).papers if item.name == rows[0]["name"])
        waiting = row["memory"].get("held") or {}
        may = authority.releases(paper, held)
        if not authority.reads_paper(paper, held, actor) or (paper_id in waiting and not may and waiting[paper_id]["by"] != actor.id):
            raise NotFound()
        if not may or (paper_id in waiting and waiting[paper_id]["by"] == actor.id):
            raise RoleRefused((role_refusal(tuple(sorted(authority.RELEASERS))),))
        if paper_id not in waiting:
            raise Conflict("state")
        role = next(role for role in (R.OFFICER, R.INTAKE, R.HEAD) if role in held)
        memory = {**row["memory"], "held": {id_: why for id_, why in waiting.items() if id_ != paper_id}}
        inputs = {"paper": paper_id, "why": waiting[paper_id]["why"], **({"note": note} if note.strip() else {})}
        return plain_act(connection, row, actor, "release", role, memory, inputs, _now(office), request_id)

    return office.db.transact(work)


def plain_act(
    connection: Connection, row: Row, actor: Actor, action: str, role: str, memory: Mapping[str, Any], inputs: Mapping[str, Any],
    now: datetime, request_id: str, paper_row: Mapping[str, Any] | None = None, *, clocks: Mapping[str, Any] | None = None, due_at: str = "",
) -> Done:  # fmt: skip
    """An entry that leaves the state: a scan attached, a recusal declared, topics noted, due dates counted anew."""
    stamp = clock.stamp(now)
    change = Change(row["id"], row["version"], row["state"], actor.id, actor.epoch)
    made = _Entry(action, role, row["state"], row["state"], row["round"], inputs, content_hash=row["content_hash"],
                  papers=(paper_row["file_hash"],) if paper_row else ())  # fmt: skip
    head = _append(change, row, actor, stamp, made, request_id)
    change.update = {
        "version": row["version"] + 1, "head_hash": head, "memory": orjson.dumps(memory).decode(), "updated_at": stamp,
    }  # fmt: skip
    if paper_row:
        change.add("papers", paper_row)
    if clocks:
        change.update["due_at"] = due_at
        change.add("case_clock", clocks)
    _commit(connection, change, actor)
    return Done(row["id"], row["version"] + 1, head)


def recuse(office: Office, actor: Actor, ref: str, reason: str, *, request_id: str = "") -> Done:
    """Declare a conflict of interest: the person has no further action on this case, in their own name or another's.

    Where that leaves nobody for a step that remains, the heads are told at once.
    """

    def work(connection: Connection) -> Done:
        office.refresh(connection)
        row, held = _seen_case(connection, actor, ref)
        if blank(reason):
            raise Invalid({"reason": [TEXTS["required"]]})
        if not held - {R.AUDITOR, R.APPLICANT}:
            raise RoleRefused((role_refusal(tuple(R.OFFICIALS)),))
        memory = {**row["memory"], "recused": sorted({*(row["memory"].get("recused") or ()), actor.id})}
        role = sorted(held - {R.AUDITOR, R.APPLICANT})[0]
        now = _now(office)
        done = plain_act(connection, row, actor, "recuse", role, memory, {"reason": reason}, now, request_id)
        if doctor.stuck(office, connection, {**row, "memory": memory}):
            change = Change()
            post_effect(change, row, Effect("mail", "stuck"), done.version, bare_facts(row, now), actor, role, done.entry_hash, "recuse")
            store.write(connection, change)
        return done

    return office.db.transact(work)


def bare_facts(row: Row, now: datetime) -> Facts:
    return Facts(row["kind"], row["state"], now, clock.local(now).date())


# --- acting ------------------------------------------------------------------------------------------------


def perform(
    office: Office,
    actor: Actor,
    ref: str,
    action: str,
    given: Given,
    *,
    version: int | None = None,
    beside: Mapping[str, Any] | None = None,
    once: Once | None = None,
    request_id: str = "",
) -> Done:
    """Take one action on one case as one person; the only way a case changes its state.

    `ref` is the public id or the printed code, `given` the input (or a callable that reads the body, called
    only once the case is known to exist for this person), `version` the version the person has seen. `beside`
    holds what was said beside the input, looked at after the body was read and judged with the fields: `role`,
    where several fit, `comment` and `acting_for`.
    Raises `NotFound`, `RoleRefused`, `VersionRequired`, `Stale`, `Conflict`, `Invalid`, `NeedsUnmet`.
    """

    def work(connection: Connection) -> Done:
        office.refresh(connection)
        row, own = _seen_to_act(connection, actor, ref)
        flow = flow_for(row["kind"])
        if action not in flow.actions:
            raise NotFound()
        if once and (done := _replayed(connection, once)):
            return done
        body = given() if callable(given) else given
        who, lent, unfit = _in_whose_name(connection, row, actor, action, beside)
        held = own | lent
        if not held & flow.roles_of[action]:
            raise unfit or RoleRefused((role_refusal(flow.roles_of[action]),))
        step = flow.table.get((action, row["state"]))
        if version is not None or not flow.actions[action][0].append_only:
            _check_version(office, connection, row, version, actor)
        if step is None:
            raise Conflict("state")
        if who.persons & set(row["memory"].get("recused") or ()):
            raise NeedsUnmet((conflict_refusal(),))
        if not held & set(step.by):
            raise unfit or RoleRefused((role_refusal(step.by),))
        try:
            inputs = schemas.drop_nulls(schemas.load(step.inputs, body))
        except Invalid as invalid:
            raise Invalid(invalid.fields) from None
        said = schemas.drop_nulls(schemas.load(BESIDE, beside)) if beside else {}
        if "acting_for" in said and who.acting is None:
            raise unfit or Invalid({"acting_for": [TEXTS["delegation"]]})
        acting = authority.role_of_act(step, held, lent, said.get("role"))
        if said.get("comment"):
            inputs["comment"] = said["comment"]
        now = later(row, _now(office))
        extra = _resolve(office, connection, flow, step, row, inputs, who)
        facts = facts_of(office, flow, row, who, held & set(step.by), now=now, role=acting, given=inputs, target=step.target, action=action, extra=extra)
        try:
            walk(flow, action, facts)
        except Refused as refused:
            raise NeedsUnmet(refused.reasons) from None
        change = _change_for(office, connection, flow, step, row, facts, who, acting, request_id)
        if who.acting is not None:
            _in_another_name(change, who.acting, step, facts)
        done = Done(row["id"], row["version"] + 1, str(change.update["head_hash"]))
        _remember(change, once, done.case_id, done.version, now, 200)
        _commit(connection, change, actor)
        return done

    try:
        return office.db.transact(work, one_write=True)
    except Conflict:
        if once and (done := _answered_meanwhile(office, once)):
            return done
        raise


def by_clock(office: Office, ref: str, action: str, given: Mapping[str, Any], version: int, *also: str) -> bool:
    """An act of the clock on the version that was looked at; False where somebody has made it needless in between.

    `also` names refusals besides those of being late that mean the same here.
    """
    try:
        perform(office, authority.CLOCK, ref, action, given, version=version)
    except WorkflowError as refused:
        if refused.code not in ("stale", "state", "changed_meanwhile", *also):
            raise
        return False
    return True


def _seen_to_act(connection: Connection, actor: Actor, ref: str) -> tuple[dict[str, Any], frozenset[str]]:
    """The case and the person's own roles on it; a delegate also finds what waits for the act that was lent to them."""
    row = store.load(connection, ref)
    if row is None:
        raise NotFound()
    held = authority.roles_on(row, actor)
    if not authority.visible(row, actor, held) and not authority.opened(row, delegations.in_force(connection, actor)):
        raise NotFound()
    return row, held


def _in_whose_name(
    connection: Connection, row: Row, actor: Actor, action: str, beside: Mapping[str, Any] | None
) -> tuple[Actor, frozenset[str], Invalid | None]:
    """Who acts, with the delegation they name in force; the roles it lends on this case; else why it carries nothing here.

    Whoever names none costs no query. Read in the transaction of the act, whose guard then holds both persons to it.
    """
    wanted = (beside or {}).get("acting_for")
    if not isinstance(wanted, str) or not wanted:
        return actor, frozenset(), None
    mandate, why = delegations.choose(connection, actor, wanted, row["kind"], action)
    if mandate is None:
        return actor, frozenset(), Invalid({"acting_for": [why]}) if why else None
    return actor.through(mandate), authority.lent(row, mandate), None


def _in_another_name(change: Change, mandate: Mandate, step: Step, facts: Facts) -> None:
    """Guard the rights of the principal too and note the act in their list; what is decided for the Committee is theirs to see."""
    change.principal_id, change.principal_epoch = mandate.principal.id, mandate.principal.epoch
    change.add("acted_for", {"case_id": change.case_id, "seq": change.version + 1, "delegation_id": mandate.id, "principal_id": mandate.principal.id})
    if step.decides and facts.settings.get("signs_for_committee"):
        change.update["referred"] = True


def conflict_refusal() -> Refusal:
    """The words for whoever has stepped back from a case."""
    from states.needs import not_conflicted

    return not_conflicted.refusal(Facts("", "", clock.now(), clock.today()))


def later(row: Row, now: datetime) -> datetime:
    """Time never runs back within a case: a clock that was set back a little takes the last moment."""
    last = moment(row["updated_at"])
    return max(now, last) if last else now


def _resolve(office: Office, connection: Connection, flow: Flow, step: Step, row: Row, inputs: dict[str, Any], actor: Actor) -> dict[str, Any]:
    """Turn usernames and agency codes into what the record keeps; check pointers. Raises `Invalid` by field."""
    extra: dict[str, Any] = {}
    for item in step.inputs:
        value = inputs.get(item.name)
        if value is None or isinstance(item, Group):
            continue
        if isinstance(item, Rows):
            _check_rows(office, item, value, row)
            continue
        match item.type:
            case "user":
                found = _user_with(connection, value, (item.name,) if item.name in (R.OFFICER, R.GUIDE) else ())
                if found is None:
                    raise Invalid({item.name: [TEXTS["user"]]})
                inputs[item.name] = found["id"]
                inputs[f"{item.name}_name"] = found["name"]
            case "agencies":
                for code in value:
                    office.agency(code, item.name, *(("consulted", "leader_office", "committee") if item.name == "agencies" else ()))
            case "agency":
                office.agency(value, item.name)
            case "signer":
                inputs[item.name] = _signer(connection, item.name, value)
    if step.action in returns.ASKING:
        extra |= returns.resolved(office.profile, connection, step, row, inputs)
    if step.action == "assign_guide":
        extra["guide_clash"] = _guide_clash(connection, row, inputs["guide"])
    if step.action == "endorse" and actor.speaks_as(R.DIRECTOR):
        extra["other_directors"] = others_with(connection, R.DIRECTOR, *sorted(actor.persons))
    if step.action == "issue":
        inputs.setdefault("on", clock.today().isoformat())
    if step.action == "consult" and not inputs.get("agencies") and not inputs.get("dropped"):
        raise Invalid({"agencies": [TEXTS["required"]]})
    if step.action == "close":
        extra["letters_pending"] = letters_pending(connection, row["id"])
    if step.action == "replace":
        extra["successor_issued"] = any(kind == "letter" and state == "issued" for kind, state in _successors(connection, row["id"]))
    if step.action == "correct_typing":
        _corrected(flow, row, inputs)
    if "scan" in inputs and row["kind"] in ("visit", "interview", "consultation"):
        extra["scan_known"] = inputs["scan"] in (row["memory"].get("scans") or ())
    return extra


def letters_pending(connection: Connection, case_id: str) -> int:
    """Letters that an act has called for and the worker has not opened yet: they count as unfinished."""
    rows = store.query(connection, "SELECT count(*) AS n FROM outbox WHERE case_id = :id AND kind = 'letter' AND state <> 'done'", id=case_id)
    return int(rows[0]["n"])


def _successors(connection: Connection, letter_id: str) -> list[tuple[str, str]]:
    rows = store.query(
        connection,
        "SELECT c.kind, c.state FROM cases c JOIN dossiers d ON d.case_id = c.id AND d.no = c.dossier_no"
        " JOIN cases old ON old.id = :id AND c.parent_id = old.parent_id WHERE d.fields LIKE :mark",
        id=letter_id,
        mark=f'%"replaces":"{letter_id}"%',
    )
    return [(r["kind"], r["state"]) for r in rows]


def _corrected(flow: Flow, row: Row, inputs: dict[str, Any]) -> None:
    patch = inputs.get("fields")
    if not isinstance(patch, dict) or not patch:
        raise Invalid({"fields": [TEXTS["required"]]})
    try:
        read = schemas.load(flow.fields, patch, strict=False)
    except Invalid as invalid:
        raise Invalid({f"fields/{name}": texts for name, texts in invalid.fields.items()}) from None
    inputs["fields"] = schemas.drop_nulls(read)


def _check_rows(office: Office, item: Rows, rows: list[dict[str, Any]], row: Row) -> None:
    for index, sent in enumerate(rows):
        for inner in item.fields:
            value = sent.get(inner.name)
            if value is None or isinstance(inner, Rows):
                continue
            where = f"{item.name}/{index}/{inner.name}"
            if inner.type == "agency":
                office.agency(value, where)
            elif inner.type == "pointer" and row["kind"] in ("visit", "interview") and not points_at(row, item.name, value):
                raise Invalid({where: [TEXTS["pointer"]]})


def points_at(row: Row, rows_name: str, pointer: str) -> bool:
    """Whether a pointer or row id of an input names something of the dossier that may be named there."""
    if rows_name == "items":
        return returns.points_at(row, pointer)
    if pointer.startswith("paper:"):
        return False
    known = {r.get("row") for rows in row["fields"].values() if isinstance(rows, list) for r in rows if isinstance(r, dict)}
    return row_of({"row": pointer}) in known or rows_name == "rows"


def _user_with(connection: Connection, username: str, roles: tuple[str, ...]) -> dict[str, Any] | None:
    rows = store.query(
        connection, "SELECT u.id, u.name, m.role FROM users u LEFT JOIN memberships m ON m.user_id = u.id WHERE u.username = :name AND u.active", name=username
    )
    if not rows or (roles and not {r["role"] for r in rows} & set(roles)):
        return None
    return rows[0]


def _signer(connection: Connection, name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        rows = store.query(connection, "SELECT id, name, title_vi FROM users WHERE username = :name AND active", name=value)
        if not rows:
            raise Invalid({name: [TEXTS["user"]]})
        return {"person": rows[0]["id"], "name": rows[0]["name"], "position": rows[0]["title_vi"] or ""}
    return {"person": f"name:{fold(value['name'])}", "name": value["name"], "position": value.get("position", "")}


def others_with(connection: Connection, role: str, but: str, nor: str = "") -> int:
    """How many people other than one, or than a delegate and the principal, hold a role."""
    rows = store.query(
        connection,
        "SELECT count(DISTINCT u.id) AS n FROM users u JOIN memberships m ON m.user_id = u.id"
        " WHERE m.role = :role AND u.active AND u.id <> :but AND u.id <> :nor",
        role=role,
        but=but,
        nor=nor,
    )
    return int(rows[0]["n"])


def _guide_clash(connection: Connection, row: Row, guide_id: str) -> str | None:
    rows = store.query(
        connection,
        "SELECT code FROM cases WHERE guide_id = :guide AND id <> :id AND is_open AND state IN ('approved', 'accompanied', 'suspended')"
        " AND first_day <= :last AND last_day >= :first LIMIT 1",
        guide=guide_id,
        id=row["id"],
        first=row["first_day"] or "",
        last=row["last_day"] or "9999",
    )
    return rows[0]["code"] if rows else None


def _change_for(
    office: Office, connection: Connection, flow: Flow, step: Step, row: dict[str, Any], facts: Facts, actor: Actor,
    acting: str, request_id: str,
) -> Change:  # fmt: skip
    """Everything one accepted act writes."""
    stamp = clock.stamp(facts.now)
    change = Change(row["id"], row["version"], row["state"], actor.id, actor.epoch)
    given = dict(facts.given)
    fields, papers, content = row["fields"], row["papers"], row["content_hash"]
    round_ = row["round"] + (1 if step.new_round else 0)
    memory = _remembered(flow, step, row, facts, actor, acting, round_, stamp)
    update: dict[str, Any] = {"version": row["version"] + 1}
    snapshot = step.new_round or step.action == "submit"
    if step.action == "correct_typing":
        fields = {**fields, **given["fields"]}
        schemas.give_row_ids(flow.fields, {k: fields[k] for k in given["fields"]}, row["fields"])
        snapshot = True
    if step.action == "postpone" and given.get("dates"):
        fields = _moved_days(fields, given["dates"])
        snapshot = True
    if snapshot:
        content = dossier.content_hash(fields, papers)
        no = row["dossier_no"] + 1
        update["dossier_no"] = no
        _write_dossier(office, change, row, no, round_, fields, papers, content, actor, stamp)
        if fields is not row["fields"]:
            update |= _columns(office, row, fields)
    clocks = _clocks(office, step, row, facts)
    if step.new_round or step.action == "submit":
        hurry = dossier.urgency(fields, promised(clocks or row["clocks"]))
        update["urgent"] = hurry is not None
        memory["urgent"] = hurry
    made = _Entry(
        step.action, acting, step.source, step.target, round_, given, step.decides, content,
        papers=tuple(v for k, v in given.items() if k in ("scan", "paper", "file") and isinstance(v, str)),
        extra={"behalf": row["channel"]} if acting == R.APPLICANT and row["channel"] != "online" and actor.has(R.INTAKE) else None,
        sealed=_sealed_inputs(office, flow, row, given),
    )  # fmt: skip
    head = _append(change, row, actor, stamp, made, request_id)
    if step.action in ("recommend", "endorse"):
        memory["proposal_hash"] = head
    update |= _assignments(office, connection, flow, step, row, facts, actor)
    if step.action == "submit":
        change.add("tracking_pins", pins.drawn(office.keys, row["id"], stamp))
    back = returns.returned_to(row, step, acting, given)
    if back != row["returned_to"]:
        update["returned_to"] = back
    if clocks is not None and clocks is not row["clocks"]:
        change.add("case_clock", {**clocks, "case_id": row["id"]})
    target = flow.states[step.target]
    phase = target.phase or (row["phase"] if target.end else None)
    update |= {
        "phase": phase, "round": round_, "head_hash": head, "is_open": flow.is_open(step.target),
        "memory": orjson.dumps(memory).decode(), "updated_at": stamp,
    }  # fmt: skip
    if step.target != step.source or step.action == "extend":
        merged = {**row["clocks"], **(clocks or {})}
        moving = facts if fields is row["fields"] else replace(facts, fields=fields)
        update["due_at"] = office.deadlines_for({"clocks": merged}).holder_due(target.deadline, moving, merged)
        if step.action == "sign" and LETTERS[row["fields"]["letter"]].reply:  # a reply stays due with the clock it stops
            update["due_at"] = min(update["due_at"], row["due_at"])
    for name in _OFTEN_SAME:  # an index whose columns a statement does not name is left alone
        if name in update and update[name] == row[name]:
            del update[name]
    update["state"] = step.target  # the one line in which a case moves
    change.update = update
    _effects(office, connection, change, step, row, facts, actor, acting, head, clocks)
    return change


def _sealed_inputs(office: Office, flow: Flow, row: Row, given: Mapping[str, Any]) -> dict[str, str]:
    """Typing corrected: the entry commits to what was typed, its opening keeps the personal part of it sealed."""
    if not isinstance(given.get("fields"), dict):
        return {}
    place = audit.opening_place(f"case/{row['id']}", row["version"] + 1, "input.fields")
    return {"fields": orjson.dumps(dossier.sealed(flow.fields, given["fields"], office.keys, place), option=orjson.OPT_SORT_KEYS).decode()}


_OFTEN_SAME = ("phase", "round", "is_open", "due_at")


def _moved_days(fields: Mapping[str, Any], dates: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The programme with rows moved to new days, and first and last day with them."""
    new = {row_of(item): item["on"] for item in dates}
    rows = [{**row, "on": new.get(row["row"], row.get("on"))} for row in fields.get("itinerary") or ()]
    days = sorted(str(row["on"]) for row in rows if row.get("on"))
    return {**fields, "itinerary": rows, "first_day": days[0], "last_day": days[-1]} if days else {**fields, "itinerary": rows}


def _remembered(flow: Flow, step: Step, row: Row, facts: Facts, actor: Actor, acting: str, round_: int, stamp: str) -> dict[str, Any]:
    """What the case keeps in mind: the last act of each name, who did what in the round, what `keep` says."""
    memory = dict(row["memory"])
    acts = dict(memory.get("acts") or {})
    before = acts.get(step.action)
    acts[step.action] = {
        "by": sorted(facts.persons), "name": actor.name, "at": stamp, "round": round_, "role": acting, "given": _kept(facts.given),
        "count": (before["count"] if before else 0) + 1,
    }  # fmt: skip
    if actor.acting:
        acts[step.action]["acting_for"] = {**actor.acting.mark, "name": actor.acting.principal.name, "position": actor.acting.principal.title_vi}
    memory["acts"] = acts
    if step.new_round:
        # A new round starts clean but for those who wrote its content.
        kept = {name: people for name, people in (memory.get("duties") or {}).items() if name in ("open", "edit", "submit", "resubmit", "clarify")}
        memory["duties"] = kept
        memory.pop("proposal_hash", None)
    if step.target != step.source or step.action == "enter_paper_decision":
        duties = dict(memory.get("duties") or {})
        if step.action == "enter_paper_decision":
            duties[step.action] = sorted(facts.persons)
        else:
            duties[step.action] = sorted({*duties.get(step.action, ()), *facts.persons})
        memory["duties"] = duties
    if step.action in ("send_back", "recall", "take_back"):
        # The round goes on: whoever recommended, endorsed or referred in it stays barred from the other steps of it.
        memory["duties"] = {n: p for n, p in (memory.get("duties") or {}).items() if n != "enter_paper_decision"}
        acts.pop("enter_paper_decision", None)
    if step.keep:
        memory.update(step.keep(facts))
    return memory


def _kept(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the case remembers of an act's input: all but a corrected dossier, which stands in its versions."""
    return {name: sorted(value) if name == "fields" and isinstance(value, dict) else value for name, value in given.items()}


def _clocks(office: Office, step: Step, row: Row, facts: Facts) -> dict[str, Any] | None:
    """The clock row after the step, or None where no clock is touched."""
    current = row["clocks"]
    words = {effect.name for effect in step.then if effect.kind == "clock"}
    if "start" in words:
        received = _received(row, facts)
        day = clock.local(received).date().isoformat()
        return office.deadlines_on(day).started(row["kind"], row["fields"].get("category"), received, facts.now)
    deadlines = office.deadlines_for(row)
    if "pause_w" in words:
        return deadlines.paused(current, facts.now)
    if "resume_w" in words:
        return deadlines.resumed(current, facts.now)
    if "extend" in words:
        return deadlines.extended(current, str(facts.given["new_date"]))
    if "answered_on_paper" in words:
        act = facts.acts["enter_paper_decision"]
        on = act.given.get("doc_date")
        sent = min(noon_of(_date(on)), clock.stamp(facts.now)) if on else clock.stamp(facts.now)
        return {**current, "answered_at": current.get("answered_at") or sent}
    return None


def _received(row: Row, facts: Facts) -> datetime:
    """When the letter of request was received: now, or as the desk has stamped a paper one."""
    behalf = row["memory"].get("behalf") or {}
    received = moment(facts.given.get("received_at") or behalf.get("received_at")) or facts.now
    return min(received, facts.now)


def _date(value: Any) -> date:
    return date.fromisoformat(str(value))


def _assignments(office: Office, connection: Connection, flow: Flow, step: Step, row: Row, facts: Facts, actor: Actor) -> dict[str, Any]:
    """Columns that an act sets besides the state: who holds the case, its code, its marks."""
    found: dict[str, Any] = {}
    given = facts.given
    if step.action in ("accept", "assign_officer"):
        found["officer_id"] = given["officer"]
    if step.action == "accept":
        found["accepted"] = True
        found["leader_id"] = row["leader_id"] or _responsible(connection, actor, facts.role, str(given["officer"]))
    if step.action == "assign_guide":
        found["guide_id"] = given["guide"]
    if step.action == "refer_up":
        found["referred"] = True
    if step.action == "submit":
        found["code"] = row["code"] or _code(office, connection, flow, facts.now)
        found["search_text"] = _columns(office, {**row, "code": found["code"]}, row["fields"])["search_text"]
        found["office_id"] = leader_office(office, row["fields"]) if flow.kind == "interview" else None
        if given.get("channel"):
            found["channel"] = given["channel"]
    return found


def _responsible(connection: Connection, actor: Actor, role: str, officer_id: str) -> str | None:
    """The responsible leader from receipt on: the head who accepts, else the first head of the unit."""
    if role == R.HEAD:
        return actor.acting.principal.id if actor.acting and not actor.has(R.HEAD) else actor.id
    rows = store.query(
        connection,
        "SELECT u.id FROM users u JOIN memberships m ON m.user_id = u.id WHERE m.role = 'head' AND u.active AND u.id <> :officer ORDER BY m.id LIMIT 1",
        officer=officer_id,
    )
    return rows[0]["id"] if rows else None


def _effects(
    office: Office, connection: Connection, change: Change, step: Step, row: dict[str, Any], facts: Facts, actor: Actor,
    acting: str, head: str, clocks: Mapping[str, Any] | None,
) -> None:  # fmt: skip
    """Outbox rows for the worker, children opened now, and the parent's answer when a reply is issued."""
    seq = row["version"] + 1
    for effect in step.then:
        if effect.when is not None and not effect.when(facts):
            continue
        if effect.kind in ("letter", "mail", "cancel"):
            post_effect(change, row, effect, seq, facts, actor, acting, head, step.action)
        elif effect.kind == "open" and effect.name == "consultation":
            _open_consultations(office, connection, change, row, facts, actor, acting, head)
        elif effect.kind == "clock" and effect.name == "letter_issued":
            _answer_parent(connection, row, facts)


# What a letter tells of the act that called for it; nothing of who was consulted.
TOLD = (
    "reason", "grounds", "ground", "conditions", "items", "respond_by", "new_date", "where_to_go", "alternatives", "slot", "place",
    "speaker", "doc_no", "doc_date",
)  # fmt: skip


def post_effect(change: Change, row: Row, effect: Effect, seq: int, facts: Facts, actor: Actor, acting: str, head: str, action: str) -> None:
    stamp = clock.stamp(facts.now)
    payload: dict[str, Any] = {"action": action, "entry": head, "role": acting, "actor": actor.id}
    if effect.kind == "letter":
        payload |= {"sealed": effect.sealed, "actor_name": actor.name, "persons": sorted(facts.persons)}
        payload["told"] = {name: facts.given[name] for name in TOLD if facts.given.get(name)}
        if effect.name == "consult":
            payload["agencies"] = list(facts.given.get("agencies") or ())
            payload["question"] = facts.given.get("question")
    if effect.kind == "mail" and effect.name == "holder":
        payload["from"] = row["state"]
    change.add("outbox", {
        "case_id": row["id"], "seq": seq, "kind": effect.kind, "name": effect.name, "payload": orjson.dumps(payload).decode(),
        "dedupe": f"{row['id']}:{seq}:{effect.kind}:{effect.name}", "at": stamp, "state": "pending", "tries": 0, "next_at": stamp,
    })  # fmt: skip


def _open_consultations(
    office: Office, connection: Connection, change: Change, row: dict[str, Any], facts: Facts, actor: Actor, acting: str, head: str
) -> None:
    flow = FLOWS["consultation"]
    agencies = list(facts.given.get("agencies") or ())
    if not agencies:
        return
    rules = {item["agency"]: item for item in facts.settings["proposed"]}
    running = {code: id_ for code in agencies if (id_ := _open_question(row, office.organisations[code].id))}
    new = [code for code in agencies if code not in running]
    last = _code(office, connection, flow, facts.now, count=len(new)) if new else ""
    prefix, number = last.rsplit("-", 1) if new else ("", "0")
    for code in agencies:
        agency = office.organisations[code]
        shown, remembered = bundles.shown(office, row, facts.given.get("bundle") or (), code)
        values = {
            "agency": code, "question": facts.given["question"], "due_at": facts.given["due_at"],
            "rule": rules[code]["rule"] if code in rules else "", "silence_means": agency.silence_means, "bundle": shown,
        }  # fmt: skip
        origin = f"{head}:{code}"
        if code in running:
            _ask_anew(office, connection, running[code], values, remembered, origin, facts, actor, acting)
            continue
        child = _new_row(office, flow, "asked", agency.id, actor.id, "online", values, {"shown": remembered}, facts.now, parent=row, origin=origin)
        child["code"] = f"{prefix}-{int(number) - len(new) + 1 + new.index(code):04d}"
        child["title"] = row["title"]
        child["outlet"] = row["outlet"]
        child["due_at"] = facts.given["due_at"]
        child["search_text"] = fold(f"{child['code']} {row['title']} {row['outlet']} {agency.name.vi}")
        _write_opening(office, change, child, values, {}, actor, acting, facts.now, {"question": values["question"]})


def _open_question(row: Row, organisation_id: str) -> str | None:
    """The question to a body that nobody has answered yet. The rules let it be asked again only where the file has changed."""
    asked = bundles.consulted(row).get(organisation_id)
    return str(asked[-1][0]) if asked and asked[-1][2] == "asked" else None


def _ask_anew(
    office: Office,
    connection: Connection,
    child_id: str,
    values: Mapping[str, Any],
    remembered: Mapping[str, Any],
    origin: str,
    facts: Facts,
    actor: Actor,
    acting: str,
) -> None:
    """Put an unanswered question on the file as it is now: one question and one answer for each body, as an entry `edit` of the question."""
    child = store.load(connection, child_id)
    assert child is not None
    store.begin(connection)
    stamp, content = clock.stamp(later(child, facts.now)), dossier.content_hash(values, {})
    change = Change(child["id"], child["version"], child["state"], actor.id, actor.epoch)
    made = _Entry("edit", acting, child["state"], child["state"], child["round"], {"question": values["question"]}, content_hash=content)
    head = _append(change, child, actor, stamp, made, "")
    change.update = {
        "version": child["version"] + 1, "head_hash": head, "origin": origin, "dossier_no": child["dossier_no"] + 1, "due_at": values["due_at"],
        "memory": orjson.dumps({**child["memory"], "shown": remembered}).decode(), "updated_at": stamp,
    }  # fmt: skip
    _write_dossier(office, change, child, child["dossier_no"] + 1, child["round"], values, {}, content, actor, stamp)
    _commit(connection, change, actor)


def _answer_parent(connection: Connection, row: Row, facts: Facts) -> None:
    """A reply that is issued ends the parent's clocks, in the same transaction."""
    if LETTERS[row["fields"]["letter"]].reply and row["parent_id"]:
        store.execute(
            connection, "UPDATE case_clock SET answered_at = :at WHERE case_id = :id AND answered_at IS NULL", at=clock.stamp(facts.now), id=row["parent_id"]
        )


# --- one key, one effect -----------------------------------------------------------------------------------


def _replayed(connection: Connection, once: Once) -> Done | None:
    rows = store.query(
        connection,
        "SELECT body_hash, case_id, version FROM idempotency WHERE user_id = :user_id AND scope = :scope AND key = :key",
        user_id=once.user_id,
        scope=once.scope,
        key=once.key,
    )
    if not rows:
        return None
    if rows[0]["body_hash"] != once.body_hash:
        from workflow.errors import IdempotencyMismatch

        raise IdempotencyMismatch()
    return Done(rows[0]["case_id"], rows[0]["version"], replayed=True)


def _answered_meanwhile(office: Office, once: Once) -> Done | None:
    """What the first request with this key did while another with it was being judged, or None.

    PostgreSQL judges the two side by side: the second finds no stored answer yet, waits for the row of the case
    and then loses it to the first. Only a new transaction looks again: the refused one is undone first, so that
    numbers it drew go back. `Stale` cannot be such a refusal: the case is read before the stored answers are.
    """
    with office.db.read() as connection:
        return _replayed(connection, once)


def _remember(change: Change, once: Once | None, case_id: str, version: int, now: datetime, status: int) -> None:
    if once:
        change.add("idempotency", {
            "user_id": once.user_id, "scope": once.scope, "key": once.key, "body_hash": once.body_hash, "status": status,
            "case_id": case_id, "version": version, "at": clock.stamp(now),
        })  # fmt: skip


def keep_answer(office: Office, once: Once, status: int, body: str, etag: str, location: str | None) -> None:
    """Store the answer that a key got, to be given again word for word."""

    def work(connection: Connection) -> None:
        store.execute(
            connection,
            "UPDATE idempotency SET status = :status, body = :body, etag = :etag, location = :location"
            " WHERE user_id = :user_id AND scope = :scope AND key = :key AND body IS NULL",
            status=status, body=office.keys.seal(body, answer_place(once.user_id, once.scope, once.key)), etag=etag, location=location, user_id=once.user_id, scope=once.scope, key=once.key,
        )  # fmt: skip

    office.db.transact(work)


def kept_answer(office: Office, once: Once) -> dict[str, Any] | None:
    """The stored answer of a key, once it is there."""
    with office.db.read() as connection:
        rows = store.query(
            connection,
            "SELECT status, body, etag, location FROM idempotency WHERE user_id = :user_id AND scope = :scope AND key = :key",
            user_id=once.user_id,
            scope=once.scope,
            key=once.key,
        )
    if rows and rows[0]["body"]:
        rows[0]["body"] = office.keys.read(rows[0]["body"], answer_place(once.user_id, once.scope, once.key))
    return rows[0] if rows else None


def answer_place(user_id: str, scope: str, key: str) -> str:
    """What a stored answer is bound to."""
    return f"idempotency/{user_id}/{scope}/{key}"


from states.language import Field  # noqa: E402
from states.shared import CHANNELS  # noqa: E402

BEHALF = (
    Field("organisation", "agency", Text("Cơ quan đề nghị", "Requesting organisation"), required=True),
    Field("channel", "choice", Text("Kênh nhận", "Channel"), required=True, choices=CHANNELS),
    Field("received_at", "moment", Text("Nhận lúc", "Received at")),
    Field("incoming_no", "text", Text("Số đến", "Incoming number"), max_length=60),
)
BESIDE = (
    Field("comment", "longtext", Text("Ghi chú", "Comment")),
    Field("role", "text", Text("Vai trò", "Role"), max_length=40),
    Field("acting_for", "text", Text("Làm thay (ủy quyền)", "Acting for (delegation)"), max_length=64),
)
