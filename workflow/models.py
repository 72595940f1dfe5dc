"""The tables, without behaviour. Moments and dates are text that sorts, JSON is text: the same on both databases."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Identity, Index, MetaData, UniqueConstraint, text  # fmt: skip
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table of the service."""

    metadata = MetaData(naming_convention=NAMING)


class Organisation(Base):
    """A requesting, deciding, consulted or overseeing body."""

    __tablename__ = "organisations"
    id: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name_vi: Mapped[str]
    name_en: Mapped[str]
    silence_means: Mapped[str] = mapped_column(server_default="none")
    active: Mapped[bool] = mapped_column(default=True)
    email: Mapped[str] = mapped_column(server_default="")
    phone: Mapped[str] = mapped_column(server_default="")
    valid_from: Mapped[str | None]
    valid_to: Mapped[str | None]
    successor: Mapped[str | None]


class User(Base):
    """An account. `epoch` rises whenever its rights change, and is checked when a case is written."""

    __tablename__ = "users"
    id: Mapped[str] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    title_vi: Mapped[str] = mapped_column(server_default="")
    title_en: Mapped[str] = mapped_column(server_default="")
    password_hash: Mapped[str]
    language: Mapped[str] = mapped_column(server_default="vi")
    email: Mapped[str] = mapped_column(server_default="")
    notice_mode: Mapped[str] = mapped_column(server_default="at_once")
    active: Mapped[bool] = mapped_column(default=True)
    demo: Mapped[bool] = mapped_column(default=False)
    epoch: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[str]


class Membership(Base):
    """One role of one person in one organisation."""

    __tablename__ = "memberships"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True, autoincrement=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    role: Mapped[str]
    lead: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (UniqueConstraint("user_id", "organisation_id", "role"), Index(None, "organisation_id"), Index(None, "role"))


class UserSession(Base):
    """A signed-in browser; only the hash of its token is kept."""

    __tablename__ = "user_session"
    id_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[str]
    seen_at: Mapped[str]
    expires_at: Mapped[str]
    address: Mapped[str] = mapped_column(server_default="")
    agent: Mapped[str] = mapped_column(server_default="")
    __table_args__ = (Index(None, "user_id"),)


class LoginAttempt(Base):
    """A failed or successful sign-in, for the throttle."""

    __tablename__ = "login_attempt"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True, autoincrement=True)
    name_key: Mapped[str]
    address: Mapped[str]
    at: Mapped[str]
    ok: Mapped[bool]
    __table_args__ = (Index(None, "name_key", "at"), Index(None, "address", "at"))


class Case(Base):
    """One case. Its row changes only together with an entry of its stream: version = seq of the head."""

    __tablename__ = "cases"
    id: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str | None] = mapped_column(unique=True)
    kind: Mapped[str]
    flow_version: Mapped[int]
    state: Mapped[str]
    phase: Mapped[str | None]
    version: Mapped[int]
    round: Mapped[int]
    head_hash: Mapped[str]
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id"))
    origin: Mapped[str | None] = mapped_column(unique=True)
    organisation_id: Mapped[str | None] = mapped_column(ForeignKey("organisations.id"))
    created_by: Mapped[str]
    channel: Mapped[str]
    officer_id: Mapped[str | None]
    guide_id: Mapped[str | None]
    leader_id: Mapped[str | None]
    office_id: Mapped[str | None]
    returned_to: Mapped[str | None]
    category: Mapped[str | None]
    authority: Mapped[str | None]
    urgent: Mapped[bool]
    referred: Mapped[bool]
    accepted: Mapped[bool]
    is_open: Mapped[bool]
    due_at: Mapped[str]
    title: Mapped[str]
    outlet: Mapped[str]
    country: Mapped[str | None]
    first_day: Mapped[str | None]
    last_day: Mapped[str | None]
    memory: Mapped[str]
    dossier_no: Mapped[int]
    search_text: Mapped[str]
    created_at: Mapped[str]
    updated_at: Mapped[str]
    __table_args__ = (
        ForeignKeyConstraint(
            ["id", "version", "head_hash"],
            ["audit_entry.case_id", "audit_entry.seq", "audit_entry.entry_hash"],
            name="fk_cases_head",
            deferrable=True,
            initially="DEFERRED",
        ),
        Index("ix_cases_open", "due_at", "id", sqlite_where=text("is_open"), postgresql_where=text("is_open")),
        Index(None, "organisation_id", "created_at", "id"),
        Index(None, "state", "due_at", "id"),
        Index(None, "parent_id"),
        Index(None, "officer_id", "due_at", "id"),
        Index(None, "guide_id"),
        Index("ix_cases_returned", "returned_to", sqlite_where=text("returned_to IS NOT NULL"), postgresql_where=text("returned_to IS NOT NULL")),
        Index(None, "kind", "created_at", "id"),
        Index(None, "created_at", "id"),
    )


