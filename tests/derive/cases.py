"""Functions with loops of every kind: rows that the tests of derivatives share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import wengert as wg


@dataclass(frozen=True)
class Case:
    """One row.

    Args:
        name: what it is called in tables.
        function: plain Python, of numbers and arrays.
        arguments: where it is differentiated.
        jumps: whether it is not continuous there, so that differences say nothing.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    jumps: bool = False


# --- loops that run as long as a condition holds --------------------------------------------------


def halving(x, y):
    return wg.while_loop(lambda z: z > 1.0, lambda z: z * y, x)


def no_rounds(x, y):
    return wg.while_loop(lambda z: z > 100.0, lambda z: z * z * y, x * y)


def several_results(x, y):
    def body(state):
        a, b, n = state
        return a * 0.5 + wg.sin(b), b * wg.cos(a), n + 1.0

    a, b, n = wg.while_loop(lambda s: s[2] < 4.0, body, (x, y, 0.0))
    return np.array([a * b, b + n, n])


def counter_matters(x, y):
    """A number that counts rounds is multiplied with."""
    return wg.while_loop(
        lambda s: s[0] < 5.0, lambda s: (s[0] + 1.0, s[1] + s[0] * x * s[1]), (0.0, y)
    )[1]


def count_from_an_argument(n, x):
    return wg.fori(n, lambda i, z: z * x + i * wg.sin(z), x)


def while_in_while(x, y):
    def inner(z):
        return wg.while_loop(lambda u: u > y, lambda u: u * 0.7, z + y)

    return wg.while_loop(lambda s: s[1] < 3.0, lambda s: (inner(s[0]) * x, s[1] + 1.0), (x, 0.0))[0]


def while_in_scan(xs, y):
    def step(total, x):
        root = wg.while_loop(lambda r: r * r - x > 1e-6, lambda r: 0.5 * (r + x / r), x)
        return total * y + root, root * total

    total, roots = wg.scan(step, 0.3, xs)
    return np.array([total, *roots])


def while_in_two_loops(xs, y):
    def row(total, x):
        def cell(i, inner):
            return wg.while_loop(lambda z: z > x, lambda z: z * 0.8, inner + i * y) + x * y

        return wg.fori(3, cell, total), total

    return wg.scan(row, y, xs)[0]


def scan_in_while(xs, y):
    def body(state):
        z, n = state
        return wg.scan(lambda c, x: (c * 0.5 + x * y, None), z, xs)[0], n + 1.0

    return wg.while_loop(lambda s: s[1] < 3.0, body, (y * y, 0.0))[0]


def scan_with_outputs_in_while(xs, y):
    def body(state):
        z, ys, n = state
        after, out = wg.scan(lambda c, x: (c * 0.5 + wg.sin(x) * y, c * x), z, ys)
        return after, out, n + 1.0

    z, ys, _ = wg.while_loop(lambda s: s[2] < 3.0, body, (y * y, xs, 0.0))
    return np.array([z, *ys])


def arrays_in_while(a, x):
    """Power iterations; the carry is an array."""

    def body(state):
        v, n = state
        w = [wg.dot(row, v) for row in a]
        size = wg.sqrt(wg.dot(w, w))
        return np.array([wi / size for wi in w]), n + 1.0

    v, _ = wg.while_loop(lambda s: s[1] < 4.0, body, (x, 0.0))
    return v * v


def two_whiles(x, y):
    first = wg.while_loop(lambda z: z > 1.0, lambda z: z * y, x)
    return wg.while_loop(lambda z: z < 3.0, lambda z: z + first * first, wg.exp(first))


def while_feeds_scan(x, ys):
    start = wg.while_loop(lambda z: z > 0.5, lambda z: z * z * 0.4, x)
    return wg.scan(lambda c, y: (c * y + start, c * start), start, ys)


def scan_feeds_while(ys, x):
    _, outs = wg.scan(lambda c, y: (c * y + x, c * c), x, ys)
    return wg.while_loop(lambda z: z > 0.5, lambda z: z * 0.5 * outs[2], outs[0] * outs[1])


def nothing_carried_but_constants(x):
    return x * wg.while_loop(lambda z: z > 1.0, lambda z: z * 0.5, 20.0)


def condition_only(x, y):
    """The argument decides how often, and nothing else."""
    return y * wg.while_loop(lambda s: s[0] < x, lambda s: (s[0] + 1.0, s[1] * y), (0.0, 1.0))[1]


def passed_through(x, y):
    """One of the carried numbers never changes, another is replaced."""
    return wg.while_loop(lambda s: s[0] > 1.0, lambda s: (s[0] * 0.5, s[1], s[1] * x), (x, y, 0.0))


# --- loops that run a number of times -------------------------------------------------------------


def polynomial(cs, x):
    return wg.scan(lambda total, c: (total * x + c, None), 0.0, cs)[0]


def few_rounds(count):
    def function(x, y):
        return wg.fori(count, lambda i, z: wg.sin(z) * y + i, x)

    function.__name__ = f"rounds_{count}"
    return function


