"""Which rows of a programme are dropped: by the latest word on them, from the proposal to the decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from states import Act, Facts
from states.language import local_day
from states.needs import dropped_rows
from workflow.dossier import days_of

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)


def act(hours: int, *rows: str) -> Act:
    return Act(frozenset({"p"}), NOW + timedelta(hours=hours), 1, {"rows": [{"row": row, "result": "drop"} for row in rows]} if rows else {})


@pytest.mark.parametrize("acts, given, dropped", [
    ({"recommend": act(1, "a")}, {}, {"a"}),
    ({"recommend": act(1, "a"), "endorse": act(2)}, {}, {"a"}),
    ({"recommend": act(1, "a"), "endorse": act(2, "a", "b")}, {}, {"a", "b"}),
    ({"recommend": act(1, "a"), "endorse": act(2), "approve": act(3, "c")}, {}, {"c"}),  # the decision's own word
    ({"recommend": act(1, "a"), "endorse": act(2), "approve": act(3)}, {}, {"a"}),
    ({"recommend": act(5), "endorse": act(2, "b")}, {}, set()),  # sent back and proposed anew: the earlier round's word is gone
    ({"recommend": act(1, "a")}, {"rows": [{"row": "/itinerary/z", "result": "drop"}, {"row": "y", "result": "keep"}]}, {"z"}),
])  # fmt: skip
def test_the_latest_word_counts(acts, given, dropped):
    assert dropped_rows(Facts("visit", "accompanied", NOW, NOW.date(), acts=acts, given=given)) == frozenset(dropped)


@pytest.mark.parametrize(
    ("given", "day"),
    [
        ("2026-12-01T23:30:00.000000Z", "2026-12-02"), ("2026-12-02T06:30:00+07:00", "2026-12-02"), ("2026-12-02T16:59:00.000000Z", "2026-12-02"),
        ("2026-12-02", "2026-12-02"), ("2026-12-02T08:00", "2026-12-02"), ("hôm nay", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_the_day_of_a_moment_is_the_offices(given, day):
    found = local_day(given)
    assert (found.isoformat() if found else None) == day


def test_an_interview_before_seven_in_the_morning_is_on_its_own_day():
    slots = [{"from": "2026-12-01T23:30:00.000000Z"}, {"from": "2026-12-03T02:00:00.000000Z"}]
    assert days_of({"slots": slots}) == ("2026-12-02", "2026-12-03")
