"""The sheet of schools and offices: a tree by the code of what stands above."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from lms.people import audit
from lms.people.intake import APPLIED, Planned
from lms.people.models import Institution, Intake, Organisation
from lms.people.places import Said
from lms.sheets import reading
from lms.sheets.columns import Column, pick
from lms.sheets.headings import same

COLUMNS = (
    Column(
        "code",
        "학교(기관)코드",
        ("코드", "기관코드", "학교코드", "소속코드", "행정표준코드", "표준학교코드"),
        required=True,
    ),
    Column(
        "name",
        "학교(기관)이름",
        ("이름", "학교명", "기관명", "학교", "기관", "소속", "소속명"),
        required=True,
    ),
    Column("kind", "종류", ("구분", "기관종류", "기관구분")),
    Column("level", "학교급", ("학교급별", "학교급구분", "급별", "학제")),
    Column("parent", "상위코드", ("상위기관코드", "상급기관코드", "교육지원청코드", "관할청코드")),
)
EXAMPLE = {
    "code": "B100000001",
    "name": "가온중학교",
    "kind": "학교",
    "level": "중학교",
    "parent": "B10",
}
KINDS = {"school": "학교", "office": "기관"}
_KIND_WORDS = {
    "school": ("학교", "유치원", "초등학교", "중학교", "고등학교", "특수학교", "각종학교"),
    "office": ("기관", "교육청", "교육지원청", "직속기관", "본청", "사무소", "부서"),
}
LEVELS = ("유치원", "초등학교", "중학교", "고등학교", "특수학교", "각종학교")
_LEVEL_WORDS = {
    "초": "초등학교",
    "중": "중학교",
    "고": "고등학교",
    "유": "유치원",
    "특수": "특수학교",
}


@dataclass(frozen=True)
class Step:
    """A row's plan and, where it changes something, the values to be kept."""

    planned: Planned
    code: str
    values: dict[str, Any]
    parent: str
    known: int | None


def rows_of(name: str, data: bytes) -> list[tuple[int, dict[str, str]]]:
    """The sheet's rows by column. Raises InvalidError or TooLargeError."""
    return pick(reading.read(name, data, limit_rows=50_000), COLUMNS)


def planned(
    session: Session, institution_id: int, rows: Sequence[tuple[int, Mapping[str, str]]]
) -> list[Step]:
    """What would become of each row; one query."""
    known = {
        row.code: row
        for row in session.scalars(
            select(Organisation).where(Organisation.institution_id == institution_id)
        )
    }
    codes = {row.id: code for code, row in known.items()}
    before = {code: codes.get(row.parent_id or 0, "") for code, row in known.items()}
    after = before | {cells["code"]: cells["parent"] for _, cells in rows if cells.get("parent")}
    twice = {code for code, n in Counter(cells["code"] for _, cells in rows).items() if n > 1}
    circles = _in_circles(after)
    wrong = {number: list(_wrong(cells, twice, circles)) for number, cells in rows}
    _check_parents(rows, set(known), wrong)
    return [
        _step(number, cells, known.get(cells["code"]), before, wrong[number])
        for number, cells in rows
    ]


def bring_in(session: Session, kept: Intake, steps: Sequence[Step], *, now: datetime) -> None:
    """Write what the steps say, with audit rows, in the transaction that confirms them."""
    # One import at a time: the plan has to hold while it is written.
    session.get_one(Institution, kept.institution_id, with_for_update=True)
    wanted = [step for step in steps if step.planned.outcome in APPLIED]
    new = [step for step in wanted if step.known is None]
    connection = session.connection()
    if new:
        rows = [
            step.values
            | {"institution_id": kept.institution_id, "code": step.code, "parent_id": None}
            for step in new
        ]
        connection.execute(insert(Organisation), rows)
    ids = _ids(session, kept.institution_id)
    if wanted:
        connection.execute(
            _UPDATE,
            [
                step.values | {"of": ids[step.code], "parent_id": ids.get(step.parent)}
                for step in wanted
            ],
        )
    audit.write_many(
        session,
        [
            {
                "subject_id": ids[step.code],
                "reason": f"학교·기관 자료 “{kept.name}” 반영",
                "detail": {"made": step.known is None, "name": step.values["name"]},
            }
            for step in wanted
        ],
        institution_id=kept.institution_id,
        actor_id=kept.actor_id,
        act="organisation.change",
        subject="organisation",
        now=now,
    )
    kept.counts = kept.counts | {"applied": len(wanted), "finished": True}


def _ids(session: Session, institution_id: int) -> dict[str, int]:
    rows = session.execute(
        select(Organisation.code, Organisation.id).where(
            Organisation.institution_id == institution_id
        )
    )
    return {row.code: row.id for row in rows}


