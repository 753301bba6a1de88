"""Random programs in which much can be simplified: equal operations, small numbers, dead ends.

For simplification, and so what is written once is read wherever it may be.

A program is grown in the order of its list. Every body gets a stretch of positions per round, so a
target's strides are those of its loops; what can be read at a place in the text are the inputs,
the constants (one for all rounds, or data that moves with the counters) and what stands before.
"""

import random
from typing import Any

from making import from_array

from wengert import primitives as p
from wengert.dispatch import Primitive
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address, Lookup
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Guard, Loop, Statement, While

ROWS: tuple[Primitive, ...] = (
    p.add, p.sub, p.mul, p.div, p.neg, p.sin, p.cos, p.abs, p.powi(2), p.powi(1), p.minimum,
    p.select, p.less, p.floor, p.rint, p.fma, p.add, p.mul, p.neg, p.stop_gradient, p.strong_mul,
)  # fmt: skip
NUMBERS = (0.0, -0.0, 1.0, 1.0, -1.0, 2.0, 2.0, 0.25, 3.0, -7.5)
INPUTS = 4


def redundant(seed: int, long: float = 0.0) -> Program:
    """A program of a few statements and loops; `long` is how likely columns are among them."""
    return _Growing(random.Random(seed), long).program()


class _Growing:
    def __init__(self, rng: random.Random, long: float) -> None:
        self.rng, self.long, self.guards = rng, long, 0
        self.constants: list[float] = []
        self.index: list[int] = []
        self.written: list[tuple[Address, tuple[int, ...], tuple[int, ...]]] = []
        self.loops = 0

    def program(self) -> Program:
        shape = [self.shape(0) for _ in range(self.rng.randint(2, 5))]
        statements, size = self.body(shape, 0, (), (), ())
        outputs: list[Statement] = []
        results = 0
        for _ in range(self.rng.randint(1, 20)):
            self.rng.shuffle(self.written)
            if self.rng.random() < 0.5:
                outputs.append(Assign(Address(OUTPUT, results), None, (self.operand((), (), ()),)))
                results += 1
            else:
                count, self.loops = self.rng.randint(1, 4), self.loops + 1
                read = self.operand((0,), (count,), (self.loops,))
                move = Assign(Address(OUTPUT, results, (1,)), None, (read,))
                outputs.append(Loop(count, (move,)))
                results += count
        return from_array(
            (*statements, *outputs), size, self.constants, self.index, INPUTS, results
        )

    def shape(self, depth: int) -> Any:
        """A loop, as its count and what is in it; or how many statements stand in a row."""
        if depth < 3 and self.rng.random() < 0.5:
            below = [self.shape(depth + 1) for _ in range(self.rng.randint(1, 3))]
            return (self.rng.choice((1, 2, 3, 4, 0)), below)
        long = depth == 0 and self.rng.random() < self.long
        return self.rng.randint(64, 80) if long else self.rng.randint(1, 4)

    def width(self, shape: Any) -> int:
        return shape[0] * sum(map(self.width, shape[1])) if isinstance(shape, tuple) else shape

    def body(
        self, shapes: list[Any], start: int, strides: tuple[int, ...], counts: tuple[int, ...],
        ids: tuple[int, ...],
    ) -> tuple[list[Statement], int]:  # fmt: skip
        out: list[Statement] = []
        for shape in shapes:
            if isinstance(shape, tuple):
                count, below = shape
                self.loops += 1
                step = sum(map(self.width, below))
                inner, _ = self.body(
                    below, start, (*strides, step), (*counts, count), (*ids, self.loops)
                )
                out.append(Loop(count, tuple(inner)))
                start += count * step
            else:
                for _ in range(shape):
                    out.append(self.statement(Address(VALUE, start, strides), counts, ids))
                    start += 1
        return out, start

    def statement(self, target: Address, counts: Any, ids: Any) -> Statement:
        row = self.rng.choice(ROWS)
        reads = tuple(self.operand(target.strides, counts, ids) for _ in range(row.nin))
        self.written.append((target, counts, ids))
        if row is p.less and self.rng.random() < 0.6:
            self.guards += 1
            expected = self.constant(self.rng.choice((0.0, 1.0)), len(counts))
            return Guard(target, row, reads, expected, source=f"line {self.guards}")
        if self.rng.random() < 0.1:
            return Assign(target, None, reads[:1])
        return Assign(target, row, reads)

    def constant(self, number: float, depth: int) -> Address:
        self.constants.append(number)
        return Address(CONSTANT, len(self.constants) - 1, (0,) * depth)

    def operand(self, strides: Any, counts: Any, ids: Any) -> Address:
        rng, depth = self.rng, len(counts)
        kind = rng.random()
        if kind < 0.2:
            if depth and rng.random() < 0.3:
                lookup = Lookup(len(self.index), (*(0,) * (depth - 1), 1))
                self.index += [rng.randrange(INPUTS) for _ in range(counts[-1])]
                return Address(INPUT, 0, (0,) * depth, lookup)
            return Address(INPUT, rng.randrange(INPUTS), (0,) * depth)
        if kind < 0.4 or not self.written:
            if depth and rng.random() < 0.5:
                same = rng.random() < 0.5
                number = rng.choice(NUMBERS)
                base = len(self.constants)
                self.constants += [
                    number if same else rng.choice(NUMBERS) for _ in range(counts[-1])
                ]
                return Address(CONSTANT, base, (*(0,) * (depth - 1), 1))
            return self.constant(rng.choice(NUMBERS), depth)
        target, its, loops = rng.choice(self.written[-12:])
        shared = 0
        while shared < min(depth, len(its)) and ids[shared] == loops[shared]:
            shared += 1
        base, new = target.base, [0] * depth
        for k, (stride, count) in enumerate(zip(target.strides, its, strict=True)):
            if k < shared:
                new[k] = stride
            elif count == 0:
                return Address(INPUT, 0, (0,) * depth)
            elif shared < depth and counts[-1] <= count and rng.random() < 0.5 and not new[-1]:
                new[-1] = stride  # what another loop wrote, element by element
            else:
                base += stride * rng.randrange(count)
        return Address(VALUE, base, tuple(new))


