"""Our template environment says what Jinja's own says, and every page belongs to its reader."""

import jinja2
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import nodes
from markupsafe import Markup, escape

from lms.edge.folding import FoldingEnvironment
from lms.edge.rendering import environments
from tests import factories

PARTS = """
{% macro row(name, href=None, kind="plain") -%}
<li class="{{ kind }}">
{%- if href %}<a href="{{ href }}">{{ name }}</a>{% else %}{{ name }}{% endif %}
{%- if caller is defined %}<p>{{ caller() }}</p>{% endif %}</li>
{%- endmacro %}
{% macro dialog(title) %}<h2>{{ title }}</h2>{{ caller("body") }}{{ caller("foot") }}{% endmacro %}
{% macro many() %}{{ varargs|join(",") }}{{ kwargs.last }}{% endmacro %}
{% set mark = mark %}
"""
BASE = """
<title>{% block title %}{% endblock %}</title>{{ mark("base") }}{% block page %}{% endblock %}
"""
PAGE = """
{% extends "base.html" %}
{% from "parts.html" import row, dialog, many, mark %}
{% block title %}{{ say("오늘") }}{% endblock %}
{% block page %}
{{ row(name) }}{{ row("a", "/?a=1&b=2", kind=kinds.two) }}{{ row(**{"name": "b"}) }}
{% for one in things %}
{% call row(one.title, one["href"]) %}{{ loop.index }}: {{ one.title }}{% endcall %}
{% endfor %}
{% call(part) dialog("제목") %}
{% if part == "body" %}{{ say("오늘") }}{% else %}{{ say("{n}일", n=3) }}{% endif %}
{% endcall %}
{{ many(1, *[2, 3], last=4) }} {{ mark("x", small=True) }} {{ mark(kinds.two, small=False) }}
{% set said %}{{ name }}{% endset %}{{ said }} {{ markup }} {{ number }} {{ nothing }}
{{ kinds.items()|list }}
{% include "part.html" %}
{% endblock %}
"""
PART = """{{ say("오늘") if number else say("없음") }}{{ name }}"""
TEMPLATES = {"parts.html": PARTS, "base.html": BASE, "page.html": PAGE, "part.html": PART}
CONTEXT = {
    "name": "<b>'홍길동' & \"이음\"</b>",
    "kinds": {"two": "둘"},
    "things": [{"title": "<i>", "href": "/x"}, {"title": "나", "href": None}],
    "markup": Markup("<b>굵게</b>"),
    "number": 7,
    "nothing": None,
}


def say(sentence: str, **values: object) -> str:
    return {"오늘": "Today & now"}.get(sentence, sentence).format(**values)


def mark(name: str, *, small: bool = False) -> Markup:
    return Markup("<i>{}{}</i>").format(name, " sm" if small else "")


def folding() -> FoldingEnvironment:
    return FoldingEnvironment(
        {"say": say, "mark": mark},
        loader=jinja2.DictLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
    )


def test_a_page_reads_as_jinja_itself_would_write_it() -> None:
    plain = jinja2.Environment(
        loader=jinja2.DictLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    plain.globals.update(say=say, mark=mark)
    said = folding().get_template("page.html").render(**CONTEXT)
    assert said == plain.get_template("page.html").render(**CONTEXT)
    assert "&lt;b&gt;&#39;홍길동&#39; &amp; &#34;이음&#34;&lt;/b&gt;" in said


def test_what_never_changes_is_asked_once() -> None:
    asked = []

    def counted(sentence: str, **values: object) -> str:
        asked.append(sentence)
        return say(sentence, **values)

    env = FoldingEnvironment({"say": counted}, loader=jinja2.DictLoader({}))
    page = env.from_string('{{ say("오늘") }} {{ say("{n}일", n=n) }} {{ say("{n}주", n=2) }}')
    assert [page.render(n=n) for n in (1, 2)] == [
        "Today &amp; now 1일 2주",
        "Today &amp; now 2일 2주",
    ]
    assert asked == ["오늘", "{n}주", "{n}일", "{n}일"]


@given(st.text() | st.integers() | st.none() | st.text().map(Markup))
def test_a_value_is_escaped_as_markupsafe_does(value: object) -> None:
    assert FoldingEnvironment.written(value) == str(escape(value))


@pytest.mark.parametrize(
    "call", ['row("a", colour="red")', 'row("a", "b", "c", "d")', 'row("a", name="b")']
)
def test_a_macro_takes_only_what_it_names(call: str) -> None:
    page = folding().from_string('{% from "parts.html" import row %}{{ ' + call + " }}")
    with pytest.raises(TypeError, match="row"):
        page.render()


@pytest.mark.parametrize("wanted", ["missing", "row()", "kinds.three", "missing.deeper"])
def test_what_is_not_there_is_an_error(wanted: str) -> None:
    page = folding().from_string('{% from "parts.html" import row %}{{ ' + wanted + " }}")
    with pytest.raises(jinja2.UndefinedError):
        page.render(kinds=CONTEXT["kinds"])


def test_no_template_gives_a_constant_name_to_anything_else(sqlite_app: Flask) -> None:
    [env, *_] = sqlite_app.extensions["lms"].pages.values()
    given = {
        (name, found.name)
        for name in env.list_templates(extensions=["html"])
        for found in env.parse(env.loader.get_source(env, name)[0]).find_all(nodes.Name)
        if found.ctx in {"store", "param"} and found.name in env.constant
    }
    # So that those who import it find it.
    assert given == {("lms/parts.html", "icon")}


def test_every_template_of_ours_compiles(sqlite_app: Flask) -> None:
    for env in sqlite_app.extensions["lms"].pages.values():
        for name in env.list_templates(extensions=["html"]):
            env.get_template(name)


def test_each_language_has_sentences_of_its_own() -> None:
    pages = environments([], "/static/x/")
    said = {
        locale: env.from_string('{{ _("오늘") }} {{ icon("today") }}').render()
        for locale, env in pages.items()
    }
    icon = '<svg class="icon" aria-hidden="true"><use href="/static/x/icons.svg#today"/></svg>'
    assert said == {"ko": f"오늘 {icon}", "en": f"Today {icon}"}


def test_nothing_of_one_reader_stands_in_the_page_of_another(app: Flask) -> None:
    state = app.extensions["lms"]
    readers = []
    with state.db.transaction() as session:
        for name, locale in (("김하나", "ko"), ("이두리", "en"), ("박세찬", "ko")):
            home = factories.institution(session)
            home.name = f"{name}연수원"
            who = factories.person(session, home)
            who.name, who.locale = name, locale
            course = factories.course(session, state.kinds, home)
            course.title = f"{name}의 과정"
            run = factories.run(session, course)
            readers.append((who, factories.enrolment(session, state.hook, who, run).id))
    clients = [(factories.browser(app), who, number) for who, number in readers]
    for client, who, _ in clients:
        factories.sign_in(client, who)
    for _ in range(2):
        for client, who, number in clients:
            others = {one.name for one, _ in readers} - {who.name}
            for path in ("/", f"/enrolments/{number}", "/courses", "/record"):
                page = client.get(path).text
                assert f"{who.name}연수원" in page
                assert f'<html lang="{who.locale}"' in page
                assert not [name for name in others if name in page]
                with client.session_transaction() as cookie:
                    token = cookie["lms_csrf"]
                assert page.count('name="csrf_token"') == page.count(f'value="{token}"')
