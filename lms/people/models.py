"""Who: a person is known by the institution, the system that vouches for them, and a name there."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base


class Institution(Base):
    """A training institute: the tenant that owns people, courses, runs, numbers. pii: none"""

    __tablename__ = "lms_institution"

    code: Mapped[str] = mapped_column(unique=True)
    """Short and for numbers, e.g. «SETI»."""

    name: Mapped[str]
    short_name: Mapped[str]
    """What fits beside the brand."""

    host: Mapped[str | None] = mapped_column(unique=True)
    """The host name that is this institution's alone; None shares the site's."""

    zone: Mapped[str] = mapped_column(default="Asia/Seoul")
    """IANA name; every deadline is a local date here."""

    home_page: Mapped[str] = mapped_column(unique=True)
    """IRI that names this institution in statements (xAPI Data 2.4.2.4, account homePage)."""

    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """See lms.people.settings.InstitutionSettings."""

    created_at: Mapped[datetime]


class Organisation(Base):
    """A school or an office, in or beside an institution; a tree. pii: none"""

    __tablename__ = "lms_organisation"
    __table_args__ = (UniqueConstraint("institution_id", "code"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("lms_organisation.id"))
    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    """office · school"""

    school_level: Mapped[str | None]


class Person(Base):
    """Somebody who learns, teaches or administers.

    pii: name, email, phone, birth date and NEIS number (encrypted);
    retirement: lms.people.service.forget
    """

    __tablename__ = "lms_person"
    __table_args__ = (
        UniqueConstraint("institution_id", "issuer", "subject"),
        UniqueConstraint("institution_id", "account_name"),
        Index("ix_lms_person_neis", "institution_id", "neis_mark"),
        Index("ix_lms_person_name", "institution_id", "name", "id"),
        Index("ix_lms_person_born", "institution_id", "born_mark"),
        # Who cannot be found by that mark: without a birth date, or kept before there was one.
        Index(
            "ix_lms_person_unmarked",
            "institution_id",
            "name",
            sqlite_where=text("born_mark IS NULL"),
            postgresql_where=text("born_mark IS NULL"),
        ),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    institution: Mapped[Institution] = relationship()
    issuer: Mapped[str]
    """Who vouches: "local", a host site's name, or an LTI platform's issuer."""

    subject: Mapped[str]
    """The person's identifier at the issuer; opaque to us."""

    account_name: Mapped[str]
    """What statements call the person: random, so that the record holds no personal data."""

    name: Mapped[str]
    email: Mapped[str | None]
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey(Organisation.id), index=True)
    organisation: Mapped[Organisation | None] = relationship()
    staff_category: Mapped[str] = mapped_column(default="teacher")
    """teacher · education_specialist · local_official · education_worker ·
    private_school_staff · outsider"""

    rank: Mapped[str | None]
    occupation: Mapped[str | None]
    first_appointed_on: Mapped[date | None]
    status: Mapped[str] = mapped_column(default="active")
    """active · leave · retired · forgotten"""

    birth_date_sealed: Mapped[str | None]
    neis_sealed: Mapped[str | None]
    neis_mark: Mapped[str | None]
    """Keyed hash of the NEIS number: finds its owner without opening anybody's."""

    born_mark: Mapped[str | None]
    """Keyed hash of name and birth date: finds namesakes of one age without opening anybody's."""

    phone: Mapped[str | None]
    retires_on: Mapped[date | None]
    unwanted: Mapped[list[Any]] = mapped_column(default=list)
    """Channels by which the person wants no nudges: mail · sms · alimtalk."""

    locale: Mapped[str | None]
    theme: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]


class Post(Base):
    """What the personnel system says of a person in a period: school, category, leave.

    Periods of a person neither overlap nor leave gaps after the first; the one that holds today is
    mirrored in `Person`. Kept when facts change, so that a rule can be asked about any date.
    pii: id
    """

    __tablename__ = "lms_post"
    __table_args__ = (
        UniqueConstraint("person_id", "from_on"),
        CheckConstraint("from_on <= until_on", name="period"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id, ondelete="CASCADE"))
    from_on: Mapped[date]
    until_on: Mapped[date | None]
    """Local dates, both included; None goes on."""

    organisation_id: Mapped[int | None] = mapped_column(ForeignKey(Organisation.id), index=True)
    staff_category: Mapped[str]
    rank: Mapped[str | None]
    occupation: Mapped[str | None]
    status: Mapped[str]
    """active · leave · retired"""

    reason: Mapped[str]
    """joined · transfer · promotion · leave · return · retirement · correction"""

    recorded_at: Mapped[datetime]


