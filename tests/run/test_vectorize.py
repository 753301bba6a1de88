"""vectorize means what np.vectorize means, and what calling the function for each example gives."""

import functools
import math
import pickle
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert.run import llvm

TIERS = ["interpreter", *(["native"] if llvm.is_there() else [])]
every_tier = pytest.mark.parametrize("tier", TIERS)
XS = np.random.default_rng(0).standard_normal(11)


def same(found, expected):
    """Bits, shape and type; all NaNs are one."""
    np.testing.assert_array_equal(found, expected, strict=True)
    signed = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found)[signed], np.signbit(expected)[signed])


def mixed(x, y):
    if x > 0.0:
        return x * y if y < 0.5 else x + y
    return wg.exp(x) - y


# --- broadcasting, as np.vectorize ----------------------------------------------------------------

GIVEN = {
    "scalars": (1.5, -2.0),
    "0-d": (np.array(1.5), np.float64(2.0)),
    "one axis": (XS, 0.25),
    "two axes": (XS[:, None], XS[:3]),
    "three": (XS[:6].reshape(2, 1, 3), XS[6:10].reshape(4, 1)),
    "lists": ([1, -2.5, 3], [[0.5], [0.125]]),
    "tuples and ranges": ((1, 2), range(2)),
    "not contiguous": (XS[::2], XS[1:7]),
    "backwards": (XS[::-1], XS),
    "Fortran": (np.asfortranarray(XS[:6].reshape(2, 3)), XS[:3]),
    "transposed": (XS[:6].reshape(2, 3).T, 1.0),
    "integers": (np.array([1, -2, 3]), 2),
    "booleans": (np.array([True, False]), True),
    "big-endian": (XS[:3].astype(">f8"), 1.0),
    "half": (np.array([1.5, -0.25], np.float16), 1.0),
    "a field of records": (np.array([(1, 2.5), (3, -1.5)], [("a", "i1"), ("b", "f8")])["b"], 1.0),
    "repeated": (np.broadcast_to(np.float64(1.5), (3, 2)), XS[:2]),
    "special": (np.array([np.nan, np.inf, -np.inf, 0.0, -0.0]), XS[:2, None]),
    "objects": (np.array([1.5, -1], object), 1.0),
    "one of one": (XS[:1], XS[1:2]),
}


@every_tier
@pytest.mark.parametrize("name", GIVEN)
def test_values_and_shapes_are_those_of_numpy(name, tier):
    args = GIVEN[name]
    found = wg.vectorize(mixed, exact=True, tier=tier)(*args)
    with np.errstate(invalid="ignore"):
        expected = np.vectorize(lambda x, y: float(mixed(float(x), float(y))))(*args)
    same(found, expected if expected.ndim else expected[()])


@every_tier
@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 2)])
def test_empty_batches(shape, tier):
    found = wg.vectorize(mixed, tier=tier)(np.empty(shape), 1.0)
    assert found.shape == shape
    assert wg.vectorize(mixed, tier=tier)(np.empty((3, 0)), np.ones((4, 1, 1))).shape == (4, 3, 0)


@every_tier
def test_arguments_are_not_changed_and_may_be_read_only(tier):
    xs = XS.copy()
    xs.flags.writeable = False
    assert np.array_equal(wg.vectorize(lambda x: 2.0 * x, tier=tier)(xs), 2.0 * XS)
    assert np.array_equal(xs, XS)


@every_tier
def test_single_precision_comes_back_in_single_precision(tier):
    f = wg.vectorize(lambda x, y: x / 3.0 + y, exact=True, tier=tier)
    xs = XS.astype(np.float32)
    same(f(xs, 1.0), (xs.astype(float) / 3.0 + 1.0).astype(np.float32))
    assert f(xs, xs).dtype == np.float32
    assert f(xs, XS).dtype == np.float64
    assert f(XS.astype(np.float16), 1.0).dtype == np.float64


# --- signatures -----------------------------------------------------------------------------------


