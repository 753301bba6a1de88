"""Copies of copies in loops: `t[k] = t[k - 1]` is what stood there before the loop.

Reverse mode leaves such chains where a sum was added up: the adjoint of the sum is that of every
partial sum. Who reads along a chain reads its beginning instead, and nothing is carried any more.
A chain may go on from one round of an outer loop to the next: then `t` moves in a round of that
loop as far as in all rounds of the inner one.
"""

from collections.abc import Iterator
from dataclasses import replace

from wengert.program.address import Address
from wengert.program.bodies import Details, said
from wengert.program.draft import Axes, Line
from wengert.program.workbench import Draft


def chains(draft: Draft) -> Details:
    """Who reads along a chain of copies reads where it begins."""
    count = 0
    for line in draft.lines:
        beginning = _beginning(draft, line)
        if beginning is not None:
            count += 1 + _redirected(draft, line, beginning)
            line.reads = (beginning,)
            draft.touch()
    return said([("read {} at the beginning of a chain of copies", count, "time")])


def _beginning(draft: Draft, line: Line) -> Address | None:
    """What the first link of a chain of copies copies, if a statement is one."""
    if not line.is_move or line.target.lookup or line.reads[0].lookup or not line.axes:
        return None
    target, read = line.target, line.reads[0]
    if read.memory != target.memory or read.strides != target.strides:
        return None
    if not target.strides[-1] or read.base != target.base - target.strides[-1]:
        return None
    for outermost in _chained(target, line.axes):
        start = replace(read, strides=read.strides[:outermost])
        around = line.axes[:outermost]
        source = draft.producers.source(start, around)
        if source and source.line is not line and draft.producers.settled(start, around):
            still = (0,) * (len(line.axes) - outermost)
            return replace(read, strides=(*start.strides, *still))
    return None


def _chained(target: Address, axes: Axes) -> Iterator[int]:
    """The outermost loops along which a chain may go, the longest chain first."""
    found = len(axes) - 1
    if axes[found].frame.local:
        return
    while found:
        rounds = axes[found].rounds
        outer = axes[found - 1].frame.local, target.strides[found - 1]
        if rounds is None or outer != ("", rounds * target.strides[found]):
            break
        found -= 1
    yield from range(found, len(axes))


def _redirected(draft: Draft, line: Line, beginning: Address) -> int:
    """Let the statements in the loops that read along the chain read its beginning."""
    count, width = 0, len(line.axes)
    for reader in draft.lines:
        if reader is line or reader.axes[:width] != line.axes:
            continue
        for k, read in enumerate(reader.reads):
            if _is_along(read, line.target, width):
                further = (0,) * (len(reader.axes) - width)
                address = replace(beginning, strides=(*beginning.strides, *further))
                reader.reads = (*reader.reads[:k], address, *reader.reads[k + 1 :])
                count += 1
    return count


def _is_along(read: Address, target: Address, width: int) -> bool:
    """Whether an address means this round's link of a chain, or the one before."""
    if read.memory != target.memory or read.lookup:
        return False
    if read.strides[:width] != target.strides or any(read.strides[width:]):
        return False
    return target.base - read.base in (0, target.strides[-1])
