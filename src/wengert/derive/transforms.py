"""Derivatives of functions, as functions: what users call.

Each transform takes a function of numbers, arrays and structures of them; a Program, of which it
makes a Program; or a Value, the root of a graph, of whose leaves it makes a Program. Transforms can
be nested in any order, and used inside functions that are differentiated themselves.

Functions are called anew each time, with arrays, lists and dicts of their own: what they change in
place stays within, and what they read from elsewhere is read again. Strings, bools and None in an
argument are held fixed, and a gradient has them where they were.
"""

from collections.abc import Callable, Sequence
from typing import Any

from wengert.derive import programs
from wengert.derive.calling import Transform, made, recorded, transformed
from wengert.derive.programs import Argnums
from wengert.derive.sparse import (
    Compressed,
    SparseTransformed,
    compressed_hessian,
    compressed_jacobian,
)
from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.node import Node
from wengert.program.program import Program
from wengert.program.segments import Checkpoint


def grad(
    function: Any, argnums: Argnums | None = None, has_aux: bool = False,
    checkpoint: Checkpoint = None,
) -> Any:  # fmt: skip
    r"""The gradient of a function that gives one number: ∇f, by reverse mode.

    $$\nabla f = (\partial f/\partial x_1, \dots, \partial f/\partial x_n)$$

    It costs a small multiple of f, however large n is: all n come from one way back through what f
    computed.

    Args:
        function: a function, a Program or a Value.
        argnums: the position of the argument to differentiate by, or several; by default the first
            one, and all leaves of a Value.
        has_aux: whether the function returns a pair, of which only the first is differentiated.
        checkpoint: what to compute again on the way back rather than to keep it: "sqrt" keeps the
            values of about √n rounds of a long loop at a time, a number those of so many rounds;
            "body" computes bodies again where that is possible, and "store" keeps everything. By
            default bodies are computed again where much would be kept.

    Returns:
        A function of the same arguments. It gives a gradient with the structure of the argument, a
        tuple of them for several, and with `has_aux` a pair of that and the auxiliary result.

    Raises:
        OperandError: when called, if the function does not give one number, or `checkpoint` is
            something else.

    Source:
        Griewank and Walther, Evaluating Derivatives, 2nd edition, section 3.2; arguments as those
        of jax.grad and torch.func.grad.

    Examples:
        >>> import wengert as wg
        >>> wg.grad(lambda x, y: wg.sin(x) * y**2)(0.0, 3.0)
        9.0
        >>> wg.grad(wg.grad(wg.exp))(0.0)
        1.0
    """
    return _transform("grad", programs.gradient, function, argnums, has_aux, checkpoint=checkpoint)


def value_and_grad(
    function: Any, argnums: Argnums | None = None, has_aux: bool = False,
    checkpoint: Checkpoint = None,
) -> Any:  # fmt: skip
    """The value of a function that gives one number, and its gradient: (f, ∇f).

    Args:
        function: a function, a Program or a Value.
        argnums: the position of the argument to differentiate by, or several; by default the first
            one, and all leaves of a Value.
        has_aux: whether the function returns a pair, of which only the first is differentiated.
        checkpoint: what to compute again on the way back rather than to keep it, as for `wg.grad`.

    Returns:
        A function that gives a pair: what the function gives, and the gradient as `wg.grad` does.

    Raises:
        OperandError: when called, if the function does not give one number, or `checkpoint` is
            something else.

    Source:
        As for `wg.grad`.

    Examples:
        >>> import numpy as np
        >>> import wengert as wg
        >>> wg.value_and_grad(lambda w: np.sum(w**2))(np.array([1.0, 2.0]))
        (5.0, array([2., 4.]))
    """
    return _transform(
        "value_and_grad", programs.gradient, function, argnums, has_aux, value=True,
        checkpoint=checkpoint,
    )  # fmt: skip


def jacobian(
    function: Any, argnums: Argnums | None = None, has_aux: bool = False, mode: str | None = None,
    sparse: bool = False, checkpoint: Checkpoint = None,
) -> Any:  # fmt: skip
    """All first derivatives of a function: J[i, j] = ∂f_i/∂x_j, `(m, n)`.

    Args:
        function: a function, a Program or a Value.
        argnums: the position of the argument to differentiate by, or several; by default the first
            one, and all leaves of a Value.
        has_aux: whether the function returns a pair, of which only the first is differentiated.
        mode: "forward" carries n tangents along and keeps nothing, "reverse" goes back m times;
            by default what costs less.
        sparse: compute only what is not zero by structure, in few directions: columns (rows) that
            have no row (column) in common share one.
        checkpoint: what to compute again on the way back rather than to keep it, as for `wg.grad`.

    Returns:
        A function. It gives the structure of the result, and in it for each number or array the
        structure of the argument, with arrays of shape `(*of the result, *of the argument)`. With
        `sparse`, a `scipy.sparse.csr_array`, `(m, n)`, of all numbers in their order.

    Raises:
        OperandError: the mode is another one, or auxiliary results are asked for with `sparse`.
        MissingExtraError: `sparse` without SciPy.

    Source:
        Griewank and Walther, Evaluating Derivatives, 2nd edition, chapter 3; structures as those of
        jax.jacfwd and jax.jacrev.

    Examples:
        >>> import numpy as np
        >>> import wengert as wg
        >>> wg.jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
        array([[2., 0.],
               [0., 4.]])
    """
    programs.checked_mode(mode)
    if sparse:
        return _sparse(
            "jacobian", compressed_jacobian, function, argnums, has_aux, mode=mode,
            checkpoint=checkpoint,
        )  # fmt: skip
    return _transform(
        "jacobian", programs.jacobian, function, argnums, has_aux, mode=mode, checkpoint=checkpoint
    )