@every_tier
@pytest.mark.parametrize(
    ("signature", "function", "shapes"),
    [
        ("(n),(n)->()", lambda p, x: p @ x, [(3,), (5, 3)]),
        ("(n),(n)->()", lambda p, x: p @ x, [(4, 1, 3), (5, 3)]),
        ("(m,n),(n)->(m)", lambda a, x: np.array([row @ x for row in a]), [(2, 2, 3), (3,)]),
        ("(n)->(n),()", lambda p: (p * 2.0, p[0]), [(2, 3)]),
        ("(),()->()", lambda x, y: x * y, [(2, 1), (3,)]),
        ("(2)->()", lambda p: p[0] - p[1], [(4, 2)]),
        ("(n)->(n)", lambda p: p[::-1] * p[0], [(0, 3)]),
        ("(n)->(k)", lambda p: np.array([p[0], p[-1]]), [(3, 5)]),
    ],
)  # fmt: skip
def test_signatures_are_those_of_numpy(signature, function, shapes, tier):
    rng = np.random.default_rng(1)
    args = [rng.standard_normal(shape) for shape in shapes]
    found = wg.vectorize(function, signature=signature, exact=True, tier=tier)(*args)
    if 0 in shapes[0]:
        assert found.shape == shapes[0]
        return
    numpy_signature = signature.replace("(2)", "(n)")
    expected = np.vectorize(function, signature=numpy_signature)(*args)
    for one, other in zip(*((each,) if isinstance(each, np.ndarray) else each
                            for each in (found, expected)), strict=True):  # fmt: skip
        np.testing.assert_allclose(one, other, rtol=1e-15)
        assert one.shape == other.shape


@every_tier
def test_results_need_not_be_stated_and_cores_may_be_empty(tier):
    twice = wg.vectorize(lambda p: p * 2.0, signature="(n)", tier=tier)
    assert np.array_equal(twice(np.ones((2, 3))), np.full((2, 3), 2.0))
    total = wg.vectorize(lambda p: sum(p, 1.0), signature="(n)->()", tier=tier)
    assert np.array_equal(total(np.ones((3, 0))), np.ones(3))


