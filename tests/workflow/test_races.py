"""Two deciders at once, one key many times, a kill in the middle: real processes on real databases."""

from __future__ import annotations

import multiprocessing as mp
import os
import random
import signal
import sys
import threading
import time

import pytest

from workflow import Office, Once, demo, engine, store
from workflow.audit.verify import verify
from workflow.errors import WorkflowError

PAIRS = int(os.environ.get("FPD_RACE_PAIRS", "20"))
KILLS = int(os.environ.get("FPD_KILLS", "10"))
SPAWN = mp.get_context("spawn")


def decider(url, files, who, action, jobs, results, barrier):
    """A long-lived process that takes one decision after another, each at the barrier."""
    office = Office.open(url, files)
    stage = demo.Stage(office)
    actor = stage.actor(who)
    for ref, version, given in iter(jobs.get, None):
        barrier.wait()
        try:
            engine.perform(office, actor, ref, action, given, version=version)
            results.put((ref, who, "won", None))
        except WorkflowError as error:
            results.put((ref, who, error.code, dict(error.data)))
    office.db.close()


@pytest.mark.parametrize("other", ["reject", "approve"])
def test_racing_deciders_have_one_winner(office, stage, other):
    from workflow import queries

    cases = []
    for _ in range(max(1, PAIRS // 2)):
        ref = stage.file("vptt.han", "visit")
        demo.advance(stage, ref, "visit", "pending_committee")
        seen = queries.read_case(office, stage.actor("ubnd.minh"), ref)["decision_hash"]
        cases.append((ref, stage.row(ref)["version"], seen))
    barrier, results = SPAWN.Barrier(2), SPAWN.Queue()
    sides = []
    for who, action in (("ubnd.minh", "approve"), ("ubnd.quang", other)):
        jobs = SPAWN.Queue()
        process = SPAWN.Process(target=decider, args=(office.db.url, office.files, who, action, jobs, results, barrier))
        process.start()
        sides.append((jobs, process, action))
    for jobs, _, action in sides:
        for ref, version, seen in cases:
            given = {"seen": seen} if action == "approve" else {"seen": seen, "grounds": ["safety"], "reason": "Thiên tai."}
            jobs.put((ref, version, given))
        jobs.put(None)
    found: dict[str, list] = {}
    for _ in range(2 * len(cases)):
        ref, who, code, data = results.get(timeout=60)
        found.setdefault(ref, []).append((who, code, data))
    for _, process, _ in sides:
        process.join(30)
        assert process.exitcode == 0
    for ref, outcome in found.items():
        codes = sorted(code for _, code, _ in outcome)
        assert codes.count("won") == 1, outcome
        loser = next(item for item in outcome if item[1] != "won")
        assert loser[1] in ("changed_meanwhile", "stale", "state"), outcome
        assert loser[2].get("who") and loser[2].get("when"), outcome
        with office.db.read() as connection:
            decided = store.query(connection, "SELECT count(*) AS n FROM audit_entry WHERE case_id = :id AND decides", id=ref)
        assert decided[0]["n"] == 1
    with office.db.read() as connection:
        assert verify(connection).integrity == "clean"


def test_one_key_sent_ten_times_has_one_effect(office, stage):
    ref = stage.file("vptt.han", "visit")
    version = stage.row(ref)["version"]
    actor = stage.actor("motcua.mai")
    key = Once(actor.id, "scope", "key-1", "body")
    done, faults = [], []

    def press():
        try:
            done.append(engine.perform(office, actor, ref, "accept", {"officer": "cv.binh"}, version=version, once=key))
        except WorkflowError as error:
            faults.append(error.code)

    threads = [threading.Thread(target=press) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not faults and len(done) == 10
    assert [d.replayed for d in done].count(False) == 1
    assert {d.version for d in done} == {version + 1}
    assert stage.row(ref)["version"] == version + 1


def worker_of_transitions(url, files, refs, acknowledged):
    """Goes round recommend → endorse → send_back until it is killed; says each commit aloud."""
    office = Office.open(url, files)
    stage = demo.Stage(office)
    out = os.fdopen(acknowledged.fileno(), "w", buffering=1, closefd=False) if hasattr(acknowledged, "fileno") else sys.stdout
    while True:
        for ref in refs:
            for who, action, given in (
                ("cv.binh", "recommend", demo.proposal(stage, ref, "visit")), ("tp.hoa", "endorse", {}), ("gd.khanh", "send_back", {"reason": "Xem lại."}),
            ):  # fmt: skip
                row = stage.row(ref)
                if (action, row["state"]) not in {("recommend", "under_review"), ("endorse", "pending_endorsement"), ("send_back", "pending_decision")}:
                    continue
                done = engine.perform(office, stage.actor(who), ref, action, given, version=row["version"])
                acknowledged.send((ref, done.version, done.entry_hash))
    out.close()


def test_kill_at_a_random_moment_loses_nothing_acknowledged(office, stage):
    refs = []
    for _ in range(3):
        ref = stage.file("vptt.han", "visit")
        demo.advance(stage, ref, "visit", "consulted")
        refs.append(ref)
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chooser = random.Random(seed)
    told: list[tuple[str, int, str]] = []
    for _ in range(KILLS):
        here, there = SPAWN.Pipe(duplex=False)
        process = SPAWN.Process(target=worker_of_transitions, args=(office.db.url, office.files, refs, there))
        process.start()
        there.close()
        first = here.recv()  # a transition has been acknowledged: the loop is running
        told.append(first)
        time.sleep(chooser.uniform(0, 0.05))
        os.kill(process.pid, signal.SIGKILL)
        process.join(30)
        while True:
            try:
                told.append(here.recv())
            except EOFError:
                break
        here.close()
    with office.db.read() as connection:
        stored = {(r["case_id"], r["seq"]): r["entry_hash"] for r in store.query(connection, "SELECT case_id, seq, entry_hash FROM audit_entry")}
        report = verify(connection)
    assert len(told) >= KILLS
    for ref, version, head in told:
        assert stored[ref, version] == head
    assert report.integrity == "clean", report.lines()
