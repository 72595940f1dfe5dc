"""Every setting, read from `FPD_*` environment variables in one place; docs/run.md lists them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from environs import Env

from workflow.crypto import Keyring, KeysError, keys_at
from workflow.mail import Post, post_office
from workflow.office import KEYS

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """What an installation may set. Defaults suit a demo on one machine."""

    database_url: str
    var: Path
    locality: str
    production: bool
    host: str
    port: int
    https: bool
    trusted_hosts: tuple[str, ...]
    threads: int
    smtp_url: str = field(default="", repr=False)
    mail_from: str = ""
    public_url: str = ""
    keys_file: Path | None = None
    proxies: int = 0

    def keys(self) -> Keyring:
        """The keys of personal data. A demo makes its own; production is given one. Raises SystemExit with a sentence."""
        try:
            return keys_at(self.keys_path, make=not self.production)
        except KeysError as error:
            raise SystemExit(str(error)) from None

    @property
    def keys_path(self) -> Path:
        """Where the keys lie: keep them, and their copies, apart from the database and its backups."""
        return self.keys_file or self.var / KEYS

    @property
    def address(self) -> str:
        """The service as people reach it: what links in mails and on paper are made of, never of a request."""
        named = f"https://{self.trusted_hosts[0]}" if self.https and self.trusted_hosts else f"http://{self.host}:{self.port}"
        return (self.public_url or named).rstrip("/")

    @property
    def post(self) -> Post | None:
        """The mail relay, or None where no mail is sent; raises SystemExit with a sentence for what cannot be read."""
        try:
            return post_office(self.smtp_url, self.mail_from, self.address)
        except ValueError as error:
            raise SystemExit(str(error)) from None

    @property
    def cookie(self) -> str:
        """`__Host-fpd` behind https, `fpd` on plain loopback."""
        return "__Host-fpd" if self.https else "fpd"


def read_settings() -> Settings:
    """Read the environment; raises SystemExit with a sentence for an unsafe or unreadable value."""
    env = Env(prefix="FPD_")
    var = Path(env.str("VAR", str(Path.cwd() / "var"))).resolve()
    keys = env.str("KEYS_FILE", "")
    settings = Settings(
        database_url=env.str("DATABASE_URL", f"sqlite:///{var / 'fpd.sqlite3'}"),
        var=var,
        locality=env.str("LOCALITY", ""),
        production=env.bool("PRODUCTION", False),
        host=env.str("HOST", "127.0.0.1"),
        port=env.int("PORT", 8080),
        https=env.bool("HTTPS", False),
        trusted_hosts=tuple(env.list("TRUSTED_HOSTS", [])),
        threads=env.int("THREADS", 8),
        smtp_url=env.str("SMTP_URL", ""),
        mail_from=env.str("MAIL_FROM", ""),
        public_url=env.str("PUBLIC_URL", ""),
        keys_file=Path(keys).resolve() if keys else None,
        proxies=env.int("PROXIES", 0),
    )
    if settings.proxies < 0:
        raise SystemExit("FPD_PROXIES is how many proxies of yours stand before the service: 0 or more.")
    if settings.post and settings.production and not settings.public_url.startswith("https://"):
        raise SystemExit("FPD_PRODUCTION is set but FPD_PUBLIC_URL is not an https address: links in mails need it.")
    if settings.production and not settings.https:
        raise SystemExit("FPD_PRODUCTION is set but FPD_HTTPS is not: production refuses plain http. Put TLS before it and set FPD_HTTPS=1.")
    if settings.production and not settings.trusted_hosts:
        raise SystemExit("FPD_PRODUCTION is set but FPD_TRUSTED_HOSTS is empty: name the host names this service answers to.")
    if not settings.production and settings.host not in ("127.0.0.1", "::1", "localhost") and not settings.https:
        raise SystemExit("FPD_HOST is not loopback and FPD_HTTPS is not set: plain http is for this machine only.")
    return settings
