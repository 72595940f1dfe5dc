"""What is odd in a dossier: each fault its own sentence in both languages, at its own entry, and none of it holds a request up."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states import FLOWS
from states.checks import Limits, checked, months_on
from states.language import missing

TODAY = date(2026, 12, 1)


def day(n):
    return (TODAY + timedelta(days=n)).isoformat()


def good(kind="visit"):
    """The kind's example, some days ahead, with rows named as the server names them."""
    found = deepcopy(FLOWS[kind].example(TODAY + timedelta(days=10)))
    for name, rows in found.items():
        for index, row in enumerate(rows if isinstance(rows, list) else ()):
            row["row"] = f"{name[:1]}{index}"
    for row in found.get("equipment") or ():
        row["quantity"] = 1
    return found


def with_(at, value, kind="visit"):
    """The good dossier with one value changed; at names it: `crew.0.role`."""
    found = good(kind)
    holder = found
    *path, last = at.split(".")
    for part in path:
        holder = holder[int(part)] if part.isdigit() else holder[part]
    holder[last] = value
    return found


def non_resident(**licence):
    found = good() | {"category": "A3"}
    return found | {"licence": {"number": "1", "valid_from": day(0), "valid_to": day(60), **licence}}


def two_at_once(**second):
    found = good()
    found["itinerary"][1] |= {"from": "08:30", "to": "09:00", **second}
    return found


BAD = {
    "website_form": (with_("outlet.website", "không phải địa chỉ"), "/outlet/website"),
    "no_channel": (with_("contact", {"name": "A"}), "/contact/phone"),
    "ministry_not_told": (with_("ministry_notice", {}), "/ministry_notice"),
    "no_licence": (non_resident(number=""), "/licence/number"),
    "licence_short": (non_resident(valid_to=day(10)), "/licence/valid_to"),
    "licence_backwards": (non_resident(valid_from=day(60), valid_to=day(1)), "/licence/valid_to"),
    "no_correspondent": (with_("crew", [{**good()["crew"][0], "role": "assistant"}]), "/crew"),
    "passport_shape": (with_("crew.0.passport_no", "12 34"), "/crew/c0/passport_no"),
    "passport_expired": (with_("crew.0.passport_expires_on", day(10)), "/crew/c0/passport_expires_on"),
    "passport_short": ({**non_resident(), "crew": [{**good()["crew"][0], "passport_expires_on": day(100)}]}, "/crew/c0/passport_expires_on"),
    "passport_twice": (with_("crew.1.passport_no", "xp0000001"), "/crew/c0/passport_no"),
    "visa_kind": (with_("crew.0.visa_type", "other"), "/crew/c0/visa_type"),
    "visa_short": (with_("crew.0.visa_expires_on", day(10)), "/crew/c0/visa_expires_on"),
    "no_card": (with_("crew.0.card_no", ""), "/crew/c0/card_no"),
    "card_short": (with_("crew.0.card_expires_on", day(10)), "/crew/c0/card_expires_on"),
    "birth_date": (with_("crew.0.born_on", day(1)), "/crew/c0/born_on"),
    "days_backwards": (with_("last_day", day(9)), "/last_day"),
    "day_past": (with_("first_day", day(-1)), "/first_day"),
    "row_outside": (with_("itinerary.0.on", day(30)), "/itinerary/i0/on"),
    "hours_backwards": (with_("itinerary.0.to", "07:00"), "/itinerary/i0/to"),
    "rows_overlap": (two_at_once(), "/itinerary/i1/from"),
    "travel_time": (with_("itinerary.1.from", "09:40"), "/itinerary/i1/from"),
    "no_questions": (with_("itinerary.0.questions", []), "/itinerary/i0/questions"),
    "drone_not_listed": (with_("itinerary.0.activities", ["drone"]), "/itinerary/i0/activities"),
    "no_host": (with_("itinerary.0.host", ""), "/itinerary/i0/host"),
    "no_serial": (with_("equipment.0.serial", ""), "/equipment/e0/serial"),
    "serial_twice": (with_("equipment", [{"row": f"e{n}", "type": "Máy quay", "serial": "A1"} for n in range(2)]), "/equipment/e0/serial"),
    "serial_of_many": (with_("equipment.0.quantity", 2), "/equipment/e0/quantity"),
    "leaves_early": (with_("equipment.0.leaves_on", day(1)), "/equipment/e0/leaves_on"),
    "no_currency": (with_("equipment.0.value", 100), "/equipment/e0/currency"),
    "no_permit": (with_("equipment.0.device", "drone"), "/equipment/e0/permit_no"),
    "question_short": (with_("questions.0.text", "Gì?", "interview"), "/questions/q0/text"),
    "no_translation": (with_("questions.1.translation", "", "interview"), "/questions/q1/translation"),
    "slot_past": (with_("slots.0.from", "2026-11-01T01:00:00.000000Z", "interview"), "/slots/s0/from"),
    "slot_backwards": (with_("slots.0.to", "2026-12-11T01:00:00.000000Z", "interview"), "/slots/s0/to"),
    "slot_short": (with_("duration_min", 90, "interview"), "/slots/s0/to"),
}


