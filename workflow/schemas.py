"""Checks of what comes in, made from the fields a kind declares: marshmallow schemas and JSON Schema.

Every border (REST, pages, command line) uses the same schemas, so that one fault has one sentence
everywhere. What comes out is ready for JSON: dates are ISO text, moments fixed-width UTC text, text is NFC.
They stand on this floor because the engine answers a bad input at a fixed place in the order of refusals.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields

from states.language import AnyField, Field, Group, Paper, Rows, Text
from workflow import chance, clock, world
from workflow.errors import Invalid

TEXTS: dict[str, Text] = {
    "required": Text("Mục này không được để trống.", "This must be filled in."),
    "null": Text("Mục này không được để trống.", "This must be filled in."),
    "type": Text("Kiểu dữ liệu không đúng.", "This is not of the right type."),
    "unknown": Text("Không có mục nào tên như vậy.", "There is no field of this name."),
    "text": Text("Cần một đoạn chữ.", "A text is needed."),
    "control": Text("Có ký tự điều khiển không được phép.", "It holds a control character that is not allowed."),
    "date": Text("Cần một ngày có thật, dạng năm-tháng-ngày.", "A real date is needed, as year-month-day."),
    "time": Text("Cần giờ dạng 07:30.", "A time such as 07:30 is needed."),
    "moment": Text("Cần ngày và giờ đầy đủ, có múi giờ.", "A date and a time with its zone are needed."),
    "integer": Text("Cần một số nguyên.", "A whole number is needed."),
    "bool": Text("Cần đúng hoặc sai.", "True or false is needed."),
    "choice": Text("Giá trị không có trong danh mục.", "The value is not in the list."),
    "list": Text("Cần một danh sách.", "A list is needed."),
    "object": Text("Cần một nhóm mục.", "A group of fields is needed."),
    "email": Text("Địa chỉ thư điện tử chưa đúng.", "This is no e-mail address."),
    "phone": Text("Số điện thoại chưa đúng.", "This is no telephone number."),
    "country": Text(
        "Không có nước, vùng lãnh thổ mang mã này; dùng mã ISO 3166 hai chữ cái, ví dụ VN.",
        "No country or territory has this code: use the two letters of ISO 3166, such as VN.",
    ),
    "language": Text("Không có ngôn ngữ mang mã này; dùng mã ISO 639, ví dụ vi hoặc en.", "No language has this code: use ISO 639, such as vi or en."),
    "short": Text("Nội dung quá ngắn.", "This is too short."),
    "long": Text("Nội dung quá dài (tối đa {n} ký tự).", "This is too long ({n} characters at most)."),
    "small": Text("Số quá nhỏ (ít nhất {n}).", "The number is too small ({n} at least)."),
    "large": Text("Số quá lớn (nhiều nhất {n}).", "The number is too large ({n} at most)."),
    "few": Text("Cần ít nhất {n} dòng.", "At least {n} rows are needed."),
    "many": Text("Nhiều nhất {n} dòng.", "{n} rows at most."),
    "user": Text("Không có tài khoản nào tên như vậy ở vai trò này.", "No account of this name holds the role."),
    "agency": Text("Không có cơ quan nào mang mã này.", "No agency has this code."),
    "pointer": Text("Không chỉ vào mục nào của hồ sơ.", "It points at nothing in the dossier."),
    "case": Text("Không có hồ sơ nào như vậy.", "There is no such case."),
    "locked": Text("Mục này không mở để sửa lúc này.", "This field is not open now."),
    "delegation": Text("Không có ủy quyền nào đang hiệu lực.", "No delegation is in force."),
    "unknown_row": Text("Không có dòng nào như vậy.", "There is no such row."),
}

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+?[0-9 ().\-/]{3,40}")
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,80}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_SMALL_INT = 2**53 - 1


def _fail(code: str, **values: object) -> ValidationError:
    text = TEXTS[code]
    return ValidationError([text.format(**values) if values else text])  # type: ignore[list-item]


def clean(value: Any, *, long: bool = False) -> str:
    """NFC text without control characters; raises ValidationError for anything else."""
    if not isinstance(value, str):
        raise _fail("text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _fail("control") from None
    value = unicodedata.normalize("NFC", value).replace("\r\n", "\n").strip()
    if _CONTROL.search(value) or (not long and "\n" in value):
        raise _fail("control")
    return value


class _Value(fields.Field[Any]):
    """One declared field; the declaration says how its value is read."""

    def __init__(self, declared: Field, **rest: Any):
        self.declared = declared
        super().__init__(**rest)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return read(self.declared, value)

    def _validate(self, value: Any) -> None:
        """Nothing is left to ask: reading a value has judged it."""


def read(declared: Field, value: Any) -> Any:
    """Read one value as its declaration says; raises ValidationError with a bilingual sentence."""
    return _READERS[declared.type](declared, value)


def _text(declared: Field, value: Any) -> str:
    value = clean(value, long=declared.type == "longtext")
    if len(value) > declared.max_length:
        raise _fail("long", n=declared.max_length)
    if (declared.required and not value) or (value and len(value) < declared.min_length):
        raise _fail("required" if not value else "short")
    return value


def _date(_: Field, value: Any) -> str:
    try:
        if not isinstance(value, str) or len(value) != 10:
            raise ValueError
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise _fail("date") from None


def _time(_: Field, value: Any) -> str:
    try:
        if not isinstance(value, str) or len(value) not in (5, 8):
            raise ValueError
        return time.fromisoformat(value).isoformat("minutes")
    except ValueError:
        raise _fail("time") from None


def _moment(_: Field, value: Any) -> str:
    try:
        read_ = datetime.fromisoformat(value) if isinstance(value, str) and len(value) > 10 else None
        if read_ is None:
            raise ValueError
        if read_.tzinfo is None:
            raise ValueError
        return clock.stamp(read_.astimezone(UTC))
    except (ValueError, OverflowError):
        raise _fail("moment") from None


def _integer(declared: Field, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _SMALL_INT:
        raise _fail("integer")
    if declared.minimum is not None and value < declared.minimum:
        raise _fail("small", n=declared.minimum)
    if declared.maximum is not None and value > declared.maximum:
        raise _fail("large", n=declared.maximum)
    return value


def _bool(_: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _fail("bool")
    return value


def _code(declared: Field, value: Any) -> str:
    value = clean(value)
    if declared.choices and value not in {choice.code for choice in declared.choices}:
        raise _fail("choice")
    if not _CODE.fullmatch(value):
        raise _fail("choice")
    return value


def _codes(declared: Field, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > 60:
        raise _fail("list")
    found = list(dict.fromkeys(_code(declared, item) for item in value))
    if declared.required and not found:
        raise _fail("required")
    return found


def _agencies(declared: Field, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > 60:
        raise _fail("list")
    return list(dict.fromkeys(_code(declared, item) for item in value))


def _pointer(_: Field, value: Any) -> str:
    value = clean(value)
    if not value or len(value) > 200:
        raise _fail("pointer")
    return value


def _pointers(declared: Field, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > 200:
        raise _fail("list")
    return [_pointer(declared, item) for item in value]


def _matching(pattern: re.Pattern[str], code: str) -> Any:
    def read_(declared: Field, value: Any) -> str:
        value = clean(value)
        if value and not pattern.fullmatch(value):
            raise _fail(code)
        if len(value) > declared.max_length:
            raise _fail("long", n=declared.max_length)
        return value

    return read_


def _named(name_of: Callable[[str], Text | None], code: str) -> Any:
    """A code of one of the world's lists; empty stays empty."""

    def read_(_: Field, value: Any) -> str:
        value = clean(value)
        if value and name_of(value) is None:
            raise _fail(code)
        return value

    return read_


