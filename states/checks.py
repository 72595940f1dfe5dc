"""What is odd in a dossier as it is typed: each check its own sentence, at the entry it speaks of. None of them holds a request up.

Only what the law names may do that (`fields_complete` and its like in `needs`, Nghị định 63/2010 art. 18(6)); these tell
the applicant in time what the desk would otherwise have to ask. Pure: values, today and the office's limits in, notes out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from states.language import Text, blank, moment
from states.language import local_day as _day

Row = Mapping[str, Any]
NON_RESIDENT = ("A3", "A4", "A5", "A6", "A7")
SPOKEN_FOR = ("correspondent", "editor")
CARDED = ("correspondent", "editor", "cameraman", "assistant", "stringer")
WITH_SERIAL = ("drone", "satellite", "transmitter")
CAMERAS = ("máy quay", "máy ảnh", "camera", "flycam", "drone")


@dataclass(frozen=True, slots=True)
class Limits:
    """The office's limits: months a passport holds beyond entry, minutes between two communes."""

    passport_months: int = 6
    travel_minutes: int = 30


@dataclass(frozen=True, slots=True)
class Note:
    """One thing worth looking at: where (JSON Pointer), a code, a sentence."""

    pointer: str
    code: str
    text: Text


@dataclass(frozen=True, slots=True)
class Sheet:
    """A dossier with what the checks go by."""

    fields: Mapping[str, Any]
    today: date
    limits: Limits

    def rows(self, name: str) -> list[tuple[str, Row]]:
        """The rows of a list, each with its pointer."""
        return [(f"/{name}/{row.get('row') or at}", row) for at, row in enumerate(self.fields.get(name) or ()) if isinstance(row, Mapping)]

    @property
    def first(self) -> date | None:
        """The first day of the programme, or of the times proposed."""
        return _day(self.fields.get("first_day")) or min(self._slots(), default=None)

    @property
    def last(self) -> date | None:
        """The last day of the programme, or of the times proposed."""
        return _day(self.fields.get("last_day")) or max(self._slots(), default=None)

    def _slots(self) -> list[date]:
        return [found for slot in self.fields.get("slots") or () if (found := _day(slot.get("from")))]

    @property
    def category(self) -> str:
        """The applicant category."""
        return str(self.fields.get("category") or "")


def checked(fields: Mapping[str, Any], today: date, limits: Limits | None = None) -> list[Note]:
    """Everything worth looking at in a dossier, in the order of the form."""
    sheet = Sheet(fields, today, limits or Limits())
    return [note for check in CHECKS for note in check(sheet)]


