"""What waits for those who run the institution: one page, each room tells its part."""

from collections.abc import Iterable
from typing import Any

from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms.edge import Blueprint, Entry, hook, now, person, render, session, state, words_here
from lms.edge.deciding import FIRST, Item, Waits
from lms.outbox import Task
from lms.web.permissions import MANAGE

blueprint = Blueprint("manage", __name__)
ENTRY = Entry("처리할 일", "check", "manage.start", 24, frozenset({"officer", "institution_admin"}))


@blueprint.get("/manage", permission=MANAGE, scope="institution")
def start() -> ResponseReturnValue:
    me = person()
    told = hook().lms_to_decide(session=session(), actor=me, hook=hook(), now=now())
    found = sorted((one for some in told for one in some), key=lambda one: one.order)
    waits = [one for one in found if one.count]
    total = sum(one.count for one in waits)
    say = words_here()
    some = "결정을 기다리는 일이 {n}건 있습니다"
    title = say.count(some, some, total) if total else say.text("기다리는 일이 없습니다")
    return render("lms/web/manage.html", title=title, waits=waits, places=_places(me.roles))


def _places(roles: frozenset[str]) -> list[Entry]:
    """The rooms of those who work here: the menu has no place for all of them."""
    return [one for one in state().menu if one.roles & roles and one is not ENTRY]


def given_up(database: Session, actor: Any) -> Iterable[Waits]:
    """Promises of the institution that were tried to the end: a person has to look."""
    if not MANAGE.allows(actor, None):
        return
    rows = database.execute(
        select(Task.name, Task.failed_at, func.count().over())
        .where(Task.institution_id == actor.institution_id, Task.failed_at.is_not(None))
        .where(Task.done_at.is_(None))
        .order_by(Task.failed_at)
        .limit(FIRST)
    ).all()
    yield Waits(
        order=90,
        title="끝내 하지 못한 일 {n}건",
        count=rows[0][2] if rows else 0,
        icon="error",
        action="",
        href=None,
        items=tuple(Item(name, "", since=failed_at) for name, failed_at, _ in rows),
        hint=(
            "전자우편 보내기처럼 여러 번 해 보고 그만둔 일입니다. "
            "서버를 맡은 사람에게 알려 주십시오."
        ),
    )
