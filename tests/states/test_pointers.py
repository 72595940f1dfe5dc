"""What a pointer names: every target that is offered is there, is called something in both languages, and leads to its declaration."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states import FLOWS, pointers
from states.language import Field, Rows

KINDS = ("visit", "interview")


def dossier(kind):
    """The example with the row ids that the server would give."""
    fields = FLOWS[kind].example(date(2026, 11, 25))
    for name, value in fields.items():
        if isinstance(value, list):
            fields[name] = [{**row, "row": f"{name}{at}"} for at, row in enumerate(value)]
    return fields


def offered(kind):
    flow = FLOWS[kind]
    return [target for group in pointers.targets(flow.fields, flow.papers, dossier(kind)) for target in group.targets]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_offered_is_there_and_has_words(kind):
    flow, fields = FLOWS[kind], dossier(kind)
    found = offered(kind)
    assert len({target.pointer for target in found}) == len(found) > 40
    for target in found:
        assert pointers.exists(flow.fields, flow.papers, fields, target.pointer), target
        said = pointers.words(flow.fields, flow.papers, fields, target.pointer)
        assert said.vi and said.en and said.vi != target.pointer, target
        assert pointers.key_of(flow.fields, target.pointer) == target.key
        if not target.pointer.startswith("paper:"):
            assert pointers.declared_at(flow.fields, target.pointer) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_everything_of_the_form_is_offered(kind):
    flow, fields = FLOWS[kind], dossier(kind)
    there = {target.pointer for target in offered(kind)}
    for item in flow.fields:
        assert f"/{item.name}" in there
        for row in fields.get(item.name, ()) if isinstance(item, Rows) else ():
            assert {f"/{item.name}/{row['row']}"} | {f"/{item.name}/{row['row']}/{part.name}" for part in item.fields} <= there
        if not isinstance(item, (Field, Rows)):
            assert {f"/{item.name}/{part.name}" for part in item.fields} <= there
    assert {f"paper:{paper.name}" for paper in flow.papers if not paper.office} <= there
    assert not [pointer for pointer in there if pointer == "paper:decision_scan"]


@pytest.mark.parametrize("pointer", [
    "", "/", "purpose", "/nothing", "/purpose/x", "/crew/nobody", "/crew/crew0/row", "/crew/crew0/nothing", "/crew/9/name", "/crew/", "//crew",
    "/outlet/nothing", "paper:", "paper:nothing", "paper:decision_scan", "/crew/-1/name", "/crew/²/name",
])  # fmt: skip
def test_a_pointer_to_nothing_is_none(pointer):
    flow = FLOWS["visit"]
    assert not pointers.exists(flow.fields, flow.papers, dossier("visit"), pointer)
    pointers.words(flow.fields, flow.papers, dossier("visit"), pointer or "/")


def test_rows_answer_to_their_place_as_well_and_empty_fields_are_there():
    flow, fields = FLOWS["visit"], dossier("visit")
    for pointer in ("/crew/0/passport_no", "/licence/number", "/itinerary/2"):
        assert pointers.exists(flow.fields, flow.papers, fields, pointer)
    assert pointers.words(flow.fields, flow.papers, fields, "/crew/1/passport_no").vi == "Thành viên 2: MIKKO MALLI – Số hộ chiếu"
    assert pointers.words(flow.fields, flow.papers, fields, "/itinerary/itinerary0").en == "Activity 1: 25/11/2026 08:00 · Chợ nổi minh họa"


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_a_pointer(text):
    flow, fields = FLOWS["visit"], dossier("visit")
    for pointer in (text, f"/{text}", f"/crew/{text}", f"/crew/crew0/{text}", f"paper:{text}"):
        assert pointers.exists(flow.fields, flow.papers, fields, pointer) in (True, False)
        pointers.words(flow.fields, flow.papers, fields, pointer if pointer else "/")
