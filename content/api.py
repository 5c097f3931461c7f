"""What players ask of the server: where may I learn, and here is what was played."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from content import permissions, sessions
from lms import clock
from lms.config import Settings
from lms.edge import (
    Blueprint,
    hook,
    json_answer,
    json_body,
    now,
    person,
    session,
    state,
    words_here,
)
from lms.edge.blueprint import check, find
from lms.edge.context import SIGN_IN_FIRST, device, forget_people
from lms.edge.rendering import url
from lms.errors import ElsewhereError, SignInNeededError
from lms.i18n import formats
from lms.learning import pings as taking
from lms.learning import service
from lms.learning.models import Enrolment
from lms.learning.permissions import LEARN
from lms.learning.pings import Asked, Reading, Report, Taken
from lms.people import in_force

blueprint = Blueprint("content", __name__)

_Token = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST /learning-sessions."""

    enrolment: int
    activity: int
    take_over: bool = False
    resume: _Token | None = None


class Reports(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST /pings. `enrolment` lets reports of one enrolment be settled in one order."""

    token: _Token
    pings: Annotated[list[Report], msgspec.Meta(min_length=1, max_length=200)]
    enrolment: int | None = None


@blueprint.post("/learning-sessions", permission=permissions.PLAY, scope="institution")
def begin_session() -> ResponseReturnValue:
    asked = json_body(Beginning)
    enrolment = find(Enrolment, asked.enrolment, "institution")
    check(LEARN, person(), enrolment)
    activity = service.activity_in(session(), enrolment, asked.activity)
    try:
        begun = sessions.begin(
            session(),
            hook(),
            enrolment,
            activity,
            device=device(),
            take_over=asked.take_over,
            resume=asked.resume,
            by=_reading(),
        )
    except ElsewhereError as error:
        return _elsewhere(error)
    return json_answer(msgspec.to_builtins(begun) | {"saved_at": _clock()})


@blueprint.post(
    "/pings", permission=permissions.PLAY, scope="institution", writes=False, asks_again=True
)
def take_pings() -> ResponseReturnValue:
    asked = json_body(Reports)
    key = asked.enrolment or int.from_bytes(hashlib.sha256(asked.token.encode()).digest()[:4])
    try:
        taken = state().db.writer.do_together(
            _take_all,
            (
                state().settings,
                person().sign_in_id,
                Asked(hook(), asked.token, asked.pings, _reading(), asked.enrolment),
            ),
            key=key,
        )
    except SignInNeededError:
        forget_people()
        raise
    except ElsewhereError as error:
        return _elsewhere(error)
    return json_answer(_shown(taken))


def _take_all(
    connection: Connection, asked: Sequence[tuple[Settings, int | None, Asked]]
) -> list[Taken | Exception]:
    """The reports of those who are signed in still: they were remembered, not looked up."""
    settings = asked[0][0]
    sign_ins = {sign_in_id for _, sign_in_id, _ in asked if sign_in_id is not None}
    at = min(one.by.now for _, _, one in asked)
    ended = in_force.ended(connection, sign_ins, now=at, settings=settings)
    taken = iter(
        taking.take_all(
            connection, [one for _, sign_in_id, one in asked if sign_in_id not in ended]
        )
    )
    return [
        SignInNeededError(SIGN_IN_FIRST) if sign_in_id in ended else next(taken)
        for _, sign_in_id, _ in asked
    ]


def _reading() -> Reading:
    me = person()
    return Reading(
        person_id=me.person_id,
        institution_id=me.institution_id,
        zone=me.zone,
        now=now(),
        mono_ms=clock.monotonic_ms(),
        boot=clock.boot(),
    )


def _shown(taken: Taken) -> dict[str, Any]:
    certificate = None
    if taken.completion_id is not None:
        certificate = url("credentials.of_completion", id=taken.completion_id)
    return {
        "acked": taken.acked,
        "saved_at": _clock(),
        "covered": taken.covered,
        "covered_ms": taken.covered_ms,
        "refused": [
            {"seq": one.seq, "reason": words_here().text(one.reason)} for one in taken.refused
        ],
        "settled": taken.settled,
        "state": {
            "progress_permille": taken.progress_permille,
            "activity_done": taken.activity_done,
            "unit_done": taken.unit_done,
            "completed": taken.completed,
            "certificate_url": certificate,
        },
    }


def _elsewhere(error: ElsewhereError) -> ResponseReturnValue:
    told = {
        "code": error.code,
        "message": words_here().text(error.message),
        "device": error.params.get("device", ""),
    }
    return json_answer({"error": told}, error.status)


def _clock() -> str:
    return formats.clock(now(), person().zone, seconds=True)
