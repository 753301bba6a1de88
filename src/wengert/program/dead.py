"""What nobody needs goes: dead statements, sums that are never read, additions of zero."""

import math

from wengert.program.address import CONSTANT, OUTPUT, VALUE, Address
from wengert.program.bodies import Details, said
from wengert.program.draft import TEST, Axis, Frame, Item, Line, bodies
from wengert.program.statements import Accumulate, Guard
from wengert.program.tables import moving
from wengert.program.workbench import Draft


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
        start is not None and (start != 0.0 or math.copysign(1.0, start) > 0.0)
        for start in starts
    )


def _number(draft: Draft, line: Line) -> float | None:
    """The constant that a statement moves or adds."""
    read = line.reads[0]
    if line.row is not None or read.memory != CONSTANT:
        return None
    if read.lookup or moving(read.strides, line.axes):
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
    for part in bodies(draft.items):
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
    producers = draft.producers
    live: set[Line] = set()
    entered: set[Frame] = set()
    waiting = [
        line for line in draft.lines if line.kind is Guard or line.target.memory == OUTPUT
    ]
    for place in draft.outside():
        waiting += producers.possible(Address(VALUE, place), ())
    while waiting:
        line = waiting.pop()
        if line in live:
            continue
        live.add(line)
        for address, source in zip(line.reads, producers.sources(line), strict=True):
            waiting += (source.line,) if source else producers.possible(address, line.axes)
        if line.kind is Accumulate:  # what it adds to must have been written
            met = producers.met(line.target.memory, producers.written(line))
            waiting += [other for other in met if other.kind is not Accumulate]
        for depth, axis in enumerate(line.axes):
            condition = axis.frame.condition
            if condition is not None and axis.frame not in entered:
                entered.add(axis.frame)
                around = (*line.axes[:depth], Axis(axis.frame, TEST))
                waiting += producers.possible(condition, around)
    return live
