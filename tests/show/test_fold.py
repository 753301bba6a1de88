import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from show_graphs import alternating, braid, chain, dags, network, random_graph

import wengert as wg
from wengert import Value
from wengert.show.dominators import Dominators
from wengert.show.fold import Folded, Graph, fold, unfolded
from wengert.show.scene import Scene, scene_of
from wengert.show.scopes import Scopes, closed_scope, fold_scopes, outwards


def check(graph: Graph, folded: Folded) -> None:
    """Every value in one part, counts that add up, edges that lead onwards and are all there."""
    assert len(folded.part_of) == len(graph.operands)
    held = Counter(folded.part_of)
    made = Counter(folded.part_of[v] for v, op in enumerate(graph.ops) if op)
    for k, part in enumerate(folded.parts):
        assert part.values == held[k]
        assert part.operations == made[k]
        assert (part.value is None) == bool(part.title)
        if part.value is not None:
            assert folded.part_of[part.value] == k
            assert held[k] == 1
        assert all(u < k for u in folded.operands[k])
    edges = {
        (folded.part_of[u], folded.part_of[v])
        for v, own in enumerate(graph.operands) for u in own
        if folded.part_of[u] != folded.part_of[v]
    }  # fmt: skip
    assert edges == {(u, k) for k, own in enumerate(folded.operands) for u in own}
    for own, part in zip(folded.operands, folded.parts, strict=True):
        assert part.value is not None or len(own) == len(set(own))


@settings(deadline=None, max_examples=300)
@given(dags(120), st.integers(1, 60), st.booleans())
def test_any_graph_folds_into_a_graph(graph: Graph, limit: int, expand: bool) -> None:
    scopes = Scopes(graph.scopes)
    shown = [scope for scope in scopes.inner if scope][:1] if expand else []
    check(graph, fold(graph, scopes.opened(limit, shown), shown, limit))
    check(graph, unfolded(graph))


@pytest.mark.parametrize("seed", range(150))
def test_chains_that_share_their_parts_fold_into_a_graph(seed: int) -> None:
    graph = braid(200 + 20 * (seed % 20), seed)
    for limit in (20, 60, 150):
        check(graph, fold(graph, Scopes(graph.scopes).opened(limit, []), [], limit))


def test_a_perceptron_without_scopes_on_a_batch_folds_into_a_graph() -> None:
    pick = random.Random(0)
    weights = [[[Value(pick.random()) for _ in range(n)] for _ in range(m)]
               for n, m in ((2, 16), (16, 16), (16, 1))]  # fmt: skip
    losses = []
    for _ in range(2):
        signals = [Value(pick.random()), Value(pick.random())]
        for layer in weights:
            signals = [wg.tanh(wg.dot(row, signals)) for row in layer]
        losses.append((signals[0] - 1.0) ** 2)
    scene = folds_of(wg.mean(losses))
    assert len(scene.cells) <= 300


@settings(deadline=None)
@given(dags(60))
def test_dominators_are_what_all_paths_lead_through(graph: Graph) -> None:
    n = len(graph.operands)
    users: list[list[int]] = [[] for _ in range(n)]
    for v, own in enumerate(graph.operands):
        for u in own:
            users[u].append(v)
    through: list[set[int]] = [set()] * n
    for v in range(n - 1, -1, -1):
        ways = [{n}] if v in graph.roots else [through[u] for u in users[v]]
        through[v] = set.intersection(*ways) | {v}
    above = Dominators(graph.operands, graph.roots).above
    for v in range(n):
        assert above[v] == min(through[v] - {v})


def folds_of(root: object, **options: object) -> Scene:
    roots = root if isinstance(root, list) else [root]
    return scene_of(roots, **options)  # type: ignore[arg-type]


def titles(scene: Scene) -> list[str]:
    return [cell.fields[0] for cell in scene.cells if cell.kind == "group"]


# --- scopes ---------------------------------------------------------------------------------------


def test_scopes_know_what_is_around_them() -> None:
    assert outwards("a/b/c") == ["a/b/c", "a/b", "a", ""]
    assert closed_scope("a/b/c", {"", "a"}) == "a/b"
    assert closed_scope("a", {"", "a"}) == ""


def test_scopes_open_from_outside_while_they_fit() -> None:
    scopes = Scopes(["a/x"] * 3 + ["a/y"] * 3 + ["b"] * 50 + [""])
    assert scopes.opened(1, ()) == {""}
    assert scopes.opened(5, ()) == {"", "a"}
    assert scopes.opened(8, ()) == {"", "a", "a/x", "a/y"}
    assert scopes.opened(1, ["b"]) == {"", "b"}


def test_outer_scopes_fold_first() -> None:
    scene = folds_of(network(8, 8, 8, 1), max_cells=12)
    assert titles(scene) == ["layer1", "layer2", "layer3/neuron1"]
    assert scene.folds == ["3 scopes (layer1, layer2, layer3/neuron1)"]
    layer = next(cell for cell in scene.cells if cell.fields[0] == "layer1")
    assert layer.fields[1] == "208 values, 136 operations"


def test_asked_for_scopes_open() -> None:
    scene = folds_of(network(2, 2, 1), fold_how="scopes", expand=["layer1/neuron2"])
    assert titles(scene) == ["layer1/neuron1", "layer2"]
    assert sum(cell.kind != "group" for cell in scene.cells) == 2 + 8
    assert len(folds_of(network(2, 2, 1), fold_how="scopes").cells) == 4


def test_asked_for_scopes_are_shown_past_the_limit() -> None:
    scene = folds_of(network(8, 8, 8, 1), max_cells=20, expand=["layer2/neuron1"])
    shown = [cell for cell in scene.cells if "scope layer2/neuron1" in cell.about]
    assert len(shown) == 26


