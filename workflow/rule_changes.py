"""Changing a rule: one person drafts a version, sees what it would do to every open case, and a second person confirms it.

A version is never overwritten: the one in force gets its last day, the new one begins the day after. A case keeps the
rules of its day of receipt (Nghị định 262/2026 art. 26), so that the replay names only open cases received on or after the
first day of the new version. It is computed by the rules themselves, once with the versions in force and once with the
draft among them, and again when the second person confirms: nobody confirms an effect that they have not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Connection

from states import roles as R
from states.language import Refusal, Text
from states.machine import role_refusal
from workflow import chance, clock, law, recount, rules, store, users
from workflow.audit import system
from workflow.authority import Actor
from workflow.errors import Conflict, Invalid, NeedsUnmet, NotFound, RoleRefused, Settled
from workflow.law import Catalogue
from workflow.localities import LegalText
from workflow.office import Office
from workflow.rule_replay import difference, eve, mark_of, replay
from workflow.rule_values import GROUPS, SENTENCES, checked, clean, first_day, group_of, newest, value_words
from workflow.rules import Rule

READERS = (R.ADMIN, R.DIRECTOR, R.AUDITOR)
CONFIRMERS = (R.DIRECTOR, R.ADMIN)
TRIES = 5

# Habits of the office: read by the day on which they are used and not by the day of receipt.
BY_DAY = frozenset({"T21", "T23", "card_warning", "guide_before", "levels", "longest_delegation", "no_show_calls", "reminder",
                    "split_committee", "split_department", "split_intake", "split_review"})  # fmt: skip
STANDINGS: dict[str, Text] = {
    "confirmed": Text("Đã xác nhận", "Confirmed"), "sourced": Text("Có nguồn, chưa đối chiếu", "Sourced, not compared yet"),
    "unconfirmed": Text("Chưa xác nhận", "Not confirmed"),
}  # fmt: skip
STATUSES: dict[str, Text] = {
    "draft": Text("Chờ người thứ hai", "Waits for the second person"), "in_force": Text("Có hiệu lực", "In force"),
    "refused": Text("Bị từ chối", "Refused"), "withdrawn": Text("Đã rút", "Withdrawn"),
}  # fmt: skip
SECOND = Refusal(
    "second_person",
    Text("Người đề xuất không được tự xác nhận hoặc từ chối.", "Who drafted the change may not confirm or refuse it."),
    Text("Một lãnh đạo Sở hoặc quản trị khác làm việc này.", "A director or another administrator does it."),
    CONFIRMERS,
)
SECOND_TICK = Refusal(
    "second_person",
    Text("Người đánh dấu thứ nhất không được đánh dấu thứ hai.", "Who ticked first may not tick second."),
    Text("Một lãnh đạo Sở hoặc quản trị khác đánh dấu.", "A director or another administrator ticks it."),
    CONFIRMERS,
)


class ReplayChanged(Conflict):
    """The effect on the open cases is no longer the one that was shown; `replay` is the present one, `was` the one shown."""

    def __init__(self, found: list[dict[str, Any]], was: list[dict[str, Any]]):
        super().__init__("changed_meanwhile")
        self.message = Text(
            "Tác động đến các hồ sơ đang mở đã khác với danh sách được xem; chưa có gì được ghi. Hãy xem danh sách mới rồi xác nhận lại.",
            "The effect on open cases is no longer the list you saw; nothing was written. Look at the new list and confirm again.",
        )
        self.replay, self.was = found, was


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that was found right: the new version, the one it follows, why, what it would do, what to look at."""

    rule: Rule
    former: Rule | None
    reason: str
    replay: list[dict[str, Any]]
    warnings: tuple[Text, ...]


def _warnings(office: Office, texts: Catalogue, rule: Rule) -> tuple[Text, ...]:
    """What the second person should look at besides the cases."""
    found = law.doubts(texts, (rule,), rule.valid_from)
    if rule.valid_from <= clock.today():
        found.append(Text(
            "Ngày bắt đầu không nằm trong tương lai: áp dụng cả cho hồ sơ đã nhận từ ngày đó.",
            "The first day is not in the future: cases received since then are bound by it too.",
        ))  # fmt: skip
    if rule.code in BY_DAY:
        found.append(Text(
            "Giá trị này được đọc theo ngày dùng, không theo ngày nhận: từ ngày bắt đầu nó áp dụng cho mọi hồ sơ, và không hạn đã định nào đổi.",
            "This value is read on the day it is used, not by the day of receipt: from its first day on it holds for all cases, and no date already set moves.",
        ))  # fmt: skip
    if not rule.locality and any(other.code == rule.code and other.locality and other.valid_to is None for other in office.rulebook.rows):
        found.append(Text(
            "Địa phương này có phiên bản riêng: thay đổi của cả nước không có tác động ở đây.",
            "This locality has a version of its own: a change for the nation has no effect here.",
        ))  # fmt: skip
    return tuple(found)


