"""What is sought, as its user wrote it and as the vector that a solver works with."""

import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.program.structure import ARRAY, DICT, NUMBER, RECORD, Floats, Structure, structure_of


class Unknowns:
    """Where a solver starts, and the structure of what it seeks.

    Args:
        x0: numbers, arrays, and tuples, lists, dicts and records of them; a list or tuple of
            numbers is a vector, as it is for SciPy.

    Attributes:
        structure: of x0.
        start: its numbers, `(n,)`.

    Raises:
        OperandError: x0 is made of something else, or of nothing.
    """

    def __init__(self, x0: Any) -> None:
        if isinstance(x0, list | tuple) and not hasattr(x0, "_fields") and all(map(_is_plain, x0)):
            x0 = np.array(x0, dtype=float)
        self.structure = structure_of(x0, where="x0")
        self.start: Floats = self.structure.numbers(x0, "x0")
        if not len(self.start):
            raise OperandError(f"x0 holds no numbers: it is {describe(x0)}.")

    @property
    def is_vector(self) -> bool:
        """Whether the user sees the vector that the solver works with."""
        return self.structure.kind == ARRAY and len(self.structure.shape) == 1

    def tree(self, x: Floats) -> Any:
        """The unknowns as their user wrote them."""
        return self.structure.tree(np.asarray(x, dtype=float))

    def bounds(self, bounds: Any) -> Any:
        """Two vectors, the lower and the upper bounds, from a structure with a pair at each leaf.

        Bounds on an array of unknowns are SciPy's own, and given back as they are.

        Raises:
            OperandError: they have another structure.
        """
        if bounds is None or self.structure.kind == ARRAY or hasattr(bounds, "lb"):
            return bounds
        pairs = list(_pairs(self.structure, bounds, "bounds"))
        return tuple(np.concatenate(side) for side in zip(*pairs, strict=True))

    def callback(self, callback: Any) -> Any:
        """What tells a callback of the unknowns as their user wrote them.

        SciPy looks at the signature, so that there is a wrapper for each.
        """
        if callback is None or self.is_vector:
            return callback

        def told_all(intermediate_result: Any) -> Any:
            return callback(intermediate_result=self.put_together(copy.copy(intermediate_result)))

        def told(x: Floats, *state: Any) -> Any:
            return callback(self.tree(x), *state)

        takes = set(inspect.signature(callback).parameters)
        return told_all if takes == {"intermediate_result"} else told

    def put_together(self, result: Any) -> Any:
        """A solver's result with the unknowns as their user wrote them."""
        if not self.is_vector:
            result.x = self.tree(result.x)
        return result


def _is_plain(number: Any) -> bool:
    return isinstance(number, int | float | np.integer | np.floating)


def _pairs(structure: Structure, bounds: Any, where: str) -> Iterator[tuple[Floats, Floats]]:
    """A lower and an upper bound, both vectors, for each leaf."""
    if structure.kind in (NUMBER, ARRAY):
        yield _pair(structure, (None, None) if bounds is None else bounds, where)
        return
    keys = structure.keys or range(len(structure.parts))
    for key, part, below in zip(
        keys, structure.parts, _below(structure, bounds, where), strict=True
    ):
        yield from _pairs(part, below, f"{where}[{key!r}]")


def _below(structure: Structure, bounds: Any, where: str) -> Sequence[Any]:
    """The bounds for each part of a structure; those that a dict lacks are none."""
    if bounds is None:
        return [None] * len(structure.parts)
    if (
        structure.kind == DICT
        and isinstance(bounds, Mapping)
        and set(bounds) <= set(structure.keys)
    ):
        return [bounds.get(key) for key in structure.keys]
    if structure.kind == RECORD and all(hasattr(bounds, str(key)) for key in structure.keys):
        return [getattr(bounds, str(key)) for key in structure.keys]
    is_sequence = isinstance(bounds, list | tuple) and structure.kind != DICT
    if is_sequence and len(bounds) == len(structure.parts):
        return bounds  # type: ignore[no-any-return]
    what = ", ".join(map(str, structure.keys)) or len(structure.parts)
    raise OperandError(
        f"{where} have the structure of x0, with a pair (lower, upper) for each number or array "
        f"and None for no bound; here that is a {structure.kind} of {what}, not {describe(bounds)}."
    )


def _pair(structure: Structure, pair: Any, where: str) -> tuple[Floats, Floats]:
    shape = structure.leaf_shape
    try:
        low, high = pair
        low = np.broadcast_to(np.asarray(-np.inf if low is None else low, float), shape or ())
        high = np.broadcast_to(np.asarray(np.inf if high is None else high, float), shape or ())
    except (TypeError, ValueError):
        raise OperandError(
            f"{where} are a pair (lower, upper) of numbers or arrays of shape {shape}, None "
            f"standing for no bound, not {describe(pair)}."
        ) from None
    return low.ravel(), high.ravel()
