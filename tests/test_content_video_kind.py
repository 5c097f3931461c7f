"""A video's configuration, its captions read as a transcript, and what its page shows."""

from io import BytesIO

import pytest

from content import captions
from content.video import VideoKind, speeds
from lms.errors import InvalidError
from lms.files import service as files
from lms.learning import service
from lms.learning.kinds import Place
from lms.learning.rules import RuleSet
from tests import factories

CONFIG = {
    "src": "1.webm",
    "captions": "1.vtt",
    "duration_ms": 20_500,
    "width": 960,
    "height": 540,
}
VTT = """WEBVTT

NOTE made by hand

1
00:00:00.000 --> 00:00:03.300
학교에서 누구나 부탁을
받을 수 있습니다.

00:06.700 --> 00:10.000 align:start
<v 김보기>먼저, &lt;안 된다&gt;고 하십시오.</v>

01:00:00.250 --> 01:00:01.000

STYLE
::cue { color: red }
"""


def test_a_video_keeps_its_configuration():
    kind = VideoKind()
    assert kind.check(CONFIG) == CONFIG
    assert kind.weight_ms(CONFIG) == 20_500
    assert kind.files(CONFIG) == ["src", "captions"]
    imported = CONFIG | {"captions_en": "1.en.vtt", "src_file": 3, "captions_file": 4}
    assert kind.check(imported) == imported
    assert kind.files(imported) == ["src", "captions", "captions_en"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"captions": None},
        {"duration_ms": 0},
        {"duration_ms": "20"},
        {"src": ""},
        {"width": -1},
    ],
)
def test_a_video_that_cannot_be_used_is_refused(wrong):
    with pytest.raises(InvalidError):
        VideoKind().check(CONFIG | wrong)


def test_a_transcript_may_stand_for_captions():
    config = {name: CONFIG[name] for name in ("src", "duration_ms", "width", "height")}
    told = {**config, "transcript": [[0, "첫 줄"]]}
    assert VideoKind().check(told)["transcript"] == [(0, "첫 줄")]


def test_speeds_end_with_the_runs_limit():
    assert speeds(150) == [75, 100, 125, 150]
    assert speeds(100) == [75, 100]
    assert speeds(180) == [75, 100, 125, 150, 175, 180]


def test_captions_become_lines():
    assert captions.lines("\ufeff" + VTT.replace("\n", "\r\n")) == [
        (0, "학교에서 누구나 부탁을 받을 수 있습니다."),
        (6_700, "먼저, <안 된다>고 하십시오."),
    ]
    assert captions.lines("WEBVTT") == []


@pytest.mark.parametrize("text", ["", "WEBVTTX\n\n", "1\n00:00 --> 00:01\nx"])
def test_what_is_no_webvtt_is_said_so(text):
    with pytest.raises(ValueError, match="WebVTT"):
        captions.lines(text)


def test_the_page_shows_player_captions_and_transcript(sqlite_app):
    state = sqlite_app.extensions["lms"]
    client = factories.browser(sqlite_app)
    with state.db.transaction() as session:
        home = factories.institution(session)
        person = factories.person(session, home)
        kept = files.store(
            session,
            state.storage,
            home.id,
            name="1.vtt",
            media_type="text/vtt",
            data=BytesIO(VTT.encode()),
            now=factories.NOW,
        )
        course = factories.course(session, state.kinds, home, [factories.VIDEO])
        run = factories.run(session, course)
        enrolment = factories.enrolment(session, state.hook, person, run)
        activity = factories.activities(session, enrolment)[0]
        activity.config = {**activity.config, "captions_file": kept.id}
        place = Place(
            state=state,
            actor=person,
            enrolment=enrolment,
            activity=activity,
            rule=RuleSet(),
            facts=service.load_units(session, enrolment)[0].activities[0],
            now=factories.NOW,
        )
        shown = VideoKind().context(session, place)
    assert [(one[1], one[2]) for one in shown["tracks"]] == [("ko", "한국어")]
    assert shown["lines"] == {"ko": captions.lines(VTT)}
    assert (shown["covered"], shown["gaps"], shown["position_ms"]) == ([], [(0, 60_000)], 0)
    factories.sign_in(client, person)
    page = client.get(f"/enrolments/{enrolment.id}?activity={activity.id}").get_data(as_text=True)
    for part in (
        'crossorigin="anonymous"',
        'kind="captions"',
        "data-video",
        "학교에서 누구나 부탁을 받을 수 있습니다.",
        "&lt;안 된다&gt;",
        "js/player.js",
    ):
        assert part in page
