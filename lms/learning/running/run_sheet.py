"""A sheet of people for a run: each row matched, asked whether it could join, and told in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import pluggy
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.errors import InvalidError, LMSError
from lms.learning.models import Nomination, Run
from lms.learning.running import joining, nominating
from lms.people import hr_sheet, matching
from lms.people.intake import Outcome, Planned
from lms.people.matching import Key, Match
from lms.people.models import Organisation, Person
from lms.people.sealing import Sealer
from lms.sheets.columns import Column, pick
from lms.sheets.reading import read

Purpose = Literal["enrolments", "nominations"]
MOST_ROWS = 20_000

_WHO = tuple(
    column
    for column in hr_sheet.COLUMNS
    if column.field in {"neis", "name", "birth", "school_code", "school"}
)
COLUMNS: dict[str, tuple[Column, ...]] = {
    "enrolments": _WHO,
    "nominations": (*_WHO, Column("number", "지명번호", ("추천번호",))),
}

Said = tuple[str, dict[str, Any]]
_PUT_IN: Said = ("등록합니다.", {})
_LINED_UP: Said = ("자리가 없어 대기 명단에 올립니다.", {})
_THERE: Said = ("이미 등록되었거나 대기하고 있습니다.", {})
_TWICE = "앞의 {number}번째 줄과 같은 사람입니다. 한 줄만 남겨 주십시오."
_NO_NAME = "성명이 비어 있습니다. 성명을 적어 주십시오."
_NOT_A_DAY = "생년월일 ‘{value}’을 날짜로 읽을 수 없습니다. 1990-01-05처럼 적어 주십시오."
_HEADINGS = {"name": "성명", "school": "소속"}


@dataclass(frozen=True)
class Row:
    """What a row says: whom it means and, for nominations, the number."""

    number: int
    key: Key
    nomination: str | None
    wrong: tuple[Said, ...]


@dataclass(frozen=True)
class Step:
    """What would become of a row, and of whom."""

    planned: Planned
    person_id: int | None
    nomination: str | None


def rows_of(purpose: str, name: str, data: bytes) -> list[Row]:
    """The sheet's rows. Raises InvalidError with a sentence; asks no database."""
    table = read(name, data, limit_rows=MOST_ROWS)
    return [_row(number, cells) for number, cells in pick(table, COLUMNS[purpose])]


def planned(
    session: Session,
    hook: pluggy.HookRelay,
    sealer: Sealer,
    run: Run,
    purpose: str,
    rows: Sequence[Row],
    *,
    now: datetime,
) -> list[Step]:
    """What each row would bring about now. The number of queries does not grow with the rows but
    by one handful every 500."""
    found = matching.match(session, sealer, run.institution_id, [row.key for row in rows])
    first: dict[int, int] = {}
    sure: list[int] = []
    said: list[tuple[Row, Match, Outcome | None, list[Said]]] = []
    for row, match in zip(rows, found, strict=True):
        outcome, what = _about(row, match, first)
        if outcome is None and match.person_id is not None:
            sure.append(match.person_id)
        said.append((row, match, outcome, what))
    then = _joining if purpose == "enrolments" else _naming
    numbers = {m.person_id: r.nomination for r, m, o, _ in said if o is None}
    verdicts = then(session, hook, run, sure, numbers, now)
    names = _names(session, sure)
    return [_step(row, match, outcome, what, verdicts, names) for row, match, outcome, what in said]


def bring_in(
    session: Session,
    hook: pluggy.HookRelay,
    run: Run,
    purpose: str,
    steps: Sequence[Step],
    *,
    actor_id: int | None,
    now: datetime,
) -> int:
    """Do what was planned, in the order of the rows; how many rows that changed something."""
    wanted = {
        step.person_id: step.nomination
        for step in steps
        if step.planned.outcome in {"new", "change"} and step.person_id is not None
    }
    if purpose == "nominations":
        return nominating.nominate(session, run, wanted, actor_id=actor_id, now=now)
    found = joining.join_many(
        session, hook, run, list(wanted), source="file", actor_id=actor_id, now=now
    )
    return sum(not isinstance(one, LMSError) for one in found.values())


