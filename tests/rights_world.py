"""Two institutions full of rows that somebody owns, with words planted that must not travel."""

import secrets
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from flask import Flask
from sqlalchemy.orm import Session

from assessments import service as quizzes
from content import reading_acts
from lms import clock
from lms.classroom import rules as attendance_rules
from lms.classroom.models import JoinLink, Meeting, MeetingBlock, MeetingWaiting, Room, Seat
from lms.credentials.models import Certificate
from lms.edge import State
from lms.learning import rules
from lms.learning.models import (
    Completion,
    CompletionReview,
    Course,
    Enrolment,
    LearningSession,
    Nomination,
    Run,
    RunTemplate,
    Waiting,
)
from lms.learning.running.templates import Template
from lms.partners.models import SchoolRequest
from lms.people import accounts, intake, registering, service, sign_ins
from lms.people.actor import Actor
from lms.people.models import Institution, Intake, Person, SignIn
from lms.people.sealing import Sealer
from lms.permissions import ROLES
from lms.sheets import writing
from lms.tutoring.models import Notice, Nudge, Question, SavedView
from lms.xapi import credentials, forwards
from lms.xapi.models import Statement
from tests import factories, people_world

ANONYMOUS = "anonymous"
WHO = (*ROLES, ANONYMOUS)


@dataclass
class Owned:
    """The rows about one person, by id."""

    person: Person
    course: int
    enrolment: int
    quiz: int
    page: int
    attempt: int
    completion: int
    review: int
    """Of the completion, not yet decided."""

    certificate: int
    code: str
    sign_in: int
    token: str
    """Of the learning session."""

    number: str
    run: int
    request: int
    """A school run asked for by the person's school."""

    sheet: int
    """Of people, uploaded by the person and not confirmed."""

    waiting: int
    nomination: int
    run_template: int
    run_sheet: int
    """A sheet of people for the run, not yet confirmed."""

    statement: str
    """By the person, as its UUID."""

    credential: int
    """Of the person's institution."""

    forward: int
    """Another record store that the institution sends to."""

    desk: dict[str, int] = field(default_factory=dict)
    """At the desk about the person: question, nudge, notice; a filter of their own: view."""

    classroom: dict[str, Any] = field(default_factory=dict)
    """A room and a meeting of the run in it; the person's seat and place on a list; the token of
    their way in."""


@dataclass
class World:
    """`mine` is where everybody works; of `theirs` nobody there may hear."""

    mine: Institution
    theirs: Institution
    actors: dict[str, Person] = field(default_factory=dict)
    owned: dict[str, Owned] = field(default_factory=dict)
    """By role: the actor's own rows; «someone» of mine; «other» of theirs."""

    credential: tuple[str, str] = ("", "")
    """Of mine, to read every statement."""

    theirs_words: dict[str, str] = field(default_factory=dict)
    someone_words: dict[str, str] = field(default_factory=dict)


PERSONAL = {
    "someone": {
        "name": "남궁카나리",
        "email": "someone@canary.example",
        "birth": date(1961, 7, 13),
        "neis": "B108765432",
    },
    "other": {
        "name": "독고카나리",
        "email": "other@canary.example",
        "birth": date(1958, 10, 29),
        "neis": "C107654321",
    },
}


