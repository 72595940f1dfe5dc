"""Four profiles as checked data: one shared test, succession by day, installation, the check of bad files, the command line."""

from __future__ import annotations

import copy
import datetime
import re
import tomllib
from datetime import date, time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api import cli
from states.language import Text
from tests.house.ground import ROOT
from workflow import Office, clock, demo, law, localities, locality_check, routing, rules, store
from workflow.audit.verify import verify
from workflow.locality_check import REQUIRED, check_file, examine

CODES = ("can-tho", "cao-bang", "hai-phong", "quang-ngai")
NATIONAL = localities.read_national()


@pytest.fixture(params=CODES)
def profile(request):
    return localities.load_profile(request.param)


def own(code: str) -> dict:
    return tomllib.loads((localities.FOLDER / f"{code}.toml").read_text("utf-8"))


# --- what every locality answers ------------------------------------------------------------------------------


def test_the_profiles_that_are_here():
    assert tuple(localities.known()) == CODES and not locality_check.check_national()
    assert len({localities.load_profile(code).prefix for code in CODES}) == len(CODES)


def test_a_profile_has_what_national_rules_and_letters_need(profile):
    agencies = profile.agencies
    assert set(REQUIRED) <= agencies.keys()
    named = {code for row in routing.national() for code in row.get("agencies", ())} - {"commune"}
    assert {code for code in named if not code.startswith("sector:")} <= agencies.keys()
    assert set(profile.sectors.values()) <= agencies.keys()
    wanted = {topic for row in routing.national() for topic in row.get("when", {}).get("topics", ()) if "sector:*" in row.get("agencies", ())}
    assert wanted and wanted <= profile.sectors.keys()
    today = clock.today()
    assert all(agencies[code].covers(today) for code in REQUIRED)
    assert all(agencies[code].kind in ("consulted", "leader_office", "committee") for code in named if code in agencies and code != "bo_ngoai_giao")


def test_a_profile_speaks_both_languages(profile):
    """Every {vi, en} anywhere in it has two halves."""
    found, waiting = [], [profile.raw]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "vi" in value or "en" in value:
                found.append((value.get("vi", ""), value.get("en", "")))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    assert len(found) > 100 and all(vi.strip() and en.strip() for vi, en in found)


def test_a_profile_has_heads_recipients_and_signatures(profile):
    place = profile.text("place")
    head = profile.head
    assert head.committee.superior is None and head.committee.lines[0].vi == "ỦY BAN NHÂN DÂN" and head.committee.symbol == "UBND"
    assert place.vi.upper() in head.committee.lines[1].vi and head.place == place
    assert head.department.superior.vi == f"UBND {head.committee.lines[1].vi}" and head.department.lines[0].vi == "SỞ NGOẠI VỤ"
    assert head.department.symbol == "SNgV" and head.unit_suffix.isupper()
    assert [r.agency for r in profile.recipients][0] == "bo_ngoai_giao" and {"ubnd", "cong_an"} <= {r.agency for r in profile.recipients}
    assert all(r.agency in profile.agencies and r.note.en for r in profile.recipients)
    assert re.fullmatch(r"Lưu: VT, \w+\.", profile.archive_line)
    assert {form.form for form in profile.signature_forms.values()} == {"HEAD", "TM", "KT", "TL", "TUQ"}
    assert profile.signature_forms["committee_vice_chair"].lines[1].vi == "KT. CHỦ TỊCH"


def test_a_profile_answers_for_leaders_of_six_levels(profile):
    by_level = {leader.level: leader for leader in profile.leaders}
    assert set(by_level) == set(locality_check.LEVELS)
    assert by_level["national"].office is None
    assert routing.office_of(profile, "vp_tinh_uy") == "vp_tinh_uy" and routing.level_of(profile, "vp_doan_dbqh_hdnd") == "council"
    assert routing.office_of(profile, "ubnd") == "vp_ubnd" == routing.office_of(profile, "vp_ubnd")
    assert routing.office_of(profile, "so_yte") == "so_yte" and routing.level_of(profile, "ubnd_xa") == "commune"
    assert routing.office_of(profile, "trung_uong") == "" and routing.level_of(profile, "trung_uong") == "national"


def test_a_profile_shares_and_reports(profile):
    for event in ("approved", "reported"):
        assert profile.subscribers(event) == ("ban_chi_dao_ttdn", "ban_tuyengiao_danvan", "so_vhttdl")
    assert profile.subscribers("closed") == ()
    lines = {line.what: line for line in profile.report_lines}
    assert {"programme", "press_year", "spokesman_year", "ttdn", "ad_hoc"} <= lines.keys()
    assert lines["programme"].to == "bo_ngoai_giao" and lines["programme"].rule == "T09"
    assert all(line.basis and law.find(profile.law, line.basis) for line in lines.values())
    assert {"rebuttal", "ad_hoc_report", "on_time"} <= profile.targets.keys() and "contact.phone" in profile.minor_fields


