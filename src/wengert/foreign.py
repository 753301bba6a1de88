"""Arrays and columns of other libraries as NumPy's: where they are, if they can be read there.

What offers `__dlpack__` is taken through it, all else through `__array__`. Both leave out what a
number here cannot have: a column's missing numbers would silently be NaN, and a tensor's way back
would be lost. So these are errors that say what to do.
"""

from typing import Any

import numpy as np

from wengert.errors import LostDerivativeError, OperandError

HOST = (
    1,
    3,
    11,
)  # device types of DLPack whose memory is the CPU's: plain, pinned for CUDA or ROCm
UNREADABLE = (BufferError, RuntimeError, TypeError, ValueError, NotImplementedError)
IN_TORCH = "In a program of torch, write wg.torch.function(f) and call that with tensors."
IN_JAX = " Inside of what JAX transforms, write wg.jax.function(f) and call that."


def is_foreign(given: Any) -> bool:
    """Whether it offers its numbers as an array."""
    offers = hasattr(given, "__array__") or hasattr(given, "__dlpack__")
    return offers and not isinstance(given, np.generic | type)


def numpy_of(given: Any, where: str) -> np.ndarray[Any, Any]:
    """An array with the numbers of what is one, or is a column.

    Args:
        given: what `np.asarray` takes, or what offers `__dlpack__`.
        where: what it is called in messages.

    Raises:
        LostDerivativeError: it is a tensor that requires a gradient.
        OperandError: it has missing numbers, is on another device, or cannot be read.
        ValueError: it is a list that is no array.
    """
    if isinstance(given, np.ndarray) or not is_foreign(given):
        return np.asarray(given)
    library = type(given).__module__.partition(".")[0].removesuffix("lib")
    kind = type(given).__name__
    if missing := _missing(library, given):
        raise OperandError(
            f"{where} is a {kind} in which {missing:,} number{'s are' * (missing > 1)}"
            f"{' is' * (missing == 1)} missing. Leave these rows out, or fill them in first."
        )
    if getattr(given, "requires_grad", False):
        raise LostDerivativeError(
            f"{where} is a {kind} that requires a gradient, and none would flow back to it. Pass "
            f"x.detach(), its numbers. {IN_TORCH}"
        )
    device = _device(given)
    if device not in (None, *HOST):
        raise OperandError(
            f"{where} is a {kind} on another device than the CPU"
            f"{_called(given)}. Copy it first, as with x.cpu() in torch, or jax.device_get(x)."
        )
    try:
        return _read(library, given)
    except UNREADABLE as error:
        said = f"{error}".strip().partition("\n")[0].rstrip(".")
        raise OperandError(
            f"{where} is a {kind} that cannot be read as an array of numbers: {said}."
            f"{IN_JAX * (library == 'jax')}"
        ) from error


def _read(library: str, given: Any) -> np.ndarray[Any, Any]:
    if hasattr(given, "__dlpack__") and library != "pyarrow":  # which warns, and is read as well
        try:
            return np.from_dlpack(given)
        except UNREADABLE:  # of numbers that DLPack does not know, such as bits
            if not hasattr(given, "__array__"):
                raise
    return np.asarray(given)


def _device(given: Any) -> int | None:
    """The type of the device that it is on; None if it does not say."""
    try:
        return int(given.__dlpack_device__()[0])
    except (AttributeError, *UNREADABLE):
        return None


def _called(given: Any) -> str:
    device = getattr(given, "device", None)
    return "" if device is None else f", {device}"


def _missing(library: str, given: Any) -> int:
    """How many numbers are missing in a column, or in the columns of a table."""
    if library == "polars":
        return int(np.sum(np.asarray(given.null_count())))
    if library == "pyarrow":
        columns = given.columns if hasattr(given, "columns") else [given]
        return sum(column.null_count for column in columns)
    if library == "pandas":
        columns = [given.iloc[:, k] for k in range(given.shape[1])] if given.ndim > 1 else [given]
        known = (each for each in columns if not isinstance(each.dtype, np.dtype))
        return sum(int(np.sum(np.asarray(each.isna()))) for each in known)
    return 0