def summed(seed: int, long: float = 0.0) -> Program:
    """A program with sums, in some of which something is read before the last is added."""
    return _Summing(random.Random(seed), long).program()


SUMS = 10_000  # where in the value memory they stand


class _Summing(_Growing):
    def __init__(self, rng: random.Random, long: float) -> None:
        super().__init__(rng, long)
        self.sums: list[tuple[int, int]] = []  # their places, from one to before another
        self.end = SUMS

    def body(
        self, shapes: list[Any], start: int, strides: tuple[int, ...], counts: tuple[int, ...],
        ids: tuple[int, ...],
    ) -> tuple[list[Statement], int]:  # fmt: skip
        if counts:
            return super().body(shapes, start, strides, counts, ids)
        out = self.started()
        for shape in shapes:
            found, start = super().body([shape], start, strides, counts, ids)
            out += found
            out += self.started() if self.rng.random() < 0.3 else []
            for _ in range(self.rng.randrange(3)):
                out.append(self.added((), ()))
        return out, self.end

    def started(self) -> list[Statement]:
        """A few sums, each with its first number."""
        rng, base = self.rng, self.end
        count = 70 if rng.random() < self.long else rng.randint(1, 5)
        self.end += count + rng.randrange(2)
        self.sums.append((base, base + count))
        if rng.random() < 0.5:
            self.loops += 1
            target = Address(VALUE, base, (1,))
            self.written.append((target, (count,), (self.loops,)))
            read = self.constant(rng.choice((0.0, 0.0, -0.0, 1.0)), 1)
            return [Loop(count, (Assign(target, None, (read,)),))]
        out: list[Statement] = []
        for k in range(count):
            target = Address(VALUE, base + k)
            row = p.cos if rng.random() < 0.3 else None
            read = self.operand((), (), ()) if row else self.constant(rng.choice((0.0, -0.0)), 0)
            out.append(Assign(target, row, (read,)))
            self.written.append((target, (), ()))
        return out

    def statement(self, target: Address, counts: Any, ids: Any) -> Statement:
        if self.sums and self.rng.random() < 0.2:
            return self.added(counts, ids)
        return super().statement(target, counts, ids)

    def added(self, counts: Any, ids: Any) -> Statement:
        """Something is added to a sum, or to some of them in turn."""
        rng, depth = self.rng, len(counts)
        first, end = rng.choice(self.sums)
        strides, lookup = (0,) * depth, None
        base = rng.randrange(first, end)
        if depth and counts[-1] <= end - first and rng.random() < 0.4:
            base, strides = first, (*(0,) * (depth - 1), 1)
        elif depth and rng.random() < 0.3:
            base, lookup = first, Lookup(len(self.index), (*(0,) * (depth - 1), 1))
            self.index += [rng.randrange(end - first) for _ in range(counts[-1])]
        read = self.operand(strides, counts, ids)
        return Accumulate(Address(VALUE, base, strides, lookup), read)


