"""Marks of people, places and outlets, by which requests are found without any of it standing in clear text.

Kept beside the dossiers and written with them, in one transaction: a row for each crew member, one for each place of a
programme or time asked of a leader, one for the outlet. Only what changed is written, so that most acts write none; a
row that left the dossier is emptied. The marks are keyed hashes: the same for the same number or folded name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from states.matches import DAY_BEGINS, DAY_ENDS, Member, Side, Stay
from workflow import clock, dossier, store
from workflow.crypto import Keyring
from workflow.facts import agreed_of, dropped_of
from workflow.fold import fold
from workflow.office import Office
from workflow.store import Change

PRESS = ("visit", "interview")
_NUMBERS = ("passport_no", "card_no")
_AT_ONCE = 200
_NO_DURATION = 60
LEADER = "leader"
_ASKED = "leader asked"  # what a row of an interview is told by: no entry of a form has this name

Fields = Mapping[str, Any]


def index(change: Change, keys: Keyring, row: Mapping[str, Any], fields: Fields, before: Fields | None = None) -> None:
    """Add to a change the marks of what a new version of a dossier (of the case `row`) has that `before` had not."""
    if row["kind"] not in PRESS or fields is before:
        return
    case_id, was = row["id"], before or {}
    for table, source, marks_of in (("crew_marks", _crew_rows, _member_row), ("slot_marks", _slot_rows, _slot_row)):
        old, new = source(row["kind"], was), source(row["kind"], fields)
        for id_, told in new.items():
            if old.get(id_) != told:
                change.add(table, {"case_id": case_id, "row_id": id_, **marks_of(keys, told)})
        for id_ in old.keys() - new.keys():
            change.add(table, {"case_id": case_id, "row_id": id_})
    outlet = fields.get("outlet") or {}
    if before is None or outlet != (was.get("outlet") or {}):
        change.add("outlet_marks", {"case_id": case_id, **_outlet_row(keys, outlet)})


def fill(office: Office) -> int:
    """Give their marks to cases that were written before there were any; answers how many."""
    total = 0
    while done := office.db.transact(lambda connection: _fill_some(office, connection)):
        total += done
    return total


def _fill_some(office: Office, connection: Connection) -> int:
    rows = store.query(
        connection,
        "SELECT c.id, c.kind, d.fields FROM cases c JOIN dossiers d ON d.case_id = c.id AND d.no = c.dossier_no"
        " LEFT JOIN outlet_marks o ON o.case_id = c.id WHERE o.case_id IS NULL AND c.kind IN ('visit', 'interview') ORDER BY c.id LIMIT :n",
        n=_AT_ONCE,
    )
    change = Change()
    for row in rows:
        index(change, office.keys, row, store.read_fields(office.keys, row["fields"], row["id"]))
    if rows:
        store.write(connection, change)
    return len(rows)


# --- what is marked ---------------------------------------------------------------------------------------------


def _crew_rows(_: str, fields: Fields) -> dict[str, Any]:
    return {str(row.get("row") or at): row for at, row in enumerate(fields.get("crew") or ())}


def _slot_rows(kind: str, fields: Fields) -> dict[str, Any]:
    """What a request takes: the rows of a programme; of an interview the leader, at each time proposed or at none yet."""
    if kind == "visit":
        return {str(row.get("row") or at): row for at, row in enumerate(fields.get("itinerary") or ())}
    asked = {_ASKED: fields.get(LEADER) or {}, "duration_min": fields.get("duration_min")}
    slots = {str(row.get("row") or at): row for at, row in enumerate(fields.get("slots") or ()) if row.get("from")}
    return {id_: {**row, **asked} for id_, row in (slots or {LEADER: {}}).items()}


def paper_mark(keys: Keyring, what: str, number: Any) -> str:
    """The mark of a passport or a press card; empty without a number."""
    read = dossier.number_of(number)
    return keys.blind(f"{what}:{read}") if read else ""


def end_mark(keys: Keyring, number: Any) -> str:
    """The mark by which a number is found from its last letters and digits."""
    return keys.blind(f"end:{dossier.number_of(number)[-dossier.ENDS :]}")


def name_mark(keys: Keyring, name: Any) -> str:
    """The mark of a whole name, accents apart."""
    folded = fold(str(name or ""))
    return keys.blind(f"name:{folded}") if folded else ""


def person_mark(keys: Keyring, row: Fields) -> str:
    """Who a crew member is to the registry: the passport, else name and nationality; empty where neither is there."""
    folded = fold(str(row.get("name") or ""))
    return paper_mark(keys, "passport", row.get("passport_no")) or (keys.blind(f"person:{folded}|{row.get('nationality') or ''}") if folded else "")


def outlet_mark(keys: Keyring, outlet: Fields) -> str:
    """Which outlet it is to the registry: folded name and country."""
    folded = fold(str(outlet.get("name") or ""))
    return keys.blind(f"outlet:{folded}|{outlet.get('country') or ''}") if folded else ""


def _member_row(keys: Keyring, row: Fields) -> dict[str, Any]:
    words = keys.marks_of(fold(str(row.get("name") or "")))
    words |= {end_mark(keys, row[name]) for name in _NUMBERS if len(dossier.number_of(row.get(name))) >= dossier.ENDS}
    found = member_of(keys, "", row)
    return {
        "person": person_mark(keys, row) or None, "passport": found.passport or None, "card": found.card or None, "name": found.name or None,
        "words": " ".join(sorted(words)) or None,
    }  # fmt: skip


def _slot_row(keys: Keyring, row: Fields) -> dict[str, Any]:
    starts, ends = _times(row)
    return {"spot": _spot(keys, row) or None, "starts": starts or None, "ends": ends or None}


def _outlet_row(keys: Keyring, outlet: Fields) -> dict[str, Any]:
    return {"outlet": outlet_mark(keys, outlet) or None, "name": fold(str(outlet.get("name") or ""))[:300], "country": outlet.get("country")}


def member_of(keys: Keyring, id_: str, row: Fields) -> Member:
    """A crew member by marks."""
    return Member(id_, paper_mark(keys, "passport", row.get("passport_no")), paper_mark(keys, "card", row.get("card_no")), name_mark(keys, row.get("name")))


def _spot(keys: Keyring, row: Fields) -> str:
    if _ASKED in row:
        leader = row[_ASKED]
        folded = fold(str(leader.get("name") or ""))
        return keys.blind(f"leader:{leader.get('agency') or ''}|{folded}") if folded else ""
    place = fold(str(row.get("place") or ""))
    return keys.blind(f"place:{fold(str(row.get('commune') or ''))}|{place}") if place else ""


def _times(row: Fields) -> tuple[str, str]:
    """Local beginning and end of a row; where an hour is not given the day is taken to its end. Empty without a day."""
    if _ASKED in row:
        return slot_times(row, row.get("duration_min")) if row.get("from") else ("", "")
    on, starts, ends = row.get("on"), row.get("from") or DAY_BEGINS, row.get("to") or DAY_ENDS
    if not on:
        return "", ""
    return f"{on}T{starts}", f"{on}T{ends if ends > starts else DAY_ENDS}"


def slot_times(slot: Fields, minutes: Any) -> tuple[str, str]:
    """Local beginning and end of a time of an interview; one without an end lasts as long as was asked for."""
    starts = clock.moment(str(slot["from"]))
    ends = clock.moment(str(slot["to"])) if slot.get("to") else starts
    if ends <= starts:
        ends = starts + timedelta(minutes=int(minutes or _NO_DURATION))
    return _local(starts), _local(ends)


def _local(moment: datetime) -> str:
    return f"{clock.local(moment):%Y-%m-%dT%H:%M}"


# --- the sides of a comparison ------------------------------------------------------------------------------------


def side_of(keys: Keyring, kind: str, fields: Fields, memory: Fields) -> Side:
    """A request as it is compared: without the people and rows that its decision dropped, an interview at the time that was agreed."""
    out = dropped_of(memory)
    crew = tuple(member_of(keys, id_, row) for id_, row in _crew_rows(kind, fields).items() if id_ not in out)
    stays = []
    for id_, row in _slot_rows(kind, fields).items():
        starts, ends = _times(row)
        label = ", ".join(str(row[name]) for name in ("place", "commune") if row.get(name)) if kind == "visit" else ""
        if id_ not in out:
            stays.append(Stay(id_, _spot(keys, row), starts, ends, kind == "visit", label))
    first, last = dossier.days_of(fields)
    return agreed(Side(kind, first or "", last or "", crew, tuple(stays)), fields.get("duration_min"), memory)


def agreed(side: Side, minutes: Any, memory: Fields) -> Side:
    """An interview whose time was agreed takes that time alone; all others are as they were, less the stays without a time."""
    slot = (agreed_of(memory).get("slot") or {}) if side.kind == "interview" else {}
    if not slot.get("from"):
        return Side(side.kind, side.first_day, side.last_day, side.crew, tuple(stay for stay in side.stays if stay.starts))
    starts, ends = slot_times(slot, minutes)
    stays = tuple(Stay(LEADER, spot, starts, ends, True) for spot in dict.fromkeys(stay.spot for stay in side.stays))
    return Side(side.kind, starts[:10], ends[:10], side.crew, stays)
