"""The calendar page: month, week and list of what stands in a person's calendar, and the address of its feed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import current_app, flash, make_response, redirect, render_template, request

from api import login
from api.language import label, t
from api.rest.feeds import address
from api.web import web
from states.language import Text
from workflow import clock, feeds
from workflow.calendar import Day
from workflow.errors import Invalid
from workflow.feeds import Agenda, Event
from workflow.schemas import TEXTS

VIEWS: dict[str, Text] = {"month": Text("Tháng", "Month"), "week": Text("Tuần", "Week"), "list": Text("Danh sách", "List")}
MONTHS = (
    Text("Tháng 1", "January"), Text("Tháng 2", "February"), Text("Tháng 3", "March"), Text("Tháng 4", "April"),
    Text("Tháng 5", "May"), Text("Tháng 6", "June"), Text("Tháng 7", "July"), Text("Tháng 8", "August"),
    Text("Tháng 9", "September"), Text("Tháng 10", "October"), Text("Tháng 11", "November"), Text("Tháng 12", "December"),
)  # fmt: skip
IN_A_CELL = 4
YEARS = (2000, 2100)
# Kinds of day of the office calendar that are not as their weekday says.
DAYS: dict[str, Text] = {
    "off": Text("Nghỉ: {name}", "Off: {name}"), "work": Text("Làm việc: {name}", "Worked: {name}"), "half": Text("Nửa ngày: {name}", "Half day: {name}"),
}  # fmt: skip
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks to see: a view, the month, a day of the week; and what of it could not be read."""

    view: str
    month: date
    day: date
    typed: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One day of the page: whether it is of the month, what the office calendar says of it, and its entries."""

    on: date
    inside: bool
    today: bool
    weekend: bool
    special: Day | None
    entries: tuple[Event, ...]

    @property
    def main(self) -> tuple[Event, ...]:
        """The entries that a month has room for: a visit without the rows of its programme, which week and list show."""
        return tuple(event for event in self.entries if event.what != "row")


@web.get("/calendar")
def calendar() -> Any:
    """The person's calendar. A month, day or view that cannot be read is told, and the present month is shown."""
    asked = _asked(clock.today())
    office, actor = current_app.extensions["office"], login.needed()
    since, until = _span(asked)
    found = feeds.agenda(office, actor, since, until, clashes=True)
    cells = _cells(found, asked, since, until, office.calendar.days)
    shown = [cell for cell in cells if cell.inside]
    empty = not any(cell.entries for cell in shown)
    years = sorted({cell.on.year for cell in shown})
    body = render_template(
        "calendar.html", asked=asked, weeks=[cells[n : n + 7] for n in range(0, len(cells), 7)], cells=shown, empty=empty, views=VIEWS,
        clashes=found.clashes, cut=found.cut, links=_links(asked), heading=_heading(asked), most=IN_A_CELL, what=feeds.WHAT,
        following=feeds.following(office, actor, shown[-1].on + timedelta(days=1)) if empty else None,
        unconfirmed=[year for year in years if not office.calendar.is_confirmed(year)], now=clock.now(), busy=("visit", "duty", "row", "slot"),
    )  # fmt: skip
    return make_response(body, 422 if asked.typed else 200)


def _asked(today: date) -> Asked:
    view, month, day = (request.args.get(name, "").strip()[:40] for name in ("view", "month", "day"))
    wrong = [value for value, read in ((view, view in VIEWS), (month, _month_of(month)), (day, _day_of(day))) if value and not read]
    if wrong:
        return Asked("month", today.replace(day=1), today, wrong[0])
    on = _day_of(day)
    first = _month_of(month) or (on or today).replace(day=1)
    # A week is named by one of its days; without one it is the week of today, or the first of another month.
    if on is None:
        on = today if first == today.replace(day=1) else first
    return Asked(view or "month", first, on)


def _month_of(text: str) -> date | None:
    """The first day of a month written YYYY-MM, None where it is none or out of reach."""
    found = _MONTH.fullmatch(text)
    if not found or not YEARS[0] <= int(found[1]) <= YEARS[1] or not 1 <= int(found[2]) <= 12:
        return None
    return date(int(found[1]), int(found[2]), 1)


