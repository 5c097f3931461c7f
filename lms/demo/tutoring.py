"""A desk with something on it: a run of many, silent and slow ones, questions, notices, nudges."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lms.demo import learning
from lms.demo.institutions import REASON, Made
from lms.learning.enrolling import enrol
from lms.learning.models import Activity, Enrolment, Run, Unit
from lms.people import service
from lms.people.models import Account, Person
from lms.tutoring import notes, notices, questions, templates, unwanted
from lms.tutoring.models import Nudge, NudgeTemplate

BIG = "school-violence"
FIRST, MANY = 360, 90
"""The big run's further learners: from which synthetic person on, and how many."""

_ASKED = (
    "2차시 영상이 14분에서 자꾸 멈춥니다. 다른 기기에서도 같습니다. 어떻게 하면 될까요?",
    "평가는 몇 번까지 볼 수 있습니까? 한 번 떨어졌습니다.",
    "12월에 휴직하는데 그 전에 이수증을 받을 수 있는지 궁금합니다.",
    "‘처음 기록하기’ 자료의 서식을 한글 파일로도 받을 수 있을까요?",
)
_ASKED_ELSEWHERE = "사례에 나온 선물 금액이 올해 바뀐 기준과 다른 것 같습니다. 확인해 주시겠습니까?"


def make(state: Any, made: Made, *, now: datetime) -> None:
    """Fill the desk of the demo's course manager."""
    if BIG not in made.runs:
        return
    for place in range(MANY):
        _learner(state, made, place, now)
    with state.db.transaction() as session:
        _addresses(session, made)
        managers = _look_after(session, made, now)
        run = session.get_one(Run, made.runs[BIG])
        if managers:
            _talk(session, run, managers[0], now)
            _told(session, made, run, managers[0], now)
            # A second one that is late, so that the desk has one left when the first is answered.
            other = session.get_one(Run, made.runs["anti-graft"])
            at = now - timedelta(days=2, hours=5)
            asker = _learners(session, other)[-1]
            questions.ask(session, asker, _ASKED_ELSEWHERE, activity_id=None, now=at)


def _learner(state: Any, made: Made, place: int, now: datetime) -> None:
    """One of the many: some done, most on the way, some silent, some not begun."""
    steps, ago = _WAYS[place % len(_WAYS)]
    with state.db.transaction() as session:
        person = session.scalar(
            select(Person).filter_by(institution_id=made.first.id, subject=f"demo-{FIRST + place}")
        )
        run = session.get_one(Run, made.runs[BIG])
        if person is None:
            return
        activities = session.scalars(
            select(Activity)
            .join(Unit, Unit.id == Activity.unit_id)
            .where(Unit.version_id == run.version_id)
            .order_by(Unit.position, Activity.position)
        ).all()[:steps]
        last = now - timedelta(days=ago + place % 2, hours=3 + place % 7)
        begun = last - timedelta(days=2 * len(activities) + 1)
        enrolment = enrol(session, state.hook, person, run, actor_id=person.id, now=begun)
        for number, activity in enumerate(activities, 1):
            at = last - timedelta(days=2 * (len(activities) - number))
            learning._do(session, state.hook, enrolment, activity, at, place)  # noqa: SLF001


_WAYS = (
    (99, 1), (5, 1), (4, 0), (99, 4), (3, 2), (6, 1), (99, 6), (2, 9), (5, 0), (99, 2),
    (0, 5), (4, 2), (99, 9), (3, 12), (6, 2), (99, 1), (1, 16), (99, 3), (4, 4), (0, 9),
)  # fmt: skip
"""Activities done, and days since the last of them."""


def _addresses(session: Session, made: Made) -> None:
    """Addresses that lead nowhere, so that there is somebody to write to."""
    people = select(Person.id).where(
        Person.institution_id == made.first.id, Person.subject.like("demo-%")
    )
    numbered = Person.subject.concat("@people.ieum.example")
    session.execute(
        update(Person)
        .where(Person.id.in_(people), Person.id.in_(select(Enrolment.person_id)))
        .values(email=numbered)
    )


