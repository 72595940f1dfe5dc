"""A passport number typed into a dossier comes out nowhere but to those who may read it: no page, answer, address, log, letter or mail."""

from __future__ import annotations

import logging

import pytest

from states import FLOWS
from tests.api.test_pages import post, stage, visitor  # noqa: F401  the signed-in clients of the pages
from tests.relay import relay
from workflow import clock, demo, store, worker

PASSPORT, CARD = "QZ7401932", "CARD88317"
IN_FULL = ("vptt.han", "motcua.mai", "cv.binh", "gd.khanh")
NOT_IN_FULL = ("tp.hoa", "ubnd.minh", "ktr.xuan", "hd.uyen", "vt.van", "vhttdl.son", "qt.yen", "vptt.lam")


@pytest.fixture(scope="module")
def case(stage):
    """A visit on its way, consulted, decided, guided, with letters; the canaries in its crew."""
    example = FLOWS["visit"].example(clock.today())
    example["crew"][0] |= {"passport_no": PASSPORT, "card_no": CARD}
    ref = stage.file("vptt.han", "visit", fields={"crew": example["crew"]})
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    stage.act("cv.binh", ref, "consult", agencies=["cong_an", "so_vhttdl"], question="Hỏi.", due_at=stage.soon(), bundle=["/crew", "/itinerary"])
    demo.answer_all(stage, ref)
    for stop in ("pending_endorsement", "pending_decision", "pending_committee", "approved"):
        demo.step(stage, ref, "visit", stop)
    demo.step(stage, ref, "visit", "guided", guide="hd.uyen")
    worker.drain(stage.office)
    return ref


def paths(stage, ref):
    row = stage.row(ref)
    children = [child[0] for child in row["children"]]
    pages = [f"/cases/{id_}" for id_ in (ref, *children)] + [f"/cases/{ref}/{part}" for part in ("history", "form", "ministry-notice", "receipt")]
    rest = [
        f"/api/v1/cases/{ref}{part}"
        for part in ("", "/actions", "/history", "/history?canonical=true", "/papers", "/letters", "/deadlines", "/differences", "/matches")
    ]
    wide = [
        "/inbox",
        "/cases?q=QZ7401932",
        "/cases?q=1932",
        "/calendar",
        "/shared",
        "/registry",
        "/registry/people?q=1932",
        "/audit/reads",
        "/api/v1/cases?q=1932",
    ]
    return [*pages, *rest, *wide, *(f"/api/v1/cases/{id_}" for id_ in children), f"/cases/{PASSPORT}"]


@pytest.mark.parametrize("who", NOT_IN_FULL)
def test_it_is_shown_to_nobody_else(stage, visitor, case, who, caplog):
    caplog.set_level(logging.DEBUG)
    for path in paths(stage, case):
        answer = visitor(who).get(path)
        body = answer.get_data(as_text=True)
        shown = body.replace(path.split("?")[-1].removeprefix("q="), "") if "?q=" in path else body.replace(f"/cases/{PASSPORT}", "")
        assert PASSPORT not in shown and CARD not in shown, (who, path)
        assert PASSPORT not in answer.headers.get("Location", "") or PASSPORT in path
    assert not any(PASSPORT in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("who", IN_FULL)
def test_whoever_works_with_it_reads_it(visitor, case, who):
    assert PASSPORT in visitor(who).get(f"/api/v1/cases/{case}").get_data(as_text=True)


def test_the_public_page_and_error_pages_know_nothing(app, stage, visitor, case):
    code = stage.row(case)["code"]
    pin = visitor("vptt.han").get(f"/api/v1/cases/{case}/receipt").get_json()["pin"]
    told = app.test_client().get(f"/api/v1/public/track/{code}?pin={pin}")
    assert told.status_code == 200 and PASSPORT not in told.get_data(as_text=True) and "AINO" not in told.get_data(as_text=True)
    refused = post(visitor("tp.hoa"), f"/cases/{case}/do/close", at="/inbox")
    assert PASSPORT not in refused.get_data(as_text=True)


def test_no_mail_holds_it(stage, case, lite):
    """Every mail that such a case gives cause for, as it goes over the wire."""
    lite.db.transact(lambda c: store.execute(c, "UPDATE users SET email = username || '@example.org', notice_mode = 'at_once'"))
    with relay() as box:
        ref = stage.file("vptt.han", "visit", fields={"crew": stage.row(case)["fields"]["crew"]})
        stage.act("motcua.mai", ref, "ask_supplement", items=[{"target": "/crew", "reason": "Thiếu.", "basis": "262/16(3)"}], respond_by=stage.soon())
        worker.drain(lite, post=box.post())
        mails = box.mails
    assert mails and all(stage.row(ref)["code"] in mail.as_string() or mail.get_content() for mail in mails)
    for mail in mails:
        text = f"{mail['Subject']} {mail.get_content()}"
        assert PASSPORT not in text and CARD not in text and "AINO" not in text