class Relation(Base):
    """Two requests that belong together, such as a visit and an interview during it."""

    __tablename__ = "relations"
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    related_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    at: Mapped[str]
    __table_args__ = (Index(None, "related_id"),)


class Dossier(Base):
    """One version of a case's content. Append-only."""

    __tablename__ = "dossiers"
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    round: Mapped[int]
    fields: Mapped[str]
    papers: Mapped[str]
    content_hash: Mapped[str]
    at: Mapped[str]
    by_id: Mapped[str]


class CaseClock(Base):
    """When a case was received and answered, and its due dates; lateness is computed when read."""

    __tablename__ = "case_clock"
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    submitted_at: Mapped[str | None]
    received_at: Mapped[str | None]
    registered_late: Mapped[bool | None]
    answered_at: Mapped[str | None]
    statutory_due: Mapped[str | None]
    work_due: Mapped[str | None]
    first_due: Mapped[str | None]
    extended: Mapped[bool | None]
    paused_since: Mapped[str | None]
    pauses: Mapped[str | None]
    rules_on: Mapped[str | None]
    sums: Mapped[str | None]
    __table_args__ = (Index(None, "statutory_due"),)


class CrewMark(Base):
    """A crew member of a request by marks: who it is to the registry, passport, card, whole name, words to search by. No clear text."""

    __tablename__ = "crew_marks"
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    row_id: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str | None]
    passport: Mapped[str | None]
    card: Mapped[str | None]
    name: Mapped[str | None]
    words: Mapped[str | None]
    __table_args__ = (Index(None, "person"), Index(None, "passport"), Index(None, "card"), Index(None, "name"))


class SlotMark(Base):
    """A place of a programme or a leader asked, by its mark, with the local time for which it is taken."""

    __tablename__ = "slot_marks"
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    row_id: Mapped[str] = mapped_column(primary_key=True)
    spot: Mapped[str | None]
    starts: Mapped[str | None]
    ends: Mapped[str | None]
    __table_args__ = (Index(None, "spot", "starts"),)


class OutletMark(Base):
    """The outlet of a request: which one it is to the registry (`outlet`), and its folded name to search and sort by."""

    __tablename__ = "outlet_marks"
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    outlet: Mapped[str | None]
    name: Mapped[str]
    country: Mapped[str | None]
    __table_args__ = (Index(None, "outlet"), Index(None, "name", "outlet"))


class AuditEntry(Base):
    """One entry of the record; `canonical` is what is hashed. Append-only, chained per stream."""

    __tablename__ = "audit_entry"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True, autoincrement=True)
    stream: Mapped[str]
    seq: Mapped[int]
    case_id: Mapped[str | None]
    at: Mapped[str]
    actor_id: Mapped[str]
    role: Mapped[str]
    org_id: Mapped[str | None]
    action: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str | None]
    round: Mapped[int]
    decides: Mapped[bool]
    prev: Mapped[str]
    entry_hash: Mapped[str]
    canonical: Mapped[str]
    __table_args__ = (
        UniqueConstraint("stream", "seq"),
        UniqueConstraint("case_id", "seq", "entry_hash"),
        Index("uq_audit_entry_decision", "case_id", "round", unique=True, sqlite_where=text("decides"), postgresql_where=text("decides")),
        CheckConstraint("length(entry_hash) = 64 AND length(prev) = 64", name="hashes"),
    )


class Opening(Base):
    """What a commitment of an entry commits to."""

    __tablename__ = "opening"
    stream: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    salt: Mapped[str]
    value: Mapped[str]


class Outbox(Base):
    """What has to follow an act; delivered by the worker."""

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True, autoincrement=True)
    case_id: Mapped[str]
    seq: Mapped[int]
    kind: Mapped[str]
    name: Mapped[str]
    payload: Mapped[str]
    dedupe: Mapped[str] = mapped_column(unique=True)
    at: Mapped[str]
    state: Mapped[str]
    tries: Mapped[int]
    next_at: Mapped[str]
    done_at: Mapped[str | None]
    error: Mapped[str | None]
    claimed_by: Mapped[str | None]
    claimed_until: Mapped[str | None]
    __table_args__ = (
        Index(None, "state", "next_at", "id"),
        Index("ix_outbox_waiting", "case_id", "id", sqlite_where=text("state <> 'done'"), postgresql_where=text("state <> 'done'")),
    )


