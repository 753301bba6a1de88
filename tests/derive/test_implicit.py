"""Functions given by an equation: derivatives against closed forms, mpmath and differences."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest

import wengert as wg
from problems.stiff import robertson, van_der_pol
from wengert import plain
from wengert.derive.implicit import MOST_UNKNOWNS
from wengert.errors import OperandError, PathChanged

ENGINES = {"plain": plain.Value, "chosen": wg.Value}


def bisection(f: Callable[[float], float], low: float, high: float) -> float:
    """Where an increasing function is 0: no derivative goes through its comparisons."""
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if f(middle) < 0.0 else (low, middle)
    return high


def newton(residual: Callable[..., Any], start: Any) -> Callable[..., Any]:
    """A solver on plain numbers, with differences for its Jacobian."""

    def solve(*args: Any) -> Any:
        y = np.array(start, dtype=float)
        for _ in range(60):
            left = np.array(residual(*args, y), dtype=float)
            columns = [
                (np.array(residual(*args, y + 1e-7 * unit), dtype=float) - left) / 1e-7
                for unit in np.eye(len(y))
            ]
            step = np.linalg.solve(np.transpose(columns), left)
            y = y - step
            if np.abs(step).max() < 1e-15 * np.abs(y).max():
                break
        return y

    return solve


root = wg.implicit(lambda a, y: y**2 - a, lambda a: bisection(lambda y: y * y - a, 0.0, a + 1.0))


def kepler_equation(mean: Any, e: Any, anomaly: Any) -> Any:
    return anomaly - e * wg.sin(anomaly) - mean


kepler = wg.implicit(
    kepler_equation, lambda mean, e: bisection(lambda y: y - e * math.sin(y) - mean, -9.0, 9.0)
)


def exact_kepler(mean: Any, e: Any) -> Any:
    return mpmath.findroot(lambda y: y - e * mpmath.sin(y) - mean, mean)


# --- plain numbers --------------------------------------------------------------------------------


def test_plain_numbers_go_to_the_solver_as_they_are() -> None:
    taken: list[Any] = []

    def solver(n: int, x: float) -> dict[str, float]:
        taken.append((n, x))
        return {"y": x / n}

    function = wg.implicit(lambda n, x, y: y["y"] * n - x, solver)
    assert function(4, 2.0) == {"y": 0.5}
    assert taken == [(4, 2.0)]
    assert type(taken[0][0]) is int


# --- derivatives ----------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_square_root(order: int) -> None:
    f: Any = root
    for _ in range(order):
        f = wg.grad(f)
    with mpmath.workdps(40):
        wanted = float(mpmath.diff(mpmath.sqrt, 3.7, order))
    assert f(3.7) == pytest.approx(wanted, rel=1e-13)


@pytest.mark.parametrize("order", [4, 5])
def test_higher_orders_are_exact_where_they_are_asked_for(order: int) -> None:
    f: Any = wg.implicit(lambda a, y: y**2 - a, math.sqrt, order=order)
    short: Any = wg.implicit(lambda a, y: y**2 - a, math.sqrt, order=order - 1)
    for _ in range(order):
        f, short = wg.grad(f), wg.grad(short)
    with mpmath.workdps(60):
        wanted = float(mpmath.diff(mpmath.sqrt, 2.0, order))
    assert f(2.0) == pytest.approx(wanted, rel=1e-12)
    assert short(2.0) != pytest.approx(wanted, rel=1e-3)  # or there would be nothing to ask for


def test_kepler_s_equation_to_third_order() -> None:
    point = (1.3, 0.6)
    with mpmath.workdps(40):
        wanted = {
            n: float(mpmath.diff(exact_kepler, point, n))
            for n in [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (2, 1)]
        }
    first = wg.grad(kepler, (0, 1))(*point)
    assert first == pytest.approx((wanted[1, 0], wanted[0, 1]), rel=1e-13)
    second = wg.hessian(kepler, (0, 1))(*point)
    flat = [each for row in second for each in row]
    assert flat == pytest.approx(
        [wanted[2, 0], wanted[1, 1], wanted[1, 1], wanted[0, 2]], rel=1e-12
    )
    third = wg.grad(wg.grad(wg.grad(kepler, 0), 0), 1)(*point)
    assert third == pytest.approx(wanted[2, 1], rel=1e-11)


def test_all_transforms_agree() -> None:
    point, direction = (1.3, 0.6), (0.5, -2.0)
    slopes = wg.grad(kepler, (0, 1))(*point)
    along = slopes[0] * direction[0] + slopes[1] * direction[1]
    assert wg.jvp(kepler, point, direction)[1] == pytest.approx(along, rel=1e-14)
    assert wg.linearize(kepler, *point)[1](*direction) == pytest.approx(along, rel=1e-14)
    value, pullback = wg.vjp(kepler, *point)
    assert value == pytest.approx(kepler(*point), rel=1e-15)
    assert pullback(2.0) == pytest.approx((2.0 * slopes[0], 2.0 * slopes[1]), rel=1e-14)
    hessian = np.array(wg.hessian(kepler, (0, 1))(*point))
    found = wg.hvp(kepler, point, direction)
    assert found == pytest.approx(hessian @ direction, rel=1e-12)
    for mode in ("forward", "reverse"):
        assert wg.jacobian(kepler, (0, 1), mode=mode)(*point) == pytest.approx(slopes, rel=1e-14)


def test_transforms_inside_of_each_other() -> None:
    """d/da of d/db sqrt(ab) at b = 1: √a/2, whose derivative is 1/(4√a)."""
    mixed = wg.grad(lambda a: wg.grad(lambda b: root(a * b))(1.0))
    assert mixed(4.0) == pytest.approx(0.125, rel=1e-13)
    nested = wg.implicit(lambda a, y: root(y) - a, lambda a: a * a)  # √y = a
    assert wg.grad(nested)(3.0) == pytest.approx(6.0, rel=1e-12)
    assert wg.grad(wg.grad(nested))(3.0) == pytest.approx(2.0, rel=1e-10)


def test_in_stated_loops() -> None:
    def halved(a: Any) -> Any:
        """Square roots until they are small: the 64th root of 300."""
        return wg.while_loop(lambda y: y > 1.1, root, a)

    with mpmath.workdps(40):
        slope, second = (float(mpmath.diff(lambda a: mpmath.root(a, 64), 300.0, n)) for n in (1, 2))
    program = wg.record(halved, 20.0)
    assert wg.grad(halved)(300.0) == pytest.approx(slope, rel=1e-12)
    assert wg.grad(program)(300.0) == pytest.approx(slope, rel=1e-12)
    assert wg.hessian(halved)(300.0) == pytest.approx(second, rel=1e-11)

    def fixed_point(k: Any) -> Any:
        return wg.scan(lambda y, _: (root(y + k), None), 2.0, length=40)[0]

    assert wg.grad(fixed_point)(1.0) == pytest.approx(5.0**-0.5, rel=1e-13)


# --- several unknowns, in structures --------------------------------------------------------------


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass
class Circle:
    radius: Any
    slope: Any


def meeting(circle: Circle, at: Point) -> list[Any]:
    """Where a circle around the origin and a line through it meet."""
    return [at.x**2 + at.y**2 - circle.radius**2, at.y - circle.slope * at.x]


def met(circle: Circle) -> Point:
    x = circle.radius / math.hypot(1.0, circle.slope)
    return Point(x, circle.slope * x)


def test_structures_of_arguments_and_unknowns() -> None:
    found = wg.jacobian(wg.implicit(meeting, met))(Circle(2.0, 0.75))
    # x = 1.6, y = 1.2: x = r / √(1+s²), so ∂x/∂r = 0.8, ∂x/∂s = -r s / √(1+s²)³; y = s x.
    assert isinstance(found, Point)
    assert isinstance(found.x, Circle)
    assert (found.x.radius, found.x.slope) == pytest.approx((0.8, -0.768), rel=1e-14)
    assert (found.y.radius, found.y.slope) == pytest.approx((0.6, 1.6 - 0.75 * 0.768), rel=1e-14)


def test_only_what_varies_is_differentiated() -> None:
    def first(radius: Any) -> Any:
        return wg.implicit(meeting, met)(Circle(radius, 0.75)).x

    assert wg.grad(first)(2.0) == pytest.approx(0.8, rel=1e-14)


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_linear_systems_are_solved_by_the_inverse(n: int) -> None:
    rng = np.random.default_rng(n)
    matrix = rng.normal(size=(n, n))
    solve = wg.implicit(lambda b, y: matrix @ y - b, lambda b: np.linalg.solve(matrix, b))
    found = wg.jacobian(solve)(rng.normal(size=n))
    assert found == pytest.approx(np.linalg.inv(matrix), rel=1e-9)


def test_a_system_with_a_matrix_as_argument() -> None:
    """dy = -A⁻¹ dA y."""
    rng = np.random.default_rng(7)
    matrix, right = rng.normal(size=(3, 3)), rng.normal(size=3)
    solve = wg.implicit(lambda a, b, y: a @ y - b, np.linalg.solve)
    found = wg.jacobian(solve)(matrix, right)
    inverse, y = np.linalg.inv(matrix), np.linalg.solve(matrix, right)
    assert found == pytest.approx(-np.einsum("ij,k->ijk", inverse, y), rel=1e-10)


# --- Values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_values_are_differentiated_and_solved_again(engine: str) -> None:
    mean, e = (ENGINES[engine](number) for number in (1.3, 0.6))
    loss = kepler(mean, e) ** 2 + mean
    for point in ((1.3, 0.6), (0.4, 0.2)):
        mean.data, e.data = point
        loss.zero_grad()
        loss.forward()
        loss.backward()
        slopes = wg.grad(lambda m, e: kepler(m, e) ** 2 + m, (0, 1))(*point)
        assert loss.data == pytest.approx(kepler(*point) ** 2 + point[0], rel=1e-15)
        assert (mean.grad, e.grad) == pytest.approx(slopes, rel=1e-12)
    if engine == "chosen":
        assert wg.check(loss).ok


def test_a_value_that_occurs_twice_and_numbers_beside_it() -> None:
    x = wg.Value(0.5)
    found = kepler(x, x)
    found.backward()
    both = wg.grad(kepler, (0, 1))(0.5, 0.5)
    assert x.grad == pytest.approx(sum(both), rel=1e-13)
    radius = wg.Value(2.0)
    at = wg.implicit(meeting, met)(Circle(radius, 0.75))
    (at.x * 3.0 + at.y).backward()
    assert radius.grad == pytest.approx(3.0, rel=1e-14)


def test_graphs_with_it_can_be_copied() -> None:
    import copy

    x = wg.Value(4.0, label="x")
    other = copy.deepcopy(root(x) * 3.0)
    other.backward()
    leaf = next(node for node in wg.trace(other)[0] if node.label == "x")
    assert leaf is not x
    assert (leaf.grad, x.grad) == (pytest.approx(0.75), 0.0)


# --- programs at other arguments ------------------------------------------------------------------


def test_a_program_holds_at_other_arguments() -> None:
    program = wg.record(root, 4.0)
    slope, second = wg.grad(program), wg.hessian(program)
    for a in (1e-8, 0.3, 4.0, 5.0, 123.0, 1e12):
        assert program(a) == pytest.approx(math.sqrt(a), rel=1e-15)
        assert slope(a) == pytest.approx(0.5 / math.sqrt(a), rel=1e-14)
        assert second(a) == pytest.approx(-0.25 * a**-1.5, rel=1e-13)
    assert wg.Program.parse(str(program)) == program
    assert list(program.arguments.keys) == ["a"]


@pytest.mark.parametrize("a", [-1.0, math.nan, math.inf])
def test_a_program_that_does_not_converge_says_so(a: float) -> None:
    """y² = -1 has no solution: Newton's method wanders."""
    program = wg.record(root, 4.0)
    for each in (program, wg.grad(program), program.simplify()):
        with pytest.raises(PathChanged, match="newton_step_beyond_tolerance <= 0.0 was true"):
            each(a)


