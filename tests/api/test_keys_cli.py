"""`fpd keys` on an installation: made, rotated, sealed anew, checked, taken out; wrong files and wrong databases change nothing."""

from __future__ import annotations

import os
import shutil
import stat

import pytest

from api.cli import main
from workflow import Office, attachments, crypto, demo, pins, queries, store
from workflow.audit.verify import verify


def said(capsys, *command) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["keys", *command])
    shown = capsys.readouterr()
    return code, shown.out + shown.err


@pytest.fixture
def path(installed, bare):
    """The file of keys of an installation in which a visit was filed."""
    demo.Stage(installed).file("vptt.han", "visit")
    return bare / "var" / "fpd.keys"


def reopened(bare) -> Office:
    office = Office.open(f"sqlite:///{bare / 'var' / 'fpd.sqlite3'}", bare / "var" / "files")
    with office.db.read() as connection:
        office.refresh(connection)
    return office


def test_a_suspected_key_is_followed_emptied_and_taken_out(path, bare, capsys):
    code, text = said(capsys, "check")
    assert code == 0 and "k1: 0" not in text and "k1: " in text and "index" in text
    code, text = said(capsys, "retire", "k1")
    assert code == 1 and "đang dùng" in text and "in use" in text
    code, text = said(capsys, "rotate")
    assert code == 0 and "k1, k2; đang dùng / in use: k2" in text and "reseal" in text
    code, text = said(capsys, "retire", "k1")
    assert code == 1 and crypto.keys_at(path).names == ("k1", "k2")
    code, text = said(capsys, "reseal")
    assert code == 0 and "k1: 0 giá trị / value(s)" in text and "Đã niêm lại" in text and "sealed anew" in text
    assert said(capsys, "reseal")[1].startswith("Đã niêm lại 0 giá trị")
    code, text = said(capsys, "retire", "k1")
    assert code == 0 and crypto.keys_at(path).names == ("k2",)
    aside = path.with_name("fpd.keys.retired")
    assert aside.read_text().startswith("k1:") and stat.S_IMODE(aside.stat().st_mode) == 0o600 == stat.S_IMODE(path.stat().st_mode)
    office = reopened(bare)
    try:
        stage = demo.Stage(office)
        with office.db.read() as connection:
            case = store.query(connection, "SELECT id FROM cases WHERE kind = 'visit'")[0]["id"]
            assert len(pins.of(office, connection, case)) == 6 and verify(connection).findings == []
            paper = store.query(connection, "SELECT id FROM papers LIMIT 1")[0]["id"]
        assert queries.read_case(office, stage.actor("vptt.han"), case)["fields"]["crew"][0]["name"]
        assert attachments.open_paper(office, stage.actor("vptt.han"), paper).data == demo.PDF
    finally:
        office.db.close()
    assert "k2, k3; đang dùng / in use: k3" in said(capsys, "rotate")[1], "the name of a key that went is not given again"
    assert said(capsys, "reseal")[0] == 0 == said(capsys, "retire", "k2")[0]
    assert [line[:3] for line in aside.read_text().splitlines()] == ["k1:", "k2:"]


def test_a_key_under_which_something_lies_stays_and_says_how_much(path, installed, capsys):
    said(capsys, "rotate")
    old = crypto.read_keys("\n".join(line for line in path.read_text().splitlines() if not line.startswith("k2:")))
    assert said(capsys, "reseal")[0] == 0
    with installed.db.read() as connection:  # a process that was not started again still seals under the older key
        case = store.query(connection, "SELECT id FROM cases WHERE kind = 'visit'")[0]["id"]
    installed.db.transact(
        lambda c: store.execute(c, "UPDATE tracking_pins SET pin = :pin WHERE case_id = :id", pin=old.seal("123456", pins.place(case)), id=case)
    )
    code, text = said(capsys, "retire", "k1")
    assert code == 1 and "Còn 1 giá trị dưới khóa “k1”" in text and "1 value(s) still lie under “k1”" in text
    assert crypto.keys_at(path).names == ("k1", "k2") and not path.with_name("fpd.keys.retired").exists()
    assert "k1: 1 giá trị" in said(capsys, "check")[1]
    assert "Đã niêm lại 1 giá trị trong 1 dòng" in said(capsys, "reseal")[1] and said(capsys, "retire", "k1")[0] == 0


def test_a_name_that_is_no_key(path, capsys):
    for name in ("k9", "index", ""):
        code, text = said(capsys, "retire", name)
        assert code == 1 and "Không có khóa" in text and "There is no key" in text


