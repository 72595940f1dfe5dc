"""Sealing anew: in the append-only tables a sealed value may be replaced by another sealed value, and nothing else"""

from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

# Which column of each table holds sealed values, and the columns beside it, which stay what they are.
_SEALED = {
    'opening': ('value', ('stream', 'seq', 'field', 'salt')),
    'dossiers': ('fields', ('case_id', 'no', 'round', 'papers', 'content_hash', 'at', 'by_id')),
    'reads': ('purpose', ('id', 'at', 'user_id', 'case_id', 'what', 'role', 'how', 'paper_id')),
}


def _sqlite(table: str, when: str = '') -> str:
    return f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {when} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"


def _differs(column: str, others: tuple[str, ...]) -> str:
    """The same but for ciphertexts. The function is the service's own: from a plain shell every update fails, as before."""
    same = ' AND '.join(f'NEW.{name} IS OLD.{name}' for name in others)
    return f'WHEN NOT ({same} AND fpd_unsealed(NEW.{column}) IS fpd_unsealed(OLD.{column}))'


# A sealed value is the whole of a JSON string, or the whole of a text (workflow/crypto.py).
_POSTGRES = [
    r"""CREATE FUNCTION fpd_unsealed(stored text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT regexp_replace(regexp_replace(stored, '"\\u0002[^:"\\]+:[A-Za-z0-9+/=]+"', '"' || chr(2) || '"', 'g'),
                              '^' || chr(2) || '[^:]+:[A-Za-z0-9+/=]+$', chr(2)) $$""",
    """CREATE FUNCTION fpd_reseal() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP = 'UPDATE' AND current_setting('fpd.reseal', true) = 'on'
             AND to_jsonb(NEW) - TG_ARGV[0] = to_jsonb(OLD) - TG_ARGV[0]
             AND fpd_unsealed(to_jsonb(NEW) ->> TG_ARGV[0]) IS NOT DISTINCT FROM fpd_unsealed(to_jsonb(OLD) ->> TG_ARGV[0]) THEN
            RETURN NEW; END IF;
          RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
        END $$""",
]


def _guard(table: str, function: str) -> list[str]:
    return [
        f'DROP TRIGGER {table}_no_change ON {table}',
        f'CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}',
        f'ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_change',
    ]


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == 'sqlite'


def _run(statements: list[str]) -> None:
    for statement in statements:
        op.execute(statement)


def upgrade() -> None:
    if _is_sqlite():
        for table, (column, others) in _SEALED.items():
            _run([f'DROP TRIGGER {table}_no_update', _sqlite(table, _differs(column, others))])
        return
    _run(_POSTGRES)
    for table, (column, _) in _SEALED.items():
        _run(_guard(table, f"fpd_reseal('{column}')"))


def downgrade() -> None:
    if _is_sqlite():
        for table in _SEALED:
            _run([f'DROP TRIGGER {table}_no_update', _sqlite(table)])
        return
    for table in _SEALED:
        _run(_guard(table, 'fpd_refuse()'))
    _run(['DROP FUNCTION fpd_reseal()', 'DROP FUNCTION fpd_unsealed(text)'])
