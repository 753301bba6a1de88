"""Pictures of Programs: a cell for each statement, a frame around each loop."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as wg
from scenarios import ROWS, Scenario
from wengert.program.address import Address
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Run
from wengert.show.program import scene_of_program
from wengert.show.scene import Cell, Scene


def horner(x: Any, y: Any) -> Any:
    s = 0.0
    for _ in range(10):
        s = s * x + y
    return wg.log(s) if s > 3.0 else s


def matrix_product(a: Any, b: Any) -> Any:
    return a @ b


def cell(scene: Scene, name: str) -> Cell:
    [found] = [cell for cell in scene.cells if cell.fields[0] == name]
    return found


def reads(scene: Scene, name: str) -> list[str]:
    return [scene.cells[k].fields[0] for k in cell(scene, name).operands]


def test_statements_are_cells_and_what_they_read_are_their_edges() -> None:
    scene = scene_of_program(wg.record(horner, 1.5, 2.0))
    assert reads(scene, "t1") == ["t2[i - 1]", "y"]
    assert cell(scene, "t1").op == "+"
    assert reads(scene, "t2") == ["t1", "x"]
    assert reads(scene, "t3") == ["t2", "y"]
    assert reads(scene, "guard") == ["t3", "3.0"]
    assert reads(scene, "out") == ["t4"]
    assert cell(scene, "out").kind == "root"
    assert "t2 = t1 * x" in cell(scene, "t2").about
    assert "test_drawn_programs.py:" in cell(scene, "t2").about


def test_what_comes_from_the_iteration_before_stands_beside_it_with_where_it_begins() -> None:
    scene = scene_of_program(wg.record(horner, 1.5, 2.0))
    assert reads(scene, "t2[i - 1]") == ["t2[-1]"]
    assert reads(scene, "t2[-1]") == ["0.0", "x"]
    assert cell(scene, "t2[i - 1]").kind == "leaf"


def test_a_sum_is_read_from_what_is_added_to_it_last() -> None:
    text = (
        "program f(x[3]) -> number[4]\n\nfor i in 4:\n    g = 0.0\nfor i in 3:\n"
        "    s = x[i]\n    s += 2.0\n    g[i + 1] += s\nfor i in 4:\n    out[i] = g[i]\n"
    )
    scene = scene_of_program(Program.parse(text))
    [start, summed] = [each for each in scene.cells if each.fields[0] == "s"]
    assert summed.op == "+="
    assert [scene.cells[k] for k in summed.operands] == [start, cell(scene, "2.0")]
    assert summed.about == "s += 2.0"
    [term] = [each for each in scene.cells if each.fields[0] == "g[i + 1]"]
    assert [scene.cells[k] for k in term.operands] == [cell(scene, "g"), summed]
    assert reads(scene, "out[i]") == ["g[i + 1]"]


def test_a_sum_from_the_iteration_before_is_added_to_by_its_name() -> None:
    text = (
        "program f(x[3]) -> number\n\nt[-1] = 1.0\nfor i in 3 by 1:\n    t = 0.0\n"
        "    t[i - 1] += x[i]\n    t[i - 1] += 2.0\n    u = t[i - 1]  @ i + 9\n"
        "out = u[2]\nvalues 12\n"
    )
    scene = scene_of_program(Program.parse(text))
    names = [each.fields[0] for each in scene.cells if each.op == "+="]
    assert names == ["t[i - 1]", "t[i - 1]"]
    assert [scene.cells[k].op for k in cell(scene, "u").operands] == ["+="]


def test_columns_are_added_to_as_well() -> None:
    found = wg.record(lambda x: [x + k for k in range(70)], 1.0, passes=())
    run, outs = found.statements
    added = Accumulate(Address("value", 3), Address("input", 0))
    scene = scene_of_program(replace(found, statements=(run, added, outs)))
    [term] = [each for each in scene.cells if each.op == "+="]
    assert [scene.cells[k] for k in cell(scene, "out.3").operands] == [term]


def test_results_can_be_sums() -> None:
    scene = scene_of_program(Program.parse("program f(x) -> number\n\nout = x\nout += x\n"))
    assert [(each.kind, each.op) for each in scene.cells[1:]] == [("root", ""), ("root", "+=")]


def test_loops_are_frames_within_frames_with_their_counts() -> None:
    scene = scene_of_program(wg.record(matrix_product, np.ones((4, 5)), np.ones((5, 6))))
    names = [frame.name for frame in scene.frames]
    assert "for i in 4" in names
    assert "for j in 6" in names
    inner = scene.frames[names.index("for j in 6")]
    assert scene.frames[inner.outer].name == "for i in 4"


def test_while_loops_are_frames_too() -> None:
    program = wg.record(lambda a: wg.while_loop(lambda x: x < a, lambda x: x * 2.0, 1.0), 10.0)
    scene = scene_of_program(program)
    assert [frame.name for frame in scene.frames] == ["while i"]
    assert scene.about == f"Program of {program.size} statements and 2 operations"


def test_straight_stretches_in_columns_have_the_names_of_the_text() -> None:
    def tangle(x: Any) -> Any:
        past = [x, x * 2.0]
        for k in range(100):
            past.append(past[k] + past[k * k % (k + 2)])
            if k == 50 and past[-1] > x:
                past[-1].label = "half"
        return past[-1]

    program = wg.record(tangle, 1.5, passes=())
    assert isinstance(program.statements[0], Run)
    scene = scene_of_program(program)
    abouts = [one.about.partition(" (")[0] for one in scene.cells if one.kind != "leaf"]
    lines = [line.partition("  #")[0].rstrip() for line in str(program).splitlines()[2:]]
    assert any(line.startswith("half = ") for line in lines)
    assert abouts == [line.partition(" is ")[0] for line in lines]


def test_a_program_without_statements_has_an_empty_picture() -> None:
    drawing = wg.draw(wg.record(lambda x: None, 1.0))
    assert "</svg>" in drawing.svg


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_scenario_is_drawn_without_a_cycle(row: Scenario) -> None:
    function, example = row.make(*row.small)
    program = wg.record(function, *example)
    for fold in ("none", "scopes", "auto"):
        scene = scene_of_program(program, fold)
        assert all(operand < k for k, one in enumerate(scene.cells) for operand in one.operands)
        outputs = [one for one in scene.cells if one.kind == "root"]
        assert outputs or fold != "none"
    assert wg.draw(program).svg.startswith("<svg")


def test_a_flat_program_is_drawn_and_folded() -> None:
    program = wg.record(horner, 1.5, 2.0, passes=())
    assert len(scene_of_program(program).cells) >= len(program)
    many = wg.record(lambda x: [wg.sin(x * k) for k in range(300)], 0.5, passes=())
    assert isinstance(many.statements[0], Run)
    assert len(scene_of_program(many, max_cells=50).cells) <= 50


def test_loops_fold_and_stay_open_by_number() -> None:
    program = wg.record(matrix_product, np.ones((4, 5)), np.ones((5, 6)))
    folded = wg.draw(program, fold="scopes")
    assert "loop1" in repr(folded)
    opened = wg.draw(program, fold="scopes", expand="loop1")
    assert opened.svg.count("<rect") > folded.svg.count("<rect")
    with pytest.raises(wg.DrawError, match="loop99"):
        wg.draw(program, expand="loop99")


def test_labels_are_escaped(tmp_path: Path) -> None:
    def function(x: Any) -> Any:
        y = x * 2.0
        y.label = '<b>"&|{}'
        return y + 1.0

    drawing = wg.draw(wg.record(function, 1.0))
    assert "<b>" not in drawing.svg
    for name in ("p.svg", "p.dot", "p.html", "p.png"):
        drawing.save(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 100
