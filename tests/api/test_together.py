"""One filing, two clocks: a visit and its interview sent with one press, over HTTP as a browser without scripts uses it."""

from __future__ import annotations

import re

import pytest
from werkzeug.datastructures import MultiDict

from states import FLOWS
from tests.api.test_pages import page, post, stage, visitor  # noqa: F401  the signed-in clients of the pages
from tests.api.test_wizard import Inputs
from workflow import clock, open_case, store, together
from workflow.errors import Busy


def opened(stage, who="vptt.han", **fields):
    """A visit and an interview that belongs with it, both ready to be sent."""
    visit = stage.file(who, "visit", submit=False, fields={"title": "Chuyến A & B", **fields})
    return visit, stage.file(who, "interview", submit=False, related=visit)


def lacking(stage, who="vptt.han", **fields):
    """A visit that is ready, with an interview that has no letter of its own."""
    visit = stage.file(who, "visit", submit=False)
    values = {**FLOWS["interview"].example(clock.today()), **fields}
    return visit, open_case(stage.office, stage.actor(who), "interview", values, related=visit).case_id


def form_of(visitor, ref, who="vptt.han", **changed):
    """What the last screen would send as it stands, with the undertaking ticked."""
    sent = Inputs(page(visitor(who), f"/cases/{ref}/edit/check"), "send").sent
    assert sent, "the screen has a form to send with"
    return [(name, value) for name, value in [*sent, ("undertaking", "1")] if name not in changed] + list(changed.items())


def press(visitor, ref, form, who="vptt.han"):
    return visitor(who).post(f"/cases/{ref}/send", data=MultiDict(form))


def states(stage, *refs):
    return [stage.row(ref)["state"] for ref in refs]


def undertakings(stage, ref):
    with stage.office.db.read() as connection:
        rows = store.query(connection, "SELECT value FROM opening WHERE stream = :stream AND field = 'input.undertaking'", stream=f"case/{ref}")
    return [row["value"] for row in rows]


@pytest.mark.parametrize("first", ["visit", "interview"])
def test_one_press_sends_both_each_with_its_number_date_and_undertaking(stage, visitor, first):
    visit, interview = opened(stage)
    here, other = (visit, interview) if first == "visit" else (interview, visit)
    text = page(visitor("vptt.han"), f"/cases/{here}/edit/check")
    assert f'name="with" value="{other}" checked' in text and "hạn trả lời riêng" in text and "cho từng hồ sơ được chọn gửi cùng" in text
    assert "&amp;amp;" not in text
    answer = press(visitor, here, form_of(visitor, here))
    assert answer.status_code == 303 and answer.headers["Location"] == f"/cases/{here}/sent#main"
    assert states(stage, visit, interview) == ["requested", "requested"]
    one, two = stage.row(visit), stage.row(interview)
    assert one["code"].startswith("CT-V-") and two["code"].startswith("CT-I-")
    assert one["clocks"]["submitted_at"] <= two["clocks"]["submitted_at"], "the visit goes first"
    assert undertakings(stage, visit) == undertakings(stage, interview) == ["true"]
    text = page(visitor("vptt.han"), f"/cases/{here}/sent")
    for row in (one, two):
        due = row["clocks"]["statutory_due"] or row["clocks"]["work_due"]
        assert row["code"] in text and f"{clock.local(clock.moment(due)):%d/%m/%Y}" in text and f'/cases/{row["code"]}/receipt"' in text
        assert visitor("vptt.han").get(f"/cases/{row['code']}/receipt").status_code == 200
    assert "2 hồ sơ đã gửi" in text


def test_the_desk_and_the_officer_read_what_goes_with_what(stage, visitor):
    visit, interview = opened(stage)
    press(visitor, visit, form_of(visitor, visit))
    stage.act("motcua.mai", visit, "accept", officer="cv.binh")
    stage.act("motcua.mai", interview, "accept", officer="cv.binh")
    for who in ("motcua.mai", "cv.binh", "vptt.han"):
        for one, two in ((visit, interview), (interview, visit)):
            told = re.search(r'<p id="related">.*?</p>', page(visitor(who), f"/cases/{one}"), re.S)
            assert told and f'href="/cases/{stage.row(two)["code"]}"' in told[0]
            assert ("Đang xem xét" in told[0]) == (who == "vptt.han"), "an applicant reads the outward word"
            assert ("phỏng vấn lãnh đạo" if two == interview else "hoạt động báo chí") in told[0]


