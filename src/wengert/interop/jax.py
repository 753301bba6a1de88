"""Scalar functions inside of JAX's programs: they can be traced, mapped and differentiated."""

from collections.abc import Mapping, Sequence
from functools import update_wrapper
from typing import Any

import numpy as np

from wengert.errors import OperandError
from wengert.interop import doors
from wengert.interop.pullbacks import Leafwise, Shape, compiled, unbroadcast
from wengert.interop.trees import Flattened

__all__ = ["function"]

FEATURE = "wg.jax.function"


def function(function: Any) -> Any:
    """A function for JAX's programs, from one of numbers, compiled by `jit` or `vectorize`.

    JAX calls it back from what it has compiled, so `jax.jit`, `jax.vmap`, `jax.grad`, `jax.vjp` and
    `jax.jacrev` work on functions that call it, nested as well. It computes in double precision on
    the CPU. Forward mode (`jax.jvp`, `jax.jacfwd`, and so `jax.hessian`) does not go through it, as
    through no `jax.custom_vjp`: `jax.jacrev(jax.jacrev(f))` does.

    Args:
        function: what `wg.jit`, `wg.vectorize` or `wg.sum_over` gives; another function, a Program
            or a function that a transform has made is compiled by `wg.jit`.

    Returns:
        A function that takes arrays and numbers, in tuples, lists and dicts as well, and gives
        arrays in the structure of the result. They have the dtype that JAX promotes the
        floating-point arguments to. Arguments by name are held fixed. The structure of the result
        is that of the path which arguments of ones take, and is the same for all.

    Raises:
        OperandError: `function` is none; when called, if an array is complex.
        MissingExtraError: jax is not installed.

    Source:
        jax.custom_vjp and jax.pure_callback.

    Examples:
        >>> import jax                                                    # doctest: +SKIP
        >>> import wengert as wg
        >>> length = wg.jax.function(lambda x, y: wg.sqrt(x * x + y * y))  # doctest: +SKIP
        >>> jax.jit(jax.grad(length))(3.0, 4.0)                           # doctest: +SKIP
        Array(0.6, dtype=float32, weak_type=True)
    """
    doors.jax(FEATURE)
    return Bridged(function)


class Bridged:
    """A compiled function that JAX can call."""

    def __init__(self, function: Any) -> None:
        self.compiled: Any = compiled(function, FEATURE)
        self._leafwise: dict[Any, Leafwise] = {}
        update_wrapper(self, self.compiled, updated=())  # type: ignore[arg-type]

    def __call__(self, *args: Any, **named: Any) -> Any:
        """What the function gives, as JAX's arrays."""
        library = doors.jax(FEATURE)
        numpy = library.numpy
        flat = Flattened.of(args, lambda leaf: isinstance(leaf, library.Array))
        arrays = [numpy.asarray(leaf) for leaf in flat.leaves]
        for array, where in zip(arrays, flat.names, strict=True):
            if numpy.iscomplexobj(array):
                raise OperandError(
                    f"{self.compiled.name}: argument {where} is complex. Pass its real and "
                    "imaginary parts, two arrays."
                )
        leafwise = self._leafwise.get(flat.key)
        if leafwise is None:
            made = Leafwise.of(self.compiled, flat.skeleton, flat.owners)
            leafwise = self._leafwise.setdefault(flat.key, made)
        pairs = zip(flat.leaves, arrays, strict=True)
        floats = [leaf for leaf, array in pairs if _is_float(array)]
        kind = numpy.result_type(*floats) if floats else numpy.result_type(float)
        structure = leafwise.results([array.shape for array in arrays], named)
        results = _called(leafwise, named, kind, [*structure.leaf_shapes()], arrays)
        return structure.of_leaves(iter(results))

    def __repr__(self) -> str:
        return f"<jax function of {self.compiled!r}>"


def _is_float(array: Any) -> bool:
    return bool(doors.jax(FEATURE).numpy.issubdtype(array.dtype, np.floating))


def _called(
    leafwise: Leafwise, named: Mapping[str, Any], kind: Any, shapes: Sequence[Shape],
    arrays: Sequence[Any],
) -> Sequence[Any]:  # fmt: skip
    """The results of a call, of these shapes; on the way back the pullback is called likewise."""
    library = doors.jax(FEATURE)
    numpy = library.numpy
    own = [array.shape for array in arrays]

    def computed(*given: Any) -> list[Any]:
        leaves = [np.asarray(leaf, np.float64) for leaf in given]
        axes = leaves[0].ndim - len(own[0]) if leaves else 0
        return [leaf.astype(kind) for leaf in leafwise.along(axes, leaves, named)]

    @library.custom_vjp  # type: ignore[untyped-decorator]
    def call(*given: Any) -> Any:
        promised = [library.ShapeDtypeStruct(shape, kind) for shape in shapes]
        return library.pure_callback(computed, promised, *given, vmap_method="expand_dims")

    def forward(*given: Any) -> tuple[Any, Any]:
        return call(*given), given

    def backward(given: Sequence[Any], cotangents: Sequence[Any]) -> tuple[Any, ...]:
        wanted = [k for k, array in enumerate(given) if _is_float(array)]
        front, cores = leafwise.leading(own), leafwise.cores(own)
        pullback = leafwise.pullback(wanted, [shape[len(front) :] for shape in shapes])
        whole = [(*front, *cores[k]) for k in wanted]
        adjoints = _called(pullback, named, kind, whole, (*given, *cotangents))
        found: list[Any] = [None] * len(given)
        for k, adjoint in zip(wanted, adjoints, strict=True):
            summed = numpy.sum(adjoint, unbroadcast(adjoint.shape, own[k]))
            found[k] = summed.reshape(own[k]).astype(given[k].dtype)
        return tuple(found)

    call.defvjp(forward, backward)
    results: Sequence[Any] = call(*arrays)
    return results
