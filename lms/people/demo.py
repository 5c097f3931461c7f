"""The accounts that a demonstration shows to everybody."""

import msgspec

from lms.config import Settings


class DemoAccount(msgspec.Struct, frozen=True):
    """One way into the demonstration, as `lms demo` wrote it into var/demo.json."""

    role: str
    institution: str
    login: str
    password: str
    name: str = ""


class _Sheet(msgspec.Struct, frozen=True):
    accounts: list[DemoAccount] = []


def demo_accounts(settings: Settings) -> list[DemoAccount]:
    """The accounts in var/demo.json; none where there is no such file or not of this shape."""
    path = settings.folder / "demo.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Sheet).accounts
    except (OSError, msgspec.DecodeError):
        return []
