"""What is wrong with an installation, in sentences: roles without a holder, cases stuck, messages parked.

A case is told before it is stuck: when the persons who are left for its remaining steps are too few (see `remaining`).
"""

from __future__ import annotations

from sqlalchemy import Connection

from states import FLOWS
from states import roles as R
from states.language import Text
from workflow import outbox, store, vault
from workflow.audit.verify import verify
from workflow.authority import Row
from workflow.office import Office
from workflow.remaining import Roster, Station, lacking

# Who appoints a missing role; where another role can go on, the sentence says so.
APPOINTS = {
    R.INTAKE: Text("Giám đốc Sở cử cán bộ một cửa; trưởng phòng có thể tiếp nhận thay", "the director appoints; meanwhile a head can accept"),
    R.OFFICER: Text("lãnh đạo phòng hoặc Giám đốc giao chuyên viên khác", "a head or the director assigns another officer"),
    R.HEAD: Text("Giám đốc Sở cử lãnh đạo phòng; Giám đốc có thể đồng ý thay", "the director appoints; meanwhile a director can endorse"),
    R.DIRECTOR: Text("UBND bổ nhiệm lãnh đạo Sở, quản trị nhập tài khoản", "the People's Committee appoints, the administrator enters the account"),
    R.COMMITTEE: Text(
        "không bắt buộc: quyết định trên giấy do văn thư nhập, người khác xác nhận",
        "not needed: a paper decision is entered by the registry and confirmed by another",
    ),
    R.LEADER_OFFICE: Text("không bắt buộc: trả lời giấy do văn thư nhập", "not needed: a paper answer is entered by the registry"),
    R.CONSULTEE: Text("không bắt buộc: trả lời giấy do văn thư hoặc chuyên viên ghi", "not needed: a paper answer is recorded by registry or officer"),
    R.GUIDE: Text("chuyên viên thụ lý làm thay; lãnh đạo phòng cử người hướng dẫn", "the officer stands in; a head appoints a guide"),
    R.REGISTRY: Text("Giám đốc Sở cử văn thư; không ai khác cấp số văn bản", "the director appoints; nobody else numbers letters"),
    R.AUDITOR: Text("Thanh tra cử người", "the inspectorate appoints"),
    R.ADMIN: Text("thêm bằng lệnh fpd user add và fpd user grant", "add one with fpd user add and fpd user grant"),
}


def holders(connection: Connection) -> dict[str, int]:
    """Active holders of each role."""
    rows = store.query(
        connection, "SELECT m.role, count(DISTINCT u.id) AS n FROM memberships m JOIN users u ON u.id = m.user_id WHERE u.active GROUP BY m.role"
    )
    return {r["role"]: r["n"] for r in rows}


def missing_roles(connection: Connection) -> list[Text]:
    """A sentence for each role that nobody holds."""
    there = holders(connection)
    return [_nobody(role) for role in APPOINTS if not there.get(role)]


def _nobody(role: str) -> Text:
    how = APPOINTS[role]
    return Text(f"Không ai giữ vai trò {R.ROLES[role].vi}: {how.vi}.", f"Nobody holds the role {R.ROLES[role].en}: {how.en}.")


def held_up(office: Office, connection: Connection, row: Row) -> list[Text]:
    """Why one open case waits for somebody who is not there, or soon will, and who appoints whom or goes on instead."""
    if not row["is_open"]:
        return []
    there = holders(connection)
    waits = FLOWS[row["kind"]].states[row["state"]].waits_for
    gone = [role for role in waits if role in APPOINTS and not there.get(role)]
    ahead = [text for text in stuck(office, connection, row) if not any(_nobody(role).vi in text.vi for role in gone)]
    return [*(_nobody(role) for role in gone), *orphans(connection, row["id"]), *ahead]


