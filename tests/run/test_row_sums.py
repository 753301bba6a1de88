"""Sums of functions of many parameters, rows of examples at a time, are what adding up gives."""

import numpy as np
import pytest
from evaluate import bits

import wengert as wg
from wengert.program.invariants import checked
from wengert.run import llvm, row_sums
from wengert.run.interpret import interpret
from wengert.run.row import summed
from wengert.run.row_sums import FEW, MANY, ROWS

RNG = np.random.default_rng(0)
W, B = 0.2 * RNG.standard_normal((40, 30)), 0.1 * RNG.standard_normal(40)
X, Y = RNG.standard_normal((150, 30)), RNG.standard_normal(150)
COUNTS = 1, 2, FEW - 1, FEW, FEW + 1, ROWS - 1, ROWS, ROWS + 1, 150
native = pytest.mark.skipif(not llvm.is_there(), reason="llvmlite is not installed")


def loss(layer, x, y):
    w, b = layer
    hidden = [
        wg.tanh(bias + sum(p * q for p, q in zip(row, x, strict=True)))
        for row, bias in zip(w, b, strict=True)
    ]
    return (sum(hidden) - y) ** 2


def by_hand(w, b, x, y):
    """The sum of the losses, and its derivatives."""
    hidden = np.tanh(x @ w.T + b)
    off = hidden.sum(1) - y
    back = 2.0 * off[:, None] * (1.0 - hidden * hidden)
    return (off**2).sum(), (back.T @ x, back.sum(0))


def over(count=150, tier="native", **named):
    return wg.sum_over(loss, X[:count], Y[:count], tier=tier, **named)


def in_rows(total):
    """Whether rows of examples were used."""
    return [rows.paths for rows in total._in_rows.values() if rows]


# --- the program ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_the_program_adds_one_after_the_other(rows):
    program = wg.record(loss, (W, B), X[0], Y[0])
    total = summed(program, 2, rows)
    checked(total)
    expected = 0.0
    for x, y in zip(X[:rows], Y[:rows], strict=True):
        expected = expected + program((W, B), x, y)
    assert total((W, B), X[:rows], Y[:rows], np.ones(rows)) == expected
    assert wg.Program.parse(str(total)) == total


