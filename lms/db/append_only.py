"""Triggers that refuse to change or delete what is only ever added, whoever asks.

Written without colons and percent signs, which a migration's runner would take for parameters.
"""

from collections.abc import Mapping

REFUSED = {
    "lms_statement": ("UPDATE", "DELETE"),
    "lms_audit": ("UPDATE", "DELETE"),
    # A completion's `review` may change; that it was completed may not go away.
    "lms_completion": ("DELETE",),
}
"""Table → what is refused on it, of the first tables."""

REFUSED_OF_MEETINGS = {
    "lms_attendance_mark": ("UPDATE", "DELETE"),
    "lms_attendance_signature": ("UPDATE", "DELETE"),
    "lms_meeting_change": ("UPDATE", "DELETE"),
    "lms_seat_change": ("UPDATE", "DELETE"),
}

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


_Refused = Mapping[str, tuple[str, ...]]


def statements(dialect_name: str, refused: _Refused = REFUSED) -> list[str]:
    """The SQL that sets the triggers up on tables that exist; for "sqlite" or "postgresql"."""
    if dialect_name == "postgresql":
        return [
            _CREATE_FUNCTION,
            *(
                f"CREATE TRIGGER {_name(table, act)} BEFORE {act} ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {_FUNCTION}()"
                for table, act in _pairs(refused)
            ),
        ]
    return [
        f"CREATE TRIGGER {_name(table, act)} BEFORE {act} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only, {act} is refused'); END"
        for table, act in _pairs(refused)
    ]


def drop_statements(dialect_name: str) -> list[str]:
    """The SQL that takes all of them away again, also from tables that are gone."""
    every = {**REFUSED, **REFUSED_OF_MEETINGS}
    if dialect_name == "postgresql":
        drops = [
            f"DROP TRIGGER IF EXISTS {_name(table, act)} ON {table}" for table, act in _pairs(every)
        ]
        return [*drops, f"DROP FUNCTION IF EXISTS {_FUNCTION}()"]
    return [f"DROP TRIGGER IF EXISTS {_name(table, act)}" for table, act in _pairs(every)]


def _pairs(refused: _Refused) -> list[tuple[str, str]]:
    return [(table, act) for table, acts in refused.items() for act in acts]


def _name(table: str, act: str) -> str:
    return f"{table}_no_{act.lower()}"
