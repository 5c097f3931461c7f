"""Marking and the quiz's configuration: pure, so tried with everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessments.config import Choice, Question, parse
from assessments.kind import QuizKind
from assessments.marking import Marked, mark, mark_all, normalise
from lms.errors import InvalidError

CHOICES = [{"id": name, "text": name.upper()} for name in "abcd"]
ids = st.lists(st.sampled_from("abcd"), unique=True)


def question(type, correct, **more):  # noqa: A002
    return Question(id="q1", type=type, text="?", correct=list(correct), **more)


@pytest.mark.parametrize(
    ("given_text", "taken", "right"),
    [
        ("기록", "기록", True),
        (" 기 록. ", "기록", True),
        ("\u1100\u1175록", "기록", True),  # the same syllable in conjoining jamo
        ("기록하기", "기록", False),
        ("제15조 제2항", "제15조제2항", True),
        ("ＡＢＣ", "abc", True),
        ("STRASSE", "Straße", True),
        ("3.5", "35", False),
        ("1,000", "1000", True),
        ("1-2", "12", False),
        ("-5", "5", False),
        ("x = -5", "x=5", False),
        ("C++", "C", False),
        ("!!!", "기록", False),
        ("", "기록", False),
    ],
)
def test_short_answers(given_text, taken, right):
    assert mark(question("short", [taken]), [given_text]) is right


def test_an_unanswered_question_is_wrong():
    assert mark(question("short", ["기록"]), []) is False
    assert mark(question("single", ["a"]), []) is False


@given(st.text())
def test_normalising_twice_is_normalising_once(text):
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(alphabet="0123 .,-−aA가=+"))
def test_normalising_numbers_twice_is_normalising_once(text):
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(st.characters(exclude_characters="-\u2212")), st.sampled_from(" .!\u200b\t"))
def test_what_stands_around_an_answer_does_not_count(text, noise):
    assert normalise(f"{noise}{text}{noise}") == normalise(text)


@given(ids, ids.filter(bool))
def test_multiple_wants_all_and_only(value, correct):
    right = mark(question("multiple", correct), value)
    assert right is (sorted(value) == sorted(correct))


@given(st.lists(st.tuples(st.integers(1, 1000), st.booleans()), min_size=1, max_size=30))
def test_the_score_is_the_share_of_points_in_whole_hundredths(told):
    questions = [
        Question(id=f"q{n}", type="single", text="?", correct=["a"], points=points)
        for n, (points, _) in enumerate(told)
    ]
    answers = {f"q{n}": ["a" if right else "b"] for n, (_, right) in enumerate(told)}
    raw = sum(points for points, right in told if right)
    most = sum(points for points, _ in told)
    assert mark_all(questions, answers, pass_permille=600) == Marked(
        right={f"q{n}": right for n, (_, right) in enumerate(told)},
        raw=raw,
        most=most,
        score=raw * 10000 // most,
        passed=raw * 10 >= most * 6,
    )


def test_nobody_passes_by_rounding():
    questions = [
        Question(id=f"q{n}", type="single", text="?", correct=["a"], points=points)
        for n, points in enumerate((59_999, 40_001))
    ]
    marked = mark_all(questions, {"q0": ["a"]}, pass_permille=600)
    assert (marked.score, marked.passed) == (5999, False)


def quiz(**changes):
    one = {"id": "q1", "type": "single", "text": "?", "choices": CHOICES, "correct": ["a"]}
    return {"questions": [{**one, **changes}]}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "missing required field `questions`"),
        ({"questions": []}, "length >= 1"),
        (quiz(points=0), "`int` >= 1"),
        (quiz(points=-1), "`int` >= 1"),
        (quiz(type="drawing"), "Invalid enum value 'drawing'"),
        (quiz(type="essay"), "서술형 문항에는 보기와 정답을 두지 않습니다"),
        (quiz(id="a,b"), "matching regex"),
        (quiz(hint="x"), "unknown field `hint`"),
        (quiz(correct=["z"]), "정답 “z”이(가) 보기에 없습니다"),
        (quiz(correct=["a", "b"]), "정답은 하나여야"),
        (quiz(correct=[]), "정답을 하나 이상"),
        (quiz(choices=CHOICES[:1]), "보기를 두 개 이상"),
        (quiz(choices=[*CHOICES, CHOICES[0]]), "“a”이(가) 두 번"),
        (quiz(type="multiple", correct=["a", "a"]), "“a”이(가) 두 번"),
        (quiz(type="short"), "보기를 두지 않습니다"),
        (quiz(type="short", choices=[], correct=["!!"]), "정답이 될 수 없습니다"),
        ({"questions": quiz()["questions"] * 2}, "“q1”이(가) 두 번"),
        ({**quiz(), "attempts": 0}, "`int` >= 1"),
        ({**quiz(), "pass_permille": 1001}, "`int` <= 1000"),
    ],
)
def test_a_wrong_configuration_is_refused_with_its_place(config, says):
    with pytest.raises(InvalidError) as refused:
        parse(config)
    assert says in str(refused.value)


def test_a_checked_configuration_has_every_default_and_is_stable():
    checked = QuizKind().check(quiz())
    assert checked == {
        "questions": [
            {
                "id": "q1",
                "type": "single",
                "text": "?",
                "correct": ["a"],
                "choices": CHOICES,
                "feedback": "",
                "points": 100,
                "guide": "",
            }
        ],
        "attempts": 3,
        "pass_permille": 600,
    }
    assert QuizKind().check(checked) == checked
    assert parse(checked).questions[0].choices[0] == Choice("a", "A")
    assert (QuizKind().weight_ms(checked), QuizKind().files(checked)) == (30_000, [])
