"""What every stand-in for a number shares: Python's operators and NumPy's protocols.

An `Operand` is anything that ordinary arithmetic can be run on in place of a float. A subclass
states one method, `_apply(row, args)`: what it means to apply a primitive to it.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

import numpy as np

from wengert import functions, primitives
from wengert.dispatch import (
    Primitive,
    box,
    describe,
    float_array_error,
    is_array_like,
    remedy,
    to_float,
)
from wengert.errors import LostDerivativeError, OperandError
from wengert.primitives import TABLE, powc, powi
from wengert.source import user_source

_NUMBER = (float, int, np.floating, np.integer, np.bool_)
_MISTAKE = (str, bytes, complex, np.complexfloating, list, tuple, dict, set)


class Operand:
    """Base of whatever stands for one real number in a computation."""

    __slots__ = ()
    _spreads: ClassVar[bool] = False  # whether it combines with each element of a float array

    @property
    def _kind(self) -> str:
        """What messages call it."""
        return type(self).__name__

    def _apply(self, row: Primitive, args: tuple[Any, ...]) -> Any:
        """The result of a primitive on `args`, of which this operand is the first of its kind."""
        raise NotImplementedError  # pragma: no cover - abstract

    def _binary(self, row: Primitive, x: Any, y: Any) -> Any:
        """An operator with this operand on one side and anything at all on the other."""
        other = y if x is self else x
        if isinstance(other, (Operand, *_NUMBER)):
            return self._apply(row, (x, y))
        if isinstance(other, np.ndarray):
            return (
                row(x, y)
                if self._spreads or other.dtype == object or not other.ndim
                else _refuse_array(self, row)
            )
        if other is None or isinstance(other, _MISTAKE):
            raise OperandError(
                f"{row.symbol} takes a number or a {self._kind} on its other side, "
                f"not {describe(other)}.{remedy(other)}"
            )
        return NotImplemented

    if TYPE_CHECKING:  # methods named after the table's one-operand rows are added below

        def __getattr__(self, name: str) -> Callable[..., Any]: ...

    def __add__(self, other: Any) -> Self:
        return self._binary(primitives.add, self, other)

    def __radd__(self, other: Any) -> Self:
        return self._binary(primitives.add, other, self)

    def __sub__(self, other: Any) -> Self:
        return self._binary(primitives.sub, self, other)

    def __rsub__(self, other: Any) -> Self:
        return self._binary(primitives.sub, other, self)

    def __mul__(self, other: Any) -> Self:
        return self._binary(primitives.mul, self, other)

    def __rmul__(self, other: Any) -> Self:
        return self._binary(primitives.mul, other, self)

    def __truediv__(self, other: Any) -> Self:
        return self._binary(primitives.div, self, other)

    def __rtruediv__(self, other: Any) -> Self:
        return self._binary(primitives.div, other, self)

    def __floordiv__(self, other: Any) -> Self:
        return self._binary(primitives.floordiv, self, other)

    def __rfloordiv__(self, other: Any) -> Self:
        return self._binary(primitives.floordiv, other, self)

    def __mod__(self, other: Any) -> Self:
        return self._binary(primitives.mod, self, other)

    def __rmod__(self, other: Any) -> Self:
        return self._binary(primitives.mod, other, self)

    def __divmod__(self, other: Any) -> tuple[Self, Self]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Self, Self]:
        return other // self, other % self

    def __pow__(self, exponent: Any) -> Self:
        """A constant integer and a constant real exponent have rows of their own."""
        if isinstance(exponent, int | np.integer | np.bool_) and abs(int(exponent)) <= 2**31:
            return self._apply(powi(int(exponent)), (self,))
        if isinstance(exponent, _NUMBER):
            return self._apply(powc(to_float(exponent, "**")), (self,))
        return self._binary(primitives.pow, self, exponent)

    def __rpow__(self, base: Any) -> Self:
        return self._binary(primitives.pow, base, self)

    def __neg__(self) -> Self:
        return self._apply(primitives.neg, (self,))

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self._apply(primitives.abs, (self,))

    def conjugate(self) -> Self:
        """The number itself, being real; NumPy's variance asks for it."""
        return self

    def __floor__(self) -> Self:
        return self._apply(primitives.floor, (self,))

    def __ceil__(self) -> Self:
        return self._apply(primitives.ceil, (self,))

    def __trunc__(self) -> Self:
        return self._apply(primitives.trunc, (self,))

    def __float__(self) -> NoReturn:
        raise lost_derivative("float", self._kind)

    def __int__(self) -> NoReturn:
        raise lost_derivative("int", self._kind)

    def __round__(self, digits: int | None = None) -> NoReturn:
        raise lost_derivative("round", self._kind)

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **options: Any) -> Any:
        """NumPy's functions on an operand: those that the table knows."""
        kind = self._kind
        function = UFUNCS.get(ufunc)
        if method == "reduce" and function is not None and len(args) == 1:
            return ufunc.reduce(box(self), **options)  # np.sum of one number is that number
        if function is None or method != "__call__" or options:
            call = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            what = f"np.{call} with {', '.join(options)}" if options else f"np.{call}"
            raise OperandError(
                f"{what} does not work on a {kind}. NumPy functions that do: "
                f"{', '.join(sorted(u.__name__ for u in UFUNCS))}."
            )
        if not self._spreads and any(
            is_array_like(arg) and np.asarray(arg).dtype != object and np.ndim(arg) for arg in args
        ):
            raise float_array_error(f"np.{ufunc.__name__}", kind)
        args = tuple(map(_plain, args))
        if not any(is_array_like(arg) for arg in args):
            return function(*args)
        boxed = [box(arg) if isinstance(arg, Operand) else arg for arg in args]
        with np.errstate(all="ignore"):
            results = np.frompyfunc(function, ufunc.nin, ufunc.nout)(*boxed)
        return results.astype(bool) if ufunc in _COMPARISONS else results


