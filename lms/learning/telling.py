"""What people are told by mail."""

from datetime import datetime
from typing import Any

from lms.i18n import words
from lms.learning.models import Completion
from lms.outbox import Task, promise


def tell_completion(state: Any, task: Task, now: datetime) -> None:
    """Promise the mail that says a course is completed; people without an address get none."""
    with state.db.transaction() as session:
        completion = session.get(Completion, task.payload["completion"])
        if completion is None:
            return
        person, course = completion.enrolment.person, completion.enrolment.run.course
        if not person.email:
            return
        say = words(person.locale or "ko")
        promise(
            session,
            "mail.send",
            key=f"completion:{completion.id}:mail",
            now=now,
            institution_id=completion.institution_id,
            to=person.email,
            subject=say.text("「{title}」 과정을 이수하셨습니다", title=course.title),
            body=say.text(
                "{name} 님, 「{title}」 과정을 이수하셨습니다. "
                "이수증은 내 기록에서 받으실 수 있습니다.",
                name=person.name,
                title=course.title,
            ),
        )
