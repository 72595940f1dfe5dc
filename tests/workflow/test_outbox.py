"""The queue: order per case, tries and their waits, leases, setting aside; nothing of what was rolled back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from tests import rounds
from workflow import chance, clock, doctor, notices, outbox, periodic, store, worker
from workflow.audit.verify import verify
from workflow.errors import NotFound

NOON = datetime(2026, 11, 25, 5, 0, tzinfo=UTC)


@pytest.fixture
def lane():
    """A case that exists in the queue only."""
    return chance.public_id()


@pytest.fixture(autouse=True)
def quiet(office):
    """What other tests left behind is over."""
    yield
    office.db.transact(lambda c: store.execute(c, "UPDATE outbox SET state = 'done' WHERE state <> 'done'"))


@pytest.fixture
def effects(monkeypatch):
    """What was delivered, in order; `effects.fail` names messages that go wrong."""

    class Seen(list):
        fail: set = set()

    seen = Seen()

    def inside(office, connection, message, post):
        if message["name"] in seen.fail:
            raise ValueError("it does not work at smtp://me:secret@relay")
        seen.append(message["name"])

    monkeypatch.setattr(worker, "_inside", inside)
    return seen


def post(office, lane, *names, kind="mail", **payload):
    def work(connection):
        for name in names:
            outbox.post(connection, lane, 1, kind, name, {"actor": "system", **payload}, f"{lane}:{kind}:{name}")

    office.db.transact(work)


def rows(office, case):
    with office.db.read() as connection:
        return {row["name"]: row for row in store.query(connection, "SELECT * FROM outbox WHERE case_id = :case ORDER BY id", case=case)}


def test_messages_of_a_case_wait_for_the_one_before(office, lane, effects):
    other = chance.public_id()
    post(office, lane, "a", "b", "c")
    post(office, other, "x")
    effects.fail = {"a"}
    with clock.at(NOON + timedelta(days=300)):
        worker.drain(office)
        assert list(effects) == ["x"]
        effects.fail = set()
        assert worker.drain(office) == 0  # the next try of a is not due yet
    with clock.at(NOON + timedelta(days=300, seconds=3)):
        assert worker.drain(office) == 3
    assert list(effects) == ["x", "a", "b", "c"]


def test_a_key_is_known_once(office, lane, effects):
    post(office, lane, "a")
    post(office, lane, "a")
    worker.drain(office)
    assert list(effects) == ["a"]


def test_the_waits_double_and_the_eighth_try_is_the_last(office, lane, effects):
    post(office, lane, "a", "b")
    effects.fail = {"a"}
    now, waits = clock.now(), []
    for _ in range(outbox.MAX_TRIES):
        with clock.at(now):
            worker.deliver(office)
            row = rows(office, lane)["a"]
            following = clock.moment(row["next_at"])
            waits.append(round((following - now).total_seconds()))
            now = following
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256]
    assert (row["state"], row["tries"]) == ("parked", 8)
    assert row["error"] == "ValueError: it does not work at smtp://relay"  # the login is nowhere
    with clock.at(now):
        worker.drain(office)
    assert list(effects) == ["b"]  # what follows goes on


def test_no_wait_is_longer_than_an_hour(office, lane):
    post(office, lane, "a")
    id_ = rows(office, lane)["a"]["id"]
    office.db.transact(lambda c: store.execute(c, "UPDATE outbox SET tries = 5 WHERE id = :id", id=id_))
    was = outbox.MAX_TRIES
    outbox.MAX_TRIES = 99
    try:
        for _ in range(10):
            office.db.transact(lambda c: outbox.fail(c, id_, "no"))
    finally:
        outbox.MAX_TRIES = was
    wait = clock.moment(rows(office, lane)["a"]["next_at"]) - clock.now()
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)


def test_setting_aside_rings_for_administrators_and_the_doctor(office, stage, lane):
    post(office, lane, "a")
    admin = stage.actor("qt.yen")
    before = len([n for n in notices.of_person(office, admin, 1000) if n["name"] == "parked"])
    office.db.transact(lambda c: outbox.fail(c, rows(office, lane)["a"]["id"], "no", for_good=True))
    told = [n for n in notices.of_person(office, admin, 1000) if n["name"] == "parked"]
    assert len(told) == before + 1
    assert told[0]["path"] == "/admin/messages"
    assert any("parked" in sentence.en for sentence in doctor.examine(office))


def test_a_claim_holds_until_its_lease_is_over(office, lane):
    post(office, lane, "u1", kind="send", user="u1", notice="head", case="")
    id_ = rows(office, lane)["u1"]["id"]
    with clock.at(NOON + timedelta(days=300)):
        assert office.db.transact(lambda c: outbox.claim(c, outbox.take(office, c, id_), "one"))
        assert office.db.transact(lambda c: outbox.take(office, c, id_)) is None
        assert id_ not in outbox.due(office)
    with clock.at(NOON + timedelta(days=300, seconds=outbox.LEASE_SECONDS + 1)):
        assert id_ in outbox.due(office)
        assert office.db.transact(lambda c: outbox.claim(c, outbox.take(office, c, id_), "two"))
        assert rows(office, lane)["u1"]["tries"] == 1
        # The first one comes back: it may neither mark nor fail what is another's now.
        assert office.db.transact(lambda c: outbox.done(c, id_, "one")) is False
        office.db.transact(lambda c: outbox.fail(c, id_, "late", worker="one"))
        assert rows(office, lane)["u1"]["tries"] == 1
        assert office.db.transact(lambda c: outbox.done(c, id_, "two")) is True


def test_what_kills_its_worker_each_time_is_set_aside(office, lane):
    post(office, lane, "u1", kind="send", user="u1", notice="head", case="")
    id_, now = rows(office, lane)["u1"]["id"], NOON + timedelta(days=300)
    for _ in range(outbox.MAX_TRIES + 1):
        with clock.at(now):
            office.db.transact(lambda c: (m := outbox.take(office, c, id_)) and outbox.claim(c, m, chance.row_id()))
        now += timedelta(seconds=outbox.LEASE_SECONDS + 1)
    assert rows(office, lane)["u1"]["state"] == "parked"


def test_a_mail_that_waits_holds_up_no_letter_and_nobody_else(office, lane, effects):
    post(office, lane, "u1", "u2", kind="send", user="u1", notice="head", case="")
    office.db.transact(lambda c: outbox.claim(c, outbox.take(office, c, rows(office, lane)["u1"]["id"]), "one"))
    post(office, lane, "a")
    due = outbox.due(office)
    assert {rows(office, lane)["u2"]["id"], rows(office, lane)["a"]["id"]} <= set(due)
    post(office, lane, "again", kind="send", user="u1", notice="head", case="")
    office.db.transact(lambda c: store.execute(c, "UPDATE outbox SET name = 'u1' WHERE name = 'again'"))
    with office.db.read() as connection:
        later = store.query(connection, "SELECT id FROM outbox WHERE name = 'u1' AND case_id = :case ORDER BY id DESC LIMIT 1", case=lane)[0]["id"]
    assert later not in outbox.due(office)
    assert office.db.transact(lambda c: outbox.take(office, c, later)) is None


def test_many_workers_do_each_message_once_and_in_order(office, effects):
    lanes = [chance.public_id() for _ in range(5)]
    for number in range(8):
        for case in lanes:
            post(office, case, f"{case}-{number}")
    crew = [threading.Thread(target=worker.drain, args=(office,)) for _ in range(4)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join(60)
    worker.drain(office)
    for case in lanes:
        assert [name for name in effects if name.startswith(case)] == [f"{case}-{n}" for n in range(8)]


def test_an_unknown_kind_is_set_aside_not_lost(office, lane):
    post(office, lane, "a", kind="pigeon")
    now = clock.now()
    for _ in range(outbox.MAX_TRIES):
        with clock.at(now):
            worker.deliver(office)
        now += timedelta(hours=1)
    assert "pigeon" in rows(office, lane)["a"]["error"]


def test_a_refused_or_undone_transition_leaves_no_message(office, stage):
    ref = stage.file("vptt.han", "visit")
    with office.db.read() as connection:
        before = store.query(connection, "SELECT count(*) AS n FROM outbox WHERE case_id = :id", id=ref)[0]["n"]
    stage.refused("vptt.han", ref, "accept", officer="cv.binh")
    with rounds.undone(), pytest.raises(rounds.Undone):
        stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    assert stage.row(ref)["state"] == "requested"
    with office.db.read() as connection:
        assert store.query(connection, "SELECT count(*) AS n FROM outbox WHERE case_id = :id", id=ref)[0]["n"] == before


# --- the administrator's hand ----------------------------------------------------------------------------------


def test_trying_again_and_setting_aside_are_recorded(office, stage, lane, effects):
    admin = stage.actor("qt.yen")
    post(office, lane, "a", "b")
    ids = {name: row["id"] for name, row in rows(office, lane).items()}
    outbox.set_aside(office, admin, ids["a"])
    assert rows(office, lane)["a"]["state"] == "parked"
    worker.drain(office)
    outbox.retry(office, admin, ids["a"])
    worker.drain(office)
    assert list(effects) == ["b", "a"]
    with pytest.raises(NotFound):
        outbox.retry(office, admin, ids["a"])
    with pytest.raises(NotFound):
        outbox.set_aside(office, admin, 10**12)
    with office.db.read() as connection:
        entries = store.query(connection, "SELECT action FROM audit_entry WHERE stream = 'system' AND actor_id = :id ORDER BY seq", id=admin.id)
        assert [e["action"] for e in entries][-2:] == ["message_set_aside", "message_retry"]
        assert verify(connection).integrity == "clean"


def test_late_and_parked_are_listed(office, lane):
    with clock.at(clock.now() - timedelta(hours=1)):
        post(office, lane, "old", "parked")
    post(office, lane, "new")
    office.db.transact(lambda c: outbox.fail(c, rows(office, lane)["parked"]["id"], "no", for_good=True))
    with office.db.read() as connection:
        mine = [row["name"] for row in outbox.troubled(connection) if row["id"] in {r["id"] for r in rows(office, lane).values()}]
        counts = outbox.counts(connection)
    assert mine == ["parked", "old"]
    assert counts["pending"] >= 2
    assert counts["parked"] >= 1


# --- slots -----------------------------------------------------------------------------------------------------


@pytest.fixture
def job(monkeypatch):
    """One periodic job that counts its runs, and dies where told."""
    ran = []

    def work(office, slot, post):
        ran.append(slot)
        if slot in broken:
            raise ValueError("dead")
        return 7

    broken: set[str] = set()
    name = f"j{chance.row_id()}"
    found = periodic.Job(notices.WORDS["head"], periodic._five_minutes, work)
    monkeypatch.setattr(periodic, "JOBS", {"scan": periodic.Job(notices.WORDS["head"], periodic._five_minutes, lambda o, s, p: 0), name: found})
    return name, ran, broken


def again(office):
    """As another process sees it: nothing known yet of who ran what."""
    periodic._SEEN.pop(office, None)
    return periodic.run_due(office, chance.row_id())


def test_a_slot_is_run_once_whoever_asks(office, job):
    name, ran, _ = job
    base = NOON + timedelta(days=chance.sequence(1).randrange(400, 900), minutes=1)
    barrier = threading.Barrier(4)

    def ask():
        with clock.at(base):
            barrier.wait(60)
            again(office)

    crew = [threading.Thread(target=ask) for _ in range(4)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join(60)
    with clock.at(base + timedelta(minutes=3)):
        again(office)
        assert len(ran) == 1
    with clock.at(base + timedelta(minutes=5)):
        again(office)
    assert len(ran) == 2
    with office.db.read() as connection:
        last = {row["name"]: row for row in periodic.last_runs(connection)}[name]
    assert last["found"] == 7
    assert last["done_at"]


def test_a_dead_run_is_taken_over_once(office, job):
    name, ran, broken = job
    base = NOON + timedelta(days=1000)
    slot = periodic._five_minutes(office, base)
    broken.add(slot)
    with clock.at(base), pytest.raises(ValueError):
        again(office)
    with clock.at(base + timedelta(minutes=5)):
        again(office)
        assert ran.count(slot) == 1  # it may still be at work
    with clock.at(base + timedelta(minutes=15)), pytest.raises(ValueError):
        again(office)
    assert ran.count(slot) == 2
    with clock.at(base + timedelta(minutes=60)):
        again(office)
    assert ran.count(slot) == 2


def test_daily_jobs_wait_for_the_opening_hour(office):
    with office.db.read() as connection:
        office.refresh(connection)
    day = clock.at_local(NOON.date(), office.calendar.opens)
    assert periodic._opening(office, day - timedelta(seconds=1)) is None
    assert periodic._opening(office, day) == NOON.date().isoformat()
    assert periodic._opening(office, day + timedelta(hours=9)) == NOON.date().isoformat()


def test_payloads_are_plain(office, stage):
    """What waits in the queue can be read by any version: JSON objects with who acted."""
    stage.file("vptt.han", "visit")
    with office.db.read() as connection:
        found = store.query(connection, "SELECT payload FROM outbox WHERE kind = 'mail'")
    assert found
    assert all("actor" in orjson.loads(row["payload"]) for row in found)


def test_a_long_queue_is_asked_through_its_index(lite):
    """Whose turn it is must not be found by comparing every waiting message with every other."""
    for question in (outbox.UNHELD, outbox.FIRST):
        with lite.db.read() as connection:
            plan = store.query(connection, f"EXPLAIN QUERY PLAN SELECT o.id FROM outbox o WHERE {outbox._FREE} AND {question}", now="2026")
        inner = [row["detail"] for row in plan if row["detail"].startswith("SEARCH b")]
        assert inner and "ix_outbox_waiting (case_id=?" in inner[0], plan
