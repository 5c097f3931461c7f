"""Handing a run over, and taking its list away."""

from collections.abc import Iterator
from typing import Any

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue

from lms import clock
from lms.edge import now, person, render, session, words_here
from lms.edge.rendering import url
from lms.edge.watching import log_access
from lms.errors import InvalidError
from lms.i18n import formats
from lms.learning.models import Run
from lms.learning.permissions import LOOK_AFTER
from lms.sheets import writing
from lms.tutoring import asking, handing, learners, notes, questions, sent, words
from lms.tutoring.risk import Moment
from lms.tutoring.views.entrance import blueprint, moment_of

HEAD = (
    "이름",
    "소속",
    "진도(%)",
    "점수",
    "마지막 학습",
    "마지막 차시",
    "살필 까닭",
    "남은 날",
    "보낸 것",
)
_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@blueprint.get("/desk/runs/<int:id>/hand-over", permission=LOOK_AFTER, scope="institution", on=Run)
def hand_over(run: Run) -> ResponseReturnValue:
    return render(
        "lms/tutoring/hand_over.html",
        run=run,
        course=run.course,
        managers=handing.managers(session(), run),
        candidates=handing.candidates(session(), run),
        waiting=questions.inbox(session(), run.institution_id, [run.id], answered=False),
        notes=notes.of_run(session(), run.id),
        mine=person().person_id,
    )


@blueprint.post("/desk/runs/<int:id>/hand-over", permission=LOOK_AFTER, scope="institution", on=Run)
def hand_it_over(run: Run) -> ResponseReturnValue:
    """Form: `from` (who hands over; empty for nobody), `to`, `reason`."""
    me = person()
    handing.hand_over(
        session(),
        run,
        from_id=request.form.get("from", type=int),
        to_id=request.form.get("to", 0, type=int),
        reason=request.form.get("reason", "")[:500],
        actor_id=me.person_id,
        now=now(),
    )
    return redirect(url("tutoring.desk", said="handed"), 303)


@blueprint.post(
    "/desk/runs/<int:id>/export", permission=LOOK_AFTER, scope="institution", on=Run, writes=False
)
def export(run: Run) -> ResponseReturnValue:
    """A sheet of just the learners that the list's filter finds, in its order; the reason first."""
    reason = request.form.get("reason", "").strip()[:500]
    if not reason:
        raise InvalidError(
            "왜 내려받는지 한 줄로 적어 주십시오. 열람 기록에 남습니다.", field="reason"
        )
    form = request.form.get("form", "xlsx")
    if form not in _TYPES:
        raise InvalidError("CSV와 XLSX 가운데 골라 주십시오.", field="form")
    log_access("download", "run", run.id, reason=reason)
    rows = _rows(run, moment_of(run))
    head = [words_here().text(title) for title in HEAD]
    day = clock.local_day(now(), person().zone)
    name = f"learners-{run.year}-{run.number}-{day:%Y%m%d}.{form}"
    lines = (
        writing.csv_lines(head, rows)
        if form == "csv"
        else writing.xlsx(head, rows, title=run.course.title)
    )
    return Response(
        b"".join(lines),
        mimetype=_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _rows(run: Run, at: Moment) -> Iterator[list[object]]:
    """What the list shows, row by row, in the reader's words."""
    asked, say = asking.read(request.form), words_here()
    found = list(learners.every(session(), run, at, asked))
    last = sent.last(session(), run.id, {row.id: row.last_act_at for row in found}, now=now())
    for row in found:
        marks = words.marks(learners.facts(row), at, say)
        yield [
            row.name,
            row.school,
            row.progress_permille / 10,
            None if row.score is None else row.score / 100,
            clock.local_day(row.last_act_at, at.zone) if row.last_act_at else None,
            row.unit,
            " · ".join(text for _, text in marks),
            None if row.completed_at or at.over else at.days_left,
            _told(last.get(row.id), at),
        ]


def _told(one: Any, at: Moment) -> str:
    if one is None:
        return ""
    say = words_here()
    how = say.text({**words.CHANNELS, "call": "전화"}[one.how])
    effects = {
        "acted": "사흘 안에 학습함",
        "open": "아직 움직임 없음",
        "quiet": "사흘 동안 움직임 없음",
    }
    parts = [f"{formats.day(clock.local_day(one.at, at.zone), say.locale)} {how}"]
    if one.outcome == "queued":
        parts.append(say.text("보낼 예정"))
    elif one.effect in effects:
        parts.append(say.text(effects[one.effect]))
    return " · ".join(parts)
