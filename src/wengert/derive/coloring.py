"""Coloring: which columns, or rows, of a sparse matrix one derivative computes at a time.

Columns that have no row in common are summed up without loss: one directional derivative gives
them all. A coloring puts the columns into few such groups, says which directions to take, and
reads the entries from what comes out. Colorings depend on the pattern alone, so one serves for
every point.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from wengert.derive.greedy import color_columns as greedy_columns
from wengert.derive.greedy import color_stars as greedy_stars
from wengert.derive.pattern import Columns, Pattern
from wengert.errors import ProgramError
from wengert.program.address import Integers
from wengert.program.structure import Floats

Weights = np.ndarray[Any, np.dtype[Any]]
COLUMNS, ROWS, SYMMETRIC = "columns", "rows", "symmetric"


@dataclass(frozen=True, eq=False, repr=False)
class Coloring:
    """Groups of columns or rows of a pattern, and how to get the entries back.

    Args:
        pattern: the pattern, `(m, n)`.
        kind: "columns" for products with a matrix of directions, `J @ seeds()`; "rows" for
            products from the left, `seeds().T @ J`; "symmetric" for `H @ seeds()`.
        colors: the color of each column, or of each row, from 0 on.

    Raises:
        ProgramError: some entry cannot be read from the products with these colors.

    Examples:
        >>> pattern = Pattern.dense([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]])
        >>> coloring = color_columns(pattern)
        >>> coloring, coloring.colors.tolist()
        (Coloring(2 colors of 4 columns, 6 entries), [0, 1, 0, 1])
        >>> J = np.array([[1., 2., 0., 0.], [0., 3., 4., 0.], [0., 0., 5., 6.]])
        >>> coloring.decompress(J @ coloring.seeds())
        array([1., 2., 3., 4., 5., 6.])
    """

    pattern: Pattern
    kind: str
    colors: Columns

    def __post_init__(self) -> None:
        colors = np.ascontiguousarray(self.colors, np.int32)
        m, n = self.pattern.shape
        sizes = {COLUMNS: n, ROWS: m, SYMMETRIC: n}
        if self.kind not in sizes:
            raise ProgramError(f"A coloring is of {', '.join(sizes)}, not of {self.kind!r}.")
        if colors.shape != (sizes[self.kind],) or (len(colors) and colors.min() < 0):
            raise ProgramError(f"This coloring needs {sizes[self.kind]} colors, from 0 on.")
        colors.flags.writeable = False
        object.__setattr__(self, "colors", colors)
        self.recovery  # noqa: B018 - so that a wrong coloring does not come into being

    @property
    def number(self) -> int:
        """How many colors there are, which is how many derivatives are taken."""
        return int(self.colors.max(initial=-1)) + 1

    def seeds(self) -> Floats:
        """The directions to take, `(n, number)`; for rows `(m, number)`.

        Row k is 1 in the column of k's color, and 0 elsewhere.
        """
        seeds = np.zeros((len(self.colors), self.number))
        seeds[np.arange(len(self.colors)), self.colors] = 1.0
        return seeds

    @cached_property
    def recovery(self) -> Integers:
        """Per entry, where it stands in the flattened compressed matrix, `(nnz,)`."""
        rows, columns = self.pattern.rows.astype(np.int64), self.pattern.indices
        m, n = self.pattern.shape
        if self.kind == ROWS:
            places = self.colors[rows].astype(np.int64) * n + columns
            alone = _alone(places, self.number * n)
        else:
            places = rows * self.number + self.colors[columns]
            alone = _alone(places, m * self.number)
        if self.kind == SYMMETRIC and not alone.all():
            _, entries = self.pattern.by_column
            other = columns.astype(np.int64) * self.number + self.colors[rows]
            places = np.where(alone, places, other)
            alone |= alone[entries]
        if not alone.all():
            k = int(np.argmin(alone))
            raise ProgramError(
                f"With these colors, entry ({rows[k]}, {columns[k]}) is summed up with another "
                "one and cannot be read."
            )
        places.flags.writeable = False
        return places

    def decompress(self, compressed: Any) -> Floats:
        """The entries of the matrix, in the order of the pattern.

        Args:
            compressed: the products: `J @ seeds()`, `(m, number)`; for rows `seeds().T @ J`,
                `(number, n)`.

        Returns:
            The entries by row, `(nnz,)`: the `data` of a `scipy.sparse.csr_array` whose `indices`
            and `indptr` are the pattern's.

        Raises:
            ProgramError: `compressed` has another shape.
        """
        m, n = self.pattern.shape
        shape = (self.number, n) if self.kind == ROWS else (m, self.number)
        given = np.asarray(compressed, float)
        if given.shape != shape:
            raise ProgramError(f"The compressed matrix has the shape {shape}, not {given.shape}.")
        entries: Floats = given.ravel().take(self.recovery)
        return entries

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Coloring):
            return NotImplemented
        same = self.kind == other.kind and self.pattern == other.pattern
        return same and np.array_equal(self.colors, other.colors)

    def __hash__(self) -> int:
        return hash((self.kind, self.pattern, self.colors.tobytes()))

    def __repr__(self) -> str:
        colors = f"{self.number:,} color{'s' * (self.number != 1)}"
        what = {COLUMNS: "columns", ROWS: "rows", SYMMETRIC: "rows and columns"}[self.kind]
        entries = f"{self.pattern.nnz:,} {'entry' if self.pattern.nnz == 1 else 'entries'}"
        return f"Coloring({colors} of {len(self.colors):,} {what}, {entries})"


def _alone(places: Integers, size: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which places occur once."""
    alone: np.ndarray[Any, np.dtype[np.bool_]] = np.bincount(places, minlength=size)[places] == 1
    return alone