def test_a_solution_at_zero_is_found() -> None:
    cube = wg.implicit(
        lambda a, y: y + y**3 - a, lambda a: bisection(lambda y: y + y**3 - a, -9, 9)
    )
    program = wg.record(cube, 0.0)
    assert wg.grad(cube)(0.0) == pytest.approx(1.0, rel=1e-14)
    assert program(10.0) == pytest.approx(2.0, rel=1e-15)
    back = wg.record(cube, 10.0)
    assert back(0.0) == pytest.approx(0.0, abs=1e-15)
    assert wg.grad(back)(0.0) == pytest.approx(1.0, rel=1e-14)


def test_what_the_solver_leaves_is_refined() -> None:
    rough = wg.implicit(lambda a, y: y**2 - a, lambda a: round(math.sqrt(a), 4), tol=1e-3)
    assert rough(2.0) == 1.4142
    assert wg.jvp(rough, (2.0,), (1.0,)) == pytest.approx((math.sqrt(2.0), 0.125**0.5), rel=1e-15)


# --- stiff equations, step by step ----------------------------------------------------------------


def implicit_step(slope: Callable[[Any], list[Any]], h: float) -> tuple[Any, Any]:
    def residual(rate: Any, before: Any, state: Any) -> list[Any]:
        slopes = slope(state)
        return [state[i] - before[i] - h * rate * slopes[i] for i in range(len(before))]

    def solver(rate: float, before: Any) -> list[float]:
        found: list[float] = newton(residual, before)(rate, before).tolist()
        return found

    return residual, wg.implicit(residual, solver)


