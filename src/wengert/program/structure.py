"""What a program takes and gives: numbers in arrays, tuples, lists, dicts and records of them.

A `Structure` is the shape of such a tree without its numbers. It takes trees of that shape apart
into one vector of numbers and puts them together again, and it is plain data, so that it can be
printed and saved.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from wengert.dispatch import describe, is_array_like, to_float
from wengert.errors import OperandError, ProgramError

Floats = np.ndarray[Any, np.dtype[np.float64]]
NUMBER, ARRAY, FIXED = "number", "array", "fixed"  # the leaves
TUPLE, LIST, DICT, RECORD = "tuple", "list", "dict", "record"


@dataclass(frozen=True, slots=True)
class Structure:
    """A tree of numbers without the numbers.

    Args:
        kind: "number", "array", "fixed" (not a number: a string, None, a bool), "tuple", "list",
            "dict" or "record" (a dataclass or a named tuple).
        shape: of an array.
        keys: of a dict; the field names of a record; of the arguments, the parameters' names.
        parts: what stands under the keys, or in the tuple or list.
        fixed: what a fixed leaf is.
        make: the class of a record; a structure that was loaded does not know it.
    """

    kind: str
    shape: tuple[int, ...] = ()
    keys: tuple[str | int, ...] = ()
    parts: tuple["Structure", ...] = ()
    fixed: Any = None
    make: Callable[..., Any] | None = field(default=None, compare=False)

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        if self.kind == NUMBER:
            return 1
        if self.kind == ARRAY:
            return int(np.prod(self.shape, dtype=np.int64))
        return sum(part.size for part in self.parts)

    def slots(self, name: str = "") -> Iterator[tuple[str, int]]:
        """A name and a size for each leaf that holds numbers, in order."""
        if self.kind in (NUMBER, ARRAY):
            yield name, self.size
        for key, part in zip(self.keys or range(len(self.parts)), self.parts, strict=True):
            yield from part.slots(f"{name}.{key}" if name else str(key))

    def numbers(self, tree: Any, where: str = "the argument") -> Floats:
        """The numbers of a tree of this structure, as one vector.

        Raises:
            OperandError: the tree has another structure; the message says where.
        """
        found: list[Any] = list(self.leaves(tree, where))
        if not found:
            return np.empty(0)
        try:
            flat = [np.asarray(leaf, dtype=float).ravel() for leaf in found]
        except (TypeError, ValueError):
            for leaf in found:
                for element in np.asarray(leaf, dtype=object).ravel():
                    to_float(element, where)
            raise
        return np.concatenate(flat)

    def elements(self, tree: Any) -> list[Any]:
        """Every number in a tree of this structure, whatever stands for it, in order."""
        found: list[Any] = []
        for leaf in self.leaves(tree):
            found += list(np.asarray(leaf, dtype=object).ravel()) if _is_array(leaf) else [leaf]
        return found

    def leaves(self, tree: Any, where: str = "the argument") -> Iterator[Any]:
        """The numbers and arrays of a tree of this structure, in order."""
        if self.kind == NUMBER:
            if _is_array(tree):
                if np.size(tree) != 1 or np.ndim(tree):
                    raise OperandError(f"{where} is one number, not {_shape(tree)}.")
            elif isinstance(tree, str | bytes | Sequence | Mapping) or tree is None:
                raise OperandError(f"{where} is one number, not {describe(tree)}.")
            yield tree
        elif self.kind == ARRAY:
            if np.shape(tree) != self.shape:
                raise OperandError(f"{where} has shape {self.shape}, not {_shape(tree)}.")
            yield tree if _is_array(tree) else np.array(tree, dtype=object)
        elif self.kind == FIXED:
            if not _same(tree, self.fixed):
                raise OperandError(
                    f"{where} is fixed: the program was made for {describe(self.fixed)}, "
                    f"not for {describe(tree)}. Record the function again for that."
                )
        else:
            yield from self._below(tree, where)

    def _below(self, tree: Any, where: str) -> Iterator[Any]:
        if self.kind == DICT:
            if not isinstance(tree, Mapping) or set(tree) != set(self.keys):
                given = sorted(map(str, tree)) if isinstance(tree, Mapping) else describe(tree)
                raise OperandError(
                    f"{where} is a dict of {sorted(map(str, self.keys))}, not {given}."
                )
            children = [tree[key] for key in self.keys]
        elif self.kind == RECORD:
            missing = [key for key in self.keys if not hasattr(tree, str(key))]
            if missing:
                raise OperandError(
                    f"{where} has the fields {', '.join(map(str, self.keys))}; "
                    f"{describe(tree)} lacks {', '.join(map(str, missing))}."
                )
            children = [getattr(tree, str(key)) for key in self.keys]
        else:
            if not isinstance(tree, Sequence | np.ndarray) or len(tree) != len(self.parts):
                length = len(tree) if isinstance(tree, Sequence | np.ndarray) else describe(tree)
                raise OperandError(f"{where} is a {self.kind} of {len(self.parts)}, not {length}.")
            children = list(tree)
        keys = self.keys or range(len(self.parts))
        for key, part, child in zip(keys, self.parts, children, strict=True):
            yield from part.leaves(child, f"{where}[{key!r}]")

    def tree(self, numbers: Sequence[Any] | Floats) -> Any:
        """The tree with these numbers, in order; arrays keep the numbers' type."""
        return self._tree(numbers, 0)[0]

    def _tree(self, numbers: Any, at: int) -> tuple[Any, int]:
        if self.kind == NUMBER:
            number = numbers[at]
            return float(number) if isinstance(number, np.floating) else number, at + 1
        if self.kind == ARRAY:
            stop = at + self.size
            chosen = numbers[at:stop]
            array = chosen.copy() if isinstance(chosen, np.ndarray) else _objects(chosen)
            return array.reshape(self.shape), stop
        if self.kind == FIXED:
            return self.fixed, at
        children = []
        for part in self.parts:
            child, at = part._tree(numbers, at)
            children.append(child)
        return self._together(children), at

    def _together(self, children: list[Any]) -> Any:
        if self.kind == TUPLE:
            return tuple(children)
        if self.kind == LIST:
            return children
        named = dict(zip(self.keys, children, strict=True))
        if self.kind == DICT:
            return named
        fields = {str(key): child for key, child in named.items()}
        return self.make(**fields) if self.make else SimpleNamespace(**fields)

    # --- as data ----------------------------------------------------------------------------------

    def data(self) -> Any:
        """As lists, strings and numbers, for JSON."""
        if self.kind == NUMBER:
            return NUMBER
        if self.kind == ARRAY:
            return [ARRAY, *self.shape]
        if self.kind == FIXED:
            return [FIXED, self.fixed]
        return [self.kind, list(self.keys), [part.data() for part in self.parts]]

    def makes(self) -> tuple[Callable[..., Any] | None, ...]:
        """The classes of all records in it, in order."""
        own = (self.make,) if self.kind == RECORD else ()
        return (*own, *(make for part in self.parts for make in part.makes()))

    def made(self, makes: Iterator[Callable[..., Any] | None]) -> "Structure":
        """The same with these classes for its records."""
        if not self.parts and self.kind != RECORD:
            return self
        make = next(makes) if self.kind == RECORD else None
        parts = tuple(part.made(makes) for part in self.parts)
        return dataclasses.replace(self, make=make, parts=parts)

    @staticmethod
    def of_data(data: Any, depth: int = 0) -> "Structure":
        """The structure that `data` gave; anything else is a ProgramError."""
        match data:
            case "number":
                return Structure(NUMBER)
            case ["array", *shape] if all(type(n) is int and n >= 0 for n in shape):
                if len(shape) <= 32 and float(np.prod([float(n) for n in shape])) < 2**48:
                    return Structure(ARRAY, tuple(shape))
            case ["fixed", (None | bool() | int() | float() | str()) as fixed]:
                return Structure(FIXED, fixed=fixed)
            case [("tuple" | "list" | "dict" | "record") as kind, list(keys), list(parts)]:
                known = all(type(key) in (str, int) for key in keys) and len(set(keys)) == len(keys)
                count_fits = len(keys) == len(parts) or (not keys and kind in (TUPLE, LIST))
                names = kind != RECORD or all(str(key).isidentifier() for key in keys)
                if known and count_fits and names and depth < 64:
                    below = tuple(Structure.of_data(part, depth + 1) for part in parts)
                    return Structure(kind, keys=tuple(keys), parts=below)
        raise ProgramError(f"{json.dumps(data, default=str)[:80]} does not describe a structure.")


