"""A statement is voided that a completion leans on: somebody is asked, and nothing changes."""

import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.credentials import reviewing
from lms.credentials.models import Certificate
from lms.db import Database
from lms.edge import State
from lms.errors import ConflictError, InvalidError
from lms.learning import recount, voiding
from lms.learning.models import Completion, CompletionReview, Enrolment
from lms.people.models import AuditRow
from lms.xapi import store
from lms.xapi import vocabulary as say
from tests import factories, xapi_world
from tests.closing_world import reads, scores, world
from tests.factories import NOW
from tests.xapi_world import System


def statements_of(session: Session, enrolment_id: int, verb: str = "") -> list[str]:
    enrolment = session.get_one(Enrolment, enrolment_id)
    found = store.of_registration(
        session.connection(), enrolment.institution_id, enrolment.registration
    )
    return [one.statement_id for one in found if one.verb == verb or not verb]


def voiding_of(target: str) -> dict[str, Any]:
    return {
        "actor": {"mbox": "mailto:admin@example.kr"},
        "verb": {"id": say.VOIDED},
        "object": {"objectType": "StatementRef", "id": target},
    }


@pytest.fixture
def done(app: Flask, db: Database, state: State) -> dict[str, Any]:
    """Somebody who read a page, by two statements, and passed a quiz; and a system that may all."""
    with db.transaction() as session:
        home, officer, run = world(session, state, [factories.PAGE], [factories.QUIZ])
        learner = factories.person(session, home, name="이수한 사람")
        enrolment = factories.enrolment(session, state.hook, learner, run)
        reads(session, state, enrolment)
        scores(session, state, enrolment, 70)
    with db.transaction() as session:
        # A better score comes later: the completion does not lean on it.
        scores(session, state, session.get_one(Enrolment, enrolment.id), 90)
    return {
        "home": home,
        "officer": officer,
        "learner": learner,
        "enrolment": enrolment.id,
        "system": xapi_world.system(app, "all", institution_id=home.id),
    }


def void(done: dict[str, Any], *targets: str) -> Any:
    system: System = done["system"]
    return system.post([voiding_of(one) for one in targets])


def leaned_on(db: Database, done: dict[str, Any]) -> list[str]:
    """What the completion leans on: the page that was read, and the quiz."""
    with db.reading() as session:
        completion = session.scalars(select(Completion)).one()
        return sorted(voiding._evidence(completion))


def reviews(db: Database) -> list[CompletionReview]:
    with db.reading() as session:
        return list(session.scalars(select(CompletionReview).order_by(CompletionReview.id)))


def acts(session: Session, subject: str = "completion") -> list[tuple[str, int | None, Any]]:
    rows = session.scalars(select(AuditRow).where(AuditRow.subject == subject))
    return [(one.act, one.actor_id, one.detail) for one in rows]


def as_it_stands(db: Database, done: dict[str, Any]) -> tuple[Any, ...]:
    with db.reading() as session:
        enrolment = session.get_one(Enrolment, done["enrolment"])
        completion = session.scalars(select(Completion)).one()
        certificate = session.scalars(select(Certificate)).one()
        return (
            enrolment.completed_at,
            enrolment.progress_permille,
            enrolment.score,
            completion.proof,
            certificate.revoked_at,
        )


def test_a_voided_statement_puts_its_completion_under_review_and_changes_nothing(
    app: Flask, db: Database, done: dict[str, Any]
) -> None:
    before = as_it_stands(db, done)
    first, second = leaned_on(db, done)
    answer = void(done, first)
    assert answer.status_code == 200
    assert as_it_stands(db, done) == before
    (review,) = reviews(db)
    username = done["system"].username
    told = {"target": first, "voided_by": answer.get_json()[0], "authority": username}
    assert [{**one, "at": ""} for one in review.statements] == [{**told, "at": ""}]
    assert (review.decided_at, review.decision) == (None, None)
    with db.reading() as session:
        completion = session.scalars(select(Completion)).one()
        assert completion.review == voiding.REVIEW
        act, actor_id, detail = acts(session)[-1]
        assert (act, actor_id) == ("completion.review", None)
        assert detail == {
            "statements": [first],
            "voided_by": answer.get_json(),
            "by": [username],
        }
        code = session.scalars(select(Certificate.code)).one()
    # Who asks in public hears what holds until somebody decides.
    assert "유효한 이수증입니다" in app.test_client().get(f"/verify/{code}").text
    # A second one: the same review, and the officer sees both.
    assert void(done, second).status_code == 200
    (review,) = reviews(db)
    assert [one["target"] for one in review.statements] == [first, second]
    with db.reading() as session:
        assert [one[0] for one in acts(session)].count("completion.review") == 2


