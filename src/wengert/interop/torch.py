"""Scalar functions inside of torch's programs: tensors in, tensors out, and gradients flow."""

from collections.abc import Mapping, Sequence
from functools import cache, update_wrapper
from typing import Any

import numpy as np

from wengert.errors import OperandError
from wengert.interop import doors
from wengert.interop.pullbacks import Leafwise, compiled
from wengert.interop.trees import Flattened
from wengert.program.structure import Structure

__all__ = ["function"]

FEATURE = "wg.torch.function"


def function(function: Any) -> Any:
    """A function of torch's tensors, from one of numbers, compiled by `jit` or `vectorize`.

    It computes in double precision on the CPU. Gradients flow back through it as through torch's
    own functions, and through these again: derivatives of all orders are compiled, too.

    Args:
        function: what `wg.jit`, `wg.vectorize` or `wg.sum_over` gives; another function, a Program
            or a function that a transform has made is compiled by `wg.jit`.

    Returns:
        A function that takes tensors, numbers and arrays where the function takes numbers and
        arrays, in tuples, lists and dicts as well, and gives tensors in the structure of the
        result. They have the dtype that torch promotes the floating-point tensors given to.
        Arguments by name are held fixed. What `torch.func` has works on it, forward mode too, and
        `torch.compile` leaves it as it is.

    Raises:
        OperandError: `function` is none; when called, if a tensor is on another device, sparse or
            complex.
        MissingExtraError: torch is not installed.

    Source:
        torch.autograd.Function.

    Examples:
        >>> import torch                                                  # doctest: +SKIP
        >>> import wengert as wg
        >>> length = wg.torch.function(lambda x, y: wg.sqrt(x * x + y * y))  # doctest: +SKIP
        >>> x = torch.tensor(3.0, requires_grad=True)                     # doctest: +SKIP
        >>> length(x, 4.0).backward()                                     # doctest: +SKIP
        >>> x.grad                                                        # doctest: +SKIP
        tensor(0.6000)
    """
    doors.torch(FEATURE)
    return Bridged(function)


