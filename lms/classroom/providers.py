"""Services for live meetings: each makes a link of one's own. Plugins give more by a hook."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, urlsplit

import pluggy

from lms.errors import InvalidError

PARTICIPANT = "{participant}"


class Asked(NamedTuple):
    """Something that a provider needs to know of a meeting."""

    name: str
    label: str
    """A msgid."""

    hint: str = ""
    """A msgid."""


class Provider(Protocol):
    """What lms_meeting_providers gives. It does no I/O: what it needs was told by who plans."""

    name: str
    label: str
    """A msgid: what people call it."""

    asks: tuple[Asked, ...]

    def check(self, told: Mapping[str, str]) -> dict[str, Any]:
        """What the meeting keeps. Raises InvalidError with the field that is wrong."""
        ...

    def link(self, told: Mapping[str, Any], participant: str) -> str:
        """The address that lets `participant`, and nobody else by that name, in."""
        ...


class Generic:
    """Any service whose meeting has an address."""

    name = "generic"
    label = "주소로 들어가는 서비스"
    asks: tuple[Asked, ...] = (
        Asked(
            "address",
            "들어가는 주소",
            "https://로 시작합니다. 주소에 {participant}를 적으면 그 자리에 사람마다 다른 이름이 "
            "들어가 접속 기록과 맞추어집니다.",
        ),
    )

    def check(self, told: Mapping[str, str]) -> dict[str, Any]:
        address = told.get("address", "").strip()
        parts = urlsplit(address)
        if parts.scheme != "https" or not parts.hostname or len(address) > 1000:
            raise InvalidError(
                "https://로 시작하는 회의 주소를 그대로 붙여 넣어 주십시오.", field="address"
            )
        return {"address": address}

    def link(self, told: Mapping[str, Any], participant: str) -> str:
        return str(told["address"]).replace(PARTICIPANT, quote(participant, safe=""))


def known(hook: pluggy.HookRelay) -> dict[str, Provider]:
    """Every provider by its name; a plugin's may take the place of ours."""
    found: dict[str, Provider] = {}
    for some in reversed(hook.lms_meeting_providers()):
        found |= {one.name: one for one in some}
    return found


def provider_of(hook: pluggy.HookRelay, name: str) -> Provider:
    """The provider. Raises InvalidError where no plugin gives it."""
    found = known(hook).get(name)
    if found is None:
        raise InvalidError("실시간 연수에 쓰는 서비스를 목록에서 골라 주십시오.", field="provider")
    return found