def test_a_profile_has_hours_and_a_source(profile):
    opens, closes, cutoff = (profile.hour(name) for name in ("opens", "closes", "cutoff"))
    assert opens < cutoff <= closes and profile.version >= 1 and set(profile.source) <= {"000", "001", "002", "003", "004"}
    assert all(entry.standing == "unconfirmed" for entry in profile.unconfirmed)
    assert len({entry.subject for entry in profile.entries}) == len(profile.entries)
    assert all(entry.subject.startswith(f"{profile.code}/") for entry in profile.entries)


def test_what_rests_on_memory_says_so(profile):
    """A commune list is typed by hand: nothing in it is called sourced."""
    assert profile.communes and all(commune.standing == "unconfirmed" for commune in profile.communes)
    assert all(a.standing == "unconfirmed" for a in profile.agencies.values() if "MEMORY" in a.source)


def test_silence_counts_for_nothing_unless_said(profile):
    loud = {code: a.silence_means for code, a in profile.agencies.items() if a.silence_means != "none"}
    assert loud == ({"so_vhttdl": "no_objection"} if profile.code == "can-tho" else {})


def test_localities_differ_without_a_change_of_code():
    heads = {localities.load_profile(code).head.committee.lines[1].vi for code in CODES}
    assert heads == {"THÀNH PHỐ CẦN THƠ", "TỈNH CAO BẰNG", "THÀNH PHỐ HẢI PHÒNG", "TỈNH QUẢNG NGÃI"}
    via = {code: next(r for r in localities.load_profile(code).report_lines if r.what == "ttdn") for code in CODES}
    assert via["hai-phong"].via == "ban_tuyengiao_danvan" and via["hai-phong"].to == "btv_tinh_uy"
    assert via["quang-ngai"].via is None and via["quang-ngai"].copies == ("ban_tuyengiao_danvan",)
    assert localities.load_profile("quang-ngai").hour("opens") == time(7, 30)
    assert {o["code"] for code in ("hai-phong", "cao-bang") for o in localities.load_profile(code).rule_overrides} == {"T19"}


def test_marks_by_present_and_old_names():
    cao_bang, hai_phong, quang_ngai = (localities.load_profile(code).places for code in ("cao-bang", "hai-phong", "quang-ngai"))
    assert cao_bang.marks("xã Đàm Thủy") >= {"border", "heritage", "geopark"}
    assert cao_bang.marks("thị trấn Tà Lùng") == {"border", "gate"} == cao_bang.marks("Phục Hòa")
    assert cao_bang.marks("Xã Không Có") == frozenset()
    assert hai_phong.marks("Đặc khu Bạch Long Vĩ") == {"sea", "island"}
    assert "island" in quang_ngai.marks("dac khu ly son") and quang_ngai.marks("Bờ Y") == {"border", "gate"}
    assert [c.full for c in quang_ngai.resolve("Lý Sơn")] == ["Đặc khu Lý Sơn"] and quang_ngai.resolve("Sa") == ()


def test_the_demo_keeps_its_bodies():
    can_tho = localities.load_profile("can-tho")
    assert {code for _, _, code, *_ in demo.ACCOUNTS} - {"hangtin_a", "truyenhinh_b"} <= can_tho.agencies.keys()
    assert can_tho.agencies["cong_an"].name == Text("Công an thành phố", "City Police")


def test_seasons_change_the_hours():
    raw = copy.deepcopy(localities.load_profile("cao-bang").raw)
    raw["hours"]["seasons"] = [{"from": "10-16", "to": "04-15", "opens": "08:00", "closes": "17:00", "cutoff": "16:00"}]
    winter = localities.Profile("cao-bang", raw)
    assert winter.hour("opens", date(2026, 12, 1)) == winter.hour("opens", date(2027, 4, 15)) == time(8, 0)
    assert winter.hour("opens", date(2026, 4, 16)) == winter.hour("opens") == time(7, 30)