# --- drafting --------------------------------------------------------------------------------------------------------


def _needs_admin(actor: Actor) -> None:
    if not actor.has(R.ADMIN):
        raise RoleRefused((role_refusal((R.ADMIN,)),))


def preview(office: Office, actor: Actor, given: Mapping[str, Any]) -> Proposal:
    """A change as typed (`code`, `value`, `unit`, `basis`, `valid_from`, `reason`, `locality`), with what it would do. Nothing is written.

    Raises `RoleRefused` for who is no administrator, `Invalid` by field.
    """
    _needs_admin(actor)
    with office.db.read() as connection:
        office.refresh(connection, force=True)
        rule, former, reason = checked(office, connection, given)
        _none_waits(connection, rule)
        warnings = _warnings(office, law.load(connection), rule)
    return Proposal(rule, former, reason, replay(office, rule), warnings)


def _none_waits(connection: Connection, rule: Rule) -> None:
    rows = store.query(
        connection, "SELECT id FROM rule_versions WHERE code = :code AND locality = :place AND status = 'draft'", code=rule.code, place=rule.locality
    )
    if rows:
        raise Invalid({"code": [SENTENCES["waiting"]]})


def draft(
    office: Office, actor: Actor, code: str, value: str, unit: str, basis: str, valid_from: str, reason: str, locality: str = "", *,
    made: Proposal | None = None, request_id: str = "",
) -> str:  # fmt: skip
    """Enter a version that waits for the second person, with its replay; answers its id. It is not in force.

    `valid_from` is year-month-day or day/month/year; `made` is what `preview` answered for these same words, where that
    was asked just now. Raises `RoleRefused`, `Invalid` by field.
    """
    _needs_admin(actor)
    if made is None:
        given = {"code": code, "value": value, "unit": unit, "basis": basis, "valid_from": valid_from, "reason": reason, "locality": locality}
        made = preview(office, actor, given)
    rule = replace(made.rule, id=chance.public_id())

    def work(connection: Connection) -> str:
        users.still(connection, actor)
        told = {**_as_told(rule), "reason": made.reason, "replay": made.replay}
        # The entry comes first: its stream lets one writer in at a time, so that of two drafts of a rule the second sees the first.
        system.record(connection, actor, "rule_draft", told, request_id=request_id)
        _none_waits(connection, rule)
        _fill(office, connection)
        _insert(connection, actor, made, rule)
        return rule.id

    done = office.db.transact(work)
    office.forget()
    return done


def _as_told(rule: Rule) -> dict[str, Any]:
    """What an entry of the record says of a version."""
    return {
        "rule": rule.id, "code": rule.code, "value": rule.value, "unit": rule.unit, "basis": rule.basis, "valid_from": rule.valid_from.isoformat(),
        "locality": rule.locality,
    }  # fmt: skip


def _fill(office: Office, connection: Connection) -> None:
    """The shipped versions, where nobody has entered them yet: one row alone would hide all others."""
    if not store.query(connection, "SELECT id FROM rule_versions WHERE status = 'in_force' LIMIT 1"):
        rules.seed_rules(connection, office.profile.code, office.profile.rule_overrides)


def _insert(connection: Connection, actor: Actor, made: Proposal, rule: Rule) -> None:
    store.execute(
        connection,
        "INSERT INTO rule_versions (id, code, locality, value, unit, basis, valid_from, standing, status, reason, replay, entered_by, entered_at)"
        " VALUES (:id, :code, :place, :value, :unit, :basis, :first, 'unconfirmed', 'draft', :reason, :replay, :by, :at)",
        id=rule.id, code=rule.code, place=rule.locality, value=rule.value, unit=rule.unit, basis=rule.basis, first=rule.valid_from.isoformat(),
        reason=made.reason, replay=orjson.dumps(made.replay).decode(), by=actor.id, at=clock.stamp(clock.now()),
    )  # fmt: skip


