"""What people are told by mail when a run was closed: who did not complete, and their offices."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.i18n import formats, words
from lms.learning import rules
from lms.learning.models import Run
from lms.learning.running import results
from lms.outbox import Task, promise
from lms.people.models import Person, RoleGrant

BATCH = 100


def tell_results(state: Any, task: Task, now: datetime) -> None:
    """Promise a mail to each who did not complete, and to the officers of the schools concerned.

    Who completed heard of it then. Nothing once the run is open again: there will be new results.
    """
    after: results.Key | None = None
    while True:
        with state.db.transaction() as session:
            run = session.get_one(Run, task.payload["run"])
            if run.closed_at is None or run.closed_at.isoformat() != task.payload["closed_at"]:
                return
            found = results.listed(session, run, only="open", after=after, most=BATCH)
            for line in found[:BATCH]:
                _tell_learner(session, run, line, task.payload["closed_at"], now)
            if len(found) <= BATCH:
                _tell_offices(session, run, task.payload["closed_at"], now)
                return
        after = (found[BATCH - 1].name, found[BATCH - 1].id)


def _tell_learner(
    session: Session, run: Run, line: results.Line, closed_at: str, now: datetime
) -> None:
    person = session.get_one(Person, line.person_id)
    if not person.email or person.status in {"forgotten", "retired"}:
        return
    say, rule = words(person.locale or "ko").text, rules.parse(run.rule)
    first = say("「{title}」 {n}기가 마감되었고 이수하지 못하셨습니다.", **_named(run))
    why = {
        "never": say("학습한 기록이 없습니다."),
        "progress": say(
            "진도가 {has}%로 기준 {need}%에 모자랍니다.",
            has=line.progress_permille // 10,
            need=rule.progress_permille // 10,
        ),
        "untested": say("평가를 다 치르지 않으셨습니다."),
        "score": say(
            "점수가 {has}점으로 기준 {need}점에 모자랍니다.",
            has=f"{(line.score or 0) / 100:g}",
            need=f"{(rule.score_min or 0) / 100:g}",
        ),
    }[line.result]
    last = say("지금까지의 기록은 그대로 있습니다. 다르다고 보시면 담당자에게 문의해 주십시오.")
    promise(
        session,
        "mail.send",
        key=f"result:{line.id}:{closed_at}",
        now=now,
        institution_id=run.institution_id,
        to=person.email,
        subject=say("「{title}」 {n}기 결과를 알려 드립니다", **_named(run)),
        body=f"{first} {why}\n\n{last}",
    )


def _tell_offices(session: Session, run: Run, closed_at: str, now: datetime) -> None:
    """One mail to each school officer with the numbers of their school; names stay in the LMS."""
    counts = {row[0]: (row[2], int(row[3])) for row in results.offices(session, run)}
    officers = session.scalars(
        select(Person)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(
            RoleGrant.institution_id == run.institution_id,
            RoleGrant.role == "school_officer",
            RoleGrant.ended_at.is_(None),
            Person.organisation_id.in_(list(counts)),
            Person.status == "active",
            Person.email.is_not(None),
        )
    )
    for person in officers:
        enrolled, completed = counts[person.organisation_id or 0]
        locale = person.locale or "ko"
        say = words(locale).text
        promise(
            session,
            "mail.send",
            key=f"result:office:{run.id}:{person.id}:{closed_at}",
            now=now,
            institution_id=run.institution_id,
            to=person.email,
            subject=say("「{title}」 {n}기 결과를 알려 드립니다", **_named(run)),
            body=say(
                "{from_}부터 {until}까지 열린 「{title}」 {n}기에 귀교에서 {enrolled}명이 참여해 "
                "{completed}명이 이수했습니다.",
                from_=formats.day_full(run.learn_from, locale),
                until=formats.day_full(run.learn_until, locale),
                enrolled=enrolled,
                completed=completed,
                **_named(run),
            ),
        )


def _named(run: Run) -> dict[str, Any]:
    return {"title": run.course.title, "n": run.number}
