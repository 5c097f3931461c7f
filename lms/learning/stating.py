"""How the LMS states what a learner did: one shape for every kind."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from lms.db import Prepared
from lms.errors import NotFoundError
from lms.learning.models import Activity, Course, Enrolment, Run
from lms.people.models import Institution, Person
from lms.xapi import building, vocabulary


@dataclass(frozen=True)
class Setting:
    """Whom and what an enrolment's statements are about."""

    institution_id: int
    zone: str
    """The institution's time zone."""

    home_page: str
    account_name: str
    registration: str
    course_id: int
    course_title: str


_SETTING = Prepared(
    select(
        Enrolment.institution_id,
        Institution.zone,
        Institution.home_page,
        Person.account_name,
        Enrolment.registration,
        Course.id,
        Course.title,
    )
    .join(Institution, Institution.id == Enrolment.institution_id)
    .join(Person, Person.id == Enrolment.person_id)
    .join(Run, Run.id == Enrolment.run_id)
    .join(Course, Course.id == Run.course_id)
    .where(Enrolment.id == bindparam("enrolment_id")),
    Setting,
)


def setting_of(session: Session, enrolment_id: int) -> Setting:
    """The setting of an enrolment's statements, asked once a session: nothing in it changes."""
    known: dict[int, Setting] = session.info.setdefault("lms_settings", {})
    if enrolment_id not in known:
        found = _SETTING.first(session, enrolment_id=enrolment_id)
        if found is None:
            raise NotFoundError("이런 수강이 없습니다. 오늘 화면에서 과정을 다시 골라 주십시오.")
        known[enrolment_id] = found
    return known[enrolment_id]


def activity_iri(home_page: str, activity_id: int) -> str:
    return f"{home_page.rstrip('/')}/activities/{activity_id}"


def course_iri(home_page: str, course_id: int) -> str:
    return f"{home_page.rstrip('/')}/courses/{course_id}"


def activity_of(home_page: str, iri: str | None) -> int | None:
    """The id in one of our activity IRIs; None for any other IRI."""
    head = f"{home_page.rstrip('/')}/activities/"
    if iri is None or not iri.startswith(head) or not iri[len(head) :].isdecimal():
        return None
    return int(iri[len(head) :])


def about_activity(
    setting: Setting,
    activity: Activity | Any,
    verb: str,
    *,
    activity_type: str,
    now: datetime,
    result: dict[str, Any] | None = None,
    extensions: dict[str, Any] | None = None,
    category: tuple[str, ...] = (),
    statement_id: str | None = None,
) -> bytes:
    """A statement «the learner VERB this activity, within this course and registration».

    `activity` needs `.id` and `.title`; `category`: IRIs of the profiles that it follows.
    """
    course = {
        "id": course_iri(setting.home_page, setting.course_id),
        "definition": {"name": {"ko": setting.course_title}, "type": vocabulary.TYPE_COURSE},
    }
    return building.statement(
        actor_home=setting.home_page,
        actor_name=setting.account_name,
        verb=verb,
        activity_id=activity_iri(setting.home_page, activity.id),
        activity_type=activity_type,
        activity_name={"ko": activity.title},
        registration=setting.registration,
        timestamp=now,
        result=result,
        context_activities={
            "parent": [course],
            **({"category": [{"id": iri} for iri in category]} if category else {}),
        },
        extensions=extensions,
        statement_id=statement_id,
    )


def about_course(setting: Setting, verb: str, *, now: datetime, result: dict[str, Any]) -> bytes:
    """A statement «the learner VERB this course», for what the LMS itself decides."""
    return building.statement(
        actor_home=setting.home_page,
        actor_name=setting.account_name,
        verb=verb,
        activity_id=course_iri(setting.home_page, setting.course_id),
        activity_type=vocabulary.TYPE_COURSE,
        activity_name={"ko": setting.course_title},
        registration=setting.registration,
        timestamp=now,
        result=result,
    )
