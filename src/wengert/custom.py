"""Rows that users make: a function of their own, with partials, that works wherever a row does.

A rule stands beside the table, under its name (`registry.py`). What the user hands over is fitted
to what a row promises: a value that never raises, an array form, partials on any kind of number.
"""

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from math import isfinite, nan
from typing import Any, NoReturn

from wengert.definition import definition
from wengert.dispatch import Facts, Interval, Primitive, describe, to_float
from wengert.errors import CheckError, OperandError, WengertError
from wengert.expression import FUNCTIONS
from wengert.formula import value_text
from wengert.operand import Ieee, Operand
from wengert.program.record import name_of
from wengert.program.spelling import is_free_name
from wengert.proof.partials import check_partials, samples
from wengert.registry import registered
from wengert.special import elementwise

MOST_OPERANDS = 6  # what the native engine hands over to Python
DOMAINS = ((-3.0, 3.0), (0.05, 3.0), (-0.99, 0.99), (1.05, 8.0))  # where a function may have values
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def custom_rule(
    name: str | None = None,
    function: Callable[..., float] | None = None,
    partials: Callable[..., tuple[Any, ...]] | None = None,
    *,
    array: Callable[..., Any] | None = None,
    domain: Sequence[Interval] | None = None,
    about: str = "",
    text: str = "",
    tex: str = "",
    c: str = "",
    check: bool = True,
) -> Any:
    r"""Make a primitive of your own: a function of numbers, and its partial derivatives.

    It works wherever the library's own do: on floats, arrays and Values, in recorded code and its
    derivatives of any order, in pictures, steps and checks. Programs name it, so what reads one
    from a file, a text or a pickle has to make the rule first.

    $$\mathrm{partials}(z, x_1, \ldots) = (\partial z/\partial x_1, \ldots), \quad
    z = \mathrm{function}(x_1, \ldots)$$

    Args:
        name: what it is called, and known by; that of the function by default.
        function: from floats to a float, always the same for the same. Where it raises a
            ValueError or an ArithmeticError, or gives a complex number, its value is NaN.
        partials: from the value and the operands to a tuple with one partial for each operand,
            written with wg functions and operators, so that it can be differentiated itself.
        array: the same function on NumPy arrays; by default, one element at a time.
        domain: per operand, an open interval in which the function is smooth: where the partials
            are checked. By default, one in which it has values.
        about: what it computes, in a few words.
        text: the formula as plain text, `{0}` standing for the first operand.
        tex: the formula in LaTeX, the same way; braces of its own are doubled.
        c: the function as a C expression of doubles, the same way; exporting to C needs it.
        check: compare the partials with numerical derivatives.

    Returns:
        The primitive, a function; without `function`, a decorator that makes it. Making the same
        one again gives the one there is. Another definition takes the name over; what was made
        with the former one keeps it, and can no longer be stored.

    Raises:
        OperandError: the name is taken or is no name, the signatures do not fit each other, or the
            partials are not written with wg functions.
        CheckError: a partial is not the slope of the function, or `array` not the function.

    Examples:
        >>> import math
        >>> import wengert as wg
        >>> sinc = wg.custom_rule(
        ...     "sinc",
        ...     lambda x: math.sin(x) / x if x else 1.0,
        ...     lambda z, x: (wg.where(wg.equal(x, 0.0), 0.0, (wg.cos(x) - z) / x),),
        ... )
        >>> wg.grad(sinc)(0.5)
        -0.1625370306360665
        >>> wg.record(lambda x: sinc(x) + 1.0, 0.5)(0.0)
        2.0
    """
    if partials is None:
        raise OperandError("custom_rule() needs partials=, a function of the value and operands.")

    def made(of: Callable[..., float]) -> Primitive:
        """The rule of a function."""
        return _rule(name or name_of(of), of, partials, array, domain, about, text, tex, c, check)

    return made if function is None else made(function)


def _rule(
    name: str, function: Any, partials: Any, array: Any, domain: Any, about: str, text: str,
    tex: str, c: str, check: bool,
) -> Primitive:  # fmt: skip
    _check_name(name)
    operands = _operands(name, function, partials)
    scalar = _never_raises(name, function)
    if domain is None:
        intervals = _domain_of(scalar, len(operands))
    else:
        intervals = _intervals(name, domain, len(operands))
    row = Primitive(
        name, about or f"a rule of your own of {', '.join(operands)}", scalar,
        array or elementwise(scalar), _ieee_on_floats(partials), intervals,
        text=text, tex=tex, c=c, facts=Facts(exact_array=array is None),
        definition=definition(
            name, (function, partials, array, tuple(intervals), about, text, tex, c)
        ),
    )  # fmt: skip
    _check_templates(row)
    if check:
        _check_count(row)
        check_partials(row)
        if array is not None:
            _check_array(row)
    return registered(row)


# --- what is handed over --------------------------------------------------------------------------


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name.isidentifier() or not is_free_name(name):
        raise OperandError(
            f"A rule is called by a name that is not taken, such as 'sinc', not {describe(name)}."
        )
    if name in FUNCTIONS:
        raise OperandError(f"There is a wg.{name}: give the rule another name.")