def test_the_same_press_again_sends_nothing_again(stage, visitor):
    visit, interview = opened(stage)
    form = form_of(visitor, visit)
    press(visitor, visit, form)
    before = [(stage.row(ref)["version"], stage.row(ref)["code"]) for ref in (visit, interview)]
    again = press(visitor, visit, form)
    assert again.status_code == 303 and again.headers["Location"] == f"/cases/{visit}/sent#main"
    assert [(stage.row(ref)["version"], stage.row(ref)["code"]) for ref in (visit, interview)] == before
    assert "Chưa gửi" not in page(visitor("vptt.han"), f"/cases/{visit}/sent")


def test_what_is_unticked_stays_a_draft_and_the_page_says_so(stage, visitor):
    visit, interview = opened(stage)
    form = [pair for pair in form_of(visitor, visit) if pair[0] != "with"]
    assert press(visitor, visit, form).status_code == 303
    assert states(stage, visit, interview) == ["requested", "draft"] and undertakings(stage, interview) == []
    text = page(visitor("vptt.han"), f"/cases/{visit}/sent")
    assert "Đã gửi một hồ sơ" in text and "Chưa gửi:" in text and f'href="/cases/{interview}/edit"' in text


def test_a_draft_that_lacks_something_has_no_tick_and_keeps_nothing_up(stage, visitor):
    visit, interview = lacking(stage, questions=[])
    text = page(visitor("vptt.han"), f"/cases/{visit}/edit/check")
    assert 'name="with"' not in text and "Không gửi lần này" in text
    assert f'href="/cases/{interview}/edit/papers#p-request"' in text and re.search(rf'href="/cases/{interview}/edit/\w+#questions"', text)
    assert press(visitor, visit, form_of(visitor, visit)).status_code == 303
    assert states(stage, visit, interview) == ["requested", "draft"]
    text = page(visitor("vptt.han"), f"/cases/{visit}/sent")
    assert "Còn thiếu" in text and f'href="/cases/{interview}/edit/papers#p-request"' in text


def test_a_tick_for_what_lacks_something_is_refused_before_anything_is_sent(stage, visitor):
    """The screen offers no such tick; an interview that was emptied since, or a made-up form, still finds the visit unsent."""
    visit, interview = lacking(stage)
    form = [*form_of(visitor, visit), ("with", interview), (f"version.{interview}", str(stage.row(interview)["version"]))]
    answer = press(visitor, visit, form)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409 and states(stage, visit, interview) == ["draft", "draft"]
    assert "Chưa gửi hồ sơ nào" in text and "(phỏng vấn): Còn thiếu giấy tờ" in text
    assert 'name="undertaking" value="1" checked' in text, "what was ticked is kept"


def test_a_draft_changed_since_the_page_was_made_is_not_sent_unseen(stage, visitor):
    visit, interview = opened(stage)
    form = form_of(visitor, visit)
    stage.attach("vptt.han", interview, "request")
    answer = press(visitor, visit, form)
    assert answer.status_code == 409 and "đã thay đổi từ khi" in answer.get_data(as_text=True)
    assert states(stage, visit, interview) == ["draft", "draft"]
    for bad in ("", "x", "9" * 40, "-1", "١"):
        assert press(visitor, visit, form_of(visitor, visit, **{f"version.{interview}": bad})).status_code == 409
    assert states(stage, visit, interview) == ["draft", "draft"]


def test_without_the_undertaking_nothing_is_sent_and_the_ticks_are_kept(stage, visitor):
    visit, interview = opened(stage)
    form = [pair for pair in form_of(visitor, visit) if pair[0] not in ("undertaking", "with")]
    answer = press(visitor, visit, form)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and 'href="#undertaking"' in text and states(stage, visit, interview) == ["draft", "draft"]
    assert f'value="{interview}">' in text and f'value="{interview}" checked' not in text


