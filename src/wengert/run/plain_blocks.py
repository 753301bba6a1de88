"""Instructions obeyed for many examples at once, in NumPy: the readable meaning of native/blocks.c.

A place is a number for each example of a block, or one that all examples share. Guards take
examples out and the others go on; a while loop goes on as long as one of them is in it, and what is
done there is kept for those alone.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.dispatch import Primitive
from wengert.program.address import Integers, Mask
from wengert.program.structure import Floats
from wengert.run.arrays import evaluated
from wengert.run.instructions import FIND, GUARD, LEAVE, LOOP, MOVE, RUN, WHILE, Code
from wengert.run.place import at

SUMS = 8  # examples that are added up apart

Leaf = tuple[int, np.ndarray[Any, np.dtype[np.float64]], bool]


def run_blocks_plain(
    code: Code, shared: Floats, inputs: Sequence[Leaf], outputs: Sequence[Leaf],
    failed: np.ndarray[Any, np.dtype[np.uint8]], stop: Integers, begin: int, end: int, width: int,
) -> None:  # fmt: skip
    """Run instructions for the examples from one to another, so many at a time.

    Args:
        code: the instructions.
        shared: the numbers that all examples share.
        inputs: of each leaf of the arguments its first place and its numbers, `(examples, n)`.
        outputs: the same of the results; or `(n, 8)` and True for sums, to which the results are
            added, those of every eighth example to the same.
        failed: becomes 1 for each example of which a guard does not hold.
        stop: when it becomes 1, this returns soon.
        begin: the first example.
        end: the first one behind the last.
        width: how many at a time.
    """
    with np.errstate(all="ignore"):
        for first in range(begin, end, width):
            if stop[0]:
                return
            here = slice(first, min(first + width, end))
            block = _Block(code, shared, here.stop - first, stop)
            for place, array, _ in inputs:
                block.numbers(place, array.shape[1])[...] = array[here].T
            block.run()
            for place, array, is_sum in outputs:
                if is_sum:
                    _add(block.numbers(place, len(array)), array)
                else:
                    array[here] = block.numbers(place, array.shape[1]).T
            failed[here] |= ~block.going


def _add(results: Floats, sums: Floats) -> None:
    for start in range(0, results.shape[1], SUMS):
        some = results[:, start : start + SUMS]
        sums[:, : some.shape[1]] += some


class _Stopped(Exception):  # noqa: N818 - says what happened
    """It is not to go on."""


class _Block:
    def __init__(self, code: Code, shared: Floats, count: int, stop: Integers) -> None:
        self.code, self.shared, self.count, self.stop = code, shared, count, stop
        self.own = np.full((code.size - code.shared, count), np.nan)
        self.instructions = code.instructions.reshape(-1, 8).tolist()
        self.bases, self.strides = code.operands
        self.at = [0] * len(self.bases)
        self.k = np.zeros(code.depth, np.int64)
        self.going = np.ones(count, bool)
        self.mask: Mask | None = None  # whose results are kept; None for all
        self.condition = 0

    def numbers(self, place: int, count: int) -> Floats:
        """The numbers at places that follow each other, `(count, examples)`."""
        first = place - self.code.shared
        return self.own[first : first + count]

    def run(self) -> None:
        """All instructions."""
        try:
            self._put(0, self.code.roots)
            self._obey(0, len(self.instructions))
        except _Stopped:
            pass

    # --- places -----------------------------------------------------------------------------------

    def _put(self, first: int, last: int) -> None:
        """Where operands stand at the loops' counters."""
        if first < last:
            places = self.bases[first:last] + self.strides[first:last] @ self.k
            self.at[first:last] = places.tolist()

    def _read(self, place: int) -> Floats:
        if place < self.code.shared:
            return np.broadcast_to(self.shared[place], self.count)
        numbers: Floats = self.own[place - self.code.shared]
        return numbers

    def _find(self, operand: int, number: int) -> None:
        found, steps, entries = (each[number] for each in self.code.found)
        start, base, step, size, window, _, is_looked_up, entry = found.tolist()
        place = base + int(steps @ self.k)
        if is_looked_up:
            entry += int(entries @ self.k)
            place += int(self.code.table[at(entry, len(self.code.table), 0)])
            place //= step
        self.at[operand] = start + (place % size if window else at(place, size, 0))

    # --- operations -------------------------------------------------------------------------------

    def _apply(self, row: Primitive | None, target: int, places: Sequence[int]) -> None:
        operands = [self._read(place) for place in places]
        target -= self.code.shared
        kept = self.going if self.mask is None else self.going & self.mask
        if row is None or kept.all():
            result = evaluated(row, operands)
        else:  # a user's own row is asked for those alone that need it
            result = np.full(self.count, np.nan)
            result[kept] = evaluated(row, [operand[kept] for operand in operands])
        if self.mask is not None:
            result = np.where(self.mask, result, self.own[target])
        self.own[target] = result

    def _guard(self, result: int, expected: int) -> None:
        broken = self._read(result) != self._read(expected)
        self.going &= ~(broken if self.mask is None else broken & self.mask)

    def _straight(self, number: int) -> None:
        ops, operations, starts, places, targets, _ = self.code.runs[number]
        for k, op in enumerate(ops.tolist()):
            row, reads, guards = operations[op].tolist()
            read = places[starts[k] : starts[k] + reads].tolist()
            target = int(targets[k])
            operands = read[: reads - guards]
            self._apply(self.code.rows[row] if row != MOVE else None, target, operands)
            if guards:
                self._guard(target, read[-1])

    # --- loops ------------------------------------------------------------------------------------

    def _obey(self, pc: int, end: int) -> bool:
        """Instructions from one to another; whether a loop may be left."""
        while pc < end:
            op, to, x, y, w, first, count, stop = self.instructions[pc]
            if op == LOOP:
                for k in range(count):
                    self._round(to, k, x, y)
                    self._obey(pc + 1, stop)
                self.k[to] = 0
            elif op == WHILE:
                self._while(pc)
            elif op == LEAVE:
                self.condition = x
                return True
            elif op == GUARD:
                self._guard(self.at[to], self.at[first])
            elif op == FIND:
                self._find(x, y)
            elif op == RUN:
                self._straight(x)
            else:
                operands = [self.at[operand] for operand in (x, y, w)[:count]]
                self._apply(self.code.rows[op] if op != MOVE else None, self.at[to], operands)
            pc = stop if op in (LOOP, WHILE) else pc + 1
        return False

    def _round(self, counter: int, k: int, first: int, last: int) -> None:
        if self.stop[0]:
            raise _Stopped
        self.k[counter] = k
        self._put(first, last)

    def _while(self, pc: int) -> None:
        _, counter, x, y, test, body, last, stop = self.instructions[pc]
        inside = self.going if self.mask is None else self.going & self.mask
        if not inside.any():
            return
        k = 0
        self._round(counter, k, x, y)
        self._obey_for(inside, pc + 1, test)
        while True:
            left = self._obey_for(inside, test, body)
            inside = inside & self.going
            leaving = np.zeros(self.count, bool)
            if left:
                leaving = inside & (self._read(self.at[self.condition]) == 0.0)
                inside = inside & ~leaving
            if leaving.any():
                self._obey_for(leaving, last, stop)
            if not inside.any():
                break
            self._obey_for(inside, body, last)
            k += 1
            self._round(counter, k, x, y)
        self.k[counter] = 0

    def _obey_for(self, lanes: Mask, pc: int, end: int) -> bool:
        """Instructions for some examples."""
        around = self.mask
        self.mask = lanes
        left = self._obey(pc, end)
        self.mask = around
        return left
