"""The scans of identity papers that the police read of a request they are asked about: which, for how long, and on record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from states import FLOWS
from tests.files import pdf, unicode_pdf
from tests.rounds import at_once
from workflow import bundles, clock, demo, engine, queries, reads, store, vault
from workflow.attachments import open_paper, purpose_of, receive
from workflow.desk import internals
from workflow.errors import FileDamaged, Invalid, NotFound, SlowDown

OTHER = pdf(text="A clearer scan")
NAMES = {paper.name for paper in FLOWS["visit"].papers if paper.sensitive}


@pytest.fixture
def filed(stage):
    """A visit under review, with the scans of its passports and cards."""
    ref = stage.file("vptt.han", "visit", papers=demo.SCANS)
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    return ref


def consult(stage, ref, *agencies, bundle=("/crew", "/itinerary")):
    """Ask these bodies; the ids of their questions by agency."""
    stage.act("cv.binh", ref, "consult", agencies=list(agencies), question="Đề nghị cho ý kiến.", due_at=stage.soon(), bundle=list(bundle))
    questions = {}
    for id_ in stage.children(ref, "consultation", "asked"):
        questions[stage.row(id_)["fields"]["agency"]] = id_
    return questions


def scan_of(stage, ref, name="passport"):
    return stage.row(ref)["papers"][name]["id"]


def readings(office, paper):
    with office.db.read() as connection:
        return store.query(connection, "SELECT r.*, u.username FROM reads r JOIN users u ON u.id = r.user_id WHERE r.paper_id = :id ORDER BY r.id", id=paper)


def opens(office, stage, paper, who="ca.phuc", purpose="Đối chiếu theo công văn"):
    """Whether somebody may open a paper; by the bytes they get, not by what a list says."""
    try:
        return open_paper(office, stage.actor(who), paper, purpose=purpose).data == demo.PDF
    except NotFound:
        return False


def listed(office, stage, question, who="ca.phuc"):
    """The scans on the page of a question, by both ways of reading it; the same, or none."""
    case = queries.read_case(office, stage.actor(who), question)["papers"]
    try:
        items = queries.papers(office, stage.actor(who), question)
    except NotFound:
        items = []
    assert case == {item["name"]: item["id"] for item in items}
    return case


def test_the_police_read_the_scans_of_what_they_are_asked_about(office, stage, filed):
    assert {"passport", "card"} == NAMES
    question = consult(stage, filed, "cong_an")["cong_an"]
    assert listed(office, stage, question) == {name: scan_of(stage, filed, name) for name in NAMES}
    item = next(i for i in queries.papers(office, stage.actor("ca.phuc"), question) if i["name"] == "passport")
    assert item["sensitive"] and item["current"] and item["held"] is None and not item["releasable"] and item["by"]["name"] is None
    opened = open_paper(office, stage.actor("ca.phuc"), item["id"], how="view")
    assert opened.data == demo.PDF and opened.filename == item["filename"]


def test_each_opening_is_one_entry_with_capacity_purpose_and_agency(office, stage, filed):
    question = consult(stage, filed, "cong_an")["cong_an"]
    paper, code = scan_of(stage, filed), stage.row(question)["code"]
    open_paper(office, stage.actor("ca.phuc"), paper)
    open_paper(office, stage.actor("ca.phuc"), paper, how="print", purpose="Gửi Phòng nghiệp vụ kiểm tra")
    assert [(r["username"], r["role"], r["how"], r["case_id"]) for r in readings(office, paper)] == [
        ("ca.phuc", "consultee", "download", filed), ("ca.phuc", "consultee", "print", filed),
    ]  # fmt: skip
    for filters in ({"paper": paper}, {"case": stage.row(filed)["code"]}):
        first = reads.listed(office, stage.actor("ktr.xuan"), filters)["items"][-1]
        assert first["organisation"]["code"] == "cong_an" and first["case"]["id"] == filed and first["paper"]["name"] == "passport"
        assert code in first["purpose"]["vi"] and "Trả lời lấy ý kiến" in first["purpose"]["vi"] and "Answering" in first["purpose"]["en"]


def test_the_entry_is_committed_before_the_first_byte(office, stage, filed, monkeypatch):
    """Where the entry cannot be written nothing is given out; where it is, another connection sees it already."""
    consult(stage, filed, "cong_an")
    paper, seen = scan_of(stage, filed), []
    noted = reads.note

    def note(*args, **rest):
        noted(*args, **rest)
        seen.append(len(readings(office, paper)))

    monkeypatch.setattr(reads, "note", note)
    open_paper(office, stage.actor("ca.phuc"), paper)
    assert seen == [1]

    def broken(*_, **__):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(reads, "note", broken)
    with pytest.raises(RuntimeError):
        open_paper(office, stage.actor("ca.phuc"), paper)
    assert len(readings(office, paper)) == 1


@pytest.mark.parametrize("who", ["vhttdl.son", "qs.quan", "bp.tuan"])
def test_other_bodies_read_none(office, stage, filed, who):
    """Asked the same with the same parts, or not asked at all."""
    questions = consult(stage, filed, "cong_an", "so_vhttdl", "bo_chqs")
    own = {"vhttdl.son": "so_vhttdl", "qs.quan": "bo_chqs"}.get(who)
    for name in NAMES:
        assert not opens(office, stage, scan_of(stage, filed, name), who)
        assert readings(office, scan_of(stage, filed, name)) == []
    if own:
        assert listed(office, stage, questions[own], who) == {}
        with pytest.raises(NotFound):
            queries.papers(office, stage.actor(who), questions[own])
    with pytest.raises(NotFound):
        queries.papers(office, stage.actor(who), questions["cong_an"])


@pytest.mark.parametrize(("bundle", "reads_them"), [
    ((), True), (("/crew",), True), (("/itinerary", "/crew"), True), (("/itinerary",), False), (("/title", "/purpose"), False), (("/crew/0",), False),
    (("/crew/0/passport_no",), False), (("paper:passport",), False),
])  # fmt: skip
def test_only_the_whole_crew_brings_the_scans_along(office, stage, filed, bundle, reads_them):
    """One file shows everybody's pages: a single member brings none. With nothing chosen the police are sent the crew."""
    question = consult(stage, filed, "cong_an", bundle=bundle)["cong_an"]
    assert bool(listed(office, stage, question)) == reads_them
    assert opens(office, stage, scan_of(stage, filed)) == reads_them


