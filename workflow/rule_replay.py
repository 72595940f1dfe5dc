"""What a changed rule would do to the open cases, told before it is done.

The rules themselves are asked, once with the versions in force and once with the draft among them: due dates by the
engine's own recount, who decides by the needs of those steps, who may act by the choices that a page would offer. Nothing
is guessed and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection

from states import FLOWS, Facts, Flow
from states import roles as R
from states.language import Text
from workflow import authority, clock, queries, recount, remaining, store
from workflow.authority import Row
from workflow.deadlines import local_moment
from workflow.dossier import digest
from workflow.office import Office
from workflow.remaining import Roster
from workflow.rule_values import WORDS, newest
from workflow.rules import Rule, RuleBook

DUTIES = frozenset({"allow_two_person"})
WHAT: dict[str, Text] = {
    "due": Text("Thời hạn", "Due date"), "level": Text("Cấp quyết định", "Who decides"), "duty": Text("Phân công", "Duties"),
    "other": Text("Việc làm được", "Possible actions"),
}  # fmt: skip


def with_draft(book: RuleBook, rule: Rule) -> RuleBook:
    """The rule book as it would be: the version before ended on the day before, the new one in force."""
    former = newest(book.rows, rule.code, rule.locality)
    ended = [replace(row, valid_to=eve(rule)) if former and row.id == former.id and row.valid_to is None else row for row in book.rows]
    return RuleBook([*ended, rule])


def eve(rule: Rule) -> date:
    """The last day of the version before."""
    return rule.valid_from - timedelta(days=1)


def replay(office: Office, rule: Rule) -> list[dict[str, Any]]:
    """Every open case that a version would change, by code: {id, code, kind, what, before, after}, the last two in both languages.

    `what`: `due` a date that moves, `level` who decides, `duty` who may act, `other` which actions are possible. Nothing is
    written. Cases that this would leave without a person for one of their steps are told as `duty`.
    """
    book = with_draft(office.rulebook, rule)
    found = [_moved(item) for item in recount.foreseen(office, rulebook=book)]
    imagined = office.with_rules(book)
    with office.db.read() as connection:
        found += _acts(office, imagined, connection, rule)
    return sorted(found, key=lambda item: (item["code"], item["what"], item["before"]["vi"]))


def mark_of(found: list[dict[str, Any]]) -> str:
    """The hash of a replay: what a page was shown with, and is confirmed with."""
    return digest(found)


def _line(row: Mapping[str, Any], what: str, before: Text, after: Text) -> dict[str, Any]:
    told = {"before": before.as_dict(), "after": after.as_dict()}
    return {"id": row["id"], "code": row["code"] or row["id"], "kind": row["kind"], "what": what, **told}


def _moved(item: Mapping[str, Any]) -> dict[str, Any]:
    """A date that moves: the reply, else the step that the case stands at."""
    if item["before"] != item["after"]:
        words, old, new = Text("Trả lời", "Reply"), item["before"], item["after"]
    else:
        label, old, new = FLOWS[item["kind"]].states[item["state"]].label, item["holder_before"], item["holder_after"]
        words = Text(f"Bước “{label.vi}”", f"Step “{label.en}”")
    before, after = local_moment(old), local_moment(new)
    return _line(item, "due", Text(f"{words.vi}: {before}", f"{words.en}: {before}"), Text(f"{words.vi}: {after}", f"{words.en}: {after}"))


def _acts(office: Office, imagined: Office, connection: Connection, rule: Rule) -> Iterator[dict[str, Any]]:
    """Cases bound by the version whose rules read otherwise with it: who decides, who may act, what is possible."""
    bound = store.query(
        connection,
        "SELECT c.id, c.kind, k.rules_on FROM cases c JOIN case_clock k ON k.case_id = c.id WHERE c.is_open AND k.rules_on >= :first ORDER BY c.code",
        first=rule.valid_from.isoformat(),
    )
    touched = [item for item in bound if _read(office, item) != _read(imagined, item)]
    roster = Roster.read(connection) if touched else Roster({})
    for item in touched:
        row = store.load(connection, item["id"])
        if row is not None:
            yield from _changed(office, imagined, connection, roster, row, rule)


def _read(office: Office, item: Mapping[str, Any]) -> dict[str, Any]:
    """What the needs of a kind read of the rules of a day; due dates are compared by the engine."""
    bound = office.deadlines_on(item["rules_on"]).rules
    return {**office.settings_on(bound, item["kind"]), "T25": bound["T25"].value, "no_show": (bound["no_show"].value, bound["no_show"].unit)}


def _changed(office: Office, imagined: Office, connection: Connection, roster: Roster, row: dict[str, Any], rule: Rule) -> Iterator[dict[str, Any]]:
    level = _level_line(office, imagined, row)
    if level:
        yield level
    else:
        yield from _act_line(office, imagined, connection, roster, row, rule)
    stuck = remaining.lacking(imagined, roster, row)
    if stuck and not remaining.lacking(office, roster, row):
        names = Text(", ".join(s.step.label.vi for s in stuck), ", ".join(s.step.label.en for s in stuck))
        yield _line(
            row, "duty", Text("Còn người cho mọi bước", "Somebody is left for every step"),
            Text(f"Không còn ai làm được: {names.vi}", f"Nobody is left for: {names.en}"),
        )  # fmt: skip


def decides(office: Office, row: Row) -> str:
    """Who would decide a visit when it comes to a director: `committee` or `department`, by the needs of those steps themselves."""
    settings = office.settings_on(office.rules_for(row), row["kind"])
    now = clock.now()
    facts = Facts(row["kind"], "pending_decision", now, clock.local(now).date(), role=R.DIRECTOR, roles=frozenset({R.DIRECTOR}), settings=settings)
    flow = FLOWS[row["kind"]]
    return "department" if _met(flow, "approve", "level_is_mine", facts) else "committee" if _met(flow, "refer_up", "level_is_committee", facts) else ""


def _met(flow: Flow, action: str, code: str, facts: Facts) -> bool:
    return all(need.test(facts) for need in flow.table[action, "pending_decision"].needs if need.code == code)


def _level_line(office: Office, imagined: Office, row: Row) -> dict[str, Any] | None:
    """A visit before its decision that another would decide. One that waits at the Committee stays there unless it is recalled."""
    if row["kind"] != "visit" or row["phase"] not in ("requested", "review"):
        return None
    before, after = (WORDS["decision_level"][decides(seen, row)] for seen in (office, imagined))
    if before == after:
        return None
    if row["state"] == "pending_committee":
        here = WORDS["decision_level"]["committee"]
        after = Text(f"{here.vi} (đã trình); nếu rút lại thì {after.vi}", f"{here.en} (already referred); if it is recalled, {after.en}")
    return _line(row, "level", before, after)


def _act_line(office: Office, imagined: Office, connection: Connection, roster: Roster, row: dict[str, Any], rule: Rule) -> Iterator[dict[str, Any]]:
    """The actions that somebody could take now and not then, and the other way round."""
    now, then = (_possible(seen, connection, roster, row) for seen in (office, imagined))
    if now == then:
        return
    gone, come = _told(row, now, now.items() - then.items()), _told(row, then, then.items() - now.items())
    yes, no = Text("được", "possible"), Text("không được", "not possible")
    before, after = _joined((yes, gone), (no, come)), _joined((no, gone), (yes, come))
    yield _line(row, "duty" if rule.code in DUTIES else "other", before, after)


def _possible(office: Office, connection: Connection, roster: Roster, row: dict[str, Any]) -> dict[tuple[str, str], str]:
    """(action, person) that are open on a case, with the person's name: asked of the choices themselves."""
    found = {}
    for person in roster.people.values():
        held = authority.roles_on(row, person)
        if not held or not authority.visible(row, person, held):
            continue
        for choice in queries.choices_for(office, connection, row, person, held):
            if queries.is_open(choice):
                found[choice["name"], person.id] = person.name
    return found


def _told(row: Row, names: Mapping[tuple[str, str], str], pairs: Iterable[tuple[tuple[str, str], str]]) -> Text:
    """“Endorse (A, B); Close (C)” of (action, person) pairs."""
    people: dict[str, list[str]] = {}
    for (action, person), _ in pairs:
        people.setdefault(action, []).append(names[action, person])
    flow = FLOWS[row["kind"]]
    labels = {action: flow.table[action, row["state"]].label for action in sorted(people)}
    told = {action: ", ".join(sorted(people[action])) for action in labels}
    return Text("; ".join(f"{labels[a].vi} ({told[a]})" for a in labels), "; ".join(f"{labels[a].en} ({told[a]})" for a in labels))


def _joined(*parts: tuple[Text, Text]) -> Text:
    told = [(word, acts) for word, acts in parts if acts.vi]
    return Text("; ".join(f"{word.vi}: {acts.vi}" for word, acts in told), "; ".join(f"{word.en}: {acts.en}" for word, acts in told))


def difference(was: list[dict[str, Any]], now: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What a replay has gained (`come`) and lost (`gone`) since it was shown."""
    return {"come": [item for item in now if item not in was], "gone": [item for item in was if item not in now]}
