"""Countries, languages and communes: their order, what a typed name means, lists that come from files, and what routing makes of them."""

from __future__ import annotations

import subprocess
import sys
import threading
import unicodedata

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from states.language import Field, Text
from tests.house.ground import ROOT
from workflow import Office, demo, localities, place_files, places, routing, schemas, store, world
from workflow.authority import CLOCK
from workflow.errors import Conflict, Invalid, RoleRefused
from workflow.fold import fold, spelling, vi_sort_key
from workflow.localities import Profile, load_profile
from workflow.places import ALIKE, ATTRIBUTES, KINDS, UNLISTED, Commune, MarkedCommune, Places

CODES = localities.known()
LISTED = {"can-tho": ("92", 31, 72, 0), "cao-bang": ("04", 3, 53, 0), "hai-phong": ("31", 45, 67, 2), "quang-ngai": ("51", 9, 86, 1)}
LETTERS = "aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệghiìỉĩíịklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvxyỳỷỹýỵ"
VIETNAMESE = st.text(LETTERS + " ", min_size=1, max_size=12)
HERE = "can-tho"


def field(kind: str) -> tuple[Field, ...]:
    return (Field("x", kind, Text("Mục", "Entry")),)


# --- order and spelling --------------------------------------------------------------------------------------------


def test_the_order_of_a_vietnamese_dictionary():
    assert sorted(LETTERS, key=vi_sort_key) == list(LETTERS), "letters, and for each ngang huyền hỏi ngã sắc nặng"
    words = ["Zambia", "Åland", "Đức", "Do", "Bà", "Bá", "Ba", "Ấn Độ", "Ân", "Áo", "Anh", "An Giang", "a 2"]
    assert sorted(words, key=vi_sort_key) == ["a 2", "Åland", "An Giang", "Anh", "Áo", "Ân", "Ấn Độ", "Ba", "Bà", "Bá", "Do", "Đức", "Zambia"]


@settings(deadline=None)
@given(st.lists(st.one_of(VIETNAMESE, st.text(max_size=8)), max_size=8), st.randoms())
def test_the_order_is_one_for_any_text(words, chance_):
    """Sorted from any beginning the same comes out, composed or decomposed; every text has a place."""
    once = sorted(words, key=vi_sort_key)
    chance_.shuffle(words)
    assert sorted(words, key=vi_sort_key) == once
    assert all(vi_sort_key(unicodedata.normalize("NFD", w))[:2] == vi_sort_key(unicodedata.normalize("NFC", w))[:2] for w in words)


@settings(deadline=None)
@given(VIETNAMESE)
def test_a_folded_word_has_neither_case_nor_accent_and_stays_as_it_is(text):
    found = fold(text)
    assert fold(found) == found == fold(text.upper()) == fold(unicodedata.normalize("NFD", text))
    assert found.isascii() and "đ" not in found


@settings(deadline=None)
@given(VIETNAMESE, VIETNAMESE)
def test_what_is_spelled_alike_is_folded_alike(one, other):
    assert spelling(one) == spelling(one.upper()) == spelling(unicodedata.normalize("NFD", one))
    if spelling(one) == spelling(other):
        assert fold(one) == fold(other)


def test_a_tone_may_stand_at_either_vowel():
    assert spelling("Thuỷ Hoà") == spelling("Thủy Hòa") and spelling("Sơn Hà") != spelling("Sơn Hạ") != spelling("Son Ha")


# --- countries and languages ---------------------------------------------------------------------------------------


def test_every_country_has_both_names_and_stands_in_order():
    vi, en = world.countries("vi"), world.countries("en")
    assert len(vi) == len(en) == 256 and {c.code for c in vi} == {c.code for c in en}
    assert {"VN", "FI", "JP", "LA", "KH", "CN", "XK", "TL", "SS"} <= {c.code for c in vi} and not {"EU", "UN", "ZZ", "XA"} & {c.code for c in vi}
    assert all(c.vi.strip() and c.en.strip() and len(c.code) == 2 for c in vi)
    assert [c.vi for c in vi] == sorted((c.vi for c in vi), key=vi_sort_key) and [c.en for c in en] == sorted((c.en for c in en), key=fold)
    names = [c.vi for c in vi]
    assert names.index("Áo") < names.index("Ấn Độ") < names.index("Ba Lan") < names.index("Dominica") < names.index("Đan Mạch") < names.index("Việt Nam")
    assert world.country("FI") == Text("Phần Lan", "Finland") and world.country("VN") == Text("Việt Nam", "Viet Nam")
    assert world.country("TW").vi == "Đài Loan (Trung Quốc)" and world.country("XX") is None is world.country("fi")


