"""Runs: planned, refused, opened, begun by the calendar, changed, cancelled, rolled by month."""

from datetime import date, timedelta

import msgspec
import pytest
from sqlalchemy import select

from lms.errors import ConflictError, InvalidError
from lms.learning import rules
from lms.learning.authoring import publish
from lms.learning.evaluate import evaluate
from lms.learning.facts import ActivityFacts
from lms.learning.models import Run, RunChange, RunTemplate
from lms.learning.rules import RuleSet
from lms.learning.running import jobs, planning, runs, templates
from lms.learning.running.audience import Audience
from lms.people.models import AuditRow, RoleGrant
from tests import factories
from tests.factories import NOW, PAGE, QUIZ
from tests.runs_world import RULE, TODAY, build, planned, told


@pytest.fixture
def world(state):
    return build(state)


def complaints(plan, *activities):
    content = planning.Outline(1, 1, activities or (activity(1),))
    return [
        (one.field, one.message.format(**one.params)) for one in planning.troubles(plan, content)
    ]


def activity(unit, weight_ms=600_000, **more):
    told = {"kind": "page", "role": "progress", "title": ""} | more
    return ActivityFacts(activity_id=unit * 10, unit=unit, weight_ms=weight_ms, **told)


# What cannot be


def test_a_run_that_closes_before_it_opens_is_refused_with_both_days():
    plan = told(learn_from=date(2026, 12, 31), learn_until=date(2026, 12, 1))
    assert complaints(plan)[0] == (
        "learn_until",
        "학습이 끝나는 날(2026-12-01)이 시작하는 날(2026-12-31)보다 먼저입니다. "
        "두 날짜를 확인해 주십시오.",
    )


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"apply_from": TODAY + timedelta(9), "apply_until": TODAY}, "apply_until"),
        ({"apply_from": TODAY, "apply_until": TODAY + timedelta(99)}, "apply_until"),
        ({"apply_from": TODAY + timedelta(99)}, "apply_from"),
        ({"way": "application"}, "apply_from"),
        ({"way": "application", "apply_from": TODAY}, "apply_until"),
        ({"way": "by luck"}, "way"),
        ({"withdraw_until": TODAY + timedelta(99)}, "withdraw_until"),
        ({"withdraw_until": TODAY}, "withdraw_until"),
        ({"seats": 0}, "seats"),
        ({"rule": RuleSet()}, "score_min"),
    ],
)
def test_what_does_not_fit_together_names_its_field(more, field):
    assert [one for one, _ in complaints(told(**more))] == [field]


def test_a_rule_that_nobody_can_meet_is_refused_with_the_figures():
    units = [activity(unit) for unit in range(1, 21)]
    plan = told(
        learn_until=TODAY + timedelta(days=12), rule=RuleSet(score_min=None, units_per_day=3)
    )
    assert complaints(plan, *units) == [
        (
            "units_per_day",
            "이수하려면 적어도 18차시를 들어야 하는데, 하루 3차시씩 5일이면 15차시까지입니다. "
            "기간을 늘리거나 하루 차시 수를 늘려 주십시오.",
        )
    ]
    assert complaints(plan, *units[:16]) == []
    long = activity(1, weight_ms=400 * 3_600_000, kind="video")
    assert complaints(told(learn_until=TODAY + timedelta(days=8)), long) == [
        (
            "learn_until",
            "영상을 가장 빠르게 보아도 240시간이 걸리는데 학습 기간은 1일입니다. "
            "기간을 늘려 주십시오.",
        )
    ]


@pytest.mark.parametrize(
    ("rule", "units"),
    [
        (RuleSet(score_min=None), 9),
        (RuleSet(score_min=None, ordered=False), 7),
        (RuleSet(score_min=6000), 10),
        (RuleSet(score_min=6000, ordered=False), 8),
        (RuleSet(score_min=None, progress_permille=1000), 9),
    ],
)
def test_the_least_number_of_units(rule, units):
    content = [activity(unit, weight_ms=100 if unit > 5 else 20) for unit in range(1, 10)]
    content.append(activity(10, role="score", kind="quiz"))
    assert planning.least_units(rule, content) == units


def test_weights_must_fit_the_activities_and_sum_to_a_hundred():
    quiz = activity(2, role="score", kind="quiz")
    essay = activity(3, role="score", kind="essay")
    fits = RuleSet(weights={"quiz": 60, "essay": 40})
    assert complaints(told(rule=fits), activity(1), quiz, essay) == []
    assert complaints(told(rule=fits), activity(1), quiz)[0][0] == "weights"
    with pytest.raises(InvalidError, match="지금은 90입니다"):
        RuleSet(weights={"quiz": 50, "essay": 40})
    with pytest.raises(InvalidError, match="1 이상의 정수"):
        RuleSet(weights={"quiz": 100, "essay": 0})


