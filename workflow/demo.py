"""The demo: invented people and outlets, a case in every state, and a narrated walk. Everything goes
through `perform`, with the clock set; no row is written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from states import FLOWS
from workflow import attachments, chance, clock, engine, filecheck, localities, queries, store, users, worker
from workflow.authority import Actor
from workflow.calendar import seed_calendar, years_ahead
from workflow.deadlines import Deadline
from workflow.errors import NeedsUnmet, WorkflowError
from workflow.facts import routed
from workflow.filecheck import Checked
from workflow.office import Office

PASSWORD = "Thu-nghiem-2026!"  # noqa: S105  printed in the README; production refuses to start with demo accounts

# Invented outlets; every other body comes from the locality's profile.
OUTLETS = (
    ("hangtin_a", "requesting", "Văn phòng thường trú (hãng tin minh họa) A", "Resident bureau (illustration news agency) A", "none"),
    ("truyenhinh_b", "requesting", "Hãng truyền hình minh họa B", "Illustration television B", "none"),
)

ACCOUNTS = (
    ("vptt.han", "Trần Thử Hân", "hangtin_a", "applicant", True, ("Đại diện", "Representative")),
    ("vptt.thu", "Nguyễn Thử Thu", "hangtin_a", "applicant", False, ("Trợ lý", "Assistant")),
    ("vptt.lam", "Vũ Thử Lam", "truyenhinh_b", "applicant", True, ("Đại diện", "Representative")),
    ("motcua.mai", "Võ Thử Mai", "sngv", "intake", False, ("Cán bộ một cửa", "Intake desk")),
    ("cv.binh", "Nguyễn Thử Bình", "sngv", "officer", False, ("Chuyên viên", "Officer")),
    ("cv.dung", "Hồ Thử Dung", "sngv", "officer", False, ("Chuyên viên", "Officer")),
    ("tp.hoa", "Lê Thử Hoa", "sngv", "head", False, ("Trưởng phòng", "Head of unit")),
    ("ptp.ngoc", "Đặng Thử Ngọc", "sngv", "head", False, ("Phó Trưởng phòng", "Deputy head of unit")),
    ("gd.khanh", "Phạm Thử Khánh", "sngv", "director", False, ("Giám đốc", "Director")),
    ("pgd.linh", "Hoàng Thử Linh", "sngv", "director", False, ("Phó Giám đốc", "Deputy director")),
    ("ubnd.minh", "Đỗ Thử Minh", "ubnd", "committee", False, ("Phó Chủ tịch UBND", "Vice-Chair")),
    ("ubnd.quang", "Bùi Thử Quang", "ubnd", "committee", False, ("Phó Chủ tịch UBND", "Vice-Chair")),
    ("vpub.nga", "Dương Thử Nga", "vp_ubnd", "leader_office", False, ("Phó Chánh Văn phòng", "Deputy head of office")),
    ("vpub.phuong", "Ngô Thử Phương", "vp_ubnd", "leader_office", False, ("Chuyên viên", "Officer")),
    ("ca.phuc", "Lý Thử Phúc", "cong_an", "consultee", True, ("Cán bộ đầu mối", "Liaison")),
    ("qs.quan", "Trịnh Thử Quân", "bo_chqs", "consultee", True, ("Cán bộ đầu mối", "Liaison")),
    ("bp.tuan", "Tống Thử Tuấn", "bien_phong", "consultee", True, ("Cán bộ đầu mối", "Liaison")),
    ("vhttdl.son", "Mai Thử Sơn", "so_vhttdl", "consultee", True, ("Cán bộ đầu mối", "Liaison")),
    ("hd.thao", "Phan Thử Thảo", "sngv", "guide", False, ("Cán bộ hướng dẫn", "Guide")),
    ("hd.uyen", "Đinh Thử Uyên", "sngv", "guide", False, ("Cán bộ hướng dẫn", "Guide")),
    ("vt.van", "Cao Thử Vân", "sngv", "registry", False, ("Văn thư", "Registry")),
    ("ktr.xuan", "Bùi Thử Xuân", "thanh_tra", "auditor", False, ("Thanh tra viên", "Inspector")),
    ("qt.yen", "Tạ Thử Yên", "quan_tri", "admin", False, ("Quản trị kỹ thuật", "Administrator")),
)

# One page, as a scanner's neighbour would make it: every viewer opens it.
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n"
    b"4 0 obj<</Length 51>>stream\nBT /F1 18 Tf 60 760 Td (Illustration paper) Tj ET  \nendstream endobj\n"
    b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


def load_accounts(office: Office, password_hash: str | None = None) -> None:
    """The locality's bodies, invented outlets and accounts, and the calendar; nothing where they are there already."""
    hashed = password_hash or users.hasher().hash(PASSWORD)

    def work(connection: Connection) -> None:
        if store.query(connection, "SELECT id FROM users WHERE demo LIMIT 1"):
            return
        localities.install(connection, office.profile)
        for outlet in OUTLETS:
            users.add_organisation(connection, *outlet)
        ids = {row["code"]: row["id"] for row in store.query(connection, "SELECT id, code FROM organisations")}
        for username, name, code, role, lead, title in ACCOUNTS:
            if code not in ids:  # a body that this locality does not have
                continue
            user = users.add_user(connection, username, name, hashed, title=title, demo=True)
            users.grant(connection, user, ids[code], role, lead)
        seed_calendar(connection, years_ahead())

    office.db.transact(work)
    office.forget()


