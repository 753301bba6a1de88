from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from show_graphs import HOSTILE, alternating, chain, lesson, network, random_graph

import wengert as wg
from wengert import Value
from wengert.show.cells import ROUND, Turn, card_size, drawn_cell
from wengert.show.place import frames_of, place
from wengert.show.scene import Cell, Frame, Scene, scene_of
from wengert.show.shapes import ADVANCE, Box, Group, Line, Picture, Text
from wengert.show.text import columns

CELLS = {"leaf", "value", "root", "group"}


def hostile() -> Value:
    total = Value(1e300)
    for k, label in enumerate(HOSTILE):
        with wg.scope(label.strip("/ ") or "blank"):
            total = total + Value(10.0 ** (40 * k - 200), label=label)
            total = Value(float("nan"), (total,), label)
    return total


PICTURES = {
    "lesson": lambda: scene_of([lesson()]),
    "network": lambda: scene_of([network(3, 2, 2, 1)]),
    "open layer": lambda: scene_of([network(3, 3, 1)], "scopes", ["layer1"]),
    "folded network": lambda: scene_of([network(8, 8, 8, 1)], max_cells=40),
    "alternating": lambda: scene_of([alternating(3)]),
    "chain": lambda: scene_of([chain(1000)]),
    "hostile": lambda: scene_of([hostile()]),
    "random": lambda: scene_of([random_graph(200, 50)]),
    "by depth": lambda: scene_of([random_graph(3000, 200)], max_cells=12),
    "several roots": lambda: scene_of([lesson(), network(2, 1)]),
}


def boxes(picture: Picture, styles: set[str]) -> list[tuple[Group, Box]]:
    return [
        (group, shape)
        for group in picture.groups for shape in group.shapes
        if isinstance(shape, Box) and shape.style in styles
    ]  # fmt: skip


def overlap(a: Box, b: Box) -> bool:
    return (
        a.x < b.x + b.width - 1e-6
        and b.x < a.x + a.width - 1e-6
        and a.y < b.y + b.height - 1e-6
        and b.y < a.y + a.height - 1e-6
    )


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@pytest.mark.parametrize("name", PICTURES)
def test_nothing_overlaps_and_text_is_inside(name: str, rankdir: str) -> None:
    picture = place(PICTURES[name](), rankdir)
    cells = boxes(picture, CELLS | {"op"})
    for (_, a), (_, b) in combinations(cells, 2):
        assert not overlap(a, b)
    right, bottom = picture.left + picture.width, picture.top + picture.height
    for group in picture.groups:
        own = [shape for shape in group.shapes if isinstance(shape, Box)]
        for shape in group.shapes:
            if isinstance(shape, Text):
                assert shape.width == pytest.approx(columns(shape.text) * ADVANCE * shape.size)
                assert picture.left <= shape.x <= shape.x + shape.width <= right
                assert picture.top <= shape.y - shape.size <= shape.y <= bottom
                if shape.style in {"label", "number", "word", "symbol"}:
                    assert any(
                        box.x < shape.x
                        and shape.x + shape.width < box.x + box.width
                        and box.y < shape.y - 0.7 * shape.size < shape.y < box.y + box.height
                        for box in own
                    )
            if isinstance(shape, Line):
                assert all(
                    picture.left <= x <= right and picture.top <= y <= bottom
                    for x, y in shape.points
                )


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@pytest.mark.parametrize("name", PICTURES)
def test_edges_do_not_run_through_cells(name: str, rankdir: str) -> None:
    picture = place(PICTURES[name](), rankdir)
    cells = [box for _, box in boxes(picture, CELLS | {"op"})]
    for group in picture.groups:
        if group.kind not in {"edge", "trunk"}:
            continue
        line = group.shapes[0]
        assert isinstance(line, Line)
        for x, y in samples(line):
            for box in cells:
                inside = (
                    box.x + 2 < x < box.x + box.width - 2 and box.y + 2 < y < box.y + box.height - 2
                )
                assert not inside