@pytest.mark.parametrize(
    ("function", "signature", "args", "says"),
    [
        (mixed, None, (XS, XS[:4]), r"broadcasts .* do not fit: x \(11,\), y \(4,\)"),
        (lambda p, x: p @ x, "(n),(n)->()", (XS[:3], XS[:4]), "4 numbers along n, which is 3"),
        (lambda p: p, "(n)->()", (1.0,), r"shape \(\).* at least 1 axes"),
        (lambda p: p, "(n)->()", (XS,), r"result 0 of the function has shape \(11,\).*says \(\)"),
        (lambda p: (p, p), "(n)->(n)", (XS,), "1 results, and the function gives 2"),
        (lambda p: p[:2], "(n)->(n)", (XS,), "2 numbers along n, which is 11"),
        (lambda p: p, "(3)->(3)", (XS,), "11 numbers along 3"),
        (lambda p: p, "(n),(n)->()", (XS,), "2 arguments, and 1 were given"),
        (mixed, None, (XS,), "missing a required argument: 'y'"),
        (mixed, None, (XS, XS, XS), "too many positional arguments"),
        (mixed, None, ([1.0, [2.0]], 1.0), "argument x is a list of arrays or lists of different"),
        (mixed, None, (XS + 1j, 1.0), "argument x .*complex128"),
        (mixed, None, (np.array(["a"]), 1.0), "argument x .*<U1"),
        (mixed, None, (np.array(["2020"], "M8[D]"), 1.0), "argument x .*datetime64"),
        (mixed, None, (np.ma.masked_array([1.0], [1]), 1.0), "masked array"),
        (mixed, None, ((x for x in XS), 1.0), "argument x is generator"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(function, signature, args, says):
    with pytest.raises(wg.OperandError, match=says):
        wg.vectorize(function, signature=signature)(*args)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tier": "gpu"}, '"auto", "interpreter", "native", not \'gpu\''),
        ({"threads": 0}, "threads is a whole number from 1"),
        ({"threads": 1.5}, r"not 1\.5"),
        ({"threads": True}, "not True"),
        ({"threads": 10**9}, "threads is a whole number"),
        ({"signature": "(n"}, "core dimensions"),
        ({"signature": 3}, "core dimensions"),
    ],
)
@pytest.mark.parametrize("given", [(), (mixed,)])
def test_options_are_checked_at_once(options, says, given):
    with pytest.raises(wg.OperandError, match=says):
        wg.vectorize(*given, **options)


def test_what_cannot_be_called_is_refused():
    with pytest.raises(wg.OperandError, match=r"wg\.vectorize takes a function"):
        wg.vectorize(3.0)


# --- out ------------------------------------------------------------------------------------------


@every_tier
@pytest.mark.parametrize("out", [np.empty(11), np.empty(22)[::2], np.empty(11)[::-1],
                                 np.empty((11, 2), order="F")[:, 1], np.empty(11, object),
                                 np.empty(11, complex), np.empty(11, ">f8")])  # fmt: skip
def test_out_is_written_to_and_given_back(out, tier):
    assert wg.vectorize(lambda x: 2.0 * x, tier=tier)(XS, out=out) is out
    assert np.array_equal(out, 2.0 * XS)


@every_tier
@pytest.mark.parametrize(("here", "there"), [(0, 0), (0, 1), (1, 0)])
def test_out_may_be_where_arguments_are(here, there, tier):
    both = XS.copy()
    f = wg.vectorize(lambda x: 2.0 * x if x > 0.0 else -x, tier=tier)
    f(both[here : here + 10], out=both[there : there + 10])
    taken = XS[here : here + 10]
    assert np.array_equal(both[there : there + 10], np.where(taken > 0.0, 2.0 * taken, -taken))


@every_tier
def test_out_of_structures_and_of_one_number(tier):
    f = wg.vectorize(lambda x: {"a": x, "b": (2.0 * x, None)}, tier=tier)
    out = {"a": np.empty(11), "b": (np.empty(11, np.float32), None)}
    found = f(XS, out=out)
    assert found["a"] is out["a"]
    assert found["b"][0] is out["b"][0]
    assert np.array_equal(out["b"][0], (2.0 * XS).astype(np.float32))
    one = np.empty(())
    assert wg.vectorize(lambda x: 2.0 * x, tier=tier)(1.5, out=one) is one
    assert one == 3.0


def read_only():
    out = np.empty(11)
    out.flags.writeable = False
    return out


@pytest.mark.parametrize(
    ("out", "says"),
    [
        (np.empty(10), r"array of shape \(11,\), not one of \(10,\)"),
        (np.empty((11, 1)), r"array of shape \(11,\)"),
        (np.empty(11, int), "writeable array of floats, not one of int64"),
        (read_only(), "read-only"),
        ([0.0] * 11, r"array of shape \(11,\), not list"),
        ((np.empty(11),), r"array of shape \(11,\), not tuple"),
        (3.0, r"array of shape \(11,\), not float"),
    ],
)
def test_what_out_cannot_be(out, says):
    with pytest.raises(wg.OperandError, match=f"out of the function is .*{says}"):
        wg.vectorize(lambda x: 2.0 * x)(XS, out=out)


# --- structures -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ball:
    place: float
    speed: float


class Point(NamedTuple):
    x: float
    y: float


@every_tier
def test_structures_in_and_out(tier):
    def f(ball, point, named):
        return {
            "ball": Ball(ball.place + ball.speed, ball.speed), "point": Point(point.y, point.x),
            "rest": (None, "fast", True, [named["a"], 3]),
        }  # fmt: skip

    found = wg.vectorize(f, tier=tier)(Ball(XS, 2.0), Point(XS, 1.0), {"a": [1.0] * 11})
    assert isinstance(found["ball"], Ball)
    assert np.array_equal(found["ball"].place, XS + 2.0)
    assert np.array_equal(found["ball"].speed, np.full(11, 2.0))
    assert isinstance(found["point"], Point)
    assert np.array_equal(found["point"].y, XS)
    assert found["rest"][:3] == (None, "fast", True)
    assert np.array_equal(found["rest"][3], [np.ones(11), np.full(11, 3.0)])


@every_tier
def test_fixed_arguments_and_arguments_by_name(tier):
    def f(x, mode, *, n=2):
        return x**n if mode == "power" else x

    compiled = wg.vectorize(f, exact=True, tier=tier)
    assert np.array_equal(compiled(XS, "power"), XS**2)
    assert np.array_equal(compiled(XS, "none", n=5), XS)
    assert np.array_equal(compiled(XS, "power", n=2), XS**2)
    assert np.array_equal(compiled(XS, mode="none"), XS)
    assert np.array_equal(wg.vectorize(mixed, exact=True, tier=tier)(XS, y=0.25),
                          [mixed(x, 0.25) for x in XS])  # fmt: skip


@every_tier
def test_results_of_no_numbers_of_arrays_and_of_constants(tier):
    assert wg.vectorize(lambda x: None, tier=tier)(XS) is None
    assert np.array_equal(wg.vectorize(lambda x: 3, tier=tier)(XS), np.full(11, 3.0))
    assert wg.vectorize(lambda x: np.array([x, 2.0 * x]), tier=tier)(XS).shape == (11, 2)
    assert wg.vectorize(lambda: 3.0, tier=tier)() == 3.0


@every_tier
@pytest.mark.parametrize(
    "function", [lambda x: (x, x) if x > 0.0 else x, lambda x: "a" if x > 0.0 else "b"]
)
def test_one_structure_for_all(function, tier):
    with pytest.raises(wg.OperandError, match="one structure for some examples and of another"):
        wg.vectorize(function, tier=tier)(XS)


# --- each example its own path --------------------------------------------------------------------


def collatz(n):
    steps = 0
    while n != 1.0:
        n = n / 2.0 if n % 2.0 == 0.0 else 3.0 * n + 1.0
        steps += 1
    return steps + 0.0 * n


def nested(x, y):
    if x > 0.0:
        if y > x:
            return wg.sin(x) * y
        return x if y == 0.0 else x / y
    if y <= -0.5:
        return wg.sqrt(-x)
    total = 0.0 * x
    for k in range(int(4.0 * abs(x))):
        total = total + x**k
    return total


@every_tier
def test_branches(tier):
    rng = np.random.default_rng(5)
    xs, ys = rng.standard_normal((2, 60))
    ys[::7] = 0.0
    expected = np.array([nested(x, y) for x, y in zip(xs, ys, strict=True)])
    same(wg.vectorize(nested, exact=True, tier=tier)(xs, ys), expected)
    slopes = wg.grad(nested, argnums=(0, 1))
    expected = np.array([slopes(x, y) for x, y in zip(xs[:20], ys[:20], strict=True)]).T
    found = wg.vectorize(slopes, exact=True, tier=tier)(xs[:20], ys[:20])
    same(np.array(found), expected)


@every_tier
def test_loops_that_run_as_long_as_the_data_say(tier):
    numbers = np.arange(1.0, 12.0)
    found = wg.vectorize(collatz, exact=True, tier=tier)(numbers)
    same(found, np.array([collatz(n) for n in numbers]))


@every_tier
def test_comparisons_of_nan_and_of_equal_numbers(tier):
    def kind(x):
        if x == 0.5:
            return 5.0
        return 1.0 if x > 0.0 else 2.0 if x <= 0.0 else 3.0

    xs = np.array([1.0, -1.0, math.nan, math.inf, -0.0, 0.5, -math.inf])
    same(wg.vectorize(kind, tier=tier)(xs), np.array([1.0, 2.0, 3.0, 1.0, 2.0, 5.0, 2.0]))


def loop_in_loop(x):
    def outer(s):
        return wg.while_loop(lambda r: r < s + x, lambda r: 1.5 * r, s) + 0.5

    return wg.while_loop(lambda s: s < 10.0, outer, x)


def loop_in_for(x):
    def step(k, s):
        return wg.while_loop(lambda r: r * r > 1.0, lambda r: r / 2.0, s) + x

    return wg.fori(5, step, 4.0 * x)


def guard_in_loop(x):
    return wg.while_loop(lambda s: s < 5.0, lambda s: s + 1.0 if x > 0.0 else s + 2.0, x)


def guards_around(x):
    y = guard_in_loop(x) if x > 0.5 else -x
    return y if y > 1.0 else loop_in_for(y)


def scanned(x):
    return wg.scan(lambda s, a: (s * x + a, s), 1.0, np.arange(3.0))


def never(x):
    return wg.while_loop(lambda s: s < 0.0, lambda s: s / 2.0 - 1.0, x * x)


def pair(x):
    return wg.while_loop(lambda s: s[0] < 3.0, lambda s: (s[0] + x * x, s[1] * 0.5), (x, 1.0))


LOOPS = [loop_in_loop, loop_in_for, guard_in_loop, guards_around, scanned, never, pair]


@every_tier
@pytest.mark.parametrize("function", LOOPS, ids=lambda f: f.__name__)
def test_stated_loops(function, tier):
    rng = np.random.default_rng(6)
    xs = rng.uniform(0.1, 2.0, 13) * np.where(rng.random(13) < 0.4, -1.0, 1.0)
    if function is loop_in_loop:
        xs = abs(xs)
    found = wg.vectorize(function, exact=True, tier=tier)(xs)
    expected = [function(x) for x in xs.tolist()]
    if function in (scanned, pair):
        for k in range(2):
            same(found[k], np.array([each[k] for each in expected]))
        return
    same(found, np.array(expected))
    slope = wg.grad(function)
    same(wg.vectorize(slope, exact=True, tier=tier)(xs), np.array([slope(x) for x in xs.tolist()]))


@every_tier
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 1000])
def test_results_do_not_depend_on_the_batch(count, tier):
    xs = np.random.default_rng(7).standard_normal(1000)
    function = wg.vectorize(wg.value_and_grad(mixed), tier=tier)
    for all_of_them, some in zip(function(xs, 0.3), function(xs[:count], 0.3), strict=True):
        same(some, all_of_them[:count])


