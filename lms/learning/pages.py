"""What the learning pages show: verdicts and standings in a person's words."""

from collections.abc import Sequence
from typing import Any

from lms.edge.rendering import url
from lms.i18n import Words
from lms.i18n.formats import mmss
from lms.learning.evaluate import Clause
from lms.learning.facts import UnitFacts
from lms.learning.opening import Standing


def percent(permille: int) -> str:
    return f"{permille // 10}%"


def points(hundredths: int) -> str:
    return f"{hundredths / 100:g}"


def explain_tree(clause: Clause, words: Words) -> list[dict[str, Any]]:
    """The clause tree as the `explain` part shows it: sentences, what is there, how many proofs."""
    return [_line(child, words) for child in clause.children]


def _line(clause: Clause, words: Words) -> dict[str, Any]:
    line: dict[str, Any] = {
        "state": {"met": "met", "part": "part"}.get(clause.state, "none"),
        "children": [_line(child, words) for child in _shown(clause)],
    }
    if clause.code == "progress":
        line["text"] = words.text("진도 {need} 이상", need=percent(clause.needs))
        line["has"] = percent(clause.has)
    elif clause.code == "score":
        line["text"] = words.text("평가 {need}점 이상", need=points(clause.needs))
        line["has"] = _score(clause, words)
    elif clause.code == "scored_activity":
        line["text"] = clause.title
        line["has"] = _score(clause, words)
    else:
        line["text"] = clause.title
        line["has"] = words.text("마침") if clause.state == "met" else percent(clause.has)
    if clause.evidence and clause.state == "met" and clause.code in {"progress", "score"}:
        count = len(clause.evidence)
        line["evidence"] = words.count("기록 {n}건", "기록 {n}건", count)
    return line


def _shown(clause: Clause) -> Sequence[Clause]:
    # What is done needs no line each; what lacks something does.
    if clause.code == "progress":
        return [child for child in clause.children if child.state != "met"]
    return clause.children if len(clause.children) > 1 else ()


def _score(clause: Clause, words: Words) -> str:
    if clause.state == "open":
        return words.text("응시 전")
    return words.text("{n}점", n=points(clause.has))


def unit_lines(
    standings: Sequence[Standing], enrolment_id: int, here: int | None, words: Words
) -> list[dict[str, Any]]:
    """The rows of the unit list. `here`: the activity that is on the page; the unit that it is in
    shows its activities."""
    page = url("learning.enrolment", id=enrolment_id)
    lines = []
    for standing in standings:
        unit = standing.unit
        is_here = any(one.activity_id == here for one in unit.activities)
        target = here if is_here else _first_open(standing)
        lines.append(
            {
                "name": f"{unit.position}. {unit.title}",
                "status": "now" if is_here and standing.state != "done" else standing.state,
                "href": f"{page}?activity={target}",
                "length": mmss(sum(one.weight_ms for one in unit.activities)),
                "why": _why(standing, words, is_here=is_here),
                "activities": _parts(unit, page, here) if is_here else [],
            }
        )
    return lines


def _parts(unit: UnitFacts, page: str, here: int | None) -> list[dict[str, Any]]:
    return [
        {
            "title": one.title,
            "done": one.finished,
            "here": one.activity_id == here,
            "href": f"{page}?activity={one.activity_id}",
        }
        for one in unit.activities
    ]


def _why(standing: Standing, words: Words, *, is_here: bool) -> str | None:
    if standing.state == "closed":
        return words.text(standing.reason, **standing.params)
    todo = [one for one in standing.unit.activities if not one.finished]
    if standing.state == "done" or not todo:
        return None
    if is_here or any(one.progress_permille for one in standing.unit.activities):
        names = ", ".join(one.title for one in todo)
        return words.text("남은 것: {names}", names=names)
    if standing.left_today is not None:
        return words.count(
            "오늘 {n}차시 더 들을 수 있습니다.",
            "오늘 {n}차시 더 들을 수 있습니다.",
            standing.left_today,
        )
    return None


def _first_open(standing: Standing) -> int:
    todo = [one for one in standing.unit.activities if not one.finished]
    return (todo or list(standing.unit.activities))[0].activity_id


def next_activity(standings: Sequence[Standing], last: int | None) -> int | None:
    """Where to go on: what was left unfinished, else the first open thing that is not done."""
    todo = [
        one
        for standing in standings
        if standing.state != "closed"
        for one in standing.unit.activities
        if not one.finished
    ]
    for one in todo:
        if one.activity_id == last:
            return last
    return todo[0].activity_id if todo else last


def next_step(
    standings: Sequence[Standing], enrolment_id: int, here: int | None, words: Words
) -> dict[str, str] | None:
    """The sentence that says what to do next, with its button; None when nothing is left open."""
    target = next_activity(standings, None)
    for standing in standings:
        for one in standing.unit.activities:
            if one.activity_id != target or one.finished:
                continue
            text = words.text(
                "{n}차시의 「{title}」부터 하시면 됩니다.",
                n=standing.unit.position,
                title=one.title,
            )
            step = {"text": text}
            if target != here:
                step["action"] = words.text("그 활동으로 가기")
                step["href"] = url("learning.enrolment", id=enrolment_id, activity=target)
            return step
    return None