class Notice(Base):
    """A notice inside the service for one person."""

    __tablename__ = "notices"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True, autoincrement=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    case_id: Mapped[str]
    name: Mapped[str]
    at: Mapped[str]
    read_at: Mapped[str | None]
    dedupe: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[str | None]
    __table_args__ = (Index(None, "user_id", "at"),)


class Idempotency(Base):
    """The answer that a key got; written in the transaction of its effect."""

    __tablename__ = "idempotency"
    user_id: Mapped[str] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[str]
    status: Mapped[int | None]
    case_id: Mapped[str | None]
    version: Mapped[int | None]
    body: Mapped[str | None]
    etag: Mapped[str | None]
    location: Mapped[str | None]
    at: Mapped[str]


class StoredPaper(Base):
    """A file of a case; its bytes lie encrypted in the file store under the hash of what lies there.

    `file_hash` is that of the plain bytes, as the record has it. Without `cipher_hash` the file is of a time before files were
    encrypted. `role` and `org_id`: as what, and for whom, it was uploaded.
    """

    __tablename__ = "papers"
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    name: Mapped[str]
    file_hash: Mapped[str]
    size: Mapped[int]
    media_type: Mapped[str]
    filename: Mapped[str]
    uploaded_by: Mapped[str]
    at: Mapped[str]
    cipher_hash: Mapped[str | None]
    key_id: Mapped[str | None]
    wrapped_key: Mapped[str | None]
    role: Mapped[str | None]
    org_id: Mapped[str | None]
    __table_args__ = (Index(None, "case_id", "at"), Index(None, "uploaded_by", "at"))


class CalendarDay(Base):
    """A day that differs from its weekday. A row is ended, never overwritten; one in force per locality and day."""

    __tablename__ = "calendar_days"
    id: Mapped[str] = mapped_column(primary_key=True)
    locality: Mapped[str] = mapped_column(server_default="")
    on_date: Mapped[str]
    kind: Mapped[str]
    opens: Mapped[str | None]
    closes: Mapped[str | None]
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(server_default="")
    document: Mapped[str]
    document_on: Mapped[str | None]
    standing: Mapped[str]
    entered_by: Mapped[str]
    entered_at: Mapped[str]
    ended_by: Mapped[str | None]
    ended_at: Mapped[str | None]
    __table_args__ = (
        Index(
            "uq_calendar_days_in_force", "locality", "on_date", unique=True,
            sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL"),
        ),
    )  # fmt: skip


class StoredCommune(Base):
    """A commune, ward or special zone of a province's list. A row is ended, never overwritten."""

    __tablename__ = "communes"
    id: Mapped[str] = mapped_column(primary_key=True)
    province: Mapped[str]
    code: Mapped[str]
    name: Mapped[str]
    folded: Mapped[str]
    kind: Mapped[str]
    border: Mapped[str] = mapped_column(server_default="unknown")
    sea: Mapped[str] = mapped_column(server_default="unknown")
    island: Mapped[str] = mapped_column(server_default="unknown")
    valid_from: Mapped[str]
    valid_to: Mapped[str | None]
    source: Mapped[str] = mapped_column(server_default="")
    standing: Mapped[str] = mapped_column(server_default="unconfirmed")
    entered_by: Mapped[str]
    entered_at: Mapped[str]
    ended_by: Mapped[str | None]
    ended_at: Mapped[str | None]
    __table_args__ = (
        Index(
            "uq_communes_in_force", "province", "code", "valid_from", unique=True,
            sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL"),
        ),
    )  # fmt: skip


class LegalText(Base):
    """A text of law or an office rule that may be cited, with its validity and whether anybody compared it with the gazette."""

    __tablename__ = "legal_texts"
    code: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str]
    title_vi: Mapped[str]
    title_en: Mapped[str]
    issued_on: Mapped[str | None]
    valid_from: Mapped[str | None]
    valid_to: Mapped[str | None]
    successor: Mapped[str | None]
    checked_by: Mapped[str | None]
    checked_at: Mapped[str | None]


