"""What an institution sets for itself; the defaults are the model institute's."""

from typing import Any

import msgspec


class InstitutionSettings(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Kept as JSON in Institution.settings; a run freezes what it needs when it opens."""

    masthead: bool = False
    """Show the public-body masthead; only a public body of Korea may."""

    help_phone: str | None = None
    number_pattern: str = "{institution}-{kind}-{year}-{run}-{serial:05}"
    head_title: str = ""
    """Who signs certificates, e.g. «서울특별시교육청교육연수원장»."""

    seal: tuple[str, str, str, str] = ("이음", "연수", "원장", "견본")
    designation_number: str | None = None
    sample_papers: bool = False
    """Mark every certificate as a sample without force: demonstrations and rehearsals."""

    certificate_sentence: str = (
        "위 사람은 「교원 등의 연수에 관한 규정」 제6조 제1항에 따라 "
        "위 과정을 이수하였음을 증명합니다."
    )
    progress_permille: int = 900
    score_min: int = 6000
    """Hundredths of a point; the law allows no less than 60.00."""

    units_per_day: int = 0
    """0 is no limit."""

    speed_percent: int = 150
    """Fastest playback that counts."""

    repeat_years: int = 2
    """The same course not again for so many years after a completion; 0 is no limit."""

    service_bounds: tuple[int, ...] = (5, 15, 25, 30, 35)
    """Years of service at which one band ends and the next begins; a band holds its first year."""

    ordered: bool = True
    free_skip: bool = False
    """Whether unseen parts may be jumped over at will (they never count)."""

    result_days: int = 10
    """Days after a run's last day within which its results go to the learners' offices."""

    attachment_mb: int = 10
    """The largest file that the record store takes with a statement, in MiB."""

    attachments_mb: int = 16
    """The largest request with such files, in MiB."""


def parse(settings: dict[str, Any]) -> InstitutionSettings:
    """The typed settings. Raises msgspec.ValidationError naming the wrong field."""
    return msgspec.convert(settings, InstitutionSettings)
