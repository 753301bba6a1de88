"""Reading a graph of Values: its order, its nodes and edges, and a name for each node.

Nothing here recurses: a chain of a million nodes is as good as one of ten.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, count
from typing import Any, Protocol, TypeVar

from wengert.dispatch import describe
from wengert.errors import OperandError


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

    Raises:
        OperandError: `root` is not a Value.

    Examples:
        >>> import wengert as wg
        >>> a = wg.Value(2.0)
        >>> nodes, edges = wg.trace(a * a)
        >>> len(nodes), len(edges)
        (2, 1)
    """
    if not hasattr(root, "_operands"):
        raise OperandError(
            f"trace() takes a Value, the result of a computation, not {describe(root)}."
        )
    nodes = topological_order(root)
    return set(nodes), {(operand, node) for node in nodes for operand in node._operands}


def names(order: Iterable[N]) -> dict[N, str]:
    """A distinct name per node: its label, or v1, v2, ... by its place in the order.

    A label that several nodes carry is told apart by primes, x, x′, x′′, and then by numbers, x#4.
    """
    nodes = dict.fromkeys(order)
    taken = {node.label for node in nodes}
    given: dict[N, str] = {}
    variants: dict[str, Iterator[str]] = {}
    for node in nodes:
        label = node.label
        if label in variants:
            given[node] = next(name for name in variants[label] if name not in taken)
            taken.add(given[node])
        elif label:
            given[node] = label
            variants[label] = _variants(label)
    fresh = (name for name in map("v{}".format, count(1)) if name not in taken)
    return {node: given.get(node) or next(fresh) for node in nodes}


def _variants(label: str) -> Iterator[str]:
    return chain((f"{label}′", f"{label}′′"), (f"{label}#{k}" for k in count(4)))
