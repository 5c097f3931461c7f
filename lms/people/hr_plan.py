"""What a row of the personnel sheet would change, seen from what is known now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from sqlalchemy import Row as Found
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.people import masks, matching, posts
from lms.people.hr_sheet import Row, Said
from lms.people.intake import Planned
from lms.people.models import Person
from lms.people.places import Places
from lms.people.posts import Facts, Told
from lms.people.sealing import Sealer
from lms.people.words import CATEGORIES, STATUSES

CHUNK = matching.CHUNK

_FACT_WORDS = {
    "organisation_id": "소속: {before} → {after} ({day}부터)",
    "staff_category": "교직원구분: {before} → {after} ({day}부터)",
    "rank": "직급: {before} → {after} ({day}부터)",
    "occupation": "직종: {before} → {after} ({day}부터)",
    "status": "재직상태: {before} → {after} ({day}부터)",
}
_PERSON_WORDS = {
    "name": "성명: {before} → {after}",
    "email": "이메일을 바꿉니다.",
    "phone": "휴대전화를 바꿉니다.",
    "first_appointed_on": "최초임용일: {before} → {after}",
    "retires_on": "퇴직예정일: {before} → {after}",
    "birth": "생년월일을 바꿉니다.",
    "neis": "나이스개인번호를 더합니다.",
}


@dataclass(frozen=True)
class Known:
    """What is stored of a person, opened."""

    name: str
    email: str | None = None
    phone: str | None = None
    first_appointed_on: date | None = None
    retires_on: date | None = None
    birth: date | None = None
    neis: str | None = None


@dataclass(frozen=True)
class Step:
    """A row's plan with what is to be written: `person` and `told` where it changes something."""

    planned: Planned
    row: Row
    person_id: int | None = None
    person: Known | None = None
    told: Told | None = None
    changed: tuple[str, ...] = ()
    """Fields of `Known` that change."""