def test_a_weighted_score_is_exact_and_absent_weights_count_every_test_alike():
    scores = [("quiz", 7000), ("quiz", 8001), ("essay", 5000)]
    facts = [
        activity(place, role="score", kind=kind, score=score)
        for place, (kind, score) in enumerate(scores, 2)
    ]
    facts.append(activity(1, progress_permille=1000, done=True))
    weighted = RuleSet(weights={"quiz": 70, "essay": 30})
    # 0.7 × 7500.5 + 0.3 × 5000 = 6750.35
    assert evaluate(weighted, facts).score == 6750
    assert evaluate(RuleSet(), facts).score == 6667
    assert evaluate(RuleSet(score_min=6751, weights=weighted.weights), facts).met is False
    assert evaluate(RuleSet(score_min=6750, weights=weighted.weights), facts).met is True
    lacking = [*facts[:2], activity(9, role="score", kind="essay"), facts[3]]
    assert evaluate(weighted, lacking).met is False


def test_proofs_made_before_the_new_rules_keep_their_mark():
    # Of RuleSet() as it was before weights and repetition were rules.
    before = "2d7c02aa6f593660f25490e61724b4abd5dc9d4ab78c2b5e85a6e0721b90e2f0"
    assert rules.mark(RuleSet()) == before
    assert rules.mark(rules.parse({"progress_permille": 900})) == before
    marks = {
        rules.mark(one)
        for one in (RuleSet(), RuleSet(repeat_years=0), RuleSet(weights={"quiz": 100}))
    }
    assert len(marks) == 3
    assert rules.parse(rules.frozen(RuleSet(weights={"quiz": 100}))) == RuleSet(
        weights={"quiz": 100}
    )


# Planned, opened, begun


def test_a_planned_run_has_the_newest_version_and_the_next_number(state, world):
    with state.db.transaction() as session:
        first, second = planned(session, world), planned(session, world)
        assert (first.state, first.number, second.number) == ("planned", 1, 2)
        assert first.year == 2026
        changes = session.execute(select(RunChange.before, RunChange.after, RunChange.actor_id))
        assert [tuple(row) for row in changes] == [("", "planned", world.officer.id)] * 2


def test_a_course_without_a_published_version_has_no_runs(state, world):
    with state.db.transaction() as session:
        course = session.merge(world.course)
        course.versions[0].published_at = None
        with pytest.raises(InvalidError, match="게시한 판이 없는"):
            planned(session, world)


def test_opening_takes_the_newest_version_and_freezes(state, world):
    with state.db.transaction() as session:
        run = planned(session, world)
        course = session.merge(world.course)
        unit = {"title": "새 차시", "activities": [PAGE]}
        newer = publish(session, state.kinds, course, [unit], files=lambda _: 1, now=NOW)
        runs.open_run(session, state.hook, run, actor_id=world.officer.id, now=NOW)
        assert (run.state, run.version_id, run.opened_at) == ("open", newer.id, NOW)
        with pytest.raises(ConflictError, match="열린 기수의 이수 규칙"):
            runs.change(
                session,
                state.hook,
                run,
                told(rule=RuleSet(score_min=None, ordered=False)),
                reason="느슨하게",
                actor_id=None,
                now=NOW,
            )
        with pytest.raises(InvalidError, match="왜 고치는지"):
            runs.change(session, state.hook, run, told(seats=9), reason=" ", actor_id=None, now=NOW)
        runs.change(session, state.hook, run, told(seats=9), reason="늘림", actor_id=None, now=NOW)
        changed = session.scalars(select(AuditRow).filter_by(act="run.change")).one()
        assert (run.seats, changed.detail) == (9, {"changed": {"seats": [None, 9]}})
        with pytest.raises(ConflictError, match="「열림」 상태인 기수"):
            runs.open_run(session, state.hook, run, actor_id=None, now=NOW)


def test_a_run_for_nobody_or_for_days_gone_by_does_not_open(state, world):
    with state.db.transaction() as session:
        nobody = planned(session, world, audience=Audience(ranks=("없는 직급",)))
        with pytest.raises(InvalidError, match="0명"):
            runs.open_run(session, state.hook, nobody, actor_id=None, now=NOW)
        past = planned(session, world, learn_from=date(2026, 1, 1), learn_until=date(2026, 2, 1))
        with pytest.raises(InvalidError, match="이미 끝났습니다"):
            runs.open_run(session, state.hook, past, actor_id=None, now=NOW)
        assert {nobody.state, past.state} == {"planned"}
        seats = told(seats=99, audience=Audience(categories=("teacher",)))
        (warning,) = planning.about_audience(session, seats, world.home.id, TODAY)
        assert (warning.grave, warning.params) == (False, {"people": 5, "seats": 99})


def test_the_calendar_begins_open_runs_on_their_first_local_day_once(state, world):
    with state.db.transaction() as session:
        run = planned(session, world)
        runs.open_run(session, state.hook, run, actor_id=None, now=NOW)
        run_id = run.id
    # 30 November in Seoul ends at 15:00 UTC.
    eve = NOW.replace(day=30, hour=14, minute=59)
    for slot, wanted in ((eve, "open"), (eve + timedelta(minutes=2), "running")):
        jobs.begin(state, slot)
        jobs.begin(state, slot)
        with state.db.reading() as session:
            assert session.get_one(Run, run_id).state == wanted
    with state.db.reading() as session:
        steps = session.scalars(select(RunChange.after).order_by(RunChange.id)).all()
    assert steps == ["planned", "open", "running"]


