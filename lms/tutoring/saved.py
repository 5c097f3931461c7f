"""Filters that somebody keeps."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.db import insert_for
from lms.errors import InvalidError
from lms.people.actor import Actor
from lms.tutoring.models import SavedView

MOST = 20
_LONGEST = 40


def views(session: Session, person_id: int, page: str) -> Sequence[SavedView]:
    """The person's filters for a page, by name."""
    query = select(SavedView).filter_by(person_id=person_id, page=page)
    return session.scalars(query.order_by(SavedView.name)).all()


def save(
    session: Session, actor: Actor, *, page: str, name: str, query: str, now: datetime
) -> None:
    """Keep a filter under a name; the same name again means the newer one.

    Raises InvalidError without a name, or with MOST of them kept already.
    """
    name = name.strip()[:_LONGEST]
    if not name:
        raise InvalidError("거르기의 이름을 적어 주십시오.", field="name")
    known = {one.name for one in views(session, actor.person_id, page)}
    if name not in known and len(known) >= MOST:
        raise InvalidError(
            "거르기는 {n}개까지 둘 수 있습니다. 쓰지 않는 것을 지워 주십시오.", n=MOST
        )
    row = {
        "institution_id": actor.institution_id,
        "person_id": actor.person_id,
        "page": page,
        "name": name,
        "query": query,
        "at": now,
    }
    insert = insert_for(session.connection(), SavedView).values(row)
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["person_id", "page", "name"], set_={"query": query, "at": now}
        )
    )
