"""Everybody's own way into a live meeting."""

import secrets
from datetime import datetime

import pluggy
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.classroom import providers
from lms.classroom.models import JoinLink, Meeting, Seat
from lms.classroom.planning import BY_LINK

_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without those that are read for one another: people may have to type it."""


def open_for(
    session: Session, hook: pluggy.HookRelay, meeting: Meeting, seat: Seat, *, now: datetime
) -> JoinLink | None:
    """The person's link; None for a meeting that nobody joins by one."""
    return open_link(session, hook, meeting, seat.person_id, now=now)


def open_link(
    session: Session, hook: pluggy.HookRelay, meeting: Meeting, person_id: int, *, now: datetime
) -> JoinLink | None:
    """As open_for(), for who needs no seat: an instructor."""
    if meeting.kind not in BY_LINK or meeting.provider is None:
        return None
    provider = providers.provider_of(hook, meeting.provider)
    found = of_person(session, meeting.id, person_id)
    if found is None:
        found = JoinLink(
            institution_id=meeting.institution_id,
            meeting_id=meeting.id,
            person_id=person_id,
            token=secrets.token_urlsafe(24),
            participant="".join(secrets.choice(_LETTERS) for _ in range(8)),
            made_at=now,
        )
        session.add(found)
    found.url = provider.link(meeting.provider_told, found.participant)
    found.ended_at = None
    return found


def close_for(session: Session, seat: Seat, *, now: datetime) -> None:
    """The link leads nowhere any more."""
    found = of_person(session, seat.meeting_id, seat.person_id)
    if found is not None and found.ended_at is None:
        found.ended_at = now


def of_person(session: Session, meeting_id: int, person_id: int) -> JoinLink | None:
    return session.scalar(
        select(JoinLink).where(JoinLink.meeting_id == meeting_id, JoinLink.person_id == person_id)
    )


def renew(session: Session, hook: pluggy.HookRelay, meeting: Meeting) -> None:
    """The provider's address changed: everybody's own page leads to the new one."""
    if meeting.kind not in BY_LINK or meeting.provider is None:
        return
    provider = providers.provider_of(hook, meeting.provider)
    for one in session.scalars(select(JoinLink).where(JoinLink.meeting_id == meeting.id)):
        one.url = provider.link(meeting.provider_told, one.participant)


def by_token(session: Session, token: str) -> JoinLink | None:
    return session.scalar(select(JoinLink).where(JoinLink.token == token))
