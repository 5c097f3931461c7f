"""One limit on tries, whatever the way in and however many processes."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from lms.db import Database
from lms.errors import TooManyError
from lms.people import limiter
from lms.people.models import Tries
from tests.factories import NOW, later

ALONE = """
import sys
from datetime import datetime
from lms.db import Database
from lms.errors import TooManyError
from lms.people import limiter
db, at = Database(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
counted = 0
for _ in range(8):
    try:
        db.writer.do(lambda c: limiter.count(c, "key", limit=10, window=limiter.WINDOW, now=at))
        counted += 1
    except TooManyError:
        pass
print(counted)
db.dispose()
"""


def tries(db: Database, number: int, *, key: str = "key", at: float = 0, limit: int = 10) -> int:
    """How many of `number` tries were let through."""
    let = 0
    for _ in range(number):
        try:
            db.writer.do(
                lambda connection: limiter.count(
                    connection, key, limit=limit, window=limiter.WINDOW, now=later(at)
                )
            )
            let += 1
        except TooManyError:
            pass
    return let


def test_a_window_holds_no_more_than_the_limit_wherever_it_begins(db: Database) -> None:
    let = {minute: tries(db, 4, at=minute) for minute in range(0, 60, 2)}
    for begin in let:
        assert sum(n for minute, n in let.items() if begin <= minute < begin + 15) <= 10
    assert sum(let.values()) >= 30


def test_who_was_refused_is_told_when_to_come_back(db: Database) -> None:
    assert tries(db, 12) == 10
    with pytest.raises(TooManyError) as refusal, db.transaction() as session:
        limiter.count(session.connection(), "key", limit=10, window=limiter.WINDOW, now=later(0))
    wait = refusal.value.retry_after
    assert 15 * 60 < wait <= 16 * 60
    assert tries(db, 1, at=(wait - 1) / 60) == 0
    assert tries(db, 1, at=wait / 60) == 1


def test_a_refused_try_is_not_counted(db: Database) -> None:
    assert tries(db, 30) == 10
    with db.reading() as session:
        assert session.scalar(select(func.sum(Tries.count))) == 10


def test_other_keys_are_free(db: Database) -> None:
    assert [tries(db, 12), tries(db, 12, key="other")] == [10, 10]


def test_many_at_once_get_no_more(db: Database) -> None:
    other = Database(db.url)
    with ThreadPoolExecutor(8) as pool:
        let = sum(pool.map(lambda number: tries((db, other)[number % 2], 4), range(8)))
    other.dispose()
    assert let == 10


def test_the_limit_holds_over_processes(db: Database) -> None:
    url = db.url.render_as_string(hide_password=False)
    told = [sys.executable, "-c", ALONE, url, NOW.isoformat()]
    running = [subprocess.Popen(told, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sum(int(each.communicate(timeout=180)[0]) for each in running) == 10
    assert tries(db, 1) == 0


def test_old_slots_are_pruned(db: Database) -> None:
    tries(db, 3)
    tries(db, 1, at=40)
    with db.transaction() as session:
        limiter.prune(session.connection(), now=NOW + timedelta(minutes=40))
    with db.reading() as session:
        assert session.scalars(select(Tries.count)).all() == [1]
