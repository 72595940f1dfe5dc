"""Checks a locality profile before it is used: every fault at once, each with file, key and a sentence.

First each file by the table of keys below (unknown keys, types, texts in both languages), then the profile as a whole
(what refers to what). Nothing in a file can make the check fail by itself: whatever is not as it should be is a fault.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from states import FLOWS
from states.kinds.letter import LETTERS
from states.language import Group, Rows, Text
from states.roles import ROLES
from workflow import localities, rules
from workflow.fold import fold

KINDS = ("requesting", "department", "committee", "leader_office", "consulted", "oversight", "party", "commune", "ministry", "informed")
MARKS = ("border", "belt", "gate", "prohibited", "sea", "island", "military", "heritage", "geopark")
SILENCE = ("none", "no_objection", "blocking")
LEVELS = ("party", "council", "committee", "department", "commune", "national")
EVENTS = ("approved", "reported")
# Which kinds of body may answer for a leader of a level: Party, Council and Committee have an office for it, the others answer themselves.
OFFICES = {
    "party": ("leader_office",), "council": ("leader_office",), "committee": ("leader_office",),
    "department": ("leader_office", "department", "consulted"), "commune": ("leader_office", "commune"), "national": (),
}  # fmt: skip
# Bodies that the national rules, letters and pages name: every locality has them under these codes.
REQUIRED = (
    "sngv", "ubnd", "vp_ubnd", "vp_tinh_uy", "vp_doan_dbqh_hdnd", "cong_an", "bo_chqs", "bien_phong", "so_vhttdl", "so_nnmt", "so_congthuong", "so_gddt",
    "so_yte", "so_noivu", "so_dantoc", "bql_kcn", "ban_tuyengiao_danvan", "ban_chi_dao_ttdn", "lien_hiep_huu_nghi", "thanh_tra", "quan_tri", "bo_ngoai_giao",
)  # fmt: skip

T = {
    "unknown": Text("không có khóa này; các khóa: {known}", "there is no such key; the keys are: {known}"),
    "missing": Text("thiếu khóa này", "this key is missing"),
    "type": Text("phải là {wanted}, không phải {found}", "must be {wanted}, not {found}"),
    "empty": Text("thiếu tiếng {language}", "the {language} text is missing"),
    "word": Text("“{value}” không dùng được; chọn một trong: {known}", "“{value}” cannot be used; one of: {known}"),
    "hour": Text("“{value}” không phải giờ dạng 07:30", "“{value}” is no hour such as 07:30"),
    "order": Text("giờ mở cửa {opens} phải trước giờ đóng cửa {closes}", "the office must open ({opens}) before it closes ({closes})"),
    "cutoff": Text("giờ nhận cuối {cutoff} phải trong giờ làm việc {opens}–{closes}", "the cut-off {cutoff} must lie within the office hours {opens}–{closes}"),
    "season": Text("“{value}” không phải tháng-ngày dạng 04-16", "“{value}” is no month and day such as 04-16"),
    "date": Text("“{value}” không phải ngày", "“{value}” is no date"),
    "code": Text("“{value}” không phải mã (chữ thường, số, gạch)", "“{value}” is no code (small letters, digits, dashes)"),
    "blank": Text("không được để trống", "must not be empty"),
    "twice": Text("“{value}” có hai lần", "“{value}” is there twice"),
    "validity": Text("ngày kết thúc {last} trước ngày bắt đầu {first}", "it ends on {last}, before it begins on {first}"),
    "agency": Text("cơ quan “{value}” chưa khai trong agencies", "the body “{value}” is not declared in agencies"),
    "required": Text("thiếu cơ quan “{value}” mà quy tắc chung cần", "the body “{value}” is missing, which the national rules need"),
    "cycle": Text("cơ quan kế thừa thành vòng: {chain}", "the successors run in a circle: {chain}"),
    "office_kind": Text(
        "“{value}” thuộc loại {kind}, không trả lời thay lãnh đạo cấp {level} được", "“{value}” is of kind {kind} and cannot answer for a leader of level {level}"
    ),
    "office_none": Text("lãnh đạo cấp {level} phải có cơ quan trả lời (office)", "a leader of level {level} needs an answering office"),
    "office_national": Text("lãnh đạo trung ương không có cơ quan trả lời tại địa phương", "a national leader has no answering office in the province"),
    "level": Text("thiếu dòng cho lãnh đạo cấp {level}", "there is no row for leaders of level {level}"),
    "basis": Text("căn cứ “{value}” không có trong danh mục văn bản (law)", "the basis “{value}” is covered by no row of the legal texts (law)"),
    "law": Text("văn bản “{value}” chưa khai trong law", "the text “{value}” is not declared in law"),
    "rule": Text("không có quy tắc mang mã “{value}”", "there is no rule of code “{value}”"),
    "unit": Text("đơn vị “{value}” không dùng được cho {code}; chọn: {known}", "the unit “{value}” does not fit {code}; one of: {known}"),
    "upload": Text("“{value}” phải là số nguyên từ 1 đến 10: máy chủ không nhận tệp lớn hơn", "“{value}” has to be a whole number from 1 to 10: the server takes no larger file"),
    "number": Text("“{value}” không phải số đếm", "“{value}” is no count"),
    "field": Text("không có mục hồ sơ “{value}”", "there is no field “{value}” in a dossier"),
    "target": Text("không có mục hồ sơ hay giấy tờ “{value}”", "there is no field and no paper “{value}” in a dossier"),
    "letter": Text("không có loại văn bản “{value}”", "there is no letter “{value}”"),
    "name": Text("mã “{value}” khác tên tệp", "the code “{value}” is not the name of the file"),
    "syntax": Text("lỗi cú pháp TOML: {detail}", "this is no TOML: {detail}"),
    "unreadable": Text("không đọc được tệp: {detail}", "the file cannot be read: {detail}"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: file, key (`agencies[3].name.en`), sentence in both languages."""

    file: str
    key: str
    text: Text

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.text.vi} / {self.text.en}"


