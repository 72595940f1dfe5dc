"""The page of bodies and communes: who reads, who ticks and edits, two persons for the meaning of silence, all on the record."""

from __future__ import annotations

import re

import orjson
import pytest

from tests.servers import application
from workflow import Office, bodies, demo, localities, store, users
from workflow.audit.verify import verify
from workflow.errors import Conflict, Invalid, RoleRefused

PATH = "/admin/agencies"


@pytest.fixture(scope="module")
def stage(lite):
    return demo.Stage(lite)


@pytest.fixture(scope="module")
def second_admin(lite):
    """Another administrator, so that a proposal can be confirmed by one."""

    def work(connection):
        hashed = store.query(connection, "SELECT password_hash FROM users WHERE username = 'qt.yen'")[0]["password_hash"]
        users.grant(connection, users.add_user(connection, "qt.an", "Phạm Thử An", hashed, demo=True), _id(connection, "quan_tri"), "admin")

    lite.db.transact(work)
    return "qt.an"


def _id(connection, code):
    return store.query(connection, "SELECT id FROM organisations WHERE code = :code", code=code)[0]["id"]


@pytest.fixture(scope="module")
def visitor(app):
    return visitors(app)


def visitors(app):
    """Signed-in clients by user name."""
    known = {}

    def get(username):
        if username not in known:
            client = app.test_client()
            found = re.search(r'name="csrf_token" value="([^"]*)"', client.get("/sign-in").get_data(as_text=True))
            answer = client.post("/sign-in", data={"username": username, "password": demo.PASSWORD, **({"csrf_token": found[1]} if found else {})})
            assert answer.status_code == 303
            known[username] = client
        return known[username]

    return get


def page(client, path=PATH):
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.get_data(as_text=True)


def post(client, path, at=PATH, **form):
    """Press a button; the token comes from a page that has forms for everybody."""
    token = re.search(r'name="csrf_token" value="([^"]*)"', page(client, at))[1]
    return client.post(path, data={"csrf_token": token, **form})


def row(office, code):
    with office.db.read() as connection:
        return bodies.body(connection, code)


def said(office, action):
    """Openings of the record's last entry of an action, by name."""
    with office.db.read() as connection:
        last = store.query(connection, "SELECT max(seq) AS n FROM audit_entry WHERE stream = 'system' AND action = :action", action=action)[0]["n"]
        rows = store.query(connection, "SELECT field, value FROM opening WHERE stream = 'system' AND seq = :seq", seq=last or 0)
    return {r["field"].removeprefix("input."): orjson.loads(r["value"]) for r in rows}


def test_who_may_open_it(visitor, app):
    assert app.test_client().get(PATH).headers["Location"].startswith("/sign-in")
    for username in ("vptt.han", "cv.binh", "tp.hoa", "ca.phuc", "ubnd.minh"):
        assert visitor(username).get(PATH).status_code == 403 and visitor(username).get(f"{PATH}/cong_an").status_code == 403
    for username in ("qt.yen", "gd.khanh", "ktr.xuan"):
        assert f'href="{PATH}"' in page(visitor(username), "/admin")
        assert 'name="subject"' in page(visitor(username)) if username == "qt.yen" else 'name="subject"' not in page(visitor(username))
    assert "<textarea" not in page(visitor("ktr.xuan"), f"{PATH}/cong_an") and "<textarea" in page(visitor("qt.yen"), f"{PATH}/cong_an")


def test_what_it_shows(visitor, lite):
    text = page(visitor("qt.yen"))
    assert "Công an thành phố" in text and "đến 28/02/2025" in text and 'href="#so_vhttdl"' in text, "validity and successor"
    assert "coi như đồng ý" in text and "Xã Vĩnh Hải" in text and "biên giới biển" in text and "Thị xã Vĩnh Châu" in text
    assert "theo trí nhớ, cần đối chiếu" in text and "MEMORY" not in text and "opens 07:30" in text
    assert f"{len(lite.profile.unconfirmed)} mục dựa vào trí nhớ" in text
    assert "Hãng truyền hình" not in text, "those who file requests are no part of the catalogue"


def test_both_languages(visitor):
    client = visitor("ktr.xuan")
    token = re.search(r'name="csrf_token" value="([^"]*)"', page(client))[1]
    client.post("/language/en", data={"csrf_token": token, "next": PATH})
    text = page(client)
    assert "City Police" in text and "sea border" in text and "from memory, to be checked" in text and "Cơ quan" not in re.sub(r"<[^>]*>", "", text)
    assert "When the body does not answer" in page(client, f"{PATH}/cong_an")


