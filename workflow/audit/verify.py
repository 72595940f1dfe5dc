"""Verifies the record: recomputes every hash from the stored text and holds chain, cases and openings together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection

from states.language import Text
from workflow.audit.entry import GENESIS, commitment, entry_hash, opening_place
from workflow.crypto import Keyring, KeysError, is_sealed
from workflow.errors import NotFound
from workflow.store import cursor_of, keys_of, query

# Columns that repeat what is sealed, and the keys that seal them, in the same order; case_id is sealed by the stream.
SEALED = ("stream", "seq", "prev", "at", "to", "action", "actor", "from", "role", "org", "round")
COLUMNS = (
    "stream", "seq", "prev", "entry_hash", "canonical", "at", "to_state", "action", "actor_id", "from_state", "role", "org_id", "round",
    "case_id",
)  # fmt: skip

COMPLETENESS = "not covered by an outside copy"

SENTENCES: dict[str, Text] = {
    "hash": Text("nội dung mục không khớp dấu niêm", "the entry does not fit its hash"),
    "chain": Text("mục không nối với mục trước", "the entry is not chained to the one before"),
    "gap": Text("thiếu mục hoặc sai thứ tự", "an entry is missing or out of order"),
    "columns": Text("cột khác với nội dung đã niêm", "a column differs from the sealed text"),
    "clock": Text("thời gian chạy lùi", "time runs back within the stream"),
    "commitment": Text("nội dung kèm theo đã bị đổi", "an opening does not fit its commitment"),
    "missing-opening": Text("mất nội dung kèm theo mà không có mục xóa", "an opening is missing without an erasure entry"),
    "stray-opening": Text("nội dung kèm theo không thuộc mục nào", "an opening belongs to no commitment"),
    "head": Text("hồ sơ hoặc dòng lịch sử không khớp mục cuối", "the case, or the stream's own mark, does not fit the last entry"),
    "unreadable": Text("nội dung đã niêm không đọc được", "the sealed text cannot be read"),
    "state": Text("trạng thái hồ sơ khác mục cuối", "the state of the case differs from the last entry"),
    "no-case": Text("có lịch sử nhưng không có hồ sơ", "there are entries but no case"),
    "no-entries": Text("hồ sơ không có lịch sử", "the case has no entries"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit, at one entry."""

    stream: str
    seq: int
    code: str

    @property
    def sentence(self) -> Text:
        """What is wrong, in words."""
        return SENTENCES[self.code]


@dataclass(slots=True)
class Report:
    """What verification found: nothing, or where the record is broken."""

    entries: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def integrity(self) -> str:
        """`clean` or `broken`."""
        return "broken" if self.findings else "clean"

    def lines(self, language: str = "en") -> list[str]:
        """One line a finding, and the verdict last."""
        told = [f"{f.stream} {f.seq} {f.code} {getattr(f.sentence, language)}" for f in self.findings]
        return [*told, f"integrity: {self.integrity}; completeness: {COMPLETENESS}; entries: {self.entries}"]

    def as_dict(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "integrity": self.integrity, "completeness": COMPLETENESS, "entries": self.entries,
            "findings": [{"stream": f.stream, "seq": f.seq, "code": f.code, "message": f.sentence.as_dict()} for f in self.findings],
        }  # fmt: skip


def verify(connection: Connection, case: str | None = None) -> Report:
    """Check the whole record, or one case by id or code, in a constant number of queries (security 4.2, 4.8).

    The connection should hold one snapshot, as `Database.read` gives it. Raises `NotFound` when neither a
    case nor entries bear that reference: nothing was checked then, which must not read as "clean".
    """
    report = Report()
    where, values = "", {}
    if case:
        found = query(connection, "SELECT id FROM cases WHERE id = :ref OR code = :ref", ref=case)
        where, values = " WHERE stream = :stream", {"stream": f"case/{found[0]['id'] if found else case}"}
    openings = _openings(connection, where, values)
    cases = {
        r["id"]: r
        for r in query(
            connection,
            "SELECT id, version, head_hash, state FROM cases" + (" WHERE id = :id" if case else ""),
            **({"id": values["stream"][5:]} if case else {}),
        )
    }
    ends = _chains(connection, where, values, openings, report)
    if case and not cases and not ends:
        raise NotFound()
    for id_, row in cases.items():
        end = ends.pop(f"case/{id_}", None)
        if end is None:
            report.findings.append(Finding(f"case/{id_}", 0, "no-entries"))
        elif (end[0], end[1]) != (row["version"], row["head_hash"]):
            report.findings.append(Finding(f"case/{id_}", row["version"], "head"))
        elif end[2] != row["state"]:
            report.findings.append(Finding(f"case/{id_}", row["version"], "state"))
    if not case:
        report.findings += _other_heads(connection, ends)
    report.findings += [Finding(stream, end[0], "no-case") for stream, end in ends.items() if stream.startswith("case/")]
    return report


