"""Compiled functions as functions of leaves, and their pullbacks: what other libraries call.

A library that differentiates by itself knows arrays, and wants of a function how to go back through
it, the pullback, or forward, the pushforward. These are compiled as the function is, of a sum over
data as such a sum. They are functions of leaves again: derivatives of any order come of that.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from wengert.derive.calling import recorded
from wengert.derive.sparse import SparseTransformed
from wengert.derive.transforms import jvp, vjp
from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.interop.trees import filled
from wengert.program.record import name_of
from wengert.program.structure import Structure, structure_of
from wengert.run.compiled import Compiled
from wengert.run.jit import Jitted, jit
from wengert.run.over import Over
from wengert.run.signature import Dims, Signature
from wengert.run.vectorize import Vectorized

Shape = tuple[int, ...]
Arrays = Sequence[np.ndarray[Any, Any]]


def compiled(function: Any, bridge: str) -> Compiled:
    """A function that is compiled, by `jit` if it has not been before.

    Raises:
        OperandError: it is none, or gives sparse matrices.
    """
    if not isinstance(function, Compiled):
        if not callable(function) and not hasattr(function, "_apply"):
            raise OperandError(f"{bridge} takes a function, not {describe(function)}.")
        function = jit(function)
    if isinstance(function.function, SparseTransformed):
        raise OperandError(f"{bridge} takes functions that give numbers, not sparse matrices.")
    made: Compiled = function
    return made


class Leafwise:
    """A compiled function, called with the leaves of its arguments.

    Args:
        function: what it was compiled from, as a function of leaves; those of an example of a sum
            stand behind them.
        like: the compiled function.
        dims: of a vectorized one, which axes of each leaf belong to one example.
    """

    def __init__(
        self, function: Callable[..., Any], like: Compiled, dims: Sequence[Dims] = ()
    ) -> None:
        self.function, self.like, self.dims = function, like, tuple(dims)
        self.compiled: Any = self._compiled()
        self._made: dict[Any, Leafwise] = {}
        self._structures: dict[Any, Structure] = {}

    @staticmethod
    def of(like: Compiled, skeleton: tuple[Any, ...], owners: Sequence[int]) -> "Leafwise":
        """A compiled function, called with leaves.

        Args:
            like: the function.
            skeleton: of its arguments.
            owners: for each leaf, which argument it belongs to.
        """
        count, own = len(owners), like.function

        def of_leaves(*leaves: Any, **named: Any) -> Any:
            return own(*filled(skeleton, leaves[:count]), *leaves[count:], **named)

        of_leaves.__name__ = name_of(own)
        dims: list[Dims] = []
        if isinstance(like, Vectorized) and like.signature:
            like.signature.count(len(skeleton), like.name)
            dims = [like.signature.arguments[owner] for owner in owners]
        return Leafwise(of_leaves, like, dims or [()] * count)

    def _compiled(self) -> Compiled:
        like = self.like
        if isinstance(like, Over):
            return like.of(self.function)
        if isinstance(like, Vectorized):
            return Vectorized(self.function, like.options, _signature(self.dims))
        return Jitted(self.function, like.options)

    def __call__(
        self, leaves: Arrays, named: Mapping[str, Any]
    ) -> tuple[list[np.ndarray[Any, Any]], Structure]:
        """The leaves of the result, and its structure."""
        return _taken_apart(self.compiled(*map(_plain, leaves), **named))

    def cores(self, shapes: Sequence[Shape]) -> list[Shape]:
        """What of each leaf belongs to one example: all, unless the function is vectorized."""
        if not isinstance(self.like, Vectorized):
            return list(shapes)
        return [
            shape[len(shape) - len(dims) :] for shape, dims in zip(shapes, self.dims, strict=True)
        ]

    def leading(self, shapes: Sequence[Shape]) -> Shape:
        """The shape of the examples."""
        pairs = zip(shapes, self.cores(shapes), strict=True)
        return np.broadcast_shapes(*(shape[: len(shape) - len(core)] for shape, core in pairs))

    def results(self, shapes: Sequence[Shape], named: Mapping[str, Any]) -> Structure:
        """The structure of the result for leaves of these shapes, found by recording."""
        key = tuple(shapes)
        found = None if named else self._structures.get(key)
        if found is None:
            example = [_plain(np.ones(core)) for core in self.cores(shapes)]
            if isinstance(self.like, Over):
                parts = self.like.data.arguments
                example += parts.tree(np.ones(parts.size))
                named = {}
            program, _ = recorded(self.function, example, dict(named))
            found = program.results.with_leading(self.leading(shapes))
            if not named:
                self._structures[key] = found
        return found

    def pullback(self, wanted: Sequence[int], cores: Sequence[Shape]) -> "Leafwise":
        """From leaves, and a cotangent for each leaf of the result, to adjoints.

        Args:
            wanted: the leaves whose adjoints are given, with all axes that examples have.
            cores: what of each cotangent belongs to one example.
        """
        return self._derived(_GoingBack, wanted, [tuple(map(str, core)) for core in cores])

    def pushforward(self, wanted: Sequence[int]) -> "Leafwise":
        """From leaves, and a tangent for each one that is wanted, to tangents of the result."""
        return self._derived(_GoingForward, wanted, [self.dims[k] for k in wanted])

    def _derived(
        self, kind: "type[_Derived]", wanted: Sequence[int], dims: Sequence[Dims]
    ) -> "Leafwise":
        key = kind, tuple(wanted), tuple(dims)
        found = self._made.get(key)
        if found is None:
            function = kind(self.function, tuple(wanted), len(self.dims), len(dims))
            made = Leafwise(function, self.like, (*self.dims, *dims))
            found = self._made.setdefault(key, made)
        return found

    def mapped(self, shapes: Sequence[Shape]) -> "Leafwise | None":
        """The same for many examples at once, if the function is for one.

        Args:
            shapes: of the leaves for one of them.
        """
        if type(self.like) is not Jitted:
            return None
        key = "mapped", tuple(shapes)
        found = self._made.get(key)
        if found is None:
            like = Vectorized(self.like.function, self.like.options)
            dims = [tuple(map(str, shape)) for shape in shapes]
            found = self._made.setdefault(key, Leafwise(self.function, like, dims))
        return found

    def along(
        self, axes: int, leaves: Arrays, named: Mapping[str, Any]
    ) -> list[np.ndarray[Any, Any]]:
        """The leaves of the result where each leaf has further axes in front, of some size or 1."""
        if not axes:
            return self(leaves, named)[0]
        shapes = [leaf.shape[axes:] for leaf in leaves]
        if mapped := self.mapped(shapes):
            return mapped(leaves, named)[0]
        front = np.broadcast_shapes(*(leaf.shape[:axes] for leaf in leaves))
        if isinstance(self.like, Vectorized):
            pairs = [*zip(leaves, self.cores(shapes), strict=True)]
            most = max(leaf.ndim - len(core) for leaf, core in pairs)
            aligned = []
            for leaf, core in pairs:
                between = (1,) * (most - (leaf.ndim - len(core)))
                aligned.append(leaf.reshape(leaf.shape[:axes] + between + leaf.shape[axes:]))
            return self(aligned, named)[0]
        whole = [
            np.broadcast_to(leaf, (*front, *shape))
            for leaf, shape in zip(leaves, shapes, strict=True)
        ]
        each = [self([leaf[at] for leaf in whole], named)[0] for at in np.ndindex(*front)]
        return [np.stack(some).reshape(*front, *some[0].shape) for some in zip(*each, strict=True)]


class _Derived(ABC):
    """A derivative: of leaves, directions, and the rest of an example.

    Args:
        function: of leaves and the rest of an example.
        wanted: the leaves by which it is differentiated.
        count: how many leaves there are.
        directions: how many leaves these have.
    """

    def __init__(
        self, function: Callable[..., Any], wanted: tuple[int, ...], count: int, directions: int
    ) -> None:
        self.function, self.wanted = function, wanted
        self.count, self.directions = count, directions
        self.__name__ = name_of(function)

    def __call__(self, *args: Any, **named: Any) -> Any:
        leaves, rest = args[: self.count], args[self.count :]
        directions, example = rest[: self.directions], rest[self.directions :]
        own = self.function

        def of_wanted(*chosen: Any) -> Any:
            whole = list(leaves)
            for k, leaf in zip(self.wanted, chosen, strict=True):
                whole[k] = leaf
            return own(*whole, *example, **named)

        of_wanted.__name__ = name_of(own)
        return self.derived(of_wanted, [leaves[k] for k in self.wanted], directions)

    @abstractmethod
    def derived(self, function: Any, leaves: Sequence[Any], directions: Sequence[Any]) -> Any:
        """The derivative of a function of the leaves that are wanted."""


class _GoingBack(_Derived):
    """From cotangents, one for each leaf of the result, to adjoints."""

    def derived(self, function: Any, leaves: Sequence[Any], directions: Sequence[Any]) -> Any:
        """Adjoints."""
        result, back = vjp(function, *leaves)
        return back(structure_of(result).of_leaves(iter(directions)))


class _GoingForward(_Derived):
    """From tangents, one for each leaf that is wanted, to those of the result."""

    def derived(self, function: Any, leaves: Sequence[Any], directions: Sequence[Any]) -> Any:
        """Tangents."""
        return jvp(function, tuple(leaves), tuple(directions))[1]


def _plain(leaf: np.ndarray[Any, Any]) -> Any:
    """A number for an array that is one."""
    return leaf if leaf.ndim else float(leaf)


def _taken_apart(tree: Any) -> tuple[list[np.ndarray[Any, Any]], Structure]:
    structure = structure_of(tree, where="the result")
    return [np.asarray(leaf, np.float64) for leaf in structure.leaves(tree)], structure


def _signature(dims: Sequence[Dims]) -> Signature:
    text = ",".join(f"({','.join(each)})" for each in dims)
    return Signature(text, tuple(dims), None)


def unbroadcast(shape: Shape, given: Shape) -> tuple[int, ...]:
    """The axes along which an adjoint of a shape is summed up to that of the leaf given."""
    front = len(shape) - len(given)
    stretched = (front + k for k, size in enumerate(given) if size == 1 and shape[front + k] != 1)
    return (*range(front), *stretched)
