"""A school's request through its states: draft · asked · sent_back · approved · withdrawn.

Each step is taken under the request's row lock, leaves an audit row and promises its mail.
"""

import hashlib
from datetime import date, datetime
from typing import Any

import msgspec
import pluggy
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.errors import ConflictError, InvalidError, LMSError
from lms.learning.models import Course
from lms.learning.running import joining, planning, runs, templates
from lms.learning.running.planning import RunPlan
from lms.outbox import promise
from lms.partners import checking
from lms.partners.models import SchoolRequest
from lms.people import audit

STATES = {
    "draft": "쓰는 중",
    "asked": "승인 기다림",
    "sent_back": "돌려받음",
    "approved": "승인됨",
    "withdrawn": "거둠",
}
EDITABLE = ("draft", "sent_back")
PLAIN = frozenset({"만듦", "보냄", "거둠", "승인"})
"""Reasons that stand in the audit trail where nobody wrote one."""


def ask(
    session: Session,
    request: SchoolRequest,
    *,
    known: str,
    actor_id: int,
    now: datetime,
    today: date,
) -> bool:
    """Send it to the institute; False when it was sent already.

    Raises InvalidError with the first thing that is missing.
    """
    request = locked(session, request)
    if request.state == "asked":
        return False
    request = edited(session, request, known)
    if not request.courses:
        raise InvalidError("과정을 한 개 이상 담아 주십시오.", field="courses")
    if not request.people:
        raise InvalidError("연수를 받을 사람을 골라 주십시오.", field="people")
    if request.learn_from < today:
        raise InvalidError(
            "학습을 시작하는 날({day})이 지났습니다. 오늘이나 그 뒤로 고쳐 주십시오.",
            field="learn_from",
            day=request.learn_from,
        )
    request.asked_by, request.asked_at = actor_id, now
    request.decided_at = request.decided_by = request.reason = None
    _move(session, request, "asked", "보냄", actor_id=actor_id, now=now)
    _tell(session, request, now)
    return True


def withdraw(
    session: Session, request: SchoolRequest, *, reason: str, actor_id: int, now: datetime
) -> bool:
    """The school wants it no more; False when it had said so. Raises ConflictError when decided."""
    request = locked(session, request)
    if request.state == "withdrawn":
        return False
    if request.state == "approved":
        raise ConflictError("이미 승인된 연수입니다. 그만두려면 연수원에 연락해 주십시오.")
    was_asked, why = request.state == "asked", reason.strip() or "거둠"
    _move(session, request, "withdrawn", why, actor_id=actor_id, now=now)
    if was_asked:
        _tell(session, request, now)
    return True


def send_back(
    session: Session,
    request: SchoolRequest,
    *,
    known: str,
    reason: str,
    actor_id: int,
    now: datetime,
) -> bool:
    """Back to the school, to be mended; False when it is back already.

    Raises InvalidError without a reason, ConflictError when somebody has decided otherwise.
    """
    request = locked(session, request)
    if request.state == "sent_back":
        return False
    if not reason.strip():
        raise InvalidError("무엇을 고치면 되는지 적어 주십시오. 학교가 읽습니다.", field="reason")
    _check_asked(request, known)
    request.decided_at, request.decided_by, request.reason = now, actor_id, reason.strip()
    _move(session, request, "sent_back", reason.strip(), actor_id=actor_id, now=now)
    _tell(session, request, now)
    return True


def approve(
    session: Session,
    hook: pluggy.HookRelay,
    request: SchoolRequest,
    *,
    known: str,
    word: str = "",
    actor_id: int,
    now: datetime,
    today: date,
) -> list[int]:
    """Open a run for each course and enrol the staff, all in one; the runs' ids.

    Approved twice, or by two at once, the first one's runs are given. Raises ConflictError when
    it was changed or decided otherwise meanwhile, InvalidError when a check stands against it.
    """
    request = locked(session, request)
    if request.state == "approved":
        return list(request.runs)
    _check_asked(request, known)
    found = checking.findings(session, request, today=today)
    for one in found.grave:
        raise InvalidError(one.message, **one.params)
    request.state = "approved"  # at the door of its runs they are asked of as approved: permitted()
    left_out: list[list[Any]] = []
    for course in found.courses:
        run = _open(session, hook, request, course, actor_id, now)
        joined = joining.join_many(
            session, hook, run, found.people, source="school", actor_id=actor_id, now=now
        )
        left_out += [
            [run.id, person_id, told.message, _plain(told.params)]
            for person_id, told in joined.items()
            if isinstance(told, LMSError)
        ]
    request.decided_at, request.decided_by, request.reason = now, actor_id, word.strip() or None
    why = word.strip() or "승인"
    kept = {"runs": request.runs, "left_out": left_out, "gone": found.gone}
    note(session, request, "asked", why, actor_id=actor_id, now=now, **kept)
    _tell(session, request, now)
    return list(request.runs)


