"""Bringing the personnel sheet in: planned chunk by chunk, written chunk by chunk, once.

A sheet of a hundred thousand rows is written in transactions of five hundred, so that nobody else
waits long. Each looks again at what is known, so to begin anew after a crash is harmless.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from lms import clock
from lms.db import Database
from lms.outbox import promise
from lms.outbox.models import Task
from lms.people import audit, hr_sheet, intake, matching, places, posts, registering, service
from lms.people.hr_plan import CHUNK, Known, Planner, Step
from lms.people.intake import APPLIED, Planned
from lms.people.models import Institution, Intake, Person
from lms.people.sealing import Sealer
from lms.sheets import reading

TASK = "people.bring_in"
AT_ONCE = 2 * CHUNK
"""Rows that a request writes itself, while the person waits."""

A_TURN = 20 * CHUNK
"""Rows that one turn of the task changes, well within the time that it is claimed for."""


def rows_of(name: str, data: bytes, today: date) -> list[hr_sheet.Row]:
    """The sheet's rows as what they say. Raises InvalidError or TooLargeError."""
    return hr_sheet.rows_of(reading.read(name, data), today=today)


def planned(
    session: Session, sealer: Sealer, institution_id: int, rows: Sequence[hr_sheet.Row], on: date
) -> Iterator[Planned]:
    """What would become of each row: six queries for every CHUNK rows."""
    planner = Planner(sealer, institution_id, on, places.places(session, institution_id))
    for chunk in matching.chunks(rows, CHUNK):
        for step in planner.plan(session, chunk):
            yield step.planned


def bring_in(
    session: Session, sealer: Sealer, kept: Intake, rows: Sequence[hr_sheet.Row], now: datetime
) -> None:
    """Write a small sheet that was just confirmed, in the transaction that confirms it."""
    home = session.get_one(Institution, kept.institution_id, with_for_update=True)
    planner = Planner(sealer, home.id, rows_day(kept, home), places.places(session, home.id))
    changed = 0
    for chunk in matching.chunks(rows, CHUNK):
        steps = _wanted(kept, planner.plan(session, chunk))
        changed += apply(session, sealer, home, steps, kept=kept, now=now)
    _finish(kept, changed)


def promise_it(session: Session, kept: Intake, now: datetime) -> None:
    """Have a large sheet that was just confirmed written by the scheduler."""
    promise(
        session,
        TASK,
        key=f"{TASK}:{kept.id}:0",
        now=now,
        institution_id=kept.institution_id,
        intake_id=kept.id,
    )


def rows_day(kept: Intake, home: Institution) -> date:
    """The day that rows without one speak of: when the sheet was uploaded."""
    return clock.local_day(kept.uploaded_at, home.zone)


def keep_promise(state: Any, task: Task, now: datetime) -> None:
    """One turn at a large sheet; promises the next where something is left (an outbox handler)."""
    db: Database = state.db
    sealer = Sealer(state.settings.encryption_key())
    with db.reading() as session:
        kept = session.get(Intake, task.payload["intake_id"])
        if kept is None or kept.sealed is None:
            return
        home = session.get_one(Institution, kept.institution_id)
        on = rows_day(kept, home)
        rows = rows_of(kept.name, intake.opened(sealer, kept), on)
        planner = Planner(sealer, home.id, on, places.places(session, home.id))
    changed = 0
    for chunk in matching.chunks(rows, CHUNK):
        changed += _one_chunk(db, sealer, planner, kept, chunk, now)
        if changed >= A_TURN:
            with db.transaction() as session:
                _promise_next(session, task, kept, now)
            return
    with db.transaction() as session:
        fresh = session.get_one(Intake, kept.id, with_for_update=True)
        _finish(fresh, 0)


def apply(
    session: Session,
    sealer: Sealer,
    home: Institution,
    steps: Sequence[Step],
    *,
    kept: Intake,
    now: datetime,
) -> int:
    """Write what the steps say, with its audit rows; how many steps. A dozen statements in all."""
    why = f"인사 자료 “{kept.name}” 반영"
    made = _add(session, sealer, home, [step for step in steps if step.person_id is None], now)
    known = [step for step in steps if step.person_id is not None and step.person is not None]
    _change(session, sealer, known)
    told: dict[int, list[posts.Told]] = {}
    for step in steps:
        person_id = step.person_id or made[step.row.who]
        if step.told is not None:
            told.setdefault(person_id, []).append(step.told)
    _leave_trail(session, kept, made.values(), known, why, now)
    posts.tell(
        session,
        told,
        institution_id=home.id,
        zone=home.zone,
        actor_id=kept.actor_id,
        now=now,
        why=why,
        just_made=set(made.values()),
    )
    return len(steps)


