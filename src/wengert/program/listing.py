"""What a recording left, before it is made a Program.

Functions that are recorded at each call mostly leave what they left before. Whether that is so can
be told from the columns of the list, which costs less than a Program.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from wengert.program.address import Integers
from wengert.program.program import Program
from wengert.program.statements import Run, Statement
from wengert.program.structure import Floats, Structure


@dataclass(frozen=True, eq=False, slots=True)
class Listing:
    """The parts of a Program; see there."""

    statements: tuple[Statement, ...]
    values: int
    constants: Floats
    index: Integers
    arguments: Structure
    results: Structure
    name: str

    def key(self) -> Hashable | None:
        """What tells it from all others; None if it has loops.

        The classes of records are part of it, and so are labels and source lines: a derivative
        shows those of the function it is of.
        """
        digest = sha256()
        runs = []
        for statement in self.statements:
            if not isinstance(statement, Run):
                return None
            digest.update(statement.ops.data)
            digest.update(statement.operands.data)
            digest.update(statement.lines.data)
            labels = tuple(statement.labels.items())
            about = len(statement), statement.outputs, statement.sources, labels
            runs.append((statement.operations, *about))
        digest.update(np.ascontiguousarray(self.constants).data)
        digest.update(self.index.data)
        structures = repr(self.arguments.data()), repr(self.results.data())
        makes = self.arguments.makes(), self.results.makes()
        sizes = self.values, len(self.constants)
        return tuple(runs), digest.digest(), sizes, structures, makes, self.name

    def program(self) -> Program:
        """The program."""
        return Program(
            self.statements, self.values, self.constants, self.index, self.arguments,
            self.results, self.name,
        )  # fmt: skip
