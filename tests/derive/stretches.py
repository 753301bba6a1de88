"""Random straight stretches, and a second evaluator for them."""

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert import primitives as p
from wengert.program.address import CONSTANT, INPUT, PLACE, SHIFT, VALUE, coded
from wengert.program.statements import Operation, Run

ROWS = list(p.rows())
NUMBERS = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, -7.5, np.nan, np.inf]
INPUTS, BEFORE, AFTER = 5, 9, 4  # places: of inputs, and of values before and behind the stretch


class Given(NamedTuple):
    """A stretch, and what its derivatives are asked for with."""

    run: Run
    start: int
    constants: int
    seeds: tuple[Any, Any]
    wanted: tuple[Any, Any]
    tangents: tuple[Any, Any]


def stretch(seed: int, length: int = 60, rows: Sequence[Any] = ROWS) -> Given:
    """A stretch of all kinds of statements, and questions about it."""
    rng = random.Random(seed)
    count = rng.randint(1, length)
    operations: dict[Operation, int] = {}
    ops, operands = [], []
    for k in range(count):
        operation = kind(rng, rows)
        ops.append(operations.setdefault(operation, len(operations)))
        operands += [operand(rng, k) for _ in range(operation.reads)]
    lines = [rng.randrange(3) for _ in range(count)] if rng.random() < 0.8 else []
    labels = {k: rng.choice(("a", "two words", "σ")) for k in range(count) if rng.random() < 0.1}
    run = Run(
        BEFORE, tuple(operations), np.array(ops, np.int32), np.array(operands, np.int64),
        ("", "model.py:3", "model.py:4") if lines else (), np.array(lines, np.int32), labels,
    )  # fmt: skip
    seeded = [rng.randrange(max(count - 9, 0), count) for _ in range(rng.randint(0, 5))]
    size = BEFORE + count + AFTER
    return Given(
        run, size, 40, (np.array(seeded, np.int64), np.array([coded(CONSTANT, 30 + k)
        for k in range(len(seeded))], np.int64)),
        (chosen(rng, INPUTS), chosen(rng, size)), (codes(rng, INPUTS, 50), codes(rng, size, 60)),
    )  # fmt: skip


def kind(rng: random.Random, rows: Sequence[Any]) -> Operation:
    number = rng.random()
    if number < 0.05:
        return Operation(None)
    if number < 0.15:
        return Operation(rng.choice(p.COMPARISONS), guards=True)
    usual = rng.choice((p.add, p.mul, p.sub, p.neg))
    return Operation(usual if number < 0.4 else rng.choice(rows))


def operand(rng: random.Random, k: int) -> int:
    choice = rng.random()
    if choice < 0.15:
        return coded(INPUT, rng.randrange(INPUTS))
    if choice < 0.25:
        return coded(CONSTANT, rng.randrange(len(NUMBERS)))
    if choice < 0.35 or not k:
        return coded(VALUE, rng.randrange(BEFORE))
    return coded(VALUE, BEFORE + rng.randrange(max(k - 12, 0), k))


def chosen(rng: random.Random, count: int) -> Any:
    return np.array([rng.random() < 0.7 for _ in range(count)], bool)


def codes(rng: random.Random, count: int, start: int) -> Any:
    """The address of a tangent for most of some places."""
    return np.array(
        [coded(CONSTANT, start + k) if rng.random() < 0.7 else -1 for k in range(count)], np.int64
    )


Memory = dict[int, float]


def evaluate(run: Run | None, memory: Memory) -> Memory:
    """Run a stretch; a memory holds the number at each code."""
    for statement in run or ():
        reads = [memory[coded(a.memory, a.base)] for a in statement.operands]
        place = coded(VALUE, statement.target.base)
        assert place not in memory
        memory[place] = statement.row.scalar(*reads) if statement.row else reads[0]
    return memory


def memory_of(code: int) -> int:
    return code >> SHIFT


def place_of(code: int) -> int:
    return code & PLACE
