"""Layered layout: positions for the cells of a graph that flows in one direction.

A pure function of sizes and operand lists, in plain loops over plain lists, so that it can stand
in a browser line for line. "Along" is the direction of flow, "across" the other one. Four steps:
ranks by longest path, with leaves pulled to their users; one shared chain of bends for all long
edges that leave a cell; an order in each rank by medians of neighbours; coordinates across by
isotonic regression. Groups stay together, between two borders of their own.

Source: Sugiyama, Tagawa & Toda 1981; Eades & Wormald 1994 (medians); Barlow & Brunk 1972
(isotonic regression by pooling adjacent violators); Sander 1996 (borders of groups).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from wengert.show.crossing import Ranked, cross_less

BEND = 4.0  # the room a passing edge takes
BORDER = (24.0, 12.0)  # the room a group takes before its first and after its last cell
APART = 16.0  # between two cells, less beside bends and borders
SWEEPS = 8  # over large graphs, and thrice as many over small ones
SMALL = 2000  # items

Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands. Items from `len(sizes)` on are bends of long edges."""

    rank: list[int]  # of every item
    across: list[float]  # the middle of every item
    columns: list[tuple[float, float]]  # of every rank, where it begins and ends along the flow
    steps: list[tuple[int, int]]  # (item, item in the next rank): the pieces that edges consist of
    extent: float  # across


def layout(
    sizes: Sequence[tuple[float, float]],
    operands: Sequence[Sequence[int]],
    groups: Sequence[Path] = (),
) -> Layout:
    """Positions for cells that are given in topological order.

    Args:
        sizes: of each cell, along and across the flow.
        operands: of each cell, the cells whose edges enter it, all of them earlier ones.
        groups: of each cell, the groups it is in, outermost first; none by default.

    Returns:
        The layout; deterministic.

    Examples:
        >>> from wengert.show.layout import layout
        >>> placed = layout([(10, 10)] * 3, [[], [], [0, 1]])
        >>> placed.rank, placed.across
        ([0, 0, 1], [5.0, 31.0, 18.0])
    """
    paths = list(groups) if any(groups) else []
    rank = ranks(operands, paths)
    drawn = _items(rank, operands, paths)
    cross_less(drawn)
    breadth = [size[1] for size in sizes] + [BEND] * (len(drawn.rank) - len(sizes))
    for item, side in drawn.border.items():
        breadth[item] = BORDER[side]
    across = _coordinates(drawn, breadth)
    lowest = min((y - b / 2 for y, b in zip(across, breadth, strict=True)), default=0.0)
    across = [y - lowest for y in across]
    return Layout(
        drawn.rank,
        across,
        _columns(drawn, sizes, across),
        [(i, j) for i in range(len(drawn.rank)) if i not in drawn.border for j in drawn.after[i]],
        max((y + b / 2 for y, b in zip(across, breadth, strict=True)), default=0.0),
    )


def ranks(operands: Sequence[Sequence[int]], paths: Sequence[Path] = ()) -> list[int]:
    """The rank of each cell: after all its operands; a leaf stands just before its first user.

    An edge that enters a group which has leaves of its own leaves room for them.
    """
    rank = [0] * len(operands)
    spans = [1] * len(operands)
    for v, own in enumerate(operands):
        if paths and any(not operands[u] and paths[u] == paths[v] for u in own):
            spans[v] = 2
        for u in own:
            rank[v] = max(rank[v], rank[u] + _span(spans, paths, u, v))
    latest = [-1] * len(operands)
    for v in range(len(operands) - 1, -1, -1):
        if not operands[v] and latest[v] >= 0:
            rank[v] = latest[v]
        for u in operands[v]:
            before = rank[v] - _span(spans, paths, u, v)
            latest[u] = before if latest[u] < 0 else min(latest[u], before)
    first = min(rank, default=0)
    return [r - first for r in rank]


def _span(spans: list[int], paths: Sequence[Path], u: int, v: int) -> int:
    return spans[v] if paths and paths[u] != paths[v] else 1


def _items(rank: list[int], operands: Sequence[Sequence[int]], paths: list[Path]) -> Ranked:
    """Cells, bends and borders, each in its rank, linked with those in the next rank."""
    drawn = Ranked(len(operands), list(rank), paths)
    used = [False] * len(operands)
    for own in operands:
        for u in own:
            used[u] = True
    for v in _depth_first(operands, used):
        drawn.layers[rank[v]].append(v)
    chains: list[list[int]] = [[v] for v in range(len(operands))]
    for v, own in enumerate(operands):
        for slot, u in enumerate(dict.fromkeys(own)):
            chain = chains[u]
            while len(chain) < rank[v] - rank[u]:
                bend = drawn.add(rank[u] + len(chain), _shared(paths[u], paths[v]) if paths else ())
                drawn.link(chain[-1], bend)
                chain.append(bend)
            port = (slot + 0.5) / len(own) - 0.5
            drawn.link(chain[rank[v] - rank[u] - 1], v, 0.6 * port)
    if paths:
        _add_borders(drawn, len(operands))
    return drawn