# --- succession -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "agency", "day", "name"),
    [
        ("hai-phong", "ban_tuyengiao_danvan", date(2024, 5, 6), "Ban Tuyên giáo Thành ủy"),
        ("hai-phong", "ban_tuyen_giao", date(2026, 5, 6), "Ban Tuyên giáo và Dân vận Thành ủy"),
        ("hai-phong", "so_vhttdl", date(2024, 5, 6), "Sở Thông tin và Truyền thông"),
        ("hai-phong", "so_dulich", date(2026, 5, 6), "Sở Văn hóa, Thể thao và Du lịch"),
        ("hai-phong", "so_dulich", date(2025, 2, 28), "Sở Du lịch"),
        ("cao-bang", "bien_phong", date(2024, 5, 6), "Bộ Chỉ huy Bộ đội Biên phòng tỉnh"),
        ("cao-bang", "bch_bdbp", date(2026, 5, 6), "Ban Chỉ huy Bộ đội Biên phòng, Bộ Chỉ huy Quân sự tỉnh"),
        ("cao-bang", "so_vhttdl", date(2024, 5, 6), "Sở Văn hóa, Thể thao và Du lịch"),
        ("can-tho", "ubnd_xa", date(2025, 6, 30), "UBND quận, huyện"),
        ("can-tho", "ubnd_xa", date(2025, 7, 1), "UBND xã, phường"),
        ("quang-ngai", "ban_tuyen_giao_thi_uy", date(2026, 5, 6), "Đảng ủy xã, phường, đặc khu"),
        ("cao-bang", "bo_tttt", date(2026, 1, 1), "Bộ Văn hóa, Thể thao và Du lịch"),
    ],
)
def test_a_paper_prints_the_body_of_its_day(code, agency, day, name):
    """F-102: a paper of 2024 prints the old name, one of 2026 the successor's."""
    assert localities.load_profile(code).agency_on(agency, day).name.vi == name


def test_an_unknown_body_has_no_successor(profile):
    with pytest.raises(KeyError):
        profile.agency_on("khong_co", date(2026, 1, 1))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(day=st.dates(date(2010, 1, 1), date(2040, 1, 1)), code=st.sampled_from(CODES), data=st.data())
def test_the_body_of_a_day_existed_on_it_if_any_did(day, code, data):
    agencies = _PROFILES[code].agencies
    agency = data.draw(st.sampled_from(sorted(agencies)))
    found = _PROFILES[code].agency_on(agency, day)
    chain = _chain(agencies, agency)
    assert found.code in chain and (found.covers(day) or not any(agencies[c].covers(day) for c in chain))


_PROFILES = {code: localities.load_profile(code) for code in CODES}


def _chain(agencies, code):
    """A body with all that came before it and after it."""
    found, size = {code}, 0
    while len(found) != size:
        size = len(found)
        found |= {a.code for a in agencies.values() if a.successor in found} | {agencies[c].successor for c in found if agencies[c].successor}
    return found


# --- the database -----------------------------------------------------------------------------------------------

TABLES = ("organisations", "legal_texts", "rule_versions", "office_settings")


def content(connection):
    return {t: sorted(tuple(r.values()) for r in map(_plain, store.query(connection, f"SELECT * FROM {t}"))) for t in TABLES}


def _plain(row):
    return {name: str(value) for name, value in row.items()}


@pytest.mark.parametrize("code", CODES)
def test_installing_twice_changes_nothing(database, code):
    found = localities.load_profile(code)

    def twice(connection):
        first = localities.install(connection, found)
        before, entries = content(connection), store.query(connection, "SELECT count(*) AS n FROM audit_entry")[0]["n"]
        second = localities.install(connection, found)
        assert not second and second == localities.Installed((), (), 0)
        assert content(connection) == before and store.query(connection, "SELECT count(*) AS n FROM audit_entry")[0]["n"] == entries
        return first

    assert database.transact(twice)
    with database.read() as connection:
        rows = {r["code"]: r for r in store.query(connection, "SELECT * FROM organisations")}
        assert found.agencies.keys() <= rows.keys()
        for agency in found.agencies.values():
            row = rows[agency.code]
            assert (row["name_vi"], row["kind"], row["successor"], bool(row["active"])) == (
                agency.name.vi, agency.kind, agency.successor, agency.covers(clock.today()))  # fmt: skip
        texts = {r["code"]: r for r in store.query(connection, "SELECT * FROM legal_texts")}
        assert texts["88"]["valid_to"] == "2026-06-30" and texts["88"]["successor"] == "262" and found.law.keys() <= texts.keys()
        assert verify(connection).integrity == "clean"


def test_a_locality_s_own_rule_wins_from_its_day(database):
    with database.read() as connection:
        assert rules.load_rules(connection, "hai-phong").on(date(2026, 11, 1)).text("T19") == "24"
        row = rules.load_rules(connection, "hai-phong").on(date(2026, 11, 1))["T19"]
        assert (row.locality, row.basis, row.standing) == ("hai-phong", "426-QĐ/TU", "unconfirmed")
        assert rules.load_rules(connection, "can-tho").on(date(2026, 11, 1))["T19"].locality == ""


