"""What can be done to a draft. Each changes the draft that it is given, or refuses in words."""

from collections.abc import Callable

from lms.errors import InvalidError, NotFoundError
from lms.learning.authoring import ROLES
from lms.learning.making.drafts import Draft, DraftActivity, DraftUnit, Removed, new_key

MOST_UNITS, MOST_ACTIVITIES = 200, 50
LONGEST_TITLE = 200
GONE = "그사이에 지워진 것입니다. 화면을 새로 고쳐 지금 모습을 보아 주십시오."

Act = Callable[[Draft], None]


def add_unit(title: str) -> Act:
    def act(draft: Draft) -> None:
        if len(draft.units) >= MOST_UNITS:
            raise InvalidError("차시는 {n}개까지 둘 수 있습니다.", n=MOST_UNITS, field="title")
        draft.units.append(DraftUnit(key=new_key(), title=titled(title), activities=[]))

    return act


def rename_unit(key: str, title: str) -> Act:
    def act(draft: Draft) -> None:
        _unit(draft, key).title = titled(title)

    return act


def move_unit(key: str, to: int) -> Act:
    """Put the unit at place `to` (from 0) of the others."""

    def act(draft: Draft) -> None:
        unit = _unit(draft, key)
        draft.units.remove(unit)
        draft.units.insert(max(0, to), unit)

    return act


def remove_unit(key: str) -> Act:
    def act(draft: Draft) -> None:
        unit = _unit(draft, key)
        draft.removed.append(Removed(at=draft.units.index(unit), unit=unit))
        draft.units.remove(unit)

    return act


def add_activity(unit_key: str, kind: str, title: str, *, key: str, role: str = "progress") -> Act:
    def act(draft: Draft) -> None:
        unit = _unit(draft, unit_key)
        _check_room(unit)
        unit.activities.append(
            DraftActivity(key=key, kind=kind, title=titled(title), role=role, config={})
        )

    return act


def move_activity(key: str, unit_key: str, to: int) -> Act:
    """Put the activity at place `to` (from 0) of the others in that unit."""

    def act(draft: Draft) -> None:
        old, activity = _activity(draft, key)
        unit = _unit(draft, unit_key)
        if unit is not old:
            _check_room(unit)
        old.activities.remove(activity)
        unit.activities.insert(max(0, to), activity)

    return act


def remove_activity(key: str) -> Act:
    def act(draft: Draft) -> None:
        unit, activity = _activity(draft, key)
        at = unit.activities.index(activity)
        draft.removed.append(Removed(at=at, activity=activity, of=unit.key))
        unit.activities.remove(activity)

    return act


def set_role(key: str, role: str) -> Act:
    def act(draft: Draft) -> None:
        _activity(draft, key)[1].role = in_roles(role)

    return act


def set_activity(key: str, title: str, role: str, config: dict[str, object] | None) -> Act:
    """Title and role, and the config unless it is None."""

    def act(draft: Draft) -> None:
        activity = _activity(draft, key)[1]
        activity.title, activity.role = titled(title), in_roles(role)
        if config is not None:
            activity.config = config

    return act


def restore(key: str) -> Act:
    """Put back what was taken out, where it stood as far as that place is still there."""

    def act(draft: Draft) -> None:
        found = next((one for one in draft.removed if one.key == key), None)
        if found is None:
            raise NotFoundError("되돌릴 것이 남아 있지 않습니다. 화면을 새로 고쳐 보아 주십시오.")
        if found.unit is not None:
            draft.units.insert(found.at, found.unit)
        elif found.activity is not None:
            if not draft.units:
                draft.units.append(DraftUnit(key=new_key(), title="되돌린 활동", activities=[]))
            homes = [unit for unit in draft.units if unit.key == found.of]
            home = homes[0] if homes else draft.units[-1]
            home.activities.insert(found.at, found.activity)
        draft.removed.remove(found)

    return act


def titled(title: str) -> str:
    """A title that can be shown. Raises InvalidError."""
    found = " ".join(title.split())
    if not found:
        raise InvalidError("이름을 적어 주십시오.", field="title")
    if len(found) > LONGEST_TITLE:
        raise InvalidError("이름은 {n}자까지 적을 수 있습니다.", n=LONGEST_TITLE, field="title")
    return found


def in_roles(role: str) -> str:
    if role not in ROLES:
        raise InvalidError("진도에 드는지 점수에 드는지 골라 주십시오.", field="role")
    return role


def _check_room(unit: DraftUnit) -> None:
    if len(unit.activities) >= MOST_ACTIVITIES:
        raise InvalidError(
            "한 차시에는 활동을 {n}개까지 둘 수 있습니다.", n=MOST_ACTIVITIES, field="title"
        )


def _unit(draft: Draft, key: str) -> DraftUnit:
    for unit in draft.units:
        if unit.key == key:
            return unit
    raise NotFoundError(GONE)


def _activity(draft: Draft, key: str) -> tuple[DraftUnit, DraftActivity]:
    found = draft.find(key)
    if found is None:
        raise NotFoundError(GONE)
    return found


def step_unit(key: str, by: int) -> Act:
    """One place up (-1) or down (+1)."""

    def act(draft: Draft) -> None:
        move_unit(key, draft.units.index(_unit(draft, key)) + by)(draft)

    return act


def step_activity(key: str, by: int) -> Act:
    """One place up (-1) or down (+1); over the edge of its unit into the next one."""

    def act(draft: Draft) -> None:
        unit, activity = _activity(draft, key)
        at = unit.activities.index(activity) + by
        home = draft.units.index(unit) + by
        if 0 <= at < len(unit.activities):
            move_activity(key, unit.key, at)(draft)
        elif 0 <= home < len(draft.units):
            there = draft.units[home]
            move_activity(key, there.key, len(there.activities) if by < 0 else 0)(draft)

    return act


def put_in(key: str, unit_key: str) -> Act:
    """Into that unit, behind what is there; nothing when it is there already."""

    def act(draft: Draft) -> None:
        if _activity(draft, key)[0].key != unit_key:
            move_activity(key, unit_key, len(_unit(draft, unit_key).activities))(draft)

    return act
