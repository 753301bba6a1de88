"""The rounds of a loop as lanes of vectors, in a kernel that computes one example.

Numbers that stand side by side are loaded and stored together, and others one by one. What only
adds to a sum adds to one sum in each lane; these are added up when the loop has ended.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from wengert.primitives import mul
from wengert.program.address import CONSTANT, Address
from wengert.program.dependence import Level, Site, is_sum
from wengert.program.statements import Accumulate
from wengert.program.storage import Storage
from wengert.run.carried import Variable, spot_of
from wengert.run.lane_rows import Rows
from wengert.run.lanes import Block, Lanes, Mask
from wengert.run.module import Function
from wengert.run.parallel import LANES, Parallel, terms
from wengert.run.place import one_number
from wengert.run.place_code import Places


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
        doubles, masks = self.block.doubles, self.block.masks
        self.totals = {site: self._zero(f"lanes{site.number}", doubles) for site in self.sums}
        self.nan = self._zero("nan", masks) if watched - set(self.sums) else ""

    def _zero(self, name: str, kind: str) -> str:
        """A variable that is 0 when the loop begins."""
        lines = self.block.lines
        at = self.around.main.variable(f"{name}.{len(lines)}", kind)
        lines.append(f"store {kind} zeroinitializer, ptr {at}")
        return at

    def body(self, level: Level) -> None:
        """All statements."""
        outer = self.around.main.block
        self.block.begin_as(outer.label)
        for part in level.parts:
            for item in part:
                assert isinstance(item, Site)
                self._site(item)
        outer.begin_as(self.block.label)

    def end(self) -> None:
        """Behind the loop: add the sums of all lanes to those of the code around."""
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
            some = self._seen().any()
            first = block.put(f"insertelement {block.masks} poison, i1 {some}, i32 0")
            self.watch(Mask(block, first))

    # --- statements -------------------------------------------------------------------------------

    def _site(self, site: Site) -> None:
        if site in self.found.copying:
            return
        statement, around = site.statement, self.around
        operands = [self._read(site, address) for address in terms(site, self.sums)]
        if site in self.sums:
            total = self._load(self.totals[site]) + operands[0]
            self._store(total, self.totals[site])
            return
        if isinstance(statement, Accumulate):
            result = operands[0] + operands[1]
        else:
            row = mul if site in around.plain else getattr(statement, "row", None)
            result = around.rows.applied(row, operands) if row else operands[0]
        if site in self.watched:
            seen = self._seen() | result.is_nan()
            self.block.lines.append(f"store {self.block.masks} {seen.name}, ptr {self.nan}")
        self._assign(site, result)

    def _assign(self, site: Site, lanes: Lanes) -> None:
        assert site.target is not None
        kept = self.around.kept
        if site in kept.homes or site.target.memory in self.around.places.leaves:
            self._write(site, site.target, lanes)
        else:
            self.registers[kept.registers[site, site.target] if is_sum(site) else site] = lanes

    # --- numbers ----------------------------------------------------------------------------------

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
        pointer, stride = places.pointer(site, address)
        put, doubles = self.block.put, self.block.doubles
        if stride == 0:
            return self.block.spread(put(f"load double, ptr {pointer}"))
        if stride == 1:
            return Lanes(self.block, put(f"load {doubles}, ptr {pointer}, align 8"))
        if stride == -1:
            first = put(f"getelementptr double, ptr {pointer}, i64 {1 - LANES}")
            return self._reversed(put(f"load {doubles}, ptr {first}, align 8"))
        result = "poison"
        for lane in range(LANES):
            there = put(f"getelementptr double, ptr {pointer}, i64 {lane * stride}")
            one = put(f"load double, ptr {there}, align 8")
            result = put(f"insertelement {doubles} {result}, double {one}, i32 {lane}")
        return Lanes(self.block, result)

    def _write(self, site: Site, address: Address, lanes: Lanes) -> None:
        pointer, stride = self.around.places.pointer(site, address)
        put, block = self.block.put, self.block
        if stride in (1, -1):
            if stride < 0:
                pointer = put(f"getelementptr double, ptr {pointer}, i64 {1 - LANES}")
                lanes = self._reversed(lanes.name)
            block.lines.append(f"store {block.doubles} {lanes.name}, ptr {pointer}, align 8")
            return
        for lane in range(LANES):
            one = put(f"extractelement {block.doubles} {lanes.name}, i32 {lane}")
            there = put(f"getelementptr double, ptr {pointer}, i64 {lane * stride}")
            block.lines.append(f"store double {one}, ptr {there}, align 8")

    def _of_the_outside(self, register: Site) -> str:
        """A number of the code around."""
        around = self.around
        if register in around.variables:
            return self._variable(around.variables[register])
        return self._first(around.registers[register].name)

    def _variable(self, at: str) -> str:
        return self._first(self.block.put(f"load {self.around.main.block.doubles}, ptr {at}"))

    def _first(self, name: str) -> str:
        doubles = self.around.main.block.doubles
        return self.block.put(f"extractelement {doubles} {name}, i32 0")

    def _reversed(self, name: str) -> Lanes:
        doubles = self.block.doubles
        order = ", ".join(f"i32 {lane}" for lane in reversed(range(LANES)))
        mask = f"<{LANES} x i32> <{order}>"
        return Lanes(
            self.block, self.block.put(f"shufflevector {doubles} {name}, {doubles} poison, {mask}")
        )

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
        return Lanes(self.around.main.block, name)

    def _seen(self) -> Mask:
        """The lanes in which there was a NaN so far."""
        return Mask(self.block, self.block.put(f"load {self.block.masks}, ptr {self.nan}"))

    def _load(self, at: str) -> Lanes:
        return Lanes(self.block, self.block.put(f"load {self.block.doubles}, ptr {at}"))

    def _store(self, lanes: Lanes, at: str) -> None:
        self.block.lines.append(f"store {self.block.doubles} {lanes.name}, ptr {at}")