@lru_cache(maxsize=8)
def _checked(data: bytes) -> Checked:
    """A file of the demo, looked into once though it is attached to many cases."""
    return filecheck.check(data, "")


@dataclass
class Stage:
    """Plays people on an office: `act("tp.hoa", ref, "endorse")` as if pressed in the browser."""

    office: Office
    say: Callable[[str], None] = lambda _: None
    actors: dict[str, Actor] = field(default_factory=dict)

    def actor(self, username: str) -> Actor:
        """The account of that name."""
        if username not in self.actors:
            found = users.actor_by_username(self.office, username)
            if found is None:
                raise KeyError(username)
            self.actors[username] = found
        return self.actors[username]

    def row(self, ref: str) -> dict[str, Any]:
        """The case as stored."""
        with self.office.db.read() as connection:
            self.office.refresh(connection)
            found = store.load(connection, ref)
        assert found is not None, ref
        return found

    def act(self, username: str, ref: str, action: str, **given: Any) -> str:
        """Take an action on the current version; answers the new state."""
        row = self.row(ref)
        if "seen" in {i.name for s in FLOWS[row["kind"]].actions[action] for i in s.inputs} and "seen" not in given:
            given["seen"] = queries.read_case(self.office, self.actor(username), ref)["decision_hash"]
        engine.perform(self.office, self.actor(username), ref, action, given, version=row["version"])
        after = self.row(ref)
        self.say(f"{username}: {action} → {after['state']}")
        return str(after["state"])

    def refused(self, username: str, ref: str, action: str, **given: Any) -> WorkflowError:
        """Try an action that must be refused; answers the refusal."""
        row = self.row(ref)
        try:
            engine.perform(self.office, self.actor(username), ref, action, given, version=row["version"])
        except WorkflowError as error:
            reasons = getattr(error, "reasons", ())
            why = "; ".join(reason.message.vi for reason in reasons) or error.message.vi
            self.say(f"{username}: {action} ✗ {error.code}: {why}")
            return error
        raise AssertionError(f"{username} should not have been able to {action}")

    def file(self, username: str, kind: str, *, submit: bool = True, fields: Mapping[str, Any] | None = None, papers: tuple[str, ...] = (), **rest: Any) -> str:
        """Open a case from the kind's example, with its legal papers and those named, and send it."""
        flow = FLOWS[kind]
        assert flow.example is not None
        values = {**flow.example(clock.today()), **(fields or {})}
        done = engine.open_case(self.office, self.actor(username), kind, values, **rest)
        for paper in flow.papers:
            if paper.flag == "legal" or paper.name in papers:
                self.attach(username, done.case_id, paper.name)
        if submit:
            self.act(username, done.case_id, "submit", undertaking=True)
        return done.case_id

    def attach(self, username: str, ref: str, name: str, data: bytes = PDF) -> str:
        """Upload a small file under a paper name; answers its id."""
        stored = attachments.keep(self.office, f"{name}.pdf", _checked(data), unclassified=True)
        engine.attach(self.office, self.actor(username), ref, name, stored)
        return str(stored["id"])

    def consultations(self, ref: str) -> dict[str, str]:
        """Open consultations of a case by agency."""
        return {store_child[8]: store_child[0] for store_child in self.row(ref)["children"] if store_child[1] == "consultation"}

    def children(self, ref: str, kind: str, *states: str) -> list[str]:
        """Ids of children of a kind, in these states."""
        return [c[0] for c in self.row(ref)["children"] if c[1] == kind and (not states or c[2] in states)]

    def deliver(self) -> None:
        """Let the worker do what is due."""
        worker.drain(self.office)

    def letters(self, ref: str) -> None:
        """Sign what is drafted and issue what is sealed, by those who may."""
        import orjson

        from states.kinds.letter import LETTERS

        self.deliver()
        for id_, kind, state, _, _, fields, *_ in self.row(ref)["children"]:
            if kind != "letter":
                continue
            name = orjson.loads(fields)["letter"]
            if state == "drafted":
                signers = LETTERS[name].signers
                who = {
                    "intake": "motcua.mai",
                    "officer": "cv.binh",
                    "head": "tp.hoa",
                    "director": "gd.khanh",
                    "committee": "ubnd.minh",
                    "leader_office": "vpub.nga",
                }
                self.act(next(who[s] for s in signers if s not in ("officer",)), id_, "sign")
                state = "sealed"
            if state == "sealed":
                self.number = getattr(self, "number", 100) + 1
                self.act("vt.van", id_, "issue", number=f"{self.number}/SNgV", on=clock.today().isoformat())
        self.deliver()

    def given_up(self, ref: str) -> datetime:
        """The moment from which a crew that has not come may be marked so; days off are passed over, however many."""
        row = self.row(ref)
        until = self.office.deadlines_for(row).grace_until(row["first_day"])
        assert until is not None, ref
        return max(until, clock.now())

    def soon(self, days: float = 2) -> str:
        """A moment some days ahead, at the end of office hours."""
        return clock.stamp(clock.now() + timedelta(days=days))


