"""How staff fill videos, pages and files: what their forms show, and what is made of them."""

import re
from collections.abc import Mapping
from html import escape
from pathlib import PurePosixPath
from typing import Any

from content import captions, containers
from lms.errors import InvalidError
from lms.files.sniffing import OLE, ZIP
from lms.files.uploads import Upload, Uploads
from lms.i18n.formats import mmss
from lms.learning.kinds import Read

MOST_CAPTIONS = 2 << 20
MOST_TRANSCRIPT = 4_000
_STAMP = re.compile(r"(?:(\d{1,2}):)?(\d{1,2}):([0-5]\d)(?:[ \t]+|$)(.*)")
_TAG = re.compile(r"<[a-zA-Z/!][^>]*>")
_DOCUMENTS = {
    ZIP: {".docx", ".pptx", ".xlsx", ".hwpx", ".odt", ".odp", ".ods", ".zip"},
    OLE: {".hwp", ".doc", ".ppt", ".xls"},
}
_SHOWN = {"application/pdf", "image/png", "image/jpeg", "image/webp"}
_PDF_END = 2048


class VideoEditor:
    """A video file, its captions in Korean and English, or its transcript."""

    template = "lms/content/video_editor.html"
    uploads = ("video", "captions", "captions_en")
    words = {  # noqa: RUF012  read only
        "src": "영상 파일",
        "captions": "한국어 자막",
        "captions_en": "영어 자막",
        "transcript": "대본",
    }

    def context(self, config: dict[str, Any]) -> dict[str, Any]:
        """Names of the files, the measures, and the transcript as lines of text."""
        names = {key: config.get(key) for key in ("src", "captions", "captions_en")}
        measures = {key: config.get(key) for key in ("duration_ms", "width", "height")}
        return {**names, **measures, "transcript": _transcript_text(config.get("transcript", ()))}

    def typed(self, form: Mapping[str, str], config: dict[str, Any]) -> dict[str, Any]:
        return self.context(config) | {"transcript": form.get("transcript", "")}

    def read(self, form: Any, files: Uploads, before: dict[str, Any]) -> Read:
        """The config; each file measured or parsed first."""
        config, problems = dict(before), []
        video = files.get("video")
        if video is not None:
            try:
                config |= _measured(video)
            except InvalidError as error:
                problems.append(_at("video", error))
        for key in ("captions", "captions_en"):
            upload = files.get(key)
            if upload is not None:
                found = _caption_problems(upload, config.get("duration_ms"))
                problems += [_at(key, error) for error in found]
                if not found:
                    config |= {key: upload.name, f"{key}_file": upload}
            elif form.get(f"drop_{key}"):
                config.pop(key, None)
                config.pop(f"{key}_file", None)
        transcript = _transcript(form.get("transcript", ""))
        if len(transcript) > MOST_TRANSCRIPT:
            too_long = InvalidError("대본은 {n}줄까지 적을 수 있습니다.", n=MOST_TRANSCRIPT)
            problems.append(_at("transcript", too_long))
        config["transcript"] = transcript
        return Read(config, tuple(problems))

    def inspect(self, config: dict[str, Any], files: Mapping[str, Upload]) -> None:
        """Whether files that come with a config are what it says. Raises InvalidError."""
        video = files.get("src")
        if video is not None:
            film = containers.measure(video.stream, video.size, video.media_type)
            if abs(film.duration_ms - int(config.get("duration_ms") or 0)) > 1000:
                raise InvalidError("「{name}」의 길이가 적힌 것과 다릅니다.", name=video.name)
        for key in ("captions", "captions_en"):
            if key in files:
                for error in _caption_problems(files[key], None):
                    raise error


class PageEditor:
    """A page: written text, kept as HTML that was cleaned."""

    template = "lms/content/page_editor.html"
    uploads: tuple[str, ...] = ()
    words = {  # noqa: RUF012  read only
        "body": "본문",
        "min_seconds": "펴 두어야 하는 시간(초)",
    }

    def context(self, config: dict[str, Any]) -> dict[str, Any]:
        return {"body": config.get("body", ""), "min_seconds": config.get("min_seconds", 0)}

    def typed(self, form: Mapping[str, str], config: dict[str, Any]) -> dict[str, Any]:
        return {name: form.get(name, "") for name in self.context(config)}

    def read(self, form: Any, files: Uploads, before: dict[str, Any]) -> Read:
        """The config; text without any tag becomes paragraphs."""
        body = form.get("body", "").replace("\r\n", "\n").strip()
        if body and not _TAG.search(body):
            body = _paragraphs(body)
        seconds, problems = _seconds(form)
        return Read({"body": body, "min_seconds": seconds}, problems)


