"""The form of a run: what was typed, what it means, and what about it must be mended."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lms.errors import InvalidError
from lms.learning.rules import RuleSet
from lms.learning.running.audience import Audience, Band
from lms.learning.running.planning import RunPlan, Trouble
from lms.people.models import Organisation
from lms.people.words import CATEGORIES

_NOT_A_DAY = "날짜를 2026-03-02처럼 적어 주십시오."
_NOT_A_NUMBER = "숫자만 적어 주십시오."
Told = TypeVar("Told")
_BAND = re.compile(r"(\d{0,2})-(\d{0,2})")


@dataclass
class Form:
    """What was typed, by field; lists for boxes that are ticked."""

    one: Mapping[str, str]
    many: Mapping[str, Sequence[str]]
    troubles: list[Trouble] = field(default_factory=list)

    def text(self, name: str) -> str:
        return self.one.get(name, "").strip()

    def wrong(self, name: str, message: str, **params: Any) -> None:
        self.troubles.append(Trouble(name, message, params))

    def day(self, name: str) -> date | None:
        text = self.text(name)
        if not text:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.wrong(name, _NOT_A_DAY)
            return None

    def number(self, name: str, default: int | None = None) -> int | None:
        text = self.text(name)
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 7:
            self.wrong(name, _NOT_A_NUMBER)
            return default
        return int(text)

    def ticked(self, name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.many.get(name, ())))

    def words(self, name: str) -> tuple[str, ...]:
        """Words between commas."""
        found = (" ".join(one.split()) for one in re.split(r"[,\n]", self.text(name)))
        return tuple(dict.fromkeys(one for one in found if one))


def read(
    session: Session, form: Form, institution_id: int, scored_kinds: Sequence[str]
) -> RunPlan | None:
    """The plan; None when something was typed that means nothing (see `form.troubles`)."""
    learn_from, learn_until = form.day("learn_from"), form.day("learn_until")
    for name, day in (("learn_from", learn_from), ("learn_until", learn_until)):
        if day is None and not form.text(name):
            form.wrong(name, "학습 기간의 첫날과 마지막 날을 적어 주십시오.")
    audience = read_audience(session, form, institution_id)
    rule = _rule(form, scored_kinds)
    told: dict[str, Any] = {
        "apply_from": form.day("apply_from"),
        "apply_until": form.day("apply_until"),
        "withdraw_until": form.day("withdraw_until"),
        "seats": form.number("seats"),
        "way": form.text("way") or "at_once",
        "name": form.text("name")[:80],
    }
    if form.troubles or learn_from is None or learn_until is None:
        return None
    if audience is None or rule is None:
        return None
    return RunPlan(
        learn_from=learn_from, learn_until=learn_until, audience=audience, rule=rule, **told
    )


def read_audience(session: Session, form: Form, institution_id: int) -> Audience | None:
    """The audience; None when it contradicts itself or names what there is not."""
    before = len(form.troubles)
    categories = tuple(one for one in form.ticked("categories") if one in CATEGORIES)
    organisations = _organisations(session, form, institution_id)
    told: dict[str, Any] = {
        "categories": categories,
        "school_levels": form.ticked("school_levels"),
        "ranks": form.words("ranks"),
        "occupations": form.words("occupations"),
        "organisations": organisations,
        "service": tuple(band for one in form.ticked("service") if (band := parse_band(one))),
        "retires_from": form.day("retires_from"),
        "retires_until": form.day("retires_until"),
        "in_post_since": form.day("in_post_since"),
    }
    if len(form.troubles) > before:
        return None
    return _made(form, lambda: Audience(**told))


def parse_band(text: str) -> Band | None:
    """The band that `band_key()` wrote; None for anything else."""
    found = _BAND.fullmatch(text)
    if found is None or text == "-":
        return None
    start, end = found.groups()
    return int(start) if start else None, int(end) if end else None


def band_key(band: Band) -> str:
    """“5-15”, “-5”, “35-”."""
    return "-".join("" if one is None else str(one) for one in band)


def _rule(form: Form, scored_kinds: Sequence[str]) -> RuleSet | None:
    told: dict[str, Any] = {
        "progress_permille": (form.number("progress", 90) or 0) * 10,
        "score_min": _points(form) if form.text("scored") else None,
        "weights": _weights(form, scored_kinds),
        "units_per_day": form.number("units_per_day", 0),
        "speed_percent": form.number("speed", 150),
        "score_opens_permille": min(100, form.number("score_opens", 0) or 0) * 10,
        "repeat_years": form.number("repeat_years", 2),
        "ordered": bool(form.text("ordered")),
        "free_skip": bool(form.text("free_skip")),
    }
    return None if form.troubles else _made(form, lambda: RuleSet(**told))


def _points(form: Form) -> int | None:
    try:
        return int(Decimal(form.text("score") or "60") * 100)
    except (InvalidOperation, ValueError, OverflowError):
        form.wrong("score", _NOT_A_NUMBER)
        return None


def _weights(form: Form, scored_kinds: Sequence[str]) -> dict[str, int] | None:
    if not form.text("scored") or len(scored_kinds) < 2:
        return None
    typed = {kind: form.number(f"weight-{kind}") for kind in scored_kinds}
    if all(share is None for share in typed.values()):
        return None
    return {kind: share or 0 for kind, share in typed.items()}


# A rule that refuses itself names what it refuses; the form shows it at the field of that name.
_AT = {"progress_permille": "progress", "score_min": "score", "weights": "weights"}


def _made(form: Form, make: Callable[[], Told]) -> Told | None:
    try:
        return make()
    except InvalidError as error:
        name = _AT.get(error.field or "", error.field or "progress")
        form.wrong(name, error.message, **error.params)
        return None


def _organisations(session: Session, form: Form, institution_id: int) -> tuple[int, ...]:
    """Organisations by name or code; what is not known is told."""
    typed = form.words("organisations")
    if not typed:
        return ()
    rows = session.execute(
        select(Organisation.id, Organisation.name, Organisation.code).where(
            Organisation.institution_id == institution_id,
            or_(Organisation.name.in_(typed), Organisation.code.in_(typed)),
        )
    ).all()
    known = {word for row in rows for word in (row.name, row.code)}
    if missing := [one for one in typed if one not in known]:
        form.wrong(
            "organisations",
            "등록되지 않은 소속이 있습니다: {names}. 이름이나 부호를 확인해 주십시오.",
            names=", ".join(missing),
        )
    return tuple(sorted({row.id for row in rows}))


def shown(plan: RunPlan, organisations: Mapping[int, str]) -> dict[str, Any]:
    """What the form shows of a plan: the inverse of `read`."""
    rule, audience = plan.rule, plan.audience
    days = (
        "learn_from", "learn_until", "apply_from", "apply_until", "withdraw_until",
    )  # fmt: skip
    told: dict[str, Any] = {name: _iso(getattr(plan, name)) for name in days}
    told |= {name: _iso(getattr(audience, name)) for name in _AUDIENCE_DAYS}
    told |= {f"weight-{kind}": str(share) for kind, share in (rule.weights or {}).items()}
    return told | {
        "name": plan.name,
        "way": plan.way,
        "seats": "" if plan.seats is None else str(plan.seats),
        "progress": str(rule.progress_permille // 10),
        "scored": "1" if rule.score_min is not None else "",
        "score": f"{(rule.score_min or 6000) / 100:g}",
        "units_per_day": str(rule.units_per_day),
        "speed": str(rule.speed_percent),
        "score_opens": str(rule.score_opens_permille // 10),
        "repeat_years": str(rule.repeat_years),
        "ordered": "1" if rule.ordered else "",
        "free_skip": "1" if rule.free_skip else "",
        "categories": audience.categories,
        "school_levels": audience.school_levels,
        "ranks": ", ".join(audience.ranks),
        "occupations": ", ".join(audience.occupations),
        "organisations": ", ".join(organisations.get(one, "") for one in audience.organisations),
        "service": tuple(band_key(band) for band in audience.service),
    }


_AUDIENCE_DAYS = ("retires_from", "retires_until", "in_post_since")


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
