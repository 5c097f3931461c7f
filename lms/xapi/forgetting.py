"""What systems keep here about people who are forgotten is forgotten, too: every night.

Their statements stay, since they name an opaque account (Personal Information Protection Act,
Article 21); a document may say anything, so it goes.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, select
from sqlalchemy.orm import Session

from lms.people.models import Institution, Person
from lms.xapi.models import Document


def nightly(state: Any, _slot: datetime) -> None:
    """Delete the states and agent profiles of everybody who is forgotten."""
    with state.db.transaction() as session:
        forget(session)


def forget(session: Session) -> None:
    """As `nightly`; running it again changes nothing."""
    account = "account:" + Institution.home_page + "|" + Person.account_name
    theirs = (
        select(Document.id)
        .join(
            Person,
            and_(Person.institution_id == Document.institution_id, Person.status == "forgotten"),
        )
        .join(Institution, Institution.id == Person.institution_id)
        .where(Document.agent == account)
    )
    session.execute(
        delete(Document).where(Document.id.in_(theirs)).execution_options(synchronize_session=False)
    )
