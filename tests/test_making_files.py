"""What is read of uploaded files: kinds by their bytes, containers, captions, names, tickets."""

import io
import itertools
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content import captions, containers
from lms.errors import InvalidError
from lms.files import uploads
from lms.files.sniffing import HEAD, UNKNOWN, sniff
from lms.files.storage import Storage
from tests import making_world
from tests.making_world import PDF, VTT, WEBM, box, mp4


def measure(data: bytes) -> containers.Film:
    return containers.measure(io.BytesIO(data), len(data), sniff(data[:HEAD]))


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (PDF, "application/pdf"),
        (WEBM, "video/webm"),
        (VTT, "text/vtt"),
        (b"\xef\xbb\xbfWEBVTT\n", "text/vtt"),
        (b"WEBVTTX", "text/plain"),
        (mp4(), "video/mp4"),
        (b"\0\0\0\x14ftypqt  ", "video/quicktime"),
        (b"\0\0\0\x14ftypavif", "image/avif"),
        (b"\x1aE\xdf\xa3\x93B\x82\x88matroska", "video/x-matroska"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"RIFF....WAVEfmt ", UNKNOWN + " or text"),
        (b"PK\x03\x04", "application/zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
        (b"<html><script>", "text/plain"),
        ("한글".encode("cp949"), UNKNOWN),
        (b"MZ\x90\0", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_a_file_is_what_its_bytes_say(head, media_type):
    assert sniff(head[:HEAD]) in media_type.split(" or ") + ["text/plain"] * (" or " in media_type)


def test_a_letter_cut_at_the_end_of_the_head_is_still_text():
    text = ("가" * HEAD).encode()
    assert {sniff(text[at : at + HEAD]) for at in range(0, 3, 3)} == {"text/plain"}
    assert sniff(b"a" + text[: HEAD - 1]) == "text/plain"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\folder\\강의.mp4", "강의.mp4"),
        ("\u1100\u1161.mp4", "가.mp4"),
        ("a\0b\n\u202e.vtt", "ab.vtt"),
        ("..", "file"),
        ("", "file"),
        ("가" * 300 + ".webm", "가" * 120 + ".webm"),
        (".htaccess", "htaccess"),
    ],
)
def test_a_name_is_a_name(name, kept):
    assert uploads.clean_name(name) == kept
    assert uploads.clean_name(kept) == kept


# Containers


def test_an_mp4_says_how_long_and_how_large_it_is():
    assert measure(mp4()) == (20_000, 640, 360, "H.264")
    assert measure(mp4(fast=False)) == (20_000, 640, 360, "H.264")
    assert measure(mp4(turned=True)) == (20_000, 360, 640, "H.264")
    assert measure(mp4(codec="av01")).codec == "AV1"
    assert measure(WEBM) == (20_500, 960, 540, "VP9")


def test_a_large_box_has_its_size_in_eight_bytes():
    data = mp4()
    at = data.index(b"mdat") - 4
    wide = data[:at] + struct.pack(">I4sQ", 1, b"mdat", 1016) + bytes(1000)
    assert measure(wide).duration_ms == 20_000
    until_end = data[:at] + struct.pack(">I4s", 0, b"mdat") + bytes(1000)
    assert measure(until_end).duration_ms == 20_000


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (mp4(duration=0), "길이가 적혀 있지 않은"),
        (mp4(duration=500), "1초에서 24시간"),
        (mp4(duration=25 * 3600 * 1000), "1초에서 24시간"),
        (mp4(width=2), "16화소"),
        (mp4(codec="mp4v"), "mp4v 방식"),
        (mp4(handler="soun"), "no video track"),
        (box("ftyp", b"isom") + box("mdat", bytes(10)), "중간에 끊겨"),
        (box("ftyp", b"isom") + struct.pack(">I4s", 4, b"moov"), "읽을 수 없습니다"),
        (b"\x1aE\xdf\xa3\x87B\x82\x84webm", "중간에 끊겨"),
        (b"\x1aE\xdf\xa3\x87B\x82\x84webm\x18S\x80g\xff", "중간에 끊겨"),
    ],
)
def test_a_video_that_cannot_be_used_is_refused_with_its_reason(data, said):
    with pytest.raises(InvalidError, match=said):
        measure(data)