def test_languages_are_those_of_the_world():
    codes = {c.code for c in world.languages("vi")}
    assert {"vi", "en", "fr", "zh", "ja", "ko", "km", "lo", "th", "ru", "yue", "fil"} <= codes and "zz" not in codes and len(codes) > 200
    assert world.language("fi") == Text("Tiếng Phần Lan", "Finnish") and world.language("xx") is None
    names = [c.vi for c in world.languages()]
    assert names == sorted(names, key=vi_sort_key) and len({c.en for c in world.languages()}) > 200


@pytest.mark.parametrize(
    ("kind", "good", "bad"), [("country", "FI", ("XX", "fi", "EU", "FIN", "Việt Nam", "ZZ")), ("language", "km", ("xx", "VI", "tiếng Việt", "vi-VN"))]
)
def test_only_real_codes_are_taken(kind, good, bad):
    assert schemas.load(field(kind), {"x": good}) == {"x": good} and schemas.load(field(kind), {"x": ""}) == {"x": ""}
    for code in bad:
        with pytest.raises(Invalid) as refused:
            schemas.load(field(kind), {"x": code})
        (text,) = refused.value.fields["x"]
        assert "ISO" in text.vi and "ISO" in text.en and text.vi != text.en


def test_nothing_of_babel_is_read_at_the_start():
    asked = "import sys, api.app, api.cli, workflow.world; print(any(name.split('.')[0] == 'babel' for name in sys.modules))"
    shown = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


# --- the lists that come with the localities -----------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_the_list_of_a_locality_is_whole(code):
    """As many of each kind as the resolution of June 2025 says; each with its source, nothing said of border, sea or island."""
    profile, (province, *counts) = load_profile(code), LISTED[code]
    assert profile.province == province
    assert [sum(1 for c in profile.listed if c.kind == kind) for kind in ("phuong", "xa", "dac_khu")] == counts
    assert all(c.standing == "sourced" and "NQ-UBTVQH15" in c.source and c.valid_from == "2025-07-01" for c in profile.listed)
    assert all(len(c.code) == 5 and c.code.isdigit() and c.province == province for c in profile.listed) and len({c.code for c in profile.listed}) == sum(
        counts
    )
    assert all(set(c.attributes.values()) == {"unknown"} for c in profile.listed)


@pytest.mark.parametrize("code", CODES)
def test_every_mark_of_a_profile_finds_its_commune(code):
    profile = load_profile(code)
    assert [c.full for c in profile.places.communes if not c.code] == [] and len(profile.places.communes) == len(profile.listed)
    for marked in profile.communes:
        (found,) = profile.places.resolve(marked.name)
        assert marked.marks <= found.marks and set(marked.old) <= set(found.old)
        assert found.attributes == {name: "yes" if name in marked.marks else "unknown" for name in ATTRIBUTES}, "what is not stated is unknown, never no"


def test_provinces_by_their_names_of_today_and_before():
    assert len(places.provinces()) == 34
    for name in ("Cần Thơ", "thành phố Cần Thơ", "TP. Cần Thơ", "tp.can tho", "Sóc Trăng", "tỉnh Hậu Giang", "Can Tho City"):
        assert places.province_code(name) == "92", name
    assert places.province_code("Đà Nẵng") == places.province_code("Quảng Nam") == "48" and places.province_code("Nơi Khác") == ""
    assert len({fold(n) for p in places.provinces().values() for n in (p.name, *p.old)}) == 64, "sixty-three of before, and Huế"


# --- what a typed name means ---------------------------------------------------------------------------------------

WHOLE = {code: load_profile(code).places for code in CODES}
QUANG_NGAI = WHOLE["quang-ngai"]
ALL = [(code, commune) for code, whole in WHOLE.items() for commune in whole.communes]