def _look_after(session: Session, made: Made, now: datetime) -> list[int]:
    """The manager's and the instructor's roles, run by run."""
    found = []
    for login, role in (("manager", "course_manager"), ("instructor", "instructor")):
        person_id = session.scalar(
            select(Account.person_id).filter_by(institution_id=made.first.id, login=login)
        )
        if person_id is None:
            continue
        found.append(person_id)
        for slug in sorted(made.runs)[:: 1 if role == "course_manager" else 3]:
            service.grant(
                session,
                person_id,
                made.first.id,
                role,
                run_id=made.runs[slug],
                actor_id=None,
                now=now,
                reason=REASON,
            )
    # Somebody to hand a run over to.
    other = session.scalar(
        select(Person.id).filter_by(institution_id=made.first.id, subject="demo-9")
    )
    if other is not None:
        service.grant(
            session,
            other,
            made.first.id,
            "course_manager",
            actor_id=None,
            now=now,
            reason=REASON,
        )
    return found


def _learners(session: Session, run: Run) -> list[Enrolment]:
    query = select(Enrolment).where(Enrolment.run_id == run.id, Enrolment.completed_at.is_(None))
    return list(session.scalars(query.order_by(Enrolment.id)))


def _talk(session: Session, run: Run, manager: int, now: datetime) -> None:
    """Questions, one of them answered and one late; a call; a notice."""
    learners = _learners(session, run)
    for place, (text, enrolment) in enumerate(zip(_ASKED, learners[3:], strict=False)):
        at = now - timedelta(days=3 - place, hours=place)
        activity = session.get(Activity, enrolment.last_activity_id or 0)
        asked = questions.ask(
            session, enrolment, text, activity_id=activity.id if activity else None, now=at
        )
        if place == 1:
            questions.add(
                session,
                asked,
                "세 번까지 보실 수 있고, 가장 높은 점수가 남습니다. 두 번 남으셨습니다.",
                author_id=manager,
                now=at + timedelta(hours=4),
            )
    notes.add(
        session,
        run,
        [learners[0].id],
        kind="call",
        text="출장이 잦아 밀렸다고 하심. 이번 주말에 몰아서 듣기로 하심.",
        author_id=manager,
        now=now - timedelta(days=2),
    )
    notices.put_up(
        session,
        run,
        title="3차시 영상의 자막을 고쳤습니다",
        body="5분 20초부터 밀리던 것을 고쳤습니다. 이미 보신 분은 다시 보지 않으셔도 됩니다.",
        author_id=manager,
        now=now - timedelta(days=1),
    )


def _told(session: Session, made: Made, run: Run, manager: int, now: datetime) -> None:
    """What was sent in the last days, some of it to effect; one who wants no mail."""
    templates.settle(session, made.first.id)
    template = session.scalars(
        select(NudgeTemplate).filter_by(institution_id=made.first.id).order_by(NudgeTemplate.id)
    ).first()
    learners = [one for one in _learners(session, run) if one.last_act_at is not None]
    for place, enrolment in enumerate(learners[:18:2]):
        at = now - timedelta(days=4 + place % 6, hours=place)
        acted = enrolment.last_act_at
        session.add(
            Nudge(
                institution_id=made.first.id,
                run_id=run.id,
                enrolment_id=enrolment.id,
                person_id=enrolment.person_id,
                template_id=template.id if template else None,
                key=f"demo:{enrolment.id}",
                channel="mail",
                subject=f"「{run.course.title}」 이어서 하시겠어요?",
                body="지난번에 멈추신 곳부터 이어서 하실 수 있습니다.",
                actor_id=manager if place % 3 else None,
                at=at,
                due=at,
                ended_at=at,
                outcome="sent",
                acted_at=acted if acted and at < acted < at + timedelta(days=3) else None,
            )
        )
    quiet = session.get_one(Person, learners[1].person_id)
    unwanted.choose(session, quiet, ["mail"], actor_id=quiet.id, now=now, reason="본인이 고름")
    # Somebody learnt on two devices at once: for a person to look at.
    learners[2].overlapped_at = now - timedelta(days=1)
