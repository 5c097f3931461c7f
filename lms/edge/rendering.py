"""Pages from our own template environment, apart from a host site's; JSON by msgspec."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
import msgspec
from flask import Response, g, request, url_for
from markupsafe import Markup, escape

from lms.edge import csrf, icons
from lms.edge.context import State, current_person, locale, now, state
from lms.edge.folding import FoldingEnvironment
from lms.i18n import LOCALES, formats, words
from lms.people.actor import Actor
from lms.people.settings import parse

_encode = msgspec.json.Encoder().encode
_HERE = Path(__file__).parent / "templates"
_MOST_PATHS = 20_000
"""Paths kept at hand: building one takes as long as a query."""


def environments(folders: Iterable[str], asset_base: str) -> dict[str, jinja2.Environment]:
    """The template environments of one app, by language. `folders`: those that plugins give.

    One for each language, so that none of a page's many sentences has to ask which it is.
    """
    paths = [str(_HERE), *folders]
    return {locale: _environment(paths, asset_base, locale) for locale in LOCALES}


def _environment(paths: list[str], asset_base: str, locale: str) -> jinja2.Environment:
    said = words(locale)
    env = FoldingEnvironment(
        {
            "_": said.text,
            "asset": asset_base.__add__,
            "css_bundle": lambda: f"{asset_base}ieum.css",
            "icon": icons.drawer(asset_base),
        },
        loader=jinja2.FileSystemLoader(paths),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
    )
    env.globals.update(
        _n=said.count,
        url=url,
        absolute_url=lambda endpoint, **values: url(endpoint, _external=True, **values),
        csrf_field=_csrf_field,
        csrf_token=csrf.token,
    )
    env.filters.update(
        day=partial(formats.day, locale=locale),
        day_full=partial(formats.day_full, locale=locale),
        day_spoken=partial(formats.day_spoken, locale=locale),
        clock=lambda value: formats.clock(value, _zone()),
        clock_s=lambda value: formats.clock(value, _zone(), seconds=True),
        local_day=lambda value: formats.day(_local(value), locale),
        local_day_full=lambda value: formats.day_full(_local(value), locale),
        minutes_text=partial(formats.minutes_text, locale=locale),
        mmss=formats.mmss,
        permille=lambda value: f"{value // 10}%",
        points=lambda value: f"{value / 100:g}",
        josa=formats.josa,
    )
    return env


def render(template: str, /, **context: Any) -> str:
    """The page. The shell's values (who, menu, language) are added here."""
    env = state().pages[locale()]
    return env.get_template(template).render(**_shell(), **context)


def page(html: str, status: int = 200, **headers: str) -> Response:
    """A rendered page as an answer. `headers`: underscores stand for hyphens."""
    answer = Response(html, status, mimetype="text/html")
    for name, value in headers.items():
        answer.headers[name.replace("_", "-")] = value
    return answer


def json_answer(value: Any, status: int = 200) -> Response:
    return Response(_encode(value), status, mimetype="application/json")


def url(endpoint: str, **values: Any) -> str:
    """The path of one of our endpoints, wherever we are mounted."""
    if "_external" in values:
        return url_for(f"lms.{endpoint}", **values)
    if "lms_paths" not in g:
        g.lms_paths = state().paths, request.script_root
    known, root = g.lms_paths
    key = (root, endpoint, *values.items())
    path: str | None = known.get(key)
    if path is None:
        path = url_for(f"lms.{endpoint}", **values)
        if len(known) >= _MOST_PATHS:
            known.clear()
        known[key] = path
    return path


def sign_in_address(back: str) -> str | None:
    """Where to sign in and come back from; None where only the host knows."""
    here = state()
    if here.sign_in is not None:
        return here.sign_in(back)
    wanted = None if back == url("home.home") else back  # where one goes anyway
    return url("people.sign_in", next=wanted) if here.standalone else None


def wants_json() -> bool:
    """Whether a program asks, rather than a person's browser."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return request.is_json or (best == "application/json")


def _shell() -> dict[str, Any]:
    here = state()
    me = current_person()
    language = locale()
    return {
        "me": me,
        "site": _site(here, me),
        "menu": _menu(here, me.roles, language) if me else [],
        "locale": language,
        "theme": me.theme if me else request.cookies.get("lms_theme", ""),
        "request_path": request.full_path.rstrip("?"),
        "now": now(),
        "idle_seconds": here.settings.idle_minutes * 60,
    }


def _site(here: State, me: Actor | None) -> dict[str, Any]:
    settings = parse(dict(me.institution_settings)) if me else None
    return {
        "institution_name": me.institution_name if me else "",
        "institution_short": me.institution_short if me else "",
        "masthead": bool(settings and settings.masthead),
        "help_phone": settings.help_phone if settings else None,
        "prefix": here.prefix,
        "standalone": here.standalone,
        "content_base": here.settings.content_base,
    }


def _menu(here: State, roles: frozenset[str], language: str) -> list[dict[str, Any]]:
    shown = [entry for entry in here.menu if not entry.roles or entry.roles & roles]
    say = words(language)
    lines = [
        {"label": say.text(entry.label), "icon": entry.icon, "href": url(entry.endpoint)}
        for entry in shown
    ]
    path, home = request.path, here.prefix.rstrip("/")
    # One's place is the entry whose address goes furthest: /manage/runs is not /manage.
    here_now = max(
        (
            line["href"]
            for line in lines
            if path == line["href"]
            or (line["href"].rstrip("/") != home and path.startswith(line["href"]))
        ),
        key=len,
        default=None,
    )
    return [{**line, "current": line["href"] == here_now} for line in lines]


def _csrf_field() -> Markup:
    token = escape(csrf.token())
    return Markup(f'<input type="hidden" name="csrf_token" value="{token}">')  # noqa: S704


def _zone() -> str:
    me = current_person()
    return me.zone if me else "Asia/Seoul"


def _local(value: Any) -> Any:
    return value.astimezone(ZoneInfo(_zone())).date()
