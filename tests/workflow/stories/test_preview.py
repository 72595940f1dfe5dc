"""The preview keeps its word: on random dossiers, sent at once, the case takes the previewed route, or is refused for the previewed reasons."""

from __future__ import annotations

from collections import Counter
from datetime import date, time, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from states import FLOWS
from states.asked import CATEGORIES, CREW_ROLES, DEVICES
from states.kinds.visit import PLACES
from workflow import clock, engine, preview, queries
from workflow.errors import NeedsUnmet
from workflow.facts import routed

HERE = ("can-tho", "cao-bang")
COMMUNES = ("Xã Vĩnh Hải", "Phường Ninh Kiều", "Xã Đàm Thủy", "Xã Trùng Khánh", "xa tra linh", "Nơi không có tên")
LEADERS = ("vp_ubnd", "ubnd", "vp_tinh_uy", "vp_doan_dbqh_hdnd", "so_nnmt", "ubnd_xa", "trung_uong", "khong_co")


def codes(choices) -> list[str]:
    return [choice.code for choice in choices]


@st.composite
def dossiers(draw, today: date):
    """(kind, fields, papers, received): complete, half empty or wrong, as people send them."""
    kind = draw(st.sampled_from(["visit", "interview"]))
    sent_on = today + timedelta(days=draw(st.integers(0, 40)))
    fields = FLOWS[kind].example(sent_on + timedelta(days=draw(st.sampled_from([-1, *range(25)]))))
    fields["category"] = draw(st.sampled_from(codes(CATEGORIES)))
    crew = st.lists(st.fixed_dictionaries({"role": st.sampled_from(codes(CREW_ROLES)), "nationality": st.sampled_from(["FI", "VN"])}), max_size=2)
    if draw(st.integers(0, 3)) == 0:
        fields["crew"] = [{**fields["crew"][0], **row} for row in draw(crew)]
    if kind == "visit":
        days = (fields["first_day"], fields["last_day"])
        rows = st.lists(st.fixed_dictionaries({
            "on": st.sampled_from(days), "commune": st.sampled_from(COMMUNES), "place_kind": st.sampled_from([*codes(PLACES), None]),
            "activities": st.lists(st.sampled_from(["filming", "live", "drone"]), unique=True), "province": st.sampled_from([None, None, "An Giang", "Cần Thơ"]),
        }), min_size=1, max_size=4)  # fmt: skip
        fields["itinerary"] = [{**fields["itinerary"][0], **row} for row in draw(rows)]
        fields["equipment"] = draw(st.lists(st.fixed_dictionaries({
            "type": st.sampled_from(["Máy quay", "Flycam", "Bộ đàm"]), "device": st.sampled_from([*codes(DEVICES), None]), "temporary": st.booleans(),
        }), max_size=2))  # fmt: skip
        if draw(st.integers(0, 5)) == 0:
            fields["last_day"] = (date.fromisoformat(fields["first_day"]) - timedelta(days=1)).isoformat()
    else:
        fields["leader"] = {**fields["leader"], "agency": draw(st.sampled_from(LEADERS))}
        fields["form"] = draw(st.sampled_from(["in_person", "written"]))
    for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=2)) if draw(st.integers(0, 3)) == 0 else ():
        fields.pop(name, None)
    papers = draw(st.sampled_from([("request", "passport"), ("request",), ("request",), ("request",), ()]))
    received = clock.at_local(sent_on, time(draw(st.integers(0, 23)), 5))
    return kind, fields, papers, received


def send(stage, ref: str) -> list[tuple[str, str]]:
    """Send the draft; the reasons where it is refused, as they are told."""
    try:
        stage.act("vptt.han", ref, "submit", undertaking=True)
    except NeedsUnmet as refused:
        return [(reason.code, reason.message.vi) for reason in refused.reasons]
    return []


def assert_same_route(stage, told: dict, row: dict) -> None:
    """What was told of the route is what the case has."""
    clocks = row["clocks"]
    assert (told["statutory_due"], told["work_due"]) == (clocks["statutory_due"], clocks["work_due"])
    assert told["due"] == [item for item in queries.deadlines(stage.office, stage.actor("cv.binh"), row["id"]) if item["clock"] in ("statutory", "work")]
    assert told["urgent"] == bool(row["urgent"]) and told["urgent_why"] == row["memory"]["urgent"]
    assert told["authority"] == row["authority"]
    bodies = [(x["agency"]["code"], x["rule"], [also["rule"] for also in x["also"]]) for x in told["bodies"]]
    assert bodies == [(x["agency"], x["rule"], [also["rule"] for also in x["also"]]) for x in routed(stage.office, row)["proposed"]]
    answers = stage.office.organisation(row["office_id"])
    assert told["answered_by"] == ({"code": answers.code, "name": answers.name.as_dict()} if answers else None)