# --- the second person -----------------------------------------------------------------------------------------------

_PICKED = (
    "SELECT r.*, COALESCE(e.name, r.entered_by) AS entered_name, COALESCE(c.name, r.confirmed_by) AS confirmed_name"
    " FROM rule_versions r LEFT JOIN users e ON e.id = r.entered_by LEFT JOIN users c ON c.id = r.confirmed_by"
)


def _picked(connection: Connection, id_: str) -> dict[str, Any]:
    rows = store.query(connection, f"{_PICKED} WHERE r.id = :id", id=id_)
    if not rows:
        raise NotFound()
    return rows[0]


def _to_judge(connection: Connection, actor: Actor, id_: str) -> dict[str, Any]:
    """A draft that this person may confirm or refuse; raises why not."""
    row = _picked(connection, id_)
    if not actor.has(*CONFIRMERS):
        raise RoleRefused((role_refusal(CONFIRMERS),))
    if row["status"] != "draft":
        raise _settled(row)
    if row["entered_by"] == actor.id:
        raise NeedsUnmet((SECOND,))
    return row


def _settled(row: Mapping[str, Any]) -> Settled:
    word = STATUSES[row["status"]]
    return Settled(Text(f"Thay đổi này không còn chờ: {word.vi.lower()}.", f"This change no longer waits: {word.en.lower()}."))


def confirm(office: Office, actor: Actor, id_: str, *, seen: str = "", request_id: str = "") -> list[str]:
    """Put a draft in force as the second person; answers the codes of the open cases whose due date moved.

    `seen` is the mark of the replay that the person was shown, the one stored with the draft where it is left out. Raises
    `NotFound`, `RoleRefused`, `NeedsUnmet` (`second_person`), `Settled` for one that no longer waits, `ReplayChanged` where
    the effect is another than shown, `Invalid` where a younger version came in between. The due dates are counted again
    once the table is written; were the machine to stop in between, `fpd calendar recount` does it.
    """
    for left in reversed(range(TRIES)):
        last, row, rule, former = _judged(office, actor, id_)
        found, was = replay(office, rule), orjson.loads(row["replay"] or "[]")
        if mark_of(found) != (seen or mark_of(was)):
            raise ReplayChanged(found, was)
        if office.db.transact(partial(_carry_out, actor, rule, former, found, last if left else None, request_id)):
            break
    office.forget()
    return recount.recount(office, actor, _why(rule, former), request_id=request_id)


def _judged(office: Office, actor: Actor, id_: str) -> tuple[int, dict[str, Any], Rule, Rule | None]:
    """(last entry of the record, row, version, the one it follows), read before the replay is computed."""
    with office.db.read() as connection:
        office.refresh(connection, force=True)
        row = _to_judge(connection, actor, id_)
        rule = rules.rule_of(row)
        former, wrong = newest(office.rulebook.rows, rule.code, rule.locality), dict[str, list[Text]]()
        first_day(row["valid_from"], former, wrong)
        if law.find(law.load(connection), rule.basis) is None:
            wrong["basis"] = [SENTENCES["basis"]]
        if wrong:
            raise Invalid(wrong)
        return _last_entry(connection), row, rule, former


def _last_entry(connection: Connection) -> int:
    return int(store.query(connection, "SELECT max(id) AS n FROM audit_entry")[0]["n"] or 0)


def _carry_out(actor: Actor, rule: Rule, former: Rule | None, found: list[dict[str, Any]], at: int | None, request_id: str, connection: Connection) -> bool:
    """Write the change with its entry; False, with nothing written, where the record has grown since the replay was computed."""
    users.still(connection, actor)
    if at is not None and _last_entry(connection) != at:
        return False
    stamp = clock.stamp(clock.now())
    if not store.execute(
        connection,
        "UPDATE rule_versions SET status = 'in_force', standing = 'confirmed', confirmed_by = :by, confirmed_at = :at WHERE id = :id AND status = 'draft'",
        by=actor.id, at=stamp, id=rule.id,
    ):  # fmt: skip
        raise _settled(_picked(connection, rule.id))
    if (
        former
        and former.valid_to is None
        and not store.execute(
            connection, "UPDATE rule_versions SET valid_to = :eve WHERE id = :id AND valid_to IS NULL", eve=eve(rule).isoformat(), id=former.id
        )
    ):
        raise Conflict("changed_meanwhile")
    told = {**_as_told(rule), "ends": former.id if former else None, "replay": found}
    system.record(connection, actor, "rule_confirm", told, request_id=request_id)
    return True