def _other_heads(connection: Connection, ends: dict[str, tuple[int, str, str]]) -> list[Finding]:
    """Streams that belong to no case: the last entry is the one that `audit_stream` names."""
    heads = {r["stream"]: (r["seq"], r["head_hash"]) for r in query(connection, "SELECT stream, seq, head_hash FROM audit_stream WHERE seq > 0")}
    others = {stream: end[:2] for stream, end in ends.items() if not stream.startswith("case/")}
    return [Finding(stream, heads.get(stream, (0,))[0], "head") for stream in sorted(heads.keys() | others.keys()) if heads.get(stream) != others.get(stream)]


def _openings(connection: Connection, where: str, values: dict[str, str]) -> dict[tuple[str, int], dict[str, tuple[str, str]]]:
    found: dict[tuple[str, int], dict[str, tuple[str, str]]] = {}
    keys = keys_of(connection)
    for row in query(connection, f"SELECT stream, seq, field, salt, value FROM opening{where}", **values):
        value = _in_full(keys, row["value"], opening_place(row["stream"], row["seq"], row["field"])) if is_sealed(row["value"]) else row["value"]
        found.setdefault((row["stream"], row["seq"]), {})[row["field"]] = (row["salt"], value)
    return found


def _in_full(keys: Keyring | None, text: str, place: str) -> str:
    """The opening as it was committed to; what does not open fits no commitment."""
    try:
        return orjson.dumps(keys.loads(text, place), option=orjson.OPT_SORT_KEYS).decode() if keys else text
    except (KeysError, ValueError):
        return text


def _chains(
    connection: Connection, where: str, values: dict[str, str], openings: dict[tuple[str, int], dict[str, tuple[str, str]]], report: Report
) -> dict[str, tuple[int, str, str]]:
    """Walk every stream in order; answers (last seq, last hash, last state) of each."""
    ends: dict[str, tuple[int, str, str]] = {}
    stream, seq, head, at = "", 0, GENESIS, ""
    cursor = _stream(connection, f"SELECT {', '.join(COLUMNS)} FROM audit_entry{where} ORDER BY stream, seq", values)
    for name, number, prev, stored, text, when, target, *rest in cursor:
        report.entries += 1

        def broken(code: str, name: str = name, number: int = number) -> None:
            report.findings.append(Finding(name, number, code))

        if name != stream:
            stream, seq, head, at = name, 0, GENESIS, ""
        if number != seq + 1:
            broken("gap")
        if prev != head:
            broken("chain")
        if entry_hash(text.encode()) != stored:
            broken("hash")
        document = _read(text)
        if document is None:
            broken("unreadable")
            document = {}
        sealed = [document.get(key) for key in SEALED]
        if sealed != [name, number, prev, when, target, *rest[:-1]] or rest[-1] != _case_of(name):
            broken("columns")
        if when < at:
            broken("clock")
        for code in _commitments(document.get("commitments"), openings.pop((name, number), {})):
            broken(code)
        seq, head, at = number, stored, when
        ends[name] = (number, stored, target)
    cursor.close()
    report.findings += [Finding(name, number, "stray-opening") for name, number in openings]
    return ends


def _case_of(stream: str) -> str | None:
    return stream.removeprefix("case/") if stream.startswith("case/") else None


def _stream(connection: Connection, sql: str, values: dict[str, str]) -> Any:
    """A cursor that does not hold the whole record in memory; on PostgreSQL that takes one with a name."""
    if connection.dialect.name == "postgresql":
        cursor: Any = connection.connection.cursor("fpd_verify")
        cursor.itersize = 2000
        sql = sql.replace(":stream", "%(stream)s")
    else:
        cursor = cursor_of(connection)
    cursor.execute(sql, values)
    return cursor


def _read(text: str) -> dict[str, Any] | None:
    """The sealed document, or None: what an attacker left there may be anything."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("commitments", {}), dict) else None


def _commitments(sealed: dict[str, Any] | None, opened: dict[str, tuple[str, str]]) -> list[str]:
    codes = []
    for name, mark in (sealed or {}).items():
        if name not in opened:
            codes.append("missing-opening")
        elif _commits_to(name, *opened[name]) != mark:
            codes.append("commitment")
    codes += ["stray-opening" for name in opened if name not in (sealed or {})]
    return codes


def _commits_to(name: str, salt: str, value: str) -> str:
    try:
        return commitment(name, bytes.fromhex(salt), value)
    except ValueError:  # the salt is no longer hexadecimal
        return ""
