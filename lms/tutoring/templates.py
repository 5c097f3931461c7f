"""The texts that nudges are made of: the institution's own, and those it begins with."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.db import insert_or_ignore
from lms.errors import InvalidError, NotFoundError
from lms.people import audit
from lms.tutoring import wording
from lms.tutoring.models import NudgeTemplate

MOST_DAYS = 60


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A template as it is used; `id` is None until the institution has its own row of it."""

    name: str
    subject: str
    body: str
    rule: dict[str, int] = {}
    active: bool = True
    id: int | None = None


DEFAULTS = (
    Text(
        name="멈춘 분께",
        subject="「{course}」 이어서 하시겠어요?",
        body="{name} 선생님, {unit}까지 들으신 뒤 {silent_days}일이 지났습니다. 지금까지 "
        "{progress} 하셨습니다.\n\n{deadline}에 마감합니다. {days_left}일 남았습니다. "
        "어려운 곳이 있으면 과정 화면의 ‘문의하기’로 물어 주십시오.",
    ),
    Text(
        name="시작하지 않은 분께",
        subject="「{course}」 첫 차시를 열어 보십시오",
        body="{name} 선생님, 신청하신 「{course}」를 아직 시작하지 않으셨습니다.\n\n"
        "{deadline}까지 들으실 수 있습니다. {days_left}일 남았습니다.",
    ),
    Text(
        name="평가만 남은 분께",
        subject="「{course}」 평가만 남았습니다",
        body="{name} 선생님, 진도 {progress}를 채우셨습니다. 평가를 마치면 이수하십니다.\n\n"
        "{deadline}까지 보실 수 있습니다.",
    ),
    Text(
        name="자동: 7일째 멈춘 분께",
        subject="「{course}」 이어서 하시겠어요?",
        body="{name} 선생님, 「{course}」를 {silent_days}일째 쉬고 계십니다. 지금까지 "
        "{progress} 하셨습니다.\n{deadline}에 마감합니다.",
        rule={"silent_days": 7},
    ),
    Text(
        name="자동: 마감 3일 전",
        subject="「{course}」 {days_left}일 남았습니다",
        body="{name} 선생님, 「{course}」가 {deadline}에 마감합니다. 지금까지 {progress} "
        "하셨습니다.",
        rule={"days_left": 3},
    ),
)


def all_of(session: Session, institution_id: int) -> list[Text]:
    """The institution's templates, and the defaults that it has not changed: one query."""
    rows = session.scalars(
        select(NudgeTemplate).filter_by(institution_id=institution_id).order_by(NudgeTemplate.id)
    )
    own = {row.name: _text(row) for row in rows}
    defaults = [own.pop(one.name, one) for one in DEFAULTS]
    return [*defaults, *own.values()]


def active(session: Session, institution_id: int) -> list[Text]:
    """Those in use."""
    return [one for one in all_of(session, institution_id) if one.active]


def find(texts: Sequence[Text], name: str) -> Text:
    """The template of that name. Raises NotFoundError."""
    for one in texts:
        if one.name == name:
            return one
    raise NotFoundError("그런 문안이 없습니다. 목록에서 다시 골라 주십시오.")


def settle(session: Session, institution_id: int) -> None:
    """Give the institution rows of its own for the defaults, so that what is sent refers to one."""
    rows = [
        {
            "institution_id": institution_id,
            "name": one.name,
            "subject": one.subject,
            "body": one.body,
            "rule": one.rule,
            "active": True,
        }
        for one in DEFAULTS
    ]
    session.execute(insert_or_ignore(session.connection(), NudgeTemplate), rows)


def write(
    session: Session,
    institution_id: int,
    told: Mapping[str, str],
    *,
    actor_id: int,
    now: datetime,
) -> NudgeTemplate:
    """Make or change the template of that name. Raises InvalidError saying what to mend.

    `told`: name, subject, body, `when` ("" by hand, silent_days, days_left), `days`, active.
    """
    texts = wording.check({key: told.get(key, "") for key in ("name", "subject", "body")})
    rule = _rule(told.get("when", ""), told.get("days", ""))
    row = session.scalar(
        select(NudgeTemplate).filter_by(institution_id=institution_id, name=texts["name"])
    )
    before = msgspec.to_builtins(_text(row)) if row is not None else {}
    if row is None:
        row = NudgeTemplate(institution_id=institution_id, name=texts["name"])
        session.add(row)
    row.subject, row.body, row.rule = texts["subject"], texts["body"], rule
    row.active = told.get("active") == "1"
    session.flush()  # its id names what was changed
    audit.write(
        session,
        institution_id=institution_id,
        actor_id=actor_id,
        act="nudge.template",
        subject="nudge_template",
        subject_id=row.id,
        reason="문안을 고침" if before else "문안을 만듦",
        now=now,
        before=before,
        after=msgspec.to_builtins(_text(row)),
    )
    return row


def _rule(when: str, days: str) -> dict[str, Any]:
    if when not in {"", "silent_days", "days_left"}:
        raise InvalidError("언제 보낼지 골라 주십시오.", field="when")
    if not when:
        return {}
    if not (days.isascii() and days.isdigit() and 1 <= int(days) <= MOST_DAYS):
        raise InvalidError("날 수는 1에서 {n} 사이여야 합니다.", field="days", n=MOST_DAYS)
    return {when: int(days)}


def _text(row: NudgeTemplate) -> Text:
    return Text(
        id=row.id,
        name=row.name,
        subject=row.subject,
        body=row.body,
        rule=dict(row.rule),
        active=row.active,
    )