@dataclass
class Planner:
    """Plans a sheet in chunks, each in a handful of queries; knows what earlier chunks said."""

    sealer: Sealer
    institution_id: int
    on: date
    """The day that a row without one speaks of."""

    places: Places
    seen: dict[tuple[int, date | None], int] = field(default_factory=dict)
    """(person, day) → the row that spoke of it first."""

    def plan(self, session: Session, rows: Sequence[Row]) -> Iterator[Step]:
        """The steps of one chunk, in the order of the sheet."""
        good = [row for row in rows if not row.wrong and not row.doubtful]
        matches = dict(
            zip(
                (row.number for row in good),
                matching.match(
                    session, self.sealer, self.institution_id, [row.key for row in good]
                ),
                strict=True,
            )
        )
        ids = {match.person_id for match in matches.values() if match.person_id is not None}
        people = self._people(session, ids)
        told = {one: list(known) for one, known in posts.of_people(session, ids).items()}
        new: dict[str | matching.Key, list[Told]] = {}
        for row in rows:
            match = matches.get(row.number)
            if match is None:
                outcome = "error" if row.wrong else "check"
                yield self._step(row, outcome, row.wrong or row.doubtful)
            elif match.person_id is not None:
                yield self._found(row, match.person_id, people[match.person_id], told)
            elif match.nobody:
                yield self._new(row, new)
            else:
                yield self._step(row, "check", [(match.why or "", {})])

    def _people(self, session: Session, ids: set[int]) -> dict[int, Found[Any]]:
        columns = (
            Person.id,
            Person.name,
            Person.email,
            Person.phone,
            Person.first_appointed_on,
            Person.retires_on,
            Person.birth_date_sealed,
            Person.neis_sealed,
            *(getattr(Person, one.name) for one in fields(Facts)),
        )
        rows = session.execute(select(*columns).where(Person.id.in_(ids)))
        return {row.id: row for row in rows}

    def _known(self, row: Found[Any]) -> Known:
        return Known(
            row.name,
            row.email,
            row.phone,
            row.first_appointed_on,
            row.retires_on,
            masks.birth_date(self.sealer, row.birth_date_sealed),
            masks.neis(self.sealer, row.neis_sealed),
        )

    # ---- One row ----

    def _new(self, row: Row, new: dict[str | matching.Key, list[Told]]) -> Step:
        place, wrong = self.places.find(row.school_code, row.school)
        who = row.who
        before = posts.fold(new.get(who, ()), row.from_on or self.on)
        if before is None and row.category is None:
            wrong = [*wrong, ("새로 등록할 사람입니다. 교직원구분을 적어 주십시오.", {})]
        if place is None and before is None and row.category != "outsider" and not wrong:
            wrong = [*wrong, ("새로 등록할 사람입니다. 학교(기관)코드를 적어 주십시오.", {})]
        if wrong:
            return self._step(row, "error", wrong)
        start = before or Facts(None, row.category or "", None, None, "active")
        told = self._told(row, start, place, row.reason or posts.why_of(before, start))
        new.setdefault(who, []).append(told)
        return self._step(
            row, "new", [("새로 등록합니다.", {})], person=_merged(Known(row.name), row), told=told
        )

    def _found(
        self, row: Row, person_id: int, found: Found[Any], known: dict[int, list[Told]]
    ) -> Step:
        first = self.seen.setdefault((person_id, row.from_on), row.number)
        if first != row.number:
            return self._step(row, "error", [(TWICE, {"other": first})])
        place, wrong = self.places.find(row.school_code, row.school)
        if wrong:
            return self._step(row, "error", wrong)
        mine = known.setdefault(person_id, [])
        told, doubt = self._act(row, mine, posts.of_person(found), place)
        if doubt:
            return self._step(row, "check", [doubt])
        before = self._known(found)
        after = _merged(before, row)
        what = [*_differences(before, after)]
        if told is not None:
            what += self._fact_words(mine, told, posts.of_person(found))
            mine.append(told)
        return self._step(
            row,
            "change" if what else "same",
            what,
            person_id=person_id,
            person=after if after != before else None,
            told=told,
            changed=tuple(
                name for name in _PERSON_WORDS if getattr(before, name) != getattr(after, name)
            ),
        )

    def _act(
        self, row: Row, known: Sequence[Told], plain: Facts, place: int | None
    ) -> tuple[Told | None, Said | None]:
        """What the row adds to the history, or why that is doubtful.

        A row that names no act describes how things are, and must not rewrite how they were.
        """
        day = row.from_on or self.on
        now = posts.fold(known, self.on) or plain
        there = next((one for one in known if one.from_on == day), None)
        before = posts.fold(known, day) or plain
        base = now if row.reason is None else before
        told = self._told(row, base, place, row.reason or posts.why_of(before, before))
        told = Told(day, told.facts, row.reason or posts.why_of(before, told.facts))
        if there is not None and there.facts == told.facts:
            return None, None
        if row.from_on is None or row.reason is None:
            unchanged = told.facts == now and (known or row.from_on is None)
            if unchanged:
                return None, None
        last = max((one.from_on for one in known), default=None)
        if there is not None and row.reason != "correction":
            return None, (SAME_DAY, {"day": day.isoformat()})
        if row.reason is None and last is not None and day < last:
            return None, (EARLIER, {"day": last.isoformat()})
        return told, None

    def _told(self, row: Row, base: Facts, place: int | None, reason: str) -> Told:
        facts = Facts(
            place if place is not None else base.organisation_id,
            row.category or base.staff_category,
            row.rank or base.rank,
            row.occupation or base.occupation,
            row.status or base.status,
        )
        return Told(row.from_on or self.on, facts, reason)

    def _fact_words(self, known: Sequence[Told], told: Told, plain: Facts) -> list[Said]:
        before = posts.fold(known, told.from_on) or plain
        day = told.from_on.isoformat()
        said: list[Said] = []
        for name, sentence in _FACT_WORDS.items():
            was, now = getattr(before, name), getattr(told.facts, name)
            if was != now:
                said.append(
                    (
                        sentence,
                        {
                            "before": self._word(name, was),
                            "after": self._word(name, now),
                            "day": day,
                        },
                    )
                )
        return said or [("{day}에 발령된 것으로 기록합니다.", {"day": day})]

    def _word(self, name: str, value: Any) -> str:
        if value is None:
            return "–"
        if name == "organisation_id":
            return self.places.names.get(value, "–")
        words = {"staff_category": CATEGORIES, "status": STATUSES}.get(name, {})
        return words.get(value, str(value))

    def _step(self, row: Row, outcome: Any, what: Sequence[Said], **more: Any) -> Step:
        shown = {
            "성명": row.name,
            "나이스개인번호": masks.masked_neis(row.neis or None),
            "생년월일": masks.masked_date(row.birth),
            "소속": row.school or row.school_code,
        }
        return Step(Planned(row.number, outcome, list(what), shown), row, **more)


SAME_DAY = (
    "{day}에 다른 내용의 발령이 이미 있습니다. 새 발령이면 발령일을 고치고, 잘못 적힌 것을 "
    "바로잡으려면 발령구분에 ‘정정’이라고 적어 주십시오."
)
EARLIER = (
    "{day}에 기록된 발령보다 앞선 날의 발령입니다. 지난 발령을 더하려면 발령구분을 적어 주십시오."
)
TWICE = "같은 사람이 {other}번째 줄에도 있습니다. 한 줄만 남기거나 발령일을 다르게 적어 주십시오."


def _merged(before: Known, row: Row) -> Known:
    """What the row says, and where it says nothing what is known."""
    return Known(
        row.name or before.name,
        row.email or before.email,
        row.phone or before.phone,
        row.appointed or before.first_appointed_on,
        row.retires or before.retires_on,
        row.birth or before.birth,
        row.neis or before.neis,
    )


def _differences(before: Known, after: Known) -> Iterator[Said]:
    for name, sentence in _PERSON_WORDS.items():
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            shown = name in ("name", "first_appointed_on", "retires_on")
            yield sentence, {"before": str(was or "–"), "after": str(now)} if shown else {}
