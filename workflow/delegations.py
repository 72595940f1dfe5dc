"""Delegations: who acts in whose name, for which actions, on which paper, from which day to which.

A delegation is a paper of law (Nghị định 30/2020, art. 13: in writing, limited in time and content, never passed on). It
is entered by the principal or by an administrator and is in force only after a second person has confirmed it, on the
days that it names; it ends at once when somebody ends it, its last day is over, or either side loses account or role.
Enter, confirm and end are entries of the record; at each start and end the rights of both sides get a new date (`epoch`),
so that an act judged on the old ones is not written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson
from sqlalchemy import Connection

from states import FLOWS
from states import roles as R
from states.language import Choice, Field, Refusal, Text
from states.machine import role_refusal
from workflow import chance, clock, schemas, store, users
from workflow.audit import system
from workflow.authority import CLOCK, DEPARTMENT, FORMS, LENDERS, Actor, Mandate
from workflow.errors import Conflict, Invalid, NeedsUnmet, NotFound, RoleRefused, Settled
from workflow.office import Office
from workflow.rules import declared as declared_rules

# Who may act for a leader: officials of the desk and of the People's Committee; and never whoever asks, inspects or administers.
DELEGATES = (*DEPARTMENT, R.COMMITTEE, R.REGISTRY)
APART = (R.APPLICANT, R.AUDITOR, R.ADMIN)
READERS = (R.ADMIN, R.DIRECTOR, R.AUDITOR)
CONFIRMERS = (R.DIRECTOR, R.ADMIN)

_NAMES = tuple(dict.fromkeys(step.action for flow in FLOWS.values() for step in flow.steps))


def action_words(action: str, kinds: tuple[str, ...] = ()) -> Text:
    """What an action is called, of the first kind that has it."""
    return next(
        (flow.actions[action][0].label for kind, flow in FLOWS.items() if action in flow.actions and (not kinds or kind in kinds)), Text(action, action)
    )


DECLARED = (
    Field("principal", "user", Text("Người ủy quyền", "Principal")),
    Field("delegate", "user", Text("Người làm thay", "Delegate"), required=True),
    Field("actions", "choices", Text("Việc được làm thay", "Actions"), required=True, choices=tuple(Choice(name, action_words(name)) for name in _NAMES)),
    Field("kinds", "choices", Text("Loại hồ sơ (để trống: mọi loại)", "Kinds (none: all)"), choices=tuple(Choice(k, f.title) for k, f in FLOWS.items())),
    Field("form", "choice", Text("Hình thức ký", "Form"), required=True, choices=tuple(
        Choice(code, Text(f"{code}. ({word.vi})", f"{code}. ({word.en})")) for code, word in FORMS.items())),
    Field("from", "date", Text("Từ ngày", "From"), required=True),
    Field("to", "date", Text("Đến hết ngày", "To, inclusive"), required=True),
    Field("paper_no", "text", Text("Số văn bản ủy quyền", "Number of the paper"), required=True, max_length=60),
    Field("paper_on", "date", Text("Ngày văn bản", "Date of the paper"), required=True),
)  # fmt: skip

SELF = Text("Không thể ủy quyền cho chính mình.", "Nobody can delegate to themselves.")
UNKNOWN = Text("Không có tài khoản đang hoạt động nào tên như vậy.", "There is no active account of this name.")
NO_LENDER = Text(
    "Chỉ lãnh đạo phòng, lãnh đạo Sở hoặc lãnh đạo UBND ủy quyền được; người khác thì giao lại việc.",
    "Only a head of unit, a director or a leader of the People's Committee can delegate; the work of others is reassigned.",
)
NO_DELEGATE = Text(
    "Người làm thay phải là công chức của Sở hoặc lãnh đạo UBND, và không phải bên đề nghị, thanh tra hay quản trị.",
    "A delegate is an official of the Department or of the People's Committee, and no applicant, auditor or administrator.",
)
BACKWARDS = Text("Ngày cuối đứng trước ngày đầu.", "The last day is before the first day.")
OVER = Text("Thời hạn này đã qua.", "These days are over.")
UNSIGNED = Text("Văn bản đề ngày chưa đến; ủy quyền phải bằng văn bản đã ký.", "The paper bears a day to come; a delegation needs a paper that is signed.")
SECOND = Refusal(
    "second_person",
    Text("Người nhập và người được ủy quyền không xác nhận được.", "Neither who entered it nor the delegate may confirm it."),
    Text("Một lãnh đạo Sở hoặc quản trị khác xác nhận.", "Another director or administrator confirms it."),
    CONFIRMERS,
)


# --- reading -------------------------------------------------------------------------------------------------

_ROWS = (
    "SELECT d.*, p.username AS principal, p.name AS principal_name, p.title_vi AS principal_title_vi, p.title_en AS principal_title_en,"
    " g.username AS delegate, g.name AS delegate_name, e.name AS enterer, c.name AS confirmer, x.name AS ender"
    " FROM delegations d JOIN users p ON p.id = d.principal_id JOIN users g ON g.id = d.delegate_id"
    " LEFT JOIN users e ON e.id = d.entered_by LEFT JOIN users c ON c.id = d.confirmed_by LEFT JOIN users x ON x.id = d.ended_by"
)
_MANDATES = (
    "SELECT d.id AS delegation, d.delegate_id, d.actions, d.kinds, d.form, d.paper_no, d.valid_from, d.valid_to, u.id, u.username, u.name, u.language, u.epoch,"
    " u.title_vi, u.title_en, u.active, m.organisation_id, m.role, m.lead, o.code, o.kind FROM delegations d JOIN users u ON u.id = d.principal_id"
    " LEFT JOIN memberships m ON m.user_id = u.id LEFT JOIN organisations o ON o.id = m.organisation_id AND o.active"
    " WHERE d.confirmed_at IS NOT NULL AND d.ended_at IS NULL AND d.valid_from <= :today AND d.valid_to >= :today"
)


def _mandates(rows: list[dict[str, Any]]) -> tuple[Mandate, ...]:
    """Mandates out of rows of one a membership of the principal; a principal whose account is closed lends nothing."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(row["delegation"], []).append(row)
    found = []
    for id_, own in grouped.items():
        principal = users.actor_of(own)
        if principal is not None:
            first = own[0]
            actions, kinds = frozenset(orjson.loads(first["actions"])), frozenset(orjson.loads(first["kinds"]))
            found.append(Mandate(id_, principal, actions, kinds, first["form"], first["paper_no"], first["valid_from"], first["valid_to"]))
    return tuple(found)


