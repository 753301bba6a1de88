"""Classes whose objects the native engine makes: the same objects, and the same complaints."""

import copy
import pickle
import sys
from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import pytest
from twins import memory_errors, told

from wengert.program.address import Address, Lookup
from wengert.program.quick import quick
from wengert.value import engine


@dataclass(frozen=True, slots=True)
class Usual:
    first: Any
    second: Any
    third: Any = 3
    fourth: Any = field(default="four", compare=False)


Quick = quick(dataclass(frozen=True, slots=True)(type("Usual", (), {
    "__annotations__": Usual.__annotations__, "third": 3,
    "fourth": field(default="four", compare=False), "__qualname__": "Usual",
})))  # fmt: skip


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ((1, 2), {}),
        ((1, 2, 5), {}),
        ((1, 2, 5, 6), {}),
        ((1,), {"second": 2}),
        ((), {"second": 2, "first": 1}),
        ((1, 2), {"fourth": 8}),
        ((), {"fourth": 8, "third": 7, "second": 2, "first": 1}),
        ((), {"".join(["sec", "ond"]): 2, "first": 1}),  # a name that is not interned
        ((), {}),
        ((1,), {}),
        ((1,), {"third": 2}),
        ((1, 2), {"first": 3}),
        ((1, 2), {"fifth": 3}),
        ((1, 2, 3, 4, 5), {}),
        ((1, 2, 3, 4), {"fourth": 5}),
    ],
)
def test_a_call_gives_what_it_gives_of_any_dataclass(args: Any, named: Any) -> None:
    assert told(lambda: Quick(*args, **named)) == told(lambda: Usual(*args, **named))


def test_objects_are_those_of_the_dataclass() -> None:
    one = Address("value", 3, (1, 2), Lookup(4))
    assert one == Address(memory="value", base=3, strides=(1, 2), lookup=Lookup(4, ()))
    assert hash(one) == hash(replace(one))
    assert replace(one, base=5) == Address("value", 5, (1, 2), Lookup(4))
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    with pytest.raises(FrozenInstanceError):
        one.base = 4  # type: ignore[misc]


def test_a_class_that_inherits_is_made_as_usual() -> None:
    class Longer(Lookup):
        def __init__(self, start: int) -> None:
            super().__init__(start, (start,))

    assert Longer(3).strides == (3,)
    assert Lookup(3).strides == ()


@pytest.mark.skipif(engine != "native", reason="the plain engine has the dataclass alone")
def test_nothing_is_lost_or_kept() -> None:
    kept = object()
    before = sys.getrefcount(kept), sys.getrefcount(Usual), sys.getrefcount(Quick)
    for _ in range(100):
        Quick(kept, kept, fourth=kept)
        told(lambda: Quick(kept, third=kept))
    assert (sys.getrefcount(kept), sys.getrefcount(Usual), sys.getrefcount(Quick)) == before


@pytest.mark.skipif(engine != "native", reason="the plain engine has the dataclass alone")
def test_only_what_has_a_slot_for_each_field_is_made_quickly() -> None:
    @dataclass
    class Loose:
        first: int = 1

    for made in (Loose, Lookup):  # which is one already
        with pytest.raises(TypeError, match=r"make_quickly\(\)"):
            quick(made)


OUT_OF_MEMORY = """
from wengert.program.address import Address, Lookup

def work():
    made = [Address("value", k, (k,), lookup=Lookup(k)) for k in range(3)]
    try:
        Lookup()
    except TypeError:
        pass
"""


def test_running_out_of_memory_is_an_error_like_others() -> None:
    assert memory_errors(OUT_OF_MEMORY, 60) > 5
