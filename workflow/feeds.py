"""A person's calendar: what stands in it, its file for other calendars (RFC 5545), and the address of the feed.

What is in it follows the person's roles on each case: every row has passed `authority.visible`. A feed lies with
calendar services outside the office, so that an entry names the case and the outward word of its state; no person,
no paper, no opinion, and a place only for staff and the guide.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Connection

from states import FLOWS
from states import roles as R
from states.kinds.letter import SIGNERS
from states.language import Text
from workflow import authority, chance, clock, queries, store, users
from workflow.authority import Actor, Row
from workflow.deadlines import promised
from workflow.facts import agreed_of, dropped_of
from workflow.fold import fold
from workflow.office import Office

if TYPE_CHECKING:
    from icalendar import Event as Component
    from icalendar import Timezone, vText

PAST_DAYS, AHEAD_DAYS = 31, 366
MOST = 1000
USED_EVERY = timedelta(hours=1)
_PRESS = ("visit", "interview")
_TAKING_PLACE = ("approved", "accompanied", "suspended")
_DOMAIN = "foreign-press-desk"

# What an entry is, in words.
WHAT: dict[str, Text] = {
    "visit": Text("Đoàn báo chí", "Press visit"),
    "duty": Text("Hướng dẫn đoàn", "Guide duty"),
    "row": Text("Hoạt động của đoàn", "Programme of the visit"),
    "slot": Text("Phỏng vấn", "Interview"),
    "statutory": Text("Hạn trả lời theo quy định", "Reply due by law"),
    "work": Text("Hạn xử lý (đã trừ thời gian chờ bổ sung)", "Work due (waiting times left out)"),
    "reply": Text("Hẹn trả kết quả", "Reply promised"),
    "accept": Text("Hạn tiếp nhận", "Intake due"),
    "supplement": Text("Hạn bổ sung, làm rõ", "Supplement due"),
    "opinion": Text("Hạn cho ý kiến", "Opinion due"),
    "report": Text("Hạn nộp báo cáo", "Report due"),
    "close": Text("Hạn kết thúc hồ sơ", "Closing due"),
    "measure": Text("Hạn báo Bộ Ngoại giao", "Word to the Ministry due"),
    "sign": Text("Hạn ký văn bản", "Letter to sign"),
    "issue": Text("Hạn phát hành văn bản", "Letter to issue"),
    "act": Text("Hạn xử lý", "Due"),
}
_BUSY = frozenset({"duty", "row", "slot"})
# The due date of a state, as its flow names it. The first day is the visit itself.
_OWED: dict[str | None, str | None] = {
    "statutory": "statutory", "intake": "accept", "respond_by": "supplement", "due_at": "opinion", "report": "report", "close": "close",
    "sign": "sign", "issue": "issue", "ministry_measure": "measure", "first_day": None, None: None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a person's calendar.

    `starts` and `ends` are dates where it takes whole days (the last one included), else moments; a due date has no
    end. `word` is the outward word of the state; `title` and `outlet` are for pages, and in no feed. `version` and
    `changed` are those of the case, `row` names a row of the programme.
    """

    what: str
    case_id: str
    ref: str
    word: Text
    starts: date
    ends: date | None
    version: int
    changed: datetime
    title: str = ""
    outlet: str = ""
    place: str = ""
    row: str = ""

    @property
    def uid(self) -> str:
        """The same for this entry for ever, whatever becomes of its time and words."""
        return "-".join(filter(None, (self.what, self.case_id, self.row))) + f"@{_DOMAIN}"

    @property
    def summary(self) -> Text:
        """What it is, the code of the case, and the outward word of its state."""
        label = WHAT[self.what]
        return Text(f"{label.vi}: {self.ref} – {self.word.vi}", f"{label.en}: {self.ref} – {self.word.en}")

    @property
    def whole(self) -> bool:
        """Whether it takes whole days."""
        return not isinstance(self.starts, datetime)

    @property
    def first_day(self) -> date:
        """The local day it begins on."""
        return clock.local(self.starts).date() if isinstance(self.starts, datetime) else self.starts

    @property
    def last_day(self) -> date:
        """The local day it ends on."""
        last = self.ends or self.starts
        return clock.local(last).date() if isinstance(last, datetime) else last

    @property
    def order(self) -> tuple[date, bool, str, str]:
        """Sorts by day, whole days first, then by time."""
        at = "" if self.whole else clock.stamp(self.starts)  # type: ignore[arg-type]
        return (self.first_day, not self.whole, at, self.uid)


