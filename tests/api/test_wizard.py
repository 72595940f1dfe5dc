"""The form over HTTP, as a browser without scripts uses it: screens, rows, what is wrong beside what is kept."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from api.web import forms
from states import FLOWS
from states.language import Field, Group, Rows
from tests.api.test_pages import page, post, stage, visitor  # noqa: F401  the signed-in clients of the pages
from workflow import clock, demo, schemas, store


class Inputs(HTMLParser):
    """What a browser would send of the form on a page: names and values, as they stand."""

    def __init__(self, text, form="wizard"):
        super().__init__()
        self.form, self.inside, self.sent, self.area, self.select = form, False, [], None, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "form":
            self.inside = a.get("id") == self.form
        if not self.inside:
            return
        if tag == "input" and a.get("name"):
            if a.get("type") not in ("checkbox", "radio") or "checked" in a:
                self.sent.append((a["name"], a.get("value") or ""))
        elif tag == "textarea":
            self.area = [a["name"], ""]
        elif tag == "select":
            self.select = [a["name"], ""]
        elif tag == "option" and self.select and "selected" in a:
            self.select[1] = a.get("value") or ""

    def handle_data(self, data):
        if self.area:
            self.area[1] += data

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False
        elif tag == "textarea" and self.area:
            self.sent.append(tuple(self.area))
            self.area = None
        elif tag == "select" and self.select:
            self.sent.append(tuple(self.select))
            self.select = None


def sent_of(text):
    return MultiDict(Inputs(text).sent)


def fields_of(stage, ref):
    return stage.row(ref)["fields"]


def new_draft(visitor, kind="visit", category="A1", **more):
    made = post(visitor("vptt.han"), f"/apply/{kind}", category=category, **more)
    assert made.status_code == 303, made.get_data(as_text=True)
    return made.headers["Location"].split("/")[2]


def save(visitor, stage, ref, screen, **form):
    return post(visitor("vptt.han"), f"/cases/{ref}/edit/{screen}", version=str(stage.row(ref)["version"]), **form)


def test_the_first_screen_makes_the_draft_and_the_next_one_opens(visitor, stage):
    made = post(visitor("vptt.han"), "/apply/visit", category="A1", **{"outlet.name": "Hãng mẫu"})
    ref = made.headers["Location"].split("/")[2]
    assert made.status_code == 303 and made.headers["Location"] == f"/cases/{ref}/edit/content#main"
    assert fields_of(stage, ref) == {"category": "A1", "outlet": {"name": "Hãng mẫu"}}
    for screen in ("content", "crew", "programme", "equipment", "papers", "check"):
        assert "Bước" in page(visitor("vptt.han"), f"/cases/{ref}/edit/{screen}")
    assert visitor("vptt.han").get(f"/cases/{ref}/edit/zzz").status_code == 404
    assert visitor("vptt.lam").get(f"/cases/{ref}/edit/crew").status_code == 404


def test_what_can_be_read_is_saved_and_what_cannot_stands_in_the_form(visitor, stage):
    ref = new_draft(visitor)
    answer = save(visitor, stage, ref, "content", title="Tên chương trình", first_day="31/31/2026", last_day="2026-12-31")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Cần một ngày có thật" in text and "31/31/2026" in text and "Tên chương trình" in text
    assert fields_of(stage, ref)["title"] == "Tên chương trình" and fields_of(stage, ref)["last_day"] == "2026-12-31"
    assert "first_day" not in fields_of(stage, ref)


def test_a_wrong_cell_costs_only_itself(visitor, stage):
    ref = new_draft(visitor)
    crew = {"crew.n": "2", "crew.0.name": "AINO", "crew.0.passport_expires_on": "xx", "crew.1.name": "MIKKO"}
    answer = save(visitor, stage, ref, "crew", **crew)
    assert answer.status_code == 422 and 'id="crew.0.passport_expires_on-e"' in answer.get_data(as_text=True)
    assert [row["name"] for row in fields_of(stage, ref)["crew"]] == ["AINO", "MIKKO"]


def test_rows_are_added_and_removed_at_every_depth(visitor, stage):
    ref = new_draft(visitor)
    form = {"itinerary.n": "1", "itinerary.0.place": "Chợ nổi", "itinerary.0.activities": "interview", "itinerary.0.people.n": "1",
            "itinerary.0.people.0.name": "Ông Mẫu", "add": "itinerary.0.people"}  # fmt: skip
    text = save(visitor, stage, ref, "programme", **form).get_data(as_text=True)
    sent = sent_of(text)
    assert sent["itinerary.0.people.n"] == "2" and sent["itinerary.0.people.0.name"] == "Ông Mẫu" and sent["itinerary.0.place"] == "Chợ nổi"
    assert fields_of(stage, ref)["itinerary"][0]["people"][0]["name"] == "Ông Mẫu", "what was typed before the button is saved with it"
    row = fields_of(stage, ref)["itinerary"][0]["row"]
    assert sent["itinerary.0.row"] == row
    text = save(visitor, stage, ref, "programme", **{k: v for k, v in sent.items() if k not in ("csrf_token", "version")}, remove="itinerary.0.people.0")
    assert sent_of(text.get_data(as_text=True))["itinerary.0.people.n"] == "1" and fields_of(stage, ref)["itinerary"][0]["row"] == row


def test_a_script_is_told_ids_notes_and_what_is_left(visitor, stage):
    ref = new_draft(visitor)
    client = visitor("vptt.han")
    token = re.search(r'name="csrf_token" value="([^"]*)"', page(client, f"/cases/{ref}/edit/crew"))[1]
    form = {"csrf_token": token, "version": str(stage.row(ref)["version"]), "crew.n": "1", "crew.0.name": "AINO", "crew.0.passport_no": "1 2"}
    told = client.post(f"/cases/{ref}/edit/crew", data=form, headers={"Accept": "application/json"}).get_json()
    assert told["version"] == stage.row(ref)["version"] and told["rows"]["crew.0.row"] == fields_of(stage, ref)["crew"][0]["row"]
    assert set(told["noted"]) >= {"crew", "crew.0.passport_no"} and told["left"]["crew"] == 1 and told["errors"] == {}
    again = client.post(f"/cases/{ref}/edit/crew", data=form | {"version": "1"}, headers={"Accept": "application/json"})
    assert again.status_code in (200, 412), "an older page writes over nothing unseen"


def test_an_older_page_is_told_and_keeps_what_was_typed(visitor, stage):
    ref = new_draft(visitor)
    save(visitor, stage, ref, "content", title="Mới hơn")
    answer = post(visitor("vptt.han"), f"/cases/{ref}/edit/content", version="1", title="Cũ hơn")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 412 and "đã được sửa ở nơi khác" in text and "Cũ hơn" in text and fields_of(stage, ref)["title"] == "Mới hơn"
    sent = sent_of(text)
    assert post(visitor("vptt.han"), f"/cases/{ref}/edit/content", version=sent["version"], title="Cũ hơn").status_code == 303
    assert fields_of(stage, ref)["title"] == "Cũ hơn"


def test_saving_the_same_again_writes_nothing(visitor, stage):
    ref = new_draft(visitor)
    sent = sent_of(page(visitor("vptt.han"), f"/cases/{ref}/edit/outlet"))
    version = stage.row(ref)["version"]
    assert visitor("vptt.han").post(f"/cases/{ref}/edit/outlet", data=sent).status_code == 303 and stage.row(ref)["version"] == version


def test_what_does_not_concern_a_category_is_not_asked(visitor, stage):
    resident, licensed = new_draft(visitor, category="A1"), new_draft(visitor, category="A3")
    assert 'name="bureau.name"' in page(visitor("vptt.han"), f"/cases/{resident}/edit/outlet")
    text = page(visitor("vptt.han"), f"/cases/{licensed}/edit/outlet")
    assert 'name="bureau.name"' not in text and 'name="licence.number"' in text


# --- copies and linked requests --------------------------------------------------------------------------------------


def test_a_copy_carries_no_day_signature_or_paper(visitor, stage):
    ref = stage.file("vptt.han", "visit")
    made = post(visitor("vptt.han"), f"/cases/{ref}/copy", at=f"/cases/{ref}")
    copy = made.headers["Location"].split("/")[2]
    was, now = fields_of(stage, ref), fields_of(stage, copy)
    assert copy != ref and now["title"] == was["title"] and [p["passport_no"] for p in now["crew"]] == [p["passport_no"] for p in was["crew"]]
    assert not {"first_day", "last_day", "signer", "ministry_notice"} & now.keys() and not any("on" in row or "from" in row for row in now["itinerary"])
    assert stage.row(copy)["papers"] == {} and not {p["row"] for p in was["crew"]} & {p["row"] for p in now["crew"]}
    assert visitor("vptt.lam").post(f"/cases/{ref}/copy").status_code in (400, 404)


def test_a_leader_in_the_programme_opens_an_interview_with_its_own_clock(visitor, stage):
    example = FLOWS["visit"].example(clock.today())
    example["itinerary"][0]["leader"] = "so_nnmt"
    ref = stage.file("vptt.han", "visit", fields={"itinerary": example["itinerary"]}, submit=False)
    text = page(visitor("vptt.han"), f"/cases/{ref}/edit/check")
    assert "Mở hồ sơ phỏng vấn" in text
    row = fields_of(stage, ref)["itinerary"][0]["row"]
    made = post(visitor("vptt.han"), f"/cases/{ref}/interview", at=f"/cases/{ref}/edit/check", row=row)
    other = made.headers["Location"].split("/")[2]
    found = stage.row(other)
    assert found["kind"] == "interview" and found["fields"]["leader"]["agency"] == "so_nnmt" and found["fields"]["category"] == "A2"
    assert found["fields"]["slots"][0]["from"].startswith(example["itinerary"][0]["on"][:8]) and len(found["fields"]["crew"]) == 2
    client = visitor("vptt.han")
    for one, two in ((ref, other), (other, ref)):
        told = client.get(f"/api/v1/cases/{one}").get_json()["related"]
        assert [x["id"] for x in told] == [two]
    assert "Mở hồ sơ phỏng vấn" not in page(client, f"/cases/{ref}/edit/check"), "what was opened is not offered once more"
    assert (
        client.post(f"/cases/{ref}/interview", data={"csrf_token": sent_of(page(client, f"/cases/{ref}/edit/outlet"))["csrf_token"], "row": "x"}).status_code
        == 404
    )


def test_the_sheets_are_bilingual_and_masked_by_role(visitor, stage):
    ref = stage.file("vptt.han", "visit")
    text = page(visitor("vptt.han"), f"/cases/{ref}/form")
    assert "REQUEST FOR PRESS ACTIVITIES" in text and "04/BC-BNG" in text and "XP0000001" in text and "Finland" in text and "Phần Lan" in text
    assert "XP0000001" not in page(visitor("tp.hoa"), f"/cases/{ref}/form")
    assert "XP0000001" not in page(visitor("vptt.han"), f"/cases/{ref}/ministry-notice"), "the Ministry is told names, not numbers"
    assert visitor("vptt.lam").get(f"/cases/{ref}/form").status_code == 404


# --- properties --------------------------------------------------------------------------------------------------------

words = st.text(st.characters(min_codepoint=32, max_codepoint=0x1EF9, exclude_categories=("Cs", "Cc", "Cn", "Cf", "Zl", "Zp")), min_size=1, max_size=30).map(
    lambda text: schemas.clean(text)
).filter(bool)  # fmt: skip


def value_of(item: Field):
    """Values a person may type into an entry."""
    match item.type:
        case "choice":
            return st.sampled_from([c.code for c in item.choices])
        case "choices":
            return st.sets(st.sampled_from([c.code for c in item.choices]), min_size=1).map(lambda some: [c.code for c in item.choices if c.code in some])
        case "date":
            return st.dates(min_value=clock.today(), max_value=clock.today().replace(year=2099)).map(str)
        case "time":
            return st.times().map(lambda at: at.isoformat("minutes"))
        case "moment":
            return st.datetimes(min_value=clock.now().replace(tzinfo=None), allow_imaginary=False).filter(lambda at: at.year < 2100).map(
                lambda at: clock.stamp(at.replace(second=0, microsecond=0, tzinfo=clock.ZONE))
            )  # fmt: skip
        case "integer":
            return st.integers(item.minimum or 0, min(item.maximum or 999, 10**9))
        case "bool":
            return st.just(True)
        case "country":
            return st.sampled_from(["FI", "JP", "VN"])
        case "language":
            return st.sampled_from(["vi", "en"])
        case "email":
            return st.just("lien.he@minhhoa.example")
        case "phone":
            return st.just("+84 24 0000 0000")
        case "agency":
            return st.just("vp_ubnd")
        case "longtext":
            return st.lists(words, min_size=1, max_size=3).map("\n".join)
        case _:
            return words.map(lambda text: text[: min(item.max_length, 20)].strip()).filter(bool)


def dossier_of(declared):
    """Dossiers of a kind, any part of them filled in."""
    parts = {}
    for item in declared:
        if isinstance(item, Field):
            parts[item.name] = value_of(item)
        elif isinstance(item, Group):
            parts[item.name] = dossier_of(item.fields).filter(bool)
        elif isinstance(item, Rows):
            row = st.builds(
                lambda values, name: {**values, "row": name}, dossier_of(item.fields).filter(bool), st.integers(0, 10**9).map(lambda n: f"r{n:011d}")
            )
            parts[item.name] = st.lists(row, min_size=1, max_size=2, unique_by=lambda r: r["row"])
    return st.fixed_dictionaries({}, optional=parts)


@pytest.mark.parametrize("kind", ["visit", "interview"])
def test_rendered_read_and_rendered_again_a_form_is_the_same(app, kind):
    """Every screen of every kind: what is stored comes back out of the form as it was, and renders to the same form."""
    flow = FLOWS[kind]
    with app.test_request_context():
        module = app.jinja_env.get_template("macros/fields.html").make_module({"noted": {}, "added": ""})
        codes = lambda *names: [{"code": n, "name": {"vi": n, "en": n}} for n in names]  # noqa: E731
        cat = {"countries": [(c, c, c) for c in ("FI", "JP", "VN")], "languages": [(c, c, c) for c in ("vi", "en")],
               "leader_offices": codes("vp_ubnd"), "requesting": [], "agencies": codes("vp_ubnd")}  # fmt: skip

        def drawn(values):
            return '<form id="wizard">' + "".join(str(module.any(item, "", values, {}, cat)) for item in flow.fields) + "</form>"

        @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
        @given(dossier_of(flow.fields))
        def stable(fields):
            first = drawn(forms.stored(flow.fields, fields))
            typed = forms.typed(flow.fields, sent_of(first))
            back = schemas.drop_nulls(schemas.load(flow.fields, forms.to_json(flow.fields, typed), strict=False))
            assert back == fields
            assert drawn(forms.stored(flow.fields, back)) == first

        stable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=12) | st.sampled_from(["A1", "2026-12-01", "08:00", "FI"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@pytest.mark.parametrize("kind", ["visit", "interview"])
def test_any_json_is_taken_or_answered_by_field(app, browser, stage, kind):
    names = [item.name for item in FLOWS[kind].fields]
    example = FLOWS[kind].example(clock.today())
    ref = stage.file("vptt.han", kind, submit=False)
    api = browser("vptt.han")

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(st.sampled_from([*names, "nope", "row", "state"]), json_values | st.sampled_from(list(example.values())), max_size=4))
    def answered(fields):
        for answer in (
            api.post("/cases", {"kind": kind, "fields": fields}),
            api.send("PATCH", f"/cases/{ref}", json={"fields": fields}, headers={"If-Match": f'"{stage.row(ref)["version"]}"'}),
        ):
            assert answer.status_code in (200, 201) or (answer.status_code == 422 and answer.get_json()["errors"]), (answer.status_code, answer.get_data())

    answered()


def test_the_draft_is_in_nobodys_list_but_its_own(lite, visitor, stage):
    ref = new_draft(visitor, **{"outlet.name": "Hãng chỉ của mình"})
    assert "Hãng chỉ của mình" in page(visitor("vptt.han"), "/cases")
    assert "Hãng chỉ của mình" not in page(visitor("vptt.lam"), "/cases") and visitor("cv.binh").get(f"/cases/{ref}").status_code == 404
    with lite.db.read() as connection:
        assert store.load(connection, ref)["state"] == "draft"
    assert demo.PASSWORD not in page(visitor("vptt.han"), f"/cases/{ref}/edit/check")
