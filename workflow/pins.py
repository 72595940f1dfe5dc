"""The six figures that open the public page of a case: drawn when it is sent, stored sealed, told to its applicant and the desk."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from workflow import chance, clock, store
from workflow.crypto import Keyring
from workflow.office import Office

TABLE = "tracking_pins"


def place(case_id: str) -> str:
    """What the figures of a case are bound to."""
    return f"{TABLE}/{case_id}"


def drawn(keys: Keyring, case_id: str, at: str) -> dict[str, Any]:
    """A new row for a case that has just been sent."""
    return {"case_id": case_id, "pin": keys.seal(chance.pin(), place(case_id)), "at": at}


def of(office: Office, connection: Connection, case_id: str) -> str | None:
    """The figures of a case, for whoever may be told; None for a draft."""
    rows = store.query(connection, "SELECT pin FROM tracking_pins WHERE case_id = :id", id=case_id)
    return str(office.keys.open(rows[0]["pin"], place(case_id))) if rows else None


@lru_cache(maxsize=8)
def _decoy(keys: Keyring) -> str:
    return keys.seal(chance.pin(), place(""))


def opens(office: Office, connection: Connection, code: str, pin: str) -> str | None:
    """The id of the case that a code and its figures open, else None. An unknown code costs the same work as wrong figures."""
    rows = store.query(connection, "SELECT t.case_id, t.pin FROM tracking_pins t JOIN cases c ON c.id = t.case_id WHERE c.code = :code", code=code)
    case_id, sealed = (rows[0]["case_id"], rows[0]["pin"]) if rows else ("", _decoy(office.keys))
    right = chance.same(str(office.keys.open(sealed, place(case_id))), pin)
    return case_id if right and case_id else None


def complete(office: Office) -> int:
    """Draw figures for sent cases that have none, as those sent before there were any; answers how many."""

    def work(connection: Connection) -> int:
        at = clock.stamp(clock.now())
        rows = store.query(
            connection,
            "SELECT c.id FROM cases c LEFT JOIN tracking_pins t ON t.case_id = c.id"
            " WHERE c.code IS NOT NULL AND c.kind IN ('visit', 'interview') AND t.case_id IS NULL",
        )
        return sum(
            store.execute(
                connection, "INSERT INTO tracking_pins (case_id, pin, at) VALUES (:case_id, :pin, :at) ON CONFLICT (case_id) DO NOTHING",
                **drawn(office.keys, row["id"], at),
            )
            for row in rows
        )  # fmt: skip

    return office.db.transact(work)
