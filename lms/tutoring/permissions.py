"""Who may do what at the desk. Looking after one run: lms.learning.permissions.LOOK_AFTER."""

from lms.permissions import Permission, anyone, has_role, owns, signed_in

OPEN_DESK = Permission(
    "desk.open",
    has_role("course_manager", "instructor", "officer", "institution_admin", "auditor"),
)
"""The desk itself; which runs stand on it is asked run by run."""

ANSWER = Permission("desk.answer", has_role("course_manager", "officer", "institution_admin"))
"""The inbox of questions from learners of the runs that one looks after."""

WRITE_TEMPLATES = Permission("desk.write_templates", has_role("officer", "institution_admin"))
"""The texts of nudges and the rules that send them."""

OWN_VIEW = Permission("desk.own_view", owns, sees=owns)
"""A saved filter of one's own."""

ASK = Permission("questions.ask", owns, sees=owns)
"""Asking those who look after a run, from one's own enrolment; reading one's own question."""

HEAR = Permission("notices.hear", signed_in)
"""Notices of one's own runs, one's own questions, and how one wants to be told."""

STOP = Permission("notices.stop", anyone)
"""Stopping messages by the signed link in one of them."""