@settings(deadline=None)
@given(
    st.sampled_from(ALL),
    st.sampled_from(["{kind} {name}", "{name}", "{short}{name}", "{short} {name}", "  {kind}   {name} "]),
    st.sampled_from([str, str.upper, str.lower, fold]),
)
def test_a_commune_is_found_however_its_name_is_typed(one, form, how):
    """With or without kind, short or long, in any case, without accents: it is among what the name means, and alone when written out."""
    code, commune = one
    short = {"xa": "X.", "phuong": "P.", "dac_khu": "ĐK."}[commune.kind]
    typed = how(form.format(kind=KINDS[commune.kind].vi, name=commune.name, short=short))
    found = WHOLE[code].resolve(typed)
    assert commune in found
    if how is not fold and "{name}" != form.strip():
        assert found == (commune,)


@settings(deadline=None)
@given(st.sampled_from(ALL), st.text(max_size=30))
def test_marks_of_a_name_are_those_of_everything_it_may_mean(one, text):
    whole = WHOLE[one[0]]
    for name in (text, one[1].full, fold(one[1].name)):
        found = whole.resolve(name)
        assert whole.marks(name) == frozenset().union(*(c.marks for c in found)) if found else whole.marks(name) == frozenset()
        assert len(found) == len(set(found))


@pytest.mark.parametrize(("typed", "meant"), [
    ("Ba Tơ", ["Xã Ba Tơ"]), ("xã Ba Tô", ["Xã Ba Tô"]), ("ba to", ["Xã Ba Tô", "Xã Ba Tơ"]), ("Son Ha", ["Xã Sơn Hà", "Xã Sơn Hạ"]),
    ("Sơn Hạ", ["Xã Sơn Hạ"]), ("P.Kon Tum", ["Phường Kon Tum"]), ("P Kon Tum", ["Phường Kon Tum"]), ("Kon Tum Ward", ["Phường Kon Tum"]),
    ("ly son special zone", ["Đặc khu Lý Sơn"]), ("Huyện Lý Sơn", ["Đặc khu Lý Sơn"]), ("xã pờ y", ["Xã Bờ Y"]), ("Thị trấn Plei Kần", ["Xã Bờ Y"]),
    ("Đắk Plô", ["Xã Đăk Plô"]), ("Sa", []), ("Xã", []), ("", []), ("P.", []), ("Hà Nội", []),
])  # fmt: skip
def test_alike_names_are_told_apart_as_far_as_they_were_typed(typed, meant):
    assert [c.full for c in QUANG_NGAI.resolve(typed)] == meant


def test_a_name_of_two_kinds_is_told_apart_by_the_kind():
    both = Places([Commune("92", "1", "Tân An", "phuong"), Commune("92", "2", "Tân An", "xa"), Commune("92", "3", "Xà Phiên", "xa")])
    assert [c.code for c in both.resolve("phường tân an")] == ["1"] and [c.code for c in both.resolve("Xa Tan An")] == ["2"]
    assert [c.code for c in both.resolve("Tân An")] == ["1", "2"] == [c.code for c in both.resolve("thị trấn Tân An")]
    assert [c.code for c in both.resolve("xa phien")] == ["3"] == [c.code for c in both.resolve("Xã Xà Phiên")]


def test_what_the_profile_marks_keeps_its_marks_without_a_list():
    alone = Places([], [MarkedCommune("Thị trấn Cũ", ("Xã Xưa",), frozenset({"border", "gate"}), "unconfirmed", "MEMORY")])
    assert alone.marks("cũ") == alone.marks("xã xưa") == alone.marks("Thị trấn Cũ") == {"border", "gate"}
    whole = Places(
        [Commune("04", "1", "Mới", "xa", sea="no")], [MarkedCommune("Xã Mới", ("Xã Cũ",), frozenset({"sea", "border", "heritage"}), "unconfirmed", "MEMORY")]
    )
    assert whole.marks("xã cũ") == {"border", "heritage"}, "what the list states holds against the profile"


