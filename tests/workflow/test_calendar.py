"""Working days: the fixtures of 2026, the proposed swap, the table and its files, and what must always hold."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.language import Text
from workflow import calendar_files as files
from workflow import calendar_table as table
from workflow import clock, demo, store
from workflow.audit.verify import verify
from workflow.calendar import Day, Skipped, WorkCalendar, load_calendar, seed_calendar, seed_rows, seeded
from workflow.errors import Invalid, NotFound, RoleRefused
from workflow.fold import fold, vi_sort_key

CALENDAR = WorkCalendar(seeded([2026, 2027]))


def at(text, hour=9):
    return clock.at_local(date.fromisoformat(text), time(hour))


@pytest.mark.parametrize("received,due", [
    ("2026-02-12", "2026-02-26"), ("2026-04-24", "2026-05-06"), ("2026-04-28", "2026-05-07"), ("2026-08-20", "2026-08-26"),
    ("2026-08-27", "2026-09-08"), ("2026-11-19", "2026-11-27"), ("2026-11-20", "2026-11-30"), ("2026-12-28", "2027-01-05"),
])  # fmt: skip
def test_five_working_days(received, due):
    counted = CALENDAR.add_working_days(at(received), 5)
    assert clock.local(counted.due).date() == date.fromisoformat(due)
    assert len(counted.counted) == 5 and clock.local(counted.due).time() == time(17, 0)


def test_the_proposed_swap_moves_one_date_and_not_the_other():
    days = {**CALENDAR.days, date(2026, 11, 23): Day("off", "hoán đổi", "", True), date(2026, 11, 28): Day("work", "làm bù", "", True)}
    swapped = WorkCalendar(days)
    assert clock.local(swapped.add_working_days(at("2026-11-19"), 5).due).date() == date(2026, 11, 28)
    assert clock.local(swapped.add_working_days(at("2026-11-20"), 5).due).date() == date(2026, 11, 30)


def test_culture_day_is_off_and_says_why():
    counted = CALENDAR.add_working_days(at("2026-11-20"), 5)
    assert (date(2026, 11, 24), Text("Ngày Văn hóa Việt Nam", "Viet Nam Culture Day"), "28/2026/QH16") in counted.skipped
    assert counted.skipped[0] == Skipped(date(2026, 11, 21), Text("Thứ Bảy", "Saturday"), "")
    assert not CALENDAR.is_working(date(2026, 11, 24))


def test_receipt_after_the_cut_off_counts_from_the_next_day():
    assert CALENDAR.receipt_day(at("2026-11-19", 17)) == date(2026, 11, 20)
    assert CALENDAR.receipt_day(at("2026-11-21")) == date(2026, 11, 23)


def test_an_unconfirmed_year_is_named():
    assert CALENDAR.add_working_days(at("2026-12-28"), 5).unconfirmed_years == (2027,)


def test_one_day_still_guessed_keeps_its_year_in_doubt():
    """The administrator confirms a year row by row: the first confirmed row must not end the warning."""
    first, *rest = sorted(on for on in CALENDAR.days if on.year == 2027)
    days = dict(CALENDAR.days)
    days[first] = Day("off", "Tết Dương lịch", "1/TB", True)
    assert WorkCalendar(days).add_working_days(at("2026-12-28"), 5).unconfirmed_years == (2027,)
    days.update({on: Day("off", days[on].name, "1/TB", True) for on in rest})
    assert WorkCalendar(days).add_working_days(at("2026-12-28"), 5).unconfirmed_years == ()
    assert WorkCalendar({}).add_working_days(at("2026-12-28"), 5).unconfirmed_years == (2026, 2027)


def test_the_cut_off_itself_is_in_time_and_the_morning_before_opening_too():
    at_cutoff = clock.at_local(date(2026, 11, 19), time(16, 30))
    assert CALENDAR.receipt_day(at_cutoff) == date(2026, 11, 19)
    assert CALENDAR.receipt_day(at_cutoff + timedelta(seconds=1)) == date(2026, 11, 20)
    assert CALENDAR.receipt_day(at("2026-11-19", 0)) == date(2026, 11, 19)
    # 18:00 UTC is already the next day in Hà Nội
    assert CALENDAR.receipt_day(datetime(2026, 11, 18, 18, tzinfo=UTC)) == date(2026, 11, 19)


def test_days_off_and_made_up_days_of_2026():
    off = ["01-01", "01-02", *(f"02-{day}" for day in range(16, 21)), "04-27", "04-30", "05-01", "08-31", "09-01", "09-02", "11-24"]
    assert not any(CALENDAR.is_working(date.fromisoformat(f"2026-{day}")) for day in off)
    assert CALENDAR.is_working(date(2026, 1, 10)) and CALENDAR.is_working(date(2026, 8, 22))
    assert all(day.confirmed and day.document for on, day in CALENDAR.days.items() if on.year == 2026)
    weekdays = sum(date(2026, 1, 1) + timedelta(days=n) in CALENDAR.days for n in range(365))
    assert weekdays == len(off) + 2 + 1  # two worked Saturdays, and Giỗ Tổ on its Sunday


def test_working_days_between():
    assert CALENDAR.working_days_between(at("2026-11-20"), at("2026-11-27")) == 4
    assert CALENDAR.working_days_between(at("2026-11-20", 8), at("2026-11-20", 16)) == 0
    assert CALENDAR.working_days_between(at("2026-11-27"), at("2026-11-20")) == 0


def test_the_table_is_filled_once_and_keeps_what_was_edited(database):
    assert database.transact(lambda connection: seed_calendar(connection, range(2025, 2029))) > 30
    with database.read() as connection:
        assert load_calendar(connection) == seeded(range(2025, 2029))
    edit = "UPDATE calendar_days SET kind = 'work', document = '2/TB' WHERE on_date = '2028-11-24'"
    database.transact(lambda connection: connection.exec_driver_sql(edit))
    assert database.transact(lambda connection: seed_calendar(connection, range(2025, 2029))) == 0
    with database.read() as connection:
        assert load_calendar(connection)[date(2028, 11, 24)].document == "2/TB"


# --- units, half days, working hours -------------------------------------------------------------------------------

HALF = WorkCalendar({**CALENDAR.days, date(2026, 12, 31): Day("half", "Tất niên", "9/TB", True, "Year end", time(8), time(11, 30))})


def test_calendar_days_do_not_count_the_day_of_receipt_and_end_on_a_working_day():
    """Bộ luật Dân sự 2015 art. 147(2), 148(5)."""
    plain = CALENDAR.count(at("2026-11-16"), 10, "d")
    assert plain.due == clock.at_local(date(2026, 11, 26), time(17)) and len(plain.counted) == 10 and plain.skipped == ()
    assert plain.starts == date(2026, 11, 16) and plain.counted[0] == date(2026, 11, 17)
    moved = CALENDAR.count(at("2026-11-19"), 5, "d")  # the fifth day is Culture Day
    assert moved.due == clock.at_local(date(2026, 11, 25), time(17)) and moved.counted[-1] == date(2026, 11, 24)
    assert [(day.on, day.document) for day in moved.skipped] == [(date(2026, 11, 24), "28/2026/QH16")]
    weekend = CALENDAR.count(at("2026-11-18"), 3, "d")
    assert [day.document for day in weekend.skipped] == ["BLDS 2015 148(5)"] * 2 and "ngày làm việc kế tiếp" in weekend.skipped[0].why.vi
    assert CALENDAR.count(at("2026-12-30"), 5, "d").unconfirmed_years == (2027,)


def test_hours_run_through_nights_weekends_and_days_off():
    start = at("2026-11-20", 16)
    found = CALENDAR.count(start, 24, "h")
    assert found.due == at("2026-11-21", 16) and found.counted == found.skipped == found.unconfirmed_years == ()
    assert CALENDAR.count(start, 96, "h").due == at("2026-11-24", 16)


def test_a_fraction_of_a_working_day_ends_within_its_hours():
    assert CALENDAR.count(at("2026-11-19"), 0.5, "wd").due == clock.at_local(date(2026, 11, 20), time(12, 15))
    assert CALENDAR.count(at("2026-11-19"), 1.5, "wd").due == clock.at_local(date(2026, 11, 23), time(12, 15))
    assert HALF.count(at("2026-12-30"), 0.5, "wd").due == clock.at_local(date(2026, 12, 31), time(9, 45))


@pytest.mark.parametrize(("value", "unit"), [(-1, "wd"), (-0.5, "h"), (1.5, "d"), (10**7, "wd"), (10**7, "h"), (1, "weeks"), (float("nan"), "wd")])
def test_what_cannot_be_counted_is_refused(value, unit):
    with pytest.raises(ValueError):
        CALENDAR.count(at("2026-11-19"), value, unit)
    with pytest.raises(ValueError):
        CALENDAR.before(at("2026-11-19"), -1)


def test_a_half_day_counts_and_closes_earlier():
    counted = HALF.add_working_days(at("2026-12-30"), 1)
    assert counted.due == clock.at_local(date(2026, 12, 31), time(11, 30)) and counted.counted == (date(2026, 12, 31),)
    # The cut-off is not after closing: what comes at noon on that day counts for the next one.
    assert HALF.receipt_day(clock.at_local(date(2026, 12, 31), time(11, 30))) == date(2026, 12, 31)
    assert HALF.receipt_day(clock.at_local(date(2026, 12, 31), time(11, 31))) == date(2027, 1, 4)
    assert HALF.hours(date(2026, 12, 30)) == (time(7, 30), time(17)) and HALF.ends(date(2026, 12, 31)) == counted.due


def test_before_walks_back_in_working_hours():
    friday = at("2026-11-27", 17)
    assert CALENDAR.before(friday, 0.5) == clock.at_local(date(2026, 11, 27), time(12, 15))
    assert CALENDAR.before(friday, 1) == at("2026-11-26", 17)
    assert CALENDAR.before(friday, 3) == at("2026-11-23", 17), "24/11 is off"
    assert CALENDAR.before(friday, 0) == friday
    assert CALENDAR.before(at("2026-11-29", 10), 1) == at("2026-11-26", 17), "a Sunday is Friday's closing"
    assert HALF.before(HALF.ends(date(2026, 12, 31)), 0.5) == clock.at_local(date(2026, 12, 31), time(9, 45))


def test_elapsed_counts_hours_of_work_only():
    assert CALENDAR.elapsed(at("2026-11-20", 17), clock.at_local(date(2026, 11, 23), time(7, 30))) == 0
    assert CALENDAR.elapsed(clock.at_local(date(2026, 11, 23), time(12, 15)), at("2026-11-23", 17)) == 0.5
    assert CALENDAR.elapsed(at("2026-11-27", 17), at("2026-11-20", 17)) == -4


def test_a_calendar_without_any_working_day_says_so():
    none = WorkCalendar({date(2026, 1, 1) + timedelta(days=n): Day("off", "x", "", True) for n in range(6000)})
    with pytest.raises(ValueError, match="no working day"):
        none.next_working(date(2026, 1, 1))


# --- the table -----------------------------------------------------------------------------------------------------

DAY = {"on": "2026-12-11", "kind": "off", "name": "Nghỉ bão", "name_en": "Storm", "document": "12/UBND", "document_on": "2026-11-20", "standing": "confirmed"}
FIXTURES = [("2026-11-19", "2026-11-27", "2026-11-28"), ("2026-11-20", "2026-11-30", "2026-11-30")]


@pytest.fixture(scope="module")
def admin(stage):
    return stage.actor("qt.yen")


@pytest.fixture
def today():
    with clock.at(datetime(2026, 11, 25, 2, tzinfo=UTC)):
        yield


def in_force(office):
    with office.db.read() as connection:
        office.refresh(connection)
    return office.calendar


def find(office, on, locality=""):
    with office.db.read() as connection:
        return table.standing_row(connection, locality, on)


def entries(office, action):
    with office.db.read() as connection:
        return store.query(connection, "SELECT seq, actor_id FROM audit_entry WHERE stream = 'system' AND action = :action ORDER BY seq", action=action)


def change(office, admin, plan, *given, reason=""):
    with office.db.read() as connection:
        planned = plan(connection, *given)
    return table.carry_out(office, admin, [planned], reason)


def test_the_seed_says_what_the_documents_say():
    rows = {row["on_date"]: row for row in seed_rows([2026])}
    by_document = {}
    for row in rows.values():
        assert row["name"] and row["name_en"]
        by_document.setdefault(row["document"], set()).add((row["on_date"][5:], row["kind"]))
    tet = {(f"02-{day}", "off") for day in range(16, 21)}
    assert by_document == {
        "BLLĐ 112": {("01-01", "off"), ("04-26", "off")}, "12729/VPCP-KGVX": {("01-02", "off"), ("01-10", "work")},
        "9441/TB-BNV": tet | {("08-22", "work"), ("08-31", "off"), ("09-01", "off"), ("09-02", "off")},
        "3383/BNV-CVL": {("04-27", "off"), ("04-30", "off"), ("05-01", "off")}, "28/2026/QH16": {("11-24", "off")},
        "": {("11-23", "off"), ("11-28", "work")},
    }  # fmt: skip
    assert {on for on, row in rows.items() if row["standing"] == "proposed"} == {"2026-11-23", "2026-11-28"}
    other = [row for row in seed_rows([2027]) if row["on_date"][:4] == "2027"]
    assert {row["standing"] for row in other} == {"expected"} and all(row["name_en"] for row in other)
    assert {"2027-02-06", "2027-04-16", "2027-11-24"} <= {row["on_date"] for row in other}


def test_a_proposal_counts_when_it_is_confirmed(office, admin, today):
    """The two fixtures of the swap, through the table: proposed it moves nothing, confirmed it moves one date."""

    def dues():
        calendar = in_force(office)
        return [clock.local(calendar.add_working_days(at(received), 5).due).date().isoformat() for received, *_ in FIXTURES]

    assert dues() == [plain for _, plain, _ in FIXTURES]
    for on in ("2026-11-23", "2026-11-28"):
        with pytest.raises(Invalid) as without:
            change(office, admin, table.to_confirm, find(office, on)["id"], "", "")
        assert set(without.value.fields) == {"document"}
        change(office, admin, table.to_confirm, find(office, on)["id"], "1234/TB-BNV", "2026-11-02")
    assert dues() == [swapped for _, _, swapped in FIXTURES]
    assert find(office, "2026-11-28")["document_on"] == "2026-11-02" and len(entries(office, "calendar_confirm")) == 2
    with office.db.read() as connection:
        history = [row["standing"] for row in table.rows_of(connection, 2026, ended=True) if row["on_date"] == "2026-11-23"]
    assert sorted(history) == ["confirmed", "proposed"], "the proposal is ended, not overwritten"
    for on in ("2026-11-23", "2026-11-28"):
        change(office, admin, table.to_end, find(office, on)["id"], reason="thử")
    assert dues() == [plain for _, plain, _ in FIXTURES]


def test_a_row_is_entered_corrected_and_ended_and_the_record_tells(office, admin, today):
    change(office, admin, table.to_enter, DAY)
    assert not in_force(office).is_working(date(2026, 12, 11))
    with pytest.raises(Invalid) as twice:
        change(office, admin, table.to_enter, DAY)
    assert set(twice.value.fields) == {"on"}
    mark = find(office, "2026-12-11")["id"]
    with pytest.raises(Invalid):
        change(office, admin, table.to_correct, mark, DAY, reason="x")
    change(office, admin, table.to_correct, mark, {**DAY, "on": "14/12/2026"}, reason="nhầm ngày")
    assert in_force(office).is_working(date(2026, 12, 11)) and not in_force(office).is_working(date(2026, 12, 14))
    with pytest.raises(Invalid):
        change(office, admin, table.to_end, mark)
    with pytest.raises(NotFound):
        change(office, admin, table.to_end, "0" * 32)
    change(office, admin, table.to_end, find(office, "2026-12-14")["id"], reason="bão tan")
    assert in_force(office).is_working(date(2026, 12, 14)), "an ended row no longer counts"
    for action in ("calendar_enter", "calendar_correct", "calendar_end"):
        assert entries(office, action)[-1]["actor_id"] == admin.id
    with office.db.read() as connection:
        seq = entries(office, "calendar_correct")[-1]["seq"]
        opened = {r["field"]: r["value"] for r in store.query(connection, "SELECT field, value FROM opening WHERE stream = 'system' AND seq = :seq", seq=seq)}
        assert verify(connection).integrity == "clean"
    assert "nhầm ngày" in opened["input.reason"] and "2026-12-11" in opened["input.was"] and "2026-12-14" in opened["input.row"]


def test_the_locality_s_row_wins_and_no_other_locality_s(office, admin, today):
    change(office, admin, table.to_enter, {**DAY, "on": "2026-12-22", "name": "Cả nước"})
    change(office, admin, table.to_enter, {**DAY, "on": "2026-12-22", "locality": "can-tho", "kind": "half", "closes": "11:30", "name": "Riêng"})
    change(office, admin, table.to_enter, {**DAY, "on": "2026-12-23", "locality": "hai-phong", "name": "Hải Phòng"})
    calendar = in_force(office)
    assert calendar.is_working(date(2026, 12, 22)) and calendar.hours(date(2026, 12, 22))[1] == time(11, 30) and calendar.is_working(date(2026, 12, 23))
    with office.db.read() as connection:
        nation, other = load_calendar(connection), load_calendar(connection, "hai-phong")
    assert nation[date(2026, 12, 22)].kind == "off" and other[date(2026, 12, 23)].kind == "off" and not other[date(2026, 12, 23)].national


def test_a_locality_s_day_confirms_no_year():
    mine = {date(2029, 5, 19): Day("off", "x", "1", True, national=False)}
    assert not WorkCalendar(mine).is_confirmed(2029)
    assert WorkCalendar({**mine, date(2029, 1, 1): Day("off", "x", "1", True)}).is_confirmed(2029)


def test_only_an_administrator_changes_the_calendar(office, stage, today):
    with office.db.read() as connection:
        planned = table.to_enter(connection, {**DAY, "on": "2026-12-29"})
    for username in ("gd.khanh", "ktr.xuan", "cv.binh", "vptt.han"):
        with pytest.raises(RoleRefused):
            table.carry_out(office, stage.actor(username), [planned])
        with pytest.raises(RoleRefused):
            table.recount(office, stage.actor(username), Text("x", "x"))
    assert find(office, "2026-12-29") is None


def test_open_cases_move_and_each_says_why(office, admin, stage):
    """What the preview names is what moves; the case keeps the old sum in an entry of its own."""
    ref = stage.file("vptt.han", "visit")
    before = stage.row(ref)["clocks"]["statutory_due"]
    due = clock.local(clock.moment(before)).date()
    with office.db.read() as connection:
        there = table.standing_row(connection, "", due.isoformat())
        assert there is None
        planned = table.to_enter(connection, {**DAY, "on": due.isoformat(), "document_on": ""})
    told = {row["code"] for row in table.moves(office, [planned])}
    assert stage.row(ref)["code"] in told and stage.row(ref)["clocks"]["statutory_due"] == before
    moved = table.carry_out(office, admin, [planned])
    assert set(moved) == told and stage.row(ref)["clocks"]["statutory_due"] > before
    with office.db.read() as connection:
        last = store.query(connection, "SELECT action, seq FROM audit_entry WHERE case_id = :id ORDER BY seq DESC LIMIT 1", id=stage.row(ref)["id"])[0]
        why = store.query(
            connection, "SELECT value FROM opening WHERE stream = :stream AND seq = :seq AND field = 'input.why'",
            stream=f"case/{stage.row(ref)['id']}", seq=last["seq"])  # fmt: skip
    assert last["action"] == "recount" and "Nghỉ bão" in why[0]["value"] and "12/UBND" in why[0]["value"]
    change(office, admin, table.to_end, find(office, due.isoformat())["id"], reason="x")
    assert stage.row(ref)["clocks"]["statutory_due"] == before


def test_a_proposal_is_no_reason_to_count_again(office, admin, today):
    with office.db.read() as connection:
        planned = table.to_enter(connection, {**DAY, "on": "2026-12-30", "standing": "proposed", "document": ""})
    assert not table.counts(office, planned) and table.moves(office, [planned]) == [] and table.carry_out(office, admin, [planned]) == []


def test_two_at_once_one_row(office, admin, today):
    """Two administrators enter the same day at the same moment, and end the same row: one of them is told."""
    told = []

    def both(work):
        barrier = threading.Barrier(2)

        def one():
            barrier.wait(10)
            try:
                work()
                told.append("done")
            except Invalid as error:
                told.append(next(iter(error.fields)))

        threads = [threading.Thread(target=one) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return sorted(told.pop() for _ in range(2))

    with office.db.read() as connection:
        planned = table.to_enter(connection, {**DAY, "on": "2026-12-17"})
    assert both(lambda: table.carry_out(office, admin, [planned])) == ["done", "on"]
    with office.db.read() as connection:
        ending = table.to_end(connection, find(office, "2026-12-17")["id"])
    assert both(lambda: table.carry_out(office, admin, [ending])) == ["_", "done"]
    with office.db.read() as connection:
        assert [r["on_date"] for r in table.rows_of(connection, 2026, ended=True)].count("2026-12-17") == 1


def test_a_seeded_row_that_was_ended_does_not_come_back(office, admin, today):
    change(office, admin, table.to_end, find(office, "2026-09-01")["id"], reason="thử")
    assert office.db.transact(lambda connection: seed_calendar(connection, [2026, 2027])) == 0
    assert find(office, "2026-09-01") is None
    change(office, admin, table.to_enter, {**DAY, "on": "2026-09-01", "name": "Quốc khánh", "document": "9441/TB-BNV", "document_on": "2025-10-16"})
    assert not in_force(office).is_working(date(2026, 9, 1))


@pytest.mark.parametrize(("given", "field"), [
    ({"on": "2026-02-30"}, "on"), ({"on": "31/04/2026"}, "on"), ({"on": ""}, "on"), ({"on": "1812-01-01"}, "on"), ({"on": "hôm nay"}, "on"),
    ({"on": "²026-01-01"}, "on"), ({"kind": "holiday"}, "kind"), ({"standing": "sure"}, "standing"), ({"name": " "}, "name"), ({"name": "x" * 201}, "name"),
    ({"name": "a\u202eb"}, "name"), ({"document": ""}, "document"), ({"document_on": "2027-01-01"}, "document_on"), ({"document_on": "x"}, "document_on"),
    ({"locality": "ha-noi"}, "locality"), ({"kind": "half"}, "closes"), ({"kind": "half", "opens": "12:00", "closes": "11:30"}, "closes"),
    ({"kind": "half", "closes": "25:00"}, "closes"), ({"opens": "08:00"}, "opens"),
])  # fmt: skip
def test_each_wrong_field_gets_its_sentence(given, field, today):
    with pytest.raises(Invalid) as refused:
        table.checked({**DAY, **given})
    assert set(refused.value.fields) == {field} and all(text.vi and text.en for text in refused.value.fields[field])


def test_what_is_typed_is_brought_into_one_form(today):
    row = table.checked({**DAY, "on": " 1/12/2026 ", "name": "  Nghỉ \n  bão ", "kind": "half", "closes": "9:30", "document_on": "20/11/2026"})
    assert (row["on_date"], row["name"], row["closes"], row["document_on"]) == ("2026-12-01", "Nghỉ bão", "09:30", "2026-11-20")


def test_findings_name_what_is_doubtful():
    rows = [{"locality": "", "opens": None, "closes": None, "name": "x", "name_en": "y", "document": "", "standing": "confirmed", **given} for given in (
        {"on_date": "2026-12-01", "kind": "work"}, {"on_date": "2026-12-02", "kind": "off", "document": "7/TB"},
        {"on_date": "2026-12-02", "kind": "off", "locality": "can-tho", "document": "8/TB"},
        {"on_date": "2026-12-03", "kind": "off", "document": "7/TB", "standing": "proposed"},
        {"on_date": "2026-12-04", "kind": "half", "closes": "18:00"}, {"on_date": "2027-01-01", "kind": "off", "standing": "expected"},
    )]  # fmt: skip
    from workflow.calendar import days_of

    found = [text.en for text in table.findings(rows, WorkCalendar(days_of(rows, "can-tho")), {2026: 4, 2027: 2}, 2026)]
    assert found == [
        "The calendar of 2027 is not confirmed; 2 open case(s) have a due date in it.", "2027: 1 row(s) are merely expected.",
        "2026-12-01: entered as a worked day, but it is no day off anyway.",
        "2026-12-02 (can-tho): the locality's row says the same as the national one.",
        "2026-12-03: y – not counted; confirm or end it.", "2026-12-03: document 7/TB is confirmed in another row, but not in this one.",
        "2026-12-04: the hours of the half day lie outside working hours.",
    ]  # fmt: skip


# --- files -----------------------------------------------------------------------------------------------------------

AWKWARD = {
    **DAY, "name": "=HYPERLINK(1); “Nghỉ”, bão", "name_en": "'-1, a;b:c \\n d", "document": "@12/UBND", "standing": "proposed",
    "entered_at": "2026-11-25T00:00:00.000000Z", "opens": None, "closes": None, "locality": "", "on_date": "2026-12-11",
}  # fmt: skip
HALF_DAY = {**AWKWARD, "on_date": "2026-12-12", "kind": "half", "opens": "07:30", "closes": "11:30", "locality": "can-tho", "name": "+84", "name_en": ""}


def the_same(rows, back):
    return [{name: row[name] for name in table.COLUMNS} for row in rows] == [table.checked(item) for item in back]


@pytest.mark.parametrize("write", [files.to_csv, files.to_ics])
def test_out_and_in_again(write, today):
    rows = [AWKWARD, HALF_DAY, *({**row, "entered_at": AWKWARD["entered_at"]} for row in seed_rows([2027]))]
    assert the_same(rows, files.read(write(rows)))


CELLS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=30).map(
    lambda s: table.checked({**DAY, "document_on": "", "name": s})["name"]
)


@given(CELLS, st.sampled_from(["=", "+", "-", "@", "'", "", '"']), st.sampled_from([files.to_csv, files.to_ics]))
def test_any_name_survives_a_file_and_is_no_formula(name, first, write):
    row = {**AWKWARD, "name": first + name}
    data = write([row])
    assert files.read(data)[0]["name"] == row["name"]
    if write is files.to_csv:
        assert data.startswith(b"\xef\xbb\xbf")
        import csv
        import io

        for line in csv.reader(io.StringIO(data.decode("utf-8-sig"))):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in line)


def test_an_ics_of_another_program_is_taken_as_expected_days_off():
    data = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20270205\r\nDTEND;VALUE=DATE:20270207\r\n"
        b"SUMMARY:T\xe1\xba\xbft\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    rows = files.read(data)
    assert [row["on"] for row in rows] == ["2027-02-05", "2027-02-06"] and {row["kind"] for row in rows} == {"off"} and not any(row["standing"] for row in rows)


def sentence(data, year=None):
    with pytest.raises(Invalid) as refused:
        rows = files.read(data)
        files._checked_rows(rows)
    assert set(refused.value.fields) == {"file"}
    return " ".join(text.en for text in refused.value.fields["file"])


def ics(*lines):
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"]).encode()


@pytest.mark.parametrize(("data", "told"), [
    (b"", "holds no row"), (b"\xef\xbb\xbf\n\n", "holds no row"), (b"on,kind,name\n", "holds no row"), (b"x" * (1 << 20), "larger than 256 KB"),
    (b"\x89PNG\r\n\x1a\n\xff\xfe", "no UTF-8"), (b"MZ\0\0", "no UTF-8"), ("on,kind,name\n".encode("utf-16"), "no UTF-8"),
    (b"ngay,loai\n1,2\n", "unknown: ngay, loai"), (b"on,kind\n2026-01-01,off\n", "first line names the columns"), (b"on,on,kind,name\n", "first line names"),
    (b'on,kind,name\n2026-12-11,off,"x\n', "broken"), (b"on,kind,name\n2026-02-30,off,x\n", "Line 2: day"), (b"on,kind,name\n2026-12-11,feast,x\n", "Line 2: kind"),
    (b"on,kind,name\n2026-12-11,off,x\n11/12/2026,off,y\n", "Line 3: day – this day stands further up"),
    (b"on,kind,name,standing\n2026-12-11,off,x,confirmed\n", "needs the number of its document"),
    (b"on,kind,name\n" + b"2026-13-01,off,x\n" * 40, "28 more"), (b"on,kind,name\n" + b"2026-12-11,off,x\n" * 1500, "more than 1000 rows"),
    (b"BEGIN:VCALENDAR\r\nnonsense", "ICS file cannot be read"), (b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 3000, "cannot be read"),
    (ics("DTSTART:20270101T080000Z", "SUMMARY:x"), "whole days"), (ics("DTSTART;VALUE=DATE:20270101", "RRULE:FREQ=YEARLY", "SUMMARY:x"), "repeating"),
    (ics("DTSTART;VALUE=DATE:20270101", "DTEND;VALUE=DATE:20280101", "SUMMARY:x"), "longer than 31"), (ics("SUMMARY:x"), "cannot be read"),
    (ics("DTSTART;VALUE=DATE:20270101", "DTEND;VALUE=DATE:20261231", "SUMMARY:x"), "ends before"), (ics("DTSTART;VALUE=DATE:20271301", "SUMMARY:x"), "cannot be read"),
    (ics("DTSTART;VALUE=DATE:20270101"), "name"),
])  # fmt: skip
def test_a_hostile_file_gets_a_sentence(data, told):
    assert told in sentence(data)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda s: b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + s.encode("utf-8", "replace")))
def test_no_file_is_answered_with_anything_else(data):
    try:
        files._checked_rows(files.read(data))
    except Invalid as error:
        assert error.fields["file"]


def test_an_import_adds_replaces_leaves_and_never_ends(lite, today):
    admin = demo.Stage(lite).actor("qt.yen")
    given = files.read(
        "on;kind;name;document;document_on;standing\n01/01/2027;off;Tết Dương lịch;1/TB;01/10/2026;confirmed\n"
        "12/01/2027;off;Mới;;;\n01/09/2026;off;Đoán;;;\n".encode()
    )
    with lite.db.read() as connection:
        plan = files.plan(connection, given)
        only = files.plan(connection, given, 2026)
    assert [(c.row["on_date"], c.ends is not None) for c in plan.changes] == [("2027-01-01", True), ("2027-01-12", False)]
    assert [row["on_date"] for row in plan.kept] == ["2026-09-01"], "a guess takes no place of a row in force"
    assert only.changes == () and {row["on_date"][:4] for row in only.absent} == {"2026"} and len(plan.absent) > 20
    table.carry_out(lite, admin, plan.changes, "tệp")
    with lite.db.read() as connection:
        again = files.plan(connection, given)
        assert again.changes == () and again.same == 2 and plan.mark != again.mark
        assert table.standing_row(connection, "", "2027-01-01")["standing"] == "confirmed" and table.standing_row(connection, "", "2026-09-02")
        whole = files.plan(connection, files.read(files.to_csv(table.rows_of(connection))))
    assert whole.changes == whole.kept == whole.absent == () and whole.same > 50
    assert len(entries(lite, "calendar_import")) == 2


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 1)).map(lambda d: d.replace(tzinfo=UTC))


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=20)), st.integers(1, 30))
def test_received_later_is_never_due_earlier(moment, more, days):
    assert CALENDAR.add_working_days(moment, days).due <= CALENDAR.add_working_days(moment + more, days).due


@given(MOMENTS, st.integers(1, 30))
def test_one_day_more_is_later_and_ends_on_a_working_day(moment, days):
    first, second = CALENDAR.add_working_days(moment, days), CALENDAR.add_working_days(moment, days + 1)
    assert first.due < second.due and CALENDAR.is_working(clock.local(first.due).date())


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=20)), st.integers(1, 60), st.sampled_from(["wd", "d", "h"]))
def test_every_unit_is_monotone(moment, more, value, unit):
    for calendar in (CALENDAR, HALF):
        found = calendar.count(moment, value, unit)
        assert found.due <= calendar.count(moment + more, value, unit).due
        assert found.due <= calendar.count(moment, value + 1, unit).due
        if unit != "h":
            assert calendar.is_working(clock.local(found.due).date()) and not {day.on for day in found.skipped if calendar.is_working(day.on)}


@given(MOMENTS, st.floats(0.01, 10), st.floats(0.01, 5))
def test_a_longer_fraction_is_never_due_earlier(moment, value, more):
    assert CALENDAR.count(moment, value, "wd").due <= CALENDAR.count(moment, value + more, "wd").due


@given(st.dates(date(2026, 1, 1), date(2027, 5, 1)), st.integers(1, 20))
def test_a_pause_over_days_off_adds_nothing(day, count):
    """From the closing of a working day to the opening of the next: no working day lies between, and none is added."""
    last = CALENDAR.previous_working(day)
    following = CALENDAR.next_working(last + timedelta(days=1))
    since, until = CALENDAR.ends(last), clock.at_local(following, CALENDAR.opens) - timedelta(seconds=1)
    assert CALENDAR.elapsed(since, until) == 0
    assert CALENDAR.working_days_between(since, clock.at_local(following - timedelta(days=1), time(23))) == 0


@given(MOMENTS, st.integers(0, 500))
def test_hours_are_real_hours(moment, hours):
    assert CALENDAR.count(moment, hours, "h").due - moment == timedelta(hours=hours)


@given(MOMENTS, st.integers(0, 30), st.integers(0, 64))
def test_before_is_the_way_back_within_working_hours(moment, days, part):
    """Walking `value` working days back and measuring the way gives `value` again, and it lands in working hours."""
    value = days + part / 64
    for calendar in (CALENDAR, HALF):
        found = calendar.before(moment, value)
        assert abs(calendar.elapsed(found, moment) - value) < 1e-6
        local = clock.local(found)
        opens, closes = calendar.hours(local.date())
        assert calendar.is_working(local.date()) and opens <= local.time() <= closes and found <= moment


@given(MOMENTS, st.integers(1, 30))
def test_the_sum_adds_up(moment, count):
    """Counted and skipped days together are every day from the receipt to the due date, none twice."""
    found = CALENDAR.add_working_days(moment, count)
    days = sorted([*found.counted, *(day.on for day in found.skipped)])
    assert days == [found.starts + timedelta(days=n + 1) for n in range(len(days))] and days[-1] == clock.local(found.due).date()


def test_a_day_that_becomes_a_half_day_never_makes_a_term_end_later():
    for on in (date(2026, 11, 23), date(2026, 11, 27)):
        shorter = WorkCalendar({**CALENDAR.days, on: replace(CALENDAR.days[date(2026, 11, 24)], kind="half", closes=time(11, 30))})
        assert shorter.add_working_days(at("2026-11-19"), 5).due <= CALENDAR.add_working_days(at("2026-11-19"), 5).due


def test_folding_and_order():
    assert fold("ĐẶNG") == "dang" and fold("Điện Biên  Phủ") == "dien bien phu"
    assert sorted(["đa", "da", "ân", "an", "ăn", "án"], key=vi_sort_key) == ["an", "án", "ăn", "ân", "da", "đa"]


def test_the_clock_can_be_set_and_is_given_back():
    before = clock.now()
    with clock.at(datetime(2026, 1, 2, tzinfo=UTC)):
        assert clock.stamp(clock.now()) == "2026-01-02T00:00:00.000000Z"
    assert clock.now() >= before
