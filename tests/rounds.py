"""Racing deciders, kills and repeated keys, played with real processes on real databases.

pytest plays a tenth of the figures, `make soak` all of them: the players and the rules they are judged by are these.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import multiprocessing as mp
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from states import FLOWS
from tests.relay import Relay, relay
from tests.servers import application, http_server
from workflow import Office, demo, engine, notices, outbox, periodic, queries, scan, store, worker
from workflow.audit.verify import verify
from workflow.errors import Conflict, Stale, WorkflowError

# A prepared process forks each player: starting an interpreter for every victim would cost more than all else.
FORKS = mp.get_context("forkserver")
FORKS.set_forkserver_preload(["__main__", "tests.rounds"])
PATIENCE = 60
SENDERS = 10


def seed() -> int:
    """The seed of this run: FPD_SEED, or a new one."""
    given = os.environ.get("FPD_SEED", "")
    return int(given) if given else random.randrange(10**6)


@dataclass
class Tally:
    """What was played: figures by name, and every violation as a sentence."""

    figures: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


def at_once(*presses):
    """What each of these came to, all started in the same moment; a refusal is the answer, too."""
    barrier, found = threading.Barrier(len(presses)), []

    def run(press):
        barrier.wait(60)
        try:
            found.append(press())
        except WorkflowError as error:
            found.append(error)

    threads = [threading.Thread(target=run, args=(press,)) for press in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


# --- what holds of a record after every fault ----------------------------------------------------------------


def record_faults(office: Office) -> list[str]:
    """Everything in the database that does not fit together, in one snapshot.

    The record verifies; version, number of entries and seq of the head agree; each state and round has one decision;
    what an entry sends is in the outbox, and nothing there belongs to no entry; no dossier is missing.
    """
    with office.db.read() as connection:
        found = verify(connection).lines()[:-1]
        for row in store.query(
            connection,
            "SELECT c.id, c.version, c.dossier_no, h.seq AS head, (SELECT count(*) FROM audit_entry e WHERE e.case_id = c.id) AS entries,"
            " (SELECT count(*) FROM dossiers d WHERE d.case_id = c.id) AS dossiers"
            " FROM cases c LEFT JOIN audit_entry h ON h.case_id = c.id AND h.entry_hash = c.head_hash",
        ):
            if not row["version"] == row["entries"] == row["head"]:
                found.append(f"case {row['id']}: version {row['version']}, {row['entries']} entries, head at {row['head']}")
            if row["dossier_no"] != row["dossiers"]:
                found.append(f"case {row['id']}: dossier {row['dossier_no']} of {row['dossiers']}")
        for row in store.query(
            connection,
            "SELECT case_id, round, from_state, count(*) AS n FROM audit_entry WHERE decides GROUP BY case_id, round, from_state HAVING count(*) > 1",
        ):
            found.append(f"case {row['case_id']}: {row['n']} decisions in round {row['round']} at {row['from_state']}")
        posted = store.query(  # a mail that gathers a person's day belongs to no case
            connection,
            "SELECT o.dedupe, e.seq FROM outbox o LEFT JOIN audit_entry e ON e.case_id = o.case_id AND e.seq = o.seq WHERE o.case_id NOT LIKE :person",
            person="user/%",
        )
        found += [f"outbox {row['dedupe']} belongs to no entry" for row in posted if row["seq"] is None]
        stored = {row["dedupe"] for row in posted}
        for row in store.query(connection, "SELECT e.case_id, e.seq, e.action, e.from_state, c.kind FROM audit_entry e JOIN cases c ON c.id = e.case_id"):
            step = FLOWS[row["kind"]].table.get((row["action"], row["from_state"]))
            for effect in step.then if step else ():
                name = f"{row['case_id']}:{row['seq']}:{effect.kind}:{effect.name}"
                if effect.kind in ("letter", "mail", "cancel") and effect.when is None and name not in stored:
                    found.append(f"outbox {name} is missing")
    return found


# --- two deciders at once ------------------------------------------------------------------------------------

MIXES = (("approve", "approve"), ("approve", "reject"), ("approve", "withdraw"))
DECIDERS = {"approve": "ubnd.quang", "reject": "ubnd.quang", "withdraw": "vptt.han"}


def decider(url: str, files: Any, jobs: Any, barrier: Any) -> None:
    """Takes one decision after another, each the moment the other decider is ready too, and tells what came of it."""
    office = Office.open(url, files)
    stage = demo.Stage(office)
    for ref, version, who, action, given in iter(jobs.recv, None):
        actor = stage.actor(who)
        barrier.wait(PATIENCE)
        try:
            engine.perform(office, actor, ref, action, given, version=version)
            jobs.send(("won", {}))
        except WorkflowError as error:
            jobs.send((error.code, dict(error.data)))
    office.db.close()


@contextmanager
def deciders(office: Office) -> Iterator[list[Any]]:
    """The lines to two long-lived processes that decide."""
    barrier, lines, processes = FORKS.Barrier(2), [], []
    for _ in range(2):
        here, there = FORKS.Pipe()
        process = FORKS.Process(target=decider, args=(office.db.url, office.files, there, barrier))
        process.start()
        there.close()
        lines.append(here)
        processes.append(process)
    try:
        yield lines
        for line, process in zip(lines, processes, strict=True):
            with suppress(BrokenPipeError):  # one that fell over takes no leave
                line.send(None)
            process.join(PATIENCE)
    finally:
        for process in processes:
            process.kill()
        for line in lines:
            line.close()


def race_pairs(office: Office, stage: demo.Stage, count: int, chooser: random.Random) -> Tally:
    """So many pairs of decisions on one version of a case each: one of the two wins, the other is told who and when."""
    tally = Tally()
    with deciders(office) as lines:
        for number in range(count):
            ref = stage.file("vptt.han", "visit")
            demo.advance(stage, ref, "visit", "pending_committee")
            version = stage.row(ref)["version"]
            seen = queries.read_case(office, stage.actor("ubnd.minh"), ref)["decision_hash"]
            inputs = {
                "approve": {"seen": seen}, "reject": {"seen": seen, "grounds": ["safety"], "reason": "Thiên tai."},
                "withdraw": {"reason": "Đổi kế hoạch của hãng."},
            }  # fmt: skip
            one, other = MIXES[number % len(MIXES)]
            sides = [("ubnd.minh", one), (DECIDERS[other], other)]
            chooser.shuffle(sides)
            for line, (who, action) in zip(lines, sides, strict=True):
                line.send((ref, version, who, action, inputs[action]))
            outcomes = [(*side, *_answer(line)) for line, side in zip(lines, sides, strict=True)]
            told = _pair_faults(office, stage, ref, version, outcomes)
            tally.figures.update({"pairs": 1, f"{one}/{other}": 1, "side by side": sum(code == "changed_meanwhile" for _, _, code, _ in outcomes)})
            tally.findings += [f"{one}/{other} on {ref}: {fault}" for fault in told]
            if any(code == "fell" for _, _, code, _ in outcomes):
                break
    tally.findings += record_faults(office)
    return tally


def _answer(line: Any) -> tuple[str, dict[str, Any]]:
    """What a decider says; `fell` when it says nothing more."""
    try:
        return line.recv() if line.poll(PATIENCE) else ("fell", {})
    except (EOFError, ConnectionResetError):
        return "fell", {}


def _pair_faults(office: Office, stage: demo.Stage, ref: str, version: int, outcomes: list[tuple[str, str, str, dict[str, Any]]]) -> list[str]:
    with office.db.read() as connection:
        entries = store.query(connection, "SELECT seq, action, actor_id, at FROM audit_entry WHERE case_id = :id AND seq > :seq", id=ref, seq=version)
    winners = [item for item in outcomes if item[2] == "won"]
    losers = [item for item in outcomes if item[2] in ("changed_meanwhile", "stale")]
    if len(winners) != 1 or len(losers) != 1:
        return [f"outcomes {outcomes}"]
    found = []
    (who, action, _, _), (loser, _, _, data) = winners[0], losers[0]
    winner = stage.actor(who)
    if [(e["seq"], e["action"], e["actor_id"]) for e in entries] != [(version + 1, action, winner.id)]:
        return [f"{who} won with {action}, the record says {entries}"]
    if data.get("when") != entries[0]["at"]:
        found.append(f"{loser} was told when: {data}")
    # An applicant reads the body that decided, never the official.
    name = data.get("who")
    if not name or (name == winner.name) is not stage.actor(loser).staff:
        found.append(f"{loser} was told who: {data}")
    return found


# --- kill -9 in the middle -----------------------------------------------------------------------------------

ROUND = {
    "under_review": ("cv.binh", "recommend"), "pending_endorsement": ("tp.hoa", "endorse"), "pending_decision": ("gd.khanh", "send_back"),
}  # fmt: skip


def victim(url: str, files: Any, refs: list[str], told: Any) -> None:
    """Goes round recommend, endorse, send back until it is killed; says what it begins, and each commit."""
    office = Office.open(url, files)
    stage = demo.Stage(office)
    while True:
        for ref in refs:
            row = stage.row(ref)
            who, action = ROUND[row["state"]]
            given = {"recommend": demo.proposal(stage, ref, "visit"), "send_back": {"reason": "Xem lại."}}.get(action, {})
            actor = stage.actor(who)
            told.send(("begun", ref, row["version"] + 1, ""))
            try:
                done = engine.perform(office, actor, ref, action, given, version=row["version"])
                told.send(("done", ref, done.version, done.entry_hash))
            except (Conflict, Stale):
                # PostgreSQL may still be finishing what the victim before this one had handed over.
                told.send(("overtaken", ref, row["version"], ""))


def kills(office: Office, stage: demo.Stage, count: int, chooser: random.Random) -> Tally:
    """So many kill -9, each with a transition under way: what was acknowledged is there, and nothing is there by half."""
    refs = []
    for _ in range(3):
        ref = stage.file("vptt.han", "visit")
        demo.advance(stage, ref, "visit", "consulted")
        refs.append(ref)
    tally = Tally()
    acknowledged: dict[tuple[str, int], str] = {}
    # A kill that falls between two transitions does not count and is made up for.
    for _ in range(5 * count):
        if tally.figures["kills"] == count or tally.findings:
            break
        said = _killed(office, refs, chooser.uniform(0, 0.05))
        acknowledged |= {(ref, version): head for word, ref, version, head in said if word == "done"}
        with office.db.read() as connection:
            stored = {(r["case_id"], r["seq"]): r["entry_hash"] for r in store.query(connection, "SELECT case_id, seq, entry_hash FROM audit_entry")}
        tally.findings += [f"acknowledged {key} is lost" for key, head in acknowledged.items() if stored.get(key) != head]
        tally.findings += record_faults(office)
        if said and said[-1][0] == "begun":
            tally.figures["kills"] += 1
            tally.figures["committed unheard"] += said[-1][1:3] in stored
    if tally.figures["kills"] < count and not tally.findings:
        tally.findings.append(f"only {tally.figures['kills']} of {5 * count} kills met a transition")
    tally.figures["acknowledged"] = len(acknowledged)
    return tally


def _killed(office: Office, refs: list[str], after: float) -> list[tuple[str, str, int, str]]:
    """Everything a victim said before it was killed, so many seconds after its first commit."""
    here, there = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=victim, args=(office.db.url, office.files, refs, there))
    process.start()
    there.close()
    said: list[tuple[str, str, int, str]] = []
    try:
        while not said or said[-1][0] != "done":
            said.append(here.recv())
        time.sleep(after)
        os.kill(process.pid, signal.SIGKILL)
        while True:
            said.append(here.recv())
    except EOFError:
        process.join(PATIENCE)
    finally:
        here.close()
    return said


# --- four workers, killed again and again --------------------------------------------------------------------

WORKERS = 4
KILLS_A_MESSAGE = 0.4


class Undone(Exception):
    """Raised by the test after a transition has written everything, just before it would commit."""


def postman(url: str, files: Any, port: int, ledger: str) -> None:
    """A worker as `fpd worker` runs it, with short leases and a scan each second that notes that it began."""
    office = Office.open(url, files)
    outbox.LEASE_SECONDS = 4  # a worker that only waits for its turn to write must not lose what it holds
    periodic.DEAD_MINUTES = 0.05

    def begun(office_: Office, slot: str, _: Any) -> int:
        with open(ledger, "a", encoding="utf-8") as out:
            out.write(f"{slot}\n")
        return scan.scan(office_)

    periodic.JOBS["scan"] = periodic.Job(periodic.JOBS["scan"].label, lambda _, now: f"{now:%H:%M:%S}", begun)
    worker.run(office, threading.Event(), 0.02, Relay(port).post())


@contextmanager
def postmen(office: Office, port: int, ledger: str) -> Iterator[Any]:
    """Four workers; answers a function that kills one of them and puts another in its place."""

    def started() -> Any:
        process = FORKS.Process(target=postman, args=(office.db.url, office.files, port, ledger))
        process.start()
        return process

    crew = [started() for _ in range(WORKERS)]

    def replace_one(index: int) -> None:
        os.kill(crew[index].pid, signal.SIGKILL)
        crew[index].join(PATIENCE)
        crew[index] = started()

    try:
        yield replace_one
    finally:
        for process in crew:
            process.kill()
            process.join(PATIENCE)


@contextmanager
def undone() -> Iterator[None]:
    """Inside, every transition is rolled back after it has written everything, with `Undone`."""
    commit = engine._commit

    def broken(connection: Any, change: Any, actor: Any) -> None:
        store.begin(connection)  # on PostgreSQL the one statement would be a transaction by itself
        commit(connection, change, actor)
        raise Undone

    engine._commit = broken
    try:
        yield
    finally:
        engine._commit = commit


def _go_round(office: Office, stage: demo.Stage, ref: str) -> None:
    """One act of the round recommend, endorse, send back."""
    row = stage.row(ref)
    who, action = ROUND[row["state"]]
    given = {"recommend": demo.proposal(stage, ref, "visit"), "send_back": {"reason": "Xem lại."}}.get(action, {})
    engine.perform(office, stage.actor(who), ref, action, given, version=row["version"])


def deliveries(office: Office, stage: demo.Stage, count: int, chooser: random.Random) -> Tally:
    """So many messages delivered by four workers of which one is killed again and again: each once, in order, none invented."""
    tally, kills_wanted = Tally(), round(count * KILLS_A_MESSAGE)
    people = {name: f"{name}@example.org" for name in ("cv.binh", "tp.hoa", "gd.khanh", "motcua.mai")}

    def addresses(connection: Any) -> None:
        for name, address in people.items():
            store.execute(connection, "UPDATE users SET email = :address WHERE username = :name", address=address, name=name)

    office.db.transact(addresses)
    refs = []
    for _ in range(3):
        refs.append(stage.file("vptt.han", "visit"))
        demo.advance(stage, refs[-1], "visit", "consulted")
    ledger = str(office.files / "runs.txt")
    with relay() as mails:
        mails.slow = 0.01
        with postmen(office, mails.port, ledger) as replace_one:
            while (posted := _posted(office)) < count or tally.figures["kills"] < kills_wanted:
                if posted < count:
                    _go_round(office, stage, chooser.choice(refs))
                if chooser.random() < 0.3:
                    with undone(), suppress(Undone):
                        _go_round(office, stage, chooser.choice(refs))
                    tally.figures["rolled back"] += 1
                if tally.figures["kills"] < kills_wanted * max(1, posted) / count:
                    time.sleep(chooser.uniform(0, 0.1))
                    replace_one(chooser.randrange(WORKERS))
                    tally.figures["kills"] += 1
            until = time.monotonic() + PATIENCE
            while _pending(office) and time.monotonic() < until:
                time.sleep(0.1)
        tally.findings += delivery_faults(office, mails) + _run_faults(office, ledger) + record_faults(office)
        tally.figures["messages"] = min(count, _posted(office))
        tally.figures["mails"] += len({mail["X-Fpd-Dedupe"] for mail in mails.mails})
        tally.figures["sent again, recognisable"] += len(mails.raw) - len({mail["X-Fpd-Dedupe"] for mail in mails.mails})
    return tally


def _posted(office: Office) -> int:
    with office.db.read() as connection:
        return int(store.query(connection, "SELECT count(*) AS n FROM outbox WHERE kind <> 'send'")[0]["n"])


def _pending(office: Office) -> int:
    with office.db.read() as connection:
        return int(store.query(connection, "SELECT count(*) AS n FROM outbox WHERE state = 'pending'")[0]["n"])


def delivery_faults(office: Office, mails: Relay) -> list[str]:
    """What of the outbox was not delivered, was delivered twice visibly, out of order, or for nothing."""
    with office.db.read() as connection:
        office.refresh(connection)
        rows = store.query(connection, "SELECT * FROM outbox ORDER BY id")
        told = Counter(row["dedupe"] for row in store.query(connection, "SELECT dedupe FROM notices WHERE case_id <> ''"))
        opened = Counter(row["origin"] for row in store.query(connection, "SELECT origin FROM cases WHERE kind = 'letter'"))
        expected: set[str] = set()
        for row in rows:
            payload = json.loads(row["payload"])
            if row["kind"] == "mail":
                for case in notices._rows(connection, row, payload):
                    event = row["dedupe"] if case["id"] == row["case_id"] else f"{row['dedupe']}:{case['id']}"
                    expected |= {f"{event}:{user}" for user in notices.recipients(connection, case, row["name"], payload)}
    found = [f"outbox {row['dedupe']} is {row['state']}: {row['error']}" for row in rows if row["state"] != "done"]
    found += [f"notice {key} is missing" for key in expected - set(told)] + [f"notice {key} was told for nothing" for key in set(told) - expected]
    found += [f"notice {key} is there {n} times" for key, n in told.items() if n > 1]
    letters = {f"{json.loads(r['payload'])['entry']}:letter:{r['name']}:{a or ''}" for r in rows if r["kind"] == "letter"
               for a in json.loads(r["payload"]).get("agencies") or [None]}  # fmt: skip
    found += [f"letter {key} was opened {opened[key]} times" for key in letters if opened[key] != 1]
    return found + _mail_faults(rows, mails) + _order_faults(rows)


def _mail_faults(rows: list[dict[str, Any]], mails: Relay) -> list[str]:
    """Each mail at least once, a repeat bearing the same id; none without a message behind it; the first ones in order."""
    wanted = {hashlib.sha256(row["dedupe"].encode()).hexdigest(): row for row in rows if row["kind"] == "send"}
    ids: dict[str, set[str]] = {}
    found, last = [], {}
    for mail in mails.mails:
        key = mail["X-Fpd-Dedupe"]
        row = wanted.get(key)
        if row is None:
            found.append(f"mail {key} belongs to no message")
            continue
        if key not in ids:
            lane = (row["case_id"], row["name"])
            if last.get(lane, 0) > row["id"]:
                found.append(f"mail {row['dedupe']} came after a later one of its case")
            last[lane] = row["id"]
        ids.setdefault(key, set()).add(mail["Message-ID"])
    found += [f"mail {row['dedupe']} never came" for key, row in wanted.items() if key not in ids]
    return found + [f"mail {key} came under {len(seen)} ids" for key, seen in ids.items() if len(seen) > 1]


def _order_faults(rows: list[dict[str, Any]]) -> list[str]:
    """Messages of one case were done in the order in which they were posted."""
    found, last = [], {}
    for row in rows:
        lane = (row["case_id"], row["name"] if row["kind"] == "send" else "")
        if row["done_at"] and row["done_at"] < last.get(lane, ""):
            found.append(f"outbox {row['dedupe']} was done before an earlier message of its case")
        last[lane] = max(last.get(lane, ""), row["done_at"] or "")
    return found


def _run_faults(office: Office, ledger: str) -> list[str]:
    """Each slot was begun by one worker; by a second one only where the first was killed."""
    with open(ledger, encoding="utf-8") as lines:
        begun = Counter(line.strip() for line in lines)
    with office.db.read() as connection:
        rows = {row["slot"]: row for row in store.query(connection, "SELECT slot, owner, done_at FROM worker_runs WHERE name = 'scan'")}
    allowed = {slot: 2 if row["owner"].startswith("again:") else 1 for slot, row in rows.items()}
    return [f"slot {slot} was run {n} times" for slot, n in begun.items() if n > allowed.get(slot, 0)]


# --- one key sent ten times ----------------------------------------------------------------------------------


class Sender:
    """A signed-in client over real HTTP; one connection for each thread that sends."""

    def __init__(self, port: int, username: str):
        self.port, self.own = port, threading.local()
        self.headers = {"Content-Type": "application/json"}
        status, body, headers = self.post("/session", {"username": username, "password": demo.PASSWORD})
        assert status == 200, body
        self.headers |= {"X-CSRFToken": json.loads(body)["csrf_token"], "Cookie": headers["Set-Cookie"].split(";")[0]}

    def post(self, path: str, given: dict[str, Any], **headers: str) -> tuple[int, bytes, Any]:
        """Status, body and headers of one POST under /api/v1."""
        if not hasattr(self.own, "line"):
            self.own.line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self.own.line.request("POST", f"/api/v1{path}", json.dumps(given), {**self.headers, **headers})
        answer = self.own.line.getresponse()
        return answer.status, answer.read(), answer.headers


def key_groups(office: Office, stage: demo.Stage, count: int, chooser: random.Random) -> Tally:
    """So many keys, each sent ten times in parallel through the REST API: one effect, ten equal answers, nine of them replayed."""
    tally = Tally()
    with http_server(application(office), SENDERS + 2) as port, ThreadPoolExecutor(SENDERS) as pool:
        applicant, intake = Sender(port, "vptt.han"), Sender(port, "motcua.mai")
        for number in range(count):
            key = f"key-{number}-{chooser.randrange(10**9)}"
            if number % 2 == 0:
                ref = stage.file("vptt.han", "visit")
                before = stage.row(ref)["version"]
                tag = f'"{before}"'
                sent = (intake, f"/cases/{ref}/actions/accept", {"officer": "cv.binh"}, {"If-Match": tag})
                found = _sent_at_once(pool, *sent, key)
                effects = stage.row(ref)["version"] - before
                late = intake.post(*sent[1:3], **{"If-Match": tag, "Idempotency-Key": f"{key}-other"})[0]
                if late != 412:
                    tally.findings.append(f"{key}: another key on the old version was answered {late}")
            else:
                before = _cases(office)
                sent = (applicant, "/cases", {"kind": "visit", "fields": {"title": f"Chuyến {number}"}}, {})
                found = _sent_at_once(pool, *sent, key)
                effects = _cases(office) - before
            tally.figures["groups"] += 1
            tally.findings += [f"{key} on {sent[1]}: {fault}" for fault in _group_faults(found, effects)]
            changed = sent[0].post(sent[1], {**sent[2], "comment": "khác"}, **sent[3], **{"Idempotency-Key": key})[0]
            if changed != 422:
                tally.findings.append(f"{key}: the same key with another body was answered {changed}")
    tally.findings += record_faults(office)
    return tally


def _sent_at_once(pool: ThreadPoolExecutor, sender: Sender, path: str, given: dict[str, Any], headers: dict[str, str], key: str) -> list[Any]:
    barrier = threading.Barrier(SENDERS)

    def press(_: int) -> tuple[int, bytes, Any]:
        barrier.wait(PATIENCE)
        return sender.post(path, given, **headers, **{"Idempotency-Key": key})

    return list(pool.map(press, range(SENDERS)))


def _group_faults(found: list[tuple[int, bytes, Any]], effects: int) -> list[str]:
    faults = []
    answers = {(status, body, headers["ETag"], headers["Location"]) for status, body, headers in found}
    if effects != 1:
        faults.append(f"{effects} effects")
    if len(answers) != 1 or found[0][0] not in (200, 201):
        faults.append(f"{len(answers)} different answers: {sorted((status, body[:200]) for status, body, *_ in answers)}")
    replayed = [headers["Idempotent-Replayed"] for *_, headers in found]
    if replayed.count("true") != SENDERS - 1 or replayed.count(None) != 1:
        faults.append(f"Idempotent-Replayed: {replayed}")
    return faults


def _cases(office: Office) -> int:
    with office.db.read() as connection:
        return int(store.query(connection, "SELECT count(*) AS n FROM cases")[0]["n"])
