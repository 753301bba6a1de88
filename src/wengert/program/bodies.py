"""The passes that simplify statements in and around loops: each does one thing to a draft.

They look at no trip count but to compare it, so that what they cost depends on how a program is
stored and not on how many operations it means. A pass answers with what it did.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from wengert.dispatch import Primitive
from wengert.program.address import CODES, CONSTANT, OUTPUT, VALUE, Address, coded, distinct
from wengert.program.draft import (
    BODY,
    LAST,
    TEST,
    Axes,
    Axis,
    Frame,
    Item,
    Line,
    bodies,
    drafted,
    frames,
    lines,
    stated,
)
from wengert.program.match import Matcher
from wengert.program.producers import Producers, without_axis
from wengert.program.program import Program
from wengert.program.rules import rules_for
from wengert.program.statements import Accumulate, Assign, Guard, Run
from wengert.program.tables import Numbers, dense, moving, packed, ranged

Details = list[str]


class Draft:
    """A program taken apart, its tables, and who writes what."""

    def __init__(self, program: Program, unsafe: bool) -> None:
        self.items: list[Item] = drafted(program.statements)
        self.numbers = Numbers(program.constants)
        self.index = program.index
        self.unsafe = unsafe
        self._program = program
        self._producers: Producers | None = None
        self._outside: list[int] | None = None

    @property
    def producers(self) -> Producers:
        """Who writes what; found anew after `changed`."""
        if self._producers is None:
            self._producers = Producers(self.items, self.index)
        return self._producers

    def changed(self) -> None:
        """Forget who writes what, for writers were dropped or moved."""
        self._producers = self._outside = None

    def fields(self) -> dict[str, Any]:
        """What the program is made of now."""
        items, constants, index = packed(self.items, self.numbers.memory, self.index)
        return {"statements": stated(items), "constants": constants, "index": index}

    def outside(self) -> list[int]:
        """The places that columns read and do not write."""
        if self._outside is None:
            runs = [item for item in self.items if isinstance(item, Run)]
            found: list[int] = []
            for run in runs:
                places = run.places_in(VALUE)
                for other in runs:
                    if not other.outputs:
                        far = places - other.start
                        places = places[(far < 0) | (far >= len(other))]
                found += distinct(places).tolist()
            self._outside = sorted(set(found))
        return self._outside

    def substitute(self, places: dict[int, int]) -> None:
        """Let columns read other places; both are coded."""
        if not places:
            return
        old = np.array(sorted(places), np.int64)
        new = np.array([places[p] for p in sorted(places)], np.int64)
        for k, item in enumerate(self.items):
            if isinstance(item, Run):
                at = np.minimum(np.searchsorted(old, item.operands), len(old) - 1)
                operands = np.where(old[at] == item.operands, new[at], item.operands)
                self.items[k] = replace(item, operands=operands)
        self._outside = None


def single(draft: Draft) -> Details:
    """A loop of one round is its body."""
    count = 0
    for frame, axes in list(frames(draft.items)):
        if frame.count == 1:
            for line in lines(frame.parts[0]):
                lift(line, len(axes))
            for inner, _ in frames(frame.parts[0]):
                if inner.condition is not None:
                    inner.condition = without_axis(inner.condition, len(axes))
            put_before(draft.items, frame, frame.parts[0])
            count += 1
    if count:
        draft.changed()
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


def constants(draft: Draft) -> Details:
    """An operand that ranges over equal constants becomes one constant that all share."""
    count = 0
    for line in lines(draft.items):
        reads = tuple(_shared(draft, address, line.axes) for address in line.reads)
        if reads != line.reads:
            count += sum(
                a.memory == CONSTANT and bool(moving(a.strides, line.axes)) and a != b
                for a, b in zip(line.reads, reads, strict=True)
            )
            line.reads = reads
    return [f"{times(count, 'operand')} the same constant in every round"] if count else []


def _shared(draft: Draft, address: Address, axes: Axes) -> Address:
    if address.memory != CONSTANT or address.lookup:
        return address
    block = ranged(draft.numbers.memory, address.base, address.strides, axes)
    if block is None:
        return address
    number = float(block.flat[0])
    if block.size > 1 and (block.view(np.int64) != block.view(np.int64).flat[0]).any():
        return address
    place = draft.numbers.shared(address.base) if block.size == 1 else draft.numbers.place(number)
    return Address(CONSTANT, place, (0,) * len(axes))


def folding(draft: Draft) -> Details:
    """An operation on constants becomes a constant; a guard that is certain to hold goes."""
    folded = held = 0
    for line in lines(draft.items):
        if line.row is None or not all(a.memory == CONSTANT and not a.lookup for a in line.reads):
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
    """What the rules see of operands, from one line."""

    def __init__(self, draft: Draft, axes: Axes) -> None:
        self.draft, self.axes = draft, axes

    def definition(self, operand: Address) -> tuple[Primitive, Sequence[Address]] | None:
        """The operation that writes an address, in the reader's counters."""
        producers = self.draft.producers
        source = producers.source(operand, self.axes)
        if source is None or source.line.kind is not Assign or source.line.row is None:
            return None
        moved = [producers.moved(source, a, self.axes) for a in source.line.reads]
        found = [a for a in moved if a is not None]
        return (source.line.row, found) if len(found) == len(moved) else None

    def number(self, operand: Address) -> float | None:
        """The number, for an address that is one constant."""
        if operand.memory != CONSTANT or operand.lookup or moving(operand.strides, self.axes):
            return None
        return self.draft.numbers.at(operand.base)

    def constant(self, number: float) -> Address:
        """The address of a number."""
        return Address(CONSTANT, self.draft.numbers.place(number), (0,) * len(self.axes))


