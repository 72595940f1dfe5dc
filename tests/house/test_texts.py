"""Vietnamese and English stand side by side: no text without its twin, no blank on one side only, no half left empty.

Texts are not in catalogues: they are `Text(vi, en)` in Python and `t("vi", "en")` in templates (ADR 0003).
Read from the source, so that a text no test happens to show is checked as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from string import Formatter

import pytest
from jinja2 import Environment, nodes

from states import FLOWS
from states.language import Text
from tests.house.ground import ROOMS, ROOT, modules

Pair = tuple[str, str, str]  # where, Vietnamese, English


def python_pairs() -> Iterator[Pair]:
    """Pairs written out in Python; an f-string counts with one blank for each value."""
    for name, tree in modules(*ROOMS).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Text", "t") and len(node.args) >= 2:
                vi, en = (written(arg) for arg in node.args[:2])
                if vi is not None and en is not None:
                    yield f"{name}:{node.lineno}", vi, en


def written(node: ast.expr) -> str | None:
    """The text of a literal or an f-string, None for what is computed."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def template_calls() -> Iterator[tuple[str, nodes.Call]]:
    """Every `t(…)` of every template."""
    environment = Environment(autoescape=True)
    for path in sorted((ROOT / "templates").rglob("*.html")):
        for call in environment.parse(path.read_text("utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "t":
                yield f"{path.relative_to(ROOT).as_posix()}:{call.lineno}", call


def template_pairs() -> Iterator[Pair]:
    """Pairs written out in templates."""
    for where, call in template_calls():
        if len(call.args) == 2 and all(isinstance(arg, nodes.Const) for arg in call.args):
            yield where, call.args[0].value, call.args[1].value


def blanks(text: str) -> list[str]:
    """The named blanks of a text, in a fixed order: the two languages may put them in different places."""
    return sorted(field for _, field, _, _ in Formatter().parse(text) if field is not None)


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    found = [*python_pairs(), *template_pairs()]
    assert len(found) > 500, "the search for texts finds too few to be right"
    return found


def test_neither_half_is_empty(pairs):
    assert not [where for where, vi, en in pairs if not vi.strip() or not en.strip()]


def test_same_blanks_on_both_sides(pairs):
    assert not [(where, vi, en) for where, vi, en in pairs if blanks(vi) != blanks(en)]


def test_templates_fill_every_blank():
    """`t("… {n} …", …)` without `n=` would fail when shown; one without blanks must not be given values."""
    wrong = []
    for where, call in template_calls():
        assert len(call.args) == 2, f"{where}: a text and its twin"
        if isinstance(call.args[0], nodes.Const):
            wanted, given = set(blanks(call.args[0].value)), {value.key for value in call.kwargs}
            if wanted != given:
                wrong.append((where, sorted(wanted ^ given)))
    assert not wrong


def test_python_pages_fill_every_blank():
    wrong = []
    for name, tree in modules("api").items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "t" and node.args and (vi := written(node.args[0])):
                if set(blanks(vi)) != {value.arg for value in node.keywords}:
                    wrong.append(f"{name}:{node.lineno}")
    assert not wrong


def test_english_is_english(pairs):
    """A Vietnamese letter in the English half is a forgotten translation, proper names apart."""
    names = ("Hà Nội", "Cần Thơ", "Nghị định", "Sở Ngoại vụ", "Nguyễn", "KT.", "TL.", "TUQ.")
    marks = set("ăâđêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ")
    wrong = []
    for where, _, en in pairs:
        rest = en
        for name in names:
            rest = rest.replace(name, "")
        if marks & set(rest.lower()):
            wrong.append((where, en))
    assert not wrong


def test_every_word_of_every_kind_is_in_both_languages():
    """The same for what the kinds compute: labels made from other labels included."""
    from dataclasses import fields, is_dataclass

    def walk(thing: object, where: str) -> Iterator[tuple[str, Text]]:
        if isinstance(thing, Text):
            yield where, thing
        elif is_dataclass(thing) and not isinstance(thing, type):
            for field in fields(thing):
                yield from walk(getattr(thing, field.name, None), f"{where}.{field.name}")
        elif isinstance(thing, dict):
            for key, value in thing.items():
                yield from walk(value, f"{where}[{key}]")
        elif isinstance(thing, (tuple, list)):
            for at, value in enumerate(thing):
                yield from walk(value, f"{where}[{at}]")

    found = [pair for flow in FLOWS.values() for pair in walk(flow, flow.kind)]
    assert len(found) > 300
    assert not [where for where, text in found if not text.vi.strip() or not text.en.strip() or blanks(text.vi) != blanks(text.en)]
