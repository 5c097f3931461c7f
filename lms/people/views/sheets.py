"""Bringing in sheets of people and of schools: upload, preview, confirm, result."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from flask.typing import ResponseReturnValue

from lms import clock
from lms.edge import now, page, person, render, sealer, session, sheets, state, words_here
from lms.errors import LMSError, NotFoundError
from lms.people import hr_import, hr_sheet, intake, organisation_sheet
from lms.people.intake import Planned, Summary
from lms.people.models import Institution, Intake
from lms.people.permissions import IMPORT
from lms.people.views.entrance import blueprint
from lms.sheets.columns import Column

PURPOSES = "any(people, organisations)"


@dataclass(frozen=True)
class _Purpose:
    """What a sheet is for: its words, its columns, an example of each."""

    title: str
    lead: str
    columns: tuple[Column, ...]
    example: dict[str, str]


_OF = {
    "people": _Purpose(
        "인사 자료 올리기",
        "사람, 소속, 직급, 휴직, 복직, 전보, 퇴직을 표 한 장으로 올립니다. 표에 없는 사람과 비워 "
        "둔 칸은 바뀌지 않습니다. 지난 기록은 날짜와 함께 남습니다.",
        hr_sheet.COLUMNS,
        hr_sheet.EXAMPLE,
    ),
    "organisations": _Purpose(
        "학교·기관 자료 올리기",
        "학교와 기관을 코드로 더하고 바꿉니다. 표에 없는 곳과 비워 둔 칸은 바뀌지 않습니다.",
        organisation_sheet.COLUMNS,
        organisation_sheet.EXAMPLE,
    ),
}


@blueprint.get(f"/people/sheets/<{PURPOSES}:purpose>", permission=IMPORT, scope="institution")
def bring(purpose: str) -> ResponseReturnValue:
    return _form(purpose)


@blueprint.post(
    f"/people/sheets/<{PURPOSES}:purpose>",
    permission=IMPORT,
    scope="institution",
    writes=False,
)
def brought(purpose: str) -> ResponseReturnValue:
    """Form: `file`."""
    return sheets.brought(
        lambda name, data: _planned(purpose, name, data, _today()),
        lambda error: _form(purpose, error),
        endpoint="people.sheet",
        purpose=purpose,
    )


@blueprint.get("/people/sheets/<int:id>", permission=IMPORT, scope="institution", on=Intake)
def sheet(kept: Intake) -> ResponseReturnValue:
    """The preview until it is confirmed; then how far it has come, and what came of it."""
    _check_ours(kept)
    if kept.confirmed_at is not None:
        return render("lms/people/sheet_done.html", kept=kept, purpose=_OF[kept.purpose])
    return _preview(kept, intake.summary(_plan(kept)))


@blueprint.post(
    "/people/sheets/<int:id>/confirm",
    permission=IMPORT,
    scope="institution",
    on=Intake,
    writes=False,
)
def confirm(kept: Intake) -> ResponseReturnValue:
    """Form: `mark`, of the plan that was shown. Twice is once."""
    _check_ours(kept)
    return sheets.confirmed(
        kept,
        lambda mark: _keep(kept, mark),
        lambda error: _preview(kept, intake.summary(_plan(kept)), error),
        endpoint="people.sheet",
    )


@blueprint.get(
    "/people/sheets/<int:id>/result.csv", permission=IMPORT, scope="institution", on=Intake
)
def result(kept: Intake) -> ResponseReturnValue:
    _check_ours(kept)
    return sheets.result(kept, list(_plan(kept)))


@blueprint.get(
    f"/people/sheets/<{PURPOSES}:purpose>/template.xlsx", permission=IMPORT, scope="institution"
)
def template(purpose: str) -> ResponseReturnValue:
    return sheets.blank(_OF[purpose].columns, _OF[purpose].title, purpose)


def _check_ours(kept: Intake) -> None:
    """Sheets of other rooms have pages of their own."""
    if kept.purpose not in _OF:
        raise NotFoundError("찾는 것이 없습니다. 주소를 다시 확인해 주십시오.")


def _today() -> date:
    return clock.local_day(now(), person().zone)


def _plan(kept: Intake) -> Iterable[Planned]:
    on = clock.local_day(kept.uploaded_at, person().zone)
    return _planned(kept.purpose, kept.name, intake.opened(sealer(), kept), on)


def _planned(purpose: str, name: str, data: bytes, on: date) -> Iterable[Planned]:
    institution_id = person().institution_id
    if purpose == "people":
        rows = hr_import.rows_of(name, data, on)
        return hr_import.planned(session(), sealer(), institution_id, rows, on)
    told = organisation_sheet.rows_of(name, data)
    steps = organisation_sheet.planned(session(), institution_id, told)
    return [step.planned for step in steps]


def _keep(kept: Intake, mark: str) -> None:
    """In one transaction: confirmed, and a small sheet written or a large one promised."""
    at, told = now(), intake.summary(_plan(kept))
    data = intake.opened(sealer(), kept)
    people: list[hr_sheet.Row] = []
    places: list[tuple[int, dict[str, str]]] = []
    if kept.purpose == "people":
        on = clock.local_day(kept.uploaded_at, person().zone)
        people = hr_import.rows_of(kept.name, data, on)
    else:
        places = organisation_sheet.rows_of(kept.name, data)
    large = len(people) > hr_import.AT_ONCE
    with state().db.transaction() as fresh:
        # The lock that every import takes first: the plan holds until it is written.
        fresh.get_one(Institution, kept.institution_id, with_for_update=True)
        mine = fresh.get_one(Intake, kept.id)
        if not intake.confirm(fresh, mine, mark=mark, rows=told, now=at, keep_file=large):
            return
        if large:
            hr_import.promise_it(fresh, mine, at)
        elif kept.purpose == "people":
            hr_import.bring_in(fresh, sealer(), mine, people, at)
        else:
            steps = organisation_sheet.planned(fresh, mine.institution_id, places)
            organisation_sheet.bring_in(fresh, mine, steps, now=at)


def _form(purpose: str, error: LMSError | None = None) -> ResponseReturnValue:
    told = _OF[purpose]
    said = words_here().text(error.message, **error.params) if error else None
    html = render(
        "lms/people/sheet.html",
        purpose=purpose,
        told=told,
        error=said,
        recent=intake.recent(session(), person().institution_id, purpose),
    )
    return page(html, error.status) if error else html


def _preview(kept: Intake, told: Summary, error: LMSError | None = None) -> str:
    said = words_here().text(error.message, **error.params) if error else None
    return render(
        "lms/people/sheet_preview.html",
        kept=kept,
        told=told,
        purpose=_OF[kept.purpose],
        error=said,
    )