def test_ticking_names_the_document_and_is_recorded(visitor, lite, stage):
    client, subject = visitor("qt.yen"), "can-tho/commune/Xã Vĩnh Hải"
    answer = post(client, f"{PATH}/confirm", subject=subject, note=" ")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and re.search(rf'value="{subject}" checked', text) and "Hãy nêu văn bản" in text
    answer = post(client, f"{PATH}/confirm", note="Danh sách")
    assert answer.status_code == 422 and "Hãy chọn ít nhất một mục" in answer.get_data(as_text=True) and 'value="Danh sách"' in answer.get_data(as_text=True)
    assert post(client, f"{PATH}/confirm", subject=[subject, "can-tho/commune/Xã Không Có"], note="Danh sách xã 2026").status_code == 303
    text = page(client)
    assert "Đã xác nhận 1 mục" in text and "Danh sách xã 2026" in text and f'value="{subject}"' not in text
    assert said(lite, "profile.confirm") == {"locality": "can-tho", "subjects": {subject: "marks sea"}, "note": "Danh sách xã 2026"}
    assert post(visitor("gd.khanh"), f"{PATH}/confirm", at="/account", subject=subject, note="x").status_code == 403


def test_contact_is_a_plain_entry_of_the_record(visitor, lite):
    client = visitor("qt.yen")
    answer = post(client, f"{PATH}/cong_an/contact", phone="gọi anh Ba", email="khong phai")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and 'value="gọi anh Ba"' in text and 'value="khong phai"' in text and text.count('aria-invalid="true"') == 2
    assert post(client, f"{PATH}/cong_an/contact", phone="0292  3820 000 máy lẻ 12", email=" bao.chi@example.org ").status_code == 303
    assert (row(lite, "cong_an")["phone"], row(lite, "cong_an")["email"]) == ("0292 3820 000 máy lẻ 12", "bao.chi@example.org")
    changed = {"agency": "cong_an", "phone": ["", "0292 3820 000 máy lẻ 12"], "email": ["", "bao.chi@example.org"]}
    assert said(lite, "agency.contact") == changed
    assert 'href="mailto:bao.chi@example.org"' in page(client)
    before = said(lite, "agency.contact")
    post(client, f"{PATH}/cong_an/contact", phone="0292 3820 000 máy lẻ 12", email="bao.chi@example.org")
    assert said(lite, "agency.contact") == before, "nothing changed, nothing is recorded"
    lite.db.transact(lambda connection: localities.install(connection, lite.profile))
    assert row(lite, "cong_an")["phone"] == "0292 3820 000 máy lẻ 12", "the profile does not take away what the office entered"


def test_only_an_administrator_edits(visitor, lite):
    for username, status in (("gd.khanh", 403), ("ktr.xuan", 403), ("cv.binh", 403)):
        assert post(visitor(username), f"{PATH}/cong_an/contact", at="/account", phone="113").status_code == status
        assert post(visitor(username), f"{PATH}/cong_an/silence", at="/account", means="blocking", reason="x").status_code == status
    for username in ("ktr.xuan", "cv.binh"):
        assert post(visitor(username), f"{PATH}/cong_an/confirm", at="/account").status_code == 403
    assert row(lite, "cong_an")["silence_means"] == "none"


def test_silence_takes_two_persons(visitor, lite):
    admin, director = visitor("qt.yen"), visitor("gd.khanh")
    answer = post(admin, f"{PATH}/so_yte/silence", means="none", reason="")
    assert answer.status_code == 422 and "Chọn một nghĩa khác" in answer.get_data(as_text=True) and "Cần nêu lý do" in answer.get_data(as_text=True)
    answer = post(admin, f"{PATH}/so_yte/silence", means="consent", reason="Quy chế 12")
    assert answer.status_code == 422 and "Quy chế 12</textarea>" in answer.get_data(as_text=True)
    assert post(admin, f"{PATH}/so_yte/silence", means="no_objection", reason="Quy chế 12").status_code == 303
    assert row(lite, "so_yte")["silence_means"] == "none" and "chờ người thứ hai" in page(admin)
    answer = post(admin, f"{PATH}/so_yte/confirm")
    assert answer.status_code == 422 and "cần người thứ hai" in answer.get_data(as_text=True) and row(lite, "so_yte")["silence_means"] == "none"
    assert post(director, f"{PATH}/so_yte/confirm", at="/account").status_code == 303
    assert row(lite, "so_yte")["silence_means"] == "no_objection" and row(lite, "so_yte")["proposal"] is None
    told = said(lite, "agency.silence.confirm")
    assert (told["before"], told["means"], told["reason"]) == ("none", "no_objection", "Quy chế 12")
    with lite.db.read() as connection:
        lite.refresh(connection)
        assert lite.organisations["so_yte"].silence_means == "no_objection"


