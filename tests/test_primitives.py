"""Tests generated from the table: each row against mpmath, its edges and its facts."""

import doctest
import importlib.util
import itertools
import json
import math
import pickle
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
import wengert as wg
from wengert import Value, primitives
from wengert.dispatch import Facts, Family, Primitive
from wengert.errors import OperandError
from wengert.operand import local_partials
from wengert.primitives import TABLE, powc, powi, rows

COUNT = 120
SPECIAL = (
    0.0, -0.0, 5e-324, -5e-324, 1e-300, -1e-300, 1e-9, 0.3, -0.3, 0.5, 1.0, -1.0, 1.5, 2.0, -2.5,
    3.0, 40.0, -40.0, 1e9, -1e9, 1e200, -1e200, 1.7976931348623157e308, inf, -inf, nan,
)  # fmt: skip
SMOOTH_EVERYWHERE = {"powi 3", "powi 7", "stop_gradient"}  # and finite but for overflow


def label(row: Primitive) -> str:
    return " ".join([row.name, *(f"{p:g}" for p in row.params)])


every_row = pytest.mark.parametrize("row", list(rows()), ids=label)
every_edge = pytest.mark.parametrize(
    ("row", "edge"),
    [pytest.param(row, edge, id=f"{label(row)}{edge.at}") for row in rows() for edge in row.edges],
)


def same(got: Any, expected: float) -> bool:
    """Equal, with NaN equal to NaN and zeros told apart by sign."""
    got = float(got)
    if expected != expected:
        return got != got
    return got == expected and math.copysign(1.0, got) == math.copysign(1.0, expected)


def close(got: Any, expected: float) -> bool:
    """The same, or one rounding away from it where it is neither zero nor infinite."""
    if expected != expected or expected == 0.0 or math.isinf(expected):
        return same(got, expected)
    return abs(float(got) - expected) <= math.ulp(expected)


def columns(points: Sequence[Sequence[float]]) -> list[np.ndarray]:
    return [np.array(column) for column in zip(*points, strict=True)]


def partials_on_arrays(row: Primitive, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        partials = row.partials(row(*arrays), *arrays)
    return [np.broadcast_to(partial, arrays[0].shape) for partial in partials]


# --- the checks, which tools/mutate_partials.py runs too ------------------------------------------


def check_value(row: Primitive, count: int = COUNT) -> None:
    points = oracle.samples(row, count)
    on_arrays = row(*columns(points))
    bound = oracle.BOUNDS[row.name][0]
    for xs, from_array in zip(points, on_arrays, strict=True):
        exact = oracle.value(row, xs)
        for got in (row.scalar(*xs), row(*xs), from_array, row(*map(Value, xs)).data):
            assert oracle.ulps(got, exact) <= bound, (label(row), xs, got, exact)


def check_partials(row: Primitive, count: int = COUNT) -> None:
    points = oracle.samples(row, count)
    on_arrays = partials_on_arrays(row, columns(points))
    bounds = oracle.BOUNDS[row.name][1:]
    assert len(on_arrays) == len(bounds) == row.nin
    for i, xs in enumerate(points):
        values = [Value(x) for x in xs]
        row(*values).backward()
        on_floats = local_partials(row, row.scalar(*xs), xs)
        for k, bound in enumerate(bounds):
            exact = oracle.derivative(row, xs, k)
            for got in (on_floats[k], on_arrays[k][i], values[k].grad):
                assert oracle.ulps(got, exact) <= bound, (label(row), xs, k, got, exact)


def check_second_order(row: Primitive, count: int = 12) -> None:
    for xs in oracle.samples(row, count):
        values = [Value(x) for x in xs]
        partials = row.partials(row(*values), *values)
        for j, partial in enumerate(partials):
            for value in values:
                value.grad = 0.0
            if isinstance(partial, Value):
                partial.backward()
            for k, value in enumerate(values):
                exact = oracle.derivative(row, xs, j, k)
                tolerance = 2e-13 * max(1.0, abs(exact))
                assert abs(value.grad - exact) <= tolerance, (label(row), xs, j, k, value.grad)


def check_edges(row: Primitive) -> None:
    for edge in row.edges:
        check_edge(row, edge)


def check_edge(row: Primitive, edge: Any) -> None:
    where = (label(row), edge)
    z = row.scalar(*edge.at)
    assert type(z) is float, where
    assert close(z, edge.value), (*where, z)
    for got, expected in zip(local_partials(row, z, edge.at), edge.partials, strict=True):
        assert close(got, expected), (*where, got)

    arrays = [np.array([x, x]) for x in edge.at]
    assert all(close(got, edge.value) for got in row(*arrays)), (*where, row(*arrays))
    for partial, expected in zip(partials_on_arrays(row, arrays), edge.partials, strict=True):
        assert all(close(got, expected) for got in partial), (*where, partial)

    values = [Value(x) for x in edge.at]
    out = row(*values)
    out.backward()
    assert close(out.data, edge.value), (*where, out)
    for value, expected in zip(values, edge.partials, strict=True):
        assert close(value.grad, 0.0 + expected), (*where, value.grad)  # a sum loses the sign of 0


CHECKS: tuple[Callable[[Primitive], None], ...] = (
    check_value, check_partials, check_second_order, check_edges,
)  # fmt: skip


@every_row
def test_value_is_within_its_bound_on_floats_arrays_and_values(row: Primitive) -> None:
    check_value(row)


@every_row
def test_partials_are_within_their_bounds_on_floats_arrays_and_values(row: Primitive) -> None:
    check_partials(row)


@every_row
def test_second_derivatives_are_those_of_mpmath(row: Primitive) -> None:
    check_second_order(row)


@every_edge
def test_edge_holds_in_every_evaluator(row: Primitive, edge: Any) -> None:
    check_edge(row, edge)


def test_every_row_has_a_reference_and_bounds() -> None:
    assert oracle.VALUES.keys() | oracle.FAMILIES.keys() == TABLE.keys()
    assert oracle.BOUNDS.keys() == TABLE.keys()
    assert all(len(oracle.BOUNDS[row.name]) == 1 + row.nin for row in rows())


def test_every_row_with_a_kink_a_pole_or_an_end_of_its_domain_has_edges() -> None:
    assert {label(row) for row in rows() if not row.edges} == SMOOTH_EVERYWHERE


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (primitives.sin, lambda z, x: (-wg.cos(x),)),
        (primitives.mul, lambda z, x, y: (x, y)),
        (primitives.tanh, lambda z, x: (1.0 - z,)),
        (primitives.exp, lambda z, x: (z * (1.0 + 1e-13),)),
    ],
    ids=["sign", "order", "power", "slightly"],
)
def test_a_wrong_partial_is_caught(row: Primitive, wrong: Any) -> None:
    planted = replace(row, partials=wrong)
    with pytest.raises(AssertionError):
        check_partials(planted)


