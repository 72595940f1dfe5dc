"""The catalogue of bodies as the office keeps it: contact, and what silence of a body means.

Telephone and e-mail are plain entries of the record. What silence counts as decides whether a case may go on without an
opinion: one administrator proposes, a second person (the director, or another administrator) confirms. Consultations that
are open keep the meaning they were asked under.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection

from states import roles as R
from states.language import Text
from states.machine import role_refusal
from workflow import clock, store
from workflow.audit import system
from workflow.authority import Actor
from workflow.errors import Conflict, Invalid, NotFound, RoleRefused
from workflow.mail import address

SILENCE: dict[str, Text] = {
    "none": Text("Không có nghĩa gì: người quyết định ghi “không có ý kiến của cơ quan này”", "Nothing: the decider ticks “without the opinion of this body”"),
    "no_objection": Text("Coi như không có ý kiến khác", "Counts as no objection"),
    "blocking": Text("Chưa quyết định được, trừ khi nêu lý do", "No decision before it answers, unless a reason is given"),
}
SILENCE_SHORT: dict[str, Text] = {
    "none": Text("không tính là ý kiến", "counts for nothing"), "no_objection": Text("coi như đồng ý", "no objection"),
    "blocking": Text("phải chờ", "has to be waited for"),
}  # fmt: skip
KINDS: dict[str, Text] = {
    "requesting": Text("Nộp hồ sơ", "Files requests"), "department": Text("Cơ quan thụ lý", "Handles cases"), "committee": Text("Quyết định", "Decides"),
    "leader_office": Text("Văn phòng của lãnh đạo", "Office of leaders"), "consulted": Text("Được lấy ý kiến", "Consulted"), "oversight": Text("Kiểm tra, quản trị", "Oversight"),
    "party": Text("Cơ quan Đảng", "Party body"), "commune": Text("Cấp xã", "Commune level"), "ministry": Text("Trung ương", "Ministry"),
    "informed": Text("Được sao gửi", "Copied"),
}  # fmt: skip
# Digits with the usual signs between them; an extension may follow.
_PHONE = re.compile(r"\+?[0-9][0-9 ().\-/]{4,38}(?:\s?(?:x|ext\.?|máy lẻ)\s?[0-9]{1,6})?")
_PENDING = "silence/"


def catalogue(connection: Connection) -> list[dict[str, Any]]:
    """Every body but those that file, with its proposal about silence where one is open; by name of kind, then as entered."""
    rows = store.query(
        connection,
        "SELECT id, code, kind, name_vi, name_en, silence_means, active, email, phone, valid_from, valid_to, successor"
        " FROM organisations WHERE kind <> 'requesting' ORDER BY code",
    )
    open_ = proposals(connection)
    return [{**row, "name": {"vi": row["name_vi"], "en": row["name_en"]}, "proposal": open_.get(row["code"])} for row in rows]


def body(connection: Connection, code: str) -> dict[str, Any]:
    """One body of the catalogue; raises `NotFound`."""
    found = next((row for row in catalogue(connection) if row["code"] == code), None)
    if found is None:
        raise NotFound()
    return found


def set_contact(connection: Connection, actor: Actor, code: str, typed: Mapping[str, str]) -> bool:
    """Enter telephone and e-mail of a body; empty takes it away. Answers whether something changed.

    Raises `Invalid` at `phone` or `email`, `NotFound`, `RoleRefused`.
    """
    _only(actor, R.ADMIN)
    before = body(connection, code)
    wanted = _contact(typed)
    changed = {name: [before[name], value] for name, value in wanted.items() if before[name] != value}
    if changed:
        store.execute(connection, "UPDATE organisations SET phone = :phone, email = :email WHERE code = :code", code=code, **wanted)
        system.record(connection, actor, "agency.contact", {"agency": code, **changed})
    return bool(changed)


def _contact(typed: Mapping[str, str]) -> dict[str, str]:
    faults: dict[str, list[Text]] = {}
    phone, email = " ".join(str(typed.get("phone", "")).split()), ""
    if phone and not _PHONE.fullmatch(phone):
        faults["phone"] = [Text("Số điện thoại gồm chữ số, ví dụ 0292 3820 000, máy lẻ 12.", "A telephone number is digits, for example 0292 3820 000 ext 12.")]
    try:
        email = address(str(typed.get("email", "")))
    except Invalid as error:
        faults |= error.fields
    if faults:
        raise Invalid(faults)
    return {"phone": phone, "email": email}


def proposals(connection: Connection) -> dict[str, dict[str, Any]]:
    """Open proposals about silence by the body's code: means, reason, who proposed and when."""
    rows = store.query(
        connection,
        "SELECT s.name, s.value, s.by_id, s.at, u.name AS by_name FROM office_settings s LEFT JOIN users u ON u.id = s.by_id WHERE s.name LIKE :like",
        like=f"{_PENDING}%",
    )
    return {r["name"].removeprefix(_PENDING): {**orjson.loads(r["value"]), "by_id": r["by_id"], "by_name": r["by_name"], "at": r["at"]} for r in rows}


