"""Places: communes, wards and special zones with what is known of each"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def _text(name, **rest):
    return sa.Column(name, sa.String(), **rest)


def upgrade() -> None:
    unknown = {'server_default': 'unknown', 'nullable': False}
    op.create_table(
        'communes', _text('id', nullable=False), _text('province', nullable=False), _text('code', nullable=False), _text('name', nullable=False),
        _text('folded', nullable=False), _text('kind', nullable=False), _text('border', **unknown), _text('sea', **unknown), _text('island', **unknown),
        _text('valid_from', nullable=False), _text('valid_to'), _text('source', server_default='', nullable=False),
        _text('standing', server_default='unconfirmed', nullable=False), _text('entered_by', nullable=False), _text('entered_at', nullable=False),
        _text('ended_by'), _text('ended_at'), sa.PrimaryKeyConstraint('id', name='pk_communes'),
    )
    op.create_index('uq_communes_in_force', 'communes', ['province', 'code', 'valid_from'], unique=True,
                    sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))


def downgrade() -> None:
    op.drop_table('communes')