# --- making them ----------------------------------------------------------------------------------


def color_columns(pattern: Pattern) -> Coloring:
    """Groups of columns of which no two have entries in the same row, for forward mode.

    The columns are taken in their order and, where that is not seen to be best, by falling and by
    rising number of columns that they share rows with; the coloring with fewest colors is kept.

    Args:
        pattern: of the Jacobian, `(m, n)`.

    Returns:
        A coloring of the n columns.

    Source:
        A. Gebremedhin, F. Manne, A. Pothen, What color is your Jacobian? Graph coloring for
        computing derivatives, SIAM Review 47(4), 2005, doi:10.1137/S0036144504444711, section 3.

    Examples:
        >>> color_columns(Pattern.dense(np.eye(1000)))
        Coloring(1 color of 1,000 columns, 1,000 entries)
    """
    return Coloring(pattern, COLUMNS, _column_colors(pattern))


def color_rows(pattern: Pattern) -> Coloring:
    """Groups of rows of which no two have entries in the same column, for reverse mode.

    Args:
        pattern: of the Jacobian, `(m, n)`.

    Returns:
        A coloring of the m rows; see `color_columns`.

    Examples:
        >>> color_rows(Pattern.dense(np.ones((1, 1000))))
        Coloring(1 color of 1 rows, 1,000 entries)
    """
    return Coloring(pattern, ROWS, _column_colors(pattern.transposed))


def color_symmetric(pattern: Pattern) -> Coloring:
    """Groups of columns from which a symmetric matrix can be read, for Hessians.

    A star coloring of the graph whose edges are the entries outside the diagonal: of the entries
    (i, j) and (j, i), at least one is alone in its row among the columns of its color. Vertices
    are taken in their order, by falling and by rising degree; the coloring with fewest colors is
    kept. Rising degrees serve where few variables, the cameras, meet many, the points.

    Args:
        pattern: of the Hessian, `(n, n)`, symmetric.

    Returns:
        A coloring of the n columns.

    Raises:
        ProgramError: the pattern is not symmetric.

    Source:
        A. Gebremedhin, A. Tarafdar, F. Manne, A. Pothen, New acyclic and star coloring algorithms
        with application to computing Hessians, SIAM J. Sci. Comput. 29(3), 2007,
        doi:10.1137/050639879, algorithm 4.1.

    Examples:
        >>> tridiagonal = np.eye(1000) + np.eye(1000, k=1) + np.eye(1000, k=-1)
        >>> color_symmetric(Pattern.dense(tridiagonal))
        Coloring(3 colors of 1,000 rows and columns, 2,998 entries)
    """
    if not pattern.is_symmetric:
        raise ProgramError(f"{pattern!r} is not symmetric. Use color_columns or color_rows for it.")
    rows, columns = pattern.rows, pattern.indices
    degrees = np.bincount(rows[rows != columns], minlength=pattern.shape[0])
    inner = (degrees[rows] > 1) & (degrees[columns] > 1) & (rows != columns)
    least = 3 if inner.any() else 2 if degrees.any() else 1  # a path of four, an edge, no edge
    colors = _fewest(partial(greedy_stars, pattern), degrees, least)
    return Coloring(pattern, SYMMETRIC, colors)


def _column_colors(pattern: Pattern) -> Columns:
    lengths = np.diff(pattern.indptr)
    shared = np.bincount(
        pattern.indices, weights=np.repeat(lengths, lengths), minlength=pattern.shape[1]
    )
    return _fewest(partial(greedy_columns, pattern), shared, int(lengths.max(initial=0)))


def _fewest(colored: Callable[[Columns], Columns], weights: Weights, least: int) -> Columns:
    """The best coloring of three orders: as the vertices stand, by falling and by rising weight.

    Args:
        colored: the coloring in an order.
        weights: of the vertices.
        least: no coloring has fewer colors.
    """
    best = colored(np.arange(len(weights), dtype=np.int32))
    orders = (-weights, weights) if len(weights) and weights.min() != weights.max() else ()
    for order in orders:
        if int(best.max()) + 1 <= least:
            break
        colors = colored(np.argsort(order, kind="stable").astype(np.int32))
        if colors.max() < best.max():
            best = colors
    return best
