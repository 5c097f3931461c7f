"""A course as one file: out, in again byte for byte, and hostile ones refused."""

import hashlib
import io
import json
import re
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from lms.files.models import StoredFile
from lms.learning.making import drafts, package
from lms.learning.models import Course
from tests import factories, making_world
from tests.making_world import PDF, Making, file, full


@pytest.fixture
def making(app) -> Making:
    return making_world.make(app)


@pytest.fixture
def here(sqlite_app) -> Making:
    return making_world.make(sqlite_app)


# Out as one file, and in again


def export(making: Making, course_id: int, query: str = "") -> bytes:
    answer = making.client.get(f"/manage/courses/{course_id}/export{query}")
    assert answer.status_code == 200
    assert answer.mimetype == "application/zip"
    return answer.data


def bring(making: Making, data: bytes, code: str = "I-1", client=None):
    # Written by hand: what the test client makes of a large file it leaves open.
    body = (
        b'--x\r\nContent-Disposition: form-data; name="code"\r\n\r\n' + code.encode() + b"\r\n"
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
        + data + b"\r\n--x--\r\n"
    )  # fmt: skip
    return (client or making.client).post(
        "/manage/courses/import", data=body, content_type="multipart/form-data; boundary=x"
    )


def test_out_and_in_and_out_is_byte_for_byte_the_same(making):
    course_id = full(making)
    from lms.files.thumbnails import course_thumbnail

    picture = course_thumbnail("x", [960])[960]
    making.client.post(f"/manage/courses/{course_id}/picture", data={"picture": file(picture, "a")})
    draft = export(making, course_id)
    assert making.publish(course_id).status_code == 303
    version = export(making, course_id)
    for number, data in enumerate((draft, version)):
        answer = bring(making, data, f"I-{number}")
        assert answer.status_code == 303, answer.text
        made = int(re.search(r"/courses/(\d+)", answer.headers["Location"])[1])
        assert export(making, made) == data
        assert making.client.get(f"/manage/courses/{made}/preview").status_code == 200
        assert making.publish(made).status_code == 303
        if number:  # a version's configs are written out whole
            assert export(making, made) == data
        assert making.client.get(f"/manage/courses/{made}").status_code == 200


def test_a_file_of_another_institution_comes_in_whole(making):
    course_id = full(making)
    making.publish(course_id)
    data = export(making, course_id)
    with making.state.db.transaction() as session:
        other = factories.institution(session)
        officer = factories.person(session, other, "officer")
    client = factories.browser(making.app)
    factories.sign_in(client, officer)
    answer = bring(making, data, "M-1", client)
    assert answer.status_code == 303
    with making.state.db.reading() as session:
        course = session.scalar(select(Course).filter_by(institution_id=other.id))
        assert (course.title, course.code) == ("기록하는 수업", "M-1")
        ids = {
            value
            for unit in drafts.of_course(session, course).units
            for one in unit.activities
            for key, value in one.config.items()
            if key.endswith("_file")
        }
        rows = session.scalars(select(StoredFile).where(StoredFile.id.in_(ids))).all()
        assert {row.institution_id for row in rows} == {other.id}
        assert {row.media_type for row in rows} == {"video/webm", "text/vtt", "application/pdf"}


def test_a_copy_is_a_course_of_its_own(making):
    course_id = full(making)
    making.publish(course_id)
    answer = making.client.post(
        f"/manage/courses/{course_id}/copy", data={"title": "베낀 과정", "code": "C-9"}
    )
    assert answer.status_code == 303
    made = int(re.search(r"/courses/(\d+)", answer.headers["Location"])[1])
    assert [unit.title for unit in making.draft(made).units] == ["첫째", "둘째"]
    making.act(made, "unit_rename", key=making.draft(made).units[0].key, title="다른")
    assert making.draft(course_id).units[0].title == "첫째"
    assert making.publish(made).status_code == 303
    clash = making.client.post(f"/manage/courses/{course_id}/copy", data={"code": "C-9"})
    assert clash.status_code == 409


# Hostile packages


@pytest.fixture
def good(here) -> bytes:
    course_id = here.create()
    unit = here.unit(course_id)
    here.page(course_id, unit)
    pdf = here.activity(course_id, unit, "file", "자료")
    here.save(course_id, pdf, file=file(PDF, "요약.pdf"))
    return export(here, course_id)


def manifest_of(data: bytes) -> dict:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return json.loads(archive.read("course.json"))


def zipped(members: list[tuple[str, bytes]], method=zipfile.ZIP_STORED, attr: int = 0) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            info.external_attr = attr
            archive.writestr(info, data)
    return out.getvalue()


PDF_NAME = package.member(hashlib.sha256(PDF).hexdigest())
NAMES = [
    "../../etc/cron.d/x",
    "/etc/passwd",
    "..\\..\\x",
    "C:\\x",
    "files/../x",
    "\uff0e\uff0e/x",
    PDF_NAME.upper(),
    PDF_NAME + "/",
    "files/" + "0" * 64 + "\0.sh",
    "COURSE.JSON",
    "",
]


def files_under(folder) -> set[str]:
    return {str(path) for path in folder.rglob("*") if path.is_file() and "sqlite" not in path.name}


