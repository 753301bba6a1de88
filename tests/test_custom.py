"""A user's own rules: whatever a row of the table does, they do, in every part of the house."""

import copy
import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import mpmath
import numpy as np
import pytest

import wengert as wg
from wengert import plain, registry
from wengert.custom import MOST_OPERANDS, custom_rule
from wengert.dispatch import Primitive
from wengert.errors import CheckError, OperandError, ProgramError
from wengert.expression import build
from wengert.formula import partial_texts, value_text

ENGINES = {"plain": plain.Value, "chosen": wg.Value}


@pytest.fixture(autouse=True)
def rules_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_RULES", {})


def sinc(**options: Any) -> Any:
    return custom_rule(
        "sinc",
        lambda x: math.sin(x) / x if x else 1.0,
        lambda z, x: (wg.where(wg.equal(x, 0.0), 0.0, (wg.cos(x) - z) / x),),
        **options,
    )


def cone() -> Any:
    """The volume of a truncated cone: three operands, one partial of each kind."""
    return custom_rule(
        "cone",
        lambda r, s, h: math.pi * h * (r * r + r * s + s * s) / 3.0,
        lambda z, r, s, h: (
            math.pi * h * (2.0 * r + s) / 3.0, math.pi * h * (r + 2.0 * s) / 3.0,
            math.pi * (r * r + r * s + s * s) / 3.0,
        ),
    )  # fmt: skip


def exact(order: int, x: float) -> float:
    with mpmath.workdps(50):
        return float(mpmath.diff(lambda t: mpmath.sin(t) / t, x, order))


# --- as a row -------------------------------------------------------------------------------------


def test_it_is_a_primitive_outside_the_table() -> None:
    rule = sinc()
    assert isinstance(rule, Primitive)
    assert "sinc" not in wg.primitives.TABLE
    assert registry.known("sinc") is rule
    assert registry.known("sin") is wg.sin
    assert rule(0.5) == math.sin(0.5) / 0.5
    assert rule(0.0) == 1.0
    found = rule(np.array([[0.0, 1.0], [2.0, 3.0]]))
    assert found.tolist() == [[1.0, math.sin(1.0)], [math.sin(2.0) / 2, math.sin(3.0) / 3]]
    with pytest.raises(OperandError, match="takes 1 operand"):
        rule(1.0, 2.0)
    assert "sinc(0.0)" in str(rule.__doc__)


def test_as_a_decorator_it_takes_the_function_s_name() -> None:
    @custom_rule(partials=lambda z, x, y: (2.0 * x * y, x * x))
    def square_times(x: float, y: float) -> float:
        return x * x * y

    assert square_times.name == "square_times"
    assert wg.grad(square_times, (0, 1))(3.0, 5.0) == (30.0, 9.0)


@pytest.mark.parametrize("engine", ENGINES)
def test_values_differentiate_it(engine: str) -> None:
    rule, volume = sinc(), cone()
    x = ENGINES[engine](0.7, label="x")
    y = ENGINES[engine](1.3, label="y")
    root = volume(rule(x) * y, y, x) + rule(np.array([x, y])).sum()
    root.backward()

    def f(a: float, b: float) -> float:
        return volume(rule(a) * b, b, a) + rule(a) + rule(b)

    with mpmath.workdps(40):

        def g(a: Any, b: Any) -> Any:
            s = mpmath.sin(a) / a * b
            v = mpmath.pi * a * (s * s + s * b + b * b) / 3
            return v + mpmath.sin(a) / a + mpmath.sin(b) / b

        slopes = [float(mpmath.diff(g, (0.7, 1.3), n)) for n in ((1, 0), (0, 1))]
    assert root.data == pytest.approx(f(0.7, 1.3), rel=1e-15)
    assert [x.grad, y.grad] == pytest.approx(slopes, rel=1e-13)
    x.data = 0.2
    root.forward()
    assert root.data == pytest.approx(f(0.2, 1.3), rel=1e-15)


