"""Short loops written out: what their rounds do stands one after the other.

In between, a place that moved with the loop is one that is known, so that what a round leaves to
the next one can be a register of a kernel.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from wengert.program.address import Address, Lookup
from wengert.program.program import Program
from wengert.program.statements import Loop, Plain, Run, Statement, While, changed, parts

ROUNDS = 8  # of a short loop
LENGTH = 256  # statements that are written instead of one loop
MOST = 2000  # statements of a program


def without_short_loops(program: Program) -> Program:
    """The same program; itself if that would make it long."""
    statements = tuple(_written(program.statements, 0))
    if statements == program.statements or _length(statements) > MOST:
        return program
    return replace(program, statements=statements)


def _written(statements: Sequence[Statement], depth: int) -> Iterator[Statement]:
    for statement in statements:
        if isinstance(statement, Loop):
            body = tuple(_written(statement.body, depth + 1))
            rounds = _rounds(body, statement.count, depth)
            if rounds is None:
                yield replace(statement, body=body)
            else:
                yield from rounds
        elif isinstance(statement, While):
            first, test, body, last = (
                tuple(_written(part, depth + 1)) for part in parts(statement)
            )
            yield replace(statement, first=first, test=test, body=body, last=last)
        else:
            yield statement


def _rounds(body: Sequence[Statement], count: int, depth: int) -> list[Statement] | None:
    """The rounds of a short loop, whose counter is the one at `depth`."""
    plain = [each for each in body if not isinstance(each, Loop | While | Run)]
    if len(plain) < len(body) or count > ROUNDS or count * len(body) > LENGTH:
        return None
    return [_in_round(each, depth, k) for k in range(count) for each in plain]


def _in_round(statement: Plain, depth: int, k: int) -> Plain:
    def there(address: Address) -> Address:
        base, strides = _without(address.base, address.strides, depth, k)
        lookup = address.lookup and Lookup(
            *_without(address.lookup.start, address.lookup.strides, depth, k)
        )
        return Address(address.memory, base, strides, lookup)

    return changed(statement, there)


def _without(base: int, strides: Sequence[int], depth: int, k: int) -> tuple[int, tuple[int, ...]]:
    """A base and its strides, where one counter is known."""
    return base + strides[depth] * k, (*strides[:depth], *strides[depth + 1 :])


def _length(statements: Sequence[Statement]) -> int:
    """How many statements there are to be written."""
    return sum(
        sum(map(_length, parts(each))) if isinstance(each, Loop | While) else 1
        for each in statements
    )