@contextmanager
def on(moment: datetime) -> Iterator[None]:
    """The clock set to a moment."""
    with clock.at(moment):
        yield


# What the police look at where they are asked.
SCANS = ("passport", "card")
BY_ACCOUNT = {"cong_an": "ca.phuc", "so_vhttdl": "vhttdl.son", "bien_phong": "bp.tuan"}


def answer_all(stage: Stage, ref: str) -> None:
    """Every body asked answers: those with an account themselves, the others on paper through the registry."""
    for child in stage.children(ref, "consultation", "asked"):
        agency = stage.row(child)["fields"]["agency"]
        if agency in BY_ACCOUNT:
            stage.act(BY_ACCOUNT[agency], child, "answer", outcome="no_objection", opinion="Không có ý kiến khác.")
        else:
            scan = stage.attach("vt.van", child, "answer_scan")
            stage.act("vt.van", child, "record_answer", outcome="conditions", doc_no="903/BCH", doc_date=clock.today().isoformat(), scan=scan)


def bodies(stage: Stage, ref: str, kind: str) -> list[str]:
    """Whom the officer asks: the bodies that the rules propose, and the army on every visit of the demo."""
    row = stage.row(ref)
    proposed = [item["agency"] for item in routed(stage.office, row)["proposed"]]
    return list(dict.fromkeys([*proposed, "bo_chqs"] if kind == "visit" else proposed))


def proposal(stage: Stage, ref: str, kind: str, word: str = "approve") -> dict[str, Any]:
    """What the officer recommends."""
    given: dict[str, Any] = {"proposal": word, "reason": "Hồ sơ đủ, chương trình phù hợp."}
    if word == "reject":
        given |= {"grounds": ["safety"], "reason": "Địa điểm đang phòng chống thiên tai."}
    if kind == "interview":
        given["questions"] = [{"row": q["row"], "result": "accept"} for q in stage.row(ref)["fields"]["questions"]]
    return given


# How far a case has come: each stop is reached from the one before it.
PATHS: dict[str, tuple[str, ...]] = {
    "visit": ("requested", "under_review", "consulted", "pending_endorsement", "pending_decision", "pending_committee", "approved", "guided",
              "accompanied", "reported", "closed"),
    "interview": ("requested", "under_review", "consulted", "pending_endorsement", "pending_decision", "pending_interviewee", "approved", "guided",
                  "accompanied", "reported", "closed"),
}  # fmt: skip


def advance(
    stage: Stage, ref: str, kind: str, to: str, *, officer: str = "cv.binh", guide: str = "hd.thao", paper: bool = False, word: str = "approve"
) -> None:
    """Bring a case from `requested` to a stop of its path, every act by the person whose it is."""
    path = PATHS[kind]
    for stop in path[1 : path.index(to) + 1]:
        step(stage, ref, kind, stop, officer=officer, guide=guide, paper=paper, word=word)