def test_check_steps_drawing_and_expressions_know_it() -> None:
    sinc()
    root = build("sinc(x) * y", {"x": 0.5, "y": 2.0})
    root.backward()
    assert wg.check(root).ok
    assert any("-0.162" in str(step) for step in wg.steps(root))
    assert "sinc" in wg.draw(root)._repr_svg_()
    x = next(node for node in wg.trace(root)[0] if node.label == "x")
    x.grad = 1.0
    assert not wg.check(root).ok


def test_formulas_are_made_of_its_texts() -> None:
    rule = sinc(text="sin({0})/{0}", tex=r"\frac{{\sin {0}}}{{{0}}}", about="the unit sinc")
    assert value_text(rule, ["a"]) == "sin(a)/a"
    assert partial_texts(rule) == ("(0 if [x = 0] else (cos(x) - z)/x)",)
    assert str(rule.__doc__).startswith("the unit sinc.")


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivatives_of_any_order_are_those_of_mpmath(order: int) -> None:
    f: Any = sinc()
    for _ in range(order):
        f = wg.grad(f)
    assert f(1.7) == pytest.approx(exact(order, 1.7), rel=1e-11)


def test_every_transform_takes_it() -> None:
    rule = sinc()
    assert wg.jvp(rule, (1.7,), (2.0,))[1] == pytest.approx(2.0 * exact(1, 1.7), rel=1e-14)
    assert wg.vjp(rule, 1.7)[1](3.0)[0] == pytest.approx(3.0 * exact(1, 1.7), rel=1e-14)
    assert wg.hessian(rule)(1.7) == pytest.approx(exact(2, 1.7), rel=1e-13)
    assert wg.hvp(rule, (1.7,), (1.0,))[0] == pytest.approx(exact(2, 1.7), rel=1e-13)


# --- in programs ----------------------------------------------------------------------------------


def chain(x: Any) -> Any:
    rule = registry.known("sinc")
    assert isinstance(rule, Primitive)
    total = 0.0
    for k in range(80):
        x = rule(x) + 0.01 * rule(x * 2.0) * k
        total = total + x
    return total


def test_programs_roll_simplify_and_print_it() -> None:
    sinc()
    program = wg.record(chain, 0.3)
    assert program.size < 20
    assert program(0.3) == chain(0.3)
    twice = wg.record(lambda x: registry.known("sinc")(x) * registry.known("sinc")(x), 0.3)  # type: ignore[misc]
    assert len(twice) == 3
    assert len(twice.simplify()) == 2
    for each in (program, wg.grad(program), program.simplify(), twice.expand()):
        assert wg.Program.parse(str(each)) == each
    assert wg.grad(program)(0.3) == pytest.approx(wg.grad(chain)(0.3), rel=1e-14)
    x = wg.Value(0.3)
    chain(x).backward()
    assert wg.grad(program)(0.3) == pytest.approx(x.grad, rel=1e-13)


def test_columns_of_programs_take_it() -> None:
    """Straight stretches too long for loops, which C differentiates in columns."""
    rule, volume = sinc(), cone()
    rng = np.random.default_rng(1)
    pairs = rng.integers(0, 12, (300, 3)).tolist()

    def tangled(xs: Any) -> Any:
        numbers = list(xs)
        for i, j, k in pairs:
            numbers[k] = rule(numbers[i]) + 0.1 * volume(numbers[i], numbers[j], 0.2)
        return sum(numbers)

    point = rng.uniform(0.2, 1.0, 12)
    values = [wg.Value(each) for each in point.tolist()]
    tangled(values).backward()
    raw = wg.grad(wg.record(tangled, point, passes=()))(point)
    assert raw == pytest.approx([each.grad for each in values], rel=1e-12)


def test_stated_loops_take_it() -> None:
    rule = sinc()

    def turned(a: Any) -> Any:
        return wg.scan(lambda c, x: (rule(c * x), rule(x)), a, np.linspace(0.5, 1.5, 30))[0]

    def unrolled(a: Any) -> Any:
        for x in np.linspace(0.5, 1.5, 30).tolist():
            a = mpmath.sin(a * x) / (a * x)
        return a

    with mpmath.workdps(40):
        wanted = [float(mpmath.diff(unrolled, 0.3, n)) for n in (1, 2)]
    assert wg.grad(turned)(0.3) == pytest.approx(wanted[0], rel=1e-11)
    assert wg.hessian(turned)(0.3) == pytest.approx(wanted[1], rel=1e-10)


