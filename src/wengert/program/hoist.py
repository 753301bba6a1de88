"""Hoisting: what comes out the same in every round of a loop is done once, before the loop.

A statement that leaves a loop writes where it wrote in the loop's first round, and all that read
any of its places read that one. So it stays if a reader ranges over others' places too.
"""

from collections.abc import Iterator
from dataclasses import replace

from wengert.program.address import OUTPUT, VALUE, Address
from wengert.program.bodies import Details, lift, put_before, times
from wengert.program.draft import TEST, Axes, Frame, Item, Line, frames, lines
from wengert.program.producers import Source
from wengert.program.statements import Assign, Run
from wengert.program.workbench import Draft

Leaving = dict[Line, int]  # which of its loops a line leaves


def hoisting(draft: Draft) -> Details:
    """What does not depend on a loop moves out of it, by one loop at a time."""
    plans: list[tuple[Frame, list[Item]]] = []
    leaving: Leaving = {}
    busy: set[int] = set()  # loops with something to hoist in them, and the loops around those
    details = []
    straddled = _Straddled(draft)
    for frame, axes in draft.frames:
        if frame.count is None or frame.count == 1 or id(frame) in busy:
            continue
        chosen = _invariant(draft, frame, len(axes), straddled)
        if chosen:
            busy |= {id(frame), *(id(axis.frame) for axis in axes)}
            plans.append((frame, chosen))
            found = lines(chosen)
            leaving.update((line, len(axes)) for line in found)
            count = times(len(found), "statement")
            details.append(f"hoisted {count} out of the loop of {frame.count:,}")
    if plans:
        _redirect(draft, leaving)
        for line, depth in leaving.items():
            lift(line, depth)
        for frame, chosen in plans:
            put_before(draft.items, frame, chosen)
        draft.moved(set(leaving))
    return details


class _Straddled:
    """The lines that share a reader with others, so that their places cannot change."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._found: set[Line] | None = None

    def __call__(self, chosen: set[Line]) -> bool:
        """Whether one of some lines is such a line; who they are is found out when first asked."""
        if self._found is None:
            self._found = set()
            producers = self._draft.producers
            for line in producers.lines:
                sources = producers.sources(line)
                if None in sources:
                    written = zip(sources, producers.writing(line), strict=True)
                    self._found.update(*(found for source, found in written if source is None))
            for address, axes in self._elsewhere():
                if not producers.source(address, axes):
                    self._found.update(producers.possible(address, axes))
        return not self._found.isdisjoint(chosen)

    def _elsewhere(self) -> Iterator[tuple[Address, Axes]]:
        """What loops and columns read."""
        for frame, axes in self._draft.frames:
            if frame.condition is not None:
                yield frame.condition, frame.inside(axes, TEST)
        for place in self._draft.outside():
            yield Address(VALUE, place), ()


def _invariant(draft: Draft, frame: Frame, depth: int, straddled: _Straddled) -> list[Item]:
    """The items of a loop's body that do not depend on its counter: lines, and whole loops."""
    chosen: list[Item] = []
    out: set[Line] = set()  # the lines that leave
    inside: set[Line] = set()
    for item in frame.parts[0]:
        if isinstance(item, Line):
            if not out and any(_moves(address, depth) for address in item.reads):
                continue
            own = {item}
        elif isinstance(item, Run) or any(loop.local for loop, _ in frames([item])):
            continue
        else:
            own = set(lines([item]))
        inside = inside or set(lines([frame]))
        after = out | own
        if all(_leaves(draft, line, depth, inside, after) for line in own) and not straddled(after):
            chosen.append(item)
            out = after
    return chosen


def _moves(address: Address, depth: int) -> bool:
    """Whether a loop's counter moves an address."""
    lookup = address.lookup
    return bool(address.strides[depth] or (lookup and lookup.strides[depth]))


def _leaves(draft: Draft, line: Line, depth: int, inside: set[Line], out: set[Line]) -> bool:
    """Whether a line can leave its loop of that depth together with others."""
    producers = draft.producers
    if line.kind is not Assign or line.target.memory == OUTPUT or line.target.lookup:
        return False
    if not producers.all_final(line):
        return False
    found = zip(line.reads, producers.sources(line), producers.writing(line), strict=True)
    for address, source, writing in found:
        if source and source.line in out:
            others = [row for k, row in enumerate(source.counters.matrix) if k != depth]
            if any(row[depth] for row in others) or None in source.counters.offsets:
                return False
            continue
        if _moves(address, depth):
            return False
        if not inside.isdisjoint(writing):
            return False
    return True


def _redirect(draft: Draft, leaving: Leaving) -> None:
    """Let all readers of what leaves read what the first round wrote."""
    producers = draft.producers

    def redirected(address: Address, source: Source | None) -> Address:
        if source is None or source.line not in leaving:
            return address
        return _at_first(source, leaving[source.line])

    for line in producers.lines:
        sources = producers.sources(line)
        if any(source is not None and source.line in leaving for source in sources):
            line.reads = tuple(map(redirected, line.reads, sources))
    for frame, axes in draft.frames:
        if frame.condition is not None:
            source = producers.source(frame.condition, frame.inside(axes, TEST))
            frame.condition = redirected(frame.condition, source)
    read = {place: Address(VALUE, place) for place in draft.outside()}
    places = {
        place: redirected(address, producers.source(address, ())).base
        for place, address in read.items()
    }
    draft.substitute({place: new for place, new in places.items() if place != new})


def _at_first(source: Source, depth: int) -> Address:
    """What a source writes in the first round of one of its loops, in the reader's counters."""
    target, found = source.line.target, source.counters
    strides = tuple(0 if k == depth else s for k, s in enumerate(target.strides))
    offsets = tuple(0 if k == depth else o for k, o in enumerate(found.offsets))
    first = found._replace(offsets=offsets)
    address = first.applied(replace(target, strides=strides))
    assert address is not None
    return address
