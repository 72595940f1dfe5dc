"""Nothing here rates people: no column, declared field, form field, JSON key or setting for a mark, a rank or a remark about a person.

Basis: no rating, score, or list of friendly and unfriendly press; no tracking of anybody's movements by device.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from jinja2 import Environment, nodes

from api.rest.openapi import document
from states import FLOWS
from states.language import AnyField, Field
from tests.house.ground import ROOMS, ROOT, modules
from workflow.engine import BEHALF, BESIDE
from workflow.models import Base

FORBIDDEN = re.compile(
    r"(?:^|_)(?:rat(?:e|es|ed|ing|ings)|scor(?:e|es|ed|ing)|remarks?|attitudes?|friendl(?:y|iness)|unfriendly|hostil(?:e|ity)|sympath(?:y|etic)|loyalty"
    r"|reputation|sentiment|stance|bias(?:ed)?|trusted|untrusted|blacklist(?:ed)?|whitelist(?:ed)?|watch_?list(?:ed)?|rank(?:s|ed|ing)?|stars|grade[sd]?"
    r"|political_views?|religious_views?|gps|geolocation|device_location|danh_gia|xep_hang|nhan_xet|thai_do|than_thien)(?:$|_)"
)

# Where a place of the programme lies, told beforehand by whoever asks: a place, and nobody's movements.
ALLOWED = {("visit.itinerary", "gps")}

Named = tuple[str, str]  # where, name


def columns() -> Iterator[Named]:
    for table in Base.metadata.tables.values():
        yield "table", table.name
        yield from ((table.name, column.name) for column in table.columns)


def declared(items: tuple[AnyField, ...], where: str) -> Iterator[Named]:
    """The names of declared fields, the codes of their choices, and of everything inside them."""
    for item in items:
        yield where, item.name
        if isinstance(item, Field):
            yield from ((f"{where}.{item.name}", choice.code) for choice in item.choices)
        else:
            yield from declared(tuple(item.fields), f"{where}.{item.name}")


def kinds() -> Iterator[Named]:
    for flow in FLOWS.values():
        yield from declared((*flow.fields, *flow.internal), flow.kind)
        yield from ((flow.kind, paper.name) for paper in flow.papers)
        for step in flow.steps:
            yield from declared(step.inputs, f"{flow.kind}.{step.action}")
    yield from declared((*BEHALF, *BESIDE), "beside")


def form_names() -> Iterator[Named]:
    """What the templates call their form fields, computed names by the parts that are written out."""
    for path in sorted((ROOT / "templates").rglob("*.html")):
        text, where = path.read_text("utf-8"), path.relative_to(ROOT).as_posix()
        yield from ((where, name) for name in re.findall(r"\bname=\"([^\"{]+)", text))
        for const in Environment(autoescape=True).parse(text).find_all(nodes.Const):
            if isinstance(const.value, str) and re.fullmatch(r"[a-z_.]{2,40}", const.value):
                yield where, const.value


def keys() -> Iterator[Named]:
    """Keys of every dictionary that the code writes out: what answers, records and memories are made of."""
    for name, tree in modules(*ROOMS).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                yield from ((f"{name}:{node.lineno}", key.value) for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def addresses() -> Iterator[Named]:
    """Every property and parameter of the API, and every part of its paths."""

    def walk(thing: object, where: str) -> Iterator[Named]:
        if isinstance(thing, dict):
            for key, value in thing.items():
                if key == "properties":
                    yield from ((where, name) for name in value)
                if key == "name" and isinstance(value, str):
                    yield where, value
                yield from walk(value, where)
        elif isinstance(thing, list):
            for value in thing:
                yield from walk(value, where)

    for path, operation in document()["paths"].items():
        yield from ((path, part) for part in path.split("/"))
        yield from walk(operation, path)


@pytest.mark.parametrize("source", [columns, kinds, form_names, keys, addresses], ids=lambda source: source.__name__)
def test_nothing_rates_people(source):
    found = list(source())
    assert len(found) > 40, "the walk finds too little to be right"
    assert not [item for item in found if FORBIDDEN.search(re.sub(r"[^a-z]+", "_", item[1].lower())) and item not in ALLOWED]


@pytest.mark.parametrize("name", ["rating", "crew.0.score", "person_remark", "attitude", "friendly", "is_unfriendly", "watchlist", "nhan_xet", "outlet-rank"])
def test_the_words_are_recognised(name):
    assert FORBIDDEN.search(re.sub(r"[^a-z]+", "_", name.lower()))


@pytest.mark.parametrize("name", ["reason", "separate", "narrative", "generated_at", "underscore", "operation", "franking", "moderate", "upgrade", "starts"])
def test_other_words_are_left_alone(name):
    assert not FORBIDDEN.search(re.sub(r"[^a-z]+", "_", name.lower()))
