"""The only user of chance: ids, tokens, salts, and the jitter of a retry."""

from __future__ import annotations

import random
import secrets


def public_id() -> str:
    """A new id of 128 random bits, 32 hex characters."""
    return secrets.token_hex(16)


def row_id() -> str:
    """A new id of a dossier row, 12 hex characters."""
    return secrets.token_hex(6)


def token(nbytes: int = 32) -> str:
    """A secret that cannot be guessed, in hex."""
    return secrets.token_hex(nbytes)


def salt() -> bytes:
    """32 random bytes for a commitment."""
    return secrets.token_bytes(32)


def nonce(size: int) -> bytes:
    """Random bytes that are used once with a key."""
    return secrets.token_bytes(size)


def pin() -> str:
    """A number of six figures to be told beside a code."""
    return f"{secrets.randbelow(1_000_000):06d}"


def jitter(limit: float) -> float:
    """A random wait in seconds, below the limit."""
    return random.uniform(0, limit)  # noqa: S311  a wait, no secret


def sequence(seed: int) -> random.Random:
    """Choices that come out the same for the same seed; for demo data, never for secrets."""
    return random.Random(seed)  # noqa: S311


def same(one: str, other: str) -> bool:
    """Compare two secrets in constant time."""
    return secrets.compare_digest(one.encode(), other.encode())
