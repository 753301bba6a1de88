"""Rounds whose values are computed again on the way back, and what stays within them.

Of a loop marked `again`, nothing is kept of what a round makes for itself: the reversed round
begins with the statements of the round, which leave their results at other places, and the adjoints
read those. A read stays *within* the round if all that may have written there stands in the same
round of the same loop; what comes from another round, or leaves this one, is kept.
"""

from collections.abc import Sequence

from wengert.derive.activity import stands_in
from wengert.derive.space import counts_of
from wengert.derive.uses import Uses
from wengert.program.address import VALUE, Address
from wengert.program.draft import Axes, Frame, Line
from wengert.program.extents import extent
from wengert.program.statements import Accumulate, Run


class Blocks:
    """The marked loops of a program.

    Args:
        uses: the uses in the program.

    Attributes:
        homes: the marked loops, by the `id` of a statement, in a round of which every contribution
            to the sum of its adjoint comes.
    """

    def __init__(self, uses: Uses) -> None:
        self.uses, self.activity = uses, uses.activity
        self._within: dict[tuple[Address, Axes, int], bool] = {}
        self.homes = {
            id(line): frame
            for line in self.activity.producers.lines if id(line) in uses.summed
            for frame in [self._home(line)] if frame
        }  # fmt: skip

    def within(self, address: Address, axes: Axes, depth: int) -> bool:
        """Whether what is read stays within a round.

        Args:
            address: what is read.
            axes: the loops around the reader.
            depth: which of them it is.
        """
        key = address, axes, depth
        if key not in self._within:
            self._within[key] = address.memory == VALUE and self._is_within(*key)
        return self._within[key]

    def _is_within(self, address: Address, axes: Axes, depth: int) -> bool:
        if len(axes) <= depth:
            return False
        source = self.activity.producers.source(address, axes)
        if source and not self.activity.is_sum(address, axes):
            return source.same_round(axes, depth + 1)
        waiting = [(address, axes)]
        for read, around in waiting:  # which grows by the terms of sums
            for writer in self.activity.writers(read, around):
                if isinstance(writer, Run) or not stands_in(writer, axes[depth].frame, depth):
                    return False
                if not self._in_one_round(writer, read, around, depth):
                    return False
                term = writer.target, writer.axes
                if writer.kind is Accumulate and term not in waiting:
                    waiting.append(term)
        return True

    def _in_one_round(self, writer: Line, address: Address, axes: Axes, depth: int) -> bool:
        """Whether an address means nothing that a statement writes in another round."""
        target = writer.target
        if address.lookup or target.lookup:
            return False
        outer, counts = depth + 1, counts_of(axes)
        moves = address.strides[:outer]
        if moves != target.strides[:outer]:
            return False
        read = extent(_still(address, outer), axes, self.activity.index)
        made = extent(_still(target, outer), writer.axes, self.activity.index)
        reach = max(abs(read.low - made.high), abs(read.high - made.low))
        for stride, count in sorted(zip(map(abs, moves), counts, strict=False)):
            if count > 1:
                if stride <= reach:
                    return False
                reach += stride * (count - 1)
        return True

    def _home(self, line: Line) -> Frame | None:
        """The innermost marked loop that all contributions to an adjoint stay within."""
        if self.uses.is_read_by_columns(line):
            return None
        touching = [(far.address, far.axes) for far in self.uses.readers(line)]
        touching += [(term.target, term.axes) for term in self.uses.terms(line)]
        for depth in reversed(range(len(line.axes))):
            frame = line.axes[depth].frame
            if frame.again and all(self.within(*each, depth) for each in touching):
                return frame
        return None


def _still(address: Address, outer: int) -> Address:
    """The address in the first round of the outer loops."""
    strides: Sequence[int] = address.strides[outer:]
    return Address(address.memory, address.base, (*(0,) * outer, *strides))
