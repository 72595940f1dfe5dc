"""Accounts: people, their memberships, passwords, sessions and the sign-in throttle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from sqlalchemy import Connection

from states.roles import ROLES
from workflow import chance, clock, store
from workflow.authority import Actor, Membership
from workflow.errors import Conflict, Invalid
from workflow.office import Office
from workflow.schemas import TEXTS

IDLE_MINUTES = 30
ABSOLUTE_HOURS = 12
FAILED_PER_MINUTE, FAILED_PER_HOUR, ADDRESS_PER_MINUTE = 5, 20, 30
_SEEN_EVERY_SECONDS = 60


@lru_cache(maxsize=1)
def hasher() -> PasswordHasher:
    """Argon2id with the library's defaults (64 MiB, 3 passes)."""
    return PasswordHasher()


@lru_cache(maxsize=1)
def _dummy() -> str:
    return hasher().hash(chance.token())


ACTOR = (
    "SELECT u.id, u.username, u.name, u.language, u.epoch, u.title_vi, u.title_en, u.password_hash, u.active,"
    " m.organisation_id, m.role, m.lead, o.code, o.kind,"
    " EXISTS (SELECT 1 FROM delegations d WHERE d.delegate_id = u.id AND d.confirmed_at IS NOT NULL AND d.ended_at IS NULL) AS delegate"
    " FROM users u LEFT JOIN memberships m ON m.user_id = u.id LEFT JOIN organisations o ON o.id = m.organisation_id AND o.active"
)


def actor_of(rows: list[dict[str, Any]]) -> Actor | None:
    """An account out of rows of one a membership; None where there is none or it is closed."""
    if not rows or not rows[0]["active"]:
        return None
    first = rows[0]
    held = tuple(Membership(r["organisation_id"], r["code"], r["kind"], r["role"], bool(r["lead"])) for r in rows if r["role"] and r["code"])
    return Actor(
        first["id"], first["username"], first["name"], first["language"], first["epoch"], held, first["title_vi"], first["title_en"],
        bool(first.get("delegate")),
    )  # fmt: skip


def actor_by_id(connection: Connection, user_id: str) -> Actor | None:
    """An active account with its memberships, in one statement."""
    return actor_of(store.query(connection, f"{ACTOR} WHERE u.id = :id ORDER BY m.id", id=user_id))


def actor_by_username(office: Office, username: str) -> Actor | None:
    """An active account by its name."""
    with office.db.read() as connection:
        return actor_of(store.query(connection, f"{ACTOR} WHERE u.username = :name ORDER BY m.id", name=username))


def still(connection: Connection, actor: Actor) -> None:
    """The rights a person was let in by are still theirs; raises `Conflict` where they changed meanwhile."""
    rows = store.query(connection, "SELECT epoch FROM users WHERE id = :id AND active", id=actor.id)
    if not rows or rows[0]["epoch"] != actor.epoch:
        raise Conflict("changed_meanwhile")


def throttled(office: Office, username: str, address: str) -> bool:
    """Whether sign-in has to wait: too many failures for this name or from this address."""
    now = clock.now()
    minute, hour = clock.stamp(now - timedelta(minutes=1)), clock.stamp(now - timedelta(hours=1))
    with office.db.read() as connection:
        row = store.query(
            connection,
            "SELECT (SELECT count(*) FROM login_attempt WHERE name_key = :name AND NOT ok AND at > :minute) AS a,"
            " (SELECT count(*) FROM login_attempt WHERE name_key = :name AND NOT ok AND at > :hour) AS b,"
            " (SELECT count(*) FROM login_attempt WHERE address = :address AND NOT ok AND at > :minute) AS c",
            name=username.casefold()[:100],
            minute=minute,
            hour=hour,
            address=address,
        )[0]
    return bool(row["a"] >= FAILED_PER_MINUTE or row["b"] >= FAILED_PER_HOUR or row["c"] >= ADDRESS_PER_MINUTE)


