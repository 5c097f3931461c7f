"""The nightly recount: does what is stored equal what the statements say? It changes nothing."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.learning import proof, rules, service
from lms.learning.evaluate import evaluate
from lms.learning.models import Completion, Enrolment, ProofDay, RecountFinding
from lms.people.models import Institution

BATCH = 50
GENESIS = "0" * 64


def run(state: Any, slot: datetime) -> None:
    """Recount enrolments that moved in the last two days and all completions of that time."""
    since, after = slot - timedelta(days=2), 0
    while True:
        with state.db.reading() as session:
            rows = list(
                session.scalars(
                    select(Enrolment)
                    .where(Enrolment.id > after, Enrolment.last_act_at >= since)
                    .order_by(Enrolment.id)
                    .limit(BATCH)
                )
            )
            found = [each for row in rows for each in differences(session, row)]
        if not rows:
            return
        after = rows[-1].id
        if found:
            _report(state, found, slot)


def differences(session: Session, enrolment: Enrolment) -> list[dict[str, Any]]:
    """Where the stored state of an enrolment differs from its refolded statements."""
    rule = rules.parse(enrolment.run.rule)
    folded = {one.activity_id: one for one in proof.refold(session, enrolment)}
    units = service.load_units(session, enrolment)
    stored = {one.activity_id: one for unit in units for one in unit.activities}
    found = [
        _finding(enrolment, "result", activity=key, stored=_short(stored[key]), folded=_short(one))
        for key, one in folded.items()
        if _short(stored[key]) != _short(one)
    ]
    verdict = evaluate(rule, list(folded.values()))
    completion = session.scalar(select(Completion).filter_by(enrolment_id=enrolment.id))
    if completion is None and verdict.met:
        found.append(_finding(enrolment, "completion missing"))
    if completion is not None and not proof.replay(session, completion).holds:
        found.append(_finding(enrolment, "proof differs", completion=completion.id))
    if completion is None and enrolment.progress_permille != verdict.progress_permille:
        found.append(
            _finding(
                enrolment,
                "progress",
                stored=enrolment.progress_permille,
                folded=verdict.progress_permille,
            )
        )
    return found


def seal_day(state: Any, slot: datetime) -> None:
    """Chain the Merkle root of yesterday's proofs, and of days before that were missed."""
    with state.db.reading() as session:
        institutions = list(session.scalars(select(Institution)))
    for institution in institutions:
        today = clock.local_day(slot, institution.zone)
        with state.db.transaction() as session:
            _seal(session, institution, slot, until=today)


def _seal(session: Session, institution: Institution, slot: datetime, *, until: date) -> None:
    last = session.scalar(
        select(ProofDay)
        .filter_by(institution_id=institution.id)
        .order_by(ProofDay.day.desc())
        .limit(1)
    )
    first_at = session.scalar(
        select(Completion.at)
        .where(Completion.institution_id == institution.id)
        .order_by(Completion.at)
        .limit(1)
    )
    if last is None and first_at is None:
        return
    day = (
        last.day + timedelta(days=1)
        if last is not None
        else clock.local_day(first_at or slot, institution.zone)
    )
    head = last.head if last else GENESIS
    while day < until:
        proofs = list(
            session.scalars(
                select(Completion.proof)
                .where(
                    Completion.institution_id == institution.id,
                    Completion.at >= clock.start_of_day(day, institution.zone),
                    Completion.at < clock.end_of_day(day, institution.zone),
                )
                .order_by(Completion.id)
            )
        )
        root = proof.merkle_root(proofs)
        head = proof.chain(head, root)
        session.add(
            ProofDay(
                institution_id=institution.id, day=day, count=len(proofs), root=root, head=head
            )
        )
        day += timedelta(days=1)


def _report(state: Any, found: list[dict[str, Any]], at: datetime) -> None:
    with state.db.transaction() as session:
        for one in found:
            session.add(RecountFinding(at=at, **one))


def _finding(enrolment: Enrolment, what: str, **detail: Any) -> dict[str, Any]:
    return {
        "institution_id": enrolment.institution_id,
        "enrolment_id": enrolment.id,
        "what": what,
        "detail": detail,
    }


def _short(one: Any) -> list[Any]:
    return [one.progress_permille, one.done, one.score, list(one.statements)]
