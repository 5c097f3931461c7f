"""A run's people by sheet: upload, preview, confirm. Nothing is changed before it was seen."""

from typing import Any

from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from lms.edge import hook, now, page, person, render, sealer, session, sheets, state
from lms.errors import LMSError, NotFoundError
from lms.learning.models import Run
from lms.learning.permissions import KEEP_RUNS
from lms.learning.running import counter, run_sheet
from lms.learning.running.run_sheet import COLUMNS, Row, Step
from lms.learning.running.views.entrance import blueprint, run_name, said
from lms.people import intake
from lms.people.intake import Planned
from lms.people.models import Intake

PURPOSES = "any(enrolments, nominations)"
TITLES = {"enrolments": "파일로 등록하기", "nominations": "추천 명단 올리기"}


@blueprint.get(
    f"/manage/runs/<int:id>/<{PURPOSES}:purpose>/sheet",
    permission=KEEP_RUNS,
    scope="institution",
    on=Run,
)
def bring(run: Run, purpose: str) -> ResponseReturnValue:
    return _form(run, purpose)


@blueprint.post(
    f"/manage/runs/<int:id>/<{PURPOSES}:purpose>/sheet",
    permission=KEEP_RUNS,
    scope="institution",
    on=Run,
    writes=False,
)
def brought(run: Run, purpose: str) -> ResponseReturnValue:
    """Form: `file`."""
    return sheets.brought(
        lambda name, data: _shown(run, purpose, run_sheet.rows_of(purpose, name, data)),
        lambda error: _form(run, purpose, error),
        endpoint="running.sheet",
        purpose=purpose,
        subject_id=run.id,
    )


@blueprint.get("/manage/runs/sheets/<int:id>", permission=KEEP_RUNS, scope="institution", on=Intake)
def sheet(kept: Intake) -> ResponseReturnValue:
    """The preview until it is confirmed; then what came of it."""
    run = _run_of(kept)
    if kept.confirmed_at is not None:
        return render("lms/learning/run_sheet_done.html", **_shell(run, kept.purpose), kept=kept)
    return _preview(run, kept)


@blueprint.post(
    "/manage/runs/sheets/<int:id>/confirm",
    permission=KEEP_RUNS,
    scope="institution",
    on=Intake,
    writes=False,
)
def confirm(kept: Intake) -> ResponseReturnValue:
    """Form: `mark`, of the plan that was shown. Twice is once."""
    run = _run_of(kept)
    return sheets.confirmed(
        kept,
        lambda mark: _keep(run.id, kept, mark),
        lambda error: _preview(run, kept, error),
        endpoint="running.sheet",
    )


@blueprint.get(
    "/manage/runs/sheets/<int:id>/result.csv",
    permission=KEEP_RUNS,
    scope="institution",
    on=Intake,
)
def result(kept: Intake) -> ResponseReturnValue:
    return sheets.result(kept, _shown(_run_of(kept), kept.purpose, _rows(kept)))


@blueprint.get(f"/manage/runs/<{PURPOSES}:purpose>.xlsx", permission=KEEP_RUNS, scope="institution")
def blank(purpose: str) -> ResponseReturnValue:
    return sheets.blank(COLUMNS[purpose], TITLES[purpose], purpose)


def _run_of(kept: Intake) -> Run:
    """The run that the sheet is for. Raises NotFoundError for a sheet of another room."""
    run = None
    if kept.purpose in COLUMNS and kept.subject_id is not None:
        run = session().get(Run, kept.subject_id)
    if run is None or run.institution_id != person().institution_id:
        raise NotFoundError("찾는 것이 없습니다. 주소를 다시 확인해 주십시오.")
    return run


def _rows(kept: Intake) -> list[Row]:
    return run_sheet.rows_of(kept.purpose, kept.name, intake.opened(sealer(), kept))


def _planned(database: Session, run: Run, purpose: str, rows: list[Row]) -> list[Step]:
    return run_sheet.planned(database, hook(), sealer(), run, purpose, rows, now=now())


def _shown(run: Run, purpose: str, rows: list[Row]) -> list[Planned]:
    return [step.planned for step in _planned(session(), run, purpose, rows)]


def _keep(run_id: int, kept: Intake, mark: str) -> None:
    """In one transaction, under the run's lock: what was seen is what is done, or nothing."""
    at, rows = now(), _rows(kept)
    with state().db.transaction() as fresh:
        run = counter.lock_run(fresh, run_id)
        steps = _planned(fresh, run, kept.purpose, rows)
        told = intake.summary(step.planned for step in steps)
        mine = fresh.get_one(Intake, kept.id)
        if not intake.confirm(fresh, mine, mark=mark, rows=told, now=at):
            return
        changed = run_sheet.bring_in(
            fresh, hook(), run, kept.purpose, steps, actor_id=person().person_id, now=at
        )
        mine.counts = {**mine.counts, "applied": changed, "finished": True}


def _form(run: Run, purpose: str, error: LMSError | None = None) -> ResponseReturnValue:
    html = render(
        "lms/learning/run_sheet.html",
        **_shell(run, purpose),
        columns=COLUMNS[purpose],
        error=said(error) if error else None,
    )
    return page(html, error.status if error else 200)


def _preview(run: Run, kept: Intake, error: LMSError | None = None) -> str:
    return render(
        "lms/learning/run_sheet_preview.html",
        **_shell(run, kept.purpose),
        kept=kept,
        told=intake.summary(_shown(run, kept.purpose, _rows(kept))),
        error=said(error) if error else None,
    )


def _shell(run: Run, purpose: str) -> dict[str, Any]:
    return {
        "run": run,
        "course": run.course,
        "name": run_name(run),
        "purpose": purpose,
        "title": TITLES[purpose],
    }
