"""Where the numbers of a program with loops are, as instructions of a kernel that keeps the loops.

Inputs and outputs are in the columns of a batch, constants and indices in tables, and values in the
scratch memory, with a vector of lanes at each place. Inputs that are reached by one address, but
are in several columns, are copied to the scratch memory before; so are outputs after, if there are
such or if they are sums. Of one example, whole arrays of values can be kept where the results are
(`in_place`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from wengert.program.address import CONSTANT, INPUT, OUTPUT, Address
from wengert.program.dependence import Site, Table, bounded, extent
from wengert.program.program import Program
from wengert.program.statements import While
from wengert.run.columns import CONSTANTS, INDEX, SUM
from wengert.run.in_place import InPlace, ahead, in_place
from wengert.run.lanes import Lanes, Mask
from wengert.run.module import Function
from wengert.run.place import FAR, Memories, Place, one_number

Index = int | str  # an integer that is known, or the name of one


class Places:
    """The memories of a kernel.

    Args:
        program: the program.
        buffer: how its memories are divided up.
        function: where instructions are written.
        fail: what to do about lanes that reach a place which is not there.

    Attributes:
        counters: of the loops around, by depth.
        size: how many numbers are kept in each lane.
    """

    def __init__(
        self, program: Program, buffer: Memories, function: Function, fail: Callable[[Mask], None]
    ) -> None:
        self.program, self.buffer, self.function, self.fail = program, buffer, function, fail
        self.block = function.block
        self.table = Table(program.index)
        self.counters: dict[int, Index] = {}
        self.size = buffer.kept.size
        self.leaves = {INPUT: function.inputs, OUTPUT: function.outputs}
        self.ahead = {INPUT: 0, OUTPUT: len(function.inputs)}
        self.in_place = InPlace()
        self.packed: dict[str, int] = {}  # where those are in the scratch memory that are copied
        for memory in (INPUT, OUTPUT):
            if any(self._must_be_packed(memory, site) for site in buffer.kept.layout.sites):
                self.packed[memory] = self.size
                self.size += program.sizes[memory]
        if function.plan.is_alone and OUTPUT not in self.packed:
            self.in_place = in_place(buffer.kept, self.table)

    def _must_be_packed(self, memory: str, site: Site) -> bool:
        if memory == OUTPUT:
            if any(read.memory == OUTPUT for read in site.reads):
                return True
            summed = SUM in self.function.words.kinds
            if summed and any(isinstance(level.loop, While) for level in site.levels):
                return True  # lanes are moved out one by one, and are added once
        return any(
            address.memory == memory and self._leaf(address, site.counts) is None
            for address in (*site.reads, *([site.target] if site.target else []))
        )

    def _leaf(self, address: Address, counts: Sequence[int]) -> int | None:
        """The leaf that an address reaches into, if it is one."""
        leaves = self.leaves[address.memory]
        if not bounded(address, counts):
            return 0 if len(leaves) == 1 else None
        reach = extent(address, counts, self.table)
        return leaves.common(reach.low, reach.high)

    # --- numbers ----------------------------------------------------------------------------------

    def aligned(self, site: Site, address: Address) -> Place:
        """Where an address is in its memory, counted from a line of the processor's cache."""
        place = self.buffer.place(site, address)
        column = self._column(site, address, place.start) if address.memory != INPUT else None
        return (
            replace(place, start=int(column[1]) - ahead(self.program.results)) if column else place
        )

    def read(self, site: Site, address: Address) -> Lanes:
        """What an address has for a site."""
        if address.memory == CONSTANT:
            number = one_number(self.program, address, site.counts, self.table)
            if number is not None:
                return self.block.constant(number)
        at = self._within(self.buffer.place(site, address), site.counts)
        if address.memory == CONSTANT:
            return self.constant(at)
        if address.memory in self.packed:
            return self.function.kept(self.integer("add", at, self.packed[address.memory]))
        if column := self._column(site, address, at):
            return self.function.words.load(*column)
        return self.function.kept(at)

    def write(self, site: Site, address: Address, lanes: Lanes) -> None:
        """Put something where a site finds an address."""
        at = self._within(self.buffer.place(site, address), site.counts)
        if address.memory in self.packed:
            self.function.keep(self.integer("add", at, self.packed[address.memory]), lanes)
        elif column := self._column(site, address, at):
            self.function.words.store(*column, lanes)
        else:
            self.function.keep(at, lanes)

    def constant(self, at: Index) -> Lanes:
        """A constant of the table, in all lanes."""
        return self.block.spread(self.block.put(f"load double, ptr {self._constant(at)}"))

    def _constant(self, at: Index) -> str:
        table = self.function.words.word(CONSTANTS, "ptr")
        return self.block.put(f"getelementptr double, ptr {table}, i64 {at}")

    def pointer(self, site: Site, address: Address) -> tuple[str, int]:
        """Where a number is, and by how many the innermost loop moves it: of one example."""
        place = self.buffer.place(site, address)
        at = self._within(place, site.counts)
        stride = place.strides[-1]
        if address.memory == CONSTANT:
            return self._constant(at), stride
        if address.memory in self.packed:
            return self.function.slot(self.integer("add", at, self.packed[address.memory])), stride
        if column := self._column(site, address, at):
            return self.function.words.pointer(*column), stride
        return self.function.slot(at), stride

    def _column(self, site: Site, address: Address, at: Index) -> tuple[int, Index] | None:
        """The column that an address is in, and which of its numbers; None for our own memory."""
        if address.memory in self.leaves:
            leaf = self._leaf(address, site.counts)
            assert leaf is not None
            first = self.leaves[address.memory].starts[leaf]
            return self.ahead[address.memory] + leaf, self.integer("add", at, -first)
        kept = self.buffer.kept
        array = kept.sources.get((site, address)) or kept.homes.get(site)
        if address.memory == CONSTANT or array is None or array not in self.in_place.starts:
            return None
        start = self.in_place.starts[array] - self.buffer.start_of(array)
        return self.ahead[OUTPUT], self.integer("add", at, start)

    def columns(self, memory: str) -> Iterator[tuple[int, int, int]]:
        """Of each leaf that is copied: its column, where it is kept, how many numbers it has."""
        if memory not in self.packed:
            return
        leaves = self.leaves[memory]
        ends = (*leaves.starts[1:], leaves.size)
        for leaf, (start, end) in enumerate(zip(leaves.starts, ends, strict=True)):
            if end > start:
                yield self.ahead[memory] + leaf, self.packed[memory] + start, end - start

    # --- integers ---------------------------------------------------------------------------------

    def integer(self, operation: str, a: Index, b: Index) -> Index:
        """A sum or a product, at once where both are known."""
        neutral = 0 if operation == "add" else 1
        if neutral in (a, b):
            return b if a == neutral else a
        if isinstance(a, int) and isinstance(b, int):
            return a + b if operation == "add" else a * b
        return self.block.put(f"{operation} i64 {a}, {b}")

    def _affine(self, base: int, strides: Sequence[int]) -> Index:
        """`base + Σ strides·k`."""
        total: Index = base
        for depth, stride in enumerate(strides):
            if stride:
                moved = self.integer("mul", self.counters[depth], stride)
                total = self.integer("add", total, moved)
        return total

    def _within(self, place: Place, counts: Sequence[int]) -> Index:
        """Where in its memory a place is."""
        lookup, put = place.address.lookup, self.block.put
        if place.rows:
            return self.integer("add", self._in_row(place), place.start)
        total = self._affine(place.base, place.strides)
        if lookup:
            entry = self._affine(lookup.start, lookup.strides)
            if place.checked:
                entry = self._checked(entry, len(self.program.index))
            table = self.function.words.word(INDEX, "ptr")
            there = put(f"getelementptr i64, ptr {table}, i64 {entry}")
            total = self.integer("add", total, put(f"load i64, ptr {there}"))
            if place.step != 1:
                total = put(f"sdiv i64 {total}, {place.step}")
        if place.window:
            total = self._wrapped(total, place, counts)
        elif place.checked:
            total = self._checked(total, place.size)
        return self.integer("add", total, place.start)

    def _in_row(self, place: Place) -> Index:
        """The place within a window of rows."""
        row, column = divmod(place.base, place.row)
        across = [0 if stride % place.row else stride // place.row for stride in place.strides]
        along = [stride if stride % place.row else 0 for stride in place.strides]
        number = self._affine(row, across)
        last = place.rows - 1
        turn = (
            number & last
            if isinstance(number, int)
            else self.block.put(f"and i64 {number}, {last}")
        )
        there = self.integer("mul", turn, place.size // place.rows)
        return self.integer("add", there, self._affine(column, along))

    def _wrapped(self, total: Index, place: Place, counts: Sequence[int]) -> Index:
        """The place within a window."""
        low, put = place.lowest(counts, self.table), self.block.put
        if low > -FAR:
            ahead = -min(low // place.size, 0) * place.size
            return put(f"urem i64 {self.integer('add', total, ahead)}, {place.size}")
        rest = put(f"srem i64 {total}, {place.size}")
        return put(f"urem i64 {put(f'add i64 {rest}, {place.size}')}, {place.size}")

    def _checked(self, total: Index, size: int) -> Index:
        """A place that a while loop moves; if it is outside of its memory, 0, and lanes fail."""
        put = self.block.put
        outside = put(f"icmp uge i64 {total}, {size}")
        self.fail(Mask(self.block, self.block.spread_of("i1", outside)))
        return put(f"select i1 {outside}, i64 0, i64 {total}")
