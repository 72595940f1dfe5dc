"""How often a stranger may type wrong figures at the public tracking, kept in a table that all processes share.

Three counts, each for a window that begins with its first wrong try: of an address, of one case from that address, and of
one case from anywhere. The last keeps somebody with very many addresses from trying all figures; so that nobody is locked
out by it whose case it is, an address that has opened the case before is let by. What is counted is told apart by keyed
marks: no address and no code stands in the table. A code that does not exist is counted like one that does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from sqlalchemy import Connection

from workflow import clock, store
from workflow.localities import TrackingLimits
from workflow.office import Office

_IPV6_HOME = 64  # bits: whoever has one IPv6 address has at least all that share its first half


@dataclass(frozen=True, slots=True)
class Try:
    """One try by its marks: the address, the case from there, the case from anywhere, and that it was opened from there before."""

    address: str
    pair: str
    case: str
    known: str


def marked(office: Office, code: str, address: str) -> Try:
    """The marks of a try at a code from an address."""
    home, code = home_of(address), code.encode("utf-8", "replace").decode()
    blind = office.keys.blind
    return Try(blind(f"track address {home}"), blind(f"track pair {code} {home}"), blind(f"track case {code}"), blind(f"track known {code} {home}"))


def home_of(address: str) -> str:
    """What counts as one address: an IPv4 address, the network of an IPv6 one."""
    try:
        read = ip_address(address)
    except ValueError:
        return address[:60]
    if not isinstance(read, IPv6Address):
        return str(read)
    if read.ipv4_mapped:
        return str(read.ipv4_mapped)
    return str(IPv6Address(int(read) >> _IPV6_HOME << _IPV6_HOME))


def closed_until(connection: Connection, limits: TrackingLimits, tried: Try) -> datetime | None:
    """When this may be tried again, where a limit is reached; None where it may be tried now. Reads only."""
    rows = store.query(
        connection, "SELECT subject, wrong, since FROM tracking_tries WHERE subject IN (:address, :pair, :case, :known)",
        address=tried.address, pair=tried.pair, case=tried.case, known=tried.known,
    )  # fmt: skip
    return _until({row["subject"]: (row["wrong"] + 1, row["since"]) for row in rows}, limits, tried)


def entered(connection: Connection, limits: TrackingLimits, tried: Try) -> datetime | None:
    """Count a try as a wrong one before it is judged, in the running transaction; answers like `closed_until`.

    Counted first, tries at the same moment cannot pass a limit together: each finds what the others have left.
    """
    now = clock.now()
    # Always in this order: two tries at one moment then wait for each other and never in a circle.
    rows = store.query(
        connection,
        "INSERT INTO tracking_tries (subject, wrong, since) VALUES (:address, 1, :now), (:pair, 1, :now), (:case, 1, :now)"
        " ON CONFLICT (subject) DO UPDATE SET"
        " wrong = CASE WHEN tracking_tries.since <= :start THEN 1 ELSE tracking_tries.wrong + 1 END,"
        " since = CASE WHEN tracking_tries.since <= :start THEN excluded.since ELSE tracking_tries.since END"
        " RETURNING subject, wrong, since",
        address=tried.address, pair=tried.pair, case=tried.case, now=clock.stamp(now), start=_start(now, limits),
    )  # fmt: skip
    known = store.query(connection, "SELECT subject, wrong, since FROM tracking_tries WHERE subject = :known", known=tried.known)
    return _until({row["subject"]: (row["wrong"], row["since"]) for row in (*rows, *known)}, limits, tried)


def taken_back(connection: Connection, tried: Try) -> None:
    """The try was right: its own count is taken back and no other, and the address is known to have opened the case."""
    store.execute(
        connection, "UPDATE tracking_tries SET wrong = wrong - 1 WHERE subject IN (:address, :pair, :case)",
        address=tried.address, pair=tried.pair, case=tried.case,
    )  # fmt: skip
    store.execute(
        connection, "INSERT INTO tracking_tries (subject, wrong, since) VALUES (:known, 0, :now) ON CONFLICT (subject) DO UPDATE SET since = excluded.since",
        known=tried.known, now=clock.stamp(clock.now()),
    )  # fmt: skip


def _start(now: datetime, limits: TrackingLimits) -> str:
    return clock.stamp(now - timedelta(minutes=limits.window_minutes))


def _until(counts: dict[str, tuple[int, str]], limits: TrackingLimits, tried: Try) -> datetime | None:
    """The end of the last window that is full with this try; a window that is over counts nothing."""
    now = clock.now()
    start = _start(now, limits)
    known = tried.known in counts and counts[tried.known][1] > clock.stamp(now - timedelta(days=limits.known_days))
    most = {tried.address: limits.per_address, tried.pair: limits.per_case_from_address, **({} if known else {tried.case: limits.per_case})}
    full = [since for subject, limit in most.items() for wrong, since in [counts.get(subject, (0, ""))] if wrong > limit and since > start]
    return clock.moment(max(full)) + timedelta(minutes=limits.window_minutes) if full else None


def forget(office: Office) -> int:
    """Drop counts whose window is over, and addresses that have not opened their case for long; answers how many."""
    limits, now = office.profile.tracking_limits, clock.now()
    known = clock.stamp(now - timedelta(days=limits.known_days))
    return office.db.transact(
        lambda connection: store.execute(
            connection, "DELETE FROM tracking_tries WHERE (wrong > 0 AND since <= :start) OR since <= :known", start=_start(now, limits), known=known
        )
    )
