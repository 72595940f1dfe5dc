"""The registry of outlets and journalists over HTTP, and the matches of a case with what was said of them."""

from __future__ import annotations

from typing import Any

from flask import current_app, jsonify, request

from api import login
from api.rest import rest
from api.rest.body import json_body, known, text_of
from api.security import request_id
from workflow import matches, registry
from workflow.queries import read_case


def office() -> Any:
    """The office of this process."""
    return current_app.extensions["office"]


@rest.get("/cases/<ref>/matches")
def list_matches(ref: str) -> Any:
    """Open cases that share people, a place or a leader at the same time."""
    return jsonify({"items": matches.matches_of(office(), login.needed(), ref)})


@rest.post("/cases/<ref>/matches/<other>")
def settle_match(ref: str, other: str) -> Any:
    """Record that another case is no duplicate."""
    read_case(office(), login.needed(), ref)  # absent or not visible answers first, before the body is looked at
    body = json_body()
    known(body, "reason", "seen")
    reason, seen = text_of(body, "reason") or "", text_of(body, "seen", limit=64) or ""
    return jsonify(matches.not_duplicate(office(), login.needed(), ref, other, reason, seen=seen, request_id=request_id()))


@rest.get("/registry/outlets")
def registry_outlets() -> Any:
    """A page of outlets."""
    return jsonify(registry.outlets(office(), login.needed(), request.args.to_dict()))


@rest.get("/registry/outlets/<id_>")
def registry_outlet(id_: str) -> Any:
    """One outlet with its requests, licences and people."""
    return jsonify(registry.outlet(office(), login.needed(), id_, request.args.to_dict()))


@rest.get("/registry/people")
def registry_people() -> Any:
    """Journalists found by name or number."""
    return jsonify(registry.people(office(), login.needed(), request.args.to_dict()))


@rest.get("/registry/people/<id_>")
def registry_person(id_: str) -> Any:
    """One journalist with requests and papers."""
    return jsonify(registry.person(office(), login.needed(), id_, request.args.to_dict()))
