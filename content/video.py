"""Video: a file with captions, watched as really played."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from content import captions
from content.captions import Line
from content.editors import VideoEditor
from lms.db import Prepared
from lms.errors import InvalidError
from lms.files import Storage
from lms.files.links import content_url
from lms.files.models import StoredFile
from lms.learning import coverage
from lms.learning.coverage import Interval
from lms.learning.kinds import Place
from lms.learning.models import Coverage

NAME = "video"
_SPEEDS = (75, 100, 125, 150, 175, 200, 250, 300)
_LANGUAGES = {"captions": ("ko", "한국어"), "captions_en": ("en", "English")}
_Pixels = Annotated[int, msgspec.Meta(ge=16, le=16384)]
_File = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class VideoConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an author says of a video. `…_file` are stored files' ids, put in at import."""

    src: _File
    duration_ms: Annotated[int, msgspec.Meta(ge=1000, le=24 * 3600 * 1000)]
    captions: _File | None = None
    captions_en: _File | None = None
    transcript: list[tuple[int, str]] = []
    width: _Pixels = 1280
    height: _Pixels = 720
    src_file: int | None = None
    captions_file: int | None = None
    captions_en_file: int | None = None


class _Covered(NamedTuple):
    """Of what was watched, what the page says."""

    intervals: list[Interval]
    covered_ms: int
    position_ms: int
    updated_at: datetime


_COVERED = Prepared(
    select(*(getattr(Coverage, name) for name in _Covered._fields)).where(
        Coverage.enrolment_id == bindparam("enrolment_id"),
        Coverage.activity_id == bindparam("activity_id"),
    ),
    _Covered,
)


class VideoKind:
    """A lms.learning.kinds.Kind."""

    name = NAME
    label = "영상"
    icon = "play"
    template = "lms/content/video.html"
    editor = VideoEditor()
    scores = False

    def check(self, config: dict[str, Any]) -> dict[str, Any]:
        """The configuration, cleaned. Raises InvalidError saying what to mend."""
        if not config.get("src"):
            raise InvalidError("영상이 없습니다. MP4나 WebM 영상을 올려 주십시오.", field="src")
        try:
            video = msgspec.convert(config, VideoConfig)
        except msgspec.ValidationError as error:
            raise InvalidError("영상 설정을 고쳐 주십시오: {what}", what=str(error)) from None
        if not video.captions and not video.transcript:
            # KWCAG 2.2, 5.2.1
            raise InvalidError(
                "자막 파일이나 대본을 넣어 주십시오. 둘 가운데 하나는 있어야 합니다."
            )
        cleaned: dict[str, Any] = msgspec.to_builtins(video)
        # Also where they are the defaults: templates and the player read them.
        return cleaned | {"width": video.width, "height": video.height}

    def weight_ms(self, config: dict[str, Any]) -> int:
        return int(config["duration_ms"])

    def files(self, config: dict[str, Any]) -> list[str]:
        return [key for key in ("src", *_LANGUAGES) if config.get(key)]

    def context(self, session: Session, place: Place) -> dict[str, Any]:
        """What the template shows: links, transcript, what is covered and what is not."""
        config = place.activity.config
        duration = int(config["duration_ms"])
        kept = _COVERED.first(
            session, enrolment_id=place.enrolment.id, activity_id=place.activity.id
        )
        covered = coverage.merge(kept.intervals) if kept else []
        return {
            "source": _link(place, config["src_file"], config["src"]),
            "tracks": [
                (_link(place, config[f"{key}_file"], config[key]), language, label)
                for key, (language, label) in _LANGUAGES.items()
                if config.get(f"{key}_file")
            ],
            "lines": _transcripts(session, place.state.storage, config),
            "duration_ms": duration,
            "width": config.get("width", 1280),
            "height": config.get("height", 720),
            "covered": covered,
            "covered_ms": coverage.total(covered),
            "gaps": coverage.gaps(covered, duration),
            "position_ms": kept.position_ms if kept else 0,
            "saved_at": kept.updated_at if kept and kept.covered_ms else None,
            "speeds": speeds(place.rule.speed_percent),
            "need_permille": place.rule.progress_permille,
        }


def speeds(limit: int) -> list[int]:
    """What the speed menu offers, in hundredths; the run's limit stands last."""
    return sorted({speed for speed in _SPEEDS if speed < limit} | {limit})


def _link(place: Place, file_id: int, name: str) -> str:
    return content_url(
        place.state,
        file_id,
        institution_id=place.activity.institution_id,
        now=place.now,
        name=Path(name).name,
    )


def _transcripts(
    session: Session, storage: Storage, config: dict[str, Any]
) -> dict[str, list[Line]]:
    """Transcript lines by language: the author's own text, else what the captions say."""
    found: dict[str, list[Line]] = {}
    if config.get("transcript"):
        found["ko"] = [(start, text) for start, text in config["transcript"]]
    wanted = {
        config[f"{key}_file"]: language
        for key, (language, _) in _LANGUAGES.items()
        if config.get(f"{key}_file") and language not in found
    }
    if wanted:
        query = select(StoredFile.id, StoredFile.sha256).where(StoredFile.id.in_(wanted))
        for file_id, sha256 in session.execute(query):
            found[wanted[file_id]] = _read(storage.path(sha256))
    return found


@lru_cache(maxsize=512)
def _read(path: Path) -> list[Line]:
    # Files lie under their hash, so what was read once stays true.
    try:
        return captions.lines(path.read_text("utf-8"))
    except (OSError, ValueError):
        return []  # the captions in the player say the same, or say what is wrong with them
