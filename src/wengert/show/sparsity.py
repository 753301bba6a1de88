"""The picture of a sparsity pattern: a square for each entry, in the color of its group.

Of a large pattern, squares stand for many entries, and are the darker the more there are in them.
"""

import os
from functools import cached_property
from itertools import count as counter
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from wengert.derive.calling import recorded
from wengert.derive.coloring import ROWS, Coloring
from wengert.derive.pattern import Pattern
from wengert.derive.programs import Argnums
from wengert.derive.transforms import hessian, jacobian
from wengert.dispatch import describe
from wengert.errors import DrawError, OperandError
from wengert.show.output import html_of, write
from wengert.show.page import page_of
from wengert.show.shapes import ADVANCE, Box, Group, Line, Picture, Shape, Text, Tiles
from wengert.show.svg import svg_of
from wengert.show.text import count

SIDE = 420.0  # of the longer side of the matrix
LARGEST, APART = 26.0, 6.0  # sides of a cell: the most, and from where there are gaps
MOST = 200  # cells along a side; where there are more columns, a cell stands for several
SHADES = 6
THEMES = ("auto", "light", "dark")
TITLE, SMALL = 13.0, 10.5  # sizes of text
MARGIN, ABOVE = 22.0, 62.0
THIN = 12.0  # a matrix of one row is so high at least

# Fills by style, light and dark. Groups: Okabe & Ito, told apart by all; lighter where it is dark.
GROUPS = (
    ("#0072b2", "#4ba3dc"), ("#d55e00", "#f0803c"), ("#009e73", "#2fc79c"),
    ("#cc79a7", "#dd93bb"), ("#e69f00", "#f2b632"), ("#56b4e9", "#8bd0f5"),
    ("#5b5f97", "#9a9edb"), ("#8c6d46", "#bb9a6f"),
)  # fmt: skip
DENSITY = (
    ("#cfe0ee", "#1f3a52"), ("#a6c8e1", "#285577"), ("#7aaed3", "#34719c"),
    ("#4d90c2", "#4a8fbf"), ("#2372ad", "#7ab3dd"), ("#06508a", "#bfe0f7"),
)  # fmt: skip
PALETTE = {
    "field": ("#fafbfc", "#1b1f26"),
    **{f"group{k}": fill for k, fill in enumerate(GROUPS)},
    **{f"density{k}": fill for k, fill in enumerate(DENSITY)},
}


def sparsity(
    function: Any, *args: Any, argnums: Argnums | None = None, order: int | None = None,
    theme: str = "auto",
) -> "PatternDrawing":  # fmt: skip
    """The sparsity pattern of a function's derivative, as a picture with its colors.

    Args:
        function: a function, a Program or a Value.
        args: its arguments, at which it is recorded; the pattern holds for all that take the path.
        argnums: the position of the argument to differentiate by, or several; by default the first
            one, and all leaves of a Value.
        order: 1 for the Jacobian, `(m, n)`, and 2 for the Hessian, `(n, n)`; by default 2 where the
            function gives one number, and 1 else.
        theme: "light", "dark", or "auto" for what the reader's system says.

    Returns:
        A picture: shown by a notebook, saved with `.save("pattern.svg")`. It has the `pattern`, and
        the `coloring` by which `wg.jacobian(..., sparse=True)` and `wg.hessian(..., sparse=True)`
        compute the matrix: columns, or rows, of one color share a direction.

    Raises:
        OperandError: the order is neither, or the Hessian of several numbers is asked for.

    Source:
        A. Gebremedhin, F. Manne, A. Pothen, What color is your Jacobian? SIAM Review 47(4), 2005,
        doi:10.1137/S0036144504444711.

    Examples:
        >>> import numpy as np
        >>> import wengert as wg
        >>> wg.sparsity(lambda x: x[1:] * x[:-1], np.ones(1000))
        PatternDrawing(Coloring(2 colors of 1,000 columns, 1,998 entries))
    """
    if order is None:
        order = 2 if recorded(function, args)[0].results.leaf_shape == () else 1
    if order not in (1, 2):
        raise OperandError(f"The order is 1 (Jacobian) or 2 (Hessian), not {order!r}.")
    transform = jacobian if order == 1 else hessian
    coloring = transform(function, argnums, sparse=True).compressed(*args).coloring
    return draw_pattern(coloring.pattern, coloring, theme=theme)


