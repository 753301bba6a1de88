"""A Program: a flat list of scalar operations, stored with its loops.

It means the list that recording a function gave, and `expand` gives that list back. It is stored
as statements with loops around them, whose addresses are affine in the loops' counters or looked
up in an index table. A Program never changes; passes make new ones.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.errors import OperandError
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Integers
from wengert.program.statements import (
    Accumulate,
    Assign,
    Guard,
    Loop,
    Run,
    Statement,
    While,
    fits_columns,
    parts,
    straight,
)
from wengert.program.structure import Floats, Structure

if TYPE_CHECKING:
    from os import PathLike

RUN_LENGTH = 64  # straight stretches of at least so many statements are kept in columns


@dataclass(frozen=True, slots=True)
class Note:
    """What a pass did."""

    name: str  # of the pass
    before: int  # statements
    after: int
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """A named stretch of the inputs: one argument, or one number or array in it."""

    name: str
    size: int


@dataclass(frozen=True, eq=False)
class Program:
    """A Wengert list that keeps its loops; see `wengert.record`.

    Args:
        statements: what it does, in order.
        values: the size of the value memory, which is the number of results kept in it.
        constants: the constant memory.
        index: the index table.
        arguments: the structure of its arguments, a tuple with the parameters' names as keys.
        results: the structure of what it gives.
        name: of the function it was recorded from.
        history: what each pass did.
    """

    statements: tuple[Statement, ...]
    values: int
    constants: Floats
    index: Integers
    arguments: Structure
    results: Structure
    name: str = "program"
    history: tuple[Note, ...] = ()
    _key: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        for name, kind in (("constants", np.float64), ("index", np.int64)):
            object.__setattr__(self, name, _lasting(getattr(self, name), kind))
        object.__setattr__(self, "statements", gathered(self.statements))

    @property
    def inputs(self) -> tuple[Slot, ...]:
        """The input memory, as named stretches in order."""
        return tuple(Slot(name, size) for name, size in self.arguments.slots())

    @property
    def sizes(self) -> dict[str, int]:
        """The size of each memory that all statements share."""
        return {
            VALUE: self.values,
            INPUT: self.arguments.size,
            CONSTANT: len(self.constants),
            OUTPUT: self.results.size,
        }

    def __len__(self) -> int:
        """How many operations it means; those of a `While` count once, and moves do not count."""
        return sum(map(operations, self.statements))

    def __bool__(self) -> bool:
        return True  # also where it only moves numbers

    @property
    def size(self) -> int:
        """How many statements it is stored in, loops included."""
        return _stored(self.statements)

    def __call__(self, *args: Any, **named: Any) -> Any:
        """The results for these arguments, which have the structure of the example's.

        Where there are recorded numbers among them, the program becomes part of what is being
        recorded; where there are Values, its results are Values.

        Raises:
            OperandError: the arguments have another structure.
            PathChanged: a comparison in the recorded code comes out otherwise for these arguments.
        """
        given = self.arguments.given(self.bound(args, named), self.name)
        return self.results.tree(self._outputs(given))

    def _outputs(self, given: Floats | list[Any]) -> Floats | list[Any]:
        if isinstance(given, np.ndarray):
            from wengert.run.interpret import interpret

            return interpret(self, given)
        from wengert.program.recorded import Recorded
        from wengert.program.splice import spliced
        from wengert.run.values import on_values

        if any(isinstance(each, Recorded) for each in given):
            return spliced(self, given)
        return on_values(self, given)

    def bound(self, args: Sequence[Any], named: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments by position, those given by name too."""
        names = self.arguments.keys
        free = names[len(args) :]
        if len(args) + len(named) != len(self.arguments.parts) or not set(named) <= set(free):
            listed = ", ".join(map(str, names)) or "none"
            given = [*map(str, names[: len(args)]), *named]
            given += [f"{len(args) - len(names)} more"] * (len(args) > len(names))
            raise OperandError(
                f"{self.name}() takes the arguments it was recorded with ({listed}), and got "
                f"{len(args) + len(named)} ({', '.join(given) or 'none'})."
            )
        return (*args, *(named[str(name)] for name in free))

    # --- what is the same -------------------------------------------------------------------------

    @property
    def key(self) -> str:
        """A hash of the contents: equal programs, and only those, have the same.

        Labels, source lines, the name and the history are not part of it.
        """
        if not self._key:
            digest = hashlib.sha256()
            meaning = (self.statements, self.values, self.arguments.data(), self.results.data())
            digest.update(_text_of(meaning).encode())
            digest.update(self.constants.tobytes())
            digest.update(self.index.tobytes())
            object.__setattr__(self, "_key", digest.hexdigest())
        return self._key

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, Program) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def __reduce__(self) -> Any:
        from wengert.program.file import dumped, restored

        makes = (*self.arguments.makes(), *self.results.makes())
        return restored, (dumped(self), makes)

    def __copy__(self) -> "Program":
        return self

    def __deepcopy__(self, memo: Any) -> "Program":
        return self

    # --- other forms ------------------------------------------------------------------------------

    def __str__(self) -> str:
        return self.text()

    def text(self, limit: int | None = None) -> str:
        """The printed form; with a limit, its first so many lines."""
        from wengert.program.text import text_of

        return text_of(self, limit)

    def __repr__(self) -> str:
        return f"<Program {self.name}: {len(self):,} operations in {self.size:,} statements>"

    @staticmethod
    def parse(text: str) -> "Program":
        """The program that was printed as `text`.

        Raises:
            ProgramError: the text is not that of a program; the message names line and column.
        """
        from wengert.program.parse import parsed

        return parsed(text)

    def save(self, path: "str | PathLike[str]") -> None:
        """Write it to a file, which `wengert.load` reads."""
        from wengert.program.file import save

        save(self, path)

    def expand(self) -> "Program":
        """The flat list it means: the same operations in record order, without loops.

        Raises:
            ProgramError: it is too long to be written out.
        """
        from wengert.program.expand import expanded

        return expanded(self)

    def simplify(self) -> "Program":
        """A program with the same results, bit for bit, and fewer operations."""
        from wengert.program.simplify import simplified

        return simplified(self)

    # --- other languages --------------------------------------------------------------------------

    def to_c(
        self, name: str = "", *, derivatives: "Sequence[str] | Mapping[str, Program]" = ()
    ) -> str:
        """One file of C99 that computes this program, and others beside it.

        It needs nothing but `<math.h>` and allocates nothing; loops stay loops. Each program is
        one function, `int name(const double *x, double *y, double *w)`, from the flat inputs to
        the flat outputs, with a workspace of `NAME_WORKSPACE` doubles. It returns 0, or the number
        of the first guard that does not hold. The file's header says all this again.

        Args:
            name: of the function; by default like the program's own.
            derivatives: what is written beside it: any of "grad", "value_and_grad", "jacobian",
                "hessian", "hvp", "jvp" and "vjp", by all arguments; or a dict of further programs.
                "grad" becomes the function `name_grad`.

        Returns:
            The text of the file.

        Raises:
            OperandError: a name cannot be that of a C function, or there is no such derivative.
            ProgramError: the program is not well-formed, or is too long to be compiled.

        Examples:
            >>> import wengert as wg
            >>> text = wg.record(lambda x, y: x * wg.sin(y), 1.0, 2.0).to_c("f")
            >>> print(text[text.index("#define F_INPUTS") :].rstrip())  # doctest: +ELLIPSIS
            #define F_INPUTS 2
            #define F_OUTPUTS 1
            #define F_WORKSPACE 1
            <BLANKLINE>
            int f(const double *restrict x, double *restrict y, double *restrict w)
            {
                (void)w;
                const double v0 = sin(x[1]); ...
                const double v1 = x[0] * v0;
                y[0] = v1;
                return 0;
            }
        """
        from wengert.interop.c import to_c

        return to_c(self, name, derivatives)

    def to_latex(self) -> str:
        r"""The formulas of a small program, as an `aligned` environment.

        Values have the names that `print` shows, with the counters of the loops around them as
        indices. What is used once stands where it is used; loops that add up or multiply are sums
        and products, and other loops are equations for a range of counters.

        Raises:
            ProgramError: it has more than 60 statements.

        Examples:
            >>> import wengert as wg
            >>> print(wg.record(lambda x, y: x * wg.sin(y), 1.0, 2.0).to_latex())
            \begin{aligned}
            \mathrm{program}(x, y) &= x \cdot \sin y
            \end{aligned}
        """
        from wengert.interop.latex import to_latex

        return to_latex(self)

    def to_sympy(self) -> Any:
        """The results as SymPy's expressions, on the path that was recorded.

        The symbols are real and named after the inputs: x, x_0 in an array, x_0_1 in a matrix, p_a
        in a dict p. Whole constants are integers, and `stop_gradient(x)` is x.

        Returns:
            The structure that calling the program gives, with expressions for numbers.

        Raises:
            ProgramError: it has a loop without a count, or more than 10,000 operations.
            MissingExtraError: SymPy is not installed.

        Examples:
            >>> import wengert as wg
            >>> wg.record(lambda x, y: x * wg.sin(y), 1.0, 2.0).to_sympy()
            x*sin(y)
        """
        from wengert.interop.symbolic import to_sympy

        return to_sympy(self)

    def explain(self) -> str:
        """What each pass did, a paragraph each."""
        lines = []
        for note in self.history:
            lines.append(f"{note.name}: {note.before:,} statements -> {note.after:,}")
            lines += [f"  {detail}" for detail in note.details]
        return "\n".join(lines)

    def passed(self, name: str, details: Iterable[str] = (), **changed: Any) -> "Program":
        """The program after a pass that changed these fields, with a note of it."""
        statements = changed.get("statements", self.statements)
        before = self.size
        after = before if statements is self.statements else _stored(statements)
        note = Note(name, before, after, tuple(details))
        return replace(self, history=(*self.history, note), **changed)


