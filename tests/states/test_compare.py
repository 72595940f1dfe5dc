"""What two requests share: the same from either side, at the edges of days and hours, in words of both languages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from states.matches import OVERLAP, STRONG, WEAK, Member, Side, Stay, common_days, compare, meet, span_of, strength_of

DAYS = st.integers(1, 28).map(lambda day: f"2026-12-{day:02}")
TIMES = st.integers(0, 47).map(lambda half: f"2026-12-01T{half // 2:02}:{half % 2 * 30:02}")
MARKS = st.sampled_from(["", "a", "b", "c"])


@st.composite
def stays(draw):
    starts, ends = sorted((draw(TIMES), draw(TIMES)))
    return Stay(
        draw(st.sampled_from("12345")), draw(st.sampled_from(["", "x", "y"])), starts, ends if ends > starts else "2026-12-01T24:00", draw(st.booleans())
    )


@st.composite
def sides(draw, kind=st.sampled_from(["visit", "interview"])):
    first, last = sorted((draw(DAYS), draw(DAYS)))
    crew = st.lists(st.builds(Member, st.sampled_from("123"), MARKS, MARKS, MARKS), max_size=4).map(tuple)
    return Side(draw(kind), first, last, draw(crew), tuple(draw(st.lists(stays(), max_size=4))))


def told(facts):
    return {(fact.what, fact.keys) for fact in facts}


@given(one=sides(), other=sides())
def test_it_is_the_same_from_either_side(one, other):
    assert told(compare(one, other)) == told(compare(other, one))
    assert common_days(one, other) == common_days(other, one)
    assert [fact.text for fact in compare(one, other)] == [fact.text for fact in compare(other, one)], "nothing here has a name of its own"


@given(one=stays(), other=stays())
def test_two_stays_meet_where_there_is_a_moment_of_both(one, other):
    met = meet(one, other)
    assert met == meet(other, one)
    moments = [f"2026-12-01T{half // 2:02}:{half % 2 * 30:02}" for half in range(48)]
    both = [at for at in moments if one.starts <= at < one.ends and other.starts <= at < other.ends]
    assert (met is not None) == bool(both)
    if met:
        assert met[0] == both[0]


@given(side=sides())
def test_a_request_shares_everything_with_itself(side):
    """Each person who is known by anything, and each place that has a name, is found again."""
    found = compare(side, side)
    people = {mark for member in side.crew for mark in (member.passport or member.card or member.name,) if mark}
    assert {mark for fact in found if fact.what in ("passport", "card", "name") for mark in fact.keys} >= {m.passport for m in side.crew if m.passport}
    assert bool(people) == any(fact.what in ("passport", "card", "name") for fact in found)
    assert any(fact.what in ("place", "leader") for fact in found) == any(stay.spot for stay in side.stays)


def visit(first, last, *crew, stays=()):
    return Side("visit", first, last, tuple(crew), tuple(stays))


AINO = Member("1", "pass-1", "card-1", "aino")
MIKKO = Member("2", "pass-2", "", "mikko")


def test_days_that_only_touch_are_common():
    assert (
        compare(visit("2026-12-01", "2026-12-02", AINO), visit("2026-12-02", "2026-12-05", AINO))[0].text.vi == "cùng hộ chiếu (1 người), trùng ngày 02/12/2026"
    )
    assert compare(visit("2026-12-01", "2026-12-02", AINO), visit("2026-12-03", "2026-12-05", AINO)) == ()
    assert compare(visit("2026-12-01", "2026-12-02", AINO), visit("", "", AINO)) == (), "a day nobody knows is no common day"


def test_who_is_known_by_a_passport_is_not_told_again_by_name():
    other = Member("9", "pass-9", "card-1", "aino")
    found = compare(visit("2026-12-02", "2026-12-03", AINO, MIKKO), visit("2026-12-01", "2026-12-03", Member("7", "", "", "mikko"), other))
    assert [(fact.what, fact.text.vi) for fact in found] == [
        ("card", "cùng số thẻ (1 người)"),
        ("name", "trùng tên khi bỏ dấu (1 người), số giấy tờ khác hoặc chưa có, trùng ngày 02–03/12/2026"),
    ]
    both = compare(visit("2026-12-02", "2026-12-03", AINO, MIKKO), visit("2026-12-02", "2026-12-03", AINO, MIKKO))
    assert [fact.text.vi for fact in both] == ["cùng hộ chiếu (2 người), trùng ngày 02–03/12/2026"]
    assert both[0].text.en == "the same passport (2 of the crew), common days 02–03/12/2026"


def test_a_name_is_less_than_a_number_and_a_place_says_nothing_of_people():
    name = compare(visit("2026-12-01", "2026-12-01", MIKKO), visit("2026-12-01", "2026-12-01", Member("3", "pass-3", "", "mikko")))
    number = compare(visit("2026-12-01", "2026-12-01", MIKKO), visit("2026-12-01", "2026-12-01", MIKKO))
    assert (strength_of(name, True), strength_of(number, True), strength_of(number, False)) == (WEAK, STRONG, WEAK)
    stay = Stay("1", "market", "2026-12-01T08:00", "2026-12-01T09:30", label="Chợ")
    place = compare(visit("2026-12-01", "2026-12-01", AINO, stays=[stay]), visit("2026-12-01", "2026-12-01", MIKKO, stays=[stay]))
    assert strength_of(place, True) == OVERLAP and place[0].text.vi == "cùng nơi, trùng giờ: Chợ, 01/12/2026 08:00–09:30"


def test_hours_that_only_touch_do_not_meet_and_a_day_without_hours_meets_all_of_it():
    morning, noon = (Stay("1", "m", f"2026-12-01T{a}", f"2026-12-01T{b}") for a, b in (("08:00", "09:30"), ("09:30", "11:00")))
    whole = Stay("1", "m", "2026-12-01T00:00", "2026-12-01T24:00")
    days = ("2026-12-01", "2026-12-01")
    assert compare(visit(*days, stays=[morning]), visit(*days, stays=[noon])) == ()
    assert compare(visit(*days, stays=[whole]), visit(*days, stays=[noon]))[0].text.en.endswith("01/12/2026 09:30–11:00")
    assert compare(visit(*days, stays=[whole]), visit(*days, stays=[whole]))[0].text.vi.endswith("01/12/2026 (chưa rõ giờ)")


def test_many_places_are_told_by_three_and_a_number():
    rows = [Stay(str(n), f"place {n}", f"2026-12-0{n}T08:00", f"2026-12-0{n}T09:00") for n in range(1, 6)]
    found = compare(visit("2026-12-01", "2026-12-05", stays=rows), visit("2026-12-01", "2026-12-05", stays=rows))
    assert found[0].text.vi.endswith("; và 2 lần khác") and len(found[0].keys) == 5


def test_spans_as_people_write_them():
    assert [span_of(a, b) for a, b in (("2026-12-02", "2026-12-02"), ("2026-12-02", "2026-12-03"), ("2026-11-30", "2026-12-02"), ("2026-12-30", "2027-01-02"))] == [
        "02/12/2026", "02–03/12/2026", "30/11–02/12/2026", "30/12/2026–02/01/2027"]  # fmt: skip
