"""The list of communes as a page: what there is, what is known of each, where it was read. It changes by a file alone."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template, request

from api.web import web
from api.web.admin import SUBJECTS, Subject, reader
from api.web.admin.agencies import source
from states.language import Text
from workflow import places

SUBJECTS.append(
    Subject(
        "/admin/places",
        Text("Danh mục xã, phường, đặc khu", "List of communes"),
        Text(
            "Các xã, phường, đặc khu của tỉnh; điều đã biết về biên giới, biển, đảo, điều chưa xác định, và nguồn.",
            "The communes, wards and special zones of the province; what is known of border, sea and islands, what is not, and the source.",
        ),
        order=32,
    )
)
_LONGEST = 120


@web.get("/admin/places")
def admin_places() -> Any:
    """The communes of this locality, by name; with `ended=1` also the rows that no longer stand."""
    reader()
    office = current_app.extensions["office"]
    words, only = request.args.get("name", "")[:_LONGEST], request.args.get("only", "")
    with office.db.read() as connection:
        office.refresh(connection)
        ended = [row for row in places.rows_of(connection, office.profile.province, ended=True) if row["ended_at"]]
    found = office.places
    shown = [commune for commune in found.search(words) if _shown(commune, only)]
    return render_template(
        "admin/places.html", communes=[(commune, places.place_marks(commune)) for commune in shown], all=len(found.communes),
        open=sum(1 for commune in found.communes if "unknown" in commune.attributes.values()), words=words, only=only, marks=places.MARKS,
        standings=places.STANDINGS, source=source, profile=office.profile, filters=_ONLY,
        ended=[(places.commune_of(row), row) for row in ended] if request.args.get("ended") == "1" else None, ended_n=len(ended),
    )  # fmt: skip


_ONLY = {
    **{name: places.MARKS[name] for name in places.ATTRIBUTES},
    "unknown": Text("còn điều chưa xác định", "something not determined"),
    "unsourced": Text("chưa có nguồn", "without a source"),
}


def _shown(commune: places.Commune, only: str) -> bool:
    """Whether a commune passes the filter of the page; an unknown filter lets everything pass."""
    if only in places.ATTRIBUTES:
        return commune.attributes[only] == "yes"
    if only == "unknown":
        return "unknown" in commune.attributes.values()
    return commune.standing != "sourced" if only == "unsourced" else True
