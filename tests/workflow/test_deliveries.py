"""Four worker processes, one of them killed again and again: a tenth of what `make soak` plays, by the same players."""

from __future__ import annotations

import random

from tests import rounds


def test_killed_workers_lose_and_double_nothing(office, stage):
    number = rounds.seed()
    print(f"FPD_SEED={number}")
    tally = rounds.deliveries(office, stage, 50, random.Random(number))
    assert not tally.findings
    assert tally.figures["messages"] == 50
    assert tally.figures["kills"] == 20
    assert tally.figures["rolled back"] > 0
    assert tally.figures["mails"] > 0
