"""Mail by a real SMTP server: what it holds, who gets it, how relays misbehave, the digest."""

from __future__ import annotations

import re
import smtplib
from datetime import timedelta

import pytest

from api import cli
from api.settings import read_settings
from states.language import Text
from tests.relay import PUBLIC, dripping, free_port, mute, relay
from workflow import authority, chance, clock, db, deadlines, mail, notices, outbox, store, users, worker
from workflow.errors import Invalid

PEOPLE = ("motcua.mai", "cv.binh", "tp.hoa", "gd.khanh", "ca.phuc", "vptt.han", "vt.van")
CANARIES = {
    "title": "CanaryTitle", "purpose": "CanaryPurpose",
    "outlet": {"name": "CanaryOutlet", "country": "FI", "media": "agency"}, "contact": {"name": "CanaryContact", "phone": "+84 24 0000 0000", "email": "a@b.example"},
}  # fmt: skip


@pytest.fixture
def box():
    """A relay that takes everything."""
    with relay() as found:
        yield found


@pytest.fixture(autouse=True)
def addresses(office):
    """Everybody has an address and is told at once; what is under way is over afterwards."""

    def work(connection):
        store.execute(connection, "UPDATE outbox SET state = 'done' WHERE state <> 'done'")
        store.execute(connection, "UPDATE notices SET digest = 'over' WHERE digest = 'waiting'")
        store.execute(connection, "UPDATE users SET email = '', notice_mode = 'at_once', language = 'vi'")
        for name in PEOPLE:
            store.execute(connection, "UPDATE users SET email = :email WHERE username = :name", email=f"{name}@example.org", name=name)

    office.db.transact(work)


def set_user(office, username, **columns):
    def work(connection):
        for name, value in columns.items():
            statement = {
                "email": "UPDATE users SET email = :value WHERE username = :name", "language": "UPDATE users SET language = :value WHERE username = :name",
                "notice_mode": "UPDATE users SET notice_mode = :value WHERE username = :name", "active": "UPDATE users SET active = :value WHERE username = :name",
            }[name]  # fmt: skip
            store.execute(connection, statement, value=value, name=username)

    office.db.transact(work)


def sends(office, ref=None):
    with office.db.read() as connection:
        return store.query(connection, "SELECT * FROM outbox WHERE kind = 'send' AND (:ref = '' OR case_id = :ref) ORDER BY id", ref=ref or "")


def tell(office, stage, username, name="head", ref=None, **rest):
    """One notice for one person, as the worker would write it."""
    ref = ref or stage.file("vptt.han", "visit")
    row, user = stage.row(ref), stage.actor(username).id
    key = f"test:{chance.row_id()}"
    office.db.transact(lambda c: notices.tell(c, user, name, key, relay_settings(rest.get("post")), row=row, seq=row["version"], asks=rest.get("asks", False)))
    return ref


def relay_settings(post):
    return post or mail.Post("127.0.0.1", 1, False, "x@example.org", PUBLIC)


def one_send(office, post):
    """Deliver the last mail alone; answers its row."""
    last = sends(office)[-1]
    worker._one(office, last["id"], post, "me")
    return sends(office)[-1]


# --- what a mail is --------------------------------------------------------------------------------------------


def test_a_mail_holds_code_and_link_in_the_persons_language(office, stage, box):
    set_user(office, "motcua.mai", language="en")
    ref = stage.file("vptt.han", "visit", fields=CANARIES)
    worker.drain(office, post=box.post())
    code = stage.row(ref)["code"]
    (english,) = box.to("motcua.mai@example.org")
    assert english["Subject"] == f"{code}: A case waits at the desk"
    assert english["Content-Language"] == "en"
    text = english.get_content().replace("\r\n", "\n")
    assert text.splitlines()[:3] == ["A case waits at the desk", code, f"{PUBLIC}/cases/{code}"]
    assert f"{PUBLIC}/account" in text
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    worker.drain(office, post=box.post())
    (vietnamese,) = box.to("cv.binh@example.org")
    assert vietnamese["Subject"] == f"{code}: Hồ sơ Ông/Bà thụ lý có việc mới"
    assert vietnamese["From"] == "Sở Ngoại vụ Cần Thơ <press@example.org>"
    raw = b"".join(data for _, data in box.raw)
    assert not [word for word in ("Canary", "Thử", "Trần", "FI") if word.encode() in raw or any(word in m.get_content() for m in box.mails)]
    assert raw.isascii()  # quoted-printable and encoded words: any relay can carry it


