"""REST, `/api/v1`: JSON in, JSON out, problem+json for every refusal."""

from __future__ import annotations

from flask import Blueprint

rest = Blueprint("rest", __name__)

from api.rest import accounts, audit, cases, delegations, feeds, flows, openapi, places, registry, tracking  # noqa: E402  they hang their routes on it

__all__ = ["accounts", "audit", "cases", "delegations", "feeds", "flows", "openapi", "places", "registry", "rest", "tracking"]
