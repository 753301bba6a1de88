"""The reference meaning of a Program: it is evaluated in plain Python and NumPy.

What it gives are the bits of the eager engine: every operation is done by its row, in IEEE
arithmetic, and nothing is reordered that rounding could tell. Loops are turned into Python source,
once for each program; what is parallel in them becomes array operations (`schedule`).
"""

import os
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from wengert.dispatch import Primitive
from wengert.errors import ProgramError
from wengert.program.address import Address
from wengert.program.dependence import Level, Site, size_of
from wengert.program.program import Program
from wengert.program.statements import Guard, Run, While
from wengert.program.structure import Floats
from wengert.run.arrays import Accumulated, Added, Together, suits_arrays
from wengert.run.instructions import takes
from wengert.run.machine import Machine
from wengert.run.path import Path
from wengert.run.place import Buffer, at
from wengert.run.schedule import (
    BUDGET,
    FEW,
    FEW_BY_MACHINE,
    LITTLE,
    Carried,
    Chain,
    Each,
    Node,
    Sums,
    schedule,
)
from wengert.run.straight import Straight
from wengert.run.walk import DEEPEST, PATIENCE, TooLong, effort, walked
from wengert.run.writer import Loops, Writer
from wengert.value import engine

NATIVE = engine == "native"


def interpret(program: Program, inputs: Floats) -> Floats:
    """The outputs of a program.

    A short program is walked through until that has taken as long as making it ready would.

    Args:
        program: any program.
        inputs: its input memory, `(n,)`.

    Returns:
        Its output memory, `(m,)`.

    Raises:
        PathChanged: a guard does not hold; the first one in record order.
        ProgramError: the program is not well-formed, or needs more memory than there is.
    """
    known = vars(program)
    if "_interpreter" not in known:
        outputs = _walked(program, inputs)
        if outputs is not None:
            return outputs
        object.__setattr__(program, "_interpreter", Interpreter(program))
    result: Floats = known["_interpreter"](inputs)
    return result


def _walked(program: Program, inputs: Floats) -> Floats | None:
    """The outputs by walking, if there is patience left for that."""
    stored, run = effort(program.statements)
    left = vars(program).get("_patience", PATIENCE * stored)
    given = np.asarray(inputs, dtype=np.float64).ravel()
    if run > left or len(given) != program.arguments.size:
        return None
    try:
        with np.errstate(all="ignore"):
            outputs, left = walked(program, given.data, left)
    except (TooLong, LookupError):
        return None  # if something is wrong, the interpreter says what
    object.__setattr__(program, "_patience", left)
    return np.array(outputs)


class Interpreter:
    """A program made ready to run.

    Args:
        program: any program.
        budget: how many numbers it may keep, if that is possible.
        few: up to how many of the same are done one at a time. Where the native engine does that,
            and it is not given, small programs are done so from one end to the other.
        machines: whether what is done one at a time is done by the native engine.
    """

    def __init__(
        self, program: Program, budget: int = BUDGET, few: int | None = None,
        machines: bool = NATIVE,
    ) -> None:  # fmt: skip
        self.program, self.machines = program, machines
        little = LITTLE if machines and few is None else 0
        self.few = (FEW_BY_MACHINE if machines else FEW) if few is None else few
        self.schedule = schedule(program, budget, self.few, little)
        self.buffer = Buffer(program, self.schedule.storage)
        if machines:
            self.buffer.keep_variables()
        _check_memory(self.buffer.size)
        self.index = program.index.tolist() if program.index.size < 1 << 16 else program.index.data
        written = _Source(self)
        self.names = written.names
        self.source, self.run = written.compiled()

    def __call__(self, inputs: Floats) -> Floats:
        """The outputs for these inputs."""
        given = np.asarray(inputs, dtype=np.float64).ravel()
        if len(given) != self.program.arguments.size:
            raise ProgramError(
                f"{self.program.name} takes {self.program.arguments.size} numbers, "
                f"not {len(given)}."
            )
        memory = self.buffer.filled(given)
        with np.errstate(all="ignore"):
            self.run(memory, memory.data, Path(self.program))
        return self.buffer.outputs(memory)


def _check_memory(size: int) -> None:
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        free = 1 << 33
    if 8 * size > free:
        raise ProgramError(
            f"The program needs {8 * size / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} are free."
        )


