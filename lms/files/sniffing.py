"""What a file is by its first bytes; neither its name nor a browser's word is asked."""

import re

HEAD = 4096
"""How many of the first bytes sniff() wants to see."""

UNKNOWN = "application/octet-stream"
ZIP = "application/zip"
OLE = "application/x-ole-storage"
"""What old word processors write: .hwp, .doc, .ppt, .xls."""

_STARTS = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"PK\x03\x04", ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
)
_WEBVTT = re.compile(rb"(\xef\xbb\xbf)?WEBVTT(?:[ \t\r\n]|$)")
_BRANDS = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"mif1": "image/heif",
}


def sniff(head: bytes) -> str:
    """The media type that the first bytes (up to HEAD of them) speak of; UNKNOWN for no other."""
    for start, media_type in _STARTS:
        if head.startswith(start):
            return media_type
    if head[:4] == b"\x1aE\xdf\xa3":
        # EBML: the document type stands in the first few elements (RFC 8794, 11.2.6).
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if _WEBVTT.match(head):
        return "text/vtt"
    return "text/plain" if _is_text(head) else UNKNOWN


def _is_text(head: bytes) -> bool:
    if not head or b"\0" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The last letter may be cut where the head ends.
        return len(head) == HEAD and error.start >= HEAD - 3
    return True