def test_a_wrong_value_is_caught() -> None:
    with pytest.raises(AssertionError):
        check_value(replace(primitives.exp, scalar=lambda x: math.exp(x) * (1.0 + 1e-15)))


def test_a_partial_right_only_in_the_first_order_is_caught() -> None:
    stopped = replace(primitives.exp, partials=lambda z, x: (wg.stop_gradient(z),))
    check_partials(stopped)
    with pytest.raises(AssertionError):
        check_second_order(stopped)


def test_a_wrong_edge_is_caught() -> None:
    sqrt = primitives.sqrt
    edges = [sqrt.edges[0]._replace(partials=(nan,))]
    with pytest.raises(AssertionError):
        check_edges(replace(sqrt, edges=edges))
    with pytest.raises(AssertionError):
        check_edges(replace(primitives.neg, edges=[primitives.neg.edges[0]._replace(value=0.0)]))


# --- extremes -------------------------------------------------------------------------------------


def check_extreme(row: Primitive, xs: Sequence[float]) -> None:
    z = row(*xs)
    assert type(z) is float, (label(row), xs, z)
    with np.errstate(all="ignore"):
        from_array = float(row.array(*map(np.array, xs)))
    if math.isfinite(z) and math.isfinite(from_array):
        allowed = 2.0 * oracle.BOUNDS[row.name][0] * max(math.ulp(z), math.ulp(from_array))
        assert abs(z - from_array) <= allowed, (label(row), xs, z, from_array)
    else:
        assert same(z, from_array), (label(row), xs, z, from_array)
    for partial in local_partials(row, z, xs):
        assert type(partial) is float, (label(row), xs, partial)


@every_row
def test_nothing_raises_at_special_floats_and_the_evaluators_agree(row: Primitive) -> None:
    candidates: Iterator[tuple[float, ...]] = itertools.product(SPECIAL, repeat=row.nin)
    if row.nin == 3:
        candidates = iter(random.Random(3).sample(list(candidates), 600))
    for xs in candidates:
        check_extreme(row, xs)


@given(st.data())
def test_nothing_raises_at_any_floats_and_the_evaluators_agree(data: Any) -> None:
    row = data.draw(st.sampled_from(list(rows())))
    check_extreme(row, data.draw(st.tuples(*[st.floats()] * row.nin)))


@given(st.integers(-(2**53), 2**53), st.floats())
def test_any_integer_power_has_a_value(n: int, x: float) -> None:
    assert type(powi(n)(x)) is float


