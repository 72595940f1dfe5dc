"""`fpd calendar` as it is typed: what it prints first, what it explains, and its exit codes."""

from __future__ import annotations

import re
import shutil
import sqlite3
from datetime import UTC, datetime

import pytest

from api import cli
from workflow import clock, demo, store


def run(capsys, *words):
    code = cli.main(["calendar", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize(("words", "first"), [
    ("2026-02-12 5", "2026-02-26 17:00 (Thứ Năm / Thursday)"), ("2026-04-24 5", "2026-05-06 17:00 (Thứ Tư / Wednesday)"),
    ("2026-04-28 5", "2026-05-07 17:00 (Thứ Năm / Thursday)"), ("2026-08-20 5", "2026-08-26 17:00 (Thứ Tư / Wednesday)"),
    ("2026-08-27 5", "2026-09-08 17:00 (Thứ Ba / Tuesday)"), ("2026-11-19 5", "2026-11-27 17:00 (Thứ Sáu / Friday)"),
    ("2026-11-20 5", "2026-11-30 17:00 (Thứ Hai / Monday)"), ("2026-12-28 5", "2027-01-05 17:00 (Thứ Ba / Tuesday)"),
    ("2026-11-19T16:31 5", "2026-11-30 17:00 (Thứ Hai / Monday)"), ("2026-11-18T18:00:00Z 5", "2026-11-27 17:00 (Thứ Sáu / Friday)"),
    ("2026-11-20T16:45 24 --unit h", "2026-11-21 16:45 (Thứ Bảy / Saturday)"), ("2026-11-16 10 --unit d", "2026-11-26 17:00 (Thứ Năm / Thursday)"),
    ("2026-11-19 0,5", "2026-11-20 12:15 (Thứ Sáu / Friday)"), ("2026-11-19 5 --locality can-tho", "2026-11-27 17:00 (Thứ Sáu / Friday)"),
    ("2031-11-20 5", "2031-11-28 17:00 (Thứ Sáu / Friday)"),
])  # fmt: skip
def test_the_first_line_is_the_due_moment_without_any_database(bare, capsys, words, first):
    code, out, err = run(capsys, "due", *words.split())
    assert code == 0 and out.splitlines()[0] == first and not err
    assert "lịch kèm theo sản phẩm" in out and not (bare / "var").exists(), "asking makes no files"


def test_the_sum_names_every_day_its_reason_and_its_document(bare, capsys):
    _, out, _ = run(capsys, "due", "2026-11-19", "5")
    assert re.findall(r"^ +\d+  (\S+)", out, re.MULTILINE) == ["2026-11-20", "2026-11-23", "2026-11-25", "2026-11-26", "2026-11-27"]
    assert re.findall(r"^ +–  (.*)", out, re.MULTILINE) == [
        "2026-11-21 Thứ Bảy / Saturday: nghỉ hằng tuần / weekly day off", "2026-11-22 Chủ Nhật / Sunday: nghỉ hằng tuần / weekly day off",
        "2026-11-24 Thứ Ba / Tuesday: Ngày Văn hóa Việt Nam / Viet Nam Culture Day (28/2026/QH16)",
    ]  # fmt: skip
    _, out, _ = run(capsys, "due", "2026-08-20", "5")
    assert "2026-08-22 Thứ Bảy / Saturday: Làm bù ngày 31/8 / Worked for 31 August (9441/TB-BNV)" in out
    _, out, _ = run(capsys, "due", "2026-12-28", "5")
    assert "năm 2027 chưa có lịch được xác nhận / warning: the calendar of 2027 is not confirmed" in out
    _, out, _ = run(capsys, "due", "2026-11-21T10:00", "1")
    assert "counts as received on: 2026-11-23" in out


@pytest.mark.parametrize("words", [
    "due x 5", "due 2026-02-30 5", "due 2026-11-19 five", "due 2026-11-19 0", "due 2026-11-19 -3", "due 2026-11-19 nan", "due 2026-11-19 5 --unit weeks",
    "due 2026-11-19 5 --locality ha-noi", "due 2026-11-19 1.5 --unit d", "due 2026-11-19 9999", "due 9999-12-31 5", "due 2026-11-19", "", "undo",
    "import no-such-file.csv", "export calendar.doc", "seed 1700",
])  # fmt: skip
def test_bad_use_is_code_two_with_a_sentence(bare, capsys, words):
    code, out, err = run(capsys, *words.split())
    assert code == 2 and err.strip() and not out and "Traceback" not in err


@pytest.mark.parametrize("words", [["check"], ["export"], ["recount"], ["seed"]])
def test_what_needs_a_table_says_that_there_is_none(bare, capsys, words):
    code, _, err = run(capsys, *words)
    assert code == 1 and "fpd migrate" in err and not (bare / "var").exists()


def test_a_database_that_is_none_is_told(bare, capsys, monkeypatch):
    (bare / "bad.sqlite3").write_text("nonsense")
    monkeypatch.setenv("FPD_DATABASE_URL", f"sqlite:///{bare / 'bad.sqlite3'}")
    code, _, err = run(capsys, "due", "2026-11-19", "5")
    assert code == 1 and "cannot be read" in err


def test_a_database_without_tables_counts_by_the_shipped_calendar(bare, capsys):
    (bare / "var").mkdir()
    sqlite3.connect(bare / "var" / "fpd.sqlite3").close()
    code, out, _ = run(capsys, "due", "2026-11-19", "5")
    assert code == 0 and out.startswith("2026-11-27") and "lịch kèm theo sản phẩm" in out
    assert run(capsys, "check")[0] == 1


def test_the_table_of_the_installation_is_what_counts(installed, bare, capsys):
    def ended(on):
        installed.db.transact(lambda c: store.execute(c, "UPDATE calendar_days SET ended_at = :at WHERE on_date = :day", at=clock.stamp(clock.now()), day=on))

    ended("2026-11-24")
    code, out, _ = run(capsys, "due", "2026-11-19", "5")
    assert code == 0 and out.startswith("2026-11-26") and "bảng lịch của hệ thống này" in out


def test_a_file_goes_out_and_comes_in(installed, bare, capsys):
    whole, small = bare / "all.csv", bare / "2027.ics"
    assert run(capsys, "export", str(whole))[0] == 0 and whole.read_bytes().startswith(b"\xef\xbb\xbfon,locality,kind")
    assert run(capsys, "export", str(small), "--year", "2027")[0] == 0 and b"BEGIN:VEVENT" in small.read_bytes()
    assert run(capsys, "export", "--format", "ics")[1].startswith("BEGIN:VCALENDAR")
    code, out, _ = run(capsys, "import", str(whole))
    assert code == 0 and "0 change(s)" in out
    new = bare / "new.csv"
    new.write_text("on,kind,name,document,standing\n2026-12-11,off,Nghỉ bão,12/UBND,confirmed\n2027-01-01,off,Tết,13/TB,confirmed\n", "utf-8")
    code, out, _ = run(capsys, "import", str(new), "--dry-run")
    assert code == 0 and "+ 2026-12-11" in out and "± 2027-01-01" in out and "before: 2027-01-01" in out
    assert run(capsys, "due", "2026-12-10", "1")[1].startswith("2026-12-11"), "a dry run writes nothing"
    code, out, _ = run(capsys, "import", str(new), "--year", "2026", "--by", "qt.yen")
    assert code == 0 and "1 change(s) written" in out and "open case(s) moved" in out
    assert run(capsys, "due", "2026-12-10", "1")[1].startswith("2026-12-14")
    with installed.db.read() as connection:
        rows = store.query(connection, "SELECT u.username, d.standing FROM calendar_days d JOIN users u ON u.id = d.entered_by")
        entry = store.query(connection, "SELECT action FROM audit_entry WHERE stream = 'system' ORDER BY seq DESC LIMIT 1")
    assert rows == [{"username": "qt.yen", "standing": "confirmed"}] and entry == [{"action": "calendar_import"}]


@pytest.mark.parametrize(("text", "told"), [("on,kind,name\n2026-02-30,off,x\n", "Line 2: day"), ("a,b\n1,2\n", "unknown: a, b")])
def test_a_wrong_file_is_refused_with_its_line(installed, bare, capsys, text, told):
    path = bare / "wrong.csv"
    path.write_text(text, "utf-8")
    code, _, err = run(capsys, "import", str(path))
    assert code == 1 and told in err


def test_only_an_administrator_imports(installed, bare, capsys):
    path = bare / "new.csv"
    path.write_text("on,kind,name\n2026-12-11,off,x\n", "utf-8")
    assert run(capsys, "import", str(path), "--by", "cv.binh")[0] == 1
    code, _, err = run(capsys, "import", str(path), "--by", "nobody")
    assert code == 1 and "no account nobody" in err


def test_check_says_what_is_doubtful_and_falls_silent(installed, capsys):
    with clock.at(datetime(2026, 11, 25, 2, tzinfo=UTC)):
        demo.Stage(installed).file("vptt.han", "visit")
        code, out, _ = run(capsys, "check")
        assert code == 1 and "2026-11-23: Day off by a swap – not counted" in out and "2027: " in out

        def settle(connection):
            now = clock.stamp(clock.now())
            store.execute(connection, "UPDATE calendar_days SET ended_at = :at WHERE standing = 'proposed'", at=now)
            store.execute(connection, "UPDATE calendar_days SET standing = 'confirmed', document = '1/TB' WHERE standing = 'expected'")

        installed.db.transact(settle)
        code, out, _ = run(capsys, "check")
        assert code == 0 and "nothing contradicts" in out


def test_due_dates_by_an_older_table_are_found_and_counted_again(installed, capsys):
    stage = demo.Stage(installed)
    ref = stage.file("vptt.han", "visit")
    due = clock.local(clock.moment(stage.row(ref)["clocks"]["statutory_due"])).date().isoformat()
    installed.db.transact(lambda c: store.execute(
        c, "INSERT INTO calendar_days (id, on_date, kind, name, document, standing, entered_by, entered_at)"
        " VALUES ('x', :day, 'off', 'Nghỉ', '1/TB', 'confirmed', 'system', '2026-11-25T00:00:00.000000Z')", day=due))  # fmt: skip
    code, out, _ = run(capsys, "check")
    assert code == 1 and "1 open case(s) still have due dates by an older calendar" in out
    code, out, _ = run(capsys, "recount")
    assert code == 0 and stage.row(ref)["code"] in out
    assert "older calendar" not in run(capsys, "check")[1]


def test_an_empty_table_is_told_and_filled(bare, sqlite_template, capsys):
    (bare / "var").mkdir()
    shutil.copy(sqlite_template, bare / "var" / "fpd.sqlite3")
    code, out, _ = run(capsys, "check")
    assert code == 1 and "fpd calendar seed" in out
    code, out, _ = run(capsys, "seed", "2026", "2027")
    assert code == 0 and re.search(r"(\d+) row\(s\) added", out)[1] == "34"
    assert "Thêm 0 dòng" in run(capsys, "seed", "2026")[1]
