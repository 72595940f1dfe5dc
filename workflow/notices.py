"""Who is told what, and how: inside the service always, by mail as each person chose.

Recipients are found when a notice is sent, and each must be able to read the case at that moment; once more when
the mail goes out. What asks for an act of a person reaches them by mail whatever they chose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from email.message import EmailMessage
from typing import Any

import orjson
from sqlalchemy import Connection

from states import FLOWS
from states import roles as R
from states.language import Text
from workflow import authority, clock, deadlines, mail, outbox, store, users
from workflow.authority import Actor, Row
from workflow.errors import Invalid
from workflow.mail import Item, Post
from workflow.office import Office
from workflow.schemas import TEXTS

MODES: dict[str, Text] = {
    "at_once": Text("Từng thư, gửi ngay", "A mail for each, at once"),
    "digest": Text("Một thư mỗi ngày, vào đầu giờ làm việc", "One mail a day, when the office opens"),
    "none": Text("Chỉ khi chờ tôi xử lý", "Only when something waits for me"),
}

WORDS: dict[str, Text] = {
    "applicant": Text("Hồ sơ của quý cơ quan có bước mới", "Your case has moved"),
    "intake": Text("Có hồ sơ chờ tiếp nhận", "A case waits at the desk"),
    "officer": Text("Hồ sơ Ông/Bà thụ lý có việc mới", "A case of yours has moved"),
    "head": Text("Có hồ sơ chờ lãnh đạo phòng", "A case waits for the head"),
    "director": Text("Có hồ sơ chờ lãnh đạo Sở", "A case waits for the director"),
    "committee": Text("Có hồ sơ chờ UBND", "A case waits for the People's Committee"),
    "consultee": Text("Có đề nghị cho ý kiến", "Your opinion is asked"),
    "guide": Text("Ông/Bà được cử hướng dẫn hoặc lịch có thay đổi", "You are to guide, or the programme changed"),
    "registry": Text("Có văn bản chờ phát hành", "A letter waits to be issued"),
    "recipients": Text("Có văn bản gửi quý cơ quan", "A letter was sent to you"),
    "leader_office": Text("Có đề nghị phỏng vấn chờ trả lời", "An interview request waits"),
    "confirmers": Text("Có văn bản giấy chờ xác nhận", "A paper waits to be confirmed"),
    "holder": Text("Hồ sơ được rút lại hoặc ý kiến đã sửa", "A case was recalled or an opinion amended"),
    "recounted": Text("Thời hạn của hồ sơ được tính lại", "The due date of a case was counted anew"),
    # told by the periodic scan
    "level_due": Text("Hồ sơ đến hạn hôm nay", "A case is due today"),
    "level_overdue": Text("Hồ sơ đã quá hạn", "A case is overdue"),
    "late_unless_apologised": Text("Hết giờ chưa quyết định: trễ hạn nếu không xin lỗi, hẹn lại", "Undecided at closing: late, unless apologised"),
    "consultation_due": Text("Hết hạn trả lời lấy ý kiến", "The time to answer a consultation is over"),
    "intake_waits": Text("Hồ sơ quá hạn tiếp nhận", "A case waits too long at the desk"),
    "guide_missing": Text("Sắp đến ngày đầu, chưa cử cán bộ hướng dẫn", "The first day is near and no guide is named"),
    "crew_missing": Text("Đoàn chưa đến: gọi theo danh sách", "The crew has not come: call the list"),
    "card_ends": Text("Thẻ hoặc giấy phép của đoàn sắp hết hạn", "A card or licence of the crew is about to end"),
    "report_late": Text("Quá hạn báo cáo", "The report is overdue"),
    "letter_late": Text("Văn bản đã ký, quá hạn phát hành", "A signed letter is overdue for issue"),
    "orphan": Text("Người được giao hồ sơ không còn tài khoản", "The person in charge of a case has no account any more"),
    "stuck": Text("Hồ sơ có bước không còn ai được làm: cần cử hoặc ủy quyền người khác", "A step of a case is left to nobody: appoint or delegate somebody"),
    "nobody": Text("Có vai trò không ai giữ: xem trang quản trị hoặc fpd doctor", "A role has no holder: see the administration or fpd doctor"),
    "parked": Text("Có thông báo không gửi được", "A message could not be delivered"),
    "shared_approved": Text("Có hoạt động được chấp thuận, thông tin để biết", "An activity was approved, for your information"),
    "shared_reported": Text("Có hoạt động đã báo cáo, thông tin để biết", "An activity was reported, for your information"),
}  # fmt: skip

# Notices about a due date carry its sum: of which clocks, by the name of the notice.
_REPLY = ("statutory", "work")
OF_A_DATE: dict[str, tuple[str, ...]] = {
    "level": _REPLY, "recounted": _REPLY, "late_unless_apologised": _REPLY, "consultee": ("consultation",), "consultation_due": ("consultation",),
    "intake_waits": ("intake",), "report_late": ("report",), "letter_late": ("letter",),
}  # fmt: skip


def words(name: str) -> Text:
    """The fixed words of a notice; its name may carry a level (`level_50`) or what was shared (`shared_reported:<id>`)."""
    plain = name.partition(":")[0]
    if plain in WORDS:
        return WORDS[plain]
    share = plain.removeprefix("level_")
    return Text(f"Đã qua {share} % thời hạn của hồ sơ", f"{share} % of a case's time has passed") if plain != share else Text(name, name)


def path(name: str, code: str) -> str:
    """The page a notice leads to."""
    plain, _, share = name.partition(":")
    if share:
        return f"/shared/{share}"
    if code:
        return f"/cases/{code}"
    return "/admin/messages" if plain == "parked" else "/account"


# --- who -------------------------------------------------------------------------------------------------------


def _ids(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    return {row["id"] for row in rows}


_HOLDERS = "SELECT DISTINCT u.id FROM users u JOIN memberships m ON m.user_id = u.id WHERE u.active"


def holding(connection: Connection, *roles: str) -> set[str]:
    """Active people with one of these roles, whatever their organisation."""
    return {id_ for role in roles for id_ in _ids(store.query(connection, f"{_HOLDERS} AND m.role = :role", role=role))}


def members(connection: Connection, organisation_id: str | None, role: str = "", *, lead: bool = False) -> set[str]:
    """Active members of an organisation; with a role, or its leads only, where asked for."""
    return _ids(
        store.query(
            connection,
            f"{_HOLDERS} AND m.organisation_id = :org AND (:role = '' OR m.role = :role) AND (m.lead OR :anybody)",
            org=organisation_id or "", role=role, anybody=not lead,
        )
    )  # fmt: skip


def _one(person: str | None) -> set[str]:
    return {person} if person else set()


def _applicant(_: Connection, row: Row, __: Mapping[str, Any]) -> set[str]:
    return _one(authority.main_of(row)["created_by"])


def _recipients(connection: Connection, row: Row, payload: Mapping[str, Any]) -> set[str]:
    return _applicant(connection, row, payload) if authority.addressed_to_applicant(row) else set()


def _officer_or_intake(connection: Connection, row: Row, _: Mapping[str, Any]) -> set[str]:
    return _one(authority.main_of(row)["officer_id"]) or holding(connection, R.INTAKE)


def _guide_or_officer(_: Connection, row: Row, __: Mapping[str, Any]) -> set[str]:
    main = authority.main_of(row)
    return _one(main["guide_id"] or main["officer_id"])


def _confirmers(connection: Connection, row: Row, _: Mapping[str, Any]) -> set[str]:
    return holding(connection, R.REGISTRY) | _one(authority.main_of(row)["officer_id"])


def _holder(connection: Connection, row: Row, payload: Mapping[str, Any]) -> set[str]:
    """Whoever held the case before it moved."""
    state = FLOWS[row["kind"]].states.get(payload.get("from") or row["state"])
    return holding(connection, *(role for role in (state.waits_for if state else ()) if role in (R.HEAD, R.DIRECTOR, R.COMMITTEE)))


Finder = Callable[[Connection, Row, Mapping[str, Any]], set[str]]
FINDERS: dict[str, Finder] = {
    "applicant": _applicant,
    "recipients": _recipients,
    "officer": lambda c, row, p: _one(authority.main_of(row)["officer_id"]),
    "officer_or_intake": _officer_or_intake,
    "guide": lambda c, row, p: _one(authority.main_of(row)["guide_id"]),
    "guide_or_officer": _guide_or_officer,
    "intake": lambda c, row, p: holding(c, R.INTAKE),
    "head": lambda c, row, p: holding(c, R.HEAD),
    "director": lambda c, row, p: holding(c, R.DIRECTOR),
    "registry": lambda c, row, p: holding(c, R.REGISTRY),
    "committee": lambda c, row, p: holding(c, R.COMMITTEE) if authority.main_of(row)["referred"] else set(),
    "confirmers": _confirmers,
    "leader_office": lambda c, row, p: members(c, authority.main_of(row)["office_id"], R.LEADER_OFFICE),
    "consultee": lambda c, row, p: members(c, row["organisation_id"], R.CONSULTEE) if row["kind"] == "consultation" else set(),
    "leads": lambda c, row, p: members(c, row["organisation_id"], R.CONSULTEE, lead=True) if row["kind"] == "consultation" else set(),
    "holder": _holder,
    "stuck": lambda c, row, p: holding(c, R.HEAD, R.DIRECTOR),
    "recounted": lambda c, row, p: _applicant(c, row, p) | _one(authority.main_of(row)["officer_id"]),
}  # fmt: skip


def recipients(connection: Connection, row: Row, name: str, payload: Mapping[str, Any]) -> dict[str, Actor]:
    """Who reads a notice of one case, found now: those it is for, less whoever acted and whoever may not read the case."""
    found: set[str] = set()
    for who in payload.get("to") or (name,):
        finder = FINDERS.get(who)
        found |= finder(connection, row, payload) if finder else set()
    people = ((id_, users.actor_by_id(connection, id_)) for id_ in sorted(found - {payload.get("actor")}))
    return {id_: person for id_, person in people if person is not None and may_read(row, person)}


def may_read(row: Row, actor: Actor) -> bool:
    """Whether the case exists for this person now."""
    return authority.visible(row, actor, authority.roles_on(row, actor))


def asks_for_act(row: Row, actor: Actor) -> bool:
    """Whether the case waits for a role that this person holds on it."""
    return bool(set(FLOWS[row["kind"]].states[row["state"]].waits_for) & authority.roles_on(row, actor))


def _rows(connection: Connection, message: Mapping[str, Any], payload: Mapping[str, Any]) -> list[Row]:
    """The cases a notice is about. A consulted agency is told of its own question, never of the case."""
    row = store.load(connection, message["case_id"])
    if row is None or message["name"] != "consultee" or row["kind"] == "consultation":
        return [row] if row else []
    asked = store.query(
        connection,
        "SELECT id FROM cases WHERE parent_id = :id AND kind = 'consultation' AND state = 'asked' AND origin LIKE :origin ORDER BY id",
        id=row["id"], origin=f"{payload.get('entry', '')}:%",
    )  # fmt: skip
    return [child for found in asked if (child := store.load(connection, found["id"])) is not None]


# --- telling ---------------------------------------------------------------------------------------------------


def tell_of(office: Office, connection: Connection, message: Mapping[str, Any], payload: Mapping[str, Any], post: Post | None) -> None:
    """Deliver one `mail` message of the outbox: a notice for each recipient and, as they chose, a mail."""
    for row in _rows(connection, message, payload):
        for user_id, actor in recipients(connection, row, message["name"], payload).items():
            event = message["dedupe"] if row["id"] == message["case_id"] else f"{message['dedupe']}:{row['id']}"
            tell(connection, user_id, message["name"], event, post, row=row, seq=message["seq"], asks=asks_for_act(row, actor))


def tell(connection: Connection, user_id: str, name: str, dedupe: str, post: Post | None, *, row: Row | None = None, seq: int = 0, asks: bool = False) -> bool:
    """Tell one person one thing, in the running transaction; False where they were told before.

    `dedupe` is the key of the event, `row` the case it is about, `asks` whether it waits for an act of theirs. The mail
    becomes a message of its own.
    """
    person = store.query(connection, "SELECT email, notice_mode FROM users WHERE id = :id", id=user_id)[0]
    mode = person["notice_mode"] if post is not None and person["email"] else ""
    at_once = mode == "at_once" or (mode == "none" and asks)
    case_id = row["id"] if row else ""
    fresh = store.execute(
        connection,
        "INSERT INTO notices (user_id, case_id, name, at, dedupe, digest) VALUES (:user, :case, :name, :at, :dedupe, :digest) ON CONFLICT (dedupe) DO NOTHING",
        user=user_id, case=case_id, name=name, at=clock.stamp(clock.now()), dedupe=f"{dedupe}:{user_id}", digest="waiting" if mode == "digest" else None,
    )  # fmt: skip
    if fresh and at_once:
        lane = case_id or f"user/{user_id}"
        outbox.post(connection, lane, seq, "send", user_id, {"user": user_id, "notice": name, "case": case_id}, f"{dedupe}:send:{user_id}")
    return bool(fresh)


def explanation(office: Office, row: Mapping[str, Any] | None, name: str, language: str) -> str:
    """The sum of the due date a notice is about, as page and API show it; empty where it is about none."""
    clocks = OF_A_DATE.get("level" if name.startswith("level_") else name)
    if row is None or clocks is None:
        return ""
    return "\n\n".join(found.as_text(language) for found in deadlines.of_case(office, row) if found.clock in clocks)


# --- the mail itself -------------------------------------------------------------------------------------------


def prepare(office: Office, connection: Connection, message: Mapping[str, Any], post: Post) -> EmailMessage | str:
    """The mail of a `send` message, or why none is sent any more. Raises `mail.Undeliverable` for an address that is none."""
    payload = orjson.loads(message["payload"])
    actor = users.actor_by_id(connection, payload["user"])
    person = store.query(connection, "SELECT email FROM users WHERE id = :id", id=payload["user"])
    if actor is None or not person[0]["email"]:
        return "the account is closed or has no address any more"
    items = _of_digest(office, connection, actor, payload["digest"]) if payload.get("digest") else _single(office, connection, actor, payload)
    if not items:
        return "no longer for this person to read"
    at = clock.moment(message["at"])
    return mail.compose(post, person[0]["email"], items, actor.language, message["dedupe"], at, digest=bool(payload.get("digest")))


def _single(office: Office, connection: Connection, actor: Actor, payload: Mapping[str, Any]) -> list[Item]:
    item = _item(office, connection, actor, payload["notice"], payload["case"])
    return [item] if item else []


def _item(office: Office, connection: Connection, actor: Actor, name: str, case_id: str) -> Item | None:
    """What one notice says in a mail; None where the person may not read it any more."""
    if name.startswith("shared_"):
        rows = store.query(
            connection, "SELECT s.organisation_id, c.code FROM shares s JOIN cases c ON c.id = s.case_id WHERE s.id = :id", id=name.partition(":")[2]
        )
        here = {m.organisation_id for m in actor.memberships}
        return Item(words(name), rows[0]["code"], path(name, rows[0]["code"])) if rows and rows[0]["organisation_id"] in here else None
    if not case_id:
        return Item(words(name), "", path(name, ""))
    row = store.load(connection, case_id)
    if row is None or not may_read(row, actor):
        return None
    code = row["code"] or ""
    return Item(words(name), code, path(name, code or row["id"]), explanation(office, row, name, actor.language))


# --- once a day ------------------------------------------------------------------------------------------------


def gather(office: Office, day: str) -> int:
    """Close the digests of a day: one `send` message for each person something waits for; answers how many people."""

    def work(connection: Connection) -> int:
        people = store.query(connection, "SELECT DISTINCT user_id FROM notices WHERE digest = 'waiting' ORDER BY user_id")
        for person in people:
            user = person["user_id"]
            store.execute(connection, "UPDATE notices SET digest = :day WHERE user_id = :user AND digest = 'waiting'", day=day, user=user)
            outbox.post(connection, f"user/{user}", 0, "send", user, {"user": user, "digest": day}, f"digest:{day}:{user}")
        return len(people)

    return office.db.transact(work)


def _of_digest(office: Office, connection: Connection, actor: Actor, day: str) -> list[Item]:
    rows = store.query(connection, "SELECT name, case_id FROM notices WHERE user_id = :user AND digest = :day ORDER BY id", user=actor.id, day=day)
    found = (_item(office, connection, actor, row["name"], row["case_id"]) for row in rows)
    return [item for item in found if item is not None]


# --- the person's own ------------------------------------------------------------------------------------------


def of_person(office: Office, actor: Actor, limit: int = 30) -> list[dict[str, Any]]:
    """The person's notices, newest first, with words and page; what was shared shows no title of the case."""
    with office.db.read() as connection:
        rows = store.query(
            connection,
            "SELECT n.id, n.name, n.at, n.read_at, n.case_id, c.code, c.title FROM notices n LEFT JOIN cases c ON c.id = n.case_id"
            f" WHERE n.user_id = :id ORDER BY n.at DESC, n.id DESC LIMIT {int(limit)}",
            id=actor.id,
        )
    for row in rows:
        row["words"], row["path"] = words(row["name"]), path(row["name"], row["code"] or row["case_id"])
        if row["name"].startswith("shared_"):
            row["title"] = ""
    return rows


def choice(office: Office, actor: Actor) -> dict[str, str]:
    """The person's address and how they chose to be told."""
    with office.db.read() as connection:
        row = store.query(connection, "SELECT email, notice_mode FROM users WHERE id = :id", id=actor.id)[0]
    return {"email": row["email"], "mode": row["notice_mode"]}


def choose(office: Office, actor: Actor, mode: str) -> None:
    """Keep how the person wants to be told; raises `Invalid` at `mode` for anything but the three ways."""
    if mode not in MODES:
        raise Invalid({"mode": [TEXTS["choice"]]})

    def work(connection: Connection) -> None:
        store.execute(connection, "UPDATE users SET notice_mode = :mode WHERE id = :id", mode=mode, id=actor.id)

    office.db.transact(work)
