"""Jobs that time brings: each slot of each job is run by one worker of all, and once.

The row of `worker_runs` decides who runs: whoever enters it. A run whose worker died is taken over once, by another.
Every job may be run twice without telling or doing anything twice; the slots save work, they do not keep the peace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from states.language import Text
from workflow import clock, marks, notices, pins, recount, scan, store, throttle, vault
from workflow.authority import CLOCK
from workflow.calendar import seed_calendar, years_ahead
from workflow.mail import Post
from workflow.office import Office

SCAN_MINUTES = 5
DEAD_MINUTES = 10
KEEP_DAYS = 30
_AGAIN = "again:"


@dataclass(frozen=True, slots=True)
class Job:
    """A periodic job: its slot at a moment (None when nothing is due yet) and what it does, which answers how much it found."""

    label: Text
    slot: Callable[[Office, datetime], str | None]
    work: Callable[[Office, str, Post | None], int]


def _five_minutes(_: Office, now: datetime) -> str | None:
    local = clock.local(now)
    return f"{local:%Y-%m-%dT%H}:{local.minute - local.minute % SCAN_MINUTES:02d}"


def _hour(_: Office, now: datetime) -> str:
    return f"{clock.local(now):%Y-%m-%dT%H}"


def _recount(office: Office) -> int:
    """Cases sent while a process still knew the older calendar or rules are counted by the ones in force."""
    return len(recount.recount(office, CLOCK, Text("Theo lịch làm việc và quy tắc đang có hiệu lực.", "By the calendar and the rules in force.")))


def _seed(office: Office) -> int:
    """A new year brings a further one to count into: its days are entered as expected, for the office to confirm."""
    return office.db.transact(lambda connection: seed_calendar(connection, years_ahead()))


def _opening(office: Office, now: datetime) -> str | None:
    """The local date, from the opening hour on: a worker that starts later makes up for it the same day."""
    local = clock.local(now)
    return local.date().isoformat() if local.time() >= office.calendar.opens else None


def _forget(office: Office) -> int:
    """Drop the rows of runs that are long over."""
    limit = clock.stamp(clock.later(days=-KEEP_DAYS))
    return office.db.transact(lambda connection: store.execute(connection, "DELETE FROM worker_runs WHERE at < :limit AND done_at IS NOT NULL", limit=limit))


JOBS: dict[str, Job] = {
    "scan": Job(Text("Rà thời hạn", "Look at the due dates"), _five_minutes, lambda office, slot, post: scan.scan(office)),
    "recount": Job(
        Text("Đối chiếu thời hạn với lịch và quy tắc", "Compare due dates with calendar and rules"), _hour, lambda office, slot, post: _recount(office)
    ),
    "marks": Job(Text("Bổ sung dấu tìm hồ sơ trùng", "Add the marks that older cases lack"), _hour, lambda office, slot, post: marks.fill(office)),
    "calendar": Job(Text("Thêm năm mới vào lịch", "Add a new year to the calendar"), _opening, lambda office, slot, post: _seed(office)),
    "duties": Job(Text("Rà vai trò không ai giữ", "Look for roles nobody holds"), _opening, lambda office, slot, post: scan.duties(office, post)),
    "digest": Job(Text("Gom thư trong ngày", "Gather the daily mails"), _opening, lambda office, slot, post: notices.gather(office, slot)),
    "tracking": Job(
        Text("Số tra cứu còn thiếu, lượt thử đã cũ", "Tracking figures that are wanting, tries that are old"),
        _opening,
        lambda office, slot, post: pins.complete(office) + throttle.forget(office),
    ),
    "files": Job(Text("Dọn tệp không giấy tờ nào dùng", "Remove files that no paper names"), _opening, lambda office, slot, post: vault.sweep(office)),
    "forget": Job(Text("Bỏ dấu vết các lần chạy cũ", "Drop the marks of old runs"), _opening, lambda office, slot, post: _forget(office)),
}


# What one process knows of an office: slots that somebody has run, so that an idle loop asks the database nothing.
_SEEN: WeakKeyDictionary[Office, dict[str, str]] = WeakKeyDictionary()


def run_due(office: Office, worker: str, post: Post | None = None) -> int:
    """Run each job whose slot has come and that no worker has begun; answers how many were run here."""
    seen, ran = _SEEN.setdefault(office, {}), 0
    before = seen.get("scan")
    now = clock.now()
    with office.db.read() as connection:
        office.refresh(connection)
    for name, job in JOBS.items():
        slot = job.slot(office, now)
        if slot is None or seen.get(name) == slot:
            continue
        seen[name] = slot
        if _begun(office, name, slot, worker):
            _run(office, name, slot, worker, post)
            ran += 1
    # After the jobs themselves: a run that kills whoever takes it over must not keep the others from being run.
    return ran + (_taken_over(office, worker, now, post) if seen.get("scan") != before else 0)


def _begun(office: Office, name: str, slot: str, worker: str) -> bool:
    """Whether this worker is the first to enter the slot."""

    def work(connection: Connection) -> bool:
        entered = store.execute(
            connection,
            "INSERT INTO worker_runs (name, slot, owner, at, found) VALUES (:name, :slot, :owner, :at, 0) ON CONFLICT (name, slot) DO NOTHING",
            name=name, slot=slot, owner=worker, at=clock.stamp(clock.now()),
        )  # fmt: skip
        return bool(entered)

    return office.db.transact(work)


def _run(office: Office, name: str, slot: str, owner: str, post: Post | None) -> None:
    found = JOBS[name].work(office, slot, post)

    def work(connection: Connection) -> None:
        store.execute(
            connection,
            "UPDATE worker_runs SET done_at = :at, found = :found WHERE name = :name AND slot = :slot AND owner = :owner",
            at=clock.stamp(clock.now()), found=found, name=name, slot=slot, owner=owner,
        )  # fmt: skip

    office.db.transact(work)


def _taken_over(office: Office, worker: str, now: datetime, post: Post | None) -> int:
    """Runs whose worker died, run once more here; answers how many."""
    dead = clock.stamp(now - timedelta(minutes=DEAD_MINUTES))
    owner = f"{_AGAIN}{worker}"

    def work(connection: Connection) -> list[dict[str, Any]]:
        rows = store.query(connection, "SELECT name, slot, owner FROM worker_runs WHERE done_at IS NULL AND at < :dead ORDER BY at", dead=dead)
        return [row for row in rows if row["name"] in JOBS and not row["owner"].startswith(_AGAIN) and _mine(connection, row, owner)]

    found = office.db.transact(work)
    for row in found:
        _run(office, row["name"], row["slot"], owner, post)
    return len(found)


def _mine(connection: Connection, row: Mapping[str, Any], owner: str) -> bool:
    return bool(
        store.execute(
            connection,
            "UPDATE worker_runs SET owner = :owner, at = :at WHERE name = :name AND slot = :slot AND owner = :dead AND done_at IS NULL",
            owner=owner, at=clock.stamp(clock.now()), name=row["name"], slot=row["slot"], dead=row["owner"],
        )
    )  # fmt: skip


def last_runs(connection: Connection) -> list[dict[str, Any]]:
    """The last run of each job, in the order of the table of jobs; `slot` is None where it never ran."""
    found = []
    for name, job in JOBS.items():
        rows = store.query(connection, "SELECT slot, at, done_at, found FROM worker_runs WHERE name = :name ORDER BY slot DESC LIMIT 1", name=name)
        found.append({"name": name, "label": job.label, **(rows[0] if rows else {"slot": None, "at": None, "done_at": None, "found": 0})})
    return found
