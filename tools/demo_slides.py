"""Draws the slides of the demo institute's lesson videos."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 960, 540
LEFT, RIGHT = 72, 888
# A card less wide than this has less room to give away at its edges.
NARROW = 220
# Pillow does not smooth the edges of its shapes, so everything is drawn twice as large.
SCALE = 2

NAVY, WHITE, TINT = "#10254a", "#ffffff", "#d8e5fd"
LINE, INK, PALE = "#86aff9", "#0f1f38", "#b1cefb"
BLUE, AMBER, QUIET, FAINT = "#0b50d0", "#ffc95c", "#3f4d66", "#2e4675"
RED = "#c62f12"

BOLD = ("PretendardGOV-Bold.otf", "NotoSansCJK-Bold.ttc")
SEMIBOLD = ("PretendardGOV-SemiBold.otf", "NotoSansCJK-Bold.ttc")
MEDIUM = ("PretendardGOV-Medium.otf", "NotoSansCJK-Regular.ttc")
# In the Noto collections the Korean face is the second one.
KOREAN_FACE = 1

Box = tuple[float, float, float, float]


class DoesNotFitError(ValueError):
    """A text is longer than its place on the slide."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One sentence of narration; `at` is the card it speaks of, counted from 1."""

    text: str
    english: str
    at: int

    @property
    def duration_ms(self) -> int:
        """Reading time: two to four seconds, in whole frames."""
        tenths = round(len(self.text) * 10 / 8.5 + 6)
        return 100 * max(20, min(40, tenths))


@dataclass(frozen=True, slots=True)
class Item:
    """A card, a row or a panel: its head and what stands under it."""

    head: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slide:
    """One picture of a lesson with the sentences that are read over it."""

    layout: str
    title: str
    lead: str
    items: tuple[Item, ...]
    cues: tuple[Cue, ...]


@dataclass(frozen=True, slots=True)
class Lesson:
    """A video: its course, its unit (in small letters above every title), and its slides."""

    course: str
    unit: str
    slides: tuple[Slide, ...]

    @property
    def cues(self) -> tuple[Cue, ...]:
        return tuple(cue for slide in self.slides for cue in slide.cues)

    @property
    def duration_ms(self) -> int:
        return sum(cue.duration_ms for cue in self.cues)


def parse_lesson(raw: dict[str, Any]) -> Lesson:
    """Read one video of a `script.json`."""
    slides = []
    for slide in raw["slides"]:
        cues = tuple(Cue(say["ko"], say.get("en", ""), say.get("at", 0)) for say in slide["say"])
        items = tuple(Item(item["head"], tuple(item["lines"])) for item in slide.get("items", []))
        slides.append(Slide(slide["layout"], slide["title"], slide.get("lead", ""), items, cues))
    return Lesson(raw["course"], raw["unit"], tuple(slides))


class Ink(NamedTuple):
    """How a text is set."""

    face: tuple[str, str]
    size: int
    fill: str


@dataclass(frozen=True)
class Easel:
    """A canvas with the fonts found in one folder."""

    image: Image.Image
    fonts: Path

    @property
    def draw(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self.image)

    def font(self, face: tuple[str, str], size: int) -> ImageFont.FreeTypeFont:
        return _font(self.fonts, face, size * SCALE)

    def width(self, text: str, face: tuple[str, str], size: int) -> float:
        return self.font(face, size).getlength(text) / SCALE

    def wrap(self, text: str, face: tuple[str, str], size: int, room: float) -> list[str]:
        """Break at spaces only: a Korean word is never cut in two."""
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if self.width(longer, face, size) <= room:
                lines[-1] = longer
            else:
                lines.append(word)
        if any(self.width(line, face, size) > room for line in lines):
            raise DoesNotFitError(text)
        return [line for line in lines if line]

    def fit(
        self, text: str, face: tuple[str, str], sizes: range, room: float, most: int
    ) -> tuple[int, list[str]]:
        """The largest size at which the text takes no more than `most` lines."""
        for size in sizes:
            try:
                lines = self.wrap(text, face, size, room)
            except DoesNotFitError:
                continue
            if len(lines) <= most:
                return size, self._balance(text, face, size, lines)
        raise DoesNotFitError(text)

    def _balance(self, text: str, face: tuple[str, str], size: int, lines: list[str]) -> list[str]:
        """The same number of lines, the longest as short as can be: no last word alone."""
        while len(lines) > 1:
            try:
                longest = max(self.width(line, face, size) for line in lines)
                tighter = self.wrap(text, face, size, longest - 1)
            except DoesNotFitError:
                return lines
            if len(tighter) > len(lines):
                return lines
            lines = tighter
        return lines

    def text(self, x: float, baseline: float, text: str, ink: Ink) -> None:
        spot = (x * SCALE, baseline * SCALE)
        font = self.font(ink.face, ink.size)
        self.draw.text(spot, text, font=font, fill=ink.fill, anchor="ls")

    def card(self, box: Box, fill: str, radius: int = 16) -> None:
        self.draw.rounded_rectangle(_scaled(box), radius * SCALE, fill=fill)

    def ring(self, x: float, y: float, radius: float, stroke: str, width: float = 3) -> None:
        box = (x - radius, y - radius, x + radius, y + radius)
        self.draw.ellipse(_scaled(box), outline=stroke, width=round(width * SCALE))

    def line(self, points: tuple[float, ...], fill: str, width: float = 3) -> None:
        self.draw.line([point * SCALE for point in points], fill=fill, width=round(width * SCALE))


