"""Simplification of what stands in columns: the straight stretches outside all loops.

All of them, with the single statements between them, are one list whatever loops lie between, and
go through value numbering. Loops read from that list: a place that ranges stays where it is, and
what one address alone reads is replaced. What is accumulated to stays too. Columns have no holes,
so where they lose items the positions behind move up; these are the only positions that
simplification changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.program.address import (
    CODES,
    OUTPUT,
    PLACE,
    SHIFT,
    VALUE,
    Address,
    Extent,
    Integers,
    coded,
    decoded,
    distinct,
    in_memory,
)
from wengert.program.draft import TEST, Axes, Item, drafted, frames, lines, reading, stated
from wengert.program.extents import extent
from wengert.program.numbering import NEEDED, OUTSIDE, PINNED, ROOT, Numbered, numbered
from wengert.program.packing import packed
from wengert.program.program import Program
from wengert.program.rules import Term, rules_for
from wengert.program.statements import (
    Accumulate,
    Assign,
    Guard,
    Loop,
    Operation,
    Run,
    Statement,
    arity_of,
    fits_columns,
    straight,
)

MOVE = Operation(None)


def simplified_columns(program: Program, unsafe: bool) -> tuple[dict[str, Any], list[str]]:
    """The fields of the program with its columns simplified, and what was done."""
    if not any(isinstance(statement, Run) for statement in program.statements):
        return {}, []
    columns = _Columns(program)
    rows = [o.row for o in columns.operations if o.row]
    rules = rules_for(rows, unsafe)
    made = [
        Operation(term.row)
        for rule in rules for term in (rule.pattern, rule.replacement) if isinstance(term, Term)
    ]  # fmt: skip
    operations = tuple(dict.fromkeys((*columns.operations, *made, MOVE)))
    found = numbered(
        columns.ops, columns.operands, columns.flags, operations, rules, program.constants
    )
    fields = _Rebuilt(program, columns, found, operations).fields()
    return fields, _details(columns, found)


def _details(columns: "_Columns", found: Numbered) -> list[str]:
    out = [f"{name}: {count:,} times" for name, count in found.applied.items()]
    itself = found.value == np.arange(len(found.value))
    unread = int((itself & (found.live == 0)).sum())
    for text, count in (
        ("folded {} operations", found.folded), ("merged {} equal operations", found.merged),
        ("dropped {} guards that must hold", found.held), ("removed {} dead statements", unread),
    ):  # fmt: skip
        if count:
            out.append(text.format(f"{count:,}"))
    return out


class _Columns:
    """All straight statements outside loops, one after the other."""

    def __init__(self, program: Program) -> None:
        self.numbers: dict[Operation, int] = {}
        self.sources: dict[str, int] = {}
        self.labels: dict[int, str] = {}
        self.pieces: list[tuple[int, int] | Statement] = []  # in the order of the text
        self._behind: list[int] = []  # per piece that is no column, how many items stand before it
        self._ops: list[Any] = []
        self._operands: list[Any] = []
        self._places: list[Any] = []
        self._lines: list[Any] = []
        self._flags: list[Any] = []
        self.length = 0
        self.runs = any(isinstance(s, Run) for s in program.statements)
        for statement in program.statements if self.runs else ():
            if isinstance(statement, Run):
                self._put(statement)
            elif isinstance(statement, Assign | Guard) and fits_columns(statement):
                self._put(straight([statement]))
            elif not (isinstance(statement, Loop) and not statement.count):
                self.pieces.append(statement)
                self._behind.append(self.length)
        self.rest = drafted([p for p in self.pieces if not isinstance(p, tuple)])
        self.operations = tuple(self.numbers)
        self.ops = _joined(self._ops, np.int32)
        self.places = _joined(self._places, np.int64)
        self.lines = _joined(self._lines, np.int32)
        self.flags = _joined(self._flags, np.uint8)
        self._find_values()
        codes = _joined(self._operands, np.int64)
        self.operands = self._items(codes)
        sums = self._sums(program.index)
        if sums:
            self._set_aside(sums, codes)
        self._flag(program.index)

    def _put(self, run: Run) -> None:
        numbers = [self.numbers.setdefault(o, len(self.numbers)) for o in run.operations]
        known = numbers == list(range(len(numbers)))
        self._ops.append(run.ops if known else np.array(numbers, np.int32)[run.ops])
        self._operands.append(run.operands)
        first = coded(OUTPUT if run.outputs else VALUE, run.start)
        self._places.append(np.arange(first, first + len(run)))
        self._flags.append(np.full(len(run), ROOT if run.outputs else 0, np.uint8))
        if len(run.lines):
            names = [self.sources.setdefault(s, len(self.sources)) for s in run.sources]
            self._lines.append(np.array(names, np.int32)[run.lines])
        else:
            self._lines.append(
                np.full(len(run), self.sources.setdefault("", len(self.sources)), np.int32)
            )
        self.labels.update({self.length + k: label for k, label in run.labels.items()})
        end = self.length + len(run)
        before = self.pieces[-1] if self.pieces else None
        if isinstance(before, tuple):
            self.pieces[-1] = (before[0], end)
        else:
            self.pieces.append((self.length, end))
        self.length = end

    def _find_values(self) -> None:
        """Prepare the way from places of the value memory to items; often they are the same."""
        items = np.flatnonzero(self.flags == 0)
        places = self.places[items]
        in_order = bool((places[1:] > places[:-1]).all())
        if not in_order:
            order = np.argsort(places, kind="stable")  # a few stretches in order: merged
            items, places = items[order], places[order]
        last = len(items) - 1
        self.same = in_order and last >= 0 and places[-1] == items[-1] == last
        self.value_items, self.value_places = items, places

    def item_of(self, places: Integers) -> Integers:
        """The items that write places of the value memory; -1 for what loops write."""
        known = self.value_places
        if not len(known):
            return np.full(len(places), -1, np.int64)
        low, high = int(known[0]), int(known[-1])
        if high - low < 4 * len(known) + 1024:
            table = np.full(high - low + 1, -1, np.int64)
            table[known - low] = self.value_items
            near = (places >= low) & (places <= high)
            return np.where(near, table[np.where(near, places - low, 0)], -1)
        at = np.minimum(np.searchsorted(known, places), len(known) - 1)
        return np.where(known[at] == places, self.value_items[at], -1)

    def _items(self, codes: Integers) -> Integers:
        """Operands with items in place of places of the value memory."""
        if self.same:
            far = (codes >= len(self.value_items)) & (codes <= PLACE)
            return np.where(far, codes | OUTSIDE << SHIFT, codes) if far.any() else codes
        value = in_memory(codes, VALUE)
        items = self.item_of(np.where(value, codes, -1))
        return np.where(value, np.where(items < 0, codes | OUTSIDE << SHIFT, items), codes)

    def _sums(self, index: Integers) -> dict[Extent, int]:
        """What is accumulated to, and how many items stand before the last accumulation."""
        return {
            extent(line.target, line.axes, index): behind
            for item, behind in zip(self.rest, self._behind, strict=True)
            for line in lines((item,))
            if line.kind is Accumulate and line.target.memory == VALUE
        }

    def _set_aside(self, sums: dict[Extent, int], codes: Integers) -> None:
        """Let items stay as they are that start a sum, or that read one which still changes.

        To those that read it later, a sum is a number from outside.
        """
        if not sums:
            return
        low, high = min(each.low for each in sums), max(each.high for each in sums)
        value = np.flatnonzero((codes >= low) & (codes <= high))  # values have the code 0
        read = distinct(codes[value])
        last = np.full(len(read), -1, np.int64)
        for places, behind in sums.items():
            self.flags[self.item_of(_among(self.value_places, places))] |= ROOT
            at = np.searchsorted(read, _among(read, places))
            last[at] = np.maximum(last[at], behind)
        last = last[np.searchsorted(read, codes[value])]
        value, last = value[last >= 0], last[last >= 0]
        self.operands = self.operands.copy()
        self.operands[value] = codes[value] | OUTSIDE << SHIFT
        readers = np.repeat(np.arange(self.length), arity_of(self.operations, self.ops))[value]
        self.flags[readers[readers < last]] |= ROOT

    def _flag(self, index: Integers) -> None:
        self.zones: list[Extent] = []  # whose places keep their distances
        for line in lines(self.rest):
            if line.target.memory == VALUE:
                self.zones.append(extent(line.target, line.axes, index))
        for address, axes in reading(self.rest):
            if address.memory == VALUE:
                read = extent(address, axes, index)
                self.zones.append(read)
                items = self.item_of(_among(self.value_places, read))
                self.flags[items] |= PINNED if read.step else NEEDED


def _among(ordered: Integers, places: Extent) -> Integers:
    """Which of some places, in ascending order, may be among others."""
    first, last = np.searchsorted(ordered, (places.low, places.high + 1))
    near: Integers = ordered[first:last]
    return near[(near - places.low) % places.step == 0] if places.step else near


def _joined(arrays: Sequence[Any], kind: Any) -> Any:
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.empty(0, kind), *arrays])


@dataclass(frozen=True, slots=True)
class _Rebuilt:
    """The program again, from what value numbering left."""

    program: Program
    columns: _Columns
    found: Numbered
    operations: tuple[Operation, ...]

    def fields(self) -> dict[str, Any]:
        """What the program consists of now."""
        columns, found = self.columns, self.found
        live = found.live.astype(bool)
        closing = self._closing(live)
        gone = columns.value_places[closing]
        places = columns.places
        if len(gone):
            places = places.copy()
            places[columns.value_items] -= np.cumsum(closing) - closing
        operands = self._coded(found.operands, places, gone)
        if columns.rest:
            self._redirect(self._coded(found.value, places, gone), gone)
        items = self._pieces(live, places, operands)
        new = packed(items, found.constants, self.program.index)
        return {
            "statements": stated(new.items),
            "values": self.program.values - len(gone),
            "constants": new.constants,
            "index": new.index,
        }

    def _closing(self, live: Any) -> Any:
        """Which of the places, in their order, close up."""
        columns = self.columns
        closing = ~live[columns.value_items]
        for zone in columns.zones:
            if zone.high > zone.low:
                first, last = np.searchsorted(columns.value_places, (zone.low, zone.high + 1))
                closing[first:last] = False
        return closing

    def _coded(self, operands: Integers, places: Integers, gone: Integers) -> Integers:
        """Operands with places in place of items."""
        outside = np.flatnonzero(operands >= OUTSIDE << SHIFT)
        codes = operands
        if len(gone) or not self.columns.same:
            item = operands <= PLACE
            codes = np.where(item, places[np.where(item, operands, 0)], operands)
        if len(outside):
            far = operands[outside] & PLACE
            codes = codes.copy()
            codes[outside] = far - _below(gone, far)
        return codes

    def _redirect(self, values: Integers, gone: Integers) -> None:
        """Let loops read what has the value of what they read."""
        columns, index = self.columns, self.program.index

        def moved(address: Address, axes: Axes) -> Address:
            if address.memory != VALUE:
                return address
            low, high, _ = extent(address, axes, index)
            if low == high:
                item = int(columns.item_of(np.array([low]))[0])
                if item >= 0:
                    new = decoded(int(values[item]))
                    return Address(new.memory, new.base, (0,) * len(axes))
            return _shifted(address, -int(_below(gone, np.array([low]))[0]))

        for line in lines(columns.rest):
            line.reads = tuple(moved(address, line.axes) for address in line.reads)
            if line.target.memory == VALUE:
                low = extent(line.target, line.axes, index).low
                line.target = _shifted(line.target, -int(_below(gone, np.array([low]))[0]))
        for frame, axes in frames(columns.rest):
            if frame.condition is not None:
                frame.condition = moved(frame.condition, frame.inside(axes, TEST))

    def _pieces(self, live: Any, places: Integers, operands: Integers) -> list[Item]:
        rest = iter(self.columns.rest)
        out: list[Item] = []
        at = 0  # of the operands
        for piece in self.columns.pieces:
            if not isinstance(piece, tuple):
                out.append(next(rest))
                continue
            kept = np.flatnonzero(live[piece[0] : piece[1]]) + piece[0]
            breaks = np.flatnonzero(np.diff(places[kept]) != 1) + 1
            for chosen in np.split(kept, breaks):
                if len(chosen):
                    first, last = int(chosen[0]), int(chosen[-1])
                    end = at + int(self.found.arity[first : last + 1].sum())
                    out.append(self._run(chosen, int(places[first]), operands[at:end]))
                    at = end
        return out

    def _run(self, chosen: Integers, place: int, reads: Integers) -> Run:
        columns = self.columns
        labels = {}
        for item, label in columns.labels.items():
            at = int(np.searchsorted(chosen, item))
            if at < len(chosen) and chosen[at] == item:
                labels[at] = label
        return Run(
            place & PLACE, self.operations, self.found.ops[chosen], reads,
            tuple(columns.sources), columns.lines[chosen], labels,
            place >> SHIFT == CODES[OUTPUT],
        )  # fmt: skip


def _below(gone: Integers, places: Integers) -> Integers:
    """How many of the places that are gone lie below each of these."""
    found: Integers = np.searchsorted(gone, places)
    return found


def _shifted(address: Address, by: int) -> Address:
    return Address(address.memory, address.base + by, address.strides, address.lookup)
