"""Learning sessions: the one place where a person learns at a time."""

import secrets
from datetime import datetime, timedelta

import msgspec
import pluggy
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lms.errors import ElsewhereError, InvalidError
from lms.learning import coverage, playing, rules, service, stating
from lms.learning.coverage import Interval
from lms.learning.models import Activity, Coverage, Enrolment, LearningSession
from lms.learning.pings import ELSEWHERE, Reading

LIVE = timedelta(seconds=90)
"""How long after its last report a device still counts as learning: nine pings missed."""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What a player needs to know to begin."""

    token: str
    seq: int
    """The last report taken under this token; the next one is higher."""

    position_ms: int
    covered: list[Interval]
    covered_ms: int
    duration_ms: int
    speed_percent: int
    free_skip: bool
    need_permille: int


def begin(
    session: Session,
    hook: pluggy.HookRelay,
    enrolment: Enrolment,
    activity: Activity,
    *,
    device: str,
    take_over: bool,
    resume: str | None,
    by: Reading,
) -> Begun:
    """Make this the place where the person learns.

    `resume`: the token this browser tab had last; a reload is no second device, and keeps its
    token when it is the same video. Raises ElsewhereError when another device reported within
    LIVE and `take_over` is not set, ClosedError when the activity is not open.
    """
    duration = int(activity.config.get("duration_ms") or 0)
    if not duration:
        raise InvalidError("재생 기록이 없는 활동입니다. 화면을 새로 고쳐 주십시오.")
    service.check_open(session, hook, enrolment, activity, now=by.now)
    place = (enrolment.id, activity.id)
    current = _place(session, place, device=device, take_over=take_over, resume=resume, by=by)
    rule = rules.parse(enrolment.run.rule)
    kept = session.scalar(
        select(Coverage).filter_by(enrolment_id=enrolment.id, activity_id=activity.id)
    )
    if kept is None:
        kept = _first(session, enrolment, activity, by.now)
        statement = playing.initialized(
            stating.setting_of(session, enrolment.id),
            activity,
            current.token,
            duration_ms=duration,
            threshold=rule.progress_permille,
            now=by.now,
        )
        service.record(session, hook, enrolment.id, activity.id, [statement], now=by.now)
    enrolment.last_activity_id = activity.id
    enrolment.last_position_ms = kept.position_ms
    enrolment.last_act_at = by.now
    covered = coverage.merge(kept.intervals)
    return Begun(
        token=current.token,
        seq=current.seq,
        position_ms=kept.position_ms,
        covered=covered,
        covered_ms=coverage.total(covered),
        duration_ms=duration,
        speed_percent=rule.speed_percent,
        free_skip=rule.free_skip,
        need_permille=rule.progress_permille,
    )


def _place(
    session: Session,
    place: tuple[int, int],
    *,
    device: str,
    take_over: bool,
    resume: str | None,
    by: Reading,
) -> LearningSession:
    current = session.scalar(
        select(LearningSession).filter_by(person_id=by.person_id).with_for_update()
    )
    if current is None:
        current = LearningSession(institution_id=by.institution_id, person_id=by.person_id)
        session.add(current)
    elif resume is not None and secrets.compare_digest(resume.encode(), current.token.encode()):
        if (current.enrolment_id, current.activity_id) == place:
            current.seen_at = by.now
            return current
    elif current.seen_at > by.now - LIVE:
        if not take_over:
            raise ElsewhereError(ELSEWHERE, device=current.device)
        # A signal for people to look at; nothing is decided by it.
        session.execute(
            update(Enrolment).where(Enrolment.id == place[0]).values(overlapped_at=by.now)
        )
    current.token = secrets.token_urlsafe(24)
    current.device = device
    current.enrolment_id, current.activity_id = place
    current.started_at = current.seen_at = current.credited_at = by.now
    current.mono_ms = by.mono_ms
    current.boot = by.boot
    current.seq = 0
    return current


def _first(session: Session, enrolment: Enrolment, activity: Activity, now: datetime) -> Coverage:
    kept = Coverage(
        institution_id=enrolment.institution_id,
        enrolment_id=enrolment.id,
        activity_id=activity.id,
        intervals=[],
        covered_ms=0,
        position_ms=0,
        stated_ms=0,
        updated_at=now,
    )
    session.add(kept)
    return kept
