"""Working days: the fixtures of 2026, the proposed swap, and what must always hold."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow import clock
from workflow.calendar import Day, WorkCalendar, load_calendar, seed_calendar, seeded
from workflow.fold import fold, vi_sort_key

CALENDAR = WorkCalendar(seeded([2026, 2027]))


def at(text, hour=9):
    return clock.at_local(date.fromisoformat(text), time(hour))


@pytest.mark.parametrize("received,due", [
    ("2026-02-12", "2026-02-26"), ("2026-04-24", "2026-05-06"), ("2026-04-28", "2026-05-07"), ("2026-08-20", "2026-08-26"),
    ("2026-08-27", "2026-09-08"), ("2026-11-19", "2026-11-27"), ("2026-11-20", "2026-11-30"), ("2026-12-28", "2027-01-05"),
])  # fmt: skip
def test_five_working_days(received, due):
    counted = CALENDAR.add_working_days(at(received), 5)
    assert clock.local(counted.due).date() == date.fromisoformat(due)
    assert len(counted.counted) == 5 and clock.local(counted.due).time() == time(17, 0)


def test_the_proposed_swap_moves_one_date_and_not_the_other():
    days = {**CALENDAR.days, date(2026, 11, 23): Day("off", "hoán đổi", "", True), date(2026, 11, 28): Day("work", "làm bù", "", True)}
    swapped = WorkCalendar(days)
    assert clock.local(swapped.add_working_days(at("2026-11-19"), 5).due).date() == date(2026, 11, 28)
    assert clock.local(swapped.add_working_days(at("2026-11-20"), 5).due).date() == date(2026, 11, 30)


def test_culture_day_is_off_and_says_why():
    counted = CALENDAR.add_working_days(at("2026-11-20"), 5)
    assert (date(2026, 11, 24), "Ngày Văn hóa Việt Nam", "28/2026/QH16") in counted.skipped


def test_receipt_after_the_cut_off_counts_from_the_next_day():
    assert CALENDAR.receipt_day(at("2026-11-19", 17)) == date(2026, 11, 20)
    assert CALENDAR.receipt_day(at("2026-11-21")) == date(2026, 11, 23)


def test_an_unconfirmed_year_is_named():
    assert CALENDAR.add_working_days(at("2026-12-28"), 5).unconfirmed_years == (2027,)


def test_one_day_still_guessed_keeps_its_year_in_doubt():
    """The administrator confirms a year row by row: the first confirmed row must not end the warning."""
    first, *rest = sorted(on for on in CALENDAR.days if on.year == 2027)
    days = dict(CALENDAR.days)
    days[first] = Day("off", "Tết Dương lịch", "1/TB", True)
    assert WorkCalendar(days).add_working_days(at("2026-12-28"), 5).unconfirmed_years == (2027,)
    days.update({on: Day("off", days[on].name, "1/TB", True) for on in rest})
    assert WorkCalendar(days).add_working_days(at("2026-12-28"), 5).unconfirmed_years == ()
    assert WorkCalendar({}).add_working_days(at("2026-12-28"), 5).unconfirmed_years == (2026, 2027)


def test_the_cut_off_itself_is_in_time_and_the_morning_before_opening_too():
    at_cutoff = clock.at_local(date(2026, 11, 19), time(16, 30))
    assert CALENDAR.receipt_day(at_cutoff) == date(2026, 11, 19)
    assert CALENDAR.receipt_day(at_cutoff + timedelta(seconds=1)) == date(2026, 11, 20)
    assert CALENDAR.receipt_day(at("2026-11-19", 0)) == date(2026, 11, 19)
    # 18:00 UTC is already the next day in Hà Nội
    assert CALENDAR.receipt_day(datetime(2026, 11, 18, 18, tzinfo=UTC)) == date(2026, 11, 19)


def test_days_off_and_made_up_days_of_2026():
    off = ["01-01", "01-02", *(f"02-{day}" for day in range(16, 21)), "04-27", "04-30", "05-01", "08-31", "09-01", "09-02", "11-24"]
    assert not any(CALENDAR.is_working(date.fromisoformat(f"2026-{day}")) for day in off)
    assert CALENDAR.is_working(date(2026, 1, 10)) and CALENDAR.is_working(date(2026, 8, 22))
    assert all(day.confirmed and day.document for on, day in CALENDAR.days.items() if on.year == 2026)
    weekdays = sum(date(2026, 1, 1) + timedelta(days=n) in CALENDAR.days for n in range(365))
    assert weekdays == len(off) + 2 + 1  # two worked Saturdays, and Giỗ Tổ on its Sunday


def test_working_days_between():
    assert CALENDAR.working_days_between(at("2026-11-20"), at("2026-11-27")) == 4
    assert CALENDAR.working_days_between(at("2026-11-20", 8), at("2026-11-20", 16)) == 0
    assert CALENDAR.working_days_between(at("2026-11-27"), at("2026-11-20")) == 0


def test_the_table_is_filled_once_and_keeps_what_was_edited(database):
    assert database.transact(lambda connection: seed_calendar(connection, range(2025, 2029))) > 30
    with database.read() as connection:
        assert load_calendar(connection) == seeded(range(2025, 2029))
    edit = "UPDATE calendar_days SET kind = 'work', document = '2/TB' WHERE on_date = '2026-11-24'"
    database.transact(lambda connection: connection.exec_driver_sql(edit))
    assert database.transact(lambda connection: seed_calendar(connection, range(2025, 2029))) == 0
    with database.read() as connection:
        assert load_calendar(connection)[date(2026, 11, 24)].document == "2/TB"


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 1)).map(lambda d: d.replace(tzinfo=UTC))


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=20)), st.integers(1, 30))
def test_received_later_is_never_due_earlier(moment, more, days):
    assert CALENDAR.add_working_days(moment, days).due <= CALENDAR.add_working_days(moment + more, days).due


@given(MOMENTS, st.integers(1, 30))
def test_one_day_more_is_later_and_ends_on_a_working_day(moment, days):
    first, second = CALENDAR.add_working_days(moment, days), CALENDAR.add_working_days(moment, days + 1)
    assert first.due < second.due and CALENDAR.is_working(clock.local(first.due).date())


def test_folding_and_order():
    assert fold("ĐẶNG") == "dang" and fold("Điện Biên  Phủ") == "dien bien phu"
    assert sorted(["đa", "da", "ân", "an", "ăn", "án"], key=vi_sort_key) == ["an", "án", "ăn", "ân", "da", "đa"]


def test_the_clock_can_be_set_and_is_given_back():
    before = clock.now()
    with clock.at(datetime(2026, 1, 2, tzinfo=UTC)):
        assert clock.stamp(clock.now()) == "2026-01-02T00:00:00.000000Z"
    assert clock.now() >= before