def identities(draft: Draft) -> Details:
    """The rules."""
    rows = {line.row for line in lines(draft.items) if line.row}
    matcher: Matcher[Address] = Matcher(rules_for(rows, draft.unsafe))
    for line in lines(draft.items):
        view = _Seen(draft, line.axes)
        while line.kind is Assign and line.row is not None:
            if not all(map(draft.producers.settled, line.reads)):
                break
            made = matcher.rewritten(line.row, line.reads, view)
            if made is None:
                break
            line.row, line.reads = made
    return [f"{name}: {_count(number)}" for name, number in matcher.applied.items()]


def common(draft: Draft) -> Details:
    """Of equal operations in one body, the later ones become moves."""
    merged = 0
    for part in bodies(draft.items):
        merged += _merged(draft, part, {})
    for frame, _ in frames(draft.items):
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
        if not all(map(draft.producers.settled, (line.target, *line.reads))):
            continue
        reads = line.reads
        if line.row.facts.commutative:
            reads = (*sorted(line.operands, key=repr), *reads[len(line.operands) :])
        before = known.setdefault((line.kind, line.row, reads), line)
        if line.kind is Guard:
            known.setdefault((Assign, line.row, reads[:-1]), line)
        if before is not line:
            line.kind, line.row, line.reads = Assign, None, (before.target,)
            count += 1
    return count


def moves(draft: Draft) -> Details:
    """Who reads a copy reads the original."""
    count = 0
    for line in lines(draft.items):
        reads = tuple(_original(draft, address, line.axes) for address in line.reads)
        count += sum(a != b for a, b in zip(line.reads, reads, strict=True))
        line.reads = reads
    for frame, axes in frames(draft.items):
        if frame.condition is not None:
            frame.condition = _original(draft, frame.condition, (*axes, Axis(frame, TEST)))
    places = {}
    for place in draft.outside():
        found = _original(draft, Address(VALUE, place), ())
        if found != Address(VALUE, place) and found.memory in CODES:
            places[place] = coded(found.memory, found.at((), draft.index))
    draft.substitute(places)
    count += len(places)
    return said([("passed by copies {}", count, "time")])


def _original(draft: Draft, address: Address, axes: Axes) -> Address:
    while True:
        source = draft.producers.source(address, axes)
        if source is None or not source.line.is_move or not draft.producers.settled(address):
            return address
        found = draft.producers.moved(source, source.line.reads[0], axes)
        if found is None:
            return address
        address = found


def dead(draft: Draft) -> Details:
    """What is no output, no guard, and read by nobody goes."""
    live = _live(draft)
    dropped = loops = 0
    for part in bodies(draft.items):
        kept: list[Item] = []
        for item in part:
            if isinstance(item, Line) and id(item) not in live:
                dropped += not item.is_move
            elif isinstance(item, Frame) and not any(item.parts):
                loops += 1
            else:
                kept.append(item)
        if len(kept) != len(part):
            part[:] = kept
            draft.changed()
    return said([("removed {}", dropped, "dead statement"), ("removed {}", loops, "empty loop")])


def _live(draft: Draft) -> set[int]:
    producers = draft.producers
    live: set[int] = set()
    entered: set[int] = set()
    waiting = [
        line for line in producers.lines if line.kind is Guard or line.target.memory == OUTPUT
    ]
    for place in draft.outside():
        waiting += producers.possible(Address(VALUE, place), ())
    while waiting:
        line = waiting.pop()
        if id(line) in live:
            continue
        live.add(id(line))
        starts = [line.target] if line.kind is Accumulate else []
        for address in (*line.reads, *starts):
            waiting += producers.possible(address, line.axes)
        for depth, axis in enumerate(line.axes):
            condition = axis.frame.condition
            if condition is not None and id(axis.frame) not in entered:
                entered.add(id(axis.frame))
                around = (*line.axes[:depth], Axis(axis.frame, TEST))
                waiting += producers.possible(condition, around)
    return live


def said(done: Sequence[tuple[str, int, str]]) -> Details:
    """What was done, of what may have been."""
    return [text.format(times(count, noun)) for text, count, noun in done if count]


def times(count: int, noun: str) -> str:
    """A number of things."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def _count(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"
