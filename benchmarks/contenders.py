"""The contenders, each in a process of its own: the engine's public call, and the raw writes that are the limit.

The loop is recommend → endorse → send_back on visits without consultations, three persons, every check.
The limit writes the same columns to tables of the same shape and indexes, without triggers, and does nothing
else; it commits as durably.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from workflow import Office, db, demo, engine, store

CASES = 1000


def prepare(url: str, files: Path) -> list[str]:
    """An office with visits under review whose proposed body has been dropped, as the loop needs them."""
    office = Office.open(url, files)
    demo.load_accounts(office)
    stage = demo.Stage(office)
    refs = []
    for _ in range(CASES):
        ref = stage.file("vptt.han", "visit")
        stage.act("motcua.mai", ref, "accept", officer="cv.binh")
        dropped = [{"agency": "cong_an", "rule": "R1", "reason": "Đo tốc độ."}]
        stage.act("cv.binh", ref, "consult", agencies=[], question="-", due_at=stage.soon(), dropped=dropped)
        refs.append(ref)
    stage.deliver()
    office.db.close()
    return refs


def engine_loop(url: str, files: Path, refs: list[str]) -> Any:
    """The project: `perform`, called as the API calls it."""
    office = Office.open(url, files)
    stage = demo.Stage(office)
    steps = [
        (stage.actor("cv.binh"), "recommend", demo.proposal(stage, refs[0], "visit")), (stage.actor("tp.hoa"), "endorse", {"opinion": "Đồng ý."}),
        (stage.actor("gd.khanh"), "send_back", {"reason": "Xem lại."}),
    ]  # fmt: skip
    versions = {ref: stage.row(ref)["version"] for ref in refs}
    at = 0

    def one() -> None:
        nonlocal at
        ref = refs[(at // 3) % len(refs)]
        actor, action, given = steps[at % 3]
        versions[ref] = engine.perform(office, actor, ref, action, given, version=versions[ref]).version
        at += 1

    return one


def raw_loop(url: str, files: Path, refs: list[str]) -> Any:
    """The limit: UPDATE … WHERE id AND version, the INSERTs, COMMIT, by the driver's own cursor."""
    engine_ = db.engine_for(url, guarded=False)
    metadata = sa.MetaData()
    with engine_.connect() as connection:
        metadata.reflect(connection, only=["cases", "audit_entry", "opening", "outbox"])
        sample = store.query(connection, "SELECT * FROM cases WHERE id = :id", id=refs[0])[0]
        connection.rollback()
    copies = {}
    fresh = sa.MetaData()
    for name, table in metadata.tables.items():
        columns = [sa.Column(c.name, c.type, primary_key=c.primary_key, autoincrement=c.autoincrement) for c in table.columns]
        copies[name] = sa.Table(f"raw_{name}", fresh, *columns)
        for index in table.indexes:
            sa.Index(f"raw_{index.name}", *[copies[name].c[c.name] for c in index.columns], unique=False)
        for constraint in table.constraints:
            if isinstance(constraint, sa.UniqueConstraint):
                sa.Index(f"raw_{constraint.name}", *[copies[name].c[c.name] for c in constraint.columns], unique=True)
    fresh.drop_all(engine_)
    fresh.create_all(engine_)
    raw = engine_.raw_connection()
    cursor = raw.cursor()
    sqlite = engine_.dialect.name == "sqlite"
    mark = (lambda name: f":{name}") if sqlite else (lambda name: f"%({name})s")
    names = list(sample)
    cursor.execute("BEGIN") if sqlite else None
    for ref in refs:
        cursor.execute(
            f"INSERT INTO raw_cases ({', '.join(names)}) VALUES ({', '.join(mark(n) for n in names)})", {**sample, "id": ref, "code": ref, "version": 0}
        )
    raw.commit()
    text = orjson.dumps({"stream": "case/" + "0" * 32, "text": "x" * 650}).decode()
    update_columns = ("state", "phase", "head_hash", "is_open", "due_at", "memory", "updated_at", "round")
    update = (
        f"UPDATE raw_cases SET version = version + 1, {', '.join(f'{n} = {mark(n)}' for n in update_columns)} WHERE id = {mark('id')} AND version = {mark('v')}"
    )

    def insert(table: str) -> str:
        columns = store.TABLES[table]
        return f"INSERT INTO raw_{table} ({', '.join(columns)}) VALUES ({', '.join(mark(n) for n in columns)})"

    entry, opening, outbox = insert("audit_entry"), insert("opening"), insert("outbox")
    base_entry = dict.fromkeys(store.TABLES["audit_entry"], "x" * 32) | {"decides": False, "round": 1, "canonical": text}
    base_opening = dict.fromkeys(store.TABLES["opening"], "x" * 40)
    base_outbox = dict.fromkeys(store.TABLES["outbox"], "x" * 24) | {"tries": 0, "payload": "x" * 120}
    at = 0
    version = dict.fromkeys(refs, 0)
    states = ("pending_endorsement", "pending_decision", "under_review")
    select = f"SELECT state, version, head_hash, memory FROM raw_cases WHERE id = {mark('id')}"

    def one() -> None:
        nonlocal at
        ref = refs[(at // 3) % len(refs)]
        seq = version[ref]
        cursor.execute("BEGIN IMMEDIATE") if sqlite else None
        cursor.execute(select, {"id": ref})
        cursor.fetchone()
        cursor.execute(update, {**{n: sample[n] for n in update_columns}, "state": states[at % 3], "id": ref, "v": seq})
        assert cursor.rowcount == 1
        stream = f"case/{ref}"
        cursor.execute(entry, {**base_entry, "stream": stream, "seq": seq, "case_id": ref, "entry_hash": f"{at:064d}"})
        # recommend opens two values, endorse and send_back one; each act posts one message
        for field in ("a", "b")[: 2 if at % 3 == 0 else 1]:
            cursor.execute(opening, {**base_opening, "stream": stream, "seq": seq, "field": field})
        cursor.execute(outbox, {**base_outbox, "case_id": ref, "seq": seq, "dedupe": f"{ref}:{seq}"})
        raw.commit() if not sqlite else cursor.execute("COMMIT")
        version[ref] = seq + 1
        at += 1

    return one


CONTENDERS = {"engine": engine_loop, "raw-write": raw_loop}


def play(name: str, url: str, files: Path, refs: list[str], orders: Any) -> None:
    """A contender's process: on each order it runs for that many seconds and tells count, wall and CPU."""
    one = CONTENDERS[name](url, files, refs)
    for _ in range(60):
        one()
    orders.send("ready")
    while (seconds := orders.recv()) is not None:
        count, start, cpu = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - start < seconds:
            for _ in range(15):
                one()
            count += 15
        orders.send((count, time.perf_counter() - start, time.process_time() - cpu))
    os._exit(0)
