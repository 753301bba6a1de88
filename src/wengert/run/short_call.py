"""Calls of a kernel that takes microseconds, as one step of native code.

A kernel of a hundred operations takes a tenth of a microsecond. To see in Python what is called,
with what, and what the result is made of takes thirty times as long. native/short_call.c puts the
arguments where the kernel looks for them, runs it and makes the result. It keeps the interpreter
lock meanwhile, so one place for the numbers serves all threads.
"""

from collections.abc import Callable
from functools import partial
from struct import pack
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.program.structure import ARRAY, LIST, NUMBER, TUPLE, Structure
from wengert.run.columns import address
from wengert.run.kernel import Kernel
from wengert.value import engine

if TYPE_CHECKING or engine == "native":
    from wengert import _native

LONGEST = 1e-5  # seconds predicted; one example alone may take some times as long
DEPTH = 6  # of tuples and lists in each other

ShortCall = Callable[[tuple[Any, ...]], Any]
"""From the arguments to the result; to None if these are others, or take another path."""


def short_call(kernel: Kernel, arguments: Structure, results: Structure) -> ShortCall | None:
    """A short call of a kernel for one example; None if there is none for this one.

    Args:
        kernel: for whole columns.
        arguments: the structure of the arguments by position.
        results: what the function gives.
    """
    if engine != "native":
        return None
    if not (kernel.is_small and kernel.is_short and kernel.predicted <= LONGEST):
        return None
    try:
        given = _template(arguments, DEPTH, lambda shape: pack(f"{len(shape)}q", *shape))
        result = _template(results, DEPTH, lambda shape: partial(np.empty, shape))
    except ValueError:
        return None
    desk = kernel.new_desk()
    made: ShortCall = _native.short_call(
        kernel.native.address, address(desk.given), (arguments.size, results.size), desk.table,
        desk.scratch[1], given, result, np.ndarray, (kernel, desk),
    )  # fmt: skip
    return made


def _template(
    structure: Structure, depth: int, of_array: Callable[[tuple[int, ...]], object]
) -> Any:
    """None for a number, what an array is taken for, and tuples and lists of these.

    Raises:
        ValueError: there is something else in it.
    """
    if structure.kind == NUMBER:
        return None
    if structure.kind == ARRAY:
        return of_array(structure.shape)
    if structure.kind not in (TUPLE, LIST) or not depth:
        raise ValueError(structure.kind)
    parts = [_template(part, depth - 1, of_array) for part in structure.parts]
    return tuple(parts) if structure.kind == TUPLE else parts
