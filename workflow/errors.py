"""What can go wrong, by name and code. Codes are public; sentences come in both languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from states.language import Refusal, Text


class WorkflowError(Exception):
    """Something that a caller is told: a code, a sentence, and data that go with it."""

    code = "internal"
    text = Text("Có lỗi trong hệ thống.", "Something went wrong in the system.")

    def __init__(self, text: Text | None = None, **data: Any):
        self.message = text or self.text
        self.data = data
        super().__init__(self.message.en)


class NotFound(WorkflowError):
    """Absent, or not visible to this person: the same answer for both."""

    code = "not_found"
    text = Text("Không tìm thấy, hoặc Ông/Bà không được xem.", "It is not there, or not yours to see.")


class RoleRefused(WorkflowError):
    """The person holds none of the roles of the action on this case."""

    code = "role"
    text = Text("Vai trò của Ông/Bà không làm được việc này.", "Your role does not include this action.")

    def __init__(self, reasons: Sequence[Refusal] = ()):
        super().__init__()
        self.reasons = tuple(reasons)


class VersionRequired(WorkflowError):
    """No version was named."""

    code = "version_required"
    text = Text("Cần nêu phiên bản đã xem (If-Match).", "Name the version you have seen (If-Match).")


class Stale(WorkflowError):
    """The case has moved on since the version the person has seen."""

    code = "stale"
    text = Text("Hồ sơ đã thay đổi từ khi Ông/Bà mở trang.", "The case has changed since you opened it.")

    def __init__(self, who: str = "", when: str = "", version: int = 0):
        super().__init__(who=who, when=when, version=version)


class Conflict(WorkflowError):
    """`state`: the case is at another step; `changed_meanwhile`: somebody was first."""

    text = Text("Hồ sơ không ở bước cho phép việc này.", "The case is not at a step that allows this.")

    def __init__(self, code: str, **data: Any):
        self.code = code
        meanwhile = Text("Một người khác vừa xử lý hồ sơ này trước.", "Somebody else has just acted on this case.")
        super().__init__(meanwhile if code == "changed_meanwhile" else None, **data)


class Settled(Conflict):
    """What was to be confirmed or ended is past that; `text` says how it stands."""

    def __init__(self, text: Text):
        super().__init__("state")
        self.message = text


class NeedsUnmet(WorkflowError):
    """One or more needs of the action are not met; all of them are named."""

    code = "needs"
    text = Text("Chưa đủ điều kiện để làm việc này.", "Something this action needs is not met.")

    def __init__(self, reasons: Iterable[Refusal]):
        super().__init__()
        self.reasons = tuple(reasons)

    def __str__(self) -> str:
        return ", ".join(reason.code for reason in self.reasons)


class Invalid(WorkflowError):
    """What was sent does not fit; sentences by field."""

    code = "invalid"
    text = Text("Một số mục chưa đúng; nội dung đã nhập được giữ lại.", "Some fields are not right; what you typed is kept.")

    def __init__(self, fields: Mapping[str, list[Text]], code: str = "invalid"):
        super().__init__()
        self.fields = dict(fields)
        self.code = code

    def __str__(self) -> str:
        return "; ".join(f"{name}: {', '.join(t.en for t in texts)}" for name, texts in self.fields.items())


class IdempotencyMismatch(WorkflowError):
    """The same key came with another body."""

    code = "idempotency_mismatch"
    text = Text("Khóa lặp lại đã dùng cho nội dung khác.", "This key was used for another body.")


class IdempotencyBusy(WorkflowError):
    """The first request with this key is still running."""

    code = "idempotency_busy"
    text = Text("Yêu cầu trước với khóa này đang chạy.", "The first request with this key is still running.")


class Busy(WorkflowError):
    """The database cannot serve now; nothing was written."""

    code = "busy"
    text = Text("Hệ thống đang bận; chưa có gì được ghi. Hãy thử lại.", "The system is busy; nothing was written. Try again.")


class AuditBroken(WorkflowError):
    """The record does not fit together: an alarm, never an answer to an input."""

    code = "audit_broken"


class TooLarge(WorkflowError):
    """The file or body is larger than allowed."""

    code = "too_large"
    text = Text("Tệp quá lớn (tối đa {mb} MB).", "The file is too large ({mb} MB at most).")


class MediaType(WorkflowError):
    """The content is of a type that is not taken."""

    code = "media_type"
    text = Text("Chỉ nhận PDF, JPEG, PNG; loại được xét theo nội dung.", "Only PDF, JPEG and PNG are taken, judged by content.")


class FileDamaged(WorkflowError):
    """A stored file is missing, or is not what was stored."""

    code = "file_damaged"
    text = Text(
        "Tệp lưu bị hỏng hoặc bị mất. Hãy báo quản trị để lấy lại từ bản sao lưu; nếu cần gấp, đề nghị nộp lại.",
        "The stored file is damaged or missing. Tell the administrator, who can restore it; if it is urgent, ask for it again.",
    )


class SlowDown(WorkflowError):
    """Too much of one thing within a time; `wait` says in how many seconds there is room again."""

    code = "slow_down"
    text = Text("Quá nhiều lần trong một giờ; hãy đợi.", "Too often within an hour; please wait.")

    def __init__(self, text: Text | None = None, wait: int = 60):
        super().__init__(text, wait=wait)
