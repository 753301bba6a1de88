"""A function of plain numbers, run on labelled Values made of its arguments."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.dispatch import describe, is_array_like, remedy, to_array, to_float
from wengert.errors import LostDerivativeError, OperandError
from wengert.value import Value


def trial(function: Callable[..., Value], args: Sequence[Any]) -> tuple[Value, list[Value]]:
    """Run a function on Values and backward from its result.

    Args:
        function: of numbers and arrays of numbers, with one number as its result.
        args: numbers, and lists or arrays of numbers, which become object arrays of Values.

    Returns:
        The result, and the Values its arguments became.

    Raises:
        OperandError: an argument is not a number, there are too many or too few of them, or the
            result is not one Value.
        LostDerivativeError: the result is a plain number.
    """
    if not callable(function):
        raise OperandError(f"check() takes a Value or a function, not {describe(function)}.")
    called = getattr(function, "__name__", "the function")
    labels = _labels(function, args, called)
    inputs: list[Value] = []
    given = [_lifted(arg, label, inputs, called) for arg, label in zip(args, labels, strict=True)]
    result: Any = function(*given)
    if isinstance(result, np.ndarray) and result.size == 1:
        result = result.item()
    if not isinstance(result, Value):
        raise _no_value(result, called)
    if any(result is each for each in inputs):
        result = +result * 1.0
    result.backward()
    return result, inputs


def _labels(function: Callable[..., Any], args: Sequence[Any], called: str) -> list[str]:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions have none
        return [f"x{k}" for k in range(len(args))]
    try:
        bound = signature.bind(*args)
    except TypeError as error:
        raise OperandError(
            f"{called}{signature} cannot be called with the {len(args)} "
            f"argument{'s' * (len(args) != 1)} given to check(): {error}. "
            f"Write check({called}, ...) with the arguments it takes."
        ) from None
    labels: list[str] = []
    for name in bound.arguments:
        if signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL:
            labels += [f"{name}[{k}]" for k in range(len(bound.arguments[name]))]
        else:
            labels.append(name)
    return labels


def _lifted(arg: Any, label: str, inputs: list[Value], called: str) -> Any:
    """An argument as a Value or an object array of Values, also added to `inputs`."""
    where = f"The argument {label} of {called}()"
    if isinstance(arg, Value):
        raise OperandError(
            f"{where} is a Value, and check() of a function takes plain numbers. "
            f"Write check({called}, x.data), or check(root) for a graph that exists."
        )
    if isinstance(arg, list | tuple | np.ndarray) or is_array_like(arg):
        numbers = to_array(arg, where)
        if numbers.dtype == object:
            raise OperandError(f"{where} takes numbers, and is {describe(arg)}.")
        lifted = np.empty(numbers.shape, dtype=object)
        for index in np.ndindex(numbers.shape):
            at = f"[{', '.join(map(str, index))}]" if index else ""
            lifted[index] = _leaf(numbers[index], f"{label}{at}", inputs)
        return lifted if lifted.ndim else lifted.item()
    return _leaf(to_float(arg, where), label, inputs)


def _leaf(number: Any, label: str, inputs: list[Value]) -> Value:
    inputs.append(Value(number, label=label))
    return inputs[-1]


def _no_value(result: Any, called: str) -> OperandError:
    if isinstance(result, float | int | np.floating | np.integer):
        return LostDerivativeError(
            f"{called}() returned the plain number {result!r}, so its derivative is lost. "
            "It may use .data, or not use its arguments at all; compute with the arguments."
        )
    if isinstance(result, tuple | list | np.ndarray):
        return OperandError(
            f"check() takes a function with one number as its result, and {called}() returned "
            f"{type(result).__name__} of {len(result)}. Check one of them at a time: "
            f"check(lambda *xs: {called}(*xs)[0], ...)."
        )
    return OperandError(
        f"check() takes a function with one number as its result, and {called}() returned "
        f"{describe(result)}.{remedy(result)}"
    )