def sign_in(office: Office, username: str, password: str, address: str) -> Actor | None:
    """Check a name and password; an unknown name costs as much time as a known one. Records the attempt."""
    with office.db.read() as connection:
        rows = store.query(connection, f"{ACTOR} WHERE u.username = :name ORDER BY m.id", name=username)
    stored = rows[0]["password_hash"] if rows else _dummy()
    try:
        ok = hasher().verify(stored, password) and bool(rows)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        ok = False
    actor = actor_of(rows) if ok else None

    def work(connection: Connection) -> None:
        store.execute(
            connection,
            "INSERT INTO login_attempt (name_key, address, at, ok) VALUES (:name, :address, :at, :ok)",
            name=username.casefold()[:100], address=address, at=clock.stamp(clock.now()), ok=actor is not None,
        )  # fmt: skip

    office.db.transact(work)
    return actor


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def open_session(office: Office, actor: Actor, address: str, agent: str) -> str:
    """A new server-side session; answers its secret, of which only the hash is kept."""
    token, now = chance.token(), clock.now()

    def work(connection: Connection) -> None:
        store.execute(
            connection,
            "INSERT INTO user_session (id_hash, user_id, created_at, seen_at, expires_at, address, agent)"
            " VALUES (:hash, :user, :now, :now, :expires, :address, :agent)",
            hash=hash_of(token), user=actor.id, now=clock.stamp(now), expires=clock.stamp(now + timedelta(hours=ABSOLUTE_HOURS)),
            address=address[:60], agent=agent[:200],
        )  # fmt: skip

    office.db.transact(work)
    return token


def session_actor(office: Office, token: str) -> Actor | None:
    """Who a session belongs to, in one statement; None when it is unknown, idle too long or over."""
    now = clock.now()
    stamp = clock.stamp(now)
    with office.db.read() as connection:
        rows = store.query(
            connection,
            ACTOR.replace("SELECT ", "SELECT s.seen_at, s.expires_at, ", 1) + " JOIN user_session s ON s.user_id = u.id WHERE s.id_hash = :hash ORDER BY m.id",
            hash=hash_of(token),
        )
    if not rows or rows[0]["expires_at"] <= stamp:
        return None
    seen = clock.moment(rows[0]["seen_at"])
    if now - seen > timedelta(minutes=IDLE_MINUTES):
        return None
    if now - seen > timedelta(seconds=_SEEN_EVERY_SECONDS):

        def work(connection: Connection) -> None:
            store.execute(connection, "UPDATE user_session SET seen_at = :now WHERE id_hash = :hash", now=stamp, hash=hash_of(token))

        office.db.transact(work)
    return actor_of(rows)


def end_session(office: Office, token: str) -> None:
    """Sign out."""

    def work(connection: Connection) -> None:
        store.execute(connection, "DELETE FROM user_session WHERE id_hash = :hash", hash=hash_of(token))

    office.db.transact(work)


def sessions_of(office: Office, actor: Actor) -> list[dict[str, Any]]:
    """The person's open sessions, newest first."""
    with office.db.read() as connection:
        return store.query(
            connection,
            "SELECT id_hash, created_at, seen_at, address, agent FROM user_session WHERE user_id = :id AND expires_at > :now ORDER BY created_at DESC",
            id=actor.id,
            now=clock.stamp(clock.now()),
        )


def end_own_session(office: Office, actor: Actor, id_hash: str) -> None:
    """End one of the person's own sessions."""

    def work(connection: Connection) -> None:
        store.execute(connection, "DELETE FROM user_session WHERE id_hash = :hash AND user_id = :id", hash=id_hash, id=actor.id)

    office.db.transact(work)


def set_language(office: Office, actor: Actor, language: str) -> None:
    """Keep the person's language."""

    def work(connection: Connection) -> None:
        store.execute(connection, "UPDATE users SET language = :language WHERE id = :id", language=language, id=actor.id)

    office.db.transact(work)


# --- administration, from the command line -------------------------------------------------------------------


def add_organisation(connection: Connection, code: str, kind: str, vi: str, en: str, silence: str = "none") -> str:
    """Add an organisation; answers its id."""
    id_ = chance.public_id()
    store.execute(
        connection,
        "INSERT INTO organisations (id, code, kind, name_vi, name_en, silence_means, active) VALUES (:id, :code, :kind, :vi, :en, :silence, :yes)",
        id=id_, code=code, kind=kind, vi=vi, en=en, silence=silence, yes=True,
    )  # fmt: skip
    return id_


