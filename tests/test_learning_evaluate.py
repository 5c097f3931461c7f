"""evaluate(): pure, the same for the same facts in any order, in whole numbers."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.errors import InvalidError
from lms.learning.evaluate import Clause, evaluate
from lms.learning.facts import ActivityFacts
from lms.learning.rules import RuleSet


def facts(number: int, permille: int = 0, **more: object) -> ActivityFacts:
    return ActivityFacts(
        **{
            "activity_id": number,
            "unit": number,
            "kind": "video",
            "role": "progress",
            "title": f"영상 {number}",
            "weight_ms": 60_000,
            "progress_permille": permille,
            "done": permille >= 900,
            **more,
        }
    )


def test_the_whole_tree_is_told():
    quiz = facts(3, role="score", kind="quiz", title="평가", score=8500, statements=("s3",))
    verdict = evaluate(RuleSet(), [facts(1, 1000, statements=("s1",)), facts(2, 500), quiz])
    assert verdict.met is False
    assert verdict.progress_permille == 750
    assert verdict.score == 8500
    assert verdict.need_ms == 18_000  # 90 % of 120 s are 108 s, 90 s are there
    assert msgspec.json.decode(msgspec.json.encode(verdict.clause))["children"][1] == {
        "code": "score",
        "state": "met",
        "has": 8500,
        "needs": 6000,
        "title": "",
        "kind": "",
        "activity_id": None,
        "missing_ms": 0,
        "evidence": ["s3"],
        "children": [
            {
                "code": "scored_activity",
                "state": "met",
                "has": 8500,
                "needs": 6000,
                "title": "평가",
                "kind": "quiz",
                "activity_id": 3,
                "missing_ms": 0,
                "evidence": ["s3"],
                "children": [],
            }
        ],
    }


def test_ninety_percent_is_reached_exactly_and_not_a_thousandth_sooner():
    one = [facts(number, 1000) for number in range(1, 10)]
    assert evaluate(RuleSet(), [*one, facts(10, 0)]).met is True
    assert evaluate(RuleSet(), [*one[:-1], facts(9, 999), facts(10, 0)]).met is False


def test_a_course_without_a_score_needs_none_and_a_missing_score_is_not_zero():
    assert evaluate(RuleSet(), [facts(1, 1000)]).score is None
    quiz = facts(2, role="score")
    verdict = evaluate(RuleSet(), [facts(1, 1000), quiz])
    assert (verdict.met, verdict.score) == (False, None)
    assert evaluate(RuleSet(score_min=None), [facts(1, 1000), quiz]).met is True


@pytest.mark.parametrize(
    "wrong",
    [
        {"score_min": 5999},
        {"score_min": 10_001},
        {"progress_permille": 0},
        {"progress_permille": 1001},
        {"speed_percent": 99},
    ],
)
def test_a_rule_below_the_law_or_out_of_range_is_refused(wrong):
    with pytest.raises(InvalidError):
        RuleSet(**wrong)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=5))
def test_order_changes_nothing_and_more_progress_never_hurts(permilles):
    known = [facts(number, permille) for number, permille in enumerate(permilles, 1)]
    verdict = evaluate(RuleSet(), known)
    for other in itertools.islice(itertools.permutations(known), 6):
        assert evaluate(RuleSet(), other) == verdict
    more = [msgspec.structs.replace(known[0], progress_permille=1000), *known[1:]]
    better = evaluate(RuleSet(), more)
    assert better.progress_permille >= verdict.progress_permille
    assert better.need_ms <= verdict.need_ms
    assert better.met or not verdict.met
    assert verdict.met == (verdict.need_ms == 0)


def test_a_stored_verdict_reads_back_whole():
    clause = evaluate(RuleSet(), [facts(1, 400, statements=("a", "b"))]).clause
    assert msgspec.convert(msgspec.to_builtins(clause), Clause) == clause