def test_scopes_that_alternate_are_cut_into_pieces() -> None:
    scene = folds_of(alternating(3), fold_how="scopes")
    assert titles(scene) == [f"{name} ({k} of 3)" for k in (1, 2, 3) for name in "ab"]
    assert [cell.operands for cell in scene.cells] == [(), (0,), (1,), (2,), (3,), (4,), (5,)]


def test_constants_of_a_piece_are_in_it() -> None:
    operands = [(), (), (0, 1), (2,), (), (3, 4)]  # 1 and 4 are constants
    part, name = fold_scopes(["", "a", "a", "b", "a", "a"], operands, {""})
    assert part[1] == part[2]
    assert part[4] == part[5]
    assert part[2] != part[5]
    assert sorted(name[k] for k in set(part) if k in name) == ["a", "a", "b"]


def test_a_scope_of_one_value_is_that_value() -> None:
    with wg.scope("one"):
        y = Value(2.0, label="y")
    scene = folds_of(y + 1.0, fold_how="scopes")
    assert scene.cells[0].fields[0] == "y"
    assert not scene.folds


def test_pieces_of_a_long_alternation_are_a_chain() -> None:
    scene = folds_of(alternating(200), max_cells=40)
    assert len(scene.cells) <= 40
    assert any("× (b a)" in title or "× (a b)" in title for title in titles(scene))


# --- expressions ----------------------------------------------------------------------------------


def test_a_long_chain_shows_both_ends_and_its_pattern() -> None:
    scene = folds_of(chain(5_000))
    [title] = titles(scene)
    assert title == "… 4,995 × (* +) …"
    [cell] = [cell for cell in scene.cells if cell.kind == "group"]
    assert cell.fields[1] == "9,990 values, 9,990 operations"
    assert scene.caption == (
        "10,003 values and 10,000 operations drawn as 14 cells. Folded: 1 chain."
    )
    assert sum(len(cell.operands) for cell in scene.cells if cell.kind != "group") == 20


def test_chains_of_two_patterns_fold_each() -> None:
    x = chain(400)
    for _ in range(300):
        x = wg.sin(x)
    assert titles(folds_of(x)) == ["… 395 × (* +) …", "… 294 × (sin) …"]


def test_a_chain_without_a_pattern_folds_too() -> None:
    x = Value(1.0)
    for k in range(500):
        x = [wg.sin, wg.cos, wg.exp][k * k * k % 7 % 3](x) if k % 11 else x / 3.0
    scene = folds_of(x, max_cells=30)
    assert len(scene.cells) <= 30
    assert any("operations …" in title or "×" in title for title in titles(scene))


def test_like_expressions_are_counted() -> None:
    xs = [wg.tanh(Value(float(k)) * 2.0 + 1.0) for k in range(4)]
    scene = folds_of((xs[0] + xs[1]) * (xs[2] + xs[3]), max_cells=8)
    assert titles(scene) == ["tanh(…)"] * 4
    details = {cell.fields[1] for cell in scene.cells if cell.kind == "group"}
    assert details == {"6 values · ×4 alike"}
    assert scene.folds == ["4 expressions"]


def test_many_like_parts_are_one_cell() -> None:
    xs = [-(Value(float(k)) * 2.0) for k in range(40)]
    root = Value(0.0, xs, "gather")
    scene = folds_of([wg.sin(wg.cos(wg.exp(wg.sqrt(wg.abs(root)))))], max_cells=20)
    assert titles(scene) == ["40 × -…"]
    assert "4 values each" in [cell.fields[1] for cell in scene.cells]
    assert scene.folds == ["1 repeated part"]


def test_many_leaves_are_one_cell() -> None:
    root = Value(0.0, [Value(1.0) for _ in range(500)], "gather") ** 2
    for f in (wg.sin, wg.cos, wg.exp, wg.tanh):
        root = f(root)
    assert titles(folds_of(root, max_cells=20)) == ["500 leaves"]


@pytest.mark.parametrize(
    ("make", "title"),
    [
        (lambda x: x**2, "…**2"),
        (lambda x: -x, "-…"),
        (lambda x: x / 2.0, "… / …"),
        (wg.tanh, "tanh(…)"),
    ],
)
def test_expressions_are_named_by_their_outermost_operation(make: object, title: str) -> None:
    inner = [make(wg.sin(wg.cos(Value(1.0)))) for _ in range(8)]  # type: ignore[operator]
    scene = folds_of(Value(0.0, inner, "own"), max_cells=9)
    assert titles(scene) == [title] * 8


# --- by depth -------------------------------------------------------------------------------------


def test_a_graph_without_structure_folds_by_depth() -> None:
    scene = folds_of(random_graph(3000, 200), max_cells=14)
    assert len(scene.cells) <= 14
    assert scene.cells[-1].kind == "root"
    assert any(title.endswith("leaves") for title in titles(scene))
    assert any(title.startswith("depth ") for title in titles(scene))
    assert "by depth" in scene.caption


def test_very_many_roots_fold() -> None:
    pick = [random_graph(60, 50, seed) for seed in range(40)]
    scene = folds_of(pick, max_cells=10)
    assert len(scene.cells) <= 10


def test_depth_keeps_what_was_asked_for() -> None:
    with wg.scope("shown"):
        start = [wg.sin(Value(1.0)) for _ in range(3)]
    values: list[Value] = [*start]
    for k in range(2000):
        values.append(values[(k * 7919) % len(values)] + values[-1])
    scene = folds_of(values[-1], max_cells=10, expand=["shown"])
    assert sum("scope shown" in cell.about for cell in scene.cells) == 6


def test_very_many_values_fold() -> None:
    scene = folds_of(chain(100_000))
    assert scene.values == 200_003
    assert len(scene.cells) == 14
