"""Statements with other addresses: what is recorded once becomes the body of a loop.

Straight stretches come out one by one. There, every place is looked at once, however often it is
read, and its address is shared.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from wengert.program.address import MEMORIES, PLACE, SHIFT, Address, Lookup
from wengert.program.statements import (
    Assign,
    Guard,
    Loop,
    Run,
    Statement,
    While,
    changed,
    parts,
)

Strides = tuple[int, ...]
Counts = tuple[int, ...]  # of the loops around a statement, outermost first

Change = Callable[[str, int, Strides, Lookup | None, Counts], Address]
"""From what an address is made of, and the loops around it, to another address."""


def deeper(memory: str, base: int, strides: Strides, lookup: Lookup | None, stride: int) -> Address:
    """The address with one more loop around it, which moves it by `stride`."""
    lookup = lookup and Lookup(lookup.start, (0, *lookup.strides))
    return Address(memory, base, (stride, *strides), lookup)


def rewritten(
    statements: Sequence[Statement], change: Change, counts: Counts = ()
) -> Iterator[Statement]:
    """The statements with every address changed."""

    def changing(address: Address) -> Address:
        return change(address.memory, address.base, address.strides, address.lookup, counts)

    for statement in statements:
        if isinstance(statement, Loop):
            body = tuple(rewritten(statement.body, change, (*counts, statement.count)))
            yield replace(statement, body=body)
        elif isinstance(statement, While):
            below = (*counts, 1)  # its counter moves its own memory only
            first, test, body, last = (
                tuple(rewritten(part, change, below)) for part in parts(statement)
            )
            at = statement.condition
            condition = change(at.memory, at.base, at.strides, at.lookup, below)
            yield While(statement.local, first, test, condition, body, last)
        elif isinstance(statement, Run):
            yield from _one_by_one(statement, change)
        else:
            yield changed(statement, changing)


def _one_by_one(run: Run, change: Change) -> Iterator[Assign | Guard]:
    """The statements of a run that writes values, whose number as a memory is 0."""
    known: dict[int, Address] = {}

    def address(code: int) -> Address:
        found = known.get(code)
        if found is None:
            found = change(MEMORIES[code >> SHIFT], code & PLACE, (), None, ())
            known[code] = found
        return found

    for k, (operation, codes) in enumerate(zip(*run.items(), strict=True)):
        reads = tuple([address(code) for code in codes])
        yield run.made(k, operation, address(run.start + k), reads)


def with_instead(
    statements: Iterable[Statement], instead: Mapping[int, Sequence[Statement]]
) -> Iterator[Statement]:
    """The statements with others in the place of some, and without loops that are left empty.

    Args:
        statements: any.
        instead: by `id`, what there is instead of a statement or a loop: nothing, or more.
    """
    for statement in statements:
        if id(statement) in instead:
            yield from instead[id(statement)]
        elif isinstance(statement, Loop):
            if body := tuple(with_instead(statement.body, instead)):
                yield replace(statement, body=body)
        elif isinstance(statement, While):
            first, test, body, last = (
                tuple(with_instead(part, instead)) for part in parts(statement)
            )
            yield replace(statement, first=first, test=test, body=body, last=last)
        else:
            yield statement
