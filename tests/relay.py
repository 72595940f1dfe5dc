"""A real SMTP server for the tests: it keeps what it is handed, and can be made to refuse, wait or break off."""

from __future__ import annotations

import asyncio
import email
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from workflow.mail import Post

SENDER = "Sở Ngoại vụ Cần Thơ <press@example.org>"
PUBLIC = "https://press.example.org"


@dataclass
class Relay:
    """What came in, in order; `refuse` answers by recipient, `slow` waits before the answer to DATA, `cut` breaks off after so many mails."""

    port: int = 0
    raw: list[tuple[list[str], bytes]] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    refuse_data: str = ""
    slow: float = 0.0
    cut: int = 0

    @property
    def mails(self) -> list[EmailMessage]:
        """Every mail as read by the standard library."""
        return [email.message_from_bytes(data, policy=default) for _, data in list(self.raw)]

    def to(self, address: str) -> list[EmailMessage]:
        """Mails handed over for one address."""
        return [email.message_from_bytes(data, policy=default) for people, data in list(self.raw) if address in people]

    async def handle_RCPT(self, server, session, envelope, address, options):
        """Take a recipient, or say what the test wants said."""
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        """Keep the mail; wait, break off or refuse where the test wants it."""
        if self.refuse_data:
            return self.refuse_data
        if self.slow:
            await asyncio.sleep(self.slow)
        self.raw.append((list(envelope.rcpt_tos), envelope.content))
        if self.cut:
            self.cut -= 1
            server.transport.abort()
        return "250 OK"

    def post(self, **rest) -> Post:
        """Settings that lead here; short patience."""
        return Post("127.0.0.1", self.port, False, SENDER, PUBLIC, **{"step_seconds": 2.0, "whole_seconds": 5.0, **rest})


@contextmanager
def relay(login: tuple[str, str] | None = None) -> Iterator[Relay]:
    """A running relay on loopback; with a login it takes nothing without it."""
    found = Relay()
    rest = {}
    if login:
        wanted = (login[0].encode(), login[1].encode())
        rest = {
            "auth_required": True, "auth_require_tls": False,
            "authenticator": lambda server, session, envelope, mechanism, data: AuthResult(success=(data.login, data.password) == wanted, handled=False),
        }  # fmt: skip
    controller = Controller(found, hostname="127.0.0.1", port=free_port(), **rest)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Requiring AUTH")  # a login without TLS: meant, on loopback
        controller.start()
        found.port = controller.port
        try:
            yield found
        finally:
            controller.stop()


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@contextmanager
def mute() -> Iterator[int]:
    """A port that takes connections and never says a word; answers its number."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(5)
        yield held.getsockname()[1]


@contextmanager
def dripping() -> Iterator[int]:
    """A port that answers one byte each half second, without end; answers its number."""
    stop = threading.Event()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(5)

        def serve() -> None:
            try:
                line, _ = held.accept()
                with line:
                    while not stop.wait(0.5):
                        line.send(b"2")
            except OSError:  # the client has hung up, which is what is wanted
                pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield held.getsockname()[1]
        stop.set()
        thread.join(10)
