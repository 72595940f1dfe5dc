"""A person's calendar: who has what in it, what never is, the file that two parsers read alike, and the address of the feed."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from states.language import Text
from tests.conftest import Ledger
from workflow import authority, clock, demo, feeds, store, users
from workflow.feeds import Agenda, Event

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
EVERYBODY = [account[0] for account in demo.ACCOUNTS]
# What no feed may hold: an opinion, a reason, the crew of the example and their papers, the applicant's contact.
OPINION = "Ý kiến kín 7c1f"
CANARIES = (OPINION, "AINO ESIMERKKI", "MIKKO MALLI", "XP0000001", "XP0000002", "M-0412", "Trần Thị Mẫu", "lien.he@minhhoa.example", "Lý do kín 41aa")


def consulted(stage, ref):
    """An approved visit whose consulted body wrote an opinion that stays inside."""
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    stage.act("cv.binh", ref, "consult", agencies=["cong_an", "bo_chqs"], question="Đề nghị cho ý kiến.", due_at=stage.soon())
    ids = {stage.row(child)["fields"]["agency"]: child for child in stage.children(ref, "consultation", "asked")}
    stage.act("ca.phuc", ids["cong_an"], "answer", outcome="no_objection", opinion=OPINION)
    demo.answer_all(stage, ref)


@pytest.fixture(scope="module")
def scene(office):
    """Cases at the steps at which somebody owes something; names of ours to their ids. The clock stands at a Monday morning."""
    stage = demo.Stage(office)
    found = {}
    with clock.at(datetime(2026, 11, 16, 2, tzinfo=UTC)):
        days = {"first_day": "2026-12-01", "last_day": "2026-12-02"}
        found["guided"] = ref = stage.file("vptt.han", "visit", fields=programme(days))
        consulted(stage, ref)
        for stop in ("pending_endorsement", "pending_decision", "pending_committee", "approved"):
            demo.step(stage, ref, "visit", stop)
        stage.letters(ref)
        stage.act("cv.binh", ref, "assign_guide", guide="hd.thao")
        found["asked"] = ref = stage.file("vptt.han", "visit", fields=programme(days))
        stage.act("motcua.mai", ref, "accept", officer="cv.dung")
        stage.act("cv.dung", ref, "consult", agencies=["cong_an"], question="Đề nghị cho ý kiến.", due_at=stage.soon())
        found["question"] = stage.children(ref, "consultation")[0]
        found["fresh"] = stage.file("vptt.lam", "visit", fields=programme(days))
        found["more"] = ref = stage.file("vptt.thu", "visit", fields=programme(days))
        items = [{"target": "/crew", "reason": "Lý do kín 41aa", "basis": "262/16(3)"}]
        stage.act("motcua.mai", ref, "ask_supplement", items=items, respond_by=stage.soon(1))
        found["talk"] = ref = stage.file("vptt.lam", "interview")
        demo.advance(stage, ref, "interview", "approved")
        stage.deliver()
        found["sealed"] = next(iter(stage.children(ref, "letter", "sealed")))
        found["submitted"] = ref = stage.file("vptt.han", "visit", fields=programme(days))
        demo.advance(stage, ref, "visit", "pending_committee")
        found["draft"] = stage.file("vptt.han", "visit", submit=False, fields=programme(days))
    return found


def programme(days):
    """Days of a visit and a programme that fits them."""
    rows = [
        {"on": days["first_day"], "from": "08:00", "to": "09:30", "commune": "Phường Cái Răng", "place": "Chợ nổi minh họa", "activities": ["filming"]},
        {"on": days["last_day"], "from": "14:00", "to": "15:30", "commune": "Xã Thới Lai", "place": "Hợp tác xã minh họa", "activities": ["photo"]},
    ]  # fmt: skip
    return {**days, "itinerary": rows}


@pytest.fixture
def monday():
    """The clock at the morning of the scene, an hour after it."""
    with clock.at(datetime(2026, 11, 16, 3, tzinfo=UTC)):
        yield date(2026, 11, 16)


@pytest.fixture
def of(office, stage, scene, monday):
    """What a person has in the calendar of the scene: pairs of what it is and our name of the case, other cases left out."""
    names = {id_: name for name, id_ in scene.items()}

    def get(username, **rest):
        found = feeds.agenda(office, stage.actor(username), monday - timedelta(days=31), monday + timedelta(days=366), **rest)
        return [(event.what, names[event.case_id], event) for event in found.events if event.case_id in names]

    return get


def pairs(found):
    return {(what, name) for what, name, _ in found}


# --- who has what ------------------------------------------------------------------------------------------------


def test_a_lead_applicant_has_visits_promised_replies_and_what_the_office_waits_for(of):
    assert pairs(of("vptt.han")) == {("visit", "guided"), ("reply", "asked"), ("reply", "submitted"), ("supplement", "more"), ("reply", "more")}


def test_an_assistant_has_only_their_own(of):
    assert pairs(of("vptt.thu")) == {("supplement", "more"), ("reply", "more")}


def test_another_bureau_has_its_own_and_the_agreed_time(of):
    assert pairs(of("vptt.lam")) == {("reply", "fresh"), ("slot", "talk"), ("reply", "talk")}, "agreed, but the letter has not gone out"


def test_an_officer_has_their_cases_with_programme_and_clocks(of):
    found = pairs(of("cv.binh"))
    assert {("visit", "guided"), ("row", "guided"), ("statutory", "submitted")} <= found
    assert not {("statutory", "asked"), ("reply", "asked")} & found, "a colleague holds it"
    assert ("statutory", "asked") in pairs(of("cv.dung")) and ("row", "guided") not in pairs(of("cv.dung"))


def test_a_guide_has_the_duty_and_its_rows(of):
    found = of("hd.thao")
    assert pairs(found) == {("duty", "guided"), ("row", "guided")}
    assert [event.place for what, _, event in found if what == "row"] == ["Chợ nổi minh họa, Phường Cái Răng", "Hợp tác xã minh họa, Xã Thới Lai"]
    assert pairs(of("hd.uyen")) == set()


def test_a_consulted_body_has_what_it_owes_and_no_visit(of):
    assert pairs(of("ca.phuc")) == {("opinion", "question")}
    assert pairs(of("qs.quan")) == set()


def test_the_office_of_a_leader_has_the_agreed_time(of):
    found = of("vpub.nga")
    assert ("slot", "talk") in pairs(found) and not {name for _, name in pairs(found)} & {"guided", "asked", "submitted"}


def test_the_registry_has_letters_to_issue_and_accepted_visits(of):
    found = pairs(of("vt.van"))
    assert {("issue", "sealed"), ("visit", "guided")} <= found and not {name for _, name in found} & {"fresh", "more", "draft"}


def test_the_desk_and_the_leaders_have_what_waits_for_them(of):
    assert {("accept", "fresh"), ("statutory", "fresh"), ("visit", "guided")} <= pairs(of("motcua.mai"))
    assert ("statutory", "submitted") in pairs(of("ubnd.minh")) and ("statutory", "submitted") not in pairs(of("gd.khanh"))
    assert ("visit", "guided") in pairs(of("gd.khanh"))


def test_an_auditor_reads_what_takes_place_and_owes_nothing(of):
    assert pairs(of("ktr.xuan")) == {("visit", "guided"), ("slot", "talk")}


def test_the_administrator_has_nothing(of):
    assert pairs(of("qt.yen")) == set()


@pytest.mark.parametrize("username", EVERYBODY)
def test_nothing_stands_there_that_the_person_may_not_see(office, stage, scene, monday, username):
    actor = stage.actor(username)
    found = feeds.agenda(office, actor, monday - timedelta(days=31), monday + timedelta(days=366), clashes=True)
    for ref in {event.case_id for event in found.events} | {ref for clash in found.clashes for ref in clash.refs}:
        row = stage.row(ref)
        assert authority.visible(row, actor, authority.roles_on(row, actor)), (username, ref)
    assert scene["draft"] not in {event.case_id for event in found.events}


@pytest.mark.parametrize("username", EVERYBODY)
def test_no_feed_holds_a_person_a_paper_or_an_opinion(office, stage, scene, monday, username):
    text = icalendar.Calendar.from_ical(feeds.feed(office, stage.actor(username), "https://x.example"))
    whole = "\n".join(str(value) for part in text.walk() for value in part.values())
    assert not [canary for canary in CANARIES if canary in whole]
    inside = authority.Actor.staff.fget(stage.actor(username)) or username.startswith("hd.")
    assert inside or "LOCATION" not in {key for part in text.walk() for key in part}


def test_a_place_is_told_to_staff_and_guide_only(of):
    assert [event.place for what, _, event in of("cv.binh") if what == "row"] == ["Chợ nổi minh họa, Phường Cái Răng", "Hợp tác xã minh họa, Xã Thới Lai"]
    assert {event.place for _, _, event in of("vptt.lam")} == {""} and {event.place for _, _, event in of("vpub.nga")} == {""}
    assert [event.place for what, _, event in of("ktr.xuan") if what == "slot"] == ["Trụ sở UBND"]


def test_the_words_are_the_outward_ones(of):
    words = {event.summary.vi for what, name, event in of("ubnd.minh") if name == "submitted"}
    assert words and all(word.endswith("Đang xem xét") for word in words)


def test_the_number_of_statements_does_not_grow(office, stage, scene, monday, monkeypatch):
    """Ten cases or a hundred: the same statements, for the feed and for the page that looks for clashes."""
    guide, officer = stage.actor("hd.uyen").id, stage.actor("cv.dung").id
    ledger, bureau = Ledger(office.db), office.organisations["hangtin_a"].id

    def add(count):
        for _ in range(count):
            ledger.open(
                state="approved", phase="approved", code=None, officer_id=officer, guide_id=guide, organisation_id=bureau, accepted=True,
                first_day="2027-02-01", last_day="2027-02-03", title="Chuyến thử", updated_at="2026-11-16T01:00:00.000000Z",
            )  # fmt: skip

    def count(username):
        asked = []
        with monkeypatch.context() as patch:
            real = store.cursor_of
            patch.setattr(store, "cursor_of", lambda connection: asked.append(1) or real(connection))
            found = feeds.agenda(office, stage.actor(username), date(2027, 1, 1), date(2027, 3, 1), clashes=True)
        return len(asked), len(found.events)

    people = ("hd.uyen", "cv.dung", "tp.hoa", "vptt.han", "vt.van")
    add(10)
    office.forget()
    few = {name: count(name) for name in people}
    add(90)
    many = {}
    for name in people:
        many[name] = count(name)
    assert all(entries >= 10 for _, entries in few.values()) and all(many[name][1] >= few[name][1] + 90 for name in people)
    assert {few[name][0] for name in people[1:]} == {many[name][0] for name in people} == {2}


# --- clashes -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowded(office):
    """Two visits whose guide is one person, because one was postponed on to the other, and at one place at the same time."""
    stage = demo.Stage(office)
    with clock.at(datetime(2026, 11, 16, 2, tzinfo=UTC)):
        refs = []
        for first, last in (("2026-12-14", "2026-12-15"), ("2026-12-21", "2026-12-22")):
            ref = stage.file("vptt.han", "visit", fields=programme({"first_day": first, "last_day": last}))
            demo.advance(stage, ref, "visit", "approved")
            stage.letters(ref)
            stage.act("cv.binh", ref, "assign_guide", guide="hd.thao")
            refs.append(ref)
        rows = stage.row(refs[1])["fields"]["itinerary"]
        stage.before = feeds.agenda(office, stage.actor("hd.thao"), date(2026, 12, 1), date(2027, 1, 1))
        dates = [{"row": row["row"], "on": on} for row, on in zip(rows, ("2026-12-14", "2026-12-15"), strict=True)]
        stage.act("cv.binh", refs[1], "postpone", reason="Lý do kín 41aa", dates=dates)
    return stage, refs


def test_clashes_are_said_in_words(office, crowded, monday):
    stage, refs = crowded
    codes = tuple(sorted(stage.row(ref)["code"] for ref in refs))
    found = feeds.agenda(office, stage.actor("tp.hoa"), date(2026, 12, 1), date(2027, 1, 1), clashes=True).clashes
    assert [clash.refs for clash in found] == [codes] * 3
    guide = next(clash for clash in found if "Phan Thử Thảo" in clash.text.vi)
    assert "14/12/2026, 15/12/2026" in guide.text.vi and "on the same day: 14/12/2026, 15/12/2026" in guide.text.en
    places = [clash.text.en for clash in found if clash is not guide]
    assert all("at the same time" in text for text in places) and "Chợ nổi minh họa, Phường Cái Răng" in places[0]


def test_clashes_are_told_to_the_desk_and_to_the_guide_alone(office, crowded, monday):
    stage, _ = crowded
    told = {name: len(feeds.agenda(office, stage.actor(name), date(2026, 12, 1), date(2027, 1, 1), clashes=True).clashes) for name in ("hd.thao", "vptt.han")}
    assert told == {"hd.thao": 3, "vptt.han": 0}


def test_a_postponed_visit_keeps_its_mark_and_counts_up(office, crowded, monday):
    stage, refs = crowded
    after = feeds.agenda(office, stage.actor("hd.thao"), date(2026, 12, 1), date(2027, 1, 1))
    was = {event.uid: event for event in stage.before.events if event.case_id == refs[1]}
    now = {event.uid: event for event in after.events if event.case_id == refs[1]}
    assert set(was) == set(now) and len(now) == 3
    assert all(now[uid].version > was[uid].version and now[uid].first_day == was[uid].first_day - timedelta(days=7) for uid in now)


def test_a_row_that_the_decision_left_out_is_not_in_it(office, stage, monday):
    ref = stage.file("vptt.han", "visit", fields=programme({"first_day": "2026-12-28", "last_day": "2026-12-29"}))
    demo.advance(stage, ref, "visit", "consulted")
    dropped = stage.row(ref)["fields"]["itinerary"][0]["row"]
    given = {**demo.proposal(stage, ref, "visit", "approve_partly"), "rows": [{"row": dropped, "result": "drop", "reason": "Đang sửa chữa."}]}
    stage.act("cv.binh", ref, "recommend", **given)
    for stop in ("pending_decision", "pending_committee", "approved"):
        demo.step(stage, ref, "visit", stop)
    found = feeds.agenda(office, stage.actor("cv.binh"), date(2026, 12, 28), date(2027, 1, 1))
    rows = [event.row for event in found.events if event.case_id == ref and event.what == "row"]
    assert len(rows) == 1 and rows != [dropped]


def test_a_visit_that_took_place_stays_and_one_called_off_goes(office, stage, monday):
    kept = stage.file("vptt.han", "visit")
    demo.advance(stage, kept, "visit", "closed")
    gone = stage.file("vptt.han", "visit", fields=programme({"first_day": "2026-11-18", "last_day": "2026-11-18"}))
    demo.advance(stage, gone, "visit", "approved")

    def there():
        return {event.case_id for event in feeds.agenda(office, stage.actor("vptt.han"), monday, date(2026, 11, 20)).events if event.what == "visit"}

    assert {kept, gone} <= there()
    stage.act("vptt.han", gone, "cancel", reason="Phóng viên ốm.")
    assert kept in there() and gone not in there()


# --- the file ----------------------------------------------------------------------------------------------------

HOSTILE = {
    "commas": "Chợ, nổi; và: \"ngoặc\" 'đơn'",
    "line ends": "một\nhai\r\nba\rbốn",
    "backslashes": r"C:\n\N\,\; \\ end\\",
    "a line of the format": "x\nEND:VEVENT\r\nBEGIN:VEVENT\nSUMMARY:giả",
    "emoji": "🎥👩‍🚒🇻🇳 quay phim " * 6,
    "right to left": "صحفي \u202eأجنبي\u202c עיתונאי ‏1‎",
    "4 KB": "Thích ứng với xâm nhập mặn, " * 146,
    "combining": "Ha\u0323 No\u0302\u0323i " * 20,
    "separators": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "controls": "tab\tchuông\x07 xóa\x7f không\x00",
}


def event(**changed):
    rest = {
        "what": "row", "case_id": "c" * 32, "ref": "CT-V-2026-0001", "word": Text("Đã chấp thuận", "Approved"), "version": 7, "row": "r1",
        "starts": datetime(2026, 12, 1, 1, tzinfo=UTC), "ends": datetime(2026, 12, 1, 2, 30, tzinfo=UTC),
        "changed": datetime(2026, 11, 16, 2, 0, 0, 999, tzinfo=UTC),
    }  # fmt: skip
    return Event(**{**rest, **changed})


def written(*events, cut=False):
    with clock.at(datetime(2026, 11, 16, 3, tzinfo=UTC)):
        return feeds.file_of(Agenda(tuple(events), cut=cut), "vi", "https://desk.example")


def both(data):
    """The entries of a file as each of two parsers reads them: texts, times, marks."""
    one = [
        {"summary": str(part["SUMMARY"]), "place": str(part.get("LOCATION", "")), "uid": str(part["UID"]), "sequence": int(part["SEQUENCE"]),
         "starts": part.decoded("DTSTART"), "ends": part.decoded("DTEND"), "description": str(part["DESCRIPTION"]), "changed": part.decoded("LAST-MODIFIED")}
        for part in icalendar.Calendar.from_ical(data).walk("VEVENT")
    ]  # fmt: skip
    read = vobject.readOne(data.decode())
    two = [
        {"summary": part.summary.value, "place": part.location.value if "location" in part.contents else "", "uid": part.uid.value,
         "sequence": int(part.sequence.value), "starts": part.dtstart.value, "ends": part.dtend.value, "description": part.description.value,
         "changed": part.last_modified.value}
        for part in read.contents.get("vevent", [])
    ]  # fmt: skip
    return one, two


@pytest.mark.parametrize("title", HOSTILE.values(), ids=HOSTILE)
def test_two_parsers_read_back_what_was_written(title):
    sent = event(word=Text(title, title), place=title)
    one, two = both(written(sent, event(row="r2")))
    assert one == two and len(one) == 2
    assert one[0]["summary"] == feeds.plain(sent.summary.vi) and one[0]["place"] == feeds.plain(title)
    assert one[0]["starts"] == sent.starts and one[0]["ends"] == sent.ends and one[0]["sequence"] == 7
    assert one[0]["changed"] == sent.changed.replace(microsecond=0)


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=300))
def test_any_text_comes_back(text):
    one, two = both(written(event(place=text + "x")))
    assert one == two and one[0]["place"] == feeds.plain(text + "x")


def test_lines_end_and_fold_as_the_format_wants():
    data = written(*(event(word=Text(title, title), place=title, row=name) for name, title in HOSTILE.items()))
    lines = data.split(b"\r\n")
    assert lines[-1] == b"" and b"\n" not in data.replace(b"\r\n", b"") and b"\r" not in data.replace(b"\r\n", b"")
    assert max(map(len, lines)) <= 75
    for line in lines:
        line.decode()  # no character is cut by a fold
    assert b"\r\nSUMMARY:gi" not in data and data.count(b"\r\nBEGIN:VEVENT\r\n") == len(HOSTILE)


def test_whole_days_end_with_the_day_after_and_due_dates_have_no_end():
    data = written(event(what="visit", row="", starts=date(2026, 12, 1), ends=date(2026, 12, 2)), event(what="statutory", row="", ends=None)).decode()
    assert "DTSTART;VALUE=DATE:20261201\r\nDTEND;VALUE=DATE:20261203\r\n" in data
    due = data.split("BEGIN:VEVENT")[2]
    assert "DTSTART;TZID=Asia/Ho_Chi_Minh:20261201T080000\r\n" in due and "DTEND" not in due and "TRANSP:TRANSPARENT" in due


def test_the_head_of_the_file():
    for name in ("VERSION:2.0", "METHOD:PUBLISH", "PRODID:", "CALSCALE:GREGORIAN", "REFRESH-INTERVAL;VALUE=DURATION:PT1H"):
        assert f"\r\n{name}" in written().decode()
    assert "Quá nhiều mục" in written(cut=True).decode() and "Quá nhiều mục" not in written().decode()
    assert "DTSTAMP:20261116T030000Z\r\n" in written(event()).decode()


def test_the_zone_is_whole_and_knows_no_summer_time():
    """The definition in the file agrees with the tz database at every month's noon, and has one standard time only."""
    data = written(event())
    zone = icalendar.Calendar.from_ical(data).walk("VTIMEZONE")
    assert len(zone) == 1 and str(zone[0]["TZID"]) == "Asia/Ho_Chi_Minh" and [part.name for part in zone[0].subcomponents] == ["STANDARD"]
    read = vobject.readOne(data.decode()).vtimezone.gettzinfo()
    for year in range(1976, 2061):
        for month in range(1, 13):
            noon = datetime(year, month, 15, 12)
            assert noon.replace(tzinfo=read).utcoffset() == noon.replace(tzinfo=ZONE).utcoffset() == timedelta(hours=7)
            assert not noon.replace(tzinfo=read).dst()