def _why(rule: Rule, former: Rule | None) -> Text:
    new = value_words(rule.code, rule.value, rule.unit)
    old = value_words(former.code, former.value, former.unit) if former else Text("–", "–")
    return Text(
        f"Quy định {rule.code} đổi từ {old.vi} thành {new.vi}, từ {rule.valid_from:%d/%m/%Y}",
        f"Rule {rule.code} changed from {old.en} to {new.en}, from {rule.valid_from:%d/%m/%Y}",
    )


def refuse(office: Office, actor: Actor, id_: str, reason: str, *, request_id: str = "") -> None:
    """Refuse a draft as the second person, with a reason. Raises as `confirm` does."""
    _close(office, actor, id_, "refused", reason, request_id)


def withdraw(office: Office, actor: Actor, id_: str, reason: str = "", *, request_id: str = "") -> None:
    """Take back one's own draft. Raises `NotFound`, `RoleRefused` for anybody else, `Settled`."""
    _close(office, actor, id_, "withdrawn", reason, request_id)


def _close(office: Office, actor: Actor, id_: str, status: str, reason: str, request_id: str) -> None:
    wrong: dict[str, list[Text]] = {}
    said = clean(reason, "reason", wrong)
    if not said and not wrong and status == "refused":
        wrong["reason"] = [Text("Cần nêu lý do từ chối.", "A reason for the refusal is needed.")]

    def work(connection: Connection) -> None:
        if status == "refused":
            row = _to_judge(connection, actor, id_)
        else:
            row = _own_draft(connection, actor, id_)
        if wrong:
            raise Invalid(wrong)
        users.still(connection, actor)
        touched = store.execute(
            connection, "UPDATE rule_versions SET status = :status, confirmed_by = :by, confirmed_at = :at WHERE id = :id AND status = 'draft'",
            status=status, by=actor.id, at=clock.stamp(clock.now()), id=id_,
        )  # fmt: skip
        if not touched:
            raise _settled(_picked(connection, id_))
        action = "rule_refuse" if status == "refused" else "rule_withdraw"
        system.record(connection, actor, action, {"rule": id_, "code": row["code"], "reason": said}, request_id=request_id)

    office.db.transact(work)


def _own_draft(connection: Connection, actor: Actor, id_: str) -> dict[str, Any]:
    row = _picked(connection, id_)
    if row["entered_by"] != actor.id:
        raise RoleRefused()
    if row["status"] != "draft":
        raise _settled(row)
    return row


# --- a value confirmed as it is --------------------------------------------------------------------------------------


def tick(office: Office, actor: Actor, id_: str, note: str = "", *, request_id: str = "") -> bool:
    """State that a version as shipped is what holds here; answers whether it is confirmed now.

    An administrator ticks first; a director or another administrator second, and the version is `confirmed`: a clock, a
    level or a duty needs two persons even where its value stays. Raises `NotFound`, `RoleRefused`, `NeedsUnmet`
    (`second_person`), `Settled` for a version that is confirmed already or no longer in force.
    """
    wrong: dict[str, list[Text]] = {}
    said = clean(note, "reason", wrong)
    if wrong:
        raise Invalid({"note": wrong["reason"]})

    def work(connection: Connection) -> bool:
        users.still(connection, actor)
        _fill(office, connection)
        row = _picked(connection, id_)
        first = _ticks(connection, id_).get(f"rule/{id_}")
        _may_tick(row, first, actor)
        subject = f"rule/{id_}/second" if first else f"rule/{id_}"
        touched = store.execute(
            connection,
            "INSERT INTO confirmations (subject, by_id, at, note) VALUES (:subject, :by, :at, :note) ON CONFLICT (subject) DO NOTHING",
            subject=subject, by=actor.id, at=clock.stamp(clock.now()), note=said,
        )  # fmt: skip
        if not touched:
            raise Conflict("changed_meanwhile")
        if first:
            store.execute(
                connection,
                "UPDATE rule_versions SET standing = 'confirmed', confirmed_by = :by, confirmed_at = :at WHERE id = :id AND standing <> 'confirmed'",
                by=actor.id, at=clock.stamp(clock.now()), id=id_,
            )  # fmt: skip
        told = {**_as_told(rules.rule_of(row)), "note": said, "confirmed": bool(first)}
        system.record(connection, actor, "rule_tick", told, request_id=request_id)
        return bool(first)

    done = office.db.transact(work)
    office.forget()
    return done