def test_what_was_entered_inside_is_not_overwritten(database):
    can_tho = localities.load_profile("can-tho")

    def work(connection):
        localities.install(connection, can_tho)
        store.execute(connection, "UPDATE organisations SET phone = '113', silence_means = 'blocking' WHERE code = 'cong_an'")
        store.execute(connection, "UPDATE organisations SET name_vi = 'Sai' WHERE code = 'bo_chqs'")
        store.execute(connection, "UPDATE legal_texts SET checked_by = 'x', checked_at = 'y' WHERE code IN ('30', '63')")
        store.execute(connection, "UPDATE legal_texts SET number = '0' WHERE code = '63'")
        done = localities.install(connection, can_tho)
        assert (done.agencies, done.texts, done.rules) == (("bo_chqs",), ("63",), 0)
        row = store.query(connection, "SELECT phone, silence_means FROM organisations WHERE code = 'cong_an'")[0]
        assert dict(row) == {"phone": "113", "silence_means": "blocking"}
        checks = {r["code"]: r["checked_by"] for r in store.query(connection, "SELECT code, checked_by FROM legal_texts WHERE code IN ('30', '63')")}
        assert checks == {"30": "x", "63": None}, "a text that changed has to be compared again"

    database.transact(work)


def test_use_is_refused_over_the_cases_of_another_locality(ledger, database):
    ledger.open(code="CT-V-2026-0001")
    with pytest.raises(localities.LocalityRefused) as refused:
        localities.use(database, "hai-phong")
    assert "1 hồ sơ" in refused.value.message.vi and "1 cases" in refused.value.message.en
    with pytest.raises(localities.LocalityRefused):
        localities.settle(database, localities.load_profile("hai-phong"))
    assert localities.stored(database) == ""
    localities.use(database, "can-tho")
    assert localities.stored(database) == "can-tho" == localities.in_force(database)


def test_a_draft_without_a_code_counts_for_the_locality_set_before(sqlite_office):
    office = sqlite_office()
    demo.load_accounts(office, "x")
    localities.use(office.db, "can-tho")
    demo.Stage(office).file("vptt.han", "visit", submit=False)
    with pytest.raises(localities.LocalityRefused, match="1 cases of another locality .can-tho."):
        localities.use(office.db, "hai-phong")
    assert localities.stored(office.db) == "can-tho" and not localities.use(office.db, "can-tho")


def test_changing_before_the_first_case_retires_the_other_bodies(sqlite_office):
    office = sqlite_office("quang-ngai")
    localities.use(office.db, "quang-ngai")
    localities.use(office.db, "cao-bang")
    with office.db.read() as connection:
        active = {r["code"]: bool(r["active"]) for r in store.query(connection, "SELECT code, active FROM organisations")}
        said = [r["action"] for r in store.query(connection, "SELECT action FROM audit_entry WHERE stream = 'system' ORDER BY seq")]
    assert active["ban_doi_ngoai_tw"] and not active["dang_uy_xa"] and not active["ban_tuyen_giao"]
    assert said.count("locality.use") == 2 and said.count("profile.install") == 2


@pytest.fixture
def sqlite_office(sqlite_template, tmp_path):
    opened = []

    def make(locality=""):
        path = tmp_path / f"{len(opened)}.sqlite3"
        path.write_bytes(sqlite_template.read_bytes())
        opened.append(Office.open(f"sqlite:///{path}", tmp_path / "files", locality))
        return opened[-1]

    yield make
    for office in opened:
        office.db.close()


def test_an_office_opens_with_what_was_set_and_the_setting_wins(sqlite_office):
    office = sqlite_office()
    assert office.profile.code == "can-tho"
    localities.use(office.db, "cao-bang")
    again = Office.open(office.db.url, office.files)
    other = Office.open(office.db.url, office.files, "quang-ngai")
    assert (again.profile.code, other.profile.code) == ("cao-bang", "quang-ngai")
    again.db.close()
    other.db.close()


def test_an_ended_body_is_no_choice_but_keeps_its_name(sqlite_office):
    office = sqlite_office("cao-bang")
    office.db.transact(lambda connection: localities.install(connection, office.profile))
    with office.db.read() as connection:
        office.refresh(connection, force=True)
    assert "bch_bdbp" not in office.organisations and office.agency_names()["bch_bdbp"].vi == "Bộ Chỉ huy Bộ đội Biên phòng tỉnh"


def test_ticks_are_recorded_once(sqlite_office):
    office = sqlite_office("cao-bang")
    demo.load_accounts(office, "x")
    actor = demo.Stage(office).actor("qt.yen")
    subjects = ["cao-bang/commune/Xã Đàm Thủy", "cao-bang/commune/Xã Không Có", "cao-bang/agency/cong_an", "cao-bang/commune/Xã Đàm Thủy"]

    def tick(connection):
        return localities.confirm(connection, office.profile, actor, subjects, "Danh sách xã biên giới")

    assert [office.db.transact(tick), office.db.transact(tick)] == [1, 0]
    with office.db.read() as connection:
        found = localities.confirmed(connection)
        assert list(found) == ["cao-bang/commune/Xã Đàm Thủy"]
        assert (found[subjects[0]]["by_name"], found[subjects[0]]["note"]) == ("Tạ Thử Yên", "Danh sách xã biên giới")
        said = store.query(connection, "SELECT action, actor_id FROM audit_entry WHERE action = 'profile.confirm'")
        assert [tuple(r.values()) for r in said] == [("profile.confirm", actor.id)] and verify(connection).integrity == "clean"


