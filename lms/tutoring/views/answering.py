"""Questions from learners: the inbox, one question with what was said, and the answer."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms.edge import now, person, render, session
from lms.edge.rendering import url
from lms.edge.watching import log_access
from lms.learning.permissions import LOOK_AFTER
from lms.tutoring import overview, questions
from lms.tutoring.models import Question
from lms.tutoring.permissions import ANSWER
from lms.tutoring.views.entrance import blueprint


@blueprint.get("/desk/questions", permission=ANSWER, scope="institution")
def inbox() -> ResponseReturnValue:
    """Those that waited longest first; `run` narrows it to one run."""
    me = person()
    answered = request.args.get("answered") == "1"
    run_ids, run_id = overview.answered_by(me), request.args.get("run", type=int)
    if run_id is not None:
        run_ids = [run_id] if run_ids is None or run_id in run_ids else []
    found = questions.inbox(
        session(), me.institution_id, run_ids, answered=answered, after=_after()
    )
    rows = found[: questions.PAGE]
    following = None
    if len(found) > questions.PAGE:
        last = rows[-1].Question
        when = last.answered_at if answered else last.at
        kept = {"answered": "1"} if answered else {}
        kept |= {"run": str(run_id)} if run_id is not None else {}
        following = "?" + urlencode({**kept, "after": f"{when.isoformat()}_{last.id}"})
    return render(
        "lms/tutoring/inbox.html",
        rows=rows,
        late={row.Question.id for row in rows if questions.is_late(row.Question, now())},
        answered=answered,
        run_id=run_id,
        following=following,
        first=_after() is None,
        said=request.args.get("said", ""),
    )


@blueprint.get("/desk/questions/<int:id>", permission=LOOK_AFTER, scope="institution", on=Question)
def question(question: Question) -> ResponseReturnValue:
    log_access("view", "person", question.person_id)
    return render("lms/tutoring/question.html", **thread(question), staff=True)


@blueprint.post(
    "/desk/questions/<int:id>/answers", permission=LOOK_AFTER, scope="institution", on=Question
)
def answer(question: Question) -> ResponseReturnValue:
    """Form: `text`."""
    text = request.form.get("text", "")
    questions.add(session(), question, text, author_id=person().person_id, now=now())
    return redirect(url("tutoring.inbox", said="answered"), 303)


def thread(question: Question) -> dict[str, Any]:
    """What both sides' page of a question shows."""
    return {
        "line": questions.one(session(), question.id),
        "question": question,
        "replies": questions.replies(session(), question.id),
        "late": questions.is_late(question, now()),
        "longest": questions.LONGEST,
    }


def _after() -> tuple[datetime, int] | None:
    when, _, number = request.args.get("after", "").rpartition("_")
    try:
        at = datetime.fromisoformat(when.replace(" ", "+"))
        return (at, int(number)) if at.tzinfo is not None and len(number) < 18 else None
    except ValueError:
        return None
