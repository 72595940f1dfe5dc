"""Pages of this part: messages for the administrator, the choice on the account page, what is shared with subscribers."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.api.test_pages import page, post, stage, visitor  # noqa: F401  the same visitors
from tests.relay import PUBLIC
from workflow import chance, demo, notices, outbox, sharing, store, worker

HOSTILE = "<script>alert(1)</script> {{ 7*7 }}"


@pytest.fixture
def parked(lite):
    """A message that was set aside with a hostile sentence; answers its number."""
    key = f"test:{chance.row_id()}"
    lite.db.transact(lambda c: outbox.post(c, "nowhere", 1, "pigeon", HOSTILE, {"actor": "system"}, key))
    with lite.db.read() as connection:
        id_ = store.query(connection, "SELECT id FROM outbox WHERE dedupe = :key", key=key)[0]["id"]
    lite.db.transact(lambda c: outbox.fail(c, id_, HOSTILE, for_good=True))
    return id_


def state(lite, id_):
    with lite.db.read() as connection:
        return store.query(connection, "SELECT state FROM outbox WHERE id = :id", id=id_)[0]["state"]


def test_the_page_shows_what_is_set_aside_and_why(visitor, parked):  # noqa: F811
    text = page(visitor("qt.yen"), "/admin/messages")
    assert "Để riêng" in text and "Rà thời hạn" in text and "FPD_SMTP_URL" in text
    assert "<script>" not in text and "&lt;script&gt;alert(1)" in text and "{{ 7*7 }}" in text
    assert f'action="/admin/messages/{parked}/retry"' in text
    assert "/admin/messages" in page(visitor("qt.yen"), "/admin")


def test_a_relay_is_named_without_its_login(app, visitor, parked):  # noqa: F811
    before = app.config["FPD"]
    app.config["FPD"] = replace(before, smtp_url="smtp://me:p4ss@relay.example.org:587", mail_from="Sở <a@example.org>", public_url=PUBLIC)
    try:
        text = page(visitor("qt.yen"), "/admin/messages")
    finally:
        app.config["FPD"] = before
    assert "relay.example.org" in text and "587" in text
    assert "p4ss" not in text


@pytest.mark.parametrize(("who", "may"), [("gd.khanh", True), ("ktr.xuan", True), ("cv.binh", False), ("vptt.han", False), ("ca.phuc", False)])
def test_who_reads_and_that_only_administrators_press(visitor, lite, parked, who, may):  # noqa: F811
    answer = visitor(who).get("/admin/messages")
    assert answer.status_code == (200 if may else 403)
    assert 'action="/admin/messages/' not in answer.get_data(as_text=True)
    refused = post(visitor(who), f"/admin/messages/{parked}/retry", at="/account")
    assert refused.status_code == 403
    assert state(lite, parked) == "parked"


def test_an_administrator_tries_again_and_sets_aside(visitor, lite, parked):  # noqa: F811
    assert post(visitor("qt.yen"), f"/admin/messages/{parked}/retry", at="/admin/messages").status_code == 303
    assert state(lite, parked) == "pending"
    assert post(visitor("qt.yen"), f"/admin/messages/{parked}/aside", at="/admin/messages").status_code == 303
    assert state(lite, parked) == "parked"
    for path in (f"/admin/messages/{parked}/other", f"/admin/messages/{10**30}/retry", "/admin/messages/999999999/retry"):
        assert post(visitor("qt.yen"), path, at="/admin/messages").status_code == 404


def test_the_alarm_leads_to_the_page(visitor, parked):  # noqa: F811
    assert '<a href="/admin/messages">' in page(visitor("qt.yen"), "/account")


def test_a_person_chooses_how_to_be_told(visitor, lite, stage):  # noqa: F811
    lite.db.transact(lambda c: store.execute(c, "UPDATE users SET email = 'binh@example.org' WHERE username = 'cv.binh'"))
    text = page(visitor("cv.binh"), "/account")
    assert "binh@example.org" in text and all(words.vi in text for words in notices.MODES.values())
    assert post(visitor("cv.binh"), "/account/mail", at="/account", mode="digest").status_code == 303
    assert notices.choice(lite, stage.actor("cv.binh"))["mode"] == "digest"
    assert re.search(r'value="digest"\s+selected', page(visitor("cv.binh"), "/account"))
    assert post(visitor("cv.binh"), "/account/mail", at="/account", mode="often").status_code == 422
    assert notices.choice(lite, stage.actor("cv.binh"))["mode"] == "digest"
    assert "chưa có địa chỉ thư" in page(visitor("tp.hoa"), "/account")


def test_a_subscriber_reads_the_minimum_and_nobody_else_does(visitor, lite, stage, monkeypatch):  # noqa: F811
    monkeypatch.setattr(type(lite.profile), "subscribers", lambda self, event: ("so_vhttdl",))
    fields = {"title": "CanaryTitle", "purpose": "CanaryPurpose", "publication": "CanaryPlan"}
    ref = stage.file("vptt.han", "visit", fields=fields)
    demo.advance(stage, ref, "visit", "approved")
    worker.drain(lite)
    code = stage.row(ref)["code"]
    (row,) = [r for r in sharing.listed(lite, stage.actor("vhttdl.son")) if r["code"] == code]
    text = page(visitor("vhttdl.son"), f"/shared/{row['id']}")
    assert code in text and "AINO ESIMERKKI" in text and "Phường Cái Răng" in text
    assert "Canary" not in text and "XP0000001" not in text and '<button class="btn' not in text.split("<main")[1]
    assert code in page(visitor("vhttdl.son"), "/shared") and code in page(visitor("ktr.xuan"), "/shared")
    assert f'href="/shared/{row["id"]}"' in page(visitor("vhttdl.son"), "/account")
    assert "Canary" not in page(visitor("vhttdl.son"), "/account")
    for who in ("ca.phuc", "vptt.lam", "cv.binh"):
        assert visitor(who).get(f"/shared/{row['id']}").status_code == 404
    assert visitor("vhttdl.son").get(f"/cases/{code}").status_code == 404
    assert "Chưa có gì được chia sẻ" in page(visitor("ca.phuc"), "/shared")
