"""What a rule may say: the closed list of words, the units and ranges of counts, and the checks of a version that was typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

from marshmallow import ValidationError
from sqlalchemy import Connection

from states.language import Text
from workflow import law, rules, schemas
from workflow.calendar import UNITS
from workflow.errors import Invalid
from workflow.office import Office
from workflow.rules import Rule

YEARS = range(2000, 2101)

# The closed list of words a rule may have; a code that is not here is a count.
WORDS: dict[str, dict[str, Text]] = {
    "decision_level": {
        "committee": Text("UBND quyết định", "the People's Committee decides"), "department": Text("Sở Ngoại vụ quyết định", "the Department decides"),
    },
    "allow_two_person": {
        "no": Text("không: người trình không được thẩm định", "no: who recommends may not endorse"),
        "yes": Text("có: người trình được thẩm định", "yes: who recommends may endorse"),
    },
    "ministry_report": {
        "no": Text("không: chỉ chuyến do tỉnh mời", "no: only visits that the province invited"),
        "yes": Text("có: mọi chuyến", "yes: every visit"),
    },
}  # fmt: skip
# Rules that are read in one unit wherever they are used.
FIXED = {
    "T25": "h", "card_warning": "d", "guide_before": "wd", "longest_delegation": "d", "no_show_calls": "h", "reminder": "wd", "split_committee": "wd",
    "split_department": "wd", "split_intake": "wd", "split_review": "wd",
}  # fmt: skip
MOST = {"wd": 250, "d": 3660, "h": 8784}
MOST_TRIPS = 9
GROUPS: dict[str, Text] = {
    "law": Text("Thời hạn của pháp luật", "Terms of the law"),
    "office": Text("Thời hạn của cơ quan", "Terms of the office"),
    "words": Text("Cấp quyết định, phân công và mức cảnh báo", "Levels, duties and warnings"),
}

SENTENCES: dict[str, Text] = {
    "code": Text("Không có quy định mã này.", "There is no rule of this code."),
    "unit": Text("Quy định này tính bằng: {units}.", "This rule is counted in: {units}."),
    "number": Text("Cần một số, ví dụ 5.", "A number is needed, such as 5."),
    "small": Text("Số phải lớn hơn 0.", "The number is above 0."),
    "large": Text("Số quá lớn: nhiều nhất {most}.", "The number is too large: {most} at most."),
    "whole": Text("Đơn vị này cần số nguyên.", "This unit needs a whole number."),
    "half": Text("Ngày làm việc chỉ chia đến nửa ngày.", "A working day is split into halves only."),
    "word": Text("Giá trị phải là một trong: {words}.", "The value is one of: {words}."),
    "trips": Text("Cần một số nguyên từ 0 đến {most}.", "A whole number from 0 to {most} is needed."),
    "levels": Text("Cần hai số phần trăm tăng dần từ 1 đến 99, ví dụ 50,80.", "Two rising percentages from 1 to 99 are needed, such as 50,80."),
    "day": Text("Cần tháng và ngày, ví dụ 12-20.", "A month and a day are needed, such as 12-20."),
    "basis": Text("Căn cứ phải bắt đầu bằng mã của một văn bản trong danh mục, ví dụ 262/16(3).",
                  "The basis begins with the code of a text of the catalogue, such as 262/16(3)."),
    "date": Text("Cần một ngày có thật, dạng năm-tháng-ngày hoặc ngày/tháng/năm.", "A real date is needed: year-month-day or day/month/year."),
    "year": Text("Năm phải từ 2000 đến 2100.", "The year is from 2000 to 2100."),
    "before": Text("Không được trước {day}, ngày bắt đầu của phiên bản mới nhất.", "Not before {day}, when the newest version begins."),
    "within": Text("Phiên bản mới nhất có hiệu lực đến hết {day}; phải bắt đầu sau ngày đó.", "The newest version holds to the end of {day}; begin after it."),
    "reason": Text("Cần nêu lý do thay đổi.", "A reason for the change is needed."),
    "locality": Text("Chỉ cả nước hoặc địa phương này.", "The whole nation or this locality only."),
    "same": Text("Giá trị, đơn vị và căn cứ không khác phiên bản mới nhất.", "Value, unit and basis are those of the newest version."),
    "waiting": Text("Quy định này đã có một thay đổi chờ người thứ hai.", "A change of this rule already waits for the second person."),
    "long": Text("Dài quá {n} ký tự.", "Longer than {n} characters."),
    "marks": Text("Có ký tự không được phép.", "It holds a character that is not allowed."),
}  # fmt: skip


# --- words -----------------------------------------------------------------------------------------------------------


def value_words(code: str, value: str, unit: str) -> Text:
    """A value with its unit, as it is read aloud: `5 working days`, `the Department decides`, `50 %, 80 %`."""
    if code in WORDS:
        return WORDS[code].get(value, Text(value, value))
    if unit != "text":
        return Text(f"{value} {UNITS[unit].vi}", f"{value} {UNITS[unit].en}")
    if code == "supplement_trips":
        return Text(f"{value} lần", f"{value} time(s)")
    if code == "levels":
        told = ", ".join(f"{part} %" for part in value.split(","))
        return Text(told, told)
    month, _, day = value.partition("-")
    return Text(f"{day}/{month}", f"{day}/{month}")


def group_of(code: str, basis: str) -> str:
    """Under which heading a rule stands: `law`, `office` or `words`."""
    if code in WORDS or code in ("supplement_trips", "levels"):
        return "words"
    return "office" if basis == law.OFFICE else "law"


def units_of(code: str) -> tuple[str, ...]:
    """The units a rule may be counted in; only `text` for a word."""
    if rules.declared()[code]["version"][-1]["unit"] == "text":
        return ("text",)
    return (FIXED[code],) if code in FIXED else ("wd", "d", "h")


def newest(rows: Iterable[Rule], code: str, locality: str = "") -> Rule | None:
    """The last version of a rule for the nation ('') or a locality, one that has not begun included."""
    own = [rule for rule in rows if rule.code == code and rule.locality == locality]
    return max(own, key=lambda rule: (rule.valid_from, rule.valid_to is None), default=None)


# --- checking what is entered ----------------------------------------------------------------------------------------


def checked(office: Office, connection: Connection, given: Mapping[str, object]) -> tuple[Rule, Rule | None, str]:
    """(new version, the one it follows, reason) out of what was typed. Raises `Invalid` with a sentence for each wrong field."""
    wrong: dict[str, list[Text]] = {}
    typed = {name: clean(given.get(name), name, wrong) for name in ("code", "value", "unit", "basis", "valid_from", "reason", "locality")}
    code = typed["code"]
    if code not in rules.declared():
        raise Invalid({**wrong, "code": [SENTENCES["code"]]})
    if typed["locality"] not in ("", office.profile.code):
        wrong.setdefault("locality", []).append(SENTENCES["locality"])
    if not typed["reason"]:
        wrong.setdefault("reason", []).append(SENTENCES["reason"])
    former = newest(office.rulebook.rows, code, typed["locality"])
    unit, value = _unit(typed, wrong), ""
    if unit:
        value = _value(code, typed["value"], unit, wrong)
    elif not typed["value"]:
        wrong.setdefault("value", []).append(schemas.TEXTS["required"])
    if law.find(law.load(connection), typed["basis"]) is None:
        wrong.setdefault("basis", []).append(SENTENCES["basis"])
    first = first_day(typed["valid_from"], former, wrong)
    if not wrong and former and (former.value, former.unit, former.basis) == (value, unit, typed["basis"]):
        wrong["value"] = [SENTENCES["same"]]
    if wrong or first is None:
        raise Invalid(wrong)
    return Rule("", code, value, unit, typed["basis"], typed["locality"], first, None, "confirmed", rules.label_of(code)), former, typed["reason"]


def clean(value: object, name: str, wrong: dict[str, list[Text]]) -> str:
    """Text as it is kept; what does not fit is told in `wrong` under its name."""
    limit = {"reason": 1000, "basis": 60}.get(name, 40)
    try:
        text = schemas.clean("" if value is None else str(value), long=name == "reason")
    except ValidationError:
        wrong.setdefault(name, []).append(SENTENCES["marks"])
        return ""
    if len(text) > limit:
        wrong.setdefault(name, []).append(SENTENCES["long"].format(n=limit))
    return text[:limit]


def _unit(typed: Mapping[str, str], wrong: dict[str, list[Text]]) -> str:
    allowed = units_of(typed["code"])
    if typed["unit"] in allowed:
        return typed["unit"]
    if allowed == ("text",) and not typed["unit"]:
        return "text"
    names = [UNITS[unit] if unit != "text" else Text("giá trị bằng chữ", "a word") for unit in allowed]
    wrong.setdefault("unit", []).append(
        Text(SENTENCES["unit"].vi.format(units=", ".join(n.vi for n in names)), SENTENCES["unit"].en.format(units=", ".join(n.en for n in names)))
    )
    return ""


def _value(code: str, text: str, unit: str, wrong: dict[str, list[Text]]) -> str:
    """The value as it is stored; empty, with its sentence in `wrong`, where it does not fit."""
    found = _word(code, text) if unit == "text" else _count(code, text, unit)
    if isinstance(found, Text):
        wrong.setdefault("value", []).append(found if text else schemas.TEXTS["required"])
        return ""
    return found


def _word(code: str, text: str) -> str | Text:
    if code in WORDS:
        return text if text in WORDS[code] else SENTENCES["word"].format(words=", ".join(WORDS[code]))
    if code == "supplement_trips":
        fits = text.isascii() and text.isdigit() and len(text) < 3 and int(text) <= MOST_TRIPS
        return str(int(text)) if fits else SENTENCES["trips"].format(most=MOST_TRIPS)
    if code == "levels":
        return _levels(text) or SENTENCES["levels"]
    try:  # a day of any year; of a leap year the last of February would be wanting in others
        return f"{date.fromisoformat(f'2001-{text}'):%m-%d}" if re.fullmatch(r"\d{2}-\d{2}", text) else SENTENCES["day"]
    except ValueError:
        return SENTENCES["day"]


def _levels(text: str) -> str:
    parts = [part.strip() for part in text.replace(";", ",").split(",")]
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 3 for part in parts):
        return ""
    low, high = map(int, parts)
    return f"{low},{high}" if 1 <= low < high <= 99 else ""


def _count(code: str, text: str, unit: str) -> str | Text:
    if not re.fullmatch(r"\d{1,6}([.,]\d{1,3})?", text, re.ASCII):
        return SENTENCES["small"] if re.fullmatch(r"-\d+", text, re.ASCII) else SENTENCES["number"]
    number = float(text.replace(",", "."))
    if number == 0 and not any(str(version["value"]) == "0" for version in rules.declared()[code]["version"]):
        return SENTENCES["small"]
    if number > MOST[unit]:
        return SENTENCES["large"].format(most=MOST[unit])
    if unit == "wd":
        return f"{number:g}" if (2 * number).is_integer() else SENTENCES["half"]
    return f"{number:g}" if number.is_integer() else SENTENCES["whole"]


def first_day(text: str, former: Rule | None, wrong: dict[str, list[Text]]) -> date | None:
    """The day a new version begins, not before the one it follows; what does not fit is told in `wrong`."""
    day = _day(text)
    if day is None or day.year not in YEARS:
        told = schemas.TEXTS["required"] if not text else SENTENCES["date" if day is None else "year"]
        wrong.setdefault("valid_from", []).append(told)
        return None
    if former and day < former.valid_from:
        wrong.setdefault("valid_from", []).append(SENTENCES["before"].format(day=f"{former.valid_from:%d/%m/%Y}"))
    elif former and former.valid_to and day <= former.valid_to:
        wrong.setdefault("valid_from", []).append(SENTENCES["within"].format(day=f"{former.valid_to:%d/%m/%Y}"))
    return day


def _day(text: str) -> date | None:
    parts = text.split("/")
    if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts):
        text = f"{parts[2]:0>4}-{parts[1]:0>2}-{parts[0]:0>2}"
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) else None
    except ValueError:
        return None
