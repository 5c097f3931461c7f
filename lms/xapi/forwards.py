"""Other record stores that are told what is stored here: which, and what of it they get."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pluggy
from sqlalchemy import ColumnElement, Connection, and_, exists, false, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from lms.errors import ConflictError, InvalidError, NotFoundError
from lms.people import audit
from lms.people.sealing import Sealer
from lms.xapi.actors import find_key
from lms.xapi.formats import is_uuid
from lms.xapi.models import Forward, Reference, Statement
from lms.xapi.reaching import check_url
from lms.xapi.vocabulary import VOIDED

VERSIONS = ("1.0.3", "2.0.0")
MOST = 20
"""Of one institution: each costs a pass over what is stored."""

LATE = timedelta(hours=1)
"""Somebody is told when the oldest unsent statement is older."""

_MOST_NAME = 100
_IN_FLIGHT = 10_000
"""More rows than transactions can have numbered and not committed yet."""

# A row that is a day old counts by its age alone: the numbers of transactions start anew some day.
_SETTLED = text("""
    WITH look AS (
        SELECT id,
            age(xmin) > age(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS xid))
            OR stored < clock_timestamp() - interval '1 day' AS is_over
        FROM lms_statement WHERE id > :after ORDER BY id LIMIT :most
    )
    SELECT max(id) FROM look
    WHERE id < coalesce((SELECT min(id) FROM look WHERE NOT is_over), 9223372036854775807)
