"""The printed form, as a person reads it; that it is read back is in test_parse.py."""

from itertools import pairwise

import numpy as np
import pytest
import samples
from folding import assign, at, folded, value
from hypothesis import given
from hypothesis import strategies as st
from samples import SAMPLES
from sums import summing

import wengert as wg
from wengert import primitives
from wengert.errors import OperandError
from wengert.primitives import powc, powi, rows
from wengert.program.indices import match
from wengert.program.program import Program
from wengert.program.record import record
from wengert.program.spelling import CALLED, INFIX, PREFIX, SUFFIX, formula
from wengert.program.statements import Accumulate, Loop
from wengert.program.structure import ARRAY, NUMBER, TUPLE, Structure


def lines(program: Program) -> list[str]:
    """Without the sources, and without what is empty."""
    found = [line.partition("#")[0].rstrip() for line in str(program).split("\n")]
    return [line for line in found if line]


def test_a_carried_value_is_called_by_the_iteration_before() -> None:
    assert lines(samples.rolled_neuron()) == [
        "program neuron(x[8], w[8], b) -> number",
        "t1 = w[0] * x[0]",
        "s[-1] = b + t1",
        "for i in 7:",
        "    t2 = w[i + 1] * x[i + 1]",
        "    s = s[i - 1] + t2",
        "t3 = tanh(s[6])",
        "out = t3",
    ]


def test_boundaries_are_called_after_what_is_between_them() -> None:
    text = lines(samples.rolled_heat())
    assert text[1:7] == [
        "for i in 8:",
        "    t1 = 2.0 * u[i + 1]",
        "    t2 = u[i] - t1",
        "    t3 = t2 + u[i + 2]",
        "    t4 = al * t3",
        "    t14[-1, i - 1] = u[i + 1] + t4  @ 5*i + 4",
    ]
    assert "        t11 = t14[i - 1, j - 1] - t10" in text
    assert text[-2:] == ["out[8] = t19[4]", "out[9] = u[9]"]


def test_tables_and_places_are_shown_where_values_are_scattered() -> None:
    assert lines(samples.looked_up()) == [
        "program looked_up(w[2, 4]) -> number[4]",
        "for i in 4:",
        "    t1 = w[table2[i]] * w[0, i]  @ table1[i]",
        "for i in 4:",
        "    t2 = exp(value[table3[i]])  @ i + 4",
        "for i in 4:",
        "    out[i] = t2[i]",
        "table1[4] =",
        "    0: 3, 0, 2, 1",
        "table2[4] =",
        "    0: 7, 7, 4, 1",
        "table3[4] =",
        "    0: 0, 1, 3, 2",
    ]


def test_a_loop_without_a_count() -> None:
    assert lines(samples.newton()) == [
        "program newton(x) -> number",
        "while i in loop1 by 2:",
        "    first:",
        "        x~1 = t2[-1] = x  @ 0",
        "    test:",
        "        t1 = t2[i - 1] > 0.001",
        "    body if t1:",
        "        t2 = t2[i - 1] * 0.5",
        "    last:",
        "        t3 = t2[i - 1]",
        "out = t3[0]",
    ]


def test_accumulations_labels_and_shared_constants() -> None:
    text = lines(samples.summed())
    assert "    t1 += t2" in text
    assert 't2 "step size" = -x' in text
    assert "guard t2 < 2.0 is true" in text
    assert text[-2:] == ["constants 3 shared", "    0: 2.0, 1.0, 0.0"]


def test_sums_are_called_after_what_starts_them() -> None:
    start = assign(value(0, 1), None, at("constant", 0, 0), label="g")
    terms = (
        Accumulate(value(1, 1), at("input", 0, 1)),
        Accumulate(value(3, -1), at("input", 0, 1)),
        Accumulate(value(2, 0, lookup=(0, 1)), at("input", 0, 1)),
    )
    found = Program(
        (Loop(5, (start,)), Loop(3, terms), assign(at("output", 0), None, value(2))),
        5, np.zeros(1), np.array([2, 0, 2]),
        Structure(TUPLE, keys=("x",), parts=(Structure(ARRAY, (3,)),)), Structure(NUMBER), "f",
    )  # fmt: skip
    assert lines(found)[1:8] == [
        "for i in 5:",
        "    g = 0.0",
        "for i in 3:",
        "    g[i + 1] += x[i]",
        "    g[-i + 3] += x[i]",
        "    g[table1[i] + 2] += x[i]",
        "out = g[2]",
    ]
    assert Program.parse(str(found)) == found


@given(st.integers(0, 10**9), st.booleans())
def test_programs_with_sums_are_read_back(seed: int, near: bool) -> None:
    found = summing(seed, near)
    assert Program.parse(str(found)) == found


def test_structures_and_results_by_their_keys() -> None:
    def f(p, q):
        return {"a": p["u"] + q[0], "b c": [q[1], 2.0], 7: np.array([q[0], q[1]])}

    program = record(f, {"u": 1.0, "v": np.ones((2, 3))}, (1.0, 2.0), passes=())
    assert lines(program) == [
        'program f(p{u, v[2, 3]}, q(number, number)) -> {a, "b c" list(number, number), 7[2]}',
        "t1 = p.u + q.0",
        "out.a = t1",
        'out."b c".0 = q.1',
        'out."b c".1 = 2.0',
        "out.7[0] = q.0",
        "out.7[1] = q.1",
    ]


def test_equal_parts_are_counted() -> None:
    program = record(lambda x: [x] * 5, 1.0, passes=())
    assert str(program).startswith("program program(x) -> list(5*number)")