def build(app: Flask) -> World:
    """The world, written in one transaction."""
    state: State = app.extensions["lms"]
    now = clock.now() - timedelta(hours=1)
    with state.db.transaction() as session:
        world = World(
            factories.institution(session, "MINE"),
            factories.institution(
                session,
                "CANARY",
                name="카나리 다른연수원",
                short_name="카나리다른",
                home_page="https://canary-institution.example",
            ),
        )
        mine = courses(session, state, world.mine, "우리")
        theirs = courses(session, state, world.theirs, "카나리남의")
        for role in ROLES:
            person = factories.person(session, world.mine, created_at=now)
            if role != "learner":
                run_id = mine[0].id if role == "course_manager" else None
                service.grant(
                    session,
                    person.id,
                    world.mine.id,
                    role,
                    run_id=run_id,
                    actor_id=None,
                    now=now,
                    reason="시험",
                )
            accounts.open_account(
                session,
                person,
                f"login-{role}",
                password_hash=people_world.hashed(),
                actor_id=None,
                now=now,
                reason="시험",
            )
            world.actors[role] = person
            world.owned[role] = own(session, state, person, mine, now)
        for key, home, runs in (("someone", world.mine, mine), ("other", world.theirs, theirs)):
            person = sealed(session, state, home, key, now)
            world.owned[key] = own(session, state, person, runs, now)
        made, secret = credentials.make(
            session, world.mine.id, "분석", ["statements/read"], now=now
        )
        world.credential = made.username, secret
    world.someone_words = words_of("someone", world.owned["someone"])
    world.theirs_words = words_of("other", world.owned["other"]) | {
        "institution": "카나리 다른연수원",
        "short name": "카나리다른",
        "home page": "canary-institution.example",
        "course, unit, activity, page": "카나리남의",
        "organisation": "카나리other학교",
    }
    return world


def words_of(key: str, rows: Owned) -> dict[str, str]:
    told = PERSONAL[key]
    born: Any = told["birth"]
    return {
        "name": str(told["name"]),
        "email": str(told["email"]),
        "neis": str(told["neis"]),
        "birth": f"{born:%Y-%m-%d}",
        "birth in digits": f"{born:%Y%m%d}",
        "birth with dots": f"{born.year}. {born.month}. {born.day}.",
        "birth with tight dots": f"{born:%Y.%m.%d}",
        "account": rows.person.account_name,
        "device": f"Canary {key}",
        "session": rows.token,
        "number": rows.number,
    }


def sealed(session: Session, state: State, home: Institution, key: str, now: datetime) -> Person:
    told: Any = PERSONAL[key]
    sealer = Sealer(state.settings.encryption_key())
    number, mark = registering.seal_neis(sealer, told["neis"])
    return factories.person(
        session,
        home,
        name=told["name"],
        email=told["email"],
        account_name=f"account-canary-{key}",
        birth_date_sealed=registering.seal_birth_date(sealer, told["birth"]),
        neis_sealed=number,
        neis_mark=mark,
        organisation_id=factories.organisation(session, home, f"카나리{key}학교").id,
        created_at=now,
    )


def courses(session: Session, state: State, home: Institution, word: str) -> tuple[Run, Run]:
    """Runs of a course with a page and a quiz, and of one with a page alone."""
    page = {
        "kind": "page",
        "title": f"{word} 읽기",
        "config": {"body": f"<p>{word} 글</p>", "min_seconds": 0},
    }
    quiz = {**factories.QUIZ, "title": f"{word} 평가"}
    runs = []
    for units in ([page, quiz], [page]):
        course: Course = factories.course(session, state.kinds, home, *[[one] for one in units])
        course.title = f"{word} 과정 {len(units)}"
        course.summary = f"{word} 요약"
        course.versions[-1].units[0].title = f"{word} 차시"
        rule = rules.RuleSet(score_min=None, ordered=False, score_opens_permille=0)
        runs.append(factories.run(session, course, rule))
    return runs[0], runs[1]


