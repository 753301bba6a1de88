"""Recording with either twin, and what a flat recording comes to, item by item."""

import struct
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import numpy as np

from wengert.program import record as module
from wengert.program import recorder, tape
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE
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


def bits(numbers: Sequence[float]) -> list[bytes]:
    """Doubles as they are stored; all NaNs are one."""
    return [b"nan" if x != x else struct.pack("<d", x) for x in numbers]


def replayed(program: Program, *arguments: Any) -> Any:
    """The results of a flat program, and an assertion that its guards hold."""
    memories: dict[str, Any] = {
        INPUT: program.arguments.numbers(arguments).tolist(),
        CONSTANT: program.constants.tolist(),
        VALUE: {},
        OUTPUT: {},
    }
    for item in items(program):
        operands = [memories[a.memory][a.base] for a in item.operands]
        number = item.row.scalar(*operands) if item.row else operands[0]
        assert item.target.base not in memories[item.target.memory], "assigned twice"
        memories[item.target.memory][item.target.base] = number
        if isinstance(item, Guard):
            expected = memories[item.expected.memory][item.expected.base]
            assert number == expected, f"{item} gives {number}"
    outputs = [memories[OUTPUT][k] for k in range(program.results.size)]
    return program.results.tree(np.array(outputs, dtype=float))
