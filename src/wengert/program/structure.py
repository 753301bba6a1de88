"""What a program takes and gives: numbers in arrays, tuples, lists, dicts and records of them.

A `Structure` is the shape of such a tree without its numbers. It takes trees of that shape apart
into one vector of numbers and puts them together again, and it is plain data, so that it can be
printed and saved.
"""

import dataclasses
import math
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from wengert.dispatch import Primitive, describe, to_float
from wengert.errors import OperandError, ProgramError

Floats = np.ndarray[Any, np.dtype[np.float64]]
NUMBER, ARRAY, FIXED = "number", "array", "fixed"  # the leaves
TUPLE, LIST, DICT, RECORD = "tuple", "list", "dict", "record"
PLAIN: dict[str, Any] = {NUMBER: float, ARRAY: np.ndarray, TUPLE: tuple, LIST: list}

DEEPEST = 64  # trees are nested no deeper than that
LARGEST = 2**48  # numbers in an array of a structure that was loaded


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

    Attributes:
        size: how many numbers it holds.
    """

    kind: str
    shape: tuple[int, ...] = ()
    keys: tuple[str | int, ...] = ()
    parts: tuple["Structure", ...] = ()
    fixed: Any = None
    make: Callable[..., Any] | None = field(default=None, compare=False)
    size: int = field(init=False, compare=False, repr=False)
    _is_flat: bool = field(init=False, compare=False, repr=False)  # a tuple or list of numbers

    def __post_init__(self) -> None:
        below = sum(part.size for part in self.parts)
        size = {NUMBER: 1, ARRAY: math.prod(self.shape)}.get(self.kind, below)
        object.__setattr__(self, "size", size)
        flat = self.kind in (TUPLE, LIST) and all(part.kind == NUMBER for part in self.parts)
        object.__setattr__(self, "_is_flat", flat)

    @property
    def leaf_shape(self) -> tuple[int, ...] | None:
        """The shape of an array, () for a number, and None for all that is neither."""
        return {NUMBER: (), ARRAY: self.shape}.get(self.kind)

    def with_leading(self, shape: tuple[int, ...]) -> "Structure":
        """The same with further axes in front of each number and array."""
        own = self.leaf_shape
        if own is not None:
            return Structure(ARRAY, (*shape, *own)) if shape or own else self
        parts = tuple(part.with_leading(shape) for part in self.parts)
        return dataclasses.replace(self, parts=parts)

    def leaf_shapes(self) -> Iterator[tuple[int, ...]]:
        """The shapes of all numbers and arrays, in order."""
        shape = self.leaf_shape
        if shape is not None:
            yield shape
        for part in self.parts:
            yield from part.leaf_shapes()

    def slots(self, name: str = "") -> Iterator[tuple[str, int]]:
        """A name and a size for each leaf that holds numbers, in order."""
        if self.kind in (NUMBER, ARRAY):
            yield name, self.size
        for key, part in zip(self.keys or range(len(self.parts)), self.parts, strict=True):
            yield from part.slots(f"{name}.{key}" if name else str(key))

    # --- from a tree to its numbers ---------------------------------------------------------------

    def numbers(self, tree: Any, where: str = "the argument") -> Floats:
        """The numbers of a tree of this structure, as one vector.

        Raises:
            OperandError: the tree has another structure; the message says where.
        """
        return self._numbers(self._leaves(tree, where), where)

    def _numbers(self, leaves: "Iterable[tuple[Any, _Path]]", where: str) -> Floats:
        numbers = np.empty(self.size)
        at = 0
        for leaf, path in leaves:
            found = _floats(leaf, where, path)
            numbers[at : at + found.size] = found.ravel()
            at += found.size
        return numbers

    def plain_leaves(self, tree: Any) -> tuple[Floats, ...] | None:
        """The same at once, in pieces, if it is just what the structure says; None for all else.

        That is arrays and Python's numbers, all floats. Arrays are given as they are, mostly:
        nothing may be written to them.
        """
        leaves: list[Floats] = []
        return tuple(leaves) if self._add_plain(tree, leaves) else None

    def _add_plain(self, tree: Any, leaves: list[Floats]) -> bool:
        if type(tree) is not PLAIN.get(self.kind):
            return False
        if self.kind == ARRAY:
            if tree.dtype != np.float64 or tree.shape != self.shape:
                return False
            leaves.append(tree.ravel() if tree.flags.aligned else tree.flatten())
            return True
        if self.kind == NUMBER:
            leaves.append(np.array([tree]))
            return True
        if len(tree) != len(self.parts) or (self._is_flat and {*map(type, tree)} - {float}):
            return False
        if self._is_flat:
            leaves.append(np.array(tree, np.float64))
            return True
        return all(
            part._add_plain(child, leaves) for part, child in zip(self.parts, tree, strict=True)
        )

    def elements(self, tree: Any, where: str = "the argument") -> list[Any]:
        """Every number in a tree of this structure, whatever stands for it, in order."""
        return [element for leaf, _ in self._leaves(tree, where) for element in _elements(leaf)]

    def given(self, tree: Any, where: str = "the argument") -> Floats | list[Any]:
        """The numbers as one vector; as a list, if something stands for one of them.

        Raises:
            OperandError: the tree has another structure; the message says where.
        """
        leaves = self._leaves(tree, where)
        if any(_has_operands(leaf) for leaf, _ in leaves):
            return [element for leaf, _ in leaves for element in _elements(leaf)]
        return self._numbers(leaves, where)

    def leaves(self, tree: Any, where: str = "the argument") -> Iterator[Any]:
        """The numbers and arrays of a tree of this structure, in order."""
        for leaf, _ in self._leaves(tree, where):
            yield from leaf.elements if isinstance(leaf, _Stretch) else (leaf,)

    def _leaves(self, tree: Any, where: str) -> "list[tuple[Any, _Path]]":
        """Numbers, arrays and stretches of numbers, and where they are, in order."""
        found: list[tuple[Any, _Path]] = []
        self._collect(tree, where, (), found)
        return found

    def _collect(
        self, tree: Any, where: str, path: "_Path", found: "list[tuple[Any, _Path]]"
    ) -> None:
        if self.kind == NUMBER:
            found.append((_one_number(tree, where, path), path))
        elif self.kind == ARRAY:
            array = _as_array(tree, where, path)
            if array.shape != self.shape:
                raise OperandError(
                    f"{_named(where, path)} has shape {self.shape}, not {array.shape}."
                )
            found.append((array, path))
        elif self.kind == FIXED:
            if not _same(_fixed(tree), self.fixed):
                raise OperandError(
                    f"{_named(where, path)} is fixed: the program was made for "
                    f"{describe(self.fixed)}, not for {describe(tree)}. Record the function again "
                    "for that."
                )
        else:
            children = self.children(tree, _named(where, path))
            if self._is_flat and _are_numbers(children):
                found.append((_Stretch(list(children), self.keys), path))
                return
            keys = self.keys or range(len(self.parts))
            for key, part, child in zip(keys, self.parts, children, strict=True):
                part._collect(child, where, (*path, key), found)

    def children(self, tree: Any, where: str) -> Sequence[Any]:
        """The parts of a tree of this structure, in order."""
        if self.kind == DICT:
            if not isinstance(tree, Mapping) or set(tree) != set(self.keys):
                given = f"of {_sorted(tree)}" if isinstance(tree, Mapping) else describe(tree)
                raise OperandError(f"{where} is a dict of {_sorted(self.keys)}, not {given}.")
            return [tree[key] for key in self.keys]
        if self.kind == RECORD:
            missing = [key for key in self.keys if not hasattr(tree, str(key))]
            if missing:
                raise OperandError(
                    f"{where} has the fields {', '.join(map(str, self.keys))}; "
                    f"{describe(tree)} lacks {', '.join(map(str, missing))}."
                )
            return [getattr(tree, str(key)) for key in self.keys]
        if isinstance(tree, np.ndarray) and tree.ndim:
            tree = tree.tolist() if tree.ndim == 1 else list(tree)
        if isinstance(tree, tuple | list) and len(tree) == len(self.parts):
            return tree
        length = str(len(tree)) if isinstance(tree, tuple | list) else describe(tree)
        raise OperandError(f"{where} is a {self.kind} of {len(self.parts)}, not {length}.")

    # --- and back ---------------------------------------------------------------------------------

    def tree(self, numbers: Sequence[Any] | Floats, own: bool = False) -> Any:
        """The tree with these numbers, in order; arrays keep the numbers' type.

        Args:
            numbers: as many as there are.
            own: whether nobody else has them: then an array that most of them are in is not copied.
        """
        return self._tree(numbers, 0, self.size // 2 if own else self.size)

    def _tree(self, numbers: Any, at: int, most: int) -> Any:
        chosen = numbers[at : at + self.size] if self.kind == ARRAY or self._is_flat else ()
        if self.kind == NUMBER:
            number = numbers[at]
            return float(number) if isinstance(number, np.floating) else number
        if self.kind == ARRAY:
            if not isinstance(chosen, np.ndarray):
                chosen = _objects(chosen)
            elif self.size <= most:
                chosen = chosen.copy()
            return chosen.reshape(self.shape)
        if self.kind == FIXED:
            return self.fixed
        if self._is_flat:
            children = chosen.tolist() if isinstance(chosen, np.ndarray) else list(chosen)
        else:
            children = []
            for part in self.parts:
                children.append(part._tree(numbers, at, most))
                at += part.size
        return self._together(children)

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

    def of_leaves(self, leaves: Iterator[Any]) -> Any:
        """The tree with these leaves for its numbers and arrays, in order."""
        if self.kind in (NUMBER, ARRAY):
            return next(leaves)
        if self.kind == FIXED:
            return self.fixed
        return self._together([part.of_leaves(leaves) for part in self.parts])

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
        if self._is_flat:
            return ()
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
                return A_NUMBER
            case ["array", *shape] if len(shape) <= 32:
                sizes_fit = all(type(n) is int and 0 <= n <= LARGEST for n in shape)
                if sizes_fit and math.prod(shape) <= LARGEST:
                    return Structure(ARRAY, tuple(shape))
            case ["fixed", (None | bool() | str()) as fixed]:
                return Structure(FIXED, fixed=fixed)
            case [("tuple" | "list" | "dict" | "record") as kind, list(keys), list(parts)]:
                if depth < DEEPEST and _fit(kind, keys, parts):
                    below = tuple(Structure.of_data(part, depth + 1) for part in parts)
                    return Structure(kind, keys=tuple(keys), parts=below)
        raise ProgramError(f"{reprlib.repr(data)} does not describe a structure.")


A_NUMBER = Structure(NUMBER)
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Numbers that stand side by side in a tuple or list."""

    elements: list[Any]
    keys: tuple[str | int, ...]


