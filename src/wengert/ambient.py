"""What surrounds a computation: the scope that names its nodes, and the hunt for NaN.

Both are context variables, so threads and asynchronous tasks do not see each other's.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, replace

from wengert.errors import GraphError


@dataclass(frozen=True, slots=True)
class Ambient:
    """The surroundings in which new nodes are made."""

    scope: str = ""
    debug_nans: bool = False


AMBIENT: ContextVar[Ambient | None] = ContextVar("wengert_ambient", default=None)
ON_FIRST_USE: list[Callable[[], None]] = []  # whom to tell that surroundings matter from now on


def _enter(ambient: Ambient) -> Token[Ambient | None]:
    while ON_FIRST_USE:
        ON_FIRST_USE.pop()()
    return AMBIENT.set(ambient)


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Group the nodes made inside under a name; pictures draw and fold the group as one.

    Args:
        name: the group's name; "/" separates levels, and nested scopes add levels.

    Raises:
        GraphError: the name is not a string, or is empty.

    Examples:
        >>> import wengert as wg
        >>> with wg.scope("layer1"), wg.scope("neuron3"):
        ...     y = wg.tanh(wg.Value(0.0))
        >>> y.scope
        'layer1/neuron3'
    """
    if not isinstance(name, str) or not name.strip("/ "):
        raise GraphError(f'scope() takes a name such as "layer1/neuron3", not {name!r}.')
    ambient = AMBIENT.get() or Ambient()
    path = "/".join(part for part in (ambient.scope, name.strip("/")) if part)
    token = _enter(replace(ambient, scope=path))
    try:
        yield
    finally:
        AMBIENT.reset(token)


@contextmanager
def debug_nans(on: bool = True) -> Iterator[None]:
    """Raise at the operation that makes the first NaN or infinity, forward or backward.

    Outside this block nothing raises: 1/0 is inf and log(-1) is nan, as IEEE arithmetic has it.

    Args:
        on: False turns an outer block off.

    Raises:
        NonFiniteError: inside the block, naming the operation, its operands and the line of code.

    Examples:
        >>> import wengert as wg
        >>> with wg.debug_nans():
        ...     wg.log(wg.Value(-1.0, label="x"))
        Traceback (most recent call last):
        ...
        wengert.errors.NonFiniteError: log(x) made nan from x = -1.0 (<doctest ...>:2).
    """
    token = _enter(replace(AMBIENT.get() or Ambient(), debug_nans=on))
    try:
        yield
    finally:
        AMBIENT.reset(token)
