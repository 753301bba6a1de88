"""Patterns of Jacobians and Hessians: against propagation, numbers, and by hand; both twins."""

from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from making import from_array
from nests import nest
from propagate import hessian_entries, jacobian_entries
from samples import SAMPLES
from worded import worded

import wengert as wg
from scenarios import ROWS, Scenario
from wengert.derive import reach, sparsity
from wengert.derive.pattern import Pattern
from wengert.derive.sparsity import hessian_pattern, jacobian_pattern
from wengert.errors import ProgramError
from wengert.program import address as addresses
from wengert.program.address import INPUT, OUTPUT, VALUE, Address, Lookup
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Loop
from wengert.value import engine

TWINS = {
    "plain": (reach.dependences_plain, reach.interactions_plain),
    "chosen": (reach.dependences, reach.interactions),
}
SEEDS = range(40)


@pytest.fixture(params=TWINS, autouse=True)
def twin(request: pytest.FixtureRequest) -> Iterator[str]:
    dependences, interactions = TWINS[request.param]
    with (
        mock.patch.object(sparsity, "dependences", dependences),
        mock.patch.object(sparsity, "interactions", interactions),
    ):
        yield request.param


def both(program: Program) -> tuple[Pattern, Pattern]:
    return jacobian_pattern(program), hessian_pattern(program)


def check(program: Program) -> None:
    jacobian, hessian = both(program)
    assert set(jacobian) == jacobian_entries(program)
    assert set(hessian) == hessian_entries(program)
    assert hessian.is_symmetric


# --- against propagation --------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_random_nests(seed: int) -> None:
    program = nest(seed)
    check(program)
    assert both(program.expand()) == both(program)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_while_loops(seed: int) -> None:
    program = nest(seed, near=True, whiles=True)
    jacobian, hessian = both(program)
    assert set(jacobian) == jacobian_entries(program)
    assert set(hessian) >= hessian_entries(program)


@given(program=worded())
def test_random_programs_with_holes(program: Program) -> None:
    for dependences, interactions in TWINS.values():
        with (
            mock.patch.object(sparsity, "dependences", dependences),
            mock.patch.object(sparsity, "interactions", interactions),
        ):
            check(program)


SHORT = [program for program in SAMPLES if len(program) < 10_000]


@pytest.mark.parametrize("program", SHORT, ids=lambda program: program.name)
def test_samples(program: Program) -> None:
    jacobian, hessian = both(program)
    assert set(jacobian) == jacobian_entries(program)
    assert set(hessian) >= hessian_entries(program)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_scenarios(row: Scenario) -> None:
    function, arguments = row.make(*row.small)
    program = wg.record(function, *arguments)
    jacobian, hessian = both(program)
    assert set(jacobian) == jacobian_entries(program)
    assert set(hessian) >= hessian_entries(program)
    if "while_loop" not in row.name:
        assert set(hessian) == hessian_entries(program)
        assert both(program.expand()) == (jacobian, hessian)


# --- against numbers ------------------------------------------------------------------------------


def differences(function: Callable[[Any], Any], x: Any) -> Any:
    """The Jacobian by central differences."""
    h = 1e-5
    columns = [
        (np.ravel(function(x + step)) - np.ravel(function(x - step))) / (2 * h)
        for step in h * np.eye(len(x))
    ]
    return np.array(columns).T


def coupled(x: Any) -> Any:
    """Each component is its own function of some inputs."""
    return np.array(
        [
            x[0] * wg.exp(x[1]), wg.sin(x[2]), x[3] + x[0], wg.log(x[4] * x[4] + 1.0) / x[2],
            wg.where(x[1] > 0.0, x[3], x[5]) ** 3, 2.0 * wg.stop_gradient(x[5]) + x[4],
        ]
    )  # fmt: skip


def test_a_jacobian_has_its_entries_where_numbers_are() -> None:
    x = np.array([0.7, 0.3, 1.1, 0.6, -0.8, 0.9])
    pattern = jacobian_pattern(wg.record(coupled, x))
    found = np.abs(differences(lambda x: np.array([float(y.data) for y in coupled(values(x))]), x))
    seen = {(int(i), int(j)) for i, j in np.argwhere(found > 1e-8)}
    assert seen | {(4, 5), (5, 5)} == set(pattern) | {(5, 5)}


def values(x: Any) -> Any:
    return np.array([wg.Value(each) for each in x])