def months_on(day: date, months: int) -> date:
    """The same day so many months on; the last of the month where that month is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for number in range(day.day, 0, -1):
        try:
            return date(year, month + 1, number)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def _name(row: Row) -> str:
    """A name as a sentence takes it; nobody reads a sentence around a name of two hundred letters."""
    name = str(row.get("name") or "?")
    return name if len(name) <= 48 else name[:47].rstrip() + "…"


# --- the applicant -----------------------------------------------------------------------------------------------

_SITE = re.compile(r"(https?://)?[^\s/.@]+(\.[^\s/.@]+)+(/\S*)?", re.IGNORECASE)


def _website(sheet: Sheet) -> Iterator[Note]:
    site = str((sheet.fields.get("outlet") or {}).get("website") or "").strip()
    if site and not _SITE.fullmatch(site):
        yield Note(
            "/outlet/website",
            "website_form",
            Text("Địa chỉ trang mạng chưa đúng dạng, ví dụ www.hangtin.example.", "This is no address of a website, such as www.agency.example."),
        )


def _contact(sheet: Sheet) -> Iterator[Note]:
    contact = sheet.fields.get("contact") or {}
    if contact and blank(contact.get("phone")) and blank(contact.get("email")):
        yield Note("/contact/phone", "no_channel", Text(
            "Chưa có điện thoại hay thư điện tử: Sở Ngoại vụ không có cách nào liên hệ.", "Neither telephone nor e-mail: the Department cannot reach anybody."))  # fmt: skip


def _notice(sheet: Sheet) -> Iterator[Note]:
    notice = sheet.fields.get("ministry_notice") or {}
    if sheet.category in ("A1", "A2") and not (notice.get("sent") or notice.get("on")):
        yield Note("/ministry_notice", "ministry_not_told", Text(
            "Văn phòng thường trú phải đồng thời thông báo cho Bộ Ngoại giao (Nghị định 262/2026, Điều 16); hồ sơ chưa ghi.",
            "A resident bureau also tells the Ministry of Foreign Affairs (Nghị định 262/2026, art. 16); nothing is noted here."))  # fmt: skip


def _licence(sheet: Sheet) -> Iterator[Note]:
    licence, first, last = sheet.fields.get("licence") or {}, sheet.first, sheet.last
    since, until = _day(licence.get("valid_from")), _day(licence.get("valid_to"))
    if sheet.category in NON_RESIDENT and blank(licence.get("number")):
        yield Note("/licence/number", "no_licence", Text(
            "Phóng viên không thường trú cần giấy phép của Bộ Ngoại giao; chưa có số giấy phép.", "Non-resident press needs the Ministry's licence; its number is missing."))  # fmt: skip
    if since and until and until < since:
        yield Note("/licence/valid_to", "licence_backwards", Text("Giấy phép hết hạn trước ngày có hiệu lực.", "The licence ends before it begins."))
    elif (since and first and first < since) or (until and last and last > until):
        yield Note("/licence/valid_to", "licence_short", Text(
            "Giấy phép không bao trùm mọi ngày đề nghị; phần ngoài giấy phép sẽ không được chấp thuận.",
            "The licence does not cover every day asked for; what lies outside it will not be approved."))  # fmt: skip


# --- the crew ----------------------------------------------------------------------------------------------------


def _correspondent(sheet: Sheet) -> Iterator[Note]:
    crew = sheet.rows("crew")
    if crew and not any(row.get("role") in SPOKEN_FOR for _, row in crew):
        yield Note("/crew", "no_correspondent", Text(
            "Đoàn chưa có phóng viên hoặc biên tập viên.", "The crew has no correspondent or editor."))  # fmt: skip


def _passports(sheet: Sheet) -> Iterator[Note]:
    for at, row in sheet.rows("crew"):
        number, until = str(row.get("passport_no") or ""), _day(row.get("passport_expires_on"))
        if number and not (5 <= len(number) <= 20 and number.isalnum() and number.isascii()):
            yield Note(f"{at}/passport_no", "passport_shape", Text(
                f"Số hộ chiếu của {_name(row)} thường có 5–20 chữ và số, không dấu cách.", f"The passport number of {_name(row)} usually has 5–20 letters and figures, no blanks."))  # fmt: skip
        if until and until < (sheet.last or sheet.today):
            yield Note(f"{at}/passport_expires_on", "passport_expired", Text(
                f"Hộ chiếu của {_name(row)} hết hạn trước khi hoạt động kết thúc.", f"The passport of {_name(row)} expires before the activity ends."))  # fmt: skip
        elif until and sheet.category in NON_RESIDENT and sheet.first and until < months_on(sheet.first, sheet.limits.passport_months):
            yield Note(f"{at}/passport_expires_on", "passport_short", Text(
                f"Hộ chiếu của {_name(row)} còn hạn dưới {sheet.limits.passport_months} tháng kể từ ngày đầu (Nghị định 262/2026, Điều 5).",
                f"The passport of {_name(row)} is valid for less than {sheet.limits.passport_months} months from the first day (Nghị định 262/2026, art. 5)."))  # fmt: skip


def _same_passport(sheet: Sheet) -> Iterator[Note]:
    numbers = Counter(str(row["passport_no"]).upper() for _, row in sheet.rows("crew") if row.get("passport_no"))
    for at, row in sheet.rows("crew"):
        if numbers.get(str(row.get("passport_no") or "").upper(), 0) > 1:
            yield Note(f"{at}/passport_no", "passport_twice", Text(
                f"Số hộ chiếu của {_name(row)} trùng với một thành viên khác.", f"The passport number of {_name(row)} is also another member's."))  # fmt: skip


def _visas(sheet: Sheet) -> Iterator[Note]:
    for at, row in sheet.rows("crew"):
        if row.get("visa_type") in ("other", "none") and row.get("nationality") != "VN":
            yield Note(f"{at}/visa_type", "visa_kind", Text(
                f"{_name(row)}: hoạt động báo chí cần thị thực PV1 hoặc PV2.", f"{_name(row)}: press work needs a PV1 or PV2 visa."))  # fmt: skip
        until = _day(row.get("visa_expires_on"))
        if until and sheet.last and until < sheet.last:
            yield Note(f"{at}/visa_expires_on", "visa_short", Text(
                f"Thị thực của {_name(row)} hết hạn trước ngày cuối.", f"The visa of {_name(row)} expires before the last day."))  # fmt: skip


def _cards(sheet: Sheet) -> Iterator[Note]:
    for at, row in sheet.rows("crew"):
        until = _day(row.get("card_expires_on"))
        if sheet.category in ("A1", "A2") and row.get("role") in CARDED and blank(row.get("card_no")):
            yield Note(f"{at}/card_no", "no_card", Text(
                f"{_name(row)} chưa có số thẻ phóng viên hoặc thẻ trợ lý.", f"{_name(row)} has no press or assistant card number."))  # fmt: skip
        if until and sheet.last and until < sheet.last:
            yield Note(f"{at}/card_expires_on", "card_short", Text(
                f"Thẻ của {_name(row)} hết hạn trước ngày cuối.", f"The card of {_name(row)} expires before the last day."))  # fmt: skip


def _births(sheet: Sheet) -> Iterator[Note]:
    for at, row in sheet.rows("crew"):
        born = _day(row.get("born_on"))
        if born and not date(1900, 1, 1) <= born < sheet.today:
            yield Note(f"{at}/born_on", "birth_date", Text(f"Ngày sinh của {_name(row)} không hợp lý.", f"The date of birth of {_name(row)} cannot be."))


# --- the programme -----------------------------------------------------------------------------------------------


def _days(sheet: Sheet) -> Iterator[Note]:
    first, last = _day(sheet.fields.get("first_day")), _day(sheet.fields.get("last_day"))
    if first and last and last < first:
        yield Note("/last_day", "days_backwards", Text("Ngày cuối đứng trước ngày đầu.", "The last day is before the first."))
    if first and first < sheet.today:
        yield Note("/first_day", "day_past", Text("Ngày đầu đã qua.", "The first day has passed."))
    for at, row in sheet.rows("itinerary"):
        on = _day(row.get("on"))
        if on and first and last and first <= last and not first <= on <= last:
            yield Note(f"{at}/on", "row_outside", Text(
                f"Hoạt động ngày {on:%d/%m} nằm ngoài {first:%d/%m}–{last:%d/%m}.", f"The activity on {on:%d/%m} lies outside {first:%d/%m}–{last:%d/%m}."))  # fmt: skip


def _hours(sheet: Sheet) -> Iterator[Note]:
    for at, row in sheet.rows("itinerary"):
        if row.get("from") and row.get("to") and str(row["to"]) <= str(row["from"]):
            yield Note(f"{at}/to", "hours_backwards", Text("Giờ kết thúc không sau giờ bắt đầu.", "It ends no later than it begins."))


def _neighbours(sheet: Sheet) -> Iterator[tuple[str, Row, Row]]:
    """Each row of a day with the one before it in time, where one crew or one part of it does both."""
    timed = [(at, row) for at, row in sheet.rows("itinerary") if row.get("on") and row.get("from") and row.get("to")]
    timed.sort(key=lambda item: (str(item[1]["on"]), str(item[1]["from"])))
    for index, (at, row) in enumerate(timed):
        for _, before in reversed(timed[:index]):
            if before["on"] != row["on"]:
                break
            one, two = str(before.get("crew_group") or ""), str(row.get("crew_group") or "")
            if not (one and two and one != two):
                yield at, before, row
                break


def _minutes(value: Any) -> int:
    hours, _, minutes = str(value).partition(":")
    return int(hours) * 60 + int(minutes[:2] or 0) if hours.isdigit() and minutes[:2].isdigit() else 0


def _overlaps(sheet: Sheet) -> Iterator[Note]:
    for at, before, row in _neighbours(sheet):
        gap = _minutes(row["from"]) - _minutes(before["to"])
        if gap < 0:
            yield Note(f"{at}/from", "rows_overlap", Text(
                f"Trùng giờ với hoạt động tại {before.get('place') or '?'}; nếu đoàn chia nhóm, ghi nhóm cho cả hai.",
                f"At the same time as the activity at {before.get('place') or '?'}; where the crew splits, name the group of both."))  # fmt: skip
        elif gap < sheet.limits.travel_minutes and row.get("commune") != before.get("commune"):
            yield Note(f"{at}/from", "travel_time", Text(
                f"Chỉ có {gap} phút để đi từ {before.get('commune') or '?'} đến {row.get('commune') or '?'}.",
                f"Only {gap} minutes to go from {before.get('commune') or '?'} to {row.get('commune') or '?'}."))  # fmt: skip


def _interviews(sheet: Sheet) -> Iterator[Note]:
    for at, row in sheet.rows("itinerary"):
        if "interview" in (row.get("activities") or ()) and row.get("people") and not row.get("questions"):
            yield Note(f"{at}/questions", "no_questions", Text(
                "Có phỏng vấn thì cần câu hỏi dự kiến (Mẫu 01/BC-BNG, mục II).", "Where there is an interview its questions are expected (form 01/BC-BNG, part II)."))  # fmt: skip


def _devices(sheet: Sheet) -> Iterator[Note]:
    there = {row.get("device") for _, row in sheet.rows("equipment")}
    for at, row in sheet.rows("itinerary"):
        if "drone" in (row.get("activities") or ()) and "drone" not in there:
            yield Note(f"{at}/activities", "drone_not_listed", Text(
                "Có thiết bị bay nhưng danh mục thiết bị chưa ghi.", "A drone is to fly, but the list of equipment has none."))  # fmt: skip
        if blank(row.get("host")) and not blank(row.get("place")):
            yield Note(f"{at}/host", "no_host", Text(
                "Chưa có đơn vị tiếp; nếu cần, ghi “đề nghị Sở Ngoại vụ bố trí”.", "No host yet; write “to be arranged by the Department” where that is meant."))  # fmt: skip


# --- the equipment -----------------------------------------------------------------------------------------------


def _serials(sheet: Sheet) -> Iterator[Note]:
    serials = Counter(str(row["serial"]).upper() for _, row in sheet.rows("equipment") if row.get("serial"))
    for at, row in sheet.rows("equipment"):
        serial, kind = str(row.get("serial") or ""), str(row.get("type") or "").casefold()
        if not serial and (row.get("device") in WITH_SERIAL or any(word in kind for word in CAMERAS)):
            yield Note(
                f"{at}/serial", "no_serial", Text(f"{row.get('type') or '?'}: chưa có số máy.", f"{row.get('type') or '?'}: the serial number is missing.")
            )
        if serial and serials[serial.upper()] > 1:
            yield Note(f"{at}/serial", "serial_twice", Text("Số máy này được ghi hai lần.", "This serial number is given twice."))
        if serial and isinstance(row.get("quantity"), int) and row["quantity"] > 1:
            yield Note(
                f"{at}/quantity",
                "serial_of_many",
                Text("Một số máy cho nhiều chiếc: ghi mỗi chiếc một dòng.", "One serial number for several items: give each its own row."),
            )


def _imports(sheet: Sheet) -> Iterator[Note]:
    for at, row in sheet.rows("equipment"):
        leaves = _day(row.get("leaves_on"))
        if leaves and sheet.last and leaves < sheet.last:
            yield Note(
                f"{at}/leaves_on", "leaves_early", Text("Ngày tái xuất đứng trước ngày cuối hoạt động.", "It leaves the country before the activity ends.")
            )
        if row.get("value") and blank(row.get("currency")):
            yield Note(f"{at}/currency", "no_currency", Text("Có giá trị nhưng chưa ghi đơn vị tiền.", "There is a value but no currency."))
        if row.get("device") and blank(row.get("permit_no")):
            yield Note(f"{at}/permit_no", "no_permit", Text(
                "Thiết bị này cần giấy phép riêng trước khi sử dụng.", "This device needs a permit of its own before it is used."))  # fmt: skip


# --- the interview -----------------------------------------------------------------------------------------------


def _questions(sheet: Sheet) -> Iterator[Note]:
    for at, row in sheet.rows("questions"):
        text = str(row.get("text") or "")
        if 0 < len(text.strip()) < 10:
            yield Note(f"{at}/text", "question_short", Text("Câu hỏi quá ngắn để chuẩn bị trả lời.", "The question is too short to prepare an answer."))
        if text and row.get("language") not in (None, "", "vi") and blank(row.get("translation")):
            yield Note(f"{at}/translation", "no_translation", Text("Chưa có bản dịch tiếng Việt.", "The Vietnamese translation is missing."))


def _slots(sheet: Sheet) -> Iterator[Note]:
    wanted = sheet.fields.get("duration_min")
    for at, row in sheet.rows("slots"):
        begins, ends = moment(row.get("from")), moment(row.get("to"))
        if begins and (_day(begins) or sheet.today) < sheet.today:
            yield Note(f"{at}/from", "slot_past", Text("Thời điểm này đã qua.", "This time has passed."))
        if begins and ends and ends <= begins:
            yield Note(f"{at}/to", "slot_backwards", Text("Kết thúc không sau bắt đầu.", "It ends no later than it begins."))
        elif begins and ends and isinstance(wanted, int) and (ends - begins).total_seconds() < wanted * 60:
            yield Note(f"{at}/to", "slot_short", Text(f"Khoảng này ngắn hơn {wanted} phút đã xin.", f"This is shorter than the {wanted} minutes asked for."))


CHECKS: tuple[Callable[[Sheet], Iterable[Note]], ...] = (
    _website, _contact, _licence, _notice, _correspondent, _passports, _same_passport, _births, _visas, _cards, _days, _hours, _overlaps, _interviews,
    _devices, _serials, _imports, _questions, _slots,
)  # fmt: skip