STIFF: dict[str, tuple[Any, list[float], float]] = {
    "Robertson": (robertson, [1.0, 0.2, 0.0], 0.02),
    "Van der Pol": (van_der_pol, [2.0, 0.0], 0.01),
}


def exact_states(residual: Any, start: list[float], rate: Any, steps: int) -> Any:
    """The states after all steps, by Newton's method in as many digits as mpmath has."""
    slopes = wg.jacobian(wg.record(residual, 1.0, start, start), 2)
    state = [mpmath.mpf(x) for x in start]
    for _ in range(steps):
        before = state
        left = [mpmath.inf]
        while max(map(abs, left)) > mpmath.eps * 1e6:
            left = residual(rate, before, state)
            inverse = np.linalg.inv(slopes(float(rate), start, list(map(float, state))))
            state = [
                y - mpmath.fdot(row, left) for y, row in zip(state, inverse.tolist(), strict=True)
            ]
    return state


@pytest.mark.parametrize("name", STIFF)
def test_a_hundred_implicit_euler_steps(name: str) -> None:
    """Against central differences of the same steps with 60 digits."""
    slope, start, h = STIFF[name]
    residual, step = implicit_step(slope, h)

    def last(rate: Any, scanned: bool) -> Any:
        state: Any = start
        if scanned:
            return wg.scan(lambda s, _: (step(rate, s), None), start, length=100)[0]
        for _ in range(100):
            state = step(rate, state)
        return state

    with mpmath.workdps(60):
        d = mpmath.mpf(10) ** -20
        above, below = (exact_states(residual, start, 1 + s * d, 100) for s in (1, -1))
        wanted = [float((a - b) / (2 * d)) for a, b in zip(above, below, strict=True)]
    program = wg.record(lambda rate: last(rate, scanned=False), 1.0)
    assert program.size < 20_000
    room = 1e-11 * max(map(abs, wanted))
    for found in (
        wg.jacobian(program)(1.0), wg.jacobian(program, mode="reverse")(1.0),
        wg.jacobian(lambda rate: last(rate, scanned=True))(1.0),
    ):  # fmt: skip
        assert found == pytest.approx(wanted, rel=1e-11, abs=room)


