"""The return loop: whose desk a file came back to"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

_SOME = sa.text('returned_to IS NOT NULL')


def upgrade() -> None:
    op.add_column('cases', sa.Column('returned_to', sa.String(), nullable=True))
    op.create_index('ix_cases_returned', 'cases', ['returned_to'], sqlite_where=_SOME, postgresql_where=_SOME)


def downgrade() -> None:
    op.drop_index('ix_cases_returned', table_name='cases')
    op.drop_column('cases', 'returned_to')
