"""What the pages of this room share."""

from flask import request

from lms.edge import Blueprint, Entry, state
from lms.edge.rendering import url
from lms.errors import NotFoundError
from lms.people.destination import local_path

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


def destination() -> str:
    """Where the form or the address wants to go on to, if that is a path of ours."""
    return local_path(request.values.get("next"), default=url("home.home"))