def test_place_marks_tell_unknown_in_words():
    (commune,) = QUANG_NGAI.resolve("Sa Huỳnh")
    told = {m["mark"]: (m["value"], m["text"]) for m in places.place_marks(commune)}
    assert told["sea"] == ("yes", Text("có", "yes")) and told["heritage"][0] == "yes"
    assert told["border"] == told["island"] == ("unknown", Text("chưa xác định", "not determined"))
    assert [m["mark"] for m in places.place_marks(commune)] == ["border", "sea", "island", "heritage"]
    value, title = QUANG_NGAI.choices()[0]
    assert len(QUANG_NGAI.choices()) == 96 and value == title.vi and [c.full for c in QUANG_NGAI.resolve(value)] == [value]


# --- the rules ------------------------------------------------------------------------------------------------------


def itinerary(commune: str, **more):
    return {"itinerary": [{"row": "p", "on": "2026-12-10", "commune": commune, "place": "Nơi minh họa", **more}], "crew": [{"nationality": "FI"}]}


def rules(profile: Profile, fields, known: Places | None = None) -> set[str]:
    return {found.rule for found in routing.fired(profile, "visit", fields, places=known)}


def test_the_list_in_force_decides_what_a_rule_sees():
    profile = load_profile(HERE)
    assert "R4" in rules(profile, itinerary("P. Vĩnh Châu")) and "R4" not in rules(profile, itinerary("Xã Thới Lai"))
    sea = Places([Commune("92", "31258", "Thới Lai", "xa", sea="yes"), Commune("92", "31783", "Vĩnh Châu", "phuong", sea="no")], profile.communes)
    assert "R4" in rules(profile, itinerary("Xã Thới Lai"), sea) and "R4" not in rules(profile, itinerary("P. Vĩnh Châu"), sea)


def test_a_name_that_may_mean_several_needs_the_permits_of_all():
    profile = load_profile("quang-ngai")
    two = Places([Commune("51", "1", "Ba Tơ", "xa", border="yes"), Commune("51", "2", "Ba Tô", "xa")])
    assert "R3" in rules(profile, itinerary("ba to"), two) and "R3" not in rules(profile, itinerary("Ba Tô"), two)
    (told,) = routing.places_named(profile, itinerary("ba to"), two)
    assert (
        len(told["found"]) == 2
        and told["note"]["en"].startswith("2 places bear this name: Ba Tô commune, Ba Tơ commune")
        and ALIKE.vi[:3] == told["note"]["vi"][:3]
    )


def test_a_province_that_went_into_this_one_is_this_one():
    """Whoever writes Sóc Trăng means a commune of Cần Thơ: the permit for the sea border is asked for all the same."""
    profile = load_profile(HERE)
    assert "R4" in rules(profile, itinerary("Xã Vĩnh Hải", province="tỉnh Sóc Trăng")) and "R19" not in rules(
        profile, itinerary("Xã Vĩnh Hải", province="Sóc Trăng")
    )
    assert "R19" in rules(profile, itinerary("Xã Vĩnh Hải", province="Cà Mau")) and "R4" not in rules(profile, itinerary("Xã Vĩnh Hải", province="Bạc Liêu"))
    assert "R19" in rules(profile, itinerary("Xã Vĩnh Hải", province="Nơi Nào Đó"))


def test_an_unlisted_name_stays_text_and_is_told():
    profile = load_profile(HERE)
    fields = {
        "itinerary": [
            *itinerary("Xã Không Có")["itinerary"],
            *itinerary("Phường Rạch Giá", province="An Giang")["itinerary"],
            *itinerary("xa thoi lai")["itinerary"],
        ]
    }
    unlisted, listed = routing.places_named(profile, fields)
    assert unlisted == {"row": "p", "commune": "Xã Không Có", "found": [], "note": UNLISTED.as_dict()}
    assert listed["note"] is None and [c["name"]["vi"] for c in listed["found"]] == ["Xã Thới Lai"] and listed["found"][0]["sea"] == "unknown"


# --- the table ------------------------------------------------------------------------------------------------------


@pytest.fixture
def fresh(office):
    """The office with the list as it was first filled, whatever a test before did to it."""

    def work(connection):
        store.execute(connection, "DELETE FROM communes")
        place_files.seed(connection, office.profile.listed, office.profile.communes)

    office.db.transact(work)
    office.forget()
    return office


