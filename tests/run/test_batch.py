"""Where the examples of a batch are: copied only where they must be."""

from typing import NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert.program.structure import ARRAY, NUMBER, Structure
from wengert.run.batch import arrayed, batch_of
from wengert.run.columns import SHARED, STRIDED, UNIT
from wengert.run.signature import Signature


class Point(NamedTuple):
    x: object
    y: object


def batch(*args, signature=None, rows=False):
    keys = [f"a{k}" for k in range(len(args))]
    return batch_of(args, keys, signature and Signature.parse(signature), "f()", rows)


def test_arrays_of_doubles_are_used_where_they_are():
    array = np.arange(24.0).reshape(4, 6)
    for view in (array, array.T, array[::-1], array[:, ::2].T):
        found = batch(view[:, 0]).examples.columns[0]
        assert np.shares_memory(found.array, array)
    assert np.shares_memory(batch(array, signature="(n)").examples.columns[0].array, array)


@pytest.mark.parametrize("array", [np.arange(4), np.ones(4, np.float32), np.ones(4, ">f8"),
                                   np.zeros(4, "i1,f8")["f1"], [1.0, 2.0]])  # fmt: skip
def test_others_are_copied(array):
    column = batch(array).examples.columns[0]
    assert column.array.dtype == np.float64
    assert np.array_equal(column.array[:, 0], np.asarray(array))
    assert all(stride % 8 == 0 for stride in column.array.strides)


def test_kinds_of_columns():
    found = batch(np.ones(4), 2.0, np.ones((4, 3)).T[0], np.ones((4, 1))[::2].repeat(2))
    assert [column.kind for column in found.examples.columns] == [UNIT, SHARED, STRIDED, UNIT]
    found = batch(np.ones((4, 3)), np.ones(3), signature="(n),(n)")
    assert [column.kind for column in found.examples.columns] == [STRIDED, SHARED]
    assert [column.kind for column in batch(2.0, 3.0).examples.columns] == [UNIT, UNIT]


def test_examples_and_their_structure():
    found = batch({"a": np.arange(6.0).reshape(2, 3), "b": 1.0}, Point([1, 2, 3], "fixed"))
    assert found.shape == (2, 3)
    assert found.examples.count == 6
    assert found.examples.numbers(4).tolist() == [4.0, 1.0, 2.0]
    example = found.arguments.tree(found.examples.numbers(5))
    assert example == ({"a": 5.0, "b": 1.0}, (3.0, "fixed"))
    one = batch(np.ones((2, 3)), np.ones((2, 4, 5)), signature="(n),(m,k)").arguments
    assert one.parts == (Structure(ARRAY, (3,)), Structure(ARRAY, (4, 5)))
    assert batch(np.ones((2, 3))).arguments.parts == (Structure(NUMBER),)


def test_some_examples():
    found = batch(np.arange(5.0), 2.0).examples
    assert found.taken(np.array([3, 0])).numbers(0).tolist() == [3.0, 2.0]
    assert found.part(1, 3).count == 2
    assert found.part(1, 3).numbers(1).tolist() == [2.0, 2.0]


def test_rows_of_data():
    found = batch(np.ones((4, 2, 3)), np.arange(4), rows=True)
    assert found.shape == (4,)
    assert found.arguments.parts == (Structure(ARRAY, (2, 3)), Structure(NUMBER))


def test_lists_and_tuples_are_arrays_and_trees_stay():
    found = arrayed({"a": [1, 2], "p": Point((3, 4), range(2)), "n": None}, "x")
    assert isinstance(found["p"], Point)
    assert [type(each) for each in (found["a"], *found["p"])] == [np.ndarray] * 3
    assert found["n"] is None
    with pytest.raises(
        wg.OperandError, match="x is a tuple of arrays or lists of different shapes"
    ):
        arrayed((1, [2, 3]), "x")


def test_what_stands_for_numbers():
    found = batch([wg.Value(1.0), 2.0], np.ones((3, 1)))
    assert [each.shape for each in found.operands] == [(3, 2), (3, 2)]
    assert found.operands[0][2, 0].data == 1.0
    assert not batch(np.array([1.0, 2.0], object)).operands


def test_single_precision_is_told():
    single = np.ones(2, np.float32)
    assert batch(single, 1.0).single
    assert not batch(single, np.ones(2)).single
    assert not batch(1.0, np.float32(2.0)).single