class PatternDrawing:
    """A picture of a sparsity pattern, shown by a notebook and saved by a script.

    Attributes:
        svg: the picture as SVG text.
    """

    _drawn = counter(1)

    def __init__(self, pattern: Pattern, coloring: Coloring | None, theme: str) -> None:
        self.pattern, self.coloring, self._theme = pattern, coloring, theme
        digest = crc32(pattern.indptr.tobytes(), crc32(pattern.indices.tobytes()))
        self._identity = f"wgs{next(self._drawn)}-{digest:08x}"

    @cached_property
    def _picture(self) -> Picture:
        return _picture_of(self.pattern, self.coloring)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text."""
        return svg_of(self._picture, self._identity, self._theme)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file.

        Args:
            path: where to; its suffix says in which form: .svg, .png, .pdf or .html.

        Raises:
            DrawError: the suffix is none of these, or the folder does not exist.
            MissingExtraError: .png or .pdf without matplotlib.
        """
        where = Path(path)
        form = where.suffix.lower().removeprefix(".")
        if form in ("png", "pdf"):
            data = page_of(self._picture, form, self._theme)
        elif form in ("svg", "html"):
            data = (self.svg if form == "svg" else html_of(self.svg)).encode()
        else:
            raise DrawError(
                f"A pattern can be written as .svg, .png, .pdf or .html, not as {str(where)!r}."
            )
        write(where, data)

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        shown = repr(self.coloring or self.pattern)
        return f"PatternDrawing({shown})"


def draw_pattern(
    pattern: Pattern, coloring: Coloring | None = None, *, theme: str = "auto"
) -> PatternDrawing:
    """The picture of a pattern; with a coloring, in the colors of its groups.

    Args:
        pattern: the pattern, `(m, n)`. With more than 200 rows or columns, a cell of the picture
            stands for several, and is the darker the more entries are in it.
        coloring: a coloring of this pattern.
        theme: "light", "dark", or "auto" for what the reader's system says.

    Returns:
        A picture: shown by a notebook, saved with `.save("pattern.svg")`.

    Raises:
        DrawError: the coloring is of another pattern, or the theme is not one of those above.

    Examples:
        >>> import numpy as np
        >>> draw_pattern(Pattern.dense(np.eye(3)))
        PatternDrawing(Pattern(3 x 3, 3 entries))
    """
    if not isinstance(pattern, Pattern):
        raise DrawError(f"draw_pattern() takes a Pattern, not {describe(pattern)}.")
    if coloring is not None and (not isinstance(coloring, Coloring) or coloring.pattern != pattern):
        raise DrawError(f"The coloring is not one of this pattern: {describe(coloring)}.")
    if theme not in THEMES:
        raise DrawError(f"theme is {', '.join(map(repr, THEMES))}, not {theme!r}.")
    return PatternDrawing(pattern, coloring, theme)


# --- the picture ----------------------------------------------------------------------------------


class _Frame(NamedTuple):
    """Where the matrix is drawn: cells, and the sides of one."""

    rows: int
    columns: int
    across: float
    down: float

    @property
    def width(self) -> float:
        return self.columns * self.across

    @property
    def height(self) -> float:
        return self.rows * self.down


def _picture_of(pattern: Pattern, coloring: Coloring | None) -> Picture:
    m, n = pattern.shape
    rows, columns = min(m, MOST), min(n, MOST)
    side = min(LARGEST, SIDE / max(rows, columns, 1))
    frame = _Frame(rows, columns, max(side, THIN / max(columns, 1)), max(side, THIN / max(rows, 1)))
    lines = _title(pattern, coloring)
    wide = max(width_of(text, size) for text, size, _ in lines)
    left = width_of(f"{max(m - 1, 0):,}", SMALL) + 8.0
    groups = [
        Group("field", "", (Box(0, 0, frame.width, frame.height, 0, "field"),)),
        Group("entries", "", tuple(_entries(pattern, coloring, frame))),
        Group("axes", "", tuple(_axes(pattern, frame))),
        Group("title", "", tuple(
            Text(0, y - ABOVE + 18.0, text, width_of(text, size), size, style)
            for y, (text, size, style) in zip((0.0, 16.0), lines, strict=True)
        )),
    ]  # fmt: skip
    x, y = -left - MARGIN, -ABOVE - MARGIN / 2
    width = max(frame.width, wide) + MARGIN - x
    height = frame.height + MARGIN - y
    card = Box(x + 0.5, y + 0.5, width - 1, height - 1, 8.0, "card")
    about = f"Sparsity pattern: {lines[0][0]}; {lines[1][0]}"
    return Picture(x, y, width, height, [Group("card", "", (card,)), *groups], about, PALETTE)


def width_of(text: str, size: float) -> float:
    """The room a line of text takes."""
    return len(text) * ADVANCE * size


def _title(pattern: Pattern, coloring: Coloring | None) -> list[tuple[str, float, str]]:
    m, n = pattern.shape
    entries = f"{pattern.nnz:,} {'entry' if pattern.nnz == 1 else 'entries'}"
    filled = pattern.nnz / (m * n) if m * n else 0.0
    details = f"{entries}, {100 * filled:.2g}% filled" if 0.0 < filled < 1.0 else entries
    if coloring is not None:
        details += f", {count(coloring.number, 'color')}"
    return [(f"{m:,} × {n:,}", TITLE, "label"), (details, SMALL, "word")]


