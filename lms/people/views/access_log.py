"""The access log: who looked at whose data; narrowed, and looked through once a month."""

from datetime import date
from urllib.parse import urlencode

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms import clock
from lms.edge import now, person, render, session
from lms.edge.rendering import url
from lms.errors import ConflictError, InvalidError
from lms.people import audit, auditing, directory
from lms.people.audit_words import SUBJECT_WORDS
from lms.people.directory import Looks
from lms.people.permissions import READ_ACCESS_LOG, REVIEW_ACCESS_LOG
from lms.people.views.entrance import blueprint

ACTS = ("view", "download")
_MONTHS = 12


@blueprint.get("/people/access-log", permission=READ_ACCESS_LOG, scope="institution")
def access_log() -> ResponseReturnValue:
    """`month` narrows to a month, `since` and `until` to days, `who`, `whom` and `act` further."""
    me = person()
    month = directory.parse_month(request.args.get("month"))
    wanted, asked = _wanted(month)
    before = auditing.parse_number(request.args.get("before"))
    found = directory.looked_at(session(), me.institution_id, wanted, zone=me.zone, before=before)
    rows, more = found[: directory.PAGE], len(found) > directory.PAGE
    following = asked | {"before": str(rows[-1].id)} if more else None
    return render(
        "lms/people/access_log.html",
        rows=rows,
        subject_words=SUBJECT_WORDS,
        wanted=wanted,
        asked=asked,
        month=f"{month:%Y-%m}" if month else "",
        months=_months(),
        first=before is None,
        following=f"?{urlencode(following)}" if following else None,
        may_review=REVIEW_ACCESS_LOG.allows(me, None),
        done=request.args.get("done"),
    )


@blueprint.post("/people/access-log/review", permission=REVIEW_ACCESS_LOG, scope="institution")
def review_access_log() -> ResponseReturnValue:
    """Form: `month`, over by now, and `reason`: what was found. Kept in the audit trail, once."""
    me, at = person(), now()
    month = directory.parse_month(request.form.get("month"))
    remark = request.form.get("reason", "").strip()[:500]
    if month is None or directory.next_month(month) > clock.local_day(at, me.zone):
        raise InvalidError(
            "다 지난 달을 골라 주십시오. 이번 달은 다음 달에 확인합니다.", field="month"
        )
    if not remark:
        raise InvalidError("살펴본 결과를 한 줄로 적어 주십시오.", field="reason")
    number = month.year * 100 + month.month
    if number in auditing.reviews(session(), me.institution_id):
        raise ConflictError("이미 확인한 달입니다. 열람 기록 화면을 다시 열어 주십시오.")
    audit.write(
        session(),
        institution_id=me.institution_id,
        actor_id=me.person_id,
        act=auditing.REVIEW,
        subject="access_log",
        subject_id=number,
        reason=remark,
        now=at,
        month=f"{month:%Y-%m}",
        rows=directory.looks_in(session(), me.institution_id, month, me.zone),
    )
    return redirect(url("people.access_log", month=f"{month:%Y-%m}", done="reviewed"), 303)


def _wanted(month: date | None) -> tuple[Looks, dict[str, str]]:
    given = request.args
    since, until = (auditing.parse_day(given.get(name)) for name in ("since", "until"))
    if month is not None:
        since = month
        until = date.fromordinal(directory.next_month(month).toordinal() - 1)
    act = given.get("act", "")
    wanted = Looks(
        given.get("who", "").strip()[:80],
        given.get("whom", "").strip()[:80],
        act if act in ACTS else "",
        since,
        until,
    )
    told = {
        "who": wanted.who,
        "whom": wanted.whom,
        "act": wanted.act,
        "month": f"{month:%Y-%m}" if month else "",
        "since": str(since) if since and not month else "",
        "until": str(until) if until and not month else "",
    }
    return wanted, {name: value for name, value in told.items() if value}


def _months() -> list[dict[str, object]]:
    """The last twelve months that are over, newest first, with who looked through each."""
    reviews = auditing.reviews(session(), person().institution_id)
    month = clock.local_day(now(), person().zone).replace(day=1)
    told: list[dict[str, object]] = []
    for _ in range(_MONTHS):
        month = date.fromordinal(month.toordinal() - 1).replace(day=1)
        number = month.year * 100 + month.month
        told.append({"month": f"{month:%Y-%m}", "review": reviews.get(number)})
    return told
