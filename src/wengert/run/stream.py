"""A program as a stream of steps: each statement as it is done, with the numbers it meets.

The names are those of the printed program. A statement of a derivative program carries the line of
the user's code that it is a derivative of, and the label of what it is a derivative of: `h_bar` is
the adjoint of `h`, `h_dot` its tangent.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from wengert.dispatch import Primitive
from wengert.program.address import CONSTANT, VALUE, Address
from wengert.program.naming import Node, Scope
from wengert.program.operands import Operands
from wengert.program.program import Program
from wengert.program.spelling import formula
from wengert.program.statements import Accumulate, Guard, Loop, Plain, Run, While
from wengert.run.path import Failure, changed
from wengert.run.walk import Walker, memories_of


@dataclass(frozen=True, slots=True, repr=False)
class ProgramStep:
    """One statement, done once.

    Attributes:
        number: counted from 1.
        name: what the result is called.
        formula: the operation on the operands' names.
        numbers: the same on their numbers.
        data: the result; of `+=`, the sum so far.
        counters: of the loops around it.
        source: the line of the user's code that it comes from.
        statement: the statement.
    """

    number: int
    name: str
    formula: str
    numbers: str
    data: float
    counters: tuple[int, ...]
    source: str
    statement: Plain

    def __str__(self) -> str:
        sign = "+=" if isinstance(self.statement, Accumulate) else "="
        does = [self.formula] if self.formula == self.numbers else [self.formula, self.numbers]
        data = repr(self.data)
        line = f"{self.name} {sign} {' = '.join(does)}"
        if isinstance(self.statement, Accumulate):
            line += f", together {data}"
        elif self.numbers != _spelled(self.data):
            line += f" = {data}"
        at = ", ".join(
            f"{letter}={k}" for letter, k in zip("ijklmnop", self.counters, strict=False)
        )
        remark = ", ".join(filter(None, (at, self.source)))
        return f"{line:<48}  # {remark}" if remark else line

    __repr__ = __str__


def program_steps(program: Program, args: Sequence[Any]) -> Iterator[ProgramStep]:
    """The steps of a program for these arguments.

    Args:
        program: any program.
        args: its arguments.

    Returns:
        An iterator, which does the next statement when it is asked for the next step.

    Raises:
        OperandError: the arguments have another structure.
        PathChanged: on the way, a guard does not hold.
    """
    inputs = program.arguments.numbers(args, program.name)

    def failed(failure: Failure) -> NoReturn:
        raise changed(program, failure)

    return _Stream(program, inputs.tolist(), failed).all()


class _Stream(Walker):
    """A walk that stops at every statement."""

    def __init__(
        self, program: Program, inputs: Sequence[float], failed: Callable[[Failure], NoReturn]
    ) -> None:
        memories = memories_of(program, inputs.__getitem__)
        super().__init__(memories, program.index.data, 1 << 62, failed)
        self.texts = Operands(program)
        self.program = program
        self.done = 0

    def all(self) -> Iterator[ProgramStep]:
        """Every step."""
        return self._all(self.texts.names.nodes, ())

    def _all(self, nodes: Iterable[Node], counters: tuple[int, ...]) -> Iterator[ProgramStep]:
        for node in nodes:
            statement = node.statement
            if isinstance(statement, Loop):
                for k in range(statement.count):
                    yield from self._all(node.parts[0], (*counters, k))
            elif isinstance(statement, While):
                yield from self._while_steps(statement, node, counters)
            elif isinstance(statement, Run):
                for item in statement:
                    yield self._step(item, self._run_name(item), Scope(), ())
            else:
                yield self._step(statement, self._name(node, statement), node.scope, counters)

    def _while_steps(
        self, loop: While, node: Node, counters: tuple[int, ...]
    ) -> Iterator[ProgramStep]:
        first, test, body, last = node.parts
        around = self.memories.get(loop.local)
        self.memories[loop.local] = {}
        k = 0
        yield from self._all(first, (*counters, k))
        yield from self._all(test, (*counters, k))
        while self._read(loop.condition, (*counters, k)) != 0.0:
            yield from self._all(body, (*counters, k))
            k += 1
            yield from self._all(test, (*counters, k))
        yield from self._all(last, (*counters, k))
        del self.memories[loop.local]
        if around is not None:
            self.memories[loop.local] = around

    def _step(
        self, statement: Plain, name: str, scope: Scope, counters: tuple[int, ...]
    ) -> ProgramStep:
        row, addresses = _does(statement)
        before = [self._read(address, counters) for address in addresses]
        numbers = [_spelled(number) for number in before]
        names = [self._text(*each, scope) for each in zip(addresses, numbers, strict=True)]
        self.walk((statement,), counters)
        result = self._read(statement.target, counters)
        self.done += 1
        return ProgramStep(
            self.done, name or self.texts.text(statement.target, scope), formula(row, names),
            formula(row, numbers), result, counters, statement.source, statement,
        )  # fmt: skip

    def _text(self, address: Address, number: str, scope: Scope) -> str:
        return number if address.memory == CONSTANT else self.texts.text(address, scope)

    def _name(self, node: Node, statement: Plain) -> str:
        item = node.item
        if item is None:
            return ""
        if not item.name and item.alias:
            return self.texts.reference(item.alias, node.scope)
        return item.name

    def _run_name(self, item: Plain) -> str:
        place = item.target.base
        if item.target.memory != VALUE:
            return ""
        special = self.texts.names.special(place)
        if special and special.name:
            return special.name
        return "" if isinstance(item, Guard) else self.texts.names.in_run(place)


def _spelled(number: float) -> str:
    """A number as an operand."""
    return f"({number!r})" if number < 0.0 else repr(number)


def _does(statement: Plain) -> tuple[Primitive | None, tuple[Address, ...]]:
    """The row of a statement, and its operands."""
    if isinstance(statement, Accumulate):
        return None, (statement.operand,)
    return statement.row, statement.operands
