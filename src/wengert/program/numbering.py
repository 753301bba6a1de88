"""Value numbering: one pass down a straight list, one pass up, for lists of millions of items.

Equal constants are one, the first. Down: each operand is replaced by the first item (or constant)
known to have its value; then an
operation on constants is evaluated, the rules are tried, and an equal operation is looked for.
Up: what nobody needs is marked. The native twin is native/simplify.c.

An operand is one integer: the number of an item, or a memory's code above `SHIFT` and a place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.dispatch import Primitive
from wengert.program.address import CODES, CONSTANT, PLACE, SHIFT, Integers
from wengert.program.match import Matcher, bits
from wengert.program.rules import Letter, Pattern, Rule, Term, d, letters
from wengert.program.statements import Operation
from wengert.value import engine

OUTSIDE = len(CODES)  # the code for places of the value memory that no item of the list writes
PINNED, NEEDED, ROOT = 1, 2, 4
"""Flags of an item: its place must be written; its value is read from outside; it stays as it is,
for it is an output, or the start or a reader of a sum."""

_CONSTANT = CODES[CONSTANT]


@dataclass(frozen=True, slots=True)
class Numbered:
    """What is left of a list.

    Args:
        ops: per item, the number of its operation now.
        arity: per item, how many operands that has; none if it goes.
        operands: all operands of those that stay, in a row.
        value: per item, the operand that has its value.
        live: per item, whether it stays.
        constants: the constant memory, longer by what was made.
        applied: per rule, how often it was.
        folded: how many operations were evaluated.
        merged: how many were equal to an earlier one.
        held: how many guards are certain to hold.
    """

    ops: Any
    arity: Any
    operands: Integers
    value: Integers
    live: Any
    constants: Any
    applied: dict[str, int]
    folded: int
    merged: int
    held: int


def numbered_plain(
    ops: Integers, operands: Integers, flags: Any, operations: Sequence[Operation],
    rules: Sequence[Rule], constants: Any,
) -> Numbered:  # fmt: skip
    """The list, simplified.

    Args:
        ops: per item, the number of its operation.
        operands: all operands in a row; behind those of a guard, what is expected.
        flags: per item.
        operations: all that the items and the rules' replacements consist of, and the move.
        rules: the rules to apply, each in every order of what commutes.
        constants: the constant memory.
    """
    work = _Numbering(operations, rules, constants.tolist())
    at = 0
    codes = operands.tolist()
    for op, flag in zip(ops.tolist(), flags.tolist(), strict=True):
        end = at + operations[op].reads
        work.put(op, [work.canonical(code) for code in codes[at:end]], flag)
        at = end
    live = work.needed()
    kept = [reads if stays else () for reads, stays in zip(work.reads, live, strict=True)]
    return Numbered(
        np.array(work.ops, np.int32), np.array([len(reads) for reads in kept], np.uint8),
        np.array([code for reads in kept for code in reads], np.int64),
        np.array(work.value, np.int64), np.array(live, np.uint8),
        np.array(work.constants, np.float64), work.matcher.applied,
        work.folded, work.merged, work.held,
    )  # fmt: skip


class _Numbering:
    """What is known while going down; the `View` of the rules."""

    def __init__(
        self, operations: Sequence[Operation], rules: Sequence[Rule], constants: list[float]
    ) -> None:
        self.operations, self.constants = operations, constants
        self.numbers = {operation: k for k, operation in enumerate(operations)}
        self.matcher: Matcher[int] = Matcher(rules)
        self.ops: list[int] = []
        self.reads: list[tuple[int, ...]] = []
        self.value: list[int] = []
        self.flags: list[int] = []
        self.folded = self.merged = self.held = 0
        self._seen: dict[tuple[int, tuple[int, ...]], int] = {}
        self._constants: dict[bytes, int] = {}
        for place, number in enumerate(constants):
            self._constants.setdefault(bits(number), place)

    # --- the view ---------------------------------------------------------------------------------

    def row(self, operand: int) -> Primitive | None:
        """The row of an item."""
        found = self.definition(operand)
        return found and found[0]

    def definition(self, operand: int) -> tuple[Primitive, Sequence[int]] | None:
        """The operation of an item, unless its operands may have changed since."""
        if operand >> SHIFT or self.flags[operand] & ROOT:
            return None
        operation = self.operations[self.ops[operand]]
        if operation.row is None or operation.guards:
            return None
        return operation.row, self.reads[operand]

    def number(self, operand: int) -> float | None:
        """The number, for a place of the constant memory."""
        return self.constants[operand & PLACE] if operand >> SHIFT == _CONSTANT else None

    def constant(self, number: float) -> int:
        """The place of a number; a new one, if it is the first of its kind; one for all NaN."""
        number = number if number == number else nan
        place = self._constants.setdefault(bits(number), len(self.constants))
        if place == len(self.constants):
            self.constants.append(number)
        return _CONSTANT << SHIFT | place

    # --- down and up ------------------------------------------------------------------------------

    def canonical(self, code: int) -> int:
        """The first operand that has the same value."""
        memory = code >> SHIFT
        if memory == 0:
            return self.value[code]
        if memory == _CONSTANT:
            return memory << SHIFT | self._constants[bits(self.constants[code & PLACE])]
        return code

    def put(self, op: int, reads: list[int], flag: int) -> None:
        """The next item."""
        me = len(self.ops)
        operation = self.operations[op]
        self.ops.append(op)
        self.reads.append(tuple(reads))
        self.value.append(me)
        self.flags.append(flag)
        if flag & ROOT:
            return
        value = me
        if operation.row is None:
            value = reads[0]
        elif operation.guards:
            value = self._guarded(me, op, operation.row, reads)
        else:
            value = self._applied(me, operation.row, reads)
        self.value[me] = value
        if value != me and flag & PINNED:
            self.ops[me] = self.numbers[Operation(None)]
            self.reads[me] = (value,)

    def _guarded(self, me: int, op: int, row: Primitive, reads: list[int]) -> int:
        numbers = [self.number(operand) for operand in reads]
        if None not in numbers:
            *given, expected = numbers
            result = row.scalar(*given)
            if result == expected:
                self.held += 1
                return self.constant(result)
        before = self._seen.setdefault(_key(op, row, reads), me)
        if before != me:
            self.merged += 1
            return before
        plain = self.numbers.get(Operation(row))
        if plain is not None:
            self._seen.setdefault(_key(plain, row, reads[:-1]), me)
        return me

    def _applied(self, me: int, row: Primitive, reads: Sequence[int]) -> int:
        while True:
            numbers = [self.number(operand) for operand in reads]
            if None not in numbers:
                self.folded += 1
                return self.constant(row.scalar(*numbers))
            made = self.matcher.rewritten(row, reads, self)
            if made is None:
                break
            if made[0] is None:
                return made[1][0]
            row, reads = made[0], made[1]
        op = self.numbers[Operation(row)]
        self.ops[me] = op
        self.reads[me] = tuple(reads)
        before = self._seen.setdefault(_key(op, row, reads), me)
        self.merged += before != me
        return before

    def needed(self) -> list[int]:
        """Per item, whether it must stay."""
        live = [0] * len(self.ops)
        for k, flag in enumerate(self.flags):
            if flag & NEEDED and not self.value[k] >> SHIFT:
                live[self.value[k]] = 1
        for k in range(len(self.ops) - 1, -1, -1):
            guards = self.operations[self.ops[k]].guards and self.value[k] == k
            if live[k] or self.flags[k] & (PINNED | ROOT) or guards:
                live[k] = 1
                for operand in self.reads[k]:
                    if not operand >> SHIFT:
                        live[operand] = 1
        return live


def _key(op: int, row: Primitive, reads: Sequence[int]) -> tuple[int, tuple[int, ...]]:
    """Equal for operations that are certain to have the same value."""
    first, *rest = reads
    if row.facts.commutative and rest[0] < first:
        return op, (rest[0], first, *rest[1:])
    return op, (first, *rest)


# --- the native twin ------------------------------------------------------------------------------

LETTER, NUMBER, ROW, CONSTANT_LETTER = range(4)


def _encoded(rule: Rule, numbers: dict[Operation, int]) -> tuple[Any, ...]:
    """A rule as integers: pairs of a kind and a number, an operation before its operands."""
    slots: dict[Letter, int] = {d: 0}
    for letter in letters(rule.pattern):
        slots.setdefault(letter, len(slots))
    floats: list[float] = []

    def encoded(pattern: Pattern) -> list[int]:
        if isinstance(pattern, Letter):
            return [CONSTANT_LETTER if pattern.constant else LETTER, slots[pattern]]
        if isinstance(pattern, Term):
            below = [code for arg in pattern.args for code in encoded(arg)]
            return [ROW, numbers[Operation(pattern.row)], *below]
        floats.append(pattern)
        return [NUMBER, len(floats) - 1]

    return encoded(rule.pattern), encoded(rule.replacement), floats, rule.let


if TYPE_CHECKING:
    numbered = numbered_plain
elif engine == "native":
    from wengert import _native

    _ITEM = np.dtype([("value", np.int64), ("op", np.int32), ("start", np.uint32)])

    def numbered(
        ops: Integers, operands: Integers, flags: Any, operations: Sequence[Operation],
        rules: Sequence[Rule], constants: Any,
    ) -> Numbered:  # fmt: skip
        """The list, simplified; see `numbered_plain`."""
        table = [
            (
                o.reads, o.guards, bool(o.row and o.row.facts.commutative),
                o.row.scalar if o.row else None,
            )
            for o in operations
        ]  # fmt: skip
        numbers = {operation: k for k, operation in enumerate(operations)}
        plain = [numbers.get(Operation(o.row), -1) for o in operations]
        *arrays, applied, folded, merged, held = _native.number_values(
            np.ascontiguousarray(ops, np.int32), np.ascontiguousarray(operands, np.int64),
            np.ascontiguousarray(flags, np.uint8), table, plain, numbers[Operation(None)],
            [_encoded(rule, numbers) for rule in rules],
            np.ascontiguousarray(constants, np.float64),
        )  # fmt: skip
        kinds = (_ITEM, np.uint8, np.int64, np.uint8, np.float64)
        items, arity, reads, live, memory = map(np.frombuffer, arrays, kinds)
        counts: dict[str, int] = {}
        for rule, count in zip(rules, applied, strict=True):
            if count:
                counts[str(rule)] = counts.get(str(rule), 0) + count
        return Numbered(
            items["op"], arity, reads, items["value"], live, memory, counts, folded, merged, held
        )

else:
    numbered = numbered_plain
