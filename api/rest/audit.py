"""The record of reads over HTTP."""

from __future__ import annotations

from typing import Any

from flask import current_app, jsonify, request

from api import login
from api.rest import rest
from workflow import reads


@rest.get("/audit/reads")
def audit_reads() -> Any:
    """Who opened which identity papers, and which cases as an auditor."""
    actor = reads.reader(login.needed())  # whoever may not ask is told so before what they ask is looked at
    return jsonify(reads.listed(current_app.extensions["office"], actor, reads.parse(request.args.to_dict())))
