"""A course in the making: an officer, their browser, and files to upload."""

import io
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from lms.edge import State
from lms.learning.making import drafts
from lms.learning.making.drafts import Draft
from lms.learning.models import Course, CourseVersion
from lms.people.models import Institution, Person
from tests import factories

CONTENT = Path(__file__).parent.parent / "lms" / "demo" / "content" / "anti-graft"
WEBM = (CONTENT / "1.webm").read_bytes()
VTT = (CONTENT / "1.vtt").read_bytes()
PDF = (CONTENT / "summary.pdf").read_bytes()
FACTS = {
    "code": "M-1",
    "title": "기록하는 수업",
    "summary": "수업을 기록합니다.",
    "goals": "기록한다\n돌아본다",
    "training_kind": "in_service",
    "delivery_mode": "self_paced",
    "hours": "15",
    "minutes": "0",
    "task_name": "수업 나눔",
    "goal_name": "수업 전문성",
    "audience": "초등",
    "competencies": "수업 설계\n수업 성찰",
    "department": "교원연수부",
    "legal_basis": "",
}


@dataclass
class Making:
    """Whoever makes, where, and what of it stands in the database."""

    app: Flask
    state: State
    home: Institution
    officer: Person
    client: FlaskClient

    def create(self, **more: str) -> int:
        answer = self.client.post("/manage/courses", data={**FACTS, **more})
        assert answer.status_code == 303, answer.text
        return int(re.search(r"/courses/(\d+)", answer.headers["Location"])[1])

    def draft(self, course_id: int) -> Draft:
        with self.state.db.reading() as session:
            return drafts.of_course(session, session.get_one(Course, course_id))

    def act(self, course_id: int, act: str, **more: Any) -> Any:
        told = {"revision": self.draft(course_id).revision, "act": act, **more}
        return self.client.post(f"/manage/courses/{course_id}/draft", data=told)

    def unit(self, course_id: int, title: str = "첫째") -> str:
        assert self.act(course_id, "unit_add", title=title).status_code == 303
        return self.draft(course_id).units[-1].key

    def activity(self, course_id: int, unit: str, kind: str, title: str = "") -> str:
        answer = self.act(course_id, "activity_add", unit=unit, kind=kind, title=title)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"].rsplit("/", 1)[1]

    def save(self, course_id: int, key: str, **more: Any) -> Any:
        _, one = self.draft(course_id).find(key)
        told = {
            "revision": self.draft(course_id).revision,
            "title": one.title,
            "role": one.role,
            **more,
        }
        return self.client.post(
            f"/manage/courses/{course_id}/activities/{key}",
            data=told,
            content_type="multipart/form-data",
        )

    def page(self, course_id: int, unit: str, body: str = "<p>글</p>", title: str = "읽기") -> str:
        key = self.activity(course_id, unit, "page", title)
        assert self.save(course_id, key, body=body, min_seconds="0").status_code == 303
        return key

    def publish(self, course_id: int) -> Any:
        revision = self.draft(course_id).revision
        return self.client.post(f"/manage/courses/{course_id}/publish", data={"revision": revision})

    def versions(self, course_id: int) -> list[int]:
        with self.state.db.reading() as session:
            query = session.query(CourseVersion.number).filter_by(course_id=course_id)
            return sorted(number for (number,) in query)


def make(app: Flask) -> Making:
    state: State = app.extensions["lms"]
    with state.db.transaction() as session:
        home = factories.institution(session)
        officer = factories.person(session, home, "officer", name="한담당")
    client = factories.browser(app)
    factories.sign_in(client, officer)
    return Making(app, state, home, officer, client)


def file(data: bytes, name: str) -> tuple[io.BytesIO, str]:
    return io.BytesIO(data), name


# A small MP4, box by box (ISO 14496-12)


def box(kind: str, *inside: bytes) -> bytes:
    body = b"".join(inside)
    return struct.pack(">I4s", len(body) + 8, kind.encode()) + body


def mp4(
    *,
    duration: int = 20_000,
    width: int = 640,
    height: int = 360,
    codec: str = "avc1",
    handler: str = "vide",
    turned: bool = False,
    fast: bool = True,
) -> bytes:
    """An MP4 with one track of `duration` ms and no pictures in it."""
    times = struct.pack(">IIIII", 0, 0, 0, 1000, duration)
    matrix = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30) if turned else (
        65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30
    )  # fmt: skip
    tkhd = struct.pack(">5I", 0, 0, 0, 1, 0) + struct.pack(">5I", duration, 0, 0, 0, 0)
    tkhd += struct.pack(">9i", *matrix) + struct.pack(">II", width << 16, height << 16)
    stsd = struct.pack(">II", 0, 1) + struct.pack(">I4s", 86, codec.encode()) + bytes(78)
    hdlr = struct.pack(">II4s", 0, 0, handler.encode()) + bytes(13)
    first = struct.pack(">III", 0, 1, 32)
    track = box(
        "trak",
        box("tkhd", tkhd),
        box(
            "mdia",
            box("mdhd", times),
            box("hdlr", hdlr),
            box("minf", box("stbl", box("stsd", stsd), box("stco", first))),
        ),
    )
    head = box("ftyp", b"isom", bytes(4), b"isomavc1")
    moov, mdat = box("moov", box("mvhd", times, bytes(80)), track), box("mdat", bytes(1000))
    return head + (moov + mdat if fast else mdat + moov)


def full(making: Making) -> int:
    """A course with a video, a page, a file and a picture."""
    course_id = making.create()
    first, second = making.unit(course_id, "첫째"), making.unit(course_id, "둘째")
    video = making.activity(course_id, first, "video", "영상")
    making.save(course_id, video, video=file(WEBM, "1.webm"), captions=file(VTT, "1.vtt"))
    making.page(course_id, first, "<h2>제목</h2><p>글</p>")
    pdf = making.activity(course_id, second, "file", "자료")
    making.save(course_id, pdf, file=file(PDF, "요약.pdf"), min_seconds="5")
    return course_id
