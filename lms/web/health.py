"""What a front proxy and a supervisor ask: is the process up, and may it be sent requests?"""

from flask.typing import ResponseReturnValue

from lms import checks
from lms.edge import Blueprint, json_answer, state
from lms.permissions import Permission, anyone

blueprint = Blueprint("health", __name__)
ASK_HEALTH = Permission("health.ask", allows=anyone)


@blueprint.get("/healthz", permission=ASK_HEALTH, scope="public", browser=False)
def healthz() -> ResponseReturnValue:
    """The process answers. Asks no database: a database that is down is no reason to restart us."""
    return json_answer({"up": True})


@blueprint.get("/readyz", permission=ASK_HEALTH, scope="public", browser=False)
def readyz() -> ResponseReturnValue:
    """Whether requests can be served; 503 with the names of what failed, and no more than that."""
    findings = checks.ready(state().db)
    ready = all(finding.ok for finding in findings)
    body = {"ready": ready, "checks": {finding.name: finding.ok for finding in findings}}
    return json_answer(body, 200 if ready else 503)