def _signer(_: Field, value: Any) -> Any:
    if isinstance(value, str):
        value = clean(value)
        if not value or len(value) > 200:
            raise _fail("required")
        return value
    if not isinstance(value, Mapping) or not set(value) <= {"name", "position"} or "name" not in value:
        raise _fail("object")
    named = {key: clean(item) for key, item in value.items()}
    if not named["name"] or any(len(item) > 200 for item in named.values()):
        raise _fail("required")
    return named


def _anything(_: Field, value: Any) -> Any:
    """Any JSON of the canonical subset: no floats, no lone surrogates, not too deep or large."""

    def walk(item: Any, depth: int) -> Any:
        if depth > 8:
            raise _fail("type")
        if item is None or isinstance(item, bool):
            return item
        if isinstance(item, int) and abs(item) <= _SMALL_INT:
            return item
        if isinstance(item, str):
            return clean(item, long=True)
        if isinstance(item, list) and len(item) <= 500:
            return [walk(part, depth + 1) for part in item]
        if isinstance(item, Mapping) and len(item) <= 500:
            return {clean(key): walk(part, depth + 1) for key, part in item.items()}
        raise _fail("type")

    return walk(value, 0)


_READERS: dict[str, Any] = {
    "text": _text, "longtext": _text, "date": _date, "time": _time, "moment": _moment, "integer": _integer,
    "bool": _bool, "choice": _code, "choices": _codes, "user": _code, "agency": _code, "agencies": _agencies,
    "pointer": _pointer, "pointers": _pointers, "paper": _code, "basis": _text, "signer": _signer, "answer": _anything,
    "country": _named(world.country, "country"),
    "language": _named(world.language, "language"),
    "email": _matching(_EMAIL, "email"),
    "phone": _matching(_PHONE, "phone"),
}  # fmt: skip