def test_headers_tell_machines_what_it_is(office, stage, box):
    ref = stage.file("vptt.han", "visit")
    worker.drain(office, post=box.post())
    (found,) = box.to("motcua.mai@example.org")
    (row,) = [r for r in sends(office, ref) if r["name"] == stage.actor("motcua.mai").id]
    assert row["dedupe"].endswith(f":mail:intake:send:{stage.actor('motcua.mai').id}")
    assert found["Message-ID"] == mail.message_id(row["dedupe"], "press.example.org")
    assert re.fullmatch(r"[0-9a-f]{64}", found["X-Fpd-Dedupe"])
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["List-Id"] == "<notices.press.example.org>"
    assert found["To"] == "motcua.mai@example.org"
    assert found["Date"].datetime == clock.moment(row["at"]).replace(microsecond=0)
    assert not [name for name in found if name.lower() in ("bcc", "cc", "reply-to")]


def test_a_due_date_is_explained_as_on_the_page(office, stage, box):
    for language in ("vi", "en"):
        set_user(office, "gd.khanh", language=language)
        ref = tell(office, stage, "gd.khanh", "level_due", post=box.post())
        worker.drain(office, post=box.post())
        sums = [item for item in deadlines.of_case(office, stage.row(ref)) if item.clock in ("statutory", "work")]
        assert sums
        text = box.to("gd.khanh@example.org")[-1].get_content().replace("\r\n", "\n")
        assert all(item.as_text(language) in text for item in sums)


def test_a_consulted_agency_is_told_of_its_own_question(office, stage, box):
    ref = stage.file("vptt.han", "visit", fields=CANARIES)
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    stage.act("cv.binh", ref, "consult", agencies=["cong_an", "bo_chqs"], question="Đề nghị cho ý kiến.", due_at=stage.soon())
    worker.drain(office, post=box.post())
    children = {stage.row(c)["fields"]["agency"]: stage.row(c) for c in stage.children(ref, "consultation")}
    (found,) = box.to("ca.phuc@example.org")
    mine, other = children["cong_an"]["code"], children["bo_chqs"]["code"]
    assert f"/cases/{mine}" in found.get_content().replace("\r\n", "\n")
    assert not [word for word in (stage.row(ref)["code"], other, "Canary") if word in found.as_string()]
    (told,) = [n for n in notices.of_person(office, stage.actor("ca.phuc")) if n["case_id"] == children["cong_an"]["id"]]
    assert told["path"] == f"/cases/{mine}"


# --- who gets it -----------------------------------------------------------------------------------------------


def test_recipients_are_those_who_may_read_when_it_is_sent(office, stage, box):
    """For every event of a visit brought to approval: notices = recipients by role and, each, able to read the case."""
    ref = stage.file("vptt.han", "visit")
    from workflow import demo

    demo.advance(stage, ref, "visit", "guided")
    worker.drain(office, post=box.post())
    with office.db.read() as connection:
        events = store.query(connection, "SELECT * FROM outbox WHERE kind = 'mail' AND case_id = :id", id=ref)
        told = store.query(connection, "SELECT dedupe, user_id, case_id FROM notices")
        assert len({event["name"] for event in events}) >= 6
        for event in events:
            for notice in (n for n in told if n["dedupe"].startswith(f"{event['dedupe']}:")):
                actor, row = users.actor_by_id(connection, notice["user_id"]), store.load(connection, notice["case_id"])
                assert authority.visible(row, actor, authority.roles_on(row, actor))
    asked = {(m["To"], m["Message-ID"]) for m in box.mails}
    assert len(asked) == len(box.mails)  # nobody got one mail twice


def test_who_has_left_meanwhile_gets_nothing(office, stage, box):
    ref = stage.file("vptt.han", "visit")
    set_user(office, "motcua.mai", active=False)
    try:
        worker.drain(office, post=box.post())
        assert not box.to("motcua.mai@example.org")
    finally:
        set_user(office, "motcua.mai", active=True)
    tell(office, stage, "motcua.mai", "intake", ref, post=box.post())
    set_user(office, "motcua.mai", email="")
    row = one_send(office, box.post())
    assert (row["state"], row["error"]) == ("done", "the account is closed or has no address any more")
    tell(office, stage, "vptt.lam", "head", ref, post=box.post())  # has no address: not even a message
    assert sends(office)[-1]["id"] == row["id"]
    set_user(office, "vptt.lam", email="lam@example.org")
    tell(office, stage, "vptt.lam", "head", ref, post=box.post())  # of another outlet
    row = one_send(office, box.post())
    assert (row["state"], row["error"]) == ("done", "no longer for this person to read")
    assert not box.to("lam@example.org")


