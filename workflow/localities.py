"""Locality profiles: what the law and the office set. National files and `localities/<code>.toml` make one profile.

A value of the locality wins over the national one; rows of a list are told apart by their code. What a profile says
is checked before it is used (`workflow.locality_check`), so that its properties can be read without care.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect

from states.language import Text
from workflow import clock, place_files, rules, store
from workflow.audit import system
from workflow.authority import CLOCK, Actor
from workflow.chance import public_id
from workflow.db import Database
from workflow.errors import WorkflowError
from workflow.places import Commune, MarkedCommune, Places, province_code

FOLDER = Path(__file__).resolve().parent.parent / "localities"
DEFAULT = "can-tho"
SETTING = "locality"
# The national files that every profile starts from; calendar, rules, routing and categories are read by those who use them.
SHARED = ("defaults", "agencies", "leaders", "sectors", "reports", "signatures", "grounds", "returns", "law")
# By which key the rows of a list are told apart: a row of the locality takes the place of the national one.
IDENTITY = {
    "agencies": "code", "communes": "name", "grounds": "code", "law": "code", "leaders": "agency", "report_lines": "what", "returns": "code", "rules": "code",
    "signature_forms": "code", "subscribers": "agency",
}  # fmt: skip
# The parts of a profile whose statements have a standing, in words.
SECTIONS = {
    "agencies": Text("Cơ quan", "Bodies"),
    "communes": Text("Xã, phường, đặc khu", "Communes"),
    "leaders": Text("Cơ quan trả lời thay lãnh đạo", "Offices of leaders"),
    "sectors": Text("Cơ quan theo chủ đề", "Bodies by topic"),
    "rules": Text("Quy tắc riêng của địa phương", "Rules of this locality"),
    "report_lines": Text("Báo cáo phải nộp", "Reports owed"),
    "subscribers": Text("Nơi được chia sẻ thông tin", "Subscribers"),
    "recipients": Text("Nơi nhận cố định", "Standing recipients"),
    "head": Text("Phần đầu văn bản", "Heads of letters"),
    "hours": Text("Giờ làm việc", "Working hours"),
    "desk": Text("Bộ phận một cửa", "Intake desk"),
    "personal_data": Text("Dữ liệu cá nhân", "Personal data"),
    "papers": Text("Giới hạn giấy tờ tải lên", "Limits of uploads"),
    "targets": Text("Chỉ tiêu nội bộ", "Internal targets"),
    "grounds": Text("Căn cứ", "Grounds"),
    "returns": Text("Lý do trả lại để bổ sung", "Reasons of returns"),
    "signature_forms": Text("Thể thức ký", "Signature forms"),
    "fee": Text("Phí, lệ phí", "Fees"),
    "tracking": Text("Tra cứu công khai", "Public tracking"),
}
_TABLES = ("desk", "hours", "head", "recipients", "sectors", "personal_data", "fee", "tracking", "papers")


class BadProfile(ValueError):
    """A profile that may not be used: every fault as one line `file: key: sentence`."""

    def __init__(self, lines: Iterable[str]):
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))


class LocalityRefused(WorkflowError):
    """The database holds cases of another locality; their codes and bodies would lose their meaning."""

    code = "locality"
    text = Text(
        "Cơ sở dữ liệu đã có {cases} hồ sơ của địa phương khác ({there}); không đổi được. Hãy dùng cơ sở dữ liệu riêng cho {wanted}.",
        "This database holds {cases} cases of another locality ({there}); it cannot change. Use a database of its own for {wanted}.",
    )


@dataclass(frozen=True)
class Ground:
    """A coded ground with the provision it rests on and the decisions it may be used for."""

    code: str
    label: Text
    basis: str
    uses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReturnReason:
    """A coded reason for returning a file: what it can be said of, the provision, what is wrong and how to mend it."""

    code: str
    on: tuple[str, ...]
    basis: str
    text: Text

    def fits(self, key: str) -> bool:
        """Whether it can be said of a target of this key (`crew.passport_no`), or of a part inside it where the whole is meant."""
        return any(pattern == "*" or _matches(pattern, key) or pattern.startswith(f"{key}.") for pattern in self.on)


def _matches(pattern: str, key: str) -> bool:
    return pattern == key or (pattern.endswith("*") and key.startswith(pattern[:-1]))


@dataclass(frozen=True, slots=True)
class Agency:
    """A body of the catalogue. It exists from `valid_from` to `valid_to`, both days included; None is open.

    `silence_means`: what an unanswered question counts as (`none`, `no_objection`, `blocking`). `source`: where its
    entry was read; `standing`: `sourced` or `unconfirmed`.
    """

    code: str
    kind: str
    name: Text
    silence_means: str
    silence_basis: str
    valid_from: date | None
    valid_to: date | None
    successor: str | None
    phone: str
    email: str
    standing: str
    source: str

    def covers(self, on: date) -> bool:
        """Whether the body existed on a day."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Leader:
    """Which office answers for the leaders of a body (R12-R15); a national leader has none here (Nghị định 262/2026 art. 16(1))."""

    rule: str
    agency: str
    office: str | None
    level: str
    label: Text
    basis: str


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A report that is owed: what, to whom, through whom, copied to whom, and the rule that times it."""

    what: str
    label: Text
    to: str
    via: str | None
    copies: tuple[str, ...]
    rule: str | None
    basis: str
    standing: str


@dataclass(frozen=True, slots=True)
class HeadLines:
    """The left block of a letter: the superior body (none for the People's Committee), the issuing one, the symbol in its numbers."""

    superior: Text | None
    lines: tuple[Text, ...]
    symbol: str


@dataclass(frozen=True, slots=True)
class Head:
    """Heads of letters (Nghị định 30/2020 annex I). `unit_suffix` follows `SNgV-` in a number; `place` stands before the date."""

    committee: HeadLines
    department: HeadLines
    place: Text
    unit_suffix: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """A standing line of Nơi nhận."""

    agency: str
    note: Text


@dataclass(frozen=True, slots=True)
class SignatureForm:
    """The words above a signature: TM., KT., TL., TUQ. or the head's own (Nghị định 30/2020 art. 13)."""

    code: str
    form: str
    body: str
    lines: tuple[Text, ...]
    basis: str


@dataclass(frozen=True, slots=True)
class PaperLimits:
    """How much may be uploaded, and how many identity papers one person may open within an hour."""

    file_mb: int
    case_files: int
    case_mb: int
    uploads_an_hour: int
    reads_an_hour: int


@dataclass(frozen=True, slots=True)
class Target:
    """An aim the office has set itself: a count in wd, d, h or percent."""

    code: str
    value: float
    unit: str
    label: Text
    basis: str
    standing: str


@dataclass(frozen=True, slots=True)
class TrackingLimits:
    """How many wrong tries the public tracking bears in one window, and for how long an address that opened a case is known."""

    per_address: int
    per_case_from_address: int
    per_case: int
    window_minutes: int
    known_days: int


@dataclass(frozen=True, slots=True)
class LegalText:
    """A text that may be cited. Open ends of its validity are None; `checked_at` is None until it was compared with the gazette."""

    code: str
    number: str
    title: Text
    issued_on: date | None
    valid_from: date | None
    valid_to: date | None
    successor: str | None
    standing: str = ""
    checked_by: str | None = None
    checked_at: str | None = None

    def covers(self, on: date) -> bool:
        """Whether the text holds on a day, as far as its dates are known."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


def legal_text(row: Mapping[str, Any]) -> LegalText:
    """A row of a catalogue file."""
    first, last = _day(row.get("valid_from")), _day(row.get("valid_to"))
    return LegalText(row["code"], row["number"], _text(row["title"]), _day(row.get("issued_on")), first, last, row.get("successor"), row["standing"])


@dataclass(frozen=True, slots=True)
class Entry:
    """One statement of the profile that has a standing; `subject` names it in the table of confirmations.

    `said` is what is stated, as the file has it: that is what somebody confirms.
    """

    subject: str
    section: str
    key: str
    label: Text
    said: str
    standing: str
    source: str


@dataclass(frozen=True)
class Profile:
    """One locality's values. `raw` is the merged files as read; the properties give them names."""

    code: str
    raw: dict[str, Any]

    def text(self, table: str) -> Text:
        """A bilingual name of the profile."""
        return _text(self.raw[table])

    @property
    def name(self) -> Text:
        """The Department's name."""
        return self.text("name")

    @property
    def version(self) -> int:
        """The number of this edition of the profile; it rises with each change of its file."""
        return int(self.raw["version"])

    @property
    def source(self) -> tuple[str, ...]:
        """Numbers of the seed documents the profile was read from."""
        return tuple(self.raw["source"])

    @property
    def prefix(self) -> str:
        """First part of every printed code."""
        return str(self.raw["prefix"])

    # --- law and grounds

    @cached_property
    def grounds(self) -> tuple[Ground, ...]:
        """The closed list of coded grounds."""
        return tuple(Ground(row["code"], _text(row["label"]), row["basis"], tuple(row["for"])) for row in self.raw["grounds"])

    def grounds_for(self, use: str) -> tuple[str, ...]:
        """Codes of the grounds for `reject`, `not_accepted`, `revoke` or `decline`."""
        return self._grounds_by_use.get(use, ())

    @cached_property
    def _grounds_by_use(self) -> dict[str, tuple[str, ...]]:
        uses = {use for ground in self.grounds for use in ground.uses}
        return {use: tuple(ground.code for ground in self.grounds if use in ground.uses) for use in uses}

    @cached_property
    def returns(self) -> Mapping[str, ReturnReason]:
        """The coded reasons for returning a file, by code."""
        return {row["code"]: ReturnReason(row["code"], tuple(row["on"]), row["basis"], _text(row["text"])) for row in self.raw["returns"]}

    @cached_property
    def law(self) -> Mapping[str, LegalText]:
        """The catalogue of legal texts by code: national ones and the locality's own."""
        return {row["code"]: legal_text(row) for row in self.raw["law"]}

    @property
    def rule_overrides(self) -> tuple[dict[str, Any], ...]:
        """This locality's own versions of rows of the rule table, as `rules.seed_rules` takes them."""
        return tuple(self.raw["rules"])

    # --- bodies

    @cached_property
    def agencies(self) -> Mapping[str, Agency]:
        """Every body of the catalogue by code, those that have ended too."""
        return {row["code"]: _agency(row) for row in self.raw["agencies"]}

    def agency_on(self, code: str, on: date) -> Agency:
        """The body that stood for a code on a day: itself, a successor after its end, a predecessor before its beginning.

        Of several predecessors the one listed first counts. Raises `KeyError` for an unknown code; where nobody existed on
        that day the nearest one is answered.
        """
        found = self.agencies[code]
        for _ in self.agencies:
            if found.covers(on):
                return found
            before = found.valid_from is not None and on < found.valid_from
            following = self._predecessors.get(found.code) if before else found.successor
            if following is None:
                return found
            found = self.agencies[following]
        return found

    @cached_property
    def _predecessors(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for agency in self.agencies.values():
            if agency.successor:
                found.setdefault(agency.successor, agency.code)
        return found

    @cached_property
    def communes(self) -> tuple[MarkedCommune, ...]:
        """Communes with marks and old names, typed by hand; what a commune that is not listed here lies at is not known."""
        rows = self.raw["communes"]
        return tuple(MarkedCommune(r["name"], tuple(r["old"]), frozenset(r["marks"]), r["standing"], r["source"]) for r in rows)

    @cached_property
    def province(self) -> str:
        """The official code of the province; empty for a place that is none."""
        return province_code(self.text("place").vi)

    @property
    def listed(self) -> tuple[Commune, ...]:
        """The list of communes that comes with the locality."""
        return place_files.shipped(self.code, self.province)

    @cached_property
    def places(self) -> Places:
        """The communes as they come with the locality; those of the table are the office's (`Office.places`)."""
        return Places(self.listed, self.communes)

    def leader(self, agency: str) -> dict[str, Any] | None:
        """The row of the leaders' table for the agency named in an interview request: rule, office, level."""
        return next((row for row in self.raw["leaders"] if row["agency"] == agency), None)

    @cached_property
    def leaders(self) -> tuple[Leader, ...]:
        """The leaders' table."""
        rows = self.raw["leaders"]
        return tuple(Leader(r.get("rule", ""), r["agency"], r.get("office"), r["level"], _text(r["label"]), r["basis"]) for r in rows)

    @cached_property
    def sectors(self) -> Mapping[str, str]:
        """Code of the body competent for a topic."""
        return {topic: code for topic, code in self.raw["sectors"].items() if topic not in ("source", "standing")}

    def subscribers(self, event: str) -> tuple[str, ...]:
        """Codes of the bodies that get the minimum view on `approved` or `reported`."""
        return tuple(row["agency"] for row in self.raw["subscribers"] if event in row["events"])

    # --- letters and reports

    @cached_property
    def head(self) -> Head:
        """Heads of letters."""
        row = self.raw["head"]
        return Head(_head_lines(row["committee"]), _head_lines(row["department"]), _text(row["place"]), str(row["unit_suffix"]))

    @cached_property
    def recipients(self) -> tuple[Recipient, ...]:
        """Standing lines of Nơi nhận, in their order."""
        return tuple(Recipient(row["agency"], _text(row["note"])) for row in self.raw["recipients"]["list"])

    @property
    def archive_line(self) -> str:
        """The last line of Nơi nhận: `Lưu: VT, …`. A letter is Vietnamese, so that it has no English twin."""
        return str(self.raw["recipients"]["archive"])

    @cached_property
    def signature_forms(self) -> Mapping[str, SignatureForm]:
        """Words above a signature by code."""
        rows = self.raw["signature_forms"]
        return {r["code"]: SignatureForm(r["code"], r["form"], r["body"], tuple(map(_text, r["lines"])), r["basis"]) for r in rows}

    def signers(self, letter: str) -> tuple[str, ...] | None:
        """The signer table's row for a letter, or None where the default applies."""
        row = self.raw["signers"].get(letter)
        return tuple(row) if row else None

    @cached_property
    def report_lines(self) -> tuple[ReportLine, ...]:
        """Reports owed, national ones first."""
        rows = self.raw["report_lines"]
        return tuple(
            ReportLine(r["what"], _text(r["label"]), r["to"], r.get("via"), tuple(r["copies"]), r.get("rule"), r["basis"], r["standing"]) for r in rows
        )

    @cached_property
    def targets(self) -> Mapping[str, Target]:
        """What the office has set itself, by name."""
        rows = self.raw["targets"]
        return {n: Target(n, float(r["value"]), r["unit"], _text(r["label"]), r["basis"], r["standing"]) for n, r in rows.items()}

    @cached_property
    def tracking_limits(self) -> TrackingLimits:
        """Limits of the public tracking."""
        row = self.raw["tracking"]
        return TrackingLimits(*(int(row[name]) for name in ("per_address", "per_case_from_address", "per_case", "window_minutes", "known_days")))

    @cached_property
    def papers(self) -> PaperLimits:
        """The limits of uploads and of readings."""
        return PaperLimits(**{name: int(self.raw["papers"][name]) for name in PaperLimits.__slots__})

    @property
    def minor_fields(self) -> tuple[str, ...]:
        """Fields whose correction in an approved dossier is a logged edit and no change of the approval."""
        return tuple(self.raw["minor_fields"])

    # --- time and personal data

    def hour(self, name: str, on: date | None = None) -> time:
        """`opens`, `closes` or `cutoff` of the office day; with a day, of the season it falls in."""
        table = self.raw["hours"]
        for season in table.get("seasons", ()) if on else ():
            assert on is not None
            if in_season(f"{on:%m-%d}", season["from"], season["to"]):
                return time.fromisoformat(season[name])
        return time.fromisoformat(table[name])

    @property
    def identity_readers(self) -> tuple[str, ...]:
        """Consulted bodies that read the numbers of identity papers in what is sent to them."""
        return tuple(self.raw["personal_data"]["identity_papers"])

    # --- what the office still has to confirm

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every statement of the profile that has a standing. Legal texts are compared with the gazette on a page of their own."""
        return tuple(_entries(self))

    @property
    def unconfirmed(self) -> tuple[Entry, ...]:
        """Statements that rest on memory or on a default of the product until the office ticks them."""
        return tuple(entry for entry in self.entries if entry.standing == "unconfirmed")


# --- reading ------------------------------------------------------------------------------------------------------


def _text(row: Mapping[str, str]) -> Text:
    return Text(row["vi"], row["en"])


def _day(value: Any) -> date | None:
    """A TOML date, or one written as text; None stays None."""
    return date.fromisoformat(str(value)) if value is not None else None


def _agency(r: Mapping[str, Any]) -> Agency:
    return Agency(
        r["code"], r["kind"], _text(r["name"]), r.get("silence_means", "none"), r.get("silence_basis", "office"), _day(r.get("valid_from")),
        _day(r.get("valid_to")), r.get("successor"), r.get("phone", ""), r.get("email", ""), r["standing"], r["source"],
    )  # fmt: skip


def _head_lines(row: Mapping[str, Any]) -> HeadLines:
    return HeadLines(_text(row["superior"]) if "superior" in row else None, tuple(map(_text, row["lines"])), row["symbol"])


def in_season(day: str, first: str, last: str) -> bool:
    """Whether a month-day lies in a season, which may run over New Year."""
    return first <= day <= last if first <= last else day >= first or day <= last


def covering(codes: Iterable[str], basis: str) -> str | None:
    """The code of the catalogue that a basis rests on, the longest one where several fit; None without one."""
    fitting = [code for code in codes if basis == code or basis.startswith(f"{code}/")]
    return max(fitting, key=len, default=None)


def _entries(profile: Profile) -> Iterator[Entry]:
    raw, code = profile.raw, profile.code
    for section, key in IDENTITY.items():
        for row in raw[section] if section in SECTIONS else ():
            if "standing" in row:  # of a rule several versions may stand side by side
                yield _entry(code, section, f"{row[key]}@{row['from']}" if section == "rules" else str(row[key]), row)
    for name in _TABLES:
        if "standing" in raw[name]:
            yield _entry(code, name, name, raw[name])
    for name, row in raw["targets"].items():
        yield _entry(code, "targets", name, row)


def _entry(code: str, section: str, key: str, row: Mapping[str, Any]) -> Entry:
    spoken = row.get("name") or row.get("label") or row.get("title") or row.get("text")
    label = (
        _text(spoken) if isinstance(spoken, Mapping) else Text(str(spoken), str(spoken)) if spoken else SECTIONS[section] if key == section else Text(key, key)
    )
    singular = {"agencies": "agency", "communes": "commune", "report_lines": "report_line", "leaders": "leader", "subscribers": "subscriber"}
    subject = f"{code}/{singular.get(section, section)}/{key}"
    return Entry(subject, section, key, label, _said(row), row["standing"], str(row.get("source") or row.get("basis") or ""))


_NOT_SAID = ("standing", "source", "basis", "name", "label", "title", "text", "why", "code", "what", "rule", "vi", "en", "silence_basis", "lines", "note")


def _said(row: Mapping[str, Any]) -> str:
    """What a row states besides its name and its source: `opens 07:30, closes 17:00`."""
    return ", ".join(f"{key} {_value(value)}" for key, value in row.items() if key not in _NOT_SAID and value not in ("", [], {}))


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"({_said(value) or value.get('vi', '')})"
    if isinstance(value, list):
        return " + ".join(map(_value, value))
    return {"True": "yes", "False": "no"}.get(str(value), str(value))


def merged(national: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """One profile of both: tables key by key, rows by their identity, anything else the locality's."""
    found = dict(national)
    for name, value in own.items():
        there = found.get(name)
        if isinstance(there, dict) and isinstance(value, dict):
            found[name] = {**there, **value}
        elif name in IDENTITY and isinstance(there, list) and isinstance(value, list):
            found[name] = _rows_of_both(IDENTITY[name], there, value)
        else:
            found[name] = value
    return found


def _rows_of_both(key: str, national: list[Any], own: list[Any]) -> list[Any]:
    named = [row.get(key) for row in own if isinstance(row, dict)]
    return [row for row in national if not (isinstance(row, dict) and row.get(key) in named)] + own


def read_national() -> dict[str, Any]:
    """The shared national files as one table; a file's keys are its own, so that none hides another."""
    found: dict[str, Any] = {"rules": []}  # a locality need not have a rule of its own
    for name in SHARED:
        found |= tomllib.loads((FOLDER / "national" / f"{name}.toml").read_text("utf-8"))
    return found


def known() -> list[str]:
    """Codes of the profiles that are here."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_profile(code: str) -> Profile:
    """Load a profile by its code.

    Raises `FileNotFoundError` naming the known ones, and `BadProfile` with every fault by file and key.
    """
    from workflow.locality_check import check_file

    path = FOLDER / f"{code}.toml"
    if not re.fullmatch(r"[a-z][a-z0-9-]{1,39}", code) or not path.is_file():
        raise FileNotFoundError(f"Không có địa phương {code}; hiện có: {', '.join(known())} / no locality {code}; known: {', '.join(known())}")
    data, faults = check_file(path)
    if faults:
        raise BadProfile(str(fault) for fault in faults)
    return Profile(code, data)


# --- the database -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installation changed: codes of bodies and of legal texts, how many rule versions and communes were added."""

    agencies: tuple[str, ...]
    texts: tuple[str, ...]
    rules: int
    communes: int = 0

    def __bool__(self) -> bool:
        return bool(self.agencies or self.texts or self.rules or self.communes)


def install(connection: Connection, profile: Profile, actor: Actor = CLOCK) -> Installed:
    """Enter what the profile says of bodies, legal texts and rules, and fill the list of communes; a second time changes nothing.

    A body keeps telephone, e-mail and meaning of silence once it is there: those are changed inside, on the record, and
    the last one by two persons. What changed is one entry of the record in stream `system`.
    """
    agencies = tuple(a.code for a in profile.agencies.values() if _enter_agency(connection, a))
    texts = tuple(t.code for t in profile.law.values() if enter_text(connection, t))
    added = rules.seed_rules(connection, profile.code, profile.rule_overrides)
    done = Installed(agencies, texts, added, place_files.seed(connection, profile.listed, profile.communes, actor))
    if done:
        what = {"locality": profile.code, "version": profile.version, "agencies": list(agencies), "texts": list(texts), "rules": done.rules}
        what |= {"communes": done.communes} if done.communes else {}
        system.record(connection, actor, "profile.install", what)
    return done


def iso(value: date | None) -> str | None:
    """A day as it is stored; None stays None."""
    return value.isoformat() if value else None


def _enter_agency(connection: Connection, agency: Agency) -> bool:
    """Insert or bring up to date one organisation; answers whether a row changed."""
    wanted = {
        "kind": agency.kind, "name_vi": agency.name.vi, "name_en": agency.name.en, "valid_from": iso(agency.valid_from),
        "valid_to": iso(agency.valid_to), "successor": agency.successor, "active": agency.covers(clock.today()),
    }  # fmt: skip
    rows = store.query(
        connection,
        "SELECT kind, name_vi, name_en, valid_from, valid_to, successor, active, phone, email FROM organisations WHERE code = :code",
        code=agency.code,
    )
    if not rows:
        return _add_agency(connection, agency, wanted)
    there = {**rows[0], "active": bool(rows[0]["active"])}
    wanted |= {"phone": there["phone"] or agency.phone, "email": there["email"] or agency.email}
    if there == wanted:
        return False
    store.execute(
        connection,
        "UPDATE organisations SET kind = :kind, name_vi = :name_vi, name_en = :name_en, valid_from = :valid_from, valid_to = :valid_to,"
        " successor = :successor, active = :active, phone = :phone, email = :email WHERE code = :code",
        code=agency.code,
        **wanted,
    )
    return True


def _add_agency(connection: Connection, agency: Agency, wanted: Mapping[str, Any]) -> bool:
    added = store.execute(
        connection,
        "INSERT INTO organisations (id, code, kind, name_vi, name_en, silence_means, active, email, phone, valid_from, valid_to, successor)"
        " VALUES (:id, :code, :kind, :name_vi, :name_en, :silence, :active, :email, :phone, :valid_from, :valid_to, :successor)"
        " ON CONFLICT (code) DO NOTHING",
        id=public_id(), code=agency.code, silence=agency.silence_means, email=agency.email, phone=agency.phone, **wanted,
    )  # fmt: skip
    return added > 0


def enter_text(connection: Connection, text: LegalText) -> bool:
    """Insert or bring up to date one legal text; a changed one has to be compared with the gazette again."""
    wanted = {
        "number": text.number, "title_vi": text.title.vi, "title_en": text.title.en, "issued_on": iso(text.issued_on),
        "valid_from": iso(text.valid_from), "valid_to": iso(text.valid_to), "successor": text.successor,
    }  # fmt: skip
    rows = store.query(
        connection, "SELECT number, title_vi, title_en, issued_on, valid_from, valid_to, successor FROM legal_texts WHERE code = :code", code=text.code
    )
    if rows and dict(rows[0]) == wanted:
        return False
    touched = store.execute(
        connection,
        "INSERT INTO legal_texts (code, number, title_vi, title_en, issued_on, valid_from, valid_to, successor)"
        " VALUES (:code, :number, :title_vi, :title_en, :issued_on, :valid_from, :valid_to, :successor)"
        " ON CONFLICT (code) DO UPDATE SET number = excluded.number, title_vi = excluded.title_vi, title_en = excluded.title_en,"
        " issued_on = excluded.issued_on, valid_from = excluded.valid_from, valid_to = excluded.valid_to, successor = excluded.successor,"
        " checked_by = NULL, checked_at = NULL",
        code=text.code,
        **wanted,
    )
    return touched > 0


def stored(database: Database) -> str:
    """The locality that this database was set to by `fpd locality use`; empty where it never was, or has no tables yet."""
    if not inspect(database.engine).has_table("office_settings"):
        return ""
    with database.read() as connection:
        return _stored(connection)


def _stored(connection: Connection) -> str:
    rows = store.query(connection, "SELECT value FROM office_settings WHERE name = :name", name=SETTING)
    return str(rows[0]["value"]) if rows else ""


def in_force(database: Database) -> str:
    """The locality of this database where no setting names one: what it was set to, else the default."""
    return stored(database) or DEFAULT


def settle(database: Database, profile: Profile) -> Installed:
    """Install a profile after a migration; raises `LocalityRefused` where the cases here are another locality's."""

    def work(connection: Connection) -> Installed:
        _refuse_foreign_cases(connection, profile, "")
        return install(connection, profile)

    return database.transact(work)


def use(database: Database, code: str, actor: Actor = CLOCK) -> Installed:
    """Set the locality of this database and install its profile, all in one transaction.

    Raises what `load_profile` raises, and `LocalityRefused` where cases of another locality are here.
    """
    profile = load_profile(code)
    return database.transact(lambda connection: _use(connection, profile, actor))


def _use(connection: Connection, profile: Profile, actor: Actor) -> Installed:
    before = _stored(connection)
    _refuse_foreign_cases(connection, profile, before)
    store.execute(
        connection,
        "INSERT INTO office_settings (name, value, by_id, at) VALUES (:name, :value, :by, :at)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value, by_id = excluded.by_id, at = excluded.at",
        name=SETTING, value=profile.code, by=actor.id, at=clock.stamp(clock.now()),
    )  # fmt: skip
    _retire_bodies_of(connection, before, profile)
    done = install(connection, profile, actor)
    if before != profile.code:
        system.record(connection, actor, "locality.use", {"locality": profile.code, "before": before, "version": profile.version})
    return done


def _refuse_foreign_cases(connection: Connection, profile: Profile, before: str) -> None:
    """A printed code begins with the locality's prefix; a draft has none yet and counts for the locality set before."""
    foreign = store.query(connection, "SELECT count(*) AS n FROM cases WHERE code IS NOT NULL AND code NOT LIKE :own", own=f"{profile.prefix}-%")[0]["n"]
    if not foreign and before and before != profile.code:
        foreign = store.query(connection, "SELECT count(*) AS n FROM cases")[0]["n"]
    if foreign:
        raise LocalityRefused(LocalityRefused.text.format(cases=foreign, there=before or "?", wanted=profile.code))


def _retire_bodies_of(connection: Connection, before: str, profile: Profile) -> None:
    """Bodies that only the locality set before has are no choice any more; their rows stay for what names them."""
    if not before or before == profile.code or not (FOLDER / f"{before}.toml").is_file():
        return
    for code in load_profile(before).agencies.keys() - profile.agencies.keys():
        store.execute(connection, "UPDATE organisations SET active = :no WHERE code = :code", no=False, code=code)


# --- confirmations ------------------------------------------------------------------------------------------------


def confirmed(connection: Connection) -> dict[str, dict[str, Any]]:
    """What the office has ticked, by subject: by whom, when, with which note."""
    rows = store.query(
        connection, "SELECT c.subject, c.at, c.note, u.name AS by_name FROM confirmations c LEFT JOIN users u ON u.id = c.by_id ORDER BY c.subject"
    )
    return {row["subject"]: row for row in rows}


def confirm(connection: Connection, profile: Profile, actor: Actor, subjects: Iterable[str], note: str) -> int:
    """Tick statements of the profile as compared with their source; answers how many were not ticked before.

    A subject that the profile does not list as unconfirmed is left out. The record keeps what each entry said at the time.
    """
    said = {entry.subject: entry.said for entry in profile.unconfirmed}
    open_ = said.keys() - confirmed(connection).keys()
    ticked = [subject for subject in dict.fromkeys(subjects) if subject in open_]
    for subject in ticked:
        store.execute(
            connection,
            "INSERT INTO confirmations (subject, by_id, at, note) VALUES (:subject, :by, :at, :note) ON CONFLICT (subject) DO NOTHING",
            subject=subject, by=actor.id, at=clock.stamp(clock.now()), note=note,
        )  # fmt: skip
    if ticked:
        system.record(connection, actor, "profile.confirm", {"locality": profile.code, "subjects": {s: said[s] for s in ticked}, "note": note})
    return len(ticked)
