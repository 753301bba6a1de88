"""Windows of rows: in them, nothing is read that something else has been written over."""

import numpy as np
import pytest
from nests import nest
from stencils import stencils
from sums import summing

import wengert as wg
from wengert.program import storage
from wengert.program.dependence import Site
from wengert.program.storage import Storing

ROWS, LENGTH = 12, 20


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Rows even for a few values."""
    monkeypatch.setattr(storage, "FEW", 4)


def kept_by_rows(program, line):
    return Storing(program).storage(lambda level: True, 1 << 20, line=line, by_rows=True)


def steps(x):
    """A time step, for some rounds."""
    for _ in range(ROWS):
        inner = [x[k] + 0.1 * (x[k - 1] - 2.0 * x[k] + x[k + 1]) for k in range(1, LENGTH - 1)]
        x = [x[0], *inner, x[-1]]
    return x


def check(program, line):
    """Do the program on marks of places: those that are read have to be there still."""
    kept = kept_by_rows(program, line)
    memory = np.full(kept.size, -1)

    def there(array, address, counters):
        place = np.array(address.at(counters, program.index))
        at = array.start + int(array.offset(place))
        assert array.start <= at < array.start + array.size
        return at, int(place)

    def do(items, counters):
        for item in items:
            if not isinstance(item, Site):
                for k in range(item.loop.count):
                    do(item.parts[0], (*counters, k))
                continue
            for address in item.reads:
                if array := kept.sources.get((item, address)):
                    at, place = there(array, address, counters)
                    assert memory[at] == place
            if item in kept.homes:
                at, place = there(kept.homes[item], item.target, counters)
                memory[at] = place

    do(kept.layout.tree, ())
    return [array for array in kept.arrays if array.rows]


@pytest.mark.parametrize("line", [1, 8])
@pytest.mark.parametrize("seed", range(30))
def test_what_is_read_is_there(seed, line):
    for maker in (nest, summing):
        check(maker(seed, near=True), line)
    function, size = stencils(seed)
    given = np.linspace(-1.0, 1.0, size)
    check(wg.record(function, given).simplify(), line)


@pytest.mark.parametrize("line", [1, 8])
def test_a_time_step_and_its_way_back_keep_two_rows(line):
    start = np.linspace(-1.0, 1.0, LENGTH)
    program = wg.record(steps, start).simplify()
    back = wg.grad(lambda x: sum(each * each for each in steps(x))).program(start)
    for each in (program, back):
        rows = check(each, line)
        assert {array.rows for array in rows} == {1, 2}
        assert all(array.size % line == 0 for array in rows)
    assert kept_by_rows(program, line).size <= 3 * (LENGTH + line)


def test_what_is_read_from_all_rows_is_kept_whole():
    def function(x):
        found = []
        for _ in range(ROWS):
            x = [each + 0.5 * x[0] for each in x]
            found += x
        return found

    assert not check(wg.record(function, np.ones(LENGTH)).simplify(), 8)


def test_rows_that_are_read_far_back_need_more_of_them():
    def wave(x):
        rows = [x, x, x]
        for _ in range(ROWS):
            before, _, now = rows
            inner = [now[k - 1] + now[k + 1] - before[k] for k in range(1, LENGTH - 1)]
            rows = [*rows[1:], [x[0], *inner, x[-1]]]
        return rows[-1]

    rows = check(wg.record(wave, np.ones(LENGTH)).simplify(), 8)
    assert max(array.rows for array in rows) == 4
