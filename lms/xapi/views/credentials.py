"""Who may write and read from outside: credentials made, renewed and revoked."""

from datetime import timedelta
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from lms.edge import now, person, render, session, words_here
from lms.errors import InvalidError
from lms.people.auditing import parse_number
from lms.xapi import credentials as service
from lms.xapi.models import Credential
from lms.xapi.permissions import KEEP_CREDENTIALS, READ_RECORDS
from lms.xapi.views.entrance import blueprint, done, tabs

SCOPE_WORDS = {
    "statements/write": "문장을 씁니다.",
    "statements/read/mine": "이 열쇠로 쓴 문장만 읽습니다.",
    "statements/read": "연수기관의 모든 문장을 읽습니다.",
    "state": "학습자가 어디까지 했는지(State)를 쓰고 읽습니다.",
    "define": "활동의 이름과 설명을 정합니다.",
    "profile": "활동과 사람의 프로필(Profile)을 쓰고 읽습니다.",
    "all/read": "모든 것을 읽습니다.",
    "all": "모든 것을 쓰고 읽으며, 다른 곳에서 보낸 문장도 무효로 할 수 있습니다.",
}
OVERLAPS = {
    24: "하루 동안 함께 씁니다",
    168: "이레 동안 함께 씁니다",
    1: "한 시간 동안 함께 씁니다",
    0: "바로 끝냅니다",
}
_MOST_REASON = 500
_NO_REASON = "까닭을 한 줄로 적어 주십시오. 감사 기록에 남습니다."


@blueprint.get("/manage/records/credentials", permission=READ_RECORDS, scope="institution")
def credentials() -> ResponseReturnValue:
    return _page()


@blueprint.post("/manage/records/credentials", permission=KEEP_CREDENTIALS, scope="institution")
def make() -> ResponseReturnValue:
    """Form: `name`, `scopes` (some), `reason`. The answer alone shows the secret."""

    def work() -> dict[str, Any]:
        me = person()
        made, secret = service.make(
            session(),
            me.institution_id,
            request.form.get("name", ""),
            request.form.getlist("scopes"),
            now=now(),
            actor_id=me.person_id,
            reason=_reason(),
        )
        return {"shown": made, "secret": secret}

    return done("make", work, _page, Cache_Control="no-store")


@blueprint.post(
    "/manage/records/credentials/<int:id>/rotate",
    permission=KEEP_CREDENTIALS,
    scope="institution",
    on=Credential,
)
def rotate(credential: Credential) -> ResponseReturnValue:
    """Form: `hours` that the old secret goes on, `reason`. The answer alone shows the new one."""

    def work() -> dict[str, Any]:
        me, hours = person(), parse_number(request.form.get("hours"))
        made, secret = service.rotate(
            session(),
            me.institution_id,
            credential.username,
            overlap=timedelta(hours=min(-1 if hours is None else hours, 10_000)),
            now=now(),
            actor_id=me.person_id,
            reason=_reason(),
        )
        return {"shown": made, "secret": secret}

    return done(f"rotate-{credential.id}", work, _page, Cache_Control="no-store")


@blueprint.post(
    "/manage/records/credentials/<int:id>/revoke",
    permission=KEEP_CREDENTIALS,
    scope="institution",
    on=Credential,
)
def revoke(credential: Credential) -> ResponseReturnValue:
    """Form: `reason`."""

    def work() -> dict[str, Any]:
        me = person()
        ended = service.revoke(
            session(),
            me.institution_id,
            credential.username,
            now=now(),
            actor_id=me.person_id,
            reason=_reason(),
        )
        return {"revoked": ended}

    return done(f"revoke-{credential.id}", work, _page, Cache_Control="no-store")


def _reason() -> str:
    reason = request.form.get("reason", "").strip()[:_MOST_REASON]
    if not reason:
        raise InvalidError(_NO_REASON, field="reason")
    return reason


def _page(
    *,
    form: str | None = None,
    wrong: dict[str, str] | None = None,
    shown: Credential | None = None,
    secret: str | None = None,
    revoked: Credential | None = None,
) -> str:
    me = person()
    mine = select(Credential).where(Credential.institution_id == me.institution_id)
    rows = session().scalars(mine.order_by(Credential.revoked_at.is_not(None), Credential.id))
    return render(
        "lms/xapi/credentials.html",
        tabs=tabs(),
        rows=rows.all(),
        form=form,
        wrong=wrong or {},
        typed=request.form,
        chosen=request.form.getlist("scopes") or ["statements/write"],
        shown=shown,
        secret=secret,
        revoked=revoked,
        may_keep=KEEP_CREDENTIALS.allows(me, None),
        scope_words=SCOPE_WORDS,
        overlaps=[(hours, words_here().text(said)) for hours, said in OVERLAPS.items()],
    )
