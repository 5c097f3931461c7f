"""The QR code of a verification address, as a matrix and as a vector drawing."""

import segno

QUIET_ZONE = 4
"""Light modules on each side (ISO/IEC 18004, section 6.3.8)."""


def matrix(url: str) -> tuple[tuple[bool, ...], ...]:
    """Rows of modules, True where dark, without the quiet zone; error correction level M.

    Raises ValueError when the address is longer than a QR code can hold (2,331 bytes).
    """
    try:
        code = segno.make_qr(url, error="m", boost_error=False)
    except segno.DataOverflowError as error:
        raise ValueError("확인 주소가 너무 길어 QR 코드로 만들 수 없습니다.") from error
    return tuple(tuple(bool(module) for module in row) for row in code.matrix)


def svg(url: str, *, colour: str = "#1e2124") -> str:
    """An SVG document of the code on white with its quiet zone; one unit is one module.

    Raises ValueError as `matrix` does.
    """
    rows = matrix(url)
    side = len(rows) + 2 * QUIET_ZONE
    path = "".join(
        f"M{start + QUIET_ZONE} {y + QUIET_ZONE}h{length}v1h-{length}z"
        for y, row in enumerate(rows)
        for start, length in _dark_runs(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
        f'<path d="M0 0h{side}v{side}H0z" fill="#fff"/>'
        f'<path d="{path}" fill="{colour}"/></svg>'
    )


def _dark_runs(row: tuple[bool, ...]) -> list[tuple[int, int]]:
    # Neighbouring modules are drawn as one bar: separate squares show hairlines when scaled.
    runs: list[tuple[int, int]] = []
    for x, dark in enumerate(row):
        if not dark:
            continue
        if runs and sum(runs[-1]) == x:
            start, length = runs[-1]
            runs[-1] = (start, length + 1)
        else:
            runs.append((x, 1))
    return runs