_MESSAGES = {
    "required": TEXTS["required"], "null": TEXTS["null"], "validator_failed": TEXTS["type"],
    "type": TEXTS["object"], "invalid": TEXTS["list"],
}  # fmt: skip


class _Schema(Schema):
    error_messages = {"unknown": TEXTS["unknown"], "type": TEXTS["object"]}  # type: ignore[dict-item]

    class Meta:
        unknown = RAISE


def _count(declared: Rows, strict: bool) -> Any:
    def check(rows: list[Any]) -> None:
        if strict and len(rows) < declared.minimum:
            raise _fail("few", n=declared.minimum)
        if len(rows) > declared.maximum:
            raise _fail("many", n=declared.maximum)

    return check


def _marshmallow(declared: AnyField, strict: bool) -> fields.Field[Any]:
    required = strict and declared.required
    rest: dict[str, Any] = {"required": required, "allow_none": not required, "error_messages": _MESSAGES}
    if isinstance(declared, Field):
        return _Value(declared, **rest)
    nested = _schema_class(declared.fields, strict, isinstance(declared, Rows) and declared.ids)
    if isinstance(declared, Group):
        return fields.Nested(nested, **rest)
    return fields.List(fields.Nested(nested, error_messages=_MESSAGES), validate=_count(declared, strict), **rest)


@cache
def _schema_class(declared: tuple[AnyField, ...], strict: bool, rows: bool = False) -> type[Schema]:
    made: dict[str, Any] = {item.name: _marshmallow(item, strict) for item in declared}
    if rows:
        made["row"] = _Value(Field("row", "text", TEXTS["text"], max_length=40), allow_none=True)
    return _Schema.from_dict(made, name="Declared")


# By identity: hashing nested declarations again at every act would cost more than reading the input. The declaration is kept
# beside its schema, so that an id never comes to mean another one.
_SCHEMAS: dict[tuple[int, bool], tuple[tuple[AnyField, ...], Schema]] = {}


def _schema(declared: tuple[AnyField, ...], strict: bool) -> Schema:
    found = _SCHEMAS.get((id(declared), strict))
    if found is None:
        optional = frozenset(item.name for item in declared if not (strict and item.required))  # not looked at where they are absent
        found = _SCHEMAS[id(declared), strict] = (declared, _schema_class(declared, strict)(unknown=RAISE, partial=optional))
    return found[1]


def _flatten(errors: Any, at: str = "") -> dict[str, list[Text]]:
    found: dict[str, list[Text]] = {}
    if isinstance(errors, Mapping):
        for key, inner in errors.items():
            where = at if key == "_schema" else f"{at}/{key}" if at else str(key)
            for pointer, texts in _flatten(inner, where).items():
                found.setdefault(pointer, []).extend(texts)
    else:
        texts = errors if isinstance(errors, list) else [errors]
        found[at or "_"] = [text if isinstance(text, Text) else TEXTS["type"] for text in texts]
    return found


def load(declared: tuple[AnyField, ...], given: Any, *, strict: bool = True) -> dict[str, Any]:
    """Check and read an input or a dossier.

    `strict` asks for what is required and refuses empty lists; a draft is read without it. Nulls stay
    nulls. Raises `Invalid` with the sentences of each field, by pointer.
    """
    if not isinstance(given, Mapping):
        raise Invalid({"_": [TEXTS["object"]]})
    try:
        return dict(_schema(declared, strict).load(given))  # type: ignore[arg-type]
    except ValidationError as error:
        raise Invalid(_flatten(error.normalized_messages())) from None


