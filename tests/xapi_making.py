"""Statements made up at random: valid ones of every shape, and others with something changed."""

import json
import random
from collections.abc import Callable
from typing import Any

from tests.xapi_samples import AGENTS, GROUPS, VALID, WRONG, encoded

_WORDS = ("", "가", "a", "'", "\u0000", "😀", "0", "null", "\u2028", " ", "a\\b", '"', "é" * 40)
_KEYS = ("actor", "verb", "object", "id", "objectType", "name", "member", "extensions", "x", "")
_PIECES = (*(bytes([one]) for one in b'{}[]",:\\\x00\xff'), b"\xef\xbb\xbf", b"1e999", b"null")


class Dice:
    """One statement after another, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  test data, not secrets
        self._some = [
            *VALID.values(),
            {**VALID["least"], "context": {"contextAgents": AGENTS, "contextGroups": GROUPS}},
        ]

    def valid(self, version: str) -> dict[str, Any]:
        """A statement that the version takes."""
        said = self._body(version)
        if self._one_in(6):
            said["object"] = {**self._body(version), "objectType": "SubStatement"}
            said.get("context", {}).pop("platform", None)
        if self._one_in(4):
            said["id"] = self.uuid()
        return self._mixed(said)

    def malformed(self) -> bytes:
        """A statement of any shape with something changed in it, most often for the worse."""
        base = self._pick([*self._some, *(value for value, _ in WRONG.values())])
        base = json.loads(encoded(base))
        if isinstance(base, dict) and self._one_in(4):
            base = {**VALID["least"], "object": {**base, "objectType": "SubStatement"}}
        for _ in range(self._random.randint(1, 3)):
            base = self._changed(base)
        raw = json.dumps(base, ensure_ascii=self._one_in(2)).encode(errors="surrogatepass")
        return self._torn(raw) if self._one_in(3) else raw

    def uuid(self) -> str:
        digits = f"{self._random.getrandbits(128):032x}"
        parts = digits[:8], digits[8:12], "4" + digits[13:16], "8" + digits[17:20], digits[20:]
        return self._pick([str.lower, str.upper])("-".join(parts))

    def _body(self, version: str) -> dict[str, Any]:
        said: dict[str, Any] = {
            "actor": self._pick([self._agent, self._group])(),
            "verb": {"id": self._iri(), **self._maybe(display=self._words)},
            "object": self._activity(),
            **self._maybe(result=self._result, timestamp=lambda: self._instant(version)),
        }
        if self._one_in(2):
            said["context"] = self._context(version)
        return said

    def _agent(self) -> dict[str, Any]:
        which = self._random.randrange(4)
        found: dict[str, Any] = {
            0: {"mbox": f"mailto:{self._random.randrange(9)}@Example.KR"},
            1: {"mbox_sha1sum": f"{self._random.getrandbits(160):040x}"},
            2: {"openid": self._iri()},
            3: {"account": {"homePage": self._iri(), "name": self._text()}},
        }[which]
        return found | self._maybe(name=self._text, objectType=lambda: "Agent")

    def _group(self) -> dict[str, Any]:
        members = [self._agent() for _ in range(self._random.randint(1, 3))]
        named = self._agent() if self._one_in(2) else {}
        return {**named, "objectType": "Group", "member": members}

    def _activity(self) -> dict[str, Any]:
        return {"id": self._iri()} | self._maybe(
            objectType=lambda: "Activity",
            definition=lambda: self._maybe(
                name=self._words,
                description=self._words,
                type=self._iri,
                moreInfo=self._iri,
                extensions=self._extensions,
            ),
        )

    def _result(self) -> dict[str, Any]:
        return self._maybe(
            score=lambda: self._maybe(
                scaled=lambda: self._random.uniform(-1, 1),
                raw=lambda: self._random.randint(0, 10),
                min=lambda: -self._random.random(),
                max=lambda: 10.5,
            ),
            success=lambda: self._one_in(2),
            completion=lambda: self._one_in(2),
            response=self._text,
            duration=lambda: self._pick(["PT1S", "P1Y2M", "P4W", "PT0.123456S"]),
            extensions=self._extensions,
        )

    def _context(self, version: str) -> dict[str, Any]:
        around = self._maybe(
            registration=self.uuid,
            instructor=self._agent,
            team=self._group,
            platform=self._text,
            language=lambda: self._pick(["ko", "en-US", "zh-Hans-CN"]),
            statement=lambda: {"objectType": "StatementRef", "id": self.uuid()},
            extensions=self._extensions,
            contextActivities=lambda: self._maybe(
                parent=self._activity,
                grouping=lambda: [self._activity(), self._activity()],
                category=list,
                other=lambda: [self._activity()],
            ),
        )
        if version.startswith("2."):
            around |= self._maybe(contextAgents=lambda: AGENTS, contextGroups=lambda: GROUPS)
        return around

    def _instant(self, version: str) -> str:
        second = f"{self._random.randrange(60):02}.{self._random.randrange(10**6)}"
        offset = self._pick(["Z", "+00:00", "+09:00", "-03:30", "+14:00"])
        old = ["", "+09", "-0330"] if version.startswith("1.") else []
        return f"2026-02-{self._random.randint(1, 28):02}T03:04:{second}" + self._pick(
            [offset, *old]
        )

    def _extensions(self) -> dict[str, Any]:
        return {self._iri(): self._json(3) for _ in range(self._random.randrange(3))}

    def _json(self, depth: int) -> Any:
        if depth and self._one_in(2):
            inner = [self._json(depth - 1) for _ in range(self._random.randrange(3))]
            keys = self._random.sample(_KEYS, len(inner))
            return inner if self._one_in(2) else dict(zip(keys, inner, strict=True))
        return self._pick([None, True, 0, -1, 10**19, 1.5e-7, 1e300, self._text()])

    def _words(self) -> dict[str, str]:
        return {tag: self._text() for tag in ("ko", "en-US", "x-y") if self._one_in(2)}

    def _iri(self) -> str:
        path = self._pick(["a", "가/나", "%20", "?q=1&r=", "a" * 700])
        return self._pick(["http://example.kr/", "urn:x:", "tag:a,2020:"]) + path

    def _text(self) -> str:
        return self._pick(_WORDS) + self._pick(_WORDS)

    def _changed(self, value: Any) -> Any:
        """The same with one part, somewhere, left out, put anew, or under another key."""
        if not isinstance(value, dict | list) or not value or self._one_in(5):
            return self._json(2)
        if isinstance(value, list):
            place = self._random.randrange(len(value))
            return [*value[:place], self._changed(value[place]), *value[place + 1 :]]
        key = self._pick(list(value))
        left = {name: part for name, part in value.items() if name != key}
        match self._random.randrange(6):
            case 0:
                return left
            case 1:
                return {**left, self._pick([str.upper, str.title])(key): value[key]}
            case 2:
                return {**value, self._pick(_KEYS): self._json(2)}
            case _:
                return {**value, key: self._changed(value[key])}

    def _torn(self, raw: bytes) -> bytes:
        place = self._random.randrange(len(raw))
        piece = self._pick([b"", *_PIECES, raw[:place]])
        return raw[:place] + piece + raw[place + self._random.randrange(3) :]

    def _mixed(self, value: dict[str, Any]) -> dict[str, Any]:
        keys = self._random.sample(list(value), len(value))
        return {key: value[key] for key in keys}

    def _maybe(self, **parts: Callable[[], Any]) -> dict[str, Any]:
        return {name: make() for name, make in parts.items() if self._one_in(2)}

    def _pick(self, some: Any) -> Any:
        return self._random.choice(some)

    def _one_in(self, number: int) -> bool:
        return self._random.randrange(number) == 0