def assert_same_refusals(stage, told: dict, ref: str, seen: Counter[str]) -> None:
    """Sent, it is refused for the reasons that were told, or for none; nobody at the desk takes in what is not ours."""
    assert send(stage, ref) == [(x["code"], x["message"]["vi"]) for x in told["refusals"]]
    row = stage.row(ref)
    assert (row["state"] == "requested") == (not told["refusals"])
    seen["sent" if row["state"] == "requested" else "refused"] += 1
    if row["state"] != "requested":
        return
    assert_same_route(stage, told, row)
    seen["urgent"] += bool(row["urgent"])
    seen["referred"] += bool(told["refer"])
    accept = next(x for x in queries.choices(stage.office, stage.actor("motcua.mai"), ref) if x["name"] == "accept")
    assert accept["allowed"] == (told["refer"] is None or told["refer"]["key"] == "national")


def test_sent_at_once_it_takes_the_previewed_route(towns):
    seen: Counter[str] = Counter()

    @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(dossier=dossiers(clock.today()), locality=st.sampled_from(HERE))
    def run(dossier, locality):
        stage, (kind, fields, papers, moment) = towns(locality), dossier
        with clock.at(moment):
            told = preview.preview(stage.office, stage.actor("cv.binh"), kind, fields, papers)
            outside = preview.preview(stage.office, stage.actor("vptt.han"), kind, fields, papers)
            assert {name: value for name, value in told.items() if name not in ("bodies", "told", "communes", "matches")} == {
                name: value for name, value in outside.items() if name != "matches"
            }
            ref = engine.open_case(stage.office, stage.actor("vptt.han"), kind, fields).case_id
            for paper in papers:
                stage.attach("vptt.han", ref, paper)
            assert preview.of_draft(stage.office, stage.actor("vptt.han"), ref)["due"] == told["due"]
            assert_same_refusals(stage, told, ref, seen)

    run()
    # Of both sorts, else the agreement above says little; rarer ones, as a referral, have tests of their own below.
    assert seen["sent"] and seen["refused"], seen


def test_a_paper_one_is_counted_from_its_receipt(towns):
    stage = towns("can-tho")
    received = clock.now() - timedelta(days=3)
    behalf = {"organisation": "hangtin_a", "channel": "post", "received_at": clock.stamp(received)}
    fields = FLOWS["visit"].example(clock.today())
    ref = engine.open_case(stage.office, stage.actor("motcua.mai"), "visit", fields, on_behalf_of=behalf).case_id
    stage.attach("motcua.mai", ref, "request")
    told = preview.of_draft(stage.office, stage.actor("motcua.mai"), ref)
    stage.act("motcua.mai", ref, "submit", undertaking=True)
    row = stage.row(ref)
    assert told["received_at"] == clock.stamp(received) == row["clocks"]["received_at"]
    assert_same_route(stage, told, row)
    assert preview.of_draft(stage.office, stage.actor("motcua.mai"), ref) is None, "sent, it is no draft any more"


def test_the_steps_end_with_the_promised_date(towns):
    """The stations share the term out; none lies after the reply, and the last is the reply."""
    stage = towns("can-tho")
    for kind, last in (("visit", "pending_committee"), ("interview", "pending_interviewee")):
        told = preview.preview(stage.office, stage.actor("vptt.han"), kind, FLOWS[kind].example(clock.today() + timedelta(days=30)))
        stations = [step for step in told["steps"] if step["by"] and step["state"] != "reported"]
        dates = [step["by"] for step in stations]
        assert dates == sorted(dates) and stations[-1]["state"] == last and dates[-1] == told["statutory_due"]
        assert all(step["sum"]["due_at"] == step["by"] and step["sum"]["counted"] for step in stations)
        assert [step["state"] for step in told["steps"]][-3:] == ["approved", "accompanied", "reported"]


def test_an_opinion_a_written_answer_and_a_referral_have_their_own_end(towns):
    stage = towns("can-tho")
    visit, interview = (FLOWS[kind].example(clock.today() + timedelta(days=30)) for kind in ("visit", "interview"))
    ends = {
        name: [step["state"] for step in preview.preview(stage.office, stage.actor("vptt.han"), kind, fields)["steps"]][-2:]
        for name, kind, fields in (
            ("opinion", "visit", {**visit, "category": "A10"}), ("written", "interview", {**interview, "form": "written"}),
            ("referred", "visit", {**visit, "category": "A8"}),
            ("national", "interview", {**interview, "leader": {**interview["leader"], "agency": "trung_uong"}}),
        )
    }  # fmt: skip
    assert ends == {
        "opinion": ["approved", "closed"], "written": ["approved", "reported"], "referred": ["requested", "not_accepted"],
        "national": ["requested", "not_accepted"],
    }  # fmt: skip


def test_a_year_without_a_confirmed_calendar_is_told(towns):
    stage = towns("can-tho")
    years = set()
    for year in (clock.today().year, clock.today().year + 1):
        with clock.at(clock.at_local(date(year, 12, 28), time(9, 0))):
            told = preview.preview(stage.office, stage.actor("vptt.han"), "visit", FLOWS["visit"].example(date(year + 1, 1, 20)))
            years |= set(told["unconfirmed_years"])
            assert set(told["unconfirmed_years"]) == {y for step in told["steps"] if step["sum"] for y in step["sum"]["unconfirmed_years"]}
    assert clock.today().year + 2 in years
