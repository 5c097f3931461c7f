"""Who may see the pages of the house itself."""

from lms.permissions import Permission, anyone, has_role

HOME = Permission("home:see", anyone)
CONTENT = Permission("content:fetch", anyone)
"""Whoever holds the signed, short-lived link; the content host knows no sign-ins."""

MANAGE = Permission("manage.see", has_role("officer", "institution_admin"))
"""What waits for a decision of those who run the institution."""
