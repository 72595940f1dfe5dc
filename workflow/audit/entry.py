"""Canonical bytes of an audit entry, its hash, and salted commitments (security, sections 4.2 and 7).

Canonical = RFC 8785 on a restricted subset: objects with ASCII keys, arrays, NFC text, booleans, integers
within ±(2^53-1); no floats, no null. The text is stored beside the columns, so that verification does not
depend on the code that built it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any

import orjson

GENESIS = "0" * 64
LOG_ID = "fpd"
_ENTRY = b"fpd-entry-v1\x00"
_COMMIT = b"fpd-commit-v1\x00"
_LARGEST = 2**53 - 1


def check(value: Any) -> None:
    """Raise ValueError for what is outside the subset."""
    if isinstance(value, str):
        if not value.isascii() and not unicodedata.is_normalized("NFC", value):
            raise ValueError("text must be NFC")
    elif value is True or value is False:
        return
    elif isinstance(value, int):
        if abs(value) > _LARGEST:
            raise ValueError("integer out of range")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise ValueError("keys must be ASCII text")
            if type(item) is not str or not item.isascii():  # most members are codes and hashes: settled on the spot
                check(item)
    elif isinstance(value, list):
        for item in value:
            check(item)
    else:
        raise ValueError(f"{type(value).__name__} is not in the canonical subset")


def canonical(document: dict[str, Any]) -> bytes:
    """The canonical bytes of an entry; raises ValueError for anything outside the subset."""
    check(document)
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def entry_hash(text: bytes) -> str:
    """SHA-256 over a tag and the canonical bytes, in hex."""
    return hashlib.sha256(_ENTRY + text).hexdigest()


def commitment(field: str, salt: bytes, value: str) -> str:
    """A salted commitment to a value that lies outside the entry, in hex."""
    return hashlib.sha256(_COMMIT + field.encode() + b"\x00" + salt + value.encode()).hexdigest()


def opening_place(stream: str, seq: int, name: str) -> str:
    """Where a sealed value inside an opening belongs."""
    return f"{stream}/{seq}/{name}"