# --- bad files ---------------------------------------------------------------------------------------------------


def agency(data, code):
    return next(row for row in data["agencies"] if row["code"] == code)


def at(data, name, /, **wanted):
    """Index of a row in a list."""
    return next(i for i, row in enumerate(data[name]) if all(row.get(k) == v for k, v in wanted.items()))


def _remove(data, name, /, **wanted):
    del data[name][at(data, name, **wanted)]


def _set(data, path, value):
    """`agencies[code=cong_an].kind` = value; answers the key as a fault names it."""
    key, here = "", data
    parts = path.split(".")
    for index, part in enumerate(parts):
        name, _, chosen = part.partition("[")
        key += ("." if key else "") + name
        if chosen:
            by, _, mark = chosen.rstrip("]").partition("=")
            position = at(here, name, **{by: mark})
            key, here = f"{key}[{position}]", here[name][position]
        elif index == len(parts) - 1:
            here[name] = value
        else:
            here = here[name]
    return key


FAULTS = [
    ("unknown key", "colour", "red", "there is no such key"),
    ("unknown key in a row", "agencies[code=cong_an].fax", "1", "there is no such key"),
    ("unknown key in a table", "hours.lunch", "11:30", "there is no such key"),
    ("wrong type", "agencies[code=cong_an].name", "Công an", "must be a table, not text"),
    ("wrong type of a number", "version", "one", "must be a number, not text"),
    ("wrong type of a list", "communes", {}, "must be a list, not a table"),
    ("wrong type of a row", "communes", ["Xã Bờ Y"], "must be a table, not text"),
    ("missing English", "agencies[code=cong_an].name", {"vi": "Công an", "en": " "}, "English text is missing"),
    ("missing Vietnamese", "place.vi", "", "Vietnamese text is missing"),
    ("no English at all", "agencies[code=cong_an].name", {"vi": "Công an"}, "English text is missing"),
    ("agency of a subscriber", "subscribers[agency=so_vhttdl].agency", "khong_co", "is not declared in agencies"),
    ("agency of a report", "report_lines[what=ttdn].via", "khong_co", "is not declared in agencies"),
    ("agency of a copy", "report_lines[what=ttdn].copies", ["khong_co"], "is not declared in agencies"),
    ("agency of a sector", "sectors", {"religion": "khong_co"}, "is not declared in agencies"),
    ("agency of a recipient", "recipients.list", [{"agency": "khong_co", "note": {"vi": "a", "en": "b"}}], "is not declared in agencies"),
    ("successor that is not there", "agencies[code=cong_an].successor", "khong_co", "is not declared in agencies"),
    ("successor circle", "agencies[code=ubnd_xa].successor", "ubnd_huyen", "the successors run in a circle"),
    ("successor of itself", "agencies[code=cong_an].successor", "cong_an", "the successors run in a circle"),
    ("validity upside down", "agencies[code=ubnd_xa].valid_to", date(2025, 1, 1), "before it begins"),
    ("bad date", "agencies[code=ubnd_xa].valid_from", "1/7/2025", "is no date"),
    ("bad hour", "hours.opens", "7h30", "is no hour"),
    ("hour that is none", "hours.closes", "25:00", "is no hour"),
    ("closes before it opens", "hours.closes", "06:00", "must open"),
    ("cut-off outside hours", "hours.cutoff", "18:00", "must lie within the office hours"),
    ("bad season", "hours.seasons", [{"from": "2-30", "to": "04-15", "opens": "08:00", "closes": "17:00", "cutoff": "16:00"}], "month and day"),
    ("duplicate commune", "communes[name=Xã Mô Rai].name", "xã BỜ Y", "is there twice"),
    ("duplicate agency", "agencies[code=bao_chi].code", "cong_an", "is there twice"),
    ("unknown mark", "communes[name=Xã Mô Rai].marks", ["mountain"], "cannot be used"),
    ("basis without a text", "hours.basis", "999/1", "covered by no row"),
    ("basis of a report", "report_lines[what=ttdn].basis", "1-NQ/TU", "covered by no row"),
    ("silence unknown", "agencies[code=cong_an].silence_means", "consent", "cannot be used"),
    ("kind unknown", "agencies[code=cong_an].kind", "friend", "cannot be used"),
    ("standing unknown", "agencies[code=cong_an].standing", "sure", "cannot be used"),
    ("event unknown", "subscribers[agency=so_vhttdl].events", ["refused"], "cannot be used"),
    ("rule unknown", "report_lines[what=ttdn].rule", "T99", "there is no rule"),
    ("letter unknown", "signers", {"novel": ["director"]}, "there is no letter"),
    ("role unknown", "signers", {"approval": ["king"]}, "cannot be used"),
    ("field unknown", "minor_fields", ["contact.shoe"], "no field"),
    ("code of another file", "code", "ha-noi", "not the name of the file"),
    ("blank", "prefix", " ", "must not be empty"),
]


