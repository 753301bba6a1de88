"""The passes that simplify statements in and around loops: each does one thing to a draft.

They look at no trip count but to compare it, so that what they cost depends on how a program is
stored and not on how many operations it means. A pass answers with what it did.
"""

from collections.abc import Sequence, Set
from itertools import product
from typing import Any

import numpy as np

from wengert.dispatch import Primitive
from wengert.program.address import CODES, CONSTANT, OUTPUT, VALUE, Address, coded
from wengert.program.draft import (
    BODY,
    LAST,
    TEST,
    Axes,
    Frame,
    Item,
    Line,
    bodies,
    frames,
    lines,
)
from wengert.program.match import Matcher
from wengert.program.producers import Source, without_axis
from wengert.program.rules import rules_for
from wengert.program.statements import Assign, Guard
from wengert.program.tables import dense, is_still, moving, ranged
from wengert.program.workbench import Draft

Details = list[str]


def single(draft: Draft) -> Details:
    """A loop of one round is its body."""
    count = 0
    found: set[Line] = set()
    for frame, axes in draft.frames:
        if frame.count == 1 and not frame.again:
            for line in lines(frame.parts[0]):
                lift(line, len(axes))
                found.add(line)
            for inner, _ in frames(frame.parts[0]):
                if inner.condition is not None:
                    inner.condition = without_axis(inner.condition, len(axes))
            put_before(draft.items, frame, frame.parts[0])
            count += 1
    if count:
        draft.moved(found)
    return said([("opened {} of one round", count, "loop")])


def lift(line: Line, depth: int) -> None:
    """Take a line out of one of its loops, on whose counter it does not depend."""
    line.target = without_axis(line.target, depth)
    line.reads = tuple(without_axis(address, depth) for address in line.reads)
    line.axes = line.axes[:depth] + line.axes[depth + 1 :]


def put_before(items: list[Item], frame: Frame, chosen: Sequence[Item]) -> None:
    """Move items of a loop's body to before the loop."""
    chosen = list(chosen)
    frame.parts[0] = [item for item in frame.parts[0] if not any(item is c for c in chosen)]
    for part in bodies(items):
        for k, item in enumerate(part):
            if item is frame:
                part[k:k] = chosen
                return


def lookups(draft: Draft) -> Details:
    """A place that is looked up once for all rounds is that place."""
    count = 0
    targets: set[Line] = set()
    for line in draft.lines if len(draft.index) else ():
        before = (*line.reads, line.target)
        if not [a for a in before if a.lookup and is_still(a.lookup.strides, line.axes)]:
            continue
        after = [_looked_up(draft, address, line.axes) for address in before]
        changed = sum(old is not new for old, new in zip(before, after, strict=True))
        if changed:
            count += changed
            if after[-1] is not line.target:
                targets.add(line)
            *reads, line.target = after
            line.reads = tuple(reads)
            draft.touch()
    if targets:
        draft.moved(targets)
    return said([("found {} that no loop moves", count, "looked-up place")])


def _looked_up(draft: Draft, address: Address, axes: Axes) -> Address:
    """The address without its lookup, if one entry of the table is looked up at all counters."""
    lookup = address.lookup
    if lookup is None or not is_still(lookup.strides, axes):
        return address
    if not 0 <= lookup.start < len(draft.index):
        return address  # it is never right
    return Address(address.memory, address.base + int(draft.index[lookup.start]), address.strides)


def constants(draft: Draft) -> Details:
    """An operand that ranges over equal constants becomes one constant; equal ones are shared."""
    count = 0
    for line in draft.lines:
        for k, address in enumerate(line.reads):
            if address.memory == CONSTANT and not address.lookup:
                shared = _shared(draft, address, line.axes)
                if shared != address:
                    still = is_still(address.strides, line.axes)
                    count += not still and not any(shared.strides)
                    line.reads = (*line.reads[:k], shared, *line.reads[k + 1 :])
                    draft.touch()
    return [f"{times(count, 'operand')} the same constant in every round"] if count else []


def _shared(draft: Draft, address: Address, axes: Axes) -> Address:
    if is_still(address.strides, axes):
        place = draft.numbers.shared(address.base)
    else:
        block = ranged(draft.numbers.memory, address.base, address.strides, axes)
        if block is None:
            return address
        words = block.view(np.int64)
        if words.flat[0] != words.flat[-1] or (words != words.flat[0]).any():
            base, strides = draft.numbers.first_alike(words, address.base, address.strides)
            return Address(CONSTANT, base, strides)
        place = draft.numbers.place(float(block.flat[0]))
    return Address(CONSTANT, place, (0,) * len(axes))


