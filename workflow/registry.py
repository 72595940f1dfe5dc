"""The registry of outlets and journalists: what their requests say of them, read from the dossiers at the moment of asking.

Facts only: past requests with code, kind, days and state; licences, press cards and passports with the day they end. No
word about a person or an outlet is kept here, nothing is counted for or against anybody, and nothing is ranked: outlets
stand in the order of the alphabet, requests by time. People are found by name or by the end of a number, not listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from states import FLOWS
from states import roles as R
from states.language import Text
from states.machine import role_refusal
from workflow import authority, clock, dossier, marks, queries, reads, store
from workflow.authority import Actor
from workflow.errors import Invalid, NotFound, RoleRefused
from workflow.fold import fold
from workflow.office import Office
from workflow.reads import Reading
from workflow.schemas import TEXTS

READERS = (R.INTAKE, R.OFFICER, R.HEAD, R.DIRECTOR, R.REGISTRY, R.AUDITOR)
PAGE = 25
MOST = 100
WORDS = 6
PAPERS: dict[str, Text] = {
    "licence": Text("Giấy phép của Bộ Ngoại giao", "Licence of the Ministry"),
    "card": Text("Thẻ phóng viên, thẻ trợ lý", "Press or assistant card"),
    "passport": Text("Hộ chiếu", "Passport"),
}  # fmt: skip
STANDINGS: dict[str, Text] = {
    "expired": Text("hết hạn", "expired"),
    "soon": Text("sắp hết hạn", "expires soon"),
    "valid": Text("còn hạn", "valid"),
    "unknown": Text("chưa rõ hạn", "no date given"),
}  # fmt: skip
_SHORT = Text(
    "Cần ít nhất ba chữ cái của tên, hoặc bốn ký tự cuối của số giấy tờ.",
    "At least three letters of a name are needed, or the last four characters of a number.",
)


def outlets(office: Office, actor: Actor, given: Mapping[str, str]) -> dict[str, Any]:
    """A page of outlets in the order of the alphabet: {items, next_cursor}, each with its last request.

    `given`: `q` (words of the name, accents do not matter), `limit`, `cursor`. One statement. Raises `RoleRefused`, `Invalid`.
    """
    asked = _asked(actor, given, "q")
    with office.db.read() as connection:
        scope, values = _scope(actor)
        where = [scope, "o.outlet IS NOT NULL"]
        for at, word in enumerate(fold(asked["q"]).split()[:WORDS]):
            where.append(f"o.name LIKE :q{'abcdef'[at]} ESCAPE '~'")
            values[f"q{'abcdef'[at]}"] = "%" + word.replace("~", "~~").replace("%", "~%").replace("_", "~_") + "%"
        if asked["after"]:
            where.append("(o.name > :k_at OR (o.name = :k_at AND o.outlet > :k_id))")
            values |= dict(zip(("k_at", "k_id"), asked["after"], strict=True))
        rows = store.query(
            connection,
            f"SELECT * FROM (SELECT {_CASE}, o.outlet AS mark, o.name AS folded, o.country AS land,"
            " row_number() OVER (PARTITION BY o.outlet ORDER BY c.created_at DESC, c.id DESC) AS nth"
            f" FROM outlet_marks o JOIN cases c ON c.id = o.case_id WHERE {' AND '.join(where)}) AS found"
            " WHERE nth = 1 ORDER BY folded, mark LIMIT :n",
            **values, n=asked["limit"] + 1,
        )  # fmt: skip
    items = [{"id": _id(row["mark"]), "name": row["outlet"], "country": row["land"], "last_request": _request(row)} for row in rows[: asked["limit"]]]
    _note(office, actor, rows[: asked["limit"]])
    return _paged(items, rows, asked["limit"], ("folded", "mark"))


def outlet(office: Office, actor: Actor, id_: str, given: Mapping[str, str]) -> dict[str, Any]:
    """One outlet: its requests, newest first, and out of those its licences and its people with the day their cards end.

    `given`: `limit`, `cursor`. Numbers are shortened. Two statements. Raises `RoleRefused`, `NotFound`, `Invalid`.
    """
    asked = _asked(actor, given)
    with office.db.read() as connection:
        office.refresh(connection)
        rows = _requests(connection, actor, "outlet_marks", "outlet", id_, asked)
    page = rows[: asked["limit"]]
    fields = [store.read_fields(office.keys, row["fields"], row["id"]) for row in page]
    licences = [
        _paper(office, "licence", lic.get("number"), lic.get("valid_to"), row, False) for row, f in zip(page, fields, strict=True) if (lic := f.get("licence"))
    ]
    found = {
        "id": id_, "name": page[0]["outlet"], "country": (fields[0].get("outlet") or {}).get("country"), "media": (fields[0].get("outlet") or {}).get("media"),
        "papers": _distinct(licences), "people": _people(office, page, fields),
    }  # fmt: skip
    _note(office, actor, page)
    return found | _paged([_request(row) for row in page], rows, asked["limit"], ("created_at", "id"))


def people(office: Office, actor: Actor, given: Mapping[str, str]) -> dict[str, Any]:
    """Journalists found by words of the name or by a number or its last four characters, whoever has the last request first.

    `given`: `q`, `limit`, `cursor`. Nothing is listed that was not looked for. One statement.
    Raises `RoleRefused`, `Invalid` where `q` is absent or too short.
    """
    asked = _asked(actor, given, "q")
    if not asked["q"].strip():
        raise Invalid({"q": [TEXTS["required"]]})
    with office.db.read() as connection:
        (scope, values), parts = _scope(actor), [_looked_for(office, word) for word in asked["q"].split()[:WORDS]]
        where = [scope, "m.person IS NOT NULL"]
        for at, (word, end, number) in enumerate(parts):
            n = "abcdef"[at]
            where.append(f"(m.words LIKE :w{n} OR m.words LIKE :e{n} OR m.passport = :p{n} OR m.card = :c{n})")
            values |= {f"w{n}": f"%{word}%", f"e{n}": f"%{end}%", f"p{n}": number[0], f"c{n}": number[1]}
        after = "1 = 1"
        if asked["after"]:
            after = "(created_at < :k_at OR (created_at = :k_at AND mark < :k_id))"
            values |= dict(zip(("k_at", "k_id"), asked["after"], strict=True))
        rows = store.query(
            connection,
            f"SELECT found.*, d.fields FROM (SELECT {_CASE}, m.person AS mark, m.row_id, c.dossier_no,"
            " row_number() OVER (PARTITION BY m.person ORDER BY c.created_at DESC, c.id DESC) AS nth"
            f" FROM crew_marks m JOIN cases c ON c.id = m.case_id WHERE {' AND '.join(where)}) AS found"
            f" JOIN dossiers d ON d.case_id = found.id AND d.no = found.dossier_no WHERE nth = 1 AND {after} ORDER BY created_at DESC, mark DESC LIMIT :n",
            **values, n=asked["limit"] + 1,
        )  # fmt: skip
    items = []
    for row in rows[: asked["limit"]]:
        member = _member(store.read_fields(office.keys, row["fields"], row["id"]), row["row_id"])
        items.append({"id": _id(row["mark"]), **_who(member), "outlet": row["outlet"], "last_request": _request(row)})
    _note(office, actor, rows[: asked["limit"]])
    return _paged(items, rows, asked["limit"], ("created_at", "mark"))


def person(office: Office, actor: Actor, id_: str, given: Mapping[str, str]) -> dict[str, Any]:
    """One journalist: the requests they were on, newest first, and out of those their papers with the day each ends.

    A number is whole where the reader may read it on the case it stands in, which is recorded; else shortened.
    Two statements. Raises `RoleRefused`, `NotFound`, `Invalid`.
    """
    asked = _asked(actor, given)
    with office.db.read() as connection:
        office.refresh(connection)
        rows = _requests(connection, actor, "crew_marks", "person", id_, asked)
    page = rows[: asked["limit"]]
    papers: list[dict[str, Any]] = []
    items, whole_in, first = [], [], dict[str, Any]()
    for row in page:
        member = _member(store.read_fields(office.keys, row["fields"], row["id"]), row["row_id"])
        whole = bool(authority.roles_on(row, actor) & dossier.READERS["identity"])
        first = first or member
        found = [_paper(office, what, member.get(f"{what}_no"), member.get(f"{what}_expires_on"), row, whole) for what in ("card", "passport")]
        found = [paper for paper in found if paper["number"]]
        papers += found
        whole_in += [row] if whole and found else []
        items.append({**_request(row), "outlet": row["outlet"], "role": member.get("role")})
    _note(office, actor, page, whole_in)
    return {"id": id_, **_who(first), "papers": _distinct(papers)} | _paged(items, rows, asked["limit"], ("created_at", "id"))


# --- reading ------------------------------------------------------------------------------------------------------

_CASE = (
    "c.id, c.code, c.kind, c.state, c.title, c.outlet, c.first_day, c.last_day, c.created_at, c.organisation_id, c.created_by, c.channel, c.officer_id,"
    " c.guide_id, c.office_id, c.referred, c.accepted"
)


def _asked(actor: Actor, given: Mapping[str, str], *names: str) -> dict[str, Any]:
    """What a page was asked for, checked; raises `RoleRefused` before anything is looked at."""
    if not actor.has(*READERS):
        raise RoleRefused((role_refusal(READERS),))
    wrong = {name: [TEXTS["unknown"]] for name in given if name not in (*names, "limit", "cursor")}
    if wrong:
        raise Invalid(wrong)
    checked = queries.parse_filters(dict(given))
    return {
        "q": checked.get("q", ""),
        "limit": checked.get("limit", PAGE),
        "after": queries.decode_cursor(checked["cursor"]) if checked.get("cursor") else None,
    }


def _scope(actor: Actor) -> tuple[str, dict[str, Any]]:
    """Requests that were sent; for who is neither of the Department nor an auditor, those that were accepted."""
    sent = "c.kind IN ('visit', 'interview') AND c.state NOT IN ('draft', 'discarded')"
    return f"{sent} AND (:whole OR c.accepted)", {"whole": actor.has(*authority.DEPARTMENT, R.AUDITOR)}


def _requests(connection: Connection, actor: Actor, table: str, column: str, id_: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The requests that bear a mark, newest first, one more than asked for, with their dossiers; raises `NotFound` where there is none."""
    (scope, values), after = _scope(actor), "1 = 1"
    if asked["after"]:
        after = "(c.created_at < :k_at OR (c.created_at = :k_at AND c.id < :k_id))"
        values |= dict(zip(("k_at", "k_id"), asked["after"], strict=True))
    row_id = "m.row_id" if table == "crew_marks" else "''"
    rows = store.query(
        connection,
        f"SELECT {_CASE}, d.fields, {row_id} AS row_id FROM {table} m JOIN cases c ON c.id = m.case_id"
        f" JOIN dossiers d ON d.case_id = c.id AND d.no = c.dossier_no WHERE m.{column} = :mark AND {scope} AND {after}"
        " ORDER BY c.created_at DESC, c.id DESC LIMIT :n",
        mark=f"^{id_}", n=asked["limit"] + 1, **values,
    )  # fmt: skip
    if not rows:
        raise NotFound()
    return rows


