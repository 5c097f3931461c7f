"""What every page of ours tells the browser to refuse."""

from functools import cache

from flask import Response

from lms.edge import state
from lms.edge.answering import put


def secure(response: Response) -> Response:
    """Set the security headers, unless the view set its own."""
    settings = state().settings
    given = {name.lower() for name, _ in response.headers}
    ours = of(settings.content_base, secure=settings.secure)
    put(response, [(name, value) for low, name, value in ours if low not in given])
    return response


@cache
def of(content: str, *, secure: bool) -> list[tuple[str, str, str]]:
    """Name in small letters, name, value."""
    policy = (
        "default-src 'self'",
        f"img-src 'self' {content}",
        f"media-src 'self' {content}",
        f"connect-src 'self' {content}",
        f"frame-src {content}",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
    headers = {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
        # Pages are about one person: neither a proxy nor the next user of a school's computer
        # may find them again.
        "Cache-Control": "private, no-store",
    }
    if secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return [(name.lower(), name, value) for name, value in headers.items()]
