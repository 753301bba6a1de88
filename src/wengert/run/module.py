"""The text of an LLVM module with one kernel: what all kernels have in common.

A kernel computes the examples from `begin` to `end`, some lanes of them at a time. It is given a
table (`run/columns.py`) and memory of its own, `scratch`, of so many numbers in each lane. It looks
at the word `stop` before each round, and leaves if that is not 0.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from wengert.dispatch import Primitive
from wengert.program.program import Program
from wengert.program.structure import Structure
from wengert.run import vector_math
from wengert.run.aligned import IN_ORDER, Blocks
from wengert.run.columns import FAILED, LEFT, STOP, Leaves, Words
from wengert.run.lane_rows import Rows
from wengert.run.lanes import Block, Lanes, Mask

PARAMETERS = "ptr noalias %table, i64 %i, ptr noalias %scratch"
ARGUMENTS = "ptr %table, i64 %i, ptr %scratch"


@dataclass(frozen=True)
class Code:
    """A kernel as text.

    Args:
        text: the module; its function is `kernel`.
        lanes: how many examples are computed at a time.
        scratch: how many numbers it keeps for each lane.
        statements: how many instructions it has been written in.
        python: the rows that it calls in Python, by their symbols.
        speculates: whether it may ask for examples to be computed again.
        blocks: where it has the numbers of the arguments, if not where they are.
    """

    text: str
    lanes: int
    scratch: int
    statements: int
    python: dict[str, Primitive] = field(default_factory=dict)
    speculates: bool = False
    blocks: Blocks = IN_ORDER

    def facts(self) -> dict[str, Any]:
        """What is to be known of it beside its machine code."""
        return {
            "scratch": self.scratch,
            "statements": self.statements,
            "speculates": self.speculates,
            "blocks": self.blocks,
        }


@dataclass(frozen=True)
class Plan:
    """What a kernel is written for.

    Args:
        program: what each example is computed by.
        kinds: of the column of each leaf, those of the arguments and then those of the results.
        lanes: how many examples at a time.
        exact: whether it gives the bits of the eager engine.
        whole: whether there is one column for all arguments and one for all results.
        strong: whether products whose zero absorbs infinities are always written as such, or plain
            where that can be seen to be wrong.
    """

    program: Program
    kinds: tuple[str, ...]
    lanes: int
    exact: bool
    whole: bool = False
    strong: bool = False

    def key(self) -> tuple[Any, ...]:
        """All that the text depends on."""
        return self.program.key, self.kinds, self.lanes, self.exact, self.whole, self.strong

    @property
    def is_alone(self) -> bool:
        """Whether one example is computed, whose sums may be added in another order."""
        return self.whole and self.lanes == 1 and not self.exact

    @property
    def inputs(self) -> Leaves:
        """The columns of the arguments."""
        return self._leaves(self.program.arguments)

    @property
    def outputs(self) -> Leaves:
        """Those of the results."""
        return self._leaves(self.program.results)

    def _leaves(self, structure: Structure) -> Leaves:
        return Leaves((0,), structure.size) if self.whole else Leaves.of(structure)

    @property
    def flags(self) -> str:
        """Which fast-math flags arithmetic may have."""
        return "" if self.exact else "contract"


class Function:
    """The instructions of one function of a module, `void f(table, i, scratch)`."""

    def __init__(self, plan: Plan, rows: Rows, literals: dict[str, int] | None = None) -> None:
        self.plan, self.rows = plan, rows
        self.block = Block(plan.lanes, plan.flags, literals=literals)
        self.words = Words(self.block, plan.kinds)
        self.inputs, self.outputs = plan.inputs, plan.outputs
        self.variables: list[str] = []

    def input(self, place: int) -> Lanes:
        """A number of the arguments."""
        leaf, number = self.inputs.find(place)
        return self.words.load(leaf, number)

    def output(self, place: int, lanes: Lanes) -> None:
        """A number of the results."""
        leaf, number = self.outputs.find(place)
        self.words.store(len(self.inputs) + leaf, number, lanes)

    def slot(self, number: int | str) -> str:
        """Where a number of the scratch memory is."""
        return self.block.put(f"getelementptr {self.block.doubles}, ptr %scratch, i64 {number}")

    def kept(self, number: int | str) -> Lanes:
        """A number of the scratch memory."""
        block = self.block
        return Lanes(
            block, block.put(f"load {block.doubles}, ptr {self.slot(number)}, align {self.align}")
        )

    def keep(self, number: int | str, lanes: Lanes) -> None:
        """Put it there."""
        doubles = self.block.doubles
        self.block.lines.append(
            f"store {doubles} {lanes.name}, ptr {self.slot(number)}, align {self.align}"
        )

    @property
    def align(self) -> int:
        """Of a number in the scratch memory, in bytes."""
        return min(8 * self.plan.lanes, 64)

    def fail(self, mask: Mask, why: int = LEFT) -> None:
        """These examples have failed, and why."""
        block = self.block
        kind = f"<{block.lanes} x i8>"
        at = block.put(f"getelementptr i8, ptr {self.words.word(FAILED, 'ptr')}, i64 %i")
        before = block.put(f"load {kind}, ptr {at}, align 1")
        now = block.put(
            f"select {block.masks} {mask.name}, {kind} splat (i8 {why}), {kind} zeroinitializer"
        )
        both = block.put(f"or {kind} {before}, {now}")
        block.lines.append(f"store {kind} {both}, ptr {at}, align 1")

    def lines(self, name: str) -> Iterator[str]:
        """The function."""
        yield f"define internal void @{name}({PARAMETERS}) nounwind {{"
        yield "entry:"
        yield from self.variables
        yield from self.block.lines
        yield "ret void"
        yield "}"

    def variable(self, name: str, kind: str) -> str:
        """Declare a variable of a type, where the function begins."""
        self.variables.append(f"%{name} = alloca {kind}, align 64")
        return f"%{name}"


def module(
    plan: Plan, rows: Rows, functions: Sequence[Function], scratch: int, called: int,
    speculates: bool, literals: Iterable[str] = (),
) -> Code:  # fmt: skip
    """The kernel that calls the first so many functions, in order, for each group of examples."""
    names = [f"part{k}" for k in range(len(functions))]
    lines = [line for f, name in zip(functions, names, strict=True) for line in f.lines(name)]
    statements = len(lines)
    if numbers := ", ".join(f"double {each}" for each in literals):
        lines.append(f"@literals = global [{numbers.count('double')} x double] [{numbers}]")
    lines += _driver(names[:called], plan.lanes)
    declarations: dict[str, str] = {}
    for function in functions:
        declarations.update(function.block.declarations)
    text = "\n".join([vector_math.needed(declarations), *lines])
    return Code(text, plan.lanes, scratch, statements, dict(rows.python), speculates)


def _driver(names: Sequence[str], lanes: int) -> Iterator[str]:
    parameters = "ptr noalias %table, i64 %begin, i64 %end, ptr noalias %scratch"
    yield f"define void @kernel({parameters}) nounwind {{"
    yield "entry:"
    yield f"%at = getelementptr i64, ptr %table, i64 {STOP}"
    yield "%stop = load ptr, ptr %at"
    yield "%some = icmp slt i64 %begin, %end"
    yield "br i1 %some, label %round, label %over"
    yield "round:"
    yield "%i = phi i64 [ %begin, %entry ], [ %next, %done ]"
    yield "%told = load volatile i32, ptr %stop"
    yield "%go = icmp eq i32 %told, 0"
    yield "br i1 %go, label %compute, label %over"
    yield "compute:"
    for name in names:
        yield f"call void @{name}({ARGUMENTS})"
    yield "br label %done"
    yield "done:"
    yield f"%next = add i64 %i, {lanes}"
    yield "%more = icmp slt i64 %next, %end"
    yield "br i1 %more, label %round, label %over"
    yield "over:"
    yield "ret void"
    yield "}"
