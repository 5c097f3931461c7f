"""Pages and files as kinds of activity: shown, and read when they were open long enough."""

from datetime import timedelta
from functools import partial
from typing import Annotated, Any

import msgspec
import nh3
from markupsafe import Markup
from msgspec import Meta
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from content import reading_views
from content.editors import FileEditor, PageEditor
from content.reading_acts import FILE, PAGE, launch, launched_at, least_seconds, whole_seconds
from lms.db import session_on
from lms.errors import InvalidError, NotFoundError
from lms.files.links import content_url
from lms.learning.kinds import Kind, Place
from lms.learning.models import Activity

LEAST_SECONDS = 30
"""What the shortest page weighs in a course's progress."""

Seconds = Annotated[int, Meta(ge=0, le=3600)]
_TAGS = {
    *("h2", "h3", "h4", "h5", "p", "br", "hr", "div", "span", "blockquote", "q", "pre", "code"),
    *("ul", "ol", "li", "dl", "dt", "dd", "figure", "figcaption", "a", "abbr", "ruby", "rt", "rp"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
    *("b", "strong", "i", "em", "u", "s", "del", "ins", "mark", "small", "sub", "sup", "kbd"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "ol": {"start", "type"},
    "th": {"colspan", "rowspan", "scope"},
    "td": {"colspan", "rowspan"},
    "*": {"lang"},
}
_SCHEMES = {"http", "https", "mailto", "tel"}


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page's config: HTML, and how long it must be open."""

    body: Annotated[str, Meta(min_length=1, max_length=400_000)]
    min_seconds: Seconds = 0


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A file's config. `src`: its name in the package; `src_file`: the stored file's id."""

    src: Annotated[str, Meta(min_length=1, max_length=400)]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    media_type: Annotated[str, Meta(pattern=r"^[a-z]+/[A-Za-z0-9.+-]+$")]
    min_seconds: Seconds = 0
    src_file: int | None = None


def clean(body: str) -> str:
    """The HTML with nothing in it that acts, loads or hides; text stays."""
    return nh3.clean(
        body,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
    )


class PageKind:
    """A written page."""

    name = PAGE
    label = "읽기"
    icon = "page"
    template = "lms/content/page.html"
    editor = PageEditor()
    scores = False

    def check(self, config: dict[str, Any]) -> dict[str, Any]:
        """The config with its body cleaned. Raises InvalidError when nothing is left to read."""
        if not config.get("body"):
            raise InvalidError("쪽에 읽을 글이 없습니다. 본문을 적어 주십시오.", field="body")
        page = _convert(config, Page)
        body = clean(page.body).strip()
        if not Markup(body).striptags().strip():  # noqa: S704  to see its text, not to show it
            raise InvalidError("쪽에 읽을 글이 없습니다. 본문을 적어 주십시오.", field="body")
        return {"body": body, "min_seconds": page.min_seconds}

    def weight_ms(self, config: dict[str, Any]) -> int:
        return _weight(config)

    def files(self, config: dict[str, Any]) -> list[str]:
        """None: a page is text."""
        return []

    def context(self, session: Session, place: Place) -> dict[str, Any]:
        page = _convert(place.activity.config, Page)
        # Cleaned again: what was stored under an older list of tags must not act either.
        return _reading(session, place) | {"body": Markup(clean(page.body))}  # noqa: S704


class FileKind:
    """A file: a PDF shown in place, any other to be downloaded."""

    name = FILE
    label = "자료"
    icon = "file"
    template = "lms/content/file.html"
    editor = FileEditor()
    scores = False

    def check(self, config: dict[str, Any]) -> dict[str, Any]:
        """The config as it is stored. Raises InvalidError."""
        if not config.get("src"):
            raise InvalidError("파일이 없습니다. 파일을 올려 주십시오.", field="src")
        checked: dict[str, Any] = msgspec.to_builtins(_convert(config, File))
        return {"min_seconds": 0, **checked}

    def weight_ms(self, config: dict[str, Any]) -> int:
        return _weight(config)

    def files(self, config: dict[str, Any]) -> list[str]:
        return ["src"]

    def context(self, session: Session, place: Place) -> dict[str, Any]:
        file = _convert(place.activity.config, File)
        if file.src_file is None:
            raise NotFoundError("파일이 아직 실리지 않았습니다. 과정 담당자에게 알려 주십시오.")
        source = content_url(
            place.state,
            file.src_file,
            institution_id=place.activity.institution_id,
            now=place.now,
            name=file.name,
        )
        return _reading(session, place) | {
            "source": source,
            "name": file.name,
            "is_pdf": file.media_type == "application/pdf",
        }


KINDS: tuple[Kind, ...] = (PageKind(), FileKind())
BLUEPRINTS = (reading_views.blueprint,)


def _reading(session: Session, place: Place) -> dict[str, Any]:
    """What both templates show; the first sight is left with the writer as a statement."""
    done = place.facts.done
    known = done or place.preview
    opened = None if known else launched_at(session, place.enrolment, place.activity)
    mine = not place.preview and place.enrolment.person_id == place.actor.person_id
    if not done and opened is None and mine:
        place.state.db.writer.later(partial(_launch_on, place=place))
    least = timedelta(seconds=least_seconds(place.activity.config))
    left = least if opened is None else max(timedelta(0), opened + least - place.now)
    return {
        "done": done,
        "done_at": place.facts.done_at if done else None,
        "min_seconds": whole_seconds(least),
        "left_seconds": 0 if done else whole_seconds(left),
    }


def _launch_on(connection: Connection, *, place: Place) -> None:
    with session_on(connection) as session:
        activity = session.get_one(Activity, place.activity.id)
        launch(session, place.state.hook, place.enrolment.id, activity, now=place.now)


def _weight(config: dict[str, Any]) -> int:
    return max(least_seconds(config), LEAST_SECONDS) * 1000


def _convert(config: dict[str, Any], shape: Any) -> Any:
    try:
        return msgspec.convert(config, shape)
    except msgspec.ValidationError as error:
        raise InvalidError("설정을 고쳐 주십시오: {what}", what=str(error)) from None
