"""Greedy coloring of patterns, one vertex after the other with the least color that is allowed.

The native twins, in native/coloring.c, give the same colors.
"""

from typing import TYPE_CHECKING

import numpy as np

from wengert.derive.pattern import Columns, Pattern
from wengert.value import engine


def color_columns_plain(pattern: Pattern, order: Columns) -> Columns:
    """A color for each column, such that no two of one color have entries in the same row.

    Source: A. Gebremedhin, F. Manne, A. Pothen, What color is your Jacobian? Graph coloring for
    computing derivatives, SIAM Review 47(4), 2005, algorithm 3.1 (`GreedyPartialD2Coloring`).
    """
    used: list[set[int]] = [set() for _ in range(pattern.shape[0])]
    below = [0] * pattern.shape[0]  # all colors below are used in the row
    colors = np.zeros(pattern.shape[1], np.int32)
    by_column = pattern.transposed
    for column in order.tolist():
        rows = by_column.row(column).tolist()
        color = max((below[row] for row in rows), default=0)
        while any(color in used[row] for row in rows):
            color += 1
        colors[column] = color
        for row in rows:
            used[row].add(color)
            while below[row] in used[row]:
                below[row] += 1
    return colors


def color_stars_plain(pattern: Pattern, order: Columns) -> Columns:
    """A star coloring of the graph of a symmetric pattern.

    Neighbours differ in color; and of two neighbours, one at least is the only one of its color
    that the other has. Then every entry can be read from the compressed matrix. The vertices that
    two colors have make up stars, each a hub and its leaves.

    Source: A. Gebremedhin, A. Tarafdar, F. Manne, A. Pothen, New acyclic and star coloring
    algorithms with application to computing Hessians, SIAM J. Sci. Comput. 29(3), 2007,
    algorithm 4.1, whose stars are kept here by their hubs.
    """
    size = pattern.shape[0]
    colors = np.full(size, -1, np.int32)
    around: list[dict[int, list[int]]] = [{} for _ in range(size)]  # neighbours, by color
    hubs: list[list[int]] = [[] for _ in range(size)]  # of the stars in which it is a leaf
    for vertex in order.tolist():
        neighbours = [w for w in pattern.row(vertex).tolist() if w != vertex and colors[w] >= 0]
        of_color: dict[int, list[int]] = {}
        for w in neighbours:
            of_color.setdefault(int(colors[w]), []).append(w)
        forbidden = set(of_color)
        for w in neighbours:
            forbidden.update(int(colors[hub]) for hub in hubs[w])
            if len(of_color[int(colors[w])]) > 1:  # the vertex becomes a hub, and w its leaf
                forbidden.update(around[w])
        color = next(c for c in range(size) if c not in forbidden)
        colors[vertex] = color
        around[vertex] = of_color
        for w in neighbours:
            same = around[w].setdefault(color, [])
            same.append(vertex)
            if len(same) == 2:
                hubs[same[0]].append(w)
            if len(same) >= 2:
                hubs[vertex].append(w)
            if len(of_color[int(colors[w])]) > 1:
                hubs[w].append(vertex)
    return colors


if TYPE_CHECKING:
    color_columns, color_stars = color_columns_plain, color_stars_plain
elif engine == "native":
    from wengert import _native

    def color_columns(pattern: Pattern, order: Columns) -> Columns:
        """See `color_columns_plain`."""
        other = pattern.transposed
        columns = pattern.indptr, pattern.indices, other.indptr, other.indices
        return np.frombuffer(_native.color_columns(*columns, order), np.int32)

    def color_stars(pattern: Pattern, order: Columns) -> Columns:
        """See `color_stars_plain`."""
        return np.frombuffer(_native.color_stars(pattern.indptr, pattern.indices, order), np.int32)

else:
    color_columns, color_stars = color_columns_plain, color_stars_plain
