"""What was acted on: activities and references (Data 2.4.4); verbs and attachments."""

from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from lms.xapi.actors import Strict
from lms.xapi.formats import Iri, LanguageMap, MediaType, Sha2, Uuid

Extensions = dict[Iri, Raw]
"""Any JSON under IRIs, null too (Data 4.1); checked as JSON, otherwise not looked at."""


class Component(Strict):
    """One choice, step, source or target of an interaction (Data 2.4.4.1.s15)."""

    id: Annotated[str, Meta(min_length=1)]
    description: LanguageMap | UnsetType = UNSET


_COMPONENTS = ("choices", "scale", "source", "target", "steps")
_SUPPORTED = {
    "choice": ("choices",),
    "sequencing": ("choices",),
    "likert": ("scale",),
    "matching": ("source", "target"),
    "performance": ("steps",),
}


class Definition(Strict):
    """Metadata of an activity (Data 2.4.4.1.s2)."""

    name: LanguageMap | UnsetType = UNSET
    description: LanguageMap | UnsetType = UNSET
    type: Iri | UnsetType = UNSET
    more_info: Iri | UnsetType = UNSET
    extensions: Extensions | UnsetType = UNSET
    interaction_type: (
        Literal[
            "true-false",
            "choice",
            "fill-in",
            "long-fill-in",
            "matching",
            "performance",
            "sequencing",
            "likert",
            "numeric",
            "other",
        ]
        | UnsetType
    ) = UNSET
    correct_responses_pattern: list[str] | UnsetType = UNSET
    choices: list[Component] | UnsetType = UNSET
    scale: list[Component] | UnsetType = UNSET
    source: list[Component] | UnsetType = UNSET
    target: list[Component] | UnsetType = UNSET
    steps: list[Component] | UnsetType = UNSET

    def __post_init__(self) -> None:
        kind = self.interaction_type
        if kind is UNSET and self.correct_responses_pattern is not UNSET:
            raise ValueError("an interaction has an interactionType (Data 2.4.4.1.s13.b1)")
        for name in _COMPONENTS:
            components = getattr(self, name)
            if components is UNSET:
                continue
            if kind is UNSET or name not in _SUPPORTED.get(kind, ()):
                raise ValueError(f"{name} does not belong to this interactionType (2.4.4.1.s15)")
            if len({one.id for one in components}) != len(components):
                raise ValueError(f"ids in {name} are distinct (Data 2.4.4.1.s16.b1)")


class Activity(Strict):
    """A thing to do, named by an IRI (Data 2.4.4.1)."""

    id: Iri
    object_type: Literal["Activity"] | UnsetType = UNSET
    definition: Definition | UnsetType = UNSET


class StatementRef(Strict):
    """A pointer to a statement, which need not be here (Data 2.4.4.3.s4)."""

    object_type: Literal["StatementRef"]
    id: Uuid


class Verb(Strict):
    """What was done (Data 2.4.3)."""

    id: Iri
    display: LanguageMap | UnsetType = UNSET


class Attachment(Strict):
    """What a statement says of an attached file (Data 2.4.11)."""

    usage_type: Iri
    display: LanguageMap
    content_type: MediaType
    length: Annotated[int, Meta(ge=0)]
    sha2: Sha2
    description: LanguageMap | UnsetType = UNSET
    file_url: Iri | UnsetType = UNSET


class Held(NamedTuple):
    """The bytes of an attachment that came with its statement and lie in storage."""

    sha2: str
    """As the statement names them."""

    content_type: str
    sha256: str
    size: int
    """In octets."""


class Named(msgspec.Struct, rename="camel"):
    """Only the type of an object: it is optional, so no tagged union can tell them apart."""

    object_type: Literal["Activity", "Agent", "Group", "StatementRef", "SubStatement"] = "Activity"