def test_the_interview_that_fails_after_the_visit_was_sent_is_told(stage, visitor, monkeypatch):
    visit, interview = opened(stage)
    form, real = form_of(visitor, visit), together.perform

    def failing(office, actor, ref, *rest, **more):
        if ref == interview:
            raise Busy()
        return real(office, actor, ref, *rest, **more)

    monkeypatch.setattr(together, "perform", failing)
    assert press(visitor, visit, form).status_code == 303
    assert states(stage, visit, interview) == ["requested", "draft"]
    text = page(visitor("vptt.han"), f"/cases/{visit}/sent")
    assert "Chưa gửi được" in text and "(phỏng vấn)" in text and f'href="/cases/{interview}/edit"' in text
    monkeypatch.undo()
    assert press(visitor, visit, form).status_code == 303, "the same press goes on where it was stopped"
    assert states(stage, visit, interview) == ["requested", "requested"] and len(undertakings(stage, visit)) == 1


def test_where_the_visit_fails_nothing_is_sent(stage, visitor, monkeypatch):
    visit, interview = opened(stage)
    form = form_of(visitor, interview)

    def failing(*_, **__):
        raise Busy()

    monkeypatch.setattr(together, "perform", failing)
    answer = press(visitor, interview, form)
    assert answer.status_code == 503 and "Chưa gửi hồ sơ nào" in answer.get_data(as_text=True)
    assert states(stage, visit, interview) == ["draft", "draft"]


def test_nobody_elses_draft_is_ever_ticked(stage, visitor):
    visit, _ = opened(stage)
    strangers, unrelated = stage.file("vptt.lam", "interview", submit=False), stage.file("vptt.han", "interview", submit=False)
    # The desk may link what two organisations have filed on paper; it is never one filing.
    behalf = {"channel": "paper", "organisation": "vptt_a"}
    ours = stage.office.organisation(stage.row(visit)["organisation_id"]).code
    theirs = stage.office.organisation(stage.row(strangers)["organisation_id"]).code
    keyed = stage.file("motcua.mai", "visit", submit=False, on_behalf_of=behalf | {"organisation": ours})
    across = stage.file("motcua.mai", "interview", submit=False, on_behalf_of=behalf | {"organisation": theirs}, related=keyed)
    for other in (strangers, unrelated, visit, "x", ""):
        form = [*form_of(visitor, visit), ("with", other), (f"version.{other}", "2")]
        assert press(visitor, visit, form).status_code == 404
    assert 'name="with"' not in page(visitor("motcua.mai"), f"/cases/{keyed}/edit/check")
    desk = re.search(r'name="csrf_token" value="([^"]*)"', page(visitor("motcua.mai"), f"/cases/{keyed}/edit/check"))[1]
    form = {
        "csrf_token": desk,
        "version": str(stage.row(keyed)["version"]),
        "undertaking": "1",
        "with": across,
        f"version.{across}": str(stage.row(across)["version"]),
    }
    assert visitor("motcua.mai").post(f"/cases/{keyed}/send", data=form).status_code == 404
    assert states(stage, visit, strangers, unrelated, keyed, across) == ["draft"] * 5
    for path in ("send", "same-letter"):
        token = re.search(r'name="csrf_token" value="([^"]*)"', page(visitor("vptt.lam"), f"/cases/{strangers}/edit/check"))[1]
        assert visitor("vptt.lam").post(f"/cases/{visit}/{path}", data={"csrf_token": token, "undertaking": "1"}).status_code == 404
    assert visitor("vptt.lam").get(f"/cases/{visit}/sent").status_code == 404


