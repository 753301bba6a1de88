"""Sums of products in tiles, and the pieces of a list."""

import random
from collections import Counter

import numpy as np
import pytest

import wengert as wg
from wengert.primitives import add, mul, strong_mul, tanh
from wengert.run import list_code, llvm, tiles
from wengert.run.pieces import MANY, PART, Piece, pieces
from wengert.run.tiles import SHAPES, Term
from wengert.run.unrolled import Unrolled

needs_llvm = pytest.mark.skipif(not llvm.is_there(), reason="needs llvmlite")


def drawn_terms(seed):
    draw = random.Random(seed)
    factors = range(draw.choice([1, 3, 30]))
    others = [*factors, None, None, *range(100, 100 + draw.choice([0, 2, 40]))]
    count = draw.choice([1, 10, 300])
    return [Term(k, draw.choice(factors), draw.choice(others)) for k in range(count)]


@pytest.mark.parametrize("lanes", SHAPES)
@pytest.mark.parametrize("seed", range(30))
def test_tiles_have_each_sum_once(seed, lanes):
    terms = drawn_terms(seed)
    expected = Counter({(frozenset({t.factor, t.other}), t.place): 1 for t in terms})
    found = Counter()
    for tile in tiles.tiles(terms, lanes):
        high, most = SHAPES[lanes]
        assert 0 < len(tile.rows) <= high
        assert 0 < len(tile.places) <= len(tile.rows) * len(tile.columns) <= max(most, high)
        for (row, column), place in tile.places.items():
            found[frozenset({tile.rows[row], tile.columns[column]}), place] += 1
    assert found == expected


def test_an_outer_product_is_read_seldom():
    terms = [Term(16 * j + i, j, 100 + i) for j in range(16) for i in range(16)]
    found = [*tiles.tiles(terms, 8)]
    assert sum(len(tile.rows) + len(tile.columns) for tile in found) < len(terms) / 1.5


def test_products_stay_products_where_their_factors_are_fewer():
    listed = Unrolled(
        [(tanh, (-1,)), (tanh, (-3,)), (mul, (0, 1)), (mul, (0, -3)), (strong_mul, (0, -5)),
         (strong_mul, (1, -1)), (mul, (1, -2)), (mul, (1, -1)), (add, (0, 1)), (mul, (0, -1))],
        [2.0],
    )  # fmt: skip
    listed.outputs = [2, 3, 4, 5, 6, 7, 8, 0, 9]
    found = tiles.terms(listed, plain={4}, shared={2})
    assert found == [
        Term(0, 0, 1),
        Term(1, 3),  # its other factor is in no other term
        Term(2, 4),  # all examples share one
        Term(3, 5),  # a product that is not plain
        Term(4, 6),  # a constant is no factor
        Term(5, 1, -1),
        Term(6, 8),
        Term(7, 0),
        Term(8, 0, -1),
    ]
    assert tiles.factors(found) == [0, 1, 3, 4, 5, 6, -1, 8]


# --- pieces ---------------------------------------------------------------------------------------


def drawn_list(seed):
    draw = random.Random(seed)
    listed = Unrolled()
    rows = [add, mul, tanh, tanh]
    for k in range(draw.choice([0, 5, 100, 3000])):
        row = draw.choice(rows)
        near = max(k - draw.choice([3, 50, 10**6]), 0)
        operands = tuple(draw.randrange(near, k) if k and draw.random() < 0.8 else -1
                         for _ in range(row.nin))  # fmt: skip
        listed.operations.append((row, operands))
    return listed


@pytest.mark.parametrize("seed", range(20))
def test_pieces_are_an_order_of_the_list(seed):
    listed = drawn_list(seed)
    live = [k for k in range(len(listed.operations)) if k % 10]
    found = pieces(listed, live, lambda row: row is tanh)
    assert sorted(k for piece in found for k in piece.operations) == live
    done = {k for k in range(len(listed.operations)) if not k % 10}
    for before, piece in zip([None, *found], found, strict=False):
        if piece.row:
            assert before
            assert not before.row
            assert len(piece.operations) >= MANY
            assert all(listed.operations[k][0] is piece.row for k in piece.operations)
            assert all(done.issuperset(listed.operations[k][1]) or -1 in listed.operations[k][1]
                       for k in piece.operations)  # fmt: skip
        else:
            assert len(piece.operations) <= PART
        for k in piece.operations:
            assert all(x in done for x in listed.operations[k][1] if x >= 0 and not piece.row)
            if not piece.row:
                done.add(k)
        done.update(piece.operations)
    assert not found[-1].row


