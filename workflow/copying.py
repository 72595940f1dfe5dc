"""A new request out of what was typed before: a copy of a past one, or the interview that a programme row asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any

from states import FLOWS
from states.asked import APPLICANT_BLOCK, CREW
from states.language import AnyField, Field, Group, blank
from workflow import clock

# Belongs to one sending alone: days and hours, whose signature, what was told the Ministry of it, what was declared for it.
OF_ONE_SENDING = frozenset({"signer", "ministry_notice", "first_day", "last_day", "slots", "publish_on", "host_confirmed"})
DATED = frozenset({"on", "from", "to", "leaves_on", "customs_no"})


def copied(declared: Iterable[AnyField], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The dossier of a past request as a new one starts with it: no days of its own, no signature, no row ids, no papers.

    What stands on people's papers (numbers, expiry) is copied; it is checked anew like everything else.
    """
    found: dict[str, Any] = {}
    for item in declared:
        value: Any = fields.get(item.name)
        if blank(value) or item.name in OF_ONE_SENDING:
            continue
        if isinstance(item, Field):
            found[item.name] = value
        elif isinstance(item, Group):
            found[item.name] = copied(item.fields, value)
        else:
            rows = [copied(_undated(item.fields), row) for row in value]
            found[item.name] = [row for row in rows if row]
    return found


def _undated(declared: Iterable[AnyField]) -> tuple[AnyField, ...]:
    return tuple(item for item in declared if item.name not in DATED)


def interview_of(visit: Mapping[str, Any], row_id: str) -> dict[str, Any] | None:
    """The interview that a row of a visit's programme asks for, with what is known of it; None where no row asks a leader."""
    row = next((r for r in visit.get("itinerary") or () if r.get("row") == row_id and r.get("leader")), None)
    if row is None:
        return None
    shared = tuple(item for item in (*APPLICANT_BLOCK, CREW) if item.name not in ("category", "ministry_notice"))
    found = {item.name: visit[item.name] for item in shared if not blank(visit.get(item.name))}
    found["crew"] = [{k: v for k, v in person.items() if k != "row"} for person in visit.get("crew") or ()]
    # A resident bureau's interview has a category of its own; others keep theirs.
    found["category"] = "A2" if visit.get("category") in (None, "A1", "A2") else visit["category"]
    leader: Mapping[str, Any] = next((p for p in row.get("people") or () if p.get("name")), {})
    found["leader"] = {"agency": row["leader"], **{k: leader[k] for k in ("name", "position") if leader.get(k)}}
    found |= {name: visit[name] for name in ("title", "purpose", "publication") if not blank(visit.get(name))}
    found["questions"] = [{"text": q["text"]} for q in row.get("questions") or () if q.get("text")]
    slot = {name: _moment(row.get("on"), row.get(name)) for name in ("from", "to")}
    if slot["from"]:
        found["slots"] = [{name: at for name, at in slot.items() if at}]
    found |= {"place": row["place"]} if row.get("place") else {}
    return {name: value for name, value in found.items() if not blank(value) and name in {f.name for f in FLOWS["interview"].fields}}


def _moment(on: Any, at: Any) -> str | None:
    """A day and an hour of a programme, local time, as a moment."""
    return clock.stamp(clock.at_local(date.fromisoformat(str(on)), time.fromisoformat(str(at)))) if on and at else None