@cache
def _font(folder: Path, face: tuple[str, str], size: int) -> ImageFont.FreeTypeFont:
    for name in face:
        if (folder / name).exists():
            index = KOREAN_FACE if name.endswith(".ttc") else 0
            return ImageFont.truetype(str(folder / name), size, index=index)
    raise FileNotFoundError(f"{' / '.join(face)} in {folder}")


def _scaled(box: Box) -> Box:
    left, top, right, bottom = box
    return left * SCALE, top * SCALE, right * SCALE, bottom * SCALE


def draw_slide(lesson: Lesson, number: int, at: int, fonts: Path) -> Image.Image:
    """Slide `number` of the lesson (from 0) while the narration is at card `at` (0 = at none)."""
    slide = lesson.slides[number]
    easel = Easel(Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), NAVY), fonts)
    if slide.layout == "title":
        _draw_title(easel, lesson.course, slide)
    else:
        easel.ring(850, 60, 150, FAINT)
        easel.ring(850, 60, 90, FAINT)
        easel.text(LEFT, 88, lesson.unit, Ink(SEMIBOLD, 25, PALE))
        size, lines = easel.fit(slide.title, BOLD, range(46, 35, -1), RIGHT - LEFT, 1)
        easel.text(LEFT, 150, lines[0], Ink(BOLD, size, WHITE))
        {"cards": _draw_cards, "list": _draw_list, "compare": _draw_compare, "quote": _draw_quote}[
            slide.layout
        ](easel, slide, at)
    _draw_progress(easel, number, len(lesson.slides))
    return easel.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _draw_title(easel: Easel, course: str, slide: Slide) -> None:
    # The two joined rings of the mark, faint enough to stand behind the title.
    easel.ring(742, 132, 118, "#3c5a92", 16)
    easel.ring(862, 132, 118, "#26437a", 16)
    easel.text(LEFT, 178, course, Ink(SEMIBOLD, 28, PALE))
    size, lines = easel.fit(slide.title, BOLD, range(60, 43, -2), RIGHT - LEFT, 2)
    baseline = 250.0
    for line in lines:
        easel.text(LEFT, baseline, line, Ink(BOLD, size, WHITE))
        baseline += size * 1.26
    easel.card((LEFT, baseline - 34, LEFT + 72, baseline - 27), AMBER, 3)
    size, lines = easel.fit(slide.lead, MEDIUM, range(30, 25, -1), RIGHT - LEFT, 2)
    for line in lines:
        easel.text(LEFT, baseline + 28, line, Ink(MEDIUM, size, PALE))
        baseline += size * 1.4


def _shade(number: int, at: int) -> str:
    """Amber is where the narration is; what is still to come stays pale."""
    if number == at:
        return AMBER
    return TINT if at and number > at else WHITE


def _draw_cards(easel: Easel, slide: Slide, at: int) -> None:
    count = len(slide.items)
    gap = {2: 52, 3: 40}.get(count, 24)
    width = (RIGHT - LEFT - gap * (count - 1)) / count
    pad = 24 if width > NARROW else 18
    room = width - pad - 14
    top, bottom = 206, 420
    heads = [easel.fit(item.head, BOLD, range(36, 25, -1), room, 2) for item in slide.items]
    size = min(size for size, _ in heads)
    for number, item in enumerate(slide.items, start=1):
        left = LEFT + (number - 1) * (width + gap)
        if number > 1:
            easel.line((left - gap, 292, left, 292), LINE)
        easel.card((left, top, left + width, bottom), _shade(number, at))
        easel.text(left + pad, top + 46, str(number), Ink(BOLD, 28, INK if number == at else BLUE))
        baseline = top + 96.0
        for line in easel.wrap(item.head, BOLD, size, room):
            easel.text(left + pad, baseline, line, Ink(BOLD, size, INK))
            baseline += size * 1.24
        small, lines = easel.fit(" ".join(item.lines), MEDIUM, range(27, 22, -1), room, 3)
        baseline += 4
        for line in lines:
            easel.text(
                left + pad, baseline, line, Ink(MEDIUM, small, INK if number == at else QUIET)
            )
            baseline += small * 1.3
        if baseline - small > bottom - 8:
            raise DoesNotFitError(item.head)


