"""Windows of whole rows: of what a loop computes in each round, only the last few rounds are kept.

A time step reads the rows that the step before has written, and no others. Then two rows do, one
after the other in turn. Unlike a window of single places, a row is never cut: the loops inside go
through memory as if all rows were there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wengert.program.address import Address, span
from wengert.program.dependence import Level, Site
from wengert.program.statements import Loop


@dataclass(frozen=True)
class Rows:
    """How places are divided up: so many places a row, and so many rows, a power of two."""

    length: int
    count: int


def row_window(
    writers: Sequence[Site], touched: Sequence[tuple[Site, Address]], first: int, step: int
) -> Rows | None:
    """The rows that have to be kept; None if not all that touches the values goes by rows.

    Args:
        writers: the statements that write the values.
        touched: all that reads or writes them, through which address.
        first: the lowest place.
        step: how far apart places are at least.
    """
    level, stride = _longest(writers)
    if level is None or abs(stride) // step < 2:
        return None
    length = abs(stride) // step
    inside: list[int] = []
    before: list[int] = []
    behind: list[int] = []
    for site, address in touched:
        is_inside = site.levels[:1] == (level,)
        if address.lookup or (is_inside and address.strides[0] != stride):
            return None
        if not all(isinstance(each.loop, Loop) for each in site.levels):
            return None
        inner = int(is_inside)
        low, high = span(address.base, address.strides[inner:], site.counts[inner:])
        row = (low - first) // step // length
        if row != (high - first) // step // length:
            return None
        rows = inside if is_inside else before if site.number < level.start else behind
        rows.append(row if stride > 0 else -row)
    assert isinstance(level.loop, Loop)
    low, high = min(inside), max(inside)
    ends = low + level.loop.count - 1, high + level.loop.count - 1
    if not all(low <= row <= high for row in before):
        return None
    if not all(ends[0] <= row <= ends[1] for row in behind):
        return None
    return Rows(length, 1 << (high - low).bit_length())


def _longest(writers: Sequence[Site]) -> tuple[Level | None, int]:
    """The outermost loop that moves what is written farthest, and by how much."""
    found: tuple[Level | None, int] = (None, 0)
    for site in writers:
        if site.levels and site.target and site.counts[0] > 1:
            stride = site.target.strides[0]
            if abs(stride) > abs(found[1]):
                found = site.levels[0], stride
    return found