def folding(draft: Draft) -> Details:
    """An operation on constants becomes a constant; a guard that is certain to hold goes."""
    folded = held = 0
    for line in draft.lines:
        if line.row is None or line.reads[0].memory != CONSTANT:
            continue
        if not all(a.memory == CONSTANT and not a.lookup for a in line.reads):
            continue
        numbers = _evaluated(draft, line)
        if numbers is None:
            continue
        found, strides = numbers
        if line.kind is Guard:
            held += 1
        else:
            folded += 1
        place = draft.numbers.block(found) if len(found) > 1 else draft.numbers.place(found[0])
        line.kind, line.row = Assign, None
        line.reads = (Address(CONSTANT, place, strides),)
        draft.touch()
    return said([("folded {}", folded, "operation"), ("dropped {} that must hold", held, "guard")])


def _evaluated(draft: Draft, line: Line) -> tuple[list[float], tuple[int, ...]] | None:
    """The results of a line on constants, and the strides they are kept with."""
    moved = sorted({k for a in line.reads for k in moving(a.strides, line.axes)})
    counts = [line.axes[k].rounds for k in moved]
    if None in counts:
        return None
    size = int(np.prod([float(c or 0) for c in counts]))
    if size > max(len(draft.numbers), 1):
        return None
    memory = draft.numbers
    found = []
    for at in product(*(range(c or 0) for c in counts)):
        given = [
            memory.at(a.base + sum(a.strides[k] * j for k, j in zip(moved, at, strict=True)))
            for a in line.reads
        ]
        assert line.row is not None
        if line.kind is Guard:
            *given, expected = given
            if line.row.scalar(*given) != expected:
                return None
        found.append(line.row.scalar(*given))
    marks = tuple(int(k in moved) for k in range(len(line.axes)))
    return found, dense([c or 0 for c in counts], marks, line.axes)


class _Seen:
    """What the rules see of operands, from one line as it is now.

    Args:
        draft: the program.
        line: the line.
        asked: the rows that rules ask for, of those that there are; mostly there are none.
    """

    def __init__(self, draft: Draft, line: Line, asked: Set[Primitive]) -> None:
        self.draft, self.line, self.asked = draft, line, asked
        self._sources: tuple[Source | None, ...] | None = None

    def _source(self, operand: Address) -> Source | None:
        if self._sources is None:
            self._sources = self.draft.producers.sources(self.line)
        for address, source in zip(self.line.reads, self._sources, strict=True):
            if address is operand:
                return source
        return self.draft.producers.source(operand, self.line.axes)

    def row(self, operand: Address) -> Primitive | None:
        """The row of the operation that writes an address, if it may be one that is asked for."""
        source = self._source(operand) if self.asked else None
        return source.line.row if source is not None and source.line.kind is Assign else None

    def definition(self, operand: Address) -> tuple[Primitive, Sequence[Address]] | None:
        """The operation that writes an address, in the reader's counters."""
        source = self._source(operand)
        if source is None or source.line.kind is not Assign or source.line.row is None:
            return None
        moved = [self.draft.producers.moved(source, a, self.line.axes) for a in source.line.reads]
        found = [a for a in moved if a is not None]
        return (source.line.row, found) if len(found) == len(moved) else None

    def number(self, operand: Address) -> float | None:
        """The number, for an address that is one constant."""
        if operand.memory != CONSTANT or operand.lookup:
            return None
        if not is_still(operand.strides, self.line.axes):
            return None
        return self.draft.numbers.at(operand.base)

    def constant(self, number: float) -> Address:
        """The address of a number."""
        return Address(CONSTANT, self.draft.numbers.place(number), (0,) * len(self.line.axes))


def identities(draft: Draft) -> Details:
    """The rules."""
    rows = {line.row for line in draft.lines if line.row}
    matcher: Matcher[Address] = Matcher(rules_for(rows, draft.unsafe))
    asked = matcher.asked & rows
    for line in draft.lines:
        if line.kind is not Assign:
            continue
        while line.row is not None and matcher.knows(line.row):
            made = matcher.rewritten(line.row, line.reads, _Seen(draft, line, asked))
            if made is None:
                break
            line.row, line.reads = made
            if line.row and line.row in matcher.asked:
                asked.add(line.row)
            draft.touch()
    return [f"{name}: {_count(number)}" for name, number in matcher.applied.items()]


