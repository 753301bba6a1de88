"""Copying and pickling graphs without recursion.

A pickler visits an object's parts before the object is finished, so a long chain of nodes would
overflow its stack. Here a root is pickled as the list of its nodes in topological order: when a
node's turn comes, its operands have been written already and are referred to. Nodes that several
pickled objects share stay shared, as they are for any Python object.
"""

from collections.abc import Iterator
from threading import local
from typing import TYPE_CHECKING, Any

from wengert.graph import topological_order
from wengert.own import Own

if TYPE_CHECKING:
    from wengert.value import Value


def twin(node: Any, operands: tuple["Value", ...], copies: dict[int, Any]) -> Any:
    """A node with the same contents and the given operands.

    The closures of the user's own operations capture nodes; they capture the copies here.
    """
    copy = blank(type(node), operands)
    copy._data, copy._grad, copy._row = node._data, node._grad, node._row
    notes = node._notes
    if notes is not None:
        copy._notes = type(notes)(notes.label, notes.scope, notes.source)
        if notes.own is not None:
            copy._notes.own = notes.own.among({**copies, id(node): copy})
    if hasattr(node, "__dict__"):
        copy.__dict__.update(node.__dict__)
    return copy


def deepcopied(node: Any, memo: dict[int, Any]) -> Any:
    """A copy of the whole graph below a node; `memo` is that of the copy module."""
    for each in topological_order(node):
        if id(each) not in memo:
            operands = tuple(memo[id(operand)] for operand in each._operands)
            memo[id(each)] = twin(each, operands, memo)
    return memo[id(node)]


def blank(cls: type, operands: tuple["Value", ...]) -> Any:
    """A node with operands and nothing else yet."""
    node: Any = object.__new__(cls)
    node._operands = operands
    node._notes = None
    return node


def reduced(node: "Value") -> tuple[Any, ...]:
    """How pickle is to write a node: by itself within its graph's list, else as that list."""
    if not node._operands or id(node) in _listed():
        return (blank, (type(node), node._operands), _state(node))
    return (_root, (_Nodes(topological_order(node)),))


def restore(node: Any, state: tuple[Any, ...]) -> None:
    """The contents of a node, from what `reduced` wrote."""
    node._data, node._grad, node._row, notes, attributes = state
    if notes is not None:
        label, scope, source, op, backward, forward = notes
        own = Own(op, backward, forward) if op is not None else None
        node._notes = type(node)._make_notes(label, scope, source, own)
    if attributes:
        node.__dict__.update(attributes)


def _state(node: "Value") -> tuple[Any, ...]:
    notes = node._notes
    written: tuple[Any, ...] | None = None
    if notes is not None:
        own = notes.own or Own(op=None)  # type: ignore[arg-type]
        written = (notes.label, notes.scope, notes.source, own.op, own.backward, own.forward)
    return (node._data, node._grad, node._row, written, getattr(node, "__dict__", None))


_THREAD = local()


def _listed() -> set[int]:
    """The nodes whose list is being written just now, in this thread."""
    ids: set[int] = _THREAD.__dict__.setdefault("ids", set())
    return ids


class _Nodes(list[Any]):
    """A graph's nodes, operands first, followed by None."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (list, (), None, self._written())

    def _written(self) -> Iterator[Any]:
        ids = set(map(id, self)) - _listed()
        end = _End(ids)
        _listed().update(ids)
        try:
            yield from self
            yield end
        except GeneratorExit:  # the pickler gave up
            end.reached()
            raise


class _End:
    """Marks the end of a list of nodes: it is written when they have all been written."""

    def __init__(self, ids: set[int]) -> None:
        self.ids = ids

    def reached(self) -> None:
        _listed().difference_update(self.ids)

    def __reduce__(self) -> Any:
        self.reached()
        return (_nothing, ())


def _nothing() -> None:
    return None


def _root(nodes: list[Any]) -> Any:
    return nodes[-2]
