"""What is known of an agent (Communication 2.4)."""

import msgspec
from flask import Response
from flask.typing import ResponseReturnValue

from lms.edge import session
from lms.xapi import persons
from lms.xapi.resources.parameters import agent_in, tagged
from lms.xapi.resources.seam import Call, resource


def get_agent(call: Call) -> ResponseReturnValue:
    """The Person of an agent; names out of statements for those who may read them (2.4.s3.b1)."""
    caller = call.caller("profile", "statements/read")
    agent = agent_in(call.only("agent"))
    names: list[str] = []
    if caller.may("statements/read", "all/read"):
        names = persons.names(session().connection(), caller.institution_id, agent)
    told = msgspec.json.encode(persons.person(agent, names))
    return tagged(Response(told, mimetype="application/json"), call)


resource("/agents", GET=get_agent)