class FileEditor:
    """A file: a PDF is shown in place, a document is taken along."""

    template = "lms/content/file_editor.html"
    uploads = ("file",)
    words = {  # noqa: RUF012  read only
        "name": "파일",
        "min_seconds": "펴 두어야 하는 시간(초)",
    }

    def context(self, config: dict[str, Any]) -> dict[str, Any]:
        return {"name": config.get("name"), "min_seconds": config.get("min_seconds", 0)}

    def typed(self, form: Mapping[str, str], config: dict[str, Any]) -> dict[str, Any]:
        return self.context(config) | {"min_seconds": form.get("min_seconds", "")}

    def read(self, form: Any, files: Uploads, before: dict[str, Any]) -> Read:
        """The config; the kind of file is what its bytes say."""
        seconds, problems = _seconds(form)
        config, upload = before | {"min_seconds": seconds}, files.get("file")
        if upload is not None:
            error = _file_problem(upload)
            if error is not None:
                return Read(config, (*problems, _at("file", error)))
            config |= {
                "src": upload.name,
                "name": upload.name,
                "media_type": upload.media_type,
                "src_file": upload,
            }
        return Read(config, problems)

    def inspect(self, config: dict[str, Any], files: Mapping[str, Upload]) -> None:
        """Whether the file that comes with a config is what it says. Raises InvalidError."""
        upload = files.get("src")
        if upload is None:
            return
        error = _file_problem(upload)
        if error is None and upload.media_type != config.get("media_type"):
            error = InvalidError("「{name}」의 종류가 적힌 것과 다릅니다.", name=upload.name)
        if error is not None:
            raise error


def _measured(video: Upload) -> dict[str, Any]:
    film = containers.measure(video.stream, video.size, video.media_type)
    return {
        "src": video.name,
        "src_file": video,
        "duration_ms": film.duration_ms,
        "width": film.width,
        "height": film.height,
    }


def _caption_problems(upload: Upload, duration_ms: int | None) -> list[InvalidError]:
    if not upload.size:
        return [InvalidError("빈 파일입니다(0바이트). WebVTT 자막을 올려 주십시오.")]
    if upload.size > MOST_CAPTIONS:
        return [InvalidError("자막 파일이 너무 큽니다. 2 MB까지 올릴 수 있습니다.")]
    upload.stream.seek(0)
    found = captions.faults(upload.stream.read(MOST_CAPTIONS), duration_ms=duration_ms)
    # A wrong file is wrong in every line: a few of them say so.
    return [InvalidError(one.message, line=one.line, what=one.what) for one in found[:5]]


def _file_problem(upload: Upload) -> InvalidError | None:
    if not upload.size:
        return InvalidError("빈 파일입니다(0바이트). 다른 파일을 올려 주십시오.")
    ending = PurePosixPath(upload.name).suffix.lower()
    if upload.media_type == "application/pdf":
        upload.stream.seek(max(0, upload.size - _PDF_END))
        if b"%%EOF" not in upload.stream.read(_PDF_END):
            return InvalidError("PDF가 중간에 끊겨 있습니다. 다시 내보내서 올려 주십시오.")
        return None
    if upload.media_type in _SHOWN or ending in _DOCUMENTS.get(upload.media_type, ()):
        return None
    return InvalidError(
        "PDF, 그림(PNG·JPEG·WebP), 한글·워드·파워포인트·엑셀 문서와 ZIP을 올릴 수 있습니다."
    )


def _at(field: str, error: InvalidError) -> InvalidError:
    return InvalidError(error.message, field=field, **error.params)


def _seconds(form: Any) -> tuple[int, tuple[InvalidError, ...]]:
    told = form.get("min_seconds", "").strip() or "0"
    if told.isdecimal() and len(told) <= 4 and int(told) <= 3600:
        return int(told), ()
    return 0, (InvalidError("0초에서 3600초 사이로 적어 주십시오.", field="min_seconds"),)


def _paragraphs(text: str) -> str:
    parts = re.split(r"\n\s*\n", text)
    return "".join(f"<p>{escape(part.strip()).replace(chr(10), '<br>')}</p>" for part in parts)


def _transcript(text: str) -> list[list[Any]]:
    """Lines as (start in ms, words); a line without a time goes on from the one above."""
    found: list[list[Any]] = []
    start = 0
    for line in text.splitlines():
        match = _STAMP.match(line.strip())
        words = match[4].strip() if match else line.strip()
        if match:
            hours, minutes, seconds = (int(part or 0) for part in match.groups()[:3])
            start = ((hours * 60 + minutes) * 60 + seconds) * 1000
        if words:
            found.append([start, words])
    return found


def _transcript_text(lines: Any) -> str:
    return "\n".join(f"{mmss(start)} {words}" for start, words in lines)