def _looked_for(office: Office, word: str) -> tuple[str, str, tuple[str, str]]:
    """The marks of a typed word: as part of a name, as the end of a number, as a whole number of either paper."""
    keys, number, folded = office.keys, dossier.number_of(word), fold(word)
    as_number = any(char.isdigit() for char in number)
    if len(number) < dossier.ENDS if as_number else len(folded) < 2:
        raise Invalid({"q": [_SHORT]})
    end = marks.end_mark(keys, number) if as_number and len(number) == dossier.ENDS else keys.asked(folded)
    whole = tuple(marks.paper_mark(keys, what, number) if as_number else "" for what in ("passport", "card"))
    return keys.asked(folded), end, (whole[0], whole[1])


# --- what is told -------------------------------------------------------------------------------------------------


def _id(mark: str) -> str:
    """The id of an outlet or a person: its mark without the sign that begins every mark."""
    return mark[1:]


def _request(row: Mapping[str, Any]) -> dict[str, Any]:
    """A past request: code, kind, days, state in a word."""
    flow = FLOWS[row["kind"]]
    return {
        "id": row["id"], "code": row["code"], "kind": row["kind"], "kind_label": flow.title.as_dict(), "state": row["state"],
        "state_label": flow.states[row["state"]].label.as_dict(), "title": row["title"], "first_day": row["first_day"], "last_day": row["last_day"],
    }  # fmt: skip


