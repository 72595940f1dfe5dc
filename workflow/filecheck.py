"""What a file is, judged by its bytes in a process of its own; why it may not be kept; whether it may be shown at once.

The check that reads foreign bytes (`checker`) has neither keys nor database: it is started without the service's
environment, talks through pipes and is limited in memory and time by the system.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import filetype
import orjson

from states.language import Text
from workflow.checker import EICAR
from workflow.errors import Busy, Invalid, MediaType, TooLarge

CHECKER = Path(__file__).with_name("checker.py")
SECONDS = 20  # by the clock on the wall; what it may compute is less (`checker.SECONDS`), but a busy machine is slow to give it
TOGETHER = threading.BoundedSemaphore(2)  # checks at once in one process: each may take the memory of a large picture
WAIT = 15
TYPES = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
_EXTENSIONS = {"pdf": "application/pdf", "jpg": "image/jpeg", "jpeg": "image/jpeg", "jpe": "image/jpeg", "jfif": "image/jpeg", "png": "image/png"}
_STARTS = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
# In a file's name the words stand without accents too, joined by anything; the bare word would be too common there.
_STAMPED = re.compile(r"(?<![^\W_])(?:(?:TỐI|TUYỆT)[\W_]*)?MẬT(?![^\W_])|(?<![^\W_])(?:TOI|TUYET)[\W_]*MAT(?![^\W_])")

_AS_PDF = Text("Hãy lưu hoặc in ra PDF rồi tải lên.", "Save or print it as PDF and upload that.")
_AGAIN = Text("Hãy in ra PDF mới (“Print to PDF”) rồi tải lên.", "Print it to a new PDF and upload that.")


def _say(what: Text, then: Text) -> Text:
    return Text(f"{what.vi} {then.vi}", f"{what.en} {then.en}")


# Why a file is not of a type that is kept.
KINDS: dict[str, Text] = {
    "office": _say(Text("Đây là tệp Word, Excel hoặc PowerPoint; không nhận.", "This is an office document; it is not taken."), _AS_PDF),
    "archive": Text("Đây là tệp nén. Hãy giải nén và tải từng tệp PDF, JPEG, PNG.", "This is an archive. Unpack it and upload each PDF, JPEG or PNG."),
    "page": _say(Text("Đây là trang web hoặc tệp XML, SVG; không nhận.", "This is a web page, XML or SVG; it is not taken."), _AS_PDF),
    "program": Text("Đây là chương trình máy tính; không nhận. Hãy tải đúng giấy tờ.", "This is a program; it is not taken. Upload the paper itself."),
    "picture": Text(
        "Ảnh loại này không nhận. Hãy lưu thành JPEG hoặc PNG (trên iPhone: Cài đặt, Camera, Định dạng, Tương thích nhất).",
        "This kind of picture is not taken. Save it as JPEG or PNG (on an iPhone: Settings, Camera, Formats, Most Compatible).",
    ),
    "other": MediaType.text,
    "name": Text(
        "Nội dung tệp không đúng với đuôi tên “.{told}”: đây là {found}. Hãy đặt lại đuôi tên cho đúng rồi tải lên.",
        "The content is not what the name's “.{told}” says: it is {found}. Give the name the right ending and upload again.",
    ),
}  # fmt: skip
# Why a file of a good type is not kept.
FAULTS: dict[str, Text] = {
    "empty": Text("Tệp rỗng. Hãy chọn lại tệp.", "The file is empty. Choose it again."),
    "damaged": Text("Tệp hỏng hoặc không đủ. Hãy mở thử, quét hoặc xuất lại rồi tải lên.", "The file is damaged or not complete. Open it, scan or export it anew, upload that."),
    "appended": _say(Text("Tệp PDF có nội dung khác ghép ở đầu hoặc cuối.", "Something else is joined to this PDF at its beginning or end."), _AGAIN),
    "encrypted": Text("Tệp PDF đặt mật khẩu. Hãy bỏ mật khẩu rồi tải lên.", "The PDF is protected by a password. Remove it and upload again."),
    "script": _say(Text("Tệp PDF có mã lệnh (JavaScript).", "The PDF holds a script."), _AGAIN),
    "action": _say(Text("Tệp PDF tự chạy lệnh hoặc mở tệp, gửi dữ liệu ra ngoài.", "The PDF starts something by itself or sends data elsewhere."), _AGAIN),
    "media": _say(Text("Tệp PDF có âm thanh, phim hoặc hình 3D.", "The PDF holds sound, film or 3D."), _AGAIN),
    "files": Text("Tệp PDF có tệp khác kèm bên trong. Hãy tải từng tệp riêng.", "The PDF holds other files. Upload each by itself."),
    "form": _say(Text("Tệp PDF là biểu mẫu động (XFA).", "The PDF is a dynamic form (XFA)."), _AGAIN),
    "virus": Text("Tệp chứa mẫu thử vi-rút. Hãy quét vi-rút máy của mình, rồi tải tệp khác.", "The file holds the virus test pattern. Scan your computer, then upload another file."),
}  # fmt: skip
# Why a file is too large in another way than by its bytes.
LIMITS: dict[str, Text] = {
    "pixels": Text("Ảnh quá lớn (trên 36 triệu điểm ảnh). Hãy quét ở 300 dpi hoặc thu nhỏ ảnh.", "The picture is too large (over 36 million pixels). Scan at 300 dpi or make it smaller."),
    "pages": Text("Tệp PDF trên 300 trang. Hãy tách thành nhiều tệp.", "The PDF has over 300 pages. Split it."),
    "objects": _say(Text("Tệp PDF quá phức tạp.", "The PDF is too complex."), _AGAIN),
    "inflated": _say(Text("Nội dung tệp PDF khi giải nén quá lớn.", "What the PDF unpacks to is too large."), _AGAIN),
    "heavy": Text("Đọc tệp này mất quá nhiều bộ nhớ hoặc thời gian. Hãy quét lại ở 300 dpi hoặc tách tệp.", "Reading this file takes too much memory or time. Scan at 300 dpi or split it."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that may be kept: its bytes as they are kept, its type, and why it has to be looked at before others see it.

    `words`: whether its text could be read (`all`, `part`, `none`); `stamped`: text or name bear a stamp of secrecy.
    """

    data: bytes
    media_type: str
    words: str
    stamped: bool

    def held(self, unclassified: bool) -> str:
        """Why others may not see it yet, given the uploader's word that it is not classified; empty where they may.

        A stamp outweighs that word. What nobody can read by machine needs it.
        """
        if self.stamped:
            return "stamp"
        if self.words == "part":
            return "unread"
        return "" if self.words == "all" or unclassified else "unticked"


