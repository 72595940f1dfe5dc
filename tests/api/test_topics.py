"""Topics are the desk's own: a canary that must turn up on no page and in no answer of anybody outside it."""

from __future__ import annotations

import re
from collections import deque

import pytest

from states.shared import TOPICS
from tests.conftest import Browser
from workflow import clock, demo

NOTED = ("human_rights", "sea_islands", "democracy")
# Codes and words of the topics, the rule that speaks of them, and the entry that notes them.
CANARY = re.compile("|".join([*NOTED, *(f"{c.label.vi}|{c.label.en}" for c in TOPICS.choices if c.code in NOTED), r"\bR6\b", "chủ đề nội bộ", "Topics noted"]))
OUTSIDE = {"vptt.han": "the applicant", "vptt.thu": "a colleague", "qs.quan": "a consulted body", "ca.phuc": "another", "hd.thao": "the guide"}
NOWHERE = re.compile(r"^/(sign-out|vendor|static|language|api/v1/openapi|papers/)")


@pytest.fixture(scope="module")
def story(lite):
    """A visit with topics noted, from its consultations to the first day, its letters issued and mails sent."""
    stage = demo.Stage(lite)
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "under_review")
    browser_officer = Browser(stage_app(lite), "cv.binh")
    version = stage.row(ref)["version"]
    noted = browser_officer.send("PATCH", f"/cases/{ref}", json={"fields": {"topics": list(NOTED)}}, headers={"If-Match": f'"{version}"'})
    assert noted.status_code == 200 and noted.json["internal"] == {"topics": list(NOTED)}
    for stop in ("consulted", "pending_endorsement", "pending_decision", "pending_committee", "approved", "guided", "accompanied"):
        demo.step(stage, ref, "visit", stop)
    stage.letters(ref)
    asked = {stage.row(c)["fields"]["agency"]: stage.row(c)["fields"]["rule"] for c in stage.children(ref, "consultation")}
    assert asked["bo_chqs"] == "R6", "a body is asked because of a topic"
    return stage, ref


def stage_app(lite):
    from tests.servers import application

    return application(lite)


def crawled(client, *starts: str) -> dict[str, str]:
    """The text of every page that links lead to from these."""
    found, todo = {}, deque(starts)
    while todo and len(found) < 250:
        path = todo.popleft()
        if path in found or NOWHERE.match(path):
            continue
        answer = client.get(path)
        if answer.status_code >= 500:
            raise AssertionError(path)
        found[path] = answer.get_data(as_text=True) if answer.status_code < 400 else ""
        todo += [href.replace("&amp;", "&") for href in re.findall(r'href="(/[^"#]*)', found[path])]
    return found


def answers(browser, refs: list[str]) -> dict[str, str]:
    """The text of every answer of the API on these cases, and on what surrounds them."""
    paths = ["/cases", "/cases?inbox=true", "/me", "/agencies", "/flows/visit", "/flows/interview", "/flows/consultation", "/categories"]
    for ref in refs:
        paths += [f"/cases/{ref}{part}" for part in ("", "/actions", "/history", "/deadlines", "/letters", "/papers")]
        paths += [f"/flows/visit/chart.svg?case={ref}", f"/cases?parent={ref}"]
    found = {path: browser.get(path).get_data(as_text=True) for path in paths}
    preview = {"kind": "visit", "fields": browser.get("/flows/visit/example").json}
    return found | {"preview": browser.post("/cases/preview", preview).get_data(as_text=True)}


def family(stage, ref: str) -> list[str]:
    """The case and all its children."""
    return [ref, *(child[0] for child in stage.row(ref)["children"])]


@pytest.mark.parametrize("who", OUTSIDE)
def test_nobody_outside_the_desk_reads_topics(app, story, who):
    stage, ref = story
    browser = Browser(app, who)
    refs = family(stage, ref)
    told = answers(browser, refs)
    pages = crawled(browser.client, "/", "/inbox", "/cases", "/calendar", "/account", "/apply", "/help", *(f"/cases/{x}" for x in refs))
    assert len(pages) > 15 and sum(bool(text) for text in pages.values()) > 10, "the crawl has seen something"
    wrong = {path: CANARY.search(text)[0] for path, text in {**told, **pages}.items() if CANARY.search(text)}
    assert not wrong, (who, wrong)
    assert '"topics"' not in "".join(told.values()) and 'name="topics"' not in "".join(pages.values())


def test_the_desk_reads_them(app, story):
    """The same search finds the canary where it belongs: the search itself works."""
    stage, ref = story
    told = answers(Browser(app, "cv.binh"), [ref])
    assert set(CANARY.findall(told[f"/cases/{ref}"])) >= set(NOTED)
    assert re.search(r"\bR6\b", Browser(app, "cv.binh").client.get(f"/cases/{ref}").get_data(as_text=True))


def test_letters_and_mails_say_nothing_of_them(story):
    from workflow import store

    stage, ref = story
    with stage.office.db.read() as connection:
        letters = [str(stage.row(child)["fields"]) for child in stage.children(ref, "letter")]
        outgoing = [str(row) for row in store.query(connection, "SELECT * FROM outbox")]
        notices = [str(row) for row in store.query(connection, "SELECT n.* FROM notices n JOIN users u ON u.id = n.user_id WHERE u.username <> 'cv.binh'")]
    assert letters and outgoing and notices
    assert not [text for text in (*letters, *outgoing, *notices) if CANARY.search(text)]


def test_noting_them_asks_for_the_version_and_keeps_them_apart(app, story, lite):
    stage = demo.Stage(lite)
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "under_review")
    officer, row = Browser(app, "cv.binh"), stage.row(ref)

    def patch(fields, version=None):
        headers = {"If-Match": f'"{version}"'} if version else {}
        return officer.send("PATCH", f"/cases/{ref}", json={"fields": fields}, headers=headers)

    assert patch({"topics": ["culture"]}).status_code == 428
    assert patch({"topics": ["culture"]}, row["version"] - 1).status_code == 412
    assert patch({"topics": ["no_such"]}, row["version"]).status_code == 422
    assert patch({"topics": ["culture"], "title": "Tên khác"}, row["version"]).json["code"] in ("locked", "invalid")
    assert patch({"topics": ["culture"]}, row["version"]).status_code == 200
    assert stage.row(ref)["content_hash"] == row["content_hash"] and clock.moment(stage.row(ref)["updated_at"]) >= clock.moment(row["updated_at"])
