"""Random programs with labels, sources, odd numbers, shared constants and holes.

For text, files, expansion and the invariants, which every one of them keeps.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from wengert import primitives
from wengert.errors import ProgramError
from wengert.primitives import powc, powi
from wengert.program.address import Address, Lookup
from wengert.program.invariants import checked
from wengert.program.program import Program
from wengert.program.statements import Assign, Guard, Loop, walk
from wengert.program.structure import ARRAY, NUMBER, TUPLE, Structure

ROWS = [
    primitives.add, primitives.sub, primitives.mul, primitives.neg, primitives.tanh,
    primitives.select, primitives.equal, primitives.pow, powi(3), powi(-1), powc(0.5),
    primitives.less,
]  # fmt: skip
LABELS = ["", "", "", "", "s", "t7", "two words", "x", "for", "table1", "σ"]
SOURCES = ["", "model.py:3", "model.py:4", "<stdin>:1", "odd # name.py:2", '"', "-"]
NUMBERS = [0.0, -0.0, 1.0, 2.5, -3.25, 1e-300, math.inf, -math.inf, math.nan, 0.1]
GRID, SHAPE = 24, (4, 6)
ARGUMENTS = Structure(
    TUPLE, keys=("x", "w", "grid"),
    parts=(Structure(NUMBER), Structure(ARRAY, (12,)), Structure(ARRAY, SHAPE)),
)  # fmt: skip


class _Maker:
    """Builds a program in record order, so that whatever is below a target has been written."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.place = 0
        self.constants: list[float] = []
        self.index: list[int] = draw(st.lists(st.integers(0, 11), min_size=6, max_size=6))

    def chosen(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def body(self, counts: tuple[int, ...]) -> list[tuple[Any, int]]:
        """Statements to be, as (kind, how many places they take in an iteration)."""
        plan: list[tuple[Any, int]] = []
        for _ in range(self.number(1, 4)):
            if len(counts) < 3 and self.number(0, 2) == 0:
                count = self.number(0 if counts else 1, 4)
                inner = self.body((*counts, count))
                plan.append(((count, inner), count * sum(size for _, size in inner)))
            else:
                plan.append(("plain", 1))
        return plan

    def made(self, plan: Any, counts: tuple[int, ...], steps: tuple[int, ...]) -> tuple[Any, ...]:
        statements = []
        for kind, _ in plan:
            if kind == "plain":
                statements.append(self.plain(counts, steps))
                self.place += 1
                continue
            count, inner = kind
            start = self.place
            size = sum(n for _, n in inner)
            statements.append(Loop(count, self.made(inner, (*counts, count), (*steps, size))))
            self.place = start + count * size
        return tuple(statements)

    def plain(self, counts: tuple[int, ...], steps: tuple[int, ...]) -> Any:
        row = self.chosen(*ROWS)
        target = Address("value", self.place, steps)
        label, source = self.chosen(*LABELS), self.chosen(*SOURCES)
        operands = tuple(self.operand(counts, steps) for _ in range(row.nin))
        if row in (primitives.less, primitives.equal) and self.number(0, 1):
            return Guard(target, row, operands, self.constant(counts), label, source)
        if row is primitives.neg and self.number(0, 2) == 0:
            return Assign(target, None, operands, label, source)
        return Assign(target, row, operands, label, source)

    def operand(self, counts: tuple[int, ...], steps: tuple[int, ...]) -> Address:
        still = (0,) * len(counts)
        kind = self.number(0, 5)
        if kind == 0:
            return self.constant(counts)
        if kind == 1:
            return Address("input", 0, still)
        if kind == 2 and counts:
            lookup = Lookup(0, tuple(int(d == len(counts) - 1) for d in range(len(counts))))
            if self.number(0, 1) and max(counts) <= 6:
                return Address("input", 1, still, lookup)
        if kind == 3 or not self.place:
            strides = self.chosen(still, tuple(int(k == 0) for k in range(len(counts))))
            base = self.number(0, 8)
            if self.number(0, 1) and len(counts) > 1:
                return Address("input", 13, (6, 1, *still[2:]))
            return Address("input", 1 + base, strides)
        moves = tuple(step if self.number(0, 2) else 0 for step in steps)
        back = self.number(1, min(self.place, 12))
        return Address("value", self.place - back, moves)

    def constant(self, counts: tuple[int, ...]) -> Address:
        number = self.chosen(*NUMBERS)
        base = len(self.constants)
        size = max(math.prod(counts), 1)
        fresh = self.chosen([number] * size, [number], [number + k for k in range(size)])
        self.constants += fresh
        strides, step = [], 1 if len(fresh) > 1 else 0
        for count in reversed(counts):
            strides.append(step)
            step *= max(count, 1)
        return Address("constant", base, tuple(reversed(strides)))


@st.composite
def worded(draw: Any) -> Program:
    """A random program; some with holes, some with shared constants."""
    maker = _Maker(draw)
    plan = maker.body(())
    statements = maker.made(plan, (), ())
    places = [Address("value", draw(st.integers(0, maker.place - 1))) for _ in range(2)] \
        if maker.place else [Address("input", 0)] * 2  # fmt: skip
    moves = [Assign(Address("output", k), None, (place,)) for k, place in enumerate(places)]
    results = Structure(TUPLE, parts=(Structure(NUMBER),) * 2)
    program = Program(
        (*statements, *moves), maker.place, np.array(maker.constants), np.array(maker.index),
        ARGUMENTS, results, "nest",
    )  # fmt: skip
    if draw(st.integers(0, 2)) == 0:
        program = without_some(program, draw)
    return checked(program)


def without_some(program: Program, draw: Any) -> Program:
    """Without a few statements that nothing needs."""
    for _ in range(3):
        statements = list(program.statements)
        del statements[draw(st.integers(0, len(statements) - 1))]
        smaller = replace(program, statements=tuple(statements))
        try:
            program = checked(smaller)
        except ProgramError:
            continue
    return program


def same_notes(a: Program, b: Program) -> bool:
    """Whether two equal programs agree in labels and sources too."""
    return _words(a) == _words(b)


def _words(program: Program) -> list[tuple[str, str]]:
    return [(s.label, s.source) for s, _ in walk(program.statements)]