def check(data: bytes, name: str) -> Checked:
    """Look into a file. Raises `MediaType`, `TooLarge` or `Invalid` (at `file`) with what is wrong and what to do; `Busy`."""
    if not data:
        raise _fault("empty")
    if EICAR in data:
        raise _fault("virus")
    media_type = next((kind for start, kind in _STARTS.items() if data.startswith(start)), "")
    if not media_type:
        # A PDF that begins with something else than a PDF is told as such.
        raise _fault("appended") if b"%PDF-" in data[:1024] and b"%%EOF" in data else MediaType(KINDS[_kind(data)])
    if told_type(name) not in (None, media_type):
        raise MediaType(KINDS["name"].format(told=name.rsplit(".", 1)[-1].lower(), found=TYPES[media_type].upper()))
    found, kept = _asked(data)
    if code := found.get("refused"):
        raise TooLarge(LIMITS[code]) if code in LIMITS else _fault(code)
    if found["type"] != media_type:
        raise _fault("damaged")
    stamped = bool(found["stamp"]) or bool(_STAMPED.search(unicodedata.normalize("NFC", name)))
    return Checked(kept if media_type != "application/pdf" else data, media_type, found["words"], stamped)


def told_type(name: str) -> str | None:
    """The type that a name's ending tells, where it is one of those that are kept."""
    return _EXTENSIONS.get(name.rsplit(".", 1)[-1].strip().lower()) if "." in name else None


def _fault(code: str) -> Invalid:
    return Invalid({"file": [FAULTS[code]]})


def _kind(data: bytes) -> str:
    """What a file is that is not taken, for the sentence that says what to do."""
    guessed = filetype.guess_mime(data) or ""
    if data[:2] in (b"MZ", b"#!") or data[:4] in (b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe"):
        return "program"
    if (
        (data[:4] == b"PK\x03\x04" and re.search(rb"\[Content_Types\]|mimetypeapplication/vnd\.oasis", data[:4096]))
        or data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        or data[:5] == b"{\\rtf"
    ):
        return "office"
    if data[:2] == b"PK" or guessed in (
        "application/zip",
        "application/gzip",
        "application/x-7z-compressed",
        "application/x-rar-compressed",
        "application/x-tar",
    ):
        return "archive"
    if data.lstrip(b"\xef\xbb\xbf \t\r\n\x00")[:1] == b"<":
        return "page"
    return "picture" if guessed.startswith("image/") else "other"


def _asked(data: bytes) -> tuple[dict[str, str], bytes]:
    """What the checker says of a file, and the bytes it answers. Raises `Busy` where too many files are being checked."""
    if not TOGETHER.acquire(timeout=WAIT):
        raise Busy()
    try:
        # -I: neither environment nor current folder count; -B: nothing is written. Windows starts nothing without its root.
        done = subprocess.run(  # noqa: S603  our own program; what is foreign comes in by the pipe
            [sys.executable, "-I", "-B", str(CHECKER)], input=data, capture_output=True, timeout=SECONDS, check=False, close_fds=True,
            env={"SYSTEMROOT": "C:\\Windows"} if os.name == "nt" else {}, cwd=CHECKER.anchor, start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"refused": "heavy"}, b""
    finally:
        TOGETHER.release()
    line, _, kept = done.stdout.partition(b"\n")
    if done.returncode or not line:  # stopped by the system: it wanted more than it may have
        return {"refused": "heavy"}, b""
    return orjson.loads(line), kept
