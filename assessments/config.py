"""What a quiz is made of, checked once when it comes in; inside, it is trusted."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from assessments.marking import normalise
from lms.errors import InvalidError

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
"""Ids stand in statements, where «[,]» parts them, and in names of form fields."""

Text = Annotated[str, Meta(min_length=1, max_length=4000)]
Points = Annotated[int, Meta(gt=0, le=100_000)]
LONGEST_ANSWER = 500
"""Characters of a short answer."""

LONGEST_ESSAY = 4000
"""Characters of an answer that a person marks."""


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the answers to choose from."""

    id: Id
    text: Text


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question. `correct`: ids of the right choices, or the short answers that are taken.

    An essay has none: a person marks it by the `guide`, which no learner sees.
    """

    id: Id
    type: Literal["single", "multiple", "short", "essay"]
    text: Text
    correct: Annotated[list[Text], Meta(max_length=50)] = []
    choices: Annotated[list[Choice], Meta(max_length=50)] = []
    feedback: str = ""
    points: Points = 100
    guide: Annotated[str, Meta(max_length=4000)] = ""

    @property
    def longest(self) -> int:
        """Characters that an answer in words may have."""
        return LONGEST_ESSAY if self.type == "essay" else LONGEST_ANSWER


class Quiz(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A quiz as an activity's config holds it. `pass_permille`: of all points, 0-1000."""

    questions: Annotated[list[Question], Meta(min_length=1, max_length=500)]
    attempts: Annotated[int, Meta(ge=1, le=100)] = 3
    pass_permille: Annotated[int, Meta(ge=0, le=1000)] = 600

    def question(self, id: str) -> Question | None:  # noqa: A002  the word of the config
        return next((question for question in self.questions if question.id == id), None)


def parse(config: dict[str, Any]) -> Quiz:
    """The quiz in a config. Raises InvalidError with the place and what to write there."""
    try:
        quiz = msgspec.convert(config, Quiz)
    except msgspec.ValidationError as error:
        raise InvalidError("퀴즈 설정을 고쳐 주십시오: {what}", what=str(error)) from None
    _check_unique([question.id for question in quiz.questions], "questions")
    for question in quiz.questions:
        _check(question)
    return quiz


def read(config: dict[str, Any]) -> Quiz:
    """The quiz of a stored activity, which parse() has let through before."""
    return msgspec.convert(config, Quiz)


def _check(question: Question) -> None:
    where = f"questions.{question.id}"
    _check_unique([choice.id for choice in question.choices], f"{where}.choices")
    _check_unique(question.correct, f"{where}.correct")
    if question.type == "essay":
        _check_essay(question, where)
        return
    if not question.correct:
        raise InvalidError(
            "{where}: 정답을 하나 이상 정해 주십시오.", where=where, field=f"{where}.correct"
        )
    if question.type == "short":
        _check_short(question, where)
        return
    if len(question.choices) < 2:
        raise InvalidError(
            "{where}: 보기를 두 개 이상 적어 주십시오.", where=where, field=f"{where}.choices"
        )
    unknown = set(question.correct) - {choice.id for choice in question.choices}
    if unknown:
        raise InvalidError(
            "{where}: 정답 “{what}”이(가) 보기에 없습니다. 보기의 id로 적어 주십시오.",
            where=where,
            what=", ".join(sorted(unknown)),
            field=f"{where}.correct",
        )
    if question.type == "single" and len(question.correct) != 1:
        raise InvalidError(
            "{where}: 하나만 고르는 문항의 정답은 하나여야 합니다.",
            where=where,
            field=f"{where}.correct",
        )


def _check_short(question: Question, where: str) -> None:
    if question.choices:
        raise InvalidError(
            "{where}: 짧은 답 문항에는 보기를 두지 않습니다.", where=where, field=f"{where}.choices"
        )
    for answer in question.correct:
        if not normalise(answer) or len(answer) > LONGEST_ANSWER:
            raise InvalidError(
                "{where}: “{what}”은(는) 정답이 될 수 없습니다. 글자나 숫자로 적어 주십시오.",
                where=where,
                what=answer[:40],
                field=f"{where}.correct",
            )


def _check_essay(question: Question, where: str) -> None:
    if question.choices or question.correct:
        raise InvalidError(
            "{where}: 서술형 문항에는 보기와 정답을 두지 않습니다. 채점 기준에 적어 주십시오.",
            where=where,
            field=f"{where}.choices",
        )


def _check_unique(ids: list[str], where: str) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise InvalidError(
                "{where}: “{what}”이(가) 두 번 있습니다. 서로 다르게 적어 주십시오.",
                where=where,
                what=one,
                field=where,
            )
        seen.add(one)
