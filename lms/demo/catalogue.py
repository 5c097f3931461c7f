"""The institute's plan of 2024 and the statutory trainings, each line a course."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from lms import clock
from lms.demo.institutions import Made
from lms.files.service import store
from lms.files.thumbnails import course_thumbnail
from lms.learning import rules
from lms.learning.authoring import publish
from lms.learning.models import Course, Run
from lms.people.models import Institution

HERE = Path(__file__).parent
SHARED_PICTURES = 14
"""Courses without content share a few pictures: drawing one takes a tenth of a second."""

_MEDIA = {".webm": "video/webm", ".vtt": "text/vtt", ".pdf": "application/pdf"}
# Days from the start of the run to today and from today to its end, by slug; the rest by default.
_PERIODS = {
    "anti-graft": (40, 38),
    "school-violence": (60, 7),
    "anti-harassment": (50, 9),
    "infosec": (90, -3),
}


def make(state: Any, made: Made, *, now: datetime) -> None:
    """All courses of the first institution with the content there is, and two of the second's."""
    contents = _contents()
    lines = [*_plan(), *_duties()]
    for start in range(0, len(lines), 40):
        with state.db.transaction() as session:
            for line in lines[start : start + 40]:
                _course(state, session, made.first, line, contents, made, now)
    with state.db.transaction() as session:
        for line in lines:
            if line["source"] in ({"mandatory": 13}, {"mandatory": 17}):
                _course(state, session, made.second, line, contents, None, now)


def _contents() -> dict[str, tuple[str, dict[str, Any]]]:
    found = {}
    for path in sorted((HERE / "content").glob("*/course.json")):
        content = json.loads(path.read_text("utf-8"))
        found[json.dumps(content["source"])] = (path.parent.name, content)
    return found


def _plan() -> list[dict[str, Any]]:
    report = json.loads((HERE / "data" / "plan_2024_rows.json").read_text("utf-8"))
    tasks = {task["code"]: task for task in report["tasks"]}
    lines: list[dict[str, Any]] = []
    for row in report["rows"]:
        if row["stage"] != "plan2024":
            continue
        task = tasks[row["task"]]
        goals = {goal["goal"]: goal["name"] for goal in task["goals"]}
        group = row["group"] or ""
        lines.append(
            {
                "source": {"plan_line": row["line"]},
                "code": _code(row["line"], lines),
                "title": row["name"],
                "training_kind": _training_kind(row["name"], row["task"], group),
                "delivery_mode": _delivery_mode(row["name"], group),
                "recognised_minutes": 15 * 60 if "원격" in group else 0,
                "task_code": row["task"],
                "task_name": task["name"],
                "goal_name": goals.get(row["goal"]),
                "audience": row["group"],
                "planned_courses": row.get("courses"),
                "planned_learners": row.get("learners"),
                "legal_basis": None,
                "duty": {},
                "source_line": row["line"],
            }
        )
    return lines


def _code(line: int, before: list[dict[str, Any]]) -> str:
    # One printed line of the report may hold two programmes.
    same = sum(one["source_line"] == line for one in before)
    return f"P{line:04}{'ABCD'[same] if same else ''}"


def _training_kind(name: str, task: str, group: str) -> str:
    if "자격연수" in name:
        return "qualification"
    if "특별연수" in name:
        return "special"
    if task == "1-1-2":
        return "basic"
    if group.startswith("교행"):
        return "professional"
    return "in_service"


def _delivery_mode(name: str, group: str) -> str:
    if "원격" in group or "원격연수" in name or "마이크로" in name:
        return "self_paced"
    return "blended" if "자격연수" in name else "classroom"


def _duties() -> list[dict[str, Any]]:
    lines = []
    for duty in json.loads((HERE / "data" / "mandatory.json").read_text("utf-8")):
        hours = duty["hours_per_year"]
        lines.append(
            {
                "source": {"mandatory": duty["id"]},
                "code": f"D{duty['id']:02}",
                "title": duty["name_ko"],
                "training_kind": "duty",
                "delivery_mode": "blended" if duty.get("face_to_face") else "self_paced",
                "recognised_minutes": int(hours * 60) if hours else 60,
                "task_code": None,
                "task_name": None,
                "goal_name": None,
                "audience": duty["target"],
                "planned_courses": None,
                "planned_learners": None,
                "legal_basis": duty["legal_basis"],
                "duty": {
                    key: duty[key]
                    for key in ("cycle", "target", "method_limits", "report_due", "face_to_face")
                    if duty.get(key)
                },
                "source_line": None,
            }
        )
    return lines


def _course(
    state: Any,
    session: Session,
    institution: Institution,
    line: dict[str, Any],
    contents: dict[str, tuple[str, dict[str, Any]]],
    made: Made | None,
    now: datetime,
) -> None:
    slug, content = contents.get(json.dumps(line["source"]), ("", {}))
    seed = slug or f"shared-{sum(line['code'].encode()) % SHARED_PICTURES}"
    course = Course(
        institution_id=institution.id,
        summary=content.get("summary", ""),
        goals=content.get("learn", []),
        thumbnail=_thumbnail(state, session, institution.id, seed, now),
        created_at=now,
        **{name: value for name, value in line.items() if name != "source"},
    )
    session.add(course)
    session.flush()  # versions and runs refer to it
    if not content:
        return
    version = publish(
        session,
        state.kinds,
        course,
        content["units"],
        files=_Folder(state, session, institution.id, HERE / "content" / slug, now),
        now=now,
    )
    run = _run(session, institution, course, version.id, slug, now)
    if made is not None:
        made.runs[slug] = run.id


def _run(
    session: Session,
    institution: Institution,
    course: Course,
    version_id: int,
    slug: str,
    now: datetime,
) -> Run:
    today = clock.local_day(now, institution.zone)
    before, after = _PERIODS.get(slug, (30, 33))
    learn_from = today - timedelta(days=before)
    run = Run(
        institution_id=institution.id,
        course_id=course.id,
        course=course,
        version_id=version_id,
        year=learn_from.year,
        number=1,
        learn_from=learn_from,
        learn_until=today + timedelta(days=after),
        seats=None,
        state="running",
        rule=rules.frozen(
            rules.RuleSet(
                speed_percent=200 if slug == "anti-graft" else 150,
                repeat_years=0 if course.training_kind == "duty" else 2,  # duties come every year
            )
        ),
    )
    session.add(run)
    session.flush()  # enrolments refer to it
    return run


_drawn: dict[str, dict[int, bytes]] = {}


def _thumbnail(
    state: Any, session: Session, institution_id: int, seed: str, now: datetime
) -> dict[str, Any]:
    if seed not in _drawn:
        _drawn[seed] = course_thumbnail(seed)
    return {
        str(width): store(
            session,
            state.storage,
            institution_id,
            name=f"{seed}-{width}.webp",
            media_type="image/webp",
            data=data,
            now=now,
        ).id
        for width, data in _drawn[seed].items()
    }


class _Folder:
    """A course's files beside its course.json, stored as they are asked for."""

    def __init__(
        self, state: Any, session: Session, institution_id: int, folder: Path, now: datetime
    ) -> None:
        self.state = state
        self.session = session
        self.institution_id = institution_id
        self.folder = folder
        self.now = now

    def __call__(self, name: str) -> int:
        path = self.folder / name
        return store(
            self.session,
            self.state.storage,
            self.institution_id,
            name=name,
            media_type=_MEDIA[path.suffix],
            data=path.read_bytes(),
            now=self.now,
        ).id
