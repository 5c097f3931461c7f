"""Other record stores that statements are sent on to: how each is doing; made, paused, removed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.edge import hook, now, person, render, sealer, session, state, words_here
from lms.edge.deciding import FIRST, Item, Waits
from lms.edge.rendering import url
from lms.xapi import forwards as service
from lms.xapi.models import Forward, ForwardRefusal
from lms.xapi.permissions import KEEP_FORWARDS, READ_RECORDS
from lms.xapi.views.entrance import blueprint, done, tabs

_MOST_REASON = 500
_REFUSALS = 20


@blueprint.get("/manage/records/forwards", permission=READ_RECORDS, scope="institution")
def forwards() -> ResponseReturnValue:
    return _page()


@blueprint.post("/manage/records/forwards", permission=KEEP_FORWARDS, scope="institution")
def make_forward() -> ResponseReturnValue:
    """Form: `name`, `url`, `username`, `secret`, `version`, filters, `with_past`, `reason`."""

    def work() -> dict[str, Any]:
        me, form = person(), request.form
        texts = ("name", "url", "username", "secret", "verb", "activity", "registration")
        made = service.make(
            session(),
            sealer(),
            me.institution_id,
            **{name: form.get(name, "").replace("\x00", "") for name in texts},
            version=form.get("version", "1.0.3"),
            run_id=form.get("run_id", type=int),
            with_past=bool(form.get("with_past")),
            private=state().settings.forward_private,
            reason=_reason(),
            now=now(),
            actor_id=me.person_id,
        )
        return {"made": made}

    return done("make", work, _page)


@blueprint.post(
    "/manage/records/forwards/<int:id>/pause",
    permission=KEEP_FORWARDS,
    scope="institution",
    on=Forward,
)
def pause_forward(forward: Forward) -> ResponseReturnValue:
    """Form: `paused` (1, or 0 to go on), `reason`."""
    paused = request.form.get("paused") == "1"

    def work() -> dict[str, Any]:
        how: dict[str, Any] = {"reason": _reason(), "now": now(), "actor_id": person().person_id}
        service.pause(session(), forward, paused=paused, **how)
        return {"changed": forward}

    return done(f"pause-{forward.id}", work, _page)


@blueprint.post(
    "/manage/records/forwards/<int:id>/remove",
    permission=KEEP_FORWARDS,
    scope="institution",
    on=Forward,
)
def remove_forward(forward: Forward) -> ResponseReturnValue:
    """Form: `reason`."""

    def work() -> dict[str, Any]:
        how: dict[str, Any] = {"reason": _reason(), "now": now(), "actor_id": person().person_id}
        service.remove(session(), forward, **how)
        return {"removed": forward}

    return done(f"remove-{forward.id}", work, _page)


def forwards_late(database: Session, actor: Any, relay: Any, at: datetime) -> Iterable[Waits]:
    """What the start page says of stores that wait for what is older than an hour: two queries."""
    if not KEEP_FORWARDS.allows(actor, None):
        return
    rows = [one for one in service.standing(database, actor.institution_id) if not one.paused_at]
    oldest = service.oldest_unsent(database.connection(), rows, relay)
    late = [one for one in rows if one.id in oldest and at - oldest[one.id] > service.LATE]
    yield Waits(
        order=80,
        title="기록을 전하지 못하고 있는 곳 {n}곳",
        count=len(late),
        icon="error",
        action="전달 살펴보러 가기",
        href=url("records.forwards"),
        items=tuple(
            Item(one.name, url("records.forwards"), one.last_error or "", {}, oldest[one.id])
            for one in late[:FIRST]
        ),
        hint="한 시간이 넘도록 전하지 못한 문장이 있습니다. 저쪽의 답과 열쇠를 확인해 주십시오.",
    )


def _reason() -> str:
    return request.form.get("reason", "").replace("\x00", "").strip()[:_MOST_REASON]


def _page(
    *,
    form: str | None = None,
    wrong: dict[str, str] | None = None,
    made: Forward | None = None,
    changed: Forward | None = None,
    removed: Forward | None = None,
) -> str:
    me, database = person(), session()
    rows = service.standing(database, me.institution_id)
    runs = hook().lms_run_names(session=database, institution_id=me.institution_id, run_ids=None)
    refusals = database.scalars(
        select(ForwardRefusal)
        .join(Forward, Forward.id == ForwardRefusal.forward_id)
        .where(ForwardRefusal.institution_id == me.institution_id, Forward.removed_at.is_(None))
        .order_by(ForwardRefusal.id.desc())
        .limit(_REFUSALS)
    )
    return render(
        "lms/xapi/forwards.html",
        tabs=tabs(),
        rows=rows,
        oldest=service.oldest_unsent(database.connection(), rows, hook()),
        late=service.LATE,
        refusals=refusals.all(),
        names={one.id: one.name for one in rows},
        runs=[("", words_here().text("모든 기수")), *(runs or {}).items()],
        versions=[(one, one) for one in service.VERSIONS],
        form=form,
        wrong=wrong or {},
        typed=request.form,
        made=made,
        changed=changed,
        removed=removed,
        may_keep=KEEP_FORWARDS.allows(me, None),
    )
