"""Triggers that refuse to change or delete what is only ever added, whoever asks.

Written without colons and percent signs, which a migration's runner would take for parameters.
"""

REFUSED = {
    "lms_statement": ("UPDATE", "DELETE"),
    "lms_audit": ("UPDATE", "DELETE"),
    # A completion's `review` may change; that it was completed may not go away.
    "lms_completion": ("DELETE",),
}
"""Table → what is refused on it."""

_FUNCTION = "lms_refuse_change"
_CREATE_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'restrict_violation',
        MESSAGE = TG_TABLE_NAME || ' is append-only, ' || TG_OP || ' is refused';
END
$body$
"""


def statements(dialect_name: str) -> list[str]:
    """The SQL that sets the triggers up on tables that exist; for "sqlite" or "postgresql"."""
    if dialect_name == "postgresql":
        return [
            _CREATE_FUNCTION,
            *(
                f"CREATE TRIGGER {_name(table, act)} BEFORE {act} ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {_FUNCTION}()"
                for table, act in _pairs()
            ),
        ]
    return [
        f"CREATE TRIGGER {_name(table, act)} BEFORE {act} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only, {act} is refused'); END"
        for table, act in _pairs()
    ]


def drop_statements(dialect_name: str) -> list[str]:
    """The SQL that takes them away again."""
    if dialect_name == "postgresql":
        drops = [
            f"DROP TRIGGER IF EXISTS {_name(table, act)} ON {table}" for table, act in _pairs()
        ]
        return [*drops, f"DROP FUNCTION IF EXISTS {_FUNCTION}()"]
    return [f"DROP TRIGGER IF EXISTS {_name(table, act)}" for table, act in _pairs()]


def _pairs() -> list[tuple[str, str]]:
    return [(table, act) for table, acts in REFUSED.items() for act in acts]


def _name(table: str, act: str) -> str:
    return f"{table}_no_{act.lower()}"
