"""The page lays out as Python does: the same scenes have the same positions."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from show_graphs import network

from lesson_graphs import expression
from wengert import Value
from wengert.show.explorer.modules import script
from wengert.show.place import place
from wengert.show.scene import Cell, Frame, Scene, scene_of
from wengert.show.shapes import Box, Line, Text

DRAWN = """scene => {%s
  return use("place.js").place(scene).groups.map(({kind, shapes}) => [kind, shapes]); }"""


def randomly(seed: int, framed: bool) -> Scene:
    """A scene of random cells, edges and frames."""
    numbers = random.Random(seed)
    frames = [Frame("outer", -1), Frame("inner", 0), Frame("other", -1)] if framed else []
    cells: list[Cell] = []
    for k in range(numbers.randint(3, 60)):
        many = numbers.choice([0, 1, 2, 2, 3]) if k else 0
        operands = tuple(numbers.randrange(max(0, k - 12), k) for _ in range(many))
        kind = "value" if operands else "leaf"
        fields: tuple[str, ...] = ("label", f"data {numbers.uniform(-9, 9):.4f}", "grad 0.0000")
        if numbers.random() < 0.1:
            kind, fields = "group", ("some part", "12 values, 9 operations")
        op = numbers.choice(["*", "+", "tanh"]) if operands and kind != "group" else ""
        frame = numbers.randrange(-1, len(frames)) if frames else -1
        if frames and k < len(frames):
            frame = k  # none is empty
        cells.append(Cell(kind, op, fields, "", operands, numbers.random() < 0.5, frame))
    return Scene(cells, frames, len(cells), 0, [])


SCENES = {
    "lesson": lambda: scene_of([expression()["L"]]),
    "twice": lambda: scene_of([(lambda a: a * a + a)(Value(3.0, label="a"))]),
    "network": lambda: scene_of([network(3, 5, 2)]),
    "folded": lambda: scene_of([network(6, 8, 8)], max_cells=60),
    **{f"random {seed}": lambda seed=seed: randomly(seed, False) for seed in range(12)},
    **{f"framed {seed}": lambda seed=seed: randomly(seed, True) for seed in range(12)},
}


def as_data(scene: Scene) -> dict[str, Any]:
    names = ("kind", "op", "fields", "about", "operands", "ordered", "frame")
    return {
        "cells": [{name: getattr(cell, name) for name in names} for cell in scene.cells],
        "frames": [{"name": frame.name, "outer": frame.outer} for frame in scene.frames],
    }


def numbers_of(shape: Any) -> list[float]:
    if isinstance(shape, Box):
        return [shape.x, shape.y, shape.width, shape.height, shape.radius]
    if isinstance(shape, Line):
        return [x for point in shape.points for x in point]
    assert isinstance(shape, Text)
    return [shape.x, shape.y, shape.width, shape.size]


def theirs(shape: dict[str, Any]) -> list[float]:
    if shape["shape"] == "line":
        return [x for point in shape["points"] for x in point]
    last = {"box": ("width", "height", "radius"), "text": ("width", "size")}[shape["shape"]]
    return [shape[name] for name in ("x", "y", *last)]


@pytest.mark.parametrize("name", SCENES)
def test_pictures_have_the_same_shapes_in_the_same_places(name: str, blank: Any) -> None:
    scene = SCENES[name]()
    picture = place(scene)
    expected = [group for group in picture.groups if group.kind not in ("card", "caption")]
    drawn: Sequence[Any] = blank.evaluate(DRAWN % script("place.js", {}), as_data(scene))
    assert [kind for kind, _ in drawn] == [group.kind for group in expected]
    for (_, shapes), group in zip(drawn, expected, strict=True):
        assert [shape["style"] for shape in shapes] == [shape.style for shape in group.shapes]
        for shape, own in zip(shapes, group.shapes, strict=True):
            assert theirs(shape) == pytest.approx(numbers_of(own), rel=1e-9, abs=1e-9)
            assert shape.get("text", "") == getattr(own, "text", "")
