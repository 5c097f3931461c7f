"""From statements to a proven completion: once, whatever is sent and however often."""

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import event, func, select

from lms.credentials.models import Certificate, RecognisedTime
from lms.learning import proof, recount, service, stating
from lms.learning.models import ActivityResult, Completion, Enrolment, RecountFinding, Run
from lms.outbox import Task
from lms.people.models import AuditRow, Institution
from lms.xapi import vocabulary as say
from lms.xapi.models import Statement
from tests import factories
from tests.factories import NOW, later


def world(state, units):
    """An enrolment in a course of so many one-page units; its id and its activities'."""
    with state.db.transaction() as session:
        home = factories.institution(session)
        learner = factories.person(session, home)
        course = factories.course(session, state.kinds, home, *[[factories.PAGE]] * units)
        enrolment = factories.enrolment(
            session, state.hook, learner, factories.run(session, course)
        )
        return enrolment.id, [one.id for one in factories.activities(session, enrolment)]


def fellow(state, enrolment_id):
    """The enrolment of somebody else in the same run."""
    with state.db.transaction() as session:
        run = session.get_one(Run, session.get_one(Enrolment, enrolment_id).run_id)
        learner = factories.person(session, session.get_one(Institution, run.institution_id))
        return factories.enrolment(session, state.hook, learner, run).id


def read_page(state, enrolment_id, activity_id, *, now=NOW, statement_id=None):
    with state.db.transaction() as session:
        setting = stating.setting_of(session, enrolment_id)
        enrolment = session.get_one(Enrolment, enrolment_id)
        activity = service.activity_in(session, enrolment, activity_id)
        said = stating.about_activity(
            setting,
            activity,
            say.EXPERIENCED,
            activity_type=say.TYPE_PAGE,
            now=now,
            result={"completion": True},
            statement_id=statement_id,
        )
        return service.record(session, state.hook, enrolment_id, activity_id, [said], now=now)


def counted(state, *models):
    with state.db.reading() as session:
        return [session.scalar(select(func.count()).select_from(model)) for model in models]


def test_the_last_fact_completes_in_the_same_transaction(state):
    enrolment_id, (first, second) = world(state, 2)
    settled = read_page(state, enrolment_id, first, now=later(1))
    assert (settled.progress_permille, settled.unit_done, settled.completed) == (500, True, False)
    settled = read_page(state, enrolment_id, second, now=later(2))
    assert (settled.progress_permille, settled.just_completed) == (1000, True)
    assert counted(state, Completion, Certificate, RecognisedTime) == [1, 1, 1]
    with state.db.reading() as session:
        completion = session.scalars(select(Completion)).one()
        certificate = session.scalars(select(Certificate)).one()
        assert certificate.completion_id == completion.id
        assert certificate.number.endswith("-00001")
        assert proof.replay(session, completion).holds is True
        assert {row.act for row in session.scalars(select(AuditRow))} == {
            "enrol",
            "complete",
            "issue",
        }
        assert [task.name for task in session.scalars(select(Task))] == ["learning.tell_completion"]


def test_a_completion_reads_and_writes_each_thing_once(state):
    enrolment_id, (only,) = world(state, 1)
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        if "lms_" in statement:
            words = statement.split()
            table = words.index("FROM" if words[0] == "SELECT" else words[0])
            seen.append((words[0], next(one for one in words[table:] if one.startswith("lms_"))))

    # Every statement is prepared, and what is stated of this activity is known: see xapi.canon.
    for _ in range(2):
        read_page(state, fellow(state, enrolment_id), only)
    event.listen(state.db.engine, "before_cursor_execute", note)
    read_page(state, enrolment_id, only)
    event.remove(state.db.engine, "before_cursor_execute", note)
    written = [table for verb, table in seen if verb != "SELECT"]
    assert written == [
        "lms_statement",
        "lms_statement_link",  # the course around the activity
        "lms_activity_result",
        "lms_enrolment",
        "lms_completion",
        "lms_statement",
        "lms_audit",
        "lms_task",
        "lms_recognised_time",
        "lms_run",  # the certificate's number: from here on others of the run wait
        "lms_certificate",
        "lms_audit",
    ]
    # Setting, enrolment, activity; the lock where rows are locked; units; the certificate's names.
    assert len(seen) - len(written) == (5 if state.db.is_sqlite else 6)


