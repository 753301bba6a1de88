"""What nobody needs goes: dead statements, sums that are never read, additions of zero."""

import math

import numpy as np

from wengert.program.address import CONSTANT, OUTPUT, VALUE, Address, Extent
from wengert.program.bodies import Details, said
from wengert.program.draft import TEST, Axes, Frame, Item, Line
from wengert.program.statements import Accumulate, Guard
from wengert.program.tables import is_still
from wengert.program.workbench import Draft
from wengert.program.writers import Writers


def zeros(draft: Draft) -> Details:
    """What is 0 adds nothing to a sum.

    `m + -0.0` is `m`, whatever it is. `m + 0.0` is not if `m` is -0.0, which a sum never is unless
    it starts there: only the sum of two -0.0 is one.
    """
    void = {line for line in draft.lines if line.kind is Accumulate and _adds_nothing(draft, line)}
    if void:
        _drop(draft, void)
    return said([("left out {} of 0", len(void), "addition")])


def _adds_nothing(draft: Draft, line: Line) -> bool:
    number = _number(draft, line)
    if number is None or number != 0.0:
        return False
    if math.copysign(1.0, number) < 0.0:
        return True
    met = draft.producers.met(line.target.memory, draft.producers.written(line))
    starts = [_number(draft, other) for other in met if other.kind is not Accumulate]
    return bool(starts) and all(
        start is not None and (start != 0.0 or math.copysign(1.0, start) > 0.0) for start in starts
    )


def _number(draft: Draft, line: Line) -> float | None:
    """The constant that a statement moves or adds."""
    read = line.reads[0]
    if line.row is not None or read.memory != CONSTANT:
        return None
    if read.lookup or not is_still(read.strides, line.axes):
        return None
    return draft.numbers.at(read.base)


def dead(draft: Draft) -> Details:
    """What is no output, no guard, and read by nobody goes."""
    live = _live(draft)
    gone = {line for line in draft.lines if line not in live}
    dropped = sum(not line.is_move for line in gone)
    loops = _drop(draft, gone)
    return said([("removed {}", dropped, "dead statement"), ("removed {}", loops, "empty loop")])


def _drop(draft: Draft, gone: set[Line]) -> int:
    """Take lines out, and the loops that are empty then; how many of those."""
    loops = 0
    if not gone and all(any(frame.parts) for frame, _ in draft.frames):
        return 0
    for part in draft.bodies():
        kept: list[Item] = []
        for item in part:
            if isinstance(item, Frame) and not any(item.parts):
                loops += 1
            elif not (isinstance(item, Line) and item in gone):
                kept.append(item)
        if len(kept) != len(part):
            part[:] = kept
    if gone or loops:
        draft.dropped(gone)
    return loops


def _live(draft: Draft) -> set[Line]:
    reached = _Reached(draft)
    for line in draft.lines:
        if line.kind is Guard or line.target.memory == OUTPUT:
            reached.add(line)
    for place in draft.outside():
        reached.read(Address(VALUE, place), ())
    reached.go()
    return reached.live


class _Reached:
    """The lines that are needed, found from those that need them.

    Where one statement writes what is read, that is followed first: so there are few left to be
    looked for among all that may meet what others read. Once all lines are found to be needed,
    which mostly they are, nobody asks what else needs them.
    """

    def __init__(self, draft: Draft) -> None:
        self.live: set[Line] = set()
        self._left = len(draft.lines)
        self._waiting: list[Line] = []
        self._ranging: list[tuple[Address, Axes]] = []  # reads of more than one statement's places
        self._producers = draft.producers
        self._conditions: set[Frame] = set()
        self._rest = {memory: _Rest(writers) for memory, writers in draft.producers.writers.items()}

    def add(self, line: Line) -> None:
        """A line is needed."""
        if line not in self.live:
            self.live.add(line)
            self._waiting.append(line)
            self._left -= 1
            self._rest[line.target.memory].remove(line)

    def read(self, address: Address, axes: Axes) -> None:
        """Something is needed that is read."""
        source = self._producers.source(address, axes)
        if source is not None:
            self.add(source.line)
        elif address.memory in self._rest:
            self._ranging.append((address, axes))

    def go(self) -> None:
        """Find all that is needed."""
        while self._left and (self._waiting or self._ranging):
            while self._waiting and self._left:
                self._enter(self._waiting.pop())
            if self._ranging:
                address, axes = self._ranging.pop()
                rest = self._rest[address.memory]
                if rest.count:
                    for line in rest.meeting(self._producers.reach(address, axes)):
                        self.add(line)

    def _enter(self, line: Line) -> None:
        for address, source in zip(line.reads, self._producers.sources(line), strict=True):
            if source is not None:
                self.add(source.line)
            elif address.memory in self._rest:
                self._ranging.append((address, line.axes))
        if line.kind is Accumulate:  # what it adds to must have been written
            for other in self._producers.met(line.target.memory, self._producers.written(line)):
                if other.kind is not Accumulate:
                    self.add(other)
        for depth, (frame, _, _) in enumerate(line.axes):
            if frame.condition is not None and frame not in self._conditions:
                self._conditions.add(frame)
                self.read(frame.condition, frame.inside(line.axes[:depth], TEST))


class _Rest:
    """The writers of a memory that nobody was found to need yet."""

    def __init__(self, writers: Writers) -> None:
        self.count = len(writers.lines)
        self._writers = writers
        self._left = bytearray(b"\1") * self.count

    def remove(self, line: Line) -> None:
        """Somebody needs a line."""
        self._left[self._writers.number[line]] = 0
        self.count -= 1

    def meeting(self, read: Extent) -> list[Line]:
        """Those that may write one of these places."""
        among = np.frombuffer(self._left, bool)
        return [self._writers.lines[k] for k in self._writers.numbers(read, among)]