@every_tier
def test_results_do_not_depend_on_how_arguments_lie(tier):
    def f(a, b, x):
        return wg.fori(5, lambda k, s: s * a - (a * b + b) * x, x) * b + a * x

    function = wg.vectorize(f, tier=tier)
    full = np.empty((11, 3))
    full[:, 0], full[:, 1], full[:, 2] = 0.1, 0.3, XS
    same(function(0.1, 0.3, XS), function(*full.T))
    same(function(0.1, 0.3, XS), function(*np.asfortranarray(full).T.copy()))
    same(function(0.1, 0.3, XS)[4:5], function(0.1, 0.3, XS[4:5]))


# --- composition ----------------------------------------------------------------------------------


def cubes(p):
    return wg.sum(p**3) * p[0]


@every_tier
@pytest.mark.parametrize("transform", [wg.grad, wg.hessian, wg.jacobian, wg.value_and_grad])
def test_transforms(transform, tier):
    points = np.random.default_rng(8).standard_normal((5, 3))
    made = transform(cubes)
    found = wg.vectorize(made, signature="(n)", exact=True, tier=tier)(points)
    expected = [made(point) for point in points]
    if transform is wg.value_and_grad:
        same(found[0], np.array([each[0] for each in expected]))
        found, expected = found[1], [each[1] for each in expected]
    same(found, np.array(expected))


