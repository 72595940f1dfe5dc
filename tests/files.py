"""Files for tests: honest PDFs and pictures, and a hundred that mean harm, each made by code."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from PIL import Image, PngImagePlugin

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
SCRIPT = b"<script>alert(1)</script>"
HTML = b"<!doctype html><html><body>" + SCRIPT + b"</body></html>"


def pdf(*objects: bytes, root: bytes = b"", page: bytes = b"", text: str = "Illustration", trailer: bytes = b"", content: int = 4) -> bytes:
    """A PDF of one page: `root` and `page` are added to those dictionaries, `objects` are numbered from 6 on; `content`: the page's."""
    place, shown = b"%d" % content, f"BT /F1 24 Tf 60 760 Td ({text}) Tj ET".encode("latin-1")
    found = [
        b"<</Type/Catalog/Pages 2 0 R " + root + b">>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents " + place + b" 0 R/Resources<</Font<</F1 5 0 R>>>>" + page + b">>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(shown), shown), b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        *objects,
    ]  # fmt: skip
    return assembled(found, trailer)


def assembled(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """Objects with their table."""
    out, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, table)
    return bytes(out)


def stream(data: bytes, more: bytes = b"") -> bytes:
    """A stream object."""
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(data), more, data)


def unicode_pdf(words: str) -> bytes:
    """A PDF whose page says words in any language, by a map from codes to letters."""
    codes = "".join(f"<{i:02x}> <{ord(c):04x}>\n" for i, c in enumerate(words, 1))
    table = f"/CIDInit /ProcSet findresource begin\nbegincmap\n1 begincodespacerange\n<00> <ff>\nendcodespacerange\n{len(words)} beginbfchar\n{codes}endbfchar\nendcmap\n"
    shown = f"BT /F1 18 Tf 60 760 Td <{''.join(f'{i:02x}' for i in range(1, len(words) + 1))}> Tj ET".encode()
    return assembled([
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>", stream(shown),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>", stream(table.encode()),
    ])  # fmt: skip


