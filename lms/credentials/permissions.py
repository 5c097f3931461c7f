"""Who may see, print and revoke certificates."""

from lms.permissions import Permission, anyone, has_role, owns, signed_in

OWN_RECORD = Permission("record:see", signed_in)
SEE = Permission("certificate:see", owns, sees=owns)
VERIFY = Permission("certificate:verify", anyone)
REVOKE = Permission("certificate:revoke", has_role("officer", "institution_admin"))
REVIEW = Permission("completion:review", has_role("officer", "institution_admin"))
"""Seeing completions that lean on voided statements, and deciding what becomes of them."""
