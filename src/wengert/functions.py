"""What is composed of primitives: sigmoid, softmax, dot, norm, ...

Each function here is written once, with the table's rows, and so works on floats, on NumPy
arrays, on Values and on object arrays of Values alike. Where two ways of writing a function give
the same value, the one with the accurate derivative is taken.
"""

import math
from collections.abc import Callable, Iterable
from functools import partial, reduce
from typing import Any

import numpy as np

from wengert.dispatch import to_array, to_float
from wengert.errors import OperandError
from wengert.primitives import (
    abs,
    add,
    div,
    equal,
    erfc,
    exp,
    greater,
    greater_equal,
    hypot,
    less_equal,
    log,
    log1p,
    maximum,
    mul,
    neg,
    select,
    stop_gradient,
    sub,
)
from wengert.primitives import sigmoid as sigmoid

_LARGEST = np.finfo(float).max


def where(condition: Any, x: Any, y: Any) -> Any:
    r"""x where the condition holds, y elsewhere; the side not taken contributes nothing.

    $$\text{where}(c, x, y) = \begin{cases}x & c \ne 0\\ y & \text{otherwise}\end{cases}$$

    Args:
        condition: a boolean or a number, or an array of them.
        x: the result where the condition holds.
        y: the result elsewhere.

    Returns:
        x or y; arrays broadcast.

    Examples:
        >>> import wengert as wg
        >>> x = wg.Value(0.0)
        >>> wg.where(x > 0, wg.log(x), x * 2).backward()
        >>> x.grad
        2.0
    """
    return select(condition, x, y)


def clip(x: Any, low: Any, high: Any) -> Any:
    r"""x limited to [low, high]; the derivative at a bound is 0.

    $$\text{clip}(x, l, h) = \min(\max(x, l), h)$$

    Args:
        x: a number or an array.
        low: the lower bound.
        high: the upper bound, not below `low`.

    Returns:
        The limited number or array.

    Examples:
        >>> import wengert as wg
        >>> wg.clip(3.0, 0.0, 1.0)
        1.0
    """
    return select(less_equal(x, low), low, select(greater_equal(x, high), high, x))


def softplus(x: Any) -> Any:
    r"""A smooth relu, without overflow.

    $$\text{softplus}(x) = \ln(1 + e^x)$$

    Args:
        x: a number or an array.

    Returns:
        A positive number or array.

    Examples:
        >>> import wengert as wg
        >>> wg.softplus(1000.0)
        1000.0
    """
    return select(greater(x, 0.0), add(x, log1p(exp(neg(x)))), log1p(exp(x)))


def silu(x: Any) -> Any:
    r"""The sigmoid-weighted linear unit, also called swish.

    $$\text{silu}(x) = x\,\sigma(x)$$

    Args:
        x: a number or an array.

    Returns:
        A number or an array.

    Examples:
        >>> import wengert as wg
        >>> wg.silu(0.0)
        0.0
    """
    return mul(x, sigmoid(x))


def gelu(x: Any) -> Any:
    r"""The Gaussian error linear unit, in its exact form.

    $$\text{gelu}(x) = x\,\Phi(x)$$

    Args:
        x: a number or an array.

    Returns:
        A number or an array.

    Examples:
        >>> import wengert as wg
        >>> round(wg.gelu(1.0), 6)
        0.841345
    """
    return mul(x, norm_cdf(x))


def norm_pdf(x: Any) -> Any:
    r"""The density of the standard normal distribution.

    $$\varphi(x) = \frac{1}{\sqrt{2\pi}}\,e^{-x^2/2}$$

    Args:
        x: a number or an array.

    Returns:
        A number or an array.

    Examples:
        >>> import wengert as wg
        >>> round(wg.norm_pdf(0.0), 6)
        0.398942
    """
    return mul(1.0 / math.sqrt(2.0 * math.pi), exp(mul(-0.5, mul(x, x))))


