"""What programs consist of, made quickly.

A program is hundreds of small frozen objects. The `__init__` of a frozen dataclass sets its fields
by a call each: an `Address` took 0.5 µs, and rolling spent a quarter of its time on that where
groups are many. The native engine makes the same object in 0.06 µs; see native/quick.c. What it
is, and what is said of a wrong call, is left to the dataclass.
"""

from dataclasses import MISSING, fields
from typing import Any, TypeVar

from wengert.value import engine

C = TypeVar("C", bound=type[Any])


def quick(made: C) -> C:
    """The class, a dataclass with slots and nothing else to do when an object is made."""
    if engine == "native":
        from wengert import _native

        assert not hasattr(made, "__post_init__"), "nobody would call it"
        names = tuple(each.name for each in fields(made))
        defaults = [each.default for each in fields(made) if each.default is not MISSING]
        _native.make_quickly(made, names, tuple(defaults))
    return made