def test_a_second_administrator_confirms_or_anybody_withdraws(visitor, lite, second_admin):
    assert post(visitor("qt.yen"), f"{PATH}/so_gddt/silence", means="blocking", reason="Thử").status_code == 303
    assert "Đã có một đề nghị" in post(visitor(second_admin), f"{PATH}/so_gddt/silence", means="blocking", reason="Thử").get_data(as_text=True)
    assert post(visitor(second_admin), f"{PATH}/so_gddt/confirm").status_code == 303 and row(lite, "so_gddt")["silence_means"] == "blocking"
    assert post(visitor("qt.yen"), f"{PATH}/so_gddt/silence", means="none", reason="Thôi").status_code == 303
    assert post(visitor("qt.yen"), f"{PATH}/so_gddt/withdraw").status_code == 303
    assert row(lite, "so_gddt")["silence_means"] == "blocking" and row(lite, "so_gddt")["proposal"] is None
    answer = post(visitor(second_admin), f"{PATH}/so_gddt/confirm")
    assert answer.status_code == 303 and "đã được xử lý" in page(visitor(second_admin), f"{PATH}/so_gddt")


def test_a_question_that_waits_keeps_the_meaning_it_was_asked_under(stage, visitor, lite):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "under_review")
    stage.act("cv.binh", ref, "consult", agencies=["so_nnmt", "cong_an"], question="Đề nghị cho ý kiến.", due_at=stage.soon())
    child = stage.consultations(ref)
    asked = {stage.row(id_)["fields"]["agency"]: stage.row(id_)["fields"]["silence_means"] for id_ in child.values()}
    post(visitor("qt.yen"), f"{PATH}/so_nnmt/silence", means="blocking", reason="Thử")
    post(visitor("gd.khanh"), f"{PATH}/so_nnmt/confirm", at="/account")
    assert row(lite, "so_nnmt")["silence_means"] == "blocking" and asked["so_nnmt"] == "none"
    still = {stage.row(id_)["fields"]["agency"]: stage.row(id_)["fields"]["silence_means"] for id_ in child.values()}
    assert still == asked


def test_what_is_not_there_is_not_found(visitor):
    assert visitor("qt.yen").get(f"{PATH}/khong_co").status_code == 404 and visitor("qt.yen").get(f"{PATH}/hangtin_a").status_code == 404
    assert (
        post(visitor("qt.yen"), f"{PATH}/cong_an/paint").status_code == 404
        and post(visitor("qt.yen"), f"{PATH}/khong_co/contact", phone="113").status_code == 404
    )


def test_an_empty_catalogue_says_what_to_do(sqlite_template, tmp_path):
    path = tmp_path / "empty.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    office = Office.open(f"sqlite:///{path}", tmp_path / "files", "cao-bang")
    demo.load_accounts(office)
    office.db.transact(lambda c: store.execute(c, "UPDATE organisations SET kind = 'requesting'"))
    text = page(visitors(application(office))("qt.yen"))
    assert "fpd locality use" in text and "Xã Đàm Thủy" in text
    office.db.close()


def test_two_persons_on_both_databases(office):
    """The rule itself, where two confirm at once one of them is too late."""
    stage = demo.Stage(office)
    admin, director, other = (stage.actor(name) for name in ("qt.yen", "gd.khanh", "pgd.linh"))
    office.db.transact(lambda c: bodies.propose_silence(c, admin, "bo_chqs", "blocking", "Quy chế"))
    with pytest.raises(Invalid):
        office.db.transact(lambda c: bodies.settle_silence(c, admin, "bo_chqs", confirm=True))
    with pytest.raises(RoleRefused):
        office.db.transact(lambda c: bodies.settle_silence(c, stage.actor("tp.hoa"), "bo_chqs", confirm=True))
    office.db.transact(lambda c: bodies.settle_silence(c, director, "bo_chqs", confirm=True))
    with pytest.raises(Conflict):
        office.db.transact(lambda c: bodies.settle_silence(c, other, "bo_chqs", confirm=True))
    with office.db.read() as connection:
        assert bodies.body(connection, "bo_chqs")["silence_means"] == "blocking" and not bodies.proposals(connection)
        assert verify(connection).integrity == "clean"