def own(
    session: Session, state: State, person: Person, runs: tuple[Run, Run], now: datetime
) -> Owned:
    """Rows of every kind about the person."""
    begun = factories.enrolment(session, state.hook, person, runs[0], now=now)
    page, quiz = factories.activities(session, begun)
    attempt = quizzes.begin(session, state.hook, begun, quiz, actor=actor(person), now=now)
    done = factories.enrolment(session, state.hook, person, runs[1], now=now)
    (only,) = factories.activities(session, done)
    reading_acts.launch(session, state.hook, done.id, only, now=now)
    reading_acts.view(session, state.hook, done, only, now=now)
    completion = session.query(Completion).filter_by(enrolment_id=done.id).one()
    certificate = session.query(Certificate).filter_by(completion_id=completion.id).one()
    sign_in = factories.kept(
        session,
        SignIn(
            institution_id=person.institution_id,
            person_id=person.id,
            token_hash=service.token_hash(sign_ins.new_token()),
            device=device_of(person),
            address="203.0.113.9",
            created_at=now,
            seen_at=now,
        ),
    )
    learning = learn_here(session, person, begun, page.id, now)
    statement = session.query(Statement).filter_by(registration=done.registration)[0]
    return Owned(
        person,
        runs[0].course_id,
        begun.id,
        quiz.id,
        page.id,
        attempt.id,
        completion.id,
        reviewed(session, completion, now).id,
        certificate.id,
        certificate.code,
        sign_in.id,
        learning.token,
        certificate.number,
        runs[0].id,
        asked(session, person, runs[0], now).id,
        sheet(session, state, person, now).id,
        **about_run(session, state, person, runs[0], now),
        statement=statement.statement_id,
        forward=forwards.make(
            session,
            Sealer(state.settings.encryption_key()),
            person.institution_id,
            name=f"저장소 {person.id}",
            url="https://store.example/xapi",
            username="u",
            secret="s",
            reason="시험",
            now=now,
        ).id,
        credential=credentials.make(
            session, person.institution_id, "자격", ["statements/write"], now=now
        )[0].id,
        desk=at_the_desk(session, person, begun, now),
        classroom=in_class(session, person, begun, now),
    )


def in_class(
    session: Session, person: Person, enrolment: Enrolment, now: datetime
) -> dict[str, Any]:
    """Two meetings of the run: the person has a seat at one and waits for the other."""
    home = {"institution_id": person.institution_id}
    about = {**home, "person_id": person.id, "enrolment_id": enrolment.id}
    start = now + timedelta(days=3)
    room = factories.kept(
        session,
        Room(**home, building="본관", name=f"{person.id}호", capacity=30, equipment=[]),
    )
    first, second = (
        factories.kept(
            session,
            Meeting(
                **home,
                run_id=enrolment.run_id,
                title="모임",
                kind="classroom",
                state="open",
                room_id=room.id,
                capacity=1,
                starts_at=start,
                ends_at=start + timedelta(hours=2),
                rule=attendance_rules.frozen(attendance_rules.AttendanceRule()),
                uid=f"{person.id}-{n}",
                changed_at=now,
                blocks=[MeetingBlock(**home, starts_at=start, ends_at=start + timedelta(hours=2))],
            ),
        )
        for n in range(2)
    )
    rows = (
        Seat(
            **about,
            meeting_id=first.id,
            state="confirmed",
            seat_no=1,
            source="self",
            since=now,
        ),
        MeetingWaiting(**about, meeting_id=second.id, at=now),
        JoinLink(
            **home,
            meeting_id=first.id,
            person_id=person.id,
            token=f"token-{person.id}",
            participant="A",
            url="https://live.example/",
            made_at=now,
        ),
    )
    seat, waits, link = (factories.kept(session, one) for one in rows)
    return {
        "room": room.id,
        "meeting": first.id,
        "seat": seat.id,
        "waiting": waits.id,
        "token": link.token,
    }


def reviewed(session: Session, completion: Completion, now: datetime) -> CompletionReview:
    """A statement that the completion leans on was voided."""
    gone = {"target": "t", "voided_by": "v", "authority": "a", "at": now.isoformat()}
    row: CompletionReview = factories.kept(
        session,
        CompletionReview(
            institution_id=completion.institution_id,
            completion_id=completion.id,
            statements=[gone],
            opened_at=now,
        ),
    )
    return row


