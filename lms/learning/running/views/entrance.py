"""What the pages of runs share."""

from typing import Any

from sqlalchemy import Connection

from lms.edge import Blueprint, Entry, client_address, now, person, session, state, words_here
from lms.edge.context import locale
from lms.errors import LMSError
from lms.i18n import formats
from lms.learning.models import Run
from lms.learning.rules import RuleSet
from lms.learning.running import audience as audiences
from lms.learning.running import listing
from lms.people import access

blueprint = Blueprint("running", __name__)
MENU = (
    Entry(
        "기수",
        "flag",
        "running.runs_page",
        31,
        frozenset({"officer", "institution_admin", "auditor"}),
    ),
)

SOURCES = {
    "self": "본인 신청",
    "waiting": "대기에서",
    "officer": "담당자",
    "nomination": "추천",
    "file": "파일",
    "school": "학교 연수",
}
"""How somebody came in, in a word."""

STATE_MARKS = {
    "planned": "todo",
    "open": "checking",
    "running": "now",
    "closed": "done",
    "cancelled": "na",
}
"""A run's state → the mark that stands beside its word."""


def said(error: LMSError) -> str:
    """The refusal in the reader's language, dates as people write them."""
    shown = {
        name: formats.day_full(value, locale()) if hasattr(value, "isoformat") else value
        for name, value in error.params.items()
    }
    return words_here().text(error.message, **shown)


def sentence(message: str, params: dict[str, Any]) -> str:
    return said(LMSError(message, **params))


def log_view(subject: str, subject_id: int | None) -> None:
    """Names of people were looked at; the page does not wait for the row."""
    me, address, at = person(), client_address(), now()

    def work(connection: Connection) -> None:
        access.log(
            connection,
            me,
            address=address,
            act="view",
            subject=subject,
            subject_id=subject_id,
            now=at,
        )

    state().db.writer.later(work)


def audience_words(run_audience: audiences.Audience) -> list[str]:
    """The rule in the reader's words."""
    words = words_here()
    told = audiences.describe(
        run_audience,
        organisations=listing.organisations(session(), run_audience.organisations),
        say=words.text,
        locale=locale(),
    )
    return [words.text(message, **params) for message, params in told]


def rule_words(rule: RuleSet) -> list[str]:
    """The rules of a run in the reader's words."""
    say = words_here().text
    told = [say("진도 {n}% 이상", n=rule.progress_permille // 10)]
    if rule.score_min is not None:
        told.append(say("평가 {n}점 이상", n=f"{rule.score_min / 100:g}"))
    kinds = state().kinds
    for kind, share in sorted((rule.weights or {}).items()):
        label = say(kinds[kind].label) if kind in kinds else kind
        told.append(say("{kind} 비중 {n}%", kind=label, n=share))
    if rule.units_per_day:
        told.append(say("하루 {n}차시까지", n=rule.units_per_day))
    if rule.score_opens_permille:
        told.append(say("진도 {n}%부터 평가", n=rule.score_opens_permille // 10))
    told.append(say("차시 순서대로") if rule.ordered else say("차시 순서 자유"))
    told.append(say("재생 속도 {n}배까지", n=f"{rule.speed_percent / 100:g}"))
    if rule.repeat_years:
        told.append(say("이수 뒤 {n}년 동안 같은 과정 불가", n=rule.repeat_years))
    return told


def run_name(run: Run) -> str:
    """“3기” or “3월 상설 (3기)”."""
    number = words_here().text("{n}기", n=run.number)
    return f"{run.name} ({number})" if run.name else number
