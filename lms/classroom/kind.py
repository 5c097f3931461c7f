"""The activity that one completes by attending a meeting."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from lms.classroom import choosing
from lms.errors import InvalidError
from lms.files.uploads import Uploads
from lms.learning.kinds import Place, Read

MOST_MINUTES = 60 * 60
_MINUTE_MS = 60_000


class MeetingEditor:
    """How staff edit it: how long it takes, and what people should know of it."""

    template = "lms/classroom/edit_activity.html"
    uploads: tuple[str, ...] = ()
    words: Mapping[str, str] = {"minutes": "모임 시간(분)", "note": "모임 안내"}

    def context(self, config: dict[str, Any]) -> dict[str, Any]:
        return {"minutes": str(config.get("minutes", "")), "note": config.get("note", "")}

    def typed(self, form: Mapping[str, str], config: dict[str, Any]) -> dict[str, Any]:
        shown = self.context(config)
        return {name: form.get(name, value) for name, value in shown.items()}

    def read(self, form: Any, files: Uploads, before: dict[str, Any]) -> Read:
        text = form.get("minutes", "").strip()
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
        config = {"minutes": number, "note": form.get("note", "").strip()[:1000]}
        try:
            return Read(MeetingKind().check(config))
        except InvalidError as error:
            return Read(config, (error,))


class MeetingKind:
    """A classroom, live or field meeting: see lms.learning.kinds.Kind."""

    name = "meeting"
    label = "모임"
    icon = "people"
    template = "lms/classroom/activity.html"
    scores = False
    editor = MeetingEditor()

    def check(self, config: dict[str, Any]) -> dict[str, Any]:
        minutes = config.get("minutes")
        if not isinstance(minutes, int) or not 0 < minutes <= MOST_MINUTES:
            raise InvalidError("모임 시간을 분으로 적어 주십시오. 예: 170", field="minutes")
        return {"minutes": minutes, "note": str(config.get("note", ""))}

    def weight_ms(self, config: dict[str, Any]) -> int:
        return int(config["minutes"]) * _MINUTE_MS

    def files(self, config: dict[str, Any]) -> list[str]:
        return []

    def context(self, session: Session, place: Place) -> dict[str, Any]:
        lines = choosing.of_activity(session, place.enrolment, place.activity.id)
        return {
            "note": place.activity.config.get("note", ""),
            "lines": lines,
            "choices": choosing.instead(lines, now=place.now),
            "soon": place.now + choosing.EARLY,
            "enrolment_id": place.enrolment.id,
            "activity_id": place.activity.id,
        }

    def preview(self, session: Session, place: Place) -> dict[str, Any]:
        return {"note": place.activity.config.get("note", ""), "lines": []}
