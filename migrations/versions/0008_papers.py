"""Papers: each file under a key of its own, who uploaded it as what; readings with capacity, manner and purpose"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

# Rows that are there keep these empty: their files are sealed by the service once it has its keys, and what was read
# before has no purpose to tell.
_ADDED = {
    'papers': ('cipher_hash', 'key_id', 'wrapped_key', 'role', 'org_id'),
    'reads': ('role', 'how', 'purpose', 'paper_id'),
}
_INDEXES = (('papers', 'uploaded_by'), ('reads', 'paper_id'))


def upgrade() -> None:
    for table, names in _ADDED.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.String(), nullable=True))
    for table, name in _INDEXES:
        op.create_index(f'ix_{table}_{name}_at', table, [name, 'at'])


def downgrade() -> None:
    sealed = op.get_bind().execute(sa.text('SELECT count(*) FROM papers WHERE wrapped_key IS NOT NULL')).scalar()
    if sealed:  # going back would throw the keys of these files away
        raise RuntimeError(f'{sealed} papers are encrypted: an older version could not open them. Restore a backup instead.')
    for table, name in _INDEXES:
        op.drop_index(f'ix_{table}_{name}_at', table_name=table)
    for table, names in _ADDED.items():
        for name in names:
            if op.get_bind().dialect.name == 'sqlite':
                op.execute(f'ALTER TABLE {table} DROP COLUMN {name}')
            else:
                op.drop_column(table, name)