def test_a_source_is_shown_where_it_changes() -> None:
    text = str(samples.long_run(30)).split("\n")
    shown = [line.partition("# ")[2] for line in text if " # samples.py" in line]
    assert shown
    assert all(a != b for a, b in pairwise(shown))


def test_names_do_not_collide() -> None:
    def f(t1, value, guard):
        e = t1 + value
        e.label = "value"
        d = e * guard
        d.label = "x"
        c = d * d
        c.label = "x"
        b = c - e
        b.label = "t3"
        return b + c

    text = lines(record(f, 1.0, 2.0, 3.0, passes=()))
    assert text == [
        'program f("t1", "value", "guard") -> number',
        't1 "value" = "t1" + "value"',
        'x = t1 * "guard"',
        "x~2 = x * x",
        "t3~1 = x~2 - t1",
        "t2 = t3~1 + x~2",
        "out = t2",
    ]


def test_only_guards_that_are_read_have_names() -> None:
    def f(x):
        positive = x > 0.0
        y = 3.0 if positive else 2.0
        return x * y + positive

    text = lines(record(f, 1.0, passes=()))
    assert text[1] == "guard t1 = x > 0.0 is true"
    assert "guard trunc(x) is 2.0" in lines(record(lambda x: x * int(x), 2.5, passes=()))


def test_the_limit_says_that_more_is_left() -> None:
    program = samples.long_run()
    short = program.text(limit=10).split("\n")
    assert short[:10] == str(program).split("\n")[:10]
    assert short[10:] == ["... and more: 100 statements in all", ""]
    assert program.text(limit=10**6) == str(program)
    with pytest.raises(OperandError, match="number of lines, not int -1"):
        program.text(limit=-1)


def test_every_row_has_a_spelling_of_its_own() -> None:
    spelled = [formula(row, ["a", "b", "c"][: row.nin]) for row in rows()]
    assert len(set(spelled)) == len(spelled)
    assert formula(primitives.equal, ["a", "b"]) == "a == b"
    assert formula(powi(2), ["a"]) == "a**2"
    assert formula(powc(2.0), ["a"]) == "a**2.0"
    assert formula(powi(2), ["-1.0"]) == "powi(2, -1.0)"
    assert formula(primitives.pow, ["a", "2.0"]) == "pow(a, 2.0)"
    assert formula(primitives.neg, ["a"]) == "-a"
    assert formula(primitives.neg, ["2.0"]) == "neg(2.0)"


def test_spellings_are_derived_without_clashes() -> None:
    """A new row whose symbol is taken would be lost in one of these."""
    table = list(rows())
    signs = [row for row in table if not row.params and row.nin == 2 and row.symbol in INFIX]
    assert {INFIX[row.symbol] for row in signs} == set(signs)
    assert len(CALLED) == len({row.name for row in table})
    assert PREFIX["-"] is primitives.neg
    assert {family.name for family in SUFFIX.values()} == {"powi", "powc"}


@pytest.mark.parametrize("row", list(rows()), ids=repr)
def test_every_row_is_read_back(row: primitives.Primitive) -> None:
    example = [(low + high) / 2 for low, high in row.domain]
    for k in range(row.nin + 1):  # one operand after the other a number

        def f(*xs, k=k):
            mixed = [x if d < k else e for d, (x, e) in enumerate(zip(xs, example, strict=True))]
            return row(*mixed) if k else row(*xs)

        program = record(f, *example, passes=())
        assert Program.parse(str(program)) == program


def test_holes_and_strange_strides_are_said() -> None:
    body = (
        assign(value(0, 5), primitives.exp, at("input", 0, 1)),
        assign(value(3, 5), primitives.neg, value(0, 5)),
    )
    out = assign(at("output", 0), None, value(18))
    base = record(lambda x: x[0], np.ones(4), passes=())
    program = Program(
        (Loop(4, body), out), 20, base.constants, base.index, base.arguments, base.results
    )
    assert lines(program)[1:] == [
        "for i in 4 by 5:",
        "    t1 = exp(x[i])",
        "    t2 = -t1  @ 5*i + 3",
        "out = t2[3]",
    ]


def test_constants_are_numbers_where_they_are_equal() -> None:
    def f(x):
        for k in range(5):
            x = x * 2.0 + k
        return x

    program = folded(record(f, 1.0, passes=()), (2, 2, 4))
    assert lines(program)[3:6] == [
        "for i in 4:",
        "    t2 = t3[i - 1] * 2.0",
        "    t3 = t2 + const[2*i + 3]",
    ]


def test_the_first_value_may_be_an_input() -> None:
    program = record(lambda x: wg.exp(x) + wg.exp(x), 0.5, passes=())
    assert lines(program)[1:] == ["t1 = exp(x)", "t2 = exp(x)", "t3 = t1 + t2", "out = t3"]


@given(st.integers(0, 99), st.sampled_from([(20, 5, 1), (5, 1, 20), (-20, 5, 1)]))
def test_a_place_is_taken_apart_into_indices(place: int, radices: tuple[int, ...]) -> None:
    matched = match(place, (), (), radices, (5, 5, 5))
    assert matched is not None
    assert sum(r * index for r, (index, _) in zip(radices, matched[1], strict=True)) == place


def test_indices_that_do_not_exist_are_not_found() -> None:
    assert match(7, (), (), (5, 10), (3, 3)) is None
    assert match(0, (3,), (4,), (5,), (9,)) is None


@pytest.mark.parametrize("program", SAMPLES, ids=lambda p: p.name)
def test_printing_twice_gives_the_same(program: Program) -> None:
    assert str(program) == str(program)
