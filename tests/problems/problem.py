"""What a classic problem is: a function of one vector, a point to start at, and what is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, Any]
Numbers = Sequence[Any] | Array
Function = Callable[[Numbers], Any]


def nothing(x: Numbers) -> Array:
    """No constraints."""
    return np.array([])


@dataclass(frozen=True)
class Problem:
    """One row.

    Args:
        name: what it is called in tables.
        kind: "residuals" if the sum of their squares is to be minimised (or all are to vanish),
            "objective" if a number is, "constrained" if it is under conditions, "function" where
            only value and derivatives matter.
        function: from the vector of variables to a number, or to an array of residuals. It is
            plain Python, and runs on floats, Values and recorded numbers.
        start: the standard starting point.
        source: where problem and facts are from.
        at_start: the value at the start, of residuals the sum of their squares.
        minima: the values of the known minima, the lowest first.
        solution: a point where the first of them is reached.
        digits: how many digits of `solution` are known.
        equalities: a function to the array of what must be 0.
        inequalities: a function to the array of what must not be negative.
        bounds: the least and the greatest value of each variable, none if empty.
        reachable: whether a usual minimiser reaches a known minimum from the start.
    """

    name: str
    kind: Literal["residuals", "objective", "constrained", "function"]
    function: Function
    start: Numbers
    source: str
    at_start: float | None = None
    minima: tuple[float, ...] = ()
    solution: Numbers | None = None
    digits: int = 10
    equalities: Function = nothing
    inequalities: Function = nothing
    bounds: tuple[tuple[float, float], ...] = ()
    reachable: bool = True

    def value(self, x: Numbers) -> Any:
        """The number to be minimised."""
        if self.kind != "residuals":
            return self.function(x)
        total = 0.0
        for residual in self.function(x):
            total = total + residual * residual
        return total