@pytest.mark.parametrize("data", [mp4(), mp4(fast=False), WEBM], ids=["mp4", "mp4 late", "webm"])
def test_a_video_cut_anywhere_is_truncated(data):
    steps = itertools.chain(range(0, len(data), max(1, len(data) // 150)), [len(data) - 1])
    for cut in steps:
        with pytest.raises(InvalidError):
            measure(data[:cut])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_is_a_refusal_or_a_measure_and_never_a_fault(data):
    whole = data.draw(st.sampled_from([mp4(), WEBM[:5_000], WEBM]))
    spoilt = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        spoilt[data.draw(st.integers(0, min(len(spoilt), 4_000) - 1))] = data.draw(
            st.integers(0, 255)
        )
    try:
        film = measure(bytes(spoilt))
    except InvalidError:
        return
    assert 1000 <= film.duration_ms <= containers.LONGEST_MS


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["video/mp4", "video/webm"]))
def test_noise_is_refused(data, media_type):
    with pytest.raises(InvalidError):
        containers.measure(io.BytesIO(data), len(data), media_type)


def test_a_webm_of_unknown_sizes_is_walked():
    """As a live recording is written: segment and clusters without their sizes."""
    head = WEBM[: WEBM.index(b"\x18S\x80g")]
    info = b"\x15I\xa9f\x8bD\x89\x88" + struct.pack(">d", 3000.0)
    track = b"\x16T\xaek\x93\xae\x91\x83\x81\x01\x86\x85V_VP9\xe0\x85\xb0\x82\x02\x80\xba"
    track = b"\x83\x81\x01\x86\x85V_VP9\xe0\x88\xb0\x82\x02\x80\xba\x82\x01\x68"
    tracks = b"\x16T\xaek" + bytes([0x80 | len(track) + 2]) + b"\xae" + bytes([0x80 | len(track)])
    cluster = b"\x1fC\xb6u\x01" + b"\xff" * 7 + b"\xe7\x81\x00\xa3\x85\x81\0\0\x80x"
    data = head + b"\x18S\x80g\x01" + b"\xff" * 7 + info + tracks + track + cluster * 2
    assert measure(data) == (3000, 640, 360, "VP9")
    with pytest.raises(InvalidError, match="중간에 끊겨"):
        measure(data[:-2])


# Captions

NO_TIME = "3번째 줄: “{}” 자리에는 00:01:02.500 같은 시각을 적어 주십시오."
TOO_LATE = "3번째 줄: 영상이 끝난 뒤의 자막입니다. 이 영상의 것인지 보아 주십시오."


def faults(text: str | bytes, duration_ms: int | None = None) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    return [
        one.message.format(line=one.line, what=one.what)
        for one in captions.faults(data, duration_ms=duration_ms)
    ]


def test_good_captions_have_no_fault():
    assert faults(VTT) == []
    noted = "\ufeffWEBVTT - 제목\n\nNOTE 메모\n\n1\n00:01.000 --> 00:02.000 line:0\n<b>글</b>\n"
    assert faults(noted) == faults(noted.replace("\n", "\r\n")) == []
    assert faults("WEBVTT\n\nSTYLE\n::cue { color: red }\n\n00:01.000 --> 00:02.000\n글") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["1번째 줄: 첫 줄은 WEBVTT여야 합니다."]),
        ("WEBVTT", ["1번째 줄까지 자막이 하나도 없습니다."]),
        (
            "1\n00:00:01,000 --> 00:00:02,000\n글\n",
            ["1번째 줄: SRT 파일입니다. WebVTT(.vtt)로 저장해 주십시오."],
        ),
        ("WEBVTT\n\n글만\n", ["3번째 줄: “글만” 위에 시각이 없습니다."]),
        ("WEBVTT\n\n1:2 --> 3\n글\n", [NO_TIME.format("1:2")]),
        ("WEBVTT\n\n00:01.000 -->\n글\n", [NO_TIME.format("00:01.000 -->")]),
        ("WEBVTT\n\n00:02.000 --> 00:01.000\n글\n", ["3번째 줄: 끝나는 시각이 시작보다 빠릅니다."]),
        (
            "WEBVTT\n\n00:01.000 --> 00:02.000\n글\n00:03.000 --> 00:04.000\n글\n",
            ["5번째 줄: 앞 자막과의 사이에 빈 줄을 넣어 주십시오."],
        ),
        ("WEBVTT\n\n09:01.000 --> 09:02.000\n글\n", [TOO_LATE]),
    ],
)
def test_a_fault_in_captions_is_told_with_its_line(text, said):
    assert faults(text, 60_000) == said


def test_every_fault_is_told_each_with_its_own_line():
    text = "WEBVTT\n\n글\n\n00:02.000 --> 00:01.000\n글\n\nx --> y\n글"
    assert [one.line for one in captions.faults(text.encode())] == [3, 5, 8]


@given(st.text(alphabet="WEBVT\n->0123456789:. 가", max_size=120))
def test_what_has_no_fault_can_be_shown(text):
    whole = f"WEBVTT\n\n{text}"
    if not captions.faults(whole.encode()):
        assert captions.lines(whole)


# Tickets for what has arrived


def test_a_ticket_is_its_institutions_and_unchanged(tmp_path):
    storage = Storage(tmp_path)
    upload = uploads.receive("1.vtt", io.BytesIO(VTT), limit=1 << 20)
    held = uploads.hold(storage, upload)
    ticket = uploads.ticket("secret", 1, held)
    again = uploads.redeem("secret", 1, storage, ticket)
    assert again is not None
    assert (again.name, again.size, again.media_type) == ("1.vtt", len(VTT), "text/vtt")
    assert again.stream.read() == VTT
    again.stream.close()
    assert uploads.redeem("secret", 2, storage, ticket) is None
    assert uploads.redeem("other", 1, storage, ticket) is None
    for wrong in ("", ".", "x", ticket[1:], ticket + "A", "한글", ticket.replace(".", "")):
        assert uploads.redeem("secret", 1, storage, wrong) is None


def test_files_are_stored_outside_of_every_writing_transaction(sqlite_app, monkeypatch):
    here = making_world.make(sqlite_app)
    course_id = here.create()
    key = here.activity(course_id, here.unit(course_id), "video", "영상")
    gate, seen = here.state.db.gate, []
    put = Storage.put

    def watched(self, data):
        seen.append(gate.locked())
        return put(self, data)

    monkeypatch.setattr(Storage, "put", watched)
    saved = here.save(
        course_id,
        key,
        video=making_world.file(mp4(), "1.mp4"),
        captions=making_world.file(VTT, "1.vtt"),
    )
    assert saved.status_code == 303
    assert seen == [False, False]
