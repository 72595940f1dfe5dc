"""Mail: what one holds, and how it is handed to the relay (RFC 5321, 5322, 3834, 2919).

A mail holds the code of a case and a link, in fixed words; never a name, an outlet or a title. The one addition is the
sum of a due date. Message-ID and X-Fpd-Dedupe come from the key of the message, so that one sent twice after a crash
is seen to be the same.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from threading import Timer
from urllib.parse import unquote, urlsplit

from states.language import Text
from workflow.errors import Invalid

STEP_SECONDS = 15.0
WHOLE_SECONDS = 60.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PORTS = {"smtp": 25, "smtps": 465}
# What an account's address may look like: no blanks, quotes, comments or line ends, one @, a host with a dot or localhost.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.)*[A-Za-z0-9][A-Za-z0-9-]{0,62}")
EMAIL = Text("Địa chỉ thư điện tử không đúng, ví dụ ten@coquan.gov.vn.", "This is no e-mail address; one looks like name@office.gov.vn.")


class Undeliverable(Exception):
    """The relay refuses this address or this mail for good (5xx), or the address is none; another try cannot help."""


@dataclass(frozen=True)
class Post:
    """Where mail goes and what it says of us. The login of the relay is kept out of every representation."""

    host: str
    port: int
    tls: bool
    sender: str
    public_url: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    step_seconds: float = STEP_SECONDS
    whole_seconds: float = WHOLE_SECONDS

    @property
    def domain(self) -> str:
        """The host name that ids and list ids of our mails end in."""
        return urlsplit(self.public_url).hostname or "localhost"

    def link(self, path: str) -> str:
        """A page of the service as an absolute link; the base is a setting, never a header of a request."""
        return f"{self.public_url.rstrip('/')}{path}"


def post_office(smtp_url: str, sender: str, public_url: str) -> Post | None:
    """Read the settings of mail; None where no relay is named. Raises ValueError with a sentence that holds no password."""
    if not smtp_url:
        return None
    try:
        parts = urlsplit(smtp_url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise ValueError("FPD_SMTP_URL is not smtp://user:password@host:port or smtps://…") from None
    if not parts.hostname:
        raise ValueError("FPD_SMTP_URL names no host.")
    if not _ADDRESS.fullmatch(parseaddr(sender)[1]) or not sender.isprintable():
        raise ValueError("FPD_MAIL_FROM is needed with FPD_SMTP_URL: an address, or Name <address>.")
    base = urlsplit(public_url)
    if base.scheme not in ("http", "https") or not base.hostname or base.query or base.fragment or not public_url.isprintable():
        raise ValueError("FPD_PUBLIC_URL is not the http(s) address of this service.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Post(parts.hostname, port, parts.scheme == "smtps", sender, public_url, user, password)


def address(text: str) -> str:
    """An e-mail address as typed, without blanks around it; empty stays empty. Raises `Invalid` at `email`."""
    text = text.strip()
    if text and (len(text) > 254 or not _ADDRESS.fullmatch(text)):
        raise Invalid({"email": [EMAIL]})
    return text


# --- what a mail says ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """One thing told: fixed words, the code of the case (or nothing), the page, and the sum of a due date where it is about one."""

    words: Text
    code: str
    path: str
    deadline: str = ""


FOOT = Text(
    "Thư tự động, xin không trả lời. Nội dung chỉ xem được sau khi đăng nhập. Chọn cách nhận thư tại:",
    "This mail is automatic; please do not reply. Contents are read after signing in. Choose how you are told at:",
)
DIGEST = Text("Tin trong ngày ({n})", "News of the day ({n})")


def _in(text: Text, language: str) -> str:
    return text.en if language == "en" else text.vi


def subject(items: Sequence[Item], language: str, digest: bool) -> str:
    """The subject line: code and words of the one thing, or how many things came."""
    if digest:
        return _in(DIGEST, language).format(n=len(items))
    words = _in(items[0].words, language)
    return f"{items[0].code}: {words}" if items[0].code else words


def body(post: Post, items: Sequence[Item], language: str) -> str:
    """The text of a mail: each thing with code and link, then how to change what one is sent."""
    parts = []
    for item in items:
        lines = [_in(item.words, language), *([item.code] if item.code else []), post.link(item.path)]
        parts.append("\n".join([*lines, *(["", item.deadline] if item.deadline else [])]))
    parts.append(f"-- \n{_in(FOOT, language)}\n{post.link('/account')}")
    return "\n\n".join(parts) + "\n"


def message_id(dedupe: str, domain: str) -> str:
    """The Message-ID of a key: the same key always gives the same one."""
    return f"<{hashlib.sha256(dedupe.encode()).hexdigest()[:40]}@{domain}>"


def compose(post: Post, to: str, items: Sequence[Item], language: str, dedupe: str, at: datetime, *, digest: bool = False) -> EmailMessage:
    """A mail to one address. Raises `Undeliverable` for an address or a line that could reach into the headers."""
    mail = EmailMessage(policy=SMTP)
    name, box = parseaddr(post.sender)
    try:
        mail["From"] = Address(name, addr_spec=box)
        mail["To"] = Address("", addr_spec=to)
        mail["Subject"] = subject(items, language, digest)
        mail["Date"] = format_datetime(at)
        mail["Message-ID"] = message_id(dedupe, post.domain)
        mail["X-Fpd-Dedupe"] = hashlib.sha256(dedupe.encode()).hexdigest()
        mail["List-Id"] = f"<notices.{post.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail.set_content(body(post, items, language), cte="quoted-printable")
        mail["Content-Language"] = language
    except (ValueError, MessageError) as error:
        raise Undeliverable(f"not an address or not a line: {error}") from None
    return mail


# --- handing it over -------------------------------------------------------------------------------------------


@contextmanager
def _whole(client: smtplib.SMTP, seconds: float) -> Iterator[None]:
    """A limit for the whole talk: a relay that answers one byte at a time keeps every single wait short."""

    def cut() -> None:
        if client.sock is not None:
            with suppress(OSError):  # it is closed already
                client.sock.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _client(post: Post) -> smtplib.SMTP:
    """A client that has not connected yet: the greeting must fall under the limit for the whole, too."""
    own = "[127.0.0.1]" if post.domain in _LOOPBACK else post.domain
    if post.tls:
        client: smtplib.SMTP = smtplib.SMTP_SSL(local_hostname=own, timeout=post.step_seconds, context=ssl.create_default_context())
    else:
        client = smtplib.SMTP(local_hostname=own, timeout=post.step_seconds)
    # What TLS compares the certificate with; the constructor sets it only where it connects itself.
    client._host = post.host  # type: ignore[attr-defined]
    return client


def _secure(post: Post, client: smtplib.SMTP) -> None:
    """TLS where the relay offers it; a password crosses no network without."""
    client.ehlo_or_helo_if_needed()
    if not post.tls and post.host not in _LOOPBACK:
        if client.has_extn("starttls"):
            client.starttls(context=ssl.create_default_context())
            client.ehlo()
        elif post.user:
            raise smtplib.SMTPException("the relay offers no TLS, so the login is not sent")
    if post.user:
        client.login(post.user, post.password)


def send(post: Post, mail: EmailMessage) -> None:
    """Hand one mail to the relay.

    Raises `Undeliverable` where the relay says no for good to this address or this mail, OSError or
    `smtplib.SMTPException` where another try may help: refused, slow, cut off, busy.
    """
    client = _client(post)
    try:
        with _whole(client, post.whole_seconds):
            client.connect(post.host, post.port)
            _secure(post, client)
            client.send_message(mail)
    except smtplib.SMTPRecipientsRefused as refused:
        code, text = next(iter(refused.recipients.values()))
        if code >= 500:
            raise Undeliverable(f"{code} {text.decode('utf-8', 'replace')}") from None
        raise
    except smtplib.SMTPDataError as refused:
        if refused.smtp_code >= 500:
            words = refused.smtp_error
            raise Undeliverable(f"{refused.smtp_code} {words.decode('utf-8', 'replace') if isinstance(words, bytes) else words}") from None
        raise
    finally:
        _leave(client)


def _leave(client: smtplib.SMTP) -> None:
    """Take leave; the mail is accepted or not by now, and a relay that is gone needs none."""
    try:
        if client.sock is not None:
            client.sock.settimeout(2)
            client.quit()
    except (OSError, smtplib.SMTPException):
        client.close()
