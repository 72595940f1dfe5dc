"""The only reader of time. Moments are aware UTC datetimes; their stored text sorts as time does."""

from __future__ import annotations

import time as _time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_set: ContextVar[datetime | None] = ContextVar("moment", default=None)


def now() -> datetime:
    """The moment: the real one, or the one set by `at`."""
    return _set.get() or datetime.now(UTC)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Set the moment for the code inside: for tests and for making the demo. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone")
    token = _set.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _set.reset(token)


def ticks() -> float:
    """Seconds of a clock that only goes forward, for ages and time-outs."""
    return _time.monotonic()


def sleep(seconds: float) -> None:
    """Wait."""
    _time.sleep(seconds)


def stamp(moment: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ`, fixed width, UTC. Raises ValueError for a naive moment."""
    if moment.tzinfo is None:  # it would silently be read in the zone of the server
        raise ValueError("a moment needs its zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def moment(text: str) -> datetime:
    """The moment of a stored text."""
    return datetime.fromisoformat(text)


def local(moment: datetime) -> datetime:
    """The same moment in Hà Nội."""
    return moment.astimezone(ZONE)


def today() -> date:
    """The local date."""
    return local(now()).date()


def at_local(day: date, hour: time) -> datetime:
    """A local day and hour as a moment."""
    return datetime.combine(day, hour, ZONE).astimezone(UTC)


def later(**span: float) -> datetime:
    """Now plus a span, as `timedelta` takes it."""
    return now() + timedelta(**span)