Say = Callable[..., None]
Check = Callable[[Any, str, str], Iterator[Fault]]


def _fault(file: str, key: str, name: str, **values: Any) -> Fault:
    """A fault in words; a value that is itself a `Text` stands in each language as it is there."""
    vi = {n: v.vi if isinstance(v, Text) else str(v)[:120] for n, v in values.items()}
    en = {n: v.en if isinstance(v, Text) else str(v)[:120] for n, v in values.items()}
    return Fault(file, key, Text(T[name].vi.format(**vi), T[name].en.format(**en)))


_LANGUAGES = {"vi": Text("Việt", "Vietnamese"), "en": Text("Anh", "English")}

# --- values: each check takes the value, the file and the key -----------------------------------------------------

_NAMES = {
    str: Text("chữ", "text"), bool: Text("true hoặc false", "true or false"), int: Text("số", "a number"), float: Text("số", "a number"),
    dict: Text("bảng", "a table"), list: Text("danh sách", "a list"), date: Text("ngày", "a date"), datetime: Text("thời điểm", "a moment"),
    time: Text("giờ", "a time"),
}  # fmt: skip


def _wrong(file: str, key: str, wanted: type, value: Any) -> Fault:
    return _fault(file, key, "type", wanted=_NAMES[wanted], found=_NAMES.get(type(value), Text("giá trị lạ", "something else")))


def text(value: Any, file: str, key: str) -> Iterator[Fault]:
    """Some text."""
    if not isinstance(value, str):
        yield _wrong(file, key, str, value)
    elif not value.strip():
        yield _fault(file, key, "blank")


def anything(value: Any, file: str, key: str) -> Iterator[Fault]:
    """Text that may be empty."""
    if not isinstance(value, str):
        yield _wrong(file, key, str, value)


def code(value: Any, file: str, key: str) -> Iterator[Fault]:
    """A code as bodies, profiles and targets have one."""
    if not isinstance(value, str):
        yield _wrong(file, key, str, value)
    elif not re.fullmatch(r"[a-z][a-z0-9_-]{1,39}", value):
        yield _fault(file, key, "code", value=value)


