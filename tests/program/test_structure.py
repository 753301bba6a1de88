"""Structures: taking trees apart, putting them together, and reading hostile descriptions."""

import json
import math
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.errors import OperandError, ProgramError
from wengert.program.structure import Structure, structure_of


@dataclass
class Layer:
    w: Any
    b: Any = 0.0
    name: str = "layer"
    made: Any = field(default=7, init=False)


@dataclass(frozen=True)
class Frozen:
    x: Any
    inner: Any = None


Pair = namedtuple("Pair", "first second")


class Table:
    """As pandas has it: something that NumPy makes an array of."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.rows, dtype=dtype)


numbers = st.one_of(
    st.floats(), st.integers(-(2**70), 2**70), st.floats(width=32).map(np.float32),
    st.integers(-5, 5).map(np.int64),
)  # fmt: skip
arrays = st.lists(st.integers(0, 3), max_size=3).flatmap(
    lambda shape: st.sampled_from([float, int, np.float32, object, bool]).map(
        lambda kind: np.arange(math.prod(shape)).reshape(shape).astype(kind)
    )
)
leaves = (
    numbers | arrays | st.sampled_from([None, True, False, "a", "", np.bool_(True), np.str_("b")])
)
trees = st.recursive(
    leaves,
    lambda below: st.one_of(
        st.lists(below, max_size=4),
        st.lists(below, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=3) | st.integers(-3, 3), below, max_size=3),
        st.builds(Layer, below, below),
        st.builds(Frozen, below, below),
        st.builds(Pair, below, below),
    ),
    max_leaves=12,
)


def plainly(tree: Any) -> Any:
    """A tree with its numbers as the structure gives them back."""
    if isinstance(tree, np.ndarray):
        return (tree.shape, [plainly(x) for x in tree.astype(float).ravel().tolist()])
    if tree is None or isinstance(tree, bool | str | np.bool_):
        return (str(type(tree).__name__).rstrip("_"), tree)
    if isinstance(tree, dict):
        return {key: plainly(below) for key, below in tree.items()}
    if isinstance(tree, tuple | list):
        return (type(tree), [plainly(below) for below in tree])
    if isinstance(tree, Layer | Frozen):
        return (type(tree), {key: plainly(below) for key, below in vars(tree).items()})
    number = float(tree)
    return "nan" if number != number else number


@given(trees)
def test_trees_come_apart_and_together(tree: Any) -> None:
    structure = structure_of(tree)
    vector = structure.numbers(tree)
    assert vector.dtype == np.float64
    assert vector.shape == (structure.size,)
    assert sum(size for _, size in structure.slots()) == structure.size
    back = structure.tree(vector)
    assert plainly(back) == plainly(tree)
    assert structure_of(back) == structure
    elements = structure.elements(tree)
    assert len(elements) == structure.size
    assert plainly(structure.tree(elements)) == plainly(tree)
    assert len(list(structure.leaves(tree))) <= structure.size + 12


@given(trees)
def test_structures_are_data(tree: Any) -> None:
    structure = structure_of(tree)
    loaded = Structure.of_data(json.loads(json.dumps(structure.data())))
    assert loaded == structure
    assert hash(loaded) == hash(structure)
    assert loaded.size == structure.size
    vector = structure.numbers(tree)
    assert loaded.numbers(tree).tobytes() == vector.tobytes()
    assert loaded.numbers(loaded.tree(vector)).tobytes() == vector.tobytes()


junk = st.recursive(
    st.sampled_from([
        "number", "array", "fixed", "tuple", "list", "dict", "record", None, True, 0, 1, -1, 2**60,
        1.5, math.nan, "a", "__class__", "x y", "",
    ]),
    lambda below: (
        st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=1), below, max_size=2)
    ),
    max_leaves=20,
)  # fmt: skip


@given(junk)
def test_junk_is_refused_or_is_a_structure(data: Any) -> None:
    try:
        structure = Structure.of_data(data)
    except ProgramError:
        return
    assert json.loads(json.dumps(structure.data())) == data


@pytest.mark.parametrize(
    "data",
    [
        ["array", -1], ["array", 1.0], ["array", True], ["array", 2**49], ["array", 2**30, 2**30],
        ["array", *[1] * 33], ["array", 0, 2**80], ["fixed"], ["fixed", 1.5], ["fixed", [1]],
        ["list", ["a"], ["number"]], ["list", [], "number"], ["dict", [], ["number"]],
        ["dict", ["a", "a"], ["number", "number"]], ["dict", [1.5], ["number"]],
        ["dict", [True], ["number"]], ["dict", [[]], ["number"]], ["record", ["a b"], ["number"]],
        ["record", [1], ["number"]], ["tuple", ["a"], []], ["set", [], []], "numbers", None, 3,
        ["number"], [], {}, ["tuple", [], [], []],
    ],
)  # fmt: skip
def test_what_is_no_structure_is_refused(data: Any) -> None:
    with pytest.raises(ProgramError, match="does not describe a structure"):
        Structure.of_data(data)


def test_deep_descriptions_are_refused() -> None:
    data: Any = "number"
    for _ in range(100_000):
        data = ["list", [], [data]]
    with pytest.raises(ProgramError, match="does not describe a structure") as caught:
        Structure.of_data(data)
    assert len(str(caught.value)) < 400


def test_deep_and_circular_trees_are_refused() -> None:
    tree: Any = 1.0
    for _ in range(5000):
        tree = [tree]
    circle: Any = {}
    circle["a"] = circle
    for deep in (tree, circle):
        with pytest.raises(OperandError, match="nested more than 64 deep"):
            structure_of(deep)
    tree = 1.0
    for _ in range(64):
        tree = (tree,)
    structure = structure_of(tree)
    assert structure.tree(structure.numbers(tree)) == tree
    assert Structure.of_data(structure.data()) == structure


def test_array_likes_and_scalars_of_numpy() -> None:
    structure = structure_of([Table([[1, 2]]), np.float32(0.5), np.array(2.0)])
    assert [part.kind for part in structure.parts] == ["array", "number", "array"]
    assert structure.numbers([Table([[3, 4]]), 0.5, 2]).tolist() == [3.0, 4.0, 0.5, 2.0]
    assert structure.numbers([[[3, 4]], np.array(0.5), np.array(2)]).tolist() == [3, 4, 0.5, 2]
    assert structure.tree([1, 2, 3, 4])[2].shape == ()


def test_what_may_stand_for_what() -> None:
    structure = structure_of([1.0, 2])
    for tree in ([3, 4], (3, 4), np.array([3, 4]), [np.int8(3), np.array(4.0)], [3, 4.0]):
        assert structure.numbers(tree).tolist() == [3.0, 4.0]
    structure = structure_of(Frozen(1.0))
    assert structure.numbers(SimpleNamespace(x=5, inner=None)).tolist() == [5.0]
    structure = structure_of({"a": 1.0, 2: 2.0})
    assert structure.numbers(OrderedDict([(2, 5), ("a", 4)])).tolist() == [4.0, 5.0]
    assert structure_of([10**400, -(10**400)]).numbers([10**400, -(10**400)]).tolist() == [
        math.inf, -math.inf,
    ]  # fmt: skip


EXAMPLE = {
    "w": np.zeros((2, 3)), "x": [1.0, 2.0], "n": 1, "mode": "fast", "flag": True, "none": None,
    "point": Frozen(1.0), "pair": Pair(1.0, (2.0, "a")), "empty": [], "objects": [1.0, [2.0]],
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "wrong", "words"),
    [
        ("w", np.zeros((3, 2)), r"here\['w'\] has shape \(2, 3\), not \(3, 2\)\."),
        ("w", [[1.0], [2.0, 3.0]], r"here\['w'\] is an array, not list"),
        ("w", [[1.0, 2.0, "a"]] * 2, r"here\['w'\] is an array of numbers, not list"),
        ("w", np.full((2, 3), None), r"here\['w'\]\[0\]\[0\] takes real numbers"),
        ("w", np.zeros((2, 3), complex), r"not an array of complex128"),
        ("w", 3.0, r"here\['w'\] has shape \(2, 3\), not \(\)"),
        ("x", [1.0], r"here\['x'\] is a list of 2, not 1\."),
        ("x", 3.0, r"here\['x'\] is a list of 2, not float 3\.0"),
        ("x", "ab", r"here\['x'\] is a list of 2, not str 'ab'"),
        ("x", [1.0, "a"], r"here\['x'\]\[1\] is one number, not str 'a'"),
        ("x", [1.0, None], r"here\['x'\]\[1\] is one number, not None"),
        ("x", [1.0, [2.0]], r"here\['x'\]\[1\] is one number, not list"),
        ("x", [1.0, np.zeros(2)], r"here\['x'\]\[1\] is one number, not an array of shape \(2,\)"),
        ("x", [1.0, 2j], r"here\['x'\]\[1\] takes real numbers.*z\.real"),
        ("x", np.float64(1.0), r"here\['x'\] is a list of 2"),
        ("n", "1", r"here\['n'\] is one number, not str '1'"),
        ("n", {"a": 1}, r"here\['n'\] is one number, not dict"),
        ("n", 1j, r"here\['n'\] takes real numbers"),
        ("mode", "slow", r"here\['mode'\] is fixed.*str 'fast', not for str 'slow'.*again"),
        ("mode", 1.0, r"here\['mode'\] is fixed"),
        ("flag", 1, r"here\['flag'\] is fixed.*bool True, not for int 1"),
        ("none", 0.0, r"here\['none'\] is fixed"),
        ("none", np.zeros(3), r"here\['none'\] is fixed"),
        ("point", 3.0, r"here\['point'\] has the fields x, inner; float 3\.0 lacks x, inner"),
        ("point", Frozen("a"), r"here\['point'\]\['x'\] is one number, not str 'a'"),
        ("pair", (1.0, 2.0), r"here\['pair'\] has the fields first, second"),
        ("pair", Pair(1.0, (2.0, "b")), r"here\['pair'\]\['second'\]\[1\] is fixed"),
        ("empty", [1.0], r"here\['empty'\] is a list of 0, not 1"),
        ("objects", [1.0, 2.0], r"here\['objects'\]\[1\] is a list of 1, not float 2\.0"),
    ],
)
def test_wrong_structures_say_where(key: str, wrong: Any, words: str) -> None:
    structure = structure_of(EXAMPLE)
    assert structure.numbers(EXAMPLE).size == structure.size
    with pytest.raises(OperandError, match=words):
        structure.numbers({**EXAMPLE, key: wrong}, "here")


def test_wrong_keys_say_which() -> None:
    structure = structure_of({"a": 1.0, "b": 2.0})
    with pytest.raises(OperandError, match=r"here is a dict of \['a', 'b'\], not of \['a', 'c'\]"):
        structure.numbers({"a": 1.0, "c": 2.0}, "here")
    with pytest.raises(OperandError, match=r"here is a dict of \['a', 'b'\], not list"):
        structure.numbers([1.0, 2.0], "here")


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({1.5: 2.0}, r"keys of a dict are strings or integers.*here are \[1\.5\]"),
        ({True: 2.0}, r"keys of a dict"),
        ([{"a": {1.0}}], r"here\[0\]\['a'\] is set"),
        (np.array(["a"]), r"here is an array of numbers, not an array of <U1"),
        (np.array(["2020-01-01"], "datetime64[D]"), r"datetime64"),
        (b"abc", r"here is bytes"),
        (1j, r"here is complex"),
        (Layer, r"here is the class"),
        (Pair, r"here is the class"),
        (iter([1.0]), r"here is list_iterator"),
        (range(3), r"here is range"),
    ],
)
def test_trees_without_a_structure(tree: Any, words: str) -> None:
    with pytest.raises(OperandError, match=words):
        structure_of(tree, where="here")


def test_values_among_the_numbers_are_elements_only() -> None:
    class StandIn:
        _apply = None

    one = StandIn()
    tree = [one, 2.0, np.array([one, 3.0], object)]
    structure = structure_of(tree)
    assert structure.elements(tree) == [one, 2.0, one, 3.0]
    assert structure.tree([one, 2.0, one, 3.0])[0] is one
    with pytest.raises(OperandError, match=r"here\[0\] takes a plain number"):
        structure.numbers(tree, "here")


def test_arguments_have_names() -> None:
    structure = structure_of((1.0, {"w": np.ones(3)}), keys=("x", "state"))
    assert list(structure.slots()) == [("x", 1), ("state.w", 3)]
    assert Structure.of_data(structure.data()) == structure
    with pytest.raises(OperandError, match=r"f\['state'\]\['w'\] has shape"):
        structure.numbers((1.0, {"w": np.ones(2)}), "f")
    with pytest.raises(OperandError, match=r"f\['y'\] takes real numbers"):
        structure_of((1.0, 2.0), keys=("x", "y")).numbers((1.0, 1j), "f")


def test_what_is_taken_apart_is_not_shared() -> None:
    array = np.ones(3)
    structure = structure_of(array)
    vector = structure.numbers(array)
    back = structure.tree(vector)
    vector[0] = back[1] = 5.0
    assert array.tolist() == [1.0, 1.0, 1.0]
    assert back.tolist() == [1.0, 5.0, 1.0]


def test_arrays_in_any_memory_order() -> None:
    array = np.arange(6.0).reshape(2, 3)
    for other in (np.asfortranarray(array), array[:, ::-1][:, ::-1], array.T.copy().T):
        assert structure_of(other).numbers(other).tolist() == list(range(6))


PLAIN = (1.5, np.arange(6.0).reshape(2, 3), [2.5, -0.0], (np.arange(3.0), (4.0, np.ones(2))))


def test_plain_numbers_come_in_pieces() -> None:
    structure = structure_of(PLAIN)
    leaves = structure.plain_leaves(PLAIN)
    assert leaves is not None
    assert np.concatenate(leaves).tobytes() == structure.numbers(PLAIN).tobytes()
    assert any(np.shares_memory(leaf, PLAIN[1]) for leaf in leaves)


def test_pieces_of_arrays_in_any_order_and_anywhere() -> None:
    structure = structure_of((np.zeros((2, 3)), 1.0))
    whole = np.arange(6.0).reshape(2, 3)
    bytes_ = np.zeros(49, np.uint8)
    bytes_[1:] = whole.view(np.uint8).ravel()
    apart = bytes_[1:].view(np.float64).reshape(2, 3)
    assert not apart.flags.aligned
    for array in (whole, np.asfortranarray(whole), np.repeat(whole, 2, 1)[:, ::2], apart):
        leaves = structure.plain_leaves((array, 1.0))
        assert leaves is not None
        assert all(leaf.flags.aligned and leaf.flags.c_contiguous for leaf in leaves)
        assert np.concatenate(leaves).tolist() == [*range(6), 1.0]


@pytest.mark.parametrize(
    "tree",
    [
        (1, *PLAIN[1:]),
        (np.float64(1.5), *PLAIN[1:]),
        (1.5, PLAIN[1].astype(np.float32), *PLAIN[2:]),
        (1.5, PLAIN[1].ravel(), *PLAIN[2:]),
        (1.5, PLAIN[1], (2.5, 0.0), PLAIN[3]),
        (1.5, PLAIN[1], [2.5], PLAIN[3]),
        (1.5, PLAIN[1], [2.5, 1], PLAIN[3]),
        PLAIN[:-1],
        list(PLAIN),
    ],
)
def test_what_is_not_just_that_does_not(tree: Any) -> None:
    assert structure_of(PLAIN).plain_leaves(tree) is None
