"""Copying and pickling: what is copied, what is shared, and that nothing recurses."""

import copy
import io
import math
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

import wengert as wg
from programs import Program, programs
from wengert import Value
from wengert.graph import topological_order

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def in_c(thing: Any, protocol: int = pickle.HIGHEST_PROTOCOL) -> Any:
    return pickle.loads(pickle.dumps(thing, protocol))


def in_python(thing: Any, protocol: int = pickle.HIGHEST_PROTOCOL) -> Any:
    written = pickle._dumps(thing, protocol)  # type: ignore[attr-defined]
    return pickle._loads(written)  # type: ignore[attr-defined]


WAYS = [copy.deepcopy, in_c, in_python]


def shape(root: Value) -> list[tuple[Any, ...]]:
    """All that a graph holds, with operands by their place."""
    order = topological_order(root)
    place = {node: k for k, node in enumerate(order)}
    return [
        (
            type(node), repr(node.data), repr(node.grad), node.label, node.scope, node._op,
            node._row, [place[operand] for operand in node.operands],
        )
        for node in order
    ]  # fmt: skip


def graph() -> Value:
    with wg.scope("layer"):
        a, b = Value(2.0, label="a"), Value(-3.0, label="b")
        e = a * b
    e.label = "e"
    root = wg.tanh(e * a) + e**3 + e**0.5 + wg.where(a > b, a, b) + wg.fma(a, b, e)
    root.backward()
    return root


def long_chain(length: int) -> Value:
    x = Value(1.0)
    y = x
    for _ in range(length):
        y = y + x
    return y


# --- every way of copying a whole graph -----------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_holds_the_same_and_shares_nothing(way: Callable[[Any], Any]) -> None:
    root = graph()
    twin = way(root)
    assert shape(twin) == shape(root)
    assert not set(topological_order(twin)) & set(topological_order(root))
    before = shape(root)
    for node in topological_order(twin):
        node.data, node.grad, node.label = 0.0, 0.0, "other"
    assert shape(root) == before


@given(programs())
def test_copies_of_random_programs(program: Program) -> None:
    nodes = program.on_values()
    for way in WAYS:
        twins = way(nodes)
        for node, twin in zip(nodes, twins, strict=True):
            assert shape(twin) == shape(node)
        twins[-1].backward()
        assert all(node.grad == 0.0 for node in nodes)
        place = {node: k for k, node in enumerate(topological_order(nodes[-1]))}
        copied = topological_order(twins[-1])
        for node, twin in zip(nodes, twins, strict=True):
            assert node not in place or copied[place[node]] is twin


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("way", [in_c, in_python])
def test_every_protocol(way: Callable[[Any, int], Any], protocol: int) -> None:
    assert shape(way(graph(), protocol)) == shape(graph())


@pytest.mark.parametrize("way", WAYS)
def test_a_leaf(way: Callable[[Any], Any]) -> None:
    leaf = Value(-0.0, label="x")
    leaf.grad = math.inf
    twin = way(leaf)
    assert shape(twin) == shape(leaf)
    assert twin is not leaf


@pytest.mark.parametrize("way", WAYS)
def test_rows_are_found_again_by_identity(way: Callable[[Any], Any]) -> None:
    x = Value(2.0)
    for node in (x + x, x**3, x**0.5, wg.sigmoid(x)):
        assert way(node)._row is node._row


@pytest.mark.parametrize("way", WAYS)
def test_shared_parts_stay_shared_in_any_order(way: Callable[[Any], Any]) -> None:
    a = Value(2.0)
    b = a * 3.0
    c, d = b + a, b * b
    for order in ([a, b, c, d], [d, c, b, a], [b, d, a, c], [c, a, c, d, b]):
        twins = dict(zip(map(id, order), way(order), strict=True))
        ta, tb, tc, td = (twins[id(node)] for node in (a, b, c, d))
        assert tb.operands[0] is ta
        assert tc.operands[0] is tb
        assert tc.operands[1] is ta
        assert td.operands == (tb, tb)
        assert td.operands[0] is tb


@pytest.mark.parametrize("way", WAYS)
def test_inside_other_objects(way: Callable[[Any], Any]) -> None:
    a = Value(2.0)
    model = {"weights": [a, a], "loss": a * a, "best": (a,)}
    twin = way(model)
    assert twin["weights"][0] is twin["weights"][1] is twin["loss"].operands[0] is twin["best"][0]


@pytest.mark.parametrize(
    ("way", "length"), [(copy.deepcopy, 100_000), (in_c, 100_000), (in_python, 20_000)]
)
def test_a_long_chain(way: Callable[[Any], Any], length: int) -> None:
    root = long_chain(length)
    twin = way(root)
    twin.backward()
    assert topological_order(twin)[0].grad == length + 1.0
    assert root.grad == 0.0


def test_two_long_chains_with_a_common_part() -> None:
    common = long_chain(3_000)
    left, right = common * 2.0, common * 3.0
    for _ in range(3_000):
        left, right = left + 1.0, right + 1.0
    for way in WAYS:
        both = way([left, right])
        assert len(set(topological_order(*both))) == len(set(topological_order(left, right)))


