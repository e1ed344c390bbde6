"""Numbers as drawings in SVG."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Optional

from markupsafe import Markup

from daggerml.text import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["bars", "is_number", "line"]

_WIDTH, _HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 28

#: How many points a line has at most: two for each column of pixels would not be seen.
_POINTS = 600


def is_number(value: Any) -> bool:
    """Tells whether a value can be drawn: a finite number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def line(numbers: Sequence[float], caption: str) -> Optional[Markup]:
    """Returns the numbers as a line; ``None`` for fewer than two."""
    if len(numbers) < 2:  # noqa: PLR2004  a line needs two points
        return None
    low, high = min(numbers), max(numbers)
    points = _thinned(numbers)
    last = len(numbers) - 1
    path = " ".join(
        f"{'L' if at else 'M'}{_across(x / last):.1f} {_up(y, low, high):.1f}"
        for at, (x, y) in enumerate(points)
    )
    inside = Markup('<path class="line" d="{}"/>').format(path)
    ends = Markup(
        '<text class="tick" x="{}" y="{}">0</text>'
        '<text class="tick" x="{}" y="{}" text-anchor="end">{:,}</text>'
    ).format(_LEFT, _HEIGHT - 8, _WIDTH - _RIGHT, _HEIGHT - 8, last)
    return _framed(inside + ends, low, high, caption)


def bars(labels: Sequence[str], numbers: Sequence[float], caption: str) -> Optional[Markup]:
    """Returns the numbers as bars with labels; ``None`` for none or more than 40."""
    if not 0 < len(numbers) <= 40:  # noqa: PLR2004  more do not fit
        return None
    low, high = min(0, *numbers), max(0, *numbers)
    step = 1 / len(numbers)
    zero = _up(0, low, high)
    parts = []
    for at, (label, number) in enumerate(zip(labels, numbers)):
        left, right = _across((at + 0.15) * step), _across((at + 0.85) * step)
        top = _up(number, low, high)
        parts.append(
            Markup(
                '<rect class="barfill" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
                "<title>{}: {}</title></rect>"
            ).format(left, min(top, zero), right - left, abs(top - zero), safe(label), number)
        )
        room = int((right - left) / 0.7 / 7)
        if room >= 2:  # noqa: PLR2004  one letter and the dots say nothing
            shown = safe(label)
            shown = shown if len(shown) <= room else f"{shown[: room - 1]}…"
            parts.append(
                Markup(
                    '<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>'
                ).format((left + right) / 2, _HEIGHT - 8, shown)
            )
    return _framed(Markup().join(parts), low, high, caption)


def _framed(inside: Markup, low: float, high: float, caption: str) -> Markup:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    middle = low / 2 + high / 2
    if abs(middle) < (high / 2 - low / 2) / 500:
        middle = 0.0  # less than a pixel from it, and easier to read
    ticks = [low] if low == high else [low, middle, high]
    parts = [
        Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            _WIDTH, _HEIGHT, safe(caption)
        )
    ]
    for tick in ticks:
        y = _up(tick, low, high)
        parts.append(
            Markup(
                '<path class="grid" d="M{} {:.1f}H{}"/>'
                '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(_LEFT, y, right, _LEFT - 6, y + 4, f"{tick:.3g}")
        )
    parts += [Markup('<path class="axis" d="M{} {}V{}"/>').format(_LEFT, _TOP, bottom), inside]
    return Markup().join([*parts, Markup("</svg>")])


def _across(part: float) -> float:
    return _LEFT + part * (_WIDTH - _LEFT - _RIGHT)


def _up(number: float, low: float, high: float) -> float:
    height = _HEIGHT - _TOP - _BOTTOM
    # Halves, so that the difference of two huge numbers is finite.
    span = high / 2 - low / 2
    part = 0.5 if span == 0 else (number / 2 - low / 2) / span
    return _TOP + (1 - part) * height


def _thinned(numbers: Sequence[float]) -> list[tuple[int, float]]:
    """Returns points of a line: of very many, the least and the greatest of each stretch."""
    if len(numbers) <= _POINTS:
        return list(enumerate(numbers))
    stretch = math.ceil(len(numbers) / (_POINTS // 2))
    points = []
    for start in range(0, len(numbers), stretch):
        part = range(start, min(start + stretch, len(numbers)))
        ends = {min(part, key=numbers.__getitem__), max(part, key=numbers.__getitem__)}
        points += [(at, numbers[at]) for at in sorted(ends)]
    return points
