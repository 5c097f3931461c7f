"""Dates, times and amounts as this institute writes them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

_HANGUL = range(0xAC00, 0xD7A4)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = "월화수목금토일"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_COUNT_KO = "한 두 세 네 다섯 여섯 일곱 여덟 아홉 열"
_COUNT_EN = "one two three four five six seven eight nine ten"
_DIGIT_HAS_FINAL = {"0": True, "1": True, "3": True, "6": True, "7": True, "8": True}


def day(value: date, locale: str) -> str:
    """“11. 30.” / “30 Nov”."""
    return f"{value.month}. {value.day}." if locale == "ko" else f"{value.day} {_month(value)}"


def day_full(value: date, locale: str) -> str:
    """“2026. 11. 30.” / “30 Nov 2026”."""
    if locale == "ko":
        return f"{value.year}. {value.month}. {value.day}."
    return f"{value.day} {_month(value)} {value.year}"


def day_spoken(value: date, locale: str) -> str:
    """“11월 23일 월요일” / “Monday, 23 Nov”."""
    if locale == "ko":
        return f"{value.month}월 {value.day}일 {_WEEKDAYS[value.weekday()]}요일"
    return f"{_DAYS[value.weekday()]}, {value.day} {_month(value)}"


def clock(value: datetime, zone: str, *, seconds: bool = False) -> str:
    """“14:03” or “14:03:12” on the institution's wall."""
    return value.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S" if seconds else "%H:%M")


def minutes_text(minutes: int, locale: str) -> str:
    """“1시간 24분” / “1 h 24 min”."""
    hours, rest = divmod(minutes, 60)
    if locale == "ko":
        parts = [f"{hours}시간"] * bool(hours) + [f"{rest}분"] * bool(rest or not hours)
    else:
        parts = [f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest or not hours)
    return " ".join(parts)


def mmss(milliseconds: int) -> str:
    """“06:42”, or “1:06:42” from an hour on."""
    seconds = milliseconds // 1000
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    rest = f"{minutes:02}:{seconds % 60:02}"
    return f"{hours}:{rest}" if hours else rest


def spoken(number: int, locale: str) -> str:
    """A small number as it is said before a thing: “세” / “three”; digits from eleven on."""
    said = (_COUNT_KO if locale == "ko" else _COUNT_EN).split()
    return said[number - 1] if 0 < number <= len(said) else str(number)


def josa(word: str, pair: str) -> str:
    """`word` with the particle that fits its last sound: josa("이음", "을/를") → “이음을”."""
    with_final, without = pair.split("/")
    last = next((letter for letter in reversed(word) if letter.isalnum()), "")
    code = ord(last) if last else 0
    if code in _HANGUL:
        final = (code - 0xAC00) % 28
        has = final != 0 and not (final == 8 and with_final == "으로")  # ㄹ takes 로
    else:
        has = _DIGIT_HAS_FINAL.get(last, last.lower() in "lmnr" if last else False)
    return word + (with_final if has else without)


def _month(value: date) -> str:
    return _MONTHS[value.month - 1]
