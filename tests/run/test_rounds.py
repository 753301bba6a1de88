"""Numbers that live no longer than a round of a loop: the passes that make them, and kernels."""

from dataclasses import replace

import numpy as np
import pytest
from batches import ROUNDS, Way, agree, bits, in_registers
from nests import nest
from sums import summing

import wengert as wg
from wengert.program.dependence import Level
from wengert.program.statements import Accumulate, Assign, Loop, walk
from wengert.program.storage import storage
from wengert.run.carried import FURTHEST, carried
from wengert.run.interpret import interpret
from wengert.run.short_loops import MOST, without_short_loops
from wengert.run.short_loops import ROUNDS as SHORT
from wengert.run.starts import with_late_starts


def recurrence(seed):
    """Steps that read some steps back, with a short loop inside, and their end."""
    rng = np.random.default_rng(seed)
    back = [int(k) for k in rng.integers(1, FURTHEST + 3, 3)]
    rounds, inside = int(rng.integers(2, 30)), int(rng.integers(1, SHORT + 3))
    scale = rng.uniform(0.1, 0.4, 4)

    def function(p, x):
        states = [p[k % 3] * (1.0 + 0.1 * k) for k in range(max(back))]
        total, other = x, p[0] * p[1]
        for _ in range(rounds):
            state = scale[0] * x
            for j in range(inside):
                state = state + scale[1] * wg.sin(states[-back[j % 3]] + p[j % 3] * state)
            if seed % 2:
                other = other + states[-back[0]] * state
            states.append(scale[2] * state - scale[3] * states[-back[1]])
            total = total + states[-1] * p[2]
        return total * other + states[-1]

    return wg.record(function, np.array([0.5, -0.7, 1.3]), 0.25)


def examples(program, seed):
    rng = np.random.default_rng(seed)
    return rng.choice([0.0, -0.0, 0.5, -1.5, 2.0, 1e3, np.inf, np.nan], (6, program.arguments.size))


MAKERS = {
    "recurrence": recurrence,
    "its gradient": lambda seed: wg.grad(recurrence(seed), argnums=(0, 1)),
    "sums": lambda seed: summing(seed, near=seed % 2 == 0),
    "nest": lambda seed: nest(seed, near=True),
    "with whiles": lambda seed: nest(seed, near=True, whiles=True),
}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("maker", MAKERS)
def test_bits_stay(maker, seed):
    program = MAKERS[maker](seed)
    changed = in_registers(program)
    for row in examples(program, seed):
        try:
            expected = interpret(program, row)
        except wg.PathChanged:
            continue
        np.testing.assert_array_equal(bits(interpret(changed, row)), bits(expected))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("maker", ["recurrence", "its gradient"])
def test_kernels(maker, seed):
    pytest.importorskip("llvmlite")
    program = MAKERS[maker](seed)
    agree(program, examples(program, seed), Way(ROUNDS, lanes=4 << seed % 3))


# --- what the passes do ---------------------------------------------------------------------------


def stepping(rate, x, y):
    """Steps of two states, with a short loop inside."""
    for _ in range(20):
        u, v = x, y
        for _ in range(4):
            u, v = x + rate * u * v, y - rate * u * v
        x, y = u, v
    return x * y


def statements(program, kind):
    return [each for each, _ in walk(program.statements) if isinstance(each, kind)]


def zeros(program):
    """The statements that write a constant."""
    return [
        s for s in statements(program, Assign) if not s.row and s.operands[0].memory == "constant"
    ]


def innermost(program):
    """The loops without others in them, and where values are kept."""
    levels, kept = [], storage(program)
    waiting = list(kept.layout.tree)
    while waiting:
        item = waiting.pop()
        if isinstance(item, Level):
            below = [each for part in item.parts for each in part]
            waiting += below
            if not any(isinstance(each, Level) for each in below):
                levels.append(item)
    return levels, kept


def test_short_loops_are_written_out_and_long_ones_stay():
    def sums(x):
        total = 0.0
        for k in range(SHORT + 1):
            part = x[k]
            for j in range(SHORT):
                part = part * x[j] + x[k]
            total = total + part
        return total

    program = wg.record(sums, np.linspace(0.1, 0.9, SHORT + 1))
    written = without_short_loops(program)
    loops = [s for s in written.statements if isinstance(s, Loop)]
    assert all(not isinstance(each, Loop) for loop in loops for each in loop.body)
    assert {loop.count for loop in loops} <= {SHORT, SHORT + 1}
    assert len(written) == len(program)


def test_what_would_become_long_is_left_as_it_is():
    program = wg.record(lambda x: [wg.sin(each) * each for each in x], np.ones(SHORT))
    loop = next(each for each in program.statements if isinstance(each, Loop))
    long = replace(program, statements=(loop,) * MOST)
    assert without_short_loops(long) is long
    few = replace(program, statements=(loop,) * 2)
    assert len(without_short_loops(few).statements) == 2 * SHORT * len(loop.body)


def test_adjoints_start_with_what_is_first_added_to_them():
    program = without_short_loops(wg.grad(wg.record(stepping, 0.1, 0.5, 0.7), argnums=(0, 1, 2)))
    late = with_late_starts(program)
    assert len(zeros(late)) < len(zeros(program)) / 2
    assert len(statements(late, Accumulate)) < len(statements(program, Accumulate))
    assert with_late_starts(late) is late


def test_states_and_sums_are_variables():
    program = in_registers(wg.grad(wg.record(stepping, 0.1, 0.5, 0.7), argnums=(0, 1, 2)))
    levels, kept = innermost(program)
    forward, backward = sorted(levels, key=lambda level: level.start)
    assert len(carried(forward, kept).variables) == 2
    assert not carried(forward, kept).silent  # the way back reads them all
    assert len(carried(backward, kept).variables) == 2
    assert carried(backward, kept).silent