def hessian(
    function: Any, argnums: Argnums | None = None, has_aux: bool = False, sparse: bool = False,
    checkpoint: Checkpoint = None,
) -> Any:  # fmt: skip
    """All second derivatives of a function that gives one number: H[i, j] = ∂²f/∂x_i∂x_j.

    Forward mode over reverse mode: n tangents are pushed through the gradient.

    Args:
        function: a function, a Program or a Value.
        argnums: the position of the argument to differentiate by, or several; by default the first
            one, and all leaves of a Value.
        has_aux: whether the function returns a pair, of which only the first is differentiated.
        sparse: compute only what is not zero by structure, in as few directions as a star coloring
            needs.
        checkpoint: what to compute again on the way back rather than to keep it, as for `wg.grad`.

    Returns:
        A function. It gives the structure of the argument, and in it for each number or array that
        structure again, with arrays of shape `(*of the one, *of the other)`. With `sparse`, a
        `scipy.sparse.csr_array`, `(n, n)`, of all numbers in their order.

    Raises:
        OperandError: when called, if the function does not give one number, or `checkpoint` is
            something else.

    Source:
        Griewank and Walther, Evaluating Derivatives, 2nd edition, section 5.1.

    Examples:
        >>> import numpy as np
        >>> import wengert as wg
        >>> wg.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
        array([[4., 2.],
               [2., 0.]])
    """
    if sparse:
        return _sparse(
            "hessian", compressed_hessian, function, argnums, has_aux, checkpoint=checkpoint
        )
    return _transform(
        "hessian", programs.hessian, function, argnums, has_aux, checkpoint=checkpoint
    )


