"""Who vouches for statements (Data 2.4.9)."""

from dataclasses import dataclass

import msgspec
from msgspec import Raw

from lms.xapi import links
from lms.xapi.actors import find_key
from lms.xapi.links import term
from lms.xapi.statement import Received

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Authority:
    """Who vouches for statements (Data 2.4.9).

    `name` is kept beside each statement. `home_page`: the account's home page; None trusts what
    the statement itself says, and names the institution's own LMS where it says nothing.
    """

    name: str
    home_page: str | None = None
    voids_others: bool = False
    """Whether it may void what others vouch for (Data 2.3.2.s2.b4)."""

    account: str | None = None
    """What the statement names it, where that is not `name`."""

    defines: bool = True
    """Whether what it says of activities counts for all (Communication 4.2: «define»)."""

    def agent(self, home_page: str) -> Raw:
        """The account that stands in the statement."""
        account = {"homePage": self.home_page or home_page, "name": self.account or self.name}
        return Raw(_encode({"objectType": "Agent", "account": account}))


LMS = Authority("lms", voids_others=True)
"""The LMS itself, whose statements move progress; its builder writes the authority in."""


def vouching(received: Received, authority: Authority) -> list[int]:
    """The links to whom the statement names as authority, where the column does not say it."""
    keys: tuple[str, ...] = ()
    if authority.account is not None:
        keys = (find_key(f"account:{authority.home_page}|{authority.account}"),)
    elif authority.home_page is None and received.vouched_by:
        ours = received.vouched_by[0].endswith(f"|{authority.name}")
        keys = () if ours else received.vouched_by
    return [term(links.AGENT_NEAR, key) for key in keys if key not in {"", received.actor}]