def _leave_trail(
    session: Session,
    kept: Intake,
    made: Iterable[int],
    changed: Sequence[Step],
    why: str,
    now: datetime,
) -> None:
    same: dict[str, Any] = {
        "institution_id": kept.institution_id,
        "actor_id": kept.actor_id,
        "subject": "person",
        "now": now,
    }
    new = [{"subject_id": each, "reason": why, "detail": {}} for each in made]
    audit.write_many(session, new, act="person.register", **same)
    rows = [
        {
            "subject_id": step.person_id,
            "reason": why,
            "detail": {"changed": list(step.changed)},
        }
        for step in changed
    ]
    audit.write_many(session, rows, act="person.change", **same)


def _wanted(kept: Intake, steps: Iterator[Step]) -> list[Step]:
    """The steps that change something and did so in the preview that was confirmed."""
    left_out = set(kept.counts.get("left_out", ()))
    return [
        step
        for step in steps
        if step.planned.outcome in APPLIED and step.planned.number not in left_out
    ]


def _one_chunk(
    db: Database,
    sealer: Sealer,
    planner: Planner,
    kept: Intake,
    chunk: Sequence[hr_sheet.Row],
    now: datetime,
) -> int:
    """Look first, since most sheets say what is known, and take the write lock only to write."""
    seen = dict(planner.seen)
    with db.reading() as session:
        if not _wanted(kept, planner.plan(session, chunk)):
            return 0
    planner.seen = seen
    with db.transaction() as session:
        home = session.get_one(Institution, kept.institution_id, with_for_update=True)
        fresh = session.get_one(Intake, kept.id, with_for_update=True)
        steps = _wanted(fresh, planner.plan(session, chunk))
        changed = apply(session, sealer, home, steps, kept=fresh, now=now)
        fresh.counts = fresh.counts | {"applied": fresh.counts.get("applied", 0) + changed}
    return changed


def _promise_next(session: Session, task: Task, kept: Intake, now: datetime) -> None:
    turn = int(task.key.rpartition(":")[2]) + 1
    promise(
        session,
        TASK,
        key=f"{TASK}:{kept.id}:{turn}",
        now=now,
        institution_id=kept.institution_id,
        intake_id=kept.id,
    )


def _finish(kept: Intake, changed: int) -> None:
    applied = kept.counts.get("applied", 0) + changed
    kept.counts = kept.counts | {"applied": applied, "finished": True}
    kept.sealed = None


def _add(
    session: Session, sealer: Sealer, home: Institution, steps: Sequence[Step], now: datetime
) -> dict[str | matching.Key, int]:
    """Add the people whom nobody knew; two rows of one person add them once."""
    first: dict[str | matching.Key, Step] = {}
    for step in steps:
        first.setdefault(step.row.who, step)
    if not first:
        return {}
    values = []
    for step in first.values():
        account_name = service.new_account_name()
        values.append(
            _columns(sealer, step.person)
            | {
                "institution_id": home.id,
                "issuer": "local",
                "subject": account_name,
                "account_name": account_name,
                "theme": "",
                "unwanted": [],
                "created_at": now,
                **_plain_facts(step),
            }
        )
    connection = session.connection()
    connection.execute(insert(Person), values)
    # Found by what is random: SQLite tells the keys of many rows in no order of theirs.
    names = [row["account_name"] for row in values]
    made = connection.execute(
        select(Person.account_name, Person.id).where(Person.account_name.in_(names))
    )
    ids = {row.account_name: row.id for row in made}
    return {who: ids[name] for who, name in zip(first, names, strict=True)}


def _plain_facts(step: Step) -> dict[str, Any]:
    facts = step.told.facts if step.told else posts.Facts(None, "teacher", None, None, "active")
    return {name: getattr(facts, name) for name in posts.Facts.__dataclass_fields__}


def _change(session: Session, sealer: Sealer, steps: Sequence[Step]) -> None:
    # Of two rows about one person the later speaks last; one statement must name each once.
    last = {step.person_id: step for step in steps}
    if last:
        session.connection().execute(
            _UPDATE,
            [{"of": person_id} | _columns(sealer, step.person) for person_id, step in last.items()],
        )


_COLUMNS = (
    "name",
    "email",
    "phone",
    "first_appointed_on",
    "retires_on",
    "birth_date_sealed",
    "born_mark",
    "neis_sealed",
    "neis_mark",
)
_UPDATE = (
    update(Person.__table__)  # type: ignore[arg-type]
    .where(Person.__table__.c.id == bindparam("of"))
    .values({name: bindparam(name) for name in _COLUMNS})
)


def _columns(sealer: Sealer, person: Known | None) -> dict[str, Any]:
    if person is None:
        return {}
    neis_sealed, neis_mark = registering.seal_neis(sealer, person.neis)
    return {
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "first_appointed_on": person.first_appointed_on,
        "retires_on": person.retires_on,
        "birth_date_sealed": registering.seal_birth_date(sealer, person.birth),
        "born_mark": registering.born_mark(sealer, person.name, person.birth),
        "neis_sealed": neis_sealed,
        "neis_mark": neis_mark,
    }
