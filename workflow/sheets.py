"""Tables that come in as CSV from a spreadsheet: untrusted, small, text; every fault is a sentence at `file`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from states.language import Text
from workflow.errors import Invalid

# A cell that begins like this is a formula to a spreadsheet (CWE-1236); it gets an apostrophe, taken off when read again.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "'")
_TOLD = 12
BOM = b"\xef\xbb\xbf"  # spreadsheets need it to see the accents
WORDS = {
    "empty": Text("Tệp không có dòng nào.", "The file holds no row."),
    "large": Text("Tệp lớn quá {kb} KB.", "The file is larger than {kb} KB."),
    "text": Text("Tệp không phải văn bản UTF-8. Trong Excel hãy lưu kiểu “CSV UTF-8”.", "The file is no UTF-8 text. In Excel save it as “CSV UTF-8”."),
    "many": Text("Tệp có quá {n} dòng.", "The file holds more than {n} rows."),
    "header": Text("Dòng đầu phải có các cột {needed}; cột lạ: {odd}.", "The first line names the columns {needed}; unknown: {odd}."),
    "broken": Text("Tệp CSV bị lỗi ở dòng {n}.", "The CSV is broken at line {n}."),
    "more": Text("… và {n} lỗi khác.", "… and {n} more."),
}  # fmt: skip


def refused(*texts: Text) -> Invalid:
    """What a file is refused with; of many faults the first are told, and how many more there are."""
    rest = [WORDS["more"].format(n=len(texts) - _TOLD)] if len(texts) > _TOLD else []
    return Invalid({"file": [*texts[:_TOLD], *rest]})


def at(line: str, text: Text) -> Text:
    """A fault with the line it stands in."""
    return Text(f"Dòng {line}: {text.vi}", f"Line {line}: {text.en}")


def text_of(data: bytes, limit: int) -> str:
    """The text of a file of at most `limit` bytes, without its byte order mark. Raises `Invalid` at `file`."""
    if len(data) > limit:
        raise refused(WORDS["large"].format(kb=limit // 1024))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refused(WORDS["text"]) from None
    if "\0" in text:
        raise refused(WORDS["text"])
    return text


def rows_of(text: str, known: Sequence[str], needed: Sequence[str], most: int) -> list[dict[str, str]]:
    """The rows of a CSV by the names in its first line, each with its line as `at`; empty lines are left out.

    Raises `Invalid` at `file` where a column is unknown, missing or there twice, or the file is broken. One row more than
    `most` is read, so that the caller can tell.
    """
    if not text.strip():
        return []
    text = text.lstrip()
    first = text.splitlines()[0]
    # A spreadsheet set to Vietnamese writes semicolons: the comma is its decimal mark.
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    rows: list[dict[str, str]] = []
    try:
        header = [cell.strip().lower() for cell in next(lines)]
        odd = [name[:40] for name in header if name not in known]
        if odd or not set(needed) <= set(header) or len(set(header)) < len(header):
            raise refused(WORDS["header"].format(needed=", ".join(needed), odd=", ".join(odd[:5]) or "–"))
        for cells in lines:
            if any(cell.strip() for cell in cells):
                rows.append({**{name: _plain(cell) for name, cell in zip(header, cells, strict=False)}, "at": str(lines.line_num)})
            if len(rows) > most:
                break
    except csv.Error:
        raise refused(WORDS["broken"].format(n=lines.line_num)) from None
    return rows


def written(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as CSV in UTF-8 with a byte order mark; no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_safe(str(cell or "")) for cell in row])
    return BOM + out.getvalue().encode()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_RISKY) else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_RISKY) else cell
