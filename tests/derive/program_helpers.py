"""What programs are made of, for tests of what derives them."""

from collections.abc import Iterable, Iterator

from wengert.program.program import Program
from wengert.program.statements import Loop, Statement, While, parts


def marks(program: Program) -> list[Loop]:
    """The loops whose rounds are computed again."""
    return list(_marked(program.statements))


def _marked(statements: Iterable[Statement]) -> Iterator[Loop]:
    for statement in statements:
        if isinstance(statement, Loop | While):
            if isinstance(statement, Loop) and statement.again:
                yield statement
            for part in parts(statement):
                yield from _marked(part)
