"""The program that looks into a file nobody has looked into yet. It runs as a process of its own (see `filecheck`).

It reads the file on its standard input and answers on its standard output: one line of JSON, then, for a picture, the
picture as it is to be kept. It imports nothing of the service, knows none of its secrets, opens no file and no
connection once it has begun to read, and is stopped by the system where it wants too much memory or time.
"""

from __future__ import annotations

import io
import json
import re
import signal
import sys
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MEMORY = 320 * 1024 * 1024  # bytes of data; what is mapped from libraries comes on top and stays below 60 MB
SECONDS = 4  # of processor time
READING = 1.5  # of these, for reading the text of a PDF
PIXELS = 36_000_000  # an A4 page at 600 dots an inch
PAGES = 300
OBJECTS = 20_000
DEPTH = 60
STREAM = 64 * 1024 * 1024  # bytes of one stream of a PDF once inflated
STREAMS = 256 * 1024 * 1024  # of all of them
TAIL = 1024

# What a PDF may do by itself, or hold beside its pages: names under which it is found, whether as key or as value.
ACTIVE = {
    "/JavaScript": "script", "/JS": "script", "/AA": "action", "/Launch": "action", "/SubmitForm": "action", "/ImportData": "action",
    "/ResetForm": "action", "/GoToR": "action", "/GoToE": "action", "/GoTo3DView": "action", "/Rendition": "action", "/Hide": "action",
    "/SetOCGState": "action", "/RichMediaExecute": "action", "/RichMedia": "media", "/Movie": "media", "/Sound": "media", "/3D": "media",
    "/Screen": "media", "/EmbeddedFile": "files", "/EmbeddedFiles": "files", "/EF": "files", "/FileAttachment": "files", "/Collection": "files",
    "/XFA": "form",
}  # fmt: skip
# What is kept as its own kind of picture is no packing.
CODECS = ("/DCTDecode", "/DCT", "/JPXDecode", "/CCITTFaxDecode", "/CCF", "/JBIG2Decode")
# The same in the bytes outside what is read, where another reader might look: old versions, objects in no table.
RAW = re.compile(rb"/(JavaScript|EmbeddedFiles?|RichMedia|SubmitForm|ImportData|XFA)\b|/S\s*/Launch\b")
FOREIGN = re.compile(rb"<(?:html|script|svg|!doctype|\?php|\?xml-stylesheet)", re.IGNORECASE)
EICAR = b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!"  # in two pieces, or a scanner would take this file for the test
# Extraction may set the letters of a stamp apart.
STAMP = re.compile(r"(?<![^\W_])M\s?Ậ\s?T(?![^\W_])")


class Refused(Exception):
    """The file may not be kept; the code names the sentence."""


def main() -> None:
    """Check what comes in."""
    data = sys.stdin.buffer.read()
    try:
        found, kept = picture(data) if data[:1] in (b"\xff", b"\x89") else pdf(data)
    except Refused as refused:
        found, kept = {"refused": str(refused)}, b""
    except MemoryError:
        found, kept = {"refused": "heavy"}, b""
    except Exception:  # whatever a parser stumbles over: such a file is damaged, by accident or on purpose
        found, kept = {"refused": "damaged"}, b""
    sys.stdout.buffer.write(json.dumps(found).encode() + b"\n" + kept)


def confine(files: int) -> None:
    """No more memory and time than a file may cost, nothing written to disk, no more than `files` open ones."""
    try:
        import resource
    except ImportError:  # Windows: the parent's own time limit is what remains
        return
    limits = [("RLIMIT_DATA", MEMORY), ("RLIMIT_CPU", SECONDS), ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0), ("RLIMIT_NOFILE", files)]
    for name, limit in limits:
        try:
            resource.setrlimit(getattr(resource, name), (limit, limit))
        except (AttributeError, ValueError, OSError):  # a system that does not know this limit keeps the others
            continue


# --- pictures ----------------------------------------------------------------------------------------------------


def picture(data: bytes) -> tuple[dict[str, Any], bytes]:
    """A picture drawn anew: upright, with nothing but its pixels."""
    from PIL import Image, ImageOps, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin  # noqa: F401  loaded before the doors close

    Image.preinit()
    Image.MAX_IMAGE_PIXELS = None  # judged here, before anything is decoded
    confine(files=0)
    known = "JPEG" if data.startswith(b"\xff\xd8\xff") else "PNG"
    image: Any = Image.open(io.BytesIO(data), formats=[known])
    if image.width * image.height > PIXELS:
        raise Refused("pixels")
    image.load()
    tables, sampling = getattr(image, "quantization", None), JpegImagePlugin.get_sampling(image) if known == "JPEG" else -1
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in ("CMYK", "YCbCr", "LAB"):
        image, tables, sampling = image.convert("RGB"), None, -1
    image.info.clear()
    out = io.BytesIO()
    if known == "PNG":
        image.save(out, "PNG")
    else:  # with its own tables the picture is as fine, and about as large, as it was
        kept = {"qtables": tables, "subsampling": sampling} if tables and sampling >= 0 else {"quality": 90}
        image.save(out, "JPEG", **kept)
    return {"type": f"image/{known.lower()}", "words": "none", "stamp": False}, out.getvalue()


# --- PDF ---------------------------------------------------------------------------------------------------------


