"""Keys and sealed values: what identifies a person is stored encrypted, each value bound to the place it stands in.

AES-256-GCM with a random 96-bit nonce. The place (case, path of the field; or table and row) is authenticated with the
value, so that a sealed value moved to another row does not open. Keys have names: a new one may take over while what
older ones have sealed stays readable. Searching goes by a keyed hash of folded words, never by the words.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from workflow import chance

# No text that anybody types holds this character (schemas refuse it), so that none can be taken for a sealed value.
MARK = "\x02"
_IN_JSON = "\\u0002"
# A sealed value is the whole of a JSON string, or the whole of a text.
_VALUE = re.compile(r'"\\u0002([^:"\\]+:[A-Za-z0-9+/=]+)"')
_WHOLE = re.compile(r"\x02[^:]+:[A-Za-z0-9+/=]+")
_NONCE = 12
_BLIND = 10  # base32 characters: 50 bits, plenty to tell words apart and too few to say anything of them
_SHORT = 2_000  # characters of a sealed text that is remembered opened
_DOSSIER = 8_000  # characters of a stored text that is remembered with all its values opened
_WORD = 12  # letters of a word that its search marks tell apart


class KeysError(Exception):
    """Keys are absent, unsafe or unreadable, or a value was sealed with a key that is not here."""


@dataclass(frozen=True, slots=True)
class Resealed:
    """A stored text under the key in use: what it is now, how many values were sealed anew, how many would not open and why."""

    text: str
    moved: int
    lost: int
    why: str = ""


class Keyring:
    """The keys of one installation: those that seal, by name, the one in use, and the one that searches."""

    def __init__(self, keys: Mapping[str, bytes], current: str, index: bytes):
        if current not in keys or any(len(key) != 32 for key in (*keys.values(), index)):
            raise KeysError("Khóa phải dài 32 byte và khóa đang dùng phải có trong tệp. / Keys are 32 bytes long and the one in use is among them.")
        self._keys = {name: AESGCM(key) for name, key in keys.items()}
        self.current = current
        self._index = index
        # A sealed value opens to the same text each time; most cases are read many times.
        self._remembered = lru_cache(maxsize=20_000)(self._open)
        self._remembered_whole = lru_cache(maxsize=1_000)(self._open_whole)  # a case under way is read several times for each act

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all keys that open."""
        return tuple(self._keys)

    def seal(self, value: Any, place: str) -> str:
        """A JSON value as sealed text, bound to its place."""
        sealed = self.seal_bytes(orjson.dumps(value), place)
        return MARK + self.current + ":" + base64.b64encode(sealed).decode()

    def open(self, sealed: str, place: str) -> Any:
        """The value of a sealed text; raises `KeysError` where the key is absent or the text is not of this place."""
        return orjson.loads(self._remembered(sealed, place) if len(sealed) <= _SHORT else self._open(sealed, place))

    def _open(self, sealed: str, place: str) -> bytes:
        name, _, text = sealed.removeprefix(MARK).partition(":")
        return self.open_bytes(base64.b64decode(text), place, name)

    def seal_bytes(self, data: bytes, place: str) -> bytes:
        """Bytes sealed with the key in use: nonce and ciphertext. The name of the key is the caller's to keep."""
        nonce = chance.nonce(_NONCE)
        return nonce + self._keys[self.current].encrypt(nonce, data, place.encode())

    def open_bytes(self, sealed: bytes, place: str, name: str) -> bytes:
        """The bytes that a key of this name has sealed for this place; raises `KeysError`."""
        key = self._keys.get(name)
        if key is None:
            raise KeysError(f"Không có khóa “{name}”. / There is no key “{name}”.")
        try:
            return key.decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode())
        except InvalidTag:
            raise KeysError(f"Nội dung không khớp chỗ “{place}”. / The content does not belong to “{place}”.") from None

    def blind(self, word: str) -> str:
        """The search mark of a folded word: the same for the same word, and no way back to it."""
        mark = hmac.new(self._index, word.encode(), hashlib.sha256).digest()
        return "^" + base64.b32encode(mark).decode()[:_BLIND].lower()

    def marks_of(self, words: str) -> set[str]:
        """The search marks of each folded word and of its beginnings from three letters on."""
        return {self.blind(word[:n]) for word in words.split() for n in range(min(3, len(word)), min(len(word), _WORD) + 1)}

    def asked(self, word: str) -> str:
        """The mark by which a typed word is looked for."""
        return self.blind(word[:_WORD])

    # --- whole JSON texts ------------------------------------------------------------------------------------

    def loads(self, text: str, place: str) -> Any:
        """Stored JSON with every sealed value in it opened; `place` is where the text as a whole belongs."""
        if _IN_JSON not in text:
            return orjson.loads(text)
        return orjson.loads(self._remembered_whole(text, place) if len(text) <= _DOSSIER else self._open_whole(text, place))

    def _open_whole(self, text: str, place: str) -> bytes:
        return orjson.dumps(self._opened(orjson.loads(text), place))

    def read(self, text: str, place: str) -> str:
        """Stored text that is sealed as a whole, or was stored before such texts were."""
        return str(self.open(text, place)) if text.startswith(MARK) else text

    def resealed(self, text: str, place: str) -> Resealed:
        """A stored text with what lies in it under other keys sealed under the one in use, each value bound to the place it had.

        What does not open stays as it is; everything that is not sealed stays to the letter.
        """
        made, faults = dict[str, str](), []
        for sealed, where in sealed_in(text, place):
            if key_of(sealed) != self.current:
                try:
                    made[sealed] = self._moved(sealed, where)
                except (KeysError, ValueError) as error:
                    faults.append(str(error))
        if text.startswith(MARK):
            now = made.get(text, text)
        else:
            now = _VALUE.sub(lambda found: f'"{_IN_JSON}{made[was].removeprefix(MARK)}"' if (was := MARK + found[1]) in made else found[0], text)
        return Resealed(now, len(made), len(faults), faults[0] if faults else "")

    def _moved(self, sealed: str, place: str) -> str:
        """One value under the key in use, opened once more before the older form may go."""
        value = self._open(sealed, place)
        now = MARK + self.current + ":" + base64.b64encode(self.seal_bytes(value, place)).decode()
        if self._open(now, place) != value:
            raise KeysError(f"Không niêm lại được “{place}”. / “{place}” could not be sealed anew.")
        return now

    def opens(self, sealed: str, place: str) -> bool:
        """Whether a sealed text opens at its place with the keys that are here."""
        try:
            self._open(sealed, place)
        except (KeysError, ValueError):
            return False
        return True

    def _opened(self, value: Any, place: str) -> Any:
        if isinstance(value, str):
            return self.open(value, place) if value.startswith(MARK) else value
        if isinstance(value, dict):
            return {key: self._opened(item, f"{place}/{key}") if isinstance(item, str | dict | list) else item for key, item in value.items()}
        if isinstance(value, list):
            return [self._opened(item, row_place(place, index, item)) for index, item in enumerate(value)]
        return value