def test_a_real_feed_reads_alike_with_one_mark_for_each_entry(office, stage, scene, crowded, monday):
    for username in ("cv.binh", "hd.thao", "tp.hoa", "vptt.han"):
        data = feeds.feed(office, stage.actor(username), "https://desk.example")
        parts = icalendar.Calendar.from_ical(data).walk("VEVENT")
        marks = [str(part["UID"]) for part in parts]
        assert marks and len(set(marks)) == len(marks)
        assert [part.uid.value for part in vobject.readOne(data.decode()).contents["vevent"]] == marks
        assert all(str(part["URL"]).startswith("https://desk.example/cases/") and str(part["URL"]) in str(part["DESCRIPTION"]) for part in parts)
        assert feeds.feed(office, stage.actor(username), "https://desk.example") == data


# --- the address -------------------------------------------------------------------------------------------------


def tokens(office):
    with office.db.read() as connection:
        return store.query(connection, "SELECT token_hash, user_id, used_at, revoked_at FROM feed_tokens")


def test_only_a_hash_is_kept_and_only_one_address_is_open(office, stage):
    actor = stage.actor("cv.binh")
    first = feeds.open_feed(office, actor)
    assert feeds.owner_of(office, first).id == actor.id and feeds.feed_of(office, actor)["used_at"]
    second = feeds.open_feed(office, actor)
    assert feeds.owner_of(office, first) is None and feeds.owner_of(office, second).id == actor.id
    assert len(first) == 64 and not any(first in str(row) or second in str(row) for row in tokens(office))
    assert feeds.close_feed(office, actor) and not feeds.close_feed(office, actor)
    assert feeds.owner_of(office, second) is None and feeds.feed_of(office, actor) is None


