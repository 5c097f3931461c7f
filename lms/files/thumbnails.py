"""Pictures for course tiles: drawn from a seed, or made smaller from what a person uploaded."""

import hashlib
import io
import math
from collections.abc import Callable, Iterable
from typing import TypeVar

from PIL import Image, ImageCms, ImageDraw, ImageOps

from lms.errors import InvalidError, TooLargeError

WIDTHS = (320, 640, 960)
MAX_IMAGE_PIXELS = 40_000_000
"""More would take some 160 MB to decode, whatever the size of the file."""

_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF")
_QUALITY = 80
# Drawn at twice the largest width and reduced, which smooths every edge.
_CANVAS = (1920, 1080)

Colour = tuple[int, int, int]
T = TypeVar("T")


def course_thumbnail(seed: str, widths: Iterable[int] = WIDTHS) -> dict[int, bytes]:
    """Calm abstract 16:9 pictures by width in pixels, as WebP; the same seed draws the same one.

    There is no text in them: the tile beside it says the title, in letters that can be read
    aloud and made larger (KWCAG 2.2, text alternatives).
    """
    dice = _Dice(seed)
    palette = dice.choice(_PALETTES)
    image = _gradient(*palette[:2], angle=dice.between(-25, 25))
    dice.choice(_MOTIFS)(ImageDraw.Draw(image, "RGBA"), dice, palette[2:])
    if dice.between(0, 1) < 0.5:
        image = ImageOps.mirror(image)
    return {width: _webp(_to_width(image, width)) for width in widths}


def resize_image(data: bytes, widths: Iterable[int] = WIDTHS) -> dict[int, bytes]:
    """The uploaded picture by width in pixels, as WebP, upright and without its metadata.

    A picture is never enlarged: one narrower than a width keeps its own. Colours are turned to
    sRGB; of an animation the first frame is kept. Raises InvalidError when the bytes are no
    picture of ours (JPEG, PNG, WebP, AVIF, GIF), TooLargeError above 40 million pixels.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
            _check_size(opened)
            image = _plain(ImageOps.exif_transpose(opened))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large() from error
    except (OSError, SyntaxError, ValueError) as error:
        raise InvalidError(
            "그림 파일로 읽을 수 없습니다. JPEG, PNG, WebP, AVIF, GIF 가운데 하나로 올려 주십시오."
        ) from error
    return {width: _webp(_to_width(image, min(width, image.width))) for width in widths}


def _check_size(image: Image.Image) -> None:
    # The header tells the size, so that nothing is decoded before it is known to be bearable.
    if image.width * image.height > MAX_IMAGE_PIXELS:
        raise _too_large()


def _too_large() -> TooLargeError:
    return TooLargeError(
        "그림이 너무 큽니다. 가로와 세로를 곱해 {limit}화소까지 올릴 수 있습니다.",
        limit=f"{MAX_IMAGE_PIXELS:,}",
    )


def _plain(image: Image.Image) -> Image.Image:
    """The pixels alone, in sRGB: place, camera and owner stay with the person."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    profile = image.info.get("icc_profile")
    plain = image.convert(mode)
    if profile and image.mode in {"RGB", "RGBA"}:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            ImageCms.profileToProfile(
                plain, source, ImageCms.createProfile("sRGB"), outputMode=mode, inPlace=True
            )
        except (OSError, ImageCms.PyCMSError):
            # A broken profile is common and the colours without it are near enough.
            plain = image.convert(mode)
    plain.info = {}
    return plain


def _to_width(image: Image.Image, width: int) -> Image.Image:
    height = max(1, round(image.height * width / image.width))
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _webp(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=_QUALITY, method=4)
    return out.getvalue()