def in_force(connection: Connection, actor: Actor) -> tuple[Mandate, ...]:
    """The delegations under which a person may act today, oldest first; no query for whom none names as delegate."""
    if not actor.delegate:
        return ()
    return _mandates(store.query(connection, f"{_MANDATES} AND d.delegate_id = :me ORDER BY d.entered_at, d.id, m.id", me=actor.id, today=_today()))


def all_in_force(connection: Connection) -> list[tuple[str, Mandate]]:
    """Every delegation in force today, with the id of its delegate."""
    rows = store.query(connection, f"{_MANDATES} ORDER BY d.entered_at, d.id, m.id", today=_today())
    delegates = {row["delegation"]: row["delegate_id"] for row in rows}
    return [(delegates[mandate.id], mandate) for mandate in _mandates(rows)]


def _today() -> str:
    return clock.today().isoformat()


def choose(connection: Connection, actor: Actor, id_: str, kind: str, action: str) -> tuple[Mandate | None, Text | None]:
    """The delegation that an act names, if the person may take this action under it today; else why not.

    The second is None for one that is absent or another's: nothing is told of it. Read in the transaction of the act.
    """
    rows = store.query(connection, f"{_ROWS} WHERE d.id = :id AND d.delegate_id = :me", id=id_, me=actor.id)
    if not rows:
        return None, None
    why = _unfit(rows[0], kind, action)
    if why is None:
        found = _mandates(store.query(connection, f"{_MANDATES} AND d.id = :id ORDER BY m.id", id=id_, today=_today()))
        if found and found[0].principal.has(*LENDERS) and _may_act(actor):
            return found[0], None
        why = Text("vai trò hoặc tài khoản của một trong hai bên không còn", "one of the two sides no longer holds the account or role it rests on")
    return None, Text(f"{_paper(rows[0]).vi}: {why.vi}.", f"{_paper(rows[0]).en}: {why.en}.")


