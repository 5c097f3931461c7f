"""The statement browser: what was stored, newest first, narrowed, followed live; and one whole."""

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
from flask import request
from flask.typing import ResponseReturnValue

from lms import clock
from lms.edge import hook, json_answer, now, person, render, session, state, words_here
from lms.edge.context import locale
from lms.edge.rendering import url
from lms.edge.watching import log_access
from lms.errors import InvalidError, LMSError, NotFoundError
from lms.people.auditing import parse_day
from lms.people.models import Institution
from lms.people.permissions import READ as READ_PEOPLE
from lms.xapi import browsing, querying, vocabulary
from lms.xapi.formats import read_timestamp, write_timestamp
from lms.xapi.permissions import READ_RECORDS
from lms.xapi.views.entrance import blueprint, tabs

PAGE = 50
_OVERLAP = timedelta(seconds=2)
"""A commit may be seen a little after a later one: what is asked for again is shown once."""

_MOST_TYPED = 2_000
_NOBODY = "그 이름이나 표시를 가진 사람이 없습니다. 이름 전체나 이메일 주소를 적어 주십시오."
_NO_DAY = "날짜를 다시 골라 주십시오."
_GONE = "그런 문장이 없습니다. 주소를 다시 확인해 주십시오."


@dataclass(frozen=True)
class Sought:
    """What the form narrows by, as it was typed; empty is everything."""

    who: str = ""
    verb: str = ""
    activity: str = ""
    registration: str = ""
    since: str = ""
    until: str = ""

    def asked(self) -> dict[str, str]:
        """What is not empty, for an address."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in told.items() if value}


@blueprint.get("/manage/records", permission=READ_RECORDS, scope="institution")
def browse() -> ResponseReturnValue:
    """`more`: the next page's place, as this page gave it."""
    sought, place = _sought(), request.args.get("more", "")
    found: list[bytes] = []
    following, wrong, same_name = None, {}, []
    try:
        same_name = _namesakes(sought)
        if not same_name:
            found, following = _page(sought, place)
    except LMSError as error:
        field = _FIELDS.get(getattr(error, "field", None) or "", "form")
        wrong = {field: words_here().text(error.message, **error.params)}
    rows = _lines(found)
    if rows:
        log_access("view", "statement", None)
    asked = sought.asked()
    return render(
        "lms/xapi/statements.html",
        tabs=tabs(),
        rows=rows,
        sought=sought,
        asked=asked,
        wrong=wrong,
        namesakes=[(one, _address(asked | {"who": one.account_name})) for one in same_name],
        first=not place,
        following=following,
        verbs=_verbs(sought.verb),
        newer=url("records.newer") + _query(asked),
        newest=write_timestamp(rows[0].stored if rows else now()),
    )


@blueprint.get("/manage/records/newer", permission=READ_RECORDS, scope="institution")
def newer() -> ResponseReturnValue:
    """For a script: lines stored since `after` (an instant), some of which it may know already."""
    try:
        since = read_timestamp(request.args.get("after", ""))
    except ValueError as error:
        raise querying.refuse("after", str(error)) from None
    given = _given(_sought()) | {"since": write_timestamp(since - _OVERLAP), "ascending": "true"}
    page = querying.find(
        session().connection(), person().institution_id, querying.read_query(given)
    )
    rows = _lines(page.statements)[::-1]
    if any(one.stored > since for one in rows):
        log_access("view", "statement", None)
    newest = rows[0].stored if rows else since
    lines = render("lms/xapi/statement_lines.html", rows=rows)
    return json_answer({"lines": lines, "newest": write_timestamp(newest)})


@blueprint.get(
    "/manage/records/statements/<statement_id>", permission=READ_RECORDS, scope="institution"
)
def one(statement_id: str) -> ResponseReturnValue:
    """A statement whole, with what it has to do with; the look is written down first."""
    me = person()
    row = browsing.row_of(session(), me.institution_id, statement_id)
    if row is None:
        raise NotFoundError(_GONE)
    [line] = _lines([row.raw])
    if line.person_id is None:
        log_access("view", "statement", None, reason=row.statement_id, wait=True)
    else:
        log_access("view", "person", line.person_id, reason=row.statement_id, wait=True)
    told = hook().lms_statement_links(session=session(), statement=row, actor=me)
    return render(
        "lms/xapi/statement.html",
        row=row,
        line=line,
        person_href=_person(line.person_id),
        links=[link for some in told for link in some],
        text=msgspec.json.format(row.raw, indent=2).decode(),
        address=_address,
    )