class Bridged:
    """A compiled function that takes tensors."""

    def __init__(self, function: Any) -> None:
        self.compiled: Any = compiled(function, FEATURE)
        self._leafwise: dict[Any, Leafwise] = {}
        update_wrapper(self, self.compiled, updated=())  # type: ignore[arg-type]

    def __call__(self, *args: Any, **named: Any) -> Any:
        """What the function gives, as tensors."""
        library = doors.torch(FEATURE)
        if library.compiler.is_compiling():  # torch.compile cannot look into what is compiled here
            return library.compiler.disable(self._called)(args, named)
        return self._called(args, named)

    def _called(self, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        library = doors.torch(FEATURE)
        for name, value in named.items():
            if isinstance(value, library.Tensor):
                raise OperandError(
                    f"{self.compiled.name}: arguments by name are held fixed, and {name} is a "
                    "tensor. Pass it by its position."
                )
        flat = Flattened.of(args, lambda leaf: isinstance(leaf, library.Tensor))
        tensors = [
            _tensor(library, leaf, f"{self.compiled.name}: argument {where}")
            for leaf, where in zip(flat.leaves, flat.names, strict=True)
        ]
        leafwise = self._leafwise.get(flat.key)
        if leafwise is None:
            made = Leafwise.of(self.compiled, flat.skeleton, flat.owners)
            leafwise = self._leafwise.setdefault(flat.key, made)
        given = [
            leaf for leaf in flat.leaves
            if isinstance(leaf, library.Tensor) and leaf.is_floating_point()
        ]  # fmt: skip
        kinds = [leaf.dtype for leaf in given] or [library.get_default_dtype()]
        kind = kinds[0]
        for other in kinds[1:]:
            kind = library.promote_types(kind, other)
        call = _Call(leafwise, named, kind)
        results = _function().apply(call, *tensors)
        return call.structure.of_leaves(iter(results))

    def __repr__(self) -> str:
        return f"<torch function of {self.compiled!r}>"


class _Call:
    """One call: what is not a tensor of it.

    Attributes:
        structure: of the result, once it has been computed.
    """

    structure: Structure

    def __init__(self, leafwise: Leafwise, named: Mapping[str, Any], kind: Any) -> None:
        self.leafwise, self.named, self.kind = leafwise, named, kind


def _tensor(library: Any, leaf: Any, where: str) -> Any:
    """A leaf as a tensor that can be read, or an error."""
    if not isinstance(leaf, library.Tensor):
        return library.as_tensor(np.array(leaf, np.float64))
    if leaf.device.type != "cpu":
        raise OperandError(
            f"{where} is on {leaf.device}, and {FEATURE} computes on the CPU. Write x.cpu(), "
            "through which gradients flow back."
        )
    if leaf.layout != library.strided:
        raise OperandError(f"{where} is a sparse tensor. Write x.to_dense().")
    if leaf.is_complex():
        raise OperandError(f"{where} is complex. Pass its real and imaginary parts, two tensors.")
    return leaf


@cache
def _function() -> Any:
    """The torch.autograd.Function of all calls."""
    library = doors.torch(FEATURE)

    class Called(library.autograd.Function):  # type: ignore[misc, name-defined]
        """A call of a compiled function; on the way back its pullback is called the same way."""

        @staticmethod
        def forward(call: _Call, *tensors: Any) -> tuple[Any, ...]:
            arrays = [tensor.detach().to(library.float64).numpy() for tensor in tensors]
            leaves, call.structure = call.leafwise(arrays, call.named)
            return tuple(library.from_numpy(leaf).to(call.kind) for leaf in leaves)

        @staticmethod
        def setup_context(ctx: Any, inputs: Sequence[Any], output: Sequence[Any]) -> None:
            ctx.call, *tensors = inputs
            ctx.save_for_backward(*tensors)
            ctx.save_for_forward(*tensors)

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> tuple[Any, ...]:
            tensors, call = ctx.saved_tensors, ctx.call
            wanted = [k for k, needed in enumerate(ctx.needs_input_grad[1:]) if needed]
            shapes = [tuple(tensor.shape) for tensor in tensors]
            front = len(call.leafwise.leading(shapes))
            cores = [tuple(each.shape)[front:] for each in cotangents]
            pullback = call.leafwise.pullback(wanted, cores)
            adjoints = Called.apply(_Call(pullback, call.named, call.kind), *tensors, *cotangents)
            found = [None] * len(tensors)
            for k, adjoint in zip(wanted, adjoints, strict=True):
                found[k] = adjoint.sum_to_size(shapes[k]).to(tensors[k].dtype)
            return None, *found

        @staticmethod
        def jvp(ctx: Any, _: None, *tangents: Any) -> tuple[Any, ...]:
            tensors, call = ctx.saved_tensors, ctx.call
            wanted = [k for k, tangent in enumerate(tangents) if tangent is not None]
            inner = _Call(call.leafwise.pushforward(wanted), call.named, call.kind)
            directions = (tangents[k] for k in wanted)
            found: tuple[Any, ...] = Called.apply(inner, *tensors, *directions)
            return found

        @staticmethod
        def vmap(info: Any, in_dims: Sequence[Any], call: _Call, *tensors: Any) -> tuple[Any, Any]:
            dims = in_dims[1:]
            fronted = [
                tensor if dim is None else tensor.movedim(dim, 0)
                for tensor, dim in zip(tensors, dims, strict=True)
            ]
            shapes = [
                tuple(tensor.shape)[dim is not None :]
                for tensor, dim in zip(fronted, dims, strict=True)
            ]
            if mapped := call.leafwise.mapped(shapes):
                inner = _Call(mapped, call.named, call.kind)
                results = Called.apply(inner, *fronted)
                call.structure = inner.structure
            else:
                inner = _Call(call.leafwise, call.named, call.kind)
                rows = [
                    Called.apply(inner, *(
                        tensor if dim is None else tensor[k]
                        for tensor, dim in zip(fronted, dims, strict=True)
                    ))
                    for k in range(info.batch_size)
                ]  # fmt: skip
                results = tuple(map(library.stack, zip(*rows, strict=True)))
                call.structure = inner.structure
            return results, (0,) * len(results)

    return Called
