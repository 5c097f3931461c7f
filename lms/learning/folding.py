"""How one statement moves one activity. Pure; the write path and the recount both fold with it."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from lms.learning.facts import ActivityFacts
from lms.xapi import vocabulary as say

_decode = msgspec.json.Decoder().decode
_PROGRESS = {say.PLAYED, say.PAUSED, say.SEEKED, say.COMPLETED, say.TERMINATED, say.PROGRESSED}
_DONE = {say.COMPLETED, say.EXPERIENCED, say.ATTENDED, say.PASSED, say.FAILED}
_SCORE = {say.PASSED, say.FAILED, say.COMPLETED, say.SCORED}


def fold(
    facts: ActivityFacts,
    *,
    verb: str,
    raw: bytes,
    statement_id: str,
    stored: datetime,
    threshold: int,
) -> ActivityFacts:
    """The facts after a statement; the same facts if it says nothing new.

    `threshold`: permille of a video that make it done. Progress and scores only ever rise, so
    statements that arrive late or in another order fold to the same.
    """
    result: dict[str, Any] = _decode(raw).get("result") or {}
    changed = facts
    if verb in _PROGRESS:
        changed = _progress(changed, _permille(result), threshold)
    if verb in _DONE and result.get("completion") is True:
        changed = msgspec.structs.replace(
            changed, done=True, progress_permille=_whole(changed, result)
        )
    if verb in _SCORE and "score" in result:
        changed = _score(changed, result)
    if changed == facts:
        return facts
    return msgspec.structs.replace(
        changed,
        statements=(*facts.statements, statement_id),
        first_at=facts.first_at or stored,
        done_at=facts.done_at or (stored if changed.done else None),
    )


def _progress(facts: ActivityFacts, permille: int | None, threshold: int) -> ActivityFacts:
    if permille is None or permille <= facts.progress_permille:
        return facts
    return msgspec.structs.replace(
        facts, progress_permille=permille, done=facts.done or permille >= threshold
    )


def _permille(result: dict[str, Any]) -> int | None:
    told = (result.get("extensions") or {}).get(say.EXT_PROGRESS)
    if not isinstance(told, int | float) or isinstance(told, bool):
        return None
    return min(1000, int(Decimal(str(told)) * 1000))


def _whole(facts: ActivityFacts, result: dict[str, Any]) -> int:
    # A completed statement that tells no progress (a page, a quiz) is the whole of it.
    told = _permille(result)
    return max(facts.progress_permille, 1000 if told is None else told)


def _score(facts: ActivityFacts, result: dict[str, Any]) -> ActivityFacts:
    scaled = result["score"].get("scaled")
    if scaled is None:
        return facts
    points = int((Decimal(str(scaled)) * 10000).quantize(Decimal(1), ROUND_HALF_UP))
    best = points if facts.score is None else max(facts.score, points)
    passed = result.get("success")
    return msgspec.structs.replace(
        facts, score=best, passed=facts.passed or passed if passed is not None else facts.passed
    )