@every_tier
def test_products_and_auxiliary_results(tier):
    points = np.random.default_rng(8).standard_normal((4, 3))
    product = wg.vectorize(
        lambda p, v: wg.hvp(cubes, (p,), (v,))[0], signature="(n),(n)", tier=tier
    )
    expected = np.array([wg.hvp(cubes, (p,), (np.ones(3),))[0] for p in points])
    np.testing.assert_allclose(product(points, np.ones(3)), expected, rtol=1e-13)
    both = wg.value_and_grad(lambda x: (x * x, {"x": x, "name": "n"}), has_aux=True)
    (value, aux), slope = wg.vectorize(both, tier=tier)(XS)
    assert np.array_equal(value, XS * XS)
    assert np.array_equal(aux["x"], XS)
    assert aux["name"] == "n"
    assert np.array_equal(slope, 2.0 * XS)


@every_tier
def test_sparse_jacobians_each_with_its_own_pattern(tier):
    pytest.importorskip("scipy")

    def f(p):
        return (
            np.array([p[0] * p[1], p[2] ** 2]) if p[0] > 0.0 else np.array([p[0] * p[2], p[1] ** 2])
        )

    points = np.array([[1.0, 2.0, 3.0], [-1.0, 2.0, 3.0], [2.0, 5.0, 7.0]])
    compiled = wg.vectorize(wg.jacobian(f, sparse=True), signature="(n)->(m,n)", tier=tier)
    found = compiled(points)
    assert found.dtype == object
    for point, each in zip(points, found, strict=True):
        np.testing.assert_allclose(each.toarray(), wg.jacobian(f)(point), rtol=1e-15)
    assert compiled(np.empty((0, 3))).shape == (0,)
    with pytest.raises(wg.OperandError, match="gives objects"):
        compiled(points, out=np.empty(3))


