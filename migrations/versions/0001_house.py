"""The first house: accounts, cases, record, outbox"""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


# The record is append-only in the database itself; a case may change only by one version at a time.
_NO_CHANGE = ("audit_entry", "opening", "dossiers", "reads")

SQLITE = [
    f"""CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}
        BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"""
    for table in _NO_CHANGE
    for verb in ("UPDATE", "DELETE")
] + [
    """CREATE TRIGGER audit_entry_chain BEFORE INSERT ON audit_entry BEGIN
        SELECT RAISE(ABORT, 'entry does not follow the last of its stream') WHERE NEW.seq <> 1 + coalesce(
            (SELECT max(seq) FROM audit_entry WHERE stream = NEW.stream), 0);
        SELECT RAISE(ABORT, 'entry is not chained to the one before') WHERE NEW.prev <> coalesce(
            (SELECT entry_hash FROM audit_entry WHERE stream = NEW.stream AND seq = NEW.seq - 1), printf('%064d', 0));
        SELECT RAISE(ABORT, 'hash does not fit the entry') WHERE NEW.entry_hash <> fpd_sha256(NEW.canonical);
        SELECT RAISE(ABORT, 'entry exists') WHERE EXISTS (SELECT 1 FROM audit_entry WHERE id = NEW.id);
        SELECT RAISE(ABORT, 'entry exists') WHERE EXISTS (
            SELECT 1 FROM audit_entry WHERE case_id = NEW.case_id AND seq = NEW.seq AND entry_hash = NEW.entry_hash);
        SELECT RAISE(ABORT, 'the round is decided') WHERE NEW.decides AND EXISTS (
            SELECT 1 FROM audit_entry WHERE case_id = NEW.case_id AND round = NEW.round AND decides);
        END""",
    """CREATE TRIGGER opening_once BEFORE INSERT ON opening
        WHEN EXISTS (SELECT 1 FROM opening WHERE stream = NEW.stream AND seq = NEW.seq AND field = NEW.field)
        BEGIN SELECT RAISE(ABORT, 'opening exists'); END""",
    """CREATE TRIGGER dossiers_once BEFORE INSERT ON dossiers
        WHEN EXISTS (SELECT 1 FROM dossiers WHERE case_id = NEW.case_id AND no = NEW.no)
        BEGIN SELECT RAISE(ABORT, 'version exists'); END""",
    """CREATE TRIGGER reads_once BEFORE INSERT ON reads WHEN EXISTS (SELECT 1 FROM reads WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'read exists'); END""",
    """CREATE TRIGGER cases_once BEFORE INSERT ON cases
        WHEN EXISTS (SELECT 1 FROM cases WHERE id = NEW.id OR code = NEW.code OR origin = NEW.origin)
        BEGIN SELECT RAISE(ABORT, 'case exists'); END""",
    """CREATE TRIGGER cases_version BEFORE UPDATE ON cases WHEN NEW.version <> OLD.version + 1 OR NEW.id <> OLD.id
        BEGIN SELECT RAISE(ABORT, 'a case changes by one version at a time'); END""",
    """CREATE TRIGGER cases_no_delete BEFORE DELETE ON cases
        BEGIN SELECT RAISE(ABORT, 'a case is never deleted'); END""",
]

POSTGRES = [
    """CREATE FUNCTION fpd_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$""",
    """CREATE FUNCTION fpd_chain() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE last_seq integer; last_hash text;
        BEGIN
          SELECT seq, entry_hash INTO last_seq, last_hash FROM audit_entry WHERE stream = NEW.stream ORDER BY seq DESC LIMIT 1;
          IF NEW.seq <> coalesce(last_seq, 0) + 1 THEN
            RAISE EXCEPTION 'entry does not follow the last of its stream' USING ERRCODE = '40001'; END IF;
          IF NEW.prev <> coalesce(last_hash, repeat('0', 64)) THEN RAISE EXCEPTION 'entry is not chained to the one before'; END IF;
          IF NEW.entry_hash <> encode(sha256(convert_to('fpd-entry-v1', 'UTF8') || '\\x00'::bytea || convert_to(NEW.canonical, 'UTF8')), 'hex') THEN
            RAISE EXCEPTION 'hash does not fit the entry'; END IF;
          RETURN NEW;
        END $$""",
    """CREATE FUNCTION fpd_version() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.version <> OLD.version + 1 OR NEW.id <> OLD.id THEN RAISE EXCEPTION 'a case changes by one version at a time'; END IF;
          RETURN NEW;
        END $$""",
    "CREATE TRIGGER audit_entry_chain BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION fpd_chain()",
    "ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_chain",
    "CREATE TRIGGER cases_version BEFORE UPDATE ON cases FOR EACH ROW EXECUTE FUNCTION fpd_version()",
    "ALTER TABLE cases ENABLE ALWAYS TRIGGER cases_version",
    "CREATE TRIGGER cases_no_delete BEFORE DELETE ON cases FOR EACH ROW EXECUTE FUNCTION fpd_refuse()",
    "ALTER TABLE cases ENABLE ALWAYS TRIGGER cases_no_delete",
    "ALTER TABLE cases SET (fillfactor = 80)",
]
for _table in _NO_CHANGE:
    POSTGRES += [
        f"CREATE TRIGGER {_table}_no_change BEFORE UPDATE OR DELETE ON {_table} FOR EACH ROW EXECUTE FUNCTION fpd_refuse()",
        f"CREATE TRIGGER {_table}_no_truncate BEFORE TRUNCATE ON {_table} FOR EACH STATEMENT EXECUTE FUNCTION fpd_refuse()",
        f"ALTER TABLE {_table} ENABLE ALWAYS TRIGGER {_table}_no_change",
        f"ALTER TABLE {_table} ENABLE ALWAYS TRIGGER {_table}_no_truncate",
    ]