def step(stage: Stage, ref: str, kind: str, stop: str, *, officer: str = "cv.binh", guide: str = "hd.thao", paper: bool = False, word: str = "approve") -> None:
    """One stop of the path."""
    match stop:
        case "under_review":
            stage.act("motcua.mai", ref, "accept", officer=officer)
        case "consulted":
            stage.act(officer, ref, "consult", agencies=bodies(stage, ref, kind), question="Đề nghị cho ý kiến về chương trình.", due_at=stage.soon())
            answer_all(stage, ref)
        case "pending_endorsement":
            stage.act(officer, ref, "recommend", **proposal(stage, ref, kind, word))
        case "pending_decision":
            stage.act("tp.hoa", ref, "endorse", opinion="Đồng ý đề xuất.")
        case "pending_committee":
            stage.act("gd.khanh", ref, "refer_up", opinion="Kính trình.")
        case "pending_interviewee":
            stage.act("gd.khanh", ref, "forward", opinion="Kính chuyển.")
        case "approved":
            _approve(stage, ref, kind, officer, paper)
        case "guided":
            stage.letters(ref)
            _assign(stage, ref, officer, guide)
        case "accompanied":
            stage.letters(ref)
            stage.act(_guide(stage, ref), ref, "start")
        case "reported":
            _report(stage, ref, kind, _guide(stage, ref))
        case "closed":
            stage.letters(ref)
            stage.act("ptp.ngoc", ref, "close")


def _assign(stage: Stage, ref: str, officer: str, guide: str) -> None:
    """The guide asked for, or the other one when the first is taken on those days."""
    for name in (guide, "hd.uyen" if guide == "hd.thao" else "hd.thao"):
        try:
            stage.act(officer, ref, "assign_guide", guide=name)
            return
        except NeedsUnmet as taken:
            clash = taken
    raise clash


def _guide(stage: Stage, ref: str) -> str:
    """Who guides the case; the officer stands in where nobody could be assigned."""
    id_ = stage.row(ref)["guide_id"]
    return next(name for name in ("hd.thao", "hd.uyen") if stage.actor(name).id == id_)


def _approve(stage: Stage, ref: str, kind: str, officer: str, paper: bool) -> None:
    accepting = {}
    if kind == "interview":
        accepting = {
            "slot": stage.row(ref)["fields"]["slots"][0], "place": "Trụ sở UBND", "form": "in_person",
            "speaker": {"name": "Đỗ Thử Minh", "position": "Phó Chủ tịch UBND"}, "speaker_basis": "head",
        }  # fmt: skip
    if paper:
        scan = stage.attach("vt.van", ref, "decision_scan")
        stage.act(
            "vt.van", ref, "enter_paper_decision", doc_no="412/UBND-NC", doc_date=clock.today().isoformat(), outcome="approve", scan=scan,
            signer={"name": "Huỳnh Thử Tâm", "position": "Chủ tịch UBND"}, **accepting,
        )  # fmt: skip
        stage.act("tp.hoa", ref, "confirm_paper_approval" if kind == "visit" else "confirm_paper_acceptance")
    elif kind == "visit":
        stage.act("ubnd.minh", ref, "approve", conditions=[{"text": "Có cán bộ hướng dẫn đi cùng.", "owner": "Sở Ngoại vụ"}])
    else:
        stage.act("vpub.nga", ref, "accept_interview", **accepting)


def _report(stage: Stage, ref: str, kind: str, guide: str) -> None:
    report: dict[str, Any] = {"summary": "Chương trình diễn ra đúng nội dung được chấp thuận.", "incidents": "Không có."}
    if kind == "visit":
        rows = [{"row": r["row"], "result": "done", "start": r["from"], "end": r["to"]} for r in stage.row(ref)["fields"]["itinerary"]]
        stage.act(guide, ref, "log", rows=rows)
    stage.act(guide, ref, "file_report", report=report)


def _at(days: int, hour: int = 9) -> datetime:
    """A local morning some days from today; a day off moves on to the next weekday."""
    day = clock.today() + timedelta(days=days)
    return clock.at_local(day, time(hour, 10))


