"""The desk: what stands in its lists, in which order, and at what cost."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from python_calamine import CalamineWorkbook
from sqlalchemy import select, update

from lms.learning.models import Run
from lms.people.models import AccessRow, AuditRow, RoleGrant
from lms.tutoring import asking, handing, learners, overview, sent
from lms.tutoring.asking import Asked, Place
from lms.tutoring.models import Nudge, SavedView
from tests import factories, tutoring_world
from tests.factories import NOW
from tests.rights_world import actor
from tests.test_learning_pages import counting
from tests.tutoring_world import World

DAY = timedelta(days=1)


@pytest.fixture
def world(state: Any) -> World:
    """Five learners: done, on pace, stalled, failed, never begun; the manager learns here, too."""
    with state.db.transaction() as session:
        made = World(session, state)
        made.learner(session, who={"name": "가이수"}, completed_at=NOW, progress_permille=1000)
        made.learner(session, who={"name": "나순항"}, last_act_at=NOW - DAY, progress_permille=700)
        made.learner(
            session, who={"name": "다멈춤"}, last_act_at=NOW - 12 * DAY, progress_permille=650
        )
        made.learner(
            session,
            who={
                "name": "라평가",
                "organisation_id": factories.organisation(session, made.home, "새솔중학교").id,
            },
            last_act_at=NOW - DAY,
            progress_permille=950,
            score=5500,
            failed=True,
        )
        made.learner(session, who={"name": "마시작"})
        made.learner(session, person=session.merge(made.manager))
        made.learner(session, who={"name": "바취소"}, state="withdrawn")
    return made


def listed(state: Any, world: World, asked: Asked, most: int = 50) -> list[str]:
    """Every name of the list, page by page."""
    with state.db.reading() as session:
        run, at = session.get_one(Run, world.run.id), world.moment(session)
        return [row.name for row in learners.every(session, run, at, asked, most=most)]


def test_the_counts_are_those_of_the_lists(state: Any, world: World) -> None:
    with state.db.reading() as session:
        run, at = session.get_one(Run, world.run.id), world.moment(session)
        counts = learners.counts(session, run, at)
    assert (counts.all, counts.done, counts.pace, counts.care, counts.fresh) == (5, 1, 1, 2, 1)
    for show in ("all", "done", "pace", "care", "fresh", "stalled", "failed", "untested", "behind"):
        names = listed(state, world, Asked(show=show))  # type: ignore[arg-type]
        assert len(names) == getattr(counts, show), show
    assert listed(state, world, Asked(show="care")) == ["다멈춤", "라평가"]
    assert counts.reaches == 1


def test_who_looks_after_a_run_is_no_late_learner_of_it(state: Any, world: World) -> None:
    assert "박견본" not in listed(state, world, Asked(show="all"))


@pytest.mark.parametrize("sort", ["risk", "name", "progress", "score", "last"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_list_walked_in_small_pages_is_the_list(
    state: Any, world: World, sort: Any, turned: bool
) -> None:
    with state.db.transaction() as session:
        for number in range(9):
            session.add(world.run)
            world.learner(
                session,
                who={"name": f"동명{number % 3}"},
                last_act_at=NOW - number * DAY if number % 4 else None,
                progress_permille=number % 3 * 100,
                score=6000 if number % 2 else None,
            )
    asked = Asked(show="all", sort=sort, turned=turned)
    whole = listed(state, world, asked)
    assert len(whole) == 14
    assert [listed(state, world, asked, most=size) for size in (1, 2, 5)] == [whole] * 3
    if sort == "risk":
        return
    other = listed(state, world, Asked(show="all", sort=sort, turned=not turned))
    assert sorted(other) == sorted(whole)
    assert other != whole


def test_one_can_go_back_by_the_same_pages(state: Any, world: World) -> None:
    asked = Asked(show="all", sort="name")
    with state.db.reading() as session:
        run, at = session.get_one(Run, world.run.id), world.moment(session)
        first, more = learners.page(session, run, at, asked, Place(), most=2)
        second, _ = learners.page(
            session, run, at, asked, Place(key=learners.key_of(first[-1], asked)), most=2
        )
        back = Place(key=learners.key_of(second[0], asked), back=True)
        again, before = learners.page(session, run, at, asked, back, most=2)
    assert more
    assert not before
    assert [row.name for row in again] == [row.name for row in first] == ["가이수", "나순항"]


def test_a_key_that_nobody_wrote_is_the_beginning(client: Any, state: Any, world: World) -> None:
    factories.sign_in(client, world.manager)
    for told in ("x", asking.write_key((2**70, 1, 1)), asking.write_key(("a", "b")), "W10"):
        page = client.get(f"/desk/runs/{world.run.id}?show=all&after={told}")
        assert (page.status_code, "가이수" in page.text) == (200, True)


def test_the_page_says_how_it_goes_and_why(client: Any, state: Any, world: World) -> None:
    factories.sign_in(client, world.manager)
    page = client.get(f"/desk/runs/{world.run.id}?show=all&sort=name").text
    assert "이수율 20% = 1 ÷ 5" in page
    assert "5명은 지금" in page
    found = client.get(f"/desk/runs/{world.run.id}?show=all&q=새솔").text
    assert ("라평가" in found, "다멈춤" in found) == (True, False)
    nobody = client.get(f"/desk/runs/{world.run.id}?show=all&q=없는이름").text
    assert "“없는이름”에 맞는 연수생이 없습니다." in nobody


def test_an_auditor_and_the_runs_instructor_read_and_change_nothing(
    client: Any, state: Any, world: World
) -> None:
    with state.db.transaction() as session:
        auditor = factories.person(session, world.home, "auditor")
        teacher = factories.person(session, world.home)
        tutoring_world.look_after(session, teacher, world.run, "instructor")
        stranger = factories.person(session, world.home, "course_manager")
    path = f"/desk/runs/{world.run.id}"
    for person, status in ((auditor, 200), (teacher, 200), (stranger, 403)):
        factories.sign_in(client, person)
        assert client.get(path).status_code == status
        assert client.get(f"{path}/nudge").status_code == 403
        assert client.post(f"{path}/notices").status_code == 403


@pytest.mark.parametrize(
    "path",
    ["/desk", "/desk/runs/{run}?show=all", "/desk/runs/{run}/nudge?picked=all&show=all",
     "/desk/runs/{run}/nudges", "/desk/questions", "/desk/runs/{run}/notices"],
)  # fmt: skip
def test_a_page_costs_the_same_queries_for_few_rows_and_for_many(
    client: Any, state: Any, world: World, path: str
) -> None:
    factories.sign_in(client, world.manager)
    path = path.format(run=world.run.id)
    assert client.get(path).status_code == 200
    with counting(state.db) as few:
        client.get(path)
    with state.db.transaction() as session:
        session.add(world.run)
        for number in range(20):
            enrolment = world.learner(session, last_act_at=NOW - number * DAY)
            session.add(nudge(enrolment, f"k{number}"))
    with counting(state.db) as many:
        assert client.get(path).status_code == 200
    # The look is written down by the writer, now or a moment later: that is no query of the page.
    assert asked(many) == asked(few)


def asked(statements: list[str]) -> int:
    return sum(one.lstrip().startswith(("SELECT", "WITH")) for one in statements)


def nudge(enrolment: Any, key: str, **more: Any) -> Nudge:
    return Nudge(
        **{
            "institution_id": enrolment.institution_id,
            "run_id": enrolment.run_id,
            "enrolment_id": enrolment.id,
            "person_id": enrolment.person_id,
            "key": key,
            "channel": "mail",
            "subject": "제목",
            "body": "글",
            "at": NOW - 5 * DAY,
            "due": NOW - 5 * DAY,
            "ended_at": NOW - 5 * DAY,
            "outcome": "sent",
            **more,
        }
    )


def test_the_row_says_what_was_sent_and_whether_it_helped(state: Any, world: World) -> None:
    with state.db.transaction() as session:
        session.add(world.run)
        acted = world.learner(session, last_act_at=NOW - 3 * DAY)
        silent = world.learner(session, last_act_at=NOW - 9 * DAY)
        fresh = world.learner(session, last_act_at=NOW - 9 * DAY)
        later = world.learner(session, last_act_at=NOW)
        session.add_all([nudge(acted, "a"), nudge(silent, "b"), nudge(later, "d")])
        session.add(nudge(fresh, "c", ended_at=NOW - DAY))
    lasts = {one.id: one.last_act_at for one in (acted, silent, fresh, later)}
    with state.db.reading() as session:
        found = sent.last(session, world.run.id, lasts, now=NOW)
    told = [found[one.id].effect for one in (acted, silent, fresh, later)]
    assert told == ["acted", "quiet", "open", "quiet"]
    with state.db.transaction() as session:
        assert sent.note_effects(session, now=NOW - 2 * DAY) == 1
        assert sent.note_effects(session, now=NOW - 2 * DAY) == 0
        assert session.scalars(select(Nudge.acted_at).where(Nudge.key == "a")).one() == (
            NOW - 3 * DAY
        )


def test_a_filter_is_kept_by_name_and_dropped_by_its_owner_alone(
    client: Any, state: Any, world: World
) -> None:
    factories.sign_in(client, world.manager)
    path = f"/desk/runs/{world.run.id}"
    for query in ("stalled", "failed"):
        told = {"name": "내 것", "show": query, "sort": "name"}
        assert client.post(f"{path}/views", data=told).status_code == 303
    with state.db.reading() as session:
        (view,) = session.scalars(select(SavedView))
    assert (view.name, view.query) == ("내 것", "show=failed&sort=name")
    assert "내 것" in client.get(path).text
    assert client.post(f"{path}/views", data={"name": " "}).status_code == 422
    factories.sign_in(client, world.officer)
    assert "내 것" not in client.get(path).text
    assert client.post(f"/desk/views/{view.id}/drop").status_code == 404
    factories.sign_in(client, world.manager)
    assert client.post(f"/desk/views/{view.id}/drop").status_code == 303
    assert "내 것" not in client.get(path).text


@time_machine.travel(NOW, tick=False)  # who is silent hangs on today
def test_what_is_taken_away_is_what_is_shown_and_runs_no_formula(
    client: Any, state: Any, world: World
) -> None:
    with state.db.transaction() as session:
        session.add(world.run)
        world.learner(
            session, who={"name": "=1+1"}, last_act_at=NOW - 12 * DAY, progress_permille=640
        )
    factories.sign_in(client, world.manager)
    path, told = f"/desk/runs/{world.run.id}/export", {"show": "stalled", "reason": "학교 안내"}
    assert client.post(path, data={"show": "stalled"}).status_code == 422
    sheet = client.post(path, data={**told, "form": "csv"})
    rows = list(csv.reader(io.StringIO(sheet.get_data(as_text=True).lstrip("\ufeff"))))
    assert [row[0] for row in rows] == ["이름", "'=1+1", "다멈춤"]
    assert rows[0][1:] == [
        "소속", "진도(%)", "점수", "마지막 학습", "마지막 차시", "살필 까닭", "남은 날", "보낸 것",
    ]  # fmt: skip
    book = client.post(path, data={**told, "form": "xlsx"}).get_data()
    read = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert [row[0] for row in read] == ["이름", "=1+1", "다멈춤"]
    assert read[1][2] == 64.0
    with state.db.reading() as session:
        kept = session.scalars(select(AccessRow).where(AccessRow.act == "download")).all()
        assert {(one.subject, one.subject_id, one.reason) for one in kept} == {
            ("run", world.run.id, "학교 안내")
        }


def test_a_run_is_handed_over_with_its_roles_and_their_audit(
    client: Any, state: Any, world: World
) -> None:
    with state.db.transaction() as session:
        other = factories.person(session, world.home, "course_manager", name="이넘김")
    factories.sign_in(client, world.manager)
    path = f"/desk/runs/{world.run.id}/hand-over"
    assert "이넘김" in client.get(path).text
    told = {"from": world.manager.id, "to": other.id}
    assert client.post(path, data=told).status_code == 422
    stranger = {**told, "to": world.officer.id, "reason": "담당 바뀜"}
    assert client.post(path, data=stranger).status_code == 422
    assert client.post(path, data={**told, "reason": "담당 바뀜"}).status_code == 303
    assert client.get(f"/desk/runs/{world.run.id}").status_code == 403
    with state.db.reading() as session:
        run = session.get_one(Run, world.run.id)
        assert [one.name for one in handing.managers(session, run)] == ["이넘김"]
        ended = session.scalars(
            select(RoleGrant).where(RoleGrant.person_id == world.manager.id)
        ).one()
        assert ended.ended_at is not None
        acts = list(session.scalars(select(AuditRow.act).order_by(AuditRow.id.desc()).limit(3)))
        assert acts == ["run.hand_over", "role.grant", "role.end"]
    factories.sign_in(client, other)
    assert client.get(f"/desk/runs/{world.run.id}").status_code == 200


def test_the_desk_names_what_needs_care_today(client: Any, state: Any, world: World) -> None:
    factories.sign_in(client, world.manager)
    with state.db.reading() as session:
        me = session.merge(world.manager)
        actor = factories_actor(me, {"course_manager": frozenset({world.run.id})})
        (line,), more = overview.runs(session, actor, every=False, past=False, after=None, now=NOW)
    assert not more
    assert (line.all, line.done, line.fresh, line.silent, line.days_left) == (5, 1, 1, 1, 7)
    with state.db.transaction() as session:  # the page's own time is today's
        session.execute(update(Run).values(learn_until=NOW.date() + 3650 * DAY))
    page = client.get("/desk").text
    assert "이레 넘게 멈춘 사람" in page


def factories_actor(person: Any, runs: dict[str, frozenset[int]]) -> Any:
    made = actor(person)
    return type(made)(
        **{**made.__dict__, "runs": runs, "roles": frozenset({"learner", "course_manager"})}
    )


def test_the_page_of_one_learner_tells_the_whole_story(
    client: Any, state: Any, world: World
) -> None:
    with state.db.reading() as session:
        run, at = session.get_one(Run, world.run.id), world.moment(session)
        row = next(
            one
            for one in learners.every(session, run, at, Asked(show="all"))
            if one.name == "라평가"
        )
    factories.sign_in(client, world.manager)
    path = f"/desk/enrolments/{row.id}"
    page = client.get(path).text
    assert "평가 55점, 통과 못 함" in page
    assert "왜 아직 이수가 아닌가요?" in page
    told = {"kind": "call", "text": "다시 보기로 함"}
    assert client.post(f"{path}/notes", data=told).status_code == 303
    assert client.post(f"{path}/notes", data={"kind": "call"}).status_code == 422
    assert "다시 보기로 함" in client.get(path).text
    both = {"who": [str(row.id), "999999"], "kind": "note", "text": "함께 적음"}
    assert client.post(f"/desk/runs/{world.run.id}/note", data=both).status_code == 303
    assert "함께 적음" in client.get(path).text
    with state.db.reading() as session:
        seen = session.scalars(select(AccessRow.subject).where(AccessRow.act == "view")).all()
        assert "person" in seen