def at_the_desk(
    session: Session, person: Person, enrolment: Enrolment, now: datetime
) -> dict[str, int]:
    """What those who look after the run have about the person, and a filter of the person's."""
    about = {"institution_id": person.institution_id, "run_id": enrolment.run_id, "at": now}
    learner = {"enrolment_id": enrolment.id, "person_id": person.id}
    message = {"subject": "제목", "body": "글", "channel": "mail", "outcome": "queued"}
    rows = {
        "question": Question(**about, **learner, text="물음"),
        "nudge": Nudge(**about, **learner, **message, key=f"k{enrolment.id}", due=now),
        "notice": Notice(**about, author_id=person.id, title="제목", body="글"),
        "view": SavedView(
            institution_id=person.institution_id,
            person_id=person.id,
            page="desk.run",
            name="거르기",
            query="show=all",
            at=now,
        ),
    }
    return {name: factories.kept(session, row).id for name, row in rows.items()}


def about_run(
    session: Session, state: State, person: Person, run: Run, now: datetime
) -> dict[str, int]:
    """What an office keeps of somebody and a run."""
    same: dict[str, Any] = {"institution_id": person.institution_id}
    place = same | {"run_id": run.id, "person_id": person.id, "at": now}
    sheet = intake.keep(
        session,
        Sealer(state.settings.encryption_key()),
        **same,
        actor_id=person.id,
        purpose="enrolments",
        subject_id=run.id,
        name="명단.csv",
        data="성명\n아무개\n".encode(),
        rows=[],
        now=now,
    )
    template = RunTemplate(**same, name=f"양식 {person.id}", told=msgspec.to_builtins(Template()))
    return {
        "waiting": factories.kept(session, Waiting(**place)).id,
        "nomination": factories.kept(session, Nomination(**place, number=None)).id,
        "run_template": factories.kept(session, template).id,
        "run_sheet": sheet.id,
    }


def asked(session: Session, person: Person, run: Run, now: datetime) -> SchoolRequest:
    """What the person's school has asked of the institute; a school officer belongs to it."""
    home = session.get_one(Institution, person.institution_id)
    school_id = person.organisation_id or factories.organisation(session, home).id
    if any(grant.role == "school_officer" for grant in service.roles(session, person.id)):
        person.organisation_id = school_id
    row: SchoolRequest = factories.kept(
        session,
        SchoolRequest(
            institution_id=person.institution_id,
            organisation_id=school_id,
            asked_by=person.id,
            title="학교 연수",
            courses=[run.course_id],
            people=[person.id],
            learn_from=now.date(),
            learn_until=now.date() + timedelta(days=30),
            state="asked",
            made_at=now,
            asked_at=now,
        ),
    )
    return row


def sheet(session: Session, state: State, person: Person, now: datetime) -> Intake:
    lines = writing.csv_lines(["성명", "생년월일"], [["새사람", "1990-01-05"]])
    return intake.keep(
        session,
        Sealer(state.settings.encryption_key()),
        institution_id=person.institution_id,
        actor_id=person.id,
        purpose="people",
        name="인사.csv",
        data=b"".join(lines),
        rows=[],
        now=now,
    )


def device_of(person: Person) -> str:
    found = [key for key, told in PERSONAL.items() if told["name"] == person.name]
    return f"Canary {found[0]}" if found else "Android · Chrome"


def learn_here(
    session: Session, person: Person, enrolment: Enrolment, activity_id: int, now: datetime
) -> LearningSession:
    row: LearningSession = factories.kept(
        session,
        LearningSession(
            institution_id=person.institution_id,
            person_id=person.id,
            token=secrets.token_urlsafe(24),
            device=device_of(person),
            enrolment_id=enrolment.id,
            activity_id=activity_id,
            started_at=now,
            seen_at=now,
            credited_at=now,
            mono_ms=0,
            boot="",
        ),
    )
    return row


def actor(person: Person) -> Actor:
    return Actor(
        person_id=person.id,
        institution_id=person.institution_id,
        name=person.name,
        account_name=person.account_name,
        home_page="",
        zone="Asia/Seoul",
        institution_name="",
        institution_short="",
        institution_settings={},
        organisation=None,
        rank=None,
        locale=None,
        theme="",
        roles=frozenset({"learner"}),
    )
