"""The audit search: who changed what, when and why, in sentences; and the same as a sheet."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from lms import clock
from lms.db import Database
from lms.edge import client_address, now, person, render, session, state, words_here
from lms.errors import InvalidError
from lms.people import access, auditing
from lms.people.audit_words import ACT_WORDS, FIELD_WORDS, SUBJECT_WORDS, VALUE_WORDS
from lms.people.auditing import Wanted
from lms.people.permissions import READ_AUDIT, TAKE_AUDIT_AWAY
from lms.people.settings_form import ASKED
from lms.people.views.entrance import blueprint
from lms.people.words import ROLE_WORDS
from lms.sheets import writing

Words = Callable[..., str]
_SETTING_WORDS = {one.name: one.label for one in ASKED}


@blueprint.get("/audit", permission=READ_AUDIT, scope="institution")
def audit() -> ResponseReturnValue:
    me = person()
    wanted = _wanted(request.args)
    before = auditing.parse_key(request.args.get("before"))
    found = auditing.found(session(), me.institution_id, wanted, zone=me.zone, before=before)
    rows, more = found[: auditing.PAGE], len(found) > auditing.PAGE
    asked = _asked(wanted)
    following = asked | {"before": auditing.key_of(rows[-1])} if more else None
    return render(
        "lms/people/audit.html",
        rows=[(row, sentence(row, words_here().text)) for row in rows],
        wanted=wanted,
        asked=asked,
        first=before is None,
        following=f"?{urlencode(following)}" if following else None,
        may_take_away=TAKE_AUDIT_AWAY.allows(me, None),
        acts=_choices(ACT_WORDS),
        subjects=_choices(SUBJECT_WORDS),
    )


@blueprint.post("/audit/export", permission=TAKE_AUDIT_AWAY, scope="institution", writes=False)
def export_audit() -> ResponseReturnValue:
    """A sheet of all that the search finds; first the reason goes into the access log."""
    me, here, address, at = person(), state(), client_address(), now()
    reason = request.form.get("reason", "").strip()[:500]
    if not reason:
        raise InvalidError(
            "왜 내려받는지 한 줄로 적어 주십시오. 열람 기록에 남습니다.", field="reason"
        )

    def log(connection: Connection) -> None:
        access.log(
            connection,
            me,
            address=address,
            act="download",
            subject="audit",
            subject_id=None,
            reason=reason,
            now=at,
        )

    here.db.writer.do(log)
    words = words_here().text
    head = [words(title) for title in ("때", "한 사람", "한 일", "무엇에", "까닭", "자세히")]
    rows = _sheet(here.db, me.institution_id, _wanted(request.form), me.zone, words)
    day = clock.local_day(at, me.zone)
    return Response(
        writing.csv_lines(head, rows),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="audit-{day:%Y%m%d}.csv"'},
    )


def sentence(row: Any, words: Words) -> dict[str, str]:
    """An audit row in words: what was done, to what, and the particulars."""
    subject = words(SUBJECT_WORDS.get(row.subject, row.subject))
    return {
        "act": words(ACT_WORDS.get(row.act, row.act)),
        "subject": row.subject_name or words("{what} {n}번", what=subject, n=row.subject_id),
        "detail": " · ".join(_particulars(row.detail, words)),
    }


def _particulars(detail: Mapping[str, Any], words: Words) -> Iterator[str]:
    before, after = detail.get("before"), detail.get("after")
    if "before" in detail and "after" in detail and not isinstance(after, dict):
        yield words(
            "{before} → {after}",
            before=_value("", before, words),
            after=_value("", after, words),
        )
        detail = {name: detail[name] for name in detail if name not in ("before", "after")}
    if isinstance(before, dict) and isinstance(after, dict):
        for name in after:
            yield words(
                "{what}: {before} → {after}",
                what=_name(name, words),
                before=_value(name, before.get(name), words),
                after=_value(name, after[name], words),
            )
        detail = {name: detail[name] for name in detail if name not in ("before", "after")}
    for name, value in detail.items():
        if value not in (None, "", [], {}):
            said = _value(name, value, words)
            yield words("{what}: {value}", what=_name(name, words), value=said)


def _name(name: str, words: Words) -> str:
    return words(_SETTING_WORDS.get(name) or FIELD_WORDS.get(name, name))


def _value(name: str, value: Any, words: Words) -> str:
    if isinstance(value, bool):
        return words("예") if value else words("아니요")
    if isinstance(value, list):
        return ", ".join(_value(name, each, words) for each in value)
    if isinstance(value, dict):
        return ", ".join(
            f"{_name(key, words)} {_value(key, one, words)}" for key, one in value.items()
        )
    text = "–" if value is None or value == "" else str(value)
    if name == "proof":
        return f"{text[:12]}…"
    known = {"role": ROLE_WORDS, "changed": FIELD_WORDS}.get(name, VALUE_WORDS)
    return words(known.get(text, text))


def _choices(known: Mapping[str, str]) -> list[tuple[str, str]]:
    words = words_here().text
    named = sorted((words(text), key) for key, text in known.items())
    return [("", words("모두")), *((key, text) for text, key in named)]


def _wanted(given: Mapping[str, str]) -> Wanted:
    return Wanted(
        given.get("who", "").strip()[:80],
        given.get("act", "") if given.get("act") in ACT_WORDS else "",
        given.get("subject", "") if given.get("subject") in SUBJECT_WORDS else "",
        auditing.parse_number(given.get("number")),
        auditing.parse_day(given.get("since")),
        auditing.parse_day(given.get("until")),
    )


def _asked(wanted: Wanted) -> dict[str, str]:
    told = {
        "who": wanted.who,
        "act": wanted.act,
        "subject": wanted.subject,
        "number": wanted.subject_id,
        "since": wanted.since,
        "until": wanted.until,
    }
    return {name: str(value) for name, value in told.items() if value not in (None, "")}


def _sheet(
    db: Database, institution_id: int, wanted: Wanted, zone: str, words: Words
) -> Iterator[list[object]]:
    """Page by page, each on a fresh session: a slow download must not hold a snapshot open."""
    before = None
    most = auditing.SHEET_PAGE
    while True:
        with db.reading() as fresh:
            found = auditing.found(
                fresh, institution_id, wanted, zone=zone, before=before, most=most
            )
        for row in found[:most]:
            told = sentence(row, words)
            yield [
                f"{row.at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}",
                row.actor or words("시스템"),
                told["act"],
                told["subject"],
                words(row.reason),
                told["detail"],
            ]
        if len(found) <= most:
            return
        last = found[most - 1]
        before = (last.at, last.id)