def test_the_same_statement_again_changes_nothing(state):
    enrolment_id, (first, _) = world(state, 2)
    same = "11111111-1111-4111-8111-111111111111"
    read_page(state, enrolment_id, first, statement_id=same)
    before = counted(state, Statement, ActivityResult, AuditRow)
    settled = read_page(state, enrolment_id, first, statement_id=same)
    assert settled.progress_permille == 500
    assert counted(state, Statement, ActivityResult, AuditRow) == before


def test_after_completion_nothing_takes_it_back_and_nothing_issues_again(state):
    enrolment_id, (only,) = world(state, 1)
    read_page(state, enrolment_id, only, now=later(1))
    settled = read_page(state, enrolment_id, only, now=later(2))
    assert (settled.completed, settled.just_completed) == (True, False)
    assert counted(state, Completion, Certificate) == [1, 1]


def test_fifty_equal_last_facts_at_once_make_one_completion(state):
    enrolment_id, (only,) = world(state, 1)
    together = threading.Barrier(16)

    def act(_: int) -> bool:
        if _ < 16:
            together.wait(60)
        return read_page(state, enrolment_id, only, now=later(1)).just_completed

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(act, range(50))) == 1
    assert counted(state, Completion, Certificate) == [1, 1]


def test_fifty_different_last_facts_at_once_leave_nobody_incomplete(state):
    enrolment_id, activities = world(state, 50)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda one: read_page(state, enrolment_id, one, now=later(1)), activities))
    assert counted(state, Completion, Certificate, ActivityResult)[:2] == [1, 1]
    with state.db.reading() as session:
        enrolment = session.get_one(Enrolment, enrolment_id)
        assert enrolment.progress_permille == 1000
        assert enrolment.completed_at is not None


def test_serials_of_a_run_have_no_gap_and_no_double(state):
    with state.db.transaction() as session:
        home = factories.institution(session)
        course = factories.course(session, state.kinds, home)
        run = factories.run(session, course)
        people = [factories.person(session, home) for _ in range(20)]
        enrolments = [factories.enrolment(session, state.hook, one, run) for one in people]
        activity = factories.activities(session, enrolments[0])[0].id
        ids = [one.id for one in enrolments]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: read_page(state, one, activity, now=later(1)), ids))
    with state.db.reading() as session:
        serials = sorted(session.scalars(select(Certificate.serial)))
        assert serials == list(range(1, 21))
        assert session.scalars(select(Run.serial)).one() == 20


def test_the_recount_finds_nothing_where_all_is_well_and_a_forged_result_where_not(state):
    enrolment_id, (first, second) = world(state, 2)
    read_page(state, enrolment_id, first)
    recount.run(state, later(60))
    assert counted(state, RecountFinding) == [0]
    with state.db.transaction() as session:
        forged = session.scalars(select(ActivityResult)).one()
        forged.activity_id = second
    recount.run(state, later(60))
    with state.db.reading() as session:
        found = session.scalars(select(RecountFinding)).all()
        assert {row.what for row in found} == {"result"}
        assert len(found) == 2


def test_a_changed_completion_does_not_verify(state):
    enrolment_id, (only,) = world(state, 1)
    read_page(state, enrolment_id, only)
    with state.db.transaction() as session:
        completion = session.scalars(select(Completion)).one()
        completion.enrolment.run.rule = {"progress_permille": 100}
    with state.db.reading() as session:
        assert proof.replay(session, session.scalars(select(Completion)).one()).holds is False


def test_the_chain_of_days_shows_a_removed_day():
    roots = [proof.merkle_root([f"{day:064x}"]) for day in range(5)]
    head = recount.GENESIS
    for root in roots:
        head = proof.chain(head, root)
    shorter = recount.GENESIS
    for root in roots[:2] + roots[3:]:
        shorter = proof.chain(shorter, root)
    assert head != shorter
    assert proof.merkle_root([]) != proof.merkle_root(["00" * 32])