def pdf(data: bytes) -> tuple[dict[str, Any], bytes]:
    """A PDF that does nothing by itself and holds nothing but pages; it is kept as it came, so that its signatures hold."""
    import logging

    import pypdf
    from pypdf import filters, generic  # noqa: F401  loaded before the doors close

    logging.disable(logging.CRITICAL)
    confine(files=64)
    end = data.rfind(b"%%EOF")
    if end < 0:
        raise Refused("damaged")
    if len(data) - end > TAIL or data[end + 5 :].strip(b"\r\n\t\x00 ") or zipfile.is_zipfile(io.BytesIO(data)) or FOREIGN.search(data[:TAIL]):
        raise Refused("appended")
    if hidden := RAW.search(data):
        raise Refused(ACTIVE["/" + hidden[0].decode().split("/")[-1]])
    pypdf.overwrite_configuration(
        zlib_maximum_output_length=STREAM, lzw_maximum_output_length=STREAM, run_length_maximum_output_length=STREAM, jbig2dec_binary=None,
        stream_filters_maximum_length=4, page_tree_maximum_entries=OBJECTS, disable_legacy_handling=True,
    )  # fmt: skip
    # A PDF without the pointer to its table is read, as by every viewer, by searching for its objects.
    readable = data if b"startxref" in data else data + b"\nstartxref\n0\n%%EOF\n"
    try:
        reader = pypdf.PdfReader(io.BytesIO(readable), xref_stream_maximum_entries=OBJECTS)
    except Exception:
        raise Refused("encrypted" if b"/Encrypt" in data else "damaged") from None
    if "/Encrypt" in reader.trailer:
        raise Refused("encrypted")
    pictures = _walk(reader)
    if len(reader.pages) > PAGES:
        raise Refused("pages")
    text, whole = _text(reader)
    words = "all" if whole else "part"
    if whole and not text.strip():
        words = "none" if pictures else "all"  # pages of pictures: what is written in them cannot be read
    return {"type": "application/pdf", "words": words, "stamp": bool(STAMP.search(unicodedata.normalize("NFC", text)))}, b""


def _walk(reader: Any) -> bool:
    """Look at every object of the tables; answers whether there are pictures among them."""
    numbers = {(number, generation) for generation, found in reader.xref.items() for number in found}
    numbers |= {(number, 0) for number in reader.xref_objStm}
    if len(numbers) > OBJECTS:
        raise Refused("objects")
    _judge(reader.trailer)
    inflated, pictures = 0, False
    for number, generation in sorted(numbers):
        found = reader.get_object(_reference(number, generation, reader))
        _judge(found)
        if isinstance(found, dict):
            pictures |= found.get("/Subtype") == "/Image"
            inflated += _inflated(found)
            if inflated > STREAMS:
                raise Refused("inflated")
    return pictures


def _reference(number: int, generation: int, reader: Any) -> Any:
    from pypdf.generic import IndirectObject

    return IndirectObject(number, generation, reader)


def _judge(value: Any) -> None:
    """Raise where an object does something by itself or carries a file, however deep that stands in it."""
    waiting = [(value, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEPTH:
            raise Refused("damaged")
        if isinstance(value, dict):
            for key, item in value.items():
                _name(str(key), item)
                if key == "/OpenAction":
                    _opening(item.get_object())
                waiting.append((item, depth + 1))
        elif isinstance(value, list):
            waiting += [(item, depth + 1) for item in value]


def _name(key: str, item: Any) -> None:
    if key in ACTIVE and key not in ("/Movie", "/Sound", "/Screen", "/3D", "/Hide"):
        raise Refused(ACTIVE[key])
    # As values such names are types and actions; elsewhere (a font called Sound) they are nothing.
    if key in ("/S", "/Type", "/Subtype") and str(item) in ACTIVE:
        raise Refused(ACTIVE[str(item)])


def _opening(item: Any) -> None:
    """On opening a PDF may show a place of its own and do nothing else."""
    if isinstance(item, dict) and item.get("/S") != "/GoTo":
        raise Refused("action")


def _inflated(stream: dict[str, Any]) -> int:
    """How many bytes a stream becomes once unpacked. What is deflated, as nearly everything is, is counted without being kept."""
    raw = getattr(stream, "_data", None)
    if not isinstance(raw, bytes) or not raw:
        return 0
    if EICAR in raw:
        raise Refused("virus")
    named = stream.get("/Filter", ())
    filters = [str(name) for name in (named if isinstance(named, list) else [named] if named else [])]
    if not filters or filters[0] in CODECS:
        return len(raw)
    return _deflated(raw) if filters in (["/FlateDecode"], ["/Fl"]) else _unpacked(stream)


def _deflated(raw: bytes) -> int:
    unpack, size, last = zlib.decompressobj(), 0, b""
    while raw and not unpack.eof:
        try:
            part = unpack.decompress(raw, 1024 * 1024)
        except zlib.error:
            break
        raw, size = unpack.unconsumed_tail, size + len(part)
        if EICAR in last + part:
            raise Refused("virus")
        last = part[-len(EICAR) :]
        if size > STREAM:
            raise Refused("inflated")
    return size


def _unpacked(stream: Any) -> int:
    """The same for what went through several filters, or through a rare one, by the limits the parser was given."""
    from pypdf.errors import LimitReachedError

    try:
        data = stream.get_data()
    except LimitReachedError:
        raise Refused("inflated") from None
    except MemoryError:
        raise
    except Exception:  # what cannot be unpacked shows nothing either
        return 0
    if EICAR in data:
        raise Refused("virus")
    return len(data)


@contextmanager
def _budget(seconds: float) -> Iterator[None]:
    """Stop what is inside after so much processor time, where the system can; elsewhere the parent's limit holds."""

    def over(*_: Any) -> None:
        raise TimeoutError

    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _text(reader: Any) -> tuple[str, bool]:
    """The words of all pages, and whether they could be read to the end."""
    found: list[str] = []
    try:
        with _budget(READING):
            for page in reader.pages:
                found.append(page.extract_text())
    except Exception:  # no reason to refuse a file: a person will look at it before others do
        return "\n".join(found), False
    return "\n".join(found), True


if __name__ == "__main__":
    main()
