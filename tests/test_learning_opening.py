"""Which units are open: order, units a day, and when the test opens."""

from datetime import date

from lms.learning.facts import ActivityFacts, UnitFacts
from lms.learning.opening import standings
from lms.learning.rules import RuleSet

TODAY = date(2026, 11, 23)


def unit(position: int, *, done: bool = False, role: str = "progress") -> UnitFacts:
    one = ActivityFacts(
        activity_id=position,
        unit=position,
        kind="page",
        role=role,
        title=f"{position}",
        weight_ms=1000,
        done=done,
        progress_permille=1000 if done else 0,
    )
    return UnitFacts(position=position, unit_id=position, title=f"{position}", activities=(one,))


def told(rule: RuleSet, *units: UnitFacts, begun: dict[int, date] | None = None, progress: int = 0):
    found = standings(rule, units, progress_permille=progress, begun_on=begun or {}, today=TODAY)
    return [(one.state, one.reason.format(**one.params)) for one in found]


def test_units_open_one_after_another():
    assert told(RuleSet(), unit(1, done=True), unit(2), unit(3)) == [
        ("done", ""),
        ("open", ""),
        ("closed", "2차시를 마치면 열립니다."),
    ]


def test_without_an_order_all_are_open():
    assert told(RuleSet(ordered=False), unit(1), unit(2)) == [("open", ""), ("open", "")]


def test_units_a_day_count_what_was_begun_today_and_let_it_be_finished():
    rule = RuleSet(units_per_day=1, ordered=False)
    assert told(rule, unit(1), unit(2), begun={1: TODAY}) == [
        ("open", ""),
        ("closed", "하루에 1차시까지 들을 수 있습니다. 내일 열립니다."),
    ]
    assert told(rule, unit(1), unit(2), begun={1: date(2026, 11, 22)}) == [
        ("open", ""),
        ("open", ""),
    ]


def test_the_test_opens_with_progress_and_an_unpassed_test_holds_nobody_up():
    rule = RuleSet(score_opens_permille=900)
    test = unit(2, role="score")
    assert told(rule, unit(1, done=True), test, unit(3), progress=500) == [
        ("done", ""),
        ("closed", "진도 90%가 되면 열립니다."),
        ("open", ""),
    ]
    assert told(rule, unit(1, done=True), test, unit(3), progress=900)[1] == ("open", "")
