"""What is known of an activity (Communication 2.5)."""

import msgspec
from flask import Response
from flask.typing import ResponseReturnValue

from lms.edge import session
from lms.xapi import canon
from lms.xapi.actors import find_key
from lms.xapi.resources.parameters import activity_in, tagged
from lms.xapi.resources.seam import Call, resource


def get_activity(call: Call) -> ResponseReturnValue:
    """The Activity with its canonical definition; without, where none is known (2.5.s2.b1)."""
    caller = call.caller("profile", "define", "statements/read")
    iri = activity_in(call.only("activityId"))
    key = find_key(iri)
    known = canon.definitions(session().connection(), caller.institution_id, [key]).get(key)
    told = {"objectType": "Activity", "id": iri, **({"definition": known} if known else {})}
    return tagged(Response(msgspec.json.encode(told), mimetype="application/json"), call)


resource("/activities", GET=get_activity)
