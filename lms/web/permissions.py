"""Who may see the pages of the house itself."""

from lms.permissions import Permission, anyone

HOME = Permission("home:see", anyone)
CONTENT = Permission("content:fetch", anyone)
"""Whoever holds the signed, short-lived link; the content host knows no sign-ins."""
