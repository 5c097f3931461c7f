"""Certificates: numbered once, printed alike, revoked in the open, and silent about people."""

import io

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from lms.credentials import service
from lms.credentials.models import Certificate, RecognisedTime
from lms.errors import ConflictError, InvalidError
from lms.learning.models import Completion
from lms.people.models import AuditRow
from lms.people.sealing import Sealer
from tests import factories
from tests.factories import NOW, later
from tests.test_learning_record import read_page


@pytest.fixture
def world(state, client):
    """A learner who has completed a course of 15 hours, signed in."""

    class World:
        pass

    made = World()
    sealer = Sealer(state.settings.encryption_key())
    with state.db.transaction() as session:
        home = factories.institution(session, settings={"head_title": "시험연수원장"})
        made.learner = factories.person(
            session, home, name="김이수", birth_date_sealed=sealer.seal("1990-01-02")
        )
        made.officer = factories.person(session, home, "officer")
        course = factories.course(session, state.kinds, home)
        enrolment = factories.enrolment(
            session, state.hook, made.learner, factories.run(session, course)
        )
        made.title = course.title
        ids = enrolment.id, factories.activities(session, enrolment)[0].id
    read_page(state, *ids, now=later(5))
    with state.db.reading() as session:
        made.certificate = session.scalars(select(Certificate)).one()
    factories.sign_in(client, made.learner)
    return made


def test_a_reprint_is_the_same_bytes_and_says_who_what_and_how_long(state, client, world):
    first = client.get(f"/certificates/{world.certificate.id}/paper.pdf")
    again = client.get(f"/certificates/{world.certificate.id}/paper.pdf")
    assert first.data == again.data
    assert first.mimetype == "application/pdf"
    text = PdfReader(io.BytesIO(first.data)).pages[0].extract_text().replace(" ", "")
    for part in (world.certificate.number, "김이수", "15시간", "1학점", "시험연수원장"):
        assert part.replace(" ", "") in text


def test_the_paper_stays_as_it_was_when_the_person_changes(state, client, world):
    with state.db.transaction() as session:
        session.merge(world.learner).name = "이름바꿈"
    text = (
        PdfReader(io.BytesIO(client.get(f"/certificates/{world.certificate.id}/paper.pdf").data))
        .pages[0]
        .extract_text()
    )
    assert "김이수" in text.replace(" ", "")


def test_the_public_page_says_valid_and_nothing_personal(app, world):
    page = factories.browser(app).get(f"/verify/{world.certificate.code}")
    assert page.status_code == 200
    assert "유효한 이수증입니다." in page.text
    assert world.certificate.number in page.text
    for personal in ("김이수", "1990", world.title):
        assert personal not in page.text


def test_revoking_needs_a_reason_shows_when_and_why_and_happens_once(state, app, world):
    with state.db.transaction() as session:
        certificate = session.get_one(Certificate, world.certificate.id)
        who = {"actor_id": world.officer.id, "now": NOW}
        with pytest.raises(InvalidError):
            service.revoke(session, certificate, revoke_class="error", reason=" ", **who)
        service.revoke(session, certificate, revoke_class="error", reason="두 번 셈", **who)
        with pytest.raises(ConflictError):
            service.revoke(session, certificate, revoke_class="error", reason="다시", **who)
    page = factories.browser(app).get(f"/verify/{world.certificate.code}").text
    assert "취소된 이수증입니다." in page
    assert "2026. 11. 23.에 취소되었습니다. 갈래: 발급 오류" in page
    assert "두 번 셈" not in page
    with state.db.reading() as session:
        row = session.scalars(select(AuditRow).filter_by(act="revoke")).one()
        assert (row.reason, row.actor_id) == ("두 번 셈", world.officer.id)


@pytest.mark.parametrize("code", ["x", "0" * 20, "../../etc/passwd", "%00", "가나다"])
def test_a_wrong_code_is_unknown_and_leads_nowhere(app, world, code):
    page = factories.browser(app).get(f"/verify/{code}")
    assert page.status_code in {404, 422}
    assert "유효" not in page.text


def test_every_changed_code_is_unknown(app, world):
    browser = factories.browser(app)
    code = world.certificate.code
    for place in range(len(code)):
        other = code[:place] + ("A" if code[place] != "A" else "B") + code[place + 1 :]
        assert browser.get(f"/verify/{other}").status_code == 404


def test_recognised_time_counts_credits_by_the_law(state, world):
    with state.db.reading() as session:
        row = session.scalars(select(RecognisedTime)).one()
        assert (row.minutes, row.credits, row.kind) == (900, 1, "in_service")


def test_a_completion_cannot_be_deleted_nor_an_audit_row_changed(state, world):
    for statement in ("DELETE FROM lms_completion", "UPDATE lms_audit SET reason = 'x'"):
        with pytest.raises(DBAPIError, match="append-only"), state.db.transaction() as session:
            session.connection().exec_driver_sql(statement)
    with state.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Completion)) == 1


def test_somebody_elses_certificate_is_not_found(state, app, world):
    other = factories.browser(app)
    factories.sign_in(other, world.officer)
    for path in ("", "/paper.pdf", "/qr.svg"):
        assert other.get(f"/certificates/{world.certificate.id}{path}").status_code == 404


def test_without_a_birth_date_the_paper_says_whom_to_tell(state, client, world):
    with state.db.transaction() as session:
        certificate = session.get_one(Certificate, world.certificate.id)
        certificate.payload = {**certificate.payload, "birth_date_sealed": None}
    answer = client.get(f"/certificates/{world.certificate.id}/paper.pdf")
    assert answer.status_code == 422
    assert "생년월일이 등록되지 않아" in answer.text
