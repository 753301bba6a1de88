"""Recording with either twin, and all there is to what it gave."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from evaluate import bits

from wengert.program import record as module
from wengert.program import recorder, tape
from wengert.program.program import Program
from wengert.program.statements import Assign, Guard, walk

PLAIN: Any = tape.Tape
NATIVE: Any = recorder.Tape  # the plain one again where there is no native engine
TWINS = {"plain": PLAIN, "chosen": NATIVE}


def recorded(twin: Any, function: Any, *example: Any) -> Program:
    """A raw recording with one of the twins."""
    with mock.patch.object(module, "Tape", twin):
        return module.record(function, *example, passes=())


def told(function: Callable[[], Any]) -> str:
    """What a call raises, in words; what it returns, if it does not raise."""
    try:
        return f"returned {function()!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def items(program: Program) -> list[Assign | Guard]:
    """The items of a flat program, in record order."""
    found = []
    for item, around in walk(program.statements):
        assert isinstance(item, Assign | Guard)
        assert not around
        found.append(item)
    return found


def details(program: Program) -> tuple[Any, ...]:
    """All there is to a flat program, names and sources included."""
    listed = [
        (type(i), i.target, i.row, i.operands, getattr(i, "expected", None), i.label, i.source)
        for i in items(program)
    ]
    return (
        listed, program.values, bits(program.constants.tolist()), program.index.tolist(),
        program.arguments, program.results, program.name,
    )  # fmt: skip


ALLOCATIONS = """
import _testcapi

def attempt(start, stop):
    _testcapi.set_nomemory(start, stop)
    try:
        work()
    finally:
        _testcapi.remove_mem_hooks()

work()
raised = 0
for start in range(1, {most}):
    for stop in (start + 1, 0):  # one allocation fails, or all from there on
        try:
            attempt(start, stop)
        except MemoryError:
            raised += 1
work()
print(raised)
"""


def memory_errors(work: str, most: int) -> int:
    """How often `work()`, defined by a source, runs out of memory, each allocation failing once.

    It runs in a process of its own, which has to end well.
    """
    pytest.importorskip("_testcapi")
    source = work + ALLOCATIONS.format(most=most)
    run = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return int(run.stdout)
