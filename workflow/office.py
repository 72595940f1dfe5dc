"""The office: one database, one locality profile, one calendar and one file store, opened once per process."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from datetime import date
from math import inf
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection

from states.language import Text
from workflow import clock, localities, places, store
from workflow.calendar import WorkCalendar, load_calendar
from workflow.categories import referred_out
from workflow.crypto import Keyring, keys_at
from workflow.db import Database
from workflow.deadlines import Deadlines
from workflow.errors import Invalid
from workflow.localities import Profile, load_profile
from workflow.places import Commune, Places
from workflow.rules import RuleBook, Rules, load_rules
from workflow.schemas import TEXTS

_FRESH_SECONDS = 30.0
_ROUTES_KEPT = 2000
KEYS = "fpd.keys"


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
        assert db.keys is not None, "an office holds personal data: its database is opened with keys"
        self.keys = db.keys
        self._lock = Lock()
        self._read_at: float | None = None
        self._organisations: dict[str, Organisation] = {}
        self._by_id: dict[str, Organisation] = {}
        self._names: dict[str, Text] = {}
        self._calendar: WorkCalendar | None = None
        self._places: Places | None = None
        self._listed: tuple[Commune, ...] = ()
        self._rulebook: RuleBook | None = None
        self._deadlines: dict[str, Deadlines] = {}
        self._settings: dict[tuple[str, str], dict[str, Any]] = {}
        self.routes: dict[Any, dict[str, Any]] = {}

    @classmethod
    def open(cls, url: str, files: Path, locality: str = "", keys: Keyring | None = None) -> Office:
        """Open an office on a migrated database. `files` is the folder of stored papers; without a locality it is the one
        that the database was set to, else the default; without `keys` those of the file beside the folder, made if need be.
        """
        files.mkdir(parents=True, exist_ok=True)
        database = Database(url, keys=keys or keys_at(files.parent / KEYS, make=True))
        return cls(database, load_profile(locality or localities.in_force(database)), files)

    def refresh(self, connection: Connection, *, force: bool = False) -> None:
        """Read organisations and calendar again when they have grown old."""
        tick = clock.ticks()
        if not force and self._read_at is not None and tick - self._read_at < _FRESH_SECONDS:
            return
        with self._lock:
            rows = store.query(
                connection,
                "SELECT o.id, o.code, o.kind, o.name_vi, o.name_en, o.silence_means, o.active,"
                " (SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user_id"
                "  WHERE m.organisation_id = o.id AND u.active) AS holders FROM organisations o",
            )
            found = [Organisation(r["id"], r["code"], r["kind"], Text(r["name_vi"], r["name_en"]), r["silence_means"], r["holders"] > 0) for r in rows]
            # A body that has ended is no choice any more, but cases and record go on naming it.
            ended = {r["code"] for r in rows if not r["active"]}
            self._organisations = {item.code: item for item in found if item.code not in ended}
            self._by_id = {item.id: item for item in found}
            self._names = {item.code: item.name for item in found}
            self._calendar = self.calendar_with(load_calendar(connection, self.profile.code))
            self._rulebook = load_rules(connection, self.profile.code)
            self._read_places(connection)
            self._deadlines, self._settings, self.routes = {}, {}, {}
            self._read_at = tick

    def remember_route(self, key: Any, route: dict[str, Any]) -> None:
        """Keep what the routing rules made of a content, till the catalogues are read again."""
        if len(self.routes) >= _ROUTES_KEPT:
            self.routes.clear()
        self.routes[key] = route

    def forget(self) -> None:
        """Read the catalogues again at the next use: somebody has just changed them."""
        self._read_at = None

    def calendar_with(self, days: Mapping[Any, Any]) -> WorkCalendar:
        """A calendar of these special days with the hours of this office."""
        return WorkCalendar(days, **{name: self.profile.hour(name) for name in ("opens", "closes", "cutoff")})

    def with_rules(self, rulebook: RuleBook) -> Office:
        """The same office as it would be under other rules, for looking ahead: it never reads its catalogues again."""
        found = copy(self)
        found._rulebook, found._deadlines, found._settings, found._read_at = rulebook, {}, {}, inf
        return found

    def _read_places(self, connection: Connection) -> None:
        """The communes of the table, or as they come with the locality where it was never filled; made anew only where they differ."""
        listed = tuple(places.in_force(connection, self.profile.province))
        if self._places is None or listed != self._listed:
            self._listed, self._places = listed, Places(listed, self.profile.communes) if listed else self.profile.places

    @property
    def places(self) -> Places:
        """The communes in force, and what a typed name means."""
        assert self._places is not None, "refresh() comes first"
        return self._places

    @property
    def calendar(self) -> WorkCalendar:
        """The working calendar in force."""
        assert self._calendar is not None, "refresh() comes first"
        return self._calendar

    @property
    def rulebook(self) -> RuleBook:
        """Every version of every rule, of the country and of this locality."""
        assert self._rulebook is not None, "refresh() comes first"
        return self._rulebook

    @property
    def rules(self) -> Rules:
        """The rules in force today."""
        return self.rulebook.on(clock.today())

    def rules_for(self, row: Mapping[str, Any]) -> Rules:
        """The rules a case is bound to: those in force on its day of receipt; before receipt, today's."""
        return self.deadlines_for(row).rules

    @property
    def deadlines(self) -> Deadlines:
        """Due dates by the rules of today."""
        return self.deadlines_on(clock.today().isoformat())

    def deadlines_for(self, row: Mapping[str, Any]) -> Deadlines:
        """Due dates by the rules a case is bound to."""
        return self.deadlines_on((row.get("clocks") or {}).get("rules_on") or clock.today().isoformat())

    def deadlines_on(self, day: str) -> Deadlines:
        """Due dates by the rules of a day (ISO date)."""
        found = self._deadlines.get(day)
        if found is None:
            found = self._deadlines[day] = Deadlines(self.rulebook.on(date.fromisoformat(day)), self.calendar)
        return found

    def settings_on(self, rules: Rules, kind: str) -> Mapping[str, Any]:
        """What the rules of a kind ask of law and office on a day, gathered once for all cases of that day."""
        key = (rules.on.isoformat(), kind)
        found = self._settings.get(key)
        if found is None:
            found = self._settings[key] = {
                "supplement_trips": int(rules.number("supplement_trips")),
                "decision_level": rules.text("decision_level"),
                "allow_two_person": rules.flag("allow_two_person"),
                "ministry_report": rules.flag("ministry_report"),
                "referred_out": referred_out(),
                "grounds_not_accepted": self.profile.grounds_for("not_accepted"),
                "agency_names": self._names,
            }
        return found

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
