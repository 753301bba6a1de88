"""The statements of a program as the body of a C function."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from wengert.dispatch import Primitive
from wengert.interop.c_data import CONSTANTS, INDEX, Data
from wengert.interop.c_library import Library, number
from wengert.program.address import (
    CONSTANT,
    INPUT,
    MEMORIES,
    OUTPUT,
    SHIFT,
    VALUE,
    Address,
)
from wengert.program.dependence import Level, Site, Table, is_sum, sites_of
from wengert.program.program import Program
from wengert.program.statements import Guard, Operation, Run, While
from wengert.run.place import FAR, Memories, Place, affine
from wengert.run.straight import operand_places
from wengert.run.writer import Loops, Writer

NAMES = {INPUT: "x", OUTPUT: "y", VALUE: "w"}
PARAMETERS = "const double *restrict x, double *restrict y, double *restrict w"
COLUMN = 56  # where comments stand
PART = (
    500  # statements of a straight stretch that are a function; compilers are slow on longer ones
)
LONGEST = 100  # of a name in a comment


def comment(text: str) -> str:
    """A text that does not end the comment it stands in, nor upset a compiler, on one line."""
    shown = "".join(c if c.isprintable() else "?" for c in text[:LONGEST])
    shown += "..." * (len(text) > LONGEST)
    for sign in ("*/", "/*", "??"):  # the last would be a trigraph
        shown = shown.replace(sign, f"{sign[0]} {sign[1]}")
    return shown.replace("??", "? ?").rstrip("\\")


class Body(Writer):
    """The lines of a function, and of those that it is taken apart into."""

    loops = Loops(
        "for (long long {0} = 0; {0} < {1}; ++{0}) {{", "long long {0} = 0;", "for (;;) {",
        "if ({0} == 0.0) break;", "++{0};", "}", 100,
    )  # fmt: skip

    def __init__(self, name: str, program: Program, library: Library) -> None:
        super().__init__(Memories(program))
        self.name, self.program, self.library = name, program, library
        self.table = Table(program.index)
        self.live, self.read = self._alive()
        sites = [site for site in self.kept.layout.sites if site in self.live]
        self.data = Data(program, sites, self.table)
        self.sums = {self._sum(site) for site in self.kept.layout.sites}
        self.declared: set[Site] = set()  # registers that are declared ahead of their assignment
        self.guards = 0
        self.parts: list[str] = []  # the functions, as lines
        self.part_names: list[str] = []
        self.source = ""
        self.lines += [f"    {line}" for line in self.data.lines()]
        self.tree(self.kept.layout.tree)
        self.line("return 0;")

    def _alive(self) -> tuple[set[Site], set[Site]]:
        """The statements that something comes of, and those whose registers they read."""
        live: set[Site] = set()
        read: set[Site] = set()
        for site in reversed(self.kept.layout.sites):
            acts = isinstance(site.statement, Run | While | Guard) or self.buffer.is_kept(site)
            if acts or site in read or self._sum(site) in read:
                live.add(site)
                registers = (self.kept.registers.get((site, address)) for address in site.reads)
                read.update(register for register in registers if register)
        return live, read

    def _sum(self, site: Site) -> Site | None:
        """The register that a site adds to."""
        if not is_sum(site) or site.target is None:
            return None
        return self.kept.registers.get((site, site.target))

    # --- loops ------------------------------------------------------------------------------------

    def repeat(self, level: Level, counter: str) -> None:
        """A loop that runs as long as its condition holds, in a block for what it declares."""
        self.open("{")
        seen_later = [
            self.kept.registers.get((site, address))
            for site in sites_of(level.parts[3]) for address in site.reads
        ]  # fmt: skip
        inside = {*sites_of(level.parts[1]), *sites_of(level.parts[2])}
        ahead = [site for site in dict.fromkeys(seen_later) if site in inside]
        for site in ahead:
            assert site is not None
            self.declared.add(site)
            self.line(f"double v{site.number};")
        start = len(self.lines)
        super().repeat(level, counter)
        mentioned = re.findall(rf"\b{counter}\b", "\n".join(self.lines[start:]))
        if len(mentioned) == 2:  # where it is declared and where it is advanced
            own = (self.loops.start.format(counter), self.loops.advance.format(counter))
            self.lines[start:] = [s for s in self.lines[start:] if s.strip() not in own]
        self.close()

    # --- statements -------------------------------------------------------------------------------

    def site(self, site: Site) -> None:
        """One statement, the user's line beside it; nothing where nothing comes of it."""
        if site not in self.live:
            return
        start = len(self.lines)
        super().site(site)
        if not isinstance(site.statement, Run) and start < len(self.lines):
            label, source = (getattr(site.statement, name, "") for name in ("label", "source"))
            guards = isinstance(site.statement, Guard)
            self.lines[-1] = self._noted(self.lines[-1], guards, label, source)

    def _noted(self, text: str, guards: bool, label: str, source: str) -> str:
        """A line with what is known of it: the guard's number, the label, the user's line."""
        said = [f"guard {self.guards}"] if guards else []
        said += [label] if label else []
        said += [source] if source and (source != self.source or said) else []
        self.source = source or self.source
        return f"{text:<{COLUMN}} /* {comment(', '.join(said))} */" if said else text

    def assign(self, site: Site, text: str) -> None:
        """To a place or a variable, which is declared there if it has not been before."""
        variable = not (self.buffer.is_kept(site) or is_sum(site) or site in self.declared)
        kind = ("double " if site in self.sums else "const double ") if variable else ""
        self.line(f"{kind}{self.result(site)} = {text};")

    def guard(self, site: Site, guard: Guard, operands: Sequence[str], expected: str) -> None:
        """A way out if the operation gives something else."""
        text = self.applied(guard.row, operands)
        if self.buffer.is_kept(site) or site in self.read:
            self.assign(site, text)
            text = self.result(site)
        self._unless(text, expected)

    def _unless(self, text: str, expected: str) -> None:
        self.guards += 1
        self.line(f"if (({text}) != {expected}) return {self.guards};")

    def applied(self, row: Primitive, operands: Sequence[str]) -> str:
        """The row's spelling in C."""
        return self.library.applied(row, operands)

    # --- straight stretches -----------------------------------------------------------------------

    def run(self, site: Site, run: Run) -> None:
        """Line by line; a long one as functions, which are called here."""
        statements = self._items(site, run)
        if len(run) <= PART:
            for text in statements:
                self.line(text)
            return
        for _ in range(0, len(run), PART):
            declared = "" if self.part_names else "int "
            part = f"{self.name}_part{len(self.part_names) + 1}"
            self.part_names.append(part)
            lines = [f"    {text}" for text in islice(statements, PART)]
            self.parts += function(f"static int {part}", [*lines, "    return 0;"])
            self.line(f"{declared}failed = {part}(x, y, w);")
            self.line("if (failed != 0) return failed;")

    def _items(self, site: Site, run: Run) -> Iterator[str]:
        start = run.start
        if not run.outputs:
            home = self.kept.homes[site]
            start += home.start - home.first
        places = operand_places(site, run, self.buffer).tolist()
        codes = run.operands.tolist()
        at = 0
        for k, op in enumerate(run.ops.tolist()):
            operation = run.operations[op]
            here = slice(at, at + operation.reads)
            at = here.stop
            operands = [*map(self._of_run, codes[here], places[here])]
            target = f"{'y' if run.outputs else 'w'}[{start + k}]"
            text = f"{target} = {self._item(operation, operands)};"
            source = run.sources[run.lines[k]] if len(run.lines) else ""
            if operation.guards:
                self.guards += 1
                text += f" if ({target} != {operands[-1]}) return {self.guards};"
            yield self._noted(text, operation.guards, run.labels.get(k, ""), source)

    def _item(self, operation: Operation, operands: list[str]) -> str:
        if operation.row is None:
            return operands[0]
        return self.applied(operation.row, operands[: operation.row.nin])

    def _of_run(self, code: int, place: int) -> str:
        memory = MEMORIES[code >> SHIFT]
        if memory == CONSTANT:
            return number(self.program.constants[place])
        return f"{NAMES[memory]}[{place}]"

    # --- places -----------------------------------------------------------------------------------

    def place(self, site: Site, address: Address) -> str:
        """A place of a memory, or the number that a constant is."""
        if address.memory != CONSTANT:
            name, place = NAMES.get(address.memory, "w"), self.buffer.place(site, address)
        elif literal := self.data.literal(address, site.counts):
            return literal
        else:
            name, place = CONSTANTS, self.data.place(address, site.counts)
        return f"{name}[{self._within(place, site.counts)}]"

    def _within(self, place: Place, counts: Sequence[int]) -> str:
        """Where in its memory a place is; a look at its bounds comes before, if it takes one."""
        base, start, lookup = place.base, place.start, place.address.lookup
        if place.window:
            return (
                f"{start} + {self._wrapped(place, counts)}"
                if start
                else self._wrapped(place, counts)
            )
        if lookup is None:
            text = affine(base, place.strides)
            if place.checked:
                self._check(text, place.size)
            return affine(base + start, place.strides)
        text = self._looked_up(place)
        if place.checked:
            self._check(text, place.size)
        return f"{start} + {text}" if start else text

    def _wrapped(self, place: Place, counts: Sequence[int]) -> str:
        """The place within a window; `%` wants what is not negative."""
        low = place.lowest(counts, self.table)
        if place.address.lookup:
            text = self._looked_up(place)
            ahead = f"{text} + {-(low // place.size) * place.size}" if low < 0 else text
        else:
            ahead = affine(place.base - min(low // place.size, 0) * place.size, place.strides)
            text = affine(place.base, place.strides)
        if low > -FAR:
            return f"({ahead}) % {place.size}" if " " in ahead else f"{ahead} % {place.size}"
        return f"(({text}) % {place.size} + {place.size}) % {place.size}"

    def _looked_up(self, place: Place) -> str:
        lookup = place.address.lookup
        assert lookup is not None
        entry = affine(lookup.start, lookup.strides)
        if place.checked:
            self._check(entry, len(self.program.index))
        text = f"{INDEX}[{entry}]"
        if place.base or any(place.strides):
            text = f"{text} + {affine(place.base, place.strides)}"
        return text if place.step == 1 else f"({text}) / {place.step}"

    def _check(self, text: str, size: int) -> None:
        """A way out for a place that is not in its memory."""
        self.line(f"if ((unsigned long long)({text}) >= {size}) return -1;")


def function(head: str, lines: Sequence[str]) -> list[str]:
    """The lines of a function; a parameter that it does not use is said to be so."""
    text = "\n".join(lines)
    unused = [name for name in "xyw" if not re.search(rf"\b{name}\b", text)]
    voids = [f"    (void){name};" for name in unused]
    return [f"{head}({PARAMETERS})", "{", *voids, *lines, "}", ""]
