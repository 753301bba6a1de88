"""The vector math: which rows of the table have a formula on lanes, and its text as functions.

A formula may be written into any block, or called: `definitions` gives the functions of N doubles,
`@wengert.exp.8` and so on. Where a row has no formula, or the C library's own bits are wanted,
`@wengert.scalars.exp.8` calls its scalar function lane by lane.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache, wraps
from typing import TypeVar

from wengert.run import error_functions, exponentials, powers, trigonometry
from wengert.run.lanes import Block, Lanes

Formula = Callable[..., Lanes]
Written = TypeVar("Written")


def _as_written(formula: Callable[..., Written]) -> Callable[..., Written]:
    """The formula without the block's fast-math flags, which would undo its error terms."""

    @wraps(formula)
    def write(*operands: Lanes) -> Written:
        block = operands[0].block
        flags, block.flags = block.flags, ""
        try:
            return formula(*operands)
        finally:
            block.flags = flags

    return write


FUNCTIONS: Mapping[str, Formula] = {
    formula.__name__: _as_written(formula)
    for formula in (
        exponentials.exp, exponentials.expm1, exponentials.exp2, exponentials.sigmoid,
        exponentials.log, exponentials.log1p, exponentials.log2, exponentials.log10,
        exponentials.sinh, exponentials.cosh, exponentials.tanh,
        exponentials.asinh, exponentials.acosh, exponentials.atanh,
        powers.pow, powers.cbrt, powers.hypot,
        trigonometry.sin, trigonometry.cos, trigonometry.tan,
        trigonometry.asin, trigonometry.acos, trigonometry.atan, trigonometry.atan2,
        error_functions.erf, error_functions.erfc,
    )
}  # fmt: skip

# Both of one angle, for little more than one costs; with the bits that each has alone.
sin_cos = _as_written(trigonometry.sin_cos)

# How far a result may be from the exact one, in units of its last place, for any operands.
BOUNDS: Mapping[str, float] = {
    "exp": 1.0, "expm1": 1.5, "exp2": 1.0, "sigmoid": 2.0,
    "log": 1.0, "log1p": 1.0, "log2": 1.0, "log10": 1.0,
    "sinh": 1.5, "cosh": 1.5, "tanh": 1.5, "asinh": 1.5, "acosh": 2.0, "atanh": 1.5,
    "pow": 1.0, "cbrt": 1.0, "hypot": 1.5,
    "sin": 1.0, "cos": 1.0, "tan": 1.5, "asin": 2.0, "acos": 1.5, "atan": 1.0, "atan2": 1.5,
    "erf": 1.5, "erfc": 2.5,
}  # fmt: skip


def symbol(name: str, lanes: int) -> str:
    """What the function of N lanes is called: of a row, or of `scalars.` and a row."""
    return f"wengert.{name}.{lanes}"


@cache
def definition(name: str, lanes: int) -> str:
    """The text of one function, without what it calls."""
    return _defined(name, lanes)[0]


def definitions(names: Iterable[str], lanes: int) -> str:
    """The text of functions and of all they call, each once."""
    return needed({symbol(name, lanes): "" for name in names})


def needed(declarations: Mapping[str, str]) -> str:
    """The text of all that a module must hold that makes these calls (`Block.declarations`)."""
    waiting, texts = dict(declarations), dict[str, str]()
    while waiting:
        called, text = waiting.popitem()
        if called in texts:
            continue
        if called.startswith("wengert."):
            name, _, lanes = called.removeprefix("wengert.").rpartition(".")
            text, calls = _defined(name, int(lanes))
            waiting.update(calls)
        texts[called] = text
    return "\n".join(texts[called] for called in sorted(texts)) + "\n"


def scalarized(name: str, lanes: int) -> str:
    """The text of a function that calls the C library's `name` lane by lane."""
    return definition(f"scalars.{name}", lanes)


@cache
def _defined(name: str, lanes: int) -> tuple[str, Mapping[str, str]]:
    """The text of a function, and what it calls."""
    block = Block(lanes)
    names = operands(name)
    given = [block.named(f"%{each}") for each in names]
    library = name.removeprefix("scalars.")
    if library != name:
        result, attributes = block.lane_by_lane(library, *given), "nounwind cold noinline"
    else:
        result, attributes = FUNCTIONS[name](*given), "nounwind"
    places = ", ".join(f"{block.doubles} %{each}" for each in names)
    lines = [
        f"define linkonce_odr {block.doubles} @{symbol(name, lanes)}({places}) {attributes} {{",
        "entry:",
        *block.lines,
        f"ret {block.doubles} {result.name}",
        "}",
    ]
    return "\n".join(lines), block.declarations


def operands(name: str) -> tuple[str, ...]:
    """The names of a function's operands."""
    formula = FUNCTIONS.get(name.removeprefix("scalars."))
    return tuple(inspect.signature(formula).parameters) if formula else ("x",)