def _depth_first(operands: Sequence[Sequence[int]], used: list[bool]) -> list[int]:
    """Every cell once, from the roots down, first operands first: a good order to begin with."""
    order: list[int] = []
    seen = [False] * len(operands)
    stack = [v for v in range(len(operands) - 1, -1, -1) if not used[v]]
    while stack:
        v = stack.pop()
        if not seen[v]:
            seen[v] = True
            order.append(v)
            stack.extend(reversed(operands[v]))
    return order


def _shared(one: Path, other: Path) -> Path:
    """The groups that both are in."""
    k = 0
    while k < len(one) and k < len(other) and one[k] == other[k]:
        k += 1
    return one[:k]


def _add_borders(drawn: Ranked, cells: int) -> None:
    """For each group, in each rank from its first to its last, an item on either side of it."""
    reach: dict[Path, tuple[int, int]] = {}
    for v in range(cells):
        for k in range(1, len(drawn.paths[v]) + 1):
            first, last = reach.get(drawn.paths[v][:k], (drawn.rank[v], drawn.rank[v]))
            reach[drawn.paths[v][:k]] = (min(first, drawn.rank[v]), max(last, drawn.rank[v]))
    for path, (first, last) in reach.items():
        for side in (0, 1):
            previous = -1
            for r in range(first, last + 1):
                item = drawn.add(r, path)
                drawn.border[item] = side
                if previous >= 0:
                    drawn.link(previous, item)
                previous = item


def _coordinates(drawn: Ranked, breadth: list[float]) -> list[float]:
    """The middle of each item across: near its neighbours, in order, and never overlapping.

    Each sweep moves every rank to the nearest positions, by least squares, to the means of its
    neighbours that keep the distances: isotonic regression of those means.
    """
    cells = drawn.cells
    offset = [0.0] * len(breadth)
    for layer in drawn.layers:
        for k in range(1, len(layer)):
            a, b = layer[k - 1], layer[k]
            apart = APART if a < cells and b < cells else 6.0
            offset[b] = offset[a] + (breadth[a] + breadth[b]) / 2 + apart
    weights = [1.0] * cells + [4.0] * (len(breadth) - cells)
    for item in drawn.border:
        weights[item] = 64.0
    across = list(offset)
    sweeps = SWEEPS if len(breadth) > SMALL else 3 * SWEEPS
    for sweep in range(sweeps):
        forward = sweep % 2 == 1
        near = drawn.before if forward else drawn.after
        far = drawn.after if forward else drawn.before
        both = sweep == sweeps - 2
        for layer in drawn.layers if forward else reversed(drawn.layers):
            wishes = []
            for item in layer:
                beside = near[item] + far[item] if both else near[item] or far[item]
                if len(beside) == 1:
                    wishes.append(across[beside[0]] - offset[item])
                else:
                    wish = sum([across[k] for k in beside]) / len(beside) if beside else 0.0
                    wishes.append(wish - offset[item])
            for item, shift in zip(layer, _isotonic(layer, wishes, weights), strict=True):
                across[item] = shift + offset[item]
    return across


def _isotonic(layer: list[int], wishes: list[float], weights: list[float]) -> list[float]:
    """The non-decreasing numbers nearest to the wishes, by pooling adjacent violators."""
    means: list[float] = []
    masses: list[float] = []
    counts: list[int] = []
    for item, wish in zip(layer, wishes, strict=True):
        mean, mass, count = wish, weights[item], 1
        while means and means[-1] > mean:
            other = masses.pop()
            mean = (mean * mass + means.pop() * other) / (mass + other)
            mass += other
            count += counts.pop()
        means.append(mean)
        masses.append(mass)
        counts.append(count)
    fitted: list[float] = []
    for mean, count in zip(means, counts, strict=True):
        fitted += [mean] * count
    return fitted


def _columns(
    drawn: Ranked, sizes: Sequence[tuple[float, float]], across: list[float]
) -> list[tuple[float, float]]:
    """Where each rank begins and ends; steep edges between two ranks get more room."""
    columns: list[tuple[float, float]] = []
    end = -inf
    depth = 0
    for layer in drawn.layers:
        width = max((sizes[v][0] for v in layer if v < drawn.cells), default=0.0)
        steep = max((abs(across[j] - across[i]) for j in layer for i in drawn.before[j]), default=0)
        nested = max((len(drawn.paths[i]) for i in layer), default=0) if drawn.paths else 0
        start = end + min(44.0 + 0.08 * steep + 10.0 * (nested + depth), 150.0) if columns else 0.0
        end, depth = start + width, nested
        columns.append((start, end))
    return columns