def read(office: Office, province: str = "92", **more):
    with office.db.read() as connection:
        office.refresh(connection, force=True)
        return places.rows_of(connection, province, **more)


def said(office: Office, action: str) -> list[dict[str, object]]:
    """What the record holds of an action, oldest first."""
    with office.db.read() as connection:
        rows = store.query(
            connection,
            "SELECT e.seq, o.field, o.value FROM audit_entry e JOIN opening o ON o.stream = e.stream AND o.seq = e.seq"
            " WHERE e.stream = 'system' AND e.action = :action ORDER BY e.seq", action=action,
        )  # fmt: skip
    found: dict[int, dict[str, object]] = {}
    for row in rows:
        found.setdefault(row["seq"], {})[row["field"].removeprefix("input.")] = orjson.loads(row["value"])
    return list(found.values())


def bring(office: Office, text: str | bytes, actor=CLOCK, **more) -> place_files.Plan:
    """Import a file as the command does."""
    rows = place_files.read(text.encode() if isinstance(text, str) else text, office.profile.province, **more)
    with office.db.read() as connection:
        plan = place_files.plan(connection, rows)
    place_files.carry_out(office, actor, plan, rows, "danh-muc.csv")
    return plan


def test_the_list_is_filled_once_with_what_the_profile_states(office):
    rows = read(office)
    assert len(rows) == 103 and said(office, "profile.install")[0]["communes"] == 103, "installing the locality filled it"
    by_name = {row["name"]: row for row in rows}
    assert by_name["Vĩnh Hải"]["sea"] == "yes" and by_name["Vĩnh Hải"]["border"] == by_name["Vĩnh Hải"]["island"] == "unknown"
    assert by_name["Vĩnh Hải"]["standing"] == "unconfirmed" and by_name["Vĩnh Hải"]["source"].endswith("MEMORY: to be ticked by the office")
    assert by_name["Ninh Kiều"]["standing"] == "sourced" and [by_name["Ninh Kiều"][name] for name in ATTRIBUTES] == ["unknown"] * 3
    done = office.db.transact(lambda connection: localities.install(connection, office.profile))
    assert not done and len(read(office)) == 103, "a second time changes nothing"
    assert [row["name"] for row in rows] == sorted((row["name"] for row in rows), key=vi_sort_key)
    with office.db.read() as connection:
        folded = store.query(connection, "SELECT name, folded FROM communes")
    assert all(row["folded"] == fold(row["name"]) for row in folded)


def test_an_office_without_a_table_filled_reads_the_list_that_comes_with_it(fresh):
    fresh.db.transact(lambda connection: store.execute(connection, "DELETE FROM communes"))
    assert read(fresh) == [] and len(fresh.places.communes) == 103 and fresh.places.marks("Vĩnh Hải") == {"sea"}


def test_an_import_replaces_the_list_ends_old_rows_and_is_recorded(fresh):
    text = place_files.to_csv(read(fresh)).decode("utf-8-sig")
    lines = text.splitlines()
    header, kept = lines[0].split(","), [line for line in lines if ",Ninh Kiều," not in line and ",Cái Răng," not in line]
    assert header == list(place_files.HEADER)
    changed = "\n".join([*kept, "92,31186,Cái Răng,phường,no,no,no,2025-07-01,,Nghị quyết minh họa,sourced", "92,39999,Mới Lập,đặc khu,,yes,có,2026-01-01,,,"])
    plan = bring(fresh, changed)
    assert len(plan.changes) == 3 and plan.same == 101 and plan.provinces == ("92",)
    rows = {row["code"]: row for row in read(fresh)}
    assert len(rows) == 103 and "31135" not in rows and [rows["39999"][name] for name in ATTRIBUTES] == ["unknown", "yes", "yes"]
    assert [rows["31186"][name] for name in ATTRIBUTES] == ["no"] * 3 and rows["31186"]["standing"] == "sourced"
    ended = [row for row in read(fresh, ended=True) if row["ended_at"]]
    assert sorted(row["name"] for row in ended) == ["Cái Răng", "Ninh Kiều"] and {row["ended_by"] for row in ended} == {"system"}
    assert {row["border"] for row in ended} == {"unknown"}, "an old row stays as it was"
    entry = said(fresh, "places.import")[-1]
    assert entry["province"] == "92" and entry["file"] == "danh-muc.csv" and {r["code"] for r in entry["entered"]} == {"31186", "39999"}
    assert {r["code"] for r in entry["ended"]} == {"31186", "31135"}
    assert fresh.places.marks("Đặc khu Mới Lập") == {"sea", "island"} and fresh.places.resolve("Ninh Kiều") == (), "the office knows at once"
    again = bring(fresh, changed)
    assert not again.changes and again.same == 103 and len(said(fresh, "places.import")) >= 1