def _paper(row: Mapping[str, Any]) -> Text:
    number, on = row["paper_no"], _day(row["paper_on"])
    return Text(f"Ủy quyền số {number} ngày {on} của {row['principal_name']}", f"Delegation {number} of {on} by {row['principal_name']}")


def _day(value: str) -> str:
    return f"{date.fromisoformat(value):%d/%m/%Y}"


def _unfit(row: Mapping[str, Any], kind: str, action: str) -> Text | None:
    """Why a delegation does not carry an act, in words that go on after its number and date."""
    first, last, today = _day(row["valid_from"]), _day(row["valid_to"]), _today()
    if row["ended_at"]:
        on = f"{clock.local(clock.moment(row['ended_at'])):%d/%m/%Y %H:%M}"
        return Text(f"đã chấm dứt lúc {on}", f"it was ended on {on}")
    if not row["confirmed_at"]:
        return Text("chưa được người thứ hai xác nhận", "no second person has confirmed it")
    if today < row["valid_from"] or today > row["valid_to"]:
        return Text(f"chỉ có giá trị từ {first} đến hết {last}", f"it holds from {first} to {last} only")
    kinds = tuple(orjson.loads(row["kinds"]))
    if action not in orjson.loads(row["actions"]):
        words = action_words(action, (kind,))
        return Text(f"không giao việc “{words.vi}”", f"it does not name the action “{words.en}”")
    if kinds and kind not in kinds:
        title = FLOWS[kind].title
        return Text(f"không giao loại hồ sơ “{title.vi}”", f"it does not name the kind “{title.en}”")
    return None


def standing(row: Mapping[str, Any]) -> str:
    """Where a delegation stands today: `entered`, `not_yet`, `in_force`, `expired` or `ended`."""
    today = _today()
    if row["ended_at"]:
        return "ended"
    if today > row["valid_to"]:
        return "expired"
    if not row["confirmed_at"]:
        return "entered"
    return "not_yet" if today < row["valid_from"] else "in_force"


STANDINGS: dict[str, Text] = {
    "entered": Text("Chờ xác nhận", "To be confirmed"),
    "not_yet": Text("Chưa đến ngày", "Not yet begun"),
    "in_force": Text("Đang hiệu lực", "In force"),
    "expired": Text("Đã hết hạn", "Expired"),
    "ended": Text("Đã chấm dứt", "Ended"),
}


def as_dict(row: Mapping[str, Any]) -> dict[str, Any]:
    """The wire shape of a delegation."""
    name = standing(row)
    return {
        "id": row["id"], "principal": {"username": row["principal"], "name": row["principal_name"]},
        "delegate": {"username": row["delegate"], "name": row["delegate_name"]},
        "actions": orjson.loads(row["actions"]), "kinds": orjson.loads(row["kinds"]), "form": row["form"], "from": row["valid_from"], "to": row["valid_to"],
        "paper_no": row["paper_no"], "paper_on": row["paper_on"], "standing": name, "standing_label": STANDINGS[name].as_dict(),
        "entered_by": row["enterer"], "entered_at": row["entered_at"], "confirmed_by": row["confirmer"], "confirmed_at": row["confirmed_at"],
        "ended_by": row["ender"], "ended_at": row["ended_at"],
    }  # fmt: skip


def listed(office: Office, actor: Actor) -> list[dict[str, Any]]:
    """The delegations a person may read, newest first: their own on either side; all for administrator, director, auditor."""
    with office.db.read() as connection:
        if actor.has(*READERS):
            rows = store.query(connection, f"{_ROWS} ORDER BY d.entered_at DESC, d.id")
        else:
            rows = store.query(connection, f"{_ROWS} WHERE d.principal_id = :me OR d.delegate_id = :me ORDER BY d.entered_at DESC, d.id", me=actor.id)
    return [{**as_dict(row), "may": _may(row, actor)} for row in rows]


def of_person(office: Office, actor: Actor) -> list[dict[str, Any]]:
    """A person's own delegations that have not ended, on either side."""
    with office.db.read() as connection:
        rows = store.query(
            connection,
            f"{_ROWS} WHERE (d.principal_id = :me OR d.delegate_id = :me) AND d.ended_at IS NULL AND d.valid_to >= :today ORDER BY d.entered_at, d.id",
            me=actor.id,
            today=_today(),
        )
    return [as_dict(row) for row in rows]


