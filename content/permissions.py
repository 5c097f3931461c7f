"""Who may do what with content."""

from lms.permissions import Permission, signed_in

PLAY = Permission("content:play", signed_in)
"""Whose enrolment it is, is checked when the body has named one."""
