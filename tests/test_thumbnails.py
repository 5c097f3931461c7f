"""Pictures for course tiles, drawn and uploaded."""

import io
import zlib

import pytest
from PIL import Image, ImageCms

from lms.errors import InvalidError, TooLargeError
from lms.files import thumbnails
from lms.files.thumbnails import WIDTHS, course_thumbnail, resize_image

ORIENTATION, MAKER, PLACE = 0x0112, 0x010F, 0x8825


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def test_a_thumbnail_is_drawn_from_its_seed_alone() -> None:
    made = course_thumbnail("course-1")
    assert [(width, opened(made[width]).size) for width in made] == [
        (320, (320, 180)), (640, (640, 360)), (960, (960, 540)),
    ]  # fmt: skip
    assert {opened(data).format for data in made.values()} == {"WEBP"}
    assert course_thumbnail("course-1", [320]) == {320: made[320]}
    assert course_thumbnail("course-2", [320]) != {320: made[320]}


def test_thumbnails_are_small_files_of_many_kinds() -> None:
    made = [course_thumbnail(f"과정 {index}", [640])[640] for index in range(20)]
    assert len(set(made)) == 20
    assert max(map(len, made)) <= 12_000


@pytest.mark.parametrize("motif", thumbnails._MOTIFS)
@pytest.mark.parametrize("seed", ["가", "나"])
def test_every_motif_draws_in_every_palette(motif: object, seed: str) -> None:
    for palette in thumbnails._PALETTES:
        ground = Image.new("RGB", thumbnails._CANVAS, palette[0])
        draw = thumbnails.ImageDraw.Draw(ground, "RGBA")
        motif(draw, thumbnails._Dice(seed), palette[2:])  # type: ignore[operator]
        assert len(ground.resize((64, 36), Image.Resampling.NEAREST).getcolors() or []) > 1


def test_an_upload_comes_in_every_width_and_is_never_enlarged() -> None:
    made = resize_image(saved(Image.new("RGB", (800, 600), "navy")))
    assert {width: opened(data).size for width, data in made.items()} == {
        320: (320, 240), 640: (640, 480), 960: (800, 600),
    }  # fmt: skip
    assert tuple(made) == WIDTHS


def test_a_photograph_is_upright_and_says_nothing_of_its_owner() -> None:
    photograph = Image.new("RGB", (400, 200), "white")
    photograph.paste("red", (0, 0, 100, 200))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[MAKER] = "Camera"
    exif[PLACE] = {1: "N", 2: (37.0, 33.0, 0.0)}
    data = saved(photograph, "JPEG", exif=exif, comment=b"owner", quality=95)
    made = resize_image(data, [200])[200]
    turned = opened(made)
    assert turned.size == (200, 400)
    red, green, _ = turned.convert("RGB").getpixel((100, 40))
    assert (red > 200, green < 60) == (True, True)
    assert dict(turned.getexif()) == {}
    assert [word for word in (b"Camera", b"EXIF", b"XMP ", b"ICCP", b"owner") if word in made] == []


def test_colours_are_turned_to_srgb_and_a_broken_profile_is_passed_over() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for given in (profile, b"broken"):
        data = saved(Image.new("RGB", (40, 40), (6, 58, 116)), icc_profile=given)
        made = opened(resize_image(data, [40])[40])
        assert "icc_profile" not in made.info
        pixel = made.convert("RGB").getpixel((20, 20))
        assert all(abs(a - b) <= 4 for a, b in zip(pixel, (6, 58, 116), strict=True))


def test_see_through_parts_stay_see_through_and_a_film_gives_its_first_picture() -> None:
    clear = resize_image(saved(Image.new("RGBA", (40, 40), (0, 0, 0, 0))), [40])[40]
    assert opened(clear).convert("RGBA").getpixel((20, 20))[3] == 0
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("white", "black")]
    film = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    still = opened(resize_image(film, [40])[40])
    assert getattr(still, "n_frames", 1) == 1
    assert min(still.convert("RGB").getpixel((20, 20))) > 250


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        saved(Image.new("RGB", (300, 300), "teal"))[:120],
        saved(Image.new("RGB", (30, 30), "teal"), "BMP"),
        saved(Image.effect_noise((300, 300), 90), "JPEG")[:4000],
    ],
)
def test_what_is_no_picture_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(InvalidError, match="그림 파일로 읽을 수 없습니다"):
        resize_image(data)


@pytest.mark.parametrize("size", [(6325, 6325), (9_500, 9_500), (14_000, 14_000)])
def test_a_picture_too_large_to_decode_is_refused_before_decoding(size: tuple[int, int]) -> None:
    header = bytearray(saved(Image.new("1", (1, 1))))
    header[16:24] = size[0].to_bytes(4) + size[1].to_bytes(4)
    data = with_right_sum(bytes(header))
    with pytest.raises(TooLargeError, match="40,000,000화소"):
        resize_image(data)


def with_right_sum(png: bytes) -> bytes:
    """The picture with the check sum of its changed header (PNG, section 5.3)."""
    return png[:29] + zlib.crc32(png[12:29]).to_bytes(4) + png[33:]
