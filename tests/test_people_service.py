"""Persons, roles and forgetting, without HTTP."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select

from lms.config import Settings
from lms.db import Database
from lms.edge import State
from lms.errors import ConflictError, InvalidError, NotFoundError
from lms.people import access, service
from lms.people.actor import Actor, Identity
from lms.people.models import AccessRow, Account, AuditRow, Person, RoleGrant, SignIn
from scheduler import housekeeping
from tests import factories
from tests.factories import NOW
from tests.people_world import account, sealed

SETTINGS = Settings()
CHANGE = {"actor_id": None, "now": NOW, "reason": "시험"}


def test_a_host_sites_person_is_made_at_first_sight(db: Database) -> None:
    with db.transaction() as session:
        home = factories.institution(session)
    identity = Identity(issuer="host", subject="42", name="박보기", email="park@example.kr")
    with db.reading() as session:
        assert service.find_actor(session, identity, now=NOW, settings=SETTINGS) is None
    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(
                db.writer.do,
                lambda connection: service.recognise(connection, identity, code=None, now=NOW),
            )
    with db.reading() as session:
        row = session.scalars(select(Person)).one()
        actor = service.find_actor(session, identity, now=NOW, settings=SETTINGS)
    assert actor == Actor(
        person_id=row.id,
        institution_id=home.id,
        name="박보기",
        account_name=row.account_name,
        home_page=home.home_page,
        zone="Asia/Seoul",
        institution_name=home.name,
        institution_short=home.short_name,
        institution_settings={},
        organisation=None,
        rank=None,
        locale=None,
        theme="",
        roles=frozenset({"learner"}),
    )


def test_several_institutions_need_a_name(db: Database) -> None:
    with db.transaction() as session:
        factories.institution(session, "AAA")
        second = factories.institution(session, "BBB")
    identity = Identity(issuer="host", subject="42", name="박보기")
    with pytest.raises(ConflictError):
        db.writer.do(lambda c: service.recognise(c, identity, code=None, now=NOW))
    db.writer.do(lambda c: service.recognise(c, identity, code="BBB", now=NOW))
    with db.reading() as session:
        actor = service.find_actor(session, identity, now=NOW, settings=Settings(institution="BBB"))
        assert actor is not None
        assert actor.institution_id == second.id
        assert (
            service.find_actor(session, identity, now=NOW, settings=Settings(institution="AAA"))
            is None
        )


def test_an_actor_knows_roles_and_runs(db: Database) -> None:
    with db.transaction() as session:
        home = factories.institution(session)
        kim = factories.person(session, home, "officer", issuer="host", subject="1")
        for run in (7, 8):
            service.grant(session, kim.id, home.id, "course_manager", run_id=run, **CHANGE)
        service.end_grant(session, kim.id, home.id, "course_manager", run_id=8, **CHANGE)
        actor = service.find_actor(
            session, Identity(issuer="host", subject="1"), now=NOW, settings=SETTINGS
        )
    assert actor is not None
    assert (actor.roles, actor.runs, actor.is_staff) == (
        frozenset({"learner", "officer", "course_manager"}),
        {"course_manager": frozenset({7})},
        True,
    )


def test_a_role_is_held_once(db: Database) -> None:
    with db.transaction() as session:
        home = factories.institution(session)
        kim = factories.person(session, home)
        told = [
            service.grant(session, kim.id, home.id, "officer", **CHANGE),
            service.grant(session, kim.id, home.id, "officer", **CHANGE),
            service.grant(session, kim.id, home.id, "officer", run_id=3, **CHANGE),
            service.end_grant(session, kim.id, home.id, "officer", **CHANGE),
            service.end_grant(session, kim.id, home.id, "officer", **CHANGE),
            service.grant(session, kim.id, home.id, "officer", **CHANGE),
        ]
        held = [(grant.run_id, grant.ended_at) for grant in service.roles(session, kim.id)]
        audits = session.scalars(select(AuditRow.act).order_by(AuditRow.id)).all()
    assert told == [True, False, True, True, False, True]
    assert sorted(held, key=str) == sorted([(None, None), (3, None), (None, NOW)], key=str)
    assert audits == ["role.grant", "role.grant", "role.end", "role.grant"]


def test_a_role_is_given_by_the_group_writer_too(db: Database) -> None:
    with db.transaction() as session:
        home = factories.institution(session)
        kim = factories.person(session, home)

    def give(connection: Connection) -> bool:
        return service.grant(connection, kim.id, home.id, "officer", **CHANGE)

    assert [db.writer.do(give) for _ in range(2)] == [True, False]
    with db.reading() as session:
        assert session.scalars(select(AuditRow.act)).all() == ["role.grant"]


def test_what_is_no_change_of_a_role(db: Database) -> None:
    with db.transaction() as session:
        home, other = factories.institution(session), factories.institution(session)
        kim = factories.person(session, home)
        with pytest.raises(InvalidError):
            service.grant(session, kim.id, home.id, "king", **CHANGE)
        with pytest.raises(InvalidError):
            service.grant(session, kim.id, home.id, "learner", **CHANGE)
        with pytest.raises(InvalidError):
            service.grant(session, kim.id, home.id, "officer", **{**CHANGE, "reason": " "})
        with pytest.raises(NotFoundError):
            service.grant(session, kim.id, other.id, "officer", **CHANGE)
        assert session.scalar(select(func.count(RoleGrant.id))) == 0


def test_forgetting_leaves_the_record_and_nothing_personal(db: Database) -> None:
    with db.transaction() as session:
        home = factories.institution(session)
        kim = sealed(session, home, "officer", name="김지움", rank="수석교사", locale="en")
        account(session, home, "other")
        session.add(
            SignIn(
                institution_id=home.id,
                person_id=kim.id,
                token_hash="x",
                device="d",
                address="a",
                created_at=NOW,
                seen_at=NOW,
            )
        )
    with db.transaction() as session:
        one = session.get_one(Person, kim.id)
        service.forget(session, one, actor_id=None, now=NOW, reason="본인 요청")
        service.forget(session, one, actor_id=None, now=NOW, reason="본인 요청")
    with db.reading() as session:
        row = session.get_one(Person, kim.id)
        left = {name: getattr(row, name) for name in Person.__table__.columns.keys()}  # noqa: SIM118
        assert left == {
            "id": kim.id,
            "institution_id": home.id,
            "issuer": "forgotten",
            "subject": kim.account_name,
            "account_name": kim.account_name,
            "name": "(지움)",
            "staff_category": "outsider",
            "status": "forgotten",
            "theme": "",
            "unwanted": [],
            "created_at": NOW,
            **dict.fromkeys(
                (
                    "email",
                    "phone",
                    "organisation_id",
                    "rank",
                    "occupation",
                    "first_appointed_on",
                    "retires_on",
                    "born_mark",
                    "birth_date_sealed",
                    "neis_sealed",
                    "neis_mark",
                    "locale",
                )
            ),
        }
        assert session.scalar(select(func.count(SignIn.id))) == 0
        assert session.scalars(select(Account.login)).all() == ["other"]
        assert [grant.ended_at for grant in service.roles(session, kim.id)] == [NOW]
        acts = session.scalars(select(AuditRow.act).where(AuditRow.subject_id == kim.id)).all()
        assert acts == ["role.grant", "person.forget"]
        assert (
            service.find_actor(session, Identity(sign_in="x"), now=NOW, settings=SETTINGS) is None
        )


def test_forgetting_needs_a_reason(db: Database) -> None:
    with db.transaction() as session:
        kim = factories.person(session, factories.institution(session))
        with pytest.raises(InvalidError):
            service.forget(session, kim, actor_id=None, now=NOW, reason="")
        assert kim.status == "active"


def test_a_download_without_a_reason_is_our_fault(db: Database) -> None:
    with db.transaction() as session:
        home = factories.institution(session)
        factories.person(session, home, issuer="host", subject="1")
        actor = service.find_actor(
            session, Identity(issuer="host", subject="1"), now=NOW, settings=SETTINGS
        )
        assert actor is not None
        told = {"address": "::1", "subject": "people", "subject_id": None, "now": NOW}
        with pytest.raises(ValueError, match="reason"):
            access.log(session, actor, act="download", reason=" ", **told)
        assert session.scalar(select(func.count(AccessRow.id))) == 0


def test_the_access_log_is_kept_two_years(state: State) -> None:
    with state.db.transaction() as session:
        home = factories.institution(session)
        kim = factories.person(session, home)
        for days in (1, 730, 733):
            session.add(
                AccessRow(
                    institution_id=home.id,
                    at=NOW - timedelta(days=days),
                    actor_id=kim.id,
                    address="",
                    act="view",
                    subject="person",
                    subject_id=kim.id,
                )
            )
    housekeeping.forget_access(state, NOW)
    with state.db.reading() as session:
        kept = session.scalars(select(AccessRow.at).order_by(AccessRow.id)).all()
    assert kept == [NOW - timedelta(days=1), NOW - timedelta(days=730)]