_TABLE: Any = Organisation.__table__
_UPDATE = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("of"))
    .values({name: bindparam(name) for name in ("name", "kind", "school_level", "parent_id")})
)


def _in_circles(parents: Mapping[str, str]) -> set[str]:
    """Codes from which the way up comes back to where it was."""
    fine: set[str] = set()
    bad: set[str] = set()
    for start in parents:
        way: list[str] = []
        code = start
        while code and code not in fine and code not in bad and code not in way:
            way.append(code)
            code = parents.get(code, "")
        (bad if code in way or code in bad else fine).update(way)
    return bad


def _check_parents(
    rows: Sequence[tuple[int, Mapping[str, str]]],
    known: set[str],
    wrong: dict[int, list[Said]],
) -> None:
    """A row whose parent is nowhere is wrong, and so is one whose parent's row is wrong."""
    while True:
        there = known | {cells["code"] for number, cells in rows if not wrong[number]}
        lost = [
            (number, cells["parent"])
            for number, cells in rows
            if not wrong[number] and cells.get("parent") and cells["parent"] not in there
        ]
        for number, parent in lost:
            wrong[number].append(
                (
                    "상위코드 ‘{code}’가 없거나 그 줄에 고칠 것이 있습니다. 그것부터 바로잡아 "
                    "주십시오.",
                    {"code": parent[:40]},
                )
            )
        if not lost:
            return


def _wrong(cells: Mapping[str, str], twice: set[str], circles: set[str]) -> Iterator[Said]:
    code = cells["code"]
    if not code:
        yield "학교(기관)코드가 비어 있습니다. 코드를 적어 주십시오.", {}
    elif code in twice:
        yield "코드 ‘{code}’가 두 줄 이상에 있습니다. 한 줄만 남겨 주십시오.", {"code": code[:40]}
    if not cells.get("name"):
        yield "이름이 비어 있습니다. 학교나 기관의 이름을 적어 주십시오.", {}
    if cells.get("kind") and kind_of(cells["kind"]) is None:
        yield (
            "종류 ‘{value}’은 모르는 말입니다. 학교나 기관으로 적어 주십시오.",
            {"value": cells["kind"][:30]},
        )
    if cells.get("level") and level_of(cells["level"]) is None:
        yield (
            "학교급 ‘{value}’은 모르는 말입니다. {known} 가운데 하나로 적어 주십시오.",
            {
                "value": cells["level"][:30],
                "known": ", ".join(LEVELS),
            },
        )
    if code and code in circles and cells.get("parent"):
        yield "상위코드를 따라가면 다시 이곳으로 돌아옵니다. 상위코드를 고쳐 주십시오.", {}


def kind_of(text: str) -> str | None:
    """school or office; None for words that say neither."""
    plain = same(text)
    return next((kind for kind, words in _KIND_WORDS.items() if plain in words), None)


def level_of(text: str) -> str | None:
    """One of LEVELS; None for anything else."""
    plain = same(text)
    return plain if plain in LEVELS else _LEVEL_WORDS.get(plain)


def _step(
    number: int,
    cells: Mapping[str, str],
    known: Organisation | None,
    before: Mapping[str, str],
    wrong: list[Said],
) -> Step:
    code = cells["code"]
    level = level_of(cells.get("level", "")) or (known.school_level if known else None)
    kind = kind_of(cells.get("kind", "")) or (known.kind if known else None)
    values = {
        "name": cells.get("name", "")[:120],
        "kind": kind or ("school" if level else "office"),
        "school_level": level,
    }
    parent = cells.get("parent") or before.get(code, "")
    was = {"parent": before.get(code, "")} | {
        name: getattr(known, name) if known else None for name in values
    }
    what: list[Said] = [
        (sentence, {"before": _shown(was[name]), "after": _shown(now)})
        for name, sentence in _WORDS.items()
        if was[name] != (now := (values | {"parent": parent})[name])
    ]
    outcome: Any = "new" if known is None else "change" if what else "same"
    if known is None:
        what = [("새로 더합니다.", {})]
    shown = {"학교(기관)코드": code, "학교(기관)이름": cells.get("name", "")}
    told = Planned(number, "error" if wrong else outcome, wrong or what, shown)
    return Step(told, code, values, parent, known.id if known else None)


_WORDS = {
    "name": "이름: {before} → {after}",
    "kind": "종류: {before} → {after}",
    "school_level": "학교급: {before} → {after}",
    "parent": "상위코드: {before} → {after}",
}


def _shown(value: Any) -> str:
    return KINDS.get(value, value) or "–"