def test_nothing_but_identity_papers_of_that_request(office, stage, filed):
    """No application, no programme, no scan of the desk's own, nothing of another request of the same people."""
    other = stage.file("vptt.han", "visit", papers=demo.SCANS)
    question = consult(stage, filed, "cong_an")["cong_an"]
    scan = stage.attach("vt.van", question, "answer_scan")
    plain = [paper["id"] for name, paper in stage.row(filed)["papers"].items() if name not in NAMES]
    assert plain
    for paper in (*plain, scan, scan_of(stage, other), scan_of(stage, other, "card"), "0" * 32):
        assert not opens(office, stage, paper)
    assert set(listed(office, stage, question)) == NAMES
    assert not opens(office, stage, scan_of(stage, other), "ca.phuc")


def test_a_held_scan_stays_closed_until_it_is_released(office, stage):
    ref = stage.file("vptt.han", "visit", submit=False, papers=("card",))
    _, stored = receive(office, stage.actor("vptt.han"), ref, "passport", "giay.pdf", unicode_pdf("TUYỆT MẬT"))
    assert stored["held"]
    stage.act("vptt.han", ref, "submit", undertaking=True)
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    question = consult(stage, ref, "cong_an")["cong_an"]
    assert set(listed(office, stage, question)) == {"card"}
    with pytest.raises(NotFound):
        open_paper(office, stage.actor("ca.phuc"), stored["id"], purpose="Xem để xác nhận không mật")
    with pytest.raises(NotFound):
        engine.release(office, stage.actor("ca.phuc"), stored["id"])
    assert readings(office, stored["id"]) == []
    engine.release(office, stage.actor("cv.binh"), stored["id"])
    assert set(listed(office, stage, question)) == NAMES
    assert open_paper(office, stage.actor("ca.phuc"), stored["id"]).data


