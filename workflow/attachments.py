"""Papers of a case: taken in within their limits, held back where they may be secret, given out to those who may read them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection

from states import FLOWS, flow_for
from states import roles as R
from states.language import Text
from workflow import authority, chance, clock, engine, filecheck, queries, reads, schemas, store, vault
from workflow.authority import Actor, Row
from workflow.engine import Done
from workflow.errors import Busy, Invalid, NotFound, SlowDown, TooLarge
from workflow.filecheck import TYPES, Checked
from workflow.office import Office
from workflow.reads import Reading

_TOO_MANY = Text(
    "Trong một giờ chỉ tải lên được {n} tệp. Hãy đợi, hoặc gộp các trang vào một tệp PDF.",
    "No more than {n} files may be uploaded within an hour. Wait, or join pages into one PDF.",
)
_PURPOSE = Text("Hãy nêu mục đích mở giấy tờ này (từ 5 đến 300 ký tự).", "Say what this paper is opened for (5 to 300 characters).")
# Names that some systems take for a device, whatever ending follows.
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{name}{n}" for name in ("COM", "LPT") for n in range(10))}
_NAME = 120


# --- taking in -----------------------------------------------------------------------------------------------------


def receive(
    office: Office, actor: Actor, ref: str, name: str, filename: str, data: bytes, *, unclassified: bool = False, request_id: str = ""
) -> tuple[Done, dict[str, Any]]:
    """Take in an uploaded file under a paper name; answers what was done and the columns of its row.

    `unclassified`: the uploader's word that it holds no state secret. A file that may hold one all the same is kept, and
    held back (`held`). Raises what `filecheck.check` and `engine.attach` do, `TooLarge`, `SlowDown`; nothing is kept then.
    """
    _within_the_hour(office, actor)
    stored = store_file(office, filename, data, unclassified=unclassified)
    try:
        return engine.attach(office, actor, ref, name, stored, request_id=request_id), stored
    except BaseException:
        vault.forget(office, stored)
        raise


def store_file(office: Office, filename: str, data: bytes, *, unclassified: bool = False) -> dict[str, Any]:
    """Check and keep a file; answers the columns of its row, and `held`. The type is judged by content, never by name or header."""
    most = office.profile.papers.file_mb
    if len(data) > most * 1024 * 1024:
        raise TooLarge(TooLarge.text.format(mb=most))
    return keep(office, filename, filecheck.check(data, filename), unclassified=unclassified)


def keep(office: Office, filename: str, checked: Checked, *, unclassified: bool = False) -> dict[str, Any]:
    """Keep a file that was checked. Raises `Busy` where the disk takes no more."""
    id_ = chance.public_id()
    shown = safe_name(filename, checked.media_type)
    try:
        columns = vault.keep(office, id_, checked.data, shown)
    except OSError as error:
        raise Busy() from error
    return {**columns, "id": id_, "media_type": checked.media_type, "held": checked.held(unclassified), "shown": shown}


def _within_the_hour(office: Office, actor: Actor) -> None:
    most = office.profile.papers.uploads_an_hour
    with office.db.read() as connection:
        since = clock.stamp(clock.now() - reads.HOUR)
        before = store.query(connection, "SELECT at FROM papers WHERE uploaded_by = :user AND at > :since ORDER BY at DESC", user=actor.id, since=since)
    if len(before) >= most:
        raise SlowDown(_TOO_MANY.format(n=most), reads.wait_until(before[most - 1]["at"]))


def safe_name(name: str, media_type: str = "application/pdf") -> str:
    """A name fit for a header, a disk and a screen: no path, no control or direction characters, the ending of its type."""
    base = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    kept = "".join(c for c in base if c.isprintable() and unicodedata.category(c) not in ("Cf", "Cc", "Cs", "Co", "Cn"))
    kept = "".join("_" if c in "<>:\"|?*%;'`$&" else c for c in kept).strip(" .-~")
    ending = TYPES[media_type]
    stem = kept.rsplit(".", 1)[0] if filecheck.told_type(kept) else kept
    stem = stem[: _NAME - len(ending) - 1].strip(" .-~") or "tep"
    if stem.split(".")[0].strip().upper() in _DEVICES:
        stem = f"tep-{stem}"
    return f"{stem}.{ending}"


# --- giving out ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """A paper on its way to a reader."""

    data: bytes
    filename: str
    media_type: str


def open_paper(office: Office, actor: Actor, paper_id: str, *, how: str = "download", purpose: str = "") -> Opened:
    """The bytes of a paper for somebody who may read it, once the reading is on record where it has to be.

    Identity papers, held ones and whatever an auditor opens are recorded. The purpose is the reader's open task on the case;
    without one it has to be typed, else `Invalid` at `purpose`. Raises `NotFound`, `FileDamaged`, `SlowDown`.
    """
    if how not in reads.ASKED:
        raise Invalid({"how": [schemas.TEXTS["choice"]]})
    with office.db.read() as connection:
        stored, row, held = _found(office, connection, actor, paper_id)
        told = _purpose(office, row, stored, actor, held, purpose)
    data = vault.read(office, stored)
    if told is not None:
        reading = Reading(actor.id, stored["case_id"], f"paper:{paper_id}", _capacity(office, row, held), how, told, paper_id)
        reads.note(office, reading, limited=R.AUDITOR not in held)  # an auditor is shown no identity paper, and may read many others
    return Opened(data, vault.filename(office, stored), stored["media_type"])


def purpose_of(office: Office, actor: Actor, paper_id: str) -> dict[str, Any]:
    """What a page asks with: {paper, case, label, task: the purpose by itself, or None where it has to be typed}."""
    with office.db.read() as connection:
        stored, row, held = _found(office, connection, actor, paper_id)
        return {"paper": paper_id, "case": row, "label": queries.declared_paper(row, stored["name"]).label, "task": task(office, row, held)}


def _found(office: Office, connection: Connection, actor: Actor, paper_id: str) -> tuple[dict[str, Any], dict[str, Any], frozenset[str]]:
    """The row of a paper, the case through which it is read and the reader's roles there. Raises `NotFound` for whoever may not read it.

    That case is the paper's own; for a body that was sent scans of identity papers along it is its question.
    """
    rows = store.query(
        connection,
        "SELECT id, case_id, name, filename, media_type, file_hash, cipher_hash, key_id, wrapped_key, uploaded_by FROM papers WHERE id = :id",
        id=paper_id,
    )
    if not rows:
        raise NotFound()
    stored = rows[0]
    for ref in (stored["case_id"], *_questions(connection, actor, stored["case_id"])):
        try:
            row, held = queries.loaded(office, connection, actor, ref)
        except NotFound:
            continue
        own = row["id"] == stored["case_id"] and queries.may_open(row, actor, held, stored["name"], paper_id)
        if own or paper_id in queries.scans_sent(office, connection, row, held)[1].values():
            return stored, row, held
    raise NotFound()


def _questions(connection: Connection, actor: Actor, case_id: str) -> list[str]:
    """The questions about a case that were put to the reader's own agencies."""
    agencies = actor.organisations(R.CONSULTEE)
    if not agencies:
        return []
    asked = store.query(connection, "SELECT id, organisation_id FROM cases WHERE parent_id = :id AND kind = 'consultation'", id=case_id)
    return [question["id"] for question in asked if question["organisation_id"] in agencies]