def checked(tmp_path, data, name="quang-ngai.toml"):
    """The faults of a changed profile as a file, and as `examine` sees it."""
    path = tmp_path / name
    path.write_text(written(data), "utf-8")
    return check_file(path, NATIONAL)[1]


def written(value, top=True):
    """TOML of a table, inline below the top."""
    if isinstance(value, dict):
        inner = (f"{_name(k)} = {written(v, False)}" for k, v in value.items())
        return "\n".join(inner) + "\n" if top else "{ " + ", ".join(inner) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(written(item, False) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else repr(value) if isinstance(value, int | float) else _name(value)


def _name(text):
    return '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 32 or c in '"\\\x7f' else c for c in str(text)) + '"'


@pytest.mark.parametrize(("path", "value", "said"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_each_fault_is_named_with_file_and_key(tmp_path, path, value, said):
    data = own("quang-ngai")
    if path.startswith("agencies[code=bao_chi]"):
        data["agencies"].append(copy.deepcopy(agency(data, "cong_an")) | {"code": "bao_chi"})
    key = _set(data, path, value)
    faults = checked(tmp_path, data)
    found = [f for f in faults if f.file == "quang-ngai.toml" and f.key.startswith(key.split("[", 1)[0] if "cut" in said else key) and said in f.text.en]
    assert found, [str(f) for f in faults]
    assert all(f.text.vi and f.text.vi != f.text.en for f in faults)


def test_leaders_need_an_office_of_the_right_kind(tmp_path):
    data = own("can-tho")
    data["leaders"] = [
        {"rule": "R14", "agency": "ubnd", "office": "cong_an", "level": "committee", "label": {"vi": "a", "en": "b"}, "basis": "244", "standing": "sourced"},
        {"agency": "trung_uong", "office": "vp_ubnd", "level": "national", "label": {"vi": "a", "en": "b"}, "basis": "244", "standing": "sourced"},
        {"rule": "R15", "agency": "so_yte", "level": "department", "label": {"vi": "a", "en": "b"}, "basis": "244", "standing": "sourced"},
        {
            "rule": "R15",
            "agency": "so_gddt",
            "office": "khong_co",
            "level": "department",
            "label": {"vi": "a", "en": "b"},
            "basis": "244",
            "standing": "sourced",
        },
    ]
    faults = {(f.key, f.text.en) for f in checked(tmp_path, data, "can-tho.toml")}
    assert {key for key, _ in faults} == {f"leaders[{n}].office" for n in range(4)}
    assert any("kind consulted and cannot answer" in text for _, text in faults) and any("national leader" in text for _, text in faults)


def test_the_national_files_are_named_where_the_fault_is_theirs(tmp_path):
    data = own("can-tho")
    _remove(data, "agencies", code="so_yte")
    faults = checked(tmp_path, data, "can-tho.toml")
    assert {(f.file, f.key) for f in faults} >= {
        ("can-tho.toml", "agencies"), ("national/leaders.toml", "leaders[so_yte].agency"), ("national/leaders.toml", "leaders[so_yte].office"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "key", "said"),
    [
        ({"code": "T99"}, "code", "there is no rule"), ({"unit": "weeks"}, "unit", "cannot be used"), ({"unit": "text"}, "unit", "does not fit"),
        ({"value": "soon"}, "value", "is no count"), ({"value": -1}, "value", "is no count"), ({"value": float("nan")}, "value", "is no count"),
        ({"to": date(2020, 1, 1)}, "to", "before it begins"), ({"basis": "nothing"}, "basis", "covered by no row"), ({"from": None}, "from", "missing"),
    ],
)  # fmt: skip
def test_a_rule_of_its_own_is_checked(row, key, said):
    good = {"code": "T23", "value": 3, "unit": "wd", "basis": "office", "from": date(2026, 7, 1), "standing": "unconfirmed"}
    data = own("can-tho")
    data["rules"] = [good]
    assert not examine(data, "can-tho.toml", NATIONAL)
    data["rules"] = [{k: v for k, v in (good | row).items() if v is not None}]
    faults = examine(data, "can-tho.toml", NATIONAL)
    assert [(f.key, said in f.text.en) for f in faults] == [(f"rules[0].{key}", True)], [str(f) for f in faults]


def test_all_faults_come_at_once(tmp_path):
    data = own("hai-phong")
    keys = {_set(data, path, value) for path, value in (("hours.cutoff", "23:00"), ("prefix", ""), ("agencies[code=cong_an].standing", "x"), ("nonsense", 1))}
    del data["head"]
    assert {f.key for f in checked(tmp_path, data, "hai-phong.toml")} == keys | {"head"}


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"a = 1\nb = = 2\n", "line 2"), (b'\n\n\nname = "open', "line 4"), (b"a = 1\na = 2\n", ""), (b"\xff\xfe", ""), (b"", ""),
        (b"a = " + b"[" * 3000, ""), (b"version = 10000000000000000000000000000\n", ""), (b"agencies = 5\n[name]\nvi = 3\n", ""),
    ],
)  # fmt: skip
def test_broken_files_get_a_sentence(tmp_path, data, key):
    path = tmp_path / "can-tho.toml"
    path.write_bytes(data)
    faults = check_file(path, NATIONAL)[1]
    assert faults and all(f.file == "can-tho.toml" or f.file.startswith("national/") for f in faults) and (not key or faults[0].key == key)


