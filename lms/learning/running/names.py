"""What people call a run, where rooms below have only its id."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.learning.models import Course, Run

_NOT_OVER = ("planned", "open", "running")
_MOST = 500


def named(session: Session, institution_id: int, run_ids: list[int] | None) -> dict[int, str]:
    """Runs of the institution by id, as «course 2026-3기»; those that are not over when None."""
    query = (
        select(Run.id, Run.year, Run.number, Run.name, Course.title)
        .join(Course, Course.id == Run.course_id)
        .where(Run.institution_id == institution_id)
        .order_by(Course.title, Run.year.desc(), Run.number.desc())
        .limit(_MOST)
    )
    query = query.where(Run.state.in_(_NOT_OVER) if run_ids is None else Run.id.in_(run_ids))
    return {
        row.id: f"{row.title} {row.year}-{row.number}기" + (f" · {row.name}" if row.name else "")
        for row in session.execute(query)
    }