def count(value: Any, file: str, key: str) -> Iterator[Fault]:
    """A number that is not below nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield _wrong(file, key, int, value)
    elif not 0 <= value <= 100_000:
        yield _fault(file, key, "number", value=value)


def upload(value: Any, file: str, key: str) -> Iterator[Fault]:
    """Megabytes of one file, which the server's own limit of a request has to leave room for."""
    if isinstance(value, bool) or not isinstance(value, int):
        yield _wrong(file, key, int, value)
    elif not 1 <= value <= 10:
        yield _fault(file, key, "upload", value=value)


def scalar(value: Any, file: str, key: str) -> Iterator[Fault]:
    """A count or a word, as a rule's value may be."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        yield _wrong(file, key, int, value)


def day(value: Any, file: str, key: str) -> Iterator[Fault]:
    """A TOML date, or one written as text."""
    if day_of(value) is None:
        yield _fault(file, key, "date", value=value)


def whole_number(value: Any, file: str, key: str) -> Iterator[Fault]:
    """A whole number from one on."""
    if isinstance(value, bool) or not isinstance(value, int):
        yield _wrong(file, key, int, value)
    elif value < 1:
        yield _fault(file, key, "number", value=value)


def hour(value: Any, file: str, key: str) -> Iterator[Fault]:
    """An hour of the day as text, 07:30."""
    if hour_of(value) is None:
        yield _fault(file, key, "hour", value=value)


def month_day(value: Any, file: str, key: str) -> Iterator[Fault]:
    """A day of every year, 04-16."""
    try:
        date.fromisoformat(f"2024-{value}" if isinstance(value, str) and re.fullmatch(r"\d\d-\d\d", value) else "")
    except ValueError:
        yield _fault(file, key, "season", value=value)


def pair(value: Any, file: str, key: str) -> Iterator[Fault]:
    """A text in both languages."""
    yield from table(_PAIR)(value, file, key)


def _half(language: Text) -> Check:
    def check(value: Any, file: str, key: str) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield _wrong(file, key, str, value)
        elif not value.strip():
            yield _fault(file, key, "empty", language=language)

    return check


def word(*known: str) -> Check:
    """One of a closed list of words."""

    def check(value: Any, file: str, key: str) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield _wrong(file, key, str, value)
        elif value not in known:
            yield _fault(file, key, "word", value=value, known=", ".join(known))

    return check


def each(one: Check) -> Check:
    """A list of such values."""

    def check(value: Any, file: str, key: str) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield _wrong(file, key, list, value)
            return
        for index, item in enumerate(value):
            yield from one(item, file, f"{key}[{index}]")

    return check


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a table: how its value is checked, and whether it may be left out."""

    check: Check
    needed: bool = True


def table(keys: Mapping[str, Key], *, whole: bool = True) -> Check:
    """A table with these keys. `whole` is False for a file that another one completes."""

    def check(value: Any, file: str, key: str) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield _wrong(file, key, dict, value)
            return
        dot = f"{key}." if key else ""
        for name, found in value.items():
            if name not in keys:
                yield _fault(file, f"{dot}{name}", "unknown", known=", ".join(keys))
            else:
                yield from keys[name].check(found, file, f"{dot}{name}")
        for name, item in keys.items() if whole else ():
            if item.needed and name not in value:
                yield _language_missing(file, f"{dot}{name}", name, keys)

    return check


def _language_missing(file: str, key: str, name: str, keys: Mapping[str, Key]) -> Fault:
    if "vi" in keys and name in _LANGUAGES:
        return _fault(file, key, "empty", language=_LANGUAGES[name])
    return _fault(file, key, "missing")


def open_table(one: Check, also: Mapping[str, Key] | None = None) -> Check:
    """A table whose keys the file chooses, and some fixed ones."""

    def check(value: Any, file: str, key: str) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield _wrong(file, key, dict, value)
            return
        for name, found in value.items():
            yield from (also[name].check if also and name in also else one)(found, file, f"{key}.{name}")

    return check


# --- the keys of a profile ----------------------------------------------------------------------------------------

_PAIR = {name: Key(_half(language)) for name, language in _LANGUAGES.items()}
_STANDING = Key(word("sourced", "unconfirmed"))
_SOURCE = Key(text, False)
_BASIS = Key(text)
_CODE, _CODES = Key(code), Key(each(code))
_HOURS = {"opens": Key(hour), "closes": Key(hour), "cutoff": Key(hour)}
_HEAD = {"symbol": Key(text), "superior": Key(pair, False), "lines": Key(each(pair))}

