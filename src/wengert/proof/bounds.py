"""Bounds of every gradient of a graph, from numerical slopes of one operation at a time.

The chain rule multiplies and adds intervals here. Where all operations on the way are smooth the
interval is a number with its error. An operation at a kink gives all slopes between its left and
its right one, so whatever element of the subdifferential a gradient was computed with lies within.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

from wengert.proof.nudge import Tape
from wengert.proof.numeric import KINK, Slope

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the chain rule says of one node's gradient.

    Attributes:
        low: the least it can be.
        high: the greatest it can be.
        size: the sum over all paths of the absolute product of slopes: what the rounding of a
            gradient is relative to, where contributions cancel.
        kinked: an operation at a kink has a part in it.
        unsure: an operation without a slope or on NaN or infinity is on the way, be its part zero.
    """

    low: float
    high: float
    size: float
    kinked: bool
    unsure: bool

    @property
    def middle(self) -> float:
        """The number itself where it is known; 0 where nothing is."""
        return 0.5 * self.low + 0.5 * self.high if self.known else 0.0

    def __str__(self) -> str:
        room = 1e-9 * max(abs(self.low), abs(self.high))
        ends = [0.0 if abs(end) <= room else end for end in (self.low, self.high)]
        return f"{ends[0]:.6g} to {ends[1]:.6g}"

    @property
    def known(self) -> bool:
        """Whether it is bounded at all."""
        return isfinite(self.low) and isfinite(self.high)


def bounds(tape: Tape, local: Sequence[tuple[Slope, ...]], root: int | None = None) -> list[Bounds]:
    """Bounds for every node, from the root, or the node that is taken for it, to the leaves."""
    count = len(tape.nodes)
    root = count - 1 if root is None else root
    low, high, size = [0.0] * count, [0.0] * count, [0.0] * count
    kinked, unsure = [False] * count, [False] * count
    low[root] = high[root] = size[root] = 1.0
    for k in reversed(range(root + 1)):
        upstream = (low[k], high[k])
        odd = not all(isfinite(tape.data[i]) for i in (k, *tape.operands[k]))
        for j, slope in zip(tape.operands[k], local[k], strict=True):
            unsure[j] |= unsure[k] or odd or slope.bounds == (-inf, inf)
            if upstream == (0.0, 0.0) or slope.bounds == (0.0, 0.0):
                continue
            least, most = _product(upstream, slope.bounds)
            rounding = 1e-15 * max(abs(least), abs(most))
            low[j] += least - rounding if isfinite(least) else least
            high[j] += most + rounding if isfinite(most) else most
            size[j] += size[k] * max(map(abs, slope.bounds))
            kinked[j] |= kinked[k] or slope.kind == KINK
    return [
        Bounds(*each)
        if each[0] == each[0] and each[1] == each[1]
        else Bounds(-inf, inf, inf, True, True)
        for each in zip(low, high, size, kinked, unsure, strict=True)
    ]


def _product(a: Interval, b: Interval) -> Interval:
    products = [x * y if x and y else 0.0 for x in a for y in b]
    return min(products), max(products)
