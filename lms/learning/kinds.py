"""Kinds of activity: the one seam between a course and what can be done in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy.orm import Session

from lms.errors import InvalidError, NotFoundError
from lms.files.uploads import Uploads
from lms.learning.facts import ActivityFacts
from lms.learning.rows import ActivityLike, EnrolmentLike
from lms.learning.rules import RuleSet
from lms.people.actor import Actor


@dataclass(frozen=True)
class Place:
    """Where a learner stands when an activity is shown."""

    state: Any
    """The app's State: links to content, settings."""

    actor: Actor
    enrolment: EnrolmentLike
    activity: ActivityLike
    rule: RuleSet
    facts: ActivityFacts
    """How the enrolment stands with the activity."""

    now: datetime
    preview: bool = False
    """Shown to who makes the course: enrolment and activity are in no database (their ids are 0),
    and nothing may be written."""


class Kind(Protocol):
    """What content, assessments, microlearning, LTI links and plugins have to provide.

    Three more are read where they are there: `editor` (an Editor), `scores` (False says that it
    gives no score, so that nobody makes it count as one) and `preview(session, place)`, asked
    instead of `context` where `place.preview`.
    """

    name: str
    label: str
    """A msgid: what people call it."""

    icon: str
    template: str
    """Included in the learning page, with `context()`'s values as `k`."""

    def check(self, config: dict[str, Any]) -> dict[str, Any]:
        """The configuration, cleaned. Raises InvalidError saying what to mend."""
        ...

    def weight_ms(self, config: dict[str, Any]) -> int:
        """How much of a course's progress it is, in milliseconds of a learner's time."""
        ...

    def files(self, config: dict[str, Any]) -> list[str]:
        """Keys of `config` that name files; at import `<key>_file` gets the stored file's id."""
        ...

    def context(self, session: Session, place: Place) -> dict[str, Any]:
        """What the template shows of this activity at this place."""
        ...


class Read(NamedTuple):
    """What an editor made of a form.

    `config` need not be fit to publish yet: that is check()'s matter. An Upload under
    `<key>_file` becomes the stored file's id. With `problems` nothing is saved, and the form comes
    back with them, what was typed, and the uploads that are good.
    """

    config: dict[str, Any]
    problems: tuple[InvalidError, ...] = ()


class Editor(Protocol):
    """How staff edit a kind's config in the browser. A kind without one is listed and moved."""

    template: str
    """Included in the activity's form: `e` is context()'s mapping, `errors` the sentence of each
    field that is wrong, `held` the name of each upload that need not be sent again."""

    uploads: tuple[str, ...]
    """The form's fields that take a file."""

    words: Mapping[str, str]
    """What a person calls each key of the config (msgids), for telling versions apart. Keys that
    are not named are not told of."""

    def context(self, config: dict[str, Any]) -> dict[str, Any]:
        """What the template shows: of a config, and of {} for one that is new."""
        ...

    def typed(self, form: Mapping[str, str], config: dict[str, Any]) -> dict[str, Any]:
        """What the template shows when the form comes back: what was typed over `config`."""
        ...

    def read(self, form: Any, files: Uploads, before: dict[str, Any]) -> Read:
        """The config that a form (werkzeug's MultiDict) asks for; `before` is what it was."""
        ...


def editor_of(kind: Any) -> Editor | None:
    """The kind's editor, if it brought one."""
    found: Editor | None = getattr(kind, "editor", None)
    return found


def gives_score(kind: Any) -> bool:
    """Whether an activity of the kind may count as a score; a kind that says nothing may."""
    return bool(getattr(kind, "scores", True))


def kind_of(kinds: dict[str, Any], name: str) -> Kind:
    """The kind of that name. Raises NotFoundError if no plugin provides it."""
    try:
        found: Kind = kinds[name]
    except KeyError:
        raise NotFoundError(
            "「{name}」 활동을 보여 줄 확장이 설치되어 있지 않습니다. 담당자에게 알려 주십시오.",
            name=name,
        ) from None
    return found
