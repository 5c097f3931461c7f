"""Notices of a run, and the texts that nudges are made of."""

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms.edge import now, person, render, session
from lms.edge.rendering import url
from lms.errors import InvalidError
from lms.learning.models import Run
from lms.learning.permissions import LOOK_AFTER, READ_RUN
from lms.tutoring import notices as put
from lms.tutoring import templates as texts
from lms.tutoring import wording
from lms.tutoring.models import Notice
from lms.tutoring.permissions import WRITE_TEMPLATES
from lms.tutoring.views.entrance import blueprint


@blueprint.get("/desk/runs/<int:id>/notices", permission=READ_RUN, scope="institution", on=Run)
def notices(run: Run) -> ResponseReturnValue:
    return render(
        "lms/tutoring/notices.html",
        run=run,
        course=run.course,
        rows=put.of_run(session(), run.id),
        may=LOOK_AFTER.allows(person(), run),
        longest=put.LONGEST,
        longest_title=put.LONGEST_TITLE,
    )


@blueprint.post("/desk/runs/<int:id>/notices", permission=LOOK_AFTER, scope="institution", on=Run)
def put_up(run: Run) -> ResponseReturnValue:
    """Form: `title`, `body`."""
    put.put_up(
        session(),
        run,
        title=request.form.get("title", ""),
        body=request.form.get("body", ""),
        author_id=person().person_id,
        now=now(),
    )
    return redirect(url("tutoring.notices", id=run.id), 303)


@blueprint.post("/desk/notices/<int:id>/end", permission=LOOK_AFTER, scope="institution", on=Notice)
def take_down(notice: Notice) -> ResponseReturnValue:
    put.take_down(session(), notice, actor_id=person().person_id, now=now())
    return redirect(url("tutoring.notices", id=notice.run_id), 303)


@blueprint.get("/desk/templates", permission=WRITE_TEMPLATES, scope="institution")
def templates() -> ResponseReturnValue:
    return _templates()


@blueprint.post("/desk/templates", permission=WRITE_TEMPLATES, scope="institution")
def write_template() -> ResponseReturnValue:
    """Form: see lms.tutoring.templates.write."""
    me = person()
    try:
        texts.write(
            session(),
            me.institution_id,
            request.form,
            actor_id=me.person_id,
            now=now(),
        )
    except InvalidError as error:
        return _templates(error), error.status
    return redirect(url("tutoring.templates", said="saved"), 303)


def _templates(error: InvalidError | None = None) -> str:
    return render(
        "lms/tutoring/templates.html",
        texts=texts.all_of(session(), person().institution_id),
        fields=wording.FIELDS,
        most_days=texts.MOST_DAYS,
        typed=request.form if error is not None else None,
        error=error,
        said=request.args.get("said", ""),
    )
