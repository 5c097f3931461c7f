"""Input is parsed once, here, into a typed value; inside, it is trusted."""

from typing import TypeVar

import msgspec
from flask import request

from lms.errors import InvalidError, TooLargeError

Parsed = TypeVar("Parsed")
MOST = 1_000_000


def json_body(shape: type[Parsed], *, most: int = MOST) -> Parsed:
    """The request's JSON as `shape`. Raises InvalidError with the path of what is wrong."""
    if (request.content_length or 0) > most:
        raise TooLargeError("한 번에 받을 수 있는 양을 넘었습니다. 나누어 보내 주십시오.")
    try:
        return msgspec.json.decode(request.get_data(), type=shape)
    except msgspec.ValidationError as error:
        raise InvalidError("보낸 내용을 고쳐 주십시오: {what}", what=str(error)) from None
    except msgspec.DecodeError as error:
        raise InvalidError("보낸 내용이 JSON이 아닙니다: {what}", what=str(error)) from None
