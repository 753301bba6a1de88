"""Programs as streams of steps."""

import numpy as np
import pytest

import scenarios
import wengert as wg
from wengert.errors import OperandError, PathChanged
from wengert.program.statements import Assign


def model(w, x):
    h = wg.tanh(w[0] * x)
    h.label = "h"
    o = wg.sin(h) * w[1]
    o.label = "o"
    return wg.exp(o) * 3.0


LINE = model.__code__.co_firstlineno
W = np.array([1.5, 2.0])


def test_a_gradient_step_by_step():
    program = wg.grad(wg.record(model, W, 3.0))
    steps = list(wg.steps(program, W, 3.0))
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    by_name = {step.name: step for step in steps}
    h, h_bar, o_bar = by_name["h"], by_name["h_bar"], by_name["o_bar"]
    assert h.formula == "tanh(t1)"
    assert h.numbers == "tanh(4.5)"
    assert h.data == np.tanh(4.5)
    assert str(h) == f"{f'h = tanh(t1) = tanh(4.5) = {h.data!r}':<48}  # test_stream.py:{LINE + 1}"
    assert o_bar.data == pytest.approx(3.0 * np.exp(np.sin(h.data) * 2.0))
    assert h_bar.data == pytest.approx(o_bar.data * 2.0 * np.cos(h.data))
    assert h_bar.source == f"test_stream.py:{LINE + 3}"
    assert h_bar.formula.split(" = ")[0] in str(program)
    exact = wg.grad(model)(W, 3.0)
    assert [step.data for step in steps[-2:]] == exact.tolist()


def test_a_tangent_has_a_name_too():
    program = wg.jacobian(wg.record(lambda x: model(W, x), 3.0), mode="forward")
    assert {"h_dot", "o_dot"} <= {step.name for step in wg.steps(program, 3.0)}


def test_loops_say_which_round():
    def total(x):
        return wg.fori(3, lambda k, s: s * x + 1.0, 1.0)

    rounds = [step for step in wg.steps(wg.record(total, -2.0), -2.0) if step.counters]
    assert {step.counters for step in rounds} == {(0,), (1,), (2,)}
    assert any("# i=2, test_stream.py:" in str(step) for step in rounds)
    assert any("(-2.0)" in step.numbers for step in rounds)


def test_while_loops_and_sums():
    def root(a):
        return wg.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)

    program = wg.grad(root).program(2.0)
    steps = list(wg.steps(program, 2.0))
    assert steps[-1].data == program(2.0)
    sums = [step for step in steps if not isinstance(step.statement, Assign)]
    assert sums
    assert " += " in str(sums[0])
    assert ", together " in str(sums[0])


@pytest.mark.parametrize("case", scenarios.SCENARIOS.values(), ids=lambda case: case.name)
def test_the_last_steps_are_the_results(case):
    function, args = case.make(*case.small)
    program = wg.record(function, *args)
    found = {}
    for step in wg.steps(program, *args):
        if step.statement.target.memory == "output":
            target, counters = step.statement.target, step.counters
            place = target.base + sum(s * k for s, k in zip(target.strides, counters, strict=True))
            if target.lookup:
                entry = zip(target.lookup.strides, counters, strict=True)
                place += program.index[target.lookup.start + sum(s * k for s, k in entry)]
            found[place] = step.data
    expected = program.results.numbers(program(*args))
    assert [found[k] for k in range(len(found))] == expected.tolist()


def test_what_is_shown_is_not_used_up():
    program = wg.record(model, W, 3.0)
    steps = wg.steps(program, W, 3.0)
    next(steps)
    assert repr(steps).startswith("h = tanh(t1)")
    assert next(steps).name == "h"
    long = wg.record(lambda x: wg.fori(100, lambda k, s: s * x, 1.0), 1.0)
    assert repr(wg.steps(long, 1.0)).endswith("\n…")


def test_a_long_straight_program():
    def straight(x):
        for k in range(70):
            x = [wg.sin, wg.exp, wg.tanh, wg.cos][(k * k * k + k // 3) % 4](x)
        return x

    program = wg.record(straight, 0.5, passes=())
    steps = list(wg.steps(program, 0.5))
    assert len(steps) == 71
    assert steps[69].name == "t70"
    assert steps[-1].data == program(0.5)


def test_mistakes():
    program = wg.record(lambda x: x * x if x > 1.0 else x, 2.0)
    with pytest.raises(OperandError, match="takes the arguments it was recorded with"):
        wg.steps(program)
    with pytest.raises(PathChanged, match="0.5 > 1.0 is false"):
        list(wg.steps(program, 0.5))
    with pytest.raises(OperandError, match="a Value.*or a Program and its arguments, not float"):
        wg.steps(3.0)
    with pytest.raises(OperandError, match="takes a direction, and got 2 arguments"):
        wg.steps(wg.Value(1.0), "forward", "backward")