def test_steps_are_what_the_theorem_says() -> None:
    """dy = -(∂r/∂y)⁻¹ (∂r/∂b db + ∂r/∂k dk), multiplied out with NumPy."""
    residual, step = implicit_step(robertson, 0.5)
    before = [1.0, 0.2, 0.0]
    y = step(1.0, before)
    by_all = wg.jacobian(lambda k, b: np.array(list(step(k, b))), (0, 1))(1.0, np.array(before))
    parts = [
        np.array(wg.jacobian(lambda *xs: np.array(residual(*xs)), k)(
            1.0, np.array(before), np.array(y)
        ))
        for k in range(3)
    ]  # fmt: skip
    wanted = [-np.linalg.solve(parts[2], parts[k]) for k in range(2)]
    assert by_all[0] == pytest.approx(wanted[0], rel=1e-11)
    assert by_all[1] == pytest.approx(wanted[1], rel=1e-10, abs=1e-14)


# --- what is refused ------------------------------------------------------------------------------


def at_four(function: Any) -> Callable[[], Any]:
    return lambda: wg.grad(function)(4.0)


Y: Any = wg.implicit
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "no residual": (lambda: Y(3, abs), "residual of implicit.. is a function"),
    "no solver": (lambda: Y(abs, 3), "solver of implicit.. is a function"),
    "no order": (lambda: Y(abs, abs, order=0), "order= is an integer from 1 on"),
    "half an order": (lambda: Y(abs, abs, order=1.5), "order= is an integer from 1 on"),
    "no tolerance": (lambda: Y(abs, abs, tol=0.0), "tol= is a positive number"),
    "no solution": (
        at_four(Y(lambda a, y: y * y - a, lambda a: 1.9)),
        r"answer \(1.9\) does not solve the equation: the residual is \(-0.39\)",
    ),
    "no number": (at_four(Y(lambda a, y: y * y - a, lambda a: math.nan)), "does not solve"),
    "no residual there": (at_four(Y(lambda a, y: wg.log(y - a), lambda a: a)), "does not solve"),
    "a double root": (at_four(Y(lambda a, y: (y - a) ** 2, lambda a: a)), "∂r/∂y is singular"),
    "dependent equations": (
        at_four(lambda a: Y(lambda a, y: [y[0] + y[1] - a] * 2, lambda a: [a, 0.0])(a)[0]),
        "∂r/∂y is singular",
    ),
    "y does not occur": (at_four(Y(lambda a, y: a - a, lambda a: a)), "∂r/∂y is singular"),
    "two equations for one": (
        at_four(Y(lambda a, y: [y - a, y - a], lambda a: a)), "one number for each unknown: 1, not"
    ),
    "too many unknowns": (
        at_four(lambda a: Y(lambda a, y: y - a, lambda a: np.full(MOST_UNKNOWNS + 1, a))(a)[0]),
        "1 to 64 unknowns, and the solver gives 65",
    ),
    "none": (at_four(Y(lambda a, y: [], lambda a: [])), "1 to 64 unknowns"),
    "an answer that is none": (at_four(Y(lambda a, y: y, lambda a: "4")), "unknowns, and the"),
    "a recorded number from outside": (
        at_four(lambda a: Y(lambda b, y: y - a * b, lambda b: 4.0 * b)(1.0)),
        "none of its arguments",
    ),
    "a Value from outside": (
        lambda: Y(lambda b, y: y - wg.Value(2.0) * b, lambda b: 2.0 * b)(1.0),
        "none of its arguments",
    ),
    "Values without a solution": (
        lambda: Y(lambda a, y: y * y - a, lambda a: 1.0)(wg.Value(4.0)), "does not solve"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused(case: str) -> None:
    call, match = REFUSED[case]
    with pytest.raises(OperandError, match=match):
        call()


def test_a_residual_may_use_numbers_around_it() -> None:
    """A number that is differentiated and stands in the residual, but not in the solver."""

    def f(a: Any) -> Any:
        return wg.implicit(lambda b, y: y - a * b, lambda b: 4.0 * b)(a / 4.0)

    assert wg.grad(f)(4.0) == pytest.approx(2.0, rel=1e-14)  # a²/4
    assert wg.grad(wg.grad(f))(4.0) == pytest.approx(0.5, rel=1e-13)


def test_it_says_what_it_is() -> None:
    def square_root(a: float) -> float:
        return math.sqrt(a)

    function = wg.implicit(lambda a, y: y * y - a, square_root)
    assert repr(function) == "<implicit function square_root>"
    assert wg.record(function, 2.0).name == "square_root"