def propose_silence(connection: Connection, actor: Actor, code: str, means: str, reason: str) -> None:
    """Propose what silence of a body shall mean; a second person confirms. Raises `Invalid`, `NotFound`, `RoleRefused`."""
    _only(actor, R.ADMIN)
    before = body(connection, code)
    reason = reason.strip()[:1000]
    faults: dict[str, list[Text]] = {}
    if means not in SILENCE or means == before["silence_means"]:
        faults["means"] = [Text("Chọn một nghĩa khác với hiện nay.", "Choose a meaning other than the present one.")]
    if not reason:
        faults["reason"] = [Text("Cần nêu lý do hoặc văn bản.", "A reason or a document is needed.")]
    if before["proposal"]:
        faults.setdefault("means", []).append(Text("Đã có một đề nghị đang chờ người thứ hai.", "A proposal already waits for a second person."))
    if faults:
        raise Invalid(faults)
    value = {"means": means, "reason": reason, "before": before["silence_means"]}
    added = store.execute(
        connection,
        "INSERT INTO office_settings (name, value, by_id, at) VALUES (:name, :value, :by, :at) ON CONFLICT (name) DO NOTHING",
        name=_PENDING + code, value=orjson.dumps(value).decode(), by=actor.id, at=clock.stamp(clock.now()),
    )  # fmt: skip
    if not added:
        raise Conflict("changed_meanwhile")
    system.record(connection, actor, "agency.silence.propose", {"agency": code, **value})


def settle_silence(connection: Connection, actor: Actor, code: str, *, confirm: bool) -> None:
    """Confirm a proposal (a second person: director or another administrator) or withdraw it (anybody of these).

    Raises `NotFound`, `RoleRefused`, and `Conflict` where it has been settled or changed meanwhile.
    """
    _only(actor, R.ADMIN, R.DIRECTOR)
    found = body(connection, code)
    waiting = found["proposal"]
    if waiting is None or (confirm and waiting["before"] != found["silence_means"]):
        raise Conflict("changed_meanwhile")
    if confirm and waiting["by_id"] == actor.id:
        raise Invalid({"confirm": [Text("Người đề nghị không tự xác nhận; cần người thứ hai.", "Whoever proposed cannot confirm; a second person is needed.")]})
    gone = store.execute(
        connection, "DELETE FROM office_settings WHERE name = :name AND by_id = :by AND at = :at", name=_PENDING + code, by=waiting["by_id"], at=waiting["at"]
    )
    if not gone:
        raise Conflict("changed_meanwhile")
    if confirm:
        store.execute(connection, "UPDATE organisations SET silence_means = :means WHERE code = :code", means=waiting["means"], code=code)
    told = {"agency": code, "before": waiting["before"], "means": waiting["means"], "reason": waiting["reason"], "proposed_by": waiting["by_id"]}
    system.record(connection, actor, f"agency.silence.{'confirm' if confirm else 'withdraw'}", told)


def _only(actor: Actor, *roles: str) -> None:
    if not actor.has(*roles):
        raise RoleRefused((role_refusal(roles),))
