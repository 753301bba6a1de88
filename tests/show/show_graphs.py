"""Graphs that the tests of pictures share."""

import random
from typing import Any

from hypothesis import strategies as st

import wengert as wg
from lesson_graphs import expression
from wengert import Value
from wengert.show.fold import Graph

HOSTILE = [
    '<b>&"x"</b> ]]> {a|b} \\N \\',
    "tab\tnew\nline\x00\x1b\x7f\x85",
    "\ud800 \u202e right to left \u2066",
    "日本語のラベル",
    "עברית שלום",
    "é̂́̀ 🎉",
    "$x^2$ &amp; %s {0}",
    "a" * 3000,
    "z" + "\u0301" * 500,
    " ",
]


def lesson() -> Value:
    """L = (a*b + c)*f, after backward."""
    root = expression()["L"]
    root.backward()
    return root


def network(inputs: int, *widths: int) -> Value:
    """A perceptron with a scope per layer and per neuron."""
    pick = random.Random(0)
    layer = [Value(pick.uniform(-1, 1), label=f"x{k}") for k in range(inputs)]
    for depth, width in enumerate(widths, 1):
        outputs = []
        for k in range(width):
            with wg.scope(f"layer{depth}/neuron{k + 1}"):
                total: Any = Value(pick.uniform(-1, 1), label="b")
                for x in layer:
                    total = total + Value(pick.uniform(-1, 1), label="w") * x
                outputs.append(wg.tanh(total))
        layer = outputs
    return layer[0]


def chain(steps: int) -> Value:
    """x*w + b again and again."""
    x, w, b = Value(1.0, label="x"), Value(0.5), Value(0.25)
    for _ in range(steps):
        x = x * w + b
    return x


def alternating(rounds: int) -> Value:
    """Two scopes that depend on each other in turn."""
    x = Value(1.0)
    for _ in range(rounds):
        with wg.scope("a"):
            x = wg.sin(x) * 2.0
        with wg.scope("b"):
            x = wg.cos(x) + 1.0
    return x


@st.composite
def dags(draw: Any, most: int = 40) -> Graph:
    """Random graphs as numbers, with scopes, every node below some root."""
    n = draw(st.integers(1, most))
    scopes = draw(st.sampled_from([[""], ["", "a", "b"], ["", "a", "a/x", "a/y", "b/x", "c"]]))
    pick, reach = random.Random(draw(st.integers(0, 2**32))), draw(st.integers(1, 12))
    operands: list[tuple[int, ...]] = [()]
    for v in range(1, n):
        own = [pick.randrange(max(0, v - reach), v) for _ in range(pick.randrange(4))]
        operands.append(tuple(own))
    used = {u for own in operands for u in own}
    return Graph(
        operands,
        [pick.choice("+*") if own else "" for own in operands],
        [pick.choice(scopes) for _ in range(n)],
        [v for v in range(n) if v not in used],
    )


def braid(n: int, seed: int) -> Graph:
    """One root above long chains whose steps share earlier parts, which are chains themselves."""
    pick = random.Random(seed)
    leaves = pick.randrange(2, 12)
    operands: list[tuple[int, ...]] = [()] * leaves
    loose = list(range(leaves))  # not used yet
    while len(operands) < n or len(loose) > 1:
        v = len(operands)
        if v < n and pick.random() < 0.2:
            operands.append(())
        else:
            near = pick.choice(loose) if pick.random() < 0.1 else loose[-1]
            other = pick.randrange(max(0, v - 30), v) if v < n else loose[0]
            if pick.random() < 0.3 and v < n:
                other = pick.randrange(leaves)
            operands.append((near, other))
            loose = [u for u in loose if u not in (near, other)]
        loose.append(v)
    ops = ["+*"[v % 2] if own else "" for v, own in enumerate(operands)]
    return Graph(operands, ops, [""] * len(operands), loose)


def random_graph(n: int, reach: int, seed: int = 0) -> Value:
    """A graph without structure."""
    pick = random.Random(seed)
    values = [Value(1.0) for _ in range(n // 10)]
    while len(values) < n:
        x, y = pick.choice(values[-reach:]), pick.choice(values)
        values.append(x + y if pick.random() < 0.5 else x * y)
    return values[-1]
