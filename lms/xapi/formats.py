"""The special data types of xAPI (Data 4.0): what each looks like, and instants read and written.

Patterns end with \\Z: a dollar sign would let a line feed through behind the value.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated

from msgspec import Meta

_IRI = r"\A[A-Za-z][A-Za-z0-9+.\-]*:[^\s\x00-\x20\x7f<>\"{}|\\^`]+\Z"
_UUID = r"\A[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z"
_MAILBOX = r"\Amailto:[^@\s\x00-\x20]+@[^@\s\x00-\x20]+\Z"
_SHA1 = r"\A[0-9a-fA-F]{40}\Z"
_SHA2 = r"\A([0-9a-fA-F]{56}|[0-9a-fA-F]{64}|[0-9a-fA-F]{96}|[0-9a-fA-F]{128})\Z"
_MEDIA_TYPE = r"\A[^\s/;,]+/[^\s/;,]+(\s*;[^\r\n]*)?\Z"
_VERSION = r"\A(1\.0\.[0-9]+(-[0-9A-Za-z-]+)?|2\.0\.[0-9]+)\Z"

# The sequence of token lengths of RFC 5646 2.1, with its irregular tags of four letters and more.
_LANGUAGE = (
    r"(?ai)\A(([a-z]{2,3}(-[a-z]{3}){0,3}|[a-z]{4,8})(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?"
    r"(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(-[a-wyz0-9](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?"
    r"|x(-[a-z0-9]{1,8})+|i(-[a-z0-9]{2,8})+|en-gb-oed|sgn-(be-(fr|nl)|ch-de))\Z"
)

_DAY = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_OFFSET = (
    r"\+([01][0-9]|2[0-3])(:?[0-5][0-9])?|-(0[1-9]|1[0-9]|2[0-3])(:?[0-5][0-9])?"
    r"|-00:?(0[1-9]|[1-5][0-9])"
)
# ISO 8601's combined format; minus zero says that the offset is unknown (RFC 3339 4.3): refused.
_EXTENDED = (
    rf"{_DAY}[Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60)([.,][0-9]+)?)?([Zz]|{_OFFSET})?"
)
# Its basic form; what stands in it is looked at once it is written in the extended one.
_BASIC = (
    r"([0-9]{4})([0-9]{2})([0-9]{2})[Tt]([0-9]{2})([0-9]{2})"
    r"([0-9]{2}(?:[.,][0-9]+)?)?([Zz]|[+\-][0-9]{2}(?:[0-9]{2})?)?"
)
_TIMESTAMP = rf"\A({_EXTENDED}|{_BASIC})\Z"
# 2.0 wants RFC 3339: seconds and an offset with its colon are always there.
_RFC3339 = (
    rf"\A{_DAY}[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
    r"([Zz]|\+([01][0-9]|2[0-3]):[0-5][0-9]|-(0[1-9]|1[0-9]|2[0-3]):[0-5][0-9]"
    r"|-00:(0[1-9]|[1-5][0-9]))\Z"
)
# ISO 8601:2004 4.4.3.2; only the smallest part may have a fraction. Seconds alone may go without
# their T: an example of the standard does (Data 4.6.s2.table1.row2).
_DURATION = (
    r"\A(P[0-9]+([.,][0-9]+)?S|P(?!\Z)(?!.*[.,][0-9]+[YMDH][T0-9])([0-9]+([.,][0-9]+)?W|([0-9]+([.,][0-9]+)?Y)?([0-9]+([.,][0-9]+)?M)?"
    r"([0-9]+([.,][0-9]+)?D)?(T(?=[0-9])([0-9]+([.,][0-9]+)?H)?([0-9]+([.,][0-9]+)?M)?"
    r"([0-9]+([.,][0-9]+)?S)?)?))\Z"
)

Iri = Annotated[str, Meta(pattern=_IRI)]
Uuid = Annotated[str, Meta(pattern=_UUID)]
Mailbox = Annotated[str, Meta(pattern=_MAILBOX)]
Sha1 = Annotated[str, Meta(pattern=_SHA1)]
Sha2 = Annotated[str, Meta(pattern=_SHA2)]
MediaType = Annotated[str, Meta(pattern=_MEDIA_TYPE)]
Language = Annotated[str, Meta(pattern=_LANGUAGE)]
Timestamp = Annotated[str, Meta(pattern=_TIMESTAMP)]
Duration = Annotated[str, Meta(pattern=_DURATION)]
Version = Annotated[str, Meta(pattern=_VERSION)]
LanguageMap = dict[Language, str]

RULES = {
    _IRI: "an IRI with a scheme (Data 2.2, 4.3)",
    _UUID: "a UUID in its standard form (Data 4.4)",
    _MAILBOX: "a mailto IRI (Data 2.4.2.3)",
    _SHA1: "a SHA-1 in 40 hexadecimal digits (Data 2.4.2.3)",
    _SHA2: "a SHA-2 in hexadecimal digits (Data 2.4.11)",
    _MEDIA_TYPE: "an Internet media type (Data 2.4.11)",
    _LANGUAGE: "a language tag of RFC 5646 (Data 4.2)",
    _TIMESTAMP: "an ISO 8601 timestamp, its offset not minus zero (Data 4.5)",
    _DURATION: "an ISO 8601 duration (Data 4.6)",
    _VERSION: "a version of 1.0.x or 2.0.x (Data 2.4.10)",
}
"""Pattern → what it asks for, in the words of a refusal."""

_is_rfc3339 = re.compile(_RFC3339).match
_is_extended = re.compile(rf"\A{_EXTENDED}\Z").match
_basic = re.compile(rf"\A{_BASIC}\Z").match
_is_iri = re.compile(_IRI).match
_is_uuid = re.compile(_UUID).match
_PARTS = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?"
    r"(?:[Zz]|([+-])(\d\d):?(\d\d)?)?\Z"
)


def is_iri(text: str) -> bool:
    return _is_iri(text) is not None


def is_uuid(text: str) -> bool:
    return _is_uuid(text) is not None


@lru_cache(maxsize=256)
def read_timestamp(text: str, *, strict: bool = False) -> datetime:
    """The instant, in UTC, cut to microseconds; without an offset it is taken as UTC.

    `strict`: RFC 3339, as 2.0 asks. Raises ValueError on a day or a form that does not exist.
    """
    if not strict:
        text = _extended(text)
    if not (_is_rfc3339 if strict else _is_extended)(text):
        raise ValueError(RULES[_TIMESTAMP])
    found = _PARTS.match(text)
    if found is None:
        raise ValueError(RULES[_TIMESTAMP])
    day, minute, second, fraction, sign, hours, minutes = found.groups()
    leap = second == "60"  # 23:59:60 is the instant after 23:59:59 and has no datetime of its own
    clock = f"{minute}:{'59' if leap else second or '00'}"
    try:
        at = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6].ljust(6, '0')}+00:00")
        shift = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        at = at - shift if sign == "+" else at + shift
    except (ValueError, OverflowError):
        raise ValueError("a date that the calendar has (Data 4.5)") from None
    return at + timedelta(seconds=1) if leap else at


def in_utc(text: str, at: datetime) -> str:
    """The timestamp `text`, which is the instant `at`, as UTC with all its digits (Data 4.5.s1.b6).

    The same text if it is in UTC already, as RFC 3339 writes it.
    """
    if text.endswith("Z") and "T" in text and _is_rfc3339(text):
        return text
    found = _PARTS.match(_extended(text))
    fraction = found.group(4) if found else None
    return at.strftime("%Y-%m-%dT%H:%M:%S").zfill(19) + (f".{fraction}" if fraction else "") + "Z"


def write_timestamp(at: datetime) -> str:
    """An instant as RFC 3339 in UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _extended(text: str) -> str:
    """A timestamp in ISO 8601's basic form in the extended one; any other text as it is."""
    found = _basic(text)
    if found is None:
        return text
    year, month, day, hour, minute, second, offset = found.groups("")
    return f"{year}-{month}-{day}T{hour}:{minute}{second and ':'}{second}{offset}"