def test_programs_with_most_operands_run_in_both_ways() -> None:
    names = ", ".join(f"x{k}" for k in range(MOST_OPERANDS))
    function = eval(f"lambda {names}: {' + '.join(names.split(', '))}")
    partials = eval(f"lambda z, {names}: ({'1.0, ' * MOST_OPERANDS})")
    rule = custom_rule("many", function, partials)
    point = [float(k) for k in range(MOST_OPERANDS)]
    assert wg.grad(lambda x: rule(*x) ** 2)(point) == [30.0] * MOST_OPERANDS
    values = [wg.Value(x) for x in point]
    (rule(*values) ** 2).backward()
    assert [value.grad for value in values] == [30.0] * MOST_OPERANDS


def test_files_and_pickles_name_it(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = sinc()
    program = wg.record(chain, 0.3)
    program.save(tmp_path / "p.wg")
    pickled = pickle.dumps((program, rule, rule(wg.Value(0.5))))
    assert wg.load(tmp_path / "p.wg") == program
    loaded, same, root = pickle.loads(pickled)
    assert loaded == program
    assert same is rule
    assert root.data == rule(0.5)
    assert copy.deepcopy(rule) is rule
    monkeypatch.setattr(registry, "_RULES", {})
    for read in (
        lambda: wg.load(tmp_path / "p.wg"), lambda: pickle.loads(pickled),
    ):  # fmt: skip
        with pytest.raises(ProgramError, match=r"names 'sinc'.*wg\.custom_rule"):
            read()
    with pytest.raises(ProgramError, match="wg.custom_rule"):
        wg.Program.parse(str(program))


def test_another_process_makes_the_rule_first(tmp_path: Any) -> None:
    sinc()
    wg.record(chain, 0.3).save(tmp_path / "p.wg")
    made = """
import math, sys
import wengert as wg
wg.custom_rule("sinc", lambda x: math.sin(x) / x if x else 1.0,
               lambda z, x: ((wg.cos(x) - z) / x,))
print(repr(wg.load(sys.argv[1])(0.3)))
"""
    command = [sys.executable, "-c", made, str(tmp_path / "p.wg")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(run.stdout) == chain(0.3)


# --- made again -----------------------------------------------------------------------------------


def test_the_same_definition_gives_the_same_rule() -> None:
    assert sinc() is sinc()


def test_another_definition_takes_the_name_over(tmp_path: Any) -> None:
    before = custom_rule("times", lambda x: 2.0 * x, lambda z, x: (2.0,))
    old = wg.record(lambda x: before(x), 1.0)
    derived = wg.grad(lambda x: before(x))(1.0)
    after = custom_rule("times", lambda x: 3.0 * x, lambda z, x: (3.0,))
    new = wg.record(lambda x: after(x), 1.0)
    assert after is not before
    assert (derived, wg.grad(lambda x: after(x))(1.0)) == (2.0, 3.0)
    assert (old(1.0), new(1.0), wg.grad(old)(1.0), wg.grad(new)(1.0)) == (2.0, 3.0, 2.0, 3.0)
    assert old != new
    assert old.key != new.key
    for store in (
        lambda: old.save(tmp_path / "p.wg"), lambda: pickle.dumps(old),
        lambda: pickle.dumps(before),
    ):  # fmt: skip
        with pytest.raises(ProgramError, match="times has been replaced"):
            store()
    assert wg.record(lambda xs: [before(x) for x in xs], [1.0] * 100) != wg.record(
        lambda xs: [after(x) for x in xs], [1.0] * 100
    )


def test_threads_that_make_one_rule_get_one() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: sinc(), range(32)))
    assert len(set(map(id, made))) == 1


