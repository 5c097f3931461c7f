"""What can go wrong, said once; the edge turns each into a page and into JSON of one shape.

A message is a msgid of the catalogue (Korean), with its parameters beside it, so that a service
can refuse in words without knowing the reader's language.
"""

from typing import Any


class LMSError(Exception):
    """A refusal that a person may read."""

    status = 400
    code = "refused"

    def __init__(self, message: str, /, **params: Any) -> None:
        super().__init__(message.format(**params) if params else message)
        self.message = message
        self.params = params


class InvalidError(LMSError):
    """What came in cannot be used; `field` says which part."""

    status = 422
    code = "invalid"

    def __init__(self, message: str, /, *, field: str | None = None, **params: Any) -> None:
        super().__init__(message, **params)
        self.field = field


class NotFoundError(LMSError):
    """It is not there, or not for this person to know of."""

    status = 404
    code = "not_found"


class ForbiddenError(LMSError):
    """The person may see it, and may not do this with it."""

    status = 403
    code = "forbidden"


class SignInNeededError(LMSError):
    """Nobody is signed in."""

    status = 401
    code = "sign_in"


class ClosedError(LMSError):
    """The thing exists and the person may have it, but not now."""

    status = 409
    code = "closed"


class ElsewhereError(LMSError):
    """Learning goes on in another place; a person says which one goes on."""

    status = 409
    code = "elsewhere"


class ConflictError(LMSError):
    """Something else stands there already."""

    status = 409
    code = "conflict"


class TooManyError(LMSError):
    """Too many tries; `retry_after` in seconds."""

    status = 429
    code = "too_many"

    def __init__(self, message: str, /, *, retry_after: int, **params: Any) -> None:
        super().__init__(message, retry_after=retry_after, **params)
        self.retry_after = retry_after


class TooLargeError(LMSError):
    """More than is accepted at once."""

    status = 413
    code = "too_large"


class BusyError(LMSError):
    """The server has more to write than it can hold; nothing was saved, try again."""

    status = 503
    code = "busy"
    retry_after = 2
