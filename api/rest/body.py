"""Reading a request: JSON body, version, idempotency key."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import orjson
from flask import request

from api import login
from api.errors import HttpProblem
from states.language import Text
from workflow import Once
from workflow.errors import Invalid

MAX_JSON = 1024 * 1024
_ETAG = re.compile(r'"(\d{1,9})"')
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def json_body() -> Any:
    """The body as JSON; raises 415 for another type, 413 for a large one, 400 for what cannot be read."""
    if request.content_length and request.content_length > MAX_JSON:
        raise HttpProblem(413, "too_large")
    data = request.get_data(cache=True)
    if not data:
        return {}
    if request.mimetype != "application/json":
        raise HttpProblem(415, "media_type")
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise HttpProblem(400, "malformed") from None
    if not isinstance(found, dict):
        raise HttpProblem(400, "malformed")
    return found


def version() -> int | None:
    """The version of `If-Match`: one strong tag; `*`, weak or several tags count as missing."""
    found = _ETAG.fullmatch(request.headers.get("If-Match", "").strip())
    return int(found.group(1)) if found else None


def once(scope: str) -> Once | None:
    """The idempotency key of the request with the hash of its body, or None."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Invalid({"Idempotency-Key": [Text("Khóa phải là 1–200 ký tự ASCII in được.", "A key is 1 to 200 printable ASCII characters.")]})
    return Once(login.needed().id, scope, key, hashlib.sha256(request.get_data(cache=True)).hexdigest())


def known(body: dict[str, Any], *names: str) -> None:
    """Refuse members that the operation does not have."""
    from workflow.schemas import TEXTS

    unknown = [name for name in body if name not in names]
    if unknown:
        raise Invalid({name: [TEXTS["unknown"]] for name in unknown})


def text_of(body: dict[str, Any], name: str, *, required: bool = False, limit: int = 4000) -> str | None:
    """A text member of a body."""
    from workflow.schemas import TEXTS

    value = body.get(name)
    if value is None:
        if required:
            raise Invalid({name: [TEXTS["required"]]})
        return None
    if not isinstance(value, str) or len(value) > limit or "\x00" in value or (required and not value.strip()):
        raise Invalid({name: [TEXTS["text"]]})
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Invalid({name: [TEXTS["control"]]}) from None
    return value
