"""Who was there: how it is reckoned, and what settling it does to the course, at once for all."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from lms import clock
from lms.classroom import settling
from lms.classroom.attendance import judge
from lms.classroom.blocks import Block, scheduled_ms
from lms.classroom.models import Attendance, AttendanceMark, AttendanceSignature, Meeting, Seat
from lms.classroom.rules import AttendanceRule
from lms.classroom.settling import Word
from lms.credentials.models import Certificate
from lms.errors import ClosedError, ConflictError, InvalidError
from lms.learning import recount
from lms.learning.models import Completion, Enrolment
from lms.people.models import AuditRow
from lms.xapi.models import Statement
from tests import classroom_world as worlds
from tests import factories

AT = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
MIN = timedelta(minutes=1)
BLOCKS = (Block(AT, AT + 180 * MIN, ((60, 10),)),)
RULE = AttendanceRule()
WHOLE = 170 * 60_000


def there(*spans, rule=RULE):
    found = judge(BLOCKS, [(AT + a * MIN, AT + b * MIN) for a, b in spans], rule)
    return (
        found.present_ms / 60_000,
        found.late_ms // 60_000,
        found.early_ms // 60_000,
        found.verdict,
    )


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 180)], (170, 0, 0, "attended")),
        ([(-30, 500)], (170, 0, 0, "attended")),
        ([(9, 171)], (170, 0, 0, "attended")),  # within the grace at both ends
        ([(20, 180)], (150, 20, 0, "attended")),
        ([(0, 150)], (140, 0, 30, "attended")),
        ([(44, 180)], (126, 44, 0, "partly")),  # 74 %
        ([(0, 60), (70, 180)], (170, 0, 0, "attended")),  # the break is no absence
        ([(0, 40), (30, 90), (120, 180)], (140, 0, 0, "attended")),  # a reconnect, counted once
        ([(60, 70)], (0, 60, 110, "absent")),  # only in the break
        ([], (0, 0, 0, "absent")),
        ([(50, 50)], (0, 0, 0, "absent")),
    ],
)
def test_presence_is_of_what_was_taught(spans, expected):
    assert there(*spans) == expected


def test_the_line_is_where_the_rule_draws_it():
    rule = AttendanceRule(present_permille=800, grace_minutes=0)
    assert there((0, 10 + 136), rule=rule)[3] == "attended"  # exactly 80 %
    found = judge(BLOCKS, [(AT, AT + 146 * MIN - timedelta(milliseconds=1))], rule)
    assert (found.present_ms, found.verdict) == (136 * 60_000 - 1, "partly")


@given(st.lists(st.tuples(st.integers(-50, 250), st.integers(-50, 250)), max_size=8))
def test_no_more_is_credited_than_was_scheduled_and_order_is_nothing(spans):
    told = [(AT + a * MIN, AT + b * MIN) for a, b in spans]
    found = judge(BLOCKS, told, RULE)
    assert 0 <= found.present_ms <= scheduled_ms(BLOCKS) == WHOLE
    assert judge(BLOCKS, [*reversed(told), *told], RULE) == found
    assert (found.verdict == "attended") == (found.present_ms * 1000 >= 800 * WHOLE)


@pytest.fixture
def world(state):
    """A run whose one activity is a meeting, over; three people have a seat."""
    made = worlds.build(state, learners=3, units=([worlds.MEETING],))
    with state.db.transaction() as session:
        made.meeting = worlds.opened(session, state, made, capacity=10)
        for one in made.enrolments:
            worlds.take(session, state, made.meeting, one)
    made.after = made.meeting.ends_at + timedelta(minutes=5)
    made.whole = Word((made.meeting.starts_at, made.meeting.ends_at))
    return made


def settle(state, world, words, *, now=None, reason="출석부를 보고"):
    with state.db.transaction() as session:
        meeting = session.get_one(Meeting, world.meeting.id)
        return settling.settle(
            session,
            state.hook,
            meeting,
            {world.people[n].id: word for n, word in words.items()},
            reason=reason,
            actor_id=world.teacher.id,
            now=now or world.after,
        )


def count(state, *models):
    with state.db.reading() as session:
        return [session.scalar(select(func.count()).select_from(one)) for one in models]


def test_settling_completes_in_the_same_transaction_and_keeps_its_evidence(state, world):
    late = Word((world.meeting.starts_at + 60 * MIN, world.meeting.ends_at))
    settle(state, world, {0: world.whole, 1: late, 2: Word(None)})
    with state.db.reading() as session:
        rows = session.scalars(select(Attendance).order_by(Attendance.id)).all()
        assert [row.verdict for row in rows] == ["attended", "partly", "absent"]
        assert [row.present_ms // 60_000 for row in rows] == [170, 110, 0]
        done = session.scalars(select(Completion.enrolment_id)).all()
        assert done == [world.enrolments[0].id]
        told = session.execute(
            select(Statement.verb, Statement.raw)
            .where(Statement.verb.like("%attended"))
            .order_by(Statement.id)
        ).all()
        results = [msgspec.json.decode(raw)["result"] for _, raw in told]
        assert results == [
            {"completion": True, "duration": "PT02H50M00S"},
            {"completion": False, "duration": "PT01H50M00S"},
        ]
        assert session.get_one(Meeting, world.meeting.id).state == "held"
        acts = session.scalars(
            select(AuditRow.act).where(AuditRow.act == "attendance.settle")
        ).all()
        assert len(acts) == 3
        # What is stored is what the statements say.
        for one in world.enrolments:
            row = session.get_one(Enrolment, one.id)
            assert recount.differences(session, row) == []
    assert count(state, Certificate, AttendanceMark, AttendanceSignature) == [1, 3, 1]


def test_again_changes_nothing_and_may_only_raise(state, world):
    words = {0: world.whole, 1: Word(None), 2: Word(None)}
    settle(state, world, words)
    before = count(state, Statement, Attendance, AttendanceMark, Completion)
    assert settle(state, world, words) == []
    assert count(state, Statement, Attendance, AttendanceMark, Completion) == before
    raised = settle(state, world, {**words, 1: world.whole}, reason="출석부를 잘못 봄")
    assert [(row.revision, row.verdict, len(row.evidence)) for row in raised] == [
        (2, "attended", 2)
    ]
    assert count(state, Completion) == [2]
    with pytest.raises(ConflictError):
        settle(state, world, {0: Word(None), 1: world.whole, 2: Word(None)})
    assert count(state, Completion, AttendanceSignature) == [2, 3]


def test_what_cannot_be_settled_says_why_and_keeps_nothing(state, world):
    words = {0: world.whole, 1: world.whole, 2: world.whole}
    with pytest.raises(ClosedError):
        settle(state, world, words, now=world.meeting.ends_at - MIN)
    with pytest.raises(InvalidError) as left_out:
        settle(state, world, {0: world.whole, 1: world.whole})
    assert left_out.value.params["name"] == world.people[2].name
    with pytest.raises(InvalidError):
        settle(state, world, words, reason="")
    assert count(state, Attendance, AttendanceMark, Completion) == [0, 0, 0]


def test_the_page_settles_a_roster(app, state, world):
    browser = factories.browser(app)
    factories.sign_in(browser, world.officer)
    path = f"/manage/meetings/{world.meeting.id}/attendance"
    # The machine's today decides: pages ask the clock.
    _move(state, world, clock.now() + timedelta(days=1))
    assert "모임이 끝나면" in browser.get(path).text
    _move(state, world, clock.now() - timedelta(days=1))
    with state.db.reading() as session:
        query = select(Seat.id).where(Seat.meeting_id == world.meeting.id)
        ids = session.scalars(query.order_by(Seat.id)).all()
    form = {f"there-{one}": "yes" for one in ids} | {f"late-{ids[1]}": "60"}
    wrong = browser.post(path, data=form | {"reason": "출석부", f"late-{ids[1]}": "많이"})
    assert (wrong.status_code, "분으로 적어" in wrong.text) == (422, True)
    done = browser.post(path, data=form | {f"there-{ids[2]}": "no", "reason": "출석부"})
    assert done.status_code == 303
    text = browser.get(done.headers["Location"]).text
    assert [word in text for word in ("3명의 출석을 확정했습니다", "시간 모자람", "결석")] == [
        True
    ] * 3
    assert count(state, Completion) == [1]


def _move(state, world, starts_at):
    with state.db.transaction() as session:
        meeting = session.get_one(Meeting, world.meeting.id)
        by = starts_at - meeting.starts_at
        meeting.starts_at, meeting.ends_at = meeting.starts_at + by, meeting.ends_at + by
        for one in meeting.blocks:
            one.starts_at, one.ends_at = one.starts_at + by, one.ends_at + by
