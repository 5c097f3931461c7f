"""What the pages of this room share."""

from functools import lru_cache

from flask import Response, request

from lms.edge import Blueprint, Entry, state
from lms.edge.rendering import url
from lms.errors import NotFoundError
from lms.people.destination import local_path
from lms.people.sealing import Sealer

blueprint = Blueprint("people", __name__)

STAFF = frozenset({"officer", "institution_admin", "auditor", "operator"})
CONTROL = frozenset({"institution_admin", "auditor"})
MENU = (
    Entry("사람", "people", "people.people", 60, STAFF),
    Entry("감사 기록", "shield", "people.audit", 80, CONTROL),
    Entry("연수기관 설정", "settings", "people.institution", 90, CONTROL),
)


def only_standalone() -> None:
    """Raises NotFoundError where a host site signs people in."""
    if not state().standalone:
        raise NotFoundError("이 누리집에서는 바깥 누리집의 계정으로 로그인합니다.")


def sealer() -> Sealer:
    return _sealer(state().settings.encryption_key())


def destination() -> str:
    """Where the form or the address wants to go on to, if that is a path of ours."""
    return local_path(request.values.get("next"), default=url("home.home"))


def page(html: str, status: int = 200, **headers: str) -> Response:
    answer = Response(html, status, mimetype="text/html")
    for name, value in headers.items():
        answer.headers[name.replace("_", "-")] = value
    return answer


@lru_cache(maxsize=8)
def _sealer(key: str) -> Sealer:
    return Sealer(key)