def give_row_ids(declared: Iterable[AnyField], values: dict[str, Any], known: Mapping[str, Any]) -> None:
    """Give every row a stable id; an id that the stored list does not know is replaced by a new one."""
    for item in declared:
        if not isinstance(item, Rows) or not item.ids or not isinstance(values.get(item.name), list):
            continue
        stored = {row.get("row") for row in known.get(item.name) or ()}
        seen: set[str] = set()
        for row in values[item.name]:
            name = row.get("row")
            if not name or name not in stored or name in seen:
                row["row"] = name = chance.row_id()
            seen.add(name)
            before: Mapping[str, Any] = next((old for old in known.get(item.name) or () if old.get("row") == name), {})
            give_row_ids(item.fields, row, before)


def drop_nulls(value: Any) -> Any:
    """The same value without nulls: an absent value is left out of dossiers and of the record."""
    if isinstance(value, dict):
        return {key: drop_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [drop_nulls(item) for item in value if item is not None]
    return value


# --- JSON Schema, for the API document and for clients -------------------------------------------------

_JSON: dict[str, dict[str, Any]] = {
    "text": {"type": "string"}, "longtext": {"type": "string"}, "basis": {"type": "string"},
    "date": {"type": "string", "format": "date"}, "time": {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?$"},
    "moment": {"type": "string", "format": "date-time"}, "integer": {"type": "integer"}, "bool": {"type": "boolean"},
    "choice": {"type": "string"}, "choices": {"type": "array", "items": {"type": "string"}},
    "country": {"type": "string", "pattern": "^[A-Z]{2}$", "x-list": "/api/v1/places/countries"},
    "language": {"type": "string", "x-list": "/api/v1/places/languages"},
    "email": {"type": "string"}, "phone": {"type": "string"}, "user": {"type": "string"}, "agency": {"type": "string"},
    "agencies": {"type": "array", "items": {"type": "string"}}, "pointer": {"type": "string"},
    "pointers": {"type": "array", "items": {"type": "string"}}, "paper": {"type": "string"}, "answer": {"type": "object"},
    "signer": {"oneOf": [
        {"type": "string", "minLength": 1, "maxLength": 200},
        {"type": "object", "properties": {"name": {"type": "string", "minLength": 1}, "position": {"type": "string"}},
         "required": ["name"], "additionalProperties": False},
    ]},
}  # fmt: skip


def json_schema(declared: Iterable[AnyField], *, strict: bool = True) -> dict[str, Any]:
    """The JSON Schema (2020-12) of declared fields, with labels and flags as `x-label` and `x-flag`."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    for item in declared:
        properties[item.name] = _property(item, strict)
        if strict and item.required:
            required.append(item.name)
    found: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        found["required"] = required
    return found


def _property(item: AnyField, strict: bool) -> dict[str, Any]:
    if isinstance(item, Group):
        made = json_schema(item.fields, strict=strict)
    elif isinstance(item, Rows):
        inner = json_schema(item.fields, strict=strict)
        if item.ids:
            inner["properties"]["row"] = {"type": "string"}
        made = {"type": "array", "items": inner, "maxItems": item.maximum}
        if strict and item.minimum:
            made["minItems"] = item.minimum
    else:
        made = dict(_JSON[item.type])
        if item.choices and item.type == "choice":
            made["enum"] = [choice.code for choice in item.choices]
        elif item.choices and item.type == "choices":
            made["items"] = {"type": "string", "enum": [choice.code for choice in item.choices]}
        if made.get("type") == "string" and item.type in ("text", "longtext", "email", "phone"):
            made["maxLength"] = item.max_length
            if strict and item.required:
                made["minLength"] = max(1, item.min_length)
        if item.minimum is not None:
            made["minimum"] = item.minimum
        if item.maximum is not None:
            made["maximum"] = item.maximum
        if item.choices:
            made["x-choices"] = [{"code": c.code, "label": c.label.as_dict()} for c in item.choices]
    made["x-label"] = item.label.as_dict()
    made["x-flag"] = item.flag
    if item.when:
        made["x-when"] = {"field": item.when.name, "is": list(item.when.values)}
    if item.help:
        made["x-help"] = item.help.as_dict()
    return made


def paper_shape(paper: Paper) -> dict[str, Any]:
    """A paper as the flow description tells it."""
    return {"name": paper.name, "flag": paper.flag, "sensitive": paper.sensitive, "label": paper.label.as_dict()}


__all__ = ["EXCLUDE", "TEXTS", "clean", "drop_nulls", "give_row_ids", "json_schema", "load", "paper_shape", "read"]