@dataclass(frozen=True, slots=True)
class Clash:
    """Two things that cannot well be on one day, in words, and the cases they belong to."""

    on: date
    text: Text
    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Agenda:
    """What stands in a calendar between two days; `cut` where there is more than could be read at once."""

    events: tuple[Event, ...]
    clashes: tuple[Clash, ...] = ()
    cut: bool = False


# --- what is in it ----------------------------------------------------------------------------------------------

_CASE = (
    "SELECT c.id, c.code, c.kind, c.state, c.version, c.updated_at, c.organisation_id, c.created_by, c.channel, c.officer_id, c.guide_id,"
    " c.office_id, c.category, c.referred, c.accepted, c.due_at, c.title, c.outlet, c.first_day, c.last_day,"
    " (c.state = 'suspended' AND c.memory LIKE :imposed) AS imposed,"
)
# A due date lies in the span, and the case waits for a role of the whole office (`wide`) or belongs to the person.
_DUES = _CASE + (
    " k.statutory_due, k.work_due, k.answered_at, k.paused_since, p.id AS p_id, p.kind AS p_kind, p.state AS p_state,"
    " p.organisation_id AS p_organisation_id, p.created_by AS p_created_by, p.channel AS p_channel, p.officer_id AS p_officer_id,"
    " p.guide_id AS p_guide_id, p.office_id AS p_office_id, p.referred AS p_referred, p.accepted AS p_accepted"
    " FROM cases c LEFT JOIN case_clock k ON k.case_id = c.id LEFT JOIN cases p ON p.id = c.parent_id"
    " WHERE c.is_open AND ((c.due_at >= :since AND c.due_at < :until) OR (k.statutory_due >= :since AND k.statutory_due < :until)"
    " OR (k.work_due >= :since AND k.work_due < :until))"
    " AND (replace(:wide, ',' || c.kind || '.' || c.state || ',', '') <> :wide"
    " OR c.officer_id = :me OR p.officer_id = :me OR c.guide_id = :me OR (:intake AND c.channel <> 'online')"
    " OR replace(:orgs, ',' || coalesce(c.organisation_id, '-') || ',', '') <> :orgs"
    " OR replace(:orgs, ',' || coalesce(c.office_id, '-') || ',', '') <> :orgs)"
    " ORDER BY c.due_at, c.id LIMIT :most"
)
# An interview takes place at the time agreed on, which its row does not tell: those to come are read whatever their days.
_STAYS = _CASE + (
    " g.name AS guide_name, d.fields, CASE WHEN d.case_id IS NOT NULL OR c.state = 'closed' THEN c.memory END AS memory"
    " FROM cases c LEFT JOIN users g ON g.id = c.guide_id LEFT JOIN dossiers d ON d.case_id = c.id AND d.no = c.dossier_no"
    " AND (:whole OR c.kind = 'interview' OR c.officer_id = :me OR c.guide_id = :me)"
    " WHERE c.kind IN ('visit', 'interview') AND c.state IN ('approved', 'accompanied', 'suspended', 'reported', 'closed')"
    " AND ((c.first_day < :until AND c.last_day >= :since) OR (c.kind = 'interview' AND c.state <> 'closed'))"
    " AND (:all OR (:registry AND c.accepted) OR (:committee AND c.referred) OR c.officer_id = :me OR c.guide_id = :me"
    " OR replace(:orgs, ',' || coalesce(c.organisation_id, '-') || ',', '') <> :orgs"
    " OR replace(:orgs, ',' || coalesce(c.office_id, '-') || ',', '') <> :orgs)"
    " ORDER BY c.first_day, c.id LIMIT :most"
)


def agenda(office: Office, actor: Actor, since: date, until: date, *, clashes: bool = False) -> Agenda:
    """What stands in a person's calendar from a local day up to before another, by time.

    `clashes`: look for them as well, which reads the programme of every visit; only staff and guides are told. A
    fixed number of statements, whatever the number of cases.
    """
    told = clashes and (actor.staff or actor.has(R.GUIDE))
    values = _values(actor, since, until)
    with office.db.read() as connection:
        office.refresh(connection)
        due_values = {name: values[name] for name in ("imposed", "me", "orgs", "most")}
        dues = store.query(
            connection, _DUES, since=_start(since), until=_start(until), wide=_wide(actor), intake=actor.has(R.INTAKE), **due_values
        )  # fmt: skip
        stays = store.query(connection, _STAYS, whole=told and actor.staff, **values)
    found = [event for row in dues[:MOST] for event in _dues(office, actor, _with_parent(row))]
    kept = [stay for row in stays[:MOST] if (stay := _stay(actor, row)) is not None]
    found += [event for stay in kept for event in stay.events]
    shown = sorted((e for e in found if e.first_day < until and e.last_day >= since), key=lambda e: e.order)
    return Agenda(tuple(shown), tuple(_clashes(kept, since, until)) if told else (), len(dues) > MOST or len(stays) > MOST)


