"""The arrays that the results of a vectorized function are written to."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wengert.errors import OperandError
from wengert.program.structure import Structure
from wengert.run.batch import Batch
from wengert.run.columns import Column, aligned
from wengert.run.paths import Path
from wengert.run.signature import Dims, Signature


class Results:
    """The arrays of one call.

    Args:
        name: of the function, for messages.
        signature: what results are said to be.
        batch: the arguments.
        out: the arrays that were given for the results, if any were.
    """

    def __init__(self, name: str, signature: Signature | None, batch: Batch, out: Any) -> None:
        self.name, self.signature, self.batch, self.out = name, signature, batch, out
        self.arrays: list[np.ndarray[Any, Any]] = []
        self.given: list[np.ndarray[Any, Any]] | None = None

    def columns(self, path: Path) -> list[Column]:
        """One for each leaf of the results."""
        shapes = [*_leaf_shapes(path.results)]
        self._check(path.results, shapes)
        count, shape = self.batch.examples.count, self.batch.shape
        self.given = self._taken_apart(path.results, shapes) if self.out is not None else None
        for k, core in enumerate(shapes):
            array = self.given[k] if self.given else None
            if array is None or not self._is_direct(array):
                array = np.empty((*shape, *core))
            self.arrays.append(array)
        return [
            Column(array.reshape(count, int(np.prod(core, dtype=np.int64))))
            for array, core in zip(self.arrays, shapes, strict=True)
        ]

    def tree(self, path: Path) -> Any:
        """The results, in the structure that the function gives."""
        arrays = self.arrays
        if self.given is not None:
            for array, given in zip(arrays, self.given, strict=True):
                if array is not given:
                    given[...] = array
            arrays = self.given
        elif self.batch.single:
            arrays = [array.astype(np.float32) for array in arrays]
        if path.finish:
            return self._finished(path, arrays)
        shaped = [array[()] if not array.ndim else array for array in arrays]
        return path.results.of_leaves(iter(shaped))

    def _finished(self, path: Path, arrays: Sequence[np.ndarray[Any, Any]]) -> Any:
        """What is no tree of numbers, one for each example."""
        assert path.finish
        (array,) = arrays
        found = np.empty(self.batch.shape, object)
        for at in np.ndindex(*self.batch.shape):
            found[at] = path.finish(np.ascontiguousarray(array[at]).ravel())
        return found[()] if not found.ndim else found

    def _check(self, results: Structure, shapes: Sequence[tuple[int, ...]]) -> None:
        """Whether they are what the signature says."""
        signature = self.signature
        if signature is None or signature.results is None:
            return
        name = self.name
        if len(signature.results) != len(shapes):
            raise OperandError(
                f"The signature {signature.text} is of {len(signature.results)} results, and "
                f"{name}() gives {len(shapes)}."
            )
        sizes: dict[str, int] = {}
        own = list(_leaf_shapes(self.batch.arguments))
        dims: list[Dims] = []
        for part, each in zip(self.batch.arguments.parts, signature.arguments, strict=True):
            dims += [each] * len([*_leaf_shapes(part)])
        for each, shape in zip(dims, own, strict=True):
            signature.core(each, shape, name, sizes)
        for number, (each, shape) in enumerate(zip(signature.results, shapes, strict=True)):
            where = f"result {number} of {name}()"
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
        whole = results.with_leading(self.batch.shape)
        name = self.name
        arrays = [*whole.leaves(self.out, f"out of {name}()")]
        for array, core in zip(arrays, shapes, strict=True):
            wanted = (*self.batch.shape, *core)
            if not isinstance(array, np.ndarray) or array.shape != wanted:
                raise OperandError(f"out of {name}() is to be an array of shape {wanted}.")
            if not np.can_cast(np.float64, array.dtype, "same_kind") or not array.flags.writeable:
                raise OperandError(
                    f"out of {name}() is to be a writeable array of floats, not one of "
                    f"{array.dtype}{'' if array.flags.writeable else ' that is read-only'}."
                )
        return arrays

    def _is_direct(self, array: np.ndarray[Any, Any]) -> bool:
        """Whether results can be written to an array as they come."""
        plain = array.dtype == np.float64 and aligned(array) and array.flags.c_contiguous
        return plain and not any(
            np.may_share_memory(array, column.array) for column in self.batch.examples.columns
        )


def _leaf_shapes(structure: Structure) -> Iterator[tuple[int, ...]]:
    """The shapes of all numbers and arrays, in order."""
    shape = structure.leaf_shape
    if shape is not None:
        yield shape
    for part in structure.parts:
        yield from _leaf_shapes(part)