def _operands(name: str, function: Any, partials: Any) -> tuple[str, ...]:
    for what, given in (("function", function), ("partials", partials)):
        if not callable(given):
            raise OperandError(f"The {what} of {name} is a function, not {describe(given)}.")
    signature = inspect.signature(partials)
    if not signature.parameters or any(
        p.kind not in _POSITIONAL for p in signature.parameters.values()
    ):
        raise OperandError(
            f"The partials of {name} are a function of its value and its operands by position, "
            f"such as (z, x, y), not {signature}."
        )
    operands = tuple(signature.parameters)[1:]
    if not 1 <= len(operands) <= MOST_OPERANDS:
        raise OperandError(
            f"A rule has 1 to {MOST_OPERANDS} operands, and the partials of {name}{signature} are "
            f"those of {len(operands)}. The first parameter is the value."
        )
    try:
        inspect.signature(function).bind(*operands)
    except TypeError as error:
        raise OperandError(
            f"The partials of {name} take its value and {len(operands)} operands "
            f"({', '.join(operands)}), and the function cannot be called with so many: {error}."
        ) from None
    except ValueError:  # a builtin that does not tell
        pass
    return operands


def _intervals(name: str, domain: Any, count: int) -> tuple[Interval, ...]:
    """The domain as it was given, for one operand also without the outer brackets."""
    try:
        pairs = [domain] if count == 1 and len(domain) == 2 and not _is_pair(domain[0]) else domain
        found = tuple((float(low), float(high)) for low, high in pairs)
    except (TypeError, ValueError):
        found = ()
    if len(found) != count or not all(
        low < high and isfinite(low) and isfinite(high) for low, high in found
    ):
        raise OperandError(
            f"The domain of {name} is a list with one interval (low, high) for each of {count} "
            f"operands, not {describe(domain)}."
        )
    return found


def _is_pair(thing: Any) -> bool:
    return isinstance(thing, Sequence)


def _domain_of(scalar: Callable[..., float], count: int) -> tuple[Interval, ...]:
    """The first domain in which the function has values."""
    domains = [(interval,) * count for interval in DOMAINS]
    fitting = (d for d in domains if all(isfinite(scalar(*point)) for point in samples(d)))
    return next(fitting, domains[0])


def _never_raises(name: str, function: Callable[..., Any]) -> Callable[..., float]:
    @wraps(function)
    def value(*numbers: float) -> float:
        try:
            result = function(*numbers)
        except (ArithmeticError, ValueError):
            return nan
        if type(result) is float:
            return result
        return nan if isinstance(result, complex) else to_float(result, f"The function of {name}")

    return value


def _ieee_on_floats(partials: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
    """Partials whose arithmetic on floats never raises and never leaves the real numbers."""

    @wraps(partials)
    def rule(*numbers: Any) -> tuple[Any, ...]:
        if not all(isinstance(number, float) for number in numbers):
            return tuple(partials(*numbers))
        results = partials(*map(Ieee, numbers))
        return tuple(each.number if isinstance(each, Ieee) else float(each) for each in results)

    return rule


# --- whether it fits ------------------------------------------------------------------------------


class _Probe(Operand):
    """A number that nothing is known of: whoever asks which way to go is refused."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]
    _kind = "number in a partial"

    def _apply(self, row: Primitive, args: tuple[Any, ...]) -> "_Probe":
        return self

    def _refuse(self, *_: Any) -> NoReturn:
        raise OperandError(
            "The partials of a rule are one formula for all numbers. Write wg.less(x, y) or "
            "wg.equal(x, y) for a comparison, and wg.where(condition, x, y) for a branch."
        )

    __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse


def _check_templates(row: Primitive) -> None:
    try:
        value_text(row)
        row.c.format(*row.operands)
    except (IndexError, KeyError, ValueError, AttributeError, TypeError) as error:
        raise OperandError(
            f"The texts of {row.name} have a place for each operand, {{0}} for the first one, and "
            f"braces of their own are doubled: {type(error).__name__}: {error}."
        ) from None


def _check_count(row: Primitive) -> None:
    try:
        results = row.partials(*[_Probe() for _ in range(1 + row.nin)])
        numbers = [each for each in results if isinstance(each, Operand | int | float)]
    except NameError as error:
        raise OperandError(
            f"The partials of {row.name} cannot be checked yet: {error}. Of rules that name each "
            "other, make all but the last one with check=False."
        ) from None
    except WengertError:
        raise
    except (TypeError, AttributeError) as error:
        raise OperandError(
            f"The partials of {row.name} return a tuple with one partial for each operand, "
            f"written with wg functions and operators: {error}."
        ) from None
    if len(results) != row.nin or len(numbers) != row.nin:
        raise OperandError(
            f"The partials of {row.name} return one number for each operand "
            f"({', '.join(row.operands)}), and gave {len(results)}, {len(numbers)} of them numbers."
        )


def _check_array(row: Primitive) -> None:
    points = list(samples(row.domain))
    columns = list(zip(*points, strict=True))
    found = row(*map(list, columns))
    for point, each in zip(points, found, strict=True):
        value = row.scalar(*point)
        if not abs(each - value) <= 1e-9 * abs(value) and value == value:
            at = ", ".join(map(repr, point))
            raise CheckError(
                f"The array form of {row.name} gives {float(each)!r} at {at}, and the function "
                f"{value!r}."
            )
