"""The kinds as data: states, steps, fields, drawings, catalogues."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, jsonify, request

from api import login
from api.errors import HttpProblem
from api.language import current
from api.rest import rest
from states import FLOWS, Flow, chart
from workflow import categories as known_categories
from workflow import clock, queries, schemas, store
from workflow.errors import Invalid, NotFound
from workflow.schemas import TEXTS


def flow_dict(flow: Flow) -> dict[str, Any]:
    """A flow in the shape of the contract."""
    return {
        "kind": flow.kind, "version": flow.version, "start": flow.start, "also_starts": list(flow.also_starts), "title": flow.title.as_dict(),
        "fields_schema": schemas.json_schema(flow.fields, strict=False),
        "papers": [schemas.paper_shape(paper) for paper in flow.papers],
        "states": [
            {"name": s.name, "phase": s.phase, "label": s.label.as_dict(), "waits_for": list(s.waits_for), "end": s.end, "resting": s.resting}
            for s in flow.states_
        ],
        "steps": [
            {"action": s.action, "from": s.source, "to": s.target, "by": list(s.by), "label": s.label.as_dict(),
             "needs": [need.code for need in s.needs], "effects": list(dict.fromkeys(e.word for e in s.then)), "append_only": s.append_only,
             "input_schema": schemas.json_schema(s.inputs)}
            for s in flow.steps
        ],
    }  # fmt: skip


def flow_named(kind: str) -> Flow:
    """The flow of that kind, else 404."""
    flow = FLOWS.get(kind)
    if flow is None:
        raise NotFound()
    return flow


@rest.get("/flows")
def flows() -> Any:
    """All kinds."""
    return jsonify({"items": [{"kind": f.kind, "version": f.version, "title": f.title.as_dict()} for f in FLOWS.values()]})


@rest.get("/flows/<kind>")
def flow(kind: str) -> Any:
    """One kind, whole."""
    return jsonify(flow_dict(flow_named(kind)))


@rest.get("/flows/<kind>/example")
def example(kind: str) -> Any:
    """A complete valid dossier with invented data, first day today."""
    found = flow_named(kind)
    if found.example is None:
        raise NotFound()
    return jsonify(found.example(clock.today()))


@rest.get("/flows/<kind>/chart.<suffix>")
def chart_(kind: str, suffix: str) -> Any:
    """The drawing of a kind as SVG or Mermaid, with a case's state and path highlighted."""
    found = flow_named(kind)
    state, path = None, ()
    ref = request.args.get("case")
    if ref:
        actor = login.actor()
        if actor is None:
            raise HttpProblem(401, "login_required")
        office = current_app.extensions["office"]
        state, path = travelled(office, actor, ref, kind)
    if suffix == "svg":
        return Response(chart.svg(found, current(), state=state, path=path), content_type="image/svg+xml; charset=utf-8")
    if suffix == "mmd":
        return Response(chart.mermaid(found, current(), state=state), content_type="text/plain; charset=utf-8")
    raise NotFound()


def travelled(office: Any, actor: Any, ref: str, kind: str) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """The state a case is in and the arrows it took, as far as this person may know."""
    with office.db.read() as connection:
        row, held = queries.loaded(office, connection, actor, ref)
        if row["kind"] != kind:
            raise NotFound()
        entries = store.query(
            connection, "SELECT from_state, to_state FROM audit_entry WHERE case_id = :id AND from_state IS NOT NULL ORDER BY seq", id=row["id"]
        )
    from workflow import authority

    if authority.outside(held, actor):
        return None, ()
    return row["state"], tuple((e["from_state"], e["to_state"]) for e in entries)


@rest.get("/agencies")
def agencies() -> Any:
    """Organisations that can be named by code."""
    office = current_app.extensions["office"]
    items = [
        {"code": o.code, "name": o.name.as_dict(), "kind": o.kind, "silence_means": o.silence_means}
        for o in queries.organisations(office)
        if o.kind in ("consulted", "leader_office", "committee") or (o.kind == "requesting" and login.needed().has("intake"))
    ]
    if not login.needed().staff:
        items = [item for item in items if item["kind"] == "leader_office"]
    return jsonify({"items": items})


@rest.get("/categories")
def categories() -> Any:
    """Who may file: each category with what the province does, its clock by the rules of today, and where to go where it is not ours."""
    office = current_app.extensions["office"]
    with office.db.read() as connection:
        office.refresh(connection)
    return jsonify({"items": [known_categories.category_dict(item, office.rules) for item in known_categories.categories().values()]})


@rest.get("/grounds")
def grounds() -> Any:
    """The closed list of coded grounds for a use."""
    use = request.args.get("for", "")
    profile = current_app.extensions["office"].profile
    if use not in ("reject", "not_accepted", "revoke", "decline"):
        raise Invalid({"for": [TEXTS["choice"]]})
    return jsonify({"items": [{"code": g.code, "label": g.label.as_dict(), "basis": g.basis} for g in profile.grounds if use in g.uses]})