def _sought() -> Sought:
    return Sought(
        **{
            one.name: request.args.get(one.name, "").replace("\x00", "").strip()[:_MOST_TYPED]
            for one in fields(Sought)
        }
    )


_FIELDS = {"agent": "who"} | {one.name: one.name for one in fields(Sought)}
"""Parameter of the standard's query → the form's field that it came from."""


def _page(sought: Sought, place: str) -> tuple[list[bytes], str | None]:
    """A page of statements, and the address of the next."""
    if place:
        query = querying.read_more(place, state().secret)
    else:
        query = querying.read_query(_given(sought))
    page = querying.find(session().connection(), person().institution_id, query)
    if page.more is None:
        return page.statements, None
    more = querying.write_more(page.more, state().secret)
    return page.statements, _address(sought.asked() | {"more": more})


def _given(sought: Sought) -> dict[str, str]:
    """The form as parameters of the standard's query (Communication 2.1.3)."""
    zone, told = person().zone, {"limit": str(PAGE)}
    if sought.who:
        told["agent"] = _agent(sought.who)
    for name in ("verb", "activity", "registration"):
        if value := getattr(sought, name):
            told[name] = value
    if sought.since:
        # «since» leaves its own instant out, the day's first included here.
        first = clock.start_of_day(_day("since", sought.since), zone)
        told["since"] = write_timestamp(first - timedelta(microseconds=1))
    if sought.until:
        last = clock.end_of_day(_day("until", sought.until), zone)
        told["until"] = write_timestamp(last - timedelta(microseconds=1))
    return told


def _day(name: str, text: str) -> Any:
    day = parse_day(text)
    if day is None:
        raise InvalidError(_NO_DAY, field=name)
    return day


def _agent(who: str) -> str:
    """Whom a text means, as the standard asks for an agent: JSON, a mailbox, an OpenID, a person.

    Raises InvalidError where the institution has nobody of that name.
    """
    if who.startswith("{"):
        return who
    if "@" in who and "/" not in who:
        return _json({"mbox": who if who.startswith("mailto:") else f"mailto:{who}"})
    if who.startswith(("http://", "https://")):
        return _json({"openid": who})
    me = person()
    if who in browsing.people_named(session(), me.institution_id, [who]):
        account = who
    else:
        named = browsing.namesakes(session(), me.institution_id, who)
        if not named:
            raise InvalidError(_NOBODY, field="who")
        account = named[0].account_name
    return _json({"account": {"homePage": me.home_page, "name": account}})


def _namesakes(sought: Sought) -> list[Any]:
    """The people between whom a name leaves the choice; none where there is no choice."""
    found = browsing.namesakes(session(), person().institution_id, sought.who) if sought.who else ()
    return list(found) if len(found) > 1 else []


def _lines(raws: list[bytes]) -> list[browsing.Line]:
    mine = session().get_one(Institution, person().institution_id)
    return browsing.lines(session(), mine, raws, locale=locale())


def _verbs(chosen: str) -> list[tuple[str, str]]:
    """The verbs that we know by name, and the one that is looked for."""
    here = locale()
    known = {iri: said[here] for iri, said in vocabulary.DISPLAY.items()}
    if chosen and chosen not in known:
        known[chosen] = chosen
    return [("", words_here().text("모두")), *known.items()]


def _person(person_id: int | None) -> str | None:
    if person_id is None or not READ_PEOPLE.allows(person(), None):
        return None
    return url("people.one", id=person_id)


def _address(asked: dict[str, str]) -> str:
    return url("records.browse") + _query(asked)


def _query(asked: dict[str, str]) -> str:
    return f"?{urlencode(asked)}" if asked else ""


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