def _fit(kind: str, keys: list[Any], parts: list[Any]) -> bool:
    """Whether these can be the keys of a structure of that kind."""
    if not all(type(key) in (str, int) for key in keys) or len(set(keys)) != len(keys):
        return False
    if kind == RECORD and not all(str(key).isidentifier() for key in keys):
        return False
    may_lack_keys = kind in (TUPLE, LIST) and not keys
    return may_lack_keys or (kind != LIST and len(keys) == len(parts))


# --- numbers -------------------------------------------------------------------------------------


def _one_number(tree: Any, where: str, path: _Path) -> Any:
    """What stands for one number: it, or what a 0-dimensional array holds."""
    if _is_array(tree):
        array = _numpy_of(tree, _named(where, path))
        if array.ndim:
            raise OperandError(
                f"{_named(where, path)} is one number, not an array of shape {array.shape}."
            )
        return array.item()
    if hasattr(tree, "_apply"):
        return tree
    if tree is None or isinstance(tree, str | bytes | Sequence | Mapping):
        raise OperandError(f"{_named(where, path)} is one number, not {describe(tree)}.")
    return tree


def _as_array(tree: Any, where: str, path: _Path) -> np.ndarray[Any, Any]:
    """An array of numbers, or of what stands for them."""
    if hasattr(tree, "mask") and hasattr(tree, "filled"):  # NumPy would forget the mask
        raise OperandError(
            f"{_named(where, path)} is a masked array. Pass its numbers, x.filled(0.0), and the "
            "mask as an array of its own."
        )
    try:
        array = _numpy_of(tree, _named(where, path))
    except ValueError:
        raise OperandError(f"{_named(where, path)} is an array, not {describe(tree)}.") from None
    if array.dtype.kind not in "fiubO":
        kind = f"an array of {array.dtype}" if _is_array(tree) else describe(tree)
        raise OperandError(f"{_named(where, path)} is an array of numbers, not {kind}.")
    return array