def following(office: Office, actor: Actor, day: date) -> Event | None:
    """The next entry on or after a local day, within a year."""
    return next(iter(agenda(office, actor, day, day + timedelta(days=AHEAD_DAYS)).events), None)


def _start(day: date) -> str:
    """The first moment of a local day."""
    return clock.stamp(clock.at_local(day, time(0)))


def _values(actor: Actor, since: date, until: date) -> dict[str, Any]:
    orgs = {m.organisation_id for m in actor.memberships if m.role in (R.APPLICANT, R.CONSULTEE, R.LEADER_OFFICE)}
    return {
        "me": actor.id, "orgs": "," + "".join(f"{id_}," for id_ in sorted(orgs)), "since": since.isoformat(), "until": until.isoformat(),
        "all": actor.has(*authority.DEPARTMENT, R.AUDITOR), "registry": actor.has(R.REGISTRY), "committee": actor.has(R.COMMITTEE),
        "imposed": queries.IMPOSED, "most": MOST + 1,
    }  # fmt: skip


def _wide(actor: Actor) -> str:
    """The kinds and states that wait for a role which the person holds on all cases: `,visit.requested,letter.sealed,`."""
    wide = {m.role for m in actor.memberships} & {R.INTAKE, R.HEAD, R.DIRECTOR, R.REGISTRY, R.COMMITTEE}
    named = [f"{flow.kind}.{state.name}" for flow in FLOWS.values() for state in flow.states_ if wide & set(state.waits_for)]
    if wide & set(SIGNERS):
        named.append("letter.drafted")
    return "".join(f",{name}," for name in dict.fromkeys(named))


def _with_parent(row: dict[str, Any]) -> dict[str, Any]:
    """The row in the shape that `authority` judges."""
    parent = {name[2:]: row.pop(name) for name in [n for n in row if n.startswith("p_")]}
    row["parent"] = parent if parent["id"] else None
    return row


def _held(actor: Actor, row: Row) -> frozenset[str] | None:
    """The roles of the person on the case; None where it does not exist for them."""
    held = authority.roles_on(row, actor)
    return held if authority.visible(row, actor, held) else None


def _event(row: Row, what: str, starts: date, ends: date | None = None, /, **rest: str) -> Event:
    return Event(
        what, row["id"], row["code"] or row["id"], queries.outward_label(FLOWS[row["kind"]].states[row["state"]], row), starts, ends, int(row["version"]),
        clock.moment(row["updated_at"]), row["title"], row["outlet"], **rest,
    )  # fmt: skip


def _dues(office: Office, actor: Actor, row: Row) -> Iterator[Event]:
    """The due dates of one case that are this person's: its clocks, and the step that waits for them."""
    held = _held(actor, row)
    if held is None:
        return
    owing = _owing(office, row, held)
    told = dict(_clocks(actor, row, held, owing))
    word = FLOWS[row["kind"]].states[row["state"]].deadline
    what = _OWED.get(word, "act")
    if owing and what and row["due_at"] not in told.values():
        told.setdefault(what, row["due_at"])
    for name, due in told.items():
        yield _event(row, name, clock.moment(due))


def _owing(office: Office, row: Row, held: frozenset[str]) -> frozenset[str]:
    """The roles of the person that the case waits for; a letter waits for who usually signs it, and for its officer."""
    waits = queries.waits_of(office, FLOWS[row["kind"]], row)
    if row["kind"] == "letter" and row["state"] == "drafted":
        waits = tuple(role for role in waits if role in (waits[0], R.OFFICER))
    return held & frozenset(waits)


