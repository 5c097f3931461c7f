"""Pages that take a sheet in: what they do alike in every room (lms.people.intake is the rest).

A room says how a sheet is planned and kept, and which pages show it.
"""

from collections.abc import Callable, Iterable, Sequence

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue

from lms.edge.context import now, person, sealer, state, words_here
from lms.edge.rendering import page, url
from lms.errors import ConflictError, InvalidError, LMSError
from lms.people import intake
from lms.people.intake import Planned
from lms.people.models import Intake
from lms.sheets import writing
from lms.sheets.columns import Column, headings
from lms.sheets.reading import LARGEST

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def brought(
    plan: Callable[[str, bytes], Iterable[Planned]],
    refused: Callable[[LMSError], ResponseReturnValue],
    *,
    endpoint: str,
    purpose: str,
    subject_id: int | None = None,
) -> ResponseReturnValue:
    """Keep the form's `file` sealed and go on to its preview, the page `endpoint` of its id.

    `plan(name, content)` is asked before anything is locked; what it refuses is `refused`'s answer.
    """
    me, at = person(), now()
    file = request.files.get("file")
    name = (file.filename or "") if file else ""
    data = file.stream.read(LARGEST + 1) if file else b""
    try:
        if not name:
            raise InvalidError("올릴 파일을 골라 주십시오.", field="file")
        told = intake.summary(plan(name, data))
    except LMSError as error:
        return refused(error)
    with state().db.transaction() as fresh:
        kept = intake.keep(
            fresh,
            sealer(),
            institution_id=me.institution_id,
            actor_id=me.person_id,
            purpose=purpose,
            subject_id=subject_id,
            name=name,
            data=data,
            rows=told,
            now=at,
        )
        place = url(endpoint, id=kept.id)
    return redirect(place, 303)


def confirmed(
    kept: Intake,
    keep: Callable[[str], None],
    preview: Callable[[ConflictError], str],
    *,
    endpoint: str,
) -> ResponseReturnValue:
    """Bring the sheet in by `keep(mark)`, the form's mark of the plan that was shown; once.

    Where something changed since then, nothing is kept and `preview` shows what there is now.
    """
    if kept.confirmed_at is None:
        try:
            keep(request.form.get("mark", ""))
        except ConflictError as error:
            return page(preview(error), error.status)
    return redirect(url(endpoint, id=kept.id), 303)


def result(kept: Intake, rows: Sequence[Planned]) -> Response:
    """The preview row by row as CSV, masked as on the page."""
    return Response(
        intake.result_lines(rows, words=words_here().text),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="result-{kept.id}.csv"'},
    )


def blank(columns: Sequence[Column], title: str, name: str) -> Response:
    """An empty XLSX sheet: the headings alone, since an example would be brought in as somebody."""
    return Response(
        writing.xlsx(headings(columns), (), title=words_here().text(title)),
        mimetype=XLSX,
        headers={"Content-Disposition": f'attachment; filename="{name}.xlsx"'},
    )
