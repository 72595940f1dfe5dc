"""What each consulted agency was shown, and whether it has changed since: only then is an opinion asked for again.

A consultation remembers the pointers it was shown and a keyed mark of each part, row by row. Marks say whether something is
still the same and give nothing of it away. Where nothing shown has changed the opinion stands, whatever else was mended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from states import Flow, flow_for
from states.language import Text
from states.pointers import row_at, words
from states.shared import fingerprint
from workflow import dossier
from workflow.authority import Row
from workflow.crypto import Keyring
from workflow.office import Office

# The needs that ask whether an opinion still stands.
CONCERNED = frozenset({"routing_settled", "somebody_to_ask", "consultations_settled", "silence_acknowledged", "agency_not_open"})
_ASKING_PHASES = ("requested", "review")
_NUMBER = re.compile(r"(\d+)-(\d+)$")


def _parts(bundle: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """A bundle part by part, a list row by row where its rows have ids."""
    for name, value in bundle.items():
        if isinstance(value, list) and value and all(isinstance(row, dict) and row.get("row") for row in value):
            yield from ((f"{name}/{row['row']}", row) for row in value)
        else:
            yield name, value


def _marks(keys: Keyring, bundle: Mapping[str, Any]) -> dict[str, str]:
    return {part: keys.blind(fingerprint(value)) for part, value in _parts(bundle)}


def shown(office: Office, row: Row, pointers: Iterable[str], agency: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The bundle that an agency is shown, and what its consultation remembers of it."""
    identity, asked = agency in office.profile.identity_readers, list(pointers)
    bundle = dossier.bundle(flow_for(row["kind"]).fields, row["fields"], asked, identity=identity)
    return bundle, {"pointers": asked, "identity": identity, "content": row["content_hash"], "marks": _marks(office.keys, bundle)}


def _changed(office: Office, row: Row, remembered: Mapping[str, Any]) -> tuple[str, ...]:
    """The parts of what was shown that are not as they were: `itinerary/<row>`, `purpose`. Parts may have come or gone."""
    if remembered["content"] == row["content_hash"]:
        return ()
    before = remembered["marks"]
    now = _marks(office.keys, dossier.bundle(flow_for(row["kind"]).fields, row["fields"], remembered["pointers"], identity=remembered["identity"]))
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
    said = words(flow.fields, flow.papers, row["fields"], f"/{part}")
    name, _, id_ = part.partition("/")
    rows = row["fields"].get(name)
    if id_ and isinstance(rows, list) and row_at(rows, id_.split("/")[0]) is None:
        return Text(f"{said.vi} (đã bỏ)", f"{said.en} (removed)")
    return said


__all__ = ["CONCERNED", "consulted", "part_words", "shown", "standing"]
