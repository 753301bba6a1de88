"""Reading a graph of Values: its order, its nodes and edges, and a name for each node.

Nothing here recurses: a chain of a million nodes is as good as one of ten.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeVar


class Node(Protocol):
    """Whatever has ordered operands and a label."""

    _operands: tuple[Any, ...]

    @property
    def label(self) -> str:
        """The name given to it, "" for none."""
        ...


N = TypeVar("N", bound=Node)


def topological_order(*roots: N) -> list[N]:
    """Every node the roots depend on, operands before their users, first operands first.

    Source: depth-first search with an explicit stack, where None marks a finished node.
    """
    order: list[N] = []
    seen: set[N] = set()
    stack: list[N | None] = list(reversed(roots))
    push, pop = stack.append, stack.pop
    while stack:
        node = pop()
        if node is None:
            order.append(pop())  # type: ignore[arg-type]
        elif node not in seen:
            seen.add(node)
            if node._operands:
                push(node)
                push(None)
                for operand in node._operands[::-1]:
                    if operand not in seen:
                        push(operand)
            else:
                order.append(node)
    return order


def trace(root: N) -> tuple[set[N], set[tuple[N, N]]]:
    """The lesson's two sets: all nodes, and all edges as pairs (operand, user).

    Args:
        root: the Value whose graph is read.

    Returns:
        A set of nodes and a set of edges. A value used twice by one node, as in `a * a`, is one
        edge here; `Value.operands` has both.

    Examples:
        >>> import wengert as wg
        >>> a = wg.Value(2.0)
        >>> nodes, edges = wg.trace(a * a)
        >>> len(nodes), len(edges)
        (2, 1)
    """
    nodes = topological_order(root)
    return set(nodes), {(operand, node) for node in nodes for operand in node._operands}


def names(order: Iterable[N]) -> dict[N, str]:
    """A distinct name per node: its label, or v1, v2, ... by its place in the order.

    A label that several nodes carry is followed by a prime for each earlier one: x, x′, x″.
    """
    given: dict[N, str] = {}
    taken: set[str] = set()
    nodes = list(order)
    for node in nodes:
        if node.label:
            name = node.label
            while name in taken:
                name += "′"
            given[node] = name
            taken.add(name)
    fresh = _fresh(taken)
    return {node: given.get(node) or next(fresh) for node in nodes}


def _fresh(taken: set[str]) -> Iterator[str]:
    k = 0
    while True:
        k += 1
        if f"v{k}" not in taken:
            yield f"v{k}"
