"""One filing of several requests: a visit and the interviews that belong with it, each a case of its own.

They are sent one after the other, the visit first: each on the version that was seen, in its own transaction, with its own number and
clock, its own undertaking on its own record. The same press again sends nothing twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

from states import FLOWS
from states import roles as R
from states.language import Text
from workflow import attachments, preview
from workflow.authority import Actor
from workflow.engine import Done, Once, perform
from workflow.errors import Invalid, NotFound, Stale, WorkflowError
from workflow.office import Office
from workflow.queries import papers, read_case
from workflow.schemas import TEXTS

_KINDS = {"visit", "interview"}
_LETTER = "request"  # the signed request, under one name in both kinds


@dataclass(frozen=True, slots=True)
class Part:
    """One request of a filing, on the version that its sender saw."""

    case_id: str
    kind: str
    version: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a part: sent, or why not."""

    part: Part
    refused: WorkflowError | None = None


def is_draft(case: Mapping[str, Any]) -> bool:
    """Whether a request is still to be sent."""
    return bool(case["state"] == FLOWS[case["kind"]].start)


def companions(office: Office, actor: Actor, case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The requests that belong with this one and that the same person files for the same organisation, as `read_case` answers them.

    Of a visit its interviews, of an interview its visit; without what was thrown away before it had a number.
    """
    found = []
    for item in case["related"]:
        if {case["kind"], item["kind"]} != _KINDS:
            continue
        with suppress(NotFound):  # seen a moment ago, and gone out of this person's sight since
            other = read_case(office, actor, item["id"])
            if R.APPLICANT in other["mine"] and other["organisation"] == case["organisation"] and (is_draft(other) or other["code"]):
                found.append(other)
    return found


def hindrances(office: Office, actor: Actor, parts: Iterable[Part]) -> dict[str, list[Text | dict[str, str]]]:
    """Why parts could not be sent now, by case: what a draft lacks, or that it was changed since it was seen. No effect.

    What is no draft any more hinders nothing here: `send` tells whether it was this very press that sent it.
    """
    found: dict[str, list[Text | dict[str, str]]] = {}
    for part in parts:
        route = preview.of_draft(office, actor, part.case_id)
        if route is None:
            continue
        stale = [Stale.text] if read_case(office, actor, part.case_id)["version"] != part.version else []
        if reasons := [*stale, *(refusal["message"] for refusal in route["refusals"])]:
            found[part.case_id] = reasons
    return found


def send(office: Office, actor: Actor, parts: Iterable[Part], given: Mapping[str, Any], *, request_id: str = "") -> list[Outcome]:
    """Submit the parts one after the other, the visit first, each with the same input; answers what became of each in that order.

    Where the first is refused nothing is sent, and only that is told. One that is refused later leaves the others as they are.
    """
    body = hashlib.sha256(orjson.dumps(given, option=orjson.OPT_SORT_KEYS)).hexdigest()
    found: list[Outcome] = []
    for part in sorted(parts, key=lambda part: part.kind != "visit"):
        once = Once(actor.id, f"send {part.case_id}", str(part.version), body)
        try:
            perform(office, actor, part.case_id, "submit", given, version=part.version, once=once, request_id=request_id)
        except WorkflowError as refused:
            found.append(Outcome(part, refused))
            if len(found) == 1:
                break
        else:
            found.append(Outcome(part))
    return found


# --- one signed letter for both ----------------------------------------------------------------------------------


def letter_for(office: Office, actor: Actor, interview: Mapping[str, Any], visits: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The first of these visits whose signed letter could stand for an interview that has none: {visit, paper}.

    A letter that is held back is not offered: whether it may be read is still open.
    """
    if interview["kind"] != "interview" or not is_draft(interview) or _LETTER in interview["papers"]:
        return None
    for visit in visits:
        for paper in papers(office, actor, visit["id"]) if visit["kind"] == "visit" else ():
            if paper["name"] == _LETTER and paper["current"] and not paper["held"]:
                return {"visit": visit, "paper": paper}
    return None


def use_letter(office: Office, actor: Actor, ref: str, visit: str, *, request_id: str = "") -> Done:
    """Attach a copy of a visit's signed letter to its interview, as an upload of its own; nothing of it follows the visit afterwards.

    Raises `NotFound` where the two do not belong together, `Invalid` where there is no letter to use or the interview has one.
    """
    interview = read_case(office, actor, ref)
    visits = [other for other in companions(office, actor, interview) if visit in (other["id"], other["code"])]
    if not visits:
        raise NotFound()
    found = letter_for(office, actor, interview, visits)
    if found is None:
        raise Invalid({f"paper:{_LETTER}": [TEXTS["locked"]]}, code="locked")
    opened = attachments.open_paper(office, actor, found["paper"]["id"])
    # Whoever uploaded it to the visit has said that it is not classified, or an officer has: else it would be held back there.
    done, _ = attachments.receive(office, actor, interview["id"], _LETTER, opened.filename, opened.data, unclassified=True, request_id=request_id)
    return done
