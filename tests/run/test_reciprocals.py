"""Quotients as products with reciprocals: within their bound, and as quotients where that fails."""

import numpy as np
import pytest

import wengert as wg
from wengert.primitives import div, mul
from wengert.run.reciprocals import with_reciprocals
from wengert.run.unrolled import unrolled

SLOPE = wg.grad(lambda x, y: x / y, argnums=(0, 1))


def rows(listed):
    return [row for row, _ in listed.operations]


def test_quotients_by_the_same_number_become_products():
    listed = unrolled(SLOPE.program(1.0, 2.0))
    changed, finite = with_reciprocals(listed)
    assert rows(listed).count(div) == 3
    assert rows(changed).count(div) == 1
    assert [changed.operations[k][0] for k in finite] == [div]


def test_a_quotient_alone_stays():
    listed = unrolled(wg.record(lambda x, y: (x / y, 1.0 / x), 1.0, 2.0))
    changed, finite = with_reciprocals(listed)
    assert changed is listed
    assert not finite


def test_what_comes_later_finds_what_it_reads():
    def several(x, y):
        z = wg.sin(x) / y
        inverse = 1.0 / y
        return z * inverse - x / y + wg.exp(z), 1.0 / y, y / x

    listed, _ = with_reciprocals(unrolled(wg.record(several, 0.3, 0.7)))
    assert rows(listed).count(div) == 2
    assert rows(listed).count(mul) >= 3
    for k, (_, operands) in enumerate(listed.operations):
        assert all(operand < k for operand in operands)


EDGES = [0.0, -0.0, 1.0, -3.0, 5e-324, 1e-310, -2e-309, 1e-300, 1e300, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("exact", [False, True])
def test_every_pair_is_the_quotient(exact):
    pytest.importorskip("llvmlite")
    x, y = (each.ravel() for each in np.meshgrid(EDGES, EDGES))
    value, slopes = wg.vectorize(
        wg.value_and_grad(lambda x, y: x / y, argnums=(0, 1)), tier="native", exact=exact
    )(x, y)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(value, x / y, rtol=4e-16)
    expected = np.array([SLOPE(*each) for each in zip(x.tolist(), y.tolist(), strict=True)])
    np.testing.assert_allclose(np.array(slopes).T, expected, rtol=7e-16)


def test_random_quotients_are_within_two_roundings():
    pytest.importorskip("llvmlite")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 10_000)) * 10.0 ** rng.integers(-100, 100, (2, 10_000))
    value, _ = wg.vectorize(wg.value_and_grad(lambda x, y: x / y, argnums=(0, 1)), tier="native")(
        x, y
    )
    assert (np.abs(value - x / y) <= 1.5 * np.spacing(np.abs(x / y))).all()
