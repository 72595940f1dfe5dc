"""Sealing anew: nothing stays under an older key, everything still reads, the record holds, and whoever writes meanwhile wins."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from states import FLOWS
from tests.house.ground import ROOT
from workflow import Office, attachments, clock, crypto, db, demo, engine, pins, queries, reads, reseal, sharing, store, worker
from workflow.audit.verify import verify
from workflow.crypto import MARK, Keyring, KeysError, key_of, read_keys, sealed_in

SEALED = {"dossiers.fields", "opening.value", "papers.filename", "papers.wrapped_key", "tracking_pins.pin", "shares.shown", "reads.purpose", "idempotency.body"}


class House:
    """One database with everything in it that is sealed, opened under one file of keys after the other."""

    def __init__(self, url, files):
        self.url, self.files, self.text = url, files, crypto.new_keys()
        self.office = self.opened()
        demo.load_accounts(self.office)
        self.stage = demo.Stage(self.office)

    def opened(self, text: str = "") -> Office:
        office = Office.open(self.url, self.files, keys=read_keys(text or self.text))
        with office.db.read() as connection:
            office.refresh(connection)
        return office

    def rotate(self) -> str:
        """A new key takes over, as after a restart; answers the name of the one before."""
        before = self.office.keys.current
        self.office.db.close()
        self.text = crypto.with_new_key(self.text)
        self.office = self.opened()
        self.stage = demo.Stage(self.office)
        return before

    def live(self) -> dict[str, str]:
        """Everything that seals something; answers what was made, by name."""
        stage, office = self.stage, self.office
        example = FLOWS["visit"].example(clock.today())["crew"]
        ref = stage.file("vptt.han", "visit", fields={"crew": [{**example[0], "name": "KANARIA NEU"}, *example[1:]]})
        demo.advance(stage, ref, "visit", "guided")
        keyed = stage.file("motcua.mai", "visit", on_behalf_of={"organisation": "hangtin_a", "channel": "paper"})
        crew = stage.row(keyed)["fields"]["crew"]
        stage.act("motcua.mai", keyed, "correct_typing", fields={"crew": [{**crew[0], "name": "KANARIA ZWEI"}, *crew[1:]]})
        draft = stage.file("vptt.han", "visit", submit=False)
        paper = stage.attach("vptt.han", draft, "passport")
        attachments.open_paper(office, stage.actor("vptt.han"), paper)
        key = engine.Once(stage.actor("vptt.han").id, "POST /cases", ref, "hash")
        engine.open_case(office, stage.actor("vptt.han"), "visit", FLOWS["visit"].example(clock.today()), once=key)
        engine.keep_answer(office, key, 201, "KANARIA", "", None)
        worker.drain(office)
        return {"ref": ref, "draft": draft, "paper": paper}

    def lies(self) -> dict[str, int]:
        return {name: lying.values for name, lying in reseal.survey(self.office).items()}

    def query(self, sql, **values):
        with self.office.db.read() as connection:
            return store.query(connection, sql, **values)


@pytest.fixture(scope="module")
def house(url, tmp_path_factory):
    found = House(url, tmp_path_factory.mktemp("house") / "files")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(found.office.profile), "subscribers", lambda self, event: ("so_vhttdl",) if event == "approved" else ())
        yield found
    found.office.db.close()


@pytest.fixture(scope="module")
def lived(house):
    return house.live()


def columns_with(office, *marks):
    """Every column of every table in which one of these stands."""
    found = set()
    with office.db.read() as connection:
        metadata = sa.MetaData()
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                found |= {
                    f"{table.name}.{name}"
                    for name, value in zip(table.columns.keys(), row, strict=True)
                    if isinstance(value, str) and any(m in value for m in marks)
                }
    return found


def read_everything(house, lived):
    """What people are shown of everything that is sealed."""
    office, stage = house.office, house.stage
    case = queries.read_case(office, stage.actor("vptt.han"), lived["ref"])
    with office.db.read() as connection:
        pin = pins.of(office, connection, lived["ref"])
        assert verify(connection).findings == []
    opened = attachments.open_paper(office, stage.actor("vptt.han"), lived["paper"], how="view")
    purposes = [item["purpose"]["en"] for item in reads.listed(office, stage.actor("ktr.xuan"), {"paper": lived["paper"]})["items"]]
    shown = [row["shown"]["crew"] for row in sharing.listed(office, stage.actor("vhttdl.son")) if row["code"] == case["code"]]
    answer = engine.kept_answer(office, engine.Once(stage.actor("vptt.han").id, "POST /cases", lived["ref"], "hash"))["body"]
    return case["fields"], pin, (opened.data, opened.filename), set(purposes), shown, answer


def test_everything_moves_reads_as_before_and_the_key_can_go(house, lived):
    before = read_everything(house, lived)
    assert before[3] and before[4] and "KANARIA NEU" in str(before[0]) and before[5] == "KANARIA"
    wanted = house.lies()
    old = house.rotate()
    assert house.lies() == {**wanted, house.office.keys.current: 0}
    with pytest.raises(KeysError, match="right database"):
        reseal.free(house.office.keys, reseal.survey(house.office), old)
    outcome = reseal.reseal(house.office)
    assert (outcome.values, outcome.overtaken, outcome.lost) == (wanted[old], 0, [])
    assert house.lies() == {old: 0, house.office.keys.current: wanted[old]}
    assert (
        columns_with(house.office, f"{MARK}{old}:", f"u0002{old}:") == set() == {r["key_id"] for r in house.query("SELECT DISTINCT key_id FROM papers")} & {old}
    )
    reseal.free(house.office.keys, reseal.survey(house.office), old)
    house.text, _ = crypto.without_key(house.text, old)
    house.office.db.close()
    house.office = house.opened()
    house.stage = demo.Stage(house.office)
    assert house.office.keys.names == (house.office.keys.current,)
    assert read_everything(house, lived) == before


def test_the_list_names_every_column_in_which_something_is_sealed(house, lived):
    in_text = columns_with(house.office, MARK, "\\u0002")
    assert in_text | {"papers.wrapped_key"} == {column.title for column in reseal.COLUMNS} == SEALED
    with house.office.db.read() as connection:
        for column in reseal.COLUMNS:
            rows = store.query(connection, f"SELECT * FROM {column.table}")
            assert any(list(sealed_in(column.text(row), column.place(row))) for row in rows), f"the test seals nothing in {column.title}"


def test_twice_is_once(house, lived):
    house.rotate()
    first = reseal.reseal(house.office)
    rows = {column.title: house.query(f"SELECT * FROM {column.table} ORDER BY {', '.join(column.key)}") for column in reseal.COLUMNS}
    again = reseal.reseal(house.office)
    assert first.values > 0 and (again.values, again.rows, again.overtaken) == (0, 0, 0)
    assert rows == {column.title: house.query(f"SELECT * FROM {column.table} ORDER BY {', '.join(column.key)}") for column in reseal.COLUMNS}


def test_killed_in_the_middle_and_run_again(house, lived, tmp_path):
    """A process that dies inside its third transaction leaves two whole pages, and the next run takes the rest."""
    before = read_everything(house, lived)
    old = house.rotate()
    wanted = house.lies()[old]
    keys = tmp_path / "fpd.keys"
    keys.write_text(house.text)
    script = f"""
