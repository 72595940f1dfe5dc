"""The catalogue of legal texts: what a rule may cite, from when to when each holds, and who compared it with the gazette.

A basis is written `262/16(3)`: article 16(3) of the text with the code `262`. Number and title of a text come from here
and are typed nowhere else. The rows are entered by the locality profile (`localities/national/law.toml`); this module
reads them and keeps the one thing that a person adds: that the row was compared with *Công báo*.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from states import roles as R
from states.language import Text
from states.machine import role_refusal
from workflow import clock, store, users
from workflow.audit import system
from workflow.authority import Actor
from workflow.errors import NotFound, RoleRefused
from workflow.localities import LegalText, covering, enter_text, iso, legal_text
from workflow.office import Office
from workflow.rules import FOLDER, Rule

OFFICE = "office"
_PART = re.compile(r"(\d+[a-z]?)(?:\((\d+[a-z]?)\))?(?:\(([a-zđ])\))?")


Catalogue = Mapping[str, LegalText]


# --- reading ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def shipped() -> Catalogue:
    """The national catalogue as it comes with the product."""
    return {row["code"]: legal_text(row) for row in tomllib.loads((FOLDER / "law.toml").read_text("utf-8"))["law"]}


def load(connection: Connection) -> Catalogue:
    """Every text by code; the shipped ones where this database has none yet. `checked_by` is the name of the person."""
    rows = store.query(
        connection,
        "SELECT l.code, l.number, l.title_vi, l.title_en, l.issued_on, l.valid_from, l.valid_to, l.successor, l.checked_at,"
        " COALESCE(u.name, l.checked_by) AS checked_by FROM legal_texts l LEFT JOIN users u ON u.id = l.checked_by ORDER BY l.code",
    )
    return {r["code"]: _read(r) for r in rows} or shipped()


def _read(r: Mapping[str, Any]) -> LegalText:
    issued, first, last = (date.fromisoformat(r[name]) if r[name] else None for name in ("issued_on", "valid_from", "valid_to"))
    title = Text(r["title_vi"], r["title_en"])
    return LegalText(r["code"], r["number"], title, issued, first, last, r["successor"], checked_by=r["checked_by"], checked_at=r["checked_at"])


def find(texts: Catalogue, basis: str) -> LegalText | None:
    """The text a basis rests on, the longest code where several fit; None where the catalogue has none."""
    code = covering(texts, basis)
    return texts[code] if code else None


def cited(connection: Connection, basis: str) -> LegalText | None:
    """The text that a basis cites, as this office's catalogue has it."""
    return find(load(connection), basis)


def label(basis: str, on: date, texts: Catalogue | None = None) -> Text:
    """A basis in words for a day: article, number of the text, and whether it does not hold on that day.

    A basis that no text covers is given back as it is written.
    """
    texts = shipped() if texts is None else texts
    found, said = find(texts, basis), words(texts, basis)
    if found is None or found.covers(on):
        return said
    mark = _out_of_force(found, on, texts)
    return Text(said.vi + mark.vi, said.en + mark.en)


def words(texts: Catalogue, basis: str) -> Text:
    """A basis in words, whatever the day: `262/16(3)` as article and number of the text; as written where no text covers it."""
    found = find(texts, basis)
    if found is None:
        return Text(basis, basis)
    part = _article(basis[len(found.code) + 1 :])
    # The office's own rule has no number in another language; a number of the law is the same in both.
    number = found.title.en if found.code == OFFICE else found.number
    return Text(f"{part.vi}, {found.number}" if part.vi else found.number, f"{part.en} of {number}" if part.en else number)


def _article(part: str) -> Text:
    """`16(3)` and `7(2)(a)` in words; anything else as written."""
    read = _PART.fullmatch(part)
    if read is None:
        return Text(part, part)
    article, clause, point = read.groups()
    vi = (f"điểm {point} " if point else "") + (f"khoản {clause} " if clause else "") + f"Điều {article}"
    return Text(vi, f"art. {part}")


def _out_of_force(found: LegalText, on: date, texts: Catalogue) -> Text:
    if found.valid_from and on < found.valid_from:
        return Text(f" (có hiệu lực từ {found.valid_from:%d/%m/%Y})", f" (in force from {found.valid_from:%d/%m/%Y})")
    after = texts.get(found.successor or "")
    vi, en = (f", thay bằng {after.number}", f", replaced by {after.number}") if after else ("", "")
    return Text(f" (hết hiệu lực sau {found.valid_to:%d/%m/%Y}{vi})", f" (not in force after {found.valid_to:%d/%m/%Y}{en})")


def doubts(texts: Catalogue, rows: Iterable[Rule], today: date) -> list[Text]:
    """Versions of rules, in force today or later, whose basis is not in the catalogue or does not hold on the first day they count."""
    found = []
    for rule in rows:
        if rule.valid_to is not None and (rule.valid_to < today or rule.valid_to < rule.valid_from):
            continue
        text, on = find(texts, rule.basis), max(today, rule.valid_from)
        if text is None:
            found.append(Text(
                f"{rule.code} – {rule.label.vi}: căn cứ “{rule.basis}” không có trong danh mục văn bản.",
                f"{rule.code} – {rule.label.en}: the basis “{rule.basis}” is not in the catalogue.",
            ))  # fmt: skip
        elif not text.covers(on):
            said = label(rule.basis, on, texts)
            found.append(Text(f"{rule.code} – {rule.label.vi}: căn cứ {said.vi}.", f"{rule.code} – {rule.label.en}: its basis is {said.en}."))
    return found


# --- compared with the gazette ---------------------------------------------------------------------------------------


def compare(office: Office, actor: Actor, code: str, note: str = "", *, request_id: str = "") -> None:
    """An administrator states that number, title and dates of a text were compared with *Công báo*; an entry of the record.

    Done again it bears the new date. Raises `RoleRefused`, `NotFound` for a code that the catalogue does not have.
    """
    if not actor.has(R.ADMIN):
        raise RoleRefused((role_refusal((R.ADMIN,)),))

    def work(connection: Connection) -> None:
        users.still(connection, actor)
        text = load(connection).get(code)
        if text is None:
            raise NotFound()
        _fill(connection)
        store.execute(
            connection, "UPDATE legal_texts SET checked_by = :by, checked_at = :at WHERE code = :code", by=actor.id, at=clock.stamp(clock.now()), code=code
        )
        told = {"text": code, "number": text.number, "title": text.title.vi, "valid_from": iso(text.valid_from), "valid_to": iso(text.valid_to), "note": note}
        system.record(connection, actor, "law_compare", told, request_id=request_id)

    office.db.transact(work)


def _fill(connection: Connection) -> None:
    """The shipped texts, all of them, in a table that nobody has filled yet: a part of them would hide the others."""
    if store.query(connection, "SELECT code FROM legal_texts LIMIT 1"):
        return
    for text in shipped().values():
        enter_text(connection, text)
