"""Who makes courses."""

from lms.permissions import Permission, has_role

MAKE = Permission("courses:make", has_role("officer", "institution_admin"))
READ_MAKING = Permission("courses:read_making", has_role("officer", "institution_admin", "auditor"))
"""Drafts, versions and what differs between them, without changing anything."""