def _member(fields: Mapping[str, Any], row_id: str) -> dict[str, Any]:
    return next((row for at, row in enumerate(fields.get("crew") or ()) if str(row.get("row") or at) == row_id), {})


def _who(member: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": member.get("name", ""), "nationality": member.get("nationality")}


def _paper(office: Office, what: str, number: Any, ends: str | None, row: Mapping[str, Any], whole: bool) -> dict[str, Any]:
    """A paper with the day it ends, as the newest request that names it says."""
    typed = str(number or "")
    return {
        "what": what, "label": PAPERS[what].as_dict(), "number": typed if whole or not typed else dossier.shortened(typed), "expires_on": ends,
        **standing_of(office, ends), "case": {"id": row["id"], "code": row["code"]}, "of": dossier.number_of(typed), "whole": whole,
    }  # fmt: skip


def standing_of(office: Office, ends: str | None) -> dict[str, Any]:
    """Whether a paper has ended, or does so within the days of the rule `card_warning`."""
    today = clock.today()
    limit = (today + timedelta(days=office.rules.number("card_warning"))).isoformat()
    name = "unknown" if not ends else "expired" if ends < today.isoformat() else "soon" if ends <= limit else "valid"
    return {"standing": name, "standing_label": STANDINGS[name].as_dict()}


def _distinct(papers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each paper once, as the newest request has it; its number whole where one of the requests shows it so."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for paper in papers:
        kept = found.setdefault((paper["what"], paper["of"]), paper)
        if paper["whole"]:
            kept["number"] = paper["number"]
    return [_told(paper) for paper in found.values()]


def _told(paper: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in paper.items() if name not in ("of", "whole")}


def _people(office: Office, page: list[dict[str, Any]], fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Whoever was on these requests, each once, with the card as the newest of them has it."""
    found: dict[str, dict[str, Any]] = {}
    for row, values in zip(page, fields, strict=True):
        for member in values.get("crew") or ():
            mark = marks.person_mark(office.keys, member)
            if not mark or mark in found:
                continue
            card = _paper(office, "card", member.get("card_no"), member.get("card_expires_on"), row, False) if member.get("card_no") else None
            found[mark] = {"id": _id(mark), **_who(member), "role": member.get("role"), "card": _told(card) if card else None}
    return sorted(found.values(), key=lambda one: (fold(one["name"]), one["id"]))


def _paged(items: list[dict[str, Any]], rows: list[dict[str, Any]], limit: int, key: tuple[str, str]) -> dict[str, Any]:
    following = queries.encode_cursor(rows[limit - 1][key[0]], rows[limit - 1][key[1]]) if len(rows) > limit else None
    return {"items": items, "next_cursor": following}


_LOOKED_UP = Text("Tra cứu cơ quan báo chí, phóng viên", "Looking up outlets and journalists")


def _note(office: Office, actor: Actor, read: Iterable[Mapping[str, Any]], whole_in: Iterable[Mapping[str, Any]] = ()) -> None:
    """Record what was read of which case: everything by an auditor, numbers in full by anybody."""
    ids = {row["id"]: "registry" for row in read} if actor.has(R.AUDITOR) else {}
    ids |= {row["id"]: "registry:numbers" for row in whole_in}
    role = next(role for role in (R.AUDITOR, *READERS) if actor.has(role))
    reads.note_all(office, [Reading(actor.id, case_id, what, role, "view", _LOOKED_UP) for case_id, what in ids.items()])
