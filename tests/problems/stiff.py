"""Stiff differential equations as residuals: one vector of all states of all implicit steps."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from problems.problem import Array, Numbers, Problem

Slope = Callable[[Numbers], list[Any]]


def implicit_euler(
    slope: Slope, initial: Sequence[float], widths: Sequence[float], x: Numbers
) -> Array:
    """How far each state is from its predecessor plus a step by the slope at its own end."""
    d = len(initial)
    before: Any = initial
    residuals = []
    for k, h in enumerate(widths):
        state = x[d * k : d * k + d]
        rates = slope(state)
        residuals += [state[i] - before[i] - h * rates[i] for i in range(d)]
        before = state
    return np.array(residuals)


def van_der_pol(state: Numbers) -> list[Any]:
    y, velocity = state
    return [velocity, 100.0 * ((1.0 - y * y) * velocity) - y]


def robertson(state: Numbers) -> list[Any]:
    """The second concentration is counted in units of 1e-4, near which it stays."""
    a, b, c = state
    slow, back, fast = 0.04 * a, b * c, 0.3 * (b * b)
    return [back - slow, 1e4 * (slow - back - fast), fast]


def van_der_pol_at(steps: int) -> Problem:
    """Along the slow branch, from (2, 0) to time 10."""
    return Problem(
        f"Van der Pol, {steps} implicit steps", "residuals",
        partial(implicit_euler, van_der_pol, (2.0, 0.0), [10.0 / steps] * steps),
        np.array([2.0, 0.0] * steps),
        "Hairer and Wanner, Solving Ordinary Differential Equations II, section IV.1",
        minima=(0.0,),
    )  # fmt: skip


def robertson_at(steps: int) -> Problem:
    """From (1, 0, 0) to time 40, in steps that grow."""
    times = np.concatenate([[0.0], np.geomspace(1e-4, 40.0, steps)])
    guess = np.column_stack(
        [np.linspace(1.0, 0.7, steps), [0.2] * steps, np.linspace(0.0, 0.3, steps)]
    )
    return Problem(
        f"Robertson, {steps} implicit steps", "residuals",
        partial(implicit_euler, robertson, (1.0, 0.0, 0.0), np.diff(times).tolist()),
        guess.ravel(),
        "Robertson (1966); Hairer and Wanner, Solving ODE II, section IV.1",
        minima=(0.0,),
    )  # fmt: skip


ROWS = [van_der_pol_at(40), robertson_at(40)]