def test_the_version_in_use_is_read_and_none_before_it(office, stage, filed):
    """A scan that is replaced while the question stands: the newer one. The opinion that rests on the old one is asked for again."""
    question = consult(stage, filed, "cong_an", "so_vhttdl")["cong_an"]
    old = scan_of(stage, filed)
    demo.answer_all(stage, filed)
    new = new_passport(stage, filed)
    assert listed(office, stage, question)["passport"] == new == scan_of(stage, filed)
    assert not opens(office, stage, old) and readings(office, old) == []
    assert changed(office, stage, filed) == {"cong_an": ["Giấy tờ: Trang hộ chiếu"], "so_vhttdl": []}


def test_they_are_read_while_the_body_may_answer_or_amend(office, stage, filed):
    question = consult(stage, filed, *demo.bodies(stage, filed, "visit"))["cong_an"]
    paper = scan_of(stage, filed)
    demo.answer_all(stage, filed)
    assert set(listed(office, stage, question)) == NAMES
    with pytest.raises(Invalid) as asked:  # nothing waits for them now: they say what for
        open_paper(office, stage.actor("ca.phuc"), paper)
    assert set(asked.value.fields) == {"purpose"}
    page = purpose_of(office, stage.actor("ca.phuc"), paper)
    assert page["case"]["id"] == question and page["task"] is None, "the request itself is told to nobody outside"
    assert opens(office, stage, paper)
    for stop in ("pending_endorsement", "pending_decision", "pending_committee"):
        demo.step(stage, filed, "visit", stop)
    assert opens(office, stage, paper), "not decided yet"
    demo.step(stage, filed, "visit", "approved")
    assert not opens(office, stage, paper) and listed(office, stage, question) == {}
    assert stage.refused("ca.phuc", question, "amend_answer", outcome="objection").code == "needs"


@pytest.mark.parametrize("end", ["cancelled", "lapsed", "withdrawn"])
def test_a_question_that_is_over_reads_nothing(office, stage, filed, end):
    question = consult(stage, filed, "cong_an")["cong_an"]
    paper = scan_of(stage, filed)
    assert opens(office, stage, paper)
    if end == "cancelled":
        stage.act("tp.hoa", question, "cancel_consultation", reason="Không cần hỏi.")
    elif end == "lapsed":
        with clock.at(clock.later(days=9)):
            stage.act("cv.binh", question, "lapse")
    else:
        stage.act("vptt.han", filed, "withdraw", reason="Đổi kế hoạch.")
        stage.deliver()
    assert not opens(office, stage, paper) and listed(office, stage, question) == {}
    assert len(readings(office, paper)) == 1


def test_the_last_question_decides(office, stage, filed):
    """Asked again without the crew, the body reads no scans, through the earlier question neither."""
    first = consult(stage, filed, "cong_an")["cong_an"]
    demo.answer_all(stage, filed)
    row = stage.row(filed)["fields"]["itinerary"][0]
    stage.act("cv.binh", filed, "ask_clarification", items=[{"target": f"/itinerary/{row['row']}/place", "code": "place_unclear"}], respond_by=stage.soon())
    mended = [{**r, **({"place": "Chợ nổi số 3"} if r["row"] == row["row"] else {})} for r in stage.row(filed)["fields"]["itinerary"]]
    engine.edit_case(office, stage.actor("vptt.han"), filed, {"itinerary": mended}, version=stage.row(filed)["version"])
    stage.act("vptt.han", filed, "clarify")
    assert opens(office, stage, scan_of(stage, filed))
    second = consult(stage, filed, "cong_an", bundle=("/itinerary",))["cong_an"]
    assert second != first and not opens(office, stage, scan_of(stage, filed))
    assert listed(office, stage, first) == listed(office, stage, second) == {}


