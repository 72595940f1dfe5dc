"""Vietnamese first, English complete: the language of a request, and how dates and labels are written.

Page texts stand in the templates as `t("tiếng Việt", "English")`: a text without its twin cannot be written.
The browser's Accept-Language is not followed, or a Vietnamese office would open in English.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask, Response, current_app, g, request

from api import login
from states.language import Text
from workflow import clock

COOKIE = "fpd_lang"
WEEKDAYS = {
    "vi": ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ Nhật"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def current() -> str:
    """`vi` or `en`: the account's choice, else the visitor's cookie, else Vietnamese."""
    if "language" not in g:
        actor = login.actor() if request else None
        chosen = actor.language if actor else request.cookies.get(COOKIE, "vi")
        g.language = chosen if chosen in ("vi", "en") else "vi"
    found: str = g.language
    return found


def keep(response: Response, code: str) -> None:
    """Keep a visitor's language in the browser."""
    response.set_cookie(COOKIE, code, max_age=365 * 86400, samesite="Lax", httponly=True, secure=current_app.config["FPD"].https)


def t(vi: str, en: str, **values: Any) -> str:
    """A page text in the reader's language. English nouns that go with `n` are written "day(s)"; Vietnamese ones have no plural."""
    text = en.replace("(s)", "" if values.get("n") == 1 else "s") if current() == "en" else vi
    return text.format(**values) if values else text


def label(text: Any) -> str:
    """The reader's language out of a {vi, en} or a Text."""
    if text is None:
        return ""
    if isinstance(text, Text):
        text = text.as_dict()
    return str(text.get(current()) or text.get("vi") or "") if isinstance(text, dict) else str(text)


def day(value: Any) -> str:
    """dd/mm/yyyy of a stored date or moment."""
    if not value:
        return ""
    read = _local(value)
    return f"{read:%d/%m/%Y}"


def _local(value: Any) -> date | datetime:
    if isinstance(value, date):
        return value
    text = str(value)
    return clock.local(clock.moment(text)) if len(text) > 10 else date.fromisoformat(text)


def moment(value: Any) -> str:
    """HH:MM, dd/mm/yyyy in Hà Nội time of a stored moment."""
    if not value:
        return ""
    return f"{clock.local(clock.moment(str(value))):%H:%M, %d/%m/%Y}"


def weekday(value: Any) -> str:
    """Name of the day of the week."""
    if not value:
        return ""
    return WEEKDAYS[current()][_local(value).weekday()]


def left(value: Any) -> str:
    """How long until a due moment, in words."""
    if not value:
        return ""
    due, now = clock.moment(str(value)), clock.now()
    days = (clock.local(due).date() - clock.local(now).date()).days
    if due < now:
        over = max(0, -days)
        return t("Quá hạn hôm nay", "Overdue today") if over == 0 else t("Quá {n} ngày", "{n} day(s) overdue", n=over)
    if days == 0:
        return t("Hôm nay", "Today")
    office = current_app.extensions["office"]
    working = office.deadlines.calendar.working_days_between(now, due + timedelta(seconds=0))
    return t("Còn {n} ngày làm việc", "{n} working day(s) left", n=working) if working else t("Còn {n} ngày", "{n} day(s) left", n=days)


def mid(text: str) -> str:
    """A label in the middle of a sentence: its first letter small, names further on as they are."""
    return text[:1].lower() + text[1:]


def install(app: Flask) -> None:
    """Give templates their words."""
    app.jinja_env.globals.update(t=t, label=label, lang=current, csrf_token=login.csrf_token, weekday=weekday)
    app.jinja_env.filters.update(d=day, dt=moment, left=left, mid=mid)