def add_user(
    connection: Connection, username: str, name: str, password_hash: str, *, title: tuple[str, str] = ("", ""), demo: bool = False,
    language: str = "vi", email: str = "",
) -> str:  # fmt: skip
    """Add an account; answers its id."""
    id_ = chance.public_id()
    store.execute(
        connection,
        "INSERT INTO users (id, username, name, title_vi, title_en, password_hash, language, email, active, demo, epoch, created_at)"
        " VALUES (:id, :username, :name, :tvi, :ten, :hash, :language, :email, :yes, :demo, 1, :now)",
        id=id_, username=username, name=name, tvi=title[0], ten=title[1], hash=password_hash, language=language, email=email, yes=True, demo=demo,
        now=clock.stamp(clock.now()),
    )  # fmt: skip
    return id_


def grant(connection: Connection, user_id: str, organisation_id: str, role: str, lead: bool = False) -> None:
    """Give a role; raises `Invalid` for an unknown one. The person's rights change at once (epoch)."""
    if role not in ROLES or role == "clock":
        raise Invalid({"role": [TEXTS["choice"]]})
    store.execute(
        connection,
        "INSERT INTO memberships (user_id, organisation_id, role, lead) VALUES (:user, :org, :role, :lead)",
        user=user_id, org=organisation_id, role=role, lead=lead,
    )  # fmt: skip
    store.execute(connection, "UPDATE users SET epoch = epoch + 1 WHERE id = :id", id=user_id)


def disable(connection: Connection, username: str) -> bool:
    """Close an account, end its sessions and the delegations it gave or held; whoever is acting with it is refused from now on."""
    touched = store.execute(connection, "UPDATE users SET active = :no, epoch = epoch + 1 WHERE username = :name", no=False, name=username)
    store.execute(connection, "DELETE FROM user_session WHERE user_id IN (SELECT id FROM users WHERE username = :name)", name=username)
    for row in store.query(connection, "SELECT id FROM users WHERE username = :name", name=username):
        end_feed(connection, row["id"])
        _end_delegations(connection, row["id"], "account_closed")
    return touched > 0


def end_membership(connection: Connection, user_id: str, organisation_id: str, role: str) -> bool:
    """Take a role away, and at once the delegations that rested on it; answers whether the person held it."""
    touched = store.execute(
        connection, "DELETE FROM memberships WHERE user_id = :user AND organisation_id = :org AND role = :role",
        user=user_id, org=organisation_id, role=role,
    )  # fmt: skip
    if touched:
        store.execute(connection, "UPDATE users SET epoch = epoch + 1 WHERE id = :id", id=user_id)
        _end_delegations(connection, user_id, "role_lost")
    return touched > 0


def _end_delegations(connection: Connection, user_id: str, why: str) -> None:
    from workflow.delegations import end_of_person  # delegations read their people here

    end_of_person(connection, user_id, why)


def set_password(connection: Connection, user_id: str, password_hash: str) -> None:
    """A new password: every session and the calendar feed of the account end with the old one."""
    store.execute(connection, "UPDATE users SET password_hash = :hash, epoch = epoch + 1 WHERE id = :id", hash=password_hash, id=user_id)
    store.execute(connection, "DELETE FROM user_session WHERE user_id = :id", id=user_id)
    end_feed(connection, user_id)


def end_feed(connection: Connection, user_id: str) -> bool:
    """Revoke the address of a person's calendar feed; answers whether there was one."""
    return (
        store.execute(
            connection,
            "UPDATE feed_tokens SET revoked_at = :now WHERE user_id = :id AND revoked_at IS NULL", now=clock.stamp(clock.now()), id=user_id,
        )
        > 0
    )  # fmt: skip


def people(connection: Connection, roles: Iterable[str]) -> list[dict[str, Any]]:
    """Active holders of the roles: username, name, role; for the choices of a form."""
    names = list(roles)
    marks = ", ".join(f":r{letter}" for letter in "abcdefgh"[: len(names)])
    values = {f"r{letter}": name for letter, name in zip("abcdefgh", names, strict=False)}
    return store.query(
        connection,
        f"SELECT DISTINCT u.username, u.name, m.role FROM users u JOIN memberships m ON m.user_id = u.id WHERE u.active AND m.role IN ({marks}) ORDER BY u.username",
        **values,
    )
