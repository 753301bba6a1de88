from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from show_graphs import dags

from wengert.show.crossing import Ranked, cross_less
from wengert.show.fold import Graph
from wengert.show.layout import Layout, layout, ranks

SIZES = st.tuples(st.floats(10, 300), st.floats(10, 80))


def paths_of(graph: Graph) -> list[tuple[int, ...]]:
    """The scopes of a graph as paths of numbers."""
    number: dict[str, int] = {}
    paths = []
    for scope in graph.scopes:
        names = scope.split("/") if scope else []
        paths.append(
            tuple(
                number.setdefault("/".join(names[: k + 1]), len(number)) for k in range(len(names))
            )
        )
    return paths


def boxes(placed: Layout, sizes: list[tuple[float, float]]) -> list[tuple[float, ...]]:
    found = []
    for v, (along, across) in enumerate(sizes):
        end, middle = placed.columns[placed.rank[v]][1], placed.across[v]
        found.append((end - along, end, middle - across / 2, middle + across / 2))
    return found


@settings(deadline=None)
@given(dags(), st.data(), st.booleans())
def test_cells_do_not_overlap_and_edges_ascend(graph: Graph, data: Any, grouped: bool) -> None:
    n = len(graph.operands)
    sizes = data.draw(st.lists(SIZES, min_size=n, max_size=n))
    groups = paths_of(graph) if grouped else []
    placed = layout(sizes, graph.operands, groups)
    assert placed == layout(sizes, graph.operands, groups)
    for v, own in enumerate(graph.operands):
        assert all(placed.rank[u] < placed.rank[v] for u in own)
    assert all(a[1] < b[0] for a, b in pairwise(placed.columns))
    corners = boxes(placed, sizes)
    assert all(top >= -1e-6 and bottom <= placed.extent + 1e-6 for _, _, top, bottom in corners)
    for i, (left, right, top, bottom) in enumerate(corners):
        for other in corners[:i]:
            assert (
                other[1] <= left or right <= other[0] or other[3] <= top + 1e-6
                or bottom <= other[2] + 1e-6
            )  # fmt: skip


@settings(deadline=None)
@given(dags())
def test_every_edge_is_a_way_through_neighbouring_ranks(graph: Graph) -> None:
    n = len(graph.operands)
    placed = layout([(10.0, 10.0)] * n, graph.operands)
    into: dict[int, list[int]] = {}
    for i, j in placed.steps:
        assert placed.rank[j] == placed.rank[i] + 1
        into.setdefault(j, []).append(i)
    for v, own in enumerate(graph.operands):
        sources = set()
        for item in into.get(v, []):
            while item >= n:
                [item] = into[item]
            sources.add(item)
        assert sources == set(own)


def test_leaves_stand_just_before_their_users() -> None:
    assert ranks([(), (), (0, 1), (), (2, 3)]) == [0, 0, 1, 1, 2]


def test_edges_into_a_group_leave_room_for_its_own_leaves() -> None:
    operands = [(), (0,), (), (1, 2)]  # x, f(x); w and the product in a group
    assert ranks(operands) == [0, 1, 1, 2]
    assert ranks(operands, [(), (), (0,), (0,)]) == [0, 1, 2, 3]


def test_operands_stand_in_their_order() -> None:
    placed = layout([(10.0, 10.0)] * 4, [(), (0,), (), (1, 2)])  # the first comes a long way
    assert placed.across[1] < placed.across[2]


def test_a_tree_is_symmetric() -> None:
    placed = layout([(10.0, 10.0)] * 7, [(), (), (0, 1), (), (), (3, 4), (2, 5)])
    a = placed.across
    assert a[2] == pytest.approx((a[0] + a[1]) / 2)
    assert a[6] == pytest.approx((a[2] + a[5]) / 2)


def test_long_edges_of_a_cell_share_their_bends() -> None:
    operands: list[tuple[int, ...]] = [()]
    operands += [(0, v - 1) for v in range(1, 200)]
    assert len(layout([(10.0, 10.0)] * 200, operands).rank) < 2 * 200


def test_groups_stay_together() -> None:
    operands = [(), (), (), (0, 2), (1, 2), (3, 4)]
    groups = [(0,), (1,), (), (0,), (1,), ()]
    placed = layout([(10.0, 10.0)] * 6, operands, groups)
    first = [placed.across[v] for v in (0, 3)]
    second = [placed.across[v] for v in (1, 4)]
    assert max(first) < min(second) or max(second) < min(first)


def test_nothing_is_laid_out_as_nothing() -> None:
    assert layout([], []).columns == []


def test_a_large_graph_is_not_counted_and_not_harmed() -> None:
    operands: list[tuple[int, ...]] = [() for _ in range(100)]
    operands += [((v * 7919) % (v - 1), v - 100) for v in range(100, 2600)]
    placed = layout([(10.0, 10.0)] * 2600, operands)
    assert all(placed.rank[u] < placed.rank[v] for v, own in enumerate(operands) for u in own)


def test_crossings_are_undone() -> None:
    drawn = Ranked(4, [0, 0, 1, 1], [])
    drawn.layers[:] = [[0, 1], [2, 3]]
    drawn.link(0, 3)
    drawn.link(1, 2)
    cross_less(drawn)
    assert drawn.layers in ([[1, 0], [2, 3]], [[0, 1], [3, 2]])
