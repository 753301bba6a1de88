"""A Program called with Values builds the graph that its function would build."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from evaluate import bits
from hypothesis import given, settings
from hypothesis import strategies as st
from making import from_array
from nests import INPUTS, nest
from test_interpret import given_numbers, halving, program, value

import wengert as wg
from wengert import Value, primitives
from wengert.errors import OperandError, PathChanged, ProgramError
from wengert.program.address import INPUT, OUTPUT, Address
from wengert.program.statements import Accumulate, Assign, Guard, Loop, Statement
from wengert.run.walk import DEEPEST


def neuron(x: Any, w: Any, b: Any) -> Any:
    s = b
    for wi, xi in zip(w, x, strict=True):
        s = s + wi * xi
    return wg.tanh(s) if s > -9.0 else s


def looped(x: Any, w: Any, b: Any) -> Any:
    last, steps = wg.scan(lambda c, e: (c * e[0] + wg.sin(e[1]), c), b, (w, x))
    until = wg.while_loop(lambda c: wg.abs(c) < 10.0, lambda c: c * 2.0 + wg.sign(c) + 0.1, last)
    return wg.sum(steps) + until * wg.fori(3, lambda i, c: c * 0.5 + i, b)


def values(numbers: Any) -> Any:
    return np.array([Value(number) for number in numbers])


def numbers_in(array: Any) -> list[int]:
    """The bits of Values and numbers."""
    return bits([each.data if isinstance(each, Value) else each for each in array.ravel()])


def with_gradients(function: Callable[..., Any], x: Any, w: Any, b: float) -> list[float]:
    """The value, and what backward() leaves in all leaves."""
    leaves = values(x), values(w), Value(b)
    result = function(*leaves)
    result.backward()
    return [result.data, *(leaf.grad for leaf in [*leaves[0], *leaves[1], leaves[2]])]


@pytest.mark.parametrize("function", [neuron, looped])
@given(
    x=st.lists(st.floats(-2, 2, allow_subnormal=False), min_size=4, max_size=4),
    w=st.lists(st.floats(-2, 2, allow_subnormal=False), min_size=4, max_size=4),
    b=st.floats(0.125, 2),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_values_and_gradients_are_those_of_the_function(
    function: Any, x: list[float], w: list[float], b: float
) -> None:
    recorded = wg.record(function, np.ones(4), np.ones(4), 0.5)
    for each in (recorded, recorded.simplify()):
        found = with_gradients(each, x, w, b)
        expected = with_gradients(function, x, w, b)
        assert bits(found[0]) == bits(expected[0])
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True)
        assert bits(found[0]) == bits(each(x, w, b))


@given(seed=st.integers(0, 10**9), kind=st.sampled_from(["far", "near", "whiles"]))
@settings(max_examples=50, deadline=None)
def test_random_programs_give_the_bits_they_give_on_floats(seed: int, kind: str) -> None:
    found = nest(seed, near=kind != "far", whiles=kind == "whiles")
    numbers = given_numbers(seed)
    said = []
    for given_ in (np.array(numbers), values(numbers), [*values(numbers[:3]), *numbers[3:]]):
        try:
            outputs = found(given_)
            said.append(numbers_in(outputs))
        except PathChanged as changed:
            said.append(str(changed))
    assert said[0] == said[1] == said[2]
    assert len(numbers) == INPUTS


def test_values_and_plain_numbers_mix() -> None:
    recorded = wg.record(lambda x, y: (x * y, y + 1.0, 2.0, [x, y]), 1.0, 2.0)
    x = Value(3.0)
    product, more, constant, both = recorded(x, 4)
    assert (product.data, more, constant) == (12.0, 5.0, 2.0)
    assert type(more) is type(constant) is float
    assert both[0] is x
    product.backward()
    assert x.grad == 4.0
    array = wg.record(lambda xs: xs * 2.0, np.ones((2, 2)))(np.array([[x, 1.0], [2.0, x]]))
    assert array.shape == (2, 2)
    assert numbers_in(array) == bits([6.0, 2.0, 4.0, 6.0])


def test_sums_become_additions() -> None:
    statements: tuple[Statement, ...] = (
        Assign(value(5), None, (Address(INPUT, 0),)),
        Loop(3, (Accumulate(value(5, 0), Address(INPUT, 1, (1,))),)),
        Assign(Address(OUTPUT, 0), primitives.powi(2), (value(5),)),
    )
    xs = values([1e16, 1.0, -1e16, 1.0])
    (result,) = program(*statements)(xs)
    result.backward()
    assert result.data == 1.0
    assert [x.grad for x in xs] == [2.0] * 4


def test_the_first_guard_that_does_not_hold_is_named_with_plain_numbers() -> None:
    recorded = wg.record(lambda x: (x * 2.0 if x + 1.0 > 1.0 else -x) * int(x), 1.0)
    assert recorded(Value(1.5)).data == 3.0
    for bad in (-1.0, 2.5):
        words = []
        for x in (bad, Value(bad)):
            with pytest.raises(PathChanged) as raised:
                recorded(x)
            words.append(str(raised.value))
        assert words[0] == words[1]
        assert "test_values.py" in words[0]


def test_a_loop_runs_as_often_as_the_values_say() -> None:
    found = halving()
    for number in (2.0, 1e9, 0.0):
        numbers = [number, 0.0, 0.0, 0.0]
        assert numbers_in(found(values(numbers))) == bits(found(numbers))


def test_a_program_without_operations_or_inputs() -> None:
    assert wg.record(lambda: 2.0)() == 2.0
    assert wg.record(lambda x: (), 1.0)(Value(1.0)) == ()


def test_what_is_no_number_is_refused() -> None:
    recorded = wg.record(lambda xs: wg.sum(xs), np.ones(2))

    class StandIn:
        def _apply(self, row: Any, args: Any) -> Any:
            raise AssertionError

    with pytest.raises(OperandError, match="takes real numbers and Values, not str"):
        recorded(np.array([Value(1.0), "1"], dtype=object))
    with pytest.raises(OperandError, match="takes real numbers and Values, not StandIn"):
        recorded([StandIn(), 1.0])
    with pytest.raises(OperandError, match=r"has shape \(2,\)"):
        recorded([Value(1.0)])
    with pytest.raises(OperandError, match=r"meets a Value.*x\.data"):
        wg.record(lambda x: recorded([x, Value(1.0)]), 1.0)


def test_programs_that_are_not_well_formed_are_refused() -> None:
    reads_nothing = program(Assign(Address(OUTPUT, 0), None, (value(3),)))
    beyond = program(
        Assign(value(1000), None, (Address(INPUT, 0),)),
        Assign(Address(OUTPUT, 0), None, (Address(INPUT, 0),)),
    )
    before = program(Assign(Address(OUTPUT, 0), None, (Address(INPUT, -1),)))
    for each in (reads_nothing, beyond, before):
        with pytest.raises(ProgramError):
            each(values([1.0] * 4))
    deep: Statement = Assign(
        value(0, *[0] * (DEEPEST + 1)), None, (Address(INPUT, 0, (0,) * (DEEPEST + 1)),)
    )
    for _ in range(DEEPEST + 1):
        deep = Loop(1, (deep,))
    with pytest.raises(ProgramError, match="loops inside each other"):
        from_array((deep, Assign(Address(OUTPUT, 0), None, (value(0),))), 1, [], [], 1, 1)(
            values([1.0])
        )


def test_guards_keep_their_results() -> None:
    """A guard's answer can be read; with Values it is one, and has no derivative."""
    guard = Guard(value(0), primitives.less, (Address(INPUT, 0), Address(INPUT, 1)),
                  Address("constant", 1))  # fmt: skip
    out = Assign(Address(OUTPUT, 0), primitives.mul, (value(0), Address(INPUT, 0)))
    xs = values([1.0, 2.0, 0.0, 0.0])
    (result,) = program(guard, out)(xs)
    result.backward()
    assert (result.data, xs[0].grad, xs[1].grad) == (1.0, 1.0, 0.0)