def test_few_functions_stay_where_they_are():
    listed = Unrolled([(tanh, (-1,)), (tanh, (-3,)), (add, (0, 1)), (tanh, (2,)), (tanh, (3,))])
    assert pieces(listed, range(5), lambda row: row is tanh) == [Piece([*range(5)])]


# --- kernels --------------------------------------------------------------------------------------


def layers(p, x, y, z):
    """Functions of one and of two operands, some of inputs and of numbers, read here and there."""
    first = [wg.tanh(p[k] * x + y) for k in range(5)]
    second = [wg.hypot(each, p[k] + z) for k, each in enumerate(first)]
    third = [wg.exp(-each * each) for each in (x, y, z, first[0], second[0])]
    twice = [wg.sin(each) for each in third] + [wg.cos(each) for each in third]
    return sum(twice[k] * third[k % 5] * first[k % 5] for k in range(10)), third[1], first[2]


@needs_llvm
@pytest.mark.parametrize("exact", [True, False])
def test_groups_give_what_single_functions_give(exact, monkeypatch):
    rng = np.random.default_rng(0)
    args = rng.standard_normal(5), *rng.standard_normal((3, 21))

    def made():
        fast = wg.vectorize(
            wg.value_and_grad(lambda *args: layers(*args)[0], argnums=(0, 1, 2, 3)),
            signature="(n),(),(),()->(),(n),(),(),()", tier="native", exact=exact,
        )  # fmt: skip
        return fast(*args), fast.llvm[0]

    found, text = made()
    assert ("each:" in text) is not exact
    monkeypatch.setattr("wengert.run.pieces.MANY", 10**6)
    monkeypatch.setenv("WENGERT_CACHE", "off")
    single, text = made()
    assert "each:" not in text
    for one, other in zip([found[0], *found[1]], [single[0], *single[1]], strict=True):
        if exact:
            assert one.tobytes() == other.tobytes()
        else:  # products and sums that are apart are not fused
            np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-14)


@needs_llvm
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("count", [3, 8, 61, 999])
def test_sums_in_tiles(count, exact, monkeypatch):
    rng = np.random.default_rng(count)
    data = rng.standard_normal((3, count))
    p = rng.standard_normal(5)

    def loss(p, x, y, z):
        value, *_ = layers(p, x, y, z)
        return value, np.array([x * y, x * z, y * z, x * x, x, y, 1.5]), value * x, value * y

    total = wg.jacobian(wg.sum_over(loss, *data, tier="native", exact=exact))
    found = total(p)
    assert "tile0" in total.llvm[0]
    monkeypatch.setattr("wengert.run.tiles.FEW", 10**6)
    monkeypatch.setenv("WENGERT_CACHE", "off")
    plain = wg.jacobian(wg.sum_over(loss, *data, tier="native", exact=exact))
    expected = plain(p)
    assert "tile0" not in plain.llvm[0]
    interpreted = wg.jacobian(wg.sum_over(loss, *data, tier="interpreter", exact=exact))(p)
    for one, two, three in zip(found, expected, interpreted, strict=True):
        if exact:
            assert one.tobytes() == two.tobytes() == three.tobytes()
        else:
            np.testing.assert_allclose(one, two, rtol=1e-13, atol=1e-11)
            np.testing.assert_allclose(one, three, rtol=1e-12, atol=1e-11)


@needs_llvm
@pytest.mark.parametrize("groups", [1, 2, 7])
def test_groups_computed_together_change_no_bit(groups, monkeypatch):
    rng = np.random.default_rng(1)
    data, p = rng.standard_normal((3, 1003)), rng.standard_normal(5)

    def summed():
        total = wg.sum_over(lambda *args: layers(*args)[0], *data, tier="native")
        return wg.hessian(total)(p)

    expected = summed()
    monkeypatch.setattr(list_code, "GROUPS", groups)
    monkeypatch.setenv("WENGERT_CACHE", "off")
    assert summed().tobytes() == expected.tobytes()


@needs_llvm
def test_a_zero_absorbs_what_is_infinite_in_sums():
    """Plain products give NaN there, which the sum keeps, and is computed again."""
    x = np.linspace(-1.0, 1.0, 40)
    x[17] = 0.0

    def loss(p, x):
        return sum(wg.where(x > 0.0, p[k] * x, 0.0) * wg.sqrt(abs(x)) for k in range(12))

    total = wg.grad(wg.sum_over(lambda p, x: loss(p, x * p[0]), x, tier="native"))
    p = np.arange(1.0, 13.0)
    assert np.isfinite(total(p)).all()
    plain = wg.grad(wg.sum_over(lambda p, x: loss(p, x * p[0]), x, tier="interpreter"))
    np.testing.assert_allclose(total(p), plain(p), rtol=1e-13)