def jvp(
    function: Any, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    """A function and its derivative in a direction: (y, ẏ) with ẏ = J·ẋ, by forward mode.

    Args:
        function: a function, a Program or a Value.
        primals: its arguments, a tuple.
        tangents: a direction, a tuple of the same structure.
        has_aux: whether the function returns a pair, of which only the first is differentiated.

    Returns:
        The result and its tangent, which has the structure of the result; with `has_aux` the
        auxiliary result as a third.

    Raises:
        OperandError: primals or tangents are no tuples, or of another structure.

    Source:
        Griewank and Walther, Evaluating Derivatives, 2nd edition, section 3.1; arguments as those
        of jax.jvp and torch.func.jvp.

    Examples:
        >>> import wengert as wg
        >>> wg.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
        (6.0, 3.0)
    """
    primals = _tuple(primals, "primals")
    transform = _made("jvp", programs.jvp, has_aux=has_aux)
    program, captured = _program(transform, function, primals)
    result, tangent = program(*primals, *captured, _tangents(tangents, primals))
    return (result[0], tangent, result[1]) if has_aux else (result, tangent)


def vjp(
    function: Any, *primals: Any, has_aux: bool = False, checkpoint: Checkpoint = None
) -> tuple[Any, ...]:
    """A function and its pullback: (y, ȳ ↦ x̄) with x̄ = Jᵀ·ȳ, by reverse mode.

    Args:
        function: a function, a Program or a Value.
        primals: its arguments.
        has_aux: whether the function returns a pair, of which only the first is differentiated.
        checkpoint: what to compute again on the way back rather than to keep it, as for `wg.grad`.

    Returns:
        The result, and a function that takes a cotangent with the structure of the result and gives
        a tuple with an adjoint for each argument; with `has_aux` the auxiliary result as a third.

    Raises:
        OperandError: when the pullback is called, if the cotangent has another structure; or
            `checkpoint` is something else.

    Source:
        Griewank and Walther, Evaluating Derivatives, 2nd edition, section 3.2; arguments as those
        of jax.vjp and torch.func.vjp.

    Examples:
        >>> import wengert as wg
        >>> y, pullback = wg.vjp(lambda x, y: x * y, 2.0, 3.0)
        >>> y, pullback(1.0)
        (6.0, (3.0, 2.0))
    """
    plain, captured = _program(None, function, primals)
    transform = _made("vjp", programs.vjp, has_aux=has_aux, checkpoint=checkpoint)
    program = made(transform, plain, len(captured))
    result = plain(*primals, *captured)

    def pullback(cotangent: Any) -> Any:
        """The arguments' adjoints for a cotangent of the result."""
        return program(*primals, *captured, cotangent)

    return (result[0], pullback, result[1]) if has_aux else (result, pullback)


def linearize(function: Any, *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """A function and its derivative at a point, as a linear function: (y, ẋ ↦ J·ẋ).

    Args:
        function: a function, a Program or a Value.
        primals: its arguments.

    Returns:
        The result, and a function that takes a tangent for each argument and gives that of the
        result.

    Raises:
        OperandError: when the linear function is called, if the tangents have another structure.

    Source:
        As for `wg.jvp`; arguments as those of jax.linearize.

    Examples:
        >>> import wengert as wg
        >>> y, linear = wg.linearize(lambda x: x**3, 2.0)
        >>> y, linear(1.0), linear(10.0)
        (8.0, 12.0, 120.0)
    """
    plain, captured = _program(None, function, primals)
    program = made(_made("jvp", programs.jvp, value=False), plain, len(captured))
    result = plain(*primals, *captured)

    def linear(*tangents: Any) -> Any:
        """The tangent of the result for tangents of the arguments."""
        return program(*primals, *captured, _tangents(tangents, primals))

    return result, linear


def hvp(
    function: Any, primals: Sequence[Any], tangents: Sequence[Any], checkpoint: Checkpoint = None
) -> Any:
    """The Hessian of a function that gives one number, times a vector: H·v.

    Forward mode over reverse mode: it costs a small multiple of the function, and no Hessian is
    formed.

    Args:
        function: a function, a Program or a Value.
        primals: its arguments, a tuple.
        tangents: the vector, a tuple of the same structure.
        checkpoint: what to compute again on the way back rather than to keep it, as for `wg.grad`.

    Returns:
        A tuple of the same structure.

    Raises:
        OperandError: primals or tangents are no tuples, or of another structure.

    Source:
        Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6(1), 1994.

    Examples:
        >>> import wengert as wg
        >>> wg.hvp(lambda x, y: x**2 * y, (1.0, 2.0), (1.0, 0.0))
        (4.0, 2.0)
    """
    primals = _tuple(primals, "primals")
    transform = _made("hvp", programs.hvp, checkpoint=checkpoint)
    program, captured = _program(transform, function, primals)
    return program(*primals, *captured, _tangents(tangents, primals))


# --- how they are made ----------------------------------------------------------------------------


def _transform(
    name: str, make: Callable[..., Program], function: Any, argnums: Argnums | None, has_aux: bool,
    **options: Any,
) -> Any:  # fmt: skip
    argnums = _settled(argnums, function)
    return transformed(function, _made(name, make, argnums=argnums, has_aux=has_aux, **options))


def _sparse(
    name: str, make: Callable[..., Compressed], function: Any, argnums: Argnums | None,
    has_aux: bool, **options: Any,
) -> SparseTransformed:  # fmt: skip
    if has_aux:
        raise OperandError("A sparse derivative is a matrix alone. Leave has_aux out.")
    options["argnums"] = _settled(argnums, function)
    if isinstance(function, Node):
        function = recorded(function, ())[0]
    return SparseTransformed(function, Transform(name, make, tuple(options.items())))


def _settled(argnums: Argnums | None, function: Any) -> Argnums | None:
    """The positions in a form that can be looked up; the first by default, but all of a graph."""
    if argnums is None and not isinstance(function, Node):
        return 0
    return programs.settled(argnums)


def _made(name: str, make: Callable[..., Program], **options: Any) -> Transform[Program]:
    return Transform(name, make, tuple(options.items()))


def _program(
    transform: Transform[Program] | None, function: Any, args: Sequence[Any]
) -> tuple[Program, list[Any]]:
    """The program of a function, transformed, and what it takes behind the arguments."""
    program, captured = recorded(function, args)
    program.bound((*args, *captured), {})
    return (made(transform, program, len(captured)) if transform else program), captured


def _tuple(given: Any, what: str) -> tuple[Any, ...]:
    if not isinstance(given, tuple | list):
        raise OperandError(
            f"The {what} are a tuple with one for each argument, not {describe(given)}: "
            f"write ({what[:-1]},)."
        )
    return tuple(given)


def _tangents(given: Any, primals: Sequence[Any]) -> tuple[Any, ...]:
    tangents = _tuple(given, "tangents")
    if len(tangents) != len(primals):
        raise OperandError(
            f"There is one tangent for each argument: {len(primals)}, not {len(tangents)}."
        )
    return tangents