def _draw_list(easel: Easel, slide: Slide, at: int) -> None:
    count = len(slide.items)
    sizes_of = {2: (86, 20, 34), 3: (72, 16, 31), 4: (58, 12, 30)}
    height, gap, largest = sizes_of.get(count, (48, 9, 28))
    top = 190.0
    for number, item in enumerate(slide.items, start=1):
        sizes = range(largest, 25, -1)
        size, lines = easel.fit(item.head, SEMIBOLD, sizes, RIGHT - LEFT - 110, 1)
        middle = top + height / 2
        easel.card((LEFT, top, RIGHT, top + height), _shade(number, at), 14)
        colour = INK if number == at else BLUE
        easel.text(LEFT + 28, middle + 10, str(number), Ink(BOLD, 28, colour))
        easel.text(LEFT + 76, middle + size * 0.36, lines[0], Ink(SEMIBOLD, size, INK))
        top += height + gap


def _draw_compare(easel: Easel, slide: Slide, at: int) -> None:
    """Two panels side by side; a ring and a cross tell them apart without colour."""
    gap, top, size, deepest = 32, 190, 28, 452
    width = (RIGHT - LEFT - gap) / 2
    panels = [
        [easel.wrap(point, MEDIUM, size, width - 64) for point in item.lines]
        for item in slide.items
    ]
    depths = [sum(len(point) * size * 1.28 + 12 for point in panel) for panel in panels]
    bottom = top + 88 + max(depths)
    if bottom > deepest:
        raise DoesNotFitError(slide.title)
    for number, (item, panel) in enumerate(zip(slide.items, panels, strict=True), start=1):
        left = LEFT + (number - 1) * (width + gap)
        easel.card((left, top, left + width, bottom), _shade(number, at))
        _draw_mark(easel, left + 42, top + 44, good=number == 1)
        head, lines = easel.fit(item.head, BOLD, range(32, 26, -1), width - 90, 1)
        easel.text(left + 70, top + 44 + head * 0.36, lines[0], Ink(BOLD, head, INK))
        baseline = top + 106.0
        for point in panel:
            easel.card((left + 27, baseline - 13, left + 34, baseline - 6), QUIET, 3)
            for line in point:
                easel.text(left + 46, baseline, line, Ink(MEDIUM, size, INK))
                baseline += size * 1.28
            baseline += 12


def _draw_mark(easel: Easel, x: float, y: float, *, good: bool) -> None:
    if good:
        easel.ring(x, y, 13, BLUE, 5)
        return
    easel.line((x - 11, y - 11, x + 11, y + 11), RED, 5)
    easel.line((x - 11, y + 11, x + 11, y - 11), RED, 5)


def _draw_quote(easel: Easel, slide: Slide, at: int) -> None:
    size, lines = easel.fit(slide.items[0].head, BOLD, range(44, 33, -1), RIGHT - LEFT - 44, 3)
    top, step = 212, size * 1.4
    bottom = top + step * len(lines)
    easel.card((LEFT, top, LEFT + 8, bottom), AMBER, 4)
    for number, line in enumerate(lines):
        easel.text(LEFT + 40, top + step * number + size * 1.04, line, Ink(BOLD, size, WHITE))
    small, lines = easel.fit(slide.lead, MEDIUM, range(28, 24, -1), RIGHT - LEFT - 44, 2)
    for number, line in enumerate(lines):
        easel.text(LEFT + 40, bottom + 46 + number * small * 1.4, line, Ink(MEDIUM, small, PALE))


def _draw_progress(easel: Easel, number: int, count: int) -> None:
    """Dots in the lower left corner, clear of the captions in the middle."""
    x = float(LEFT)
    for dot in range(count):
        if dot == number:
            easel.card((x, 497, x + 28, 507), WHITE, 5)
            x += 38
            continue
        easel.card((x, 497, x + 10, 507), LINE if dot < number else "#3a5288", 5)
        x += 20
