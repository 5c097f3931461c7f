"""The two catalogues, and the sentences that they give."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from markupsafe import Markup

from lms.i18n import words

ROOT = Path(__file__).parents[1]


def test_both_catalogues_hold_every_sentence_of_the_product() -> None:
    told = subprocess.run(
        [sys.executable, "tools/catalogues.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, ""), told.stdout


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("ko", ["2차시", "1개 차시", "2개 차시", "3번 문항", "60점"]),
        ("en", ["Unit 2", "1 unit", "2 units", "Question 3", "60 points"]),
    ],
)
def test_a_number_and_a_count_are_two_sentences(locale: str, said: list[str]) -> None:
    say = words(locale)
    assert [
        say.text("{n}차시", n=2),
        say.count("{n}개 차시", "{n}개 차시", 1),
        say.count("{n}개 차시", "{n}개 차시", 2),
        say.text("{n}번 문항", n=3),
        say.text("{n}점", n="60"),
    ] == said


@pytest.mark.parametrize(
    ("locale", "said"),
    [("ko", "11. 30.부터 들을 수 있습니다."), ("en", "You can start on 30 Nov.")],
)
def test_a_day_is_written_as_the_language_writes_it(locale: str, said: str) -> None:
    assert words(locale).text("{day}부터 들을 수 있습니다.", day=date(2026, 11, 30)) == said


def test_only_markup_is_left_unescaped() -> None:
    told = words("en").text("“{q}”에 맞는 과정이 없습니다.", q=Markup("<b>{}</b>").format("<"))
    assert told == "No courses found for “<b>&lt;</b>”."