def common(draft: Draft) -> Details:
    """Of equal operations in one body, the later ones become moves."""
    merged = 0
    for part in draft.bodies():
        if len(part) > 1:
            merged += _merged(draft, part, {})
    for frame, _ in draft.frames:
        if frame.local:  # what the test computed is there for the rest of the round
            known: dict[Any, Line] = {}
            _merged(draft, frame.parts[TEST], known)
            for number in (BODY, LAST):
                merged += _merged(draft, frame.parts[number], dict(known))
    return said([("merged {}", merged, "equal operation")])


def _merged(draft: Draft, part: Sequence[Item], known: dict[Any, Line]) -> int:
    count = 0
    for line in part:
        if not isinstance(line, Line) or line.row is None or line.target.memory == OUTPUT:
            continue
        if not draft.producers.all_final(line):
            continue
        reads: Any = line.reads
        if line.row.facts.commutative:
            reads = (frozenset(reads[:2]), *reads[2:])
        before = known.setdefault((line.kind, line.row, reads), line)
        if line.kind is Guard:
            known.setdefault((Assign, line.row, reads[:-1]), line)
        if before is not line:
            line.kind, line.row, line.reads = Assign, None, (before.target,)
            draft.touch()
            count += 1
    return count


def moves(draft: Draft) -> Details:
    """Who reads a copy reads the original."""
    copies = [line for line in draft.lines if line.is_move and line.target.memory != OUTPUT]
    if not copies:
        return []
    filled = {line.target.memory for line in copies if _copied(line)}
    count = 0
    for line in draft.lines:
        for k, source in enumerate(draft.producers.sources(line)):
            address = found = line.reads[k]
            if source is not None and source.line.is_move:
                found = _original(draft, address, line.axes)
            elif source is None and address.memory in filled:
                found = _filled(draft, address, line.axes)
            if found != address:
                line.reads = (*line.reads[:k], found, *line.reads[k + 1 :])
                count += 1
    for frame, axes in draft.frames:
        if frame.condition is not None:
            found = _original(draft, frame.condition, frame.inside(axes, TEST))
            if found != frame.condition:
                frame.condition = found
                draft.touch()
    places = {}
    for place in draft.outside():
        found = _original(draft, Address(VALUE, place), ())
        if found != Address(VALUE, place) and found.memory in CODES:
            places[place] = coded(found.memory, found.at((), draft.index))
    draft.substitute(places)
    count += len(places)
    if count:
        draft.touch()
    return said([("passed by copies {}", count, "time")])


def _original(draft: Draft, address: Address, axes: Axes) -> Address:
    while True:
        source = draft.producers.source(address, axes)
        if source is None or not source.line.is_move:
            return address
        found = draft.producers.moved(source, source.line.reads[0], axes)
        if found is None:
            return address
        address = found


def _filled(draft: Draft, address: Address, axes: Axes) -> Address:
    """The one place that all statements copy which may write what an address reads."""
    producers = draft.producers
    copied = {_copied(line) for line in producers.possible(address, axes)}
    found = copied.pop() if len(copied) == 1 else None
    if found is None or not producers.settled(address, axes):
        return address
    if draft.in_columns(address.memory, producers.reach(address, axes)):
        return address
    if found.memory == VALUE:
        source = producers.source(found, ())
        if source is None or source.line.axes:
            return address
    return Address(found.memory, found.base, (0,) * len(axes))


def _copied(line: Line) -> Address | None:
    """The one place that a statement copies in all rounds, if it does no more."""
    if not line.is_move:
        return None
    (read,) = line.reads
    if read.lookup or read.memory not in CODES or read.memory == OUTPUT:
        return None
    if not is_still(read.strides, line.axes) or any(axis.frame.again for axis in line.axes):
        return None  # what is computed again reads as few places as before
    return Address(read.memory, read.base)


def said(done: Sequence[tuple[str, int, str]]) -> Details:
    """What was done, of what may have been."""
    return [text.format(times(count, noun)) for text, count, noun in done if count]


def times(count: int, noun: str) -> str:
    """A number of things."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def _count(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"
