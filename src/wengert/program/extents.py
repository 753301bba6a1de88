"""Which places an address can mean, as far as three numbers tell: the lowest, the highest, a step.

An affine address means no other places than these; one that is looked up, those that the entries
of its stretch of the index table lie between. Bodies are simplified by these numbers alone, so the
cost does not depend on trip counts. The native twin of `spread_plain` is native/extents.c.
"""

from collections.abc import Sequence
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from wengert.program.address import Address, Extent, Integers
from wengert.program.draft import Axes
from wengert.value import engine

FAR = 1 << 58  # stands for a bound that nobody knows; sixteen of them still fit into an integer


def extent(address: Address, axes: Axes, index: Integers) -> Extent:
    """The places that an address can mean."""
    reach = affine_extent(address.base, address.strides, axes)
    lookup = address.lookup
    if lookup is None:
        return reach
    start = affine_extent(lookup.start, lookup.strides, axes)
    found = spread(index, max(start.low, 0), start.high + 1, start.step or 1)
    if found is None:
        return reach
    return Extent(reach.low + found[0], reach.high + found[1], gcd(reach.step, found[2]))


def affine_extent(base: int, strides: Sequence[int], axes: Axes) -> Extent:
    """The places of `base + Σ strides·k`."""
    if not any(strides):
        return Extent(base, base, 0)
    low = high = base
    step = 0
    for stride, axis in zip(strides, axes, strict=True):
        if stride:
            count = axis.rounds
            reach = stride * (FAR // abs(stride) if count is None else count - 1)
            if reach > 0:
                high += reach
                step = gcd(step, stride)
            elif reach:
                low += reach
                step = gcd(step, stride)
    return Extent(low, high, step)


Spread = tuple[int, int, int] | None


def spread_plain(table: Integers, start: int, stop: int, step: int) -> Spread:
    """The smallest and the largest of `table[start:stop:step]`, and what divides all distances."""
    chosen = table[start:stop:step]
    if not len(chosen):
        return None
    return int(chosen.min()), int(chosen.max()), int(np.gcd.reduce(chosen - chosen[0]))


if TYPE_CHECKING:
    spread = spread_plain
elif engine == "native":
    from wengert._native import spread
else:
    spread = spread_plain
