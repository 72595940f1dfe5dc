"""Time has one reader and chance one user."""

from __future__ import annotations

import re
from contextvars import copy_context
from datetime import UTC, date, datetime, time, timedelta, timezone
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow import chance, clock

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))


def in_a_thread(work):
    answers = []
    thread = Thread(target=lambda: answers.append(work()))
    thread.start()
    thread.join(10)
    return answers[0]


def test_a_set_moment_stands_still_and_is_given_back():
    with clock.at(NOON):
        assert clock.now() == clock.now() == NOON
        with clock.at(NOON + timedelta(days=1)):
            assert clock.now() == NOON + timedelta(days=1)
        assert clock.now() == NOON
    assert abs(datetime.now(UTC) - clock.now()) < timedelta(seconds=5)


def test_it_is_given_back_after_an_error():
    with pytest.raises(RuntimeError), clock.at(NOON):
        raise RuntimeError
    assert clock.now() > NOON - timedelta(days=3650) and clock.now() != NOON


def test_a_worker_thread_can_set_it_for_itself_or_take_it_along():
    def own():
        with clock.at(NOON):
            return clock.now()

    assert in_a_thread(own) == NOON
    with clock.at(NOON):
        assert in_a_thread(lambda context=copy_context(): context.run(clock.now)) == NOON
        # a thread that was not handed the context has the real time: nothing leaks between requests
        assert in_a_thread(clock.now) != NOON


def test_a_naive_moment_is_refused():
    with pytest.raises(ValueError), clock.at(datetime(2026, 1, 1)):
        pass
    with pytest.raises(ValueError):
        clock.stamp(datetime(2026, 1, 1))


@given(MOMENTS, MOMENTS)
def test_stamps_have_one_width_sort_as_time_and_come_back(one, other):
    assert len(clock.stamp(one)) == 27 and clock.moment(clock.stamp(one)) == one
    assert (clock.stamp(one) < clock.stamp(other)) == (one < other)


def test_a_stamp_is_utc():
    assert clock.stamp(datetime(2026, 11, 24, 7, 0, tzinfo=timezone(timedelta(hours=7)))) == "2026-11-24T00:00:00.000000Z"
    assert clock.moment("2026-11-24T00:00:00.000000Z").utcoffset() == timedelta(0)


def test_the_local_day_begins_at_seventeen_utc():
    with clock.at(datetime(2026, 11, 23, 16, 59, tzinfo=UTC)):
        assert clock.today() == date(2026, 11, 23)
    with clock.at(datetime(2026, 11, 23, 17, 0, tzinfo=UTC)):
        assert clock.today() == date(2026, 11, 24)
    assert clock.at_local(date(2026, 11, 24), time(17)) == datetime(2026, 11, 24, 10, tzinfo=UTC)


def test_chance():
    ids = {chance.public_id() for _ in range(1000)}
    assert len(ids) == 1000 and all(re.fullmatch(r"[0-9a-f]{32}", item) for item in ids)
    assert len(chance.token(16)) == 32 and len(chance.salt()) == 32 and chance.salt() != chance.salt()
    assert all(0 <= chance.jitter(0.5) <= 0.5 for _ in range(100))
    assert chance.same("đúng", "đúng") and not chance.same("đúng", "sai")
