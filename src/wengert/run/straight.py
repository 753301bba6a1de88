"""A straight stretch of operations, kept in columns, one after the other."""

from typing import Any

import numpy as np

from wengert.program.address import CODES, PLACE, Integers, distinct, in_memory
from wengert.program.dependence import Site
from wengert.program.statements import Run
from wengert.program.structure import Floats
from wengert.run.path import Path
from wengert.run.place import Buffer

CHUNK = 1 << 14  # statements decoded at a time
NONE = -1  # instead of a second operand


class Straight:
    """A run, its addresses turned into places of the buffer."""

    def __init__(self, site: Site, buffer: Buffer) -> None:
        run = site.statement
        assert isinstance(run, Run)
        self.site, self.run = site, run
        self.start = buffer.first_result(site, run)
        self.copies = run.outputs and not any(operation.row for operation in run.operations)
        self.starts = run.starts
        self.places = operand_places(site, run, buffer)
        self.usual = np.array(
            [not o.guards and o.reads <= 2 and o.row is not None for o in run.operations]
        )

    def __call__(self, memory: Floats, path: Path) -> None:
        """Do it all."""
        if self.copies:
            memory[self.start : self.start + len(self.run)] = memory[self.places]
            return
        for low in range(0, len(self.run), CHUNK):
            self._part(memory.data, path, low, min(low + CHUNK, len(self.run)))

    def _part(self, m: Any, path: Path, low: int, high: int) -> None:
        run = self.run
        ops = run.ops[low:high]
        starts = self.starts[low:high]
        usual = self.usual[ops]
        twice = (self.starts[low + 1 : high + 1] - starts > 1) & usual
        seconds = np.minimum(starts + 1, len(self.places) - 1)
        a = np.where(usual, self.places[starts], NONE).tolist()
        b = np.where(twice, self.places[seconds], NONE).tolist()
        scalars: list[Any] = [o.row.scalar if o.row else None for o in run.operations]
        functions = [scalars[op] for op in ops.tolist()]
        start = self.start + low
        for t, f, i, j in zip(range(start, start + len(a)), functions, a, b, strict=True):
            if j >= 0:
                m[t] = f(m[i], m[j])
            elif i >= 0:
                m[t] = f(m[i])
            else:
                self._other(m, path, t - self.start, t)

    def _other(self, m: Any, path: Path, k: int, t: int) -> None:
        """A move, a guard, or an operation on three operands."""
        operation = self.run.operations[int(self.run.ops[k])]
        numbers = [m[p] for p in self.places[self.starts[k] : self.starts[k + 1]].tolist()]
        if operation.row is None:
            m[t] = numbers[0]
        elif operation.guards:
            *operands, expected = numbers
            m[t] = result = operation.row.scalar(*operands)
            if result != expected:
                path.changed(self.site, (k,), operands, result, expected)
        else:
            m[t] = operation.row.scalar(*numbers)


def operand_places(site: Site, run: Run, buffer: Buffer) -> Integers:
    """Where the buffer has each operand of a run."""
    codes = run.operands
    places = codes & PLACE
    found = np.empty_like(places)
    for memory in CODES:
        if memory in buffer.starts:
            here = in_memory(codes, memory)
            found[here] = buffer.given_at(memory, places[here])
    owners = buffer.kept.owners.get(site)
    if owners is not None:
        for number in distinct(owners[owners >= 0]).tolist():
            here = owners == number
            found[here] = buffer.kept_at(buffer.kept.arrays[number], places[here])
    return found
