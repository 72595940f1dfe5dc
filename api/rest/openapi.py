"""The API document, derived from the kinds: one operation for every action name."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import jsonify, render_template

from api.rest import rest
from states import FLOWS
from states.language import PHASES, AnyField
from workflow import delegations, places, reads, schemas

_JSON = "application/json"
_PROBLEM = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}, "description": "Refused"}
_CASE = {"description": "The case", "headers": {"ETag": {"schema": {"type": "string"}}}, "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Case"}}}}
_REF = {"name": "ref", "in": "path", "required": True, "schema": {"type": "string"}, "description": "Public id or printed code"}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_DELEGATION = {"name": "id_", "in": "path", "required": True, "schema": {"type": "string"}}
_PAPER = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_MATCH = {"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"}, "description": 'The version seen, e.g. "7"'}
_KEY = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,200}$"}}


def _problems(*codes: int) -> dict[str, Any]:
    return {str(code): _PROBLEM for code in codes}


def _items(description: str) -> dict[str, Any]:
    return {
        "200": {"description": description, "content": {_JSON: {"schema": {"type": "object", "required": ["items"],
                "properties": {"items": {"type": "array", "items": {"type": "object"}}, "next_cursor": {"type": ["string", "null"]}}}}}},
    }  # fmt: skip


def _get(operation: str, summary: str, responses: dict[str, Any], *parameters: dict[str, Any], public: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": operation, "summary": summary, "parameters": list(parameters), "responses": responses}
    if public:
        found["security"] = []
    return found


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _merged(name: str) -> tuple[AnyField, ...]:
    """The inputs of an action over all kinds and states that have it; an input is required only if it always is."""
    steps = [step for flow in FLOWS.values() for step in flow.actions.get(name, ())]
    found: dict[str, AnyField] = {}
    for step in steps:
        for item in step.inputs:
            found.setdefault(item.name, item)
    return tuple(found.values())


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The whole document (OpenAPI 3.1)."""
    base, text, flag = "/api/v1", {"type": "string"}, {"type": "string", "enum": ["true", "false"]}
    anything = {"200": {"description": "Found", "content": {_JSON: {"schema": {"type": "object"}}}}}
    body = lambda schema: {"required": True, "content": {_JSON: {"schema": schema}}}  # noqa: E731
    kinds = [flow.kind for flow in FLOWS.values()]
    states = sorted({name for flow in FLOWS.values() for name in flow.states})
    filters = [
        _query("kind", {"type": "string", "enum": kinds}), _query("state", {"type": "string", "enum": states}),
        _query("phase", {"type": "string", "enum": list(PHASES)}), *(_query(name, flag) for name in ("open", "overdue", "mine", "inbox")),
        *(_query(name, {"type": "string", "maxLength": 300}) for name in ("organisation", "country", "q", "parent", "cursor")),
        *(_query(name, {"type": "string", "format": "date"}) for name in ("from", "to")),
        _query("sort", {"type": "string", "enum": ["created", "due", "updated"]}), _query("limit", {"type": "integer", "minimum": 1, "maximum": 100}),
    ]  # fmt: skip
    paging = [_query("limit", {"type": "integer", "minimum": 1, "maximum": 100}), _query("cursor", {"type": "string", "maxLength": 300})]
    kind_path = {"name": "kind", "in": "path", "required": True, "schema": {"type": "string", "enum": kinds}}
    seen = _problems(401, 404)
    paths: dict[str, Any] = {
        f"{base}/session": {
            "post": {"operationId": "sign_in", "summary": "Sign in", "security": [], "requestBody": body({
                "type": "object", "required": ["username", "password"], "additionalProperties": False,
                "properties": {"username": text, "password": text, "otp": text}}),
                "responses": {**anything, **_problems(400, 401, 413, 415, 422, 429)}},
            "delete": {"operationId": "sign_out", "summary": "Sign out", "responses": {"204": {"description": "Signed out"}, **_problems(400, 401)}},
        },
        f"{base}/session/confirm": {"post": {"operationId": "confirm", "summary": "Renew the fresh check", "requestBody": body({
            "type": "object", "required": ["password"], "properties": {"password": text, "otp": text}, "additionalProperties": False}),
            "responses": {"204": {"description": "Renewed"}, **_problems(400, 401, 413, 415, 422, 429)}}},
        f"{base}/me": {"get": _get("me", "Who I am", {**anything, **_problems(401)})},
        f"{base}/delegations": {
            "get": _get("list_delegations", "Delegations: mine, or all for administrators, directors and auditors", {**_items("Delegations"), **_problems(401)}),
            "post": {"operationId": "enter_delegation", "summary": "Enter a delegation; in force once a second person confirms it",
                "requestBody": body(schemas.json_schema(delegations.DECLARED)),
                "responses": {"201": {"description": "Entered", "headers": {"Location": {"schema": text}}, "content": {_JSON: {"schema": {"type": "object"}}}},
                    **_problems(400, 401, 403, 409, 413, 415, 422)}},
        },
        f"{base}/delegations/{{id_}}/confirm": {"post": {"operationId": "confirm_delegation", "summary": "Put a delegation in force, as a second person",
            "parameters": [_DELEGATION], "responses": {**anything, **_problems(400, 401, 403, 404, 409, 413, 415, 422)}}},
        f"{base}/delegations/{{id_}}": {"delete": {"operationId": "end_delegation", "summary": "End a delegation at once", "parameters": [_DELEGATION],
            "responses": {"204": {"description": "Ended"}, **_problems(400, 401, 403, 404, 409)}}},
        f"{base}/flows": {"get": _get("flows", "All kinds", _items("Kinds"), public=True)},
        f"{base}/flows/{{kind}}": {"get": _get("flow", "One kind", {**anything, **_problems(404)}, kind_path, public=True)},
        f"{base}/flows/{{kind}}/example": {"get": _get("example", "A complete valid dossier", {**anything, **_problems(404)}, {
            **kind_path, "schema": {"type": "string", "enum": [f.kind for f in FLOWS.values() if f.example]}}, public=True)},
        f"{base}/flows/{{kind}}/chart.svg": {"get": _get("chart", "The drawing", {"200": {"description": "SVG", "content": {"image/svg+xml": {"schema": text}}},
            **_problems(401, 404)}, kind_path, _query("case", text))},
        f"{base}/agencies": {"get": _get("agencies", "Organisations by code", {**_items("Agencies"), **_problems(401)})},
        f"{base}/grounds": {"get": _get("grounds", "Coded grounds", {**_items("Grounds"), **_problems(401, 422)},
            {**_query("for", {"type": "string", "enum": ["reject", "not_accepted", "revoke", "decline"]}), "required": True})},
        f"{base}/categories": {"get": _get("categories", "Who may file, and what follows from it", _items("Categories"), public=True)},
        f"{base}/places/communes": {"get": _get("communes", "Communes by name, with what is known of border, sea and island",
            {**_items("Communes"), **_problems(401, 422)}, _query("q", {"type": "string", "maxLength": 120}),
            _query("province", {"type": "string", "enum": sorted(places.provinces())}))},
        f"{base}/places/countries": {"get": _get("countries", "Countries and territories by code (ISO 3166-1)", _items("Countries"), public=True)},
        f"{base}/places/languages": {"get": _get("languages", "Languages by code (ISO 639)", _items("Languages"), public=True)},
        f"{base}/cases/preview": {"post": {"operationId": "preview", "summary": "The route a dossier would take if it were sent now; no effect",
            "requestBody": body({"type": "object", "required": ["kind"], "additionalProperties": False, "properties": {
                "kind": {"type": "string", "enum": ["visit", "interview"]}, "fields": {"type": ["object", "null"]},
                "papers": {"type": ["array", "null"], "items": text}}}),
            "responses": {**anything, **_problems(400, 401, 403, 413, 415, 422)}}},
        f"{base}/cases": {
            "get": _get("list_cases", "A page of cases", {**_items("Cases"), **_problems(401, 422)}, *filters),
            "post": {"operationId": "open_case", "summary": "Open a case", "parameters": [_KEY], "requestBody": body({
                "type": "object", "required": ["kind"], "additionalProperties": False, "properties": {
                    "kind": {"type": "string", "enum": kinds}, "fields": {"type": "object"}, "parent": {"type": ["string", "null"]},
                    "letter": {"type": ["string", "null"]}, "replaces": {"type": ["string", "null"]}, "related": {"type": ["string", "null"]},
                    "on_behalf_of": {"type": ["object", "null"]}}}),
                "responses": {"201": _CASE, **_problems(400, 401, 403, 404, 409, 413, 415, 422)}},
        },
        f"{base}/cases/{{ref}}": {
            "get": _get("read_case", "One case", {"200": _CASE, **seen}, _REF),
            "patch": {"operationId": "edit_case", "summary": "Change the dossier", "parameters": [_REF, _MATCH], "requestBody": body({
                "type": "object", "properties": {"fields": {"type": "object"}}, "required": ["fields"], "additionalProperties": False}),
                "responses": {"200": _CASE, **_problems(400, 401, 403, 404, 409, 412, 413, 415, 422, 428)}},
        },
        f"{base}/cases/{{ref}}/actions": {"get": _get("actions", "What may be done, and why not", {**_items("Actions"), **seen}, _REF)},
        f"{base}/cases/{{ref}}/recusal": {"post": {"operationId": "recuse", "summary": "Declare a conflict of interest", "parameters": [_REF],
            "requestBody": body({"type": "object", "properties": {"reason": {"type": "string", "minLength": 1}}, "required": ["reason"], "additionalProperties": False}),
            "responses": {"204": {"description": "Recorded"}, **_problems(400, 401, 403, 404, 409, 413, 415, 422)}}},
        f"{base}/cases/{{ref}}/matches": {"get": _get("matches", "Open cases with the same people, or at one place or leader at the same time", {
            **_items("Matches"), **seen}, _REF)},
        f"{base}/cases/{{ref}}/matches/{{other}}": {"post": {"operationId": "settle_match", "summary": "Record that another case is no duplicate", "parameters": [
            _REF, {**_REF, "name": "other"}],
            "requestBody": body({"type": "object", "properties": {"reason": {"type": "string", "minLength": 1}, "seen": {"type": "string", "maxLength": 64}},
                "required": ["reason"], "additionalProperties": False}),
            "responses": {**anything, **_problems(400, 401, 403, 404, 409, 413, 415, 422)}}},
        f"{base}/registry/outlets": {"get": _get("registry_outlets", "Outlets in the order of the alphabet", {
            **_items("Outlets"), **_problems(401, 403, 422)}, _query("q", {"type": "string", "maxLength": 300}), *paging)},
        f"{base}/registry/outlets/{{id}}": {"get": _get("registry_outlet", "One outlet: requests, licences, people", {**anything, **_problems(401, 403, 404, 422)},
            _ID, *paging)},
        f"{base}/registry/people": {"get": _get("registry_people", "Journalists by words of the name, or by a number or its last four characters", {
            **_items("People"), **_problems(401, 403, 422)}, {**_query("q", {"type": "string", "minLength": 1, "maxLength": 300}), "required": True}, *paging)},
        f"{base}/registry/people/{{id}}": {"get": _get("registry_person", "One journalist: requests and papers", {**anything, **_problems(401, 403, 404, 422)},
            _ID, *paging)},
        f"{base}/cases/{{ref}}/history": {"get": _get("history", "The entries of a case", {**_items("Entries"), **seen, **_problems(422)}, _REF, _query("canonical", flag))},
        f"{base}/cases/{{ref}}/deadlines": {"get": _get("deadlines", "Every due date with its sum", {**_items("Deadlines"), **seen}, _REF)},
        f"{base}/cases/{{ref}}/differences": {
            "get": _get(
                "differences_of", "What the applicant changed when the file came back, old and new", {**anything, **seen, **_problems(422)}, _REF,
                _query("round", {"type": "string", "pattern": "^[0-9]+$", "description": "The round it came back into; the last one where none is named"}),
            )
        },
        f"{base}/cases/{{ref}}/letters": {"get": _get("letters", "The letters of a case", {**_items("Letters"), **seen}, _REF)},
        f"{base}/cases/{{ref}}/papers": {"get": _get("papers", "The papers of a case", {**_items("Papers"), **seen}, _REF)},
        f"{base}/cases/{{ref}}/papers/{{name}}": {"post": {"operationId": "attach", "summary": "Upload a paper",
            "parameters": [_REF, {"name": "name", "in": "path", "required": True, "schema": text}],
            "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": {"type": "object", "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}, "not_classified": {"type": "string", "enum": ["true", "false"],
                    "description": "The uploader's word that the file holds no state secret; a picture without it is held back"}}}}}},
            "responses": {"201": {"description": "Stored", "content": {_JSON: {"schema": {"type": "object"}}}},
                **_problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 503)}}},
        f"{base}/cases/{{ref}}/receipt": {"get": _get("receipt", "The receipt with the figures for the public tracking; for applicant and desk", {**anything, **seen}, _REF)},
        f"{base}/public/track/{{code}}": {"get": _get("track", "What the public tracking tells of a case; no session needed, and nobody is named", {
            "200": {"description": "The word, the steps, the promised date with its sum, what comes next",
                    "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Tracked"}}}}, **_problems(404, 429)},
            {"name": "code", "in": "path", "required": True, "schema": text, "description": "The printed code"},
            {**_query("pin", {"type": "string", "pattern": "^[0-9]{6}$"}), "required": True}, public=True)},
        f"{base}/calendar.ics": {"get": _get("calendar_feed", "The calendar of whoever the token belongs to (RFC 5545); no session needed", {
            "200": {"description": "The calendar", "content": {"text/calendar": {"schema": text}}}, **_problems(404)},
            {**_query("token", {"type": "string", "pattern": "^[0-9a-f]{64}$"}), "required": True}, public=True)},
        f"{base}/papers/{{id}}/content": {"get": _get("paper", "The bytes of a paper; a sensitive one is recorded first, with its purpose", {
            "200": {"description": "File", "content": {
                kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("application/pdf", "image/jpeg", "image/png")}},
            **seen, **_problems(409, 422, 429)}, _PAPER,
            {**_query("purpose", {"type": "string", "minLength": 5, "maxLength": 300}), "description": "Needed where the case does not wait for the reader"},
            _query("how", {"type": "string", "enum": list(reads.ASKED)}))},
        f"{base}/papers/{{id}}/release": {"post": {"operationId": "release_paper", "summary": "Confirm that a paper which is held back is no state secret",
            "parameters": [_PAPER], "requestBody": {"required": False, "content": {_JSON: {"schema": {"type": "object", "additionalProperties": False,
                "properties": {"note": {"type": ["string", "null"], "maxLength": 1000}}}}}},
            "responses": {"204": {"description": "Released"}, **_problems(400, 401, 403, 404, 409, 413, 415, 422)}}},
        f"{base}/audit/reads": {"get": _get("audit_reads", "Who opened which papers, and which cases as an auditor", {**_items("Readings"), **_problems(401, 403, 422)},
            *(_query(name, {"type": "string", "maxLength": 300}) for name in ("paper", "case", "person")),
            *(_query(name, {"type": "string", "format": "date"}) for name in ("from", "to")),
            _query("limit", {"type": "integer", "minimum": 1, "maximum": reads.MOST}), _query("cursor", {"type": "string", "pattern": "^[0-9]{1,18}$"}))},
    }  # fmt: skip
    for name in sorted({name for flow in FLOWS.values() for name in flow.actions}):
        steps = [step for flow in FLOWS.values() for step in flow.actions.get(name, ())]
        schema = schemas.json_schema(_merged(name))
        always = [i for i in schema.get("required", ()) if all(any(f.name == i and f.required for f in s.inputs) for s in steps)]
        schema["required"] = always
        if not always:
            schema.pop("required")
        schema["properties"] |= {"comment": {"type": "string"}, "role": {"type": "string"}, "acting_for": {"type": "string"}}
        paths[f"{base}/cases/{{ref}}/actions/{name}"] = {"post": {
            "operationId": f"act_{name}", "summary": steps[0].label.en, "description": "Kinds: " + ", ".join(f.kind for f in FLOWS.values() if name in f.actions),
            "parameters": [_REF, _MATCH, _KEY], "requestBody": {"required": bool(always), "content": {_JSON: {"schema": schema}}},
            "responses": {"200": _CASE, **_problems(400, 401, 403, 404, 409, 412, 413, 415, 422, 428)},
        }}  # fmt: skip
    return {
        "openapi": "3.1.0",
        "info": {"title": "Foreign Press Desk", "version": "1", "description": "Cases of foreign press at a provincial Department of Foreign Affairs."},
        "paths": paths,
        "security": [{"session": [], "csrf": []}],
        "components": {
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "fpd"},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRFToken"},
            },
            "schemas": {
                "Case": {"type": "object", "required": ["id", "version"], "properties": {"id": {"type": "string"}, "version": {"type": "integer"}}},
                "Tracked": {"type": "object", "required": ["code", "kind", "word", "steps", "promised", "next"], "properties": {
                    "code": {"type": "string"}, "kind": {"type": "string", "enum": ["visit", "interview"]},
                    "word": {"type": "object", "required": ["code", "label"], "properties": {
                        "code": {"type": "string", "enum": ["received", "considered", "more", "decided", "changed", "suspended", "ended"]}, "label": {"type": "object"}}},
                    "result": {"type": ["object", "null"]}, "ending": {"type": ["object", "null"]}, "steps": {"type": "array", "items": {"type": "object"}},
                    "promised": {"type": "object"}, "moves": {"type": "array", "items": {"type": "object"}}, "apology": {"type": ["object", "null"]},
                    "next": {"type": "object"}, "guidance": {"type": ["object", "null"]}}},
                "Problem": {"type": "object", "required": ["type", "title", "status", "code", "detail"], "properties": {
                    "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "code": {"type": "string"},
                    "detail": {"type": "string"}, "reasons": {"type": "array"}, "errors": {"type": "object"}}},
            },
        },
    }  # fmt: skip


@rest.get("/openapi.json")
def openapi() -> Any:
    """The document."""
    return jsonify(document())


@rest.get("/docs")
def docs() -> Any:
    """The document as a page, out of the installed package."""
    return render_template("docs.html")
