"""What the pages of making share: the blueprint, files that come in, sentences that go out."""

import re
from collections.abc import Mapping
from functools import partial
from typing import IO, Any, cast

from flask import Response, after_this_request, request

from lms.edge import Blueprint, now, person, render, session, state, words_here
from lms.edge.rendering import json_answer, url
from lms.errors import LMSError, TooLargeError
from lms.files import uploads
from lms.files.uploads import Held, Upload, Uploads
from lms.i18n import formats
from lms.learning import terms
from lms.learning.making import drafts, listing
from lms.learning.making.comparing import Said
from lms.learning.making.drafts import Draft
from lms.learning.making.permissions import MAKE
from lms.learning.models import Course

blueprint = Blueprint("making", __name__)
_PARTICLE = re.compile(r"(「[^」]*」)([\uc744\uc774\uc740])\(([\ub97c\uac00\ub294])\)")
"""A quoted name, and the two particles that may follow it."""

_FORM = 4 << 20
"""What the fields of a form may take beside its files."""


def receive(*fields: str, limit: int | None = None) -> Uploads:
    """The files of these fields: chosen now, or held since the form came back.

    Reads the body, which may take minutes: the view must not be in a writing transaction, and
    lets go of its reading one. Raises TooLargeError.
    """
    here, institution_id = state(), person().institution_id
    most = limit or here.settings.upload_mebibytes << 20
    session().close()  # the connection goes back while the network brings what it brings
    request.max_content_length = most + _FORM
    if (request.content_length or 0) > most + _FORM:
        raise TooLargeError(
            "파일이 너무 큽니다. {limit} MB까지 올릴 수 있습니다.", limit=most >> 20
        )
    found: dict[str, Upload] = {}
    for name in fields:
        file = request.files.get(name)
        if file is not None:
            after_this_request(partial(_close, file.stream))
        if file is not None and file.filename:
            found[name] = uploads.receive(file.filename, cast(Any, file.stream), limit=most)
            continue
        ticket = request.form.get(f"held-{name}")
        held = uploads.redeem(here.secret, institution_id, here.storage, ticket) if ticket else None
        if held is not None:
            found[name] = held
            after_this_request(partial(_close, held.stream))
    return Uploads(found)


def _close(stream: IO[bytes], answer: Response) -> Response:
    stream.close()
    return answer


def hold(upload: Upload) -> Held:
    """Bring an upload into storage, outside of any transaction."""
    return uploads.hold(state().storage, upload)


def tickets(held: Mapping[str, Held]) -> dict[str, dict[str, str]]:
    """For the form that comes back: field → name and ticket of what need not be sent again."""
    here, institution_id = state(), person().institution_id
    return {
        field: {"name": one.name, "ticket": uploads.ticket(here.secret, institution_id, one)}
        for field, one in held.items()
    }


def told(said: Said | tuple[str, Mapping[str, Any]]) -> str:
    """A sentence in the reader's language; parameters that are msgids are put into it too."""
    message, params = said
    words = words_here()
    here = {name: words.text(one) if name == "kind" else one for name, one in params.items()}
    return spoken(words.text(message, **here))


def sentence(error: LMSError) -> str:
    return spoken(words_here().text(error.message, **error.params))


def spoken(text: str) -> str:
    """With the particle that fits each name, now that the names stand there."""
    return _PARTICLE.sub(lambda one: formats.josa(one[1], f"{one[2]}/{one[3]}"), text)


def refusal(
    status: int, errors: Mapping[str, str], held: Mapping[str, Any], revision: int
) -> Response:
    """For a script: what is wrong with which field, and what need not be sent again."""
    message = next(iter(errors.values()), "")
    body = {"code": "refused", "message": message, "fields": dict(errors)}
    return json_answer({"error": body, "held": dict(held), "revision": revision}, status)


def course_page(
    course: Course, draft: Draft | None = None, /, template: str = "", **more: Any
) -> str:
    """A page of one course, under its name and its three tabs."""
    draft = draft or drafts.of_course(session(), course)
    return render(
        template,
        course=course,
        draft=draft,
        latest=listing.latest(session(), course),
        may_make=MAKE.allows(person(), course),
        kind_name=terms.KINDS.get(course.training_kind, course.training_kind),
        mode_name=terms.MODES.get(course.delivery_mode, course.delivery_mode),
        kinds=state().kinds,
        back=url("making.courses"),
        **more,
    )


def enter(own: Any, held: Held) -> int:
    """The id of the stored file, in a writing transaction."""
    return uploads.enter(own, person().institution_id, held, now=now()).id
