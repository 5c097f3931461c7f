"""Who: agents, groups and what identifies them (Data 2.4.2)."""

import hashlib
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType, field

from lms.xapi.formats import Iri, Mailbox, Sha1

MOST_KEY_BYTES = 600
"""Longer values are found by their hash: an index of PostgreSQL holds 2,700 bytes in all."""


class Strict(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Nothing but what is named here, no nulls, no conversion (Data 2.2.s4.b1)."""


class Account(Strict):
    """An account on a system that exists (Data 2.4.2.4)."""

    home_page: Iri
    name: str


class _Identified(Strict):
    name: str | UnsetType = UNSET
    mbox: Mailbox | UnsetType = UNSET
    mbox_sha1sum: Sha1 | UnsetType = field(default=UNSET, name="mbox_sha1sum")
    openid: Iri | UnsetType = UNSET
    account: Account | UnsetType = UNSET

    def identifiers(self) -> int:
        """How many inverse functional identifiers there are."""
        return (
            (self.mbox is not UNSET)
            + (self.mbox_sha1sum is not UNSET)
            + (self.openid is not UNSET)
            + (self.account is not UNSET)
        )


class Agent(_Identified):
    """One person or system (Data 2.4.2.1)."""

    object_type: Literal["Agent"] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.identifiers() != 1:
            raise ValueError("an Agent has exactly one identifier (Data 2.4.2.1.s2.b1)")


class Actor(_Identified):
    """An Agent or a Group, whichever `objectType` says (Data 2.4.2)."""

    object_type: Literal["Agent", "Group"] | UnsetType = UNSET
    member: list[Agent] | UnsetType = UNSET

    def __post_init__(self) -> None:
        number = self.identifiers()
        if self.object_type != "Group":
            if number != 1:
                raise ValueError("an Agent has exactly one identifier (Data 2.4.2.1.s2.b1)")
            if self.member is not UNSET:
                raise ValueError("only a Group has members (Data 2.4.2.1)")
        elif number > 1:
            raise ValueError("a Group has one identifier or none (Data 2.4.2.2.s5.b1)")
        elif number == 0 and not self.member:
            raise ValueError("a Group without identifier has members (Data 2.4.2.2.s4.b1)")


def identifier(actor: Agent | Actor) -> str:
    """The inverse functional identifier in one line; empty for an anonymous group.

    What the specification takes as equal is equal here: domains and hashes in lower case.
    """
    if not isinstance(actor.account, UnsetType):
        return find_key(f"account:{actor.account.home_page}|{actor.account.name}")
    if not isinstance(actor.mbox, UnsetType):
        return find_key(mailbox(actor.mbox))
    if not isinstance(actor.mbox_sha1sum, UnsetType):
        return f"mbox_sha1sum:{actor.mbox_sha1sum.lower()}"
    if not isinstance(actor.openid, UnsetType):
        return find_key(f"openid:{actor.openid}")
    return ""


def mailbox(mbox: str) -> str:
    """A mailto IRI with its domain in lower case (Data 2.3.1.b7)."""
    box, _, domain = mbox.partition("@")
    return f"{box}@{domain.lower()}"


def find_key(text: str) -> str:
    """`text` as an index can hold it: itself, or its hash when it is too long or has a NUL."""
    if len(text.encode()) <= MOST_KEY_BYTES and "\x00" not in text:
        return text
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