def test_what_does_not_count_does_not_spoil_the_sum():
    program = wg.record(loss, (W, B), X[0], Y[0])
    total = wg.value_and_grad(summed(program, 2, 3))
    x, y = X[:3].copy(), Y[:3].copy()
    expected = total((W, B), x, y, np.array([1.0, 0.0, 1.0]))
    x[1], y[1] = np.nan, np.inf
    found = total((W, B), x, y, np.array([1.0, 0.0, 1.0]))
    assert found[0] == expected[0]
    for a, b in zip(found[1], expected[1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_examples_of_several_parts():
    def function(w, example, scale):
        return scale * sum(a * b for a, b in zip(w, example["x"], strict=True)) + example["y"][1]

    args = np.arange(5.0), {"x": np.arange(5.0) + 1.0, "y": (2.0, 3.0)}, 0.5
    program = wg.record(function, *args)
    total = summed(program, 2, 2)
    rows = {"x": np.vstack([args[1]["x"], -args[1]["x"]]), "y": (np.ones(2), np.arange(2.0))}
    found = total(args[0], rows, np.array([0.5, 2.0]), np.ones(2))
    each = [
        function(args[0], {"x": rows["x"][k], "y": (1.0, float(k))}, (0.5, 2.0)[k]) for k in (0, 1)
    ]
    assert found == sum(each, 0.0)


def branching(w, x):
    return w[0] * x if x > w[1] else w[1] * x


def looping(w, x):
    return wg.while_loop(lambda v: v < 10.0, lambda v: v * w[0], x + w[1])


def of_two(w, x):
    return w[0] * x, w[1] * x


def across(w, x, y):
    return sum(v * v for v in [*x, *y]) * w[0]


@pytest.mark.parametrize("function", [branching, looping, of_two])
def test_programs_that_are_not_summed(function):
    assert summed(wg.record(function, np.array([2.0, 1.0]), 1.0), 1, 4) is None


def test_arguments_that_one_address_reaches_are_not_summed():
    assert summed(wg.record(across, *np.ones((3, 40))), 2, 4) is None


# --- the sums -------------------------------------------------------------------------------------


@native
@pytest.mark.parametrize("count", COUNTS)
def test_any_number_of_examples(count):
    total = wg.value_and_grad(over(count))
    value, slopes = total((W, B))
    assert in_rows(total)
    expected, derivatives = by_hand(W, B, X[:count], Y[:count])
    assert value == pytest.approx(expected, rel=1e-13)
    for slope, derivative in zip(slopes, derivatives, strict=True):
        np.testing.assert_allclose(slope, derivative, rtol=1e-11, atol=1e-12)


@native
def test_no_examples():
    value, slopes = wg.value_and_grad(over(0))((W, B))
    assert value == 0.0
    assert not slopes[0].any()
    with pytest.raises(wg.OperandError, match="no mean of no examples"):
        wg.mean_over(loss, X[:0], Y[:0], tier="native")((W, B))


@native
def test_a_result_depends_on_the_examples_alone():
    """Not on chunks, or threads; and not on how many rows there were at a time."""
    expected = wg.value_and_grad(over(threads=1))((W, B))

    def chunks(*sizes):
        def given():
            start = 0
            for size in (*sizes, len(X) - sum(sizes)):
                yield X[start : start + size], Y[start : start + size]
                start += size

        return given

    ways = [
        over(threads=2), wg.sum_over(loss, chunks(1, 63, 3), tier="native"),
        wg.sum_over(loss, chunks(149), tier="native"), wg.sum_over(loss, chunks(17), tier="native"),
    ]  # fmt: skip
    for total in ways:
        found = wg.value_and_grad(total)((W, B))
        assert found[0] == expected[0]
        for a, b in zip(found[1], expected[1], strict=True):
            assert bits(a.ravel()) == bits(b.ravel())


@native
def test_minibatches_and_means():
    total, mean = wg.grad(over()), wg.grad(wg.mean_over(loss, X, Y, tier="native"))
    rows = RNG.permutation(150)[:33]
    for batch in (slice(3, 90), rows):
        _, expected = by_hand(W, B, X[batch], Y[batch])
        np.testing.assert_allclose(
            total((W, B), batch=batch)[0], expected[0], rtol=1e-11, atol=1e-12
        )
    np.testing.assert_allclose(
        mean((W, B))[0], by_hand(W, B, X, Y)[1][0] / 150, rtol=1e-11, atol=1e-13
    )


@native
def test_infinite_losses_are_seen():
    """Also in a row that is not full, whose last example is repeated."""
    y = Y[:70].copy()
    y[69] = 1e200
    value, _ = wg.value_and_grad(wg.sum_over(loss, X[:70], y, tier="native"))((W, B))
    assert value == np.inf
    y[69] = np.nan
    assert np.isnan(wg.sum_over(loss, X[:70], y, tier="native")((W, B)))


@native
def test_other_transforms():
    total = over()
    direction = RNG.standard_normal(W.shape), RNG.standard_normal(B.shape)
    slow = over(tier="interpreter")
    for made, expected in (
        (wg.jvp(total, ((W, B),), (direction,)), wg.jvp(slow, ((W, B),), (direction,))),
        (wg.hvp(total, ((W, B),), (direction,))[0], wg.hvp(slow, ((W, B),), (direction,))[0]),
    ):
        for a, b in zip(made, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)
    value, pullback = wg.vjp(total, (W, B))
    assert value == pytest.approx(slow((W, B)), rel=1e-13)
    np.testing.assert_allclose(
        pullback(2.0)[0][0], 2.0 * by_hand(W, B, X, Y)[1][0], rtol=1e-10, atol=1e-12
    )


@native
def test_who_asks_for_bits_gets_them():
    total = wg.value_and_grad(over(exact=True))
    total((W, B))
    assert not in_rows(total)
    assert not in_rows(over(tier="interpreter"))


@native
def test_few_parameters_are_summed_in_lanes():
    w, b = W[:10], B[:10]
    assert w.size + b.size < MANY
    total = wg.grad(wg.sum_over(loss, X, Y, tier="native"))
    total((w, b))
    assert not in_rows(total)


@native
def test_branches_are_summed_in_lanes():
    def bent(w, x):
        total = sum(p * q for p, q in zip(w, x, strict=True))
        return total * total if total > 0.0 else -total

    x = RNG.standard_normal((20, MANY))
    w = RNG.standard_normal(MANY)
    total = wg.grad(wg.sum_over(bent, x, tier="native"))
    found = total(w)
    assert not in_rows(total)
    each = x @ w
    np.testing.assert_allclose(
        found, np.where(each > 0.0, 2.0 * each, -1.0) @ x, rtol=1e-11, atol=1e-11
    )


@native
def test_reports_tell_of_rows():
    total = wg.jit(wg.value_and_grad(over()))
    total((W, B))
    (program,) = total.programs
    assert "weights[64]" in str(program).splitlines()[0]
    assert "native, loops" in str(total.report()) or "interpreter" in str(total.report())


@native
def test_parameters_of_other_kinds_and_wrong_ones():
    """What comes after a call like the one before is looked at as well as that one was."""
    total = over()
    expected = total((W, B))
    assert total((W.astype(np.float32).astype(float), B)) != expected
    assert total([W, B.tolist()]) == pytest.approx(expected, rel=1e-12)
    assert total((np.asfortranarray(W), B)) == expected
    with pytest.raises(wg.OperandError):
        total((W, "b"))
    with pytest.raises(TypeError):
        total((W, B), 1.0)
    assert total((W, B)) == expected


@native
def test_without_a_compiler_sums_are_taken_in_lanes(monkeypatch):
    monkeypatch.setattr(row_sums.llvm, "is_there", lambda: False)
    total = wg.value_and_grad(over(tier="auto"))
    assert total((W, B))[0] == pytest.approx(by_hand(W, B, X, Y)[0], rel=1e-13)
    assert not in_rows(total)


def test_rows_of_a_program_that_is_interpreted():
    program = wg.record(loss, (W, B), X[0], Y[0])
    total = summed(program, 2, 5)
    numbers = total.arguments.numbers(((W, B), X[:5], Y[:5], np.ones(5)))
    found = interpret(wg.value_and_grad(total), numbers)
    value, (slope, _) = by_hand(W, B, X[:5], Y[:5])
    assert found[0] == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(found[1 : 1 + W.size], slope.ravel(), rtol=1e-11, atol=1e-12)