def _may_tick(row: Mapping[str, Any], first: Mapping[str, Any] | None, actor: Actor) -> None:
    if not actor.has(*(CONFIRMERS if first else (R.ADMIN,))):
        raise RoleRefused((role_refusal(CONFIRMERS if first else (R.ADMIN,)),))
    if row["standing"] == "confirmed":
        raise Settled(Text("Giá trị này đã được xác nhận.", "This value is confirmed already."))
    if row["status"] != "in_force" or (row["valid_to"] and row["valid_to"] < clock.today().isoformat()):
        raise Settled(Text("Phiên bản này không còn hiệu lực.", "This version is no longer in force."))
    if first and first["by_id"] == actor.id:
        raise NeedsUnmet((SECOND_TICK,))


def _ticks(connection: Connection, id_: str = "") -> dict[str, dict[str, Any]]:
    """Ticks by subject, of one version or of all."""
    rows = store.query(
        connection,
        "SELECT c.subject, c.by_id, c.at, c.note, COALESCE(u.name, c.by_id) AS by_name FROM confirmations c LEFT JOIN users u ON u.id = c.by_id"
        " WHERE c.subject LIKE :like",
        like=f"rule/{id_}%",
    )
    return {row["subject"]: row for row in rows}


# --- for the pages ---------------------------------------------------------------------------------------------------


def _reads(actor: Actor) -> None:
    if not actor.has(*READERS):
        raise RoleRefused((role_refusal(READERS),))


def _shown(row: Mapping[str, Any], texts: Catalogue, ticks: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    """A version as pages and API show it; `may` names what this person can do with it."""
    rule, today = rules.rule_of(row), clock.today()
    text: LegalText | None = law.find(texts, rule.basis)
    first = ticks.get(f"rule/{rule.id}")
    return {
        "id": rule.id, "code": rule.code, "label": rule.label.as_dict(), "value": rule.value, "unit": rule.unit,
        "words": value_words(rule.code, rule.value, rule.unit).as_dict(), "basis": rule.basis,
        "basis_words": law.label(rule.basis, max(min(today, rule.valid_to or today), rule.valid_from), texts).as_dict(),
        "title": text.title.as_dict() if text else None, "locality": rule.locality, "valid_from": rule.valid_from.isoformat(),
        "valid_to": rule.valid_to.isoformat() if rule.valid_to else None, "standing": rule.standing,
        "standing_words": STANDINGS[rule.standing].as_dict(), "status": row["status"], "status_words": STATUSES[row["status"]].as_dict(),
        "reason": row["reason"], "replay": orjson.loads(row["replay"] or "[]"), "entered_by": row["entered_name"], "entered_at": row["entered_at"],
        "confirmed_by": row["confirmed_name"], "confirmed_at": row["confirmed_at"],
        "current": row["status"] == "in_force" and rule.covers(today), "to_come": rule.valid_from > today, "never": rule.valid_to is not None and rule.valid_to < rule.valid_from,
        "ticked": {"by": first["by_name"], "at": first["at"], "note": first["note"]} if first and rule.standing != "confirmed" else None,
        "may": _may(row, first, actor),
    }  # fmt: skip


def _may(row: Mapping[str, Any], first: Mapping[str, Any] | None, actor: Actor) -> list[str]:
    if row["status"] == "draft":
        own = row["entered_by"] == actor.id
        return ["withdraw"] if own else ["confirm", "refuse"] if actor.has(*CONFIRMERS) else []
    try:
        _may_tick(row, first, actor)
    except (Conflict, RoleRefused, NeedsUnmet):
        return []
    return ["tick"]


def overview(office: Office, actor: Actor) -> dict[str, Any]:
    """The table for a reader: `groups` of codes with the version of today and all others, `waiting` drafts, `doubts` in words.

    Raises `RoleRefused` for who is neither administrator nor director nor auditor.
    """
    _reads(actor)
    with office.db.read() as connection:
        office.refresh(connection, force=True)
        texts, ticks = law.load(connection), _ticks(connection)
        rows = store.query(connection, f"{_PICKED} WHERE r.locality IN ('', :place) ORDER BY r.code, r.valid_from DESC, r.entered_at DESC",
                           place=office.profile.code) or _as_shipped(office)  # fmt: skip
    shown = [_shown(row, texts, ticks, actor) for row in rows]
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in GROUPS}
    today = office.rules
    for code in rules.declared():
        own = [item for item in shown if item["code"] == code]
        now = next((item for item in own if code in today and item["id"] == today[code].id), None)
        listed = now or next((item for item in own if item["status"] == "in_force"), None)
        if listed:
            kept = [item for item in own if item["status"] == "in_force" or item["status"] == "draft"]
            groups[group_of(code, listed["basis"])].append({"now": listed, "versions": kept})
    doubts = law.doubts(texts, office.rulebook.rows, clock.today())
    return {"groups": groups, "waiting": [item for item in shown if item["status"] == "draft"], "doubts": doubts,
            "closed": [item for item in shown if item["status"] in ("refused", "withdrawn")]}  # fmt: skip