_OUTLETS = ("Báo mạng Minh Họa D", "Tạp chí ảnh Minh Họa E", "Đài Minh Họa C", "Hãng tin Minh Họa G", "Truyền hình Minh Họa H")
_COUNTRIES = ("FI", "DE", "JP", "FR", "KR")
_TITLES = (
    "Làng nghề ven sông",
    "Chợ nổi buổi sớm",
    "Mùa nước nổi",
    "Thích ứng với xâm nhập mặn",
    "Lễ hội Ok Om Bok",
    "Vườn trái cây và du lịch",
    "Đô thị miền sông nước",
)


# Invented crews, two people a request: the same two come again after some thirty requests.
_FIRST = (
    "AINO", "MIKKO", "HANAKO", "TARO", "ÉLISE", "JEAN", "ERIKA", "MAX", "ANNA", "JAN", "LAURA", "MARCO", "YERIM", "BOGI", "JANE", "JOHN",
)  # fmt: skip
_LAST = ("ESIMERKKI", "EXEMPLE", "MUSTERMANN", "SPECIMEN")
_PLACES = ("Chợ nổi minh họa", "Hợp tác xã minh họa", "Trạm đo mặn minh họa", "Làng nghề minh họa", "Nhà vườn minh họa", "Bến cá minh họa", "Đình minh họa")


def _varied(index: int, kind: str, first: int) -> dict[str, Any]:
    """Fields that make one demo case differ from the next; days relative to the set clock."""
    today = clock.today()
    flow = FLOWS[kind]
    assert flow.example is not None
    fields = flow.example(today + timedelta(days=first))
    country = _COUNTRIES[index % len(_OUTLETS)]
    fields["outlet"] = {**fields["outlet"], "name": _OUTLETS[index % len(_OUTLETS)], "country": country}
    fields["title"] = _TITLES[index % len(_TITLES)]
    for at, row in enumerate(fields["crew"]):
        number = (2 * index + at) % (len(_FIRST) * len(_LAST))
        row |= {
            "nationality": country,
            "name": f"{_FIRST[number % len(_FIRST)]} {_LAST[number // len(_FIRST)]}",
            "passport_no": f"XP{1000 + number:07}",
            "card_no": f"M-{1000 + number}",
        }
    for at, row in enumerate(fields.get("itinerary") or ()):
        row["place"] = f"{_PLACES[(index + at) % len(_PLACES)]} {index // len(_PLACES) + 1}"
    if kind == "interview":
        fields["slots"] = [{name: clock.stamp(clock.moment(value) + timedelta(hours=index % 3)) for name, value in row.items()} for row in fields["slots"]]
    return fields


def load(office: Office, *, size: int = 0, seed: int = 1, say: Callable[[str], None] = lambda _: None) -> int:
    """Load accounts and at least one case in every state there is; `size` more from a seed. Answers the number of cases."""
    load_accounts(office)
    stage = Stage(office)
    made = 0
    jobs: list[tuple[int, int, Callable[[Stage, int], None]]] = list(_story_jobs())
    # Loaded in the order of their first day, so that codes and time run together.
    for index, (days, _, job) in enumerate(sorted(jobs, key=lambda item: item[0])):
        with clock.at(_at(days)):
            job(stage, index)
        made += 1
        if made % 10 == 0:
            say(f"{made}/{len(jobs) + size}")
    chooser = chance.sequence(seed)
    for index in range(size):
        kind = chooser.choice(("visit", "interview"))
        stop = chooser.choice(PATHS[kind])
        with clock.at(_at(-chooser.randint(1, 300))):
            ref = stage.file("vptt.han", kind, fields=_varied(index, kind, 0))
            advance(stage, ref, kind, stop)
        made += 1
    stage.deliver()
    return made


