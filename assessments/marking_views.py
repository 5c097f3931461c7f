"""The marking queue: what waits, the next one in front."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue

from assessments import awaiting
from assessments.awaiting import Mark
from assessments.models import QuizAttempt
from assessments.permissions import MARK, MARKING
from lms.edge import Blueprint, hook, now, person, render, session, words_here
from lms.edge.rendering import url
from lms.errors import ClosedError, ConflictError

blueprint = Blueprint("marking", __name__)


@blueprint.get("/marking", permission=MARKING, scope="institution")
def queue() -> ResponseReturnValue:
    return render(
        "lms/assessments/marking.html",
        piles=awaiting.piles(session(), person()),
        done=request.args.get("done") == "all",
    )


@blueprint.get("/marking/next", permission=MARKING, scope="institution")
def following() -> ResponseReturnValue:
    run_id = request.args.get("run", type=int)
    activity_id = request.args.get("activity", type=int)
    found = awaiting.next_attempt(session(), person(), run_id=run_id, activity_id=activity_id)
    if found is None:
        return redirect(url("marking.queue", done="all"), 303)
    return redirect(url("marking.attempt", id=found), 303)


@blueprint.get("/marking/attempts/<int:id>", permission=MARK, scope="institution", on=QuizAttempt)
def attempt(attempt: QuizAttempt) -> ResponseReturnValue:
    return _page(attempt, {}, {})


@blueprint.post("/marking/attempts/<int:id>", permission=MARK, scope="institution", on=QuizAttempt)
def give(attempt: QuizAttempt) -> ResponseReturnValue:
    form = request.form
    errors: dict[str, str] = {}
    marks: dict[str, Mark] = {}
    for question, _, _ in awaiting.essays(session(), attempt):
        told = form.get(f"points-{question.id}", "").strip()
        comment = form.get(f"comment-{question.id}", "").strip()[:2000]
        if told.isdecimal() and len(told) < 6 and int(told) <= question.points:
            marks[question.id] = Mark(int(told), comment)
        else:
            errors[f"points-{question.id}"] = words_here().text(
                "점수는 0점에서 {most}점 사이의 정수로 적어 주십시오.", most=question.points
            )
    if errors:
        return _page(attempt, errors, dict(form)), 422
    try:
        awaiting.give(
            session(),
            hook(),
            attempt,
            marks,
            actor=person(),
            now=now(),
            reason=form.get("reason", "")[:500],
        )
    except (ClosedError, ConflictError) as error:  # raised before anything was written
        shown = {"reason": words_here().text(error.message, **error.params)}
        return _page(attempt, shown, dict(form)), 409
    if form.get("stay"):
        return redirect(url("marking.attempt", id=attempt.id, done="saved"), 303)
    return redirect(
        url("marking.following", run=attempt.enrolment.run_id, activity=attempt.activity_id), 303
    )


def _page(attempt: QuizAttempt, errors: dict[str, str], typed: dict[str, Any]) -> str:
    if attempt.submitted_at is None:
        raise ConflictError("아직 내지 않은 답입니다. 낸 뒤에 채점할 수 있습니다.")
    learner = attempt.enrolment.person
    rest = [
        pile
        for pile in awaiting.piles(session(), person())
        if (pile.run_id, pile.activity_id) == (attempt.enrolment.run_id, attempt.activity_id)
    ]
    return render(
        "lms/assessments/mark.html",
        attempt=attempt,
        run=attempt.enrolment.run,
        course=attempt.enrolment.run.course,
        learner=learner,
        school=learner.organisation.name if learner.organisation else None,
        essays=awaiting.essays(session(), attempt),
        left=rest[0].waiting if rest else 0,
        errors=errors,
        typed=typed,
        saved=request.args.get("done") == "saved",
    )