def test_a_list_without_the_attributes_keeps_what_is_known_of_them(fresh):
    names = "code,name,kind,valid_from,standing,source\n" + "\n".join(
        f"{r['code']},{r['name']},{places.KINDS[r['kind']].vi},2026-01-01,sourced,Danh sách minh họa" for r in read(fresh)
    )
    plan = bring(fresh, names)
    assert len(plan.changes) == 2 * 103, "each row has another beginning: one ends, one begins"
    assert {r["name"]: r["sea"] for r in read(fresh)}["Vĩnh Hải"] == "yes" and len(read(fresh)) == 103
    emptied = names.replace("valid_from,standing", "valid_from,sea,standing").replace(",2026-01-01,", ",2026-01-01,,")
    bring(fresh, emptied)
    assert {r["sea"] for r in read(fresh)} == {"unknown"}, "an empty cell says: not known; it never says no"
    assert fresh.places.marks("Vĩnh Hải") == {"sea"}, "and what the profile states is not forgotten"


def test_a_commune_of_tomorrow_and_one_of_yesterday_are_not_of_today(fresh):
    bring(
        fresh, "code,name,kind,valid_from,valid_to\n00001,Hôm Qua,xã,2025-07-01,2025-12-31\n00002,Hôm Nay,xã,2025-07-01,\n00003,Ngày Mai,phường,2999-01-01,\n"
    )
    read(fresh)
    assert [c.name for c in fresh.places.communes if c.code] == ["Hôm Nay"]


def test_other_provinces_are_lists_of_their_own(fresh):
    bring(fresh, "province,code,name,kind,valid_from\n96,1,Ở Cà Mau,xã,2025-07-01\n91,2,Ở An Giang,xã,2025-07-01\n")
    assert len(read(fresh)) == 103 and [r["code"] for r in read(fresh, "96")] == ["00001"] and len(read(fresh, "91")) == 1
    bring(fresh, "province,code,name,kind,valid_from\n96,3,Khác,xã,2025-07-01\n91,4,Khác nữa,xã,2025-07-01\n", only="96")
    assert [r["name"] for r in read(fresh, "96")] == ["Khác"] and [r["name"] for r in read(fresh, "91")] == ["Ở An Giang"]


def test_only_an_administrator_or_the_server_imports(fresh):
    stage = demo.Stage(fresh)
    text = "code,name,kind,valid_from\n1,Một,xã,2025-07-01\n"
    for name in ("gd.khanh", "ktr.xuan", "cv.binh", "vptt.han"):
        with pytest.raises(RoleRefused):
            bring(fresh, text, stage.actor(name))
    assert len(read(fresh)) == 103
    bring(fresh, text, stage.actor("qt.yen"))
    assert {r["entered_name"] for r in read(fresh)} == {"Tạ Thử Yên"}


def test_of_two_imports_at_once_one_is_done_and_the_other_is_told(fresh):
    rows = place_files.read("code,name,kind,valid_from\n1,Một,xã,2025-07-01\n".encode(), "92")
    with fresh.db.read() as connection:
        plan = place_files.plan(connection, rows)
    outcomes, gate = [], threading.Barrier(4)

    def one():
        gate.wait()
        try:
            place_files.carry_out(fresh, CLOCK, plan, rows, "x.csv")
            outcomes.append("done")
        except Conflict as error:
            outcomes.append(error.message.en)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes, key=len) == ["done", *["Somebody has just changed the list; nothing is written, import it again."] * 3]
    assert [r["name"] for r in read(fresh)] == ["Một"]