def structure_of(tree: Any, keys: Sequence[str] = (), where: str = "the argument") -> Structure:
    """The structure of a tree; anything that can take part in arithmetic is a number.

    Args:
        tree: numbers, arrays, and tuples, lists, dicts, dataclasses and named tuples of those.
        keys: names for the parts of a tuple.
        where: how an error names the tree.

    Raises:
        OperandError: something in it is neither.
    """
    if hasattr(tree, "_apply"):
        return Structure(NUMBER)
    if tree is None or isinstance(tree, bool | str | np.bool_):
        return Structure(FIXED, fixed=bool(tree) if isinstance(tree, np.bool_) else tree)
    if isinstance(tree, int | float | np.integer | np.floating):
        return Structure(NUMBER)
    if _is_array(tree):
        return _array(tree, where)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        names = [f.name for f in dataclasses.fields(tree) if f.init]
        return _record(tree, names)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return _record(tree, tree._fields)
    if isinstance(tree, Mapping):
        if not all(isinstance(key, str | int) for key in tree):
            raise OperandError(f"The keys of a dict in {where} are strings or integers.")
        parts = tuple(structure_of(tree[key], where=f"{where}[{key!r}]") for key in tree)
        return Structure(DICT, keys=tuple(tree), parts=parts)
    if isinstance(tree, tuple | list):
        parts = tuple(structure_of(t, where=f"{where}[{k}]") for k, t in enumerate(tree))
        kind = TUPLE if isinstance(tree, tuple) else LIST
        return Structure(kind, keys=tuple(keys), parts=parts)
    raise OperandError(
        f"{where} is {describe(tree)}. A program takes and gives numbers, arrays, and tuples, "
        "lists, dicts, dataclasses and named tuples of them."
    )


def _record(tree: Any, names: Sequence[str]) -> Structure:
    parts = tuple(structure_of(getattr(tree, name), where=name) for name in names)
    return Structure(RECORD, keys=tuple(names), parts=parts, make=type(tree))


def _array(tree: Any, where: str) -> Structure:
    array = np.asarray(tree)
    if array.dtype.kind not in "fiubO":
        raise OperandError(f"{where} is an array of {array.dtype}, not of numbers.")
    return Structure(ARRAY, array.shape)


def _is_array(tree: Any) -> bool:
    return isinstance(tree, np.ndarray) or is_array_like(tree)


def _objects(elements: Sequence[Any]) -> np.ndarray[Any, Any]:
    array = np.empty(len(elements), dtype=object)
    array[:] = elements
    return array


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


def _shape(tree: Any) -> str:
    return (
        f"{np.shape(tree)}" if _is_array(tree) or isinstance(tree, list | tuple) else describe(tree)
    )
