"""The arguments of a vectorized function: what one example is, and where the examples are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from wengert.dispatch import to_float
from wengert.errors import OperandError
from wengert.operand import Operand
from wengert.program.structure import ARRAY, NUMBER, Structure, structure_of
from wengert.run.columns import Column, Examples, aligned
from wengert.run.signature import Signature

Objects = np.ndarray[Any, np.dtype[np.object_]]


@dataclass(frozen=True)
class Batch:
    """Arguments broadcast against each other.

    Args:
        shape: of the examples.
        arguments: the structure of one of them.
        examples: where the numbers of each leaf are.
        operands: of what is recorded and of Values, the numbers of each leaf, broadcast; then
            there are no examples.
        single: whether all arrays that were given are of single precision.
    """

    shape: tuple[int, ...]
    arguments: Structure
    examples: Examples
    single: bool
    operands: tuple[Objects, ...] = ()


def batch_of(
    args: Sequence[Any], keys: Sequence[str], signature: Signature | None, name: str,
    rows: bool = False,
) -> Batch:  # fmt: skip
    """The batch that some arguments are.

    Args:
        args: numbers, arrays and what NumPy takes for arrays, also in dicts, dataclasses and named
            tuples; lists and tuples of numbers are arrays.
        keys: what the arguments are called.
        signature: which of their axes belong to one example; by default none.
        name: of the function, for errors.
        rows: the first axis is that of the examples, and all others belong to one.

    Raises:
        OperandError: they are something else, or their shapes do not fit.
    """
    if not (signature or rows) and _are_plain(args):
        columns = tuple(_of_numbers(array.reshape(-1, 1)) for array in args)
        return Batch(args[0].shape, _numbers(tuple(keys)), Examples(columns, args[0].size), False)
    if signature:
        signature.count(len(args), name)
    sizes: dict[str, int] = {}
    parts, leaves, leads, named = [], [], [], []
    for number, (arg, key) in enumerate(zip(args, keys, strict=True)):
        where = f"{name}: argument {key}"
        tree = arrayed(arg, where)
        whole = structure_of(tree, where=where)
        dims = signature.arguments[number] if signature else ()
        cores = []
        for leaf in whole.leaves(tree, where):
            array = np.asarray(leaf)
            core = signature.core(dims, array.shape, where, sizes) if signature else ()
            if rows:
                core = _rows(array, where)
            cores.append(core)
            leaves.append(array)
            leads.append(array.shape[: array.ndim - len(core)])
            named.append(key)
        parts.append(_of_one(whole, iter(cores)))
    if rows and len(set(leads)) > 1:
        listed = ", ".join(f"{key} {lead[0]}" for key, lead in zip(named, leads, strict=True))
        raise OperandError(f"{name}: the data are of different lengths: {listed}.")
    try:
        shape = np.broadcast_shapes(*leads)
    except ValueError:
        listed = ", ".join(f"{key} {lead}" for key, lead in zip(named, leads, strict=True) if lead)
        raise OperandError(
            f"{name} broadcasts its arguments, and their shapes do not fit: {listed}."
        ) from None
    structure = Structure("tuple", keys=tuple(keys), parts=tuple(parts))
    if any(array.dtype == object and _has_operands(array) for array in leaves):
        operands = tuple(
            np.broadcast_to(array, (*shape, *array.shape[len(lead) :])).astype(object)
            for array, lead in zip(leaves, leads, strict=True)
        )
        return Batch(shape, structure, Examples((), 0), False, operands)
    sizes_of = [size for _, size in structure.slots()]
    given = zip(leaves, leads, sizes_of, named, strict=True)
    columns = tuple(
        _column(array, lead, shape, size, f"{name}: argument {key}")
        for array, lead, size, key in given
    )
    kinds = {array.dtype for array in leaves if array.ndim}
    examples = Examples(columns, prod(shape))
    return Batch(shape, structure, examples, kinds == {np.dtype(np.float32)})


def _are_plain(args: Sequence[Any]) -> bool:
    """Whether all are arrays of doubles of one shape, as they mostly are."""
    if not args or type(args[0]) is not np.ndarray or args[0].size < 2:
        return False
    shape = args[0].shape
    return all(
        type(each) is np.ndarray and each.dtype == np.float64 and each.shape == shape
        for each in args
    )


@lru_cache
def _numbers(keys: tuple[str, ...]) -> Structure:
    return Structure("tuple", keys=keys, parts=(Structure(NUMBER),) * len(keys))


def _has_operands(array: Objects) -> bool:
    return any(isinstance(each, Operand) for each in array.flat)


def _rows(array: np.ndarray[Any, Any], where: str) -> tuple[int, ...]:
    if not array.ndim:
        raise OperandError(f"{where} is one number. Data are arrays with an axis of examples.")
    core: tuple[int, ...] = array.shape[1:]
    return core


def arrayed(tree: Any, where: str) -> Any:
    """A tree in which lists and tuples have become arrays, as NumPy would take them."""
    if isinstance(tree, Mapping):
        return {key: arrayed(part, where) for key, part in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(arrayed(part, where) for part in tree))
    if isinstance(tree, list | tuple | range):
        try:
            return np.asarray(tree)
        except ValueError:
            raise OperandError(
                f"{where} is a {type(tree).__name__} of arrays or lists of different shapes, which "
                "is no array. Pass them as arguments of their own, or in a dict."
            ) from None
    return tree


def _of_one(structure: Structure, cores: Any) -> Structure:
    """The structure of one example, from that of all."""
    if structure.kind in (NUMBER, ARRAY):
        core = next(cores)
        return Structure(ARRAY, core) if core else Structure(NUMBER)
    parts = tuple(_of_one(part, cores) for part in structure.parts)
    return Structure(
        structure.kind, keys=structure.keys, parts=parts, fixed=structure.fixed,
        make=structure.make,
    )  # fmt: skip


def _column(
    array: np.ndarray[Any, Any], lead: tuple[int, ...], shape: tuple[int, ...], size: int,
    where: str,
) -> Column:  # fmt: skip
    if array.dtype == object:  # which NumPy would convert, None and texts too
        array = np.array([to_float(each, where) for each in array.flat]).reshape(array.shape)
    array = np.asarray(array, np.float64)
    if prod(lead) == 1 and prod(shape) != 1:
        one = np.ascontiguousarray(array).reshape(1, size)
        return Column(one, shared=True)
    core = array.shape[len(lead) :]
    whole = np.broadcast_to(array, (*shape, *core)).reshape(prod(shape), size)
    return _of_numbers(whole)


def _of_numbers(array: np.ndarray[Any, Any]) -> Column:
    return Column(array if aligned(array) else np.ascontiguousarray(array))
