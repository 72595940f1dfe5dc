"""Files that no row names: what a crash leaves is found and swept, what is named or being written is not, what is lost is told."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from tests.files import pdf
from tests.house.ground import ROOT
from workflow import Office, attachments, clock, demo, doctor, periodic, store, vault
from workflow.errors import FileDamaged

PDF = pdf()


@pytest.fixture
def draft(stage):
    return stage.file("vptt.han", "visit", submit=False)


@pytest.fixture(autouse=True)
def clean(office):
    """Each test leaves folder and rows in accord."""
    yield
    for path in office.files.rglob("*"):
        if path.is_file() and path.name not in named(office):
            path.unlink()


def named(office):
    with office.db.read() as connection:
        return {row["cipher_hash"] or row["file_hash"] for row in store.query(connection, "SELECT cipher_hash, file_hash FROM papers")}


def files(office):
    return {path.name for path in office.files.rglob("*") if path.is_file()}


def tomorrow():
    return clock.at(clock.now() + vault.SAFE + timedelta(minutes=1))


def said(office):
    return [text.en for text in doctor.stored(office)]


KILLED = """
import os, signal
from pathlib import Path
from workflow import Office, attachments, demo, engine, vault

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

office = Office.open({url!r}, Path({files!r}))
{when}
attachments.receive(office, demo.Stage(office).actor("vptt.han"), {ref!r}, "request", "a.pdf", {data!r})
"""
WHEN = {
    "before the row": "engine.attach = die",
    "in the transaction of the row": "engine._commit = die",
    "with half of the file written": "vault.os.fsync = die",
    "before the file has its name": "Path.replace = die",
}


@pytest.mark.parametrize("when", WHEN)
def test_what_a_killed_upload_leaves_is_swept_a_day_later(office, stage, draft, when):
    before = files(office)
    script = KILLED.format(url=office.db.url, files=str(office.files), when=WHEN[when], ref=draft, data=PDF)
    died = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=120)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert len(files(office) - before) == 1
    assert vault.sweep(office) == 0 and said(office) == [], "it could be an upload that is just now being written"
    with tomorrow():
        assert any(text.startswith("1 file(s) older than 24 hours") for text in said(office))
        assert vault.sweep(office) == 1 and said(office) == [] and vault.sweep(office) == 0
    assert files(office) == before == named(office)
    for name in before:
        assert vault.path_of(office, name).is_file()


def test_the_worker_sweeps_once_a_day(office, stage, draft):
    stored = vault.keep(office, "nobody", PDF, "a.pdf")
    morning = clock.at_local(clock.today() + timedelta(days=3), office.calendar.opens)
    with clock.at(morning):
        periodic.run_due(office, "w1")
        with office.db.read() as connection:
            run = next(run for run in periodic.last_runs(connection) if run["name"] == "files")
    assert run["found"] == 1 and run["done_at"]
    assert not vault.path_of(office, stored["cipher_hash"]).exists()


def test_a_slow_upload_is_not_swept_under_its_hands(office, stage, draft, monkeypatch):
    """The sweep runs between the file and its row; an hour less than a day later the row is written, and the paper opens."""
    from workflow import engine

    real = engine.attach

    def slow(*given, **rest):
        with clock.at(clock.now() + vault.SAFE - timedelta(hours=1)):
            assert vault.sweep(office) == 0
        return real(*given, **rest)

    monkeypatch.setattr(engine, "attach", slow)
    actor = stage.actor("vptt.han")
    _, stored = attachments.receive(office, actor, draft, "request", "a.pdf", PDF)
    with tomorrow():
        assert vault.sweep(office) == 0
    assert attachments.open_paper(office, actor, stored["id"]).data == PDF


def test_old_versions_and_plain_files_of_before_are_named(office, stage, draft):
    papers = [stage.attach("vptt.han", draft, "request") for _ in range(3)]
    plain = stage.attach("vptt.han", draft, "other")
    with office.db.read() as connection:
        row = store.query(connection, "SELECT file_hash, cipher_hash FROM papers WHERE id = :id", id=plain)[0]
    path = vault.path_of(office, row["file_hash"])
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(demo.PDF)
    vault.path_of(office, row["cipher_hash"]).unlink()
    office.db.transact(
        lambda c: store.execute(c, "UPDATE papers SET cipher_hash = NULL, key_id = NULL, wrapped_key = NULL, filename = 'cũ.pdf' WHERE id = :id", id=plain)
    )
    with tomorrow():
        assert vault.sweep(office) == 0 and said(office) == []
    for paper in (*papers, plain):
        assert attachments.open_paper(office, stage.actor("vptt.han"), paper).data == demo.PDF
    assert vault.seal_plain(office) == 1


def test_what_is_not_ours_is_left(office, stage, draft):
    names = ["readme.txt", "ab/notes", "ab/.hidden", f"ab/{'a' * 64}.bak", f"ab/{'c' * 64}", f"{'a' * 64}"]
    for name in names:
        (office.files / name).parent.mkdir(exist_ok=True)
        (office.files / name).write_text("x")
    (office.files / "ab" / ("ab" * 32)).symlink_to(office.files / "readme.txt")
    try:
        with tomorrow():
            assert vault.sweep(office) == 0
        assert all((office.files / name).is_file() for name in names)
    finally:
        for name in (*names, f"ab/{'ab' * 32}"):
            (office.files / name).unlink()


def test_a_paper_without_its_file_is_told_as_damage_and_nothing_is_done(office, stage, draft):
    paper = stage.attach("vptt.han", draft, "request")
    with office.db.read() as connection:
        row = store.query(connection, "SELECT * FROM papers WHERE id = :id", id=paper)[0]
    path = vault.path_of(office, row["cipher_hash"])
    data = path.read_bytes()
    path.unlink()
    try:
        with tomorrow():
            assert vault.sweep(office) == 0
        told = [text for text in said(office) if "lack their file" in text]
        assert len(told) == 1 and told[0].startswith("1 paper(s)") and paper in told[0]
        assert told[0] in [text.en for text in doctor.examine(office)]
        with office.db.read() as connection:
            assert store.query(connection, "SELECT * FROM papers WHERE id = :id", id=paper) == [row]
        with pytest.raises(FileDamaged):
            attachments.open_paper(office, stage.actor("vptt.han"), paper)
    finally:
        path.write_bytes(data)
    assert said(office) == []


def test_a_database_that_names_none_of_the_files_sweeps_none(lite, sqlite_template, tmp_path):
    """Somebody points the service at an empty database: the papers of the other one stay."""
    demo.Stage(lite).file("vptt.han", "visit")
    there = files(lite)
    shutil.copy(sqlite_template, tmp_path / "other.sqlite3")
    wrong = Office.open(f"sqlite:///{tmp_path / 'other.sqlite3'}", lite.files)
    try:
        with tomorrow():
            assert vault.sweep(wrong) == 0 and "are it and FPD_VAR the right ones" in said(wrong)[0]
        assert files(lite) == there != set()
    finally:
        wrong.db.close()
