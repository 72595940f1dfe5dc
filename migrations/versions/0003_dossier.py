"""Requests that belong together"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'relations', sa.Column('case_id', sa.String(), nullable=False), sa.Column('related_id', sa.String(), nullable=False),
        sa.Column('at', sa.String(), nullable=False), sa.PrimaryKeyConstraint('case_id', 'related_id', name='pk_relations'),
        sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name='fk_relations_case_id_cases'),
        sa.ForeignKeyConstraint(['related_id'], ['cases.id'], name='fk_relations_related_id_cases'),
    )
    op.create_index('ix_relations_related_id', 'relations', ['related_id'])


def downgrade() -> None:
    op.drop_table('relations')
