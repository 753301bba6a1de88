"""Which places an address can mean, as far as three numbers tell: the lowest, the highest, a step.

An affine address means no other places than these; one that is looked up, those that the entries
of its stretch of the index table lie between. Bodies are simplified by these numbers alone, so the
cost does not depend on trip counts. The native twin of `extent_plain` is native/extents.c.
"""

from collections.abc import Sequence
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from wengert.program.address import Address, Extent, Integers
from wengert.program.draft import Axes
from wengert.value import engine

FAR = 1 << 58  # stands for a bound that nobody knows; sixteen of them still fit into an integer


def affine_extent(base: int, strides: Sequence[int], axes: Axes) -> tuple[int, int, int]:
    """The lowest and the highest of `base + Σ strides·k`, and their step."""
    low = high = base
    step = 0
    if any(strides):
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
    return low, high, step


def extent_plain(address: Address, axes: Axes, index: Integers) -> Extent:
    """The places that an address can mean."""
    low, high, step = affine_extent(address.base, address.strides, axes)
    lookup = address.lookup
    if lookup is not None:
        start, last, stride = affine_extent(lookup.start, lookup.strides, axes)
        entries = index[max(start, 0) : max(last + 1, 0) : stride or 1]
        if len(entries):
            low, high = low + int(entries.min()), high + int(entries.max())
            step = gcd(step, int(np.gcd.reduce(entries - entries[0])))
    return Extent(low, high, step)


if TYPE_CHECKING:
    extent = extent_plain
elif engine == "native":
    from wengert._native import extent
else:
    extent = extent_plain