def _lasting(table: Any, kind: type[np.float64] | type[np.int64]) -> Any:
    """The table as one that nobody can change; what is laid over bytes of its own is one already.

    NaN is one number for all, so that equal programs are equal.
    """
    found = np.asarray(table, kind)
    if kind is np.float64 and np.isnan(found).any():
        found = np.where(np.isnan(found), np.nan, found)
    lasts = isinstance(found.base, bytes) and len(found.base) == found.nbytes
    if lasts and found.ndim == 1:
        return found
    return np.frombuffer(found.tobytes(), kind)


Pass = Callable[[Program], Program]


def gathered(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """The same statements, long straight stretches outside loops kept in columns.

    There is one way to store a sequence, so that equal programs are stored alike.
    """
    statements = tuple(statements)
    if not _is_long(statements):
        return statements
    out: list[Statement] = []
    stretch: list[Assign | Guard | Run] = []

    def flush() -> None:
        if len(stretch) == 1 and isinstance(stretch[0], Assign | Guard):
            out.append(stretch[0])
        elif sum([len(s) if isinstance(s, Run) else 1 for s in stretch]) < RUN_LENGTH:
            out.extend([item for s in stretch for item in (s if isinstance(s, Run) else (s,))])
        elif len(stretch) == 1:
            out.extend(stretch)
        else:
            items = [item for s in stretch for item in (s if isinstance(s, Run) else (s,))]
            out.append(straight(items))
        stretch.clear()

    for statement in statements:
        if isinstance(statement, Assign | Guard | Run):
            if stretch and not _follows(stretch[-1], statement):
                flush()
            stretch.append(statement)
        else:
            if stretch:
                flush()
            out.append(statement)
    flush()
    return tuple(out)


def _is_long(statements: Sequence[Statement]) -> bool:
    """Whether there may be something to keep in columns, or too little in some."""
    length = 0
    for statement in statements:
        if isinstance(statement, Run):
            return True
        length = length + 1 if isinstance(statement, Assign | Guard) else 0
        if length == RUN_LENGTH:
            return True
    return False


def _follows(before: Assign | Guard | Run, after: Assign | Guard | Run) -> bool:
    memory, _, end, fits = _extent(before)
    other, start, _, fits_too = _extent(after)
    return fits and fits_too and memory == other and end == start


def _extent(statement: Assign | Guard | Run) -> tuple[str, int, int, bool]:
    """Where its results go, from and to, and whether it fits into columns."""
    if isinstance(statement, Run):
        end = statement.start + len(statement)
        return (OUTPUT if statement.outputs else VALUE), statement.start, end, True
    target = statement.target
    return target.memory, target.base, target.base + 1, fits_columns(statement)


def operations(statement: Statement) -> int:
    """How many operations a statement means; moves do not count."""
    if isinstance(statement, Run):
        if all(operation.row for operation in statement.operations):
            return len(statement)
        moves = [k for k, operation in enumerate(statement.operations) if operation.row is None]
        return len(statement) - int(np.isin(statement.ops, moves).sum())
    if isinstance(statement, Loop):
        return statement.count * sum(map(operations, statement.body))
    if isinstance(statement, While):
        return sum(operations(below) for part in parts(statement) for below in part)
    return 0 if isinstance(statement, Assign) and statement.row is None else 1


def _stored(statements: Sequence[Statement]) -> int:
    """How many statements these are, those in loops and columns included."""
    count = len(statements)
    for statement in statements:
        if isinstance(statement, Loop):
            count += _stored(statement.body)
        elif isinstance(statement, Run):
            count += len(statement) - 1
        elif isinstance(statement, While):
            count += sum(map(_stored, parts(statement)))
    return count


def _text_of(meaning: Any) -> str:
    """A text that is the same for equal meanings."""
    if isinstance(meaning, Run):
        start, operations, ops, operands, outputs = meaning.key()
        hashes = [hashlib.sha256(column).hexdigest() for column in (ops, operands)]
        return repr((start, operations, hashes, outputs))
    if isinstance(meaning, tuple):
        return f"({','.join(map(_text_of, meaning))})"
    if isinstance(meaning, Assign | Guard):
        row = meaning.row.content if meaning.row else ()
        expected = meaning.expected if isinstance(meaning, Guard) else None
        return repr((type(meaning).__name__, row, meaning.target, meaning.operands, expected))
    if isinstance(meaning, Accumulate):
        return repr(("+=", meaning.target, meaning.operand))
    if isinstance(meaning, Loop):
        return f"for {meaning.count}{' again' * meaning.again}{_text_of(meaning.body)}"
    if isinstance(meaning, While):
        return f"while {meaning.local}{meaning.condition}{_text_of(parts(meaning))}"
    return repr(meaning)
