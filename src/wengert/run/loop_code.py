"""A program as a kernel that keeps its loops, in the order in which they stand in the text.

A value that is read only in the iteration that computes it is a register; the others are where
`program/storage.py` keeps them. Lanes go through all loops together. A while loop runs until the
last lane has left it; what leaves it is moved out, lane by lane, in the round in which a lane does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wengert.dispatch import Primitive
from wengert.errors import ProgramError
from wengert.primitives import mul
from wengert.program.address import CONSTANT, INPUT, MEMORIES, OUTPUT, SHIFT
from wengert.program.dependence import Level, Site, is_sum, sites_of, size_of
from wengert.program.statements import Accumulate, Guard, Loop, Run
from wengert.run.carried import Carried, Spot, Variable, carried, spot_of
from wengert.run.columns import AGAIN, FAILED, LINE, STOP
from wengert.run.lane_rows import Rows
from wengert.run.lanes import Lanes, Mask
from wengert.run.module import ARGUMENTS, Code, Function, Plan, module
from wengert.run.parallel import LANES, Parallel, parallel
from wengert.run.place import SMALL, SPACIOUS, Memories
from wengert.run.place_code import Places
from wengert.run.speculation import plain_sites
from wengert.run.straight import operand_places
from wengert.run.wide_code import Wide

PART = 400  # statements of a straight stretch that are a function
DEEPEST = 100  # loops inside each other
LONG = 1 << 14  # statements behind which it is looked whether to stop


def loop_code(plan: Plan) -> Code:
    """The kernel of a program with its loops."""
    return _Writing(plan).code()


@dataclass(frozen=True)
class _Round:
    """A loop that is being written: the number in its labels, and its counter."""

    number: int
    counter: str


class _Writing:
    def __init__(self, plan: Plan) -> None:
        self.plan, self.rows = plan, Rows(plan.exact)
        alone = plan.is_alone
        room = (SPACIOUS, LINE) if alone else (SMALL, 1)
        self.buffer = Memories(plan.program, *room, by_rows=True)
        self.kept = self.buffer.kept
        self.main = Function(plan, self.rows)
        self.block = self.main.block
        self.places = Places(plan.program, self.buffer, self.main, self.fail)
        self.stretches: list[Function] = []
        self.registers: dict[Site, Lanes] = {}
        self.variables: dict[Site, str] = {}  # registers that are assigned more than once
        self.plain, self.watched = self._speculated()
        self.nan = ""  # the variable for the lanes in which there was a NaN
        self.inside: list[Mask] = []  # the lanes that are in the while loops around
        self.leaving: Mask | None = None  # those that are just leaving one
        self.followed = Carried()  # in the loop that is being written
        self.now: dict[Spot, Lanes] = {}  # what is known to be at the places followed there

    def code(self) -> Code:
        """All of it."""
        block = self.block
        self.main.words.read_all()
        if self.plain:
            self.nan = self.main.variable("nan", block.masks)
            block.lines.append(f"store {block.masks} zeroinitializer, ptr {self.nan}")
        for site in self.kept.layout.sites:
            if is_sum(site) and not self.buffer.is_kept(site):
                assert site.target is not None
                self._make_variable(self.kept.registers[site, site.target])
        for column, place, count in self.places.columns(INPUT):
            k = self._open()
            at = self.places.integer("add", k.counter, place)
            self.main.keep(at, self.main.words.load(column, k.counter))
            self._close(k, count)
        self.tree(self.kept.layout.tree)
        for column, place, count in self.places.columns(OUTPUT):
            k = self._open()
            at = self.places.integer("add", k.counter, place)
            self.main.words.store(column, k.counter, self.main.kept(at))
            self._close(k, count)
        if self.plain:
            seen = Mask(block, block.put(f"load {block.masks}, ptr {self.nan}"))
            self.main.fail(seen, AGAIN)
        block.lines.append("br label %quit")
        block.begin("quit")
        functions = [self.main, *self.stretches]
        return module(self.plan, self.rows, functions, self.places.size, 1, bool(self.plain))

    def _speculated(self) -> tuple[set[Site], set[Site]]:
        """Products that are written as plain ones, and what is looked at for NaN."""
        if self.plan.strong:
            return set(), set()
        sites = self.kept.layout.sites
        stored = [bool(site.target) and self.buffer.is_kept(site) for site in sites]
        return plain_sites(self.kept, stored, self.places.in_place.copies)

    # --- loops ------------------------------------------------------------------------------------

    def tree(self, tree: Sequence[Site | Level]) -> None:
        """All statements."""
        for item in tree:
            if isinstance(item, Site):
                self.site(item)
                continue
            if item.depth >= DEEPEST:
                raise ProgramError(f"More than {DEEPEST} loops inside each other cannot be run.")
            if self.places.in_place.has_all(item):
                continue
            if isinstance(item.loop, Loop):
                self.loop(item, item.loop)
            else:
                self.repeat(item)

    def loop(self, level: Level, loop: Loop) -> None:
        """A loop that runs so often."""
        counters = self.places.counters
        if not self.inside and not self.leaving:
            self.followed = carried(level, self.kept)
        followed = self.followed
        found = None
        if self.plan.is_alone and not self.inside:
            found = parallel(level, self.kept, followed, self.plan.program.constants)
        variables = {
            each: self._variable_at(each, level.depth)
            for each in followed.variables if not found or each in found.variables
        }  # fmt: skip
        if found:
            self._side_by_side(level, loop, found, variables)
        else:
            self._rounds(level, loop.count, variables)
        self.followed = Carried()
        late = found.delays.pending if found else ()
        for each in dict.fromkeys((*followed.stored, *late)):
            counters[level.depth] = loop.count + each.rounds
            lanes = self._load(variables[each])
            if not self.watched.isdisjoint(followed.passed):
                self._watch(lanes.is_nan())
            self.places.write(each.site, each.address, lanes)
        del counters[level.depth]

    def _rounds(self, level: Level, count: int, variables: dict[Variable, str]) -> None:
        """One round after the other."""
        k = self._open()
        self.places.counters[level.depth] = k.counter
        self.now = {each.spot: self._load(at) for each, at in variables.items()}
        self.tree(level.parts[0])
        for each, at in variables.items():
            self._store(self.now[each.next], at)
        self.followed, self.now = Carried(), {}
        done = sum(size_of(site.counts[level.depth + 1 :]) for site in level.sites())
        if done >= LONG:
            self._leave_if_told()
        self._close(k, count)

    def _side_by_side(
        self, level: Level, loop: Loop, found: Parallel, variables: dict[Variable, str]
    ) -> None:
        """Rounds as lanes."""
        watched = self.watched.intersection(level.sites())
        wide = Wide(self, found, variables, self._watch, watched)
        whole, rest = divmod(loop.count, LANES)
        first = wide.begins_with(level, rest)  # what is left, or whole vectors
        self.places.counters[level.depth] = 0
        wide.prepare(level)
        if first:
            wide.body(first)
        if whole:
            k = self._open()
            around = self.places.integer("mul", k.counter, LANES)
            self.places.counters[level.depth] = self.places.integer("add", around, first)
            wide.body(LANES)
            self._close(k, whole)
        if rest > first:
            self.places.counters[level.depth] = whole * LANES
            wide.body(rest)
        wide.end()

    def _variable_at(self, carried: Variable, depth: int) -> str:
        """A variable that a round begins with, which has what is in memory."""
        at = self.main.variable(f"carried{len(self.block.lines)}", self.block.doubles)
        self.places.counters[depth] = carried.rounds
        self._store(self.places.read(carried.site, carried.address), at)
        return at

    def _load(self, at: str) -> Lanes:
        return Lanes(self.block, self.block.put(f"load {self.block.doubles}, ptr {at}"))

    def _store(self, lanes: Lanes, at: str) -> None:
        self.block.lines.append(f"store {self.block.doubles} {lanes.name}, ptr {at}")

    def _open(self) -> _Round:
        """The beginning of a loop."""
        block, number = self.block, len(self.block.lines)
        before, counter = block.label, f"%k{number}"
        block.lines.append(f"br label %loop{number}")
        block.begin(f"loop{number}")
        block.lines.append(f"{counter} = phi i64 [ 0, %{before} ], [ {counter}n, %next{number} ]")
        return _Round(number, counter)

    def _next(self, k: _Round) -> None:
        """Where a loop goes on."""
        self.block.lines.append(f"br label %next{k.number}")
        self.block.begin(f"next{k.number}")
        self.block.lines.append(f"{k.counter}n = add nuw nsw i64 {k.counter}, 1")

    def _close(self, k: _Round, count: int) -> None:
        """The end of a loop that runs so often."""
        self._next(k)
        more = self.block.put(f"icmp slt i64 {k.counter}n, {count}")
        self.block.lines.append(f"br i1 {more}, label %loop{k.number}, label %after{k.number}")
        self.block.begin(f"after{k.number}")

    def _leave_if_told(self) -> None:
        block, number = self.block, len(self.block.lines)
        told = block.put(f"load volatile i32, ptr {self.main.words.word(STOP, 'ptr')}")
        stops = block.put(f"icmp ne i32 {told}, 0")
        block.lines.append(f"br i1 {stops}, label %quit, label %on{number}")
        block.begin(f"on{number}")

    def repeat(self, level: Level) -> None:
        """A loop that runs, in each lane, as long as its condition holds there."""
        block, counters = self.block, self.places.counters
        first, (*test, condition), body, last = level.parts
        self._keep_for(last, body)
        counters[level.depth] = 0
        self.tree(first)
        lanes = self.main.variable(f"inside{len(block.lines)}", block.masks)
        block.lines.append(f"store {block.masks} {self._going().name}, ptr {lanes}")
        k = self._open()
        counters[level.depth] = k.counter
        self._leave_if_told()
        inside = Mask(block, block.put(f"load {block.masks}, ptr {lanes}"))
        self.inside.append(inside)
        self.tree(test)
        assert isinstance(condition, Site)
        holds = self.operand(condition, 0).differs(0.0)
        leaving, going = inside & ~holds, inside & holds & self._alive()
        self._branch(leaving, f"last{k.number}", f"test{k.number}")
        around, self.leaving = self.leaving, leaving
        self.tree(last)
        self.leaving = around
        block.lines.append(f"br label %test{k.number}")
        block.begin(f"test{k.number}")
        block.lines.append(f"store {block.masks} {going.name}, ptr {lanes}")
        self._branch(going, f"body{k.number}", f"after{k.number}")
        self.inside[-1] = going
        self.tree(body)
        self.inside.pop()
        self._next(k)
        block.lines.append(f"br label %loop{k.number}")
        block.begin(f"after{k.number}")
        del counters[level.depth]

    def _branch(self, mask: Mask, some: str, none: str) -> None:
        """To `some` if there are lanes in the mask, which is what comes next; else to `none`."""
        self.block.lines.append(f"br i1 {mask.any()}, label %{some}, label %{none}")
        self.block.begin(some)

    def _keep_for(self, last: Sequence[Site | Level], body: Sequence[Site | Level]) -> None:
        """Variables for what a round leaves to those that leave the loop in the next one."""
        made = set(sites_of(body))
        for site in sites_of(last):
            for address in site.reads:
                register = self.kept.registers.get((site, address))
                if register in made and register is not None:
                    self._make_variable(register)

    # --- lanes ------------------------------------------------------------------------------------

    def _going(self) -> Mask:
        """The lanes that a while loop begins with."""
        mask = self._alive()
        for each in (*self.inside[-1:], *([self.leaving] if self.leaving else [])):
            mask = mask & each
        return mask

    def _alive(self) -> Mask:
        """The lanes in which no guard has failed."""
        block = self.block
        kind = block.many("i8")
        at = block.put(f"getelementptr i8, ptr {self.main.words.word(FAILED, 'ptr')}, i64 %i")
        failed = block.put(f"load {kind}, ptr {at}, align 1")
        return Mask(block, block.put(f"icmp eq {kind} {failed}, zeroinitializer"))

    def fail(self, mask: Mask) -> None:
        """These lanes have left the path, those of them that are here."""
        for each in (*self.inside[-1:], *([self.leaving] if self.leaving else [])):
            mask = mask & each
        self.main.fail(mask)

    # --- statements -------------------------------------------------------------------------------

    def site(self, site: Site) -> None:
        """One statement."""
        statement = site.statement
        if isinstance(statement, Run):
            self.run(site, statement)
            return
        operands = [self.operand(site, number) for number in range(len(site.reads))]
        if isinstance(statement, Accumulate):
            self.assign(site, operands[0] + operands[1])
        elif isinstance(statement, Guard):
            result = self.rows.applied(statement.row, operands[:-1])
            self.assign(site, result)
            self.fail(result.differs(operands[-1]))
        else:
            row = mul if site in self.plain else getattr(statement, "row", None)
            self.assign(site, self.rows.applied(row, operands) if row else operands[0])

    def operand(self, site: Site, number: int) -> Lanes:
        """What a site reads."""
        address = site.reads[number]
        register = self.kept.registers.get((site, address))
        if register is not None:
            return self._value(register)
        known = None
        if (site, address) in self.kept.sources and not address.lookup:
            known = self.now.get(spot_of(address))
        return self.places.read(site, address) if known is None else known

    def _value(self, register: Site) -> Lanes:
        if register not in self.variables:
            return self.registers[register]
        return self._load(self.variables[register])

    def _make_variable(self, register: Site) -> None:
        if register not in self.variables:
            name = f"register{register.number}"
            self.variables[register] = self.main.variable(name, self.block.doubles)

    def assign(self, site: Site, lanes: Lanes) -> None:
        """The result of a site, to a memory or a register; of lanes that leave, theirs alone."""
        assert site.target is not None
        if site in self.watched and site not in self.followed.passed:
            self._watch(lanes.is_nan())
        if self.buffer.is_kept(site):
            if self.leaving:
                lanes = self.leaving.select(lanes, self.places.read(site, site.target))
            if site in self.kept.homes and not site.target.lookup:
                spot = spot_of(site.target)
                if spot in self.followed.spots:
                    self.now[spot] = lanes
            if site not in self.followed.silent:
                self.places.write(site, site.target, lanes)
            return
        register = self.kept.registers[site, site.target] if is_sum(site) else site
        if register not in self.variables:
            self.registers[site] = lanes
            return
        if self.leaving:
            lanes = self.leaving.select(lanes, self._value(register))
        self._store(lanes, self.variables[register])

    def _watch(self, found: Mask) -> None:
        """Remember where there is a NaN."""
        block = self.block
        before = Mask(block, block.put(f"load {block.masks}, ptr {self.nan}"))
        seen = before | found
        block.lines.append(f"store {block.masks} {seen.name}, ptr {self.nan}")

    # --- straight stretches -----------------------------------------------------------------------

    def run(self, site: Site, run: Run) -> None:
        """As functions of bounded size, which are called here."""
        items = self._items(site, run)
        memory = OUTPUT if run.outputs else ""
        for first in range(0, len(run), PART):
            stretch = _Stretch(self, Function(self.plan, self.rows))
            for _ in range(min(PART, len(run) - first)):
                stretch.write(memory, next(items))
            self.stretches.append(stretch.function)
            self.block.lines.append(f"call void @part{len(self.stretches)}({ARGUMENTS})")

    def _items(self, site: Site, run: Run) -> Iterator["_Item"]:
        start = run.start
        if not run.outputs:
            home = self.kept.homes[site]
            start += home.start - home.first
        places = operand_places(site, run, self.buffer).tolist()
        memories = [MEMORIES[code] for code in (run.operands >> SHIFT).tolist()]
        read = [*zip(memories, places, strict=True)]
        at = 0
        for place, number in enumerate(run.ops.tolist(), start):
            operation = run.operations[number]
            end = at + operation.reads
            yield _Item(operation.row, operation.guards, place, read[at:end])
            at = end


@dataclass(frozen=True)
class _Item:
    """A statement of a straight stretch."""

    row: Primitive | None
    guards: bool
    place: int
    reads: list[tuple[str, int]]


class _Stretch:
    """Statements of a straight stretch in one function; what it has once read it knows."""

    def __init__(self, writing: _Writing, function: Function) -> None:
        self.writing, self.function = writing, function
        self.packed = writing.places.packed
        self.known: dict[tuple[str, int], Lanes] = {}

    def write(self, memory: str, item: _Item) -> None:
        """One statement."""
        operands = [self._read(*each) for each in item.reads]
        result = operands[0]
        if item.row:
            result = self.writing.rows.applied(item.row, operands[: item.row.nin])
        if item.guards:
            self.function.fail(result.differs(operands[-1]))
        if memory != OUTPUT:
            self.known["value", item.place] = result
            self.function.keep(item.place, result)
        elif memory in self.packed:
            self.function.keep(self.packed[memory] + item.place, result)
        else:
            self.function.output(item.place, result)

    def _read(self, memory: str, place: int) -> Lanes:
        found = self.known.get((memory, place))
        if found is None:
            if memory == CONSTANT:
                number = float(self.writing.plan.program.constants[place])
                found = self.function.block.constant(number)
            elif memory in self.packed:
                found = self.function.kept(self.packed[memory] + place)
            elif memory == INPUT:
                found = self.function.input(place)
            else:
                found = self.function.kept(place)
            self.known[memory, place] = found
        return found