def test_voiding_anything_else_asks_nobody(app: Flask, db: Database, done: dict[str, Any]) -> None:
    with db.reading() as session:
        others = set(statements_of(session, done["enrolment"])) - set(leaned_on(db, done))
    foreign = done["system"].post(xapi_world.STATEMENT).get_json()
    unknown = "aaaaaaaa-0000-4000-8000-000000000000"
    assert others
    assert void(done, *sorted(others), *foreign, unknown).status_code == 200
    assert reviews(db) == []
    with db.reading() as session:
        assert session.scalars(select(Completion.review)).all() == [None]


def test_a_refused_batch_opens_no_review(db: Database, done: dict[str, Any]) -> None:
    target = leaned_on(db, done)[0]
    broken = {**xapi_world.STATEMENT, "verb": {}}
    assert done["system"].post([voiding_of(target), broken]).status_code == 400
    assert reviews(db) == []
    # A system that may only write voids nothing of ours.
    other = xapi_world.system(
        done["system"].app, "statements/write", institution_id=done["home"].id
    )
    assert other.post(voiding_of(target)).status_code == 403
    assert reviews(db) == []


def test_what_is_voided_before_completing_is_looked_at_then(
    app: Flask, db: Database, state: State
) -> None:
    with db.transaction() as session:
        home, _, run = world(session, state, [factories.PAGE], [factories.QUIZ])
        enrolment = factories.enrolment(session, state.hook, factories.person(session, home), run)
        reads(session, state, enrolment)
    system = xapi_world.system(app, "all", institution_id=home.id)
    with db.reading() as session:
        (target,) = statements_of(session, enrolment.id, say.EXPERIENCED)
    assert system.post(voiding_of(target)).status_code == 200
    assert reviews(db) == []
    with db.transaction() as session:
        scores(session, state, session.get_one(Enrolment, enrolment.id), 80)
    (review,) = reviews(db)
    assert [one["target"] for one in review.statements] == [target]
    assert [one["authority"] for one in review.statements] == [system.username]
    with db.reading() as session:
        assert session.scalars(select(Completion.review)).all() == [voiding.REVIEW]