def test_without_a_relay_there_are_notices_and_no_mail(office, stage):
    ref = stage.file("vptt.han", "visit")
    worker.drain(office)
    assert not sends(office, ref)
    assert any(n["case_id"] == ref for n in notices.of_person(office, stage.actor("motcua.mai")))


def test_none_still_sends_what_asks_for_an_act(office, stage, box):
    set_user(office, "motcua.mai", notice_mode="none")
    set_user(office, "vptt.han", notice_mode="none")
    ref = stage.file("vptt.han", "visit")
    worker.drain(office, post=box.post())
    assert len(box.to("motcua.mai@example.org")) == 1  # requested waits for the desk
    assert not box.to("vptt.han@example.org")
    items = [{"target": "/crew", "reason": "Thiếu số thẻ.", "basis": "262/16(3)"}]
    stage.act("motcua.mai", ref, "ask_supplement", items=items, respond_by=stage.soon(1))
    worker.drain(office, post=box.post())
    assert len(box.to("vptt.han@example.org")) == 1  # now it waits for the applicant


# --- the digest ------------------------------------------------------------------------------------------------


def test_a_digest_is_one_mail_a_day_with_all_that_came(office, stage, box):
    set_user(office, "motcua.mai", notice_mode="digest", language="en")
    refs = [stage.file("vptt.han", "visit", fields=CANARIES) for _ in range(3)]
    worker.drain(office, post=box.post())
    assert not box.to("motcua.mai@example.org")
    assert notices.gather(office, "2026-11-26") == 1
    assert notices.gather(office, "2026-11-26") == 0  # a second worker finds nothing
    worker.drain(office, post=box.post())
    (found,) = box.to("motcua.mai@example.org")
    assert found["Subject"] == "News of the day (3)"
    text = found.get_content().replace("\r\n", "\n")
    assert re.findall(r"^CT-V-\S+$", text, re.MULTILINE) == [stage.row(ref)["code"] for ref in refs]
    assert "Canary" not in text
    assert notices.gather(office, "2026-11-27") == 0  # no news, no mail
    stage.file("vptt.han", "visit")
    worker.drain(office, post=box.post())
    assert notices.gather(office, "2026-11-27") == 1
    worker.drain(office, post=box.post())
    assert [m["Subject"] for m in box.to("motcua.mai@example.org")] == ["News of the day (3)", "News of the day (1)"]


def test_a_person_chooses_and_nothing_else_is_taken(office, stage):
    actor = stage.actor("cv.binh")
    for mode in notices.MODES:
        notices.choose(office, actor, mode)
        assert notices.choice(office, actor) == {"email": "cv.binh@example.org", "mode": mode}
    for wrong in ("", "AT_ONCE", "daily'; --"):
        with pytest.raises(Invalid):
            notices.choose(office, actor, wrong)


# --- relays that misbehave -------------------------------------------------------------------------------------


def test_a_refused_address_is_set_aside_with_the_relays_words(office, stage, box):
    box.refuse["tp.hoa@example.org"] = "550 5.1.1 no such mailbox"
    tell(office, stage, "tp.hoa", post=box.post())
    row = one_send(office, box.post())
    assert (row["state"], row["tries"]) == ("parked", 1)
    assert "550 5.1.1 no such mailbox" in row["error"]


def test_a_refused_mail_is_set_aside_too(office, stage, box):
    box.refuse_data = "554 5.7.1 looks like spam"
    tell(office, stage, "tp.hoa", post=box.post())
    row = one_send(office, box.post())
    assert row["state"] == "parked"
    assert "554 5.7.1 looks like spam" in row["error"]


def test_a_busy_relay_is_asked_again(office, stage, box):
    box.refuse["tp.hoa@example.org"] = "451 4.3.0 try later"
    tell(office, stage, "tp.hoa", post=box.post())
    row = one_send(office, box.post())
    assert (row["state"], row["tries"]) == ("pending", 1)
    box.refuse.clear()
    with clock.at(clock.now() + timedelta(seconds=3)):
        row = one_send(office, box.post())
    assert row["state"] == "done"
    assert len(box.to("tp.hoa@example.org")) == 1


