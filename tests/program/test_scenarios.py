"""Every scenario through every pass: the same list, the same bits, the same program back."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluate import walked

import wengert as wg
from scenarios import ROWS, Scenario
from wengert.program.invariants import checked
from wengert.program.roll import roll
from wengert.program.statements import While
from wengert.program.storage import storage

every_scenario = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def nudged(tree: Any) -> Any:
    """Arguments near the example's, so that no guard flips."""
    if isinstance(tree, np.ndarray):
        return tree * (1.0 + 1e-12)
    if isinstance(tree, list | tuple):
        return type(tree)(map(nudged, tree))
    return tree * (1.0 + 1e-12)


def same(a: Any, b: Any) -> bool:
    return np.asarray(a, float).tobytes() == np.asarray(b, float).tobytes()


@every_scenario
def test_a_program_means_what_its_function_computes(row: Scenario) -> None:
    function, example = row.make(*row.small)
    raw = checked(wg.record(function, *example, passes=()))
    rolled = checked(roll(raw))
    simple = checked(rolled.simplify())
    for arguments in (example, nudged(example)):
        expected = function(*arguments)
        assert same(walked(raw, *arguments), expected)
        assert same(walked(rolled, *arguments), expected)
        assert same(walked(simple, *arguments), expected)
        assert same(rolled(*arguments), expected)
        assert same(simple(*arguments), expected)
    if not any(isinstance(statement, While) for statement in raw.statements):
        assert rolled.expand() == raw
    assert len(simple) <= len(raw)
    storage(rolled)


@every_scenario
def test_a_program_comes_back_from_text_file_and_pickle(row: Scenario, tmp_path: Path) -> None:
    function, example = row.make(*row.small)
    raw = wg.record(function, *example, passes=())
    for program in (raw, roll(raw), roll(raw).simplify()):
        assert wg.Program.parse(str(program)) == program
        program.save(tmp_path / "program")
        assert wg.load(tmp_path / "program") == program
        assert pickle.loads(pickle.dumps(program)) == program
        assert copy.deepcopy(program) == program


@pytest.mark.skipif(wg.engine == "plain", reason="recording in plain Python takes minutes")
@every_scenario
def test_a_program_is_as_small_as_it_should_be(row: Scenario) -> None:
    if row.name == "perceptron, batch":  # three million operations: bench/programs.py has it
        return
    function, example = row.make(*row.full)
    raw = wg.record(function, *example, passes=())
    rolled = roll(raw)
    assert rolled.size <= row.statements
    if not any(isinstance(statement, While) for statement in raw.statements):
        assert rolled.expand() == raw
