"""The rounds of a loop as lanes of vectors, in a kernel that computes one example.

Numbers that stand side by side are loaded and stored together, and others one by one. What only
adds to a sum adds to one sum in each lane; these are added up when the loop has ended. The last
rounds, where they are fewer than the lanes, are the first lanes of one more vector, and the other
lanes of it load, store and add nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from wengert.primitives import mul
from wengert.program.address import CONSTANT, OUTPUT, VALUE, Address
from wengert.program.dependence import Level, Site, is_sum
from wengert.program.statements import Accumulate
from wengert.program.storage import Array, Storage
from wengert.run.carried import Spot, Variable, spot_of
from wengert.run.columns import LINE
from wengert.run.lane_rows import Rows
from wengert.run.lanes import Block, Lanes, Mask
from wengert.run.module import Function
from wengert.run.parallel import LANES, Parallel, terms
from wengert.run.place import Place, one_number
from wengert.run.place_code import Places

Where = tuple[Array | str, Spot]  # an array or a memory, and a place in it


class Around(Protocol):
    """The code around the loop."""

    kept: Storage
    main: Function
    rows: Rows
    places: Places
    plain: set[Site]
    registers: dict[Site, Lanes]
    variables: dict[Site, str]


class Wide:
    """The body of one loop, for as many rounds at a time as there are lanes.

    Args:
        around: the code around it, whose places are those of the first lane.
        found: what is to be known of it.
        variables: those that the loop carries.
        watch: told of NaN.
        watched: the statements in the loop that have to be looked at for it.
    """

    def __init__(
        self, around: Around, found: Parallel, variables: Mapping[Variable, str],
        watch: Callable[[Mask], None], watched: set[Site],
    ) -> None:  # fmt: skip
        self.around, self.found, self.variables = around, found, variables
        self.watch, self.watched, self.sums = watch, watched, found.sums
        outer = around.main.block
        self.block = Block(LANES, outer.flags.strip())
        self.block.lines, self.block.declarations = outer.lines, outer.declarations
        self.registers: dict[Site, Lanes] = {}
        self.fixed: dict[Where, Lanes] = {}  # what all rounds read at the same place
        self.loaded: dict[Where, Lanes] = {}  # what is at places that the loop does not write to
        self.held: dict[Where, tuple[Site, Lanes]] = {}  # what is still to be stored
        self.now: dict[Spot, Lanes] = {}  # what is at the places that are followed
        self.rounds = LANES
        doubles, masks = self.block.doubles, self.block.masks
        self.before = {each: self._last(each) for each in found.delays.variables.values()}
        self.totals = {site: self._zero(f"lanes{site.number}", doubles) for site in self.sums}
        self.nan = self._zero("nan", masks) if watched - set(self.sums) else ""

    def _zero(self, name: str, kind: str) -> str:
        """A variable that is 0 when the loop begins."""
        lines = self.block.lines
        at = self.around.main.variable(f"{name}.{len(lines)}", kind)
        lines.append(f"store {kind} zeroinitializer, ptr {at}")
        return at

    def _last(self, variable: Variable) -> str:
        """A variable whose last lane, in the order of the rounds, is what is carried."""
        at = self.around.main.variable(f"last.{len(self.block.lines)}", self.block.doubles)
        lanes = self.block.spread(self._variable(self.variables[variable]))
        self._store(lanes, at)
        return at

    def prepare(self, level: Level) -> None:
        """Before the loop, load what it reads at the same place in all rounds."""
        outer = self.around.main.block
        self.block.begin_as(outer.label)
        self.loaded = self.fixed
        for site in level.sites():
            for address in terms(site, self.sums):
                in_memory = (site, address) not in self.around.kept.registers
                if in_memory and not address.strides[-1] and site not in self.found.copying:
                    self._read(site, address)
        outer.begin_as(self.block.label)

    def begins_with(self, level: Level, rest: int) -> int:
        """How many rounds to begin with, of so many that are left over: all or none.

        The vectors of the others are to be in one line of the cache where they can.
        """
        kept, places = self.around.kept, []
        late = self.found.delays
        for site in level.sites():
            touched = [
                each for each in terms(site, self.sums)
                if (site, each) not in kept.registers and (site, each) not in late.served
            ]  # fmt: skip
            if site.target and (site in kept.homes or site.target.memory == OUTPUT):
                touched += [site.target] * (site not in self.found.unwritten)
            places += [self.around.places.aligned(site, each) for each in touched]
        on_a_line = [sum(_begins_lines(each, k) for each in places) for k in (0, rest)]
        return rest if on_a_line[1] > on_a_line[0] else 0

    def body(self, rounds: int) -> None:
        """All statements of so many rounds."""
        outer = self.around.main.block
        self.block.begin_as(outer.label)
        self.rounds, self.registers = rounds, {}
        self.loaded, self.held, self.now = {**self.fixed}, {}, {}
        for site in self.found.delays.order:
            self._site(site)
        for variable in self.before:
            self._store(self._for_later(self._followed(variable.next)), self.before[variable])
        for site, lanes in self.held.values():
            assert site.target is not None
            self._write(site, site.target, lanes)
        outer.begin_as(self.block.label)

    def end(self) -> None:
        """Behind the loop: give the code around what is carried, and the sums of all lanes."""
        for variable, at in self.before.items():
            outer = self.around.main.block
            last = outer.spread(self.block.lane(self._load(at).name, self._newest(LANES)))
            text = f"store {outer.doubles} {last.name}, ptr {self.variables[variable]}"
            self.block.lines.append(text)
        for site, sum_ in self.sums.items():
            total = sum_.total
            at = self.around.variables[total] if isinstance(total, Site) else self.variables[total]
            block = self.around.main.block
            before = Lanes(block, block.put(f"load {block.doubles}, ptr {at}"))
            after = before + self._folded(self._load(self.totals[site]))
            block.lines.append(f"store {block.doubles} {after.name}, ptr {at}")
            if site in self.watched:
                self.watch(after.is_nan())
        if self.nan:
            block = self.around.main.block
            self.watch(Mask(block, block.spread_of("i1", self._seen().any())))

    # --- statements -------------------------------------------------------------------------------

    def _site(self, site: Site) -> None:
        if site in self.found.copying:
            return
        statement, around = site.statement, self.around
        operands = [self._read(site, address) for address in terms(site, self.sums)]
        if site in self.sums:
            before, term = self._load(self.totals[site]), self._alive(operands[0])
            total = before - term if self.sums[site].subtracts else before + term
            self._store(total, self.totals[site])
            return
        if isinstance(statement, Accumulate):
            result = operands[0] + operands[1]
        else:
            row = mul if site in around.plain else getattr(statement, "row", None)
            result = around.rows.applied(row, operands) if row else operands[0]
        if site in self.watched:
            seen = self._seen() | self._alive(result).is_nan()
            self.block.lines.append(f"store {self.block.masks} {seen.name}, ptr {self.nan}")
        self._assign(site, result)

    def _assign(self, site: Site, lanes: Lanes) -> None:
        assert site.target is not None
        kept = self.around.kept
        where = self._where(site, site.target)
        if site in kept.homes and self.found.delays.follows(where[1]):
            self.now[where[1]] = lanes
        if site in self.found.unwritten:
            return
        if where[0] in self.found.held:
            self.held[where] = site, lanes
        elif site in kept.homes or site.target.memory in self.around.places.leaves:
            self._write(site, site.target, lanes)
        else:
            self.registers[kept.registers[site, site.target] if is_sum(site) else site] = lanes

    # --- numbers ----------------------------------------------------------------------------------

    def _where(self, site: Site, address: Address) -> Where:
        """The array or memory that an address is in, and its place there."""
        kept = self.around.kept
        array = kept.sources.get((site, address)) or kept.homes.get(site)
        return array if array and address.memory == VALUE else address.memory, spot_of(address)

    def _read(self, site: Site, address: Address) -> Lanes:
        around = self.around
        register = around.kept.registers.get((site, address))
        if register in self.registers and register is not None:
            return self.registers[register]
        if register is not None:
            return self.block.spread(self._of_the_outside(register))
        places, same = around.places, self.found.same.get(spot_of(address))
        if same and (site, address) in around.kept.sources:
            return self.block.spread(self._variable(self.variables[same]))
        if address.memory == CONSTANT:
            number = one_number(places.program, address, site.counts, places.table)
            if number is not None:
                return self.block.constant(number)
        where = self._where(site, address)
        if (site, address) in self.found.delays.served:
            return self._followed(where[1])
        if where in self.held:
            return self.held[where][1]
        lanes = self.loaded.get(where) or self._loaded(*places.pointer(site, address))
        if where[0] not in self.found.written and address.memory != OUTPUT:
            self.loaded[where] = lanes
        return lanes

    # --- what comes a round later -----------------------------------------------------------------

    def _followed(self, spot: Spot) -> Lanes:
        """What is at a place now: left by the rounds before, if nothing has been written to it."""
        if spot not in self.now:
            variable = self.found.delays.variables[spot]
            self.now[spot] = self._delayed(self._followed(variable.next), self.before[variable])
        return self.now[spot]

    def _delayed(self, lanes: Lanes, before: str) -> Lanes:
        """In each lane what the round before has in its own."""
        last, order = self._load(before), [*range(LANES - 1, 2 * LANES - 1)]
        two = f"{self.block.doubles} {last.name}, {self.block.doubles} {lanes.name}"
        if self.found.descending:
            order = [*range(1, self.rounds), LANES, *range(self.rounds, LANES)]
            two = f"{self.block.doubles} {lanes.name}, {self.block.doubles} {last.name}"
        return self._shuffled(two, order)

    def _for_later(self, lanes: Lanes) -> Lanes:
        """With the newest round in the lane where it is looked for."""
        if self.rounds == LANES or self.found.descending:
            return lanes
        return self.block.spread(self.block.lane(lanes.name, self._newest(self.rounds)))

    def _newest(self, rounds: int) -> int:
        """The lane of the last round."""
        return 0 if self.found.descending else rounds - 1

    # --- memory -----------------------------------------------------------------------------------

    def _loaded(self, pointer: str, stride: int) -> Lanes:
        """The numbers that start at a pointer and are so far apart, one in each lane."""
        put, block = self.block.put, self.block
        if stride == 0:
            return block.spread(put(f"load double, ptr {pointer}"))
        if abs(stride) == 1:
            name = self._vector(self._lowest(pointer, stride))
            return self._turned(Lanes(block, name), stride)
        result = "zeroinitializer"
        for lane, there in self._scattered(pointer, stride):
            one = put(f"load double, ptr {there}, align 8")
            result = block.with_lane(result, lane, one)
        return Lanes(block, result)

    def _write(self, site: Site, address: Address, lanes: Lanes) -> None:
        pointer, stride = self.around.places.pointer(site, address)
        block = self.block
        if abs(stride) == 1:
            pointer, lanes = self._lowest(pointer, stride), self._turned(lanes, stride)
            if self.rounds == LANES:
                text = f"store {block.doubles} {lanes.name}, ptr {pointer}, align 8"
            else:
                name, given = f"llvm.masked.store.v{LANES}f64.p0", f"{block.doubles} {lanes.name}"
                kinds = f"{block.doubles}, ptr, i32, {block.masks}"
                block.declarations[name] = f"declare void @{name}({kinds})"
                text = f"call void @{name}({given}, ptr {pointer}, i32 8, {self._active()})"
            block.lines.append(text)
            return
        for lane, there in self._scattered(pointer, stride):
            one = block.lane(lanes.name, lane)
            block.lines.append(f"store double {one}, ptr {there}, align 8")

    def _vector(self, pointer: str) -> str:
        """Numbers that stand side by side."""
        put, doubles = self.block.put, self.block.doubles
        if self.rounds == LANES:
            return put(f"load {doubles}, ptr {pointer}, align 8")
        name, zeros = f"llvm.masked.load.v{LANES}f64.p0", f"{doubles} zeroinitializer"
        kinds = f"ptr, i32, {self.block.masks}, {doubles}"
        self.block.declarations[name] = f"declare {doubles} @{name}({kinds})"
        return put(f"call {doubles} @{name}(ptr {pointer}, i32 8, {self._active()}, {zeros})")

    def _lowest(self, pointer: str, stride: int) -> str:
        """Where the lowest of numbers is that stand side by side, given that of the first round."""
        return self._moved(pointer, min(stride, 0) * (self.rounds - 1))

    def _scattered(self, pointer: str, stride: int) -> Iterator[tuple[int, str]]:
        """The lanes, and where their numbers are."""
        for k in range(self.rounds):
            lane = self.rounds - 1 - k if self.found.descending else k
            yield lane, self._moved(pointer, k * stride)

    def _moved(self, pointer: str, places: int) -> str:
        if not places:
            return pointer
        return self.block.put(f"getelementptr double, ptr {pointer}, i64 {places}")

    def _turned(self, lanes: Lanes, stride: int) -> Lanes:
        """The other way round, if the first lane is not that of the lowest place."""
        if (stride < 0) == self.found.descending:
            return lanes
        order = [*reversed(range(self.rounds)), *range(self.rounds, LANES)]
        doubles = self.block.doubles
        return self._shuffled(f"{doubles} {lanes.name}, {doubles} poison", order)

    def _shuffled(self, two: str, order: Iterable[int]) -> Lanes:
        """The numbers of two vectors in another order."""
        mask = f"<{LANES} x i32> <{', '.join(f'i32 {lane}' for lane in order)}>"
        return Lanes(self.block, self.block.put(f"shufflevector {two}, {mask}"))

    def _alive(self, lanes: Lanes) -> Lanes:
        """Lanes in which there is a round; 0 in the others."""
        if self.rounds == LANES:
            return lanes
        text = f"{self.block.doubles} {lanes.name}, {self.block.doubles} zeroinitializer"
        return Lanes(self.block, self.block.put(f"select {self._active()}, {text}"))

    def _active(self) -> str:
        """The lanes in which there is a round."""
        bits = ", ".join(f"i1 {int(lane < self.rounds)}" for lane in range(LANES))
        return f"{self.block.masks} <{bits}>"

    def _of_the_outside(self, register: Site) -> str:
        """A number of the code around."""
        around = self.around
        if register in around.variables:
            return self._variable(around.variables[register])
        return self._first(around.registers[register].name)

    def _variable(self, at: str) -> str:
        return self._first(self.block.put(f"load {self.around.main.block.doubles}, ptr {at}"))

    def _first(self, name: str) -> str:
        return self.around.main.block.lane(name, 0)

    def _folded(self, lanes: Lanes) -> Lanes:
        """The sum of all lanes: of the two halves, of theirs, and so on."""
        put, name, width = self.block.put, lanes.name, LANES
        while width > 1:
            kind, width = f"<{width} x double>", width // 2
            halves = [
                put(
                    f"shufflevector {kind} {name}, {kind} poison, <{width} x i32> "
                    f"<{', '.join(f'i32 {lane}' for lane in range(first, first + width))}>"
                )
                for first in (0, width)
            ]
            name = put(f"fadd <{width} x double> {halves[0]}, {halves[1]}")
        return Lanes(self.around.main.block, put(f"extractelement <1 x double> {name}, i32 0"))

    def _seen(self) -> Mask:
        """The lanes in which there was a NaN so far."""
        return Mask(self.block, self.block.put(f"load {self.block.masks}, ptr {self.nan}"))

    def _load(self, at: str) -> Lanes:
        return Lanes(self.block, self.block.put(f"load {self.block.doubles}, ptr {at}"))

    def _store(self, lanes: Lanes, at: str) -> None:
        self.block.lines.append(f"store {self.block.doubles} {lanes.name}, ptr {at}")


def _begins_lines(place: Place, first: int) -> bool:
    """Whether vectors of rounds begin where lines of the cache do, so many being done before."""
    *outer, stride = place.strides
    if abs(stride) != 1 or any(each % LINE for each in outer):
        return False
    lowest = first if stride > 0 else 1 - first - LANES
    return (place.start + place.base + lowest) % LINE == 0