def _are_numbers(children: Sequence[Any]) -> bool:
    """Whether all are of a kind that needs no second look."""
    return all(kind in (float, int) or hasattr(kind, "_apply") for kind in set(map(type, children)))


def _elements(leaf: Any) -> list[Any]:
    """Every number that a leaf holds, whatever stands for it."""
    if isinstance(leaf, np.ndarray):
        elements: list[Any] = leaf.ravel().tolist()
        return elements
    return leaf.elements if isinstance(leaf, _Stretch) else [leaf]


def _has_operands(leaf: Any) -> bool:
    """Whether something in a leaf stands for a number."""
    if isinstance(leaf, np.ndarray) and leaf.dtype != object:
        return False
    return any(hasattr(kind, "_apply") for kind in set(map(type, _elements(leaf))))


def _floats(leaf: Any, where: str, path: _Path) -> Floats:
    """The plain numbers that a leaf holds."""
    if isinstance(leaf, np.ndarray) and leaf.dtype != object:
        return leaf.astype(float, copy=False)
    if isinstance(leaf, _Stretch):
        elements = leaf.elements
        if set(map(type, elements)) == {float}:
            return np.array(elements)
        keys = leaf.keys or range(len(elements))
        steps = zip(keys, elements, strict=True)
        return np.array([_float(element, where, (*path, key)) for key, element in steps])
    if isinstance(leaf, np.ndarray):
        places = np.ndindex(leaf.shape)
        return np.array([_float(leaf[place], where, (*path, *place)) for place in places])
    return np.array(_float(leaf, where, path))