def test_the_record_stays_whole(fresh):
    from workflow.audit.verify import verify

    bring(fresh, "code,name,kind,valid_from\n1,Một,xã,2025-07-01\n")
    with fresh.db.read() as connection:
        assert verify(connection).integrity == "clean"


# --- bad files ------------------------------------------------------------------------------------------------------

HEAD = "code,name,kind,valid_from\n"
GOOD = "31120,Cái Khế,phường,2025-07-01\n"


@pytest.mark.parametrize(("data", "sentence"), [
    (b"", "holds no row"), (b"\xef\xbb\xbf\n", "holds no row"), (HEAD.encode(), "holds no row"), (b"a" * (10 * 1024 * 1024), "larger than 512 KB"),
    ((HEAD + GOOD).encode("utf-16"), "no UTF-8"), ((HEAD + "1,Cái,xã,2025-07-01").encode("latin-1", "ignore").replace(b"C\xe1i", b"C\xe1\xff"), "no UTF-8"),
    ((HEAD + GOOD).encode() + b"\0", "no UTF-8"), (b"%PDF-1.4\n1 0 obj", "unknown: %pdf-1.4"), ("tên;loại\nA;xã".encode(), "unknown: tên, loại"),
    (b"code,name,kind\n1,A,xa", "names the columns code, name, kind, valid_from"), (b"code,code,name,kind,valid_from\n1,1,A,xa,2025-07-01", "names the columns"),
    ((HEAD + '1,"A').encode(), "broken at line"), ((HEAD + f"1,\"{'x' * 200_000}\",xa,2025-07-01").encode(), "broken at line 2"),
    ((HEAD + "".join(f"{n},N{n},xa,2025-07-01\n" for n in range(6000))).encode(), "more than 5000 rows"),
])  # fmt: skip
def test_a_file_that_is_none_is_refused_with_a_sentence(data, sentence):
    with pytest.raises(Invalid) as refused:
        place_files.read(data, "92")
    (text,) = refused.value.fields["file"]
    assert sentence in text.en and text.vi and text.vi != text.en


@pytest.mark.parametrize(("row", "at"), [
    (",A,xã,2025-07-01", "code – this is needed"), ("1/2,A,xã,2025-07-01", "code – a code is figures"), ("một,A,xã,2025-07-01", "code – a code is figures"),
    ("1,,xã,2025-07-01", "name – this is needed"), ("1,Xã,xã,2025-07-01", "name – this is needed"), (f"1,{'x' * 81},xã,2025-07-01", "name – longer than 80"),
    ("1,A\u202eB,xã,2025-07-01", "name – it holds characters"), ("1,A,,2025-07-01", "kind – is xa (commune)"), ("1,A,thị trấn,2025-07-01", "kind – is xa (commune)"),
    ("1,A,xã,", "valid from – this is needed"), ("1,A,xã,1/7/2025", "valid from – a date"), ("1,A,xã,2025-02-30", "valid from – a date"),
])  # fmt: skip
def test_each_fault_of_a_row_is_told_with_its_line(row, at):
    with pytest.raises(Invalid) as refused:
        place_files.read((HEAD + GOOD + row).encode(), "92")
    assert any(text.en.startswith(f"Line 3: {at}") and text.vi.startswith("Dòng 3: ") for text in refused.value.fields["file"]), refused.value


@pytest.mark.parametrize(("column", "value", "at"), [
    ("sea", "maybe", "sea – is yes, no or unknown"), ("standing", "sure", "standing – is sourced"), ("standing", "sourced", "source – a sourced row"),
    ("valid_to", "2020-01-01", "valid to – it ends before"), ("province", "99", "province – there is no province"), ("source", "x" * 301, "source – longer than 300"),
])  # fmt: skip
def test_a_fault_in_an_optional_column(column, value, at):
    with pytest.raises(Invalid) as refused:
        place_files.read(f"code,name,kind,valid_from,{column}\n1,A,xã,2025-07-01,{value}".encode(), "92")
    assert [text.en.split(": ", 1)[1][: len(at)] for text in refused.value.fields["file"]] == [at]