def test_a_bad_profile_is_not_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(localities, "FOLDER", _copied(tmp_path))
    (tmp_path / "can-tho.toml").write_text((tmp_path / "can-tho.toml").read_text("utf-8").replace('"07:30"', '"7 giờ"'), "utf-8")
    with pytest.raises(localities.BadProfile, match=r"can-tho\.toml: hours\.opens: “7 giờ”"):
        localities.load_profile("can-tho")
    for code in ("../can-tho", "khong-co", "", "x" * 50, "calendar"):
        with pytest.raises(FileNotFoundError, match="hiện có: can-tho"):
            localities.load_profile(code)


def _copied(folder):
    (folder / "national").mkdir()
    for path in localities.FOLDER.rglob("*.toml"):
        (folder / path.relative_to(localities.FOLDER)).write_bytes(path.read_bytes())
    return folder


VALUES = st.one_of(
    st.none().map(lambda _: "x"), st.booleans(), st.integers(-5, 10**6), st.floats(), st.text(max_size=8), st.dates(), st.times(), st.datetimes(),
    st.sampled_from(["cong_an", "ubnd_huyen", "24:00", "262/1", "border", "", "vi", "2026-13-01", "T01", "wd"]),
    st.just({}), st.just([]), st.lists(st.text(max_size=3), max_size=3), st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
    st.just([[]]), st.just([{}]), st.just([{"code": ["x"]}]), st.just({"vi": 1}), st.just([{"agency": {}, "level": [], "code": {}, "name": [], "what": 1}]),
)  # fmt: skip


