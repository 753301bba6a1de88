"""Programs as SymPy's expressions: every statement is done once, on symbols."""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from wengert.dispatch import Primitive
from wengert.errors import MissingExtraError, ProgramError
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address
from wengert.program.program import Program
from wengert.program.spelling import leaves
from wengert.program.statements import Accumulate, Loop, Statement, While

LARGEST = 10_000  # operations; SymPy takes a millisecond for each
EXACT = 2.0**53  # whole numbers below are integers

# What SymPy has no function for under the row's name, or only one under another.
ROWS: dict[str, Callable[..., Any]] = {
    "add": lambda s, x, y: x + y,
    "sub": lambda s, x, y: x - y,
    "mul": lambda s, x, y: x * y,
    "strong_mul": lambda s, x, y: x * y,
    "div": lambda s, x, y: x / y,
    "floordiv": lambda s, x, y: s.floor(x / y),
    "mod": lambda s, x, y: s.Mod(x, y),
    "neg": lambda s, x: -x,
    "fma": lambda s, x, y, w: x * y + w,
    "powi": lambda s, x, n: x**n,
    "powc": lambda s, x, c: x**c,
    "pow": lambda s, x, y: x**y,
    "hypot": lambda s, x, y: s.sqrt(x**2 + y**2),
    "expm1": lambda s, x: s.exp(x) - 1,
    "exp2": lambda s, x: 2**x,
    "log1p": lambda s, x: s.log(1 + x),
    "log2": lambda s, x: s.log(x, 2),
    "log10": lambda s, x: s.log(x, 10),
    "cbrt": lambda s, x: s.sign(x) * s.cbrt(s.Abs(x)),  # SymPy's own is complex below 0
    "sigmoid": lambda s, x: 1 / (1 + s.exp(-x)),
    "lgamma": lambda s, x: s.log(s.Abs(s.gamma(x))),
    "polygamma": lambda s, x, n: s.polygamma(n, x),
    "abs": lambda s, x: s.Abs(x),
    "ceil": lambda s, x: s.ceiling(x),
    "trunc": lambda s, x: s.sign(x) * s.floor(s.Abs(x)),
    "rint": lambda s, x: s.floor(x + s.Rational(1, 2)) - _truth(s, s.Eq(s.Mod(x, 2), 0.5)),
    "minimum": lambda s, x, y: s.Min(x, y),
    "maximum": lambda s, x, y: s.Max(x, y),
    "relu": lambda s, x: s.Max(x, 0),
    "stop_gradient": lambda s, x: x,
    "less": lambda s, x, y: _truth(s, s.Lt(x, y)),
    "less_equal": lambda s, x, y: _truth(s, s.Le(x, y)),
    "greater": lambda s, x, y: _truth(s, s.Gt(x, y)),
    "greater_equal": lambda s, x, y: _truth(s, s.Ge(x, y)),
    "equal": lambda s, x, y: _truth(s, s.Eq(x, y)),
    "not_equal": lambda s, x, y: _truth(s, s.Ne(x, y)),
    "select": lambda s, c, x, y: s.Piecewise((x, _condition(s, c)), (y, True)),
}


def to_sympy(program: Program) -> Any:
    """The outputs as expressions; see `Program.to_sympy`."""
    sympy = _sympy()
    if len(program) > LARGEST:
        raise ProgramError(
            f"to_sympy() writes every operation out, at most {LARGEST:,} of them, and "
            f"{program.name} has {len(program):,}. Record it for smaller arguments."
        )
    symbols = [sympy.Symbol(name, real=True) for name in names(program)]
    walker = _Walker(sympy, program, symbols)
    walker.walk(program.statements, ())
    outputs = walker.memories[OUTPUT]
    return program.results.tree([outputs[k] for k in range(program.results.size)])


def _sympy() -> ModuleType:
    try:
        import sympy
    except ImportError:
        raise MissingExtraError("to_sympy()", "sympy", "symbolic") from None
    module: ModuleType = sympy
    return module


def names(program: Program) -> list[str]:
    """What the inputs are called: x, x_0 in an array, x_0_1 in a matrix, p_a in a dict p."""
    found: list[str] = []
    taken: set[str] = set()
    for leaf in leaves(program.arguments):
        stem = leaf.name.replace(".", "_")
        places = np.ndindex(leaf.shape) if leaf.shape is not None else [()]
        for place in places:
            name = "_".join([stem, *map(str, place)])
            while name in taken:
                name += "_"
            taken.add(name)
            found.append(name)
    return found


class _Walker:
    """Goes through the statements, one iteration after the other."""

    def __init__(self, sympy: ModuleType, program: Program, symbols: Sequence[Any]) -> None:
        self.sympy, self.index = sympy, program.index
        numbers = [_number(sympy, number) for number in program.constants.tolist()]
        self.memories: dict[str, dict[int, Any]] = {
            INPUT: dict(enumerate(symbols)), CONSTANT: dict(enumerate(numbers)),
            VALUE: {}, OUTPUT: {},
        }  # fmt: skip

    def walk(self, statements: Sequence[Statement] | Any, counters: tuple[int, ...]) -> None:
        """Do statements, at these counters of the loops around them."""
        for statement in statements:
            if isinstance(statement, Loop):
                for k in range(statement.count):
                    self.walk(statement.body, (*counters, k))
            elif isinstance(statement, While):
                raise ProgramError(
                    "A loop that runs as long as a condition holds has no formula: how often it "
                    "runs depends on the inputs. wg.fori states a loop with a count."
                )
            elif hasattr(statement, "target"):
                self._plain(statement, counters)
            else:
                self.walk(statement, counters)  # a straight stretch

    def _plain(self, statement: Any, counters: tuple[int, ...]) -> None:
        memory = self.memories[statement.target.memory]
        place = statement.target.at(counters, self.index)
        if isinstance(statement, Accumulate):
            memory[place] = memory[place] + self._read(statement.operand, counters)
            return
        operands = [self._read(address, counters) for address in statement.operands]
        row = statement.row
        memory[place] = applied(self.sympy, row, operands) if row else operands[0]

    def _read(self, address: Address, counters: tuple[int, ...]) -> Any:
        return self.memories[address.memory][address.at(counters, self.index)]


def applied(sympy: ModuleType, row: Primitive, operands: Sequence[Any]) -> Any:
    """A row on expressions."""
    constants = [_number(sympy, constant) for constant in row.params]
    if row.name in ROWS:
        return ROWS[row.name](sympy, *operands, *constants)
    return getattr(sympy, row.name)(*operands)


def _number(sympy: ModuleType, number: float) -> Any:
    """A constant: an integer where it is whole, else with all its bits."""
    if number != number:
        return sympy.nan
    if abs(number) < EXACT and number == int(number):
        return sympy.Integer(int(number))
    return sympy.Float(number)


def _truth(sympy: ModuleType, condition: Any) -> Any:
    """1 where a condition holds, else 0."""
    return sympy.Piecewise((1, condition), (0, True))


def _condition(sympy: ModuleType, number: Any) -> Any:
    """The condition that a number is not 0; that of a truth is the one that made it."""
    if isinstance(number, sympy.Piecewise) and [value for value, _ in number.args] == [1, 0]:
        return number.args[0][1]
    return sympy.Ne(number, 0)
