"""`check` of functions: right derivatives are never called wrong, and planted errors are found."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scenarios
import wengert as wg
from wengert import primitives
from wengert.errors import CheckError, OperandError, PathChanged
from wengert.proof import candidates, replay
from wengert.proof.comparison import Comparison, FunctionReport
from wengert.proof.subject import Quantity, Subject, named

ROWS = list(primitives.rows())


def f(x, y):
    return wg.sin(x) * y**2


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def bad(row, partials):
    """A row with partials that are not its own."""
    return replace(row, name=f"bad_{row.name}", partials=partials)


def numbers(report, transform):
    return [row.value for row in report.rows if row.transform == transform]


# --- what is right --------------------------------------------------------------------------------


def test_every_transform_of_first_order():
    report = wg.check(f, 1.0, 2.0)
    assert report.ok
    assert {row.verdict for row in report} == {"right"}
    exact = [4.0 * math.cos(1.0), 4.0 * math.sin(1.0)]
    for transform in ("forward", "reverse", "backward()"):
        assert numbers(report, transform) == pytest.approx(exact, rel=1e-14)
    for row in report["∂f/∂x"]:
        assert row.numeric == pytest.approx(exact[0], rel=1e-10)
    assert {row.transform for row in report} == {
        "forward", "reverse", "backward()", "jvp", "vjp", "jvp, vjp",
    }  # fmt: skip


def test_second_and_third_order():
    report = wg.check(f, 1.0, 2.0, order=3)
    assert report.ok
    assert {row.verdict for row in report} == {"right"}
    s, c = math.sin(1.0), math.cos(1.0)
    for way in ("forward over reverse", "reverse over reverse"):
        assert numbers(report, way)[:4] == pytest.approx([-4 * s, 4 * c, 4 * c, 2 * s])
        assert "H = Hᵀ" in {row.name for row in report[way]}
    ways = {row.transform for row in report}
    assert "jvp, forward over forward over reverse" in ways
    assert "vjp, reverse over forward over reverse" in ways
    assert "jvp, forward over forward" in ways


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_one_mode_alone(mode):
    report = wg.check(f, 1.0, 2.0, order=3, mode=mode)
    assert report.ok
    other = {"forward": "reverse", "reverse": "forward"}[mode]
    assert not [row for row in report if other in row.transform]
    third = [row for row in report if row.transform.endswith(" over ".join([mode] * 3))]
    assert third
    assert all(row.verdict == "right" for row in third)


def test_arrays_structures_and_several_results():
    def model(w, d):
        return {"h": wg.tanh(w @ d["x"]), "n": d["s"] * 2.0}

    report = wg.check(model, np.array([[1.0, 2.0], [0.3, 0.4]]), {"x": [0.5, -0.1], "s": 3.0},
                      order=2)  # fmt: skip
    assert report.ok
    names = {row.name for row in report["forward"]}
    assert {"∂model.h[1]/∂w[1, 0]", "∂model.n/∂d.s"} <= names
    exact = 1.0 - math.tanh(0.3) ** 2
    assert report["∂model.h[0]/∂w[0, 0]"][0].value == pytest.approx(0.5 * exact)


def test_a_program_and_a_transformed_function():
    x = np.array([1.0, -2.0, 0.5])
    program = wg.record(rosenbrock, x)
    assert wg.check(program, x, order=2).ok
    of_gradient = wg.check(wg.grad(rosenbrock), x)
    assert of_gradient.ok
    hessian = wg.hessian(rosenbrock)(x)
    assert numbers(of_gradient, "forward") == pytest.approx(hessian.T.ravel().tolist())


def test_a_while_loop():
    def root(a):
        return wg.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)

    report = wg.check(root, 2.0, order=2)
    assert report.ok
    assert report["∂root/∂a"][0].numeric == pytest.approx(0.5 / math.sqrt(2.0), rel=1e-6)


def test_an_integer_that_decides_how_often():
    report = wg.check(lambda x, n: sum(x**k for k in range(int(n))), 2.0, 4.0)
    assert report.ok
    assert report["reverse"][0].value == pytest.approx(1.0 + 2 * 2.0 + 3 * 4.0)


@pytest.mark.parametrize("case", scenarios.SCENARIOS.values(), ids=lambda case: case.name)
def test_scenarios(case):
    function, args = case.make(*case.small)
    report = wg.check(function, *args, most=9)
    assert report.ok, str(report)
    assert any(row.verdict == "right" for row in report)


@st.composite
def functions(draw):
    """A function of two numbers, as a list of rows and operands; and where."""
    steps = []
    for k in range(draw(st.integers(1, 8))):
        row = draw(st.sampled_from(ROWS))
        steps.append((row, [draw(st.integers(0, k + 1)) for _ in range(row.nin)]))
    number = st.one_of(st.floats(-3.0, 3.0), st.sampled_from([0.0, 1.0, -1.0, 2.0]))

    def composed(x, y):
        values = [x, y]
        for row, places in steps:
            values.append(row(*[values[place] for place in places]))
        return values[-1]

    return composed, draw(number), draw(number)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(functions(), st.sampled_from([1, 1, 2]))
def test_right_derivatives_are_never_called_wrong(case, order):
    function, x, y = case
    report = wg.check(function, x, y, order=order)
    assert not report.wrong, str(report)


# --- what has no derivative -----------------------------------------------------------------------


def test_a_kink_is_named_with_its_line():
    report = wg.check(lambda x: wg.abs(x) + x, 0.0)
    assert report.ok
    for row in report["forward"]:
        assert row.verdict == "kink"
        assert row.reason.startswith("kink of abs at test_function.py:")
        assert row.reason.endswith("slopes 0 on the left, 2 on the right")


def test_no_slope_at_all():
    report = wg.check(wg.sqrt, 0.0)
    assert report["forward"][0].verdict == "not differentiable"
    assert report["forward"][0].reason.startswith("no single slope: sqrt")
    assert not report.ok
    with pytest.raises(CheckError, match="No derivative could be checked"):
        report.raise_if_wrong()
    assert wg.check(wg.log, 0.0)["forward"][0].reason.endswith("the result is -inf")


def test_a_slope_never_crosses_a_branch():
    def bent(x):
        return x * x if x > 1.0 else 2.0 * x + 40.0

    report = wg.check(bent, 1.0)
    assert report.ok
    row = report["∂bent/∂x"][0]
    assert (row.value, row.verdict) == (2.0, "right")
    assert row.reason.startswith("from the left alone: beyond, x > 1.0 was false when recorded")
    assert "test_function.py" in row.reason
    near = wg.check(bent, 1.0 + 1e-9)
    assert near["∂bent/∂x"][0].verdict == "right"
    assert near["∂bent/∂x"][0].value == pytest.approx(2.0)


def test_another_path_than_the_recorded_one():
    program = wg.record(lambda x: x * x if x > 1.0 else x, 2.0)
    with pytest.raises(PathChanged):
        wg.check(program, 0.5)


def test_cancellation_is_not_called_wrong():
    assert wg.check(lambda x: (x + 1e16) - 1e16, 1.0).ok
    assert wg.check(lambda x: wg.softmax(x)[0], [1.0, 2.0, 500.0], order=2).ok
    assert wg.check(wg.sin, 1e6, order=2).ok


# --- planted errors -------------------------------------------------------------------------------

PLANTED = [
    (primitives.tanh, lambda z, x: (1.0 + z * z,), 0),
    (primitives.mul, lambda z, x, y: (x, x), 0),
    (primitives.div, lambda z, x, y: (1.0 / y, z / y), 1),
    (primitives.sin, lambda z, x: (primitives.cos(x) * (1.0 + 1e-4),), 0),
]


@pytest.mark.parametrize("mode", [None, "forward", "reverse"])
@pytest.mark.parametrize(("row", "partials", "slot"), PLANTED)
def test_a_wrong_row_is_named_with_its_line(row, partials, slot, mode):
    planted = bad(row, partials)

    def model(x, y):
        h = x * 2.0
        return wg.exp(planted(h, y) if row.nin == 2 else planted(h)) + y

    report = wg.check(model, 0.3, 0.7, mode=mode)
    assert not report.ok
    (fault,) = report.faults
    line = model.__code__.co_firstlineno + 2
    assert (fault.row, fault.operand) == (planted.name, row.operands[slot])
    assert fault.source == f"test_function.py:{line}"
    operands = [0.6, 0.7][: row.nin]
    z = row.scalar(*operands)
    assert fault.partial == pytest.approx(partials(z, *operands)[slot])
    assert fault.numeric == pytest.approx(row.partials(z, *operands)[slot], rel=1e-8)
    assert f"To blame: {planted.name}(0.6" in str(report)
    assert "states the partial" in report._repr_html_()
    with pytest.raises(CheckError, match=r"derivatives are wrong:\n(.*\n)*To blame: bad_"):
        wg.check(model, 0.3, 0.7, mode=mode, raise_on_error=True)


def test_a_wrong_second_derivative_is_named():
    bad_cos = bad(primitives.cos, lambda z, x: (primitives.sin(x),))
    half = bad(primitives.sin, lambda z, x: (bad_cos(x),))

    def waves(x):
        return half(x) * 2.0

    assert wg.check(waves, 0.5).ok
    report = wg.check(waves, 0.5, order=2)
    assert {"forward over reverse", "reverse over reverse", "jvp, forward over forward"} <= {
        row.transform for row in report.wrong
    }
    assert {fault.row for fault in report.faults} == {"bad_cos"}


def test_what_is_stopped_is_no_part_of_the_slope():
    report = wg.check(lambda x: wg.stop_gradient(x) * x, 3.0)
    assert {row.verdict for row in report} == {"right"}
    assert all(row.numeric == pytest.approx(row.value) for row in report)


def test_a_wrong_transform_is_told_from_the_others(monkeypatch):
    right = candidates.reverse_entries

    def wrong(subject, rows, columns):
        found = right(subject, rows, columns)
        found[0, 1] += 1e-3
        return found

    monkeypatch.setattr("wengert.proof.function.reverse_entries", wrong)
    report = wg.check(f, 1.0, 2.0, order=2)
    assert {row.transform for row in report.wrong} == {"reverse", "reverse over reverse"}
    (row,) = [row for row in report["∂f/∂y"] if not row.ok]
    assert row.reason.startswith("forward and backward() disagree, and the slope")
    asymmetric = [row for row in report["H = Hᵀ"] if not row.ok]
    assert [row.transform for row in asymmetric] == ["reverse over reverse"]
    assert not report.faults


def test_a_wrong_pullback_breaks_the_identity(monkeypatch):
    right = candidates.pullback
    monkeypatch.setattr(
        "wengert.proof.function.pullback", lambda subject: lambda w: 1.001 * right(subject)(w)
    )
    report = wg.check(f, 1.0, 2.0)
    assert {row.transform for row in report.wrong} == {"vjp", "jvp, vjp"}
    assert {row.reason for row in report["jvp, vjp"]} == {"the two sides disagree"}


def test_a_wrong_row_of_a_program_too_long_to_look_at(monkeypatch):
    monkeypatch.setattr(replay, "LONGEST", 3)
    planted = bad(primitives.tanh, lambda z, x: (1.0 + z * z,))
    report = wg.check(lambda x: planted(x * 2.0) * 3.0 + x * x * x, 0.3)
    assert not report.ok
    assert not report.faults
    assert "too long to look at its operations one by one" in str(report)
    assert wg.check(f, 1.0, 2.0, order=2).ok


# --- large inputs, reports ------------------------------------------------------------------------


def test_of_many_entries_some_are_chosen_and_the_report_says_so():
    x = np.linspace(-1.0, 1.0, 100)
    report = wg.check(rosenbrock, x, order=2, most=16)
    assert report.ok
    assert len(report["forward"]) == 16
    assert "16 of 100 entries of order 1" in str(report)
    assert "16 of 10,000 entries of order 2" in str(report)
    assert "seed=0" in str(report)
    again = wg.check(rosenbrock, x, order=2, most=16)
    assert [row.name for row in report] == [row.name for row in again]
    other = wg.check(rosenbrock, x, most=16, seed=1)
    assert [row.name for row in other] != [row.name for row in report][: len(other)]
    assert "… and" in str(report)


def test_a_wide_map_by_columns_and_rows():
    matrix = np.linspace(-1.0, 1.0, 70 * 70).reshape(70, 70)
    report = wg.check(lambda x: wg.sin(x) @ matrix, np.linspace(0.0, 1.0, 70), most=4)
    assert report.ok
    assert len(report["reverse"]) == len(report["forward"]) == 4
    for row in report["forward"]:
        i, j = (int(part.split("]")[0]) for part in row.name.split("[")[1:])
        assert row.value == pytest.approx(matrix[j, i] * math.cos(j / 69.0))


def test_equal_lines_stand_together():
    text = str(wg.check(f, 1.0, 2.0))
    assert "forward, reverse, backward()  ∂f/∂x" in text
    assert text.endswith("12 right.")
    html = wg.check(f, 1.0, 2.0)._repr_html_()
    assert html.count("<tr>") == 1 + 8


def test_the_report_is_data():
    report = wg.check(f, 1.0, 2.0)
    assert len(report) == len(list(report)) == 12
    assert bool(report)
    assert report.worst is not None
    assert report.worst.ok
    with pytest.raises(KeyError):
        report["∂f/∂z"]
    assert report["forward"][0].as_dict()["name"] == "∂f/∂x"
    report.raise_if_wrong()
    assert FunctionReport(()).worst is None
    wrong = Comparison("forward", "∂f/∂x", 2.0, 1.0, 0.0, "wrong", "why")
    with pytest.raises(CheckError, match=r"… and 1 more"):
        FunctionReport((wrong,) * 11).raise_if_wrong()


def test_nothing_to_check():
    assert str(wg.check(lambda x: None, 2.0)).endswith("Nothing to check.")
    assert wg.check(lambda x: 3.0, 2.0, order=3).ok


def test_names_of_what_is_given():
    assert str(Quantity("f", ("x", "y"))) == "∂²f/∂x∂y"
    program = wg.record(lambda a, b: a @ b, np.ones((2, 2)), [1.0, 2.0])
    assert named(program.arguments) == ["a[0, 0]", "a[0, 1]", "a[1, 0]", "a[1, 1]", "b.0", "b.1"]
    assert Subject.of(program, (np.ones((2, 2)), [1.0, 2.0])).total == "⟨w, f⟩"


def test_an_argument_called_like_a_direction_and_one_that_is_not_finite():
    report = wg.check(lambda v1, v2: v1 * v2, 2.0, 3.0)
    assert report.ok
    assert {row.verdict for row in report} == {"right"}
    infinite = wg.check(lambda x, y: x * y, math.inf, 3.0)
    assert not infinite.wrong
    assert {row.verdict for row in infinite} == {"cannot check"}
    assert infinite["forward"][0].reason.endswith("the result is inf")


def test_mistakes():
    with pytest.raises(OperandError, match="the order 1, 2 or 3, not 4"):
        wg.check(f, 1.0, 2.0, order=4)
    with pytest.raises(OperandError, match='"forward", "reverse" or None, not "up"|not \'up\''):
        wg.check(f, 1.0, 2.0, mode="up")
    with pytest.raises(OperandError, match="a Value or a function, not float"):
        wg.check(3.0, 2.0)
    with pytest.raises(OperandError, match="missing a required argument: 'y'"):
        wg.check(f, 1.0)
    with pytest.raises(OperandError, match="takes a plain number, not Value"):
        wg.check(f, wg.Value(1.0), 2.0)
    with pytest.raises(OperandError, match="takes the arguments it was recorded with"):
        wg.check(wg.record(f, 1.0, 2.0), 1.0)