class RuleVersion(Base):
    """One version of one rule: a value with unit, basis and validity; drafted by one person, confirmed by another."""

    __tablename__ = "rule_versions"
    id: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str]
    locality: Mapped[str] = mapped_column(server_default="")
    value: Mapped[str]
    unit: Mapped[str]
    basis: Mapped[str]
    valid_from: Mapped[str]
    valid_to: Mapped[str | None]
    standing: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="")
    replay: Mapped[str | None]
    entered_by: Mapped[str]
    entered_at: Mapped[str]
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[str | None]
    __table_args__ = (Index(None, "code", "valid_from"),)


class Delegation(Base):
    """A written delegation: who acts for whom, in which matter, on which paper, from when to when."""

    __tablename__ = "delegations"
    id: Mapped[str] = mapped_column(primary_key=True)
    principal_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    delegate_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    actions: Mapped[str]
    kinds: Mapped[str] = mapped_column(server_default="[]")
    form: Mapped[str]
    valid_from: Mapped[str]
    valid_to: Mapped[str]
    paper_no: Mapped[str]
    paper_on: Mapped[str]
    entered_by: Mapped[str]
    entered_at: Mapped[str]
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[str | None]
    ended_by: Mapped[str | None]
    ended_at: Mapped[str | None]
    __table_args__ = (Index(None, "delegate_id"), Index(None, "principal_id"))


class ActedFor(Base):
    """Which entries were acts in another's name: an index into the record, which holds the same in its sealed text."""

    __tablename__ = "acted_for"
    case_id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    delegation_id: Mapped[str] = mapped_column(ForeignKey("delegations.id"))
    principal_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    __table_args__ = (Index(None, "principal_id"),)


class Confirmation(Base):
    """An entry of a profile that the office has compared with its source and confirmed."""

    __tablename__ = "confirmations"
    subject: Mapped[str] = mapped_column(primary_key=True)
    by_id: Mapped[str]
    at: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")


class OfficeSetting(Base):
    """A value of this installation that is set from inside, such as its locality."""

    __tablename__ = "office_settings"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    by_id: Mapped[str]
    at: Mapped[str]


class AuditStream(Base):
    """The last entry of a stream that belongs to no case."""

    __tablename__ = "audit_stream"
    stream: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int]
    head_hash: Mapped[str]


class WorkerRun(Base):
    """One run of a periodic job: the key makes it one a slot for all workers together."""

    __tablename__ = "worker_runs"
    name: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    at: Mapped[str]
    done_at: Mapped[str | None]
    found: Mapped[int] = mapped_column(server_default="0")


class FeedToken(Base):
    """The token of a person's calendar feed; only its hash is kept."""

    __tablename__ = "feed_tokens"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[str]
    used_at: Mapped[str | None]
    revoked_at: Mapped[str | None]
    __table_args__ = (
        Index(None, "user_id"),
        Index("uq_feed_tokens_in_force", "user_id", unique=True, sqlite_where=text("revoked_at IS NULL"), postgresql_where=text("revoked_at IS NULL")),
    )


class Share(Base):
    """The minimum view of a case, shared once per event with a standing subscriber of the locality."""

    __tablename__ = "shares"
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    event: Mapped[str]
    shown: Mapped[str]
    at: Mapped[str]
    __table_args__ = (UniqueConstraint("case_id", "organisation_id", "event"), Index(None, "organisation_id", "at"))


class CodeCounter(Base):
    """The last number of a series of printed codes."""

    __tablename__ = "code_counter"
    series: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int]


class TrackingPin(Base):
    """The figures that open the public page of a case, sealed."""

    __tablename__ = "tracking_pins"
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    pin: Mapped[str]
    at: Mapped[str]


class TrackingTry(Base):
    """How often somebody typed wrong figures since a moment; `subject` is a keyed mark of who or what is counted."""

    __tablename__ = "tracking_tries"
    subject: Mapped[str] = mapped_column(primary_key=True)
    wrong: Mapped[int]
    since: Mapped[str]
    __table_args__ = (Index(None, "since"),)


class Read(Base):
    """Each opening of a case by an auditor, and of a sensitive paper by anybody: as what, how, and for what (sealed)."""

    __tablename__ = "reads"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True, autoincrement=True)
    at: Mapped[str]
    user_id: Mapped[str]
    case_id: Mapped[str]
    what: Mapped[str]
    role: Mapped[str | None]
    how: Mapped[str | None]
    purpose: Mapped[str | None]
    paper_id: Mapped[str | None]
    __table_args__ = (Index(None, "case_id", "at"), Index(None, "user_id", "at"), Index(None, "paper_id", "at"))
