"""What schools and the institute are told by mail of a request."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.i18n import formats, words
from lms.outbox import Task, promise
from lms.partners.models import SchoolRequest
from lms.people.models import Person, RoleGrant

OFFICE = ("officer", "institution_admin")

_SUBJECTS = {
    "asked": "{school}에서 연수를 신청했습니다: {title}",
    "withdrawn": "{school}에서 연수 신청을 거두었습니다: {title}",
    "sent_back": "연수 신청을 고쳐서 다시 보내 주십시오: {title}",
    "approved": "연수 신청이 승인되었습니다: {title}",
}
_BODIES = {
    "asked": (
        "{school}에서 과정 {courses}개, 사람 {people}명, {from_}부터 {until}까지의 연수를 "
        "신청했습니다. 학교 연수 화면에서 살펴보고 승인하거나 돌려보내 주십시오."
    ),
    "withdrawn": "{school}에서 보낸 신청을 거두었습니다. 하실 일은 없습니다.",
    "sent_back": "연수원에서 신청을 돌려보냈습니다. 고칠 것: {reason}",
    "approved": (
        "과정 {courses}개가 열렸습니다. 기간은 {from_}부터 {until}까지이고, 선생님들께는 따로 "
        "알려 드렸습니다. 진도는 학교 연수 화면에서 보실 수 있습니다."
    ),
}


def tell(state: Any, task: Task, now: datetime) -> None:
    """Promise the mails of one step: to the institute's officers, or to the school's.

    Nothing where the request has moved on since: the later step tells its own news.
    """
    step = task.payload["step"]
    with state.db.transaction() as session:
        request = session.get(SchoolRequest, task.payload["request"])
        if request is None or request.state != step:
            return
        for person in _hearers(session, request, step):
            locale = person.locale or "ko"
            say, told = words(locale).text, _told(request, locale)
            promise(
                session,
                "mail.send",
                key=f"{task.key}:{person.id}",
                now=now,
                institution_id=request.institution_id,
                to=person.email,
                subject=say(_SUBJECTS[step], **told),
                body=say(_BODIES[step], **told),
            )


def _hearers(session: Session, request: SchoolRequest, step: str) -> Sequence[Person]:
    """Who hears of a step, each once: those with an address who hold the role now."""
    roles = OFFICE if step in {"asked", "withdrawn"} else ("school_officer",)
    query = (
        select(Person)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(
            Person.institution_id == request.institution_id,
            Person.status == "active",
            Person.email.is_not(None),
            RoleGrant.role.in_(roles),
            RoleGrant.ended_at.is_(None),
        )
        .order_by(Person.id)
    )
    if step not in {"asked", "withdrawn"}:
        query = query.where(Person.organisation_id == request.organisation_id)
    return session.scalars(query).unique().all()


def _told(request: SchoolRequest, locale: str) -> dict[str, Any]:
    return {
        "school": request.organisation.name,
        "title": request.title,
        "courses": len(request.courses),
        "people": len(request.people),
        "from_": formats.day_full(request.learn_from, locale),
        "until": formats.day_full(request.learn_until, locale),
        "reason": request.reason or "",
    }