def _story_jobs() -> Iterator[tuple[int, int, Callable[[Stage, int], None]]]:
    """(days from today at which the case starts, a number, what happens)."""

    def straight(
        kind: str, stop: str, first: int, *, who: str = "vptt.han", officer: str = "cv.binh", guide: str = "hd.thao", paper: bool = False
    ) -> Callable[[Stage, int], None]:
        def job(stage: Stage, index: int) -> None:
            ref = stage.file(who, kind, fields=_varied(index, kind, first), papers=SCANS if stop == "consulted" else ())
            advance(stage, ref, kind, stop, officer=officer, guide=guide, paper=paper)

        return job

    number = 0
    for kind, decided in (("visit", "pending_committee"), ("interview", "pending_interviewee")):
        who = "vptt.han" if kind == "visit" else "vptt.lam"
        for stop, days, first in (
            ("requested", 0, 6), ("requested", -9, 20), ("under_review", -1, 9), ("consulted", -2, 8), ("pending_endorsement", -2, 7),
            ("pending_decision", -3, 6), (decided, -3, 5), ("pending_decision", -12, 9), ("approved", -5, 9), ("guided", -8, 15),
            ("accompanied", 0, 0), ("reported", -6, 0), ("closed", -20, 0), ("closed", -45, 0),
        ):  # fmt: skip
            number += 1
            guide = "hd.uyen" if number % 2 else "hd.thao"
            yield (
                days,
                number,
                straight(kind, stop, first, who=who, officer="cv.dung" if number % 3 == 0 else "cv.binh", guide=guide, paper=stop == "closed" and days == -45),
            )
        for name, days in (
            ("draft", 0), ("discarded", -4), ("supplement_required", -1), ("clarification_required", -2), ("not_accepted", -6), ("rejected", -15),
            ("withdrawn", -10), ("stopped", -25), ("cancelled", -7), ("no_show", -30),
        ):  # fmt: skip
            number += 1
            yield days, number, _ending(kind, name, who)
    yield -7, 90, _ending("visit", "suspended", "vptt.han")
    yield -11, 91, _ending("visit", "revoked", "vptt.han")
    yield -1, 92, _ending("visit", "asked", "vptt.han")
    yield -13, 93, _ending("visit", "lapsed", "vptt.han")
    yield -5, 94, _ending("visit", "letters", "vptt.han")
    yield -2, 95, _ending("visit", "keyed_in", "vptt.han")
    yield -2, 96, _ending("visit", "answered", "vptt.han")


def _ending(kind: str, name: str, who: str) -> Callable[[Stage, int], None]:
    """Cases that leave the straight path."""

    def job(stage: Stage, index: int) -> None:
        fields = _varied(index, kind, 4)
        start = clock.now()
        if name == "keyed_in":
            stage.file(who, kind, fields=fields)  # sent here, and by post as well
            ref = engine.open_case(
                stage.office, stage.actor("motcua.mai"), kind, fields,
                on_behalf_of={"organisation": "hangtin_a", "channel": "post", "received_at": clock.stamp(start - timedelta(days=1)), "incoming_no": "118"},
            ).case_id  # fmt: skip
            stage.attach("motcua.mai", ref, "request")
            stage.act("motcua.mai", ref, "submit", undertaking=True)
            return
        ref = stage.file(who, kind, submit=name not in ("draft", "discarded"), fields=fields, papers=SCANS if name in ("asked", "answered") else ())
        cell = f"/crew/{stage.row(ref)['fields']['crew'][-1]['row']}/card_no"
        items = [{"target": cell, "code": "card_missing"}, {"target": "paper:request", "code": "paper_unreadable"}]
        match name:
            case "discarded":
                stage.act(who, ref, "discard")
            case "supplement_required" | "stopped":
                stage.act("motcua.mai", ref, "ask_supplement", items=items, respond_by=stage.soon(1))
                if name == "stopped":
                    with clock.at(start + timedelta(days=4)):
                        stage.act("motcua.mai", ref, "remind")
                        stage.act("tp.hoa", ref, "stop")
            case "clarification_required":
                advance(stage, ref, kind, "under_review")
                stage.act("cv.binh", ref, "ask_clarification", items=items[:1], respond_by=stage.soon(1))
            case "answered":
                _answered(stage, ref, who)
            case "not_accepted":
                stage.act(
                    "motcua.mai",
                    ref,
                    "refuse_intake",
                    ground="wrong_authority",
                    reason="Nội dung thuộc thẩm quyền của Bộ Ngoại giao.",
                    where_to_go="Bộ Ngoại giao",
                )
            case "rejected":
                last = "pending_committee" if kind == "visit" else "pending_interviewee"
                advance(stage, ref, kind, last, word="reject")
                given = {"grounds": ["safety"], "reason": "Địa điểm đang phòng chống thiên tai.", "alternatives": "Dời sang tháng sau."}
                stage.act("ubnd.quang" if kind == "visit" else "vpub.nga", ref, "reject" if kind == "visit" else "decline_interview", **given)
            case "withdrawn":
                advance(stage, ref, kind, "under_review")
                stage.act(who, ref, "withdraw", reason="Đổi kế hoạch của hãng.")
            case "cancelled":
                advance(stage, ref, kind, "approved")
                stage.act(who, ref, "cancel", reason="Phóng viên ốm.")
            case "no_show":
                advance(stage, ref, kind, "guided", guide="hd.uyen")
                with clock.at(stage.given_up(ref)):
                    stage.act("cv.binh", ref, "mark_no_show", note="Không liên lạc được với đoàn.")
            case "suspended":
                advance(stage, ref, kind, "guided", guide="hd.uyen")
                with clock.at(start + timedelta(days=4)):
                    stage.act(_guide(stage, ref), ref, "start")
                    stage.act(
                        _guide(stage, ref), ref, "record_suspension", imposed_by="border_guard", reason="Đồn Biên phòng yêu cầu dừng quay.", to=stage.soon(1)
                    )
            case "revoked":
                advance(stage, ref, kind, "approved")
                stage.act("ubnd.minh", ref, "revoke", grounds=["licence_revoked"], reason="Giấy phép đã bị thu hồi.", urgent=True)
            case "asked":
                advance(stage, ref, kind, "under_review")
                stage.act("cv.binh", ref, "consult", agencies=["cong_an", "so_vhttdl", "so_nnmt"], question="Đề nghị cho ý kiến.", due_at=stage.soon(2))
            case "lapsed":
                advance(stage, ref, kind, "under_review")
                stage.act("cv.binh", ref, "consult", agencies=["cong_an", "bo_chqs", "so_nnmt"], question="Đề nghị cho ý kiến.", due_at=stage.soon(2))
                with clock.at(start + timedelta(days=3)):
                    for child in stage.children(ref, "consultation", "asked"):
                        agency = stage.row(child)["fields"]["agency"]
                        if agency == "so_nnmt":
                            stage.act("cv.binh", child, "lapse")
                        elif agency == "bo_chqs":
                            stage.act("tp.hoa", child, "cancel_consultation", reason="Chương trình không còn điểm quân sự.")
                        else:
                            stage.act("ca.phuc", child, "answer", outcome="objection", opinion="Đề nghị bỏ hoạt động thứ hai.")
            case "letters":
                advance(stage, ref, kind, "approved")
                _letter_states(stage, ref)

    return job


