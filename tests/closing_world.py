"""A run near its end, its learners, and what the database is asked."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from lms.edge import State
from lms.learning import rules, service, stating
from lms.learning.models import (
    Enrolment,
    Run,
    RunChange,
)
from lms.people.models import AuditRow, Institution, Person
from lms.xapi import vocabulary as say
from tests import factories
from tests.factories import NOW

ZONE = "Asia/Seoul"
LATER = NOW + timedelta(days=40)
LAST = date(2026, 11, 30)


def world(
    session: Session, state: State, *units: list[dict[str, Any]], **more: Any
) -> tuple[Institution, Person, Run]:
    """An institution, its officer, and a run until 30 November."""
    home = factories.institution(session)
    officer = factories.person(session, home, "officer")
    course = factories.course(session, state.kinds, home, *units)
    score = (
        rules.LAW_SCORE_MIN
        if any(one["kind"] == "quiz" for unit in units for one in unit)
        else None
    )
    rule = rules.RuleSet(score_min=score, ordered=False)
    return home, officer, factories.run(session, course, rule, learn_until=LAST, **more)


def reads(session: Session, state: State, enrolment: Enrolment) -> None:
    (page,) = [one for one in factories.activities(session, enrolment) if one.kind == "page"]
    said = stating.about_activity(
        stating.setting_of(session, enrolment.id),
        page,
        say.EXPERIENCED,
        activity_type=say.TYPE_PAGE,
        now=NOW,
        result={"completion": True},
    )
    service.record(session, state.hook, enrolment.id, page.id, [said], now=NOW)


def scores(session: Session, state: State, enrolment: Enrolment, points: int) -> None:
    (quiz,) = [one for one in factories.activities(session, enrolment) if one.kind == "quiz"]
    said = stating.about_activity(
        stating.setting_of(session, enrolment.id),
        quiz,
        say.PASSED if points >= 60 else say.FAILED,
        activity_type=say.TYPE_ASSESSMENT,
        now=NOW,
        result={
            "completion": True,
            "success": points >= 60,
            "score": {"scaled": points / 100, "raw": points, "min": 0, "max": 100},
        },
    )
    service.record(session, state.hook, enrolment.id, quiz.id, [said], now=NOW)


def asked_of(state: State) -> list[str]:
    """What is asked of the database, one by one."""
    asked: list[str] = []

    def listen(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    for engine in {id(one): one for one in (state.db.engine, state.db.reader)}.values():
        event.listen(engine, "before_cursor_execute", listen)
    return asked


def everything(session: Session) -> tuple[Any, Any]:
    return session.scalars(select(RunChange)).all(), session.scalars(select(AuditRow.id)).all()