def norm_cdf(x: Any) -> Any:
    r"""The distribution function of the standard normal, accurate in the lower tail.

    $$\Phi(x) = \tfrac12\,\text{erfc}(-x/\sqrt2)$$

    Args:
        x: a number or an array.

    Returns:
        A number or an array, between 0 and 1.

    Examples:
        >>> import wengert as wg
        >>> wg.norm_cdf(0.0)
        0.5
    """
    return mul(0.5, erfc(mul(-math.sqrt(0.5), x)))


def logaddexp(x: Any, y: Any) -> Any:
    r"""The logarithm of a sum of two exponentials, without overflow.

    $$\ln(e^x + e^y)$$

    Args:
        x: a number or an array.
        y: a number or an array.

    Returns:
        A number or an array.

    Examples:
        >>> import wengert as wg
        >>> wg.logaddexp(-1000.0, 1.0)
        1.0
    """
    both_infinite = mul(equal(x, y), greater(abs(x), _LARGEST))
    difference = sub(x, y)
    smooth = select(
        greater(difference, 0.0),
        add(x, log1p(exp(neg(difference)))),
        add(y, log1p(exp(difference))),
    )
    return select(both_infinite, mul(0.5, add(x, y)), smooth)


def sum(xs: Any, axis: int | None = None) -> Any:
    r"""The sum of the elements, from the left; 0.0 of none.

    $$\sum_i x_i$$

    Args:
        xs: numbers, Values, or an array of them.
        axis: for an array, the axis to sum over; all of them by default.

    Returns:
        A number, a Value, or an array with one axis less.

    Examples:
        >>> import wengert as wg
        >>> wg.sum([wg.Value(1.0), 2.0, 3.0])
        Value(data=6.0)
    """
    return _fold(add, xs, axis, 0.0)


def prod(xs: Any, axis: int | None = None) -> Any:
    r"""The product of the elements, from the left; 1.0 of none.

    $$\prod_i x_i$$

    Args:
        xs: numbers, Values, or an array of them.
        axis: for an array, the axis to multiply over; all of them by default.

    Returns:
        A number, a Value, or an array with one axis less.

    Examples:
        >>> import wengert as wg
        >>> wg.prod([2.0, wg.Value(3.0)])
        Value(data=6.0)
    """
    return _fold(mul, xs, axis, 1.0)


def mean(xs: Any, axis: int | None = None) -> Any:
    r"""The arithmetic mean; NaN of no elements.

    $$\frac1n\sum_{i=1}^n x_i$$

    Args:
        xs: numbers, Values, or an array of them.
        axis: for an array, the axis to average over; all of them by default.

    Returns:
        A number, a Value, or an array with one axis less.

    Examples:
        >>> import wengert as wg
        >>> wg.mean([1.0, 2.0])
        1.5
    """
    array = _elements(xs)
    total = sum(array, axis)
    return div(total, float(array.size if axis is None else array.shape[axis]))


def dot(xs: Any, ys: Any) -> Any:
    r"""The sum of products of two sequences of equal length.

    $$\sum_i x_i\,y_i$$

    Args:
        xs: numbers or Values, shape (n,).
        ys: numbers or Values, shape (n,).

    Returns:
        A number or a Value.

    Raises:
        OperandError: the lengths differ, or an argument is not one-dimensional.

    Examples:
        >>> import wengert as wg
        >>> wg.dot([1.0, 2.0], [wg.Value(3.0), 4.0])
        Value(data=11.0)
    """
    at_once = _at_once("_dot", xs, ys)
    total = at_once() if at_once else NotImplemented
    if total is not NotImplemented:
        return total
    a, b = _elements(xs), _elements(ys)
    if a.shape != b.shape or a.ndim != 1:
        raise OperandError(
            f"dot() takes two sequences of one length, not of shapes {a.shape} and {b.shape}. "
            "For matrices use the operator @ on arrays."
        )
    return sum([mul(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)])


def norm(xs: Any) -> Any:
    r"""The Euclidean length, without overflow; its derivative at the origin is 0.

    $$\sqrt{\textstyle\sum_i x_i^2}$$

    Args:
        xs: numbers, Values, or an array of them.

    Returns:
        A number or a Value.

    Examples:
        >>> import wengert as wg
        >>> wg.norm([3.0, 4.0])
        5.0
    """
    elements = _elements(xs).ravel().tolist()
    return reduce(hypot, elements[1:], abs(elements[0])) if elements else 0.0


