"""Who may do what with attempts at a quiz."""

from typing import Any

from lms.permissions import Permission


def _own_attempt(actor: Any, attempt: Any) -> bool:
    return (
        actor is not None
        and attempt is not None
        and bool(attempt.enrolment.person_id == actor.person_id)
    )


ANSWER = Permission("quiz:answer", _own_attempt, sees=_own_attempt)