def _purpose(office: Office, row: Row, stored: Mapping[str, Any], actor: Actor, held: frozenset[str], typed: str) -> Text | str | None:
    """What is recorded as the reason; None where nothing is recorded."""
    waiting = stored["id"] in queries.held_papers(row)
    if not (queries.declared_paper(row, stored["name"]).sensitive or R.AUDITOR in held or (waiting and stored["uploaded_by"] != actor.id)):
        return None
    if typed.strip():
        return purpose_words(typed)
    found = task(office, row, held)
    if found is None and waiting and authority.releases(queries.declared_paper(row, stored["name"]), held):
        found = _on(row, Text("Xem để xác nhận không mật", "Looked at to confirm that it is not classified"))
    if found is None:
        raise Invalid({"purpose": [_PURPOSE]})
    return found


def purpose_words(typed: str) -> str:
    """A purpose as it was typed, fit to be kept. Raises `Invalid`."""
    try:
        text = schemas.clean(typed)
    except ValidationError:
        raise Invalid({"purpose": [schemas.TEXTS["control"]]}) from None
    if not 5 <= len(text) <= 300:
        raise Invalid({"purpose": [_PURPOSE]})
    return text


def task(office: Office, row: Row, held: frozenset[str]) -> Text | None:
    """Why a person opens a paper of this case, where that is plain: it is their own request, it waits for them, or they inspect."""
    if R.APPLICANT in held:
        return _on(row, Text("Hồ sơ của mình", "Own request"))
    if row["kind"] == "consultation" and R.CONSULTEE in held:
        return _on(row, Text("Trả lời lấy ý kiến", "Answering the question put to the agency")) if row["state"] == "asked" else None
    if set(queries.waits_of(office, flow_for(row["kind"]), row)) & held:
        state = FLOWS[row["kind"]].states[row["state"]].label
        return _on(row, Text(f"Xử lý hồ sơ ở bước “{state.vi}”", f"Working on the case at “{state.en}”"))
    return _on(row, Text("Kiểm tra, thanh tra", "Inspection")) if R.AUDITOR in held else None


def _on(row: Row, why: Text) -> Text:
    where = row["code"] or row["title"]
    return Text(f"{why.vi}: {where}", f"{why.en}: {where}")


def _capacity(office: Office, row: Row, held: frozenset[str]) -> str:
    """As what somebody reads: the role the case waits for, else the one that is nearest to it."""
    waits = queries.waits_of(office, flow_for(row["kind"]), row)
    order = (R.APPLICANT, *waits, R.OFFICER, R.INTAKE, R.HEAD, R.DIRECTOR, R.AUDITOR)
    return next((role for role in order if role in held), min(held))
