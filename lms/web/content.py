"""Uploaded content, on its own host name: signed links in, bytes out, no cookies, no sign-ins."""

from flask import Response, request, send_file
from flask.typing import ResponseReturnValue

from lms.edge import Blueprint, now, session, state
from lms.errors import NotFoundError
from lms.files.links import LIFE, open_link
from lms.files.models import StoredFile
from lms.web.permissions import CONTENT

blueprint = Blueprint("content_host", __name__)
INLINE = frozenset(
    {
        "video/webm",
        "video/mp4",
        "text/vtt",
        "image/webp",
        "image/png",
        "image/jpeg",
        "application/pdf",
    }
)
"""Everything else is a download: a browser never runs what somebody uploaded."""


@blueprint.get(
    "/content/<token>/<name>", permission=CONTENT, scope="platform", place="content", browser=False
)
def fetch(token: str, name: str) -> ResponseReturnValue:
    """The bytes that the link names, by ranges if asked. 404 for a wrong or stale link."""
    here = state()
    link = open_link(here.secret, token, now=now())
    row = session().get(StoredFile, link.file_id) if link else None
    if link is None or row is None or row.institution_id != link.institution_id:
        raise NotFoundError("이 링크는 시간이 지났습니다. 과정 화면을 새로 고치면 다시 열립니다.")
    inline = row.media_type in INLINE
    answer: Response = send_file(
        here.storage.path(row.sha256),
        mimetype=row.media_type if inline else "application/octet-stream",
        as_attachment=not inline,
        download_name=row.name,
        conditional=True,
        etag=row.sha256,
        max_age=int(LIFE.total_seconds()),
    )
    return _closed(answer)


def _closed(answer: Response) -> Response:
    site = state().settings.base_url.rstrip("/")
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; sandbox; frame-ancestors {site}"
    )
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.headers["Referrer-Policy"] = "no-referrer"
    if request.headers.get("Origin") == site:
        answer.headers["Access-Control-Allow-Origin"] = site
        answer.headers["Access-Control-Expose-Headers"] = "Accept-Ranges, Content-Range"
    answer.headers["Vary"] = "Origin"
    answer.headers["Cache-Control"] = f"private, max-age={int(LIFE.total_seconds())}"
    return answer
