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
from lms.people.models import AuditRow, Person
from lms.plugins import plugin_manager
from lms.tutoring import (
    channels,
    learners,
    planning,
    quiet,
    reminding,
    sending,
    templates,
    unwanted,
    wording,
)
from lms.tutoring.models import Nudge, NudgeTemplate
from lms.tutoring.planning import Plan, Sender, Told
from scheduler.draining import Drain
from scheduler.pace import Pace
from tests import factories
from tests.factories import NOW
from tests.tutoring_world import World

DAY = timedelta(days=1)
ZONE = "Asia/Seoul"


@pytest.fixture
def world(state: State) -> World:
    with state.db.transaction() as session:
        made = World(session, state)
        made.learner(session, who={"name": "가멈춤"}, last_act_at=NOW - 12 * DAY)
        made.learner(session, who={"name": "나시작"})
    return made


def plan_of(state: State, session: Any, world: World, told: Told | None = None) -> Plan:
    told = told or Told(template="멈춘 분께")
    run, at = session.get_one(Run, world.run.id), world.moment(session)
    ids = session.scalars(select(Enrolment.id).filter_by(run_id=run.id)).all()
    rows = planning_rows(session, run, at, ids)
    text = templates.find(templates.active(session, world.home.id), told.template)
    by = Sender(
        person_id=world.manager.id,
        name="박견본",
        role="과정관리강사",
        phone="02-000-0000",
        institution="가온연수원",
    )
    return planning.plan(session, state, run, at, rows, text, told, by)


def planning_rows(session: Any, run: Run, at: Any, ids: Any) -> Any:
    return learners.chosen(session, run, at, ids)


def confirm(state: State, world: World, told: Told | None = None, mark: str | None = None) -> int:
    told = told or Told(template="멈춘 분께")
    with state.db.transaction() as session:
        templates.settle(session, world.home.id)
        plan = plan_of(state, session, world, told)
        text = templates.find(templates.active(session, world.home.id), told.template)
        return sending.confirm(
            session,
            session.get_one(Run, world.run.id),
            plan,
            text,
            told,
            mark=mark or plan.mark,
            actor_id=world.manager.id,
            now=NOW,
            zone=ZONE,
        )


def nudges(state: State) -> list[Nudge]:
    with state.db.reading() as session:
        return list(session.scalars(select(Nudge).order_by(Nudge.id)))


def mails(state: State) -> list[dict[str, Any]]:
    with state.db.reading() as session:
        query = select(Task).where(Task.name == "mail.send").order_by(Task.id)
        return [task.payload for task in session.scalars(query)]


def keep(state: State, now: datetime, name: str = "tutoring.send_nudge") -> None:
    """Keep every promise of that name, twice: that must be harmless."""
    handlers: dict[str, Any] = {}
    for some in state.hook.lms_tasks():
        handlers |= some
    with state.db.reading() as session:
        tasks = list(session.scalars(select(Task).where(Task.name == name).order_by(Task.id)))
    for _ in range(2):
        for task in tasks:
            handlers[name](state, task, now)


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


# By rule


def remind(state: State, now: datetime) -> None:
    reminding.hourly(state, now)
    keep(state, now, "tutoring.remind")
    keep(state, now, "tutoring.send_digest")


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
