"""Public tracking: the six figures of each case, and the wrong tries at them"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'tracking_pins', sa.Column('case_id', sa.String(), nullable=False), sa.Column('pin', sa.String(), nullable=False),
        sa.Column('at', sa.String(), nullable=False), sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name='fk_tracking_pins_case_id'),
        sa.PrimaryKeyConstraint('case_id', name='pk_tracking_pins'),
    )
    op.create_table(
        'tracking_tries', sa.Column('subject', sa.String(), nullable=False), sa.Column('wrong', sa.Integer(), nullable=False),
        sa.Column('since', sa.String(), nullable=False), sa.PrimaryKeyConstraint('subject', name='pk_tracking_tries'),
    )
    op.create_index('ix_tracking_tries_since', 'tracking_tries', ['since'])


def downgrade() -> None:
    op.drop_table('tracking_tries')
    op.drop_table('tracking_pins')
