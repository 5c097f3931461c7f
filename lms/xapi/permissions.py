"""Who may use the record store."""

from lms.permissions import Permission, anyone

USE = Permission("xapi.use", anyone)
"""Everybody reaches the resources; each request is let through by the credentials it brings and
the scopes they have (Communication 4.0), which no sign-in can stand for."""