@pytest.mark.parametrize(("rows", "what"), [
    ("1,A,xã,2025-07-01\n1,B,xã,2025-07-01\n", "code – “00001” stands in line 2"), ("1,Thuỷ,xã,2025-07-01\n2,thủy,XÃ,2025-07-01\n", "name – “thủy” stands in line 2"),
])  # fmt: skip
def test_a_code_or_a_name_of_one_kind_stands_once(rows, what):
    with pytest.raises(Invalid) as refused:
        place_files.read((HEAD + rows).encode(), "92")
    assert [text.en for text in refused.value.fields["file"]] == [f"Line 3: {what} already."]


def test_many_faults_are_told_up_to_a_dozen_and_the_number_of_the_rest():
    with pytest.raises(Invalid) as refused:
        place_files.read((HEAD + "x y,,,\n" * 10).encode(), "92")
    texts = refused.value.fields["file"]
    assert len(texts) == 13 and texts[-1].en == "… and 28 more."


def test_what_a_spreadsheet_makes_of_a_file_is_understood():
    """A byte order mark, semicolons, codes that lost their zeros, the kind in the name, Vietnamese yes and no, an English kind code."""
    text = "\ufeffprovince;code;name;kind;sea;island;valid_from\n4;1273;Phường Thục Phán;Phường;không;chưa xác định;2025-07-01\n04;01501;Đàm Thủy;xa;CÓ;;2025-07-01\n"
    one, other = place_files.read(text.encode(), "92")
    assert (one["province"], one["code"], one["name"], one["sea"], one["island"]) == ("04", "01273", "Thục Phán", "no", "unknown")
    assert (other["name"], other["kind"], other["sea"], other["island"]) == ("Đàm Thủy", "xa", "yes", "unknown") and "border" not in other
    kept = place_files.read("code,name,kind,valid_from\n1,Xà Phiên,xã,2025-07-01\n2,Xã Xà Phiên 2,xã,2025-07-01\n".encode(), "92")
    assert [row["name"] for row in kept] == ["Xà Phiên", "Xà Phiên 2"]


NAMES = st.text(LETTERS + " =+-@'0123456789", min_size=1, max_size=20).map(lambda s: " ".join(s.split())).filter(bool)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, st.sampled_from(list(KINDS)), *[st.sampled_from(["yes", "no", "unknown"])] * 3), max_size=8))
def test_what_goes_out_comes_in_again(rows):
    """Any list that may stand in the table is the same after the way through a file."""
    given_ = [
        {"province": "92", "code": f"{n:05}", "name": name, "kind": kind, "border": border, "sea": sea, "island": island, "valid_from": "2025-07-01",
         "valid_to": None, "source": "", "standing": "memory"}
        for n, (name, kind, border, sea, island) in enumerate(rows)
        if spelling(name).split()[0] not in ("xã", "phường", "đặc", spelling("xã"), spelling("phường"), spelling("đặc"))
    ]  # fmt: skip
    unique = {(row["kind"], spelling(row["name"])): row for row in given_}
    if unique:
        back = place_files.read(place_files.to_csv(unique.values()), "31")
        assert [{k: v for k, v in row.items() if k != "at"} for row in back] == list(unique.values())


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_bring_it_down(data):
    try:
        place_files.read(data, "92")
    except Invalid as refused:
        assert refused.fields["file"]


@settings(deadline=None)
@given(st.lists(st.lists(st.text(max_size=12), max_size=6), max_size=6))
def test_no_cells_bring_it_down(cells):
    from workflow import sheets

    try:
        place_files.read(sheets.written(place_files.NEEDED, cells), "92")
    except Invalid as refused:
        assert refused.fields["file"]


def test_a_bad_list_beside_a_profile_is_named_with_file_and_line(tmp_path, monkeypatch):
    monkeypatch.setattr(place_files, "_FOLDER", tmp_path)
    place_files.shipped.cache_clear()
    (tmp_path / "can-tho.csv").write_text("code,name,kind,valid_from\n1,Một,thôn,2025-07-01\n", "utf-8")
    try:
        with pytest.raises(ValueError, match=r"communes/can-tho\.csv: Dòng 2: loại – .* / Line 2: kind – "):
            place_files.shipped("can-tho", "92")
        assert place_files.shipped("ha-noi", "01") == ()
    finally:
        place_files.shipped.cache_clear()