def _as_shipped(office: Office) -> list[dict[str, Any]]:
    """The rows of a table that nobody has filled yet."""
    return [
        {
            "id": r.id, "code": r.code, "locality": "", "value": r.value, "unit": r.unit, "basis": r.basis, "valid_from": r.valid_from.isoformat(),
            "valid_to": r.valid_to.isoformat() if r.valid_to else None, "standing": r.standing, "status": "in_force", "reason": "", "replay": None,
            "entered_by": "system", "entered_name": None, "entered_at": None, "confirmed_name": None, "confirmed_at": None,
        }
        for r in reversed(office.rulebook.rows)
    ]  # fmt: skip


def one(office: Office, actor: Actor, id_: str) -> dict[str, Any]:
    """One version for a reader: with what a draft would do now (`now`, `mark`), how that differs from when it was drafted, and its entries.

    Raises `RoleRefused`, `NotFound`.
    """
    _reads(actor)
    with office.db.read() as connection:
        office.refresh(connection, force=True)
        row, texts = _picked(connection, id_), law.load(connection)
        found = _shown(row, texts, _ticks(connection, id_), actor)
        rule = rules.rule_of(row)
        former = newest(office.rulebook.rows, rule.code, rule.locality)
        found["entries"] = _entries(connection, id_)
        # What was confirmed is what the entry says; the row keeps what the drafter was shown.
        found["replay"] = next((e["replay"] for e in found["entries"] if e["action"] == "rule_confirm"), found["replay"])
    if row["status"] == "draft":
        now = replay(office, rule)
        found |= {"now": now, "mark": mark_of(now), "warnings": _warnings(office, texts, rule), **difference(found["replay"], now)}
        found["former"] = {"words": value_words(former.code, former.value, former.unit).as_dict(), "basis": former.basis} if former else None
    return found


def _entries(connection: Connection, id_: str) -> list[dict[str, Any]]:
    """The entries of the record about a version, oldest first: {at, action, by, reason, replay}."""
    rows = store.query(
        connection,
        "SELECT e.at, e.action, COALESCE(u.name, e.actor_id) AS by_name, s.value AS reason, n.value AS note, p.value AS replay FROM opening o"
        " JOIN audit_entry e ON e.stream = o.stream AND e.seq = o.seq LEFT JOIN users u ON u.id = e.actor_id"
        " LEFT JOIN opening s ON s.stream = o.stream AND s.seq = o.seq AND s.field = 'input.reason'"
        " LEFT JOIN opening n ON n.stream = o.stream AND n.seq = o.seq AND n.field = 'input.note'"
        " LEFT JOIN opening p ON p.stream = o.stream AND p.seq = o.seq AND p.field = 'input.replay'"
        " WHERE o.stream = :stream AND o.field = 'input.rule' AND o.value = :rule ORDER BY e.seq",
        stream=system.STREAM, rule=orjson.dumps(id_).decode(),
    )  # fmt: skip
    return [
        {
            "at": r["at"], "action": r["action"], "by": r["by_name"], "reason": orjson.loads(r["reason"] or r["note"] or '""'),
            "replay": orjson.loads(r["replay"] or "null"),
        }
        for r in rows
    ]  # fmt: skip


ACTIONS: dict[str, Text] = {
    "rule_draft": Text("Đề xuất", "Drafted"), "rule_confirm": Text("Xác nhận", "Confirmed"), "rule_refuse": Text("Từ chối", "Refused"),
    "rule_withdraw": Text("Rút lại", "Withdrawn"), "rule_tick": Text("Đánh dấu đúng như vậy", "Ticked as it is"),
}  # fmt: skip
