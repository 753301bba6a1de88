"""Programs of every kind, made by hand: for tests of text, files and invariants."""

import numpy as np
from folding import assign, at, flat, folded, value

import wengert as wg
from wengert import primitives
from wengert.program.program import Program
from wengert.program.record import record
from wengert.program.statements import Accumulate, Assign, Guard, Loop, While
from wengert.program.structure import ARRAY, NUMBER, TUPLE, Structure


def neuron(x, w, b):
    s = b
    for wi, xi in zip(w, x, strict=True):
        s = s + wi * xi
        s.label = "s"
    return wg.tanh(s)


def heat(al, u):
    """Six steps; the ends stay."""
    for _ in range(6):
        inner = [u[i] + al * (u[i - 1] - 2.0 * u[i] + u[i + 1]) for i in range(1, len(u) - 1)]
        u = [u[0], *inner, u[-1]]
    return np.array(u)


def branches(x, w):
    s = 0.0
    for each in w:
        if each > x:
            s = s + each**2
        s = wg.maximum(s, 0.5) ** 0.5
    return {"loss": s, "all": [s, x, 1.0], "mode": "fast", 3: None}


def rolled_neuron() -> Program:
    program = record(neuron, np.ones(8), np.ones(8), 0.5, passes=())
    return folded(program, (2, 2, 7))


def rolled_heat() -> Program:
    program = record(heat, 0.1, np.arange(10.0), passes=())
    folds = [(0, 5, 8)]
    at = 1
    for _ in range(5):
        folds.append((at + 5, 5, 6))
        at += 11
    return folded(program, *folds, (1, 11, 5))


def long_run(n: int = 200) -> Program:
    """A flat list, which is kept in columns."""
    return record(branches, 0.5, np.arange(n / 10), passes=())


def looked_up() -> Program:
    """Gathers, and a scatter: targets and operands through the index table."""
    index = np.array([3, 0, 2, 1, 7, 7, 4, 1, 0, 1, 3, 2])
    body = (
        assign(value(0, 0, lookup=(0, 1)), primitives.mul, at("input", 0, 0, lookup=(4, 1)),
               at("input", 0, 1)),
    )  # fmt: skip
    again = (
        assign(value(4, 1), primitives.exp, value(0, 0, lookup=(8, 1))),
    )  # fmt: skip
    out = (assign(at("output", 0, 1), None, value(4, 1)),)
    return Program(
        (Loop(4, body), Loop(4, again), Loop(4, out)), 8, np.empty(0), index,
        Structure(TUPLE, keys=("w",), parts=(Structure(ARRAY, (2, 4)),)),
        Structure(ARRAY, (4,)), "looked_up",
    )  # fmt: skip


def newton() -> Program:
    """Halves x until it is small: a loop whose count depends on the data."""
    state, tested = at("loop1", 0, 2), at("loop1", 1, 2)
    loop = While(
        "loop1",
        (assign(at("loop1", 0, 0), None, at("input", 0, 0), label="x"),),
        (assign(tested, primitives.greater, state, at("constant", 0, 0)),),
        tested,
        (assign(at("loop1", 2, 2), primitives.mul, state, at("constant", 1, 0)),),
        (assign(value(0, 0), None, state),),
    )
    out = Assign(at("output", 0), None, (value(0),))
    return Program(
        (loop, out), 1, np.array([1e-3, 0.5]), np.empty(0, np.int64),
        Structure(TUPLE, keys=("x",), parts=(Structure(NUMBER),)), Structure(NUMBER), "newton",
    )  # fmt: skip


def summed() -> Program:
    """Accumulates, in a loop that runs very often."""
    guard = Guard(value(2), primitives.less, (value(1), at("constant", 0)), at("constant", 1),
                  source="sum.py:3")  # fmt: skip
    body = (Accumulate(value(0, 0), value(1, 0), source="sum.py:5"),)
    return Program(
        (
            assign(value(0), None, at("constant", 2)),
            assign(value(1), primitives.neg, at("input", 0), label="step size"),
            guard,
            Loop(10**9, body),
            assign(at("output", 0), None, value(0)),
        ),
        5, np.array([2.0, 1.0, 0.0]), np.empty(0, np.int64),
        Structure(TUPLE, keys=("x",), parts=(Structure(NUMBER),)), Structure(NUMBER), "summed",
    )  # fmt: skip


def backwards() -> Program:
    """Of a chain of products and a table of weights: a carried sum, and one that is scattered."""
    index = np.array([0, 2, 2, 1])
    body = (
        assign(value(8, 1), primitives.mul, value(4, -1), at("input", 0, 1)),
        Accumulate(value(3, -1), value(8, 1), source="chain.py:2"),
        Accumulate(value(5, 0, lookup=(0, 1)), value(8, 1), source="chain.py:3"),
    )
    return Program(
        (
            Loop(4, (assign(value(0, 1), None, at("constant", 0, 0)),)),
            assign(value(4), None, at("constant", 1)),
            Loop(3, (assign(value(5, 1), None, at("constant", 0, 0), label="weight"),)),
            Loop(4, body),
            Loop(3, (assign(at("output", 0, 1), None, value(5, 1)),)),
        ),
        12, np.array([0.0, 1.0]), index,
        Structure(TUPLE, keys=("x",), parts=(Structure(ARRAY, (4,)),)), Structure(ARRAY, (3,)),
        "backwards",
    )  # fmt: skip


def empty() -> Program:
    """Nothing at all."""
    return record(lambda: (), passes=())


SAMPLES = [
    rolled_neuron(), rolled_heat(), long_run(), long_run(30), looked_up(), newton(), summed(),
    backwards(), empty(), record(heat, 0.1, np.arange(4.0), passes=()),
]  # fmt: skip

__all__ = ["SAMPLES", "flat"]
