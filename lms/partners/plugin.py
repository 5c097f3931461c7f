"""What the partners room gives."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lms.edge import Blueprint, Entry
from lms.edge.deciding import FIRST, Item, Waits
from lms.edge.rendering import url
from lms.hooks import hookimpl
from lms.partners import reading, school_runs, telling
from lms.partners.permissions import DECIDE
from lms.partners.views import MENU, blueprint


@hookimpl
def lms_blueprints() -> Iterable[Blueprint]:
    return [blueprint]


@hookimpl
def lms_templates() -> Iterable[str]:
    return [str(Path(__file__).parent / "templates")]


@hookimpl
def lms_menu() -> Iterable[Entry]:
    return MENU


@hookimpl
def lms_tasks() -> dict[str, Any]:
    return {"partners.tell": telling.tell}


@hookimpl
def lms_before_enrol(session: Any, person: Any, run: Any) -> str | None:
    """A school's run is for the staff whom the school named, and for nobody else there."""
    if run.organisation_id is None:
        return None
    named = school_runs.permitted(session, run.organisation_id, run.id)
    if named is None or person.id in named:
        return None
    return "학교가 정한 사람만 듣는 연수입니다. 학교 연수 담당자에게 문의해 주십시오."


@hookimpl
def lms_to_decide(session: Any, actor: Any) -> Iterable[Waits]:
    if not DECIDE.allows(actor, None):
        return
    rows = reading.waiting(session, actor.institution_id, FIRST)
    yield Waits(
        order=10,
        title="승인을 기다리는 학교 연수 {n}건",
        count=rows[0].all if rows else 0,
        icon="school",
        action="살펴보러 가기",
        href=url("partners.requests", state="asked"),
        items=tuple(
            Item(
                f"{row.school} · {row.title}",
                url("partners.one", id=row.id),
                since=row.asked_at,
            )
            for row in rows
        ),
    )
