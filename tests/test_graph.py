"""The order of a graph, its nodes and edges, and distinct names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wengert as wg
from programs import Program, programs
from wengert import Value
from wengert.graph import names, topological_order, trace


@given(programs())
def test_operands_stand_before_their_users(program: Program) -> None:
    root = program.on_values()[-1]
    order = topological_order(root)
    place = {node: k for k, node in enumerate(order)}
    assert len(place) == len(order)
    assert order[-1] is root
    for node in order:
        assert all(place[operand] < place[node] for operand in node.operands)
    used = {operand for node in order for operand in node.operands}
    assert used | {root} == set(order)


def recursive_order(root: Value) -> list[Value]:
    """The lesson's own way, with our operands in their order."""
    order: list[Value] = []
    visited = set()

    def build(node: Value) -> None:
        if node not in visited:
            visited.add(node)
            for operand in node.operands:
                build(operand)
            order.append(node)

    build(root)
    return order


@given(programs(max_steps=20))
def test_the_order_is_that_of_the_recursive_search(program: Program) -> None:
    root = program.on_values()[-1]
    got, expected = topological_order(root), recursive_order(root)
    assert all(a is b for a, b in zip(got, expected, strict=True))


def test_several_roots_share_what_they_share() -> None:
    a = Value(1.0)
    b = a + 1.0
    c, d = b * 2.0, b * 3.0
    order = topological_order(c, d)
    assert len(order) == len(set(order)) == 7
    assert order[0] is a
    assert order[-1] is d
    assert topological_order(c, c) == topological_order(c)
    assert topological_order() == []


def test_trace_gives_the_lessons_two_sets() -> None:
    a, b = Value(2.0), Value(3.0)
    c = a * b
    d = c + a
    nodes, edges = trace(d)
    assert nodes == {a, b, c, d}
    assert edges == {(a, c), (b, c), (c, d), (a, d)}
    assert all(isinstance(each, set) for each in (nodes, edges))
    assert trace(a) == ({a}, set())
    assert len(trace(a * a)[1]) == 1


@pytest.mark.parametrize("bad", [3.0, None, "x", [Value(1.0)]])
def test_trace_of_anything_else_is_refused(bad: object) -> None:
    with pytest.raises(wg.OperandError, match=r"trace\(\) takes a Value, .*, not "):
        trace(bad)  # type: ignore[type-var]


def test_names_are_labels_and_numbers() -> None:
    a, c = Value(1.0, label="a"), Value(1.0, label="c")
    b, d = Value(1.0), Value(1.0)
    assert list(names([a, b, c, d]).values()) == ["a", "v1", "c", "v2"]


def test_a_number_that_is_taken_is_passed_over() -> None:
    nodes = [Value(1.0), Value(1.0, label="v1"), Value(1.0), Value(1.0, label="v3"), Value(1.0)]
    assert list(names(nodes).values()) == ["v2", "v1", "v4", "v3", "v5"]


def test_equal_labels_are_told_apart() -> None:
    nodes = [Value(1.0, label="x") for _ in range(6)]
    assert list(names(nodes).values()) == ["x", "x′", "x′′", "x#4", "x#5", "x#6"]


@given(st.lists(st.sampled_from(["", "x", "x′", "x′′", "x#4", "v1", "v2", "v1′"]), max_size=20))
def test_names_are_distinct_and_labels_win(labels: list[str]) -> None:
    nodes = [Value(1.0, label=label) for label in labels]
    known = names(nodes)
    assert list(known) == nodes
    assert len(set(known.values())) == len(nodes)
    for label in set(labels) - {""}:
        first = nodes[labels.index(label)]
        assert known[first] == label


def test_a_node_that_comes_twice_has_one_name() -> None:
    a, b = Value(1.0, label="a"), Value(1.0)
    assert names([a, b, a, b]) == {a: "a", b: "v1"}


def test_ten_thousand_equal_labels() -> None:
    nodes = [Value(1.0, label="w") for _ in range(10_000)]
    known = names(nodes)
    assert len(set(known.values())) == 10_000
    assert max(map(len, known.values())) == len("w#10000")