""")
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S*")
_NO_NAME = "보낼 곳의 이름을 {most}자까지 적어 주십시오."
_NO_VERSION = "보낼 곳이 받는 판을 골라 주십시오: 1.0.3 또는 2.0.0."
_NOT_IRI = "http://로 시작하는 IRI를 적어 주십시오."
_NOT_UUID = "등록(registration)은 UUID로 적어 주십시오."
_NO_CREDENTIAL = (
    "보낼 곳에서 받은 사용자 이름과 비밀 값을 적어 주십시오. 이름에 :는 쓸 수 없습니다."
)
_TOO_MANY = "보낼 곳은 {most}곳까지 둘 수 있습니다. 쓰지 않는 곳을 지워 주십시오."
_UNKNOWN = "그런 보낼 곳이 이 기관에 없습니다: {name}"
_NO_REASON = "까닭을 적어 주십시오. 감사 기록에 남습니다."


def make(
    session: Session,
    sealer: Sealer,
    institution_id: int,
    *,
    name: str,
    url: str,
    username: str,
    secret: str,
    version: str = "1.0.3",
    verb: str = "",
    activity: str = "",
    registration: str = "",
    run_id: int | None = None,
    with_past: bool = False,
    private: bool = False,
    reason: str,
    now: datetime,
    actor_id: int | None = None,
) -> Forward:
    """Have statements sent on from now, or with `with_past` all that are stored already.

    Empty filters let everything through. `private`: whether the address may be inside a private
    network. Raises InvalidError (its field is the parameter's name), ConflictError above MOST.
    """
    _check(name, version, username, secret, reason)
    _check_filters(verb, activity, registration)
    if len(standing(session, institution_id)) >= MOST:
        raise ConflictError(_TOO_MANY, most=MOST)
    row = Forward(
        institution_id=institution_id,
        name=name.strip(),
        url=check_url(url, private=private),
        version=version,
        sealed=sealer.seal(f"{username}:{secret}"),
        verb=verb.strip() or None,
        activity=activity.strip() or None,
        registration=registration.strip().lower() or None,
        run_id=run_id,
        created_at=now,
        cursor=0 if with_past else _latest(session.connection()),
        sent=0,
        refused=0,
        failures=0,
    )
    session.add(row)
    session.flush()  # the audit row names it
    _audit(session, row, "forward.made", reason, now, actor_id, url=row.url)
    return row


def pause(
    session: Session,
    forward: Forward,
    *,
    paused: bool,
    reason: str,
    now: datetime,
    actor_id: int | None = None,
) -> None:
    """Send nothing for now, or go on where it stopped. A second time changes nothing."""
    _check_reason(reason)
    if forward.removed_at is not None or (forward.paused_at is not None) == paused:
        return
    forward.paused_at = now if paused else None
    forward.failures, forward.retry_at = 0, None
    act = "forward.paused" if paused else "forward.resumed"
    _audit(session, forward, act, reason, now, actor_id)


def remove(
    session: Session,
    forward: Forward,
    *,
    reason: str,
    now: datetime,
    actor_id: int | None = None,
) -> None:
    """Send nothing any more, and forget the secret. A second time changes nothing."""
    _check_reason(reason)
    if forward.removed_at is not None:
        return
    forward.removed_at, forward.sealed = now, ""
    _audit(session, forward, "forward.removed", reason, now, actor_id, url=forward.url)


def standing(session: Session, institution_id: int) -> Sequence[Forward]:
    """Those that are not removed, in the order in which they were made."""
    return session.scalars(
        select(Forward)
        .where(Forward.institution_id == institution_id, Forward.removed_at.is_(None))
        .order_by(Forward.id)
    ).all()


def named(session: Session, institution_id: int, name: str) -> Forward:
    """The one of that name or number. Raises NotFoundError."""
    for one in standing(session, institution_id):
        if name in {one.name, str(one.id)}:
            return one
    raise NotFoundError(_UNKNOWN, name=name)


def wanted(forward: Forward, hook: pluggy.HookRelay) -> list[ColumnElement[bool]]:
    """What of Statement is sent there, as conditions.

    A voiding statement goes where what it voids goes: else it would stay valid there.
    """
    told = _narrowed(Statement, forward, hook)
    home = Statement.institution_id == forward.institution_id
    if not told:
        return [home]
    target = aliased(Statement)
    voids = exists(
        select(Reference.id)
        .join(
            target,
            (target.institution_id == Reference.institution_id)
            & (target.statement_id == Reference.target),
        )
        .where(Reference.row_id == Statement.id, *_narrowed(target, forward, hook))
    )
    return [home, or_(and_(*told), and_(Statement.verb == VOIDED, voids))]


def oldest_unsent(
    connection: Connection, forwards: Sequence[Forward], hook: pluggy.HookRelay
) -> dict[int, datetime]:
    """Forward's id → when the oldest of what it waits for was stored; one query for all."""
    if not forwards:
        return {}
    oldest = [
        select(Statement.stored)
        .where(*wanted(one, hook), Statement.id > one.cursor)
        .order_by(Statement.id)
        .limit(1)
        .scalar_subquery()
        for one in forwards
    ]
    row = connection.execute(select(*oldest)).one()
    return {one.id: at for one, at in zip(forwards, row, strict=True) if at is not None}


def settled(connection: Connection, after: int, *, most: int) -> int:
    """The row, from `after` on, up to which all statements there will ever be can be seen now.

    Looks at `most` rows. Rows are numbered before they are committed: SQLite has one writer, so
    that they come in order, but on PostgreSQL one with a lower number may come later. There a row
    counts once every transaction is over that had begun to write when its own did.
    """
    if connection.dialect.name == "postgresql":
        found = connection.execute(_SETTLED, {"after": after, "most": most}).scalar()
    else:
        rows = select(Statement.id).where(Statement.id > after).order_by(Statement.id).limit(most)
        found = connection.execute(select(func.max(rows.subquery().c.id))).scalar()
    return after if found is None else int(found)


def _latest(connection: Connection) -> int:
    top = connection.execute(select(func.max(Statement.id))).scalar() or 0
    return settled(connection, max(0, top - _IN_FLIGHT), most=_IN_FLIGHT)


def _narrowed(
    statement: Any, forward: Forward, hook: pluggy.HookRelay
) -> list[ColumnElement[bool]]:
    told: list[ColumnElement[bool]] = []
    if forward.verb is not None:
        told.append(statement.verb == find_key(forward.verb))
    if (start := forward.activity) is not None:
        # Not LIKE, which on SQLite takes capitals for small letters.
        told.append(func.substr(statement.activity, 1, len(start)) == start)
    if forward.registration is not None:
        told.append(statement.registration == forward.registration)
    if forward.run_id is not None:
        ids = hook.lms_run_registrations(
            institution_id=forward.institution_id, run_id=forward.run_id
        )
        told.append(false() if ids is None else statement.registration.in_(ids))
    return told


def _check(name: str, version: str, username: str, secret: str, reason: str) -> None:
    if not 0 < len(name.strip()) <= _MOST_NAME:
        raise InvalidError(_NO_NAME, field="name", most=_MOST_NAME)
    if version not in VERSIONS:
        raise InvalidError(_NO_VERSION, field="version")
    if not username or not secret or ":" in username:
        raise InvalidError(_NO_CREDENTIAL, field="username")
    _check_reason(reason)


def _check_filters(verb: str, activity: str, registration: str) -> None:
    for field, given in (("verb", verb), ("activity", activity)):
        if given.strip() and not _IRI.fullmatch(given.strip()):
            raise InvalidError(_NOT_IRI, field=field)
    if registration.strip() and not is_uuid(registration.strip()):
        raise InvalidError(_NOT_UUID, field="registration")


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidError(_NO_REASON, field="reason")


def _audit(
    session: Session,
    forward: Forward,
    act: str,
    reason: str,
    now: datetime,
    actor_id: int | None,
    **detail: object,
) -> None:
    audit.write(
        session,
        institution_id=forward.institution_id,
        actor_id=actor_id,
        act=act,
        subject="forward",
        subject_id=forward.id,
        reason=reason.strip(),
        now=now,
        name=forward.name,
        **detail,
    )
