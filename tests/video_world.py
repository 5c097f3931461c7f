"""A learner before a video, and a clock that the test moves."""

from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import time_machine
from sqlalchemy import event

from lms import clock
from lms.learning.pings import Asked, Reading
from lms.learning.rules import RuleSet
from lms.xapi import store
from tests import factories

NO_SCORE = RuleSet(score_min=None)


class World(SimpleNamespace):
    """One learner before one video, and a clock that the test moves."""

    def begin(self, client=None, **more):
        body = {"enrolment": self.enrolment.id, "activity": self.activity.id, **more}
        return (client or self.client).post("/learning-sessions", json=body)

    def ping(self, token, *pings, client=None, **more):
        return (client or self.client).post("/pings", json={"token": token, "pings": pings, **more})

    def asked(self, learner, reports, *, token=None, enrolment_id=None):
        """What POST /pings hands to the writer, of a learner with a person and a token."""
        by = Reading(
            person_id=learner.person.id,
            institution_id=learner.person.institution_id,
            zone="Asia/Seoul",
            now=clock.now(),
            mono_ms=self.mono.now,
            boot=clock.boot(),
        )
        return Asked(self.hook, token or learner.token, reports, by, enrolment_id)

    def passes(self, seconds):
        self.traveller.shift(timedelta(seconds=seconds))
        self.mono.now += round(seconds * 1000)

    def second_device(self):
        other = factories.browser(self.client.application)
        other.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (Windows NT 10.0) Firefox/150"
        factories.sign_in(other, self.person)
        return other

    def verbs(self):
        with self.db.transaction() as session:
            found = store.of_registration(
                session.connection(), self.enrolment.institution_id, self.enrolment.registration
            )
            return [one.verb.rsplit("/", 1)[1] for one in found]


def build(app, client, monkeypatch):
    state = app.extensions["lms"]
    mono = SimpleNamespace(now=1_000_000)
    monkeypatch.setattr(clock, "monotonic_ms", lambda: mono.now)
    with state.db.transaction() as session:
        home = factories.institution(session)
        person = factories.person(session, home)
        course = factories.course(session, state.kinds, home, [factories.VIDEO])
        run = factories.run(session, course, NO_SCORE)
        enrolment = factories.enrolment(session, state.hook, person, run)
        activity = factories.activities(session, enrolment)[0]
    with time_machine.travel(factories.NOW, tick=False) as traveller:
        factories.sign_in(client, person)
        yield World(
            db=state.db,
            hook=state.hook,
            client=client,
            person=person,
            run=run,
            enrolment=enrolment,
            activity=activity,
            traveller=traveller,
            mono=mono,
        )


@contextmanager
def statements_of(db):
    """The SQL that is run within, on the writing pool."""
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(" ".join(statement.split()))

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


def played(seq, *segments, event="tick", position=0, rate=100):
    return {
        "seq": seq,
        "segments": segments,
        "position_ms": position,
        "rate": rate,
        "event": event,
        "at": "2026-11-23T05:03:12Z",
    }
