"""How reasons, channels and outcomes are called: msgids with what fills them in."""

from lms.i18n import Words
from lms.tutoring.risk import Facts, Moment, Reason, reasons, standing

STATES = {
    "over": "late",
    "stalled": "late",
    "waiting": "na",
    "never": "todo",
    "failed": "ask",
    "untested": "ask",
    "behind": "ask",
    "devices": "checking",
}
"""The mark beside a reason: see lms/parts.html, state()."""

LONG_UNBEGUN = 7
"""Days without a beginning after which its mark is that of a stalled learner."""

STANDINGS = {"done": "이수", "pace": "순항", "care": "살필 사람", "fresh": "시작 전"}

CHANNELS = {"mail": "메일", "sms": "문자", "alimtalk": "알림톡"}

OUTCOMES = {
    "queued": "보낼 예정",
    "sent": "보냄",
    "dropped": "보내지 않음",
    "failed": "보내지 못함",
}

NOTE_KINDS = {"call": "통화", "note": "메모"}


_SAID = {
    "over": "기간 끝남, 미이수",
    "stalled": "{n}일째 멈춤",
    "waiting": "학습 기간 전",
    "never": "{n}일째 시작 전",
    "failed": "평가 {n}점, 통과 못 함",
    "untested": "평가 미응시",
    "behind": "진도 {n}% 늦음",
    "devices": "두 기기에서 겹침",
}


def said(reason: Reason, words: Words) -> str:
    """The reason in a few words, for a row."""
    n: object = reason.n
    if reason.code == "failed":
        n = f"{reason.n / 100:g}"
    elif reason.code == "behind":
        n = reason.n // 10
    elif reason.code == "never" and reason.n == 0:
        return words.text("시작 전")
    return words.text(_SAID[reason.code], n=n)


def mark(reason: Reason) -> str:
    """The kind of state() that shows the reason."""
    if reason.code == "never" and reason.n >= LONG_UNBEGUN:
        return "late"
    return STATES[reason.code]


def marks(facts: Facts, at: Moment, words: Words) -> list[tuple[str, str]]:
    """(kind of state, words) of every reason; the standing alone where there is none."""
    found = [(mark(reason), said(reason, words)) for reason in reasons(facts, at)]
    if found:
        return found
    here = standing(facts, at)
    return [("done" if here == "done" else "now", words.text(STANDINGS[here]))]
