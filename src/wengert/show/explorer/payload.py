"""A tape as the page reads it: JSON, with long columns packed."""

import base64
import json
import zlib
from typing import Any

import numpy as np

import wengert.primitives as primitives
from wengert.formula import named, partial_symbols, value_text
from wengert.program.address import Integers
from wengert.program.spelling import is_operator
from wengert.show.explorer.tape import Floats, Kind, Tape
from wengert.show.text import clean

FEW = 2000  # numbers that are written out; more are packed
LABEL = 200  # the most characters of a label


def payload_of(tape: Tape, limit: int) -> dict[str, Any]:
    """What the page is given.

    Args:
        tape: what is shown.
        limit: about how many cells are open at first.
    """
    behind = np.repeat(np.arange(len(tape.ops)), np.diff(tape.starts)) - tape.operands
    groups = tape.groups
    return {
        "title": clean(tape.labels.get(tape.roots[0], "")) or "the graph",
        "kinds": [_kind(kind) for kind in tape.kinds],
        "ops": _column(tape.ops),
        "operands": _column(behind),
        "data": _numbers(tape.data),
        "grad": _numbers(tape.grad),
        "labels": [[k, clean(label[:LABEL])] for k, label in sorted(tape.labels.items())],
        "groups": {
            "titles": groups.titles,
            "parent": _column(groups.parent),
            "kind": _column(groups.kind),
            "number": _column(groups.number),
        },
        "group": _column(tape.group),
        "roots": tape.roots,
        "local": [[k, [_number(x) for x in each]] for k, each in sorted(tape.local.items())],
        "guards": [[k, _number(x)] for k, x in sorted(tape.guards.items())],
        "computed": tape.computed,
        "filled": bool(np.any(tape.grad)),
        "leftOut": tape.left_out,
        "limit": limit,
    }


def dumped(payload: dict[str, Any]) -> str:
    """JSON that can stand in a page: no character in it means anything to HTML."""
    text = json.dumps(payload, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _column(column: Integers) -> Any:
    if len(column) <= FEW:
        return column.tolist()
    return _packed(column.astype("<i4").tobytes(), "i32", len(column))


def _numbers(column: Floats) -> Any:
    if len(column) <= FEW:
        return [_number(x) for x in column.tolist()]
    return _packed(column.astype("<f8").tobytes(), "f64", len(column))


def _packed(data: bytes, kind: str, size: int) -> dict[str, Any]:
    return {"packed": base64.b64encode(zlib.compress(data, 9)).decode(), "as": kind, "size": size}


def _number(x: float) -> Any:
    return x if np.isfinite(x) else repr(float(x))


def _kind(kind: Kind) -> dict[str, Any]:
    names = [f"x{k}_" for k in range(kind.arity)]
    row = kind.row
    if row is None:
        symbol = clean(kind.symbol)
        return {
            "name": symbol, "symbol": symbol, "arity": kind.arity, "commutative": False,
            "about": "an operation of your own", "text": f"{symbol}({', '.join(names)})",
            "partials": [""] * kind.arity, "python": "", "passes": [True] * kind.arity,
        }  # fmt: skip
    symbols = partial_symbols(row, named("z_"), list(map(named, names)))
    return {
        "name": row.name,
        "symbol": clean(row.symbol),
        "arity": kind.arity,
        "commutative": row.facts.commutative,
        "about": clean(row.about),
        "text": value_text(row, names),
        "partials": [symbol.text for symbol in symbols],
        "python": _python(kind),
        "passes": _passes(kind),
    }


def _passes(kind: Kind) -> list[bool]:
    """Per operand, whether a nudge passes: not through stop_gradient, nor a condition."""
    assert kind.row is not None
    if kind.row.facts.stops_gradient:
        return [False]
    return [k > 0 or kind.row is not primitives.select for k in range(kind.arity)]


def _python(kind: Kind) -> str:
    """The row as Python writes it; {0} stands for its first operand."""
    row = kind.row
    assert row is not None
    operands = [f"{{{k}}}" for k in range(kind.arity)]
    if row.name in ("powi", "powc"):
        return f"{{0}} ** {row.params[0]!r}"
    if kind.arity == 2 and is_operator(row.symbol) and row.symbol in _ARITHMETIC:
        return f"{{0}} {row.symbol} {{1}}"
    if row is primitives.neg:
        return "-{0}"
    constant = f"({row.params[0]!r})" if row.params else ""
    return f"primitives.{row.name}{constant}({', '.join(operands)})"


_ARITHMETIC = {"+", "-", "*", "/", "//", "%", "**"}
