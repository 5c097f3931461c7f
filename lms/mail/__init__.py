"""Mail, as promised tasks named `mail.send`: a page never waits for a mail server."""

from lms.mail.sending import Mail, compose, send

__all__ = ["Mail", "compose", "send"]