def test_paper_filings_go_in_together_as_received(stage, visitor):
    organisation = stage.office.organisation(stage.row(opened(stage)[0])["organisation_id"]).code
    behalf = {"organisation": organisation, "channel": "paper"}
    visit = stage.file("motcua.mai", "visit", submit=False, on_behalf_of=behalf)
    interview = stage.file("motcua.mai", "interview", submit=False, on_behalf_of=behalf, related=visit)
    assert "áp dụng cho mọi hồ sơ gửi cùng lúc" in page(visitor("motcua.mai"), f"/cases/{visit}/edit/check")
    at = f"{clock.local(clock.now()):%Y-%m-%dT00:00}"
    wrong = press(visitor, visit, form_of(visitor, visit, "motcua.mai", received_at="hôm qua", incoming_no="12/SNgV"), "motcua.mai")
    assert wrong.status_code == 422 and 'href="#received_at"' in wrong.get_data(as_text=True) and "12/SNgV" in wrong.get_data(as_text=True)
    assert states(stage, visit, interview) == ["draft", "draft"]
    assert press(visitor, visit, form_of(visitor, visit, "motcua.mai", received_at=at, incoming_no="12/SNgV"), "motcua.mai").status_code == 303
    assert stage.row(visit)["clocks"]["received_at"] == stage.row(interview)["clocks"]["received_at"] < stage.row(visit)["clocks"]["submitted_at"]


# --- one signed letter for both ------------------------------------------------------------------------------------


def letter_form(text):
    found = re.search(r'<form method="post" action="(/cases/[^"]+/same-letter)">(.*?)</form>', text, re.S)
    return (found[1], dict(re.findall(r'name="(\w+)" value="([^"]*)"', found[2]))) if found else None


@pytest.mark.parametrize("first", ["visit", "interview"])
def test_the_visits_letter_serves_the_interview_by_an_express_press(stage, visitor, first):
    visit, interview = lacking(stage)
    here, client = visit if first == "visit" else interview, visitor("vptt.han")
    path, form = letter_form(page(client, f"/cases/{here}/edit/check"))
    before = stage.row(interview)["version"]
    assert "request" not in stage.row(interview)["papers"]
    answer = client.post(path, data=form)
    assert answer.status_code == 303 and answer.headers["Location"] == f"/cases/{here}/edit/check#main"
    row = stage.row(interview)
    assert row["version"] == before + 1 and row["papers"]["request"]["id"] != stage.row(visit)["papers"]["request"]["id"]
    text = page(client, f"/cases/{visit}/edit/check")
    assert letter_form(text) is None and f'name="with" value="{interview}" checked' in text
    assert client.post(path, data=form).headers["Location"] == f"/cases/{interview}/edit/check#main" and stage.row(interview)["version"] == before + 1
    assert press(visitor, visit, form_of(visitor, visit)).status_code == 303 and states(stage, visit, interview) == ["requested", "requested"]


def test_the_letter_of_another_request_is_not_to_be_had(stage, visitor):
    visit, interview = lacking(stage)
    other, theirs = stage.file("vptt.han", "visit", submit=False), stage.file("vptt.lam", "visit", submit=False)
    client = visitor("vptt.han")
    path, form = letter_form(page(client, f"/cases/{visit}/edit/check"))
    for wrong in (other, theirs, "x", ""):
        assert client.post(path, data=form | {"visit": wrong}).status_code == 404
    assert "request" not in stage.row(interview)["papers"]


def test_a_letter_sent_with_the_visit_can_still_serve_the_interview(stage, visitor):
    visit, interview = lacking(stage)
    press(visitor, visit, form_of(visitor, visit))
    path, form = letter_form(page(visitor("vptt.han"), f"/cases/{interview}/edit/check"))
    assert visitor("vptt.han").post(path, data=form).status_code == 303 and "request" in stage.row(interview)["papers"]


def test_without_a_companion_the_last_screen_is_as_it_was(stage, visitor):
    ref = stage.file("vptt.han", "visit", submit=False)
    text = page(visitor("vptt.han"), f"/cases/{ref}/edit/check")
    assert f'action="/cases/{ref}/do/submit#main"' in text and 'id="together"' not in text and "gửi cùng" not in text
    assert visitor("vptt.han").get(f"/cases/{ref}/sent").headers["Location"] == f"/cases/{ref}/edit/check#main"
    assert post(visitor("vptt.han"), f"/cases/{ref}/do/submit", version=str(stage.row(ref)["version"]), undertaking="1").status_code == 303