def test_a_list_of_every_node_of_a_graph() -> None:
    nodes = topological_order(long_chain(2_000))
    for way in WAYS:
        twins = way(nodes)
        assert topological_order(twins[-1]) == twins
        assert all(a is b for a, b in zip(topological_order(twins[-1]), twins, strict=True))


# --- copy.copy ------------------------------------------------------------------------------------


def test_copy_is_a_node_of_its_own_on_the_same_operands() -> None:
    a, b = Value(2.0), Value(3.0)
    c = a * b
    c.label, c.grad = "c", 5.0
    twin = copy.copy(c)
    assert twin is not c
    assert (twin.data, twin.grad, twin.label, twin._row) == (6.0, 5.0, "c", c._row)
    assert twin.operands[0] is a
    assert twin.operands[1] is b
    twin.label = "d"
    assert c.label == "c"
    twin.backward()
    assert (a.grad, c.grad) == (3.0, 5.0)


# --- subclasses -----------------------------------------------------------------------------------


class Weight(Value):
    def __init__(self, data: float, *, history: list[float]) -> None:
        super().__init__(data)
        self.history = history
        self.partner: Value | None = None


class Slotted(Value):
    __slots__ = ("__secret", "rate", "unset")
    __made__ = "a dunder is not mangled"

    def __init__(self, data: float, rate: float) -> None:
        super().__init__(data)
        self.rate = rate
        self.__secret = [rate]

    @property
    def secret(self) -> list[float]:
        return self.__secret


class MoreSlotted(Slotted):
    __slots__ = "extra"


class Both(Slotted):
    __slots__ = ("__dict__", "__weakref__x")


@pytest.mark.parametrize("way", [*WAYS, copy.copy])
def test_attributes_of_a_subclass(way: Callable[[Any], Any]) -> None:
    w = Weight(2.0, history=[1.0])
    w.partner = w
    twin = way(w)
    assert type(twin) is Weight
    assert twin.history == [1.0]
    assert (twin.history is w.history) is (way is copy.copy)
    assert twin.partner is (w if way is copy.copy else twin)


@pytest.mark.parametrize("way", WAYS)
def test_attributes_that_refer_to_nodes_of_the_graph(way: Callable[[Any], Any]) -> None:
    w, x = Weight(2.0, history=[]), Value(3.0)
    y = w * x
    w.partner = y  # a leaf that knows its user
    twin = way(y)
    assert twin.operands[0].partner is twin
    z = Value(1.0)
    w.partner = z  # one that is no part of the graph
    twin = way(y)
    assert twin.operands[0].partner.data == 1.0
    assert twin.operands[0].partner is not z


@pytest.mark.parametrize("way", [*WAYS, copy.copy])
def test_slots_of_a_subclass(way: Callable[[Any], Any]) -> None:
    w = MoreSlotted(2.0, 0.5)
    w.extra = "more"
    twin = way(w)
    assert (twin.rate, twin.secret, twin.extra) == (0.5, [0.5], "more")
    assert (twin.secret is w.secret) is (way is copy.copy)
    assert not hasattr(twin, "unset")
    both = Both(2.0, 0.5)
    both.more = 1
    twin = way(both)
    assert (twin.rate, twin.more) == (0.5, 1)


def test_an_own_operation_sees_a_stand_in_with_the_same_attributes() -> None:
    def damped(x: Slotted) -> Value:
        out = Value(x.rate * x.data, (x,), "damped")
        out._backward = lambda: None
        return out

    w = Slotted(2.0, 0.5)
    y = damped(w)
    w.data = 6.0
    assert y.forward().data == 3.0


# --- operations of the user's own -----------------------------------------------------------------


class Push:
    """A `_backward` that can be pickled."""

    def __init__(self, x: Value, out: Value) -> None:
        self.x, self.out = x, out

    def __call__(self) -> None:
        self.x.grad += 2.0 * self.out.grad


def twice(number: float) -> float:
    return 2.0 * number


def own_double(x: Value) -> Value:
    out = Value(2.0 * x.data, (x,), "double", "out")
    out._backward = Push(x, out)
    out._forward = twice
    return out


@pytest.mark.parametrize("way", [in_c, in_python])
def test_an_own_operation_of_module_level_parts_is_pickled(way: Callable[[Any], Any]) -> None:
    y = own_double(own_double(Value(3.0)))
    twin = way(y)
    twin.backward()
    leaf = topological_order(twin)[0]
    assert leaf.grad == 4.0
    leaf.data = 1.0
    assert twin.forward().data == 4.0
    assert (twin._op, twin.label) == ("double", "out")


def test_a_chain_of_5_000_own_operations_is_copied_over_the_copies() -> None:
    x = Value(1.0)
    y = x

    def same(x: Value) -> Value:
        out = Value(x.data, (x,), "same")

        def _backward() -> None:
            x.grad += out.grad

        out._backward = _backward
        return out

    for _ in range(5_000):
        y = same(y)
    twin = copy.deepcopy(y)
    twin.backward()
    assert topological_order(twin)[0].grad == 1.0
    assert x.grad == 0.0
    assert topological_order(twin)[0] is not x


