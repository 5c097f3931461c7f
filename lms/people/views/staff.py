"""Pages about people, for those who look after them: masked lists, logged views and downloads."""

from collections.abc import Container, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from flask.typing import ResponseReturnValue

from lms import clock
from lms.db import Database
from lms.edge import now, person, render, sealer, session, state, words_here
from lms.edge.watching import log_access
from lms.errors import InvalidError
from lms.people import directory, masks, posts, service
from lms.people.directory import Whom
from lms.people.models import Person
from lms.people.permissions import (
    GIVE_ROLES,
    IMPORT,
    READ,
    READ_ACCESS_LOG,
    SEE_WHOLE,
    TAKE_AWAY,
)
from lms.people.sealing import Sealer
from lms.people.views.auditing import sentence
from lms.people.views.entrance import blueprint
from lms.people.views.roles import names_of, run_names
from lms.people.words import (
    CATEGORIES,
    GRANTABLE,
    HEAD,
    POST_REASONS,
    ROLE_WORDS,
    STATUSES,
)
from lms.sheets import writing


@blueprint.get("/people", permission=READ, scope="institution")
def people() -> ResponseReturnValue:
    me = person()
    whom = _whom(request.args)
    found = directory.listed(
        session(), me.institution_id, whom, after=directory.parse_key(request.args.get("after"))
    )
    rows, more = found[: directory.PAGE], len(found) > directory.PAGE
    asked = _asked(whom)
    following = asked | {"after": directory.key_of(rows[-1])} if more else None
    log_access("view", "people", None)
    return render(
        "lms/people/people.html",
        rows=[_line(row, sealer()) for row in rows],
        total=directory.counted(session(), me.institution_id, whom),
        counted=directory.COUNTED,
        whom=whom,
        asked=asked,
        first="after" not in request.args,
        following=f"?{urlencode(following)}" if following else None,
        categories=CATEGORIES,
        statuses=STATUSES,
        role_words=ROLE_WORDS,
        choices={
            "category": _choices(CATEGORIES),
            "status": _choices(STATUSES, but="forgotten"),
            "role": _choices(ROLE_WORDS, but="learner"),
        },
        may_take_away=TAKE_AWAY.allows(me, None),
        may_read_log=READ_ACCESS_LOG.allows(me, None),
        may_import=IMPORT.allows(me, None),
    )


@blueprint.get("/people/<int:id>", permission=READ, scope="institution", on=Person)
def one(subject: Person) -> ResponseReturnValue:
    """Opened whole for those who work with the data; every look is written down first."""
    me = person()
    log_access("view", "person", subject.id, wait=True)
    birth = masks.birth_date(sealer(), subject.birth_date_sealed)
    neis = masks.neis(sealer(), subject.neis_sealed)
    whole = SEE_WHOLE.allows(me, None)
    grants = service.roles(session(), subject.id)
    may_give = GIVE_ROLES.allows(me, None) and subject.status != "forgotten"
    return render(
        "lms/people/person.html",
        row=subject,
        birth=birth if whole else None,
        birth_masked=masks.masked_date(birth),
        neis=(neis or "") if whole else masks.masked_neis(neis),
        phone=(subject.phone or "") if whole else masks.masked_phone(subject.phone),
        grants=grants,
        may_give=may_give,
        grantable=[(role, words_here().text(ROLE_WORDS[role])) for role in GRANTABLE],
        categories=CATEGORIES,
        statuses=STATUSES,
        role_words=ROLE_WORDS,
        done=request.args.get("done"),
        posts=posts.history(session(), subject.id),
        post_reasons=POST_REASONS,
        today=clock.local_day(now(), me.zone),
        run_names=run_names(grants),
        runs=[
            ("", words_here().text("연수기관 전체")),
            *names_of(session(), me.institution_id, None).items(),
        ]
        if may_give
        else [],
        history=[
            (row, sentence(row, words_here().text))
            for row in directory.history(session(), me.institution_id, subject.id)
        ],
    )


@blueprint.post("/people/export", permission=TAKE_AWAY, scope="institution", writes=False)
def export() -> ResponseReturnValue:
    """A sheet of everybody the search finds; first the reason goes into the access log."""
    me, here = person(), state()
    reason = request.form.get("reason", "").strip()[:500]
    if not reason:
        raise InvalidError(
            "왜 내려받는지 한 줄로 적어 주십시오. 열람 기록에 남습니다.", field="reason"
        )
    whom = _whom(request.form)
    log_access("download", "people", None, reason=reason)
    words = words_here().text
    head = [words(title) for title in HEAD]
    labels = {key: words(label) for key, label in (CATEGORIES | STATUSES).items()}
    rows = _sheet(here.db, me.institution_id, whom, sealer(), labels)
    day = clock.local_day(now(), me.zone)
    return Response(
        writing.csv_lines(head, rows),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="people-{day:%Y%m%d}.csv"'},
    )


def _choices(known: Mapping[str, str], *, but: str = "") -> list[tuple[str, str]]:
    words = words_here().text
    told = [(key, words(text)) for key, text in known.items() if key != but]
    return [("", words("모두")), *told]


def _whom(given: Mapping[str, str]) -> Whom:
    def of(name: str, known: Container[str]) -> str:
        return given.get(name, "") if given.get(name) in known else ""

    return Whom(
        given.get("q", "").strip()[:80],
        of("category", CATEGORIES),
        of("status", STATUSES),
        of("role", ROLE_WORDS),
    )


def _asked(whom: Whom) -> dict[str, str]:
    told = {
        "q": whom.text,
        "category": whom.category,
        "status": whom.status,
        "role": whom.role,
    }
    return {name: value for name, value in told.items() if value}


def _line(row: Any, key: Sealer) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "organisation": row.organisation,
        "staff_category": row.staff_category,
        "rank": row.rank,
        "status": row.status,
        "roles": row.roles,
        "birth": masks.masked_date(masks.birth_date(key, row.birth_date_sealed)),
        "neis": masks.masked_neis(masks.neis(key, row.neis_sealed)),
    }


def _sheet(
    db: Database, institution_id: int, whom: Whom, key: Sealer, labels: dict[str, str]
) -> Iterator[list[object]]:
    """Page by page, each on a fresh session: a slow download must not hold a snapshot open."""
    after = None
    while True:
        with db.reading() as fresh:
            found = directory.listed(
                fresh, institution_id, whom, after=after, most=directory.SHEET_PAGE
            )
        for row in found[: directory.SHEET_PAGE]:
            yield [
                row.name,
                row.organisation,
                labels.get(row.staff_category, row.staff_category),
                row.rank,
                masks.birth_date(key, row.birth_date_sealed),
                masks.neis(key, row.neis_sealed),
                row.email,
                labels.get(row.status, row.status),
            ]
        if len(found) <= directory.SHEET_PAGE:
            return
        last = found[directory.SHEET_PAGE - 1]
        after = (last.name, last.id)
