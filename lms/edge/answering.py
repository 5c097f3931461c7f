"""Headers that stand on every answer."""

from collections.abc import Iterable

from flask import Response


def put(response: Response, headers: Iterable[tuple[str, str]]) -> None:
    """Add headers that the answer does not have yet, whose names and values are text of ours.

    Werkzeug looks through all that are there, and at every character, for each that is set.
    """
    response.headers._list.extend(headers)  # noqa: SLF001  its own methods do just that looking