def samples(line: Line) -> list[tuple[float, float]]:
    """Points along a line: one curve, then straight on."""
    p = line.points
    ts = [k / 20 for k in range(21)]
    curve = [
        tuple(
            (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t * t * (1 - t) * c + t**3 * d
            for a, b, c, d in zip(*p[:4], strict=True)
        )
        for t in ts
    ]
    straight = [
        tuple(a + t * (b - a) for a, b in zip(p[3], p[-1], strict=True)) for t in ts
    ]  # fmt: skip
    return [*curve, *straight]  # type: ignore[list-item]


@pytest.mark.parametrize("name", PICTURES)
def test_one_arrow_per_operand(name: str) -> None:
    scene = PICTURES[name]()
    picture = place(scene)
    kinds = [group.kind for group in picture.groups]
    assert kinds.count("edge") == sum(len(cell.operands) for cell in scene.cells)
    assert sum(kind in CELLS for kind in kinds) == len(scene.cells)


def test_both_edges_of_a_square_are_seen() -> None:
    a = Value(3.0)
    picture = place(scene_of([a * a]))
    first, second = [group.shapes[0] for group in picture.groups if group.kind == "edge"]
    assert isinstance(first, Line)
    assert isinstance(second, Line)
    assert abs(first.points[-1][1] - second.points[-1][1]) >= 8.0


def test_operands_enter_in_order_where_it_matters() -> None:
    def entries(root: Value) -> list[tuple[float, float]]:
        groups = place(scene_of([root])).groups
        lines = [group.shapes[0] for group in groups if group.kind == "edge"]
        return [line.points[-1] for line in lines if isinstance(line, Line)]

    x, y = Value(1.0), Value(2.0)
    for root in (x - y, y - x):
        first, second = entries(root)
        assert first[1] < second[1]


def test_frames_hold_their_scopes() -> None:
    picture = place(scene_of([network(2, 2, 1)]))
    frames = boxes(picture, {"frame"})
    assert [group.about for group, _ in frames] == [
        "scope layer1", "scope neuron1", "scope neuron2", "scope layer2", "scope neuron1",
    ]  # fmt: skip
    outer, first, second = [box for _, box in frames[:3]]
    assert overlap(outer, first)
    assert overlap(outer, second)
    assert not overlap(first, second)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from("abc")), max_size=25)
)
def test_a_frame_never_holds_what_is_not_in_its_scope(steps: list[tuple[int, int, str]]) -> None:
    values = [Value(1.0), Value(2.0)]
    for i, j, name in steps:
        with wg.scope(name if name != "c" else "a/c"):
            values.append(values[i % len(values)] + values[j % len(values)])
    scene = scene_of([values[-1]])
    picture = place(scene)
    cells = [group for group in picture.groups if group.kind in CELLS]
    paths = scene.paths()
    for group, frame in boxes(picture, {"frame"}):
        name = group.about.removeprefix("scope ")
        for cell, path in zip(cells, paths, strict=True):
            box = next(s for s in cell.shapes if isinstance(s, Box) and s.style in CELLS)
            if overlap(frame, box):
                assert name in [scene.frames[k].name for k in path]


def scoped(*frames: int) -> Scene:
    """A scene with frames a, b and a/c, and cells in the given ones."""
    cells = [Cell("leaf", "", ("data 1", "grad 0"), "", (), False, frame) for frame in frames]
    return Scene(cells, [Frame("a", -1), Frame("b", -1), Frame("c", 0)], len(cells), 0, [])


def test_a_frame_around_a_stranger_is_not_drawn() -> None:
    row = [(100.0 * k, 0.0, 100.0 * k + 50, 30.0) for k in range(4)]
    assert set(frames_of(scoped(0, 1, 2, -1), row)) == {1, 2}
    assert set(frames_of(scoped(0, 2, 1, -1), row)) == {0, 1, 2}


def test_frames_that_cross_are_not_both_drawn() -> None:
    upright = [(0.0, 0.0, 50.0, 30.0), (0.0, 300.0, 50.0, 330.0)]
    flat = [(-200.0, 150.0, -150.0, 180.0), (200.0, 150.0, 250.0, 180.0)]
    cells = [*upright, *flat, (0.0, 250.0, 50.0, 280.0)]
    assert set(frames_of(scoped(0, 0, 1, 1, 2), cells)) == {1, 2}


def test_a_tag_names_the_scope_where_no_frame_does() -> None:
    cell = scoped(0).cells[0]
    group = drawn_cell(cell, (0.0, 0.0), Turn(down=False), "layer1 and much more than fits here")
    [tag] = [shape for shape in group.shapes if isinstance(shape, Text) and shape.style == "scope"]
    assert tag.text.startswith("layer1")
    assert tag.text.endswith("…")
    assert tag.width <= card_size(cell)[0]


def test_wide_operations_are_met_at_their_edge_from_above() -> None:
    turn = Turn(down=True)
    wide = Cell("value", "sigmoid", ("data 1", "grad 1"), "", (0,), True)
    assert turn.cap(wide, 10.0) == 0.0
    assert Turn(down=False).cap(wide, ROUND / 2) == ROUND / 2
