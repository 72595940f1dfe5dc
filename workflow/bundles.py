"""What each consulted agency was shown, and whether it has changed since: only then is an opinion asked for again.

A consultation remembers the pointers it was shown and a keyed mark of each part, row by row. Marks say whether something is
still the same and give nothing of it away. Where nothing shown has changed the opinion stands, whatever else was mended.

To a body that checks identity the scans of identity papers go along with the whole crew (`scans`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from states import Flow, flow_for
from states.language import Text
from states.pointers import PAPER, row_at, words
from states.shared import fingerprint
from workflow import dossier
from workflow.authority import Row
from workflow.crypto import Keyring
from workflow.office import Office

# The needs that ask whether an opinion still stands.
CONCERNED = frozenset({"routing_settled", "somebody_to_ask", "consultations_settled", "silence_acknowledged", "agency_not_open"})
_ASKING_PHASES = ("requested", "review")
_CREW = "/crew"
# The states of a question in which its body may still work on it, so that it reads scans.
_READING = ("asked", "answered")
_NUMBER = re.compile(r"(\d+)-(\d+)$")


def _parts(bundle: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """A bundle part by part, a list row by row where its rows have ids."""
    for name, value in bundle.items():
        if isinstance(value, list) and value and all(isinstance(row, dict) and row.get("row") for row in value):
            yield from ((f"{name}/{row['row']}", row) for row in value)
        else:
            yield name, value


def _marks(keys: Keyring, row: Row, bundle: Mapping[str, Any], papers: Iterable[str]) -> dict[str, str]:
    """The keyed mark of each part of a bundle and of each scan that goes along: `itinerary/<row>`, `paper:passport`."""
    scans = {f"{PAPER}{name}": keys.blind(row["papers"][name]["hash"]) for name in papers if name in row["papers"]}
    return {part: keys.blind(fingerprint(value)) for part, value in _parts(bundle)} | scans


def _sent_papers(row: Row, pointers: list[str], identity: bool) -> list[str]:
    """The names of the papers that go along. A scan shows everybody's pages, so that a single member of the crew brings none."""
    whole = not pointers or _CREW in pointers
    return [paper.name for paper in flow_for(row["kind"]).papers if paper.sensitive] if identity and whole else []


def shown(office: Office, row: Row, pointers: Iterable[str], agency: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The bundle that an agency is shown, and what its consultation remembers of it."""
    identity, asked = agency in office.profile.identity_readers, list(pointers)
    bundle = dossier.bundle(flow_for(row["kind"]).fields, row["fields"], asked, identity=identity)
    papers = _sent_papers(row, asked, identity)
    marks = _marks(office.keys, row, bundle, papers)
    return bundle, {"pointers": asked, "identity": identity, "content": row["content_hash"], "marks": marks, "papers": papers}


def scans(office: Office, main: Row, question: Row) -> dict[str, str]:
    """The scans of identity papers of a request that the body asked by this question reads now, by name: {passport: id}.

    Whether they go along is decided when `consult` is pressed: with the whole crew, to a body that the locality names as
    a reader of identity papers, then and still. Which file it is follows the request: always the version in use, never an
    older one, none that is held back; so that nobody compares people with a scan that was replaced. They are read through
    the body's last question alone, as long as it may answer or amend: while the question is open or answered and the
    request undecided. A question that lapsed or was cancelled reads nothing.
    """
    names = (question["memory"].get("shown") or {}).get("papers") or ()
    last = consulted(main).get(question["organisation_id"])
    undecided = main["is_open"] and main["phase"] in _ASKING_PHASES
    reads = question["state"] in _READING and question["fields"]["agency"] in office.profile.identity_readers
    if not (names and reads and undecided and last and last[-1][0] == question["id"]):
        return {}
    held, current = main["memory"].get("held") or {}, main["papers"]
    return {name: current[name]["id"] for name in names if name in current and current[name]["id"] not in held}


def _changed(office: Office, row: Row, remembered: Mapping[str, Any]) -> tuple[str, ...]:
    """The parts of what was shown that are not as they were: `itinerary/<row>`, `purpose`, `paper:passport`. Parts may have come or gone."""
    if remembered["content"] == row["content_hash"]:
        return ()
    before = remembered["marks"]
    bundle = dossier.bundle(flow_for(row["kind"]).fields, row["fields"], remembered["pointers"], identity=remembered["identity"])
    now = _marks(office.keys, row, bundle, remembered.get("papers") or ())  # questions of before sent no papers along
    return tuple(part for part in {**before, **now} if before.get(part) != now.get(part))


def _order(child: Any) -> tuple[int, int]:
    """Consultations by their printed number, the year first."""
    found = _NUMBER.search(str(child[7] or ""))
    return (int(found[1]), int(found[2])) if found else (0, 0)


def consulted(row: Row) -> dict[str, list[Any]]:
    """The consultations of a case by agency (its organisation), the last one at the end."""
    found: dict[str, list[Any]] = {}
    for child in sorted((c for c in row["children"] if c[1] == "consultation"), key=_order):
        found.setdefault(str(child[8]), []).append(child)
    return found


def standing(office: Office, row: Row) -> dict[str, Any]:
    """For the rules: `superseded`, the consultations that were asked again since; `outdated`, those of the rest that show what has changed, with the parts."""
    superseded: set[str] = set()
    outdated: dict[str, tuple[str, ...]] = {}
    asks = row["phase"] in _ASKING_PHASES  # what is moved after a decision is not asked about again
    for children in consulted(row).values():
        superseded.update(child[0] for child in children[:-1])
        remembered = orjson.loads(children[-1][6]).get("shown")
        parts = _changed(office, row, remembered) if asks and remembered else ()
        if parts:
            outdated[children[-1][0]] = parts
    return {"superseded": frozenset(superseded), "outdated": outdated}


def part_words(flow: Flow, row: Row, part: str) -> Text:
    """A changed part in words; a row that is no longer there is said to be gone."""
    said = words(flow.fields, flow.papers, row["fields"], part if part.startswith(PAPER) else f"/{part}")
    name, _, id_ = part.partition("/")
    rows = row["fields"].get(name)
    if id_ and isinstance(rows, list) and row_at(rows, id_.split("/")[0]) is None:
        return Text(f"{said.vi} (đã bỏ)", f"{said.en} (removed)")
    return said


__all__ = ["CONCERNED", "consulted", "part_words", "scans", "shown", "standing"]
