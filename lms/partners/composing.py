"""What a school puts together before it asks: name, period, courses in order, people."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.errors import ConflictError, InvalidError, NotFoundError
from lms.learning.models import Course
from lms.partners.models import SchoolRequest
from lms.partners.school_runs import edited, note

MOST_COURSES = 20
MOST_PEOPLE = 1000
MOST_DAYS = 366
_TITLE, _MESSAGE = 80, 2000


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a school says of a programme beside its courses and people."""

    title: str
    learn_from: date
    learn_until: date
    message: str = ""


def draft(
    session: Session,
    told: Told,
    *,
    institution_id: int,
    organisation_id: int,
    actor_id: int,
    now: datetime,
) -> SchoolRequest:
    """A new request of the school, seen by nobody else yet. Raises InvalidError."""
    _check(told)
    request = SchoolRequest(
        institution_id=institution_id,
        organisation_id=organisation_id,
        asked_by=actor_id,
        title=told.title.strip(),
        message=told.message.strip(),
        courses=[],
        people=[],
        learn_from=told.learn_from,
        learn_until=told.learn_until,
        state="draft",
        made_at=now,
    )
    session.add(request)
    session.flush()  # the audit row names it
    note(session, request, "", "만듦", actor_id=actor_id, now=now)
    return request


def change(session: Session, request: SchoolRequest, told: Told, *, known: str) -> None:
    """Another name, message or period. `known`: the mark of what the writer had before them.

    Raises InvalidError, and ConflictError when it was changed meanwhile or was sent.
    """
    request = edited(session, request, known)
    _check(told)
    request.title, request.message = told.title.strip(), told.message.strip()
    request.learn_from, request.learn_until = told.learn_from, told.learn_until


def put_course(session: Session, request: SchoolRequest, course_id: int) -> None:
    """Add a course at the end; one that is there stays. Raises NotFoundError, ConflictError."""
    request = edited(session, request)
    if course_id in request.courses:
        return
    found = session.scalar(
        select(Course.id).where(
            Course.id == course_id,
            Course.institution_id == request.institution_id,
            Course.archived_at.is_(None),
            Course.delivery_mode == "self_paced",
        )
    )
    if found is None:
        raise NotFoundError("이런 과정이 없습니다. 과정 목록에서 다시 골라 주십시오.")
    if len(request.courses) >= MOST_COURSES:
        raise ConflictError("한 번에 {n}개 과정까지 담을 수 있습니다.", n=MOST_COURSES)
    request.courses = [*request.courses, course_id]


def drop_course(session: Session, request: SchoolRequest, course_id: int) -> None:
    request = edited(session, request)
    request.courses = [one for one in request.courses if one != course_id]


def shift_course(session: Session, request: SchoolRequest, course_id: int, *, by: int) -> None:
    """Move a course up (-1) or down (1); nothing at the ends."""
    request = edited(session, request)
    if course_id not in request.courses:
        return
    order = list(request.courses)
    place = order.index(course_id)
    to = min(max(place + by, 0), len(order) - 1)
    order.insert(to, order.pop(place))
    request.courses = order


def set_people(session: Session, request: SchoolRequest, person_ids: Sequence[int]) -> None:
    """These take part, each once. Raises ConflictError for more than a thousand."""
    request = edited(session, request)
    kept = list(dict.fromkeys(person_ids))
    if len(kept) > MOST_PEOPLE:
        raise ConflictError("한 번에 {n}명까지 고를 수 있습니다.", n=MOST_PEOPLE)
    request.people = kept


def _check(told: Told) -> None:
    if not told.title.strip():
        raise InvalidError("연수의 이름을 적어 주십시오.", field="title")
    if len(told.title.strip()) > _TITLE:
        raise InvalidError("연수의 이름은 {n}자까지 적을 수 있습니다.", field="title", n=_TITLE)
    if len(told.message.strip()) > _MESSAGE:
        raise InvalidError("전할 말은 {n}자까지 적을 수 있습니다.", field="message", n=_MESSAGE)
    if told.learn_until < told.learn_from:
        raise InvalidError(
            "끝나는 날이 시작하는 날보다 앞섭니다. 두 날을 고쳐 주십시오.", field="learn_until"
        )
    if told.learn_until - told.learn_from > timedelta(days=MOST_DAYS):
        raise InvalidError("기간은 한 해를 넘을 수 없습니다.", field="learn_until")