def places(value, path=()):
    """Every place in a table or list."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*path, key))


PLACES = {code: list(places(own(code)))[1:] for code in CODES}


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(code=st.sampled_from(CODES), data=st.data())
def test_whatever_is_changed_the_check_answers(code, data):
    """A mutated profile has faults or a Profile that can be read in full; the check itself never fails."""
    mutated = own(code)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(PLACES[code]))
        _mutate(mutated, path, data.draw(st.sampled_from(["set", "drop", "add", "double"])), data.draw(VALUES), data.draw(st.text(max_size=6)))
    faults = examine(mutated, f"{code}.toml", NATIONAL)
    assert all(fault.file and fault.text.vi and fault.text.en and str(fault) for fault in faults)
    if not faults:
        _read_in_full(localities.Profile(code, localities.merged(NATIONAL, mutated)))


def _mutate(data, path, how, value, name):
    here = data
    for key in path[:-1]:
        try:
            here = here[key]
        except (KeyError, IndexError, TypeError):
            return
    try:
        if how == "set":
            here[path[-1]] = value
        elif how == "drop":
            del here[path[-1]]
        elif how == "add":
            here[path[-1]][name] = value
        else:
            here[path[-1]].append(copy.deepcopy(here[path[-1]][0]))
    except (KeyError, IndexError, TypeError, AttributeError):
        return


def _read_in_full(profile):
    """Every property of a profile that passed."""
    today = clock.today()
    for name in ("opens", "closes", "cutoff"):
        assert isinstance(profile.hour(name, today), datetime.time)
    assert all(isinstance(profile.agency_on(code, today), localities.Agency) for code in profile.agencies)
    for name in vars(localities.Profile):
        if not name.startswith("_"):
            getattr(profile, name)
    assert isinstance(profile.subscribers("approved"), tuple)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.text(max_size=200)
    | st.sampled_from([(localities.FOLDER / f"{code}.toml").read_text("utf-8") for code in CODES]).flatmap(
        lambda text: st.integers(0, len(text)).map(lambda cut: text[:cut] + "=" + text[cut:])
    )
)
@example("code = 'can-tho'\n[hours]\nopens = 07:30:00\n")
def test_any_text_is_answered_with_a_sentence(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, "utf-8", errors="replace")
    faults = check_file(path, NATIONAL)[1]
    assert all(str(fault) for fault in faults) and faults


# --- the command line ---------------------------------------------------------------------------------------------


@pytest.fixture
def shell(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FPD_VAR", str(tmp_path))
    for name in ("FPD_LOCALITY", "FPD_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*words):
        exit_code = cli.main(["locality", *words])
        printed = capsys.readouterr()
        return exit_code, printed.out, printed.err

    return run


def test_list_and_check_need_no_database(shell, tmp_path):
    exit_code, out, err = shell("list")
    assert exit_code == 0 and not err and "* can-tho" in out and not (tmp_path / "fpd.sqlite3").exists()
    assert all(code in out for code in CODES) and "Communes 18" in out and "Sở Ngoại vụ tỉnh Cao Bằng" in out
    assert shell("check")[0] == 0 and shell("check", "cao-bang") == (0, "cao-bang.toml: đúng / good\n", "")


def test_use_is_kept_and_the_setting_still_wins(shell, monkeypatch):
    exit_code, out, err = shell("use", "cao-bang")
    assert exit_code == 0 and "cao-bang: " in out and not err
    assert "* cao-bang" in shell("list")[1] and shell("use", "cao-bang")[1].startswith("cao-bang: 0 cơ quan")
    monkeypatch.setenv("FPD_LOCALITY", "hai-phong")
    exit_code, out, err = shell("use", "quang-ngai")
    assert exit_code == 0 and "FPD_LOCALITY=hai-phong" in err and "* hai-phong" in shell("list")[1]


def test_bad_use_of_the_command(shell):
    assert shell("use", "khong-co")[0] == 1 and shell("check", "nowhere.toml")[0] == 1
    assert shell("use")[0] == 2 and shell()[0] == 2 and shell("paint")[0] == 2
    assert "no locality" in shell("use", "khong-co")[2] and "không đọc được" in shell("check", "nowhere.toml")[2]


def test_check_of_a_file_tells_everything(shell, tmp_path):
    data = own("quang-ngai")
    _set(data, "hours.cutoff", "18:00")
    _set(data, "agencies[code=cong_an].silence_means", "consent")
    path = tmp_path / "quang-ngai.toml"
    path.write_text(written(data), "utf-8")
    exit_code, out, err = shell("check", str(path))
    assert exit_code == 1 and not out and "Traceback" not in err
    assert re.search(r"quang-ngai\.toml: hours\.cutoff: .+ / .+", err) and re.search(r"agencies\[5\]\.silence_means: .+ / .+", err)
    path.write_text("code = \n", "utf-8")
    assert "line 1" in shell("check", str(path))[2]


# --- the duties of the seed documents -----------------------------------------------------------------------------

# Every row of the seed documents' duties that is a must or a should.
DUTIES = (
    "C1 C2 C3 C4 C5 C8 C12 C13 C14 C15-16 C17 C18 C19 C20 C21 C22"
    " H1 H2 H3 H4 H5 H6 H7 H8 H9 H10 H11 H12 H13 D1 D2 D3 D4 D5 D7 D8 D11 Q1 Q2 B1 B2 B3 B4 B5 B6 B8 B9 B10 B11 B12"
).split()  # fmt: skip
SEEDS = (ROOT / "docs" / "seeds.md").read_text("utf-8")


def seed_rows():
    return {cells[0]: cells for cells in ([c.strip() for c in line.strip("|").split("|")] for line in SEEDS.splitlines() if line.startswith("|"))}


def test_every_duty_is_served_or_says_when():
    rows = seed_rows()
    assert not [duty for duty in DUTIES if duty not in rows]
    assert all(len(rows[duty]) == 4 and len(rows[duty][3]) > 10 for duty in DUTIES)


def named_keys():
    return re.findall(r"`localities/([\w/-]+\.toml)#([^`]+)`", SEEDS)


def test_every_profile_key_that_is_named_exists():
    assert len(named_keys()) > 25
    wrong = [(file, key) for file, key in named_keys() if not _there(tomllib.loads((localities.FOLDER / file).read_text("utf-8")), key)]
    assert not wrong


def _there(here, key):
    for part in key.split("."):
        name, _, mark = part.partition("[")
        if not isinstance(here, dict) or name not in here:
            return False
        here = here[name]
        if mark:
            wanted = mark.rstrip("]")
            here = next((row for row in here if wanted in (row.get("code"), row.get("what"), row.get("agency"), row.get("name"), row.get("rule"))), None)
    return here is not None


def test_every_path_of_the_product_that_is_named_exists():
    paths = re.findall(r"`((?:workflow|api|states|templates|docs|tests)/[\w/.-]+)`", SEEDS)
    assert len(paths) > 5 and not [path for path in paths if not (ROOT / path).exists()]
