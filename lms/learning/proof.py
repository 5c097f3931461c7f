"""Proof that a completion follows from its statements: what is hashed, and how it is replayed."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.learning import rules, stating
from lms.learning.evaluate import VERSION, Clause, Verdict, evaluate
from lms.learning.facts import ActivityFacts
from lms.learning.folding import fold
from lms.learning.models import Activity, Completion, Enrolment, Run, Unit
from lms.learning.rules import RuleSet
from lms.xapi import store


def of(registration: str, rule: RuleSet, verdict: Verdict, *, at: datetime) -> str:
    """SHA-256 in hex over the rules, the evidence, the evaluator and the moment."""
    told = {
        "registration": registration,
        "rule": rules.mark(rule),
        "evaluator": VERSION,
        "evidence": evidence(verdict.clause),
        "progress": verdict.progress_permille,
        "score": verdict.score,
        "at": at.isoformat(),
    }
    return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()


def evidence(clause: Clause) -> list[str]:
    """Every statement id that the clause leans on, sorted, each once."""
    return sorted({*clause.evidence, *(item for one in clause.children for item in evidence(one))})


def refold(
    session: Session, enrolment: Enrolment, *, until: datetime | None = None
) -> list[ActivityFacts]:
    """The enrolment's facts folded anew from the statements themselves, up to `until`."""
    rule = rules.parse(enrolment.run.rule)
    setting = stating.setting_of(session, enrolment.id)
    facts = _fresh(session, enrolment.run_id)
    found = store.of_registration(
        session.connection(), enrolment.institution_id, enrolment.registration
    )
    for one in found:
        activity_id = stating.activity_of(setting.home_page, one.activity)
        if activity_id not in facts or (until is not None and one.stored > until):
            continue
        facts[activity_id] = fold(
            facts[activity_id],
            verb=one.verb,
            raw=one.raw,
            statement_id=one.statement_id,
            stored=one.stored,
            threshold=rule.progress_permille,
        )
    return list(facts.values())


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What a completion's statements say when they are asked again."""

    completion_id: int
    holds: bool
    stored_proof: str
    replayed_proof: str
    verdict: Verdict
    missing: tuple[str, ...]
    """Statement ids that the completion leaned on and that are gone or voided."""


def replay(session: Session, completion: Completion) -> Replay:
    """Fold the statements up to the completion again and compare, hash for hash."""
    enrolment = completion.enrolment
    rule = rules.parse(enrolment.run.rule)
    verdict = evaluate(rule, refold(session, enrolment, until=completion.at))
    again = of(enrolment.registration, rule, verdict, at=completion.at)
    leaned = evidence(msgspec.convert(completion.verdict, Clause))
    return Replay(
        completion_id=completion.id,
        holds=verdict.met and again == completion.proof,
        stored_proof=completion.proof,
        replayed_proof=again,
        verdict=verdict,
        missing=tuple(sorted(set(leaned) - set(evidence(verdict.clause)))),
    )


def merkle_root(proofs: Iterable[str]) -> str:
    """The root over hex hashes in their order; the hash of nothing for none.

    Leaves and nodes are hashed with different first bytes, so that no node passes for a leaf.
    """
    level = [hashlib.sha256(b"\0" + bytes.fromhex(one)).digest() for one in proofs]
    if not level:
        return hashlib.sha256(b"").hexdigest()
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [_node(pair) for pair in pairs]
    return level[0].hex()


def chain(previous: str, root: str) -> str:
    """The head after a day: SHA-256 of the head before and the day's root."""
    return hashlib.sha256(bytes.fromhex(previous) + bytes.fromhex(root)).hexdigest()


def _node(pair: Sequence[bytes]) -> bytes:
    return pair[0] if len(pair) == 1 else hashlib.sha256(b"\1" + pair[0] + pair[1]).digest()


def _fresh(session: Session, run_id: int) -> dict[int, ActivityFacts]:
    rows = session.execute(
        select(Activity, Unit.position)
        .join(Unit, Unit.id == Activity.unit_id)
        .join(Run, Run.version_id == Unit.version_id)
        .where(Run.id == run_id)
    ).all()
    return {
        activity.id: ActivityFacts(
            activity_id=activity.id,
            unit=position,
            kind=activity.kind,
            role=activity.role,
            title=activity.title,
            weight_ms=activity.weight_ms,
        )
        for activity, position in rows
    }