GUARDS = {"sqlite": SQLITE, "postgresql": POSTGRES}


def upgrade() -> None:
    op.create_table('audit_entry',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), autoincrement=True, nullable=False),
    sa.Column('stream', sa.String(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.String(), nullable=True),
    sa.Column('at', sa.String(), nullable=False),
    sa.Column('actor_id', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('org_id', sa.String(), nullable=True),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('from_state', sa.String(), nullable=True),
    sa.Column('to_state', sa.String(), nullable=True),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('decides', sa.Boolean(), nullable=False),
    sa.Column('prev', sa.String(), nullable=False),
    sa.Column('entry_hash', sa.String(), nullable=False),
    sa.Column('canonical', sa.String(), nullable=False),
    sa.CheckConstraint('length(entry_hash) = 64 AND length(prev) = 64', name=op.f('ck_audit_entry_hashes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entry')),
    sa.UniqueConstraint('case_id', 'seq', 'entry_hash', name=op.f('uq_audit_entry_case_id_seq_entry_hash')),
    sa.UniqueConstraint('stream', 'seq', name=op.f('uq_audit_entry_stream_seq'))
    )
    with op.batch_alter_table('audit_entry', schema=None) as batch_op:
        batch_op.create_index('uq_audit_entry_decision', ['case_id', 'round'], unique=True, sqlite_where=sa.text('decides'), postgresql_where=sa.text('decides'))

    op.create_table('calendar_days',
    sa.Column('on_date', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('document', sa.String(), nullable=False),
    sa.Column('confirmed', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('on_date', name=op.f('pk_calendar_days'))
    )
    op.create_table('code_counter',
    sa.Column('series', sa.String(), nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('series', name=op.f('pk_code_counter'))
    )
    op.create_table('idempotency',
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('scope', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('body_hash', sa.String(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('case_id', sa.String(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=True),
    sa.Column('body', sa.String(), nullable=True),
    sa.Column('etag', sa.String(), nullable=True),
    sa.Column('location', sa.String(), nullable=True),
    sa.Column('at', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('user_id', 'scope', 'key', name=op.f('pk_idempotency'))
    )
    op.create_table('login_attempt',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), autoincrement=True, nullable=False),
    sa.Column('name_key', sa.String(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('at', sa.String(), nullable=False),
    sa.Column('ok', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_login_attempt'))
    )
    with op.batch_alter_table('login_attempt', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_login_attempt_address_at'), ['address', 'at'], unique=False)
        batch_op.create_index(batch_op.f('ix_login_attempt_name_key_at'), ['name_key', 'at'], unique=False)

    op.create_table('opening',
    sa.Column('stream', sa.String(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('field', sa.String(), nullable=False),
    sa.Column('salt', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('stream', 'seq', 'field', name=op.f('pk_opening'))
    )
    op.create_table('organisations',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('name_vi', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('silence_means', sa.String(), server_default='none', nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisations')),
    sa.UniqueConstraint('code', name=op.f('uq_organisations_code'))
    )
    op.create_table('outbox',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), autoincrement=True, nullable=False),
    sa.Column('case_id', sa.String(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('payload', sa.String(), nullable=False),
    sa.Column('dedupe', sa.String(), nullable=False),
    sa.Column('at', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('next_at', sa.String(), nullable=False),
    sa.Column('done_at', sa.String(), nullable=True),
    sa.Column('error', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox')),
    sa.UniqueConstraint('dedupe', name=op.f('uq_outbox_dedupe'))
    )
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_outbox_case_id_id'), ['case_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_outbox_state_next_at_id'), ['state', 'next_at', 'id'], unique=False)

    op.create_table('reads',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), autoincrement=True, nullable=False),
    sa.Column('at', sa.String(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('case_id', sa.String(), nullable=False),
    sa.Column('what', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reads'))
    )
    with op.batch_alter_table('reads', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_reads_case_id_at'), ['case_id', 'at'], unique=False)
        batch_op.create_index(batch_op.f('ix_reads_user_id_at'), ['user_id', 'at'], unique=False)

    op.create_table('users',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('username', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('title_vi', sa.String(), server_default='', nullable=False),
    sa.Column('title_en', sa.String(), server_default='', nullable=False),
    sa.Column('password_hash', sa.String(), nullable=False),
    sa.Column('language', sa.String(), server_default='vi', nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('demo', sa.Boolean(), nullable=False),
    sa.Column('epoch', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    sa.UniqueConstraint('username', name=op.f('uq_users_username'))
    )
    op.create_table('cases',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('code', sa.String(), nullable=True),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('flow_version', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('phase', sa.String(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('head_hash', sa.String(), nullable=False),
    sa.Column('parent_id', sa.String(), nullable=True),
    sa.Column('origin', sa.String(), nullable=True),
    sa.Column('organisation_id', sa.String(), nullable=True),
    sa.Column('created_by', sa.String(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('officer_id', sa.String(), nullable=True),
    sa.Column('guide_id', sa.String(), nullable=True),
    sa.Column('leader_id', sa.String(), nullable=True),
    sa.Column('office_id', sa.String(), nullable=True),
    sa.Column('category', sa.String(), nullable=True),
    sa.Column('authority', sa.String(), nullable=True),
    sa.Column('urgent', sa.Boolean(), nullable=False),
    sa.Column('referred', sa.Boolean(), nullable=False),
    sa.Column('accepted', sa.Boolean(), nullable=False),
    sa.Column('is_open', sa.Boolean(), nullable=False),
    sa.Column('due_at', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('outlet', sa.String(), nullable=False),
    sa.Column('country', sa.String(), nullable=True),
    sa.Column('first_day', sa.String(), nullable=True),
    sa.Column('last_day', sa.String(), nullable=True),
    sa.Column('memory', sa.String(), nullable=False),
    sa.Column('dossier_no', sa.Integer(), nullable=False),
    sa.Column('search_text', sa.String(), nullable=False),
    sa.Column('created_at', sa.String(), nullable=False),
    sa.Column('updated_at', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['id', 'version', 'head_hash'], ['audit_entry.case_id', 'audit_entry.seq', 'audit_entry.entry_hash'], name='fk_cases_head', initially='DEFERRED', deferrable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_cases_organisation_id')),
    sa.ForeignKeyConstraint(['parent_id'], ['cases.id'], name=op.f('fk_cases_parent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cases')),
    sa.UniqueConstraint('code', name=op.f('uq_cases_code')),
    sa.UniqueConstraint('origin', name=op.f('uq_cases_origin'))
    )
    with op.batch_alter_table('cases', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_cases_created_at_id'), ['created_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_cases_guide_id'), ['guide_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_cases_kind_created_at_id'), ['kind', 'created_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_cases_officer_id_due_at_id'), ['officer_id', 'due_at', 'id'], unique=False)
        batch_op.create_index('ix_cases_open', ['due_at', 'id'], unique=False, sqlite_where=sa.text('is_open'), postgresql_where=sa.text('is_open'))
        batch_op.create_index(batch_op.f('ix_cases_organisation_id_created_at_id'), ['organisation_id', 'created_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_cases_parent_id'), ['parent_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_cases_state_due_at_id'), ['state', 'due_at', 'id'], unique=False)

    op.create_table('memberships',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), autoincrement=True, nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('organisation_id', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('lead', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_memberships_organisation_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_memberships_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_memberships')),
    sa.UniqueConstraint('user_id', 'organisation_id', 'role', name=op.f('uq_memberships_user_id_organisation_id_role'))
    )
    with op.batch_alter_table('memberships', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_memberships_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_memberships_role'), ['role'], unique=False)

    op.create_table('notices',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), autoincrement=True, nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('case_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('at', sa.String(), nullable=False),
    sa.Column('read_at', sa.String(), nullable=True),
    sa.Column('dedupe', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_notices_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notices')),
    sa.UniqueConstraint('dedupe', name=op.f('uq_notices_dedupe'))
    )
    with op.batch_alter_table('notices', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_notices_user_id_at'), ['user_id', 'at'], unique=False)

    op.create_table('user_session',
    sa.Column('id_hash', sa.String(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('created_at', sa.String(), nullable=False),
    sa.Column('seen_at', sa.String(), nullable=False),
    sa.Column('expires_at', sa.String(), nullable=False),
    sa.Column('address', sa.String(), server_default='', nullable=False),
    sa.Column('agent', sa.String(), server_default='', nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_user_session_user_id')),
    sa.PrimaryKeyConstraint('id_hash', name=op.f('pk_user_session'))
    )
    with op.batch_alter_table('user_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_user_session_user_id'), ['user_id'], unique=False)

    op.create_table('case_clock',
    sa.Column('case_id', sa.String(), nullable=False),
    sa.Column('submitted_at', sa.String(), nullable=True),
    sa.Column('received_at', sa.String(), nullable=True),
    sa.Column('registered_late', sa.Boolean(), nullable=True),
    sa.Column('answered_at', sa.String(), nullable=True),
    sa.Column('statutory_due', sa.String(), nullable=True),
    sa.Column('work_due', sa.String(), nullable=True),
    sa.Column('first_due', sa.String(), nullable=True),
    sa.Column('extended', sa.Boolean(), nullable=True),
    sa.Column('paused_since', sa.String(), nullable=True),
    sa.Column('pauses', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_case_clock_case_id')),
    sa.PrimaryKeyConstraint('case_id', name=op.f('pk_case_clock'))
    )
    with op.batch_alter_table('case_clock', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_case_clock_statutory_due'), ['statutory_due'], unique=False)

    op.create_table('dossiers',
    sa.Column('case_id', sa.String(), nullable=False),
    sa.Column('no', sa.Integer(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('fields', sa.String(), nullable=False),
    sa.Column('papers', sa.String(), nullable=False),
    sa.Column('content_hash', sa.String(), nullable=False),
    sa.Column('at', sa.String(), nullable=False),
    sa.Column('by_id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_dossiers_case_id')),
    sa.PrimaryKeyConstraint('case_id', 'no', name=op.f('pk_dossiers'))
    )
    op.create_table('papers',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('case_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('file_hash', sa.String(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('media_type', sa.String(), nullable=False),
    sa.Column('filename', sa.String(), nullable=False),
    sa.Column('uploaded_by', sa.String(), nullable=False),
    sa.Column('at', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_papers_case_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_papers'))
    )
    with op.batch_alter_table('papers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_papers_case_id_at'), ['case_id', 'at'], unique=False)

    for statement in GUARDS[op.get_bind().dialect.name]:
        op.execute(sa.DDL(statement.replace('%', '%%')))


def downgrade() -> None:
    with op.batch_alter_table('papers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_papers_case_id_at'))

    op.drop_table('papers')
    op.drop_table('dossiers')
    with op.batch_alter_table('case_clock', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_case_clock_statutory_due'))

    op.drop_table('case_clock')
    with op.batch_alter_table('user_session', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_user_session_user_id'))

    op.drop_table('user_session')
    with op.batch_alter_table('notices', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_notices_user_id_at'))

    op.drop_table('notices')
    with op.batch_alter_table('memberships', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_memberships_role'))
        batch_op.drop_index(batch_op.f('ix_memberships_organisation_id'))

    op.drop_table('memberships')
    with op.batch_alter_table('cases', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_cases_state_due_at_id'))
        batch_op.drop_index(batch_op.f('ix_cases_parent_id'))
        batch_op.drop_index(batch_op.f('ix_cases_organisation_id_created_at_id'))
        batch_op.drop_index('ix_cases_open', sqlite_where=sa.text('is_open'), postgresql_where=sa.text('is_open'))
        batch_op.drop_index(batch_op.f('ix_cases_officer_id_due_at_id'))
        batch_op.drop_index(batch_op.f('ix_cases_kind_created_at_id'))
        batch_op.drop_index(batch_op.f('ix_cases_guide_id'))
        batch_op.drop_index(batch_op.f('ix_cases_created_at_id'))

    op.drop_table('cases')
    op.drop_table('users')
    with op.batch_alter_table('reads', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_reads_user_id_at'))
        batch_op.drop_index(batch_op.f('ix_reads_case_id_at'))

    op.drop_table('reads')
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_outbox_state_next_at_id'))
        batch_op.drop_index(batch_op.f('ix_outbox_case_id_id'))

    op.drop_table('outbox')
    op.drop_table('organisations')
    op.drop_table('opening')
    with op.batch_alter_table('login_attempt', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_login_attempt_name_key_at'))
        batch_op.drop_index(batch_op.f('ix_login_attempt_address_at'))

    op.drop_table('login_attempt')
    op.drop_table('idempotency')
    op.drop_table('code_counter')
    op.drop_table('calendar_days')
    with op.batch_alter_table('audit_entry', schema=None) as batch_op:
        batch_op.drop_index('uq_audit_entry_decision', sqlite_where=sa.text('decides'), postgresql_where=sa.text('decides'))

    op.drop_table('audit_entry')
    if op.get_bind().dialect.name == "postgresql":
        for name in ("fpd_refuse", "fpd_chain", "fpd_version"):
            op.execute(f"DROP FUNCTION {name}()")
