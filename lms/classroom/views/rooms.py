"""Rooms: the list, a room with what is in it, adding and changing; what instructors can teach."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms.classroom import listing, planning
from lms.classroom import rooms as verbs
from lms.classroom.models import Room
from lms.classroom.permissions import KEEP_ROOMS, SEE_ROOMS
from lms.classroom.views.entrance import STATE_MARKS, blueprint, field_of
from lms.edge import now, page, person, render, session
from lms.edge.rendering import url
from lms.errors import InvalidError, LMSError
from lms.learning.running.views.entrance import log_view, said
from lms.people.models import Person


@blueprint.get("/manage/rooms", permission=SEE_ROOMS, scope="institution")
def rooms() -> ResponseReturnValue:
    return _list_page()


@blueprint.post("/manage/rooms", permission=KEEP_ROOMS, scope="institution")
def add_room() -> ResponseReturnValue:
    me = person()
    try:
        room = verbs.add(session(), me.institution_id, actor_id=me.person_id, now=now(), **_typed())
    except LMSError as error:
        return _list_page(error)
    return redirect(url("classroom.room", id=room.id, done="added"), 303)


@blueprint.get("/manage/rooms/<int:id>", permission=SEE_ROOMS, scope="institution", on=Room)
def room(room: Room) -> ResponseReturnValue:
    return _room_page(room)


@blueprint.post("/manage/rooms/<int:id>", permission=KEEP_ROOMS, scope="institution", on=Room)
def change_room(room: Room) -> ResponseReturnValue:
    """Form: `act` archive or restore; else what the room is."""
    act = request.form.get("act")
    told: dict[str, Any] = {"actor_id": person().person_id, "now": now()}
    try:
        if act in {"archive", "restore"}:
            verbs.archive(session(), room, away=act == "archive", **told)
        else:
            verbs.change(session(), room, **_typed(), **told)
    except LMSError as error:
        return _room_page(room, error)
    return redirect(url("classroom.room", id=room.id, done=act or "changed"), 303)


@blueprint.get("/manage/instructors", permission=SEE_ROOMS, scope="institution")
def instructors() -> ResponseReturnValue:
    """`q`: find somebody who is not in the pool yet."""
    me = person()
    text = request.args.get("q", "").strip()[:80]
    rows = listing.pool(session(), me.institution_id)
    found = listing.by_name(session(), me.institution_id, text)
    log_view("instructors", None)
    return render(
        "lms/classroom/instructors.html",
        rows=rows,
        found=[row for row in found if row.id not in {one.id for one in rows}],
        skills=listing.skills_of(session(), [row.id for row in (*rows, *found)]),
        q=text,
        done=request.args.get("done"),
        may_keep=KEEP_ROOMS.allows(me, None),
    )


@blueprint.post("/manage/instructors", permission=KEEP_ROOMS, scope="institution")
def say_skills() -> ResponseReturnValue:
    """Form: `person`, `skills` separated by commas."""
    me = person()
    who = session().get(Person, request.form.get("person", 0, type=int))
    if who is None or who.institution_id != me.institution_id:
        raise InvalidError("강사를 다시 찾아 골라 주십시오.", field="person")
    verbs.say_skills(
        session(),
        who,
        request.form.get("skills", "").split(","),
        actor_id=me.person_id,
        now=now(),
    )
    return redirect(url("classroom.instructors", done="saved"), 303)


def _typed() -> dict[str, Any]:
    text = request.form.get("capacity", "").strip()
    return {
        "building": request.form.get("building", ""),
        "name": request.form.get("name", ""),
        "capacity": int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0,
        "equipment": request.form.getlist("equipment"),
        "note": request.form.get("note", ""),
    }


def _list_page(error: LMSError | None = None) -> ResponseReturnValue:
    me = person()
    text = request.args.get("q", "").strip()[:80]
    rows = listing.rooms(session(), me.institution_id, text)
    html = render(
        "lms/classroom/rooms.html",
        rows=rows,
        q=text,
        buildings=sorted({row.Room.building for row in rows}),
        equipment=verbs.EQUIPMENT,
        values=_typed() if error else {"equipment": []},
        errors={field_of(error, "name"): said(error)} if error else {},
        may_keep=KEEP_ROOMS.allows(me, None),
    )
    return page(html, error.status if error else 200)


def _room_page(room: Room, error: LMSError | None = None) -> ResponseReturnValue:
    me = person()
    told = listing.Filter(room_id=room.id, since=now())
    typed = error is not None and "act" not in request.form
    html = render(
        "lms/classroom/room.html",
        room=room,
        rows=listing.listed(session(), me.institution_id, told, after=None)[: listing.PAGE],
        states=planning.STATES,
        marks=STATE_MARKS,
        equipment=verbs.EQUIPMENT,
        values=_typed()
        if typed
        else {
            "building": room.building,
            "name": room.name,
            "capacity": room.capacity,
            "equipment": room.equipment,
            "note": room.note,
        },
        errors={field_of(error, "capacity"): said(error)} if error and typed else {},
        refused=said(error) if error and not typed else None,
        done=request.args.get("done"),
        may_keep=KEEP_ROOMS.allows(me, None),
    )
    return page(html, error.status if error else 200)
