"""Charts of a report as inline SVG: an interval as a bar, a reliability diagram."""

from __future__ import annotations

from training.evaluate.calibration import Reliability

_SIDE, _EDGE = 220, 36


def interval_bar(value: float, low: float, high: float) -> str:
    """A share in 0..1 with its interval, 120 x 12 pixels."""
    left, right, at = (120 * min(max(number, 0.0), 1.0) for number in (low, high, value))
    return (
        '<svg class="bar" viewBox="0 0 120 12" width="120" height="12" aria-hidden="true">'
        '<rect class="rail" x="0" y="5" width="120" height="2" rx="1"/>'
        f'<rect class="span" x="{left:.1f}" y="3" width="{max(right - left, 1):.1f}" height="6" rx="2"/>'
        f'<rect class="dot" x="{min(at, 118):.1f}" y="0" width="2" height="12"/></svg>'
    )


def reliability_diagram(one: Reliability, title: str) -> str:
    """Promise against truth: on the diagonal, promises hold; a dot's area is its share of the cases."""
    scale = _SIDE - 2 * _EDGE

    def x(share: float) -> float:
        return _EDGE + share * scale

    def y(share: float) -> float:
        return _SIDE - _EDGE - share * scale

    ticks = "".join(
        f'<text x="{x(t):.0f}" y="{_SIDE - _EDGE + 14}" text-anchor="middle">{t:g}</text>'
        f'<text x="{_EDGE - 6}" y="{y(t) + 4:.0f}" text-anchor="end">{t:g}</text>'
        for t in (0, 0.5, 1)
    )
    points = [(x(promised), y(came), cases) for promised, came, cases in one.bins]
    line = " ".join(f"{px:.1f},{py:.1f}" for px, py, _ in points)
    dots = "".join(
        f'<circle class="dot" cx="{px:.1f}" cy="{py:.1f}" r="{2 + 8 * (cases / one.cases) ** 0.5:.1f}">'
        f"<title>{cases} cases</title></circle>"
        for px, py, cases in points
    )
    return (
        f'<figure><svg viewBox="0 0 {_SIDE} {_SIDE}" width="{_SIDE}" height="{_SIDE}" role="img" '
        f'aria-label="{title}: expected calibration error {one.ece:.3f}">'
        f'<rect class="frame" x="{_EDGE}" y="{_EDGE}" width="{scale}" height="{scale}"/>'
        f'<line class="ideal" x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}"/>'
        f'<polyline class="curve" points="{line}"/>{dots}{ticks}'
        f'<text x="{_SIDE / 2}" y="{_SIDE - 2}" text-anchor="middle">promised</text>'
        f'<text transform="translate(10 {_SIDE / 2}) rotate(-90)" text-anchor="middle">came true</text></svg>'
        f"<figcaption><b>{title}</b><br/>error {one.ece:.3f} over {one.cases} cases; even at a score of "
        f"{one.sigmoid.even:.3f}</figcaption></figure>"
    )