def test_a_relay_that_is_not_there_or_says_nothing_is_asked_again(office, stage, box):
    tell(office, stage, "tp.hoa", post=box.post())
    with mute() as silent, dripping() as slow:
        for tries, port in enumerate((free_port(), silent, slow), 1):
            with clock.at(clock.now() + timedelta(hours=tries)):
                began = clock.ticks()
                row = one_send(office, _at(port))
                assert clock.ticks() - began < 10
            assert (row["state"], row["tries"]) == ("pending", tries), row["error"]
    with clock.at(clock.now() + timedelta(days=1)):
        assert one_send(office, box.post())["state"] == "done"
    assert len(box.to("tp.hoa@example.org")) == 1


def _at(port):
    return mail.Post("127.0.0.1", port, False, "x@example.org", PUBLIC, step_seconds=0.7, whole_seconds=2.0)


def test_a_relay_that_is_too_slow_or_breaks_off_gets_the_very_same_mail_again(office, stage, box):
    tell(office, stage, "tp.hoa", post=box.post())
    box.cut = 1  # it has taken the mail and says nothing any more
    assert one_send(office, box.post())["state"] == "pending"
    box.slow = 1.5
    with clock.at(clock.now() + timedelta(seconds=5)):
        assert one_send(office, box.post(step_seconds=0.5))["state"] == "pending"
    box.slow = 0.0
    with clock.at(clock.now() + timedelta(seconds=30)):
        assert one_send(office, box.post())["state"] == "done"
    found = box.to("tp.hoa@example.org")
    assert len(found) >= 2
    assert len({m["Message-ID"] for m in found}) == len({m["X-Fpd-Dedupe"] for m in found}) == 1
    assert len({data for people, data in box.raw if people == ["tp.hoa@example.org"]}) == 1


def test_a_login_is_used_and_shown_nowhere(office, stage, capfd):
    with relay(("me", "s3cret-word")) as box:
        wrong = box.post(user="me", password="not-the-word")
        tell(office, stage, "tp.hoa", post=wrong)
        row = one_send(office, wrong)
        assert row["state"] == "pending"
        assert "not-the-word" not in row["error"]
        assert "535" in row["error"]
        with clock.at(clock.now() + timedelta(seconds=5)):
            assert one_send(office, box.post(user="me", password="s3cret-word"))["state"] == "done"
        assert "s3cret-word" not in repr(box.post(user="me", password="s3cret-word"))
    assert "word" not in "".join(capfd.readouterr())


def test_a_login_crosses_no_network_without_tls(monkeypatch):
    class Plain:
        def ehlo_or_helo_if_needed(self):
            pass

        def has_extn(self, name):
            return False

        def login(self, *words):
            raise AssertionError("the login was sent")

    post = mail.Post("relay.example.org", 25, False, "x@example.org", PUBLIC, "me", "word")
    with pytest.raises(smtplib.SMTPException, match="no TLS"):
        mail._secure(post, Plain())


# --- nothing reaches into the headers --------------------------------------------------------------------------