def energy(x: Any) -> Any:
    total = 0.0
    for i in range(len(x) - 2):
        total = total + wg.sin(x[i] * x[i + 2]) + 3.0 * x[i]
    return total + wg.exp(x[0] - x[5]) / x[1]


def test_a_hessian_has_its_entries_where_numbers_are() -> None:
    x = np.array([0.7, 0.3, 1.1, 0.6, -0.8, 0.9, 0.45])

    def gradient(x: Any) -> Any:
        nodes = values(x)
        energy(nodes).backward()
        return np.array([node.grad for node in nodes])

    found = np.abs(differences(gradient, x))
    seen = {(int(i), int(j)) for i, j in np.argwhere(found > 1e-8)}
    assert seen == set(hessian_pattern(wg.record(energy, x)))


# --- by hand --------------------------------------------------------------------------------------


def test_rosenbrock_is_tridiagonal() -> None:
    row = next(row for row in ROWS if row.name == "Rosenbrock")
    function, arguments = row.make(50)
    program = wg.record(function, *arguments)
    i, j = np.indices((50, 50))
    assert hessian_pattern(program) == Pattern.dense(abs(i - j) <= 1)
    assert jacobian_pattern(program) == Pattern.dense(np.ones((1, 50)))


def test_choosing_outputs_and_inputs() -> None:
    program = wg.record(lambda x: np.array([x[0] * x[1], x[1] ** 2, x[2] * x[0]]), np.ones(4))
    whole = jacobian_pattern(program).csr().toarray()
    part = jacobian_pattern(program, outputs=[2, 0], inputs=[3, 1, 0]).csr().toarray()
    assert (part == whole[[2, 0]][:, [3, 1, 0]]).all()
    mask = np.array([True, False, True, False])
    assert (jacobian_pattern(program, inputs=mask).csr().toarray() == whole[:, mask]).all()
    assert list(hessian_pattern(program, outputs=[1])) == [(1, 1)]
    assert list(hessian_pattern(program, inputs=[2, 0], outputs=[2])) == [(0, 1), (1, 0)]
    assert jacobian_pattern(program, outputs=[], inputs=[]) == Pattern.dense(np.ones((0, 0)))


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ([4], "no place 4 in the input memory, which has 4"), ([-1], "no place -1"),
        ([1, 1], "once each"), ([0.5], "integers in a row"), ([True], "mask of 4 truth values"),
        ([[0]], r"shape \(1, 1\)"),
    ],
)  # fmt: skip
def test_choosing_what_there_is_not(which: Any, words: str) -> None:
    program = wg.record(lambda x: x[0] * x[1], np.ones(4))
    with pytest.raises(ProgramError, match=words):
        jacobian_pattern(program, inputs=which)


def test_a_circle_in_a_while_loop() -> None:
    def swapped(a: Any, b: Any, c: Any, d: Any) -> Any:
        state = wg.while_loop(
            lambda s: s[0] < 10.0, lambda s: (s[0] + 1.0, s[2], s[1] * d), (a, b, c)
        )
        return state[0], state[1]

    pattern = jacobian_pattern(wg.record(swapped, 1.0, 2.0, 3.0, 4.0))
    assert [pattern.row(k).tolist() for k in range(2)] == [[0], [1, 2, 3]]


def test_each_run_of_a_while_loop_has_its_own_numbers() -> None:
    def roots(xs: Any) -> Any:
        return [wg.while_loop(lambda r, x=x: r * r < x, lambda r: r + 1.0, x) for x in xs]

    program = wg.record(roots, [1.0, 2.0, 3.0, 4.0])
    assert program.size < 14
    assert jacobian_pattern(program) == Pattern.dense(np.eye(4))
    assert hessian_pattern(program).nnz == 0