def acts_in_name_of(office: Office, actor: Actor, limit: int = 50) -> list[dict[str, Any]]:
    """What was done in a person's name, newest first: case, action, who did it, when, on which paper."""
    with office.db.read() as connection:
        rows = store.query(
            connection,
            "SELECT e.at, e.action, c.id AS case_id, c.code, c.kind, c.title, u.name, d.form, d.paper_no, d.id AS delegation FROM acted_for a"
            " JOIN audit_entry e ON e.case_id = a.case_id AND e.seq = a.seq JOIN cases c ON c.id = a.case_id"
            " JOIN delegations d ON d.id = a.delegation_id JOIN users u ON u.id = e.actor_id"
            f" WHERE a.principal_id = :me ORDER BY e.at DESC LIMIT {int(limit)}",
            me=actor.id,
        )
    return [{**row, "label": action_words(row["action"], (row["kind"],)).as_dict()} for row in rows]


# --- entering, confirming, ending ----------------------------------------------------------------------------


def longest(office: Office) -> int:
    """How many days a delegation may hold, both ends counted: rule `longest_delegation`."""
    if "longest_delegation" in office.rules:
        return int(office.rules.number("longest_delegation"))
    return int(declared_rules()["longest_delegation"]["version"][-1]["value"])


def lendable(principal: Actor, kinds: tuple[str, ...] = ()) -> list[str]:
    """The actions that a person could take by a role that can be lent, on cases of these kinds (none: all)."""
    roles = {m.role for m in principal.memberships} & LENDERS
    flows = [flow for kind, flow in FLOWS.items() if not kinds or kind in kinds]
    return [name for name in _NAMES if any(roles & set(step.by) for flow in flows for step in flow.actions.get(name, ()))]


def _may_act(person: Actor) -> bool:
    return person.has(*DELEGATES) and not person.has(*APART)


def enter(office: Office, actor: Actor, given: Any, *, request_id: str = "") -> str:
    """Enter a delegation; answers its id. It is not in force before `confirm`.

    `given`: `principal` (username, left out: oneself), `delegate`, `actions[]`, `kinds[]` (none: all), `form`, `from`, `to`
    (dates, both inclusive), `paper_no`, `paper_on`. Raises `RoleRefused` for another's authority entered by somebody who is no
    administrator, `Invalid` by field.
    """

    def work(connection: Connection) -> str:
        office.refresh(connection)
        wanted = given.get("principal") if isinstance(given, Mapping) else None
        if wanted not in (None, "", actor.username) and not actor.has(R.ADMIN):
            raise RoleRefused((role_refusal((R.ADMIN,)),))
        values = schemas.drop_nulls(schemas.load(DECLARED, given))
        principal = _person(connection, values.get("principal") or actor.username)
        delegate = _person(connection, values["delegate"])
        errors = _faults(office, values, principal, delegate)
        if errors or principal is None or delegate is None:
            raise Invalid(errors)
        users.still(connection, actor)
        return _insert(connection, actor, principal, delegate, values, request_id)

    return office.db.transact(work)


def _person(connection: Connection, username: str) -> Actor | None:
    rows = store.query(connection, "SELECT id FROM users WHERE username = :name AND active", name=username)
    return users.actor_by_id(connection, rows[0]["id"]) if rows else None


def _faults(office: Office, values: Mapping[str, Any], principal: Actor | None, delegate: Actor | None) -> dict[str, list[Text]]:
    """What is wrong with a delegation, by field; empty where nothing is."""
    found: dict[str, list[Text]] = {}
    if principal is None:
        found["principal"] = [UNKNOWN]
    elif not principal.has(*LENDERS):
        found["principal"] = [NO_LENDER]
    else:
        beyond = [name for name in values["actions"] if name not in lendable(principal, tuple(values.get("kinds") or ()))]
        if beyond:
            found["actions"] = [_beyond(principal, beyond)]
    if delegate is None:
        found["delegate"] = [UNKNOWN]
    elif principal is not None and delegate.id == principal.id:
        found["delegate"] = [SELF]
    elif not _may_act(delegate):
        found["delegate"] = [NO_DELEGATE]
    return found | _faulty_days(office, values)