AGENCY = {
    "code": _CODE, "kind": Key(word(*KINDS)), "name": Key(pair), "silence_means": Key(word(*SILENCE), False), "silence_basis": Key(text, False),
    "valid_from": Key(day, False), "valid_to": Key(day, False), "successor": Key(code, False), "phone": Key(anything, False),
    "email": Key(anything, False), "standing": _STANDING, "source": Key(text),
}  # fmt: skip
COMMUNE = {"name": Key(text), "old": Key(each(text)), "marks": Key(each(word(*MARKS))), "standing": _STANDING, "source": Key(text)}
LEADER = {
    "rule": Key(word("R12", "R13", "R14", "R15"), False), "agency": _CODE, "office": Key(code, False), "level": Key(word(*LEVELS)), "label": Key(pair),
    "basis": _BASIS, "standing": _STANDING, "source": _SOURCE,
}  # fmt: skip
RULE = {
    "code": Key(text), "value": Key(scalar), "unit": Key(word(*rules.UNITS)), "basis": _BASIS, "from": Key(day), "to": Key(day, False), "standing": _STANDING,
}  # fmt: skip
LAW = {
    "code": Key(text), "number": Key(text), "title": Key(pair), "issued_on": Key(day, False), "valid_from": Key(day, False), "valid_to": Key(day, False),
    "successor": Key(text, False), "standing": _STANDING,
}  # fmt: skip
REPORT_LINE = {
    "what": _CODE, "label": Key(pair), "to": _CODE, "via": Key(code, False), "copies": _CODES, "rule": Key(text, False), "basis": _BASIS,
    "standing": _STANDING, "source": _SOURCE,
}  # fmt: skip
SIGNATURE = {
    "code": _CODE, "form": Key(word("HEAD", "TM", "KT", "TL", "TUQ", "Q")), "body": Key(word("department", "committee")), "lines": Key(each(pair)),
    "basis": _BASIS, "standing": _STANDING,
}  # fmt: skip
GROUND = {
    "code": _CODE, "for": Key(each(word("reject", "not_accepted", "revoke", "decline"))), "basis": _BASIS, "label": Key(pair), "standing": _STANDING,
}  # fmt: skip
RETURN = {"code": _CODE, "on": Key(each(text)), "basis": _BASIS, "text": Key(pair), "standing": _STANDING}
TARGET = {
    "value": Key(count), "unit": Key(word("wd", "d", "h", "months", "minutes", "percent")), "label": Key(pair), "basis": _BASIS, "standing": _STANDING, "source": _SOURCE,
}  # fmt: skip
TABLES: dict[str, Mapping[str, Key]] = {
    "name": _PAIR, "place": _PAIR, "committee": _PAIR,
    "desk": {**_PAIR, "phone": Key(anything), "standing": Key(word("sourced", "unconfirmed"), False)},
    "hours": {
        **_HOURS, "basis": _BASIS, "standing": _STANDING, "source": _SOURCE,
        "seasons": Key(each(table({"from": Key(month_day), "to": Key(month_day), **_HOURS})), False),
    },
    "head": {
        "place": Key(pair), "unit_suffix": Key(text), "committee": Key(table(_HEAD)), "department": Key(table(_HEAD)), "standing": _STANDING, "source": _SOURCE,
    },
    "personal_data": {"identity_papers": _CODES, "basis": _BASIS, "standing": _STANDING},
    "fee": {**_PAIR, "basis": _BASIS, "standing": _STANDING},
    "tracking": {
        **{name: Key(whole_number) for name in ("per_address", "per_case_from_address", "per_case", "window_minutes", "known_days")},
        "basis": _BASIS, "standing": _STANDING,
    },
    "papers": {
        "file_mb": Key(upload), "case_files": Key(count), "case_mb": Key(count), "uploads_an_hour": Key(count), "reads_an_hour": Key(count),
        "basis": _BASIS, "standing": _STANDING,
    },
    "recipients": {
        "list": Key(each(table({"agency": _CODE, "note": Key(pair)}))), "archive": Key(text), "standing": _STANDING, "source": _SOURCE,
    },
}  # fmt: skip
LISTS: dict[str, Mapping[str, Key]] = {
    "agencies": AGENCY, "communes": COMMUNE, "leaders": LEADER, "rules": RULE, "law": LAW, "report_lines": REPORT_LINE, "signature_forms": SIGNATURE,
    "grounds": GROUND, "returns": RETURN,
    "subscribers": {"agency": _CODE, "events": Key(each(word(*EVENTS))), "standing": _STANDING, "source": _SOURCE},
}  # fmt: skip
PLAIN: dict[str, Check] = {
    "code": code, "prefix": text, "version": count, "source": each(text), "minor_fields": each(text), "routing_off": each(text),
    "routing_rules": each(open_table(lambda *_: iter(()))),
    "signers": open_table(each(word(*ROLES))), "targets": open_table(table(TARGET)), "sectors": open_table(code, {"standing": _STANDING, "source": Key(text)}),
}  # fmt: skip
OPTIONAL = ("routing_off", "routing_rules")


