"""Applicant categories A1–A12: who files decides form, papers, clock and authority (Nghị định 262/2026 art. 4-18)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from states.asked import CATEGORIES
from states.language import Text
from workflow.rules import FOLDER, Rules

_LABELS = {choice.code: choice.label for choice in CATEGORIES}


@dataclass(frozen=True, slots=True)
class Category:
    """One category. `clock` is a code of the rule table; `statutory` says that the law itself sets it, so that it is never paused.

    `delegation`: the press travels with an official delegation. `refer` and `where` stand where the province may not decide: why, and where to go instead.
    """

    code: str
    kind: str
    authority: str
    clock: str
    statutory: bool
    form: str
    papers: tuple[str, ...]
    basis: str
    label: Text
    note: Text | None = None
    refer: Text | None = None
    where: Text | None = None
    ground: str = ""
    interview_form: str = ""
    delegation: bool = False


def _text(value: Any) -> Text | None:
    return Text(value["vi"], value["en"]) if value else None


@lru_cache(maxsize=1)
def categories() -> Mapping[str, Category]:
    """Every category by its code."""
    listed = tomllib.loads((FOLDER / "categories.toml").read_text("utf-8"))["category"]
    return {
        row["code"]: Category(
            row["code"], row["kind"], row["authority"], row["clock"], row["statutory"], row["form"], tuple(row["papers"]), row["basis"],
            _LABELS[row["code"]], _text(row.get("note")), _text(row.get("refer")), _text(row.get("where")), row.get("ground", ""),
            row.get("interview_form", ""), bool(row.get("delegation")),
        )
        for row in listed
    }  # fmt: skip


_PLAIN = {"visit": ("T01", True), "interview": ("T02", True)}


def clock_of(kind: str, category: str | None) -> tuple[str, bool]:
    """The rule that sets a case's reply date, and whether it is the law's own; a category of the other kind sets none."""
    found = categories().get(category or "")
    if found is None or found.kind != kind:
        return _PLAIN.get(kind, ("T01", True))
    return found.clock, found.statutory


def authority_of(category: str | None) -> str:
    """What the province does: `decide`, `coordinate`, `host` or `opinion`."""
    found = categories().get(category or "")
    return found.authority if found else "decide"


def with_delegation(category: str | None) -> bool:
    """Whether the press travels with an official delegation."""
    found = categories().get(category or "")
    return found is not None and found.delegation


@lru_cache(maxsize=1)
def referred_out() -> tuple[str, ...]:
    """Categories that are not the province's to decide."""
    return tuple(code for code, item in categories().items() if item.refer)


# The first question of the application, in the words of whoever files: who they are, then what they want.
GROUPS: tuple[tuple[Text, tuple[str, ...]], ...] = (
    (Text("Văn phòng thường trú tại Việt Nam", "Resident bureau in Viet Nam"), ("A1", "A2")),
    (Text("Phóng viên không thường trú", "Press without a bureau in Viet Nam"), ("A3", "A4", "A11")),
    (Text("Được mời, đi cùng đoàn", "Invited, or travelling with a delegation"), ("A5", "A6", "A7")),
    (Text("Cơ quan, tổ chức Việt Nam và việc khác", "Vietnamese bodies, and other matters"), ("A10", "A8", "A9", "A12")),
)


@dataclass(frozen=True, slots=True)
class Referral:
    """What is not the province's to decide: why, where to go instead, and the coded ground the desk answers with.

    `key` is the category, or `national` for a leader who is not a local one (Nghị định 262/2026 art. 16(1)).
    """

    key: str
    label: Text
    why: Text
    where: Text
    basis: str
    ground: str

    def as_dict(self) -> dict[str, Any]:
        """The wire shape."""
        return {
            "key": self.key, "label": self.label.as_dict(), "why": self.why.as_dict(), "where": self.where.as_dict(), "basis": self.basis,
            "ground": self.ground,
        }  # fmt: skip


NATIONAL_LEADER = Referral(
    "national",
    Text("Phỏng vấn lãnh đạo cấp cao của Đảng, Nhà nước", "Interview of a national leader of Party or State"),
    Text(
        "Phỏng vấn lãnh đạo cấp cao của Đảng và Nhà nước do Bộ Ngoại giao giải quyết, kể cả khi thực hiện tại địa phương.",
        "An interview of a national leader is for the Ministry of Foreign Affairs, even where it is held in the province.",
    ),
    Text("Gửi văn bản đề nghị tới Bộ Ngoại giao.", "Send the letter of request to the Ministry of Foreign Affairs."),
    "262/16(1)",
    "wrong_authority",
)


@lru_cache(maxsize=len(_LABELS))
def referral_of(category: str) -> Referral | None:
    """Where a category leads that the province may not decide; None for all others."""
    found = categories().get(category)
    if found is None or found.refer is None:
        return None
    return Referral(found.code, found.label, found.refer, found.where or found.refer, found.basis, found.ground)


def category_dict(item: Category, rules: Rules) -> dict[str, Any]:
    """The wire shape of a category, its clock told by the rules of a day."""
    clock = rules[item.clock]
    value = clock.number
    return {
        "code": item.code, "label": item.label.as_dict(), "kind": item.kind, "authority": item.authority, "form": item.form or None,
        "papers": list(item.papers), "clock": {"code": item.clock, "value": int(value) if value == int(value) else value, "unit": clock.unit},
        "statutory": item.statutory, "basis": item.basis, "note": item.note.as_dict() if item.note else None,
        "refer": item.refer.as_dict() if item.refer else None, "where": item.where.as_dict() if item.where else None,
    }  # fmt: skip