class _Source(Writer):
    """The Python function that runs a program."""

    loops = Loops(
        "for {0} in range({1}):", "{0} = 0", "while True:", "if {0} == 0.0: break", "{0} += 1",
        "", DEEPEST,
    )  # fmt: skip

    def __init__(self, interpreter: Interpreter) -> None:
        super().__init__(interpreter.buffer)
        self.program, self.few = interpreter.program, interpreter.few
        self.machines = interpreter.machines
        self.schedule = interpreter.schedule
        self.names: dict[str, Any] = {"index": interpreter.index, "at": at}
        self.functions: dict[Any, str] = {}
        self.waits = False  # inside a nest, where guards wait for each other
        self.tree(self.kept.layout.tree)

    def compiled(self) -> tuple[str, Callable[..., None]]:
        """Its source, and the function."""
        source = "\n".join(["def run(memory, m, path):", *self.lines, "    return"])
        exec(compile(source, f"<program {self.program.name}>", "exec"), self.names)
        run: Callable[..., None] = self.names["run"]
        return source, run

    def _named(self, letter: str, thing: Any) -> str:
        """A name for something that the source uses."""
        name = f"{letter}{len(self.names)}"
        self.names[name] = thing
        return name

    # --- the native engine ------------------------------------------------------------------------

    def tree(self, tree: Sequence[Site | Level]) -> None:
        """All statements; as far as they are done in order, by instructions."""
        for in_order, items in groupby(tree, self._in_order):
            found = list(items)
            if in_order:
                self._machine(Machine.of_items(self.buffer, self.program.index, found))
            else:
                super().tree(found)

    def _in_order(self, item: Site | Level) -> bool:
        """Whether there are instructions for all of it. What ends a loop belongs to the loop."""
        if isinstance(item, Site):
            return self.machines and takes(item) and not _ends(item)
        if item in self.schedule.nests:
            return False
        return all(self._in_order(below) or _ends(below) for part in item.parts for below in part)

    def _machine(self, machine: Machine) -> None:
        """What is done by instructions."""
        counters = [f"k{k}, " if k in self.counting else "0, " for k in range(machine.depth)]
        self.line(f"{self._named('w', machine)}(memory, ({''.join(counters)}), path)")

    def variable(self, site: Site) -> str:
        """A place of the buffer, if it has one."""
        found = self.buffer.variables.get(site)
        return super().variable(site) if found is None else f"m[{found}]"

    # --- array operations -------------------------------------------------------------------------

    def level(self, level: Level) -> None:
        """A loop, or the array operations that it is made of."""
        if level not in self.schedule.nests:
            super().level(level)
            return
        self.waits = True
        self._nodes(self.schedule.nests[level])
        self.waits = False
        if any(isinstance(site.statement, Guard) for site in level.sites()):
            self.line("path.settle()")

    def _nodes(self, nodes: Sequence[Node]) -> None:
        for by_machine, group in groupby(nodes, self._by_machine):
            if by_machine:
                machine = Machine.of_nodes(self.buffer, self.program.index, tuple(group))
                self._machine(machine)
                continue
            for node in group:
                if isinstance(node, Each):
                    self._all(Together, node, (node.site,))
                elif isinstance(node, Sums):
                    self._all(Added, node, node.sites)
                elif isinstance(node, Chain):
                    self._call(Accumulated, node, node.site, (*node.over, node.depth))
                else:
                    self.open_loop(node.depth, node.count)
                    self._nodes(node.body)
                    self.close_loop(node.depth)

    def _by_machine(self, node: Node) -> bool:
        """Whether instructions are the faster way."""
        if not self.machines or isinstance(node, Chain):
            return False
        if isinstance(node, Carried):
            return all(map(self._by_machine, node.body))
        sites = node.sites if isinstance(node, Sums) else (node.site,)
        return all(map(takes, sites)) and not (
            self._is_many(node, sites) and suits_arrays(node, self.buffer)
        )

    def _is_many(self, node: Each | Sums, sites: Sequence[Site]) -> bool:
        return size_of([sites[0].counts[k] for k in node.over]) > self.few

    def _all(self, kind: Any, node: Each | Sums, sites: Sequence[Site]) -> None:
        """Statements for all iterations: as one array operation, or if they are few in a loop."""
        if self._is_many(node, sites):
            self._call(kind, node, sites[0], node.over)
            return
        for k in node.over:
            self.open_loop(k, sites[0].counts[k])
        for site in sites:
            self.site(site)
        for k in reversed(node.over):
            self.close_loop(k)

    def _call(self, kind: Any, node: Node, site: Site, over: Sequence[int]) -> None:
        name = self._named("w", kind(node, self.buffer, self.program.index))
        counters = (f"{0 if k in over else f'k{k}'}, " for k in range(len(site.counts)))
        self.line(f"{name}(memory, ({''.join(counters)}), path)")

    # --- one at a time ----------------------------------------------------------------------------

    def run(self, site: Site, run: Run) -> None:
        """A straight stretch has a way of its own."""
        self.line(f"{self._named('w', Straight(site, self.buffer))}(memory, path)")

    def guard(self, site: Site, guard: Guard, operands: Sequence[str], expected: str) -> None:
        """The operation, and what is said if it gives something else."""
        self.line(f"r = {self.result(site)} = {self.applied(guard.row, operands)}")
        how = "path.failed" if self.waits else "path.changed"
        counters = "".join(f"k{k}, " for k in range(len(site.counts)))
        given = "".join(f"{operand}, " for operand in operands)
        said = f"{how}({self._named('s', site)}, ({counters}), ({given}), r, {expected})"
        self.line(f"if r != {expected}: {said}")

    def assign(self, site: Site, text: str) -> None:
        """To a place or a variable."""
        self.line(f"{self.result(site)} = {text}")

    def place(self, site: Site, address: Address) -> str:
        """A place of the one buffer."""
        return f"m[{self.buffer.place(site, address).expression()}]"

    def applied(self, row: Primitive, operands: Sequence[str]) -> str:
        """The row's scalar function, called."""
        if row.scalar not in self.functions:
            self.functions[row.scalar] = self._named("f", row.scalar)
        return f"{self.functions[row.scalar]}({', '.join(operands)})"


def _ends(item: Site | Level) -> bool:
    """Whether it is the condition of a while loop."""
    return isinstance(item, Site) and isinstance(item.statement, While)
