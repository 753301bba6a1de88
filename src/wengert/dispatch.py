"""What a primitive is, and how calling one finds the right evaluator for its operands.

A `Primitive` is one row of the table in `primitives.py`. Calling it looks at the operands: floats
go to the row's scalar value, NumPy arrays to its array value, and anything that stands for a
number (an eager `Value`, a symbol, ...) decides for itself through its method `_apply`.
"""

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import OperandError, ProgramError
from wengert.special import Scalar

Interval = tuple[float, float]
Array = Callable[..., Any]
Rule = Callable[..., tuple[Any, ...]]  # (output, *operands) -> one partial per operand


class Edge(NamedTuple):
    """What a primitive gives at one singular or special point."""

    at: tuple[float, ...]
    value: float
    partials: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Algebraic facts that hold bit for bit in IEEE arithmetic."""

    commutative: bool = False
    neutral: float | None = None  # op(x, neutral) is x
    odd: bool = False  # f(-x) is -f(x)
    even: bool = False  # f(-x) is f(x)
    idempotent: bool = False  # f(f(x)) is f(x)
    stops_gradient: bool = False  # its derivative is defined to be zero
    exact_array: bool = False  # `array` gives the bits of `scalar`, but for the payload of a NaN


@dataclass(frozen=True, eq=False)
class Primitive:
    """One scalar primitive: a row of the table, and the function that users call.

    Args:
        name: how the function is called, `wg.<name>`.
        about: what it computes, in a few words; units where there are any.
        scalar: its value on Python floats, with IEEE semantics: it never raises.
        array: its value on NumPy arrays.
        partials: `(z, *operands) -> (dz/doperand, ...)`, written with the library's own functions,
            so that it serves numbers, arrays, graphs and symbols alike.
        domain: per operand, an open interval in which the row is smooth; tests sample there.
        symbol: what a picture shows; the name where none is given.
        text: the formula as plain text, `{0}` standing for the first operand.
        tex: the formula in LaTeX.
        binds: how strongly the text form binds, from 1 (sums) to 5 (an atom).
        facts: algebraic facts.
        edges: value and partials at singular points, stated by hand.
        ufuncs: further NumPy functions that mean the same.
        params: the constant numbers a member of a `Family` is made for.
        c: the value as a C expression of doubles, which gives the bits that `scalar` gives; in a
            family, the last place is for the constant. Where there is none, C asks Python.
        c_near: where there is no `c`, a C expression within a few ulp of `scalar`: for code that
            is exported, which has nobody to ask.
        definition: of a rule that a user made, a digest of what it was made of.
    """

    name: str
    about: str
    scalar: Scalar
    array: Array
    partials: Rule
    domain: Sequence[Interval]
    _: KW_ONLY
    symbol: str = ""
    text: str = ""
    tex: str = ""
    binds: int = 5
    facts: Facts = Facts()
    edges: Sequence[Edge] = ()
    ufuncs: Sequence[Any] = ()
    params: tuple[float, ...] = ()
    c: str = ""
    c_near: str = ""
    definition: str = ""
    operands: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        operands = tuple(inspect.signature(self.partials).parameters)[1:]
        places = ", ".join(f"{{{k}}}" for k in range(len(operands)))
        tex_name = self.name.replace("_", r"\_")
        derived = {
            "operands": operands,
            "symbol": self.symbol or self.name,
            "text": self.text or f"{self.name}({places})",
            "tex": self.tex or rf"\operatorname{{{{{tex_name}}}}}({places})",
        }
        self.__dict__.update(derived)

    @property
    def nin(self) -> int:
        """The number of operands."""
        return len(self.operands)

    @property
    def content(self) -> tuple[Any, ...]:
        """What tells it from all other rows, and is the same wherever it is made again."""
        return (self.name, *self.params, *([self.definition] if self.definition else []))

    def __call__(self, *args: Any) -> Any:
        """The value at the operands: floats, arrays, or anything that stands for a number."""
        if len(args) != self.nin:
            raise OperandError(
                f"{self.name}() takes {self.nin} operand{'s' * (self.nin != 1)} "
                f"({', '.join(self.operands)}), and got {len(args)}."
            )
        stand_in = None
        for arg in args:
            if isinstance(arg, np.ndarray | list | tuple) or is_array_like(arg):
                return self._on_arrays(args)
            if stand_in is None and hasattr(arg, "_apply"):
                stand_in = arg
        if stand_in is not None:
            return stand_in._apply(self, args)
        return self.scalar(*[to_float(arg, self.name) for arg in args])

    def _on_arrays(self, args: Sequence[Any]) -> Any:
        arrays = [to_array(arg, self.name) for arg in args]
        with np.errstate(all="ignore"):
            if not any(array.dtype == object for array in arrays):
                return self.array(*arrays)[()]  # a number where there are no dimensions
            if any(array.dtype != object and array.ndim and _stands_alone(other)
                   for array in arrays for other in args):  # fmt: skip
                raise float_array_error(self.name, _kind_among(args))
            return np.frompyfunc(self, self.nin, 1)(*arrays)

    def __repr__(self) -> str:
        params = "".join(f", {p:g}" for p in self.params)
        return f"<primitive {self.name}({', '.join(self.operands)}{params})>"

    def __reduce__(self) -> tuple[Any, ...]:
        from wengert.registry import stored_name

        return (_row, (stored_name(self), *self.params))


class _Documented:
    """The docstring of the class for the class, and one made from the row for each row.

    It is made when someone reads it: that takes symbols, and importing the table shall not.
    """

    def __init__(self, of_class: str | None) -> None:
        self.of_class = of_class

    def __get__(self, row: Primitive | None, owner: type) -> str | None:
        return self.of_class if row is None else _document(row)


Primitive.__doc__ = _Documented(Primitive.__doc__)  # type: ignore[assignment]


def _document(row: Primitive) -> str:
    from wengert.formula import partial_texts, value_text

    formulas = [f"z = {value_text(row)}"]
    formulas += [
        f"∂z/∂{operand} = {partial}"
        for operand, partial in zip(row.operands, partial_texts(row), strict=True)
    ]
    intervals = [
        f"{operand}: a number, an array or a Value; smooth at least in ({low:g}, {high:g})."
        for operand, (low, high) in zip(row.operands, row.domain, strict=True)
    ]
    edges = [
        f"at ({', '.join(map(repr, edge.at))}): {edge.value!r}, "
        f"partials ({', '.join(map(repr, edge.partials))})"
        for edge in row.edges
    ]
    constant = f"({row.params[0]!r})" if row.params else ""
    call = f"    >>> from wengert import primitives\n    >>> primitives.{row.name}{constant}"
    if row.definition:  # not in the table, but wherever the user keeps it
        call = f"    >>> {row.name}"
    at = ", ".join(repr((low + high) / 2) for low, high in row.domain)
    z = row.scalar(*[(low + high) / 2 for low, high in row.domain])
    paragraphs = [
        f"{row.about}.",
        "\n".join(f"    {formula}" for formula in formulas),
        "Args:\n" + "\n".join(f"    {interval}" for interval in intervals),
        "Returns:\n    A float for numbers, an array for an array, a Value for a Value.",
        *(["Edge cases:\n" + "\n".join(f"    {edge}" for edge in edges)] if edges else []),
        f"Examples:\n{call}({at})\n    {z!r}",
    ]
    return "\n\n".join(paragraphs) + "\n"


class Family:
    """Primitives that differ in a constant, such as x**2, x**3, ...: calling it gives the member.

    Members are made once each, so they can be compared by identity.
    """

    def __init__(
        self, make: Callable[[Any], Primitive], kind: type[float], samples: Sequence[float]
    ) -> None:
        self.name = make.__name__
        self.__doc__ = make.__doc__
        self.kind = kind  # the constant's type
        self.samples = samples  # the constants that tests and docs show it with
        self._make = lru_cache(maxsize=4096)(make)

    def __call__(self, constant: float) -> Primitive:
        """The member for a constant."""
        if type(constant) is self.kind:
            return self._make(constant)
        try:
            exact = self.kind(constant)  # 2, 2.0 and np.int64(2) are one integer
        except (TypeError, ValueError, OverflowError):
            exact = None
        if exact is None or (exact != constant and exact == exact):
            raise OperandError(
                f"{self.name}() takes a constant {self.kind.__name__}, not {describe(constant)}."
            )
        return self._make(exact)

    def __iter__(self) -> Iterator[Primitive]:
        return map(self, self.samples)

    def __repr__(self) -> str:
        return f"<family of primitives {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_row, (self.name,))


def family(
    kind: type[float], samples: Sequence[float]
) -> Callable[[Callable[[Any], Primitive]], Family]:
    """Decorate a function from a constant to a primitive, to make a `Family` of it."""
    return lambda make: Family(make, kind, samples)


def _row(name: str, *params: float) -> Any:
    """The row of that name: how pickle finds it again."""
    from wengert.registry import known, unknown

    row: Any = known(name)
    if row is None:
        raise ProgramError(unknown(name))
    return row(*params) if params else row


def is_array_like(arg: object) -> bool:
    """Whether NumPy would see more than one number in it (a Series, a tensor, ...)."""
    return hasattr(arg, "__array__") and not isinstance(arg, np.generic)


def to_float(arg: Any, where: str) -> float:
    """A Python float for anything that is one real number, else an OperandError."""
    if type(arg) is float:
        return arg
    if isinstance(arg, float | int | np.floating | np.integer | np.bool_):
        try:
            return float(arg)
        except OverflowError:
            return math.inf if arg > 0 else -math.inf
    raise OperandError(f"{where} takes real numbers and Values, not {describe(arg)}.{remedy(arg)}")


def to_array(arg: Any, where: str) -> np.ndarray[Any, Any]:
    """An array of doubles, or an object array where the elements stand for numbers."""
    if hasattr(arg, "_apply"):
        return box(arg)
    try:
        array = np.asarray(arg)
    except ValueError as error:
        raise OperandError(f"{where} cannot make an array of its operand: {error}.") from None
    if array.dtype == object:
        return array
    if array.dtype.kind not in "fiub":
        raise OperandError(
            f"{where} takes arrays of real numbers or of Values, not of {array.dtype}."
        )
    return array.astype(float, copy=False)


def box(operand: Any) -> np.ndarray[Any, Any]:
    """A zero-dimensional object array around one operand."""
    array = np.empty((), dtype=object)
    array[()] = operand
    return array


def float_array_error(where: str, kind: str) -> OperandError:
    """For a Value, or what else stands for a number, that meets a float array."""
    value = kind == "Value"
    first = "one of Values first, np.array([Value(x) for x in xs])"
    return OperandError(
        f"{where} cannot combine one {kind} with a float array: the result would be many {kind}s. "
        f"Make the array {first if value else 'one of objects first, xs.astype(object)'}, "
        "or use one element of it, xs[i]."
    )


def _stands_alone(arg: Any) -> bool:
    """Whether it stands for one number, and does not combine with the elements of an array."""
    return hasattr(arg, "_apply") and not getattr(arg, "_spreads", False)


def _kind_among(args: Sequence[Any]) -> str:
    return next((arg._kind for arg in args if hasattr(arg, "_kind")), "Value")


def describe(arg: object) -> str:
    """An argument as an error message shows it: its type, and its value where that is short."""
    if isinstance(arg, type):
        return f"the class {arg.__name__}"
    shown = repr(arg)
    kind = arg._kind if hasattr(arg, "_kind") else type(arg).__name__
    if arg is None or len(shown) > 40 or shown.startswith("<"):
        return kind
    return shown if shown.startswith(f"{kind}(") else f"{kind} {shown}"


def remedy(arg: object) -> str:
    """What to write instead, for the arguments people pass by mistake."""
    if isinstance(arg, str | bytes):
        return f" Convert it first: float({arg!r})."
    if isinstance(arg, complex | np.complexfloating):
        return " Use its real and imaginary parts, z.real and z.imag, as two numbers."
    if arg is None:
        return " A function without a return statement gives None; is one missing?"
    if callable(arg):
        return " Call it first."
    if hasattr(arg, "__float__"):
        return " Convert it first, with float()."
    return ""