import os, signal
from pathlib import Path
from workflow import Office, crypto, reseal
reseal.PAGE, count, put = 2, [0], reseal._put
def counted(*given):
    done = put(*given)
    count[0] += 1
    if count[0] == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
reseal._put = counted
reseal.reseal(Office.open({house.url!r}, Path({str(house.files)!r}), keys=crypto.read_keys(Path({str(keys)!r}).read_text())))
"""
    died = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=120)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    left = house.lies()
    assert 0 < left[old] < wanted and sum(left.values()) == wanted
    assert read_everything(house, lived) == before, "half done, everything reads"
    outcome = reseal.reseal(house.office)
    assert outcome.values == left[old] and house.lies()[old] == 0
    assert read_everything(house, lived) == before


def test_a_row_that_is_changed_meanwhile_keeps_what_it_was_given(house, lived, monkeypatch):
    """Compare-and-set on the stored text: the reseal has read the row, then somebody else writes it."""
    old = house.rotate()
    office, real = house.office, reseal._anew
    share = house.query("SELECT id FROM shares")[0]["id"]
    theirs = office.keys.seal(orjson.dumps({"outlet": "x", "crew": ["ANDERE"], "programme": []}).decode(), sharing.place(share))
    paper, name = lived["paper"], office.keys.seal("khac.pdf", f"papers/{lived['paper']}/filename")

    def meanwhile(keys, column, rows, outcome):
        changes = real(keys, column, rows, outcome)
        if column.table == "shares":
            office.db.transact(lambda c: store.execute(c, "UPDATE shares SET shown = :text WHERE id = :id", text=theirs, id=share))
        if column.title == "papers.filename":
            office.db.transact(lambda c: store.execute(c, "UPDATE papers SET filename = :text WHERE id = :id", text=name, id=paper))
        return changes

    monkeypatch.setattr(reseal, "_anew", meanwhile)
    outcome = reseal.reseal(office)
    assert outcome.overtaken == 2 and house.lies()[old] == 0
    assert house.query("SELECT shown FROM shares WHERE id = :id", id=share)[0]["shown"] == theirs
    assert house.query("SELECT filename FROM papers WHERE id = :id", id=paper)[0]["filename"] == name


def test_dossiers_are_edited_while_it_runs(house, monkeypatch):
    """Threads of the service go on filing and editing under the new key; each edit is there afterwards, and nothing is left behind."""
    refs = [house.stage.file("vptt.han", "visit", submit=False) for _ in range(4)]
    old = house.rotate()
    monkeypatch.setattr(reseal, "PAGE", 3)
    stop, faults, written = threading.Event(), [], {}

    def edit(ref):
        stage, n = demo.Stage(house.office), 0
        try:
            while not stop.is_set() or n < 3:
                row, n = stage.row(ref), n + 1
                crew = [{**member, "name": f"NGƯỜI {n}"} for member in row["fields"]["crew"]]
                engine.edit_case(house.office, stage.actor("vptt.han"), ref, {"crew": crew}, version=row["version"])
                written[ref] = f"NGƯỜI {n}"
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=edit, args=(ref,)) for ref in refs]
    for thread in threads:
        thread.start()
    outcome = reseal.reseal(house.office)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not faults and outcome.lost == [] and house.lies()[old] == 0
    for ref in refs:
        assert {member["name"] for member in house.stage.row(ref)["fields"]["crew"]} == {written[ref]}
    with house.office.db.read() as connection:
        assert verify(connection).findings == []


def test_two_runs_at_once_do_it_once(house):
    house.stage.file("vptt.han", "visit")
    old = house.rotate()
    wanted, outcomes = house.lies()[old], []
    threads = [threading.Thread(target=lambda: outcomes.append(reseal.reseal(house.office))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(outcome.values for outcome in outcomes) == wanted and house.lies()[old] == 0


@pytest.mark.parametrize("others", ["all", "current"])
def test_the_keys_of_another_installation_change_nothing(house, lived, others):
    before = {column.title: house.query(f"SELECT * FROM {column.table} ORDER BY {', '.join(column.key)}") for column in reseal.COLUMNS}
    text = house.text
    if others == "all":
        text = crypto.new_keys().replace("k1:", f"{house.office.keys.current}:")
    else:  # the older key is right, and another one bears the name of the key in use
        house.rotate()
        house.stage.file("vptt.han", "visit")
        before = {column.title: house.query(f"SELECT * FROM {column.table} ORDER BY {', '.join(column.key)}") for column in reseal.COLUMNS}
        text = crypto.with_new_key(text)
    stranger = house.opened(text)
    try:
        with pytest.raises(KeysError, match=r"không phải của cơ sở dữ liệu này.* / This file of keys is not the one"):
            reseal.reseal(stranger)
        with pytest.raises(KeysError, match="Nothing was changed"):
            reseal.free(stranger.keys, reseal.survey(stranger), house.office.keys.names[0])
    finally:
        stranger.db.close()
    assert before == {column.title: house.query(f"SELECT * FROM {column.table} ORDER BY {', '.join(column.key)}") for column in reseal.COLUMNS}


def test_what_does_not_open_is_told_and_left_and_the_rest_goes_on(house, lived):
    """A damaged value, and one under a key that is in no file: both keep their key from being taken out."""
    old = house.rotate()
    reseal.reseal(house.office)
    house.stage.file("vptt.han", "visit")
    old = house.rotate()
    rows = house.query("SELECT case_id, pin FROM tracking_pins ORDER BY case_id")
    was, gone = rows[0], rows[1]
    broken = f"{MARK}{old}:" + "AAAA" * 12
    lost = f"{MARK}k77:" + "AAAA" * 12
    put = "UPDATE tracking_pins SET pin = :pin WHERE case_id = :id"
    house.office.db.transact(lambda c: [store.execute(c, put, pin=broken, id=was["case_id"]), store.execute(c, put, pin=lost, id=gone["case_id"])])
    try:
        wanted = house.lies()
        outcome = reseal.reseal(house.office)
        assert outcome.values == wanted[old] - 1 > 0
        assert [(lost.column, lost.row, lost.values) for lost in outcome.lost] == [("tracking_pins.pin", f"case_id={row['case_id']}", 1) for row in (was, gone)]
        assert "k77" in outcome.lost[1].why and " / " in outcome.lost[0].why
        assert house.lies()[old] == 1 == house.lies()["k77"]
        with pytest.raises(KeysError, match=rf"1 value\(s\) still lie under “{old}”"):
            reseal.free(house.office.keys, reseal.survey(house.office), old)
        assert house.query("SELECT pin FROM tracking_pins WHERE case_id = :id", id=was["case_id"])[0]["pin"] == broken
    finally:
        house.office.db.transact(lambda c: [store.execute(c, put, pin=row["pin"], id=row["case_id"]) for row in (was, gone)])
    assert reseal.reseal(house.office).lost == []


# --- the door in the append-only tables --------------------------------------------------------------------------

REFUSED = "append-only|not authorized|prohibited"  # by the trigger, or on SQLite by the authorizer before it
HARM = {
    "plain": "UPDATE dossiers SET fields = '{}'",
    "beside": "UPDATE dossiers SET content_hash = 'x'",
    "place": "UPDATE dossiers SET by_id = 'x', fields = fields",
    "word": "UPDATE dossiers SET fields = replace(fields, 'visit', 'other') || ' '",
    "salt": "UPDATE opening SET salt = 'x'",
    "told": "UPDATE opening SET value = '1'",
    "none": "UPDATE reads SET purpose = NULL",
    "clear": "UPDATE reads SET purpose = 'clear'",
    "who": "UPDATE reads SET user_id = 'x'",
    "row": "DELETE FROM dossiers",
    "entry": "UPDATE audit_entry SET canonical = canonical || ' '",
}


@pytest.mark.parametrize("harm", HARM)
def test_resealing_lets_nothing_else_through(house, lived, harm):
    def work(connection):
        with db.resealing(connection):
            store.execute(connection, HARM[harm])

    before = columns_with(house.office, "\\u0002"), house.query("SELECT count(*) AS n FROM dossiers")
    with pytest.raises(Exception, match=REFUSED):
        house.office.db.transact(work)
    assert before == (columns_with(house.office, "\\u0002"), house.query("SELECT count(*) AS n FROM dossiers"))


def test_outside_of_it_not_even_ciphertext_changes(house, lived):
    """The same statement is refused before and after, also where it was prepared in between."""
    house.rotate()
    row = house.query("SELECT case_id, no, fields FROM dossiers WHERE case_id = :id AND no = 1", id=lived["ref"])[0]
    now = house.office.keys.resealed(row["fields"], row["case_id"]).text
    assert now != row["fields"]
    sql = "UPDATE dossiers SET fields = :now WHERE case_id = :id AND no = 1"

    def plain(connection):
        return store.execute(connection, sql, now=now, id=row["case_id"])

    def door(connection):
        with db.resealing(connection):
            return plain(connection)

    with pytest.raises(Exception, match=REFUSED):
        house.office.db.transact(plain)
    assert house.office.db.transact(door) == 1
    with pytest.raises(Exception, match=REFUSED):
        house.office.db.transact(plain)


# --- one text ------------------------------------------------------------------------------------------------------

TEXT = crypto.new_keys()
OLD, NEW = read_keys(TEXT), read_keys(crypto.with_new_key(TEXT))
words = st.text(st.characters(codec="utf-8", exclude_characters="\x02\x00"), max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words | st.just("\\u0002k1:QUJD") | st.just('"\\u0002k1:QUJD"'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


def some_sealed(value, keys: Keyring, place: str, draw):
    """The value as a dossier is stored: some of it sealed to its place."""
    if isinstance(value, dict):
        return {k: some_sealed(v, keys, f"{place}/{k}", draw) for k, v in value.items()}
    if isinstance(value, list):
        return [some_sealed(v, keys, crypto.row_place(place, i, v), draw) for i, v in enumerate(value)]
    return keys.seal(value, place) if draw(st.booleans()) else value


@given(st.data(), plain)
def test_a_text_says_the_same_under_the_new_key(data, value):
    text = orjson.dumps(some_sealed(value, OLD, "case", data.draw)).decode()
    made = NEW.resealed(text, "case")
    assert NEW.loads(made.text, "case") == OLD.loads(text, "case")
    assert crypto.unsealed(made.text) == crypto.unsealed(text), "all but the ciphertexts is to the letter what it was"
    assert made.moved == len(list(sealed_in(text, "case"))) and {key_of(sealed) for sealed, _ in sealed_in(made.text, "case")} <= {"k2"}
    assert NEW.resealed(made.text, "case") == crypto.Resealed(made.text, 0, 0), "twice is once"
    alone = OLD.seal(value, "case")
    again = NEW.resealed(alone, "case").text
    assert key_of(again) == "k2" and NEW.open(again, "case") == value and crypto.unsealed(alone) == crypto.unsealed(again)
    assert NEW.resealed(text, "elsewhere").moved == 0, "at another place nothing opens, and nothing is bound to it"


def test_the_database_blots_out_as_the_program_does(house, lived):
    texts = [
        orjson.dumps(value).decode() for value in ({"a": "\\u0002k1:QUJD", "b": '"\\u0002k1:QUJD"', "c": [OLD.seal("x", "y"), "z"]}, [OLD.seal(1, "p")], "k1:x")
    ]
    texts += [OLD.seal("whole", "p"), OLD.seal("whole", "p") + " ", "", *(row["fields"] for row in house.query("SELECT fields FROM dossiers LIMIT 20"))]
    for text in texts:
        assert house.query("SELECT fpd_unsealed(:text) AS found", text=text)[0]["found"] == crypto.unsealed(text)