def scanned_pdf() -> bytes:
    """A PDF that is a picture, as a scanner makes it."""
    out = io.BytesIO()
    Image.new("L", (120, 160), 200).save(out, "PDF")
    return out.getvalue()


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 48), mode: str = "RGB", **rest) -> bytes:
    """A small picture with something in it."""
    image = Image.new(mode, size, 120 if mode in ("L", "1") else (120, 80, 40))
    for x in range(0, size[0] // 2):
        image.putpixel((x, 0), 255 if mode in ("L", "1") else (255, 0, 0))
    out = io.BytesIO()
    image.save(out, kind, **rest)
    return out.getvalue()


def exif(orientation: int = 1, **words: bytes) -> Image.Exif:
    """The data a telephone adds: where it was taken, by which device."""
    found = Image.Exif()
    found[0x0112] = orientation
    found[0x010E] = "GHI-CHU-KIN"
    found.get_ifd(0x8825).update({1: "N", 2: (10.0, 2.0, 3.0), 3: "E", 4: (105.0, 47.0, 1.0)})
    return found


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_with(*chunks: bytes, base: bytes = b"") -> bytes:
    """A PNG with chunks after its header."""
    base = base or picture()
    return base[:33] + b"".join(chunks) + base[33:]


def zipped(files: dict[str, bytes] | None = None, comment: bytes = b"") -> bytes:
    """A ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (files or {"a.txt": b"x" * 100}).items():
            archive.writestr(name, data)
        archive.comment = comment
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"), io.BytesIO())
    return out.getvalue()


def encrypted(algorithm: str) -> bytes:
    """A PDF under a password."""
    import pypdf

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf()))
    writer.encrypt("secret", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def packed(*hidden: bytes) -> bytes:
    """A PDF whose objects from 6 on lie in a compressed object stream, where no search of its bytes finds them."""
    body, head = b"", b""
    for number, item in enumerate(hidden, 6):
        head += b"%d %d " % (number, len(body))
        body += item + b" "
    inner = zlib.compress(head + body)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/Names 6 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
        stream(inner, b"/Type/ObjStm/N %d/First %d/Filter/FlateDecode" % (len(hidden), len(head))),
    ]  # fmt: skip
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, item in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    table = len(out)
    rows = [b"\x00\x00\x00\x00\xff"] + [b"\x01" + place.to_bytes(3, "big") + b"\x00" for place in places] + [b"\x01" + table.to_bytes(3, "big") + b"\x00"]
    rows += [b"\x02" + (4).to_bytes(3, "big") + bytes([index]) for index in range(len(hidden))]
    data = zlib.compress(b"".join(rows))
    out += b"5 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (
        stream(data, b"/Type/XRef/Size %d/W[1 3 1]/Root 1 0 R/Filter/FlateDecode" % len(rows)), table,
    )  # fmt: skip
    return bytes(out)


def bomb(size: int) -> bytes:
    """Deflated nothing."""
    pack, out = zlib.compressobj(9), []
    for _ in range(size // 1_000_000):
        out.append(pack.compress(b"\0" * 1_000_000))
    return b"".join(out) + pack.flush()


def hostile() -> Iterator[tuple[str, bytes, str]]:
    """(name of the file, its bytes, the code of the refusal; `clean` where it is kept without what was hostile in it)."""
    zip_, exe, act = zipped(), b"MZ\x90\x00" + b"\0" * 300, b"<</S/JavaScript/JS(app.alert\\(1\\))>>"
    # pictures that hide something, or are too much
    yield "bom.png", png_bomb(), "pixels"
    yield (
        "to.png",
        png_with(base=b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 6, 0, 0, 0)) + chunk(b"IDAT", b"x")),
        "pixels",
    )
    jpeg = picture("JPEG")
    start = jpeg.index(b"\xff\xc0")
    yield "rong.jpg", jpeg[: start + 5] + b"\xff\xdc\xff\xdc" + jpeg[start + 9 :], "pixels"
    for share in (0.3, 0.6):
        yield "cat.png", picture()[: int(len(picture()) * share)], "damaged"
    for share in (0.1, 0.5, 0.9):
        yield "cat.jpg", jpeg[: int(len(jpeg) * share)], "damaged"
    yield "crc.png", picture().replace(b"IDAT", b"IDAT\x01", 1), "damaged"
    yield "dau.png", b"\x89PNG\r\n\x1a\n", "damaged"
    yield "dau.jpg", b"\xff\xd8\xff\xe0", "damaged"
    for name, tail in (
        ("zip", zip_),
        ("html", HTML),
        ("exe", exe),
        ("pdf", pdf()),
        ("php", b"<?php system($_GET[0]); ?>"),
        ("eof", b"PK\x05\x06" + b"\0" * 18),
    ):
        yield f"{name}.png", picture() + tail, "clean"
        yield f"{name}.jpg", jpeg + tail, "clean"
    yield "vitri.jpg", picture("JPEG", exif=exif()), "clean"
    yield "vitri.png", picture("PNG", exif=exif()), "clean"
    yield "ghichu.jpg", picture("JPEG", comment=SCRIPT + b"GHI-CHU-KIN"), "clean"
    yield "xmp.jpg", picture("JPEG", xmp=b"<x:xmpmeta>GHI-CHU-KIN" + SCRIPT + b"</x:xmpmeta>"), "clean"
    yield "icc.jpg", picture("JPEG", icc_profile=b"GHI-CHU-KIN" * 40), "clean"
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", "GHI-CHU-KIN <script>alert(1)</script>")
    told.add_itxt("XML:com.adobe.xmp", "GHI-CHU-KIN", zip=True)
    yield "chu.png", picture("PNG", pnginfo=told), "clean"
    yield "rieng.png", png_with(chunk(b"evIL", SCRIPT + b"GHI-CHU-KIN")), "clean"
    yield "phong.png", png_with(chunk(b"zTXt", b"a\0\0" + bomb(60_000_000))), "damaged"
    yield "icc.png", png_with(chunk(b"iCCP", b"a\0\0" + bomb(60_000_000))), "damaged"
    frames = io.BytesIO()
    Image.new("RGB", (20, 20)).save(frames, "PNG", save_all=True, append_images=[Image.new("RGB", (20, 20), (9, 9, 9))])
    yield "dong.png", frames.getvalue(), "clean"
    double = io.BytesIO()
    Image.new("RGB", (20, 20)).save(double, "MPO", save_all=True, append_images=[Image.new("RGB", (20, 20), (9, 9, 9))])
    yield "doi.jpg", double.getvalue(), "clean"
    yield "cmyk.jpg", picture_cmyk(), "clean"
    for kind in ("GIF", "BMP", "TIFF", "WEBP", "ICO"):
        yield f"anh.{kind.lower()}", picture(kind), "picture"
    yield "gifar.gif", picture("GIF") + zip_, "picture"
    yield "anh.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 100, "picture"
    # PDFs that do something
    yield "js.pdf", pdf(act, root=b"/OpenAction 6 0 R"), "script"
    yield "js2.pdf", pdf(b"<</S/J#61v#61Script/#4aS(x)>>", root=b"/OpenAction 6 0 R"), "action"
    yield "js2b.pdf", pdf(b"<</S/J#61v#61Script/#4aS(x)>>"), "script"
    yield "js3.pdf", packed(b"<</JavaScript<</Names[(a)7 0 R]>>>>", act), "script"
    yield "js4.pdf", pdf(b"<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/JavaScript/JS 7 0 R>>>>", stream(b"app.alert(1)"), page=b"/Annots[6 0 R]"), "script"
    yield "js5.pdf", pdf(b"[[[[[<</JS(x)>>]]]]]"), "script"
    yield "aa.pdf", pdf(page=b"/AA<</O<</S/Named/N/NextPage>>>>"), "action"
    yield "aa2.pdf", pdf(root=b"/AA<</WC<</S/URI/URI(http://example.org)>>>>"), "action"
    yield "uri.pdf", pdf(root=b"/OpenAction<</S/URI/URI(http://example.org)>>"), "action"
    yield "ten.pdf", pdf(root=b"/OpenAction<</S/Named/N/Print>>"), "action"
    yield "chay.pdf", pdf(b"<</S/Launch/F(cmd.exe)>>", root=b"/OpenAction 6 0 R"), "action"
    for kind in ("Launch", "SubmitForm", "ImportData", "ResetForm", "GoToR", "GoToE", "Rendition", "Hide", "GoTo3DView"):
        yield f"{kind}.pdf", pdf(b"<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/%s/F(x)>>>>" % kind.encode(), page=b"/Annots[6 0 R]"), "action"
    for kind in ("RichMedia", "Movie", "Sound", "3D", "Screen"):
        yield f"{kind}.pdf", pdf(b"<</Type/Annot/Subtype/%s/Rect[0 0 9 9]>>" % kind.encode(), page=b"/Annots[6 0 R]"), "media"
    yield (
        "kem.pdf",
        pdf(b"<</Names[(a)7 0 R]>>", b"<</Type/Filespec/F(a.exe)/EF<</F 8 0 R>>>>", stream(exe, b"/Type/EmbeddedFile"), root=b"/Names<</EmbeddedFiles 6 0 R>>"),
        "files",
    )
    yield "kem2.pdf", pdf(b"<</Type/Annot/Subtype/FileAttachment/Rect[0 0 9 9]>>", page=b"/Annots[6 0 R]"), "files"
    yield "kem3.pdf", packed(b"<</X[(a)7 0 R]>>", b"<</Type/Filespec/F(a.exe)/EF<</F 4 0 R>>>>"), "files"
    yield "bo.pdf", pdf(root=b"/Collection<</View/D>>"), "files"
    yield "xfa.pdf", pdf(stream(b"<xdp/>"), root=b"/AcroForm<</XFA 6 0 R>>"), "form"
    yield "xfa2.pdf", packed(b"<</XFA(x)>>"), "form"
    for algorithm in ("RC4-40", "RC4-128", "AES-128", "AES-256"):
        yield f"{algorithm}.pdf", encrypted(algorithm), "encrypted"
    # PDFs that are too much
    big = bomb(400_000_000)
    yield "no.pdf", pdf(stream(big, b"/Filter/FlateDecode")), "inflated"
    yield "no2.pdf", pdf(stream(big, b"/Filter[/FlateDecode]")), "inflated"
    yield "no3.pdf", pdf(*[stream(bomb(60_000_000), b"/Filter/FlateDecode")] * 6), "inflated"
    yield "no4.pdf", pdf(stream(zlib.compress(big), b"/Filter[/FlateDecode/FlateDecode]"), content=6), "inflated"
    yield "no6.pdf", pdf(stream(big.hex().encode() + b">", b"/Filter[/ASCIIHexDecode/FlateDecode]")), "inflated"
    yield "no7.pdf", pdf(stream(b"\x81\0" * 1_000_000 + b"\x80", b"/Filter/RunLengthDecode")), "inflated"
    yield "no5.pdf", packed_bomb(), "inflated"
    yield "no8.pdf", pdf(stream(b"\0" * 9_000_000, b"/Filter/LZWDecode")), "heavy"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"
    yield "trang.pdf", assembled([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[%s]/Count 5000>>" % (b"3 0 R " * 5000), page]), "pages"
    yield "trang2.pdf", many_pages(301), "pages"
    yield "vat.pdf", pdf(*[b"<<>>"] * 20_001), "objects"
    yield "long.pdf", pdf(b"[" * 5000 + b"]" * 5000), "damaged"
    yield "vong.pdf", assembled([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 1>>"]), "damaged"
    yield "prev.pdf", pdf(trailer=b"/Prev 15"), "clean"
    yield "dai.pdf", pdf(b"<</Length 99999999999>>stream\nx\nendstream"), "damaged"
    # PDFs that are something else as well
    for name, tail in (("zip", zip_), ("html", HTML), ("exe", exe), ("png", picture()), ("js", b"\n" + SCRIPT), ("khoang", b" " * 5000)):
        yield f"duoi-{name}.pdf", pdf() + tail, "appended"
    yield "duoi-eof.pdf", pdf() + zipped(comment=b"\n%%EOF\n"), "appended"
    yield "giua.pdf", pdf(stream(zipped(comment=b"x" * 900), b"")), "appended"
    yield "html.pdf", pdf().replace(b"%\xe2\xe3\xcf\xd3\n", b"%" + HTML + b"\n"), "appended"
    for name, head in (("zip", zip_), ("html", HTML), ("gif", picture("GIF")), ("exe", exe), ("trang", b"\n\n"), ("rac", b"x" * 500)):
        yield f"dau-{name}.pdf", head + pdf(), "appended"
    for share in (0.2, 0.7, 0.97):
        yield "cat.pdf", pdf()[: int(len(pdf()) * share)], "damaged"
    yield "rong.pdf", b"%PDF-1.7\n%%EOF\n", "damaged"
    yield "rac.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 40 + b"\n%%EOF\n", "damaged"
    yield "virut.pdf", pdf(stream(EICAR)), "virus"
    yield "virut2.pdf", pdf(stream(zlib.compress(b"x" * 1_000_000 + EICAR), b"/Filter/FlateDecode")), "virus"
    # what is no paper at all
    yield "virut.txt", EICAR, "virus"
    yield "virut.zip", EICAR + zip_, "virus"
    yield "a.exe", exe, "program"
    yield "hoso.pdf", exe, "program"
    yield "a.pdf", b"\x7fELF\x02\x01\x01" + b"\0" * 100, "program"
    yield "a.sh", b"#!/bin/sh\nrm -rf /\n", "program"
    yield "A.class", b"\xca\xfe\xba\xbe\0\0\0\x34" + b"\0" * 50, "program"
    for name, text in (("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"), ("b.svg", b"\xef\xbb\xbf<?xml version='1.0'?><svg/>"), ("a.html", HTML),
                       ("scan.pdf", HTML), ("a.xml", b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"), ("a.xhtml", b"\n <html/>")):  # fmt: skip
        yield name, text, "page"
    for name, part in (
        ("a.docx", "word/document.xml"),
        ("a.xlsx", "xl/workbook.xml"),
        ("a.pptx", "ppt/presentation.xml"),
        ("donxin.pdf", "word/vbaProject.bin"),
    ):
        yield name, zipped({"[Content_Types].xml": b"<Types/>", part: b"x"}), "office"
    yield "a.odt", zipped_odt(), "office"
    yield "a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "office"
    yield "a.rtf", b"{\\rtf1\\ansi x}", "office"
    for name, data in (("a.zip", zip_), ("a.jar", zipped({"META-INF/MANIFEST.MF": b"Main-Class: A"})), ("a.7z", b"7z\xbc\xaf\x27\x1c" + b"\0" * 60), ("a.gz", b"\x1f\x8b\x08" + b"\0" * 60),
                       ("a.rar", b"Rar!\x1a\x07\x00" + b"\0" * 60), ("a.tar", tarred()), ("bo.png", zip_)):  # fmt: skip
        yield name, data, "archive"
    for name, data in (("a.txt", b"xin chao"), ("a.ps", b"%!PS-Adobe-3.0\n"), ("a.mp4", b"\0\0\0\x18ftypmp42" + b"\0" * 100), ("a.json", b"{}"), ("a.lnk", b"L\0\0\0\x01\x14\x02\0" + b"\0" * 90),
                       ("a.eml", b"From: a@example.org\n\nx"), ("a.pdf", b"\0" * 2000)):  # fmt: skip
        yield name, data, "other"
    yield "anh.pdf", picture(), "name"
    yield "giay.png", pdf(), "name"
    yield "anh.png", jpeg, "name"
    yield "rong.pdf", b"", "empty"


def png_bomb(side: int = 30_000) -> bytes:
    """A picture of nothing, 30,000 by 30,000, made without ever having it whole."""
    pack = zlib.compressobj(9)
    rows = b"".join(pack.compress(b"\0" * (side // 8 + 1)) for _ in range(side)) + pack.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def picture_cmyk() -> bytes:
    out = io.BytesIO()
    Image.new("CMYK", (30, 30), (1, 2, 3, 4)).save(out, "JPEG", exif=exif())
    return out.getvalue()


def zipped_odt() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
    return out.getvalue()


def packed_bomb() -> bytes:
    """An object stream that unpacks to far more than anybody needs."""
    found = packed(b"<<>>")
    inner = bomb(400_000_000)
    first = found.index(b"4 0 obj") + 8
    last = found.index(b"endobj", first)
    changed = found[:first] + stream(inner, b"/Type/ObjStm/N 1/First 4/Filter/FlateDecode") + b"\n" + found[last:]
    start = changed.rindex(b"startxref")
    return changed[:start] + b"startxref\n0\n%%EOF\n"  # the table is found by searching


def many_pages(count: int) -> bytes:
    kids = b" ".join(b"%d 0 R" % (number + 3) for number in range(count))
    return assembled(
        [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count), *[b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"] * count]
    )