def test_after_unpickling_an_operation_made_by_a_function_needs_forward() -> None:
    x = Value(3.0)
    out = Value(6.0, (x,), "double")
    out._backward = Push(x, out)
    twin = in_c(out)
    twin.backward()
    with pytest.raises(wg.GraphError, match="_forward"):
        twin.forward()


# --- failures and concurrency ---------------------------------------------------------------------


def unpicklable(length: int = 50) -> tuple[Value, Value]:
    """A chain in whose middle stands an operation with a closure, and that operation."""
    y = long_chain(length)
    bad = Value(y.data, (y,), "bad")
    bad._backward = lambda: None
    return long_after(bad, length), bad


def long_after(y: Value, length: int) -> Value:
    for _ in range(length):
        y = y * 1.0
    return y


@pytest.mark.parametrize("write", [pickle.dumps, pickle._dumps])  # type: ignore[attr-defined]
def test_a_failure_leaves_later_pickles_working(write: Callable[[Any], bytes]) -> None:
    root, bad = unpicklable(3_000)
    try:
        write(root)
    except (pickle.PicklingError, AttributeError):
        pass
    else:
        pytest.fail("a closure was pickled")
    bad._backward = pickle.dumps  # any function that pickle can find
    assert shape(pickle.loads(write(root))) == shape(root)
    part = topological_order(root)[2_000]
    assert shape(pickle.loads(write([part, root]))[1]) == shape(root)


def test_a_failure_whose_traceback_is_kept_does_no_harm() -> None:
    root, bad = unpicklable(50)
    with pytest.raises((pickle.PicklingError, AttributeError)) as kept:
        pickle._dumps(root)  # type: ignore[attr-defined]
    bad._backward = len
    assert shape(in_c(root)) == shape(root)
    assert shape(in_python(root)) == shape(root)
    assert kept.value is not None


class DumpsInside:
    """An attribute that pickles the graph it belongs to while that is being pickled."""

    def __init__(self, *nodes: Value) -> None:
        self.nodes = nodes
        self.inner: bytes = b""

    def __reduce__(self) -> Any:
        self.inner = pickle.dumps([node.data for node in self.nodes])
        pickle.dumps(self.nodes[0] * 2.0)
        return (DumpsInside, ())


def test_a_pickle_within_a_pickle() -> None:
    w = Weight(2.0, history=[])
    root = (w * 3.0) * 4.0
    inside = DumpsInside(root)
    w.partner = inside  # type: ignore[assignment]
    other = long_chain(10)
    inside.nodes = (other,)
    twin = in_c(root)
    assert twin.data == 24.0
    assert inside.inner
    assert shape(in_c(root * 1.0)) == shape(root * 1.0)


def test_threads_pickle_the_same_graph_at_once() -> None:
    root = graph()
    for _ in range(300):
        root = wg.tanh(root) + root
    expected = shape(root)
    failures: list[BaseException] = []
    start = threading.Barrier(4)

    def work(way: Callable[[Any], Any]) -> None:
        try:
            start.wait()
            for _ in range(5):
                assert shape(way(root)) == expected
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(way,)) for way in (*WAYS, in_c)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_several_pickles_in_one_stream() -> None:
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream)
    a = Value(2.0)
    b = a * a
    pickler.dump(b)
    pickler.dump([a, b + 1.0])  # the pickler remembers a and b
    stream.seek(0)
    unpickler = pickle.Unpickler(stream)
    first = unpickler.load()
    leaf, second = unpickler.load()
    assert leaf is first.operands[0]
    assert second.operands[0] is first


def test_a_second_pickler_knows_nothing_of_the_first() -> None:
    chain = topological_order(long_chain(5_000))
    first = pickle.Pickler(io.BytesIO())
    first.dump(chain)
    beyond = chain[-1] * 2.0
    assert shape(in_c(beyond)) == shape(beyond)
    assert shape(in_c(chain)[-1]) == shape(chain[-1])
    first.dump(beyond)
    for part in (beyond, chain[3_000], chain[1], [chain[2_000] + 1.0, beyond]):
        assert len(pickle.dumps(part)) == len(pickle.dumps(part))
    first.clear_memo()
    first.dump(beyond)
    assert shape(in_python(beyond)) == shape(beyond)


def test_a_pickler_without_memory() -> None:
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream)
    pickler.fast = True
    root = Value(2.0) * 3.0 + 1.0
    pickler.dump(root)
    stream.seek(0)
    assert pickle.load(stream).data == 7.0
    assert shape(in_c(root)) == shape(root)


def test_a_notes_source_is_carried_over() -> None:
    with wg.debug_nans():
        x = Value(1.0)
        y = x * x
    source = y._notes.source
    assert source is not None
    assert in_c(y)._notes.source == source
    assert copy.deepcopy(y)._notes.source == source
