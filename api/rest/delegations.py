"""Delegations over HTTP: entered by one person, confirmed by another, ended at once."""

from __future__ import annotations

from typing import Any

from flask import current_app, jsonify

from api import login
from api.rest import rest
from api.rest.body import json_body
from api.security import request_id
from workflow import delegations


def office() -> Any:
    """The office of this process."""
    return current_app.extensions["office"]


def _one(id_: str) -> dict[str, Any]:
    return next(item for item in delegations.listed(office(), login.needed()) if item["id"] == id_)


@rest.get("/delegations")
def list_delegations() -> Any:
    """Mine on either side; all for administrators, directors and auditors."""
    return jsonify({"items": delegations.listed(office(), login.needed())})


@rest.post("/delegations")
def enter_delegation() -> Any:
    """Enter a delegation, by the principal or an administrator; it is not in force before somebody confirms it."""
    id_ = delegations.enter(office(), login.needed(), json_body(), request_id=request_id())
    response = jsonify(_one(id_))
    response.status_code = 201
    response.headers["Location"] = f"/api/v1/delegations/{id_}"
    return response


@rest.post("/delegations/<id_>/confirm")
def confirm_delegation(id_: str) -> Any:
    """Put a delegation in force, as a second person."""
    json_body()
    delegations.confirm(office(), login.needed(), id_, request_id=request_id())
    return jsonify(_one(id_))


@rest.delete("/delegations/<id_>")
def end_delegation(id_: str) -> Any:
    """End a delegation; one that has ended stays as it is."""
    delegations.end(office(), login.needed(), id_, request_id=request_id())
    return "", 204
