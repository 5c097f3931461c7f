"""The note as a kind of activity."""

from typing import Any

from sqlalchemy.orm import Session

from lms.errors import InvalidError
from lms.learning.kinds import Place

NAME = "note"


class NoteKind:
    """One sentence of the learner's own."""

    name = NAME
    label = "한 줄 쓰기"
    icon = "page"
    template = "ieum_note/note.html"

    def check(self, config: dict[str, Any]) -> dict[str, Any]:
        """The configuration with its question trimmed. Raises InvalidError without one."""
        question = str(config.get("question", "")).strip()
        if not question:
            raise InvalidError("무엇을 쓸지 물어 주십시오.", field="question")
        return {"question": question}

    def weight_ms(self, config: dict[str, Any]) -> int:
        return 60_000

    def files(self, config: dict[str, Any]) -> list[str]:
        return []

    def context(self, session: Session, place: Place) -> dict[str, Any]:
        return {"question": place.activity.config["question"], "done": place.facts.done}