@every_tier
def test_compiled_functions_inside_each_other(tier):
    inner = wg.jit(mixed, tier=tier)
    expected = wg.vectorize(mixed, tier=tier)(XS, 0.3)
    same(wg.vectorize(lambda x: inner(x, 0.3), tier=tier)(XS), expected)
    same(wg.vectorize(wg.vectorize(mixed, tier=tier), tier=tier)(XS, 0.3), expected)
    same(
        wg.vectorize(wg.grad(inner), tier=tier)(XS, 0.3),
        wg.vectorize(wg.grad(mixed), tier=tier)(XS, 0.3),
    )


@every_tier
def test_in_recorded_code_and_on_values(tier):
    each = wg.vectorize(mixed, tier=tier)
    slope = wg.grad(lambda p: wg.sum(each(p, 2.0)))(XS)
    same(slope, np.array([wg.grad(mixed)(x, 2.0) for x in XS]))
    assert each(wg.Value(2.0), 0.25).data == 0.5
    values = each([wg.Value(2.0), wg.Value(-1.0)], [[0.25], [1.0]])
    assert values.shape == (2, 2)
    assert values[1, 0].data == 3.0
    rows = wg.vectorize(lambda p, q: (p @ q, p), signature="(n),(n)", tier=tier)
    jacobian = wg.jacobian(lambda p: rows(p, np.eye(3))[0])(np.ones(3))
    assert np.array_equal(jacobian, np.eye(3))
    assert np.array_equal(wg.record(lambda a: each(a, XS), 1.0)(0.5), each(0.5, XS))
    with pytest.raises(wg.OperandError, match="out of mixed"):
        each([wg.Value(2.0)], 1.0, out=np.empty(1))


@every_tier
def test_operands_of_the_recording_around_are_to_be_arguments(tier):
    def f(a):
        return wg.sum(wg.vectorize(lambda x: a * x, tier=tier)(XS))

    with pytest.raises(wg.OperandError, match="Make them arguments"):
        wg.grad(f)(2.0)


@every_tier
def test_programs(tier):
    program = wg.record(lambda x, y: x * y, 1.0, 2.0)
    same(wg.vectorize(program, tier=tier)(XS, 2.0), XS * 2.0)
    same(wg.vectorize(program, tier=tier)(XS, y=2.0), XS * 2.0)
    with pytest.raises(wg.PathChanged):
        wg.vectorize(wg.record(mixed, 1.0, 0.2), tier=tier)(XS, 0.2)
    total = wg.vectorize(wg.record(lambda p: wg.sum(p), np.ones(3)), signature="(n)->()", tier=tier)
    assert np.array_equal(total(np.ones((2, 3))), [3.0, 3.0])


@every_tier
@pytest.mark.parametrize("signature", [None, "(n)->()"])
def test_programs_are_given_what_they_were_recorded_for(signature, tier):
    total = wg.vectorize(wg.record(lambda p: wg.sum(p), np.ones(3)), signature=signature, tier=tier)
    with pytest.raises(wg.OperandError, match=r"recorded for an array of shape \(3,\)"):
        total(np.ones((2, 4)))


# --- as people use it -----------------------------------------------------------------------------


