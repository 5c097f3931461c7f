"""What the pages of this room share."""

from collections.abc import Callable
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from lms.edge import Blueprint, Entry, page, session, words_here
from lms.edge.rendering import url
from lms.errors import LMSError

blueprint = Blueprint("records", __name__)

MENU = (
    Entry(
        "기록 저장소",
        "record",
        "records.browse",
        85,
        frozenset({"institution_admin", "auditor", "operator"}),
    ),
)
TABS = [
    ("records.browse", "문장"),
    ("records.credentials", "열쇠"),
    ("records.forwards", "전달"),
    ("records.health", "상태"),
]
"""Endpoint and name of each page of the room, in order."""


def tabs() -> list[dict[str, object]]:
    """The room's pages, as the macro `tab_links` takes them; a form's answer stands on its page."""
    told = [(url(endpoint), words_here().text(name)) for endpoint, name in TABS]
    here = max((href for href, _ in told if request.path.startswith(href)), key=len, default="")
    return [{"text": text, "href": href, "current": href == here} for href, text in told]


def done(
    form: str, work: Callable[[], dict[str, Any]], draw: Callable[..., str], **headers: str
) -> ResponseReturnValue:
    """The page that `draw` makes of what `work` did, or with what is to be mended in `form`."""
    try:
        told = work()
    except LMSError as error:
        field = getattr(error, "field", None) or "form"
        said = words_here().text(error.message, **error.params)
        return page(draw(form=form, wrong={field: said}), error.status)
    session().flush()  # the list that is drawn has it
    return page(draw(**told), 200, **headers)