def _plain(arg: Any) -> Any:
    """A number of NumPy's as one of Python's, so that the operators do not come back to NumPy."""
    if isinstance(arg, np.generic) or (isinstance(arg, np.ndarray) and not arg.ndim):
        item = arg.item()
        return float(item) if isinstance(item, np.longdouble) else item
    return arg


def _refuse_array(operand: Operand, row: Primitive) -> NoReturn:
    raise float_array_error(row.symbol, operand._kind)


NONE: Mapping[str, str] = MappingProxyType({})
_OF_A_VALUE = "Write x.data for the plain number, and wg.exp(x) for math.exp(x)."


def lost_derivative(
    conversion: str, kind: str, otherwise: str = _OF_A_VALUE, rewrites: Mapping[str, str] = NONE
) -> LostDerivativeError:
    """For float(v), math.exp(v) and the like: what the user wrote, and what to write.

    Args:
        conversion: to what; the name of Python's function.
        kind: what was to be converted.
        otherwise: what to write where nothing better is known.
        rewrites: what to write for functions that the table of primitives does not have.
    """
    source = user_source()
    call = source.text.partition("(")[0] if source else ""
    name = call.rpartition(".")[2]
    row = TABLE.get(name)
    if conversion == "float" and isinstance(row, Primitive):
        refused = f"{row.name}() of a {kind} needs wg.{row.name}, not {call}, which"
        advice = f"Write wg.{row.name}({', '.join(row.operands)})."
    elif name in rewrites:
        refused, advice = f"{call}() of a {kind}", f"Write {rewrites[name]}."
    elif conversion == "round":
        refused, advice = f"round() of a {kind}", "Write wg.rint(x), or round(x.data)."
    elif conversion == "int":
        refused, advice = f"int() of a {kind}", "Write wg.trunc(x), or int(x.data)."
    else:
        refused = f"float() of a {kind}, or a math function of it,"
        advice = otherwise
    at = f" ({source})" if source else ""
    return LostDerivativeError(f"{refused} would drop the derivative{at}. {advice}")


def _method(row: Primitive) -> Callable[[Operand], Any]:
    def method(self: Operand) -> Any:
        return self._apply(row, (self,))

    method.__name__, method.__doc__ = row.name, f"{row.about}: the row `{row.name}` as a method."
    return method


def _binary_method(row: Primitive) -> Callable[[Operand, Any], Any]:
    def method(self: Operand, other: Any) -> Any:
        return self._binary(row, self, other)

    method.__name__, method.__doc__ = row.name, f"{row.about}: the row `{row.name}` as a method."
    return method


_COMPARISONS: dict[Any, Callable[..., Any]] = {
    np.less: operator.lt,
    np.less_equal: operator.le,
    np.greater: operator.gt,
    np.greater_equal: operator.ge,
    np.equal: operator.eq,
    np.not_equal: operator.ne,
}

# NumPy calls a ufunc's name as a method on the elements of an object array: np.arctan finds
# v.arctan(). So every row whose array value is a ufunc gives a method of either name.
UFUNCS: dict[Any, Callable[..., Any]] = {
    np.square: lambda x: x**2,
    np.reciprocal: lambda x: 1 / x,
    np.logaddexp: functions.logaddexp,
    np.positive: lambda x: +x,
    np.power: lambda x, y: x**y,
    np.float_power: lambda x, y: x**y,
    np.divmod: divmod,
    **_COMPARISONS,
}
for _row in TABLE.values():
    if isinstance(_row, Primitive) and _row.nin <= 2:
        _ufuncs = [u for u in (_row.array, *_row.ufuncs) if isinstance(u, np.ufunc)]
        for _ufunc in _ufuncs:
            UFUNCS.setdefault(_ufunc, _row)
        _make = _method if _row.nin == 1 else _binary_method
        for _name in {_row.name, *(u.__name__ for u in _ufuncs)}:
            if not hasattr(Operand, _name):
                setattr(Operand, _name, _make(_row))


class Ieee(Operand):
    """A float whose arithmetic never raises: 1/0 is inf here, as in NumPy and in C."""

    __slots__ = ("number",)

    def __init__(self, number: float) -> None:
        self.number = number

    def _apply(self, row: Primitive, args: tuple[Any, ...]) -> "Ieee":
        return Ieee(row.scalar(*[a.number if isinstance(a, Ieee) else float(a) for a in args]))


PYTHON_RAISES = (ZeroDivisionError, OverflowError)  # where IEEE arithmetic gives inf or nan


def local_partials(row: Primitive, z: float, xs: Sequence[float]) -> tuple[float, ...]:
    """The row's partials at floats, with IEEE semantics.

    Python's own floats are tried first, since they are fast and differ only in that they raise.
    """
    try:
        return row.partials(z, *xs)
    except PYTHON_RAISES:
        return ieee_partials(row, z, xs)


def ieee_partials(row: Primitive, z: float, xs: Sequence[float]) -> tuple[float, ...]:
    """The same where Python's floats raise."""
    partials = row.partials(Ieee(z), *map(Ieee, xs))
    return tuple(p.number if isinstance(p, Ieee) else p for p in partials)