def _entries(pattern: Pattern, coloring: Coloring | None, frame: _Frame) -> list[Shape]:
    """The cells that have entries, those of one style together."""
    m, n = pattern.shape
    if not pattern.nnz:
        return []
    rows = pattern.rows.astype(np.int64) * frame.rows // m
    columns = pattern.indices.astype(np.int64) * frame.columns // n
    cells = rows * frame.columns + columns
    if coloring is not None:
        colors = coloring.colors[pattern.rows if coloring.kind == ROWS else pattern.indices]
        styles = colors.astype(np.int64) % len(GROUPS)
        if max(m, n) > MOST:
            styles, cells = _commonest(styles, cells)
        name = "group"
    else:
        styles, cells = _density(pattern, cells, frame)
        name = "density"
    gap = 0.08 * frame.across if frame.across > APART else 0.0
    shapes: list[Shape] = []
    for style in range(max(len(GROUPS), SHADES)):
        chosen = cells[styles == style]
        if len(chosen):
            boxes = tuple(_stretches(np.sort(chosen), frame, gap))
            shapes.append(Tiles(boxes, f"{name}{style}"))
    return shapes


def _commonest(styles: Any, cells: Any) -> tuple[Any, Any]:
    """Per cell, the group that most of its entries are in."""
    keys, counts = np.unique(cells * len(GROUPS) + styles, return_counts=True)
    order = np.argsort(counts, kind="stable")
    best = dict(zip((keys // len(GROUPS))[order].tolist(), keys[order].tolist(), strict=True))
    chosen = np.array(list(best.values()))
    return chosen % len(GROUPS), chosen // len(GROUPS)


def _density(pattern: Pattern, cells: Any, frame: _Frame) -> tuple[Any, Any]:
    """Per cell, its shade: by the logarithm of how many entries it has, up to the most."""
    m, n = pattern.shape
    found, counts = np.unique(cells, return_counts=True)
    if max(m, n) <= MOST:
        return np.full(len(found), SHADES - 2), found
    most = max(int(counts.max()), 2)
    shades = np.floor(np.log(counts) / np.log(most) * (SHADES - 2)).astype(np.int64) + 1
    return np.where(counts == most, SHADES - 1, shades), found


def _stretches(cells: Any, frame: _Frame, gap: float) -> list[tuple[float, float, float, float]]:
    """Boxes of cells; those side by side are one box where nothing is between them."""
    rows, columns = cells // frame.columns, cells % frame.columns
    first = np.ones(len(cells), bool)
    if not gap:
        first[1:] = (cells[1:] != cells[:-1] + 1) | (columns[1:] == 0)
    starts = np.flatnonzero(first)
    lengths = np.diff([*starts, len(cells)])
    across, down = frame.across, frame.down
    return [
        (column * across + gap, row * down + gap, length * across - 2 * gap, down - 2 * gap)
        for row, column, length in zip(
            rows[starts].tolist(), columns[starts].tolist(), lengths.tolist(), strict=True
        )
    ]


def _axes(pattern: Pattern, frame: _Frame) -> list[Shape]:
    """The frame around the matrix, and marks with the numbers of rows and columns."""
    m, n = pattern.shape
    corners = ((0.0, 0.0), (frame.width, 0.0), (frame.width, frame.height), (0.0, frame.height))
    shapes: list[Shape] = [Line((*corners, corners[0]), 0, "thin")]
    apart = width_of(f"{n:,}", SMALL) + 10.0
    for k in _marks(n, frame.width, apart):
        x, text = (k + 0.5) * frame.width / n, f"{k:,}"
        wide = width_of(text, SMALL)
        shapes.append(Line(((x, 0.0), (x, -4.0)), 0, "thin"))
        shapes.append(Text(x - wide / 2, -8.0, text, wide, SMALL, "word"))
    for k in _marks(m, frame.height, apart if m == n else SMALL * 1.8):
        y, text = (k + 0.5) * frame.height / m, f"{k:,}"
        wide = width_of(text, SMALL)
        shapes.append(Line(((0.0, y), (-4.0, y)), 0, "thin"))
        shapes.append(Text(-8.0 - wide, y + 0.35 * SMALL, text, wide, SMALL, "word"))
    return shapes


def _marks(size: int, length: float, apart: float) -> list[int]:
    """Round numbers below `size`, so far apart that their texts do not touch."""
    step, ladder = 1, 0
    while size and step * length / size < apart:
        step = (1, 2, 5)[ladder % 3] * 10 ** (ladder // 3)
        ladder += 1
    return list(range(0, size, step))