class Intake(Base):
    """A sheet that somebody uploaded and has yet to confirm, or confirmed.

    pii: the sheet's bytes, sealed, until it is confirmed or a day old; retirement: daily pruning
    """

    __tablename__ = "lms_intake"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    actor_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    purpose: Mapped[str]
    """What it is for: people · organisations · enrolments · nominations"""

    subject_id: Mapped[int | None]
    """The run, where it is for one."""

    name: Mapped[str]
    """Of the file."""

    sha256: Mapped[str]
    sealed: Mapped[str | None]
    """The file's bytes, base64 and sealed; gone once confirmed."""

    plan: Mapped[str]
    """SHA-256 over what the preview said would change; confirming names it."""

    uploaded_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Outcome → number of rows; `left_out`: numbers of the rows that were not to be kept;
    `applied`, `finished`: how far a large sheet has come."""


class Account(Base):
    """A local login of a person. pii: login; retirement: lms.people.service.forget"""

    __tablename__ = "lms_account"
    __table_args__ = (UniqueConstraint("institution_id", "login"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id, ondelete="CASCADE"), unique=True)
    login: Mapped[str] = mapped_column(index=True)
    password_hash: Mapped[str]
    changed_at: Mapped[datetime]


class SignIn(Base):
    """One signed-in device of a person. pii: address, device; retirement: the daily pruning"""

    __tablename__ = "lms_sign_in"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id, ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    """SHA-256 of what the cookie holds: a stolen database signs nobody in."""

    device: Mapped[str]
    address: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class ResetToken(Base):
    """A way to a new password, sent by mail, good once and for an hour. pii: id"""

    __tablename__ = "lms_reset_token"

    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id, ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    until: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RoleGrant(Base):
    """A role that a person holds, and held: ended, never deleted. pii: id"""

    __tablename__ = "lms_role_grant"
    __table_args__ = (
        Index(
            "uq_lms_role_grant_current",
            "person_id",
            "role",
            "run_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL AND run_id IS NOT NULL"),
            postgresql_where=text("ended_at IS NULL AND run_id IS NOT NULL"),
        ),
        Index(
            "uq_lms_role_grant_current_all",
            "person_id",
            "role",
            unique=True,
            sqlite_where=text("ended_at IS NULL AND run_id IS NULL"),
            postgresql_where=text("ended_at IS NULL AND run_id IS NULL"),
        ),
        # What a person may (asked by every request), who holds a role, and who looks after some
        # runs: none of them reads all grants.
        Index(
            "ix_lms_role_grant_person",
            "person_id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_lms_role_grant_role",
            "institution_id",
            "role",
            "person_id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_lms_role_grant_run",
            "run_id",
            "role",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id, ondelete="CASCADE"))
    role: Mapped[str]
    run_id: Mapped[int | None]
    """The run that a course manager or instructor looks after; None for the whole institution.
    No foreign key: runs live on a floor above."""

    granted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Tries(Base):
    """How often something was tried in a window of time, whatever the way in. pii: none

    `key` holds a keyed hash, so the table names nobody.
    """

    __tablename__ = "lms_tries"
    __table_args__ = (UniqueConstraint("key", "window"),)

    key: Mapped[str]
    window: Mapped[int]
    count: Mapped[int]


class AuditRow(Base):
    """A change of a completion, a score, a right or a person's data. Never changed. pii: id"""

    __tablename__ = "lms_audit"
    __table_args__ = (
        Index("ix_lms_audit_subject", "institution_id", "subject", "subject_id"),
        Index("ix_lms_audit_at", "institution_id", "at"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    """The person who did it; None for the system itself."""

    act: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[int]
    reason: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What was and what is, without personal data."""


class AccessRow(Base):
    """Somebody looked at or took away personal data; kept two years. pii: id, address"""

    __tablename__ = "lms_access"
    __table_args__ = (Index("ix_lms_access_at", "institution_id", "at"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    at: Mapped[datetime]
    actor_id: Mapped[int]
    address: Mapped[str]
    act: Mapped[str]
    """view · download"""

    subject: Mapped[str]
    subject_id: Mapped[int | None]
    reason: Mapped[str | None]
    """Asked for with every download."""