def _day_of(text: str) -> date | None:
    try:
        found = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
    return found if found and YEARS[0] <= found.year <= YEARS[1] else None


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _span(asked: Asked) -> tuple[date, date]:
    """The days of the page, whole weeks: from the first up to before the second."""
    if asked.view == "week":
        return _monday(asked.day), _monday(asked.day) + timedelta(days=7)
    last = _next_month(asked.month) - timedelta(days=1)
    return _monday(asked.month), _monday(last) + timedelta(days=7)


def _cells(found: Agenda, asked: Asked, since: date, until: date, days: dict[date, Day]) -> list[Cell]:
    by_day: dict[date, list[Event]] = {}
    for event in found.events:
        for n in range((event.last_day - event.first_day).days + 1):
            by_day.setdefault(event.first_day + timedelta(days=n), []).append(event)
    today, cells = clock.today(), []
    for n in range((until - since).days):
        on = since + timedelta(days=n)
        inside = asked.view == "week" or on.month == asked.month.month
        cells.append(Cell(on, inside, on == today, on.weekday() > 4, days.get(on), tuple(by_day.get(on, ()))))
    return cells


def link(view: str, month: date, day: date | None = None) -> str:
    """The address of a view."""
    return "/calendar?" + urlencode({"month": f"{month:%Y-%m}", "view": view, **({"day": day.isoformat()} if day else {})})


def _links(asked: Asked) -> dict[str, Any]:
    """Where one can go from here: before, after, today, the other views."""
    today = clock.today()
    if asked.view == "week":
        before, after = asked.day - timedelta(days=7), asked.day + timedelta(days=7)
        around = link("week", before.replace(day=1), before), link("week", after.replace(day=1), after)
    else:
        around = link(asked.view, (asked.month - timedelta(days=1)).replace(day=1)), link(asked.view, _next_month(asked.month))
    held = asked.day if asked.view == "week" else None
    return {
        "before": around[0], "after": around[1], "today": link(asked.view, today.replace(day=1)),
        "views": [(name, link(name, (held or asked.month).replace(day=1), held)) for name in VIEWS],
    }  # fmt: skip


def _heading(asked: Asked) -> str:
    if asked.view == "week":
        first = _monday(asked.day)
        return t("Tuần {first} – {last}", "Week {first} – {last}", first=f"{first:%d/%m}", last=f"{first + timedelta(days=6):%d/%m/%Y}")
    return t("{month} năm {year}", "{month} {year}", month=label(MONTHS[asked.month.month - 1]), year=asked.month.year)


@web.app_template_global()
def week_link(day: date) -> str:
    """The address of the week of a day."""
    return link("week", day.replace(day=1), day)


@web.app_template_global()
def day_words(special: Day) -> Text:
    """What the office calendar says of a day: off, worked or half, and why."""
    name = special.text
    label = DAYS.get(special.kind, DAYS["off"])
    return Text(label.vi.format(name=name.vi), label.en.format(name=name.en))


@web.app_template_filter("hm")
def clock_time(event: Event) -> str:
    """The local hours of an entry; nothing for one of whole days."""
    if not isinstance(event.starts, datetime):
        return ""
    ends = f"–{clock.local(event.ends):%H:%M}" if isinstance(event.ends, datetime) else ""
    return f"{clock.local(event.starts):%H:%M}{ends}"


# --- the address of the feed ------------------------------------------------------------------------------------


@web.app_template_global()
def my_feed() -> dict[str, Any] | None:
    """When the address of the person's feed was made and last used; None where there is none."""
    return feeds.feed_of(current_app.extensions["office"], login.needed())


@web.post("/account/feed")
def calendar_address() -> Any:
    """Make a new address, shown this once and never again, or revoke the one there is."""
    office, actor = current_app.extensions["office"], login.needed()
    wanted = request.form.get("do", "")
    if wanted == "make":
        return render_template("feed.html", address=address(feeds.open_feed(office, actor)))
    if wanted != "revoke":
        raise Invalid({"do": [TEXTS["choice"]]})
    feeds.close_feed(office, actor)
    flash(
        t("Đã thu hồi địa chỉ lịch; từ lần lấy sau nó không còn dùng được.", "The calendar address is revoked; from the next fetch on it is of no use."), "ok"
    )
    return redirect("/account#feed", 303)