@given(st.floats(), st.floats(allow_nan=False))
def test_any_real_power_and_its_partial_never_raise(c: float, x: float) -> None:
    row = powc(c)
    z = row(x)
    assert type(z) is float
    assert len(local_partials(row, z, (x,))) == 1


# --- facts ----------------------------------------------------------------------------------------


def evaluators(row: Primitive) -> list[Callable[..., float]]:
    def on_arrays(*xs: float) -> float:
        with np.errstate(all="ignore"):
            return float(row.array(*[np.array([x]) for x in xs])[0])

    return [row.scalar, on_arrays]


def fact_points(row: Primitive) -> list[float]:
    return [*SPECIAL, *(xs[0] for xs in oracle.samples(row, 60))]


def rows_with(fact: str) -> Any:
    return pytest.mark.parametrize(
        "row", [row for row in rows() if getattr(row.facts, fact) not in (False, None)], ids=label
    )


@rows_with("commutative")
def test_commutative(row: Primitive) -> None:
    for f in evaluators(row):
        for x, y in itertools.product(fact_points(row), SPECIAL):
            assert same(f(x, y), f(y, x)), (x, y)


@rows_with("neutral")
def test_neutral(row: Primitive) -> None:
    for f in evaluators(row):
        for x in fact_points(row):
            assert same(f(x, row.facts.neutral), x), x


@rows_with("odd")
def test_odd(row: Primitive) -> None:
    for f in evaluators(row):
        for x in fact_points(row):
            assert same(f(-x), -f(x)), x


@rows_with("even")
def test_even(row: Primitive) -> None:
    for f in evaluators(row):
        for x in fact_points(row):
            assert same(f(-x), f(x)), x


@rows_with("idempotent")
def test_idempotent(row: Primitive) -> None:
    for f in evaluators(row):
        for x in fact_points(row):
            assert same(f(f(x)), f(x)), x


@rows_with("stops_gradient")
def test_stops_gradient(row: Primitive) -> None:
    assert local_partials(row, 3.0, (3.0,)) == (0.0,)


def random_doubles(chance: random.Random, count: int) -> Iterator[float]:
    """Of every size: random bits, and what is usual."""
    for k in range(count):
        yield struct.unpack("<d", chance.randbytes(8))[0] if k % 2 else chance.gauss(0.0, 5.0)


@rows_with("exact_array")
def test_exact_array(row: Primitive) -> None:
    chance = random.Random(row.name)
    points = list(itertools.product(SPECIAL, repeat=row.nin))
    points += zip(*(random_doubles(chance, 4000) for _ in range(row.nin)), strict=True)
    with np.errstate(all="ignore"):
        got = row.array(*(np.array(column) for column in zip(*points, strict=True)))
        for point, z in zip(points, got.tolist(), strict=True):
            assert same(z, row.scalar(*point)), point


def test_a_false_fact_is_caught() -> None:
    with pytest.raises(AssertionError):
        test_exact_array(primitives.tanh)
    with pytest.raises(AssertionError):
        test_exact_array(primitives.maximum)  # of 0.0 and -0.0
    with pytest.raises(AssertionError):
        test_commutative(replace(primitives.sub, facts=Facts(commutative=True)))
    with pytest.raises(AssertionError):
        test_neutral(replace(primitives.add, facts=Facts(neutral=0.0)))  # -0.0 + 0.0 is 0.0
    with pytest.raises(AssertionError):
        test_odd(primitives.cos)
    with pytest.raises(AssertionError):
        test_even(primitives.sin)
    with pytest.raises(AssertionError):
        test_idempotent(primitives.sin)


# --- forward and reverse --------------------------------------------------------------------------

TAME_UNARY = ("sin", "cos", "tanh", "atan", "sigmoid", "erf", "asinh", "abs", "relu")
TAME_BINARY = ("add", "sub", "mul", "hypot", "maximum", "minimum", "atan2")


@pytest.mark.parametrize("seed", range(40))
def test_the_inner_products_of_forward_and_reverse_agree(seed: int) -> None:
    """⟨w, Jv⟩ = ⟨Jᵀw, v⟩ with Jv accumulated forward, and Jᵀw by `backward`."""
    rng = random.Random(seed)
    inputs = [Value(rng.uniform(-2.0, 2.0)) for _ in range(3)]
    nodes = list(inputs)
    for _ in range(25):
        row = TABLE[rng.choice(TAME_UNARY + TAME_BINARY)]
        assert isinstance(row, Primitive)
        nodes.append(row(*rng.choices(nodes, k=row.nin)))
    v = {x: rng.gauss(0.0, 1.0) for x in inputs}

    tangents: dict[Value, float] = dict(v)
    for node in nodes[3:]:
        partials = local_partials(node._row, node.data, [x.data for x in node.operands])
        tangents[node] = math.fsum(
            partial * tangents[x] for partial, x in zip(partials, node.operands, strict=True)
        )

    outputs = {node: rng.gauss(0.0, 1.0) for node in nodes[-4:]}
    wg.sum([w * node for node, w in outputs.items()]).backward()
    forward = math.fsum(w * tangents[node] for node, w in outputs.items())
    reverse = math.fsum(x.grad * v[x] for x in inputs)
    scale = math.fsum(abs(x.grad * v[x]) for x in inputs)
    assert abs(forward - reverse) <= 1e-12 * max(1.0, scale)
    assert forward != 0.0