def row_place(place: str, index: int, item: Any) -> str:
    """The place of a row: by its own id, which it keeps when other rows go; else by its number."""
    return f"{place}/{(item.get('row') if isinstance(item, dict) else None) or index}"


def is_sealed(text: str) -> bool:
    """Whether a stored JSON text holds a sealed value."""
    return _IN_JSON in text


def key_of(sealed: str) -> str:
    """The name of the key that a sealed value lies under."""
    return sealed.removeprefix(MARK).partition(":")[0]


def sealed_in(text: str, place: str) -> Iterator[tuple[str, str]]:
    """Every sealed value of a stored text, with its place: the text itself, or strings of the JSON that it is."""
    if text.startswith(MARK):
        yield text, place
    elif is_sealed(text):
        yield from _within(orjson.loads(text), place)


def _within(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and value.startswith(MARK):
        yield value, place
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _within(item, f"{place}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _within(item, row_place(place, index, item))


def unsealed(text: str | None) -> str | None:
    """A stored text with every sealed value blotted out: two that differ in ciphertexts alone are equal then."""
    if text is None:
        return None
    return MARK if _WHOLE.fullmatch(text) else _VALUE.sub(f'"{MARK}"', text)


# --- the file of keys ------------------------------------------------------------------------------------------


def new_keys() -> str:
    """The text of a new file of keys."""
    return f"index:{_key()}\nk1:{_key()}\n"


def with_new_key(text: str) -> str:
    """The same file with one more key, which is the one in use from now on. No name is given twice, also after one was taken out."""
    number = 1 + max((int(found[1]) for found in re.finditer(r"^k(\d+):", text, re.MULTILINE)), default=0)
    return f"{text.rstrip()}\nk{number}:{_key()}\n"


def without_key(text: str, name: str) -> tuple[str, str]:
    """The same file without the key of that name, and the line that was taken out. Raises `KeysError` for the key in use or one that is not there."""
    keys = read_keys(text)
    if name not in keys.names:
        raise KeysError(f"Không có khóa “{name}”. / There is no key “{name}”.")
    if name == keys.current:
        raise KeysError(f"Khóa “{name}” đang dùng; hãy thêm khóa mới trước. / “{name}” is the key in use: add a new one first.")
    lines = text.split()
    taken = next(line for line in lines if line.startswith(f"{name}:"))
    return "".join(f"{line}\n" for line in lines if line != taken), taken


def _key() -> str:
    return base64.b64encode(chance.salt()).decode()


def read_keys(text: str) -> Keyring:
    """Keys out of their text: one `name:base64` a line, `index` for the search, the last of the others in use."""
    found: dict[str, bytes] = {}
    try:
        for line in text.split():
            name, _, key = line.partition(":")
            if name in found:
                raise ValueError(name)
            found[name] = base64.b64decode(key, validate=True)
        index = found.pop("index")
        return Keyring(found, list(found)[-1], index)
    except (ValueError, LookupError):
        raise KeysError(
            "Tệp khóa không đúng dạng: mỗi dòng “tên:base64”, có dòng “index”. / The file of keys holds `name:base64` lines, one named `index`."
        ) from None


def keys_at(path: Path, *, make: bool = False) -> Keyring:
    """The keys of a file; `make` writes one where there is none. Raises `KeysError` with a sentence that says what to do."""
    if make and not path.exists():
        write_private(path, new_keys())
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except OSError:
        raise KeysError(f"Không đọc được tệp khóa {path}; tạo bằng “fpd keys new”. / No file of keys at {path}; make one with `fpd keys new`.") from None
    if os.name == "posix" and mode & 0o077:
        raise KeysError(f"Tệp khóa {path} để người khác đọc được; hãy chmod 600. / The file of keys {path} is open to others: chmod 600.")
    return read_keys(text)


def write_private(path: Path, text: str, *, replace: bool = False) -> bool:
    """Write a file whole or not at all, for its owner alone; False, with nothing changed, where one is there already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f".{path.name}.{chance.token(6)}")
    with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    try:
        if replace:
            own.replace(path)
        else:
            os.link(own, path)
    except FileExistsError:
        return False
    finally:
        own.unlink(missing_ok=True)
    return True
