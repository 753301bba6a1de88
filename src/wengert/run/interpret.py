"""The reference meaning of a Program: it is evaluated in plain Python and NumPy.

What it gives are the bits of the eager engine: every operation is done by its row, in IEEE
arithmetic, and nothing is reordered that rounding could tell. Loops are turned into Python source,
once for each program; what is parallel in them becomes array operations (`schedule`).
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.errors import ProgramError
from wengert.program.address import Address
from wengert.program.dependence import Level, Site, is_sum, size_of
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Guard, Loop, Run, While
from wengert.program.structure import Floats
from wengert.run.arrays import Accumulated, Added, Together
from wengert.run.path import Path
from wengert.run.place import Buffer, at
from wengert.run.schedule import BUDGET, FEW, Chain, Each, Node, Sums, schedule
from wengert.run.straight import Straight
from wengert.run.walk import DEEPEST, PATIENCE, TooLong, effort, walked


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
        few: up to how many of the same are done one at a time.
    """

    def __init__(self, program: Program, budget: int = BUDGET, few: int = FEW) -> None:
        self.program, self.few = program, few
        self.schedule = schedule(program, budget, few)
        self.buffer = Buffer(program, self.schedule.storage)
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


class _Source:
    """The Python function that runs a program."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.program, self.few = interpreter.program, interpreter.few
        self.schedule, self.buffer = interpreter.schedule, interpreter.buffer
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"index": interpreter.index, "at": at}
        self.functions: dict[Any, str] = {}
        self.depth = 1
        self.waits = False  # inside a nest, where guards wait for each other
        self._tree(self.schedule.storage.layout.tree)

    def compiled(self) -> tuple[str, Callable[..., None]]:
        """Its source, and the function."""
        source = "\n".join(["def run(memory, m, path):", *self.lines, "    return"])
        exec(compile(source, f"<program {self.program.name}>", "exec"), self.names)
        run: Callable[..., None] = self.names["run"]
        return source, run

    def _line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def _tree(self, tree: Sequence[Site | Level]) -> None:
        for item in tree:
            if isinstance(item, Site):
                self._site(item)
            elif item in self.schedule.nests:
                self.waits = True
                self._nodes(self.schedule.nests[item])
                self.waits = False
                if any(isinstance(site.statement, Guard) for site in item.sites()):
                    self._line("path.settle()")
            else:
                self._loop(item)

    def _loop(self, level: Level) -> None:
        counter = f"k{level.depth}"
        if isinstance(level.loop, Loop):
            self._open(f"for {counter} in range({level.loop.count}):")
            self._tree(level.parts[0])
            self._close()
            return
        first, test, body, last = level.parts
        self._line(f"{counter} = 0")
        self._tree(first)
        self._open("while True:")
        self._tree(test)
        self._tree(body)
        self._line(f"{counter} += 1")
        self._close()
        self._tree(last)

    def _open(self, text: str) -> None:
        self._line(text)
        self.depth += 1
        if self.depth > DEEPEST + 1:
            raise ProgramError(f"More than {DEEPEST} loops inside each other cannot be run.")

    def _close(self) -> None:
        self.depth -= 1

    def _nodes(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            if isinstance(node, Each):
                self._all(Together, node, (node.site,))
            elif isinstance(node, Sums):
                self._all(Added, node, node.sites)
            elif isinstance(node, Chain):
                self._call(Accumulated, node, node.site, (*node.over, node.depth))
            else:
                self._open(f"for k{node.depth} in range({node.count}):")
                self._nodes(node.body)
                self._close()

    def _all(self, kind: Any, node: Each | Sums, sites: Sequence[Site]) -> None:
        """Statements for all iterations: as one array operation, or if they are few in a loop."""
        counts = sites[0].counts
        if size_of([counts[k] for k in node.over]) > self.few:
            self._call(kind, node, sites[0], node.over)
            return
        for k in node.over:
            self._open(f"for k{k} in range({counts[k]}):")
        for site in sites:
            self._site(site)
        self.depth -= len(node.over)

    def _call(self, kind: Any, node: Node, site: Site, over: Sequence[int]) -> None:
        name = f"w{len(self.names)}"
        self.names[name] = kind(node, self.buffer, self.program.index)
        counters = (f"{0 if k in over else f'k{k}'}, " for k in range(len(site.counts)))
        self._line(f"{name}(memory, ({''.join(counters)}), path)")

    # --- one at a time ----------------------------------------------------------------------------

    def _site(self, site: Site) -> None:
        statement = site.statement
        if isinstance(statement, Run):
            name = f"w{len(self.names)}"
            self.names[name] = Straight(site, self.buffer)
            self._line(f"{name}(memory, path)")
            return
        operands = [self._operand(site, address) for address in site.reads]
        if isinstance(statement, While):
            self._line(f"if {operands[0]} == 0.0: break")
        elif isinstance(statement, Accumulate):
            self._assign(site, f"{operands[0]} + {operands[1]}")
        elif isinstance(statement, Guard):
            *operands, expected = operands
            self._assign(site, f"{self._function(statement)}({', '.join(operands)})", "r = ")
            how = "path.failed" if self.waits else "path.changed"
            counters = "".join(f"k{k}, " for k in range(len(site.counts)))
            given = "".join(f"{operand}, " for operand in operands)
            name = f"s{len(self.names)}"
            self.names[name] = site
            said = f"{how}({name}, ({counters}), ({given}), r, {expected})"
            self._line(f"if r != {expected}: {said}")
        elif statement.row is None:
            self._assign(site, operands[0])
        else:
            self._assign(site, f"{self._function(statement)}({', '.join(operands)})")

    def _assign(self, site: Site, text: str, also: str = "") -> None:
        assert site.target is not None
        if site in self.schedule.storage.homes or site.target.memory in self.buffer.starts:
            place = self.buffer.place(site, site.target).expression()
            self._line(f"{also}m[{place}] = {text}")
        elif is_sum(site):
            self._line(f"{self._operand(site, site.target)} = {text}")
        else:
            self._line(f"{also}v{site.number} = {text}")

    def _operand(self, site: Site, address: Address) -> str:
        register = self.schedule.storage.registers.get((site, address))
        if register is not None:
            return f"v{register.number}"
        return f"m[{self.buffer.place(site, address).expression()}]"

    def _function(self, statement: Assign | Guard) -> str:
        scalar = statement.row.scalar  # type: ignore[union-attr]
        if scalar not in self.functions:
            self.functions[scalar] = name = f"f{len(self.functions)}"
            self.names[name] = scalar
        return self.functions[scalar]
