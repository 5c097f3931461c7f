"""Who may do what with courses and enrolments."""

from lms.permissions import Permission, has_role, owns, signed_in

SEE_COURSES = Permission("courses:see", signed_in)
ENROL = Permission("courses:enrol", has_role("learner"))
LEARN = Permission("enrolment:learn", owns, sees=owns)