def _row(number: int, cells: dict[str, str]) -> Row:
    wrong: list[Said] = []
    if not cells.get("name"):
        wrong.append((_NO_NAME, {}))
    born: date | None = None
    if text := cells.get("birth", ""):
        born = hr_sheet.parse_day(text)
        if born is None:
            wrong.append((_NOT_A_DAY, {"value": text[:30]}))
    school = cells.get("school_code") or cells.get("school", "")
    key = Key(cells.get("neis", "").upper(), cells.get("name", ""), born, school)
    nomination = None
    try:
        nomination = nominating.clean(cells.get("number", ""))
    except InvalidError as error:
        wrong.append((error.message, {}))
    return Row(number, key, nomination, tuple(wrong))


def _about(row: Row, match: Match, first: dict[int, int]) -> tuple[Outcome | None, list[Said]]:
    """What is wrong with the row itself; None for a person who is named for the first time."""
    if row.wrong:
        return "error", list(row.wrong)
    if match.person_id is None:
        return ("error" if match.nobody else "check"), [(match.why or matching.TOO_LITTLE, {})]
    before = first.setdefault(match.person_id, row.number)
    if before != row.number:
        return "error", [(_TWICE, {"number": before})]
    return None, []


def _joining(
    session: Session,
    hook: pluggy.HookRelay,
    run: Run,
    people: Sequence[int],
    _numbers: dict[int | None, str | None],
    now: datetime,
) -> dict[int, tuple[Outcome, Said]]:
    would = joining.would_join(session, hook, run, people, source="file", now=now)
    said: dict[int, tuple[Outcome, Said]] = {}
    for person_id, verdict in would.items():
        if isinstance(verdict, LMSError):
            said[person_id] = "error", (verdict.message, _plain(verdict.params))
        elif verdict == "in":
            said[person_id] = "same", _THERE
        else:
            said[person_id] = "new", (_PUT_IN if verdict == "seat" else _LINED_UP)
    return said


def _naming(
    session: Session,
    _hook: pluggy.HookRelay,
    run: Run,
    people: Sequence[int],
    numbers: dict[int | None, str | None],
    _now: datetime,
) -> dict[int, tuple[Outcome, Said]]:
    rows = session.execute(
        select(Nomination.person_id, Nomination.number).where(Nomination.run_id == run.id)
    )
    known = {row.person_id: row.number for row in rows}
    over = run.state in {"closed", "cancelled"}
    said: dict[int, tuple[Outcome, Said]] = {}
    for person_id in people:
        number = numbers[person_id]
        if over:
            said[person_id] = "error", (nominating.OVER, {})
        elif person_id not in known:
            said[person_id] = "new", ("추천 명단에 올립니다.", {})
        elif known[person_id] != number:
            said[person_id] = (
                "change",
                (
                    "지명번호를 {before}에서 {after}로 바꿉니다.",
                    {"before": known[person_id] or "–", "after": number or "–"},
                ),
            )
        else:
            said[person_id] = "same", ("이미 추천 명단에 있습니다.", {})
    return said


def _step(
    row: Row,
    match: Match,
    outcome: Outcome | None,
    what: list[Said],
    verdicts: dict[int, tuple[Outcome, Said]],
    names: dict[int, tuple[str, str]],
) -> Step:
    person_id = match.person_id
    name, school = row.key.name, row.key.school
    if outcome is None and person_id is not None:
        outcome, said = verdicts[person_id]
        what = [said]
        name, school = names[person_id]
    told = {_HEADINGS["name"]: name, _HEADINGS["school"]: school}
    return Step(Planned(row.number, outcome or "error", what, told), person_id, row.nomination)


def _names(session: Session, people: Sequence[int]) -> dict[int, tuple[str, str]]:
    def asked() -> Iterator[tuple[int, tuple[str, str]]]:
        for chunk in matching.chunks(people, matching.CHUNK):
            rows = session.execute(
                select(Person.id, Person.name, Organisation.name.label("school"))
                .outerjoin(Organisation, Organisation.id == Person.organisation_id)
                .where(Person.id.in_(chunk))
            )
            for row in rows:
                yield row.id, (row.name, row.school or "")

    return dict(asked())


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    """Dates as a sheet of results can hold them."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in params.items()
    }
