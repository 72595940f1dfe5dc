"""Files of a case: checked by content, kept by the hash of their bytes outside the web root."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path
from typing import Any

import filetype

from states.language import Text
from workflow import chance
from workflow.errors import Invalid, MediaType, TooLarge
from workflow.office import Office

MAX_BYTES = 10 * 1024 * 1024
TYPES = {"application/pdf": b"%PDF-", "image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}
_EMPTY = Text("Tệp rỗng.", "The file is empty.")


def store_file(office: Office, filename: str, data: bytes) -> dict[str, Any]:
    """Check and keep a file; answers the columns of its row.

    The type is judged by the first bytes, never by name or header. Raises `TooLarge`, `MediaType`, `Invalid`.
    """
    if not data:
        raise Invalid({"file": [_EMPTY]})
    if len(data) > MAX_BYTES:
        raise TooLarge(TooLarge.text.format(mb=MAX_BYTES // 1024 // 1024))
    kind = filetype.guess_mime(data)
    if kind not in TYPES or not data.startswith(TYPES[kind]):
        raise MediaType()
    digest = hashlib.sha256(data).hexdigest()
    path = path_of(office, digest)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{chance.token(6)}.part")
        with part.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    return {
        "id": chance.public_id(), "file_hash": digest, "size": len(data), "media_type": kind, "filename": safe_name(filename),
    }  # fmt: skip


def path_of(office: Office, digest: str) -> Path:
    """Where a file lies; built from its hash alone."""
    return office.files / digest[:2] / digest


def safe_name(name: str) -> str:
    """A name fit for a header and a screen: no path, no control or direction characters, 120 at most."""
    base = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    kept = "".join(c for c in base if c.isprintable() and unicodedata.category(c) not in ("Cf", "Cc", "Cs"))
    kept = kept.strip(" .")[:120]
    return kept or "tep"
