"""What people are told by mail of their places in runs."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from lms.i18n import formats, words
from lms.learning.models import Enrolment, Run, RunChange, Waiting
from lms.outbox import Task, promise
from lms.people.models import Person

CAME_IN = {
    "waiting": "기다리시던 「{title}」 {n}기에 자리가 나서 등록되었습니다.",
    "school": "학교에서 신청한 「{title}」 {n}기에 등록되었습니다.",
}
_BY_OTHERS = "「{title}」 {n}기에 등록되었습니다."
_PERIOD = (
    "학습 기간은 {from_}부터 {until}까지입니다. 들으실 수 없으면 과정 화면에서 취소해 주십시오."
)


def tell_place(state: Any, task: Task, now: datetime) -> None:
    """Somebody got a seat without asking for it at that moment."""
    with state.db.transaction() as session:
        enrolment = session.get(Enrolment, task.payload["enrolment"])
        if enrolment is None or enrolment.state != "enrolled":
            return
        run, person = enrolment.run, enrolment.person
        locale = person.locale or "ko"
        say = words(locale).text
        first = say(CAME_IN.get(enrolment.source, _BY_OTHERS), **_named(run))
        second = say(
            _PERIOD,
            from_=formats.day_full(run.learn_from, locale),
            until=formats.day_full(run.learn_until, locale),
        )
        subject = say("「{title}」 {n}기에 등록되었습니다", **_named(run))
        key = f"enrolment:{enrolment.id}:place:mail"
        _mail(session, person, key, subject, f"{first}\n\n{second}", now)


def tell_lapsed(state: Any, task: Task, now: datetime) -> None:
    """Somebody's waiting came to nothing."""
    with state.db.transaction() as session:
        waiting = session.get(Waiting, task.payload["number"])
        if waiting is None or waiting.outcome != "lapsed":
            return
        run = session.get_one(Run, waiting.run_id)
        person = session.get_one(Person, waiting.person_id)
        say = words(person.locale or "ko").text
        subject = say("「{title}」 {n}기의 대기가 끝났습니다", **_named(run))
        body = say(
            "「{title}」 {n}기에서 자리를 드리지 못하고 대기가 끝났습니다. "
            "기수가 끝났거나 대상 조건이 달라졌습니다. 다음 기수를 확인해 주십시오.",
            **_named(run),
        )
        _mail(session, person, f"waiting:{waiting.id}:lapsed:mail", subject, body, now)


def tell_cancelled(state: Any, task: Task, now: datetime) -> None:
    """A run was called off: everybody who was in it hears why, each by a promise of their own."""
    with state.db.transaction() as session:
        run = session.get_one(Run, task.payload["number"])
        reason = session.scalars(
            select(RunChange.reason)
            .where(RunChange.run_id == run.id, RunChange.after == "cancelled")
            .order_by(RunChange.id.desc())
            .limit(1)
        ).first()
        inside = session.scalars(
            select(Enrolment)
            .where(
                Enrolment.run_id == run.id,
                Enrolment.state == "enrolled",
                Enrolment.completed_at.is_(None),
            )
            .options(joinedload(Enrolment.person))
        )
        for one in inside:
            say = words(one.person.locale or "ko").text
            subject = say("「{title}」 {n}기가 취소되었습니다", **_named(run))
            body = say(
                "등록하신 「{title}」 {n}기가 취소되었습니다. 까닭: {reason}",
                reason=reason or "",
                **_named(run),
            )
            _mail(session, one.person, f"enrolment:{one.id}:cancelled:mail", subject, body, now)


def _named(run: Run) -> dict[str, Any]:
    return {"title": run.course.title, "n": run.number}


def _mail(
    session: Session, person: Person, key: str, subject: str, body: str, now: datetime
) -> None:
    """Nothing to somebody without an address, or who is gone."""
    if not person.email or person.status in {"forgotten", "retired"}:
        return
    promise(
        session,
        "mail.send",
        key=key,
        now=now,
        institution_id=person.institution_id,
        to=person.email,
        subject=subject,
        body=body,
    )