def _keys(whole: bool) -> dict[str, Key]:
    """The keys of a file: with `whole` those of a finished profile, none of whose parts may be missing."""
    found = {name: Key(check, name not in OPTIONAL) for name, check in PLAIN.items()}
    found |= {name: Key(table(keys, whole=whole)) for name, keys in TABLES.items()}
    # Rows are whole in the file they stand in and have been looked at there, under their place in that file.
    return found | {name: Key((lambda *_: iter(())) if whole else each(table(keys))) for name, keys in LISTS.items()}


_PART, _WHOLE = _keys(False), _keys(True)


# --- reading what may be anything ---------------------------------------------------------------------------------


def day_of(value: Any) -> date | None:
    """The date of a value, None where it is none."""
    if isinstance(value, datetime):
        return None
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def hour_of(value: Any) -> time | None:
    """The hour of a value, None where it is none."""
    try:
        return time.fromisoformat(value) if isinstance(value, str) and re.fullmatch(r"\d\d:\d\d", value) else None
    except ValueError:
        return None


def rows_of(data: Mapping[str, Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables of a list with their keys; whatever is no table has been told of already."""
    found = data.get(name)
    for index, row in enumerate(found if isinstance(found, list) else ()):
        if isinstance(row, dict):
            yield f"{name}[{index}]", row


def words_of(row: Mapping[str, Any], name: str) -> list[str]:
    """The texts of a list in a row."""
    found = row.get(name)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def tables_of(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A table, empty where there is none."""
    found = data.get(name)
    return found if isinstance(found, dict) else {}


# --- what refers to what ------------------------------------------------------------------------------------------


@dataclass
class _Whole:
    """A profile as a whole, under the name of one file. Faults are gathered; keys point into the merged lists."""

    data: Mapping[str, Any]
    file: str
    keys_of: Callable[[str, Mapping[str, Any], str], tuple[str, str]]
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.agencies = {row["code"]: row for _, row in rows_of(self.data, "agencies") if isinstance(row.get("code"), str)}
        self.law = {row["code"] for _, row in rows_of(self.data, "law") if isinstance(row.get("code"), str)}

    def say(self, key: str, name: str, **values: Any) -> None:
        """A fault of the profile's own file."""
        self.faults.append(_fault(self.file, key, name, **values))

    def rows(self, name: str) -> Iterator[tuple[Say, dict[str, Any]]]:
        """The rows of a list, each with what tells of its faults by the file and place it stands in."""
        for key, row in rows_of(self.data, name):
            file, place = self.keys_of(name, row, key)

            def say(part: str, what: str, *, _file: str = file, _place: str = place, **values: Any) -> None:
                self.faults.append(_fault(_file, f"{_place}.{part}" if part else _place, what, **values))

            yield say, row

    def agency(self, say: Say, part: str, value: Any) -> bool:
        """Tell of a body that is not declared."""
        if isinstance(value, str) and value not in self.agencies:
            say(part, "agency", value=value)
            return False
        return isinstance(value, str)

    def own(self, key: str) -> Say:
        """Faults of a key of the profile's own file."""
        return lambda part, what, **values: self.say(f"{key}.{part}" if part else key, what, **values)


def _twice(whole: _Whole) -> None:
    for name, key in localities.IDENTITY.items():
        seen: set[Any] = set()
        for say, row in whole.rows(name):
            value = row.get(key)
            if not isinstance(value, str):
                continue
            mark = fold(value) if name == "communes" else (value, str(row.get("from"))) if name == "rules" else value
            if mark in seen:
                say(key, "twice", value=value)
            seen.add(mark)


def _validity(whole: _Whole) -> None:
    for name, first, last in (("agencies", "valid_from", "valid_to"), ("law", "valid_from", "valid_to"), ("rules", "from", "to")):
        for say, row in whole.rows(name):
            start, end = day_of(row.get(first)), day_of(row.get(last))
            if start and end and end < start:
                say(last, "validity", first=start, last=end)


def _bodies(whole: _Whole) -> None:
    for code_ in REQUIRED:
        if code_ not in whole.agencies:
            whole.say("agencies", "required", value=code_)
    for say, row in whole.rows("agencies"):
        if "successor" in row and whole.agency(say, "successor", row["successor"]):
            chain = _circle(whole.agencies, row)
            if chain:
                say("successor", "cycle", chain=" → ".join(chain))
        if row.get("kind") == "consulted" and "silence_means" not in row:
            say("silence_means", "missing")
        if "silence_means" in row and "silence_basis" not in row:
            say("silence_basis", "missing")


def _circle(agencies: Mapping[str, Mapping[str, Any]], row: Mapping[str, Any]) -> list[str]:
    """The chain of successors if it comes back to its beginning."""
    start, chain = row.get("code"), [str(row.get("code"))]
    following = row.get("successor")
    while isinstance(following, str) and len(chain) <= len(agencies):
        chain.append(following)
        if following == start:
            return chain
        following = agencies.get(following, {}).get("successor")
    return []


def _texts(whole: _Whole) -> None:
    for say, row in whole.rows("law"):
        following = row.get("successor")
        if isinstance(following, str) and following not in whole.law:
            say("successor", "law", value=following)


def _leaders(whole: _Whole) -> None:
    levels = set()
    for say, row in whole.rows("leaders"):
        level, office = row.get("level"), row.get("office")
        whole.agency(say, "agency", row.get("agency"))
        if not isinstance(level, str) or level not in OFFICES:
            continue
        levels.add(level)
        if level == "national":
            if office is not None:
                say("office", "office_national")
        elif office is None:
            say("office", "office_none", level=level)
        elif whole.agency(say, "office", office) and whole.agencies[office].get("kind") not in OFFICES[level]:
            say("office", "office_kind", value=office, kind=whole.agencies[office].get("kind"), level=level)
    for level in LEVELS:
        if level not in levels:
            whole.say("leaders", "level", level=level)


def _mentions(whole: _Whole) -> None:
    """Bodies named by subscribers, reports, letters, sectors and personal data."""
    for say, row in whole.rows("subscribers"):
        whole.agency(say, "agency", row.get("agency"))
    for say, row in whole.rows("report_lines"):
        for part in ("to", "via"):
            whole.agency(say, part, row.get(part))
        for index, copied in enumerate(words_of(row, "copies")):
            whole.agency(say, f"copies[{index}]", copied)
        _known_rule(say, row.get("rule"))
    for index, (_, row) in enumerate(rows_of(tables_of(whole.data, "recipients"), "list")):
        whole.agency(whole.own(f"recipients.list[{index}]"), "agency", row.get("agency"))
    for topic, value in tables_of(whole.data, "sectors").items():
        if topic not in ("source", "standing"):
            whole.agency(whole.own("sectors"), topic, value)
    for index, value in enumerate(words_of(tables_of(whole.data, "personal_data"), "identity_papers")):
        whole.agency(whole.own("personal_data"), f"identity_papers[{index}]", value)


def _known_rule(say: Say, value: Any) -> bool:
    if isinstance(value, str) and value not in rules.declared():
        say("rule", "rule", value=value)
        return False
    return True


def _overrides(whole: _Whole) -> None:
    """Rows of the rule table: a known code, the unit that this code is counted in, a value that is a count where it has to be."""
    declared = rules.declared()
    for say, row in whole.rows("rules"):
        value, unit, code_ = row.get("value"), row.get("unit"), row.get("code")
        if not isinstance(code_, str):
            continue
        if code_ not in declared:
            say("code", "rule", value=code_)
            continue
        units = ("text",) if any(v["unit"] == "text" for v in declared[code_]["version"]) else ("wd", "d", "h")
        if isinstance(unit, str) and unit in rules.UNITS and unit not in units:
            say("unit", "unit", value=unit, code=code_, known=", ".join(units))
        if unit != "text" and not _counts(value):
            say("value", "number", value=value)


def _counts(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and 0 <= float(value) <= 100_000
    except (TypeError, ValueError, OverflowError):
        return False


def _bases(whole: _Whole) -> None:
    for say, key, value in _walk(whole):
        if isinstance(value, str) and value.strip() and localities.covering(whole.law, value) is None:
            say(key, "basis", value=value)


def _walk(whole: _Whole) -> Iterator[tuple[Say, str, Any]]:
    """Every basis of the profile."""
    for name in LISTS:
        for say, row in whole.rows(name):
            yield from ((say, key, row[key]) for key in ("basis", "silence_basis") if key in row)
    for name in TABLES:
        if "basis" in tables_of(whole.data, name):
            yield whole.own(name), "basis", whole.data[name]["basis"]
    for part, row in tables_of(whole.data, "targets").items():
        if isinstance(row, dict) and "basis" in row:
            yield whole.own("targets"), f"{part}.basis", row["basis"]


def _hours(whole: _Whole) -> None:
    hours = tables_of(whole.data, "hours")
    _one_day(whole.own("hours"), hours)
    for key, season in rows_of(hours, "seasons"):
        _one_day(whole.own(f"hours.{key}"), season)


def _one_day(say: Say, row: Mapping[str, Any]) -> None:
    opens, closes, cutoff = (hour_of(row.get(name)) for name in ("opens", "closes", "cutoff"))
    if opens and closes and not opens < closes:
        say("closes", "order", opens=f"{opens:%H:%M}", closes=f"{closes:%H:%M}")
    elif opens and closes and cutoff and not opens <= cutoff <= closes:
        say("cutoff", "cutoff", cutoff=f"{cutoff:%H:%M}", opens=f"{opens:%H:%M}", closes=f"{closes:%H:%M}")


def dossier_fields() -> frozenset[str]:
    """The fields that a visit or an interview has, `contact.phone` for one inside a group or a row."""
    found = set()
    for kind in ("visit", "interview"):
        for item in FLOWS[kind].fields:
            found.add(item.name)
            found |= {f"{item.name}.{part.name}" for part in (item.fields if isinstance(item, Group | Rows) else ())}
    return frozenset(found)


def return_targets() -> frozenset[str]:
    """What a reason for a return may name: fields, lists and parts with all that is in them, papers, or anything."""
    fields = dossier_fields()
    inner = {f"{name.partition('.')[0]}.*" for name in fields if "." in name}
    papers = {f"paper:{paper.name}" for kind in ("visit", "interview") for paper in FLOWS[kind].papers if not paper.office}
    return frozenset({*fields, *inner, *papers, "paper:*", "*"})


def _returns(whole: _Whole) -> None:
    known = return_targets()
    for say, row in whole.rows("returns"):
        for index, value in enumerate(words_of(row, "on")):
            if value not in known:
                say(f"on[{index}]", "target", value=value)


def _others(whole: _Whole) -> None:
    fields = dossier_fields()
    for index, name in enumerate(words_of(whole.data, "minor_fields")):
        if name not in fields:
            whole.say(f"minor_fields[{index}]", "field", value=name)
    for name in tables_of(whole.data, "signers"):
        if name not in LETTERS:
            whole.say(f"signers.{name}", "letter", value=name)


_ALL = (_twice, _validity, _bodies, _texts, _leaders, _mentions, _overrides, _bases, _hours, _returns, _others)


# --- files --------------------------------------------------------------------------------------------------------


def examine(own: Any, file: str, national: Mapping[str, Any] | None = None) -> list[Fault]:
    """Every fault of a locality's file, read as TOML, together with the national files. Never raises, whatever is in it."""
    if not isinstance(own, dict):
        return [_wrong(file, "", dict, own)]
    base = national if national is not None else localities.read_national()
    faults = list(table(_PART, whole=False)(own, file, ""))
    data = localities.merged(base, own)
    told = {(fault.file, fault.key) for fault in faults}
    faults += [f for f in table(_WHOLE)(data, file, "") if (f.file, f.key) not in told and f.text.en.endswith("missing")]
    whole = _Whole(data, file, _places(own, file))
    for check in _ALL:
        check(whole)
    told = {(fault.file, fault.key) for fault in faults}
    return faults + [fault for fault in dict.fromkeys(whole.faults) if (fault.file, fault.key) not in told]


def _places(own: Mapping[str, Any], file: str) -> Callable[[str, Mapping[str, Any], str], tuple[str, str]]:
    """Where a row of the merged profile stands: in the locality's file at its own place, or in a national one by its code."""
    there = {id(row): (file, key) for name in LISTS for key, row in rows_of(own, name)}
    shared = {"report_lines": "reports", "signature_forms": "signatures"}

    def find(name: str, row: Mapping[str, Any], key: str) -> tuple[str, str]:
        mark = row.get(localities.IDENTITY[name])
        return there.get(id(row), (f"national/{shared.get(name, name)}.toml", f"{name}[{mark}]"))

    return find


def check_file(path: Path, national: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], list[Fault]]:
    """Read and check one locality file; answers the merged profile and its faults (the profile is of use where there are none)."""
    own, faults = read(path)
    if faults:
        return {}, faults
    base = national if national is not None else localities.read_national()
    faults = examine(own, path.name, base)
    if isinstance(own.get("code"), str) and own["code"] != path.stem:
        faults.append(_fault(path.name, "code", "name", value=own["code"]))
    return localities.merged(base, own), faults


def read(path: Path) -> tuple[dict[str, Any], list[Fault]]:
    """The tables of a file, or the fault that keeps it from being read; a syntax error names its line."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8")), []
    except OSError as error:
        return {}, [_fault(path.name, "", "unreadable", detail=error.strerror or error)]
    except (ValueError, RecursionError) as error:  # TOML and UTF-8 errors are ValueErrors
        return {}, [_fault(path.name, _line(path, error), "syntax", detail=error)]


def _line(path: Path, error: Exception) -> str:
    """The line of a syntax error; what was left open is told at the last line of the file."""
    found = re.search(r"line (\d+)", str(error))
    if found or "end of document" not in str(error):
        return found[0] if found else ""
    return f"line {len(path.read_bytes().splitlines())}"


def check_national() -> list[Fault]:
    """Faults of the national files by themselves: their keys and types, and the basis of every rule, routing row and category."""
    faults: list[Fault] = []
    data: dict[str, Any] = {}
    for name in localities.SHARED:
        own, wrong = read(localities.FOLDER / "national" / f"{name}.toml")
        faults += wrong or table(_PART, whole=False)(own, f"national/{name}.toml", "")
        data |= own
    known = {row["code"] for _, row in rows_of(data, "law") if isinstance(row.get("code"), str)}
    for path in sorted((localities.FOLDER / "national").glob("*.toml")):
        if path.stem not in localities.SHARED:
            faults += _bases_of_any(path, known)
    return faults


def _bases_of_any(path: Path, known: Iterable[str]) -> Iterator[Fault]:
    """Bases that no catalogue row covers, anywhere in a file whose other keys are its reader's business."""
    data, wrong = read(path)
    file = f"national/{path.name}"
    yield from (Fault(file, fault.key, fault.text) for fault in wrong)
    waiting: list[tuple[str, Any]] = [("", data)]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{key}.{name}" if key else name, inner) for name, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{key}[{index}]", inner) for index, inner in enumerate(value)]
        elif key.rpartition(".")[2] == "basis" and isinstance(value, str) and localities.covering(known, value) is None:
            yield _fault(file, key, "basis", value=value)
