"""Encryption of what must not be readable in a stolen database, and the marks that find it.

AES-256-GCM with a random nonce; a mark is a keyed hash. Both keys are derived from one secret.
"""

import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = "1."
_NONCE = 12  # bytes; NIST SP 800-38D 8.2.1


class SealedError(ValueError):
    """A sealed value that this key does not open, or that was changed."""


class Sealer:
    """Seals and opens short texts with one secret."""

    def __init__(self, key: str) -> None:
        self._cipher = AESGCM(_derive(key, b"seal"))
        self._mark_key = _derive(key, b"mark")

    def seal(self, text: str) -> str:
        """`text` encrypted; every call gives another answer for the same text."""
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, text.encode(), _VERSION.encode())
        return _VERSION + urlsafe_b64encode(sealed).decode()

    def open(self, sealed: str) -> str:
        """The text that was sealed. Raises SealedError for another key's or a changed value."""
        if not sealed.startswith(_VERSION):
            raise SealedError("not sealed by us")
        try:
            raw = urlsafe_b64decode(sealed.removeprefix(_VERSION))
            if _VERSION + urlsafe_b64encode(raw).decode() != sealed:
                # Base64's last character has bits to spare: a change there would go unseen.
                raise SealedError("not as it was sealed")
            opened = self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _VERSION.encode())
        except (InvalidTag, ValueError) as error:
            raise SealedError("sealed with another key, or changed") from error
        return opened.decode()

    def mark(self, text: str) -> str:
        """A keyed hash: equal for equal texts, and says nothing without the key."""
        return hmac.new(self._mark_key, text.encode(), hashlib.sha256).hexdigest()


def _derive(key: str, purpose: bytes) -> bytes:
    # The secret is long and random (or is meant to be), so one keyed hash makes a fine subkey.
    return hmac.new(key.encode(), b"lms.people.sealing:" + purpose, hashlib.sha256).digest()
