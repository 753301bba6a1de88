"""What the plain and the native engine share: all of a Value that no hot path runs through.

An engine keeps five things per node: `_data`, `_grad`, `_operands`, `_row` and `_notes`. Labels,
scopes, operations of the user's own, copying, and the checks of what users pass in are built on
those five here, once.
"""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from wengert import copies
from wengert.ambient import AMBIENT
from wengert.chain_rule import made_non_finite, push
from wengert.dispatch import Primitive, describe, remedy, to_float
from wengert.errors import LostDerivativeError, OperandError
from wengert.operand import Operand
from wengert.own import Maker, Own, cannot_evaluate, maker_of
from wengert.source import Source, user_source

_NONE: tuple[()] = ()


@dataclass(slots=True)
class Notes:
    """What only some nodes have; kept apart so that the others stay small."""

    label: str = ""
    scope: str = ""
    source: Source | None = None
    own: Own | None = None


class Node(Operand):
    """Base of the Value of either engine."""

    if not TYPE_CHECKING:  # for a type checker, the five below would have to be slots of this class
        __slots__ = ()

    _data: float
    _grad: float
    _operands: tuple[Any, ...]
    _row: Primitive | None  # None for a leaf and for an operation of the user's own
    _notes: Notes | None
    _slots: ClassVar[tuple[str, ...]] = ()  # those that subclasses add

    def __init__(
        self, data: Any, _children: Iterable["Node"] = _NONE, _op: str = "", label: str = ""
    ) -> None:
        self._data = data if type(data) is float else checked_number(data, "Value()")
        self._grad = 0.0
        self._operands = ()
        self._row = None
        self._notes = None
        if _children is not _NONE or _op:
            self._operands = checked_nodes(_children)
            if not isinstance(_op, str):
                raise OperandError(f"_op is the operation's name, a string, not {describe(_op)}.")
            if self._operands:
                self._note().own = Own(_op, maker=maker_of(self, self._operands))
            elif _op:
                self._note().own = Own(_op)
        if label:
            self.label = label
        if AMBIENT.get() is not None:
            surround(self)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if Node in cls.__bases__:  # an engine's Value, which keeps its own slots
            return
        slots = cls.__dict__.get("__slots__", ())
        names = (slots,) if isinstance(slots, str) else tuple(slots)
        cls._slots += tuple(
            f"_{cls.__name__.lstrip('_')}{name}" if name[:2] == "__" != name[-2:] else name
            for name in names
            if name not in ("__dict__", "__weakref__")
        )

    @property
    def label(self) -> str:
        """A name for pictures and messages."""
        return self._notes.label if self._notes else ""

    @label.setter
    def label(self, label: str) -> None:
        if not isinstance(label, str):
            raise OperandError(f"A label is a string, not {describe(label)}.")
        self._note().label = label

    @property
    def scope(self) -> str:
        """The group it was made in, see `wengert.scope`."""
        return self._notes.scope if self._notes else ""

    @property
    def _prev(self) -> set[Any]:
        """The operands as a set, the lesson's name for them."""
        return set(self._operands)

    @property
    def _op(self) -> str:
        """The operation's symbol, "" for a leaf."""
        if self._row:
            return self._row.symbol
        own = self._own
        return own.op if own else ""

    @property
    def _own(self) -> Own | None:
        return self._notes.own if self._notes else None

    @property
    def _backward(self) -> Callable[[], None]:
        """Pushes this node's gradient one step, into its operands."""
        own = self._own
        return own.backward if own and own.backward else partial(push, self)

    @_backward.setter
    def _backward(self, closure: Callable[[], None]) -> None:
        self._become_own("_backward", closure).backward = closure

    @property
    def _forward(self) -> Callable[..., float]:
        """From the operands' numbers to this node's."""
        if self._row:
            return self._row.scalar
        own = self._own
        if own and own.forward:
            return own.forward
        if own and own.maker:
            return partial(_made_again, self, own.maker)
        raise cannot_evaluate(self)

    @_forward.setter
    def _forward(self, function: Callable[..., float]) -> None:
        self._become_own("_forward", function).forward = function

    def _become_own(self, attribute: str, function: Any) -> Own:
        """From here on this node's derivative is what the user says."""
        if not callable(function):
            raise OperandError(f"{attribute} is a function, not {describe(function)}.")
        notes = self._note()
        if notes.own is None:
            notes.own = Own(self._op, forward=self._row.scalar if self._row else None)
            self._row = None
        return notes.own

    def _note(self) -> Notes:
        if self._notes is None:
            self._notes = Notes()
        return self._notes

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    # --- copying ----------------------------------------------------------------------------------

    def __copy__(self) -> Self:
        """A node of its own with the same operands."""
        copy: Self = copies.copied(self)
        return copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy of the whole graph below, shared parts shared in the copy too."""
        copy: Self = copies.deepcopied(self, memo)
        return copy

    def __reduce_ex__(self, protocol: Any) -> Any:
        return copies.reduced(self)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        copies.restore(self, state)

    _make_notes = Notes


def checked_number(number: Any, where: str) -> float:
    """A plain number that the user gave, as a float."""
    if isinstance(number, Node):
        raise LostDerivativeError(
            f"{where} takes a plain number, and a Value would lose its derivative there. "
            "Write x.data for its number."
        )
    if isinstance(number, np.ndarray) and number.ndim == 0:
        number = number.item()
    if isinstance(number, Operand):
        raise _mixed(where, number)
    return to_float(number, where)


def _mixed(where: str, operand: Operand) -> OperandError:
    return OperandError(
        f"{where} meets a {operand._kind} beside a Value, and they belong to different "
        "computations. Recorded code takes numbers: pass the Value's number, x.data, or record "
        "the graph itself, wg.record(L)."
    )


def checked_nodes(children: Any) -> tuple[Any, ...]:
    """The operands given to the constructor."""
    if isinstance(children, Node) or not isinstance(children, Iterable):
        raise OperandError(
            f"_children is a tuple of the operands, (x,) for one, not {describe(children)}."
        )
    operands = tuple(children)
    for operand in operands:
        if not isinstance(operand, Node):
            raise OperandError(
                f"_children are the operands, all of them Values, not {describe(operand)}."
            )
    return operands


def compared(compare: Callable[[Any, Any], bool], symbol: str, node: Node, other: Any) -> bool:
    """The answer of `<`, `<=`, `>` or `>=`."""
    if isinstance(other, Operand) and not isinstance(other, Node):
        raise _mixed(symbol, other)
    try:
        return compare(node._data, other._data if isinstance(other, Node) else other)
    except TypeError:
        raise OperandError(
            f"{symbol} compares a Value with a number or another Value, "
            f"not with {describe(other)}.{remedy(other)}"
        ) from None


def compared_as(node: Node, other: Any, how: int) -> bool:
    """The answer of a comparison with anything at all; `how` numbers it as CPython does."""
    if how in _EQUALITIES:
        if isinstance(other, Operand) and not isinstance(other, Node):
            raise _mixed("==" if how == 2 else "!=", other)
        answer: bool = _EQUALITIES[how](
            node._data, other._data if isinstance(other, Node) else other
        )
        return answer
    return compared(*_ORDERINGS[how], node, other)


_EQUALITIES: dict[int, Callable[[Any, Any], Any]] = {2: operator.eq, 3: operator.ne}
_ORDERINGS: dict[int, tuple[Callable[[Any, Any], bool], str]] = {
    0: (operator.lt, "<"),
    1: (operator.le, "<="),
    4: (operator.gt, ">"),
    5: (operator.ge, ">="),
}


def surround(node: Node) -> None:
    """Note on a new node what `scope` and `debug_nans` around it ask for."""
    ambient = AMBIENT.get()
    if ambient is None or not (ambient.scope or ambient.debug_nans):
        return
    notes = node._note()
    notes.scope = ambient.scope
    if ambient.debug_nans:
        notes.source = user_source()
        if node._operands and not isfinite(node._data):
            raise made_non_finite(node)


def _made_again(node: Node, maker: Maker, *data: float) -> float:
    """The value of an own operation at other data, by running the function that made it."""
    stand_ins: dict[int, Any] = {}
    for operand, number in zip(node._operands, data, strict=True):
        stand_ins[id(operand)] = copies.stand_in(operand, number)
    operands = [stand_ins[id(operand)] for operand in node._operands]
    made = maker.among(stand_ins).again(operands)
    if made is None:
        raise cannot_evaluate(node)
    return made