def _float(number: Any, where: str, path: _Path) -> float:
    if type(number) is float:
        return number
    if type(number) is int and abs(number) < 2**53:  # without finding out how it is named
        return float(number)
    if hasattr(number, "_apply"):
        raise OperandError(
            f"{_named(where, path)} takes a plain number, not {describe(number)}. Inside recorded "
            "code call the function itself; of a Value, pass the number, x.data."
        )
    return to_float(number, _named(where, path))


# --- the structure of a tree ---------------------------------------------------------------------


def structure_of(tree: Any, keys: Sequence[str] = (), where: str = "the argument") -> Structure:
    """The structure of a tree; anything that can take part in arithmetic is a number.

    Args:
        tree: numbers, arrays, and tuples, lists, dicts, dataclasses and named tuples of those.
        keys: names for the parts of a tuple.
        where: how an error names the tree.

    Raises:
        OperandError: something in it is neither.
    """
    return _structure(tree, tuple(keys), where, ())


def _structure(tree: Any, keys: tuple[str, ...], where: str, path: _Path) -> Structure:
    if hasattr(tree, "_apply") and not isinstance(tree, type):
        return A_NUMBER
    if tree is None or isinstance(tree, bool | str | np.bool_):
        return Structure(FIXED, fixed=_fixed(tree))
    if isinstance(tree, int | float | np.integer | np.floating):
        return A_NUMBER
    if _is_array(tree):
        return Structure(ARRAY, _as_array(tree, where, path).shape)
    if len(path) >= DEEPEST:
        raise OperandError(f"{where} is nested more than {DEEPEST} deep.")
    if isinstance(tree, tuple | list) and not hasattr(tree, "_fields"):
        kind = TUPLE if isinstance(tree, tuple) else LIST
        if _are_numbers(tree):
            return Structure(kind, keys=keys, parts=(A_NUMBER,) * len(tree))
        return Structure(kind, keys=keys, parts=_parts(tree, range(len(tree)), where, path, keys))
    if isinstance(tree, Mapping):
        if not all(type(key) in (str, int) for key in tree):
            raise OperandError(
                f"The keys of a dict are strings or integers, and those of {_named(where, path)} "
                f"are {reprlib.repr(list(tree))}."
            )
        return Structure(DICT, keys=tuple(tree), parts=_parts(tree.values(), tree, where, path))
    names = _field_names(tree)
    if names is not None:
        children = [getattr(tree, name) for name in names]
        parts = _parts(children, names, where, path)
        return Structure(RECORD, keys=names, parts=parts, make=type(tree))
    advice = " Hold it fixed, as g is in lambda x: f(g, x)." * where.startswith("the argument")
    raise OperandError(
        f"{_named(where, path)} is {describe(tree)}. A program takes and gives numbers, arrays, "
        f"and tuples, lists, dicts, dataclasses and named tuples of them.{advice}"
    )


def _parts(
    children: Any, steps: Any, where: str, path: _Path, keys: Sequence[str] = ()
) -> tuple[Structure, ...]:
    steps = keys or steps
    return tuple(
        _structure(child, (), where, (*path, step))
        for step, child in zip(steps, children, strict=True)
    )


def _field_names(tree: Any) -> tuple[str, ...] | None:
    """Of a dataclass, or a named tuple."""
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type | Primitive):
        return tuple(field.name for field in dataclasses.fields(tree) if field.init)
    if isinstance(tree, tuple):
        names: tuple[str, ...] | None = getattr(tree, "_fields", None)
        return names
    return None


def _named(where: str, path: _Path) -> str:
    return where + "".join(f"[{key!r}]" for key in path)


def _is_array(tree: Any) -> bool:
    if isinstance(tree, np.ndarray):
        return True
    if not (hasattr(tree, "__array__") or hasattr(tree, "__dlpack__")):
        return False
    from wengert.foreign import is_foreign  # which is seldom needed, and loaded only then

    return is_foreign(tree)


def _numpy_of(tree: Any, where: str) -> np.ndarray[Any, Any]:
    if isinstance(tree, np.ndarray):
        return np.asarray(tree)
    from wengert.foreign import numpy_of

    return numpy_of(tree, where)


def _objects(elements: Sequence[Any]) -> np.ndarray[Any, Any]:
    array = np.empty(len(elements), dtype=object)
    array[:] = elements
    return array


def _fixed(tree: Any) -> Any:
    """What is no number, as plain data."""
    if isinstance(tree, np.bool_):
        return bool(tree)
    return str(tree) if type(tree) is not str and isinstance(tree, str) else tree


def _sorted(keys: Iterable[Any]) -> str:
    return reprlib.repr(sorted(map(str, keys)))


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)