class _Dice:
    """Numbers that follow from a seed alone, on every machine and version of Python."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._throw = 0

    def between(self, low: float, high: float) -> float:
        self._throw += 1
        digest = hashlib.sha256(self._seed + b"\0" + self._throw.to_bytes(4)).digest()
        return low + (high - low) * int.from_bytes(digest[:6]) / 2**48

    def choice(self, things: tuple[T, ...]) -> T:
        return things[int(self.between(0, len(things)))]


def _colours(*codes: str) -> tuple[Colour, ...]:
    return tuple((int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16)) for code in codes)


# Two colours of the ground, then far, middle and near tone, and one accent, all of the look.
_PALETTES = (
    _colours("063a74", "1c589c", "346fb2", "5f94cf", "a9c6ea", "ffb114"),
    _colours("052b57", "1f687a", "2c7f92", "3d9fb8", "9ad3de", "ffc95c"),
    _colours("d8e5fd", "eef4ff", "b1cefb", "86aff9", "2b62c4", "e08a00"),
    _colours("dff1f3", "f2f9fa", "b4dfe5", "6fbccb", "1f687a", "e08a00"),
    _colours("fdf0d5", "fffaf0", "cfe0f3", "86aff9", "063a74", "e08a00"),
    _colours("0f1f38", "083891", "1f4fa8", "4a7fe0", "b1cefb", "ffc95c"),
    _colours("e8edf4", "f8fafc", "c9d8ea", "8fb0d6", "1c589c", "1f687a"),
)


def _gradient(start: Colour, end: Colour, *, angle: float) -> Image.Image:
    """A ground that goes from `start` at the top to `end`, turned by `angle` degrees."""
    width, height = _CANVAS
    # Turned on a square that is large enough for no corner to show.
    ramp = Image.linear_gradient("L").rotate(angle, Image.Resampling.BICUBIC)
    ramp = ramp.crop((48, 48, 208, 208)).resize(_CANVAS, Image.Resampling.BICUBIC)
    ramp = ImageOps.autocontrast(ramp)
    return Image.composite(
        Image.new("RGB", (width, height), end), Image.new("RGB", (width, height), start), ramp
    )


def _hills(draw: ImageDraw.ImageDraw, dice: _Dice, tones: tuple[Colour, ...]) -> None:
    width, height = _CANVAS
    radius = dice.between(95, 150)
    x, y = dice.between(0.2, 0.8) * width, dice.between(0.24, 0.4) * height
    draw.circle((x, y), radius, fill=(*tones[3], 235))
    for layer, (tone, alpha) in enumerate(zip(tones[:3], (150, 190, 235), strict=True)):
        base = height * (0.5 + 0.155 * layer)
        rise = dice.between(60, 120)
        length = dice.between(0.9, 1.7) * width
        shift = dice.between(0, math.tau)
        top = [
            (step, base + rise * math.sin(step / length * math.tau + shift))
            for step in range(0, width + 24, 24)
        ]
        draw.polygon([*top, (width, height), (0, height)], fill=(*tone, alpha))


def _rings(draw: ImageDraw.ImageDraw, dice: _Dice, tones: tuple[Colour, ...]) -> None:
    width, height = _CANVAS
    radius = dice.between(290, 400)
    x = width * dice.between(0.3, 0.5)
    y = height * dice.between(0.44, 0.56)
    lean = dice.between(-0.35, 0.35)
    step = radius * 1.18
    for index, tone in enumerate(tones[:3]):
        centre = (x + (index - 0.5) * step, y + (index - 0.5) * step * lean)
        draw.circle(centre, radius, fill=(*tone, 62), outline=(*tone, 235), width=54)
    corner = (x + 0.5 * step, y + 0.5 * step * lean)
    draw.circle(corner, radius * 0.2, fill=(*tones[3], 245))


def _arches(draw: ImageDraw.ImageDraw, dice: _Dice, tones: tuple[Colour, ...]) -> None:
    width, height = _CANVAS
    marked = int(dice.between(0, 3))
    start = dice.between(-120, 60)
    for index in range(3):
        x = start + width * (0.16 + 0.36 * index)
        outer = dice.between(340, 470)
        for band in range(4):
            radius = outer * (1 - band * 0.24)
            tone = tones[(index + band) % 3]
            if index == marked and band == 3:
                tone = tones[3]
            box = (x - radius, height - radius * 1.25, x + radius, height + radius * 0.75)
            draw.rounded_rectangle(box, radius, fill=(*tone, 215))


def _patchwork(draw: ImageDraw.ImageDraw, dice: _Dice, tones: tuple[Colour, ...]) -> None:
    """A wrapping cloth (조각보): a sheet parted again and again, one piece bright."""
    pieces: list[tuple[float, float, float, float]] = [(0, 0, *_CANVAS)]
    for _ in range(9):
        largest = max(pieces, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
        pieces.remove(largest)
        left, top, right, bottom = largest
        share = dice.between(0.36, 0.64)
        if right - left > bottom - top:
            cut = left + (right - left) * share
            pieces += [(left, top, cut, bottom), (cut, top, right, bottom)]
        else:
            cut = top + (bottom - top) * share
            pieces += [(left, top, right, cut), (left, cut, right, bottom)]
    bright = int(dice.between(0, len(pieces)))
    for index, (left, top, right, bottom) in enumerate(pieces):
        tone = tones[int(dice.between(0, 3))]
        fill = (*tones[3], 225) if index == bright else (*tone, int(dice.between(50, 200)))
        draw.rounded_rectangle((left + 7, top + 7, right - 7, bottom - 7), 14, fill=fill)


def _ripples(draw: ImageDraw.ImageDraw, dice: _Dice, tones: tuple[Colour, ...]) -> None:
    width, height = _CANVAS
    x, y = dice.between(0.58, 0.9) * width, dice.between(0.55, 1.0) * height
    for band in range(9, 0, -1):
        tone = tones[band % 3]
        draw.circle((x, y), band * dice.between(132, 142), fill=(*tone, 78))
    draw.circle((x, y), 78, fill=(*tones[3], 240))


def _petals(draw: ImageDraw.ImageDraw, dice: _Dice, tones: tuple[Colour, ...]) -> None:
    side = 360
    bright = int(dice.between(0, 15))
    for index in range(18):
        left = (index % 6) * side - 120
        top = (index // 6) * side
        corner = int(dice.between(0, 4))
        x = left + side * (corner % 2)
        y = top + side * (corner // 2)
        tone = tones[int(dice.between(0, 3))]
        fill = (*tones[3], 235) if index == bright else (*tone, int(dice.between(90, 215)))
        turn = (0, 90, 270, 180)[corner]
        draw.pieslice((x - side, y - side, x + side, y + side), turn, turn + 90, fill=fill)


def _steps(draw: ImageDraw.ImageDraw, dice: _Dice, tones: tuple[Colour, ...]) -> None:
    width, height = _CANVAS
    count = 7
    room = width / count
    marked = int(dice.between(0, count))
    shift = dice.between(0, math.tau)
    for index in range(count):
        climb = 0.46 + 0.2 * math.sin(index * 0.85 + shift)
        left, top = index * room + 26, height * (1 - climb)
        tone = tones[index % 3]
        box = (left, top, left + room - 52, height + 200)
        draw.rounded_rectangle(box, (room - 52) / 2, fill=(*tone, 205))
        if index == marked:
            draw.circle((left + room / 2 - 26, top - 130), 62, fill=(*tones[3], 240))


_MOTIFS: tuple[Callable[[ImageDraw.ImageDraw, _Dice, tuple[Colour, ...]], None], ...] = (
    _hills,
    _rings,
    _arches,
    _patchwork,
    _ripples,
    _petals,
    _steps,
)
