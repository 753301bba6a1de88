"""What is printed is read back exactly; what is not printed so is refused, with line and column."""

import re
from dataclasses import replace

import numpy as np
import pytest
import samples
from hypothesis import given, settings
from samples import SAMPLES
from worded import same_notes, worded

from wengert.errors import ProgramError
from wengert.program.program import Program
from wengert.program.record import record


@settings(max_examples=120)
@given(worded())
def test_what_is_printed_is_read_back_exactly(program: Program) -> None:
    text = str(program)
    again = Program.parse(text)
    assert again == program, text
    assert again.name == program.name
    assert same_notes(again, program)
    assert str(again) == text


@pytest.mark.parametrize("program", SAMPLES, ids=lambda p: p.name)
def test_samples_are_read_back(program: Program) -> None:
    again = Program.parse(str(program))
    assert again == program
    assert str(again) == str(program)


def test_doubles_are_exact() -> None:
    numbers = [0.1, 5e-324, 1.7976931348623157e308, -0.0, np.inf, -np.inf, np.nan, 1 / 3]
    program = record(lambda x: [x * n for n in numbers], 1.0, passes=())
    again = Program.parse(str(program))
    assert again.constants.tobytes() == program.constants.tobytes()


def test_spaces_and_comments_do_not_matter() -> None:
    text = str(samples.rolled_neuron())
    loose = text.replace("\n", "  \n\n# a remark\n").replace(" + ", "  +  ")
    assert Program.parse(loose) == samples.rolled_neuron()


def test_positions_may_always_be_stated() -> None:
    text = str(samples.rolled_neuron()).replace("t1 = w[0] * x[0]", "t1 = w[0] * x[0]  @ 0")
    assert Program.parse(text) == samples.rolled_neuron()


GOOD = """program f(x, w[4]) -> number

s[-1] = x * 2.0
for i in 4:
    s = s[i - 1] + w[i]
out = s[3]
"""


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("program", "programme", "line 1, column 1: expected 'program'"),
        ("f(x, w[4])", "f(x, x)", "a key of its own"),
        ("-> number", "-> nothing", "expected 'number', found 'nothing'"),
        ("x * 2.0", "x $ 2.0", "line 3, column 11: expected the end of the line"),
        ("x * 2.0", "y * 2.0", "line 3, column 9: there is nothing called 'y'"),
        ("x * 2.0", "x[0] * 2.0", "x has 0 dimensions"),
        ("x * 2.0", "power(x, 2.0)", "line 3, column 9: expected an operation"),
        ("x * 2.0", "exp(x, 2.0)", "expected 1 operands"),
        ("x * 2.0", "powi(1.5, x)", "expected an integer"),
        ("x * 2.0", "x**99999999999999999", "powi() takes an integer exponent"),
        ("x * 2.0", "x * 2.0@(1)", "constants"),
        ("for i in 4", "for i in -4", "expected a count that is not negative"),
        ("for i in 4", "for i in 4.5", "expected an integer"),
        ("w[i]", "w[j]", "expected an integer or the counter of a loop"),
        ("w[i]", "w[i + 1]", "input"),
        ("w[i]", "w[2*i]", "It uses places 1 to 7 of input, which has 5"),
        ("w[i]", "w[99999999999999999*i]", "smaller numbers"),
        ("    s =", "   s =", "line 5, column 4: expected an indent of 0 spaces"),
        ("s[i - 1]", "s[i, 1]", "s takes 1 indices here"),
        ("s[i - 1]", "s[i]", "value[1] is read before anything is assigned to it"),
        ("s[-1] = ", "s = ", "s is defined twice"),
        (
            "out = s[3]",
            "out = s[4]",
            "It uses places 5 to 5 of value, which has 5: output[0], a move",
        ),
        ("out = s[3]", "out = s[3]\nout = x", "2 results are written to output, which has 1"),
        ("out = s[3]\n", "", "0 results are written to output"),
        ("out = s[3]", "out = s[3]\nvalues 99999999999999999999", "expected an integer"),
        ("out = s[3]", "out = s[3]\nconstants 7\n    0: 1.0", "7 are meant"),
        ("out = s[3]", "out = s[3]\nconstants 1\n    0: 1.0", "another number is told"),
        ("out = s[3]", "out = s[3]\nconstants 1\n    0: one", "line 8: expected numbers"),
        ("out = s[3]", "out = s[3]\ntable2[0] =", "expected each of"),
        ("out = s[3]", "out = s[table1[0]]", "there is no table of that number"),
        ("out = s[3]", "guard s[3] is true", "a guard is on an operation"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(old: str, new: str, error: str) -> None:
    assert len(Program.parse(GOOD)) == 5
    assert old in GOOD
    with pytest.raises(ProgramError, match=re.escape(error)):
        Program.parse(GOOD.replace(old, new, 1))


def test_only_values_one_behind_the_other_have_an_index_out_of_a_table() -> None:
    text = (
        "program f(x[4]) -> number\n\nfor i in 3:\n    s = exp(x[i])\n"
        "out = s[table1[0] + 1]\n\ntable1[1] =\n    0: 1\n"
    )
    assert (
        Program.parse(text).expand() == Program.parse(text.replace("table1[0] + 1", "2")).expand()
    )
    with pytest.raises(ProgramError, match="a value has no index out of a table"):
        Program.parse(text.replace("in 3", "in 3 by 2"))


def test_an_alias_tells_the_truth() -> None:
    text = str(samples.rolled_neuron())
    with pytest.raises(ProgramError, match=r"line 4, column 1: this is not what s means there"):
        Program.parse(text.replace("s[-1] =", "s[-2] ="))


def test_nothing_but_text_is_read() -> None:
    with pytest.raises(ProgramError, match="from a text, not from bytes"):
        Program.parse(b"program f() -> ()")  # type: ignore[arg-type]
    with pytest.raises(ProgramError, match="found nothing"):
        Program.parse("")


def test_few_words_do_not_make_much() -> None:
    """A short text that would fill the memory is refused."""
    head = "program f(x) -> number\n\n"
    with pytest.raises(ProgramError, match="at most 33554432 constants"):
        Program.parse(f"{head}for i in 1000000000:\n    t1 = x * 2.0\nout = x\n")
    many = "1000000*(1000000*number, 1000000*number)"
    with pytest.raises(ProgramError, match="at most 1048576 parts"):
        Program.parse(f"program f(x) -> list({many})\n")
    deep = "".join(f"{'    ' * k}for a{k} in 1:\n" for k in range(1000))
    with pytest.raises(ProgramError, match="at most 64 loops"):
        Program.parse(head + deep)
    with pytest.raises(ProgramError, match="at most 64 levels"):
        Program.parse(f"program f({'x(' * 5000}")


def test_huge_counts_cost_nothing() -> None:
    text = "program f(x) -> number\n\nfor i in 1000000000:\n    t1 = exp(x)\nout = t1[999999999]\n"
    program = Program.parse(text)
    assert len(program) == program.values == 10**9
    assert str(program).startswith("program f(x) -> number")
    assert Program.parse(str(program)) == program


def test_a_name_that_is_no_identifier_is_quoted() -> None:
    program = replace(samples.empty(), name="two words")
    assert str(program).startswith('program "two words"() -> ()')
    assert Program.parse(str(program)).name == "two words"
