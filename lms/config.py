"""Settings: each has a type, a default and a sentence; a wrong one stops the start.

Read from the app's config first (a host site), then from the environment, under the same names.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class SettingError(ValueError):
    """A setting that cannot be used; the message says which and what to write."""


def _setting(default: Any, sentence: str) -> Any:
    return field(default=default, metadata={"sentence": sentence})


@dataclass(frozen=True)
class Settings:
    """What an installation may set; docs/settings.md is checked against this class."""

    database_url: str = _setting(
        "", "Where the database is; a SQLite file under LMS_VAR when empty."
    )
    var: str = _setting("var", "Folder for the database, uploaded files and secrets.")
    secret: str = _setting(
        "", "Signs cookies and links; made and kept under LMS_VAR/secret when empty."
    )
    data_key: str = _setting(
        "", "Encrypts birth dates and NEIS numbers; kept under LMS_VAR/data.key when empty."
    )
    base_url: str = _setting("http://localhost:8000", "Where people reach the site.")
    content_url: str = _setting(
        "", "Where uploaded content is served: another host name; 127.0.0.1 when empty."
    )
    institution: str = _setting(
        "", "Code of the institution that people of a host site belong to; the only one when empty."
    )
    demo: bool = _setting(False, "Show the demo accounts on the start page.")
    idle_minutes: int = _setting(30, "Minutes without an act before a person is signed out.")
    sign_in_days: int = _setting(7, "Days after which every sign-in ends.")
    lockout_tries: int = _setting(10, "Wrong passwords on one account in 15 minutes.")
    address_tries: int = _setting(100, "Wrong passwords from one address in 15 minutes.")
    upload_mebibytes: int = _setting(512, "Largest file that may be uploaded.")
    package_mebibytes: int = _setting(
        4096, "Largest course file that may be imported, with all that is in it."
    )
    smtp_url: str = _setting(
        "", "Mail server as smtp://user:password@host:587; mails go to LMS_VAR/mail when empty."
    )
    mail_from: str = _setting("no-reply@localhost", "Sender of mails.")
    trusted_proxies: int = _setting(0, "Front proxies whose X-Forwarded-… headers are believed.")
    forward_private: bool = _setting(
        False, "Forward statements to record stores in private networks too, and on this machine."
    )
    threads: int = _setting(16, "Threads of one web process.")
    workers: int = _setting(
        0, "Web processes; 0 means as many as cores on PostgreSQL and one on SQLite."
    )

    def __post_init__(self) -> None:
        for name in ("base_url", "content_url"):
            value = getattr(self, name)
            if value and not urlsplit(value).hostname:
                raise SettingError(f"LMS_{name.upper()}={value!r}: write it as https://host.")
        for name in ("idle_minutes", "sign_in_days", "lockout_tries", "threads"):
            if getattr(self, name) < 1:
                raise SettingError(f"LMS_{name.upper()} must be 1 or more.")

    @property
    def folder(self) -> Path:
        return Path(self.var).absolute()

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.folder / 'ieum.sqlite'}"

    @property
    def content_base(self) -> str:
        """Scheme, host and port that content is served from, without a slash at the end."""
        if self.content_url:
            return self.content_url.rstrip("/")
        site = urlsplit(self.base_url)
        port = f":{site.port}" if site.port else ""
        return f"{site.scheme}://127.0.0.1{port}"

    @property
    def secure(self) -> bool:
        return urlsplit(self.base_url).scheme == "https"

    def signing_secret(self) -> str:
        return self.secret or _kept(self.folder / "secret")

    def encryption_key(self) -> str:
        return self.data_key or _kept(self.folder / "data.key")


def load(config: Mapping[str, Any] | None = None) -> Settings:
    """Settings from `config` (names LMS_…), then the environment. Raises SettingError."""
    given: dict[str, Any] = {}
    for one in fields(Settings):
        name = f"LMS_{one.name.upper()}"
        value = (config or {}).get(name, os.environ.get(name))
        if value is not None and value != "":
            given[one.name] = _typed(name, value, type(one.default))
    return Settings(**given)


def _typed(name: str, value: Any, kind: type) -> Any:
    if isinstance(value, kind):
        return value
    text = str(value).strip()
    if kind is bool:
        if text.lower() in {"1", "true", "yes", "on"}:
            return True
        if text.lower() in {"0", "false", "no", "off"}:
            return False
        raise SettingError(f"{name}={text!r}: write 1 or 0.")
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise SettingError(f"{name}={text!r}: write a whole number.") from None
    return text


def _kept(path: Path) -> str:
    """A secret made once, readable by this account alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(32))
    return path.read_text().strip()
