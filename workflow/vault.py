"""Where the bytes of papers lie: each file encrypted with a key of its own, outside the web root, under the hash of what lies there.

AES-256-GCM. The key of a file stands in its row, wrapped by the keyring of the office: without the keys the folder is noise,
and destroying the row's key destroys the file, copies in backups included. The row keeps the hash of the plain bytes too.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from workflow import chance, clock, store
from workflow.crypto import MARK, KeysError
from workflow.errors import FileDamaged
from workflow.office import Office

_NONCE = 12
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"\.[0-9a-f]{64}\.[0-9a-f]+\.part")
# How long a file that no row names is left alone: an upload writes its file first and its row a moment later. This is a
# matter of how the program writes, not one of the office: no profile sets it.
SAFE = timedelta(hours=24)


def keep(office: Office, paper_id: str, data: bytes, filename: str) -> dict[str, Any]:
    """Encrypt and store the bytes of a paper, on disk before this returns; answers the columns that open them again."""
    key, nonce = chance.salt(), chance.nonce(_NONCE)
    sealed = nonce + AESGCM(key).encrypt(nonce, data, place(paper_id).encode())
    digest = hashlib.sha256(sealed).hexdigest()
    _write(path_of(office, digest), sealed)
    return {
        "file_hash": hashlib.sha256(data).hexdigest(), "size": len(data), "cipher_hash": digest, "key_id": office.keys.current,
        "wrapped_key": base64.b64encode(office.keys.seal_bytes(key, place(paper_id, "key"))).decode(),
        "filename": office.keys.seal(filename, place(paper_id, "filename")),
    }  # fmt: skip


def read(office: Office, row: Mapping[str, Any]) -> bytes:
    """The bytes of a paper out of its row, whole and unchanged. Raises `FileDamaged` where they are not."""
    try:
        if not row["cipher_hash"]:  # stored before files were encrypted, and not yet sealed
            data = path_of(office, row["file_hash"]).read_bytes()
        else:
            key = office.keys.open_bytes(base64.b64decode(row["wrapped_key"]), place(row["id"], "key"), row["key_id"])
            sealed = path_of(office, row["cipher_hash"]).read_bytes()
            data = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], place(row["id"]).encode())
    except (OSError, ValueError, TypeError, InvalidTag, KeysError) as error:
        raise FileDamaged() from error
    if hashlib.sha256(data).hexdigest() != row["file_hash"]:
        raise FileDamaged()
    return data


def filename(office: Office, row: Mapping[str, Any]) -> str:
    """The name a paper came with."""
    stored = str(row["filename"])
    if not stored.startswith(MARK):
        return stored
    try:
        return str(office.keys.open(stored, place(row["id"], "filename")))
    except KeysError:  # a key that is gone takes the name with it; the paper is still listed
        return "–"


def forget(office: Office, columns: Mapping[str, Any]) -> None:
    """Take away a file whose row was not written after all."""
    path_of(office, columns["cipher_hash"]).unlink(missing_ok=True)


def seal_plain(office: Office) -> int:
    """Encrypt what was stored before files were; answers how many. A file that is damaged stays as it is.

    Whole or not at all for each paper: the encrypted file is on disk before its row names it, and the plain one goes after.
    """
    with office.db.read() as connection:
        rows = store.query(connection, "SELECT id, file_hash, filename, cipher_hash, key_id, wrapped_key FROM papers WHERE cipher_hash IS NULL")
    done = 0
    for row in rows:
        try:
            columns = keep(office, row["id"], read(office, row), row["filename"])
        except FileDamaged:
            continue

        def name(connection: Any, columns: dict[str, Any] = columns, id_: str = row["id"]) -> int:
            return store.execute(
                connection,
                "UPDATE papers SET cipher_hash = :cipher_hash, key_id = :key_id, wrapped_key = :wrapped_key, filename = :filename"
                " WHERE id = :id AND cipher_hash IS NULL",
                id=id_, **{k: v for k, v in columns.items() if k not in ("file_hash", "size")},
            )  # fmt: skip

        if office.db.transact(name):
            done += 1
        else:  # another process was first
            forget(office, columns)
    with office.db.read() as connection:
        left = {r["file_hash"] for r in store.query(connection, "SELECT file_hash FROM papers WHERE cipher_hash IS NULL")}
    for digest in {row["file_hash"] for row in rows} - left:
        path_of(office, digest).unlink(missing_ok=True)
    return done


# --- what a crash leaves behind --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stock:
    """The folder of papers held against the rows: files long there that no row names, halves of broken writes among them;
    how many files are named; and the papers (id and code of the case) whose file is not there.
    """

    strays: tuple[Path, ...]
    named: int
    lacking: tuple[dict[str, Any], ...]

    @property
    def believable(self) -> bool:
        """Whether folder and database belong together: a database that names none of the files is another one's, or empty."""
        return self.named > 0


def stock(office: Office) -> Stock:
    """Compare folder and rows. The folder is read before the rows: a file written in between is not even looked at."""
    limit = (clock.now() - SAFE).timestamp()
    files = list(_files(office))
    with office.db.read() as connection:
        rows = store.query(
            connection, "SELECT p.id, c.code, coalesce(p.cipher_hash, p.file_hash) AS digest FROM papers p LEFT JOIN cases c ON c.id = p.case_id ORDER BY p.id"
        )
    known, there = {row["digest"] for row in rows}, {path.name for path, _ in files}
    strays = tuple(path for path, written in files if path.name not in known and written < limit)
    # What came after the folder was read is asked for by itself.
    lacking = tuple(row for row in rows if row["digest"] not in there and not _there(office, row["digest"]))
    return Stock(strays, len(known & there), lacking)


def sweep(office: Office) -> int:
    """Take away the files that no row names and that are older than an upload can be; answers how many.

    Nothing is taken away where the database names no file of the folder at all. A paper without its file is never touched.
    """
    found = stock(office)
    if not found.believable:
        return 0
    for path in found.strays:
        path.unlink(missing_ok=True)
    return len(found.strays)


def _there(office: Office, digest: str) -> bool:
    return bool(_DIGEST.fullmatch(digest)) and path_of(office, digest).is_file()


def _files(office: Office) -> Iterator[tuple[Path, float]]:
    """The files that this module has written, finished or not, and when; anything else in the folder is not ours to judge."""
    for path in office.files.glob("[0-9a-f][0-9a-f]/*"):
        name = path.name
        ours = (_DIGEST.fullmatch(name) and name.startswith(path.parent.name)) or (_PART.fullmatch(name) and name.startswith(f".{path.parent.name}"))
        if ours and path.is_file() and not path.is_symlink():
            try:
                yield path, path.stat().st_mtime
            except FileNotFoundError:  # finished, refused or swept by another in this moment
                continue


def path_of(office: Office, digest: str) -> Path:
    """Where a file lies; built from a hash and from nothing else. Raises `ValueError` for what is no hash."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError("not a hash")
    return office.files / digest[:2] / digest


def place(paper_id: str, part: str = "bytes") -> str:
    """What the sealed parts of a paper are bound to: none of them opens in another paper's row."""
    return f"papers/{paper_id}/{part}"


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, so that it is there after a power cut: its bytes first, then its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{chance.token(6)}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    for folder in (path.parent, path.parent.parent):
        _sync(folder)


def _sync(folder: Path) -> None:
    """Make the names in a folder last, where the system has a way to."""
    if os.name != "posix":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