def _answered(stage: Stage, ref: str, who: str) -> None:
    """A clarification that came back: one body was shown the row that was mended and is asked again, the others' opinions stand."""
    advance(stage, ref, "visit", "under_review")
    rows = stage.row(ref)["fields"]["itinerary"]
    for agency, pointers in (("cong_an", ["/itinerary", "/crew"]), ("so_vhttdl", [f"/itinerary/{rows[0]['row']}"])):
        stage.act("cv.binh", ref, "consult", agencies=[agency], question="Đề nghị cho ý kiến.", due_at=stage.soon(1), bundle=pointers)
    answer_all(stage, ref)
    items = [
        {"target": f"/itinerary/{rows[1]['row']}/place", "code": "place_unclear"},
        {"target": f"/itinerary/{rows[1]['row']}/host", "code": "host_missing"},
        {"target": "paper:request", "code": "no_signature_or_seal"},
    ]
    stage.act("cv.binh", ref, "ask_clarification", items=items, respond_by=stage.soon(1))
    mended = [{**row, **({"place": "Hợp tác xã minh họa, ấp 2", "host": "UBND xã minh họa"} if row is rows[1] else {})} for row in rows]
    engine.edit_case(stage.office, stage.actor(who), ref, {"itinerary": mended}, version=stage.row(ref)["version"])
    stage.attach(who, ref, "request")
    stage.act(who, ref, "clarify", note="Đã ghi rõ địa điểm và đơn vị tiếp; văn bản đã ký, đóng dấu.")


def _letter_states(stage: Stage, ref: str) -> None:
    """One letter in each of its states."""
    stage.deliver()
    today = clock.today().isoformat()
    sealed = stage.children(ref, "letter", "sealed")
    for id_, number in zip(sealed[:3], ("501/UBND-NC", "502/UBND-NC", "503/UBND-NC"), strict=False):
        stage.act("vt.van", id_, "issue", number=number, on=today)
    issued = stage.children(ref, "letter", "issued")
    stage.act("ubnd.minh", issued[1], "recall", reason="Gửi nhầm nơi nhận.")
    name = stage.row(issued[2])["fields"]["letter"]
    opened = engine.open_case(stage.office, stage.actor("vt.van"), "letter", {}, parent=ref, letter=name, replaces=issued[2])
    stage.act("gd.khanh", opened.case_id, "sign")
    stage.act("vt.van", opened.case_id, "issue", number="504/UBND-NC", on=today)
    stage.act("vt.van", issued[2], "replace", successor=opened.case_id)
    drafted = stage.children(ref, "letter", "drafted")
    if drafted:
        stage.act("vt.van", drafted[0], "void", reason="Soạn nhầm.")


