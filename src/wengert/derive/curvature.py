"""Which pairs of a row's operands meet in its second derivative, by structure.

The rows state first partials only. Which operands a traced partial depends on follows from the
rows of its own steps, so what is linear is found to be linear and nothing is listed here.
"""

from functools import cache

from wengert.derive.partials import Partials, partials_of
from wengert.dispatch import Primitive


@cache
def pairs_of(row: Primitive) -> tuple[tuple[int, int], ...]:
    r"""The pairs of operands whose second partial is not zero by structure.

    $$\{(i, j) : i \le j,\ \partial^2 z / \partial x_i \partial x_j \not\equiv 0\}$$

    Where one of the two orders of differentiation shows a zero, it is zero: the order is free.

    Args:
        row: a row of the table.

    Returns:
        Pairs of numbers of operands, ascending.

    Examples:
        >>> from wengert.primitives import add, div, mul, select, tanh
        >>> pairs_of(add), pairs_of(mul), pairs_of(tanh)
        ((), ((0, 1),), ((0, 0),))
        >>> pairs_of(div), pairs_of(select)
        (((0, 1), (1, 1)), ())
    """
    partials = partials_of(row)
    depends = _reached(partials)
    return tuple(
        (i, j)
        for j in range(row.nin) for i in range(j + 1)
        if j in depends[i] and i in depends[j]
    )  # fmt: skip


def _reached(partials: Partials) -> list[frozenset[int]]:
    """Per partial, the operands that it depends on."""
    nin = len(partials.results)
    environment = [frozenset(k for k in range(nin) if partials.depends[k])]
    environment += [frozenset([k]) for k in range(nin)]
    for step in partials.steps:
        passes = partials_of(step.row).depends
        environment.append(frozenset().union(*(
            environment[arg] for k, arg in enumerate(step.args)
            if isinstance(arg, int) and passes[k]
        )))  # fmt: skip
    return [
        environment[result] if isinstance(result, int) else frozenset()
        for result in partials.results
    ]