def test_a_run_that_opens_late_begins_at_once(state, world):
    with state.db.transaction() as session:
        run = planned(session, world, learn_from=TODAY)
        runs.open_run(session, state.hook, run, actor_id=None, now=NOW)
        assert run.state == "running"


def test_there_is_no_way_back_from_cancelled(state, world):
    with state.db.transaction() as session:
        run = planned(session, world)
        with pytest.raises(InvalidError, match="한 줄로"):
            runs.cancel(session, state.hook, run, reason="", actor_id=None, now=NOW)
        runs.cancel(session, state.hook, run, reason="수요 없음", actor_id=None, now=NOW)
        with pytest.raises(ConflictError):
            runs.open_run(session, state.hook, run, actor_id=None, now=NOW)
        with pytest.raises(ConflictError, match="고칠 수 없습니다"):
            runs.change(session, state.hook, run, told(seats=1), reason="x", actor_id=None, now=NOW)


def test_managers_are_granted_and_ended_with_the_run(state, world):
    with state.db.transaction() as session:
        run = planned(session, world)
        first, second, *_ = (one.id for one in world.people)
        for chosen in ([first, second], [second], [second]):
            runs.look_after(session, run, chosen, reason="배정", actor_id=None, now=NOW)
        assert runs.managers(session, run.id) == [second]
        rows = session.scalars(
            select(RoleGrant).filter_by(run_id=run.id).order_by(RoleGrant.id)
        ).all()
        assert [(row.person_id, row.ended_at is None) for row in rows] == [
            (first, False),
            (second, True),
        ]


# Templates and rolling


def test_a_template_makes_the_plan_that_it_was_made_of(state, world):
    plan = told(
        apply_from=TODAY,
        apply_until=TODAY + timedelta(20),
        withdraw_until=TODAY + timedelta(12),
        way="application",
        seats=30,
        audience=Audience(categories=("teacher",), service=((None, 5),)),
    )
    template = templates.of_plan(plan)
    assert templates.plan_of(template, plan.learn_from) == plan
    with state.db.transaction() as session:
        for seats in (30, 40):
            templates.save(
                session,
                world.home.id,
                " 신규  교사 ",
                msgspec.structs.replace(template, seats=seats),
                actor_id=None,
                now=NOW,
            )
        (row,) = session.scalars(select(RunTemplate)).all()
        assert (row.name, templates.parse(row).seats) == ("신규 교사", 40)
        with pytest.raises(InvalidError, match="이름"):
            templates.save(session, world.home.id, " ", template, actor_id=None, now=NOW)


def test_a_year_of_months_is_made_once(state, world):
    template = templates.Template(
        apply_opens_before=14, apply_closes_before=-40, withdraw_days=10, rule=RULE
    )
    with state.db.transaction() as session:
        course = session.merge(world.course)

        def roll(months, **more):
            return templates.roll(
                session,
                state.hook,
                course,
                template,
                2028,
                months,
                name="{n}월 상설",
                actor_id=None,
                now=NOW,
                **more,
            )

        first = roll([1, 2])
        assert [(one.name, one.learn_from, one.learn_until) for one in first] == [
            ("1월 상설", date(2028, 1, 1), date(2028, 1, 31)),
            ("2월 상설", date(2028, 2, 1), date(2028, 2, 29)),
        ]
        assert first[1].apply_until == date(2028, 2, 29)  # no later than one may learn
        assert roll([1, 2]) == []
        again = roll(range(1, 13), managers=[world.people[0].id], opened=True)
        assert [(one.number, one.state) for one in again] == [(n, "open") for n in range(3, 13)]
        assert runs.managers(session, again[0].id) == [world.people[0].id]


def test_months_that_cannot_be_make_none_at_all(state, world):
    template = templates.Template(rule=RuleSet())  # a score, and nothing to score
    with state.db.transaction() as session:
        course = session.merge(world.course)
        found = templates.year_of_months(session, course, template, 2028, [3])
        assert [one.field for one in found[0].troubles] == ["score_min"]
        with pytest.raises(InvalidError, match="점수를 요구하지만"):
            templates.roll(session, state.hook, course, template, 2028, [3], actor_id=None, now=NOW)
        assert session.scalars(select(Run)).all() == []


def test_the_usual_rule_fits_the_course(state, world):
    with state.db.transaction() as session:
        home = session.merge(world.home)
        tested = factories.course(session, state.kinds, home, [PAGE], [QUIZ])
        for course, wanted in ((session.merge(world.course), (None, 2)), (tested, (6000, 2))):
            content = planning.outline(session, planning.newest(session, course.id))
            rule = templates.usual_rule(session, course, content)
            assert (rule.score_min, rule.repeat_years) == wanted
        tested.training_kind = "duty"
        content = planning.outline(session, planning.newest(session, tested.id))
        assert templates.usual_rule(session, tested, content).repeat_years == 0