@pytest.mark.parametrize("turn", range(3))
def test_voiding_and_completing_at_once_never_miss_each_other(
    app: Flask, db: Database, state: State, turn: int
) -> None:
    with db.transaction() as session:
        home, _, run = world(session, state, [factories.PAGE], [factories.QUIZ])
        enrolment = factories.enrolment(session, state.hook, factories.person(session, home), run)
        reads(session, state, enrolment)
    system = xapi_world.system(app, "all", institution_id=home.id)
    with db.reading() as session:
        (target,) = statements_of(session, enrolment.id, say.EXPERIENCED)
    both = threading.Barrier(2)

    def complete() -> None:
        both.wait()
        with db.transaction() as session:
            scores(session, state, session.get_one(Enrolment, enrolment.id), 80)

    def undo() -> None:
        both.wait()
        assert system.post(voiding_of(target)).status_code == 200

    threads = [threading.Thread(target=one) for one in (complete, undo)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (review,) = reviews(db)
    assert [one["target"] for one in review.statements] == [target]


def decide(
    db: Database, state: State, done: dict[str, Any], decision: str, **more: Any
) -> CompletionReview:
    with db.transaction() as session:
        latest = select(CompletionReview).order_by(CompletionReview.id.desc())
        review = session.scalars(latest.limit(1)).one()
        how = {"reason": "확인함", "seen": len(review.statements), "now": NOW}
        how |= {"actor_id": done["officer"].id, **more}
        reviewing.decide(session, state.hook, review, decision, **how)
        return review


def test_the_officer_keeps_it(db: Database, state: State, done: dict[str, Any]) -> None:
    before = as_it_stands(db, done)
    target = leaned_on(db, done)[0]
    void(done, target)
    for bad, error in (
        ({"reason": " "}, InvalidError),
        ({"seen": 0}, ConflictError),
        ({"decision": "?"}, InvalidError),
    ):
        given = {"decision": "kept", **bad}
        with pytest.raises(error):
            decide(db, state, done, given.pop("decision"), **given)
    review = decide(db, state, done, "kept")
    assert (review.decision, review.reason, review.actor_id) == (
        "kept",
        "확인함",
        done["officer"].id,
    )
    assert as_it_stands(db, done) == before
    with db.reading() as session:
        assert session.scalars(select(Completion.review)).all() == [None]
        assert acts(session)[-1] == (
            "completion.kept",
            done["officer"].id,
            {"statements": [target]},
        )
    with pytest.raises(ConflictError, match="이미 정했습니다"):
        decide(db, state, done, "revoked")
    # Another is voided later: that is another review.
    void(done, leaned_on(db, done)[1])
    assert [one.decision for one in reviews(db)] == ["kept", None]


def test_the_officer_revokes_it(db: Database, state: State, done: dict[str, Any]) -> None:
    void(done, leaned_on(db, done)[0])
    decide(db, state, done, "revoked", revoke_class="error")
    with db.reading() as session:
        certificate = session.scalars(select(Certificate)).one()
        assert (certificate.revoked_class, certificate.revoked_reason) == ("error", "확인함")
        assert session.scalars(select(Completion.review)).all() == [None]
        assert acts(session)[-1][0] == "completion.revoked"
        assert acts(session, "certificate")[-1][:2] == ("revoke", done["officer"].id)


def test_the_officer_makes_it_right_where_what_is_left_suffices(
    db: Database, state: State, done: dict[str, Any]
) -> None:
    """The first mark is voided; the second, better one is left, and the page was read."""
    with db.reading() as session:
        mark, _ = statements_of(session, done["enrolment"], say.PASSED)
        (page,) = statements_of(session, done["enrolment"], say.EXPERIENCED)
    assert void(done, mark).status_code == 200
    with db.reading() as session:
        assert reviewing.standing(session, session.get_one(Enrolment, done["enrolment"])).holds
    decide(db, state, done, "recomputed")
    with db.reading() as session:
        enrolment = session.get_one(Enrolment, done["enrolment"])
        assert (enrolment.completed_at, enrolment.score) == (NOW, 9000)
        assert [
            one for one in recount.differences(session, enrolment) if one["what"] != "proof differs"
        ] == []
        assert session.scalars(select(Certificate.revoked_at)).all() == [None]
    # Nothing is left of the page: that cannot be made right.
    void(done, page)
    with pytest.raises(ConflictError, match="미치지 못합니다"):
        decide(db, state, done, "recomputed")


def test_the_officers_pages(client: FlaskClient, db: Database, done: dict[str, Any]) -> None:
    targets = leaned_on(db, done)
    void(done, *targets)
    (review,) = reviews(db)
    factories.sign_in(client, done["officer"])
    start = client.get("/manage").text
    assert "기록이 무효가 되어 다시 볼 이수 1건" in start
    assert "이수한 사람" in start
    page = client.get("/manage/reviews").text
    assert f"/manage/reviews/{review.id}" in page
    address = f"/manage/reviews/{review.id}"
    page = client.get(address).text
    assert all(target in page for target in targets)
    assert done["system"].username in page
    assert "남은 기록만으로는 이수 기준에 미치지 못합니다." in page
    refused = client.post(address, data={"decision": "kept", "seen": "2"})
    assert refused.status_code == 422
    assert "까닭을 적어 주십시오" in refused.text
    late = client.post(address, data={"decision": "kept", "seen": "1", "reason": "옛 화면"})
    assert late.status_code == 409
    given = {"decision": "kept", "seen": "2", "reason": "출석부로 확인함"}
    assert client.post(address, data=given).status_code == 303
    page = client.get(address).text
    assert "그대로 둠" in page
    assert "출석부로 확인함" in page
    assert "이렇게 정하기" not in page
    assert "다시 볼 이수가 없습니다." in client.get("/manage/reviews").text


def test_the_learner_sees_that_it_is_looked_at(
    client: FlaskClient, db: Database, done: dict[str, Any]
) -> None:
    void(done, leaned_on(db, done)[0])
    factories.sign_in(client, done["learner"])
    assert "다시 보는 중" in client.get("/record").text
    with db.reading() as session:
        number = session.scalars(select(Certificate.id)).one()
    page = client.get(f"/certificates/{number}").text
    assert "담당자가 살펴보고 있으며" in page
