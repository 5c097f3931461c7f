"""What needs no database: seals, masks, destinations, sheets, password rules."""

from datetime import date
from unicodedata import normalize

import pytest

from lms.errors import InvalidError
from lms.people import accounts, masks, registering
from lms.people.destination import local_path
from lms.people.sealing import SealedError, Sealer
from lms.sheets.writing import csv_lines

HOME = "/home"


def test_what_is_sealed_opens_and_never_looks_alike() -> None:
    sealer = Sealer("key")
    first, second = sealer.seal("1990-01-05"), sealer.seal("1990-01-05")
    assert [sealer.open(first), sealer.open(second)] == ["1990-01-05"] * 2
    assert first != second
    assert "1990" not in first


def test_no_changed_or_foreign_seal_opens() -> None:
    sealer = Sealer("key")
    sealed = sealer.seal("A101234523")
    places = range(len(sealed))
    changed = [
        sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :] for at in places
    ]
    for wrong in [*changed, "", "1.", "1.AAAA", sealed[2:], Sealer("other").seal("A101234523")]:
        with pytest.raises(SealedError):
            sealer.open(wrong)


def test_a_mark_finds_and_tells_nothing() -> None:
    sealer = Sealer("key")
    mark = sealer.mark("B101234523")
    assert mark == Sealer("key").mark("B101234523")
    assert mark not in {sealer.mark("B101234524"), Sealer("other").mark("B101234523")}
    assert "B1012" not in mark


def test_masks() -> None:
    sealer = Sealer("key")
    birth = masks.birth_date(sealer, registering.seal_birth_date(sealer, date(1990, 1, 5)))
    neis = masks.neis(sealer, registering.seal_neis(sealer, "B101234523")[0])
    assert (masks.masked_date(birth), masks.masked_neis(neis)) == ("1990. 1. **.", "B10*****23")
    assert (masks.masked_date(None), masks.masked_neis(None)) == ("", "")


@pytest.mark.parametrize(
    "number", ["X101234523", "B100234523", "B10123452", "B1012345234", "900105-1"]
)
def test_what_is_no_neis_number(number: str) -> None:
    with pytest.raises(InvalidError):
        registering.seal_neis(Sealer("key"), number)


@pytest.mark.parametrize(
    "given",
    [
        "",
        None,
        "home",
        "https://evil.example",
        "HTTPS://evil.example",
        "http:/evil.example",
        "http:evil.example",
        "//evil.example",
        "///evil.example",
        "////evil.example/x",
        "/\\evil.example",
        "\\/evil.example",
        "\\\\evil.example",
        "/\\/evil.example",
        "/a\\b",
        "/%5Cevil.example",
        "/%5cevil.example",
        "/%2Fevil.example",
        "/%2f%2fevil.example",
        "/%252Fevil.example",
        "/%255Cevil.example",
        "%2F%2Fevil.example",
        "/a//b",
        "/..//evil.example",
        "/.//evil.example",
        " //evil.example",
        "\t//evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r\nSet-Cookie: a=b",
        "/%0d%0aSet-Cookie:a=b",
        "/\x00/evil.example",
        "/\u2028/evil.example",
        "/\u200b/evil.example",
        "／／evil.example",
        "/／evil.example",
        "/＼evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "mailto:a@b",
        "@evil.example",
        "?next=//evil.example",
        "#//evil.example",
        "https:///evil.example",
        "//evil.example@localhost/",
        "//[::1",
        "/" + "a" * 3000,
    ],
)
def test_nobody_is_led_away_after_signing_in(given: str | None) -> None:
    assert local_path(given, default=HOME) == HOME


@pytest.mark.parametrize(
    "given",
    [
        "/",
        "/enrolments/3?activity=7",
        "/courses?q=%ED%95%99%EA%B5%90",
        "/courses?q=학교 폭력",
        "/learn/people/3#roles",
        "/sign-in?next=/me",
        "/a:b",
    ],
)
def test_a_path_of_ours_is_gone_on_to(given: str) -> None:
    assert local_path(given, default=HOME) == given


def test_no_spreadsheet_runs_what_people_wrote() -> None:
    dangerous = [
        "=1+1",
        "+1",
        "-1",
        "@a",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1",
        "＋1",
        "－1",
        "＠a",
        "  =1",
    ]
    harmless = ["김보기", "1-2", "", None, 3]
    lines = b"".join(csv_lines(["이름"], [[each] for each in dangerous + harmless]))
    text = lines.decode("utf-8-sig")
    assert lines.startswith(b"\xef\xbb\xbf")
    assert (
        text
        == "이름\r\n"
        + "".join(
            f'"\'{each}"\r\n' if set(each) & {"\r", "\n"} else f"'{each}\r\n" for each in dangerous
        )
        + "김보기\r\n1-2\r\n"
        + '""\r\n' * 2
        + "3\r\n"
    )


@pytest.mark.parametrize(
    ("password", "again", "field"),
    [
        ("짧은것123", "짧은것123", "password"),
        ("kim.teacher1", "kim.teacher1", "password"),
        ("1rehcaet.mik", "1rehcaet.mik", "password"),
        ("KIM.TEACHER1", "KIM.TEACHER1", "password"),
        ("1234567890", "1234567890", "password"),
        ("ababababab", "ababababab", "password"),
        ("가나다" * 100, "가나다" * 100, "password"),
        ("봄날의 새 노트 셋", "봄날의 새 노트 넷", "again"),
    ],
)
def test_a_poor_password_is_refused_with_a_reason(password: str, again: str, field: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        accounts.check_password(password, again, login="kim.teacher1")
    assert refusal.value.field == field


def test_a_password_is_hashed_as_owasp_says() -> None:
    hashed = accounts.hash_password("봄날의 새 노트 셋")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert accounts.verify(hashed, "봄날의 새 노트 셋")
    assert accounts.verify(hashed, normalize("NFD", "봄날의 새 노트 셋"))  # as a Mac types it
    assert [accounts.verify(hashed, each) for each in ("", "봄날의 새 노트 넷", "a" * 9999)] == [
        False
    ] * 3
    assert not accounts.verify("no hash", "봄날의 새 노트 셋")


def test_the_hash_of_nobody_costs_what_others_cost() -> None:
    assert not accounts.needs_rehash(accounts._NOBODY)
    assert accounts.needs_rehash(accounts._NOBODY.replace("t=2", "t=1"))


def test_one_login_for_what_looks_alike() -> None:
    assert accounts.normal_login("  Ｋｉｍ.Teacher ") == "kim.teacher"
