"""The arrays that the results of a vectorized function are written to."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.program.structure import FIXED, Structure
from wengert.run.batch import Batch
from wengert.run.columns import Column, aligned
from wengert.run.paths import Path
from wengert.run.signature import Dims, Signature
from wengert.run.spare import Spare


class Results:
    """The arrays of one call.

    Args:
        name: of the function, for messages.
        signature: what results are said to be.
        batch: the arguments.
        out: the arrays that were given for the results, if any were.
        spare: where memory comes from.
    """

    def __init__(
        self, name: str, signature: Signature | None, batch: Batch, out: Any, spare: Spare
    ) -> None:
        self.name, self.signature, self.batch, self.out = name, signature, batch, out
        self.spare = spare
        self.arrays: list[np.ndarray[Any, Any]] = []
        self.given: list[np.ndarray[Any, Any]] | None = None

    def columns(self, path: Path) -> list[Column]:
        """One for each leaf of the results."""
        shapes = path.shapes
        self._check(path.results, shapes)
        count, shape = self.batch.examples.count, self.batch.shape
        self.given = self._taken_apart(path.results, shapes) if self.out is not None else None
        for k, core in enumerate(shapes):
            array = self.given[k] if self.given else None
            if array is None or not self._is_direct(array):
                array = self.spare.empty((*shape, *core))
            self.arrays.append(array)
        return [
            Column(array.reshape(count, prod(core)))
            for array, core in zip(self.arrays, shapes, strict=True)
        ]

    def tree(self, path: Path) -> Any:
        """The results, in the structure that the function gives."""
        arrays = self.arrays
        if self.given is not None:
            for array, given in zip(arrays, self.given, strict=True):
                if array is not given:
                    given[...] = array
            return path.results.of_leaves(iter(self.given))
        if self.batch.single:
            arrays = [array.astype(np.float32) for array in arrays]
        shaped = [array[()] if not array.ndim else array for array in arrays]
        return path.results.of_leaves(iter(shaped))

    def _check(self, results: Structure, shapes: Sequence[tuple[int, ...]]) -> None:
        """Whether they are what the signature says."""
        signature = self.signature
        if signature is None or signature.results is None:
            return
        name = self.name
        if len(signature.results) != len(shapes):
            raise OperandError(
                f"The signature {signature.text} is of {len(signature.results)} results, and "
                f"{name} gives {len(shapes)}."
            )
        sizes: dict[str, int] = {}
        own = list(self.batch.arguments.leaf_shapes())
        dims: list[Dims] = []
        for part, each in zip(self.batch.arguments.parts, signature.arguments, strict=True):
            dims += [each] * len([*part.leaf_shapes()])
        for each, shape in zip(dims, own, strict=True):
            signature.core(each, shape, name, sizes)
        for number, (each, shape) in enumerate(zip(signature.results, shapes, strict=True)):
            where = f"result {number} of {name}"
            if len(each) != len(shape):
                raise OperandError(
                    f"{where} has shape {shape}, and the signature {signature.text} says "
                    f"({','.join(each)})."
                )
            signature.core(each, shape, where, sizes)

    def _taken_apart(
        self, results: Structure, shapes: Sequence[tuple[int, ...]]
    ) -> list[np.ndarray[Any, Any]]:
        """The arrays of `out`."""
        name = self.name
        arrays = [*_given(results, self.out, f"out of {name}")]
        for array, core in zip(arrays, shapes, strict=True):
            wanted = (*self.batch.shape, *core)
            if not isinstance(array, np.ndarray) or array.shape != wanted:
                is_array = isinstance(array, np.ndarray)
                given = f"one of {array.shape}" if is_array else describe(array)
                raise OperandError(
                    f"out of {name} is to be an array of shape {wanted}, not {given}."
                )
            if not np.can_cast(np.float64, array.dtype, "same_kind") or not array.flags.writeable:
                raise OperandError(
                    f"out of {name} is to be a writeable array of floats, not one of "
                    f"{array.dtype}{'' if array.flags.writeable else ' that is read-only'}."
                )
        return arrays

    def _is_direct(self, array: np.ndarray[Any, Any]) -> bool:
        """Whether results can be written to an array as they come."""
        plain = type(array) is np.ndarray and array.dtype == np.float64
        plain = plain and aligned(array) and array.flags.c_contiguous
        return plain and not any(
            np.may_share_memory(array, column.array) for column in self.batch.examples.columns
        )


def _given(structure: Structure, out: Any, where: str) -> Iterator[Any]:
    """What was given for each number and array of the results."""
    if structure.leaf_shape is not None:
        yield out
    elif structure.kind != FIXED:
        for part, child in zip(structure.parts, structure.children(out, where), strict=True):
            yield from _given(part, child, where)
