"""A morning at the office, and an office in each of the four localities."""

from __future__ import annotations

import shutil
from datetime import time

import pytest

from workflow import Office, clock, demo

LOCALITIES = ("hai-phong", "can-tho", "quang-ngai", "cao-bang")


@pytest.fixture(autouse=True)
def morning():
    """Every story begins at ten past nine."""
    with clock.at(clock.at_local(clock.today(), time(9, 10))):
        yield


@pytest.fixture(scope="session")
def towns(sqlite_template, tmp_path_factory):
    """The demo's people in an office of each locality, by its code; made when first asked for."""
    made: dict[str, demo.Stage] = {}

    def town(code: str) -> demo.Stage:
        if code not in made:
            path = tmp_path_factory.mktemp(code) / "fpd.sqlite3"
            shutil.copy(sqlite_template, path)
            office = Office.open(f"sqlite:///{path}", tmp_path_factory.mktemp(f"{code}-files"), code)
            demo.load_accounts(office)
            with office.db.read() as connection:
                office.refresh(connection, force=True)
            made[code] = demo.Stage(office)
        return made[code]

    yield town
    for stage in made.values():
        stage.office.db.close()