def logsumexp(xs: Any) -> Any:
    r"""The logarithm of a sum of exponentials, without overflow; -inf of no elements.

    $$\ln\sum_i e^{x_i}$$

    Args:
        xs: numbers, Values, or an array of them.

    Returns:
        A number or a Value.

    Examples:
        >>> import wengert as wg
        >>> wg.logsumexp([1000.0, 1000.0]) == 1000.0 + wg.log(2.0)
        True
    """
    elements = _elements(xs).ravel().tolist()
    if not elements:
        return -math.inf
    largest = reduce(maximum, elements)
    infinite = greater(abs(largest), _LARGEST)
    shift = _finite_shift(largest, infinite)
    smooth = add(shift, log(sum([exp(sub(x, shift)) for x in elements])))
    return select(infinite, largest, smooth)


def softmax(xs: Any) -> Any:
    r"""Exponentials scaled to sum to one, without overflow.

    $$\text{softmax}(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}$$

    Args:
        xs: numbers, Values, or an array of them.

    Returns:
        An array of the same shape.

    Examples:
        >>> import wengert as wg
        >>> wg.softmax([0.0, 0.0])
        array([0.5, 0.5])
    """
    array = _elements(xs)
    if not array.size:
        return array
    largest = reduce(maximum, array.ravel().tolist())
    shift = _finite_shift(largest, greater(abs(largest), _LARGEST))
    weights = exp(sub(array, shift))
    return div(weights, sum(weights))


def _finite_shift(largest: Any, infinite: Any) -> Any:
    """The largest element as a constant, and 0 where it is infinite: results do not depend on it.

    Being a constant, it adds nothing to the derivative, where it would only add rounding.
    """
    return select(infinite, 0.0, stop_gradient(largest))


def _elements(xs: Any) -> np.ndarray[Any, Any]:
    if isinstance(xs, Iterable) and not isinstance(xs, np.ndarray | list | tuple | str | bytes):
        xs = list(xs)
    if isinstance(xs, list | tuple) and not xs:
        return np.empty(0)
    array = to_array(xs, "a sequence")
    if array.dtype == object:  # which may hold anything
        for element in array.flat:
            if not hasattr(element, "_apply"):
                to_float(element, "a sequence")
    return array.ravel() if array.ndim == 0 else array


def _at_once(method: str, *sequences: Any) -> Any:
    """A method of the native engine that takes whole lists, on these; None if it is not for them.

    It is found by the elements in front: they are nodes, or a plain number and then nodes.
    """
    for sequence in sequences:
        for element in sequence[:2] if isinstance(sequence, list | tuple | np.ndarray) else ():
            found = getattr(element, method, None)
            if found is not None:
                lists = [_one_dimensional(each) for each in sequences]
                return None if None in lists else partial(found, *lists)
    return None


def _one_dimensional(sequence: Any) -> list[Any] | None:
    if isinstance(sequence, np.ndarray):
        elements: list[Any] = sequence.tolist()
        return elements if sequence.ndim == 1 else None
    return list(sequence) if isinstance(sequence, list | tuple) else None


def _fold(operation: Callable[[Any, Any], Any], xs: Any, axis: int | None, empty: float) -> Any:
    if axis is None:
        at_once = _at_once("_reduce", xs)
        total = at_once(operation) if at_once else NotImplemented
        if total is not NotImplemented:
            return total
    array = _elements(xs)
    if axis is not None:
        if axis not in range(-array.ndim, array.ndim):
            raise OperandError(f"An array of shape {array.shape} has no axis {axis!r}.")
        slices = list(np.moveaxis(array, axis, 0))
        return reduce(operation, slices) if slices else np.full(np.delete(array.shape, axis), empty)
    elements = array.ravel().tolist()
    return reduce(operation, elements) if elements else empty
