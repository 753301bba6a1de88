"""Derivatives of a problem's functions in two ways that share nothing but the functions.

One is back-propagation through Values. The other takes nothing from the table: the functions run on
numbers of 50 digits, with mpmath's functions in place of ours, and differences so narrow that all
of a float's digits are right.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np

import scenarios
import wengert as wg
from oracle import mp
from problems import constrained, models, residuals
from problems.problem import Array, Function, Numbers, Problem


def jacobian(function: Function, x: Numbers) -> Array:
    """A row for each output, by back-propagation through Values."""
    leaves = [wg.Value(float(xk)) for xk in x]
    rows = []
    for output in outputs(function, np.array(leaves)):
        for leaf in leaves:
            leaf.grad = 0.0
        if isinstance(output, wg.Value):
            output.backward()
        rows.append([leaf.grad for leaf in leaves])
    return np.array(rows).reshape(-1, len(leaves))


def gradient(row: Problem, x: Numbers) -> Array:
    """The gradient of what is to be minimised."""
    return jacobian(row.value, x)[0]


def outputs(function: Function, x: Numbers) -> Array:
    """What a function gives, as a vector of numbers of any kind."""
    return np.atleast_1d(np.array(function(x), dtype=object))


EXACT = SimpleNamespace(
    exp=mp.exp, log=mp.log, sin=mp.sin, cos=mp.cos, sqrt=mp.sqrt, atan=mp.atan, tanh=mp.tanh,
    sigmoid=lambda x: 1 / (1 + mp.exp(-x)),
    norm_cdf=lambda x: mp.erfc(-x / mp.sqrt(2)) / 2,
    logsumexp=lambda xs: mp.log(sum(map(mp.exp, xs))),
    sum=sum,
    where=lambda condition, x, y: x if condition else y,
    while_loop=wg.while_loop,
)  # fmt: skip
MODULES = (scenarios, residuals, constrained, models)  # those that call our functions
STEP = mp.mpf(10) ** -15


@contextmanager
def fifty_digits() -> Iterator[None]:
    """Inside, the problems' modules call mpmath's functions."""
    with ExitStack() as stack:
        for module in MODULES:
            stack.enter_context(mock.patch.object(module, "wg", EXACT))
        yield


def exact_values(function: Function, x: Numbers) -> Array:
    """What a function gives, rounded to floats at the end."""
    with fifty_digits():
        return outputs(function, _exact(x)).astype(float)


def exact_jacobian(function: Function, x: Numbers) -> Array:
    """By central differences."""
    with fifty_digits():
        return np.array([_slopes(function, _exact(x), k) for k in range(len(x))]).T


def _exact(x: Numbers) -> Array:
    return np.array([mp.mpf(float(xk)) for xk in x])


def _slopes(function: Function, point: Array, k: int) -> Array:
    there, back = point.copy(), point.copy()
    there[k], back[k] = point[k] + STEP, point[k] - STEP
    difference: Any = outputs(function, there) - outputs(function, back)
    return (difference / (2 * STEP)).astype(float)


def close(found: Array, exact: Array, digits: int = 11) -> bool:
    """Whether numbers are equal, up to so many digits of the largest."""
    allowed = 10.0**-digits * (1.0 + np.max(abs(exact), initial=0.0))
    return bool(np.all(abs(found - exact) <= allowed))
