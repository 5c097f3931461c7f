"""What lists show of personal data: enough to tell people apart, too little to take away."""

from datetime import date

from lms.people.sealing import Sealer


def birth_date(sealer: Sealer, sealed: str | None) -> date | None:
    """The date that `Person.birth_date_sealed` holds (ISO 8601 inside), opened.

    Raises SealedError when the key is another one.
    """
    return None if sealed is None else date.fromisoformat(sealer.open(sealed))


def neis(sealer: Sealer, sealed: str | None) -> str | None:
    """The number that `Person.neis_sealed` holds, opened.

    Raises SealedError when the key is another one.
    """
    return None if sealed is None else sealer.open(sealed)


def masked_date(value: date | None) -> str:
    """“1990. 1. **.”; empty for None."""
    return "" if value is None else f"{value.year}. {value.month}. **."


def masked_neis(value: str | None) -> str:
    """“A10*****23”; empty for None."""
    return "" if value is None else f"{value[:3]}*****{value[-2:]}"


def masked_phone(value: str | None) -> str:
    """“010-****-34”; empty for None."""
    return "" if not value else f"{value[:3]}-****-{value[-2:]}"
