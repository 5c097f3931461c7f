"""The icon's mark-up: written once for each icon, since a page has dozens of them."""

from collections.abc import Callable
from functools import lru_cache

from markupsafe import Markup

_IMAGE = Markup(
    '<svg class="icon{size}{extra}" role="img" aria-label="{label}"><use href="{href}"/></svg>'
)
_MARK = Markup('<svg class="icon{size}{extra}" aria-hidden="true"><use href="{href}"/></svg>')


def drawer(asset_base: str) -> Callable[..., Markup]:
    """What templates call as `icon(name, small=False, label=None, extra="")`.

    An icon without a label is for the eye alone: a word stands beside it.
    """

    @lru_cache(maxsize=1000)
    def icon(name: str, small: bool = False, label: str | None = None, extra: str = "") -> Markup:
        return (_IMAGE if label else _MARK).format(
            size=" sm" if small else "",
            extra=f" {extra}" if extra else "",
            label=label,
            href=f"{asset_base}icons.svg#{name}",
        )

    return icon
