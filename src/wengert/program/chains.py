"""Copies of copies in a loop: `t[k] = t[k - 1]` is what stood there before the loop.

Reverse mode leaves such chains where a sum was added up: the adjoint of the sum is that of every
partial sum. Who reads along a chain reads its beginning instead, and nothing is carried any more.
"""

from dataclasses import replace

from wengert.program.address import Address
from wengert.program.bodies import Details, said
from wengert.program.draft import Axes, Line
from wengert.program.producers import without_axis
from wengert.program.workbench import Draft


def chains(draft: Draft) -> Details:
    """Who reads along a chain of copies reads where it begins."""
    count = 0
    for line in draft.lines:
        found = _beginning(draft, line)
        if found is not None:
            depth, beginning = found
            count += _redirected(draft, line, depth, beginning)
            line.reads = (beginning,)
            draft.touch()
            count += 1
    return said([("read {} at the beginning of a chain of copies", count, "time")])


def _beginning(draft: Draft, line: Line) -> tuple[int, Address] | None:
    """The loop along which a statement hands a copy on, and what it hands on."""
    if not line.is_move or line.target.lookup or line.reads[0].lookup:
        return None
    target, read = line.target, line.reads[0]
    if read.memory != target.memory or read.strides != target.strides:
        return None
    for depth, axis in enumerate(line.axes):
        stride = target.strides[depth]
        if not stride or read.base != target.base - stride or axis.frame.local:
            continue
        start, around = _at_start(read, line.axes, depth)
        source = draft.producers.source(start, around)
        if source is None or source.line is line or not draft.producers.settled(start, around):
            return None
        strides = tuple(0 if k == depth else s for k, s in enumerate(read.strides))
        return depth, replace(read, strides=strides)
    return None


def _at_start(read: Address, axes: Axes, depth: int) -> tuple[Address, Axes]:
    """What the first round reads, as seen from outside of that loop."""
    return without_axis(read, depth), axes[:depth] + axes[depth + 1 :]


def _redirected(draft: Draft, line: Line, depth: int, beginning: Address) -> int:
    """Let the statements in the loop that read along the chain read its beginning."""
    count = 0
    for reader in draft.lines:
        if reader is line or reader.axes[: depth + 1] != line.axes[: depth + 1]:
            continue
        for k, read in enumerate(reader.reads):
            if _is_along(read, line, depth):
                further = (0,) * (len(reader.axes) - len(line.axes))
                address = replace(beginning, strides=(*beginning.strides, *further))
                reader.reads = (*reader.reads[:k], address, *reader.reads[k + 1 :])
                count += 1
    return count


def _is_along(read: Address, line: Line, depth: int) -> bool:
    """Whether an address means this round's link of a chain, or the one before."""
    target, width = line.target, len(line.axes)
    if read.memory != target.memory or read.lookup or len(read.strides) < width:
        return False
    if read.strides[:width] != target.strides or any(read.strides[width:]):
        return False
    return target.base - read.base in (0, target.strides[depth])
