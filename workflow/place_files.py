"""The list of communes as a file: a province's list comes in as CSV and replaces the one before, ended and never overwritten.

A file is untrusted like any other (`workflow.sheets`). What it would change is told before it is done; all of its faults are
told with their line. The lists of the localities themselves are such files: `localities/communes/<locality>.csv`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from states import roles as R
from states.language import Text
from states.machine import role_refusal
from workflow import chance, clock, sheets, store
from workflow.audit import system
from workflow.authority import CLOCK, SYSTEM, Actor
from workflow.errors import Conflict, Invalid, RoleRefused
from workflow.fold import fold, spelling
from workflow.places import ATTRIBUTES, COLUMNS, KINDS, STANDINGS, Commune, MarkedCommune, Places, provinces, rows_of
from workflow.sheets import WORDS, at, refused

if TYPE_CHECKING:
    from workflow.office import Office

LIMIT = 512 * 1024
ROWS = 5000
HEADER = ("province", "code", "name", "kind", *ATTRIBUTES, "valid_from", "valid_to", "source", "standing")
NEEDED = ("code", "name", "kind", "valid_from")
_FOLDER = Path(__file__).resolve().parent.parent / "localities" / "communes"
_LONGEST = {"code": 12, "name": 80, "source": 300}
_KIND_WORDS = {fold(text.vi): code for code, text in KINDS.items()} | {code: code for code in KINDS}
_VALUE_WORDS = {
    "": "unknown", "unknown": "unknown", "chua xac dinh": "unknown", "?": "unknown", "yes": "yes", "co": "yes", "no": "no", "khong": "no",
}  # fmt: skip
_FIELDS = {
    "province": Text("tỉnh", "province"), "code": Text("mã", "code"), "name": Text("tên", "name"), "kind": Text("loại", "kind"),
    "border": Text("biên giới", "border"), "sea": Text("biển", "sea"), "island": Text("đảo", "island"), "valid_from": Text("từ ngày", "valid from"),
    "valid_to": Text("đến ngày", "valid to"), "source": Text("nguồn", "source"), "standing": Text("tình trạng", "standing"),
}  # fmt: skip
_SAID = {
    "required": Text("cần nhập mục này.", "this is needed."),
    "long": Text("dài quá {n} ký tự.", "longer than {n} characters."),
    "marks": Text("có ký tự không in được.", "it holds characters that cannot be printed."),
    "code": Text("mã gồm chữ số, chữ cái không dấu, gạch.", "a code is figures, plain letters, dashes."),
    "kind": Text("phải là xã, phường hoặc đặc khu.", "is xa (commune), phuong (ward) or dac khu (special zone), with accents or without."),
    "value": Text("phải là yes, no hoặc unknown (có, không, chưa xác định).", "is yes, no or unknown."),
    "standing": Text("phải là sourced, memory hoặc unconfirmed.", "is sourced, memory or unconfirmed."),
    "source": Text("mục có nguồn phải nêu nguồn.", "a sourced row names its source."),
    "date": Text("ngày phải có dạng năm-tháng-ngày và có trong lịch.", "a date is year-month-day and exists."),
    "order": Text("ngày kết thúc trước ngày bắt đầu.", "it ends before it begins."),
    "province": Text("không có tỉnh mang mã này.", "there is no province of this code."),
    "twice": Text("{what} đã có ở dòng {line}.", "{what} stands in line {line} already."),
}  # fmt: skip
_NO_PROVINCE = Text("Tệp không nêu tỉnh; hãy thêm cột province hoặc nêu mã tỉnh.", "The file names no province: add the column province, or name its code.")
_OTHER = Text("Tệp không có dòng nào của tỉnh {code}.", "The file holds no row of province {code}.")
_MEANWHILE = Text(
    "Danh mục vừa được người khác thay đổi; chưa ghi gì, hãy nhập lại.", "Somebody has just changed the list; nothing is written, import it again."
)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a list: a row that begins, one that ends, or one in place of the other."""

    ends: Mapping[str, Any] | None = None
    enters: Mapping[str, Any] | None = None

    @property
    def row(self) -> Mapping[str, Any]:
        """The row it is about: the new one, else the one that ends."""
        found = self.enters if self.enters is not None else self.ends
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file would do to the lists of its provinces: the changes, and how many rows stay as they are."""

    provinces: tuple[str, ...]
    changes: tuple[Change, ...]
    same: int

    @property
    def mark(self) -> str:
        """A short word for exactly these changes: what was shown is what is done."""
        parts = [(c.ends and c.ends["id"], c.enters and sorted(c.enters.items(), key=str)) for c in self.changes]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


# --- reading ------------------------------------------------------------------------------------------------------


def read(data: bytes, province: str = "", *, only: str = "") -> list[dict[str, Any]]:
    """The checked rows of a CSV file, each with its line as `at`; an attribute whose column is absent is left out of its row.

    `province` is meant where a row names none; `only` takes the rows of one province. Raises `Invalid` at `file`, each
    fault with its line.
    """
    given = sheets.rows_of(sheets.text_of(data, LIMIT), HEADER, NEEDED, ROWS)
    if not given:
        raise refused(WORDS["empty"])
    if len(given) > ROWS:
        raise refused(WORDS["many"].format(n=ROWS))
    rows, wrong = [], list[Text]()
    for item in given:
        faults: list[tuple[str, Text]] = []
        row = _checked(item, only or province, faults)
        wrong += [_told(item["at"], name, text) for name, text in faults]
        rows.append(row)
    if wrong:
        raise refused(*wrong)
    rows = [row for row in rows if not only or row["province"] == only]
    if not rows:
        raise refused(_OTHER.format(code=only))
    if any(not row["province"] for row in rows):
        raise refused(_NO_PROVINCE)
    twice = list(_twice(rows))
    if twice:
        raise refused(*twice)
    return rows


def _told(line: str, name: str, text: Text) -> Text:
    label = _FIELDS[name]
    return at(line, Text(f"{label.vi} – {text.vi}", f"{label.en} – {text.en}"))


def _checked(item: Mapping[str, str], province: str, wrong: list[tuple[str, Text]]) -> dict[str, Any]:
    """The columns of a row; what is wrong with it is added to `wrong`."""
    text = {name: " ".join(str(item.get(name) or "").split()) for name in HEADER}
    for name, value in text.items():
        if any(not char.isprintable() for char in value):
            wrong.append((name, _SAID["marks"]))
        elif len(value) > _LONGEST.get(name, 40):
            wrong.append((name, _SAID["long"].format(n=_LONGEST.get(name, 40))))
    row: dict[str, Any] = {"at": item["at"], "source": text["source"], "code": _figures(text["code"], 5)}
    row["province"] = _figures(text["province"], 2) or province
    if row["province"] and row["province"] not in provinces():
        wrong.append(("province", _SAID["province"]))
    if not row["code"].replace("-", "").isalnum() or not row["code"].isascii():
        wrong.append(("code", _SAID["code"] if row["code"] else _SAID["required"]))
    row["kind"] = _one_of(_KIND_WORDS, text["kind"], "kind", "kind", wrong)
    row["name"] = _without_kind(text["name"], row["kind"])
    if not row["name"]:
        wrong.append(("name", _SAID["required"]))
    for name in ATTRIBUTES:
        if name in item:
            row[name] = _one_of(_VALUE_WORDS, text[name], name, "value", wrong)
    row["standing"] = _one_of({code: code for code in STANDINGS} | {"": "unconfirmed"}, text["standing"], "standing", "standing", wrong)
    if row["standing"] == "sourced" and not row["source"]:
        wrong.append(("source", _SAID["source"]))
    row["valid_from"] = _date(text["valid_from"], "valid_from", wrong) or ""
    row["valid_to"] = _date(text["valid_to"], "valid_to", wrong, needed=False)
    if row["valid_to"] and row["valid_from"] > row["valid_to"]:
        wrong.append(("valid_to", _SAID["order"]))
    return row


def _figures(value: str, places: int) -> str:
    """A code as it is kept: a spreadsheet takes the zeros from the front of a number, here they come back."""
    return value.zfill(places) if value.isascii() and value.isdigit() else value


def _one_of(words: Mapping[str, str], value: str, name: str, said: str, wrong: list[tuple[str, Text]]) -> str:
    found = words.get(fold(value))
    if found is None:
        wrong.append((name, _SAID[said]))
    return found or ""


def _without_kind(name: str, kind: str) -> str:
    """`Xã Đàm Thủy` of kind xã is kept as `Đàm Thủy`. Spelled, not folded: the xã called Xà Phiên keeps its name."""
    words, word = name.split(), KINDS[kind].vi.split() if kind else []
    begins = " ".join(words[: len(word)])
    return " ".join(words[len(word) :]) if word and spelling(begins) == spelling(" ".join(word)) else name


def _date(value: str, name: str, wrong: list[tuple[str, Text]], *, needed: bool = True) -> str | None:
    try:
        if value:
            return (date.fromisoformat(value) if len(value) == 10 else date.fromisoformat("")).isoformat()
        if needed:
            wrong.append((name, _SAID["required"]))
    except ValueError:
        wrong.append((name, _SAID["date"]))
    return None


def _twice(rows: Iterable[Mapping[str, Any]]) -> Iterable[Text]:
    """A code, or a name of one kind, that stands for two communes at the same time."""
    seen: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        for name, key in (("code", row["code"]), ("name", f"{row['kind']} {spelling(row['name'])}")):
            others = seen.setdefault((name, row["province"], key), [])
            for other in others:
                if _overlap(row, other):
                    yield _told(row["at"], name, _SAID["twice"].format(what=f"“{row[name]}”", line=other["at"]))
                    break
            others.append(row)


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    begins, ends = max(one["valid_from"], other["valid_from"]), min(one["valid_to"] or "9999", other["valid_to"] or "9999")
    return bool(begins <= ends)


# --- what an import would do, and doing it ------------------------------------------------------------------------


def plan(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> Plan:
    """What these rows would change: each province they speak of has this list afterwards and no other row.

    A row whose attributes the file does not tell keeps those of the row before with the same code.
    """
    codes = tuple(sorted({row["province"] for row in rows}))
    there = [row for code in codes for row in rows_of(connection, code)]
    before = {(row["province"], row["code"]): row for row in there}
    standing = {(row["province"], row["code"], row["valid_from"]): row for row in there}
    changes, same = [], 0
    for given in rows:
        was = before.get((given["province"], given["code"]))
        row = {name: given.get(name, (was or {}).get(name, "unknown")) for name in COLUMNS}
        ends = standing.pop((row["province"], row["code"], row["valid_from"]), None)
        if ends is not None and all(ends[name] == row[name] for name in COLUMNS):
            same += 1
        else:
            changes.append(Change(ends, row))
    changes += [Change(ends=row) for row in standing.values()]
    return Plan(codes, tuple(sorted(changes, key=lambda c: (c.row["province"], c.row["code"], c.row["valid_from"]))), same)


def needs_admin(actor: Actor) -> None:
    """Raises `RoleRefused` for whoever is neither an administrator nor the system."""
    if actor.id != SYSTEM and not actor.has(R.ADMIN):
        raise RoleRefused((role_refusal((R.ADMIN,)),))


def carry_out(office: Office, actor: Actor, wanted: Plan, rows: Sequence[Mapping[str, Any]], name: str) -> None:
    """Replace the lists as the plan says, all or nothing, with one entry of the record for each province.

    `rows` are those the plan was made of. Raises `RoleRefused`, and `Conflict` where the list has changed since.
    """
    needs_admin(actor)

    def work(connection: Connection) -> None:
        for code in wanted.provinces:
            changes = [change for change in wanted.changes if change.row["province"] == code]
            if changes:
                system.record(connection, actor, "places.import", _entry(code, changes, name))
        # The record comes first: its writers wait for each other there, so that the list is compared as the one before left it.
        if plan(connection, rows).mark != wanted.mark:
            raise _changed_meanwhile()
        _write(connection, actor, wanted.changes)

    office.db.transact(work)
    office.forget()


def _changed_meanwhile() -> Conflict:
    found = Conflict("changed_meanwhile")
    found.message = _MEANWHILE
    return found


def _entry(province: str, changes: Sequence[Change], name: str) -> dict[str, Any]:
    """What the record keeps of an import: the rows that began and those that ended."""
    began = [change.enters for change in changes if change.enters is not None]
    ended = [change.ends for change in changes if change.ends is not None]
    return {"province": province, "file": name, "entered": [_told_row(row) for row in began], "ended": [_told_row(row) for row in ended]}


def _told_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in COLUMNS if name != "province"}


def _write(connection: Connection, actor: Actor, changes: Iterable[Change]) -> None:
    now = clock.stamp(clock.now())
    for change in changes:
        if change.ends is not None:
            touched = store.execute(
                connection, "UPDATE communes SET ended_by = :by, ended_at = :at WHERE id = :id AND ended_at IS NULL", by=actor.id, at=now, id=change.ends["id"]
            )
            if not touched:
                raise _changed_meanwhile()
        if change.enters is not None:
            store.execute(
                connection,
                "INSERT INTO communes (id, province, code, name, folded, kind, border, sea, island, valid_from, valid_to, source, standing, entered_by,"
                " entered_at) VALUES (:id, :province, :code, :name, :folded, :kind, :border, :sea, :island, :valid_from, :valid_to, :source, :standing,"
                " :by, :at)",
                id=chance.public_id(), folded=fold(change.enters["name"]), by=actor.id, at=now, **{name: change.enters[name] for name in COLUMNS},
            )  # fmt: skip


# --- out, and the lists that come with the localities -------------------------------------------------------------


def to_csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as a file that can be changed in a spreadsheet and imported again."""
    return sheets.written(HEADER, ([KINDS[row["kind"]].vi if name == "kind" else row[name] for name in HEADER] for row in rows))


