"""Personal data at rest: what identifies a person stands in no column in clear, is read by whom it is for, and is still found."""

from __future__ import annotations

import pytest
from sqlalchemy import MetaData, select

from states import FLOWS
from states.language import PERSONAL, Field
from workflow import clock, demo, dossier, engine, queries, sharing, store, worker
from workflow.audit.verify import verify
from workflow.crypto import KeysError

CANARY = {"passport_no": "QZ7401932", "card_no": "CARD88317", "visa_no": "VISA55210", "name": "KANARIA ZWETSCHGE", "emergency": "Onkel Zwiebel +49 30 5550199"}
CONTACT = {"name": "Bà Khẩu Trang Mẫu", "phone": "+84 24 7654 3210", "email": "kanarienvogel@minhhoa.example"}
SECRETS = (*CANARY.values(), *CONTACT.values(), "kanaria", "zwetschge", "qz7401932")


def marked(**more):
    """A visit whose first member and contact hold the canaries."""
    example = FLOWS["visit"].example(clock.today())
    example["crew"][0] |= {**CANARY, "born_on": "1971-03-09", "visa_type": "PV1"}
    return {"crew": example["crew"], "contact": CONTACT, **more}


def everything(office):
    """Every value of every column of the database, as text, with the table it stands in."""
    with office.db.read() as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                for name, value in zip(table.columns.keys(), row, strict=True):
                    if isinstance(value, str | bytes):
                        yield f"{table.name}.{name}", value if isinstance(value, str) else value.decode("latin-1")


def found_in(office, secrets=SECRETS):
    return sorted({where for where, text in everything(office) for secret in secrets if secret in text})


@pytest.fixture
def shared(office, monkeypatch):
    monkeypatch.setattr(type(office.profile), "subscribers", lambda self, event: ("so_vhttdl",) if event == "approved" else ())


def test_no_column_holds_it_in_clear(office, stage, shared, caplog):
    """Through filing, a return, a consultation of the police, a decision and what follows; also typed by the desk and corrected."""
    ref = stage.file("vptt.han", "visit", fields=marked())
    stage.act("motcua.mai", ref, "ask_supplement", items=[{"target": "/crew", "reason": "Thiếu số thẻ.", "basis": "262/16(3)"}], respond_by=stage.soon())
    row = stage.row(ref)
    crew = [{**member, "card_no": f"CARD8831{n}"} for n, member in enumerate(row["fields"]["crew"])]
    engine.edit_case(office, stage.actor("vptt.han"), ref, {"crew": crew}, version=row["version"])
    stage.act("vptt.han", ref, "resubmit")
    demo.advance(stage, ref, "visit", "guided")
    behalf = {"organisation": "hangtin_a", "channel": "paper"}
    keyed = stage.file("motcua.mai", "visit", fields=marked(), on_behalf_of=behalf)
    crew = stage.row(keyed)["fields"]["crew"]
    stage.act("motcua.mai", keyed, "correct_typing", fields={"crew": [{**crew[0], "name": "KANARIA ZWETSCHGE-2"}, crew[1]]})
    key = engine.Once(stage.actor("vptt.han").id, "POST /cases", "canary", "hash")
    engine.open_case(office, stage.actor("vptt.han"), "visit", marked(), once=key)
    engine.keep_answer(office, key, 201, str(marked()), "", None)
    worker.drain(office)
    assert found_in(office) == []
    assert not any(secret in record.getMessage() for record in caplog.records for secret in SECRETS)
    assert engine.kept_answer(office, key)["body"] == str(marked()), "who asks again is answered the same"
    with office.db.read() as connection:
        assert verify(connection).findings == [], "the record commits to what was typed, and still says so"
    named = [row["shown"]["crew"] for row in sharing.listed(office, stage.actor("vhttdl.son")) if row["code"] == stage.row(ref)["code"]]
    assert named == [[CANARY["name"], "MIKKO MALLI"]], "a subscriber reads the names, never a number"


def test_the_canary_would_be_seen(office, stage):
    """The search itself works: what is not personal is found."""
    stage.file("vptt.han", "visit", fields=marked(title="Tiêu đề chim hoàng yến"))
    assert "cases.title" in found_in(office, ("Tiêu đề chim hoàng yến",))


ROLES = {
    "vptt.han": {"identity", "contact", "emergency"}, "motcua.mai": {"identity", "contact"}, "cv.binh": {"identity", "contact", "emergency"},
    "tp.hoa": {"contact"}, "gd.khanh": {"identity", "contact"}, "ubnd.minh": set(), "ktr.xuan": set(), "hd.uyen": {"contact", "emergency"},
}  # fmt: skip


@pytest.fixture(scope="module")
def guided(stage):
    """A visit with a guide, which everybody has something to do with."""
    ref = stage.file("vptt.han", "visit", fields=marked())
    demo.advance(stage, ref, "visit", "guided", guide="hd.uyen")
    return ref


