"""Who may use the record store."""

from lms.permissions import Permission, anyone, has_role

USE = Permission("xapi.use", anyone)
"""Everybody reaches the resources; each request is let through by the credentials it brings and
the scopes they have (Communication 4.0), which no sign-in can stand for."""

READ_RECORDS = Permission("records.read", has_role("institution_admin", "auditor", "operator"))
"""The statements of the institution, whose credentials there are, how the store is doing."""

KEEP_CREDENTIALS = Permission("records.keep_credentials", has_role("institution_admin"))
"""Making credentials of the record store, renewing their secrets, revoking them."""

KEEP_FORWARDS = Permission("records.keep_forwards", has_role("institution_admin"))
"""Having statements forwarded to other record stores: making, pausing and removing."""
