"""Every rule is held to what it says, on random and special operands, by the rows' own scalars."""

import itertools
import math
import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from wengert.primitives import add, less, maximum, mul, neg, powi, rows, sin, sub
from wengert.program.rules import (
    EXACT,
    UNSAFE,
    Letter,
    Pattern,
    Rule,
    Term,
    d,
    derived,
    letters,
    rules_for,
    text_of,
    variants,
    x,
    y,
)

DERIVED = tuple(rule for row in rows() for rule in derived(row))
SPECIAL = (
    0.0, -0.0, 1.0, -1.0, 2.0, -0.5, 3.0, 0.1, math.pi, -2.5, 1e308, -1.7e308, 5e-324, -5e-324,
    2.2250738585072014e-308, 2.0**1022, 2.0**-1022, 2.0**52 + 0.5, math.inf, -math.inf, math.nan,
)  # fmt: skip


def evaluated(pattern: Pattern, numbers: dict[Letter, float]) -> float:
    if isinstance(pattern, Term):
        return float(pattern.row.scalar(*(evaluated(arg, numbers) for arg in pattern.args)))
    return numbers[pattern] if isinstance(pattern, Letter) else pattern


def both_sides(rule: Rule, numbers: dict[Letter, float]) -> tuple[float, float] | None:
    """What the two sides give; None where the rule does not apply."""
    if rule.let:
        made = rule.let(*(numbers[a] for a in letters(rule.pattern) if a.constant))
        if made is None:
            return None
        numbers = {**numbers, d: made}
    return evaluated(rule.pattern, numbers), evaluated(rule.replacement, numbers)


def operands(rule: Rule) -> Iterator[dict[Letter, float]]:
    """Special numbers in every combination, and random ones of all magnitudes."""
    used = list(dict.fromkeys(letters(rule.pattern)))
    for numbers in itertools.product(SPECIAL, repeat=len(used)):
        yield dict(zip(used, numbers, strict=True))
    rng = random.Random(str(rule))
    for _ in range(1000):
        yield {a: rng.gauss(0, 1) * 2.0 ** rng.choice((0, 0, 1, 30, -30, 600)) for a in used}


def bits(number: float) -> bytes:
    return struct.pack("<d", number if number == number else math.nan)


def wrong_at(rule: Rule) -> dict[Letter, float] | None:
    """Operands at which the two sides differ in a bit."""
    for numbers in operands(rule):
        sides = both_sides(rule, numbers)
        if sides and bits(sides[0]) != bits(sides[1]):
            return numbers
    return None


@pytest.mark.parametrize("rule", [*EXACT, *DERIVED], ids=str)
def test_exact_rules_keep_every_bit(rule: Rule) -> None:
    assert rule.exact
    wrong = wrong_at(rule)
    assert wrong is None, {a.name: number for a, number in (wrong or {}).items()}


@pytest.mark.parametrize("rule", [*EXACT, *DERIVED, *UNSAFE], ids=str)
def test_every_rule_applies_somewhere(rule: Rule) -> None:
    assert any(both_sides(rule, numbers) for numbers in operands(rule))


@pytest.mark.parametrize("rule", UNSAFE, ids=str)
def test_unsafe_rules_hold_where_numbers_are_tame_and_nowhere_else(rule: Rule) -> None:
    rng = random.Random(0)
    for _ in range(200):
        numbers = {a: rng.uniform(0.5, 2.0) for a in letters(rule.pattern)}
        sides = both_sides(rule, numbers)
        assert sides
        assert sides[0] == pytest.approx(sides[1], rel=1e-14, abs=1e-14)
    if rule.pattern.row.name not in ("powc", "pow"):  # there the C library decides
        assert wrong_at(rule), "it is exact: move it to EXACT"


@pytest.mark.parametrize("rule", [*EXACT, *DERIVED, *UNSAFE], ids=str)
def test_a_replacement_takes_the_place_of_one_statement(rule: Rule) -> None:
    assert isinstance(rule.pattern, Term)
    if isinstance(rule.replacement, Term):
        assert not any(isinstance(arg, Term) for arg in rule.replacement.args)
    known = {*letters(rule.pattern), *([d] if rule.let else [])}
    assert set(letters(rule.replacement)) <= known


@pytest.mark.parametrize(
    "wrong",
    [
        Rule(x + 0.0, x),  # -0 + 0 is +0
        Rule(x - x, 0.0),  # inf
        Rule(x * 0.0, 0.0),  # the sign, NaN
        Rule(x / y, x * y),
        Rule(less(x, y), 1.0),
        Rule(-(x - y), y - x),  # the sign of a zero
        Rule((x + y) + y, x + y),
    ],
    ids=str,
)
def test_a_wrong_rule_is_caught(wrong: Rule) -> None:
    assert wrong_at(wrong)


def test_what_the_facts_state_is_not_stated_again() -> None:
    facts = {(rule.pattern.row, text_of(v)) for rule in DERIVED for v in variants(rule.pattern)}
    assert not facts & {(rule.pattern.row, text_of(rule.pattern)) for rule in (*EXACT, *UNSAFE)}


def test_variants_are_the_orders_of_what_commutes() -> None:
    assert [text_of(v) for v in variants(x + (-y))] == ["x + -y", "-y + x"]
    assert [text_of(v) for v in variants(x - (-y))] == ["x - -y"]
    assert len(variants((x * y) + (y * x))) == 4
    assert [text_of(v) for v in variants(x * x)] == ["x·x"]


def texts(*given: Any, unsafe: bool = False) -> set[str]:
    return set(map(str, rules_for(given, unsafe)))


def test_only_rules_that_can_apply_are_tried() -> None:
    assert texts(sin) == set()
    assert texts(sin, neg) == {"-sin(-x) = sin(x)", "-(-x) = x"}
    assert "x - y = x" not in texts(add, neg)
    assert "x - -y = x + y" in texts(add, neg), "a rule makes the row that another one needs"
    assert texts(maximum) == {"max(x, x) = x", "max(x, (-inf)) = x"}
    assert texts(powi(1)) == {"x¹ = x"}
    assert texts(sub, unsafe=True) - texts(sub) >= {"x - x = 0", "0 - x = -x"}
    assert all(rule.exact for rule in rules_for(rows()))
    assert not all(rule.exact for rule in rules_for(rows(), unsafe=True))


def test_patterns_are_written_with_the_operators() -> None:
    assert text_of((x + y) * x) == "(x + y)·x"
    assert text_of(x - (-1.0)) == "x - (-1)"
    assert mul(x, 2).args == (x, 2.0)