def permitted(session: Session, organisation_id: int, run_id: int) -> frozenset[int] | None:
    """Who may join a school's run: the staff whom the school named; None for no request's run.

    Asked for one person after another while many join: read once a transaction.
    """
    known: dict[int, frozenset[int] | None] = session.info.setdefault("lms_school_runs", {})
    if run_id not in known:
        rows = session.execute(
            select(SchoolRequest.runs, SchoolRequest.people).where(
                SchoolRequest.organisation_id == organisation_id, SchoolRequest.state == "approved"
            )
        )
        named = [frozenset(people) for run_ids, people in rows if run_id in run_ids]
        known[run_id] = named[0] if named else None
    return known[run_id]


def mark(request: SchoolRequest) -> str:
    """Names what the request says now, so that nobody decides on, or overwrites, another."""
    told = [
        request.title,
        request.message,
        request.courses,
        request.people,
        request.learn_from,
        request.learn_until,
    ]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:20]


def edited(session: Session, request: SchoolRequest, known: str | None = None) -> SchoolRequest:
    """The request, locked, if the school may change it now and nobody else has since `known`."""
    request = locked(session, request)
    if request.state not in EDITABLE:
        raise ConflictError("이미 보낸 신청은 고칠 수 없습니다. 고치려면 연수원에 연락해 주십시오.")
    if known is not None and known != mark(request):
        raise ConflictError(
            "그사이 다른 사람이 이 신청을 고쳤습니다. 새로 고친 화면에서 다시 해 주십시오."
        )
    return request


def locked(session: Session, request: SchoolRequest) -> SchoolRequest:
    """The request as it is now, its row locked until the transaction ends."""
    return session.scalars(
        select(SchoolRequest)
        .where(SchoolRequest.id == request.id)
        .with_for_update(of=SchoolRequest)
        .execution_options(populate_existing=True)
    ).one()


def note(
    session: Session,
    request: SchoolRequest,
    before: str,
    reason: str,
    *,
    actor_id: int,
    now: datetime,
    **detail: Any,
) -> None:
    """The audit row of the state that the request is in now."""
    audit.write(
        session,
        institution_id=request.institution_id,
        actor_id=actor_id,
        act=f"school_request.{request.state}",
        subject="school_request",
        subject_id=request.id,
        reason=reason,
        now=now,
        before=before,
        courses=request.courses,
        people=len(request.people),
        **detail,
    )


def _move(
    session: Session, request: SchoolRequest, to: str, reason: str, *, actor_id: int, now: datetime
) -> None:
    before, request.state = request.state, to
    note(session, request, before, reason, actor_id=actor_id, now=now)


def _tell(session: Session, request: SchoolRequest, now: datetime) -> None:
    promise(
        session,
        "partners.tell",
        key=f"school_request:{request.id}:{request.state}:{now.isoformat()}",
        now=now,
        institution_id=request.institution_id,
        request=request.id,
        step=request.state,
    )


def _open(
    session: Session,
    hook: pluggy.HookRelay,
    request: SchoolRequest,
    course: Course,
    actor_id: int,
    now: datetime,
) -> Any:
    version = planning.newest(session, course.id)
    assert version is not None  # noqa: S101  the checks just found one
    rule = templates.usual_rule(session, course, planning.outline(session, version))
    told = RunPlan(
        learn_from=request.learn_from,
        learn_until=request.learn_until,
        rule=rule,
        name=request.title,
        organisation_id=request.organisation_id,
    )
    run = runs.plan(session, course, told, actor_id=actor_id, now=now)
    runs.open_run(session, hook, run, actor_id=actor_id, now=now)
    request.runs = [*request.runs, run.id]
    session.flush()  # the check at the door reads the request's runs
    return run


def _check_asked(request: SchoolRequest, known: str) -> None:
    if request.state != "asked":
        raise ConflictError(
            "이 신청은 지금 「{state}」 상태입니다. 새로 고친 화면에서 확인해 주십시오.",
            state=STATES[request.state],
        )
    if known != mark(request):
        raise ConflictError(
            "학교가 그사이 고쳐 다시 보냈습니다. 내용을 다시 살펴본 뒤 정해 주십시오."
        )


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, date) else value
        for key, value in params.items()
    }
