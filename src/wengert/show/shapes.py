"""The few shapes that pictures consist of, and the colours each style has, light and dark.

All writers draw these: the SVG text and the PNG page differ in nothing but the pen. Colours keep
a contrast of 4.5 : 1 for text, and no meaning hangs on colour alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

ADVANCE = 0.602  # the width of a character of a monospace font, in ems

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with round corners."""

    x: float
    y: float
    width: float
    height: float
    radius: float
    style: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line: from the first point by curves of three further points each, then straight on.

    `curves` counts the curves; the remaining points are ends of straight lines.
    """

    points: tuple[Point, ...]
    curves: int
    style: str


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; y is its baseline, `width` the room it takes."""

    x: float
    y: float
    text: str
    width: float
    size: float
    style: str


@dataclass(frozen=True, slots=True)
class Tiles:
    """Many rectangles of one style: x, y, width and height of each."""

    boxes: tuple[tuple[float, float, float, float], ...]
    style: str


Shape = Box | Line | Text | Tiles


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that belong together, with what they are in words."""

    kind: str
    about: str
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything to draw, from back to front, and the part of the plane that it takes."""

    left: float
    top: float
    width: float
    height: float
    groups: list[Group]
    about: str
    palette: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # fills of its own styles


# style -> (light, dark)
FILLS = {
    "card": ("#ffffff", "#15181d"),
    "frame": ("#f6f7f9", "#1b1f26"),
    "leaf": ("#eaf3fb", "#16293b"),
    "value": ("#ffffff", "#20252d"),
    "root": ("#fff4dc", "#392c10"),
    "group": ("#f2eefb", "#2a2340"),
    "behind": ("#e4dcf5", "#362d52"),
    "op": ("#eef0f3", "#2d343e"),
    "arrow": ("#7b8694", "#8b96a5"),
    "label": ("#14181d", "#f2f4f7"),
    "number": ("#14181d", "#f2f4f7"),
    "word": ("#59636f", "#a7b0bc"),
    "symbol": ("#14181d", "#f2f4f7"),
    "scope": ("#59636f", "#a7b0bc"),
    "caption": ("#59636f", "#a7b0bc"),
}
STROKES = {
    "card": ("#e1e5ea", "#2b313a"),
    "frame": ("#b9c1cb", "#4a5361"),
    "leaf": ("#4d86b8", "#5f9bd0"),
    "value": ("#8893a0", "#76818f"),
    "root": ("#b57400", "#dda033"),
    "group": ("#8770b5", "#a08ad0"),
    "behind": ("#8770b5", "#a08ad0"),
    "op": ("#8893a0", "#76818f"),
    "edge": ("#7b8694", "#8b96a5"),
    "thin": ("#9aa4b0", "#6d7785"),
    "rule leaf": ("#4d86b8", "#5f9bd0"),
    "rule value": ("#8893a0", "#76818f"),
    "rule root": ("#b57400", "#dda033"),
}
WIDTHS = {
    "root": 2.0,
    "frame": 1.0,
    "card": 1.0,
    "edge": 1.3,
    "thin": 0.7,
}  # of strokes; 1.2 where not given
BOLD = {"label", "symbol"}
TEXTS = {"label", "number", "word", "symbol", "scope", "caption"}