def refused(here: Making, data: bytes, status: int = 422) -> str:
    before = files_under(here.state.settings.folder)
    with here.state.db.reading() as session:
        courses = session.query(Course).count()
    answer = bring(here, data)
    assert answer.status_code == status, answer.text
    assert files_under(here.state.settings.folder) == before
    with here.state.db.reading() as session:
        assert session.query(Course).count() == courses
    return answer.text


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_hostile_zip_is_refused_and_nothing_is_written(here, good):
    told = manifest_of(good)
    text = json.dumps(told).encode()
    ours = [("course.json", text), (PDF_NAME, PDF)]
    assert bring(here, zipped(ours), "OK-1").status_code == 303
    for name in NAMES:
        refused(here, zipped([*ours, (name, b"x")]))
    refused(here, zipped([*ours, (PDF_NAME, PDF)]))  # twice
    refused(here, zipped([("course.json", text)]))  # missing
    refused(here, zipped([*ours, (package.member("a" * 64), b"more")]))  # not named
    refused(here, zipped([("course.json", text), (PDF_NAME, PDF[:-1] + b"x")]))  # another's hash
    refused(here, zipped([("course.json", text), (PDF_NAME, PDF + b"x")]))
    refused(here, zipped([(PDF_NAME, PDF)]))
    refused(here, zipped(ours, attr=0o120777 << 16))  # symbolic links
    refused(here, zipped(ours, attr=0o010644 << 16))  # a pipe
    refused(here, zipped(ours, zipfile.ZIP_BZIP2))
    refused(here, zipped(ours, zipfile.ZIP_LZMA))
    assert bring(here, zipped(ours, zipfile.ZIP_DEFLATED), "OK-2").status_code == 303
    refused(here, b"MZ" + good)  # something else before it
    refused(here, good + b"tail")
    refused(here, good[:-100])
    refused(here, good[: len(good) // 2])
    refused(here, b"")
    refused(here, PDF)
    many = [(package.member(hashlib.sha256(b"%d" % n).hexdigest()), b"") for n in range(2_100)]
    refused(here, zipped([*ours, *many]))
    bomb = [("course.json", text), (package.member("b" * 64), bytes(50 << 20))]
    refused(here, zipped(bomb, zipfile.ZIP_DEFLATED))


def test_a_zip_that_lies_about_itself_is_refused(here, good):
    at = good.index(b"PK\x01\x02")  # the first entry of the directory
    encrypted = bytearray(good)
    encrypted[at + 8] |= 1
    refused(here, bytes(encrypted))
    smaller = bytearray(good)
    smaller[at + 20 : at + 28] = struct.pack("<II", 10, 10)
    refused(here, bytes(smaller))
    second = good.index(b"PK\x01\x02", at + 4)
    overlapping = bytearray(good)
    overlapping[second + 42 : second + 46] = struct.pack("<I", 4)
    refused(here, bytes(overlapping))


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.update(format="scorm"),
        lambda one: one.update(version=2),
        lambda one: one.update(more=1),
        lambda one: one.pop("units"),
        lambda one: one["course"].update(title=""),
        lambda one: one["course"].update(training_kind="x"),
        lambda one: one["course"].update(institution_id=1),
        lambda one: one["course"].update(recognised_minutes=10**9),
        lambda one: one["units"][0]["activities"][0].update(role="admin"),
        lambda one: one["units"][0]["activities"][0].update(key=one["units"][0]["key"]),
        lambda one: one["units"][0]["activities"][0].update(key="../x"),
        lambda one: one["units"][0]["activities"][0]["config"].update(src_file=1),
        lambda one: one["units"][0]["activities"][1]["files"]["src"].update(name="../x.pdf"),
        lambda one: one["units"][0]["activities"][1]["files"]["src"].update(size=1),
        lambda one: one["units"][0]["activities"][1]["config"].update(media_type="text/html"),
        lambda one: one["units"][0]["activities"][1]["config"].pop("src"),
        lambda one: one.update(thumbnail={"320": one["units"][0]["activities"][1]["files"]["src"]}),
        lambda one: one.update(units=[one["units"][0] | {"key": f"k{n}"} for n in range(300)]),
    ],
)
def test_a_manifest_that_says_what_it_may_not_is_refused(here, good, change):
    told = manifest_of(good)
    change(told)
    refused(here, zipped([("course.json", json.dumps(told).encode()), (PDF_NAME, PDF)]))


def test_a_manifest_that_is_none_is_refused(here):
    for text in (
        b"",
        b"[]",
        b"{",
        b"null",
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"format":"ieum-course"}',
    ):
        refused(here, zipped([("course.json", text)]))


def test_a_video_that_is_not_what_the_file_says_is_refused(here):
    course_id = full(here)
    data = export(here, course_id)
    told = manifest_of(data)
    told["units"][0]["activities"][0]["config"]["duration_ms"] = 1000
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    members[0] = ("course.json", json.dumps(told).encode())
    assert "길이가 적힌 것과 다릅니다." in refused(here, zipped(members))


def test_a_code_that_is_taken_is_said_before_anything_is_stored(here, good):
    refused_page = bring(here, good, "M-1")
    assert refused_page.status_code == 409
    assert "이미 쓰는 과정 번호입니다." in refused_page.text


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_no_damage_to_a_package_is_our_fault(sqlite_damage, noise, at, value):
    """Whatever is done to the bytes: a course, or a sentence."""
    here, good = sqlite_damage
    data = bytearray(good)
    data[-(at % len(data)) - 1] = value
    data += noise
    assert bring(here, bytes(data), "F-1").status_code in {303, 409, 422}


@pytest.fixture(scope="module")
def sqlite_damage(sqlite_template, tmp_path_factory):
    from tests.conftest import make_app, make_sqlite

    folder = tmp_path_factory.mktemp("damage")
    app = make_app(make_sqlite(sqlite_template, folder), folder)
    here = making_world.make(app)
    course_id = here.create()
    here.page(course_id, here.unit(course_id))
    yield here, export(here, course_id)
    app.extensions["lms"].db.dispose()
