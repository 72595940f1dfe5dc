"""Clock, law and routing: calendar rows, rule versions, delegations, the worker's slots, feeds, shares"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def _text(name, **rest):
    return sa.Column(name, sa.String(), **rest)


def upgrade() -> None:
    for table, columns in _ADDED.items():
        for name, default in columns:
            op.add_column(table, _text(name, server_default=default, nullable=default is None))
    op.drop_index('ix_outbox_case_id_id', table_name='outbox')
    op.create_index('ix_outbox_waiting', 'outbox', ['case_id', 'id'], sqlite_where=sa.text("state <> 'done'"), postgresql_where=sa.text("state <> 'done'"))

    op.rename_table('calendar_days', 'calendar_days_before')
    op.create_table(
        'calendar_days', _text('id', nullable=False), _text('locality', server_default='', nullable=False), _text('on_date', nullable=False),
        _text('kind', nullable=False), _text('opens'), _text('closes'), _text('name', nullable=False), _text('name_en', server_default='', nullable=False),
        _text('document', nullable=False), _text('document_on'), _text('standing', nullable=False), _text('entered_by', nullable=False),
        _text('entered_at', nullable=False), _text('ended_by'), _text('ended_at'), sa.PrimaryKeyConstraint('id', name='pk_calendar_days_rows'),
    )
    rows = op.get_bind().execute(sa.text('SELECT on_date, kind, name, document, confirmed FROM calendar_days_before')).all()
    for on, kind, name, document, confirmed in rows:
        op.get_bind().execute(
            sa.text("INSERT INTO calendar_days (id, locality, on_date, kind, name, document, standing, entered_by, entered_at)"
                    " VALUES (:id, '', :on, :kind, :name, :document, :standing, 'system', '2026-11-01T00:00:00.000000Z')"),
            {'id': hashlib.sha256(f'calendar:{on}'.encode()).hexdigest()[:32], 'on': on, 'kind': kind, 'name': name, 'document': document,
             'standing': 'confirmed' if confirmed else 'expected'},
        )
    op.drop_table('calendar_days_before')
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE calendar_days RENAME CONSTRAINT pk_calendar_days_rows TO pk_calendar_days')
    op.create_index('uq_calendar_days_in_force', 'calendar_days', ['locality', 'on_date'], unique=True,
                    sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table(
        'legal_texts', _text('code', nullable=False), _text('number', nullable=False), _text('title_vi', nullable=False), _text('title_en', nullable=False),
        _text('issued_on'), _text('valid_from'), _text('valid_to'), _text('successor'), _text('checked_by'), _text('checked_at'),
        sa.PrimaryKeyConstraint('code', name='pk_legal_texts'),
    )
    op.create_table(
        'rule_versions', _text('id', nullable=False), _text('code', nullable=False), _text('locality', server_default='', nullable=False),
        _text('value', nullable=False), _text('unit', nullable=False), _text('basis', nullable=False), _text('valid_from', nullable=False), _text('valid_to'),
        _text('standing', nullable=False), _text('status', nullable=False), _text('reason', server_default='', nullable=False), _text('replay'),
        _text('entered_by', nullable=False), _text('entered_at', nullable=False), _text('confirmed_by'), _text('confirmed_at'),
        sa.PrimaryKeyConstraint('id', name='pk_rule_versions'),
    )
    op.create_index('ix_rule_versions_code_valid_from', 'rule_versions', ['code', 'valid_from'])
    op.create_table(
        'delegations', _text('id', nullable=False), _text('principal_id', nullable=False), _text('delegate_id', nullable=False), _text('actions', nullable=False),
        _text('kinds', server_default='[]', nullable=False), _text('form', nullable=False), _text('valid_from', nullable=False), _text('valid_to', nullable=False),
        _text('paper_no', nullable=False), _text('paper_on', nullable=False), _text('entered_by', nullable=False), _text('entered_at', nullable=False),
        _text('confirmed_by'), _text('confirmed_at'), _text('ended_by'), _text('ended_at'),
        sa.ForeignKeyConstraint(['principal_id'], ['users.id'], name='fk_delegations_principal_id'),
        sa.ForeignKeyConstraint(['delegate_id'], ['users.id'], name='fk_delegations_delegate_id'),
        sa.PrimaryKeyConstraint('id', name='pk_delegations'),
    )
    op.create_index('ix_delegations_delegate_id', 'delegations', ['delegate_id'])
    op.create_index('ix_delegations_principal_id', 'delegations', ['principal_id'])
    op.create_table(
        'acted_for', _text('case_id', nullable=False), sa.Column('seq', sa.Integer(), nullable=False), _text('delegation_id', nullable=False),
        _text('principal_id', nullable=False), sa.ForeignKeyConstraint(['delegation_id'], ['delegations.id'], name='fk_acted_for_delegation_id'),
        sa.ForeignKeyConstraint(['principal_id'], ['users.id'], name='fk_acted_for_principal_id'),
        sa.PrimaryKeyConstraint('case_id', 'seq', name='pk_acted_for'),
    )
    op.create_index('ix_acted_for_principal_id', 'acted_for', ['principal_id'])
    op.create_table('confirmations', _text('subject', nullable=False), _text('by_id', nullable=False), _text('at', nullable=False),
                    _text('note', server_default='', nullable=False), sa.PrimaryKeyConstraint('subject', name='pk_confirmations'))
    op.create_table('office_settings', _text('name', nullable=False), _text('value', nullable=False), _text('by_id', nullable=False), _text('at', nullable=False),
                    sa.PrimaryKeyConstraint('name', name='pk_office_settings'))
    op.create_table('audit_stream', _text('stream', nullable=False), sa.Column('seq', sa.Integer(), nullable=False), _text('head_hash', nullable=False),
                    sa.PrimaryKeyConstraint('stream', name='pk_audit_stream'))
    op.create_table('worker_runs', _text('name', nullable=False), _text('slot', nullable=False), _text('owner', nullable=False), _text('at', nullable=False),
                    _text('done_at'), sa.Column('found', sa.Integer(), server_default='0', nullable=False),
                    sa.PrimaryKeyConstraint('name', 'slot', name='pk_worker_runs'))
    op.create_table('feed_tokens', _text('token_hash', nullable=False), _text('user_id', nullable=False), _text('created_at', nullable=False), _text('used_at'),
                    _text('revoked_at'), sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='fk_feed_tokens_user_id'),
                    sa.PrimaryKeyConstraint('token_hash', name='pk_feed_tokens'))
    op.create_index('ix_feed_tokens_user_id', 'feed_tokens', ['user_id'])
    op.create_index('uq_feed_tokens_in_force', 'feed_tokens', ['user_id'], unique=True,
                    sqlite_where=sa.text('revoked_at IS NULL'), postgresql_where=sa.text('revoked_at IS NULL'))
    op.create_table('shares', _text('id', nullable=False), _text('case_id', nullable=False), _text('organisation_id', nullable=False),
                    _text('event', nullable=False), _text('shown', nullable=False), _text('at', nullable=False),
                    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name='fk_shares_case_id'),
                    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name='fk_shares_organisation_id'),
                    sa.PrimaryKeyConstraint('id', name='pk_shares'),
                    sa.UniqueConstraint('case_id', 'organisation_id', 'event', name='uq_shares_case_id_organisation_id_event'))
    op.create_index('ix_shares_organisation_id_at', 'shares', ['organisation_id', 'at'])


# Columns added to tables that were there: (name, default); null where there is no default.
_ADDED = {
    'organisations': (('email', ''), ('phone', ''), ('valid_from', None), ('valid_to', None), ('successor', None)),
    'users': (('email', ''), ('notice_mode', 'at_once')),
    'case_clock': (('rules_on', None), ('sums', None)),
    'outbox': (('claimed_by', None), ('claimed_until', None)),
    'notices': (('digest', None),),
}


def downgrade() -> None:
    for table in ('shares', 'feed_tokens', 'worker_runs', 'audit_stream', 'office_settings', 'confirmations', 'acted_for', 'delegations', 'rule_versions', 'legal_texts'):
        op.drop_table(table)
    op.rename_table('calendar_days', 'calendar_days_after')
    op.create_table(
        'calendar_days', _text('on_date', nullable=False), _text('kind', nullable=False), _text('name', nullable=False), _text('document', nullable=False),
        sa.Column('confirmed', sa.Boolean(), nullable=False), sa.PrimaryKeyConstraint('on_date', name='pk_calendar_days_before'),
    )
    # A half day and a day proposed only have no place in the older table; where a locality differs its row wins.
    rows = op.get_bind().execute(sa.text(
        "SELECT on_date, kind, name, document, standing FROM calendar_days_after"
        " WHERE ended_at IS NULL AND kind IN ('off', 'work') AND standing <> 'proposed' ORDER BY locality")).all()
    kept = {row[0]: row for row in rows}
    for on, kind, name, document, standing in kept.values():
        op.get_bind().execute(
            sa.text('INSERT INTO calendar_days (on_date, kind, name, document, confirmed) VALUES (:on, :kind, :name, :document, :confirmed)'),
            {'on': on, 'kind': kind, 'name': name, 'document': document, 'confirmed': standing == 'confirmed'},
        )
    op.drop_table('calendar_days_after')
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE calendar_days RENAME CONSTRAINT pk_calendar_days_before TO pk_calendar_days')
    op.drop_index('ix_outbox_waiting', table_name='outbox')
    op.create_index('ix_outbox_case_id_id', 'outbox', ['case_id', 'id'])
    for table, columns in _ADDED.items():
        for name, _ in columns:
            if op.get_bind().dialect.name == 'sqlite':
                op.execute(f'ALTER TABLE {table} DROP COLUMN {name}')
            else:
                op.drop_column(table, name)
