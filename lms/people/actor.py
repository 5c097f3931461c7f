"""Who is asking: read once a request, small, and without the ORM."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Identity:
    """What vouches for somebody: a host site's word, or a sign-in of our own.

    With `sign_in` (the cookie's token) the rest is ours to look up; without it `issuer` and
    `subject` name the person, who is made at first sight.
    """

    issuer: str = "local"
    subject: str = ""
    name: str = ""
    email: str | None = None
    sign_in: str | None = None


@dataclass(frozen=True)
class Actor:
    """A person in an institution, with the roles they hold there now."""

    person_id: int
    institution_id: int
    name: str
    account_name: str
    home_page: str
    zone: str
    institution_name: str
    institution_short: str
    institution_settings: dict[str, object] = field(repr=False)
    organisation: str | None
    rank: str | None
    locale: str | None
    theme: str
    roles: frozenset[str]
    runs: dict[str, frozenset[int]] = field(default_factory=dict)
    """Runs looked after, by role."""

    sign_in_id: int | None = None
    seen_at: datetime | None = None
    organisation_id: int | None = None
    """The school or office that they belong to now: what a school officer acts for."""

    @property
    def is_staff(self) -> bool:
        return bool(self.roles - {"learner"})
