"""Run by test_third_party.py in a process of its own, with the plugin installed or not.

`python journey.py URL FOLDER learn|look`: learns a course that holds a note, or looks at it again.
Says what it saw as JSON.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

import lms
from lms.edge import State
from lms.learning import rules
from lms.learning.models import Completion, Enrolment
from lms.people.models import Person
from lms.xapi.models import Statement
from tests import factories

NOTE = {"kind": "note", "title": "한 줄 쓰기", "config": {"question": " 무엇을 배웠습니까? "}}


def main(url: str, folder: str, what: str) -> None:
    app = lms.create_app(
        LMS_DATABASE_URL=url,
        LMS_VAR=folder,
        LMS_BASE_URL="http://localhost",
        LMS_SECRET="test-secret",
        LMS_DATA_KEY="test-key",
    )
    state: State = app.extensions["lms"]
    client = factories.browser(app)
    try:
        seen = learn(client, state) if what == "learn" else look(client, state)
    finally:
        state.db.dispose()
    json.dump({"kinds": sorted(state.kinds), **seen}, sys.stdout)


def learn(client: FlaskClient, state: State) -> dict[str, Any]:
    """The whole way: closed, opened by the page, written, completed."""
    with state.db.transaction() as session:
        home = factories.institution(session)
        who = factories.person(session, home)
        course = factories.course(session, state.kinds, home, [factories.PAGE], [NOTE])
        config = course.versions[-1].units[1].activities[0].config
        rule = rules.RuleSet(score_min=None, ordered=False)
        enrolment = factories.enrolment(
            session, state.hook, who, factories.run(session, course, rule)
        )
        page, note = (one.id for one in factories.activities(session, enrolment))
    factories.sign_in(client, who)
    place = f"/enrolments/{enrolment.id}"
    hand_in = f"{place}/notes/{note}"
    closed = client.get(f"{place}?activity={note}")
    refused = client.post(hand_in, data={"text": "벌써"})
    client.post(f"{place}/activities/{page}/launched")
    client.post(f"{place}/activities/{page}/viewed")
    asked = client.get(f"{place}?activity={note}")
    empty = client.post(hand_in, data={"text": " "})
    written = client.post(hand_in, data={"text": "평가는 배움을 돕는다."})
    after = client.get(f"{place}?activity={note}")
    return {
        "config": config,
        "closed": sentence(closed.text),
        "refused": [refused.status_code, sentence(refused.text)],
        "form": f'action="{hand_in}"' in asked.text and "무엇을 배웠습니까?" in asked.text,
        "empty": empty.status_code,
        "written": [written.status_code, written.headers["Location"]],
        "place": f"{place}?activity={note}",
        "after": "적으신 글을 저장했습니다." in after.text,
        **stored(state),
    }


def sentence(text: str) -> bool:
    return "먼저 다른 활동을 마친 뒤에 쓸 수 있습니다." in re.sub(r"\s+", " ", text)


def stored(state: State) -> dict[str, Any]:
    with state.db.reading() as session:
        raws = [json.loads(raw) for raw in session.scalars(select(Statement.raw))]
        completions = session.scalars(select(Completion)).all()
        return {
            "responses": [
                raw["result"]["response"] for raw in raws if "response" in raw.get("result", {})
            ],
            "completions": [one.progress_permille for one in completions],
        }


def look(client: FlaskClient, state: State) -> dict[str, Any]:
    """The course of before, as an installation shows it that lost the plugin."""
    with state.db.reading() as session:
        enrolment = session.scalars(select(Enrolment)).one()
        page, note = (one.id for one in factories.activities(session, enrolment))
        who = session.scalars(select(Person)).one()
    factories.sign_in(client, who)
    shown = client.get(f"/enrolments/{enrolment.id}?activity={note}")
    return {
        "status": shown.status_code,
        "said": "「note」 활동을 보여 줄 확장이 설치되어 있지 않습니다." in shown.text,
        "page": client.get(f"/enrolments/{enrolment.id}?activity={page}").status_code,
        "record": client.get("/record").status_code,
        **stored(state),
    }


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parent.parent.parent))
    main(*sys.argv[1:])
