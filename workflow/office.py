"""The office: one database, one locality profile, one calendar and one file store, opened once per process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection

from states.language import Text
from workflow import clock, store
from workflow.calendar import WorkCalendar, load_calendar
from workflow.db import Database
from workflow.deadlines import Deadlines
from workflow.errors import Invalid
from workflow.localities import Profile, load_profile
from workflow.schemas import TEXTS

LOG_ID = "fpd"
_FRESH_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation of the catalogue; `has_account` says whether somebody there can act in the system."""

    id: str
    code: str
    kind: str
    name: Text
    silence_means: str
    has_account: bool


class Office:
    """What every reader and the engine need. Catalogues are kept for some seconds and read again."""

    def __init__(self, db: Database, profile: Profile, files: Path):
        self.db = db
        self.profile = profile
        self.files = files
        self._lock = Lock()
        self._read_at: float | None = None
        self._organisations: dict[str, Organisation] = {}
        self._by_id: dict[str, Organisation] = {}
        self._names: dict[str, Text] = {}
        self._deadlines: Deadlines | None = None

    @classmethod
    def open(cls, url: str, files: Path, locality: str = "can-tho") -> Office:
        """Open an office on a migrated database. `files` is the folder of stored papers."""
        files.mkdir(parents=True, exist_ok=True)
        return cls(Database(url), load_profile(locality), files)

    def refresh(self, connection: Connection, *, force: bool = False) -> None:
        """Read organisations and calendar again when they have grown old."""
        tick = clock.ticks()
        if not force and self._read_at is not None and tick - self._read_at < _FRESH_SECONDS:
            return
        with self._lock:
            rows = store.query(
                connection,
                "SELECT o.id, o.code, o.kind, o.name_vi, o.name_en, o.silence_means,"
                " (SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user_id"
                "  WHERE m.organisation_id = o.id AND u.active) AS holders FROM organisations o WHERE o.active",
            )
            found = [Organisation(r["id"], r["code"], r["kind"], Text(r["name_vi"], r["name_en"]), r["silence_means"], r["holders"] > 0) for r in rows]
            self._organisations = {item.code: item for item in found}
            self._by_id = {item.id: item for item in found}
            self._names = {item.code: item.name for item in found}
            days = load_calendar(connection)
            hours = {name: self.profile.hour(name) for name in ("opens", "closes", "cutoff")}
            self._deadlines = Deadlines(self.profile, WorkCalendar(days, **hours))
            self._read_at = tick

    def forget(self) -> None:
        """Read the catalogues again at the next use: somebody has just changed them."""
        self._read_at = None

    @property
    def deadlines(self) -> Deadlines:
        """Due dates by this office's profile and calendar."""
        assert self._deadlines is not None, "refresh() comes first"
        return self._deadlines

    @property
    def organisations(self) -> Mapping[str, Organisation]:
        """Organisations by code."""
        return self._organisations

    def organisation(self, id_: str | None) -> Organisation | None:
        """An organisation by its id."""
        return self._by_id.get(id_ or "")

    def agency(self, code: str, pointer: str, *kinds: str) -> Organisation:
        """An organisation by its code; raises `Invalid` at that field when there is none of these kinds."""
        found = self._organisations.get(code)
        if found is None or (kinds and found.kind not in kinds):
            raise Invalid({pointer: [TEXTS["agency"]]})
        return found

    def agency_names(self) -> Mapping[str, Text]:
        """Names of all organisations by code."""
        return self._names


def organisation_dict(item: Organisation | None) -> dict[str, Any] | None:
    """The wire shape of an organisation."""
    return {"code": item.code, "name": item.name.as_dict()} if item else None