# --- rows as objects ------------------------------------------------------------------------------


@every_row
def test_pickling_gives_the_same_row(row: Primitive) -> None:
    assert pickle.loads(pickle.dumps(row)) is row


def test_pickling_a_family_gives_the_same_family() -> None:
    assert pickle.loads(pickle.dumps(powi)) is powi


@every_row
def test_repr_names_the_row_and_its_operands(row: Primitive) -> None:
    assert repr(row).startswith(f"<primitive {row.name}(")
    assert all(operand in repr(row) for operand in row.operands)


def test_repr_of_members_and_families() -> None:
    assert repr(powi(3)) == "<primitive powi(x, 3)>"
    assert repr(powi) == "<family of primitives powi>"


@every_row
def test_every_field_that_is_shown_is_there(row: Primitive) -> None:
    names = [f"operand{k}" for k in range(row.nin)]
    assert row.about
    assert not row.about.endswith(".")
    assert row.symbol
    assert len(row.domain) == row.nin
    for template in (row.text, row.tex):
        shown = template.format(*names)
        assert all(name in shown for name in names), shown
        assert shown.count("{") == shown.count("}")


@every_row
def test_the_documentation_of_a_row_is_made_from_it_and_its_example_runs(row: Primitive) -> None:
    text = row.__doc__
    assert text is not None
    assert text.startswith(row.about)
    assert all(f"∂z/∂{operand} = " in text for operand in row.operands)
    assert all(repr(edge.value) in text for edge in row.edges)
    example = doctest.DocTestParser().get_doctest(text, {}, label(row), None, 0)
    assert len(example.examples) == 2
    assert not doctest.DocTestRunner(verbose=False).run(example).failed


def test_the_class_keeps_its_own_documentation() -> None:
    assert (Primitive.__doc__ or "").startswith("One scalar primitive")


def test_the_names_of_rows_are_those_of_the_module() -> None:
    assert all(getattr(primitives, name) is row for name, row in TABLE.items())
    assert all(row.name == name for name, row in TABLE.items())


# --- the pages made from the table ----------------------------------------------------------------


def tool(name: str) -> Any:
    path = Path(__file__).parent.parent / "tools" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_edge_cases_is_current_and_the_peers_were_asked_everything() -> None:
    edge_cases = tool("edge_cases")
    record = json.loads(edge_cases.RECORD.read_text())
    assert edge_cases.missing(record) == []
    assert edge_cases.PAGE.read_text() == edge_cases.generate()


def test_the_page_of_accuracy_has_every_row_and_bound() -> None:
    accuracy = tool("accuracy")
    page = accuracy.PAGE.read_text()
    assert accuracy.check(page) == []
    assert accuracy.check(page.replace("| tanh |", "| than |"))
    assert accuracy.check(page.replace("∂x 170.0", "∂x 17.0"))


# --- families -------------------------------------------------------------------------------------


def test_members_are_made_once_whatever_type_the_constant_has() -> None:
    assert powi(4) is powi(4.0) is powi(np.int64(4))
    assert powi(5.0).text == "{0}⁵"  # and not 5.0, though it was asked for as such first
    assert powc(2) is powc(2.0) is powc(np.float32(2.0))
    assert powi(True).params == (1,)


def test_the_constant_of_a_family_may_be_nan_or_infinite_where_it_is_real() -> None:
    assert math.isnan(powc(nan)(2.0))
    assert powc(inf)(2.0) == inf


@pytest.mark.parametrize(
    ("family", "constant"),
    [(powi, 2.5), (powi, "2"), (powi, nan), (powi, inf), (powi, None), (powi, 2**53 + 1),
     (powc, "a"), (powc, 10**400), (primitives.polygamma, 0), (primitives.polygamma, 101),
     (primitives.polygamma, 1.5)],
)  # fmt: skip
def test_a_constant_that_makes_no_member_is_refused(family: Family, constant: Any) -> None:
    with pytest.raises(OperandError, match=rf"{family.name}\(\) takes an? "):
        family(constant)