@pytest.mark.parametrize("who", ROLES)
def test_who_reads_what_in_full(office, stage, guided, who):
    """The permission matrix, rows *identity papers* and *health note, emergency contact*, by hand."""
    read = queries.read_case(office, stage.actor(who), guided)["fields"]
    member, contact = read["crew"][0], read["contact"]
    assert member["name"] == CANARY["name"] and member["passport_expires_on"], "names and expiry are read by whoever reads the dossier"
    for name, kind in (("passport_no", "identity"), ("card_no", "identity"), ("visa_no", "identity"), ("emergency", "emergency")):
        expected = CANARY[name] if kind in ROLES[who] else f"…{CANARY[name][-3:]}"
        assert member[name] == expected, (who, name)
    assert contact["phone"] == (CONTACT["phone"] if "contact" in ROLES[who] else "…210")


def test_the_police_read_numbers_in_their_bundle_and_others_do_not(office, stage):
    ref = stage.file("vptt.han", "visit", fields=marked())
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    stage.act("cv.binh", ref, "consult", agencies=["cong_an", "so_vhttdl"], question="Đề nghị cho ý kiến.", due_at=stage.soon(), bundle=["/crew", "/itinerary"])
    for agency, who, expected in (("cong_an", "ca.phuc", CANARY["passport_no"]), ("so_vhttdl", "vhttdl.son", "…932")):
        child = stage.consultations(ref)[next(o.id for o in office.organisations.values() if o.code == agency)]
        bundle = queries.read_case(office, stage.actor(who), child)["fields"]["bundle"]
        assert bundle["crew"][0]["passport_no"] == expected and "Onkel" not in str(bundle)
    assert found_in(office) == []


@pytest.mark.parametrize("asked", ["zwetschge", "Kanaria", "KANÁRIA", "zwet", "QZ7401932", "qz7401932", "1932", "8317", "5210"])
def test_it_is_found_by_name_and_by_the_ends_of_its_papers(office, stage, asked):
    ref = stage.file("vptt.han", "visit", fields=marked())
    other = stage.file("vptt.lam", "visit")
    found = {item["id"] for item in queries.list_cases(office, stage.actor("motcua.mai"), {"q": asked, "limit": 100})["items"]}
    assert ref in found and other not in found
    assert not {item["id"] for item in queries.list_cases(office, stage.actor("vptt.lam"), {"q": asked})["items"]}, "nothing of another organisation"


def test_a_sealed_value_is_bound_to_its_row(office, stage):
    """A ciphertext moved from one member to another does not open."""
    ref = stage.file("vptt.han", "visit", fields=marked(), submit=False)
    with office.db.read() as connection:
        text = store.query(connection, "SELECT fields FROM dossiers WHERE case_id = :id ORDER BY no DESC", id=ref)[0]["fields"]
    import orjson

    held = orjson.loads(text)
    assert store.read_fields(office.keys, text, ref)["crew"][0]["passport_no"] == CANARY["passport_no"]
    held["crew"][1]["passport_no"] = held["crew"][0]["passport_no"]
    with pytest.raises(KeysError):
        store.read_fields(office.keys, orjson.dumps(held).decode(), ref)
    with pytest.raises(KeysError):
        store.read_fields(office.keys, text, "another")
    with pytest.raises(KeysError):
        store.read_fields(None, text, ref)


def personal(declared, at=""):
    for item in declared:
        if isinstance(item, Field):
            if item.personal:
                yield f"{at}{item.name}", item.personal
        else:
            yield from personal(item.fields, f"{at}{item.name}.")


@pytest.mark.parametrize("kind", ["visit", "interview"])
def test_what_is_personal_is_declared_so(kind):
    found = dict(personal(FLOWS[kind].fields))
    for name in (
        "crew.name",
        "crew.passport_no",
        "crew.visa_no",
        "crew.card_no",
        "crew.born_on",
        "contact.name",
        "contact.phone",
        "contact.email",
        "signer.name",
    ):
        assert name in found, name
    assert set(found.values()) <= PERSONAL and set(dossier.READERS) <= PERSONAL


def test_a_case_is_found_by_its_code_after_it_was_changed(office, stage):
    """The code stays in the words it is searched by, whatever rewrites them."""
    ref = stage.file("vptt.han", "visit", fields=marked())
    code = stage.row(ref)["code"]
    stage.act("motcua.mai", ref, "ask_supplement", items=[{"target": "/title", "reason": "Ghi rõ tên.", "basis": "262/16(3)"}], respond_by=stage.soon())
    row = stage.row(ref)
    engine.edit_case(office, stage.actor("vptt.han"), ref, {"title": "Tên đã ghi rõ"}, version=row["version"])
    for part in (code.lower(), code[-4:], "ghi ro", "zwetschge"):
        assert ref in {item["id"] for item in queries.list_cases(office, stage.actor("motcua.mai"), {"q": part, "limit": 100})["items"]}, part