# The states in which a case still has steps ahead of it that must be different people's.
WALKED = (
    "under_review", "clarification_required", "pending_endorsement", "pending_decision", "pending_committee", "pending_interviewee", "accompanied",
    "suspended", "reported",
)  # fmt: skip


def stuck(office: Office, connection: Connection, row: Row, roster: Roster | None = None) -> list[Text]:
    """Which remaining steps of one case nobody is left for, because the duties or a recusal exclude everybody who holds the role.

    `row` as `store.load` gives it; `roster` the people read before, where many cases are walked. Empty where one choice of
    persons can take the case to its decision or from its report to its end.
    """
    if row["kind"] not in ("visit", "interview") or row["state"] not in WALKED or not row["is_open"]:
        return []
    missing = lacking(office, roster or Roster.read(connection), row)
    if not missing:
        return []
    return [_alone(row, missing[0])] if len(missing) == 1 else [_together(row, missing)]


def _alone(row: Row, station: Station) -> Text:
    """One step that nobody is left for."""
    if not station.barred:
        words, nobody = station.step.label, _nobody(station.step.by[0])
        return Text(f"Hồ sơ {row['code']}, bước “{words.vi}”: {nobody.vi}", f"Case {row['code']}, step “{words.en}”: {nobody.en}")
    who = Text("; ".join(f"{person.name} {why.vi}" for person, why in station.barred), "; ".join(f"{person.name} {why.en}" for person, why in station.barred))
    words, help_ = station.step.label, _help(station)
    return Text(
        f"Hồ sơ {row['code']}: không còn ai làm được bước “{words.vi}”: {who.vi}. {help_.vi}",
        f"Case {row['code']}: nobody is left for the step “{words.en}”: {who.en}. {help_.en}",
    )


def _together(row: Row, missing: list[Station]) -> Text:
    """Steps that need different people, of whom too few are left."""
    people = list(dict.fromkeys(name for station in missing for name in station.names))
    steps = Text(", ".join(f"“{s.step.label.vi}”" for s in missing), ", ".join(f"“{s.step.label.en}”" for s in missing))
    help_ = _help(missing[-1], but=missing)
    return Text(
        f"Hồ sơ {row['code']}: các bước {steps.vi} phải do những người khác nhau, nhưng chỉ còn {', '.join(people)}. {help_.vi}",
        f"Case {row['code']}: the steps {steps.en} need different people, but only {', '.join(people)} can take them. {help_.en}",
    )


def _help(station: Station, but: list[Station] | None = None) -> Text:
    """Who appoints for a step, and up to three colleagues whom no duty keeps from it."""
    taken = {name for other in but or () for name in other.names}
    names = [person.name for person in station.others if person.name not in taken][:3]
    how = APPOINTS[station.step.by[0]]
    if not names:
        return Text(f"Cách gỡ: {how.vi}.", f"What helps: {how.en}.")
    return Text(f"Cách gỡ: {how.vi}; có thể giao vai trò cho {', '.join(names)}.", f"What helps: {how.en}; the role could be given to {', '.join(names)}.")


def stuck_cases(office: Office, connection: Connection) -> list[tuple[Row, Text]]:
    """All cases that the duties leave nobody for, each with its sentence: for the daily look and `fpd doctor`."""
    marks = ", ".join(f"'{state}'" for state in WALKED)
    rows = store.query(connection, f"SELECT id FROM cases WHERE is_open AND kind IN ('visit', 'interview') AND state IN ({marks}) ORDER BY code")
    roster = Roster.read(connection)
    found: list[tuple[Row, Text]] = []
    for known in rows:
        row = store.load(connection, known["id"])
        if row is not None:
            found += [(row, sentence) for sentence in stuck(office, connection, row, roster)]
    return found


def warnings(office: Office) -> list[Text]:
    """What is missing in people now: roles without a holder, named persons who are gone, cases that nobody is left for."""
    with office.db.read() as connection:
        office.refresh(connection, force=True)
        told = missing_roles(connection) + orphans(connection) + [sentence for _, sentence in stuck_cases(office, connection)]
    return list(dict.fromkeys(told))