# --- what rows promise ----------------------------------------------------------------------------


def test_its_value_never_raises() -> None:
    rule = custom_rule("root3", lambda x: x ** (1 / 3), lambda z, x: (z / (3 * x),))
    assert rule.domain == ((0.05, 3.0),)
    assert math.isnan(rule(-8.0))  # a complex number in Python
    inverse = custom_rule("over", lambda x: math.log(1 / x), lambda z, x: (-1 / x,))
    assert math.isnan(inverse(0.0))
    assert math.isnan(inverse(-1.0))
    x = wg.Value(0.0)
    inverse(x).backward()
    assert x.grad == -math.inf  # IEEE arithmetic in the partials too
    half = custom_rule("half", lambda x: math.sqrt(x), lambda z, x: (0.5 * x**-0.5,))
    x = wg.Value(-1.0)
    half(x).backward()
    assert math.isnan(x.grad)
    assert custom_rule("whole", lambda x: int(x > 5) - 1, lambda z, x: (0.0,))(9.0) == 0.0


def test_an_array_form_of_the_user_s_is_used() -> None:
    calls = []

    def array(x: Any) -> Any:
        calls.append(np.shape(x))
        return np.sinc(x / np.pi)

    rule = sinc(array=array)
    assert rule(np.ones(5)).tolist() == pytest.approx([math.sin(1.0)] * 5)
    assert (5,) in calls
    assert not rule.facts.exact_array


def test_rules_that_name_each_other() -> None:
    made: dict[str, Any] = {}
    made["s"] = custom_rule("my_sin", math.sin, lambda z, x: (made["c"](x),), check=False)
    made["c"] = custom_rule("my_cos", math.cos, lambda z, x: (-made["s"](x),))
    third = wg.grad(wg.grad(wg.grad(made["s"])))
    assert third(0.4) == pytest.approx(-math.cos(0.4), rel=1e-15)


# --- what is refused ------------------------------------------------------------------------------