def python_loops(a, x):
    """A matrix times a vector, twice, in plain Python."""
    for _ in range(2):
        x = [wg.tanh(wg.dot(row, x)) for row in a]
    return np.array(x)


def fibonacci(x, y):
    """Each step reads the last two."""
    values = [x, y]
    for _ in range(30):
        values.append(wg.sin(values[-1]) * 0.7 + values[-2] * 0.5)
    return values[-1]


def gathered(xs, y):
    """Some elements are read several times, others never."""
    total = 0.0
    for k in (3, 1, 3, 0, 1, 3, 5, 0, 2, 3, 1, 0, 5, 5, 2, 1) * 2:
        total = total + wg.sin(xs[k] * y) * xs[(k * k) % 6]
    return total


def prefix(xs):
    """All partial sums, and a use of each."""
    total, out = 0.0, []
    for x in xs:
        total = total + x * x
        out.append(wg.sqrt(total + 1.0))
    return np.array(out)


def smoothing(xs):
    """Places are read by one, two or three others."""
    xs = list(xs)
    for _ in range(4):
        xs = [xs[0], *[0.25 * a + 0.5 * b * b + 0.25 * c
                       for a, b, c in zip(xs, xs[1:], xs[2:], strict=False)], xs[-1]]  # fmt: skip
    return np.array(xs)


def backwards_over(xs):
    _, out = wg.scan(lambda c, x: (c * 0.5 + x, c * x), 1.0, xs[::-1])
    return out[::-1]


def straight(x, y):
    """Enough of a straight stretch for columns."""
    for k in range(80):
        x, y = (wg.sin(x) + y * 0.3, x * y) if k % 3 else (wg.atan(y), x - 0.1 * k)
    return x, y


def columns_around(xs, y):
    """A straight stretch, a loop, a straight stretch, a loop that reads both."""
    a, _ = straight(xs[0], y)
    b, outs = wg.scan(lambda c, x: (wg.sin(c) * x + a, c * y), a, xs)
    c, d = straight(b, outs[1] + y)
    return wg.scan(lambda e, x: (e * c + x * d * a, e), b, outs)


# --- what is returned -----------------------------------------------------------------------------


def returned_twice(x, y):
    return x, y, x, 3.0, [x * y, x]


def constant(x):
    return 2.5


def ignores(x, y):
    return wg.exp(y)


def mutates(xs):
    xs[0] = xs[0] * xs[1]
    xs[1] = xs[0] + 1.0
    return sum(xs) * xs[0]


LIST = np.array([0.7, -0.4, 1.3, 0.2])
POSITIVE = np.array([0.7, 2.4, 1.3, 5.2])
MATRIX = np.array([[1.0, 0.3, -0.2], [0.4, 0.8, 0.1], [-0.3, 0.2, 1.2]])

ROWS = [
    Case("halving", halving, (37.0, 0.6)),
    Case("no rounds", no_rounds, (1.5, 0.6)),
    Case("several results", several_results, (0.6, 1.1)),
    Case("a counter that matters", counter_matters, (0.3, 0.8)),
    Case("a count from an argument", count_from_an_argument, (4.0, 0.8), True),
    Case("while in while", while_in_while, (1.3, 0.9)),
    Case("while in scan", while_in_scan, (POSITIVE, 0.9)),
    Case("while in two loops", while_in_two_loops, (POSITIVE, 0.9)),
    Case("scan in while", scan_in_while, (LIST, 0.9)),
    Case("scan with outputs in while", scan_with_outputs_in_while, (LIST, 0.9)),
    Case("arrays in while", arrays_in_while, (MATRIX, LIST[:3])),
    Case("two whiles", two_whiles, (7.0, 0.6)),
    Case("while feeds scan", while_feeds_scan, (1.7, LIST)),
    Case("scan feeds while", scan_feeds_while, (LIST, 0.9)),
    Case("constants in while", nothing_carried_but_constants, (1.5,)),
    Case("only the condition", condition_only, (2.5, 0.8)),
    Case("passed through", passed_through, (5.0, 0.8)),
    Case("polynomial", polynomial, (LIST, 0.9)),
    *(Case(f"{n} rounds", few_rounds(n), (0.4, 0.7)) for n in (0, 1, 2, 7)),
    Case("Python loops", python_loops, (MATRIX, LIST[:3])),
    Case("Fibonacci", fibonacci, (0.4, 0.9)),
    Case("gathered", gathered, (np.array([0.3, 0.9, -0.4, 1.2, 5.0, 0.6]), 0.7)),
    Case("prefix", prefix, (LIST,)),
    Case("smoothing", smoothing, (np.linspace(0.1, 0.9, 9),)),
    Case("backwards", backwards_over, (LIST,)),
    Case("straight", straight, (0.3, 0.8)),
    Case("columns around", columns_around, (LIST, 0.8)),
    Case("returned twice", returned_twice, (1.5, 0.5)),
    Case("a constant", constant, (1.5,)),
    Case("ignores an argument", ignores, (1.5, 0.5)),
    Case("mutates", mutates, (LIST,)),
]  # fmt: skip