def orphans(connection: Connection, case_id: str | None = None) -> list[Text]:
    """Open cases, or that one, whose named officer or guide can no longer act."""
    rows = store.query(
        connection,
        "SELECT c.code, u.name, CASE WHEN c.officer_id = u.id THEN 'officer' ELSE 'guide' END AS role FROM cases c"
        " JOIN users u ON u.id IN (c.officer_id, c.guide_id) WHERE c.is_open AND NOT u.active" + (" AND c.id = :id" if case_id else ""),
        **({"id": case_id} if case_id else {}),
    )
    return [
        Text(
            f"Hồ sơ {r['code']}: tài khoản của {r['name']} đã đóng; lãnh đạo phòng hoặc Giám đốc giao người khác.",
            f"Case {r['code']}: the account of {r['name']} is closed; a head or the director assigns another person.",
        )
        for r in rows
    ]


def examine(office: Office) -> list[Text]:
    """Everything found wrong."""
    with office.db.read() as connection:
        office.refresh(connection, force=True)
        found = list(dict.fromkeys([*missing_roles(connection), *orphans(connection), *(text for _, text in stuck_cases(office, connection))]))
        queue = outbox.counts(connection)
        report = verify(connection)
        unknown = store.query(connection, "SELECT DISTINCT kind, state FROM cases")
    parked, waiting = queue["parked"], queue["pending"]
    if parked:
        found.append(Text(f"{parked} thông báo không gửi được, đã để riêng.", f"{parked} messages could not be delivered and are parked."))
    if waiting > 1000:
        found.append(Text(f"{waiting} việc chờ gửi: tiến trình gửi có chạy không?", f"{waiting} messages wait: is the worker running?"))
    found += stored(office)
    if report.integrity != "clean":
        found.append(Text("Lịch sử không còn nguyên vẹn: chạy fpd audit verify.", "The record is broken: run fpd audit verify."))
    found += [
        Text(f"Trạng thái lạ {r['kind']}/{r['state']} trong dữ liệu.", f"Unknown state {r['kind']}/{r['state']} in the data.")
        for r in unknown
        if r["kind"] not in FLOWS or r["state"] not in FLOWS[r["kind"]].states
    ]
    return found


def stored(office: Office) -> list[Text]:
    """What does not fit between the folder of papers and the rows. A paper that lacks its file is damage: nothing mends that by itself."""
    stock = vault.stock(office)
    strays, lacking = len(stock.strays), len(stock.lacking)
    found = []
    if strays:
        hours = int(vault.SAFE.total_seconds() // 3600)
        found.append(
            Text(
                f"{strays} tệp quá {hours} giờ trong thư mục giấy tờ không giấy tờ nào dùng: việc hằng ngày của tiến trình gửi sẽ dọn.",
                f"{strays} file(s) older than {hours} hours lie in the folder of papers and no paper names them: the worker's daily round removes them.",
            )
            if stock.believable
            else Text(
                f"{strays} tệp trong thư mục giấy tờ mà cơ sở dữ liệu này không dùng tệp nào: có đúng cơ sở dữ liệu và FPD_VAR không? Không tệp nào bị dọn.",
                f"{strays} file(s) lie in the folder of papers and this database names no file there: are it and FPD_VAR the right ones? None is removed.",
            )
        )
    if lacking:
        which = "; ".join(f"{row['code'] or '–'} {row['id']}" for row in stock.lacking[:5]) + ("; …" if lacking > 5 else "")
        found.append(
            Text(
                f"{lacking} giấy tờ mất tệp: hỏng dữ liệu, hãy lấy lại từ bản sao lưu ({which}).",
                f"{lacking} paper(s) lack their file: damage, restore it from a backup ({which}).",
            )
        )
    return found
