"""Nudges: who gets what and who does not, once, at the right time, and only while it holds."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from lms import clock
from lms.db import Database
from lms.edge import State
from lms.errors import ConflictError, InvalidError
from lms.hooks import hookimpl
from lms.learning.models import Enrolment, Run
from lms.outbox import Task
from lms.people.models import Person
from lms.plugins import plugin_manager
from lms.tutoring import (
    channels,
    quiet,
    reminding,
    sending,
    templates,
)
from lms.tutoring.models import Nudge
from lms.tutoring.planning import Told
from scheduler.draining import Drain
from scheduler.pace import Pace
from tests import factories
from tests.factories import NOW
from tests.nudges_world import DAY, ZONE, build, confirm, keep, mails, nudges, plan_of
from tests.tutoring_world import World


@pytest.fixture
def world(state: State) -> World:
    return build(state)


def test_each_gets_the_text_that_was_shown(state: State, world: World) -> None:
    with state.db.reading() as session:
        plan = plan_of(state, session, world)
    assert [one.name for one in plan.letters] == ["가멈춤", "나시작"]
    letter = plan.letters[0]
    assert letter.subject == f"「{world.title}」 이어서 하시겠어요?"
    assert "가멈춤 선생님, 1차시까지 들으신 뒤 12일이 지났습니다." in letter.body
    assert "11월 30일 월요일에 마감합니다. 7일 남았습니다." in letter.body
    assert f"http://localhost/enrolments/{letter.enrolment_id}" in letter.body
    assert "과정관리강사 박견본 드림 · 02-000-0000" in letter.body
    assert confirm(state, world) == 2
    assert [one.body for one in nudges(state)] == [one.body for one in plan.letters]
    keep(state, NOW)
    sent = mails(state)
    assert [one["body"] for one in sent] == [one.body for one in plan.letters]
    assert sent[0]["unsubscribe"] in letter.body
    assert {one.outcome for one in nudges(state)} == {"sent"}


def test_who_is_left_out_and_why(state: State, world: World) -> None:
    with state.db.transaction() as session:
        session.add(world.run)
        world.learner(session, who={"name": "이수"}, completed_at=NOW)
        world.learner(session, who={"name": "휴직", "status": "leave"})
        world.learner(session, who={"name": "거절", "unwanted": ["mail"]})
        world.learner(session, who={"name": "모름", "email": None})
        for name, ago in (("오늘", timedelta(hours=2)), ("그제", 2 * DAY), ("전에", 4 * DAY)):
            told = world.learner(session, who={"name": name})
            session.add(an_old_one(told, NOW - ago))
    with state.db.reading() as session:
        plan = plan_of(state, session, world)
        by_text = plan_of(state, session, world, Told(template="멈춘 분께", channel="sms"))
    assert plan.left_out == {
        "done": ["이수"],
        "gone": ["휴직"],
        "unwanted": ["거절"],
        "no_address": ["모름"],
        "today": ["오늘"],
        "recent": ["그제"],
    }
    assert sorted(one.name for one in plan.letters) == ["가멈춤", "나시작", "전에"]
    assert plan.chosen == 9
    assert "no_address" in by_text.left_out
    assert by_text.letters == ()


def an_old_one(enrolment: Enrolment, at: datetime) -> Nudge:
    return Nudge(
        institution_id=enrolment.institution_id,
        run_id=enrolment.run_id,
        enrolment_id=enrolment.id,
        person_id=enrolment.person_id,
        key=f"old:{enrolment.id}",
        channel="mail",
        subject="제목",
        body="글",
        at=at,
        due=at,
        ended_at=at,
        outcome="sent",
    )


def test_what_changed_since_it_was_shown_is_shown_again(state: State, world: World) -> None:
    with state.db.reading() as session:
        mark = plan_of(state, session, world).mark
    with state.db.transaction() as session:
        session.execute(update(Enrolment).values(completed_at=NOW).where(Enrolment.id == 1))
    with pytest.raises(ConflictError):
        confirm(state, world, mark=mark)
    assert nudges(state) == []
    assert confirm(state, world) == 1


def test_confirmed_twice_it_is_sent_once(state: State, world: World) -> None:
    with state.db.transaction() as session:
        templates.settle(session, world.home.id)
        plan = plan_of(state, session, world)
        text = templates.find(templates.active(session, world.home.id), "멈춘 분께")
        run = session.get_one(Run, world.run.id)
        more: Any = {"mark": plan.mark, "actor_id": world.manager.id, "now": NOW, "zone": ZONE}
        told = Told(template="멈춘 분께")
        counts = [sending.confirm(session, run, plan, text, told, **more) for _ in range(2)]
    assert counts == [2, 0]
    keep(state, NOW)
    assert len(mails(state)) == 2


def test_nobody_left_to_write_to_is_said(state: State, world: World) -> None:
    with state.db.transaction() as session:
        session.execute(update(Enrolment).values(completed_at=NOW))
    with pytest.raises(InvalidError):
        confirm(state, world)


def test_it_is_asked_again_at_the_last_moment(state: State, world: World) -> None:
    with state.db.transaction() as session:
        session.add(world.run)
        rows = [world.learner(session) for _ in range(5)]
        changes: list[tuple[Any, dict[str, Any]]] = [
            (update(Enrolment).where(Enrolment.id == rows[0].id), {"completed_at": NOW}),
            (update(Enrolment).where(Enrolment.id == rows[1].id), {"state": "withdrawn"}),
            (update(Person).where(Person.id == rows[2].person_id), {"unwanted": ["mail"]}),
            (update(Person).where(Person.id == rows[3].person_id), {"email": None}),
        ]
    assert confirm(state, world) == 7
    with state.db.transaction() as session:
        for change, values in changes:
            session.execute(change.values(**values))
        session.add(an_old_one(rows[4], NOW))
    keep(state, NOW)
    found = {one.enrolment_id: (one.outcome, one.why) for one in nudges(state) if one.template_id}
    assert [found[row.id] for row in rows] == [
        ("dropped", sending.DONE),
        ("dropped", sending.LEFT),
        ("dropped", sending.UNWANTED),
        ("dropped", sending.NO_ADDRESS),
        ("dropped", sending.TODAY),
    ]
    assert len(mails(state)) == 2


def test_after_the_last_day_nothing_goes(state: State, world: World) -> None:
    confirm(state, world)
    keep(state, NOW + 8 * DAY)
    assert {(one.outcome, one.why) for one in nudges(state)} == {("dropped", sending.OVER)}


def test_at_night_it_waits_for_the_morning(state: State, world: World) -> None:
    confirm(state, world)
    night = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)  # 22:30 in Seoul
    keep(state, night)
    assert mails(state) == []
    morning = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    assert {(one.outcome, one.due) for one in nudges(state)} == {("queued", morning)}
    with state.db.reading() as session:
        due = session.scalars(
            select(Task.due).where(Task.name == "tutoring.send_nudge", Task.due > night)
        ).all()
    assert due == [morning, morning]
    keep(state, morning)
    assert len(mails(state)) == 2


@given(
    at=st.integers(0, 730 * 86_400).map(
        lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    ),
    zone=st.sampled_from([ZONE, "Europe/Paris", "America/New_York", "Pacific/Apia", "UTC"]),
)
def test_quiet_hours_are_kept_in_every_zone(at: datetime, zone: str) -> None:
    found = quiet.next_open(at, zone)
    here = found.astimezone(ZoneInfo(zone))
    assert quiet.ENDS <= here.time() < quiet.BEGINS
    assert timedelta(0) <= found - at <= timedelta(hours=12)
    assert quiet.next_open(found, zone) == found
    for due in quiet.choices(at, zone).values():
        assert due >= at
        assert quiet.next_open(due, zone) == due


def test_a_sender_may_take_it_back_before_it_goes(client: Any, state: State, world: World) -> None:
    confirm(state, world, Told(template="멈춘 분께", when="morning"))
    factories.sign_in(client, world.manager)
    first, second = nudges(state)
    assert client.post(f"/desk/nudges/{first.id}/take-back").status_code == 303
    assert client.post(f"/desk/nudges/{first.id}/take-back").status_code == 409
    keep(state, NOW + DAY)
    assert [(one.outcome, one.why) for one in nudges(state)] == [
        ("dropped", sending.TAKEN_BACK),
        ("sent", None),
    ]
    assert second.due == datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert "보내기 전에 거두었습니다." in client.get(f"/desk/runs/{world.run.id}/nudges").text


def test_the_page_shows_each_letter_and_sends_what_it_showed(
    client: Any, state: State, world: World
) -> None:
    factories.sign_in(client, world.manager)
    with state.db.transaction() as session:  # the page's own time is today's
        session.execute(update(Run).values(learn_until=clock.now().date() + 30 * DAY))
    path = f"/desk/runs/{world.run.id}/nudge"
    page = client.get(f"{path}?picked=all&show=all&see=1").text
    assert "2명 가운데 2명에게 갑니다" in page
    assert "나시작" in page
    mark = page.partition('name="mark" value="')[2].partition('"')[0]
    told = {"picked": "all", "show": "all", "template": "멈춘 분께", "link": "1", "mark": mark}
    assert client.post(path, data={**told, "mark": "0" * 64}).status_code == 409
    assert nudges(state) == []
    answer = client.post(path, data=told)
    assert (answer.status_code, answer.location) == (
        303,
        f"/desk/runs/{world.run.id}/nudges?sent=2",
    )
    assert len(nudges(state)) == 2
    assert "고른 사람이 없습니다." in client.get(path).text


# Gateways


def test_a_rehearsal_writes_what_it_would_send(state: State, world: World) -> None:
    with state.db.transaction() as session:
        session.execute(update(Person).values(phone="010-0000-0000"))
    confirm(state, world, Told(template="멈춘 분께", channel="sms"))
    keep(state, NOW)
    files = sorted((state.settings.folder / "rehearsal" / "sms").glob("*.json"))
    told = [json.loads(one.read_text()) for one in files]
    assert {one["to"] for one in told} == {"010-0000-0000"}
    assert sorted(one["body"] for one in told) == sorted(one.body for one in nudges(state))
    assert {one.outcome for one in nudges(state)} == {"sent"}
    assert "notices/stop" not in told[0]["body"]


def test_a_real_gateway_takes_the_rehearsals_place() -> None:
    class Real:
        channel, rehearsal = "sms", False

    class Given:
        @hookimpl
        def lms_notifiers(self) -> list[Any]:
            return [Real()]

    manager = plugin_manager(third_parties=False)
    manager.register(Given())

    found = channels.notifiers(SimpleNamespace(hook=manager.hook))
    assert (type(found["sms"]), found["alimtalk"].rehearsal) == (Real, True)


# Many at once


def test_five_schedulers_at_once_send_one_message_each(state: State) -> None:
    """Looks, digests and nudges by hand, kept by five at a time: one mail a person."""
    now = clock.now()
    # Day on that institution's wall, whenever this runs.
    zone = f"Etc/GMT{now.hour - 12:+d}"
    with state.db.transaction() as session:
        world = World(session, state, learn_until=now.date() + 20 * DAY)
        world.home.zone = zone
        session.add(world.home)
        for number in range(30):
            world.learner(
                session,
                who={"name": f"사람{number}"},
                enrolled_at=now - 12 * DAY,
                last_act_at=now - 8 * DAY,
            )
    errors: list[BaseException] = []

    def scheduler(number: int) -> None:
        own = Database(state.db.url, threads=4)
        try:
            drain = Drain(with_database(state, own), holder=f"s{number}", pace=Pace())
            reminding.hourly(with_database(state, own), now)
            for _ in range(20):
                drain.once()
        except BaseException as error:
            errors.append(error)
        finally:
            own.dispose()

    threads = [threading.Thread(target=scheduler, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for _ in range(5):
        Drain(state, holder="last", pace=Pace()).once()
    found = nudges(state)
    assert sorted({one.person_id for one in found}) == sorted(one.person_id for one in found)
    assert {one.outcome for one in found} == {"sent"}
    assert len(found) == 30
    with state.db.reading() as session:
        keys = session.scalars(select(Task.key).where(Task.name == "mail.send")).all()
    assert len(keys) == len(set(keys)) == 30
    files = list((state.settings.folder / "mail").glob("*.eml"))
    assert len(files) == 30


def with_database(state: State, database: Database) -> State:
    return replace(state, db=database)