def test_the_examples_are_as_they_should_be():
    assert [note.code for note in checked(good(), TODAY)] == []
    assert [note.code for note in checked(good("interview"), TODAY)] == []


@pytest.mark.parametrize("code", BAD)
def test_each_fault_has_its_own_sentence_at_its_own_entry(code):
    fields, pointer = BAD[code]
    found = {(note.code, note.pointer): note.text for note in checked(fields, TODAY)}
    assert (code, pointer) in found, set(found)
    text = found[code, pointer]
    assert text.vi and text.en and text.vi != text.en


def test_every_sentence_is_its_own():
    told = {code: next(note.text.vi for note in checked(fields, TODAY) if note.code == code) for code, (fields, _) in BAD.items()}
    assert len(set(told.values())) == len(told) >= 20


@pytest.mark.parametrize("code", sorted(BAD.keys() - {"no_questions"}))
def test_none_of_them_is_missing_what_the_law_names(code):
    """Only a missing entry of the law stops sending; an odd one does not."""
    fields, _ = BAD[code]
    kind = "interview" if "leader" in fields else "visit"
    assert missing(FLOWS[kind].fields, fields) == []


def test_a_crew_that_splits_may_be_at_two_places():
    assert "rows_overlap" not in {n.code for n in checked(two_at_once() | {"itinerary": [
        {**row, "crew_group": name} for row, name in zip(two_at_once()["itinerary"], "ABA", strict=True)]}, TODAY)}  # fmt: skip


def test_limits_are_the_offices():
    fields = {**non_resident(), "crew": [{**good()["crew"][0], "passport_expires_on": day(100)}]}
    assert "passport_short" not in {n.code for n in checked(fields, TODAY, Limits(passport_months=2))}


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 60))
def test_months_on_stay_in_their_month(start, months):
    found = months_on(start, months)
    assert (found.year * 12 + found.month) - (start.year * 12 + start.month) == months and found.day <= start.day
    assert found.day == start.day or (found + timedelta(days=1)).day == 1


scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=12) | st.just("2026-12-02") | st.just("08:00")
rows = st.lists(
    st.dictionaries(
        st.sampled_from(["row", "name", "passport_no", "passport_expires_on", "on", "from", "to", "commune", "role", "serial", "text"]), scalars, max_size=6
    ),
    max_size=4,
)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("crew", "itinerary", "equipment", "questions", "slots"), rows)
        | {"first_day": scalars, "last_day": scalars, "category": scalars},
    )
)
def test_no_dossier_breaks_them(fields):
    """Whatever half of a dossier is typed so far, the checks answer."""
    for note in checked(fields, TODAY):
        assert note.pointer.startswith("/")


@pytest.mark.parametrize("site", ["www.hangtin.example", "https://hangtin.example/vi?x=1", "hãngtin.example", ""])
def test_an_address_of_a_website_is_taken_as_people_write_it(site):
    assert checked(with_("outlet.website", site), TODAY) == checked(good(), TODAY)


def test_a_long_name_is_shortened_in_a_sentence():
    fields = with_("crew.0.name", "NGUYEN VAN RAT DAI " * 9)
    fields["crew"][0]["passport_no"] = "12"
    told = next(note.text for note in checked(fields, TODAY) if "passport" in note.code)
    assert "…" in told.vi and len(told.vi) < 160 and len(told.en) < 160
