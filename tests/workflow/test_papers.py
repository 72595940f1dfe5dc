"""Papers of a case: limits, sealed files, versions, what is held back, and the record of who read what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from states.language import Text
from tests.files import pdf, picture, unicode_pdf
from tests.rounds import at_once
from workflow import attachments, clock, demo, engine, filecheck, queries, reads, store, vault
from workflow.attachments import open_paper, receive, safe_name
from workflow.crypto import MARK, new_keys, read_keys
from workflow.errors import Busy, Conflict, FileDamaged, Invalid, NotFound, RoleRefused, SlowDown, TooLarge

PDF = pdf()


@pytest.fixture
def limits(office, monkeypatch):
    """Sets limits of uploads and readings for one test."""
    usual = office.profile.papers
    return lambda **changed: monkeypatch.setitem(office.profile.__dict__, "papers", replace(usual, **changed))


@pytest.fixture
def draft(office, stage):
    return stage.file("vptt.han", "visit", submit=False)


def row(office, paper_id):
    with office.db.read() as connection:
        return store.query(connection, "SELECT * FROM papers WHERE id = :id", id=paper_id)[0]


def readings(office, paper_id):
    with office.db.read() as connection:
        return store.query(connection, "SELECT * FROM reads WHERE paper_id = :id ORDER BY id", id=paper_id)


def passport(stage, ref, who="vptt.han", data=demo.PDF):
    return stage.attach(who, ref, "passport", data)


def later_than(moments: int):
    return clock.at(clock.now() + timedelta(minutes=moments))


# --- at rest -------------------------------------------------------------------------------------------------------


def test_a_file_lies_encrypted_and_its_name_too(office, stage, draft):
    _, stored = receive(office, stage.actor("vptt.han"), draft, "request", "Hộ chiếu B1234567.pdf", PDF)
    kept = row(office, stored["id"])
    path = vault.path_of(office, kept["cipher_hash"])
    assert path.is_file() and b"%PDF" not in path.read_bytes() and path.stat().st_mode & 0o077 == 0
    assert kept["filename"].startswith(MARK) and "B1234567" not in kept["filename"]
    assert not vault.path_of(office, kept["file_hash"]).exists()
    opened = open_paper(office, stage.actor("vptt.han"), stored["id"])
    assert (opened.data, opened.filename) == (PDF, "Hộ chiếu B1234567.pdf")
    again = stage.attach("vptt.han", draft, "request", demo.PDF)
    twice = stage.attach("vptt.han", draft, "request", demo.PDF)
    assert row(office, again)["file_hash"] == row(office, twice)["file_hash"] and row(office, again)["cipher_hash"] != row(office, twice)["cipher_hash"]


@pytest.mark.parametrize("harm", ["flip", "cut", "gone", "other", "key", "row"])
def test_a_damaged_file_is_told_as_such(office, stage, draft, harm):
    one, other = stage.attach("vptt.han", draft, "request"), stage.attach("vptt.han", draft, "programme")
    kept = row(office, one)
    path = vault.path_of(office, kept["cipher_hash"])
    data = path.read_bytes()
    if harm == "flip":
        path.write_bytes(data[:20] + bytes([data[20] ^ 1]) + data[21:])
    elif harm == "cut":
        path.write_bytes(data[:-5])
    elif harm == "gone":
        path.unlink()
    elif harm == "other":
        path.write_bytes(vault.path_of(office, row(office, other)["cipher_hash"]).read_bytes())
    else:
        changed = {"key": ("key_id", "k9"), "row": ("wrapped_key", row(office, other)["wrapped_key"])}[harm]
        office.db.transact(lambda c: store.execute(c, f"UPDATE papers SET {changed[0]} = :value WHERE id = :id", value=changed[1], id=one))
    with pytest.raises(FileDamaged):
        open_paper(office, stage.actor("vptt.han"), one)
    assert open_paper(office, stage.actor("vptt.han"), other).data == demo.PDF


def test_what_was_damaged_is_no_reading(office, stage, draft):
    paper = passport(stage, draft)
    vault.path_of(office, row(office, paper)["cipher_hash"]).unlink()
    with pytest.raises(FileDamaged):
        open_paper(office, stage.actor("vptt.han"), paper)
    assert readings(office, paper) == []


def test_plain_files_of_before_still_open_and_are_sealed(office, stage, draft):
    """What an older version stored opens as it is; sealing it changes neither its bytes nor its name."""
    papers = [stage.attach("vptt.han", draft, name) for name in ("request", "programme", "other")]
    for paper in papers:
        kept = row(office, paper)
        vault.path_of(office, kept["cipher_hash"]).unlink()
        plain = vault.path_of(office, kept["file_hash"])
        plain.parent.mkdir(exist_ok=True)
        plain.write_bytes(demo.PDF)
        office.db.transact(lambda c, id_=paper: store.execute(
            c, "UPDATE papers SET cipher_hash = NULL, key_id = NULL, wrapped_key = NULL, role = NULL, org_id = NULL, filename = 'giấy cũ.pdf' WHERE id = :id", id=id_))  # fmt: skip
    lost = row(office, papers[2])
    office.db.transact(lambda c: store.execute(c, "UPDATE papers SET file_hash = :hash WHERE id = :id", hash="0" * 64, id=papers[2]))
    actor = stage.actor("vptt.han")
    assert open_paper(office, actor, papers[0]).data == demo.PDF
    assert {item["filename"] for item in queries.papers(office, actor, draft) if item["id"] in papers} == {"giấy cũ.pdf"}
    assert vault.seal_plain(office) == 2 and vault.seal_plain(office) == 0
    for paper in papers[:2]:
        assert row(office, paper)["filename"].startswith(MARK) and row(office, paper)["file_hash"] == lost["file_hash"]
        opened = open_paper(office, actor, paper)
        assert (opened.data, opened.filename) == (demo.PDF, "giấy cũ.pdf")
    assert not vault.path_of(office, lost["file_hash"]).exists()
    assert row(office, papers[2])["cipher_hash"] is None  # what is damaged is left alone
    with pytest.raises(FileDamaged):
        open_paper(office, actor, papers[2])


def test_an_upgrade_loses_no_paper_and_a_downgrade_refuses_to(office, stage, draft):
    from workflow import db

    stage.attach("vptt.han", draft, "request")
    with pytest.raises(RuntimeError, match="encrypted"):
        db.downgrade(office.db.url, "0002")


def test_a_full_disk_is_told_and_leaves_nothing(office, stage, draft, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before = {path for path in office.files.rglob("*") if path.is_file()}
    monkeypatch.setattr(vault.os, "fsync", full)
    with pytest.raises(Busy):
        receive(office, stage.actor("vptt.han"), draft, "request", "a.pdf", PDF)
    assert {path for path in office.files.rglob("*") if path.is_file()} == before


def test_a_refused_upload_leaves_no_file(office, stage):
    sent = stage.file("vptt.han", "visit")
    before = {path for path in office.files.rglob("*") if path.is_file()}
    with pytest.raises(Invalid):  # the case is sent: nothing is open
        receive(office, stage.actor("vptt.han"), sent, "request", "a.pdf", PDF)
    assert {path for path in office.files.rglob("*") if path.is_file()} == before


def test_an_older_key_still_opens(office, stage, draft):
    paper = stage.attach("vptt.han", draft, "request")
    text = new_keys()
    first = read_keys(text)
    from workflow.crypto import with_new_key

    second = read_keys(with_new_key(text))
    columns = {"id": paper, "key": first.current}
    sealed = first.seal_bytes(b"x" * 32, f"papers/{paper}/key")
    assert second.open_bytes(sealed, f"papers/{paper}/key", columns["key"]) == b"x" * 32 and second.current != first.current


# --- limits --------------------------------------------------------------------------------------------------------


def test_a_case_takes_so_many_files_and_bytes(office, stage, draft, limits):
    actor = stage.actor("vptt.han")
    assert (office.profile.papers.case_files, office.profile.papers.case_mb, office.profile.papers.file_mb) == (20, 200, 10)
    assert (office.profile.papers.uploads_an_hour, office.profile.papers.reads_an_hour) == (60, 50)
    limits(case_files=3)  # the draft has its request
    stage.attach("vptt.han", draft, "request")
    stage.attach("vptt.han", draft, "programme")
    with pytest.raises(TooLarge) as full:
        receive(office, actor, draft, "other", "a.pdf", PDF)
    assert "3" in full.value.message.vi and "3" in full.value.message.en
    limits(case_mb=0)
    with pytest.raises(TooLarge, match="together"):
        receive(office, actor, draft, "other", "a.pdf", PDF)
    limits(file_mb=0)
    with pytest.raises(TooLarge, match="0 MB"):
        receive(office, actor, draft, "other", "a.pdf", PDF)


def test_a_person_uploads_so_many_an_hour(office, stage, draft, limits):
    actor = stage.actor("vptt.lam")
    own = stage.file("vptt.lam", "visit", submit=False)
    limits(uploads_an_hour=2)
    receive(office, actor, own, "other", "a.pdf", PDF)
    with pytest.raises(SlowDown) as slow:
        receive(office, actor, own, "other", "a.pdf", PDF)
    assert 3000 < slow.value.data["wait"] <= 3601
    with later_than(61):
        receive(office, actor, own, "other", "a.pdf", PDF)


# --- versions ------------------------------------------------------------------------------------------------------


def test_a_replaced_paper_stays_with_its_history(office, stage, draft):
    first = stage.attach("vptt.han", draft, "programme")
    second = stage.attach("vptt.han", draft, "programme")
    items = {item["id"]: item for item in queries.papers(office, stage.actor("vptt.han"), draft)}
    assert [(items[i]["version"], items[i]["current"]) for i in (first, second)] == [(1, False), (2, True)]
    assert open_paper(office, stage.actor("vptt.han"), first).data == demo.PDF
    by = items[first]["by"]
    assert by["role"] == "applicant" and by["organisation"]["code"] == "hangtin_a" and by["name"] == "Trần Thử Hân"
    stage.act("vptt.han", draft, "submit", undertaking=True)
    seen = next(item for item in queries.papers(office, stage.actor("motcua.mai"), draft) if item["id"] == first)
    assert seen["by"]["name"] == "Trần Thử Hân"


def test_outside_nobody_is_named(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "under_review")
    permit = stage.attach("cv.binh", ref, "permit")
    item = next(item for item in queries.papers(office, stage.actor("vptt.han"), ref) if item["id"] == permit)
    assert item["by"]["name"] is None and item["by"]["organisation"]["code"] == "sngv" and item["by"]["role"] == "officer"


# --- held back -----------------------------------------------------------------------------------------------------


def held(office, stage, name="programme", data=None, **rest):
    ref = stage.file("vptt.han", "visit", submit=False)
    _, stored = receive(office, stage.actor("vptt.han"), ref, name, "giay", data or unicode_pdf("TUYỆT MẬT"), **rest)
    stage.act("vptt.han", ref, "submit", undertaking=True)
    demo.advance(stage, ref, "visit", "under_review")
    return ref, stored["id"]


def told(office, stage, username, ref):
    return {item["id"]: item for item in queries.papers(office, stage.actor(username), ref)}


def test_a_stamped_paper_is_kept_and_held_back_until_an_officer_confirms(office, stage):
    ref, paper = held(office, stage, unclassified=True)
    assert told(office, stage, "vptt.han", ref)[paper]["held"] and not told(office, stage, "vptt.han", ref)[paper]["releasable"]
    assert open_paper(office, stage.actor("vptt.han"), paper).data
    for other in ("gd.khanh", "pgd.linh", "vt.van", "ktr.xuan"):
        assert paper not in told(office, stage, other, ref)
        assert "programme" not in queries.read_case(office, stage.actor(other), ref)["papers"]
        with pytest.raises(NotFound):
            open_paper(office, stage.actor(other), paper, purpose="tôi muốn xem thử")
        with pytest.raises(NotFound):
            engine.release(office, stage.actor(other), paper)
    with pytest.raises(NotFound):  # another officer is none of this case
        engine.release(office, stage.actor("cv.dung"), paper)
    with pytest.raises(NotFound):
        engine.release(office, stage.actor("vptt.lam"), paper)
    with pytest.raises(RoleRefused):
        engine.release(office, stage.actor("vptt.han"), paper)
    for officer in ("cv.binh", "motcua.mai", "tp.hoa"):
        assert told(office, stage, officer, ref)[paper]["releasable"]
        assert open_paper(office, stage.actor(officer), paper).data
    assert [r["role"] for r in readings(office, paper)] == ["officer", "intake", "head"]
    engine.release(office, stage.actor("cv.binh"), paper, "Chữ MẬT là tên riêng.")
    assert told(office, stage, "gd.khanh", ref)[paper]["held"] is None and open_paper(office, stage.actor("gd.khanh"), paper).data
    entry = queries.history(office, stage.actor("cv.binh"), ref)[-1]
    assert entry["action"] == "release" and entry["actor"]["username"] == "cv.binh" and entry["label"]["en"]
    with pytest.raises(Conflict):
        engine.release(office, stage.actor("cv.binh"), paper)
    assert stage.row(ref)["memory"]["held"] == {}


def test_a_picture_without_the_uploaders_word_is_held_back(office, stage):
    ref, paper = held(office, stage, "passport", picture())
    assert paper not in told(office, stage, "gd.khanh", ref)
    with pytest.raises(NotFound):  # a head reads no identity paper, so none to confirm either
        engine.release(office, stage.actor("tp.hoa"), paper)
    engine.release(office, stage.actor("motcua.mai"), paper)
    assert paper in told(office, stage, "gd.khanh", ref)
    ref, paper = held(office, stage, "passport", picture(), unclassified=True)
    assert told(office, stage, "gd.khanh", ref)[paper]["held"] is None


def test_whoever_uploads_does_not_confirm_it(office, stage):
    ref = stage.file("vptt.han", "visit")
    demo.advance(stage, ref, "visit", "under_review")
    _, stored = receive(office, stage.actor("cv.binh"), ref, "permit", "MẬT.pdf", PDF, unclassified=True)
    with pytest.raises(RoleRefused):
        engine.release(office, stage.actor("cv.binh"), stored["id"])
    engine.release(office, stage.actor("tp.hoa"), stored["id"])


def test_the_case_does_not_lose_a_held_paper(office, stage):
    """It counts as given, its replacement leaves it where it is, and a scan that is held back is none to decide on."""
    ref = stage.file("vptt.han", "visit", submit=False)
    _, stored = receive(office, stage.actor("vptt.han"), ref, "request", "TỐI MẬT.pdf", PDF)
    stage.act("vptt.han", ref, "submit", undertaking=True)
    demo.advance(stage, ref, "visit", "pending_committee")
    _, scan = receive(office, stage.actor("vt.van"), ref, "decision_scan", "MẬT.pdf", PDF)
    given = {"doc_no": "1/UBND", "doc_date": clock.today().isoformat(), "outcome": "approve", "scan": scan["id"], "signer": {"name": "Đỗ Thử Minh"}}
    refused = stage.refused("vt.van", ref, "enter_paper_decision", **given)
    assert [reason.code for reason in refused.reasons] == ["scan_present"]
    engine.release(office, stage.actor("cv.binh"), scan["id"])
    stage.act("vt.van", ref, "enter_paper_decision", **given)
    assert stored["id"] in told(office, stage, "motcua.mai", ref)


# --- who read what -------------------------------------------------------------------------------------------------


def test_read_audit(office, stage, monkeypatch):
    """One entry for each reading, committed before the first byte; the 51st within an hour is refused and marked."""
    ref = stage.file("vptt.han", "visit", submit=False)
    paper = passport(stage, ref)
    stage.act("vptt.han", ref, "submit", undertaking=True)
    demo.advance(stage, ref, "visit", "under_review", officer="cv.dung")  # who has opened nothing in the other tests
    officer, real = stage.actor("cv.dung"), attachments.Opened
    before: list[int] = []
    monkeypatch.setattr(attachments, "Opened", lambda *given: (before.append(len(readings(office, paper))), real(*given))[1])
    begun = clock.now()
    with clock.at(begun):
        for number in range(1, 51):
            assert open_paper(office, officer, paper).data == demo.PDF
            assert before[-1] == number == len(readings(office, paper))  # it was there, for others to see, before the bytes were
        with pytest.raises(SlowDown) as slow:
            open_paper(office, officer, paper)
        assert slow.value.data["wait"] > 3000 and len(before) == 50
        noted = readings(office, paper)
        assert [r["how"] for r in noted] == ["download"] * 50 + ["refused"] and {r["role"] for r in noted} == {"officer"}
        assert open_paper(office, stage.actor("motcua.mai"), paper, purpose="Kiểm tra lại số hộ chiếu").data  # each person has an own count
    with clock.at(begun + timedelta(minutes=61)):
        assert open_paper(office, officer, paper).data
    found = reads.listed(office, stage.actor("ktr.xuan"), {"paper": paper, "limit": "100"})["items"]
    assert len(found) == 53 and sum(item["refused"] for item in found) == 1
    assert found[-1]["purpose"] == {
        "vi": f"Xử lý hồ sơ ở bước “Sở Ngoại vụ đang thẩm định”: {stage.row(ref)['code']}",
        "en": f"Working on the case at “Under review”: {stage.row(ref)['code']}",
    }
    assert found[1]["purpose"] == {"vi": "Kiểm tra lại số hộ chiếu", "en": "Kiểm tra lại số hộ chiếu"} and found[1]["role"] == "intake"
    with office.db.read() as connection:
        assert not [r for r in store.query(connection, "SELECT purpose FROM reads") if r["purpose"] and not r["purpose"].startswith(MARK)]


def test_the_last_reading_of_the_hour_is_given_once(office, stage, limits):
    """Two readings at once are counted one after the other, on both databases."""
    ref = stage.file("vptt.han", "visit", submit=False)
    paper = passport(stage, ref)
    limits(reads_an_hour=5)
    actor = stage.actor("vptt.han")
    with office.db.read() as connection:
        recent = store.query(connection, "SELECT count(*) AS n FROM reads WHERE user_id = :id AND paper_id IS NOT NULL AND how <> 'refused' AND at > :since",
                             id=actor.id, since=clock.stamp(clock.now() - reads.HOUR))[0]["n"]  # fmt: skip
    limits(reads_an_hour=recent + 5)
    found = at_once(*[lambda: bool(open_paper(office, actor, paper).data)] * 8)
    assert sorted(False if isinstance(one, SlowDown) else one for one in found) == [False] * 3 + [True] * 5
    assert sorted(r["how"] for r in readings(office, paper)) == ["download"] * 5 + ["refused"] * 3


def test_a_purpose_is_asked_where_it_is_not_plain(office, stage):
    ref = stage.file("vptt.han", "visit", submit=False)
    paper = passport(stage, ref)
    stage.act("vptt.han", ref, "submit", undertaking=True)
    with pytest.raises(Invalid) as asked:
        open_paper(office, stage.actor("gd.khanh"), paper)
    assert set(asked.value.fields) == {"purpose"}
    for bad in ("xem", "x" * 301, "abc\x00defgh"):
        with pytest.raises(Invalid):
            open_paper(office, stage.actor("gd.khanh"), paper, purpose=bad)
    with pytest.raises(Invalid):
        open_paper(office, stage.actor("gd.khanh"), paper, how="copy", purpose="Theo văn bản số 5")
    assert readings(office, paper) == []
    open_paper(office, stage.actor("gd.khanh"), paper, how="print", purpose="Theo văn bản số 5")
    open_paper(office, stage.actor("motcua.mai"), paper, how="view")  # the file waits for the desk
    open_paper(office, stage.actor("vptt.han"), paper)
    assert [(r["role"], r["how"]) for r in readings(office, paper)] == [("director", "print"), ("intake", "view"), ("applicant", "download")]


@pytest.mark.parametrize("who", ["tp.hoa", "ubnd.minh", "hd.thao", "vt.van", "ktr.xuan", "qs.quan", "cv.dung", "vptt.lam", "qt.yen"])
def test_identity_papers_are_for_those_of_the_matrix(office, stage, who):
    ref = stage.file("vptt.han", "visit", submit=False)
    paper = passport(stage, ref)
    stage.act("vptt.han", ref, "submit", undertaking=True)
    demo.advance(stage, ref, "visit", "pending_committee")
    with pytest.raises(NotFound):
        open_paper(office, stage.actor(who), paper, purpose="tôi muốn xem thử")
    assert readings(office, paper) == []


def test_an_auditors_papers_are_recorded_without_a_limit(office, stage, limits):
    ref = stage.file("vptt.han", "visit")
    paper = next(iter(stage.row(ref)["papers"].values()))["id"]
    limits(reads_an_hour=1)
    for _ in range(3):
        open_paper(office, stage.actor("ktr.xuan"), paper)
    assert [(r["role"], r["how"]) for r in readings(office, paper)] == [("auditor", "download")] * 3
    open_paper(office, stage.actor("motcua.mai"), paper)  # an ordinary paper of those who work on it
    assert len(readings(office, paper)) == 3


def test_who_may_look_the_record_up(office, stage):
    ref = stage.file("vptt.han", "visit", submit=False)
    paper = passport(stage, ref)
    stage.act("vptt.han", ref, "submit", undertaking=True)
    demo.advance(stage, ref, "visit", "under_review")
    for who in ("vptt.han", "cv.binh"):
        open_paper(office, stage.actor(who), paper)
    queries.read_case(office, stage.actor("ktr.xuan"), ref)
    by = lambda who, **f: [(i["person"]["username"], i["role"]) for i in reads.listed(office, stage.actor(who), {"case": ref, **f})["items"]]  # noqa: E731
    assert by("ktr.xuan") == [("ktr.xuan", "auditor"), ("cv.binh", "officer"), ("vptt.han", "applicant")]
    assert by("gd.khanh") == [("ktr.xuan", "auditor"), ("cv.binh", "officer")]  # own staff, and the auditor's reads
    for who in ("cv.binh", "tp.hoa", "vptt.han", "ubnd.minh", "qt.yen", "vt.van", "ca.phuc"):
        with pytest.raises(RoleRefused):
            reads.listed(office, stage.actor(who), {})
    assert by("ktr.xuan", person="cv.binh", paper=paper) == [("cv.binh", "officer")]
    today = clock.today()
    assert len(by("ktr.xuan", **reads.parse({"from": today.isoformat(), "to": today.isoformat()}))) == 3
    assert by("ktr.xuan", **reads.parse({"to": (today - timedelta(days=1)).isoformat()})) == []
    page = reads.listed(office, stage.actor("ktr.xuan"), {"case": ref, "limit": "2"})
    assert len(page["items"]) == 2
    assert [i["role"] for i in reads.listed(office, stage.actor("ktr.xuan"), {"case": ref, "cursor": page["next_cursor"]})["items"]] == ["applicant"]
    for bad in ({"x": "1"}, {"from": "1/1/2026"}, {"limit": "0"}, {"limit": "a"}, {"cursor": "x"}, {"person": "a\x00"}, {"to": "2026-02-30"}):
        with pytest.raises(Invalid):
            reads.parse(bad)


def test_a_year_of_one_scan_fits_on_a_page(office, stage):
    """Each reading while they fit; then by person and day, by person and month, by person: never more lines than a page has."""
    ref = stage.file("vptt.han", "visit", submit=False)
    paper = passport(stage, ref)
    auditor, start = stage.actor("ktr.xuan"), clock.now()
    people = [stage.actor(name) for name in ("cv.binh", "motcua.mai", "gd.khanh", "vptt.han")]

    def read(count: int, first: int) -> None:
        for number in range(count):
            with clock.at(start - timedelta(days=first + number)):
                who = people[number % len(people)]
                reads.note(office, reads.Reading(who.id, ref, f"paper:{paper}", "officer", "view", Text("Đối chiếu", "Compared"), paper))

    read(30, 0)
    assert reads.report(office, auditor, {"paper": paper})["by"] == "each"
    for _ in range(2):  # twice a day
        read(20, 30)
    found = reads.report(office, auditor, {"paper": paper})
    assert found["by"] == "month" and found["total"] == 70 and sum(r["count"] for r in found["rows"]) == 70 and len(found["rows"]) <= reads.LINES
    by_day = reads.report(office, auditor, {"paper": paper}, lines=60)
    assert by_day["by"] == "day" and len(by_day["rows"]) == 50 and sum(r["hows"] == {"view": 2} for r in by_day["rows"]) == 20
    read(300, 50)
    found = reads.report(office, auditor, {"paper": paper})
    assert found["by"] == "person" and len(found["rows"]) == 4 and sum(r["count"] for r in found["rows"]) == 370 and not found["cut"]
    assert found["rows"][0]["purposes"] == [{"vi": "Đối chiếu", "en": "Compared"}]


def test_readings_outlive_the_paper_and_earlier_ones_are_found(office, stage):
    """The answer stands when the scan is erased, and rows of before bear the paper in `what` alone."""
    ref = stage.file("vptt.han", "visit")
    gone = "f" * 32
    office.db.transact(lambda c: store.execute(c, "INSERT INTO reads (at, user_id, case_id, what) VALUES (:at, :user, :case, :what)",
                                               at=clock.stamp(clock.now()), user=stage.actor("cv.binh").id, case=ref, what=f"paper:{gone}"))  # fmt: skip
    items = reads.listed(office, stage.actor("ktr.xuan"), {"paper": gone})["items"]
    assert len(items) == 1 and items[0]["paper"] == {"id": gone, "name": None, "label": None} and items[0]["purpose"] is None and not items[0]["refused"]


# --- names ---------------------------------------------------------------------------------------------------------


def hostile_names() -> list[str]:
    """Two hundred names that would like to be a path, a header, a device, a page or a program."""
    found = [
        "",
        ".",
        "..",
        "/",
        "\\",
        " ",
        "\x00",
        "a\x00.pdf",
        "a" * 4096,
        "ố" * 4096,
        "a." + "b" * 4096,
        "\u202efdp.exe",
        "a\u2066b\u2069",
        "\ufeffa",
        "a\u0000\u0001",
        "\ud800a",
    ]
    found += [f"{dots}etc/passwd" for dots in ("../", "../../", "..\\", "....//", "%2e%2e%2f", "%252e%252e/", "..%c0%af", "..;/", "\u2025/", "\uff0e\uff0e/")]
    found += [f"{device}{end}" for device in ("CON", "nul", "Aux", "PRN", "COM1", "lpt9", "COM0") for end in ("", ".pdf", ".tar.pdf", " .pdf", ".")]
    found += [f"a{mark}b.pdf" for mark in "\r\n\t\x0b\x7f\x85\u2028\u2029\"'`;:|<>?*$&%#@!=,(){}[]^~+/\\"]
    found += [f"a\r\nSet-Cookie: x=1{n}" for n in range(5)] + [f'a"; filename="b{n}.exe' for n in range(5)] + [f"<script>{n}</script>.pdf" for n in range(5)]
    found += [
        f"a.{end}"
        for end in ("exe", "html", "svg", "js", "php", "pdf.exe", "pdf ", "PDF", "pdf.", "jpg", "docx", "lnk", "bat", "com", "scr", "htaccess", "pdf\u200b")
    ]
    found += [
        f"{head}x.pdf"
        for head in ("-", "--", "~", ".", ".ht", "~/.ssh/", "C:\\", "C:", "\\\\server\\share\\", "file:///", "http://a/", "//", "smb:", "\u00a0", "\u3000")
    ]
    found += [f"Hộ chiếu {n} – Nguyễn Thử.pdf" for n in range(20)] + [f"{'.' * n}a" for n in range(1, 20)] + [f"{'../' * n}x.pdf" for n in range(3, 30)]
    return found + [chr(n) * 5 for n in range(0x2060, 0x2070)] + [f"a{chr(n)}.pdf" for n in range(1, 20)]


NAMES = hostile_names()


def test_path_names_200(office, stage, draft):
    """No name moves where a file lies, and each comes out harmless in the header and on a disk."""
    from api.rest.cases import disposition

    assert len(NAMES) >= 200
    checked = filecheck.check(PDF, "")
    for name in NAMES:
        shown = safe_name(name)
        assert 5 <= len(shown) <= 120 and shown.endswith(".pdf") and shown.isprintable() and shown == shown.strip()
        assert not set(shown) & set("/\\<>:\"|?*%;'`$&\r\n\x00") and not shown.startswith((".", "-", "~")), shown
        assert shown.split(".")[0].upper() not in attachments._DEVICES, shown
        header = disposition(shown)
        header.encode("latin-1")  # what a header can carry
        assert header.startswith('attachment; filename="') and header.count('"') == 2 and "filename*=UTF-8''" in header and header.isprintable()
    for name in NAMES[::12]:
        stored = attachments.keep(office, name, checked)
        path = vault.path_of(office, stored["cipher_hash"])
        assert path.is_file() and path.parent.parent == office.files and path.name == stored["cipher_hash"]
        vault.forget(office, stored)
    for bad in ("../../x", "", "a" * 63, "A" * 64, "g" * 64, "a" * 64 + "\n"):
        with pytest.raises(ValueError):
            vault.path_of(office, bad)
