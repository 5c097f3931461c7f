"""What the pages of this room share."""

from datetime import date
from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms import clock
from lms.edge import Blueprint, Entry, now, person
from lms.edge.context import locale
from lms.edge.rendering import url
from lms.errors import InvalidError
from lms.i18n import formats
from lms.partners.models import SchoolRequest

blueprint = Blueprint("partners", __name__)
MENU = (
    Entry(
        "학교 연수",
        "school",
        "partners.requests",
        35,
        frozenset({"school_officer", "officer", "institution_admin"}),
    ),
)
STATE_MARKS = {
    "draft": "todo",
    "asked": "checking",
    "sent_back": "late",
    "approved": "done",
    "withdrawn": "na",
}
"""A request's state → the mark beside its word."""

MOST_TEXT = 500


def today() -> date:
    return clock.local_day(now(), person().zone)


def text(name: str, most: int = MOST_TEXT) -> str:
    return request.form.get(name, "").strip()[:most]


def day(name: str) -> date:
    """A date of the form. Raises InvalidError for none, or one that there is not."""
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        raise InvalidError("날짜를 고르거나 2026-12-02처럼 적어 주십시오.", field=name) from None


def shown(params: dict[str, Any]) -> dict[str, Any]:
    """Values of a sentence as people read them: dates in words."""
    return {
        name: formats.day_full(value, locale()) if isinstance(value, date) else value
        for name, value in params.items()
    }


def back(row: SchoolRequest, said: str, anchor: str = "", **more: Any) -> ResponseReturnValue:
    return redirect(url("partners.one", id=row.id, said=said, **more) + anchor, 303)
