"""Statements that the native engine does one after the other, for one example."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from wengert.program.address import Integers
from wengert.program.dependence import Level, Site
from wengert.program.statements import Run
from wengert.program.structure import Floats
from wengert.run.instructions import Coder
from wengert.run.path import Path
from wengert.run.place import Buffer
from wengert.run.schedule import Node
from wengert.value import engine

if TYPE_CHECKING or engine == "native":
    from wengert import _native


class Machine:
    """Statements made ready to run; guards in nests wait for others that come before them."""

    def __init__(self, coder: Coder, index: Integers, waits: bool) -> None:
        self.guards, self.waits = coder.guards, waits
        self.depth = max(len(site.counts) for site in coder.sites)
        self.code = _native.machine(*coder.code(index))

    @staticmethod
    def of_items(buffer: Buffer, index: Integers, items: Sequence[Site | Level]) -> "Machine":
        """For statements and loops, in the order of the text."""
        coder = Coder(buffer)
        coder.tree(items)
        return Machine(coder, index, waits=False)

    @staticmethod
    def of_nodes(buffer: Buffer, index: Integers, nodes: Sequence[Node]) -> "Machine":
        """For what a nest is made of."""
        coder = Coder(buffer)
        coder.nodes(nodes)
        return Machine(coder, index, waits=True)

    def __call__(self, memory: Floats, counters: tuple[int, ...], path: Path) -> None:
        """Do it, at these counters of the other loops."""
        _native.run_machine(self.code, memory, counters, partial(self._failed, path))

    def _failed(
        self, path: Path, number: int, counters: tuple[int, ...], operands: tuple[float, ...],
        result: float, expected: float,
    ) -> None:  # fmt: skip
        site = self.guards[number]
        said = path.failed if self.waits else path.changed
        depth = 1 if isinstance(site.statement, Run) else len(site.counts)
        said(site, counters[:depth], operands, result, expected)
