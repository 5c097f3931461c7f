"""What learners see of the desk: asking, their questions, notices, and how they are told."""

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms import clock
from lms.edge import now, person, render, session, state
from lms.edge.rendering import url
from lms.errors import NotFoundError
from lms.learning.models import Enrolment
from lms.people.models import Person
from lms.tutoring import notices, questions, unwanted
from lms.tutoring.models import Question
from lms.tutoring.permissions import ASK, HEAR, STOP
from lms.tutoring.views.answering import thread
from lms.tutoring.views.entrance import blueprint
from lms.tutoring.words import CHANNELS

_BROKEN = "이 주소로는 수신을 끌 수 없습니다. 내 소식 화면에서 꺼 주십시오."


@blueprint.get("/enrolments/<int:id>/questions", permission=ASK, scope="institution", on=Enrolment)
def ask(enrolment: Enrolment) -> ResponseReturnValue:
    """The form, and what was asked from here; `activity`: where the learner stands."""
    return render(
        "lms/tutoring/ask.html",
        enrolment=enrolment,
        course=enrolment.run.course,
        rows=questions.of_enrolment(session(), enrolment.id),
        activity=request.args.get("activity", type=int),
        longest=questions.LONGEST,
    )


@blueprint.post("/enrolments/<int:id>/questions", permission=ASK, scope="institution", on=Enrolment)
def ask_it(enrolment: Enrolment) -> ResponseReturnValue:
    """Form: `text`, and `activity` where the learner stood."""
    asked = questions.ask(
        session(),
        enrolment,
        request.form.get("text", ""),
        activity_id=request.form.get("activity", type=int),
        now=now(),
    )
    return redirect(url("tutoring.my_question", id=asked.id, said="asked"), 303)


@blueprint.get("/questions", permission=HEAR, scope="institution")
def my_questions() -> ResponseReturnValue:
    rows = questions.of_person(session(), person().person_id)
    return render("lms/tutoring/questions.html", rows=rows)


@blueprint.get("/questions/<int:id>", permission=ASK, scope="institution", on=Question)
def my_question(question: Question) -> ResponseReturnValue:
    return render(
        "lms/tutoring/question.html",
        **thread(question),
        staff=False,
        said=request.args.get("said", ""),
    )


@blueprint.post("/questions/<int:id>/more", permission=ASK, scope="institution", on=Question)
def ask_more(question: Question) -> ResponseReturnValue:
    """Form: `text`; the question waits for an answer again."""
    text = request.form.get("text", "")
    questions.add(session(), question, text, author_id=person().person_id, now=now())
    return redirect(url("tutoring.my_question", id=question.id, said="asked"), 303)


@blueprint.get("/notices", permission=HEAR, scope="institution")
def my_notices() -> ResponseReturnValue:
    me = person()
    who = session().get_one(Person, me.person_id)
    today = clock.local_day(now(), me.zone)
    return render(
        "lms/tutoring/my_notices.html",
        rows=notices.for_person(session(), me.person_id, today),
        channels=CHANNELS,
        unwanted=who.unwanted or [],
        email=who.email,
        phone=who.phone,
        said=request.args.get("said", ""),
    )


@blueprint.post("/notices/wants", permission=HEAR, scope="institution")
def want() -> ResponseReturnValue:
    """Form: `wanted`, the channels by which one wants to be nudged."""
    who = session().get_one(Person, person().person_id)
    wanted = set(request.form.getlist("wanted"))
    unwanted.choose(
        session(),
        who,
        [one for one in CHANNELS if one not in wanted],
        actor_id=who.id,
        now=now(),
        reason="본인이 고름",
    )
    return redirect(url("tutoring.my_notices", said="saved") + "#h-ways", 303)


@blueprint.get("/notices/stop/<token>", permission=STOP, scope="platform", browser=False)
def stop(token: str) -> ResponseReturnValue:
    """Asks once more: opening an address changes nothing, whoever opens it."""
    _read(token)
    return render("lms/tutoring/stop.html", token=token, done=False)


@blueprint.post("/notices/stop/<token>", permission=STOP, scope="platform", browser=False)
def stop_now(token: str) -> ResponseReturnValue:
    """At one press, also by a mail program and without a sign-in (RFC 8058 section 3.2)."""
    person_id, channel = _read(token)
    who = session().get(Person, person_id)
    if who is None:
        raise NotFoundError(_BROKEN)
    unwanted.choose(
        session(),
        who,
        {*(who.unwanted or ()), channel},
        actor_id=who.id,
        now=now(),
        reason="메일의 주소로 끔",
    )
    return render("lms/tutoring/stop.html", token=token, done=True)


def _read(token: str) -> tuple[int, str]:
    found = unwanted.read_token(state().secret, token)
    if found is None:
        raise NotFoundError(_BROKEN)
    return found
