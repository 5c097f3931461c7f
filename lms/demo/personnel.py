"""The personnel side of the demo: posts with a history, a sheet that waits, a month reviewed."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from lms import clock
from lms.demo.institutions import Made
from lms.people import audit, auditing, intake, posts
from lms.people.hr_import import planned, rows_of
from lms.people.models import Institution, Person
from lms.people.posts import Facts, Told
from lms.people.sealing import Sealer
from lms.sheets import writing

_WITH_HISTORY = 150
_HEAD = ("나이스개인번호", "성명", "생년월일", "학교(기관)이름", "교직원구분", "직급", "발령일")


def build(state: Any, made: Made, *, now: datetime) -> None:
    """Add the history of some people, an unconfirmed sheet and last month's review."""
    home = made.first
    with state.db.transaction() as session:
        people = list(
            session.scalars(
                select(Person)
                .where(Person.institution_id == home.id, Person.status != "retired")
                .options(joinedload(Person.organisation))
                .order_by(Person.id)
                .limit(_WITH_HISTORY)
            )
        )
        _post(session, home, made.organisations[home.id], people, now)
    with state.db.transaction() as session:
        _sheet(session, Sealer(state.settings.encryption_key()), home, people, now)
        _review(session, home, people[0].id, now)


def _post(
    session: Session, home: Institution, places: list[int], people: list[Person], now: datetime
) -> None:
    today = clock.local_day(now, home.zone)
    spring = date(today.year - (today.month < 3), 3, 1)
    told = {}
    for number, person in enumerate(people):
        is_now = posts.of_person(person)
        before = Facts(
            places[number % len(places)],
            is_now.staff_category,
            is_now.rank,
            is_now.occupation,
            "active",
        )
        acts = [
            Told(spring.replace(year=spring.year - 4), before, "joined"),
            Told(spring, Facts(**{**vars(is_now), "status": "active"}), "transfer"),
        ]
        if is_now.status == "leave":
            acts.append(Told(spring + timedelta(days=120), is_now, "leave"))
        told[person.id] = acts
    posts.tell(
        session,
        told,
        institution_id=home.id,
        zone=home.zone,
        actor_id=None,
        now=now,
        why="인사 자료 반영",
        just_made=told.keys(),
    )


def _sheet(
    session: Session, sealer: Sealer, home: Institution, people: list[Person], now: datetime
) -> None:
    """As an officer would have it: some as they are, some changed, three that want mending."""
    rows: list[tuple[object, ...]] = []
    for number, person in enumerate(people[:12]):
        neis = sealer.open(person.neis_sealed or "")
        school = person.organisation.name if person.organisation else ""
        rank = "교감" if number == 3 and person.staff_category == "teacher" else person.rank
        rows.append((neis, person.name, "", school, "", rank, ""))
    rows += [
        ("B10123456", "나새로", "1994-05-06", rows[0][3], "교원", "교사", ""),
        ("", "도하늘", "1991-13-01", rows[0][3], "교원", "교사", ""),
        ("B108888881", "라온유", "1996-02-03", "없는초등학교", "교원", "교사", ""),
        ("B108888882", "마루한", "1997-08-09", rows[0][3], "교원", "교사", ""),
    ]
    data = b"".join(writing.csv_lines(_HEAD, rows))
    name, on = "3월 인사.csv", clock.local_day(now, home.zone)
    told = intake.summary(planned(session, sealer, home.id, rows_of(name, data, on), on))
    intake.keep(
        session,
        sealer,
        institution_id=home.id,
        actor_id=people[0].id,
        purpose="people",
        name=name,
        data=data,
        rows=told,
        now=now,
    )


def _review(session: Session, home: Institution, actor_id: int, now: datetime) -> None:
    first = clock.local_day(now, home.zone).replace(day=1)
    month = (first - timedelta(days=40)).replace(day=1)
    audit.write(
        session,
        institution_id=home.id,
        actor_id=actor_id,
        act=auditing.REVIEW,
        subject="access_log",
        subject_id=month.year * 100 + month.month,
        reason="업무와 상관없는 열람 없음",
        now=now,
        month=f"{month:%Y-%m}",
        rows=0,
    )
