"""What the demo institute shows of marking: essays handed in, some marked, some still waiting."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessments import awaiting, service
from assessments.awaiting import Mark
from lms.learning.models import Activity, Enrolment, Run, Unit
from lms.people.actor import Actor, Identity
from lms.people.models import Institution
from lms.people.service import find_actor

COURSE = "teacher-curriculum"
MARKER = "demo-4"
"""The demo's instructor, who teaches this run."""

_WRITTEN = (
    "지역의 문제를 조사하는 성취기준에서 시작했습니다. 조사 보고서와 발표로 알아보고, 그래서 "
    "등굣길을 함께 걸으며 불편한 곳을 적게 했습니다. 적은 것을 모둠에서 나누어 해결 방법을 "
    "하나씩 고릅니다.",
    "분수의 크기를 견주는 단원입니다. 그림으로 설명할 수 있으면 이룬 것으로 봅니다. 활동은 "
    "종이접기와 피자 나누기입니다.",
    "글쓴이의 마음을 짐작하는 단원에서, 아이가 편지글을 읽고 근거 문장에 밑줄을 그으면 알 수 "
    "있다고 보았습니다. 그래서 먼저 짧은 쪽지로 연습하고, 졸업한 선배가 남긴 편지를 읽습니다.",
    "식물의 한살이를 관찰하는 단원입니다. 관찰 일지 네 번을 평가로 정했고, 그 일지를 쓰려면 볼 "
    "것을 먼저 알아야 해서 첫 시간에 살펴볼 것 다섯 가지를 함께 정했습니다.",
    "우리 마을의 옛이야기를 조사합니다. 활동은 어르신 찾아뵙기와 그림책 만들기입니다. 평가는 "
    "아직 정하지 못했습니다.",
    "자료를 표와 막대그래프로 나타내는 단원입니다. 우리 반에서 궁금한 것을 스스로 정해 조사하고, "
    "그래프를 보고 말할 수 있는 것 두 가지를 적으면 이룬 것으로 봅니다. 그래서 첫 시간은 좋은 "
    "질문 만들기로 잡았습니다.",
    "학급 규칙을 함께 정하는 단원입니다. 까닭을 들어 자기 생각을 말하고 다른 생각을 "
    "받아들이는지를 토의 기록으로 봅니다. 역할을 바꾸어 두 번 토의하게 했습니다.",
    "물의 순환을 설명하는 성취기준입니다. 그림에 화살표와 낱말을 넣어 설명하게 하고, 빠진 곳이 "
    "있으면 다시 실험을 봅니다. 활동은 컵에 비닐을 씌워 물방울을 보는 것으로 골랐습니다.",
    "노래의 빠르기를 몸으로 나타내는 단원입니다. 빠르기가 바뀌는 곳에서 움직임이 바뀌는지를 "
    "동영상으로 남겨 친구와 서로 봅니다. 처음에는 걷기, 다음에는 공 굴리기로 이어집니다.",
    "요약하는 방법을 배우는 단원에서, 문단마다 중심 문장을 찾고 이어 쓰면 이룬 것으로 "
    "보았습니다. 교과서 글이 길어서 우리 지역 신문 기사로 바꾸었습니다. 성취기준은 그대로 "
    "두었습니다.",
)
_MARKS = (
    Mark(92, "평가와 활동이 잘 이어집니다. 해결 방법을 고르는 기준도 아이들과 정해 보십시오."),
    Mark(74, "종이접기에서 무엇을 보면 견줄 수 있는 것인지 한 줄만 더 적어 주십시오."),
    Mark(88, "근거 문장에 밑줄을 긋는 것이 좋은 평가입니다."),
    Mark(95, "평가에서 거꾸로 활동을 정한 것이 또렷합니다."),
    Mark(45, "활동은 좋습니다. 무엇을 보고 이루었음을 알지 먼저 정해 다시 내 주십시오."),
    Mark(90),
)
"""For the first of them; the rest wait."""

_TAKES = timedelta(minutes=26)


def build(state: Any, institution: Institution, runs: Mapping[str, int], *, now: datetime) -> None:
    """Let who has done all else hand in an essay; the instructor has marked the first ones."""
    if COURSE not in runs:
        return
    with state.db.transaction() as session:
        settings = replace(state.settings, institution=institution.code)
        marker = _actor(session, settings, MARKER, now)
        essay = _essay(session, runs[COURSE])
        if marker is None or essay is None:
            return
        for place, enrolment in enumerate(_ready(session, runs[COURSE])):
            # The longest waiting was handed in five days ago, the last one an hour ago.
            at = now - timedelta(hours=1 + 13 * (len(_WRITTEN) - 1 - place))
            learner = _actor(session, settings, enrolment.person.subject, at)
            if learner is None:
                continue
            attempt = service.begin(
                session, state.hook, enrolment, essay, actor=learner, now=at - _TAKES
            )
            answers = {"q1": [_WRITTEN[place]]}
            service.submit(session, state.hook, attempt, actor=learner, now=at, answers=answers)
            if place < len(_MARKS):
                session.flush()  # marking reads the attempt anew
                later = at + timedelta(hours=9)
                marks = {"q1": _MARKS[place]}
                awaiting.give(session, state.hook, attempt, marks, actor=marker, now=later)


def _essay(session: Session, run_id: int) -> Activity | None:
    """The last activity of the run's version."""
    return session.scalars(
        select(Activity)
        .join(Unit, Unit.id == Activity.unit_id)
        .join(Run, Run.version_id == Unit.version_id)
        .where(Run.id == run_id)
        .order_by(Unit.position.desc(), Activity.position.desc())
    ).first()


def _ready(session: Session, run_id: int) -> list[Enrolment]:
    """Whose progress is whole: what is left is what a person marks."""
    query = (
        select(Enrolment)
        .where(Enrolment.run_id == run_id, Enrolment.progress_permille == 1000)
        .order_by(Enrolment.id)
        .limit(len(_WRITTEN))
    )
    return list(session.scalars(query))


def _actor(session: Session, settings: Any, subject: str, now: datetime) -> Actor | None:
    return find_actor(session, Identity(subject=subject), now=now, settings=settings)