def _beyond(principal: Actor, actions: list[str]) -> Text:
    words = [action_words(name) for name in actions]
    return Text(
        f"{principal.name} không giữ vai trò nào làm được việc này để giao: {', '.join(w.vi for w in words)}.",
        f"{principal.name} holds no role to pass on that can do this: {', '.join(w.en for w in words)}.",
    )


def _faulty_days(office: Office, values: Mapping[str, Any]) -> dict[str, list[Text]]:
    found: dict[str, list[Text]] = {}
    first, last, most = date.fromisoformat(values["from"]), date.fromisoformat(values["to"]), longest(office)
    if last < first:
        found["to"] = [BACKWARDS]
    elif last < clock.today():
        found["to"] = [OVER]
    elif (last - first).days + 1 > most:
        found["to"] = [Text(f"Ủy quyền dài nhất {most} ngày.", f"A delegation holds {most} days at most.")]
    if date.fromisoformat(values["paper_on"]) > clock.today():
        found["paper_on"] = [UNSIGNED]
    return found


def _insert(connection: Connection, actor: Actor, principal: Actor, delegate: Actor, values: Mapping[str, Any], request_id: str) -> str:
    id_, kinds = chance.public_id(), values.get("kinds") or []
    store.execute(
        connection,
        "INSERT INTO delegations (id, principal_id, delegate_id, actions, kinds, form, valid_from, valid_to, paper_no, paper_on, entered_by, entered_at)"
        " VALUES (:id, :principal, :delegate, :actions, :kinds, :form, :first, :last, :paper, :paper_on, :by, :at)",
        id=id_, principal=principal.id, delegate=delegate.id, actions=orjson.dumps(values["actions"]).decode(), kinds=orjson.dumps(kinds).decode(),
        form=values["form"], first=values["from"], last=values["to"], paper=values["paper_no"], paper_on=values["paper_on"], by=actor.id,
        at=clock.stamp(clock.now()),
    )  # fmt: skip
    told = {name: values[name] for name in ("actions", "form", "from", "to", "paper_no", "paper_on")}
    system.record(
        connection,
        actor,
        "enter_delegation",
        {"delegation": id_, "principal": principal.id, "delegate": delegate.id, "kinds": kinds, **told},
        request_id=request_id,
    )
    return id_


def _row(connection: Connection, actor: Actor, id_: str) -> dict[str, Any]:
    """One delegation, as far as it exists for this person; raises `NotFound` otherwise."""
    rows = store.query(connection, f"{_ROWS} WHERE d.id = :id", id=id_)
    own = rows and actor.id in (rows[0]["principal_id"], rows[0]["delegate_id"], rows[0]["entered_by"])
    if not rows or not (own or actor.has(*READERS)):
        raise NotFound()
    return rows[0]


def _may(row: Mapping[str, Any], actor: Actor) -> list[str]:
    """What this person may still do with a delegation, for the buttons of a page."""
    if row["ended_at"] or standing(row) == "expired":
        return []
    found = ["confirm"] if not row["confirmed_at"] and _confirms(row, actor) and not _first_person(row, actor) else []
    return found + (["end"] if _ends(row, actor) else [])


def _confirms(row: Mapping[str, Any], actor: Actor) -> bool:
    """Whether a person is of those who confirm: a director, an administrator, the principal whose delegation was entered for them."""
    return actor.has(*CONFIRMERS) or actor.id == row["principal_id"]


def _first_person(row: Mapping[str, Any], actor: Actor) -> bool:
    return actor.id in (row["entered_by"], row["delegate_id"])


def _ends(row: Mapping[str, Any], actor: Actor) -> bool:
    return actor.has(*CONFIRMERS) or actor.id in (row["principal_id"], row["delegate_id"], row["entered_by"])