@wg.vectorize
def decorated(x):
    """What it does."""
    return x + 1.0


@wg.vectorize(signature="(n)->()", exact=True)
def total(p):
    return wg.sum(p)


def test_decorators():
    assert decorated.__name__ == "decorated"
    assert decorated.__doc__ == "What it does."
    assert repr(decorated).startswith("<vectorize of decorated")
    assert np.array_equal(decorated([1, 2]), [2.0, 3.0])
    assert np.array_equal(total(np.ones((2, 3))), [3.0, 3.0])


class Model(NamedTuple):
    k: float

    @wg.vectorize
    def times(self, x):
        return self.k * x


class Opaque:
    @wg.vectorize
    def times(self, x):
        return x


def test_methods():
    assert np.array_equal(Model(2.0).times(XS), 2.0 * XS)
    with pytest.raises(wg.OperandError, match=r"times\(\): argument self is Opaque"):
        Opaque().times(XS)


@pytest.mark.parametrize("function", [np.sin, wg.sin, abs, max, functools.partial(mixed, y=0.2)])
def test_functions_that_are_none_of_ours(function):
    args = (XS, 0.0) if function is max else (XS,)
    expected = np.array([float(function(*(x, *args[1:]))) for x in XS])
    same(wg.vectorize(function, exact=True)(*args), expected)


@every_tier
def test_pickles(tier):
    again = pickle.loads(pickle.dumps(wg.vectorize(np.sin, exact=True, tier=tier)))
    same(again(XS), np.array([math.sin(x) for x in XS]))
    again = pickle.loads(pickle.dumps(decorated.programs))
    assert again == decorated.programs


@every_tier
def test_errors_of_the_function_leave_it_usable(tier):
    def f(x):
        if x < 0.0:
            raise KeyError("negative")
        return x * 2.0

    compiled = wg.vectorize(f, tier=tier)
    for _ in range(2):
        assert np.array_equal(compiled(abs(XS)), 2.0 * abs(XS))
        with pytest.raises(KeyError, match="negative"):
            compiled(XS)


def test_many_paths_are_warned_of_once():
    def steps(x):
        total = x
        for _ in range(int(x)):
            total = total + 1.0
        return total

    compiled = wg.vectorize(steps, tier="interpreter")
    with pytest.warns(wg.ManyPathsWarning, match=r"steps\(\) takes more than 64 paths") as told:
        found = compiled(np.arange(70.0))
    assert [each.filename for each in told] == [__file__]
    assert np.array_equal(found, 2.0 * np.arange(70.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled(np.arange(80.0))


def test_paths_are_kept_for_so_many_structures():
    compiled = wg.vectorize(lambda x, k: x * k, tier="interpreter")
    for k in range(300):
        compiled(1.0, k=float(k))
    assert len(compiled.programs) == 256


def test_progress(capsys):
    pytest.importorskip("tqdm")
    wg.vectorize(lambda x: x + 1.0, progress=True)(np.ones(300))
    assert "300/300" in capsys.readouterr().err


def test_without_llvmlite(monkeypatch):
    def missing():
        raise wg.MissingExtraError("The native tier", "llvmlite", "jit")

    monkeypatch.setattr(llvm, "_llvm", missing)
    llvm.is_there.cache_clear()
    try:
        assert np.array_equal(wg.vectorize(lambda x: 2.0 * x)(np.ones(5000)), np.full(5000, 2.0))
        with pytest.raises(wg.MissingExtraError, match="llvmlite"):
            wg.vectorize(lambda x: 2.0 * x, tier="native")(XS)
    finally:
        llvm.is_there.cache_clear()


def test_columns_of_pandas():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"x": XS, "n": range(11)})
    found = wg.vectorize(lambda x, n: x * n)(table["x"], table["n"])
    assert np.array_equal(found, XS * np.arange(11.0))


@every_tier
def test_long_programs(tier):
    def long(x):
        for k in range(20_000):
            x = x * 0.5 if k % 3 else x + k * 1e-3
        return x

    same(
        wg.vectorize(long, exact=True, tier=tier)(XS[:3]),
        np.array([long(x) for x in XS[:3]]),
    )
