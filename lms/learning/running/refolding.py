"""Many enrolments of one run folded anew from their statements, as proof.refold does with one."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.learning import rules, stating
from lms.learning.facts import ActivityFacts
from lms.learning.folding import fold
from lms.learning.models import Activity, Enrolment, Run, Unit
from lms.people.models import Institution
from lms.xapi import store


def refold(session: Session, run: Run, rows: Sequence[Enrolment]) -> dict[int, list[ActivityFacts]]:
    """Enrolment → its facts from the statements alone: two queries, whatever the number."""
    rule, fresh = rules.parse(run.rule), _fresh(session, run)
    home_page = session.scalars(
        select(Institution.home_page).where(Institution.id == run.institution_id)
    ).one()
    whose = {one.registration.lower(): one.id for one in rows}
    facts = {one.id: dict(fresh) for one in rows}
    for said in store.of_registrations(session.connection(), run.institution_id, list(whose)):
        own = facts[whose[said.registration or ""]]
        activity_id = stating.activity_of(home_page, said.activity)
        if activity_id in own:
            own[activity_id] = fold(
                own[activity_id],
                verb=said.verb,
                raw=said.raw,
                statement_id=said.statement_id,
                stored=said.stored,
                threshold=rule.progress_permille,
            )
    return {key: list(own.values()) for key, own in facts.items()}


def _fresh(session: Session, run: Run) -> dict[int | None, ActivityFacts]:
    rows = session.execute(
        select(
            Activity.id,
            Unit.position,
            Activity.kind,
            Activity.role,
            Activity.title,
            Activity.weight_ms,
        )
        .join(Unit, Unit.id == Activity.unit_id)
        .where(Unit.version_id == run.version_id)
        .order_by(Unit.position, Activity.position)
    )
    return {
        id_: ActivityFacts(
            activity_id=id_, unit=unit, kind=kind, role=role, title=title, weight_ms=weight_ms
        )
        for id_, unit, kind, role, title, weight_ms in rows
    }
