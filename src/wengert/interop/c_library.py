"""The rows of the table in C, and the functions that they need beside those of <math.h>.

Those functions stand in the headers of `wengert/c`, the first of which the native engine is built
with too. A file that is exported gets the ones it uses, under names of their own.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from wengert import special
from wengert.dispatch import Primitive

PREFIX = "wg_"  # of the names of functions that are written beside the programs
_FUNCTION = re.compile(
    r"(?:^/\*(?:(?!\*/).)*\*/\n)?^static inline double (\w+)\(.*?^}\n", re.MULTILINE | re.DOTALL
)
_WORD = re.compile(r"\b[a-z_]\w*\b")


def number(value: float) -> str:
    """A double as a C expression with its bits."""
    value = float(value)
    if value != value:
        return "(double)NAN"
    text = repr(value).replace("inf", "(double)INFINITY")
    return f"({text})" if text.startswith("-") else text


def array(name: str, numbers: Sequence[float] | np.ndarray, kind: str = "double") -> Iterator[str]:
    """The lines of a constant array."""
    yield f"static const {kind} {name}[{len(numbers)}] = {{"
    spelled = [number(n) if kind == "double" else str(n) for n in numbers]
    width = 5 if kind == "double" else 12
    for k in range(0, len(spelled), width):
        yield f"    {', '.join(spelled[k : k + width])},"
    yield "};"


@cache
def _functions() -> dict[str, str]:
    """Every function by its name; those that it calls come before it."""
    found = {}
    for header in ("scalars.h", "gamma.h"):
        text = (files("wengert") / "c" / header).read_text(encoding="utf-8")
        found.update({match[1]: match[0] for match in _FUNCTION.finditer(text)})
    return found


@cache
def _arrays() -> dict[str, Sequence[float]]:
    """The numbers that they need, which special.py states."""
    return {
        "bernoulli": [float(b) for b in special.BERNOULLI],
        "digamma_zero": special.DIGAMMA_ZERO,
        "digamma_series": special.digamma_series(),
        "lgamma_at_1": special.lgamma_series(1.0),
        "lgamma_at_2": special.lgamma_series(2.0),
    }


class Library:
    """What a file uses of it."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._rows: dict[str, Primitive] = {}

    def applied(self, row: Primitive, operands: Sequence[str]) -> str:
        """A row on operands, which are names, places or numbers."""
        template = row.c or row.c_near
        constants = [number(constant) for constant in row.params]
        if any(template.count(f"{{{k}}}") > 1 for k in range(row.nin)):
            self._rows[row.name] = row
            template = f"{PREFIX}{row.name}({', '.join(f'{{{k}}}' for k in range(row.nin))})"
        return self._renamed(template).format(*operands, *constants)

    def _renamed(self, text: str) -> str:
        """The text with the prefix in front of what is not from <math.h>; that is used now."""

        def prefixed(match: re.Match[str]) -> str:
            name = match[0]
            if name not in _functions() and name not in _arrays():
                return name
            self._used.add(name)
            return PREFIX + name

        return _WORD.sub(prefixed, text)

    def lines(self) -> Iterator[str]:
        """The functions that were used and those that they use, each after what it calls."""
        own = [self._of_row(row) for row in self._rows.values()]
        texts = {}
        for name, text in reversed(_functions().items()):
            if name in self._used:
                texts[name] = _without_inline(self._renamed(text))
        for name, numbers in _arrays().items():
            if name in self._used:
                yield from array(PREFIX + name, numbers)
                yield ""
        for text in (*reversed(texts.values()), *own):
            yield text

    def _of_row(self, row: Primitive) -> str:
        parameters = ", ".join(f"double {name}" for name in row.operands)
        value = self._renamed(row.c).format(*row.operands)
        return (
            f"/* {row.about} */\nstatic double {PREFIX}{row.name}({parameters})\n"
            f"{{\n    return {value};\n}}\n"
        )


def _without_inline(text: str) -> str:
    return text.replace("static inline", "static", 1)
