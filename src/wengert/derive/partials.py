"""The partial derivatives of a row as a short list of operations, traced once.

A row states its partials as ordinary functions (`primitives.py`). Here they meet symbols that write
down what is done to them. What is constant stays a number, so that a partial which is zero by
structure is seen to be 0.0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import Any, TypeVar

from wengert.dispatch import Primitive
from wengert.operand import Operand
from wengert.primitives import add, mul, neg, strong_mul

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a traced partial.

    Args:
        row: what it does.
        args: what to: an integer is a number of the environment, a float a constant.
    """

    row: Primitive
    args: tuple[int | float, ...]


@dataclass(frozen=True, slots=True)
class Partials:
    """All partials of a row.

    The environment they are computed in: 0 is the row's output, 1 its first operand and so on, and
    behind the operands stands what the steps give, in order.

    Args:
        steps: the operations, each once.
        results: per operand, a number of the environment or (a float) a constant: 0.0 where the
            row does not depend on the operand by structure.
        needs: per operand, the steps that its partial needs, in order.
    """

    steps: tuple[Step, ...]
    results: tuple[int | float, ...]
    needs: tuple[tuple[int, ...], ...]

    @property
    def depends(self) -> tuple[bool, ...]:
        """Per operand, whether the row depends on it, to first order."""
        return tuple(result != 0.0 or isinstance(result, int) for result in self.results)


class _Traced(Operand):
    """A number of the environment."""

    __slots__ = ("number", "trace")

    def __init__(self, trace: "_Trace", number: int) -> None:
        self.trace, self.number = trace, number

    def _apply(self, row: Primitive, args: tuple[Any, ...]) -> "_Traced":
        return self.trace.step(row, args)


class _Trace:
    def __init__(self, row: Primitive) -> None:
        self.steps: list[Step] = []
        self.known: dict[Any, _Traced] = {}
        self.first = 1 + row.nin
        operands = [_Traced(self, k) for k in range(self.first)]
        self.results = tuple(map(self.argument, row.partials(*operands)))

    def step(self, row: Primitive, args: tuple[Any, ...]) -> _Traced:
        step = Step(row, tuple(map(self.argument, args)))
        key = row, tuple(map(repr, step.args))  # 1 and 1.0 are equal, and so are 0.0 and -0.0
        if key not in self.known:
            self.known[key] = _Traced(self, self.first + len(self.steps))
            self.steps.append(step)
        return self.known[key]

    @staticmethod
    def argument(arg: Any) -> int | float:
        return arg.number if isinstance(arg, _Traced) else float(arg)

    def needed(self, result: int | float) -> tuple[int, ...]:
        """The steps that a result needs, in order."""
        found: set[int] = set()
        waiting = [result]
        while waiting:
            number = waiting.pop()
            step = number - self.first if isinstance(number, int) else -1
            if step >= 0 and step not in found:
                found.add(int(step))
                waiting += self.steps[int(step)].args
        return tuple(sorted(found))


@cache
def partials_of(row: Primitive) -> Partials:
    """The partials of a row.

    Args:
        row: a row of the table.

    Returns:
        Its partials as operations on its output and operands.

    Examples:
        >>> from wengert.primitives import mul, tanh
        >>> partials_of(mul).results
        (2, 1)
        >>> [step.row.name for step in partials_of(tanh).steps]
        ['mul', 'sub']
    """
    trace = _Trace(row)
    return Partials(tuple(trace.steps), trace.results, tuple(map(trace.needed, trace.results)))


Apply = Callable[[Primitive, tuple[T, ...]], T]


def local(
    row: Primitive, environment: Sequence[T], wanted: Sequence[int],
    constant: Callable[[float], T], apply: Apply[T],
) -> list[T | float]:  # fmt: skip
    """Write down the partials of a row for some of its operands.

    Args:
        row: what was done.
        environment: its output and operands.
        wanted: the operands, in order.
        constant: makes what stands for a number.
        apply: writes an operation down.

    Returns:
        For each wanted operand, the partial: what was written, or a float where it is constant.
    """
    partials = partials_of(row)
    made = dict(enumerate(environment))
    first = len(made)
    for step in sorted({step for k in wanted for step in partials.needs[k]}):
        each = partials.steps[step]
        args = (made[arg] if isinstance(arg, int) else constant(arg) for arg in each.args)
        made[first + step] = apply(each.row, tuple(args))
    results = (partials.results[k] for k in wanted)
    return [made[result] if isinstance(result, int) else result for result in results]


def product(factor: T, partial: T | float, constant: Callable[[float], T], apply: Apply[T]) -> T:
    """An adjoint or a tangent times a partial that is not zero by structure.

    A zero absorbs what is infinite or NaN, see docs/decisions/zero-adjoints.md.
    """
    if not isinstance(partial, float):
        return apply(strong_mul, (factor, partial))
    if partial == 1.0:
        return factor
    if partial == -1.0:
        return apply(neg, (factor,))
    row = mul if isfinite(partial) else strong_mul
    return apply(row, (factor, constant(partial)))


def total(terms: Sequence[T], apply: Apply[T]) -> T:
    """The sum of some terms, in order."""
    result = terms[0]
    for term in terms[1:]:
        result = apply(add, (result, term))
    return result
