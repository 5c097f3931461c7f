"""Is it completed, and why not yet: one pure function, asked by all.

The write path and `explain` give it the stored results; the nightly recount and `verify` give it
facts that were folded anew from the statements. Both must hear the same.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from lms.learning.facts import ActivityFacts
from lms.learning.rules import RuleSet

VERSION = "1"
"""Goes into each proof: another way of evaluating is another version."""


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One condition, how far it is met and by what.

    `code` with `has` and `needs` is turned into a sentence at the edge, in the reader's language.
    """

    code: Literal["all", "progress", "activity", "score", "scored_activity"]
    state: Literal["met", "part", "open"]
    has: int = 0
    """Permille or hundredths of a point, by the code."""

    needs: int = 0
    title: str = ""
    kind: str = ""
    activity_id: int | None = None
    missing_ms: int = 0
    """Weighted milliseconds that are lacking (progress only)."""

    evidence: tuple[str, ...] = ()
    """Statement ids."""

    children: tuple["Clause", ...] = ()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The clause tree's answer."""

    met: bool
    progress_permille: int
    score: int | None
    need_ms: int
    """Weighted milliseconds that progress lacks until its clause is met."""

    clause: Clause


def evaluate(rule: RuleSet, facts: Sequence[ActivityFacts]) -> Verdict:
    """What `rule` says to `facts`; the same facts in any order hear the same.

    Time has no part in it: a fact that came too late is refused where it comes in.
    """
    ordered = sorted(facts, key=lambda one: (one.unit, one.activity_id))
    progress = _progress(rule, [one for one in ordered if one.role == "progress"])
    clauses = [progress]
    scored = [one for one in ordered if one.role == "score"]
    if rule.score_min is not None and scored:
        clauses.append(_score(rule.score_min, rule.weights, scored))
    met = all(clause.state == "met" for clause in clauses)
    some = any(clause.state != "open" for clause in clauses)
    return Verdict(
        met=met,
        progress_permille=progress.has,
        score=clauses[1].has if len(clauses) > 1 and clauses[1].state != "open" else None,
        need_ms=progress.missing_ms,
        clause=Clause(
            code="all",
            state="met" if met else "part" if some else "open",
            children=tuple(clauses),
        ),
    )


def _progress(rule: RuleSet, facts: Sequence[ActivityFacts]) -> Clause:
    total = sum(one.weight_ms for one in facts)
    have = sum(one.weight_ms * one.progress_permille for one in facts)
    permille = have // total if total else 1000
    # In thousandths of a millisecond, so that no rounding stands between a person and the line.
    lacking = max(0, rule.progress_permille * total - have)
    return Clause(
        code="progress",
        state="met" if not lacking else "part" if have else "open",
        has=permille,
        needs=rule.progress_permille,
        missing_ms=-(-lacking // 1000),
        evidence=tuple(item for one in facts for item in one.statements),
        children=tuple(_activity(one) for one in facts),
    )


def _activity(one: ActivityFacts) -> Clause:
    return Clause(
        code="activity",
        state="met" if one.done else "part" if one.progress_permille else "open",
        has=one.progress_permille,
        needs=1000,
        title=one.title,
        kind=one.kind,
        activity_id=one.activity_id,
        missing_ms=one.weight_ms * (1000 - one.progress_permille) // 1000,
        evidence=one.statements,
    )


def _score(needs: int, weights: Mapping[str, int] | None, facts: Sequence[ActivityFacts]) -> Clause:
    # Several scored activities count alike, or each kind by its weight; each has its own clause.
    given = [one.score for one in facts if one.score is not None]
    complete = len(given) == len(facts)
    average = _weighted(weights, facts) if weights else sum(given) // len(facts)
    met = complete and average >= needs
    return Clause(
        code="score",
        state="met" if met else "part" if given else "open",
        has=average,
        needs=needs,
        evidence=tuple(item for one in facts for item in one.statements),
        children=tuple(
            Clause(
                code="scored_activity",
                state="open" if one.score is None else "met" if one.score >= needs else "part",
                has=one.score or 0,
                needs=needs,
                title=one.title,
                kind=one.kind,
                activity_id=one.activity_id,
                evidence=one.statements,
            )
            for one in facts
        ),
    )


def _weighted(weights: Mapping[str, int], facts: Sequence[ActivityFacts]) -> int:
    """The mean of each kind by the kind's weight, rounded down once, at the very end."""
    kinds: dict[str, list[int]] = {}
    for one in facts:
        kinds.setdefault(one.kind, []).append(one.score or 0)
    whole = math.lcm(*(len(scores) for scores in kinds.values()))
    total = sum(
        weights.get(kind, 0) * sum(scores) * (whole // len(scores))
        for kind, scores in kinds.items()
    )
    return total // (100 * whole)
