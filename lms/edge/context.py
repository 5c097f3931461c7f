"""What a view may ask of the request that it runs in."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlsplit

import jinja2
import pluggy
from flask import current_app, g, request
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from lms import clock
from lms.config import Settings
from lms.db import Database
from lms.edge.menu import Entry
from lms.errors import SignInNeededError
from lms.files import Storage
from lms.i18n import LOCALES, Words, words
from lms.people import service as people
from lms.people.actor import Actor, Identity
from lms.people.sealing import Sealer

SIGN_IN_FIRST = "먼저 로그인해 주십시오."
_REMEMBERED = 60.0
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class State:
    """What one app has of us, in app.extensions["lms"]; jobs and commands get it too."""

    settings: Settings
    db: Database
    hook: pluggy.HookRelay
    identify: Callable[[], Identity | None]
    sign_in: Callable[[str], str] | None
    """A host's address for signing in, given where to come back to."""

    pages: dict[str, jinja2.Environment]
    """The template environment of each language."""

    storage: Storage
    kinds: dict[str, Any]
    menu: tuple[Entry, ...]
    prefix: str
    asset_base: str
    """Where static files are served, ending with a slash; changes with their content."""

    secret: str
    content_host: str
    standalone: bool
    people: dict[str, tuple[float, Actor]] = field(default_factory=dict)
    """Who was signed in a moment ago, by the hash of their token: see recall_person."""

    paths: dict[tuple[Any, ...], str] = field(default_factory=dict)
    """Paths that were built already: see lms.edge.rendering.url."""


def state() -> State:
    return cast(State, current_app.extensions["lms"])


def hook() -> pluggy.HookRelay:
    return state().hook


def sealer() -> Sealer:
    """What seals and opens personal data, by this app's key."""
    return _sealer(state().settings.encryption_key())


def session() -> Session:
    """The session of the view that is running; where it only reads, begun when first asked for."""
    if "lms_session" not in g:
        g.lms_session = g.lms_reading.session
    return cast(Session, g.lms_session)


def now() -> datetime:
    """The instant of this request: one for all that it does."""
    if "lms_now" not in g:
        g.lms_now = clock.now()
    return cast(datetime, g.lms_now)


def current_person() -> Actor | None:
    """Who is asking; None if nobody is signed in."""
    if "lms_person" not in g:
        # A cookie that strayed to the content host signs nobody in there.
        identity = None if on_content_host() else state().identify()
        g.lms_person = None if identity is None else _known(identity)
    return cast("Actor | None", g.lms_person)


def recall_person() -> None:
    """Take who is asking from memory, for a view whose commit asks whether they still may.

    Nothing where they are not remembered, or their last act should be written down anew.
    """
    identity = None if on_content_host() else state().identify()
    if identity is None or identity.sign_in is None:
        return
    memory, key = state().people, people.token_hash(identity.sign_in)
    since, found = memory.get(key, (0.0, None))
    if found is None or time.monotonic() - since > _REMEMBERED or people.is_stale(found, now()):
        found = _known(identity)
        if found is not None:
            if len(memory) >= _MOST_REMEMBERED:
                memory.clear()
            memory[key] = time.monotonic(), found
    g.lms_person = found


def forget_people() -> None:
    """Look up anew whoever asks: one who was remembered is no longer signed in."""
    state().people.clear()


def person() -> Actor:
    """Who is asking. Raises SignInNeededError if nobody is."""
    actor = current_person()
    if actor is None:
        raise SignInNeededError(SIGN_IN_FIRST)
    return actor


def client_address() -> str:
    """Where the request comes from, as the trusted proxies tell it."""
    return request.remote_addr or ""


def locale() -> str:
    """The reader's language: their own choice, then a cookie's, then the browser's, then Korean."""
    if "lms_locale" not in g:
        actor = g.get("lms_person")
        chosen = (actor and actor.locale) or request.cookies.get("lms_locale")
        if chosen not in LOCALES:
            # Korean stands first: “*” and languages that we lack are answered in Korean.
            chosen = request.accept_languages.best_match(LOCALES, default=LOCALES[0])
        g.lms_locale = chosen
    return cast(str, g.lms_locale)


def words_here() -> Words:
    return words(locale())


def device() -> str:
    """The browser and system in two words, for a list that its owner can recognise."""
    agent = request.headers.get("User-Agent", "")
    systems = ("iPhone", "iPad", "Android", "Windows", "Mac OS", "CrOS", "Linux")
    browsers = (("Edg/", "Edge"), ("Whale", "Whale"), ("SamsungBrowser", "Samsung Internet"))
    more = (("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
    browser = next((name for mark, name in (*browsers, *more) if mark in agent), "")
    system = next((name for name in systems if name in agent), "")
    return " · ".join(part for part in (system, browser) if part) or agent[:40] or "?"


def host_name() -> str:
    return urlsplit(f"//{request.host}").hostname or ""


def on_content_host() -> bool:
    """Whether the request came to the host name of uploaded content."""
    return host_name() == state().content_host


@lru_cache(maxsize=8)
def _sealer(key: str) -> Sealer:
    return Sealer(key)


def _known(identity: Identity) -> Actor | None:
    if "lms_session" in g or "lms_reading" in g:
        return _actor(session(), identity)
    # Outside a view: a request refused before it, or an address that no route answers.
    with state().db.reading() as own:
        return _actor(own, identity)


def _actor(database: Session, identity: Identity) -> Actor | None:
    here = state()
    found = people.find_actor(database.connection(), identity, now=now(), settings=here.settings)
    if found is None and identity.sign_in is None and identity.subject:
        found = _first_sight(database, identity)
    if found is not None and people.is_stale(found, now()):
        sign_in, at = found.sign_in_id, now()
        here.db.writer.later(lambda connection: people.touch(connection, sign_in, at))
    return found


def _first_sight(database: Session, identity: Identity) -> Actor | None:
    here, at = state(), now()

    def recognise(connection: Connection) -> None:
        people.recognise(connection, identity, code=here.settings.institution or None, now=at)

    if database.get_bind() is here.db.engine:
        # A writing view: the writer would wait for the very transaction that waits for it.
        recognise(database.connection())
        return people.find_actor(database, identity, now=at, settings=here.settings)
    here.db.writer.do(recognise)
    # The row is newer than this reading session's moment: the view, too, looks with a fresh eye.
    database.rollback()
    return people.find_actor(database, identity, now=at, settings=here.settings)