@lru_cache(maxsize=8)
def shipped(locality: str, province: str) -> tuple[Commune, ...]:
    """The list that comes with a locality; empty where there is none. Raises `ValueError` with every fault, a line each."""
    path = _FOLDER / f"{locality}.csv"
    if not province or not path.is_file():
        return ()
    try:
        rows = read(path.read_bytes(), province)
    except Invalid as error:
        raise ValueError("\n".join(f"communes/{path.name}: {text.vi} / {text.en}" for text in error.fields["file"])) from None
    return tuple(Commune(**{name: row.get(name, "unknown") for name in COLUMNS}) for row in rows)


def seed(connection: Connection, listed: Sequence[Commune], marked: Sequence[MarkedCommune], actor: Actor = CLOCK) -> int:
    """Fill the list of a province that has never had a row, with the attributes that the profile states; answers how many rows.

    A row that the profile marks rests on the profile's word as well, and is as uncertain as that.
    """
    if not listed or store.query(connection, "SELECT id FROM communes WHERE province = :province LIMIT 1", province=listed[0].province):
        return 0
    said = {found[0].code: mark for mark in marked if len(found := Places(listed).resolve(mark.name)) == 1}
    rows = []
    for commune in Places(listed, marked).communes:
        if commune.code:
            row = {name: asdict(commune)[name] for name in COLUMNS}
            mark = said.get(commune.code)
            if mark is not None and not mark.marks.isdisjoint(ATTRIBUTES):
                row |= {"source": f"{row['source']}; {mark.source}", "standing": mark.standing if row["standing"] == "sourced" else row["standing"]}
            rows.append(row)
    _write(connection, actor, [Change(enters=row) for row in rows])
    return len(rows)