def confirm(office: Office, actor: Actor, id_: str, *, request_id: str = "") -> None:
    """Put a delegation in force, as a second person.

    Raises `NotFound`, `RoleRefused` (neither director nor administrator nor the principal), `NeedsUnmet` with `second_person`
    (who entered it, the delegate), `Invalid` for one that would not be taken today, `Conflict` `state` when it is confirmed or
    ended already.
    """

    def work(connection: Connection) -> None:
        office.refresh(connection)
        row = _row(connection, actor, id_)
        if not _confirms(row, actor):
            raise RoleRefused((role_refusal(CONFIRMERS),))
        if row["ended_at"] or row["confirmed_at"]:
            raise Settled(STANDINGS["ended"] if row["ended_at"] else Text("Ủy quyền này đã được xác nhận.", "This delegation is confirmed already."))
        if _first_person(row, actor):
            raise NeedsUnmet((SECOND,))
        values = {**as_dict(row), "actions": orjson.loads(row["actions"]), "kinds": orjson.loads(row["kinds"])}
        errors = _faults(office, values, users.actor_by_id(connection, row["principal_id"]), users.actor_by_id(connection, row["delegate_id"]))
        if errors:
            raise Invalid(errors)
        users.still(connection, actor)
        _mark(
            connection, "UPDATE delegations SET confirmed_by = :by, confirmed_at = :at WHERE id = :id AND confirmed_at IS NULL AND ended_at IS NULL", actor, row
        )
        system.record(connection, actor, "confirm_delegation", {"delegation": id_}, request_id=request_id)

    office.db.transact(work)


def _mark(connection: Connection, sql: str, actor: Actor, row: Mapping[str, Any]) -> None:
    """Write a start or an end, once, and date the rights of both sides anew."""
    if not store.execute(connection, sql, by=actor.id, at=clock.stamp(clock.now()), id=row["id"]):
        raise Conflict("changed_meanwhile")
    store.execute(connection, "UPDATE users SET epoch = epoch + 1 WHERE id = :one OR id = :other", one=row["principal_id"], other=row["delegate_id"])


_END = "UPDATE delegations SET ended_by = :by, ended_at = :at WHERE id = :id AND ended_at IS NULL"


def end(office: Office, actor: Actor, id_: str, *, request_id: str = "") -> None:
    """End a delegation, or withdraw one that waits to be confirmed; it stops the next act under it, also from a page that is open.

    By either side, whoever entered it, a director or an administrator; another reader is refused with `RoleRefused`. One
    that has ended stays as it is. Raises `NotFound`.
    """

    def work(connection: Connection) -> None:
        row = _row(connection, actor, id_)
        if not _ends(row, actor):
            raise RoleRefused((role_refusal(CONFIRMERS),))
        if not row["ended_at"]:
            users.still(connection, actor)
            _mark(connection, _END, actor, row)
            system.record(connection, actor, "end_delegation", {"delegation": id_, "why": "revoked"}, request_id=request_id)

    office.db.transact(work)


def end_of_person(connection: Connection, user_id: str, why: str) -> int:
    """End what a person can no longer give or use, in the transaction that takes account or role away; answers how many.

    `why` is kept with the entry: `account_closed` ends everything on either side, `role_lost` what the roles left do not bear.
    """
    ended = 0
    for row in store.query(
        connection, f"{_ROWS} WHERE (d.principal_id = :id OR d.delegate_id = :id) AND d.ended_at IS NULL ORDER BY d.entered_at, d.id", id=user_id
    ):
        if why == "role_lost" and _borne(connection, row):
            continue
        _mark(connection, _END, CLOCK, row)
        system.record(connection, CLOCK, "end_delegation", {"delegation": row["id"], "why": why})
        ended += 1
    return ended


def _borne(connection: Connection, row: Mapping[str, Any]) -> bool:
    """Whether the roles of both sides still bear a delegation: each action is one the principal could take."""
    principal, delegate = users.actor_by_id(connection, row["principal_id"]), users.actor_by_id(connection, row["delegate_id"])
    if principal is None or delegate is None or not _may_act(delegate):
        return False
    return set(orjson.loads(row["actions"])) <= set(lendable(principal, tuple(orjson.loads(row["kinds"]))))


def end_due(office: Office) -> int:
    """Close the books on delegations whose last day is over; answers how many. They have carried nothing since that day ended."""

    def work(connection: Connection) -> int:
        over = store.query(connection, "SELECT * FROM delegations WHERE ended_at IS NULL AND valid_to < :today ORDER BY valid_to, id", today=_today())
        for row in over:
            _mark(connection, _END, CLOCK, row)
            system.record(connection, CLOCK, "end_delegation", {"delegation": row["id"], "why": "expired"})
        return len(over)

    return office.db.transact(work)
