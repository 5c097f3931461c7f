"""Makes the demo institute's lesson videos, captions and hand-outs from their text.

    python tools/make_demo_content.py [--fonts DIR] [SLUG ...]   make them again
    python tools/make_demo_content.py --check                    only look whether all is well

Every course folder under `lms/demo/content/` holds a `script.json`: the slides and the narration
of its videos, and the blocks of its hand-outs. Making needs ffmpeg and a folder with the Pretendard
GOV fonts (`npm pack pretendard-gov@1.3.9`, folder `dist/public/static`); without it the Noto
CJK fonts of the system are used, and the pictures differ a little.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typst
from demo_check import problems_of
from demo_slides import HEIGHT, WIDTH, Lesson, draw_slide, parse_lesson
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = Path(__file__).resolve().parent.parent / "lms" / "demo" / "content"
SYSTEM_FONTS = Path("/usr/share/fonts/opentype/noto")

FRAMES_PER_SECOND = 10
SLIDE_FADE, CARD_FADE = 4, 2
# A keyframe every two seconds: a player that seeks lands where it was asked to, at once.
FRAMES_PER_KEYFRAME = 20


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("slugs", nargs="*", help="only these course folders")
    parser.add_argument("--fonts", type=Path, default=SYSTEM_FONTS)
    parser.add_argument("--check", action="store_true", help="make nothing, report what is wrong")
    options = parser.parse_args(arguments)
    known = sorted(folder.parent.name for folder in CONTENT.glob("*/course.json"))
    unknown = sorted(set(options.slugs) - set(known))
    if unknown:
        parser.error(f"no such course: {', '.join(unknown)}")
    if not options.check:
        for slug in options.slugs or known:
            make_course(CONTENT / slug, options.fonts)
    problems = problems_of(CONTENT)
    for problem in problems:
        print(problem)
    print(f"{len(known)} courses, {len(problems)} problems")
    return 1 if problems else 0


def make_course(folder: Path, fonts: Path) -> None:
    """Draw, encode and set everything that the folder's script describes."""
    script: dict[str, Any] = json.loads((folder / "script.json").read_text("utf-8"))
    for stem, raw in script["videos"].items():
        lesson = parse_lesson(raw)
        _write_captions(folder / f"{stem}.vtt", lesson, english=False)
        if all(cue.english for cue in lesson.cues):
            _write_captions(folder / f"{stem}.en.vtt", lesson, english=True)
        _encode(lesson, folder / f"{stem}.webm", fonts)
        print(f"{folder.name}/{stem}.webm {lesson.duration_ms / 1000} s")
    for name, handout in script.get("handouts", {}).items():
        _set_handout(handout, folder / name, fonts)
        print(f"{folder.name}/{name}")
    _store_durations(folder, script)


def _write_captions(path: Path, lesson: Lesson, *, english: bool) -> None:
    blocks, start = ["WEBVTT"], 0
    for number, cue in enumerate(lesson.cues, start=1):
        end = start + cue.duration_ms
        text = cue.english if english else cue.text
        blocks.append(f"{number}\n{_stamp(start)} --> {_stamp(end)}\n{text}")
        start = end
    path.write_text("\n\n".join(blocks) + "\n", "utf-8")


def _stamp(ms: int) -> str:
    minutes, ms = divmod(ms, 60_000)
    return f"00:{minutes:02}:{ms // 1000:02}.{ms % 1000:03}"


def _frames(lesson: Lesson, fonts: Path) -> Iterator[bytes]:
    """Every frame of the video: each cue's picture, blended in from the one before."""
    before: Image.Image | None = None
    for number, slide in enumerate(lesson.slides):
        for order, cue in enumerate(slide.cues):
            picture = draw_slide(lesson, number, cue.at, fonts)
            fade = 0 if before is None else CARD_FADE if order else SLIDE_FADE
            still = picture.tobytes()
            for frame in range(cue.duration_ms * FRAMES_PER_SECOND // 1000):
                if before is not None and frame < fade:
                    share = (frame + 1) / (fade + 1)
                    yield Image.blend(before, picture, share).tobytes()
                else:
                    yield still
            before = picture


def _encode(lesson: Lesson, target: Path, fonts: Path) -> None:
    programme = shutil.which("ffmpeg")
    if programme is None:
        raise SystemExit("ffmpeg is needed to make videos")
    source = f"-f rawvideo -pix_fmt rgb24 -s {WIDTH}x{HEIGHT} -r {FRAMES_PER_SECOND} -i -"
    codec = f"-c:v libvpx-vp9 -pix_fmt yuv420p -threads 1 -crf 44 -b:v 0 -g {FRAMES_PER_KEYFRAME}"
    # Bit-exact, and the index before the pictures: the same text gives the same file, and a
    # player can seek before it has loaded the whole.
    rest = "-deadline good -cpu-used 2 -an -fflags +bitexact -flags:v +bitexact -cues_to_front 1"
    command = [programme, "-hide_banner", "-loglevel", "error", "-y"]
    command += [*source.split(), *codec.split(), *rest.split(), str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None  # noqa: S101 - for the type checker
        for frame in _frames(lesson, fonts):
            process.stdin.write(frame)
        process.stdin.close()
    if process.returncode:
        raise SystemExit(f"ffmpeg could not write {target}")


def _set_handout(handout: dict[str, Any], target: Path, fonts: Path) -> None:
    typst.compile(
        str(CONTENT / "handout.typ"),
        output=str(target),
        root=str(CONTENT),
        font_paths=[str(fonts)],
        ignore_system_fonts=True,
        sys_inputs={"handout": json.dumps(handout, ensure_ascii=False)},
    )


def _store_durations(folder: Path, script: dict[str, Any]) -> None:
    """The script decides how long a video is; the course only repeats it."""
    path = folder / "course.json"
    course: dict[str, Any] = json.loads(path.read_text("utf-8"))
    for unit in course["units"]:
        for activity in unit["activities"]:
            if activity["kind"] == "video":
                stem = activity["config"]["src"].removesuffix(".webm")
                lesson = parse_lesson(script["videos"][stem])
                activity["config"]["duration_ms"] = lesson.duration_ms
    path.write_text(json.dumps(course, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
