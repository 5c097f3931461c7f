"""The institution's own page: its name and its settings."""

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms import clock
from lms.edge import now, page, person, render, session, words_here
from lms.edge.rendering import url
from lms.errors import LMSError
from lms.people import settings_form
from lms.people.models import Institution
from lms.people.numbering import PatternError, format_number
from lms.people.permissions import CHANGE_SETTINGS, READ_SETTINGS
from lms.people.settings_form import ASKED, NAMES
from lms.people.views.entrance import blueprint


@blueprint.get("/institution", permission=READ_SETTINGS, scope="institution")
def institution() -> ResponseReturnValue:
    mine = _mine()
    return _page(mine, settings_form.shown(mine), done=request.args.get("done"))


@blueprint.post("/institution", permission=CHANGE_SETTINGS, scope="institution")
def change_institution() -> ResponseReturnValue:
    """Form: every field of the settings, `seen`, `reason`; `act` preview only shows the number."""
    mine = _mine()
    read = settings_form.read(request.form)
    reason = request.form.get("reason", "").strip()[:500]
    if request.form.get("act") == "preview":
        return _page(mine, read.typed, reason=reason)
    wrong = dict(read.wrong)
    if not wrong:
        try:
            changed = settings_form.change(
                session(),
                mine,
                read.values,
                seen=request.form.get("seen", ""),
                actor_id=person().person_id,
                reason=reason,
                now=now(),
            )
            return redirect(url("people.institution", done="changed" if changed else "same"), 303)
        except LMSError as error:
            wrong = {getattr(error, "field", None) or "form": error}
    return page(_page(mine, read.typed, wrong=wrong, reason=reason), 422)


def _mine() -> Institution:
    return session().get_one(Institution, person().institution_id)


def _page(
    mine: Institution,
    typed: dict[str, str],
    *,
    wrong: dict[str, LMSError] | None = None,
    reason: str = "",
    done: str | None = None,
) -> str:
    words = words_here().text
    said = {name: words(error.message, **error.params) for name, error in (wrong or {}).items()}
    groups: dict[str, list[settings_form.Asked]] = {}
    for one in (*NAMES, *ASKED):
        groups.setdefault(one.group, []).append(one)
    sample, sample_wrong = _sample(mine, typed["number_pattern"])
    return render(
        "lms/people/institution.html",
        mine=mine,
        groups=groups,
        typed=typed,
        said=said,
        reason=reason,
        done=done,
        seen=settings_form.revision(mine) if not wrong else request.form.get("seen", ""),
        may_change=CHANGE_SETTINGS.allows(person(), None),
        sample=sample,
        sample_wrong=sample_wrong,
    )


def _sample(mine: Institution, pattern: str) -> tuple[str | None, str | None]:
    """The number that the first learner of a run would get, or why there is none."""
    try:
        number = format_number(
            pattern,
            institution=mine.code,
            kind="직무",
            year=clock.local_day(now(), mine.zone).year,
            run="0117",
            serial=1,
        )
    except PatternError as error:
        return None, words_here().text(error.message, **error.params)
    return number, None
