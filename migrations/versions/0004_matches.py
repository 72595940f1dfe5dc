"""Marks by which requests of the same people, at the same places and of the same outlets are found"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def _text(name, **rest):
    return sa.Column(name, sa.String(), **rest)


def upgrade() -> None:
    # Cases that are there already get their marks from the worker: they need the keys, which no migration has.
    op.create_table(
        'crew_marks', _text('case_id', nullable=False), _text('row_id', nullable=False), _text('person'), _text('passport'), _text('card'), _text('name'),
        _text('words'), sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name='fk_crew_marks_case_id'),
        sa.PrimaryKeyConstraint('case_id', 'row_id', name='pk_crew_marks'),
    )
    for column in ('person', 'passport', 'card', 'name'):
        op.create_index(f'ix_crew_marks_{column}', 'crew_marks', [column])
    op.create_table(
        'slot_marks', _text('case_id', nullable=False), _text('row_id', nullable=False), _text('spot'), _text('starts'), _text('ends'),
        sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name='fk_slot_marks_case_id'), sa.PrimaryKeyConstraint('case_id', 'row_id', name='pk_slot_marks'),
    )
    op.create_index('ix_slot_marks_spot_starts', 'slot_marks', ['spot', 'starts'])
    op.create_table(
        'outlet_marks', _text('case_id', nullable=False), _text('outlet'), _text('name', nullable=False), _text('country'),
        sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name='fk_outlet_marks_case_id'), sa.PrimaryKeyConstraint('case_id', name='pk_outlet_marks'),
    )
    op.create_index('ix_outlet_marks_outlet', 'outlet_marks', ['outlet'])
    op.create_index('ix_outlet_marks_name_outlet', 'outlet_marks', ['name', 'outlet'])


def downgrade() -> None:
    for table in ('outlet_marks', 'slot_marks', 'crew_marks'):
        op.drop_table(table)
