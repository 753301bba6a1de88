"""Whether an address means another place at every setting of the counters: against a list."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wengert.derive.uses import is_injective
from wengert.program.address import VALUE, Address, Lookup

COUNTS = st.lists(st.integers(0, 4), max_size=3).map(tuple)


@given(COUNTS, st.data())
def test_an_address_is_injective_if_its_places_differ(
    counts: tuple[int, ...], data: st.DataObject
) -> None:
    def strides() -> tuple[int, ...]:
        return tuple(data.draw(st.integers(-4, 4)) for _ in counts)

    index = np.random.default_rng(data.draw(st.integers(0, 5))).integers(0, 40, 100)
    lookup = Lookup(50, strides()) if data.draw(st.booleans()) else None
    address = Address(VALUE, 40, strides(), lookup)
    places = address.all(counts, index).ravel().tolist()
    assert is_injective(address, counts, index) == (len(set(places)) == len(places))


def test_it_is_known_without_looking_at_every_place() -> None:
    counts = (1 << 40, 3)
    nothing = np.empty(0, np.int64)
    assert is_injective(Address(VALUE, 0, (3, 1)), counts, nothing)
    assert not is_injective(Address(VALUE, 0, (0, 1)), counts, nothing)
    assert is_injective(Address(VALUE, 0, (0, 1)), (0, 3), nothing)
