"""Cases over HTTP: open, read, edit, act, history, letters, papers."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson
from flask import Response, current_app, jsonify, request

from api import login
from api.errors import HttpProblem
from api.rest import rest
from api.rest.body import json_body, known, once, text_of, version
from api.security import request_id
from states.language import Text
from workflow import Done, Office, Once, attachments, choices, clock, differences, engine, perform, preview, queries, release  # fmt: skip  # noqa: E501
from workflow import edit_case as edit
from workflow import history as history_of
from workflow import letters as letters_of
from workflow import list_cases as listed
from workflow import open_case as open_
from workflow import papers as papers_of
from workflow import read_case as read
from workflow import recuse as recuse_
from workflow.errors import IdempotencyBusy, Invalid, NotFound
from workflow.fold import fold
from workflow.schemas import TEXTS

WAIT_SECONDS = 5.0
# What a body may hold beside the action's own input.
BESIDE = ("comment", "acting_for", "role")
_FILE = Text("Cần một tệp trong mục “file”.", "A file is needed in the part “file”.")


def office() -> Office:
    """The office of this process."""
    found: Office = current_app.extensions["office"]
    return found


def answer(case: dict[str, Any], status: int, key: Once | None) -> Response:
    """A case with its ETag; kept word for word where a key was given."""
    body = orjson.dumps(case).decode()
    etag = f'"{case["version"]}"'
    location = f"/api/v1/cases/{case['id']}" if status == 201 else None
    if key:
        engine.keep_answer(office(), key, status, body, etag, location)
    return _respond(status, body, etag, location)


def _respond(status: int, body: str, etag: str, location: str | None, *, replayed: bool = False) -> Response:
    response = Response(body, status, content_type="application/json")
    response.headers["ETag"] = etag
    if location:
        response.headers["Location"] = location
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def replay(key: Once, done: Done, status: int) -> Response:
    """The stored answer of a key; waits while the first request is still writing it."""
    until = clock.ticks() + WAIT_SECONDS
    while True:
        kept = engine.kept_answer(office(), key)
        if kept and kept["body"] is not None:
            return _respond(kept["status"], kept["body"], kept["etag"], kept["location"], replayed=True)
        if clock.ticks() > until:
            break
        clock.sleep(0.05)
    # The first answer was lost with its process: the effect stands, and it is told as it is now.
    with office().db.read() as connection:
        from workflow import store

        row = store.load(connection, done.case_id)
    if row is None or row["version"] != done.version:
        raise IdempotencyBusy()
    answer(read(office(), login.needed(), done.case_id), status, key)
    kept = engine.kept_answer(office(), key) or {}
    return _respond(status, kept["body"], kept["etag"], kept["location"], replayed=True)


@rest.post("/cases")
def open_case() -> Any:
    """Open a case."""
    key = once("POST /cases")
    body = json_body()
    known(body, "kind", "fields", "parent", "on_behalf_of", "letter", "replaces", "related")
    kind = text_of(body, "kind", required=True, limit=40) or ""
    behalf = body.get("on_behalf_of")
    done = open_(
        office(), login.needed(), kind, body.get("fields") or {}, parent=text_of(body, "parent", limit=64), on_behalf_of=behalf,
        letter=text_of(body, "letter", limit=40), replaces=text_of(body, "replaces", limit=64),
        related=text_of(body, "related", limit=64), once=key, request_id=request_id(),
    )  # fmt: skip
    if done.replayed and key:
        return replay(key, done, 201)
    return answer(read(office(), login.needed(), done.case_id), 201, key)


@rest.post("/cases/preview")
def route_preview() -> Any:
    """The route a dossier would take if it were sent now; nothing is written."""
    actor, body = login.needed(), json_body()
    known(body, "kind", "fields", "papers")
    fields = body.get("fields")
    return jsonify(preview.preview(office(), actor, body.get("kind"), {} if fields is None else fields, [] if body.get("papers") is None else body["papers"]))


@rest.get("/cases")
def list_cases() -> Any:
    """A page of cases."""
    return jsonify(listed(office(), login.needed(), queries.parse_filters(request.args.to_dict())))


@rest.get("/cases/<ref>")
def read_case(ref: str) -> Any:
    """One case. No 304: what a person reads of it also changes without a new version (children, clocks, their own rights)."""
    case = read(office(), login.needed(), ref)
    return _respond(200, orjson.dumps(case).decode(), f'"{case["version"]}"', None)


@rest.patch("/cases/<ref>")
def edit_case(ref: str) -> Any:
    """Change the dossier where it is open."""

    def fields() -> Any:
        body = json_body()
        known(body, "fields")
        return body.get("fields") if body.get("fields") is not None else {}

    done = edit(office(), login.needed(), ref, fields, version=version(), request_id=request_id())
    return answer(read(office(), login.needed(), done.case_id), 200, None)


@rest.get("/cases/<ref>/actions")
def actions(ref: str) -> Any:
    """Every action with whether it is open, why not, what lifts it and who could."""
    return jsonify({"items": choices(office(), login.needed(), ref)})


@rest.post("/cases/<ref>/actions/<name>")
def act(ref: str, name: str) -> Any:
    """Take an action."""
    key = once(f"POST /cases/{ref}/actions/{name}")
    beside: dict[str, Any] = {}

    def given() -> Any:
        body = json_body()
        beside.update({name: body[name] for name in BESIDE if body.get(name) is not None})
        return {k: v for k, v in body.items() if k not in BESIDE}

    done = perform(office(), login.needed(), ref, name, given, version=version(), beside=beside, once=key, request_id=request_id())
    if done.replayed and key:
        return replay(key, done, 200)
    return answer(_after(done), 200, key)


def _after(done: Done) -> dict[str, Any]:
    """The case after an act; somebody whose act ended their own view of it reads the bare result."""
    try:
        return read(office(), login.needed(), done.case_id)
    except NotFound:
        return {"id": done.case_id, "version": done.version}


@rest.post("/cases/<ref>/recusal")
def recuse(ref: str) -> Any:
    """Declare a conflict of interest."""
    body = json_body()
    known(body, "reason")
    recuse_(office(), login.needed(), ref, text_of(body, "reason") or "", request_id=request_id())
    return "", 204


@rest.get("/cases/<ref>/history")
def history(ref: str) -> Any:
    """The entries of a case, oldest first."""
    wanted = request.args.get("canonical", "false")
    if wanted not in ("true", "false"):
        raise Invalid({"canonical": [TEXTS["bool"]]})
    return jsonify({"items": history_of(office(), login.needed(), ref, canonical=wanted == "true")})


@rest.get("/cases/<ref>/differences")
def differences_of(ref: str) -> Any:
    """What the applicant changed when the file came back, old and new."""
    return jsonify(differences.of_case(office(), login.needed(), ref, request.args.get("round", "")))


@rest.get("/cases/<ref>/deadlines")
def deadlines(ref: str) -> Any:
    """Every due date of a case with its sum."""
    return jsonify({"items": queries.deadlines(office(), login.needed(), ref)})


@rest.get("/cases/<ref>/letters")
def letters(ref: str) -> Any:
    """The letters of a case."""
    return jsonify({"items": letters_of(office(), login.needed(), ref)})


@rest.get("/cases/<ref>/papers")
def papers(ref: str) -> Any:
    """The papers of a case."""
    return jsonify({"items": papers_of(office(), login.needed(), ref)})


@rest.post("/cases/<ref>/papers/<name>")
def attach(ref: str, name: str) -> Any:
    """Upload a paper (multipart, part `file`; `not_classified=true` is the uploader's word that it holds no state secret)."""
    read(office(), login.needed(), ref)  # absent or not visible answers first, before the body is looked at
    sent = next(iter(request.files.values()), None)
    if sent is None:
        if request.mimetype != "multipart/form-data":
            raise HttpProblem(415, "media_type")
        raise Invalid({"file": [_FILE]})
    done, stored = received(ref, name, sent)
    response = jsonify({"id": stored["id"], "name": name, "hash": stored["file_hash"], "size": stored["size"], "media_type": stored["media_type"],
                        "filename": stored["shown"], "held": queries.HELD[stored["held"]].as_dict() if stored["held"] else None,
                        "version": done.version})  # fmt: skip
    response.status_code = 201
    response.headers["Location"] = f"/api/v1/papers/{stored['id']}/content"
    response.headers["ETag"] = f'"{done.version}"'
    return response


def received(ref: str, name: str, sent: Any) -> tuple[Done, dict[str, Any]]:
    """Take in one uploaded part; a page and a program send it alike."""
    most = office().profile.papers.file_mb * 1024 * 1024
    said = request.form.get("not_classified", "")
    if said not in ("", "true", "false", "on", "1"):
        raise Invalid({"not_classified": [TEXTS["bool"]]})
    return attachments.receive(
        office(), login.needed(), ref, name, sent.filename or "", sent.read(most + 1), unclassified=said in ("true", "on", "1"), request_id=request_id()
    )


@rest.get("/papers/<paper_id>/content")
def paper(paper_id: str) -> Any:
    """The bytes of a paper, always as an attachment."""
    for name in request.args:
        if name not in ("purpose", "how"):
            raise Invalid({name: [TEXTS["unknown"]]})
    return paper_response(paper_id, request.args.get("how") or "download", request.args.get("purpose", ""))


@rest.post("/papers/<paper_id>/release")
def release_paper(paper_id: str) -> Any:
    """Confirm that a paper which is held back is no state secret."""
    body = json_body()
    known(body, "note")
    release(office(), login.needed(), paper_id, text_of(body, "note", limit=1000) or "", request_id=request_id())
    return "", 204


def paper_response(paper_id: str, how: str, purpose: str = "") -> Response:
    """A stored file as a download that no browser will run; where the reading has to be on record it is before this returns."""
    found = attachments.open_paper(office(), login.needed(), paper_id, how=how, purpose=purpose)
    response = Response(found.data, content_type=found.media_type)
    response.headers["Content-Disposition"] = disposition(found.filename)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def disposition(filename: str) -> str:
    """The name of a download as RFC 6266 has it: plain letters for old clients, the whole name beside."""
    plain = "".join(c for c in fold(filename) if c.isascii() and (c.isalnum() or c in "._- ")).strip() or "tep"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
