"""The public tracking and the receipt for programs: the same words as on the pages."""

from __future__ import annotations

from typing import Any

from flask import current_app, jsonify, request

from api import login
from api.rest import rest
from workflow import tracking


@rest.get("/public/track/<code>")
def track(code: str) -> Any:
    """What the public page tells of a case; 404 for every cause, 429 after too many wrong figures."""
    return jsonify(tracking.look(current_app.extensions["office"], code, request.args.get("pin", ""), request.remote_addr or ""))


@rest.get("/cases/<ref>/receipt")
def receipt(ref: str) -> Any:
    """The receipt with the figures for the public tracking, for applicant and desk."""
    found = tracking.receipt(current_app.extensions["office"], login.needed(), ref)
    return jsonify({**found, "address": f"{current_app.config['FPD'].address}/track/{found['code']}"})
