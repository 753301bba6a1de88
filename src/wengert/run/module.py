"""The text of an LLVM module with one kernel: what all kernels have in common.

A kernel computes the examples from `begin` to `end`, some lanes of them at a time. It is given a
table (`run/columns.py`) and memory of its own, `scratch`, of so many numbers in each lane. It looks
at the word `stop` before each round, and leaves if that is not 0. `share` is the same for threads
that share examples.
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

EXAMPLE = "i64 %i"  # the first of those that are computed together
ARGUMENTS = "ptr %table, i64 %i, ptr %scratch"


@dataclass(frozen=True)
class Code:
    """A kernel as text.

    Args:
        text: the module; its functions are `kernel` and `share`.
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
    """The instructions of one function of a module, `void f(table, i, scratch)`.

    Args:
        plan: what the kernel is written for.
        rows: of the module.
        literals: the numbers that its instructions read (`Block`).
        parameter: what stands between the table and the memory.
    """

    def __init__(
        self, plan: Plan, rows: Rows, literals: dict[str, int] | None = None,
        parameter: str = EXAMPLE,
    ) -> None:  # fmt: skip
        self.plan, self.rows, self.parameter = plan, rows, parameter
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

    def sum(self, place: int) -> Lanes:
        """What a result's sum is so far."""
        return Lanes(self.block, self.block.put(f"load {self.block.doubles}, {self._sum(place)}"))

    def set_sum(self, place: int, lanes: Lanes) -> None:
        """What it is from there on."""
        self.block.lines.append(f"store {self.block.doubles} {lanes.name}, {self._sum(place)}")

    def _sum(self, place: int) -> str:
        leaf, number = self.outputs.find(place)
        return f"ptr {self.words.pointer(len(self.inputs) + leaf, number)}, align 8"

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
        kind = block.many("i8")
        at = block.put(f"getelementptr i8, ptr {self.words.word(FAILED, 'ptr')}, i64 %i")
        before = block.put(f"load {kind}, ptr {at}, align 1")
        now = block.put(
            f"select {block.masks} {mask.name}, {kind} {block.same('i8', why)}, "
            f"{kind} zeroinitializer"
        )
        both = block.put(f"or {kind} {before}, {now}")
        block.lines.append(f"store {kind} {both}, ptr {at}, align 1")

    def lines(self, name: str) -> Iterator[str]:
        """The function."""
        parameters = f"ptr noalias %table, {self.parameter}, ptr noalias %scratch"
        yield f"define internal void @{name}({parameters}) nounwind {{"
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
    plan: Plan, rows: Rows, functions: Iterable[Function], scratch: int, called: int | None,
    speculates: bool, literals: Iterable[str] = (), adding: Function | None = None,
    groups: int = 1,
) -> Code:  # fmt: skip
    """The kernel that calls the first so many functions, or all, for each group of examples.

    With a function for `adding`, that is called each time so many groups have been computed, each
    in memory of its own. Functions are turned into text one by one, since some programs have many.
    """
    texts: list[str] = []
    names: list[str] = []
    declarations: dict[str, str] = {}
    statements = 0

    def write(name: str, function: Function) -> None:
        nonlocal statements
        lines = [*function.lines(name)]
        statements += len(lines)
        texts.append("\n".join(lines))
        declarations.update(function.block.declarations)

    for number, function in enumerate(functions):
        names.append(f"part{number}")
        write(names[-1], function)
    names = names[:called]
    if adding:
        write("add", adding)
    if numbers := ", ".join(f"double {each}" for each in literals):
        texts.append(f"@literals = global [{numbers.count('double')} x double] [{numbers}]")
    size = scratch * plan.lanes
    computed = _each_group(names, plan.lanes, size, groups) if adding else _one_group(names, plan)
    text = "\n".join([vector_math.needed(declarations), *texts, *_driver(computed), *_taker()])
    return Code(text, plan.lanes, scratch * groups, statements, dict(rows.python), speculates)


def _driver(computed: Iterable[str]) -> Iterator[str]:
    """The kernel: it computes examples from %i on, and goes on with %next."""
    yield "define void @kernel("
    yield "ptr noalias %table, i64 %begin, i64 %end, ptr noalias %scratch) nounwind {"
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
    yield from computed
    yield "br label %done"
    yield "done:"
    yield "%more = icmp slt i64 %next, %end"
    yield "br i1 %more, label %round, label %over"
    yield "over:"
    yield "ret void"
    yield "}"


def _taker() -> Iterator[str]:
    """The same for threads that share examples: each takes the next so many, until none are left.

    That no thread waits for another's Python is why it is done here (`run/helpers.py`).
    """
    yield "define void @share("
    yield "ptr noalias %table, ptr %taken, i64 %size, i64 %end, ptr noalias %scratch) nounwind {"
    yield "entry:"
    yield "br label %take"
    yield "take:"
    yield "%begin = atomicrmw add ptr %taken, i64 %size monotonic"
    yield "%some = icmp slt i64 %begin, %end"
    yield "br i1 %some, label %compute, label %over"
    yield "compute:"
    yield "%behind = add i64 %begin, %size"
    yield "%last = icmp slt i64 %behind, %end"
    yield "%here = select i1 %last, i64 %behind, i64 %end"
    yield "call void @kernel(ptr %table, i64 %begin, i64 %here, ptr %scratch)"
    yield "br label %take"
    yield "over:"
    yield "ret void"
    yield "}"


def _one_group(names: Sequence[str], plan: Plan) -> Iterator[str]:
    for name in names:
        yield f"call void @{name}({ARGUMENTS})"
    yield f"%next = add i64 %i, {plan.lanes}"


def _each_group(names: Sequence[str], lanes: int, size: int, most: int) -> Iterator[str]:
    """Some groups, in memory of so many doubles each, and then their sums."""
    yield "%left = sub i64 %end, %i"
    yield f"%all = sdiv i64 %left, {lanes}"
    yield f"%few = icmp slt i64 %all, {most}"
    yield f"%groups = select i1 %few, i64 %all, i64 {most}"
    yield "br label %group"
    yield "group:"
    yield "%g = phi i64 [ 0, %compute ], [ %onward, %group ]"
    yield f"%ahead = mul i64 %g, {lanes}"
    yield "%example = add i64 %i, %ahead"
    yield f"%moved = mul i64 %g, {size}"
    yield "%room = getelementptr double, ptr %scratch, i64 %moved"
    for name in names:
        yield f"call void @{name}(ptr %table, i64 %example, ptr %room)"
    yield "%onward = add i64 %g, 1"
    yield "%go.on = icmp slt i64 %onward, %groups"
    yield "br i1 %go.on, label %group, label %sum"
    yield "sum:"
    yield "call void @add(ptr %table, i64 %groups, ptr %scratch)"
    yield f"%computed = mul i64 %groups, {lanes}"
    yield "%next = add i64 %i, %computed"
