"""Who may do what with people and their sign-ins."""

from lms.permissions import Permission, anyone, has_role, signed_in

COME_IN = Permission("people.come_in", anyone)
"""Signing in, asking for a new password, choosing a language."""

OWN = Permission("people.own", signed_in)
"""One's own page, sign-ins, password and preferences."""

READ = Permission("people.read", has_role("officer", "institution_admin", "auditor", "operator"))
"""Lists of people and single persons, masked."""

SEE_WHOLE = Permission("people.see_whole", has_role("officer", "institution_admin"))
"""A person's birth date and NEIS number unmasked, on that person's page."""

TAKE_AWAY = Permission("people.take_away", has_role("officer", "institution_admin"))
"""Downloading lists of people, with a reason."""

READ_ACCESS_LOG = Permission("people.read_access_log", has_role("institution_admin", "auditor"))
GIVE_ROLES = Permission("people.give_roles", has_role("institution_admin"))

IMPORT = Permission("people.import", has_role("officer", "institution_admin"))
"""Bringing in sheets of people, posts, schools and offices."""

REVIEW_ACCESS_LOG = Permission("people.review_access_log", has_role("institution_admin"))
"""Saying that a month of the access log was looked through."""

READ_SETTINGS = Permission("institution.read", has_role("institution_admin", "auditor"))
CHANGE_SETTINGS = Permission("institution.change", has_role("institution_admin"))
READ_AUDIT = Permission("audit.read", has_role("institution_admin", "auditor"))
TAKE_AUDIT_AWAY = Permission("audit.take_away", has_role("institution_admin"))
"""Downloading what the audit search shows, with a reason."""