def test_a_body_that_the_locality_names_no_more_reads_none(office, stage, filed, monkeypatch):
    question = consult(stage, filed, "cong_an")["cong_an"]
    monkeypatch.setitem(office.profile.raw, "personal_data", {**office.profile.raw["personal_data"], "identity_papers": ["bo_chqs"]})
    assert not opens(office, stage, scan_of(stage, filed)) and listed(office, stage, question) == {}
    asked = consult(stage, filed, "bo_chqs")["bo_chqs"]
    assert set(listed(office, stage, asked, "qs.quan")) == NAMES and opens(office, stage, scan_of(stage, filed), "qs.quan")


def test_a_question_of_an_earlier_version_sent_no_scans(office, stage, filed, monkeypatch):
    """It remembers no papers; nobody decided then that they go along. A new scan is no change of what it showed."""
    shown = bundles.shown

    def as_before(*given):
        bundle, remembered = shown(*given)
        del remembered["papers"]
        remembered["marks"] = {part: mark for part, mark in remembered["marks"].items() if not part.startswith("paper:")}
        return bundle, remembered

    monkeypatch.setattr(bundles, "shown", as_before)
    question = consult(stage, filed, "cong_an")["cong_an"]
    assert listed(office, stage, question) == {} and not opens(office, stage, scan_of(stage, filed))
    new_passport(stage, filed)
    assert changed(office, stage, filed) == {"cong_an": []}


def new_passport(stage, ref):
    """The applicant sends another scan of the passports, as asked; answers its id."""
    stage.act("cv.binh", ref, "ask_clarification", items=[{"target": "paper:passport", "code": "paper_unreadable"}], respond_by=stage.soon())
    new = stage.attach("vptt.han", ref, "passport", OTHER)
    stage.act("vptt.han", ref, "clarify")
    return new


def changed(office, stage, ref):
    """By agency what its opinion rests on and is not so any more."""
    return {item["agency_code"]: [part["vi"] for part in item["changed"]] for item in internals(office, stage.actor("cv.binh"), ref)["opinions"]}


def test_the_limit_of_an_hour_holds_at_once_too(office, stage, filed, monkeypatch):
    consult(stage, filed, "cong_an")
    paper, actor = scan_of(stage, filed), stage.actor("ca.phuc")
    with office.db.read() as connection:
        before = store.query(connection, "SELECT count(*) AS n FROM reads WHERE user_id = :id AND paper_id IS NOT NULL AND how <> 'refused' AND at > :since",
                             id=actor.id, since=clock.stamp(clock.now() - reads.HOUR))[0]["n"]  # fmt: skip
    monkeypatch.setitem(office.profile.__dict__, "papers", replace(office.profile.papers, reads_an_hour=before + 3))
    found = at_once(*[lambda: bool(open_paper(office, actor, paper).data)] * 5)
    assert sorted(False if isinstance(one, SlowDown) else one for one in found) == [False] * 2 + [True] * 3
    assert sorted(r["how"] for r in readings(office, paper)) == ["download"] * 3 + ["refused"] * 2


def test_a_damaged_scan_is_no_reading(office, stage, filed):
    consult(stage, filed, "cong_an")
    paper = scan_of(stage, filed)
    with office.db.read() as connection:
        kept = store.query(connection, "SELECT * FROM papers WHERE id = :id", id=paper)[0]
    vault.path_of(office, kept["cipher_hash"]).unlink()
    with pytest.raises(FileDamaged):
        open_paper(office, stage.actor("ca.phuc"), paper)
    assert readings(office, paper) == []


def test_an_interview_has_them_too(office, stage):
    ref = stage.file("vptt.han", "interview", papers=demo.SCANS)
    stage.act("motcua.mai", ref, "accept", officer="cv.binh")
    question = consult(stage, ref, "cong_an", bundle=())["cong_an"]
    assert set(listed(office, stage, question)) == NAMES and opens(office, stage, scan_of(stage, ref))