@pytest.mark.parametrize("harm", ["other", "garbage", "open", "gone", "without k1"])
def test_a_wrong_file_of_keys_is_told_and_changes_nothing(path, bare, installed, capsys, monkeypatch, harm):
    said(capsys, "rotate")
    right = path.read_text()
    elsewhere = bare / "safe.keys"
    monkeypatch.setenv("FPD_KEYS_FILE", str(elsewhere))
    texts = {
        "other": crypto.with_new_key(crypto.new_keys()),
        "garbage": "k1:x\n",
        "open": right,
        "without k1": "".join(line + "\n" for line in right.split() if line[:3] != "k1:"),
    }
    if harm != "gone":
        crypto.write_private(elsewhere, texts[harm])
    if harm == "open":
        elsewhere.chmod(0o644)
    before = (bare / "var" / "fpd.sqlite3").read_bytes(), elsewhere.exists() and elsewhere.read_text()
    with installed.db.read() as connection:
        rows = store.query(connection, "SELECT * FROM dossiers")
    for command in (("reseal",), ("retire", "k1")):
        code, text = said(capsys, *command)
        assert code == 1 and " / " in text and "Traceback" not in text, text
    assert "Không" in text or "không" in text or "Tệp khóa" in text
    with installed.db.read() as connection:
        assert store.query(connection, "SELECT * FROM dossiers") == rows
    assert before[1] == (elsewhere.exists() and elsewhere.read_text()), "no file of keys is made, none is changed"


def test_another_database_frees_no_key(path, bare, capsys, monkeypatch, sqlite_template):
    """Nothing lies under k1 in an empty database either: it is not this one that says so."""
    said(capsys, "rotate")
    monkeypatch.setenv("FPD_DATABASE_URL", f"sqlite:///{bare / 'none.sqlite3'}")
    code, text = said(capsys, "retire", "k1")
    assert code == 1 and "fpd migrate" in text and not (bare / "none.sqlite3").exists()
    shutil.copy(sqlite_template, bare / "empty.sqlite3")
    monkeypatch.setenv("FPD_DATABASE_URL", f"sqlite:///{bare / 'empty.sqlite3'}")
    code, text = said(capsys, "retire", "k1")
    assert code == 1 and "có đúng cơ sở dữ liệu không" in text and "right database" in text
    assert crypto.keys_at(path).names == ("k1", "k2")


def test_a_value_that_does_not_open_is_named_by_its_row_alone(path, installed, capsys):
    said(capsys, "rotate")
    installed.db.transact(lambda c: store.execute(c, "UPDATE tracking_pins SET pin = :pin", pin=f"{crypto.MARK}k1:" + "AAAA" * 12))
    code, text = said(capsys, "reseal")
    assert code == 1 and "không mở được / does not open: tracking_pins.pin [case_id=" in text and "Đã niêm lại 0" not in text
    assert "k1: 1 giá trị / value(s); không mở được / does not open" in text
    code, text = said(capsys, "check")
    assert code == 1 and said(capsys, "retire", "k1")[0] == 1


def test_before_there_is_a_database(bare, capsys):
    assert said(capsys, "new")[0] == 0
    code, text = said(capsys, "check")
    assert code == 0 and "k1" in text and not (bare / "var" / "fpd.sqlite3").exists()
    assert said(capsys, "new")[0] == 1 and said(capsys, "reseal")[0] == 1


def test_help_stands_in_both_languages(capsys):
    for command in ((), ("new",), ("rotate",), ("reseal",), ("check",), ("retire",)):
        code, text = said(capsys, *command, "--help")
        assert code == 0 and (" / " in text) and any(letter in text for letter in "ạậặệịộợụựăđêôơư")
    assert said(capsys)[0] == 2 and said(capsys, "retire")[0] == 2


def test_doctor_tells_of_files_and_papers(path, installed, capsys):
    demo.Stage(installed).file("vptt.lam", "visit")
    with installed.db.read() as connection:
        row = store.query(connection, "SELECT id, cipher_hash FROM papers LIMIT 1")[0]
    file = installed.files / row["cipher_hash"][:2] / row["cipher_hash"]
    stray = file.with_name(row["cipher_hash"][:2] + "0" * 62)
    file.rename(stray)
    os.utime(stray, (0, 0))
    capsys.readouterr()
    assert main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert row["id"] in text and "mất tệp" in text and "lack their file" in text and "không giấy tờ nào dùng" in text