Made = Callable[[], Any]
SIN: Any = (math.sin, lambda z, x: (wg.cos(x),))
REFUSED: dict[str, tuple[Made, str]] = {
    "no partials": (lambda: custom_rule("f", math.sin), "needs partials="),
    "a row's name": (lambda: custom_rule("sin", *SIN), "a name that is not taken"),
    "a row's symbol": (lambda: custom_rule("where", *SIN), "a name that is not taken"),
    "a function's name": (lambda: custom_rule("logsumexp", *SIN), "There is a wg.logsumexp"),
    "a word of programs": (lambda: custom_rule("guard", *SIN), "a name that is not taken"),
    "a number's name": (lambda: custom_rule("t12", *SIN), "a name that is not taken"),
    "no name": (lambda: custom_rule("a b", *SIN), "a name that is not taken"),
    "a lambda": (
        lambda: custom_rule(partials=lambda z, x: (1.0,))(lambda x: x), "a name that is not taken"
    ),
    "no function": (lambda: custom_rule("f", 3, SIN[1]), "function of f is a function"),  # type: ignore[arg-type]
    "no function of partials": (lambda: custom_rule("f", math.sin, 3), "partials of f"),  # type: ignore[arg-type]
    "any number of operands": (
        lambda: custom_rule("f", math.sin, lambda *xs: xs), "by position, such as"
    ),
    "no operand": (lambda: custom_rule("f", lambda: 1.0, lambda z: ()), "1 to 6 operands"),
    "seven operands": (
        lambda: custom_rule("f", math.hypot, lambda z, a, b, c, d, e, f, g: ()), "1 to 6 operands"
    ),
    "another number of operands": (
        lambda: custom_rule("f", lambda x, y: x, lambda z, x: (1.0,)), "cannot be called with so"
    ),
    "one partial too few": (
        lambda: custom_rule("f", lambda x, y: x * y, lambda z, x, y: (y,)), "one number for each"
    ),
    "a text among them": (
        lambda: custom_rule("f", lambda x: x, lambda z, x: ("1",)), "0 of them numbers"
    ),
    "no tuple": (
        lambda: custom_rule("f", math.sin, lambda z, x: wg.cos(x)), "a tuple with one partial"
    ),
    "math in partials": (
        lambda: custom_rule("f", math.sin, lambda z, x: (math.cos(x),)), r"needs wg\.cos"
    ),
    "a branch in partials": (
        lambda: custom_rule("f", abs, lambda z, x: (1.0 if x > 0 else -1.0,)), r"wg\.where"
    ),
    "a truth in partials": (
        lambda: custom_rule("f", abs, lambda z, x: (1.0 if x else 0.0,)), r"wg\.where"
    ),
    "equality in partials": (
        lambda: custom_rule("f", abs, lambda z, x: (float(x == 0.0),)), r"wg\.equal"
    ),
    "a name that is not there": (
        lambda: custom_rule("f", abs, lambda z, x: (nowhere(x),)),  # type: ignore[name-defined]  # noqa: F821
        "cannot be checked yet",
    ),
    "a domain the wrong way": (lambda: custom_rule("f", *SIN, domain=[(2, 1)]), "one interval"),
    "two domains": (lambda: custom_rule("f", *SIN, domain=[(1, 2), (1, 2)]), "one interval"),
    "no domain": (lambda: custom_rule("f", *SIN, domain=3), "one interval"),  # type: ignore[arg-type]
    "a place that is not there": (lambda: custom_rule("f", *SIN, text="f({1})"), "a place for"),
    "single braces": (lambda: custom_rule("f", *SIN, tex=r"\frac{0}{x}"), "a place for"),
    "single braces in C": (lambda: custom_rule("f", *SIN, c="sin({2})"), "a place for"),
    "a text for a value": (
        lambda: custom_rule("f", lambda x: "1", lambda z, x: (1.0,)), "takes real numbers"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_rule_is_refused(case: str) -> None:
    make, match = REFUSED[case]
    with pytest.raises(OperandError, match=match):
        make()
    assert not registry._RULES


WRONG: dict[str, tuple[Made, str]] = {
    "a sign": (
        lambda: custom_rule("f", lambda x, y: x * y * y, lambda z, x, y: (y * y, -2.0 * x * y)),
        r"partial of f by y is wrong at x = .*, y = .*: the rule gives .*slope of the function is",
    ),
    "a factor on one side": (
        lambda: custom_rule("f", abs, lambda z, x: (wg.where(wg.less(x, 0.0), -1.01, 1.0),)),
        "by x is wrong at x = -",
    ),
    "NaN": (lambda: custom_rule("f", math.sin, lambda z, x: (math.nan,)), "gives nan"),
    "no slope": (
        lambda: custom_rule("f", lambda x: math.nan, lambda z, x: (1.0,)),
        "cannot be checked",
    ),
    "another array form": (lambda: custom_rule("f", *SIN, array=np.cos), "The array form of f"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_found(case: str) -> None:
    make, match = WRONG[case]
    with pytest.raises(CheckError, match=match):
        make()
    assert not registry._RULES


def test_without_a_check_all_is_taken() -> None:
    rule = custom_rule("f", math.sin, lambda z, x: (2.0,), check=False)
    assert wg.grad(rule)(0.1) == 2.0
    x = wg.Value(0.1)
    root = rule(x)
    root.backward()
    assert not wg.check(root).ok


def test_a_domain_of_its_own_is_where_it_is_checked() -> None:
    seen: list[float] = []

    def noted(x: float) -> float:
        seen.append(x)
        return x * x

    for domain in ([(4.0, 5.0)], (4.0, 5.0)):
        seen.clear()
        rule = custom_rule("square", noted, lambda z, x: (2.0 * x,), domain=domain)
        assert rule.domain == ((4.0, 5.0),)
        assert sum(4.0 <= x <= 5.0 for x in seen) > len(seen) / 2
    wrong_elsewhere = custom_rule("part", abs, lambda z, x: (1.0,), domain=(1.0, 2.0))
    assert wrong_elsewhere(-1.0) == 1.0
