"""Functions whose values reverse mode does not keep."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.program.address import Address, Lookup
from wengert.program.part import Part
from wengert.program.recording import RECORDING
from wengert.program.rewrite import Counts, Strides, deeper, rewritten
from wengert.program.statements import Loop


def checkpoint(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, whose values are computed again in reverse mode.

    A gradient keeps the numbers that the function takes and gives, and none that it computes in
    between. On the way back these are computed once more: one more evaluation, and memory for one
    call at a time. Checkpoints can stand in each other. Plain numbers and Values notice nothing.

    Args:
        function: any function; what it takes and gives is arbitrary.

    Returns:
        A function with the same arguments and results, to the bit.

    Raises:
        OperandError: what is given is no function.

    Source:
        Griewank and Walther, Evaluating Derivatives, 2nd edition, 2008, chapter 12; named as
        jax.checkpoint and torch.utils.checkpoint.

    Examples:
        >>> import wengert as wg
        >>> layer = wg.checkpoint(lambda x: wg.exp(wg.sin(x)))
        >>> wg.grad(lambda x: layer(layer(x)))(0.0)
        1.253380767493447
    """
    if not callable(function):
        raise OperandError(f"checkpoint() takes a function, not {describe(function)}.")

    @wraps(function)
    def again(*args: Any, **named: Any) -> Any:
        tape = RECORDING.get()
        if tape is None:
            return function(*args, **named)
        part = Part(tape)
        result = function(*args, **named)
        statements, _ = part.taken()
        if statements:
            tape.add(Loop(1, tuple(rewritten(statements, _inside)), again=True), 0)
        return result

    return again


def _inside(memory: str, base: int, strides: Strides, lookup: Lookup | None, _: Counts) -> Address:
    return deeper(memory, base, strides, lookup, 0)