def redundant_while(seed: int) -> Program:
    """A program with a loop that runs as long as a condition holds, maybe inside another loop.

    Round k has the places from `width·k` on: the carried numbers, what the test computes, what the
    body does; the carried numbers of the round after it stand behind those.
    """
    rng = random.Random(seed)
    outer = rng.choice((0, 0, 3))
    carried, tests, steps, inner = rng.randint(2, 3), rng.randint(1, 3), rng.randint(2, 6), 2
    width = carried + tests + steps + 2 * inner
    around = (0,) if outer else ()
    constants: list[float] = []

    def constant(number: float, depth: int) -> Address:
        constants.append(number)
        return Address(CONSTANT, len(constants) - 1, (0,) * depth)

    def operand(before: int, extra: int = 0) -> Address:
        depth = len(around) + 1 + extra
        kind = rng.random()
        if kind < 0.2:
            return Address(INPUT, rng.randrange(INPUTS), (0,) * depth)
        if kind < 0.4:
            return constant(rng.choice(NUMBERS), depth)
        return local(rng.randrange(before), extra)

    def local(place: int, extra: int = 0) -> Address:
        return Address("w", place, (*around, width, *(0,) * extra))

    def assigned(place: int, before: int) -> Assign:
        row = rng.choice(ROWS)
        return Assign(local(place), row, tuple(operand(before) for _ in range(row.nin)))

    first = tuple(
        Assign(local(k), None, (Address(INPUT, k, (0,) * (len(around) + 1)),))
        for k in range(carried)
    )
    counting = Assign(local(carried), p.less, (local(0), constant(3.0, len(around) + 1)))
    test = (counting, *(assigned(carried + k, carried + k) for k in range(1, tests)))
    start = carried + tests
    body: list[Statement] = [assigned(start + k, start + k) for k in range(steps)]
    start += steps
    target = Address("w", start, (*around, width, 2))
    later = Address("w", start + 1, (*around, width, 2))
    again = rng.choice(ROWS)
    reads = tuple(operand(start, 1) for _ in range(again.nin))
    body.append(Loop(inner, (
        Assign(target, again, reads), Assign(later, p.add, (target, operand(start, 1))),
    )))  # fmt: skip
    one = constant(1.0, len(around) + 1)
    body.append(Assign(local(width), p.add, (local(0), one)))
    body += [
        Assign(local(width + k), None, (operand(width),)) for k in range(1, carried)
    ]  # fmt: skip
    last = tuple(
        Assign(Address(VALUE, k, (carried, 0) if outer else (0,)), None, (local(k),))
        for k in range(carried)
    )
    loop: Statement = While("w", first, test, local(carried), tuple(body), last)
    count = max(outer, 1) * carried
    if outer:
        loop = Loop(outer, (loop,))
    outputs = [Assign(Address(OUTPUT, k), None, (Address(VALUE, k),)) for k in range(count)]
    return from_array((loop, *outputs), count, constants, (), INPUTS, count)