HOSTILE = (
    "a@example.org\r\nBcc: all@example.org", "a@example.org\nX: y", "a@example.org, b@example.org", "a@example.org;b@example.org", "<a@example.org>",
    "a b@example.org", "a@exa mple.org", '"a\r\n"@example.org', "a@", "@b", "a", "a@@b.example", "a@-b.example", "a\x00@example.org", "ă@example.org", "a" * 250 + "@b.vn",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_addresses_are_refused_with_a_sentence(text):
    with pytest.raises(Invalid) as refused:
        mail.address(text)
    assert refused.value.fields["email"] == [mail.EMAIL]


def test_good_addresses_are_taken():
    assert mail.address(" ten.ho+bao_chi@soNV.cantho.gov.vn ") == "ten.ho+bao_chi@soNV.cantho.gov.vn"
    assert mail.address("  ") == ""


@pytest.mark.parametrize("text", HOSTILE[:2])
def test_a_hostile_address_in_the_table_reaches_nobody(office, stage, box, text):
    tell(office, stage, "tp.hoa", post=box.post())
    set_user(office, "tp.hoa", email=text)
    row = one_send(office, box.post())
    assert row["state"] == "parked"
    assert not box.raw


def test_hostile_words_stay_in_their_line():
    post = mail.Post("h", 25, False, "x@example.org", PUBLIC)
    item = mail.Item(Text("a\r\nBcc: all@example.org", "a\r\nBcc: all@example.org"), "C-1", "/cases/C-1")
    with pytest.raises(mail.Undeliverable):
        mail.compose(post, "a@example.org", [item], "vi", "key", clock.now())


# --- settings and command line ---------------------------------------------------------------------------------


def test_settings_of_mail_are_read_or_refused_with_a_sentence():
    post = mail.post_office("smtp://me:p%40ss@relay.example.org:587", "Sở <a@example.org>", PUBLIC)
    assert (post.host, post.port, post.tls, post.user, post.password, post.domain) == ("relay.example.org", 587, False, "me", "p@ss", "press.example.org")
    assert mail.post_office("smtps://relay.example.org", "a@example.org", PUBLIC).port == 465
    assert mail.post_office("", "", "") is None
    for url, sender, public in (
        ("http://me:p4ss@relay", "a@example.org", PUBLIC), ("smtp://me:p4ss@", "a@example.org", PUBLIC), ("smtp://me:p4ss@h:x", "a@example.org", PUBLIC),
        ("smtp://me:p4ss@h", "", PUBLIC), ("smtp://me:p4ss@h", "a@b\r\nBcc: c@d", PUBLIC), ("smtp://me:p4ss@h", "a@example.org", "ftp://x"),
        ("smtp://me:p4ss@h", "a@example.org", "https://x/?q=1"), ("smtp://me:p4ss@h", "a@example.org", "https://x\r\nY: z"),
    ):  # fmt: skip
        with pytest.raises(ValueError) as refused:
            mail.post_office(url, sender, public)
        assert "p4ss" not in str(refused.value)


def test_the_service_starts_with_mail_or_says_why_not(monkeypatch):
    monkeypatch.setenv("FPD_SMTP_URL", "smtp://me:p4ss@127.0.0.1:2525")
    with pytest.raises(SystemExit, match="FPD_MAIL_FROM"):
        read_settings()
    monkeypatch.setenv("FPD_MAIL_FROM", "a@example.org")
    assert read_settings().post.link("/x") == "http://127.0.0.1:8080/x"
    assert "p4ss" not in repr(read_settings())
    for name, value in (("FPD_PRODUCTION", "1"), ("FPD_HTTPS", "1"), ("FPD_TRUSTED_HOSTS", "press.example.org")):
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match="FPD_PUBLIC_URL"):
        read_settings()
    monkeypatch.setenv("FPD_PUBLIC_URL", PUBLIC)
    assert read_settings().post.public_url == PUBLIC


def test_worker_once_and_an_address_by_the_command_line(tmp_path, monkeypatch, capsys, box):
    for name, value in (
        ("FPD_VAR", str(tmp_path)), ("FPD_SMTP_URL", f"smtp://127.0.0.1:{box.port}"), ("FPD_MAIL_FROM", "a@example.org"), ("FPD_PUBLIC_URL", PUBLIC),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    db.migrate(read_settings().database_url)
    monkeypatch.setattr("sys.stdin", _Typed("a-long-password-1\n"))
    assert cli.main(["user", "add", "new.one", "--name", "Mới", "--email", "new.one@example.org"]) == 0
    monkeypatch.setattr("sys.stdin", _Typed("a-long-password-1\n"))
    assert cli.main(["user", "add", "other", "--name", "Khác", "--email", "no address"]) == 1
    office = cli._office(read_settings())
    with office.db.read() as connection:
        person = store.query(connection, "SELECT id, email FROM users WHERE username = 'new.one'")[0]
        assert person["email"] == "new.one@example.org"
        assert not store.query(connection, "SELECT id FROM users WHERE username = 'other'")
    office.db.transact(lambda c: outbox.post(c, f"user/{person['id']}", 0, "send", person["id"], {"user": person["id"], "notice": "nobody", "case": ""}, "key"))
    capsys.readouterr()
    assert cli.main(["worker", "--once"]) == 0
    assert capsys.readouterr().out.strip() == "1"
    (found,) = box.to("new.one@example.org")
    assert found["Subject"] == notices.WORDS["nobody"].vi
    with office.db.read() as connection:
        assert store.query(connection, "SELECT done_at FROM worker_runs WHERE name = 'scan'")[0]["done_at"]
    office.db.close()


class _Typed:
    """A standard input that is no terminal."""

    def __init__(self, text):
        self.text = text

    def readline(self):
        return self.text

    def isatty(self):
        return False
