"""An installation as the commands of `fpd` find it: by its settings alone."""

from __future__ import annotations

import shutil

import pytest

from workflow import Office, demo


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A fresh clone: no database anywhere."""
    monkeypatch.setenv("FPD_VAR", str(tmp_path / "var"))
    monkeypatch.delenv("FPD_DATABASE_URL", raising=False)
    monkeypatch.delenv("FPD_LOCALITY", raising=False)
    return tmp_path


@pytest.fixture
def installed(bare, sqlite_template):
    """An installation with the demo's people and the seeded tables."""
    (bare / "var").mkdir()
    path = bare / "var" / "fpd.sqlite3"
    shutil.copy(sqlite_template, path)
    office = Office.open(f"sqlite:///{path}", bare / "var" / "files")
    demo.load_accounts(office)
    yield office
    office.db.close()
