"""The arrays of results: fresh ones, or those of `out`, written to directly where that can be."""

import numpy as np
import pytest

import wengert as wg
from wengert.program.structure import structure_of
from wengert.run.batch import batch_of
from wengert.run.paths import Path
from wengert.run.results import Results
from wengert.run.spare import Spare
from wengert.run.tiers import Options, Tiers

XS = np.arange(6.0)


def path_of(function):
    program = wg.record(function, 1.0)
    return Path(program, Tiers(program, Options()))


def results(out=None, xs=XS):
    return Results("f()", None, batch_of((xs,), ("x",), None, "f()"), out, Spare())


def filled(found, path):
    for number, column in enumerate(found.columns(path)):
        column.array[...] = number + 1.0
    return found.tree(path)


def test_fresh_arrays_have_the_shape_of_the_batch():
    path = path_of(lambda x: {"a": x, "b": np.array([x, x]), "c": "text"})
    tree = filled(results(xs=XS.reshape(2, 3)), path)
    assert np.array_equal(tree["a"], np.ones((2, 3)))
    assert np.array_equal(tree["b"], np.full((2, 3, 2), 2.0))
    assert tree["c"] == "text"
    assert filled(results(xs=2.0), path)["a"].shape == ()


@pytest.mark.parametrize(
    ("out", "direct"),
    [
        (np.empty(6), True), (np.empty(12)[::2], False), (np.empty(6, np.float32), False),
        (np.empty(6, object), False), (XS[::-1], False), (XS, False),
        (np.empty(6).view(np.recarray), False), (np.empty(6)[::-1], False),
    ],
)  # fmt: skip
def test_out_is_written_to_directly_where_that_can_be(out, direct):
    path, found = path_of(lambda x: x), results(out)
    (column,) = found.columns(path)
    assert np.may_share_memory(column.array, out) == (direct and out is not XS)
    before = XS.copy()
    try:
        column.array[...] = 3.0
        assert found.tree(path) is out
        assert np.array_equal(out, np.full(6, 3.0))
    finally:
        XS[:] = before


def test_structures_of_results_are_those_of_out():
    path = path_of(lambda x: (x, [x, None]))
    out = np.empty(6), [np.empty(6), "anything"]
    assert filled(results(out), path)[1][0] is out[1][0]
    assert structure_of(path.results.tree([1.0, 2.0])) == path.results
    with pytest.raises(wg.OperandError, match=r"out of f\(\).* list of 2, not 1"):
        filled(results((np.empty(6), [np.empty(6)])), path)
