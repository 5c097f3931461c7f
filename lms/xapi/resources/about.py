"""What the record store says of itself (Communication 2.8)."""

from flask.typing import ResponseReturnValue

from lms.edge import json_answer
from lms.xapi.resources.seam import VERSIONS, Call, resource


def about(call: Call) -> ResponseReturnValue:
    """To everybody, in every version."""
    call.only()
    return json_answer({"version": VERSIONS})


resource("/about", versioned=False, GET=about)
