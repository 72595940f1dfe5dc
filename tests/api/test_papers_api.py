"""Papers over HTTP: refusals with their sentences, downloads, purposes, what is held back, the record of reads, and the pages of all that."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from tests.files import encrypted, pdf, picture, png_bomb, unicode_pdf
from workflow import clock, demo, store, vault


@pytest.fixture(scope="module")
def stage(lite):
    return demo.Stage(lite)


def draft(browser, who="vptt.han"):
    fields = browser(who).get("/flows/visit/example").json
    return browser(who).post("/cases", {"kind": "visit", "fields": fields}).json["id"]


def upload(browser, who, ref, name, data, filename="giay", **more):
    return browser(who).send("POST", f"/cases/{ref}/papers/{name}", data={"file": (io.BytesIO(data), filename), **more})


@pytest.fixture
def reviewed(browser, stage):
    """A visit under review with a passport; (case, passport)."""
    ref = stage.file("vptt.han", "visit", submit=False)
    paper = stage.attach("vptt.han", ref, "passport")
    stage.act("vptt.han", ref, "submit", undertaking=True)
    demo.advance(stage, ref, "visit", "under_review")
    return ref, paper


@pytest.mark.parametrize("data,name,status,code", [
    (encrypted("AES-256"), "a.pdf", 422, "invalid"), (pdf(b"<</JS(x)>>"), "a.pdf", 422, "invalid"), (pdf() + b"<html>", "a.pdf", 422, "invalid"), (png_bomb(), "a.png", 413, "too_large"),
    (picture(), "a.pdf", 415, "media_type"), (b"PK\x03\x04[Content_Types].xml", "a.docx", 415, "media_type"), (picture("GIF"), "a.gif", 415, "media_type"), (b"", "a", 422, "invalid"),
])  # fmt: skip
def test_each_refusal_says_what_to_do(browser, data, name, status, code):
    answer = upload(browser, "vptt.han", draft(browser), "request", data, name)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    text = answer.json["errors"]["file"][0] if status == 422 else answer.json["message"]
    assert text["vi"] and text["en"] and text["vi"] != text["en"]


def test_an_upload_says_what_was_kept(browser):
    case = draft(browser)
    kept = upload(browser, "vptt.han", case, "passport", picture("JPEG"), "../Hộ chiếu.JPG", not_classified="true")
    assert kept.status_code == 201 and kept.json["filename"] == "Hộ chiếu.jpg" and kept.json["media_type"] == "image/jpeg" and kept.json["held"] is None
    held = upload(browser, "vptt.han", case, "passport", picture("JPEG"))
    assert held.status_code == 201 and held.json["held"]["vi"] and held.json["held"]["en"]
    assert upload(browser, "vptt.han", case, "passport", picture("JPEG"), not_classified="perhaps").status_code == 422
    assert upload(browser, "vptt.han", case, "nothing", pdf()).status_code == 404
    assert upload(browser, "vptt.lam", case, "passport", pdf()).status_code == 404


def test_limits_answer_413_and_429(browser, lite, monkeypatch):
    case = draft(browser)
    monkeypatch.setitem(lite.profile.__dict__, "papers", replace(lite.profile.papers, case_files=1))
    assert upload(browser, "vptt.han", case, "request", pdf()).status_code == 201
    full = upload(browser, "vptt.han", case, "request", pdf())
    assert full.status_code == 413 and "1" in full.json["message"]["vi"]
    monkeypatch.setitem(lite.profile.__dict__, "papers", replace(lite.profile.papers, case_files=20, uploads_an_hour=1))
    slow = upload(browser, "vptt.han", case, "request", pdf())
    assert slow.status_code == 429 and slow.json["code"] == "slow_down" and 1 <= int(slow.headers["Retry-After"]) <= 3601


def test_a_download_runs_nowhere(browser):
    case = draft(browser)
    paper = upload(browser, "vptt.han", case, "request", pdf(), "Đề nghị số 1; a.pdf").json["id"]
    for path in (f"/api/v1/papers/{paper}/content", f"/papers/{paper}"):
        answer = browser("vptt.han").client.get(path)
        assert answer.status_code == 200 and answer.data == pdf() and answer.content_type == "application/pdf"
        assert answer.headers["Content-Disposition"] == (
            "attachment; filename=\"de nghi so 1_ a.pdf\"; filename*=UTF-8''%C4%90%E1%BB%81%20ngh%E1%BB%8B%20s%E1%BB%91%201_%20a.pdf"
        )
        assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    for header in ({"Range": "bytes=0-3"}, {"If-None-Match": "*"}):
        assert browser("vptt.han").client.get(f"/papers/{paper}", headers=header).data == pdf()


def test_a_damaged_file_is_409_never_500(browser, lite, reviewed):
    _, paper = reviewed
    with lite.db.read() as connection:
        digest = store.query(connection, "SELECT cipher_hash FROM papers WHERE id = :id", id=paper)[0]["cipher_hash"]
    vault.path_of(lite, digest).write_bytes(b"x")
    answer = browser("cv.binh").get(f"/papers/{paper}/content")
    assert (answer.status_code, answer.json["code"]) == (409, "file_damaged")
    page = browser("cv.binh").client.get(f"/papers/{paper}")
    assert page.status_code == 409 and "Tệp lưu bị hỏng" in page.text


def test_a_purpose_over_http(browser, reviewed):
    _, paper = reviewed
    path = f"/papers/{paper}/content"
    assert browser("cv.binh").get(path).status_code == 200
    asked = browser("gd.khanh").get(path)
    assert asked.status_code == 422 and list(asked.json["errors"]) == ["purpose"]
    assert browser("gd.khanh").get(f"{path}?how=copy&purpose=abcdef").status_code == 422
    assert browser("gd.khanh").get(f"{path}?why=abcdef").status_code == 422
    assert browser("gd.khanh").get(f"{path}?purpose=Theo+v%C4%83n+b%E1%BA%A3n+5&how=print").status_code == 200
    for who in ("tp.hoa", "vt.van", "vptt.lam", "ca.phuc", "ktr.xuan"):
        assert browser(who).get(f"{path}?purpose=abcdef").status_code == 404
    items = browser("ktr.xuan").get(f"/audit/reads?paper={paper}").json["items"]
    assert [(i["person"]["username"], i["role"], i["how"]) for i in items] == [("gd.khanh", "director", "print"), ("cv.binh", "officer", "download")]
    assert items[0]["purpose"] == {"vi": "Theo văn bản 5", "en": "Theo văn bản 5"} and items[1]["organisation"]["code"] == "sngv"
    assert set(items[0]) == {"at", "person", "role", "role_label", "organisation", "case", "paper", "how", "how_label", "refused", "purpose"}


def test_a_page_asks_for_the_purpose(browser, reviewed):
    _, paper = reviewed
    client, path = browser("pgd.linh"), f"/papers/{paper}"
    page = client.client.get(path)
    assert page.status_code == 200 and 'name="purpose"' in page.text and "Trang hộ chiếu" in page.text
    short = client.client.post(path, data={"csrf_token": client.token, "purpose": "xem"})
    assert short.status_code == 422 and ">xem</textarea>" in short.text and 'aria-invalid="true"' in short.text
    given = client.client.post(path, data={"csrf_token": client.token, "purpose": "Đối chiếu theo công văn 12", "how": "view"})
    assert given.status_code == 200 and given.data == demo.PDF
    assert client.client.post(path, data={"purpose": "Đối chiếu theo công văn 12"}).status_code == 400
    assert browser("vt.van").client.get(path).status_code == 404


def test_the_limit_of_readings_over_http(browser, lite, reviewed, monkeypatch):
    _, paper = reviewed
    monkeypatch.setitem(lite.profile.__dict__, "papers", replace(lite.profile.papers, reads_an_hour=0))
    slow = browser("cv.binh").get(f"/papers/{paper}/content")
    assert slow.status_code == 429 and slow.json["code"] == "slow_down"
    assert browser("cv.binh").client.get(f"/papers/{paper}").status_code == 429
    assert [i["refused"] for i in browser("ktr.xuan").get(f"/audit/reads?paper={paper}").json["items"]] == [True, True]


def test_held_back_and_released_over_http(browser, stage):
    ref = stage.file("vptt.han", "visit", submit=False)
    paper = upload(browser, "vptt.han", ref, "programme", unicode_pdf("TUYỆT MẬT"), not_classified="true").json["id"]
    stage.act("vptt.han", ref, "submit", undertaking=True)
    demo.advance(stage, ref, "visit", "under_review")
    assert browser("gd.khanh").get(f"/papers/{paper}/content").status_code == 404
    officer = browser("cv.binh")
    page = officer.client.get(f"/cases/{ref}")
    assert "Giữ lại, người khác chưa xem được" in page.text and f"/papers/{paper}/release" in page.text
    own = browser("vptt.han").client.get(f"/cases/{ref}")
    assert "Giữ lại" in own.text and f"/papers/{paper}/release" not in own.text
    assert "Giữ lại" not in browser("gd.khanh").client.get(f"/cases/{ref}").text
    assert browser("gd.khanh").post(f"/papers/{paper}/release").status_code == 404
    assert browser("vptt.han").post(f"/papers/{paper}/release").status_code == 403
    assert officer.post(f"/papers/{paper}/release", {"x": 1}).status_code == 422
    assert officer.post("/papers/" + "0" * 32 + "/release").status_code == 404
    done = officer.client.post(f"/papers/{paper}/release", data={"csrf_token": officer.token, "note": "Tên riêng"})
    assert done.status_code == 303 and "Giữ lại" not in officer.client.get(f"/cases/{ref}").text
    again = officer.client.post(f"/papers/{paper}/release", data={"csrf_token": officer.token})
    assert again.status_code == 303 and "không bị giữ lại" in officer.client.get(again.headers["Location"]).text
    assert officer.post(f"/papers/{paper}/release").json["code"] == "state"
    assert browser("gd.khanh").get(f"/papers/{paper}/content").status_code == 200


def test_a_page_tells_what_was_refused_and_what_is_held(browser, stage):
    client, case = browser("vptt.han"), draft(browser)
    for data, filename, words in (
        (encrypted("AES-256"), "a.pdf", "đặt mật khẩu"), (b"", "a.pdf", "Tệp rỗng"), (picture(), "a.png", "giữ lại"), (pdf(), "a.pdf", "Đã tải lên."),
    ):  # fmt: skip
        sent = client.client.post(f"/cases/{case}/papers/request", data={"csrf_token": client.token, "file": (io.BytesIO(data), filename)})
        assert sent.status_code == 303 and words in client.client.get(sent.headers["Location"]).text
    page = client.client.get(f"/cases/{case}").text
    assert "Bản trước (1)" in page and "bản 2" in page and "Văn phòng thường trú" in page


def test_the_record_of_reads_is_for_auditors_and_directors(browser, reviewed):
    ref, paper = reviewed
    browser("cv.binh").get(f"/papers/{paper}/content")
    for who, status in (("ktr.xuan", 200), ("gd.khanh", 200), ("cv.binh", 403), ("vptt.han", 403), ("qt.yen", 403), ("tp.hoa", 403)):
        assert browser(who).get("/audit/reads").status_code == status
        assert browser(who).client.get("/audit/reads").status_code == status
        assert ("/audit/reads" in browser(who).client.get("/account").text) is (status == 200)
    assert browser(None).get("/audit/reads").status_code == 401
    assert browser("ktr.xuan").get("/audit/reads?x=1").status_code == 422
    bad = browser("ktr.xuan").client.get(f"/audit/reads?from=hom-nay&case={ref}")
    assert bad.status_code == 422 and 'value="hom-nay"' in bad.text
    day = clock.today().isoformat()
    page = browser("ktr.xuan").client.get(f"/audit/reads?paper={paper}&from={day}&to={day}").text
    assert "Nguyễn Thử Bình" in page and "1 lần mở" in page and "Xử lý hồ sơ ở bước" in page and f"in lúc {clock.local(clock.now()):%H:}" in page
    singly = browser("ktr.xuan").client.get(f"/audit/reads?case={ref}&each=true").text
    assert "Nguyễn Thử Bình" in singly
