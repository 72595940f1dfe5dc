"""A hundred files that mean harm, each refused with its own sentence or kept without the harm; none of them costs much."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from PIL import Image

from tests.files import EICAR, exif, hostile, many_pages, pdf, picture, scanned_pdf, stream, unicode_pdf
from workflow import filecheck
from workflow.errors import Busy, Invalid, MediaType, TooLarge
from workflow.filecheck import FAULTS, KINDS, LIMITS, check

MOST = 400 * 1024  # kilobytes of resident memory
SECONDS = 5.0  # of processor time
HOSTILE = list(hostile())


# Starts the check from a small process of its own and notes what it used: what a large one starts begins with its size.
WEIGHER = (
    "import os, sys\npid = os.fork()\nif not pid: os.execv(sys.argv[2], sys.argv[2:])\n"
    "_, status, used = os.wait4(pid, 0)\n"
    "open(sys.argv[1], 'w').write(f'{used.ru_maxrss} {used.ru_utime + used.ru_stime}')\nsys.exit(1 if status else 0)\n"
)


@pytest.fixture
def weighed(monkeypatch, tmp_path):
    """What the last check of a test has used, (kilobytes, seconds); None where the bytes had not to be looked into."""
    note, real = tmp_path / "used", subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda args, **rest: real([sys.executable, "-I", "-S", "-c", WEIGHER, str(note), *args], **rest))
    return lambda: tuple(map(float, note.read_text().split())) if note.exists() else None


def cheap(used) -> None:
    """Neither much memory nor much time. By the clock on the wall a busy machine may be slower: what counts is what the check itself takes."""
    assert used is None or (used[0] < MOST and used[1] < SECONDS), used


def refusal(error) -> str:
    """The code of the sentence that a refusal says."""
    text = error.fields["file"][0] if isinstance(error, Invalid) else error.message
    known = {**{v.vi: k for k, v in FAULTS.items()}, **{v.vi: k for k, v in LIMITS.items()}, **{v.vi: k for k, v in KINDS.items()}}
    return known.get(text.vi, "name" if "đuôi tên" in text.vi else text.vi)


def test_there_are_a_hundred():
    assert len(HOSTILE) >= 100 and {code for _, _, code in HOSTILE} >= {*FAULTS, *KINDS, "pixels", "pages", "objects", "inflated", "heavy", "clean"} - {"media"}


@pytest.mark.parametrize("name,data,code", HOSTILE, ids=[f"{i}-{name}-{code}" for i, (name, _, code) in enumerate(HOSTILE)])
def test_hostile_files_100(name, data, code, weighed):
    try:
        kept = check(data, name)
    except (MediaType, TooLarge, Invalid) as error:
        assert refusal(error) == code
    else:
        assert code == "clean", f"kept, should be {code}"
        clean(kept, data)
    cheap(weighed())


def clean(kept, data: bytes) -> None:
    """What is kept of a picture is its pixels; a PDF is kept as it came."""
    if kept.media_type == "application/pdf":
        assert kept.data == data
        return
    for trace in (
        b"<script",
        b"<?php",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"MZ\x90",
        b"%PDF",
        b"GHI-CHU-KIN",
        b"Exif",
        b"GPS",
        b"http://ns.adobe.com",
        b"ICC_PROFILE",
        b"evIL",
        b"acTL",
        b"MPF",
    ):
        assert trace not in kept.data
    again = Image.open(io.BytesIO(kept.data), formats=["JPEG", "PNG"])
    again.load()
    assert not again.getexif() and getattr(again, "n_frames", 1) == 1 and not {"comment", "icc_profile", "xmp", "Comment"} & set(again.info)
    before = Image.open(io.BytesIO(data), formats=["JPEG", "PNG"])
    assert again.size == before.size


def test_a_picture_stands_upright_and_keeps_its_pixels():
    image = Image.new("RGB", (40, 20), (10, 20, 30))
    image.putpixel((0, 0), (250, 0, 0))
    out = io.BytesIO()
    image.save(out, "PNG", exif=exif(6))
    turned = Image.open(io.BytesIO(check(out.getvalue(), "a.png").data))
    assert turned.size == (20, 40) and turned.getpixel((19, 0)) == (250, 0, 0) and turned.getpixel((0, 0)) == (10, 20, 30)
    for mode in ("1", "L", "LA", "RGBA", "P", "I;16"):
        out = io.BytesIO()
        Image.new(mode, (30, 20)).save(out, "PNG")
        assert check(out.getvalue(), "a.png").media_type == "image/png"
    jpeg = picture("JPEG", (300, 200), quality=40)
    assert len(check(jpeg, "a.jpeg").data) < 1.3 * len(jpeg)


def test_a_large_honest_scan_fits(weighed):
    """An A4 page in colour at 600 dpi, turned, is the most that is taken."""
    out = io.BytesIO()
    Image.effect_noise((4960, 7016), 20).convert("RGB").save(out, "JPEG", quality=30, exif=exif(6))
    assert check(out.getvalue(), "a4.jpg").media_type == "image/jpeg"
    cheap(weighed())


@pytest.mark.parametrize("data", [
    pdf(), scanned_pdf(), unicode_pdf("Kính gửi Sở Ngoại vụ"), many_pages(300), pdf() + b"\n", pdf(root=b"/OpenAction[3 0 R/Fit]"), pdf(root=b"/OpenAction<</S/GoTo/D[3 0 R/Fit]>>"),
    pdf(b"<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(mailto:a@example.org)>>>>", page=b"/Annots[6 0 R]"),
    pdf(b"<</FT/Tx/T(ten)>>", root=b"/AcroForm<</Fields[6 0 R]>>"), pdf(b"<</Type/Font/BaseFont/Sound/Name/Movie>>"),
    pdf().replace(b"startxref", b"startxxxx"),
])  # fmt: skip
def test_honest_pdfs_are_kept_as_they_came(data):
    assert check(data, "a.pdf").data == data


@pytest.mark.parametrize("words,held", [
    ("MẬT", True), ("TỐI MẬT", True), ("Văn bản TUYỆT MẬT số 1", True), ("MA\u0302\u0323T", True), ("M Ậ T", True), ("mật ong", False), ("Mật danh", False), ("MẬTA", False), ("Kính gửi", False),
])  # fmt: skip
def test_stamps_in_the_text(words, held):
    assert (check(unicode_pdf(words), "a.pdf").held(True) == "stamp") is held


@pytest.mark.parametrize("name,held", [
    ("Báo cáo TUYỆT MẬT.pdf", True), ("TỐI_MẬT.pdf", True), ("MẬT-12.pdf", True), ("TOI MAT.pdf", True), ("tuyet_mat.pdf", False), ("VAT MAT.pdf", False), ("mật ong.pdf", False), ("FORMAT.pdf", False),
])  # fmt: skip
def test_stamps_in_the_name(name, held):
    assert (check(pdf(), name).held(True) == "stamp") is held


def test_what_no_machine_reads_needs_the_uploaders_word():
    for data in (picture(), picture("JPEG"), scanned_pdf()):
        assert check(data, "").held(False) == "unticked" and check(data, "").held(True) == ""
    assert check(pdf(), "").held(False) == ""
    endless = pdf(stream(b"BT /F1 1 Tf (x) Tj ET " * 400_000), content=6)
    assert check(endless, "").held(True) == "unread"  # kept, and looked at by a person


def test_the_check_knows_no_secret_and_no_network(monkeypatch):
    """It gets neither the environment nor the folder of the service, and can open nothing once a picture is read."""
    seen = {}
    real = subprocess.run

    def run(args, **rest):
        seen.update(rest, args=args)
        return real(args, **rest)

    monkeypatch.setenv("FPD_DATABASE_URL", "secret")
    monkeypatch.setattr(subprocess, "run", run)
    check(picture(), "")
    assert seen["env"] == {} and seen["cwd"] == "/" and seen["close_fds"] and "-I" in seen["args"]
    program = (
        f"import sys; sys.path.insert(0, {str(filecheck.CHECKER.parent)!r}); import checker, socket\nchecker.confine(0)\n"
        "for act in (lambda: open('/etc/passwd'), socket.socket, lambda: bytearray(500_000_000)):\n"
        "    try: act()\n    except (OSError, MemoryError): continue\n    print('done', act)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b""


def test_without_limits_of_the_system_it_works_all_the_same(monkeypatch):
    program = f"import sys, io, runpy\nsys.modules['resource'] = None\nrunpy.run_path({str(filecheck.CHECKER)!r}, run_name='__main__')\n"
    for data, told in ((picture(), b'"image/png"'), (pdf(), b'"application/pdf"')):
        assert told in subprocess.run([sys.executable, "-I", "-c", program], input=data, capture_output=True, check=True).stdout


def test_what_takes_too_long_is_refused_and_too_many_at_once_wait(monkeypatch):
    def late(*_, **__):
        raise subprocess.TimeoutExpired("x", 1)

    monkeypatch.setattr(subprocess, "run", late)
    with pytest.raises(TooLarge):
        check(pdf(), "")
    monkeypatch.setattr(filecheck, "WAIT", 0.01)
    with filecheck.TOGETHER, filecheck.TOGETHER, pytest.raises(Busy):
        check(pdf(), "")


def test_the_test_pattern_is_the_real_one():
    assert len(EICAR) == 68