def local_visit(office: Office) -> dict[str, Any]:
    """What makes the walk's visit one of this locality: its communes, one of them at the border or the sea where it has such."""
    flow = FLOWS["visit"]
    assert flow.example is not None
    first = clock.today() + timedelta(days=3)
    fields = flow.example(first)
    listed = office.profile.raw.get("communes") or ()
    marked = next((c for mark in ("border", "island", "sea") for c in listed if mark in c["marks"]), None)
    if marked:
        fields["itinerary"][1] |= {"commune": marked["name"], "place": "Điểm ghi hình minh họa", "host": f"UBND {marked['name']}"}
    return fields


def _permits(stage: Stage, ref: str) -> None:
    """Where rows need another body's paper: the proposal is refused before it is on record, then it is recorded."""
    needed = routed(stage.office, stage.row(ref))["permits_needed"]
    if not needed:
        return
    stage.refused("cv.binh", ref, "recommend", **proposal(stage, ref, "visit"))
    for row in needed:
        stage.act("cv.binh", ref, "record_permit", row=row, number="77/GP-CA", on=clock.today().isoformat(), issuer="Công an")


def walk(office: Office, say: Callable[[str], None]) -> bool:
    """One visit and one interview from application to closed, with refusals on the way; True if all held."""
    from workflow.audit.verify import verify

    load_accounts(office)
    stage = Stage(office, say)
    begins = _at(0, 9)
    with clock.at(begins):
        say(f"— {office.profile.text('name').vi} / {office.profile.text('name').en} —")
        say("— Chuyến hoạt động báo chí / Press visit —")
        ref = stage.file("vptt.han", "visit", fields=local_visit(office))
        for item in queries.deadlines(office, stage.actor("vptt.han"), ref)[:1]:
            say(Deadline.of(item).as_text("vi").replace("\n", "\n    "))
        stage.refused("vptt.han", ref, "accept", officer="cv.binh")
        advance(stage, ref, "visit", "under_review")
        for item in routed(office, stage.row(ref))["proposed"]:
            say(f"{item['rule']}: {office.organisations[item['agency']].name.vi} – {item['why']['vi']}")
        advance_from(stage, ref, "visit", "consulted")
        stage.refused("tp.hoa", ref, "endorse")
        _permits(stage, ref)
        advance_from(stage, ref, "visit", "pending_endorsement", "pending_decision")
        stage.refused("gd.khanh", ref, "approve", seen=queries.read_case(office, stage.actor("gd.khanh"), ref)["decision_hash"])
        advance_from(stage, ref, "visit", "pending_committee")
        stage.refused("ubnd.minh", ref, "approve", seen="0" * 64)
        advance_from(stage, ref, "visit", "approved")
        stage.refused("hd.thao", ref, "start")
        advance_from(stage, ref, "visit", "guided")
        stage.refused("cv.binh", ref, "start")
    with clock.at(begins + timedelta(days=3)):
        advance_from(stage, ref, "visit", "accompanied")
    with clock.at(begins + timedelta(days=4)):
        advance_from(stage, ref, "visit", "reported")
        stage.refused("ptp.ngoc", ref, "close")
        advance_from(stage, ref, "visit", "closed")
    with clock.at(begins):
        say("— Phỏng vấn lãnh đạo / Leadership interview —")
        other = stage.file("vptt.lam", "interview")
        advance(stage, other, "interview", "pending_decision")
        stage.refused("tp.hoa", other, "forward")
        advance_from(stage, other, "interview", "pending_interviewee", "approved", "guided", "accompanied", "reported", "closed")
    with office.db.read() as connection:
        report = verify(connection)
    for line in report.lines():
        say(line)
    held = stage.row(ref)["state"] == stage.row(other)["state"] == "closed"
    return held and report.integrity == "clean"


def advance_from(stage: Stage, ref: str, kind: str, *stops: str) -> None:
    """Only the named stops, for a walk that was interrupted by refusals."""
    for stop in stops:
        step(stage, ref, kind, stop)
