"""Functions that are given by an equation: y(x) with r(x, y) = 0, and a solver that finds y.

Derivatives come from the implicit function theorem, dy = -(∂r/∂y)⁻¹ ∂r/∂x dx, whatever the solver
does. What is recorded, and why, is told in docs/decisions/implicit.md:

    y* = Newton's method from the example's solution, without derivatives, until it has converged
    A  = (∂r/∂y)⁻¹ at y*, without derivatives
    y  = y* - A r(x, y*), again and again: each time exact to one order of derivatives more
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce, update_wrapper
from math import inf, isfinite
from typing import Any

import numpy as np

from wengert import primitives
from wengert.derive import programs
from wengert.derive.calling import Transform, Transformed
from wengert.derive.linear import Factored
from wengert.dispatch import describe, to_float
from wengert.errors import OperandError
from wengert.node import Node
from wengert.program.loops import while_loop
from wengert.program.record import name_of
from wengert.program.recorded import Recorded
from wengert.program.structure import Structure, structure_of

Numbers = Sequence[Any] | np.ndarray[Any, np.dtype[Any]]
MOST_UNKNOWNS = 64
CLOSE = 1e-9  # the relative size of Newton's last step
MOST_STEPS = 50
LINEARISED = Transform(
    "linearised", programs.jacobian, (("argnums", 0), ("mode", "forward"), ("value", True))
)
DERIVED = Transform("jacobian", programs.jacobian, (("argnums", 0),))


def implicit(
    residual: Callable[..., Any], solver: Callable[..., Any], order: int = 3, tol: float = 1e-6
) -> "Implicit":
    r"""A function that is given by an equation, differentiated by the implicit function theorem.

    $$r(x, y) = 0 \quad\Rightarrow\quad
    \frac{dy}{dx} = -\left(\frac{\partial r}{\partial y}\right)^{-1} \frac{\partial r}{\partial x}$$

    The solver may be anything: it is called with plain numbers and not differentiated. What is
    recorded starts from its answer, refines it by Newton's method, and so holds for other arguments
    too, as far as Newton's method finds a solution from there.

    Args:
        residual: from the arguments, and y as the last one, to as many numbers as y has, written
            with wg functions. All that y depends on is an argument.
        solver: from the arguments to y: a number, an array or a structure of up to 64 numbers.
        order: of the highest derivatives that are exact. Each order costs one more residual.
        tol: how far Newton's method may move the solver's answer, relative to its largest number.

    Returns:
        A function of the arguments. For plain numbers it gives what the solver gives; for Values,
        Values whose `forward()` calls the solver again; in recorded code, y.

    Raises:
        OperandError: when called on Values or in recorded code: the solver's answer is no solution,
            ∂r/∂y is singular there, or the residual has another size than y.
        PathChanged: when a recorded program is called, and Newton's method does not converge.

    Source:
        Griewank and Walther, Evaluating Derivatives, 2nd edition, chapter 15; Blondel et al.,
        Efficient and modular implicit differentiation, NeurIPS 2022.

    Examples:
        >>> import wengert as wg
        >>> def bisection(a):
        ...     low, high = 0.0, max(a, 1.0)
        ...     for _ in range(60):
        ...         middle = (low + high) / 2
        ...         low, high = (middle, high) if middle * middle < a else (low, middle)
        ...     return low
        >>> root = wg.implicit(lambda a, y: y**2 - a, bisection)
        >>> wg.grad(root)(4.0), wg.grad(wg.grad(root))(4.0)
        (0.25, -0.03125)
    """
    return Implicit(residual, solver, order, tol)


class Implicit:
    """What `wg.implicit` returns; its arguments are those."""

    def __init__(
        self, residual: Callable[..., Any], solver: Callable[..., Any], order: int, tol: float
    ) -> None:
        for what, given in (("residual", residual), ("solver", solver)):
            if not callable(given):
                raise OperandError(
                    f"The {what} of implicit() is a function, not {describe(given)}."
                )
        if type(order) is not int or order < 1:
            raise OperandError(f"order= is an integer from 1 on, not {describe(order)}.")
        if not to_float(tol, "tol=") > 0.0:
            raise OperandError(f"tol= is a positive number, not {describe(tol)}.")
        self.residual, self.solver, self.order, self.tol = residual, solver, order, tol
        update_wrapper(self, solver, updated=())

    def __call__(self, *args: Any) -> Any:
        """The solution for these arguments."""
        given = structure_of(args).elements(args)
        if any(isinstance(each, Recorded) for each in given):
            return self._recorded(args, given)
        if any(isinstance(each, Node) for each in given):
            return _on_values(self, args)
        return self._plain(args)

    def _recorded(self, args: tuple[Any, ...], given: Sequence[Any]) -> Any:
        operands = list({id(each): each for each in given if isinstance(each, Recorded)}.values())
        order = {id(operand): k for k, operand in enumerate(operands)}
        varied = [_varied(arg, order) for arg in args]
        equation = _Equation(self, _made(varied, [operand._data for operand in operands]))
        return equation.recorded(args, _made(varied, list(map(primitives.stop_gradient, operands))))

    def _plain(self, args: tuple[Any, ...]) -> Any:
        answer = self.solver(*args)
        result = self.residual(*args, answer)
        left = structure_of(result, where="the residual").elements(result)
        if any(hasattr(each, "_apply") for each in left):
            raise OperandError(
                "The residual of implicit() depends on a number that is differentiated and is none "
                "of its arguments: pass it, implicit(lambda x, a, y: ..., ...)(x, a)."
            )
        return answer

    def __repr__(self) -> str:
        return f"<implicit function {name_of(self.solver)}>"


class _Equation:
    """An implicit function at some numbers, with the solver's answer there.

    Attributes:
        unknowns: the structure of y.
        start: the solver's answer, `(m,)`.
        scale: the size of its largest number; 1 where all are 0.
        inverse: (∂r/∂y)⁻¹ there, `(m, m)`.
    """

    def __init__(self, function: Implicit, args: Sequence[Any]) -> None:
        self.function = function
        answer = function.solver(*args)
        self.unknowns = structure_of(answer, where="the solver's answer")
        self.start = self.unknowns.numbers(answer, "the solver's answer")
        if not 1 <= len(self.start) <= MOST_UNKNOWNS:
            raise OperandError(
                f"implicit() solves for 1 to {MOST_UNKNOWNS} unknowns, and the solver gives "
                f"{len(self.start)}. Solve smaller systems one after the other."
            )
        self.scale = float(np.abs(self.start).max()) or 1.0
        self.inverse = self._checked(args)

    def residuals(self, args: Sequence[Any], unknowns: Numbers) -> Any:
        """What is left of the equations, an array."""
        result = self.function.residual(*args, self.unknowns.tree(unknowns))
        left = structure_of(result, where="the residual").elements(result)
        if len(left) != len(self.start):
            raise OperandError(
                "The residual of implicit() has one number for each unknown: "
                f"{len(self.start)}, not {len(left)}."
            )
        return np.array(left, dtype=object)

    def linearised(self, args: Sequence[Any], unknowns: Numbers) -> tuple[Any, Any]:
        """The residuals and ∂r/∂y."""
        at: Any = np.array(unknowns, dtype=object)
        left, slopes = Transformed(partial(self.residuals, args), LINEARISED)(at)
        return left, slopes

    def _checked(self, args: Sequence[Any]) -> Any:
        left, slopes = (_floats(each) for each in self.linearised(args, self.start))
        try:
            inverse = np.linalg.inv(slopes)
        except np.linalg.LinAlgError:
            inverse = np.full_like(slopes, inf)
        with np.errstate(all="ignore"):
            step = float(np.abs(inverse @ left).max())
        if isfinite(step) and step <= self.function.tol * self.scale:
            return inverse
        if np.isfinite(left).all() and not np.isfinite(inverse).all():
            raise OperandError(
                f"∂r/∂y is singular or has no value at the solver's answer, {_few(self.start)}: "
                "the equation does not say how y changes there."
            )
        raise OperandError(
            f"The solver's answer {_few(self.start)} does not solve the equation: the residual is "
            f"{_few(left)}, and a Newton step would move y by {step:.3g}. At most "
            f"{self.function.tol * self.scale:.3g} is allowed by tol={self.function.tol:g}; solve "
            "more exactly, or allow more."
        )

    # --- in recorded code -------------------------------------------------------------------------

    def recorded(self, args: Sequence[Any], held: Sequence[Any]) -> Any:
        """The solution as operations of the recording.

        Args:
            args: recorded arguments.
            held: the same, not to be differentiated by.
        """
        y = self._refined(held)
        inverse = primitives.stop_gradient(Factored(self.linearised(held, y)[1]).inverse())
        for _ in range(self.function.order):
            y = y - inverse @ self.residuals(args, y)
        return self.unknowns.tree(list(y))

    def _refined(self, args: Sequence[Any]) -> Any:
        """Where Newton's method gets from the solver's answer."""

        def limit(y: Any) -> Any:
            return CLOSE * primitives.maximum(_largest(y), self.scale)

        def goes_on(state: Any) -> Any:
            y, change, count = state
            return (change > limit(y)) & (count < MOST_STEPS)

        def improved(state: Any) -> Any:
            y, _, count = state
            left, slopes = self.linearised(args, y)
            steps = np.array(Factored(slopes).solution(left), dtype=object)
            return y - steps, _largest(steps), count + 1.0

        y, change, _ = while_loop(goes_on, improved, (self.start, inf, 0.0))
        beyond = change - limit(y)
        beyond.label = "newton_step_beyond_tolerance"
        if not beyond <= 0.0:  # a guard, where the program is called with other arguments
            raise OperandError(
                f"Newton's method does not converge from the solver's answer {_few(self.start)}."
            )
        return primitives.stop_gradient(y)


# --- on Values ------------------------------------------------------------------------------------


def _on_values(function: Implicit, args: tuple[Any, ...]) -> Any:
    """The solution as Values: operations of its own, whose number the solver finds."""
    found = [each for each in structure_of(args).elements(args) if isinstance(each, Node)]
    operands = list({id(each): each for each in found}.values())
    solved = _Solved(function, args, operands)
    equation = solved.at([operand._data for operand in operands])
    y = [_value(solved, k, operands) for k in range(len(equation.start))]
    return equation.unknowns.tree(y)


def _value(solved: "_Solved", k: int, operands: list[Any]) -> Any:
    """One unknown; its closures refer to the nodes themselves, so that they can be copied."""
    number = solved.at([operand._data for operand in operands]).start[k]
    out = type(operands[0])(float(number), tuple(operands), "implicit")

    def backward() -> None:
        if out.grad:
            slopes = solved.slopes([operand._data for operand in operands])[k]
            for operand, slope in zip(operands, slopes.tolist(), strict=True):
                operand.grad += slope * out.grad

    out._backward = backward
    out._forward = lambda *numbers: float(solved.at(numbers).start[k])
    return out


class _Solved:
    """An equation for whatever numbers stand for some Values among its arguments.

    It remembers the last solution, which the unknowns of one equation share.
    """

    def __init__(self, function: Implicit, args: tuple[Any, ...], operands: Sequence[Any]) -> None:
        self.function = function
        order = {id(operand): k for k, operand in enumerate(operands)}
        self.args = [_varied(arg, order) for arg in args]
        self.last: tuple[tuple[float, ...], _Equation] | None = None

    def at(self, numbers: Sequence[float]) -> _Equation:
        """The solved equation."""
        last, key = self.last, tuple(numbers)
        if last is None or last[0] != key:
            self.last = last = key, _Equation(self.function, _made(self.args, key))
        return last[1]

    def slopes(self, numbers: Sequence[float]) -> Any:
        """The derivatives of all unknowns by all Values, `(m, n)`."""
        equation = self.at(numbers)

        def left(varied: Any) -> Any:
            return equation.residuals(_made(self.args, varied), equation.start)

        return -equation.inverse @ Transformed(left, DERIVED)(np.array(numbers))


# --- what arguments are made of -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Varied:
    """An argument that other numbers can stand in.

    Args:
        structure: its structure.
        elements: what it is made of; where others can stand, their positions among those.
        varied: which of the elements are such positions.
    """

    structure: Structure
    elements: tuple[Any, ...]
    varied: frozenset[int]

    def made(self, numbers: Sequence[Any]) -> Any:
        """The argument with these numbers."""
        found = [
            numbers[each] if at in self.varied else each for at, each in enumerate(self.elements)
        ]
        plain = not any(hasattr(each, "_apply") for each in found)
        return self.structure.tree(np.array(found, dtype=float) if plain else found)


def _varied(arg: Any, order: dict[int, int]) -> Any:
    """An argument; a `_Varied` one where some of these, given by identity, are part of it."""
    structure = structure_of(arg)
    elements = structure.elements(arg)
    places = frozenset(at for at, each in enumerate(elements) if id(each) in order)
    if not places:
        return arg
    return _Varied(structure, tuple(order.get(id(e), e) for e in elements), places)


def _made(args: Sequence[Any], numbers: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(arg.made(numbers) if isinstance(arg, _Varied) else arg for arg in args)


def _largest(numbers: Numbers) -> Any:
    return reduce(primitives.maximum, map(primitives.abs, numbers))


def _floats(numbers: Any) -> Any:
    return np.vectorize(lambda each: _number(each), otypes=[float])(numbers)


def _number(each: Any) -> float:
    return each._data if isinstance(each, Recorded) else float(each)


def _few(numbers: Any) -> str:
    shown = ", ".join(f"{number:.6g}" for number in numbers[:4])
    return f"({shown}{', ...' if len(numbers) > 4 else ''})"
