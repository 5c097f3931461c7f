"""The office's pages of completions under review: which wait, one of them, the decision."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from flask import redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.credentials import reviewing
from lms.credentials.permissions import REVIEW
from lms.credentials.service import REVOKE_CLASSES
from lms.edge import Blueprint, hook, now, page, person, render, session, words_here
from lms.edge.deciding import FIRST, Item, Waits
from lms.edge.rendering import url
from lms.edge.watching import log_access
from lms.errors import LMSError
from lms.learning import pages
from lms.learning.evaluate import Clause
from lms.learning.models import CompletionReview
from lms.people.models import Person

blueprint = Blueprint("reviews", __name__)

DECISION_WORDS = {
    "kept": "그대로 둠",
    "recomputed": "남은 기록으로 바로잡음",
    "revoked": "취소함",
}
CLASS_WORDS = {
    "error": "발급 오류",
    "withdrawn": "이수 취소",
    "fraud": "발급 요건과 다름",
}
_MOST_TEXT = 500


@blueprint.get("/manage/reviews", permission=REVIEW, scope="institution")
def listed() -> ResponseReturnValue:
    """`after`: the id that the page before ended with."""
    after = request.args.get("after", 0, type=int)
    rows = reviewing.waiting(session(), person().institution_id, after=max(0, after))
    shown, more = rows[: reviewing.PAGE], len(rows) > reviewing.PAGE
    if shown:
        log_access("view", "completion", None)
    return render(
        "lms/credentials/reviews.html",
        rows=shown,
        first=not after,
        following=url("reviews.listed", after=shown[-1][0].id) if more else None,
    )


@blueprint.get(
    "/manage/reviews/<int:id>", permission=REVIEW, scope="institution", on=CompletionReview
)
def one(review: CompletionReview) -> ResponseReturnValue:
    log_access("view", "person", review.completion.enrolment.person_id)
    return _page(review)


@blueprint.post(
    "/manage/reviews/<int:id>", permission=REVIEW, scope="institution", on=CompletionReview
)
def decide(review: CompletionReview) -> ResponseReturnValue:
    """Form: `decision`, `reason`, `seen` (voided statements on the page), `class` for revoking."""
    given = request.form
    try:
        reviewing.decide(
            session(),
            hook(),
            review,
            given.get("decision", ""),
            reason=given.get("reason", "")[:_MOST_TEXT],
            seen=given.get("seen", -1, type=int),
            revoke_class=given.get("class", "error"),
            actor_id=person().person_id,
            now=now(),
        )
    except LMSError as error:
        said = words_here().text(error.message, **error.params)
        field = getattr(error, "field", None) or "form"
        return page(_page(review, {field: said}), error.status)
    return redirect(url("reviews.one", id=review.id), 303)


def waits(database: Session, actor: Any) -> Iterable[Waits]:
    """What the start page says of them, to those who may decide."""
    if not REVIEW.allows(actor, None):
        return
    rows = reviewing.waiting(database, actor.institution_id, most=FIRST - 1)
    items = tuple(
        Item(
            f"{row[1]} · {row[2]}",
            url("reviews.one", id=row[0].id),
            "무효가 된 기록 {n}건",
            {"n": len(row[0].statements)},
            row[0].opened_at,
        )
        for row in rows
    )
    yield Waits(
        order=15,
        title="기록이 무효가 되어 다시 볼 이수 {n}건",
        count=rows[0].all if rows else 0,
        icon="shield",
        action="이수 살펴보러 가기",
        href=url("reviews.listed"),
        items=items,
    )


def _page(review: CompletionReview, wrong: dict[str, str] | None = None) -> str:
    completion = review.completion
    enrolment = completion.enrolment
    left = reviewing.standing(session(), enrolment)
    decider = (
        session().scalar(select(Person.name).where(Person.id == review.actor_id))
        if review.actor_id
        else None
    )
    return render(
        "lms/credentials/review.html",
        review=review,
        completion=completion,
        person=enrolment.person,
        run=enrolment.run,
        course=enrolment.run.course,
        voided=[one | {"at": datetime.fromisoformat(one["at"])} for one in review.statements],
        left=left,
        before=pages.explain_tree(msgspec.convert(completion.verdict, Clause), words_here()),
        after=pages.explain_tree(left.verdict.clause, words_here()),
        certificate=reviewing.certificate_of(session(), completion.id),
        decisions=DECISION_WORDS,
        decided_by=decider,
        classes=[(key, words_here().text(CLASS_WORDS[key])) for key in REVOKE_CLASSES],
        wrong=wrong or {},
        typed=request.form,
    )
