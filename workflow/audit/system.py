"""Entries of the record that belong to no case: calendar, rules, agencies, delegations, settings.

They form the stream `system`, chained like a case's; its last hash stands in `audit_stream`. Writers wait for
each other there, which a case's transition never does (security, section 4.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection

from states import roles as R
from workflow import chance, clock, store
from workflow.audit import entry as audit
from workflow.authority import Actor
from workflow.store import Change

STREAM = "system"
_ROLES = (R.ADMIN, R.DIRECTOR, R.COMMITTEE, R.LEADER_OFFICE, R.HEAD, R.OFFICER, R.INTAKE, R.REGISTRY, R.GUIDE, R.CONSULTEE, R.APPLICANT)


def record(connection: Connection, actor: Actor, action: str, inputs: Mapping[str, Any], *, request_id: str = "") -> str:
    """Append one entry in the transaction of the change it tells of; answers its hash.

    `inputs` are JSON values, kept as salted openings: the chain holds their commitments only.
    """
    seq, prev, last_at = _last(connection)
    # Time never runs back within a stream: a clock that was set back a little takes the last moment.
    seq, stamp = seq + 1, max(clock.stamp(clock.now()), last_at)
    role = next((name for name in _ROLES if actor.has(name)), R.CLOCK)
    change, commitments = Change(), {}
    for name, value in inputs.items():
        salt, text = chance.salt(), orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        commitments[f"input.{name}"] = audit.commitment(f"input.{name}", salt, text)
        change.add("opening", {"stream": STREAM, "seq": seq, "field": f"input.{name}", "salt": salt.hex(), "value": text})
    document: dict[str, Any] = {
        "fmt": "fpd-audit/1", "log_id": audit.LOG_ID, "stream": STREAM, "seq": seq, "at": stamp, "actor": actor.id, "role": role, "action": action,
        "to": "recorded", "round": 0, "commitments": commitments, "papers": [], "prev": prev,
    }  # fmt: skip
    org = next((m.organisation_id for m in actor.memberships if m.role == role), "")
    if org:
        document["org"] = org
    if request_id:
        document["request_id"] = request_id
    text_of = audit.canonical(document)
    head = audit.entry_hash(text_of)
    change.add("audit_entry", {
        "stream": STREAM, "seq": seq, "case_id": None, "at": stamp, "actor_id": actor.id, "role": role, "org_id": org or None, "action": action,
        "from_state": None, "to_state": "recorded", "round": 0, "decides": False, "prev": prev, "entry_hash": head, "canonical": text_of.decode(),
    })  # fmt: skip
    store.write(connection, change)
    store.execute(connection, "UPDATE audit_stream SET seq = :seq, head_hash = :head WHERE stream = :stream", seq=seq, head=head, stream=STREAM)
    return head


def _last(connection: Connection) -> tuple[int, str, str]:
    """(number, hash, moment) of the last entry of the stream, its row locked till the end of the transaction."""
    store.execute(
        connection,
        "INSERT INTO audit_stream (stream, seq, head_hash) VALUES (:stream, 0, :head) ON CONFLICT (stream) DO NOTHING",
        stream=STREAM,
        head=audit.GENESIS,
    )
    lock = "" if connection.dialect.name == "sqlite" else " FOR UPDATE"
    row = store.query(connection, f"SELECT seq, head_hash FROM audit_stream WHERE stream = :stream{lock}", stream=STREAM)[0]
    last = store.query(connection, "SELECT at FROM audit_entry WHERE stream = :stream AND seq = :seq", stream=STREAM, seq=row["seq"])
    return row["seq"], row["head_hash"], last[0]["at"] if last else ""
