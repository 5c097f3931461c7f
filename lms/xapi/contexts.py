"""What came of it and in what setting: results (Data 2.4.5) and contexts (Data 2.4.6)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from lms.xapi.actors import Actor, Agent, Strict
from lms.xapi.formats import Duration, Iri, Language, Uuid
from lms.xapi.objects import Activity, Extensions, StatementRef


class Score(Strict):
    """Data 2.4.5.1."""

    scaled: Annotated[float, Meta(ge=-1, le=1)] | UnsetType = UNSET
    raw: float | UnsetType = UNSET
    min: float | UnsetType = UNSET
    max: float | UnsetType = UNSET

    def __post_init__(self) -> None:
        low, high, raw = self.min, self.max, self.raw
        if not isinstance(low, UnsetType) and not isinstance(high, UnsetType) and low >= high:
            raise ValueError("min is less than max (Data 2.4.5.1)")
        if isinstance(raw, UnsetType):
            return
        if not isinstance(low, UnsetType) and raw < low:
            raise ValueError("raw is not below min (Data 2.4.5.1)")
        if not isinstance(high, UnsetType) and raw > high:
            raise ValueError("raw is not above max (Data 2.4.5.1)")


class Result(Strict):
    """Data 2.4.5."""

    score: Score | UnsetType = UNSET
    success: bool | UnsetType = UNSET
    completion: bool | UnsetType = UNSET
    response: str | UnsetType = UNSET
    duration: Duration | UnsetType = UNSET
    extensions: Extensions | UnsetType = UNSET


class ContextActivities(Strict):
    """Activities around the statement's own (Data 2.4.6.2); one alone may stand without a list."""

    parent: list[Activity] | Activity | UnsetType = UNSET
    grouping: list[Activity] | Activity | UnsetType = UNSET
    category: list[Activity] | Activity | UnsetType = UNSET
    other: list[Activity] | Activity | UnsetType = UNSET


class ContextAgent(Strict):
    """An agent around the statement, from 2.0 on."""

    object_type: Literal["contextAgent"]
    agent: Agent
    relevant_types: Annotated[list[Iri], Meta(min_length=1)] | UnsetType = UNSET


class ContextGroup(Strict):
    """A group around the statement, from 2.0 on."""

    object_type: Literal["contextGroup"]
    group: Actor
    relevant_types: Annotated[list[Iri], Meta(min_length=1)] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.group.object_type != "Group":
            raise ValueError("the group of a contextGroup is a Group (IEEE 9274.1.1)")


class Context(Strict):
    """Data 2.4.6."""

    registration: Uuid | UnsetType = UNSET
    instructor: Actor | UnsetType = UNSET
    team: Actor | UnsetType = UNSET
    context_activities: ContextActivities | UnsetType = UNSET
    context_agents: list[ContextAgent] | UnsetType = UNSET
    context_groups: list[ContextGroup] | UnsetType = UNSET
    revision: str | UnsetType = UNSET
    platform: str | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    statement: StatementRef | UnsetType = UNSET
    extensions: Extensions | UnsetType = UNSET

    def __post_init__(self) -> None:
        if not isinstance(self.team, UnsetType) and self.team.object_type != "Group":
            raise ValueError("team is a Group (Data 2.4.6)")
