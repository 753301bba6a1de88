"""Random programs of scalars, and what they mean by exact or 30-digit arithmetic.

A program is a list of steps on earlier results. It is run with whatever `apply` says, so the same
program serves Values, plain floats and the reference below, which is forward mode by rules of its
own: nothing of the table is used in it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

import mpmath
from hypothesis import strategies as st

import wengert as wg

mp = mpmath.mp.clone()
mp.dps = 30
T = TypeVar("T")

POLYNOMIAL = {"add": 2, "sub": 2, "mul": 2, "neg": 1, "square": 1}
SMOOTH = POLYNOMIAL | {
    "tanh": 1, "sin": 1, "cos": 1, "atan": 1, "asinh": 1, "sigmoid": 1, "damped": 1, "hypot": 2,
    "quotient": 2, "softplus": 1,
}  # fmt: skip

ON_VALUES: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "neg": lambda x: -x,
    "square": lambda x: x**2,
    "tanh": wg.tanh,
    "sin": wg.sin,
    "cos": wg.cos,
    "atan": wg.atan,
    "asinh": wg.asinh,
    "sigmoid": wg.sigmoid,
    "damped": lambda x: wg.exp(-x * x),
    "hypot": lambda x, y: wg.hypot(1.0 + x * x, y),
    "quotient": lambda x, y: x / (2.0 + wg.cos(y)),
    "softplus": wg.softplus,
}


@dataclass(frozen=True)
class Program:
    """Steps `(operation, places of the operands)`; places count the leaves first."""

    leaves: tuple[float, ...]
    steps: tuple[tuple[str, tuple[int, ...]], ...]

    def run(self, apply: Callable[..., T], leaves: Sequence[T]) -> list[T]:
        """All results, the leaves first."""
        results = list(leaves)
        for name, places in self.steps:
            results.append(apply(name, *[results[place] for place in places]))
        return results

    def on_values(self, leaves: Sequence[float] | None = None) -> list[wg.Value]:
        """The program's graph."""
        numbers = self.leaves if leaves is None else leaves
        return self.run(lambda name, *xs: ON_VALUES[name](*xs), [wg.Value(x) for x in numbers])


@st.composite
def programs(
    draw: Callable[[Any], Any],
    operations: Mapping[str, int] = SMOOTH,
    numbers: st.SearchStrategy[float] | None = None,
    max_steps: int = 12,
) -> Program:
    """Programs over one to four leaves; later results are as likely to be used as leaves."""
    if numbers is None:
        numbers = st.floats(-2.0, 2.0, allow_subnormal=False)
    leaves = draw(st.lists(numbers, min_size=1, max_size=4))
    steps: list[tuple[str, tuple[int, ...]]] = []
    for count in range(len(leaves), len(leaves) + draw(st.integers(1, max_steps))):
        name = draw(st.sampled_from(sorted(operations)))
        places = st.integers(0, count - 1)
        steps.append((name, tuple(draw(places) for _ in range(operations[name]))))
    return Program(tuple(leaves), tuple(steps))


@dataclass(frozen=True)
class Dual:
    """A number, its derivatives with respect to the leaves, and how large their terms were."""

    number: Any
    tangent: tuple[Any, ...]
    scale: Any  # the sum of the absolute values of all that was added up in a derivative

    @classmethod
    def leaf(cls, number: Any, place: int, count: int) -> "Dual":
        return cls(number, tuple(number * 0 + (k == place) for k in range(count)), 1)


def chain(number: Any, *terms: tuple[Any, Dual]) -> Dual:
    """A result from its value and its (partial, operand) terms."""
    tangent = tuple(
        sum((partial * operand.tangent[k] for partial, operand in terms), number * 0)
        for k in range(len(terms[0][1].tangent))
    )
    return Dual(number, tangent, sum(abs(partial) * operand.scale for partial, operand in terms))


def reference(name: str, *operands: Dual) -> Dual:
    """One step on dual numbers, by calculus done on paper."""
    x = operands[0].number
    y = operands[1].number if len(operands) == 2 else None
    return chain(*_RULES[name](x, *operands) if y is None else _RULES[name](x, y, *operands))


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _hypot(x: Any, y: Any, a: Dual, b: Dual) -> tuple[Any, ...]:
    s = 1 + x * x
    r = mp.sqrt(s * s + y * y)
    return r, (2 * x * s / r, a), (y / r, b)


def _quotient(x: Any, y: Any, a: Dual, b: Dual) -> tuple[Any, ...]:
    d = 2 + mp.cos(y)
    return x / d, (1 / d, a), (x * mp.sin(y) / d**2, b)


_RULES: dict[str, Callable[..., tuple[Any, ...]]] = {
    "add": lambda x, y, a, b: (x + y, (1, a), (1, b)),
    "sub": lambda x, y, a, b: (x - y, (1, a), (-1, b)),
    "mul": lambda x, y, a, b: (x * y, (y, a), (x, b)),
    "neg": lambda x, a: (-x, (-1, a)),
    "square": lambda x, a: (x * x, (2 * x, a)),
    "tanh": lambda x, a: (mp.tanh(x), (1 / mp.cosh(x) ** 2, a)),
    "sin": lambda x, a: (mp.sin(x), (mp.cos(x), a)),
    "cos": lambda x, a: (mp.cos(x), (-mp.sin(x), a)),
    "atan": lambda x, a: (mp.atan(x), (1 / (1 + x * x), a)),
    "asinh": lambda x, a: (mp.asinh(x), (1 / mp.sqrt(1 + x * x), a)),
    "sigmoid": lambda x, a: (_sigmoid(x), (_sigmoid(x) * _sigmoid(-x), a)),
    "damped": lambda x, a: (mp.exp(-x * x), (-2 * x * mp.exp(-x * x), a)),
    "softplus": lambda x, a: (mp.log1p(mp.exp(x)), (_sigmoid(x), a)),
    "hypot": _hypot,
    "quotient": _quotient,
}


def exact(program: Program, number: Callable[[float], Any] = Fraction) -> list[Dual]:
    """The program on dual numbers: of Fractions, or with `mp.mpf` of 30 digits."""
    count = len(program.leaves)
    leaves = [Dual.leaf(number(x), k, count) for k, x in enumerate(program.leaves)]
    return program.run(reference, leaves)
