"""Lists for pickers over HTTP, the page of communes, `fpd places`, and where a programme tells what its communes are."""

from __future__ import annotations

import re
import sqlite3

import pytest

from api import cli
from states import FLOWS
from workflow import clock, demo, place_files, places, store, world

PATH = "/admin/places"


@pytest.fixture(scope="module")
def visitor(app):
    """Signed-in clients of the pages by user name."""
    known = {}

    def get(username: str):
        if username not in known:
            known[username] = app.test_client()
            known[username].post("/api/v1/session", json={"username": username, "password": demo.PASSWORD})
        return known[username]

    return get


def page(client, path: str = PATH, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


# --- the API --------------------------------------------------------------------------------------------------------


def test_communes_are_for_whoever_is_signed_in(browser):
    assert browser(None).get("/places/communes").status_code == 401
    for username in ("vptt.han", "cv.binh", "ca.phuc"):
        items = browser(username).get("/places/communes").json["items"]
        assert len(items) == 103
    by_name = {item["name"]["vi"]: item for item in items}
    sea = by_name["Xã Vĩnh Hải"]
    assert (sea["code"], sea["province"], sea["kind"], sea["name"]["en"]) == ("31795", "92", "xa", "Vĩnh Hải commune")
    assert (sea["border"], sea["sea"], sea["island"]) == ("unknown", "yes", "unknown")
    told = {mark["mark"]: mark for mark in sea["marks"]}
    assert told["sea"]["text"] == {"vi": "có", "en": "yes"} and told["border"]["text"] == {"vi": "chưa xác định", "en": "not determined"}
    assert told["border"]["label"] == {"vi": "biên giới đất liền", "en": "land border"}


@pytest.mark.parametrize(("q", "names"), [
    ("ninh kieu", ["Phường Ninh Kiều"]), ("NINH KIỀU", ["Phường Ninh Kiều"]), ("phuong ninh", ["Phường Ninh Kiều"]), ("dai hai", ["Xã Đại Hải"]), ("đại hải", ["Xã Đại Hải"]),
    ("thi xa vinh chau", ["Phường Vĩnh Châu"]), ("kieu ward", ["Phường Ninh Kiều"]), ("không có", []), ("%", []), ("_", []), ("\u0000", []),
])  # fmt: skip
def test_the_search_minds_neither_accents_nor_case_nor_d(browser, q, names):
    answer = browser("vptt.han").get("/places/communes", query_string={"q": q})
    assert answer.status_code == 200 and [item["name"]["vi"] for item in answer.json["items"]] == names


def test_another_province_and_what_cannot_be_asked(browser):
    client = browser("cv.binh")
    assert client.get("/places/communes?province=96").json == {"items": []}, "nobody has brought its list in"
    assert len(client.get("/places/communes?province=92&q=vinh").json["items"]) == 9
    for query, field in (("province=99", "province"), ("province=x'", "province"), (f"q={'x' * 121}", "q")):
        answer = client.get(f"/places/communes?{query}")
        assert answer.status_code == 422 and set(answer.json["errors"]) == {field}
        assert answer.json["errors"][field][0]["vi"] and answer.json["errors"][field][0]["en"]


@pytest.mark.parametrize(("what", "listed", "code"), [("countries", world.countries, "FI"), ("languages", world.languages, "fi")])
def test_countries_and_languages_are_for_everybody_in_the_order_of_the_reader(app, browser, what, listed, code):
    items = browser(None).get(f"/places/{what}").json["items"]
    assert [item["code"] for item in items] == [c.code for c in listed("vi")]
    assert next(item for item in items if item["code"] == code)["name"] == {
        "vi": {"FI": "Phần Lan", "fi": "Tiếng Phần Lan"}[code],
        "en": {"FI": "Finland", "fi": "Finnish"}[code],
    }
    client = app.test_client()
    client.set_cookie("fpd_lang", "en")
    assert [item["code"] for item in client.get(f"/api/v1/places/{what}").json["items"]] == [c.code for c in listed("en")]


def test_a_code_that_names_no_country_is_refused_at_its_field(browser):
    fields = {**FLOWS["visit"].example(clock.today()), "outlet": {"name": "Hãng tin Minh Họa", "country": "XX"}}
    answer = browser("vptt.han").post("/cases", {"kind": "visit", "fields": fields})
    assert answer.status_code == 422
    (text,) = answer.json["errors"]["fields/outlet/country"] if "fields/outlet/country" in answer.json["errors"] else answer.json["errors"]["outlet/country"]
    assert "ISO 3166" in text["vi"] and "ISO 3166" in text["en"]


def test_the_form_offers_the_lists(visitor, lite):
    text = page(visitor("vptt.han"), "/apply/visit?category=A1")
    assert '<option value="FI">Phần Lan</option>' in text and '<option value="BT">Bhutan</option>' in text and text.count('<option value="VN"') == 1
    ref = demo.Stage(lite).file("vptt.han", "interview", submit=False)
    assert '<option value="km">Tiếng Khmer</option>' in page(visitor("vptt.han"), f"/cases/{ref}/edit/time")


def test_the_document_has_the_operations(browser):
    paths = browser(None).get("/openapi.json").json["paths"]
    for name, public in (("communes", False), ("countries", True), ("languages", True)):
        operation = paths[f"/api/v1/places/{name}"]["get"]
        assert (operation.get("security") == []) is public
    assert {p["name"] for p in paths["/api/v1/places/communes"]["get"]["parameters"]} == {"q", "province"}


# --- a programme tells what its communes are -------------------------------------------------------------------------


def test_a_preview_tells_listed_unlisted_and_unknown(browser):
    row = FLOWS["visit"].example(clock.today())["itinerary"][0]
    fields = {
        "itinerary": [{**row, "commune": "xa vinh hai"}, {**row, "commune": "Xã Không Có"}, {**row, "commune": "Xã Xa", "province": "Cà Mau"}],
        "crew": [{"nationality": "FI"}],
    }
    for username in ("vptt.han", "cv.binh"):
        found = browser(username).post("/cases/preview", {"kind": "visit", "fields": fields}).json
        known, unlisted = found["places"]
        assert known["commune"] == "xa vinh hai" and [c["name"]["vi"] for c in known["found"]] == ["Xã Vĩnh Hải"] and known["note"] is None
        assert unlisted["found"] == [] and "Not in the list" in unlisted["note"]["en"] and "Không có trong danh mục" in unlisted["note"]["vi"]
        assert "R4" in {item["rule"] for item in found["prerequisites"]}


def test_the_pages_tell_it_too(visitor, lite):
    stage = demo.Stage(lite)
    row = FLOWS["visit"].example(clock.today())["itinerary"][0]
    ref = stage.file(
        "vptt.han",
        "visit",
        fields={
            **FLOWS["visit"].example(clock.today()),
            "itinerary": [{**row, "commune": "Xã Không Có"}, {**row, "commune": "vinh hai", "from": "14:00", "to": "15:00"}],
        },
    )
    text = page(visitor("motcua.mai"), f"/cases/{ref}")
    assert 'id="places"' in text and "cần xem lại" in text and "chưa xét được quy tắc về biên giới" in text
    assert "<b>vinh hai</b>" in text and "Xã Vĩnh Hải" in text and "chưa xác định</" not in text and "chưa xác định: biên giới đất liền, đảo" in text
    assert 'id="places"' not in page(visitor("vptt.han"), f"/cases/{ref}")


# --- the page -------------------------------------------------------------------------------------------------------


def test_the_page_is_for_those_who_keep_the_rules_and_linked_from_the_index(visitor):
    for username in ("qt.yen", "gd.khanh", "ktr.xuan"):
        assert 'href="/admin/places"' in page(visitor(username), "/admin")
        assert "Phường Ninh Kiều" in page(visitor(username))
    for username in ("cv.binh", "vptt.han", "ca.phuc"):
        assert visitor(username).get(PATH).status_code == 403


def test_the_page_shows_unknown_as_unknown_with_source_and_standing(visitor):
    text = page(visitor("qt.yen"))
    row = re.search(r"<tr>(?:(?!</tr>).)*Phường Ninh Kiều.*?</tr>", text)[0]
    assert "chưa xác định: biên giới đất liền, biên giới biển, đảo" in row and "không:" not in row
    assert "có nguồn" in row and "theo danh mục công khai; 1668/NQ-UBTVQH15" in row and "31135" in row
    sea = re.search(r"<tr>(?:(?!</tr>).)*Xã Vĩnh Hải.*?</tr>", text)[0]
    assert '<span class="badge">biên giới biển</span>' in sea and "chưa xác định: biên giới đất liền, đảo" in sea and "theo trí nhớ" in sea
    assert "103 nơi còn điều chưa xác định" in text and "fpd places import can-tho.csv" in text and '<form method="post" action="/admin' not in text


def test_the_filter_minds_neither_accents_nor_what_it_does_not_know(visitor):
    client = visitor("qt.yen")
    assert "Ninh Kiều" in page(client, f"{PATH}?name=ninh+KIEU") and "Cái Răng" not in page(client, f"{PATH}?name=ninh+KIEU")
    assert page(client, f"{PATH}?only=sea").count('data-label="Mã"') == 7 and page(client, f"{PATH}?only=island").count('data-label="Mã"') == 0
    assert page(client, f"{PATH}?only=unsourced").count('data-label="Mã"') == 7 and page(client, f"{PATH}?only=unknown&name=vinh").count('data-label="Mã"') == 9
    assert page(client, f"{PATH}?only=nonsense").count('data-label="Mã"') == 103
    nothing = page(client, f"{PATH}?name=%3Cscript%3E")
    assert "Không có nơi nào như vậy" in nothing and "<script>" not in nothing and 'value="&lt;script&gt;"' in nothing


def test_what_ended_is_shown_and_a_no_is_said(visitor, lite):
    """An import in the same office: the new row says no, the old one stays to be read."""
    with lite.db.read() as connection:
        text = place_files.to_csv(places.rows_of(connection, "92")).decode()
    changed = text.replace("92,31135,Ninh Kiều,phường,unknown,unknown,unknown", "92,31135,Ninh Kiều,phường,no,no,unknown")
    rows = place_files.read(changed.encode(), "92")
    with lite.db.read() as connection:
        plan = place_files.plan(connection, rows)
    place_files.carry_out(lite, demo.Stage(lite).actor("qt.yen"), plan, rows, "x.csv")
    client = visitor("qt.yen")
    row = re.search(r"<tr>(?:(?!</tr>).)*Phường Ninh Kiều.*?</tr>", page(client))[0]
    assert "không: biên giới đất liền" in row and "không: biên giới biển" in row and "chưa xác định: đảo" in row
    assert "Xem 1 dòng đã kết thúc" in page(client)
    ended = page(client, f"{PATH}?ended=1").split('id="ended"')[1]
    assert "Phường Ninh Kiều" in ended and "biên giới đất liền: chưa xác định" in ended and "Tạ Thử Yên" in ended


# --- the command line -----------------------------------------------------------------------------------------------


def run(capsys, *words):
    code = cli.main(["places", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_works_under_the_keys_of_the_installation(installed, capsys, monkeypatch, tmp_path):
    elsewhere = tmp_path / "safe" / "fpd.keys"
    monkeypatch.setenv("FPD_KEYS_FILE", str(elsewhere))
    (tmp_path / "var" / "fpd.keys").unlink(missing_ok=True)
    assert run(capsys, "export")[0] == 0
    assert elsewhere.is_file()
    assert not (tmp_path / "var" / "fpd.keys").exists()


def rows(office, province="92", **more):
    with office.db.read() as connection:
        return places.rows_of(connection, province, **more)


def test_a_new_database_has_the_list_of_its_locality(bare, capsys, monkeypatch):
    """`fpd migrate` fills it, a second time changes nothing; another locality chosen brings its own."""
    monkeypatch.setenv("FPD_LOCALITY", "cao-bang")
    for _ in range(2):
        assert cli.main(["migrate"]) == 0
        with sqlite3.connect(bare / "var" / "fpd.sqlite3") as there:
            found = dict(there.execute("SELECT province, count(*) FROM communes GROUP BY province"))
            entries = there.execute("SELECT count(*) FROM audit_entry WHERE action = 'profile.install'").fetchone()[0]
        assert found == {"04": 56} and entries == 1
    monkeypatch.delenv("FPD_LOCALITY")
    assert cli.main(["locality", "use", "quang-ngai"]) == 0
    assert "96 xã, phường, đặc khu / communes" in capsys.readouterr().out
    with sqlite3.connect(bare / "var" / "fpd.sqlite3") as there:
        assert dict(there.execute("SELECT province, count(*) FROM communes GROUP BY province")) == {"04": 56, "51": 96}


def test_out_and_in_again_changes_nothing(installed, tmp_path, capsys):
    file = tmp_path / "can-tho.csv"
    assert run(capsys, "export", file) == (0, "103 dòng / row(s)\n", "")
    code, out, err = run(capsys, "import", file)
    assert code == 0 and not err and "92 Cần Thơ: 0 change(s) (0 row(s) end), 103 stay as they are" in out
    code, out, _ = run(capsys, "export")
    assert code == 0 and out.splitlines()[0] == ",".join(place_files.HEADER) and len(out.splitlines()) == 104


def test_a_change_is_shown_and_then_done(installed, tmp_path, capsys):
    file = tmp_path / "x.csv"
    run(capsys, "export", file)
    text = file.read_text("utf-8-sig").replace("31135,Ninh Kiều,phường,unknown", "31135,Ninh Kiều,phường,no").replace("31147,Tân An", "31148,Tân An")
    file.write_text(text, "utf-8")
    code, out, err = run(capsys, "import", file, "--dry-run", "--by", "qt.yen")
    assert code == 0 and not err and len(rows(installed)) == 103 and not [r for r in rows(installed, ended=True) if r["ended_at"]]
    assert "± 31135 Phường Ninh Kiều" in out and "biên giới đất liền / land border: không / no" in out and "trước / before: 31135" in out
    assert "chưa xác định / not determined" in out and "+ 31148 Phường Tân An" in out and "- 31147 Phường Tân An" in out and "3 change(s) (1 row(s) end)" in out
    code, out, _ = run(capsys, "import", file, "--by", "qt.yen")
    assert code == 0 and out.endswith("Đã ghi 3 thay đổi / 3 change(s) written\n")
    assert {r["code"]: r["border"] for r in rows(installed)}["31135"] == "no"
    assert sorted(r["code"] for r in rows(installed, ended=True) if r["ended_name"] == "Tạ Thử Yên") == ["31135", "31147"]


def test_one_province_of_a_larger_file(installed, tmp_path, capsys):
    file = tmp_path / "x.csv"
    file.write_text("province,code,name,kind,valid_from\n96,31825,Bạc Liêu,phường,2025-07-01\n91,31078,Phú Quốc,đặc khu,2025-07-01\n", "utf-8")
    assert run(capsys, "import", file, "--province", "96")[0] == 0
    assert [r["name"] for r in rows(installed, "96")] == ["Bạc Liêu"] and rows(installed, "91") == [] and len(rows(installed)) == 103
    assert "Bạc Liêu" in run(capsys, "export", "--province", "96")[1]
    code, _, err = run(capsys, "import", file, "--province", "4")
    assert code == 1 and "The file holds no row of province 04." in err and "Tệp không có dòng nào của tỉnh 04." in err


def test_faults_are_told_line_by_line_in_both_languages(installed, tmp_path, capsys):
    file = tmp_path / "x.csv"
    file.write_text("code,name,kind,valid_from\n1,Một,xã,2025-07-01\n2,Hai,thôn,2025-07-01\n3,Ba,xã,hôm qua\n", "utf-8")
    code, out, err = run(capsys, "import", file)
    assert code == 1 and not out and len(rows(installed)) == 103
    assert re.findall(r"^Dòng (\d): .* / Line (\d): ", err, re.MULTILINE) == [("3", "3"), ("4", "4")]


@pytest.mark.parametrize(("words", "code"), [
    (("import", "no-such-file.csv"), 2), (("import", "x.csv", "--province", "99"), 2), (("import",), 2), ((), 2), (("undo",), 2),
    (("import", "x.csv", "--by", "khong.co"), 1), (("import", "x.csv", "--by", "cv.binh"), 1),
])  # fmt: skip
def test_bad_use_and_refusals(installed, tmp_path, capsys, monkeypatch, words, code):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text("code,name,kind,valid_from\n1,Một,xã,2025-07-01\n", "utf-8")
    found, out, err = run(capsys, *words)
    assert found == code and err and not out and len(rows(installed)) == 103


def test_without_a_database_it_says_what_to_do(bare, tmp_path, capsys):
    (tmp_path / "x.csv").write_text("x", "utf-8")
    code, _, err = run(capsys, "import", tmp_path / "x.csv")
    assert code == 1 and "fpd migrate" in err and not (bare / "var").exists()


def test_a_table_that_was_emptied_is_not_filled_behind_the_office_s_back(installed):
    """A list that was replaced is the office's: installing the locality again does not bring the shipped one back."""
    rows_ = place_files.read("code,name,kind,valid_from\n1,Một,xã,2025-07-01\n".encode(), "92")
    with installed.db.read() as connection:
        plan = place_files.plan(connection, rows_)
    place_files.carry_out(installed, demo.Stage(installed).actor("qt.yen"), plan, rows_, "x.csv")
    added = installed.db.transact(lambda connection: place_files.seed(connection, installed.profile.listed, installed.profile.communes))
    assert added == 0 and len(rows(installed)) == 1
    with installed.db.read() as connection:
        assert store.query(connection, "SELECT count(*) AS n FROM communes")[0]["n"] == 104


def test_what_a_form_offers_for_a_commune(app, lite):
    """The datalist for an itinerary row: each value means its commune; English readers see the English name beside it."""
    with lite.db.read() as connection:
        lite.refresh(connection)
    choices = lite.profile.places.choices()
    with app.test_request_context():
        macro = app.jinja_env.get_template("macros/places.html")
        vi = str(macro.make_module(app.jinja_env.globals | {"lang": lambda: "vi"}).datalist("communes", choices))
        en = str(macro.make_module(app.jinja_env.globals | {"lang": lambda: "en", "label": lambda text: text.en}).datalist("communes", choices))
    assert vi.startswith('<datalist id="communes"><option value="Phường An Bình"></option>') and vi.count("<option") == 103
    assert '<option value="Xã Vĩnh Hải">Vĩnh Hải commune</option>' in en
    assert all(len(lite.profile.places.resolve(value)) == 1 for value, _ in choices)