def test_closing_the_account_and_a_new_password_end_the_address(office, stage):
    for end in (
        lambda connection, actor: users.disable(connection, actor.username),
        lambda connection, actor: users.set_password(connection, actor.id, users.hasher().hash("Mot-mat-khau-moi")),
    ):
        actor = stage.actor("qs.quan")
        token = feeds.open_feed(office, actor)
        office.db.transact(lambda connection, end=end, actor=actor: end(connection, actor))
        # Also where the account is opened again: the address stays ended.
        office.db.transact(lambda connection: store.execute(connection, "UPDATE users SET active = :yes WHERE username = 'qs.quan'", yes=True))
        assert feeds.owner_of(office, token) is None
        assert [row["revoked_at"] for row in tokens(office) if row["user_id"] == actor.id][-1]


def test_an_account_closed_by_other_hands_has_no_feed(office, stage):
    actor = stage.actor("vhttdl.son")
    token = feeds.open_feed(office, actor)
    office.db.transact(lambda connection: store.execute(connection, "UPDATE users SET active = :no WHERE id = :id", no=False, id=actor.id))
    try:
        assert feeds.owner_of(office, token) is None
    finally:
        office.db.transact(lambda connection: store.execute(connection, "UPDATE users SET active = :yes WHERE id = :id", yes=True, id=actor.id))


def test_the_use_is_noted_once_an_hour(office, stage):
    actor, start = stage.actor("tp.hoa"), datetime(2026, 11, 16, 3, tzinfo=UTC)
    with clock.at(start):
        token = feeds.open_feed(office, actor)
    noted = []
    for minutes in (0, 1, 59, 60, 61, 119, 121):
        with clock.at(start + timedelta(minutes=minutes)):
            feeds.owner_of(office, token)
            noted.append(clock.moment(feeds.feed_of(office, actor)["used_at"]) - start)
    assert [int(moment.total_seconds() // 60) for moment in noted] == [0, 0, 0, 60, 60, 60, 121]


def test_many_at_once_leave_one_address(office, stage):
    actor, made, faults = stage.actor("gd.khanh"), [], []
    barrier = threading.Barrier(8)

    def make():
        try:
            barrier.wait(30)
            made.append(feeds.open_feed(office, actor))
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not faults and len(made) == 8
    assert len([row for row in tokens(office) if row["user_id"] == actor.id and row["revoked_at"] is None]) == 1
    assert len([token for token in made if feeds.owner_of(office, token)]) == 1