def _clocks(actor: Actor, row: Row, held: frozenset[str], owing: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The clocks of a request that is not answered: both for those who work on it, the promised date for the applicant."""
    reply = promised(row)
    if row["kind"] not in _PRESS or not reply or row["answered_at"]:
        return
    if R.OFFICER in held or owing - {R.APPLICANT}:
        if row["statutory_due"]:
            yield "statutory", row["statutory_due"]
        if row["work_due"] and row["work_due"] != row["statutory_due"] and not row["paused_since"]:
            yield "work", row["work_due"]
    elif R.APPLICANT in held and actor.has(R.APPLICANT):
        yield "reply", reply


# --- visits, interviews, duties ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Stay:
    """One visit or interview that takes place, as far as the person may know."""

    row: Row
    events: list[Event]
    days: list[date] = field(default_factory=list)
    programme: list[Mapping[str, Any]] = field(default_factory=list)


def _stay(actor: Actor, row: dict[str, Any]) -> _Stay | None:
    """A case of the span with its entries; None where it is not to be seen, or never took place."""
    row["parent"] = None
    held = _held(actor, row)
    if held is None:
        return None
    memory = orjson.loads(row["memory"]) if row["memory"] else {}
    acts = memory.get("acts") or {}
    if row["state"] == "closed" and "start" not in acts:
        return None
    fields = orjson.loads(row["fields"]) if row["fields"] else {}
    inside = actor.staff or R.GUIDE in held
    if row["kind"] == "interview":
        return _interview(row, held, inside, fields, acts)
    return _visit(row, held, inside, fields, acts)


def _visit(row: Row, held: frozenset[str], inside: bool, fields: Mapping[str, Any], acts: Mapping[str, Any]) -> _Stay:
    first, last = date.fromisoformat(row["first_day"]), date.fromisoformat(row["last_day"])
    found = _Stay(row, [_event(row, "duty" if R.GUIDE in held else "visit", first, max(first, last))])
    found.days = [first + timedelta(days=n) for n in range(min((last - first).days, 366) + 1)]
    out = dropped_of({"acts": acts})
    found.programme = [item for item in fields.get("itinerary") or () if item.get("on") and item.get("row") not in out]
    if held & {R.GUIDE, R.OFFICER}:
        found.events += [_programme(row, item, inside) for item in found.programme]
    return found


def place_of(item: Mapping[str, Any]) -> str:
    """The place of a programme row with its commune."""
    return ", ".join(str(item[name]) for name in ("place", "commune") if item.get(name))


def _programme(row: Row, item: Mapping[str, Any], inside: bool) -> Event:
    day = date.fromisoformat(item["on"])
    starts, ends = (_clock_time(day, item.get(name)) for name in ("from", "to"))
    named = {"place": place_of(item) if inside else "", "row": str(item.get("row") or "")}
    if starts is None:
        return _event(row, "row", day, day, **named)
    return _event(row, "row", starts, ends if ends and ends > starts else None, **named)


def _clock_time(day: date, told: Any) -> datetime | None:
    """A time of a day as typed (HH:MM), as a moment."""
    return clock.at_local(day, time.fromisoformat(told)) if told else None


def _interview(row: Row, held: frozenset[str], inside: bool, fields: Mapping[str, Any], acts: Mapping[str, Any]) -> _Stay | None:
    agreed = agreed_of({"acts": acts})
    slot = agreed.get("slot") or {}
    if not slot.get("from"):
        return None
    starts = clock.moment(slot["from"])
    ends = clock.moment(slot["to"]) if slot.get("to") else starts + timedelta(minutes=int(fields.get("duration_min") or 0))
    place = str(agreed.get("place") or fields.get("place") or "") if inside else ""
    event = _event(row, "duty" if R.GUIDE in held else "slot", starts, ends if ends > starts else None, place=place)
    return _Stay(row, [event], [event.first_day])


# --- clashes ----------------------------------------------------------------------------------------------------


def _clashes(stays: Iterable[_Stay], since: date, until: date) -> list[Clash]:
    """One guide on two visits of a day; two visits at one place on a day. In the order of their days."""
    taken = [stay for stay in stays if stay.row["state"] in _TAKING_PLACE]
    return sorted([*_of_guides(taken, since, until), *_of_places(taken, since, until)], key=lambda clash: (clash.on, clash.refs))


def _of_guides(stays: list[_Stay], since: date, until: date) -> Iterator[Clash]:
    busy: dict[tuple[str, date], list[_Stay]] = defaultdict(list)
    for stay in stays:
        for day in stay.days:
            if stay.row["guide_id"] and since <= day < until:
                busy[stay.row["guide_id"], day].append(stay)
    days: dict[tuple[str, tuple[str, ...]], list[date]] = defaultdict(list)
    for (_, day), both in busy.items():
        if len(both) > 1:
            days[both[0].row["guide_name"] or "", tuple(sorted(_ref(stay) for stay in both))].append(day)
    for (name, refs), on in days.items():
        text = Text("Cán bộ hướng dẫn {name} có {n} lịch cùng ngày {days}.", "Guide {name} has {n} duties on the same day: {days}.")
        yield Clash(min(on), text.format(name=name, n=len(refs), days=", ".join(f"{day:%d/%m/%Y}" for day in sorted(on))), refs)


def _of_places(stays: list[_Stay], since: date, until: date) -> Iterator[Clash]:
    at: dict[tuple[date, str], list[tuple[_Stay, Mapping[str, Any]]]] = defaultdict(list)
    for stay in stays:
        for item in stay.programme:
            day = date.fromisoformat(item["on"])
            if since <= day < until and item.get("place"):
                at[day, fold(place_of(item))].append((stay, item))
    for (day, _), met in at.items():
        refs = tuple(sorted({_ref(stay) for stay, _ in met}))
        if len(refs) > 1:
            text = _AT_ONCE if _overlap(met) else _SAME_DAY
            yield Clash(day, text.format(n=len(refs), place=place_of(met[0][1]), day=f"{day:%d/%m/%Y}"), refs)


_SAME_DAY = Text("{n} đoàn đến cùng một nơi ngày {day}, khác giờ: {place}.", "{n} visits come to one place on {day}, at different times: {place}.")
_AT_ONCE = Text("{n} đoàn đến cùng một nơi, trùng giờ, ngày {day}: {place}.", "{n} visits are at one place at the same time on {day}: {place}.")


def _overlap(met: list[tuple[_Stay, Mapping[str, Any]]]) -> bool:
    """Whether two visits of the list are there at the same time; a time that nobody named may be any."""
    spans = [(str(item.get("from") or "00:00"), str(item.get("to") or "24:00"), _ref(stay)) for stay, item in met]
    return any(a[2] != b[2] and a[0] < b[1] and b[0] < a[1] for n, a in enumerate(spans) for b in spans[n + 1 :])


def _ref(stay: _Stay) -> str:
    return str(stay.row["code"] or stay.row["id"])


# --- the file ---------------------------------------------------------------------------------------------------

_LINES = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """A text as RFC 5545 section 3.3.11 takes it: line ends of one kind, no other control character."""
    return _CONTROLS.sub("", _LINES.sub("\n", text))


def file_of(found: Agenda, language: str, base: str) -> bytes:
    """The calendar as a file (RFC 5545, UTF-8, lines folded at 75 octets). `base` is the address of the service."""
    from icalendar import Calendar  # large; whoever serves no feed does without it

    out = Calendar()
    name, note = _NAME.as_dict()[language], (_CUT if found.cut else _NOTE).as_dict()[language]
    for field_, value in (
        ("prodid", "-//Foreign Press Desk//Calendar 1//EN"), ("version", "2.0"), ("calscale", "GREGORIAN"), ("method", "PUBLISH"),
        ("name", name), ("x-wr-calname", name), ("x-wr-caldesc", note), ("x-wr-timezone", str(clock.ZONE)), ("x-published-ttl", "PT1H"),
    ):  # fmt: skip
        out.add(field_, value)
    out.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    out.add_component(zone())
    now = clock.now().replace(microsecond=0)
    for event in found.events:
        out.add_component(_component(event, language, base, now))
    return bytes(out.to_ical())


_NAME = Text("Hoạt động báo chí nước ngoài", "Foreign Press Desk")
_NOTE = Text("Lịch công việc của tôi; nội dung xem trong hệ thống.", "My calendar of the desk; the particulars are in the system.")
_CUT = Text("Quá nhiều mục: chỉ có phần đầu; xem đủ trong hệ thống.", "Too many entries: only the first are here; the system shows all.")
_LINK = Text("Mở trong hệ thống: {link}", "Open in the system: {link}")


@lru_cache(maxsize=1)
def _text() -> type[vText]:
    r"""The package's text, escaped to the letter: its own writing takes a typed ``\N`` for the end of a line."""
    from icalendar import vText

    class Exact(vText):
        """TEXT of RFC 5545 section 3.3.11."""

        def to_ical(self) -> bytes:
            """The text with its four escapes."""
            return re.sub(r"[\\;,]", r"\\\g<0>", self).replace("\n", r"\n").encode()

    return Exact


def zone() -> Timezone:
    """Asia/Ho_Chi_Minh since 13/6/1975: seven hours ahead of UTC, no summer time (tz database)."""
    from icalendar import Timezone, TimezoneStandard

    standard = TimezoneStandard()
    standard.add("dtstart", datetime(1975, 6, 13))
    standard.add("tzoffsetfrom", timedelta(hours=8))
    standard.add("tzoffsetto", timedelta(hours=7))
    standard.add("tzname", "+07")
    out = Timezone()
    out.add("tzid", str(clock.ZONE))
    out.add_component(standard)
    return out


def _component(event: Event, language: str, base: str, now: datetime) -> Component:
    from icalendar import Event as Component

    link = f"{base}/cases/{event.ref}"
    out = Component()
    out.add("uid", event.uid)
    out.add("dtstamp", now)
    out.add("last-modified", event.changed.replace(microsecond=0))
    out.add("sequence", event.version)
    text = _text()
    out.add("summary", text(plain(event.summary.as_dict()[language])))
    out.add("description", _LINK.format(link=link).as_dict()[language])
    out.add("url", link)
    out.add("categories", [WHAT[event.what].as_dict()[language]])
    out.add("class", "PRIVATE")
    out.add("status", "CONFIRMED")
    out.add("transp", "OPAQUE" if event.what in _BUSY and not event.whole else "TRANSPARENT")
    if event.place:
        out.add("location", text(plain(event.place)))
    _times(out, event)
    return out


def _times(out: Component, event: Event) -> None:
    """Whole days end, in the file, with the day after the last one; moments bear the zone."""
    if isinstance(event.starts, datetime):
        out.add("dtstart", clock.local(event.starts).replace(microsecond=0))
        if isinstance(event.ends, datetime):
            out.add("dtend", clock.local(event.ends).replace(microsecond=0))
        return
    out.add("dtstart", event.starts)
    out.add("dtend", event.last_day + timedelta(days=1))


# --- the address of the feed ------------------------------------------------------------------------------------


def open_feed(office: Office, actor: Actor) -> str:
    """A new address for the person's feed, the one before ends; answers its token, of which only the hash is kept."""
    token, now = chance.token(), clock.stamp(clock.now())

    def work(connection: Connection) -> None:
        # Two of one person at once wait for each other here; the second then ends what the first has made.
        store.execute(connection, "UPDATE users SET language = language WHERE id = :id", id=actor.id)
        users.end_feed(connection, actor.id)
        store.execute(
            connection, "INSERT INTO feed_tokens (token_hash, user_id, created_at) VALUES (:hash, :user, :now)", hash=users.hash_of(token), user=actor.id, now=now
        )  # fmt: skip

    office.db.transact(work)
    return token


def close_feed(office: Office, actor: Actor) -> bool:
    """Revoke the person's address; answers whether there was one."""
    return office.db.transact(lambda connection: users.end_feed(connection, actor.id))


def feed_of(office: Office, actor: Actor) -> dict[str, Any] | None:
    """When the person's address was made and last asked for ({created_at, used_at}); None where there is none."""
    with office.db.read() as connection:
        rows = store.query(connection, "SELECT created_at, used_at FROM feed_tokens WHERE user_id = :id AND revoked_at IS NULL", id=actor.id)
    return rows[0] if rows else None


def owner_of(office: Office, token: str) -> Actor | None:
    """Whose feed a token opens; None for one that is unknown or revoked, or whose account is closed.

    Notes the use, at most once an hour.
    """
    now, hashed = clock.now(), users.hash_of(token)
    with office.db.read() as connection:
        rows = store.query(connection, "SELECT user_id, used_at FROM feed_tokens WHERE token_hash = :hash AND revoked_at IS NULL", hash=hashed)
        actor = users.actor_by_id(connection, rows[0]["user_id"]) if rows else None
    if actor is None:
        return None
    if rows[0]["used_at"] is None or clock.moment(rows[0]["used_at"]) <= now - USED_EVERY:

        def work(connection: Connection) -> None:
            store.execute(connection, "UPDATE feed_tokens SET used_at = :now WHERE token_hash = :hash", now=clock.stamp(now), hash=hashed)

        office.db.transact(work)
    return actor


def feed(office: Office, actor: Actor, base: str) -> bytes:
    """The feed of a person: from a month back to a year ahead, in the language of the account."""
    today = clock.today()
    found = agenda(office, actor, today - timedelta(days=PAST_DAYS), today + timedelta(days=AHEAD_DAYS))
    return file_of(found, "en" if actor.language == "en" else "vi", base)
