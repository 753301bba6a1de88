"""A tape as the page reads it: JSON, with long columns packed, and no more than a page may hold."""

import base64
import inspect
import json
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wengert.primitives as primitives
from wengert.dispatch import Primitive
from wengert.formula import named, partial_symbols, value_text
from wengert.program.address import Integers
from wengert.program.spelling import is_operator
from wengert.show.explorer.tape import Floats, Kind, Tape
from wengert.show.text import clean, count

FEW = 2000  # numbers that are written out; more are packed
LABEL = 200  # the most characters of a label
FEWEST = 100  # values that a page holds in any case


@dataclass(frozen=True)
class Cap:
    """How much a page may hold."""

    values: int
    bytes: int

    def __str__(self) -> str:
        return f"{count(self.values, 'value')} and {self.bytes / 1e6:.3g} MB"


def fitted(
    whole: Tape, limit: int, cap: Cap, more: Callable[[Tape], dict[str, Any]] | None = None
) -> tuple[Tape, str]:
    """As many of the last values as fit, and the JSON that says them.

    Args:
        whole: all that is to be shown.
        limit: about how many cells are open at first.
        cap: how much fits.
        more: what else the page is told of the values that fit.
    """
    most = cap.values
    while True:
        tape = whole.within(most)
        payload = {**payload_of(tape, limit), "cap": str(cap), **(more(tape) if more else {})}
        text = dumped(payload)
        if len(text) <= cap.bytes or most <= FEWEST:
            return tape, text
        most = max(FEWEST, int(0.9 * len(tape.ops) * cap.bytes / len(text)))


def payload_of(tape: Tape, limit: int) -> dict[str, Any]:
    """What the page is given.

    Args:
        tape: what is shown.
        limit: about how many cells are open at first.
    """
    behind = np.repeat(np.arange(len(tape.ops)), np.diff(tape.starts)) - tape.operands
    groups = tape.groups
    return {
        "title": title_of(tape),
        "kinds": [_kind(kind) for kind in tape.kinds],
        "ops": column(tape.ops),
        "operands": column(behind),
        "data": _numbers(tape.data),
        "grad": _numbers(tape.grad),
        "labels": {
            "at": column(np.array(sorted(tape.labels), np.int64)),
            "texts": _texts([clean(label[:LABEL]) for _, label in sorted(tape.labels.items())]),
        },
        "groups": {
            "titles": _texts(groups.titles),
            "parent": column(groups.parent),
            "kind": column(groups.kind),
            "number": column(groups.number),
        },
        "group": column(tape.group),
        "roots": tape.roots,
        "local": [[k, [_number(x) for x in each]] for k, each in sorted(tape.local.items())],
        "guards": [[k, _number(x)] for k, x in sorted(tape.guards.items())],
        "computed": tape.computed,
        "filled": bool(np.any(tape.grad)),
        "leftOut": tape.left_out,
        "kept": column(tape.kept),
        "cut": column(tape.cut),
        "unnamed": column(tape.unnamed),
        "limit": limit,
    }


def title_of(tape: Tape) -> str:
    """What the page is called: the root's label."""
    return clean(tape.labels.get(tape.roots[0], "")[:LABEL]) or "the graph"


def dumped(payload: dict[str, Any]) -> str:
    """JSON that can stand in a page: no character in it means anything to HTML."""
    text = json.dumps(payload, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def column(numbers: Integers) -> Any:
    """Integers; packed, each as what it is more than the one before."""
    if len(numbers) <= FEW:
        return numbers.tolist()
    return _packed(np.diff(numbers, prepend=0).astype("<i4"), "i32")


def _numbers(column: Floats) -> Any:
    if len(column) <= FEW:
        return [_number(x) for x in column.tolist()]
    return _packed(column.astype("<f8"), "f64")


def _texts(texts: Sequence[str]) -> Any:
    """Texts; packed, one after the other with line breaks between, which none of them has."""
    if len(texts) <= FEW:
        return list(texts)
    return _deflated("\n".join(texts).encode(errors="replace"), "text")


def _packed(column: "np.ndarray[Any, Any]", kind: str) -> dict[str, Any]:
    """All first bytes, then all second ones ...: columns of numbers pack better that way."""
    width = column.dtype.itemsize
    return _deflated(column.view(np.uint8).reshape(-1, width).T.tobytes(), kind)


def _deflated(data: bytes, kind: str) -> dict[str, Any]:
    return {"packed": base64.b64encode(zlib.compress(data)).decode(), "as": kind}


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
        "about": _about(row),
        "text": value_text(row, names),
        "partials": [symbol.text for symbol in symbols],
        "python": _python(kind),
        "passes": _passes(kind),
    }


def _about(row: Primitive) -> str:
    """What the row does in words, with x0_, x1_ ... for what it calls its operands."""
    _, *operands = inspect.signature(row.partials).parameters
    places = {name: f"x{k}_" for k, name in enumerate(operands)}
    called = rf"(?<![a-z])(?:{'|'.join(operands)})(?![a-z])"
    return re.sub(called, lambda match: places[match[0]], clean(row.about))


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
