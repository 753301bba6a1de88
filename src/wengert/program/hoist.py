"""Hoisting: what comes out the same in every round of a loop is done once, before the loop.

A statement that leaves a loop writes where it wrote in the loop's first round, and all that read
any of its places read that one. So it stays if a reader ranges over others' places too.
"""

from dataclasses import replace

from wengert.program.address import OUTPUT, VALUE, Address
from wengert.program.bodies import Details, Draft, lift, put_before, times
from wengert.program.draft import TEST, Axes, Axis, Frame, Item, Line, frames, lines, reading
from wengert.program.producers import Source
from wengert.program.statements import Assign, Run

Leaving = dict[int, tuple[Line, int]]  # by identity: a line, and which of its loops it leaves


def hoisting(draft: Draft) -> Details:
    """What does not depend on a loop moves out of it, by one loop at a time."""
    straddled = _straddled(draft)
    plans: list[tuple[Frame, list[Item]]] = []
    leaving: Leaving = {}
    busy: set[int] = set()  # loops with something to hoist in them, and the loops around those
    details = []
    for frame, axes in frames(draft.items):
        if frame.count is None or id(frame) in busy:
            continue
        chosen = _invariant(draft, frame, len(axes), straddled)
        if chosen:
            busy |= {id(frame), *(id(axis.frame) for axis in axes)}
            plans.append((frame, chosen))
            found = list(lines(chosen))
            leaving.update((id(line), (line, len(axes))) for line in found)
            count = times(len(found), "statement")
            details.append(f"hoisted {count} out of the loop of {frame.count:,}")
    if plans:
        _redirect(draft, leaving)
        for line, depth in leaving.values():
            lift(line, depth)
        for frame, chosen in plans:
            put_before(draft.items, frame, chosen)
        draft.changed()
    return details


def _straddled(draft: Draft) -> set[int]:
    """The lines that share a reader with others, so that their places cannot change."""
    found: set[int] = set()
    producers = draft.producers
    read = [*reading(draft.items), *((Address(VALUE, p), ()) for p in draft.outside())]
    for address, axes in read:
        if not producers.source(address, axes):
            found |= {id(line) for line in producers.possible(address, axes)}
    return found


def _invariant(draft: Draft, frame: Frame, depth: int, straddled: set[int]) -> list[Item]:
    """The items of a loop's body that do not depend on its counter: lines, and whole loops."""
    chosen: list[Item] = []
    out: set[int] = set()  # the lines that leave
    inside = {id(line) for line in lines([frame])}
    for item in frame.parts[0]:
        if isinstance(item, Run) or any(loop.local for loop, _ in frames([item])):
            continue
        own = list(lines([item]))
        after = out | {id(line) for line in own}
        if not after & straddled and all(
            _leaves(draft, line, depth, inside, after) for line in own
        ):
            chosen.append(item)
            out = after
    return chosen


def _leaves(draft: Draft, line: Line, depth: int, inside: set[int], out: set[int]) -> bool:
    """Whether a line can leave its loop of that depth together with others."""
    producers = draft.producers
    if line.kind is not Assign or line.target.memory == OUTPUT or line.target.lookup:
        return False
    if not all(map(producers.settled, (line.target, *line.reads))):
        return False
    for address in line.reads:
        source = producers.source(address, line.axes)
        if source and id(source.line) in out:
            others = [row for k, row in enumerate(source.counters.matrix) if k != depth]
            if any(row[depth] for row in others) or None in source.counters.offsets:
                return False
            continue
        if address.strides[depth] or (address.lookup and address.lookup.strides[depth]):
            return False
        if any(id(other) in inside for other in producers.possible(address, line.axes)):
            return False
    return True


def _redirect(draft: Draft, leaving: Leaving) -> None:
    """Let all readers of what leaves read what the first round wrote."""
    producers = draft.producers

    def redirected(address: Address, axes: Axes) -> Address:
        source = producers.source(address, axes)
        if source is None or id(source.line) not in leaving:
            return address
        return _at_first(source, leaving[id(source.line)][1])

    for line in producers.lines:
        line.reads = tuple(redirected(address, line.axes) for address in line.reads)
    for frame, axes in frames(draft.items):
        if frame.condition is not None:
            frame.condition = redirected(frame.condition, (*axes, Axis(frame, TEST)))
    places = {place: redirected(Address(VALUE, place), ()).base for place in draft.outside()}
    draft.substitute({place: new for place, new in places.items() if place != new})


def _at_first(source: Source, depth: int) -> Address:
    """What a source writes in the first round of one of its loops, in the reader's counters."""
    target, found = source.line.target, source.counters
    strides = tuple(0 if k == depth else s for k, s in enumerate(target.strides))
    first = replace(
        found, offsets=tuple(0 if k == depth else o for k, o in enumerate(found.offsets))
    )
    address = first.applied(replace(target, strides=strides))
    assert address is not None
    return address
