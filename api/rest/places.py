"""Lists for pickers: the communes of a province, countries and languages."""

from __future__ import annotations

from typing import Any

from flask import current_app, jsonify, request

from api.language import current
from api.rest import rest
from states.language import Text
from workflow import places, world
from workflow.errors import Invalid

_LONGEST = 120
_NO_PROVINCE = Text("Không có tỉnh mang mã này.", "There is no province of this code.")
_LONG = Text("Từ khóa quá dài (tối đa {n} ký tự).", "The search is too long ({n} characters at most).").format(n=_LONGEST)


@rest.get("/places/communes")
def communes() -> Any:
    """Communes by name, of this province or of another; with what is known of border, sea and island."""
    office = current_app.extensions["office"]
    province, words = request.args.get("province") or office.profile.province, request.args.get("q", "")
    wrong = {}
    if province not in places.provinces():
        wrong["province"] = [_NO_PROVINCE]
    if len(words) > _LONGEST:
        wrong["q"] = [_LONG]
    if wrong:
        raise Invalid(wrong)
    with office.db.read() as connection:
        office.refresh(connection)
        here = province == office.profile.province
        found = office.places if here else places.Places(places.in_force(connection, province))
    return jsonify({"items": [commune.as_dict() for commune in found.search(words)]})


@rest.get("/places/countries")
def countries() -> Any:
    """Every country and territory by the name of the reader's language."""
    return jsonify({"items": [_named(item) for item in world.countries(current())]})


@rest.get("/places/languages")
def languages() -> Any:
    """The languages that may be named, by the name of the reader's language."""
    return jsonify({"items": [_named(item) for item in world.languages(current())]})


def _named(item: world.Named) -> dict[str, Any]:
    return {"code": item.code, "name": item.text.as_dict()}
