"""One table from error to status; problem+json for programs, a page for people. Codes never change."""

from __future__ import annotations

import traceback
from typing import Any

import orjson
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from states.language import Text
from workflow import errors as w
from workflow.queries import refusal_dict

STATUS: dict[str, int] = {
    "malformed": 400, "host": 400, "csrf": 400, "login_required": 401, "reauth_required": 401, "role": 403, "not_found": 404, "method": 405,
    "state": 409, "changed_meanwhile": 409, "needs": 409, "idempotency_busy": 409, "file_damaged": 409, "stale": 412, "stale_form": 412,
    "too_large": 413, "media_type": 415, "invalid": 422, "locked": 422, "idempotency_mismatch": 422, "version_required": 428, "slow_down": 429,
    "internal": 500, "audit_broken": 500, "busy": 503,
}  # fmt: skip
TEXTS: dict[str, Text] = {
    "malformed": Text("Không đọc được nội dung gửi lên.", "The body cannot be read."),
    "host": Text("Tên máy chủ không đúng.", "The host name is not ours."),
    "csrf": Text("Phiên làm việc của trang đã cũ; hãy mở lại trang và gửi lại.", "The page's session mark is missing or old; open the page again and send."),
    "login_required": Text("Cần đăng nhập.", "Please sign in."),
    "method": Text("Không dùng được phương thức này ở đây.", "This method is not for this address."),
    "slow_down": Text("Quá nhiều lần thử; hãy đợi một phút.", "Too many tries; wait a minute."),
    "internal": Text("Có lỗi trong hệ thống; chưa có gì được ghi. Hãy báo mã này cho quản trị.", "Something went wrong; nothing was written. Tell the administrator this code."),
    "not_found": w.NotFound.text,
    "too_large": Text("Nội dung gửi lên quá lớn.", "What was sent is too large."),
    "media_type": Text("Cần nội dung JSON.", "JSON is needed."),
    "bad_credentials": Text("Tên hoặc mật khẩu không đúng.", "Name or password is wrong."),
}  # fmt: skip


def catalogue() -> list[tuple[str, int, Text]]:
    """Every code that a refusal may bear, with its status and sentence: what the `type` of a problem points to."""
    sentences = {cls.code: cls.text for cls in w.WorkflowError.__subclasses__()} | {
        "state": w.Conflict("state").message, "changed_meanwhile": w.Conflict("changed_meanwhile").message, "locked": w.Invalid.text
    } | TEXTS  # fmt: skip
    return [(code, status, sentences[code]) for code, status in STATUS.items() if code in sentences]


class HttpProblem(Exception):
    """A refusal that belongs to HTTP itself."""

    def __init__(self, status: int, code: str, **extra: Any):
        self.status, self.code, self.extra = status, code, extra
        super().__init__(code)


def problem(status: int, code: str, text: Text, language: str, extra: dict[str, Any] | None = None) -> Response:
    """An RFC 9457 answer."""
    chosen = text.en if language == "en" else text.vi
    body: dict[str, Any] = {"type": f"/help#{code}", "title": chosen, "status": status, "code": code, "detail": chosen, "message": text.as_dict()}
    body.update(extra or {})
    response = Response(orjson.dumps(body), status, content_type="application/problem+json")
    if status in (429, 503):
        response.headers["Retry-After"] = str((extra or {}).get("wait") or (60 if status == 429 else 2))
    return response


def parts_of(error: w.WorkflowError) -> tuple[int, str, Text, dict[str, Any]]:
    """Status, code, sentence and members of a workflow error."""
    extra: dict[str, Any] = {}
    if isinstance(error, w.Invalid):
        extra["errors"] = {name: [text.as_dict() for text in texts] for name, texts in error.fields.items()}
    reasons = getattr(error, "reasons", None)
    if reasons is not None:
        extra["reasons"] = [refusal_dict(reason) for reason in reasons]
    extra.update({k: v for k, v in error.data.items() if k in ("who", "when", "version", "wait")})
    return STATUS.get(error.code, 500), error.code, error.message, extra


def wants_json() -> bool:
    """Whether a program asks (everything under /api), or a person."""
    return request.path.startswith("/api/") or request.path in ("/healthz", "/readyz", "/metrics")


def install(app: Flask) -> None:
    """Attach the handlers."""

    def answer(status: int, code: str, text: Text, extra: dict[str, Any] | None = None) -> Any:
        from api.language import current

        if wants_json():
            return problem(status, code, text, current(), extra)
        from api.web.public import error_page

        return error_page(status, code, text, extra or {})

    @app.errorhandler(w.WorkflowError)
    def workflow_error(error: w.WorkflowError) -> Any:
        status, code, text, extra = parts_of(error)
        if status == 500 or code == "file_damaged":  # a file that was there and is not: somebody has to look
            app.logger.error("%s %s %s", g.get("request_id"), code, error)
        return answer(status, code, text, extra)

    @app.errorhandler(HttpProblem)
    def http_problem(error: HttpProblem) -> Any:
        return answer(error.status, error.code, TEXTS.get(error.code, TEXTS["malformed"]), error.extra)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Any:
        status = error.code or 500
        if status < 400:
            return error
        code = {404: "not_found", 405: "method", 413: "too_large", 415: "media_type", 429: "slow_down"}.get(status, "malformed" if status < 500 else "internal")
        return answer(status, code, TEXTS.get(code, TEXTS["malformed"]))

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Any:
        app.logger.error("%s %s\n%s", g.get("request_id"), error, "".join(traceback.format_exception(error)))
        return answer(500, "internal", TEXTS["internal"], {"id": g.get("request_id", "")})
