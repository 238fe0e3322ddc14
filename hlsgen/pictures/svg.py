"""SVG: shapes and texts with classes, whose colours are those of a light or a dark page, as the reader's is.

Names may hold anything: what XML does not take is replaced, all else escaped. Numbers have one decimal at most, so that
the same picture has the same bytes everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from xml.sax.saxutils import escape, quoteattr

from hlsgen.pictures.layout import Point

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WIDE = re.compile("[\u1100-\uffdc\U00010000-\U0010ffff]")
_NARROW = frozenset("fijlrtI.,:;'|()[]!/- ")
FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
_ROUND = 7.0
"""The radius of corners of ways."""
MARKER = (
    '<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0,0.5 L8,4 L0,7.5 z"/></marker>'
)
"""The head of an arrow, for a picture's definitions."""


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide a text is in a font without serifs; rather too wide."""
    units = sum(0.33 if c in _NARROW else 1.0 if _WIDE.match(c) else 0.75 if c in "mwMW@%" else 0.59 for c in text)
    return units * size * (1.08 if bold else 1.0)


Style = Mapping[str, tuple[str, str, str]]
"""For each class its property, and the colour on a light and on a dark page; a name with a dot in it is a selector of
several classes."""


def rules(style: Style, *, dark: bool, inside: str = "") -> list[str]:
    """The style as rules of CSS for one kind of page; ``inside``: a selector of what alone they are for."""
    before = f"{inside} " if inside else ""
    return [f"{before}.{kind} {{ {name}: {shades[dark]} }}" for kind, (name, *shades) in style.items()]


class Drawing:
    """Shapes in the order in which they are drawn."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._shapes: list[str] = []

    @contextmanager
    def group(self, **attributes: str) -> Iterator[None]:
        """What is drawn in the block becomes one group; names of attributes have ``_`` for ``-``."""
        words = (f"{name.strip('_').replace('_', '-')}={attribute(value)}" for name, value in attributes.items())
        self._shapes.append(" ".join(["<g", *words]) + ">")
        yield
        self._shapes.append("</g>")

    @property
    def shapes(self) -> str:
        """All that was drawn, for a page that has a picture and a style of its own around it."""
        return "\n".join(self._shapes)

    def rectangle(
        self, kind: str, corner: Point, size: tuple[float, float], radius: float = 0.0, title: str = ""
    ) -> None:
        """``title`` is shown where the pointer rests."""
        (x, y), (width, height) = corner, size
        rounded = f' rx="{_number(radius)}"' if radius else ""
        place = f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
        self._add("rect", f'class="{kind}" {place}{rounded}', title)

    def circle(self, kind: str, middle: Point, radius: float, title: str = "") -> None:
        x, y = middle
        self._add("circle", f'class="{kind}" cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}"', title)

    def text(self, kind: str, at: Point, text: str, size: float, anchor: str = "start") -> None:
        """``at``: on the line that letters stand on."""
        x, y = at
        place = f'x="{_number(x)}" y="{_number(y)}" font-size="{_number(size)}"'
        where = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._shapes.append(f'<text class="{kind}" {place}{where}>{_escaped(text)}</text>')

    def path(self, kind: str, points: Sequence[Point], *, across: bool = False, arrow: bool = True) -> None:
        """A way through points: curves where both coordinates differ, else lines with round corners. ``across``: curves
        leave and arrive from the left to the right, not downwards."""
        head = ' marker-end="url(#arrow)"' if arrow else ""
        self._shapes.append(f'<path class="{kind}" d="{_way(points, across)}"{head}/>')

    def svg(self, width: float, height: float, title: str) -> str:
        """The whole file."""
        size = f'width="{_number(width)}" height="{_number(height)}" viewBox="0 0 {_number(width)} {_number(height)}"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}" role="img">',
                f"<title>{_escaped(title)}</title>",
                "<style>",
                *rules(self._style, dark=False),
                "@media (prefers-color-scheme: dark) {",
                *(f"  {line}" for line in rules(self._style, dark=True)),
                "}",
                "</style>",
                f"<defs>{MARKER}</defs>",
                *self._shapes,
                "</svg>\n",
            ]
        )

    def _add(self, tag: str, attributes: str, title: str) -> None:
        inside = f"><title>{_escaped(title)}</title></{tag}>" if title else "/>"
        self._shapes.append(f"<{tag} {attributes}{inside}")


def printable(text: str) -> str:
    """A text without what XML does not take, nor HTML: control characters and halves of characters."""
    return _NOT_XML.sub("\ufffd", text)


def _escaped(text: str) -> str:
    return escape(printable(text))


def attribute(text: str) -> str:
    """A text as the value of an attribute, with its quotes."""
    return quoteattr(printable(text))


def _number(value: float) -> str:
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def _way(points: Sequence[Point], across: bool) -> str:
    (x, y), *rest = points
    words = [f"M{_number(x)},{_number(y)}"]
    for k, (u, v) in enumerate(rest):
        if abs(u - x) > 0.05 and abs(v - y) > 0.05:
            words.append(_curve((x, y), (u, v), across))
        else:
            following = rest[k + 1] if k + 1 < len(rest) else None
            words.append(_line((x, y), (u, v), following))
        x, y = u, v
    return " ".join(words)


def _curve(begin: Point, end: Point, across: bool) -> str:
    (x, y), (u, v) = begin, end
    middle = (x + u) / 2 if across else (y + v) / 2
    first, second = ((middle, y), (middle, v)) if across else ((x, middle), (u, middle))
    pairs = (f"{_number(a)},{_number(b)}" for a, b in (first, second, end))
    return "C" + " ".join(pairs)


def _line(begin: Point, end: Point, following: Point | None) -> str:
    """A line, and the round corner behind it, if a line follows that leads elsewhere."""
    (x, y), (u, v) = begin, end
    if following is None:
        return f"L{_number(u)},{_number(v)}"
    p, q = following
    turns = (abs(x - u) < 0.05 and abs(v - q) < 0.05) or (abs(y - v) < 0.05 and abs(u - p) < 0.05)
    radius = min(_ROUND, (abs(u - x) + abs(v - y)) / 2, (abs(p - u) + abs(q - v)) / 2)
    if not turns or radius < 0.05:
        return f"L{_number(u)},{_number(v)}"
    before = u - _sign(u - x) * radius, v - _sign(v - y) * radius
    after = u + _sign(p - u) * radius, v + _sign(q - v) * radius
    return (
        f"L{_number(before[0])},{_number(before[1])} Q{_number(u)},{_number(v)} {_number(after[0])},{_number(after[1])}"
    )


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
