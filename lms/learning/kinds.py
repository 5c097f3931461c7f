"""Kinds of activity: the one seam between a course and what can be done in it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.orm import Session

from lms.errors import NotFoundError
from lms.learning.facts import ActivityFacts
from lms.learning.models import Activity, Enrolment
from lms.learning.rules import RuleSet
from lms.people.actor import Actor


@dataclass(frozen=True)
class Place:
    """Where a learner stands when an activity is shown."""

    state: Any
    """The app's State: links to content, settings."""

    actor: Actor
    enrolment: Enrolment
    activity: Activity
    rule: RuleSet
    facts: ActivityFacts
    """How the enrolment stands with the activity."""

    now: datetime


class Kind(Protocol):
    """What content, assessments, microlearning, LTI links and plugins have to provide."""

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
