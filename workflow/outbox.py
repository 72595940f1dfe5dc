"""The queue of what has to follow an act: claimed, done, tried again, set aside. Every worker goes through here.

Delivery is at least once and in the order of each case, with as many workers as one likes. What writes to the
database alone is done in the transaction that marks it; what leaves the house (a mail, an act of the clock) is done
between two transactions under a claim that runs out, so that a dead worker holds nothing up for long.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from states.language import Text
from workflow import chance, clock, store
from workflow.audit import system
from workflow.authority import Actor
from workflow.errors import NotFound
from workflow.office import Office

MAX_TRIES = 8
LONGEST_WAIT_SECONDS = 3600
LEASE_SECONDS = 120
LATE_SECONDS = 600
BATCH = 50

Message = Mapping[str, Any]

# `state <> 'done'` is said for the index of that condition: SQLite takes it only where the very words stand.
# A message waits for the earlier ones of its case. Mails form a row of their own for each case and person: a relay
# that is down, or one wrong address, must not keep a letter of the same case from being opened.
_FIRST = (
    "NOT EXISTS (SELECT 1 FROM outbox b WHERE b.case_id = o.case_id AND b.state = 'pending' AND b.state <> 'done' AND b.id < o.id"
    " AND ((o.kind <> 'send' AND b.kind <> 'send') OR (o.kind = 'send' AND b.kind = 'send' AND b.name = o.name)){more})"
)
_HELD = "(b.next_at > :now OR b.claimed_until > :now)"
_FREE = "o.state = 'pending' AND o.next_at <= :now AND (o.claimed_until IS NULL OR o.claimed_until <= :now)"
FIRST, UNHELD = _FIRST.replace("{more}", ""), _FIRST.replace("{more}", f" AND {_HELD}")


def worker_name() -> str:
    """A name for one worker, as it stands in its claims."""
    return f"{os.getpid()}-{chance.row_id()}"


def post(connection: Connection, case_id: str, seq: int, kind: str, name: str, payload: Mapping[str, Any], dedupe: str) -> bool:
    """Put a message in the queue, in the running transaction; answers False where its dedupe key is known already."""
    now = clock.stamp(clock.now())
    return bool(
        store.execute(
            connection,
            "INSERT INTO outbox (case_id, seq, kind, name, payload, dedupe, at, state, tries, next_at)"
            " VALUES (:case, :seq, :kind, :name, :payload, :dedupe, :now, 'pending', 0, :now) ON CONFLICT (dedupe) DO NOTHING",
            case=case_id, seq=seq, kind=kind, name=name, payload=orjson.dumps(payload).decode(), dedupe=dedupe, now=now,
        )
    )  # fmt: skip


def due(office: Office) -> list[int]:
    """The next messages whose turn it may be, in order; whether it is, `take` finds out under its lock."""
    with office.db.read() as connection:
        rows = store.query(connection, f"SELECT o.id FROM outbox o WHERE {_FREE} AND {UNHELD} ORDER BY o.id LIMIT {BATCH}", now=clock.stamp(clock.now()))
    return [row["id"] for row in rows]


def take(office: Office, connection: Connection, id_: int) -> dict[str, Any] | None:
    """Lock one message in the running transaction; None when it is done, held by another, or not yet its turn."""
    lock = "" if office.db.dialect == "sqlite" else " FOR UPDATE OF o SKIP LOCKED"
    rows = store.query(connection, f"SELECT o.* FROM outbox o WHERE o.id = :id AND {_FREE} AND {FIRST}{lock}", id=id_, now=clock.stamp(clock.now()))
    return rows[0] if rows else None


def claim(connection: Connection, message: Message, worker: str) -> bool:
    """Keep a locked message beyond the transaction, for `LEASE_SECONDS`.

    A claim that has run out counts as a failed try: what kills its worker each time must end up set aside, too.
    """
    if message["claimed_by"] and fail(connection, message["id"], "the worker that had it stopped before it was done", keep=True):
        return False
    store.execute(
        connection,
        "UPDATE outbox SET claimed_by = :worker, claimed_until = :until WHERE id = :id",
        worker=worker, until=clock.stamp(clock.later(seconds=LEASE_SECONDS)), id=message["id"],
    )  # fmt: skip
    return True


def done(connection: Connection, id_: int, worker: str | None = None, note: str | None = None) -> bool:
    """Mark a message as delivered; False where a claim has run out and another worker holds it now."""
    mine = "" if worker is None else " AND claimed_by = :worker"
    return bool(
        store.execute(
            connection,
            f"UPDATE outbox SET state = 'done', done_at = :now, claimed_by = NULL, claimed_until = NULL, error = :note WHERE id = :id AND state = 'pending'{mine}",
            now=clock.stamp(clock.now()), id=id_, note=note, **({} if worker is None else {"worker": worker}),
        )
    )  # fmt: skip


def fail(connection: Connection, id_: int, why: str, *, for_good: bool = False, keep: bool = False, worker: str | None = None) -> bool:
    """One more try went wrong: wait 2^n seconds, at most an hour, or set the message aside; True when it was set aside.

    `for_good` sets it aside at once (trying again cannot help), `keep` leaves the time of the next try as it is.
    """
    rows = store.query(connection, "SELECT tries, next_at, claimed_by FROM outbox WHERE id = :id AND state = 'pending'", id=id_)
    if not rows or (worker is not None and rows[0]["claimed_by"] != worker):
        return False
    tries = rows[0]["tries"] + 1
    parked = for_good or tries >= MAX_TRIES
    wait = timedelta(seconds=min(LONGEST_WAIT_SECONDS, 2**tries))
    following = rows[0]["next_at"] if keep else clock.stamp(clock.now() + wait)
    store.execute(
        connection,
        "UPDATE outbox SET tries = :tries, state = :state, next_at = :next, error = :error, claimed_by = NULL, claimed_until = NULL WHERE id = :id",
        tries=tries, state="parked" if parked else "pending", next=following, error=why[:500], id=id_,
    )  # fmt: skip
    if parked:
        _alarm(connection, id_)
    return parked


def _alarm(connection: Connection, id_: int) -> None:
    """Administrators read inside the service that a message is set aside; by mail it might be set aside, too."""
    now = clock.stamp(clock.now())
    for person in store.query(connection, "SELECT DISTINCT u.id FROM users u JOIN memberships m ON m.user_id = u.id WHERE u.active AND m.role = 'admin'"):
        store.execute(
            connection,
            "INSERT INTO notices (user_id, case_id, name, at, dedupe) VALUES (:user, '', 'parked', :now, :dedupe) ON CONFLICT (dedupe) DO NOTHING",
            user=person["id"], now=now, dedupe=f"parked:{id_}:{now}:{person['id']}",
        )  # fmt: skip


_HIDDEN = re.compile(r"(smtps?://)[^@\s/]+@")


def sentence(error: BaseException) -> str:
    """What went wrong in one line, without the login of a mail relay."""
    return _HIDDEN.sub(r"\1", " ".join(f"{type(error).__name__}: {error}".split()))[:500]


# --- for the administrator -------------------------------------------------------------------------------------


def counts(connection: Connection) -> dict[str, int]:
    """How many messages are pending, parked and done."""
    found = {row["state"]: row["n"] for row in store.query(connection, "SELECT state, count(*) AS n FROM outbox GROUP BY state")}
    return {state: int(found.get(state, 0)) for state in ("pending", "parked", "done")}


def troubled(connection: Connection, limit: int = 200) -> list[dict[str, Any]]:
    """Messages set aside, and those that have waited longer than `LATE_SECONDS` or failed before; parked first, oldest first."""
    return store.query(
        connection,
        "SELECT o.id, o.kind, o.name, o.at, o.state, o.tries, o.next_at, o.error, o.claimed_until, c.code FROM outbox o LEFT JOIN cases c ON c.id = o.case_id"
        " WHERE o.state = 'parked' OR (o.state = 'pending' AND (o.at < :late OR o.tries > 0))"
        f" ORDER BY CASE o.state WHEN 'parked' THEN 0 ELSE 1 END, o.id LIMIT {int(limit)}",
        late=clock.stamp(clock.later(seconds=-LATE_SECONDS)),
    )


def retry(office: Office, actor: Actor, id_: int) -> None:
    """Try a message again at once, with all its tries before it; raises `NotFound` where none waits or is set aside."""
    _turn(
        office, actor, id_, "message_retry", "UPDATE outbox SET state = 'pending', tries = 0, next_at = :now WHERE id = :id AND state IN ('pending', 'parked')"
    )


def set_aside(office: Office, actor: Actor, id_: int) -> None:
    """Give a waiting message up for now; raises `NotFound` where none waits. What follows it in its case goes on."""
    _turn(
        office, actor, id_, "message_set_aside",
        "UPDATE outbox SET state = 'parked', next_at = :now, claimed_by = NULL, claimed_until = NULL WHERE id = :id AND state = 'pending'",
    )  # fmt: skip


def _turn(office: Office, actor: Actor, id_: int, action: str, statement: str) -> None:
    def work(connection: Connection) -> None:
        if not store.execute(connection, statement, id=id_, now=clock.stamp(clock.now())):
            raise NotFound(Text("Thông báo này đã gửi xong hoặc không có.", "This message is done, or there is none such."))
        rows = store.query(connection, "SELECT dedupe, kind, name FROM outbox WHERE id = :id", id=id_)
        system.record(connection, actor, action, rows[0])

    office.db.transact(work)
