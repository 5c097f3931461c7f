"""Looks whether the demo institute's courses are whole and keep their own rules."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from demo_slides import HEIGHT, WIDTH, parse_lesson

if TYPE_CHECKING:
    from pathlib import Path

COURSES = 10
ALL_MEDIA_BYTES = 12_000_000
HANDOUT_BYTES = 60_000
VIDEO_MS = (30_000, 60_000)
# The course that a visitor tries first must be over in about three minutes.
SHORT_COURSE, SHORT_VIDEO_MS = {"mandatory": 13}, (18_000, 24_000)
CUE_MS = (2_000, 4_000)
UNITS = (3, 5)
FINAL_QUESTIONS = 5
CUE = re.compile(r"(\d\d):(\d\d):(\d\d)\.(\d{3}) --> (\d\d):(\d\d):(\d\d)\.(\d{3})")
FIELDS = {
    "video": {"src", "captions", "duration_ms", "width", "height"},
    "page": {"body", "min_seconds"},
    "file": {"src", "name", "media_type", "min_seconds"},
    "quiz": {"attempts", "pass_permille", "questions"},
}
OPTIONAL = {"video": {"captions_en"}}


@dataclass
class Report:
    """Gathers what is wrong, each with the place where it is."""

    place: str
    lines: list[str] = field(default_factory=list)

    def need(self, holds: object, complaint: str) -> bool:
        if not holds:
            self.lines.append(f"{self.place}: {complaint}")
        return bool(holds)

    def at(self, place: str) -> Report:
        return Report(f"{self.place}/{place}", self.lines)


def problems_of(content: Path) -> list[str]:
    """Everything wrong with the courses in the folder; empty when all is well."""
    report = Report(content.name)
    folders = sorted(path.parent for path in content.glob("*/course.json"))
    report.need(len(folders) == COURSES, f"{len(folders)} courses instead of {COURSES}")
    courses: list[dict[str, Any]] = []
    for folder in folders:
        course: dict[str, Any] = json.loads((folder / "course.json").read_text("utf-8"))
        courses.append(course)
        _check_course(report.at(folder.name), folder, course)
    sources = [json.dumps(course["source"]) for course in courses]
    report.need(len(sources) == len(set(sources)), "two courses have one source")
    _check_sources(report, content.parent / "data", courses)
    media = [path for path in content.rglob("*") if path.suffix in {".webm", ".vtt", ".pdf"}]
    size = sum(path.stat().st_size for path in media)
    report.need(size < ALL_MEDIA_BYTES, f"media are {size} bytes")
    return report.lines


def _check_sources(report: Report, data: Path, courses: list[dict[str, Any]]) -> None:
    duties = {row["id"] for row in json.loads((data / "mandatory.json").read_text("utf-8"))}
    plan = json.loads((data / "plan_2024_rows.json").read_text("utf-8"))
    planned = {row["line"] for row in plan["rows"] if row["stage"] == "plan2024"}
    for course in courses:
        match course["source"]:
            case {"mandatory": int(number)}:
                report.need(number in duties, f"no statutory training {number}")
            case {"plan_line": int(line)}:
                report.need(line in planned, f"no programme line {line} in the plan")
            case other:
                report.need(holds=False, complaint=f"unknown source {other}")


def _check_course(report: Report, folder: Path, course: dict[str, Any]) -> None:
    units = course["units"]
    report.need(set(course) == {"source", "summary", "learn", "units"}, "wrong fields")
    report.need(course["summary"] and course["learn"], "no summary or nothing to learn")
    report.need(UNITS[0] <= len(units) <= UNITS[1], f"{len(units)} units")
    activities = [activity for unit in units for activity in unit["activities"]]
    kinds = {activity["kind"] for activity in activities}
    report.need({"video", "page", "quiz"} <= kinds, "lacks a video, a page or a quiz")
    # A task that a person marks may come after the quiz that ends the course.
    scored = [activity for activity in activities if activity["role"] == "score"]
    tasks = [activity for activity in scored if _is_task(activity)]
    ends = [activity for activity in activities if activity not in tasks][-1]
    report.need(len(scored) - len(tasks) == 1, "more than one scored quiz")
    if report.need(ends["kind"] == "quiz" and ends["role"] == "score", "no scored quiz at the end"):
        count = len(ends["config"]["questions"])
        report.need(count >= FINAL_QUESTIONS, f"final quiz has {count} questions")
    used = {"course.json", "script.json"}
    for activity in activities:
        here = report.at(activity["title"])
        if _check_fields(here, activity):
            used |= _check_activity(here, folder, activity, course["source"])
    found = {path.name for path in folder.iterdir()}
    report.need(found == used, f"files that do not match: {sorted(found ^ used)}")


def _check_fields(report: Report, activity: dict[str, Any]) -> bool:
    kind, config = activity["kind"], set(activity["config"])
    if not report.need(kind in FIELDS, f"unknown kind {kind}"):
        return False
    report.need(activity["role"] in {"progress", "score"}, "unknown role")
    wrong = (config - OPTIONAL.get(kind, set())) ^ FIELDS[kind]
    return report.need(not wrong, f"wrong fields {sorted(wrong)}")


def _check_activity(
    report: Report, folder: Path, activity: dict[str, Any], source: dict[str, int]
) -> set[str]:
    """Check one activity and name the files that it uses."""
    config = activity["config"]
    match activity["kind"]:
        case "video":
            bounds = SHORT_VIDEO_MS if source == SHORT_COURSE else VIDEO_MS
            return _check_video(report, folder, config, bounds)
        case "file":
            path = folder / config["src"]
            if report.need(path.exists(), f"{path.name} is missing"):
                report.need(path.stat().st_size < HANDOUT_BYTES, f"{path.name} is too large")
                report.need(path.read_bytes().startswith(b"%PDF-"), f"{path.name} is no PDF")
            report.need(config["src"].isascii(), "file name is not ascii")
            return {config["src"]}
        case "quiz":
            report.need(config["attempts"] > 0, "no attempts")
            names = [question["id"] for question in config["questions"]]
            report.need(len(names) == len(set(names)), "two questions share an id")
            for question in config["questions"]:
                _check_question(report.at(question["id"]), question)
        case _:
            report.need(config["body"].startswith("<h2>"), "body does not begin with a heading")
            opened = re.findall(r"<(\w+)>", config["body"])
            closed = re.findall(r"</(\w+)>", config["body"])
            report.need(sorted(opened) == sorted(closed), "tags are not closed")
    return set()


def _is_task(activity: dict[str, Any]) -> bool:
    questions = activity["config"].get("questions", ())
    return bool(questions) and all(one["type"] == "essay" for one in questions)


def _check_question(report: Report, question: dict[str, Any]) -> None:
    report.need(question["text"] and question["feedback"], "no text or no feedback")
    report.need(question["points"] > 0, "no points")
    if question["type"] == "essay":
        report.need("correct" not in question, "an essay has no right answer")
        report.need(question["guide"].strip(), "nothing tells how it is marked")
        return
    correct = question["correct"]
    if question["type"] == "short":
        report.need("choices" not in question, "a short answer has no choices")
        report.need(correct and all(answer.strip() for answer in correct), "no answer")
        return
    choices = [choice["id"] for choice in question["choices"]]
    texts = [choice["text"] for choice in question["choices"]]
    report.need(len(set(choices)) == len(choices) == len(set(texts)), "a choice stands twice")
    report.need(set(correct) < set(choices), "correct ids are not some of the choices")
    report.need(len(correct) == len(set(correct)), "a correct id stands twice")
    single = question["type"] == "single"
    report.need(single or question["type"] == "multiple", "unknown type")
    report.need(len(correct) == 1 if single else len(correct) > 1, "wrong number of answers")


def _check_video(
    report: Report, folder: Path, config: dict[str, Any], bounds: tuple[int, int]
) -> set[str]:
    duration = config["duration_ms"]
    report.need(bounds[0] <= duration <= bounds[1], f"lasts {duration} ms")
    report.need((config["width"], config["height"]) == (WIDTH, HEIGHT), "wrong picture size")
    script = json.loads((folder / "script.json").read_text("utf-8"))
    lesson = parse_lesson(script["videos"][config["src"].removesuffix(".webm")])
    report.need(lesson.duration_ms == duration, "script and course differ in duration")
    files = {config["src"], config["captions"]}
    if "captions_en" in config:
        files.add(config["captions_en"])
    for name in sorted(files):
        if not report.need((folder / name).exists(), f"{name} is missing"):
            return files
    for name in sorted(files - {config["src"]}):
        english = name == config.get("captions_en")
        spoken = [cue.english if english else cue.text for cue in lesson.cues]
        _check_captions(report.at(name), (folder / name).read_text("utf-8"), duration, spoken)
    probed = _probed_ms(folder / config["src"])
    report.need(probed in {None, duration}, f"ffprobe says {probed} ms")
    return files


def _check_captions(report: Report, text: str, duration: int, spoken: list[str]) -> None:
    blocks = text.strip().split("\n\n")
    report.need(blocks[0] == "WEBVTT", "is not WebVTT")
    end = 0
    for block in blocks[1:]:
        _, timing, *_ = block.split("\n")
        found = CUE.fullmatch(timing)
        if found is None:
            report.need(holds=False, complaint=f"cannot read {timing}")
            return
        numbers = [int(number) for number in found.groups()]
        start, until = _ms(numbers[:4]), _ms(numbers[4:])
        report.need(start == end, f"a gap or an overlap at {start} ms")
        report.need(CUE_MS[0] <= until - start <= CUE_MS[1], f"cue at {start} ms is off length")
        end = until
    report.need(end == duration, f"captions end at {end} ms")
    report.need([block.split("\n", 2)[2] for block in blocks[1:]] == spoken, "not the script's")


def _ms(parts: list[int]) -> int:
    hours, minutes, seconds, ms = parts
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms


def _probed_ms(path: Path) -> int | None:
    """The duration that ffprobe reads, or None where ffprobe is not installed."""
    programme = shutil.which("ffprobe")
    if programme is None:
        return None
    question = "-v error -show_entries format=duration -of csv=p=0"
    answer = subprocess.run(
        [programme, *question.split(), str(path)], capture_output=True, text=True, check=True
    )
    return round(float(answer.stdout) * 1000)
