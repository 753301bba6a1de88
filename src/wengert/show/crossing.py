"""The order of items within their ranks, so that few edges cross.

Sweeps forth and back sort each rank by the medians of its items' neighbours, and the best order
seen is kept. Members of a group sort as one, by a place that all ranks agree on.
"""

from dataclasses import dataclass, field
from math import inf

SWEEPS = 8
COUNTED = 4000  # crossings are counted in graphs of up to this many links

Key = tuple[float, ...]


@dataclass(slots=True)
class Ranked:
    """Items in ranks: cells first, then bends and borders."""

    cells: int
    rank: list[int]
    paths: list[tuple[int, ...]]  # of every item, the groups it is in; empty without any groups
    before: list[list[int]] = field(default_factory=list)  # neighbours in the rank before
    after: list[list[int]] = field(default_factory=list)
    ports: list[list[float]] = field(default_factory=list)  # where each of `after` is entered
    layers: list[list[int]] = field(default_factory=list)
    border: dict[int, int] = field(default_factory=dict)  # item -> 0 (first side) or 1 (last side)

    def __post_init__(self) -> None:
        self.before = [[] for _ in self.rank]
        self.after = [[] for _ in self.rank]
        self.ports = [[] for _ in self.rank]
        self.layers = [[] for _ in range(max(self.rank, default=-1) + 1)]

    def add(self, rank: int, path: tuple[int, ...]) -> int:
        """A further item."""
        item = len(self.rank)
        self.rank.append(rank)
        self.before.append([])
        self.after.append([])
        self.ports.append([])
        self.layers[rank].append(item)
        if self.paths:
            self.paths.append(path)
        return item

    def link(self, item: int, following: int, port: float = 0.0) -> None:
        """Join an item to one in the next rank, at a port from -1/2, its first side, to 1/2."""
        self.after[item].append(following)
        self.ports[item].append(port)
        self.before[following].append(item)


def cross_less(drawn: Ranked) -> None:
    """Reorder every layer in place."""
    place = [0.0] * len(drawn.rank)
    for layer in drawn.layers:
        _number(layer, place)
    if drawn.paths:
        _sort_groups(drawn, place)
    counted = sum(map(len, drawn.after)) <= COUNTED
    best, fewest = [list(layer) for layer in drawn.layers], inf
    for sweep in range(SWEEPS):
        crossings = _crossings(drawn) if counted else -sweep
        if crossings < fewest:
            best, fewest = [list(layer) for layer in drawn.layers], crossings
        if crossings == 0 and counted:
            break
        backward = sweep % 2 == 0
        for layer in reversed(drawn.layers) if backward else drawn.layers:
            for item in layer:
                if backward:
                    near = [
                        place[k] + p
                        for k, p in zip(drawn.after[item], drawn.ports[item], strict=True)
                    ]
                else:
                    near = [place[k] for k in drawn.before[item]]
                if near:
                    place[item] = _median(near)
            if not drawn.paths:
                layer.sort(key=place.__getitem__)
                _number(layer, place)
        if drawn.paths:
            _sort_groups(drawn, place)
    drawn.layers[:] = best


def _number(layer: list[int], place: list[float]) -> None:
    """Places counted from the middle of the layer, so that layers of any length compare."""
    middle = (len(layer) - 1) / 2
    for k, item in enumerate(layer):
        place[item] = k - middle


def _median(places: list[float]) -> float:
    if len(places) == 1:
        return places[0]
    places.sort()
    middle = len(places) // 2
    return places[middle] if len(places) % 2 else (places[middle - 1] + places[middle]) / 2


def _sort_groups(drawn: Ranked, place: list[float]) -> None:
    """Sort all layers, each group at the mean place of its cells, in every layer alike."""
    total: dict[tuple[int, ...], list[float]] = {}
    for v in range(drawn.cells):
        path = drawn.paths[v]
        for k in range(1, len(path) + 1):
            sums = total.setdefault(path[:k], [0.0, 0.0])
            sums[0] += place[v]
            sums[1] += 1.0
    mean = {path: sums[0] / sums[1] for path, sums in total.items()}

    def key(item: int) -> Key:
        path = drawn.paths[item]
        parts: list[float] = []
        for k in range(1, len(path) + 1):
            parts += (mean[path[:k]], float(path[k - 1]))
        side = drawn.border.get(item)
        return (*parts, place[item] if side is None else -inf if side == 0 else inf, -1.0)

    for layer in drawn.layers:
        layer.sort(key=key)
        _number(layer, place)


def _crossings(drawn: Ranked) -> int:
    """How many pairs of links cross: the inversions between each rank and the next.

    Source: Barth, Juenger & Mutzel 2002, with a tree of sums over the places of a layer.
    """
    crossings = 0
    for layer, following in zip(drawn.layers, drawn.layers[1:], strict=False):
        position = {item: k for k, item in enumerate(following)}
        links = [
            [position[k] + port for k, port in zip(drawn.after[v], drawn.ports[v], strict=True)]
            for v in layer
        ]
        order = {end: k + 1 for k, end in enumerate(sorted({end for own in links for end in own}))}
        sums = [0] * (len(order) + 1)
        entered = 0
        for own in links:
            ends = [order[end] for end in own]
            for end in ends:
                at_most, k = 0, end
                while k > 0:
                    at_most += sums[k]
                    k -= k & -k
                crossings += entered - at_most
            for end in ends:
                k = end
                while k < len(sums):
                    sums[k] += 1
                    k += k & -k
            entered += len(ends)
    return crossings
