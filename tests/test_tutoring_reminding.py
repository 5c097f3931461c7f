"""Letters by rule: one a person a day, in silence and by night; not wanting them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from lms.edge import State
from lms.learning.models import Enrolment, Run
from lms.outbox import Task
from lms.people.models import AuditRow, Person
from lms.tutoring import (
    reminding,
    sending,
    templates,
    unwanted,
    wording,
)
from lms.tutoring.models import Nudge, NudgeTemplate
from tests import factories
from tests.factories import NOW
from tests.nudges_world import DAY, build, confirm, keep, mails, nudges
from tests.tutoring_world import World


@pytest.fixture
def world(state: State) -> World:
    return build(state)


# By rule


def remind(state: State, now: datetime) -> None:
    reminding.hourly(state, now)
    lately = now - 3 * DAY
    keep(state, now, "tutoring.remind", made_after=lately)
    keep(state, now, "tutoring.send_digest", made_after=lately)


def test_rules_write_one_mail_a_person_a_day_over_all_their_runs(
    state: State, world: World
) -> None:
    with state.db.transaction() as session:
        other = World(session, state)
        other.home = world.home
        session.execute(
            update(Run).where(Run.id == other.run.id).values(institution_id=world.home.id)
        )
        first = session.scalars(select(Enrolment).filter_by(run_id=world.run.id)).first()
        both = session.get_one(Person, first.person_id)
        other.run.institution_id = world.home.id
        other.learner(session, person=both, last_act_at=NOW - 8 * DAY)
        other.learner(session, who={"name": "학습함"}, last_act_at=NOW - DAY)
    remind(state, NOW)
    sent = mails(state)
    assert sorted(one["subject"] for one in sent) == [
        f"「{world.title}」 이어서 하시겠어요?",
        "이어서 하실 과정이 2개 있습니다",
    ]
    both_of = next(one for one in sent if "2개" in one["subject"])
    assert (world.title in both_of["body"], other.title in both_of["body"]) == (
        True,
        True,
    )
    remind(state, NOW + timedelta(hours=1))
    remind(state, NOW + DAY)
    assert len(mails(state)) == 2


def test_a_silence_is_mentioned_again_after_as_long_again(state: State, world: World) -> None:
    for day in range(40):
        remind(state, NOW + (day - 15) * DAY)
    with state.db.reading() as session:
        name = NudgeTemplate.name
        query = (
            select(Person.name, name, Nudge.ended_at)
            .join(Person, Person.id == Nudge.person_id)
            .join(NudgeTemplate, NudgeTemplate.id == Nudge.template_id)
            .where(Person.name == "나시작", Nudge.outcome == "sent")
            .order_by(Nudge.id)
        )
        told = [(rule.partition(" ")[2], (at - NOW).days) for _, rule, at in session.execute(query)]
    assert told == [
        ("7일째 멈춘 분께", -15),
        ("7일째 멈춘 분께", -8),
        ("7일째 멈춘 분께", -1),
        ("마감 3일 전", 4),
        ("7일째 멈춘 분께", 7),
    ]


def test_who_has_moved_meanwhile_hears_nothing(state: State, world: World) -> None:
    reminding.hourly(state, NOW)
    keep(state, NOW, "tutoring.remind")
    with state.db.transaction() as session:
        session.execute(
            update(Enrolment).where(Enrolment.last_act_at.is_not(None)).values(last_act_at=NOW)
        )
        session.execute(
            update(Enrolment).where(Enrolment.last_act_at.is_(None)).values(completed_at=NOW)
        )
    keep(state, NOW, "tutoring.send_digest")
    assert mails(state) == []
    assert {one.why for one in nudges(state)} == {reminding.MOVED, sending.DONE}


def test_by_night_nothing_is_looked_through(state: State, world: World) -> None:
    for hour in range(24):
        slot = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hour)
        reminding.hourly(state, slot)
    with state.db.reading() as session:
        made = session.scalars(select(Task.key).where(Task.name == "tutoring.remind")).all()
    assert sorted(made) == [f"remind:{world.home.id}:2026-11-23"]


def test_a_rule_that_is_switched_off_writes_nothing(
    client: Any, state: State, world: World
) -> None:
    factories.sign_in(client, world.officer)
    for text in templates.DEFAULTS:
        if text.rule:
            told = {"name": text.name, "subject": text.subject, "body": text.body}
            when, days = next(iter(text.rule.items()))
            answer = client.post("/desk/templates", data={**told, "when": when, "days": str(days)})
            assert answer.status_code == 303
    remind(state, NOW)
    assert mails(state) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"body": ""}, "이름, 제목, 글을 모두 적어 주십시오."),
        ({"body": "{name} {secret.x}"}, "{secret.x}: 이런 자리는 없습니다."),
        ({"subject": "두\n줄"}, "제목은 한 줄로 적어 주십시오."),
        ({"when": "silent_days", "days": "0"}, "날 수는 1에서 60 사이여야 합니다."),
        ({"when": "always"}, "언제 보낼지 골라 주십시오."),
    ],
)
def test_a_template_is_refused_with_what_to_mend(
    client: Any, world: World, change: dict[str, str], said: str
) -> None:
    factories.sign_in(client, world.officer)
    told = {"name": "새 글", "subject": "제목", "body": "{name} 선생님", **change}
    answer = client.post("/desk/templates", data=told)
    assert (answer.status_code, said in answer.text) == (422, True)
    factories.sign_in(client, world.manager)
    assert client.get("/desk/templates").status_code == 403


@given(st.text(), st.dictionaries(st.sampled_from(sorted(wording.FIELDS)), st.text()))
def test_filling_in_never_fails(text: str, values: dict[str, str]) -> None:
    filled = wording.fill(text, values)
    if "{" not in text:
        assert filled == text


# Not wanting to be told


def test_a_mails_link_stops_mails_at_one_press_and_only_by_a_press(
    app: Any, state: State, world: World
) -> None:
    confirm(state, world)
    keep(state, NOW)
    path = mails(state)[0]["unsubscribe"].removeprefix("http://localhost")
    # A mail program: no cookie, no Sec-Fetch-Site, no token (RFC 8058 section 3.2).
    program = app.test_client()
    assert "그만 받으시겠습니까?" in program.get(path).text
    assert unwanted_of(state, nudges(state)[0].person_id) == []
    answer = program.post(path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert unwanted_of(state, nudges(state)[0].person_id) == ["mail"]
    assert program.post(path).status_code == 200
    with state.db.reading() as session:
        acts = session.scalars(select(AuditRow).where(AuditRow.act == "person.unwanted")).all()
        assert [one.detail for one in acts] == [{"before": [], "after": ["mail"]}]
    token = path.rpartition("/")[2]
    for place in range(len(token)):
        other = token[:place] + ("x" if token[place] != "x" else "y") + token[place + 1 :]
        assert unwanted.read_token(state.secret, other) is None
    assert program.post(f"/notices/stop/{token}x").status_code == 404


def unwanted_of(state: State, person_id: int) -> list[str]:
    with state.db.reading() as session:
        return list(session.get_one(Person, person_id).unwanted or [])


def test_one_chooses_ones_channels_on_a_page(client: Any, state: State, world: World) -> None:
    learner = nudges_owner(state)
    factories.sign_in(client, learner)
    assert "독려를 받는 방법" in client.get("/notices").text
    assert client.post("/notices/wants", data={"wanted": ["alimtalk"]}).status_code == 303
    assert unwanted_of(state, learner.id) == ["mail", "sms"]
    assert client.post("/notices/wants", data={"wanted": ["mail", "sms", "x"]}).status_code == 303
    assert unwanted_of(state, learner.id) == ["alimtalk"]


def nudges_owner(state: State) -> Person:
    with state.db.reading() as session:
        return session.scalars(select(Person).where(Person.name == "가멈춤")).one()