def test_accumulations_over_an_index_table() -> None:
    """`sums[table[i]] += x[i] * x[i + 1]`, and the outputs are the sums, one of them squared."""
    table = [0, 1, 0, 2, 1]
    statements = [
        Loop(3, (Assign(Address(VALUE, 0, (1,)), None, (Address("constant", 0, (0,)),)),)),
        Loop(
            5,
            (
                Assign(
                    Address(VALUE, 3, (1,)), wg.primitives.mul,
                    (Address(INPUT, 0, (1,)), Address(INPUT, 1, (1,))),
                ),
                Accumulate(Address(VALUE, 0, (0,), Lookup(0, (1,))), Address(VALUE, 3, (1,))),
            ),
        ),
        Loop(
            3,
            (
                Assign(
                    Address(VALUE, 8, (1,)), wg.primitives.mul,
                    (Address(VALUE, 0, (1,)), Address("constant", 1, (1,))),
                ),
                Assign(Address(OUTPUT, 0, (1,)), None, (Address(VALUE, 8, (1,)),)),
            ),
        ),
    ]  # fmt: skip
    program = from_array(statements, 11, [0.0, 2.0, 3.0, 4.0], table, 6, 3)
    check(program)
    jacobian, hessian = both(program)
    assert [jacobian.row(k).tolist() for k in range(3)] == [[0, 1, 2, 3], [1, 2, 4, 5], [3, 4]]
    i, j = np.indices((6, 6))
    assert hessian == Pattern.dense(abs(i - j) == 1)


def test_a_loop_that_says_the_same_again_and_again_is_not_followed() -> None:
    (summed,) = [program for program in SAMPLES if len(program) >= 10**9]
    jacobian, hessian = both(summed)
    assert (list(jacobian), list(hessian)) == ([(0, 0)], [])


def test_what_no_output_depends_on_plays_no_role() -> None:
    def wasteful(x: Any) -> Any:
        _ = wg.exp(x[0] * x[1])
        return x[1] * x[2] + wg.stop_gradient(x[0] * x[2])

    program = wg.record(wasteful, np.ones(3), passes=())
    assert list(hessian_pattern(program)) == [(1, 2), (2, 1)]


def test_programs_without_inputs_or_outputs() -> None:
    constant = wg.record(lambda: 3.0)
    assert jacobian_pattern(constant).shape == (1, 0)
    assert hessian_pattern(constant).shape == (0, 0)
    nothing = wg.record(lambda x: [], 1.0)
    assert jacobian_pattern(nothing).shape == (0, 1)
    assert hessian_pattern(nothing).nnz == 0


def test_many_columns_and_long_sums() -> None:
    """More columns than fit into a block, in sets that are shared, sorted and merged."""

    def function(x: Any) -> Any:
        total = 0.0
        for each in x[::-1]:
            total = total + each
        first = sum(x[k * 37 % 1000] for k in range(40))
        return np.array([total, first * total, first, x[999] * x[0]])

    program = wg.record(function, np.ones(1000))
    check(program)


def test_a_program_that_is_too_long_says_so() -> None:
    body = (Assign(Address(VALUE, 0, (1,)), None, (Address(INPUT, 0, (0,)),)),)
    program = from_array([Loop(2**40, body)], 2**40, [], [], 1, 0)
    with pytest.raises(ProgramError, match="Record a smaller example"):
        jacobian_pattern(program)
    program = from_array([Loop(2**40, body)], 8, [], [], 1, 0)
    with pytest.raises(ProgramError, match="Record a smaller example"):
        hessian_pattern(program)


# --- hostile input --------------------------------------------------------------------------------


@pytest.mark.skipif(engine != "native", reason="there is no native engine")
@pytest.mark.parametrize(
    "changed",
    [
        {0: -1}, {0: 2}, {0: 2**40}, {1: [0, 5]}, {1: [0, -2]}, {2: [3]}, {2: [9, 3]}, {2: [0, 3]},
        {3: [1, 99]}, {3: [-1, 0]}, {4: [77]}, {5: -3}, {5: 2**33}, {6: [50]}, {7: [0, 1]},
        {8: [-5]},
    ],
)  # fmt: skip
def test_the_native_twin_checks_what_it_is_given(changed: dict[int, Any]) -> None:
    from wengert import _native

    good = [5, [0, 1], [3, 4], [1, 3], [4], 2, [3], [1], [0]]
    bad = [changed.get(k, a) for k, a in enumerate(good)]
    for arguments, fails in ((good, False), (bad, True)):
        given_ = [np.array(a, np.int32) if isinstance(a, list) else a for a in arguments]
        for function, count in ((_native.dependences, 6), (_native.interactions, 9)):
            if fails and (count == 9 or max(changed) < 6):
                with pytest.raises(ValueError, match="cells"):
                    function(*given_[:count])
            elif not fails:
                function(*given_[:count])


def test_memory_numbers_are_those_of_the_columns() -> None:
    assert set(addresses.CODES) == {VALUE, INPUT, "constant", OUTPUT}
