"""Signed statements (Data 2.6): the signature is well formed, and is of this very statement.

That catches mistakes, and is no proof of who signed: anybody can bring a certificate of their own.
"""

import re
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from lms.errors import InvalidError
from lms.xapi.attachments import File, essence
from lms.xapi.statement import Received, read, refusal

USAGE = "http://adlnet.gov/expapi/attachments/signature"
CONTENT_TYPE = "application/octet-stream"

_HASHES: dict[str, type[HashAlgorithm]] = {"RS256": SHA256, "RS384": SHA384, "RS512": SHA512}
_COMPACT = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\Z")
_decode_head = msgspec.json.Decoder(dict[str, Any]).decode


def check(received: Sequence[Received], files: Mapping[str, File]) -> None:
    """Check every signature among the attachments. `files`: those that came, by their hash.

    One that is elsewhere (fileUrl) is only asked for its type, since nothing is fetched. Raises
    InvalidError, whose field is the attachment's path.
    """
    for number, one in enumerate(received):
        start = "$" if len(received) == 1 else f"$[{number}]"
        for path, attachment in one.attachments:
            if attachment.usage_type != USAGE:
                continue
            place = start + path[1:]
            if essence(attachment.content_type) != CONTENT_TYPE:
                raise refusal(f"{place}.contentType", f"{CONTENT_TYPE} (Data 2.6.s4.b1)")
            file = files.get(attachment.sha2.lower())
            if file is None:
                continue
            payload = _check_signature(file.data, place)
            # What a sub-statement's would be of is nowhere said: it is well formed, no more.
            if path.startswith("$.attachments"):
                _check_payload(payload, one, place)


def _check_signature(jws: bytes, path: str) -> bytes:
    """The payload of a signature that is well formed (Data 2.6.s5.b3)."""
    found = _COMPACT.match(jws)
    if found is None:
        raise refusal(path, "a JSON Web Signature in compact serialization (Data 2.6.s4.b2)")
    head, payload, signature = (_decoded(part, path) for part in found.groups())
    try:
        told = _decode_head(head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refusal(path, "a JWS whose header is a JSON object (RFC 7515 3)") from None
    if not isinstance(told.get("alg"), str) or told["alg"] not in _HASHES:
        raise refusal(path, "a JWS with an alg of RS256, RS384 or RS512 (Data 2.6.s4.b4)")
    if "crit" in told:
        raise refusal(path, "a JWS without extensions that must be understood (RFC 7515 4.1.11)")
    if "x5c" in told:
        _check_certified(told, jws.rpartition(b".")[0], signature, path)
    return payload


def _check_certified(told: dict[str, Any], signed: bytes, signature: bytes, path: str) -> None:
    """Data 2.6.s5.b3.b3. The first certificate is the signer's (RFC 7515 4.1.6)."""
    rule = "an x5c that begins with the signer's X.509 certificate, of an RSA key (RFC 7515 4.1.6)"
    try:
        # Some leave in the line breaks of the PEM that it was taken from.
        der = b64decode("".join(told["x5c"][0].split()), validate=True)
        key = x509.load_der_x509_certificate(der).public_key()
    except (ValueError, TypeError, AttributeError, LookupError, UnsupportedAlgorithm):
        raise refusal(path, rule) from None
    if not isinstance(key, RSAPublicKey):
        raise refusal(path, rule)
    try:
        key.verify(signature, signed, PKCS1v15(), _HASHES[told["alg"]]())
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        rule = "a signature that its own certificate verifies (Data 2.6.s5.b3.b3)"
        raise refusal(path, rule) from None


def _check_payload(payload: bytes, one: Received, path: str) -> None:
    """Data 2.6.s5.b3.b2: what was signed is the statement, as statements are compared."""
    try:
        signed = read(payload, version=one.version, with_files=True)
    except InvalidError as error:
        rule = f"a JWS of a valid statement (Data 2.6.s4.b3); {error}"
        raise refusal(path, rule) from None
    # What one of the two lacks may have been set by a store on the way (2.3.1.b1).
    same = (
        signed.mark == one.mark
        and _agree(signed.statement_id, one.statement_id)
        and _agree(signed.timestamp, one.timestamp)
    )
    if not same:
        raise refusal(path, "a JWS of this statement and no other (Data 2.6.s5.b3.b2)")


def _agree(signed: object, sent: object) -> bool:
    return signed is None or sent is None or signed == sent


def _decoded(part: bytes, path: str) -> bytes:
    try:
        return urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except ValueError:
        raise refusal(path, "a JWS in base64url (RFC 7515 2)") from None
