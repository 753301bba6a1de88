"""Programs as one file of C99 that stands on its own: nothing but <math.h>, nothing allocated.

A program becomes a function of flat vectors: inputs, outputs, and a workspace whose size is known.
Loops stay loops, in the order in which they stand; a value that is read only in the iteration that
computes it is a local variable, and the rest is where `program/storage.py` keeps it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from wengert.derive import programs as transforms
from wengert.dispatch import describe
from wengert.errors import OperandError, ProgramError
from wengert.interop import c_names
from wengert.interop.c_body import PARAMETERS, Body, comment, function
from wengert.interop.c_library import Library
from wengert.program.program import Program
from wengert.program.spelling import spelled
from wengert.program.structure import ARRAY, NUMBER, Structure

LARGEST = 1_000_000  # statements in a file
LISTED = 40  # arguments and results that are described one by one


Derivatives = Sequence[str] | Mapping[str, Program]

# By all arguments.
TRANSFORMS: dict[str, Callable[[Program], Program]] = {
    "grad": partial(transforms.gradient, argnums=None),
    "value_and_grad": partial(transforms.gradient, argnums=None, value=True),
    "jacobian": partial(transforms.jacobian, argnums=None),
    "hessian": partial(transforms.hessian, argnums=None),
    "hvp": transforms.hvp,
    "jvp": transforms.jvp,
    "vjp": transforms.vjp,
}


def to_c(program: Program, name: str = "", derivatives: Derivatives = ()) -> str:
    """The text of a C file; see `Program.to_c`."""
    base = c_names.checked(name, "name") if name else c_names.made(program.name)
    programs = {base: program}
    for suffix, derivative in _derived(program, derivatives).items():
        key = c_names.checked(f"{base}_{suffix}", "each key of derivatives, behind the name,")
        if not isinstance(derivative, Program):
            raise OperandError(f"derivatives[{suffix!r}] is a program, not {describe(derivative)}.")
        programs[key] = derivative
    size = sum(each.size for each in programs.values())
    if size > LARGEST:
        raise ProgramError(
            f"A C file of {size:,} statements is more than a compiler can be expected to read; at "
            f"most {LARGEST:,} are written. Keep the loops: wg.fori and wg.scan state them."
        )
    return "\n".join(_File(programs).lines())


def _derived(program: Program, derivatives: Derivatives) -> Mapping[str, Program]:
    """The programs that are asked for, by name."""
    if isinstance(derivatives, Mapping):
        return derivatives
    if isinstance(derivatives, str) or not isinstance(derivatives, Sequence):
        raise OperandError(
            "derivatives is a list of names, or a dict from a name to a program, "
            f"not {describe(derivatives)}."
        )
    for name in derivatives:
        if name not in TRANSFORMS:
            raise OperandError(
                f"There is no derivative {name!r}. There are {', '.join(TRANSFORMS)}; any other "
                "program can be given in a dict, under a name."
            )
    return {name: TRANSFORMS[name](program) for name in derivatives}


class _File:
    def __init__(self, programs: Mapping[str, Program]) -> None:
        self.programs = programs
        self.library = Library()
        self.bodies = {name: Body(name, p, self.library) for name, p in programs.items()}
        names = [part for body in self.bodies.values() for part in body.part_names]
        names += [*programs, *(macro for name in programs for macro in _macros(name))]
        if twice := [name for name in names if names.count(name) > 1]:
            raise OperandError(f"Two things in the C file would be called {twice[0]}.")

    def lines(self) -> Iterator[str]:
        """The file."""
        yield from self._head()
        yield "#include <math.h>"
        yield ""
        yield "#if defined(__clang__) || !defined(__GNUC__) /* gcc does not know it */"
        yield "#pragma STDC FP_CONTRACT OFF"
        yield "#endif"
        yield ""
        yield from self.library.lines()
        for name, body in self.bodies.items():
            yield from _described(name, body)
            yield from body.parts
            yield from function(f"int {name}", body.lines)

    def _head(self) -> Iterator[str]:
        from wengert import __version__

        first = next(iter(self.programs))
        upper = first.upper()
        yield f"/* {first}: written by Wengert {__version__}."
        yield ""
        for name, program in self.programs.items():
            yield f"       {name:<24} {program.size:,} statements, key {program.key[:16]}"
        yield ""
        yield "   Each of these functions computes outputs y from inputs x, two vectors of doubles."
        yield "   It needs a workspace w, whose contents mean nothing before and after. The three"
        yield "   do not overlap. Nothing is allocated, and nothing else is written to: calls with"
        yield "   vectors of their own may run at the same time. To call it:"
        yield ""
        yield f"       int {first}({PARAMETERS});"
        yield f"       double x[{upper}_INPUTS], y[{upper}_OUTPUTS], w[{upper}_WORKSPACE];"
        yield f"       int failed = {first}(x, y, w);"
        yield ""
        yield "   It returns 0 if all went well. A number from 1 on is that of a guard: for these"
        yield "   inputs the recorded code takes another path, and y is not to be used. The comment"
        yield '   "guard 1, model.py:12" stands beside it. -1 says that a loop left its memory.'
        yield ""
        yield "   Compile it with -std=c99 and link with -lm. -ffast-math, -ffp-contract=fast and"
        yield "   the like change results. */"
        yield ""


def _macros(name: str) -> list[str]:
    return [f"{name.upper()}_{what}" for what in ("INPUTS", "OUTPUTS", "WORKSPACE")]


def _described(function_name: str, body: Body) -> Iterator[str]:
    """What a function takes and gives, and the sizes of that."""
    program = body.program
    title = comment(f"{program.name}: {len(program):,} operations in {program.size:,} statements")
    yield f"/* {function_name}, from the program {title}."
    if body.guards:
        yield f"   Its guards are numbered from 1 to {body.guards}."
    for vector, structure, name in (("x", program.arguments, ""), ("y", program.results, "out")):
        yield ""
        listed = list(_stretches(structure, name))
        for start, size, what in listed[:LISTED]:
            places = f"{vector}[{start}]" if size == 1 else f"{vector}[{start}..{start + size - 1}]"
            yield f"   {places:<20} {comment(what)}"
        if len(listed) > LISTED:
            yield f"   ... and {len(listed) - LISTED:,} more"
    yield " */"
    sizes = (program.arguments.size, program.results.size, max(body.kept.size, 1))
    for macro, size in zip(_macros(function_name), sizes, strict=True):
        yield f"#define {macro} {size}"
    yield ""


def _stretches(
    structure: Structure, name: str = "", start: int = 0
) -> Iterator[tuple[int, int, str]]:
    """Where the numbers of a structure are: the first, how many, and what they are."""
    alike = all(part.kind == NUMBER for part in structure.parts)
    if structure.kind in (NUMBER, ARRAY) or (structure.parts and alike and not structure.keys):
        shape = spelled(structure)
        if name and structure.kind in (NUMBER, ARRAY):
            shape = shape.removeprefix(NUMBER)
        space = " " if name and shape[:1].isalpha() else ""
        if structure.size:
            yield start, structure.size, f"{name}{space}{shape}"
        return
    for key, part in zip(
        structure.keys or range(len(structure.parts)), structure.parts, strict=True
    ):
        yield from _stretches(part, f"{name}.{key}" if name else str(key), start)
        start += part.size
